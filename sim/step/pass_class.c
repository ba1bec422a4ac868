/* pass_class.c - see pass_class.h. */
#include "sim/step/pass_class.h"

#include "sim/step/joined.h"
#include "sim/step/loop.h"

uint32_t pass_class(struct program *p, const struct pass_part *parts, size_t n)
{
	const struct op_class *first = &p->op_classes.at[parts[0].op_class];
	const struct op_class c = {.kind = CLASS_PASS,
				   .source = first->source,
				   .first_part = (uint32_t)p->pass_parts.n,
				   .parts_n = (uint32_t)n};

	for (size_t i = 0; i < n; i++) {
		BUG_ON(p->op_classes.at[parts[i].op_class].kind == CLASS_PASS);
		VEC_ADD(&p->pass_parts, parts[i]);
	}
	VEC_ADD(&p->op_classes, c);
	return (uint32_t)p->op_classes.n - 1;
}

const struct pass_part *pass_parts(const struct program *p, uint32_t task, struct pass_part *own, size_t *n)
{
	const struct program_task *t = &p->tasks.at[task];
	const struct op_class *c = &p->op_classes.at[t->op_class];

	*own = (struct pass_part){t->op_class, t->queue, false, t->label};
	*n = c->kind == CLASS_PASS ? c->parts_n : 1;
	return c->kind == CLASS_PASS ? &p->pass_parts.at[c->first_part] : own;
}

struct label pass_label(const struct program *p, uint32_t task, const struct pass_part *part)
{
	struct label label = part->label;

	label.micro = p->tasks.at[task].label.micro;
	return label;
}

/* ---- times ---- */

/* How far the two queues are in a pass: its device, and its link. */
struct progress {
	sim_ns end_ns[2], lag_ns;
	uint32_t last[2];
};

/* Runs a part. As in des/task.c the cause is, of what a part has waited for until it started, a task that it depends on, else the one
 * before it on its queue: the link's parts depend on the latest of the device, those of the device on the link's where they wait. */
static struct task_span run_part(struct progress *at, uint32_t i, bool on_link, bool waits, sim_ns ns,
				 sim_ns lag_ns)
{
	const bool other = on_link || waits;
	const sim_ns own = at->end_ns[on_link], ready = at->end_ns[!on_link] + (on_link ? 0 : at->lag_ns);
	const bool later = other && ready >= own;
	const sim_ns start = later ? ready : own;
	const struct task_span span = {
		.start_ns = start, .end_ns = start + ns, .cause = at->last[later ? !on_link : on_link]};

	at->end_ns[on_link] = span.end_ns;
	at->last[on_link] = i;
	if (on_link)
		at->lag_ns = lag_ns;
	return span;
}

/* spans: [part], or NULL. */
static sim_ns run_parts(const struct program *p, const struct op_class *c, const struct class_times *t,
			struct task_span *spans)
{
	const struct pass_part *parts = &p->pass_parts.at[c->first_part];
	struct progress at = {{0, 0}, 0, {TASK_NONE, TASK_NONE}};

	for (uint32_t i = 0; i < c->parts_n; i++) {
		const uint32_t k = parts[i].op_class;
		const struct task_span span = run_part(&at, i, parts[i].queue != parts[0].queue,
						       parts[i].waits, t->ns[k], t->lag_ns[k]);

		if (spans)
			spans[i] = span;
	}
	return at.end_ns[0];
}

sim_ns pass_ns(const struct program *p, const struct op_class *c, const struct class_times *t)
{
	return run_parts(p, c, t, NULL);
}

struct task_span *pass_spans(struct arena *a, const struct program *p, const struct class_times *t)
{
	struct task_span *spans = arena_array(a, p->pass_parts.n, sizeof *spans);

	for (size_t i = 0; i < p->op_classes.n; i++) {
		const struct op_class *c = &p->op_classes.at[i];

		if (c->kind == CLASS_PASS)
			run_parts(p, c, t, &spans[c->first_part]);
	}
	return spans;
}

struct task_span pass_span(const struct program *p, const struct task_run *run, const struct task_span *spans,
			   uint32_t task, size_t part)
{
	const struct op_class *c = &p->op_classes.at[p->tasks.at[task].op_class];
	struct task_span span = run->spans[task];

	if (c->kind != CLASS_PASS)
		return span;
	span.end_ns = span.start_ns + spans[c->first_part + part].end_ns;
	span.start_ns += spans[c->first_part + part].start_ns;
	return span;
}

/* ---- many tasks ---- */

/* What so many passes of a class, which were counted as work of one queue, are on each. */
static void passes_busy(const struct program *p, uint32_t op_class, uint32_t queue,
			const struct class_times *t, sim_ns times, sim_ns *busy_ns)
{
	const struct op_class *c = &p->op_classes.at[op_class];

	busy_ns[queue] -= times * t->ns[op_class];
	for (uint32_t i = c->first_part; i < c->first_part + c->parts_n; i++) {
		const struct pass_part *part = &p->pass_parts.at[i];

		busy_ns[part->queue] +=
			times * (t->ns[part->op_class] - joined_lags_ns(p, part->op_class, t));
	}
}

void tasks_busy(const struct program *p, uint32_t from, uint32_t to, const struct class_times *t,
		uint32_t times, sim_ns *busy_ns)
{
	struct arena scratch = ARENA_INIT;
	sim_ns *passes = arena_array(&scratch, p->op_classes.n, sizeof *passes);

	for (uint32_t i = from; i < to; i++) {
		const struct program_task *k = &p->tasks.at[i];
		const enum op_class_kind kind = p->op_classes.at[k->op_class].kind;

		passes[k->op_class] += kind == CLASS_PASS;
		if (kind == CLASS_JOINED)
			busy_ns[k->queue] -= times * joined_lags_ns(p, k->op_class, t);
	}
	for (uint32_t c = 0; c < p->op_classes.n; c++) /* the first part is on the queue of the pass */
		if (passes[c])
			passes_busy(p, c, p->pass_parts.at[p->op_classes.at[c].first_part].queue, t,
				    passes[c] * times, busy_ns);
	arena_release(&scratch);
}

uint32_t *pass_counts(struct arena *a, const struct program *p)
{
	uint32_t *counts = arena_array(a, p->op_classes.n, sizeof *counts);

	for (uint32_t i = 0; i < p->tasks.n && p->pass_parts.n; i++)
		if (p->op_classes.at[p->tasks.at[i].op_class].kind == CLASS_PASS)
			counts[p->tasks.at[i].op_class] += loop_times(p, i);
	return counts;
}
