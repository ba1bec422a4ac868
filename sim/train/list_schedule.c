/* list_schedule.c - see list_schedule.h. */
#include "sim/train/list_schedule.h"

#include <string.h>

#include "sim/base/err.h"
#include "sim/train/cycle.h"

enum fill { FILL_FITTING, FILL_ALWAYS, FILL_LAST, FILL_N }; /* whether W is used to fill gaps */

struct choices {
	bool alternate; /* an F after each B; else B whenever one is ready */
	bool guard;     /* no F that would delay a B that becomes ready meanwhile */
	bool deep;      /* takes, where several F are ready, the last chunk along the model; else the first */
	enum fill fill;
};
enum { CHOICES_N = 2 * 2 * 2 * FILL_N };

static struct choices choices_of(int i)
{
	return (struct choices){i & 1, i >> 1 & 1, !(i >> 2 & 1), (enum fill)(i >> 3)};
}

struct move {
	sim_ns at_ns;
	struct action action;
	bool found;
};

/* What all list schedules of a pipeline have in common. */
struct chunk_lists {
	struct chunk_list {
		size_t *of, n;
	} (*at)[PASS_N];         /* [stage]: the chunks whose pass it runs, in the order of the model */
	size_t (*place)[PASS_N]; /* [chunk]: where it is in the list of its stage */
	size_t words;            /* that hold a bit for each chunk */
	bool together;           /* every chunk's passes are on one stage */
};

struct state {
	const struct pipeline *p;
	const struct limits *l;
	const struct chunk_lists *lists;
	struct choices choices;
	uint32_t (*next)[PASS_N]; /* [chunk]: the next micro-batch */
	sim_ns *f_end, *b_end;    /* [chunk * micros + micro]; -1: not yet run */
	sim_ns (*ready)[PASS_N];  /* [chunk]: when the inputs of its next micro-batch are available */
	struct stage {
		sim_ns free_ns;
		int64_t held;
		bool after_b;
		bool known; /* next is its choice, of which nothing has changed since */
		struct move next;
		/* a bit for each chunk of the list whose next pass has its inputs: when the stage is free; after that */
		uint64_t *ready[PASS_N], *later[PASS_N];
		bool weights_known; /* weights: the chunk of the earliest W of those that are ready */
		size_t weights;
	} * stages;
	uint32_t begun, through; /* micro-batches */
	struct stage_orders *o;
	struct simulated_orders done; /* actions, as they start */
};

static bool has(const struct state *s, size_t chunk, enum pass_kind pass)
{
	return s->p->chunks[chunk].ns[pass] >= 0;
}

static sim_ns *end_of(const struct state *s, enum pass_kind pass, size_t chunk, uint32_t micro)
{
	return &(pass == PASS_FORWARD ? s->f_end : s->b_end)[chunk * s->p->micros + micro];
}

/* The time at which a pass's inputs are available; -1: not known yet. */
static sim_ns ready_ns(const struct state *s, size_t c, enum pass_kind pass)
{
	const struct chunk *chunks = s->p->chunks;
	const uint32_t k = s->next[c][pass];
	sim_ns at, own;

	if (pass == PASS_FORWARD) {
		if (!c)
			return 0;
		at = *end_of(s, PASS_FORWARD, c - 1, k);
		return at < 0 ? -1 : at + chunks[c - 1].hop_ns[0];
	}
	own = *end_of(s, pass == PASS_INPUT ? PASS_FORWARD : PASS_INPUT, c, k);
	if (pass == PASS_WEIGHTS || c + 1 == s->p->chunks_n || own < 0)
		return own;
	at = *end_of(s, PASS_INPUT, c + 1, k);
	if (at < 0)
		return -1;
	at += chunks[c + 1].hop_ns[1];
	return at > own ? at : own;
}

/* Puts a pass where it belongs, by when its inputs are available: -1: not known yet. */
static void put_ready(struct state *s, size_t c, enum pass_kind pass)
{
	const size_t place = s->lists->place[c][pass];
	struct stage *st = &s->stages[s->p->chunks[c].stage[pass]];
	uint64_t *ready = &st->ready[pass][place / 64], *later = &st->later[pass][place / 64];
	const uint64_t bit = UINT64_C(1) << place % 64, was = *ready;
	const sim_ns at = s->ready[c][pass];

	*ready = at >= 0 && at <= st->free_ns ? *ready | bit : *ready & ~bit;
	*later = at > st->free_ns ? *later | bit : *later & ~bit;
	st->weights_known &= pass != PASS_WEIGHTS || *ready == was;
}

/* Finds out again whether and when the inputs of a chunk's next pass are available. */
static void find_ready(struct state *s, size_t c, enum pass_kind pass)
{
	if (!has(s, c, pass))
		return;
	s->ready[c][pass] = s->next[c][pass] == s->p->micros ? -1 : ready_ns(s, c, pass);
	put_ready(s, c, pass);
}

/* The number of the lowest bit that is set; of the highest. */
static size_t lowest_bit(uint64_t word)
{
	size_t n = 0;

	for (size_t half = 32; half; half /= 2)
		if (!(word & ((UINT64_C(1) << half) - 1))) {
			word >>= half;
			n += half;
		}
	return n;
}

static size_t highest_bit(uint64_t word)
{
	size_t n = 0;

	for (size_t half = 32; half; half /= 2)
		if (word >> half) {
			word >>= half;
			n += half;
		}
	return n;
}

/* A stage is free at a later time: more of its passes have their inputs by then. */
static void find_ready_by_free(struct state *s, size_t stage)
{
	for (int x = 0; x < PASS_N; x++)
		for (size_t i = 0; i < s->lists->words; i++)
			for (uint64_t word = s->stages[stage].later[x][i]; word; word &= word - 1)
				put_ready(s, s->lists->at[stage][x].of[i * 64 + lowest_bit(word)],
					  (enum pass_kind)x);
}

static bool may_begin(const struct state *s, size_t c)
{
	const size_t stage = s->p->chunks[c].stage[PASS_INPUT];

	if (c == 0 && s->begun - s->through >= s->l->admit)
		return false;
	return !has(s, c, PASS_INPUT) || !s->l->hold || s->stages[stage].held < s->l->hold[stage];
}

static bool all_forward(const struct state *s)
{
	return s->next[s->p->chunks_n - 1][PASS_FORWARD] == s->p->micros;
}

static struct move move_at(const struct state *s, size_t c, enum pass_kind pass, sim_ns at)
{
	return (struct move){at, {s->next[c][pass], (uint32_t)c, pass}, true};
}

/* Of passes that are ready when the stage is free, the first or the last chunk along the model. */
static struct move along_model(const struct state *s, size_t stage, enum pass_kind pass, bool last)
{
	const size_t words = s->lists->words;

	for (size_t i = 0; i < words; i++) {
		const size_t at = last ? words - 1 - i : i;

		for (uint64_t word = s->stages[stage].ready[pass][at]; word;) {
			const size_t bit = last ? highest_bit(word) : lowest_bit(word);
			const size_t c = s->lists->at[stage][pass].of[at * 64 + bit];

			if (pass != PASS_FORWARD || may_begin(s, c))
				return move_at(s, c, pass, s->stages[stage].free_ns);
			word &= ~(UINT64_C(1) << bit);
		}
	}
	return (struct move){.found = false};
}

/* Of W that are ready when the stage is free, that of the earliest micro-batch, and of those the first along the model. */
static struct move least_weights(struct state *s, size_t stage)
{
	struct stage *st = &s->stages[stage];
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < s->lists->words && !st->weights_known; i++)
		for (uint64_t word = st->ready[PASS_WEIGHTS][i]; word; word &= word - 1) {
			const size_t c = s->lists->at[stage][PASS_WEIGHTS].of[i * 64 + lowest_bit(word)];

			if (least == SIZE_MAX || s->next[c][PASS_WEIGHTS] < s->next[least][PASS_WEIGHTS])
				least = c;
		}
	if (!st->weights_known)
		st->weights = least;
	st->weights_known = true;
	if (st->weights == SIZE_MAX)
		return (struct move){.found = false};
	return move_at(s, st->weights, PASS_WEIGHTS, st->free_ns);
}

/* Takes a pass whose inputs come after the stage is free, if it is earlier than *best; of two at one instant as the two above.
 * Chunks come in the order of the model. */
static void compare(const struct state *s, size_t c, enum pass_kind pass, struct move *best)
{
	const sim_ns at = s->ready[c][pass];
	bool better;

	if (pass == PASS_FORWARD && !may_begin(s, c))
		return;
	if (!best->found || at != best->at_ns)
		better = !best->found || at < best->at_ns;
	else if (pass == PASS_FORWARD)
		better = s->choices.deep;
	else
		better = pass == PASS_INPUT || s->next[c][pass] < best->action.micro;
	if (better)
		*best = move_at(s, c, pass, at);
}

/* The earliest F, B or W of a stage; of two at one instant, the one that `deep` prefers (F), the last along the model (B), or that
 * of the earlier micro-batch (W). */
static struct move earliest(struct state *s, size_t stage, enum pass_kind pass)
{
	const size_t *of = s->lists->at[stage][pass].of;
	struct move best = pass == PASS_WEIGHTS
				   ? least_weights(s, stage)
				   : along_model(s, stage, pass, pass == PASS_INPUT || s->choices.deep);

	if (best.found)
		return best;
	for (size_t i = 0; i < s->lists->words; i++)
		for (uint64_t word = s->stages[stage].later[pass][i]; word; word &= word - 1)
			compare(s, of[i * 64 + lowest_bit(word)], pass, &best);
	return best;
}

/* The choice between F and B for a stage. */
static struct move work(const struct state *s, const struct move *f, const struct move *b)
{
	const struct stage *st = &s->stages[s->p->chunks[f->found ? f->action.chunk : 0].stage[PASS_FORWARD]];

	if (!f->found || !b->found)
		return f->found ? *f : *b;
	if (f->at_ns == b->at_ns)
		return s->choices.alternate && st->after_b ? *f : *b;
	if (b->at_ns < f->at_ns)
		return *b;
	if (s->choices.guard && f->at_ns + s->p->chunks[f->action.chunk].ns[PASS_FORWARD] > b->at_ns)
		return *b;
	return *f;
}

static struct move choose(struct state *s, size_t stage)
{
	const struct move f = earliest(s, stage, PASS_FORWARD), w = earliest(s, stage, PASS_WEIGHTS);
	struct move b = earliest(s, stage, PASS_INPUT), best;

	if (w.found && s->l->relief && s->stages[stage].held >= s->l->relief[stage])
		return w;
	if (s->l->forward_first && !all_forward(s))
		b.found = false;
	best = work(s, &f, &b);
	if (!w.found || !best.found)
		return best.found ? best : w;
	if (best.at_ns <= w.at_ns || s->choices.fill == FILL_LAST)
		return best;
	if (s->choices.fill == FILL_ALWAYS ||
	    best.at_ns - w.at_ns >= s->p->chunks[w.action.chunk].ns[PASS_WEIGHTS])
		return w;
	return best;
}

/* Runs an action. The last pass of a micro-batch in a chunk releases what its forward pass kept. */
static void commit(struct state *s, const struct move *m)
{
	const size_t c = m->action.chunk;
	const enum pass_kind pass = m->action.pass;
	const struct chunk *chunk = &s->p->chunks[c];
	const size_t at = chunk->stage[pass], keeps = chunk->stage[PASS_INPUT];
	const sim_ns end = m->at_ns + chunk->ns[pass];
	const enum pass_kind last = has(s, c, PASS_WEIGHTS) ? PASS_WEIGHTS : PASS_INPUT;
	const bool bottom = c == 0 || !has(s, c - 1, PASS_INPUT);

	s->stages[at].free_ns = end;
	s->stages[at].after_b = pass == PASS_INPUT;
	s->next[c][pass]++;
	if (pass != PASS_WEIGHTS)
		*end_of(s, pass, c, m->action.micro) = end;
	s->begun += pass == PASS_FORWARD && c == 0;
	if (has(s, c, PASS_INPUT))
		s->stages[keeps].held += pass == PASS_FORWARD ? 1 : pass == last ? -1 : 0;
	s->through += pass == PASS_INPUT
			      ? bottom
			      : pass == PASS_FORWARD && c + 1 == s->p->chunks_n && !has(s, c, PASS_INPUT);
	s->o->stages[at].at[s->o->stages[at].n++] = m->action;
	if (s->p->more)
		s->done.actions[s->done.actions_n++] = (struct simulated_action){m->action, m->at_ns};
}

/* An action is followed by the next of its kind, and may be what others wait for. */
static void find_ready_after(struct state *s, const struct action *done)
{
	const size_t c = done->chunk;

	find_ready(s, c, done->pass);
	s->stages[s->p->chunks[c].stage[done->pass]].weights_known &= done->pass != PASS_WEIGHTS;
	find_ready_by_free(s, s->p->chunks[c].stage[done->pass]);
	if (done->pass == PASS_FORWARD && c + 1 < s->p->chunks_n)
		find_ready(s, c + 1, PASS_FORWARD);
	if (done->pass == PASS_FORWARD)
		find_ready(s, c, PASS_INPUT);
	if (done->pass == PASS_INPUT && c)
		find_ready(s, c - 1, PASS_INPUT);
	if (done->pass == PASS_INPUT)
		find_ready(s, c, PASS_WEIGHTS);
}

static void forget(struct state *s, size_t chunk)
{
	for (int x = 0; x < PASS_N; x++)
		s->stages[s->p->chunks[chunk].stage[x]].known = false;
}

/* Forgets the choices that may be others after an action: of its own stage, of those that its output goes to, and of the
 * first one, where micro-batches begin. */
static void forget_choices(struct state *s, const struct action *done)
{
	const size_t c = done->chunk;

	if (!s->lists->together || s->l->forward_first) { /* what a stage holds may stop another */
		for (size_t i = 0; i < s->p->stages_n; i++)
			s->stages[i].known = false;
		return;
	}
	forget(s, 0);
	forget(s, c);
	if (done->pass == PASS_FORWARD && c + 1 < s->p->chunks_n)
		forget(s, c + 1);
	if (done->pass == PASS_INPUT && c)
		forget(s, c - 1);
}

static size_t passes_n(const struct pipeline *p)
{
	size_t n = 0;

	for (size_t c = 0; c < p->chunks_n; c++)
		for (int x = 0; x < PASS_N; x++)
			n += p->chunks[c].ns[x] >= 0 ? p->micros : 0;
	return n;
}

static void set_up(struct arena *a, struct state *s, struct stage_orders *o)
{
	const struct pipeline *p = s->p;
	const size_t n = p->chunks_n * p->micros;

	s->next = arena_array(a, p->chunks_n, sizeof *s->next);
	s->stages = arena_array(a, p->stages_n, sizeof *s->stages);
	s->f_end = arena_array(a, n, sizeof *s->f_end);
	s->b_end = arena_array(a, n, sizeof *s->b_end);
	s->ready = arena_array(a, p->chunks_n, sizeof *s->ready);
	for (size_t i = 0; i < n; i++)
		s->f_end[i] = s->b_end[i] = -1;
	for (size_t i = 0; i < p->stages_n; i++)
		for (int x = 0; x < PASS_N; x++) {
			s->stages[i].ready[x] = arena_array(a, s->lists->words, sizeof(uint64_t));
			s->stages[i].later[x] = arena_array(a, s->lists->words, sizeof(uint64_t));
		}
	for (size_t c = 0; c < p->chunks_n; c++)
		for (int x = 0; x < PASS_N; x++)
			find_ready(s, c, (enum pass_kind)x);
	if (p->more)
		s->done.actions = arena_room(a, passes_n(p), sizeof *s->done.actions);
	for (size_t i = 0; i < p->stages_n; i++)
		o->stages[i].n = 0;
	s->o = o;
}

/* One list schedule. The move that starts first on any stage is made first, so no later move can become ready
 * before it. */
static bool run(struct state *s)
{
	for (size_t left = passes_n(s->p); left; left--) {
		struct move best = {0};

		for (size_t i = 0; i < s->p->stages_n; i++) {
			struct stage *stage = &s->stages[i];

			if (!stage->known)
				stage->next = choose(s, i);
			stage->known = true;
			if (stage->next.found && (!best.found || stage->next.at_ns < best.at_ns))
				best = stage->next;
		}
		if (!best.found)
			return false;
		commit(s, &best);
		find_ready_after(s, &best.action);
		forget_choices(s, &best.action);
	}
	return true;
}

static struct stage_orders room_for(struct arena *a, const struct pipeline *p)
{
	struct stage_orders o = {.stages = arena_array(a, p->stages_n, sizeof *o.stages)};
	size_t *n = arena_array(a, p->stages_n, sizeof *n);

	for (size_t c = 0; c < p->chunks_n; c++)
		for (int x = 0; x < PASS_N; x++)
			n[p->chunks[c].stage[x]] += p->micros;
	for (size_t i = 0; i < p->stages_n; i++)
		o.stages[i].at = arena_array(a, n[i], sizeof *o.stages[i].at);
	return o;
}

/* Choices that no move of this pipeline hangs on: where W is not a pass of its own nothing fills gaps, where every stage has
 * one chunk there is one F to choose, and the passes of a single micro-batch are a chain, if W is none of them. All their values give the same orders, so the first stands for them. */
static bool is_needless(const struct pipeline *p, const struct chunk_lists *lists, struct choices c)
{
	bool splits = false, several = false;

	for (size_t i = 0; i < p->stages_n; i++) {
		splits |= lists->at[i][PASS_WEIGHTS].n > 0;
		several |= lists->at[i][PASS_FORWARD].n > 1;
	}
	return (c.fill != FILL_FITTING && !splits) || (!c.deep && !several) ||
	       (p->micros == 1 && !splits && (c.alternate || c.guard || !c.deep));
}

static struct chunk_lists chunk_lists(struct arena *a, const struct pipeline *p)
{
	struct chunk_lists l = {arena_array(a, p->stages_n, sizeof *l.at),
				arena_array(a, p->chunks_n, sizeof *l.place), (p->chunks_n + 63) / 64, true};
	size_t *all = arena_room(a, p->stages_n * PASS_N * p->chunks_n, sizeof *all);

	for (size_t i = 0; i < p->stages_n; i++)
		for (int x = 0; x < PASS_N; x++, all += p->chunks_n)
			l.at[i][x].of = all;
	for (size_t c = 0; c < p->chunks_n; c++) {
		for (int x = 0; x < PASS_N; x++) {
			struct chunk_list *list = &l.at[p->chunks[c].stage[x]][x];

			if (p->chunks[c].ns[x] >= 0) {
				l.place[c][x] = list->n;
				list->of[list->n++] = c;
			}
			l.together &= p->chunks[c].stage[x] == p->chunks[c].stage[0];
		}
	}
	return l;
}

/* Runs one list schedule; returns its end, or -1: it deadlocks. */
static sim_ns run_one(struct arena *a, struct state *s, struct stage_orders *o)
{
	sim_ns end = 0;

	set_up(a, s, o);
	if (!run(s))
		return -1;
	for (size_t k = 0; k < s->p->stages_n; k++)
		end = s->stages[k].free_ns > end ? s->stages[k].free_ns : end;
	return end;
}

/* The choices of the shortest schedule; -1: all of them deadlock. */
static int best_choice(const struct pipeline *p, const struct limits *l, const struct chunk_lists *lists)
{
	struct arena shared = ARENA_INIT;
	struct stage_orders tried = room_for(&shared, p);
	sim_ns least = -1;
	int best = -1;

	for (int i = 0; i < CHOICES_N; i++) {
		struct arena scratch = ARENA_INIT;
		struct state s = {.p = p, .l = l, .lists = lists, .choices = choices_of(i)};
		const sim_ns end = is_needless(p, lists, s.choices) ? -1 : run_one(&scratch, &s, &tried);

		if (end >= 0 && (least < 0 || end < least)) {
			least = end;
			best = i;
		}
		arena_release(&scratch);
	}
	arena_release(&shared);
	return best;
}

bool list_schedule(struct arena *a, const struct pipeline *p, const struct limits *l, struct stage_orders *o)
{
	const struct pipeline few = pipeline_compared(p);
	struct arena scratch = ARENA_INIT;
	const struct chunk_lists lists = chunk_lists(&scratch, p);
	const int choice = best_choice(&few, l, &lists);
	struct state s = {.p = p, .l = l, .lists = &lists, .choices = choices_of(choice)};
	struct cycles_left_out cycle = {.micros = 0};
	bool whole;

	*o = room_for(a, p);
	whole = choice >= 0 && run_one(&scratch, &s, o) >= 0;
	if (whole && p->more && !l->forward_first && cycle_goes_on(&scratch, p, &s.done, &cycle))
		o->cycle = cycle.micros;
	arena_release(&scratch);
	return whole;
}
