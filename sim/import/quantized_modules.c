/* quantized_modules.c - the linear modules of a model and their names; see quantized_names.h. */
#include <string.h>

#include "sim/base/str.h"
#include "sim/import/quantized_names.h"
#include "sim/llm/layers.h"
#include "sim/llm/projections.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Names of transformers' modeling files, and of the makers' own where these differ (DeepSeek V4, Mistral). */
static const char *const attention_blocks[] = {"self_attn", "attn",           "mixer",
					       "attention", "self_attention", NULL};
static const char *const recurrent_blocks[] = {"linear_attn", "mixer",     "mamba", "self_attn",
					       "conv",        "attention", NULL};
static const char *const ffn_blocks[] = {"mlp", "feed_forward", "mixer", "ffn", NULL};
static const char *const expert_blocks[] = {"mlp.experts.0",
					    "mlp.experts",
					    "block_sparse_moe.experts.0",
					    "mixer.experts.0",
					    "feed_forward.experts",
					    "ffn.experts.0",
					    "experts.0",
					    "experts",
					    "moe.experts.0",
					    NULL};
/* Gemma 4 has a dense FFN under "mlp" beside its experts: a list that leaves "mlp*" as it is does not mean those. modeling_gemma4.py,
 * Gemma4TextDecoderLayer; the names in mlx_lm's gemma4_text.py @d78bf58 are the same. */
static const char *const gemma4_expert_blocks[] = {"experts.0", "experts", "moe.experts.0", NULL};
static const char *const shared_blocks[] = {"mlp.shared_experts",
					    "mlp.shared_expert",
					    "mixer.shared_experts",
					    "feed_forward.shared_expert",
					    "ffn.shared_experts",
					    "block_sparse_moe.shared_experts",
					    "mlp",
					    NULL};
static const char *const router_blocks[] = {"mlp.gate",   "mlp.router",          "block_sparse_moe.gate",
					    "mixer.gate", "feed_forward.router", "ffn.gate",
					    "router",     "router.proj",         NULL};
static const char *const up_leaves[] = {"gate_proj", "up_proj", "gate_up_proj", "w1", "w3", "fc1", NULL};
static const char *const down_leaves[] = {"down_proj", "w2", "fc2", NULL};
static const char *const none[] = {"", NULL};

/* The leaves of a projection of room llm. */
static const struct {
	const char *name, *leaves[5];
} projection_leaves[] = {{"q", {"q_proj", "qkv_proj", "wq"}},
			 {"q a", {"q_a_proj", "wq_a"}},
			 {"q b", {"q_b_proj", "wq_b"}},
			 {"k", {"k_proj", "qkv_proj", "wk"}},
			 {"v", {"v_proj", "qkv_proj", "wv"}},
			 {"kv a", {"kv_a_proj_with_mqa", "wkv_a"}},
			 {"kv b", {"kv_b_proj", "wkv_b"}},
			 {"o", {"o_proj", "dense", "wo"}},
			 {"o a", {"wo_a"}},
			 {"o b", {"wo_b"}},
			 {"qkv", {"in_proj_qkv", "in_proj_qkvz", "qkv_proj"}},
			 {"gate", {"in_proj_z", "in_proj_qkvz", "g_proj", "gate_proj"}},
			 {"decay", {"in_proj_a", "in_proj_ba", "f_a_proj"}},
			 {"beta", {"in_proj_b", "in_proj_ba", "b_proj"}},
			 {"in", {"in_proj"}},
			 {"out", {"out_proj", "o_proj"}},
			 {"x", {"x_proj"}},
			 {"dt", {"dt_proj"}},
			 {"index q", {"indexer.wq_b"}},
			 {"index k", {"indexer.wk"}},
			 {"index weights", {"indexer.weights_proj"}}};

static const char *const *leaves_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(projection_leaves); i++)
		if (!strcmp(projection_leaves[i].name, name))
			return projection_leaves[i].leaves;
	return none;
}

struct walk {
	const struct model *m;
	struct quantized_visitor *v;
	int64_t layer, mtp;
};

static void see(const struct walk *w, enum tensor t, const char *const *blocks, const char *const *leaves,
		double n, double k, double copies)
{
	const struct quantized_module module = {t, w->layer, w->mtp, blocks, leaves, n, k, copies};

	if (n * k * copies > 0)
		w->v->see(w->v->ctx, &module);
}

static void projections(const struct walk *w, const struct projections *p, const char *const *blocks)
{
	for (size_t i = 0; i < p->n; i++)
		see(w, p->at[i].tensor, blocks, leaves_of(p->at[i].name), (double)p->at[i].n,
		    (double)p->at[i].k, 1);
}

static void mixer(const struct walk *w, struct part part)
{
	const struct attention *a = part_attention(w->m, part);
	const struct recurrent *r = part_recurrent(w->m, part);
	struct projections p;

	if (a) {
		attention_projections(w->m, a, &p);
		projections(w, &p, attention_blocks);
	}
	if (r) {
		recurrent_projections(w->m, r, &p);
		projections(w, &p, recurrent_blocks);
	}
}

static const char *const *expert_blocks_of(const struct model *m)
{
	return m->architecture && str_starts(m->architecture, "gemma4") ? gemma4_expert_blocks
									: expert_blocks;
}

/* Up (and gate) and down of an FFN of that inner width. */
static void feeds(const struct walk *w, enum tensor up, const char *const *blocks, double width, double inner,
		  bool gated, double copies)
{
	const enum tensor down = up == TENSOR_UP          ? TENSOR_DOWN
				 : up == TENSOR_SHARED_UP ? TENSOR_SHARED_DOWN
							  : TENSOR_EXPERT_DOWN;

	see(w, up, blocks, up_leaves, inner, width, (gated ? 2 : 1) * copies);
	see(w, down, blocks, down_leaves, width, inner, copies);
}

static void experts(const struct walk *w, enum role role)
{
	const struct experts *x = w->m->experts;
	const double h = (double)w->m->hidden, latent = (double)experts_width(w->m);
	const bool gated = x->kind == FFN_SWIGLU;

	if (role == ROLE_ROUTER)
		see(w, TENSOR_ROUTER, router_blocks, none, (double)x->count, h, 1);
	if (role == ROLE_ROUTER && x->latent)
		see(w, TENSOR_OTHER, ffn_blocks, NAMES("fc1_latent_proj"), latent, h, 1);
	if (role == ROLE_EXPERTS && x->latent)
		see(w, TENSOR_OTHER, ffn_blocks, NAMES("fc2_latent_proj"), h, latent, 1);
	if (role == ROLE_SHARED)
		feeds(w, TENSOR_SHARED_UP, shared_blocks, h, (double)experts_shared_inner(x), gated, 1);
	if (role == ROLE_EXPERTS)
		feeds(w, TENSOR_EXPERT_UP, expert_blocks_of(w->m), latent, (double)x->inner, gated,
		      (double)x->count);
}

/* All that the part's tensors hold beside its modules is small. */
static void part_of(const struct walk *w, struct part part)
{
	const struct ffn *f = part.role == ROLE_FFN ? part_ffn(w->m, part) : NULL;
	struct tensor_row rows[PART_TENSORS];
	const size_t n = model_tensors(w->m, part, rows);
	double *small = w->mtp < 0 ? &w->v->small : &w->v->mtp_small;
	double p = (double)w->m->per_layer_embedding;

	for (size_t i = 0; i < n; i++)
		*small += rows[i].tensor == TENSOR_SMALL ? rows[i].numbers : 0;
	if (part.role == ROLE_ATTENTION)
		mixer(w, part);
	else if (f)
		feeds(w, TENSOR_UP, ffn_blocks, (double)w->m->hidden, (double)f->inner, f->kind == FFN_SWIGLU,
		      1);
	else if (part.role == ROLE_ROUTER || part.role == ROLE_SHARED || part.role == ROLE_EXPERTS)
		experts(w, part.role);
	if (part.role == ROLE_FFN || part.role == ROLE_ROUTER) {
		see(w, TENSOR_OTHER, none, NAMES("per_layer_input_gate"), p, (double)w->m->hidden, 1);
		see(w, TENSOR_OTHER, none, NAMES("per_layer_projection"), (double)w->m->hidden, p, 1);
	}
}

static void ends(const struct walk *w)
{
	const struct model *m = w->m;
	const double h = (double)m->hidden, v = m->ends ? (double)m->vocabulary : 0;

	if (m->is_mtp) {
		see(w, TENSOR_OTHER, none, NAMES("eh_proj", "fc"), h, 2 * h, 1);
		return;
	}
	see(w, TENSOR_EMBEDDING, none, NAMES("embed_tokens", "embed", "embeddings"), v,
	    h + (double)(m->per_layer_embedding * m->layers), 1);
	if (!m->tied_head)
		see(w, TENSOR_HEAD, none, NAMES("lm_head", "head", "output"), v, h, 1);
	part_of(w, (struct part){ROLE_EMBEDDING, false, 0});
	part_of(w, (struct part){ROLE_HEAD, false, 0});
}

static void layers(struct walk *w, int64_t shown)
{
	for (int64_t i = 0; i < w->m->layers; i++)
		for (size_t b = model_layer_begin(w->m, i); b < model_layer_begin(w->m, i + 1); b++) {
			w->layer = shown < 0 ? i : shown;
			part_of(w, model_block(w->m, b).part);
		}
}

void quantized_modules(struct arena *a, const struct model *m, struct quantized_visitor *v)
{
	const struct model *mtp = model_mtp(a, m);
	struct walk w = {m, v, -1, -1};

	ends(&w);
	layers(&w, -1);
	for (int64_t i = 0; mtp && i < m->mtp->layers; i++) {
		w = (struct walk){mtp, v, m->layers + i, i};
		ends(&w);
		v->mtp_small += 3 * (double)m->hidden;
		layers(&w, m->layers + i);
	}
}
