/* run.c - see run.h. */
#include "sim/step/joined.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
		const struct op_class *c = &p->op_classes.at[i];

		t.ns[i] = c->kind == CLASS_JOINED ? joined_ns(p, c, &t) : program_class_ns(p, i);
		t.lag_ns[i] = sim_ns_of_s(c->lag_s);
	}
	fill_wires(p->world, NULL, NULL, t.wires_Bps);
	return t;
}

void program_times_join(const struct program *p, const struct class_times *t)
{
	for (size_t i = 0; i < p->op_classes.n && p->class_parts.n; i++)
		if (p->op_classes.at[i].kind == CLASS_JOINED)
			t->ns[i] = joined_ns(p, &p->op_classes.at[i], t);
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
		wait_for_host(c, ns);
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
		draw_class(p, i, z, t);
	program_times_join(p, t);
	draw_wires(p, z, t);
}

/* ---- several programs drawn together ---- */

struct drawn_class { /* of a program */
	uint32_t program, op_class;
};

/* So many classes that are drawn, or that have the times of others of the same or of an earlier program. */
struct drawn_range {
	struct drawn_class from;
	uint32_t to, n;
	bool links; /* some have lags */
};

struct drawn_program {
	const struct program *p;
	struct drawn_range *ranges;
	size_t ranges_n;
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
	       a->cost.least_arithmetic == b->cost.least_arithmetic &&
	       a->cost.least_memory == b->cost.least_memory && a->lag_s == b->lag_s &&
	       a->lag_spread == b->lag_spread;
}

enum { SEEN_MAX = 64 }; /* equal classes are near each other: in one block, or in the same of the next step */

struct drawing {
	const struct drawn_programs *of;
	struct drawn_class seen[SEEN_MAX];
	size_t seen_n;
	VEC(struct drawn_range) ranges; /* of the program */
};

static const struct op_class *class_at(const struct drawing *x, struct drawn_class c)
{
	return &x->of->at[c.program].p->op_classes.at[c.op_class];
}

/* The class of which one has the times: itself where none is known to be equal, or where it hangs on those before it. The one behind
 * that of the class before is tried first, so that equal blocks are one range. */
static struct drawn_class first_alike(struct drawing *x, struct drawn_class own)
{
	const struct op_class *c = class_at(x, own);
	const struct drawn_range *last = x->ranges.n ? &x->ranges.at[x->ranges.n - 1] : NULL;

	if (c->launches)
		return own;
	if (last && last->from.op_class + last->n < x->of->at[last->from.program].p->op_classes.n) {
		const struct drawn_class next = {last->from.program, last->from.op_class + last->n};

		if ((next.program != own.program || next.op_class < own.op_class) &&
		    !class_at(x, next)->launches && drawn_alike(class_at(x, next), c))
			return next;
	}
	for (size_t i = 0; i < x->seen_n && i < SEEN_MAX; i++)
		if (drawn_alike(class_at(x, x->seen[i]), c))
			return x->seen[i];
	x->seen[x->seen_n++ % SEEN_MAX] = own;
	return own;
}

static void add_drawn(struct drawing *x, struct drawn_class own)
{
	const struct op_class *c = class_at(x, own);
	struct drawn_range *last = x->ranges.n ? &x->ranges.at[x->ranges.n - 1] : NULL;
	struct drawn_class from;

	if (c->kind == CLASS_JOINED) /* its parts are drawn */
		return;
	from = first_alike(x, own);
	if (!last || last->to + last->n != own.op_class || last->from.program != from.program ||
	    last->from.op_class + last->n != from.op_class) {
		VEC_ADD(&x->ranges, (struct drawn_range){.from = from, .to = own.op_class});
		last = &x->ranges.at[x->ranges.n - 1];
	}
	last->links |= c->kind != CLASS_OP;
	last->n++;
}

struct drawn_programs *drawn_programs_make(struct arena *a, struct program *const *programs, size_t n)
{
	struct drawn_programs *d = arena_alloc(a, sizeof *d);
	struct drawing x = {.of = d};

	*d = (struct drawn_programs){arena_array(a, n, sizeof *d->at), n};
	for (uint32_t i = 0; i < n; i++) {
		struct drawn_program *of = &d->at[i];

		if (!programs[i])
			continue;
		*of = (struct drawn_program){.p = programs[i], .shares = program_shares(programs[i])};
		x.ranges.n = 0;
		for (uint32_t k = 0; k < of->p->op_classes.n; k++)
			add_drawn(&x, (struct drawn_class){i, k});
		of->ranges_n = x.ranges.n;
		of->ranges = arena_room(a, x.ranges.n, sizeof *of->ranges);
		if (x.ranges.n)
			memcpy(of->ranges, x.ranges.at, x.ranges.n * sizeof *of->ranges);
	}
	VEC_FREE(&x.ranges);
	return d;
}

static void take_range(const struct drawn_range *r, const struct class_times *from,
		       const struct class_times *to)
{
	for (uint32_t k = 0; k < r->n; k++)
		to->ns[r->to + k] = from->ns[r->from.op_class + k];
	for (uint32_t k = 0; k < r->n && r->links; k++)
		to->lag_ns[r->to + k] = from->lag_ns[r->from.op_class + k];
}

void drawn_programs_times(const struct drawn_programs *d, const struct params *z, struct class_times *t)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct drawn_program *of = &d->at[i];

		for (size_t k = 0; k < of->ranges_n; k++) {
			const struct drawn_range *r = &of->ranges[k];

			if (r->from.program == i && r->from.op_class == r->to)
				for (uint32_t c = r->to; c < r->to + r->n; c++)
					draw_class(of->p, c, z, &t[i]);
			else
				take_range(r, &t[r->from.program], &t[i]);
		}
		if (of->shares)
			draw_wires(of->p, z, &t[i]);
	}
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
	if (graph)
		*graph = g;
	run = task_graph_run(a, &g);
	for (size_t i = 0; i < p->tasks.n && p->class_parts.n; i++)
		run.busy_ns[p->tasks.at[i].queue] -= joined_lags_ns(p, p->tasks.at[i].op_class, t);
	return run;
}
