/* replay.c - see replay.h. */
#include "sim/family/replay.h"

#include <math.h>
#include <string.h>

/* What plans a run: operators, and how often each occurs. */
struct planner {
	const struct model *m;
	const struct precision *p;
	const struct profile *profile;
	VEC(struct planned_op) ops;
};

enum { CHUNKS_MAX = 512 };

static void add_op(struct planner *b, const struct op *op, double times)
{
	VEC_ADD(&b->ops, ((struct planned_op){*op, times}));
}

static void add_part(struct planner *b, const struct shape *s, struct part part, enum phase phase,
		     double times)
{
	struct op ops[GRAPH_OPS];
	const size_t n = graph_block(b->m, b->p, s, part, phase, ops);

	for (size_t i = 0; i < n; i++)
		add_op(b, &ops[i], times);
}

/* How many blocks of a part are the model's tail: none or one. */
static double tails(const struct model *m, struct part part)
{
	for (size_t i = model_blocks(m); i-- > 0;) {
		const struct block k = model_block(m, i);

		if (block_is_tail(m, k) && part_same(k.part, part))
			return 1;
		if (k.layer >= 0 && k.layer < m->layers - 1)
			break;
	}
	return 0;
}

/* Is the prompt's last token a step of its own? */
static bool last_apart(const struct planner *b, const struct run *r)
{
	return b->profile->last_apart && r->prompt > 1;
}

/* One step, prefill chunk or decode, `times` over. A chunk that no token comes of has no head. */
static void add_pass(struct planner *b, const struct shape *s, enum phase phase, bool answers, double times)
{
	const struct op step = {.name = "step", .kind = OP_STEP, .phase = phase, .role = ROLE_HEAD};
	const bool last_row = phase == PHASE_PREFILL && b->profile->last_row && !b->profile->all_logits;
	struct part_count parts[MODEL_PARTS];
	const size_t parts_n = model_parts(b->m, parts);
	struct shape tail = *s;

	tail.tokens = 1;
	for (size_t k = 0; k < parts_n; k++) {
		const double last = last_row ? tails(b->m, parts[k].part) : 0;

		if (parts[k].part.role == ROLE_HEAD && !answers && !b->profile->all_logits)
			continue;
		add_part(b, s, parts[k].part, phase, times * (parts[k].blocks - last));
		if (last > 0)
			add_part(b, &tail, parts[k].part, phase, times);
	}
	add_op(b, &step, times);
}

/* Prompts that are shorter than a chunk share one, as far as they fit whole. */
static int64_t prompts_at_once(const struct run *r)
{
	const int64_t most = r->chunk > 0 ? r->chunk / r->prompt : r->batch;

	return most < 1 ? 1 : most > r->batch ? r->batch : most;
}

static void add_prompt(struct planner *b, const struct run *r)
{
	const int64_t at_once = prompts_at_once(r), last = r->depth + r->prompt - 1;
	const int64_t tokens = r->prompt - last_apart(b, r);
	const double rounds = (double)r->batch / (double)at_once;
	int64_t chunk = r->chunk > 0 ? r->chunk : tokens;

	if (tokens / chunk > CHUNKS_MAX)
		chunk = tokens / CHUNKS_MAX + 1;
	for (int64_t done = 0; done < tokens; done += chunk) {
		const int64_t now = tokens - done < chunk ? tokens - done : chunk;

		add_pass(b,
			 &(struct shape){.batch = at_once,
					 .tokens = now,
					 .past = r->depth + done,
					 .all_logits = b->profile->all_logits},
			 PHASE_PREFILL, !last_apart(b, r), rounds);
	}
	if (last_apart(b, r))
		add_pass(b, &(struct shape){.batch = at_once, .tokens = 1, .past = last}, PHASE_DECODE, true,
			 rounds);
}

static void add_steps(struct planner *b, const struct run *r)
{
	const int64_t first = r->depth + r->prompt, last = first + r->gen - 1;
	const struct {
		int64_t past;
		double weight;
	} at[] = {{first, 1}, {first + (last - first) / 2, 4}, {last, 1}};

	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		const struct shape s = {.batch = r->batch, .tokens = 1, .past = at[i].past};

		if (r->gen > 2)
			add_pass(b, &s, PHASE_DECODE, true, (double)r->gen * at[i].weight / 6);
		else if (i != 1 && (i == 0 || r->gen == 2))
			add_pass(b, &s, PHASE_DECODE, true, 1);
	}
}

struct replay_plan replay_plan(struct arena *a, const struct model *m, const struct precision *p,
			       const struct profile *profile, const struct run *run)
{
	struct planner b = {.m = model_as_run(a, m, profile_honours(profile, HONOUR_WINDOW, m->architecture),
					      profile_honours(profile, HONOUR_LATENT, m->architecture)),
			    .p = p,
			    .profile = profile};
	struct replay_plan plan;

	if (run->prompt)
		add_prompt(&b, run);
	if (run->gen)
		add_steps(&b, run);
	plan = (struct replay_plan){arena_array(a, b.ops.n, sizeof *plan.at), b.ops.n};
	if (b.ops.n)
		memcpy(plan.at, b.ops.at, b.ops.n * sizeof *plan.at);
	VEC_FREE(&b.ops);
	return plan;
}

/* ---- what it costs ---- */

struct replay replay_of(struct arena *a, const struct replay_plan *plan,
			const struct device_model *device_model)
{
	struct replay r = {.at = arena_array(a, plan->n, sizeof *r.at), .n = plan->n};

	for (size_t i = 0; i < plan->n; i++) {
		const struct planned_op *o = &plan->at[i];

		r.at[i] =
			(struct replay_op){cost_of(&o->op, device_model, 1), o->op.kind == OP_STEP, o->times};
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

static struct replay alone(struct arena *a, const struct device_model *device_model, const struct run *run)
{
	const struct profile *p = device_model->profile;
	struct replay r = {.at = arena_alloc(a, sizeof *r.at), .n = 1};

	r.at[0] = (struct replay_op){
		.cost = run->kind == RUN_GEMM
				? gemm_cost(device_model, run)
				: cost_stream(device_model, run->kind == RUN_READ ? &p->read : &p->copy,
					      run->moved_B),
		.times = 1};
	r.from = cost_from(&r.at[0].cost);
	return r;
}

struct replay replay_make(struct arena *a, const struct model *m, const struct precision *p,
			  const struct device_model *device_model, const struct run *run)
{
	struct replay_plan plan;

	if (run_is_operator(run))
		return alone(a, device_model, run);
	plan = replay_plan(a, m, p, device_model->profile, run);
	return replay_of(a, &plan, device_model);
}

static double op_seconds(const struct cost *c, bool is_step, const double f[REPLAY_PARAMS])
{
	return fmax(c->arithmetic.s / f[REPLAY_ARITHMETIC], c->memory.s / f[REPLAY_MEMORY]) +
	       c->apart.s / f[REPLAY_ARITHMETIC] + c->overhead.s * f[is_step ? REPLAY_STEP : REPLAY_KERNEL];
}

static const double as_it_is[REPLAY_PARAMS] = {1, 1, 1, 1};

double replay_seconds(const struct replay *r, const double speed[REPLAY_PARAMS])
{
	double sum = 0;

	for (size_t i = 0; i < r->n; i++)
		sum += r->at[i].times *
		       op_seconds(&r->at[i].cost, r->at[i].is_step, speed ? speed : as_it_is);
	return sum;
}

double replay_plan_seconds(const struct replay_plan *plan, const struct device_model *device_model)
{
	double sum = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct planned_op *o = &plan->at[i];
		const struct cost c = cost_of(&o->op, device_model, 1);

		sum += o->times * op_seconds(&c, o->op.kind == OP_STEP, as_it_is);
	}
	return sum;
}

enum param replay_bound(const struct replay *r, double *share)
{
	double spent[PARAM_LINKS] = {0}, sum = 0;
	int most = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct cost *c = &r->at[i].cost;
		const bool computes = c->arithmetic.s >= c->memory.s;
		const double work = fmax(c->arithmetic.s, c->memory.s);

		spent[computes ? PARAM_ARITHMETIC : PARAM_MEMORY] += r->at[i].times * work;
		spent[PARAM_ARITHMETIC] += r->at[i].times * c->apart.s;
		spent[PARAM_OVERHEAD] += r->at[i].times * c->overhead.s;
	}
	for (int p = 0; p < PARAM_LINKS; p++) {
		sum += spent[p];
		most = spent[p] > spent[most] ? p : most;
	}
	*share = sum > 0 ? spent[most] / sum : 0;
	return (enum param)most;
}

double replay_seconds_drawn(const struct replay *r, const struct params *z)
{
	double sum = 0;

	for (size_t i = 0; i < r->n; i++)
		sum += r->at[i].times * cost_seconds_drawn(&r->at[i].cost, z);
	return sum;
}
