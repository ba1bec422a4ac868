/* check_describe.c - room import: config.json of each family and its traps, packed tensors, whole imports. */
#include "tests/suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/import/import.h"
#include "sim/llm/model.h"
#include "tests/folder.h"
#include "tests/import/ggufmake.h"

struct reading {
	struct arena arena;
	struct diags diags;
	struct described d;
	const struct yml *config;
	int rc;
};

static void read_config(struct reading *r, const char *text)
{
	struct source *s;

	*r = (struct reading){.rc = -1};
	diags_init(&r->diags, &r->arena);
	s = arena_alloc(&r->arena, sizeof *s);
	*s = (struct source){"config.json", text, strlen(text)};
	r->config = yml_parse(&r->arena, s, &r->diags);
	if (r->config)
		r->rc = describe_hf(&r->d, r->config, false, &r->diags);
}

#define DIMS  "\"hidden_size\":64,\"num_hidden_layers\":6,\"num_attention_heads\":4,\"vocab_size\":100"
#define DENSE DIMS ",\"intermediate_size\":128"
#define MOE   DIMS ",\"moe_intermediate_size\":32"

/* What a key, or its absence, makes of a description. */
static const struct {
	const char *json;
	size_t offset;
	int64_t want; /* of an int64_t, or of a bool where flag */
	bool flag;
} traps[] = {
#define N(json, member, want)                                                                                \
	{                                                                                                    \
		"{\"model_type\":" json "}", offsetof(struct described, member), want, false                 \
	}
#define F(json, member, want)                                                                                \
	{                                                                                                    \
		"{\"model_type\":" json "}", offsetof(struct described, member), want, true                  \
	}
	/* key and value heads */
	N("\"llama\"," DENSE, kv_heads, 4),
	N("\"llama\"," DENSE ",\"num_key_value_heads\":null", kv_heads, 4),
	N("\"llama\"," DENSE ",\"num_key_value_heads\":2", kv_heads, 2),
	N("\"mistral\"," DENSE, kv_heads, 8),
	N("\"gemma3_text\",\"hidden_size\":64,\"num_hidden_layers\":6,\"intermediate_size\":128", kv_heads,
	  4),
	N("\"gemma3_text\",\"hidden_size\":64,\"num_hidden_layers\":6,\"intermediate_size\":128", heads, 8),
	N("\"gemma3_text\",\"hidden_size\":64,\"num_hidden_layers\":6,\"intermediate_size\":128", vocabulary,
	  262208),
	/* width of a head */
	N("\"llama\"," DENSE, head_dim, 16),
	N("\"llama\"," DENSE ",\"head_dim\":24", head_dim, 24),
	N("\"llama\"," DENSE ",\"head_dim\":null", head_dim, 16),
	N("\"qwen3\"," DENSE, head_dim, 128),
	N("\"gemma2\"," DENSE, head_dim, 256),
	N("\"gpt_oss\"," DENSE ",\"num_local_experts\":8,\"num_experts_per_tok\":2", head_dim, 64),
	/* a tied head by class */
	F("\"llama\"," DENSE, tied, false),
	F("\"llama\"," DENSE ",\"tie_word_embeddings\":true", tied, true),
	F("\"qwen2\"," DENSE, tied, false),
	F("\"gemma2\"," DENSE, tied, true),
	F("\"gemma3\",\"text_config\":{" DENSE "}", tied, true),
	F("\"gemma3\",\"tie_word_embeddings\":false,\"text_config\":{" DENSE "}", tied, false),
	/* windows */
	N("\"mistral\"," DENSE, window, 4096),
	N("\"mistral\"," DENSE ",\"sliding_window\":null", window, 0),
	N("\"mistral\"," DENSE ",\"sliding_window\":4096,\"max_position_embeddings\":4096", window, 0),
	N("\"llama\"," DENSE ",\"sliding_window\":4096", window, 0),
	N("\"qwen2\"," DENSE ",\"sliding_window\":4096", window, 0),
	N("\"qwen2\"," DENSE ",\"sliding_window\":4096,\"use_sliding_window\":true,\"max_window_layers\":6",
	  window, 4096),
	N("\"gemma2\"," DENSE, full_every, 2),
	N("\"gemma3_text\"," DENSE ",\"sliding_window\":512", full_every, 6),
	N("\"gemma3_text\"," DENSE ",\"sliding_window\":512,\"sliding_window_pattern\":3", full_every, 3),
	N("\"gemma3_text\"," DENSE ",\"layer_types\":[sliding_attention,sliding_attention,full_attention,"
	  "sliding_attention,sliding_attention,full_attention]",
	  full_every, 3),
	N("\"gemma3_text\"," DENSE
	  ",\"layer_types\":[full_attention,full_attention,full_attention,full_attention,"
	  "full_attention,full_attention]",
	  window, 0),
	N("\"gpt_oss\"," DENSE ",\"num_local_experts\":8,\"num_experts_per_tok\":2", window, 128),
	N("\"gpt_oss\"," DENSE ",\"num_local_experts\":8,\"num_experts_per_tok\":2", full_every, 2),
	N("\"phi3\"," DENSE ",\"sliding_window\":2047,\"max_position_embeddings\":4096", window, 2047),
	/* the longest sequence: as said, as the factor makes it, or the default of the class */
	N("\"llama\"," DENSE ",\"max_position_embeddings\":4096", context, 4096),
	N("\"llama\"," DENSE, context, 0),
	N("\"llama\"," DENSE ",\"max_position_embeddings\":131072,\"rope_scaling\":{\"rope_type\":\"llama3\","
	  "\"factor\":8.0,\"original_max_position_embeddings\":8192}",
	  context, 131072),
	N("\"qwen2\"," DENSE ",\"max_position_embeddings\":32768,\"rope_scaling\":{\"type\":\"yarn\","
	  "\"factor\":4.0,\"original_max_position_embeddings\":32768}",
	  context, 131072),
	N("\"qwen2\"," DENSE ",\"max_position_embeddings\":32768,\"rope_scaling\":{\"type\":\"yarn\","
	  "\"factor\":4.0,\"original_max_position_embeddings\":32768}",
	  rope_original, 32768),
	N("\"gemma3\",\"text_config\":{" DENSE ",\"rope_scaling\":{\"factor\":8.0,\"rope_type\":\"linear\"}}",
	  context, 131072),
	/* experts */
	N("\"mixtral\"," DENSE, experts, 8),
	N("\"mixtral\"," DENSE, active, 2),
	N("\"mixtral\"," DENSE, expert_inner, 128),
	N("\"mixtral\"," DENSE, inner, 0),
	N("\"qwen3_moe\"," MOE ",\"intermediate_size\":128,\"num_experts\":16,\"num_experts_per_tok\":4",
	  inner, 0),
	N("\"qwen3_moe\"," MOE ",\"intermediate_size\":128,\"num_experts\":16,\"num_experts_per_tok\":4,"
	  "\"mlp_only_layers\":[0,1]",
	  first_dense, 2),
	N("\"qwen3_moe\"," MOE ",\"intermediate_size\":128,\"num_experts\":16,\"num_experts_per_tok\":4,"
	  "\"mlp_only_layers\":[0]",
	  inner, 128),
	N("\"qwen3_moe\"," MOE ",\"num_local_experts\":16,\"num_experts_per_tok\":4", experts, 16),
	N("\"qwen2_moe\"," MOE ",\"shared_expert_intermediate_size\":96", shared, 1),
	N("\"qwen2_moe\"," MOE ",\"shared_expert_intermediate_size\":96", shared_inner, 96),
	N("\"gpt_oss\"," DENSE ",\"num_local_experts\":8,\"experts_per_token\":3", active, 3),
	N("\"glm4_moe\"," MOE ",\"n_routed_experts\":16,\"num_experts_per_tok\":4,\"n_shared_experts\":1,"
	  "\"first_k_dense_replace\":1,\"intermediate_size\":99",
	  inner, 99),
	/* biases and norms of queries and keys */
	F("\"qwen3\"," DENSE, qk_norm, true),
	F("\"glm4_moe\"," MOE ",\"use_qk_norm\":false", qk_norm, false),
	F("\"glm4_moe\"," MOE ",\"use_qk_norm\":true", qk_norm, true),
	F("\"gemma3_text\"," DENSE, post_norms, true),
	F("\"glm4\"," DENSE, post_norms, true),
	F("\"glm\"," DENSE, post_norms, false),
	F("\"gpt_oss\"," DENSE, sinks, true),
/* latent attention: head_dim and num_key_value_heads of the file say nothing */
#define MLA                                                                                                  \
	"\"deepseek_v3\"," MOE                                                                               \
	",\"intermediate_size\":128,\"first_k_dense_replace\":3,\"n_shared_experts\":1,"                     \
	"\"kv_lora_rank\":32,\"q_lora_rank\":48,\"qk_nope_head_dim\":16,\"qk_rope_head_dim\":8,\"v_head_"    \
	"dim\":16,"                                                                                          \
	"\"head_dim\":8,\"num_key_value_heads\":1"
	N(MLA, head_dim, 24),
	N(MLA, kv_heads, 4),
	N(MLA, q_rank, 48),
	N(MLA, experts, 256),
	N(MLA, first_dense, 3),
	F(MLA, latent, true),
	/* numbers as JSON may have them */
	N("\"llama\"," DENSE ",\"num_key_value_heads\":2.0", kv_heads, 2),
	N("\"llama\"," DENSE ",\"num_key_value_heads\":2e0", kv_heads, 2),
	/* other names of the same */
	N("\"llama\",\"dim\":64,\"n_layers\":6,\"n_heads\":4,\"vocab_size\":9,\"intermediate_size\":8",
	  hidden, 64),
	N("\"chatglm\",\"hidden_size\":64,\"num_layers\":6,\"num_attention_heads\":4,\"padded_vocab_size\":9,"
	  "\"ffn_hidden_size\":8,\"multi_query_attention\":true,\"multi_query_group_num\":2,\"kv_channels\":"
	  "16",
	  kv_heads, 2),
};
START_TEST(config_traps)
{
	struct reading r;
	struct str why = STR_INIT;
	const char *at;

	read_config(&r, traps[_i].json);
	diags_format(&r.diags, &why);
	ck_assert_msg(r.rc == 0, "%s: %s", traps[_i].json, why.text);
	at = (const char *)&r.d + traps[_i].offset;
	if (traps[_i].flag)
		ck_assert_msg(*(const bool *)at == (traps[_i].want != 0), "%s", traps[_i].json);
	else
		ck_assert_msg(*(const int64_t *)at == traps[_i].want, "%s: %lld", traps[_i].json,
			      (long long)*(const int64_t *)at);
	str_release(&why);
	arena_release(&r.arena);
}
END_TEST

static const struct {
	const char *json, *bias;
} biases[] = {
	{"{\"model_type\":\"llama\"," DENSE "}", "none"},
	{"{\"model_type\":\"llama\"," DENSE ",\"attention_bias\":true}", "qkvo"},
	{"{\"model_type\":\"qwen2\"," DENSE "}", "qkv"},
	{"{\"model_type\":\"qwen3\"," DENSE ",\"attention_bias\":false}", "none"},
	{"{\"model_type\":\"mistral\"," DENSE ",\"attention_bias\":true}", "none"},
	{"{\"model_type\":\"glm4_moe\"," MOE ",\"attention_bias\":true}", "qkv"},
	{"{\"model_type\":\"gpt_oss\"," DENSE "}", "qkvo"},
};
START_TEST(config_biases)
{
	struct reading r;

	read_config(&r, biases[_i].json);
	ck_assert_int_eq(r.rc, 0);
	ck_assert_str_eq(r.d.bias, biases[_i].bias);
	arena_release(&r.arena);
}
END_TEST

static const struct {
	const char *json, *msg;
	int line;
} wrongs[] = {
	{"{\"model_type\":\"brandnew\"}",
	 "config: model_type 'brandnew' is not known, so what its layers hold is not", 1},
	{"{\"hidden_size\":1}", "config: 'model_type' is missing", 1},
	{"[1]", "config: expected a mapping, got a list", 1},
	{"{\"model_type\":\"llama\",\n\"hidden_size\":64}",
	 "config: 'num_hidden_layers' is missing, which a llama model needs", 1},
	{"{\"model_type\":\"llama\",\n" DENSE ",\n\"num_key_value_heads\":NaN}",
	 "config: 'num_key_value_heads': expected a whole number, got 'NaN'", 3},
	{"{\"model_type\":\"llama\",\n" DENSE ",\n\"num_key_value_heads\":-2}",
	 "config: 'num_key_value_heads': expected a whole number, got '-2'", 3},
	{"{\"model_type\":\"llama\",\n" DENSE ",\n\"num_key_value_heads\":1e30}",
	 "config: 'num_key_value_heads': expected a whole number, got '1e30'", 3},
	{"{\"model_type\":\"llama\",\n" DENSE ",\n\"num_key_value_heads\":0x10}",
	 "config: 'num_key_value_heads': expected a whole number, got '0x10'", 3},
	{"{\"model_type\":\"llama\",\n" DENSE ",\n\"num_key_value_heads\":\"2\"}",
	 "config: 'num_key_value_heads': expected a whole number, got '2'", 3},
	{"{\"model_type\":\"llama\",\n" DENSE ",\n\"num_key_value_heads\":[2]}",
	 "config: 'num_key_value_heads': expected a whole number, got a list", 3},
	{"{\"model_type\":\"llama\",\n" DENSE ",\n\"tie_word_embeddings\":1}",
	 "config: 'tie_word_embeddings': expected true or false, got '1'", 3},
	{"{\"model_type\":\"gemma3_text\",\n" DENSE ",\n\"layer_types\":[full_attention]}",
	 "config: 'layer_types': expected an entry for each of the 6 layers, got a list of 1", 3},
	{"{\"model_type\":\"gpt_oss\",\n" DENSE ",\n\"layer_types\":[x,x,x,x,x,x]}",
	 "config: 'layer_types': expected 'full_attention' or 'sliding_attention', got 'x'", 3},
	{"{\"model_type\":\"llama\",\n" DENSE
	 ",\n\"layer_types\":[linear_attention,full_attention,full_attention,full_attention,full_attention,"
	 "full_attention]}",
	 "config: 'layer_types': expected 'full_attention' or 'sliding_attention', got 'linear_attention'",
	 3},
	{"{\"model_type\":\"qwen3_moe\",\n" MOE ",\n\"mlp_only_layers\":[3]}",
	 "config: 'mlp_only_layers': expected the first layers, in order, got '3'", 3},
	{"{\"model_type\":\"deepseek_v3\",\n" MOE ",\n\"moe_layer_freq\":2}",
	 "config: 'kv_lora_rank' is missing, which a deepseek_v3 model needs", 1},
	{"{\"model_type\":\"mixtral\",\n" DENSE ",\n\"num_experts_per_tok\":9}",
	 "config: 9 of 8 experts cannot be", 1},
};
START_TEST(config_wrong)
{
	struct reading r;

	read_config(&r, wrongs[_i].json);
	ck_assert_int_eq(r.rc, -1);
	ck_assert_uint_gt(r.diags.n, 0);
	ck_assert_str_eq(r.diags.list[0].msg, wrongs[_i].msg);
	ck_assert_int_eq(r.diags.list[0].place.line, wrongs[_i].line);
	arena_release(&r.arena);
}
END_TEST

/* Published configs, cut down to what counts. want: what a file holds beside its text model, in billions. */
static const struct {
	const char *type, *text, *vision;
	double want, off;
} towers[] = {
	/* Qwen2.5-VL-7B: 8.292 less 7.616 */
	{"qwen2_5_vl", "3584",
	 "\"depth\":32,\"hidden_size\":1280,\"intermediate_size\":3420,\"out_hidden_size\":3584,\"patch_"
	 "size\":14,"
	 "\"spatial_merge_size\":2",
	 0.6766, 0.002},
	/* Qwen2-VL-7B, whose hidden_size is the text's: 8.291 less 7.616 */
	{"qwen2_vl", "3584",
	 "\"depth\":32,\"embed_dim\":1280,\"hidden_size\":3584,\"mlp_ratio\":4,\"patch_size\":14,"
	 "\"spatial_merge_size\":2",
	 0.6758, 0.002},
	/* Qwen3-VL-8B: 8.767 less 8.191 */
	{"qwen3_vl", "4096",
	 "\"depth\":27,\"hidden_size\":1152,\"intermediate_size\":4304,\"out_hidden_size\":4096,\"patch_"
	 "size\":16,"
	 "\"spatial_merge_size\":2,\"num_position_embeddings\":2304,\"deepstack_visual_indexes\":[8,16,24]",
	 0.5764, 0.002},
	/* Gemma 3 27B: 27.432 less 27.009; its table of positions is not in the config */
	{"gemma3", "5376",
	 "\"model_type\":\"siglip_vision_model\",\"num_hidden_layers\":27,\"hidden_size\":1152,"
	 "\"intermediate_size\":4304,\"patch_size\":14",
	 0.423, 0.02},
	/* Mistral Small 3.1: 24.011 less 23.572 */
	{"mistral3", "5120",
	 "\"model_type\":\"pixtral\",\"num_hidden_layers\":24,\"hidden_size\":1024,\"intermediate_size\":"
	 "4096,"
	 "\"patch_size\":14,\"spatial_merge_size\":2",
	 0.439, 0.01}};

START_TEST(towers_are_counted)
{
	struct reading r;
	char text[1024];

	snprintf(text, sizeof text,
		 "{\"model_type\":\"%s\",\"vision_config\":{%s},\"text_config\":{\"hidden_size\":%s,"
		 "\"num_hidden_layers\":6,\"num_attention_heads\":32,\"head_dim\":128,\"num_key_value_"
		 "heads\":8,"
		 "\"vocab_size\":100,\"intermediate_size\":128}}",
		 towers[_i].type, towers[_i].vision, towers[_i].text);
	read_config(&r, text);
	ck_assert_msg(r.rc == 0, "%s: %s", towers[_i].type, r.diags.n ? r.diags.list[0].msg : "");
	ck_assert_msg(r.d.vision / towers[_i].want / 1e9 < 1 + towers[_i].off &&
			      r.d.vision / towers[_i].want / 1e9 > 1 - towers[_i].off,
		      "%s: %.4g", towers[_i].type, r.d.vision);
	arena_release(&r.arena);
}
END_TEST

START_TEST(notes_are_not_silent)
{
	struct reading r;

	read_config(&r,
		    "{\"model_type\":\"gemma3\",\"vision_config\":{\"x\":1},\"text_config\":{" DENSE "}}");
	ck_assert_int_eq(r.rc, 0);
	ck_assert_uint_eq(r.d.notes_n, 1);
	ck_assert_str_eq(r.d.notes[0], "'vision_config': the vision tower is left out");
	arena_release(&r.arena);
	read_config(&r, "{\"model_type\":\"llama\"," DENSE
			",\"num_key_value_heads\":2,\"max_position_embeddings\":8192,\"attention_chunk_"
			"size\":8192,\"hidden_act\":\"relu\"}");
	ck_assert_uint_eq(r.d.notes_n, 2);
	arena_release(&r.arena);
}
END_TEST

/* Weights behind packed tensors: names, types and shapes as published files have them. */
static const struct {
	const char *config, *name, *type;
	double stored, want; /* -1: an error */
} packs[] = {
	{"{}", "model.layers.0.mlp.up_proj.weight", "BF16", 1024, 1024},
	{"{\"quantization\":{\"bits\":4,\"group_size\":64}}", "a.weight", "U32", 128, 1024},
	{"{\"quantization\":{\"bits\":8,\"group_size\":64}}", "a.weight", "U32", 128, 512},
	{"{\"quantization\":{\"bits\":3,\"group_size\":64}}", "a.weight", "U32", 96, 1024},
	{"{\"quantization\":{\"bits\":4,\"group_size\":64,\"a\":{\"bits\":8,\"group_size\":64}}}", "a.weight",
	 "U32", 128, 512},
	{"{\"quantization\":{\"bits\":4,\"group_size\":64,\"a\":false}}", "a.weight", "BF16", 128, 128},
	{"{\"quantization\":{\"bits\":4,\"group_size\":64}}", "a.scales", "BF16", 16, 0},
	{"{\"quantization\":{\"bits\":4,\"group_size\":64}}", "a.biases", "BF16", 16, 0},
	{"{\"quantization\":{\"bits\":4,\"group_size\":64}}", "a.bias", "BF16", 16, 16},
	{"{\"quantization\":{\"group_size\":64}}", "a.weight", "U32", 16, -1},
	{"{\"quantization\":{\"bits\":0}}", "a.weight", "U32", 16, -1},
	{"{\"quantization_config\":{\"quant_method\":\"mxfp4\"}}", "x.gate_up_proj_blocks", "U8", 16, 32},
	{"{\"quantization_config\":{\"quant_method\":\"mxfp4\"}}", "x.gate_up_proj_scales", "U8", 1, 0},
	{"{\"quantization_config\":{\"quant_method\":\"fp8\"}}", "x.weight", "F8_E4M3", 16, 16},
	{"{\"quantization_config\":{\"quant_method\":\"fp8\"}}", "x.weight_scale_inv", "F32", 1, 0},
	{"{\"quantization_config\":{\"quant_method\":\"awq\",\"bits\":4}}", "x.qweight", "I32", 16, 128},
	{"{\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":8}}", "x.qweight", "I32", 16, 64},
	{"{\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":8}}", "x.g_idx", "I32", 16, 0},
	{"{\"quantization_config\":{\"quant_method\":\"bitsandbytes\"}}", "x.weight", "U8", 16, 32},
	{"{\"quantization_config\":{\"quant_method\":\"bitsandbytes\"}}", "x.weight.absmax", "U8", 16, 0},
	{"{\"quantization_config\":{\"quant_method\":\"compressed-tensors\",\"config_groups\":{\"group_0\":"
	 "{\"weights\":{\"num_bits\":4}}}}}",
	 "x.weight_packed", "I32", 16, 128},
};
START_TEST(packed_weights)
{
	struct arena a = ARENA_INIT;
	struct tensor_table t = {.arena = &a};
	struct file_tensor *x = tensors_add(&t);
	struct source s = {"config.json", packs[_i].config, strlen(packs[_i].config)};
	struct diags diags;
	struct err err = ERR_INIT;

	diags_init(&diags, &a);
	*x = (struct file_tensor){.name = packs[_i].name, .type = packs[_i].type, .stored = packs[_i].stored};
	ck_assert_int_eq(describe_unpack(&t, yml_parse(&a, &s, &diags), &err), packs[_i].want < 0 ? -1 : 0);
	if (packs[_i].want >= 0)
		ck_assert_double_eq(x->numbers, packs[_i].want);
	arena_release(&a);
}
END_TEST

/* --- GGUF of each kind: tensors tell the shape --------------------------------------------------- */

struct tensor_of {
	const char *name;
	uint64_t dims[4];
};
#define QKVO                                                                                                 \
	{"attn_q.weight", {256, 256}}, {"attn_k.weight", {256, 128}}, {"attn_v.weight", {256, 128}},         \
	{                                                                                                    \
		"attn_output.weight",                                                                        \
		{                                                                                            \
			256, 256                                                                             \
		}                                                                                            \
	}
#define GATED                                                                                                \
	{"ffn_gate.weight", {256, 512}}, {"ffn_up.weight", {256, 512}},                                      \
	{                                                                                                    \
		"ffn_down.weight",                                                                           \
		{                                                                                            \
			512, 256                                                                             \
		}                                                                                            \
	}
#define EXPS                                                                                                 \
	{"ffn_gate_inp.weight", {256, 8}}, {"ffn_gate_exps.weight", {256, 64, 8}},                           \
		{"ffn_up_exps.weight", {256, 64, 8}},                                                        \
	{                                                                                                    \
		"ffn_down_exps.weight",                                                                      \
		{                                                                                            \
			64, 256, 8                                                                           \
		}                                                                                            \
	}

enum { KIND_TENSORS = 12 };
static const struct kind_of {
	const char *arch;
	struct {
		const char *key;
		uint32_t value;
	} keys[5];
	struct tensor_of tensors[KIND_TENSORS];
} kinds[] = {
	{"llama", {{NULL, 0}}, {QKVO, GATED}},
	{"qwen2", {{NULL, 0}}, {QKVO, GATED, {"attn_q.bias", {256}}}},
	{"gpt-oss",
	 {{"attention.sliding_window", 128}, {"expert_count", 8}, {"expert_used_count", 2}},
	 {QKVO,
	  EXPS,
	  {"attn_output.bias", {256}},
	  {"attn_sinks.weight", {4}},
	  {"ffn_up_exps.bias", {64, 8}}}},
	{"gemma3",
	 {{"attention.sliding_window", 512}},
	 {QKVO, GATED, {"attn_q_norm.weight", {64}}, {"post_ffw_norm.weight", {256}}}},
	{"phi3",
	 {{NULL, 0}},
	 {{"attn_qkv.weight", {256, 512}},
	  {"attn_output.weight", {256, 256}},
	  {"ffn_up.weight", {256, 1024}},
	  {"ffn_down.weight", {512, 256}}}},
	{"starcoder2", {{NULL, 0}}, {QKVO, {"ffn_up.weight", {256, 1024}}, {"ffn_down.weight", {1024, 256}}}},
	{"deepseek2",
	 {{"attention.kv_lora_rank", 64},
	  {"attention.key_length_mla", 96},
	  {"attention.value_length_mla", 48},
	  {"expert_count", 8},
	  {"expert_used_count", 2}},
	 {{"attn_q.weight", {256, 384}},
	  {"attn_kv_a_mqa.weight", {256, 80}},
	  {"attn_k_b.weight", {80, 64, 4}},
	  {"attn_v_b.weight", {64, 48, 4}},
	  {"attn_output.weight", {192, 256}},
	  EXPS,
	  {"ffn_up_shexp.weight", {256, 128}}}},
};

static const struct {
	size_t kind, offset;
	int64_t want;
	bool flag;
} seen[] = {
#define NUM(k, member, want)                                                                                 \
	{                                                                                                    \
		k, offsetof(struct described, member), want, false                                           \
	}
#define IS(k, member, want)                                                                                  \
	{                                                                                                    \
		k, offsetof(struct described, member), want, true                                            \
	}
	NUM(0, head_dim, 64), NUM(0, inner, 512),    NUM(0, experts, 0),        NUM(0, window, 0),
	IS(0, gelu, false),   IS(0, tied, true),     IS(0, fused, false),       NUM(1, head_dim, 64),
	NUM(2, experts, 8),   NUM(2, active, 2),     NUM(2, expert_inner, 64),  NUM(2, inner, 0),
	NUM(2, window, 128),  NUM(2, full_every, 2), IS(2, sinks, true),        IS(2, expert_bias, true),
	NUM(3, window, 512),  NUM(3, full_every, 6), IS(3, qk_norm, true),      IS(3, post_norms, true),
	NUM(4, head_dim, 64), NUM(4, inner, 512),    IS(4, gelu, false),        IS(4, fused, true),
	NUM(5, inner, 1024),  IS(5, gelu, true),     NUM(6, kv_rank, 64),       NUM(6, rope_dim, 16),
	NUM(6, nope_dim, 80), NUM(6, value_dim, 48), NUM(6, q_rank, 0),         NUM(6, head_dim, 96),
	NUM(6, kv_heads, 4),  NUM(6, shared, 1),     NUM(6, shared_inner, 128), IS(6, latent, true),
};

static void make_kind(const struct kind_of *k, struct str *file)
{
	struct ggufmake g = {.version = 3};
	char name[80];

	g.keys = g.tensors = (struct str)STR_INIT;
	gguf_key_text(&g, "general.architecture", k->arch);
	gguf_key_u32(&g, "general.file_type", 15);
	for (size_t i = 0; i < 5 && k->keys[i].key; i++) {
		snprintf(name, sizeof name, "%s.%s", k->arch, k->keys[i].key);
		gguf_key_u32(&g, name, k->keys[i].value);
	}
	snprintf(name, sizeof name, "%s.block_count", k->arch);
	gguf_key_u32(&g, name, 1);
	snprintf(name, sizeof name, "%s.attention.head_count", k->arch);
	gguf_key_u32(&g, name, 4);
	snprintf(name, sizeof name, "%s.attention.head_count_kv", k->arch);
	gguf_key_u32(&g, name, 2);
	gguf_tensor(&g, "token_embd.weight", 0, (const uint64_t[]){256, 100, 0});
	for (size_t i = 0; i < KIND_TENSORS && k->tensors[i].name; i++) {
		snprintf(name, sizeof name, "blk.0.%s", k->tensors[i].name);
		gguf_tensor(&g, name, 0, k->tensors[i].dims);
	}
	gguf_finish(&g, file);
}

START_TEST(gguf_of_each_kind)
{
	const struct kind_of *k = &kinds[seen[_i].kind];
	struct arena a = ARENA_INIT;
	struct tensor_table t = {.arena = &a};
	struct str file = STR_INIT;
	struct err err = ERR_INIT;
	struct described d;
	struct bytes b;
	struct gguf g;
	const char *at;

	make_kind(k, &file);
	bytes_memory(&b, "f", file.text, file.len);
	ck_assert_msg(gguf_read(&a, &b, &g, &t, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(tensors_sort(&t, &err), 0);
	ck_assert_msg(describe_gguf(&a, &d, &g, &t, &err) == 0, "%s: %s", k->arch, err.msg);
	ck_assert_str_eq(d.file_type, "q4_K_M");
	at = (const char *)&d + seen[_i].offset;
	if (seen[_i].flag)
		ck_assert_msg(*(const bool *)at == (seen[_i].want != 0), "%s", k->arch);
	else
		ck_assert_msg(*(const int64_t *)at == seen[_i].want, "%s: %lld", k->arch,
			      (long long)*(const int64_t *)at);
	ck_assert_uint_eq(d.notes_n, 0);
	str_release(&file);
	arena_release(&a);
}
END_TEST

/* --- whole imports, in an empty directory --------------------------------------------------------- */

struct import {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	struct import_result r;
	struct err err;
	int rc;
};

static void import(struct import *i, const char *path)
{
	const struct import_ask ask = {.path = path, .tool = "test"};

	*i = (struct import){.err = ERR_INIT};
	diags_init(&i->diags, &i->arena);
	loader_init(&i->loader, &i->arena, &i->diags);
	i->rc = import_model(&i->loader, &ask, &i->r, &i->err);
	ck_assert(i->rc == 0 || i->err.msg[0] || i->diags.total);
}

static void import_end(struct import *i)
{
	str_release(&i->r.text);
	arena_release(&i->arena);
}

/* The toy in three files, each with its part of the tensors. */
static void write_shards(uint64_t count_said)
{
	for (uint32_t i = 0; i < 3; i++) {
		struct ggufmake g = {.version = 3}, whole = {.version = 3};
		struct str file = STR_INIT, all = STR_INIT;
		char name[64];
		struct err err = ERR_INIT;

		gguf_toy(&whole);
		g.keys = whole.keys;
		g.keys_n = whole.keys_n;
		g.tensors = (struct str)STR_INIT;
		if (i == 1) {
			g.tensors = whole.tensors;
			g.tensors_n = whole.tensors_n;
		} else {
			str_release(&whole.tensors);
		}
		gguf_key_u32(&g, "split.no", i);
		gguf_key_u32(&g, "split.count", (uint32_t)count_said);
		gguf_finish(&g, &file);
		snprintf(name, sizeof name, "toy-%05u-of-00003.gguf", i + 1);
		ck_assert_int_eq(file_write(name, file.text, file.len, true, &err), 0);
		str_release(&file);
		str_release(&all);
	}
}

START_TEST(sharded_gguf)
{
	struct import i;

	write_shards(3);
	import(&i, _i ? "toy-00003-of-00003.gguf" : "./toy-00001-of-00003.gguf");
	ck_assert_msg(i.rc == 0, "%s", i.err.msg);
	ck_assert_uint_eq(i.r.files_n, 3);
	ck_assert_uint_eq(i.r.tensors_n, 21);
	ck_assert_double_eq(i.r.described.parameters, 1692928);
	ck_assert_ptr_nonnull(strstr(i.r.text.text, "parameters: 1692928\n"));
	ck_assert_uint_gt(i.r.short_B, 0);
	import_end(&i);
	write_shards(4);
	import(&i, "toy-00001-of-00003.gguf");
	ck_assert_int_eq(i.rc, -1);
	ck_assert_ptr_nonnull(strstr(i.err.msg, "this is part 1 of 4, its name says 1 of 3"));
	import_end(&i);
	unlink("toy-00002-of-00003.gguf");
	import(&i, "toy-00003-of-00003.gguf");
	ck_assert_str_eq(i.err.msg, "'toy-00002-of-00003.gguf' is missing: file 2 of 3");
	import_end(&i);
}
END_TEST

static void put_file(const char *name, const char *text)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(file_write(name, text, strlen(text), true, &err), 0);
}

static void put_safetensors(const char *name, const char *json)
{
	struct str s = STR_INIT;
	struct err err = ERR_INIT;

	put_u64(&s, strlen(json));
	str_add(&s, json);
	ck_assert_int_eq(file_write(name, s.text, s.len, true, &err), 0);
	str_release(&s);
}

#define CONFIG                                                                                               \
	"{\"model_type\":\"llama\",\"hidden_size\":8,\"num_hidden_layers\":1,\"num_attention_heads\":2,"     \
	"\"vocab_size\":10,\"intermediate_size\":16,\"torch_dtype\":\"bfloat16\"}"
#define ROW(name, n, m, from, to)                                                                            \
	"\"" name "\":{\"dtype\":\"BF16\",\"shape\":[" #n "," #m "],\"data_offsets\":[" #from "," #to "]}"
#define FIRST                                                                                                \
	"{" ROW("model.embed_tokens.weight", 10, 8, 0, 160) "," ROW(                                         \
		"lm_head.weight", 10, 8, 160, 320) "," ROW("model.norm.weight", 1, 8, 320, 336) "}"
#define SECOND                                                                                                                                                  \
	"{" ROW("model.layers.0.self_attn.q_proj.weight", 8, 8, 0, 128) "," ROW(                                                                                \
		"model.layers.0.self_attn.k_proj.weight", 8, 8, 128,                                                                                            \
		256) "," ROW("model.layers.0.self_attn.v_proj.weight", 8, 8, 256,                                                                               \
			     384) "," ROW("model.layers.0.self_attn.o_proj.weight", 8, 8, 384,                                                                  \
					  512) "," ROW("model.layers.0.mlp.gate_proj.weight", 16, 8, 512,                                                       \
						       768) "," ROW("model.layers.0.mlp.up_proj.weight", 16,                                                    \
								    8, 768,                                                                                     \
								    1024) "," ROW("model.layers.0.mlp.down_"                                                    \
										  "proj.weight",                                                                \
										  8, 16, 1024,                                                                  \
										  1280) "," ROW("model."                                                        \
												"layers.0."                                                     \
												"input_"                                                        \
												"layernorm."                                                    \
												"weight",                                                       \
												1, 8, 1280,                                                     \
												1296) "," ROW("model.layers.0.post_attention_layernorm.weight", \
													      1,                                                \
													      8,                                                \
													      1296,                                             \
													      1312) "}"

START_TEST(sharded_safetensors)
{
	static const char *const from[] = {"model.safetensors.index.json",
					   "model-00001-of-00002.safetensors"};
	struct import i;

	put_file("config.json", CONFIG);
	put_file("model.safetensors.index.json",
		 "{\"weight_map\":{\"a\":\"model-00002-of-00002.safetensors\",\"b\":\"model-00001-of-00002."
		 "safetensors\"}}");
	put_safetensors("model-00001-of-00002.safetensors", FIRST);
	put_safetensors("model-00002-of-00002.safetensors", SECOND);
	import(&i, from[_i]);
	ck_assert_msg(i.rc == 0, "%s", i.err.msg);
	ck_assert_uint_eq(i.r.files_n, 2);
	ck_assert_double_eq(i.r.described.parameters, 2 * 80 + 4 * 64 + 3 * 128 + 24);
	ck_assert_double_eq(i.r.described.bytes, 2 * (2 * 80 + 4 * 64 + 3 * 128 + 24));
	ck_assert_uint_eq(i.r.short_B, 336 + 1312);
	ck_assert_ptr_nonnull(strstr(i.r.text.text, "# weights are kept as: bfloat16\n"));
	ck_assert_ptr_nonnull(strstr(i.r.text.text, "{weights: bf16, bytes: 1648 B, source: tensor table}"));
	import_end(&i);
	unlink("config.json");
	import(&i, from[_i]);
	ck_assert_str_eq(i.err.msg, "'config.json' is missing");
	import_end(&i);
}
END_TEST

/* What the table holds must be what the config makes: one tensor less, and nothing is written. */
START_TEST(table_against_config)
{
	struct import i;

	put_file("config.json", CONFIG);
	put_safetensors("model.safetensors", SECOND);
	import(&i, "model.safetensors");
	ck_assert_int_eq(i.rc, -1);
	ck_assert_uint_eq(i.diags.total, 1);
	ck_assert_str_eq(i.diags.list[0].msg,
			 "model: 656 parameters are published, these dimensions make 824");
	import_end(&i);
	put_safetensors("model.safetensors", "{" ROW("model.layers.0.mystery", 1, 8, 0, 16) "}");
	import(&i, "model.safetensors");
	ck_assert_ptr_nonnull(strstr(
		i.err.msg, "tensor 'model.layers.0.mystery' is of no part that is modelled, 1 in all"));
	import_end(&i);
	import(&i, "model.bin");
	ck_assert_str_eq(i.err.msg, "cannot import 'model.bin': its suffix says nothing");
	import_end(&i);
	import(&i, "none.gguf");
	ck_assert_str_eq(i.err.msg, "cannot read 'none.gguf': No such file or directory");
	import_end(&i);
	ck_assert_int_eq(mkfifo("fifo.gguf", 0666), 0);
	import(&i, "fifo.gguf");
	ck_assert_str_eq(i.err.msg, "cannot read 'fifo.gguf': it is not a regular file");
	import_end(&i);
}
END_TEST

Suite *suite_describe(void)
{
	Suite *s = suite_create("describe");
	TCase *config = tcase_create("config"), *gguf = tcase_create("gguf"), *files = tcase_create("files");

	tcase_add_loop_test(config, config_traps, 0, ARRAY_LEN(traps));
	tcase_add_loop_test(config, config_biases, 0, ARRAY_LEN(biases));
	tcase_add_loop_test(config, config_wrong, 0, ARRAY_LEN(wrongs));
	tcase_add_test(config, notes_are_not_silent);
	tcase_add_loop_test(config, towers_are_counted, 0, ARRAY_LEN(towers));
	tcase_add_loop_test(config, packed_weights, 0, ARRAY_LEN(packs));
	suite_add_tcase(s, config);
	tcase_add_loop_test(gguf, gguf_of_each_kind, 0, ARRAY_LEN(seen));
	suite_add_tcase(s, gguf);
	tcase_add_checked_fixture(files, folder_enter, folder_leave);
	tcase_add_loop_test(files, sharded_gguf, 0, 2);
	tcase_add_loop_test(files, sharded_safetensors, 0, 2);
	tcase_add_test(files, table_against_config);
	suite_add_tcase(s, files);
	return s;
}
