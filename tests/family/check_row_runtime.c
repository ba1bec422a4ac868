/* check_row_runtime.c - the runtime, the back end, the build and the file that a row tells of are used, or refused. */
#include <string.h>

#include "sim/base/str.h"
#include "sim/cost/formats.h"
#include "sim/family/run_machine.h"
#include "tests/family/held_row.h"
#include "tests/suites.h"

/* asked: --runtime; NULL: not said. under: how the profile's name begins that predicts the row; NULL: it is refused. */
static const struct {
	const char *machine, *asked, *column, *says, *under, *error;
} runtimes_of[] = {
	{"apple-m4-max-40c-64gb", NULL, "runtime", "mlx", "mlx@", NULL},
	{"apple-m4-max-40c-64gb", NULL, "runtime", "llama.cpp", "llama.cpp@", NULL},
	{"apple-m4-max-40c-64gb", NULL, "runtime", "mlx@2025-10", "mlx@2025-10", NULL},
	{"apple-m4-max-40c-64gb", NULL, "runtime", "mlx_lm", "mlx@", NULL},
	{"apple-m4-max-40c-64gb", "mlx", "runtime", "mlx", "mlx@", NULL},
	{"apple-m4-max-40c-64gb", "mlx", "runtime", "llama.cpp", NULL, "it ran under 'llama.cpp'"},
	{"apple-m4-max-40c-64gb", "llama.cpp", "runtime", "mlx", NULL, "it ran under 'mlx'"},
	{"apple-m4-max-40c-64gb", NULL, "runtime", "exllama", NULL, "'exllama' is no runtime of"},
	{"apple-m4-max-40c-64gb", "mlx", "runtime", "cuda", NULL, "'cuda' is no runtime of"},
	{"nvidia-rtx-4090-24gb", NULL, "runtime", "llama.cpp", "cuda@", NULL},
	{"nvidia-rtx-4090-24gb", NULL, "runtime", "cuda", "cuda@", NULL},
	{"amd-ryzen-ai-max-395-64gb", NULL, "backends", "Vulkan", "vulkan@", NULL},
	{"amd-ryzen-ai-max-395-64gb", NULL, "backends", "ROCm", "rocm@", NULL},
	{"amd-ryzen-ai-max-395-64gb", NULL, "backends", "CUDA", NULL, "'CUDA' is no back end of"},
	{"amd-ryzen-ai-max-395-64gb", NULL, "backends", "ROCm,Vulkan", NULL, "is no back end of"},
	{"amd-ryzen-ai-max-395-64gb", "rocm", "backends", "Vulkan", NULL, "'Vulkan' is no back end of"},
	{"amd-ryzen-ai-max-395-64gb", "vulkan", "backends", "ROCm", NULL, "'ROCm' is no back end of"},
	{"intel-arc-pro-b70-32gb", NULL, "backends", "SYCL", "sycl@", NULL},
	{"intel-arc-pro-b70-32gb", NULL, "backends", "Vulkan", "vulkan@", NULL},
};

static void ask_of(struct held_row *h, const char *machine, const char *runtime, const char *model)
{
	const struct bench b = {machine, runtime, model ? model : "llama-3.1-8b", "", "", "", 0, 0};

	hold_begin(h, &b);
	h->ask.runtime = runtime;
	h->ask.dated = runtime && strchr(runtime, '@');
	if (model)
		return;
	h->ask.model = NULL;
	h->ask.given = NULL;
}

START_TEST(runtimes_are_held)
{
	const char *under = runtimes_of[_i].under, *name = "";
	struct held_row h;
	int rc;

	ask_of(&h, runtimes_of[_i].machine, runtimes_of[_i].asked, "llama-3.1-8b");
	rc = hold_text(&h,
		       arena_printf(&h.t.arena, "kind,prompt,tok_per_s,weights,%s\npp,512,900,f16,\"%s\"\n",
				    runtimes_of[_i].column, runtimes_of[_i].says));
	ck_assert_msg((rc == 0) == (under != NULL), "%s on %s: %s", runtimes_of[_i].says,
		      runtimes_of[_i].machine, h.why.msg);
	if (rc == 0) {
		name = h.row.profile->origin.name;
		ck_assert_msg(str_starts(name, under), "%s under %s", runtimes_of[_i].says, name);
	} else {
		ck_assert_str_eq(run_column_name(&h.runs.at[0], h.column), runtimes_of[_i].column);
		ck_assert_msg(strstr(h.why.msg, runtimes_of[_i].error) != NULL, "%s", h.why.msg);
	}
	fixture_release(&h.t);
}
END_TEST

/* What llama.cpp counts in a file: further layers with tables of their own (GLM-4.5: kyuz0/amd-strix-halo-toolboxes@d1a34be and
 * lhl/strix-halo-testing@5ee14b5) or without (Qwen3.6), a tied head apart; and models of other architectures whose number is near
 * one of the catalogue's. */
static const struct {
	const char *cells, *model;
} files_of[] = {
	{"qwen35 27B Q8_0 | 27.01 GiB | 27.32 B", "qwen3.5-27b"},
	{"qwen35 27B Q8_0 | 26.62 GiB | 26.90 B", "qwen3.5-27b"},
	{"qwen35moe 35B.A3B Q4_K - Medium | 21.27 GiB | 35.51 B", "qwen3.5-35b-a3b"},
	{"glm4moe 106B.A12B Q4_K - Medium | 68.01 GiB | 110.47 B", "glm-4.5-air"},
	{"glm4moe 355B.A32B Q4_K - Medium | 202.0 GiB | 356.79 B", "glm-4.5"},
	{"qwen2 ?B Q4_0 | 1.94 GiB | 3.40 B", "qwen2.5-3b"},
	{"deepseek2 30B.A3B BF16 | 55.79 GiB | 29.94 B", "glm-4.7-flash"},
	{"mistral3 14B BF16 | 25.16 GiB | 13.51 B", "ministral-3-14b"},
	{"hunyuan-moe A13B Q6_K | 65.65 GiB | 80.39 B", "hunyuan-a13b"},
	{"llama ?B TQ2_0 - 2.06 bpw ternary | 1.08 GiB | 3.99 B", NULL},
	{"exaone4 32B Q4_K - Medium | 18.01 GiB | 32.00 B", "exaone-4-32b"},
	{"dots1 142B Q4_K - Medium | 84.0 GiB | 142.77 B", NULL},
	{"bert 335M Q4_0 | 395.50 MiB | 332.71 M", NULL},
};

START_TEST(files_are_counted)
{
	struct held_row h;
	int rc;

	ask_of(&h, "apple-m3-ultra-80c-512gb", NULL, NULL);
	rc = hold_text(&h, arena_printf(&h.t.arena,
					"| model | size | params | test | t/s |\n|---|---|---|---|---|\n"
					"| %s | pp512 | 600.00 |\n",
					files_of[_i].cells));
	ck_assert_msg((rc == 0) == (files_of[_i].model != NULL), "%s: %s %s", files_of[_i].cells,
		      h.row.model_name ? h.row.model_name : "", h.why.msg);
	if (rc == 0)
		ck_assert_str_eq(h.row.model_name, files_of[_i].model);
	else
		ck_assert_ptr_nonnull(strstr(h.why.msg, "no model of the catalogue"));
	fixture_release(&h.t);
}
END_TEST

/* Builds beyond the last one that is known are told; one between is not. */
START_TEST(later_builds_are_told)
{
	static const struct {
		const char *build;
		bool told;
	} builds[] = {
		{"8000", false}, {"10050", false}, {"10051", true}, {"99999", true}, {"99999999", true}};

	for (size_t i = 0; i < ARRAY_LEN(builds); i++) {
		struct held_row h;
		bool told = false;

		ask_of(&h, "nvidia-rtx-4090-24gb", NULL, "llama-3.1-8b");
		ck_assert_int_eq(hold_text(&h, arena_printf(&h.t.arena,
							    "kind,prompt,tok_per_s,weights,tool,build\n"
							    "pp,512,900,q4_0,llama-bench,%s\n",
							    builds[i].build)),
				 0);
		for (size_t k = 0; k < h.notes.n; k++)
			told = told || strstr(h.notes.at[k], "later than any that is known");
		ck_assert_msg(told == builds[i].told, "build %s", builds[i].build);
		fixture_release(&h.t);
	}
}
END_TEST

/* Of machines whose memory was not typed the least that holds what a report says. */
static const struct {
	const char *typed;
	double need_GB;
	const char *taken;
	bool told;
	double ram_GiB, working_MB; /* as the report says; 0: it does not */
} meant[] = {{"ryzen ai max+ 395", 0, "amd-ryzen-ai-max-395-64gb", true, 0, 0},
	     {"ryzen ai max+ 395", 40, "amd-ryzen-ai-max-395-64gb", true, 0, 0},
	     {"ryzen ai max+ 395", 63, "amd-ryzen-ai-max-395-128gb", true, 0, 0},
	     {"ryzen ai max+ 395 64", 63, "amd-ryzen-ai-max-395-64gb", false, 0, 0},
	     {"ryzen ai max+ 395", 900, "amd-ryzen-ai-max-395-64gb", true, 0, 0},
	     {"rtx 4090", 60, "nvidia-rtx-4090-24gb", false, 0, 0},
	     {"m4 max 40 core", 70, "apple-m4-max-40c-128gb", true, 0, 0},
	     {"apple-m4-max-40c-64gb", 70, "apple-m4-max-40c-64gb", false, 0, 0},
	     /* cores follow from memory, where they are sold together */
	     {"Apple M4 Max", 75, "apple-m4-max-40c-128gb", true, 0, 0},
	     {"Apple M5 Max", 0, "apple-m5-max-32c", true, 36, 0},
	     {"Apple M5 Max", 0, "apple-m5-max-40c", true, 48, 0},
	     {"Apple M5 Max", 8, "apple-m5-max-40c-128gb", true, 128, 0},
	     /* of 128 GiB, 84 % */
	     {"Apple M4 Max", 8, "apple-m4-max-40c-128gb", true, 0, 115448.73}};

START_TEST(machines_hold_what_ran)
{
	struct held_row h;
	struct err err = ERR_INIT;
	const struct memory_said said = {.held_B = 1e9 * meant[_i].need_GB,
					 .ram_B = 1073741824.0 * meant[_i].ram_GiB,
					 .working_B = 1e6 * meant[_i].working_MB};
	const char *note, *taken;

	ask_of(&h, "nvidia-rtx-4090-24gb", NULL, "llama-3.1-8b");
	taken = run_machine_meant(&h.t.loader, meant[_i].typed, &said, &note, &err);
	ck_assert_msg(taken != NULL, "%s: %s", meant[_i].typed, err.msg);
	ck_assert_str_eq(taken, meant[_i].taken);
	ck_assert_msg((note != NULL) == meant[_i].told, "%s: %s", meant[_i].typed, note ? note : "no note");
	fixture_release(&h.t);
}
END_TEST

/* Every format under a runtime of each reader: such files another runtime ran. */
static const char *const readers_of[][2] = {{"apple-m4-max-40c-64gb", "llama.cpp"},
					    {"apple-m4-max-40c-64gb", "mlx"},
					    {"nvidia-h100-sxm-80gb", "vllm"},
					    {"nvidia-rtx-4090-24gb", "cuda"}};

START_TEST(formats_are_read)
{
	size_t read = 0;

	for (int mix = 0; mix < MIX_N; mix++) {
		struct err unread = ERR_INIT;
		struct held_row h;
		bool fine;

		ask_of(&h, readers_of[_i][0], readers_of[_i][1], "llama-3.2-1b");
		fine = format_check(h.device.profile->origin.name, (enum mix_id)mix, &unread) == 0;
		read += fine;
		h.ask.weights = mix_names[mix];
		if (hold_text(&h, "kind,prompt,tok_per_s\npp,512,900\n") != 0) {
			ck_assert_msg(!fine, "%s: %s", mix_names[mix], h.why.msg);
			ck_assert_str_eq(h.why.msg, unread.msg);
			ck_assert_str_eq(run_column_name(&h.runs.at[0], h.column), "weights");
		} else {
			ck_assert_msg(fine, "%s under %s", mix_names[mix], readers_of[_i][1]);
		}
		fixture_release(&h.t);
	}
	ck_assert_uint_gt(read, 4);
	ck_assert_uint_lt(read, MIX_N);
}
END_TEST

/* LM Studio has two engines, which the format tells. */
START_TEST(the_engine_that_reads_it)
{
	static const char *const engines[][2] = {
		{"mlx_q4", "mlx"}, {"q4_K_M", "llama.cpp"}, {"mlx_q8", "mlx"}};
	struct fixture t = {.arena = ARENA_INIT};
	struct run run = {.tool = "LM Studio"};
	const struct runs runs = {.at = &run, .n = 1};
	struct err none = ERR_INIT;
	int mix;

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	MUST(run_asked_weights(engines[_i][0], &mix, &none) == 0);
	ck_assert_str_eq(report_runtime(&t.loader, "apple-m4-max-40c-64gb", &runs, mix), engines[_i][1]);
	fixture_release(&t);
}
END_TEST

/* A row of several cards, of less power or of another variant is not of the one in the catalogue. */
START_TEST(rows_of_more_than_one)
{
	static const struct {
		const char *said;
		bool other;
	} rows[] = {{"RTX 3090", false},        {"RTX 3090 (x1)", false},    {"RTX 3090 (GA102)", false},
		    {"RTX 3090 (x2)", true},    {"RTX 3090 (2)", true},      {"RTX 3090 (pair)", true},
		    {"RTX 3090 (220 W)", true}, {"RTX 3090 (mobile)", true}, {"RTX 3090 (24 GB)", false}};
	struct fixture t = {.arena = ARENA_INIT};
	struct catalogue_device d;

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	ck_assert(catalogue_is_machine(&t.loader, "nvidia-rtx-3090-24gb", NULL, &d));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;
		const char *note, *other = run_other_machine(&t.loader, rows[i].said, &d),
				  *id = run_machine_meant(&t.loader, rows[i].said, NULL, &note, &err);

		ck_assert_msg(!other == !rows[i].other, "%s: %s", rows[i].said, other ? other : "the same");
		ck_assert_msg(!id == rows[i].other && !err.msg[0] == !rows[i].other, "%s: %s", rows[i].said,
			      err.msg);
	}
	fixture_release(&t);
}
END_TEST

Suite *suite_row_runtime(void)
{
	Suite *s = suite_create("row_runtime");
	TCase *t = tcase_create("row_runtime");

	tcase_add_loop_test(t, runtimes_are_held, 0, ARRAY_LEN(runtimes_of));
	tcase_add_loop_test(t, files_are_counted, 0, ARRAY_LEN(files_of));
	tcase_add_test(t, later_builds_are_told);
	tcase_add_loop_test(t, machines_hold_what_ran, 0, ARRAY_LEN(meant));
	tcase_add_loop_test(t, formats_are_read, 0, ARRAY_LEN(readers_of));
	tcase_add_loop_test(t, the_engine_that_reads_it, 0, 3);
	tcase_add_test(t, rows_of_more_than_one);
	suite_add_tcase(s, t);
	return s;
}
