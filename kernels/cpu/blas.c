/* blas.c - see blas.h. */
#if defined(__APPLE__)
#define ACCELERATE_NEW_LAPACK
#include <Accelerate/Accelerate.h>
#elif defined(__has_include)
#if __has_include(<cblas.h>)
#include <cblas.h>
#else
#include <gsl/gsl_cblas.h>
#define SERIAL 1 /* it has no threads */
#endif
#endif
#ifndef SERIAL
#define SERIAL 0
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

/* Multiply-adds below which waking another thread takes longer; rows and columns that a block is a multiple
 * of. */
enum { GRAIN = 1 << 16, ROWS_STEP = 8, COLUMNS_STEP = 16 };

struct product {
	struct linear shape;
	float *y;
	const float *x, *w;
};

bool blas_alone(void)
{
	if (openblas_set_num_threads)
		openblas_set_num_threads(1);
	return SERIAL || openblas_set_num_threads;
}

static void multiply(const struct product *p, const struct span *rows, const struct span *columns)
{
	const int m = (int)(rows->to - rows->from), n = (int)(columns->to - columns->from),
		  k = (int)p->shape.k, ld = (int)p->shape.n;
	const float *x = p->x + rows->from * k, *w = p->w + columns->from * k;
	float *y = p->y + rows->from * ld + columns->from;

	if (m < 1 || n < 1)
		return;
	if (m == 1) /* a GEMM of one row packs W first: several times slower in OpenBLAS */
		cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, w, k, x, 1, 0, y, 1);
	else
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, x, k, w, k, 0, y, ld);
}

/* Each thread reads its rows of x and its rows of W: least is read where the blocks are the nearest to
 * square. */
struct blocks blas_blocks(const struct linear *shape, int parts)
{
	struct blocks best = {1, parts};
	double least = -1;

	for (int rows = 1; rows <= parts; rows++) {
		const double height = (double)shape->m / rows, width = (double)shape->n * rows / parts;

		if (parts % rows || (rows > 1 && (height < ROWS_STEP || width < COLUMNS_STEP)))
			continue;
		if (least < 0 || height + width < least) {
			least = height + width;
			best = (struct blocks){rows, parts / rows};
		}
	}
	return best;
}

static void product_part(void *self, int part, int parts)
{
	const struct product *p = self;
	const struct blocks b = blas_blocks(&p->shape, parts);
	const struct span rows = pool_span(p->shape.m, ROWS_STEP, part / b.columns, b.rows),
			  columns = pool_span(p->shape.n, COLUMNS_STEP, part % b.columns, b.columns);

	multiply(p, &rows, &columns);
}

void blas_linear(struct pool *pool, const struct linear *s, float *y, const float *x, const float *w)
{
	struct product p = {*s, y, x, w};

	if (SERIAL || openblas_set_num_threads)
		pool_run_if(pool, s->m * s->n * s->k, GRAIN, product_part, &p);
	else
		multiply(&p, &(struct span){0, s->m}, &(struct span){0, s->n});
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
