/* run.c - see run.h. */
#include "sim/step/joined.h"
#include "sim/step/launches.h"
#include "sim/step/pass_class.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct class_times program_times_new(struct arena *a, const struct program *p)
{
	const size_t n = p ? p->op_classes.n : 0;

	return (struct class_times){arena_array(a, n, sizeof(sim_ns)), arena_array(a, n, sizeof(sim_ns)),
				    arena_array(a, p ? program_wires(p->world) : 0, sizeof(double)),
				    arena_array(a, n, sizeof(sim_ns))};
}

/* ---- what is shared ---- */

/* The highest bandwidth of any stream that was measured on a unit. */
static const struct qty *quickest(const struct unit *u)
{
	const struct profile *p = u->profile;
	const struct qty *rates[] = {&p->read,    &p->copy,    &p->gemv,
				     &p->gemv_q8, &p->gemv_q4, &p->attention.decode};
	const struct qty *best = rates[0];

	for (size_t i = 1; i < ARRAY_LEN(rates); i++)
		if (rates[i]->value > best->value)
			best = rates[i];
	return best;
}

/* The factor by which a source is slower than calibrated in one of its parameters; 1 for NULL. */
typedef double slower(const struct qty *q, const struct params *v, enum param param);

static double slower_at(const struct qty *q, const struct params *v, enum param param)
{
	(void)q;
	return 1 / v->of[param];
}

static double slower_drawn(const struct qty *q, const struct params *v, enum param param)
{
	const struct term one = {1, q->spread, PROVENANCE_MEASURED};

	return term_drawn(&one, v->of[param]);
}

static void fill_wires(const struct world *w, const struct params *v, slower *factor, double *wires_Bps)
{
	for (size_t j = 0; j < w->parts_n; j++) {
		const struct shared_part *part = &w->parts[j];
		const struct qty *q = part->bandwidth;
		const size_t source = source_index(w, (struct param_source){QUEUE_LINK, part->link});

		wires_Bps[j] = q->value * part->times / (factor ? factor(q, &v[source], PARAM_BANDWIDTH) : 1);
	}
	for (size_t m = 0; m < w->machines_n; m++) /* a machine without units is never asked for */
		wires_Bps[w->parts_n + m] = 1;
	for (size_t u = 0; u < w->units_n; u++) {
		double *wire = &wires_Bps[w->parts_n + w->units[u].machine];
		const struct qty *q = quickest(&w->units[u]);

		*wire = fmax(
			*wire,
			q->value /
				(factor ? factor(q,
						 &v[source_index(w, (struct param_source){QUEUE_DEVICE, u})],
						 PARAM_MEMORY)
					: 1));
	}
}

bool program_shares(const struct program *p)
{
	struct arena scratch = ARENA_INIT;
	const bool shares = sharing_make(&scratch, p).paths_n > 0;

	arena_release(&scratch);
	return shares;
}

/* ---- times ---- */

enum param program_link_param(const struct op_class *c)
{
	return c->kind == CLASS_SEND_COPY || c->kind == CLASS_RECEIVE_COPY ? PARAM_COPIES : PARAM_BANDWIDTH;
}

/* The class of a host's launches, whose time is that of the host, takes what the device waits for it; the times of the classes before
 * it are known. */
static void wait_for_host(const struct program *p, size_t op_class, const struct class_times *t)
{
	const struct op_class *c = &p->op_classes.at[op_class];
	struct host_wait w;
	sim_ns device = 0;

	if (!c->launches)
		return;
	for (uint32_t i = 0; i < c->launches; i++)
		device += t->ns[c->launched + i];
	w = launches_wait(t->ns[op_class], device, c->behind == LAUNCHES_NONE ? 0 : t->ahead_ns[c->behind]);
	t->ns[op_class] = w.wait_ns;
	t->ahead_ns[op_class] = w.ahead_ns;
}

/* Sets the time of a class that stands for several, of which those of the classes before it are known. */
static void put_together(const struct program *p, const struct op_class *c, const struct class_times *t,
			 sim_ns *ns)
{
	if (c->kind == CLASS_JOINED)
		*ns = joined_ns(p, c, t);
	if (c->kind == CLASS_PASS)
		*ns = pass_ns(p, c, t);
}

struct class_times program_times(struct arena *a, const struct program *p)
{
	struct class_times t = program_times_new(a, p);

	for (size_t i = 0; i < p->op_classes.n; i++) {
		const struct op_class *c = &p->op_classes.at[i];

		if (c->kind != CLASS_JOINED && c->kind != CLASS_PASS)
			t.ns[i] = sim_ns_of_s(cost_seconds(&c->cost));
		wait_for_host(p, i, &t);
		put_together(p, c, &t, &t.ns[i]);
		t.lag_ns[i] = sim_ns_of_s(c->lag_s);
	}
	fill_wires(p->world, NULL, NULL, t.wires_Bps);
	return t;
}

void program_times_join(const struct program *p, const struct class_times *t)
{
	for (size_t i = 0; i < p->op_classes.n && (p->class_parts.n || p->pass_parts.n); i++)
		put_together(p, &p->op_classes.at[i], t, &t->ns[i]);
}

void program_times_at(const struct program *p, const struct params *speed, struct class_times *t)
{
	for (size_t i = 0; i < p->op_classes.n; i++) {
		const struct op_class *c = &p->op_classes.at[i];
		const struct params *v = &speed[c->source];
		const bool op = c->kind == CLASS_OP;

		t->ns[i] = sim_ns_of_s(op ? cost_seconds_at(&c->cost, v)
					  : c->cost.memory.s / v->of[program_link_param(c)]);
		wait_for_host(p, i, t);
		t->lag_ns[i] = op ? 0 : sim_ns_of_s(c->lag_s / v->of[PARAM_LATENCY]);
	}
	program_times_join(p, t);
	fill_wires(p->world, speed, slower_at, t->wires_Bps);
}

/* The times of the classes before it are known. */
static void draw_class(const struct program *p, size_t op_class, const struct params *z,
		       const struct class_times *t)
{
	const struct op_class *c = &p->op_classes.at[op_class];
	const struct params *v = &z[c->source];
	sim_ns *ns = &t->ns[op_class], *lag_ns = &t->lag_ns[op_class];

	if (c->kind == CLASS_OP) {
		*ns = sim_ns_of_s(cost_seconds_drawn(&c->cost, v));
		wait_for_host(p, op_class, t);
		*lag_ns = 0;
	} else {
		const struct term lag = {c->lag_s, c->lag_spread, PROVENANCE_MEASURED};

		*ns = sim_ns_of_s(term_drawn(&c->cost.memory, v->of[program_link_param(c)]));
		*lag_ns = sim_ns_of_s(term_drawn(&lag, v->of[PARAM_LATENCY]));
	}
}

void program_wires_drawn(const struct program *p, const struct params *z, struct class_times *t)
{
	fill_wires(p->world, z, slower_drawn, t->wires_Bps);
}

void program_times_drawn(const struct program *p, const struct params *z, struct class_times *t)
{
	for (size_t i = 0; i < p->op_classes.n; i++)
		draw_class(p, i, z, t);
	program_times_join(p, t);
	program_wires_drawn(p, z, t);
}

/* ---- the engine ---- */

static struct task task_of(const struct sharing *s, const struct class_times *t,
			   const struct program_task *pt)
{
	struct task out = {.duration_ns = t->ns[pt->op_class],
			   .lag_ns = t->lag_ns[pt->op_class],
			   .queue = pt->queue,
			   .first_dep = pt->first_dep,
			   .deps_n = pt->deps_n};

	if (sharing_flow(s, pt->queue, pt->op_class, out.duration_ns, &out.bytes, &out.cap_Bps)) {
		out.first_wire = s->of[pt->queue].first;
		out.wires_n = s->of[pt->queue].n;
	}
	return out;
}

struct task_run program_run(struct arena *a, const struct program *p, const struct class_times *t,
			    struct task_graph *graph)
{
	return program_run_after(a, p, t, NULL, graph);
}

struct task_run program_run_after(struct arena *a, const struct program *p, const struct class_times *t,
				  const sim_ns *earliest_ns, struct task_graph *graph)
{
	const struct world *w = p->world;
	const size_t queues = program_queues(w);
	const struct sharing shared = sharing_make(a, p);
	enum task_order *order = arena_room(a, queues, sizeof *order);
	struct task *tasks = arena_room(a, p->tasks.n, sizeof *tasks);
	const struct task_graph g = {.tasks = tasks,
				     .deps = p->deps.at,
				     .queues = order,
				     .wires_Bps = t->wires_Bps,
				     .paths = shared.paths,
				     .tasks_n = p->tasks.n,
				     .deps_n = p->deps.n,
				     .queues_n = queues,
				     .wires_n = program_wires(w),
				     .paths_n = shared.paths_n};
	struct task_run run;

	for (size_t q = 0; q < queues; q++)
		order[q] = queue_at(w, q).kind == QUEUE_DEVICE ? TASK_IN_ORDER : TASK_AS_READY;
	for (size_t i = 0; i < p->tasks.n; i++)
		tasks[i] = task_of(&shared, t, &p->tasks.at[i]);
	for (size_t i = 0; i < p->tasks.n && earliest_ns; i++)
		tasks[i].earliest_ns = earliest_ns[i];
	if (graph)
		*graph = g;
	run = task_graph_run(a, &g);
	if (p->class_parts.n || p->pass_parts.n)
		tasks_busy(p, 0, (uint32_t)p->tasks.n, t, 1, run.busy_ns);
	return run;
}
