/* train.c - see train.h. */
#include "sim/train/train.h"

#include <math.h>

#include "sim/base/sort.h"
#include "sim/step/joined.h"
#include "sim/step/loop.h"
#include "sim/step/walk.h"
#include "sim/train/step_builder.h"

/* micro-batches: a step of fewer is not much longer than its beginning and its end */
enum { SHORT_FROM = 24 };
/* Times repeat after two to five times the micro-batches under way, sooner where one stage is much slower than the others; where
 * messages share a network, after two to four cycles of the stages. */
static const struct shortening shortenings[] = {{2, true, 1, 1},  {3, true, 2, 1},  {3, true, 2, 2},
						{4, true, 1, 4},  {5, true, 4, 1},  {5, true, 1, 3},
						{10, true, 8, 1}, {10, false, 8, 1}};

/* Tasks that are put as one (step/joined.h). */
enum joins { JOIN_NONE, JOIN_OPERATORS, JOIN_ROUNDS }; /* rounds of collective operations: operators too */

/* ---- the order of the passes ---- */

static bool is_earlier(const struct chunk_action *a, const struct chunk_action *b)
{
	return a->at_ns < b->at_ns;
}
SORT_DEFINE(sort_passes, struct chunk_action, is_earlier);

/* The passes of a micro-batch of each replica through all its stages, forward or back; returns how many. */
static size_t put_through(struct builder *b, uint32_t micro, enum pass_kind kind)
{
	const size_t before = b->passes.n;

	for (uint32_t i = 0; i < b->st.n; i++) {
		const struct data_replica *r = &b->st.replicas[i];

		for (size_t k = 0; k < r->pipe.chunks_n && micro < r->micros; k++) {
			const size_t chunk = kind == PASS_FORWARD ? k : r->pipe.chunks_n - 1 - k;
			const struct chunk_action pass = {0, i, r->first + micro, (uint32_t)chunk, kind};

			if (r->pipe.chunks[chunk].ns[kind] >= 0)
				VEC_ADD(&b->passes, pass);
		}
	}
	return b->passes.n - before;
}

/* GPipe on a chain goes through all stages micro-batch by micro-batch, and then back, whenever its passes start. */
static void find_halves(struct builder *b)
{
	for (uint32_t k = 0; k < (uint32_t)b->t->micro_batches; k++)
		put_through(b, k, PASS_FORWARD);
	for (uint32_t k = 0; k < (uint32_t)b->t->micro_batches; k++)
		put_through(b, k, PASS_INPUT);
}

static void find_passes(struct builder *b)
{
	if (stages_in_halves(&b->st)) {
		find_halves(b);
		return;
	}
	for (uint32_t i = 0; i < b->st.n; i++)
		for (size_t k = 0; k < b->st.replicas[i].simulated_orders.actions_n; k++) {
			const struct simulated_action *a = &b->st.replicas[i].simulated_orders.actions[k];
			const struct chunk_action pass = {a->start_ns, i,
							  b->st.replicas[i].first + a->action.micro,
							  a->action.chunk, a->action.pass};

			VEC_ADD(&b->passes, pass);
		}
	sort_passes(b->passes.at, b->passes.n);
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

/* Sums of gradients that a pass waits for. */
static void await_sums(struct builder *b, const struct block_pass *pass, enum phase phase, bool computes,
		       struct deps *also)
{
	const struct shards *on = &b->st.replicas[pass->replica].at.shard_groups[phase][pass->block];
	const struct deps *sums = gradients_awaited(&b->gradients, on, computes);

	if (sums)
		deps_join(b->p, also, sums);
}

static struct deps forward(struct builder *b, const struct block_pass *pass)
{
	const struct data_replica *r = &b->st.replicas[pass->replica];
	const struct shards *shard_groups = r->at.shard_groups[PHASE_FORWARD],
			    *back = r->at.shard_groups[PHASE_BACKWARD];
	struct walk *walk = &b->fore[pass->micro];
	struct label label = label_of(b, pass);
	struct deps also = {.n = 0}, x;

	if (!walk->program)
		*walk = walk_begin(b->p, &r->at, PHASE_FORWARD, train_shape(b->t), pass->micro);
	walk->shape = b->st.trainable.blocks[pass->block].shape;
	await_sums(b, pass, PHASE_FORWARD, false, &also);
	gathers_await(&b->gathers, pass, &shard_groups[pass->block], &also);
	x = walk_block(walk, pass->block, &also);
	gathers_note(&b->gathers, &shard_groups[pass->block], &x);
	label.payload = PAYLOAD_SAVED;
	*builder_entry(b, b->saved, pass->micro, pass->block) = program_hand_over(
		b->p, &shard_groups[pass->block], &back[pass->block],
		trainable_kept_B(&b->st.trainable, pass->block, &back[pass->block]), label, &x);
	if (pass->block == b->st.last && pass->micro + 1 == r->first + r->micros)
		b->loss[pass->replica] = host_step(b, PHASE_FORWARD, &shard_groups[b->st.last], &x);
	return x;
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
	struct deps *saved = builder_entry(b, b->saved, pass->micro, pass->block), also, x;
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
	await_sums(b, pass, PHASE_BACKWARD, r->stage_orders.joined, &also);
	gathers_await(&b->gathers, pass, &r->at.shard_groups[PHASE_BACKWARD][pass->block], &also);
	x = walk_block(walk, pass->block, &also);
	gathers_note(&b->gathers, &r->at.shard_groups[PHASE_BACKWARD][pass->block], &x);
	*builder_entry(b, b->inputs, pass->micro, pass->block) = x;
	return x;
}

static struct deps weights(struct builder *b, const struct block_pass *pass)
{
	const struct shape *s = &b->st.trainable.blocks[pass->block].shape;
	const struct shards *shards =
		&b->st.replicas[pass->replica].at.shard_groups[PHASE_BACKWARD][pass->block];

	struct deps after = *builder_entry(b, b->inputs, pass->micro, pass->block);

	if (b->t->options.overlap)
		await_sums(b, pass, PHASE_BACKWARD, true, &after);
	return program_block(b->p, s, shards, label_of(b, pass), &after);
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
	const double bytes = stages_weights_B(&b->st, block);
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
	/* ZeRO: each replica updates its part, of which gathers.c tells the others */
	const double parts = b->t->options.zero ? (double)b->gradients.replicas : 1;
	const struct op op = graph_update(k.part.role, b->st.trainable.blocks[block].numbers / parts, each);
	struct deps x = {.n = 0};

	label.payload = PAYLOAD_GRADIENTS;
	x = program_hand_over(b->p, from, to, stages_gradient_B(&b->st, block), label,
			      &b->gradients.of[block][replica]);
	label.payload = PAYLOAD_NONE;
	for (int i = 0; i < to->n; i++) {
		const uint32_t done = program_op(b->p, &op, to->unit[i], to->share[i], label, &x);
		const struct deps after = deps_of(b->p, done);

		gathers_note_update(&b->gathers, replica, block, &after);
		if (i == 0)
			return_weights(b, at, block, label, &after);
	}
}

/* A tied head on other devices than the embedding: its copy of the table has gradients of its own, which are summed with the
 * embedding's, and is updated as that is. */
static void update_tied(struct builder *b, size_t replica, double each)
{
	const struct placement *at = &b->st.replicas[replica].at;
	const struct shards *ends[2] = {&at->shard_groups[PHASE_BACKWARD][b->st.first],
					&at->shard_groups[PHASE_BACKWARD][b->st.last]};
	const double numbers = trainable_tied_copy(&b->st.trainable, at),
		     parts = b->t->options.zero ? (double)b->gradients.replicas : 1;
	const struct label label = {.phase = PHASE_UPDATE, .part = {ROLE_HEAD, false, 0}, .layer = -1};
	const struct op op = graph_update(ROLE_HEAD, numbers / parts, each);
	struct deps *sum = &b->gradients.of[b->st.first][replica];

	if (numbers <= 0)
		return;
	deps_join(b->p, sum, &b->gradients.of[b->st.last][replica]);
	for (int i = 0; i < ends[0]->n && i < ends[1]->n; i++) {
		const struct shards pair = {
			.n = 2, .unit = {ends[0]->unit[i], ends[1]->unit[i]}, .share = {0.5, 0.5}};
		const struct collective c = {.bytes = stages_gradient_B(&b->st, b->st.first) *
						      ends[0]->share[i]};

		*sum = collective_put(b->p, &pair, &c, label, sum);
		program_op(b->p, &op, ends[1]->unit[i], ends[1]->share[i], label, sum);
	}
}

static void update(struct builder *b)
{
	const double width = format_bytes((enum format_id)b->w->scenario->precision.compute, 1);
	const double each = optimizer_traffic_B(b->t, width, trainable_gradient_B(&b->st.trainable));

	for (size_t r = 0; r < b->st.n; r++) {
		if (each > 0)
			update_tied(b, r, each);
		for (size_t i = b->st.first; i <= b->st.last; i++) {
			if (stages_gradient_B(&b->st, i) <= 0)
				continue;
			gathers_note_update(&b->gathers, r, i, &b->gradients.of[i][r]);
			if (each > 0)
				update_block(b, r, i, each);
		}
		host_step(b, PHASE_UPDATE, &b->st.replicas[r].at.shard_groups[PHASE_UPDATE][b->st.first],
			  &b->gradients.done[r]);
	}
	gathers_end(&b->gathers);
}

/* ---- the step ---- */

static void set_up(struct builder *b, const struct placement *at)
{
	size_t micros;

	stages_sort(&b->arena, &b->st);
	b->t = &b->st.trainable.train;
	micros = (size_t)b->t->micro_batches;
	b->blocks_n = at->blocks_n;
	b->fore = arena_array(&b->arena, micros, sizeof *b->fore);
	b->back = arena_array(&b->arena, micros, sizeof *b->back);
	b->saved = arena_array(&b->arena, micros * at->blocks_n, sizeof *b->saved);
	b->inputs = arena_array(&b->arena, micros * at->blocks_n, sizeof *b->inputs);
	b->loss = arena_array(&b->arena, b->st.n, sizeof *b->loss);
	builder_know_none(b);
	b->gradients = gradients_begin(&b->arena, b->p, at, &b->st);
	b->gathers = gathers_begin(&b->arena, b->p, at, &b->st);
	find_passes(b);
}

/* Appends the pass of a block; returns its end. */
static struct deps put_block(struct builder *b, const struct block_pass *pass)
{
	struct deps x;

	if (pass->kind == PASS_FORWARD)
		return forward(b, pass);
	x = pass->kind == PASS_INPUT ? backward(b, pass) : weights(b, pass);
	gradients_note(&b->gradients, pass, &x);
	return x;
}

void builder_put_blocks(struct builder *b, const struct chunk_action *k, struct deps *ends)
{
	const struct data_replica *r = &b->st.replicas[k->replica];
	const size_t from = r->bounds[k->chunk], to = r->bounds[k->chunk + 1];

	for (size_t i = from; i < to; i++) {
		const size_t block = k->kind == PASS_FORWARD ? i : from + to - 1 - i;
		const struct block_pass pass = {k->replica, k->micro, (uint32_t)block, k->kind};

		ends[block - from] =
			stages_has(&b->st, r, block, k->kind) ? put_block(b, &pass) : (struct deps){.n = 0};
	}
}

/* ---- the whole step ---- */

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
					   .after = left->after,
					   .micros = left->micros,
					   .each = each};
}

/* The same of steps in halves. */
static void note_halves(struct builder *b, const uint32_t *starts)
{
	const struct cycles_left_out *left = &b->st.left_out;
	const uint32_t each = b->st.replicas[0].micros, micro = each - 1 - left->after;
	size_t forward = 0, back, i;

	while (b->passes.at[forward].kind == PASS_FORWARD)
		forward++;
	back = (b->passes.n - forward) / each;
	i = forward / each * micro;
	b->p->loop = (struct program_loop){.at = starts[i],
					   .len = starts[i] - starts[i - forward / each],
					   .n = left->n,
					   .after = left->after,
					   .micros = 1,
					   .each = each};
	i = forward + back * micro;
	b->p->halves.second = b->p->loop;
	b->p->halves.second.at = starts[i];
	b->p->halves.second.len = starts[i] - starts[i - back];
	b->p->halves.at = starts[forward];
	b->p->halves.micro = micro;
}

/* The step of stages in the builder's arena; frees that. */
static struct program *build(struct builder *b, const struct placement *at)
{
	uint32_t *starts;

	set_up(b, at);
	starts = arena_array(&b->arena, b->passes.n, sizeof *starts);
	for (size_t i = 0; i < b->passes.n; i++) {
		starts[i] = (uint32_t)b->p->tasks.n;
		builder_put_pass(b, &b->passes.at[i]);
	}
	gradients_end(&b->gradients);
	update(b);
	if (b->st.left_out.n && stages_in_halves(&b->st))
		note_halves(b, starts);
	else if (b->st.left_out.n)
		note_loop(b, starts);
	VEC_FREE(&b->passes);
	arena_release(&b->arena);
	return b->p;
}

static struct builder builder_of(const struct placement *at, enum joins joins)
{
	const struct builder b = {.w = at->world, .p = program_new(at->world), .arena = ARENA_INIT};

	b.p->span = (struct work_span){INFINITY, INFINITY}; /* hours of steps */
	if (joins)
		joined_begin(b.p, joins == JOIN_ROUNDS);
	return b;
}

static struct program *build_whole(const struct placement *at, enum joins joins)
{
	struct builder b = builder_of(at, joins);

	b.st = stages_make(&b.arena, b.p, at);
	return build(&b, at);
}

struct program *train_build(const struct placement *at)
{
	return build_whole(at, JOIN_NONE);
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
		p->loop.ns = may && !p->halves.second.n ? loop_cycle_ns(p, &run) : 0;
	}
	arena_release(&scratch);
	return may;
}

/* The step without cycles of its stages; NULL: there are none that may be left out. */
static struct program *without_cycles(struct arena *a, const struct placement *at, const struct stages *st,
				      enum joins joins)
{
	struct stages sorted = stages_copy(a, st);

	stages_sort(a, &sorted);
	for (size_t i = 0; i < ARRAY_LEN(shortenings); i++) {
		struct builder b = builder_of(at, joins);
		struct program *p;

		stages_classes(b.p, at);
		b.st = stages_copy(a, shortenings[i].sorted ? &sorted : st);
		if (!stages_shorten(&b.arena, &b.st, &shortenings[i])) {
			program_free(b.p);
			arena_release(&b.arena);
			continue;
		}
		p = build(&b, at);
		if (may_leave_out(p))
			return p;
		program_free(p);
	}
	return NULL;
}

/* The step of stages that were made before. */
static struct program *build_of(struct arena *a, const struct placement *at, const struct stages *st,
				enum joins joins)
{
	struct builder b = builder_of(at, joins);

	stages_classes(b.p, at);
	b.st = stages_copy(a, st);
	return build(&b, at);
}

/* GPipe without most of its micro-batches, in both halves; NULL: they may not be left out. */
static struct program *without_halves(const struct placement *at, enum joins joins)
{
	static const uint32_t kept[] = {8, 32, 128,
					512}; /* until each stage goes at the pace of those before it */

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		struct builder b = builder_of(at, joins);
		struct program *p;

		if (!stages_make_halves(&b.arena, b.p, at, kept[i], &b.st)) {
			program_free(b.p);
			arena_release(&b.arena);
			return NULL;
		}
		p = build(&b, at);
		if (may_leave_out(p))
			return p;
		program_free(p);
	}
	return NULL;
}

static struct program *build_short(const struct placement *at, enum joins joins)
{
	const struct train t = placement_train(at);
	struct arena scratch = ARENA_INIT;
	struct program *p, *asked;
	struct stages st;

	if (t.micro_batches < SHORT_FROM)
		return build_whole(at, joins);
	if (t.options.schedule == SCHEDULE_GPIPE) {
		p = without_halves(at, joins);
		return p ? p : build_whole(at, joins);
	}
	asked = program_new(at->world);
	st = stages_make_few(&scratch, asked, at);
	p = without_cycles(&scratch, at, &st, joins);
	if (!p && st.more) {
		st = stages_make(&scratch, asked, at);
		p = without_cycles(&scratch, at, &st, joins);
	}
	if (!p)
		p = build_of(&scratch, at, &st, joins);
	program_free(asked);
	arena_release(&scratch);
	return p;
}

/* Returns whether the times of a step are those of its tasks one by one. */
static bool may_join(const struct program *p)
{
	struct arena scratch = ARENA_INIT;
	const struct class_times t = program_times(&scratch, p);
	struct task_run run;
	const bool may = loop_run(&scratch, p, &t, NULL, &run) && joined_holds(p, &t, &run);

	arena_release(&scratch);
	return may;
}

struct program *train_build_short(const struct placement *at)
{
	struct program *p = build_short(at, JOIN_ROUNDS);

	if (may_join(p))
		return p;
	program_free(p);
	return build_short(at, JOIN_OPERATORS);
}
