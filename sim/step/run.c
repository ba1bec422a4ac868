/* run.c - see run.h. */
#include "sim/step/run.h"

#include <math.h>
#include <stdlib.h>

size_t program_wires(const struct world *w)
{
	return w->link_uses_n + w->machines_n;
}

struct class_times program_times_new(struct arena *a, const struct program *p)
{
	const size_t n = p ? p->op_classes.n : 0;

	return (struct class_times){arena_array(a, n, sizeof(sim_ns)), arena_array(a, n, sizeof(sim_ns)),
				    arena_array(a, p ? program_wires(p->world) : 0, sizeof(double))};
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
	for (size_t j = 0; j < w->link_uses_n; j++) {
		const struct qty *q = &w->link_uses[j].link->bandwidth;

		wires_Bps[j] = q->value /
			       (factor ? factor(q, &v[source_index(w, (struct param_source){QUEUE_LINK, j})],
						PARAM_BANDWIDTH)
				       : 1);
	}
	for (size_t m = 0; m < w->machines_n; m++) /* a machine without units is never asked for */
		wires_Bps[w->link_uses_n + m] = 1;
	for (size_t u = 0; u < w->units_n; u++) {
		double *wire = &wires_Bps[w->link_uses_n + w->units[u].machine];
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

/* [machine]: whether several of its devices work. The caller frees it. */
static bool *crowded(const struct program *p)
{
	const struct world *w = p->world;
	size_t *only = xcalloc(w->machines_n, sizeof *only); /* 1 + the unit seen first */
	bool *found = xcalloc(w->machines_n, sizeof *found);

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct queue q = queue_at(w, p->tasks.at[i].queue);
		const size_t machine = queue_machine(w, q);

		if (q.kind != QUEUE_DEVICE)
			continue;
		if (only[machine] && only[machine] != q.of + 1)
			found[machine] = true;
		else
			only[machine] = q.of + 1;
	}
	free(only);
	return found;
}

bool program_shares(const struct program *p)
{
	const struct world *w = p->world;
	bool *busy = crowded(p), shares = false;

	for (size_t m = 0; m < w->machines_n; m++)
		shares |= busy[m];
	for (size_t i = 0; i < p->tasks.n && !shares; i++) {
		const struct queue q = queue_at(w, p->tasks.at[i].queue);

		shares = q.kind == QUEUE_LINK && w->link_uses[q.of].link->duplex == DUPLEX_HALF;
	}
	free(busy);
	return shares;
}

/* ---- times ---- */

/* The parameter that determines the time of a class on a link or a disk. */
static enum param link_param(const struct op_class *c)
{
	return c->kind == CLASS_SEND_COPY || c->kind == CLASS_RECEIVE_COPY ? PARAM_COPIES : PARAM_BANDWIDTH;
}

/* The class of a host's launches takes what is left of them after the operators before it, whose times are known. */
static void wait_for_host(const struct op_class *c, sim_ns *ns)
{
	sim_ns left = *ns;

	for (uint32_t i = 1; i <= c->launches; i++)
		left -= ns[-(ptrdiff_t)i];
	if (c->launches)
		*ns = left > 0 ? left : 0;
}

struct class_times program_times(struct arena *a, const struct program *p)
{
	struct class_times t = program_times_new(a, p);

	for (size_t i = 0; i < p->op_classes.n; i++) {
		t.ns[i] = program_class_ns(p, i);
		t.lag_ns[i] = sim_ns_of_s(p->op_classes.at[i].lag_s);
	}
	fill_wires(p->world, NULL, NULL, t.wires_Bps);
	return t;
}

void program_times_at(const struct program *p, const struct params *speed, struct class_times *t)
{
	for (size_t i = 0; i < p->op_classes.n; i++) {
		const struct op_class *c = &p->op_classes.at[i];
		const struct params *v = &speed[c->source];
		const bool op = c->kind == CLASS_OP;

		t->ns[i] = sim_ns_of_s(op ? cost_seconds_at(&c->cost, v)
					  : c->cost.memory.s / v->of[link_param(c)]);
		wait_for_host(c, &t->ns[i]);
		t->lag_ns[i] = op ? 0 : sim_ns_of_s(c->lag_s / v->of[PARAM_LATENCY]);
	}
	fill_wires(p->world, speed, slower_at, t->wires_Bps);
}

void program_times_drawn(const struct program *p, const struct params *z, struct class_times *t)
{
	for (size_t i = 0; i < p->op_classes.n; i++) {
		const struct op_class *c = &p->op_classes.at[i];
		const struct term lag = {c->lag_s, c->lag_spread, PROVENANCE_MEASURED};
		const struct params *v = &z[c->source];
		const bool op = c->kind == CLASS_OP;

		t->ns[i] = sim_ns_of_s(op ? cost_seconds_drawn(&c->cost, v)
					  : term_drawn(&c->cost.memory, v->of[link_param(c)]));
		wait_for_host(c, &t->ns[i]);
		t->lag_ns[i] = op ? 0 : sim_ns_of_s(term_drawn(&lag, v->of[PARAM_LATENCY]));
	}
	fill_wires(p->world, z, slower_drawn, t->wires_Bps);
}

/* ---- the engine ---- */

/* Both directions of a half-duplex link share its bandwidth; a full-duplex one needs no sharing. */
static void share_link(const struct link *l, const struct op_class *c, struct task *out)
{
	if (l->duplex != DUPLEX_HALF)
		return;
	out->bytes = c->bytes;
	/* a small message does not use the whole bandwidth, even alone */
	out->cap_Bps = l->bandwidth_by_size.n && out->duration_ns > 0
			       ? c->bytes / sim_s_of_ns(out->duration_ns)
			       : INFINITY;
}

static void share_memory(const struct op_class *c, struct task *out)
{
	if (c->kind != CLASS_OP || c->cost.bytes <= 0 || out->duration_ns <= 0)
		return;
	out->bytes = c->cost.bytes;
	out->cap_Bps = c->cost.bytes / sim_s_of_ns(out->duration_ns);
}

static struct task task_of(const struct program *p, const struct class_times *t,
			   const struct program_task *pt, const bool *busy)
{
	const struct world *w = p->world;
	const struct op_class *c = &p->op_classes.at[pt->op_class];
	const struct queue q = queue_at(w, pt->queue);
	struct task out = {.duration_ns = t->ns[pt->op_class],
			   .lag_ns = t->lag_ns[pt->op_class],
			   .queue = pt->queue,
			   .wire = TASK_NONE,
			   .first_dep = pt->first_dep,
			   .deps_n = pt->deps_n};

	if (q.kind == QUEUE_LINK)
		share_link(w->link_uses[q.of].link, c, &out);
	else if (q.kind == QUEUE_DEVICE && busy[w->units[q.of].machine])
		share_memory(c, &out);
	if (out.bytes > 0)
		out.wire = (uint32_t)(q.kind == QUEUE_LINK ? q.of : w->link_uses_n + w->units[q.of].machine);
	return out;
}

struct task_run program_run(struct arena *a, const struct program *p, const struct class_times *t,
			    struct task_graph *graph)
{
	const struct world *w = p->world;
	const size_t queues = program_queues(w);
	enum task_order *order = arena_array(a, queues, sizeof *order);
	struct task *tasks = arena_array(a, p->tasks.n, sizeof *tasks);
	struct task_graph g = {tasks,      p->deps.at, order,  t->wires_Bps,
			       p->tasks.n, p->deps.n,  queues, program_wires(w)};
	bool *busy = crowded(p);

	for (size_t q = 0; q < queues; q++)
		order[q] = queue_at(w, q).kind == QUEUE_DEVICE ? TASK_IN_ORDER : TASK_AS_READY;
	for (size_t i = 0; i < p->tasks.n; i++)
		tasks[i] = task_of(p, t, &p->tasks.at[i], busy);
	free(busy);
	if (graph)
		*graph = g;
	return task_graph_run(a, &g);
}
