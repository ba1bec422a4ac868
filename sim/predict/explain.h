/*
 * explain.h - why a prediction is what it is, in words: what limits it, and which splits pay.
 *
 * Layer predict. Reads the critical path of the engine's runs.
 */
#ifndef SIM_PREDICT_EXPLAIN_H
#define SIM_PREDICT_EXPLAIN_H
#include "sim/predict/predict.h"
#include "sim/predict/program_job.h"

/* "memory bandwidth of m5.gpu", "latency of tb", ... */
const char *explain_param(struct arena *a, const struct world *w, size_t source, enum param param);

/* What takes most of the critical paths of n programs, each run so many times, as explain_param() calls it. A program may be
 * NULL. */
const char *explain_largest(struct arena *a, const struct world *w, const struct simulated *runs,
			    const double *times, size_t n);

/* What limits each job that is asked, one after the other: "memory bandwidth of m5.gpu; training: arithmetic
 * of m5.gpu". Where a job does not fit: "memory of m5, 3.2 GB short". */
const char *explain_bound(struct arena *a, const struct prediction *p);

/* Bytes that cross links in a program, and the time that its critical path spends on links; both divided by
 * the number of steps. All 0 where there is no program. */
struct crossing {
	double bytes, wait_s;
};
struct crossing explain_crossing(const struct simulated *r, double steps);

/* Parts of verdicts: "generation pays: 20.1 s against 24.1 s (all on m4pro), ..."; "16 kB cross the link for
 * each step, 1.2 ms of the critical path". Both runs are of the same job. */
void explain_compare(struct str *out, const struct job_run *r, const struct job_run *alone, size_t draws);
void explain_traffic(struct str *out, const char *when, const struct crossing *c);

/* After prediction_row(), whose draws are compared pair by pair, and prediction_differences(). Notes on each assignment: that
 * its runtime has no such split, what its jobs remark, whether several machines pay against the best that uses one, and the times in its table by which it
 * differs from the best. Writes at most EXPLAIN_NOTES for each of the n; returns how many. */
enum { EXPLAIN_NOTES = 2 * JOB_N + 2 };
size_t explain_notes(struct arena *a, const struct prediction *all, const struct assignment_row *rows,
		     size_t n, size_t draws, struct note *notes);

#endif
