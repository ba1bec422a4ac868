/* attention.c - see attention.h. */
#include "sim/cost/attention.h"

#include <math.h>

#include "sim/base/exact_math.h"
#include "sim/cost/by_hand.h"
#include "sim/cost/op_rates.h"
#include "sim/cost/product.h"
#include "sim/cost/terms.h"
#include "sim/cost/util.h"

/* The kernel that was measured for heads of that width and that cache; NULL: the table's own numbers hold. */
static const struct attention_kernel *attention_kernel_of(const struct attention_table *a,
							  const struct op *op)
{
	const struct attention_kernel *k = a->kernels.at;

	for (size_t i = 0; i < a->kernels.n; i++)
		if (k[i].head_dim == op->head_dim && k[i].kv_bits == op->kv_bits)
			return &k[i];
	return NULL;
}

static struct util scores_util(const struct op *op, const struct device_model *device_model, bool few,
			       const struct attention_kernel *kernel)
{
	const struct attention_table *a = &device_model->profile->attention;
	struct util u;

	if (few && kernel)
		return term_util(&kernel->decode_u);
	switch (attention_rate_of(a, op)) {
	case ATTENTION_FEW:
		return term_util(&a->decode_u);
	case ATTENTION_ALONE:
		return term_util(&a->alone_u);
	case ATTENTION_OTHER:
		return term_util(&a->other_u);
	default:
		break;
	}
	u = util_at(device_model->attention, (double)op->query, (double)op->context);
	if (kernel && kernel->prefill.given) {
		u.u *= kernel->prefill.value;
		u.spread = exact_hypot(u.spread, kernel->prefill.spread);
	}
	return u;
}

enum { WHOLE_BITS = 16 };

/* A vector kernel of one query head. */
static bool is_alone(const struct attention_table *a, const struct op *op)
{
	enum { VECTOR_QUERIES = 2, VECTOR_HEAD = 256 };

	return a->blocks_alone && op->kv_bits > 0 && op->kv_bits < WHOLE_BITS && op->head_dim > 0 &&
	       op->head_dim <= VECTOR_HEAD && op->query <= VECTOR_QUERIES;
}

/* Query heads that read a cache after one another find it in the device's own cache where that holds it. */
static bool is_held(const struct op *op, const struct device *d)
{
	return d->cache.given && op->kv_B <= d->cache.value;
}

/* The number of times that a step's kernel reads the cache: each of its blocks serves so many query heads of a group. */
static double readings(const struct attention_table *a, const struct op *op, const struct device *d)
{
	double shared = 1;

	if (is_alone(a, op) && !is_held(op, d))
		return op->groups;
	if (!a->decode_shares || !op->head_dim)
		return 1;
	while (2 * shared <= (double)a->decode_shares && fmod(op->groups, 2 * shared) == 0)
		shared *= 2;
	return op->groups / shared;
}

/* A step's kernel unpacks each number of a cache in blocks, for each query head again where it takes no group: no less time than
 * so many bytes take that it reads as they are. 0: nothing is unpacked, or nothing is known of it. */
static double unpacked_bytes(const struct attention_table *a, const struct op *op)
{
	static const double scale_bits =
		0.5; /* one of 16 bits for each block of 32 numbers, as in q8_0 and q4_0 */

	if (!a->blocks.given || op->kv_bits <= 0 || op->kv_bits >= WHOLE_BITS || op->query > GEMV_ROWS)
		return 0;
	return a->blocks.value * (is_alone(a, op) ? op->groups : 1) * op->kv_B * WHOLE_BITS /
	       ((double)op->kv_bits + scale_bits);
}

/* The time of reading a cache in a step, or of unpacking it where that takes longer. How often one that is unpacked is read is no
 * better known than what unpacking takes. */
static struct term term_cache(const struct cost *c, const struct attention_table *a, const struct op *op,
			      double share, const struct qty *rate)
{
	const double part = op->kv_of_all ? 1 : share, unpacked = unpacked_bytes(a, op) * part;
	struct term t = term_stream(fmax(c->bytes, unpacked), rate);

	if (unpacked > op->kv_B * part) {
		t.spread = exact_hypot(t.spread, a->blocks.spread);
		t.from = provenance_worse(t.from, a->blocks.provenance);
	}
	return t;
}

/* What a step's kernel computes, over the FLOP of its query heads: units of a core that wait for the others of their group
 * are as busy as those. */
static double padded_heads(const struct attention_table *a, const struct op *op)
{
	const double at_a_time = (double)a->decode_heads;

	return a->decode_heads && op->groups > 1 ? at_a_time * ceil(op->groups / at_a_time) / op->groups : 1;
}

/* FlashAttention 2 gives all query heads of a group to one block, and the context to several, only where no sequence of
 * the batch has more than one query: seqlenq_ngroups_swapped of mha_varlen_fwd(), csrc/flash_attn/flash_api.cpp of
 * vllm-project/flash-attention@04325b67. */
bool attention_is_mixed(const struct attention_table *a, const struct op *op)
{
	return a->mixed.given && op->beside > 1 && op->head_dim > 0;
}

/* Blocks are started for as many queries as the longest piece has, of every sequence. */
double attention_starts_mixed(const struct attention_table *a, const struct op *op)
{
	const double tiles = (double)((op->beside - 1) / MIXED_TILE);

	return op->caches * op->groups *
	       (a->mixed_head.value + (a->mixed_tile.given ? tiles * a->mixed_tile.value : 0));
}

/* A runtime may have another kernel for one query of each of several sequences than for one of one. */
bool attention_is_several(const struct attention_table *a, const struct op *op)
{
	return a->several.given && op->sequences > 1 && op->query <= GEMV_ROWS;
}

/* Keys and values that fit no cache come from further away for each tile of queries. */
static void slow_behind(struct term *arithmetic, const struct op *op, const struct device_model *device_model)
{
	const struct qty *q = &device_model->profile->ramp.context;
	const double context = (double)op->context, half = op_rates_half(device_model);

	arithmetic->s *= op_rates_context(context, half, RAMP_CONTEXT);
	if (q->given)
		arithmetic->spread = exact_hypot(arithmetic->spread, q->spread * context / (context + half));
}

void cost_scores(struct cost *c, const struct op *op, const struct device_model *device_model, double share)
{
	const struct attention_table *a = &device_model->profile->attention;
	const struct attention_kernel *kernel = attention_kernel_of(a, op);
	/* kernels for few queries share nothing between the query heads of a group: they are bound by what
	 * they compute where groups are large, by reading the cache where they are small */
	const bool few = op->query <= GEMV_ROWS;
	struct util u = scores_util(op, device_model, few, kernel);

	if (scores_by_hand(device_model->profile, op)) {
		cost_scores_by_hand(c, op, device_model, share);
		return;
	}
	if (device_model->profile->scores.passes > 0 && device_model->compute == DTYPE_F16)
		u.u *= product_sums_share(device_model); /* scores and values are products of that library */
	c->flop = (a->skips_mask ? op->flop : op->dense_flop) * share;
	/* a runtime that writes the cache out for every query head also reads it so */
	c->bytes = op->kv_B * (op->kv_of_all ? 1 : share) *
		   (device_model->profile->kv_repeat.passes > 0 ? op->groups
		    : few                                       ? readings(a, op, device_model->device)
								: 1);
	/* the utilisation of a prompt's kernel says nothing of one that was made for a query, but for the peak */
	c->arithmetic =
		few && !kernel && !a->decode_u.given && !a->other_u.given && !device_model->few_queries
			? term_at_share(device_model, c->flop, NULL)
			: term_arithmetic(device_model, c->flop * (few ? padded_heads(a, op) : 1), &u);
	if (!few)
		slow_behind(&c->arithmetic, op, device_model);
	if (attention_is_mixed(a, op)) {
		c->bytes *= op->groups;
		c->memory = term_stream(c->bytes, &a->mixed);
		return;
	}
	if (attention_is_several(a, op)) {
		c->arithmetic = term_at_share(device_model, c->flop, NULL);
		c->memory = term_stream(c->bytes, &a->several);
		return;
	}
	c->memory = term_cache(c, a, op, share,
			       kernel                                     ? &kernel->decode
			       : a->decode_alone.given && op->groups <= 1 ? &a->decode_alone
									  : &a->decode);
}
