/* rng.c - see rng.h. */
#include "sim/base/rng.h"

#include <gsl/gsl_rng.h>
#include <math.h>

#include "sim/base/err.h"
#include "sim/base/exact_math.h"

/* The FNV-1a hash (Fowler, Noll, Vo) of the name and the bytes of the seed. */
static uint64_t hash_seed(uint64_t seed, const char *name)
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
	const uint64_t h = hash_seed(seed, name);

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

/* The ratio of uniforms, with quadratic bounds that spare nearly every logarithm: Leva, "A fast normal random number
 * generator", ACM TOMS 18 (1992), 449-453. */
double rng_normal(struct rng *r)
{
	for (;;) {
		const double u = 1 - gsl_rng_uniform((gsl_rng *)r); /* above 0 */
		const double v = 1.7156 * (gsl_rng_uniform((gsl_rng *)r) - 0.5);
		const double x = u - 0.449871, y = fabs(v) + 0.386595;
		const double q = x * x + y * (0.196 * y - 0.25472 * x);

		if (q < 0.27597 || (q <= 0.27846 && v * v <= -4 * u * u * exact_log(u)))
			return v / u;
	}
}
