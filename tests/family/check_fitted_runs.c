/* check_fitted_runs.c - runs of whole models: as `simulate` has them, and runtimes that are fitted to them. */
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/rng.h"
#include "sim/base/str.h"
#include "sim/conf/sources.h"
#include "sim/family/fit_runtime.h"
#include "sim/step/generate.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

static void no_gsl_abort(void)
{
	gsl_set_error_handler_off();
}

static void near(double got, double want, double off, const char *what)
{
	ck_assert_msg(fabs(got / want - 1) <= off, "%s: %g where %g is true", what, got, want);
}

#define M5_MPS "machines.m5.devices.gpu.runtimes.mps."
/* A prompt in one pass; with its last token a step of its own; so in chunks. */
static const struct {
	const char *sets[5];
	int64_t chunk;
} prompts[] = {
	{{"workload={generate: {prompt: 512 tok, tokens: 2 tok, batch: 1}}", NULL}, 0},
	{{"workload={generate: {prompt: 512 tok, tokens: 2 tok, batch: 1}}", M5_MPS "last_apart=true", NULL},
	 0},
	{{"workload={generate: {prompt: 512 tok, tokens: 2 tok, batch: 1, chunk: 200 tok}}",
	  M5_MPS "last_apart=true", M5_MPS "all_logits=false", M5_MPS "last_row=true", NULL},
	 200}};
START_TEST(a_replay_is_what_simulate_says)
{
	const struct run pp = {.prompt = 512, .batch = 1, .chunk = prompts[_i].chunk},
			 tg = {.gen = 1, .depth = 512, .batch = 1};
	struct fixture fixture;
	struct placement at;
	struct generate_programs programs;
	struct task_graph graph;
	struct class_times times;
	struct task_run run;
	double first_s;

	fixture_load(&fixture, FIXTURE_FOUNDING, prompts[_i].sets);
	at = fixture_all_on(&fixture, 0);
	programs = generate_build(&at);
	times = program_times(&fixture.arena, programs.first);
	run = program_run(&fixture.arena, programs.first, &times, &graph);
	{
		const struct unit *u = &fixture.world->units[0];
		const struct device_model device_model =
			device_model_make(&fixture.arena, &fixture.world->machines[u->machine], u->device,
					  u->profile, DTYPE_F16);
		const struct precision *p = &fixture.world->scenario->precision;
		const struct predicted_run a = predicted_run_make(&fixture.arena, fixture.world->model, p,
								  &device_model, &pp),
					   b = predicted_run_make(&fixture.arena, fixture.world->model, p,
								  &device_model, &tg);

		first_s = predicted_run_seconds(&a);
		ck_assert_double_eq_tol(
			first_s, sim_s_of_ns(run.spans[programs.first->marks[MARK_FIRST_TOKEN]].end_ns),
			1e-6);
		first_s += predicted_run_seconds(&b);
		ck_assert_double_eq_tol(first_s, sim_s_of_ns(run.makespan_ns), 1e-6);
	}
	generate_free(&programs);
	fixture_release(&fixture);
}
END_TEST

/* Runs that a known runtime would give, on the M4 Pro, of two sizes of weights and three depths. */
static const char *write_runs(struct arena *a, const struct catalogue_device *d, const struct model *m,
			      int format, struct rng *rng)
{
	static const struct run runs[] = {{.prompt = 512, .batch = 1},
					  {.prompt = 2048, .batch = 1},
					  {.gen = 128, .batch = 1},
					  {.gen = 128, .depth = 1024, .batch = 1},
					  {.gen = 128, .depth = 4096, .batch = 1}};
	double truth[FACTORS];
	const struct precision p = {.weights = format, .kv = FORMAT_F16, .compute = FORMAT_F16};
	struct profile profile = *d->profile;
	const struct device_model device_model =
		device_model_make(a, d->machine, d->device, &profile, DTYPE_F16);
	const char *path =
		arena_printf(a, "/tmp/lemursim-runs-%d-%s.csv", (int)getpid(), format_names[format]);
	struct str s = STR_INIT;
	struct err err = ERR_INIT;

	run_factors_set(truth, 0.9, 0.95, 8, 400);
	profile.overhead.kernel.value = profile.overhead.step.value = 1e-6;
	str_add(&s, "model,kind,prompt,gen,depth,n,seconds\n");
	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		const struct predicted_run r = predicted_run_make(a, m, &p, &device_model, &runs[i]);

		str_addf(&s, "x %s,%s,%lld,%lld,%lld,5,%.9g\n", format_names[format],
			 runs[i].gen ? "tg" : "pp", (long long)runs[i].prompt, (long long)runs[i].gen,
			 (long long)runs[i].depth,
			 predicted_run_seconds_at(&r, truth) * exp(0.002 * rng_normal(rng)));
	}
	ck_assert_int_eq(file_write(path, s.text, s.len, true, &err), 0);
	str_release(&s);
	return path;
}
START_TEST(a_runtime_is_found_again)
{
	struct fixture fixture;
	struct catalogue_device d;
	struct rng *rng = rng_new(7, "runtime");
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	struct fit_runtime_input in[] = {{.model = "mistral-7b"}, {.model = "mistral-7b"}};
	const struct fit_runtime_ask ask = {.inputs = in,
					    .n = 2,
					    .machine = "apple-m4-pro-16c-24gb",
					    .like = "mps",
					    .runtime = "fitted",
					    .out = "./out.yaml"};
	struct fit_runtime_result result;
	const struct model *m;
	struct yml *tree;
	struct source source;
	struct machine machine = {0};
	const struct profile *p;

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	ck_assert_int_eq(catalogue_device_load(&fixture.loader, ask.machine, NULL, "mps", &d), 0);
	m = catalogue_model_load(&fixture.loader, "mistral-7b");
	in[0].path = write_runs(&fixture.arena, &d, m, FORMAT_F16, rng);
	in[1].path = write_runs(&fixture.arena, &d, m, FORMAT_Q4_0, rng);
	ck_assert_msg(fit_runtime_make(&fixture.loader, &ask, &out, &result, &err) == 0, "%s%s", err.msg,
		      fixture_complaints(&fixture));
	source = (struct source){"./out.yaml", out.text, out.len};
	tree = yml_parse(&fixture.arena, &source, &fixture.diags);
	sources_resolve(&fixture.arena, tree, &fixture.diags);
	tree = load_inherit(&fixture.loader, tree, "hardware", HW_SCHEMA);
	ck_assert_int_eq(field_load(&machine_table, tree, "m", &machine, &fixture.diags), 0);
	p = device_runtime(machine.devices.at, "fitted");
	ck_assert_ptr_nonnull(p);
	near(p->gemv.value, 0.95 * d.profile->gemv.value, 0.02, "bandwidth");
	near(p->overhead.kernel.value, 8e-6, 0.05, "kernel");
	near(((const struct gemm_point *)p->gemm[DTYPE_F16]->points.at)->u.value,
	     0.9 * ((const struct gemm_point *)d.profile->gemm[DTYPE_F16]->points.at)->u.value, 0.02, "u");
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		remove(in[i].path);
	rng_free(rng);
	str_release(&out);
	fixture_release(&fixture);
}
END_TEST

/* A runtime is fitted with its program's kernels, and the overhead of a layer where the runs cannot tell it.
 */
START_TEST(a_runtime_has_its_programs_kernels)
{
	static const char text[] = "kind,prompt,gen,n,seconds,tool,build,flash_attn\n"
				   "pp,512,,5,1.4,llama-bench,1550,0\ntg,,128,5,8,llama-bench,1550,0\n";
	struct fixture fixture;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	struct fit_runtime_input in = {.model = "mistral-7b", .weights = "f16"};
	const struct fit_runtime_ask ask = {.inputs = &in,
					    .n = 1,
					    .machine = "apple-m4-pro-16c-24gb",
					    .like = "mps",
					    .out = "./out.yaml"};
	struct fit_runtime_result result;
	const char *path;

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	path = in.path = arena_printf(&fixture.arena, "/tmp/lemursim-whose-%d.csv", (int)getpid());
	ck_assert_int_eq(file_write(path, text, strlen(text), true, &err), 0);
	ck_assert_msg(fit_runtime_make(&fixture.loader, &ask, &out, &result, &err) == 0, "%s%s", err.msg,
		      fixture_complaints(&fixture));
	ck_assert_ptr_nonnull(strstr(out.text, "llama.cpp before July 2025, without flash attention"));
	ck_assert_ptr_nonnull(strstr(out.text, "scores: {kernels: 4, passes: 0}"));
	/* 2 x (2 norm + 1 residual) + q, k, v, o, gate, up, down + 2 rope + 2 cache + 4 + 2 */
	ck_assert_ptr_nonnull(strstr(out.text, "overhead is 100 us: 23 kernels of 4.348 us, held"));
	remove(path);
	str_release(&out);
	fixture_release(&fixture);
}
END_TEST

START_TEST(one_sample_is_no_calibration)
{
	struct fixture fixture;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	const char *path;
	struct fit_runtime_input in = {.model = "mistral-7b", .weights = "f16"};
	const struct fit_runtime_ask ask = {
		.inputs = &in, .n = 1, .machine = "apple-m4-pro-16c-24gb", .out = "./out.yaml"};
	static const char text[] = "kind,gen,seconds\ntg,128,8\n";
	struct fit_runtime_result result;

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	path = in.path = arena_printf(&fixture.arena, "/tmp/lemursim-one-%d.csv", (int)getpid());
	ck_assert_int_eq(file_write(path, text, strlen(text), true, &err), 0);
	ck_assert_int_eq(fit_runtime_make(&fixture.loader, &ask, &out, &result, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "one sample only"));
	ck_assert_uint_eq(out.len, 0);
	remove(path);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_fitted_runs(void)
{
	Suite *s = suite_create("fitted_runs");
	TCase *tc = tcase_create("fitted_runs");

	tcase_add_checked_fixture(tc, no_gsl_abort, NULL);
	tcase_add_loop_test(tc, a_replay_is_what_simulate_says, 0, ARRAY_LEN(prompts));
	tcase_add_test(tc, a_runtime_is_found_again);
	tcase_add_test(tc, a_runtime_has_its_programs_kernels);
	tcase_add_test(tc, one_sample_is_no_calibration);
	suite_add_tcase(s, tc);
	return s;
}
