/* check_job_causes.c - reports of whole jobs that were made of a known cause: it is found. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/validate/likely_causes.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

struct whole_job {
	const char *machine, *model, *weights, *typed;
	const char *set; /* how it ran otherwise; NULL: as asked */
};

/* Explains a report; in the fixture's arena. */
static struct explanation explained(struct fixture *t, const struct whole_job *j, const char *text)
{
	const char *path = arena_printf(&t->arena, "/tmp/lemursim-job-%d.txt", (int)getpid());
	struct validate_ask ask = {
		.draws = {.n = 8, .seed = 1}, .weights = j->weights, .typed = j->typed, .loader = &t->loader};
	const char **subject = arena_alloc(&t->arena, sizeof *subject),
		   **model = arena_alloc(&t->arena, sizeof *model);
	struct explanation e;
	struct err err = ERR_INIT;

	*subject = j->machine;
	*model = j->model;
	MUST(file_write(path, text, strlen(text), true, &err) == 0);
	ask.subjects = (struct texts){subject, 1};
	ask.from = (struct texts){&path, 1};
	ask.models = (struct texts){model, 1};
	ask.sets = (struct texts){(const char **)&j->set, j->set ? 1 : 0};
	ck_assert_msg(explain_make(&ask, &e, &err) == 0, "%s%s", err.msg, fixture_complaints(t));
	remove(path);
	return e;
}

static double expected(const struct explanation *e, const char *metric)
{
	for (size_t i = 0; i < e->n; i++)
		if (str_starts(e->rows[i].run, metric))
			return e->rows[i].expected;
	ck_abort_msg("no row of %s", metric);
	return NAN;
}

static const char *load(struct arena *a, double ttft_s, double tpot_s, double rate)
{
	return arena_printf(a,
			    "============ Serving Benchmark Result ============\n"
			    "Successful requests:            64\n"
			    "Maximum request concurrency:    32\n"
			    "Total input tokens:             32768\n"
			    "Total generated tokens:         8192\n"
			    "Request throughput (req/s):     %.9g\n"
			    "Mean TTFT (ms):                 %.9g\n"
			    "Mean TPOT (ms):                 %.9g\n"
			    "==================================================\n",
			    rate, 1e3 * ttft_s, 1e3 * tpot_s);
}

static const char *training(struct arena *a, double tokens_per_s, double step_s, double GB)
{
	return arena_printf(
		a,
		"Trainable parameters: 0.021%% (1.704M/8030.261M)\n"
		"Iter 10: Train loss 2.843, Learning Rate 2.000e-05, It/sec %.9g, Tokens/sec %.9g, Trained "
		"Tokens 1664, Peak mem %.9g GB\n",
		1 / step_s, tokens_per_s, GB);
}

static const struct {
	struct whole_job taken, ran; /* as it is asked, and as it was */
	const char *cause;
} cases[] = {
	{{"nvidia-h100-sxm-80gb", "llama-3.1-8b", "bf16", NULL, NULL},
	 {"nvidia-h100-sxm-80gb", "llama-3.1-8b", "bf16", NULL, "assignments.0.serve.seqs=8"},
	 "a limit of 8 sequences"},
	{{"nvidia-h100-sxm-80gb", "llama-3.1-8b", "bf16", NULL, NULL},
	 {"nvidia-h100-sxm-80gb", "llama-3.1-8b", "fp8", NULL, NULL},
	 "weights in fp8"},
};

START_TEST(a_load_finds_its_cause)
{
	struct fixture t;
	struct explanation e;

	fixture_init(&t);
	e = explained(&t, &cases[_i].ran, load(&t.arena, 1, 1, 1));
	e = explained(&t, &cases[_i].taken,
		      load(&t.arena, expected(&e, "ttft_s_mean"), expected(&e, "tpot_s_mean"),
			   expected(&e, "req_per_s")));
	ck_assert(!e.normal);
	ck_assert_uint_ge(e.causes_n, 1);
	ck_assert_msg(strstr(e.causes[0].what, cases[_i].cause) != NULL, "%s", e.causes[0].what);
	ck_assert_double_lt(e.causes[0].left, 0.01);
	fixture_release(&t);
}
END_TEST

static const struct whole_job lora = {"apple-m4-max-40c-64gb", "llama-3-8b", "bf16", NULL, NULL},
			      again = {"apple-m4-max-40c-64gb", "llama-3-8b", "bf16", NULL,
				       "workload.train.recompute=full"},
			      small = {"apple-m2-8c-24gb", "llama-3-8b", "mlx_q4", "m2 air", NULL},
			      larger = {"apple-m2-10c-24gb", "llama-3-8b", "mlx_q4", NULL, NULL};
static const struct {
	const struct whole_job *taken, *ran;
	const char *cause;
} trained[] = {{&lora, &again, "--grad-checkpoint"}, {&small, &larger, "apple-m2-10c"}};

START_TEST(a_training_run_finds_its_cause)
{
	struct fixture t;
	struct explanation e;
	double step_s;

	fixture_init(&t);
	e = explained(&t, trained[_i].ran, training(&t.arena, 166.4, 1, 10));
	step_s = expected(&e, "train_step_s");
	e = explained(&t, trained[_i].taken,
		      training(&t.arena, 166.4 / step_s, step_s, expected(&e, "memory")));
	ck_assert(!e.normal);
	ck_assert_uint_ge(e.causes_n, 1);
	ck_assert_msg(strstr(e.causes[0].what, trained[_i].cause) != NULL, "%s", e.causes[0].what);
	ck_assert_double_lt(e.causes[0].left, 0.01);
	fixture_release(&t);
}
END_TEST

/* What a command above the report says of the server is no question. */
START_TEST(what_is_said_is_no_cause)
{
	struct fixture t;
	struct explanation e;

	fixture_init(&t);
	e = explained(
		&t, &cases[0].taken,
		arena_printf(&t.arena, "vllm serve m --max-num-seqs 64\n%s", load(&t.arena, 2, 0.01, 3)));
	ck_assert(e.sought);
	for (size_t i = 0; i < e.causes_n; i++)
		ck_assert_ptr_null(strstr(e.causes[i].what, "sequences at once"));
	fixture_release(&t);
}
END_TEST

Suite *suite_job_causes(void)
{
	Suite *s = suite_create("job_causes");
	TCase *t = tcase_create("job_causes");

	tcase_add_loop_test(t, a_load_finds_its_cause, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(t, a_training_run_finds_its_cause, 0, ARRAY_LEN(trained));
	tcase_add_test(t, what_is_said_is_no_cause);
	suite_add_tcase(s, t);
	return s;
}
