/* check_mix.c - room llm: which format each tensor of a file has, against the rules and against published
 * files. */
#include <math.h>
#include <string.h>

#include "sim/conf/load.h"
#include "sim/llm/mix.h"
#include "tests/suites.h"

struct shipped {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	struct model m;
};

static void load(struct shipped *s, const char *name)
{
	struct yml *tree;

	*s = (struct shipped){.arena = ARENA_INIT};
	diags_init(&s->diags, &s->arena);
	loader_init(&s->loader, &s->arena, &s->diags);
	tree = load_file(&s->loader, arena_printf(&s->arena, "models/%s.yaml", name), "models", MODEL_SCHEMA);
	ck_assert_ptr_nonnull(tree);
	ck_assert_int_eq(field_load(&model_table, tree, "model", &s->m, &s->diags), 0);
	ck_assert_int_eq(model_check(&s->m, &s->diags), 0);
}

/* Files of one repository differ from the tensors they hold by their headers alone: the same tokens, so the
 * same bytes, whatever the file type. A tensor in a wrong format would be megabytes. */
static const struct {
	const char *model, *part_of_source;
	double header_B; /* the largest, and how far apart they may be */
	double apart_B;
	size_t files;
} repositories[] = {
	{"llama-3.1-8b", "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", 8e6, 1e4, 13},
	{"llama-3.2-3b", "unsloth/Llama-3.2-3B", 8.3e6, 4e5, 11},
	{"qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct-GGUF", 7e6, 7e5, 9},
	{"qwen2.5-coder-32b", "Qwen/Qwen2.5-Coder-32B-Instruct-GGUF", 9e6, 2.3e6, 9},
	{"qwen3-4b", "Qwen/Qwen3-4B-GGUF", 7e6, 1e3, 5},
	{"qwen3-14b", "Qwen/Qwen3-14B-GGUF", 7e6, 1e3, 5},
	{"gemma-2-2b", "bartowski/gemma-2-2b-it-GGUF", 7e6, 1e4, 8},
};

START_TEST(headers_are_all_that_differs)
{
	struct shipped s;
	const struct model_size *size;
	double lo = INFINITY, hi = 0;
	size_t n = 0;

	load(&s, repositories[_i].model);
	size = s.m.sizes.at;
	for (size_t i = 0; i < s.m.sizes.n; i++) {
		const struct precision p = {.weights = size[i].weights};
		const double header = size[i].bytes - model_weights_B(&s.m, &p);

		if (!strstr(size[i].source, repositories[_i].part_of_source))
			continue;
		lo = fmin(lo, header);
		hi = fmax(hi, header);
		n++;
	}
	ck_assert_uint_eq(n, repositories[_i].files);
	ck_assert_double_gt(lo, 0);
	ck_assert_double_lt(hi, repositories[_i].header_B);
	ck_assert_msg(hi - lo <= repositories[_i].apart_B, "%s: headers of %.0f to %.0f bytes",
		      repositories[_i].model, lo, hi);
	arena_release(&s.arena);
}
END_TEST

/* Which layers of 32 get more bits: the first eighth, the last, and each third between. */
START_TEST(more_bits_by_layer)
{
	static const int more[] = {0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31};
	struct shipped s;
	size_t k = 0;

	load(&s, "llama-3.1-8b");
	for (int64_t i = 0; i < 32; i++) {
		const bool is = k < ARRAY_LEN(more) && more[k] == i;

		k += is;
		ck_assert_int_eq(mix_format(&s.m, MIX_Q4_K_M, TENSOR_DOWN, i),
				 is ? FORMAT_Q6_K : FORMAT_Q4_K);
		ck_assert_int_eq(mix_format(&s.m, MIX_Q5_K_M, TENSOR_V, i), is ? FORMAT_Q6_K : FORMAT_Q5_K);
		ck_assert_int_eq(mix_format(&s.m, MIX_Q4_K_S, TENSOR_DOWN, i),
				 i < 4 ? FORMAT_Q5_K : FORMAT_Q4_K);
	}
	ck_assert_uint_eq(k, ARRAY_LEN(more));
	arena_release(&s.arena);
}
END_TEST

/* One rule a row: model, file type, tensor, layer, format. */
static const struct {
	const char *model;
	int mix;
	enum tensor t;
	int64_t layer;
	enum format_id want;
} rules[] = {
	{"llama-3.1-8b", MIX_Q4_K_M, TENSOR_HEAD, 0, FORMAT_Q6_K},
	{"llama-3.1-8b", MIX_Q4_K_M, TENSOR_EMBEDDING, 0, FORMAT_Q4_K},
	{"llama-3.1-8b", MIX_Q4_K_M, TENSOR_SMALL, 0, FORMAT_F32},
	{"llama-3.1-8b", FORMAT_Q8_0, TENSOR_HEAD, 0, FORMAT_Q8_0},
	{"llama-3.1-8b", FORMAT_Q2_K, TENSOR_V, 0, FORMAT_Q4_K}, /* four queries a value */
	{"llama-2-7b", FORMAT_Q2_K, TENSOR_V, 0, FORMAT_Q3_K},
	{"llama-2-7b", FORMAT_IQ4_XS, TENSOR_V, 0, FORMAT_IQ4_XS},
	{"llama-3.1-8b", FORMAT_IQ4_XS, TENSOR_V, 0, FORMAT_Q5_K},
	{"llama-3.1-70b", MIX_Q4_K_M, TENSOR_V, 11, FORMAT_Q5_K}, /* 70B: never below */
	{"llama-3.1-70b", MIX_Q3_K_S, TENSOR_V, 40, FORMAT_Q5_K},
	{"mixtral-8x7b", MIX_Q4_K_M, TENSOR_K, 9, FORMAT_Q8_0}, /* eight experts */
	{"mixtral-8x7b", MIX_Q4_K_M, TENSOR_V, 9, FORMAT_Q8_0},
	{"mixtral-8x7b", MIX_Q4_K_M, TENSOR_O, 9, FORMAT_Q5_K},
	{"mixtral-8x7b", MIX_Q4_K_M, TENSOR_ROUTER, 9, FORMAT_F32},
	{"qwen2.5-0.5b", MIX_Q4_K_M, TENSOR_Q, 0, FORMAT_Q5_0}, /* rows of 896 */
	{"qwen2.5-0.5b", MIX_Q4_K_M, TENSOR_V, 0, FORMAT_Q8_0},
	{"qwen2.5-0.5b", MIX_Q4_K_M, TENSOR_HEAD, 0, FORMAT_Q8_0},
	{"qwen2.5-72b", MIX_Q4_K_M, TENSOR_DOWN, 11, FORMAT_Q5_0}, /* rows of 29568 */
	{"deepseek-v2-lite", MIX_Q4_K_M, TENSOR_EXPERT_DOWN, 4, FORMAT_Q5_0},
	{"llama-3.1-8b", FORMAT_Q4_K, TENSOR_HEAD, 0, FORMAT_Q4_K} /* no file type: all alike */,
	{"phi-3-mini", MIX_Q4_K_M, TENSOR_Q, 11, FORMAT_Q5_K}, /* q, k and v in one */
	{"gpt-oss-20b", FORMAT_MXFP4, TENSOR_EXPERT_UP, 0, FORMAT_MXFP4},
	{"gpt-oss-20b", FORMAT_MXFP4, TENSOR_Q, 0, FORMAT_Q8_0},
	{"gpt-oss-20b", MIX_MXFP4_BF16, TENSOR_Q, 0, FORMAT_BF16},
	{"gpt-oss-20b", MIX_MLX_MXFP4_Q8, TENSOR_HEAD, 0, FORMAT_MLX_Q8},
	{"qwen3-30b-a3b", FORMAT_MLX_Q4, TENSOR_ROUTER, 0, FORMAT_MLX_Q8},
	{"qwen3-30b-a3b", FORMAT_MLX_Q4, TENSOR_EMBEDDING, 0, FORMAT_MLX_Q4},
	{"qwen3-30b-a3b", FORMAT_MLX_Q4, TENSOR_SMALL, 0, FORMAT_BF16},
	{"gemma-3-1b", FORMAT_MLX_Q4_G128, TENSOR_DOWN, 0, FORMAT_MLX_Q4_G128},
	{"deepseek-v3", FORMAT_FP8, TENSOR_EXPERT_UP, 9, FORMAT_FP8},
	{"llama-3.1-8b", FORMAT_IQ2_XXS, TENSOR_HEAD, 0, FORMAT_Q5_K},
	{"llama-3.1-8b", FORMAT_IQ2_XXS, TENSOR_EMBEDDING, 0, FORMAT_Q2_K},
	{"llama-3.1-8b", FORMAT_IQ2_XXS, TENSOR_V, 0, FORMAT_Q4_K},
	{"llama-2-7b", FORMAT_IQ2_XXS, TENSOR_V, 0, FORMAT_Q2_K},
	{"llama-3.1-8b", FORMAT_IQ2_XXS, TENSOR_DOWN, 3, FORMAT_Q2_K},
	{"llama-3.1-8b", FORMAT_IQ2_XXS, TENSOR_DOWN, 4, FORMAT_IQ2_XXS},
	{"llama-3.1-8b", MIX_IQ3_XS, TENSOR_UP, 3, FORMAT_IQ3_S},
	{"llama-3.1-8b", MIX_IQ3_XS, TENSOR_UP, 4, FORMAT_IQ3_XXS},
	{"llama-3.1-8b", FORMAT_IQ1_S, TENSOR_O, 9, FORMAT_IQ2_XXS},
	{"mixtral-8x7b", FORMAT_IQ2_XS, TENSOR_O, 9, FORMAT_Q5_K},
	{"qwen2.5-0.5b", FORMAT_IQ2_XXS, TENSOR_UP, 0, FORMAT_IQ4_NL}, /* rows of 896 */
	{"llama-3.1-8b", MIX_MLX_MIXED_3_6, TENSOR_V, 0, FORMAT_MLX_Q6},
	{"llama-3.1-8b", MIX_MLX_MIXED_3_6, TENSOR_Q, 0, FORMAT_MLX_Q3},
	{"llama-3.1-8b", FORMAT_AWQ, TENSOR_Q, 0, FORMAT_AWQ},
	{"llama-3.1-8b", FORMAT_AWQ, TENSOR_HEAD, 0, FORMAT_BF16},
	{"kimi-k2.5", FORMAT_INT4_G32, TENSOR_EXPERT_UP, 9, FORMAT_INT4_G32},
	{"kimi-k2.5", FORMAT_INT4_G32, TENSOR_Q, 9, FORMAT_BF16},
	/* a fused qkv counts as a value, along the layers that have one or the other */
	{"qwen3.5-27b", MIX_Q4_K_M, TENSOR_QKV, 0, FORMAT_Q6_K},
	{"qwen3.5-27b", MIX_Q4_K_M, TENSOR_OTHER, 0, FORMAT_Q4_K},
	{"nemotron-3-super", MIX_Q4_K_M, TENSOR_EXPERT_DOWN, 1, FORMAT_Q8_0}, /* rows of 2688 */
	{"deepseek-v3", FORMAT_FP8, TENSOR_EMBEDDING, 0, FORMAT_BF16},
};

START_TEST(rules_of_file_types)
{
	struct shipped s;

	load(&s, rules[_i].model);
	ck_assert_str_eq(
		formats[mix_format(&s.m, (enum mix_id)rules[_i].mix, rules[_i].t, rules[_i].layer)].name,
		formats[rules[_i].want].name);
	arena_release(&s.arena);
}
END_TEST

/* What is tabulated is what is summed anew, to the last bit, and nothing but the model and mix that it was made of has it. */
START_TEST(tables_are_the_sums)
{
	static const char *const models[] = {"llama-3.1-70b", "qwen3-30b-a3b", "deepseek-v2-lite",
					     "qwen3.5-9b"};
	struct part_count parts[MODEL_PARTS];
	struct shipped s;
	size_t n, of_layers = 0;

	load(&s, models[_i]);
	n = model_parts(&s.m, parts);
	for (int mix = 0; mix < MIX_N; mix++) {
		const struct precision plain = {.weights = mix};
		struct precision p = plain;

		mix_tabulate(&s.arena, &s.m, &p);
		of_layers += p.tables != NULL;
		for (size_t i = 0; i < n; i++)
			for (enum tensor t = TENSOR_Q; t <= TENSOR_O; t++)
				if (parts[i].part.role == ROLE_ATTENTION)
					ck_assert(mix_bytes(&s.m, &p, parts[i].part, t, 4096.5) ==
						  mix_bytes(&s.m, &plain, parts[i].part, t, 4096.5));
		p.weights = (mix + 1) % MIX_N; /* another mix has no part in the table */
		ck_assert(mix_bytes(&s.m, &p, parts[0].part, TENSOR_EMBEDDING, 64) ==
			  mix_bytes(&s.m, &(struct precision){.weights = p.weights}, parts[0].part,
				    TENSOR_EMBEDDING, 64));
	}
	ck_assert_uint_gt(of_layers, 5);
	arena_release(&s.arena);
}
END_TEST

/* A class's bytes are the sum over its layers: an exact mean, whatever the file type. */
START_TEST(bytes_are_the_mean_of_layers)
{
	static const char *const models[] = {"llama-3.1-8b", "qwen3-30b-a3b", "deepseek-v2-lite",
					     "qwen2.5-0.5b"};
	struct shipped s;

	load(&s, models[_i]);
	for (int mix = 0; mix < MIX_N; mix++)
		for (int t = 0; t < TENSOR_N; t++) {
			const struct precision p = {.weights = mix};
			const bool moe = t >= TENSOR_ROUTER && t <= TENSOR_EXPERT_DOWN;
			const bool ffn = t == TENSOR_UP || t == TENSOR_DOWN;
			const struct part part = {ffn   ? ROLE_FFN
						  : moe ? ROLE_EXPERTS
							: ROLE_ATTENTION,
						  false, 0};
			double sum = 0, n = 0;

			if ((moe && !s.m.experts) || (ffn && !s.m.ffn) ||
			    (t == TENSOR_V && s.m.attention.latent) ||
			    ((t == TENSOR_SHARED_UP || t == TENSOR_SHARED_DOWN) &&
			     !(s.m.experts && s.m.experts->shared)))
				continue;
			for (int64_t i = 0; i < s.m.layers; i++) {
				if ((moe && !model_layer_has_experts(&s.m, i)) ||
				    (ffn && model_layer_has_experts(&s.m, i)))
					continue;
				sum += format_bytes(mix_format(&s.m, (enum mix_id)mix, (enum tensor)t, i),
						    1e6);
				n++;
			}
			if (fabs(mix_bytes(&s.m, &p, part, (enum tensor)t, 1e6) / (sum / n) - 1) > 1e-12)
				ck_abort_msg("%s, %s", mix_names[mix], tensor_names[t]);
		}
	arena_release(&s.arena);
}
END_TEST

Suite *suite_mix(void)
{
	Suite *s = suite_create("mix");
	TCase *tc = tcase_create("mix");

	tcase_add_loop_test(tc, headers_are_all_that_differs, 0, ARRAY_LEN(repositories));
	tcase_add_test(tc, more_bits_by_layer);
	tcase_add_loop_test(tc, rules_of_file_types, 0, ARRAY_LEN(rules));
	tcase_add_loop_test(tc, tables_are_the_sums, 0, 4);
	tcase_add_loop_test(tc, bytes_are_the_mean_of_layers, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}
