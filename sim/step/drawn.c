/* drawn.c - see drawn.h. */
#include "sim/step/drawn.h"

#include <stdlib.h>
#include <string.h>

#include "sim/step/launches.h"

/* ---- which classes have the times of which ---- */

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
	       a->cost.in_turn == b->cost.in_turn && a->cost.least_arithmetic == b->cost.least_arithmetic &&
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

/* Whether a class is the next of a range. One whose times come from the same program does not reach into itself. */
static bool continues(const struct drawn_range *r, struct drawn_class from, struct drawn_class own)
{
	return r->to + r->n == own.op_class && r->from.program == from.program &&
	       r->from.op_class + r->n == from.op_class &&
	       (from.program != own.program || r->from.op_class == r->to || from.op_class < r->to);
}

static void add_drawn(struct drawing *x, struct drawn_class own)
{
	const struct op_class *c = class_at(x, own);
	struct drawn_range *last = x->ranges.n ? &x->ranges.at[x->ranges.n - 1] : NULL;
	struct drawn_class from;

	if (c->kind == CLASS_JOINED || c->kind == CLASS_PASS) /* their parts are drawn */
		return;
	from = first_alike(x, own);
	if (!last || !continues(last, from, own)) {
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
		of->p = programs[i];
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

/* ---- draws ---- */

struct drawn_times drawn_times_new(struct arena *a, const struct program *p)
{
	const size_t n = p ? p->op_classes.n : 0;

	return (struct drawn_times){arena_room(a, n * DRAWN_AT_ONCE, sizeof(sim_ns)),
				    arena_array(a, n * DRAWN_AT_ONCE, sizeof(sim_ns)),
				    arena_room(a, n * DRAWN_AT_ONCE, sizeof(sim_ns))};
}

/* The numbers of a source's parameters under several draws. */
typedef double drawn_params[PARAM_N][DRAWN_AT_ONCE];

/* The last draw is repeated where there are fewer. */
static void take_params(const struct draws_at *at, size_t source, double (*out)[DRAWN_AT_ONCE])
{
	for (size_t i = 0; i < DRAWN_AT_ONCE; i++) {
		const struct params *z = &at->z[(i < at->n ? i : at->n - 1) * at->sources + source];

		for (int p = 0; p < PARAM_N; p++)
			out[p][i] = z->of[p];
	}
}

static void add_term(const struct term *t, const double *z, double *s)
{
	if (t->s <= 0)
		return;
	for (size_t i = 0; i < DRAWN_AT_ONCE; i++)
		s[i] += term_drawn(t, z[i]);
}

/* cost_seconds_drawn() */
static void draw_op(const struct cost *c, double (*z)[DRAWN_AT_ONCE], sim_ns *ns)
{
	double s[DRAWN_AT_ONCE];

	for (size_t i = 0; i < DRAWN_AT_ONCE; i++)
		s[i] = cost_overlapped_drawn(c, z[PARAM_ARITHMETIC][i], z[PARAM_MEMORY][i]);
	add_term(&c->apart, z[PARAM_ARITHMETIC], s);
	add_term(&c->overhead, z[PARAM_OVERHEAD], s);
	for (size_t i = 0; i < DRAWN_AT_ONCE; i++)
		ns[i] = sim_ns_of_s(s[i]);
}

/* wait_for_host() of run.c */
static void wait_for_host(const struct program *p, size_t op_class, const struct drawn_times *t)
{
	const struct op_class *c = &p->op_classes.at[op_class];
	sim_ns *ns = t->ns + op_class * DRAWN_AT_ONCE, *ahead_ns = t->ahead_ns + op_class * DRAWN_AT_ONCE;

	for (size_t i = 0; i < DRAWN_AT_ONCE; i++) {
		struct host_wait w;
		sim_ns device = 0;

		for (size_t k = c->launched; k < c->launched + c->launches; k++)
			device += t->ns[k * DRAWN_AT_ONCE + i];
		w = launches_wait(ns[i], device,
				  c->behind == LAUNCHES_NONE ? 0
							     : t->ahead_ns[c->behind * DRAWN_AT_ONCE + i]);
		ns[i] = w.wait_ns;
		ahead_ns[i] = w.ahead_ns;
	}
}

static void draw_link(const struct op_class *c, double (*z)[DRAWN_AT_ONCE], sim_ns *ns, sim_ns *lag_ns)
{
	const struct term lag = {c->lag_s, c->lag_spread, PROVENANCE_MEASURED};
	const double *own = z[program_link_param(c)];

	for (size_t i = 0; i < DRAWN_AT_ONCE; i++) {
		ns[i] = sim_ns_of_s(term_drawn(&c->cost.memory, own[i]));
		lag_ns[i] = sim_ns_of_s(term_drawn(&lag, z[PARAM_LATENCY][i]));
	}
}

/* The times of the classes before it are known. */
static void draw_class(const struct program *p, size_t op_class, drawn_params *z, const struct drawn_times *t)
{
	const struct op_class *c = &p->op_classes.at[op_class];
	sim_ns *ns = t->ns + op_class * DRAWN_AT_ONCE;

	if (c->kind != CLASS_OP) {
		draw_link(c, z[c->source], ns, t->lag_ns + op_class * DRAWN_AT_ONCE);
		return;
	}
	draw_op(&c->cost, z[c->source], ns);
	if (c->launches)
		wait_for_host(p, op_class, t);
}

static void draw_range(const struct program *p, const struct drawn_range *r, drawn_params *z,
		       const struct drawn_times *t)
{
	for (size_t c = r->to; c < r->to + r->n; c++)
		draw_class(p, c, z, t);
}

static void take_range(const struct drawn_range *r, const struct drawn_times *from,
		       const struct drawn_times *to)
{
	const size_t there = (size_t)r->from.op_class * DRAWN_AT_ONCE, here = (size_t)r->to * DRAWN_AT_ONCE,
		     n = (size_t)r->n * DRAWN_AT_ONCE;

	memcpy(to->ns + here, from->ns + there, n * sizeof *to->ns);
	if (r->links)
		memcpy(to->lag_ns + here, from->lag_ns + there, n * sizeof *to->lag_ns);
}

void drawn_programs_times(const struct drawn_programs *d, const struct draws_at *at,
			  const struct drawn_times *t)
{
	drawn_params *z = xmalloc(at->sources * sizeof *z);

	for (size_t s = 0; s < at->sources; s++)
		take_params(at, s, z[s]);
	for (size_t i = 0; i < d->n; i++)
		for (size_t k = 0; k < d->at[i].ranges_n; k++) {
			const struct drawn_range *r = &d->at[i].ranges[k];

			if (r->from.program == i && r->from.op_class == r->to)
				draw_range(d->at[i].p, r, z, &t[i]);
			else
				take_range(r, &t[r->from.program], &t[i]);
		}
	free(z);
}

void drawn_times_of(const struct program *p, const struct drawn_times *t, const struct params *z, size_t draw,
		    struct class_times *out)
{
	for (size_t c = 0; c < p->op_classes.n; c++) {
		out->ns[c] = t->ns[c * DRAWN_AT_ONCE + draw];
		out->lag_ns[c] = t->lag_ns[c * DRAWN_AT_ONCE + draw];
	}
	if (p->pass_parts.n)
		program_times_join(p, out);
	if (z)
		program_wires_drawn(p, z, out);
}
