/*
 * batch_pass.h - the exact time of one pass of a batch through a placement.
 *
 * Layer serve. On one device the tasks of a pass follow one another, so that the pass is the sum of its
 * operators, each rounded to nanoseconds as the step's programs round them: operators that hang on rows are
 * summed once for each number of rows. On several devices the pass is a program, run on the event engine.
 */
#ifndef SIM_SERVE_BATCH_PASS_H
#define SIM_SERVE_BATCH_PASS_H
#include "sim/step/run.h"

struct batch_pass; /* opaque; batch_pass_free() ends it */

/* NULL with a reason, as batch_cost_new(). */
struct batch_pass *batch_pass_new(const struct placement *at, struct err *err);
void batch_pass_free(struct batch_pass *p);

/* A pass with pieces of prompts is a prefill, one without is a decode step. */
sim_ns batch_pass_ns(struct batch_pass *p, const struct shape_mix *x);

/* The times of another draw; see batch_cost_draw(). */
void batch_pass_draw(struct batch_pass *p, const struct params *z);

#endif
