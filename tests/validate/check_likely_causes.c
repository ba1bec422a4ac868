/* check_likely_causes.c - reports that were made of a known cause: the cause is found, or all is normal. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/validate/likely_causes.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

struct place_of {
	const char *machine, *runtime, *model, *weights, *typed;
};

static const struct place_of places[] = {
	{"apple-m5-10c-24gb", "llama.cpp", "mistral-7b", "q4_0", NULL},
	{"apple-m2-ultra-76c-192gb", "llama.cpp", "llama-3.1-8b", "q4_K_M", NULL},
	{"nvidia-rtx-3090-24gb", "cuda", "llama-3.1-8b", "q4_K_M", NULL},
	{"apple-m4-max-40c-64gb", "mlx", "qwen3-4b", "mlx_q4", NULL},
};

static const char *const runs[][3] = {
	{"pp", "512,", "0"}, {"pp", "512,", "8192"}, {"tg", ",128", "0"}, {"tg", ",128", "8192"}};
enum { RUNS = ARRAY_LEN(runs) };

struct explained {
	struct fixture t;
	struct explanation e;
};

/* Explains rows of those rates, of our own csv; the first `with` of them say the column's value. */
static void explain_some(struct explained *x, const struct place_of *p, const double *rates,
			 const char *column, const char *value, size_t with)
{
	struct validate_ask ask = {.draws = {.n = 40, .seed = 1}};
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	const char *path;

	*x = (struct explained){.e = {0}};
	fixture_init(&x->t);
	path = arena_printf(&x->t.arena, "/tmp/lemursim-explain-%d.csv", (int)getpid());
	str_addf(&text, "kind,prompt,gen,depth,tok_per_s%s%s\n", *column ? "," : "", column);
	for (size_t i = 0; i < RUNS; i++)
		str_addf(&text, "%s,%s,%s,%.6g%s%s\n", runs[i][0], runs[i][1], runs[i][2],
			 rates ? rates[i] : 1.0, *column ? "," : "", i < with ? value : "");
	MUST(file_write(path, text.text, text.len, true, &err) == 0);
	ask.loader = &x->t.loader;
	ask.subjects = (struct texts){(const char **)&p->machine, 1};
	ask.from = (struct texts){&path, 1};
	ask.models = (struct texts){(const char **)&p->model, 1};
	ask.runtime = p->runtime;
	ask.weights = p->weights;
	ask.typed = p->typed;
	ck_assert_msg(explain_make(&ask, &x->e, &err) == 0, "%s%s", err.msg, fixture_complaints(&x->t));
	remove(path);
	str_release(&text);
}

static void explain(struct explained *x, const struct place_of *p, const double *rates, const char *column,
		    const char *value)
{
	explain_some(x, p, rates, column, value, RUNS);
}

static void release(struct explained *x)
{
	fixture_release(&x->t);
}

static void rates_of(const struct place_of *p, double *rates)
{
	struct explained x;

	explain(&x, p, NULL, "", "");
	for (size_t i = 0; i < RUNS; i++)
		rates[i] = x.e.rows[i].expected;
	release(&x);
}

START_TEST(expected_rates_are_normal)
{
	const struct place_of *p = &places[_i];
	double rates[RUNS];
	struct explained x;

	rates_of(p, rates);
	explain(&x, p, rates, "", "");
	ck_assert(x.e.normal);
	ck_assert_uint_eq(x.e.causes_n, 0);
	ck_assert_double_lt(x.e.left, 1e-4);
	for (size_t i = 0; i < RUNS; i++)
		ck_assert(x.e.rows[i].normal);
	release(&x);
}
END_TEST

/* Nobody types the number of cores: rates of the machine with more of them, held against the one that was taken. */
START_TEST(another_machine_of_the_words_is_found)
{
	static const struct place_of more = {.machine = "apple-m2-10c",
					     .runtime = "llama.cpp",
					     .model = "llama-3.2-3b",
					     .weights = "q4_K_M"},
				     taken = {.machine = "apple-m2-8c",
					      .runtime = "llama.cpp",
					      .model = "llama-3.2-3b",
					      .weights = "q4_K_M",
					      .typed = "m2 air"};
	double rates[RUNS];
	struct explained x;

	rates_of(&more, rates);
	explain(&x, &taken, rates, "", "");
	ck_assert(!x.e.normal);
	ck_assert_uint_ge(x.e.causes_n, 1);
	ck_assert_msg(strstr(x.e.causes[0].what, "apple-m2-10c") != NULL, "%s", x.e.causes[0].what);
	ck_assert_double_lt(x.e.causes[0].left, 1e-4);
	release(&x);
}
END_TEST

/* Prompts at half their rate, decode as it was: a clock is among the causes, and the first explains most of it. */
START_TEST(a_lower_clock_is_found)
{
	const struct place_of *p = &places[_i];
	double rates[RUNS];
	struct explained x;
	bool found = false;

	rates_of(p, rates);
	rates[0] *= 0.5;
	rates[1] *= 0.5;
	explain(&x, p, rates, "", "");
	ck_assert(!x.e.normal);
	ck_assert_uint_ge(x.e.causes_n, 1);
	for (size_t k = 0; k < x.e.causes_n; k++)
		found = found || strstr(x.e.causes[k].what, "clock");
	ck_assert(found);
	ck_assert_double_lt(x.e.causes[0].left, x.e.left / 2);
	release(&x);
}
END_TEST

/* Decode at the rate of weights twice as large, prompts as they were: the format, or the bandwidth. */
START_TEST(another_format_is_found)
{
	static const char *const heavier[] = {"q8_0", "q8_0", "q8_0", "mlx_q8"};
	struct place_of p = places[_i];
	double rates[RUNS];
	struct explained x;
	bool found = false;

	p.weights = heavier[_i];
	rates_of(&p, rates);
	explain(&x, &places[_i], rates, "", "");
	ck_assert(!x.e.normal);
	for (size_t k = 0; k < x.e.causes_n; k++)
		if (strstr(x.e.causes[k].what, heavier[_i])) {
			found = true;
			ck_assert_double_lt(x.e.causes[k].left, 1e-4);
		}
	ck_assert(found);
	release(&x);
}
END_TEST

/* What the rows say themselves comes first, and makes them unlike whatever their rate is. */
START_TEST(what_the_report_says_comes_first)
{
	const struct place_of *p = &places[0];
	double rates[RUNS];
	struct explained x;

	rates_of(p, rates);
	explain(&x, p, rates, "ngl", "12");
	ck_assert(!x.e.normal);
	ck_assert_ptr_nonnull(x.e.rows[0].said);
	ck_assert_ptr_nonnull(strstr(x.e.rows[0].said, "12 of 33 layers"));
	release(&x);
}
END_TEST

/* The prompts ran elsewhere and say so; of the others, which ran as asked, some are as expected and some at half. */
START_TEST(rows_that_ran_otherwise_tell_nothing)
{
	const struct place_of *p = &places[0];
	double rates[RUNS];
	struct explained x;

	rates_of(p, rates);
	rates[0] *= 0.01;
	rates[1] *= 0.02;
	rates[2] *= _i ? 0.5 : 1;
	rates[3] *= _i ? 0.5 : 1;
	explain_some(&x, p, rates, "backend", "CPU", 2);
	ck_assert(!x.e.normal);
	ck_assert_uint_eq(x.e.otherwise, 2);
	ck_assert_uint_ge(x.e.causes_n, _i ? 2 : 1);
	ck_assert_uint_le(x.e.causes_n, _i ? CAUSES_SHOWN : 1);
	ck_assert_ptr_nonnull(strstr(x.e.causes[0].what, "as the report says"));
	for (size_t k = 0; k < x.e.causes_n; k++) /* each is told of its rows alone */
		for (size_t i = 0; i < RUNS; i++)
			ck_assert_int_eq(isnan(x.e.causes[k].rates[i]), (k == 0) == (i >= 2));
	if (_i)
		ck_assert_double_lt(x.e.causes[1].left, 0.1);
	release(&x);
}
END_TEST

/* A GPU's time is its own: layers of a mixture take a CPU as long as their bytes do, in decode too. */
START_TEST(a_mixture_on_the_cpu_is_slow_in_decode)
{
	static const struct place_of p = {"apple-m3-max-40c-64gb", "llama.cpp", "qwen3-30b-a3b", "q8_0",
					  NULL};
	double rates[RUNS];
	struct explained x;

	rates_of(&p, rates);
	explain(&x, &p, rates, "ngl", "24");
	ck_assert_uint_eq(x.e.causes_n, 0); /* at the rates of the GPU alone it is no cause, but is told */
	ck_assert_ptr_nonnull(x.e.idle.what);
	ck_assert_double_gt(x.e.idle.left, x.e.idle.of);
	for (size_t i = 0; i < RUNS; i++) {
		ck_assert_double_lt(x.e.idle.rates[i], 0.85 * rates[i]);
		rates[i] = x.e.idle.rates[i];
	}
	release(&x);
	explain(&x, &p, rates, "ngl", "24"); /* at those that it gives, it is */
	ck_assert_uint_eq(x.e.causes_n, 1);
	ck_assert_ptr_null(x.e.idle.what);
	ck_assert_double_lt(x.e.causes[0].left, 0.01);
	ck_assert_double_gt(x.e.causes[0].of, 0.15);
	release(&x);
}
END_TEST

static bool names_cause(const struct explanation *e, const char *word)
{
	for (size_t k = 0; k < e->causes_n; k++)
		if (strstr(e->causes[k].what, word))
			return true;
	return false;
}

/* A column, and the cause that is no question where every row says it. Where half of the rows
 * do, what they say of themselves stays: they are predicted as they were. */
static const struct {
	const char *column, *value, *cause;
	double prompts, decode; /* of what is expected */
	bool half;              /* it remains a cause of the other half's */
} sayings[] = {{"ngl", "99", "-ngl", 0.3, 0.3, false}, {"weights", "q4_0", "weights in", 1, 0.4, true}};

START_TEST(what_rows_say_is_no_question)
{
	const struct place_of *p = &places[0];
	double rates[RUNS];
	struct explained x;

	rates_of(p, rates);
	for (size_t i = 0; i < RUNS; i++)
		rates[i] *= i < 2 ? sayings[_i].prompts : sayings[_i].decode;
	explain(&x, p, rates, "", "");
	ck_assert_msg(names_cause(&x.e, sayings[_i].cause), "%s", sayings[_i].cause);
	release(&x);
	explain(&x, p, rates, sayings[_i].column, sayings[_i].value);
	ck_assert(!names_cause(&x.e, sayings[_i].cause));
	ck_assert(!x.e.normal);
	release(&x);
	explain_some(&x, p, rates, sayings[_i].column, sayings[_i].value, 2);
	for (size_t k = 0; k < x.e.causes_n; k++)
		for (size_t i = 0; i < 2 && strstr(x.e.causes[k].what, sayings[_i].cause); i++)
			ck_assert_double_eq_tol(x.e.causes[k].rates[i] / x.e.rows[i].expected, 1, 1e-9);
	ck_assert_int_eq(names_cause(&x.e, sayings[_i].cause), sayings[_i].half);
	release(&x);
}
END_TEST

/* A cache for which a default CUDA build has no kernel, read where attention is slow: the deeper, the slower. Other caches, and other
 * back ends, have kernels for it. */
static const struct {
	size_t place;
	const char *keys_and_values;
	bool is_cause;
} cached_in[] = {{2, "q5_1,q5_1", true},  {2, "q5_0,q5_0", true},  {2, "q4_1,q4_1", true},
		 {2, "q8_0,q8_0", false}, {2, "q4_0,q4_0", false}, {1, "q5_1,q5_1", false},
		 {1, "q5_0,q5_0", false}, {2, "f16,f16", false}};

START_TEST(attention_without_a_kernel_is_found)
{
	static const double slower[RUNS] = {0.7, 0.06, 0.8, 0.15};
	const struct place_of *p = &places[cached_in[_i].place];
	double rates[RUNS];
	struct explained x;

	rates_of(p, rates);
	for (size_t i = 0; i < RUNS; i++)
		rates[i] *= slower[i];
	explain(&x, p, rates, "type_k,type_v", cached_in[_i].keys_and_values);
	ck_assert(!x.e.normal);
	ck_assert_int_eq(names_cause(&x.e, "GGML_CUDA_FA_ALL_QUANTS"), cached_in[_i].is_cause);
	if (cached_in[_i].is_cause)
		ck_assert_ptr_nonnull(strstr(x.e.causes[0].what, "attention left to the CPU"));
	release(&x);
}
END_TEST

/* What is ranked leaves less than there was, and moves some row by at least a tenth. */
START_TEST(each_cause_moves_the_numbers)
{
	const struct place_of *p = &places[_i % (int)ARRAY_LEN(places)];
	const double prompts = _i & 4 ? 0.45 : 1, decode = _i & 8 ? 0.5 : 0.9;
	double rates[RUNS];
	struct explained x;

	rates_of(p, rates);
	for (size_t i = 0; i < RUNS; i++)
		rates[i] *= i < 2 ? prompts : decode;
	explain(&x, p, rates, "", "");
	for (size_t k = 0; k < x.e.causes_n; k++) {
		double most = 0;

		ck_assert_double_lt(x.e.causes[k].left, 0.75 * x.e.causes[k].of);
		for (size_t i = 0; i < RUNS; i++)
			most = fmax(most, fabs(x.e.causes[k].rates[i] / x.e.rows[i].expected - 1));
		ck_assert_double_gt(most, 0.1);
	}
	release(&x);
}
END_TEST

/* A model of several cards' memory, of which a part ran elsewhere: on the card alone nothing is expected of it. */
START_TEST(what_does_not_fit_has_no_rate)
{
	const struct place_of big = {"nvidia-rtx-4090-24gb", "cuda", "gpt-oss-120b", "mxfp4", NULL},
			      small = {"nvidia-rtx-4090-24gb", "cuda", "llama-3.1-8b", "q4_K_M", NULL};
	struct explained x;

	explain(&x, &big, NULL, "ot", "exps=CPU");
	for (size_t i = 0; i < RUNS; i++) {
		ck_assert(x.e.rows[i].said && strstr(x.e.rows[i].said, "does not fit"));
		ck_assert(isnan(x.e.rows[i].expected) && isnan(x.e.rows[i].lo) && isnan(x.e.rows[i].hi));
	}
	ck_assert(isnan(x.e.left) && !x.e.normal);
	release(&x);
	explain(&x, &small, NULL, "ot", "exps=CPU");
	ck_assert(x.e.rows[0].said && x.e.rows[0].expected > 0);
	release(&x);
}
END_TEST

/* A model of more than the memory, whose rows do not say that part of it ran elsewhere: rates of each way to run it, which is found. */
static const struct {
	struct place_of place;
	const char *what;
} unfit[] = {
	{{"nvidia-rtx-4090-24gb", "cuda", "llama-3.3-70b", "q4_K_M", NULL}, "read from the host's"},
	{{"nvidia-rtx-4090-24gb", "cuda", "llama-3.3-70b", "q4_K_M", NULL}, "layers on the CPU"},
	{{"nvidia-rtx-3090-24gb", "cuda", "gpt-oss-120b", "mxfp4", NULL}, "read from the host's"},
	{{"apple-m5-10c-24gb", "llama.cpp", "llama-3.3-70b", "q4_0", NULL}, "read from the disk"},
	{{"apple-m4-max-40c-64gb", "mlx", "llama-3.3-70b", "bf16", NULL}, "read from the disk"},
};

START_TEST(what_does_not_fit_is_explained)
{
	double slow[RUNS] = {0.01, 0.01, 0.001, 0.001}, rates[RUNS];
	const struct likely_cause *found = NULL;
	struct explained x;

	explain(&x, &unfit[_i].place, slow, "", "");
	ck_assert(!x.e.normal && isnan(x.e.left));
	for (size_t k = 0; k < x.e.causes_n; k++)
		if (strstr(x.e.causes[k].what, unfit[_i].what))
			found = &x.e.causes[k];
	ck_assert_ptr_nonnull(found);
	for (size_t i = 0; i < RUNS; i++) {
		ck_assert(x.e.rows[i].unfit && strstr(x.e.rows[i].said, "does not fit"));
		rates[i] = found->rates[i];
	}
	release(&x);
	explain(&x, &unfit[_i].place, rates, "", "");
	ck_assert_ptr_nonnull(strstr(x.e.causes[0].what, unfit[_i].what));
	ck_assert_double_lt(x.e.causes[0].left, 1e-4);
	release(&x);
}
END_TEST

/* Of the rows `outside` lie so many distances between P50 and the interval's end below it, the others as expected: one in four by
 * little is chance, as is one alone; most, or one by much, are not. */
static const struct {
	size_t outside;
	double distances;
	bool normal;
} near_misses[] = {{1, 0.9, true},  {1, 1.1, true}, {2, 1.1, true},  {3, 1.1, false},
		   {4, 1.1, false}, {1, 1.4, true}, {1, 1.7, false}, {2, 2.5, false}};

START_TEST(a_near_miss_is_normal)
{
	const struct place_of *p = &places[_i % (int)ARRAY_LEN(places)];
	const size_t k = (size_t)_i / ARRAY_LEN(places);
	double rates[RUNS];
	struct explained x;

	explain(&x, p, NULL, "", "");
	for (size_t i = 0; i < RUNS; i++) {
		const struct explained_row *r = &x.e.rows[i];

		rates[i] =
			r->expected *
			(i < near_misses[k].outside ? pow(r->lo / r->expected, near_misses[k].distances) : 1);
	}
	release(&x);
	explain(&x, p, rates, "", "");
	for (size_t i = 0; i < RUNS; i++)
		ck_assert_int_eq(x.e.rows[i].normal,
				 i >= near_misses[k].outside || near_misses[k].distances < 1);
	ck_assert_int_eq(x.e.normal, near_misses[k].normal);
	ck_assert(!x.e.normal || x.e.causes_n == 0);
	release(&x);
}
END_TEST

Suite *suite_likely_causes(void)
{
	Suite *s = suite_create("likely_causes");
	TCase *t = tcase_create("likely_causes");

	tcase_add_loop_test(t, expected_rates_are_normal, 0, ARRAY_LEN(places));
	tcase_add_test(t, another_machine_of_the_words_is_found);
	tcase_add_loop_test(t, a_lower_clock_is_found, 0, ARRAY_LEN(places));
	tcase_add_loop_test(t, another_format_is_found, 0, ARRAY_LEN(places));
	tcase_add_test(t, what_the_report_says_comes_first);
	tcase_add_loop_test(t, rows_that_ran_otherwise_tell_nothing, 0, 2);
	tcase_add_test(t, what_does_not_fit_has_no_rate);
	tcase_add_loop_test(t, a_near_miss_is_normal, 0, ARRAY_LEN(places) * ARRAY_LEN(near_misses));
	tcase_add_loop_test(t, what_does_not_fit_is_explained, 0, ARRAY_LEN(unfit));
	tcase_add_test(t, a_mixture_on_the_cpu_is_slow_in_decode);
	tcase_add_loop_test(t, what_rows_say_is_no_question, 0, ARRAY_LEN(sayings));
	tcase_add_loop_test(t, attention_without_a_kernel_is_found, 0, ARRAY_LEN(cached_in));
	tcase_add_loop_test(t, each_cause_moves_the_numbers, 0, 16);
	suite_add_tcase(s, t);
	return s;
}
