/*
 * other_dtype.c - products in bf16 from those in f16; see profile_fit.h.
 *
 * GPUs with matrix units multiply both at one rate, and libraries have the same kernels for both, so that what was measured
 * of one says what the other does but for how its kernels were tuned. Where some shapes were measured in both, their ratio
 * and its scatter are known; where none was, both are taken to be alike, and the spread is wide: a device without bf16 in
 * hardware needs about twice as long for it.
 */
#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/units.h"
#include "sim/calib/table_fit.h"
#include "sim/cost/util.h"

/* Of products of shapes that neither dtype has a kernel of its own for: with both peaks on a data sheet, and without. */
static const double with_peaks = 0.1, without = 0.25;

static bool has_shape(const struct utilisation_table *t, const struct utilisation_point *p)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->at[i].m == p->m && t->at[i].n == p->n && t->at[i].k == p->k)
			return true;
	return false;
}

/* The rates of bf16 over those of f16, from the shapes that were measured in bf16. */
static struct number measured_ratio(const struct profile_fitting *g, const struct utilisation_table *from,
				    const struct utilisation_table *to)
{
	const struct util_table *table = table_prepare(g->arena, from);
	double *ratio = arena_array(g->arena, to->n, sizeof *ratio);

	for (size_t i = 0; i < to->n; i++) {
		const struct utilisation_point *p = &to->at[i];

		ratio[i] = p->u.value * to->peak.value / from->peak.value /
			   util_at(table, (double)p->m, (double)p->n * (double)p->k).u;
	}
	return profile_fit_share(g, ratio, to->n, "shapes that were measured in both");
}

static struct number usual_ratio(const struct profile_fitting *g)
{
	double f16, bf16;
	const bool both = datasheet_value(g->datasheet, "peak_f16", DIM_FLOPS, &f16) &&
			  datasheet_value(g->datasheet, "peak_bf16", DIM_FLOPS, &bf16);
	const double value = both ? bf16 / f16 : 1;

	return (struct number){value,
			       value * (both ? with_peaks : without),
			       0,
			       PROVENANCE_TRANSFERRED,
			       both ? "the peaks of the data sheet" : "taken to be alike",
			       true};
}

static struct number times(const struct number *x, double factor, double spread, const char *source)
{
	return (struct number){factor * x->value,
			       factor * x->value * exact_hypot(x->sd / x->value, spread),
			       0,
			       PROVENANCE_TRANSFERRED,
			       source,
			       true};
}

/* A peak that no data sheet gives is at least the best rate. */
static void settle_peak(const struct profile_fitting *g, const struct utilisation_table *from, double ratio,
			struct utilisation_table *to)
{
	const double before = to->n ? to->peak.value : 0;
	double least = before, stated;

	if (to->n && to->peak_stated)
		return;
	if (datasheet_value(g->datasheet, "peak_bf16", DIM_FLOPS, &stated)) {
		to->peak = (struct number){.value = stated, .given = true};
		return;
	}
	for (size_t i = 0; i < from->n; i++)
		least = fmax(least, from->at[i].u.value * from->peak.value * ratio);
	to->peak = profile_fit_transferred(&from->peak, 0.25, "that of f16");
	to->peak.value = fmax(least * 1.0002, to->n ? 0 : from->peak.value * ratio);
	for (size_t i = 0; i < to->n; i++) {
		to->at[i].u.value *= before / to->peak.value;
		to->at[i].u.sd *= before / to->peak.value;
	}
}

static struct number wider(const struct number *x, double usual, double spread, const char *source)
{
	return (struct number){fmin(exact_hypot(x->given ? x->value : usual, spread), 0.5),
			       0,
			       0,
			       PROVENANCE_TRANSFERRED,
			       source,
			       true};
}

static void add_shapes(struct profile_fitting *g, const struct utilisation_table *from,
		       const struct number *ratio, struct utilisation_table *to)
{
	const double factor = ratio->value * from->peak.value / to->peak.value,
		     spread = ratio->sd / ratio->value;
	struct utilisation_point *all = arena_array(g->arena, from->n + to->n, sizeof *all);
	size_t n = to->n;

	if (n)
		memcpy(all, to->at, n * sizeof *all);
	for (size_t i = 0; i < from->n; i++)
		if (!has_shape(to, &from->at[i])) {
			all[n] = from->at[i];
			all[n].u = times(&from->at[i].u, factor, spread, "in f16");
			all[n].u.value = fmin(all[n].u.value, 1);
			n++;
		}
	to->at = all;
	to->n = n;
}

void profile_fit_bf16(struct profile_fitting *g)
{
	const struct utilisation_table *from = &g->d->gemm[DTYPE_F16];
	struct utilisation_table *to = &g->d->gemm[DTYPE_BF16];
	const size_t measured = to->n;
	struct number ratio;
	double spread;

	if (!from->n)
		return;
	ratio = measured ? measured_ratio(g, from, to) : usual_ratio(g);
	spread = ratio.sd / ratio.value;
	settle_peak(g, from, ratio.value, to);
	add_shapes(g, from, &ratio, to);
	if (to->n == measured)
		return;
	to->between = wider(&from->between, util_error_usual.between, spread, "that of f16, wider");
	to->beyond = wider(&from->beyond, util_error_usual.beyond, spread, "that of f16, wider");
	if (!measured) {
		to->roof = times(&from->roof, ratio.value, spread, "that of f16");
		to->roof.value = fmin(to->roof.value, to->peak.value);
		to->sync = from->sync;
		to->sync.provenance = PROVENANCE_TRANSFERRED;
	}
	profile_fit_say(g, "bf16: %zu of %zu products are those of f16 times %s +- %.0f %%: %s",
			to->n - measured, to->n, units_digits(ratio.value, 3).text, 100 * spread,
			ratio.source);
}
