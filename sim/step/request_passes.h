/*
 * request_passes.h - a request as forward passes through a model, each with the number of times it
 * runs.
 *
 * Layer step. Only this file defines the passes of a generation. generate.c builds programs of them, on
 * any number of devices; the fits of runtimes sum their operators on one device. The prediction for a
 * measured run therefore equals that of `simulate` for the same request.
 *
 * A prompt is read in chunks; its last token may be a pass of its own. Decode steps differ in the
 * context that attention reads, so a few of them represent all: the first one alone, and of the steps
 * after it the first, the middle and the last one, with weights that make the sum exact if a step's
 * time is a polynomial of the context of degree two at most (Simpson's rule for a sum). If a layer's
 * attention window fills up during decode, the steps before and after that point are two such pieces.
 */
#ifndef SIM_STEP_REQUEST_PASSES_H
#define SIM_STEP_REQUEST_PASSES_H
#include "sim/base/mem.h"
#include "sim/llm/graph.h"

enum { REQUEST_PIECES = 2, REQUEST_SAMPLES = 3 * REQUEST_PIECES };

struct generate_request {
	int64_t depth;   /* tokens of each sequence that are in the cache before it begins */
	int64_t prompt;  /* tokens of each sequence that are read; 0: none */
	int64_t decoded; /* tokens of each sequence from decode steps; 0: none */
	int64_t batch;   /* sequences */
	int64_t chunk;   /* tokens of a prompt in one pass; 0: all of them */
	int64_t at_once; /* prompts in one pass; 0: those of all sequences */
	bool last_apart; /* the prompt's last token is a decode step */
	int64_t draft;   /* tokens drafted for each step by a second model; 0: no draft */
	double per_step; /* tokens of each sequence in one step: 1, or a mean where a draft is checked */
	/* seconds from the start until the second token and until the last one, by which machines get warm; 0: they stay cool */
	double first_s, whole_s;
};

/* The part of a request that a pass belongs to: REQUEST_PROMPT, REQUEST_FIRST_STEP, or
 * REQUEST_FIRST_STEP + 1 + i for the i-th sampled step. */
enum { REQUEST_PROMPT = -1, REQUEST_FIRST_STEP };

struct request_pass {
	enum phase phase;
	struct shape shape;
	int part;        /* part of the request, as above */
	double weight;   /* number of times it runs; of a sampled step: the number of steps it represents */
	bool drafts;     /* runs through the draft model */
	bool begins;     /* the first pass of the request: what a runtime does once for each belongs to it */
	bool reads_last; /* the last chunk of a prompt */
	bool answers;  /* samples a token at its last position; of a prompt's chunks only the last one does */
	bool checks;   /* samples a token at every position, to check a draft */
	int64_t gives; /* tokens of each sequence that the next pass receives */
};

/* The passes in the order in which they run; returns their number. m: the model that answers, as the
 * devices that decode run it (model_as_run()); windows of a draft model do not count. */
size_t request_passes(struct arena *a, const struct model *m, const struct generate_request *r,
		      struct request_pass **passes);

/* The sampled steps, as contexts and weights; of two pieces the longer one comes first. Returns their
 * number: 0, 3 or 6. */
struct request_sample {
	int64_t past;
	double weight;
};
size_t request_samples(const struct model *m, const struct generate_request *r,
		       struct request_sample samples[REQUEST_SAMPLES]);

/* Properties of a runtime's prefill on a block's devices. */
struct prefill_rules {
	bool last_row;    /* blocks after the attention of the last layer run for the last token alone */
	bool all_logits;  /* the head runs over every token, and for every chunk */
	bool caches_only; /* a chunk that answers nothing leaves out the layers behind the last cache */
};

/* Returns whether a block runs in a pass; if so, changes the shape from that of the block before to its
 * own. */
bool request_pass_block(const struct request_pass *pass, const struct model *m, struct block block,
			struct prefill_rules rules, struct shape *shape);

#endif
