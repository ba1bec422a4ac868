/* check_flow.c - room des: flows over shared wires. */
#include "tests/suites.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/rng.h"
#include "sim/des/flow.h"

static size_t draw(struct rng *r, size_t n) /* 0 .. n - 1 */
{
	return (size_t)(rng_uniform(r) * (double)n) % n;
}

enum { WIRES = 4, SENDS = 6 };
#define G 1e9 /* one byte per nanosecond */

/* Each case: wires, then flows with the instant at which each must end. */
static const struct {
	const char *name;
	double capacity[WIRES];
	struct {
		sim_ns at_ns;
		size_t path_n, path[3];
		double bytes, cap_Bps;
		sim_ns end_ns;
	} sends[SENDS];
	double carried_B[WIRES];
} nets[] = {
	{"one alone", {G}, {{0, 1, {0}, 1000, INFINITY, 1000}}, {1000}},
	{"two halve a wire",
	 {G},
	 {{0, 1, {0}, 1000, INFINITY, 2000}, {0, 1, {0}, 1000, INFINITY, 2000}},
	 {2000}},
	/* halves until the short one ends at 2000; 2000 of 3000 bytes then go at full rate */
	{"a short and a long one",
	 {G},
	 {{0, 1, {0}, 1000, INFINITY, 2000}, {0, 1, {0}, 3000, INFINITY, 4000}},
	 {4000}},
	/* 1000 of 2000 bytes are through at 1000; halves until 2000; the last 500 at full rate */
	{"one starts midway",
	 {G},
	 {{0, 1, {0}, 2000, INFINITY, 2500}, {1000, 1, {0}, 500, INFINITY, 2000}},
	 {2500}},
	{"one ends as another starts",
	 {G},
	 {{0, 1, {0}, 1000, INFINITY, 1000}, {1000, 1, {0}, 1000, INFINITY, 2000}},
	 {2000}},
	/* the first would end at 2000 but for the second: its stale event and the third's start collide
	 * there. 500 alone, 250 of each by 1000, 1000 alone, 10 shared with 10, 240 alone */
	{"a start on a stale end",
	 {G},
	 {{0, 1, {0}, 2000, INFINITY, 2260},
	  {500, 1, {0}, 250, INFINITY, 1000},
	  {2000, 1, {0}, 10, INFINITY, 2020}},
	 {2260}},
	{"a cap leaves the rest to others",
	 {G},
	 {{0, 1, {0}, 1000, 0.25 * G, 4000}, {0, 1, {0}, 3000, INFINITY, 4000}},
	 {4000}},
	{"caps below the share",
	 {G},
	 {{0, 1, {0}, 100, 0.1 * G, 1000}, {0, 1, {0}, 100, 0.2 * G, 500}},
	 {200}},
	{"no wire, only a cap", {G}, {{5, 0, {0}, 1000, 0.5 * G, 2005}}, {0}},
	{"wires apart",
	 {G, 2 * G},
	 {{0, 1, {0}, 1000, INFINITY, 1000}, {0, 1, {1}, 1000, INFINITY, 500}},
	 {1000, 1000}},
	/* wire 0: 1 G for a and b, 1/2 each, the least of 1/2, 2/3 and 1.2/2; wire 2 then: 1.2 G for d and e,
	 * 0.6 each (wire 1 would give c and d (2 - 0.5)/2 = 0.75); wire 1 leaves c 2 - 0.5 - 0.6 = 0.9 */
	{"three wires by hand",
	 {G, 2 * G, 1.2 * G},
	 {{0, 2, {0, 1}, 500, INFINITY, 1000},
	  {0, 1, {0}, 500, INFINITY, 1000},
	  {0, 1, {1}, 900, INFINITY, 1000},
	  {0, 2, {1, 2}, 600, INFINITY, 1000},
	  {0, 1, {2}, 600, INFINITY, 1000}},
	 {1000, 2000, 1200}},
	{"a wire crossed twice counts twice", {G}, {{0, 2, {0, 0}, 1000, INFINITY, 2000}}, {2000}},
	{"less than a nanosecond",
	 {G},
	 {{7, 1, {0}, 1e-9, INFINITY, 7}, {7, 1, {0}, 0.2, INFINITY, 7}, {7, 1, {0}, 10, INFINITY, 17}},
	 {10.2 + 1e-9}},
};

struct parcel {
	struct parcels *all;
	sim_ns at_ns, end_ns;
	size_t path[3], path_n;
	double bytes, cap_Bps;
};

struct parcels {
	struct engine *engine;
	struct flownet *net;
	size_t ended;
};

static void parcel_ends(void *self, sim_ns now_ns)
{
	struct parcel *p = self;

	MUST(p->end_ns == -1); /* once */
	p->end_ns = now_ns;
	p->all->ended++;
}

static void parcel_starts(void *self, sim_ns now_ns)
{
	struct parcel *p = self;

	(void)now_ns;
	flownet_send(p->all->net, p->path, p->path_n, p->bytes, p->cap_Bps, parcel_ends, p);
}

static void post(struct parcels *all, struct parcel *p)
{
	p->all = all;
	p->end_ns = -1;
	engine_at(all->engine, p->at_ns, EV_START, parcel_starts, p);
}

START_TEST(flow_case)
{
	struct parcels all = {.engine = engine_new()};
	struct parcel parcels[SENDS] = {{0}};
	size_t n = 0;

	all.net = flownet_new(all.engine);
	for (size_t w = 0; w < WIRES && nets[_i].capacity[w] > 0; w++)
		ck_assert_uint_eq(flownet_wire(all.net, nets[_i].capacity[w]), w);
	for (; n < SENDS && nets[_i].sends[n].bytes > 0; n++) {
		parcels[n] = (struct parcel){.at_ns = nets[_i].sends[n].at_ns,
					     .path_n = nets[_i].sends[n].path_n,
					     .bytes = nets[_i].sends[n].bytes,
					     .cap_Bps = nets[_i].sends[n].cap_Bps};
		memcpy(parcels[n].path, nets[_i].sends[n].path, sizeof parcels[n].path);
		post(&all, &parcels[n]);
	}
	engine_run(all.engine);
	ck_assert_uint_eq(all.ended, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(parcels[i].end_ns == nets[_i].sends[i].end_ns, "%s: flow %zu ended at %lld",
			      nets[_i].name, i, (long long)parcels[i].end_ns);
	for (size_t w = 0; w < WIRES && nets[_i].capacity[w] > 0; w++)
		ck_assert_double_le(fabs(flownet_carried_B(all.net, w) - nets[_i].carried_B[w]), 1e-12);
	flownet_free(all.net);
	flownet_free(NULL);
	engine_free(all.engine);
}
END_TEST

/* A flow on its own wire keeps its nanosecond through ten thousand changes elsewhere. */
START_TEST(flow_undisturbed)
{
	enum { N = 5000 };
	static struct parcel parcels[N + 1];
	struct parcels all = {.engine = engine_new()};

	all.net = flownet_new(all.engine);
	flownet_wire(all.net, G / 3);
	flownet_wire(all.net, G / 7);
	for (int i = 0; i < N; i++) {
		parcels[i] = (struct parcel){
			.at_ns = 100 * i, .path = {0}, .path_n = 1, .bytes = 10, .cap_Bps = G / 11};
		post(&all, &parcels[i]);
	}
	parcels[N] =
		(struct parcel){.path = {1}, .path_n = 1, .bytes = 700000.4999999 / 7, .cap_Bps = INFINITY};
	post(&all, &parcels[N]);
	engine_run(all.engine);
	ck_assert_uint_eq(all.ended, N + 1);
	ck_assert_int_eq(parcels[N].end_ns, 700000);
	flownet_free(all.net);
	engine_free(all.engine);
}
END_TEST

enum { MANY_WIRES = 6, MANY_FLOWS = 24 };

struct network {
	double capacity[MANY_WIRES];
	size_t paths_at[MANY_FLOWS][3], path_n[MANY_FLOWS];
	const size_t *paths[MANY_FLOWS];
	double caps[MANY_FLOWS];
	size_t wires_n, flows_n;
};

static void draw_network(struct network *net, uint64_t seed)
{
	struct rng *r = rng_new(seed, "network");

	net->wires_n = 1 + draw(r, MANY_WIRES);
	net->flows_n = 1 + draw(r, MANY_FLOWS);
	for (size_t w = 0; w < net->wires_n; w++)
		net->capacity[w] = draw(r, 2) ? G : G * (0.1 + 5 * rng_uniform(r));
	for (size_t f = 0; f < net->flows_n; f++) {
		const size_t first = draw(r, net->wires_n), step = 1 + draw(r, 2);

		net->path_n[f] = 0;
		for (size_t i = 0; i < 3 && first + i * step < net->wires_n; i++)
			if (!i || draw(r, 3))
				net->paths_at[f][net->path_n[f]++] = first + i * step;
		net->paths[f] = net->paths_at[f];
		net->caps[f] = draw(r, 3) ? INFINITY : G * (0.01 + rng_uniform(r));
	}
	rng_free(r);
}

static bool on_wire(const struct network *net, size_t f, size_t w)
{
	for (size_t i = 0; i < net->path_n[f]; i++)
		if (net->paths[f][i] == w)
			return true;
	return false;
}

/* Full, and nobody on it goes faster than rate. */
static bool is_bottleneck(const struct network *net, const double *rates, size_t w, double rate)
{
	double used = 0, most = 0;

	for (size_t f = 0; f < net->flows_n; f++) {
		if (on_wire(net, f, w)) {
			used += rates[f];
			most = fmax(most, rates[f]);
		}
	}
	MUST(used <= net->capacity[w] * (1 + 1e-12));
	return used >= net->capacity[w] * (1 - 1e-12) && rate >= most * (1 - 1e-12);
}

/* Max-min fair if and only if each flow is at its cap or has a bottleneck (Bertsekas & Gallager, 6.5.2). */
static void check_max_min(uint64_t seed)
{
	struct network net;
	double rates[MANY_FLOWS];

	draw_network(&net, seed);
	flow_max_min(net.capacity, net.wires_n, net.paths, net.path_n, net.caps, net.flows_n, rates);
	for (size_t f = 0; f < net.flows_n; f++) {
		bool held = rates[f] == net.caps[f];

		MUST(rates[f] > 0 && rates[f] <= net.caps[f]);
		for (size_t i = 0; i < net.path_n[f]; i++)
			held |= is_bottleneck(&net, rates, net.paths[f][i], rates[f]);
		if (!held)
			ck_abort_msg("seed %d: flow %zu could go faster than %g", (int)seed, f, rates[f]);
	}
}

START_TEST(flow_max_min_is_optimal)
{
	for (uint64_t seed = 0; seed < 2000; seed++)
		check_max_min(seed);
}
END_TEST

/* The same flows in plain doubles, one change after another; sizes[] is used up. */
static void fluid_ends(const struct network *net, const double *starts_s, double *sizes, double *ends_s)
{
	double now_s = 0;
	size_t left = net->flows_n;

	for (size_t f = 0; f < net->flows_n; f++)
		ends_s[f] = -1;
	while (left) {
		const size_t *paths[MANY_FLOWS];
		size_t path_n[MANY_FLOWS], flows[MANY_FLOWS], n = 0, first = MANY_FLOWS;
		double caps[MANY_FLOWS], rates[MANY_FLOWS], next_s = INFINITY;

		for (size_t f = 0; f < net->flows_n; f++) {
			if (ends_s[f] >= 0)
				continue;
			if (starts_s[f] > now_s) {
				next_s = fmin(next_s, starts_s[f]);
				continue;
			}
			paths[n] = net->paths[f];
			path_n[n] = net->path_n[f];
			caps[n] = net->caps[f];
			flows[n++] = f;
		}
		flow_max_min(net->capacity, net->wires_n, paths, path_n, caps, n, rates);
		for (size_t i = 0; i < n; i++) {
			if (now_s + sizes[flows[i]] / rates[i] < next_s) {
				next_s = now_s + sizes[flows[i]] / rates[i];
				first = flows[i];
			}
		}
		for (size_t i = 0; i < n; i++)
			sizes[flows[i]] -= rates[i] * (next_s - now_s);
		now_s = next_s;
		if (first < MANY_FLOWS) {
			ends_s[first] = now_s;
			left--;
		}
	}
}

static void check_against_fluid(uint64_t seed)
{
	struct network net;
	struct parcels all = {.engine = engine_new()};
	struct parcel parcels[MANY_FLOWS];
	double starts_s[MANY_FLOWS], sizes[MANY_FLOWS], ends_s[MANY_FLOWS], sent[MANY_WIRES] = {0};
	struct rng *r = rng_new(seed, "sizes");

	draw_network(&net, seed);
	all.net = flownet_new(all.engine);
	for (size_t w = 0; w < net.wires_n; w++)
		flownet_wire(all.net, net.capacity[w]);
	for (size_t f = 0; f < net.flows_n; f++) {
		sizes[f] = 1 + (double)draw(r, 100) * 1e4;
		parcels[f] = (struct parcel){.at_ns = 100000 * (sim_ns)draw(r, 20),
					     .path_n = net.path_n[f],
					     .bytes = sizes[f],
					     .cap_Bps = net.caps[f]};
		memcpy(parcels[f].path, net.paths[f], net.path_n[f] * sizeof *net.paths[f]);
		for (size_t i = 0; i < net.path_n[f]; i++)
			sent[net.paths[f][i]] += sizes[f];
		starts_s[f] = sim_s_of_ns(parcels[f].at_ns);
		post(&all, &parcels[f]);
	}
	engine_run(all.engine);
	MUST(all.ended == net.flows_n);
	fluid_ends(&net, starts_s, sizes, ends_s);
	for (size_t f = 0; f < net.flows_n; f++) /* each end is rounded, which moves the others a little */
		MUST(fabs(sim_s_of_ns(parcels[f].end_ns) - ends_s[f]) <= 1e-9 * MANY_FLOWS);
	for (size_t w = 0; w < net.wires_n; w++)
		MUST(flownet_carried_B(all.net, w) == sent[w]); /* whole bytes: exact */
	flownet_free(all.net);
	engine_free(all.engine);
	rng_free(r);
}

START_TEST(flow_against_fluid)
{
	for (uint64_t seed = 0; seed < 300; seed++)
		check_against_fluid(seed);
}
END_TEST

/* ---- many flows at once: those that a change does not touch keep their rates ---- */

enum { CROWD = 150, CROWD_WIRES = 60, CROWD_SENDS = 600, CROWD_LOOKS = 60 };

struct crowd {
	struct engine *engine;
	struct flownet *net;
	struct rng *rng;
	double capacity[CROWD_WIRES];
	size_t wires_n, left, compared, most;
	struct crowd_flow {
		struct crowd *all;
		size_t path[3], path_n;
		double cap_Bps;
	} flows[CROWD];
};

/* A third of the flows have caps, and some cross no wire but their own cap. */
static void crowd_sends(void *self, sim_ns now_ns)
{
	struct crowd_flow *f = self;
	struct crowd *all = f->all;
	struct rng *r = all->rng;

	(void)now_ns;
	if (!all->left)
		return;
	all->left--;
	f->cap_Bps = draw(r, 3) ? INFINITY : 1e7 * (double)(1 + draw(r, 9));
	f->path_n = isinf(f->cap_Bps) ? 1 + draw(r, 3) : draw(r, 4);
	for (size_t i = 0; i < f->path_n; i++)
		f->path[i] = draw(r, all->wires_n);
	flownet_send(all->net, f->path, f->path_n, 1e5 * (double)(1 + draw(r, 40)), f->cap_Bps, crowd_sends,
		     f);
}

/* After every start, end and allocation of this instant: the rates are those of an allocation of all flows. */
static void crowd_is_fair(void *self, sim_ns now_ns)
{
	struct crowd *all = self;
	const size_t n = flownet_under_way(all->net);
	const size_t *paths[CROWD];
	size_t path_n[CROWD];
	double caps[CROWD], rates[CROWD], there[CROWD];

	(void)now_ns;
	for (size_t i = 0; i < n; i++) {
		void *flow;
		const struct crowd_flow *f;

		there[i] = flownet_rate_Bps(all->net, i, &flow);
		f = flow;
		paths[i] = f->path;
		path_n[i] = f->path_n;
		caps[i] = f->cap_Bps;
	}
	if (n)
		flow_max_min(all->capacity, all->wires_n, paths, path_n, caps, n, rates);
	for (size_t i = 0; i < n; i++)
		MUST(fabs(there[i] - rates[i]) <= 1e-12 * rates[i]);
	all->compared += n;
	all->most = n > all->most ? n : all->most;
}

/* By seed the wires are few (everything is one component) or many. */
START_TEST(many_flows_are_allocated_as_all_at_once)
{
	struct crowd all = {
		.engine = engine_new(), .rng = rng_new((uint64_t)_i, "crowd"), .left = CROWD_SENDS};

	all.wires_n = _i % 2 ? CROWD_WIRES : 8;
	all.net = flownet_new(all.engine);
	for (size_t w = 0; w < all.wires_n; w++) {
		all.capacity[w] = 1e8 * (1 + (double)draw(all.rng, 7));
		flownet_wire(all.net, all.capacity[w]);
	}
	for (size_t i = 0; i < CROWD; i++) {
		all.flows[i].all = &all;
		engine_at(all.engine, (sim_ns)draw(all.rng, 1000), EV_START, crowd_sends, &all.flows[i]);
	}
	for (size_t i = 0; i < CROWD_LOOKS; i++)
		engine_at(all.engine, 1000 + 2000000 * (sim_ns)i, EV_STOP, crowd_is_fair, &all);
	engine_run(all.engine);
	ck_assert_uint_eq(flownet_under_way(all.net), 0);
	ck_assert_uint_eq(all.most, CROWD);
	ck_assert_uint_ge(all.compared, 10 * CROWD);
	flownet_free(all.net);
	engine_free(all.engine);
	rng_free(all.rng);
}
END_TEST

Suite *suite_flow(void)
{
	Suite *s = suite_create("flow");
	TCase *tc = tcase_create("flow");

	tcase_add_loop_test(tc, flow_case, 0, ARRAY_LEN(nets));
	tcase_add_test(tc, flow_undisturbed);
	tcase_add_test(tc, flow_max_min_is_optimal);
	tcase_add_test(tc, flow_against_fluid);
	tcase_add_loop_test(tc, many_flows_are_allocated_as_all_at_once, 0, 16);
	suite_add_tcase(s, tc);
	return s;
}
