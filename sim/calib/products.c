/*
 * products.c - tables of products by the format of their weights, of experts too; see profile_fit.h.
 *
 * A few numbers (few_rows.c) say what a runtime of one matrix-vector and one matrix-matrix kernel does, whose formats
 * differ by a factor. Where rows in blocks were measured between the two, or the law of few rows misses its own samples,
 * the samples themselves are the profile. Products of experts are another kernel, which is told by its samples alone.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "sim/calib/table_fit.h"

static const double most_over_peak = 100, few_misses = 0.25, single_misses = 0.1;

static bool is_product(const struct profile_fitting *g, const struct sample *s, enum sample_dtype dtype,
		       int64_t least)
{
	return s->dtype == dtype && s->m >= least && s->n > 0 && s->k > 0 &&
	       (profile_fit_wants(g, s, SAMPLE_GEMM) || profile_fit_wants(g, s, SAMPLE_GEMV));
}

/* Samples between few rows and many tell where one kernel takes over from the other. */
static bool is_between(const struct sample *s)
{
	return s->m > FEW_GEMM_ROWS && s->m < FEW_MANY_ROWS;
}

static bool few_rows_miss(const struct number *further)
{
	return further->given && further->sd > few_misses * further->value;
}

/* The law of single rows is a start and a rate, which holds for shapes beyond those measured too. Where their kernels' rate
 * hangs on the shape, samples of many shapes tell more. */
enum { SINGLE_SHAPES = 8 };

static int64_t least_rows(const struct profile_fitting *g, enum few_format f)
{
	const struct number *rate[FEW_FORMATS] = {&g->d->gemv, &g->d->gemv_q8, &g->d->gemv_q4};
	const enum sample_dtype dtype = profile_fit_dtype_of(g, f);
	size_t shapes = 0;

	for (size_t i = 0; i < g->set->n; i++)
		shapes += g->set->samples[i].m == 1 && is_product(g, &g->set->samples[i], dtype, 1);
	return shapes >= SINGLE_SHAPES && rate[f]->given && rate[f]->sd > single_misses * rate[f]->value ? 1
													 : 2;
}

static void make_table(struct table_fit *t, struct utilisation_table *to, const char *what,
		       enum sample_kind kind, enum sample_dtype dtype)
{
	const double peak = t->g->d->gemm[profile_fit_compute(t->g->d)].peak.value;

	t->t0 = profile_fit_product_start(t->g);
	t->t0_sd = 0.1 * t->t0;
	for (size_t i = 0; i < t->n; i++)
		t->at[i].u = table_work_rate(t, &t->at[i]) / peak;
	table_error(t, to, what);
	table_write(t, to, most_over_peak, kind, dtype);
}

/* Of weights as they are, products of more rows than a matrix-vector kernel has are in the table of their dtype. */
static void fit_dense(struct profile_fitting *g, enum few_format f)
{
	const enum sample_dtype dtype = profile_fit_dtype_of(g, f);
	const int64_t rows = f == FEW_WHOLE ? 2 * FEW_GEMM_ROWS : INT64_MAX, least = least_rows(g, f);
	struct table_fit t = {.g = g, .at = arena_array(g->arena, g->set->n + 1, sizeof *t.at)};
	size_t between = 0;

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];
		struct sample with = *s;

		if (!is_product(g, s, dtype, least) || s->m > rows)
			continue;
		with.flop = 2 * (double)s->m * (double)s->n * (double)s->k;
		between += is_between(s);
		table_add(&t, s, &with, 0);
	}
	if (between && (f != FEW_WHOLE || few_rows_miss(&g->d->few.further[f])))
		make_table(&t, &g->d->products[f],
			   arena_printf(g->arena, "products of %s and more in %s",
					least > 1 ? "two rows" : "one row", sample_dtype_names[dtype]),
			   SAMPLE_GEMM, dtype);
}

/* Products that the host started one by one say nothing of the kernel that takes all experts: `expert_calls` of the profile. */
static bool is_called(const struct sample *s)
{
	return sample_is_of_path(s, "called");
}

/* m rows that meet k experts of n x n are one product of m / k rows, which is no whole number where tokens choose, through as
 * many weights as k experts have: they run in one launch, whose blocks fill the device together, however few rows each expert
 * gets. */
static bool as_expert(const struct profile_fitting *g, const struct sample *s, enum sample_dtype dtype,
		      struct sample *one)
{
	*one = *s;
	if (!profile_fit_wants(g, s, SAMPLE_MOE) || is_called(s) || s->dtype != dtype || s->k < 1 ||
	    s->m < s->k || s->n < 1)
		return false;
	one->m = s->m % s->k ? s->m : s->m / s->k;
	one->k = s->n * s->k;
	one->flop = 2 * (double)s->m * (double)s->n * (double)s->n;
	return true;
}

/* One width of experts says nothing of another's, and one number of rows nothing of more. */
static bool spans(const struct table_fit *t)
{
	bool widths = false, rows = false;

	for (size_t i = 1; i < t->n; i++) {
		widths |= t->at[i].n != t->at[0].n;
		rows |= cell_rows(&t->at[i]) != cell_rows(&t->at[0]);
	}
	return widths && rows;
}

/* The tokens of a pass, each of whose rows are of so many experts as the path says; of our own suite's eight (kernels/gpu/plan.c). */
static double tokens_of(const struct sample *s)
{
	enum { USED = 8 };
	int64_t used = s->k < USED ? s->k : USED;
	char *end;

	if (s->path && isdigit((unsigned char)*s->path)) {
		const long said = strtol(s->path, &end, 10);

		if (said > 0 && str_starts(end, " of "))
			used = said;
	}
	return ceil((double)s->m / (double)used);
}

/* Gathers the experts of a format, of passes of few tokens, of more, or of all. Software has a kernel for either, and the number of tokens
 * decides (sim/cost/measured_rows.c). */
enum which { OF_FEW, OF_MORE, OF_ALL };
static bool is_of(const struct sample *s, enum which which)
{
	return which == OF_ALL || (tokens_of(s) <= FEW_GEMM_ROWS) == (which == OF_FEW);
}

/* By tokens: as if each of them met every expert that is hit, which is the work of tiles as wide as the pass. */
static struct table_fit gather_experts(struct profile_fitting *g, enum few_format f, enum which which,
				       bool by_tokens)
{
	const enum sample_dtype dtype = profile_fit_dtype_of(g, f);
	struct table_fit t = {.g = g, .at = arena_array(g->arena, g->set->n + 1, sizeof *t.at)};

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];
		struct sample one;

		if (!as_expert(g, s, dtype, &one) || !is_of(s, which))
			continue;
		if (by_tokens) {
			one.m = (int64_t)tokens_of(s);
			one.flop *= (double)one.m * (double)s->k / (double)s->m;
		}
		table_add(&t, s, &one, !by_tokens && s->m % s->k ? s->k : 0);
	}
	return t;
}

/* Which of two tables tells shapes better that it was not made of; a fifth is no chance. */
static bool is_better(const struct utilisation_table *a, const struct utilisation_table *b)
{
	return a->between.given && b->between.given && a->between.n >= 4 &&
	       a->between.value < 0.8 * b->between.value;
}

static struct utilisation_table experts_table(struct profile_fitting *g, enum few_format f, enum which which,
					      bool by_tokens)
{
	static const char *const of[] = {
		[OF_FEW] = " of few tokens", [OF_MORE] = " of many tokens", [OF_ALL] = ""};
	const enum sample_dtype dtype = profile_fit_dtype_of(g, f);
	struct table_fit t = gather_experts(g, f, which, by_tokens);
	struct utilisation_table made = {.tokens = by_tokens};

	if (spans(&t))
		make_table(&t, &made,
			   arena_printf(g->arena, "products of experts%s in %s%s", of[which],
					sample_dtype_names[dtype], by_tokens ? ", by tokens" : ""),
			   SAMPLE_MOE, dtype);
	return made;
}

/* One table, or one for each of two kernels where these tell better what they were not made of. */
static void fit_experts(struct profile_fitting *g, enum few_format f)
{
	const struct utilisation_table all = experts_table(g, f, OF_ALL, false),
				       few = experts_table(g, f, OF_FEW, false),
				       tokens = experts_table(g, f, OF_MORE, true);
	struct utilisation_table more = experts_table(g, f, OF_MORE, false);

	if (is_better(&tokens, &more))
		more = tokens;
	g->d->experts[f] = all;
	if (few.n && more.n && (is_better(&few, &all) || is_better(&more, &all))) {
		g->d->experts_few[f] = few;
		g->d->experts[f] = more;
	}
}

void profile_fit_products(struct profile_fitting *g)
{
	for (int f = 0; f < FEW_FORMATS; f++) {
		fit_dense(g, (enum few_format)f);
		fit_experts(g, (enum few_format)f);
	}
}

bool profile_fit_has_table(const struct profile_fitting *g, enum sample_kind kind, enum sample_dtype dtype)
{
	for (int f = 0; f < FEW_FORMATS; f++)
		if (profile_fit_dtype_of(g, (enum few_format)f) == dtype &&
		    (kind == SAMPLE_MOE ? g->d->experts : g->d->products)[f].n)
			return true;
	return false;
}
