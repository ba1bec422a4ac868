/*
 * deps.h - a set of tasks of a program on which later tasks depend.
 *
 * Layer step. The functions that append tasks to a program return one: everything that they appended has ended when all
 * tasks of the set have. Its memory is in the program's arena and never changes, so a copy of the struct is a copy of the
 * set.
 */
#ifndef SIM_STEP_DEPS_H
#define SIM_STEP_DEPS_H
#include <stddef.h>
#include <stdint.h>

struct program;

struct deps {
	const uint32_t *task;
	size_t n;
};

/* Of one task, which is TASK_NONE where there is none: that is not stored. */
struct deps deps_of(struct program *p, uint32_t task);
/* Adds a task, or all of another set; nothing is in a set twice. */
void deps_add(struct program *p, struct deps *d, uint32_t task);
void deps_join(struct program *p, struct deps *d, const struct deps *more);

#endif
