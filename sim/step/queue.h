/*
 * queue.h - numbers for the queues of a program and for the sources of their parameters.
 *
 * Layer step. A device has one queue, a link use (two machines that a link joins) one for each direction, a machine's
 * disk one. Programs,
 * tasks and arrays use the numbers; only this file computes and decodes them.
 */
#ifndef SIM_STEP_QUEUE_H
#define SIM_STEP_QUEUE_H
#include "sim/cost/cost.h"
#include "sim/world/world.h"

enum queue_kind { QUEUE_DEVICE, QUEUE_LINK, QUEUE_DISK };

struct queue {
	enum queue_kind kind;
	size_t of;  /* a unit, a link use, or a machine of the world */
	size_t end; /* links: the end that sends, 0 or 1 */
};

size_t program_queues(const struct world *w);
size_t queue_index(const struct world *w, struct queue q);
struct queue queue_at(const struct world *w, size_t index);

/* The queue of a link in the direction from the given machine. */
struct queue queue_from(const struct world *w, size_t link_use, size_t machine);
/* The machine of a queue: that of the device or disk, or the one that sends on the link. */
size_t queue_machine(const struct world *w, struct queue q);
/* The machine that receives on a link's queue. */
size_t queue_receiver(const struct world *w, struct queue q);

/* The sources of parameters: devices, links (one for all machines that it joins) and disks. */
struct param_source {
	enum queue_kind kind;
	size_t of; /* a unit, a link, or a machine of the world */
};
size_t program_sources(const struct world *w);
size_t source_index(const struct world *w, struct param_source s);
struct param_source source_at(const struct world *w, size_t index);
bool program_has_param(const struct world *w, size_t index, enum param p);

#endif
