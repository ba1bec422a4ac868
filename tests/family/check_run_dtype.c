/* check_run_dtype.c - the dtype that a row was computed in: as it says, else as the model's files for MLX keep. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/family/fit_runtime.h"
#include "sim/family/run_weights.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

/* Chips without bf16 in hardware, and others. */
static const struct {
	const char *machine, *runtime;
	bool slow_bf16;
} machines[] = {
	{"apple-m1-7c", "mlx", true},
	{"apple-m1-max-32c", "mlx", true},
	{"apple-m2-ultra-76c", "mlx", true},
	{"apple-m2-max-30c", "mlx", true},
	{"apple-m3-max-40c", "mlx", false},
	{"apple-m4-pro-20c", "mlx", false},
	{"apple-m5-max-40c", "mlx", false},
	{"apple-m1-7c", "llama.cpp", false},
	{"apple-m2-ultra-76c", "llama.cpp", false},
	{"nvidia-rtx-4090-24gb", "cuda", false},
};
static const char *const models[] = {"mistral-7b-v0.3", "llama-3.1-8b", "qwen3-8b", "gpt-oss-20b"};

static double seconds_of(struct fixture *t, const struct catalogue_device *d, const struct model *m,
			 const char *dtype)
{
	const struct run run = {
		.kind = RUN_PP, .prompt = 2048, .batch = 1, .chunk = 2048, .says = {[COLUMN_DTYPE] = dtype}};
	const struct precision p = {.weights = (int)FORMAT_F16, .kv = FORMAT_F16, .compute = FORMAT_F16};
	const struct device_model model = device_model_make(&t->arena, d->machine, d->device, d->profile,
							    run_compute(&run, m, d->device, d->profile));
	const struct predicted_run r = predicted_run_make(&t->arena, m, &p, &model, &run);

	return predicted_run_seconds(&r);
}

static void check_model(struct fixture *t, const struct catalogue_device *d, const char *name, bool slow)
{
	const struct model *m = catalogue_model_load(&t->loader, name);
	double unsaid, f16;

	MUST(m);
	unsaid = seconds_of(t, d, m, NULL);
	f16 = seconds_of(t, d, m, "f16");
	if (!slow || m->mlx_dtype == MLX_F16)
		ck_assert_double_eq(unsaid, f16);
	if (!slow)
		return;
	ck_assert_double_gt(seconds_of(t, d, m, "bf16"), 1.4 * f16);
	if (m->mlx_dtype == MLX_BF16)
		ck_assert_double_eq(unsaid, seconds_of(t, d, m, "bf16"));
}

START_TEST(half_as_fast_in_bf16)
{
	struct fixture t = {.arena = ARENA_INIT};
	struct catalogue_device d;

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	MUST(catalogue_device_load(&t.loader, machines[_i].machine, NULL, machines[_i].runtime, &d) == 0);
	for (size_t i = 0; i < ARRAY_LEN(models); i++)
		check_model(&t, &d, models[i], machines[_i].slow_bf16);
	arena_release(&t.arena);
}
END_TEST

/* A csv row of a model takes the names of dtypes, and refuses other words by their line. */
START_TEST(dtype_of_a_row)
{
	static const char *const words[] = {"f16", "bf16", "f32", "", "fp16", "F16", "q4_0"};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const char *text = arena_printf(&a, "kind,prompt,tok_per_s,dtype\npp,512,100,%s\n", words[i]);
		struct runs runs;
		struct err err = ERR_INIT;

		ck_assert_int_eq(runs_parse(&a, "x.csv", text, strlen(text), &runs, &err), i < 4 ? 0 : -1);
		if (i < 3)
			ck_assert_str_eq(runs.at[0].says[COLUMN_DTYPE], words[i]);
		else if (i > 3)
			ck_assert_ptr_nonnull(strstr(err.msg, "x.csv:2"));
	}
	arena_release(&a);
}
END_TEST

/* Rows as the catalogue predicts them, of a model that MLX computes in bf16 or of one in f16, are told beside the catalogue as equal
 * to it: the fit predicts each in the dtype that `validate` does, whatever table comes first. */
static void check_fit(const char *machine, const char *model, const char *said)
{
	struct fixture t = {.arena = ARENA_INIT};
	const char *path = arena_printf(&t.arena, "/tmp/lemursim-dtype-%d.csv", (int)getpid());
	const struct fit_runtime_input in = {path, model, NULL};
	const struct fit_runtime_ask ask = {
		.inputs = &in, .n = 1, .machine = machine, .out = "./out.yaml", .version = "test"};
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	struct fit_runtime_result r;
	struct catalogue_device d;
	const struct model *m;

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	MUST(catalogue_device_load(&t.loader, machine, NULL, "mlx", &d) == 0);
	m = catalogue_model_load(&t.loader, model);
	MUST(m);
	str_addf(&out,
		 "kind,prompt,gen,chunk,n,tool,weights,dtype,seconds\npp,2048,0,2048,5,mlx_lm,f16,%s,%.9g\n",
		 said ? said : "", seconds_of(&t, &d, m, said));
	MUST(file_write(path, out.text, out.len, true, &err) == 0);
	str_clear(&out);
	ck_assert_msg(fit_runtime_make(&t.loader, &ask, &out, &r, &err) == 0, "%s %s", err.msg,
		      fixture_complaints(&t));
	ck_assert_uint_eq(r.n, 1);
	ck_assert_double_eq_tol(r.rows[0].catalogue / r.rows[0].run->seconds, 1, 1e-6);
	ck_assert_double_eq_tol(r.rows[0].fitted / r.rows[0].run->seconds, 1, 1e-3);
	ck_assert_ptr_null(r.refused);
	remove(path);
	str_release(&out);
	fixture_release(&t);
}

START_TEST(a_fit_is_in_the_dtype_of_its_rows)
{
	check_fit("apple-m1-7c", "qwen3-0.6b", NULL);
	check_fit("apple-m1-7c", "qwen3-0.6b", "f16");
	check_fit("apple-m1-7c", "qwen3-0.6b", "bf16");
	check_fit("apple-m2-max-30c", "qwen3-8b", NULL);
	check_fit("apple-m3-max-40c", "qwen3-8b", NULL);
}
END_TEST

/* A dynamic mix of whose formats nothing is known is refused by its name, with what to do instead. */
START_TEST(dynamic_mixes_want_their_file)
{
	struct err err = ERR_INIT;
	int mix;

	ck_assert_int_eq(run_asked_weights("UD-TQ1_0", &mix, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.hint, "import"));
	err = (struct err)ERR_INIT;
	ck_assert_int_eq(run_asked_weights("UD-Q4_K_XL", &mix, &err), 0);
	ck_assert_int_eq(mix, MIX_Q4_K_M);
	ck_assert_int_eq(run_asked_weights("q4_K_M", &mix, &err), 0);
	ck_assert_int_eq(run_asked_weights("q4_K_X", &mix, &err), -1);
	ck_assert_ptr_null(strstr(err.hint, "import"));
}
END_TEST

Suite *suite_run_dtype(void)
{
	Suite *s = suite_create("run_dtype");
	TCase *tc = tcase_create("run_dtype");

	tcase_add_loop_test(tc, half_as_fast_in_bf16, 0, ARRAY_LEN(machines));
	tcase_add_test(tc, dtype_of_a_row);
	tcase_add_test(tc, a_fit_is_in_the_dtype_of_its_rows);
	tcase_add_test(tc, dynamic_mixes_want_their_file);
	suite_add_tcase(s, tc);
	return s;
}
