/*
 * generate.h - one generation: the prompt is read, the KV cache handed over where decode is elsewhere, tokens
 * follow.
 *
 * Layer step. `first` is prefill and the first decode step as one program, so that a hand-off overlaps both;
 * `later` is one decode step at three contexts (just after, halfway, at the end) over which a step's time is
 * integrated by Simpson's rule: exact while it grows no faster than the cube of the context.
 */
#ifndef SIM_STEP_GENERATE_H
#define SIM_STEP_GENERATE_H
#include "sim/step/prog.h"

enum { GENERATE_STEPS = 3, MARK_FIRST_TOKEN = 0, MARK_PREFILL = 1 };

struct generate_progs {
	struct prog *first; /* MARK_FIRST_TOKEN: the host has it; MARK_PREFILL: all of the prefill's blocks
			       have ended */
	struct prog *later[GENERATE_STEPS]; /* NULL where fewer than three tokens are asked */
	int64_t steps;                      /* decode steps that `later` stands for */
};

struct generate_progs generate_build(const struct placement *p);
void generate_free(struct generate_progs *g);

/* The sum over so many decode steps of what its three programs say, by Simpson's rule. */
double generate_over_steps(double steps, const double later[GENERATE_STEPS]);

/* From the times of the programs to what users measure; seconds, tokens of all sequences a second.
 * Definitions as in vLLM's benchmark: TPOT excludes the first token. decode is 0 where only one token is
 * asked. */
struct generate_times {
	double ttft_s, tpot_s, e2el_s, prefill_tok_per_s, decode_tok_per_s;
};
struct generate_times generate_times(const struct generate *g, double first_token_s, double first_s,
				     const double later_s[GENERATE_STEPS]);

#endif
