/* check_place.c - rules into shard groups, and whether it fits, in closed form. */
#include "sim/place/place.h"

#include <math.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/place/footprint.h"
#include "sim/place/shard_sizes.h"
#include "sim/train/memory.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

#define WORLD                                                                                                \
	FIXTURE_HEAD "model: " FIXTURE_MODEL(                                                                \
		"4") "\nmachines: {a: " FIXTURE_MACHINE_2 ", b: " FIXTURE_MACHINE ", c: " FIXTURE_MACHINE    \
		     "}\n"                                                                                   \
		     "links: {ab: " FIXTURE_LINK("a", "b") ", bc: " FIXTURE_LINK(                            \
			     "b", "c") "}\n"                                                                 \
				       "workload: {generate: {prompt: 10 tok, tokens: 5 tok}, "              \
				       "train: {tokens: 8 tok}}\n"                                           \
				       "assignments: [{name: x, place: [{on: a}]}]\n"

static struct fixture fixture;

static void world(const char *place, const char *more)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {arena_printf(&a, "assignments.0.place=%s", place), more, NULL};

	fixture_text(&fixture, WORLD, sets);
	arena_release(&a);
}

enum { A, A_CPU, B, C, NOWHERE };

/* One shard group of interest under some rules. */
static const struct {
	const char *place;
	enum role role;
	int64_t layer;
	enum phase phase;
	size_t unit;
} shard_groups[] = {
	{"[{on: a}]", ROLE_FFN, 3, PHASE_DECODE, A},
	{"[{on: a.gpu}]", ROLE_FFN, 3, PHASE_DECODE, A},
	{"[{on: a.cpu}]", ROLE_HEAD, 0, PHASE_UPDATE, A_CPU},
	{"[{on: a}, {on: b}]", ROLE_EMBEDDING, 0, PHASE_PREFILL, B}, /* the later wins */
	{"[{on: b}, {on: a}]", ROLE_EMBEDDING, 0, PHASE_PREFILL, A},
	{"[{on: a}, {layers: 1-2, on: b}]", ROLE_FFN, 0, PHASE_DECODE, A},
	{"[{on: a}, {layers: 1-2, on: b}]", ROLE_ATTENTION, 1, PHASE_DECODE, B},
	{"[{on: a}, {layers: 1-2, on: b}]", ROLE_FFN, 2, PHASE_BACKWARD, B},
	{"[{on: a}, {layers: 1-2, on: b}]", ROLE_ATTENTION, 3, PHASE_DECODE, A},
	{"[{on: a}, {layers: 0-3, on: b}]", ROLE_HEAD, 0, PHASE_DECODE, A}, /* the ends are in no layer */
	{"[{on: a}, {layers: 2, on: b}]", ROLE_FFN, 2, PHASE_DECODE, B},
	{"[{on: a}, {op: ffn, on: b}]", ROLE_FFN, 1, PHASE_DECODE, B},
	{"[{on: a}, {op: ffn, on: b}]", ROLE_ATTENTION, 1, PHASE_DECODE, A},
	{"[{on: a}, {op: [embedding, head], on: b}]", ROLE_HEAD, 0, PHASE_DECODE, B},
	{"[{on: a}, {phase: prefill, on: b}]", ROLE_FFN, 1, PHASE_PREFILL, B},
	{"[{on: a}, {phase: prefill, on: b}]", ROLE_FFN, 1, PHASE_DECODE, A},
	{"[{on: a}, {phase: [backward, update], on: b}]", ROLE_FFN, 1, PHASE_UPDATE, B},
	{"[{on: a}, {phase: [backward, update], on: b}]", ROLE_FFN, 1, PHASE_FORWARD, A},
	{"[{on: a}, {op: ffn, phase: decode, layers: 1, on: b}]", ROLE_FFN, 1, PHASE_DECODE, B},
	{"[{on: a}, {op: ffn, phase: decode, layers: 1, on: b}]", ROLE_FFN, 1, PHASE_PREFILL, A},
	{"[{on: a}, {op: ffn, phase: decode, layers: 1, on: b}]", ROLE_FFN, 2, PHASE_DECODE, A},
	{"[{op: ffn, on: b}, {on: a, layers: 0-3, op: attention}, {on: a, op: [embedding, head]}]", ROLE_FFN,
	 3, PHASE_DECODE, B},
};

START_TEST(rules)
{
	struct placement p;

	world(shard_groups[_i].place, NULL);
	p = fixture_place(&fixture, 0);
	ck_assert_int_eq(p
				 .shard_groups[shard_groups[_i].phase][model_block_of(
					 fixture.world->model, shard_groups[_i].role, shard_groups[_i].layer)]
				 .n,
			 1);
	ck_assert_uint_eq(
		p
			.shard_groups[shard_groups[_i].phase][model_block_of(
				fixture.world->model, shard_groups[_i].role, shard_groups[_i].layer)]
			.unit[0],
		shard_groups[_i].unit);
	ck_assert(placement_uses(&p, shard_groups[_i].phase, shard_groups[_i].unit));
	fixture_release(&fixture);
}
END_TEST

START_TEST(blocks)
{
	const struct model *m;

	world("[{on: a}]", NULL);
	m = fixture.world->model;
	for (size_t b = 0; b < 10; b++)
		ck_assert_uint_eq(model_block_of(m, model_block(m, b).part.role, model_block(m, b).layer), b);
	ck_assert_int_eq(model_block(m, 0).part.role, ROLE_EMBEDDING);
	ck_assert_int_eq(model_block(m, 1).part.role, ROLE_ATTENTION);
	ck_assert_int_eq(model_block(m, 8).part.role, ROLE_FFN);
	ck_assert_int_eq(model_block(m, 9).part.role, ROLE_HEAD);
	ck_assert_int_eq(model_block(m, 8).layer, 3);
	ck_assert_int_eq(model_block(m, 9).layer, -1);
	fixture_release(&fixture);
}
END_TEST

/* Shares as given where anything can be cut; attention by whole heads, eight of them here. */
static const struct {
	const char *place;
	enum role role;
	double share[3];
} tensors[] = {
	{"[{on: [a, b], split: tensor}]", ROLE_FFN, {0.5, 0.5}},
	{"[{on: [a, b], split: tensor, shares: [70 %, 30 %]}]", ROLE_FFN, {0.7, 0.3}},
	{"[{on: [a, a.cpu, b], split: tensor, shares: [50 %, 0.2, 30 %]}]", ROLE_FFN, {0.5, 0.2, 0.3}},
	{"[{on: [a, b], split: tensor}]", ROLE_ATTENTION, {0.5, 0.5}},
	{"[{on: [a, b], split: tensor, shares: [70 %, 30 %]}]", ROLE_ATTENTION, {6 / 8.0, 2 / 8.0}},
	{"[{on: [a, b], split: tensor, shares: [60 %, 40 %]}]", ROLE_ATTENTION, {5 / 8.0, 3 / 8.0}},
	{"[{on: [a, b], split: tensor, shares: [1 %, 99 %]}]", ROLE_ATTENTION, {1 / 8.0, 7 / 8.0}},
	{"[{on: [a, a.cpu, b], split: tensor, shares: [34 %, 33 %, 33 %]}]",
	 ROLE_ATTENTION,
	 {3 / 8.0, 3 / 8.0, 2 / 8.0}},
	{"[{on: a}, {op: attention, on: [a.cpu, b], split: tensor, shares: [30 %, 70 %]}]",
	 ROLE_ATTENTION,
	 {2 / 8.0, 6 / 8.0}},
};

START_TEST(tensor_shares)
{
	const struct shards *s;
	struct placement p;
	double sum = 0;

	world(tensors[_i].place, "model.attention.kv_heads=8");
	p = fixture_place(&fixture, 0);
	s = &p.shard_groups[PHASE_DECODE][model_block_of(fixture.world->model, tensors[_i].role, 2)];
	for (int i = 0; i < s->n; i++) {
		ck_assert_double_eq_tol(s->share[i], tensors[_i].share[i], 1e-15);
		sum += s->share[i];
	}
	ck_assert_double_eq_tol(sum, 1, 1e-12);
	fixture_release(&fixture);
}
END_TEST

/* By the largest remainder: no part is a whole thing or more away from its share, unless it had none. */
START_TEST(whole_parts)
{
	struct rng *rng = rng_new((uint64_t)_i, "parts");

	for (int round = 0; round < 500; round++) {
		const int n = 1 + (int)(rng_uniform(rng) * SHARDS_MAX);
		const int64_t things = n + (int64_t)(rng_uniform(rng) * 200);
		double share[SHARDS_MAX], sum = 0;
		int64_t out[SHARDS_MAX], all = 0;
		bool lifted = false;

		for (int i = 0; i < n; i++)
			sum += share[i] = 0.01 + rng_uniform(rng);
		for (int i = 0; i < n; i++) {
			share[i] /= sum;
			lifted |= share[i] * (double)things < 1;
		}
		ck_assert(!shard_sizes_whole(share, n, n - 1, out));
		ck_assert(shard_sizes_whole(share, n, things, out));
		for (int i = 0; i < n; i++) {
			all += out[i];
			MUST(out[i] >= 1);
			MUST(lifted || fabs((double)out[i] - share[i] * (double)things) < 1);
		}
		ck_assert_int_eq(all, things);
	}
	rng_free(rng);
}
END_TEST

static const struct {
	const char *place, *complaint;
} refused[] = {
	{"[{on: d}]", "no machine or device is called 'd'"},
	{"[{on: a.npu}]", "no machine or device is called 'a.npu'"},
	{"[{on: a, op: fnn}]", "did you mean 'ffn'?"},
	{"[{on: a, phase: decoding}]", "unknown phase 'decoding'"},
	{"[{on: a, layers: 0-4}]", "layers 0-4, but the model has layers 0-3"},
	{"[{on: a}, {layers: 0-2, on: b}, {layers: 1-3, on: a}]", "layers 1-3 overlap 0-2 in part"},
	{"[{on: [a, b]}]", "several devices, but no split"},
	{"[{on: a, split: tensor}]", "a tensor split needs several devices"},
	{"[{on: a, split: tensor, shares: [100 %]}]", "a tensor split needs several devices"},
	{"[{on: [a, a.gpu], split: tensor}]", "a device is named twice"},
	{"[{on: [a, b], split: tensor, shares: [70 %, 40 %]}]", "the shares add up to 110 %, not 100 %"},
	{"[{on: [a, b], split: tensor, shares: [100 %]}]", "1 shares for 2 devices"},
	{"[{on: a, shares: [100 %]}]", "shares are given, but nothing is split"},
	{"[{on: a, op: ffn}]", "no rule places embedding in prefill"},
	{"[{on: a, phase: [prefill, decode]}]", "no rule places embedding in forward"},
	{"[{on: a, layers: 0-2}, {on: a, op: [embedding, head]}]",
	 "no rule places attention of layer 3 in prefill"},
	{"[{on: [a, b], split: tensor}, {phase: backward, on: a}]",
	 "embedding is split by tensor and placed otherwise in forward than in backward"},
	{"[{on: [a, a.cpu, b], split: tensor}]", "attention has 2 key-value heads, too few for 3 devices\n"},
	{"[{on: [a, a.cpu, b], split: tensor}]", "heads are whole: place 'op: attention' on 2 of them"},
	{"[{on: a}, {op: router, on: b}]", "the model has no router"},
	{"[{on: a}, {op: experts, on: [a, b], split: experts}]", "the model has no experts"},
	{"[{on: [a, b], split: experts}]", "nothing but experts can be split by experts"},
	{"[{on: a}, {op: [ffn, experts], on: [a, b], split: experts}]",
	 "nothing but experts can be split by experts"},
	{"[{on: a, experts: [1]}]", "experts are counted, but not split"},
	{"[{on: a, split: experts}]", "a split by experts needs several devices"},
	{"[{on: a}, {op: [experts, shared_experts], on: b}]", "the model has no experts"},
	{"[{on: a}, {phase: update, op: ffn, on: [a, b], split: tensor}]",
	 "ffn is split by tensor and placed otherwise in backward than in update"},
	{"[{on: a}, {on: c, op: ffn}]", "no link joins 'a' and 'c'"},
};

START_TEST(rules_refused)
{
	struct placement p;

	world(refused[_i].place, NULL);
	ck_assert_int_eq(fixture_try_place(&fixture, 0, &p), -1);
	ck_assert_msg(strstr(fixture_complaints(&fixture), refused[_i].complaint) != NULL, "%s",
		      fixture_complaints(&fixture));
	fixture_release(&fixture);
}
END_TEST

/* Sixteen experts a layer. */
static const struct {
	const char *place, *complaint;
} uncounted[] = {
	{"on: [a, b], split: experts, experts: [8, 9]", "the experts add up to 17, but a layer has 16"},
	{"on: [a, b], split: experts, experts: [16]", "1 counts of experts for 2 devices"},
	{"on: [a, b], split: experts, experts: [7.5, 8.5]", "experts are whole"},
	{"on: [a, b], split: experts, experts: [8, 8], shares: [50 %, 50 %]",
	 "both 'shares' and 'experts' are given"},
	{"on: [a, b], split: experts, shares: [50 %, 40 %]", "the shares add up to 90 %, not 100 %"},
	{"on: [a, a.cpu, b], split: experts, shares: [50 %, 50 %]", "2 shares for 3 devices"},
	{"on: [a, a.cpu], split: tensor, experts: [8, 8]", "experts are counted, but not split"},
	{"on: [a, b], split: experts, phase: backward",
	 "experts is split by experts and placed otherwise in forward than in backward"},
};

START_TEST(experts_refused)
{
	struct arena a = ARENA_INIT;
	struct placement p;

	world(arena_printf(&a, "[{on: a}, {op: experts, %s}]", uncounted[_i].place),
	      "model=" FIXTURE_MOE("4"));
	ck_assert_int_eq(fixture_try_place(&fixture, 0, &p), -1);
	ck_assert_msg(strstr(fixture_complaints(&fixture), uncounted[_i].complaint) != NULL, "%s",
		      fixture_complaints(&fixture));
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* Counted, by shares to whole ones, or evenly. */
START_TEST(experts_dealt_out)
{
	static const struct {
		const char *place;
		int64_t counts[3];
	} deals[] = {
		{"on: [a, b], split: experts", {8, 8}},
		{"on: [a, b], split: experts, experts: [13, 3]", {13, 3}},
		{"on: [a, b], split: experts, shares: [70 %, 30 %]", {11, 5}},
		{"on: [a, a.cpu, b], split: experts", {6, 5, 5}},
	};
	struct arena a = ARENA_INIT;
	int64_t counts[SHARDS_MAX];
	const struct shards *s;
	struct placement p;

	for (size_t i = 0; i < ARRAY_LEN(deals); i++) {
		world(arena_printf(&a, "[{on: a}, {op: experts, %s}]", deals[i].place),
		      "model=" FIXTURE_MOE("4"));
		p = fixture_place(&fixture, 0);
		s = &p.shard_groups[PHASE_DECODE][model_block_of(fixture.world->model, ROLE_EXPERTS, 2)];
		ck_assert(s->by_experts);
		shard_group_experts(fixture.world->model, s, counts);
		for (int k = 0; k < s->n; k++)
			ck_assert_int_eq(counts[k], deals[i].counts[k]);
		fixture_release(&fixture);
	}
	arena_release(&a);
}
END_TEST

/* A machine has the experts of its devices, once, whatever phase needs them. */
START_TEST(fit_of_experts)
{
	static const struct {
		const char *place;
		double share[2]; /* of the experts, on a and on b */
	} fits[] = {
		{"[{on: a}, {op: experts, on: [a, b], split: experts, experts: [12, 4]}]", {0.75, 0.25}},
		{"[{on: a}, {op: experts, on: [a, a.cpu, b], split: experts, experts: [6, 6, 4]}]",
		 {0.75, 0.25}},
		{"[{on: a}, {op: experts, on: b}]", {0, 1}},
		/* dealt evenly both times: the even ones and the odd ones, then the other way about */
		{"[{on: a}, {op: experts, on: [a, b], split: experts}, "
		 "{op: experts, phase: decode, on: [b, a], split: experts}]",
		 {1, 1}},
		{"[{on: a}, {op: experts, on: [a, b], split: experts}, "
		 "{op: experts, phase: decode, on: [a, b], split: experts}]",
		 {0.5, 0.5}},
		/* a half of every expert, and half of them whole */
		{"[{on: a}, {op: experts, on: [a, b], split: experts}, "
		 "{op: experts, phase: decode, on: [a, b], split: tensor}]",
		 {0.75, 0.75}},
	};
	struct placement p;
	struct footprint f[3];
	double experts;

	world(fits[_i].place, "model=" FIXTURE_MOE("4"));
	p = fixture_place(&fixture, 0);
	experts = 3 * part_weights(fixture.world->model, (struct part){ROLE_EXPERTS, false, 0});
	footprint_generate(&p, f);
	ck_assert_double_eq_tol(f[1].weights_B, 2 * fits[_i].share[1] * experts, 1e-3);
	ck_assert_double_eq_tol(f[0].weights_B,
				2 * (model_weights(fixture.world->model) - experts * (1 - fits[_i].share[0])),
				1e-3);
	fixture_release(&fixture);
}
END_TEST

/* Phases that nobody asks for have no shard groups and need no rule. */
START_TEST(phases_not_asked)
{
	struct placement p;

	world("[{on: a, phase: [prefill, decode]}]", "workload.train=null");
	p = fixture_place(&fixture, 0);
	ck_assert_ptr_nonnull(p.shard_groups[PHASE_PREFILL]);
	ck_assert_ptr_null(p.shard_groups[PHASE_FORWARD]);
	ck_assert(!placement_uses(&p, PHASE_FORWARD, A));
	fixture_release(&fixture);
}
END_TEST

START_TEST(bare_layers_have_no_ends)
{
	struct placement p;

	world("[{on: a, layers: 0-3}]", "model.ends=false");
	p = fixture_place(&fixture, 0);
	ck_assert_int_eq(p.shard_groups[PHASE_DECODE][0].n, 0);
	ck_assert_int_eq(p.shard_groups[PHASE_DECODE][8].n, 1);
	fixture_release(&fixture);
}
END_TEST

/* ---- fit ---- */

#define LAYERS_N    (32 * (2.0 * 4096 * 4096 + 2 * 4096 * 1024 + 3.0 * 4096 * 14336 + 2 * 4096))
#define TABLE_N     (4096.0 * 32000)
#define ATTENTION_N (32 * (2.0 * 4096 * 4096 + 2 * 4096 * 1024 + 4096))
#define FFN_N       (32 * (3.0 * 4096 * 14336 + 4096))
#define WHOLE_N     (TABLE_N + 65 * 4096) /* what each device of a split has */
#define PARTS_N     (7241732096 - WHOLE_N)
#define KV_ALL      (131072.0 * (871 + 256))

/* Mistral in f16 on the two shipped machines: weights and cache of a generation on each. */
static const struct {
	const char *place, *more;
	double weights_n[2], kv_B[2];
} generations[] = {
	{"[{on: m5}]", NULL, {7241732096, 0}, {KV_ALL, 0}},
	{"[{on: m4pro}]", NULL, {0, 7241732096}, {0, KV_ALL}},
	/* weights live wherever a phase uses them; the prompt's cache where it is made, all of it where it is
	   read */
	{"[{on: m4pro}, {phase: prefill, on: m5}]", NULL, {7241732096, 7241732096}, {131072.0 * 871, KV_ALL}},
	{"[{on: m4pro}, {op: ffn, on: m5}]", NULL, {FFN_N, ATTENTION_N + 2 * TABLE_N + 4096}, {0, KV_ALL}},
	{"[{on: m4pro}, {layers: 0-15, on: m5}]",
	 NULL,
	 {LAYERS_N / 2, LAYERS_N / 2 + 2 * TABLE_N + 4096},
	 {KV_ALL / 2, KV_ALL / 2}},
	/* every device of a split has the whole table of the embedding, and all norms */
	{"[{on: [m5, m4pro], split: tensor, shares: [25 %, 75 %]}]",
	 NULL,
	 {PARTS_N * 0.25 + WHOLE_N, PARTS_N * 0.75 + WHOLE_N},
	 {KV_ALL * 0.25, KV_ALL * 0.75}},
	/* phases that split otherwise: a machine has the parts of both, once */
	{"[{on: [m5, m4pro], split: tensor}, {phase: decode, on: [m4pro, m5], split: tensor}]",
	 NULL,
	 {PARTS_N + WHOLE_N, PARTS_N + WHOLE_N},
	 {131072.0 * 871, 131072.0 * 871}},
	{"[{on: [m5, m4pro], split: tensor, shares: [25 %, 75 %]}, "
	 "{phase: decode, on: [m5, m4pro], split: tensor, shares: [50 %, 50 %]}]",
	 NULL,
	 {PARTS_N * 0.5 + WHOLE_N, PARTS_N * 0.75 + WHOLE_N},
	 {KV_ALL * 0.5, 131072.0 * 871 * 0.75}},
	{"[{on: [m5, m4pro], split: tensor, shares: [25 %, 75 %]}, {phase: decode, on: m4pro}]",
	 NULL,
	 {PARTS_N * 0.25 + WHOLE_N, PARTS_N + WHOLE_N},
	 {131072.0 * 871 * 0.25, KV_ALL}},
	/* a tied head keeps one table, unless it sits elsewhere */
	{"[{on: m5}]", "model.tied_head=true", {7241732096 - TABLE_N, 0}, {KV_ALL, 0}},
	{"[{on: m5}, {op: head, on: m4pro}]",
	 "model.tied_head=true",
	 {7241732096 - TABLE_N - 4096, TABLE_N + 4096},
	 {KV_ALL, 0}},
	/* a window caps the cache; batches and formats scale it */
	{"[{on: m5}]", "model.attention.window=1000 tok", {7241732096, 0}, {131072.0 * 1000, 0}},
	{"[{on: m4pro}, {phase: prefill, on: m5}]",
	 "model.attention.window=100 tok",
	 {7241732096, 7241732096},
	 {131072.0 * 100, 131072.0 * 100}},
	{"[{on: m5}]", "workload.generate.batch=7", {7241732096, 0}, {KV_ALL * 7, 0}},
	{"[{on: m5}]", "precision.kv=q8_0", {7241732096, 0}, {KV_ALL * 34 / 64, 0}},
	{"[{on: m5}]",
	 "precision.weights=q4_K",
	 {(7241732096 - 65 * 4096) * 4.5 / 16 + 65 * 4096 * 2, 0},
	 {KV_ALL, 0}},
};

static void shipped(const char *place, const char *const *more, const char *one)
{
	struct arena a = ARENA_INIT;
	const char *sets[8] = {arena_printf(&a, "assignments=[{name: x, place: %s}]", place),
			       "model.parameters=0", one};
	size_t n = one ? 3 : 2;

	for (size_t i = 0; more && more[i]; i++)
		sets[n++] = more[i];
	sets[n] = NULL;
	fixture_load(&fixture, FIXTURE_FOUNDING, sets);
	arena_release(&a);
}

START_TEST(fit_of_a_generation)
{
	struct placement p;
	struct footprint f[2];

	shipped(generations[_i].place, NULL, generations[_i].more);
	p = fixture_place(&fixture, 0);
	footprint_generate(&p, f);
	for (int i = 0; i < 2; i++) {
		ck_assert_double_eq(f[i].weights_B, 2 * generations[_i].weights_n[i]);
		ck_assert_double_eq(f[i].kv_B, generations[_i].kv_B[i]);
		ck_assert_double_eq(f[i].usable_B, 19.07e9);
		ck_assert_double_eq(f[i].gradients_B + f[i].optimizer_B, 0);
		ck_assert_int_eq(f[i].activations_B > 0, placement_uses(&p, PHASE_PREFILL, (size_t)i));
		ck_assert_double_eq(footprint_need_B(&f[i]), f[i].weights_B + f[i].kv_B + f[i].activations_B);
	}
	fixture_release(&fixture);
}
END_TEST

/* What runtimes' sources say of the catalogue's models: hardware/measured. */
static const struct {
	const char *runtime, *model;
	int64_t window; /* tokens; 0: none */
	bool latent;
} honoured[] = {
	{"llama.cpp", "mistral-7b", 0, false},    {"llama.cpp", "phi-3-mini", 0, false},
	{"llama.cpp", "gemma-3-4b", 1024, false}, {"llama.cpp", "gpt-oss-20b", 128, false},
	{"llama.cpp", "deepseek-v3", 0, true},    {"llama.cpp", "deepseek-v2-lite", 0, true},
	{"mlx", "mistral-7b", 0, false},          {"mlx", "gemma-2-9b", 0, false},
	{"mlx", "gemma-3-4b", 1024, false},       {"mlx", "gpt-oss-20b", 128, false},
	{"mlx", "deepseek-v3", 0, false},         {"mps", "mistral-7b", 4096, false},
	{"mps", "deepseek-v3", 0, false},         {"mlx", "llama-3.1-8b", 0, false},
};

START_TEST(what_a_runtime_honours)
{
	struct arena a = ARENA_INIT;
	const char *sets[] = {arena_printf(&a, "runtime=%s", honoured[_i].runtime),
			      arena_printf(&a, "model=%s", honoured[_i].model),
			      "assignments=[{name: x, place: [{on: m5}]}]", NULL};
	const struct world *w;

	fixture_load(&fixture, FIXTURE_FOUNDING, sets);
	w = fixture.world;
	for (size_t u = 0; u < w->units_n; u++) {
		ck_assert_int_eq(w->units[u].model->attention.window, honoured[_i].window);
		ck_assert_int_eq(
			part_cache_of_all(w->units[u].model, (struct part){ROLE_ATTENTION, false, 0}),
			honoured[_i].latent);
		ck_assert_double_eq(model_weights(w->units[u].model), model_weights(w->model));
	}
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* The cache follows the runtime of the machine that holds it: whole where the window is not honoured. */
START_TEST(each_machine_has_its_runtimes_cache)
{
	static const char *const more[] = {
		"model.attention.window=100 tok",
		"machines.m5.devices.gpu.runtimes.mps.honours={window: [llama], source: this test}", NULL};
	struct placement p;
	struct footprint f[2];

	shipped("[{on: m4pro}, {phase: prefill, on: m5}]", more, NULL);
	p = fixture_place(&fixture, 0);
	footprint_generate(&p, f);
	ck_assert_double_eq(f[0].kv_B, 131072.0 * 871); /* the prompt's, until it has gone */
	ck_assert_double_eq(f[1].kv_B, 131072.0 * 100);
	fixture_release(&fixture);
}
END_TEST

/* 32 thousand tokens of Mistral 7B v0.1 in llama.cpp: its arch `llama` reads no window
 * (src/models/llama.cpp). */
START_TEST(mistral_has_no_window_in_llama_cpp)
{
	static const char *const sets[] = {"workload.generate.prompt=32768 tok", "workload.generate.batch=4",
					   NULL};
	struct placement p;
	struct footprint f[2];

	fixture_load(&fixture, "scenarios/hierarchical-mistral.yaml", sets);
	p = fixture_place_named(&fixture, "all on M5");
	footprint_generate(&p, f);
	ck_assert_double_eq(f[0].kv_B, 131072.0 * (32768 + 256) * 4);
	ck_assert_double_gt(footprint_short_B(&f[0]), 0);
	fixture_release(&fixture);
}
END_TEST

#define LORA_N (32 * 16 * (4096.0 + 4096 + 4096 + 1024))

static const struct {
	const char *place;
	bool full;                                         /* else LoRA of rank 16 */
	double weights_n[2], gradients_n[2], moments_n[2]; /* gradients: that there are when most is in use */
} trainings[] = {
	{"[{on: m5}]", true, {7241732096, 0}, {7241732096, 0}, {7241732096, 0}},
	{"[{on: m5}]", false, {7241732096 + LORA_N, 0}, {0, 0}, {LORA_N, 0}},
	{"[{on: m5}, {phase: [backward, update], on: m4pro}]",
	 true,
	 {7241732096, 7241732096},
	 {0, 7241732096},
	 {0, 7241732096}},
	{"[{on: m5}, {phase: update, on: m4pro}]",
	 true,
	 {7241732096, 7241732096},
	 {7241732096, 3 * 4096.0 * 14336 + 4096}, /* there one block at a time */
	 {0, 7241732096}},
	/* an update of adapters needs no more than them */
	{"[{on: m5}, {phase: update, on: m4pro}]",
	 false,
	 {7241732096 + LORA_N, LORA_N},
	 {0, LORA_N / 32},
	 {0, LORA_N}},
	{"[{on: m5}, {layers: 16-31, on: m4pro}]",
	 false,
	 {LAYERS_N / 2 + 2 * TABLE_N + 4096 + LORA_N / 2, LAYERS_N / 2 + LORA_N / 2},
	 {0, LORA_N / 32}, /* without the head most is in use in its last attention's backward pass */
	 {LORA_N / 2, LORA_N / 2}},
	{"[{on: [m5, m4pro], split: tensor, shares: [25 %, 75 %]}]",
	 true,
	 {PARTS_N * 0.25 + WHOLE_N, PARTS_N * 0.75 + WHOLE_N},
	 {7241732096 * 0.25, 7241732096 * 0.75},
	 {7241732096 * 0.25, 7241732096 * 0.75}},
};

START_TEST(fit_of_a_training)
{
	const char *const full[] = {"workload.train.method=full", NULL};
	struct placement p;
	struct footprint f[2];

	shipped(trainings[_i].place, trainings[_i].full ? full : NULL, NULL);
	p = fixture_place(&fixture, 0);
	train_footprint(&p, f);
	for (int i = 0; i < 2; i++) {
		ck_assert_double_eq(f[i].weights_B, 2 * trainings[_i].weights_n[i]);
		ck_assert_double_eq(f[i].gradients_B, 2 * trainings[_i].gradients_n[i]);
		ck_assert_double_eq(f[i].optimizer_B, 8 * trainings[_i].moments_n[i]);
		ck_assert_double_eq(f[i].kv_B, 0);
	}
	fixture_release(&fixture);
}
END_TEST

/* What is kept grows with the micro-batches of GPipe, not with those of 1F1B on one device; states go with
 * the optimizer. */
START_TEST(fit_scales)
{
	static const char *const changes[][3] = {
		{NULL},
		{"workload.train.micro_batches=3", "workload.train.schedule=gpipe", NULL},
		{"workload.train.micro_batches=3", NULL},
		{"workload.train.optimizer=sgd", NULL},
		{"workload.train.optimizer=none", NULL},
	};
	static const double kept[] = {1, 3, 1, 1, 1}, moments[] = {8, 8, 8, 0, 0};
	/* adapters on q and v need the normed input of attention; a frozen FFN and head do not need theirs;
	 * scores are in f32, the logits in f16 and in f32 */
	const double once =
		2 * 512.0 *
		(32 * ((2 * 4096 + 4096 + 2 * 1024 + 2 * 32 * 512 + 4096 + 2 * 16) + (4096 + 3 * 14336)) +
		 4096 + 3 * 32000);
	struct placement p;
	struct footprint f[2];

	shipped("[{on: m5}]", changes[_i], NULL);
	p = fixture_place(&fixture, 0);
	train_footprint(&p, f);
	/* and two copies of the logits in f32 while the loss's gradient is made */
	ck_assert_double_eq(f[0].activations_B, kept[_i] * once + 512 * 32000 * 8.0);
	ck_assert_double_eq(f[0].optimizer_B, moments[_i] * LORA_N);
	fixture_release(&fixture);
}
END_TEST

START_TEST(short_by_so_many_bytes)
{
	const char *const full[] = {"workload.train.method=full", "machines.m5.memory.usable=16000000001 B",
				    NULL};
	struct placement p;
	struct footprint f[2];

	shipped("[{on: m5}]", full, NULL);
	p = fixture_place(&fixture, 0);
	train_footprint(&p, f);
	ck_assert_double_eq(footprint_short_B(&f[0]),
			    12 * 7241732096.0 + f[0].activations_B -
				    16000000001.0); /* weights, gradients, moments */
	ck_assert_double_eq(footprint_short_B(&f[1]), 0);
	f[0].usable_B = footprint_need_B(&f[0]);
	ck_assert_double_eq(footprint_short_B(&f[0]), 0);
	f[0].usable_B -= 1;
	ck_assert_double_eq(footprint_short_B(&f[0]), 1);
	fixture_release(&fixture);
}
END_TEST

/* Two devices of one machine share one copy of a weight and one cache. */
START_TEST(devices_share_a_memory)
{
	static const char *const places[] = {
		"[{on: a}]",
		"[{on: a}, {phase: prefill, on: a.cpu}]",
		"[{on: a.cpu}, {op: ffn, on: a.gpu}]",
		"[{on: [a, a.cpu], split: tensor}]",
	};
	struct placement p;
	struct footprint f[3];

	world(places[_i], NULL);
	p = fixture_place(&fixture, 0);
	footprint_generate(&p, f);
	ck_assert_double_eq(f[0].weights_B, 2 * model_weights(fixture.world->model));
	ck_assert_double_eq(f[0].kv_B,
			    15.0 * 4 * 2 * 2 * 64); /* tokens, layers, k and v, bytes, 2 heads of 32 */
	ck_assert_double_eq(footprint_need_B(&f[1]) + footprint_need_B(&f[2]), 0);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_place(void)
{
	Suite *s = suite_create("place");
	TCase *tc = tcase_create("place");

	tcase_add_loop_test(tc, rules, 0, ARRAY_LEN(shard_groups));
	tcase_add_test(tc, blocks);
	tcase_add_loop_test(tc, tensor_shares, 0, ARRAY_LEN(tensors));
	tcase_add_loop_test(tc, whole_parts, 0, 4);
	tcase_add_loop_test(tc, rules_refused, 0, ARRAY_LEN(refused));
	tcase_add_loop_test(tc, experts_refused, 0, ARRAY_LEN(uncounted));
	tcase_add_test(tc, experts_dealt_out);
	tcase_add_loop_test(tc, fit_of_experts, 0, 6);
	tcase_add_test(tc, phases_not_asked);
	tcase_add_test(tc, bare_layers_have_no_ends);
	tcase_add_loop_test(tc, what_a_runtime_honours, 0, ARRAY_LEN(honoured));
	tcase_add_test(tc, each_machine_has_its_runtimes_cache);
	tcase_add_test(tc, mistral_has_no_window_in_llama_cpp);
	tcase_add_loop_test(tc, fit_of_a_generation, 0, ARRAY_LEN(generations));
	tcase_add_loop_test(tc, fit_of_a_training, 0, ARRAY_LEN(trainings));
	tcase_add_loop_test(tc, fit_scales, 0, 5);
	tcase_add_test(tc, short_by_so_many_bytes);
	tcase_add_loop_test(tc, devices_share_a_memory, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}
