/* check_run_dtype.c - the dtype that a row was computed in: as it says, else as the model's files for MLX keep. */
#include <string.h>

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
	tcase_add_test(tc, dynamic_mixes_want_their_file);
	suite_add_tcase(s, tc);
	return s;
}
