/* rng.c - see rng.h. */
#include "sim/base/rng.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "sim/base/err.h"

/* FNV-1a over the name, then the seed's bytes (Fowler, Noll, Vo). */
static uint64_t mix(uint64_t seed, const char *name)
{
	uint64_t h = 1469598103934665603u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 1099511628211u;
	for (int i = 0; i < 8; i++)
		h = (h ^ ((seed >> (8 * i)) & 0xff)) * 1099511628211u;
	return h;
}

struct rng *rng_new(uint64_t seed, const char *name)
{
	gsl_rng *g = gsl_rng_alloc(gsl_rng_mt19937);
	const uint64_t h = mix(seed, name);

	if (!g)
		BUG("out of memory");
	gsl_rng_set(g, (unsigned long)((h ^ (h >> 32)) & 0xffffffffu));
	return (struct rng *)g;
}

void rng_free(struct rng *r)
{
	if (r)
		gsl_rng_free((gsl_rng *)r);
}

double rng_uniform(struct rng *r)
{
	return gsl_rng_uniform_pos((gsl_rng *)r);
}

double rng_normal(struct rng *r)
{
	return gsl_ran_gaussian_ratio_method((gsl_rng *)r, 1.0);
}
