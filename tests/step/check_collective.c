/* check_collective.c - sums and gathers over the devices of a split: rounds by hand, formula, engine. */
#include "sim/step/collective.h"

#include <string.h>

#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

#define ASKED "{generate: {prompt: 30 tok, tokens: 9 tok}}"
#define L     20000 /* ns */
#define BPS   2e9

static const char *const way_names[] = {"auto", "ring", "direct", "scatter", "tree", "halving"};

static void mesh(int n, const char *more)
{
	struct arena a = ARENA_INIT;

	fixture_mesh(&fixture, n, arena_printf(&a, "latency: 20 us, bandwidth: 2 GB/s%s", more), ASKED, NULL);
	arena_release(&a);
}

/* From the instant all devices have their parts to the end, on the engine; what crosses in *bytes. */
static sim_ns engine_ns(const struct shards *shards, const struct collective *c, double *bytes)
{
	const struct op step = {.name = "step", .kind = OP_STEP};
	const struct label label = {.phase = PHASE_PREFILL, .part = {ROLE_FFN, false, 0}};
	struct program *p = program_new(fixture.world);
	struct deps made = {.n = 0}, ends;
	struct fixture_run r;
	sim_ns ns = 0;

	for (int i = 0; i < shards->n; i++)
		deps_add(p, &made, program_op(p, &step, shards->unit[i], 1, label, NULL));
	ends = collective_put(p, shards, c, label, &made);
	r = fixture_run(&fixture.arena, p);
	*bytes = fixture_link_B(p, c->gather ? PAYLOAD_ALL_GATHER : PAYLOAD_ALL_REDUCE);
	for (size_t i = 0; i < ends.n; i++) {
		const sim_ns there =
			r.run.spans[ends.task[i]].end_ns + r.times.lag_ns[p->tasks.at[ends.task[i]].op_class];

		ns = there > ns ? there : ns;
	}
	/* what is waited for is all there is to wait for */
	ck_assert_int_eq(ns, r.run.makespan_ns);
	program_free(p);
	return ns - 50000; /* the toy's step */
}

static int log2_of(int n)
{
	int log = 0;

	while (1 << (log + 1) <= n)
		log++;
	return log;
}

/* Messages on the longest chain of recursive doubling: a device that nobody beyond the power of two gives to
 * need not wait in the first round. */
static int tree_chain(int n)
{
	const int m = 1 << log2_of(n);
	int at[SHARDS_MAX] = {0}, most = 0;

	for (int i = m; i < n; i++)
		at[i - m] = 1;
	for (int far = 1; far < m; far *= 2) {
		int next[SHARDS_MAX];

		for (int i = 0; i < m; i++)
			next[i] = at[i] > at[i ^ far] + 1 ? at[i] : at[i ^ far] + 1;
		memcpy(at, next, sizeof at);
	}
	for (int i = 0; i < n; i++) {
		const int end = i < m ? at[i] : at[i - m] + 1;

		most = end > most ? end : most;
	}
	return most;
}

static sim_ns message_ns(double bytes)
{
	return L + sim_ns_of_s(bytes / BPS);
}

/* Halves, quarters ... and back; where devices give theirs to another one first, all but one wait for no more. */
static sim_ns halving_ns(int n, double B)
{
	const int m = 1 << log2_of(n);
	sim_ns ns = n > m ? 2 * message_ns(B) : 0;

	for (int part = 2; part <= m; part *= 2)
		ns += 2 * message_ns(B / part);
	return ns;
}

/* Rounds, bytes of a message and messages, as the papers give them. */
static void by_hand(enum reduce_way way, int n, double B, sim_ns *ns, double *bytes)
{
	const int log = log2_of(n), m = 1 << log, extra = n - m;

	switch (way) {
	case REDUCE_RING:
		*ns = 2 * (n - 1) * message_ns(B / n);
		*bytes = 2.0 * (n - 1) * B;
		break;
	case REDUCE_DIRECT:
		*ns = message_ns(B);
		*bytes = (double)n * (n - 1) * B;
		break;
	case REDUCE_SCATTER:
		*ns = 2 * message_ns(B / n);
		*bytes = 2.0 * (n - 1) * B;
		break;
	case REDUCE_TREE:
		*ns = tree_chain(n) * message_ns(B);
		*bytes = (double)(m * log + 2 * extra) * B;
		break;
	case REDUCE_HALVING:
		*ns = halving_ns(n, B);
		*bytes = 2.0 * (m - 1) * B + 2 * extra * B;
		break;
	case REDUCE_AUTO:
	case REDUCE_HIERARCHICAL:
		ck_abort();
	}
}

enum { DEVICES = 7 }; /* 2 .. 8 */
static const double sizes[] = {1024, 32768, 840000, 64e6};

START_TEST(class_times_set_by_hand)
{
	const int n = 2 + _i % DEVICES;
	const enum reduce_way way = (enum reduce_way)(1 + _i / DEVICES);
	const struct shards shards = fixture_even(n);
	struct arena a = ARENA_INIT;

	mesh(n, arena_printf(&a, ", all_reduce: %s", way_names[way]));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const struct collective c = {.bytes = sizes[i]};
		double want_B, bytes;
		sim_ns want, got;

		by_hand(way, n, sizes[i], &want, &want_B);
		ck_assert_int_eq(collective_way(fixture.world, &shards, &c), way);
		got = engine_ns(&shards, &c, &bytes);
		ck_assert_int_ge(got, want - 2 * n); /* each round's time is rounded */
		ck_assert_int_le(got, want + 2 * n);
		ck_assert_double_eq_tol(bytes, want_B, 1e-9 * want_B);
		ck_assert_double_eq_tol(collective_s(fixture.world, &shards, &c, way), sim_s_of_ns(want),
					1e-7);
	}
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* auto takes the least of all; between two devices a swap, one latency instead of two. */
START_TEST(auto_is_the_quickest)
{
	const int n = 2 + _i;
	const struct shards shards = fixture_even(n);
	sim_ns least[ARRAY_LEN(sizes)], got;
	struct arena a = ARENA_INIT;
	double bytes;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		least[i] = INT64_MAX;
	for (int way = 1; way <= REDUCE_HALVING; way++) {
		mesh(n, arena_printf(&a, ", all_reduce: %s", way_names[way]));
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			got = engine_ns(&shards, &(struct collective){.bytes = sizes[i]}, &bytes);
			least[i] = got < least[i] ? got : least[i];
		}
		fixture_release(&fixture);
	}
	mesh(n, "");
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		got = engine_ns(&shards, &(struct collective){.bytes = sizes[i]}, &bytes);
		ck_assert_int_ge(got, least[i] - 2 * n);
		ck_assert_int_le(got, least[i] + 2 * n);
	}
	if (n == 2) {
		ck_assert_int_eq(least[0], message_ns(sizes[0]));
		ck_assert_int_eq(collective_way(fixture.world, &shards, &(struct collective){.bytes = 1024}),
				 REDUCE_DIRECT);
	}
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* Parts as unequal as the shares go to all others at once; a ring passes equal ones on. */
START_TEST(gathers)
{
	const struct collective c = {.gather = true, .bytes = 1e6};
	struct shards shards = fixture_even(3);
	double bytes;

	shards.share[0] = 0.5;
	shards.share[1] = 0.2;
	shards.share[2] = 0.3;
	mesh(3, "");
	ck_assert_int_eq(engine_ns(&shards, &c, &bytes), message_ns(0.5e6));
	ck_assert_double_eq_tol(bytes, 2e6, 1e-6);
	fixture_release(&fixture);
	mesh(3, ", all_reduce: ring");
	ck_assert_int_eq(engine_ns(&shards, &c, &bytes), 2 * message_ns(1e6 / 3));
	ck_assert_double_eq_tol(bytes, 2e6, 1e-6);
	fixture_release(&fixture);
}
END_TEST

/* What software adds comes once for each operation, whatever its rounds. */
START_TEST(software_takes_its_time_once)
{
	const struct collective c = {.bytes = 32768};
	const struct shards shards = fixture_even(4);
	struct arena a = ARENA_INIT;
	double bytes;

	for (int way = 1; way <= REDUCE_HALVING; way++) {
		sim_ns plain, more;

		mesh(4, arena_printf(&a, ", all_reduce: %s", way_names[way]));
		plain = engine_ns(&shards, &c, &bytes);
		fixture_release(&fixture);
		mesh(4, arena_printf(&a, ", all_reduce: %s, collective_latency: 35 us", way_names[way]));
		more = engine_ns(&shards, &c, &bytes);
		ck_assert_double_eq_tol(collective_s(fixture.world, &shards, &c, (enum reduce_way)way),
					sim_s_of_ns(more), 1e-7);
		fixture_release(&fixture);
		ck_assert_int_eq(more, plain + 35000);
	}
	arena_release(&a);
}
END_TEST

/* A swap over a wire that both directions share takes both their bytes, so halves are as good. */
START_TEST(half_duplex_swap)
{
	const struct collective c = {.bytes = 840000};
	const struct shards shards = fixture_even(2);
	double bytes;

	mesh(2, ", duplex: half, all_reduce: direct");
	ck_assert_int_eq(engine_ns(&shards, &c, &bytes), message_ns(2 * 840000));
	ck_assert_double_eq_tol(collective_s(fixture.world, &shards, &c, REDUCE_DIRECT),
				sim_s_of_ns(message_ns(2 * 840000)), 1e-9);
	fixture_release(&fixture);
}
END_TEST

/* Devices of one machine have no link between them: nothing crosses, nothing waits. */
START_TEST(one_machine_needs_none)
{
	const struct collective c = {.bytes = 840000};
	struct shards shards = fixture_even(2);
	double bytes;

	fixture_text(&fixture, FIXTURE_THREE, NULL);
	ck_assert_int_eq(engine_ns(&shards, &c, &bytes), 0);
	ck_assert_double_eq(bytes, 0);
	shards.unit[1] = 2; /* b */
	ck_assert_int_eq(engine_ns(&shards, &c, &bytes), message_ns(840000));
	fixture_release(&fixture);
}
END_TEST

Suite *suite_collective(void)
{
	Suite *s = suite_create("collective");
	TCase *tc = tcase_create("collective");

	tcase_add_loop_test(tc, class_times_set_by_hand, 0, DEVICES * 5);
	tcase_add_loop_test(tc, auto_is_the_quickest, 0, DEVICES);
	tcase_add_test(tc, gathers);
	tcase_add_test(tc, software_takes_its_time_once);
	tcase_add_test(tc, half_duplex_swap);
	tcase_add_test(tc, one_machine_needs_none);
	suite_add_tcase(s, tc);
	return s;
}
