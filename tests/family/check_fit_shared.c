/* check_fit_shared.c - runs of several models that are off alike are the machine's: the scales of priors in closed form, and
 * other models of a machine that is slower than the catalogue has it. */
#include "sim/family/fit_update.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/family/fitted_file.h"
#include "tests/suites.h"

/* ---- scales ---- */

static const struct shared_variances narrow = {.machine = 0.03 * 0.03, .models = 0.12 * 0.12};

/* What the machine takes of the mean of n models. */
static double machine_share(const struct shared_variances *v, const struct shared_scales *s, size_t n)
{
	const double machine = s->machine * v->machine;

	return machine / (machine + (s->models * v->models + v->noise) / (double)n);
}

/* n models off by d each, which is far: their variance stays (scale 1), and what they share has density x^-1/2 exp(-d^2 / 2 (x +
 * m)) (x + m)^-1/2 of its variance x, with m that of a mean of n models. Its derivative is 0 where 2 x^2 + (3 m - d^2) x + m^2 = 0. */
START_TEST(equal_deviations_are_the_machines)
{
	const size_t n = (size_t)_i;
	const double d = log(0.66), m = narrow.models / (double)n, b = d * d - 3 * m,
		     x = (b + sqrt(b * b - 8 * m * m)) / 4;
	const double off[] = {d, d, d, d, d};
	const struct shared_scales s = shared_scales(off, n, &narrow);

	if (n == 1) {
		ck_assert_double_eq(s.machine, 1);
		ck_assert_double_eq(s.models, 1);
		return;
	}
	ck_assert_double_eq(s.models, 1);
	ck_assert_double_eq_tol(log(s.machine * narrow.machine), log(x), log(2) / 8 + 0.03);
	ck_assert_double_ge(machine_share(&narrow, &s, n), n < 3 ? 0.85 : 0.92);
}
END_TEST

/* The mean of these is less than their scatter leaves it unsure by: the models are further apart, and the machine is as it was. */
START_TEST(deviations_that_disagree_are_models)
{
	const double off[] = {-0.5, 0.4, -0.3, 0.45, 0};
	const struct shared_scales s = shared_scales(off, 5, &narrow);

	ck_assert_double_eq(s.machine, 1);
	ck_assert_double_gt(s.models, 4);
}
END_TEST

/* One model in three is far off, the others as the catalogue has them: it is that model. */
START_TEST(one_model_of_three_is_that_model)
{
	const double off[] = {-0.42, 0, 0};
	const struct shared_scales s = shared_scales(off, 3, &narrow);

	ck_assert_double_eq(s.machine, 1);
	ck_assert_double_gt(s.models, 1);
}
END_TEST

START_TEST(small_deviations_leave_the_priors)
{
	const double off[] = {-0.03, -0.05, -0.02, -0.04, -0.03};

	for (size_t n = 1; n <= 5; n++) {
		const struct shared_scales s = shared_scales(off, n, &narrow);

		ck_assert_double_eq(s.machine, 1);
		ck_assert_double_eq(s.models, 1);
	}
}
END_TEST

/* ---- a slow machine ---- */

/* Not behind long contexts: the runs that are given do not tell how fast a cache is read. */
static const struct run asked_runs[] = {{.kind = RUN_PP, .prompt = 512, .batch = 1, .chunk = 512},
					{.kind = RUN_PP, .prompt = 4096, .batch = 1, .chunk = 512},
					{.kind = RUN_TG, .gen = 128, .batch = 1}};
static const char *const given_models[] = {"llama-3.1-8b", "qwen3-4b", "mistral-7b", "qwen3-14b",
					   "qwen3-30b-a3b"},
			 *const asked_models[] = {"llama-2-13b", "qwen3-8b"};
static const struct slow {
	const char *machine, *runtime, *tool;
	int build;
	double times; /* as fast */
} slow[] = {
	{"apple-m4-pro-20c-48gb", "llama.cpp@2026-02", "llama-bench", 8000, 0.66},
	{"apple-m2-ultra-76c-64gb", "llama.cpp@2026-02", "llama-bench", 8000, 0.5},
	{"apple-m4-pro-20c-48gb", "llama.cpp@2023-11", "llama-bench", 1550, 0.75},
	{"nvidia-rtx-4090-24gb", "cuda@2025-10", "llama-bench", 7000, 0.66},
	{"apple-m5-10c-24gb", "mlx@2025-12", "mlx_lm", 0, 0.7},
};

struct slow_machine {
	struct fixture t;
	struct catalogue_device device;
	struct fit_runtime_result r;
	struct str out;
};

static double seconds(struct slow_machine *b, const struct catalogue_device *d, const char *model,
		      const struct run *run)
{
	return fitted_seconds(&b->t, d, model, MIX_Q4_K_M, run);
}

/* Rows of a model, each times[kind] as fast as the catalogue has it. */
static const char *rows_of(struct slow_machine *b, const struct slow *s, size_t model, const double times[2])
{
	const char *path = arena_printf(&b->t.arena, "/tmp/lemursim-shared-%d-%zu.csv", (int)getpid(), model);
	double took[GIVEN_RUNS];

	for (size_t i = 0; i < GIVEN_RUNS; i++)
		took[i] = seconds(b, &b->device, given_models[model], &given_runs[i]) / times[i];
	fitted_write_rows(path, s->tool, s->build, took);
	return path;
}

/* Fits rows of the first n models. */
static void fit_slow(struct slow_machine *b, const struct slow *s, size_t n, const double times[2])
{
	struct fit_runtime_input in[ARRAY_LEN(given_models)];
	const struct fit_runtime_ask ask = {
		.inputs = in, .n = n, .machine = s->machine, .out = "./out.yaml", .version = "test"};
	struct err err = ERR_INIT;

	*b = (struct slow_machine){.t = {.arena = ARENA_INIT}, .out = STR_INIT};
	diags_init(&b->t.diags, &b->t.arena);
	loader_init(&b->t.loader, &b->t.arena, &b->t.diags);
	ck_assert_msg(catalogue_device_load(&b->t.loader, s->machine, NULL, s->runtime, &b->device) == 0,
		      "%s", fixture_complaints(&b->t));
	for (size_t i = 0; i < n; i++)
		in[i] = (struct fit_runtime_input){rows_of(b, s, i, times), given_models[i], NULL};
	ck_assert_msg(fit_runtime_make(&b->t.loader, &ask, &b->out, &b->r, &err) == 0, "%s %s", err.msg,
		      fixture_complaints(&b->t));
	for (size_t i = 0; i < n; i++)
		remove(in[i].path);
}

static struct catalogue_device written(struct slow_machine *b, const struct slow *s)
{
	return fitted_read(&b->t, &b->device, b->out.text,
			   arena_strndup(&b->t.arena, s->runtime, strcspn(s->runtime, "@")));
}

static bool is_told(const struct slow_machine *b, const char *what)
{
	for (size_t i = 0; i < b->r.notes.n; i++)
		if (strstr(b->r.notes.at[i], what))
			return true;
	return false;
}

static void end(struct slow_machine *b)
{
	str_release(&b->out);
	fixture_release(&b->t);
}

/* Three models or more say what others are within 5 %, and the user is told. */
START_TEST(a_slow_machine_is_slow_for_other_models)
{
	const struct slow *s = &slow[_i];
	const double times[] = {s->times, s->times};

	for (size_t n = 3; n <= ARRAY_LEN(given_models); n++) {
		struct slow_machine b;
		struct catalogue_device d;

		fit_slow(&b, s, n, times);
		d = written(&b, s);
		ck_assert_msg(!b.r.refused, "%zu models: %s", n, b.r.refused ? b.r.refused : "");
		for (size_t m = 0; m < ARRAY_LEN(asked_models); m++)
			for (size_t i = 0; i < ARRAY_LEN(asked_runs); i++) {
				const double is = seconds(&b, &b.device, asked_models[m], &asked_runs[i]) /
						  seconds(&b, &d, asked_models[m], &asked_runs[i]);

				ck_assert_msg(fabs(is / s->times - 1) < 0.05,
					      "%zu models, %s, %s: %g times as fast, not %g", n,
					      asked_models[m], run_name(&b.t.arena, &asked_runs[i]), is,
					      s->times);
			}
		ck_assert(is_told(
			&b, arena_printf(&b.t.arena,
					 "in these runs this machine is %g times as fast in prompts "
					 "and %g times in tokens as the catalogue has it: a power limit",
					 s->times, s->times)));
		end(&b);
	}
}
END_TEST

/* A limit that only prompts reach, though tokens compute too as they unpack weights. */
START_TEST(prompts_alone_may_be_slow)
{
	const struct slow *s = &slow[0];
	const double times[] = {0.66, 1};
	struct slow_machine b;
	struct catalogue_device d;
	double prompts, tokens;

	fit_slow(&b, s, 3, times);
	d = written(&b, s);
	prompts = seconds(&b, &b.device, "qwen3-8b", &given_runs[0]) /
		  seconds(&b, &d, "qwen3-8b", &given_runs[0]);
	tokens = seconds(&b, &b.device, "qwen3-8b", &given_runs[1]) /
		 seconds(&b, &d, "qwen3-8b", &given_runs[1]);
	ck_assert_msg(prompts > 0.63 && prompts < 0.7 && tokens > 0.95 && tokens < 1.05, "%g %g", prompts,
		      tokens);
	ck_assert(is_told(&b, "is 0.66 times as fast in prompts as the catalogue has it"));
	end(&b);
}
END_TEST

/* One model's rows say that something is slow, and not what. */
START_TEST(one_slow_model_asks_for_more)
{
	const double times[] = {0.66, 0.66};
	struct slow_machine b;

	fit_slow(&b, &slow[0], 1, times);
	ck_assert(is_told(&b, "until runs of two more tell"));
	end(&b);
}
END_TEST

/* What one model leaves open is in the width of others, in the phase that is off, and not in its own; runs of two more take it back. */
START_TEST(one_slow_model_widens_others)
{
	static const struct {
		size_t models;
		double times[2];
		bool prompts, tokens; /* are they in doubt? */
	} cases[] = {{1, {0.5, 0.5}, true, true},
		     {1, {0.5, 1}, true, false},
		     {1, {0.95, 0.97}, false, false},
		     {3, {0.5, 0.5}, false, false}};
	struct slow_machine b;
	struct catalogue_device d;
	struct device_model by;

	fit_slow(&b, &slow[0], cases[_i].models, cases[_i].times);
	d = written(&b, &slow[0]);
	by = device_model_make(&b.t.arena, d.machine, d.device, d.profile, d.compute);
	device_model_for(&by, catalogue_model_load(&b.t.loader, "qwen3-8b"));
	ck_assert_msg(cases[_i].prompts ? by.beyond_prefill > 0.35 : by.beyond_prefill == 0, "prompts: %g",
		      by.beyond_prefill);
	ck_assert_msg(cases[_i].tokens ? by.beyond_decode > 0.35 : by.beyond_decode == 0, "tokens: %g",
		      by.beyond_decode);
	device_model_for(&by, catalogue_model_load(&b.t.loader, given_models[0]));
	ck_assert(by.beyond_prefill == 0 && by.beyond_decode == 0);
	end(&b);
}
END_TEST

/* Near deviations are models', far ones may as well be the machine's. */
START_TEST(odds_of_the_machine)
{
	double before = 0;

	for (int i = 1; i < 6; i++) {
		const double odds = update_machine_odds(-0.15 * i, 0.03, 0.12);

		ck_assert(odds > 0 && odds < 1);
		ck_assert(i < 3 || odds > before);
		ck_assert_double_eq_tol(odds, update_machine_odds(0.15 * i, 0.03, 0.12), 1e-12);
		before = odds;
	}
	ck_assert_double_gt(before, 0.5);
}
END_TEST

START_TEST(a_machine_as_the_catalogue_has_it_is_not_told)
{
	const double times[] = {0.96, 1.02};
	struct slow_machine b;

	fit_slow(&b, &slow[0], 5, times);
	ck_assert(!is_told(&b, "this machine is"));
	end(&b);
}
END_TEST

Suite *suite_fit_shared(void)
{
	Suite *s = suite_create("fit_shared");
	TCase *c = tcase_create("fit_shared");

	tcase_add_loop_test(c, equal_deviations_are_the_machines, 1, 6);
	tcase_add_test(c, deviations_that_disagree_are_models);
	tcase_add_test(c, one_model_of_three_is_that_model);
	tcase_add_test(c, small_deviations_leave_the_priors);
	tcase_add_loop_test(c, a_slow_machine_is_slow_for_other_models, 0, (int)ARRAY_LEN(slow));
	tcase_add_test(c, prompts_alone_may_be_slow);
	tcase_add_test(c, one_slow_model_asks_for_more);
	tcase_add_loop_test(c, one_slow_model_widens_others, 0, 4);
	tcase_add_test(c, odds_of_the_machine);
	tcase_add_test(c, a_machine_as_the_catalogue_has_it_is_not_told);
	suite_add_tcase(s, c);
	return s;
}
