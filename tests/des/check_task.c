/* check_task.c - room des: graphs of tasks on queues. */
#include "tests/suites.h"

#include <math.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/rng.h"
#include "sim/des/task.h"

enum { MOST = 4096, MOST_DEPS = 3 * MOST, MOST_QUEUES = 16 };

/* A graph under construction, in storage of its own. */
struct draft {
	struct task tasks[MOST];
	uint32_t deps[MOST_DEPS];
	enum task_order queues[MOST_QUEUES];
	double wires_Bps[2];
	size_t paths[2];
	struct task_graph g;
};

static struct draft draft; /* each test runs in a process of its own, or starts with blank() */

static void blank(size_t queues_n, size_t wires_n)
{
	memset(&draft, 0, sizeof draft);
	draft.g = (struct task_graph){.tasks = draft.tasks,
				      .deps = draft.deps,
				      .queues = draft.queues,
				      .wires_Bps = draft.wires_Bps,
				      .paths = draft.paths,
				      .paths_n = 2,
				      .queues_n = queues_n,
				      .wires_n = wires_n};
}

static void after(size_t dep) /* the task just added waits for dep, too */
{
	draft.deps[draft.g.deps_n++] = (uint32_t)dep;
	draft.tasks[draft.g.tasks_n - 1].deps_n++;
}

static size_t add(size_t queue, sim_ns duration_ns)
{
	draft.tasks[draft.g.tasks_n] = (struct task){
		.duration_ns = duration_ns, .queue = (uint32_t)queue, .first_dep = (uint32_t)draft.g.deps_n};
	return draft.g.tasks_n++;
}

/* Over wire 0. */
static size_t send(size_t queue, double bytes, double cap_Bps)
{
	const size_t i = add(queue, 0);

	draft.tasks[i].wires_n = 1;
	draft.tasks[i].bytes = bytes;
	draft.tasks[i].cap_Bps = cap_Bps;
	return i;
}

static void expect(const struct task_run *r, size_t i, sim_ns start_ns, sim_ns end_ns, uint32_t cause)
{
	ck_assert_msg(r->spans[i].start_ns == start_ns && r->spans[i].end_ns == end_ns &&
			      r->spans[i].cause == cause,
		      "task %zu: %lld .. %lld by %u", i, (long long)r->spans[i].start_ns,
		      (long long)r->spans[i].end_ns, (unsigned)r->spans[i].cause);
}

/* A task that may not start yet holds up those behind it on a queue in order; on one as ready others go first. */
START_TEST(task_not_before)
{
	struct arena a = ARENA_INIT;
	struct task_run r;

	blank(2, 0);
	draft.queues[1] = TASK_AS_READY;
	add(0, 10);
	add(0, 5);
	draft.tasks[1].earliest_ns = 30;
	add(0, 1);
	add(1, 7);
	after(0);
	draft.tasks[3].earliest_ns = 25;
	add(1, 4);
	after(0);
	add(1, 2); /* due before it is ready */
	after(1);
	draft.tasks[5].earliest_ns = 20;
	r = task_graph_run(&a, &draft.g);
	expect(&r, 1, 30, 35, 0);
	expect(&r, 2, 35, 36, 1);
	expect(&r, 4, 10, 14, 0);
	expect(&r, 3, 25, 32, 4);
	expect(&r, 5, 35, 37, 1);
	arena_release(&a);
}
END_TEST

START_TEST(task_none)
{
	struct arena a = ARENA_INIT;
	struct task_run r;
	uint32_t path[1];

	blank(0, 0);
	r = task_graph_run(&a, &draft.g);
	ck_assert_int_eq(r.makespan_ns, 0);
	ck_assert_uint_eq(task_critical_path(&draft.g, &r, path), 0);
	arena_release(&a);
}
END_TEST

START_TEST(task_chain_with_lag)
{
	struct arena a = ARENA_INIT;
	struct task_run r;
	uint32_t path[3];

	blank(2, 0);
	add(0, 10);
	draft.tasks[0].lag_ns = 5;
	add(1, 20);
	after(0);
	add(0, 30); /* no dependency: the queue is free at 10, the lag is not the queue's */
	draft.tasks[1].lag_ns = 100;
	r = task_graph_run(&a, &draft.g);
	expect(&r, 0, 0, 10, TASK_NONE);
	expect(&r, 1, 15, 35, 0);
	expect(&r, 2, 10, 40, 0);
	ck_assert_int_eq(r.makespan_ns, 135);
	ck_assert_int_eq(r.busy_ns[0], 40);
	ck_assert_int_eq(r.busy_ns[1], 20);
	ck_assert_uint_eq(task_critical_path(&draft.g, &r, path), 2);
	ck_assert_uint_eq(path[0], 1);
	ck_assert_uint_eq(path[1], 0);
	arena_release(&a);
}
END_TEST

START_TEST(task_fork_and_join)
{
	struct arena a = ARENA_INIT;
	struct task_run r;

	blank(3, 0);
	add(0, 10);
	for (size_t q = 1; q <= 2; q++) {
		add(q, 20);
		after(0);
	}
	add(0, 5);
	after(2); /* both end at 30: the lower is the cause, whatever the order of the list */
	after(1);
	r = task_graph_run(&a, &draft.g);
	expect(&r, 1, 10, 30, 0);
	expect(&r, 2, 10, 30, 0);
	expect(&r, 3, 30, 35, 1);
	ck_assert_int_eq(r.makespan_ns, 35);
	arena_release(&a);
}
END_TEST

/* Queue 0 has tasks 1 (waits for 0 until 100) and 2 (ready at once): in order, 2 waits behind 1. */
START_TEST(task_head_of_line)
{
	struct arena a = ARENA_INIT;
	struct task_run r;

	blank(2, 0);
	draft.queues[0] = _i ? TASK_AS_READY : TASK_IN_ORDER;
	add(1, 100);
	add(0, 10);
	after(0);
	add(0, 10);
	r = task_graph_run(&a, &draft.g);
	expect(&r, 1, 100, 110, 0);
	if (_i)
		expect(&r, 2, 0, 10, TASK_NONE);
	else
		expect(&r, 2, 110, 120, 1);
	arena_release(&a);
}
END_TEST

START_TEST(task_ready_order)
{
	struct arena a = ARENA_INIT;
	struct task_run r;

	blank(3, 0);
	draft.queues[0] = TASK_AS_READY;
	add(1, 20);  /* 0 */
	add(2, 10);  /* 1 */
	add(0, 15);  /* 2: first on the queue, until 15 */
	add(0, 100); /* 3: ready at 20 */
	after(0);
	add(0, 100); /* 4: ready at 10: before 3 */
	after(1);
	add(0, 100); /* 5: ready at 20, as 3 */
	after(0);
	add(0, 100); /* 6: ready at 10, as 4 */
	after(1);
	r = task_graph_run(&a, &draft.g);
	expect(&r, 2, 0, 15, TASK_NONE);
	expect(&r, 4, 15, 115, 2);
	expect(&r, 6, 115, 215, 4);
	expect(&r, 3, 215, 315, 6);
	expect(&r, 5, 315, 415, 3);
	ck_assert_int_eq(r.busy_ns[0], 415);
	arena_release(&a);
}
END_TEST

/* At 10 the queue gets free and tasks 4 and 3 become ready, 4 by the event that fires first. */
START_TEST(task_ready_at_one_instant)
{
	struct arena a = ARENA_INIT;
	struct task_run r;

	blank(3, 0);
	draft.queues[0] = TASK_AS_READY;
	add(0, 10); /* 0 */
	add(1, 10); /* 1 */
	add(2, 10); /* 2 */
	add(0, 10); /* 3 */
	after(2);
	add(0, 10); /* 4 */
	after(1);
	r = task_graph_run(&a, &draft.g);
	expect(&r, 3, 10, 20, 2); /* a dependency goes before the task before it on the queue */
	expect(&r, 4, 20, 30, 3);
	arena_release(&a);
}
END_TEST

START_TEST(task_of_no_time)
{
	struct arena a = ARENA_INIT;
	struct task_run r;
	uint32_t path[8];

	blank(2, 0);
	draft.queues[1] = TASK_AS_READY;
	for (size_t i = 0; i < 8; i++) {
		add(i % 2, i == 4 ? 7 : 0);
		if (i)
			after(i - 1);
	}
	r = task_graph_run(&a, &draft.g);
	expect(&r, 3, 0, 0, TASK_NONE);
	expect(&r, 4, 0, 7, TASK_NONE);
	expect(&r, 7, 7, 7, 6);
	ck_assert_int_eq(r.makespan_ns, 7);
	ck_assert_uint_eq(task_critical_path(&draft.g, &r, path), 1);
	ck_assert_uint_eq(path[0], 4);
	arena_release(&a);
}
END_TEST

START_TEST(task_flows_share_a_wire)
{
	struct arena a = ARENA_INIT;
	struct task_run r;

	blank(3, 1);
	draft.wires_Bps[0] = 1e9;
	send(0, 1000, INFINITY); /* halves with 1 until 1 ends at 1000, alone until 1500 */
	send(1, 500, INFINITY);
	draft.tasks[1].lag_ns = 600;
	add(2, 10);
	after(1);
	send(1, 100, 0.5e9);
	after(2);
	r = task_graph_run(&a, &draft.g);
	expect(&r, 0, 0, 1500, TASK_NONE);
	expect(&r, 1, 0, 1000, TASK_NONE);
	expect(&r, 2, 1600, 1610, 1);
	expect(&r, 3, 1610, 1810, 2);
	ck_assert_int_eq(r.makespan_ns, 1810);
	ck_assert_int_eq(r.busy_ns[1], 1200);
	ck_assert_double_eq(r.wire_B[0], 1600);
	arena_release(&a);
}
END_TEST

/* A flow's end, made stale by an earlier one, must not count as the end of the run. */
START_TEST(task_makespan_is_no_stale_event)
{
	struct arena a = ARENA_INIT;
	struct task_run r;

	blank(2, 1);
	draft.wires_Bps[0] = 1e9;
	send(0, 1000, INFINITY);
	send(1, 1, INFINITY);
	r = task_graph_run(&a, &draft.g);
	expect(&r, 0, 0, 1001, TASK_NONE);
	ck_assert_int_eq(r.makespan_ns, 1001);
	arena_release(&a);
}
END_TEST

/* GPipe (Huang et al., 2019): p equal stages, m micro-batches, forward then backward. The bubble, the idle
 * share of every stage, is (p - 1) / (m + p - 1) exactly. */
static const struct {
	size_t p, m;
	sim_ns forward_ns, backward_ns;
} pipes[] = {{1, 1, 10, 20}, {1, 5, 10, 20},     {2, 1, 10, 20}, {2, 8, 7, 13},
	     {4, 1, 10, 20}, {4, 4, 10, 20},     {4, 8, 10, 20}, {4, 32, 997, 2003},
	     {8, 8, 10, 10}, {8, 64, 123457, 0}, {16, 128, 1, 2}};

static void draft_gpipe(size_t p, size_t m, sim_ns forward_ns, sim_ns backward_ns)
{
	blank(p, 0);
	for (size_t k = 0; k < m; k++) {
		for (size_t s = 0; s < p; s++) {
			const size_t i = add(s, forward_ns);

			if (s)
				after(i - 1);
		}
	}
	for (size_t k = 0; k < m; k++) { /* the last micro-batch first; the last stage first */
		for (size_t s = 0; s < p; s++) {
			const size_t i = add(p - 1 - s, backward_ns);

			after((m - 1 - k) * p + p - 1 - s);
			if (s)
				after(i - 1);
		}
	}
}

START_TEST(task_gpipe)
{
	const size_t p = pipes[_i].p, m = pipes[_i].m;
	const sim_ns each_ns = pipes[_i].forward_ns + pipes[_i].backward_ns;
	struct arena a = ARENA_INIT;
	struct task_run r;
	uint32_t *path;
	sim_ns length_ns = 0;
	size_t n;

	draft_gpipe(p, m, pipes[_i].forward_ns, pipes[_i].backward_ns);
	r = task_graph_run(&a, &draft.g);
	ck_assert_int_eq(r.makespan_ns, (sim_ns)(m + p - 1) * each_ns);
	for (size_t s = 0; s < p; s++) {
		const sim_ns idle_ns = r.makespan_ns - r.busy_ns[s];

		ck_assert_int_eq(r.busy_ns[s], (sim_ns)m * each_ns);
		ck_assert_int_eq(idle_ns * (sim_ns)(m + p - 1), (sim_ns)(p - 1) * r.makespan_ns);
	}
	path = arena_array(&a, draft.g.tasks_n, sizeof *path);
	n = task_critical_path(&draft.g, &r, path);
	for (size_t i = 0; i < n; i++)
		length_ns += draft.tasks[path[i]].duration_ns;
	ck_assert_int_eq(length_ns, r.makespan_ns);
	arena_release(&a);
}
END_TEST

static size_t pick(struct rng *r, size_t n) /* 0 .. n - 1 */
{
	return (size_t)(rng_uniform(r) * (double)n) % n;
}

enum { WITH_LAG = 1, WITH_READY = 2, WITH_ZERO = 4, WITH_FLOWS = 8, VARIANTS = 16, SEEDS = 40 };

/* Short durations on purpose: many things happen at one instant. */
static void draft_random(uint64_t seed, int variant)
{
	struct rng *r = rng_new(seed, "dag");
	const size_t n = 1 + pick(r, 400), queues_n = 1 + pick(r, MOST_QUEUES), span = 1 + pick(r, 60);

	blank(queues_n, variant & WITH_FLOWS ? 1 : 0);
	draft.wires_Bps[0] = 1e9;
	for (size_t q = 0; q < queues_n; q++)
		draft.queues[q] = variant & WITH_READY && pick(r, 3) ? TASK_AS_READY : TASK_IN_ORDER;
	for (size_t i = 0; i < n; i++) {
		const sim_ns duration_ns = (sim_ns)pick(r, 5) + !(variant & WITH_ZERO);

		if (variant & WITH_FLOWS && !pick(r, 3))
			send(pick(r, queues_n), 1 + (double)pick(r, 9), pick(r, 2) ? INFINITY : 0.3e9);
		else
			add(pick(r, queues_n), duration_ns);
		if (variant & WITH_LAG)
			draft.tasks[i].lag_ns = (sim_ns)pick(r, 3);
		for (size_t d = pick(r, 4); i && d; d--)
			after(i - 1 - pick(r, i < span ? i : span));
	}
	rng_free(r);
}

static sim_ns ready_ns(const struct task_run *r, size_t i)
{
	sim_ns at_ns = 0;

	for (size_t d = 0; d < draft.tasks[i].deps_n; d++) {
		const uint32_t dep = draft.deps[draft.tasks[i].first_dep + d];
		const sim_ns through_ns = r->spans[dep].end_ns + draft.tasks[dep].lag_ns;

		at_ns = through_ns > at_ns ? through_ns : at_ns;
	}
	return at_ns;
}

/* Of two tasks on one queue: they do not overlap, and their order is the queue's. */
static void check_pair(const struct task_run *r, size_t i, size_t j)
{
	const struct task_span *a = &r->spans[i], *b = &r->spans[j]; /* i < j */
	const bool i_first = a->end_ns <= b->start_ns;
	const sim_ns i_ready_ns = ready_ns(r, i), j_ready_ns = ready_ns(r, j);

	MUST(i_first || b->end_ns <= a->start_ns);
	if (draft.queues[draft.tasks[i].queue] == TASK_IN_ORDER)
		MUST(i_first);
	else if (i_first && a->start_ns != b->start_ns) /* at one instant, no time may pass between choices */
		MUST(i_ready_ns <= j_ready_ns || j_ready_ns >= a->start_ns);
	else if (!i_first)
		MUST(j_ready_ns < i_ready_ns || i_ready_ns >= b->start_ns);
}

/* What a cause says: the start is the end of another task, its lag included if it is a dependency. */
static void check_cause(const struct task_run *r, size_t i)
{
	const uint32_t cause = r->spans[i].cause;
	bool found = false;

	MUST(r->spans[i].start_ns >= ready_ns(r, i));
	if (!r->spans[i].start_ns) {
		MUST(cause == TASK_NONE);
		return;
	}
	MUST(cause < draft.g.tasks_n);
	for (size_t d = 0; d < draft.tasks[i].deps_n; d++) {
		const uint32_t dep = draft.deps[draft.tasks[i].first_dep + d];

		if (r->spans[dep].end_ns + draft.tasks[dep].lag_ns == r->spans[i].start_ns) {
			MUST(cause <= dep);
			found |= dep == cause;
		}
	}
	if (!found) {
		MUST(draft.tasks[cause].queue == draft.tasks[i].queue);
		MUST(r->spans[cause].end_ns == r->spans[i].start_ns);
	}
}

static void check_books(const struct task_run *r)
{
	sim_ns last_ns = 0, busy_ns[MOST_QUEUES] = {0};
	double bytes = 0;

	for (size_t i = 0; i < draft.g.tasks_n; i++) {
		const struct task *t = &draft.tasks[i];
		const sim_ns took_ns = r->spans[i].end_ns - r->spans[i].start_ns;

		if (!t->wires_n)
			MUST(took_ns == t->duration_ns);
		else
			bytes += t->bytes;
		busy_ns[t->queue] += took_ns;
		if (r->spans[i].end_ns + t->lag_ns > last_ns)
			last_ns = r->spans[i].end_ns + t->lag_ns;
	}
	MUST(r->makespan_ns == last_ns);
	for (size_t q = 0; q < draft.g.queues_n; q++) {
		MUST(r->busy_ns[q] == busy_ns[q]);
		MUST(busy_ns[q] <= last_ns);
	}
	if (draft.g.wires_n)
		MUST(r->wire_B[0] == bytes);
}

static void check_critical_path(struct arena *a, const struct task_run *r)
{
	uint32_t *path = arena_array(a, draft.g.tasks_n, sizeof *path);
	const size_t n = task_critical_path(&draft.g, r, path);
	sim_ns length_ns = 0;

	for (size_t i = 0; i < n; i++)
		length_ns += r->spans[path[i]].end_ns - r->spans[path[i]].start_ns;
	MUST(r->spans[path[n - 1]].start_ns == 0);
	MUST(length_ns == r->makespan_ns);
}

static void check_random(uint64_t seed, int variant)
{
	struct arena a = ARENA_INIT;
	struct task_run r, twin;

	draft_random(seed, variant);
	r = task_graph_run(&a, &draft.g);
	for (size_t i = 0; i < draft.g.tasks_n; i++) {
		check_cause(&r, i);
		for (size_t j = i + 1; j < draft.g.tasks_n; j++)
			if (draft.tasks[i].queue == draft.tasks[j].queue)
				check_pair(&r, i, j);
	}
	check_books(&r);
	if (!(variant & WITH_LAG))
		check_critical_path(&a, &r);
	twin = task_graph_run(&a, &draft.g);
	MUST(!memcmp(r.spans, twin.spans, draft.g.tasks_n * sizeof *r.spans));
	MUST(!memcmp(r.busy_ns, twin.busy_ns, draft.g.queues_n * sizeof *r.busy_ns));
	MUST(r.makespan_ns == twin.makespan_ns);
	MUST(r.events == twin.events);
	arena_release(&a);
}

START_TEST(task_random)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		check_random(seed, _i);
}
END_TEST

/* With every queue in order and no flows, the run is a recurrence: each start is the later of two instants.
 */
static void check_recurrence(const struct task_run *r)
{
	sim_ns free_ns[MOST_QUEUES] = {0};

	for (size_t i = 0; i < draft.g.tasks_n; i++) {
		const uint32_t q = draft.tasks[i].queue;
		const sim_ns from_ns = ready_ns(r, i) > free_ns[q] ? ready_ns(r, i) : free_ns[q];

		free_ns[q] = from_ns + draft.tasks[i].duration_ns;
		MUST(r->spans[i].start_ns == from_ns);
		MUST(r->spans[i].end_ns == free_ns[q]);
	}
}

/* And a longer task never makes anything earlier. */
START_TEST(task_in_order)
{
	for (uint64_t seed = 100; seed < 200; seed++) {
		struct arena a = ARENA_INIT;
		struct task_run r, slower;

		draft_random(seed, seed % 2 ? WITH_LAG : WITH_LAG | WITH_ZERO);
		r = task_graph_run(&a, &draft.g);
		check_recurrence(&r);
		draft.tasks[draft.g.tasks_n / 3].duration_ns += 5;
		slower = task_graph_run(&a, &draft.g);
		check_recurrence(&slower);
		for (size_t i = 0; i < draft.g.tasks_n; i++)
			MUST(slower.spans[i].end_ns >= r.spans[i].end_ns);
		arena_release(&a);
	}
}
END_TEST

Suite *suite_task(void)
{
	Suite *s = suite_create("task");
	TCase *tc = tcase_create("task");

	tcase_add_test(tc, task_none);
	tcase_add_test(tc, task_not_before);
	tcase_add_test(tc, task_chain_with_lag);
	tcase_add_test(tc, task_fork_and_join);
	tcase_add_loop_test(tc, task_head_of_line, 0, 2);
	tcase_add_test(tc, task_ready_order);
	tcase_add_test(tc, task_ready_at_one_instant);
	tcase_add_test(tc, task_of_no_time);
	tcase_add_test(tc, task_flows_share_a_wire);
	tcase_add_test(tc, task_makespan_is_no_stale_event);
	tcase_add_loop_test(tc, task_gpipe, 0, ARRAY_LEN(pipes));
	tcase_add_loop_test(tc, task_random, 0, VARIANTS);
	tcase_add_test(tc, task_in_order);
	suite_add_tcase(s, tc);
	return s;
}
