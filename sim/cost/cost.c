/* cost.c - see cost.h. */
#include "sim/cost/cost.h"

#include <math.h>

#include "sim/base/exact_math.h"
#include "sim/cost/beyond.h"
#include "sim/cost/by_hand.h"
#include "sim/cost/command_buffers.h"
#include "sim/cost/measured_rows.h"
#include "sim/cost/op_rates.h"
#include "sim/cost/passes.h"
#include "sim/cost/product.h"
#include "sim/cost/terms.h"
#include "sim/cost/util.h"

const char *const param_names[PARAM_N] = {
	[PARAM_ARITHMETIC] = "arithmetic",     [PARAM_MEMORY] = "memory bandwidth",
	[PARAM_OVERHEAD] = "runtime overhead", [PARAM_LATENCY] = "latency",
	[PARAM_BANDWIDTH] = "bandwidth",       [PARAM_COPIES] = "host copy rate"};

enum { POINTS_MAX = 1024 };

static const struct gemm_table *gemm_table(const struct device_model *device_model)
{
	return device_model->profile->gemm[device_model->compute];
}

int device_model_check(const struct device_model *device_model, struct err *err)
{
	const char *dtype = dtype_names[device_model->compute];
	const struct gemm_table *g = gemm_table(device_model);

	if (!g) {
		err_set(err, "runtime '%s' of %s.%s has no 'gemm_%s' table",
			device_model->profile->origin.name, device_model->machine->origin.name,
			device_model->device->origin.name, dtype);
		return err_hint(err, "calibrate it, or compute in another dtype");
	}
	if (g->points.n > POINTS_MAX || device_model->profile->attention.points.n > POINTS_MAX)
		return err_set(err, "runtime '%s': a table has more than %d points",
			       device_model->profile->origin.name, POINTS_MAX);
	if (!device_model->gemm || !device_model->attention)
		return err_set(err, "runtime '%s' of %s.%s has an empty table",
			       device_model->profile->origin.name, device_model->machine->origin.name,
			       device_model->device->origin.name);
	return 0;
}

static const struct util_table *flat(struct arena *a, const struct qty *u)
{
	return util_flat(a, (struct util){u->value, u->spread, u->provenance});
}

static struct util_error error_of(const struct qty *between, const struct qty *beyond)
{
	return (struct util_error){
		between->given ? between->value : util_error_unknown.between,
		beyond->given ? beyond->value : util_error_unknown.beyond,
	};
}

static const struct util_table *gemm_util(struct arena *a, const struct gemm_table *g)
{
	const struct gemm_point *from = g->points.at;
	struct util_point *points = arena_array(a, g->points.n, sizeof *points);

	if (g->u.given)
		return flat(a, &g->u);
	for (size_t i = 0; i < g->points.n; i++)
		points[i] = (struct util_point){(double)from[i].m, (double)from[i].n * (double)from[i].k,
						from[i].u.value, from[i].u.spread, from[i].u.provenance};
	return util_table(a, points, g->points.n, error_of(&g->between, &g->beyond));
}

static const struct util_table *attention_util(struct arena *a, const struct attention_table *t)
{
	const struct attention_point *from = t->points.at;
	struct util_point *points = arena_array(a, t->points.n, sizeof *points);

	if (t->u.given)
		return flat(a, &t->u);
	for (size_t i = 0; i < t->points.n; i++)
		points[i] = (struct util_point){(double)from[i].query, (double)from[i].context,
						from[i].u.value, from[i].u.spread, from[i].u.provenance};
	return util_table(a, points, t->points.n, error_of(&t->between, &t->beyond));
}

static bool has_few_queries(const struct attention_table *t)
{
	const struct attention_point *p = t->points.at;

	for (size_t i = 0; i < t->points.n; i++)
		if (p[i].query <= GEMV_ROWS)
			return true;
	return t->u.given;
}

struct device_model device_model_make(struct arena *a, const struct machine *machine,
				      const struct device *device, const struct profile *profile,
				      enum dtype compute)
{
	struct device_model s = {
		.machine = machine, .device = device, .profile = profile, .compute = compute};
	const struct gemm_table *g = profile->gemm[compute];

	if (g && (g->points.n || g->u.given))
		s.gemm = gemm_util(a, g);
	if (profile->attention.points.n || profile->attention.u.given)
		s.attention = attention_util(a, &profile->attention);
	s.few_queries = has_few_queries(&profile->attention);
	measured_rows_make(a, &profile->products, s.products);
	measured_rows_make(a, &profile->experts, s.experts);
	measured_rows_make(a, &profile->experts_few, s.experts_few);
	return s;
}

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

static struct util as_util(const struct qty *q)
{
	return (struct util){q->value, q->spread, q->provenance};
}

static struct util scores_util(const struct op *op, const struct device_model *device_model, bool few,
			       const struct attention_kernel *kernel)
{
	const struct attention_table *a = &device_model->profile->attention;
	struct util u;

	if (few && kernel)
		return as_util(&kernel->decode_u);
	switch (attention_rate_of(a, op)) {
	case ATTENTION_FEW:
		return as_util(&a->decode_u);
	case ATTENTION_ALONE:
		return as_util(&a->alone_u);
	case ATTENTION_OTHER:
		return as_util(&a->other_u);
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
static bool is_mixed(const struct attention_table *a, const struct op *op)
{
	return a->mixed.given && op->beside > 1 && op->head_dim > 0;
}

/* Blocks are started for as many queries as the longest piece has, of every sequence. */
static double starts_mixed(const struct attention_table *a, const struct op *op)
{
	const double tiles = (double)((op->beside - 1) / MIXED_TILE);

	return op->caches * op->groups *
	       (a->mixed_head.value + (a->mixed_tile.given ? tiles * a->mixed_tile.value : 0));
}

/* A runtime may have another kernel for one query of each of several sequences than for one of one. */
static bool is_several(const struct attention_table *a, const struct op *op)
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

static void cost_scores(struct cost *c, const struct op *op, const struct device_model *device_model,
			double share)
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
	if (is_mixed(a, op)) {
		c->bytes *= op->groups;
		c->memory = term_stream(c->bytes, &a->mixed);
		return;
	}
	if (is_several(a, op)) {
		c->arithmetic = term_at_share(device_model, c->flop, NULL);
		c->memory = term_stream(c->bytes, &a->several);
		return;
	}
	c->memory = term_cache(c, a, op, share,
			       kernel                                     ? &kernel->decode
			       : a->decode_alone.given && op->groups <= 1 ? &a->decode_alone
									  : &a->decode);
}

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
			      : a->decode_u.given ? as_util(&a->decode_u)
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
	const bool mixed =
		op->kind == OP_SCORES && p->attention.mixed_head.given && is_mixed(&p->attention, op);
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
		   is_several(&p->attention, op)) {
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
				     share * (mixed            ? starts_mixed(&p->attention, op)
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
