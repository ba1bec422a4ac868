/* compile.c - see compile.h. */
#include "sim/step/compile.h"

#include <stdlib.h>
#include <string.h>

#include "sim/step/loop.h"

struct piece { /* a number of tasks of one class */
	uint32_t op_class, n;
};

struct body { /* the pieces of a segment; layers of one kind have the same */
	uint32_t first_piece, pieces_n;
};

struct segment {
	struct body pieces;
	uint32_t queue, body, first_dep, deps_n;
	uint32_t last_class; /* later tasks depend on the end of its lag */
};

/* Cycles of segments that are left out: a segment of a cycle is that of the cycle before, `len` earlier. */
struct segment_loop {
	size_t at, len,
		n; /* the missing ones would begin with that number; segments of a cycle; how many cycles */
	size_t window; /* so many cycles before `at` are what later segments depend on */
};

struct compiled {
	const struct program *program;
	bool needs_engine;
	struct segment *segments;
	struct body *bodies;
	struct piece *pieces;
	uint32_t *deps; /* segments */
	size_t segments_n, bodies_n, queues_n;
	uint32_t marks[4];
	struct cycle *cycles; /* segments */
	size_t cycles_n;
	struct segment_loop loop;
};

struct builder {
	const struct program *p;
	const uint32_t *order; /* tasks in the order in which the engine started them */
	uint32_t *segment_of;  /* task -> segment */
	uint32_t *piece_of;    /* class -> its latest piece, which may belong to another segment */
	bool *awaited;         /* its end is needed: by a dependency, a mark or a cycle */
	bool *opens;           /* [position in the order]: a cycle of the loop begins there; NULL: no loop */
	VEC(struct segment) segments;
	VEC(struct piece) pieces;
	VEC(uint32_t) deps;
};

/* Returns whether a dependency is not implied by the order of the task's queue; one with a lag is not. */
static bool waits_for(const struct program *p, const struct program_task *t, uint32_t dep)
{
	const struct program_task *d = &p->tasks.at[dep];

	return d->queue != t->queue || p->op_classes.at[d->op_class].lag_s > 0;
}

static void find_awaited(struct builder *b)
{
	const struct program *p = b->p;

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct program_task *t = &p->tasks.at[i];

		for (uint32_t d = 0; d < t->deps_n; d++) {
			const uint32_t dep = p->deps.at[t->first_dep + d];

			b->awaited[dep] |= waits_for(p, t, dep);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(p->marks); i++)
		if (p->marks[i] != TASK_NONE)
			b->awaited[p->marks[i]] = true;
	for (size_t i = 0; i < p->cycles.n; i++)
		b->awaited[p->cycles.at[i].from] = b->awaited[p->cycles.at[i].to] = true;
}

static void add_piece(struct builder *b, struct segment *s, uint32_t op_class)
{
	const uint32_t i = b->piece_of[op_class];

	if (i >= s->pieces.first_piece && i < b->pieces.n && b->pieces.at[i].op_class == op_class) {
		b->pieces.at[i].n++;
		return;
	}
	b->piece_of[op_class] = (uint32_t)b->pieces.n;
	/* s is the last segment, so its pieces are at the end of the list */
	VEC_ADD(&b->pieces, (struct piece){op_class, 1});
	s->pieces.pieces_n++;
}

/* Returns whether the task has a dependency that the order of its queue does not imply. */
static bool waits_outside(const struct builder *b, const struct program_task *t)
{
	for (uint32_t d = 0; d < t->deps_n; d++)
		if (waits_for(b->p, t, b->p->deps.at[t->first_dep + d]))
			return true;
	return false;
}

static void open_segment(struct builder *b, const struct program_task *t)
{
	struct segment s = {
		.queue = t->queue, .pieces = {(uint32_t)b->pieces.n, 0}, .first_dep = (uint32_t)b->deps.n};

	for (uint32_t d = 0; d < t->deps_n; d++) {
		const uint32_t dep = b->p->deps.at[t->first_dep + d];

		if (waits_for(b->p, t, dep)) {
			VEC_ADD(&b->deps, b->segment_of[dep]);
			s.deps_n++;
		}
	}
	VEC_ADD(&b->segments, s);
}

/* The pieces of a segment are contiguous, so a segment takes more tasks only while it is the newest of
 * all. A device that runs alone gets one segment; two that run at the same time get more, with the same
 * result. */
static void build(struct builder *b)
{
	const struct program *p = b->p;
	bool closed = true;

	for (size_t i = 0; i < p->tasks.n; i++) {
		const uint32_t id = b->order[i];
		const struct program_task *t = &p->tasks.at[id];
		const bool newest = b->segments.n && b->segments.at[b->segments.n - 1].queue == t->queue;
		struct segment *s;

		if (closed || !newest || waits_outside(b, t) || (b->opens && b->opens[i]))
			open_segment(b, t);
		s = &b->segments.at[b->segments.n - 1];
		add_piece(b, s, t->op_class);
		s->last_class = t->op_class;
		b->segment_of[id] = (uint32_t)b->segments.n - 1;
		closed = b->awaited[id];
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
	c->bodies = arena_array(a, c->segments_n, sizeof *c->bodies);
	for (size_t i = 0; i < c->segments_n; i++) {
		struct segment *s = &c->segments[i];

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
static size_t loop_position(const struct builder *b)
{
	size_t at = 0;

	while (b->order[at] != b->p->loop.at)
		at++;
	return at;
}

static void find_openings(struct arena *scratch, struct builder *b)
{
	const struct program_loop *l = &b->p->loop;
	size_t at;

	if (!l->n)
		return;
	b->opens = arena_array(scratch, b->p->tasks.n + 1, sizeof *b->opens);
	at = loop_position(b);
	for (size_t k = 0; k <= l->before; k++)
		b->opens[at - k * l->len] = true;
}

/* The segment that a position in the order opens. */
static size_t opened(const struct builder *b, size_t position)
{
	return b->segment_of[b->order[position]];
}

static struct segment_loop find_loop(const struct builder *b)
{
	const struct program_loop *l = &b->p->loop;
	struct segment_loop s = {.n = l->n};
	size_t position, lowest;

	if (!l->n)
		return s;
	position = loop_position(b);
	s.at = opened(b, position);
	s.len = s.at - opened(b, position - l->len);
	lowest = s.at - s.len;
	for (size_t i = s.at - s.len; i < b->segments.n; i++) {
		const struct segment *of = &b->segments.at[i];

		for (uint32_t d = 0; d < of->deps_n; d++)
			if (b->deps.at[of->first_dep + d] < lowest)
				lowest = b->deps.at[of->first_dep + d];
	}
	s.window = (s.at - lowest + s.len - 1) / s.len;
	BUG_ON(s.window > l->before);
	for (size_t k = 1; k <= s.window; k++)
		BUG_ON(s.at - opened(b, position - k * l->len) != k * s.len);
	return s;
}

static void *keep(struct arena *a, const void *from, size_t n, size_t size)
{
	void *to = arena_array(a, n, size);

	return n ? memcpy(to, from, n * size) : to;
}

struct compiled *compile(struct arena *a, const struct program *p, const struct task_run *run)
{
	struct arena scratch = ARENA_INIT;
	struct builder b = {.p = p, .order = run->order};
	struct compiled *c = arena_alloc(a, sizeof *c);
	const size_t n = p->tasks.n;

	b.segment_of = arena_array(&scratch, n, sizeof *b.segment_of);
	b.piece_of = arena_array(&scratch, p->op_classes.n, sizeof *b.piece_of);
	b.awaited = arena_array(&scratch, n, sizeof *b.awaited);
	find_awaited(&b);
	find_openings(&scratch, &b);
	build(&b);
	*c = (struct compiled){.program = p,
			       .needs_engine = program_shares(p),
			       .segments_n = b.segments.n,
			       .loop = find_loop(&b),
			       .queues_n = program_queues(p->world)};
	c->segments = keep(a, b.segments.at, b.segments.n, sizeof *c->segments);
	c->pieces = keep(a, b.pieces.at, b.pieces.n, sizeof *c->pieces);
	c->deps = keep(a, b.deps.at, b.deps.n, sizeof *c->deps);
	find_bodies(a, c);
	for (size_t i = 0; i < ARRAY_LEN(c->marks); i++)
		c->marks[i] = p->marks[i] == TASK_NONE ? TASK_NONE : b.segment_of[p->marks[i]];
	c->cycles_n = p->cycles.n;
	c->cycles = arena_array(a, c->cycles_n, sizeof *c->cycles);
	for (size_t i = 0; i < c->cycles_n; i++)
		c->cycles[i] =
			(struct cycle){b.segment_of[p->cycles.at[i].from], b.segment_of[p->cycles.at[i].to]};
	VEC_FREE(&b.segments);
	VEC_FREE(&b.pieces);
	VEC_FREE(&b.deps);
	arena_release(&scratch);
	return c;
}

size_t compiled_segments(const struct compiled *c)
{
	return c->segments_n;
}

static sim_ns longer(sim_ns a, sim_ns b)
{
	return a > b ? a : b;
}

static struct compiled_ends by_engine(const struct compiled *c, const struct class_times *t)
{
	struct arena scratch = ARENA_INIT;
	struct task_run run;
	struct compiled_ends ends = {0};

	if (!loop_run(&scratch, c->program, t, NULL, &run)) {
		struct program *whole = loop_unrolled(c->program);

		ends.makespan_ns = program_run(&scratch, whole, t, NULL).makespan_ns;
		program_free(whole);
		arena_release(&scratch);
		return ends;
	}
	ends.makespan_ns = run.makespan_ns;

	for (size_t i = 0; i < ARRAY_LEN(ends.marks_ns); i++)
		if (c->program->marks[i] != TASK_NONE)
			ends.marks_ns[i] = run.spans[c->program->marks[i]].end_ns;
	for (size_t i = 0; i < c->cycles_n; i++) {
		const struct cycle *l = &c->program->cycles.at[i];

		ends.cycle_ns = longer(ends.cycle_ns, run.spans[l->to].end_ns - run.spans[l->from].end_ns);
	}
	arena_release(&scratch);
	return ends;
}

static void add_up_bodies(const struct compiled *c, const struct class_times *t, sim_ns *sums)
{
	for (size_t i = 0; i < c->bodies_n; i++) {
		const struct piece *at = c->pieces + c->bodies[i].first_piece;
		sim_ns sum = 0;

		for (const struct piece *end = at + c->bodies[i].pieces_n; at < end; at++)
			sum += t->ns[at->op_class] * at->n;
		sums[i] = sum;
	}
}

/* The times of a pass over the segments. */
struct pass {
	const struct class_times *t;
	const sim_ns *sums;     /* [body] */
	sim_ns *ends, *through; /* [segment]; through: when what it sends has arrived */
	sim_ns *free_at;        /* [queue] */
};

/* through: of the segments from `first` on. */
static sim_ns end_of(const struct compiled *c, const struct pass *r, const struct segment *s,
		     const sim_ns *through, size_t first)
{
	sim_ns at = r->free_at[s->queue];

	for (const uint32_t *dep = c->deps + s->first_dep, *end = dep + s->deps_n; dep < end; dep++)
		at = longer(at, through[*dep - first]);
	return r->free_at[s->queue] = at + r->sums[s->body];
}

static sim_ns run_segments(const struct compiled *c, const struct pass *r, size_t from, size_t to)
{
	sim_ns makespan_ns = 0;

	for (size_t i = from; i < to; i++) {
		const struct segment *s = &c->segments[i];

		r->ends[i] = end_of(c, r, s, r->through, 0);
		r->through[i] = r->ends[i] + r->t->lag_ns[s->last_class];
		makespan_ns = longer(makespan_ns, r->through[i]);
	}
	return makespan_ns;
}

enum { PERIODS = 4 }; /* cycles after which times may repeat */

/* The window one cycle later: its first cycle goes, and a new one comes, whose segments are those of the last one. */
static void run_cycle(const struct compiled *c, const struct pass *r, sim_ns *window)
{
	const struct segment_loop *l = &c->loop;
	const size_t n = l->window * l->len, first = l->at - n;

	memmove(window, window + l->len, (n - l->len) * sizeof *window);
	for (size_t i = l->at - l->len; i < l->at; i++) {
		const struct segment *s = &c->segments[i];

		window[i - first] = end_of(c, r, s, window, first) + r->t->lag_ns[s->last_class];
	}
}

/* Returns whether a window is an earlier one, all of it so much later. */
static bool is_later(const sim_ns *window, const sim_ns *before, size_t n, sim_ns *by)
{
	*by = window[0] - before[0];
	for (size_t i = 1; i < n; i++)
		if (window[i] - before[i] != *by)
			return false;
	return true;
}

/* Adds the same to all that the next segments can see of the cycles. */
static void skip_ahead(const struct compiled *c, const struct pass *r, sim_ns *window, size_t n, sim_ns by)
{
	const struct segment_loop *l = &c->loop;
	bool *moved = xcalloc(c->queues_n, sizeof *moved);

	for (size_t i = 0; i < n; i++)
		window[i] += by;
	for (size_t i = l->at - l->len; i < l->at; i++) {
		const uint32_t q = c->segments[i].queue;

		r->free_at[q] += moved[q] ? 0 : by;
		moved[q] = true;
	}
	free(moved);
}

/* Runs the cycles that are left out: one after the other, until one repeats an earlier one at a later time. */
static sim_ns run_loop(const struct compiled *c, const struct pass *r)
{
	const struct segment_loop *l = &c->loop;
	const size_t n = l->window * l->len;
	sim_ns *windows = xcalloc((PERIODS + 1) * n, sizeof *windows), makespan_ns = 0;
	sim_ns *window = windows + PERIODS * n, *own = r->through + l->at - n;
	bool ahead = false;

	memcpy(window, own, n * sizeof *window);
	for (size_t k = 0; k < l->n; k++) {
		memcpy(windows + k % PERIODS * n, window, n * sizeof *window);
		run_cycle(c, r, window);
		for (size_t d = 1; d <= PERIODS && d <= k + 1 && !ahead; d++) {
			const size_t left = (l->n - 1 - k) / d;
			sim_ns by;

			ahead = is_later(window, windows + (k + 1 - d) % PERIODS * n, n, &by);
			if (!ahead)
				continue;
			skip_ahead(c, r, window, n, (sim_ns)left * by);
			k += left * d;
		}
	}
	for (size_t i = 0; i < n; i++)
		makespan_ns = longer(makespan_ns, window[i]);
	memcpy(own, window, n * sizeof *own);
	free(windows);
	return makespan_ns;
}

/* Runs all segments; returns the makespan. */
static sim_ns run_all(const struct compiled *c, const struct pass *r)
{
	sim_ns before, loop, after;

	if (!c->loop.n)
		return run_segments(c, r, 0, c->segments_n);
	before = run_segments(c, r, 0, c->loop.at);
	loop = run_loop(c, r);
	after = run_segments(c, r, c->loop.at, c->segments_n);
	return longer(longer(before, loop), after);
}

struct compiled_ends compiled_run(const struct compiled *c, const struct class_times *t)
{
	struct compiled_ends r = {0};
	sim_ns *free_at, *ends, *through, *sums;
	struct pass pass;

	if (c->needs_engine)
		return by_engine(c, t);
	free_at = xmalloc((c->queues_n + 2 * c->segments_n + c->bodies_n) * sizeof *free_at);
	memset(free_at, 0, c->queues_n * sizeof *free_at);
	ends = free_at + c->queues_n;
	through = ends + c->segments_n;
	sums = through + c->segments_n;
	add_up_bodies(c, t, sums);
	pass = (struct pass){t, sums, ends, through, free_at};
	r.makespan_ns = run_all(c, &pass);
	for (size_t i = 0; i < ARRAY_LEN(r.marks_ns); i++)
		if (c->marks[i] != TASK_NONE)
			r.marks_ns[i] = ends[c->marks[i]];
	for (size_t i = 0; i < c->cycles_n; i++)
		r.cycle_ns = longer(r.cycle_ns, ends[c->cycles[i].to] - ends[c->cycles[i].from]);
	free(free_at);
	return r;
}
