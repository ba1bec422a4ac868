/* message.c - a program's messages over links and reads from disks; see program.h. */
#include <math.h>

#include "sim/place/shard_sizes.h"
#include "sim/step/collective.h"
#include "sim/step/program.h"

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
	return source_index(p->world, (struct param_source){QUEUE_LINK, p->world->link_uses[link_use].of});
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

static void add_lag(struct op_class *c, double s, const struct qty *q)
{
	const double spread = q->spread;

	if (s <= 0)
		return;
	c->lag_from = provenance_worse(c->lag_from, q->provenance);
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
		add_lag(c, base->value, base);
	if (m->opens)
		add_lag(c, o->peer.value * m->peers, &o->peer);
	if (m->stage && !l->local)
		add_lag(c, stage->value, stage);
}

/* What a machine adds that has stored a message before it sends it on. */
static void add_forwarding(const struct link *l, struct op_class *c)
{
	const struct qty *rate = &l->forward_bandwidth;

	add_lag(c, l->forward_latency.value, &l->forward_latency);
	if (rate->given)
		add_lag(c, c->bytes / rate->value, rate);
}

/* link_rate(), which messages of one size are asked for again and again. */
static struct qty rate_of(struct program *p, const struct link *l, double bytes)
{
	for (size_t i = p->rates.n; i-- > 0;)
		if (p->rates.at[i].link == l && p->rates.at[i].bytes == bytes)
			return p->rates.at[i].rate;
	VEC_ADD(&p->rates, (struct known_rate){l, bytes, link_rate(l, bytes)});
	return p->rates.at[p->rates.n - 1].rate;
}

/* Was any collective operation over the link measured, or what a runtime of its ends adds to one? Else it is taken for its
 * messages alone: llama.cpp's --split-mode tensor and row over a link that only copies were measured of. */
static bool knows_collectives(const struct world *w, const struct message *m, const struct link *l)
{
	const struct overhead *a = &w->units[m->from].profile->overhead,
			      *b = &w->units[m->to].profile->overhead;

	return l->collective_latency.given || (a->crossing.given && b->crossing.given);
}

/* first, last: of the hops of a message that machines on the way store; what runtimes add to a message comes once. */
static uint32_t link_class(struct program *p, const struct message *m, size_t link_use, bool first, bool last)
{
	const struct link *l = p->world->link_uses[link_use].link;
	const struct qty rate = rate_of(p, l, m->bytes);
	struct op_class c = {.kind = m->kind,
			     .bytes = m->bytes,
			     .source = link_source(p, link_use),
			     .cost.memory = {m->bytes / rate.value, rate.spread, rate.provenance},
			     .lag_s = l->latency.value,
			     .lag_spread = l->latency.spread,
			     .lag_from = l->latency.provenance};

	if (first && m->opens)
		add_lag(&c, l->collective_latency.value, &l->collective_latency);
	if (first && m->opens && !knows_collectives(p->world, m, l))
		c.lag_from = provenance_worse(c.lag_from, PROVENANCE_TRANSFERRED);
	if (first)
		add_runtime(p->world, m, l, &c);
	if (!last)
		add_forwarding(l, &c);
	return find_class(p, &c);
}

static bool same_message(const struct message *a, const struct message *b)
{
	return a->kind == b->kind && a->from == b->from && a->to == b->to && a->bytes == b->bytes &&
	       a->opens == b->opens && a->peers == b->peers && a->stage == b->stage;
}

/* link_class() of a message that no machine stores on its way. */
static uint32_t message_class(struct program *p, const struct message *m, size_t link_use)
{
	struct known_message *k = &p->last_message;

	if (k->world != p->world || k->link_use != link_use || !same_message(&k->of, m))
		*k = (struct known_message){p->world, *m, link_use, link_class(p, m, link_use, true, true)};
	return k->op_class;
}

static struct deps put_message(struct program *p, const struct message *m, size_t link_use,
			       struct label label, struct deps there)
{
	const struct queue q = queue_from(p->world, link_use, p->world->units[m->from].machine);

	return deps_of(p, program_put(p, (uint32_t)queue_index(p->world, q), message_class(p, m, link_use),
				      label, &there));
}

/* Over each cable of a way on which machines store messages and forward them. */
static struct deps put_hops(struct program *p, const struct message *m, const struct link_way *way,
			    struct label label, struct deps there)
{
	const struct world *w = p->world;
	size_t machine = w->units[m->from].machine;

	for (size_t i = 0; i < way->hops_n; i++) {
		const struct queue q = queue_from(w, way->hops[i], machine);
		const uint32_t class = link_class(p, m, way->hops[i], i == 0, i + 1 == way->hops_n);

		there = deps_of(p, program_put(p, (uint32_t)queue_index(w, q), class, label, &there));
		machine = queue_receiver(w, q);
	}
	return there;
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
	return deps_of(p, program_put(p, (uint32_t)queue_index(w, (struct queue){QUEUE_DISK, machine, 0}),
				      find_class(p, &c), label, after));
}

struct deps program_message(struct program *p, const struct message *m, struct label label,
			    const struct deps *after)
{
	const struct world *w = p->world;
	const size_t a = w->units[m->from].machine, b = w->units[m->to].machine;
	const size_t link_use = a == b ? WORLD_NONE : world_link_use(w, a, b);
	const struct link_way *way;
	const struct link *link;
	struct deps there = *after;

	if (a == b || m->bytes <= 0)
		return there;
	BUG_ON(link_use == WORLD_NONE); /* placement_make() has checked */
	link = w->link_uses[link_use].link;
	way = &w->link_uses[link_use].ways[link_use_from(&w->link_uses[link_use], a)];
	if (link->send_copy.given)
		there = deps_of(
			p, program_put(p, (uint32_t)m->from,
				       copy_class(p, CLASS_SEND_COPY, link_use, m->bytes, &link->send_copy),
				       label, &there));
	there = way->hops_n ? put_hops(p, m, way, label, there) : put_message(p, m, link_use, label, there);
	if (link->receive_copy.given)
		there = deps_of(p, program_put(p, (uint32_t)m->to,
					       copy_class(p, CLASS_RECEIVE_COPY, link_use, m->bytes,
							  &link->receive_copy),
					       label, &there));
	return there;
}

struct collective_task program_message_equals(struct program *p, const struct message *m, enum equals e,
					      int distance)
{
	const size_t machine = p->world->units[m->from].machine;
	const size_t link_use = world_equals_use(p->world, e, machine, distance);

	return (struct collective_task){
		(uint32_t)queue_index(p->world, queue_from(p->world, link_use, machine)),
		link_class(p, m, link_use, true, true)};
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

/* Whether one of the devices before it is on the machine of device i. */
static bool has_it_already(const struct world *w, const struct shards *to, int i)
{
	for (int k = 0; k < i; k++)
		if (w->units[to->unit[k]].machine == w->units[to->unit[i]].machine)
			return true;
	return false;
}

struct deps program_hand_over(struct program *p, const struct shards *from, const struct shards *to,
			      double bytes, struct label label, const struct deps *after)
{
	struct deps there = {.n = 0};

	for (int i = 0; i < to->n; i++) {
		if (shard_group_beside(p->world, from, to->unit[i])) {
			deps_join(p, &there, after);
		} else if (!has_it_already(p->world, to, i)) {
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

	return overhead_crossing_s(o, l, 0) + (l->local ? 0 : o->stage.value);
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
