/* ggufwhole.h - whole headers of GGUF files in small, tensor by tensor, for tests; see check_gguf_architectures.c. */
#ifndef TESTS_GGUFWHOLE_H
#define TESTS_GGUFWHOLE_H
#include "tests/import/ggufmake.h"

/* ggml's ids of types; the hidden width, the vocabulary, a head's width and the experts of all these models */
enum { F32 = 0, F16 = 1, Q8_0 = 8, Q4_K = 12, Q6_K = 14, IQ2_XXS = 16, IQ3_S = 21, MXFP4 = 39 };
enum { H = 512, V = 1000, D = 64, E = 8 };

/* A file of one architecture. Layer -1: at the ends. Dimensions of 0 are none. */
struct file {
	struct ggufmake g;
	const char *arch;
};

void whole_key(struct file *f, const char *name, uint32_t x);
void whole_keys(struct file *f, const char *name, const uint32_t *x, size_t n);
void whole_tensor_as(struct file *f, int layer, const char *name, uint32_t asked, uint64_t a, uint64_t b,
		     uint64_t c);
void whole_tensor(struct file *f, int layer, const char *name, uint64_t a, uint64_t b);
void whole_begin(struct file *f, const char *arch, uint32_t layers);
void whole_head(struct file *f);
void whole_norm(struct file *f, int i, const char *name);
void whole_qkvo(struct file *f, int i, uint64_t q, uint64_t k, uint64_t v, uint64_t out);
void whole_qk_norms(struct file *f, int i, uint64_t q, uint64_t k);
void whole_ffn(struct file *f, int i, uint64_t inner);
void whole_experts(struct file *f, int i, uint64_t width, uint64_t inner, bool gated, uint32_t up,
		   uint32_t down);
void whole_shared_expert(struct file *f, int i, uint64_t inner, bool gated);
void whole_heads_keys(struct file *f, uint32_t heads, uint32_t kv);
void whole_expert_keys(struct file *f, uint32_t inner);
void whole_ssm_keys(struct file *f, uint32_t state, uint32_t groups, uint32_t heads, uint32_t inner);
void whole_nextn(struct file *f, int i);

/* The files; the caller writes and releases g. */
void whole_qwen3next(struct file *f);
void whole_qwen35_with_mtp(struct file *f);
void whole_qwen35moe_by_flags(struct file *f);
void whole_nemotron_latent(struct file *f);
void whole_granite_hybrid(struct file *f);
void whole_lfm2_moe(struct file *f);
void whole_falcon_h1(struct file *f);
void whole_deepseek_mla(struct file *f);
void whole_deepseek_of_whole_heads(struct file *f);
void whole_glm_with_shared_indices(struct file *f);
void whole_kimi_linear(struct file *f);
void whole_gemma4_experts(struct file *f);
void whole_gemma4_wide(struct file *f);
void whole_glm4_moe(struct file *f);
void whole_minimax_m2(struct file *f);
void whole_gpt_oss(struct file *f);
void whole_step35(struct file *f);
void whole_mimo2(struct file *f);

#endif
