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
#include "sim/step/queue.h"

enum op_class_kind { CLASS_OP, CLASS_SEND, CLASS_SEND_COPY, CLASS_RECEIVE_COPY, CLASS_REDUCE, CLASS_READ };

struct op_class {
	enum op_class_kind kind;
	struct op op;     /* CLASS_OP */
	struct cost cost; /* CLASS_OP; else all in .memory */
	size_t source;    /* of its parameters: source_index() */
	double lag_s;     /* a link's latency */
	double lag_spread;
	double bytes; /* over the link */
};

/* Backward makes two things: the gradient of a block's input, and that of its weights. */
enum grad_part { GRAD_BOTH, GRAD_INPUT, GRAD_WEIGHTS };

/* What a transfer carries. */
enum payload {
	PAYLOAD_NONE,
	PAYLOAD_ACTIVATIONS, /* from block to block; backward, their gradients */
	PAYLOAD_KV,          /* a cache, from where it was made to where it is read */
	PAYLOAD_SAVED,       /* activations kept for a backward pass elsewhere */
	PAYLOAD_GRADIENTS,   /* of weights, to where these are updated */
	PAYLOAD_WEIGHTS,     /* new ones */
	PAYLOAD_DISK,        /* weights that are read from a disk */
	PAYLOAD_TOKEN,       /* the ids that were chosen */
	PAYLOAD_DISPATCH,    /* rows to experts */
	PAYLOAD_COMBINE,     /* sums of experts */
	PAYLOAD_ALL_GATHER,
	PAYLOAD_ALL_REDUCE,
	PAYLOAD_N
};
extern const char *const payload_names[PAYLOAD_N + 1]; /* for people: "KV"; of PAYLOAD_NONE "" */

/* What a task is part of: for pictures and for books. */
struct label {
	enum phase phase;
	struct part part;
	int64_t layer;            /* -1 for the ends */
	uint32_t micro;           /* micro-batch, or 0 */
	enum payload payload;     /* of a transfer; PAYLOAD_NONE: it is an operator */
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
	VEC(struct block_cache) block_caches; /* private: classes of a block at a shard group, made once */
	VEC(struct route) routes;             /* private: what comes to which experts, found once */
	struct arena arena;
	struct device_model *device_models; /* private: [unit * DTYPE_N + dtype], made when first used */
	uint32_t marks[4];                  /* tasks whose end somebody asks for; TASK_NONE if unused */
	VEC(struct cycle) cycles;
};

struct device_model program_device_model(struct arena *a, const struct world *w,
					 size_t unit); /* the unit as operators see it */

struct program *program_new(const struct world *w);
void program_free(struct program *p);

/* Tasks that something waits for, none of them twice. They are in the program's arena and never change there,
 * so a copy of the struct is a copy of the list. TASK_NONE is left out. */
struct deps {
	const uint32_t *task;
	size_t n;
};
struct deps deps_of(struct program *p, uint32_t task);
void deps_add(struct program *p, struct deps *d, uint32_t task);
void deps_join(struct program *p, struct deps *d, const struct deps *more);

/* Appends the operators of a block at its shard group, after `after`. Returns what has to end for the block
 * to have ended; for a tensor split with the ring that makes its output whole. */
struct deps program_block(struct program *p, const struct shape *s, const struct shards *shards,
			  struct label label, const struct deps *after);

/* The two halves of it: the operators, where entry i ends on the shard group's device i (none where the block
 * has no operators), and what makes their output whole on each device. */
struct deps program_ops(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label, const struct deps *after);
/* Where each device waits for something of its own. */
struct deps program_ops_each(struct program *p, const struct shape *s, const struct shards *shards,
			     struct label label, const struct deps after[SHARDS_MAX]);
struct deps program_whole(struct program *p, const struct shape *s, const struct shards *shards,
			  struct label label, const struct deps *made);
/* What graph_end() says, whole on each device of a shard group. */
struct deps program_end(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label, const struct deps *after);

/* A shape's mix may change after its operators were made, as long as its rows, its logits and whether it has
 * decodes and pieces stay: tasks and messages do not hang on the rest. Makes the operators again. */
void program_remake(struct program *p);

/* How long a block takes at its shard group: the device of a split that takes longest, without what they
 * exchange.
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

/* The same from a shard group to a shard group: every machine of `to` gets what it lacks from the first
 * device of `from`.
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
