/*
 * queue.h - the queues of a program, and the sources of parameters behind them, as numbers and as what they
 * stand for.
 *
 * Layer step. A device has one queue, a link one for each direction, a machine's disk one. A program, its
 * tasks and all arrays by queue use numbers; this is the only place that makes them and reads them.
 */
#ifndef SIM_STEP_QUEUE_H
#define SIM_STEP_QUEUE_H
#include "sim/cost/cost.h"
#include "sim/world/world.h"

enum queue_kind { QUEUE_DEVICE, QUEUE_LINK, QUEUE_DISK };

struct queue {
	enum queue_kind kind;
	size_t of;  /* a unit, a link use, or a machine of the world */
	size_t end; /* of a link: the end that sends, 0 or 1 */
};

size_t program_queues(const struct world *w);
size_t queue_index(const struct world *w, struct queue q);
struct queue queue_at(const struct world *w, size_t index);

/* A link's queue from the machine that sends. */
struct queue queue_from(const struct world *w, size_t link_use, size_t machine);
/* The machine whose device, whose disk, or whose end of a link that sends it is. */
size_t queue_machine(const struct world *w, struct queue q);
/* The machine at the end of a link that receives. */
size_t queue_receiver(const struct world *w, struct queue q);

/* Where parameters come from: a device, a link (both directions), or a machine's disk. */
struct param_source {
	enum queue_kind kind;
	size_t of;
};
size_t program_sources(const struct world *w);
size_t source_index(const struct world *w, struct param_source s);
struct param_source source_at(const struct world *w, size_t index);
bool program_has_param(const struct world *w, size_t index, enum param p);

#endif
