/*
 * plan.h - what a case of the suite asks of a GPU: buffers, dispatches, and the check of the result.
 *
 * Plain C, for every GPU backend: its host carries a plan out, the tests read it. The kernels of a backend have the names,
 * buffers and parameters that plan.c gives them; how they are divided into groups is the backend's (struct plan_style). A buffer that rotates has `copies` in
 * one allocation, `stride` apart; repetition r uses copy r mod copies, and the check looks at copy 0.
 */
#ifndef KERNELS_GPU_PLAN_H
#define KERNELS_GPU_PLAN_H
#include "kernels/backend.h"

/* A layer is of several parts, cases of their own with buffers and steps behind one another. */
enum { PLAN_BUFFERS = 56, PLAN_ARGS = 7, PLAN_STEPS = 28, PLAN_PARTS = 20, PLAN_PARAMS_B = 64 };
enum { ARG_NONE, ARG_PARAMS, ARG_BUFFER /* + its number */ };

enum plan_fill {
	FILL_RANDOM,  /* numbers of `dtype` */
	FILL_NAN,     /* results: what is not written shows */
	FILL_ZERO,    /* the counter of the chain */
	FILL_ADAM,    /* weight and moments that follow from buffer 1, the gradient */
	FILL_EXPERTS, /* first[] of the gather */
	FILL_TOKENS,  /* ids[] of the gather */
	FILL_CHOICE   /* the expert of each token, of which a kernel makes both */
};

enum plan_how {
	PLAN_KERNELS, /* dispatches, the device's time */
	PLAN_LIBRARY, /* a product by the system's library and what its numbers pass before and after, likewise */
	PLAN_SUBMIT,   /* one submission each, waited for, host time */
	PLAN_HOST_COPY /* memcpy, host time */
};

struct plan_buffer {
	size_t bytes, stride;
	int64_t copies;
	enum plan_fill fill;
	enum sample_dtype dtype; /* FILL_RANDOM */
};

struct plan_step {
	const char *library; /* name of the kernels' source file */
	char kernel[48];
	unsigned char args[PLAN_ARGS]; /* by argument index: ARG_* */
	uint32_t groups[3], threads;
	int64_t times; /* dispatches in one repetition */
	int part;      /* whose parameters it takes */
	bool early;    /* its first line waits for the step before, while which it may be started */
};

/* How a backend's kernels are divided into groups of threads, and by what name its paths go. */
struct plan_style {
	const char *backend;      /* in messages */
	const char *own;          /* path of its own kernels; NULL: they have no name of their own */
	const char *library;      /* path of the system's products; NULL: none */
	const char *product;      /* the library's function, in messages */
	bool products_by_library; /* all products of many rows, whatever the path; they may be bf16 */
	const char *converted; /* path of the library's products between conversions; NULL: there are none */
	int gemv_threads, gemv_rows[4]; /* of weights in a group, for 1, 2, 4 and 8 rows of x */
	int blocks_gemv_rows[4];        /* likewise of weights in blocks, where `rounds` */
	bool short_rows; /* one row of x and rows of weights too short for the threads of a group: four of these share one, where `rounds` */
	int one_row_threads; /* at most, of a group for one row of x that takes two numbers a thread; 0: gemv_threads */
	bool joins_by_number; /* a thread for each number of a head joins the splits of decode */
	int moe_rows;
	bool gathers; /* the rows of each expert are found on the device */
	bool few_by_matrices; /* 2 to 16 rows in f16 run on the matrix units, of gemv and of the path between conversions */
	bool experts_by_matrices; /* experts in f16 run on the matrix units however few their rows are */
	bool rounds; /* x to 8 bits before products with weights in blocks, of which there are kernels for many rows too */
	int pass_threads;
	int prefill_threads, prefill_queries;
	int decode_groups_core;
	/* of kernels that take all query heads of a key's on the matrix units; 0: there are none */
	int heads_groups_core;
};

/* A case that is a part of another: its buffers are buffers_n from `first` on. */
struct plan_part {
	struct bench_case c;
	int first, buffers_n, rounded;       /* rounded: as in struct plan, counted from `first` */
	unsigned char params[PLAN_PARAMS_B]; /* the kernels' struct, the same for all steps of the part */
	size_t params_B;
};

struct plan {
	const struct plan_style *style;
	struct bench_case c;
	enum plan_how how;
	struct plan_buffer buffers[PLAN_BUFFERS];
	int buffers_n;
	struct plan_step steps[PLAN_STEPS];
	int steps_n;
	/* of PLAN_LIBRARY: the buffers of x, the weights and the result, the steps before it, and whether sums are of its type */
	int product[3], before_product;
	bool sums_narrow;
	int rounded; /* the buffer of x rounded to 8 bits; behind it that of its scales: a float and the sum for each 32. 0: none */
	struct plan_part
		parts[PLAN_PARTS]; /* of a case that has none the first, of which only the parameters count */
	int parts_n;               /* 0: it has none */
	bool apart;      /* all repetitions of a part before those of the next, not one part behind another */
	bool concurrent; /* dispatches that need not wait for each other */
};

struct plan_limits {
	const struct plan_style *style;
	int64_t cores;
	double rotate_B;              /* cold data: rotate through at least this much */
	double buffer_B, everything;  /* one buffer; all of them */
	bool tensor_f16, tensor_bf16; /* the path "tensor" */
	bool no_prefill; /* the device lacks what that kernel needs, and products of many rows in blocks */
};

/* Fills *p; false: this case cannot be run within the limits. */
bool gpu_plan_make(struct plan *p, const struct bench_case *c, const struct plan_limits *limits);

/* Writes buffer i of the plan; at[] are all buffers, in order (FILL_ADAM reads another). */
void gpu_plan_fill(const struct plan *p, int i, void *const *at);

/* After one repetition: 64 results, chosen at random, against sums in double. 0, or -1 with err. */
int gpu_plan_check(const struct plan *p, void *const *at, struct err *err);

#endif
