/* cost.c - see cost.h. */
#include "sim/cost/cost.h"

#include <math.h>

#include "sim/base/exact_math.h"
#include "sim/cost/attention.h"
#include "sim/cost/beyond.h"
#include "sim/cost/by_hand.h"
#include "sim/cost/command_buffers.h"
#include "sim/cost/passes.h"
#include "sim/cost/product.h"
#include "sim/cost/terms.h"
#include "sim/cost/util.h"

const char *const param_names[PARAM_N] = {
	[PARAM_ARITHMETIC] = "arithmetic",     [PARAM_MEMORY] = "memory bandwidth",
	[PARAM_OVERHEAD] = "runtime overhead", [PARAM_LATENCY] = "latency",
	[PARAM_BANDWIDTH] = "bandwidth",       [PARAM_COPIES] = "host copy rate"};

static const struct fusion *fusion_of(const struct profile *p, enum op_kind kind)
{
	static const struct fusion update = {.kernels = 1, .passes = 1}, gather = {.kernels = 1, .passes = 2};
	/* not fused: softmax, sort, take, sum, divide; multiply and sum (build_moe_ffn() of llama.cpp) */
	static const struct fusion route = {.kernels = 5, .passes = 4}, combine = {.kernels = 2, .passes = 3};

	switch (kind) {
	case OP_GATHER:
		return &gather;
	case OP_NORM:
		return &p->norm;
	case OP_LINEAR:
		return &p->linear;
	case OP_ROPE:
		return &p->rope;
	case OP_KV_APPEND:
		return &p->kv_append;
	case OP_KV_REPEAT:
		return &p->kv_repeat;
	case OP_SCORES:
		return &p->scores;
	case OP_ACTIVATION:
		return &p->activation;
	case OP_RESIDUAL:
		return &p->residual;
	case OP_ROUTE:
		return p->route.origin.node ? &p->route : &route;
	case OP_COMBINE:
		return p->combine.origin.node ? &p->combine : &combine;
	case OP_CONV: /* reads and writes the channels */
		return p->conv.origin.node ? &p->conv : &gather;
	case OP_SCAN:
		return p->scan.origin.node ? &p->scan : &gather;
	case OP_TOP:    /* one pass over the scores, which no one writes out whole */
	case OP_UPDATE: /* its bytes are the whole traffic */
		return &update;
	case OP_STEP:
	case OP_LAUNCH:
	case OP_WIRE:
	case OP_KIND_N:
		break;
	}
	BUG("operator kind %d", (int)kind);
}

static const struct fusion *fusion_of_op(const struct profile *p, const struct op *op)
{
	const struct fusion *by_hand = op->kind == OP_SCORES ? scores_by_hand(p, op) : NULL;

	return by_hand ? by_hand : fusion_of(p, op->kind);
}

/* A scan that walks the tokens has its state on the chip, one head's column to a thread: it reads and writes the states
 * once, what each token brings once, and computes without matrix units, as attention of few queries does. One in chunks
 * multiplies the tokens of a chunk with one another, head by head, as attention with as many queries and keys does.
 * Which kernel does which: llm/scans.h. */
static void cost_scan(struct cost *c, const struct op *op, const struct device_model *device_model,
		      double share)
{
	const struct attention_table *a = &device_model->profile->attention;
	const double chunk = (double)op->context;
	const struct util u = chunk > 0           ? util_at(device_model->attention, chunk, chunk)
			      : a->decode_u.given ? term_util(&a->decode_u)
						  : util_at(device_model->attention, 1, (double)op->query);

	c->flop = op->flop * share;
	/* the operator's state is read and written once */
	c->bytes = (op->kv_B * fusion_of(device_model->profile, OP_SCAN)->passes / 2 +
		    op->tensor_B * op->times) *
		   share;
	c->arithmetic = term_arithmetic(device_model, c->flop, &u);
	c->memory = term_stream(c->bytes, &device_model->profile->copy);
}

/* What a product of experts takes in all beyond its work, if the runtime says so for any number of rows; NULL: it does not. */
static const struct qty *start_of_experts(const struct overhead *o, const struct op *op)
{
	const bool fp4 = cost_weights_kind(op->format) == BEYOND_FP4;

	if (op->kind != OP_LINEAR || !op->experts || !o->experts.given)
		return NULL;
	return fp4 && o->experts_fp4.given ? &o->experts_fp4 : &o->experts;
}

/* What a kernel that does work takes more among unlike ones. What others take more is in the cost of any kernel. */
static double unlike_of(const struct overhead *o, const struct op *op)
{
	const bool works = op->kind == OP_LINEAR || op->kind == OP_SCORES || op->kind == OP_NORM;

	return works && o->unlike.given ? o->unlike.value : 0;
}

/* Kernels that do a product or attention start up slower than those that do next to nothing; attention is
 * measured as one, however many kernels it takes. */
static struct term overhead_of(const struct profile *p, const struct op *op, double kernels, double share)
{
	const struct overhead *o = &p->overhead;
	const bool mixed = op->kind == OP_SCORES && p->attention.mixed_head.given &&
			   attention_is_mixed(&p->attention, op);
	const struct qty *each = &o->kernel, *tiles = op->experts ? &o->tiles_experts : &o->tiles;
	const struct qty *experts = start_of_experts(o, op);

	if (experts) {
		each = experts;
		kernels = op->times;
	} else if (op->kind == OP_LINEAR && tiles->given && !product_is_few(p, op)) {
		each = tiles;
		kernels = op->times;
	} else if (op->kind == OP_LINEAR && o->product.given) {
		each = &o->product;
	} else if (op->kind == OP_SCORES && p->attention.several_start.given &&
		   attention_is_several(&p->attention, op)) {
		each = &p->attention.several_start;
		kernels = op->times;
	} else if (op->kind == OP_SCORES && o->attention.given && !scores_by_hand(p, op)) {
		each = &o->attention;
		kernels = op->times;
	} else if (op->kind == OP_NORM && o->norm.given) {
		each = &o->norm;
	} else if ((op->kind == OP_ROUTE || op->kind == OP_COMBINE) && o->route.given) {
		each = &o->route;
	}
	return (struct term){kernels * (each->value + unlike_of(o, op)) +
				     share * (mixed            ? attention_starts_mixed(&p->attention, op)
					      : o->cache.given ? op->caches * o->cache.value
							       : 0),
			     each->spread, each->provenance};
}

/* The host waits and samples once in a step. Before it launches anything it makes the batch of its tokens (op->m) and says
 * which of them sees what (op->cells); after it, it fetches the logits (op->tensor_B). */
static struct term host_of_step(const struct overhead *o, const struct op *op)
{
	struct term t = {o->step.value, o->step.spread, o->step.provenance};

	terms_add_host(&t, (double)op->m * o->token.value, &o->token);
	terms_add_host(&t, op->cells * o->mask.value, &o->mask);
	if (o->logits.given)
		terms_add_host(&t, op->tensor_B / o->logits.value, &o->logits);
	return t;
}

bool cost_counts_step(const struct profile *profile)
{
	const struct overhead *o = &profile->overhead;

	return o->token.given || o->mask.given || o->logits.given;
}

/* What a launch costs the host: of training more, since operations are recorded for the backward pass, and run from there. */
static const struct qty *host_of(const struct overhead *o, enum phase phase)
{
	const bool trains = phase == PHASE_FORWARD || phase == PHASE_BACKWARD;

	return trains && o->host_training.given ? &o->host_training : &o->host;
}

/* How much longer arithmetic takes on what other kernels leave of a device's cores. */
static double with_cores_left(const struct device *d, double taken)
{
	const double cores = (double)d->cores;

	return taken > 0 && cores > 2 * taken ? cores / (cores - taken) : 1;
}

/* Scores are counted in f32, other tensors in the dtype of the arithmetic. */
static double f32_B(const struct op *op, const struct device_model *device_model)
{
	return op->kind == OP_SCORES || device_model->compute == DTYPE_F32 ? op->tensor_B : 2 * op->tensor_B;
}

static struct cost as_fitted(const struct op *op, const struct device_model *device_model, double share)
{
	const struct overhead *o = &device_model->profile->overhead;
	struct cost c = {0};
	const struct fusion *f;

	if (op->kind == OP_STEP) {
		c.overhead = host_of_step(o, op);
		return c;
	}
	if (op->kind == OP_LAUNCH) {
		const struct qty *host = host_of(o, op->phase);

		c.overhead = (struct term){op->times * host->value, host->spread, host->provenance};
		return c;
	}
	if (op->kind == OP_WIRE) {
		if (o->wire.given)
			c.overhead = term_stream(op->weight_B, &o->wire);
		return c;
	}
	if (op->split == SPLIT_NONE)
		share = 1; /* every device of the split does it whole */
	f = fusion_of_op(device_model->profile, op);
	if (op->kind == OP_LINEAR) {
		cost_product(&c, op, device_model, share);
		c.arithmetic.s *= with_cores_left(device_model->device, op->taken_cores);
	} else if (op->kind == OP_SCORES) {
		cost_scores(&c, op, device_model, share);
	} else if (op->kind == OP_SCAN) {
		cost_scan(&c, op, device_model, share);
	} else {
		c.bytes = op->tensor_B * (f->passes + more_by_hand(op).passes) * op->times * share;
		c.memory = term_passes(c.bytes, f32_B(op, device_model) * share, device_model);
	}
	c.overhead = overhead_of(device_model->profile, op, cost_kernels(device_model->profile, op), share);
	/* conversions, and scores that are not kept inside a kernel, pass through memory in kernels of their own */
	if (f->passes > 0 &&
	    (op->kind == OP_SCORES || (op->kind == OP_LINEAR && !product_is_few(device_model->profile, op))))
		c.overhead.s += term_passes(op->tensor_B * f->passes * share, f32_B(op, device_model) * share,
					    device_model)
					.s;
	if (op->kind == OP_LINEAR && !product_is_few(device_model->profile, op))
		c.overhead.s += product_unpacking_s(op, device_model->profile, share);
	if (op->kind == OP_LINEAR)
		terms_add_host(&c.overhead, command_buffers(o, op, share) * o->buffer.value, &o->buffer);
	if (op->kind == OP_LINEAR && product_is_called(device_model->profile, op))
		product_add_calls(&c, op, device_model->profile, share);
	return c;
}

static bool is_replayed(const struct overhead *o, enum phase phase)
{
	const bool decodes = phase == PHASE_DECODE, infers = decodes || phase == PHASE_PREFILL;

	return o->replays == REPLAYS_ALL || (o->replays == REPLAYS_INFERENCE && infers) ||
	       (o->replays == REPLAYS_DECODE && decodes);
}

double cost_kernels(const struct profile *profile, const struct op *op)
{
	if (op->kind == OP_STEP || op->kind == OP_WIRE)
		return 0; /* what they take is the host's, and said by itself */
	if (op->kind == OP_LINEAR && product_is_looped(profile, op))
		return (double)profile->tile.loop.kernels * op->copies * op->times;
	if (op->kind == OP_LINEAR && product_is_called(profile, op))
		return (double)profile->linear.kernels * op->copies * op->times;
	if (op->kind == OP_SCORES)
		return (double)fusion_of_op(profile, op)->kernels * op->times;
	return (double)(fusion_of(profile, op->kind)->kernels + more_by_hand(op).kernels) * op->times *
	       (op->kind == OP_LINEAR ? (double)op->n / product_columns(profile, op) : 1);
}

bool cost_launches(const struct profile *profile, enum phase phase, double kernels, struct op *launches)
{
	const struct overhead *o = &profile->overhead;

	if (!o->host.given || is_replayed(o, phase))
		return false;
	*launches = (struct op){.name = "launches", .kind = OP_LAUNCH, .phase = phase, .times = kernels};
	return true;
}

double cost_wait(double host_s, double device_s)
{
	return fmax(host_s - device_s, 0);
}

/* The most FLOP/s that the device does of an operator. Blocks of weights may be multiplied as integers; f16 summed in f16 is
 * half as fast as these: twice the stated peak of GeForce cards, which is of sums in f32. */
static double most_flops(const struct op *op, const struct device_model *device_model)
{
	const int64_t here = device_model->device->integers, fit = device_model->profile->integers;
	const double integers = (double)(here ? here : fit),
		     faster = cost_weights_kind(op->format) == BEYOND_F16 ? integers / 2 : integers,
		     sums = device_model->profile->sums_f16 ? (double)device_model->device->sums_f16 : 1;

	return device_model->device->peak[device_model->compute].value * fmax(sums, fmax(1, faster));
}

/* A rate that somebody measured may be passed by what was not. One without a source is typed, or what `show` writes of one
 * that follows from a data sheet. */
static bool is_limit(const struct qty *rate)
{
	return rate->value > 0 && (rate->provenance != PROVENANCE_MEASURED || !rate->source);
}

/* The roofline of the machine, which spreads would pass: activations are left out, as they may stay in a cache, and so is
 * arithmetic in two terms. */
static void bound(struct cost *c, const struct op *op, const struct device_model *device_model, double share)
{
	const struct qty *bus = &device_model->machine->memory.bandwidth;
	const double once = op->split == SPLIT_NONE ? 1 : share,
		     bytes = op->weight_B * once + op->kv_B * (op->kv_of_all ? 1 : once);

	if (op->kind != OP_LINEAR && op->kind != OP_SCORES)
		return;
	if (is_limit(&device_model->device->peak[device_model->compute]) && !(c->apart.s > 0))
		c->least_arithmetic = fmin(c->arithmetic.s, c->flop / most_flops(op, device_model));
	if (is_limit(bus))
		c->least_memory = fmin(c->memory.s, bytes / bus->value);
}

static void throttle(struct term *t, const struct qty *kept)
{
	if (t->s <= 0)
		return;
	t->s /= kept->value;
	t->spread = exact_hypot(t->spread, kept->spread);
	t->from = provenance_worse(t->from, kept->provenance);
}

static void attention_as_model(struct cost *c, const struct op *op, const struct model_reach *reach)
{
	const bool few = op->query <= GEMV_ROWS;
	const struct qty *by = few ? &reach->token_attention : &reach->prompt_attention;

	if (!by->given)
		return;
	c->arithmetic.s /= by->value;
	if (few)
		c->memory.s /= by->value;
}

/* What runs of this model alone showed: all terms of a phase, since they tell its time and not its parts. No model passes the
 * roofline. */
static void as_model(struct cost *c, const struct op *op, const struct model_reach *reach)
{
	const struct qty *by = op->phase == PHASE_PREFILL  ? &reach->prefill
			       : op->phase == PHASE_DECODE ? &reach->decode
							   : NULL;
	struct term *const all[] = {&c->arithmetic, &c->memory, &c->apart, &c->overhead};

	for (size_t i = 0; by && by->given && i < ARRAY_LEN(all); i++)
		all[i]->s /= by->value;
	if (by && op->kind == OP_SCORES)
		attention_as_model(c, op, reach);
	c->arithmetic.s = fmax(c->arithmetic.s, c->least_arithmetic);
	c->memory.s = fmax(c->memory.s, c->least_memory);
}

struct cost cost_of(const struct op *op, const struct device_model *device_model, double share)
{
	struct cost c = as_fitted(op, device_model, share);

	if (device_model->kept.given) {
		throttle(&c.arithmetic, &device_model->kept);
		throttle(&c.apart, &device_model->kept);
	}
	if (is_given(&device_model->profile->beyond.origin))
		beyond_widen(&c, op, product_tokens(op), device_model);
	beyond_widen_guest(&c, op, device_model);
	bound(&c, op, device_model, share);
	if (device_model->reach)
		as_model(&c, op, device_model->reach);
	return c;
}

struct cost cost_stream(const struct device_model *device_model, const struct qty *rate, double bytes)
{
	const struct qty *kernel = &device_model->profile->overhead.kernel;

	return (struct cost){.memory = term_stream(bytes, rate),
			     .overhead = {kernel->value, kernel->spread, kernel->provenance},
			     .bytes = bytes};
}

double cost_seconds(const struct cost *c)
{
	return cost_overlapped(c, c->arithmetic.s, c->memory.s) + c->apart.s + c->overhead.s;
}

double cost_seconds_at(const struct cost *c, const struct params *speed)
{
	return cost_overlapped(c, c->arithmetic.s / speed->of[PARAM_ARITHMETIC],
			       c->memory.s / speed->of[PARAM_MEMORY]) +
	       c->apart.s / speed->of[PARAM_ARITHMETIC] + c->overhead.s / speed->of[PARAM_OVERHEAD];
}

enum param cost_bound(const struct cost *c)
{
	const double work = cost_overlapped(c, c->arithmetic.s, c->memory.s) + c->apart.s;

	if (c->overhead.s > work)
		return PARAM_OVERHEAD;
	return fmax(c->arithmetic.s, c->apart.s) >= c->memory.s ? PARAM_ARITHMETIC : PARAM_MEMORY;
}

enum provenance cost_from(const struct cost *c)
{
	const bool computes = c->arithmetic.s >= c->memory.s;
	const struct term *work = computes ? &c->arithmetic : &c->memory,
			  *less = computes ? &c->memory : &c->arithmetic;
	enum provenance from = work->s > 0 ? work->from : PROVENANCE_MEASURED;

	if (c->in_turn * less->s > 0.01 * work->s)
		from = provenance_worse(from, less->from);
	if (c->apart.s > 0.01 * work->s)
		from = provenance_worse(from, c->apart.from);
	return c->overhead.s > 0.01 * work->s ? provenance_worse(from, c->overhead.from) : from;
}
