/* check_search.c - the search against brute force, its bounds against the engine, its rules against layer maps. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/search/search.h"
#include "sim/search/best_first.h"
#include "sim/search/generate_search.h"
#include "sim/search/variants.h"
#include "sim/train/train.h"
#include "tests/suites.h"
#include "tests/fixtures.h"
#include "tests/search/layer_maps.h"

static struct fixture fixture;

/* Unlike devices: one multiplies four times as fast, the other reads more than twice as fast. */
#define DEVICE(peak, read)                                                                                   \
	"{cores: 1, peak_f16: " peak ", runtimes: {fixture: {version: none, read: " read ", copy: " read     \
	", gemv: " read                                                                                      \
	", gemm_f16: {roof: 0.1 TFLOPS, sync: 0, points: [{m: 64, n: 64, k: 64, u: 50 %}]}, "                \
	"attention: {points: [{query: 64, context: 64, u: 40 %}], decode: " read                             \
	"}, norm: {kernels: 2, passes: 3}, rope: {kernels: 1, passes: 2}, kv_append: {kernels: 1, passes: "  \
	"0.5}, kv_repeat: {kernels: 0, passes: 0}, scores: {kernels: 3}, linear: {kernels: 1}, activation: " \
	"{kernels: 1, passes: 3}, residual: {kernels: 1, passes: 3}, overhead: {kernel: 3 us, step: 50 "     \
	"us}}}}"
#define MACHINE(device, usable, idle, active, price)                                                         \
	"{schema: lemursim/hardware/1, title: fixture, chip: fixture, memory: {capacity: 1 TB, "             \
	"usable: " usable ", bandwidth: 500 GB/s}, price: " price ", idle_power: " idle                      \
	", active_power: " active ", devices: {gpu: " device "}}"
#define QUICK  DEVICE("0.8 TFLOPS", "20 GB/s")
#define WIDE   DEVICE("0.2 TFLOPS", "50 GB/s")
#define MIDDLE DEVICE("0.4 TFLOPS", "30 GB/s")
#define WIRE(name, a, b, more)                                                                               \
	name ": {schema: lemursim/hardware/1, kind: link, title: fixture, between: [" a ", " b "], " more "}"
#define TWO(model, usable, wire, work)                                                                       \
	FIXTURE_HEAD                                                                                         \
	"model: " model "\nmachines: {a: " MACHINE(QUICK, usable, "5 W", "40 W", "900 USD") ", b: " MACHINE( \
		WIDE, usable, "9 W", "50 W",                                                                 \
		"1900 USD") "}\nlinks: {" WIRE("ab", "a", "b", wire) "}\nworkload: " work                    \
								     "\nassignments: [{name: x, "            \
								     "place: [{on: a}]}]\n"
#define THREE(model, wire, work)                                                                                                                   \
	FIXTURE_HEAD                                                                                                                               \
	"model: " model "\nmachines: {a: " MACHINE(QUICK, "1 TB", "5 W", "40 W", "900 USD") ", b: " MACHINE(                                       \
		WIDE, "1 TB", "9 W", "50 W",                                                                                                       \
		"1900 USD") ", c: " MACHINE(MIDDLE, "1 TB", "6 W", "30 W",                                                                         \
					    "1200 USD") "}\nlinks: {" WIRE("ab", "a", "b",                                                         \
									   wire) ", " WIRE("bc", "b", "c",                                         \
											   wire) ","                                               \
												 " " WIRE(                                         \
													 "c"                                       \
													 "a",                                      \
													 "c",                                      \
													 "a",                                      \
													 wire) "}\nworkload: " work                \
													       "\nassignments: [{name: x, place: " \
													       "[{on: a}]}]\n"
#define MODEL(layers) FIXTURE_MODEL(layers)
#define EXPERTS                                                                                              \
	"{schema: lemursim/model/1, title: fixture, source: none, layers: 3, hidden: 256, vocabulary: "      \
	"1000, "                                                                                             \
	"attention: {heads: 8, kv_heads: 2, head_dim: 32, window: 64 tok, full_every: 2}, ffn: {inner: "     \
	"640}, "                                                                                             \
	"experts: {count: 8, active: 2, inner: 128, shared: 1, first_dense: 1}}"
#define FAST_WIRE "latency: 20 us, bandwidth: 2 GB/s"
#define SLOW_WIRE "latency: 2 ms, bandwidth: 20 MB/s"
#define COPY_WIRE "latency: 50 us, bandwidth: 1 GB/s, send_copy: 1 GB/s, receive_copy: 80 MB/s"
#define HALF_WIRE "latency: 50 us, bandwidth: 1 GB/s, duplex: half"
#define ASK       "{generate: {prompt: 200 tok, tokens: 9 tok}}"
#define CHAT      "{generate: {prompt: 40 tok, tokens: 200 tok}}"
#define TUNE      "{train: {tokens: 64 tok, optimizer: adamw}}"
#define TUNE_4    "{train: {tokens: 64 tok, micro_batches: 4, method: lora, rank: 8}}"

/* ---- brute force ---- */

/* Every way to place the blocks: number `code` in base `units`. Two layers, so no group can come back to a
 * device it has left. */
static struct layer_map layer_map_number(struct arena *a, const struct world *w, size_t code)
{
	const size_t n = w->units_n, layers = (size_t)w->model->layers;
	struct split splits[SPLITS];
	struct layer_map l = {.second = 0};

	ck_assert_uint_eq(space_splits(w->model, splits), 1);
	l.second = splits[0].second;
	for (int g = 0; g < GROUPS; g++) {
		l.unit[g] = arena_array(a, layers, 1);
		for (size_t i = 0; i < layers; i++, code /= n)
			l.unit[g][i] = (uint8_t)(code % n);
	}
	l.embedding = (uint8_t)(code % n);
	l.head = (uint8_t)(code / n % n);
	return l;
}

static size_t layer_maps_of(const struct world *w)
{
	size_t n = 1;

	for (int64_t i = 0; i < 2 * w->model->layers + 2; i++)
		n *= w->units_n;
	return n;
}

/* The rank that the search gives: with ties broken and the complexity penalty. INFINITY where it does not fit. */
static double rank_of(const struct world *w, const struct goal *goal, const struct candidate *c,
		      const struct limit *limit)
{
	struct arena a = ARENA_INIT;
	const struct placement at = candidate_place(&a, w, c);
	const bool same = layer_map_same(w->model, c->phase_group[0], c->phase_group[1]);
	const unsigned kind = layer_map_kind(w->model, c->phase_group[0]) |
			      layer_map_kind(w->model, c->phase_group[1]) | (same ? 0 : HAS_PHASES);
	struct unit_set units = layer_map_used(w->model, c->phase_group[0]);
	const struct unit_set later = layer_map_used(w->model, c->phase_group[1]);
	struct prediction p;
	struct metric_values v;
	double rank = INFINITY;

	unit_set_join(&units, &later);
	prediction_make(&a, &at, &p);
	if (p.jobs[c->job].fits) {
		ck_assert_int_eq(prediction_values(&p, &v, NULL), 0);
		if (!limit || limit_holds(limit, metric_value(&v, limit->metric)))
			rank = (metric_value(&v, goal->minimized) +
				1e-9 * metric_value(&v, metric_compared(c->job))) *
			       search_complexity_penalty(&units, kind);
	}
	prediction_release(&p);
	arena_release(&a);
	return rank;
}

static const struct {
	const char *yaml, *goal, *limit;
	bool pairs; /* every pair of layer maps; else one for both phases, where nothing is gained by two */
} brute[] = {
	{TWO(MODEL("2"), "1 TB", FAST_WIRE, ASK), "e2el_s", NULL, true},
	{TWO(MODEL("2"), "1 TB", COPY_WIRE, CHAT), "e2el_s", NULL, true},
	{TWO(MODEL("2"), "1 TB", FAST_WIRE, TUNE), "train_tok_per_s", NULL, true},
	{TWO(MODEL("2"), "1 TB", HALF_WIRE, ASK), "energy_J_per_tok", NULL, true},
	{TWO(MODEL("2"), "4.2 MB", FAST_WIRE, ASK), "e2el_s", NULL, true},
	{TWO(MODEL("2"), "1 TB", FAST_WIRE, ASK), "usd_per_Mtok", "ttft_s <= 6.2 ms", true},
	{TWO(MODEL("2"), "1 TB", SLOW_WIRE, CHAT), "decode_tok_per_s", NULL, false},
	{TWO(MODEL("2"), "1 TB", FAST_WIRE, ASK), "ttft_s", NULL, false},
	{TWO(MODEL("2"), "3 MB", COPY_WIRE, CHAT), "decode_tok_per_s", NULL, false},
	{THREE(MODEL("2"), FAST_WIRE, ASK), "ttft_s", NULL, false},
	{THREE(MODEL("2"), FAST_WIRE, CHAT), "decode_tok_per_s", NULL, false},
};

static double best_by_force(const struct world *w, const struct goal *goal, bool pairs,
			    const struct limit *limit)
{
	struct arena a = ARENA_INIT;
	const size_t n = layer_maps_of(w);
	struct layer_map *all = arena_array(&a, n, sizeof *all);
	struct variant variants[VARIANTS];
	const size_t variants_n = variants_make(&a, w, goal->metric->job, variants);
	double best = INFINITY;

	for (size_t i = 0; i < n; i++)
		all[i] = layer_map_number(&a, w, i);
	for (size_t i = 0; i < n; i++)
		for (size_t j = pairs ? 0 : i; j < (pairs ? n : i + 1); j++) {
			const struct candidate c = {.job = goal->metric->job,
						    .phase_group = {&all[i], &all[j]}};

			for (size_t v = 0; v < variants_n; v++)
				best = fmin(best, rank_of(variants[v].w, goal, &c, limit));
		}
	arena_release(&a);
	return best;
}

static struct search *searched(const struct world *w, const char *goal, const struct limit *limits, size_t n)
{
	struct search_ask ask = {.w = w, .limits = limits, .limits_n = n, .best = 5, .runs_most = 100000};
	struct err err = ERR_INIT;
	struct search *s;

	ck_assert_int_eq(goal_parse(goal, &ask.goal, &err), 0);
	s = search_new(&ask);
	while (search_step(s))
		;
	return s;
}

START_TEST(as_good_as_brute_force)
{
	struct err err = ERR_INIT;
	struct limit limit;
	struct goal goal;
	struct search *s;
	const struct winner *found;
	size_t n;
	double want;

	fixture_text(&fixture, brute[_i].yaml, NULL);
	ck_assert_int_eq(goal_parse(brute[_i].goal, &goal, &err), 0);
	if (brute[_i].limit)
		ck_assert_int_eq(limit_parse(brute[_i].limit, &limit, &err), 0);
	s = searched(fixture.world, brute[_i].goal, &limit, brute[_i].limit != NULL);
	want = best_by_force(fixture.world, &goal, brute[_i].pairs, brute[_i].limit ? &limit : NULL);
	found = search_winners(s, &n);
	ck_assert_msg(isfinite(want) == (n > 0), "found %zu, by force %g", n, want);
	if (n) {
		ck_assert_msg(fabs(found[0].rank / want - 1) < 1e-8, "found %.12g, by force %.12g",
			      found[0].rank, want);
		ck_assert(search_counts(s).exact);
		ck_assert_double_le(search_counts(s).bound, found[0].cost * (1 + 1e-9));
	}
	for (size_t i = 1; i < n; i++)
		ck_assert_double_le(found[i - 1].rank, found[i].rank);
	search_free(s);
	fixture_release(&fixture);
}
END_TEST

/* ---- bounds ---- */

static struct layer_map random_layer_map(struct arena *a, const struct world *w, struct rng *rng)
{
	const size_t layers = (size_t)w->model->layers;
	struct split splits[SPLITS];
	const size_t n = space_splits(w->model, splits);
	struct layer_map l = {.second = splits[(size_t)(rng_uniform(rng) * (double)n)].second};

	for (int g = 0; g < GROUPS; g++) {
		const size_t cut = (size_t)(rng_uniform(rng) * 2 * (double)layers);
		const size_t from = (size_t)(rng_uniform(rng) * (double)w->units_n),
			     to = (from + 1) % w->units_n;

		l.unit[g] = arena_array(a, layers, 1);
		for (size_t i = 0; i < layers; i++)
			l.unit[g][i] = (uint8_t)(i < cut ? from : to);
	}
	l.embedding = w->model->ends ? (uint8_t)(rng_uniform(rng) * (double)w->units_n) : l.unit[0][0];
	l.head = w->model->ends ? (uint8_t)(rng_uniform(rng) * (double)w->units_n)
				: (uint8_t)layer_map_unit(w->model, &l, model_blocks(w->model) - 2);
	return l;
}

static const struct {
	const char *yaml;
	bool met; /* by one layer map for both phases: one pass at a time, nothing overlaps */
} bounded[] = {
	{TWO(MODEL("5"), "1 TB", FAST_WIRE, ASK), true},
	{TWO(MODEL("5"), "1 TB", COPY_WIRE, CHAT), true},
	{TWO(MODEL("5"), "1 TB", HALF_WIRE, ASK), true},
	{THREE(MODEL("4"), SLOW_WIRE, ASK), true},
	{TWO(EXPERTS, "1 TB", FAST_WIRE, CHAT), false},
	{THREE(EXPERTS, COPY_WIRE, ASK), false},
	{TWO(MODEL("4"), "1 TB", FAST_WIRE,
	     "{generate: {prompt: 200 tok, tokens: 30 tok, batch: 4, "
	     "micro_batches: 2}}"),
	 false},
	{TWO(MODEL("4"), "1 TB", COPY_WIRE, "{generate: {prompt: 200 tok, tokens: 9 tok, chunk: 50 tok}}"),
	 false},
	{TWO(MODEL("4"), "1 TB", FAST_WIRE, TUNE), false},
	{TWO(MODEL("4"), "1 TB", FAST_WIRE, TUNE_4), false},
	{THREE(EXPERTS, FAST_WIRE, TUNE_4), false},
	{TWO(MODEL("4"), "1 TB", COPY_WIRE, "{train: {tokens: 64 tok, micro_batches: 3, recompute: full}}"),
	 false},
	{TWO(MODEL("4"), "1 TB", FAST_WIRE, "{train: {tokens: 64 tok, micro_batches: 3, schedule: zb-h1}}"),
	 false},
};

static void check_bounds(const struct world *w, const struct block_costs *p, const struct candidate *c,
			 bool met)
{
	static const char *const metrics[] = {"ttft_s",
					      "tpot_s",
					      "e2el_s",
					      "energy_J_per_tok",
					      "usd_per_Mtok",
					      "train_step_s",
					      "energy_J_per_train_tok",
					      "usd_per_train_Mtok"};
	struct arena a = ARENA_INIT;
	const struct placement at = candidate_place(&a, w, c);
	const uint8_t *const shard_groups[PHASE_GROUPS] = {layer_map_units(&a, w->model, c->phase_group[0]),
							   layer_map_units(&a, w->model, c->phase_group[1])};
	struct phase_group_sum phase_groups[PHASE_GROUPS] = {block_costs_sum(p, 0, shard_groups[0]),
							     block_costs_sum(p, 1, shard_groups[1])};
	struct prediction run;
	struct metric_values v;

	block_costs_add_handovers(p, shard_groups, phase_groups);
	phase_groups[1].fill_s = c->job == JOB_TRAIN ? block_costs_fill_s(p, shard_groups) : 0;
	prediction_make(&a, &at, &run);
	ck_assert_int_eq(prediction_values(&run, &v, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
		const struct metric_info *m = fixture_metric(metrics[i]);
		const double ran = metric_value(&v, m);
		const struct unit_set later = layer_map_used(w->model, c->phase_group[1]);
		struct unit_set units = layer_map_used(w->model, c->phase_group[0]);
		struct rate r;
		double bound;

		if (m->job != c->job)
			continue;
		unit_set_join(&units, &later);
		r = goal_rate(p, m, &units);
		bound = rate_bound(p, &r, phase_groups);
		ck_assert_msg(bound <= ran * (1 + 1e-6), "%s: bound %.9g, ran %.9g (%s)", m->name, bound, ran,
			      candidate_words(&a, w, c));
		if (met && !strcmp(m->name, "e2el_s"))
			ck_assert_msg(bound + block_costs_token_s(p, 0, shard_groups[0], shard_groups[1]) >
					      ran * (1 - 1e-5),
				      "%s: bound %.9g, ran %.9g (%s)", m->name, bound, ran,
				      candidate_words(&a, w, c));
	}
	prediction_release(&run);
	arena_release(&a);
}

START_TEST(no_run_beats_its_bound)
{
	struct rng *rng = rng_new((uint64_t)_i, "bounds");
	struct arena a = ARENA_INIT;
	struct block_costs p;
	enum job job;

	fixture_text(&fixture, bounded[_i].yaml, NULL);
	job = fixture.world->scenario->workload.train ? JOB_TRAIN : JOB_GENERATE;
	block_costs_make(&a, fixture.world, job, &p);
	for (int i = 0; i < 60; i++) {
		const struct layer_map x = random_layer_map(&a, fixture.world, rng),
				       y = random_layer_map(&a, fixture.world, rng);
		const struct candidate one = {.job = job, .phase_group = {&x, &x}},
				       two = {.job = job, .phase_group = {&x, &y}};

		check_bounds(fixture.world, &p, &one, bounded[_i].met);
		check_bounds(fixture.world, &p, &two, false);
	}
	rng_free(rng);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* ---- few micro-batches for many ---- */

#define OF_MANY(work) TWO(MODEL("3"), "1 TB", COPY_WIRE, "{train: {tokens: 64 tok, " work "}}")
static const char *const many[] = {
	OF_MANY("micro_batches: 9"),
	OF_MANY("micro_batches: 11, recompute: full, optimizer: adamw"),
	OF_MANY("micro_batches: 7, schedule: zb-h1, recompute: selective"),
	OF_MANY("micro_batches: 12, schedule: gpipe, method: lora, rank: 4, targets: [q, down]"),
};

static void same_costs(const double *a, const double *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(fabs(a[i] - b[i]) <= 1e-12 * fabs(b[i]), "%.17g, %.17g are expected", a[i],
			      b[i]);
}

/* Compares the costs of forward on u and backward on v with those of all tasks of such a step. */
static void compare_with_whole(const struct block_costs *p, size_t u, size_t v)
{
	enum { PARTS = sizeof(struct handover) / sizeof(double) };
	struct arena a = ARENA_INIT;
	const size_t pair = unit_slots_pair(&p->slots, u, v);
	const struct layer_map here = layer_map_all_on(&a, p->w, u), there = layer_map_all_on(&a, p->w, v);
	const struct candidate c = {.job = JOB_TRAIN, .phase_group = {&here, &there}};
	const struct placement at = candidate_place(&a, p->w, &c);
	struct program *program = train_build(&at);
	struct block_costs q = *p;

	for (int g = 0; g < PHASE_GROUPS; g++) {
		q.busy_s[g] = arena_array(&a, p->blocks * p->units, sizeof(double));
		q.chain_s[g] = arena_array(&a, p->blocks * p->units, sizeof(double));
	}
	q.handovers = arena_array(&a, p->blocks * p->pairs, sizeof *q.handovers);
	block_costs_add_program(&q, program, u, 0, 1, 1);
	block_costs_add_program(&q, program, v, 1, 1, 1);
	block_costs_add_transfers(&q, program, u, v, 1);
	for (size_t b = 0; b < p->blocks; b++) {
		for (int g = 0; g < PHASE_GROUPS; g++) {
			const size_t i = b * p->units + (g ? v : u);

			same_costs(&p->busy_s[g][i], &q.busy_s[g][i], 1);
			same_costs(&p->chain_s[g][i], &q.chain_s[g][i], 1);
		}
		same_costs((const double *)&p->handovers[b * p->pairs + pair],
			   (const double *)&q.handovers[b * p->pairs + pair], PARTS);
	}
	program_free(program);
	arena_release(&a);
}

/* A step of many micro-batches is costed from one of few. */
START_TEST(many_micro_batches_cost_as_all)
{
	struct arena a = ARENA_INIT;
	struct block_costs p;

	fixture_text(&fixture, many[_i], NULL);
	block_costs_make(&a, fixture.world, JOB_TRAIN, &p);
	compare_with_whole(&p, 0, 1);
	compare_with_whole(&p, 1, 0);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* ---- best first ---- */

/* All best-first searches together give every layer map once, each in the order of its bound and of its own kind. */
START_TEST(best_first_gives_every_layer_map_once)
{
	static const char *const worlds[] = {TWO(MODEL("2"), "1 TB", FAST_WIRE, ASK),
					     THREE(MODEL("2"), FAST_WIRE, ASK)};
	struct arena a = ARENA_INIT;
	struct block_costs p;
	const struct world *w;
	size_t total = 0;

	fixture_text(&fixture, worlds[_i], NULL);
	w = fixture.world;
	block_costs_make(&a, w, JOB_GENERATE, &p);
	for (unsigned units = 1; units < 1u << w->units_n; units++)
		for (unsigned kind = 0; kind <= KIND_OF_PHASE_GROUP; kind++) {
			const struct unit_set set = unit_set_of_bits(units);
			const struct best_first_ask ask = {
				&p, 3, units, kind, goal_rate(&p, fixture_metric("e2el_s"), &set), NULL};
			struct best_first *s = best_first_new(&ask);
			const struct found *f, *before = NULL;

			best_first_begin(s);
			for (size_t i = 0; (f = best_first_at(s, i)); i++, before = f, total++) {
				MUST(layer_map_kind(w->model, &f->layer_map) == kind);
				MUST(layer_map_used(w->model, &f->layer_map).of[0] == units);
				MUST(!before || before->bound <= f->bound * (1 + 1e-12));
				MUST(!before || !layer_map_same(w->model, &before->layer_map, &f->layer_map));
				MUST(i > 0 || fabs(best_first_lower_bound(s) / f->bound - 1) < 1e-12);
			}
			best_first_free(s);
		}
	ck_assert_uint_eq(total, layer_maps_of(w));
	ck_assert_double_eq(space_count(w->model, w->units_n), (double)total);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* ---- what is said of a candidate ---- */

/* Rules give the layer map that the search found. */
START_TEST(rules_give_the_same_layer_map)
{
	struct rng *rng = rng_new((uint64_t)_i, "rules");
	struct arena a = ARENA_INIT;
	const char *yaml = _i % 2 ? THREE(EXPERTS, FAST_WIRE,
					  "{generate: {prompt: 9 tok, tokens: 2 tok}, "
					  "train: {tokens: 4 tok}}")
				  : TWO(MODEL("5"), "1 TB", FAST_WIRE, TUNE);
	struct fixture other;

	fixture_text(&fixture, yaml, NULL);
	for (int i = 0; i < 10; i++) {
		const struct layer_map x = random_layer_map(&a, fixture.world, rng),
				       y = random_layer_map(&a, fixture.world, rng);
		const struct candidate c = {.job = _i % 4 < 2 || !fixture.world->scenario->workload.generate
							   ? JOB_TRAIN
							   : JOB_GENERATE,
					    .phase_group = {i % 2 ? &x : &y, &y}};
		const struct placement want = candidate_place(&a, fixture.world, &c);
		const char *sets[] = {arena_printf(&a, "assignments=[{name: \"%s\", place: %s}]",
						   candidate_words(&a, fixture.world, &c),
						   candidate_rules(&a, fixture.world, &c)),
				      NULL};
		struct placement got;

		fixture_text(&other, yaml, sets);
		got = fixture_place(&other, 0);
		for (int phase = 0; phase < PHASE_N; phase++) {
			MUST(!got.shard_groups[phase] == !want.shard_groups[phase]);
			for (size_t b = 0; got.shard_groups[phase] && b < got.blocks_n; b++)
				MUST(got.shard_groups[phase][b].unit[0] ==
				     want.shard_groups[phase][b].unit[0]);
		}
		fixture_release(&other);
	}
	rng_free(rng);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

static const struct {
	const char *text, *msg;
	const char *metric;
	bool at_least;
	double value;
} limits[] = {
	{"ttft_s <= 2 s", NULL, "ttft_s", false, 2},
	{"ttft_s<=250 ms", NULL, "ttft_s", false, 0.25},
	{"decode_tok_per_s >=8 tok/s", NULL, "decode_tok_per_s", true, 8},
	{"decode_tok_per_s > 8 tok/s", "a limit is '<=' or '>=', not '>', in 'decode_tok_per_s > 8 tok/s'",
	 NULL, false, 0},
	{"usd_per_Mtok <= 1.5 USD/Mtok", NULL, "usd_per_Mtok", false, 1.5},
	{"mfu >= 40 %", NULL, "mfu", true, 0.4},
	{"ttft_s = 2 s", "expected a limit like 'ttft_s <= 2 s', got 'ttft_s = 2 s'", NULL, false, 0},
	{"ttft_s", "expected a limit like 'ttft_s <= 2 s', got 'ttft_s'", NULL, false, 0},
	{"ttft <= 2 s", "unknown metric 'ttft'", NULL, false, 0},
	{"ttft_s <= 2", "expected a unit such as 'us' after the number in '2'", NULL, false, 0},
	{"usd_per_Mtok <= 3", "expected a number of USD/Mtok, got '3'", NULL, false, 0},
	{"energy_J_per_tok <= x J/tok", "expected a number of J/tok, got 'x J/tok'", NULL, false, 0},
};

START_TEST(limits_are_read)
{
	struct err err = ERR_INIT;
	struct limit l = {.value = -1};
	const int rc = limit_parse(limits[_i].text, &l, &err);

	ck_assert_int_eq(rc, limits[_i].msg ? -1 : 0);
	if (limits[_i].msg) {
		ck_assert_str_eq(err.msg, limits[_i].msg);
		return;
	}
	ck_assert_str_eq(l.metric->name, limits[_i].metric);
	ck_assert_int_eq(l.at_least, limits[_i].at_least);
	ck_assert_double_eq(l.value, limits[_i].value);
}
END_TEST

/* A model that no machine holds is cut; one that all of them together do not hold has no answer. */
START_TEST(memory_is_a_constraint)
{
	static const char *const sets[][3] = {
		{NULL},
		{"machines.a.memory.usable=4.2 MB", "machines.b.memory.usable=4.2 MB"},
		{"machines.a.memory.usable=1 MB", "machines.b.memory.usable=1 MB"}};
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		const struct winner *found;
		struct search *s;

		fixture_text(&fixture, TWO(MODEL("2"), "1 TB", FAST_WIRE, ASK), sets[i]);
		s = searched(fixture.world, "e2el_s", NULL, 0);
		found = search_winners(s, &n);
		ck_assert_uint_eq(n > 0, i < 2);
		ck_assert_int_eq(search_alone(s) != NULL, i == 0);
		if (i == 1)
			ck_assert_uint_eq(found[0].units.of[0], 3);
		search_free(s);
		fixture_release(&fixture);
	}
}
END_TEST

/* A device that stands for ranks of a tensor split is searched as `simulate` runs it: here with half the memory and half
 * the work of each block. */
START_TEST(devices_stand_for_equals)
{
	static const char yaml[] = FIXTURE_HEAD "model: " MODEL("2") "\nmachines: {a: " MACHINE(
		QUICK, "1 TB", "5 W", "40 W",
		"900 USD") "}\n"
			   "links: {t: {schema: lemursim/hardware/1, kind: link, title: fixture, equals: "
			   "tensor, " FAST_WIRE
			   "}}\nworkload: {train: {tokens: 64 tok, optimizer: adamw, tensor_parallel: 2}}\n"
			   "assignments: [{name: x, place: [{on: a}]}]\n";
	static const char *const kept[] = {"train_step_s", "train_tok_per_s"};
	char usable[64];
	const char *const less[] = {usable, NULL};
	struct placement at;
	struct prediction p;
	struct metric_values v;
	double whole_B;

	fixture_text(&fixture, yaml, NULL);
	at = fixture_place(&fixture, 0);
	prediction_make(&fixture.arena, &at, &p);
	ck_assert_int_eq(prediction_values(&p, &v, NULL), 0);
	whole_B = footprint_need_B(&p.jobs[JOB_TRAIN].footprint[0]);
	prediction_release(&p);
	fixture_release(&fixture);
	snprintf(usable, sizeof usable, "machines.a.memory.usable=%.0f B", whole_B * 1.1);
	fixture_text(&fixture, yaml, less);
	{
		struct search *s = searched(fixture.world, "train_step_s", NULL, 0);
		const struct winner *found;
		size_t n;

		found = search_winners(s, &n);
		ck_assert_uint_eq(n, 1);
		for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
			const struct metric_info *m = fixture_metric(kept[i]);

			ck_assert_double_eq(metric_value(&found[0].values, m), metric_value(&v, m));
		}
		search_free(s);
	}
	fixture_release(&fixture);
}
END_TEST

/* A budget that ends the search is said. */
START_TEST(a_budget_ends_it)
{
	struct search_ask ask = {.best = 5, .runs_most = 1};
	struct err err = ERR_INIT;
	struct search *s;
	size_t n;

	fixture_text(&fixture, TWO(MODEL("2"), "1 TB", FAST_WIRE, ASK), NULL);
	ask.w = fixture.world;
	ck_assert_int_eq(goal_parse("e2el_s", &ask.goal, &err), 0);
	s = search_new(&ask);
	while (search_step(s))
		;
	search_winners(s, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(search_counts(s).run, 1);
	ck_assert(!search_counts(s).exact);
	search_free(s);
	fixture_release(&fixture);
}
END_TEST

/* Whoever waits is told how far it is, and may end it: what was found by then is kept. */
START_TEST(it_can_be_stopped)
{
	struct search_ask ask = {.best = 5, .runs_most = 1000, .anneal = _i};
	struct err err = ERR_INIT;
	struct search_progress at;
	struct search *s;
	size_t steps = 0, n;

	fixture_text(&fixture, TWO(MODEL("2"), "1 TB", FAST_WIRE, ASK), NULL);
	ask.w = fixture.world;
	ck_assert_int_eq(goal_parse("e2el_s", &ask.goal, &err), 0);
	s = search_new(&ask);
	at = search_progress(s);
	ck_assert(isnan(at.best) && at.run == 0 && (at.of_chains > 0) == ask.anneal);
	for (int i = 0; i < 2; i++)
		ck_assert(search_step(s));
	at = search_progress(s);
	ck_assert(ask.anneal ? at.chains == 2 && at.run == 0 : at.run > 0);
	ck_assert(at.bound > 0 && at.bound <= at.best);
	search_stop(s);
	while (search_step(s))
		steps++;
	search_winners(s, &n);
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_le(steps, ask.anneal ? 12 : 0);
	ck_assert(!search_counts(s).exact);
	search_free(s);
	fixture_release(&fixture);
}
END_TEST

/* A search that is looked at before every step finds what it finds unseen, and is told no more than is true. */
START_TEST(looking_changes_nothing)
{
	struct search_ask ask = {.best = 2, .runs_most = 50, .anneal = true};
	struct err err = ERR_INIT;
	size_t run[2];
	double cost[2], rate[2];

	fixture_text(&fixture, TWO(MODEL("2"), "1 TB", FAST_WIRE, ASK), NULL);
	ask.w = fixture.world;
	ck_assert_int_eq(goal_parse("decode_tok_per_s", &ask.goal, &err), 0);
	for (int seen = 0; seen < 2; seen++) {
		struct search *s = search_new(&ask);
		double best = 0;
		size_t n;

		do {
			const struct search_progress at =
				seen ? search_progress(s) : (struct search_progress){.best = NAN};

			ck_assert(isnan(at.best) ||
				  (at.best >= best * (1 - 1e-9) && at.best <= at.bound * (1 + 1e-9)));
			best = isnan(at.best) ? best : at.best;
		} while (search_step(s));
		run[seen] = search_counts(s).run;
		cost[seen] = search_winners(s, &n)->cost;
		rate[seen] = metric_value(&search_winners(s, &n)->values, ask.goal.metric);
		ck_assert(!seen || (best > 0 && best <= rate[seen] * (1 + 1e-9)));
		search_free(s);
	}
	ck_assert_uint_eq(run[0], run[1]);
	ck_assert(cost[0] == cost[1] && rate[0] == rate[1]);
	fixture_release(&fixture);
}
END_TEST

START_TEST(groups_are_counted_in_words)
{
	struct arena a = ARENA_INIT;

	ck_assert_str_eq(generate_search.trial_words(&a, "1"), "1 group");
	ck_assert_str_eq(generate_search.trial_words(&a, "4"), "4 groups");
	arena_release(&a);
}
END_TEST

Suite *suite_search(void)
{
	Suite *s = suite_create("search");
	TCase *tc = tcase_create("search");

	tcase_add_loop_test(tc, as_good_as_brute_force, 0, ARRAY_LEN(brute));
	tcase_add_loop_test(tc, many_micro_batches_cost_as_all, 0, ARRAY_LEN(many));
	tcase_add_loop_test(tc, no_run_beats_its_bound, 0, ARRAY_LEN(bounded));
	tcase_add_loop_test(tc, best_first_gives_every_layer_map_once, 0, 2);
	tcase_add_loop_test(tc, rules_give_the_same_layer_map, 0, 4);
	tcase_add_loop_test(tc, limits_are_read, 0, ARRAY_LEN(limits));
	tcase_add_test(tc, memory_is_a_constraint);
	tcase_add_test(tc, devices_stand_for_equals);
	tcase_add_test(tc, a_budget_ends_it);
	tcase_add_loop_test(tc, it_can_be_stopped, 0, 2);
	tcase_add_test(tc, looking_changes_nothing);
	tcase_add_test(tc, groups_are_counted_in_words);
	suite_add_tcase(s, tc);
	return s;
}
