/*
 * blocks.h - products with weights in blocks of 8 and 4 bits, compiled for several instruction sets, chosen at run time.
 *
 * What the software that is to be predicted does (ggml/src/ggml-cpu of llama.cpp: quants.c, llamafile/sgemm.cpp): activations
 * are rounded to 8 bits by blocks, products are of whole numbers and summed in 32 bits, some rows by some columns at a time,
 * so that what is loaded is used several times. Whole numbers are the same on every processor; the sums of blocks in
 * floats are in some order.
 */
#ifndef KERNELS_CPU_BLOCKS_H
#define KERNELS_CPU_BLOCKS_H
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
 * ggml-quants.c). */
struct x_block {
	float scale;
	int32_t sum; /* of q */
	int8_t q[QUANT_BLOCK];
};

struct block_product { /* y[rows][columns] = x[rows][blocks * 32] w[columns][blocks * 32]' */
	float *y;
	size_t y_stride;         /* floats from row to row */
	const void *w;           /* struct q8_block or struct q4_block, [columns][blocks] */
	const struct x_block *x; /* [rows][blocks] */
	size_t rows, columns, blocks;
};

struct block_loops {
	const char *name; /* "baseline", "avx2", "vnni" */
	void (*round)(struct x_block *to, const float *x, size_t blocks);
	void (*product_q8)(const struct block_product *p);
	void (*product_q4)(const struct block_product *p);
};

const struct block_loops *blocks_best(void);
const struct block_loops *const *blocks_all(void); /* those this processor can run; NULL-terminated */

double x_block_at(const struct x_block *b, size_t i); /* the rounded number i */
float half_to_float(uint16_t h);                      /* of a scale: no infinity */

#endif
