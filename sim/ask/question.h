/*
 * question.h - one question in a line: what was typed, and what it is taken to mean.
 *
 * Layer ask. Every name and every default is settled here, before a scenario is written of it: formats, contexts and
 * runtimes are those that users of that runtime get. What was not said is told in `assumed`.
 */
#ifndef SIM_ASK_QUESTION_H
#define SIM_ASK_QUESTION_H
#include "sim/conf/load.h"
#include "sim/base/texts.h"
#include "sim/hw/hw.h"
#include "sim/llm/model.h"

enum { ASK_MACHINES = 4 };

struct question {
	const char *model;
	struct texts machines;
	const char *link;                       /* NULL: each machine by itself */
	int64_t context, prompt, tokens, users; /* tokens of a sequence; 0: not said */
	const char *weights, *runtime, *kv;     /* NULL: not said */
	bool ids;          /* model and machines are names of the catalogue as they stand */
	const char *train; /* "lora", "full", "qlora"; NULL: it generates */
	/* A load instead of one batch: seconds that each user thinks between an answer and the next question; or requests
	 * per second of all together. 0: not said; not both. */
	double think_s, requests_per_s;
};

struct asked_machine {
	const char *id, *title;
	size_t sizes; /* machines that may be meant and differ in sizes that were not said, itself included */
	const char *name; /* in the scenario: "m4-max" */
	bool fanless;     /* a MacBook Air: hardware/apple/apple-fanless.yaml is added to its chip's file */
	const char *runtime;      /* "llama.cpp@2026-02" */
	const char *runtime_note; /* why it is that one, in words; NULL: nothing to tell */
	bool suite;    /* that runtime is the kernels of `calibrate`, not a program that people run */
	int64_t chunk; /* tokens of a prompt that the runtime reads at a time; 0: all */
	struct machine *facts;
};

/* A question in which everything is said. */
struct asked {
	const char *model_id;
	const struct model *model;
	struct asked_machine machines[ASK_MACHINES];
	size_t machines_n;
	const char *link_id;   /* NULL: none */
	const char *no_tensor; /* why no tensor split over that link is offered, in words; NULL: one may be */
	/* Layers whose experts a host computes (--n-cpu-moe), and which of the machines are card and host; 0: none. */
	int64_t experts_on_host;
	size_t card, host;
	bool only_offload; /* no other assignment is of interest */
	const char *weights, *kv, *compute;
	double weights_B; /* the whole model's */
	const char *train;
	int64_t prompt, tokens, users;  /* training: tokens of a sequence, sequences of a batch */
	double think_s, requests_per_s; /* both 0: one batch */
	const char *assumed; /* "weights q4_K_M, KV f16, prompt 2048 tok": what was not said; "" : nothing */
};

/* Reads what was typed as people type it: q->model as it is published, with the format that its name says (see
 * model_name.h), and q->weights in any case. 0, or -1 with err where the name says another format than q->weights. */
int question_read(struct arena *a, struct question *q, struct err *err);

/* Settles a question; 0, or -1: with err and a hint for a name that may be several, a format that the runtime cannot
 * read, a context that the model was not made for; a file that is wrong has its reasons in the loader's diags. All in the
 * loader's arena; no file that is read becomes its input. */
int question_settle(struct loader *l, const struct question *q, struct asked *out, struct err *err);

/* Is a model of the catalogue right, apart from any machine? 0, or -1 with the reasons in the loader's diags. */
int question_check_model(const struct loader *l, const char *id);

/* Is it a load, rather than a batch or a training? */
static inline bool asked_load(const struct asked *q)
{
	return q->think_s > 0 || q->requests_per_s > 0;
}

/* "16k", "16384", "16384 tok": a number of tokens; 0, or -1 with err. */
int question_tokens(const char *option, const char *text, int64_t *tokens, struct err *err);

/* The default format of a model's weights under a runtime: what its users load. */
const char *question_weights(const struct model *m, const char *runtime, const char *train);

#endif
