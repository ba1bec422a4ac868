/* prog.c - see prog.h. */
#include "sim/step/prog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/llm/memory.h"
#include "sim/place/parts.h"
#include "sim/step/collective.h"

/* The classes of a block at a place, so that thirty-two layers are costed once. */
struct recipe {
	const struct model *model;
	struct part part;
	enum phase phase;
	enum half half;
	struct shape shape;
	size_t unit;
	double share;
	bool end; /* of graph_end() alone */
	uint32_t first, n;
};

struct route {
	struct seat seat;
	unsigned devices;
	double tokens;
	struct routed to;
};

size_t prog_queues(const struct world *w)
{
	return w->units_n + 2 * w->joints_n + w->machines_n;
}

bool prog_is_link(const struct world *w, size_t queue)
{
	return queue >= w->units_n && queue < w->units_n + 2 * w->joints_n;
}

size_t prog_disk(const struct world *w, size_t machine)
{
	return w->units_n + 2 * w->joints_n + machine;
}

size_t prog_sources(const struct world *w)
{
	return w->units_n + w->joints_n + w->machines_n;
}

bool prog_has_param(const struct world *w, size_t source, enum param p)
{
	if (source >= w->units_n + w->joints_n) /* a disk has its rate alone */
		return p == PARAM_BANDWIDTH && w->machines[source - w->units_n - w->joints_n].disk;
	return (source < w->units_n) == (p < PARAM_LINKS);
}

struct prog *prog_new(const struct world *w)
{
	struct prog *p = xcalloc(1, sizeof *p);

	p->world = w;
	p->arena = (struct arena)ARENA_INIT;
	p->sites = arena_array(&p->arena, w->units_n, sizeof *p->sites);
	for (size_t i = 0; i < ARRAY_LEN(p->marks); i++)
		p->marks[i] = TASK_NONE;
	return p;
}

void prog_free(struct prog *p)
{
	if (!p)
		return;
	VEC_FREE(&p->classes);
	VEC_FREE(&p->tasks);
	VEC_FREE(&p->deps);
	VEC_FREE(&p->recipes);
	VEC_FREE(&p->routes);
	VEC_FREE(&p->laps);
	arena_release(&p->arena);
	free(p);
}

void waits_add(struct waits *w, uint32_t task)
{
	if (task == TASK_NONE)
		return;
	for (size_t i = 0; i < w->n; i++)
		if (w->task[i] == task)
			return;
	BUG_ON(w->n == WAITS);
	w->task[w->n++] = task;
}

void waits_join(struct waits *w, const struct waits *more)
{
	for (size_t i = 0; i < more->n; i++)
		waits_add(w, more->task[i]);
}

struct site prog_site(struct arena *a, const struct world *w, size_t unit)
{
	const struct unit *u = &w->units[unit];

	/* the first formats are the dtypes, in their order */
	return site_make(a, &w->machines[u->machine], u->device, u->profile,
			 (enum dtype)w->scenario->precision.compute);
}

static uint32_t put(struct prog *p, uint32_t queue, uint32_t class, struct tag tag, const struct waits *after)
{
	const struct prog_task t = {queue, class, (uint32_t)p->deps.n, after ? (uint32_t)after->n : 0, tag};

	for (size_t i = 0; after && i < after->n; i++)
		VEC_ADD(&p->deps, after->task[i]);
	VEC_ADD(&p->tasks, t);
	return (uint32_t)p->tasks.n - 1;
}

static const struct site *site_of(struct prog *p, size_t unit)
{
	struct site *s = &p->sites[unit];

	if (!s->profile)
		*s = prog_site(&p->arena, p->world, unit);
	return s;
}

static uint32_t op_class(struct prog *p, const struct op *op, size_t unit, double share)
{
	const struct site *site = site_of(p, unit);
	const struct class c = {
		.kind = CLASS_OP, .op = *op, .cost = cost_of(op, site, share), .source = unit};

	VEC_ADD(&p->classes, c);
	return (uint32_t)p->classes.n - 1;
}

static bool same_recipe(const struct recipe *a, const struct recipe *b)
{
	return a->model == b->model && part_same(a->part, b->part) && a->phase == b->phase &&
	       a->half == b->half && a->unit == b->unit && a->share == b->share && a->end == b->end &&
	       shape_same(&a->shape, &b->shape);
}

/* Fills in the classes. */
static void look_up(struct prog *p, struct recipe *r)
{
	const struct model *m = p->world->model;
	const struct precision *pr = &p->world->scenario->precision;
	struct op ops[GRAPH_OPS];
	size_t n;

	r->model = m;
	for (size_t i = p->recipes.n; i-- > 0;) /* what is looked for is mostly new: of this chunk of many */
		if (same_recipe(&p->recipes.at[i], r)) {
			*r = p->recipes.at[i];
			return;
		}
	r->first = (uint32_t)p->classes.n;
	n = r->end ? graph_end(m, pr, &r->shape, r->part, r->phase, ops)
		   : graph_block(m, pr, &r->shape, r->part, r->phase, ops);
	for (size_t i = 0; i < n; i++)
		if (r->half == HALF_BOTH || ops[i].gradient == (r->half == HALF_WEIGHTS))
			op_class(p, &ops[i], r->unit, r->share);
	r->n = (uint32_t)p->classes.n - r->first;
	VEC_ADD(&p->recipes, *r);
}

/* Only the first operator waits for others: the queue keeps the rest in order behind it. */
static uint32_t put_ops(struct prog *p, struct recipe r, struct tag tag, const struct waits *after)
{
	uint32_t last = TASK_NONE;

	look_up(p, &r);
	for (uint32_t i = 0; i < r.n; i++)
		last = put(p, (uint32_t)r.unit, r.first + i, tag, i ? NULL : after);
	return last;
}

struct routed prog_routed(struct prog *p, const struct seat *seat, unsigned devices, double tokens)
{
	struct route r = {.seat = *seat, .devices = devices, .tokens = tokens};

	for (size_t i = 0; i < p->routes.n; i++) {
		const struct route *k = &p->routes.at[i];

		if (k->devices == devices && k->tokens == tokens && seat_same(&k->seat, seat))
			return k->to;
	}
	r.to = seat_routed(p->world->model, seat, devices, tokens);
	VEC_ADD(&p->routes, r);
	return r.to;
}

/* What device i of a seat does of a block. Of whole experts it does what comes to them, and no sums. */
static struct recipe recipe_of(struct prog *p, const struct shape *s, const struct seat *seat, int i,
			       struct tag tag)
{
	struct recipe r = {.part = tag.part,
			   .phase = tag.phase,
			   .half = tag.half,
			   .shape = *s,
			   .unit = seat->unit[i],
			   .share = seat->share[i]};

	if (seat->by_experts) {
		const struct routed here = prog_routed(p, seat, 1u << i, (double)(s->batch * s->tokens));

		r.shape.expert_rows = here.rows;
		r.shape.experts_hit = here.hit;
		r.shape.no_end = true;
		r.share = 1;
	}
	return r;
}

sim_ns prog_block_ns(struct prog *p, const struct shape *s, const struct seat *seat, struct tag tag)
{
	sim_ns most = 0;

	for (int i = 0; i < seat->n; i++) {
		struct recipe r = recipe_of(p, s, seat, i, tag);
		sim_ns sum = 0;

		look_up(p, &r);
		for (uint32_t k = 0; k < r.n; k++)
			sum += sim_ns_of_s(cost_seconds(&p->classes.at[r.first + k].cost));
		most = sum > most ? sum : most;
	}
	return most;
}

uint32_t prog_op(struct prog *p, const struct op *op, size_t unit, double share, struct tag tag,
		 const struct waits *after)
{
	return put(p, (uint32_t)unit, op_class(p, op, unit, share), tag, after);
}

static uint32_t find_class(struct prog *p, const struct class *c)
{
	for (size_t i = p->classes.n; i-- > 0;) {
		const struct class *k = &p->classes.at[i];

		if (k->kind == c->kind && k->source == c->source && k->bytes == c->bytes &&
		    k->lag_s == c->lag_s)
			return (uint32_t)i;
	}
	VEC_ADD(&p->classes, *c);
	return (uint32_t)p->classes.n - 1;
}

static uint32_t copy_class(struct prog *p, enum class_kind kind, size_t joint, double bytes,
			   const struct qty *rate)
{
	const struct class c = {.kind = kind,
				.bytes = bytes,
				.source = p->world->units_n + joint,
				.cost.memory = {bytes / rate->value, rate->spread, rate->how}};

	return find_class(p, &c);
}

static uint32_t link_class(struct prog *p, const struct message *m, size_t joint)
{
	const struct link *l = p->world->joints[joint].link;
	const struct qty rate = link_rate(l, m->bytes), *more = &l->collective_latency;
	struct class c = {.kind = m->kind,
			  .bytes = m->bytes,
			  .source = p->world->units_n + joint,
			  .cost.memory = {m->bytes / rate.value, rate.spread, rate.how},
			  .lag_s = l->latency.value,
			  .lag_spread = l->latency.spread};

	if (m->opens && more->value > 0) {
		c.lag_s += more->value;
		c.lag_spread += (more->spread - c.lag_spread) * more->value / c.lag_s;
	}
	return find_class(p, &c);
}

static struct waits just(uint32_t task)
{
	struct waits w = {.n = 0};

	waits_add(&w, task);
	return w;
}

struct waits prog_read(struct prog *p, size_t machine, double bytes, struct tag tag,
		       const struct waits *after)
{
	const struct world *w = p->world;
	const struct qty *rate;
	struct class c = {.kind = CLASS_READ, .bytes = bytes, .source = w->units_n + w->joints_n + machine};

	if (bytes <= 0)
		return *after;
	rate = &w->machines[machine].disk->read;
	c.cost.memory = (struct term){bytes / rate->value, rate->spread, rate->how};
	return just(put(p, (uint32_t)prog_disk(w, machine), find_class(p, &c), tag, after));
}

struct waits prog_message(struct prog *p, const struct message *m, struct tag tag, const struct waits *after)
{
	const struct world *w = p->world;
	const size_t a = w->units[m->from].machine, b = w->units[m->to].machine;
	const size_t joint = a == b ? WORLD_NONE : world_joint(w, a, b);
	const struct link *link;
	struct waits there = *after;
	uint32_t queue;

	if (a == b || m->bytes <= 0)
		return there;
	BUG_ON(joint == WORLD_NONE); /* placement_make() has checked */
	link = w->joints[joint].link;
	queue = (uint32_t)(w->units_n + 2 * joint + (w->joints[joint].ends[0] == a ? 0 : 1));
	if (link->send_copy.given)
		there = just(put(p, (uint32_t)m->from,
				 copy_class(p, CLASS_SEND_COPY, joint, m->bytes, &link->send_copy), tag,
				 &there));
	there = just(put(p, queue, link_class(p, m, joint), tag, &there));
	if (link->receive_copy.given)
		there = just(put(p, (uint32_t)m->to,
				 copy_class(p, CLASS_RECEIVE_COPY, joint, m->bytes, &link->receive_copy), tag,
				 &there));
	return there;
}

struct waits prog_send(struct prog *p, size_t from, size_t to, double bytes, struct tag tag,
		       const struct waits *after)
{
	const struct message m = {.kind = CLASS_SEND, .from = from, .to = to, .bytes = bytes};

	return prog_message(p, &m, tag, after);
}

struct waits prog_hand_over(struct prog *p, const struct seat *from, const struct seat *to, double bytes,
			    struct tag tag, const struct waits *after)
{
	struct waits there = {.n = 0};

	for (int i = 0; i < to->n; i++) {
		struct seat before = *to; /* devices that are served already */

		before.n = i;
		if (seat_beside(p->world, from, to->unit[i])) {
			waits_join(&there, after);
		} else if (!seat_beside(p->world, &before, to->unit[i])) {
			const struct waits sent = prog_send(p, from->unit[0], to->unit[i], bytes, tag, after);

			waits_join(&there, &sent);
		}
	}
	return there;
}

sim_ns prog_hand_over_ns(struct prog *p, const struct seat *from, const struct seat *to, double bytes)
{
	const struct world *w = p->world;
	sim_ns most = 0;

	for (int i = 0; i < to->n && bytes > 0; i++) {
		const size_t joint =
			world_joint(w, w->units[from->unit[0]].machine, w->units[to->unit[i]].machine);
		const struct link *l = joint == WORLD_NONE ? NULL : w->joints[joint].link;
		double s;

		if (!l || seat_beside(w, from, to->unit[i]))
			continue;
		s = bytes / link_rate(l, bytes).value + l->latency.value;
		s += l->send_copy.given ? bytes / l->send_copy.value : 0;
		s += l->receive_copy.given ? bytes / l->receive_copy.value : 0;
		most = sim_ns_of_s(s) > most ? sim_ns_of_s(s) : most;
	}
	return most;
}

/* How much of device i's part of `to` only device k of `from` can give: what lies on i's own machine, in
 * whosever part, is there. */
static double lacks(const struct world *w, const struct seat *from, int k, const struct seat *to, int i)
{
	const struct stretch want = parts_stretch(to, i), have = parts_stretch(from, k);
	const double common = fmin(want.to, have.to) - fmax(want.from, have.from);
	const bool here = w->units[from->unit[k]].machine == w->units[to->unit[i]].machine;

	return here || common < 1e-9 ? 0 : common;
}

struct waits prog_hand_parts(struct prog *p, const struct seat *from, const struct seat *to, double bytes,
			     struct tag tag, const struct waits *after)
{
	struct waits there = {.n = 0};

	for (int i = 0; i < to->n; i++) {
		if (seat_beside(p->world, from, to->unit[i]))
			waits_join(&there, after);
		for (int k = 0; k < from->n; k++) {
			const double part = lacks(p->world, from, k, to, i);
			struct waits sent;

			if (part <= 0)
				continue;
			sent = prog_send(p, from->unit[k], to->unit[i], part * bytes, tag, after);
			waits_join(&there, &sent);
		}
	}
	return there;
}

struct waits prog_ops(struct prog *p, const struct shape *s, const struct seat *seat, struct tag tag,
		      const struct waits *after)
{
	struct waits made = {.n = 0};

	for (int i = 0; i < seat->n; i++)
		waits_add(&made, put_ops(p, recipe_of(p, s, seat, i, tag), tag, after));
	return made;
}

struct waits prog_ops_each(struct prog *p, const struct shape *s, const struct seat *seat, struct tag tag,
			   const struct waits after[SEAT_MAX])
{
	struct waits made = {.n = 0};

	for (int i = 0; i < seat->n; i++)
		waits_add(&made, put_ops(p, recipe_of(p, s, seat, i, tag), tag, &after[i]));
	return made;
}

struct waits prog_end(struct prog *p, const struct shape *s, const struct seat *seat, struct tag tag,
		      const struct waits *after)
{
	struct waits ended = {.n = 0};

	for (int i = 0; i < seat->n; i++)
		waits_add(&ended, put_ops(p,
					  (struct recipe){.part = tag.part,
							  .phase = tag.phase,
							  .half = tag.half,
							  .shape = *s,
							  .unit = seat->unit[i],
							  .share = 1,
							  .end = true},
					  tag, after));
	return ended.n ? ended : *after;
}

struct waits prog_whole(struct prog *p, const struct shape *s, const struct seat *seat, struct tag tag,
			const struct waits *made)
{
	const struct world *w = p->world;
	const double rows = (double)(tag.part.role == ROLE_HEAD ? graph_head_rows(s) : s->batch * s->tokens);
	/* the head's backward pass gives the gradient of its input */
	const bool logits = tag.part.role == ROLE_HEAD && tag.phase != PHASE_BACKWARD;
	const double width = (double)(logits ? w->model->vocabulary : w->model->hidden);
	/* every device gathers the embedding and routes whole; of the logits each has a part; other blocks
	 * end in partial sums */
	const bool whole = tag.part.role == ROLE_EMBEDDING || tag.part.role == ROLE_ROUTER ||
			   tag.half == HALF_WEIGHTS || seat->by_experts; /* each keeps its own */
	const struct collective c = {
		logits, format_bytes((enum format_id)w->scenario->precision.compute, rows * width)};

	return whole || seat->n == 1 ? *made : collective_put(p, seat, &c, tag, made);
}

struct waits prog_block(struct prog *p, const struct shape *s, const struct seat *seat, struct tag tag,
			const struct waits *after)
{
	const struct waits made = prog_ops(p, s, seat, tag, after);

	return made.n ? prog_whole(p, s, seat, tag, &made) : *after;
}
