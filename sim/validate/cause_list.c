/* cause_list.c - see cause_list.h. */
#include "sim/validate/cause_list.h"

#include <math.h>

/* A number that was fitted must explain at least this much to be preferred to none. */
static const double fitted_worth = 0.03;
/* A cause leaves at most this share of what there is to explain. */
static const double leaves_at_most = 0.75;

double cause_apart(double a, double b)
{
	return fmax(a / b, b / a) - 1;
}

static bool explains(const struct likely_cause *c, double left)
{
	return left < leaves_at_most * c->of;
}

static bool keep(struct cause_list *l, struct likely_cause c, double key)
{
	VEC_ADD(&l->causes, c);
	VEC_ADD(&l->keys, key);
	return true;
}

bool cause_list_add(struct cause_list *l, struct likely_cause c, int fitted)
{
	const double key = c.left + fitted_worth * fitted;

	return explains(&c, key) && keep(l, c, key);
}

bool cause_list_add_said(struct cause_list *l, struct likely_cause c)
{
	return explains(&c, c.left) && keep(l, c, -1);
}

void cause_list_rank(struct cause_list *l, struct arena *a, struct explanation *e)
{
	const size_t n = l->causes.n;

	e->causes = arena_array(a, CAUSES_SHOWN, sizeof *e->causes);
	while (e->causes_n < CAUSES_SHOWN) {
		size_t best = n;

		for (size_t i = 0; i < n; i++)
			if (l->keys.at[i] < (best == n ? INFINITY : l->keys.at[best]))
				best = i;
		if (best == n)
			break;
		e->causes[e->causes_n++] = l->causes.at[best];
		l->keys.at[best] = INFINITY;
	}
	VEC_FREE(&l->causes);
	VEC_FREE(&l->keys);
}
