/*
 * profile_fit.h - from samples to the numbers of a profile: rates, overheads, utilisation tables, and what
 * was doubted on the way.
 *
 * Layer calib. Two kinds of sets are told apart. Where the cost of a kernel was measured (SAMPLE_DISPATCH),
 * every other time is one of many in a row and holds that cost only. Where it was not, as in published
 * tables, a time is one call with the host's wait: t = t0 + work/R, and t0 is found first. Lives in the
 * caller's arena.
 */
#ifndef SIM_CALIB_PROFILE_FIT_H
#define SIM_CALIB_PROFILE_FIT_H
#include "sim/base/provenance.h"
#include "sim/base/vec.h"
#include "sim/calib/datasheet.h"
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
	struct number u;
};

struct utilisation_table {
	struct number roof, sync, peak;
	bool peak_is_fact; /* the facts give it: not one of ours */
	struct utilisation_point *at;
	size_t n; /* 0: not measured */
};

struct profile_fit {
	struct number read, copy, gemv, gemv_q8, gemv_q4, decode, kernel, step;
	/* what a kernel takes however little it does: launch, latency of the memory, the tail */
	struct number product, attend;
	struct utilisation_table gemm[DTYPE_N], attention;
	bool skips_mask;
	const char **notes; /* fits, outliers, what was left out and why: for people, one line each */
	size_t notes_n;
};

/* -1 with err where the samples cannot make a profile: none, no product, times that are not positive. */
int profile_fit_make(struct arena *a, const struct sample_set *set, const struct datasheet *datasheet,
		     struct profile_fit *d, struct err *err);

/* The parts of it, in the order they are made; each reads what came before. */
struct profile_fitting {
	struct arena *arena;
	const struct sample_set *set;
	const struct datasheet *datasheet;
	struct profile_fit *d;
	bool batched;    /* see above */
	double run_sd;   /* relative, between runs; a floor to every spread */
	int64_t threads; /* only samples of that many (the most there are), or of 0 */
	VEC(const char *) notes;
};
void profile_fit_note(struct profile_fitting *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool profile_fit_wants(const struct profile_fitting *g, const struct sample *s, enum sample_kind kind);
double profile_fit_sd(const struct profile_fitting *g, const struct sample *s); /* relative, of its median */
int64_t profile_fit_count(const struct sample *s);                              /* samples behind it */
const char *profile_fit_name(struct profile_fitting *g,
			     const struct sample *s); /* "gemm f16 64 x 64 x 64 (mps)" */

void profile_fit_overheads(struct profile_fitting *g);
void profile_fit_streams(struct profile_fitting *g);
void profile_fit_gemv(struct profile_fitting *g);
int profile_fit_gemm(struct profile_fitting *g, struct err *err);
void profile_fit_attention(struct profile_fitting *g);

#endif
