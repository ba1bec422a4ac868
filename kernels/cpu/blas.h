/*
 * blas.h - products through the standard CBLAS interface, whoever provides it: Accelerate, OpenBLAS, or GSL's
 * slow reference.
 *
 * The library that is measured is loaded while the program runs, for this file alone (dlopen, RTLD_LOCAL).
 * The program is linked with GSL's own CBLAS only: a fast BLAS has the same names, chooses its kernels by
 * processor, and if it were linked GSL's solvers would take their linear algebra from it, so that what they
 * fit would depend on the machine in the last bits. `make check-blas` shows what the names are bound to.
 *
 * A library with threads of its own beside ours is a second team on
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

struct blas { /* a loaded library; made by blas_open() */
	const char *name;
	void (*gemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a,
		     int lda, const float *b, int ldb, float beta, float *c, int ldc);
	void (*gemv)(int order, int trans, int m, int n, float alpha, const float *a, int lda, const float *x,
		     int incx, float beta, float *y, int incy);
	char *(*config)(void); /* OpenBLAS' own description; NULL: another library */
	bool alone;            /* it works in the calling thread only */
};

/* Loads Accelerate on a Mac, else OpenBLAS; where there is none, takes GSL's. It stays loaded for the life of
 * the process, so nothing has to be closed. A library that can be told to stays in the calling thread from
 * now on. */
void blas_open(struct blas *b);

/* By the pool's threads where the library is alone, else by the library's. */
void blas_linear(const struct blas *b, struct pool *p, const struct linear *shape, float *y, const float *x,
		 const float *w);

/* How `parts` threads divide a product's result: rows x columns of blocks. For tests. */
struct blocks {
	int rows, columns;
};
struct blocks blas_blocks(const struct linear *shape, int parts);

const char *blas_name(const struct blas *b, char *text,
		      int room_n); /* "OpenBLAS 0.3.21 ... Cooperlake"; text */

#endif
