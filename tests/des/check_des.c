/* check_des.c - room des: the event list and the clock; check_flow.c and check_task.c have the rest. */
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/rng.h"
#include "sim/des/engine.h"

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
	int self;

	ck_assert(!evq_take(q, &ev));
	for (uint64_t i = 0; i < ARRAY_LEN(put); i++)
		evq_put(q, put[i].at_ns, put[i].class, nothing, &self);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		ck_assert_uint_eq(evq_pending(q), ARRAY_LEN(want) - i);
		ck_assert(evq_take(q, &ev));
		ck_assert_uint_eq(ev.seq, want[i]);
		ck_assert_int_eq(ev.at_ns, put[want[i]].at_ns);
		ck_assert_int_eq(ev.class, put[want[i]].class);
		ck_assert(ev.fire == nothing && ev.self == &self);
	}
	ck_assert(!evq_take(q, &ev));
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
	uint64_t puts = 0;

	for (int step = 0; step < STEPS || n; step++) {
		const double fullness = step < STEPS ? 0.5 + 0.4 * sin(step / 1500.0) : 0;

		MUST(evq_pending(q) == n);
		if (n < MOST && rng_uniform(r) < fullness) {
			struct event ev = {(sim_ns)draw(r, _i ? 20 : 1000000000),
					   (enum ev_class)draw(r, EV_CLASS_N), 0, nothing,
					   &list[draw(r, 50)]};

			ev.seq = puts++;
			evq_put(q, ev.at_ns, ev.class, ev.fire, ev.self);
			list[n++] = ev;
		} else if (n) {
			struct event got;
			size_t first = 0;

			for (size_t i = 1; i < n; i++)
				if (fires_before(&list[i], &list[first]))
					first = i;
			MUST(evq_take(q, &got));
			MUST(got.at_ns == list[first].at_ns);
			MUST(got.class == list[first].class && got.seq == list[first].seq);
			MUST(got.self == list[first].self);
			list[first] = list[--n];
		}
	}
	evq_free(q);
	rng_free(r);
}
END_TEST

/* How far ahead events are put: evenly; in bursts at one time; near and, seldom, very far; at one time all; up to the clock's
 * end. */
static sim_ns ahead(struct rng *r, int kind)
{
	static const double far[] = {1e6, 0, 1e15, 0, 9e18};

	if (kind == 1)
		return (sim_ns)draw(r, 4) * 100000;
	if (kind == 2 && draw(r, 50))
		return (sim_ns)draw(r, 1000);
	return (sim_ns)(rng_uniform(r) * far[kind]);
}

/* As many pending as a heap does not hold alone, in waves; beside it the list of all that were put, sorted at the end: since
 * none is put before the time of the last one taken, they have to come in that order. */
static int by_order(const void *a, const void *b)
{
	return fires_before(a, b) ? -1 : fires_before(b, a);
}

START_TEST(evq_many_pending)
{
	enum { PUTS = 60000 };
	struct event *put = xcalloc(PUTS, sizeof *put), *taken = xcalloc(PUTS, sizeof *taken);
	struct rng *r = rng_new((uint64_t)_i, "many");
	struct evq *q = evq_new();
	size_t puts = 0, takes = 0;
	sim_ns now = 0;

	while (takes < PUTS) {
		const bool more =
			puts < PUTS && (puts - takes < 100 || draw(r, 100) < (puts / 15000 % 2 ? 30 : 90));
		struct event ev = {.class = (enum ev_class)draw(r, EV_CLASS_N), .fire = nothing};

		if (more) {
			const sim_ns later = ahead(r, _i);

			ev.at_ns = later > INT64_MAX - now ? INT64_MAX : now + later;
			ev.class = ev.at_ns == now ? EV_STOP
						   : ev.class; /* or it would be before what was taken */
			ev.self = &put[puts];
			ev.seq = puts;
			evq_put(q, ev.at_ns, ev.class, ev.fire, ev.self);
			put[puts++] = ev;
		} else {
			MUST(evq_take(q, &taken[takes]));
			now = taken[takes++].at_ns;
		}
		MUST(evq_pending(q) == puts - takes);
	}
	qsort(put, PUTS, sizeof *put, by_order);
	for (size_t i = 0; i < PUTS; i++)
		MUST(put[i].seq == taken[i].seq && put[i].at_ns == taken[i].at_ns &&
		     put[i].class == taken[i].class && put[i].self == taken[i].self);
	evq_free(q);
	rng_free(r);
	free(put);
	free(taken);
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
		evq_put(q, (sim_ns)draw(r, N / 4), EV_FINISH, nothing, NULL);
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

Suite *suite_des(void)
{
	Suite *s = suite_create("des");
	TCase *tc = tcase_create("des");

	tcase_add_test(tc, evq_order_pinned);
	tcase_add_loop_test(tc, evq_against_a_list, 0, 4);
	tcase_add_loop_test(tc, evq_many_pending, 0, 5);
	tcase_add_test(tc, evq_large_none_lost);
	tcase_add_test(tc, engine_classes_at_one_instant);
	tcase_add_loop_test(tc, seconds_to_the_clock, 0, ARRAY_LEN(instants));
	suite_add_tcase(s, tc);
	return s;
}
