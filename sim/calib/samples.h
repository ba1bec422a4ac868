/*
 * samples.h - measured times of single operations, with their shapes, conditions and sources.
 *
 * Layer calib. The suite (sim/measure) or a csv (samples_csv.h) fills them, profile_fit.h reads them. Base units;
 * everything lives in the caller's arena.
 */
#ifndef SIM_CALIB_SAMPLES_H
#define SIM_CALIB_SAMPLES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/texts.h"

enum sample_kind {
	SAMPLE_READ, /* bytes: working set, read once a repetition */
	SAMPLE_WRITE,
	SAMPLE_COPY,    /* bytes: read + written */
	SAMPLE_TRIAD,   /* likewise */
	SAMPLE_GEMM,    /* C[m,n] = A[m,k] B[k,n] */
	SAMPLE_GEMV,    /* m rows (1 to 8) through k x n weights in `format`; bytes: of the weights */
	SAMPLE_PREFILL, /* causal attention proper: m queries over n keys (the queries included) */
	SAMPLE_DECODE,  /* one query of each of m sequences over n keys; bytes: of keys and values of all */
	SAMPLE_ELEMENTWISE, /* one pass over m x n; bytes: read + written */
	SAMPLE_MOE,      /* m tokens gathered to k experts hit, each an n-wide product; bytes: weights read */
	SAMPLE_ADAM,     /* bytes: read + written */
	SAMPLE_DISPATCH, /* m kernels that do nothing, in one submission; k: 1 if each waits for the one
			    before */
	SAMPLE_SUBMIT,   /* m submissions of one empty kernel, each waited for */
	SAMPLE_SUSTAINED, /* a GEMM again and again; seconds[] in the order of time */
	SAMPLE_HOST_COPY, /* host to device or back */
	SAMPLE_LINK,      /* bytes to another machine and an acknowledgement back */
	SAMPLE_LAYER, /* m unlike kernels, one behind another: a layer k wide for one token, its feed-forward n wide */
	SAMPLE_PARTS, /* the same kernels, each again and again among its like */
	SAMPLE_KIND_N
};
/* Of a layer's kernels so many do work (norms, products, attention), the others next to nothing. */
enum { SAMPLE_LAYER_WORK = 10 };
extern const char *const sample_kind_names[SAMPLE_KIND_N + 1];

enum sample_dtype { SAMPLE_F32, SAMPLE_F16, SAMPLE_BF16, SAMPLE_Q8, SAMPLE_Q4, SAMPLE_DTYPE_N };
extern const char *const sample_dtype_names[SAMPLE_DTYPE_N + 1];

struct sample {
	enum sample_kind kind;
	enum sample_dtype dtype; /* the arithmetic's, or the weights' for SAMPLE_GEMV and SAMPLE_MOE */
	const char *path;        /* which implementation: "cblas", "simdgroup", "mps", "tensor" */
	int64_t m, n, k;
	int64_t heads, kv_heads, head_dim; /* attention */
	int64_t threads;                   /* 0: does not apply */
	double bytes, flop;                /* work of one repetition */
	const double *seconds;             /* times of one repetition, each the mean of a batch */
	size_t seconds_n;
	/* Left out of fits, for the reason `why`. Where that begins with "unsettled: " (the machine's speed varied too
	 * much), a profile uses the sample all the same, with a wide spread, if its kind has no better one of its size. */
	bool rejected;
	const char *why;
	/* A published number has no single samples: seconds_n is 1, and these describe the samples behind it. */
	int64_t stated_n;   /* how many; 0: not stated */
	double stated_sd_s; /* standard deviation of one of them; 0: not stated */
	const char *source; /* a published number's; NULL: measured here */
};

bool sample_is_of_path(const struct sample *s, const char *path);

struct sample_set {
	const char *chip, *os, *build, *tool, *date, *device,
		*runtime; /* device: "gpu", "cpu"; runtime: "metal", "cblas" */
	int64_t cores, ram_B, working_set_B;
	const char *power_before, *power_after; /* "AC, nominal", ... */
	const char *load;                       /* the machine's before the first sample: "3.1 on 2 cores" */
	const char *canary; /* how far its speed was off at most: "35 %"; NULL: not said */
	bool suite;         /* the kernels are lemursim's own, not those of a program that others use */
	const struct sample *samples;
	size_t n;
	struct texts said; /* what the file has that is no key and no column: lines for the terminal */
};

/* The median of the seconds (seconds_n > 0), and the ends of its 95 % confidence interval from order statistics; with
 * fewer than 6 samples, the least and the largest. */
struct sample_median {
	double median_s, lo_s, hi_s;
};
struct sample_median sample_median(const struct sample *s);

#endif
