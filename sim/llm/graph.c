/* graph.c - see graph.h. */
#include "sim/llm/graph.h"

#include <math.h>

#include "sim/llm/writer.h"

const char *const phase_names[PHASE_N + 1] = {
	[PHASE_PREFILL] = "prefill",   [PHASE_DECODE] = "decode", [PHASE_FORWARD] = "forward",
	[PHASE_BACKWARD] = "backward", [PHASE_UPDATE] = "update", [PHASE_N] = NULL};

const char *const adapter_names[ADAPTER_N + 1] = {
	[ADAPTER_Q] = "q",       [ADAPTER_K] = "k",   [ADAPTER_V] = "v",       [ADAPTER_O] = "o",
	[ADAPTER_GATE] = "gate", [ADAPTER_UP] = "up", [ADAPTER_DOWN] = "down", [ADAPTER_N] = NULL};
/* Bare layers of a benchmark have neither norms nor the residual around a block. */
static void begin_block(struct writer *w)
{
	if (w->m->norms)
		writer_elementwise(w, "norm", OP_NORM, SPLIT_NONE, (double)w->rows * (double)w->m->hidden);
}

static void end_block(struct writer *w)
{
	const double numbers = (double)w->rows * (double)w->m->hidden;
	const double streams = (double)(w->m->streams > 1 ? w->m->streams : 1); /* each is read and written */

	if (w->m->norms && w->m->post_norms)
		writer_elementwise(w, "post norm", OP_NORM, SPLIT_NONE, numbers);
	if (w->m->norms)
		writer_elementwise(w, "residual", OP_RESIDUAL, SPLIT_NONE, numbers * streams);
}

/* Adds the shared experts' output to the residual stream. */
static void end_shared(struct writer *w)
{
	writer_elementwise(w, "add", OP_RESIDUAL, SPLIT_NONE, (double)w->rows * (double)w->m->hidden);
}

/* The layer's own embedding joins behind its FFN (Gemma 3n and 4): gate, its activation times the embedding, projection,
 * norm, and a sum of its own behind the FFN's (mlx_lm/models/gemma4_text.py, ml-explore/mlx-lm@d78bf58;
 * src/models/gemma4.cpp of llama.cpp). */
static void per_layer_embedding(struct writer *w)
{
	const int64_t p = w->m->per_layer_embedding, h = w->m->hidden;

	if (!p)
		return;
	writer_linear(w, &(struct layer){"layer gate", SPLIT_NONE, TENSOR_OTHER, p, h, ADAPTER_N});
	writer_elementwise(w, "activation", OP_ACTIVATION, SPLIT_NONE, (double)w->rows * (double)p);
	writer_elementwise(w, "layer product", OP_RESIDUAL, SPLIT_NONE, (double)w->rows * (double)p);
	writer_linear(w, &(struct layer){"layer projection", SPLIT_NONE, TENSOR_OTHER, h, p, ADAPTER_N});
	writer_elementwise(w, "layer norm", OP_NORM, SPLIT_NONE, (double)w->rows * (double)h);
	writer_elementwise(w, "layer residual", OP_RESIDUAL, SPLIT_NONE, (double)w->rows * (double)h);
}

static void ffn_block(struct writer *w)
{
	const struct ffn *ffn = part_ffn(w->m, w->part);
	const int64_t h = w->m->hidden, f = ffn->inner;
	const bool one_norm = w->m->layout && w->m->layout->kind[w->part.kind].one_norm;
	size_t first;

	if (!one_norm)
		begin_block(w);
	first = w->n;
	if (ffn->kind == FFN_SWIGLU)
		writer_linear(w, &(struct layer){"gate", SPLIT_COLUMNS, TENSOR_UP, f, h, ADAPTER_GATE});
	writer_linear(w, &(struct layer){"up", SPLIT_COLUMNS, TENSOR_UP, f, h, ADAPTER_UP});
	writer_join(w, first);
	writer_elementwise(w, "activation", OP_ACTIVATION, SPLIT_WIDTH, (double)w->rows * (double)f);
	writer_linear(w, &(struct layer){"down", SPLIT_ROWS, TENSOR_DOWN, h, f, ADAPTER_DOWN});
	per_layer_embedding(w);
	end_block(w);
}

/* The norm before the experts, and which experts each token goes to. */
static void router_block(struct writer *w)
{
	const struct experts *x = w->m->experts;

	begin_block(w);
	writer_linear(
		w, &(struct layer){"router", SPLIT_NONE, TENSOR_ROUTER, x->count, w->m->hidden, ADAPTER_N});
	writer_elementwise(w, "route", OP_ROUTE, SPLIT_NONE, (double)w->rows * (double)x->count);
	if (x->latent)
		writer_linear(w, &(struct layer){"latent in", SPLIT_NONE, TENSOR_OTHER, x->latent,
						 w->m->hidden, ADAPTER_N});
}

static void shared_block(struct writer *w)
{
	const int64_t h = w->m->hidden, f = experts_shared_inner(w->m->experts);
	const size_t first = w->n;

	if (w->m->experts->kind == FFN_SWIGLU)
		writer_linear(w, &(struct layer){"shared gate", SPLIT_COLUMNS, TENSOR_SHARED_UP, f, h,
						 ADAPTER_GATE});
	writer_linear(w, &(struct layer){"shared up", SPLIT_COLUMNS, TENSOR_SHARED_UP, f, h, ADAPTER_UP});
	writer_join(w, first);
	writer_elementwise(w, "activation", OP_ACTIVATION, SPLIT_WIDTH, (double)w->rows * (double)f);
	writer_linear(w, &(struct layer){"shared down", SPLIT_ROWS, TENSOR_SHARED_DOWN, h, f, ADAPTER_DOWN});
	if (!w->s->no_end)
		end_shared(w);
}

static void experts_block(struct writer *w)
{
	const struct experts *x = w->m->experts;
	const int64_t h = experts_width(w->m), f = x->inner;
	const struct spread all = {(double)w->rows * (double)x->active, experts_hit(x, (double)w->rows)},
			    part = {w->s->expert_rows, w->s->experts_hit},
			    s = w->s->experts_hit > 0 ? part : all;
	const size_t first = w->n;

	if (x->kind == FFN_SWIGLU)
		writer_linear_over(
			w,
			&(struct layer){"expert gate", SPLIT_EXPERTS, TENSOR_EXPERT_UP, f, h, ADAPTER_GATE},
			s);
	writer_linear_over(w, &(struct layer){"expert up", SPLIT_EXPERTS, TENSOR_EXPERT_UP, f, h, ADAPTER_UP},
			   s);
	writer_join(w, first);
	writer_elementwise(w, "activation", OP_ACTIVATION, SPLIT_WIDTH, s.rows * (double)f);
	writer_linear_over(
		w, &(struct layer){"expert down", SPLIT_EXPERTS, TENSOR_EXPERT_DOWN, h, f, ADAPTER_DOWN}, s);
	writer_elementwise(w, "combine", OP_COMBINE, SPLIT_WIDTH, s.rows * (double)h);
	if (x->latent)
		writer_linear(w, &(struct layer){"latent out", SPLIT_NONE, TENSOR_OTHER, w->m->hidden, h,
						 ADAPTER_N});
	if (!w->s->no_end)
		end_block(w);
}

/* Rows of the tables; embeddings of each layer join a product of the first one. */
static void embedding_block(struct writer *w)
{
	const int64_t h = w->m->hidden, each = w->m->per_layer_embedding * w->m->layers;

	writer_elementwise(w, "embedding", OP_GATHER, SPLIT_NONE, (double)w->rows * (double)(h + each));
	if (w->m->is_mtp) /* the token's row and the hidden state behind it, each normed, become one */
		writer_linear(w, &(struct layer){"join", SPLIT_NONE, TENSOR_OTHER, h, 2 * h, ADAPTER_N});
	if (!each)
		return;
	writer_linear(w, &(struct layer){"layers' projection", SPLIT_NONE, TENSOR_SMALL, each, h, ADAPTER_N});
	writer_elementwise(w, "layers' norm", OP_NORM, SPLIT_NONE, (double)w->rows * (double)each);
}

static void head_block(struct writer *w)
{
	w->rows = graph_head_rows(w->s);
	begin_block(w);
	writer_linear(w, &(struct layer){"head", SPLIT_COLUMNS, TENSOR_HEAD, w->m->vocabulary, w->m->hidden,
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

/* The gradients of each micro-batch are added to sums over all of them, which are zero at first, as in Megatron-LM@d98e8a64
 * megatron/core/distributed/param_and_grad_buffer.py, whose products add to sums in f32, 8 bytes a number where they would
 * write 2 (gradient_accumulation_fusion). PyTorch by itself reads gradients and sums and writes these, 6 bytes too
 * (pytorch/pytorch@v2.5.0 torch/csrc/autograd/functions/accumulate_grad.h), but for the first micro-batch's. Gradients that are
 * kept in another width than they are computed in are read and written anew where they are not summed. */
static void add_sum(struct writer *w)
{
	const double experts = w->s->experts_hit > 0 ? w->s->experts_hit / (double)w->m->experts->count : 1,
		     numbers = graph_trainable(w->m, w->s, w->part) * experts, made = writer_act_B(w, 1),
		     kept = w->s->gradient_B > 0 ? w->s->gradient_B : made;

	if (numbers <= 0 || w->part.role == ROLE_EMBEDDING || (!w->s->sums && kept == made))
		return;
	w->ops[w->n] = graph_update(w->part.role, numbers, made + (w->s->sums ? 2 : 1) * kept);
	w->ops[w->n].name = "sum of gradients";
	w->ops[w->n].phase = PHASE_BACKWARD;
	w->ops[w->n++].gradient = true;
}

size_t graph_block(const struct model *m, const struct precision *p, const struct shape *s, struct part part,
		   enum phase phase, struct op ops[GRAPH_OPS])
{
	struct writer w = {m, p, s, part, phase, graph_rows(s), ops, 0, 0};

	switch (part.role) {
	case ROLE_EMBEDDING:
		if (m->ends && phase != PHASE_BACKWARD)
			embedding_block(&w);
		break;
	case ROLE_ATTENTION:
		begin_block(&w);
		writer_mixer(&w);
		end_block(&w);
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
	if (phase == PHASE_BACKWARD && (s->sums || s->gradient_B > 0))
		add_sum(&w);
	return w.n;
}

size_t graph_attends(const struct model *m, const struct precision *p, const struct shape *s,
		     struct part part, enum phase phase, struct op ops[GRAPH_OPS])
{
	struct writer w = {m, p, s, part, phase, graph_rows(s), ops, 0, 0};

	writer_attends(&w);
	return w.n;
}

bool op_attends(const struct op *op)
{
	return op->kind == OP_KV_APPEND || op->kind == OP_KV_REPEAT || op->kind == OP_SCORES ||
	       op->kind == OP_TOP || op->kind == OP_SCAN;
}

size_t graph_end(const struct model *m, const struct precision *p, const struct shape *s, struct part part,
		 enum phase phase, struct op ops[GRAPH_OPS])
{
	struct writer w = {m, p, s, part, phase, graph_rows(s), ops, 0, 0};

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
	       a->experts_hit == b->experts_hit && a->no_end == b->no_end && a->contexts == b->contexts &&
	       a->sums == b->sums && a->gradient_B == b->gradient_B && a->mix == b->mix;
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

/* The sum over the step's tokens of those that each may see, itself too, were none masked. */
static double graph_cells(const struct shape *s)
{
	double cells;

	if (!s->mix)
		return (double)graph_rows(s) * (double)(s->past + s->tokens);
	cells = (double)s->mix->context * (double)s->mix->rows_each;
	for (size_t i = 0; i < s->mix->pieces_n; i++) {
		const struct shape_piece *piece = &s->mix->pieces[i];

		cells += (double)piece->tokens * (double)(piece->past + piece->tokens);
	}
	return cells;
}

struct op graph_step(const struct model *m, const struct shape *s, enum phase phase)
{
	return (struct op){.name = "step",
			   .kind = OP_STEP,
			   .role = ROLE_HEAD,
			   .phase = phase,
			   .m = graph_rows(s),
			   .cells = graph_cells(s),
			   .tensor_B = 4.0 * (double)graph_head_rows(s) * (double)m->vocabulary};
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
