/* program.c - see program.h. */
#include "sim/step/program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/llm/memory.h"
#include "sim/place/shard_sizes.h"
#include "sim/step/collective.h"

/* The classes of a block on a shard group, so that a model of thirty-two equal layers is costed once. */
struct block_cache {
	const struct world *world; /* the world that gives model and precision */
	struct part part;
	enum phase phase;
	enum grad_part grad_part;
	struct shape shape;
	size_t unit;
	double share;
	bool end; /* true: only the operators of graph_end() */
	uint32_t first, n;
};

struct route {
	struct shards shards;
	unsigned devices;
	double tokens;
	struct routed to;
};

const char *const payload_names[PAYLOAD_N + 1] = {
	[PAYLOAD_NONE] = "",
	[PAYLOAD_ACTIVATIONS] = "activations",
	[PAYLOAD_KV] = "KV",
	[PAYLOAD_SAVED] = "saved",
	[PAYLOAD_GRADIENTS] = "gradients",
	[PAYLOAD_WEIGHTS] = "weights",
	[PAYLOAD_DISK] = "disk",
	[PAYLOAD_TOKEN] = "token",
	[PAYLOAD_DISPATCH] = "dispatch",
	[PAYLOAD_COMBINE] = "combine",
	[PAYLOAD_ALL_GATHER] = "all-gather",
	[PAYLOAD_ALL_REDUCE] = "all-reduce",
};

struct program *program_new(const struct world *w)
{
	struct program *p = xcalloc(1, sizeof *p);

	p->world = w;
	p->arena = (struct arena)ARENA_INIT;
	p->device_models = arena_array(&p->arena, w->units_n * DTYPE_N, sizeof *p->device_models);
	for (size_t i = 0; i < ARRAY_LEN(p->marks); i++)
		p->marks[i] = TASK_NONE;
	return p;
}

void program_free(struct program *p)
{
	if (!p)
		return;
	VEC_FREE(&p->op_classes);
	VEC_FREE(&p->tasks);
	VEC_FREE(&p->deps);
	VEC_FREE(&p->block_caches);
	VEC_FREE(&p->routes);
	VEC_FREE(&p->cycles);
	arena_release(&p->arena);
	free(p);
}

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
	uint32_t *all = arena_array(&p->arena, d->n + n, sizeof *all);

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

struct device_model program_device_model(struct arena *a, const struct world *w, size_t unit)
{
	const struct unit *u = &w->units[unit];

	/* the first formats are the dtypes, in their order */
	struct device_model s = device_model_make(a, &w->machines[u->machine], u->device, u->profile,
						  (enum dtype)w->scenario->precision.compute);

	device_model_beyond(&s, w->model);
	return s;
}

static uint32_t put(struct program *p, uint32_t queue, uint32_t op_class, struct label label,
		    const struct deps *after)
{
	const struct program_task t = {queue, op_class, (uint32_t)p->deps.n, after ? (uint32_t)after->n : 0,
				       label};

	for (size_t i = 0; after && i < after->n; i++)
		VEC_ADD(&p->deps, after->task[i]);
	VEC_ADD(&p->tasks, t);
	return (uint32_t)p->tasks.n - 1;
}

static const struct device_model *device_model_of(struct program *p, size_t unit)
{
	const int compute = p->world->scenario->precision.compute;
	struct device_model *s = &p->device_models[unit * DTYPE_N + (size_t)compute];

	if (!s->profile)
		*s = program_device_model(&p->arena, p->world, unit);
	return s;
}

static uint32_t op_class(struct program *p, const struct op *op, size_t unit, double share)
{
	const struct device_model *device_model = device_model_of(p, unit);
	const struct op_class c = {
		.kind = CLASS_OP, .op = *op, .cost = cost_of(op, device_model, share), .source = unit};

	VEC_ADD(&p->op_classes, c);
	return (uint32_t)p->op_classes.n - 1;
}

static bool same_block(const struct block_cache *a, const struct block_cache *b)
{
	return a->world == b->world && part_same(a->part, b->part) && a->phase == b->phase &&
	       a->grad_part == b->grad_part && a->unit == b->unit && a->share == b->share &&
	       a->end == b->end && shape_same(&a->shape, &b->shape);
}

/* The operators of a backward pass: of one gradient or of both. */
static size_t make_ops(const struct program *p, const struct block_cache *r, struct op ops[GRAPH_OPS])
{
	const struct model *m = r->world->units[r->unit].model;
	const struct precision *pr = &p->world->scenario->precision;
	const size_t all = r->end ? graph_end(m, pr, &r->shape, r->part, r->phase, ops)
				  : graph_block(m, pr, &r->shape, r->part, r->phase, ops);
	size_t n = 0;

	for (size_t i = 0; i < all; i++)
		if (r->grad_part == GRAD_BOTH || ops[i].gradient == (r->grad_part == GRAD_WEIGHTS))
			ops[n++] = ops[i];
	return n;
}

/* Computes the classes of a block. */
static void look_up(struct program *p, struct block_cache *r)
{
	struct op ops[GRAPH_OPS];
	size_t n;

	r->world = p->world;
	/* most chunks of a prompt have shapes of their own, so the entry looked for is mostly the newest */
	for (size_t i = p->block_caches.n; i-- > 0;)
		if (same_block(&p->block_caches.at[i], r)) {
			*r = p->block_caches.at[i];
			return;
		}
	n = make_ops(p, r, ops);
	r->first = (uint32_t)p->op_classes.n;
	r->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		op_class(p, &ops[i], r->unit, r->share);
	VEC_ADD(&p->block_caches, *r);
}

void program_remake(struct program *p)
{
	for (size_t i = 0; i < p->block_caches.n; i++) {
		const struct block_cache *r = &p->block_caches.at[i];
		const struct device_model *device_model = device_model_of(p, r->unit);
		struct op ops[GRAPH_OPS];
		const size_t n = make_ops(p, r, ops);

		BUG_ON(n != r->n);
		for (size_t k = 0; k < n; k++) {
			struct op_class *c = &p->op_classes.at[r->first + k];

			c->op = ops[k];
			c->cost = cost_of(&ops[k], device_model, r->share);
		}
	}
}

/* Only the first operator depends on others: the queue runs the rest in order after it. */
static uint32_t put_ops(struct program *p, struct block_cache r, struct label label, const struct deps *after)
{
	uint32_t last = TASK_NONE;

	look_up(p, &r);
	for (uint32_t i = 0; i < r.n; i++)
		last = put(p, (uint32_t)r.unit, r.first + i, label, i ? NULL : after);
	return last;
}

struct routed program_routed(struct program *p, const struct shards *shards, unsigned devices, double tokens)
{
	struct route r = {.shards = *shards, .devices = devices, .tokens = tokens};

	for (size_t i = 0; i < p->routes.n; i++) {
		const struct route *k = &p->routes.at[i];

		if (k->devices == devices && k->tokens == tokens && shard_group_same(&k->shards, shards))
			return k->to;
	}
	r.to = shard_group_routed(p->world->model, shards, devices, tokens);
	VEC_ADD(&p->routes, r);
	return r.to;
}

/* The share of a block that device i of a shard group computes. Of whole experts it computes those of the
 * rows routed to it, and no sums. */
static struct block_cache block_on_device(struct program *p, const struct shape *s,
					  const struct shards *shards, int i, struct label label)
{
	struct block_cache r = {.part = label.part,
				.phase = label.phase,
				.grad_part = label.grad_part,
				.shape = *s,
				.unit = shards->unit[i],
				.share = shards->share[i]};

	if (shards->by_experts) {
		const struct routed here = program_routed(p, shards, 1u << i, (double)graph_rows(s));

		r.shape.expert_rows = here.rows;
		r.shape.experts_hit = here.hit;
		r.shape.no_end = true;
		r.share = 1;
	}
	return r;
}

sim_ns program_block_ns(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label)
{
	sim_ns most = 0;

	for (int i = 0; i < shards->n; i++) {
		struct block_cache r = block_on_device(p, s, shards, i, label);
		sim_ns sum = 0;

		look_up(p, &r);
		for (uint32_t k = 0; k < r.n; k++)
			sum += sim_ns_of_s(cost_seconds(&p->op_classes.at[r.first + k].cost));
		most = sum > most ? sum : most;
	}
	return most;
}

uint32_t program_op(struct program *p, const struct op *op, size_t unit, double share, struct label label,
		    const struct deps *after)
{
	return put(p, (uint32_t)unit, op_class(p, op, unit, share), label, after);
}

static uint32_t find_class(struct program *p, const struct op_class *c)
{
	for (size_t i = p->op_classes.n; i-- > 0;) {
		const struct op_class *k = &p->op_classes.at[i];

		if (k->kind == c->kind && k->source == c->source && k->bytes == c->bytes &&
		    k->lag_s == c->lag_s)
			return (uint32_t)i;
	}
	VEC_ADD(&p->op_classes, *c);
	return (uint32_t)p->op_classes.n - 1;
}

static size_t link_source(const struct program *p, size_t link_use)
{
	return source_index(p->world, (struct param_source){QUEUE_LINK, link_use});
}

static uint32_t copy_class(struct program *p, enum op_class_kind kind, size_t link_use, double bytes,
			   const struct qty *rate)
{
	const struct op_class c = {.kind = kind,
				   .bytes = bytes,
				   .source = link_source(p, link_use),
				   .cost.memory = {bytes / rate->value, rate->spread, rate->provenance}};

	return find_class(p, &c);
}

static void add_lag(struct op_class *c, double s, double spread)
{
	if (s <= 0)
		return;
	c->lag_s += s;
	c->lag_spread += (spread - c->lag_spread) * s / c->lag_s;
}

/* What the slower of both ends' runtimes adds to a message. */
static void add_runtime(const struct world *w, const struct message *m, const struct link *l,
			struct op_class *c)
{
	const struct overhead *a = &w->units[m->from].profile->overhead,
			      *b = &w->units[m->to].profile->overhead;
	const struct overhead *o =
		overhead_crossing_s(a, l, m->peers) >= overhead_crossing_s(b, l, m->peers) ? a : b;
	const struct qty *base = l->rdma && o->crossing_rdma.given ? &o->crossing_rdma : &o->crossing,
			 *stage = a->stage.value >= b->stage.value ? &a->stage : &b->stage;

	if (m->kind == CLASS_SEND || m->opens)
		add_lag(c, base->value, base->spread);
	if (m->opens)
		add_lag(c, o->peer.value * m->peers, o->peer.spread);
	if (m->stage)
		add_lag(c, stage->value, stage->spread);
}

static uint32_t link_class(struct program *p, const struct message *m, size_t link_use)
{
	const struct link *l = p->world->link_uses[link_use].link;
	const struct qty rate = link_rate(l, m->bytes);
	struct op_class c = {.kind = m->kind,
			     .bytes = m->bytes,
			     .source = link_source(p, link_use),
			     .cost.memory = {m->bytes / rate.value, rate.spread, rate.provenance},
			     .lag_s = l->latency.value,
			     .lag_spread = l->latency.spread};

	if (m->opens)
		add_lag(&c, l->collective_latency.value, l->collective_latency.spread);
	add_runtime(p->world, m, l, &c);
	return find_class(p, &c);
}

struct deps program_read(struct program *p, size_t machine, double bytes, struct label label,
			 const struct deps *after)
{
	const struct world *w = p->world;
	const struct qty *rate;
	struct op_class c = {.kind = CLASS_READ,
			     .bytes = bytes,
			     .source = source_index(w, (struct param_source){QUEUE_DISK, machine})};

	if (bytes <= 0)
		return *after;
	rate = &w->machines[machine].disk->read;
	c.cost.memory = (struct term){bytes / rate->value, rate->spread, rate->provenance};
	return deps_of(p, put(p, (uint32_t)queue_index(w, (struct queue){QUEUE_DISK, machine, 0}),
			      find_class(p, &c), label, after));
}

struct deps program_message(struct program *p, const struct message *m, struct label label,
			    const struct deps *after)
{
	const struct world *w = p->world;
	const size_t a = w->units[m->from].machine, b = w->units[m->to].machine;
	const size_t link_use = a == b ? WORLD_NONE : world_link_use(w, a, b);
	const struct link *link;
	struct deps there = *after;
	uint32_t queue;

	if (a == b || m->bytes <= 0)
		return there;
	BUG_ON(link_use == WORLD_NONE); /* placement_make() has checked */
	link = w->link_uses[link_use].link;
	queue = (uint32_t)queue_index(w, queue_from(w, link_use, a));
	if (link->send_copy.given)
		there = deps_of(p, put(p, (uint32_t)m->from,
				       copy_class(p, CLASS_SEND_COPY, link_use, m->bytes, &link->send_copy),
				       label, &there));
	there = deps_of(p, put(p, queue, link_class(p, m, link_use), label, &there));
	if (link->receive_copy.given)
		there = deps_of(
			p, put(p, (uint32_t)m->to,
			       copy_class(p, CLASS_RECEIVE_COPY, link_use, m->bytes, &link->receive_copy),
			       label, &there));
	return there;
}

struct deps program_send(struct program *p, size_t from, size_t to, double bytes, struct label label,
			 const struct deps *after)
{
	const struct message m = {.kind = CLASS_SEND,
				  .from = from,
				  .to = to,
				  .bytes = bytes,
				  .stage = label.stage || label.payload == PAYLOAD_TOKEN};

	return program_message(p, &m, label, after);
}

struct deps program_hand_over(struct program *p, const struct shards *from, const struct shards *to,
			      double bytes, struct label label, const struct deps *after)
{
	struct deps there = {.n = 0};

	for (int i = 0; i < to->n; i++) {
		struct shards before = *to; /* devices that have it already */

		before.n = i;
		if (shard_group_beside(p->world, from, to->unit[i])) {
			deps_join(p, &there, after);
		} else if (!shard_group_beside(p->world, &before, to->unit[i])) {
			const struct deps sent =
				program_send(p, from->unit[0], to->unit[i], bytes, label, after);

			deps_join(p, &there, &sent);
		}
	}
	return there;
}

/* What a unit's runtime adds to a message between stages. */
static double stage_s(const struct world *w, size_t unit, const struct link *l)
{
	const struct overhead *o = &w->units[unit].profile->overhead;

	return overhead_crossing_s(o, l, 0) + o->stage.value;
}

sim_ns program_hand_over_ns(struct program *p, const struct shards *from, const struct shards *to,
			    double bytes)
{
	const struct world *w = p->world;
	sim_ns most = 0;

	for (int i = 0; i < to->n && bytes > 0; i++) {
		const size_t link_use =
			world_link_use(w, w->units[from->unit[0]].machine, w->units[to->unit[i]].machine);
		const struct link *l = link_use == WORLD_NONE ? NULL : w->link_uses[link_use].link;
		double s;

		if (!l || shard_group_beside(w, from, to->unit[i]))
			continue;
		s = bytes / link_rate(l, bytes).value + l->latency.value +
		    fmax(stage_s(w, from->unit[0], l), stage_s(w, to->unit[i], l));
		s += l->send_copy.given ? bytes / l->send_copy.value : 0;
		s += l->receive_copy.given ? bytes / l->receive_copy.value : 0;
		most = sim_ns_of_s(s) > most ? sim_ns_of_s(s) : most;
	}
	return most;
}

/* The bytes of device i's part of `to` that only device k of `from` holds; bytes on i's own machine need
 * no transfer, whichever device of `from` they belong to. */
static double lacks(const struct world *w, const struct shards *from, int k, const struct shards *to, int i)
{
	const struct interval want = shard_sizes_interval(to, i), have = shard_sizes_interval(from, k);
	const double common = fmin(want.to, have.to) - fmax(want.from, have.from);
	const bool here = w->units[from->unit[k]].machine == w->units[to->unit[i]].machine;

	return here || common < 1e-9 ? 0 : common;
}

struct deps program_hand_parts(struct program *p, const struct shards *from, const struct shards *to,
			       double bytes, struct label label, const struct deps *after)
{
	struct deps there = {.n = 0};

	for (int i = 0; i < to->n; i++) {
		if (shard_group_beside(p->world, from, to->unit[i]))
			deps_join(p, &there, after);
		for (int k = 0; k < from->n; k++) {
			const double part = lacks(p->world, from, k, to, i);
			struct deps sent;

			if (part <= 0)
				continue;
			sent = program_send(p, from->unit[k], to->unit[i], part * bytes, label, after);
			deps_join(p, &there, &sent);
		}
	}
	return there;
}

struct deps program_ops(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label, const struct deps *after)
{
	struct deps made = {.n = 0};

	for (int i = 0; i < shards->n; i++)
		deps_add(p, &made, put_ops(p, block_on_device(p, s, shards, i, label), label, after));
	return made;
}

struct deps program_ops_each(struct program *p, const struct shape *s, const struct shards *shards,
			     struct label label, const struct deps after[SHARDS_MAX])
{
	struct deps made = {.n = 0};

	for (int i = 0; i < shards->n; i++)
		deps_add(p, &made, put_ops(p, block_on_device(p, s, shards, i, label), label, &after[i]));
	return made;
}

struct deps program_end(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label, const struct deps *after)
{
	struct deps ended = {.n = 0};

	for (int i = 0; i < shards->n; i++)
		deps_add(p, &ended,
			 put_ops(p,
				 (struct block_cache){.part = label.part,
						      .phase = label.phase,
						      .grad_part = label.grad_part,
						      .shape = *s,
						      .unit = shards->unit[i],
						      .share = 1,
						      .end = true},
				 label, after));
	return ended.n ? ended : *after;
}

struct deps program_whole(struct program *p, const struct shape *s, const struct shards *shards,
			  struct label label, const struct deps *made)
{
	const struct world *w = p->world;
	const double rows = (double)(label.part.role == ROLE_HEAD ? graph_head_rows(s) : graph_rows(s));
	/* the head's backward pass gives the gradient of its input */
	const bool logits = label.part.role == ROLE_HEAD && label.phase != PHASE_BACKWARD;
	const double width = (double)(logits ? w->model->vocabulary : w->model->hidden);
	/* every device computes the embedding and the router in full; of the logits each device has a
	 * part; other blocks end in partial sums */
	const bool whole = label.part.role == ROLE_EMBEDDING || label.part.role == ROLE_ROUTER ||
			   /* each device keeps its own part */
			   label.grad_part == GRAD_WEIGHTS || shards->by_experts;
	const struct collective c = {
		logits, format_bytes((enum format_id)w->scenario->precision.compute, rows * width)};

	return whole || shards->n == 1 ? *made : collective_put(p, shards, &c, label, made);
}

struct deps program_block(struct program *p, const struct shape *s, const struct shards *shards,
			  struct label label, const struct deps *after)
{
	const struct deps made = program_ops(p, s, shards, label, after);

	return made.n ? program_whole(p, s, shards, label, &made) : *after;
}
