/* passes.c - see passes.h. */
#include "sim/step/passes.h"

#include <stdlib.h>
#include <string.h>

#include "sim/cost/cost.h"
#include "sim/llm/projections.h"
#include "sim/step/joined.h"
#include "sim/step/list_order.h"

/* the buffers of a machine for weights read from its disk: one block computes while the next is read */
struct room {
	struct deps free, next;
	bool taken; /* by the number of the next block */
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

static bool hands_off_by_layer(const struct passes *f)
{
	return f->g.options.kv == KV_STREAM;
}

static size_t cache(const struct passes *f, const struct pass *s, int64_t layer)
{
	return (size_t)((int64_t)s->group * f->w->model->layers + layer);
}

/* The model as the devices that read a block's cache run it, since their runtime determines what the cache
 * holds. */
static const struct model *reader(const struct passes *f, size_t block)
{
	return shard_group_model(f->w, &f->at->shard_groups[PHASE_DECODE][block], WORLD_NONE);
}

/* A recurrent block's state is complete behind the whole prompt. */
static double state_B(const struct passes *f, const struct pass *s, size_t block, struct part part)
{
	const struct shards *decode = &f->at->shard_groups[PHASE_DECODE][block];

	return (double)s->of.shape.batch *
	       part_state_B(reader(f, block), footprint_conv_format(f->w, decode), part);
}

/* Bytes that a chunk adds to a block's cache as decode uses it: at most the window. */
static double chunk_kv_B(const struct passes *f, const struct pass *s, size_t block, struct part part)
{
	const struct model *m = reader(f, block);
	const int64_t from = f->g.prompt - part_cached(m, part, f->g.prompt);
	const int64_t begin = s->of.shape.past > from ? s->of.shape.past : from,
		      end = s->of.shape.past + s->of.shape.tokens;

	return (end <= begin
			? 0
			: graph_kv_B(m, &f->w->scenario->precision, part, s->of.shape.batch, end - begin)) +
	       (end == f->g.prompt ? state_B(f, s, block, part) : 0);
}

/* A KV cache is split by heads, but a latent is the same for all of them. */
static struct deps send_cache(struct passes *f, size_t block, double bytes, struct label label,
			      const struct deps *after)
{
	const struct shards *from = &f->at->shard_groups[PHASE_PREFILL][block],
			    *to = &f->at->shard_groups[PHASE_DECODE][block];

	return part_cache_of_all(reader(f, block), label.part)
		       ? program_hand_over(f->program, from, to, bytes, label, after)
		       : program_hand_parts(f->program, from, to, bytes, label, after);
}

/* Sends a chunk's keys and values to the devices that decode as soon as a layer has computed them. A link
 * keeps chunks in order, so whoever has received the last chunk has all of them. */
static void hand_off(struct passes *f, const struct pass *s, size_t block, struct label label,
		     const struct deps *after)
{
	label.payload = PAYLOAD_KV;
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

/* Layers with the same sender and receiver are sent as one message. */
static void hand_off_all(struct passes *f, const struct pass *s, const struct deps *after)
{
	const struct model *m = f->w->model;

	for (size_t i = 0; i < f->at->blocks_n; i++) {
		const struct block k = model_block(m, i);
		const struct label label = {.phase = s->of.phase,
					    .part = k.part,
					    .layer = k.layer,
					    .micro = s->group,
					    .payload = PAYLOAD_KV};
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
						    model_block(m, j).part, s->of.shape.batch, f->g.prompt) +
					 state_B(f, s, j, model_block(m, j).part);
		there = send_cache(f, i, bytes, label, after);
		for (size_t j = i; j < f->at->blocks_n; j++)
			if (same_way(f, i, j))
				f->kv[cache(f, s, model_block(m, j).layer)] = there;
	}
}

/* Properties of the prefill on the devices of a block; if logits of every token are needed, so are all
 * rows of every block. */
static struct prefill_rules rules_of(const struct pass *s, size_t block)
{
	const struct shards *shard_groups = s->at->shard_groups[PHASE_PREFILL];
	const struct world *w = s->at->world;

	if (s->of.phase != PHASE_PREFILL)
		return (struct prefill_rules){false, false, false};
	return (struct prefill_rules){shard_group_last_row(w, &shard_groups[block]),
				      shard_group_all_logits(w, &shard_groups[walk_last(w)]),
				      shard_group_caches_only(w, &shard_groups[block])};
}

/* Reads weights from a disk while the block before computes; experts only when the router has chosen them.
 * Adds the tasks after which they are in memory to `also`. */
static void read_weights(struct passes *f, const struct pass *s, size_t block, struct deps *also)
{
	const struct block k = model_block(f->w->model, block);
	const struct label label = {.phase = s->of.phase,
				    .part = k.part,
				    .layer = k.layer,
				    .micro = s->group,
				    .payload = PAYLOAD_DISK};
	const double tokens = (double)graph_rows(&s->of.shape);

	for (size_t m = 0; f->footprint && s->at == f->at && m < f->w->machines_n; m++) {
		const double bytes =
			offload_read_B(&f->footprint[m].offload, f->at, s->of.phase, block, m, tokens);
		struct deps after = f->room[m].free, there;

		if (bytes <= 0)
			continue;
		if (k.part.role == ROLE_EXPERTS)
			deps_join(f->program, &after, &s->x);
		there = program_read(f->program, m, bytes, label, &after);
		deps_join(f->program, also, &there);
		f->room[m].free = f->room[m].next;
		f->room[m].taken = true;
	}
}

/* Frees the buffer of a block's weights when the block has ended. */
static void leave_room(struct passes *f, const struct pass *s)
{
	for (size_t m = 0; f->footprint && m < f->w->machines_n; m++) {
		if (f->room[m].taken)
			f->room[m].next = s->x;
		f->room[m].taken = false;
	}
}

/* Copies the experts that a pass of a prompt hits to the device that computes them, when the router has chosen them. The
 * program waits for the copy: the scheduler reads the choice before it copies, and has one buffer. */
static void copy_weights(struct passes *f, struct pass *s, size_t block, struct label label)
{
	const struct model *m = f->w->model;
	const struct shards *from = &s->at->shard_groups[PHASE_DECODE][block],
			    *to = &s->at->shard_groups[PHASE_PREFILL][block];
	const double hit =
		experts_hit(m->experts, (double)graph_rows(&s->of.shape)) / (double)m->experts->count;

	label.payload = PAYLOAD_WEIGHTS;
	s->x = program_hand_over(f->program, from, to,
				 hit * part_weights_B(m, &f->w->scenario->precision, label.part), label,
				 &s->x);
}

static void put_block(struct passes *f, struct pass *s, size_t block)
{
	const struct world *w = s->at->world;
	const struct block k = model_block(w->model, block);
	const struct shards *shards = &s->at->shard_groups[s->of.phase][block];
	const bool attends = k.part.role == ROLE_ATTENTION && f->kv && s->at == f->at,
		   prompt = s->of.phase == PHASE_PREFILL;
	const struct label label = {
		.phase = s->of.phase, .part = k.part, .layer = k.layer, .micro = s->group};
	struct deps also = {.n = 0};

	if (!request_pass_block(&s->of, w->model, k, rules_of(s, block), &s->walk.shape))
		return;
	if (prompt && s->at->copied && s->at->copied[block]) {
		copy_weights(f, s, block, label);
		deps_join(f->program, &also, &s->x);
	}
	if (block == walk_first(w))
		deps_join(f->program, &also, &s->x);
	if (block == walk_first(w) && s->behind != PASS_NONE)
		deps_join(f->program, &also, &f->list.at[s->behind].begun);
	if (attends && (!prompt || shards->n == 1)) /* a chunk reads the cache of the chunks before it */
		deps_join(f->program, &also, &(prompt ? f->own : f->kv)[cache(f, s, k.layer)]);
	read_weights(f, s, block, &also);
	s->x = walk_block(&s->walk, block, &also);
	leave_room(f, s);
	if (block == walk_first(w))
		s->begun = s->x;
	s->done = block;
	if (!attends || !prompt)
		return;
	f->own[cache(f, s, k.layer)] = s->x;
	if (hands_off_by_layer(f))
		hand_off(f, s, block, label, &s->x);
}

/* The placement whose first block receives the tokens of a step: that of the draft, if there is one. */
static const struct placement *step_begins_at(const struct passes *f)
{
	return f->at->draft ? f->at->draft : f->at;
}

/* Sends the sampled ids, four bytes each, to the device on which a pass begins. */
static struct deps put_tokens(struct passes *f, const struct pass *s, const struct placement *at)
{
	const struct shards *to = &at->shard_groups[PHASE_DECODE][walk_first(at->world)];
	const struct label label = {.phase = PHASE_DECODE,
				    .part = {ROLE_EMBEDDING, false, 0},
				    .layer = -1,
				    .micro = s->group,
				    .payload = PAYLOAD_TOKEN};

	return program_hand_over(f->program, walk_out(&s->walk, s->done), to,
				 4.0 * (double)(s->of.gives * s->of.shape.batch), label, &s->x);
}

/* Appends the time in which a runtime makes its weights resident for a request: each machine its own, at one time, of
 * which that of the unit that ends the pass stands for all. */
static void add_wiring(struct passes *f, struct pass *s, size_t unit, struct label label)
{
	static const enum phase phases[] = {PHASE_PREFILL, PHASE_DECODE};
	const struct unit *u = &f->w->units[unit];
	struct op wire = {.name = "wire", .kind = OP_WIRE, .phase = s->of.phase, .role = ROLE_HEAD};

	if (!s->of.begins || s->group > 0 || !u->profile->overhead.wire.given)
		return;
	wire.weight_B = footprint_weights_B(s->at, phases, ARRAY_LEN(phases), u->machine);
	s->x = deps_of(f->program, program_op(f->program, &wire, unit, 1, label, &s->x));
}

/* The host's part of a pass; alike for all passes, unless the runtime says what it hangs on. */
static struct op step_of(const struct passes *f, const struct pass *s, size_t unit)
{
	struct op step = {.name = "step", .kind = OP_STEP, .phase = s->of.phase, .role = ROLE_HEAD};

	if (!cost_counts_step(f->w->units[unit].profile))
		return step;
	step = graph_step(s->at->world->model, &s->of.shape, s->of.phase);
	if (!s->of.answers)
		step.tensor_B = 0;
	return step;
}

/* Appends the host's part of a pass and sends its tokens to the next pass. */
static void end_pass(struct passes *f, struct pass *s)
{
	const size_t unit = walk_out(&s->walk, s->done)->unit[0];
	const struct op step = step_of(f, s, unit);
	const struct label label = {
		.phase = s->of.phase, .part = {ROLE_HEAD, false, 0}, .layer = -1, .micro = s->group};
	struct pass *next = s->next == PASS_NONE ? NULL : &f->list.at[s->next];
	struct deps there;
	uint32_t end;

	if (s->of.reads_last && !s->of.drafts && s->x.n)
		f->program->marks[MARK_PREFILL] = s->x.task[0];
	add_wiring(f, s, unit, label);
	end = program_op(f->program, &step, unit, 1, label, &s->x);
	s->x = deps_of(f->program, end);
	if (s->first)
		f->program->marks[MARK_FIRST_TOKEN] = end;
	if (next) {
		there = put_tokens(f, s, next->at);
		deps_join(f->program, &next->x, &there);
	} else if (s->of.answers && f->token_at_end) {
		put_tokens(f, s, step_begins_at(f));
	}
	if (s->of.reads_last && !s->of.drafts && f->kv && !hands_off_by_layer(f))
		hand_off_all(f, s, &s->x);
}

/* Returns whether two passes share a visit: the second one begins on the shard group on which the first
 * ended, and leaves that shard group later. If it stays there to its end, each pass is a visit of its own. */
static bool continues_visit(const struct pass *from, const struct pass *to)
{
	const struct shards *end = walk_out(&from->walk, from->done),
			    *shard_groups = to->at->shard_groups[to->of.phase];
	const struct world *w = to->at->world;
	bool leaves = false;

	for (size_t block = walk_first(w) + 1; block <= walk_last(w); block++)
		leaves |= !shard_group_same(&shard_groups[block], &shard_groups[block - 1]);
	return leaves && shard_group_same(end, &shard_groups[walk_first(w)]);
}

static void close_visit(struct passes *f, uint32_t visit)
{
	while (f->visit_of.n < f->program->tasks.n)
		VEC_ADD(&f->visit_of, visit);
}

static void put_pass(struct passes *f, struct pass *s)
{
	const struct shards *shard_groups = s->at->shard_groups[s->of.phase];
	const struct world *w = s->at->world;
	struct pass *next = s->next == PASS_NONE ? NULL : &f->list.at[s->next];

	f->program->world = w;
	s->walk = walk_begin(f->program, s->at, s->of.phase, s->of.shape, s->group);
	for (size_t block = walk_first(w); block <= walk_last(w); block++) {
		const bool first = block == walk_first(w);

		if (first ? !s->follows : !shard_group_same(&shard_groups[block], &shard_groups[block - 1]))
			s->visit = f->visits_n++;
		put_block(f, s, block);
		close_visit(f, s->visit);
	}
	end_pass(f, s);
	close_visit(f, s->visit);
	f->program->world = f->w;
	if (!next)
		return;
	next->follows = continues_visit(s, next);
	next->visit = s->visit;
}

/* Passes that each begin with the tokens of the one before are in order already. */
static bool is_chain(const struct passes *f)
{
	for (size_t i = 0; i + 1 < f->list.n; i++)
		if (f->list.at[i].next != (int)i + 1)
			return false;
	return true;
}

static void put_passes(struct passes *f)
{
	f->program = program_new(f->w);
	f->program->span = f->span;
	if (f->joins)
		joined_begin(f->program, false);
	for (size_t i = 0; i < f->list.n; i++)
		put_pass(f, &f->list.at[i]);
	if (!is_chain(f))
		list_order_sort(f->program, f->visit_of.at, f->visits_n);
	VEC_FREE(&f->visit_of);
}

struct footprint *passes_streams(const struct placement *at)
{
	struct footprint *footprint;
	bool any = false;

	if (placement_generate(at).options.overflow != OFFLOAD_STREAM)
		return NULL;
	footprint = xcalloc(at->world->machines_n, sizeof *footprint);
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
	put_passes(f);
	VEC_FREE(&f->list);
	free(f->kv);
	free(f->own);
	free(f->footprint);
	free(f->room);
	return f->program;
}
