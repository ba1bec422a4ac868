/*
 * suite.h - the microbenchmarks: one table of rows for every backend, and the runner that measures them.
 *
 * Sees a backend through backend.h only; prints nothing: progress goes to a callback, the clock comes from
 * the caller. Each row runs its cases in several passes, shuffled anew in each; two canaries (a product, a
 * read) run before and after every pass, so that a machine that slows down on the way is found out and not
 * believed. The clock is minded all along: where cases take longer than they were expected to, the rest is
 * measured with fewer and shorter batches, three at the least, so that a plan keeps its time and no row is
 * lost.
 */
#ifndef SIM_MEASURE_SUITE_H
#define SIM_MEASURE_SUITE_H
#include <signal.h>

#include "kernels/backend.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"
#include "sim/base/vec.h"

typedef VEC(struct bench_case) suite_cases;

/* What shapes are chosen by. */
struct suite_machine {
	const struct backend *backend;
	void *self;
	struct backend_info info;
	int64_t threads;   /* for rows that do not say themselves; 0: all */
	double flops, Bps; /* of the canaries: for estimates */
	bool quick;
};

struct suite_row {
	const char *name; /* what --only takes */
	const char *what, *shapes, *unit;
	const char *feeds; /* key of the hardware file, or what else it is for */
	enum sample_kind kind;
	double min_s;           /* a batch of repetitions lasts at least this long */
	double quick_s, full_s; /* what the row may take */
	int quick_n, full_n;    /* batches kept of each case */
	void (*cases)(const struct suite_machine *m, const struct suite_row *r, suite_cases *to);
};
extern const struct suite_row suite_rows[];
extern const size_t suite_rows_n;
void suite_list(struct str *out); /* a line or two for each row */

/* What a case is expected to take, preparation and all passes included. */
double suite_case_s(const struct suite_machine *m, const struct suite_row *r, const struct bench_case *c);
double suite_row_s(const struct suite_machine *m, const struct suite_row *r); /* its budget */
const char *suite_label(struct arena *a, const struct bench_case *c);         /* "gemm f32 512 x 512 x 512" */

struct suite_progress {
	const char *row, *label; /* label: the case that comes next; NULL: between rows */
	size_t row_i, rows_n;
	double done, left_s; /* share of the expected time, and what remains of it */
};

struct suite_options {
	bool quick, force;       /* force: on battery or in Low Power Mode too */
	const char *const *only; /* names of rows; NULL: all */
	size_t only_n;
	int64_t threads;                   /* 0: all */
	uint64_t seed;                     /* of the shuffles */
	double share;                      /* of the plan's time that this backend may take; 0: all */
	double ci_limit, canary_limit;     /* relative; 0: the usual */
	const volatile sig_atomic_t *stop; /* polled between batches; NULL: never */
	void (*progress)(void *self, const struct suite_progress *p); /* may be NULL */
	void *progress_self;
	double (*now)(void *self); /* seconds of a clock that never goes back; NULL: the system's */
	void *now_self;
};

struct suite_skip { /* a case that was not measured, or several of a row */
	const char *label, *why;
};

struct suite_result {
	struct sample_set set; /* tool and date are left to the caller */
	const struct suite_skip *skips;
	size_t skips_n;
	const struct suite_skip *failed; /* cases that could not be prepared, or whose result was wrong */
	size_t failed_n;
	const char *note;             /* of the backend; NULL: none */
	size_t short_n;               /* cases with fewer batches than planned: time was short */
	const char **done, **missing; /* rows finished, and not for an interruption */
	size_t done_n, missing_n;
	bool interrupted;
	double canary_worst; /* the worst canary against its usual time: 0.02 is 2 % off */
	double elapsed_s;
};

/* Measures; everything in *r lives in the arena. 0, also when interrupted, or where single cases failed: they
 * have no samples, and are named in r->failed. -1 with err: an unknown row, a refusal, a backend that fails
 * at all it is asked. */
int suite_run(struct arena *a, const struct backend *b, const struct suite_options *o, struct suite_result *r,
	      struct err *err);

#endif
