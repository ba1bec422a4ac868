/*
 * rng.h - named streams of random numbers, the same on every machine.
 *
 * Layer base. A stream is seeded from (seed, name), so adding a source of randomness does not change the
 * numbers of another. The generator is GSL's MT19937. Normal draws use the ratio method
 * (+ - * / and the logarithm of exact_math.h).
 */
#ifndef SIM_BASE_RNG_H
#define SIM_BASE_RNG_H
#include <stdint.h>

struct rng; /* opaque */

struct rng *rng_new(uint64_t seed, const char *name); /* never NULL */
void rng_free(struct rng *r);                         /* NULL is allowed */

double rng_uniform(struct rng *r); /* in (0, 1) */
double rng_normal(struct rng *r);  /* mean 0, standard deviation 1 */

#endif
