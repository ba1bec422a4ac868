/* segments.c - see segments.h. */
#include "sim/step/segments.h"

#include <string.h>

#include "sim/step/joined.h"
#include "sim/step/paces.h"
#include "sim/step/relay.h"

struct builder {
	const struct program *p;
	const uint32_t *order; /* tasks in the order in which the engine started them */
	uint32_t *segment_of;  /* task -> segment */
	uint32_t *piece_of;    /* class -> its latest piece, which may belong to another segment */
	uint32_t *before;      /* task -> the task before it on its queue; TASK_NONE: none */
	bool *implied;         /* [dependency]: another task on the queue has waited for it before */
	uint8_t *awaited;      /* how many need its end: dependencies, marks, cycles; 2 stands for more */
	bool *opens;           /* [position in the order]: a cycle of the loop begins there; NULL: no loop */
	struct open_segment {
		uint32_t segment, last; /* its number + 1, or 0; its last task */
	} * open;                       /* [queue]: the segment that takes the queue's next task */
	struct segment_list list;
	struct sharing sharing;
	uint32_t *lone_of; /* class -> 1 + its latest in lones */
	VEC(struct lone) lones;
};

/* Returns whether a dependency is not implied by the order of the task's queue; one with a lag is not. */
static bool waits_for(const struct program *p, const struct program_task *t, uint32_t dep)
{
	const struct program_task *d = &p->tasks.at[dep];

	return d->queue != t->queue || p->op_classes.at[d->op_class].lag_s > 0;
}

/* Finds the dependencies that the order of the queue implies: those that a task before it on the queue has too, and which are through by
 * then. A backward pass needs what its forward pass kept, long after the next forward block on the device has waited for it. */
static void find_implied(struct arena *scratch, struct builder *b)
{
	const struct program *p = b->p;
	uint32_t *waits =
		arena_array(scratch, p->tasks.n, sizeof *waits); /* 1 + the first queue that waits for it */

	b->implied = arena_array(scratch, p->deps.n, sizeof *b->implied);
	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct program_task *t = &p->tasks.at[b->order[i]];

		for (uint32_t d = t->first_dep; d < t->first_dep + t->deps_n; d++) {
			const uint32_t dep = p->deps.at[d];

			b->implied[d] = waits[dep] == t->queue + 1;
			if (!waits[dep])
				waits[dep] = t->queue + 1;
		}
	}
}

/* Returns whether a task waits for its d-th dependency. */
static bool needs(const struct builder *b, const struct program_task *t, uint32_t d)
{
	const uint32_t dep = b->p->deps.at[t->first_dep + d];

	return !b->implied[t->first_dep + d] && waits_for(b->p, t, dep) &&
	       !paces_is_over(b->p, (uint32_t)(t - b->p->tasks.at), dep);
}

static void await(struct builder *b, uint32_t task)
{
	if (b->awaited[task] < 2)
		b->awaited[task]++;
}

static void find_awaited(struct builder *b)
{
	const struct program *p = b->p;

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct program_task *t = &p->tasks.at[i];

		for (uint32_t d = 0; d < t->deps_n; d++)
			if (needs(b, t, d))
				await(b, p->deps.at[t->first_dep + d]);
	}
	for (size_t i = 0; i < ARRAY_LEN(p->marks); i++)
		for (int twice = 0; p->marks[i] != TASK_NONE && twice < 2; twice++)
			await(b, p->marks[i]);
	for (size_t i = 0; i < p->cycles.n; i++)
		for (int twice = 0; twice < 2; twice++) {
			await(b, p->cycles.at[i].from);
			await(b, p->cycles.at[i].to);
		}
}

static void find_before(struct arena *scratch, struct builder *b)
{
	uint32_t *last = arena_array(scratch, program_queues(b->p->world), sizeof *last); /* + 1 */

	for (size_t i = 0; i < b->p->tasks.n; i++) {
		const uint32_t id = b->order[i], queue = b->p->tasks.at[id].queue;

		b->before[id] = last[queue] - 1; /* TASK_NONE is 0 - 1 */
		last[queue] = id + 1;
	}
}

/* Returns whether the task has a dependency that the order of its queue does not imply. */
static bool waits_outside(const struct builder *b, const struct program_task *t)
{
	for (uint32_t d = 0; d < t->deps_n; d++)
		if (needs(b, t, d))
			return true;
	return false;
}

/* Returns whether a task waits for nothing but the lag of the one before it on its queue, which nothing else waits for:
 * rounds of a collective operation. */
static bool follows_lag(const struct builder *b, uint32_t id)
{
	const struct program_task *t = &b->p->tasks.at[id];
	const uint32_t before = b->before[id];

	return before != TASK_NONE && b->awaited[before] == 1 && t->deps_n == 1 &&
	       b->p->deps.at[t->first_dep] == before && needs(b, t, 0);
}

static void open_segment(struct builder *b, const struct program_task *t)
{
	struct task_segment s = {
		.first_queue = t->queue, .queue = t->queue, .first_dep = (uint32_t)b->list.deps.n};

	for (uint32_t d = 0; d < t->deps_n; d++) {
		if (needs(b, t, d)) {
			VEC_ADD(&b->list.deps, b->segment_of[b->p->deps.at[t->first_dep + d]]);
			s.deps_n++;
		}
	}
	VEC_ADD(&b->list.segments, s);
}

/* The class of the last task of those that a class stands for. */
static uint32_t last_of(const struct program *p, uint32_t op_class)
{
	struct class_part own;
	size_t n;
	const struct class_part *parts = class_parts(p, op_class, &own, &n);

	return parts[n - 1].op_class;
}

/* Every queue has a segment that takes tasks until one of them is awaited, or the next has to wait. Segments are numbered
 * as they open: what a segment waits for has ended by then, so it has a lower number. */
static void find_segments(struct builder *b)
{
	const struct program *p = b->p;
	size_t cycle = 0; /* the first segment of the cycle of the loop */

	for (size_t i = 0; i < p->tasks.n; i++) {
		const uint32_t id = b->order[i];
		const struct program_task *t = &p->tasks.at[id];
		struct open_segment *o = &b->open[t->queue];
		const bool follows = follows_lag(b, id);

		if (b->opens && b->opens[i])
			cycle = b->list.segments.n;
		if (o->segment <= cycle || (!follows && (b->awaited[o->last] || waits_outside(b, t)))) {
			open_segment(b, t);
			o->segment = (uint32_t)b->list.segments.n;
		}
		o->last = id;
		b->segment_of[id] = o->segment - 1;
		b->list.segments.at[o->segment - 1].last_class = last_of(p, t->op_class);
		b->list.segments.at[o->segment - 1].pieces.pieces_n++; /* tasks, until pieces are known */
	}
}

/* The tasks of each segment, one segment after the other, in order. */
static uint32_t *tasks_of_segments(struct arena *scratch, struct builder *b)
{
	uint32_t *at = arena_array(scratch, b->list.segments.n + 1, sizeof *at);
	uint32_t *tasks = arena_room(scratch, b->p->tasks.n, sizeof *tasks);

	for (size_t k = 0; k < b->list.segments.n; k++)
		at[k + 1] = at[k] + b->list.segments.at[k].pieces.pieces_n;
	for (size_t i = 0; i < b->p->tasks.n; i++)
		tasks[at[b->segment_of[b->order[i]]]++] = b->order[i];
	return tasks;
}

/* ---- shared resources ---- */

/* 1 + the number of what tasks of a class share on a queue; 0: nothing. */
static uint32_t find_lone(struct builder *b, uint32_t queue, uint32_t op_class)
{
	uint32_t i = b->lone_of[op_class];
	double bytes, cap_Bps;

	if (!sharing_flow(&b->sharing, queue, op_class, 1, &bytes, &cap_Bps))
		return 0;
	while (i && b->lones.at[i - 1].queue != queue)
		i = b->lones.at[i - 1].older;
	if (i)
		return i;
	VEC_ADD(&b->lones, (struct lone){queue, op_class, b->lone_of[op_class]});
	return b->lone_of[op_class] = (uint32_t)b->lones.n;
}

/* Notes what the pieces of a segment share, which are at the end of the list. */
static void note_sharing(struct builder *b, struct task_segment *s)
{
	for (uint32_t i = 0; i < s->pieces.pieces_n; i++) {
		struct piece *piece = &b->list.pieces.at[s->pieces.first_piece + i];

		piece->lone = find_lone(b, s->queue, piece->op_class);
		s->flows |= piece->lone != 0;
	}
}

/* lag: the rest of the segment waits for the task's. */
static void add_pieces(struct builder *b, struct task_segment *s, uint32_t task, bool lag)
{
	struct class_part own;
	size_t n;
	const struct class_part *parts = class_parts(b->p, b->p->tasks.at[task].op_class, &own, &n);

	for (size_t i = 0; i < n; i++) {
		struct piece *piece = segment_piece(&b->list, s, b->piece_of, parts[i].op_class);

		piece->n += parts[i].n;
		piece->lags += parts[i].lags + (lag && i + 1 == n);
	}
}

static void build(struct arena *scratch, struct builder *b)
{
	const uint32_t *tasks;

	find_segments(b);
	tasks = tasks_of_segments(scratch, b);
	for (size_t k = 0; k < b->list.segments.n; k++) {
		struct task_segment *s = &b->list.segments.at[k];
		const uint32_t n = s->pieces.pieces_n;

		s->pieces = (struct body){(uint32_t)b->list.pieces.n, 0};
		for (uint32_t i = 0; i < n; i++)
			add_pieces(b, s, tasks[i], i + 1 < n && follows_lag(b, tasks[i + 1]));
		if (b->sharing.paths_n)
			note_sharing(b, s);
		tasks += n;
	}
}

static bool same_pieces(const struct piece *all, const struct body *a, const struct body *b)
{
	return a->pieces_n == b->pieces_n &&
	       !memcmp(all + a->first_piece, all + b->first_piece, a->pieces_n * sizeof *all);
}

static size_t hash_of(const struct piece *all, const struct body *body)
{
	uint64_t h = 1469598103934665603u; /* FNV-1a, of whole numbers */

	for (uint32_t k = 0; k < body->pieces_n; k++) {
		const struct piece *p = &all[body->first_piece + k];

		h = (h ^ p->op_class) * 1099511628211u;
		h = (h ^ p->n) * 1099511628211u;
		h = (h ^ p->lags) * 1099511628211u;
		h = (h ^ p->lone) * 1099511628211u;
	}
	return (size_t)(h ^ (h >> 32));
}

/* Gives the segments that have the same pieces one body, whose time is then added up once. */
static void find_bodies(struct arena *a, struct compiled *c)
{
	struct arena scratch = ARENA_INIT;
	size_t slots_n = 16, at;
	uint32_t *slots; /* body + 1; 0 is free */

	while (slots_n < c->segments_n * 2)
		slots_n *= 2;
	slots = arena_array(&scratch, slots_n, sizeof *slots);
	c->bodies = arena_room(a, c->segments_n, sizeof *c->bodies);
	for (size_t i = 0; i < c->segments_n; i++) {
		struct task_segment *s = &c->segments[i];

		at = hash_of(c->pieces, &s->pieces) & (slots_n - 1);
		while (slots[at] && !same_pieces(c->pieces, &c->bodies[slots[at] - 1], &s->pieces))
			at = (at + 1) & (slots_n - 1);
		if (!slots[at]) {
			c->bodies[c->bodies_n++] = s->pieces;
			slots[at] = (uint32_t)c->bodies_n;
		}
		s->body = slots[at] - 1;
	}
	arena_release(&scratch);
}

/* ---- cycles that are left out ---- */

/* The position in the order of the first task that is left out. */
static size_t loop_position(const struct builder *b, const struct program_loop *l)
{
	size_t at = 0;

	while (b->order[at] != l->at)
		at++;
	return at;
}

static void open_cycles(struct builder *b, const struct program_loop *l)
{
	const size_t at = l->n ? loop_position(b, l) : 0;

	for (size_t k = 0; l->n && k <= l->before; k++)
		b->opens[at - k * l->len] = true;
}

static void find_openings(struct arena *scratch, struct builder *b)
{
	if (!b->p->loop.n)
		return;
	b->opens = arena_array(scratch, b->p->tasks.n + 1, sizeof *b->opens);
	open_cycles(b, &b->p->loop);
	open_cycles(b, &b->p->halves.second);
}

/* The segment that a position in the order opens. */
static size_t opened(const struct builder *b, size_t position)
{
	return b->segment_of[b->order[position]];
}

/* to: of the segments up to this one */
static struct segment_loop find_loop(const struct builder *b, const struct program_loop *l, size_t to)
{
	struct segment_loop s = {.n = l->n};
	size_t position, lowest;

	if (!l->n)
		return s;
	position = loop_position(b, l);
	s.at = opened(b, position);
	s.len = s.at - opened(b, position - l->len);
	lowest = s.at - s.len;
	for (size_t i = s.at - s.len; i < to; i++) {
		const struct task_segment *of = &b->list.segments.at[i];

		for (uint32_t d = 0; d < of->deps_n; d++)
			if (b->list.deps.at[of->first_dep + d] < lowest)
				lowest = b->list.deps.at[of->first_dep + d];
	}
	s.window = (s.at - lowest + s.len - 1) / s.len;
	BUG_ON(s.window > l->before);
	for (size_t k = 1; k <= s.window; k++)
		BUG_ON(s.at - opened(b, position - k * l->len) != k * s.len);
	return s;
}

/* What the second half waits for of the first is over by then, but for what comes after its cycles. */
static size_t segments_of_first(const struct builder *b)
{
	const struct program *p = b->p;

	return p->halves.second.n ? b->segment_of[p->halves.at] : b->list.segments.n;
}

enum { MANY = 512 }; /* segments: of fewer, relays cost what they save in some draws */

/* The segments of a loop are counted, and what is shared is looked at queue by queue: they stay as they are. */
static void join_chains(struct arena *scratch, struct builder *b)
{
	const struct program *p = b->p;
	bool *kept = arena_array(scratch, b->list.segments.n, sizeof *kept);
	uint32_t *joined = arena_room(scratch, b->list.segments.n, sizeof *joined);

	if (p->loop.n || b->sharing.paths_n)
		return;
	for (size_t i = 0; i < ARRAY_LEN(p->marks); i++)
		if (p->marks[i] != TASK_NONE)
			kept[b->segment_of[p->marks[i]]] = true;
	for (size_t i = 0; i < p->cycles.n; i++)
		kept[b->segment_of[p->cycles.at[i].from]] = kept[b->segment_of[p->cycles.at[i].to]] = true;
	if (b->list.segments.n >= MANY) {
		relays_join(&b->list, p, kept, joined);
		for (size_t i = 0; i < p->tasks.n; i++)
			b->segment_of[i] = joined[b->segment_of[i]];
	}
	chains_join(&b->list, p, kept, joined);
	for (size_t i = 0; i < p->tasks.n; i++)
		b->segment_of[i] = joined[b->segment_of[i]];
}

static void *keep(struct arena *a, const void *from, size_t n, size_t size)
{
	void *to = arena_room(a, n, size);

	return n ? memcpy(to, from, n * size) : to;
}

struct compiled *compile(struct arena *a, const struct program *p, const struct task_run *run)
{
	struct arena scratch = ARENA_INIT;
	struct builder b = {.p = p, .order = run->order, .sharing = sharing_make(a, p)};
	struct compiled *c = arena_alloc(a, sizeof *c);
	const size_t n = p->tasks.n;

	b.segment_of = arena_room(&scratch, n, sizeof *b.segment_of);
	b.piece_of = arena_array(&scratch, p->op_classes.n, sizeof *b.piece_of);
	b.lone_of = arena_array(&scratch, p->op_classes.n, sizeof *b.lone_of);
	b.before = arena_room(&scratch, n, sizeof *b.before);
	b.awaited = arena_array(&scratch, n, sizeof *b.awaited);
	b.open = arena_array(&scratch, program_queues(p->world), sizeof *b.open);
	find_implied(&scratch, &b);
	find_awaited(&b);
	find_before(&scratch, &b);
	find_openings(&scratch, &b);
	build(&scratch, &b);
	join_chains(&scratch, &b);
	*c = (struct compiled){.program = p,
			       .sharing = b.sharing,
			       .shares = b.sharing.paths_n > 0,
			       .lones_n = b.lones.n,
			       .segments_n = b.list.segments.n,
			       .loop = find_loop(&b, &p->loop, segments_of_first(&b)),
			       .second = find_loop(&b, &p->halves.second, b.list.segments.n),
			       .queues_n = program_queues(p->world)};
	c->segments = keep(a, b.list.segments.at, b.list.segments.n, sizeof *c->segments);
	c->pieces = keep(a, b.list.pieces.at, b.list.pieces.n, sizeof *c->pieces);
	c->lones = keep(a, b.lones.at, b.lones.n, sizeof *c->lones);
	c->deps = keep(a, b.list.deps.at, b.list.deps.n, sizeof *c->deps);
	find_bodies(a, c);
	for (size_t i = 0; i < ARRAY_LEN(c->marks); i++)
		c->marks[i] = p->marks[i] == TASK_NONE ? TASK_NONE : b.segment_of[p->marks[i]];
	c->cycles_n = p->cycles.n;
	c->cycles = arena_array(a, c->cycles_n, sizeof *c->cycles);
	for (size_t i = 0; i < c->cycles_n; i++)
		c->cycles[i] =
			(struct cycle){b.segment_of[p->cycles.at[i].from], b.segment_of[p->cycles.at[i].to]};
	segment_list_free(&b.list);
	VEC_FREE(&b.lones);
	arena_release(&scratch);
	return c;
}
