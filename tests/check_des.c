/* check_des.c - room des: the event list, the clock and the server; check_flow.c and check_task.c have the
 * rest. */
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/rng.h"
#include "sim/des/engine.h"
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

		MUST(evq_pending(q) == n);
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
			MUST(evq_next(q, &next_ns) && evq_take(q, &got));
			MUST(next_ns == got.at_ns && got.at_ns == list[first].at_ns);
			MUST(got.class == list[first].class && got.seq == list[first].seq);
			MUST(got.self == list[first].self);
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
		MUST(fires_before(&before, &ev));
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

	MUST(c == &c->crowd->customers[c->crowd->left]); /* first come, first served */
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
		MUST(c->left_ns == free_ns);
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

Suite *suite_des(void)
{
	Suite *s = suite_create("des");
	TCase *tc = tcase_create("des");

	tcase_add_test(tc, evq_order_pinned);
	tcase_add_loop_test(tc, evq_against_a_list, 0, 4);
	tcase_add_test(tc, evq_large_none_lost);
	tcase_add_test(tc, engine_classes_at_one_instant);
	tcase_add_test(tc, engine_stops_where_told);
	tcase_add_loop_test(tc, seconds_to_the_clock, 0, ARRAY_LEN(instants));
	tcase_add_loop_test(tc, server_waits, 0, ARRAY_LEN(queues));
	tcase_add_test(tc, server_resubmits_and_zero_service);
	suite_add_tcase(s, tc);
	return s;
}
