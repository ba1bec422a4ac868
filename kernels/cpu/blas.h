/*
 * blas.h - matrix products through the standard CBLAS interface, by Accelerate, OpenBLAS, or GSL's slow reference.
 *
 * The library that is measured is loaded while the program runs, for this file alone (dlopen, RTLD_LOCAL).
 * The program is linked with GSL's own CBLAS only: a fast BLAS has the same names, chooses its kernels by
 * processor, and if it were linked GSL's solvers would take their linear algebra from it, so that what they
 * fit would depend on the machine in the last bits. `make check-blas` shows what the names are bound to.
 *
 * A library with threads of its own competes with our pool for the same cores: OpenBLAS' workers spin for some 2^26 cycles after each product (blas_server.c,
 * THREAD_TIMEOUT), and what our pool runs in that time gets half a core; attention between two products took
 * twice as long as alone. So a library that allows it is limited to the calling thread, and a product is divided over the pool by
 * blocks of its result. Accelerate does not allow it on every macOS: there it divides the work itself.
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
	char *(*core)(void);   /* the processor whose kernels OpenBLAS runs; NULL: another library */
	bool alone;            /* limited to the calling thread */
};

/* Loads Accelerate on a Mac, else OpenBLAS; where there is none, takes GSL's. It stays loaded for the life of the process. A library that
 * allows it is limited to the calling thread from then on. OpenBLAS that does not know the processor is loaded with the
 * kernels of the nearest that it knows, unless OPENBLAS_CORETYPE names others. */
void blas_open(struct blas *b);

/* Computes y by the pool's threads where b->alone, else by the library's. */
void blas_linear(const struct blas *b, struct pool *p, const struct linear *shape, float *y, const float *x,
		 const float *w);

/* How `parts` threads divide a product's result: rows x columns of blocks. For tests. */
struct blocks {
	int rows, columns;
};
struct blocks blas_blocks(const struct linear *shape, int parts);

const char *blas_name(const struct blas *b, char *text, int room_n); /* "OpenBLAS 0.3.21 Cooperlake"; text */

#endif
