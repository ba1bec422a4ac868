/* blas.c - see blas.h. */
#if defined(__APPLE__)
#define ACCELERATE_NEW_LAPACK
#include <Accelerate/Accelerate.h>
#elif defined(__has_include)
#if __has_include(<cblas.h>)
#include <cblas.h>
#else
#include <gsl/gsl_cblas.h>
#endif
#endif
#include <stdio.h>

#include "kernels/cpu/blas.h"

#if defined(__APPLE__)
#define WEAK __attribute__((weak_import))
#else
#define WEAK __attribute__((weak))
#endif
/* OpenBLAS' own; absent, and so NULL, elsewhere. */
extern void openblas_set_num_threads(int n) WEAK;
extern char *openblas_get_config(void) WEAK;

void blas_linear(const struct linear *s, float *y, const float *x, const float *w)
{
	const int m = (int)s->m, n = (int)s->n, k = (int)s->k;

	if (m == 1) /* a GEMM of one row packs W first: several times slower in OpenBLAS */
		cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, w, k, x, 1, 0, y, 1);
	else
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, x, k, w, k, 0, y, n);
}

void blas_product(const struct linear *s, float *c, const float *a, const float *b)
{
	const int m = (int)s->m, n = (int)s->n, k = (int)s->k;

	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
}

bool blas_threads(int n)
{
	if (!openblas_set_num_threads)
		return false;
	openblas_set_num_threads(n);
	return true;
}

const char *blas_name(char *text, int room_n)
{
#if defined(__APPLE__)
	snprintf(text, (size_t)room_n, "Accelerate");
#else
	snprintf(text, (size_t)room_n, "%s", openblas_get_config ? openblas_get_config() : "CBLAS");
#endif
	return text;
}
