/*
 * check_assignments.c - random rules over models of every kind: they make a placement, its programs obey what
 * runs must obey, and do all of the model's work, each part once.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/llm/memory.h"
#include "sim/place/shard_sizes.h"
#include "sim/step/generate.h"
#include "sim/step/walk.h"
#include "tests/invariants.h"
#include "tests/suites.h"

static struct fixture fixture;

#define APART                                                                                                \
	"\nmachines: {a: " FIXTURE_MACHINE ", b: " FIXTURE_MACHINE ", c: " FIXTURE_MACHINE                   \
	", d: " FIXTURE_MACHINE                                                                              \
	"}\nlinks: {ab: " FIXTURE_LINK("a", "b") ", bc: " FIXTURE_LINK("b", "c") ", ca: " FIXTURE_LINK(      \
		"c",                                                                                         \
		"a") ", da: " FIXTURE_LINK("d",                                                              \
					   "a") ", db: " FIXTURE_LINK("d",                                   \
								      "b") ", dc: " FIXTURE_LINK("d",        \
												 "c") "}"    \
												      "\n" FIXTURE_WORKLOAD
#define PAIRS                                                                                                \
	"\nmachines: {a: " FIXTURE_MACHINE_2 ", b: " FIXTURE_MACHINE_2                                       \
	"}\nlinks: {ab: " FIXTURE_LINK("a", "b") "}\n" FIXTURE_WORKLOAD

static const struct {
	const char *text;
	const char *sets[4];
} worlds[] = {
	{FIXTURE_HEAD "model: " FIXTURE_MODEL("3") APART, {NULL}},
	{FIXTURE_HEAD "model: " FIXTURE_MOE("4") APART, {NULL}},
	{FIXTURE_HEAD "model: " FIXTURE_MOE("3") APART,
	 {"model.experts.skew=1.2", "model.experts.shared=0", "links.ab.send_copy=1 GB/s", NULL}},
	{FIXTURE_HEAD "model: " FIXTURE_MOE("3") APART,
	 {"model.post_norms=true", "links.da.all_reduce=tree", "links.ab.collective_latency=30 us", NULL}},
	{FIXTURE_HEAD "model: " FIXTURE_MOE("5") APART,
	 {"model.experts.every=2", "model.experts.active=16", NULL}},
	{FIXTURE_HEAD "model: " FIXTURE_MLA("3") APART, {NULL}},
	{FIXTURE_HEAD "model: " FIXTURE_MLA("2") APART, {"model.ends=false", "model.norms=false", NULL}},
	{FIXTURE_HEAD "model: " FIXTURE_WINDOWS("4") APART, {NULL}},
	{FIXTURE_HEAD "model: " FIXTURE_WINDOWS("3") APART, {"links.ca.duplex=half", NULL}},
	{FIXTURE_HEAD "model: " FIXTURE_MOE("3") PAIRS, {NULL}},
	{FIXTURE_HEAD "model: " FIXTURE_MLA("2") PAIRS, {"links.ab.duplex=half", NULL}},
	{FIXTURE_HEAD "model: " FIXTURE_WINDOWS("3") PAIRS, {"links.ab.bandwidth=30 MB/s", NULL}},
};

static size_t below(struct rng *rng, size_t n)
{
	return (size_t)(rng_uniform(rng) * (double)n);
}

/* "[a, c, b], split: tensor, shares: [20 %, 35 %, 45 %]" of some units; alone: just one. */
static void add_devices(struct str *s, struct rng *rng, const char *split)
{
	const struct world *w = fixture.world;
	const size_t n = split ? 2 + below(rng, w->units_n - 1) : 1, first = below(rng, w->units_n);
	int left = 100;

	str_add(s, n > 1 ? "[" : "");
	for (size_t i = 0; i < n; i++)
		str_addf(s, "%s%s", i ? ", " : "", w->units[(first + i) % w->units_n].name);
	str_add(s, n > 1 ? "]" : "");
	if (!split)
		return;
	str_addf(s, ", split: %s", split);
	if (rng_uniform(rng) < 0.4 &&
	    (strcmp(split, "tensor") != 0 || w->model->attention.kv_heads % (int64_t)n == 0))
		return; /* heads that devices cannot share evenly need shares */
	str_add(s, ", shares: [");
	for (size_t i = 0; i < n; i++) {
		const int most = left - 10 * (int)(n - 1 - i);
		const int share = i + 1 == n ? left : 10 + (int)below(rng, (size_t)(most - 10 + 1));

		str_addf(s, "%s%d %%", i ? ", " : "", share);
		left -= share;
	}
	str_add(s, "]");
}

static void add_rule(struct str *s, struct rng *rng, bool splits)
{
	static const char *const phases[] = {"prefill", "decode", "[prefill, decode]"};
	const struct model *m = fixture.world->model;
	const int64_t layer = (int64_t)below(rng, (size_t)m->layers);
	enum role role = (enum role)below(rng, ROLE_N);
	const bool tensor = splits && rng_uniform(rng) < 0.3;
	/* the toys have few heads, and not as many devices as that */
	bool heads = role == ROLE_ATTENTION && m->attention.kv_heads < 4;

	while (!model_has(m, role) || (!m->ends && (role == ROLE_EMBEDDING || role == ROLE_HEAD)))
		role = (enum role)below(rng, ROLE_N);
	heads = role == ROLE_ATTENTION && m->attention.kv_heads < 4;
	str_addf(s, ", {op: %s", role_names[role]);
	if (rng_uniform(rng) < 0.4)
		str_addf(s, ", layers: %lld-%lld", (long long)layer,
			 (long long)(layer + (int64_t)below(rng, (size_t)(m->layers - layer))));
	if (splits && rng_uniform(rng) < 0.6)
		str_addf(s, ", phase: %s", phases[below(rng, ARRAY_LEN(phases))]);
	str_add(s, ", on: ");
	add_devices(s, rng,
		    splits && role == ROLE_EXPERTS && rng_uniform(rng) < 0.6 ? "experts"
		    : tensor && !heads                                       ? "tensor"
									     : NULL);
	str_add(s, "}");
}

/* A rule for everything, and up to eight more. */
static const char *random_rules(struct rng *rng, bool splits)
{
	struct str s = STR_INIT;
	const char *text;

	str_add(&s, "assignments.0.place=[{on: ");
	add_devices(&s, rng,
		    splits && fixture.world->model->attention.kv_heads >= 4 && rng_uniform(rng) < 0.2
			    ? "tensor"
			    : NULL);
	str_add(&s, "}");
	for (size_t n = below(rng, 9); n; n--)
		add_rule(&s, rng, splits);
	str_add(&s, "]");
	text = arena_strdup(&fixture.arena, s.text);
	str_release(&s);
	return text;
}

/* ---- all work, each part once ---- */

struct work {
	double flop, bytes;
};

/* On how many devices an operator is done whole. */
static double times(const struct placement *at, enum phase phase, size_t block, const struct op *op)
{
	const struct model *m = at->world->model;
	const struct shards *shard_groups = at->shard_groups[phase], *s = &shard_groups[block];
	const struct block k = model_block(m, block);
	const bool sum = op->kind == OP_RESIDUAL || (op->kind == OP_NORM && strcmp(op->name, "norm"));
	const bool ends = sum && (k.part.role == ROLE_EXPERTS || k.part.role == ROLE_SHARED);

	if (ends) { /* where the experts end */
		const size_t experts = model_block_of(m, ROLE_EXPERTS, k.layer);

		s = &shard_groups[shard_groups[experts].by_experts ? model_block_of(m, ROLE_ROUTER, k.layer)
								   : experts];
		return s->n;
	}
	if (s->by_experts)
		return 1;
	return op->split == SPLIT_NONE ? s->n : 1;
}

static void add_pass(const struct placement *at, enum phase phase, const struct shape *s, struct work *sum)
{
	const struct world *w = at->world;
	const struct device_model device_model = program_device_model(&fixture.arena, w, 0);

	for (size_t b = walk_first(w); b <= walk_last(w); b++) {
		struct op ops[GRAPH_OPS];
		const size_t n = graph_block(w->model, &w->scenario->precision, s,
					     model_block(w->model, b).part, phase, ops);

		for (size_t i = 0; i < n; i++) {
			const struct cost c = cost_of(&ops[i], &device_model, 1);
			const double all = times(at, phase, b, &ops[i]);

			sum->flop += c.flop * all;
			/* a latent is read whole by each device of a split */
			sum->bytes += c.bytes * (ops[i].kv_of_all ? at->shard_groups[phase][b].n : all);
		}
	}
}

static struct work done(const struct program *p)
{
	struct work sum = {0, 0};

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct op_class *c = &p->op_classes.at[p->tasks.at[i].op_class];

		if (c->kind == CLASS_OP) {
			sum.flop += c->cost.flop;
			sum.bytes += c->cost.bytes;
		}
	}
	return sum;
}

static void same_work(const struct work *a, const struct work *b)
{
	MUST(fabs(a->flop - b->flop) <= 1e-9 * b->flop);
	MUST(fabs(a->bytes - b->bytes) <= 1e-9 * b->bytes);
}

static void obeys_work(const struct placement *at)
{
	const struct generate g = placement_generate(at);
	const struct shape prompt = {.batch = g.batch, .tokens = g.prompt},
			   token = {.batch = g.batch, .tokens = 1, .past = g.prompt},
			   next = {.batch = g.batch, .tokens = 1, .past = g.prompt + 1};
	struct generate_programs programs = generate_build(at);
	struct work want = {0, 0}, got = done(programs.first);

	add_pass(at, PHASE_PREFILL, &prompt, &want);
	add_pass(at, PHASE_DECODE, &token, &want);
	same_work(&got, &want);
	want = (struct work){0, 0};
	got = done(programs.later[0]);
	add_pass(at, PHASE_DECODE, &next, &want);
	same_work(&got, &want);
	generate_free(&programs);
}

/* Weights: of a phase's blocks each machine has its share and no more; all shares make one, but for what each
 * device of a split has whole. */
static void obeys_shares(const struct placement *at)
{
	const enum phase phases[] = {PHASE_PREFILL, PHASE_DECODE};
	const struct world *w = at->world;

	for (size_t b = walk_first(w); b <= walk_last(w); b++) {
		double sum[2] = {0, 0};

		for (size_t m = 0; m < w->machines_n; m++) {
			const double both = shard_sizes_held(at, phases, 2, b, m);
			double most = 0;

			for (int i = 0; i < 2; i++) {
				const double one = shard_sizes_held(at, &phases[i], 1, b, m);

				sum[i] += one;
				most = fmax(most, one);
			}
			MUST(both >= most - 1e-9 && both <= 1 + 1e-9);
		}
		MUST(fabs(sum[0] - 1) < 1e-9 && fabs(sum[1] - 1) < 1e-9);
	}
}

enum { SEEDS = 60, SEEDS_QUICK = 15 };
START_TEST(random_assignments)
{
	const size_t w = (size_t)_i % ARRAY_LEN(worlds);
	const bool trains = (size_t)_i / ARRAY_LEN(worlds) % 3 == 0;
	const char *sets[8] = {trains ? "title=toy" : "workload.train=null"};
	struct rng *rng = rng_new((uint64_t)_i, "assignments");
	struct placement p;
	size_t n = 1;

	for (size_t i = 0; worlds[w].sets[i]; i++)
		sets[n++] = worlds[w].sets[i];
	fixture_text(&fixture, worlds[w].text, sets);
	sets[n] = random_rules(rng, !trains);
	{
		struct arena a = ARENA_INIT;

		sets[n] = arena_strdup(&a, sets[n]);
		fixture_release(&fixture);
		fixture_text(&fixture, worlds[w].text, sets);
		arena_release(&a);
	}
	p = fixture_place(&fixture, 0);
	obeys_shares(&p);
	obeys_work(&p);
	invariants_progs(&p, rng);
	fixture_release(&fixture);
	rng_free(rng);
}
END_TEST

Suite *suite_assignments(void)
{
	Suite *s = suite_create("assignments");
	TCase *tc = tcase_create("assignments");

	tcase_add_loop_test(tc, random_assignments, 0, how_many(SEEDS_QUICK, SEEDS) * (int)ARRAY_LEN(worlds));
	suite_add_tcase(s, tc);
	return s;
}
