/* model.c - see model.h. */
#include "sim/llm/model.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/exact_math.h"
#include "sim/llm/routing.h"

#include "sim/llm/mix.h"

const char *const role_names[ROLE_N + 1] = {[ROLE_EMBEDDING] = "embedding",
					    [ROLE_ATTENTION] = "attention",
					    [ROLE_FFN] = "ffn",
					    [ROLE_ROUTER] = "router",
					    [ROLE_SHARED] = "shared_experts",
					    [ROLE_EXPERTS] = "experts",
					    [ROLE_HEAD] = "head",
					    [ROLE_N] = NULL};

static const char *const ffn_kinds[] = {[FFN_SWIGLU] = "swiglu", [FFN_GELU] = "gelu", NULL};
static const char *const biases[] = {[BIAS_NONE] = "none", [BIAS_QKV] = "qkv", [BIAS_QKVO] = "qkvo", NULL};

#define COUNT(strukt, member, hi, text)                                                                      \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .min = 1, .max = hi, .help = text            \
	}
#define COUNT0(strukt, member, hi, d, text)                                                                  \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .min = 0, .max = hi, .def = d, .help = text  \
	}
#define FLAG(strukt, member, d, text)                                                                        \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_BOOL, .def = d, .help = text                        \
	}

static const struct field latent_fields[] = {
	COUNT0(struct latent, q_rank, 1 << 20, "0", "rank of the compressed queries; 0: not compressed"),
	COUNT(struct latent, kv_rank, 1 << 20, "rank of the compressed keys and values"),
	COUNT(struct latent, nope_dim, 4096, "width of a head's part without positions"),
	COUNT(struct latent, rope_dim, 4096, "width of the rotary part, shared by all heads"),
	COUNT(struct latent, value_dim, 4096, "width of a head's value"),
};
static const struct table latent_table = {"latent", sizeof(struct latent), latent_fields,
					  ARRAY_LEN(latent_fields)};

static const struct field attention_fields[] = {
	COUNT(struct attention, heads, 4096, "query heads"),
	COUNT(struct attention, kv_heads, 4096, "key and value heads (fewer: grouped-query attention)"),
	COUNT(struct attention, head_dim, 4096, "width of a head"),
	{FIELD_KEY(struct attention, window), .type = FIELD_COUNT, .min = 0, .max = 1 << 24, .def = "0",
	 .dim = DIM_TOKENS, .help = "tokens a query sees at most; 0: all"},
	COUNT0(struct attention, full_every, 4096, "0",
	       "with a window: each so many-th layer sees all; 0: none does"),
	{FIELD_KEY(struct attention, latent), .type = FIELD_MAYBE, .sub = &latent_table, .optional = true,
	 .help = "multi-head latent attention (MLA)"},
	FLAG(struct attention, causal, "true", "a token sees only what came before it"),
	FLAG(struct attention, rope, "true", "rotary positions"),
	{FIELD_KEY(struct attention, bias), .type = FIELD_CHOICE, .choices = biases, .def = "none",
	 .help = "which projections have one"},
	FLAG(struct attention, qk_norm, "false", "a norm over each head's query and key"),
	FLAG(struct attention, sinks, "false", "a learned number for each head joins the softmax"),
	FLAG(struct attention, fused, "false", "its q, k and v are one tensor (Phi-3, GLM-4 9B)"),
};
static const struct table attention_table = {"attention", sizeof(struct attention), attention_fields,
					     ARRAY_LEN(attention_fields)};

static const struct field ffn_fields[] = {
	{FIELD_KEY(struct ffn, kind), .type = FIELD_CHOICE, .choices = ffn_kinds, .def = "swiglu",
	 .help = "swiglu: gate, up, down; gelu: up, down"},
	COUNT(struct ffn, inner, 1 << 24, "inner width"),
	FLAG(struct ffn, bias, "false", "its projections have one"),
};
static const struct table ffn_table = {"ffn", sizeof(struct ffn), ffn_fields, ARRAY_LEN(ffn_fields)};

static const struct field experts_fields[] = {
	COUNT(struct experts, count, 65536, "experts of a layer"),
	COUNT(struct experts, active, 65536, "experts each token goes through"),
	COUNT(struct experts, inner, 1 << 24, "inner width of one (gate, up, down)"),
	COUNT0(struct experts, shared, 4096, "0", "experts that every token goes through besides"),
	COUNT0(struct experts, shared_inner, 1 << 24, "0", "their inner width together; 0: shared x inner"),
	COUNT0(struct experts, first_dense, 4096, "0", "layers at the beginning that have an FFN instead"),
	{FIELD_KEY(struct experts, every), .type = FIELD_COUNT, .min = 1, .max = 4096, .def = "1",
	 .help = "behind those, each so many-th layer has experts"},
	FLAG(struct experts, bias, "false", "router and projections have one"),
	{FIELD_KEY(struct experts, skew), .type = FIELD_DOUBLE, .dim = DIM_COUNT, .min = 0, .max = 4,
	 .def = "0", .help = "popularity of the i-th expert ~ i^-skew; 0: all alike"},
};
static const struct table experts_table = {"experts", sizeof(struct experts), experts_fields,
					   ARRAY_LEN(experts_fields)};

static const struct field rope_scaling_fields[] = {
	{FIELD_KEY(struct rope_scaling, kind), .type = FIELD_TEXT, .help = "llama3, yarn, linear, ..."},
	{FIELD_KEY(struct rope_scaling, factor), .type = FIELD_DOUBLE, .dim = DIM_COUNT, .min = 1,
	 .max = 4096, .help = "by which the context grew"},
	{FIELD_KEY(struct rope_scaling, original), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = 0,
	 .max = 1 << 30, .def = "0", .help = "context before that; 0: not said"},
};
static const struct table rope_scaling_table = {"rope scaling", sizeof(struct rope_scaling),
						rope_scaling_fields, ARRAY_LEN(rope_scaling_fields)};

static const struct field size_fields[] = {
	{FIELD_KEY(struct model_size, weights), .type = FIELD_CHOICE, .choices = mix_names,
	 .help = "file type"},
	{FIELD_KEY(struct model_size, bytes), .type = FIELD_DOUBLE, .dim = DIM_BYTES, .min = 1, .max = 1e15,
	 .help = "of all tensors"},
	{FIELD_KEY(struct model_size, source), .type = FIELD_TEXT, .help = "who says so"},
};
static const struct table size_table = {"size", sizeof(struct model_size), size_fields,
					ARRAY_LEN(size_fields)};

static const struct field model_fields[] = {
	{FIELD_KEY(struct model, schema), .type = FIELD_TEXT, .help = MODEL_SCHEMA},
	{FIELD_KEY(struct model, title), .type = FIELD_TEXT, .help = "its name, for people"},
	{FIELD_KEY(struct model, source), .type = FIELD_TEXT, .help = "where these figures come from"},
	{FIELD_KEY(struct model, architecture), .type = FIELD_TEXT, .optional = true,
	 .help = "model_type of its config.json: which windows and latent caches a runtime honours"},
	{FIELD_KEY(struct model, context), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = 0, .max = 1 << 30,
	 .def = "0", .help = "longest sequence that it was made for; 0: not said"},
	{FIELD_KEY(struct model, rope_scaling), .type = FIELD_MAYBE, .sub = &rope_scaling_table,
	 .optional = true, .help = "how its rotary positions were stretched to that context"},
	COUNT(struct model, layers, 4096, "transformer layers"),
	COUNT(struct model, hidden, 1 << 20, "width of the residual stream"),
	COUNT(struct model, vocabulary, 1 << 24, "tokens it knows"),
	{FIELD_KEY(struct model, attention), .type = FIELD_TABLE, .sub = &attention_table,
	 .help = "attention"},
	{FIELD_KEY(struct model, ffn), .type = FIELD_MAYBE, .sub = &ffn_table, .optional = true,
	 .help = "feed-forward network; absent where every layer has experts"},
	{FIELD_KEY(struct model, experts), .type = FIELD_MAYBE, .sub = &experts_table, .optional = true,
	 .help = "mixture of experts in the place of the feed-forward network"},
	FLAG(struct model, tied_head, "false", "the head shares the embedding's weights"),
	FLAG(struct model, norms, "true", "a norm before each block and the residual around it"),
	FLAG(struct model, post_norms, "false", "and a norm behind each block"),
	FLAG(struct model, ends, "true", "embedding and head; false: bare layers"),
	{FIELD_KEY(struct model, parameters), .type = FIELD_COUNT, .min = 0, .max = 1e14, .def = "0",
	 .help = "as published; checked to 0.5 %"},
	{FIELD_KEY(struct model, sizes), .type = FIELD_LIST, .sub = &size_table, .optional = true,
	 .help = "published sizes of files; checked to 0.5 %"},
};
const struct table model_table = {"model", sizeof(struct model), model_fields, ARRAY_LEN(model_fields)};

/* --- blocks --------------------------------------------------------------------------------------- */

bool model_layer_has_experts(const struct model *m, int64_t layer)
{
	const struct experts *x = m->experts;

	return x && layer >= x->first_dense && (layer - x->first_dense) % x->every == x->every - 1;
}

/* Layers before this one that have experts. */
static int64_t experts_before(const struct model *m, int64_t layer)
{
	const struct experts *x = m->experts;

	return x && layer > x->first_dense ? (layer - x->first_dense) / x->every : 0;
}

/* Blocks before a layer's first. */
static size_t layer_begin(const struct model *m, int64_t layer)
{
	const int64_t more = m->experts && m->experts->shared ? 2 : 1;

	return (size_t)(1 + 2 * layer + more * experts_before(m, layer));
}

static bool is_windowed(const struct model *m, int64_t layer)
{
	const struct attention *a = &m->attention;

	return a->window && !(a->full_every && (layer + 1) % a->full_every == 0);
}

size_t model_blocks(const struct model *m)
{
	return layer_begin(m, m->layers) + 1;
}

struct block model_block(const struct model *m, size_t i)
{
	int64_t lo = 0, hi = m->layers; /* the last layer that begins at or before i */
	size_t at;

	if (i == 0)
		return (struct block){{ROLE_EMBEDDING, false}, -1};
	if (i + 1 == model_blocks(m))
		return (struct block){{ROLE_HEAD, false}, -1};
	while (hi - lo > 1) {
		const int64_t mid = lo + (hi - lo) / 2;

		if (layer_begin(m, mid) <= i)
			lo = mid;
		else
			hi = mid;
	}
	at = i - layer_begin(m, lo);
	if (at == 0)
		return (struct block){{ROLE_ATTENTION, is_windowed(m, lo)}, lo};
	if (!model_layer_has_experts(m, lo))
		return (struct block){{ROLE_FFN, false}, lo};
	if (at == 1)
		return (struct block){{ROLE_ROUTER, false}, lo};
	return (struct block){{at == 2 && m->experts->shared ? ROLE_SHARED : ROLE_EXPERTS, false}, lo};
}

size_t model_first_block(const struct model *m)
{
	return m->ends ? 0 : 1;
}

size_t model_last_block(const struct model *m)
{
	return model_blocks(m) - (m->ends ? 1 : 2);
}

bool block_is_tail(const struct model *m, struct block b)
{
	return b.layer == m->layers - 1 && b.part.role != ROLE_ATTENTION;
}

size_t model_block_of(const struct model *m, enum role role, int64_t layer)
{
	if (role == ROLE_EMBEDDING)
		return 0;
	if (role == ROLE_HEAD)
		return model_blocks(m) - 1;
	for (size_t i = layer_begin(m, layer); i < layer_begin(m, layer + 1); i++)
		if (model_block(m, i).part.role == role)
			return i;
	BUG("layer %lld has no %s", (long long)layer, role_names[role]);
}

bool part_same(struct part a, struct part b)
{
	return a.role == b.role && a.windowed == b.windowed;
}

size_t model_parts(const struct model *m, struct part_count out[MODEL_PARTS])
{
	const int64_t full = m->attention.window ? m->attention.full_every : 1;
	const double all = (double)(full ? m->layers / full : 0), moe = (double)experts_before(m, m->layers);
	const struct part_count every[MODEL_PARTS] = {
		{{ROLE_EMBEDDING, false}, m->ends},
		{{ROLE_ATTENTION, true}, (double)m->layers - all},
		{{ROLE_ATTENTION, false}, all},
		{{ROLE_FFN, false}, (double)m->layers - moe},
		{{ROLE_ROUTER, false}, moe},
		{{ROLE_SHARED, false}, m->experts && m->experts->shared ? moe : 0},
		{{ROLE_EXPERTS, false}, moe},
		{{ROLE_HEAD, false}, m->ends}};
	size_t n = 0;

	for (size_t i = 0; i < MODEL_PARTS; i++)
		if (every[i].blocks > 0)
			out[n++] = every[i];
	return n;
}

bool model_has(const struct model *m, enum role role)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);

	for (size_t i = 0; i < n; i++)
		if (parts[i].part.role == role)
			return true;
	return false;
}

/* --- tensors -------------------------------------------------------------------------------------- */

struct rows {
	struct tensor_row *at;
	size_t n;
};

static void row(struct rows *r, enum tensor tensor, double numbers)
{
	if (numbers <= 0)
		return;
	BUG_ON(r->n == PART_TENSORS);
	r->at[r->n++] = (struct tensor_row){tensor, numbers};
}

/* Norms around a block: before it, and behind it. */
static double norms_of(const struct model *m)
{
	return m->norms ? (double)m->hidden * (m->post_norms ? 2 : 1) : 0;
}

static void latent_rows(const struct model *m, struct rows *r)
{
	const struct latent *l = m->attention.latent;
	const double h = (double)m->hidden, heads = (double)m->attention.heads;
	const double q = heads * (double)(l->nope_dim + l->rope_dim), rank = (double)l->q_rank;

	row(r, TENSOR_Q, rank > 0 ? h * rank + rank * q : h * q);
	row(r, TENSOR_K, h * (double)(l->kv_rank + l->rope_dim));
	row(r, TENSOR_V, (double)l->kv_rank * heads * (double)(l->nope_dim + l->value_dim));
	row(r, TENSOR_O, heads * (double)l->value_dim * h);
	row(r, TENSOR_SMALL, norms_of(m) + rank + (double)l->kv_rank);
}

static void attention_rows(const struct model *m, struct rows *r)
{
	const struct attention *a = &m->attention;
	const double h = (double)m->hidden, q = (double)(a->heads * a->head_dim),
		     kv = (double)(a->kv_heads * a->head_dim);

	if (a->latent) {
		latent_rows(m, r);
		return;
	}
	row(r, TENSOR_Q, h * q);
	row(r, TENSOR_K, h * kv);
	row(r, TENSOR_V, h * kv);
	row(r, TENSOR_O, q * h);
	row(r, TENSOR_SMALL,
	    norms_of(m) + (a->bias != BIAS_NONE ? q + 2 * kv : 0) + (a->bias == BIAS_QKVO ? h : 0) +
		    (a->qk_norm ? 2 * (double)a->head_dim : 0) + (a->sinks ? (double)a->heads : 0));
}

static void ffn_rows(const struct model *m, struct rows *r)
{
	const double h = (double)m->hidden, f = (double)m->ffn->inner,
		     up = m->ffn->kind == FFN_SWIGLU ? 2 : 1;

	row(r, TENSOR_UP, up * h * f);
	row(r, TENSOR_DOWN, h * f);
	row(r, TENSOR_SMALL, norms_of(m) + (m->ffn->bias ? up * f + h : 0));
}

int64_t experts_shared_inner(const struct experts *x)
{
	return x->shared_inner ? x->shared_inner : x->shared * x->inner;
}

size_t model_tensors(const struct model *m, struct part part, struct tensor_row rows[PART_TENSORS])
{
	const struct experts *x = m->experts;
	const double h = (double)m->hidden, vocabulary = m->ends ? (double)m->vocabulary * h : 0;
	struct rows r = {rows, 0};

	switch (part.role) {
	case ROLE_EMBEDDING:
		row(&r, TENSOR_EMBEDDING, vocabulary);
		break;
	case ROLE_ATTENTION:
		attention_rows(m, &r);
		break;
	case ROLE_FFN:
		ffn_rows(m, &r);
		break;
	case ROLE_ROUTER:
		row(&r, TENSOR_ROUTER, h * (double)x->count);
		row(&r, TENSOR_SMALL, norms_of(m) + (x->bias ? (double)x->count : 0));
		break;
	case ROLE_SHARED:
		row(&r, TENSOR_SHARED_UP, 2 * h * (double)experts_shared_inner(x));
		row(&r, TENSOR_SHARED_DOWN, h * (double)experts_shared_inner(x));
		break;
	case ROLE_EXPERTS:
		row(&r, TENSOR_EXPERT_UP, (double)x->count * 2 * h * (double)x->inner);
		row(&r, TENSOR_EXPERT_DOWN, (double)x->count * h * (double)x->inner);
		row(&r, TENSOR_SMALL, x->bias ? (double)x->count * (2 * (double)x->inner + h) : 0);
		break;
	case ROLE_HEAD:
		row(&r, TENSOR_HEAD, m->tied_head ? 0 : vocabulary);
		row(&r, TENSOR_SMALL, m->ends && m->norms ? h : 0);
		break;
	case ROLE_N:
		BUG("no such role");
	}
	return r.n;
}

double part_weights(const struct model *m, struct part part)
{
	struct tensor_row rows[PART_TENSORS];
	const size_t n = model_tensors(m, part, rows);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += rows[i].numbers;
	return sum;
}

double tensor_row_B(const struct model *m, const struct precision *p, const struct tensor_row *row)
{
	const bool tied = row->tensor == TENSOR_EMBEDDING && m->tied_head;

	return mix_bytes(m, p, tied ? TENSOR_HEAD : row->tensor, row->numbers);
}

double part_weights_B(const struct model *m, const struct precision *p, struct part part)
{
	struct tensor_row rows[PART_TENSORS];
	const size_t n = model_tensors(m, part, rows);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += tensor_row_B(m, p, &rows[i]);
	return sum;
}

double model_weights(const struct model *m)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += parts[i].blocks * part_weights(m, parts[i].part);
	return sum;
}

double model_weights_B(const struct model *m, const struct precision *p)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += parts[i].blocks * part_weights_B(m, p, parts[i].part);
	return sum;
}

const struct model *model_as_run(struct arena *a, const struct model *m, bool window, bool latent)
{
	const bool unwindowed = m->attention.window && !window,
		   expanded = m->attention.latent && !latent && !m->attention.expanded;
	struct model *run;

	if (!unwindowed && !expanded)
		return m;
	run = arena_alloc(a, sizeof *run);
	*run = *m;
	if (unwindowed)
		run->attention.window = run->attention.full_every = 0;
	run->attention.expanded |= expanded;
	return run;
}

bool model_caches_latent(const struct model *m)
{
	return m->attention.latent && !m->attention.expanded;
}

double model_kv_numbers_per_token(const struct model *m)
{
	const struct attention *a = &m->attention;
	const struct latent *l = a->latent;

	if (l && a->expanded)
		return (double)(a->heads * (l->nope_dim + l->rope_dim + l->value_dim));
	if (l)
		return (double)(l->kv_rank + l->rope_dim);
	return 2.0 * (double)(a->kv_heads * a->head_dim);
}

int64_t part_window(const struct model *m, struct part part)
{
	return part.windowed ? m->attention.window : 0;
}

int64_t part_cached(const struct model *m, struct part part, int64_t tokens)
{
	const int64_t window = part_window(m, part);

	return window && window < tokens ? window : tokens;
}

double experts_hit(const struct experts *x, double tokens)
{
	const double all = (double)x->count, k = fmin((double)x->active, all);
	double *share, hit = 0;

	if (x->skew <= 0)
		return all * -exact_expm1(tokens * exact_log1p(-k / all));
	share = xcalloc((size_t)x->count, sizeof *share);
	routing_popularity(x, share);
	for (int64_t i = 0; i < x->count; i++)
		hit -= exact_expm1(tokens * exact_log1p(-share[i]));
	free(share);
	return hit;
}

/* --- checks --------------------------------------------------------------------------------------- */

static int check_sizes(const struct model *m, struct diags *diags)
{
	const struct model_size *s = m->sizes.at;
	int rc = 0;

	for (size_t i = 0; i < m->sizes.n; i++) {
		const struct precision p = {.weights = s[i].weights};
		const double ours = model_weights_B(m, &p);

		if (fabs(ours / s[i].bytes - 1) > 0.005)
			rc = diag_add(diags, s[i].origin.node->place, NULL,
				      "model: %.5g GB are published for %s, these dimensions make %.5g GB",
				      s[i].bytes / 1e9, mix_names[s[i].weights], ours / 1e9);
	}
	return rc;
}

int model_check(const struct model *m, struct diags *diags)
{
	const double published = (double)m->parameters;
	const struct experts *x = m->experts;
	double ours;

	if (!m->ffn && (!x || (double)m->layers - (double)experts_before(m, m->layers) > 0))
		return diag_add(diags, m->origin.node->place, "say 'ffn: {inner: ...}'",
				"model: layers without experts need an 'ffn'");
	if (x && (x->active > x->count || x->first_dense >= m->layers))
		return diag_add(diags, x->origin.node->place, NULL,
				x->active > x->count ? "experts: more are active than there are"
						     : "experts: first_dense leaves no layer for them");
	if (m->attention.heads % m->attention.kv_heads)
		return diag_add(diags, m->attention.origin.node->place, NULL,
				"attention: kv_heads (%lld) does not divide heads (%lld)",
				(long long)m->attention.kv_heads, (long long)m->attention.heads);
	if (m->attention.full_every && !m->attention.window)
		return diag_add(diags, yml_get(m->attention.origin.node, "full_every")->place,
				"add 'window:'", "attention: full_every is given, but no window");
	ours = model_weights(m);
	if (published > 0 && fabs(ours / published - 1) > 0.005)
		return diag_add(
			diags, yml_get(m->origin.node, "parameters")->place, "one of the dimensions is wrong",
			"model: %.4g parameters are published, these dimensions make %.4g", published, ours);
	return published > 0 ? check_sizes(m, diags) : 0; /* else it is no published model, or one changed */
}
