/*
 * check_fresh_configs.c - room import: configs that came after the table of families was written. Each is imported with the
 * parameters and the cache that its dimensions give by hand, or refused for the reason that expected.csv states.
 */
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/csv.h"
#include "sim/llm/projections.h"
#include "tests/import/imported.h"

#define FOLDER "tests/data/fresh/"

static double cache_numbers(const struct model *m, int64_t tokens)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		if (parts[i].part.role == ROLE_ATTENTION)
			sum += parts[i].blocks * part_cache_numbers(m, parts[i].part, tokens);
	return sum;
}

static void is_near(const char *file, const char *what, double ours, const char *expected, double tolerance)
{
	const double x = strtod(expected, NULL);

	ck_assert_msg(fabs(ours - x) <= tolerance * x, "%s: %s: %.0f, expected %s (%+.4f %%)", file, what,
		      ours, expected, 100 * (ours / x - 1));
}

START_TEST(fresh_configs_are_as_expected)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct csv csv;

	MUST(csv_read(&a, FOLDER "expected.csv", read_text(&a, FOLDER "expected.csv"), &csv, &err) == 0);
	ck_assert_uint_ge(csv.n, 50);
	for (size_t i = 0; i < csv.n; i++) {
		const char *file = csv_get(&csv, &csv.rows[i], "file"),
			   *refused = csv_get(&csv, &csv.rows[i], "refused");
		const struct outcome x =
			import_text(&a, read_text(&a, arena_printf(&a, FOLDER "%s", file)), false);

		ck_assert_msg(x.right == !*refused, "%s: %s", file, x.text);
		if (*refused) {
			ck_assert_msg(strstr(x.text, refused), "%s: %s", file, x.text);
			continue;
		}
		is_near(file, "parameters", model_weights(&x.m), csv_get(&csv, &csv.rows[i], "parameters"),
			0.0001);
		is_near(file, "of predictors", model_mtp_weights(&x.m),
			csv_get(&csv, &csv.rows[i], "parameters_mtp"), 0.00005);
		is_near(file, "cache of 32768", 2 * cache_numbers(&x.m, 32768),
			csv_get(&csv, &csv.rows[i], "cache_32768_f16_B"), 0);
	}
	arena_release(&a);
}
END_TEST

#define DENSE                                                                                                \
	"\"hidden_size\": 1024, \"intermediate_size\": 4096, \"num_hidden_layers\": 4, \"head_dim\": 64, "   \
	"\"num_attention_heads\": 16, \"num_key_value_heads\": 4, \"vocab_size\": 32000, "                   \
	"\"max_position_embeddings\": 8192}"

/* The mapping of a mixer's numbers may be missing: each number that it would say is. */
START_TEST(missing_mapping)
{
	static const char *const types[] = {"kimi_linear", "solar_open2"};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const struct outcome x = import_text(
			&a,
			arena_printf(&a,
				     "{\"model_type\": \"%s\", \"gqa_interval\": 3, \"num_experts\": 8, "
				     "\"num_experts_per_tok\": 2, \"moe_intermediate_size\": 64, "
				     "\"kv_lora_rank\": 64, "
				     "\"qk_nope_head_dim\": 32, \"qk_rope_head_dim\": 32, \"v_head_dim\": "
				     "32, " DENSE,
				     types[i]),
			false);

		ck_assert_msg(!x.right && strstr(x.text, "is missing"), "%s: %s", types[i], x.text);
	}
	arena_release(&a);
}
END_TEST

/* A plain model of each family that a drafter borrows, with what makes it one. */
START_TEST(drafters_are_refused)
{
	static const char *const families[] = {"llama", "qwen2", "qwen3", "phi3", "mistral", "brandnew"};
	static const char *const marks[] = {"\"architectures\": [\"LlamaForCausalLMEagle3\"]",
					    "\"architectures\": [\"DFlashDraftModel\"]",
					    "\"architectures\": [\"Eagle3Speculator\"]",
					    "\"draft_vocab_size\": 32000",
					    "\"dflash_config\": {\"mask_token_id\": 1}",
					    "\"speculators_model_type\": \"eagle3\"",
					    "\"medusa_num_heads\": 4"};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		for (int assume = 0; assume <= 1; assume++) {
			const struct outcome x =
				import_text(&a,
					    arena_printf(&a, "{\"model_type\": \"%s\", %s, " DENSE,
							 families[i], marks[_i]),
					    assume);

			ck_assert_msg(!x.right && strstr(x.text, "drafts tokens"), "%s", x.text);
		}
	arena_release(&a);
}
END_TEST

/* A dense family with experts: refused, or told with --assume. */
START_TEST(experts_of_dense_families)
{
	static const char *const families[] = {"llama", "qwen3", "gemma",       "cohere2",
					       "phi",   "lfm2",  "qwen3_5_text"};
	static const char *const keys[] = {"num_experts", "n_routed_experts", "num_local_experts"};
	struct arena a = ARENA_INIT;

	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		const char *text =
			arena_printf(&a,
				     "{\"model_type\": \"%s\", \"%s\": 64, \"num_experts_per_tok\": 4, "
				     "\"full_attn_idxs\": [3], "
				     "\"linear_num_value_heads\": 16, \"linear_num_key_heads\": 8, "
				     "\"linear_key_head_dim\": 64, "
				     "\"linear_value_head_dim\": 64, \"linear_conv_kernel_dim\": 4, " DENSE,
				     families[_i], keys[k]);
		const struct outcome x = import_text(&a, text, false), y = import_text(&a, text, true);

		ck_assert_msg(!x.right && strstr(x.text, "experts, which"), "%s", x.text);
		ck_assert_msg(y.right && strstr(y.text, "are left out"), "%s", y.text);
	}
	arena_release(&a);
}
END_TEST

/* Keys of layers that no plain transformer has: not taken as one, whatever is assumed. */
START_TEST(strange_keys_are_not_assumed)
{
	static const char *const keys[] = {
		"\"ngram_vocab_size_ratio\": 78",
		"\"zero_expert_num\": 128",
		"\"residual_moe\": true",
		"\"cca_time0\": 2",
		"\"mhc_enabled\": true",
		"\"num_noise_heads\": 16",
		"\"gqa_layers\": [0, 2]",
		"\"swa_num_key_value_heads\": 8",
		"\"layer_types\": [\"hybrid\", \"hybrid\", \"hybrid\", \"hybrid\"]",
		"\"num_kv_shared_layers\": 2"};
	struct arena a = ARENA_INIT;
	const struct outcome with = import_text(
				     &a,
				     arena_printf(&a, "{\"model_type\": \"brandnew\", %s, " DENSE, keys[_i]),
				     true),
			     without = import_text(&a, "{\"model_type\": \"brandnew\", " DENSE, true);

	ck_assert(without.right);
	ck_assert_msg(!with.right && strstr(with.text, "plain transformer lacks"), "%s", with.text);
	arena_release(&a);
}
END_TEST

/* As transformers 5 writes them: mlp_layer_types instead of a count of dense layers. */
START_TEST(dense_layers_by_their_types)
{
	static const struct {
		const char *says;
		int64_t dense; /* -1: refused */
	} kinds[] = {{"\"first_k_dense_replace\": 1", 1},
		     {"\"mlp_layer_types\": [\"dense\", \"sparse\", \"sparse\", \"sparse\"]", 1},
		     {"\"mlp_layer_types\": [\"dense\", \"dense\", \"dense\", \"sparse\"]", 3},
		     {"\"mlp_layer_types\": [\"sparse\", \"sparse\", \"sparse\", \"sparse\"]", 0},
		     {"\"mlp_layer_types\": [\"dense\", \"sparse\", \"dense\", \"sparse\"]", -1}};
	struct arena a = ARENA_INIT;
	const struct outcome x = import_text(
		&a,
		arena_printf(
			&a,
			"{\"model_type\": \"glm4_moe\", \"n_routed_experts\": 8, \"num_experts_per_tok\": 2, "
			"\"moe_intermediate_size\": 256, %s, " DENSE,
			kinds[_i].says),
		false);

	ck_assert_msg(x.right == (kinds[_i].dense >= 0), "%s", x.text);
	for (int64_t i = 0; x.right && i < 4; i++)
		ck_assert_int_eq(model_layer_has_experts(&x.m, i), i >= kinds[_i].dense);
	arena_release(&a);
}
END_TEST

Suite *suite_fresh_configs(void)
{
	Suite *s = suite_create("fresh_configs");
	TCase *t = tcase_create("fresh_configs");

	tcase_add_test(t, fresh_configs_are_as_expected);
	tcase_add_test(t, missing_mapping);
	tcase_add_loop_test(t, drafters_are_refused, 0, 7);
	tcase_add_loop_test(t, experts_of_dense_families, 0, 7);
	tcase_add_loop_test(t, strange_keys_are_not_assumed, 0, 10);
	tcase_add_loop_test(t, dense_layers_by_their_types, 0, 5);
	suite_add_tcase(s, t);
	return s;
}
