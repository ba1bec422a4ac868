/* train.c - see train.h. */
#include "sim/train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/step/collective.h"
#include "sim/step/equals.h"
#include "sim/step/loop.h"
#include "sim/step/walk.h"
#include "sim/train/stages.h"

/* micro-batches: a step of fewer is not much longer than its beginning and its end */
enum { SHORT_FROM = 24 };
/* Times repeat after two to five times the micro-batches under way, sooner where one stage is much slower than the others. */
static const struct shortening shortenings[] = {{2, true}, {3, true}, {5, true}, {5, false}};

/* A pass of one micro-batch through one block. They are added to the program in the order of their expected
 * starts, since a queue runs its tasks in the order in which they were added. */
struct block_pass {
	sim_ns at_ns; /* when it is expected to start */
	uint32_t seq, replica, micro, block;
	enum pass_kind kind;
};

struct builder {
	const struct world *w;
	const struct train *t;
	struct program *p;
	struct stages st;
	size_t replicas; /* with those that the placement stands for */
	VEC(struct block_pass) passes;
	struct walk *fore, *back; /* [micro] */
	/* [micro][block]: tasks after which kept activations are on the devices of backward */
	struct deps *saved;
	/* [micro][block]: tasks that computed the input's gradient; W may run after them */
	struct deps *inputs;
	struct deps *loss; /* [replica]: the host has the loss */
	struct deps *done; /* [replica]: its newest backward pass */
	/* [block][replica]: tasks that computed the block's gradients of every micro-batch */
	struct deps (*grads)[SHARDS_MAX];
	size_t blocks_n;
	size_t unsent; /* gradients of the blocks below this one are not yet sent */
	struct arena arena;
};

static struct deps *entry(struct builder *b, struct deps *table, uint32_t micro, size_t block)
{
	return &table[(size_t)micro * b->blocks_n + block];
}

/* ---- the order of the passes ---- */

static int by_time(const void *x, const void *y)
{
	const struct block_pass *a = x, *b = y;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return (a->seq > b->seq) - (a->seq < b->seq);
}

static void add_action(struct builder *b, uint32_t replica, const struct simulated_action *a)
{
	const struct data_replica *r = &b->st.replicas[replica];
	const size_t from = r->bounds[a->action.chunk], to = r->bounds[a->action.chunk + 1];
	sim_ns at = a->start_ns;

	for (size_t i = from; i < to; i++) {
		const size_t block = a->action.pass == PASS_FORWARD ? i : from + to - 1 - i;
		const struct block_pass pass = {at,
						(uint32_t)b->passes.n,
						replica,
						r->first + a->action.micro,
						(uint32_t)block,
						a->action.pass};

		if (!stages_has(&b->st, r, block, a->action.pass))
			continue;
		VEC_ADD(&b->passes, pass);
		at += stages_block_ns(b->p, &b->st, r, block, a->action.pass);
	}
}

static void find_passes(struct builder *b)
{
	for (uint32_t i = 0; i < b->st.n; i++)
		for (size_t k = 0; k < b->st.replicas[i].simulated_orders.actions_n; k++)
			add_action(b, i, &b->st.replicas[i].simulated_orders.actions[k]);
	if (b->passes.n)
		qsort(b->passes.at, b->passes.n, sizeof *b->passes.at, by_time);
}

/* ---- passes ---- */

static struct label label_of(const struct builder *b, const struct block_pass *pass)
{
	struct label label = stages_label(&b->st, &b->st.replicas[pass->replica], pass->block, pass->kind);

	label.micro = pass->micro;
	return label;
}

/* The host waits for the loss, and again when all is done: of a split each device's, since all run the same program. */
static struct deps host_step(struct builder *b, enum phase phase, const struct shards *on,
			     const struct deps *after)
{
	const struct op step = {.name = "step", .kind = OP_STEP, .phase = phase, .role = ROLE_HEAD};
	const struct label label = {.phase = phase, .part = {ROLE_HEAD, false, 0}, .layer = -1};
	struct deps done = {.n = 0};

	for (int i = 0; i < on->n; i++)
		deps_add(b->p, &done, program_op(b->p, &step, on->unit[i], 1, label, after));
	return done;
}

static void forward(struct builder *b, const struct block_pass *pass)
{
	const struct data_replica *r = &b->st.replicas[pass->replica];
	const struct shards *shard_groups = r->at.shard_groups[PHASE_FORWARD],
			    *back = r->at.shard_groups[PHASE_BACKWARD];
	struct walk *walk = &b->fore[pass->micro];
	struct label label = label_of(b, pass);
	struct deps x;

	if (!walk->program)
		*walk = walk_begin(b->p, &r->at, PHASE_FORWARD, train_shape(b->t), pass->micro);
	walk->shape = b->st.trainable.blocks[pass->block].shape;
	x = walk_block(walk, pass->block, NULL);
	label.payload = PAYLOAD_SAVED;
	*entry(b, b->saved, pass->micro, pass->block) = program_hand_over(
		b->p, &shard_groups[pass->block], &back[pass->block],
		trainable_kept_B(&b->st.trainable, pass->block, &back[pass->block]), label, &x);
	if (pass->block != b->st.last || pass->micro + 1 < r->first + r->micros)
		return;
	b->loss[pass->replica] = host_step(b, PHASE_FORWARD, &shard_groups[b->st.last], &x);
}

/* Full recomputation: the block's forward pass runs again from the input that was kept. */
static void recompute_forward(struct builder *b, const struct block_pass *pass, struct deps *saved)
{
	const struct data_replica *r = &b->st.replicas[pass->replica];
	struct label label = stages_label(&b->st, r, pass->block, PASS_FORWARD);

	label.micro = pass->micro;
	label.recompute = true;
	label.grad_part = r->stage_orders.joined ? GRAD_BOTH : GRAD_INPUT;
	*saved = program_block(b->p, &b->st.trainable.blocks[pass->block].shape,
			       &r->at.shard_groups[PHASE_BACKWARD][pass->block], label, saved);
}

/* The gradient of the block's input, or both gradients. In the last block the last micro-batch waits until
 * the host has the loss; under GPipe every micro-batch does. */
static struct deps backward(struct builder *b, const struct block_pass *pass)
{
	const struct data_replica *r = &b->st.replicas[pass->replica];
	struct deps *saved = entry(b, b->saved, pass->micro, pass->block), also, x;
	const bool last = pass->micro + 1 == r->first + r->micros;
	struct walk *walk = &b->back[pass->micro];

	if (!walk->program) {
		*walk = walk_begin(b->p, &r->at, PHASE_BACKWARD, train_shape(b->t), pass->micro);
		walk->grad_part = r->stage_orders.joined ? GRAD_BOTH : GRAD_INPUT;
	}
	walk->shape = b->st.trainable.blocks[pass->block].shape;
	if (b->t->options.recompute == RECOMPUTE_FULL) /* needs the block's input, not the gradient */
		recompute_forward(b, pass, saved);
	also = *saved;
	if (pass->block == b->st.last)
		deps_join(b->p, &also,
			  last || b->t->options.schedule == SCHEDULE_GPIPE
				  ? &b->loss[pass->replica]
				  : &b->fore[pass->micro].ends[pass->block]);
	x = walk_block(walk, pass->block, &also);
	*entry(b, b->inputs, pass->micro, pass->block) = x;
	return x;
}

static struct deps weights(struct builder *b, const struct block_pass *pass)
{
	const struct shape *s = &b->st.trainable.blocks[pass->block].shape;
	const struct shards *shards =
		&b->st.replicas[pass->replica].at.shard_groups[PHASE_BACKWARD][pass->block];

	return program_block(b->p, s, shards, label_of(b, pass),
			     entry(b, b->inputs, pass->micro, pass->block));
}

/* ---- gradients of a data split ---- */

static double gradient_B(const struct builder *b, size_t block)
{
	return b->st.trainable.blocks[block].gradient_B;
}

/* Returns whether all replicas with micro-batches have computed the block's gradients. */
static bool is_ready(const struct builder *b, size_t block)
{
	for (size_t i = 0; i < b->st.n; i++)
		if (b->st.replicas[i].micros && !b->grads[block][i].n)
			return false;
	return true;
}

/* Whether gradients go to other replicas: of a data split, or those that the placement stands for. */
static bool shares_gradients(const struct builder *b)
{
	return b->replicas > 1;
}

/* The same among the replicas that the placement stands for: each rank sums its share with those of its place. */
static void all_reduce_equals(struct builder *b, size_t from, size_t to, double bytes)
{
	const struct shards *on = &b->st.replicas[0].at.shard_groups[PHASE_BACKWARD][from];
	struct deps own = {.n = 0}, have = {.n = 0};

	for (size_t k = from; k <= to; k++)
		deps_join(b->p, &own, &b->grads[k][0]);
	if (!b->t->options.overlap)
		deps_join(b->p, &own, &b->done[0]);
	for (int i = 0; i < on->n; i++) {
		const struct collective c = {.gather = false, .bytes = bytes * on->share[i]};
		const struct deps sum =
			equals_collective(b->p, on->unit[i], EQUALS_DATA, (int)b->t->options.data_parallel,
					  &c, (enum reduce_way)b->t->options.all_reduce,
					  stages_label(&b->st, &b->st.replicas[0], from, PASS_INPUT), &own);

		deps_join(b->p, &have, &sum);
	}
	for (size_t k = from; k <= to; k++)
		b->grads[k][0] = have;
}

/* All-reduces the gradients of the blocks from .. to as one message; a replica goes on when it has the sum.
 */
static void all_reduce(struct builder *b, size_t from, size_t to, double bytes)
{
	const struct shards *on = b->st.replicas[0].at.shard_groups[PHASE_BACKWARD];
	const struct collective c = {.gather = false, .bytes = bytes * on[from].share[0]};
	struct shards shards = {.n = (int)b->st.n};
	struct deps own[SHARDS_MAX] = {0}, have[SHARDS_MAX];
	enum reduce_way way = (enum reduce_way)b->t->options.all_reduce;

	for (size_t i = 0; i < b->st.n; i++) {
		shards.unit[i] = b->st.replicas[i].at.shard_groups[PHASE_BACKWARD][from].unit[0];
		for (size_t k = from; k <= to; k++)
			deps_join(b->p, &own[i], &b->grads[k][i]);
		if (!b->t->options.overlap)
			deps_join(b->p, &own[i], &b->done[i]);
	}
	memcpy(have, own, sizeof have);
	if (way == REDUCE_AUTO || !collective_can(b->w, &shards, way))
		way = collective_way(b->w, &shards, &c);
	collective_put_each(b->p, &shards, &c, way,
			    stages_label(&b->st, &b->st.replicas[0], from, PASS_INPUT), have);
	for (size_t i = 0; i < b->st.n; i++) {
		deps_join(b->p, &have[i], &own[i]);
		for (size_t k = from; k <= to; k++)
			b->grads[k][i] = have[i];
	}
}

static bool same_devices(const struct builder *b, size_t x, size_t y)
{
	for (size_t i = 0; i < b->st.n; i++) {
		const struct shards *shard_groups = b->st.replicas[i].at.shard_groups[PHASE_BACKWARD];

		if (shard_groups[x].unit[0] != shard_groups[y].unit[0])
			return false;
	}
	return true;
}

/* Sends the gradients computed so far, from the last block down, in buckets of neighbours on the same
 * devices (Li et al., PyTorch Distributed, arXiv:2006.15704, section 3.2.3). */
static void send_buckets(struct builder *b)
{
	const double full = b->t->options.bucket > 0 ? b->t->options.bucket : HUGE_VAL;

	while (b->unsent > b->st.first) {
		const size_t to = b->unsent - 1;
		size_t from = b->unsent;
		double bytes = 0;

		while (from > b->st.first && bytes < full && same_devices(b, from - 1, to)) {
			if (gradient_B(b, from - 1) > 0 && !is_ready(b, from - 1))
				return; /* the bucket waits for more */
			bytes += gradient_B(b, --from);
		}
		if (bytes > 0 && b->st.n > 1)
			all_reduce(b, from, to, bytes);
		else if (bytes > 0)
			all_reduce_equals(b, from, to, bytes);
		b->unsent = from;
	}
}

/* Notes the gradients that a block's last pass has computed, for the update and for the other replicas. */
static void note_gradients(struct builder *b, const struct block_pass *pass, const struct deps *x)
{
	const struct data_replica *r = &b->st.replicas[pass->replica];
	const bool last = pass->kind == PASS_WEIGHTS || !stages_has(&b->st, r, pass->block, PASS_WEIGHTS);

	b->done[pass->replica] = *x;
	if (pass->micro + 1 != r->first + r->micros)
		return;
	if (last) /* a queue runs in order, so all micro-batches have ended when the last one has */
		b->grads[pass->block][pass->replica] = *x;
	if (pass->block == b->st.trainable.lowest && pass->kind == PASS_INPUT && b->st.first < pass->block)
		b->grads[b->st.first][pass->replica] = *x;
	if (shares_gradients(b) && b->t->options.overlap)
		send_buckets(b);
}

/* ---- the update ---- */

/* The new weights of a block go to the devices of the next step's forward pass and to those of its backward
 * pass that are on other machines. */
static void return_weights(struct builder *b, const struct placement *at, size_t block, struct label label,
			   const struct deps *after)
{
	const struct shards *from = &at->shard_groups[PHASE_UPDATE][block],
			    *fore = &at->shard_groups[PHASE_FORWARD][block],
			    *back = &at->shard_groups[PHASE_BACKWARD][block];
	const double bytes = gradient_B(b, block);
	struct shards rest = {.n = 0};

	label.payload = PAYLOAD_WEIGHTS;
	program_hand_over(b->p, from, fore, bytes, label, after);
	for (int i = 0; i < back->n; i++) {
		bool served = false;

		for (int j = 0; j < fore->n; j++)
			served |= b->w->units[fore->unit[j]].machine == b->w->units[back->unit[i]].machine;
		if (!served)
			rest.unit[rest.n++] = back->unit[i];
	}
	program_hand_over(b->p, from, &rest, bytes, label, after);
}

static void update_block(struct builder *b, size_t replica, size_t block, double each)
{
	const struct placement *at = &b->st.replicas[replica].at;
	const struct shards *from = &at->shard_groups[PHASE_BACKWARD][block],
			    *to = &at->shard_groups[PHASE_UPDATE][block];
	const struct block k = model_block(b->w->model, block);
	struct label label = {.phase = PHASE_UPDATE, .part = k.part, .layer = k.layer};
	/* ZeRO: each replica updates its part; that it sends the new weights instead of their gradients costs as much */
	const double parts = b->t->options.zero ? (double)b->replicas : 1;
	const struct op op = graph_update(k.part.role, b->st.trainable.blocks[block].numbers / parts, each);
	struct deps x = {.n = 0};

	label.payload = PAYLOAD_GRADIENTS;
	x = program_hand_over(b->p, from, to, gradient_B(b, block), label, &b->grads[block][replica]);
	label.payload = PAYLOAD_NONE;
	for (int i = 0; i < to->n; i++) {
		const uint32_t done = program_op(b->p, &op, to->unit[i], to->share[i], label, &x);
		const struct deps after = deps_of(b->p, done);

		if (i == 0)
			return_weights(b, at, block, label, &after);
	}
}

static void update(struct builder *b)
{
	const double width = format_bytes((enum format_id)b->w->scenario->precision.compute, 1);
	const double each = optimizer_traffic_B(b->t, width);

	for (size_t r = 0; r < b->st.n; r++) {
		for (size_t i = b->st.first; i <= b->st.last && each > 0; i++)
			if (gradient_B(b, i) > 0)
				update_block(b, r, i, each);
		host_step(b, PHASE_UPDATE, &b->st.replicas[r].at.shard_groups[PHASE_UPDATE][b->st.first],
			  &b->done[r]);
	}
}

/* ---- the step ---- */

/* from: the first shortening to try; becomes the one after that which was found. NULL: all passes stay. */
static void set_up(struct builder *b, const struct placement *at, size_t *from)
{
	size_t micros;

	b->st = stages_make(&b->arena, b->p, at);
	b->replicas = stages_replicas(at);
	while (from && *from < ARRAY_LEN(shortenings) &&
	       !stages_shorten(&b->arena, &b->st, &shortenings[(*from)++]))
		;
	stages_sort(&b->arena, &b->st);
	b->t = &b->st.trainable.train;
	micros = (size_t)b->t->micro_batches;
	b->blocks_n = at->blocks_n;
	b->unsent = b->st.last + 1;
	b->fore = arena_array(&b->arena, micros, sizeof *b->fore);
	b->back = arena_array(&b->arena, micros, sizeof *b->back);
	b->saved = arena_array(&b->arena, micros * at->blocks_n, sizeof *b->saved);
	b->inputs = arena_array(&b->arena, micros * at->blocks_n, sizeof *b->inputs);
	b->loss = arena_array(&b->arena, b->st.n, sizeof *b->loss);
	b->done = arena_array(&b->arena, b->st.n, sizeof *b->done);
	b->grads = arena_array(&b->arena, at->blocks_n, sizeof *b->grads);
	find_passes(b);
}

static void put_pass(struct builder *b, const struct block_pass *pass)
{
	struct deps x;

	if (pass->kind == PASS_FORWARD) {
		forward(b, pass);
		return;
	}
	x = pass->kind == PASS_INPUT ? backward(b, pass) : weights(b, pass);
	note_gradients(b, pass, &x);
}

/* Notes where cycles are left out; starts: the first task of each pass. */
static void note_loop(struct builder *b, const uint32_t *starts)
{
	const struct cycles_left_out *left = &b->st.left_out;
	const uint32_t each = b->st.replicas[0].micros;
	const size_t per = b->passes.n / each * left->micros;
	size_t i = 0;

	while (i < b->passes.n && b->passes.at[i].at_ns < left->at_ns)
		i++;
	if (i < per || i == b->passes.n)
		return;
	b->p->loop = (struct program_loop){.at = starts[i],
					   .len = starts[i] - starts[i - per],
					   .n = left->n,
					   .micros = left->micros,
					   .each = each};
}

/* from: see set_up(). shortened: whether cycles are left out. */
static struct program *build(const struct placement *at, size_t *from, bool *shortened)
{
	const struct world *w = at->world;
	struct builder b = {.w = w, .p = program_new(w), .arena = ARENA_INIT};
	uint32_t *starts;

	set_up(&b, at, from);
	starts = arena_array(&b.arena, b.passes.n, sizeof *starts);
	for (size_t i = 0; i < b.passes.n; i++) {
		starts[i] = (uint32_t)b.p->tasks.n;
		put_pass(&b, &b.passes.at[i]);
	}
	if (shares_gradients(&b))
		send_buckets(&b);
	update(&b);
	*shortened = b.st.left_out.n;
	if (*shortened)
		note_loop(&b, starts);
	VEC_FREE(&b.passes);
	arena_release(&b.arena);
	return b.p;
}

struct program *train_build(const struct placement *at)
{
	bool shortened;

	return build(at, NULL, &shortened);
}

/* Returns whether the cycles left out of a program may be. */
static bool may_leave_out(struct program *p)
{
	struct arena scratch = ARENA_INIT;
	struct task_run run;
	struct class_times t;
	bool may = loop_repeats(p);

	if (may) {
		t = program_times(&scratch, p);
		may = loop_run(&scratch, p, &t, NULL, &run);
		p->loop.ns = may ? loop_cycle_ns(p, &run) : 0;
	}
	arena_release(&scratch);
	return may;
}

struct program *train_build_short(const struct placement *at)
{
	size_t from = 0;
	bool shortened;
	struct program *p;

	if (placement_train(at).micro_batches < SHORT_FROM)
		return train_build(at);
	while (from < ARRAY_LEN(shortenings)) {
		p = build(at, &from, &shortened);
		if (!shortened || may_leave_out(p))
			return p;
		program_free(p);
	}
	return train_build(at);
}
