/*
 * rng.h - named streams of random numbers: one stream for each source, the same on every machine.
 *
 * Layer base. A stream is seeded from (seed, name), so adding a source never shifts another's numbers.
 * The generator is GSL's MT19937. Normal draws use the ratio method (add, multiply, one log); what a golden
 * file prints of them is rounded to six digits, which hides the last bit in which two libm may differ.
 */
#ifndef SIM_BASE_RNG_H
#define SIM_BASE_RNG_H
#include <stdint.h>

struct rng; /* opaque */

struct rng *rng_new(uint64_t seed, const char *name); /* never NULL */
void rng_free(struct rng *r);                         /* NULL is fine */

double rng_uniform(struct rng *r); /* in (0, 1) */
double rng_normal(struct rng *r);  /* mean 0, standard deviation 1 */

#endif
