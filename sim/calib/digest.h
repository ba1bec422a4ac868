/*
 * digest.h - from samples to the numbers of a profile: rates, overheads, utilisation tables, and what was
 * doubted on the way.
 *
 * Layer calib. Two kinds of sets are told apart. Where the cost of a kernel was measured (SAMPLE_DISPATCH),
 * every other time is one of many in a row and holds that cost only. Where it was not, as in published
 * tables, a time is one call with the host's wait: t = t0 + work/R, and t0 is found first. Lives in the
 * caller's arena.
 */
#ifndef SIM_CALIB_DIGEST_H
#define SIM_CALIB_DIGEST_H
#include "sim/base/how.h"
#include "sim/base/vec.h"
#include "sim/calib/facts.h"
#include "sim/calib/samples.h"
#include "sim/hw/hw.h"

struct number {
	double value, sd; /* base units; sd absolute, 0: not said */
	int64_t n;        /* samples; 0: not said */
	enum how how;
	const char *source;
	bool given;
};

struct grid_point { /* m, n, k of a product; query, context, 0 of attention */
	int64_t m, n, k;
	struct number u;
};

struct grid {
	struct number roof, sync, peak;
	bool peak_is_fact; /* the facts give it: not one of ours */
	struct grid_point *at;
	size_t n; /* 0: not measured */
};

struct digest {
	struct number read, copy, gemv, gemv_q8, gemv_q4, decode, kernel, step;
	/* what a kernel takes however little it does: launch, latency of the memory, the tail */
	struct number product, attend;
	struct grid gemm[DTYPE_N], attention;
	bool skips_mask;
	const char **notes; /* fits, outliers, what was left out and why: for people, one line each */
	size_t notes_n;
};

/* -1 with err where the samples cannot make a profile: none, no product, times that are not positive. */
int digest_make(struct arena *a, const struct sample_set *set, const struct facts *facts, struct digest *d,
		struct err *err);

/* The parts of it, in the order they are made; each reads what came before. */
struct digesting {
	struct arena *arena;
	const struct sample_set *set;
	const struct facts *facts;
	struct digest *d;
	bool batched;    /* see above */
	double run_sd;   /* relative, between runs; a floor to every spread */
	int64_t threads; /* only samples of that many (the most there are), or of 0 */
	VEC(const char *) notes;
};
void digest_note(struct digesting *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool digest_wants(const struct digesting *g, const struct sample *s, enum sample_kind kind);
double digest_sd(const struct digesting *g, const struct sample *s);  /* relative, of its median */
int64_t digest_count(const struct sample *s);                         /* samples behind it */
const char *digest_name(struct digesting *g, const struct sample *s); /* "gemm f16 64 x 64 x 64 (mps)" */

void digest_overheads(struct digesting *g);
void digest_streams(struct digesting *g);
void digest_gemv(struct digesting *g);
int digest_gemm(struct digesting *g, struct err *err);
void digest_attention(struct digesting *g);

#endif
