/*
 * runtime_kernels.h - a program: the tasks of one step over device queues and links, each of a class whose
 * time is known.
 *
 * Layer step. Identical layers share classes, so a step is costed once however many layers it has. A program
 * is built in order (what is said first runs first on its queue) and then run on the event engine, or
 * compiled (compile.h).
 */
#ifndef SIM_STEP_PROGRAM_H
#define SIM_STEP_PROGRAM_H
#include "sim/base/vec.h"
#include "sim/cost/cost.h"
#include "sim/des/task.h"
#include "sim/place/place.h"

enum op_class_kind { CLASS_OP, CLASS_SEND, CLASS_SEND_COPY, CLASS_RECEIVE_COPY, CLASS_REDUCE, CLASS_READ };

struct op_class {
	enum op_class_kind kind;
	struct op op;     /* CLASS_OP */
	struct cost cost; /* CLASS_OP; else all in .memory */
	size_t source;    /* whose parameters: a unit, or what comes behind them in program_sources() */
	double lag_s;     /* a link's latency */
	double lag_spread;
	double bytes; /* over the link */
};

/* Backward makes two things: the gradient of a block's input, and that of its weights. */
enum grad_part { GRAD_BOTH, GRAD_INPUT, GRAD_WEIGHTS };

/* What a task is part of: for pictures and for books. */
struct label {
	enum phase phase;
	struct part part;
	int64_t layer;            /* -1 for the ends */
	uint32_t micro;           /* micro-batch, or 0 */
	const char *what;         /* "KV", "activations", ... for a transfer; NULL for an operator */
	enum grad_part grad_part; /* of PHASE_BACKWARD: which gradients */
	bool recompute;           /* PHASE_FORWARD once more, in the backward pass */
};

struct program_task {
	uint32_t queue, op_class;
	uint32_t first_dep, deps_n;
	struct label label;
};

/* Two tasks of which somebody asks how long after the one the other ends. */
struct cycle {
	uint32_t from, to;
};

struct block_cache;
struct route;

struct program {
	const struct world *world; /* whose model is written down; one with the same machines may take its
				      place for a while */
	VEC(struct op_class) op_classes;
	VEC(struct program_task) tasks;
	VEC(uint32_t) deps;
	VEC(struct block_cache) block_caches; /* private: classes of a block at a seat, made once */
	VEC(struct route) routes;             /* private: what comes to which experts, found once */
	struct arena arena;
	struct device_model *device_models; /* private: of each unit, made when first used */
	uint32_t marks[4];                  /* tasks whose end somebody asks for; TASK_NONE if unused */
	VEC(struct cycle) cycles;
};

/* Queues: one for each unit, then two for each joint (from its first end, from its second), then one for each
 * machine's disk. */
size_t program_queues(const struct world *w);
bool program_is_link(const struct world *w, size_t queue);
size_t program_disk(const struct world *w, size_t machine);
size_t program_sources(const struct world *w); /* units, then joints, then the machines' disks */
bool program_has_param(const struct world *w, size_t source, enum param p);

struct device_model program_device_model(struct arena *a, const struct world *w,
					 size_t unit); /* the unit as operators see it */

struct program *program_new(const struct world *w);
void program_free(struct program *p);

/* Tasks that something waits for; small and by value. TASK_NONE entries are dropped. */
enum { DEPS_MAX = 16 * SHARDS_MAX }; /* all to all, twice: a sum and a cache's parts */
struct deps {
	uint32_t task[DEPS_MAX];
	size_t n;
};
void deps_add(struct deps *w, uint32_t task);
void deps_join(struct deps *w, const struct deps *more);

/* Appends the operators of a block at its seat, after `after`. Returns what has to end for the block to have
 * ended; for a tensor split with the ring
 * that makes its output whole. */
struct deps program_block(struct program *p, const struct shape *s, const struct shards *shards,
			  struct label label, const struct deps *after);

/* The two halves of it: the operators, where entry i ends on the seat's device i (none where the block has no
 * operators), and what makes their output whole on each device. */
struct deps program_ops(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label, const struct deps *after);
/* Where each device waits for something of its own. */
struct deps program_ops_each(struct program *p, const struct shape *s, const struct shards *shards,
			     struct label label, const struct deps after[SHARDS_MAX]);
struct deps program_whole(struct program *p, const struct shape *s, const struct shards *shards,
			  struct label label, const struct deps *made);
/* What graph_end() says, whole on each device of a seat. */
struct deps program_end(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label, const struct deps *after);

/* How long a block takes at its seat: the device of a split that takes longest, without what they exchange.
 */
sim_ns program_block_ns(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label);

/* One operator alone on a unit (an update, a step's overhead). */
uint32_t program_op(struct program *p, const struct op *op, size_t unit, double share, struct label label,
		    const struct deps *after);

/* shard_group_routed(), found once. */
struct routed program_routed(struct program *p, const struct shards *shards, unsigned devices, double tokens);

/* What goes over a link, from one unit to another. */
struct message {
	enum op_class_kind kind; /* CLASS_SEND or CLASS_REDUCE */
	size_t from, to;
	double bytes;
	bool opens; /* a collective operation, whose software takes its time once */
};
struct deps program_message(struct program *p, const struct message *m, struct label label,
			    const struct deps *after);

/* Reads bytes from a machine's disk into its memory. Returns what has to end for them to be there. */
struct deps program_read(struct program *p, size_t machine, double bytes, struct label label,
			 const struct deps *after);

/* Moves bytes from one unit to another; within a machine nothing moves. Returns what has to end for them to
 * be there. */
struct deps program_send(struct program *p, size_t from, size_t to, double bytes, struct label label,
			 const struct deps *after);

/* The same from a seat to a seat: every machine of `to` gets what it lacks from the first device of `from`.
 */
struct deps program_hand_over(struct program *p, const struct shards *from, const struct shards *to,
			      double bytes, struct label label, const struct deps *after);

/* How long a hand-over takes where nothing else is on the way; 0 within a machine. */
sim_ns program_hand_over_ns(struct program *p, const struct shards *from, const struct shards *to,
			    double bytes);

/* The same of what a tensor split has in parts (a cache, by heads): each device of `to` gets, from whoever
 * has it, what its machine lacks of its own part. */
struct deps program_hand_parts(struct program *p, const struct shards *from, const struct shards *to,
			       double bytes, struct label label, const struct deps *after);

#endif
