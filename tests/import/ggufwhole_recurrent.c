/* ggufwhole_recurrent.c - architectures with recurrent layers; see ggufwhole.h. */
#include "tests/import/ggufwhole.h"

#include <string.h>

/* --- recurrent hybrids ---------------------------------------------------------------------------- */

static void delta(struct file *f, int i, bool fused)
{
	enum { KH = 2, VH = 4, W = 2 * KH * D + VH * D };

	whole_tensor(f, i, "attn_qkv.weight", H, W);
	whole_tensor(f, i, "attn_gate.weight", H, VH * D);
	whole_tensor(f, i, "ssm_conv1d.weight", 4, W);
	whole_tensor(f, i, "ssm_dt.bias", VH, 0);
	whole_tensor(f, i, "ssm_a", VH, 0);
	whole_tensor(f, i, fused ? "ssm_ba.weight" : "ssm_beta.weight", H, fused ? 2 * VH : VH);
	if (!fused)
		whole_tensor(f, i, "ssm_alpha.weight", H, VH);
	whole_tensor(f, i, "ssm_norm.weight", D, 0);
	whole_tensor(f, i, "ssm_out.weight", VH * D, H);
}

/* Layers of Qwen3-Next and its heirs; every: one in so many sees all. */
static void qwen_layers(struct file *f, int layers, int mtp, int every, bool routed)
{
	for (int i = 0; i < layers + mtp; i++) {
		whole_norm(f, i, "attn_norm.weight");
		whole_norm(f, i, "post_attention_norm.weight");
		if (i >= layers || (i + 1) % every == 0) {
			whole_qkvo(f, i, 2 * 8 * D, 2 * D, 2 * D, 8 * D);
			whole_qk_norms(f, i, D, D);
		} else {
			delta(f, i, !strcmp(f->arch, "qwen3next"));
		}
		if (routed) {
			whole_experts(f, i, H, 256, true, i ? IQ2_XXS : IQ3_S, i ? IQ3_S : Q6_K);
			whole_shared_expert(f, i, 256, true);
			whole_norm(f, i, "ffn_gate_inp_shexp.weight");
		} else {
			whole_ffn(f, i, 1024);
		}
		if (i >= layers)
			whole_nextn(f, i);
	}
	whole_head(f);
}

static void qwen_keys(struct file *f, bool routed)
{
	whole_heads_keys(f, 8, 2);
	whole_ssm_keys(f, D, 2, 4, 4 * D);
	if (routed) {
		whole_expert_keys(f, 256);
		whole_key(f, "expert_shared_feed_forward_length", 256);
	} else {
		whole_key(f, "feed_forward_length", 1024);
	}
}

void whole_qwen3next(struct file *f)
{
	whole_begin(f, "qwen3next", 4);
	qwen_keys(f, true);
	whole_key(f, "full_attention_interval", 4);
	qwen_layers(f, 4, 0, 4, true);
}

void whole_qwen35_with_mtp(struct file *f)
{
	whole_begin(f, "qwen35", 5);
	whole_key(f, "nextn_predict_layers", 1);
	qwen_keys(f, false);
	whole_key(f, "full_attention_interval", 4);
	qwen_layers(f, 4, 1, 4, false);
}

void whole_qwen35moe_by_flags(struct file *f)
{
	static const uint32_t recurrent[] = {1, 0, 1, 0};

	whole_begin(f, "qwen35moe", 4);
	qwen_keys(f, true);
	whole_keys(f, "attention.recurrent_layers", recurrent, 4);
	qwen_layers(f, 4, 0, 2, true);
}

static void mamba2(struct file *f, int i, uint64_t heads, uint64_t state, uint64_t groups, bool normed)
{
	const uint64_t inner = heads * D, conv = inner + 2 * groups * state;

	whole_tensor(f, i, "ssm_in.weight", H, inner + conv + heads);
	whole_tensor(f, i, "ssm_conv1d.weight", 4, conv);
	whole_tensor(f, i, "ssm_conv1d.bias", conv, 0);
	whole_tensor(f, i, "ssm_dt.bias", heads, 0);
	whole_tensor(f, i, "ssm_a", 1, heads);
	whole_tensor(f, i, "ssm_d", 1, heads);
	if (normed)
		whole_tensor(f, i, "ssm_norm.weight", inner / groups, groups);
	whole_tensor(f, i, "ssm_out.weight", inner, H);
}

void whole_nemotron_latent(struct file *f)
{
	static const uint32_t kv[] = {0, 0, 2, 0}, inner[] = {0, 256, 0, 256};
	enum { LATENT = 256 };

	whole_begin(f, "nemotron_h_moe", 4);
	whole_heads_keys(f, 8, 0);
	whole_keys(f, "attention.head_count_kv", kv, 4);
	whole_keys(f, "feed_forward_length", inner, 4);
	whole_expert_keys(f, 256);
	whole_key(f, "expert_shared_count", 1);
	whole_key(f, "expert_shared_feed_forward_length", 768);
	whole_key(f, "moe_latent_size", LATENT);
	whole_ssm_keys(f, 32, 2, 8, 8 * D);
	for (int i = 0; i < 4; i++) {
		whole_norm(f, i, "attn_norm.weight");
		if (i == 0) {
			mamba2(f, i, 8, 32, 2, true);
		} else if (i == 2) {
			whole_qkvo(f, i, 8 * D, 2 * D, 2 * D, 8 * D);
		} else {
			whole_tensor(f, i, "exp_probs_b.bias", E, 0);
			whole_tensor(f, i, "ffn_latent_down.weight", H, LATENT);
			whole_tensor(f, i, "ffn_latent_up.weight", LATENT, H);
			whole_experts(f, i, LATENT, 256, false, Q4_K, Q6_K);
			whole_shared_expert(f, i, 768, false);
		}
	}
	whole_head(f);
}

void whole_granite_hybrid(struct file *f)
{
	static const uint32_t kv[] = {0, 2, 0};

	whole_begin(f, "granitehybrid", 3);
	whole_heads_keys(f, 8, 0);
	whole_keys(f, "attention.head_count_kv", kv, 3);
	whole_expert_keys(f, 256);
	whole_key(f, "feed_forward_length", 256);
	whole_key(f, "expert_shared_feed_forward_length", 512);
	whole_ssm_keys(f, 32, 1, 8, 8 * D);
	for (int i = 0; i < 3; i++) {
		whole_norm(f, i, "attn_norm.weight");
		whole_norm(f, i, "ffn_norm.weight");
		if (kv[i])
			whole_qkvo(f, i, 8 * D, 2 * D, 2 * D, 8 * D);
		else
			mamba2(f, i, 8, 32, 1, true);
		whole_experts(f, i, H, 256, true, Q4_K, Q6_K);
		whole_shared_expert(f, i, 512, true);
	}
	whole_norm(f, -1, "output_norm.weight"); /* tied */
}

void whole_lfm2_moe(struct file *f)
{
	static const uint32_t kv[] = {0, 0, 2, 0};

	whole_begin(f, "lfm2moe", 4);
	whole_heads_keys(f, 8, 0);
	whole_keys(f, "attention.head_count_kv", kv, 4);
	whole_expert_keys(f, 256);
	whole_key(f, "feed_forward_length", 1024);
	whole_key(f, "leading_dense_block_count", 1);
	whole_key(f, "shortconv.l_cache", 3);
	for (int i = 0; i < 4; i++) {
		whole_norm(f, i, "attn_norm.weight");
		whole_norm(f, i, "ffn_norm.weight");
		if (kv[i]) {
			whole_qkvo(f, i, 8 * D, 2 * D, 2 * D, 8 * D);
			whole_qk_norms(f, i, D, D);
		} else {
			whole_tensor(f, i, "shortconv.conv.weight", 3, H);
			whole_tensor(f, i, "shortconv.in_proj.weight", H, 3 * H);
			whole_tensor(f, i, "shortconv.out_proj.weight", H, H);
		}
		if (i < 1) {
			whole_ffn(f, i, 1024);
			continue;
		}
		whole_experts(f, i, H, 256, true, Q4_K, Q6_K);
		whole_tensor(f, i, "exp_probs_b.bias", E, 0);
	}
	whole_norm(f, -1, "token_embd_norm.weight");
}

void whole_falcon_h1(struct file *f)
{
	whole_begin(f, "falcon-h1", 2);
	whole_heads_keys(f, 8, 2);
	whole_key(f, "feed_forward_length", 1024);
	whole_ssm_keys(f, 32, 2, 8, 8 * D);
	for (int i = 0; i < 2; i++) {
		whole_norm(f, i, "attn_norm.weight");
		whole_norm(f, i, "ffn_norm.weight");
		mamba2(f, i, 8, 32, 2, false);
		whole_qkvo(f, i, 8 * D, 2 * D, 2 * D, 8 * D);
		whole_ffn(f, i, 1024);
	}
	whole_head(f);
}
