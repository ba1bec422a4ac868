/*
 * generate.h - one generation: prefill of the prompt, transfer of the KV cache if decode runs on other
 * devices, decode.
 *
 * Layer step. `first` is the prompt and the first decode step as one program, so that the transfer of
 * the cache overlaps both, chunks of a prompt run on several devices at once, and groups of sequences
 * follow one another. `later` are the decode steps that represent all others (request_passes.h).
 *
 * With several groups in flight the steps of different groups overlap, so a step has a period instead
 * of a time: `later` then holds a few steps of every group, and the longest cycle of any queue or group
 * is timed once the groups have spread out (steady.h).
 */
#ifndef SIM_STEP_GENERATE_H
#define SIM_STEP_GENERATE_H
#include "sim/step/compile.h"
#include "sim/step/passes.h"

enum { GENERATE_STEPS = REQUEST_SAMPLES };

struct generate_programs {
	struct program *first;
	/* one for each sampled step, then NULL; later[1] is in the middle of the longer piece */
	struct program *later[GENERATE_STEPS];
	double weights[GENERATE_STEPS]; /* the number of decode steps that each of them represents */
	int repeat, timed;              /* steps in each of `later`, and in its timed cycle */
	/* The share of the groups that `later` holds: of many equal ones, so many as keep a device busy all the time; more of them
	 * only wait longer. Else 1 */
	double share;
	double per_step; /* tokens of each sequence in one step; a mean where a draft is checked */
};

struct generate_programs generate_build(const struct placement *p);
/* The same with the operators of a block as one task where they may be (joined.h): the same times, to the nanosecond. */
struct generate_programs generate_build_short(const struct placement *p);
/* The same with the clocks of machines that get warm (device_model_sustain()) in a request whose second token comes after first_s
 * and whose last one after whole_s. */
struct generate_programs generate_build_warm(const struct placement *p, double first_s, double whole_s);
/* generate_build().first alone: the prompt, and what of it goes to where the answer is decoded. To be freed. */
struct program *generate_build_first(const struct placement *p);

/* The request of a placement: all sequences of the workload, which the programs divide into groups. */
struct generate_request generate_request(const struct placement *p);
/* The programs for another depth, prompt or number of tokens; other properties are those of
 * generate_request(). */
struct generate_programs generate_build_request(const struct placement *p,
						const struct generate_request *request);

void generate_free(struct generate_programs *g);

/* The steps of all groups that one of `later` stands for. */
double generate_steps(const struct generate_programs *g);

/* The time of a step, from the time of one of `later`. */
double generate_step_s(const struct generate_programs *g, const struct compiled_ends *e);

/* The sum over all decode steps of a quantity given for each program. */
double generate_over_steps(const struct generate_programs *g, const double later[GENERATE_STEPS]);

/* User-visible metrics from the times of the programs, in seconds and in tokens of all sequences per
 * second. Definitions as in vLLM's benchmark: TPOT excludes the first token, and is the time between
 * tokens of one sequence, however many are in flight. decode is 0 if only one token is asked for. */
struct generate_times {
	double ttft_s, tpot_s, e2el_s, prefill_tok_per_s, decode_tok_per_s;
};
struct generate_times generate_times(const struct generate_programs *p, const struct generate *g,
				     double first_token_s, double first_s,
				     const double later_s[GENERATE_STEPS]);

#endif
