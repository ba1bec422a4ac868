/*
 * request_passes.h - a request as forward passes through a model, each with how often it runs.
 *
 * Layer step. This is the only place that says which passes a generation consists of. generate.c makes
 * programs of them, on however many devices; the fits of runtimes sum their operators on one device. So what
 * is predicted of a measured run is what `simulate` says of the same request.
 *
 * A prompt is read in chunks; its last token may be a pass of its own. Decode steps differ in the context
 * that attention reads, so a few of them stand for all: the first by itself, and of the steps after it the
 * first, the middle and the last one, weighted so that the sum is exact while a step's time grows no faster
 * than the square of the context (Simpson's rule, for a sum). Where a layer's attention window fills up on
 * the way, the steps before and those after are two such pieces.
 */
#ifndef SIM_STEP_REQUEST_PASSES_H
#define SIM_STEP_REQUEST_PASSES_H
#include "sim/base/mem.h"
#include "sim/llm/graph.h"

enum { REQUEST_PIECES = 2, REQUEST_SAMPLES = 3 * REQUEST_PIECES };

struct request {
	int64_t depth;   /* tokens of each sequence that are in the cache before it begins */
	int64_t prompt;  /* tokens of each sequence that are read; 0: none */
	int64_t decoded; /* tokens of each sequence that decode steps give; 0: none */
	int64_t batch;   /* sequences */
	int64_t chunk;   /* tokens of a prompt in one pass; 0: all of them */
	int64_t at_once; /* prompts in one pass; 0: those of all sequences */
	bool last_apart; /* the prompt's last token is a decode step */
	int64_t draft;   /* tokens that a second model drafts for each step; 0: nobody does */
	double per_step; /* tokens that a step gives each sequence: 1, or a mean where it checks a draft */
};

/* Which part of a request a pass belongs to: REQUEST_PROMPT, REQUEST_FIRST_STEP, or REQUEST_FIRST_STEP + 1 +
 * i for the i-th of the sampled steps. */
enum { REQUEST_PROMPT = -1, REQUEST_FIRST_STEP };

struct request_pass {
	enum phase phase;
	struct shape shape;
	int part;        /* of the request, as above */
	double weight;   /* how often it runs; of a sampled step: how many steps it stands for */
	bool drafts;     /* it runs through the model that drafts */
	bool reads_last; /* the last chunk of a prompt */
	bool answers;    /* its last position gives a token: of a prompt's chunks the last one's alone */
	bool checks;     /* every position gives one: a draft is checked */
	int64_t gives;   /* tokens of each sequence for the pass that follows */
};

/* The passes in the order in which they run; returns how many. m: the model that answers, as the devices that
 * decode run it (model_as_run()); windows of a model that drafts do not count. */
size_t request_passes(struct arena *a, const struct model *m, const struct request *r,
		      struct request_pass **passes);

/* The sampled steps, as contexts and weights; where there are two pieces the longer one comes first. Returns
 * how many: 0, 3 or 6. */
struct request_sample {
	int64_t past;
	double weight;
};
size_t request_samples(const struct model *m, const struct request *r,
		       struct request_sample samples[REQUEST_SAMPLES]);

/* How the runtime of a block's devices goes about a prefill. */
struct prefill_rules {
	bool last_row;   /* what follows attention in the last layer runs for the last token alone */
	bool all_logits; /* the head runs over every token, and for every chunk */
};

/* Does a block run in a pass? If so, changes the shape from that of the block before it to its own. */
bool request_pass_block(const struct request_pass *pass, const struct model *m, struct block block,
			struct prefill_rules rules, struct shape *shape);

#endif
