/* validation.c - see validation.h. */
#include "sim/validate/validation.h"

#include <math.h>
#include <string.h>

double validation_error(const struct validation_row *r)
{
	return r->predicted / r->measured - 1;
}

bool validation_inside(const struct validation_row *r)
{
	return r->measured >= r->lo && r->measured <= r->hi;
}

double validation_worst(const struct validation *v)
{
	double worst = NAN;

	for (size_t i = 0; i < v->n; i++) {
		const double error = validation_error(&v->at[i]);

		if (isnan(error) && v->kind != VALIDATION_REPLAYS)
			return INFINITY;
		if (!isnan(error) && !(fabs(error) <= fabs(worst)))
			worst = error;
	}
	return worst;
}

static void add_left(struct left_sum *s, const struct left_out *left)
{
	if (isnan(left->error))
		return;
	s->n++;
	s->inside += left->inside;
	s->error += fabs(left->error);
}

static void add_to(struct validation_sum *s, const struct validation_row *r)
{
	const double error = validation_error(r),
		     unseen = isnan(r->no_model.error) ? error : r->no_model.error;

	s->n++;
	s->held_out += r->held_out;
	s->inside += validation_inside(r);
	if (isnan(unseen))
		return;
	s->compared++;
	s->error += fabs(error);
	s->bias += error;
	s->worst = fabs(error) > fabs(s->worst) ? error : s->worst;
	add_left(&s->no_model, &r->no_model);
	add_left(&s->no_chip, &r->no_chip);
	if (s->worst_row && fabs(unseen) <= fabs(s->worst_row_error))
		return;
	s->worst_row = r;
	s->worst_row_error = unseen;
}

struct validation_sum *validation_sums(struct arena *a, const struct validation *v, size_t *n)
{
	struct validation_sum *sums = arena_array(a, v->n + 1, sizeof *sums), all = {.set = "all"};

	*n = 0;
	for (size_t i = 0; i < v->n; i++) {
		size_t k = 0;

		while (k < *n && strcmp(sums[k].set, v->at[i].set) != 0)
			k++;
		if (k == *n)
			sums[(*n)++].set = v->at[i].set;
		add_to(&sums[k], &v->at[i]);
		add_to(&all, &v->at[i]);
	}
	sums[(*n)++] = all;
	return sums;
}
