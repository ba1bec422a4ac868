/* joined.c - see joined.h. */
#include "sim/step/joined.h"

#include <string.h>

#include "sim/step/pass_class.h"

/* ---- where tasks may be joined ---- */

/* A device whose machine has others shares its memory with them. */
static bool is_alone(const struct world *w, size_t unit)
{
	size_t n = 0;

	for (size_t u = 0; u < w->units_n; u++)
		n += w->units[u].machine == w->units[unit].machine;
	return n == 1;
}

void joined_begin(struct program *p, bool rounds)
{
	const struct world *w = p->world;

	BUG_ON(p->tasks.n);
	p->joins = arena_array(&p->arena, program_queues(w), sizeof *p->joins);
	for (size_t i = 0; i < program_queues(w); i++) {
		const struct queue q = queue_at(w, i);

		p->joins[i] = q.kind == QUEUE_DEVICE ? is_alone(w, q.of) : q.kind == QUEUE_LINK && rounds;
	}
}

bool joined_may(const struct program *p, uint32_t queue)
{
	return p->joins && p->joins[queue];
}

/* ---- classes ---- */

static bool same_parts(const struct program *p, uint32_t op_class, const struct class_part *parts, size_t n)
{
	const struct op_class *c = &p->op_classes.at[op_class];

	return c->parts_n == n && !memcmp(&p->class_parts.at[c->first_part], parts, n * sizeof *parts);
}

uint32_t joined_class(struct program *p, const struct class_part *parts, size_t n)
{
	const struct op_class *last = &p->op_classes.at[parts[n - 1].op_class];
	struct op_class c = {.kind = CLASS_JOINED,
			     .source = last->source,
			     .lag_s = last->lag_s,
			     .lag_spread = last->lag_spread,
			     .lag_from = last->lag_from,
			     .first_part = (uint32_t)p->class_parts.n,
			     .parts_n = (uint32_t)n};

	if (n == 1 && parts[0].n == 1)
		return parts[0].op_class;
	for (size_t i = p->joined_classes.n; i-- > 0;)
		if (same_parts(p, p->joined_classes.at[i], parts, n))
			return p->joined_classes.at[i];
	for (size_t i = 0; i < n; i++)
		VEC_ADD(&p->class_parts, parts[i]);
	VEC_ADD(&p->joined_classes, (uint32_t)p->op_classes.n);
	VEC_ADD(&p->op_classes, c);
	return (uint32_t)p->op_classes.n - 1;
}

uint32_t joined_range(struct program *p, uint32_t first, uint32_t n)
{
	struct class_part parts[GRAPH_OPS];

	BUG_ON(n > ARRAY_LEN(parts));
	for (uint32_t i = 0; i < n; i++)
		parts[i] = (struct class_part){first + i, 1, 0};
	return joined_class(p, parts, n);
}

const struct class_part *class_parts(const struct program *p, uint32_t op_class, struct class_part *own,
				     size_t *n)
{
	const struct op_class *c = &p->op_classes.at[op_class];

	*own = (struct class_part){op_class, 1, 0};
	*n = c->kind == CLASS_JOINED ? c->parts_n : 1;
	return c->kind == CLASS_JOINED ? &p->class_parts.at[c->first_part] : own;
}

sim_ns joined_ns(const struct program *p, const struct op_class *c, const struct class_times *t)
{
	sim_ns sum = 0;

	for (uint32_t i = c->first_part; i < c->first_part + c->parts_n; i++) {
		const struct class_part *part = &p->class_parts.at[i];

		sum += t->ns[part->op_class] * part->n + t->lag_ns[part->op_class] * part->lags;
	}
	return sum;
}

sim_ns joined_lags_ns(const struct program *p, uint32_t op_class, const struct class_times *t)
{
	const struct op_class *c = &p->op_classes.at[op_class];
	sim_ns sum = 0;

	for (uint32_t i = c->first_part; i < c->first_part + c->parts_n; i++)
		sum += t->lag_ns[p->class_parts.at[i].op_class] * p->class_parts.at[i].lags;
	return sum;
}

/* ---- runs ---- */

/* Returns whether a task has another among its dependencies. */
static bool depends(const struct program *p, const struct program_task *t, uint32_t on)
{
	for (uint32_t d = 0; d < t->deps_n; d++)
		if (p->deps.at[t->first_dep + d] == on)
			return true;
	return false;
}

static bool is_joined(const struct program *p, uint32_t task)
{
	const struct program_task *t = &p->tasks.at[task];

	return p->op_classes.at[t->op_class].kind == CLASS_JOINED &&
	       queue_at(p->world, t->queue).kind == QUEUE_LINK;
}

/* A task that was ready while joined rounds held the link, and so started at their end, might have come between them. */
static bool waited(const struct program *p, const struct task_run *run, uint32_t task)
{
	const struct program_task *t = &p->tasks.at[task];
	const uint32_t cause = run->spans[task].cause;

	return cause != TASK_NONE && p->tasks.at[cause].queue == t->queue && is_joined(p, cause) &&
	       !depends(p, t, cause);
}

/* The same of a part of a pass on the link, which was ready while joined rounds held that. */
static bool part_waited(const struct program *p, const struct op_class *c, const struct task_span *spans,
			uint32_t i)
{
	const struct pass_part *parts = &p->pass_parts.at[c->first_part];
	const uint32_t cause = spans[c->first_part + i].cause;

	return parts[i].queue != parts[0].queue && cause != TASK_NONE &&
	       parts[cause].queue == parts[i].queue &&
	       p->op_classes.at[parts[cause].op_class].kind == CLASS_JOINED;
}

static bool parts_hold(const struct program *p, const struct task_span *spans)
{
	for (size_t k = 0; k < p->op_classes.n; k++) {
		const struct op_class *c = &p->op_classes.at[k];

		for (uint32_t i = 0; c->kind == CLASS_PASS && i < c->parts_n; i++)
			if (part_waited(p, c, spans, i))
				return false;
	}
	return true;
}

/* The first part of a pass that is on its link; parts_n: none is. */
static uint32_t first_on_link(const struct program *p, const struct op_class *c)
{
	const struct pass_part *parts = &p->pass_parts.at[c->first_part];
	uint32_t i = 0;

	while (i < c->parts_n && parts[i].queue == parts[0].queue)
		i++;
	return i;
}

/* From the start of the first part on the link of a pass that has any there to the end of the last one. */
static struct task_span time_on_link(const struct program *p, const struct task_run *run,
				     const struct task_span *spans, uint32_t pass)
{
	const struct op_class *c = &p->op_classes.at[p->tasks.at[pass].op_class];
	const struct pass_part *parts = &p->pass_parts.at[c->first_part];
	struct task_span span = pass_span(p, run, spans, pass, first_on_link(p, c));
	uint32_t last = c->parts_n - 1;

	while (parts[last].queue == parts[0].queue)
		last--;
	span.end_ns = pass_span(p, run, spans, pass, last).end_ns;
	return span;
}

/* Finds the passes that have parts on a link, in the order in which its device takes them. next: [queue], after: [task]: 1 + such a
 * pass; 0: none. */
static void find_passes(const struct program *p, uint32_t *next, uint32_t *after)
{
	for (uint32_t i = (uint32_t)p->tasks.n; i-- > 0;) {
		const struct op_class *c = &p->op_classes.at[p->tasks.at[i].op_class];
		const uint32_t part = c->kind == CLASS_PASS ? first_on_link(p, c) : c->parts_n;
		uint32_t *first;

		if (part == c->parts_n)
			continue;
		first = &next[p->pass_parts.at[c->first_part + part].queue];
		after[i] = *first;
		*first = i + 1;
	}
}

/* Returns whether no task of a link ran between the parts that a pass has there: one of an earlier pass that was ready late, since it waited
 * for another link, too. */
static bool links_hold(struct arena *a, const struct program *p, const struct task_run *run,
		       const struct task_span *spans)
{
	uint32_t *next = arena_array(a, program_queues(p->world), sizeof *next),
		 *after = arena_array(a, p->tasks.n, sizeof *after);

	find_passes(p, next, after);
	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct task_span *span = &run->spans[run->order[i]];
		uint32_t *pass = &next[p->tasks.at[run->order[i]].queue];

		while (*pass && time_on_link(p, run, spans, *pass - 1).end_ns <= span->start_ns)
			*pass = after[*pass - 1];
		if (*pass && time_on_link(p, run, spans, *pass - 1).start_ns < span->end_ns)
			return false;
	}
	return true;
}

static bool passes_hold(struct arena *a, const struct program *p, const struct class_times *t,
			const struct task_run *run)
{
	const struct task_span *spans;

	if (!p->pass_parts.n)
		return true;
	spans = pass_spans(a, p, t);
	return parts_hold(p, spans) && links_hold(a, p, run, spans);
}

bool joined_holds(const struct program *p, const struct class_times *t, const struct task_run *run)
{
	struct arena scratch = ARENA_INIT;
	const struct sharing shared = sharing_make(&scratch, p);
	bool holds = passes_hold(&scratch, p, t, run);

	for (uint32_t i = 0; i < p->tasks.n && holds; i++)
		holds = !waited(p, run, i) && (!is_joined(p, i) || !shared.of[p->tasks.at[i].queue].n);
	for (size_t i = 0; i < p->pass_parts.n && holds; i++)
		holds = !shared.of[p->pass_parts.at[i].queue].n;
	arena_release(&scratch);
	return holds;
}

/* ---- tasks one by one ---- */

/* Appends the tasks of one that waits for so many dependencies, which stand at the end of the list, each after the one before where that
 * has a lag. */
static void put_parts(struct program *out, const struct program *p, struct program_task t)
{
	struct class_part own;
	size_t n;
	const struct class_part *parts = class_parts(p, t.op_class, &own, &n);
	bool waits = false;

	for (size_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < parts[i].n; k++) {
			t.op_class = parts[i].op_class;
			if (waits) {
				t.first_dep = (uint32_t)out->deps.n;
				t.deps_n = 1;
				VEC_ADD(&out->deps, (uint32_t)out->tasks.n - 1);
			}
			VEC_ADD(&out->tasks, t);
			waits = parts[i].lags > 0;
			t.first_dep = (uint32_t)out->deps.n;
			t.deps_n = 0;
		}
}

/* Appends the tasks that a task stands for; `last` has the new numbers of those before it. The first part of a pass waits for what the
 * pass does, others for those of the other queue. */
static void put_apart(struct program *out, const struct program *p, uint32_t task, const uint32_t *last)
{
	const struct program_task *t = &p->tasks.at[task];
	struct pass_part own;
	size_t n;
	const struct pass_part *parts = pass_parts(p, task, &own, &n);
	uint32_t newest[2] = {TASK_NONE, TASK_NONE}; /* of the device, of its link */

	for (size_t i = 0; i < n; i++) {
		const bool on_link = parts[i].queue != parts[0].queue;
		struct program_task part = {.queue = parts[i].queue,
					    .op_class = parts[i].op_class,
					    .first_dep = (uint32_t)out->deps.n,
					    .label = pass_label(p, task, &parts[i])};

		for (uint32_t d = 0; d < t->deps_n && !i; d++)
			VEC_ADD(&out->deps, last[p->deps.at[t->first_dep + d]]);
		if (i && (on_link || parts[i].waits))
			VEC_ADD(&out->deps, newest[!on_link]);
		part.deps_n = (uint32_t)out->deps.n - part.first_dep;
		put_parts(out, p, part);
		newest[on_link] = (uint32_t)out->tasks.n - 1;
	}
}

struct program *joined_undone(const struct program *p)
{
	struct program *out = program_of_classes(p);
	struct arena scratch = ARENA_INIT;
	uint32_t *last = arena_room(&scratch, p->tasks.n, sizeof *last);

	BUG_ON(p->loop.n);
	for (uint32_t i = 0; i < p->tasks.n; i++) {
		put_apart(out, p, i, last);
		last[i] = (uint32_t)out->tasks.n - 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(p->marks); i++)
		out->marks[i] = p->marks[i] == TASK_NONE ? TASK_NONE : last[p->marks[i]];
	for (size_t i = 0; i < p->cycles.n; i++)
		VEC_ADD(&out->cycles, (struct cycle){last[p->cycles.at[i].from], last[p->cycles.at[i].to]});
	arena_release(&scratch);
	return out;
}
