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
	return arena_printf(a, "draws/%s", w->joints[s - w->units_n].link->title);
}

struct draws draws_make(struct arena *a, const struct world *w, uint64_t seed, size_t n)
{
	struct draws d = {.n = n, .sources = prog_sources(w)};

	d.z = arena_array(a, n * d.sources, sizeof *d.z);
	for (size_t s = 0; s < d.sources; s++) {
		struct rng *rng = rng_new(seed, source_name(a, w, s));

		for (size_t i = 0; i < n; i++)
			for (int p = 0; p < PARAM_N; p++)
				if (prog_has_param(w, s, (enum param)p))
					d.z[i * d.sources + s].of[p] = rng_normal(rng);
		rng_free(rng);
	}
	return d;
}
