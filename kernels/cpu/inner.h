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

enum { QUANT_BLOCK = 32 };

/* ggml's q8_0 and q4_0: 34 and 18 bytes for 32 weights. In q4 the low halves are weights 0 to 15. */
struct q8_block {
	uint16_t scale; /* binary16 */
	int8_t q[QUANT_BLOCK];
};
struct q4_block {
	uint16_t scale;
	uint8_t q[QUANT_BLOCK / 2]; /* 0 to 15, standing for -8 to 7 */
};

/* 32 numbers that blocks are multiplied with, rounded to 8 bits as llama.cpp rounds them (quantize_row_q8_0() of
 * ggml-quants.c), so that products are of whole numbers. Kept in 16 bits, the even ones before the odd ones, as the bytes of
 * a word of weights are split. */
struct x_block {
	float scale, sum; /* sum: of the rounded numbers, times scale */
	int16_t even[QUANT_BLOCK / 2], odd[QUANT_BLOCK / 2];
};

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
	const char *name;                        /* "baseline", "avx2", "avx512" */
	float (*read)(const float *x, size_t n); /* returns the sum, in some order of addition */
	void (*write)(float *y, size_t n, float value);
	void (*scale)(float *y, const float *x, size_t n, float by);
	void (*triad)(float *y, const float *x, const float *z, size_t n, float by); /* y = x + by z */
	void (*gain)(float *y, const float *x, const float *z, size_t n);            /* y = x z */
	void (*add_scaled)(float *y, const float *x, size_t n, float by);            /* y += by x */
	/* s[i] = x[i * stride ..] y, of TILE_ROWS rows of x */
	void (*dots)(float s[], const float *x, size_t stride, const float *y, size_t n);
	void (*round_blocks)(struct x_block *to, const float *x, size_t blocks);
	float (*dot_q8)(const struct q8_block *w, const struct x_block *x, size_t blocks);
	float (*dot_q4)(const struct q4_block *w, const struct x_block *x, size_t blocks);
	void (*tile_set)(const struct tile_product *t);
	void (*tile_add)(const struct tile_product *t);
	float (*exp_sum)(float *x, size_t n, float minus); /* x = exp(x - minus); returns the sum */
	void (*silu)(float *y, const float *gate, const float *up,
		     size_t n); /* y = gate / (1 + exp(-gate)) up */
	void (*adam)(const struct adam *a, size_t n);
};

const struct inner *inner_best(void);
const struct inner *const *inner_all(void); /* those this processor can run; NULL-terminated */

double x_block_at(const struct x_block *b, size_t i); /* the rounded number i */
float half_to_float(uint16_t h);

#endif
