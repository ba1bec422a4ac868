/*
 * generate.h - one generation: the prompt is read, the KV cache handed over where decode is elsewhere, tokens
 * follow.
 *
 * Layer step. `first` is prefill and the first decode step as one program, so that a hand-off overlaps both,
 * chunks of a prompt are on several devices at once, and groups of sequences follow one another. `later` is a
 * decode step at three contexts (at the beginning, halfway, at the end), from which the sum over all steps is
 * exact while a step's time grows no faster than the square of the context (Simpson's rule, for a sum). Where
 * a window fills up on the way, there are three before and three after.
 *
 * With several groups in flight a step has no time of its own, it has a period: `later` then runs a few steps
 * in which the groups take turns, and the longest lap of any queue or group is timed once they have spread
 * out (steady.h).
 */
#ifndef SIM_STEP_GENERATE_H
#define SIM_STEP_GENERATE_H
#include "sim/step/compile.h"
#include "sim/step/passes.h"

enum { GENERATE_PIECES = 2, GENERATE_STEPS = 3 * GENERATE_PIECES };

struct generate_programs {
	struct program *first;
	struct program *later[GENERATE_STEPS]; /* NULL where fewer than three tokens are asked. Three for each
					       piece, the longer piece first: later[1] is in its middle */
	double weights[GENERATE_STEPS];        /* decode steps that each of them stands for */
	int repeat, timed;                     /* steps in one of `later`, in a lap of it */
	double per_step; /* tokens that a step gives each sequence, a mean where it checks a draft */
};

struct generate_programs generate_build(const struct placement *p);
void generate_free(struct generate_programs *g);

/* The time of a step, from that of one of `later`. */
double generate_step_s(const struct generate_programs *g, const struct compiled_ends *e);

/* The sum over all decode steps of what their programs say of one. */
double generate_over_steps(const struct generate_programs *g, const double later[GENERATE_STEPS]);

/* From the times of the programs to what users measure; seconds, tokens of all sequences a second.
 * Definitions as in vLLM's benchmark: TPOT excludes the first token, and is what one sequence sees however
 * many are in flight. decode is 0 where only one token is asked. */
struct generate_times {
	double ttft_s, tpot_s, e2el_s, prefill_tok_per_s, decode_tok_per_s;
};
struct generate_times generate_times(const struct generate_programs *p, const struct generate *g,
				     double first_token_s, double first_s,
				     const double later_s[GENERATE_STEPS]);

#endif
