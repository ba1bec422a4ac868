/*
 * few_rows.c - products of few rows, of experts, and of many rows in quantised blocks; see profile_fit.h.
 *
 * A matrix-vector kernel reads the weights once for all of its rows, and computes more for each: t = t(1) + (m - 1) s,
 * where s is written as a share of the peak (`few.further`, sim/cost/cost.c). A kernel that reads the weights again for
 * each row has s = t(1), so that one law holds for both.
 */
#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/calib/model_error.h"
#include "sim/calib/profile_fit.h"
#include "sim/calib/table_fit.h"
#include "sim/cost/util.h"
#include "sim/stats/quantile.h"

const char *const few_format_names[FEW_FORMATS] = {"f16", "q8", "q4"};
enum dtype profile_fit_compute(const struct profile_fit *d)
{
	return d->gemm[DTYPE_F16].n ? DTYPE_F16 : d->gemm[DTYPE_BF16].n ? DTYPE_BF16 : DTYPE_F32;
}

enum sample_dtype profile_fit_dtype_of(const struct profile_fitting *g, enum few_format f)
{
	static const enum sample_dtype whole[] = {SAMPLE_F16, SAMPLE_BF16, SAMPLE_F32};

	if (f != FEW_WHOLE)
		return f == FEW_Q8 ? SAMPLE_Q8 : SAMPLE_Q4;
	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		for (size_t j = 0; j < g->set->n; j++)
			if (profile_fit_wants(g, &g->set->samples[j], SAMPLE_GEMV) &&
			    g->set->samples[j].dtype == whole[i])
				return whole[i];
	return SAMPLE_F16;
}

static bool is_few(const struct profile_fitting *g, const struct sample *s, enum sample_dtype dtype)
{
	return s->dtype == dtype && s->m > 0 && s->n > 0 && s->k > 0 &&
	       (profile_fit_wants(g, s, SAMPLE_GEMV) ||
		(profile_fit_wants(g, s, SAMPLE_GEMM) && s->m <= FEW_GEMM_ROWS));
}

static bool same_weights(const struct sample *a, const struct sample *b)
{
	return a->n == b->n && a->k == b->k;
}

bool profile_fit_is_few_format(const struct profile_fitting *g, enum sample_dtype dtype)
{
	for (int f = 0; f < FEW_FORMATS; f++)
		if (profile_fit_dtype_of(g, (enum few_format)f) == dtype)
			return true;
	return false;
}

const struct sample *profile_fit_single_row(const struct profile_fitting *g, const struct sample *s)
{
	const struct sample *best = NULL;

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *one = &g->set->samples[i];

		if (is_few(g, one, s->dtype) && one->m == 1 && same_weights(one, s) &&
		    (!best || sample_median(one).median_s < sample_median(best).median_s))
			best = one;
	}
	return best;
}

/* Seconds that each further row adds for one FLOP of it, by least squares over relative errors of the whole time. */
struct slope {
	double s_per_flop, sd; /* sd relative: of the law's error on samples left out */
	size_t n;
	int64_t most; /* rows */
};

struct further_sums {
	double *x,
		*y; /* [n]: FLOP of the further rows, and the time that they add, each over the whole time */
	double xx, xy;
};

static struct further_sums further_sums(const struct profile_fitting *g, enum sample_dtype dtype,
					struct slope *r)
{
	struct further_sums f = {arena_array(g->arena, g->set->n, sizeof(double)),
				 arena_array(g->arena, g->set->n, sizeof(double)), 0, 0};

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i], *one = profile_fit_single_row(g, s);
		double t;

		if (!is_few(g, s, dtype) || s->m < 2 || !one)
			continue;
		t = sample_median(s).median_s;
		f.x[r->n] = 2 * (double)(s->m - 1) * (double)s->n * (double)s->k / t;
		f.y[r->n] = 1 - sample_median(one).median_s / t;
		f.xx += f.x[r->n] * f.x[r->n];
		f.xy += f.x[r->n] * f.y[r->n];
		r->n++;
		r->most = s->m > r->most ? s->m : r->most;
	}
	return f;
}

/* Each sample's error of the time of its further rows, under the slope of the others; samples whose further rows are a
 * small part of the time say little of them. */
static double further_error(const struct profile_fitting *g, const struct further_sums *f,
			    const struct slope *r)
{
	const double says_little = 0.2, unknown = 0.3;
	double *off = arena_array(g->arena, r->n, sizeof *off);
	size_t n = 0;

	for (size_t i = 0; i < r->n && r->n > 1; i++) {
		const double without = (f->xy - f->x[i] * f->y[i]) / (f->xx - f->x[i] * f->x[i]);

		if (r->s_per_flop * f->x[i] >= says_little)
			off[n++] = fabs(without * f->x[i] - f->y[i]) / (r->s_per_flop * f->x[i]);
	}
	return n ? model_error_sd(off, n) : unknown;
}

static struct slope further_row(const struct profile_fitting *g, enum sample_dtype dtype)
{
	struct slope r = {0, 0, 0, 0};
	const struct further_sums f = further_sums(g, dtype, &r);

	if (!r.n)
		return r;
	r.s_per_flop = fmax(f.xy / f.xx, 0);
	r.sd = f.xy > 0 ? further_error(g, &f, &r) : 0;
	return r;
}

static void fit_further(struct profile_fitting *g, enum few_format f, double peak)
{
	struct few_rows *few = &g->d->few;
	const struct slope slope = further_row(g, profile_fit_dtype_of(g, f));
	const double share = fmin(1 / (slope.s_per_flop * peak), 1);

	if (!(slope.s_per_flop >
	      0)) /* further rows cost nothing that shows, as a profile without the number has it */
		return;
	few->rows = slope.most > few->rows ? slope.most : few->rows;
	few->further[f] = (struct number){share,
					  share * fmin(fmax(slope.sd, fmax(g->run_sd, 0.05)), 1),
					  (int64_t)slope.n,
					  PROVENANCE_MEASURED,
					  arena_printf(g->arena, "fit to products of 2 to %lld rows in %s",
						       (long long)slope.most,
						       sample_dtype_names[profile_fit_dtype_of(g, f)]),
					  true};
}

/* The spread of shares about their middle: that of shapes that were not measured. */
static double share_error(const struct profile_fitting *g, const double *share, size_t n, double middle)
{
	const double unknown = 0.1;
	double *off = arena_array(g->arena, n, sizeof *off);

	for (size_t i = 0; i < n; i++)
		off[i] = fabs(middle / share[i] - 1);
	return fmax(n > 1 ? model_error_sd(off, n) : unknown, g->run_sd);
}

static double scattered_start(const struct profile_fitting *g)
{
	return g->d->product.given ? g->d->product.value : g->d->kernel.value;
}

/* The rate of a single row through one matrix in that dtype; not given: it was not measured. */
static const struct number *one_matrix(const struct profile_fitting *g, enum sample_dtype dtype)
{
	static const struct number none = {0};

	return dtype == SAMPLE_Q8                            ? &g->d->gemv_q8
	       : dtype == SAMPLE_Q4                          ? &g->d->gemv_q4
	       : dtype == profile_fit_dtype_of(g, FEW_WHOLE) ? &g->d->gemv
							     : &none;
}

/* A token for each of several experts, in a dtype of which one matrix was measured too. */
static bool is_one_each(const struct profile_fitting *g, const struct sample *s)
{
	return profile_fit_wants(g, s, SAMPLE_MOE) && one_matrix(g, s->dtype)->given && s->k > 1 &&
	       s->m == s->k && s->bytes > 0 && sample_median(s).median_s > 2 * scattered_start(g);
}

static bool is_in_blocks(const struct sample *s)
{
	return s->dtype == SAMPLE_Q8 || s->dtype == SAMPLE_Q4;
}

static bool any_whole(const struct profile_fitting *g)
{
	for (size_t i = 0; i < g->set->n; i++)
		if (!is_in_blocks(&g->set->samples[i]) && is_one_each(g, &g->set->samples[i]))
			return true;
	return false;
}

/* What gathering costs is relative to one matrix in the same format, so that rows in blocks tell it too; weights as they are tell it
 * better, since nothing is unpacked. */
bool profile_fit_is_scattered(const struct profile_fitting *g, const struct sample *s)
{
	return is_one_each(g, s) && (!is_in_blocks(s) || !any_whole(g));
}

/* One token for each expert: weights of many experts read by single rows, relative to those of one matrix. */
static void fit_scattered(struct profile_fitting *g)
{
	const double start = scattered_start(g);
	double *share = arena_array(g->arena, g->set->n + 1, sizeof *share), value;
	size_t n = 0;

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];

		if (profile_fit_is_scattered(g, s))
			share[n++] = s->bytes / (sample_median(s).median_s - start) /
				     one_matrix(g, s->dtype)->value;
	}
	if (!n)
		return;
	value = fmin(fmax(quantile_of(share, n, 0.5), 0.01), 1);
	g->d->few.scattered = (struct number){value,
					      value * fmin(fmax(0.1, share_error(g, share, n, value)), 1),
					      (int64_t)n,
					      PROVENANCE_MEASURED,
					      "rows of experts, one token each, against one matrix",
					      true};
	g->d->few.rows = g->d->few.rows ? g->d->few.rows : FEW_GEMM_ROWS;
}

/* Where single rows were measured in blocks and many rows not: of nineteen runtimes of the catalogue that were fitted to
 * prompts in blocks (`dequant` of hardware/runtimes), the middle one reaches 88 % of what weights as they are do, and two
 * of three lie between 50 and 117 %. */
static const double usual_dequant = 0.88, usual_dequant_spread = 0.4;

static void transfer_dequant(struct profile_fitting *g, enum few_format f)
{
	const struct number *single = f == FEW_Q8 ? &g->d->gemv_q8 : &g->d->gemv_q4;

	if (single->given)
		g->d->few.dequant[f] = (struct number){
			usual_dequant,
			usual_dequant_spread * usual_dequant,
			0,
			PROVENANCE_TRANSFERRED,
			"the middle of the catalogue's runtimes; many rows in blocks were not measured",
			true};
}

struct number profile_fit_share(const struct profile_fitting *g, const double *share, size_t n,
				const char *source)
{
	const double middle = fmin(quantile_of(share, n, 0.5), 10);

	return (struct number){middle,     middle * fmin(fmax(share_error(g, share, n, middle), 0.02), 1),
			       (int64_t)n, PROVENANCE_MEASURED,
			       source,     true};
}

double profile_fit_product_start(const struct profile_fitting *g)
{
	const struct profile_fit *d = g->d;

	if (!g->batched)
		return d->gemm[profile_fit_compute(d)].sync.value;
	return d->product.given ? d->product.value : d->kernel.value;
}

static void fit_dequant(struct profile_fitting *g, enum few_format f)
{
	const struct utilisation_table *whole = &g->d->gemm[profile_fit_compute(g->d)];
	const struct util_table *table = table_prepare(g->arena, whole);
	const double start = profile_fit_product_start(g);
	double *share = arena_array(g->arena, g->set->n + 1, sizeof *share);
	size_t n = 0;

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];
		double t;

		if (!profile_fit_wants(g, s, SAMPLE_GEMM) || s->dtype != profile_fit_dtype_of(g, f) ||
		    s->m < FEW_MANY_ROWS || !(s->flop > 0))
			continue;
		t = sample_median(s).median_s;
		if (t > 2 * start)
			share[n++] = s->flop / (t - start) / whole->peak.value /
				     util_at(table, (double)s->m, (double)s->n * (double)s->k).u;
	}
	if (!n) {
		transfer_dequant(g, f);
		return;
	}
	g->d->few.dequant[f] =
		profile_fit_share(g, share, n, "products of many rows, against weights as they are");
}

void profile_fit_few(struct profile_fitting *g)
{
	const double peak = g->d->gemm[profile_fit_compute(g->d)].peak.value;

	for (int f = 0; f < FEW_FORMATS; f++) {
		fit_further(g, (enum few_format)f, peak);
		if (f != FEW_WHOLE)
			fit_dequant(g, (enum few_format)f);
	}
	fit_scattered(g);
}
