/* blas.c - see blas.h. */
#include <dlfcn.h>
#include <gsl/gsl_cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernels/cpu/blas.h"
#include "sim/base/err.h"

#if defined(__APPLE__)
/* The second names are those before macOS 13.3. */
static const char *const libraries[] = {"/System/Library/Frameworks/Accelerate.framework/Accelerate"};
static const char *const gemm_names[] = {"cblas_sgemm$NEWLAPACK", "cblas_sgemm"},
			 *const gemv_names[] = {"cblas_sgemv$NEWLAPACK", "cblas_sgemv"};
#else
/* With threads by pthreads first, where a distribution has several in one place. */
static const char *const libraries[] = {"libopenblasp.so.0", "libopenblas.so.0", "libopenblas.so"};
static const char *const gemm_names[] = {"cblas_sgemm"}, *const gemv_names[] = {"cblas_sgemv"};
#endif

/* Multiply-adds below which waking another thread takes longer; rows and columns that a block is a multiple
 * of. */
enum { GRAIN = 1 << 16, ROWS_STEP = 8, COLUMNS_STEP = 16 };

struct product {
	const struct blas *blas;
	struct linear shape;
	float *y;
	const float *x, *w;
};

/* The address of the first of n names that a library has, into the pointer at `to`; NULL if it has none. */
static void find(void *library, const char *const *names, size_t n, void *to)
{
	void *found = NULL;

	for (size_t i = 0; i < n && !found; i++)
		found = dlsym(library, names[i]);
	memcpy(to, &found, sizeof found);
}

/* OpenBLAS chooses its kernels by the processor's model. One that is newer than the library gets those of 2004, without
 * AVX, which take several times as long: 11 GFLOPS a core of a Xeon of 2023 under OpenBLAS 0.3.21. */
static bool lacks_avx(const char *core)
{
	static const char *const old[] = {"Katmai",       "Coppermine", "Northwood",  "Prescott", "Banias",
					  "Core2",        "Penryn",     "Dunnington", "Nehalem",  "Athlon",
					  "Opteron",      "Barcelona",  "Bobcat",     "Atom",     "Nano",
					  "Opteron_SSE3", "Generic"};

	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		if (!strcasecmp(core, old[i]))
			return true;
	return false;
}

/* The name of OpenBLAS' kernels for what the processor says that it can do; NULL: for no more than the library chose. */
static const char *better_core(const char *core)
{
	if (!lacks_avx(core))
		return NULL;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
		return "SkylakeX";
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return "Haswell";
#endif
	return NULL;
}

/* Opens a library, OpenBLAS with kernels for this processor unless the environment names others. */
static void *open_library(const char *name)
{
	static const char variable[] = "OPENBLAS_CORETYPE";
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	char *(*core)(void) = NULL;
	const char *better;

	if (library)
		find(library, &(const char *){"openblas_get_corename"}, 1, &core);
	better = core && !getenv(variable) ? better_core(core()) : NULL;
	if (!better)
		return library;
	dlclose(library);
	setenv(variable, better, 1);
	library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	unsetenv(variable);
	return library;
}

/* Finds the functions of a loaded library. False: it has no CBLAS, or one with 64-bit integers. */
static bool load(struct blas *b, void *library, const char *name)
{
	void (*set_threads)(int);

	find(library, gemm_names, ARRAY_LEN(gemm_names), &b->gemm);
	find(library, gemv_names, ARRAY_LEN(gemv_names), &b->gemv);
	find(library, &(const char *){"openblas_get_config"}, 1, &b->config);
	find(library, &(const char *){"openblas_get_corename"}, 1, &b->core);
	find(library, &(const char *){"openblas_set_num_threads"}, 1, &set_threads);
	if (!b->gemm || !b->gemv || (b->config && strstr(b->config(), "USE64BITINT")))
		return false;
	if (set_threads)
		set_threads(1);
	b->alone = set_threads != NULL;
	b->name = name;
	return true;
}

static void reference_gemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
			   const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
	cblas_sgemm((enum CBLAS_ORDER)order, (enum CBLAS_TRANSPOSE)trans_a, (enum CBLAS_TRANSPOSE)trans_b, m,
		    n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

static void reference_gemv(int order, int trans, int m, int n, float alpha, const float *a, int lda,
			   const float *x, int incx, float beta, float *y, int incy)
{
	cblas_sgemv((enum CBLAS_ORDER)order, (enum CBLAS_TRANSPOSE)trans, m, n, alpha, a, lda, x, incx, beta,
		    y, incy);
}

void blas_open(struct blas *b)
{
	for (size_t i = 0; i < ARRAY_LEN(libraries); i++) {
		void *library = open_library(libraries[i]);

		if (library && load(b, library, libraries[i]))
			return;
		if (library)
			dlclose(library);
	}
	*b = (struct blas){
		.name = "GSL CBLAS", .gemm = reference_gemm, .gemv = reference_gemv, .alone = true};
}

static void multiply(const struct product *p, const struct span *rows, const struct span *columns)
{
	const int m = (int)(rows->to - rows->from), n = (int)(columns->to - columns->from),
		  k = (int)p->shape.k, ld = (int)p->shape.n;
	const float *x = p->x + rows->from * k, *w = p->w + columns->from * k;
	float *y = p->y + rows->from * ld + columns->from;

	if (m < 1 || n < 1)
		return;
	if (m == 1) /* OpenBLAS packs W even for a GEMM of one row, which is several times slower */
		p->blas->gemv(CblasRowMajor, CblasNoTrans, n, k, 1, w, k, x, 1, 0, y, 1);
	else
		p->blas->gemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, x, k, w, k, 0, y, ld);
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

void blas_linear(const struct blas *b, struct pool *pool, const struct linear *s, float *y, const float *x,
		 const float *w)
{
	struct product p = {b, *s, y, x, w};

	if (b->alone)
		pool_run_if(pool, s->m * s->n * s->k, GRAIN, product_part, &p);
	else
		multiply(&p, &(struct span){0, s->m}, &(struct span){0, s->n});
}

const char *blas_name(const struct blas *b, char *text, int room_n)
{
	const char *file = strrchr(b->name, '/'), *config = b->config ? b->config() : NULL;
	const size_t first = config ? strcspn(config, " ") : 0; /* "OpenBLAS 0.3.21 NO_LAPACKE ..." */

	if (config && b->core)
		snprintf(text, (size_t)room_n, "%.*s %s",
			 (int)(first + !!config[first] + strcspn(config + first + !!config[first], " ")),
			 config, b->core());
	else
		snprintf(text, (size_t)room_n, "%s", config ? config : file ? file + 1 : b->name);
	return text;
}
