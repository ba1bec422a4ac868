/*
 * check_loading.c - what a machine holds while its runtime loads a split, in closed form.
 */
#include "sim/place/loading.h"

#include "sim/place/footprint.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

static struct fixture fixture;

enum {
	/* q, k, v, o and the three of the FFN, of 256 numbers each way, 64 of keys and of values, 640 within */
	LAYER = 2 * 256 * 256 + 2 * 256 * 64 + 3 * 256 * 640,
	HALF_LAYER_B = LAYER /* half of it, two bytes each */
};

static void pair(const char *holds, const char *place, const char *more)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		"model.layers=4",
		arena_printf(&a, "assignments.0.place=%s", place),
		arena_printf(&a, "machines.a.devices.gpu.runtimes.fixture.load={holds: %s, source: s}",
			     holds),
		arena_printf(&a, "machines.b.devices.gpu.runtimes.fixture.load={holds: %s, source: s}",
			     holds),
		more,
		NULL};

	fixture_text(&fixture, FIXTURE_PAIR, sets);
	arena_release(&a);
}

#define TENSOR      "[{on: [a, b], split: tensor}]"
#define STAGES      "[{on: a}, {layers: 2-3, on: b}, {op: head, on: b}]"
#define STAGES_OF_8 "[{on: a}, {layers: 2-7, on: b}, {op: head, on: b}]"
enum { OWN, ALL, NONE }; /* beyond what? */

static const struct {
	const char *holds, *place;
	int of[2];
	double beyond_B;
} loads[] = {
	{"share", TENSOR, {OWN, OWN}, 0},
	{"layer", TENSOR, {OWN, OWN}, HALF_LAYER_B},
	{"model", TENSOR, {ALL, ALL}, 0},
	{"share", STAGES, {OWN, OWN}, 0},
	{"layer", STAGES, {OWN, OWN}, 0}, /* layers of others are not read */
	{"model", STAGES, {ALL, ALL}, 0},
	{"model", "[{on: a}]", {ALL, NONE}, 0}, /* a machine without a part of the model does not load it */
	{"model", "[{on: a}, {phase: prefill, on: b}]", {ALL, ALL}, 0},
	{"layer",
	 "[{on: [a, b], split: tensor}, {op: ffn, on: [a, b], split: tensor}]",
	 {OWN, OWN},
	 HALF_LAYER_B},
};

START_TEST(peaks)
{
	struct footprint f[2];
	struct placement p;

	pair(loads[_i].holds, loads[_i].place, NULL);
	p = fixture_place(&fixture, 0);
	footprint_generate(&p, f);
	for (int m = 0; m < 2; m++) {
		const double of[] = {
			[OWN] = f[m].weights_B, [ALL] = 2 * model_weights(fixture.world->model), [NONE] = 0};

		ck_assert_double_eq(f[m].load_B, of[loads[_i].of[m]] + loads[_i].beyond_B);
		ck_assert_double_eq(footprint_rest_B(&f[m]), f[m].weights_B + f[m].kv_B + f[m].activations_B);
		ck_assert_double_eq(footprint_need_B(&f[m]), f[m].load_B > footprint_rest_B(&f[m])
								     ? f[m].load_B
								     : footprint_rest_B(&f[m]));
	}
	fixture_release(&fixture);
}
END_TEST

/* Of a model of 6.3 MB a half and a prompt fit into 6 MB, but not where all of it comes first. */
START_TEST(halves_fit_unless_all_comes_first)
{
	static const char *const holds[] = {"share", "model"};
	struct footprint f[2];
	struct placement p;

	pair(holds[_i], TENSOR, "machines.b.memory.usable=6 MB");
	p = fixture_place(&fixture, 0);
	footprint_generate(&p, f);
	ck_assert_double_lt(footprint_rest_B(&f[1]), 6e6);
	ck_assert_double_eq(footprint_short_B(&f[0]), 0);
	ck_assert_double_eq(footprint_short_B(&f[1]), _i ? 2 * model_weights(fixture.world->model) - 6e6 : 0);
	fixture_release(&fixture);
}
END_TEST

/* A model of which a part stays on the disk is not loaded whole. */
START_TEST(what_streams_is_not_loaded)
{
	static const char *const overflows[] = {"assignments.0.generate={overflow: refuse}",
						"assignments.0.generate={overflow: stream}"};
	const char *const sets[] = {"model.layers=8",
				    "assignments.0.place=" STAGES_OF_8,
				    "machines.b.memory.usable=8 MB",
				    "machines.b.disk={read: 1 GB/s}",
				    "machines.b.devices.gpu.runtimes.fixture.load={holds: model, source: s}",
				    overflows[_i],
				    NULL};
	struct footprint f[2];
	struct placement p;

	fixture_text(&fixture, FIXTURE_PAIR, sets);
	p = fixture_place(&fixture, 0);
	footprint_generate(&p, f);
	ck_assert_int_eq(f[1].disk_B > 0, _i);
	ck_assert_double_eq(f[1].load_B, _i ? 0 : 2 * model_weights(fixture.world->model));
	ck_assert_int_eq(footprint_short_B(&f[1]) > 0, !_i);
	fixture_release(&fixture);
}
END_TEST

/* The draft is loaded once the model is: its machine then holds its share and the draft. */
START_TEST(a_draft_comes_after)
{
	struct footprint f[2];
	struct placement p;

	pair("layer", TENSOR,
	     "workload.generate.speculative={model: " FIXTURE_MODEL(
		     "8") ", on: a, draft: 2 tok, acceptance: 70 %}");
	p = fixture_place(&fixture, 0);
	footprint_generate(&p, f);
	ck_assert_double_eq(f[0].load_B, f[0].weights_B);
	ck_assert_double_eq(f[1].load_B, f[1].weights_B + HALF_LAYER_B);
	ck_assert_double_gt(f[0].weights_B, f[1].weights_B + 2.0 * model_weights(p.draft->world->model) - 1);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_loading(void)
{
	Suite *s = suite_create("loading");
	TCase *tc = tcase_create("loading");

	tcase_add_loop_test(tc, peaks, 0, ARRAY_LEN(loads));
	tcase_add_loop_test(tc, halves_fit_unless_all_comes_first, 0, 2);
	tcase_add_loop_test(tc, what_streams_is_not_loaded, 0, 2);
	tcase_add_test(tc, a_draft_comes_after);
	suite_add_tcase(s, tc);
	return s;
}
