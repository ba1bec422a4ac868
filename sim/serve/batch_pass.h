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

/* How much of a pass was recorded (CUDA graphs). RECORDED_NONE: the host launches each kernel, in the runtime's
 * overhead.eager. RECORDED_PIECES: it launches attention, which makes each of them longer by overhead.piece. */
enum recorded { RECORDED_WHOLE, RECORDED_PIECES, RECORDED_NONE };

/* What is not recorded whole is predicted of one device alone. NULL with a reason, as batch_cost_new(). */
struct batch_pass *batch_pass_new(const struct placement *at, enum recorded recorded, struct err *err);
void batch_pass_free(struct batch_pass *p);

/* A pass with pieces of prompts is a prefill, one without is a decode step. */
sim_ns batch_pass_ns(struct batch_pass *p, const struct shape_mix *x);

/* A pipeline: each device has neighbouring blocks and no other device works on them. Its stages are the devices
 * and the wires between them, in the order in which a pass comes by. Returns how many there are, or 0 where
 * the placement is no pipeline; devices: how many of them are devices. */
size_t batch_pass_stages(struct batch_pass *p, size_t *devices);
/* The shares of a pass's time for which it holds each stage; what they lack of 1 are latencies. */
void batch_pass_shares(struct batch_pass *p, const struct shape_mix *x, double *shares);

/* The unit that runs the first of the blocks: whose host plans the batches. */
size_t batch_pass_unit(const struct batch_pass *p);

/* The times of another draw; see batch_cost_draw(). */
void batch_pass_draw(struct batch_pass *p, const struct params *z);

#endif
