/*
 * blas.h - the standard CBLAS interface, whoever provides it: Accelerate, OpenBLAS, or GSL's slow reference.
 *
 * Nothing else in kernels/cpu sees cblas.h.
 */
#ifndef KERNELS_CPU_BLAS_H
#define KERNELS_CPU_BLAS_H
#include <stdbool.h>
#include <stdint.h>

struct linear { /* y[m,n] = x[m,k] W', with W stored as n rows of k: how inference code keeps weights */
	int64_t m, n, k;
};

void blas_linear(const struct linear *shape, float *y, const float *x, const float *w);

/* C[m,n] = A[m,k] B[k,n], all row by row. */
void blas_product(const struct linear *shape, float *c, const float *a, const float *b);

bool blas_threads(int n);                      /* false: this library has no way to say how many */
const char *blas_name(char *text, int room_n); /* "OpenBLAS 0.3.21 ... Cooperlake"; text */

#endif
