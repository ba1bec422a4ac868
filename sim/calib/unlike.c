/* unlike.c - what a kernel takes more among unlike ones than among its like; see profile_fit.h. */
#include <math.h>

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

/* A device is empty while the last blocks of a kernel end and the first of the next wait for memory, and every kernel finds the
 * caches and translations of addresses as another one left them. Kernels that are timed among their like have a part of that in
 * their times: what they take more in their order is told by a layer's alone. Its spread is that of the layers about their median. */
void profile_fit_unlike(struct profile_fitting *g)
{
	double *more = arena_array(g->arena, g->set->n + 1, sizeof *more), *off, value, least = 0.1;
	size_t n = 0;

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i],
				    *parts = profile_fit_wants(g, s, SAMPLE_LAYER) && s->m > 0
						     ? counterpart(g, s)
						     : NULL;
		double layer_s, parts_s;

		if (!parts)
			continue;
		layer_s = sample_median(s).median_s;
		parts_s = sample_median(parts).median_s;
		more[n++] = (layer_s - parts_s) / (double)s->m;
		profile_fit_note(g, "%s: %s, and %s of kernels among their like", profile_fit_name(g, s),
				 units_text(g->arena, layer_s, DIM_TIME, 4),
				 units_text(g->arena, parts_s, DIM_TIME, 4));
	}
	value = n ? quantile_of(more, n, 0.5) : 0;
	if (!(value > 0))
		return;
	off = arena_array(g->arena, n, sizeof *off);
	for (size_t i = 0; i < n; i++)
		off[i] = fabs(more[i] / value - 1);
	g->d->unlike = (struct number){value,
				       value * fmin(fmax(model_error_sd(off, n), least), 1),
				       (int64_t)n,
				       PROVENANCE_MEASURED,
				       "kernels of a layer in their order, against each among its like",
				       true};
}
