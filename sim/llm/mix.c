/* mix.c - see mix.h. */
#include "sim/llm/mix.h"

#include "sim/llm/layers.h"
#include "sim/llm/mix_iq.h"
#include "sim/llm/projections.h"

/* The conditions of a rule on a model and on a tensor in it. */
struct about {
	const struct model *m;
	struct part part;
	enum tensor t;
	int64_t layer, layers; /* attention that only some layers have is counted along those layers */
};

/* --- which layers, which rows --------------------------------------------------------------------- */

static enum role part_role(enum tensor t)
{
	switch (t) {
	case TENSOR_EMBEDDING:
		return ROLE_EMBEDDING;
	case TENSOR_UP:
	case TENSOR_DOWN:
		return ROLE_FFN;
	case TENSOR_ROUTER:
		return ROLE_ROUTER;
	case TENSOR_SHARED_UP:
	case TENSOR_SHARED_DOWN:
		return ROLE_SHARED;
	case TENSOR_EXPERT_UP:
	case TENSOR_EXPERT_DOWN:
		return ROLE_EXPERTS;
	case TENSOR_HEAD:
		return ROLE_HEAD;
	default:
		return ROLE_ATTENTION;
	}
}

/* The inputs of a tensor: the length of its rows, which blocks must divide. */
static int64_t row_of(const struct model *m, struct part part, enum tensor t)
{
	const struct attention *a = part.role == ROLE_ATTENTION ? part_attention(m, part) : NULL;

	switch (t) {
	case TENSOR_O:
		return !a ? m->hidden
			  : (int64_t)attention_widths(a).out / (a->out_groups ? a->out_groups : 1);
	case TENSOR_DOWN:
		return part_ffn(m, part)->inner;
	case TENSOR_SHARED_DOWN:
		return experts_shared_inner(m->experts);
	case TENSOR_EXPERT_UP:
		return experts_width(m);
	case TENSOR_EXPERT_DOWN:
		return m->experts->inner;
	default:
		return m->hidden;
	}
}

static const struct attention *attention_of(const struct about *x)
{
	return x->part.role == ROLE_ATTENTION ? part_attention(x->m, x->part) : &x->m->attention;
}

/* --- llama.cpp ------------------------------------------------------------------------------------ */

static bool more_bits(const struct about *x) /* use_more_bits() */
{
	const int64_t i = x->layer, n = x->layers;

	return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

static int64_t gqa(const struct model *m) /* hparams.n_gqa(); a latent cache has one head */
{
	const struct attention *a = &m->attention;

	return !a->heads ? 1 : a->latent ? a->heads : a->heads / a->kv_heads;
}

static bool eight_experts(const struct model *m)
{
	return m->experts && m->experts->count == 8;
}

/* LLM_TYPE_70B of the families that have one: 80 layers, grouped queries. */
static bool is_70b(const struct model *m)
{
	return m->layers == 80 && gqa(m) > 1;
}

static enum format_id value_rule(int mix, const struct about *x)
{
	switch (mix) {
	case FORMAT_Q2_K:
		return gqa(x->m) >= 4 ? FORMAT_Q4_K : FORMAT_Q3_K;
	case MIX_Q3_K_M:
		return x->layer < 2 ? FORMAT_Q5_K : FORMAT_Q4_K;
	case MIX_Q3_K_L:
		return FORMAT_Q5_K;
	case MIX_Q3_K_S:
		return FORMAT_Q3_K;
	case FORMAT_IQ4_NL:
	case FORMAT_IQ4_XS:
		return gqa(x->m) >= 4 ? FORMAT_Q5_K : (enum format_id)mix;
	case MIX_Q4_K_M:
		return more_bits(x) ? FORMAT_Q6_K : FORMAT_Q4_K;
	case MIX_Q5_K_M:
		return more_bits(x) ? FORMAT_Q6_K : FORMAT_Q5_K;
	case MIX_Q4_K_S:
		return x->layer < 4 ? FORMAT_Q5_K : FORMAT_Q4_K;
	case MIX_Q5_K_S:
		return FORMAT_Q5_K;
	default:
		return (enum format_id)mix;
	}
}

static enum format_id down_rule(int mix, const struct about *x)
{
	const int64_t i = x->layer, n = x->layers;

	switch (mix) {
	case FORMAT_Q2_K:
		return FORMAT_Q3_K;
	case MIX_Q3_K_M:
		return i < n / 16 ? FORMAT_Q5_K : FORMAT_Q4_K;
	case MIX_Q3_K_L:
		return FORMAT_Q5_K;
	case MIX_Q4_K_M:
		return more_bits(x) ? FORMAT_Q6_K : FORMAT_Q4_K;
	case MIX_Q5_K_M:
		return more_bits(x) ? FORMAT_Q6_K : FORMAT_Q5_K;
	case MIX_Q4_K_S:
		return i < n / 8 ? FORMAT_Q5_K : FORMAT_Q4_K;
	case MIX_Q3_K_S:
		return FORMAT_Q3_K;
	case MIX_Q5_K_S:
		return FORMAT_Q5_K;
	default: /* iq4 and q4_0 have exceptions that depend on an importance matrix; iq4 files are made with
		    one */
		return (enum format_id)mix;
	}
}

/* The format a file type is named after: llama_ftype_get_default_type(). */
static enum format_id named_after(int mix)
{
	if (mix_iq_has(mix))
		return mix_iq_base(mix);
	switch (mix) {
	case MIX_Q5_K_M:
	case MIX_Q5_K_S:
		return FORMAT_Q5_K;
	case MIX_Q4_K_M:
	case MIX_Q4_K_S:
		return FORMAT_Q4_K;
	case MIX_Q3_K_L:
	case MIX_Q3_K_M:
	case MIX_Q3_K_S:
		return FORMAT_Q3_K;
	default:
		return (enum format_id)mix;
	}
}

static enum format_id output_rule(int mix, const struct about *x)
{
	if (eight_experts(x->m)) /* llama.cpp gives it q5_K in more file types than are here */
		return mix == FORMAT_Q2_K || mix == FORMAT_IQ4_NL || mix == FORMAT_IQ4_XS ||
				       mix == MIX_Q3_K_S || mix == MIX_Q3_K_M || mix == MIX_Q4_K_S ||
				       mix == MIX_Q4_K_M
			       ? FORMAT_Q5_K
			       : named_after(mix);
	if (mix == FORMAT_Q2_K)
		return FORMAT_Q3_K;
	if (mix == MIX_Q3_K_M)
		return FORMAT_Q4_K;
	if (mix == MIX_Q3_K_L)
		return FORMAT_Q5_K;
	return named_after(mix);
}

static enum format_id value_or_more(int mix, const struct about *x)
{
	const enum format_id f = value_rule(mix, x);

	if (eight_experts(x->m))
		return FORMAT_Q8_0;
	return is_70b(x->m) && (f == FORMAT_Q3_K || f == FORMAT_Q4_K) ? FORMAT_Q5_K : f;
}

/* attn_qkv, as files of 2024 and 2025 have it; since a rewrite of 2026 its branch is not reached any more,
 * and the rule for values is. */
static enum format_id fused_rule(int mix)
{
	switch (mix) {
	case MIX_Q3_K_M:
	case MIX_Q3_K_L:
		return FORMAT_Q4_K;
	case MIX_Q4_K_M:
		return FORMAT_Q5_K;
	case MIX_Q5_K_M:
		return FORMAT_Q6_K;
	default:
		return named_after(mix);
	}
}

static enum format_id ggml_rule(int mix, const struct about *x)
{
	const struct attention *own = attention_of(x), *a = own ? own : &x->m->attention;
	const struct iq_about few = {x->t, x->layer, x->layers, gqa(x->m),
				     x->m->experts ? x->m->experts->count : 0};

	if (mix_iq_has(mix) && x->t != TENSOR_SMALL && x->t != TENSOR_ROUTER)
		return x->t == TENSOR_V && a->latent ? mix_iq_base(mix) : mix_iq_format(mix, &few);
	switch (x->t) {
	case TENSOR_SMALL: /* one dimension */
	case TENSOR_ROUTER:
		return FORMAT_F32;
	case TENSOR_HEAD:
		return mix == FORMAT_Q8_0 ? FORMAT_Q8_0 : FORMAT_Q6_K;
	case TENSOR_Q:
		return a->fused ? fused_rule(mix) : named_after(mix);
	case TENSOR_K:
		return a->fused ? fused_rule(mix) : eight_experts(x->m) ? FORMAT_Q8_0 : named_after(mix);
	case TENSOR_V: /* latent attention has two tensors that no rule knows */
		return a->fused ? fused_rule(mix) : a->latent ? named_after(mix) : value_or_more(mix, x);
	case TENSOR_QKV: /* named attn_qkv: the rule for values */
		return value_or_more(mix, x);
	case TENSOR_O:
		return output_rule(mix, x);
	case TENSOR_DOWN:
	case TENSOR_SHARED_DOWN:
	case TENSOR_EXPERT_DOWN:
		return down_rule(mix, x);
	default:
		return named_after(mix);
	}
}

/* tensor_type_fallback(): rows that blocks of 256 do not divide get blocks of 32. */
static enum format_id fallback(enum format_id f, int64_t row)
{
	static const struct {
		enum format_id from, to;
	} others[] = {{FORMAT_IQ1_S, FORMAT_IQ4_NL},   {FORMAT_IQ1_M, FORMAT_IQ4_NL},
		      {FORMAT_IQ2_XXS, FORMAT_IQ4_NL}, {FORMAT_IQ2_XS, FORMAT_IQ4_NL},
		      {FORMAT_IQ2_S, FORMAT_IQ4_NL},   {FORMAT_IQ3_XXS, FORMAT_IQ4_NL},
		      {FORMAT_IQ3_S, FORMAT_IQ4_NL},   {FORMAT_TQ1_0, FORMAT_Q4_0},
		      {FORMAT_TQ2_0, FORMAT_Q4_0},     {FORMAT_IQ4_XS, FORMAT_IQ4_NL},
		      {FORMAT_Q2_K, FORMAT_Q4_0},      {FORMAT_Q3_K, FORMAT_Q4_0},
		      {FORMAT_Q4_K, FORMAT_Q5_0},      {FORMAT_Q5_K, FORMAT_Q5_1},
		      {FORMAT_Q6_K, FORMAT_Q8_0}};

	if (row % formats[f].weights == 0)
		return f;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (others[i].from == f && row % 32 == 0)
			return others[i].to;
	return FORMAT_F16;
}

static enum format_id ggml_format(int mix, const struct about *x, int64_t row)
{
	const enum format_id f = ggml_rule(mix, x);

	if (f == FORMAT_F32)
		return f;
	/* the head is not mixed where its rows do not divide */
	if (x->t == TENSOR_HEAD && row % formats[named_after(mix)].weights)
		return FORMAT_Q8_0;
	return fallback(f, row);
}

/* --- what others do ------------------------------------------------------------------------------- */

/* MXFP4_MOE of llama.cpp: the rest is q8_0. gpt-oss as it was published: the rest is bf16. */
static enum format_id expert_format(const struct about *x, enum format_id rest, enum format_id small)
{
	if (x->t == TENSOR_EXPERT_UP || x->t == TENSOR_EXPERT_DOWN)
		return FORMAT_MXFP4;
	return x->t == TENSOR_SMALL || x->t == TENSOR_ROUTER ? small : rest;
}

/* Formats of products alone: embedding, head, router and what is small stay as they are. */
static enum format_id product_format(const struct about *x, enum format_id f)
{
	return x->t == TENSOR_SMALL || x->t == TENSOR_ROUTER || x->t == TENSOR_EMBEDDING ||
			       x->t == TENSOR_HEAD
		       ? FORMAT_BF16
		       : f;
}

/* mlx_lm: all that rows divide, embedding and head too; routers have 8 bits, as qwen3_moe and gpt_oss ask. */
static enum format_id mlx_format(const struct about *x, enum format_id f, int64_t row)
{
	if (x->t == TENSOR_SMALL)
		return FORMAT_BF16;
	if (x->t == TENSOR_ROUTER)
		f = FORMAT_MLX_Q8;
	return row % formats[f].weights ? FORMAT_BF16 : f;
}

/* mlx_lm convert.py (mixed_quant_predicate_builder): v and down of the first and last eighth of the layers and of
 * each third one between, and the head, have the higher number of bits. */
static enum format_id mixed_bits(int mix, const struct about *x)
{
	const bool more =
		x->t == TENSOR_HEAD || ((x->t == TENSOR_V || x->t == TENSOR_DOWN ||
					 x->t == TENSOR_EXPERT_DOWN || x->t == TENSOR_SHARED_DOWN) &&
					more_bits(x));

	switch (mix) {
	case MIX_MLX_MIXED_2_6:
		return more ? FORMAT_MLX_Q6 : FORMAT_MLX_Q2;
	case MIX_MLX_MIXED_3_4:
		return more ? FORMAT_MLX_Q4 : FORMAT_MLX_Q3;
	case MIX_MLX_MIXED_3_6:
		return more ? FORMAT_MLX_Q6 : FORMAT_MLX_Q3;
	default:
		return more ? FORMAT_MLX_Q6 : FORMAT_MLX_Q4;
	}
}

static bool by_mlx(int mix)
{
	return mix >= FORMAT_MLX_Q2 && mix < FORMAT_N;
}

static enum format_id format_of(int mix, const struct about *x, int64_t row)
{
	const bool expert = x->t == TENSOR_EXPERT_UP || x->t == TENSOR_EXPERT_DOWN;

	switch (mix) {
	case FORMAT_F32:
	case FORMAT_F16:
	case FORMAT_BF16:
		return (enum format_id)mix;
	case FORMAT_Q5_K: /* no file type of llama.cpp's: every matrix alike, as with --pure */
	case FORMAT_Q4_K:
	case FORMAT_Q3_K:
		return x->t == TENSOR_SMALL || x->t == TENSOR_ROUTER ? FORMAT_F32
								     : fallback((enum format_id)mix, row);
	case FORMAT_MXFP4:
		return expert_format(x, FORMAT_Q8_0, FORMAT_F32);
	case MIX_MXFP4_BF16:
		return expert_format(x, FORMAT_BF16, FORMAT_BF16);
	case FORMAT_FP8:
	case FORMAT_NVFP4:
	case FORMAT_MXFP8:
	case FORMAT_AWQ:
	case FORMAT_GPTQ:
	case FORMAT_FP8_ROW:
	case FORMAT_I2_S:
		return product_format(x, (enum format_id)mix);
	case FORMAT_INT4_G32: /* experts alone have it (Kimi K2.5) */
		return expert ? FORMAT_INT4_G32 : FORMAT_BF16;
	case MIX_MXFP8_BF16:
		return product_format(x, FORMAT_MXFP8);
	case MIX_MLX_MXFP8:
		return mlx_format(x, FORMAT_MXFP8, row);
	case MIX_MLX_NVFP4:
		return mlx_format(x, FORMAT_NVFP4, row);
	case FORMAT_Q1_0: /* every matrix alike */
	case FORMAT_Q2_0:
		return x->t == TENSOR_SMALL || x->t == TENSOR_ROUTER ? FORMAT_F32
								     : fallback((enum format_id)mix, row);
	case MIX_MLX_MXFP4:
		return mlx_format(x, FORMAT_MXFP4, row);
	case MIX_MLX_MXFP4_Q4:
		return mlx_format(x, expert ? FORMAT_MXFP4 : FORMAT_MLX_Q4, row);
	case MIX_MLX_MXFP4_Q8:
		return mlx_format(x, expert ? FORMAT_MXFP4 : FORMAT_MLX_Q8, row);
	case MIX_MLX_MIXED_2_6:
	case MIX_MLX_MIXED_3_4:
	case MIX_MLX_MIXED_3_6:
	case MIX_MLX_MIXED_4_6:
		return mlx_format(x, mixed_bits(mix, x), row);
	default:
		return by_mlx(mix) ? mlx_format(x, (enum format_id)mix, row) : ggml_format(mix, x, row);
	}
}

/* --- all of it ------------------------------------------------------------------------------------ */

static const struct about *about(struct about *x, const struct model *m, struct part part, enum tensor t)
{
	*x = (struct about){m, part, t, 0, m->layers};
	return x;
}

enum format_id mix_format(const struct model *m, enum mix_id mix, enum tensor t, int64_t layer)
{
	struct part part = {part_role(t), false, 0};
	struct about x;

	for (size_t b = model_layer_begin(m, layer); b < model_layer_begin(m, layer + 1); b++)
		if (model_block(m, b).part.role == part.role)
			part = model_block(m, b).part;
	about(&x, m, part, t);
	x.layer = layer;
	return format_of((int)mix, &x, row_of(m, part, t));
}

/* Does a file say how it keeps tensors of that class? */
static bool file_has(const struct precision *p, enum tensor t)
{
	return p->file && p->file->holds && p->file->holds->numbers[t] > 0;
}

enum format_id mix_most(const struct model *m, const struct precision *p, struct part part, enum tensor t)
{
	struct about x;

	if (p->tensors.at[t])
		return (enum format_id)(p->tensors.at[t] - 1);
	if (file_has(p, t))
		return p->file->holds->most[t];
	about(&x, m, part, t);
	x.layer = m->layers / 8; /* the first that has not more bits */
	return format_of(p->weights, &x, row_of(m, part, t));
}

/* One number's bytes in a layer. Latent attention's values are two tensors: what makes keys of the latent has
 * rows of nope_dim, what makes values rows of the latent. */
static double bytes_each(int mix, const struct about *x)
{
	const struct attention *a = attention_of(x);
	const struct latent *l = a ? a->latent : NULL;
	double nope, all;

	if (x->t != TENSOR_V || !l)
		return format_bytes(format_of(mix, x, row_of(x->m, x->part, x->t)), 1);
	nope = (double)l->nope_dim;
	all = nope + (double)l->value_dim;
	return (nope * format_bytes(format_of(mix, x, l->nope_dim), 1) +
		(double)l->value_dim * format_bytes(format_of(mix, x, l->kv_rank), 1)) /
	       all;
}

/* Do layers differ under this mix? */
static bool differs(int mix, enum tensor t)
{
	const bool by_layer = mix == MIX_Q5_K_M || mix == MIX_Q4_K_M || mix == MIX_Q4_K_S ||
			      mix == MIX_Q3_K_M || mix_iq_has(mix) ||
			      (mix >= MIX_MLX_MIXED_2_6 && mix <= MIX_MLX_MIXED_4_6);

	return by_layer && t != TENSOR_EMBEDDING && t != TENSOR_HEAD && t != TENSOR_SMALL &&
	       t != TENSOR_ROUTER && t != TENSOR_OTHER;
}

/* Attention is counted along the layers that have it or a fused qkv, as llama.cpp's attention_wv count does; an
 * FFN by its layer. */
static bool next_layer(struct about *x, int64_t *at)
{
	const struct model *m = x->m;
	const bool mixer = x->part.role == ROLE_ATTENTION;

	for (; *at < m->layers; ++*at) {
		const bool has = mixer                      ? layout_mixer(m, *at, x->part)
				 : x->part.role == ROLE_FFN ? model_layer_has_ffn(m, *at)
							    : model_layer_has_experts(m, *at);

		if (!has)
			continue;
		x->layer = mixer && m->layout ? m->layout->mixers[*at] : *at;
		++*at;
		return true;
	}
	return false;
}

/* What layers hold of a tensor: the bytes of one number, summed over those that have it, and their number. */
struct mixed {
	struct part part;
	enum tensor t;
	double bytes, layers;
};

static struct mixed sum_layers(const struct model *m, int mix, struct part part, enum tensor t)
{
	struct mixed sum = {part, t, 0, 0};
	struct about x;
	int64_t at = 0;

	about(&x, m, part, t);
	if (m->layout && part.role == ROLE_ATTENTION)
		x.layers = m->layout->mixers[m->layers - 1] + 1;
	while (next_layer(&x, &at)) {
		sum.bytes += bytes_each(mix, &x);
		sum.layers++;
	}
	return sum;
}

struct mix_table {
	const struct model *model;
	int mix;
	size_t n;
	struct mixed *at;
	const struct mix_table *next;
};

static const struct mix_table *find_table(const struct model *m, const struct precision *p)
{
	const struct mix_table *k = p->tables;

	while (k && (k->model != m || k->mix != p->weights))
		k = k->next;
	return k;
}

static const struct mixed *find_mixed(const struct model *m, const struct precision *p, struct part part,
				      enum tensor t)
{
	const struct mix_table *k = find_table(m, p);

	for (size_t i = 0; k && i < k->n; i++)
		if (k->at[i].t == t && part_same(k->at[i].part, part))
			return &k->at[i];
	return NULL;
}

void mix_tabulate(struct arena *a, const struct model *m, struct precision *p)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);
	struct mix_table *k;

	if (!differs(p->weights, TENSOR_Q) || find_table(m, p))
		return;
	k = arena_alloc(a, sizeof *k);
	*k = (struct mix_table){m, p->weights, 0, arena_array(a, n * TENSOR_N, sizeof *k->at), p->tables};
	for (size_t i = 0; i < n; i++)
		for (enum tensor t = 0; t < TENSOR_N; t++)
			if (differs(p->weights, t) && part_role(t) == parts[i].part.role)
				k->at[k->n++] = sum_layers(m, p->weights, parts[i].part, t);
	p->tables = k;
}

/* Norms, biases and routers are f32 in any mix. */
static double stretch_of(const struct precision *p, enum tensor t)
{
	return p->stretch > 0 && t != TENSOR_ROUTER && t != TENSOR_SMALL ? p->stretch : 1;
}

static double ruled_bytes(const struct model *m, const struct precision *p, struct part part, enum tensor t,
			  double numbers)
{
	const struct mixed *known;
	struct mixed sum;
	struct about x;

	if (p->tensors.at[t])
		return format_bytes((enum format_id)(p->tensors.at[t] - 1), numbers);
	if (file_has(p, t))
		return numbers * p->file->holds->bytes[t] / p->file->holds->numbers[t];
	if (!differs(p->weights, t))
		return numbers * bytes_each(p->weights, about(&x, m, part, t));
	known = find_mixed(m, p, part, t);
	sum = known ? *known : sum_layers(m, p->weights, part, t);
	return sum.layers > 0 ? numbers * sum.bytes / sum.layers : 0;
}

double mix_bytes(const struct model *m, const struct precision *p, struct part part, enum tensor t,
		 double numbers)
{
	return stretch_of(p, t) * ruled_bytes(m, p, part, t, numbers);
}
