/* check_report_rows.c - rows of reports held against what is asked: every column is used, or refuses its row. */
#include <string.h>

#include "sim/base/rng.h"
#include "sim/base/str.h"
#include "tests/family/held_row.h"
#include "tests/suites.h"

static const struct bench benches[] = {
	{"apple-m5-10c-24gb", "llama.cpp", "mistral-7b", "llama 7B Q4_0", "Metal,BLAS", "Metal", 4.113e9,
	 7241732096},
	{"nvidia-rtx-3090-24gb", "cuda", "llama-3.1-8b", "llama 8B Q4_K - Medium", "CUDA", "CUDA0", 4.912e9,
	 8030261312},
};

struct column_case {
	const char *column, *fine[6], *foreign[8];
	bool text; /* in quotes */
};

/* Values that do not depend on the machine, and such as do with %s for its own back end. */
static const struct column_case cases[] = {
	{"backends", {"%s"}, {"CPU", "BLAS", "%s,RPC", "SYCL", "OpenCL", "RPC"}, true},
	{"n_gpu_layers", {"99", "33", "-1", "all", "auto"}, {"0", "1", "16", "32"}, false},
	{"devices", {"auto", "%d"}, {"none", "CPU", "%d/%d", "Vulkan0", "RPC0", "%d/RPC0"}, true},
	{"split_mode", {"layer", "none"}, {"row", "tensor", "graph"}, true},
	{"tensor_split", {"0.00", "1.00", "1.00/0.00"}, {"1.00/1.00", "3.00/1.00", "0.00/1.00/2.00"}, true},
	{"rpc_servers", {""}, {"192.168.1.7:50052"}, true},
	{"type_k", {"f16"}, {"q5_1", "q8_0", "IQ9"}, true}, /* values stay f16 */
	{"type_v", {"f16"}, {"q4_0", "q8_0"}, true},
	{"no_kv_offload", {"false", "0"}, {"true", "1"}, false},
	{"n_cpu_moe", {"0"}, {"1", "48"}, false},
	{"tensor_buft_overrides", {"none"}, {"exps=CPU"}, true},
	{"embeddings", {"false"}, {"true"}, false},
	{"model_n_params", {"%p"}, {"3212749824", "1100048384", "70553706496", "14770033664"}, false},
	{"model_size", {"%b"}, {"1e9", "2.39e9", "1.6e10"}, false},
};

static const char *value_of(struct arena *a, const struct bench *b, const char *pattern)
{
	struct str s = STR_INIT;
	const char *text;

	for (; *pattern; pattern++) {
		if (*pattern != '%') {
			str_add_n(&s, pattern, 1);
			continue;
		}
		switch (*++pattern) {
		case 's':
			str_add(&s, b->backend);
			break;
		case 'd':
			str_add(&s, b->device);
			break;
		case 'p':
			str_addf(&s, "%.0f", b->params);
			break;
		default:
			str_addf(&s, "%.0f", b->bytes);
		}
	}
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

/* A row of JSON with one column changed; NULL: none. */
static const char *json_of(struct arena *a, const struct bench *b, const struct column_case *c,
			   const char *value)
{
	struct str s = STR_INIT;
	const char *text;

	str_addf(&s, "[{\"model_type\": \"%s\", \"n_prompt\": 512, \"n_gen\": 0, \"avg_ns\": 840000000",
		 b->type);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const bool changed = c && !strcmp(cases[i].column, c->column);
		const char *quote = cases[i].text ? "\"" : "";

		str_addf(&s, ", \"%s\": %s%s%s", cases[i].column, quote,
			 value_of(a, b, changed ? value : cases[i].fine[0]), quote);
	}
	str_add(&s, "}]");
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

START_TEST(each_column_with_each_value)
{
	const struct bench *b = &benches[_i];
	struct held_row h;

	hold_begin(&h, b);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct column_case *c = &cases[i];

		for (size_t k = 0; k < ARRAY_LEN(c->fine) && c->fine[k]; k++)
			ck_assert_msg(hold_text(&h, json_of(&h.t.arena, b, c, c->fine[k])) == 0, "%s %s: %s",
				      c->column, c->fine[k], h.why.msg);
		for (size_t k = 0; k < ARRAY_LEN(c->foreign) && c->foreign[k]; k++) {
			ck_assert_msg(hold_text(&h, json_of(&h.t.arena, b, c, c->foreign[k])) != 0,
				      "%s %s is accepted", c->column, c->foreign[k]);
			ck_assert_msg(h.why.hint[0], "%s %s: no hint", c->column, c->foreign[k]);
			/* one key's format that is not the other's is told of the key's column */
			if (strncmp(c->column, "type_", 5) != 0)
				ck_assert_str_eq(run_column_name(&h.runs.at[0], h.column), c->column);
		}
	}
	fixture_release(&h.t);
}
END_TEST

/* Value `k` of a column: its fine ones first. NULL: there are no more. */
static const char *nth_value(const struct column_case *c, size_t k, bool *foreign)
{
	size_t fine = 0;

	while (fine < ARRAY_LEN(c->fine) && c->fine[fine])
		fine++;
	*foreign = k >= fine;
	if (!*foreign)
		return c->fine[k];
	return k - fine < ARRAY_LEN(c->foreign) ? c->foreign[k - fine] : NULL;
}

static size_t draw_value(struct rng *rng, const struct column_case *c, bool want_foreign)
{
	for (;;) {
		const size_t k = (size_t)(rng_uniform(rng) * (ARRAY_LEN(c->fine) + ARRAY_LEN(c->foreign)));
		bool foreign;

		if (nth_value(c, k, &foreign) && foreign == want_foreign)
			return k;
	}
}

/* Rows of several columns, in a random order of columns, in csv as llama-bench writes it: one is refused where any value
 * is foreign, with the name of such a column, and taken where none is. */
START_TEST(random_rows)
{
	const struct bench *b = &benches[_i];
	const int trials = how_many(120, 1500);
	struct rng *rng = rng_new(7, "rows");
	struct held_row h;

	hold_begin(&h, b);
	for (int t = 0; t < trials; t++) {
		struct str head = STR_INIT, row = STR_INIT;
		const size_t at = (size_t)(rng_uniform(rng) * ARRAY_LEN(cases));
		const bool spoilt = rng_uniform(rng) < 0.5;
		bool pair = false, foreign;
		int rc;

		str_add(&head, "model_type,n_prompt,n_gen,avg_ns");
		str_addf(&row, "\"%s\",512,0,840000000", b->type);
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			const struct column_case *c = &cases[(i + at) % ARRAY_LEN(cases)];
			const bool bad = spoilt && i == 0;
			/* one device that is named settles what a mode of splitting, or a build with RPC, leaves open */
			const bool unnamed = spoilt && i > 0 && !strcmp(c->column, "devices");
			const size_t k = unnamed ? 0 : draw_value(rng, c, bad);
			const char *value = value_of(&h.t.arena, b, nth_value(c, k, &foreign));

			pair = pair || (bad && !strncmp(c->column, "type_", 5));
			if (!bad && !strncmp(c->column, "model_", 6) && rng_uniform(rng) < 0.3)
				continue; /* a row need not say it */
			str_addf(&head, ",%s", c->column);
			str_addf(&row, ",\"%s\"", value);
		}
		str_addf(&head, "\n%s\n", row.text);
		rc = hold_text(&h, head.text);
		ck_assert_msg((rc != 0) == spoilt, "%s: %s", head.text, rc ? h.why.msg : "taken");
		if (spoilt && !pair)
			ck_assert_str_eq(run_column_name(&h.runs.at[0], h.column), cases[at].column);
		str_release(&head);
		str_release(&row);
	}
	rng_free(rng);
	fixture_release(&h.t);
}
END_TEST

/* The short names of a table say the same. */
START_TEST(short_names_in_markdown)
{
	static const char *const wrong[][2] = {
		{"backend", "CPU"}, {"ngl", "10"},        {"dev", "Metal/RPC0"},
		{"sm", "row"},      {"ts", "1.0/2.0"},    {"rpc", "10.0.0.2:50052"},
		{"nkvo", "1"},      {"ncmoe", "4"},       {"ot", "exps=CPU"},
		{"embd", "1"},      {"params", "3.21 B"}, {"size", "8.00 GiB"}};
	struct held_row h;

	hold_begin(&h, &benches[0]);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const char *text = arena_printf(&h.t.arena,
						"| model | %s | test | t/s |\n| --- | --- | --- | --- |\n"
						"| llama 7B Q4_0 | %s | pp512 | 600.00 |\n",
						wrong[i][0], wrong[i][1]);

		ck_assert_msg(hold_text(&h, text) != 0, "%s %s", wrong[i][0], wrong[i][1]);
		ck_assert_str_eq(run_column_name(&h.runs.at[0], h.column), wrong[i][0]);
		ck_assert_int_eq(run_place(&h.runs.at[0], h.column).line, 3);
	}
	fixture_release(&h.t);
}
END_TEST

/* What is used changes the row: the cache's format, attention without fusion, the build's own profile. */
START_TEST(used_columns)
{
	static const char *const text =
		"[{\"model_type\": \"llama 7B Q4_0\", \"n_prompt\": 512, \"n_gen\": 0, \"avg_ns\": "
		"840000000, "
		"\"type_k\": \"q8_0\", \"type_v\": \"q8_0\", \"flash_attn\": false, \"build_number\": 1550}]";
	const struct bench m1 = {"apple-m1-ultra-64c-128gb", "llama.cpp", "mistral-7b", "", "", "", 0, 0};
	struct held_row h;

	hold_begin(&h, &m1);
	ck_assert_msg(hold_text(&h, text) == 0, "%s", h.why.msg);
	ck_assert_int_eq(h.row.precision.kv, FORMAT_Q8_0);
	ck_assert_str_eq(h.row.profile->origin.name, "llama.cpp@2023-11");
	h.ask.dated =
		true; /* the profile that was named stands, with attention as the row has it, and a note */
	ck_assert_int_eq(hold_text(&h, text), 0);
	ck_assert_str_eq(h.row.profile->origin.name, "llama.cpp@2026-02");
	ck_assert_int_eq(h.row.profile->scores.kernels, 4);
	ck_assert_uint_eq(h.notes.n, 1);
	ck_assert_ptr_nonnull(strstr(h.notes.at[0], "build 1550"));
	fixture_release(&h.t);
}
END_TEST

/* Caches for which a default CUDA build has no kernel: judged, but no runtime is fitted to them; one of mlx_lm's bits is neither. */
static const struct {
	const char *machine, *runtime, *format;
	bool judged, fitted;
} cache_formats[] = {{"nvidia-rtx-4090-24gb", "cuda", "q8_0", true, true},
		     {"nvidia-rtx-4090-24gb", "cuda", "q4_0", true, true},
		     {"nvidia-rtx-4090-24gb", "cuda", "q4_1", true, false},
		     {"nvidia-rtx-4090-24gb", "cuda", "q5_0", true, false},
		     {"nvidia-rtx-4090-24gb", "cuda", "q5_1", true, false},
		     {"amd-radeon-rx-7900-xtx-24gb", "rocm", "q5_1", true, false},
		     {"amd-radeon-rx-7900-xtx-24gb", "vulkan", "q5_1", true, true},
		     {"apple-m4-pro-20c-48gb", "llama.cpp", "q5_1", true, true},
		     {"apple-m4-pro-20c-48gb", "mlx", "4 bits", false, false}};

START_TEST(caches_without_a_kernel)
{
	const struct bench b = {
		cache_formats[_i].machine, cache_formats[_i].runtime, "llama-3.1-8b", "", "", "", 0, 0};
	const char *f = cache_formats[_i].format;
	struct held_row h;
	const char *text;

	hold_begin(&h, &b);
	text = arena_printf(&h.t.arena,
			    "kind,weights,prompt,type_k,type_v,tok_per_s\npp,q4_0,512,%s,%s,1000\n", f, f);
	ck_assert_msg((hold_text(&h, text) == 0) == cache_formats[_i].judged, "%s: %s", f, h.why.msg);
	h.ask.fitting = true;
	ck_assert_msg((hold_text(&h, text) == 0) == cache_formats[_i].fitted, "%s: %s", f, h.why.msg);
	if (!cache_formats[_i].fitted)
		ck_assert_int_eq(h.column, COLUMN_KV_K);
	fixture_release(&h.t);
}
END_TEST

/* A row that names its build is of that build's kernels, within one profile: experts ran by vectors from build 7925 on. */
static const struct {
	int64_t build, gather, route;
} cuda_builds[] = {{0, 9, 1}, {10573, 9, 1}, {8612, 9, 1}, {8611, 5, 1}, {7924, 2, 1}, {6582, 2, 5}};

START_TEST(the_build_of_a_row)
{
	const struct bench b = {"nvidia-rtx-4090-24gb", "cuda", "qwen3-30b-a3b", "", "", "", 0, 0};
	const int64_t build = cuda_builds[_i].build;
	struct held_row h;

	hold_begin(&h, &b);
	ck_assert_msg(hold_text(&h, arena_printf(&h.t.arena,
						 "kind,tool,weights,prompt,build,tok_per_s\n"
						 "pp,llama-bench,q4_0,512,%s,1000\n",
						 build ? arena_printf(&h.t.arena, "%lld", (long long)build)
						       : "")) == 0,
		      "%s", h.why.msg);
	ck_assert_str_eq(h.row.profile->origin.name, "cuda@2025-10");
	ck_assert_int_eq(h.row.profile->few.gather, cuda_builds[_i].gather);
	ck_assert_int_eq(h.row.profile->route.kernels, cuda_builds[_i].route);
	fixture_release(&h.t);
}
END_TEST

START_TEST(months_of_builds)
{
	ck_assert_int_eq(build_month(0), 0);
	ck_assert_int_eq(build_month(1550), 12 * 2023 + 10);
	ck_assert_int_eq(build_month(5062), 12 * 2025 + 3);
	ck_assert_int_eq(build_month(9187), 12 * 2026 + 4);
	for (int64_t b = 1000; b < 12000; b += 10)
		ck_assert(build_month(b) <= build_month(b + 10));
}
END_TEST

/* The format: from words, from a size, from peak memory where that leaves one, else asked for. */
static const struct {
	const char *text, *weights; /* NULL: refused */
	bool told;                  /* by a note */
} formats_of[] = {
	{"kind,model,prompt,tok_per_s\npp,Mistral 7B Q5_K_M,512,100\n", "q5_K_M", false},
	{"kind,model,prompt,tok_per_s\npp,llama 7B Q4_K - Small,512,100\n", "q4_K_S", false},
	{"kind,model,prompt,tok_per_s\npp,llama 7B Q2_K - Medium,512,100\n", "q2_K", false},
	{"kind,weights,prompt,tok_per_s\npp,q6_K,512,100\n", "q6_K", false},
	{"kind,bytes,prompt,tok_per_s\npp,7.7e9,512,100\n", "q8_0", true},
	{"kind,bytes,prompt,tok_per_s\npp,14.48e9,512,100\n", "f16", true},
	{"kind,bytes,prompt,tok_per_s\npp,1.9e9,512,100\n", NULL, false},
	{"kind,prompt,tok_per_s\npp,512,100\n", NULL, false},
	{"kind,model,prompt,tok_per_s\npp,mistral Q9_XL,512,100\n", NULL, false},
	{"kind,model,bytes,prompt,tok_per_s\npp,mistral Q9_XL,2.2e9,512,100\n", NULL, false},
	{"Timing with prompt_tokens=512, generation_tokens=128, batch_size=1.\n"
	 "Trial 1:  prompt_tps=600, generation_tps=60, peak_memory=4.45\n",
	 "mlx_q4", true},
	{"Timing with prompt_tokens=512, generation_tokens=128, batch_size=1.\n"
	 "Trial 1:  prompt_tps=600, generation_tps=60, peak_memory=7.95\n",
	 "mlx_q8", true},
	{"Timing with prompt_tokens=32000, generation_tokens=128, batch_size=1.\n"
	 "Trial 1:  prompt_tps=600, generation_tps=60, peak_memory=13.5\n",
	 NULL, false},
};

START_TEST(weights_are_said_or_deduced)
{
	const bool mlx = strstr(formats_of[_i].text, "Trial") != NULL;
	const struct bench b = {
		"apple-m5-10c-24gb", mlx ? "mlx" : "llama.cpp", "mistral-7b", "", "", "", 0, 0};
	struct held_row h;
	int rc;

	hold_begin(&h, &b);
	rc = hold_text(&h, formats_of[_i].text);
	ck_assert_msg((rc == 0) == (formats_of[_i].weights != NULL), "%s: %s", formats_of[_i].text,
		      h.why.msg);
	if (rc == 0) {
		ck_assert_str_eq(mix_names[h.row.precision.weights], formats_of[_i].weights);
		ck_assert_int_eq(h.notes.n > 0, formats_of[_i].told);
	} else {
		ck_assert_ptr_nonnull(strstr(h.why.hint, "--weights"));
	}
	fixture_release(&h.t);
}
END_TEST

/* A file of --pure has the table of tokens in the format of all others, which its size tells; a file of the usual type has not,
 * and what no rule gives stays as it was. */
static const struct {
	const char *bytes;
	bool pure;
} pure_files[] = {{"695377920", true}, {"0.6954e9", true}, {"0.763e9", false}, {"0.72e9", false}};

START_TEST(pure_files_are_told_by_their_size)
{
	const struct bench b = {"apple-m5-10c-24gb", "llama.cpp", "llama-3.2-1b", "", "", "", 0, 0};
	struct held_row h;

	hold_begin(&h, &b);
	ck_assert_int_eq(
		hold_text(&h, arena_printf(&h.t.arena,
					   "kind,weights,bytes,prompt,tok_per_s\npp,q4_0,%s,512,100\n",
					   pure_files[_i].bytes)),
		0);
	ck_assert_int_eq(h.row.precision.weights, FORMAT_Q4_0);
	ck_assert_int_eq(h.row.precision.tensors.at[TENSOR_EMBEDDING],
			 pure_files[_i].pure ? FORMAT_Q4_0 + 1 : 0);
	ck_assert_int_eq(h.row.precision.tensors.at[TENSOR_SMALL], 0);
	ck_assert_int_eq(h.notes.n && strstr(h.notes.at[0], "--pure"), pure_files[_i].pure);
	fixture_release(&h.t);
}
END_TEST

/* Each row finds its model in the catalogue; what may be several is an error that names them. */
static const struct {
	const char *cells, *model, *candidates, *alike;
} models_of[] = {
	{"llama 8B Q4_0 | 8.03 B", "llama-3-8b", NULL, "llama-3.1-8b"},
	{"llama 7B Q4_0 | 7.24 B", "mistral-7b", NULL, NULL},
	{"qwen3moe 30B.A3B Q8_0 | 30.53 B", "qwen3-30b-a3b", NULL, "qwen3-coder-30b-a3b"},
	{"gpt-oss 20B MXFP4 MoE | 20.91 B", "gpt-oss-20b", NULL, NULL},
	{"Llama-3.2-3B-Instruct-Q4_0.gguf | 3.21 B", "llama-3.2-3b", NULL, NULL},
	{"mystery Q4_0 | 17.31 B", NULL, "no model", NULL},
};

START_TEST(models_are_found)
{
	const struct bench b = {"apple-m3-ultra-80c-512gb", "llama.cpp", "mistral-7b", "", "", "", 0, 0};
	struct held_row h;
	const char *text;
	int rc;

	hold_begin(&h, &b);
	h.ask.model = NULL;
	h.ask.given = NULL;
	text = arena_printf(
		&h.t.arena,
		"| model | params | test | t/s |\n| --- | --- | --- | --- |\n| %s | pp512 | 600.00 |\n",
		models_of[_i].cells);
	rc = hold_text(&h, text);
	ck_assert_msg((rc == 0) == (models_of[_i].model != NULL), "%s: %s", models_of[_i].cells, h.why.msg);
	if (rc == 0)
		ck_assert_str_eq(h.row.model_name, models_of[_i].model);
	if (rc == 0) /* others of its dimensions are told */
		ck_assert_int_eq(models_of[_i].alike != NULL,
				 h.notes.n && strstr(h.notes.at[0], "would be predicted alike"));
	if (rc == 0 && models_of[_i].alike)
		ck_assert_ptr_nonnull(strstr(h.notes.at[0], models_of[_i].alike));
	else if (rc != 0)
		ck_assert_ptr_nonnull(strstr(h.why.msg, models_of[_i].candidates));
	fixture_release(&h.t);
}
END_TEST

/* Foreign rows are all told, or left out and counted. */
START_TEST(skipped_and_counted)
{
	static const char *const text =
		"| model | params | backend | ngl | test | t/s |\n| --- | --- | --- | --- | --- | --- |\n"
		"| llama 7B Q4_0 | 7.24 B | Metal | 99 | pp512 | 600.00 |\n"
		"| llama 7B Q4_0 | 7.24 B | CPU | 0 | pp512 | 60.00 |\n"
		"| llama 7B Q4_0 | 7.24 B | Metal | 7 | pp512 | 90.00 |\n"
		"| llama 13B Q4_0 | 13.02 B | Metal | 99 | pp512 | 300.00 |\n";
	struct report_rows rows;
	struct held_row h;

	hold_begin(&h, &benches[0]);
	ck_assert_int_eq(hold_text(&h, text), 0);
	ck_assert_int_eq(report_rows_make(&h.ask, &h.runs, &rows, &h.why), -1);
	ck_assert_uint_eq(h.t.diags.total, 3);
	h.ask.skip = true;
	ck_assert_int_eq(report_rows_make(&h.ask, &h.runs, &rows, &h.why), 0);
	ck_assert_uint_eq(rows.n, 1);
	ck_assert_uint_eq(rows.left_out, 3);
	ck_assert_uint_eq(rows.by[COLUMN_BACKEND], 1);
	ck_assert_uint_eq(rows.by[COLUMN_GPU_LAYERS], 1);
	ck_assert_uint_eq(rows.by[COLUMN_PARAMS], 1);
	ck_assert_str_eq(rows.notes.at[rows.notes.n - 1],
			 "report: 3 of 4 rows are left out, by column: backend 1, ngl 1, params 1");
	fixture_release(&h.t);
}
END_TEST

Suite *suite_report_rows(void)
{
	Suite *s = suite_create("report_rows");
	TCase *t = tcase_create("report_rows");

	tcase_add_loop_test(t, each_column_with_each_value, 0, ARRAY_LEN(benches));
	tcase_add_loop_test(t, random_rows, 0, ARRAY_LEN(benches));
	tcase_add_test(t, short_names_in_markdown);
	tcase_add_test(t, used_columns);
	tcase_add_loop_test(t, caches_without_a_kernel, 0, ARRAY_LEN(cache_formats));
	tcase_add_loop_test(t, the_build_of_a_row, 0, (int)ARRAY_LEN(cuda_builds));
	tcase_add_test(t, months_of_builds);
	tcase_add_loop_test(t, weights_are_said_or_deduced, 0, ARRAY_LEN(formats_of));
	tcase_add_loop_test(t, pure_files_are_told_by_their_size, 0, (int)ARRAY_LEN(pure_files));
	tcase_add_loop_test(t, models_are_found, 0, ARRAY_LEN(models_of));
	tcase_add_test(t, skipped_and_counted);
	suite_add_tcase(s, t);
	return s;
}
