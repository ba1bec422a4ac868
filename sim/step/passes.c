/* passes.c - see passes.h. */
#include "sim/step/passes.h"

#include <stdlib.h>
#include <string.h>

#include "sim/step/list_order.h"

struct room { /* on a machine, for what it reads: one block computes while the next is read */
	struct deps free, next;
	bool taken; /* by the block that comes */
};

int64_t passes_groups(const struct generate *g)
{
	const int64_t n = g->options.micro_batches;

	return n < 1 ? 1 : n > g->batch ? g->batch : n;
}

int64_t passes_group_batch(const struct generate *g, int64_t group)
{
	const int64_t n = passes_groups(g);

	return g->batch * (group + 1) / n - g->batch * group / n;
}

static bool by_and_by(const struct passes *f)
{
	return f->g.options.kv == KV_STREAM;
}

static size_t cache(const struct passes *f, const struct pass *s, int64_t layer)
{
	return (size_t)((int64_t)s->group * f->w->model->layers + layer);
}

/* The model as the devices that read a block's cache run it: they say what of it is kept. */
static const struct model *reader(const struct passes *f, size_t block)
{
	return shard_group_model(f->w, &f->at->shard_groups[PHASE_DECODE][block], WORLD_NONE);
}

/* Bytes that a chunk adds to what decode will find in a block's cache: no more than its window holds. */
static double chunk_kv_B(const struct passes *f, const struct pass *s, size_t block, struct part part)
{
	const struct model *m = reader(f, block);
	const int64_t from = f->g.prompt - part_cached(m, part, f->g.prompt);
	const int64_t begin = s->shape.past > from ? s->shape.past : from,
		      end = s->shape.past + s->shape.tokens;

	return end <= begin ? 0
			    : graph_kv_B(m, &f->w->scenario->precision, part, s->shape.batch, end - begin);
}

/* A cache is split by heads, but a latent belongs to all of them. */
static struct deps send_cache(struct passes *f, size_t block, double bytes, struct label label,
			      const struct deps *after)
{
	const struct shards *from = &f->at->shard_groups[PHASE_PREFILL][block],
			    *to = &f->at->shard_groups[PHASE_DECODE][block];

	return model_caches_latent(reader(f, block))
		       ? program_hand_over(f->program, from, to, bytes, label, after)
		       : program_hand_parts(f->program, from, to, bytes, label, after);
}

/* A chunk's keys and values leave for where decode reads them as soon as their layer has them. A link keeps
 * chunks in order: who has the last has them all. */
static void hand_off(struct passes *f, const struct pass *s, size_t block, struct label label,
		     const struct deps *after)
{
	label.what = "KV";
	f->kv[cache(f, s, label.layer)] =
		send_cache(f, block, chunk_kv_B(f, s, block, label.part), label, after);
}

static bool same_way(const struct passes *f, size_t i, size_t k)
{
	return model_block(f->w->model, k).part.role == ROLE_ATTENTION &&
	       shard_group_same(&f->at->shard_groups[PHASE_PREFILL][i],
				&f->at->shard_groups[PHASE_PREFILL][k]) &&
	       shard_group_same(&f->at->shard_groups[PHASE_DECODE][i], &f->at->shard_groups[PHASE_DECODE][k]);
}

/* All layers that go the same way go as one message. */
static void hand_off_all(struct passes *f, const struct pass *s, const struct deps *after)
{
	const struct model *m = f->w->model;

	for (size_t i = 0; i < f->at->blocks_n; i++) {
		const struct block k = model_block(m, i);
		const struct label label = {
			.phase = s->phase, .part = k.part, .layer = k.layer, .micro = s->group, .what = "KV"};
		double bytes = 0;
		struct deps there;
		bool gone = false;

		for (size_t j = 0; j < i && !gone; j++)
			gone = same_way(f, i, j);
		if (gone || k.part.role != ROLE_ATTENTION)
			continue;
		for (size_t j = i; j < f->at->blocks_n; j++)
			if (same_way(f, i, j))
				bytes += graph_kv_B(reader(f, j), &f->w->scenario->precision,
						    model_block(m, j).part, s->shape.batch, f->g.prompt);
		there = send_cache(f, i, bytes, label, after);
		for (size_t j = i; j < f->at->blocks_n; j++)
			if (same_way(f, i, j))
				f->kv[cache(f, s, model_block(m, j).layer)] = there;
	}
}

/* Is only the last token of the prompt wanted of this block, and is that all that its devices run? */
static bool one_row(const struct pass *s, size_t block)
{
	const struct shards *shard_groups = s->at->shard_groups[PHASE_PREFILL];
	const struct world *w = s->at->world;

	return block_is_tail(w->model, model_block(w->model, block)) &&
	       shard_group_last_row(w, &shard_groups[block]) &&
	       !shard_group_all_logits(w, &shard_groups[walk_last(w)]);
}

/* Is the block left out? The head of a chunk whose logits nobody wants. */
static bool is_idle(const struct pass *s, size_t block)
{
	const struct world *w = s->at->world;

	return model_block(w->model, block).part.role == ROLE_HEAD && !s->answers &&
	       !shard_group_all_logits(w, &s->at->shard_groups[s->phase][block]);
}

/* Weights that stay on a disk come in while the block before computes; experts when the router has said
 * which. `also` gets what has to end for them to be there. */
static void read_weights(struct passes *f, const struct pass *s, size_t block, struct deps *also)
{
	const struct block k = model_block(f->w->model, block);
	const struct label label = {
		.phase = s->phase, .part = k.part, .layer = k.layer, .micro = s->group, .what = "disk"};
	const double tokens = (double)(s->shape.batch * s->shape.tokens);

	for (size_t m = 0; f->footprint && s->at == f->at && m < f->w->machines_n; m++) {
		const double bytes =
			offload_read_B(&f->footprint[m].offload, f->at, s->phase, block, m, tokens);
		struct deps after = f->room[m].free, there;

		if (bytes <= 0)
			continue;
		if (k.part.role == ROLE_EXPERTS)
			deps_join(&after, &s->x);
		there = program_read(f->program, m, bytes, label, &after);
		deps_join(also, &there);
		f->room[m].free = f->room[m].next;
		f->room[m].taken = true;
	}
}

/* A block that has ended leaves the room of its weights. */
static void leave_room(struct passes *f, const struct pass *s)
{
	for (size_t m = 0; f->footprint && m < f->w->machines_n; m++) {
		if (f->room[m].taken)
			f->room[m].next = s->x;
		f->room[m].taken = false;
	}
}

static void put_block(struct passes *f, struct pass *s, size_t block)
{
	const struct world *w = s->at->world;
	const struct block k = model_block(w->model, block);
	const struct shards *shards = &s->at->shard_groups[s->phase][block];
	const bool attends = k.part.role == ROLE_ATTENTION && f->kv && s->at == f->at,
		   prompt = s->phase == PHASE_PREFILL;
	const struct label label = {.phase = s->phase, .part = k.part, .layer = k.layer, .micro = s->group};
	struct deps also = {.n = 0};

	if (is_idle(s, block))
		return;
	if (block == walk_first(w))
		deps_join(&also, &s->x);
	if (block == walk_first(w) && s->behind != PASS_NONE)
		deps_join(&also, &f->list.at[s->behind].begun);
	if (attends && (!prompt || shards->n == 1)) /* a chunk reads what those before it left */
		deps_join(&also, &(prompt ? f->own : f->kv)[cache(f, s, k.layer)]);
	if (k.part.role == ROLE_HEAD)
		s->walk.shape.all_logits = prompt ? shard_group_all_logits(w, shards) : s->checks;
	if (prompt && one_row(s, block))
		s->walk.shape.tokens = 1;
	read_weights(f, s, block, &also);
	s->x = walk_block(&s->walk, block, &also);
	leave_room(f, s);
	if (block == walk_first(w))
		s->begun = s->x;
	s->done = block;
	if (!attends || !prompt)
		return;
	f->own[cache(f, s, k.layer)] = s->x;
	if (by_and_by(f))
		hand_off(f, s, block, label, &s->x);
}

/* Where the next step begins. */
static const struct placement *begins(const struct passes *f)
{
	return f->at->draft ? f->at->draft : f->at;
}

/* What was chosen, four bytes a token, goes to where a pass begins. */
static struct deps put_tokens(struct passes *f, const struct pass *s, const struct placement *at)
{
	const struct shards *to = &at->shard_groups[PHASE_DECODE][walk_first(at->world)];
	const struct label label = {.phase = PHASE_DECODE,
				    .part = {ROLE_EMBEDDING, false},
				    .layer = -1,
				    .micro = s->group,
				    .what = "token"};

	return program_hand_over(f->program, walk_out(&s->walk, s->done), to,
				 4.0 * (double)(s->gives * s->shape.batch), label, &s->x);
}

/* The host's part of a pass, and what follows from it. */
static void end_leg(struct passes *f, struct pass *s)
{
	const struct op step = {.name = "step", .kind = OP_STEP, .phase = s->phase, .role = ROLE_HEAD};
	const struct label label = {
		.phase = s->phase, .part = {ROLE_HEAD, false}, .layer = -1, .micro = s->group};
	struct pass *next = s->next == PASS_NONE ? NULL : &f->list.at[s->next];
	struct deps there;
	uint32_t end;

	if (s->reads_all && s->x.n)
		f->program->marks[MARK_PREFILL] = s->x.task[0];
	end = program_op(f->program, &step, walk_out(&s->walk, s->done)->unit[0], 1, label, &s->x);
	s->x = (struct deps){.n = 1, .task = {end}};
	if (s->first)
		f->program->marks[MARK_FIRST_TOKEN] = end;
	if (next) {
		there = put_tokens(f, s, next->at);
		deps_join(&next->x, &there);
	} else if (s->answers && f->token_at_end) {
		put_tokens(f, s, begins(f));
	}
	if (s->reads_all && f->kv && !by_and_by(f))
		hand_off_all(f, s, &s->x);
}

/* Does a pass begin where the one ended that it follows, to leave again? Then it goes on as one. */
static bool goes_on(const struct pass *from, const struct pass *to)
{
	const struct shards *end = walk_out(&from->walk, from->done),
			    *shard_groups = to->at->shard_groups[to->phase];
	const struct world *w = to->at->world;
	bool leaves = false;

	for (size_t block = walk_first(w) + 1; block <= walk_last(w); block++)
		leaves |= !shard_group_same(&shard_groups[block], &shard_groups[block - 1]);
	return leaves && shard_group_same(end, &shard_groups[walk_first(w)]);
}

static void close_turn(struct passes *f, uint32_t turn)
{
	while (f->turn_of.n < f->program->tasks.n)
		VEC_ADD(&f->turn_of, turn);
}

static void put_leg(struct passes *f, struct pass *s)
{
	const struct shards *shard_groups = s->at->shard_groups[s->phase];
	const struct world *w = s->at->world;
	struct pass *next = s->next == PASS_NONE ? NULL : &f->list.at[s->next];

	f->program->world = w;
	s->walk = walk_begin(f->program, s->at, s->phase, s->shape, s->group);
	for (size_t block = walk_first(w); block <= walk_last(w); block++) {
		const bool first = block == walk_first(w);

		if (first ? !s->follows : !shard_group_same(&shard_groups[block], &shard_groups[block - 1]))
			s->turn = f->turns_n++;
		put_block(f, s, block);
		close_turn(f, s->turn);
	}
	end_leg(f, s);
	close_turn(f, s->turn);
	f->program->world = f->w;
	if (!next)
		return;
	next->follows = goes_on(s, next);
	next->turn = s->turn;
}

/* One pass after the other leaves nothing to put in order. */
static bool is_chain(const struct passes *f)
{
	for (size_t i = 0; i + 1 < f->list.n; i++)
		if (f->list.at[i].next != (int)i + 1)
			return false;
	return true;
}

static void put_legs(struct passes *f)
{
	f->program = program_new(f->w);
	for (size_t i = 0; i < f->list.n; i++)
		put_leg(f, &f->list.at[i]);
	if (!is_chain(f))
		list_order_sort(f->program, f->turn_of.at, f->turns_n);
	VEC_FREE(&f->turn_of);
}

struct footprint *passes_streams(const struct placement *at)
{
	struct footprint *footprint = xcalloc(at->world->machines_n, sizeof *footprint);
	bool any = false;

	footprint_generate(at, footprint);
	for (size_t m = 0; m < at->world->machines_n; m++)
		any |= footprint[m].disk_B > 0;
	if (any)
		return footprint;
	free(footprint);
	return NULL;
}

struct passes passes_begin(const struct placement *at, bool with_prompts)
{
	struct passes f = {
		.at = at, .w = at->world, .g = placement_generate(at), .footprint = passes_streams(at)};
	const size_t caches = (size_t)(passes_groups(&f.g) * at->world->model->layers);

	f.room = xcalloc(at->world->machines_n, sizeof *f.room);
	if (with_prompts) {
		f.kv = xcalloc(caches, sizeof *f.kv);
		f.own = xcalloc(caches, sizeof *f.own);
	}
	return f;
}

struct program *passes_end(struct passes *f)
{
	put_legs(f);
	VEC_FREE(&f->list);
	free(f->kv);
	free(f->own);
	free(f->footprint);
	free(f->room);
	return f->program;
}
