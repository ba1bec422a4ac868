/*
 * scenario.h - what a scenario file says: model, machines, links, workload, assignments.
 *
 * Layer world. Structs as the field tables fill them; names are not looked up yet (world.h does).
 */
#ifndef SIM_WORLD_SCENARIO_H
#define SIM_WORLD_SCENARIO_H
#include "sim/conf/field.h"
#include "sim/llm/graph.h"

#define SCENARIO_SCHEMA "lemursim/scenario/1"

/* Sequences longer than the model was made for: an error, or taken as they are. */
enum beyond_context { BEYOND_REFUSE, BEYOND_ALLOW };
enum kv_when { KV_STREAM, KV_END };
enum offload_way { OFFLOAD_REFUSE, OFFLOAD_STREAM };
enum { GENERATE_GROUPS = 64 }; /* micro-batches at most */

struct world;
/* Speculative decoding: a small model writes a draft that the large one checks in one pass (Leviathan et al.,
 * arXiv:2211.17192). */
struct speculative {
	struct origin origin;
	const struct yml *model;     /* the draft's */
	const char *on;              /* the device that runs it */
	int64_t draft;               /* tokens of one */
	double acceptance;           /* the chance that a token of it stands, each for itself */
	struct precision *precision; /* NULL: as the scenario's */
	const struct world *world;   /* the same machines with the draft's model; set by world_load() */
};

/* Tokens that one draft and its check give: (1 - a^(g+1)) / (1 - a), theirs (1). */
double speculative_tokens(const struct speculative *s);

/* How a generation goes about its work; an assignment may say it anew. */
struct generate_options {
	struct origin origin;
	int64_t chunk;         /* tokens of a prompt in one pass; 0: all of them */
	int64_t micro_batches; /* groups of sequences that follow one another through the devices; 0 in an
				  assignment: as the workload says */
	int kv; /* where decode is elsewhere than prefill: each layer's cache leaves when it is made, or all
		   at the end */
	int overflow; /* weights beyond the memory: refused, or read from the machine's disk in every step */
	struct speculative *speculative; /* NULL: token by token */
};

struct generate { /* one request per sequence: read the prompt, write the answer */
	struct origin origin;
	int64_t prompt, tokens, batch;
	int beyond_context; /* enum beyond_context */
	struct generate_options options;
};

enum train_method { TRAIN_FULL, TRAIN_LORA, TRAIN_QLORA /* adapters on quantised weights */ };
enum recompute {
	RECOMPUTE_NONE,
	RECOMPUTE_SELECTIVE, /* the attention scores are made again (Korthikanti et al., arXiv:2205.05198) */
	RECOMPUTE_FULL       /* a block keeps its input alone and runs forward again */
};
enum optimizer {
	OPTIMIZER_NONE,
	OPTIMIZER_SGD,
	OPTIMIZER_MOMENTUM,
	OPTIMIZER_ADAM,
	OPTIMIZER_ADAMW,
	OPTIMIZER_ADAM_8BIT,
	OPTIMIZER_N
};

/* In which order micro-batches pass forward and back through the stages; see sim/train/pipeline.h. */
enum train_schedule {
	SCHEDULE_SERIAL,
	SCHEDULE_GPIPE,
	SCHEDULE_1F1B,
	SCHEDULE_INTERLEAVED,
	SCHEDULE_ZB_H1,
	SCHEDULE_ZB_H2,
	SCHEDULE_ZB_V,
	SCHEDULE_N
};
extern const char *const schedule_names[SCHEDULE_N + 1];

/* How a training step goes about its work; an assignment may say it anew. */
struct train_options {
	struct origin origin;
	int schedule, recompute;
	int64_t in_flight; /* micro-batches a device may hold; 0: as many as the schedule asks for */
	int all_reduce;    /* enum reduce_way, of the gradients of a data split */
	double bucket;     /* its bytes; 0: all gradients at once */
	bool overlap;      /* a bucket is sent as soon as it is made, not when the backward pass is over */
};

struct train { /* one optimizer step */
	struct origin origin;
	int64_t tokens, batch, micro_batches; /* batch: sequences of one micro-batch */
	int beyond_context;                   /* enum beyond_context */
	double padding;                       /* the share of tokens that cost and do not count */
	int method, optimizer;
	int64_t rank, layers;      /* of the adapters; how many of the last layers are trained, 0: all */
	struct field_list targets; /* names of adapters; empty: q and v */
	bool master; /* the optimizer keeps weights in f32 beside those that are computed with */
	struct train_options options;
};
unsigned train_adapters(const struct train *t); /* enum adapter as bits; 0 in full training */
/* What a row cannot: targets that exist, a method that the weights' format allows. */
int train_check(const struct train *t, const struct precision *p, struct diags *diags);

struct workload {
	struct origin origin;
	struct generate *generate; /* NULL: not asked */
	struct train *train;       /* likewise */
};

enum rule_split { RULE_WHOLE, RULE_TENSOR, RULE_DATA, RULE_EXPERTS };

struct rule { /* later rules win, as in .gitattributes */
	struct origin origin;
	struct field_list on;        /* device names: "m5" (its first device) or "m5.gpu" */
	struct field_range layers;   /* first -1: all */
	struct field_list op, phase; /* names; empty: all */
	int split;
	struct field_list shares;  /* of a split, one for each device */
	struct field_list experts; /* of a split by experts: how many on each device, instead of shares */
};

struct assignment {
	struct origin origin;
	const char *name;
	struct field_list place;           /* struct rule */
	struct generate_options *generate; /* NULL: as the workload says */
	struct train_options *train;       /* likewise */
};

struct money { /* what a token costs beside time: assumptions that no measurement gives */
	struct origin origin;
	double electricity; /* USD per joule */
	double life;        /* seconds until a machine is written off */
	double utilisation; /* share of its life that it works; the rest it idles, switched on */
};

struct scenario {
	struct origin origin;
	const char *schema, *title;
	const struct yml *runtime; /* a name, or names by machine; see unit.profile for what it comes to */
	const struct yml *model, *machines, *links;
	struct precision precision;
	struct workload workload;
	struct money money;
	struct field_list assignments; /* struct assignment */
	int64_t seed, draws;
};

extern const struct table scenario_table;

/* What an assignment makes of the workload's generation. */
/* The workload as an assignment has it. */
struct train train_as(const struct train *t, const struct assignment *a);
struct generate generate_as(const struct generate *g, const struct assignment *a);

#endif
