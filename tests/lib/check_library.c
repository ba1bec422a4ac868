/* check_library.c - lemursim.h as a stranger uses it: rows, texts, errors with place, lifetimes. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lib/lemursim.h"
#include "tests/suites.h"

#define FOUNDING "scenarios/m5-vs-m4pro.yaml"

static const struct lemursim_value *value_of(lemursim_result *r, size_t row, const char *name)
{
	const struct lemursim_value *v = lemursim_find(r, row, name);

	ck_assert_msg(v != NULL, "row %zu has no %s", row, name);
	return v;
}

static lemursim_scenario *load(lemursim *l, const char *name)
{
	lemursim_scenario *s = lemursim_load(l, name);

	ck_assert_msg(s != NULL, "%s", lemursim_error_text(l));
	return s;
}

static lemursim_result *simulate(lemursim_scenario *s)
{
	lemursim_result *r = lemursim_simulate(s, NULL);

	ck_assert(r != NULL);
	return r;
}

START_TEST(classes_of_a_load_have_values)
{
	lemursim *l = lemursim_new();
	lemursim_scenario *s = load(l, "tests/golden/simulate-serve-classes/serve.yaml");
	lemursim_result *r = simulate(s);

	ck_assert(value_of(r, 0, "chat.holds")->value > value_of(r, 0, "long.holds")->value);
	ck_assert(value_of(r, 0, "chat.ttft_s_p95")->value < value_of(r, 0, "ttft_s_p95")->value);
	ck_assert(value_of(r, 0, "long.ttft_s_p95")->value > value_of(r, 0, "ttft_s_p95")->value);
	ck_assert_str_eq(value_of(r, 0, "chat.ttft_s_p95")->unit, "s");
	ck_assert(lemursim_find(r, 0, "chat.batch_mean") == NULL); /* that is of all classes together */
	lemursim_result_free(r);
	lemursim_scenario_free(s);
	lemursim_free(l);
}
END_TEST

START_TEST(rows_hold_what_the_texts_say)
{
	lemursim *l = lemursim_new();
	lemursim_scenario *s = load(l, FOUNDING);
	lemursim_result *r = simulate(s);
	const char *csv = lemursim_text(r, "csv", 0);

	ck_assert_uint_gt(lemursim_rows(r), 2);
	for (size_t row = 0; row < lemursim_rows(r); row++) {
		const struct lemursim_value *rate = value_of(r, row, "decode_tok_per_s");

		ck_assert_str_eq(rate->unit, "tok/s");
		ck_assert(rate->text == NULL && rate->from != NULL);
		ck_assert(rate->lo <= rate->value && rate->value <= rate->hi && rate->lo < rate->hi);
		ck_assert_msg(strstr(csv, lemursim_row_name(r, row)) != NULL, "%s",
			      lemursim_row_name(r, row));
		ck_assert_str_eq(value_of(r, row, "fits")->text, "true");
	}
	ck_assert(lemursim_row_name(r, lemursim_rows(r)) == NULL);
	ck_assert(lemursim_value(r, 0, lemursim_values(r, 0)) == NULL);
	ck_assert(lemursim_find(r, 0, "no such metric") == NULL);
	ck_assert(strstr(lemursim_text(r, "json", 0), "\"decode_tok_per_s\"") != NULL);
	ck_assert(lemursim_text(r, "yaml", 0) == NULL);
	ck_assert(strstr(lemursim_error(l, 0)->hint, "csv") != NULL);
	ck_assert(lemursim_note(r, 0) != NULL && lemursim_note(r, 100000) == NULL);
	lemursim_result_free(r);
	lemursim_scenario_free(s);
	lemursim_free(l);
}
END_TEST

START_TEST(settings_change_results_and_results_outlive_scenarios)
{
	lemursim *l = lemursim_new();
	lemursim_scenario *s = load(l, FOUNDING);
	lemursim_result *one = simulate(s), *eight;
	double of_one;

	lemursim_set(s, "workload.generate.batch=2");
	lemursim_set(s, "workload.generate.batch=8");
	eight = simulate(s);
	lemursim_scenario_free(s);
	of_one = value_of(one, 0, "decode_tok_per_s")->value;
	ck_assert(value_of(eight, 0, "decode_tok_per_s")->value > 2 * of_one);
	ck_assert(strstr(lemursim_text(eight, "json", 0), "m5-vs-m4pro") != NULL);
	lemursim_result_free(one);
	ck_assert_str_eq(value_of(eight, 0, "fits")->text, "true");
	lemursim_result_free(eight);
	lemursim_free(l);
}
END_TEST

/* A cell of a sweep is the scenario with what the axis says set. */
START_TEST(a_cell_is_the_simulation_of_its_values)
{
	static const char *const over[] = {"workload.generate.batch=1,8", NULL}, *const metrics[] = {
											 "decode_tok_per_s",
											 NULL};
	lemursim *l = lemursim_new();
	lemursim_scenario *s = load(l, FOUNDING);
	lemursim_result *grid = lemursim_sweep(s, over, metrics, NULL), *cell;
	size_t names;

	ck_assert(grid != NULL);
	lemursim_set(s, "workload.generate.batch=8");
	cell = simulate(s);
	names = lemursim_rows(cell);
	ck_assert_uint_eq(lemursim_rows(grid), 2 * names);
	for (size_t i = 0; i < names; i++) {
		const struct lemursim_value *a = value_of(grid, names + i, "decode_tok_per_s"),
					    *b = value_of(cell, i, "decode_tok_per_s");

		ck_assert_str_eq(lemursim_row_name(grid, names + i), lemursim_row_name(cell, i));
		ck_assert_str_eq(value_of(grid, names + i, "workload.generate.batch")->text, "8");
		ck_assert(a->value == b->value && a->lo == b->lo && a->hi == b->hi);
	}
	ck_assert(lemursim_sweep(s, (const char *const[]){NULL}, NULL, NULL) == NULL);
	ck_assert_uint_eq(lemursim_errors(l), 1);
	lemursim_result_free(grid);
	lemursim_result_free(cell);
	lemursim_scenario_free(s);
	lemursim_free(l);
}
END_TEST

START_TEST(a_plan_names_fleets)
{
	const struct lemursim_options few = {.seed = -1, .draws = 2, .threads = 1};
	volatile int stop = 1;
	const struct lemursim_options stopped = {.seed = -1, .draws = 2, .threads = 1, .stop = &stop};
	lemursim *l = lemursim_new();
	lemursim_scenario *s = load(l, "scenarios/plan-four-users-70b.yaml");
	lemursim_result *r = lemursim_plan(s, &few);
	size_t best = 0;

	ck_assert_msg(r != NULL, "%s", lemursim_error_text(l));
	for (size_t row = 0; row < lemursim_rows(r); row++) {
		best += !strcmp(value_of(r, row, "best")->text, "true");
		ck_assert_str_eq(value_of(r, row, "price_usd")->unit, "USD");
		ck_assert(value_of(r, row, "price_usd")->value > 0);
	}
	ck_assert_uint_eq(best, 1);
	ck_assert(lemursim_plan(s, &stopped) == NULL);
	ck_assert_str_eq(lemursim_error(l, 0)->message, "interrupted");
	ck_assert(lemursim_simulate(s, NULL) == NULL); /* it has no assignments */
	ck_assert_int_gt(lemursim_error(l, 0)->line, 1);
	lemursim_result_free(r);
	lemursim_scenario_free(s);
	lemursim_free(l);
}
END_TEST

START_TEST(errors_have_their_place)
{
	lemursim *l = lemursim_new();
	lemursim_scenario *s;

	ck_assert(lemursim_load_text(l, "mine.yaml", "a: [1,\nb: 2\n") == NULL);
	ck_assert_str_eq(lemursim_error(l, 0)->file, "mine.yaml");
	ck_assert_int_gt(lemursim_error(l, 0)->line, 0);
	ck_assert(strstr(lemursim_error_text(l), "mine.yaml:") != NULL);

	s = lemursim_load_text(l, "mine.yaml", "schema: lemursim/scenario/1\nmodle: llama-3.1-8b\n");
	ck_assert(s != NULL && lemursim_errors(l) == 0);
	ck_assert(lemursim_simulate(s, NULL) == NULL);
	ck_assert_int_eq(lemursim_error(l, 0)->line, 2);
	ck_assert_int_eq(lemursim_error(l, 0)->column, 1);
	ck_assert(strstr(lemursim_error(l, 0)->hint, "model") != NULL);
	ck_assert(lemursim_error(l, lemursim_errors(l)) == NULL);
	lemursim_scenario_free(s);

	s = load(l, FOUNDING);
	lemursim_set(s, "workload.generate.bach=8");
	ck_assert(lemursim_simulate(s, NULL) == NULL);
	ck_assert_str_eq(lemursim_error(l, 0)->file, "--set");
	lemursim_scenario_free(s);
	ck_assert(lemursim_load(l, "no-such-scenario") == NULL);
	ck_assert_uint_eq(lemursim_errors(l), 1);
	lemursim_free(l);
}
END_TEST

START_TEST(options_out_of_range_are_refused)
{
	static const struct lemursim_options wrong[] = {{.seed = -2, .draws = -1},
							{.seed = -1, .draws = 1},
							{.seed = -1, .draws = 1000000},
							{.seed = -1, .draws = -1, .threads = -1},
							{.seed = -1, .draws = -1, .threads = 100000}};
	lemursim *l = lemursim_new();
	lemursim_scenario *s = load(l, FOUNDING);

	ck_assert(lemursim_simulate(s, &wrong[_i]) == NULL);
	ck_assert_uint_eq(lemursim_errors(l), 1);
	lemursim_scenario_free(s);
	lemursim_free(l);
}
END_TEST

struct told {
	size_t draws, cells;
};

static void tell(void *self, const char *what, size_t done, size_t of)
{
	struct told *t = self;

	ck_assert_uint_le(done, of);
	*(what ? &t->draws : &t->cells) += 1;
}

START_TEST(work_is_told)
{
	static const char *const over[] = {"workload.generate.batch=1,2,4", NULL};
	struct told told = {0, 0};
	const struct lemursim_options o = {.seed = 7, .draws = 4, .tell = tell, .self = &told};
	lemursim *l = lemursim_new();
	lemursim_scenario *s = load(l, FOUNDING);
	lemursim_result *r = lemursim_sweep(s, over, NULL, &o);

	ck_assert(r != NULL);
	ck_assert_uint_eq(told.cells, 3);
	lemursim_result_free(r);
	told.draws = 0;
	r = lemursim_simulate(s, &o);
	ck_assert_uint_ge(told.draws, 4 * lemursim_rows(r));
	lemursim_result_free(r);
	lemursim_scenario_free(s);
	lemursim_free(l);
}
END_TEST

/* Handles share nothing: each thread gets what one alone gets. */
static void *simulate_alone(void *text)
{
	const struct lemursim_options one = {.seed = -1, .draws = 4, .threads = 1};
	lemursim *l = lemursim_new();
	lemursim_scenario *s = lemursim_load(l, FOUNDING);
	lemursim_result *r = s ? lemursim_simulate(s, &one) : NULL;

	*(char **)text = r ? strdup(lemursim_text(r, "jsonl", 0)) : NULL;
	lemursim_result_free(r);
	lemursim_scenario_free(s);
	lemursim_free(l);
	return NULL;
}

START_TEST(handles_are_independent)
{
	pthread_t threads[3];
	char *texts[3];

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, simulate_alone, &texts[i]), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ck_assert_ptr_nonnull(texts[0]);
	ck_assert_str_eq(texts[0], texts[1]);
	ck_assert_str_eq(texts[0], texts[2]);
	for (int i = 0; i < 3; i++)
		free(texts[i]);
}
END_TEST

static void ck_error(const lemursim *l, const char *message)
{
	ck_assert_uint_eq(lemursim_errors(l), 1);
	ck_assert_str_eq(lemursim_error(l, 0)->message, message);
	ck_assert(strstr(lemursim_error_text(l), message) != NULL);
}

START_TEST(a_text_that_is_null_is_an_error)
{
	lemursim *l = lemursim_new();
	lemursim_scenario *s;
	lemursim_result *r;

	ck_assert(lemursim_load(l, NULL) == NULL);
	ck_error(l, "lemursim_load: the name is NULL");
	ck_assert(lemursim_load_text(l, NULL, "model: x") == NULL);
	ck_error(l, "lemursim_load_text: the name is NULL");
	ck_assert(lemursim_load_text(l, "x.yaml", NULL) == NULL);
	ck_error(l, "lemursim_load_text: the text is NULL");
	s = load(l, FOUNDING);
	r = simulate(s);
	ck_assert(lemursim_text(r, NULL, 0) == NULL);
	ck_error(l, "lemursim_text: the format is NULL");
	ck_assert(lemursim_find(r, 0, NULL) == NULL);
	lemursim_result_free(r);
	lemursim_set(s, NULL);
	ck_assert(lemursim_simulate(s, NULL) == NULL);
	ck_error(l, "lemursim_set: the setting is NULL");
	ck_assert(lemursim_sweep(s, NULL, NULL, NULL) == NULL);
	ck_assert(lemursim_plan(s, NULL) == NULL);
	ck_error(l, "lemursim_set: the setting is NULL");
	lemursim_scenario_free(s);
	lemursim_add_path(l, NULL);
	ck_assert(lemursim_load(l, FOUNDING) == NULL);
	ck_error(l, "lemursim_add_path: the folder is NULL");
	lemursim_free(l);
}
END_TEST

START_TEST(a_handle_that_is_null_gives_nothing)
{
	ck_assert(lemursim_load(NULL, FOUNDING) == NULL);
	ck_assert(lemursim_load_text(NULL, "x.yaml", "model: x") == NULL);
	lemursim_add_path(NULL, ".");
	lemursim_set(NULL, "seed=1");
	ck_assert_uint_eq(lemursim_errors(NULL), 0);
	ck_assert(lemursim_error(NULL, 0) == NULL);
	ck_assert_str_eq(lemursim_error_text(NULL), "the handle is NULL\n");
	ck_assert(lemursim_simulate(NULL, NULL) == NULL);
	ck_assert(lemursim_sweep(NULL, NULL, NULL, NULL) == NULL);
	ck_assert(lemursim_plan(NULL, NULL) == NULL);
	ck_assert_uint_eq(lemursim_rows(NULL), 0);
	ck_assert(lemursim_row_name(NULL, 0) == NULL);
	ck_assert_uint_eq(lemursim_values(NULL, 0), 0);
	ck_assert(lemursim_value(NULL, 0, 0) == NULL);
	ck_assert(lemursim_find(NULL, 0, "fits") == NULL);
	ck_assert(lemursim_note(NULL, 0) == NULL);
	ck_assert(lemursim_text(NULL, "json", 0) == NULL);
	lemursim_result_free(NULL);
	lemursim_scenario_free(NULL);
	lemursim_free(NULL);
}
END_TEST

Suite *suite_library(void)
{
	Suite *s = suite_create("library");
	TCase *c = tcase_create("handles");

	tcase_add_test(c, rows_hold_what_the_texts_say);
	tcase_add_test(c, settings_change_results_and_results_outlive_scenarios);
	tcase_add_test(c, classes_of_a_load_have_values);
	tcase_add_test(c, a_cell_is_the_simulation_of_its_values);
	tcase_add_test(c, a_plan_names_fleets);
	tcase_add_test(c, errors_have_their_place);
	tcase_add_loop_test(c, options_out_of_range_are_refused, 0, 5);
	tcase_add_test(c, a_text_that_is_null_is_an_error);
	tcase_add_test(c, a_handle_that_is_null_gives_nothing);
	tcase_add_test(c, work_is_told);
	tcase_add_test(c, handles_are_independent);
	suite_add_tcase(s, c);
	return s;
}
