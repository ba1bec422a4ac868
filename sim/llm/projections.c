/* projections.c - see projections.h. */
#include "sim/llm/projections.h"

static struct projection *put(struct projections *p, const char *name, enum op_split split,
			      enum tensor tensor, int64_t n, int64_t k)
{
	BUG_ON(p->n == PROJECTIONS);
	p->at[p->n] = (struct projection){name, split, tensor, n, k, ADAPTER_N, false};
	return &p->at[p->n++];
}

static void put_adapted(struct projections *p, const char *name, enum op_split split, enum tensor tensor,
			int64_t n, int64_t k, enum adapter adapter)
{
	put(p, name, split, tensor, n, k)->adapter = adapter;
}

/* --- attention ------------------------------------------------------------------------------------ */

static int64_t value_dim(const struct attention *a)
{
	return a->latent ? a->latent->value_dim : a->value_dim ? a->value_dim : a->head_dim;
}

struct widths attention_widths(const struct attention *a)
{
	const double heads = (double)a->heads, kv_heads = (double)a->kv_heads;
	const struct latent *l = a->latent;

	if (l)
		return (struct widths){heads * (double)(l->nope_dim + l->rope_dim),
				       heads * (double)(l->nope_dim + l->value_dim) + (double)l->rope_dim,
				       heads * (double)l->value_dim};
	return (struct widths){heads * (double)a->head_dim,
			       a->values == VALUES_ARE_KEYS ? kv_heads * (double)a->head_dim
							    : kv_heads * (double)(a->head_dim + value_dim(a)),
			       heads * (double)value_dim(a)};
}

/* Queries; a gate for each element of what leaves attention comes out of the same product. */
static void queries(const struct model *m, const struct attention *a, struct projections *p)
{
	const struct latent *l = a->latent;
	const int64_t rank = l ? l->q_rank : a->q_rank, each = l ? l->nope_dim + l->rope_dim : a->head_dim;
	const bool with_gate = a->gate == GATE_ELEMENT && !l && !a->gate_rank;
	const int64_t q = a->heads * each * (with_gate ? 2 : 1);

	if (rank)
		put_adapted(p, "q a", SPLIT_NONE, TENSOR_Q, rank, m->hidden, ADAPTER_Q);
	put_adapted(p, rank ? "q b" : "q", SPLIT_COLUMNS, TENSOR_Q, q, rank ? rank : m->hidden, ADAPTER_Q);
	p->small += (double)rank;
}

static void output_gate(const struct model *m, const struct attention *a, struct projections *p)
{
	const int64_t out = a->heads * value_dim(a);

	if (a->gate == GATE_HEAD)
		put(p, "gate", SPLIT_COLUMNS, TENSOR_OTHER, a->heads, m->hidden);
	else if (a->gate == GATE_ELEMENT && a->gate_rank) {
		put(p, "gate a", SPLIT_NONE, TENSOR_OTHER, a->gate_rank, m->hidden);
		put(p, "gate b", SPLIT_COLUMNS, TENSOR_OTHER, out, a->gate_rank);
	} else if (a->gate == GATE_ELEMENT && a->latent)
		put(p, "gate", SPLIT_COLUMNS, TENSOR_OTHER, out, m->hidden);
}

static void keys_and_values(const struct model *m, const struct attention *a, struct projections *p)
{
	const int64_t h = m->hidden;
	const bool idle = a->shares_cache;

	if (idle && !a->keeps_weights)
		return;
	put_adapted(p, "k", SPLIT_COLUMNS, TENSOR_K, a->kv_heads * a->head_dim, h, ADAPTER_K);
	p->at[p->n - 1].idle = idle;
	if (a->values != VALUES_OWN)
		return;
	put_adapted(p, "v", SPLIT_COLUMNS, TENSOR_V, a->kv_heads * value_dim(a), h, ADAPTER_V);
	p->at[p->n - 1].idle = idle;
}

static void latent_keys_and_values(const struct model *m, const struct attention *a, struct projections *p)
{
	const struct latent *l = a->latent;

	put_adapted(p, "kv a", SPLIT_NONE, TENSOR_K, l->kv_rank + l->rope_dim, m->hidden, ADAPTER_K);
	put_adapted(p, "kv b", SPLIT_COLUMNS, TENSOR_V, a->heads * (l->nope_dim + l->value_dim), l->kv_rank,
		    ADAPTER_V);
	p->small += (double)l->kv_rank;
}

/* Rows of the cache for several tokens each: a product for what is kept and one for its weights, both over
 * `overlap` windows, and a position's number for each. */
static void compressor(const struct model *m, const struct compress *c, int64_t width, const char *name,
		       struct projections *p)
{
	const int64_t n = c->overlap * width;

	put(p, name, SPLIT_NONE, TENSOR_OTHER, n, m->hidden);
	put(p, "compress gate", SPLIT_NONE, TENSOR_OTHER, n, m->hidden);
	p->small += (double)(c->ratio * n + width);
}

static void indexer(const struct model *m, const struct attention *a, struct projections *p)
{
	const struct sparse *s = a->sparse;
	const int64_t rank = a->latent ? a->latent->q_rank : a->q_rank;

	if (!s || s->shared)
		return;
	put(p, "index q", SPLIT_NONE, TENSOR_OTHER, s->heads * s->dim, s->from_hidden ? m->hidden : rank);
	if (a->compress) {
		compressor(m, a->compress, s->dim, "index compress", p);
	} else {
		put(p, "index k", SPLIT_NONE, TENSOR_OTHER, s->dim, m->hidden);
		p->small += 2 * (double)s->dim; /* a norm with a bias, or one of queries and one of keys */
		if (s->pool > 1 &&
		    !s->from_hidden) { /* tokens that share a key have weights, or it is their mean */
			put(p, "index pool", SPLIT_NONE, TENSOR_OTHER, s->dim, m->hidden);
			p->small += (double)(s->pool * s->dim);
		}
	}
	if (!s->from_hidden)
		put(p, "index weights", SPLIT_NONE, TENSOR_OTHER, s->heads, m->hidden);
}

static void output(const struct model *m, const struct attention *a, struct projections *p)
{
	const int64_t out = a->heads * value_dim(a);

	p->behind = p->n;
	if (a->out_groups) {
		put(p, "o a", SPLIT_ROWS, TENSOR_O, a->out_groups * a->out_rank, out / a->out_groups);
		put_adapted(p, "o b", SPLIT_ROWS, TENSOR_O, m->hidden, a->out_groups * a->out_rank,
			    ADAPTER_O);
	} else {
		put_adapted(p, "o", SPLIT_ROWS, TENSOR_O, m->hidden, out, ADAPTER_O);
	}
}

static double small_of_attention(const struct model *m, const struct attention *a)
{
	const double q = (double)(a->heads * a->head_dim), k = (double)(a->kv_heads * a->head_dim),
		     v = (double)(a->kv_heads * value_dim(a));
	const bool no_kv = a->shares_cache && !a->keeps_weights;
	double n = a->sinks ? (double)a->heads : 0;

	if (a->latent)
		return n;
	if (a->values == VALUES_ARE_KEYS)
		n += k;
	if (a->qk_norm)
		n += a->qk_norm_wide ? q + (no_kv ? 0 : k) : (no_kv ? 1 : 2) * (double)a->head_dim;
	if (a->bias != BIAS_NONE)
		n += q + (no_kv ? 0 : k + v);
	return n + (a->bias == BIAS_QKVO ? (double)m->hidden : 0);
}

void attention_projections(const struct model *m, const struct attention *a, struct projections *out)
{
	*out = (struct projections){.small = small_of_attention(m, a)};
	queries(m, a, out);
	if (a->latent)
		latent_keys_and_values(m, a, out);
	else
		keys_and_values(m, a, out);
	output_gate(m, a, out);
	if (a->compress)
		compressor(m, a->compress, a->head_dim, "compress", out);
	indexer(m, a, out);
	output(m, a, out);
}

/* --- recurrent blocks ----------------------------------------------------------------------------- */

/* A product, or two through a rank. */
static void through(struct projections *p, const char *name, int64_t rank, int64_t n, int64_t k)
{
	if (rank) {
		put(p, name, SPLIT_NONE, TENSOR_OTHER, rank, k);
		put(p, name, SPLIT_COLUMNS, TENSOR_OTHER, n, rank);
	} else {
		put(p, name, SPLIT_COLUMNS, TENSOR_OTHER, n, k);
	}
}

static void delta(const struct model *m, const struct recurrent *r, struct projections *p)
{
	const int64_t h = m->hidden, qk = r->key_heads * r->key_dim, v = r->heads * r->value_dim;

	if (r->decay == DECAY_CHANNEL) { /* Kimi: three products, a decay for each channel */
		put(p, "q", SPLIT_COLUMNS, TENSOR_Q, qk, h);
		put(p, "k", SPLIT_COLUMNS, TENSOR_K, qk, h);
		put(p, "v", SPLIT_COLUMNS, TENSOR_V, v, h);
		through(p, "decay", r->decay_rank, qk, h);
		put(p, "beta", SPLIT_COLUMNS, TENSOR_OTHER, r->heads, h);
		p->small += (double)(r->heads + qk);
	} else { /* decay and beta of each head are one product in some runtimes, two in others */
		put(p, "qkv", SPLIT_COLUMNS, TENSOR_QKV, 2 * qk + v, h);
		put(p, "decay", SPLIT_COLUMNS, TENSOR_OTHER, r->heads, h);
		put(p, "beta", SPLIT_COLUMNS, TENSOR_OTHER, r->heads, h);
		p->small += 2 * (double)r->heads;
	}
	if (r->gated)
		through(p, "gate", r->gate_rank, v, h);
	p->small += (double)(r->width * (2 * qk + v) + r->value_dim);
	p->behind = p->n;
	put(p, "out", SPLIT_ROWS, TENSOR_OTHER, h, v);
}

static int64_t mamba2_conv(const struct recurrent *r)
{
	return r->heads * r->value_dim + 2 * r->groups * r->key_dim;
}

static void mamba2(const struct model *m, const struct recurrent *r, struct projections *p)
{
	const int64_t d = r->heads * r->value_dim, conv = mamba2_conv(r);

	put(p, "in", SPLIT_COLUMNS, TENSOR_OTHER, d + conv + r->heads, m->hidden);
	p->small += (double)(conv * (r->width + (r->conv_bias ? 1 : 0)) + 3 * r->heads + (r->norm ? d : 0));
	p->behind = p->n;
	put(p, "out", SPLIT_ROWS, TENSOR_OTHER, m->hidden, d);
}

static void mamba1(const struct model *m, const struct recurrent *r, struct projections *p)
{
	const int64_t d = r->inner, n = r->key_dim, dt = r->decay_rank;

	put(p, "in", SPLIT_COLUMNS, TENSOR_OTHER, 2 * d, m->hidden);
	put(p, "x", SPLIT_ROWS, TENSOR_OTHER, dt + 2 * n, d);
	put(p, "dt", SPLIT_COLUMNS, TENSOR_OTHER, d, dt);
	p->small += (double)(d * (r->width + (r->conv_bias ? 1 : 0)) + d * n + 2 * d +
			     (r->norm ? dt + 2 * n : 0));
	p->behind = p->n;
	put(p, "out", SPLIT_ROWS, TENSOR_OTHER, m->hidden, d);
}

/* RWKV-7: rate, values' mix and gate through low ranks; six mixes with the token before. */
static void rwkv(const struct model *m, const struct recurrent *r, struct projections *p)
{
	const int64_t h = m->hidden;

	put(p, "r", SPLIT_COLUMNS, TENSOR_OTHER, h, h);
	put(p, "k", SPLIT_COLUMNS, TENSOR_OTHER, h, h);
	put(p, "v", SPLIT_COLUMNS, TENSOR_OTHER, h, h);
	through(p, "decay", r->decay_rank, h, h);
	through(p, "rate", r->value_rank, h, h);
	through(p, "gate", r->gate_rank, h, h);
	p->small += (double)((6 + 7) * h) + 2 * (double)h;
	p->behind = p->n;
	put(p, "out", SPLIT_ROWS, TENSOR_OTHER, h, h);
}

static void lightning(const struct model *m, const struct recurrent *r, struct projections *p)
{
	const int64_t d = r->heads * r->value_dim;

	put(p, "qkv", SPLIT_COLUMNS, TENSOR_QKV, 2 * r->key_heads * r->key_dim + d, m->hidden);
	if (r->gated)
		through(p, "gate", r->gate_rank, d, m->hidden);
	p->small += r->norm ? (double)d : 0;
	p->behind = p->n;
	put(p, "out", SPLIT_ROWS, TENSOR_OTHER, m->hidden, d);
}

static void conv(const struct model *m, const struct recurrent *r, struct projections *p)
{
	const int64_t h = m->hidden;

	put(p, "in", SPLIT_COLUMNS, TENSOR_OTHER, 3 * h, h);
	p->small += (double)(h * (r->width + (r->conv_bias ? 1 : 0)));
	p->behind = p->n;
	put(p, "out", SPLIT_ROWS, TENSOR_OTHER, h, h);
}

void recurrent_projections(const struct model *m, const struct recurrent *r, struct projections *out)
{
	static void (*const of[RECURRENT_N])(const struct model *, const struct recurrent *,
					     struct projections *) = {
		[RECURRENT_DELTA] = delta, [RECURRENT_MAMBA2] = mamba2,       [RECURRENT_MAMBA1] = mamba1,
		[RECURRENT_RWKV] = rwkv,   [RECURRENT_LIGHTNING] = lightning, [RECURRENT_CONV] = conv};

	*out = (struct projections){.n = 0};
	of[r->kind](m, r, out);
}

/* --- states and scans ----------------------------------------------------------------------------- */

/* FLOP of a step: the state decays, is corrected by what it predicts, and is read (delta: arXiv:2412.06464,
 * equation 10; Mamba-2: arXiv:2405.21060, section 2; RWKV-7: arXiv:2503.14456, equation 18). */
struct recurrence_cost recurrence_cost(const struct model *m, const struct recurrent *r)
{
	const double h = (double)m->hidden, heads = (double)r->heads, dk = (double)r->key_dim,
		     dv = (double)r->value_dim, before = (double)(r->width > 0 ? r->width - 1 : 0);
	const double qk = (double)r->key_heads * dk, v = heads * dv;
	struct recurrence_cost c = {.state = heads * dk * dv, .out = v};

	switch ((enum recurrence)r->kind) {
	case RECURRENT_DELTA:
		c.conv = 2 * qk + v;
		c.width = 2 * qk + 2 * v + (r->decay == DECAY_CHANNEL ? qk : heads) + heads;
		c.step_flop = 7 * heads * dk * dv;
		break;
	case RECURRENT_MAMBA2:
		c.conv = (double)mamba2_conv(r);
		c.width = c.conv + heads + v;
		c.step_flop = 5 * heads * dk * dv;
		break;
	case RECURRENT_MAMBA1:
		c.out = c.conv = (double)r->inner;
		c.state = c.out * dk;
		c.width = 3 * c.out + 2 * dk;
		c.step_flop = 9 * c.state;
		break;
	case RECURRENT_RWKV: /* state, and the token before of both mixes */
		c.width = 7 * h;
		c.out = h;
		c.conv_state = 2 * h;
		c.step_flop = 9 * c.state;
		break;
	case RECURRENT_LIGHTNING:
		c.width = 2 * qk + 2 * v;
		c.step_flop = 5 * heads * dk * dv;
		break;
	case RECURRENT_CONV:
		c.conv = c.out = h;
		c.state = 0;
		break;
	case RECURRENT_N:
		break;
	}
	c.conv_state += before * c.conv;
	return c;
}

double recurrence_chunk_flop(const struct model *m, const struct recurrent *r, double chunk)
{
	const double heads = (double)r->heads, dk = (double)r->key_dim, dv = (double)r->value_dim;

	switch ((enum recurrence)r->kind) {
	case RECURRENT_DELTA:
		return heads * (6 * dk * dv + chunk * (6 * dk + 4 * dv) + 2 * chunk * chunk / 3);
	case RECURRENT_MAMBA2:
		return heads * (4 * dk * dv + 2 * chunk * dv) + (double)r->groups * 2 * chunk * dk;
	case RECURRENT_LIGHTNING:
		return heads * (4 * dk * dv + 2 * chunk * (dk + dv));
	default:
		return recurrence_cost(m, r).step_flop; /* no products to chunk into */
	}
}

/* Rows that are not complete: keys and the weights of their sum, over all windows of a row (llama.cpp
 * src/models/deepseek4.cpp keeps both in f32). */
static double unfinished_rows(const struct attention *a)
{
	const struct compress *c = a->compress;
	const double width =
		(double)a->head_dim + (a->sparse && !a->sparse->shared ? (double)a->sparse->dim : 0);

	return (double)(c->overlap * c->ratio) * 2 * (double)c->overlap * width;
}

double part_state_B(const struct model *m, enum format_id conv, struct part part)
{
	const struct attention *a = part.role == ROLE_ATTENTION ? part_attention(m, part) : NULL;
	const struct recurrent *r = part.role == ROLE_ATTENTION ? part_recurrent(m, part) : NULL;
	double bytes = a && a->compress ? format_bytes(FORMAT_F32, unfinished_rows(a)) : 0;
	struct recurrence_cost c;

	if (!r)
		return bytes;
	c = recurrence_cost(m, r);
	return bytes + format_bytes(FORMAT_F32, c.state) + format_bytes(conv, c.conv_state);
}
