/*
 * program.h - a program: the tasks of one step on device and link queues, each of an operator class
 * with a known time.
 *
 * Layer step. Identical layers share classes, so a step is costed once however many layers it has. A
 * queue runs its tasks in the order in which they were appended. A program is run on the event engine,
 * or compiled (compile.h).
 */
#ifndef SIM_STEP_PROGRAM_H
#define SIM_STEP_PROGRAM_H
#include "sim/base/vec.h"
#include "sim/cost/cost.h"
#include "sim/des/task.h"
#include "sim/place/place.h"
#include "sim/step/deps.h"
#include "sim/step/queue.h"

enum op_class_kind {
	CLASS_OP,
	CLASS_SEND,
	CLASS_SEND_COPY,
	CLASS_RECEIVE_COPY,
	CLASS_REDUCE,
	CLASS_READ,
	CLASS_JOINED, /* several tasks put as one: joined.h */
	CLASS_PASS    /* the same of two queues that take turns: pass_class.h */
};

struct op_class {
	enum op_class_kind kind;
	struct op op;     /* CLASS_OP */
	struct cost cost; /* CLASS_OP; for other kinds all of the time is in .memory */
	size_t source;    /* index of the source of its parameters: source_index() */
	double lag_s;     /* a link's latency */
	double lag_spread;
	enum provenance lag_from; /* the worst of what the latency is made of */
	double bytes;             /* sent over the link */
	/* OP_LAUNCH: the host launches so many classes, from `launched` on, when it has launched those of the class `behind`;
	 * its task takes what the device waits for that (launches.h). Else 0. */
	uint32_t launches, launched, behind;
	sim_ns ahead_ns;              /* of the host behind them, with the calibrated parameters */
	uint32_t first_part, parts_n; /* CLASS_JOINED: class_parts of the program; CLASS_PASS: pass_parts */
};

#define LAUNCHES_NONE UINT32_MAX

/* So many tasks of a class, one after the other on a queue. */
struct class_part {
	uint32_t op_class, n;
	uint32_t lags; /* after so many of them the next one waits until the lag is over */
};

/* The backward pass computes two gradients: of a block's input, and of its weights. */
enum grad_part { GRAD_BOTH, GRAD_INPUT, GRAD_WEIGHTS };

/* The content of a transfer. */
enum payload {
	PAYLOAD_NONE,
	PAYLOAD_ACTIVATIONS, /* between blocks; in the backward pass, their gradients */
	PAYLOAD_KV,          /* a KV cache, from the devices that compute it to those that read it */
	PAYLOAD_SAVED,       /* activations kept for a backward pass on other devices */
	PAYLOAD_GRADIENTS,   /* gradients of weights, to the devices that update these */
	PAYLOAD_WEIGHTS,     /* updated weights */
	PAYLOAD_DISK,        /* weights read from a disk */
	PAYLOAD_TOKEN,       /* ids of sampled tokens */
	PAYLOAD_DISPATCH,    /* rows of activations, to the experts' devices */
	PAYLOAD_COMBINE,     /* weighted sums of the experts' outputs, back from them */
	PAYLOAD_ALL_GATHER,
	PAYLOAD_ALL_REDUCE,
	PAYLOAD_REDUCE_SCATTER,
	PAYLOAD_N
};
extern const char *const payload_names[PAYLOAD_N + 1]; /* as shown to users: "KV"; "" for PAYLOAD_NONE */

/* The part of the step to which a task belongs; pictures and the memory accounting read it. */
struct label {
	enum phase phase;
	struct part part;
	int64_t layer;            /* -1: embedding or head */
	uint32_t micro;           /* micro-batch, or 0 */
	enum payload payload;     /* content of a transfer; PAYLOAD_NONE: an operator */
	enum grad_part grad_part; /* PHASE_BACKWARD: the gradients that it computes */
	bool recompute;           /* a forward operator run again in the backward pass */
	bool stage;               /* of a transfer: from several blocks on one shard group to the next one */
};

/* A task of those that a CLASS_PASS stands for. */
struct pass_part {
	uint32_t op_class, queue;
	bool waits; /* for the latest one on the other queue before it, and its lag, too */
	struct label label;
};

struct program_task {
	uint32_t queue, op_class;
	uint32_t first_dep, deps_n;
	struct label label;
};

/* Two tasks; runs report the time from the end of the first to the end of the second. */
struct cycle {
	uint32_t from, to;
};

/* Equal cycles of a program of which all but the first few are left out (loop.h). A task of a cycle is that of the cycle
 * before, `len` numbers earlier, for later micro-batches. */
struct program_loop {
	uint32_t at;     /* the number that the first task left out would have */
	uint32_t len;    /* tasks of a cycle */
	uint32_t n;      /* cycles left out; 0: none are */
	uint32_t before; /* cycles before them that must be equal: one more than dependencies reach back */
	uint32_t after;  /* the same after them, as far as queues are ahead of one another; at least 1 */
	uint32_t micros; /* micro-batches of a cycle, of each replica */
	uint32_t each;   /* micro-batches of each replica that the program has */
	sim_ns ns;       /* the time of a cycle with the calibrated parameters */
};

/* The same of a program in two halves, of which the second begins when the first has ended (GPipe). Of both are left out as
 * many cycles, of the same micro-batches, and in each half each queue goes through them at a pace of its own (paces.h). */
struct program_halves {
	struct program_loop second; /* that of the second half; n = 0: the program has no halves */
	uint32_t at;                /* its first task */
	uint32_t
		micro; /* the first micro-batch of a replica after those left out, as the program counts them */
};

struct block_cache;
struct host_at;
struct known_launches;
struct route;

/* The rate of a link for messages of a size. */
struct known_rate {
	const struct link *link;
	double bytes;
	struct qty rate;
};
/* A message over a link, from one unit to another. */
struct message {
	enum op_class_kind kind; /* CLASS_SEND or CLASS_REDUCE */
	size_t from, to;
	double bytes;
	bool opens; /* the first message of a collective operation: what software adds to it counts here */
	int peers;  /* other devices of a collective operation */
	bool stage; /* from one stage of a pipeline to the next */
};
/* The class of a message that goes over one link alone. */
struct known_message {
	const struct world *world; /* NULL: none is known yet */
	struct message of;
	size_t link_use;
	uint32_t op_class;
};
/* The fastest algorithm for a collective operation among equal devices. */
struct known_way {
	const struct link *link;
	int n;
	bool gather;
	double bytes;
	int asked, way; /* enum reduce_way */
};
/* The tasks of a collective operation among the equal devices of a unit. */
struct known_collective {
	const struct link *link;
	size_t unit;
	int equals, n, way, rounds;
	bool gather;
	double bytes;
	uint32_t first, tasks_n; /* of the program's collective_tasks */
};
struct collective_task {
	uint32_t queue, op_class;
};

struct program {
	/* The world whose model the next tasks belong to; a draft's world, which has the same machines, replaces
	 * it while the draft's passes are appended. */
	const struct world *world;
	struct work_span span; /* when its devices work: device_model_sustain(). Set before the first task */
	VEC(struct op_class) op_classes;
	VEC(struct program_task) tasks;
	VEC(uint32_t) deps;
	VEC(struct block_cache) block_caches;      /* private: classes of a block on a shard group */
	VEC(struct known_launches) known_launches; /* private: for launches.c */
	struct host_at *hosts;                     /* private: the same; [unit], or NULL */
	VEC(struct route) routes;                  /* private: results of shard_group_routed() */
	VEC(struct known_rate) rates;              /* private: results of link_rate() */
	VEC(struct known_way) ways;                /* private: for equals.c */
	VEC(struct known_collective) collectives;
	VEC(struct collective_task) collective_tasks;
	VEC(struct class_part) class_parts; /* of classes that are joined */
	VEC(struct pass_part) pass_parts;
	VEC(uint32_t) joined_classes;      /* private: for joined.c */
	bool *joins;                       /* [queue]: its tasks may be joined; NULL: none are (joined.h) */
	struct known_message last_message; /* private: rounds of a collective operation are alike */
	struct arena arena;
	struct device_model *device_models; /* private: [unit * DTYPE_N + dtype], filled on first use */
	uint32_t marks[4];                  /* tasks whose ends runs report; TASK_NONE: unused */
	VEC(struct cycle) cycles;
	struct program_loop loop;
	struct program_halves halves;
};

/* The time of a class's task with the calibrated parameters. */
sim_ns program_class_ns(const struct program *p, size_t op_class);

/* The cost model of a unit, in the arena. */
struct device_model program_device_model(struct arena *a, const struct world *w, size_t unit);

struct program *program_new(const struct world *w);

/* A program without tasks that has p's classes of tasks and their parts, under the same numbers. */
struct program *program_of_classes(const struct program *p);
void program_free(struct program *p);

/* Appends a task of a class to a queue; after may be NULL. */
uint32_t program_put(struct program *p, uint32_t queue, uint32_t op_class, struct label label,
		     const struct deps *after);

/* Appends the operators of a block on its shard group, after `after`; for a tensor split the collective
 * that completes its output, too. */
struct deps program_block(struct program *p, const struct shape *s, const struct shards *shards,
			  struct label label, const struct deps *after);

/* The latest task of a device among the first so many of a program, TASK_NONE: there is none. */
static inline uint32_t program_latest(const struct program *p, size_t unit, size_t before)
{
	while (before && p->tasks.at[before - 1].queue != unit)
		before--;
	return before ? (uint32_t)before - 1 : TASK_NONE;
}

/* The two halves of program_block(). program_ops() appends the operators: entry i of the set is the
 * last task on the shard group's device i, and the set is empty if the block has no operators.
 * program_whole() appends the collective that completes their output on every device. */
struct deps program_ops(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label, const struct deps *after);
/* The same with dependencies of its own for each device. */
struct deps program_ops_each(struct program *p, const struct shape *s, const struct shards *shards,
			     struct label label, const struct deps after[SHARDS_MAX]);
struct deps program_whole(struct program *p, const struct shape *s, const struct shards *shards,
			  struct label label, const struct deps *made);
/* Appends the operators of graph_end() on every device of a shard group, each over the whole tensor. */
struct deps program_end(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label, const struct deps *after);

/* Computes the classes again after the mix of a shape has changed. Its rows, its logits and whether it
 * has decodes and pieces must be the same, since tasks and messages depend on these. */
void program_remake(struct program *p);
/* The same for the class of a task of program_op(). */
void program_remake_op(struct program *p, uint32_t task, const struct op *op);

/* The time of a block on its shard group: that of the slowest device of a split, without collectives. */
sim_ns program_block_ns(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label);

/* Appends one operator on a unit (an update, a step's overhead); returns its task. */
uint32_t program_op(struct program *p, const struct op *op, size_t unit, double share, struct label label,
		    const struct deps *after);

/* shard_group_routed(), computed once for each set of devices and number of tokens. */
struct routed program_routed(struct program *p, const struct shards *shards, uint64_t devices, double tokens);

struct deps program_message(struct program *p, const struct message *m, struct label label,
			    const struct deps *after);

/* The queue and the class of a message from a device to an equal one that it stands for, while those send as much; distance:
 * that of the ranks, see world_equals_use(). */
struct collective_task program_message_equals(struct program *p, const struct message *m, enum equals e,
					      int distance);

/* Appends a read from a machine's disk into its memory. */
struct deps program_read(struct program *p, size_t machine, double bytes, struct label label,
			 const struct deps *after);

/* Appends a transfer from one unit to another; nothing is appended if both are on one machine. */
struct deps program_send(struct program *p, size_t from, size_t to, double bytes, struct label label,
			 const struct deps *after);

/* Appends transfers from the first device of `from` to every machine of `to` that lacks the bytes. */
struct deps program_hand_over(struct program *p, const struct shards *from, const struct shards *to,
			      double bytes, struct label label, const struct deps *after);

/* The time of program_hand_over() on idle links; 0 within a machine. */
sim_ns program_hand_over_ns(struct program *p, const struct shards *from, const struct shards *to,
			    double bytes);

/* Appends transfers of a tensor that a tensor split stores in parts (a KV cache, by heads): each device
 * of `to` receives the bytes of its own part that its machine lacks from the devices of `from` that
 * hold them. */
struct deps program_hand_parts(struct program *p, const struct shards *from, const struct shards *to,
			       double bytes, struct label label, const struct deps *after);

#endif
