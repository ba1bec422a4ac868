/*
 * generate.h - one generation: the prompt is read, the KV cache handed over where decode is elsewhere, tokens
 * follow.
 *
 * Layer step. `first` is the prompt and the first decode step as one program, so that a hand-off overlaps
 * both, chunks of a prompt are on several devices at once, and groups of sequences follow one another.
 * `later` are the decode steps that stand for all the others (request_passes.h).
 *
 * With several groups in flight a step has no time of its own, it has a period: `later` then runs a few steps
 * in which the groups take turns, and the longest cycle of any queue or group is timed once they have spread
 * out (steady.h).
 */
#ifndef SIM_STEP_GENERATE_H
#define SIM_STEP_GENERATE_H
#include "sim/step/compile.h"
#include "sim/step/passes.h"

enum { GENERATE_STEPS = REQUEST_SAMPLES };

struct generate_programs {
	struct program *first;
	struct program *later[GENERATE_STEPS]; /* of each sampled step, NULL beyond them: later[1] is in the
						  middle of the longer piece */
	double weights[GENERATE_STEPS];        /* decode steps that each of them stands for */
	int repeat, timed;                     /* steps in one of `later`, in a timed cycle of it */
	double per_step; /* tokens that a step gives each sequence, a mean where it checks a draft */
};

struct generate_programs generate_build(const struct placement *p);

/* What an assignment makes of the workload: of all sequences, which the programs part into groups. */
struct generate_request generate_request(const struct placement *p);
/* The same for another depth, prompt or number of tokens; all else as generate_request() has it. */
struct generate_programs generate_build_request(const struct placement *p,
						const struct generate_request *request);

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
