/*
 * blas.h - products through the standard CBLAS interface, whoever provides it: Accelerate, OpenBLAS, or GSL's
 * slow reference.
 *
 * Nothing else in kernels/cpu sees cblas.h. A library with threads of its own beside ours is a second team on
 * the same cores: OpenBLAS' workers spin for some 2^26 cycles after each product (blas_server.c,
 * THREAD_TIMEOUT), and what our pool runs in that time gets half a core; attention between two products took
 * twice as long as alone. So a library that can be told to is kept in the thread that calls it, and a product
 * is divided over the pool by blocks of its result. Accelerate cannot be told on every macOS: it divides the
 * work itself.
 */
#ifndef KERNELS_CPU_BLAS_H
#define KERNELS_CPU_BLAS_H
#include <stdbool.h>
#include <stdint.h>

#include "kernels/cpu/pool.h"

struct linear { /* y[m,n] = x[m,k] W', with W stored as n rows of k: how inference code keeps weights */
	int64_t m, n, k;
};

/* Keeps the library in the calling thread from now on. False: it has threads of its own, and cannot be told.
 */
bool blas_alone(void);

/* By the pool's threads where blas_alone(), else by the library's. */
void blas_linear(struct pool *p, const struct linear *shape, float *y, const float *x, const float *w);

/* How `parts` threads divide a product's result: rows x columns of blocks. For tests. */
struct blocks {
	int rows, columns;
};
struct blocks blas_blocks(const struct linear *shape, int parts);

const char *blas_name(char *text, int room_n); /* "OpenBLAS 0.3.21 ... Cooperlake"; text */

#endif
