/* deps.c - see deps.h. */
#include "sim/step/deps.h"

#include <string.h>

#include "sim/step/program.h"

struct deps deps_of(struct program *p, uint32_t task)
{
	struct deps d = {.n = 0};

	deps_add(p, &d, task);
	return d;
}

static bool has_task(const struct deps *d, uint32_t task)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->task[i] == task)
			return true;
	return false;
}

/* Lists are never changed in place, since callers hold copies of the struct. */
static void append(struct program *p, struct deps *d, const uint32_t *task, size_t n)
{
	uint32_t *all = arena_room(&p->arena, d->n + n, sizeof *all);

	if (d->n)
		memcpy(all, d->task, d->n * sizeof *all);
	d->task = all;
	for (size_t i = 0; i < n; i++)
		if (!has_task(d, task[i]))
			all[d->n++] = task[i];
}

void deps_add(struct program *p, struct deps *d, uint32_t task)
{
	if (task != TASK_NONE && !has_task(d, task))
		append(p, d, &task, 1);
}

void deps_join(struct program *p, struct deps *d, const struct deps *more)
{
	bool all = true;

	if (!d->n) {
		*d = *more;
		return;
	}
	for (size_t i = 0; i < more->n; i++)
		all &= has_task(d, more->task[i]);
	if (!all)
		append(p, d, more->task, more->n);
}
