/*
 * suite.h - the suite of microbenchmarks: one table of rows for every backend, and the runner that measures them.
 *
 * Layer measure. A backend is used through kernels/backend.h only. Prints nothing: progress goes to a callback, and
 * the caller may supply the clock. Each row runs its cases in several passes, each in a new random order. Two canaries
 * (a GEMM and a read) run before and after every pass: where they slow down, the machine's state has changed, and the
 * samples between them are rejected. Where cases take longer than expected, the rest is measured with fewer and
 * shorter batches, three at least, so that the plan keeps its time and no row is lost.
 */
#ifndef SIM_MEASURE_SUITE_H
#define SIM_MEASURE_SUITE_H
#include <signal.h>

#include "kernels/backend.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"
#include "sim/base/vec.h"

typedef VEC(struct bench_case) suite_cases;

/* The machine's properties that shapes are chosen by. */
struct suite_machine {
	const struct backend *backend;
	void *self;
	struct backend_info info;
	int64_t threads;   /* for rows that do not set their own; 0: all */
	double flops, Bps; /* reached by the canaries: for estimates of time */
	bool quick;
};

struct suite_row {
	const char *name; /* for --only */
	const char *what, *shapes, *unit;
	const char *feeds; /* the key of the hardware file that is fitted to it, or another use */
	enum sample_kind kind;
	double min_s;           /* a batch of repetitions lasts at least this long */
	double quick_s, full_s; /* seconds that the row may take */
	int quick_n, full_n;    /* batches kept of each case */
	void (*cases)(const struct suite_machine *m, const struct suite_row *r, suite_cases *to);
};
extern const struct suite_row suite_rows[];
extern const size_t suite_rows_n;
void suite_list(struct str *out); /* appends two lines for each row */
/* Seconds that a case is expected to take, preparation and all passes included. */
double suite_case_s(const struct suite_machine *m, const struct suite_row *r, const struct bench_case *c);
double suite_row_s(const struct suite_machine *m, const struct suite_row *r); /* its budget, seconds */
const char *suite_label(struct arena *a, const struct bench_case *c);         /* "gemm f32 512 x 512 x 512" */

struct suite_progress {
	const char *row, *label; /* label: the case that comes next; NULL: between rows */
	size_t row_i, rows_n;
	double done, left_s; /* share of the expected time; seconds that remain */
};

struct suite_result;

struct suite_options {
	bool quick, force;       /* force: on battery or in Low Power Mode too */
	const char *const *only; /* names of rows; NULL: all */
	size_t only_n;
	int64_t threads;                   /* 0: all */
	uint64_t seed;                     /* shuffles the cases */
	double share;                      /* this backend's part of the plan's time; 0: all */
	double ci_limit, canary_limit;     /* relative; 0: the defaults */
	const volatile sig_atomic_t *stop; /* polled between batches; NULL: never */
	/* Called once the backend is open, before anything is measured; -1 with err ends the run. May be NULL. */
	int (*begin)(void *self, const struct backend_info *info, struct err *err);
	/* Called after each finished row with the samples of all rows so far, so that the caller can keep them; they
	 * are judged again after the later rows. May be NULL. */
	void (*row_done)(void *self, const struct suite_result *so_far);
	void (*progress)(void *self, const struct suite_progress *p); /* may be NULL */
	void *self;                /* first argument of begin, row_done and progress */
	double (*now)(void *self); /* seconds of a clock that never goes back; NULL: the system's */
	void *now_self;
};

/* Sets o->only from "read,gemm"; NULL or "all": every row. */
void suite_only(struct arena *a, const char *text, struct suite_options *o);
int suite_check_only(struct arena *a, const struct suite_options *o,
		     struct err *err); /* -1: a name that no row has */
bool suite_wants(const struct suite_options *o, const struct suite_row *r);
/* Appends a line for each row that is wanted with the time that it may take, and returns their sum in seconds. */
double suite_budgets(const struct suite_options *o, struct str *out);

struct suite_skip { /* a case that was not measured, or several of a row */
	const char *label, *why;
};

struct suite_result {
	struct sample_set set; /* the caller sets tool and date */
	const struct suite_skip *skips;
	size_t skips_n;
	const struct suite_skip *failed; /* cases that could not be prepared, or whose result was wrong */
	size_t failed_n;
	const char *note; /* the backend's remark; NULL: none */
	size_t short_n;   /* cases with fewer batches than planned: time was short */
	const char **done,
		**missing; /* names of rows that were finished, and of those that an interruption left */
	size_t done_n, missing_n;
	bool interrupted;
	double canary_worst; /* the largest relative deviation of a canary from its normal time */
	double elapsed_s;
};

/* Runs the rows; everything in *r lives in the arena. 0 also when interrupted, or where single cases failed: they have
 * no samples, and are listed in r->failed. -1 with err: an unknown row; battery or Low Power Mode without `force`; a
 * backend that cannot be opened, or fails in every case. */
int suite_run(struct arena *a, const struct backend *b, const struct suite_options *o, struct suite_result *r,
	      struct err *err);

#endif
