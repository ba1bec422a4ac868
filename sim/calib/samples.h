/*
 * samples.h - what a calibration measured: seconds of single operations, with all that is needed to fit and
 * to doubt them.
 *
 * Layer calib. The suite (kernels/) fills these, fit.h and profile.h read them. Base units; memory in the
 * caller's arena.
 */
#ifndef SIM_CALIB_SAMPLES_H
#define SIM_CALIB_SAMPLES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sample_kind {
	SAMPLE_READ, /* bytes: working set, read once a repetition */
	SAMPLE_WRITE,
	SAMPLE_COPY,        /* bytes: read + written */
	SAMPLE_TRIAD,       /* likewise */
	SAMPLE_GEMM,        /* C[m,n] = A[m,k] B[k,n] */
	SAMPLE_GEMV,        /* m rows (1 to 8) through k x n weights in `format`; bytes: of the weights */
	SAMPLE_PREFILL,     /* causal attention proper: m queries over n keys (the queries included) */
	SAMPLE_DECODE,      /* one query over n keys; bytes: of keys and values */
	SAMPLE_ELEMENTWISE, /* one pass over m x n; bytes: read + written */
	SAMPLE_MOE,      /* m tokens gathered to k experts hit, each an n-wide product; bytes: weights read */
	SAMPLE_ADAM,     /* bytes: read + written */
	SAMPLE_DISPATCH, /* m kernels that do nothing, in one submission; k: 1 if each waits for the one
			    before */
	SAMPLE_SUBMIT,   /* m submissions of one empty kernel, each waited for */
	SAMPLE_SUSTAINED, /* a GEMM again and again; seconds[] in the order of time */
	SAMPLE_HOST_COPY, /* host to device or back */
	SAMPLE_LINK,      /* bytes to another machine and an acknowledgement back */
	SAMPLE_KIND_N
};
extern const char *const sample_kind_names[SAMPLE_KIND_N + 1];

enum sample_dtype { SAMPLE_F32, SAMPLE_F16, SAMPLE_BF16, SAMPLE_Q8, SAMPLE_Q4, SAMPLE_DTYPE_N };
extern const char *const sample_dtype_names[SAMPLE_DTYPE_N + 1];

struct sample {
	enum sample_kind kind;
	enum sample_dtype dtype; /* of the arithmetic, or of the weights for SAMPLE_GEMV and SAMPLE_MOE */
	const char *path;        /* which implementation: "cblas", "simdgroup", "mps", "tensor" */
	int64_t m, n, k;
	int64_t heads, kv_heads, head_dim; /* attention */
	int64_t threads;                   /* 0: does not apply */
	double bytes, flop;                /* of one repetition */
	const double *seconds;             /* of one repetition, each the mean of a batch of them */
	size_t seconds_n;
	bool rejected; /* not to be fitted; `why` says so to people */
	const char *why;
	/* Of a published number, whose single samples are not known: seconds_n is 1, and these say more. */
	int64_t stated_n;   /* samples behind it; 0: not said */
	double stated_sd_s; /* standard deviation of one of them; 0: not said */
	const char *source; /* who says so; NULL: measured here */
};

struct sample_set {
	const char *chip, *os, *build, *tool, *date, *device,
		*runtime; /* device: "gpu", "cpu"; runtime: "metal", "cblas" */
	int64_t cores, ram_B, working_set_B;
	const char *power_before, *power_after; /* "AC, nominal", ... */
	const struct sample *samples;
	size_t n;
};

/* Median of the seconds, and the ends of its 95 % confidence interval from order statistics (n >= 6; else min
 * and max). */
struct sample_median {
	double median_s, lo_s, hi_s;
};
struct sample_median sample_median(const struct sample *s);

#endif
