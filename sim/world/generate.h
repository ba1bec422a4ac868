/*
 * generate.h - what a scenario says of a generation: one request for each sequence, and how it is carried
 * out.
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
enum { GENERATE_GROUPS = 64 }; /* micro-batches at most */

/* Speculative decoding: a small model writes a draft that the large one checks in one pass (Leviathan et al.,
 * arXiv:2211.17192). */
struct speculative {
	struct origin origin;
	const struct yml *model; /* the draft's */
	const char *on;          /* the device that runs it */
	int64_t draft;           /* tokens of one draft */
	double acceptance;       /* probability that a drafted token is accepted, independent of the others */
	struct precision *precision; /* NULL: as the scenario's */
	const struct world *world;   /* the same machines with the draft's model; set by world_load() */
};

/* Tokens that one draft and its check give: (1 - a^(g+1)) / (1 - a), equation 1 of that paper. */
double speculative_tokens(const struct speculative *s);

/* The part of a generation that an assignment may override. */
struct generate_options {
	struct origin origin;
	int64_t chunk; /* tokens of a prompt in one pass; 0: all of them. Not said: the runtime's own, see
			* world_load() */
	int64_t micro_batches; /* groups of sequences that follow one another through the devices; 0 in an
				  assignment: as the workload says */
	int kv; /* enum kv_when: where decode is on another device than prefill, each layer's cache leaves
		   when it is made, or all of it at the end */
	int overflow; /* enum offload_way: weights beyond the memory are refused, or read from the machine's
			 disk in every step */
	struct speculative *speculative; /* NULL: token by token */
};

struct generate {
	struct origin origin;
	int64_t prompt, tokens, batch;
	int beyond_context; /* enum beyond_context */
	struct generate_options options;
};

extern const struct table generate_table;         /* struct generate */
extern const struct table generate_options_table; /* struct generate_options of an assignment */

/* The workload's generation with the options that the assignment overrides. */
struct generate generate_as(const struct generate *g, const struct assignment *a);

/* What a table row cannot tell: a prompt that its chunks cut into too many passes. */
void generate_check(const struct scenario *s, struct diags *diags);

#endif
