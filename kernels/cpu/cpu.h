/*
 * cpu.h - private to the CPU backend: the prepared case, its memory, and the implementation of each kind of sample.
 */
#ifndef KERNELS_CPU_CPU_H
#define KERNELS_CPU_CPU_H
#include "kernels/backend.h"
#include "kernels/cpu/blas.h"
#include "kernels/cpu/blocks.h"
#include "kernels/cpu/inner.h"
#include "kernels/cpu/pool.h"
#include "sim/base/vec.h"

/* Memory that is kept from case to case: filled with random data once, grown when a case needs more. */
struct store {
	void *at; /* aligned to a page */
	size_t bytes;
};

struct cpu;

struct cpu_kind { /* the implementation of a kind of sample; NULL: there is none */
	bool (*can)(const struct cpu *cpu, const struct bench_case *c); /* NULL: always, in f32 */
	int (*prepare)(struct cpu *cpu, struct err *err);
	void (*batch)(struct cpu *cpu, int64_t reps);
	int (*check)(struct cpu *cpu, struct err *err); /* NULL: nothing to check */
};

struct cpu_job {
	struct bench_case c;
	const struct cpu_kind *kind; /* NULL: nothing is prepared */
	size_t copies, next_copy;    /* copies of the data in rotation */
	int64_t reps;                /* repetitions of the running batch, for loops inside threads */
	float *x, *y;                /* vectors: activations and results */
	const float *in;             /* read only, random */
	float *out;                  /* written */
	const void *blocks;          /* quantised weights */
	struct x_block *x_blocks;    /* x as quantised weights are multiplied with it */
};

struct cpu {
	struct pool *pool;
	struct blas blas;
	int threads; /* of the machine */
	const struct inner *inner;
	const struct block_loops *loops;
	struct backend_info info;
	struct store in, out, x, y, q8, q4;
	struct cpu_job job;
	volatile float sink; /* takes results that are not used, so that they are computed */
	VEC(struct bench_case) checked;
};

enum { FLOAT_B = sizeof(float) };

/* Makes room for n floats or blocks of weights. Floats are random (uniform, mean 0, variance 1), or any finite numbers.
 * Content that is large enough already is kept; a store holds one kind of content. -1 with err: no memory. */
enum content { CONTENT_RANDOM, CONTENT_ANY, CONTENT_Q8, CONTENT_Q4 };
int cpu_fill(struct cpu *cpu, struct store *s, enum content what, size_t n, struct err *err);
void cpu_release(struct store *s);

/* The number of copies of `bytes` to rotate over so that each has left the caches when it is used again; 1 unless the
 * case asks for cold data. */
size_t cpu_copies(const struct cpu *cpu, double bytes);
size_t cpu_next_copy(struct cpu_job *j); /* the index of the next copy */

struct reference { /* a dot product in double, and the sum of its terms' absolute values */
	double value, size;
};
/* 0 where `got` is as near to the reference as f32 allows; else -1 with err. */
int cpu_close(float got, const struct reference *want, const char *what, int64_t at, struct err *err);

extern const struct cpu_kind cpu_read, cpu_write, cpu_copy, cpu_triad, cpu_elementwise,
	cpu_adam;                                         /* cpu_stream.c */
extern const struct cpu_kind cpu_gemm, cpu_gemv, cpu_moe; /* cpu_linear.c */
extern const struct cpu_kind cpu_prefill, cpu_decode;     /* cpu_attend.c */
extern const struct cpu_kind cpu_dispatch, cpu_submit;    /* cpu.c */

int machine_info(struct backend_info *info, struct err *err); /* machine.c */

#endif
