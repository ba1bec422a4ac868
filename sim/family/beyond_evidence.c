/* beyond_evidence.c - see beyond_evidence.h. */
#include "sim/family/beyond_evidence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/vec.h"
#include "sim/family/beyond_fit.h"
#include "sim/family/family_keys.h"
#include "sim/stats/quantile.h"

enum { CHIPS_LEFT_OUT = 4, LEAST_LEFT = 4, LEAST_ROWS = 2 };

struct evidence {
	const struct family_model *family;
	const struct observations *e;
	struct fit_reach *reach, fit; /* of each row; of the whole fit */
	struct family_values all;
	bool *skip; /* of each row: left out of the fit at hand */
	VEC(double) errors[BEYOND_HOLES][REACH_PHASES][BEYOND_KINDS];
};

static bool fits(const struct evidence *x, size_t i)
{
	return family_fits(x->family, &x->e->at[i]);
}

/* A row of both phases, and one of an operator alone, tell nothing of either. */
static bool is_of_phase(const struct evidence *x, size_t i, int phase)
{
	const struct run *run = x->e->at[i].run;

	return x->e->at[i].model && !x->e->at[i].over &&
	       (phase == REACH_PREFILL ? run->prompt > 0 && !run->gen : reach_is_of_steps(run));
}

static bool is_of_kind(const struct evidence *x, size_t i, int phase, int kind)
{
	const struct fit_reach *r = &x->reach[i];

	if (!is_of_phase(x, i, phase))
		return false;
	if (kind == BEYOND_CONTEXT)
		return r->context > x->fit.context / 4;
	if (kind == BEYOND_SHORT)
		return phase == REACH_PREFILL && r->fewest && r->fewest < 4 * x->fit.fewest;
	return r->had[phase][kind];
}

static const char *chip_of(const struct evidence *x, size_t i)
{
	return family_chip_name(&x->e->at[i]);
}

/* Marks the rows of the kind, on one chip or on all (NULL). Their number. */
static size_t mark(struct evidence *x, int phase, int kind, const char *chip)
{
	size_t n = 0;

	for (size_t i = 0; i < x->e->n; i++) {
		x->skip[i] = fits(x, i) && is_of_kind(x, i, phase, kind) &&
			     (!chip || !strcmp(chip, chip_of(x, i)));
		n += x->skip[i];
	}
	return n;
}

static size_t count_left(const struct evidence *x, int phase)
{
	size_t n = 0;

	for (size_t i = 0; i < x->e->n; i++)
		n += fits(x, i) && !x->skip[i] && is_of_phase(x, i, phase);
	return n;
}

/* Without a run of its own, a chip's factors are unknown, which is another matter than the kind. */
static bool chip_is_left(const struct evidence *x, const char *chip)
{
	for (size_t i = 0; i < x->e->n; i++)
		if (fits(x, i) && !x->skip[i] && !strcmp(chip, chip_of(x, i)))
			return true;
	return false;
}

static double error_of(const struct evidence *x, const struct family_values *v, size_t i)
{
	const struct observation *row = &x->e->at[i];

	return fabs(exact_log(family_seconds(x->family, v, row) / row->run->seconds));
}

/* The kinds that a fit lacks of a row: each with the hole that it stands in, or none. Their number. */
static size_t lacking(const struct evidence *x, const struct fit_reach *fit, size_t i, int phase,
		      int hole[BEYOND_KINDS])
{
	const struct fit_reach *r = &x->reach[i];
	size_t n = 0;

	for (int k = 0; k < BEYOND_KINDS; k++) {
		const bool beyond = k == BEYOND_CONTEXT ? r->context > fit->context
				    : k == BEYOND_SHORT
					    ? phase == REACH_PREFILL && r->fewest && r->fewest < fit->fewest
					    : r->had[phase][k] && !fit->had[phase][k];
		const bool elsewhere =
			!beyond && r->had[phase][k] && !fit_reach_had(fit, phase, k, chip_of(x, i));

		hole[k] = beyond ? BEYOND_KIND : elsewhere ? BEYOND_CHIP : BEYOND_HOLES;
		n += beyond || elsewhere;
	}
	return n;
}

/* What is left of the fit's rows. */
static struct fit_reach reach_left(const struct evidence *x)
{
	struct fit_reach left = {.context = 0};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < x->e->n; i++)
		if (fits(x, i) && !x->skip[i])
			fit_reach_add(&a, &x->e->at[i], x->family->profile, &left);
	arena_release(&a);
	return left;
}

/* Rows that lack another kind as well tell nothing of this one. */
static void leave_out(struct evidence *x, int hole, int phase, int kind)
{
	const struct family_exclusion without = {.rows = x->skip};
	struct family_values v;
	struct fit_reach left;

	if (count_left(x, phase) < LEAST_LEFT || family_fit_excluding(x->family, x->e, &without, &v) != 0)
		return;
	left = reach_left(x);
	for (size_t i = 0; i < x->e->n; i++) {
		int of[BEYOND_KINDS];

		if (x->skip[i] && chip_is_left(x, chip_of(x, i)) && lacking(x, &left, i, phase, of) == 1 &&
		    of[kind] == hole)
			VEC_ADD(&x->errors[hole][phase][kind], error_of(x, &v, i));
	}
}

static void leave_out_chips(struct evidence *x, int phase, int kind)
{
	const size_t n = x->fit.chips_n[phase][kind];

	for (size_t c = 0; n > 1 && c < n && c < CHIPS_LEFT_OUT; c++) {
		const char *chip = x->fit.chip[phase][kind][c];

		if (mark(x, phase, kind, chip) && chip_is_left(x, chip))
			leave_out(x, BEYOND_CHIP, phase, kind);
	}
}

static void add_held_out(struct evidence *x, size_t i)
{
	for (int phase = 0; phase < REACH_PHASES; phase++) {
		int hole[BEYOND_KINDS];
		const size_t n = is_of_phase(x, i, phase) ? lacking(x, &x->fit, i, phase, hole) : 0;

		for (int k = 0; n && k < BEYOND_KINDS; k++)
			if (hole[k] != BEYOND_HOLES)
				VEC_ADD(&x->errors[hole[k]][phase][k],
					error_of(x, &x->all, i) / sqrt((double)n));
	}
}

static void find_reaches(struct evidence *x)
{
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < x->e->n; i++) {
		if (!family_takes(x->family, &x->e->at[i]))
			continue;
		fit_reach_add(&a, &x->e->at[i], x->family->profile, &x->reach[i]);
		if (fits(x, i))
			fit_reach_add(&a, &x->e->at[i], x->family->profile, &x->fit);
	}
	arena_release(&a);
}

static void gather(struct evidence *x)
{
	find_reaches(x);
	for (int phase = 0; phase < REACH_PHASES; phase++)
		for (int kind = 0; kind < BEYOND_KINDS; kind++) {
			if (mark(x, phase, kind, NULL))
				leave_out(x, BEYOND_KIND, phase, kind);
			leave_out_chips(x, phase, kind);
		}
	for (size_t i = 0; i < x->e->n; i++)
		if (family_takes(x->family, &x->e->at[i]) && x->e->at[i].run->held_out)
			add_held_out(x, i);
}

static void write_errors(struct evidence *x, const char *name, int hole, int phase, int kind, struct str *out)
{
	double *error = x->errors[hole][phase][kind].at;
	const size_t n = x->errors[hole][phase][kind].n, rank = (4 * n + 4) / 5;

	if (n < LEAST_ROWS)
		return;
	quantile_sort(error, n);
	str_addf(out, "%s,%s,%s,%s,%zu,%.1f %%\n", name, beyond_keys[kind], reach_phases[phase],
		 beyond_left_out[hole], n, 100 * error[rank - 1]);
}

int beyond_evidence(const struct family_model *family, const struct observations *e, struct str *out,
		    struct err *err)
{
	struct arena *a = family->l->arena;
	struct evidence *x = arena_alloc(a, sizeof *x);
	const char *name; /* family,maker */

	memset(x, 0, sizeof *x);
	x->family = family;
	x->e = e;
	x->reach = arena_array(a, e->n, sizeof *x->reach);
	x->skip = arena_array(a, e->n, sizeof *x->skip);
	if (family_fit(family, e, &x->all, err) != 0)
		return -1;
	gather(x);
	name = arena_printf(a, "%s,%s", beyond_family_name(a, family->path), beyond_maker(a, family, e));
	for (int k = 0; k < BEYOND_KINDS; k++)
		for (int p = 0; p < REACH_PHASES; p++)
			for (int h = 0; h < BEYOND_HOLES; h++) {
				write_errors(x, name, h, p, k, out);
				VEC_FREE(&x->errors[h][p][k]);
			}
	return 0;
}
