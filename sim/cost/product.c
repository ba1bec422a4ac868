/* product.c - see product.h. */
#include "sim/cost/product.h"

#include <math.h>

#include "sim/base/exact_math.h"
#include "sim/cost/beyond.h"
#include "sim/cost/expert_groups.h"
#include "sim/cost/measured_rows.h"
#include "sim/cost/op_rates.h"
#include "sim/cost/terms.h"

/* The number for a format of weights; NULL: not given. */
static const struct qty *by_weights(const struct by_weights *b, enum format_id f)
{
	const enum beyond_kind kind = cost_weights_kind(f);
	const struct qty *q = kind == BEYOND_K                          ? &b->k
			      : kind == BEYOND_FP4 && b->fp4.given      ? &b->fp4
			      : kind == BEYOND_Q4 || kind == BEYOND_FP4 ? &b->q4
			      : kind == BEYOND_Q8                       ? &b->q8
			      : f == FORMAT_BF16 && b->bf16.given       ? &b->bf16
									: &b->f16;

	if (!q->given)
		q = &b->f16;
	return q->given ? q : NULL;
}

/* The rate at which a matrix-vector kernel reads weights, by their bits. */
static const struct qty *few_rate(const struct profile *p, const struct op *op)
{
	const double bits = 8 * op->weight_B / (op->copies * (double)op->n * (double)op->k);
	const enum weights_rate by = op_rates_by_bits(p, bits);

	return by == WEIGHTS_Q4 ? &p->gemv_q4 : by == WEIGHTS_Q8 ? &p->gemv_q8 : &p->gemv;
}

/* Rounded up; the numbers of rows that experts get are expected ones, and no exact whole numbers. */
static double whole(double x)
{
	return ceil(x - 1e-6);
}

/* Returns whether the rows of each expert run in a matrix-vector kernel of their own. Where the host starts a product for each
 * expert, its rows are together. */
static bool is_ungathered(const struct profile *p, const struct op *op)
{
	const struct few *f = &p->few;

	return op->experts && !p->expert_calls.always &&
	       (f->groups.n || op->rows / (double)op->experts < (double)f->gather ||
		op->rows < (double)f->gather_rows * (double)op->experts_all);
}

double product_tokens(const struct op *op)
{
	return op->experts ? op->rows / (double)op->experts : (double)op->m;
}

/* Returns whether the rows of each expert run in tiles though they are few: blocks of weights do so once their rows are
 * gathered, where a runtime says from how many tokens on they are. */
static bool is_tiled_from(const struct few *f, const struct op *op, double tokens)
{
	return op->experts && f->gather > 1 && tokens >= (double)f->gather &&
	       cost_weights_kind(op->format) != BEYOND_F16;
}

bool product_is_few(const struct profile *p, const struct op *op)
{
	const double tokens = product_tokens(op);

	if (op->gradient)
		return false;
	if (!is_given(&p->few.origin))
		return op->m <= GEMV_ROWS;
	if (op->experts && op->format == FORMAT_BF16 && p->few.bf16_experts_in_tiles)
		return false;
	if (op->experts && p->expert_calls.always) /* each is a product of its own rows */
		return op->rows / op->copies <= (double)p->few.rows;
	if (is_tiled_from(&p->few, op, tokens))
		return false;
	return tokens <= (double)p->few.rows || is_ungathered(p, op);
}

static void slow_down(struct term *t, const struct qty *share)
{
	t->s /= share->value;
	t->spread = exact_hypot(t->spread, share->spread);
}

/* Rows of experts in a kernel that does not make them one product: each group reads its expert's weights, even if
 * another has just read them. */
static void cost_scattered(struct cost *c, const struct op *op, const struct device_model *device_model,
			   double share)
{
	const struct few *f = &device_model->profile->few;
	const struct expert_group *g = expert_group_of(f, op->rows);
	const double each = g ? (double)g->rows : 1;
	const double readings = g ? op->copies * expert_groups(op->rows / op->copies, each) : op->rows;
	const double row_flop = c->flop / op->rows, first = g ? readings * row_flop : c->flop;
	const struct qty *further = g && g->further.given ? &g->further : by_weights(&f->further, op->format);

	c->bytes = (op->weight_B * readings / op->copies + op->tensor_B) * share;
	c->memory = term_stream(c->bytes, few_rate(device_model->profile, op));
	c->arithmetic = term_at_share(device_model, first, by_weights(&f->first, op->format));
	if (g && further)
		c->apart = term_at_share(device_model, readings * (each - 1) * row_flop, further);
	if (f->scattered.given)
		slow_down(&c->memory, &f->scattered);
}

/* The number of times that the weights are read for some rows. */
static double passes_of(const struct few *f, double rows, enum format_id format)
{
	const bool alone = formats[format].weights == 256 && rows < (double)f->k_from;

	return whole(rows / (alone ? 1 : (double)f->pass));
}

static void cost_few(struct cost *c, const struct op *op, const struct device_model *device_model,
		     double share)
{
	const struct few *f = &device_model->profile->few;
	const double rows = op->rows / op->copies, row_flop = c->flop / rows;
	const double passes = passes_of(f, rows, op->format);
	const struct qty *further = by_weights(&f->further, op->format);

	c->bytes = (op->weight_B * passes + op->tensor_B) * share;
	c->memory = term_stream(c->bytes, few_rate(device_model->profile, op));
	if (rows > 1 && f->several.given)
		slow_down(&c->memory, &f->several);
	c->arithmetic = term_at_share(device_model, passes * row_flop, by_weights(&f->first, op->format));
	if (further && f->overlaps)
		c->arithmetic = term_at_share(device_model, c->flop, further);
	else if (further)
		c->apart = term_at_share(device_model, (rows - passes) * row_flop, further);
	else
		c->arithmetic.s = fmax(c->arithmetic.s, term_at_share(device_model, c->flop, NULL).s);
}

bool product_is_looped(const struct profile *p, const struct op *op)
{
	const struct expert_loop *l = &p->tile.loop;

	return op->experts && is_given(&l->origin) && product_tokens(op) >= (double)l->tokens &&
	       (l->blocks || cost_weights_kind(op->format) == BEYOND_F16);
}

double product_columns(const struct profile *p, const struct op *op)
{
	return (double)(p->joins_products && op->joint ? op->joint : op->n);
}

bool product_is_called(const struct profile *p, const struct op *op)
{
	const struct expert_calls *e = &p->expert_calls;
	const int64_t most = op->n > e->outputs ? e->wide : e->narrow;

	if (!op->experts || !is_given(&e->origin))
		return false;
	return e->always ||
	       (product_tokens(op) > (double)most && cost_weights_kind(op->format) == BEYOND_F16);
}

/* The choice is known once the device has nothing left to do. Then products are started while those before run. */
void product_add_calls(struct cost *c, const struct op *op, const struct profile *p, double share)
{
	const struct expert_calls *e = &p->expert_calls;
	const double device_s = cost_overlapped(c, c->arithmetic.s, c->memory.s) + c->overhead.s,
		     starts_s = op->copies * share * e->expert.value;

	terms_add_host(&c->overhead, starts_s - device_s, &e->expert);
	terms_add_host(&c->overhead, op->rows * (double)op->experts_all * e->choice.value, &e->choice);
}

/* The rows of a tile of a product. That of experts is of one size for all of them, at most the pass's tokens. */
static double tile_rows(const struct tile *t, const struct op *op)
{
	const double rows = (double)t->rows;

	if ((!op->experts && !t->medium_only) || !t->expert_rows)
		return rows;
	return fmin((double)t->expert_rows, rows * whole(product_tokens(op) / rows));
}

/* The rows that tiles compute for m rows. Numbers of experts' rows vary, so that of an expert's last tile half is filled;
 * where tiles are packed, an expert of m rows that begins anywhere meets (m - 1) / each + 1 of them. */
static double tiled_rows(const struct tile *t, const struct op *op, double m, double each)
{
	if (!op->experts)
		return each * whole(m / each);
	return t->packed ? m - 1 + each : fmax(m + each / 2, each);
}

/* The factor (at least 1) by which a product of many rows is slower than its utilisation says: rows are
 * rounded up to tiles, and few tiles do not fill the cores. */
static double tiled(const struct device_model *device_model, const struct op *op, double n)
{
	const struct tile *t = &device_model->profile->tile;
	const double m = op->rows / op->copies, each = tile_rows(t, op);
	const bool blocks = cost_weights_kind(op->format) != BEYOND_F16; /* others: a library's own tiles */
	const double done = tiled_rows(t, op, m, each);
	const double high = blocks && !t->medium_only ? fmax(each, (double)t->fill_rows) : each;
	const double wide = (double)(t->medium_only && t->expert_rows ? t->expert_rows : t->columns);
	const double tiles = op->copies * whole(done / high) * whole(n / wide);
	const double places = t->fill.value * (double)device_model->device->cores;

	return done / m * fmax(1, places / tiles);
}

static const struct qty *ramp_of(const struct device_model *device_model, const struct op *op)
{
	const struct ramp *r = &device_model->profile->ramp;

	return op->experts ? &r->experts : &r->products;
}

/* Of the model alone, how many times as many tokens. */
static double own_ramp(const struct device_model *device_model)
{
	const struct model_reach *reach = device_model->reach;

	return reach && reach->ramp.given ? reach->ramp.value : 1;
}

double product_ramp(const struct device_model *device_model, const struct op *op)
{
	const struct qty *q = ramp_of(device_model, op);

	return own_ramp(device_model) * (q->given ? q->value : RAMP_TOKENS);
}

/* What the machine takes longer, or less long, for few tokens of a pass than others that are as fast with many. */
static void add_ramp(struct term *arithmetic, const struct device_model *device_model, const struct op *op)
{
	const double tokens = product_tokens(op), ramp = product_ramp(device_model, op);
	const struct qty *q = ramp_of(device_model, op);

	arithmetic->s *= op_rates_ramp(tokens, ramp, RAMP_TOKENS);
	if (q->given)
		arithmetic->spread =
			exact_hypot(arithmetic->spread, q->spread * (1 - op_rates_ramp(tokens, 0, ramp)));
}

/* Blocks are multiplied as integers, of which a card may do fewer for each product of f16 than those of the fit. */
static double integers_share(const struct device_model *device_model, const struct op *op)
{
	const int64_t here = device_model->device->integers, fit = device_model->profile->integers;

	return here && fit && cost_weights_kind(op->format) != BEYOND_F16 ? (double)here / (double)fit : 1;
}

double product_power_share(const struct device_model *device_model)
{
	const struct profile *p = device_model->profile;
	const double cores = (double)device_model->device->cores,
		     core_W = cores > 0 ? device_model->machine->rated_W / cores : 0;

	return p->core_power.given && p->by_power.given && core_W > 0
		       ? exact_pow(core_W / p->core_power.value, p->by_power.value)
		       : 1;
}

static bool is_unpacked(const struct profile *p, const struct op *op)
{
	return p->unpacks && op->rows / op->copies > (double)p->unpacks &&
	       cost_weights_kind(op->format) != BEYOND_F16;
}

/* True of a product that a library computes in f16: of weights as they are, or written out first. */
static bool is_in_f16(const struct device_model *device_model, const struct op *op)
{
	const struct profile *p = device_model->profile;
	const bool as_they_are = cost_weights_kind(op->format) == BEYOND_F16 && op->format != FORMAT_BF16;

	return device_model->compute == DTYPE_F16 && (as_they_are || is_unpacked(p, op));
}

double product_sums_share(const struct device_model *device_model)
{
	const int64_t here = device_model->device->sums_f16, fit = device_model->profile->sums_f16;

	return here && fit ? (double)here / (double)fit : 1;
}

static double unpacked_B(const struct profile *p, const struct op *op)
{
	return is_unpacked(p, op) ? 2 * op->copies * (double)op->n * (double)op->k : 0;
}

double product_unpacking_s(const struct op *op, const struct profile *p, double share)
{
	const double f16_B = unpacked_B(p, op);

	return f16_B > 0 ? term_stream((op->weight_B + f16_B) * share, &p->copy).s : 0;
}

/* Kernels that read a tile of weights to shared memory, wait, multiply, and wait before they read the next one. Other groups of
 * the same core compute meanwhile, as many as are resident. */
static void take_turns(struct cost *c, const struct op *op, const struct profile *p)
{
	const struct qty *share = &p->tile.in_turn;
	struct term *less = c->arithmetic.s < c->memory.s ? &c->arithmetic : &c->memory;

	if (!share->given || cost_weights_kind(op->format) == BEYOND_F16)
		return;
	c->in_turn = share->value;
	less->spread = exact_hypot(less->spread, share->spread);
}

static void take_share(struct util *u, const struct qty *q)
{
	if (!q->given)
		return;
	u->u *= q->value;
	u->spread = exact_hypot(u->spread, q->spread);
}

/* What the kernel of these weights reaches of what a product of many rows does. */
static void take_kernel(struct util *u, const struct op *op, const struct tile *t)
{
	if (op->experts)
		take_share(u, &t->experts);
	else if (t->medium_only)
		take_share(u, &t->medium);
	if (op->format == FORMAT_Q2_K || op->format == FORMAT_Q6_K)
		take_share(u, op->format == FORMAT_Q2_K ? &t->q2_k : &t->q6_k);
	if (t->vector_only)
		take_share(u, &t->vector);
}

void cost_product(struct cost *c, const struct op *op, const struct device_model *device_model, double share)
{
	const struct profile *p = device_model->profile;
	const bool few = product_is_few(p, op);
	/* the utilisation is that of the part this device model computes, and of the product that it is a part of */
	const double columns = product_columns(p, op),
		     n = op->split == SPLIT_COLUMNS ? columns * share : columns;
	const double k = op->split == SPLIT_ROWS ? (double)op->k * share : (double)op->k;
	const bool as_experts = op->experts && is_given(&p->dequant_experts.origin);
	const struct qty *dequant = by_weights(as_experts ? &p->dequant_experts : &p->dequant, op->format);
	struct util u;

	c->flop = op->flop * share;
	if (!product_is_called(p, op) && measured_rows_cost(c, op, device_model, n * k, share))
		return;
	if (few && is_given(&p->few.origin)) {
		(is_ungathered(p, op) ? cost_scattered : cost_few)(c, op, device_model, share);
		return;
	}
	u = util_at(device_model->gemm, (double)op->m, n * k);
	u.u *= product_power_share(device_model);
	if (dequant) { /* above 1: of blocks multiplied as integers, whose units pass the dtype's peak */
		u.u *= dequant->value * (is_unpacked(p, op) ? 1 : integers_share(device_model, op));
		u.spread = exact_hypot(u.spread, dequant->spread);
	}
	if (is_in_f16(device_model, op))
		u.u *= product_sums_share(device_model);
	take_kernel(&u, op, &p->tile);
	c->bytes = (fmax(op->weight_B, unpacked_B(p, op)) + op->tensor_B) * share;
	c->arithmetic = term_arithmetic(device_model, c->flop, &u);
	if (is_given(&p->tile.origin) && !few)
		c->arithmetic.s *= tiled(device_model, op, n);
	if (!few)
		add_ramp(&c->arithmetic, device_model, op);
	if (!product_is_called(p, op))
		measured_rows_limit(c, op, device_model, n * k, share);
	c->memory = term_stream(c->bytes, few ? few_rate(p, op) : &p->read);
	if (!few)
		take_turns(c, op, p);
}
