/* graph.c - see graph.h. */
#include "sim/llm/graph.h"

#include <string.h>

const char *const role_names[ROLE_N + 1] = {[ROLE_EMBEDDING] = "embedding",
					    [ROLE_ATTENTION] = "attention",
					    [ROLE_FFN] = "ffn",
					    [ROLE_HEAD] = "head",
					    [ROLE_N] = NULL};
const char *const phase_names[PHASE_N + 1] = {
	[PHASE_PREFILL] = "prefill",   [PHASE_DECODE] = "decode", [PHASE_FORWARD] = "forward",
	[PHASE_BACKWARD] = "backward", [PHASE_UPDATE] = "update", [PHASE_N] = NULL};

static const char *const compute_names[] = {"f32", "f16", "bf16",
					    NULL}; /* the first formats are the dtypes */

static const struct field precision_fields[] = {
	{FIELD_KEY(struct precision, weights), .type = FIELD_CHOICE, .choices = format_names, .def = "f16",
	 .help = "format of the weights"},
	{FIELD_KEY(struct precision, kv), .type = FIELD_CHOICE, .choices = format_names, .def = "f16",
	 .help = "format of the KV cache"},
	{FIELD_KEY(struct precision, compute), .type = FIELD_CHOICE, .choices = compute_names, .def = "f16",
	 .help = "arithmetic and activations"},
};
const struct table precision_table = {"precision", sizeof(struct precision), precision_fields,
				      ARRAY_LEN(precision_fields)};

/* A block being written down: what all of its operators share. */
struct writer {
	const struct model *m;
	const struct precision *p;
	const struct shape *s;
	enum role role;
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
				   .role = w->role,
				   .phase = w->phase,
				   .times = w->phase == PHASE_BACKWARD ? 2 : 1};
	return &w->ops[w->n++];
}

static void product(struct writer *w, const char *name, enum op_split split, const int64_t mnk[3],
		    double weight_B)
{
	struct op *op = add(w, name, OP_LINEAR, split);
	const double m = (double)mnk[0], n = (double)mnk[1], k = (double)mnk[2];

	op->m = mnk[0];
	op->n = mnk[1];
	op->k = mnk[2];
	op->flop = 2 * m * n * k;
	op->weight_B = weight_B;
	op->tensor_B = act_B(w, m * n + m * k);
	op->times = 1;
}

/* y = xW, and backward: dx = dy W' always, dW = x' dy where the weight is trained (Griewank & Walther, ch.
 * 3). */
static void linear(struct writer *w, const char *name, enum op_split split, int64_t rows, int64_t n,
		   int64_t k, bool trained)
{
	const double weight_B = format_bytes((enum format_id)w->p->weights, (double)n * (double)k);
	const enum op_split across = split == SPLIT_COLUMNS ? SPLIT_ROWS
				     : split == SPLIT_ROWS  ? SPLIT_COLUMNS
							    : split;

	if (w->phase != PHASE_BACKWARD) {
		product(w, name, split, (const int64_t[]){rows, n, k}, weight_B);
		return;
	}
	product(w, name, across, (const int64_t[]){rows, k, n}, weight_B);
	if (!trained)
		return;
	product(w, name, across, (const int64_t[]){n, k, rows}, act_B(w, (double)n * (double)k));
	/* its output is the gradient of the weights; dy and x are read */
	w->ops[w->n - 1].gradient = true;
	w->ops[w->n - 1].tensor_B = act_B(w, (double)rows * (double)(n + k));
}

static void elementwise(struct writer *w, const char *name, enum op_kind kind, enum op_split split,
			double numbers)
{
	add(w, name, kind, split)->tensor_B = act_B(w, numbers);
}

/* Tokens attended to, summed over the queries of one sequence: sum of min(past + i, window), i = 1..q. */
static double attended(int64_t q, int64_t past, int64_t window, bool causal)
{
	const int64_t all = past + q;
	const int64_t before =
		window && window > past ? window - past : 0; /* queries that see less than the window */

	if (!causal)
		return (double)q * (double)(window && window < all ? window : all);
	if (!window || before >= q)
		return (double)q * (double)past + (double)q * ((double)q + 1) / 2;
	return (double)before * (double)past + (double)before * ((double)before + 1) / 2 +
	       (double)(q - before) * (double)window;
}

/* Tokens that any of the queries sees: the first one's window reaches window - 1 back from itself. */
static int64_t seen(const struct model *m, const struct shape *s)
{
	const int64_t all = s->past + s->tokens, window = m->attention.window;

	return window && window - 1 + s->tokens < all ? window - 1 + s->tokens : all;
}

static void scores(struct writer *w)
{
	const struct attention *a = &w->m->attention;
	const struct shape *s = w->s;
	const double per_pair = 4.0 * (double)(a->heads * a->head_dim) * (double)s->batch;
	const int64_t context = seen(w->m, s);
	struct op *op = add(w, "scores", OP_SCORES, SPLIT_HEADS);

	op->query = s->tokens;
	op->groups = (double)a->heads / (double)a->kv_heads;
	op->context = context;
	/* backward: four products where forward has two */
	op->flop = op->times * per_pair * attended(s->tokens, s->past, a->window, a->causal);
	op->dense_flop = op->times * per_pair * (double)s->tokens * (double)context;
	op->kv_B = format_bytes((enum format_id)w->p->kv,
				(double)(s->batch * context) * model_kv_numbers_per_token(w->m));
}

static void adapters(struct writer *w, int64_t n, const char *a_name, const char *b_name)
{
	if (w->s->lora_rank) { /* LoRA: y += (xA)B (Hu et al., arXiv:2106.09685) */
		linear(w, a_name, SPLIT_NONE, w->rows, w->s->lora_rank, w->m->hidden, true);
		linear(w, b_name, SPLIT_COLUMNS, w->rows, n, w->s->lora_rank, true);
	}
}

static void attention_block(struct writer *w)
{
	const struct attention *a = &w->m->attention;
	const int64_t h = w->m->hidden, q = a->heads * a->head_dim, kv = a->kv_heads * a->head_dim;
	const bool t = w->s->train_weights, inference = w->phase == PHASE_PREFILL || w->phase == PHASE_DECODE;
	const double rows = (double)w->rows, cached = (double)(w->s->batch * seen(w->m, w->s));

	if (w->m->norms)
		elementwise(w, "norm", OP_NORM, SPLIT_NONE, rows * (double)h);
	linear(w, "q", SPLIT_COLUMNS, w->rows, q, h, t);
	linear(w, "k", SPLIT_COLUMNS, w->rows, kv, h, t);
	linear(w, "v", SPLIT_COLUMNS, w->rows, kv, h, t);
	adapters(w, q, "q lora a", "q lora b");
	adapters(w, kv, "v lora a", "v lora b");
	if (a->rope)
		elementwise(w, "rope", OP_ROPE, SPLIT_WIDTH, rows * (double)(q + kv));
	if (inference)
		elementwise(w, "kv append", OP_KV_APPEND, SPLIT_WIDTH, cached * 2 * (double)kv);
	if (kv < q)
		elementwise(w, "kv repeat", OP_KV_REPEAT, SPLIT_WIDTH, cached * 2 * (double)q);
	scores(w);
	linear(w, "o", SPLIT_ROWS, w->rows, h, q, t);
	if (w->m->norms) /* bare layers of a benchmark have no residual either */
		elementwise(w, "residual", OP_RESIDUAL, SPLIT_NONE, rows * (double)h);
}

static void ffn_block(struct writer *w)
{
	const int64_t h = w->m->hidden, f = w->m->ffn.inner;
	const bool t = w->s->train_weights;
	const double rows = (double)w->rows;

	if (w->m->norms)
		elementwise(w, "norm", OP_NORM, SPLIT_NONE, rows * (double)h);
	if (w->m->ffn.kind == FFN_SWIGLU)
		linear(w, "gate", SPLIT_COLUMNS, w->rows, f, h, t);
	linear(w, "up", SPLIT_COLUMNS, w->rows, f, h, t);
	elementwise(w, "activation", OP_ACTIVATION, SPLIT_WIDTH, rows * (double)f);
	linear(w, "down", SPLIT_ROWS, w->rows, h, f, t);
	if (w->m->norms)
		elementwise(w, "residual", OP_RESIDUAL, SPLIT_NONE, rows * (double)h);
}

static int64_t head_rows(const struct shape *s)
{
	return s->all_logits ? s->batch * s->tokens : s->batch;
}

static void head_block(struct writer *w)
{
	const int64_t rows = head_rows(w->s);

	if (w->m->norms)
		elementwise(w, "norm", OP_NORM, SPLIT_NONE, (double)rows * (double)w->m->hidden);
	linear(w, "head", SPLIT_COLUMNS, rows, w->m->vocabulary, w->m->hidden, w->s->train_weights);
}

size_t graph_block(const struct model *m, const struct precision *p, const struct shape *s, enum role role,
		   enum phase phase, struct op ops[GRAPH_OPS])
{
	struct writer w = {m, p, s, role, phase, s->batch * s->tokens, ops, 0};

	switch (role) {
	case ROLE_EMBEDDING:
		if (m->ends && phase != PHASE_BACKWARD)
			elementwise(&w, "embedding", OP_GATHER, SPLIT_NONE,
				    (double)w.rows * (double)m->hidden);
		break;
	case ROLE_ATTENTION:
		attention_block(&w);
		break;
	case ROLE_FFN:
		ffn_block(&w);
		break;
	case ROLE_HEAD:
		if (m->ends)
			head_block(&w);
		break;
	case ROLE_N:
		BUG("no such role");
	}
	if (phase == PHASE_BACKWARD) /* last operator first */
		for (size_t i = 0; i < w.n / 2; i++) {
			const struct op swap = ops[i];

			ops[i] = ops[w.n - 1 - i];
			ops[w.n - 1 - i] = swap;
		}
	return w.n;
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

double graph_hidden_B(const struct model *m, const struct precision *p)
{
	return format_bytes((enum format_id)p->compute, (double)m->hidden);
}

double graph_saved_B(const struct model *m, const struct precision *p, const struct shape *s, enum role role)
{
	const struct attention *a = &m->attention;
	const double rows = (double)(s->batch * s->tokens), h = (double)m->hidden;
	const double q = (double)(a->heads * a->head_dim), kv = (double)(a->kv_heads * a->head_dim);
	double numbers = 0;

	if (role == ROLE_ATTENTION) /* input, normed input, q, k, v, probabilities, what goes into o */
		numbers = rows *
			  (h + (m->norms ? h : 0) + q + 2 * kv + (double)a->heads * (double)seen(m, s) + q);
	else if (role == ROLE_FFN) /* input, normed input, gate, its activation, up, what goes into down */
		numbers = rows * (h + (m->norms ? h : 0) +
				  (m->ffn.kind == FFN_SWIGLU ? 4 : 2) * (double)m->ffn.inner);
	else if (role == ROLE_HEAD && m->ends) /* input, normed input, logits and their gradient */
		numbers = (double)head_rows(s) * (2 * h + 2 * (double)m->vocabulary);
	return format_bytes((enum format_id)p->compute, numbers);
}

double graph_live_B(const struct model *m, const struct precision *p, const struct shape *s, enum role role,
		    bool scores)
{
	const struct attention *a = &m->attention;
	const double rows = (double)(s->batch * s->tokens), h = (double)m->hidden;
	const double q = (double)(a->heads * a->head_dim), kv = (double)(a->kv_heads * a->head_dim);
	double numbers = 0;

	if (role == ROLE_EMBEDDING)
		numbers = rows * h;
	else if (role ==
		 ROLE_ATTENTION) /* residual, normed input, q, k, v, output; scores and their softmax */
		numbers = rows *
			  (2 * h + 2 * q + 2 * kv + (scores ? 2 * (double)a->heads * (double)seen(m, s) : 0));
	else if (role == ROLE_FFN) /* residual, normed input, gate, up */
		numbers = rows * (2 * h + (m->ffn.kind == FFN_SWIGLU ? 2 : 1) * (double)m->ffn.inner);
	else if (m->ends) /* residual, normed input, logits */
		numbers = rows * h + (double)head_rows(s) * (h + (double)m->vocabulary);
	return format_bytes((enum format_id)p->compute, numbers);
}

double graph_blocks(const struct model *m, enum role role)
{
	return role == ROLE_ATTENTION || role == ROLE_FFN ? (double)m->layers : 1;
}

double graph_weights(const struct model *m, enum role role)
{
	switch (role) {
	case ROLE_EMBEDDING:
		return model_embedding_weights(m);
	case ROLE_ATTENTION:
		return model_attention_weights(m);
	case ROLE_FFN:
		return model_ffn_weights(m);
	case ROLE_HEAD:
		return model_head_weights(m);
	case ROLE_N:
		break;
	}
	BUG("no such role");
}

double graph_trainable(const struct model *m, const struct shape *s, enum role role)
{
	const struct attention *a = &m->attention;
	double lora = 0;

	if (s->train_weights)
		return graph_weights(m, role);
	if (role == ROLE_ATTENTION)
		lora = (double)s->lora_rank *
		       (2 * (double)m->hidden + (double)((a->heads + a->kv_heads) * a->head_dim));
	return lora;
}
