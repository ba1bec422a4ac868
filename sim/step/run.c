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

/* [queue]: whether a task is for it. The caller frees it. */
static bool *queues_used(const struct program *p)
{
	bool *used = xcalloc(program_queues(p->world), sizeof *used);

	for (size_t i = 0; i < p->tasks.n; i++)
		used[p->tasks.at[i].queue] = true;
	return used;
}

/* [machine]: whether several of its devices work. The caller frees it. */
static bool *crowded(const struct program *p)
{
	const struct world *w = p->world;
	size_t *only = xcalloc(w->machines_n, sizeof *only); /* 1 + the unit seen first */
	bool *found = xcalloc(w->machines_n, sizeof *found), *used = queues_used(p);

	for (size_t i = 0; i < program_queues(w); i++) {
		const struct queue q = queue_at(w, i);
		const size_t machine = queue_machine(w, q);

		if (!used[i] || q.kind != QUEUE_DEVICE)
			continue;
		if (only[machine] && only[machine] != q.of + 1)
			found[machine] = true;
		else
			only[machine] = q.of + 1;
	}
	free(only);
	free(used);
	return found;
}

bool program_shares(const struct program *p)
{
	const struct world *w = p->world;
	bool *busy = crowded(p), *used = queues_used(p), shares = false;

	for (size_t m = 0; m < w->machines_n; m++)
		shares |= busy[m];
	for (size_t i = 0; i < program_queues(w) && !shares; i++) {
		const struct queue q = queue_at(w, i);

		shares = used[i] && q.kind == QUEUE_LINK && w->link_uses[q.of].link->duplex == DUPLEX_HALF;
	}
	free(busy);
	free(used);
	return shares;
}

/* ---- times ---- */

/* The parameter that determines the time of a class on a link or a disk. */
static enum param link_param(const struct op_class *c)
{
	return c->kind == CLASS_SEND_COPY || c->kind == CLASS_RECEIVE_COPY ? PARAM_COPIES : PARAM_BANDWIDTH;
}

struct class_times program_times(struct arena *a, const struct program *p)
{
	struct class_times t = program_times_new(a, p);

	for (size_t i = 0; i < p->op_classes.n; i++) {
		t.ns[i] = sim_ns_of_s(cost_seconds(&p->op_classes.at[i].cost));
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
		t->lag_ns[i] = op ? 0 : sim_ns_of_s(c->lag_s / v->of[PARAM_LATENCY]);
	}
	fill_wires(p->world, speed, slower_at, t->wires_Bps);
}

static void draw_class(const struct op_class *c, const struct params *z, sim_ns *ns, sim_ns *lag_ns)
{
	const struct params *v = &z[c->source];

	if (c->kind == CLASS_OP) {
		*ns = sim_ns_of_s(cost_seconds_drawn(&c->cost, v));
		*lag_ns = 0;
	} else {
		const struct term lag = {c->lag_s, c->lag_spread, PROVENANCE_MEASURED};

		*ns = sim_ns_of_s(term_drawn(&c->cost.memory, v->of[link_param(c)]));
		*lag_ns = sim_ns_of_s(term_drawn(&lag, v->of[PARAM_LATENCY]));
	}
}

static void draw_wires(const struct program *p, const struct params *z, struct class_times *t)
{
	fill_wires(p->world, z, slower_drawn, t->wires_Bps);
}

void program_times_drawn(const struct program *p, const struct params *z, struct class_times *t)
{
	for (size_t i = 0; i < p->op_classes.n; i++)
		draw_class(&p->op_classes.at[i], z, &t->ns[i], &t->lag_ns[i]);
	draw_wires(p, z, t);
}

/* ---- several programs drawn together ---- */

struct drawn_class { /* the first that is equal: this one, or one of the same or an earlier program */
	uint32_t program, op_class;
};

struct drawn_program {
	const struct program *p;
	struct drawn_class *first; /* [class] */
	bool shares;
};

struct drawn_programs {
	struct drawn_program *at;
	size_t n;
};

static bool same_term(const struct term *a, const struct term *b)
{
	return a->s == b->s && a->spread == b->spread;
}

static bool drawn_alike(const struct op_class *a, const struct op_class *b)
{
	return same_term(&a->cost.memory, &b->cost.memory) && a->kind == b->kind && a->source == b->source &&
	       same_term(&a->cost.arithmetic, &b->cost.arithmetic) &&
	       same_term(&a->cost.apart, &b->cost.apart) && same_term(&a->cost.overhead, &b->cost.overhead) &&
	       a->lag_s == b->lag_s && a->lag_spread == b->lag_spread;
}

enum { SEEN_MAX = 64 }; /* equal classes are near each other: in one block, or in the same of the next step */

struct seen {
	struct drawn_class at[SEEN_MAX];
	size_t n;
};

static struct drawn_class first_alike(const struct drawn_programs *d, struct seen *seen,
				      struct drawn_class own)
{
	const struct op_class *c = &d->at[own.program].p->op_classes.at[own.op_class];

	for (size_t i = 0; i < seen->n && i < SEEN_MAX; i++) {
		const struct drawn_class *k = &seen->at[i];

		if (drawn_alike(&d->at[k->program].p->op_classes.at[k->op_class], c))
			return *k;
	}
	seen->at[seen->n++ % SEEN_MAX] = own;
	return own;
}

struct drawn_programs *drawn_programs_make(struct arena *a, struct program *const *programs, size_t n)
{
	struct drawn_programs *d = arena_alloc(a, sizeof *d);
	struct seen seen = {.n = 0};

	*d = (struct drawn_programs){arena_array(a, n, sizeof *d->at), n};
	for (size_t i = 0; i < n; i++) {
		const size_t classes = programs[i] ? programs[i]->op_classes.n : 0;

		if (!programs[i])
			continue;
		d->at[i] =
			(struct drawn_program){programs[i], arena_array(a, classes, sizeof *d->at[i].first),
					       program_shares(programs[i])};
		for (size_t k = 0; k < classes; k++)
			d->at[i].first[k] =
				first_alike(d, &seen, (struct drawn_class){(uint32_t)i, (uint32_t)k});
	}
	return d;
}

void drawn_programs_times(const struct drawn_programs *d, const struct params *z, struct class_times *t)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct drawn_program *of = &d->at[i];

		for (size_t k = 0; of->p && k < of->p->op_classes.n; k++) {
			const struct drawn_class *first = &of->first[k];

			if (first->op_class == k && first->program == i) {
				draw_class(&of->p->op_classes.at[k], z, &t[i].ns[k], &t[i].lag_ns[k]);
			} else {
				t[i].ns[k] = t[first->program].ns[first->op_class];
				t[i].lag_ns[k] = t[first->program].lag_ns[first->op_class];
			}
		}
		if (of->shares)
			draw_wires(of->p, z, &t[i]);
	}
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
