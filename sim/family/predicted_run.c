/* predicted_run.c - see predicted_run.h. */
#include "sim/family/predicted_run.h"

#include <math.h>
#include <string.h>

#include "sim/cost/op_rates.h"
#include "sim/cost/run_by.h"
#include "sim/des/engine.h"

/* Collects the operators of a run. */
struct run_planner {
	const struct model *m;
	const struct precision *p;
	struct prefill_rules rules;
	bool wires;          /* the runtime makes the weights resident for each request */
	bool masks, fetches; /* its host fills a mask before each pass, and fetches logits after it */
	VEC(struct planned_op) ops;
};

static void add_op(struct run_planner *b, const struct op *op, double times)
{
	VEC_ADD(&b->ops, ((struct planned_op){*op, times, false}));
}

/* Blocks of a pass that are of one part and one shape have the same operators. */
struct like_blocks {
	struct part part;
	struct shape shape;
	double n;
};
enum { ALIKE_MAX = 2 * MODEL_PARTS };

static void count_block(struct like_blocks *blocks, size_t *n, struct part part, const struct shape *s)
{
	size_t i = 0;

	while (i < *n && !(part_same(blocks[i].part, part) && shape_same(&blocks[i].shape, s)))
		i++;
	BUG_ON(i == ALIKE_MAX);
	if (i == *n)
		blocks[(*n)++] = (struct like_blocks){part, *s, 0};
	blocks[i].n++;
}

static void add_pass(struct run_planner *b, const struct request_pass *pass)
{
	struct op step = graph_step(b->m, &pass->shape, pass->phase);
	const bool prefill = pass->phase == PHASE_PREFILL;
	const struct prefill_rules rules = prefill ? b->rules : (struct prefill_rules){false, false, false};
	struct shape shape = pass->shape;
	struct like_blocks blocks[ALIKE_MAX];
	size_t n = 0;

	for (size_t i = model_first_block(b->m); i <= model_last_block(b->m); i++) {
		const struct block k = model_block(b->m, i);

		if (request_pass_block(pass, b->m, k, rules, &shape))
			count_block(blocks, &n, k.part, &shape);
	}
	for (size_t i = 0; i < n; i++) {
		struct op ops[GRAPH_OPS];
		const size_t ops_n =
			graph_block(b->m, b->p, &blocks[i].shape, blocks[i].part, pass->phase, ops);

		for (size_t k = 0; k < ops_n; k++)
			add_op(b, &ops[k], pass->weight * blocks[i].n);
		if (ops_n)
			b->ops.at[b->ops.n - 1].ends_block = true;
	}
	if (pass->begins && b->wires)
		add_op(b,
		       &(struct op){.name = "wire",
				    .kind = OP_WIRE,
				    .phase = pass->phase,
				    .role = ROLE_HEAD,
				    .weight_B = model_weights_B(b->m, b->p)},
		       1);
	step.cells *= b->masks;
	step.tensor_B *= b->fetches && pass->answers;
	add_op(b, &step, pass->weight);
}

/* Prompts that are shorter than a chunk share one, as many as fit whole; 0: prompts are not cut into chunks. */
static int64_t prompts_per_chunk(const struct run *r)
{
	return r->chunk > 0 && r->prompt > 0 && r->chunk / r->prompt < 1 ? 1
	       : r->chunk > 0 && r->prompt > 0                           ? r->chunk / r->prompt
									 : 0;
}

struct generate_request run_request(const struct profile *profile, const struct run *run)
{
	return (struct generate_request){.depth = run->depth,
					 .prompt = run->prompt,
					 .decoded = run->gen,
					 .batch = run->batch,
					 .chunk = run->chunk,
					 .at_once = prompts_per_chunk(run),
					 .last_apart = profile->last_apart,
					 .per_step = 1};
}

struct run_plan run_plan_make(struct arena *a, const struct model *m, const struct precision *p,
			      const struct profile *profile, const struct run *run)
{
	const struct generate_request request = run_request(profile, run);
	struct run_planner b = {.m = model_run_by(a, m, profile),
				.p = p,
				.rules = {profile->last_row, profile->all_logits, profile->caches_only},
				.wires = profile->overhead.wire.given,
				.masks = profile->overhead.mask.given,
				.fetches = profile->overhead.logits.given};
	struct arena scratch = ARENA_INIT;
	struct request_pass *passes;
	const size_t n = request_passes(&scratch, b.m, &request, &passes);
	struct run_plan plan;

	for (size_t i = 0; i < n; i++)
		add_pass(&b, &passes[i]);
	plan = (struct run_plan){arena_array(a, b.ops.n, sizeof *plan.at), b.ops.n};
	if (b.ops.n)
		memcpy(plan.at, b.ops.at, b.ops.n * sizeof *plan.at);
	VEC_FREE(&b.ops);
	arena_release(&scratch);
	return plan;
}

/* ---- what it costs ---- */

/* The launches of a plan's blocks as they go by. */
struct launching {
	const struct device_model *device_model;
	double kernels;
};

/* Sets *c to the cost of the launches of the block that the operator ends; nothing for any other operator. */
static void launch(struct launching *l, const struct planned_op *o, struct cost *c)
{
	const struct profile *profile = l->device_model->profile;
	struct op launches;

	*c = (struct cost){0};
	if (o->op.kind != OP_STEP)
		l->kernels += cost_kernels(profile, &o->op);
	if (!o->ends_block)
		return;
	if (cost_launches(profile, o->op.phase, l->kernels, &launches))
		*c = cost_of(&launches, l->device_model, 1);
	l->kernels = 0;
}

struct predicted_run predicted_run_of_plan(struct arena *a, const struct run_plan *plan,
					   const struct device_model *device_model)
{
	struct predicted_run r = {
		.at = arena_array(a, plan->n, sizeof *r.at), .n = plan->n, .of_program = true};
	struct launching launching = {device_model, 0};

	for (size_t i = 0; i < plan->n; i++) {
		const struct planned_op *o = &plan->at[i];

		r.at[i] = (struct predicted_op){.cost = cost_of(&o->op, device_model, 1),
						.is_step = o->op.kind == OP_STEP,
						.rates = op_rates_of(&o->op, device_model),
						.times = o->times};
		launch(&launching, o, &r.at[i].launches);
		r.from = provenance_worse(r.from, cost_from(&r.at[i].cost));
	}
	return r;
}

static struct cost gemm_cost(const struct device_model *device_model, const struct run *r)
{
	static const enum format_id formats_of[DTYPE_N] = {
		[DTYPE_F32] = FORMAT_F32, [DTYPE_F16] = FORMAT_F16, [DTYPE_BF16] = FORMAT_BF16};
	const enum format_id f = formats_of[device_model->compute];
	const double m = (double)r->product.m, n = (double)r->product.n, k = (double)r->product.k;
	const struct qty *sync = &device_model->profile->gemm[device_model->compute]->sync;
	const struct op op = {.name = "gemm",
			      .kind = OP_LINEAR,
			      .split = SPLIT_COLUMNS,
			      .phase = PHASE_PREFILL,
			      .m = r->product.m,
			      .n = r->product.n,
			      .k = r->product.k,
			      .copies = 1,
			      .rows = m,
			      .flop = run_work(r),
			      .format = f,
			      .weight_B = format_bytes(f, n * k),
			      .tensor_B = format_bytes(f, m * (k + n)),
			      .times = 1};
	struct cost c = cost_of(&op, device_model, 1);

	if (sync->value > c.overhead.s)
		c.overhead = (struct term){sync->value, sync->spread, sync->provenance};
	return c;
}

static struct predicted_run operator_run(struct arena *a, const struct device_model *device_model,
					 const struct run *run)
{
	const struct profile *p = device_model->profile;
	struct predicted_run r = {.at = arena_alloc(a, sizeof *r.at), .n = 1};

	r.at[0] = (struct predicted_op){
		.cost = run->kind == RUN_GEMM
				? gemm_cost(device_model, run)
				: cost_stream(device_model, run->kind == RUN_READ ? &p->read : &p->copy,
					      run->moved_B),
		.times = 1};
	r.from = cost_from(&r.at[0].cost);
	return r;
}

struct predicted_run predicted_run_make(struct arena *a, const struct model *m, const struct precision *p,
					const struct device_model *device_model, const struct run *run)
{
	struct run_plan plan;

	if (run_is_operator(run))
		return operator_run(a, device_model, run);
	plan = run_plan_make(a, m, p, device_model->profile, run);
	return predicted_run_of_plan(a, &plan, device_model);
}

const char *const run_factor_names[FACTORS] = {
	[FACTOR_ARITHMETIC] = "arithmetic x",
	[FACTOR_MEMORY] = "bandwidth x",
	[FACTOR_KERNEL] = "kernel x",
	[FACTOR_STEP] = "step x",
	[FACTOR_CACHE] = "attention of one query x",
	[FACTOR_PROMPT] = "attention of prompts x",
	[FACTOR_SEVERAL] = "products of a few rows x",
	[FACTOR_SEVERAL_Q8] = "a few rows in 8 bits x",
	[FACTOR_SEVERAL_Q4] = "a few rows in 4 bits x",
	[FACTOR_READ_Q8] = "reading weights of 8 bits x",
	[FACTOR_READ_Q4] = "reading weights of 4 bits x",
	[FACTOR_PRODUCT_Q8] = "products in 8 bits x",
	[FACTOR_PRODUCT_Q4] = "products in 4 bits x",
	[FACTOR_PRODUCT_BF16] = "products in bf16 x",
	[FACTOR_FIRST] = "unpacking for one row x",
	[FACTOR_EXPERTS] = "products of experts x",
	[FACTOR_RAMP] = "tokens to half of the rate x",
	[FACTOR_RAMP_EXPERTS] = "the same of experts x",
	[FACTOR_CONTEXT] = "context to half of it x",
	[FACTOR_ATTENTION] = "attention u x",
	[FACTOR_ATTENTION_OTHER] = "attention other_u x",
	[FACTOR_ATTENTION_ALONE] = "attention alone_u x",
};

void run_factors_set(double factor[FACTORS], double arithmetic, double memory, double kernel, double step)
{
	for (int p = 0; p < FACTORS; p++)
		factor[p] = 1;
	factor[FACTOR_ARITHMETIC] = arithmetic;
	factor[FACTOR_MEMORY] = memory;
	factor[FACTOR_KERNEL] = kernel;
	factor[FACTOR_STEP] = step;
}

/* That of a format, of two factors for blocks. */
static double by_weights(enum weights_rate of, const double f[FACTORS], enum run_factor q8,
			 enum run_factor q4)
{
	return of == WEIGHTS_Q8 ? f[q8] : of == WEIGHTS_Q4 ? f[q4] : 1;
}

double run_factor_memory(const struct op_rates *r, const double f[FACTORS])
{
	const double several =
		f[FACTOR_SEVERAL] * by_weights(r->memory, f, FACTOR_SEVERAL_Q8, FACTOR_SEVERAL_Q4);

	return f[FACTOR_MEMORY] * by_weights(r->memory, f, FACTOR_READ_Q8, FACTOR_READ_Q4) *
	       (r->cache ? f[FACTOR_CACHE] : 1) * (r->read_rows ? several : 1);
}

static double by_attention(enum attention_rate of, const double f[FACTORS])
{
	switch (of) {
	case ATTENTION_TABLE:
		return f[FACTOR_ATTENTION];
	case ATTENTION_OTHER:
		return f[FACTOR_ATTENTION_OTHER];
	case ATTENTION_ALONE:
		return f[FACTOR_ATTENTION_ALONE];
	default:
		return 1;
	}
}

/* The rate of a product of many rows, or of attention of a prompt, where it hangs on lengths in another way. */
static double by_lengths(const struct op_rates *r, const double f[FACTORS])
{
	const double ramp = r->ramp * f[r->experts ? FACTOR_RAMP_EXPERTS : FACTOR_RAMP];

	return r->tokens > 0    ? op_rates_ramp(r->tokens, r->ramp, ramp)
	       : r->context > 0 ? op_rates_context(r->context, r->half, r->half * f[FACTOR_CONTEXT])
				: 1;
}

double run_factor_arithmetic(const struct op_rates *r, const double f[FACTORS])
{
	const double all = f[FACTOR_ARITHMETIC] * (r->cache ? f[FACTOR_CACHE] : 1) *
			   (r->prompt ? f[FACTOR_PROMPT] : 1) * by_attention(r->attention, f) *
			   (r->experts ? f[FACTOR_EXPERTS] : 1) * by_lengths(r, f);

	if (r->several)
		return all * f[FACTOR_SEVERAL] *
		       by_weights(r->arithmetic, f, FACTOR_SEVERAL_Q8, FACTOR_SEVERAL_Q4);
	return r->few ? all * f[FACTOR_FIRST]
	       : r->arithmetic == WEIGHTS_BF16
		       ? all * f[FACTOR_PRODUCT_BF16]
		       : all * by_weights(r->arithmetic, f, FACTOR_PRODUCT_Q8, FACTOR_PRODUCT_Q4);
}

static double op_seconds(const struct predicted_op *o, const double f[FACTORS])
{
	const struct cost *c = &o->cost;
	const double arithmetic = run_factor_arithmetic(&o->rates, f);

	return cost_overlapped(c, c->arithmetic.s / arithmetic,
			       c->memory.s / run_factor_memory(&o->rates, f)) +
	       c->apart.s / arithmetic + c->overhead.s * f[o->is_step ? FACTOR_STEP : FACTOR_KERNEL];
}

/* Operators of a model take whole nanoseconds, as on the event engine's clock. */
static double on_clock(const struct predicted_run *r, double s)
{
	return r->of_program ? sim_s_of_ns(sim_ns_of_s(s)) : s;
}

/* Adds up operators, and what the host's launches of a block are longer than the block. */
struct adding {
	double sum, block_s;
};

static void add_seconds(struct adding *t, double s, double launches_s, bool is_step, double times)
{
	t->sum += times * s;
	t->block_s += s;
	if (launches_s > 0)
		t->sum += times * cost_wait(launches_s, t->block_s);
	if (launches_s > 0 || is_step) /* of one pass all blocks have launches, or none has */
		t->block_s = 0;
}

double predicted_run_seconds(const struct predicted_run *r)
{
	struct adding t = {0, 0};

	for (size_t i = 0; i < r->n; i++) {
		const struct predicted_op *o = &r->at[i];

		add_seconds(&t, on_clock(r, cost_seconds(&o->cost)), on_clock(r, cost_seconds(&o->launches)),
			    o->is_step, o->times);
	}
	return t.sum;
}

double predicted_run_seconds_at(const struct predicted_run *r, const double factor[FACTORS])
{
	struct adding t = {0, 0};

	for (size_t i = 0; i < r->n; i++) {
		const struct predicted_op *o = &r->at[i];

		add_seconds(&t, op_seconds(o, factor), o->launches.overhead.s * factor[FACTOR_KERNEL],
			    o->is_step, o->times);
	}
	return t.sum;
}

double run_plan_seconds(const struct run_plan *plan, const struct device_model *device_model)
{
	struct launching launching = {device_model, 0};
	struct adding t = {0, 0};

	for (size_t i = 0; i < plan->n; i++) {
		const struct planned_op *o = &plan->at[i];
		const struct cost c = cost_of(&o->op, device_model, 1);
		struct cost launches;

		launch(&launching, o, &launches);
		add_seconds(&t, cost_seconds(&c), cost_seconds(&launches), o->op.kind == OP_STEP, o->times);
	}
	return t.sum;
}

enum param predicted_run_bound(const struct predicted_run *r, double *share)
{
	double spent[PARAM_LINKS] = {0}, sum = 0;
	struct adding all = {0, 0};
	double device_s = 0;
	int most = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct cost *c = &r->at[i].cost;
		spent[PARAM_ARITHMETIC] += r->at[i].times * (cost_counted_arithmetic(c) + c->apart.s);
		spent[PARAM_MEMORY] += r->at[i].times * cost_counted_memory(c);
		spent[PARAM_OVERHEAD] += r->at[i].times * c->overhead.s;
		add_seconds(&all, cost_seconds(c), cost_seconds(&r->at[i].launches), r->at[i].is_step,
			    r->at[i].times);
		device_s += r->at[i].times * cost_seconds(c);
	}
	spent[PARAM_OVERHEAD] += all.sum - device_s; /* waits for the host */
	for (int p = 0; p < PARAM_LINKS; p++) {
		sum += spent[p];
		most = spent[p] > spent[most] ? p : most;
	}
	*share = sum > 0 ? spent[most] / sum : 0;
	return (enum param)most;
}

double predicted_run_seconds_drawn(const struct predicted_run *r, const struct params *z)
{
	struct adding t = {0, 0};

	for (size_t i = 0; i < r->n; i++) {
		const struct predicted_op *o = &r->at[i];

		add_seconds(&t, on_clock(r, cost_seconds_drawn(&o->cost, z)),
			    on_clock(r, cost_seconds_drawn(&o->launches, z)), o->is_step, o->times);
	}
	return t.sum;
}
