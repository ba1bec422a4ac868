/* check_mix_by_size.c - dynamic mixes: their names, their bytes by the size of a file, and what is not known of them. */
#include <string.h>

#include "sim/family/fit_runtime.h"
#include "sim/family/mix_by_size.h"
#include "sim/family/run_params.h"
#include "sim/family/run_weights.h"
#include "sim/llm/mix.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

/* As the name has it. */
static const struct precision ruled = {.weights = MIX_Q4_K_M, .kv = FORMAT_F16, .compute = FORMAT_F16};

static const struct model *model_of(struct fixture *s, const char *name)
{
	const struct model *m;

	*s = (struct fixture){.arena = ARENA_INIT};
	diags_init(&s->diags, &s->arena);
	loader_init(&s->loader, &s->arena, &s->diags);
	m = catalogue_model_load(&s->loader, name);
	MUST(m);
	return m;
}

/* A name means the file type that llama-bench calls such files: kyuz0/amd-strix-halo-toolboxes@d1a34bee, benchmark/results, has
 * Qwen3.6-35B-A3B-UD-Q4_K_XL as Q4_K - Medium, Qwen3.5-122B-A10B-UD-Q5_K_XL as Q5_K - Medium, MiniMax-M2.7-UD-Q3_K_S as Q3_K -
 * Small and Qwen3.6-27B-UD-Q8_K_XL as Q8_0. */
START_TEST(names_of_mixes)
{
	static const struct {
		const char *text, *word, *base;
	} of[] = {{"Qwen3.6-35B-A3B-UD-Q4_K_XL", "UD-Q4_K_XL", "q4_K_M"},
		  {"Qwen3.5-122B-A10B-UD-Q5_K_XL-00001-of-00003.gguf", "UD-Q5_K_XL", "q5_K_M"},
		  {"MiniMax-M2.7-UD-Q3_K_S", "UD-Q3_K_S", "q3_K_S"},
		  {"Qwen3.6-27B-UD-Q8_K_XL", "UD-Q8_K_XL", "q8_0"},
		  {"ud-q2_k_xl", "ud-q2_k_xl", "q2_K"},
		  {"UD-Q3_K_XL", "UD-Q3_K_XL", "q3_K_M"},
		  {"UD-Q6_K_XL", "UD-Q6_K_XL", "q6_K"},
		  {"UD-IQ2_M", "UD-IQ2_M", "iq2_m"},
		  {"unsloth/GLM-4.7-GGUF:UD-IQ3_XXS", "UD-IQ3_XXS", "iq3_xxs"},
		  {"gemma-3-27b-it-Q4_K_L.gguf", "Q4_K_L", "q4_K_M"},
		  {"Q6_K_L", "Q6_K_L", "q6_K"},
		  {"Q3_K_XL", "Q3_K_XL", "q3_K_M"}};
	static const char *const none[] = {"Q3_K_L",
					   "q4_K_M",
					   "UD-TQ1_0",
					   "Qwen3.6-35B-A3B-UD-MLX-4bit",
					   "llama 8B Q4_K - Medium",
					   "CLOUD-Q4_K",
					   "XUD-Q4_K_M",
					   ""};

	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		const char *word;
		size_t n;
		const int base = mix_of_dynamic(of[i].text, &word, &n);

		ck_assert_msg(base < MIX_N, "%s", of[i].text);
		ck_assert_str_eq(mix_names[base], of[i].base);
		ck_assert_uint_eq(n, strlen(of[i].word));
		ck_assert_int_eq(strncmp(word, of[i].word, n), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		ck_assert_msg(mix_of_dynamic(none[i], NULL, NULL) == MIX_N, "%s", none[i]);
}
END_TEST

static double role_B(const struct model *m, const struct precision *p, enum role role)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		if (parts[i].part.role == role)
			sum += parts[i].blocks * part_weights_B(m, p, parts[i].part);
	return sum;
}

/* The bytes are the file's, and experts, attention and tables keep their shares; routers, norms and the formats stay. */
START_TEST(bytes_and_shares)
{
	struct fixture s;
	const struct model *m = model_of(&s, "qwen3-30b-a3b");
	const struct part experts = {ROLE_EXPERTS, false, 0};

	for (double factor = 0.9; factor < 1.45; factor += 0.1) {
		const double bytes = factor * model_weights_B(m, &ruled);
		struct precision p = ruled;

		ck_assert_int_eq(mix_stretch(m, &p, bytes), 0);
		ck_assert_double_eq_tol(model_weights_B(m, &p) / bytes, 1, 1e-12);
		ck_assert_double_eq_tol(role_B(m, &p, ROLE_EXPERTS) / role_B(m, &ruled, ROLE_EXPERTS),
					mix_bytes(m, &p, experts, TENSOR_Q, 1e6) /
						mix_bytes(m, &ruled, experts, TENSOR_Q, 1e6),
					1e-12);
		ck_assert_double_eq(role_B(m, &p, ROLE_ROUTER), role_B(m, &ruled, ROLE_ROUTER));
		ck_assert_int_eq(mix_most(m, &p, experts, TENSOR_EXPERT_UP),
				 mix_most(m, &ruled, experts, TENSOR_EXPERT_UP));
	}
	fixture_release(&s);
}
END_TEST

/* Sizes that no file of the name can have are refused and change nothing. */
START_TEST(sizes_that_are_refused)
{
	struct fixture s;
	const struct model *m = model_of(&s, "qwen3-30b-a3b");
	static const double factors[] = {0.5, 0.8, 1.6, 3};

	for (size_t i = 0; i < ARRAY_LEN(factors); i++) {
		struct precision p = ruled;

		ck_assert_int_eq(mix_stretch(m, &p, factors[i] * model_weights_B(m, &ruled)), -1);
		ck_assert_double_eq(model_weights_B(m, &p), model_weights_B(m, &ruled));
	}
	fixture_release(&s);
}
END_TEST

/* What is not known grows with the bytes that the name does not tell, and is more where a token reads a small part of the
 * experts; of a dense model with a table apart the extremes are close. */
START_TEST(what_is_not_known)
{
	static const char *const names[] = {"llama-3.1-8b", "qwen3-30b-a3b"};
	double last[2] = {0, 0};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct fixture s;
		const struct model *m = model_of(&s, names[i]);

		ck_assert_double_eq(mix_stretch_sd(m, &ruled), 0);
		for (double factor = 1.02; factor < 1.1; factor += 0.02) {
			struct precision p = ruled;

			ck_assert_int_eq(mix_stretch(m, &p, factor * model_weights_B(m, &ruled)), 0);
			ck_assert_double_gt(mix_stretch_sd(m, &p), last[i]);
			last[i] = mix_stretch_sd(m, &p);
		}
		fixture_release(&s);
	}
	ck_assert_double_gt(last[1], 2 * last[0]);
	ck_assert_double_lt(last[1], 0.5);
}
END_TEST

/* A file that is smaller than the rules say is as unsure. */
START_TEST(smaller_files)
{
	struct fixture s;
	const struct model *m = model_of(&s, "qwen3-30b-a3b");
	struct precision p = ruled;

	ck_assert_int_eq(mix_stretch(m, &p, 0.93 * model_weights_B(m, &p)), 0);
	ck_assert_double_gt(mix_stretch_sd(m, &p), 0.02);
	ck_assert_double_lt(mix_stretch_sd(m, &p), 0.5);
	fixture_release(&s);
}
END_TEST

/* Unsloth's UD-Q4_K_XL of Qwen3.5 in GB, as published on 3 March 2026 (ggml-org/Llama-macOS#63): all are mixes around q4_K_M. */
START_TEST(published_sizes)
{
	static const struct {
		const char *model;
		double gb;
	} of[] = {{"qwen3.5-4b", 2.9}, {"qwen3.5-9b", 6.0}, {"qwen3.5-27b", 17.6}, {"qwen3.5-35b-a3b", 22.2}};

	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		struct fixture s;
		const struct model *m = model_of(&s, of[i].model);
		struct precision p = ruled;

		ck_assert_msg(mix_stretch(m, &p, of[i].gb * 1e9) == 0, "%s", of[i].model);
		fixture_release(&s);
	}
}
END_TEST

static int taken(struct fixture *s, const struct model *m, const struct run *run, const char *asked,
		 struct precision *p, const char **note, struct err *err)
{
	enum run_column column;

	return run_weights(&s->arena, run, m, asked, DTYPE_F16, p, note, &column, err);
}

/* gpt-oss is published with experts in MXFP4, which stay so in files of other types: lhl/strix-halo-testing@5ee14b5b,
 * llm-bench/gpt-oss-120b-F16/raw_runs.jsonl, has "gpt-oss ?B F16" of 60.87 GiB for 116.83 B. */
START_TEST(published_experts)
{
	struct fixture s;
	const struct model *m = model_of(&s, "gpt-oss-120b");
	struct run run = {.path = "x.md",
			  .tool = "llama-bench",
			  .model = "gpt-oss ?B F16",
			  .bytes = 60.87 * 1073741824,
			  .params = 116.83e9};
	struct precision p;
	struct err err = ERR_INIT;
	const char *note;

	ck_assert_msg(taken(&s, m, &run, NULL, &p, &note, &err) == 0, "%s", err.msg);
	ck_assert_double_eq_tol(model_weights_B(m, &p) / run.bytes, 1, 0.002);
	ck_assert_int_eq(p.tensors.at[TENSOR_EXPERT_UP], FORMAT_MXFP4 + 1);
	ck_assert_ptr_nonnull(strstr(note, "mxfp4"));
	run.bytes *= 1.5; /* neither all in f16 nor with such experts */
	ck_assert_int_eq(taken(&s, m, &run, NULL, &p, &note, &err), 0);
	ck_assert_int_eq(p.tensors.at[TENSOR_EXPERT_UP], 0);
	fixture_release(&s);
}
END_TEST

/* By its name a dynamic mix wants a size, from the row or as it is asked for; with it the bytes are those. A standard name with another
 * size is taken only of what llama-bench read from the file. */
START_TEST(rows)
{
	static const struct {
		const char *model, *asked, *tool;
		double gib, params;
		bool taken, stretched, told;
	} of[] = {{"qwen35 27B UD-Q8_K_XL", NULL, "llama-bench", 33.31, 27.32e9, true, true, true},
		  {"qwen35 27B Q8_0", NULL, "llama-bench", 33.31, 27.32e9, true, true, true},
		  {"qwen35 27B Q8_0", "UD-Q8_K_XL", "llama-bench", 33.31, 27.32e9, true, true, true},
		  {"Qwen3.5-27B", "UD-Q8_K_XL", "csv", 33.31, 0, true, true, true},
		  {"qwen35 27B Q8_0", NULL, "csv", 33.31, 0, true, false, true},
		  {"qwen35 27B Q8_0", NULL, "csv", 28.3, 0, true, false, true},
		  {"qwen35 27B Q8_0", NULL, "csv", 26.63, 0, true, false, false},
		  {"qwen35 27B Q8_0", NULL, "csv", 0, 0, true, false, false},
		  {"qwen35 27B UD-Q8_0", NULL, "csv", 0, 0, true, false, true},
		  {"qwen35 27B UD-Q8_0", NULL, "csv", 26.63, 0, true, false, false},
		  {"qwen35 27B UD-Q8_K_XL", NULL, "csv", 0, 0, false, false, false},
		  {"Qwen3.5-27B", "UD-Q8_K_XL", "csv", 0, 0, false, false, false}};
	struct fixture s;
	const struct model *m = model_of(&s, "qwen3.5-27b");

	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		const struct run run = {.path = "x",
					.tool = of[i].tool,
					.model = of[i].model,
					.bytes = of[i].gib * 1073741824,
					.params = of[i].params};
		struct precision p;
		struct err err = ERR_INIT;
		const char *note;

		ck_assert_int_eq(taken(&s, m, &run, of[i].asked, &p, &note, &err), of[i].taken ? 0 : -1);
		if (!of[i].taken) {
			ck_assert_ptr_nonnull(strstr(err.hint, "weights: {file:"));
			continue;
		}
		ck_assert_int_eq(p.weights, FORMAT_Q8_0);
		ck_assert_int_eq(p.stretch > 0, of[i].stretched);
		if (of[i].stretched)
			ck_assert_double_eq_tol(model_weights_B(m, &p) / run_bytes_that_run(m, &run), 1,
						1e-12);
		ck_assert_msg((note != NULL) == of[i].told, "%s, %g GiB: %s", of[i].model, of[i].gib,
			      note ? note : "no note");
	}
	fixture_release(&s);
}
END_TEST

Suite *suite_mix_by_size(void)
{
	Suite *s = suite_create("mix_by_size");
	TCase *tc = tcase_create("mix_by_size");

	tcase_add_test(tc, names_of_mixes);
	tcase_add_test(tc, bytes_and_shares);
	tcase_add_test(tc, sizes_that_are_refused);
	tcase_add_test(tc, what_is_not_known);
	tcase_add_test(tc, smaller_files);
	tcase_add_test(tc, published_sizes);
	tcase_add_test(tc, published_experts);
	tcase_add_test(tc, rows);
	suite_add_tcase(s, tc);
	return s;
}
