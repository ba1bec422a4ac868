/* check_pipelines.c - on many unlike machines in a network the search against pipelines cut by hand. */
#include <check.h>
#include <math.h>

#include "sim/base/rng.h"
#include "sim/search/search.h"
#include "tests/suites.h"
#include "tests/fixtures.h"
#include "tests/search/layer_maps.h"

enum { BUDGET = 40, MACHINES = 6 };
/* One layer more or less on a device, which another share rounds to, makes as much of a difference. */
static const double one_layer = 0.01;

static struct fixture fixture;

static const char *const bases[] = {"apple-m4-10c-16gb", "apple-m2-8c-8gb", "apple-m3-pro-18c-18gb",
				    "apple-m4-pro-16c-24gb"};
static const char *const networks[] = {"ring: thunderbolt-4-tcp", "chain: thunderbolt-4-tcp",
				       "switch: ethernet-1g"};

/* Machines of four kinds in any order; the model's precision says how narrow their memory is. */
static void random_world(struct rng *rng, const char *model, const char *weights, const char *network)
{
	struct str text = STR_INIT;

	str_addf(&text,
		 "schema: lemursim/scenario/1\ntitle: t\nmodel: %s\nprecision: {weights: %s, kv: f16, "
		 "compute: f16}\nruntime: llama.cpp\nmachines: {",
		 model, weights);
	for (int i = 0; i < MACHINES; i++)
		str_addf(&text, "%sm%d: %s", i ? ", " : "", i,
			 bases[(size_t)(rng_uniform(rng) * (double)ARRAY_LEN(bases)) % ARRAY_LEN(bases)]);
	str_addf(&text,
		 "}\ntopology: {%s}\nworkload: {generate: {prompt: 600 tok, tokens: 9 tok, batch: 6, "
		 "micro_batches: 6}}\nassignments: [{name: x, place: [{on: m0}]}]\n",
		 network);
	fixture_text(&fixture, text.text, NULL);
	str_release(&text);
}

static struct search *searched(const struct goal *goal, bool stopped)
{
	const struct search_ask ask = {
		.w = fixture.world, .goal = *goal, .best = 1, .runs_most = BUDGET, .seed = 1};
	struct search *s = search_new(&ask);

	if (stopped)
		search_stop(s);
	while (search_step(s))
		;
	return s;
}

/* The rank of one layer map for both phases, as the search gives it; INFINITY where it does not fit. */
static double rank_of(const struct goal *goal, const struct layer_map *l)
{
	const struct world *w = fixture.world;
	const struct candidate c = {JOB_GENERATE, {l, l}, NULL, NULL};
	const struct unit_set units = layer_map_used(w->model, l);
	struct arena a = ARENA_INIT;
	const struct placement at = candidate_place(&a, w, &c);
	struct prediction p;
	struct metric_values v;
	double rank = INFINITY;

	prediction_make(&a, &at, &p);
	if (p.jobs[JOB_GENERATE].fits) {
		ck_assert_int_eq(prediction_values(&p, &v, NULL), 0);
		rank = metric_value(&v, goal->minimized) *
		       search_complexity_penalty(&units, layer_map_kind(w->model, l));
	}
	prediction_release(&p);
	arena_release(&a);
	return rank;
}

/* Of a set of machines (bits) each the layers that its share comes to, in the order of the network. */
static double by_hand(const struct goal *goal, unsigned set, const double *share)
{
	const size_t layers = (size_t)fixture.world->model->layers;
	struct arena a = ARENA_INIT;
	struct layer_map l = layer_map_all_on(&a, fixture.world, 0);
	double sum = 0, upto = 0, rank;
	size_t layer = 0;

	for (size_t u = 0; u < MACHINES; u++)
		sum += set >> u & 1 ? share[u] : 0;
	for (size_t u = 0; u < MACHINES; u++) {
		if (!(set >> u & 1))
			continue;
		upto += share[u];
		for (; layer < layers && (double)layer < (double)layers * upto / sum - 0.5; layer++)
			for (int g = 0; g < GROUPS; g++)
				l.unit[g][layer] = (uint8_t)u;
	}
	for (; layer < layers; layer++) /* what rounding left */
		for (int g = 0; g < GROUPS; g++)
			l.unit[g][layer] = l.unit[g][layer - 1];
	l.embedding = l.unit[0][0];
	l.head = l.unit[0][layers - 1];
	rank = rank_of(goal, &l);
	arena_release(&a);
	return rank;
}

/* The best over all sets by memory and by how fast a machine multiplies. */
static double best_by_hand(const struct goal *goal)
{
	const struct world *w = fixture.world;
	double memory[MACHINES], cores[MACHINES], best = INFINITY;

	for (size_t u = 0; u < MACHINES; u++) {
		memory[u] = w->machines[w->units[u].machine].memory.usable.value;
		cores[u] = (double)w->units[u].device->cores;
	}
	for (unsigned set = 1; set < 1u << MACHINES; set++) {
		best = fmin(best, by_hand(goal, set, memory));
		best = fmin(best, by_hand(goal, set, cores));
	}
	return best;
}

static const struct {
	const char *model, *weights, *goal;
} asked[] = {{"qwen3-8b", "f16", "e2el_s"}, /* no machine has the memory alone */
	     {"qwen3-8b", "q4_K_M", "ttft_s"},
	     {"qwen3-8b", "q8_0", "decode_tok_per_s"}};

START_TEST(no_worse_than_by_hand)
{
	const size_t k = (size_t)_i % ARRAY_LEN(asked);
	struct rng *rng = rng_new((uint64_t)_i, "pipelines");
	struct err err = ERR_INIT;
	struct goal goal;
	double want;
	size_t n;

	random_world(rng, asked[k].model, asked[k].weights,
		     networks[(size_t)_i / ARRAY_LEN(asked) % ARRAY_LEN(networks)]);
	ck_assert_int_eq(goal_parse(asked[k].goal, &goal, &err), 0);
	want = best_by_hand(&goal);
	ck_assert(isfinite(want));
	for (int stopped = 0; stopped < 2; stopped++) { /* before the first chain, too */
		struct search *s = searched(&goal, stopped);
		const struct winner *found = search_winners(s, &n);

		ck_assert(search_counts(s).annealed);
		ck_assert_uint_eq(n, 1);
		ck_assert_uint_le(search_counts(s).run, BUDGET);
		ck_assert_msg(found->rank <= want * (1 + one_layer), "found %.12g, by hand %.12g",
			      found->rank, want);
		search_free(s);
	}
	rng_free(rng);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_pipelines(void)
{
	Suite *s = suite_create("pipelines");
	TCase *tc = tcase_create("pipelines");

	tcase_add_loop_test(tc, no_worse_than_by_hand, 0, how_many(3, 18));
	suite_add_tcase(s, tc);
	return s;
}
