/* check_row_names.c - what a row calls its machine, its model and its build, held against what is asked. */
#include <string.h>

#include "sim/base/str.h"
#include "tests/family/held_row.h"
#include "tests/suites.h"

/* What a row says of its machine, as drivers and people call it; of another chip than `asked`, or not. */
static const struct {
	const char *says, *asked;
	bool other;
} machines_of[] = {
	{"nvidia-dgx-spark-128gb", "nvidia-rtx-4090-24gb", true},
	{"NVIDIA GeForce RTX 4090", "nvidia-rtx-4090-24gb", false},
	{"NVIDIA GeForce RTX 4090", "nvidia-rtx-3090-24gb", true},
	/* of one die, but with fewer of its cores */
	{"NVIDIA GeForce RTX 3090", "nvidia-rtx-3080-10gb", true},
	{"NVIDIA GeForce RTX 3080", "nvidia-rtx-3080-12gb", false},
	{"NVIDIA GeForce RTX 3080", "nvidia-rtx-3080-10gb", false},
	{"NVIDIA GeForce RTX 3080 Ti", "nvidia-rtx-3080-12gb", true},
	{"NVIDIA GeForce RTX 3080", "nvidia-rtx-3080-ti-12gb", true},
	{"NVIDIA GB10", "nvidia-dgx-spark-128gb", false},
	{"NVIDIA GB10", "nvidia-rtx-4090-24gb", true},
	{"NVIDIA H100 80GB HBM3", "nvidia-h100-sxm-80gb", false},
	{"NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "nvidia-rtx-pro-6000-blackwell-96gb", false},
	{"NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "nvidia-rtx-4090-24gb", true},
	{"NVIDIA GeForce RTX 4090, NVIDIA GeForce RTX 3090", "nvidia-rtx-3090-24gb", false},
	{"NVIDIA GeForce RTX 4090, NVIDIA GeForce RTX 4080", "nvidia-rtx-3090-24gb", true},
	{"AMD Radeon RX 7900 XTX (RADV NAVI31)", "nvidia-rtx-4090-24gb", true},
	{"Intel(R) Arc(TM) B580 Graphics", "nvidia-rtx-4090-24gb", true},
	{"Apple M4", "apple-m4-pro-16c-24gb", true},
	{"Apple M4 Pro", "apple-m4-10c-16gb", true},
	/* memory decides what fits, cores how fast it is */
	{"Apple M4 Pro", "apple-m4-pro-20c-48gb", false},
	{"Apple M4 Pro", "apple-m4-pro-16c-24gb", false},
	{"M4 Pro 20 cores", "apple-m4-pro-16c-24gb", true},
	{"apple-m4-pro-16c-24gb", "apple-m4-pro-16c-48gb", false},
	{"apple-m4-pro-16c-24gb", "apple-m4-pro-20c-24gb", true},
	{"Apple M1 Max GPU (64GB)", "apple-m1-max-32c-64gb", false},
	{"Apple M1 Max GPU (64GB)", "apple-m2-max-38c-96gb", true},
	/* people's own names */
	{"my-laptop", "nvidia-rtx-4090-24gb", false},
	{"studio", "nvidia-rtx-4090-24gb", false},
	{"lab 3", "apple-m4-pro-16c-24gb", false},
	{"desktop,", "apple-m4-pro-16c-24gb", false}};

/* By each column that may say it. */
static const char *const machine_columns[] = {"machine", "gpu_info", "chip"};

START_TEST(machines_are_held)
{
	const char *says = machines_of[_i].says;
	const struct bench b = {machines_of[_i].asked, NULL, "llama-3.1-8b", "", "", "", 0, 0};
	struct held_row h;

	hold_begin(&h, &b);
	for (size_t k = 0; k < ARRAY_LEN(machine_columns); k++) {
		const char *text = arena_printf(&h.t.arena,
						"kind,prompt,tok_per_s,model,weights,runtime,%s\npp,512,900,"
						"llama-3.1-8b,q4_0,%s,\"%s\"\n",
						machine_columns[k], h.device.profile->origin.name, says);
		const int rc = hold_text(&h, text);

		ck_assert_msg((rc != 0) == machines_of[_i].other, "%s on %s: %s", says, machines_of[_i].asked,
			      h.why.msg);
		if (rc == 0)
			continue;
		ck_assert_str_eq(run_column_name(&h.runs.at[0], h.column), machine_columns[k]);
		ck_assert_ptr_nonnull(strstr(h.why.msg, says));
		ck_assert_ptr_nonnull(strstr(h.why.hint, "--skip-foreign"));
	}
	fixture_release(&h.t);
}
END_TEST

/* Programs around a runtime name a chip in their own keys. */
static const struct {
	const char *file, *on, *elsewhere, *column, *weights;
} apps[] = {{"llama-bench-b4748.csv", "apple-m4-pro-20c-24gb", "apple-m4-10c-16gb", "gpu_info", NULL},
	    {"llama-bench.json", "apple-m4-pro-20c-24gb", "nvidia-rtx-4090-24gb", "gpu_info", NULL},
	    {"macmlx.md", "apple-m5-max-40c-128gb", "apple-m5-10c-24gb", "chip", NULL},
	    {"vllm-mlx.json", "apple-m4-pro-20c-24gb", "apple-m4-max-40c-64gb", "chip", NULL},
	    {"normiebench.json", "apple-m1-max-32c-64gb", "apple-m1-pro-16c-32gb", "gpu", NULL},
	    {"llmfit.json", "apple-m3-pro-18c-36gb", "apple-m4-pro-20c-24gb", "hardwareName", "q4_K_M"}};

static void hold_file(struct held_row *h, const char *file, const char *machine)
{
	const struct bench b = {machine, NULL, "llama-3.1-8b", "", "", "", 0, 0};
	const char *path;

	hold_begin(h, &b);
	h->ask.model = NULL;
	h->ask.given = NULL;
	h->ask.fitting = true; /* under any runtime */
	path = arena_printf(&h->t.arena, "tests/data/runs/%s", file);
	MUST(runs_read(&h->t.arena, path, &h->runs, &h->why) == 0);
}

START_TEST(apps_name_their_chip)
{
	const char *const machines[] = {apps[_i].on, apps[_i].elsewhere};

	for (size_t k = 0; k < 2; k++) {
		struct held_row h;
		int rc;

		hold_file(&h, apps[_i].file, machines[k]);
		h.ask.weights = apps[_i].weights;
		rc = report_row_make(&h.ask, &h.runs.at[0], &h.row, &h.notes, &h.column, &h.why);
		ck_assert_msg((rc == 0) == (k == 0), "%s on %s: %s", apps[_i].file, machines[k], h.why.msg);
		if (rc != 0)
			ck_assert_str_eq(run_column_name(&h.runs.at[0], h.column), apps[_i].column);
		fixture_release(&h.t);
	}
}
END_TEST

/* Programs that name a model without its number of parameters. */
static const char *const unnumbered[][2] = {{"llama-benchy.md", "model"}, {"vllm-mlx.json", "model"},
					    {"macmlx.md", "modelID"},     {"lm-studio.json", "model"},
					    {"ollama.json", "model"},     {"normiebench.json", "modelLabel"},
					    {"llmfit.json", "model"}};

START_TEST(apps_name_their_model)
{
	/* 14B: none of them ran it */
	const struct bench b = {"apple-m3-ultra-80c-512gb", NULL, "phi-4", "", "", "", 0, 0};
	struct held_row h;
	const char *path;

	hold_begin(&h, &b);
	path = arena_printf(&h.t.arena, "tests/data/runs/%s", unnumbered[_i][0]);
	MUST(runs_read(&h.t.arena, path, &h.runs, &h.why) == 0);
	for (size_t i = 0; i < h.runs.n; i++) {
		ck_assert_int_eq(report_row_make(&h.ask, &h.runs.at[i], &h.row, &h.notes, &h.column, &h.why),
				 -1);
		ck_assert_msg(strstr(h.why.msg, "--model is phi-4"), "%s", h.why.msg);
		ck_assert_str_eq(run_column_name(&h.runs.at[i], h.column), unnumbered[_i][1]);
	}
	fixture_release(&h.t);
}
END_TEST

/* What a row that counts no parameters calls its model, and whether that is another than the one that is asked. */
static const struct {
	const char *says, *asked;
	bool other;
} names_of[] = {{"openai/gpt-oss-120b", "qwen2.5-7b", true},
		{"openai/gpt-oss-120b", "gpt-oss-120b", false},
		{"~/models/mlx-community/Qwen3-0.6B-8bit", "qwen2.5-7b", true},
		{"gemma-4-e4b-it-8bit", "gemma-4-e2b", true},
		{"gemma-4-e4b-it-8bit", "gemma-4-e4b", false},
		{"qwen3-8b 4bit", "qwen2.5-7b", true},
		{"llama3.1:8b", "qwen2.5-7b", true},
		{"llama3.1:8b-instruct-q4_K_M", "llama-3.1-70b", true},
		{"llama3.1:8b-instruct-q4_K_M", "llama-3.1-8b", false},
		/* of one number of parameters */
		{"llama3.1:8b", "deepseek-r1-distill-llama-8b", false},
		{"qwen3:30b-a3b", "qwen3-coder-30b-a3b", false},
		{"models/Qwen3-8B-Q4_K_M.gguf", "qwen3-4b", true},
		{"models/Qwen3-8B-Q4_K_M.gguf", "qwen3-8b", false},
		{"phi4:latest", "phi-3-mini", true},
		/* the size is not said, or a word says that it is another model */
		{"mistral", "mistral-small-24b", false},
		{"llama 7B Q4_0", "mistral-7b", false},
		{"llama 8B Q4_0", "mistral-7b", false},
		{"qwen3:30b", "qwen3-8b", true},
		{"llama3", "llama-3-70b", false},
		{"phi-4-mini-instruct-8bit", "phi-3-mini", false},
		{"qwen3-8b-pruned-6b", "qwen2.5-7b", false},
		{"my finest tuning", "qwen2.5-7b", false}};

START_TEST(names_of_models_are_held)
{
	const struct bench b = {"apple-m3-ultra-80c-512gb", NULL, names_of[_i].asked, "", "", "", 0, 0};
	struct held_row h;
	const char *text = NULL;
	int rc;

	hold_begin(&h, &b);
	h.ask.weights = "q4_0";
	text = arena_printf(&h.t.arena, "kind,prompt,tok_per_s,model\npp,512,900,%s\n", names_of[_i].says);
	h.why = (struct err)ERR_INIT;
	MUST(runs_parse(&h.t.arena, "report", text, strlen(text), &h.runs, &h.why) == 0);
	rc = report_row_make(&h.ask, &h.runs.at[0], &h.row, &h.notes, &h.column, &h.why);
	if (!names_of[_i].other) {
		ck_assert_msg(rc == 0 || h.column != COLUMN_MODEL || !strstr(h.why.msg, "--model is"),
			      "%s: %s", names_of[_i].says, h.why.msg);
	} else {
		ck_assert_msg(rc != 0, "%s is taken for %s", names_of[_i].says, names_of[_i].asked);
		ck_assert_str_eq(run_column_name(&h.runs.at[0], h.column), "model");
		ck_assert_ptr_nonnull(strstr(h.why.msg, names_of[_i].says));
		ck_assert_ptr_nonnull(strstr(h.why.hint, "--skip-foreign"));
	}
	fixture_release(&h.t);
}
END_TEST

static const struct {
	const char *text;
	bool fine;
} build_texts[] = {{"7948", true},  {"1", true},       {"", true},     {"0", false},
		   {"-7", false},   {"7948.5", false}, {"1e4", false}, {"12345678901234567890", false},
		   {"b7948", false}};

/* In our csv and in llama-bench's, by their columns. */
START_TEST(builds_are_whole_numbers)
{
	const char *const heads[] = {"kind,prompt,tok_per_s,build\npp,512,900,%s\n",
				     "n_prompt,n_gen,avg_ts,build_number\n512,0,900,%s\n"};
	const char *const columns[] = {": build: ", ": build_number: "};

	for (size_t k = 0; k < ARRAY_LEN(heads); k++) {
		struct arena a = ARENA_INIT;
		struct err why = ERR_INIT;
		struct runs runs;
		struct str text = STR_INIT;
		const char *cut = strstr(heads[k], "%s");
		int rc;

		str_add_n(&text, heads[k], (size_t)(cut - heads[k]));
		str_addf(&text, "%s\n", build_texts[_i].text);
		rc = runs_parse(&a, "report", text.text, strlen(text.text), &runs, &why);
		ck_assert_msg((rc == 0) == build_texts[_i].fine, "'%s': %s", build_texts[_i].text, why.msg);
		if (rc != 0)
			ck_assert_ptr_nonnull(strstr(why.msg, columns[k]));
		str_release(&text);
		arena_release(&a);
	}
}
END_TEST

Suite *suite_row_names(void)
{
	Suite *s = suite_create("row_names");
	TCase *t = tcase_create("row_names");

	tcase_add_loop_test(t, names_of_models_are_held, 0, (int)ARRAY_LEN(names_of));
	tcase_add_loop_test(t, apps_name_their_model, 0, (int)ARRAY_LEN(unnumbered));
	tcase_add_loop_test(t, builds_are_whole_numbers, 0, (int)ARRAY_LEN(build_texts));
	tcase_add_loop_test(t, machines_are_held, 0, (int)ARRAY_LEN(machines_of));
	tcase_add_loop_test(t, apps_name_their_chip, 0, (int)ARRAY_LEN(apps));
	suite_add_tcase(s, t);
	return s;
}
