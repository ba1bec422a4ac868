/*
 * halves.h - private to the room: what paces.c and paces_cycles.c know of a program in halves.
 */
#ifndef SIM_STEP_HALVES_H
#define SIM_STEP_HALVES_H
#include "sim/step/paces.h"

static inline const struct program_loop *loop_of(const struct program *p, int half)
{
	return half ? &p->halves.second : &p->loop;
}

static inline int half_of(const struct program *p, uint32_t task)
{
	return task >= p->halves.at;
}

/* A backward pass of a micro-batch waits for the forward pass of the same one, and for the loss. */
static inline bool is_of_first(const struct program *p, uint32_t task, uint32_t dep)
{
	return half_of(p, task) && !half_of(p, dep);
}

/* What a backward pass waits for of the first half is the same task for each micro-batch (the loss), or its own forward pass. */
static inline bool is_fixed(const struct program *p, uint32_t dep)
{
	return dep >= p->loop.at + p->loop.after * p->loop.len;
}

/* The end of the cycles of the second half. */
static inline uint32_t cycles_end(const struct program *p)
{
	return p->halves.second.at + p->halves.second.after * p->halves.second.len;
}

static inline bool takes_in_order(const struct program *p, uint32_t queue)
{
	return queue_at(p->world, queue).kind == QUEUE_DEVICE;
}

#endif
