/*
 * flow.c - see flow.h.
 *
 * A flow ends when the clock reaches the end computed for it, not when its bytes reach zero: what is left of
 * a double after many changes of rate decides nothing, so no flow hangs on its last 1e-9 byte. The end is
 * computed anew only when the flow's rate changes, so flows elsewhere are not disturbed. All that changes at
 * one instant is followed by one new allocation at that instant (class EV_SAMPLE: after every end and start).
 *
 * Few flows are all allocated anew. Of many, only those on wires where a flow has started or ended are, with the rates of
 * the others held fixed; then whatever is no longer max-min fair joins them, until nothing is left that is not. An
 * allocation is max-min fair if and only if every flow is at its cap or has a bottleneck: a full wire on which no flow is
 * faster (Bertsekas & Gallager, section 6.5.2). There is one such allocation, so it is that of all flows at once.
 */
#include "sim/des/flow.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/heap.h"
#include "sim/base/mem.h"
#include "sim/base/vec.h"
#include "sim/des/max_min.h"

enum { FEW_FLOWS = 32 };
#define NOBODY UINT32_MAX

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

struct ranked { /* a flow by when it was sent, a wire by its index */
	uint64_t rank;
	size_t at;
};

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
	VEC(uint32_t) started;     /* since then, over no wire */
	struct dues dues;
	uint64_t sent, round;
	/* scratch of allocate() */
	VEC(struct ranked) moved, met;   /* flows that get a rate; wires that they cross */
	size_t moved_sorted, met_sorted; /* so many of the first are in order */
	VEC(struct ranked) merged;
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
		VEC_ADD(&m.claims, (struct claim){paths[f], path_n[f], caps[f], -1});
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
	VEC_FREE(&net->moved);
	VEC_FREE(&net->merged);
	VEC_FREE(&net->unfair);
	VEC_FREE(&net->met);
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

static void move(struct flownet *net, uint32_t flow)
{
	struct flow *f = &net->flows.at[flow];

	if (is_moved(net, f))
		return;
	f->round = net->round;
	VEC_ADD(&net->moved, (struct ranked){f->sent, flow});
	for (size_t i = 0; i < f->path_n; i++) {
		struct wire *w = &net->wires.at[f->path[i].wire];

		if (w->round != net->round)
			VEC_ADD(&net->met, (struct ranked){f->path[i].wire, f->path[i].wire});
		w->round = net->round;
		w->spared = false;
	}
}

/* Shellsort with Ciura's gaps (2001): they are few. */
static void sort_ranked(struct ranked *at, size_t n)
{
	static const size_t gaps[] = {1, 4, 10, 23, 57, 132, 301, 701, 1577, 3548, 7983, 17961, 40412, 90927};
	size_t g = ARRAY_LEN(gaps);

	while (g && gaps[g - 1] >= n)
		g--;
	while (g-- > 0)
		for (size_t gap = gaps[g], i = gap; i < n; i++) {
			const struct ranked x = at[i];
			size_t to = i;

			for (; to >= gap && x.rank < at[to - gap].rank; to -= gap)
				at[to] = at[to - gap];
			at[to] = x;
		}
}

/* The first are in order, those behind them have come since. */
static void sort_new(struct flownet *net, struct ranked *at, size_t sorted, size_t n)
{
	const size_t new = n - sorted;

	if (!new)
		return;
	sort_ranked(at + sorted, new);
	if (!sorted)
		return;
	VEC_RESERVE(&net->merged, new);
	memcpy(net->merged.at, at + sorted, new * sizeof *at);
	for (size_t from = sorted, left = new, to = n; left;)
		at[--to] = from && at[from - 1].rank > net->merged.at[left - 1].rank ? at[--from]
										     : net->merged.at[--left];
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
	sort_new(net, net->moved.at, net->moved_sorted, net->moved.n);
	sort_new(net, net->met.at, net->met_sorted, net->met.n);
	net->moved_sorted = net->moved.n;
	net->met_sorted = net->met.n;
	net->filling.shares.n = net->filling.claims.n = net->hops.n = 0;
	for (size_t i = 0; i < net->met.n; i++) {
		struct wire *w = &net->wires.at[net->met.at[i].at];

		w->share = i;
		w->summed = false;
		VEC_ADD(&net->filling.shares, (struct share){.spare_Bps = spare_of(net, w)});
	}
	for (size_t i = 0; i < net->moved.n; i++)
		hops += net->flows.at[net->moved.at[i].at].path_n;
	VEC_RESERVE(&net->hops, hops);
	for (size_t i = 0; i < net->moved.n; i++) {
		const struct flow *f = &net->flows.at[net->moved.at[i].at];

		VEC_ADD(&net->filling.claims, (struct claim){f->path_n ? net->hops.at + net->hops.n : NULL,
							     f->path_n, f->cap_Bps, -1});
		for (size_t k = 0; k < f->path_n; k++)
			VEC_ADD(&net->hops, net->wires.at[f->path[k].wire].share);
	}
	max_min_fill(&net->filling);
	for (size_t i = 0; i < net->moved.n; i++)
		net->flows.at[net->moved.at[i].at].next_Bps = net->filling.claims.at[i].rate_Bps;
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

static bool is_fair(const struct flownet *net, const struct flow *f)
{
	const double rate = rate_of(net, f);

	if (rate >= f->cap_Bps)
		return true;
	for (size_t i = 0; i < f->path_n; i++) {
		struct wire *w = &net->wires.at[f->path[i].wire];

		sum_wire(net, w);
		if (rate >= w->fast_Bps)
			return true;
	}
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

/* No wire before this one on the flow's path has been met, so that each flow is judged once. */
static bool is_met_first(const struct flownet *net, struct crossing c)
{
	const struct flow *f = &net->flows.at[c.flow];

	for (uint32_t i = 0; i < c.hop; i++)
		if (net->wires.at[f->path[i].wire].round == net->round)
			return false;
	return true;
}

/* Flows that the new rates of others leave without a bottleneck, and those that are in the way of one with a new rate.
 * True: there are some. */
static bool move_unfair(struct flownet *net)
{
	const size_t before = net->moved.n, wires = net->met.n;

	/* all are judged by the rates of the last fill, before any is moved */
	net->unfair.n = 0;
	for (size_t i = 0; i < wires; i++) {
		const struct wire *w = &net->wires.at[net->met.at[i].at];

		for (size_t k = 0; k < w->flows.n; k++)
			if (is_met_first(net, w->flows.at[k]) &&
			    !is_fair(net, &net->flows.at[w->flows.at[k].flow]))
				VEC_ADD(&net->unfair, w->flows.at[k].flow);
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
	net->moved.n = net->met.n = net->moved_sorted = net->met_sorted = 0;
	for (size_t i = 0; i < net->live.n && net->live.n <= FEW_FLOWS; i++)
		move(net, net->live.at[i]);
	for (size_t i = 0; i < net->started.n; i++)
		move(net, net->started.at[i]);
	for (size_t i = 0; i < net->changed_wires.n; i++) {
		struct wire *w = &net->wires.at[net->changed_wires.at[i]];

		w->changed = false;
		for (size_t k = 0; k < w->flows.n; k++)
			move(net, w->flows.at[k].flow);
	}
	net->started.n = net->changed_wires.n = 0;
}

static void allocate(void *self, sim_ns now_ns)
{
	struct flownet *net = self;

	net->dirty = false;
	move_touched(net);
	do
		fill(net);
	while (net->moved.n < net->live.n && move_unfair(net));
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
			   .done = done,
			   .self = self};
	VEC_ADD(&net->live, flow);
	enter_wires(net, flow, path);
	if (!n)
		VEC_ADD(&net->started, flow);
	dues_put(&net->dues, flow);
	mark_dirty(net);
}
