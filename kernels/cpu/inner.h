/*
 * inner.h - the innermost loops, compiled for each instruction set of this architecture, chosen at run time.
 *
 * Written with the vector types of gcc and clang: no intrinsics. Pointers need only the alignment of a float;
 * pointers that are written do not overlap those that are read. kernels/cpu is compiled with
 * -O3 -ffp-contract=fast (fused multiply-add), unlike sim/.
 */
#ifndef KERNELS_CPU_INNER_H
#define KERNELS_CPU_INNER_H
#include <stddef.h>
#include <stdint.h>

enum { TILE_ROWS = 4, TILE_COLUMNS = 16 };

struct tile_product { /* C[4][16] = or += A[4][k] B[k][16]; strides in floats */
	float *c;
	const float *a, *b;
	size_t c_stride, a_stride, b_stride, k;
};

struct adam {
	float *p, *m, *v;
	const float *g;
	float rate, beta1, beta2, epsilon;
};

struct inner {
	const char *name;                        /* "baseline", "avx2" */
	float (*read)(const float *x, size_t n); /* returns the sum, in some order of addition */
	void (*write)(float *y, size_t n, float value);
	void (*scale)(float *y, const float *x, size_t n, float by);
	void (*triad)(float *y, const float *x, const float *z, size_t n, float by); /* y = x + by z */
	void (*gain)(float *y, const float *x, const float *z, size_t n);            /* y = x z */
	void (*add_scaled)(float *y, const float *x, size_t n, float by);            /* y += by x */
	/* s[i] = x[i * stride ..] y, of TILE_ROWS rows of x */
	void (*dots)(float s[], const float *x, size_t stride, const float *y, size_t n);
	void (*tile_set)(const struct tile_product *t);
	void (*tile_add)(const struct tile_product *t);
	float (*exp_sum)(float *x, size_t n, float minus); /* x = exp(x - minus); returns the sum */
	void (*silu)(float *y, const float *gate, const float *up,
		     size_t n); /* y = gate / (1 + exp(-gate)) up */
	void (*adam)(const struct adam *a, size_t n);
};

const struct inner *inner_best(void);
const struct inner *const *inner_all(void); /* those this processor can run; NULL-terminated */

#endif
