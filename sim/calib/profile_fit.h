/*
 * profile_fit.h - the numbers of a profile from samples: rates, overheads and utilisation tables, with notes on the
 * fits and on what was left out.
 *
 * Layer calib. There are two kinds of sets. Where the cost of a kernel was measured (SAMPLE_DISPATCH), every other
 * time is that of one kernel of many in one submission, and includes that cost only (`batched`). Where it was not, as
 * in published tables, a time is that of one call with the host's wait: t = t0 + work/R, and t0 is fitted first.
 * Everything lives in the caller's arena.
 */
#ifndef SIM_CALIB_PROFILE_FIT_H
#define SIM_CALIB_PROFILE_FIT_H
#include "sim/base/provenance.h"
#include "sim/base/texts.h"
#include "sim/base/vec.h"
#include "sim/calib/datasheet.h"
#include "sim/calib/fit.h"
#include "sim/calib/samples.h"
#include "sim/hw/hw.h"

struct number {
	double value, sd; /* base units; sd absolute, 0: not said */
	int64_t n;        /* samples; 0: not said */
	enum provenance provenance;
	const char *source;
	bool given;
};

struct utilisation_point { /* m, n, k of a product; query, context, 0 of attention */
	int64_t m, n, k;
	int64_t per; /* of products of experts: so many have the m rows together; 0: each has them */
	struct number u;
};

struct utilisation_table {
	struct number roof, sync, peak;
	struct number between,
		beyond;   /* relative errors of u on shapes that are no points; not given: too few to tell */
	bool peak_stated; /* by the data sheet; else the best measured rate */
	bool tokens;      /* see struct rows_table */
	struct utilisation_point *at;
	size_t n; /* 0: not measured */
};

/* Products of few rows, and of many rows in blocks of 8 and 4 bits; by the formats of weights as they are, q8, q4. */
enum few_format { FEW_WHOLE, FEW_Q8, FEW_Q4, FEW_FORMATS };
extern const char *const few_format_names[FEW_FORMATS]; /* the keys: "f16", "q8", "q4" */
struct few_rows {
	int64_t rows; /* largest number of rows that was measured so; 0: none beyond one */
	struct number further[FEW_FORMATS]; /* share of the peak that each further row costs */
	struct number scattered;            /* share of gemv's rate that rows of an expert each reach */
	struct number dequant[FEW_FORMATS]; /* utilisation of many rows relative to weights as they are */
};

/* Attention of heads of one width over a cache of one format, where several were measured: kernels are compiled for each. */
struct attention_kernel_fit {
	int64_t head_dim, kv_bits;
	struct number decode, decode_u;
	struct number prefill; /* of the attention table's utilisation; not given: not measured, or as that */
};

/* So few rows of a gemm run in a matrix-vector kernel, as the suite's do (kernels/README.md); from so many on, a product is
 * not bound by reading its weights, whose size differs by format. */
enum { FEW_GEMM_ROWS = 8, FEW_MANY_ROWS = 128 };

/* Samples that no number was made of. */
struct unused_samples {
	enum sample_kind kind;
	enum sample_dtype dtype;
	const char *why;
	size_t n; /* samples; of products and attention that a table leaves out, shapes */
};

struct profile_fit {
	struct number read, copy, gemv, gemv_q8, gemv_q4, kernel, step;
	/* attention of one query: byte/s of the cache, and the share of the peak of its arithmetic */
	struct number decode, decode_u;
	/* the same of one query of each of several sequences: byte/s, and seconds beyond; not given: not measured */
	struct number several, several_start;
	struct number
		sustained; /* share of its arithmetic that is left under a load that lasts; not given: all, or not measured */
	struct number norm, host_training,
		host; /* of the host for each launch, where it is slower than the device; not given: it is not */
	/* the least time of a kernel of that kind, however little work it has: launch, memory latency, tail */
	struct number product, attend;
	struct number
		unlike; /* of each kernel, more among unlike ones than among its like; not given: not measured */
	struct utilisation_table gemm[DTYPE_N], attention;
	/* products of two rows and more, and of experts, where a few numbers do not say what was measured */
	struct utilisation_table products[FEW_FORMATS], experts[FEW_FORMATS], experts_few[FEW_FORMATS];
	struct attention_kernel_fit *kernels;
	size_t kernels_n; /* 0: one kernel was measured */
	bool skips_mask;
	struct few_rows few;
	const char **notes; /* fits, outliers, what was left out and why: lines for the file's head */
	size_t notes_n;
	struct texts said; /* of the notes, those that change what the file may be used for */
	const struct unused_samples *unused;
	size_t unused_n;
};

/* Is there a matrix product, without which there is no runtime? */
bool profile_fit_has_products(const struct profile_fit *d);

/* Adds what was said, and a line for each kind and reason: "gpu: 12 of gemm q8 not used: ...". */
void profile_fit_tell_unused(const struct profile_fit *d, const char *device, struct arena *a,
			     struct texts *lines);

/* -1 with err where the samples cannot make a profile: none, no stream, times that are not positive. Without a matrix
 * product only the streams and overheads are set. */
int profile_fit_make(struct arena *a, const struct sample_set *set, const struct datasheet *datasheet,
		     struct profile_fit *d, struct err *err);

/* The steps of profile_fit_make(), in their order; each reads the results of those before. */
struct profile_fitting {
	struct arena *arena;
	const struct sample_set *set;
	const struct datasheet *datasheet;
	struct profile_fit *d;
	bool batched;        /* see the head of this file */
	struct number empty; /* the cost of a kernel that does nothing, which no kernel's is below */
	double run_sd;       /* relative, between runs of the whole suite; every spread is at least that */
	double unsettled_sd; /* relative: the least spread where samples of a machine that varied had to be used; else 0 */
	int64_t threads; /* only samples with this many are used, or with 0 */
	VEC(const char *) notes;
	VEC(struct unused_samples) unused;
};
/* Counts a sample that is not used; why: a literal, or in the arena. profile_fit_count_unused() counts all but those that
 * tables leave out. */
void profile_fit_unused(struct profile_fitting *g, enum sample_kind kind, enum sample_dtype dtype,
			const char *why);
void profile_fit_count_unused(struct profile_fitting *g);
/* The samples' dtype of a format: weights as they are are those that gemv was fitted to. */
enum sample_dtype profile_fit_dtype_of(const struct profile_fitting *g, enum few_format f);
/* The middle of shares, at most 10, with the spread of the others about it. */
struct number profile_fit_share(const struct profile_fitting *g, const double *share, size_t n,
				const char *source);
/* The time of a product's kernel beyond its work, seconds. */
double profile_fit_product_start(const struct profile_fitting *g);
/* The kernel of a sample's heads and cache; NULL: there is but one, or it was not measured for one query. */
struct attention_kernel_fit *profile_fit_attention_kernel(const struct profile_fitting *g,
							  const struct sample *s);
/* Are products in that dtype of so many rows in a table of their own? kind: SAMPLE_MOE or any other. */
bool profile_fit_has_table(const struct profile_fitting *g, enum sample_kind kind, enum sample_dtype dtype);
/* Is it a sample that few.scattered is made of: a token for each of several experts, beyond a kernel's start? */
bool profile_fit_is_scattered(const struct profile_fitting *g, const struct sample *s);
/* Are products of few rows in that dtype fitted? And the fastest single row through the same weights; NULL: none. */
bool profile_fit_is_few_format(const struct profile_fitting *g, enum sample_dtype dtype);
const struct sample *profile_fit_single_row(const struct profile_fitting *g, const struct sample *s);
void profile_fit_note(struct profile_fitting *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same, and it is said on the terminal, too. */
void profile_fit_say(struct profile_fitting *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool profile_fit_wants(const struct profile_fitting *g, const struct sample *s, enum sample_kind kind);
double profile_fit_sd(const struct profile_fitting *g, const struct sample *s); /* relative, of its median */
int64_t profile_fit_count(const struct sample *s); /* how many samples the row stands for */
const char *profile_fit_name(struct profile_fitting *g,
			     const struct sample *s); /* "gemm f16 64 x 64 x 64 (mps)" */

/* A number that was not measured, transferred from one that was; spread: relative. */
struct number profile_fit_transferred(const struct number *from, double spread, const char *source);

/* The rate R of t = t0 + x/R, x > 0. In a batched set, t0 is the time of a kernel beyond its work, at least that of an
 * empty one; it goes to *start where the sizes determine it (start may be NULL). Not given where no rate can be told. */
struct number profile_fit_work_rate(struct profile_fitting *g, struct fit_point *p, size_t n,
				    const char *what, struct number *start);

/* How many times in a row tell whether they slow down: a quarter of them against another. */
enum { SUSTAINED_TIMES = 8 };
/* Widens for what disturbed the whole measurement: the load of other programs, a machine whose speed varied. */
void profile_fit_disturbance(struct profile_fitting *g);
void profile_fit_sustained(struct profile_fitting *g);
void profile_fit_overheads(struct profile_fitting *g);
void profile_fit_unlike(struct profile_fitting *g); /* unlike.c */
/* Why nothing is made of a SAMPLE_LAYER or SAMPLE_PARTS; NULL: something is. */
const char *profile_fit_why_layer(const struct profile_fitting *g, const struct sample *s);
void profile_fit_streams(struct profile_fitting *g);
void profile_fit_gemv(struct profile_fitting *g);
int profile_fit_gemm(struct profile_fitting *g, struct err *err);
void profile_fit_bf16(struct profile_fitting *g); /* fills the table's gaps from f16's */
void profile_fit_decode(struct profile_fitting *g);
void profile_fit_few(struct profile_fitting *g);
void profile_fit_products(struct profile_fitting *g);
void profile_fit_attention(struct profile_fitting *g);

/* The dtype that a step computes in: the first of f16, bf16 that has products, else f32. Shares of few rows and of
 * attention are of its peak. */
enum dtype profile_fit_compute(const struct profile_fit *d);

#endif
