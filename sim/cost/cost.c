/* cost.c - see cost.h. */
#include "sim/cost/cost.h"

#include <math.h>

#include "sim/cost/util.h"

const char *const param_names[PARAM_N] = {
	[PARAM_ARITHMETIC] = "arithmetic",     [PARAM_MEMORY] = "memory bandwidth",
	[PARAM_OVERHEAD] = "runtime overhead", [PARAM_LATENCY] = "latency",
	[PARAM_BANDWIDTH] = "bandwidth",       [PARAM_COPIES] = "host copy rate"};

/* Products of so few rows read their weights once and do little else: a matrix-vector kernel runs them. */
enum { GEMV_ROWS = 8, POINTS_MAX = 1024 };

static const struct gemm_table *gemm_table(const struct site *site)
{
	return site->profile->gemm[site->compute];
}

int site_check(const struct site *site, struct err *err)
{
	const char *dtype = dtype_names[site->compute];
	const struct gemm_table *g = gemm_table(site);

	if (!g) {
		err_set(err, "runtime '%s' of %s.%s has no 'gemm_%s' table", site->profile->origin.name,
			site->machine->origin.name, site->device->origin.name, dtype);
		return err_hint(err, "calibrate it, or compute in another dtype");
	}
	if (g->points.n > POINTS_MAX || site->profile->attention.points.n > POINTS_MAX)
		return err_set(err, "runtime '%s': a table has more than %d points",
			       site->profile->origin.name, POINTS_MAX);
	if (!g->points.n || !site->profile->attention.points.n)
		return err_set(err, "runtime '%s' of %s.%s has an empty table", site->profile->origin.name,
			       site->machine->origin.name, site->device->origin.name);
	return 0;
}

static const struct util_table *gemm_util(struct arena *a, const struct gemm_table *g)
{
	const struct gemm_point *from = g->points.at;
	struct util_point *points = arena_array(a, g->points.n, sizeof *points);

	for (size_t i = 0; i < g->points.n; i++)
		points[i] = (struct util_point){(double)from[i].m, (double)from[i].n * (double)from[i].k,
						from[i].u.value, from[i].u.spread, from[i].u.how};
	return util_table(a, points, g->points.n);
}

static const struct util_table *attention_util(struct arena *a, const struct attention_table *t)
{
	const struct attention_point *from = t->points.at;
	struct util_point *points = arena_array(a, t->points.n, sizeof *points);

	for (size_t i = 0; i < t->points.n; i++)
		points[i] = (struct util_point){(double)from[i].query, (double)from[i].context,
						from[i].u.value, from[i].u.spread, from[i].u.how};
	return util_table(a, points, t->points.n);
}

struct site site_make(struct arena *a, const struct machine *machine, const struct device *device,
		      const struct profile *profile, enum dtype compute)
{
	struct site s = {machine, device, profile, compute, NULL, NULL};
	const struct gemm_table *g = profile->gemm[compute];

	if (g && g->points.n)
		s.gemm = gemm_util(a, g);
	if (profile->attention.points.n)
		s.attention = attention_util(a, &profile->attention);
	return s;
}

static struct term arithmetic(const struct site *site, double flop, const struct util *u)
{
	const struct qty *peak = &site->device->peak[site->compute];

	return (struct term){flop / (peak->value * u->u), u->spread, u->how};
}

static struct term stream(double bytes, const struct qty *rate)
{
	return (struct term){bytes / rate->value, rate->spread, rate->how};
}

/* The rate at which a product reads its weights: that of a matrix-vector kernel for few rows, by the bits of
 * a weight as it is stored. */
static const struct qty *weights_rate(const struct profile *p, const struct op *op)
{
	const double bits = 8 * op->weight_B / (op->copies * (double)op->n * (double)op->k);

	if (op->m > GEMV_ROWS || op->gradient)
		return &p->read;
	if (bits <= 5 && p->gemv_q4.given)
		return &p->gemv_q4;
	if (bits <= 9 && p->gemv_q8.given)
		return &p->gemv_q8;
	return &p->gemv;
}

static void cost_product(struct cost *c, const struct op *op, const struct site *site, double share)
{
	const double m = (double)op->m, n = (double)op->n, k = (double)op->k;
	/* the utilisation is that of the part this site computes */
	const struct util u = util_at(site->gemm, m,
				      (op->split == SPLIT_COLUMNS ? n * share : n) *
					      (op->split == SPLIT_ROWS ? k * share : k));

	c->flop = op->flop * share;
	c->bytes = (op->weight_B + op->tensor_B) * share;
	c->arithmetic = arithmetic(site, c->flop, &u);
	c->memory = stream(c->bytes, weights_rate(site->profile, op));
}

static void cost_scores(struct cost *c, const struct op *op, const struct site *site, double share)
{
	const struct attention_table *a = &site->profile->attention;
	const struct util u = util_at(site->attention, (double)op->query, (double)op->context);

	c->flop = (a->skips_mask ? op->flop : op->dense_flop) * share;
	/* a runtime that writes the cache out for every query head also reads it so */
	c->bytes = op->kv_B * share * (site->profile->kv_repeat.passes > 0 ? op->groups : 1);
	c->arithmetic = arithmetic(site, c->flop, &u);
	c->memory = stream(c->bytes, &a->decode);
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
	case OP_UPDATE: /* its bytes are the whole traffic */
		return &update;
	case OP_STEP:
	case OP_KIND_N:
		break;
	}
	BUG("operator kind %d", (int)kind);
}

struct cost cost_of(const struct op *op, const struct site *site, double share)
{
	const struct overhead *o = &site->profile->overhead;
	struct cost c = {0};
	const struct fusion *f;

	if (op->kind == OP_STEP) {
		c.overhead = (struct term){o->step.value, o->step.spread, o->step.how};
		return c;
	}
	if (op->split == SPLIT_NONE)
		share = 1; /* every device of the split does it whole */
	f = fusion_of(site->profile, op->kind);
	if (op->kind == OP_LINEAR) {
		cost_product(&c, op, site, share);
	} else if (op->kind == OP_SCORES) {
		cost_scores(&c, op, site, share);
	} else {
		c.bytes = op->tensor_B * f->passes * op->times * share;
		c.memory = stream(c.bytes, &site->profile->copy);
	}
	c.overhead = (struct term){(double)f->kernels * op->times * o->kernel.value, o->kernel.spread,
				   o->kernel.how};
	return c;
}

double cost_seconds(const struct cost *c)
{
	return fmax(c->arithmetic.s, c->memory.s) + c->overhead.s;
}

double cost_seconds_at(const struct cost *c, const struct params *speed)
{
	return fmax(c->arithmetic.s / speed->of[PARAM_ARITHMETIC], c->memory.s / speed->of[PARAM_MEMORY]) +
	       c->overhead.s / speed->of[PARAM_OVERHEAD];
}

double term_drawn(const struct term *t, double z)
{
	return t->s * fmax(0.2, 1 + t->spread * z);
}

double cost_seconds_drawn(const struct cost *c, const struct params *z)
{
	return fmax(term_drawn(&c->arithmetic, z->of[PARAM_ARITHMETIC]),
		    term_drawn(&c->memory, z->of[PARAM_MEMORY])) +
	       term_drawn(&c->overhead, z->of[PARAM_OVERHEAD]);
}

enum param cost_bound(const struct cost *c)
{
	const double work = fmax(c->arithmetic.s, c->memory.s);

	if (c->overhead.s > work)
		return PARAM_OVERHEAD;
	return c->arithmetic.s >= c->memory.s ? PARAM_ARITHMETIC : PARAM_MEMORY;
}

enum how cost_from(const struct cost *c)
{
	const struct term *work = c->arithmetic.s >= c->memory.s ? &c->arithmetic : &c->memory;
	enum how from = work->s > 0 ? work->from : HOW_MEASURED;

	return c->overhead.s > 0.01 * work->s ? how_worse(from, c->overhead.from) : from;
}
