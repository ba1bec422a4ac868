/*
 * serve.h - what a scenario says of serving: the load (arrivals, lengths, classes, SLO) and, in an
 * assignment, the server (scheduler, replicas, pools, routing, failures).
 *
 * Layer world. Structs as the field tables fill them, checked by scenario_check_serve(). What is absent is 0
 * or NULL; yml_get(origin.node, key) tells whether a key was written. Times are seconds, rates per second.
 */
#ifndef SIM_WORLD_SERVE_H
#define SIM_WORLD_SERVE_H
#include "sim/conf/field.h"

enum length_kind { LENGTH_FIXED, LENGTH_UNIFORM, LENGTH_LOGNORMAL, LENGTH_HISTOGRAM };
enum { LENGTH_MAX = 1 << 22, SERVE_CLASSES = 64, SERVE_USERS = 1 << 20 };

struct lognormal_law { /* p50 and p90, or mean and sigma */
	struct origin origin;
	double p50, p90, mean; /* tokens */
	double sigma;          /* standard deviation of the logarithm */
};

struct length_bin { /* lengths from..to, each as likely; from 0: `to` alone */
	struct origin origin;
	int64_t from, to; /* tokens */
	double weight;
};

struct length_law {
	struct origin origin;
	int kind;                  /* enum length_kind */
	int64_t fixed;             /* tokens */
	struct field_list uniform; /* two doubles: least and greatest, both included */
	struct lognormal_law *lognormal;
	struct field_list histogram; /* struct length_bin */
	int64_t max;                 /* the upper limit of a drawn length */
};

enum arrivals_kind {
	ARRIVALS_RATE, /* gamma gaps of shape `burstiness`; 1: Poisson */
	ARRIVALS_EVERY,
	ARRIVALS_USERS, /* closed loop; `concurrency: n` is n users who do not think */
	ARRIVALS_ALL_AT,
	ARRIVALS_TRACE
};

struct arrivals_law {
	struct origin origin;
	int kind;
	double rate, burstiness, every;
	bool exact_rate; /* gaps are scaled so that N arrivals take N / rate */
	int64_t users, concurrency;
	double think; /* mean of an exponential */
	double all_at;
	const char *trace; /* path, from where the program runs */
	double speed;
	bool skip_failed; /* rows of a trace without an answer are passed over and counted */
};

struct prefix_law {
	struct origin origin;
	int64_t system; /* tokens before every prompt, shared within a group */
	int64_t groups, turns;
	double think; /* between an answer and the next turn; exponential */
};

/* Bounds of a service level objective: metric x statistic. */
enum slo_metric { SLO_TTFT, SLO_TPOT, SLO_ITL, SLO_E2EL, SLO_METRICS };
enum slo_stat { SLO_MEAN, SLO_P50, SLO_P90, SLO_P95, SLO_P99, SLO_STATS };
struct slo {
	struct origin origin;
	double bound[SLO_METRICS][SLO_STATS]; /* seconds; 0: none */
};
extern const double slo_shares[SLO_STATS]; /* 0 for the mean, else 0.5, 0.9, ... */
/* A bound's key in a file, "ttft_p95", and the name of the metric that it is about, "ttft_s_p95". */
extern const char *const slo_keys[SLO_METRICS][SLO_STATS], *const slo_metric_names[SLO_METRICS][SLO_STATS];
extern const char *const slo_heads[SLO_METRICS]; /* "TTFT" */

struct load_class {
	struct origin origin; /* its name */
	double share;         /* the share of the requests */
	int64_t priority;     /* smaller first */
	bool own_seed;        /* mlx_lm.server runs its requests alone */
	const struct yml *prompt_said, *output_said;
	struct length_law prompt, output; /* set by scenario_check_serve() */
	struct prefix_law *prefix;
	struct slo *slo;
};

enum measure_way { MEASURE_STEADY, MEASURE_ALL };

struct serve {
	struct origin origin;
	struct arrivals_law arrivals;
	struct load_class all;     /* prompt, output, prefix and slo outside of classes */
	struct field_list classes; /* struct load_class; one called "all" where none is written */
	int64_t requests;          /* 0: not said */
	double span;               /* `for`; 0: not said */
	int measure;
	int64_t max_in_flight; /* 0: no limit */
	int64_t replications;
	int beyond_context; /* enum beyond_context of workload.h */
};

/* Are there classes that have names? */
bool serve_has_classes(const struct serve *s);

/* Does nothing say where the load ends? Then it goes on until its metrics are precise. */
bool serve_open_ended(const struct serve *s);

/* The server, in an assignment. Nothing has a default here: what is not written is as the runtime's profile
 * has it. */
struct serve_how {
	struct origin origin;
	const char *server; /* file of the server's defaults; NULL: the runtime's */
	int scheduler;      /* enum serve_scheduler; SCHEDULER_UNSAID if not written */
	/* Sequences at once (slots of llama.cpp, decodes of mlx) and tokens of an iteration (batched_tokens
	 * of vllm): each may be written by either name, and seqs and batch have it in any case. */
	int64_t seqs, batch, slots, decodes, batched_tokens;
	int64_t ubatch, context, block, long_prefill, prompts, step, tail;
	double window; /* static: how long it waits for a batch to fill */
	double poll;   /* mlx: seconds of iterations before it looks for new requests */
	int kv;        /* enum serve_kv */
	int policy;    /* enum serve_policy */
	int reserve;   /* enum serve_reserve */
	bool chunked, whole_prompt, prefill_first, prefix_cache, pipelined, eager, piecewise, async;
	int64_t kv_blocks;         /* blocks of `block` tokens; 0: as many as the memory holds */
	double host_cache;         /* bytes */
	double memory;             /* share of the memory that the server may take */
	double reserved;           /* bytes of it for what is no weight, cache or activation */
	int64_t queue;             /* requests that may wait; 0: any number */
	struct field_list graphs;  /* double: batch sizes with a captured graph */
	double host, host_per_seq; /* seconds of an iteration */
	double new_rows;           /* seconds of a pass of so many rows as none had before */
	double detokenizer;        /* seconds for each entry of the vocabulary, of a request taken in */
	double request, request_per_token; /* seconds before a request is queued */
	struct speculative *speculative;   /* generate.h; NULL: no draft */
};
enum serve_scheduler {
	SCHEDULER_UNSAID,
	SCHEDULER_VLLM,
	SCHEDULER_LLAMACPP,
	SCHEDULER_MLX,
	SCHEDULER_STATIC,
	SCHEDULER_SGLANG,
	SCHEDULER_OLLAMA,
	SCHEDULER_LMSTUDIO,
	SCHEDULER_OMLX
};
enum serve_kv { SERVE_KV_UNSAID, SERVE_KV_UNIFIED, SERVE_KV_SPLIT, SERVE_KV_PAGED, SERVE_KV_PADDED };
enum serve_policy { POLICY_UNSAID, POLICY_FCFS, POLICY_PRIORITY, POLICY_LONGEST_PREFIX };
enum serve_reserve { RESERVE_UNSAID, RESERVE_NEEDED, RESERVE_ALL };
extern const char *const serve_schedulers[]; /* by enum; NULL-terminated */

enum route_policy {
	ROUTED_ROUND_ROBIN,
	ROUTED_RANDOM,
	ROUTED_LEAST_REQUESTS,
	ROUTED_LEAST_TOKENS,
	ROUTED_TWO_CHOICES,
	ROUTED_PREFIX,
	ROUTED_SESSION
};

struct replica_said {
	struct origin origin;
	struct field_list place; /* struct rule */
	struct serve_how *serve; /* NULL: as the assignment's */
	double weight;           /* share of the requests against that of others; 0: not said */
};

struct pools {
	struct origin origin;
	struct field_list prefill, decode; /* struct replica_said */
};

enum hand_over_first { FIRST_TOKEN_PREFILL, FIRST_TOKEN_DECODE };
struct hand_over {
	struct origin origin;
	int kv; /* enum kv_when of scenario.h: stream, end */
	int first_token;
};

struct outage {
	struct origin origin;
	const char *machine;
	double from, span; /* `for` */
};

struct assignment;
struct serving; /* hw/serving.h */

/* One server of an assignment: where its weights are, as an assignment of its own, and how it schedules. */
struct served_part {
	const struct assignment *part;
	const struct serving *settings; /* the runtime's with what the scenario says instead */
	const struct serve_how *said;   /* the assignment's own settings; NULL: none */
};

/* The part of an assignment that is about serving; it is a member of struct assignment. */
struct assign_serving {
	struct serve_how *serve;
	struct field_list replicas; /* struct replica_said */
	struct pools *pools;
	int route;      /* enum route_policy */
	double refresh; /* age of the loads that the router sees; 0: none */
	struct hand_over *hand_over;
	const struct yml *down_said;       /* one mapping or a list of them */
	struct field_list down;            /* struct outage, set by scenario_check_serve() */
	double weight;                     /* of a part: as its replica says; 0: not said */
	const struct served_part *servers; /* set by world_load() where the workload serves */
	size_t servers_n;
};

extern const struct table serve_table, serve_how_table, replica_table, pools_table, hand_over_table,
	outage_table;
extern const char *const route_policies[]; /* by enum route_policy; NULL-terminated */

/* Rows of the assignments' table; at: offset of the struct assign_serving in the struct. */
#define SERVING_ROW(at, member)                                                                              \
	.key = #member, .offset = (at) + offsetof(struct assign_serving, member), .optional = true
#define SERVING_FIELDS(at)                                                                                   \
	{SERVING_ROW(at, serve), .type = FIELD_MAYBE, .sub = &serve_how_table,                               \
	 .help = "the server; what is not said is as the runtime's profile has it"},                         \
		{SERVING_ROW(at, replicas), .type = FIELD_LIST, .sub = &replica_table, .max = 1024,          \
		 .help = "several servers, each with its own place, instead of 'place'"},                    \
		{SERVING_ROW(at, pools), .type = FIELD_MAYBE, .sub = &pools_table,                           \
		 .help = "servers that read prompts and servers that generate, instead of 'place'"},         \
		{SERVING_ROW(at, route), .type = FIELD_CHOICE, .choices = route_policies,                    \
		 .help = "which replica gets a request; least_requests if not said"},                        \
		{SERVING_ROW(at, refresh),                                                                   \
		 .type = FIELD_DOUBLE,                                                                       \
		 .dim = DIM_TIME,                                                                            \
		 .min = 0,                                                                                   \
		 .max = 3600,                                                                                \
		 .help = "how old the loads are that the router sees"},                                      \
		{SERVING_ROW(at, hand_over), .type = FIELD_MAYBE, .sub = &hand_over_table,                   \
		 .help = "of a cache between pools"},                                                        \
	{                                                                                                    \
		.key = "down", .offset = (at) + offsetof(struct assign_serving, down_said),                  \
		.optional = true, .type = FIELD_YML, .sub = &outage_table,                                   \
		.help = "a machine that fails for a while, or a list of them"                                \
	}

struct scenario;

/* What the tables cannot see, for the load and for every assignment; also the lengths, which may be a number
 * or a mapping. Complains to diags; 0 or -1. Called once the scenario's table is loaded. */
int scenario_check_serve(struct scenario *s, struct diags *diags);

/* The placements that an assignment asks for: itself, or one assignment for each replica or pool member,
 * named after it ("two: replica 1", "split: decode 2"), with its serve: filled in. In the arena. */
size_t serving_parts(struct arena *a, const struct assignment *from, const struct assignment **parts);

struct loader;
struct world;

/* Finds the settings of every server of every assignment: by name, by scheduler, or by the runtime of its
 * first device, with what the scenario says instead. Complaints go to the loader's diags. */
void world_load_servers(struct loader *l, const struct world *w);

#endif
