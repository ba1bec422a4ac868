/* unlike.c - what a kernel takes more among unlike ones than among its like; see profile_fit.h. */
#include <math.h>

#include "sim/base/exact_math.h"
#include "sim/base/units.h"
#include "sim/calib/model_error.h"
#include "sim/calib/profile_fit.h"
#include "sim/stats/quantile.h"

static bool same_layer(const struct sample *a, const struct sample *b)
{
	return a->dtype == b->dtype && a->m == b->m && a->n == b->n && a->k == b->k && a->heads == b->heads &&
	       a->kv_heads == b->kv_heads && a->head_dim == b->head_dim;
}

/* The other row of a layer: its kernels among their like, or one behind another. */
static const struct sample *counterpart(const struct profile_fitting *g, const struct sample *s)
{
	const enum sample_kind kind = s->kind == SAMPLE_LAYER ? SAMPLE_PARTS : SAMPLE_LAYER;

	for (size_t i = 0; i < g->set->n; i++)
		if (profile_fit_wants(g, &g->set->samples[i], kind) && same_layer(s, &g->set->samples[i]))
			return &g->set->samples[i];
	return NULL;
}

const char *profile_fit_why_layer(const struct profile_fitting *g, const struct sample *s)
{
	if (!(s->m > 0))
		return "no 'm' (kernels)";
	if (!counterpart(g, s))
		return s->kind == SAMPLE_LAYER ? "no 'parts' of the same shape and dtype to compare with"
					       : "no 'layer' of the same shape and dtype to compare with";
	return g->d->unlike.given ? NULL : "kernels one behind another take no longer than among their like";
}

/* Seconds that a layer takes more than its kernels among their like; NAN: it has no counterpart. */
static double more_of(struct profile_fitting *g, const struct sample *s)
{
	const struct sample *parts =
		profile_fit_wants(g, s, SAMPLE_LAYER) && s->m > 0 ? counterpart(g, s) : NULL;

	return parts ? sample_median(s).median_s - sample_median(parts).median_s : NAN;
}

/* Kernels of a layer beyond those that do work. */
static double idle_kernels(const struct sample *s)
{
	return fmax((double)(s->m - SAMPLE_LAYER_WORK), 0);
}

static bool same_but_kernels(const struct sample *a, const struct sample *b)
{
	struct sample other = *b;

	other.m = a->m;
	return a->m < b->m && same_layer(a, &other);
}

/* The middle of values and their spread about it, at least a tenth of it; not given: there are none, or it is nothing. */
static struct number middle(struct profile_fitting *g, const double *values, size_t n, const char *source)
{
	const double value = n ? quantile_of(values, n, 0.5) : 0, least = 0.1;
	struct number r = {.provenance = PROVENANCE_MEASURED, .n = (int64_t)n, .source = source};
	double *off = arena_array(g->arena, n + 1, sizeof *off);

	if (!(value > 0))
		return r;
	for (size_t i = 0; i < n; i++)
		off[i] = fabs(values[i] / value - 1);
	r.given = true;
	r.value = value;
	r.sd = value * fmin(fmax(model_error_sd(off, n), least), 1);
	return r;
}

/* What a kernel that does next to nothing takes more among others: from layers that differ by such kernels alone. */
static struct number idle_more(struct profile_fitting *g)
{
	double *each = arena_array(g->arena, g->set->n * g->set->n + 1, sizeof *each);
	size_t n = 0;

	for (size_t i = 0; i < g->set->n; i++)
		for (size_t k = 0; k < g->set->n; k++) {
			const struct sample *a = &g->set->samples[i], *b = &g->set->samples[k];

			if (a->kind == SAMPLE_LAYER && same_but_kernels(a, b) && isfinite(more_of(g, a)) &&
			    isfinite(more_of(g, b)))
				each[n++] = (more_of(g, b) - more_of(g, a)) / (double)(b->m - a->m);
		}
	return middle(g, each, n, "kernels that do nothing in a layer");
}

static void note_layer(struct profile_fitting *g, const struct sample *s)
{
	profile_fit_note(g, "%s: %s, and %s of kernels among their like", profile_fit_name(g, s),
			 units_text(g->arena, sample_median(s).median_s, DIM_TIME, 4),
			 units_text(g->arena, sample_median(counterpart(g, s)).median_s, DIM_TIME, 4));
}

/* A device is empty while the last blocks of a kernel end and the first of the next wait for memory, and every kernel finds caches,
 * instructions and translations of addresses as another one left them. Kernels that are timed among their like have a part of that in
 * their times: what they take more in their order is told by a layer's alone. What those that do next to nothing take more
 * belongs to the cost of any kernel. */
void profile_fit_unlike(struct profile_fitting *g)
{
	const struct number idle = idle_more(g);
	double *each = arena_array(g->arena, g->set->n + 1, sizeof *each);
	size_t n = 0;

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];
		const double more = more_of(g, s), kernels = (double)s->m - idle_kernels(s);

		if (!isfinite(more))
			continue;
		each[n++] = (more - idle.value * idle_kernels(s)) / kernels;
		note_layer(g, s);
	}
	g->d->unlike = middle(g, each, n, "kernels of a layer in their order, against each among its like");
	if (!idle.given || !g->d->kernel.given)
		return;
	g->d->kernel.source = arena_printf(
		g->arena, "cost of a kernel that does nothing: among its like %s us, more in a layer %s",
		units_digits(1e6 * g->d->kernel.value, 3).text, units_digits(1e6 * idle.value, 2).text);
	g->d->kernel.value += idle.value;
	g->d->kernel.sd = exact_hypot(g->d->kernel.sd, idle.sd);
}
