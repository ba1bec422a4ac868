/* ggufwhole.c - see ggufwhole.h. */
#include "tests/import/ggufwhole.h"

#include <stdio.h>
#include <string.h>

void whole_key(struct file *f, const char *name, uint32_t x)
{
	char full[100];

	snprintf(full, sizeof full, "%s.%s", f->arch, name);
	gguf_key_u32(&f->g, full, x);
}

void whole_keys(struct file *f, const char *name, const uint32_t *x, size_t n)
{
	char full[100];

	snprintf(full, sizeof full, "%s.%s", f->arch, name);
	gguf_key_list(&f->g, full, x, n);
}

/* The type of a tensor as a mix has it: rows that blocks of 256 divide have Q4_K, or what is asked for. */
static uint32_t type_of(const char *name, const uint64_t *dims, uint32_t asked)
{
	if (!dims[1] || strstr(name, "conv") || strstr(name, "gate_inp") || strstr(name, "norm") ||
	    strstr(name, ".bias") || strstr(name, "ssm_a") || strstr(name, "ssm_d"))
		return F32;
	return dims[0] % 256 == 0 ? asked : dims[0] % 32 == 0 ? Q8_0 : F16;
}

void whole_tensor_as(struct file *f, int layer, const char *name, uint32_t asked, uint64_t a, uint64_t b,
		     uint64_t c)
{
	const uint64_t dims[] = {a, b, c, 0};
	char full[100];

	if (layer < 0)
		snprintf(full, sizeof full, "%s", name);
	else
		snprintf(full, sizeof full, "blk.%d.%s", layer, name);
	gguf_tensor(&f->g, full, type_of(name, dims, asked), dims);
}

void whole_tensor(struct file *f, int layer, const char *name, uint64_t a, uint64_t b)
{
	whole_tensor_as(f, layer, name, layer == 0 ? Q6_K : Q4_K, a, b, 0);
}

void whole_begin(struct file *f, const char *arch, uint32_t layers)
{
	*f = (struct file){.g = {.version = 3}, .arch = arch};
	f->g.keys = f->g.tensors = (struct str)STR_INIT;
	gguf_key_text(&f->g, "general.architecture", arch);
	gguf_key_u32(&f->g, "general.file_type", 15);
	whole_key(f, "block_count", layers);
	whole_key(f, "context_length", 32768);
	whole_key(f, "embedding_length", H);
	whole_key(f, "vocab_size", V);
	whole_tensor(f, -1, "token_embd.weight", H, V);
}

void whole_head(struct file *f)
{
	whole_tensor(f, -1, "output_norm.weight", H, 0);
	whole_tensor(f, -1, "output.weight", H, V);
}

void whole_norm(struct file *f, int i, const char *name)
{
	whole_tensor(f, i, name, H, 0);
}

void whole_qkvo(struct file *f, int i, uint64_t q, uint64_t k, uint64_t v, uint64_t out)
{
	whole_tensor(f, i, "attn_q.weight", H, q);
	whole_tensor(f, i, "attn_k.weight", H, k);
	if (v)
		whole_tensor(f, i, "attn_v.weight", H, v);
	whole_tensor(f, i, "attn_output.weight", out, H);
}

void whole_qk_norms(struct file *f, int i, uint64_t q, uint64_t k)
{
	whole_tensor(f, i, "attn_q_norm.weight", q, 0);
	whole_tensor(f, i, "attn_k_norm.weight", k, 0);
}

void whole_ffn(struct file *f, int i, uint64_t inner)
{
	whole_tensor(f, i, "ffn_gate.weight", H, inner);
	whole_tensor(f, i, "ffn_up.weight", H, inner);
	whole_tensor(f, i, "ffn_down.weight", inner, H);
}

/* Experts, in types of their own; width: what they work in. */
void whole_experts(struct file *f, int i, uint64_t width, uint64_t inner, bool gated, uint32_t up,
		   uint32_t down)
{
	whole_tensor(f, i, "ffn_gate_inp.weight", H, E);
	if (gated)
		whole_tensor_as(f, i, "ffn_gate_exps.weight", up, width, inner, E);
	whole_tensor_as(f, i, "ffn_up_exps.weight", up, width, inner, E);
	whole_tensor_as(f, i, "ffn_down_exps.weight", down, inner, width, E);
}

void whole_shared_expert(struct file *f, int i, uint64_t inner, bool gated)
{
	if (gated)
		whole_tensor(f, i, "ffn_gate_shexp.weight", H, inner);
	whole_tensor(f, i, "ffn_up_shexp.weight", H, inner);
	whole_tensor(f, i, "ffn_down_shexp.weight", inner, H);
}

void whole_heads_keys(struct file *f, uint32_t heads, uint32_t kv)
{
	whole_key(f, "attention.head_count", heads);
	if (kv) /* else a list by layer says it */
		whole_key(f, "attention.head_count_kv", kv);
	whole_key(f, "attention.key_length", D);
	whole_key(f, "attention.value_length", D);
}

void whole_expert_keys(struct file *f, uint32_t inner)
{
	whole_key(f, "expert_count", E);
	whole_key(f, "expert_used_count", 2);
	whole_key(f, "expert_feed_forward_length", inner);
}

void whole_ssm_keys(struct file *f, uint32_t state, uint32_t groups, uint32_t heads, uint32_t inner)
{
	whole_key(f, "ssm.conv_kernel", 4);
	whole_key(f, "ssm.state_size", state);
	whole_key(f, "ssm.group_count", groups);
	whole_key(f, "ssm.time_step_rank", heads);
	whole_key(f, "ssm.inner_size", inner);
}

void whole_nextn(struct file *f, int i)
{
	whole_tensor(f, i, "nextn.eh_proj.weight", 2 * H, H);
	whole_norm(f, i, "nextn.enorm.weight");
	whole_norm(f, i, "nextn.hnorm.weight");
	whole_norm(f, i, "nextn.shared_head_norm.weight");
}
