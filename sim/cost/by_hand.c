/* by_hand.c - see by_hand.h. */
#include "sim/cost/by_hand.h"

#include "sim/cost/terms.h"

static bool is_of_width(const struct field_list *widths, int64_t width)
{
	const double *at = widths->at;

	for (size_t i = 0; i < widths->n; i++)
		if ((int64_t)at[i] == width)
			return true;
	return !widths->n;
}

/* Keys of latent attention are wider than its values: of prompts no kernel takes that, of steps it has its own. */
static bool is_fused(const struct code_by_hand *b, const struct op *op)
{
	return op->query > GEMV_ROWS ? is_of_width(&b->prompts, op->head_dim)
				     : !op->head_dim || is_of_width(&b->steps, op->head_dim);
}

const struct fusion *scores_by_hand(const struct profile *p, const struct op *op)
{
	const struct code_by_hand *b = &p->by_hand;

	if (op->phase != PHASE_PREFILL && op->phase != PHASE_DECODE)
		return NULL; /* what training keeps and passes is in train_copies and scores */
	if (op->by_hand && b->capped.origin.node)
		return &b->capped;
	return b->scores.origin.node && !is_fused(b, op) ? &b->scores : NULL;
}

struct fusion more_by_hand(const struct op *op)
{
	if (!op->by_hand)
		return (struct fusion){.kernels = 0};
	/* the sum of a norm's weights and 1 is as small as they are; the product reads two tensors and writes one, of
	 * which the activation's own count has one */
	return (struct fusion){.kernels = 1, .passes = op->kind == OP_ACTIVATION ? 2 : 0};
}

/* A table without products of that dtype is refused by device_model_check() where products are run. */
static struct util product_util(const struct device_model *d, const struct op *op)
{
	const double width = op->head_dim ? (double)op->head_dim : 128;

	return util_at(d->gemm ? d->gemm : d->attention, (double)op->query, (double)op->context * width);
}

void cost_scores_by_hand(struct cost *c, const struct op *op, const struct device_model *device_model,
			 double share)
{
	const bool few = op->query <= GEMV_ROWS;
	const struct util u = product_util(device_model, op);

	c->flop = op->dense_flop * share;
	c->bytes = op->kv_B * (op->kv_of_all ? 1 : share) * (few ? op->groups : 1);
	c->arithmetic =
		few ? term_at_share(device_model, c->flop, NULL) : term_arithmetic(device_model, c->flop, &u);
	c->memory = term_stream(c->bytes, &device_model->profile->gemv);
}
