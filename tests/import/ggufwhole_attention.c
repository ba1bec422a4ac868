/* ggufwhole_attention.c - architectures with latent attention, or attention of several kinds; see ggufwhole.h. */
#include "tests/import/ggufwhole.h"

/* --- latent attention ----------------------------------------------------------------------------- */

enum { HEADS = 8, RANK = 256, NOPE = 64, ROPE = 32, VALUE = 64 };

/* Of 8 query heads over 2. */
static void qkv_biases(struct file *f, int i)
{
	whole_tensor(f, i, "attn_q.bias", 8 * D, 0);
	whole_tensor(f, i, "attn_k.bias", 2 * D, 0);
	whole_tensor(f, i, "attn_v.bias", 2 * D, 0);
}

/* Experts of 256 whose choice a number for each corrects. */
static void experts_with_bias(struct file *f, int i)
{
	whole_experts(f, i, H, 256, true, Q4_K, Q6_K);
	whole_tensor(f, i, "exp_probs_b.bias", E, 0);
}

static void latent_keys(struct file *f, bool mla)
{
	whole_key(f, "attention.head_count", HEADS);
	whole_key(f, "attention.kv_lora_rank", RANK);
	whole_key(f, "rope.dimension_count", ROPE);
	whole_key(f, "attention.key_length", mla ? RANK + ROPE : NOPE + ROPE);
	whole_key(f, "attention.value_length", mla ? RANK : VALUE);
	if (mla) {
		whole_key(f, "attention.key_length_mla", NOPE + ROPE);
		whole_key(f, "attention.value_length_mla", VALUE);
	}
	whole_expert_keys(f, 256);
	whole_key(f, "expert_shared_count", 1);
	whole_key(f, "leading_dense_block_count", 1);
	whole_key(f, "feed_forward_length", 1024);
}

static void latent(struct file *f, int i, uint64_t q_rank, bool mla)
{
	whole_tensor(f, i, q_rank ? "attn_q_b.weight" : "attn_q.weight", q_rank ? q_rank : H,
		     HEADS * (NOPE + ROPE));
	if (q_rank) {
		whole_tensor(f, i, "attn_q_a.weight", H, q_rank);
		whole_tensor(f, i, "attn_q_a_norm.weight", q_rank, 0);
	}
	whole_tensor(f, i, "attn_kv_a_norm.weight", RANK, 0);
	whole_tensor(f, i, "attn_kv_a_mqa.weight", H, RANK + ROPE);
	if (mla) {
		whole_tensor_as(f, i, "attn_k_b.weight", Q8_0, NOPE, RANK, HEADS);
		whole_tensor_as(f, i, "attn_v_b.weight", Q8_0, RANK, VALUE, HEADS);
	} else {
		whole_tensor(f, i, "attn_kv_b.weight", RANK, HEADS * (NOPE + VALUE));
	}
	whole_tensor(f, i, "attn_output.weight", HEADS * VALUE, H);
}

static void latent_layer(struct file *f, int i, uint64_t q_rank, bool mla)
{
	whole_norm(f, i, "attn_norm.weight");
	whole_norm(f, i, "ffn_norm.weight");
	latent(f, i, q_rank, mla);
	if (i < 1) {
		whole_ffn(f, i, 1024);
		return;
	}
	whole_experts(f, i, H, 256, true, IQ2_XXS, IQ3_S);
	whole_tensor(f, i, "exp_probs_b.bias", E, 0);
	whole_shared_expert(f, i, 256, true);
}

static void deepseek(struct file *f, bool mla)
{
	whole_begin(f, "deepseek2", 3);
	latent_keys(f, mla);
	whole_key(f, "attention.head_count_kv", mla ? 1 : HEADS);
	whole_key(f, "attention.q_lora_rank", 128);
	for (int i = 0; i < 3; i++)
		latent_layer(f, i, 128, mla);
	whole_head(f);
}

void whole_deepseek_mla(struct file *f)
{
	deepseek(f, true);
}

void whole_deepseek_of_whole_heads(struct file *f)
{
	deepseek(f, false);
}

/* GLM-5.2: layers 1 and 2 use the choice of layer 0. */
void whole_glm_with_shared_indices(struct file *f)
{
	whole_begin(f, "glm-dsa", 4);
	latent_keys(f, true);
	whole_key(f, "attention.head_count_kv", 1);
	whole_key(f, "attention.q_lora_rank", 128);
	whole_key(f, "attention.indexer.head_count", 4);
	whole_key(f, "attention.indexer.key_length", 32);
	whole_key(f, "attention.indexer.top_k", 64);
	for (int i = 0; i < 4; i++) {
		latent_layer(f, i, 128, true);
		if (i == 1 || i == 2)
			continue;
		whole_tensor(f, i, "indexer.k_norm.weight", 32, 0);
		whole_tensor(f, i, "indexer.k_norm.bias", 32, 0);
		whole_tensor(f, i, "indexer.proj.weight", H, 4);
		whole_tensor(f, i, "indexer.attn_k.weight", H, 32);
		whole_tensor(f, i, "indexer.attn_q_b.weight", 128, 4 * 32);
	}
	whole_head(f);
}

void whole_kimi_linear(struct file *f)
{
	static const uint32_t kv[] = {0, 0, 0, 1};
	enum { W = HEADS * D };

	whole_begin(f, "kimi-linear", 4);
	latent_keys(f, true);
	whole_keys(f, "attention.head_count_kv", kv, 4);
	whole_key(f, "kda.head_dim", D);
	whole_key(f, "ssm.conv_kernel", 4);
	for (int i = 0; i < 4; i++) {
		if (kv[i]) {
			latent_layer(f, i, 0, true);
			continue;
		}
		whole_norm(f, i, "attn_norm.weight");
		whole_norm(f, i, "ffn_norm.weight");
		whole_qkvo(f, i, W, W, W, W);
		whole_tensor_as(f, i, "ssm_conv1d_q.weight", F32, 4, 1, W);
		whole_tensor_as(f, i, "ssm_conv1d_k.weight", F32, 4, 1, W);
		whole_tensor_as(f, i, "ssm_conv1d_v.weight", F32, 4, 1, W);
		whole_tensor(f, i, "ssm_f_a.weight", H, D);
		whole_tensor(f, i, "ssm_f_b.weight", D, W);
		whole_tensor(f, i, "ssm_beta.weight", H, HEADS);
		whole_tensor(f, i, "ssm_a", 1, HEADS);
		whole_tensor(f, i, "ssm_dt.bias", W, 0);
		whole_tensor(f, i, "ssm_g_a.weight", H, D);
		whole_tensor(f, i, "ssm_g_b.weight", D, W);
		whole_tensor(f, i, "ssm_norm.weight", D, 0);
		if (i < 1) {
			whole_ffn(f, i, 1024);
			continue;
		}
		experts_with_bias(f, i);
		whole_shared_expert(f, i, 256, true);
	}
	whole_head(f);
}

/* --- attention of several kinds ------------------------------------------------------------------- */

static void gemma_norms(struct file *f, int i, uint64_t dim)
{
	whole_norm(f, i, "attn_norm.weight");
	whole_norm(f, i, "post_attention_norm.weight");
	whole_norm(f, i, "ffn_norm.weight");
	whole_norm(f, i, "post_ffw_norm.weight");
	whole_qk_norms(f, i, dim, dim);
	whole_tensor(f, i, "layer_output_scale.weight", 1, 0);
}

static void gemma_keys(struct file *f, const uint32_t *windows, const uint32_t *kv, size_t n)
{
	whole_key(f, "attention.head_count", 4);
	whole_keys(f, "attention.head_count_kv", kv, n);
	whole_key(f, "attention.sliding_window", 256);
	whole_keys(f, "attention.sliding_window_pattern", windows, n);
	whole_key(f, "attention.key_length", 2 * D);
	whole_key(f, "attention.value_length", 2 * D);
	whole_key(f, "attention.key_length_swa", D);
	whole_key(f, "attention.value_length_swa", D);
	whole_tensor(f, -1, "rope_freqs.weight", D, 0);
}

/* Gemma 4 26B: an FFN beside the experts, which are one tensor with their gates; full layers have keys that are values. */
void whole_gemma4_experts(struct file *f)
{
	static const uint32_t windows[] = {1, 1, 0}, kv[] = {2, 2, 1};

	whole_begin(f, "gemma4", 3);
	gemma_keys(f, windows, kv, 3);
	whole_expert_keys(f, 256);
	whole_key(f, "feed_forward_length", 1024);
	for (int i = 0; i < 3; i++) {
		const uint64_t d = windows[i] ? D : 2 * D;

		gemma_norms(f, i, d);
		whole_qkvo(f, i, 4 * d, kv[i] * d, windows[i] ? kv[i] * d : 0, 4 * d);
		whole_ffn(f, i, 1024);
		whole_tensor(f, i, "ffn_gate_inp.weight", H, E);
		whole_tensor(f, i, "ffn_gate_inp.scale", H, 0);
		whole_tensor_as(f, i, "ffn_gate_up_exps.weight", Q4_K, H, 2 * 256, E);
		whole_tensor_as(f, i, "ffn_down_exps.weight", Q6_K, 256, H, E);
		whole_tensor(f, i, "ffn_down_exps.scale", E, 0);
		whole_norm(f, i, "pre_ffw_norm_2.weight");
		whole_norm(f, i, "post_ffw_norm_1.weight");
		whole_norm(f, i, "post_ffw_norm_2.weight");
	}
	whole_norm(f, -1, "output_norm.weight");
}

/* Gemma 4 E2B: embeddings of each layer; the last layers share caches and have wider FFNs. */
void whole_gemma4_wide(struct file *f)
{
	static const uint32_t windows[] = {1, 0, 1, 0}, kv[] = {1, 1, 1, 1}, inner[] = {512, 512, 1024, 1024};
	enum { P = 256 };

	whole_begin(f, "gemma4", 4);
	gemma_keys(f, windows, kv, 4);
	whole_keys(f, "feed_forward_length", inner, 4);
	whole_key(f, "attention.shared_kv_layers", 2);
	whole_key(f, "embedding_length_per_layer_input", P);
	whole_tensor(f, -1, "per_layer_token_embd.weight", 4 * P, V);
	whole_tensor_as(f, -1, "per_layer_model_proj.weight", F16, H, 4 * P, 0);
	whole_tensor(f, -1, "per_layer_proj_norm.weight", P, 0);
	for (int i = 0; i < 4; i++) {
		const uint64_t d = windows[i] ? D : 2 * D;

		gemma_norms(f, i, d);
		whole_qkvo(f, i, 4 * d, d, d, 4 * d);
		whole_ffn(f, i, inner[i]);
		whole_tensor(f, i, "inp_gate.weight", H, P);
		whole_tensor(f, i, "proj.weight", P, H);
		whole_norm(f, i, "post_norm.weight");
	}
	whole_norm(f, -1, "output_norm.weight");
}

/* One expert layer of GLM, MiniMax, Step, MiMo or gpt-oss is much like another. */
static void attending(struct file *f, int i, uint64_t heads, uint64_t kv, uint64_t value)
{
	whole_norm(f, i, "attn_norm.weight");
	whole_qkvo(f, i, heads * D, kv * D, kv * value, heads * value);
}

void whole_glm4_moe(struct file *f)
{
	whole_begin(f, "glm4moe", 3);
	whole_heads_keys(f, 8, 2);
	whole_key(f, "nextn_predict_layers", 1);
	whole_expert_keys(f, 256);
	whole_key(f, "expert_shared_count", 1);
	whole_key(f, "leading_dense_block_count", 1);
	whole_key(f, "feed_forward_length", 1024);
	for (int i = 0; i < 3; i++) {
		attending(f, i, 8, 2, D);
		whole_norm(f, i, "post_attention_norm.weight");
		qkv_biases(f, i);
		if (i == 2)
			whole_nextn(f, i);
		if (i < 1) {
			whole_ffn(f, i, 1024);
			continue;
		}
		experts_with_bias(f, i);
		whole_shared_expert(f, i, 256, true);
	}
	whole_head(f);
}

void whole_minimax_m2(struct file *f)
{
	whole_begin(f, "minimax-m2", 2);
	whole_heads_keys(f, 8, 2);
	whole_expert_keys(f, 256);
	whole_key(f, "feed_forward_length", 256);
	for (int i = 0; i < 2; i++) {
		attending(f, i, 8, 2, D);
		whole_qk_norms(f, i, 8 * D, 2 * D);
		whole_norm(f, i, "ffn_norm.weight");
		experts_with_bias(f, i);
	}
	whole_head(f);
}

void whole_gpt_oss(struct file *f)
{
	whole_begin(f, "gpt-oss", 2);
	whole_heads_keys(f, 8, 2);
	whole_key(f, "attention.sliding_window", 128);
	whole_expert_keys(f, 256);
	whole_key(f, "feed_forward_length", 256);
	for (int i = 0; i < 2; i++) {
		attending(f, i, 8, 2, D);
		whole_norm(f, i, "post_attention_norm.weight");
		qkv_biases(f, i);
		whole_norm(f, i, "attn_output.bias");
		whole_tensor(f, i, "attn_sinks.weight", 8, 0);
		whole_experts(f, i, H, 256, true, MXFP4, MXFP4);
		whole_tensor(f, i, "ffn_gate_inp.bias", E, 0);
		whole_tensor(f, i, "ffn_gate_exps.bias", 256, E);
		whole_tensor(f, i, "ffn_up_exps.bias", 256, E);
		whole_tensor(f, i, "ffn_down_exps.bias", H, E);
	}
	whole_head(f);
}

/* Step 3.5: heads differ by kind, and each has a gate. */
void whole_step35(struct file *f)
{
	static const uint32_t windows[] = {0, 1, 1, 0}, heads[] = {4, 12, 12, 4}, kv[] = {2, 4, 4, 2};

	whole_begin(f, "step35", 4);
	whole_keys(f, "attention.head_count", heads, 4);
	whole_keys(f, "attention.head_count_kv", kv, 4);
	whole_key(f, "attention.key_length", D);
	whole_key(f, "attention.value_length", D);
	whole_key(f, "attention.sliding_window", 128);
	whole_keys(f, "attention.sliding_window_pattern", windows, 4);
	whole_expert_keys(f, 256);
	whole_key(f, "expert_shared_feed_forward_length", 256);
	whole_key(f, "leading_dense_block_count", 1);
	whole_key(f, "feed_forward_length", 1024);
	for (int i = 0; i < 4; i++) {
		attending(f, i, heads[i], kv[i], D);
		whole_qk_norms(f, i, D, D);
		whole_tensor(f, i, "attn_gate.weight", H, heads[i]);
		whole_norm(f, i, "ffn_norm.weight");
		if (i < 1) {
			whole_ffn(f, i, 1024);
			continue;
		}
		experts_with_bias(f, i);
		whole_shared_expert(f, i, 256, true);
	}
	whole_head(f);
}

/* MiMo V2: values narrower than keys, and sinks in layers with a window. */
void whole_mimo2(struct file *f)
{
	static const uint32_t windows[] = {0, 1, 1, 0}, kv[] = {1, 2, 2, 1};

	whole_begin(f, "mimo2", 4);
	whole_key(f, "attention.head_count", 8);
	whole_keys(f, "attention.head_count_kv", kv, 4);
	whole_key(f, "attention.key_length", D);
	whole_key(f, "attention.value_length", 32);
	whole_key(f, "attention.sliding_window", 128);
	whole_keys(f, "attention.sliding_window_pattern", windows, 4);
	whole_expert_keys(f, 256);
	whole_key(f, "leading_dense_block_count", 1);
	whole_key(f, "feed_forward_length", 1024);
	for (int i = 0; i < 4; i++) {
		attending(f, i, 8, kv[i], 32);
		whole_norm(f, i, "ffn_norm.weight");
		if (i < 1) {
			whole_ffn(f, i, 1024);
			continue;
		}
		experts_with_bias(f, i);
	}
	whole_head(f);
}
