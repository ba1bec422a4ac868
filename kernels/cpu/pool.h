/*
 * pool.h - threads that wait for work and share it: one parallel loop at a time, started by one caller.
 *
 * A worker spins for some microseconds before it sleeps, as the threads of a BLAS do.
 */
#ifndef KERNELS_CPU_POOL_H
#define KERNELS_CPU_POOL_H
#include <stdint.h>

#include "sim/base/err.h"

struct pool;                                         /* opaque */
struct pool *pool_new(int threads, struct err *err); /* the caller counts as one; NULL with err */
void pool_free(struct pool *p);                      /* NULL is fine */
void pool_limit(struct pool *p, int threads);        /* how many take part from now on; 0: all */
int pool_threads(const struct pool *p);              /* how many take part now, the caller included */

typedef void pool_work(void *self, int part, int parts);    /* parts: at most pool_threads() */
void pool_run(struct pool *p, pool_work *work, void *self); /* returns when all parts are done */

/* The same, but below `grain` items the caller works alone, and no thread is woken. */
void pool_run_if(struct pool *p, int64_t items, int64_t grain, pool_work *work, void *self);

/* Part `part` of `parts` of [0, n), in multiples of `step` except at the end. */
struct span {
	int64_t from, to;
};
struct span pool_span(int64_t n, int64_t step, int part, int parts);

#endif
