/* graph.c - see graph.h. */
#include "sim/llm/graph.h"

#include <math.h>

#include "sim/llm/attend.h"
#include "sim/llm/memory.h"
#include "sim/llm/mix.h"

const char *const phase_names[PHASE_N + 1] = {
	[PHASE_PREFILL] = "prefill",   [PHASE_DECODE] = "decode", [PHASE_FORWARD] = "forward",
	[PHASE_BACKWARD] = "backward", [PHASE_UPDATE] = "update", [PHASE_N] = NULL};

const char *const adapter_names[ADAPTER_N + 1] = {
	[ADAPTER_Q] = "q",       [ADAPTER_K] = "k",   [ADAPTER_V] = "v",       [ADAPTER_O] = "o",
	[ADAPTER_GATE] = "gate", [ADAPTER_UP] = "up", [ADAPTER_DOWN] = "down", [ADAPTER_N] = NULL};
static const char *const adapter_ops[ADAPTER_N][2] = {
	[ADAPTER_Q] = {"q lora a", "q lora b"},          [ADAPTER_K] = {"k lora a", "k lora b"},
	[ADAPTER_V] = {"v lora a", "v lora b"},          [ADAPTER_O] = {"o lora a", "o lora b"},
	[ADAPTER_GATE] = {"gate lora a", "gate lora b"}, [ADAPTER_UP] = {"up lora a", "up lora b"},
	[ADAPTER_DOWN] = {"down lora a", "down lora b"}};

/* A block being written down: what all of its operators share. */
struct writer {
	const struct model *m;
	const struct precision *p;
	const struct shape *s;
	struct part part;
	enum phase phase;
	int64_t rows; /* tokens in all */
	struct op *ops;
	size_t n;
};

static double act_B(const struct writer *w, double numbers)
{
	return format_bytes((enum format_id)w->p->compute, numbers);
}

static struct op *add(struct writer *w, const char *name, enum op_kind kind, enum op_split split)
{
	BUG_ON(w->n == GRAPH_OPS);
	w->ops[w->n] = (struct op){.name = name,
				   .kind = kind,
				   .split = split,
				   .role = w->part.role,
				   .phase = w->phase,
				   .times = w->phase == PHASE_BACKWARD ? 2 : 1};
	return &w->ops[w->n++];
}

/* Products of one shape, each with weights of its own where there are more than one. */
struct shape_of_product {
	int64_t m, n, k;
	double copies, flop, weight_B, tensor_B, rows;
	enum format_id format;
	int64_t experts;
};

static struct op *product(struct writer *w, const char *name, enum op_split split,
			  const struct shape_of_product *s)
{
	struct op *op = add(w, name, OP_LINEAR, split);

	op->m = s->m;
	op->n = s->n;
	op->k = s->k;
	op->copies = s->copies;
	op->flop = s->flop;
	op->weight_B = s->weight_B;
	op->tensor_B = s->tensor_B;
	op->format = s->format;
	op->rows = s->rows;
	op->experts = s->experts;
	op->experts_all = s->experts ? w->m->experts->count : 0;
	op->times = 1;
	return op;
}

/* A linear layer: x (rows, k) times W (k, n), kept as class t; through `copies` such layers where experts
 * share the rows out. */
struct layer {
	const char *name;
	enum op_split split;
	enum tensor t;
	int64_t n, k;
	enum adapter adapter; /* ADAPTER_N: never has one */
};
struct spread {
	double rows, copies;
};

/* y = xW, and backward: dx = dy W' always, dW = x' dy where the weight is trained (Griewank & Walther, ch.
 * 3). */
static void products(struct writer *w, const struct layer *l, struct spread x, bool trained)
{
	const double n = (double)l->n, k = (double)l->k;
	const int64_t each = x.rows > x.copies ? llround(x.rows / x.copies) : 1;
	const enum op_split across = l->split == SPLIT_COLUMNS ? SPLIT_ROWS
				     : l->split == SPLIT_ROWS  ? SPLIT_COLUMNS
							       : l->split;
	struct shape_of_product s = {each,
				     l->n,
				     l->k,
				     x.copies,
				     2 * x.rows * n * k,
				     mix_bytes(w->m, w->p, l->t, x.copies * n * k),
				     act_B(w, x.rows * (n + k)),
				     x.rows,
				     mix_most(w->m, w->p, l->t),
				     l->split == SPLIT_EXPERTS ? w->m->experts->active : 0};

	if (w->phase != PHASE_BACKWARD) {
		product(w, l->name, l->split, &s);
		return;
	}
	s.n = l->k;
	s.k = l->n;
	product(w, l->name, across, &s);
	if (!trained)
		return;
	/* its output is the gradient of the weights; dy and x are read */
	s.m = l->n;
	s.n = l->k;
	s.k = each;
	s.weight_B = act_B(w, x.copies * n * k);
	product(w, l->name, across, &s)->gradient = true;
}

/* LoRA: y += (xA)B (Hu et al., arXiv:2106.09685); in the precision of the arithmetic. */
static void adapt(struct writer *w, const struct layer *l, struct spread x)
{
	const char *const *names = adapter_ops[l->adapter];
	const int64_t rank = w->s->lora_rank;
	const enum op_split down = l->split == SPLIT_COLUMNS ? SPLIT_NONE : l->split,
			    up = l->split == SPLIT_ROWS ? SPLIT_NONE : l->split;
	const struct precision *own = w->p;
	const struct precision p = {.weights = own->compute, .kv = own->kv, .compute = own->compute};
	const size_t first = w->n;

	w->p = &p; /* the first mixes are the dtypes */
	products(w, &(struct layer){names[0], down, l->t, rank, l->k, ADAPTER_N}, x, true);
	products(w, &(struct layer){names[1], up, l->t, l->n, rank, ADAPTER_N}, x, true);
	w->p = own;
	for (size_t i = first; i < w->n; i++)
		w->ops[i].adapter = true;
}

static void linear_over(struct writer *w, const struct layer *l, struct spread x)
{
	products(w, l, x, w->s->train_weights);
	if (l->adapter < ADAPTER_N && w->s->adapters >> l->adapter & 1)
		adapt(w, l, x);
}

static void linear(struct writer *w, const struct layer *l)
{
	linear_over(w, l, (struct spread){(double)w->rows, 1});
}

static void elementwise(struct writer *w, const char *name, enum op_kind kind, enum op_split split,
			double numbers)
{
	add(w, name, kind, split)->tensor_B = act_B(w, numbers);
}

/* FLOP for each pair of a query and a key, all heads: QK' and PV. Latent attention works on whole keys and
 * values where they are made (a prompt, training), and in the latent itself where the cache is read (decode;
 * DeepSeek-V2, arXiv:2405.04434, appendix C). */
static double per_pair(const struct writer *w, bool decodes)
{
	const struct attention *a = &w->m->attention;
	const struct latent *l = a->latent;
	const double heads = (double)a->heads;

	if (!l)
		return 4 * heads * (double)a->head_dim;
	if (decodes && !a->expanded)
		return 2 * heads * (double)(2 * l->kv_rank + l->rope_dim);
	return 2 * heads * (double)(l->nope_dim + l->rope_dim + l->value_dim);
}

static struct op *scores_of(struct writer *w, const struct attend *x)
{
	const struct attention *a = &w->m->attention;
	const double each = per_pair(w, x->decodes);
	struct op *op = add(w, "scores", OP_SCORES, SPLIT_HEADS);

	op->query = x->query;
	op->groups = a->latent ? 1 : (double)a->heads / (double)a->kv_heads;
	op->kv_of_all = model_caches_latent(w->m);
	op->context = x->context;
	/* backward: four products where forward has two */
	op->flop = op->times * each * x->pairs;
	op->dense_flop = op->times * each * x->rectangle;
	op->kv_B = format_bytes((enum format_id)w->p->kv, (double)x->seen * model_kv_numbers_per_token(w->m));
	/* the scores in f32, for runtimes that write them */
	op->tensor_B = format_bytes(FORMAT_F32, (double)a->heads * x->rectangle);
	return op;
}

/* Decodes and pieces of prompts go through one kernel, but those of a cached latent through two. */
static void scores(struct writer *w)
{
	struct attend groups[ATTENDS];
	const size_t n = attend_groups(w->m, w->s, w->part, w->phase, groups);
	struct op *op = scores_of(w, &groups[0]);

	for (size_t i = 1; i < n; i++)
		scores_of(w, &groups[i])->times = model_caches_latent(w->m) ? 1 : 0;
	if (w->s->scores_again &&
	    w->phase == PHASE_BACKWARD) { /* as forward has it; runs first, so last here */
		struct op *again = add(w, "scores again", OP_SCORES, SPLIT_HEADS);
		const double share = 1 / op->times;

		*again = *op;
		again->name = "scores again";
		again->times = 1;
		again->flop *= share;
		again->dense_flop *= share;
	}
}

/* Bare layers of a benchmark have neither norms nor the residual around a block. */
static void begin_block(struct writer *w)
{
	if (w->m->norms)
		elementwise(w, "norm", OP_NORM, SPLIT_NONE, (double)w->rows * (double)w->m->hidden);
}

static void end_block(struct writer *w)
{
	const double numbers = (double)w->rows * (double)w->m->hidden;

	if (w->m->norms && w->m->post_norms)
		elementwise(w, "post norm", OP_NORM, SPLIT_NONE, numbers);
	if (w->m->norms)
		elementwise(w, "residual", OP_RESIDUAL, SPLIT_NONE, numbers);
}

/* Adds the shared experts' output to the residual stream. */
static void end_shared(struct writer *w)
{
	elementwise(w, "add", OP_RESIDUAL, SPLIT_NONE, (double)w->rows * (double)w->m->hidden);
}

static bool is_inference(const struct writer *w)
{
	return w->phase == PHASE_PREFILL || w->phase == PHASE_DECODE;
}

static double cached(const struct writer *w)
{
	return (double)attend_seen(w->m, w->s, w->part);
}

static void append(struct writer *w)
{
	const enum op_split split = w->m->attention.latent ? SPLIT_NONE : SPLIT_WIDTH;

	if (is_inference(w))
		elementwise(w, "kv append", OP_KV_APPEND, split,
			    cached(w) * model_kv_numbers_per_token(w->m));
}

static void repeat(struct writer *w)
{
	const struct attention *a = &w->m->attention;

	if (!a->latent && a->kv_heads < a->heads)
		elementwise(w, "kv repeat", OP_KV_REPEAT, SPLIT_WIDTH,
			    cached(w) * 2 * (double)(a->heads * a->head_dim));
}

static void latent_block(struct writer *w)
{
	const struct attention *a = &w->m->attention;
	const struct latent *l = a->latent;
	const int64_t h = w->m->hidden, q = a->heads * (l->nope_dim + l->rope_dim), rank = l->q_rank;
	const double rows = (double)w->rows;

	begin_block(w);
	if (rank) {
		linear(w, &(struct layer){"q a", SPLIT_NONE, TENSOR_Q, rank, h, ADAPTER_Q});
		elementwise(w, "q norm", OP_NORM, SPLIT_NONE, rows * (double)rank);
	}
	linear(w,
	       &(struct layer){rank ? "q b" : "q", SPLIT_COLUMNS, TENSOR_Q, q, rank ? rank : h, ADAPTER_Q});
	linear(w, &(struct layer){"kv a", SPLIT_NONE, TENSOR_K, l->kv_rank + l->rope_dim, h, ADAPTER_K});
	elementwise(w, "kv norm", OP_NORM, SPLIT_NONE, rows * (double)l->kv_rank);
	elementwise(w, "rope", OP_ROPE, SPLIT_WIDTH, rows * (double)((a->heads + 1) * l->rope_dim));
	append(w);
	/* keys and values from the latent; in decode queries into it and results out of it: as many FLOP */
	linear(w, &(struct layer){"kv b", SPLIT_COLUMNS, TENSOR_V, a->heads * (l->nope_dim + l->value_dim),
				  l->kv_rank, ADAPTER_V});
	scores(w);
	linear(w, &(struct layer){"o", SPLIT_ROWS, TENSOR_O, h, a->heads * l->value_dim, ADAPTER_O});
	end_block(w);
}

static void attention_block(struct writer *w)
{
	const struct attention *a = &w->m->attention;
	const int64_t h = w->m->hidden, q = a->heads * a->head_dim, kv = a->kv_heads * a->head_dim;
	const double rows = (double)w->rows;

	begin_block(w);
	linear(w, &(struct layer){"q", SPLIT_COLUMNS, TENSOR_Q, q, h, ADAPTER_Q});
	linear(w, &(struct layer){"k", SPLIT_COLUMNS, TENSOR_K, kv, h, ADAPTER_K});
	linear(w, &(struct layer){"v", SPLIT_COLUMNS, TENSOR_V, kv, h, ADAPTER_V});
	if (a->qk_norm)
		elementwise(w, "qk norm", OP_NORM, SPLIT_WIDTH, rows * (double)(q + kv));
	if (a->rope)
		elementwise(w, "rope", OP_ROPE, SPLIT_WIDTH, rows * (double)(q + kv));
	append(w);
	repeat(w);
	scores(w);
	linear(w, &(struct layer){"o", SPLIT_ROWS, TENSOR_O, h, q, ADAPTER_O});
	end_block(w);
}

static void ffn_block(struct writer *w)
{
	const int64_t h = w->m->hidden, f = w->m->ffn->inner;

	begin_block(w);
	if (w->m->ffn->kind == FFN_SWIGLU)
		linear(w, &(struct layer){"gate", SPLIT_COLUMNS, TENSOR_UP, f, h, ADAPTER_GATE});
	linear(w, &(struct layer){"up", SPLIT_COLUMNS, TENSOR_UP, f, h, ADAPTER_UP});
	elementwise(w, "activation", OP_ACTIVATION, SPLIT_WIDTH, (double)w->rows * (double)f);
	linear(w, &(struct layer){"down", SPLIT_ROWS, TENSOR_DOWN, h, f, ADAPTER_DOWN});
	end_block(w);
}

/* The norm before the experts, and which experts each token goes to. */
static void router_block(struct writer *w)
{
	const struct experts *x = w->m->experts;

	begin_block(w);
	linear(w, &(struct layer){"router", SPLIT_NONE, TENSOR_ROUTER, x->count, w->m->hidden, ADAPTER_N});
	elementwise(w, "route", OP_ROUTE, SPLIT_NONE, (double)w->rows * (double)x->count);
}

static void shared_block(struct writer *w)
{
	const int64_t h = w->m->hidden, f = experts_shared_inner(w->m->experts);

	linear(w, &(struct layer){"shared gate", SPLIT_COLUMNS, TENSOR_SHARED_UP, f, h, ADAPTER_GATE});
	linear(w, &(struct layer){"shared up", SPLIT_COLUMNS, TENSOR_SHARED_UP, f, h, ADAPTER_UP});
	elementwise(w, "activation", OP_ACTIVATION, SPLIT_WIDTH, (double)w->rows * (double)f);
	linear(w, &(struct layer){"shared down", SPLIT_ROWS, TENSOR_SHARED_DOWN, h, f, ADAPTER_DOWN});
	if (!w->s->no_end)
		end_shared(w);
}

static void experts_block(struct writer *w)
{
	const struct experts *x = w->m->experts;
	const int64_t h = w->m->hidden, f = x->inner;
	const struct spread all = {(double)w->rows * (double)x->active, experts_hit(x, (double)w->rows)},
			    part = {w->s->expert_rows, w->s->experts_hit},
			    s = w->s->experts_hit > 0 ? part : all;

	linear_over(w, &(struct layer){"expert gate", SPLIT_EXPERTS, TENSOR_EXPERT_UP, f, h, ADAPTER_GATE},
		    s);
	linear_over(w, &(struct layer){"expert up", SPLIT_EXPERTS, TENSOR_EXPERT_UP, f, h, ADAPTER_UP}, s);
	elementwise(w, "activation", OP_ACTIVATION, SPLIT_WIDTH, s.rows * (double)f);
	linear_over(w, &(struct layer){"expert down", SPLIT_EXPERTS, TENSOR_EXPERT_DOWN, h, f, ADAPTER_DOWN},
		    s);
	elementwise(w, "combine", OP_COMBINE, SPLIT_WIDTH, s.rows * (double)h);
	if (!w->s->no_end)
		end_block(w);
}

static void head_block(struct writer *w)
{
	w->rows = graph_head_rows(w->s);
	begin_block(w);
	linear(w, &(struct layer){"head", SPLIT_COLUMNS, TENSOR_HEAD, w->m->vocabulary, w->m->hidden,
				  ADAPTER_N});
}

static void turn_around(struct writer *w) /* last operator first */
{
	for (size_t i = 0; i < w->n / 2; i++) {
		const struct op swap = w->ops[i];

		w->ops[i] = w->ops[w->n - 1 - i];
		w->ops[w->n - 1 - i] = swap;
	}
}

size_t graph_block(const struct model *m, const struct precision *p, const struct shape *s, struct part part,
		   enum phase phase, struct op ops[GRAPH_OPS])
{
	struct writer w = {m, p, s, part, phase, graph_rows(s), ops, 0};

	switch (part.role) {
	case ROLE_EMBEDDING:
		if (m->ends && phase != PHASE_BACKWARD)
			elementwise(&w, "embedding", OP_GATHER, SPLIT_NONE,
				    (double)w.rows * (double)m->hidden);
		break;
	case ROLE_ATTENTION:
		if (m->attention.latent)
			latent_block(&w);
		else
			attention_block(&w);
		break;
	case ROLE_FFN:
		ffn_block(&w);
		break;
	case ROLE_ROUTER:
		router_block(&w);
		break;
	case ROLE_SHARED:
		shared_block(&w);
		break;
	case ROLE_EXPERTS:
		experts_block(&w);
		break;
	case ROLE_HEAD:
		if (m->ends)
			head_block(&w);
		break;
	case ROLE_N:
		BUG("no such role");
	}
	if (phase == PHASE_BACKWARD)
		turn_around(&w);
	return w.n;
}

size_t graph_attends(const struct model *m, const struct precision *p, const struct shape *s,
		     struct part part, enum phase phase, struct op ops[GRAPH_OPS])
{
	struct writer w = {m, p, s, part, phase, graph_rows(s), ops, 0};

	append(&w);
	repeat(&w);
	scores(&w);
	return w.n;
}

bool op_attends(const struct op *op)
{
	return op->kind == OP_KV_APPEND || op->kind == OP_KV_REPEAT || op->kind == OP_SCORES;
}

size_t graph_end(const struct model *m, const struct precision *p, const struct shape *s, struct part part,
		 enum phase phase, struct op ops[GRAPH_OPS])
{
	struct writer w = {m, p, s, part, phase, graph_rows(s), ops, 0};

	if (part.role == ROLE_SHARED)
		end_shared(&w);
	else
		end_block(&w);
	if (phase == PHASE_BACKWARD)
		turn_around(&w);
	return w.n;
}

bool shape_same(const struct shape *a, const struct shape *b)
{
	return a->batch == b->batch && a->tokens == b->tokens && a->past == b->past &&
	       a->all_logits == b->all_logits && a->train_weights == b->train_weights &&
	       a->lora_rank == b->lora_rank && a->adapters == b->adapters &&
	       a->scores_again == b->scores_again && a->expert_rows == b->expert_rows &&
	       a->experts_hit == b->experts_hit && a->no_end == b->no_end && a->mix == b->mix;
}

int64_t graph_rows(const struct shape *s)
{
	return s->mix ? s->mix->rows : s->batch * s->tokens;
}

int64_t graph_head_rows(const struct shape *s)
{
	if (s->all_logits)
		return graph_rows(s);
	return s->mix ? s->mix->logits : s->batch;
}

struct op graph_update(enum role role, double weights, double bytes_each)
{
	return (struct op){.name = "update",
			   .kind = OP_UPDATE,
			   .split = SPLIT_WIDTH,
			   .role = role,
			   .phase = PHASE_UPDATE,
			   .tensor_B = weights * bytes_each,
			   .times = 1};
}

double graph_trainable(const struct model *m, const struct shape *s, struct part part)
{
	static const struct precision any = {.weights = FORMAT_F16, .kv = FORMAT_F16, .compute = FORMAT_F16};
	const double experts = part.role == ROLE_EXPERTS ? (double)m->experts->count : 1;
	struct op ops[GRAPH_OPS];
	double numbers = 0;
	size_t n;

	if (s->train_weights)
		return part_weights(m, part);
	n = graph_block(m, &any, s, part, PHASE_FORWARD, ops);
	for (size_t i = 0; i < n; i++)
		if (ops[i].adapter)
			numbers += (double)ops[i].n * (double)ops[i].k * experts;
	return numbers;
}
