/* sharing.c - see sharing.h. */
#include "sim/step/sharing.h"

#include <math.h>

size_t program_wires(const struct world *w)
{
	return w->parts_n + w->machines_n;
}

static const struct link_way *way_of(const struct world *w, struct queue q)
{
	return &w->link_uses[q.of].ways[q.end];
}

/* The queues that have tasks, found to use each wire: none, one, or several. */
struct users {
	uint32_t *only; /* [wire]: 1 + the queue seen first; 0: none */
	bool *several;  /* [wire] */
};

static void use(struct users *u, size_t wire, uint32_t queue)
{
	u->several[wire] |= u->only[wire] && u->only[wire] != queue + 1;
	u->only[wire] = queue + 1;
}

static void find_wires_used(const struct world *w, uint32_t at, bool *seen, struct users *u)
{
	struct queue q;

	if (seen[at])
		return;
	seen[at] = true;
	q = queue_at(w, at);
	if (q.kind == QUEUE_DEVICE)
		use(u, w->parts_n + queue_machine(w, q), at);
	for (size_t k = 0; q.kind == QUEUE_LINK && k < way_of(w, q)->parts_n; k++)
		use(u, way_of(w, q)->parts[k], at);
}

static void find_users(const struct program *p, bool *seen, struct users *u)
{
	const struct world *w = p->world;

	for (size_t i = 0; i < p->tasks.n; i++)
		find_wires_used(w, p->tasks.at[i].queue, seen, u);
	for (size_t i = 0; i < p->pass_parts.n; i++)
		find_wires_used(w, p->pass_parts.at[i].queue, seen, u);
}

/* Returns whether a part on the way of a message lets through less than the link itself: a leaf's way up, a switch, a port. */
static bool is_narrow(const struct world *w, struct queue q, uint32_t part)
{
	const struct shared_part *of = &w->parts[part];

	return of->bandwidth->value * of->times < w->link_uses[q.of].link->bandwidth.value * (1 - 1e-9);
}

/* The wires of a queue that others use, too, or that are narrower than its link, at `paths`; returns their number. */
static uint32_t wires_of(const struct world *w, struct queue q, const bool *several, size_t *paths)
{
	uint32_t n = 0;

	if (q.kind == QUEUE_DEVICE && several[w->parts_n + queue_machine(w, q)])
		paths[n++] = w->parts_n + queue_machine(w, q);
	for (size_t k = 0; q.kind == QUEUE_LINK && k < way_of(w, q)->parts_n; k++) {
		const uint32_t part = way_of(w, q)->parts[k];

		if (several[part] || is_narrow(w, q, part))
			paths[n++] = part;
	}
	return n;
}

static bool has_own_rate(const struct world *w, struct queue q)
{
	const struct link_use *u;

	if (q.kind != QUEUE_LINK)
		return true;
	u = &w->link_uses[q.of];
	return u->link->bandwidth_by_size.n || u->link != &w->links[u->of] || way_of(w, q)->parts_n > 1;
}

struct sharing sharing_make(struct arena *a, const struct program *p)
{
	const struct world *w = p->world;
	const size_t queues = program_queues(w);
	struct arena scratch = ARENA_INIT;
	struct queue_wires *of = arena_array(a, queues, sizeof *of);
	struct users u = {arena_array(&scratch, program_wires(w), sizeof *u.only),
			  arena_array(&scratch, program_wires(w), sizeof *u.several)};
	bool *seen = arena_array(&scratch, queues, sizeof *seen);
	size_t n = 0, *paths;

	find_users(p, seen, &u);
	for (size_t i = 0; i < queues; i++)
		n += seen[i] && queue_at(w, i).kind == QUEUE_LINK ? way_of(w, queue_at(w, i))->parts_n : 1;
	paths = arena_room(a, n, sizeof *paths);
	n = 0;
	for (size_t i = 0; i < queues; i++) {
		const struct queue q = queue_at(w, i);

		if (!seen[i])
			continue;
		of[i] = (struct queue_wires){(uint32_t)n, wires_of(w, q, u.several, paths + n),
					     q.kind == QUEUE_DEVICE, has_own_rate(w, q)};
		n += of[i].n;
	}
	arena_release(&scratch);
	return (struct sharing){p, paths, n, of};
}

bool sharing_flow(const struct sharing *s, uint32_t queue, uint32_t op_class, sim_ns ns, double *bytes,
		  double *cap_Bps)
{
	const struct op_class *c = &s->p->op_classes.at[op_class];
	const struct queue_wires *of = &s->of[queue];

	if (!of->n || c->kind == CLASS_JOINED || c->kind == CLASS_PASS ||
	    (of->memory && (c->kind != CLASS_OP || c->cost.bytes <= 0 || ns <= 0)))
		return false;
	*bytes = of->memory ? c->cost.bytes : c->bytes;
	*cap_Bps = of->own_rate && ns > 0 ? *bytes / sim_s_of_ns(ns) : INFINITY;
	return true;
}

sim_ns sharing_alone_ns(const struct sharing *s, uint32_t queue, uint32_t op_class, sim_ns ns,
			const double *wires_Bps)
{
	const struct queue_wires *of = &s->of[queue];
	double bytes, rate;

	if (!sharing_flow(s, queue, op_class, ns, &bytes, &rate))
		return ns;
	for (uint32_t i = of->first; i < of->first + of->n; i++)
		rate = fmin(rate, wires_Bps[s->paths[i]]);
	return sim_ns_of_s(bytes / rate);
}
