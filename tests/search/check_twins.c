/* check_twins.c - equal machines are searched once: which are equal, and that nothing better is missed. */
#include "tests/suites.h"

#include <math.h>
#include <string.h>

#include "sim/search/anneal_starts.h"
#include "sim/search/best_first.h"
#include "sim/search/search.h"
#include "sim/search/twins.h"
#include "tests/fixtures.h"

/* clang-format off */
#define THREE_EQUAL                                                                                          \
	FIXTURE_HEAD "model: " FIXTURE_MODEL("2") "\nmachines: {a: " FIXTURE_MACHINE ", b: " FIXTURE_MACHINE ", c: "          \
	FIXTURE_MACHINE "}\nlinks: {ab: " FIXTURE_LINK("a", "b") ", bc: " FIXTURE_LINK("b", "c") ", ca: "    \
	FIXTURE_LINK("c", "a") "}\n" FIXTURE_WORKLOAD
/* clang-format on */

static struct fixture fixture;

/* One thing set beside, or NULL, and the twin before each machine. */
static const struct {
	const char *set;
	size_t before[3];
} worlds[] = {
	{NULL, {WORLD_NONE, 0, 1}},
	{"machines.b.title=another", {WORLD_NONE, WORLD_NONE, 0}},
	{"machines.c.memory.usable=9 GB", {WORLD_NONE, 0, WORLD_NONE}},
	{"links.ab.latency=77 us", {WORLD_NONE, 0, WORLD_NONE}},
	{"links.bc.latency=77 us", {WORLD_NONE, WORLD_NONE, 1}},
};

START_TEST(found)
{
	const char *const sets[] = {worlds[_i].set, NULL};
	size_t before[SPACE_UNITS];

	fixture_text(&fixture, THREE_EQUAL, sets);
	twins_find(fixture.world, before);
	for (size_t u = 0; u < 3; u++)
		ck_assert_uint_eq(before[u], worlds[_i].before[u]);
	fixture_release(&fixture);
}
END_TEST

/* Equal machines, one of which runs other software. */
START_TEST(runtimes_tell_apart)
{
	static const char *const runtimes[] = {"llama.cpp", "{default: llama.cpp, b: mlx}"};
	size_t before[SPACE_UNITS];

	for (size_t i = 0; i < ARRAY_LEN(runtimes); i++) {
		struct str text = STR_INIT;

		str_addf(&text,
			 "schema: lemursim/scenario/1\ntitle: t\nmodel: qwen3-0.6b\n"
			 "precision: {weights: f16, kv: f16, compute: f16}\nruntime: %s\n"
			 "machines: {a: apple-m4-pro-16c-24gb, b: apple-m4-pro-16c-24gb}\n"
			 "links: {ab: {base: thunderbolt-5-tcp, between: [a, b]}}\n"
			 "workload: {generate: {prompt: 300 tok, tokens: 9 tok}}\n"
			 "assignments: [{name: x, place: [{on: a}]}]\n",
			 runtimes[i]);
		fixture_text(&fixture, text.text, NULL);
		twins_find(fixture.world, before);
		ck_assert_uint_eq(before[1], i ? WORLD_NONE : 0);
		fixture_release(&fixture);
		str_release(&text);
	}
}
END_TEST

START_TEST(in_order)
{
	const size_t before[SPACE_UNITS] = {WORLD_NONE, 0, WORLD_NONE, 2};
	static const bool taken[16] = {[0] = true, [1] = true,  [3] = true,  [4] = true, [5] = true,
				       [7] = true, [12] = true, [13] = true, [15] = true};

	for (unsigned units = 0; units < 16; units++)
		ck_assert_int_eq(twins_in_order(before, 4, &(struct unit_set){{units}}), taken[units]);
}
END_TEST

/* clang-format off */
#define FOUR_EQUAL                                                                                           \
	FIXTURE_HEAD "model: " FIXTURE_MODEL("4") "\nmachines: {a: " FIXTURE_MACHINE ", b: " FIXTURE_MACHINE ", c: "          \
	FIXTURE_MACHINE ", d: " FIXTURE_MACHINE "}\n" FIXTURE_WORKLOAD
/* clang-format on */

/* What joins four equal machines, and the twin before each. */
static const struct {
	const char *links;
	size_t before[4];
} networks[] = {
	{"{l: {base: ethernet-10g, switch: [a, b, c, d]}}", {WORLD_NONE, 0, 1, 2}},
	{"{l: {base: ethernet-10g, bus: [a, b, c, d]}}", {WORLD_NONE, 0, 1, 2}},
	{"{l: {base: ethernet-10g, mesh: [a, b, c, d]}}", {WORLD_NONE, 0, 1, 2}},
	{"{l: {base: ethernet-10g, ring: [a, b, c, d]}}", {WORLD_NONE, WORLD_NONE, WORLD_NONE, WORLD_NONE}},
	{"{l: {base: ethernet-10g, fat_tree: [a, b, c, d], leaf: 2, oversubscription: 4}}",
	 {WORLD_NONE, 0, WORLD_NONE, 2}},
	/* d is not on the switch; c is joined to it by another cable; c's port takes two links */
	{"{l: {base: ethernet-10g, switch: [a, b, c]}, x: {base: ethernet-10g, between: [a, d]}, y: {base: "
	 "ethernet-10g, between: [b, d]}, z: {base: ethernet-10g, between: [c, d]}}",
	 {WORLD_NONE, 0, 1, WORLD_NONE}},
	{"{l: {base: ethernet-10g, switch: [a, b, c]}, x: {base: ethernet-10g, between: [a, d]}, y: {base: "
	 "ethernet-10g, between: [b, d]}, z: {base: ethernet-25g, between: [c, d]}}",
	 {WORLD_NONE, 0, WORLD_NONE, WORLD_NONE}},
	{"{l: {base: ethernet-10g, switch: [a, b, c], port: nic}, z: {base: ethernet-10g, between: [c, d], "
	 "port: "
	 "nic}, x: {base: ethernet-10g, between: [a, d]}, y: {base: ethernet-10g, between: [b, d]}}",
	 {WORLD_NONE, 0, WORLD_NONE, WORLD_NONE}},
	/* nothing joins d */
	{"{l: {base: ethernet-10g, switch: [a, b, c]}}", {WORLD_NONE, 0, 1, WORLD_NONE}},
};

START_TEST(found_on_networks)
{
	struct str set = STR_INIT;
	const char *sets[] = {NULL, NULL};
	size_t before[SPACE_UNITS];

	str_addf(&set, "links=%s", networks[_i].links);
	sets[0] = set.text;
	fixture_text(&fixture, FOUR_EQUAL, sets);
	twins_find(fixture.world, before);
	for (size_t u = 0; u < 4; u++)
		ck_assert_msg(before[u] == networks[_i].before[u], "%zu: %zu", u, before[u]);
	fixture_release(&fixture);
	str_release(&set);
}
END_TEST

/* Tables in which twins share their rows say what those of the same machines say that titles tell apart. */
START_TEST(slots_are_shared)
{
	static const char *const alike[] = {"links={l: {base: ethernet-10g, switch: [a, b, c, d]}}", NULL},
				 *const apart[] = {"links={l: {base: ethernet-10g, switch: [a, b, c, d]}}",
						   "machines.b.title=another", "machines.c.title=a third",
						   "machines.d.title=a fourth", NULL};
	static const enum job jobs[] = {JOB_GENERATE, JOB_TRAIN};
	struct rng *rng = rng_new(5, "slots");
	struct arena a = ARENA_INIT;
	struct fixture other;
	struct block_costs p, q;
	struct anneal_space space;
	struct anneal_state state;

	fixture_text(&fixture, FOUR_EQUAL, alike);
	fixture_text(&other, FOUR_EQUAL, apart);
	block_costs_make(&a, fixture.world, jobs[_i], &p);
	block_costs_make(&a, other.world, jobs[_i], &q);
	ck_assert_uint_eq(p.slots.n, 2);
	ck_assert_uint_eq(q.slots.n, 4);
	anneal_space_make(&a, other.world, 1, &space);
	state = anneal_state_alone(&space, 2);
	for (int i = 0; i < 1000; i++) {
		struct phase_group_sum x[PHASE_GROUPS], y[PHASE_GROUPS];
		uint8_t *at[PHASE_GROUPS];
		const uint8_t *seen[PHASE_GROUPS];

		for (int g = 0; g < PHASE_GROUPS; g++) {
			struct layer_map l;

			seen[g] = at[g] = arena_array(&a, space.blocks, 1);
			for (int k = 0; k < GROUPS; k++)
				l.unit[k] = arena_array(&a, space.layers, 1);
			anneal_state_layer_map(&space, &state.phase_group[state.phases_split ? g : 0], &l,
					       at[g]);
			x[g] = block_costs_sum(&p, g, at[g]);
			y[g] = block_costs_sum(&q, g, at[g]);
		}
		block_costs_add_handovers(&p, seen, x);
		block_costs_add_handovers(&q, seen, y);
		for (int g = 0; g < PHASE_GROUPS; g++) {
			MUST(x[g].chain_s == y[g].chain_s && x[g].link_s == y[g].link_s);
			for (size_t u = 0; u < 4; u++)
				MUST(x[g].busy_s[u] == y[g].busy_s[u] &&
				     x[g].copies_s[u] == y[g].copies_s[u]);
		}
		anneal_state_move(&space, &state, rng);
	}
	rng_free(rng);
	arena_release(&a);
	fixture_release(&other);
	fixture_release(&fixture);
}
END_TEST

/* Of three equal machines and another one there are as many sets as numbers of each; those of one machine are not among
 * them. Of equal ones the first are taken. */
START_TEST(numbers_of_each_kind)
{
	static const char *const sets[] = {"links={l: {base: ethernet-10g, switch: [a, b, c, d]}}",
					   "machines.b.title=another", NULL};
	static const unsigned want[] = {0x3, 0x5, 0x7, 0xd, 0xf};
	const double speed[SPACE_UNITS] = {1, 2, 1, 1};
	struct arena a = ARENA_INIT;
	struct anneal_space space;
	struct anneal_starts starts;
	struct unit_set units;
	size_t n = 0;

	fixture_text(&fixture, FOUR_EQUAL, sets);
	anneal_space_make(&a, fixture.world, 1, &space);
	anneal_starts_make(&starts, &space, speed);
	ck_assert_uint_eq(starts.kinds_n, 2);
	ck_assert(starts.all_kinds);
	while (anneal_starts_next(&starts, &units)) {
		size_t i = 0;

		while (i < ARRAY_LEN(want) && want[i] != units.of[0])
			i++;
		ck_assert_msg(i < ARRAY_LEN(want), "%x", (unsigned)units.of[0]);
		n++;
	}
	ck_assert_uint_eq(n, ARRAY_LEN(want));
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* A model for three of them, on as many machines as can be: the first three are found, and proved to be near the best. */
START_TEST(many_equal_machines)
{
	struct str text = STR_INIT;
	struct search_ask ask = {.best = 1, .runs_most = 40};
	const struct winner *best;
	struct err err = ERR_INIT;
	struct search *s;
	size_t n;

	str_add(&text,
		FIXTURE_HEAD "model: " FIXTURE_MODEL("9") "\nmachines: {a: {schema: lemursim/hardware/1, "
							  "title: fixture, chip: fixture, memory: {capacity: "
							  "1 GB, usable: 5 MB, bandwidth: 100 GB/s}, "
							  "devices: {gpu: " FIXTURE_DEVICE "}");
	str_addf(&text,
		 ", count: %d}}\ntopology: {switch: ethernet-10g}\n"
		 "workload: {generate: {prompt: 30 tok, tokens: 9 tok}}\n"
		 "assignments: [{name: x, place: [{on: a0}]}]\n",
		 SPACE_UNITS);
	fixture_text(&fixture, text.text, NULL);
	ck_assert_uint_eq(fixture.world->units_n, SPACE_UNITS);
	ask.w = fixture.world;
	ck_assert_int_eq(goal_parse("e2el_s", &ask.goal, &err), 0);
	s = search_new(&ask);
	while (search_step(s))
		;
	best = search_winners(s, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(best[0].units.of[0], 7);
	ck_assert_uint_eq(unit_set_count(&best[0].units), 3);
	ck_assert_double_le(best[0].cost, 1.1 * search_counts(s).bound);
	search_free(s);
	fixture_release(&fixture);
	str_release(&text);
}
END_TEST

/* Training on equal machines is found to be at least as quick as with the layers in equal parts, on all or on half of them. */
START_TEST(pipelines_of_equals)
{
	struct str text = STR_INIT;
	struct search_ask ask = {.best = 1, .runs_most = 60};
	struct err err = ERR_INIT;
	struct search *s;
	size_t n;
	double best_s;

	str_add(&text, FIXTURE_HEAD
		"model: " FIXTURE_MODEL("12") "\nmachines: {a: {schema: lemursim/hardware/1, "
					      "title: fixture, chip: fixture, memory: {capacity: 1 GB, "
					      "usable: 300 MB, bandwidth: 100 GB/s}, "
					      "devices: {gpu: " FIXTURE_DEVICE
					      "}, count: 12}}\ntopology: {switch: ethernet-10g}\n"
					      "workload: {train: {tokens: 256 tok, micro_batches: 8, "
					      "schedule: zb-h1}}\nassignments:\n");
	for (int parts = 6; parts <= 12; parts += 6) {
		str_addf(&text, "- {name: in %d, place: [{on: a0}", parts);
		for (int i = 0; i < parts; i++)
			str_addf(&text, ", {layers: %d-%d, on: a%d}", i * 12 / parts,
				 (i + 1) * 12 / parts - 1, i);
		str_addf(&text, ", {op: head, on: a%d}]}\n", parts - 1);
	}
	fixture_text(&fixture, text.text, NULL);
	ask.w = fixture.world;
	ck_assert_int_eq(goal_parse("train_step_s", &ask.goal, &err), 0);
	s = search_new(&ask);
	while (search_step(s))
		;
	best_s = metric_value(&search_winners(s, &n)[0].values, ask.goal.metric);
	ck_assert_uint_eq(n, 1);
	for (size_t i = 0; i < 2; i++) {
		const struct placement at = fixture_place(&fixture, i);
		struct prediction p;
		struct metric_values v;

		prediction_make(&fixture.arena, &at, &p);
		ck_assert_int_eq(prediction_values(&p, &v, &err), 0);
		ck_assert_double_le(best_s, metric_value(&v, ask.goal.metric) * (1 + 1e-3));
		prediction_release(&p);
	}
	search_free(s);
	fixture_release(&fixture);
	str_release(&text);
}
END_TEST

/* How many layer maps a best-first search gives, and the bound of the first. */
static size_t enumerated(const struct best_first_ask *ask, double *least)
{
	struct best_first *s = best_first_new(ask);
	const struct found *f;
	size_t n = 0;

	best_first_begin(s);
	for (*least = INFINITY; (f = best_first_at(s, n)); n++)
		*least = n ? *least : f->bound;
	best_first_free(s);
	return n;
}

/* A layer map on k equal machines is one of k! that differ by an exchange of them. */
START_TEST(one_of_each_exchange)
{
	static const size_t exchanges[] = {1, 1, 2, 6}, twins[] = {WORLD_NONE, 0, 1};
	struct arena a = ARENA_INIT;
	struct block_costs p;

	fixture_text(&fixture, THREE_EQUAL, NULL);
	block_costs_make(&a, fixture.world, JOB_GENERATE, &p);
	for (unsigned units = 1; units < 8; units++)
		for (unsigned kind = 0; kind <= KIND_OF_PHASE_GROUP; kind++) {
			const struct unit_set set = unit_set_of_bits(units);
			struct best_first_ask ask = {
				&p, 1, units, kind, goal_rate(&p, fixture_metric("e2el_s"), &set), NULL};
			double all_least, least;
			const size_t all = enumerated(&ask, &all_least);

			ask.twins = twins;
			ck_assert_uint_eq(enumerated(&ask, &least) * exchanges[__builtin_popcount(units)],
					  all);
			MUST(least == all_least || fabs(least / all_least - 1) < 1e-12);
		}
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* The best cost; each winner uses a machine only where it uses the twins before it. */
static double best_cost(const char *set, const char *goal)
{
	const char *const sets[] = {set, NULL};
	struct search_ask ask = {.best = 2, .runs_most = 100000};
	size_t before[SPACE_UNITS], n;
	struct err err = ERR_INIT;
	const struct winner *w;
	struct search *s;
	double cost;

	fixture_text(&fixture, THREE_EQUAL, sets);
	ask.w = fixture.world;
	ck_assert_int_eq(goal_parse(goal, &ask.goal, &err), 0);
	twins_find(fixture.world, before);
	s = search_new(&ask);
	while (search_step(s))
		;
	w = search_winners(s, &n);
	ck_assert_uint_gt(n, 1);
	ck_assert(search_counts(s).exact);
	for (size_t i = 0; i < n; i++)
		ck_assert(twins_in_order(before, 3, &w[i].units));
	cost = w[0].cost;
	search_free(s);
	fixture_release(&fixture);
	return cost;
}

START_TEST(nothing_is_missed)
{
	static const char *const goals[] = {"e2el_s", "decode_tok_per_s"};

	/* titles of their own make them unlike, and nothing else */
	ck_assert_double_eq(best_cost(NULL, goals[_i]), best_cost("machines.b.title=another", goals[_i]));
}
END_TEST

/* The units of a state in the order in which its layers use them, and the time of a pass in each phase group. */
static size_t uses(struct arena *a, const struct anneal_space *s, const struct block_costs *p,
		   const struct anneal_state *state, uint8_t first[3], double chain_s[PHASE_GROUPS])
{
	unsigned seen = 0;
	size_t n = 0;

	for (int i = 0; i < PHASE_GROUPS; i++) {
		uint8_t *at = arena_array(a, s->blocks, 1);
		struct layer_map l;

		for (int g = 0; g < GROUPS; g++)
			l.unit[g] = arena_array(a, s->layers, 1);
		anneal_state_layer_map(s, &state->phase_group[state->phases_split ? i : 0], &l, at);
		chain_s[i] = block_costs_sum(p, i, at).chain_s;
		for (size_t b = 0; b < s->blocks; b++)
			if (!(seen >> at[b] & 1)) {
				seen |= 1u << at[b];
				first[n++] = at[b];
			}
	}
	return n;
}

/* A walk over states; each state is exchanged into one that takes the same time and uses the machines that are equal in a
 * set order, and exchanged again stays as it is. */
START_TEST(states_are_exchanged)
{
	struct rng *rng = rng_new(3, "exchanges");
	struct arena a = ARENA_INIT;
	struct anneal_space space;
	struct anneal_state state, again;
	struct block_costs p;

	fixture_text(&fixture, THREE_EQUAL, NULL);
	block_costs_make(&a, fixture.world, JOB_GENERATE, &p);
	anneal_space_make(&a, fixture.world, 1, &space);
	state = anneal_state_alone(&space, 2);
	for (int i = 0; i < 2000; i++) {
		double was_s[PHASE_GROUPS], is_s[PHASE_GROUPS];
		uint8_t first[3];
		size_t n = uses(&a, &space, &p, &state, first, was_s);

		anneal_state_order_twins(&space, &state);
		again = state;
		anneal_state_order_twins(&space, &again);
		MUST(!memcmp(&state, &again, sizeof state));
		MUST(uses(&a, &space, &p, &state, first, is_s) == n);
		for (size_t k = 0; k < n; k++)
			MUST(first[k] < n);
		for (int k = 0; k < PHASE_GROUPS; k++)
			MUST(was_s[k] == is_s[k]);
		anneal_state_move(&space, &state, rng);
	}
	rng_free(rng);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_twins(void)
{
	Suite *s = suite_create("twins");
	TCase *t = tcase_create("twins");

	tcase_set_timeout(t, 0);
	tcase_add_loop_test(t, found, 0, ARRAY_LEN(worlds));
	tcase_add_loop_test(t, found_on_networks, 0, ARRAY_LEN(networks));
	tcase_add_loop_test(t, slots_are_shared, 0, 2);
	tcase_add_test(t, numbers_of_each_kind);
	tcase_add_test(t, many_equal_machines);
	tcase_add_test(t, pipelines_of_equals);
	tcase_add_test(t, in_order);
	tcase_add_test(t, states_are_exchanged);
	tcase_add_test(t, one_of_each_exchange);
	tcase_add_test(t, runtimes_tell_apart);
	tcase_add_loop_test(t, nothing_is_missed, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
