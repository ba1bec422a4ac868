/*
 * prog.h - a program: the tasks of one step over device queues and links, each of a class whose time is
 * known.
 *
 * Layer step. Identical layers share classes, so a step is costed once however many layers it has. A program
 * is built in order (what is said first runs first on its queue) and then run on the event engine, or
 * compiled (compile.h).
 */
#ifndef SIM_STEP_PROG_H
#define SIM_STEP_PROG_H
#include "sim/base/vec.h"
#include "sim/cost/cost.h"
#include "sim/des/task.h"
#include "sim/place/place.h"

enum class_kind { CLASS_OP, CLASS_SEND, CLASS_SEND_COPY, CLASS_RECEIVE_COPY, CLASS_REDUCE, CLASS_READ };

struct class
{
	enum class_kind kind;
	struct op op;     /* CLASS_OP */
	struct cost cost; /* CLASS_OP; else all in .memory */
	size_t source;    /* whose parameters: a unit, or what comes behind them in prog_sources() */
	double lag_s;     /* a link's latency */
	double lag_spread;
	double bytes; /* over the link */
};

/* Backward makes two things: the gradient of a block's input, and that of its weights. */
enum half { HALF_BOTH, HALF_INPUT, HALF_WEIGHTS };

/* What a task is part of: for pictures and for books. */
struct tag {
	enum phase phase;
	struct part part;
	int64_t layer;    /* -1 for the ends */
	uint32_t micro;   /* micro-batch, or 0 */
	const char *what; /* "KV", "activations", ... for a transfer; NULL for an operator */
	enum half half;   /* of PHASE_BACKWARD: which gradients */
	bool again;       /* PHASE_FORWARD once more, in the backward pass */
};

struct prog_task {
	uint32_t queue, class;
	uint32_t first_dep, deps_n;
	struct tag tag;
};

/* Two tasks of which somebody asks how long after the one the other ends. */
struct lap {
	uint32_t from, to;
};

struct recipe;
struct route;

struct prog {
	const struct world *world; /* whose model is written down; one with the same machines may take its
				      place for a while */
	VEC(struct class) classes;
	VEC(struct prog_task) tasks;
	VEC(uint32_t) deps;
	VEC(struct recipe) recipes; /* private: classes of a block at a seat, made once */
	VEC(struct route) routes;   /* private: what comes to which experts, found once */
	struct arena arena;
	struct site *sites; /* private: of each unit, made when first used */
	uint32_t marks[4];  /* tasks whose end somebody asks for; TASK_NONE if unused */
	VEC(struct lap) laps;
};

/* Queues: one for each unit, then two for each joint (from its first end, from its second), then one for each
 * machine's disk. */
size_t prog_queues(const struct world *w);
bool prog_is_link(const struct world *w, size_t queue);
size_t prog_disk(const struct world *w, size_t machine);
size_t prog_sources(const struct world *w); /* units, then joints, then the machines' disks */
bool prog_has_param(const struct world *w, size_t source, enum param p);

struct site prog_site(struct arena *a, const struct world *w, size_t unit); /* the unit as operators see it */

struct prog *prog_new(const struct world *w);
void prog_free(struct prog *p);

/* Tasks that something waits for; small and by value. TASK_NONE entries are dropped. */
enum { WAITS = 16 * SEAT_MAX }; /* all to all, twice: a sum and a cache's parts */
struct waits {
	uint32_t task[WAITS];
	size_t n;
};
void waits_add(struct waits *w, uint32_t task);
void waits_join(struct waits *w, const struct waits *more);

/* Appends the operators of a block at its seat, after `after`. Returns what has to end for the block to have
 * ended; for a tensor split with the ring
 * that makes its output whole. */
struct waits prog_block(struct prog *p, const struct shape *s, const struct seat *seat, struct tag tag,
			const struct waits *after);

/* The two halves of it: the operators, where entry i ends on the seat's device i (none where the block has no
 * operators), and what makes their output whole on each device. */
struct waits prog_ops(struct prog *p, const struct shape *s, const struct seat *seat, struct tag tag,
		      const struct waits *after);
/* Where each device waits for something of its own. */
struct waits prog_ops_each(struct prog *p, const struct shape *s, const struct seat *seat, struct tag tag,
			   const struct waits after[SEAT_MAX]);
struct waits prog_whole(struct prog *p, const struct shape *s, const struct seat *seat, struct tag tag,
			const struct waits *made);
/* What graph_end() says, whole on each device of a seat. */
struct waits prog_end(struct prog *p, const struct shape *s, const struct seat *seat, struct tag tag,
		      const struct waits *after);

/* How long a block takes at its seat: the device of a split that takes longest, without what they exchange.
 */
sim_ns prog_block_ns(struct prog *p, const struct shape *s, const struct seat *seat, struct tag tag);

/* One operator alone on a unit (an update, a step's overhead). */
uint32_t prog_op(struct prog *p, const struct op *op, size_t unit, double share, struct tag tag,
		 const struct waits *after);

/* seat_routed(), found once. */
struct routed prog_routed(struct prog *p, const struct seat *seat, unsigned devices, double tokens);

/* What goes over a link, from one unit to another. */
struct message {
	enum class_kind kind; /* CLASS_SEND or CLASS_REDUCE */
	size_t from, to;
	double bytes;
	bool opens; /* a collective operation, whose software takes its time once */
};
struct waits prog_message(struct prog *p, const struct message *m, struct tag tag, const struct waits *after);

/* Reads bytes from a machine's disk into its memory. Returns what has to end for them to be there. */
struct waits prog_read(struct prog *p, size_t machine, double bytes, struct tag tag,
		       const struct waits *after);

/* Moves bytes from one unit to another; within a machine nothing moves. Returns what has to end for them to
 * be there. */
struct waits prog_send(struct prog *p, size_t from, size_t to, double bytes, struct tag tag,
		       const struct waits *after);

/* The same from a seat to a seat: every machine of `to` gets what it lacks from the first device of `from`.
 */
struct waits prog_hand_over(struct prog *p, const struct seat *from, const struct seat *to, double bytes,
			    struct tag tag, const struct waits *after);

/* How long a hand-over takes where nothing else is on the way; 0 within a machine. */
sim_ns prog_hand_over_ns(struct prog *p, const struct seat *from, const struct seat *to, double bytes);

/* The same of what a tensor split has in parts (a cache, by heads): each device of `to` gets, from whoever
 * has it, what its machine lacks of its own part. */
struct waits prog_hand_parts(struct prog *p, const struct seat *from, const struct seat *to, double bytes,
			     struct tag tag, const struct waits *after);

#endif
