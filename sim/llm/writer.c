/* writer.c - see writer.h. */
#include "sim/llm/writer.h"

#include <math.h>

#include "sim/llm/mix.h"

static const char *const adapter_ops[ADAPTER_N][2] = {
	[ADAPTER_Q] = {"q lora a", "q lora b"},          [ADAPTER_K] = {"k lora a", "k lora b"},
	[ADAPTER_V] = {"v lora a", "v lora b"},          [ADAPTER_O] = {"o lora a", "o lora b"},
	[ADAPTER_GATE] = {"gate lora a", "gate lora b"}, [ADAPTER_UP] = {"up lora a", "up lora b"},
	[ADAPTER_DOWN] = {"down lora a", "down lora b"}};

double writer_act_B(const struct writer *w, double numbers)
{
	return format_bytes((enum format_id)w->p->compute, numbers);
}

static bool is_by_hand(const struct by_hand_as *b, enum op_kind kind)
{
	return kind == OP_SCORES ? b->caps : kind == OP_NORM ? b->norms : kind == OP_ACTIVATION && b->gates;
}

struct op *writer_add(struct writer *w, const char *name, enum op_kind kind, enum op_split split)
{
	BUG_ON(w->n == GRAPH_OPS);
	w->ops[w->n] = (struct op){.name = name,
				   .kind = kind,
				   .split = split,
				   .role = w->part.role,
				   .phase = w->phase,
				   .by_hand = is_by_hand(&w->m->by_hand, kind),
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
	struct op *op = writer_add(w, name, OP_LINEAR, split);

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
				     mix_bytes(w->m, w->p, w->part, l->t, x.copies * n * k),
				     writer_act_B(w, x.rows * (n + k)),
				     x.rows,
				     mix_most(w->m, w->p, w->part, l->t),
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
	s.weight_B = writer_act_B(w, x.copies * n * k);
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

void writer_linear_over(struct writer *w, const struct layer *l, struct spread x)
{
	products(w, l, x, w->s->train_weights);
	if (l->adapter < ADAPTER_N && w->s->adapters >> l->adapter & 1)
		adapt(w, l, x);
}

void writer_linear(struct writer *w, const struct layer *l)
{
	writer_linear_over(w, l, (struct spread){(double)w->rows, 1});
}

void writer_join(struct writer *w, size_t first)
{
	int64_t n = 0;

	for (size_t i = first; i < w->n; i++)
		n += w->ops[i].kind == OP_LINEAR && !w->ops[i].adapter ? w->ops[i].n : 0;
	for (size_t i = first; i < w->n; i++)
		if (w->ops[i].kind == OP_LINEAR && !w->ops[i].adapter)
			w->ops[i].joint = n;
}

void writer_elementwise(struct writer *w, const char *name, enum op_kind kind, enum op_split split,
			double numbers)
{
	writer_add(w, name, kind, split)->tensor_B = writer_act_B(w, numbers);
}
