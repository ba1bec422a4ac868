/*
 * flow.c - see flow.h.
 *
 * A flow ends when the clock reaches the end computed for it, not when its bytes reach zero: what is left of
 * a double after many changes of rate decides nothing, so no flow hangs on its last 1e-9 byte. The end is
 * computed anew only when the flow's rate changes, so flows elsewhere are not disturbed. All that changes at
 * one instant is followed by one new allocation at that instant (class EV_SAMPLE: after every end and start).
 */
#include "sim/des/flow.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/vec.h"

/* The state of a flow while rates are assigned. */
struct claim {
	const size_t *path;
	size_t path_n;
	double cap_Bps, rate_Bps; /* a negative rate: not assigned yet */
};

/* The state of a wire meanwhile: the rate that is not assigned yet, and the number of flows without one. */
struct share {
	double spare_Bps;
	size_t users;
};

struct path {
	size_t *wires;
	size_t n, room;
};

struct flow {
	struct path path;
	double bytes, cap_Bps;   /* as sent */
	double left_B, rate_Bps; /* at since_ns, and from then on */
	sim_ns since_ns, end_ns;
	void (*done)(void *self, sim_ns now_ns);
	void *self;
};

struct wire {
	double capacity_Bps, carried_B;
};

struct flownet {
	struct engine *engine;
	VEC(struct wire) wires;
	VEC(struct flow) flows;      /* under way, in the order they were sent */
	VEC(struct flow) ended;      /* scratch of tick() */
	VEC(struct path) idle_paths; /* buffers of ended flows, to be used again */
	VEC(struct claim) claims;    /* scratch of allocate(), as shares */
	VEC(struct share) shares;
	sim_ns tick_ns; /* when the next flow ends; only if armed */
	bool armed, dirty;
};

static size_t tightest_wire(const struct share *shares, size_t wires_n, double *level)
{
	size_t tightest = SIZE_MAX;

	*level = INFINITY;
	for (size_t w = 0; w < wires_n; w++) {
		const double each =
			shares[w].users ? shares[w].spare_Bps / (double)shares[w].users : INFINITY;

		if (each < *level) {
			*level = each;
			tightest = w;
		}
	}
	return tightest;
}

static double least_open_cap(const struct claim *claims, size_t n)
{
	double cap = INFINITY;

	for (size_t f = 0; f < n; f++)
		if (claims[f].rate_Bps < 0 && claims[f].cap_Bps < cap)
			cap = claims[f].cap_Bps;
	return cap;
}

static bool crosses(const struct claim *c, size_t wire)
{
	for (size_t i = 0; i < c->path_n; i++)
		if (c->path[i] == wire)
			return true;
	return false;
}

static void assign(struct claim *c, double rate_Bps, struct share *shares)
{
	c->rate_Bps = rate_Bps;
	for (size_t i = 0; i < c->path_n; i++) {
		shares[c->path[i]].spare_Bps -= rate_Bps;
		shares[c->path[i]].users--;
	}
}

/* Progressive filling: the rates of all open flows rise together until a flow meets its cap or a wire is
 * full; those flows are closed at that level, and the others rise on. */
static void fill(struct claim *claims, size_t n, struct share *shares, size_t wires_n)
{
	double level = 0;
	size_t open = n;

	for (size_t f = 0; f < n; f++) {
		claims[f].rate_Bps = -1;
		for (size_t i = 0; i < claims[f].path_n; i++)
			shares[claims[f].path[i]].users++;
	}
	while (open) {
		double each;
		const size_t wire = tightest_wire(shares, wires_n, &each);
		const double cap = least_open_cap(claims, n);
		const bool capped = cap <= each;

		level = fmax(level, capped ? cap : each); /* it never falls; by rounding it might */
		BUG_ON(isinf(level));
		for (size_t f = 0; f < n; f++) {
			struct claim *c = &claims[f];

			if (c->rate_Bps < 0 && (capped ? c->cap_Bps <= level : crosses(c, wire))) {
				assign(c, fmin(level, c->cap_Bps), shares);
				open--;
			}
		}
	}
}

void flow_max_min(const double *capacity, size_t wires_n, const size_t *const *paths, const size_t *path_n,
		  const double *caps, size_t flows_n, double *rates)
{
	struct share *shares = xcalloc(wires_n, sizeof *shares);
	struct claim *claims = xcalloc(flows_n, sizeof *claims);

	for (size_t w = 0; w < wires_n; w++)
		shares[w].spare_Bps = capacity[w];
	for (size_t f = 0; f < flows_n; f++)
		claims[f] = (struct claim){paths[f], path_n[f], caps[f], -1};
	fill(claims, flows_n, shares, wires_n);
	for (size_t f = 0; f < flows_n; f++)
		rates[f] = claims[f].rate_Bps;
	free(shares);
	free(claims);
}

struct flownet *flownet_new(struct engine *e)
{
	struct flownet *net = xcalloc(1, sizeof *net);

	net->engine = e;
	return net;
}

void flownet_free(struct flownet *net)
{
	if (!net)
		return;
	for (size_t f = 0; f < net->flows.n; f++)
		free(net->flows.at[f].path.wires);
	for (size_t i = 0; i < net->idle_paths.n; i++)
		free(net->idle_paths.at[i].wires);
	VEC_FREE(&net->wires);
	VEC_FREE(&net->flows);
	VEC_FREE(&net->ended);
	VEC_FREE(&net->idle_paths);
	VEC_FREE(&net->claims);
	VEC_FREE(&net->shares);
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

static void tick(void *self, sim_ns now_ns);

/* One event stands for the next end, whichever flow it is. One that a new allocation has made stale stays in
 * the event list; tick() knows it by its time. */
static void arm(struct flownet *net)
{
	sim_ns next_ns = INT64_MAX;

	for (size_t f = 0; f < net->flows.n; f++)
		if (net->flows.at[f].end_ns < next_ns)
			next_ns = net->flows.at[f].end_ns;
	if (!net->flows.n || (net->armed && net->tick_ns == next_ns))
		return;
	net->armed = true;
	net->tick_ns = next_ns;
	engine_at(net->engine, next_ns, EV_FINISH, tick, net);
}

static void set_rate(struct flow *f, double rate_Bps, sim_ns now_ns)
{
	sim_ns rest_ns;

	if (f->rate_Bps == rate_Bps)
		return;
	f->left_B = fmax(0, f->left_B - f->rate_Bps * sim_s_of_ns(now_ns - f->since_ns));
	f->rate_Bps = rate_Bps;
	f->since_ns = now_ns;
	rest_ns = sim_ns_of_s(f->left_B / rate_Bps);
	BUG_ON(rest_ns > INT64_MAX - now_ns);
	f->end_ns = now_ns + rest_ns;
}

static void allocate(void *self, sim_ns now_ns)
{
	struct flownet *net = self;

	net->dirty = false;
	net->shares.n = net->claims.n = 0;
	for (size_t w = 0; w < net->wires.n; w++)
		VEC_ADD(&net->shares, (struct share){.spare_Bps = net->wires.at[w].capacity_Bps});
	for (size_t i = 0; i < net->flows.n; i++) {
		const struct flow *f = &net->flows.at[i];

		VEC_ADD(&net->claims, (struct claim){f->path.wires, f->path.n, f->cap_Bps, -1});
	}
	fill(net->claims.at, net->claims.n, net->shares.at, net->shares.n);
	for (size_t i = 0; i < net->flows.n; i++)
		set_rate(&net->flows.at[i], net->claims.at[i].rate_Bps, now_ns);
	arm(net);
}

static void mark_dirty(struct flownet *net)
{
	if (net->dirty)
		return;
	net->dirty = true;
	engine_after(net->engine, 0, EV_SAMPLE, allocate, net);
}

/* Moves the flows that end now to net->ended; both lists stay in the order of sending. */
static void part(struct flownet *net, sim_ns now_ns)
{
	size_t kept = 0;

	net->ended.n = 0;
	for (size_t f = 0; f < net->flows.n; f++) {
		if (net->flows.at[f].end_ns <= now_ns)
			VEC_ADD(&net->ended, net->flows.at[f]);
		else
			net->flows.at[kept++] = net->flows.at[f];
	}
	net->flows.n = kept;
}

static void tick(void *self, sim_ns now_ns)
{
	struct flownet *net = self;

	if (!net->armed || net->tick_ns != now_ns) /* stale */
		return;
	net->armed = false;
	part(net, now_ns);
	mark_dirty(net);
	for (size_t i = 0; i < net->ended.n; i++) {
		const struct flow f = net->ended.at[i];

		for (size_t w = 0; w < f.path.n; w++)
			net->wires.at[f.path.wires[w]].carried_B += f.bytes;
		VEC_ADD(&net->idle_paths, f.path);
		f.done(f.self, now_ns); /* may send again */
	}
}

static struct path copy_path(struct flownet *net, const size_t *wires, size_t n)
{
	struct path path = {0};

	if (net->idle_paths.n)
		path = net->idle_paths.at[--net->idle_paths.n];
	if (n > path.room) {
		path.wires = xrealloc(path.wires, n * sizeof *wires);
		path.room = n;
	}
	for (size_t i = 0; i < n; i++) {
		BUG_ON(wires[i] >= net->wires.n);
		path.wires[i] = wires[i];
	}
	path.n = n;
	return path;
}

void flownet_send(struct flownet *net, const size_t *path, size_t n, double bytes, double cap_Bps,
		  void (*done)(void *self, sim_ns now_ns), void *self)
{
	BUG_ON(!(bytes > 0) || isinf(bytes) || !(cap_Bps > 0) || (!n && isinf(cap_Bps)) || !done);
	/* no end until allocate() gives it a rate, at this very instant */
	VEC_ADD(&net->flows, (struct flow){.path = copy_path(net, path, n),
					   .bytes = bytes,
					   .cap_Bps = cap_Bps,
					   .left_B = bytes,
					   .since_ns = engine_now(net->engine),
					   .end_ns = INT64_MAX,
					   .done = done,
					   .self = self});
	mark_dirty(net);
}
