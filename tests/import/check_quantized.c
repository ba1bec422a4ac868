/*
 * check_quantized.c - room import: what a repository's files take by the quantisation block of its config.json, against published
 * sizes (tests/data/quantized/expected.csv), and by hand for formats of which none was found.
 */
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/csv.h"
#include "sim/import/quantized.h"
#include "tests/import/imported.h"

#define FOLDER "tests/data/quantized/"

static const struct yml *parsed(struct arena *a, const char *text)
{
	struct source *s = arena_alloc(a, sizeof *s);
	struct diags *diags = arena_alloc(a, sizeof *diags);

	diags_init(diags, a);
	*s = (struct source){"config.json", text, strlen(text)};
	return yml_parse(a, s, diags);
}

static struct quantized_weights quantized_of(struct arena *a, const char *text)
{
	const struct outcome x = import_text(a, text, false);
	struct err err = ERR_INIT;
	struct quantized_weights quantized;

	ck_assert_msg(x.right, "%s", x.text);
	ck_assert_msg(quantized_read(a, parsed(a, text), &x.m, &quantized, &err) == 0, "%s", err.msg);
	ck_assert_double_gt(quantized.bytes, 0);
	return quantized;
}

/* What lies beside the text model: predicting layers (of DeepSeek with copies of table and head), and a tower in 16 bits. */
static double beside(struct arena *a, const char *text, const struct quantized_weights *quantized,
		     const char *mtp, const char *tower)
{
	const struct outcome x = import_text(a, text, false);
	const char *said = strstr(x.text, "tower is left out, about ");
	double bytes = !strcmp(mtp, "no") ? 0 : quantized->mtp_bytes;

	if (!strcmp(mtp, "copies"))
		bytes += 2.0 * 2 * (double)(x.m.vocabulary * x.m.hidden);
	if (!strcmp(tower, "1") && said)
		bytes += 2e9 * strtod(said + strlen("tower is left out, about "), NULL);
	return bytes;
}

START_TEST(published_sizes)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct csv csv;

	MUST(csv_read(&a, FOLDER "expected.csv", read_text(&a, FOLDER "expected.csv"), &csv, &err) == 0);
	ck_assert_uint_ge(csv.n, 20);
	for (size_t i = 0; i < csv.n; i++) {
		const char *file = csv_get(&csv, &csv.rows[i], "file");
		const char *text = read_text(&a, arena_printf(&a, FOLDER "%s", file));
		const struct quantized_weights quantized = quantized_of(&a, text);
		const double published = strtod(csv_get(&csv, &csv.rows[i], "published_B"), NULL);
		const double ours =
			quantized.bytes + beside(&a, text, &quantized, csv_get(&csv, &csv.rows[i], "mtp"),
						 csv_get(&csv, &csv.rows[i], "tower"));

		ck_assert_msg(fabs(ours / published - 1) <= 0.005, "%s: %.0f, published %.0f (%+.2f %%)",
			      file, ours, published, 100 * (ours / published - 1));
	}
	arena_release(&a);
}
END_TEST

/* --- by hand -------------------------------------------------------------------------------------- */

enum { H = 1024, F = 4096, KV = 256, V = 32000, LAYERS = 2 };
static const double linear = LAYERS * (2.0 * H * H + 2.0 * H * KV + 3.0 * H * F), table = (double)V * H,
		    norms = (2 * LAYERS + 1) * (double)H;

#define MODEL                                                                                                \
	"\"model_type\": \"llama\", \"hidden_size\": 1024, \"intermediate_size\": 4096, "                    \
	"\"num_hidden_layers\": 2, "                                                                         \
	"\"num_attention_heads\": 16, \"num_key_value_heads\": 4, \"vocab_size\": 32000, "                   \
	"\"tie_word_embeddings\": "                                                                          \
	"false, \"max_position_embeddings\": 8192, \"torch_dtype\": \"bfloat16\""

static const struct {
	const char *block;
	double each;     /* bytes of a weight of the linear modules */
	double modules;  /* and of each of them */
	bool head, ends; /* the head is quantised; table and head are */
} blocks[] = {
	{"\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true, \"bnb_4bit_use_double_quant\": false",
	 0.5 + 4.0 / 64, 0, false, false},
	{"\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true, \"bnb_4bit_use_double_quant\": true",
	 0.5 + 1.0 / 64 + 4.0 / 64 / 256, 0, false, false},
	{"\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 64", 0.5 + 2.5 / 64, 0, false, false},
	{"\"quant_method\": \"quark\", \"global_quant_config\": {\"weight\": {\"dtype\": \"fp4\", "
	 "\"group_size\": 32}}, "
	 "\"exclude\": [\"lm_head\"]",
	 0.5 + 1.0 / 32, 0, false, false},
	{"\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\", \"exclude_modules\": [\"lm_head\"]",
	 0.5 + 1.0 / 16, 8, false, false},
	{"\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\"", 0.5 + 1.0 / 16, 8, true, false},
	{"\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\", \"exclude_modules\": [\"lm_head\"]", 1, 8,
	 false, false},
	{"\"quant_method\": \"mxfp8\", \"weight_block_size\": [1, 32]", 1 + 1.0 / 32, 0, false, false},
	{"\"quant_method\": \"fp8\", \"weight_block_size\": [128, 128]", 1 + 4.0 / 16384, 0, false, false},
	{"\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": {\"targets\": "
	 "[\"Linear\"], "
	 "\"weights\": {\"num_bits\": 4, \"type\": \"int\", \"group_size\": 32, \"symmetric\": true}}}, "
	 "\"ignore\": "
	 "[\"re:.*lm_head\"]",
	 0.5 + 2.0 / 32, 16, false, false},
};

START_TEST(sizes_by_hand)
{
	struct arena a = ARENA_INIT;
	const char *text = arena_printf(&a, "{" MODEL ", \"quantization_config\": {%s}}", blocks[_i].block);
	const struct quantized_weights quantized = quantized_of(&a, text);
	const double modules = 7 * LAYERS + blocks[_i].head,
		     expected = blocks[_i].each * (linear + (blocks[_i].head ? table : 0)) +
				modules * blocks[_i].modules +
				2 * (table * (blocks[_i].head ? 1 : 2) + norms);

	ck_assert_double_eq_tol(quantized.bytes, expected, 0.5);
	arena_release(&a);
}
END_TEST

/* mlx: table and head, too; a module of its own bits, and one that is left alone. */
START_TEST(mixed_bits_of_mlx)
{
	struct arena a = ARENA_INIT;
	const struct quantized_weights quantized =
		quantized_of(&a, "{" MODEL ", \"quantization\": {\"group_size\": 64, \"bits\": "
				 "4, \"lm_head\": {\"group_size\": 32, \"bits\": 6}, "
				 "\"model.layers.1.mlp.down_proj\": {\"group_size\": 64, "
				 "\"bits\": 8}, \"model.layers.0.self_attn.o_proj\": "
				 "false}}");
	const double down = (double)F * H, o = (double)H * H;
	const double expected = (0.5 + 4.0 / 64) * (linear - down - o + table) + (1 + 4.0 / 64) * down +
				2 * o + (0.75 + 4.0 / 32) * table + 2 * norms;

	ck_assert_double_eq_tol(quantized.bytes, expected, 0.5);
	ck_assert_int_eq(quantized.formats.most[TENSOR_DOWN], FORMAT_MLX_Q4);
	ck_assert_int_eq(quantized.formats.most[TENSOR_Q], FORMAT_MLX_Q4);
	arena_release(&a);
}
END_TEST

/* Gemma 4's "mlp" is the dense FFN beside its experts, and nvidia's file leaves it, attention and router alone: what is quantised are the
 * experts. Names of modeling_gemma4.py; the list as of nvidia/Gemma-4-26B-A4B-NVFP4, shortened to two layers. */
START_TEST(experts_beside_a_dense_ffn)
{
	static const char text[] =
		"{\"model_type\": \"gemma4\", \"text_config\": {\"model_type\": \"gemma4_text\", "
		"\"hidden_size\": 256, "
		"\"intermediate_size\": 512, \"moe_intermediate_size\": 128, \"num_experts\": 16, "
		"\"top_k_experts\": 2, \"enable_moe_block\": true, \"num_hidden_layers\": 2, "
		"\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 64, "
		"\"global_head_dim\": 64, \"sliding_window\": 512, \"layer_types\": [\"sliding_attention\", "
		"\"full_attention\"], \"vocab_size\": 4000, \"max_position_embeddings\": 8192, "
		"\"hidden_size_per_layer_input\": 0}, \"tie_word_embeddings\": true, "
		"\"quantization_config\": "
		"{\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\", \"ignore\": [\"lm_head\", "
		"\"model.language_model.layers.0.mlp*\", \"model.language_model.layers.0.router*\", "
		"\"model.language_model.layers.0.self_attn*\", \"model.language_model.layers.1.mlp*\", "
		"\"model.language_model.layers.1.router*\", \"model.language_model.layers.1.self_attn*\"]}}";
	struct arena a = ARENA_INIT;
	const struct quantized_weights quantized = quantized_of(&a, text);

	ck_assert_int_eq(quantized.formats.most[TENSOR_EXPERT_UP], FORMAT_NVFP4);
	ck_assert_int_eq(quantized.formats.most[TENSOR_EXPERT_DOWN], FORMAT_NVFP4);
	ck_assert_int_eq(quantized.formats.most[TENSOR_SHARED_UP], FORMAT_BF16);
	ck_assert_int_eq(quantized.formats.most[TENSOR_Q], FORMAT_BF16);
	ck_assert_int_eq(quantized.formats.most[TENSOR_ROUTER], FORMAT_BF16);
	arena_release(&a);
}
END_TEST

/* quark: entries by name are stars over modules, and what is excluded has none; test_quark_config.py of sgl-project/sglang has such a
 * list. A list by classes of modules is not read, and never passed over. */
START_TEST(entries_of_quark)
{
	static const char block[] =
		"\"quantization_config\": {\"quant_method\": \"quark\", \"exclude\": "
		"[\"lm_head\", \"model.layers.1.self_attn.o_proj\"], "
		"\"layer_quant_config\": {\"model.layers.*.self_attn.o_proj\": {\"weight\": "
		"{\"dtype\": \"fp8_e4m3\", \"qscheme\": \"per_block\", \"block_size\": "
		"[128, 128]}}}, \"layer_type_quant_config\": {%s}, "
		"\"global_quant_config\": {\"weight\": {\"dtype\": \"fp4\", "
		"\"qscheme\": \"per_group\", \"group_size\": 32}}}}";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	const char *text = arena_printf(&a, "{" MODEL ", %s", arena_printf(&a, block, ""));
	const char *by_class =
		arena_printf(&a, "{" MODEL ", %s", arena_printf(&a, block, "\"Linear\": {\"weight\": {}}"));
	const struct quantized_weights quantized = quantized_of(&a, text);
	struct quantized_weights none;
	const struct outcome x = import_text(&a, text, false);
	const double o = (double)H * H, expected = (0.5 + 1.0 / 32) * (linear - 2 * o) +
						   (1 + 4.0 / 16384) * o + 2 * o + 2 * (2 * table + norms);

	ck_assert_double_eq_tol(quantized.bytes, expected, 0.5);
	ck_assert_int_eq(quantized_read(&a, parsed(&a, by_class), &x.m, &none, &err), -1);
	ck_assert_msg(strstr(err.msg, "layer_type_quant_config") != NULL, "%s", err.msg);
	arena_release(&a);
}
END_TEST

/* Modules with numbers of their own: GPTQModel's, which count inputs, and auto-round's. */
START_TEST(bits_of_their_own)
{
	struct arena a = ARENA_INIT;
	const struct quantized_weights gptq = quantized_of(
		&a, "{" MODEL ", \"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4, "
		    "\"group_size\": 64, \"dynamic\": "
		    "{\"+:.*down.*\": {\"bits\": 8}, \"-:.*o_proj\": {}}}}");
	const struct quantized_weights round = quantized_of(
		&a,
		"{" MODEL ", \"quantization_config\": {\"quant_method\": \"auto-round\", \"packing_format\": "
		"\"auto_round:auto_awq\", \"bits\": 4, \"group_size\": 64, \"extra_config\": "
		"{\"model.layers.0.mlp.down_proj\": "
		"{\"bits\": 16}}}}");
	const double down = (double)F * H, o = (double)H * H, rest = 2 * (2 * table + norms),
		     four = 0.5 + 2.5 / 64;

	ck_assert_double_eq_tol(gptq.bytes,
				four * (linear - 2 * down - 2 * o) + (1 + 3.0 / 64) * 2 * down + 2 * 2 * o +
					rest + 4 * LAYERS * (5.0 * H + F),
				0.5);
	ck_assert_double_eq_tol(round.bytes, four * (linear - down) + 2 * down + rest, 0.5);
	arena_release(&a);
}
END_TEST

/* --- what is not read is told --------------------------------------------------------------------- */

static const char *const unknown[][2] = {
	{"\"quant_method\": \"hqq\"", "the method 'hqq' is not known"},
	{"\"quant_method\": 4", "the method '4' is not known"},
	{"\"bits\": 4", "the method '' is not known"},
	{"\"quant_method\": \"awq\", \"bits\": \"four\"", "'bits': expected a whole number"},
	{"\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 1.5",
	 "'group_size': expected a whole number"},
	{"\"quant_method\": \"gptq\", \"bits\": 99", "'bits': expected a whole number from 2 to 16"},
	{"\"quant_method\": \"gptq\", \"bits\": 12", "'bits': expected 2 to 8, or 16"},
	{"\"quant_method\": \"gptq\", \"bits\": 4, \"dynamic\": [\"-:.*\"]", "'dynamic': expected a mapping"},
	{"\"quant_method\": \"gptq\", \"bits\": 4, \"dynamic\": {\"lm_head\": {\"bits\": 8}}", "has no sign"},
	{"\"quant_method\": \"awq\", \"modules_to_not_convert\": \"mlp.gate\"", "expected a list"},
	{"\"quant_method\": \"compressed-tensors\"", "'config_groups' is missing"},
	{"\"quant_method\": \"compressed-tensors\", \"config_groups\": []",
	 "'config_groups': expected a mapping"},
	{"\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": {\"targets\": [\"LlamaMLP\"], "
	 "\"weights\": "
	 "{\"num_bits\": 4, \"type\": \"int\"}}}",
	 "quantises no module"},
	{"\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": {\"weights\": {\"num_bits\": "
	 "4, \"type\": "
	 "\"int\"}}}, \"ignore\": [\"re:.*(mlp|self_attn)\\\\..*\", \"lm_head\"]",
	 "quantises no module"},
	{"\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": {\"weights\": {\"num_bits\": "
	 "6, \"type\": "
	 "\"float\", \"group_size\": 32}}}",
	 "6 bits are not known"},
	{"\"quant_method\": \"fp8\", \"weight_block_size\": [128, 128, 1]", "expected two numbers"},
	{"\"quant_method\": \"fp8\", \"weight_block_size\": [0, 128]", "'weight_block_size'"},
	{"\"quant_method\": \"quark\", \"global_quant_config\": {\"weight\": {\"dtype\": \"fp7\"}}",
	 "dtype 'fp7'"},
	{"\"quant_method\": \"modelopt\", \"quant_algo\": \"FP3\"", "'FP3' is not known"},
	{"\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": {\"weights\": {\"type\": "
	 "\"string\"}}}",
	 "type 'string'"},
	{"\"quant_method\": \"compressed-tensors\", \"config_groups\": {}, \"ignore\": [\"re:(\"]",
	 "no regular expression"},
	{"\"quant_method\": \"compressed-tensors\", \"config_groups\": {}, \"ignore\": [\"re:(a{99}){99}\"]",
	 "no regular expression"},
	{"\"quant_method\": \"compressed-tensors\", \"config_groups\": {}, \"ignore\": [\"re:(?!x).*\"]",
	 "no regular expression"},
};

START_TEST(unknown_blocks_are_told)
{
	struct arena a = ARENA_INIT;
	const struct outcome x = import_text(
		&a, arena_printf(&a, "{" MODEL ", \"quantization_config\": {%s}}", unknown[_i][0]), false);

	ck_assert_msg(x.right && strstr(x.text, unknown[_i][1]) && strstr(x.text, "is not counted"), "%s",
		      x.text);
	arena_release(&a);
}
END_TEST

Suite *suite_quantized(void)
{
	Suite *s = suite_create("quantized");
	TCase *t = tcase_create("quantized");

	tcase_add_test(t, published_sizes);
	tcase_add_loop_test(t, sizes_by_hand, 0, ARRAY_LEN(blocks));
	tcase_add_test(t, mixed_bits_of_mlx);
	tcase_add_test(t, experts_beside_a_dense_ffn);
	tcase_add_test(t, entries_of_quark);
	tcase_add_test(t, bits_of_their_own);
	tcase_add_loop_test(t, unknown_blocks_are_told, 0, ARRAY_LEN(unknown));
	suite_add_tcase(s, t);
	return s;
}
