/*
 * generate.h - the job `generate` in a scenario: one request for each sequence, and options of how it is
 * run.
 *
 * Layer world. The field tables and the checks of `generate:`, in the workload and in an assignment.
 */
#ifndef SIM_WORLD_GENERATE_H
#define SIM_WORLD_GENERATE_H
#include "sim/conf/field.h"
#include "sim/llm/graph.h"

struct assignment;
struct scenario;
struct world;

enum kv_when { KV_STREAM, KV_END };
extern const char *const kv_whens[]; /* by enum kv_when; NULL-terminated */
enum offload_way { OFFLOAD_REFUSE, OFFLOAD_STREAM };
enum { GENERATE_GROUPS = 64 }; /* largest number of micro-batches */

/* Speculative decoding: a small model writes a draft that the large one checks in one pass (Leviathan et al.,
 * arXiv:2211.17192). */
struct speculative {
	struct origin origin;
	const struct yml *model; /* the draft model */
	const char *on;          /* the device that runs the draft model */
	int64_t draft;           /* tokens of one draft */
	double acceptance;       /* probability that a drafted token is accepted, independent of the others */
	struct precision *precision; /* NULL: the scenario's */
	const struct world *world;   /* the same machines with the draft model; set by world_load() */
};

/* Expected tokens from one draft and its check: (1 - a^(g+1)) / (1 - a), equation 1 of that paper. */
double speculative_tokens(const struct speculative *s);

/* The part of a generation that an assignment may override. */
struct generate_options {
	struct origin origin;
	/* tokens of a prompt in one pass; 0: all of them; if it is not given, the runtime's own (world_load()) */
	int64_t chunk;
	/* groups of sequences that follow one another through the devices; 0 in an assignment: the
	 * workload's */
	int64_t micro_batches;
	/* enum kv_when: if decode runs on another device than prefill, the cache of each layer is sent
	 * when it is complete, or all of it at the end */
	int kv;
	/* enum offload_way: weights that do not fit are refused, or read from the machine's disk in every
	 * step */
	int overflow;
	struct speculative *speculative; /* NULL: no draft */
};

struct generate {
	struct origin origin;
	int64_t prompt, tokens, batch;
	int beyond_context; /* enum beyond_context */
	struct generate_options options;
	/* Set when the world is complete: */
	int64_t runtime_chunk; /* tokens of a prompt that the runtime reads in a pass by itself; 0: all */
	bool chunk_asked;      /* the scenario says options.chunk; otherwise it is the runtime's */
};

extern const struct table speculative_table;      /* struct speculative; in an assignment's `serve:`, too */
extern const struct table generate_table;         /* struct generate */
extern const struct table generate_options_table; /* struct generate_options of an assignment */

/* The workload's generation with the options that an assignment overrides. */
struct generate generate_as(const struct generate *g, const struct assignment *a);

/* Checks across keys: the number of passes into which chunks divide a prompt. */
void generate_check(const struct scenario *s, struct diags *diags);

#endif
