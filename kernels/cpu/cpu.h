/*
 * cpu.h - what the files of the CPU backend share: the prepared case, its memory, and a row for each kind.
 */
#ifndef KERNELS_CPU_CPU_H
#define KERNELS_CPU_CPU_H
#include "kernels/backend.h"
#include "kernels/cpu/blas.h"
#include "kernels/cpu/inner.h"
#include "kernels/cpu/pool.h"
#include "sim/base/vec.h"

/* Memory that outlives a case: filled with random data once, grown when a case needs more. */
struct store {
	void *at; /* aligned to a page */
	size_t bytes;
};

struct cpu;

struct cpu_kind { /* how a kind of sample is made here; NULL: it is not */
	bool (*can)(const struct cpu *cpu, const struct bench_case *c); /* NULL: always, in f32 */
	int (*prepare)(struct cpu *cpu, struct err *err);
	void (*batch)(struct cpu *cpu, int64_t reps);
	int (*check)(struct cpu *cpu, struct err *err); /* NULL: nothing to check */
};

struct cpu_job {
	struct bench_case c;
	const struct cpu_kind *kind; /* NULL: nothing is prepared */
	size_t copies, turn;         /* of what is rotated; which is next */
	int64_t reps;                /* of the batch that runs; for loops inside the threads */
	float *x, *y;                /* vectors: activations and results */
	const float *in;             /* read only, random */
	float *out;                  /* written */
	const void *blocks;          /* quantised weights */
	float *sums;                 /* of x by blocks of 32 */
};

struct cpu {
	struct pool *pool;
	struct blas blas;
	int threads; /* that exist */
	const struct inner *inner;
	struct backend_info info;
	struct store in, out, x, y, q8, q4;
	struct cpu_job job;
	volatile float sink; /* results that nobody reads end here */
	VEC(struct bench_case) checked;
};

enum { FLOAT_B = sizeof(float) };

/* Room for n floats or blocks of weights: floats are random (uniform, mean 0, variance 1), or of no
 * particular content (finite); what is there already stays if there is enough of it. A store holds one kind.
 */
enum content { CONTENT_RANDOM, CONTENT_ANY, CONTENT_Q8, CONTENT_Q4 };
int cpu_fill(struct cpu *cpu, struct store *s, enum content what, size_t n, struct err *err);
void cpu_release(struct store *s);

/* How many copies of `bytes` to rotate over, so that each is out of the caches when its turn comes again. */
size_t cpu_copies(const struct cpu *cpu, double bytes);
size_t cpu_turn(struct cpu_job *j); /* the next copy */

struct reference { /* a dot product in double, and the size of what was added up */
	double value, size;
};
/* 0 if got is as near as f32 can be expected to come; else -1 with err. */
int cpu_close(float got, const struct reference *want, const char *what, int64_t at, struct err *err);

extern const struct cpu_kind cpu_read, cpu_write, cpu_copy, cpu_triad, cpu_elementwise,
	cpu_adam;                                         /* cpu_stream.c */
extern const struct cpu_kind cpu_gemm, cpu_gemv, cpu_moe; /* cpu_linear.c */
extern const struct cpu_kind cpu_prefill, cpu_decode;     /* cpu_attend.c */
extern const struct cpu_kind cpu_dispatch, cpu_submit;    /* cpu.c */

int machine_info(struct backend_info *info, struct err *err); /* machine.c */

#endif
