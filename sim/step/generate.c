/* generate.c - see generate.h. */
#include "sim/step/generate.h"

#include <stdlib.h>
#include <string.h>

#include "sim/place/fit.h"
#include "sim/step/turns.h"
#include "sim/step/walk.h"

enum { PASS_NONE = -1 };

struct pass { /* one chunk of a prompt, or one token, of a group of sequences */
	const struct placement *at;
	enum phase phase;
	struct shape shape;
	uint32_t group;
	bool answers;  /* its last position gives a token: of a prompt's chunks the last one's alone */
	bool checks;   /* every position does: a draft is checked */
	int64_t gives; /* tokens of each sequence for who comes next */
	int next;      /* the pass that this one's tokens start; PASS_NONE */
	int mark;      /* of the program, that its end is; 0 */
	/* while it is written down */
	struct walk walk;
	struct waits x;
	size_t done;   /* the last block so far */
	bool follows;  /* its first turn is the last of the pass before it */
	uint32_t turn; /* that it is in */
};

struct room { /* on a machine, for what it reads: one block computes while the next is read */
	struct waits free, next;
	bool taken; /* by the block that comes */
};

struct builder {
	const struct placement *at;
	const struct world *w;
	struct generate g;
	struct prog *p;
	VEC(struct pass) passes;
	/* [group][layer]: what has to end for a cache to be where decode is, and where prefill is; NULL: it
	 * is */
	struct waits *kv, *own;
	struct fit *fit;       /* NULL, or of each machine: what it reads from its disk */
	struct room *room;     /* likewise: what it can be read into */
	VEC(uint32_t) turn_of; /* of each task */
	uint32_t turns_n;
	bool token_at_end; /* the program ends when the last token is where the next step begins */
};

static int64_t groups_of(const struct generate *g)
{
	const int64_t n = g->how.micro_batches;

	return n < 1 ? 1 : n > g->batch ? g->batch : n;
}

/* Sequences of a group; the groups are as alike as they can be. */
static int64_t group_batch(const struct generate *g, int64_t group)
{
	const int64_t n = groups_of(g);

	return g->batch * (group + 1) / n - g->batch * group / n;
}

static int64_t chunk_of(const struct generate *g)
{
	return g->how.chunk > 0 && g->how.chunk < g->prompt ? g->how.chunk : g->prompt;
}

static bool by_and_by(const struct builder *b)
{
	return b->g.how.kv == KV_STREAM;
}

static size_t cache(const struct builder *b, const struct pass *s, int64_t layer)
{
	return (size_t)((int64_t)s->group * b->w->model->layers + layer);
}

/* Bytes that a chunk adds to what decode will find in a block's cache: no more than its window holds. */
static double chunk_kv_B(const struct builder *b, const struct pass *s, struct part part)
{
	const struct model *m = b->w->model;
	const int64_t from = b->g.prompt - part_cached(m, part, b->g.prompt);
	const int64_t begin = s->shape.past > from ? s->shape.past : from,
		      end = s->shape.past + s->shape.tokens;

	return end <= begin ? 0
			    : graph_kv_B(m, &b->w->scenario->precision, part, s->shape.batch, end - begin);
}

/* A cache is split by heads, but a latent belongs to all of them. */
static struct waits send_cache(struct builder *b, size_t block, double bytes, struct tag tag,
			       const struct waits *after)
{
	const struct seat *from = &b->at->seats[PHASE_PREFILL][block],
			  *to = &b->at->seats[PHASE_DECODE][block];

	return b->w->model->attention.latent ? prog_hand_over(b->p, from, to, bytes, tag, after)
					     : prog_hand_parts(b->p, from, to, bytes, tag, after);
}

/* A chunk's keys and values leave for where decode reads them as soon as their layer has them. A link keeps
 * chunks in order: who has the last has them all. */
static void hand_off(struct builder *b, const struct pass *s, size_t block, struct tag tag,
		     const struct waits *after)
{
	tag.what = "KV";
	b->kv[cache(b, s, tag.layer)] = send_cache(b, block, chunk_kv_B(b, s, tag.part), tag, after);
}

static bool same_way(const struct builder *b, size_t i, size_t k)
{
	return model_block(b->w->model, k).part.role == ROLE_ATTENTION &&
	       seat_same(&b->at->seats[PHASE_PREFILL][i], &b->at->seats[PHASE_PREFILL][k]) &&
	       seat_same(&b->at->seats[PHASE_DECODE][i], &b->at->seats[PHASE_DECODE][k]);
}

/* All layers that go the same way go as one message. */
static void hand_off_all(struct builder *b, const struct pass *s, const struct waits *after)
{
	const struct model *m = b->w->model;

	for (size_t i = 0; i < b->at->blocks_n; i++) {
		const struct block k = model_block(m, i);
		const struct tag tag = {
			.phase = s->phase, .part = k.part, .layer = k.layer, .micro = s->group, .what = "KV"};
		double bytes = 0;
		struct waits there;
		bool gone = false;

		for (size_t j = 0; j < i && !gone; j++)
			gone = same_way(b, i, j);
		if (gone || k.part.role != ROLE_ATTENTION)
			continue;
		for (size_t j = i; j < b->at->blocks_n; j++)
			if (same_way(b, i, j))
				bytes += graph_kv_B(m, &b->w->scenario->precision, model_block(m, j).part,
						    s->shape.batch, b->g.prompt);
		there = send_cache(b, i, bytes, tag, after);
		for (size_t j = i; j < b->at->blocks_n; j++)
			if (same_way(b, i, j))
				b->kv[cache(b, s, model_block(m, j).layer)] = there;
	}
}

/* Is only the last token of the prompt wanted of this block, and is that all that its devices run? */
static bool one_row(const struct pass *s, size_t block)
{
	const struct seat *seats = s->at->seats[PHASE_PREFILL];
	const struct world *w = s->at->world;

	return block_is_tail(w->model, model_block(w->model, block)) && seat_last_row(w, &seats[block]) &&
	       !seat_all_logits(w, &seats[walk_last(w)]);
}

/* Is the block left out? The head of a chunk whose logits nobody wants. */
static bool is_idle(const struct pass *s, size_t block)
{
	const struct world *w = s->at->world;

	return model_block(w->model, block).part.role == ROLE_HEAD && !s->answers &&
	       !seat_all_logits(w, &s->at->seats[s->phase][block]);
}

/* Weights that stay on a disk come in while the block before computes; experts when the router has said
 * which. `also` gets what has to end for them to be there. */
static void read_weights(struct builder *b, const struct pass *s, size_t block, struct waits *also)
{
	const struct block k = model_block(b->w->model, block);
	const struct tag tag = {
		.phase = s->phase, .part = k.part, .layer = k.layer, .micro = s->group, .what = "disk"};
	const double tokens = (double)(s->shape.batch * s->shape.tokens);

	for (size_t m = 0; b->fit && s->at == b->at && m < b->w->machines_n; m++) {
		const double bytes = overflow_read_B(&b->fit[m].overflow, b->at, s->phase, block, m, tokens);
		struct waits after = b->room[m].free, there;

		if (bytes <= 0)
			continue;
		if (k.part.role == ROLE_EXPERTS)
			waits_join(&after, &s->x);
		there = prog_read(b->p, m, bytes, tag, &after);
		waits_join(also, &there);
		b->room[m].free = b->room[m].next;
		b->room[m].taken = true;
	}
}

/* A block that has ended leaves the room of its weights. */
static void leave_room(struct builder *b, const struct pass *s)
{
	for (size_t m = 0; b->fit && m < b->w->machines_n; m++) {
		if (b->room[m].taken)
			b->room[m].next = s->x;
		b->room[m].taken = false;
	}
}

static void put_block(struct builder *b, struct pass *s, size_t block)
{
	const struct world *w = s->at->world;
	const struct block k = model_block(w->model, block);
	const struct seat *seat = &s->at->seats[s->phase][block];
	const bool attends = k.part.role == ROLE_ATTENTION && b->kv && s->at == b->at,
		   prompt = s->phase == PHASE_PREFILL;
	const struct tag tag = {.phase = s->phase, .part = k.part, .layer = k.layer, .micro = s->group};
	struct waits also = {.n = 0};

	if (is_idle(s, block))
		return;
	if (block == walk_first(w))
		waits_join(&also, &s->x);
	if (attends && (!prompt || seat->n == 1)) /* a chunk reads what those before it left */
		waits_join(&also, &(prompt ? b->own : b->kv)[cache(b, s, k.layer)]);
	if (k.part.role == ROLE_HEAD)
		s->walk.shape.all_logits = prompt ? seat_all_logits(w, seat) : s->checks;
	if (prompt && one_row(s, block))
		s->walk.shape.tokens = 1;
	read_weights(b, s, block, &also);
	s->x = walk_block(&s->walk, block, &also);
	leave_room(b, s);
	s->done = block;
	if (!attends || !prompt)
		return;
	b->own[cache(b, s, k.layer)] = s->x;
	if (by_and_by(b))
		hand_off(b, s, block, tag, &s->x);
}

/* Where the next step begins. */
static const struct placement *begins(const struct builder *b)
{
	return b->at->draft ? b->at->draft : b->at;
}

/* What was chosen, four bytes a token, goes to where a pass begins. */
static struct waits put_tokens(struct builder *b, const struct pass *s, const struct placement *at)
{
	const struct seat *to = &at->seats[PHASE_DECODE][walk_first(at->world)];
	const struct tag tag = {.phase = PHASE_DECODE,
				.part = {ROLE_EMBEDDING, false},
				.layer = -1,
				.micro = s->group,
				.what = "token"};

	return prog_hand_over(b->p, walk_out(&s->walk, s->done), to,
			      4.0 * (double)(s->gives * s->shape.batch), tag, &s->x);
}

/* The host's part of a pass, and what follows from it. */
static void end_pass(struct builder *b, struct pass *s)
{
	const struct op step = {.name = "step", .kind = OP_STEP, .phase = s->phase, .role = ROLE_HEAD};
	const struct tag tag = {
		.phase = s->phase, .part = {ROLE_HEAD, false}, .layer = -1, .micro = s->group};
	const bool prompt = s->phase == PHASE_PREFILL && s->answers;
	struct pass *next = s->next == PASS_NONE ? NULL : &b->passes.at[s->next];
	struct waits there;
	uint32_t end;

	if (prompt && s->x.n)
		b->p->marks[MARK_PREFILL] = s->x.task[0];
	end = prog_op(b->p, &step, walk_out(&s->walk, s->done)->unit[0], 1, tag, &s->x);
	s->x = (struct waits){.n = 1, .task = {end}};
	if (s->mark)
		b->p->marks[s->mark] = end;
	if (prompt)
		b->p->marks[MARK_FIRST_TOKEN] = end;
	if (next) {
		there = put_tokens(b, s, next->at);
		waits_join(&next->x, &there);
	} else if (s->answers && b->token_at_end) {
		put_tokens(b, s, begins(b));
	}
	if (prompt && b->kv && !by_and_by(b))
		hand_off_all(b, s, &s->x);
}

/* Does a pass begin where the one ended that it follows, to leave again? Then it goes on as one. */
static bool goes_on(const struct pass *from, const struct pass *to)
{
	const struct seat *end = walk_out(&from->walk, from->done), *seats = to->at->seats[to->phase];
	const struct world *w = to->at->world;
	bool leaves = false;

	for (size_t block = walk_first(w) + 1; block <= walk_last(w); block++)
		leaves |= !seat_same(&seats[block], &seats[block - 1]);
	return leaves && seat_same(end, &seats[walk_first(w)]);
}

static void close_turn(struct builder *b, uint32_t turn)
{
	while (b->turn_of.n < b->p->tasks.n)
		VEC_ADD(&b->turn_of, turn);
}

static void put_pass(struct builder *b, struct pass *s)
{
	const struct seat *seats = s->at->seats[s->phase];
	const struct world *w = s->at->world;
	struct pass *next = s->next == PASS_NONE ? NULL : &b->passes.at[s->next];

	b->p->world = w;
	s->walk = walk_begin(b->p, s->at, s->phase, s->shape, s->group);
	for (size_t block = walk_first(w); block <= walk_last(w); block++) {
		const bool first = block == walk_first(w);

		if (first ? !s->follows : !seat_same(&seats[block], &seats[block - 1]))
			s->turn = b->turns_n++;
		put_block(b, s, block);
		close_turn(b, s->turn);
	}
	end_pass(b, s);
	close_turn(b, s->turn);
	b->p->world = b->w;
	if (!next)
		return;
	next->follows = goes_on(s, next);
	next->turn = s->turn;
}

/* One pass after the other leaves nothing to put in order. */
static bool is_chain(const struct builder *b)
{
	for (size_t i = 0; i + 1 < b->passes.n; i++)
		if (b->passes.at[i].next != (int)i + 1)
			return false;
	return true;
}

static void put_passes(struct builder *b)
{
	b->p = prog_new(b->w);
	for (size_t i = 0; i < b->passes.n; i++)
		put_pass(b, &b->passes.at[i]);
	if (!is_chain(b))
		turns_sort(b->p, b->turn_of.at, b->turns_n);
	VEC_FREE(&b->turn_of);
}

/* A pass of a group in decode, behind so many tokens; returns it until the next is added. */
static struct pass *add_decode(struct builder *b, const struct placement *at, int64_t group, int64_t past)
{
	struct pass s = {.at = at, .phase = PHASE_DECODE, .answers = true, .gives = 1, .next = PASS_NONE};

	s.group = (uint32_t)group;
	s.shape = (struct shape){.batch = group_batch(&b->g, group), .tokens = 1, .past = past};
	VEC_ADD(&b->passes, s);
	return &b->passes.at[b->passes.n - 1];
}

/* A token of a group; or a draft, written token by token, and its check in one pass, as long as the draft and
 * the token before it. Returns the last pass, until the next is added. */
static struct pass *add_step(struct builder *b, int64_t group, int64_t past)
{
	const int64_t draft = b->at->draft ? b->g.how.speculative->draft : 0;
	struct pass *s;

	for (int64_t i = 0; i < draft; i++) {
		s = add_decode(b, b->at->draft, group, past + i);
		s->gives = i == draft - 1 ? draft : 1;
		s->next = (int)b->passes.n;
	}
	s = add_decode(b, b->at, group, past);
	s->shape.tokens = s->gives = draft + 1;
	s->checks = draft > 0;
	return s;
}

/* Passes of a step. */
static int step_passes(const struct builder *b)
{
	return 1 + (b->at->draft ? (int)b->g.how.speculative->draft : 0);
}

/* next: the pass that the prompt's last chunk starts, PASS_NONE. */
static void add_prompt(struct builder *b, const struct placement *at, int64_t group, int next)
{
	const int64_t chunk = chunk_of(&b->g);

	for (int64_t past = 0; past < b->g.prompt; past += chunk) {
		const int64_t left = b->g.prompt - past;
		struct pass s = {.at = at, .phase = PHASE_PREFILL, .next = PASS_NONE};

		s.shape = (struct shape){.batch = group_batch(&b->g, group),
					 .tokens = left <= chunk ? left : chunk,
					 .past = past};
		s.group = (uint32_t)group;
		s.answers = left <= chunk && at == b->at;
		s.gives = s.answers;
		if (left <= chunk)
			s.next = next;
		VEC_ADD(&b->passes, s);
	}
}

/* The prompt goes through both models; then the first step. */
static void add_prefill(struct builder *b, int64_t group, bool decodes)
{
	const int chunks = (int)((b->g.prompt + chunk_of(&b->g) - 1) / chunk_of(&b->g));
	const int first = (int)b->passes.n + chunks * (b->at->draft ? 2 : 1);

	add_prompt(b, b->at, group, decodes ? first : PASS_NONE);
	if (b->at->draft)
		add_prompt(b, b->at->draft, group, decodes ? first : PASS_NONE);
	if (decodes)
		add_step(b, group, b->g.prompt);
}

/* What each machine reads from its disk; NULL: nothing does. The caller frees it. */
static struct fit *streams(const struct placement *at)
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

static struct builder builder_of(const struct placement *at)
{
	return (struct builder){.at = at,
				.w = at->world,
				.g = placement_generate(at),
				.fit = streams(at),
				.room = xcalloc(at->world->machines_n, sizeof(struct room))};
}

/* All but the program. */
static struct prog *close_builder(struct builder *b)
{
	VEC_FREE(&b->passes);
	free(b->kv);
	free(b->own);
	free(b->fit);
	free(b->room);
	return b->p;
}

static struct prog *build_first(const struct placement *at)
{
	struct builder b = builder_of(at);
	const int64_t groups = groups_of(&b.g);

	b.kv = xcalloc((size_t)(groups * at->world->model->layers), sizeof *b.kv);
	b.own = xcalloc((size_t)(groups * at->world->model->layers), sizeof *b.own);
	for (int64_t i = 0; i < groups; i++)
		add_prefill(&b, i, b.g.tokens > 1);
	put_passes(&b);
	return close_builder(&b);
}

/* One step, or as many as show what a step costs once the groups have spread out. */
static struct prog *build_later(const struct placement *at, int64_t past, int repeat)
{
	struct builder b = builder_of(at);
	const int64_t groups = groups_of(&b.g);

	b.token_at_end = true;
	for (int step = 0; step < repeat; step++) {
		for (int64_t i = 0; i < groups; i++) {
			struct pass *s = add_step(&b, i, past);

			if (step + 1 < repeat) /* the others come first */
				s->next = (int)b.passes.n + (int)(groups - 1) * step_passes(&b);
			if (i == groups - 1 && step == WARM_STEPS - 1)
				s->mark = MARK_FROM;
			if (i == groups - 1 && step == WARM_STEPS + TIMED_STEPS - 1)
				s->mark = MARK_TO;
		}
	}
	put_passes(&b);
	return close_builder(&b);
}

/* How often the first, the one h after it and the last of d + 1 steps count, so that the sum over all of them
 * is that of the parabola through the three. */
static void weigh(double h, double d, double *w)
{
	const double n = d + 1, sum = d * n / 2, squares = sum * (2 * d + 1) / 3;

	w[0] = d > 1 ? (squares - (h + d) * sum) / (h * d) + n : 1;
	w[1] = d > 1 ? (squares - d * sum) / (h * (h - d)) : 0;
	w[2] = d > 1 ? (squares - h * sum) / (d * (d - h)) : d;
}

/* Steps behind contexts first .. last grow alike: those of one piece. */
static void add_piece(struct generate_progs *r, const struct placement *at, int64_t first, int64_t last)
{
	const int64_t half = (last - first) / 2;
	const int i = r->later[0] ? GENERATE_STEPS / 2 : 0;

	weigh((double)half, (double)(last - first), &r->weights[i]);
	r->later[i] = build_later(at, first, r->repeat);
	r->later[i + 1] = build_later(at, first + half, r->repeat);
	r->later[i + 2] = build_later(at, last, r->repeat);
}

static bool has_window(const struct model *m)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);
	bool windowed = false;

	for (size_t i = 0; i < n; i++)
		windowed |= parts[i].part.windowed;
	return windowed;
}

/* Steps after the first, behind contexts first .. last, in one piece or two. */
static void add_pieces(struct generate_progs *r, const struct placement *at, int64_t first, int64_t last)
{
	const struct model *m = at->world->model;
	const int64_t full = m->attention.window - 1;

	if (!has_window(m) || full < first || full >= last) {
		add_piece(r, at, first, last);
	} else if (full - first >= last - full) {
		add_piece(r, at, first, full);
		add_piece(r, at, full + 1, last);
	} else {
		add_piece(r, at, full + 1, last);
		add_piece(r, at, first, full);
	}
}

struct generate_progs generate_build(const struct placement *at)
{
	const struct generate g = placement_generate(at);
	struct generate_progs r = {.first = build_first(at), .repeat = 1, .per_step = 1};
	struct fit *fit = streams(at);
	int64_t first, last;
	double steps;

	if (groups_of(&g) > 1 || fit) /* reads for a step begin in the one before */
		r.repeat = WARM_STEPS + TIMED_STEPS;
	free(fit);
	if (at->draft)
		r.per_step = speculative_tokens(g.how.speculative);
	steps = ((double)(g.tokens - 1) - r.per_step) / r.per_step;
	if (steps <= 0)
		return r;
	first = g.prompt + (int64_t)r.per_step;
	last = g.prompt + g.tokens - 2;
	last = last > first ? last : first;
	add_pieces(&r, at, first, last);
	for (int i = 0; i < GENERATE_STEPS; i++)
		r.weights[i] *= steps / (double)(last - first + 1);
	return r;
}

void generate_free(struct generate_progs *g)
{
	prog_free(g->first);
	for (int i = 0; i < GENERATE_STEPS; i++)
		prog_free(g->later[i]);
	memset(g, 0, sizeof *g);
}

double generate_step_s(const struct generate_progs *g, const struct compiled_ends *e)
{
	if (g->repeat == 1)
		return sim_s_of_ns(e->makespan_ns);
	return sim_s_of_ns(e->marks_ns[MARK_TO] - e->marks_ns[MARK_FROM]) / TIMED_STEPS;
}

double generate_over_steps(const struct generate_progs *g, const double later[GENERATE_STEPS])
{
	double sum = 0;

	for (int i = 0; i < GENERATE_STEPS; i++)
		sum += g->weights[i] * later[i];
	return sum;
}

struct generate_times generate_times(const struct generate_progs *p, const struct generate *g,
				     double first_token_s, double first_s,
				     const double later_s[GENERATE_STEPS])
{
	struct generate_times t = {.ttft_s = first_token_s, .e2el_s = first_token_s};

	t.prefill_tok_per_s = (double)(g->batch * g->prompt) / first_token_s;
	if (g->tokens < 2)
		return t;
	t.e2el_s = first_s + generate_over_steps(p, later_s);
	t.tpot_s = (t.e2el_s - first_token_s) / (double)(g->tokens - 1);
	t.decode_tok_per_s = (double)g->batch / t.tpot_s;
	return t;
}
