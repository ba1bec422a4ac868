/* check_cost_widths.c - how wide costs are of kinds that no run of a fit was of, and what runs of one model showed of it alone. */
#include "sim/cost/cost.h"

#include <math.h>

#include "tests/cost/costed.h"
#include "tests/suites.h"

static struct fixture fixture;

/* An operator of a kind that no run of the fit was of is as wide as such have proved to be, and no narrower than its
 * numbers; others keep theirs. */
static const struct {
	const char *beyond;
	enum op_kind kind;
	enum phase phase;
	enum format_id format;
	int64_t m, context;
	double spread;
} widths[] = {
	{"{q4: {prefill: 20 %, decode: 15 %}}", OP_LINEAR, PHASE_PREFILL, FORMAT_Q4_0, 512, 0, 0.20},
	{"{q4: {prefill: 20 %, decode: 15 %}}", OP_LINEAR, PHASE_DECODE, FORMAT_Q4_0, 1, 0, 0.15},
	{"{q4: {prefill: 20 %, decode: 15 %}}", OP_LINEAR, PHASE_DECODE, FORMAT_Q8_0, 1, 0, 0},
	{"{batch_q4: {decode: 25 %}}", OP_LINEAR, PHASE_DECODE, FORMAT_Q4_0, 1, 0, 0},
	{"{batch_q4: {decode: 25 %}}", OP_LINEAR, PHASE_DECODE, FORMAT_Q4_0, 2, 0, 0.25},
	{"{batch_q4: {decode: 25 %}}", OP_LINEAR, PHASE_DECODE, FORMAT_Q8_0, 2, 0, 0},
	{"{batch_q4: {decode: 25 %}}", OP_LINEAR, PHASE_PREFILL, FORMAT_Q4_0, 512, 0, 0},
	{"{q4: {decode: 30 %}, batch_q4: {decode: 40 %}}", OP_LINEAR, PHASE_DECODE, FORMAT_Q4_0, 8, 0, 0.5},
	{"{q4: {prefill: 1 %}}", OP_LINEAR, PHASE_PREFILL, FORMAT_Q4_0, 512, 0, 0.01},
	{"{q4: {prefill: 30 %}, short: {from: 600 tok, prefill: 40 %}}", OP_LINEAR, PHASE_PREFILL,
	 FORMAT_Q4_0, 512, 0, 0.5},
	{"{short: {from: 512 tok, prefill: 40 %}}", OP_LINEAR, PHASE_PREFILL, FORMAT_Q4_0, 512, 0, 0},
	{"{context: {from: 4096 tok, decode: 30 %}}", OP_SCORES, PHASE_DECODE, FORMAT_F16, 1, 4096, 0},
	/* half of it beyond: negative, the width of that half */
	{"{context: {from: 4096 tok, decode: 30 %}}", OP_SCORES, PHASE_DECODE, FORMAT_F16, 1, 8192, -0.3},
};

/* The relative spread of the whole time, whose terms are drawn apart from one another. */
static double spread_of_all(const struct cost *c)
{
	const struct term *binding = c->arithmetic.s > c->memory.s ? &c->arithmetic : &c->memory;

	return hypot(hypot(binding->s * binding->spread, c->apart.s * c->apart.spread),
		     c->overhead.s * c->overhead.spread) /
	       cost_seconds(c);
}

static double wider(double spread, double width)
{
	return width < 0 ? (spread - width) / 2 : fmax(spread, width);
}
START_TEST(what_no_fit_saw_is_wide)
{
	const char *sets[] = {NULL, NULL};
	struct arena a = ARENA_INIT;
	struct device_model device_model;
	struct op op = costed_wide;
	struct cost with, without;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	op.kind = widths[_i].kind;
	op.phase = widths[_i].phase;
	op.format = widths[_i].format;
	op.m = widths[_i].m;
	op.rows = (double)op.m;
	op.query = 1;
	op.context = widths[_i].context;
	op.kv_B = 1e6;
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	without = cost_of(&op, &device_model, 1);
	fixture_release(&fixture);
	sets[0] = arena_printf(&a, RUNTIME "beyond=%s", widths[_i].beyond);
	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	with = cost_of(&op, &device_model, 1);
	ck_assert_double_eq(cost_seconds(&with), cost_seconds(&without));
	if (widths[_i].spread > 0) {
		ck_assert_double_ge(spread_of_all(&with), widths[_i].spread - 1e-12);
		ck_assert_double_le(spread_of_all(&with),
				    hypot(widths[_i].spread, spread_of_all(&without)) + 1e-12);
	} else {
		ck_assert_double_eq_tol(with.memory.spread, wider(without.memory.spread, widths[_i].spread),
					1e-12);
		ck_assert_double_eq_tol(with.arithmetic.spread,
					wider(without.arithmetic.spread, widths[_i].spread), 1e-12);
	}
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* Chips that were measured with a kind are as narrow as without its width. */
static const struct {
	const char *chip, *seen_on;
	bool wide;
} measured_on[] = {{"Apple M2 Max", "[Apple M2 Max]", false},
		   {"Apple M2 Max", "[Apple M1, Apple M2 Max]", false},
		   {"Apple M2", "[Apple M2 Max]", true},
		   {"Apple M2 Ultra", "[Apple M2 Max, Apple M2]", true}};
START_TEST(a_kind_on_another_chip)
{
	struct arena a = ARENA_INIT;
	const char *sets[] = {arena_printf(&a, "machines.a.chip=%s", measured_on[_i].chip), NULL, NULL};
	double spread[2];

	for (int i = 0; i < 2; i++) {
		struct device_model device_model;
		struct op op = costed_wide;
		struct cost c;

		fixture_text(&fixture, FIXTURE_THREE, sets);
		op.phase = PHASE_DECODE;
		op.format = FORMAT_Q4_0;
		op.m = 1;
		op.rows = 1;
		device_model = costed_device_model(&fixture, 0, DTYPE_F16);
		c = cost_of(&op, &device_model, 1);
		spread[i] = spread_of_all(&c);
		fixture_release(&fixture);
		sets[1] = arena_printf(&a, RUNTIME "beyond={q4: {seen_on: %s, decode: 45 %%}}",
				       measured_on[_i].seen_on);
	}
	if (measured_on[_i].wide)
		ck_assert_double_ge(spread[1], 0.45 - 1e-12);
	else
		ck_assert_double_eq(spread[1], spread[0]);
	arena_release(&a);
}
END_TEST

/* What runs of one model showed is of that model and phase, and passes no roofline. */
static const struct {
	const char *title;
	enum phase phase;
	double of,
		want; /* times as fast: as the profile says, and as it comes out where no limit is met; 0: at the limit */
} by_itself[] = {{NULL, PHASE_DECODE, 0.5, 0.5},
		 {NULL, PHASE_PREFILL, 0.8, 0.8},
		 {NULL, PHASE_FORWARD, 0.5, 1},
		 {"another", PHASE_DECODE, 0.5, 1},
		 {NULL, PHASE_DECODE, 100, 0}};
START_TEST(a_model_by_itself)
{
	struct arena a = ARENA_INIT;
	const char *sets[] = {NULL, NULL};
	struct op op = costed_wide;
	double s[2];

	for (int i = 0; i < 2; i++) {
		struct device_model device_model;
		struct cost c;

		fixture_text(&fixture, FIXTURE_THREE, sets);
		op.phase = by_itself[_i].phase;
		op.m = 1;
		op.rows = 1;
		device_model = costed_device_model(&fixture, 0, DTYPE_F16);
		device_model_for(&device_model, fixture.world->model);
		c = cost_of(&op, &device_model, 1);
		s[i] = cost_seconds(&c);
		if (i && by_itself[_i].want == 0) {
			ck_assert_double_gt(c.least_memory, 0);
			ck_assert_double_eq(c.memory.s, c.least_memory);
		}
		sets[0] = arena_printf(
			&a, RUNTIME "models={\"%s\": {%s: %g}}",
			by_itself[_i].title ? by_itself[_i].title : fixture.world->model->title,
			by_itself[_i].phase == PHASE_PREFILL ? "prefill" : "decode", by_itself[_i].of);
		fixture_release(&fixture);
	}
	if (by_itself[_i].want > 0)
		ck_assert_double_eq_tol(s[0] / s[1], by_itself[_i].want, 1e-9);
	arena_release(&a);
}
END_TEST

Suite *suite_cost_widths(void)
{
	Suite *s = suite_create("cost_widths");
	TCase *tc = tcase_create("cost_widths");

	tcase_add_loop_test(tc, what_no_fit_saw_is_wide, 0, ARRAY_LEN(widths));
	tcase_add_loop_test(tc, a_kind_on_another_chip, 0, ARRAY_LEN(measured_on));
	tcase_add_loop_test(tc, a_model_by_itself, 0, ARRAY_LEN(by_itself));
	suite_add_tcase(s, tc);
	return s;
}
