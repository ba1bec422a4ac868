/*
 * flow.c - see flow.h.
 *
 * A flow ends when the clock reaches the end computed for it, not when its bytes reach zero: what is left of
 * a double after many changes of rate decides nothing, so no flow hangs on its last 1e-9 byte. The end is
 * computed anew only when the flow's rate changes, so flows elsewhere are not disturbed. All that changes at
 * one instant is followed by one new allocation at that instant (class EV_SAMPLE: after every end and start).
 *
 * Few flows are all allocated anew. Of many, only those are whose bottleneck is a wire where a flow has started or ended,
 * or a wire that one of them crosses, with the rates of the others held fixed; then whatever is no longer max-min fair
 * joins them, until nothing is left that is not. An allocation is max-min fair if and only if every flow is at its cap or
 * has a bottleneck: a full wire on which no flow is faster (Bertsekas & Gallager, section 6.5.2). There is one such
 * allocation, so it is that of all flows at once.
 */
#include "sim/des/flow.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/heap.h"
#include "sim/base/mem.h"
#include "sim/base/vec.h"
#include "sim/des/max_min.h"
#include "sim/des/ranked.h"

enum { FEW_FLOWS = 32 };
#define NOBODY  UINT32_MAX
#define NO_WIRE SIZE_MAX

/* Two rates, or the load and the capacity of a wire, are the same to rounding. */
static const double same_to = 1e-12;

struct hop {
	size_t wire;
	uint32_t at; /* in the wire's list of flows */
};

struct flow {
	struct hop *path;
	size_t path_n, path_room;
	double bytes, cap_Bps;   /* as sent */
	double left_B, rate_Bps; /* at since_ns, and from then on */
	double next_Bps;         /* while rates are assigned: the new one */
	sim_ns since_ns, end_ns;
	uint64_t sent;    /* flows were sent before it */
	uint64_t round;   /* the last allocation that gave it a rate */
	size_t due_at;    /* in the heap */
	uint32_t live_at; /* in the list of flows under way */
	size_t held_by;   /* its bottleneck; NO_WIRE: its cap */
	void (*done)(void *self, sim_ns now_ns);
	void *self;
};

struct crossing {
	uint32_t flow, hop;
};

struct wire {
	double capacity_Bps, carried_B;
	VEC(struct crossing) flows;
	uint64_t round; /* the last allocation that looked at it */
	size_t share;   /* its index in that one */
	bool changed;   /* a flow has started or ended on it */
	bool spared;    /* spare_Bps is what its flows that keep their rates leave */
	double spare_Bps;
	bool summed; /* the next two are those of its flows */
	bool full;
	double fast_Bps; /* it is the bottleneck of flows of at least this rate; INFINITY: of none */
};

/* Flows by their ends, those of one instant in the order in which they were sent. */
static bool ends_before(void *ctx, const uint32_t *a, const uint32_t *b);
static void is_due_at(void *ctx, const uint32_t *flow, size_t at);
HEAP_DEFINE(dues, uint32_t, ends_before, is_due_at);

struct ended {
	void (*done)(void *self, sim_ns now_ns);
	void *self;
};

struct flownet {
	struct engine *engine;
	VEC(struct wire) wires;
	VEC(struct flow) flows;    /* those that have ended keep their place for another */
	VEC(uint32_t) idle, live;  /* flows that have ended; that are under way */
	VEC(struct ended) ended;   /* scratch of tick() */
	VEC(size_t) changed_wires; /* since the last allocation */
	VEC(uint32_t) started;     /* since then */
	struct dues dues;
	uint64_t sent, round;
	/* scratch of allocate() */
	struct ranked_list moved; /* flows that get a rate, by when they were sent */
	struct ranked_list
		met; /* wires that they cross, or where a flow has started or ended; by their index */
	VEC(uint32_t) unfair;
	VEC(size_t) hops; /* their paths as indices of shares */
	struct max_min filling;
	sim_ns tick_ns; /* when the next flow ends; only if armed */
	bool armed, dirty;
};

static bool ends_before(void *ctx, const uint32_t *a, const uint32_t *b)
{
	const struct flow *flows = ((const struct flownet *)ctx)->flows.at, *x = &flows[*a], *y = &flows[*b];

	return x->end_ns != y->end_ns ? x->end_ns < y->end_ns : x->sent < y->sent;
}

static void is_due_at(void *ctx, const uint32_t *flow, size_t at)
{
	((struct flownet *)ctx)->flows.at[*flow].due_at = at;
}

void flow_max_min(const double *capacity, size_t wires_n, const size_t *const *paths, const size_t *path_n,
		  const double *caps, size_t flows_n, double *rates)
{
	struct max_min m = {.caps_done = 0};

	for (size_t w = 0; w < wires_n; w++)
		VEC_ADD(&m.shares, (struct share){.spare_Bps = capacity[w]});
	for (size_t f = 0; f < flows_n; f++)
		VEC_ADD(&m.claims, (struct claim){paths[f], path_n[f], caps[f], -1, NO_SHARE});
	max_min_fill(&m);
	for (size_t f = 0; f < flows_n; f++)
		rates[f] = m.claims.at[f].rate_Bps;
	max_min_release(&m);
}

struct flownet *flownet_new(struct engine *e)
{
	struct flownet *net = xcalloc(1, sizeof *net);

	net->engine = e;
	net->dues.ctx = net;
	return net;
}

void flownet_free(struct flownet *net)
{
	if (!net)
		return;
	for (size_t f = 0; f < net->flows.n; f++)
		free(net->flows.at[f].path);
	for (size_t w = 0; w < net->wires.n; w++)
		VEC_FREE(&net->wires.at[w].flows);
	VEC_FREE(&net->wires);
	VEC_FREE(&net->flows);
	VEC_FREE(&net->idle);
	VEC_FREE(&net->live);
	VEC_FREE(&net->ended);
	VEC_FREE(&net->changed_wires);
	VEC_FREE(&net->started);
	dues_release(&net->dues);
	ranked_release(&net->moved);
	ranked_release(&net->met);
	VEC_FREE(&net->unfair);
	VEC_FREE(&net->hops);
	max_min_release(&net->filling);
	free(net);
}

size_t flownet_wire(struct flownet *net, double capacity_Bps)
{
	BUG_ON(!(capacity_Bps > 0));
	VEC_ADD(&net->wires, (struct wire){.capacity_Bps = capacity_Bps});
	return net->wires.n - 1;
}

double flownet_carried_B(const struct flownet *net, size_t wire)
{
	BUG_ON(wire >= net->wires.n);
	return net->wires.at[wire].carried_B;
}

size_t flownet_under_way(const struct flownet *net)
{
	return net->live.n;
}

double flownet_rate_Bps(const struct flownet *net, size_t i, void **self)
{
	const struct flow *f = &net->flows.at[net->live.at[i]];

	*self = f->self;
	return f->rate_Bps;
}

static void tick(void *self, sim_ns now_ns);

/* One event stands for the next end, whichever flow it is. One that a new allocation has made stale stays in
 * the event list; tick() knows it by its time. */
static void arm(struct flownet *net)
{
	sim_ns next_ns;

	if (!net->dues.n)
		return;
	next_ns = net->flows.at[net->dues.at[0]].end_ns;
	if (net->armed && net->tick_ns == next_ns)
		return;
	net->armed = true;
	net->tick_ns = next_ns;
	engine_at(net->engine, next_ns, EV_FINISH, tick, net);
}

static void set_rate(struct flownet *net, uint32_t flow, double rate_Bps, sim_ns now_ns)
{
	struct flow *f = &net->flows.at[flow];
	sim_ns rest_ns;

	if (f->rate_Bps == rate_Bps)
		return;
	f->left_B = fmax(0, f->left_B - f->rate_Bps * sim_s_of_ns(now_ns - f->since_ns));
	f->rate_Bps = rate_Bps;
	f->since_ns = now_ns;
	rest_ns = sim_ns_of_s(f->left_B / rate_Bps);
	BUG_ON(rest_ns > INT64_MAX - now_ns);
	f->end_ns = now_ns + rest_ns;
	dues_fix(&net->dues, f->due_at);
}

/* ---- which flows get a rate, and which ---- */

static bool is_moved(const struct flownet *net, const struct flow *f)
{
	return f->round == net->round;
}

static void meet(struct flownet *net, size_t wire)
{
	struct wire *w = &net->wires.at[wire];

	w->spared = w->summed = false;
	if (w->round == net->round)
		return;
	w->round = net->round;
	VEC_ADD(&net->met, (struct ranked){wire, wire});
}

static void move(struct flownet *net, uint32_t flow)
{
	struct flow *f = &net->flows.at[flow];

	if (is_moved(net, f))
		return;
	f->round = net->round;
	VEC_ADD(&net->moved, (struct ranked){f->sent, flow});
	for (size_t i = 0; i < f->path_n; i++)
		meet(net, f->path[i].wire);
}

/* Flows whose bottleneck is a wire met since the last fill; the wires that these cross are met, too. They would join sooner
 * or later: what such a wire gives them is about to change. */
static void move_held(struct flownet *net)
{
	for (size_t i = net->met.sorted; i < net->met.n; i++) {
		const size_t wire = net->met.at[i].at;
		const struct wire *w = &net->wires.at[wire];

		for (size_t k = 0; k < w->flows.n; k++)
			if (net->flows.at[w->flows.at[k].flow].held_by == wire)
				move(net, w->flows.at[k].flow);
	}
}

/* The rate that a wire has left for flows that get a new one. */
static double spare_of(const struct flownet *net, struct wire *w)
{
	double spare = w->capacity_Bps;

	if (w->spared)
		return w->spare_Bps;
	for (size_t i = 0; i < w->flows.n; i++) {
		const struct flow *f = &net->flows.at[w->flows.at[i].flow];

		spare -= is_moved(net, f) ? 0 : f->rate_Bps;
	}
	w->spared = true;
	return w->spare_Bps = fmax(0, spare);
}

static void fill(struct flownet *net)
{
	size_t hops = 0;

	/* so that sums are added up in one order, however the flows were found */
	ranked_sort(&net->moved);
	ranked_sort(&net->met);
	net->filling.shares.n = net->filling.claims.n = net->hops.n = 0;
	for (size_t i = 0; i < net->met.n; i++) {
		struct wire *w = &net->wires.at[net->met.at[i].at];

		w->share = i;
		w->summed = false; /* by other rates than the last ones */
		VEC_ADD(&net->filling.shares, (struct share){.spare_Bps = spare_of(net, w)});
	}
	for (size_t i = 0; i < net->moved.n; i++)
		hops += net->flows.at[net->moved.at[i].at].path_n;
	VEC_RESERVE(&net->hops, hops);
	for (size_t i = 0; i < net->moved.n; i++) {
		const struct flow *f = &net->flows.at[net->moved.at[i].at];

		VEC_ADD(&net->filling.claims, (struct claim){f->path_n ? net->hops.at + net->hops.n : NULL,
							     f->path_n, f->cap_Bps, -1, NO_SHARE});
		for (size_t k = 0; k < f->path_n; k++)
			VEC_ADD(&net->hops, net->wires.at[f->path[k].wire].share);
	}
	max_min_fill(&net->filling);
	for (size_t i = 0; i < net->moved.n; i++) {
		struct flow *f = &net->flows.at[net->moved.at[i].at];
		const struct claim *c = &net->filling.claims.at[i];

		f->next_Bps = c->rate_Bps;
		f->held_by = c->held_by == NO_SHARE ? NO_WIRE : net->met.at[c->held_by].at;
	}
}

static double rate_of(const struct flownet *net, const struct flow *f)
{
	return is_moved(net, f) ? f->next_Bps : f->rate_Bps;
}

/* What the wire carries by the rates of now. It is the bottleneck of a flow where it is full and none is faster. */
static void sum_wire(const struct flownet *net, struct wire *w)
{
	double load = 0, fastest = 0;

	if (w->summed)
		return;
	for (size_t i = 0; i < w->flows.n; i++) {
		const double rate = rate_of(net, &net->flows.at[w->flows.at[i].flow]);

		load += rate;
		fastest = rate > fastest ? rate : fastest;
	}
	w->full = load >= w->capacity_Bps * (1 - same_to);
	w->fast_Bps = w->full ? fastest * (1 - same_to) : INFINITY;
	w->summed = true;
}

static bool is_held(const struct flownet *net, struct flow *f, size_t wire)
{
	struct wire *w = &net->wires.at[wire];

	sum_wire(net, w);
	if (rate_of(net, f) < w->fast_Bps)
		return false;
	f->held_by = wire;
	return true;
}

static bool is_fair(const struct flownet *net, struct flow *f)
{
	if (rate_of(net, f) >= f->cap_Bps || is_held(net, f, f->held_by))
		return true;
	for (size_t i = 0; i < f->path_n; i++)
		if (is_held(net, f, f->path[i].wire))
			return true;
	return false;
}

/* Faster flows on the wire that should be the bottleneck of one that has a new rate. */
static void move_faster(struct flownet *net, const struct flow *f)
{
	for (size_t i = 0; i < f->path_n; i++) {
		struct wire *w = &net->wires.at[f->path[i].wire];

		sum_wire(net, w);
		for (size_t k = 0; k < w->flows.n && w->full; k++)
			if (rate_of(net, &net->flows.at[w->flows.at[k].flow]) > f->next_Bps)
				move(net, w->flows.at[k].flow);
	}
}

/* Flows that the new rates of others leave without a bottleneck, and those that are in the way of one with a new rate.
 * True: there are some. */
static bool move_unfair(struct flownet *net)
{
	const size_t before = net->moved.n, wires = net->met.n;

	/* All are judged by the rates of the last fill, before any is moved. Those at their caps are fair, and so is a
	 * flow whose bottleneck has not been met. */
	net->unfair.n = 0;
	for (size_t i = 0; i < wires; i++) {
		const size_t wire = net->met.at[i].at;
		const struct wire *w = &net->wires.at[wire];

		for (size_t k = 0; k < w->flows.n; k++) {
			struct flow *f = &net->flows.at[w->flows.at[k].flow];

			if (f->held_by == wire && !is_fair(net, f))
				VEC_ADD(&net->unfair, w->flows.at[k].flow);
		}
	}
	for (size_t i = 0; i < net->unfair.n; i++) {
		const struct flow *f = &net->flows.at[net->unfair.at[i]];

		if (is_moved(net, f))
			move_faster(net, f);
	}
	for (size_t i = 0; i < net->unfair.n; i++)
		move(net, net->unfair.at[i]);
	return net->moved.n > before;
}

static void move_touched(struct flownet *net)
{
	net->round++;
	ranked_clear(&net->moved);
	ranked_clear(&net->met);
	for (size_t i = 0; i < net->live.n && net->live.n <= FEW_FLOWS; i++)
		move(net, net->live.at[i]);
	for (size_t i = 0; i < net->started.n; i++)
		move(net, net->started.at[i]);
	for (size_t i = 0; i < net->changed_wires.n; i++) {
		net->wires.at[net->changed_wires.at[i]].changed = false;
		meet(net, net->changed_wires.at[i]);
	}
	net->started.n = net->changed_wires.n = 0;
}

static void allocate(void *self, sim_ns now_ns)
{
	struct flownet *net = self;

	net->dirty = false;
	move_touched(net);
	do {
		if (net->moved.n < net->live.n)
			move_held(net);
		fill(net);
	} while (net->moved.n < net->live.n && move_unfair(net));
	for (size_t i = 0; i < net->moved.n; i++)
		set_rate(net, (uint32_t)net->moved.at[i].at, net->flows.at[net->moved.at[i].at].next_Bps,
			 now_ns);
	arm(net);
}

static void mark_dirty(struct flownet *net)
{
	if (net->dirty)
		return;
	net->dirty = true;
	engine_after(net->engine, 0, EV_SAMPLE, allocate, net);
}

static void mark_changed(struct flownet *net, size_t wire)
{
	if (!net->wires.at[wire].changed)
		VEC_ADD(&net->changed_wires, wire);
	net->wires.at[wire].changed = true;
}

/* ---- starts and ends ---- */

/* Takes the flow off wire i of its path; the wire's last flow takes its place there. */
static void leave_wire(struct flownet *net, const struct flow *f, size_t i)
{
	struct wire *w = &net->wires.at[f->path[i].wire];
	const struct crossing last = w->flows.at[--w->flows.n];

	w->flows.at[f->path[i].at] = last;
	net->flows.at[last.flow].path[last.hop].at = f->path[i].at;
	w->carried_B += f->bytes;
	mark_changed(net, f->path[i].wire);
}

static void end(struct flownet *net, uint32_t flow)
{
	const struct flow *f = &net->flows.at[flow];
	const uint32_t last = net->live.at[--net->live.n];

	for (size_t i = 0; i < f->path_n; i++)
		leave_wire(net, f, i);
	net->live.at[f->live_at] = last;
	net->flows.at[last].live_at = f->live_at;
	VEC_ADD(&net->ended, (struct ended){f->done, f->self});
	VEC_ADD(&net->idle, flow);
}

static void tick(void *self, sim_ns now_ns)
{
	struct flownet *net = self;

	if (!net->armed || net->tick_ns != now_ns) /* stale */
		return;
	net->armed = false;
	net->ended.n = 0;
	while (net->dues.n && net->flows.at[net->dues.at[0]].end_ns <= now_ns)
		end(net, dues_take(&net->dues));
	mark_dirty(net);
	for (size_t i = 0; i < net->ended.n; i++)
		net->ended.at[i].done(net->ended.at[i].self, now_ns); /* may send again */
}

static uint32_t new_flow(struct flownet *net, size_t path_n)
{
	struct flow *f;
	uint32_t flow;

	if (!net->idle.n) {
		BUG_ON(net->flows.n >= NOBODY);
		VEC_ADD(&net->idle, (uint32_t)net->flows.n);
		VEC_ADD(&net->flows, (struct flow){.path_n = 0});
	}
	flow = net->idle.at[--net->idle.n];
	f = &net->flows.at[flow];
	if (path_n > f->path_room) {
		f->path = xrealloc(f->path, path_n * sizeof *f->path);
		f->path_room = path_n;
	}
	return flow;
}

static void enter_wires(struct flownet *net, uint32_t flow, const size_t *path)
{
	struct flow *f = &net->flows.at[flow];

	for (size_t i = 0; i < f->path_n; i++) {
		struct wire *w;

		BUG_ON(path[i] >= net->wires.n);
		w = &net->wires.at[path[i]];
		f->path[i] = (struct hop){path[i], (uint32_t)w->flows.n};
		VEC_ADD(&w->flows, (struct crossing){flow, (uint32_t)i});
		mark_changed(net, path[i]);
	}
}

void flownet_send(struct flownet *net, const size_t *path, size_t n, double bytes, double cap_Bps,
		  void (*done)(void *self, sim_ns now_ns), void *self)
{
	uint32_t flow;
	struct flow *f;

	BUG_ON(!(bytes > 0) || isinf(bytes) || !(cap_Bps > 0) || (!n && isinf(cap_Bps)) || !done);
	flow = new_flow(net, n);
	f = &net->flows.at[flow];
	/* no end until allocate() gives it a rate, at this very instant */
	*f = (struct flow){.path = f->path,
			   .path_n = n,
			   .path_room = f->path_room,
			   .bytes = bytes,
			   .cap_Bps = cap_Bps,
			   .left_B = bytes,
			   .since_ns = engine_now(net->engine),
			   .end_ns = INT64_MAX,
			   .sent = net->sent++,
			   .live_at = (uint32_t)net->live.n,
			   .held_by = NO_WIRE,
			   .done = done,
			   .self = self};
	VEC_ADD(&net->live, flow);
	enter_wires(net, flow, path);
	VEC_ADD(&net->started, flow);
	dues_put(&net->dues, flow);
	mark_dirty(net);
}
