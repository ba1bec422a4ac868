/* flight.c - see flight.h. */
#include "sim/step/flight.h"

#include <stdlib.h>
#include <string.h>

#include "sim/step/turns.h"

struct room { /* on a machine, for what it reads: one block computes while the next is read */
	struct waits free, next;
	bool taken; /* by the block that comes */
};

int64_t flight_groups(const struct generate *g)
{
	const int64_t n = g->how.micro_batches;

	return n < 1 ? 1 : n > g->batch ? g->batch : n;
}

int64_t flight_group_batch(const struct generate *g, int64_t group)
{
	const int64_t n = flight_groups(g);

	return g->batch * (group + 1) / n - g->batch * group / n;
}

static bool by_and_by(const struct flight *f)
{
	return f->g.how.kv == KV_STREAM;
}

static size_t cache(const struct flight *f, const struct leg *s, int64_t layer)
{
	return (size_t)((int64_t)s->group * f->w->model->layers + layer);
}

/* Bytes that a chunk adds to what decode will find in a block's cache: no more than its window holds. */
static double chunk_kv_B(const struct flight *f, const struct leg *s, struct part part)
{
	const struct model *m = f->w->model;
	const int64_t from = f->g.prompt - part_cached(m, part, f->g.prompt);
	const int64_t begin = s->shape.past > from ? s->shape.past : from,
		      end = s->shape.past + s->shape.tokens;

	return end <= begin ? 0
			    : graph_kv_B(m, &f->w->scenario->precision, part, s->shape.batch, end - begin);
}

/* A cache is split by heads, but a latent belongs to all of them. */
static struct waits send_cache(struct flight *f, size_t block, double bytes, struct tag tag,
			       const struct waits *after)
{
	const struct seat *from = &f->at->seats[PHASE_PREFILL][block],
			  *to = &f->at->seats[PHASE_DECODE][block];

	return f->w->model->attention.latent ? prog_hand_over(f->prog, from, to, bytes, tag, after)
					     : prog_hand_parts(f->prog, from, to, bytes, tag, after);
}

/* A chunk's keys and values leave for where decode reads them as soon as their layer has them. A link keeps
 * chunks in order: who has the last has them all. */
static void hand_off(struct flight *f, const struct leg *s, size_t block, struct tag tag,
		     const struct waits *after)
{
	tag.what = "KV";
	f->kv[cache(f, s, tag.layer)] = send_cache(f, block, chunk_kv_B(f, s, tag.part), tag, after);
}

static bool same_way(const struct flight *f, size_t i, size_t k)
{
	return model_block(f->w->model, k).part.role == ROLE_ATTENTION &&
	       seat_same(&f->at->seats[PHASE_PREFILL][i], &f->at->seats[PHASE_PREFILL][k]) &&
	       seat_same(&f->at->seats[PHASE_DECODE][i], &f->at->seats[PHASE_DECODE][k]);
}

/* All layers that go the same way go as one message. */
static void hand_off_all(struct flight *f, const struct leg *s, const struct waits *after)
{
	const struct model *m = f->w->model;

	for (size_t i = 0; i < f->at->blocks_n; i++) {
		const struct block k = model_block(m, i);
		const struct tag tag = {
			.phase = s->phase, .part = k.part, .layer = k.layer, .micro = s->group, .what = "KV"};
		double bytes = 0;
		struct waits there;
		bool gone = false;

		for (size_t j = 0; j < i && !gone; j++)
			gone = same_way(f, i, j);
		if (gone || k.part.role != ROLE_ATTENTION)
			continue;
		for (size_t j = i; j < f->at->blocks_n; j++)
			if (same_way(f, i, j))
				bytes += graph_kv_B(m, &f->w->scenario->precision, model_block(m, j).part,
						    s->shape.batch, f->g.prompt);
		there = send_cache(f, i, bytes, tag, after);
		for (size_t j = i; j < f->at->blocks_n; j++)
			if (same_way(f, i, j))
				f->kv[cache(f, s, model_block(m, j).layer)] = there;
	}
}

/* Is only the last token of the prompt wanted of this block, and is that all that its devices run? */
static bool one_row(const struct leg *s, size_t block)
{
	const struct seat *seats = s->at->seats[PHASE_PREFILL];
	const struct world *w = s->at->world;

	return block_is_tail(w->model, model_block(w->model, block)) && seat_last_row(w, &seats[block]) &&
	       !seat_all_logits(w, &seats[walk_last(w)]);
}

/* Is the block left out? The head of a chunk whose logits nobody wants. */
static bool is_idle(const struct leg *s, size_t block)
{
	const struct world *w = s->at->world;

	return model_block(w->model, block).part.role == ROLE_HEAD && !s->answers &&
	       !seat_all_logits(w, &s->at->seats[s->phase][block]);
}

/* Weights that stay on a disk come in while the block before computes; experts when the router has said
 * which. `also` gets what has to end for them to be there. */
static void read_weights(struct flight *f, const struct leg *s, size_t block, struct waits *also)
{
	const struct block k = model_block(f->w->model, block);
	const struct tag tag = {
		.phase = s->phase, .part = k.part, .layer = k.layer, .micro = s->group, .what = "disk"};
	const double tokens = (double)(s->shape.batch * s->shape.tokens);

	for (size_t m = 0; f->fit && s->at == f->at && m < f->w->machines_n; m++) {
		const double bytes = overflow_read_B(&f->fit[m].overflow, f->at, s->phase, block, m, tokens);
		struct waits after = f->room[m].free, there;

		if (bytes <= 0)
			continue;
		if (k.part.role == ROLE_EXPERTS)
			waits_join(&after, &s->x);
		there = prog_read(f->prog, m, bytes, tag, &after);
		waits_join(also, &there);
		f->room[m].free = f->room[m].next;
		f->room[m].taken = true;
	}
}

/* A block that has ended leaves the room of its weights. */
static void leave_room(struct flight *f, const struct leg *s)
{
	for (size_t m = 0; f->fit && m < f->w->machines_n; m++) {
		if (f->room[m].taken)
			f->room[m].next = s->x;
		f->room[m].taken = false;
	}
}

static void put_block(struct flight *f, struct leg *s, size_t block)
{
	const struct world *w = s->at->world;
	const struct block k = model_block(w->model, block);
	const struct seat *seat = &s->at->seats[s->phase][block];
	const bool attends = k.part.role == ROLE_ATTENTION && f->kv && s->at == f->at,
		   prompt = s->phase == PHASE_PREFILL;
	const struct tag tag = {.phase = s->phase, .part = k.part, .layer = k.layer, .micro = s->group};
	struct waits also = {.n = 0};

	if (is_idle(s, block))
		return;
	if (block == walk_first(w))
		waits_join(&also, &s->x);
	if (block == walk_first(w) && s->behind != LEG_NONE)
		waits_join(&also, &f->legs.at[s->behind].begun);
	if (attends && (!prompt || seat->n == 1)) /* a chunk reads what those before it left */
		waits_join(&also, &(prompt ? f->own : f->kv)[cache(f, s, k.layer)]);
	if (k.part.role == ROLE_HEAD)
		s->walk.shape.all_logits = prompt ? seat_all_logits(w, seat) : s->checks;
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
		hand_off(f, s, block, tag, &s->x);
}

/* Where the next step begins. */
static const struct placement *begins(const struct flight *f)
{
	return f->at->draft ? f->at->draft : f->at;
}

/* What was chosen, four bytes a token, goes to where a pass begins. */
static struct waits put_tokens(struct flight *f, const struct leg *s, const struct placement *at)
{
	const struct seat *to = &at->seats[PHASE_DECODE][walk_first(at->world)];
	const struct tag tag = {.phase = PHASE_DECODE,
				.part = {ROLE_EMBEDDING, false},
				.layer = -1,
				.micro = s->group,
				.what = "token"};

	return prog_hand_over(f->prog, walk_out(&s->walk, s->done), to,
			      4.0 * (double)(s->gives * s->shape.batch), tag, &s->x);
}

/* The host's part of a pass, and what follows from it. */
static void end_leg(struct flight *f, struct leg *s)
{
	const struct op step = {.name = "step", .kind = OP_STEP, .phase = s->phase, .role = ROLE_HEAD};
	const struct tag tag = {
		.phase = s->phase, .part = {ROLE_HEAD, false}, .layer = -1, .micro = s->group};
	struct leg *next = s->next == LEG_NONE ? NULL : &f->legs.at[s->next];
	struct waits there;
	uint32_t end;

	if (s->reads_all && s->x.n)
		f->prog->marks[MARK_PREFILL] = s->x.task[0];
	end = prog_op(f->prog, &step, walk_out(&s->walk, s->done)->unit[0], 1, tag, &s->x);
	s->x = (struct waits){.n = 1, .task = {end}};
	if (s->first)
		f->prog->marks[MARK_FIRST_TOKEN] = end;
	if (next) {
		there = put_tokens(f, s, next->at);
		waits_join(&next->x, &there);
	} else if (s->answers && f->token_at_end) {
		put_tokens(f, s, begins(f));
	}
	if (s->reads_all && f->kv && !by_and_by(f))
		hand_off_all(f, s, &s->x);
}

/* Does a pass begin where the one ended that it follows, to leave again? Then it goes on as one. */
static bool goes_on(const struct leg *from, const struct leg *to)
{
	const struct seat *end = walk_out(&from->walk, from->done), *seats = to->at->seats[to->phase];
	const struct world *w = to->at->world;
	bool leaves = false;

	for (size_t block = walk_first(w) + 1; block <= walk_last(w); block++)
		leaves |= !seat_same(&seats[block], &seats[block - 1]);
	return leaves && seat_same(end, &seats[walk_first(w)]);
}

static void close_turn(struct flight *f, uint32_t turn)
{
	while (f->turn_of.n < f->prog->tasks.n)
		VEC_ADD(&f->turn_of, turn);
}

static void put_leg(struct flight *f, struct leg *s)
{
	const struct seat *seats = s->at->seats[s->phase];
	const struct world *w = s->at->world;
	struct leg *next = s->next == LEG_NONE ? NULL : &f->legs.at[s->next];

	f->prog->world = w;
	s->walk = walk_begin(f->prog, s->at, s->phase, s->shape, s->group);
	for (size_t block = walk_first(w); block <= walk_last(w); block++) {
		const bool first = block == walk_first(w);

		if (first ? !s->follows : !seat_same(&seats[block], &seats[block - 1]))
			s->turn = f->turns_n++;
		put_block(f, s, block);
		close_turn(f, s->turn);
	}
	end_leg(f, s);
	close_turn(f, s->turn);
	f->prog->world = f->w;
	if (!next)
		return;
	next->follows = goes_on(s, next);
	next->turn = s->turn;
}

/* One pass after the other leaves nothing to put in order. */
static bool is_chain(const struct flight *f)
{
	for (size_t i = 0; i + 1 < f->legs.n; i++)
		if (f->legs.at[i].next != (int)i + 1)
			return false;
	return true;
}

static void put_legs(struct flight *f)
{
	f->prog = prog_new(f->w);
	for (size_t i = 0; i < f->legs.n; i++)
		put_leg(f, &f->legs.at[i]);
	if (!is_chain(f))
		turns_sort(f->prog, f->turn_of.at, f->turns_n);
	VEC_FREE(&f->turn_of);
}

struct fit *flight_streams(const struct placement *at)
{
	struct fit *fit = xcalloc(at->world->machines_n, sizeof *fit);
	bool any = false;

	fit_generate(at, fit);
	for (size_t m = 0; m < at->world->machines_n; m++)
		any |= fit[m].disk_B > 0;
	if (any)
		return fit;
	free(fit);
	return NULL;
}

struct flight flight_begin(const struct placement *at, bool with_prompts)
{
	struct flight f = {.at = at, .w = at->world, .g = placement_generate(at), .fit = flight_streams(at)};
	const size_t caches = (size_t)(flight_groups(&f.g) * at->world->model->layers);

	f.room = xcalloc(at->world->machines_n, sizeof *f.room);
	if (with_prompts) {
		f.kv = xcalloc(caches, sizeof *f.kv);
		f.own = xcalloc(caches, sizeof *f.own);
	}
	return f;
}

struct prog *flight_end(struct flight *f)
{
	put_legs(f);
	VEC_FREE(&f->legs);
	free(f->kv);
	free(f->own);
	free(f->fit);
	free(f->room);
	return f->prog;
}
