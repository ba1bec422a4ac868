/* op_rates.c - see op_rates.h. */
#include "sim/cost/op_rates.h"

#include <math.h>

#include "sim/cost/by_hand.h"
#include "sim/cost/measured_rows.h"
#include "sim/cost/product.h"
#include "sim/cost/terms.h"

enum weights_rate op_rates_by_bits(const struct profile *p, double bits)
{
	return bits <= 5 && p->gemv_q4.given   ? WEIGHTS_Q4
	       : bits <= 9 && p->gemv_q8.given ? WEIGHTS_Q8
					       : WEIGHTS_WHOLE;
}

static enum weights_rate by_format(enum format_id f)
{
	switch (cost_weights_kind(f)) {
	case BEYOND_F16:
		return WEIGHTS_WHOLE;
	case BEYOND_Q8:
		return WEIGHTS_Q8;
	default:
		return WEIGHTS_Q4;
	}
}

/* Weights in bf16 have kernels of their own where the profile has a number for them (product_utilisation()). */
static bool is_own_bf16(const struct profile *p, const struct op *op)
{
	const struct by_weights *b =
		op->experts && is_given(&p->dequant_experts.origin) ? &p->dequant_experts : &p->dequant;

	return op->format == FORMAT_BF16 && b->bf16.given;
}

static struct op_rates of_product(const struct op *op, const struct device_model *device_model)
{
	const struct profile *p = device_model->profile;
	const double rows = measured_rows_of(op, device_model),
		     bits = 8 * op->weight_B / (op->copies * (double)op->n * (double)op->k);
	struct op_rates r = {.memory = op_rates_by_bits(p, bits), .arithmetic = by_format(op->format)};

	if (measured_rows_hold(op, device_model)) {
		r.memory = r.arithmetic;
		r.read_rows = rows > 1 && rows <= MEASURED_FEW_ROWS;
	} else if (!product_is_few(p, op)) {
		r.memory = WEIGHTS_NONE;
		r.experts = op->experts > 0;
		r.tokens = product_tokens(op);
		r.ramp = product_ramp(device_model, op);
		if (is_own_bf16(p, op))
			r.arithmetic = WEIGHTS_BF16;
	} else {
		r.few = true;
		r.several = rows > 1;
	}
	return r;
}

/* True where the table's utilisation is that of the prompt's kernel. */
static bool is_of_table(const struct attention_table *a, const struct op *op)
{
	const struct attention_shapes *of = &a->u_of;

	if (!is_given(&of->origin) || !a->other_u.given)
		return true;
	return op->head_dim > 0 && op->head_dim <= of->head_dim && (!of->grouped || op->groups > 1);
}

enum attention_rate attention_rate_of(const struct attention_table *a, const struct op *op)
{
	const bool few = op->query <= GEMV_ROWS;

	if (few && a->decode_u.given)
		return ATTENTION_FEW;
	if (a->alone_u.given && !few && op->groups <= 1 && op->head_dim > 0)
		return ATTENTION_ALONE;
	return a->other_u.given && (few || !is_of_table(a, op)) ? ATTENTION_OTHER : ATTENTION_TABLE;
}

/* Attention by hand is made of products; few queries of which nothing was measured compute at the peak. */
static enum attention_rate attention_of(const struct op *op, const struct device_model *device_model)
{
	const struct profile *p = device_model->profile;
	const enum attention_rate of = attention_rate_of(&p->attention, op);
	const bool unmeasured = op->query <= GEMV_ROWS && of == ATTENTION_TABLE && !device_model->few_queries;

	return op->kind != OP_SCORES || scores_by_hand(p, op) || unmeasured ? ATTENTION_NONE : of;
}

double op_rates_ramp(double tokens, double ramp, double other)
{
	const double counted = fmax(tokens, RAMP_TOKENS);

	return (counted + ramp) / (counted + other);
}

double op_rates_context(double context, double half, double other)
{
	return (1 + context / half) / (1 + context / other);
}

double op_rates_half(const struct device_model *device_model)
{
	const struct qty *q = &device_model->profile->ramp.context;
	const struct model_reach *reach = device_model->reach;

	return (q->given ? q->value : RAMP_CONTEXT) *
	       (reach && reach->context.given ? reach->context.value : 1);
}

struct op_rates op_rates_of(const struct op *op, const struct device_model *device_model)
{
	struct op_rates r;

	if (op->kind == OP_LINEAR)
		return of_product(op, device_model);
	r = (struct op_rates){.cache = op->kind == OP_SCORES && op->query <= GEMV_ROWS,
			      .prompt = op->kind == OP_SCORES && op->query > GEMV_ROWS,
			      .attention = attention_of(op, device_model)};
	if (r.prompt && r.attention != ATTENTION_NONE) {
		r.context = (double)op->context;
		r.half = op_rates_half(device_model);
	}
	return r;
}
