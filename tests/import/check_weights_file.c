/* check_weights_file.c - room import: the formats of a file's tensors, in the place of a file type's rules. */
#include "tests/suites.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/import/import.h"
#include "sim/import/weights_file.h"
#include "sim/llm/mix.h"
#include "tests/folder.h"
#include "tests/import/ggufmake.h"

struct read {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	struct model m;
	struct precision p;
	int rc;
};

static void write_file(const char *path, struct ggufmake *g)
{
	struct str out = STR_INIT;
	FILE *f = fopen(path, "wb");

	gguf_finish(g, &out);
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(out.text, 1, out.len, f), out.len);
	ck_assert_int_eq(fclose(f), 0);
	str_release(&out);
}

static struct yml *parsed(struct read *x, const char *name, const char *text)
{
	struct source *s = arena_alloc(&x->arena, sizeof *s);

	*s = (struct source){name, text, strlen(text)};
	return yml_parse(&x->arena, s, &x->diags);
}

/* The model of one file, and a precision that names another. */
static void read_with(struct read *x, const char *model, const char *weights)
{
	const struct import_ask ask = {.path = model, .tool = "check"};
	struct import_result r;
	struct err err = ERR_INIT;
	struct yml *tree;

	*x = (struct read){.arena = ARENA_INIT};
	diags_init(&x->diags, &x->arena);
	loader_init(&x->loader, &x->arena, &x->diags);
	ck_assert_msg(import_model(&x->loader, &ask, &r, &err) == 0, "%s", err.msg);
	tree = parsed(x, "m.yaml", arena_strdup(&x->arena, r.text.text));
	str_release(&r.text);
	ck_assert_int_eq(field_load(&model_table, tree, "model", &x->m, &x->diags), 0);
	ck_assert_int_eq(model_check(&x->m, &x->diags), 0);
	tree = parsed(x, "s.yaml", arena_printf(&x->arena, "weights: {file: %s}\n", weights));
	ck_assert_int_eq(field_load(&precision_table, tree, "precision", &x->p, &x->diags), 0);
	ck_assert_ptr_nonnull(x->p.file);
	x->rc = weights_file_load(&x->loader, &x->m, &x->p);
}

/* What the header of a file says of each tensor, summed without our classes. */
static double table_bytes(struct read *x, const char *path)
{
	struct tensor_table t;
	struct err err = ERR_INIT;
	struct gguf g;
	double sum = 0;

	ck_assert_int_eq(import_gguf_tensors(&x->loader, path, &g, &t, &err), 0);
	for (size_t i = 0; i < t.n; i++)
		sum += t.at[i].bytes;
	return sum;
}

enum { Q4_0 = 2, Q8_0 = 8, Q4_K = 12, Q5_K = 13, Q6_K = 14, IQ3_S = 21, F32 = 0 };

/* A mixture of experts whose layers differ in what they keep of each class, as in a dynamic mix. */
static void dynamic_mix(struct ggufmake *g, uint32_t file_type)
{
	enum { LAYERS = 4 };
	static const uint32_t down[LAYERS] = {Q8_0, Q6_K, IQ3_S, IQ3_S},
			      up[LAYERS] = {Q5_K, Q4_K, Q4_K, IQ3_S};
	char name[64];

	g->keys = g->tensors = (struct str)STR_INIT;
	gguf_key_text(g, "general.architecture", "qwen3moe");
	gguf_key_u32(g, "general.file_type", file_type);
	gguf_key_u32(g, "qwen3moe.block_count", LAYERS);
	gguf_key_u32(g, "qwen3moe.attention.head_count", 4);
	gguf_key_u32(g, "qwen3moe.attention.head_count_kv", 2);
	gguf_key_u32(g, "qwen3moe.expert_count", 8);
	gguf_key_u32(g, "qwen3moe.expert_used_count", 2);
#define T(type, suffix, ...)                                                                                 \
	(snprintf(name, sizeof name, "blk.%d." suffix ".weight", i),                                         \
	 gguf_tensor(g, name, type, (const uint64_t[]){__VA_ARGS__, 0}))
	gguf_tensor(g, "token_embd.weight", Q6_K, (const uint64_t[]){256, 1000, 0});
	for (int i = 0; i < LAYERS; i++) {
		T(F32, "attn_norm", 256);
		T(F32, "ffn_norm", 256);
		T(Q8_0, "attn_q", 256, 256);
		T(Q8_0, "attn_k", 256, 128);
		T(Q8_0, "attn_v", 256, 128);
		T(Q5_K, "attn_output", 256, 256);
		T(F32, "ffn_gate_inp", 256, 8);
		T(up[i], "ffn_gate_exps", 256, 512, 8);
		T(up[i], "ffn_up_exps", 256, 512, 8);
		T(down[i], "ffn_down_exps", 512, 256, 8);
	}
#undef T
	gguf_tensor(g, "output_norm.weight", F32, (const uint64_t[]){256, 0});
	gguf_tensor(g, "output.weight", Q4_0, (const uint64_t[]){256, 1000, 0});
}

START_TEST(every_tensor_as_the_file_has_it)
{
	static const struct {
		enum tensor t;
		enum format_id most;
	} want[] = {{TENSOR_EMBEDDING, FORMAT_Q6_K}, {TENSOR_HEAD, FORMAT_Q4_0},
		    {TENSOR_Q, FORMAT_Q8_0},         {TENSOR_O, FORMAT_Q5_K},
		    {TENSOR_EXPERT_UP, FORMAT_Q4_K}, {TENSOR_EXPERT_DOWN, FORMAT_IQ3_S},
		    {TENSOR_ROUTER, FORMAT_F32},     {TENSOR_SMALL, FORMAT_F32}};
	struct ggufmake g = {.version = 3};
	struct read x;

	dynamic_mix(&g, 15);
	write_file("ud.gguf", &g);
	read_with(&x, "ud.gguf", "ud.gguf");
	ck_assert_msg(x.rc == 0, "%s", x.diags.n ? x.diags.list[0].msg : "");
	ck_assert_double_eq_tol(model_weights_B(&x.m, &x.p), table_bytes(&x, "ud.gguf"), 0.5);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		ck_assert_int_eq(x.p.file->holds->most[want[i].t], want[i].most);
	ck_assert_int_eq(mix_most(&x.m, &x.p, (struct part){ROLE_EXPERTS, false, 0}, TENSOR_EXPERT_DOWN),
			 FORMAT_IQ3_S);
	ck_assert_str_eq(mix_names[x.p.weights], "q4_K_M"); /* what the file calls itself */
	arena_release(&x.arena);
}
END_TEST

/* A named file type follows its rule, so that the same dimensions make other bytes; a file that names none gets the type
 * that is nearest. */
START_TEST(a_name_is_not_the_mix)
{
	struct ggufmake g = {.version = 3};
	struct precision by_name = {.weights = MIX_Q4_K_M};
	struct read x;

	dynamic_mix(&g, 255);
	write_file("ud.gguf", &g);
	read_with(&x, "ud.gguf", "ud.gguf");
	ck_assert_int_eq(x.rc, 0);
	ck_assert_double_gt(fabs(model_weights_B(&x.m, &by_name) / model_weights_B(&x.m, &x.p) - 1), 0.005);
	ck_assert_int_eq(x.p.weights, import_file_type(&x.m, NULL, table_bytes(&x, "ud.gguf")));
	arena_release(&x.arena);
}
END_TEST

/* An exception that the scenario states still counts before the file. */
START_TEST(exceptions_count_before_the_file)
{
	struct ggufmake g = {.version = 3};
	const double head = 256 * 1000;
	double without;
	struct read x;

	dynamic_mix(&g, 15);
	write_file("ud.gguf", &g);
	read_with(&x, "ud.gguf", "ud.gguf");
	without = model_weights_B(&x.m, &x.p);
	x.p.tensors.at[TENSOR_HEAD] = FORMAT_F16 + 1;
	ck_assert_double_eq_tol(model_weights_B(&x.m, &x.p) - without,
				format_bytes(FORMAT_F16, head) - format_bytes(FORMAT_Q4_0, head), 0.5);
	arena_release(&x.arena);
}
END_TEST

/* A model without a head of its own multiplies with the table. */
START_TEST(a_tied_head_is_the_table)
{
	struct ggufmake g = {.version = 3};
	struct read x;

	g.keys = g.tensors = (struct str)STR_INIT;
	gguf_key_text(&g, "general.architecture", "llama");
	gguf_key_u32(&g, "llama.block_count", 1);
	gguf_key_u32(&g, "llama.attention.head_count", 4);
	gguf_key_u32(&g, "llama.attention.head_count_kv", 2);
	gguf_tensor(&g, "token_embd.weight", Q8_0, (const uint64_t[]){256, 1000, 0});
	gguf_tensor(&g, "blk.0.attn_norm.weight", F32, (const uint64_t[]){256, 0});
	gguf_tensor(&g, "blk.0.attn_q.weight", Q4_K, (const uint64_t[]){256, 256, 0});
	gguf_tensor(&g, "blk.0.attn_k.weight", Q4_K, (const uint64_t[]){256, 128, 0});
	gguf_tensor(&g, "blk.0.attn_v.weight", Q6_K, (const uint64_t[]){256, 128, 0});
	gguf_tensor(&g, "blk.0.attn_output.weight", Q4_K, (const uint64_t[]){256, 256, 0});
	gguf_tensor(&g, "blk.0.ffn_norm.weight", F32, (const uint64_t[]){256, 0});
	gguf_tensor(&g, "blk.0.ffn_gate.weight", Q4_K, (const uint64_t[]){256, 512, 0});
	gguf_tensor(&g, "blk.0.ffn_up.weight", Q4_K, (const uint64_t[]){256, 512, 0});
	gguf_tensor(&g, "blk.0.ffn_down.weight", Q6_K, (const uint64_t[]){512, 256, 0});
	gguf_tensor(&g, "output_norm.weight", F32, (const uint64_t[]){256, 0});
	write_file("tied.gguf", &g);
	read_with(&x, "tied.gguf", "tied.gguf");
	ck_assert_int_eq(x.rc, 0);
	ck_assert(x.m.tied_head);
	ck_assert_int_eq(x.p.file->holds->most[TENSOR_HEAD], FORMAT_Q8_0);
	ck_assert_double_eq_tol(model_weights_B(&x.m, &x.p), table_bytes(&x, "tied.gguf"), 0.5);
	arena_release(&x.arena);
}
END_TEST

static void complains(const char *weights, const char *says)
{
	struct read x;

	read_with(&x, "ud.gguf", weights);
	ck_assert_int_eq(x.rc, -1);
	ck_assert_uint_ge(x.diags.n, 1);
	ck_assert_msg(strstr(x.diags.list[0].msg, says), "'%s' is not in: %s", says, x.diags.list[0].msg);
	ck_assert_int_eq(x.diags.list[0].place.line, 1);
	ck_assert_int_eq(x.diags.list[0].place.col, 17);
	arena_release(&x.arena);
}

START_TEST(wrong_files)
{
	struct ggufmake g = {.version = 3}, toy = {.version = 3};

	dynamic_mix(&g, 15);
	write_file("ud.gguf", &g);
	gguf_toy(&toy);
	write_file("toy.gguf", &toy);
	ck_assert_int_eq(file_exists("none.gguf"), 0);
	complains("none.gguf", "none.gguf");
	complains("m.safetensors", "is no GGUF");
	complains("toy.gguf", "weights, qwen3moe has");
	complains("ud-00001-of-00002.gguf", "is missing: file 1 of 2");
}
END_TEST

#define CONFIG(experts, hidden)                                                                              \
	"{\"model_type\": \"qwen3_moe\", \"hidden_size\": " hidden                                           \
	", \"num_hidden_layers\": 3, \"num_attention_heads\": "                                              \
	"8, \"num_key_value_heads\": 2, \"head_dim\": 64, \"intermediate_size\": 1024, "                     \
	"\"moe_intermediate_size\": 256, "                                                                   \
	"\"num_experts\": " experts                                                                          \
	", \"num_experts_per_tok\": 2, \"vocab_size\": 8000, \"tie_word_embeddings\": false, "               \
	"\"max_position_embeddings\": 4096, \"torch_dtype\": \"bfloat16\""

static void write_text(const char *path, const char *text)
{
	struct err err = ERR_INIT;

	MUST(file_write(path, text, strlen(text), true, &err) == 0);
}

/* Experts in NVFP4, the rest as it was: what the block says, not a file type. */
START_TEST(formats_of_a_config)
{
	const double experts = 3.0 * 3 * 16 * 256 * 512;
	struct read x;

	write_text(
		"nvfp4.json",
		CONFIG("16",
		       "512") ", \"quantization_config\": {\"quant_method\": \"modelopt\", \"quant_algo\": "
			      "\"NVFP4\", \"ignore\": [\"lm_head\", \"*self_attn*\", \"*mlp.gate\"]}}");
	read_with(&x, "nvfp4.json", "nvfp4.json");
	ck_assert_msg(x.rc == 0, "%s", x.diags.n ? x.diags.list[0].msg : "");
	ck_assert_int_eq(x.p.file->holds->most[TENSOR_EXPERT_UP], FORMAT_NVFP4);
	ck_assert_int_eq(x.p.file->holds->most[TENSOR_Q], FORMAT_BF16);
	ck_assert_int_eq(x.p.file->holds->most[TENSOR_HEAD], FORMAT_BF16);
	ck_assert_double_eq_tol(model_weights_B(&x.m, &x.p),
				2 * (model_weights(&x.m) - experts) + experts * 9 / 16 + 8.0 * 3 * 3 * 16,
				0.5);
	arena_release(&x.arena);
}
END_TEST

START_TEST(wrong_configs)
{
	struct ggufmake g = {.version = 3};

	dynamic_mix(&g, 15);
	write_file("ud.gguf", &g);
	write_text("other.json",
		   CONFIG("16", "512") ", \"quantization_config\": {\"quant_method\": \"fp8\"}}");
	write_text("plain.json", CONFIG("8", "256") "}");
	write_text("hqq.json", "{\"quantization_config\": {\"quant_method\": \"hqq\"}}");
	complains("other.json", "has 3 layers of 512 and 16 experts");
	complains("plain.json", "has no quantization block");
	complains("hqq.json", "'hqq' is not known");
	complains("none.json", "none.json");
}
END_TEST

START_TEST(classes_of_names)
{
	static const struct {
		const char *name;
		size_t dims;
		bool fused;
		enum tensor want;
	} at[] = {{"blk.3.attn_qkv.weight", 2, false, TENSOR_QKV},
		  {"blk.3.attn_qkv.weight", 2, true, TENSOR_Q},
		  {"blk.3.attn_q_norm.weight", 1, false, TENSOR_SMALL},
		  {"blk.3.attn_kv_b.weight", 2, false, TENSOR_V},
		  {"blk.3.ffn_gate_inp.weight", 2, false, TENSOR_ROUTER},
		  {"blk.3.ffn_gate_inp_shexp.weight", 2, false, TENSOR_SMALL},
		  {"blk.3.ffn_gate_shexp.weight", 2, false, TENSOR_SHARED_UP},
		  {"blk.3.ffn_gate_up_exps.weight", 3, false, TENSOR_EXPERT_UP},
		  {"blk.3.ssm_out.weight", 2, false, TENSOR_OTHER},
		  {"blk.3.ssm_conv1d.weight", 2, false, TENSOR_SMALL},
		  {"blk.9.attn_q.weight", 2, false, TENSOR_N}, /* behind the last layer */
		  {"rope_freqs.weight", 1, false, TENSOR_N},
		  {"v.blk.3.attn_q.weight", 2, false, TENSOR_N},
		  {"output.weight", 2, false, TENSOR_HEAD},
		  {"blk.3.attn_output.weight", 2, false, TENSOR_O},
		  {"per_layer_token_embd.weight", 2, false, TENSOR_EMBEDDING}};

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		ck_assert_msg(weights_file_class(at[i].name, at[i].dims, 8, at[i].fused) == at[i].want, "%s",
			      at[i].name);
}
END_TEST

Suite *suite_weights_file(void)
{
	Suite *s = suite_create("weights_file");
	TCase *tc = tcase_create("formats");

	tcase_add_checked_fixture(tc, folder_enter, folder_leave);
	tcase_add_test(tc, every_tensor_as_the_file_has_it);
	tcase_add_test(tc, a_name_is_not_the_mix);
	tcase_add_test(tc, exceptions_count_before_the_file);
	tcase_add_test(tc, a_tied_head_is_the_table);
	tcase_add_test(tc, formats_of_a_config);
	tcase_add_test(tc, wrong_configs);
	tcase_add_test(tc, wrong_files);
	tcase_add_test(tc, classes_of_names);
	suite_add_tcase(s, tc);
	return s;
}
