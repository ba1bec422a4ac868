/* check_suite.c - the runner of the microbenchmarks, against a backend whose clock follows a known law. */
#include "tests/suites.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/measure/fakebackend.h"

static struct arena arena;
static struct suite_result result;
static struct err failure;

static void begin(void)
{
	arena = (struct arena)ARENA_INIT;
	failure = (struct err)ERR_INIT;
	fake_reset();
}

static void end(void)
{
	arena_release(&arena);
	ck_assert(!fake.open);
}

/* only: names with commas, NULL for all */
static int run(const char *only, struct suite_options o)
{
	const char *names[32];
	char text[200] = "";

	if (only) {
		snprintf(text, sizeof text, "%s", only);
		for (char *name = strtok(text, ","); name; name = strtok(NULL, ","))
			names[o.only_n++] = name;
		o.only = names;
	}
	o.now = fake_now;
	o.stop = &fake_stop;
	return suite_run(&arena, &backend_fake, &o, &result, &failure);
}

static size_t rejected(const char *why)
{
	size_t n = 0;

	for (size_t i = 0; i < result.set.n; i++) {
		const struct sample *s = &result.set.samples[i];

		ck_assert(s->rejected == (s->why != NULL));
		n += s->rejected && strstr(s->why, why);
	}
	return n;
}

START_TEST(medians_stand_noise_ramp_and_outliers)
{
	fake.noise = 0.02;
	fake.outliers = 0.05;
	fake.ramp_s = 0.05;
	ck_assert_msg(run("read,gemm,gemv", (struct suite_options){.seed = 3}) == 0, "%s", failure.msg);
	ck_assert_uint_gt(result.set.n, 20);
	for (size_t i = 0; i < result.set.n; i++) {
		const struct sample *s = &result.set.samples[i];
		const struct sample_median m = sample_median(s);

		ck_assert_uint_ge(s->seconds_n, 15);
		ck_assert_double_eq_tol(m.median_s / fake_law(s), 1, 0.04);
		ck_assert(m.lo_s <= m.median_s && m.median_s <= m.hi_s);
	}
	ck_assert_uint_eq(rejected(""), 0);
	ck_assert_str_eq(result.set.chip, "Fake");
	ck_assert_str_eq(result.set.power_before, "AC");
	ck_assert_uint_eq(result.done_n, 3);
}
END_TEST

/* slow CPU, base Mac, Ultra */
static const double speeds[][2] = {{5e10, 1e10}, {4e12, 1.2e11}, {6e13, 8e11}};

START_TEST(plans_keep_their_time)
{
	const bool quick = _i < 3;

	fake.flops = speeds[_i % 3][0];
	fake.Bps = speeds[_i % 3][1];
	fake.prepare_s = 0.02;
	fake.noise = 0.01;
	ck_assert_msg(run(NULL, (struct suite_options){.quick = quick}) == 0, "%s", failure.msg);
	ck_assert_double_lt(result.elapsed_s, quick ? 60 : 360);
	ck_assert_uint_eq(result.done_n, suite_rows_n);
	ck_assert_uint_eq(result.short_n, 0);
	for (size_t i = 0; i < result.skips_n; i++)
		ck_assert_str_eq(result.skips[i].why, "they would take longer than the row has");
	ck_assert(result.skips_n > 0 || _i >= 4);  /* a Mac has time for all of the full plan */
	for (size_t k = 0; k < SAMPLE_LINK; k++) { /* each kind has what a fit needs */
		size_t n = 0;

		for (size_t i = 0; i < result.set.n; i++)
			n += result.set.samples[i].kind == k;
		ck_assert_msg(n >= (k == SAMPLE_SUSTAINED ? 1 : 2), "%s: %zu", sample_kind_names[k], n);
	}
}
END_TEST

/* Everything takes longer than the first canaries let expect: the plan keeps its time, and all of its cases.
 */
static const struct {
	double slow, prepare_s;
} late[] = {{3, 0.02}, {6, 0.02}, {1, 0.12}, {2, 0.08}};

START_TEST(a_plan_that_runs_late_is_thinned_out)
{
	const bool quick = _i < (int)ARRAY_LEN(late);
	size_t cases = 0, thin = 0;

	fake.noise = 0.01;
	ck_assert_int_eq(run(NULL, (struct suite_options){.quick = quick}), 0);
	cases = result.set.n;
	fake_reset();
	fake.noise = 0.01;
	fake.slow_from_s = 0.5;
	fake.slow_to_s = 1e9;
	fake.slow = late[_i % (int)ARRAY_LEN(late)].slow;
	fake.prepare_s = late[_i % (int)ARRAY_LEN(late)].prepare_s;
	ck_assert_msg(run(NULL, (struct suite_options){.quick = quick}) == 0, "%s", failure.msg);
	ck_assert_double_lt(result.elapsed_s, quick ? 60 : 360);
	ck_assert_uint_eq(result.done_n, suite_rows_n);
	ck_assert_uint_eq(result.set.n, cases);
	for (size_t i = 0; i < result.set.n; i++) {
		ck_assert_uint_ge(result.set.samples[i].seconds_n, 3);
		thin += result.set.samples[i].seconds_n < (quick ? 9 : 15);
	}
	ck_assert_uint_eq(result.short_n, thin);
	ck_assert(!quick || thin > 0);
}
END_TEST

START_TEST(products_of_a_model_fill_a_grid)
{
	int64_t rows[64], weights[64];
	size_t rows_n = 0, weights_n = 0;

	fake.flops = speeds[_i][0];
	fake.Bps = speeds[_i][1];
	ck_assert_int_eq(run("gemm-llm", (struct suite_options){.quick = true}), 0);
	for (size_t i = 0; i < result.set.n; i++) {
		const struct sample *s = &result.set.samples[i];
		size_t r = 0, w = 0;

		while (r < rows_n && rows[r] != s->m)
			r++;
		while (w < weights_n && weights[w] != s->n * s->k)
			w++;
		rows[r] = s->m;
		weights[w] = s->n * s->k;
		rows_n += r == rows_n;
		weights_n += w == weights_n;
	}
	ck_assert_uint_eq(result.set.n, rows_n * weights_n);
	ck_assert_uint_ge(rows_n, 4);
	ck_assert_uint_ge(weights_n, 2);
}
END_TEST

START_TEST(a_slow_phase_is_rejected_by_the_canary)
{
	fake.noise = 0.003;
	fake.slow_from_s = 5; /* most of a row, and pieces of its neighbours */
	fake.slow_to_s = 12;
	fake.slow = 1.6;
	ck_assert_int_eq(run("read,copy,gemm,gemv,decode", (struct suite_options){.quick = true}), 0);
	ck_assert_double_gt(result.canary_worst, 0.5);
	ck_assert_uint_gt(rejected("canary"), 0);
	ck_assert_uint_lt(rejected(""), result.set.n);
	for (size_t i = 0; i < result.set.n; i++) { /* what is not rejected is right */
		const struct sample *s = &result.set.samples[i];

		if (!s->rejected)
			ck_assert_double_eq_tol(sample_median(s).median_s / fake_law(s), 1, 0.02);
	}
}
END_TEST

START_TEST(a_wide_interval_is_rejected)
{
	fake.noise = 0.25;
	ck_assert_int_eq(run("gemv", (struct suite_options){.quick = true, .canary_limit = 1e9}), 0);
	ck_assert_uint_gt(rejected("known to"), result.set.n / 2);
}
END_TEST

START_TEST(a_batch_lasts_as_long_as_its_row_says)
{
	ck_assert_int_eq(run("dispatch", (struct suite_options){.quick = true}), 0);
	/* the last case is a canary, of 4 ms: six batches after the search for the count */
	ck_assert_uint_ge(fake.batches_n, 6);
	for (size_t i = fake.batches_n - 6; i < fake.batches_n; i++)
		ck_assert_double_ge(fake.batch_s[i % 32], 0.0039);
}
END_TEST

START_TEST(order_is_of_the_seed)
{
	uint64_t order[3];

	for (size_t i = 0; i < 3; i++) {
		fake_reset();
		ck_assert_int_eq(run("read", (struct suite_options){.quick = true, .seed = i / 2}), 0);
		order[i] = fake.order;
	}
	ck_assert_uint_eq(order[0], order[1]);
	ck_assert_uint_ne(order[0], order[2]);
}
END_TEST

START_TEST(interrupted_rows_are_left_out_whole)
{
	fake.stop_at = 1;
	for (size_t tries = 0; tries < 6; tries++) { /* ever later */
		const long at = 40L << (2 * tries);

		fake_reset();
		fake.stop_at = at;
		ck_assert_int_eq(run("read,write,gemm", (struct suite_options){.quick = true}), 0);
		ck_assert_uint_eq(result.done_n + result.missing_n, 3);
		ck_assert(result.interrupted == (result.missing_n > 0) || result.done_n == 3);
		for (size_t i = 0; i < result.set.n; i++) {
			const char *kind = sample_kind_names[result.set.samples[i].kind];
			bool found = false;

			for (size_t j = 0; j < result.done_n; j++)
				found |= !strcmp(kind, result.done[j]);
			ck_assert_msg(found, "%s", kind);
		}
	}
	ck_assert_uint_eq(result.done_n, 3);
}
END_TEST

/* It is a row without a time that says why; the other cases have theirs. */
START_TEST(a_wrong_kernel_is_no_number)
{
	fake.wrong = true; /* of 64 rows */
	ck_assert_msg(run("prefill", (struct suite_options){.quick = true}) == 0, "%s", failure.msg);
	ck_assert_uint_eq(result.failed_n, 1);
	ck_assert_str_eq(result.failed[0].label, "prefill f16 64 x 64");
	ck_assert_str_eq(result.failed[0].why, "a wrong result: element 7 is 1, not 2");
	ck_assert_uint_ge(result.set.n, 3);
	for (size_t i = 0; i < result.set.n; i++) {
		const struct sample *s = &result.set.samples[i];

		ck_assert_int_eq(s->rejected && str_starts(s->why, "failed: a wrong result"), s->m == 64);
		ck_assert(s->m == 64 ? !s->seconds_n : s->seconds_n >= 9);
	}
}
END_TEST

START_TEST(a_backend_that_is_always_wrong_is_an_error)
{
	fake.all_wrong = true;
	ck_assert_int_eq(run("gemv", (struct suite_options){.quick = true}), -1);
	ck_assert_msg(strstr(failure.msg, "8 cases failed, the first: gemv") != NULL, "%s", failure.msg);
}
END_TEST

START_TEST(battery_needs_force)
{
	fake.on_battery = _i == 0;
	fake.low_power = _i == 1;
	ck_assert_int_eq(run("read", (struct suite_options){.quick = true}), -1);
	ck_assert(strstr(failure.msg, _i ? "Low Power" : "battery") && strstr(failure.hint, "--force"));
	ck_assert_int_eq(run("read", (struct suite_options){.quick = true, .force = true}), 0);
}
END_TEST

/* No case runs on more threads than cores: said before anything is measured, not by an empty result after it. */
START_TEST(no_more_threads_than_cores)
{
	ck_assert_int_eq(run("read", (struct suite_options){.quick = true, .threads = 5}), -1);
	ck_assert_str_eq(failure.msg, "5 threads on 4 cores would take turns");
	ck_assert_str_eq(failure.hint, "--threads 4, or less");
	ck_assert_int_eq(run("read", (struct suite_options){.quick = true, .threads = 4}), 0);
}
END_TEST

START_TEST(unknown_rows)
{
	ck_assert_int_eq(run("raed", (struct suite_options){.quick = true}), -1);
	ck_assert_str_eq(failure.msg, "the suite has no row 'raed'");
	ck_assert_str_eq(failure.hint, "did you mean 'read'?");
}
END_TEST

START_TEST(list_names_every_row)
{
	struct str s = STR_INIT;

	suite_list(&s);
	for (size_t i = 0; i < suite_rows_n; i++)
		ck_assert(strstr(s.text, suite_rows[i].name) && strstr(s.text, suite_rows[i].feeds));
	str_release(&s);
}
END_TEST

static void add_up(void *self, const struct suite_progress *p)
{
	double *last = self;

	ck_assert(p->done >= *last - 1e-9 && p->done <= 1 + 1e-9 && p->left_s >= -1e-9);
	*last = p->done;
}

START_TEST(progress_goes_forward)
{
	double last = 0;

	ck_assert_int_eq(
		run("read,copy", (struct suite_options){.quick = true, .progress = add_up, .self = &last}),
		0);
	ck_assert_double_gt(last, 0.5);
}
END_TEST

Suite *suite_suite(void)
{
	Suite *s = suite_create("suite");
	TCase *t = tcase_create("runner");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, medians_stand_noise_ramp_and_outliers);
	tcase_add_loop_test(t, plans_keep_their_time, 0, 6);
	tcase_add_loop_test(t, a_plan_that_runs_late_is_thinned_out, 0, 2 * (int)ARRAY_LEN(late));
	tcase_add_loop_test(t, products_of_a_model_fill_a_grid, 0, 3);
	tcase_add_test(t, a_slow_phase_is_rejected_by_the_canary);
	tcase_add_test(t, a_wide_interval_is_rejected);
	tcase_add_test(t, a_batch_lasts_as_long_as_its_row_says);
	tcase_add_test(t, order_is_of_the_seed);
	tcase_add_test(t, interrupted_rows_are_left_out_whole);
	tcase_add_test(t, a_wrong_kernel_is_no_number);
	tcase_add_test(t, a_backend_that_is_always_wrong_is_an_error);
	tcase_add_loop_test(t, battery_needs_force, 0, 2);
	tcase_add_test(t, unknown_rows);
	tcase_add_test(t, no_more_threads_than_cores);
	tcase_add_test(t, list_names_every_row);
	tcase_add_test(t, progress_goes_forward);
	suite_add_tcase(s, t);
	return s;
}
