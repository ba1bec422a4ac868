/* program.c - see program.h. */
#include "sim/step/program.h"

#include <stdlib.h>
#include <string.h>

#include "sim/hw/programs.h"
#include "sim/llm/memory.h"
#include "sim/place/shard_sizes.h"
#include "sim/step/collective.h"
#include "sim/step/equals.h"
#include "sim/step/joined.h"
#include "sim/step/launches.h"

/* The classes of a block on a shard group, so that a model of thirty-two equal layers is costed once. */
struct block_cache {
	const struct world *world; /* the world that gives model and precision */
	struct part part;
	enum phase phase;
	enum grad_part grad_part;
	struct shape shape;
	size_t unit;
	double share;
	bool end;                 /* true: only the operators of graph_end() */
	bool by_tokens, overlaps; /* struct shards */
	uint32_t first, n;
	double kernels;  /* that the host launches */
	uint32_t joined; /* of a program that joins: the class of all of them */
};

struct route {
	struct shards shards;
	uint64_t devices;
	double tokens;
	struct routed to;
};

const char *const payload_names[PAYLOAD_N + 1] = {
	[PAYLOAD_NONE] = "",
	[PAYLOAD_ACTIVATIONS] = "activations",
	[PAYLOAD_KV] = "KV",
	[PAYLOAD_SAVED] = "saved",
	[PAYLOAD_GRADIENTS] = "gradients",
	[PAYLOAD_WEIGHTS] = "weights",
	[PAYLOAD_DISK] = "disk",
	[PAYLOAD_TOKEN] = "token",
	[PAYLOAD_DISPATCH] = "dispatch",
	[PAYLOAD_COMBINE] = "combine",
	[PAYLOAD_ALL_GATHER] = "all-gather",
	[PAYLOAD_ALL_REDUCE] = "all-reduce",
	[PAYLOAD_REDUCE_SCATTER] = "reduce-scatter",
};

enum { FEW = 64 }; /* classes, tasks and dependencies of a program are at least about as many */

struct program *program_new(const struct world *w)
{
	struct program *p = xcalloc(1, sizeof *p);

	p->world = w;
	p->arena = (struct arena)ARENA_INIT;
	p->device_models = arena_array(&p->arena, w->units_n * DTYPE_N, sizeof *p->device_models);
	for (size_t i = 0; i < ARRAY_LEN(p->marks); i++)
		p->marks[i] = TASK_NONE;
	VEC_RESERVE(&p->op_classes, FEW);
	VEC_RESERVE(&p->tasks, FEW);
	VEC_RESERVE(&p->deps, FEW);
	return p;
}

struct program *program_of_classes(const struct program *p)
{
	struct program *out = program_new(p->world);

	for (size_t i = 0; i < p->op_classes.n; i++)
		VEC_ADD(&out->op_classes, p->op_classes.at[i]);
	for (size_t i = 0; i < p->class_parts.n; i++)
		VEC_ADD(&out->class_parts, p->class_parts.at[i]);
	for (size_t i = 0; i < p->pass_parts.n; i++)
		VEC_ADD(&out->pass_parts, p->pass_parts.at[i]);
	return out;
}

void program_free(struct program *p)
{
	if (!p)
		return;
	VEC_FREE(&p->op_classes);
	VEC_FREE(&p->tasks);
	VEC_FREE(&p->deps);
	VEC_FREE(&p->block_caches);
	VEC_FREE(&p->known_launches);
	VEC_FREE(&p->routes);
	VEC_FREE(&p->rates);
	VEC_FREE(&p->ways);
	VEC_FREE(&p->collectives);
	VEC_FREE(&p->collective_tasks);
	VEC_FREE(&p->class_parts);
	VEC_FREE(&p->pass_parts);
	VEC_FREE(&p->joined_classes);
	VEC_FREE(&p->cycles);
	arena_release(&p->arena);
	free(p);
}

struct device_model program_device_model(struct arena *a, const struct world *w, size_t unit)
{
	const struct unit *u = &w->units[unit];

	/* the first formats are the dtypes, in their order */
	struct device_model s = device_model_make(a, &w->machines[u->machine], u->device, u->profile,
						  (enum dtype)w->scenario->precision.compute);

	device_model_for(&s, w->model);
	return s;
}

uint32_t program_put(struct program *p, uint32_t queue, uint32_t op_class, struct label label,
		     const struct deps *after)
{
	const struct program_task t = {queue, op_class, (uint32_t)p->deps.n, after ? (uint32_t)after->n : 0,
				       label};

	for (size_t i = 0; after && i < after->n; i++)
		VEC_ADD(&p->deps, after->task[i]);
	VEC_ADD(&p->tasks, t);
	return (uint32_t)p->tasks.n - 1;
}

static const struct device_model *device_model_of(struct program *p, size_t unit)
{
	const int compute = p->world->scenario->precision.compute;
	struct device_model *s = &p->device_models[unit * DTYPE_N + (size_t)compute];

	if (!s->profile) {
		*s = program_device_model(&p->arena, p->world, unit);
		device_model_sustain(s, p->span);
	}
	return s;
}

static uint32_t op_class(struct program *p, const struct op *op, size_t unit, double share)
{
	const struct device_model *device_model = device_model_of(p, unit);
	const struct op_class c = {
		.kind = CLASS_OP, .op = *op, .cost = cost_of(op, device_model, share), .source = unit};

	VEC_ADD(&p->op_classes, c);
	return (uint32_t)p->op_classes.n - 1;
}

static bool same_block(const struct block_cache *a, const struct block_cache *b)
{
	return a->world == b->world && part_same(a->part, b->part) && a->phase == b->phase &&
	       a->grad_part == b->grad_part && a->unit == b->unit && a->share == b->share &&
	       a->end == b->end && a->by_tokens == b->by_tokens && a->overlaps == b->overlaps &&
	       shape_same(&a->shape, &b->shape);
}

/* Where a runtime multiplies by quantised weights only after a kernel has written them out: that kernel for all products of a
 * block, which read what it wrote. Returns the number of operators. */
static size_t add_dequantising(const struct program *p, const struct block_cache *r, struct op *ops, size_t n)
{
	const enum format_id compute = (enum format_id)p->world->scenario->precision.compute;
	struct op kernel = {.name = "dequantise", .kind = OP_UPDATE, .split = SPLIT_WIDTH, .phase = r->phase};

	if (!runtime_dequantises(p->world->units[r->unit].profile->origin.name))
		return n;
	for (size_t i = 0; i < n; i++) {
		struct op *op = &ops[i];
		const double weights = (double)(op->n * op->k) * op->copies;

		if (op->kind != OP_LINEAR || op->gradient || op->adapter || op->format <= FORMAT_BF16)
			continue;
		kernel.role = op->role;
		kernel.times++;
		kernel.tensor_B += op->weight_B + format_bytes(compute, weights);
		op->weight_B = format_bytes(compute, weights);
		op->format = compute;
	}
	if (kernel.times <= 0)
		return n;
	BUG_ON(n == GRAPH_OPS);
	kernel.tensor_B /= kernel.times;
	memmove(ops + 1, ops, n * sizeof *ops);
	ops[0] = kernel;
	return n + 1;
}

/* The cores that kernels hold which send pieces of a product's output, or gather and scatter beside those of a backward pass.
 * Megatron-Core's settings for an H100 (NVIDIA/dgxc-benchmarking@35a9aecc nemo_megatron/gpt3_175b_hydra.yaml, num_sm of
 * ub_tp_comm_overlap_cfg); what is exchanged in a ring goes by copies, which hold none. */
static double cores_taken(const struct op *op)
{
	const bool attention = op->role == ROLE_ATTENTION, by_rows = op->split == SPLIT_ROWS;

	if (op->kind != OP_LINEAR || (op->role != ROLE_ATTENTION && op->role != ROLE_FFN))
		return 0;
	if (op->phase == PHASE_FORWARD)
		return !by_rows ? 0 : attention ? 24 : 20;
	if (by_rows)
		return 0;
	return (attention ? 4 : 2) * (op->gradient ? 2 : 1);
}

static bool is_training(enum phase phase)
{
	return phase == PHASE_FORWARD || phase == PHASE_BACKWARD;
}

/* The operators of a backward pass: of one gradient or of both. */
static size_t make_ops(const struct program *p, const struct block_cache *r, struct op ops[GRAPH_OPS])
{
	const struct model *m = r->world->units[r->unit].model;
	const struct precision *pr = &p->world->scenario->precision;
	const size_t all = r->end ? graph_end(m, pr, &r->shape, r->part, r->phase, ops)
				  : graph_block(m, pr, &r->shape, r->part, r->phase, ops);
	size_t n = 0;

	for (size_t i = 0; i < all; i++)
		if (r->grad_part == GRAD_BOTH || ops[i].gradient == (r->grad_part == GRAD_WEIGHTS))
			ops[n++] = ops[i];
	for (size_t i = 0; i < n && r->by_tokens; i++)
		if (ops[i].split == SPLIT_NONE && (ops[i].kind == OP_NORM || ops[i].kind == OP_RESIDUAL))
			ops[i].split = SPLIT_WIDTH;
	for (size_t i = 0; i < n && r->overlaps; i++)
		ops[i].taken_cores = cores_taken(&ops[i]);
	return is_training(r->phase) ? add_dequantising(p, r, ops, n) : n;
}

static double kernels_of(const struct profile *profile, const struct op *ops, size_t n)
{
	double kernels = 0;

	for (size_t i = 0; i < n; i++)
		kernels += cost_kernels(profile, &ops[i]);
	return kernels;
}

/* The class of the host's launches of a block whose kernels are counted; false: there is none. */
static bool launch_class(struct program *p, const struct block_cache *r, struct op_class *made)
{
	const struct device_model *device_model = device_model_of(p, r->unit);
	struct op op;

	if (!r->n || !cost_launches(device_model->profile, r->phase, r->kernels, &op))
		return false;
	*made = (struct op_class){
		.kind = CLASS_OP, .op = op, .cost = cost_of(&op, device_model, 1), .source = r->unit};
	return true;
}

/* The tasks of a joined class one after the other. */
static sim_ns parts_ns(const struct program *p, const struct op_class *c)
{
	sim_ns sum = 0;

	for (uint32_t i = c->first_part; i < c->first_part + c->parts_n; i++) {
		const struct class_part *part = &p->class_parts.at[i];

		sum += program_class_ns(p, part->op_class) * part->n +
		       sim_ns_of_s(p->op_classes.at[part->op_class].lag_s) * part->lags;
	}
	return sum;
}

sim_ns program_class_ns(const struct program *p, size_t op_class)
{
	const struct op_class *c = &p->op_classes.at[op_class];

	if (c->kind == CLASS_JOINED)
		return parts_ns(p, c);
	return c->launches ? launches_nominal(p, c).wait_ns : sim_ns_of_s(cost_seconds(&c->cost));
}

/* Computes the classes of a block. */
static void look_up(struct program *p, struct block_cache *r)
{
	struct op ops[GRAPH_OPS];
	size_t n;

	r->world = p->world;
	/* most chunks of a prompt have shapes of their own, so the entry looked for is mostly the newest */
	for (size_t i = p->block_caches.n; i-- > 0;)
		if (same_block(&p->block_caches.at[i], r)) {
			*r = p->block_caches.at[i];
			return;
		}
	n = make_ops(p, r, ops);
	r->first = (uint32_t)p->op_classes.n;
	r->n = (uint32_t)n;
	r->kernels = kernels_of(device_model_of(p, r->unit)->profile, ops, n);
	for (size_t i = 0; i < n; i++)
		op_class(p, &ops[i], r->unit, r->share);
	if (p->joins && n)
		r->joined = joined_range(p, r->first, (uint32_t)n);
	VEC_ADD(&p->block_caches, *r);
}

void program_remake(struct program *p)
{
	for (size_t i = 0; i < p->block_caches.n; i++) {
		struct block_cache *r = &p->block_caches.at[i];
		const struct device_model *device_model = device_model_of(p, r->unit);
		struct op ops[GRAPH_OPS];
		const size_t n = make_ops(p, r, ops);
		struct op_class launches;

		BUG_ON(n != r->n);
		for (size_t k = 0; k < r->n; k++) {
			struct op_class *c = &p->op_classes.at[r->first + k];

			c->op = ops[k];
			c->cost = cost_of(&c->op, device_model, r->share);
		}
		r->kernels = kernels_of(device_model->profile, ops, n);
		if (launch_class(p, r, &launches))
			launches_remake(p, r->first, &launches.op, &launches.cost);
	}
}

void program_remake_op(struct program *p, uint32_t task, const struct op *op)
{
	struct op_class *c = &p->op_classes.at[p->tasks.at[task].op_class];

	c->op = *op;
	c->cost = cost_of(op, device_model_of(p, c->source), 1);
}

/* Only the first operator depends on others: the queue runs the rest in order after it. What the host's launches add stays a task
 * of its own, which is no work of the block. */
static uint32_t put_ops(struct program *p, struct block_cache r, struct label label, const struct deps *after)
{
	uint32_t last = TASK_NONE;
	struct op_class launches;

	look_up(p, &r);
	if (r.n && joined_may(p, (uint32_t)r.unit))
		last = program_put(p, (uint32_t)r.unit, r.joined, label, after);
	for (uint32_t i = 0; i < r.n && !joined_may(p, (uint32_t)r.unit); i++)
		last = program_put(p, (uint32_t)r.unit, r.first + i, label, i ? NULL : after);
	if (launch_class(p, &r, &launches))
		last = program_put(p, (uint32_t)r.unit, launches_class(p, &launches, r.first, r.n, label),
				   label, NULL);
	return last;
}

struct routed program_routed(struct program *p, const struct shards *shards, uint64_t devices, double tokens)
{
	struct route r = {.shards = *shards, .devices = devices, .tokens = tokens};

	for (size_t i = 0; i < p->routes.n; i++) {
		const struct route *k = &p->routes.at[i];

		if (k->devices == devices && k->tokens == tokens && shard_group_same(&k->shards, shards))
			return k->to;
	}
	r.to = shard_group_routed(p->world->model, shards, devices, tokens);
	VEC_ADD(&p->routes, r);
	return r.to;
}

/* The share of a block that device i of a shard group computes. Of whole experts it computes those of the
 * rows routed to it, and no sums. */
static struct block_cache block_on_device(struct program *p, const struct shape *s,
					  const struct shards *shards, int i, struct label label)
{
	struct block_cache r = {.part = label.part,
				.phase = label.phase,
				.grad_part = label.grad_part,
				.shape = *s,
				.unit = shards->unit[i],
				.share = shards->share[i],
				.by_tokens = shards->by_tokens,
				.overlaps = shards->overlaps};

	if (shards->by_experts) {
		const struct routed here = program_routed(p, shards, (uint64_t)1 << i, (double)graph_rows(s));

		r.shape.expert_rows = here.rows;
		r.shape.experts_hit = here.hit;
		r.shape.no_end = true;
		r.share = 1;
	}
	return r;
}

sim_ns program_block_ns(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label)
{
	sim_ns most = 0;

	for (int i = 0; i < shards->n; i++) {
		struct block_cache r = block_on_device(p, s, shards, i, label);
		struct op_class launches;
		sim_ns sum = 0;

		look_up(p, &r);
		for (uint32_t k = 0; k < r.n; k++)
			sum += program_class_ns(p, r.first + k);
		if (launch_class(p, &r, &launches))
			sum = sim_later(sum, sim_ns_of_s(cost_seconds(&launches.cost)));
		most = sum > most ? sum : most;
	}
	return most;
}

uint32_t program_op(struct program *p, const struct op *op, size_t unit, double share, struct label label,
		    const struct deps *after)
{
	return program_put(p, (uint32_t)unit, op_class(p, op, unit, share), label, after);
}

struct deps program_ops(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label, const struct deps *after)
{
	struct deps made = {.n = 0};

	for (int i = 0; i < shards->n; i++)
		deps_add(p, &made, put_ops(p, block_on_device(p, s, shards, i, label), label, after));
	return made;
}

struct deps program_ops_each(struct program *p, const struct shape *s, const struct shards *shards,
			     struct label label, const struct deps after[SHARDS_MAX])
{
	struct deps made = {.n = 0};

	for (int i = 0; i < shards->n; i++)
		deps_add(p, &made, put_ops(p, block_on_device(p, s, shards, i, label), label, &after[i]));
	return made;
}

struct deps program_end(struct program *p, const struct shape *s, const struct shards *shards,
			struct label label, const struct deps *after)
{
	struct deps ended = {.n = 0};

	for (int i = 0; i < shards->n; i++)
		deps_add(p, &ended,
			 put_ops(p,
				 (struct block_cache){.part = label.part,
						      .phase = label.phase,
						      .grad_part = label.grad_part,
						      .shape = *s,
						      .unit = shards->unit[i],
						      .share = 1,
						      .end = true},
				 label, after));
	return ended.n ? ended : *after;
}

/* Of logits that ranks have a part of each, a training step needs the loss alone, so that for each row the largest logit, the one of
 * the right token and the sum of exponentials are summed, in f32 (Megatron-LM@d98e8a64 megatron/core/tensor_parallel/cross_entropy.py;
 * PyTorch's loss_parallel()). */
static const double loss_row_B = 3 * 4;

/* What completes a block's output: the parts of logits are gathered, other blocks end in partial sums. */
static struct collective output_of(const struct program *p, const struct shape *s, struct label label)
{
	const struct model *m = p->world->model;
	const enum format_id compute = (enum format_id)p->world->scenario->precision.compute;
	const bool head = label.part.role == ROLE_HEAD;
	const double rows = (double)(head ? graph_head_rows(s) : graph_rows(s));

	/* the head's backward pass gives the gradient of its input */
	if (!head || label.phase == PHASE_BACKWARD)
		return (struct collective){.bytes = format_bytes(compute, rows * (double)m->hidden)};
	if (label.phase == PHASE_FORWARD)
		return (struct collective){.bytes = rows * loss_row_B};
	return (struct collective){.gather = true,
				   .bytes = format_bytes(compute, rows * (double)m->vocabulary)};
}

/* Returns whether every device has a block's output, or its own part of it, without others. */
static bool needs_no_others(const struct shards *shards, struct label label)
{
	return label.part.role == ROLE_EMBEDDING || label.part.role == ROLE_ROUTER ||
	       label.grad_part == GRAD_WEIGHTS || shards->by_experts;
}

static struct deps sum_over_ranks(struct program *p, const struct shards *shards, const struct collective *c,
				  struct label label, const struct deps *after)
{
	return equals_collective(p, shards->unit[0], EQUALS_TENSOR, shards->ranks, c, REDUCE_AUTO, label,
				 after);
}

struct deps program_whole(struct program *p, const struct shape *s, const struct shards *shards,
			  struct label label, const struct deps *made)
{
	const struct collective c = output_of(p, s, label);

	if (needs_no_others(shards, label))
		return *made;
	if (shards->ranks > 1)
		return sum_over_ranks(p, shards, &c, label, made);
	return shards->n == 1 ? *made : collective_put(p, shards, &c, label, made);
}

/* Ranks whose products run in as many pieces as there are ranks: a piece is gathered or scattered while the next one is computed, so that
 * all rounds but the last, for which there is no product left, go on beside the block (Transformer Engine's userbuffers,
 * NVIDIA/TransformerEngine docs; Wang et al., ASPLOS 2023, doi:10.1145/3567955.3567959). Where they take longer than the
 * block, it waits for them. */
static struct deps overlapped(struct program *p, const struct shape *s, const struct shards *shards,
			      struct label label, const struct deps *after, struct deps made)
{
	struct collective c = output_of(p, s, label);
	struct deps rounds;

	c.rounds = ROUNDS_BUT_LAST;
	rounds = sum_over_ranks(p, shards, &c, label, after);
	deps_join(p, &made, &rounds);
	c.rounds = ROUNDS_LAST;
	return sum_over_ranks(p, shards, &c, label, &made);
}

/* Ranks that share the tokens of a sequence send keys and values on in a ring, in the backward pass with their gradients, while they
 * attend to those that they have (Transformer Engine, AttnFuncWithCPAndKVP2P: NVIDIA/TransformerEngine@v1.11
 * transformer_engine/pytorch/attention.py), but not before the device, done with its tasks before `first`, has come to the block that makes
 * them. What takes longer than the block is waited for. */
static struct deps pass_keys_on(struct program *p, const struct shape *s, const struct shards *shards,
				struct label label, const struct deps *after, size_t first)
{
	const struct world *w = p->world;
	const double numbers = (double)(graph_rows(s) * s->contexts) * part_kv_numbers(w->model, label.part),
		     bytes = format_bytes((enum format_id)w->scenario->precision.compute, numbers);
	struct collective c = {.gather = true};
	struct deps all = {.n = 0};

	for (int i = 0; i < shards->n; i++) {
		struct deps one = *after;

		deps_add(p, &one, program_latest(p, shards->unit[i], first));
		c.bytes = (label.phase == PHASE_BACKWARD ? 2 : 1) * bytes * shards->share[i];
		one = equals_collective(p, shards->unit[i], EQUALS_CONTEXT, (int)s->contexts, &c, REDUCE_RING,
					label, &one);
		deps_join(p, &all, &one);
	}
	return all;
}

struct deps program_block(struct program *p, const struct shape *s, const struct shards *shards,
			  struct label label, const struct deps *after)
{
	const size_t first = p->tasks.n;
	struct deps made = program_ops(p, s, shards, label, after), keys;

	if (!made.n)
		return *after;
	if (s->contexts && label.part.role == ROLE_ATTENTION && label.grad_part != GRAD_WEIGHTS) {
		keys = pass_keys_on(p, s, shards, label, after, first);
		deps_join(p, &made, &keys);
	}
	if (shards->overlaps && label.part.role != ROLE_HEAD && !needs_no_others(shards, label))
		return overlapped(p, s, shards, label, after, made);
	return program_whole(p, s, shards, label, &made);
}
