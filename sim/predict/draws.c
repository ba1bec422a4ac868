/* draws.c - see draws.h. */
#include "sim/predict/draws.h"

#include "sim/base/rng.h"

/* The stream of a source's errors. They are those of its calibration: two machines of one hardware file share
 * them, whatever the scenario calls them. */
static const char *source_name(struct arena *a, const struct world *w, size_t s)
{
	if (s < w->units_n)
		return arena_printf(a, "draws/%s/%s", w->machines[w->units[s].machine].title,
				    w->units[s].device->origin.name);
	if (s >= w->units_n + w->link_uses_n)
		return arena_printf(a, "draws/%s/disk", w->machines[s - w->units_n - w->link_uses_n].title);
	return arena_printf(a, "draws/%s", w->link_uses[s - w->units_n].link->title);
}

static void draw_params(struct arena *a, const struct world *w, uint64_t seed, struct draws *d)
{
	for (size_t s = 0; s < d->sources; s++) {
		struct rng *rng = rng_new(seed, source_name(a, w, s));

		for (size_t i = 0; i < d->n; i++)
			for (int p = 0; p < PARAM_N; p++)
				if (program_has_param(w, s, (enum param)p))
					d->z[i * d->sources + s].of[p] = rng_normal(rng);
		rng_free(rng);
	}
}

static void draw_power(struct arena *a, const struct world *w, uint64_t seed, struct draws *d)
{
	for (size_t s = 0; s < d->sockets; s++) {
		const char *title = s < w->machines_n ? w->machines[s].title
						      : w->link_uses[s - w->machines_n].link->title;
		struct rng *rng = rng_new(seed, arena_printf(a, "draws/%s/power", title));

		for (size_t i = 0; i < d->n; i++) {
			struct power_draw *l = &d->power[i * d->sockets + s];

			l->idle = rng_normal(rng);
			l->active = rng_normal(rng);
		}
		rng_free(rng);
	}
}

struct draws draws_make(struct arena *a, const struct world *w, uint64_t seed, size_t n)
{
	struct draws d = {.n = n, .sources = program_sources(w), .sockets = w->machines_n + w->link_uses_n};

	d.z = arena_array(a, n * d.sources, sizeof *d.z);
	d.power = arena_array(a, n * d.sockets, sizeof *d.power);
	draw_params(a, w, seed, &d);
	draw_power(a, w, seed, &d);
	return d;
}

uint64_t draws_asked_seed(const struct draws_ask *ask, const struct world *w)
{
	return (uint64_t)(ask->seed >= 0 ? ask->seed : w->scenario->seed);
}

struct draws draws_asked(struct arena *a, const struct world *w, const struct draws_ask *ask)
{
	return draws_make(a, w, draws_asked_seed(ask, w), (size_t)(ask->n > 1 ? ask->n : w->scenario->draws));
}
