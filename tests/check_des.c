/* check_des.c - room des: the event list, the clock, the server and the flows; tasks are in check_task.c. */
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/rng.h"
#include "sim/des/engine.h"
#include "sim/des/flow.h"
#include "sim/des/server.h"
#include "sim/stats/ci.h"

static void nothing(void *self, sim_ns now_ns)
{
	(void)self;
	(void)now_ns;
}

static size_t draw(struct rng *r, size_t n) /* 0 .. n - 1 */
{
	return (size_t)(rng_uniform(r) * (double)n) % n;
}

/* ---- evq ---- */

START_TEST(evq_order_pinned)
{
	/* put in this order; want[] says in which they fire */
	static const struct {
		sim_ns at_ns;
		enum ev_class class;
	} put[] = {
		{5, EV_ARRIVE}, {5, EV_FINISH}, {5, EV_ARRIVE}, {0, EV_STOP},         {5, EV_START},
		{5, EV_FINISH}, {0, EV_STOP},   {3, EV_SAMPLE}, {INT64_MAX, EV_STOP}, {INT64_MAX, EV_FINISH},
	};
	static const uint64_t want[] = {3, 6, 7, 1, 5, 0, 2, 4, 9, 8};
	struct evq *q = evq_new();
	struct event ev;
	sim_ns next_ns = -1;

	ck_assert(!evq_take(q, &ev) && !evq_next(q, &next_ns));
	for (uint64_t i = 0; i < ARRAY_LEN(put); i++)
		ck_assert_uint_eq(evq_put(q, &(struct event){.at_ns = put[i].at_ns,
							     .class = put[i].class,
							     .fire = nothing,
							     .self = &next_ns}),
				  i);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		ck_assert_uint_eq(evq_pending(q), ARRAY_LEN(want) - i);
		ck_assert(evq_next(q, &next_ns) && evq_take(q, &ev));
		ck_assert_uint_eq(ev.seq, want[i]);
		ck_assert_int_eq(ev.at_ns, put[want[i]].at_ns);
		ck_assert_int_eq(ev.class, put[want[i]].class);
		ck_assert_int_eq(next_ns, ev.at_ns);
		ck_assert(ev.fire == nothing && ev.self == &next_ns);
	}
	ck_assert(!evq_take(q, &ev) && !evq_next(q, &next_ns));
	evq_free(q);
	evq_free(NULL);
}
END_TEST

static bool fires_before(const struct event *a, const struct event *b)
{
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns;
	return a->class != b->class ? a->class < b->class : a->seq < b->seq;
}

/* Puts and takes in random turns, few distinct times; beside it a plain list searched from end to end. */
START_TEST(evq_against_a_list)
{
	enum { STEPS = 20000, MOST = 700 };
	static struct event list[MOST];
	struct rng *r = rng_new((uint64_t)_i, "evq");
	struct evq *q = evq_new();
	size_t n = 0;

	for (int step = 0; step < STEPS || n; step++) {
		const double fullness = step < STEPS ? 0.5 + 0.4 * sin(step / 1500.0) : 0;

		ck_assert_uint_eq(evq_pending(q), n);
		if (n < MOST && rng_uniform(r) < fullness) {
			struct event ev = {(sim_ns)draw(r, _i ? 20 : 1000000000),
					   (enum ev_class)draw(r, EV_CLASS_N), 0, nothing,
					   &list[draw(r, 50)]};

			ev.seq = evq_put(q, &ev);
			list[n++] = ev;
		} else if (n) {
			struct event got;
			size_t first = 0;
			sim_ns next_ns;

			for (size_t i = 1; i < n; i++)
				if (fires_before(&list[i], &list[first]))
					first = i;
			ck_assert(evq_next(q, &next_ns) && evq_take(q, &got));
			ck_assert(next_ns == got.at_ns && got.at_ns == list[first].at_ns);
			ck_assert(got.class == list[first].class && got.seq == list[first].seq);
			ck_assert(got.self == list[first].self);
			list[first] = list[--n];
		}
	}
	evq_free(q);
	rng_free(r);
}
END_TEST

START_TEST(evq_large_none_lost)
{
	enum { N = 200000 };
	struct rng *r = rng_new(1, "large");
	struct evq *q = evq_new();
	struct event ev, before = {.at_ns = -1};
	size_t n = 0;

	for (size_t i = 0; i < N; i++)
		evq_put(q, &(struct event){.at_ns = (sim_ns)draw(r, N / 4), .fire = nothing});
	while (evq_take(q, &ev)) {
		ck_assert(fires_before(&before, &ev));
		before = ev;
		n++;
	}
	ck_assert_uint_eq(n, N);
	evq_free(q);
	rng_free(r);
}
END_TEST

/* ---- engine ---- */

struct note { /* writes its letter when it fires */
	char **at;
	char letter;
};

static void write_letter(void *self, sim_ns now_ns)
{
	struct note *n = self;

	(void)now_ns;
	*(*n->at)++ = n->letter;
}

START_TEST(engine_classes_at_one_instant)
{
	static const char letters[] =
		"AbCdEfGhIj"; /* class i / 2 for letter i, put from the last to the first */
	char text[16] = "", *at = text;
	struct note notes[10];
	struct engine *e = engine_new();

	for (int i = 9; i >= 0; i--) {
		notes[i] = (struct note){&at, letters[i]};
		engine_at(e, 7, (enum ev_class)(i / 2), write_letter, &notes[i]);
	}
	engine_run(e);
	ck_assert_str_eq(text, "bAdCfEhGjI");
	ck_assert_int_eq(engine_now(e), 7);
	ck_assert_uint_eq(engine_fired(e), 10);
	engine_free(e);
	engine_free(NULL);
}
END_TEST

struct chain {
	struct engine *engine;
	int left;
};

static void again(void *self, sim_ns now_ns)
{
	struct chain *c = self;

	ck_assert_int_eq(now_ns, engine_now(c->engine));
	if (--c->left)
		engine_after(c->engine, 10, EV_FINISH, again, c);
}

START_TEST(engine_stops_where_told)
{
	struct engine *e = engine_new();
	struct chain c = {e, 10};

	engine_at(e, 10, EV_FINISH, again, &c);
	engine_run_until(e, 9);
	ck_assert_int_eq(engine_now(e), 9);
	ck_assert_int_eq(c.left, 10);
	engine_run_until(e, 30); /* the one at 30 included */
	ck_assert_int_eq(c.left, 7);
	engine_run_until(e, 30);
	ck_assert_int_eq(c.left, 7);
	engine_run_until(e, 35);
	ck_assert_int_eq(engine_now(e), 35);
	engine_run(e);
	ck_assert_int_eq(c.left, 0);
	ck_assert_int_eq(engine_now(e), 100);
	engine_run_until(e, 1000); /* nothing pending: the clock still goes there */
	ck_assert_int_eq(engine_now(e), 1000);
	engine_free(e);
}
END_TEST

static const struct {
	double s;
	sim_ns ns;
} instants[] = {
	{0, 0},
	{-0.0, 0},
	{1, 1000000000},
	{0.4e-9, 0},
	{0.5e-9, 1},
	{1.5e-9, 2},
	{2.5e-9, 3},
	{1e-3, 1000000},
	{1e-320, 0},
	{9e9, 9000000000000000000},
	{1.0 / 3, 333333333},
};

START_TEST(seconds_to_the_clock)
{
	ck_assert_int_eq(sim_ns_of_s(instants[_i].s), instants[_i].ns);
	ck_assert_int_eq(sim_ns_of_s(sim_s_of_ns(instants[_i].ns)), instants[_i].ns);
}
END_TEST

/* ---- server: M/M/1 and M/D/1 (Kleinrock, "Queueing Systems", vol. 1, sections 3.2 and 5.7) ---- */

enum { JOBS = 200000, WARM_UP = 10000, BATCHES = 20 };
#define SERVICE_S 1e-3

static const struct {
	double rho;
	bool constant; /* M/D/1 */
	const char *seed;
} queues[] = {{0.5, false, "a"}, {0.8, false, "b"}, {0.5, true, "c"}, {0.8, true, "d"}};

struct customer {
	struct crowd *crowd;
	sim_ns arrives_ns, service_ns, left_ns;
};

struct crowd {
	struct engine *engine;
	struct server *server;
	size_t arrived, left;
	struct customer *customers;
};

static void leave(void *self, sim_ns now_ns)
{
	struct customer *c = self;

	ck_assert_ptr_eq(c, &c->crowd->customers[c->crowd->left]); /* first come, first served */
	c->crowd->left++;
	c->left_ns = now_ns;
}

static void arrive(void *self, sim_ns now_ns)
{
	struct customer *c = self;
	struct crowd *crowd = c->crowd;

	(void)now_ns;
	server_submit(crowd->server, c->service_ns, leave, c);
	if (++crowd->arrived < JOBS)
		engine_at(crowd->engine, c[1].arrives_ns, EV_ARRIVE, arrive, c + 1);
}

static void invite(struct crowd *crowd, int kind)
{
	struct rng *gaps = rng_new(1, queues[kind].seed), *services = rng_new(2, queues[kind].seed);
	sim_ns at_ns = 0;

	crowd->customers = xcalloc(JOBS, sizeof *crowd->customers);
	for (size_t i = 0; i < JOBS; i++) {
		const double service_s =
			queues[kind].constant ? SERVICE_S : rng_exponential(services, SERVICE_S);

		at_ns += sim_ns_of_s(rng_exponential(gaps, SERVICE_S / queues[kind].rho));
		crowd->customers[i] = (struct customer){crowd, at_ns, sim_ns_of_s(service_s), 0};
	}
	rng_free(gaps);
	rng_free(services);
}

/* Each start by Lindley's recursion, apart from the engine: waits and idle time must agree to the nanosecond.
 */
static void check_waits(const struct crowd *crowd, double *waits_s, const struct server_books *books)
{
	sim_ns free_ns = 0, idle_ns = 0, waited_ns = 0;

	for (size_t i = 0; i < JOBS; i++) {
		const struct customer *c = &crowd->customers[i];
		const sim_ns start_ns = c->arrives_ns > free_ns ? c->arrives_ns : free_ns;

		idle_ns += start_ns - free_ns;
		waited_ns += start_ns - c->arrives_ns;
		free_ns = start_ns + c->service_ns;
		ck_assert_int_eq(c->left_ns, free_ns);
		waits_s[i] = sim_s_of_ns(start_ns - c->arrives_ns);
	}
	ck_assert_int_eq(books->busy_ns + idle_ns, engine_now(crowd->engine));
	ck_assert_double_eq(books->waited_s, sim_s_of_ns(waited_ns));
}

START_TEST(server_waits)
{
	const double rho = queues[_i].rho, mm1_s = rho / (1 - rho) * SERVICE_S;
	const double wq_s = queues[_i].constant ? mm1_s / 2 : mm1_s;
	const double lq = wq_s * rho / SERVICE_S; /* Little */
	double *waits_s = xmalloc(JOBS * sizeof *waits_s);
	struct crowd crowd = {.engine = engine_new()};
	struct server_books books;
	struct ci ci;

	crowd.server = server_new(crowd.engine);
	invite(&crowd, _i);
	engine_at(crowd.engine, crowd.customers[0].arrives_ns, EV_ARRIVE, arrive, &crowd.customers[0]);
	for (size_t i = JOBS / 10; i < JOBS; i += JOBS / 10) { /* the books close at any time */
		engine_run_until(crowd.engine, crowd.customers[i].arrives_ns);
		books = server_books(crowd.server);
		ck_assert_uint_eq(books.arrived, i + 1);
		ck_assert_uint_eq(books.served, crowd.left);
		ck_assert_uint_eq(books.arrived, books.served + books.queued + 1);
		ck_assert_int_le(books.busy_ns, engine_now(crowd.engine));
	}
	engine_run(crowd.engine);
	books = server_books(crowd.server);
	ck_assert_uint_eq(books.arrived, JOBS);
	ck_assert_uint_eq(books.served, JOBS);
	ck_assert_uint_eq(books.queued, 0);
	check_waits(&crowd, waits_s, &books);
	ci = ci_batch_means(waits_s + WARM_UP, JOBS - WARM_UP, BATCHES, 0.95);
	ck_assert_msg(fabs(ci.mean - wq_s) <= ci.half, "%g +- %g, not %g", ci.mean, ci.half, wq_s);
	ck_assert_double_lt(ci.half, 0.1 * wq_s); /* it says something */
	ck_assert_double_lt(fabs(books.waited_s / sim_s_of_ns(engine_now(crowd.engine)) - lq), 0.1 * lq);
	server_free(crowd.server);
	engine_free(crowd.engine);
	free(crowd.customers);
	free(waits_s);
}
END_TEST

struct resubmit {
	struct server *server;
	int left;
};

static void submit_again(void *self, sim_ns now_ns)
{
	struct resubmit *r = self;

	(void)now_ns;
	if (r->left--)
		server_submit(r->server, r->left % 2 ? 0 : 5, submit_again, r);
}

START_TEST(server_resubmits_and_zero_service)
{
	struct engine *e = engine_new();
	struct server *s = server_new(e);
	struct resubmit r = {s, 10};
	struct server_books books;

	server_submit(s, 5, submit_again, &r);
	server_submit(s, 7, NULL, NULL); /* already waiting: goes before what is submitted later */
	ck_assert_uint_eq(server_books(s).queued, 1);
	engine_run_until(e, 6);
	ck_assert_int_eq(server_books(s).busy_ns, 6);
	engine_run(e);
	books = server_books(s);
	ck_assert_uint_eq(books.served, 12);
	ck_assert_int_eq(engine_now(e), 5 + 7 + 5 * 5);
	ck_assert_int_eq(books.busy_ns, engine_now(e));
	server_free(s);
	server_free(NULL);
	engine_free(e);
}
END_TEST

/* ---- flow ---- */

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

	ck_assert_int_eq(p->end_ns, -1); /* once */
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
	parcels[N] = (struct parcel){.path = {1}, .path_n = 1, .bytes = 1e5, .cap_Bps = INFINITY};
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
	ck_assert_double_le(used, net->capacity[w] * (1 + 1e-12));
	return used >= net->capacity[w] * (1 - 1e-12) && rate >= most * (1 - 1e-12);
}

/* Max-min fair if and only if each flow is at its cap or has a bottleneck (Bertsekas & Gallager, 6.5.2). */
START_TEST(flow_max_min_is_optimal)
{
	struct network net;
	double rates[MANY_FLOWS];

	draw_network(&net, (uint64_t)_i);
	flow_max_min(net.capacity, net.wires_n, net.paths, net.path_n, net.caps, net.flows_n, rates);
	for (size_t f = 0; f < net.flows_n; f++) {
		bool held = rates[f] == net.caps[f];

		ck_assert(rates[f] > 0 && rates[f] <= net.caps[f]);
		for (size_t i = 0; i < net.path_n[f]; i++)
			held |= is_bottleneck(&net, rates, net.paths[f][i], rates[f]);
		ck_assert_msg(held, "flow %zu could go faster than %g", f, rates[f]);
	}
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

START_TEST(flow_against_fluid)
{
	struct network net;
	struct parcels all = {.engine = engine_new()};
	struct parcel parcels[MANY_FLOWS];
	double starts_s[MANY_FLOWS], sizes[MANY_FLOWS], ends_s[MANY_FLOWS], sent[MANY_WIRES] = {0};
	struct rng *r = rng_new((uint64_t)_i, "sizes");

	draw_network(&net, (uint64_t)_i);
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
	ck_assert_uint_eq(all.ended, net.flows_n);
	fluid_ends(&net, starts_s, sizes, ends_s);
	for (size_t f = 0; f < net.flows_n; f++) /* each end is rounded, which moves the others a little */
		ck_assert_double_le(fabs(sim_s_of_ns(parcels[f].end_ns) - ends_s[f]), 1e-9 * MANY_FLOWS);
	for (size_t w = 0; w < net.wires_n; w++)
		ck_assert_double_eq(flownet_carried_B(all.net, w), sent[w]); /* whole bytes: exact */
	flownet_free(all.net);
	engine_free(all.engine);
	rng_free(r);
}
END_TEST

static TCase *flow_cases(void)
{
	TCase *tc = tcase_create("flow");

	tcase_add_loop_test(tc, flow_case, 0, ARRAY_LEN(nets));
	tcase_add_test(tc, flow_undisturbed);
	tcase_add_loop_test(tc, flow_max_min_is_optimal, 0, 300);
	tcase_add_loop_test(tc, flow_against_fluid, 0, 100);
	return tc;
}

Suite *suite_des(void)
{
	Suite *s = suite_create("des");
	TCase *tc = tcase_create("events");

	tcase_add_test(tc, evq_order_pinned);
	tcase_add_loop_test(tc, evq_against_a_list, 0, 4);
	tcase_add_test(tc, evq_large_none_lost);
	tcase_add_test(tc, engine_classes_at_one_instant);
	tcase_add_test(tc, engine_stops_where_told);
	tcase_add_loop_test(tc, seconds_to_the_clock, 0, ARRAY_LEN(instants));
	tcase_add_loop_test(tc, server_waits, 0, ARRAY_LEN(queues));
	tcase_add_test(tc, server_resubmits_and_zero_service);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, flow_cases());
	return s;
}
