/* check_exchange.c - tokens over experts on several devices: figures in closed form and by brute force, what
 * crosses, who waits for whom. */
#include "sim/step/exchange.h"

#include <math.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/step/walk.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

/* ---- the figures ---- */

static double choose(int64_t n, int64_t k)
{
	double c = 1;

	if (k > n)
		return 0;
	for (int64_t i = 0; i < k; i++)
		c = c * (double)(n - i) / (double)(i + 1);
	return c;
}

static const struct experts alike[] = {
	{.count = 128, .active = 8}, {.count = 8, .active = 2},   {.count = 16, .active = 16},
	{.count = 64, .active = 1},  {.count = 256, .active = 8},
};

/* Where all are alike: E_d(1 - (1 - k/E)^T) of them are hit, and a token misses them all as often as k of E
 * can be chosen without them. */
START_TEST(alike_in_closed_form)
{
	const struct experts *x = &alike[_i];
	const int64_t counts[] = {x->count / 4, x->count - x->count / 4};
	const double E = (double)x->count, k = (double)x->active;
	int owner[256];

	routing_deal(x, counts, 2, owner);
	for (double T = 1; T < 5000; T *= 3)
		for (int d = 0; d < 2; d++) {
			const struct routed r = routing_to(x, owner, 1u << d, T);
			const double here = (double)counts[d];

			ck_assert_double_eq_tol(r.rows, T * k * here / E, 1e-9 * T * k);
			ck_assert_double_eq_tol(r.hit, here * (1 - pow(1 - k / E, T)), 1e-9 * E);
			ck_assert_double_eq_tol(r.tokens,
						T * (1 - choose(x->count - counts[d], x->active) /
								 choose(x->count, x->active)),
						1e-9 * T);
		}
}
END_TEST

/* Sums over the devices are those of one device, however popular the experts are. */
START_TEST(figures_add_up)
{
	struct rng *rng = rng_new((uint64_t)_i, "routing");
	int owner[300];

	for (int round = 0; round < 100; round++) {
		const int n = 1 + (int)(rng_uniform(rng) * SHARDS_MAX);
		struct experts x = {.count = n + (int64_t)(rng_uniform(rng) * 200)};
		int64_t counts[SHARDS_MAX] = {0}, dealt[SHARDS_MAX] = {0};
		const double T = floor(1 + rng_uniform(rng) * 300);
		struct routed all, sum = {0, 0, 0};

		x.active = 1 + (int64_t)(rng_uniform(rng) * (double)(x.count < 12 ? x.count - 1 : 12));
		x.skew = rng_uniform(rng) < 0.3 ? 0 : 2 * rng_uniform(rng);
		for (int64_t i = 0; i < x.count; i++)
			counts[i < n ? i : (int64_t)(rng_uniform(rng) * n)]++;
		routing_deal(&x, counts, n, owner);
		for (int64_t i = 0; i < x.count; i++)
			dealt[owner[i]]++;
		all = routing_to(&x, owner, n < 64 ? ((uint64_t)1 << n) - 1 : UINT64_MAX, T);
		for (int d = 0; d < n; d++) {
			const struct routed r = routing_to(&x, owner, (uint64_t)1 << d, T);

			MUST(dealt[d] == counts[d]);
			MUST(r.tokens <= fmin(T, r.rows) * (1 + 1e-9) && r.tokens >= 0);
			MUST(r.hit <= (double)counts[d] * (1 + 1e-9) && r.hit <= r.rows * (1 + 1e-9));
			sum.rows += r.rows;
			sum.hit += r.hit;
			sum.tokens += r.tokens;
		}
		MUST(fabs(sum.rows - T * (double)x.active) < 1e-6 * sum.rows);
		MUST(fabs(sum.hit - experts_hit(&x, T)) < 1e-9 * sum.hit);
		MUST(fabs(all.tokens - T) < 1e-9 * T);
		MUST(sum.tokens >= T * (1 - 1e-9)); /* a token is on at least one device */
	}
	rng_free(rng);
}
END_TEST

/* Against all choices of k of E, each as likely as the product of the odds of what is chosen, where odds are
 * such that experts get their shares. */
START_TEST(misses_by_brute_force)
{
	const struct experts x = {.count = 12, .active = 3, .skew = 0.8};
	const int64_t counts[] = {5, 7};
	double share[12], odds[12], all = 0, without[2] = {0, 0};
	int owner[12];

	routing_popularity(&x, share);
	routing_deal(&x, counts, 2, owner);
	memcpy(odds, share, sizeof odds);
	for (int round = 0; round < 300; round++) {
		double is[12] = {0};

		all = without[0] = without[1] = 0;
		for (unsigned set = 0; set < 1u << 12; set++) {
			double weight = 1;
			unsigned there = 0;

			if (__builtin_popcount(set) != 3)
				continue;
			for (int i = 0; i < 12; i++)
				if (set >> i & 1) {
					weight *= odds[i];
					there |= 1u << owner[i];
				}
			for (int i = 0; i < 12; i++)
				is[i] += set >> i & 1 ? weight : 0;
			all += weight;
			for (int d = 0; d < 2; d++)
				without[d] += there >> d & 1 ? 0 : weight;
		}
		for (int i = 0; i < 12; i++)
			odds[i] *= share[i] / (is[i] / all);
	}
	for (int d = 0; d < 2; d++)
		ck_assert_double_eq_tol(routing_to(&x, owner, 1u << d, 10).tokens,
					10 * (1 - without[d] / all), 1e-8);
}
END_TEST

/* Each device gets its part of the popular ones. */
START_TEST(popular_ones_are_spread)
{
	const struct experts x = {.count = 128, .active = 8, .skew = 1};
	const int64_t counts[] = {32, 96};
	int owner[128];
	struct routed r;

	routing_deal(&x, counts, 2, owner);
	r = routing_to(&x, owner, 1, 1000);
	ck_assert_double_eq_tol(r.rows / 8000, 0.25, 0.03);
}
END_TEST

/* ---- what crosses ---- */

#define H      512.0                                          /* bytes of a row */
#define T      20.0                                           /* tokens; four of sixteen experts each */
#define C4(n)  ((n) * ((n)-1.0) * ((n)-2.0) * ((n)-3.0) / 24) /* ways to choose four */
#define N(e)   (T * (1 - C4(16 - (e)) / C4(16)))              /* that have one of e experts */
#define ROW(e) (T * 4 * (e) / 16.0)                           /* pairs */

static const struct {
	const char *place;
	double out_B, back_B, sum_B, rest_B; /* dispatch, combine, all-reduce, activations; forward */
} crossings[] = {
	{"[{on: a}, {op: experts, on: [a, b], split: experts}]", N(8) * H + 2 * ROW(8), N(8) * H, 0, 0},
	{"[{on: a}, {op: experts, on: [a, b, c], split: experts, experts: [10, 4, 2]}]",
	 (N(4) + N(2)) * H + 2 * ROW(6), (N(4) + N(2)) * H, 0, 0},
	/* a machine's devices get each row once, and sum what they make of it */
	{"[{on: a}, {op: experts, on: [a, b, b.cpu], split: experts, experts: [10, 4, 2]}]",
	 N(6) * H + 2 * ROW(6), N(6) * H, 0, 0},
	/* devices of one machine have no link between them */
	{"[{on: a}, {op: experts, on: [a, a.cpu], split: experts}]", 0, 0, 0, 0},
	/* from elsewhere: all of it goes out */
	{"[{on: a}, {op: experts, on: [b, c], split: experts}]", 2 * N(8) * H + 2 * ROW(16), 2 * N(8) * H, 0,
	 0},
	/* shared experts at home, and elsewhere */
	{"[{on: a}, {op: [experts], on: [a, b], split: experts}, {op: shared_experts, on: b}]",
	 N(8) * H + 2 * ROW(8), N(8) * H, 0, 2 * T *H},
	/* the router on both: each has all rows. One sum over both, shared experts and all; with two
	 * attentions and an FFN */
	{"[{on: [a, b], split: tensor}, {op: experts, on: [a, b], split: experts}]", 0, 0, 4 * 2 * T *H, 0},
	/* a third device beside: its rows come from the first, and their sum goes back there */
	{"[{on: [a, b], split: tensor}, {op: experts, on: [a, b, c], split: experts, experts: [6, 6, 4]}]",
	 N(4) * H + 2 * ROW(4), N(4) * H, 4 * 2 * T *H, 0},
};

START_TEST(bytes_out_and_back)
{
	struct placement p;
	struct program *f, *b;
	double weights_B;

	fixture_experts(&fixture, crossings[_i].place, NULL);
	p = fixture_place(&fixture, 0);
	f = fixture_walked(&fixture, &p, PHASE_FORWARD);
	b = fixture_walked(&fixture, &p, PHASE_BACKWARD);
	ck_assert_double_eq_tol(fixture_link_B(f, PAYLOAD_DISPATCH), crossings[_i].out_B, 1e-6);
	ck_assert_double_eq_tol(fixture_link_B(f, PAYLOAD_COMBINE), crossings[_i].back_B, 1e-6);
	/* where the head is split, the loss takes sums too; both directions */
	ck_assert_double_eq_tol(
		fixture_link_B(f, PAYLOAD_ALL_REDUCE) -
			(p.shard_groups[PHASE_FORWARD][p.blocks_n - 1].n > 1 ? 2 * 20 * 12 : 0),
		crossings[_i].sum_B, 1e-6);
	ck_assert_double_eq_tol(fixture_link_B(f, PAYLOAD_ACTIVATIONS), crossings[_i].rest_B, 1e-6);
	/* backward as many rows go out and back; the weights' gradients come back where weights went out */
	weights_B = crossings[_i].out_B - crossings[_i].back_B;
	ck_assert_double_eq_tol(fixture_link_B(b, PAYLOAD_DISPATCH), crossings[_i].back_B, 1e-6);
	ck_assert_double_eq_tol(fixture_link_B(b, PAYLOAD_COMBINE), crossings[_i].back_B + weights_B, 1e-6);
	program_free(f);
	program_free(b);
	fixture_release(&fixture);
}
END_TEST

/* All FLOP are done, each once: those of one device, but for what each device of a tensor split does whole.
 */
START_TEST(work_is_the_same)
{
	const enum phase phases[] = {PHASE_FORWARD, PHASE_BACKWARD};
	struct placement p, one;

	fixture_experts(&fixture, crossings[_i].place, NULL);
	p = fixture_place(&fixture, 0);
	one = fixture_all_on(&fixture, 4);
	for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
		struct program *here = fixture_walked(&fixture, &p, phases[i]),
			       *there = fixture_walked(&fixture, &one, phases[i]);
		const bool two = p.shard_groups[phases[i]][1].n > 1; /* the router runs on both */

		ck_assert_double_eq_tol(fixture_flop(here),
					fixture_flop(there) + (two ? 2.0 * T * 256 * 16 : 0),
					1e-6 * fixture_flop(there));
		program_free(here);
		program_free(there);
	}
	fixture_release(&fixture);
}
END_TEST

/* The device with most to do decides: by hand, home on a, experts on b and c, no shared ones elsewhere. */
START_TEST(the_slowest_decides)
{
	static const struct {
		const char *experts;
		double on[2];
	} deals[] = {{"[8, 8]", {8, 8}}, {"[13, 3]", {13, 3}}, {"[1, 15]", {1, 15}}};
	const struct op step = {.name = "step", .kind = OP_STEP};
	struct arena a = ARENA_INIT;
	sim_ns longest = 0;
	struct placement p;
	struct fixture_run r;
	struct program *f;
	struct deps x;

	fixture_experts(&fixture,
			arena_printf(&a, "[{on: a}, {op: experts, on: [b, c], split: experts, experts: %s}]",
				     deals[_i].experts),
			NULL);
	p = fixture_place(&fixture, 0);
	f = program_new(fixture.world);
	{
		const size_t block = model_block_of(fixture.world->model, ROLE_EXPERTS, 1);
		const struct label label = {
			.phase = PHASE_FORWARD, .part = {ROLE_EXPERTS, false, 0}, .layer = 1};
		const struct exchange e = {f, &fixture_shape, &p.shard_groups[PHASE_FORWARD][block],
					   &p.shard_groups[PHASE_FORWARD][block - 2], label};

		x = deps_of(f, program_op(f, &step, 0, 1, label, NULL));
		exchange_put(&e, &x, NULL);
	}
	r = fixture_run(&a, f);
	for (int d = 0; d < 2; d++) {
		const sim_ns out = sim_ns_of_s((N(deals[_i].on[d]) * H + 2 * ROW(deals[_i].on[d])) / 2e9) +
				   20000,
			     back = sim_ns_of_s(N(deals[_i].on[d]) * H / 2e9) + 20000;
		sim_ns work = 0;

		for (size_t i = 0; i < f->tasks.n; i++)
			if (f->tasks.at[i].queue == (d ? 4u : 2u)) /* c.gpu, b.gpu */
				work += r.times.ns[f->tasks.at[i].op_class];
		ck_assert_int_gt(work, 0);
		longest = out + work + back > longest ? out + work + back : longest;
	}
	ck_assert_int_le(llabs(r.run.makespan_ns - 50000 - longest), 1);
	program_free(f);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_exchange(void)
{
	Suite *s = suite_create("exchange");
	TCase *tc = tcase_create("exchange");

	tcase_add_loop_test(tc, alike_in_closed_form, 0, ARRAY_LEN(alike));
	tcase_add_loop_test(tc, figures_add_up, 0, 4);
	tcase_add_test(tc, misses_by_brute_force);
	tcase_add_test(tc, popular_ones_are_spread);
	tcase_add_loop_test(tc, bytes_out_and_back, 0, ARRAY_LEN(crossings));
	tcase_add_loop_test(tc, work_is_the_same, 0, ARRAY_LEN(crossings));
	tcase_add_loop_test(tc, the_slowest_decides, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
