/* weights.c - the tensors of a model's parts, what they take, and what its caches and states take; see
 * model.h. */
#include <math.h>
#include <stdlib.h>

#include "sim/base/exact_math.h"
#include "sim/llm/layers.h"
#include "sim/llm/mix.h"
#include "sim/llm/projections.h"
#include "sim/llm/routing.h"

/* --- tensors -------------------------------------------------------------------------------------- */

struct rows {
	struct tensor_row *at;
	size_t n;
};

/* Rows of one class are one row. */
static void row(struct rows *r, enum tensor tensor, double numbers)
{
	if (numbers <= 0)
		return;
	for (size_t i = 0; i < r->n; i++) {
		if (r->at[i].tensor != tensor)
			continue;
		r->at[i].numbers += numbers;
		return;
	}
	BUG_ON(r->n == PART_TENSORS);
	r->at[r->n++] = (struct tensor_row){tensor, numbers};
}

/* Norms around a block: before it, and behind it. */
static double norms_of(const struct model *m)
{
	return m->norms ? (double)m->hidden * (m->post_norms ? 2 : 1) * (m->norm_bias ? 2 : 1) : 0;
}

static void projection_rows(const struct projections *p, struct rows *r)
{
	for (size_t i = 0; i < p->n; i++)
		row(r, p->at[i].tensor, (double)p->at[i].n * (double)p->at[i].k);
}

static void mixer_rows(const struct model *m, struct part part, struct rows *r)
{
	const struct attention *a = part_attention(m, part);
	const struct recurrent *x = part_recurrent(m, part);
	struct projections p;
	double small = norms_of(m) + (m->layout ? m->layout->kind[part.kind].extra : 0);

	if (a) {
		attention_projections(m, a, &p);
		projection_rows(&p, r);
		small += p.small;
	}
	if (x) {
		recurrent_projections(m, x, &p);
		projection_rows(&p, r);
		small += p.small;
	}
	row(r, TENSOR_SMALL, small);
}

/* The embedding of each layer joins behind its FFN: a gate, and a product back (Gemma 3n and 4). */
static void per_layer_rows(const struct model *m, struct rows *r)
{
	const double p = (double)m->per_layer_embedding, h = (double)m->hidden;

	row(r, TENSOR_OTHER, 2 * h * p);
	row(r, TENSOR_SMALL, p > 0 ? h : 0);
}

static void ffn_rows(const struct model *m, struct part part, struct rows *r)
{
	const struct ffn *ffn = part_ffn(m, part);
	const struct layer_kind *k = m->layout ? &m->layout->kind[part.kind] : NULL;
	const double h = (double)m->hidden, f = (double)ffn->inner, up = ffn->kind == FFN_SWIGLU ? 2 : 1;
	const bool alone = k && !k->attention && !k->recurrent;

	row(r, TENSOR_UP, up * h * f);
	row(r, TENSOR_DOWN, h * f);
	row(r, TENSOR_SMALL,
	    (k && k->one_norm ? 0 : norms_of(m)) + (ffn->bias ? up * f + h : 0) + (alone ? k->extra : 0));
	per_layer_rows(m, r);
}

int64_t experts_shared_inner(const struct experts *x)
{
	return x->shared_inner ? x->shared_inner : x->shared * x->inner;
}

int64_t experts_width(const struct model *m)
{
	return m->experts->latent ? m->experts->latent : m->hidden;
}

static void expert_rows(const struct model *m, enum role role, struct rows *r)
{
	const struct experts *x = m->experts;
	const double h = (double)m->hidden, n = (double)x->count, f = (double)x->inner,
		     up = x->kind == FFN_SWIGLU ? 2 : 1, w = (double)experts_width(m),
		     shared = (double)experts_shared_inner(x);

	if (role == ROLE_ROUTER) {
		row(r, TENSOR_ROUTER, h * n);
		row(r, TENSOR_OTHER, x->latent ? h * w : 0);
		row(r, TENSOR_SMALL, norms_of(m) + (x->bias ? n : 0) + (x->router_bias ? n : 0));
		per_layer_rows(m, r);
	} else if (role == ROLE_SHARED) {
		row(r, TENSOR_SHARED_UP, up * h * shared);
		row(r, TENSOR_SHARED_DOWN, h * shared);
		row(r, TENSOR_SMALL, x->shared_gate ? h : 0);
	} else {
		row(r, TENSOR_EXPERT_UP, n * up * w * f);
		row(r, TENSOR_EXPERT_DOWN, n * w * f);
		row(r, TENSOR_OTHER, x->latent ? h * w : 0);
		row(r, TENSOR_SMALL, (x->bias ? n * (up * f + w) : 0) + (x->latent_norm ? w : 0));
	}
}

/* The table of tokens; with embeddings of each layer their table, a product that makes as many of the hidden
 * state, and its norm; positions where they are learned. */
static void embedding_rows(const struct model *m, double table, struct rows *r)
{
	const double each = (double)(m->per_layer_embedding * m->layers), h = (double)m->hidden;

	if (m->is_mtp) { /* table and head are the model's */
		row(r, TENSOR_OTHER, 2 * h * h);
		row(r, TENSOR_SMALL, 3 * h);
		return;
	}
	row(r, TENSOR_EMBEDDING, table + (m->ends ? each * (double)m->vocabulary : 0));
	row(r, TENSOR_SMALL,
	    m->ends ? each * (double)m->hidden + (double)m->per_layer_embedding +
			      (double)(m->positions * m->hidden)
		    : 0);
}

size_t model_tensors(const struct model *m, struct part part, struct tensor_row rows[PART_TENSORS])
{
	const double h = (double)m->hidden, vocabulary = m->ends ? (double)m->vocabulary * h : 0;
	struct rows r = {rows, 0};

	switch (part.role) {
	case ROLE_EMBEDDING:
		embedding_rows(m, vocabulary, &r);
		break;
	case ROLE_ATTENTION:
		mixer_rows(m, part, &r);
		break;
	case ROLE_FFN:
		ffn_rows(m, part, &r);
		break;
	case ROLE_ROUTER:
	case ROLE_SHARED:
	case ROLE_EXPERTS:
		expert_rows(m, part.role, &r);
		break;
	case ROLE_HEAD:
		row(&r, TENSOR_HEAD, m->tied_head || m->is_mtp ? 0 : vocabulary);
		row(&r, TENSOR_SMALL,
		    m->is_mtp ? 0
			      : (double)m->extra + (m->ends && m->norms ? h * (m->norm_bias ? 2 : 1) : 0));
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

double tensor_row_B(const struct model *m, const struct precision *p, struct part part,
		    const struct tensor_row *r)
{
	const bool tied = r->tensor == TENSOR_EMBEDDING && m->tied_head;

	return mix_bytes(m, p, part, tied ? TENSOR_HEAD : r->tensor, r->numbers);
}

double part_weights_B(const struct model *m, const struct precision *p, struct part part)
{
	struct tensor_row rows[PART_TENSORS];
	const size_t n = model_tensors(m, part, rows);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += tensor_row_B(m, p, part, &rows[i]);
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

/* --- as a runtime runs it ------------------------------------------------------------------------- */

static bool runs_as(const struct attention *a, struct run_as as)
{
	const struct sparse *s = a->sparse;

	return (as.window || !(a->window || a->chunk)) && (as.latent || !a->latent || a->expanded) &&
	       (!a->latent || a->absorbs == as.absorbs) &&
	       (!s || (s->in_prefill == as.sparse_prefill && s->in_decode == as.sparse_decode));
}

static void run_attention_as(struct arena *a, struct attention *at, struct run_as as)
{
	struct sparse *s;

	if (!as.window && !at->compress) /* beside compressed rows the window is what is left of the cache */
		at->window = at->full_every = at->chunk = 0;
	at->expanded |= at->latent && !as.latent;
	at->absorbs = at->latent && as.absorbs;
	if (!at->sparse)
		return;
	s = arena_alloc(a, sizeof *s);
	*s = *at->sparse;
	s->in_prefill = as.sparse_prefill;
	s->in_decode = as.sparse_decode;
	at->sparse = s;
}

static struct scan_kernel kernel_for(const struct recurrent *r, struct run_as as)
{
	static const struct scan_kernel walk = {0, 0, 0, false, false};

	return r->kind == RECURRENT_DELTA    ? as.scans.delta
	       : r->kind == RECURRENT_MAMBA2 ? as.scans.mamba2
	       : r->kind == RECURRENT_MAMBA1 ? as.scans.mamba1
	       : r->kind == RECURRENT_CONV   ? as.scans.conv
					     : walk;
}

static bool scans_as(const struct recurrent *r, struct run_as as)
{
	const struct scan_kernel k = kernel_for(r, as);

	return r->prompt.chunk == k.chunk && r->prompt.from == k.from && r->prompt.passes == k.passes &&
	       r->prompt.before_apart == k.before_apart && r->prompt.behind_apart == k.behind_apart;
}

static void run_kind_as(struct arena *a, struct layer_kind *k, struct run_as as)
{
	if (k->attention && !runs_as(k->attention, as)) {
		struct attention *own = arena_alloc(a, sizeof *own);

		*own = *k->attention;
		run_attention_as(a, own, as);
		k->attention = own;
	}
	if (k->recurrent && !scans_as(k->recurrent, as)) {
		struct recurrent *own = arena_alloc(a, sizeof *own);

		*own = *k->recurrent;
		own->prompt = kernel_for(own, as);
		k->recurrent = own;
	}
}

static bool kind_runs_as(const struct layer_kind *k, struct run_as as)
{
	return (!k->attention || runs_as(k->attention, as)) && (!k->recurrent || scans_as(k->recurrent, as));
}

static const struct model_layout *layout_as_run(struct arena *a, const struct model_layout *from,
						struct run_as as)
{
	struct model_layout *l = arena_alloc(a, sizeof *l);

	*l = *from;
	for (size_t i = 0; i < l->kinds_n; i++)
		run_kind_as(a, &l->kind[i], as);
	return l;
}

static bool same_hand(const struct by_hand_as *a, const struct by_hand_as *b)
{
	return a->caps == b->caps && a->norms == b->norms && a->gates == b->gates;
}

const struct model *model_as_run(struct arena *a, const struct model *m, struct run_as as)
{
	bool same = runs_as(&m->attention, as) && same_hand(&m->by_hand, &as.by_hand);
	struct model *run;

	for (size_t i = 0; m->layout && i < m->layout->kinds_n; i++)
		same &= kind_runs_as(&m->layout->kind[i], as);
	if (same)
		return m;
	run = arena_alloc(a, sizeof *run);
	*run = *m;
	run->by_hand = as.by_hand;
	run_attention_as(a, &run->attention, as);
	if (m->layout)
		run->layout = layout_as_run(a, m->layout, as);
	return run;
}

/* --- caches --------------------------------------------------------------------------------------- */

bool part_cache_of_all(const struct model *m, struct part part)
{
	const struct attention *a = part_attention(m, part);

	return a && ((a->latent && !a->expanded) || a->values == VALUES_ARE_KEYS);
}

double part_kv_numbers(const struct model *m, struct part part)
{
	const struct attention *a = part_attention(m, part);
	const struct latent *l = a ? a->latent : NULL;

	if (!a)
		return 0;
	if (l && a->expanded)
		return (double)(a->heads * (l->nope_dim + l->rope_dim + l->value_dim));
	if (l)
		return (double)(l->kv_rank + l->rope_dim);
	return attention_widths(a).kv;
}

int64_t part_window(const struct model *m, struct part part)
{
	const struct attention *a = part_attention(m, part);

	if (m->layout)
		return !a ? 0 : a->chunk ? a->chunk : a->window;
	return part.windowed ? (a->chunk ? a->chunk : a->window) : 0;
}

int64_t part_cached(const struct model *m, struct part part, int64_t tokens)
{
	const int64_t window = part_window(m, part);

	return window && window < tokens ? window : tokens;
}

/* Numbers in the rows that compression makes and in the indexer's keys: one for each token or each row. */
static double beyond_window(const struct attention *a, double tokens)
{
	const double rows = a->compress ? floor(tokens / (double)a->compress->ratio) : tokens;
	double numbers = a->compress ? rows * attention_widths(a).kv : 0;

	if (a->sparse && !a->sparse->shared)
		numbers += floor(rows / (double)a->sparse->pool) * (double)a->sparse->dim;
	return numbers;
}

double part_cache_numbers(const struct model *m, struct part part, int64_t tokens)
{
	const struct attention *a = part_attention(m, part);

	if (!a || a->shares_cache)
		return 0;
	return (double)part_cached(m, part, tokens) * part_kv_numbers(m, part) +
	       beyond_window(a, (double)tokens);
}

double part_cache_growth(const struct model *m, struct part part)
{
	const struct attention *a = part_attention(m, part);
	double each = 0;

	if (!a || a->shares_cache)
		return 0;
	if (!part_window(m, part))
		each = part_kv_numbers(m, part);
	if (a->compress)
		return each + beyond_window(a, (double)a->compress->ratio) / (double)a->compress->ratio;
	return each + beyond_window(a, 1);
}

int64_t model_kv_heads(const struct model *m)
{
	int64_t least = m->attention.heads ? m->attention.kv_heads : 0;

	for (size_t i = 0; m->layout && i < m->layout->kinds_n; i++) {
		const struct layer_kind *k = &m->layout->kind[i];
		const int64_t heads = k->attention   ? k->attention->kv_heads
				      : k->recurrent ? k->recurrent->key_heads
						     : 0;

		if (heads && (!least || heads < least))
			least = heads;
	}
	return least ? least : 1;
}

int64_t model_window(const struct model *m)
{
	const struct attention *a = &m->attention;
	int64_t most = m->layout ? 0 : a->chunk ? a->chunk : a->window;

	for (size_t i = 0; m->layout && i < m->layout->kinds_n; i++) {
		const int64_t w = part_window(m, (struct part){ROLE_ATTENTION, true, (int)i});

		most = w > most ? w : most;
	}
	return most;
}

double experts_hit(const struct experts *x, double tokens)
{
	const double all = (double)x->count, k = fmin((double)x->active, all);
	double *share, hit = 0;

	if (x->skew <= 0 && x->popularity_sd <= 0)
		return all * -exact_expm1(tokens * exact_log1p(-k / all));
	share = xcalloc((size_t)x->count, sizeof *share);
	routing_popularity(x, share);
	for (int64_t i = 0; i < x->count; i++)
		hit -= exact_expm1(tokens * exact_log1p(-share[i]));
	free(share);
	return hit;
}
