/*
 * task.c - see task.h.
 *
 * One event ends each task, and only a lag or a queue in TASK_AS_READY order asks for another. Tasks of a queue in order
 * that wait for nothing but the one before, which no one else waits for, take one event together: the operators of a
 * block on a device. Where there are flows each task has its own, since a flow's rate depends on the order of events. A
 * queue in order starts its head as soon as it can, in whatever event made it ready: nothing else may go first. A
 * queue as ready must see all that becomes ready at one instant before it chooses, so it chooses in an event
 * of class EV_START.
 *
 * The graph cannot lock up: dependencies have lower numbers, so of the tasks not yet run the lowest has all
 * its dependencies behind it, and on an in-order queue it is the head.
 */
#include "sim/des/task.h"

#include <inttypes.h>

#include "sim/base/heap.h"
#include "sim/des/flow.h"

struct run;

/* Tasks that are ready, the one that has been for longest first, then the lowest number. */
static bool goes_before(void *ctx, const uint32_t *a, const uint32_t *b);
HEAP_DEFINE(ready_tasks, uint32_t, goes_before, HEAP_UNTRACKED);

struct queue {
	struct run *run;
	uint32_t *tasks; /* in order: by number, the next one at head */
	uint32_t head, n;
	struct ready_tasks ready; /* as ready */
	uint32_t running;         /* TASK_NONE: idle */
	uint32_t previous;        /* the last that ended here */
	enum task_order order;
	bool choosing; /* an EV_START event is on its way */
};

struct lag { /* from a task's end until its dependents hear of it, or until it may start itself */
	struct run *run;
	uint32_t task;
};

struct run {
	const struct task_graph *g;
	struct engine *engine;
	struct flownet *net; /* NULL where there are no wires */
	struct queue *queues;
	uint32_t *waiting_for;   /* dependencies not yet through, for each task */
	sim_ns *ready_ns;        /* when the last came through */
	uint32_t *follower_from; /* followers[follower_from[t] .. follower_from[t + 1] - 1] depend on t */
	uint32_t *followers;
	struct lag *lags;
	size_t lags_n;
	struct task_run out;
	size_t started, ended;
	bool flows; /* some tasks are flows */
};

static void check_task(const struct task_graph *g, size_t i)
{
	const struct task *t = &g->tasks[i];
	const bool is_flow = t->wires_n > 0;

	if (t->queue >= g->queues_n)
		BUG("task %zu: queue %" PRIu32 " is out of range", i, t->queue);
	if (is_flow && (t->first_wire > g->paths_n || t->wires_n > g->paths_n - t->first_wire))
		BUG("task %zu: its wires are out of range", i);
	if (t->lag_ns < 0 || (!is_flow && t->duration_ns < 0))
		BUG("task %zu: a negative time", i);
	if (is_flow && (!(t->bytes > 0) || !(t->cap_Bps > 0)))
		BUG("task %zu: a flow of %g bytes at no more than %g B/s", i, t->bytes, t->cap_Bps);
	if (t->first_dep > g->deps_n || t->deps_n > g->deps_n - t->first_dep)
		BUG("task %zu: its dependencies are out of range", i);
	for (uint32_t d = 0; d < t->deps_n; d++)
		if (g->deps[t->first_dep + d] >= i)
			BUG("task %zu depends on %" PRIu32 ", which is not lower", i,
			    g->deps[t->first_dep + d]);
}

/* Turns the dependencies around, by counting. */
static void find_followers(struct arena *a, struct run *r)
{
	const struct task_graph *g = r->g;
	uint32_t *from = arena_array(a, g->tasks_n + 2, sizeof *from);
	size_t edges = 0;

	for (size_t i = 0; i < g->tasks_n; i++) {
		r->waiting_for[i] = g->tasks[i].deps_n;
		edges += g->tasks[i].deps_n;
		for (uint32_t d = 0; d < g->tasks[i].deps_n; d++)
			from[g->deps[g->tasks[i].first_dep + d] + 2]++;
	}
	BUG_ON(edges > UINT32_MAX);
	for (size_t i = 2; i < g->tasks_n + 2; i++)
		from[i] += from[i - 1];
	r->followers = arena_room(a, edges, sizeof *r->followers);
	/* from[t + 1] is where t's begin; filling moves it to where they end, which is where t + 1's begin */
	for (size_t i = 0; i < g->tasks_n; i++)
		for (uint32_t d = 0; d < g->tasks[i].deps_n; d++)
			r->followers[from[g->deps[g->tasks[i].first_dep + d] + 1]++] = (uint32_t)i;
	r->follower_from = from;
}

static void set_up_queues(struct arena *a, struct run *r)
{
	const struct task_graph *g = r->g;
	uint32_t *tasks = arena_room(a, g->tasks_n, sizeof *tasks);

	r->queues = arena_array(a, g->queues_n, sizeof *r->queues);
	for (size_t i = 0; i < g->tasks_n; i++)
		r->queues[g->tasks[i].queue].n++;
	for (size_t q = 0; q < g->queues_n; q++) {
		const uint32_t n = r->queues[q].n;

		r->queues[q] = (struct queue){.run = r,
					      .tasks = tasks,
					      .running = TASK_NONE,
					      .previous = TASK_NONE,
					      .order = g->queues[q],
					      .ready.ctx = r};
		tasks += n;
	}
	for (size_t i = 0; i < g->tasks_n; i++) {
		struct queue *q = &r->queues[g->tasks[i].queue];

		if (q->order == TASK_IN_ORDER)
			q->tasks[q->n++] = (uint32_t)i;
	}
}

static void finish(void *self, sim_ns now_ns);

/* The dependency with the lowest number of those that came through last; failing that, the task before. */
static uint32_t find_cause(const struct run *r, uint32_t i, uint32_t previous, sim_ns now_ns)
{
	const struct task *t = &r->g->tasks[i];
	uint32_t cause = TASK_NONE;

	if (!now_ns)
		return TASK_NONE;
	for (uint32_t d = 0; r->ready_ns[i] == now_ns && d < t->deps_n; d++) {
		const uint32_t dep = r->g->deps[t->first_dep + d];

		if (dep < cause && r->out.spans[dep].end_ns + r->g->tasks[dep].lag_ns == now_ns)
			cause = dep;
	}
	return cause == TASK_NONE ? previous : cause;
}

static void begin(struct queue *q, uint32_t i, sim_ns now_ns)
{
	struct run *r = q->run;

	q->running = i;
	r->out.order[r->started++] = i;
	r->out.spans[i].start_ns = now_ns;
	r->out.spans[i].cause = find_cause(r, i, q->previous, now_ns);
}

static void end(struct queue *q, sim_ns now_ns)
{
	struct run *r = q->run;
	const uint32_t i = q->running;

	q->running = TASK_NONE;
	q->previous = i;
	r->ended++;
	r->out.spans[i].end_ns = now_ns;
	r->out.busy_ns[q - r->queues] += now_ns - r->out.spans[i].start_ns;
}

/* Whether the end of the running task starts the next one of its queue, and does nothing else. */
static bool leads_on(const struct queue *q)
{
	const int64_t far_ns = INT64_MAX / 4; /* up to which sums do not overflow */
	const struct run *r = q->run;
	const struct task *t = &r->g->tasks[q->running], *next;

	if (r->flows || q->order != TASK_IN_ORDER || q->head == q->n || t->lag_ns)
		return false;
	next = &r->g->tasks[q->tasks[q->head]];
	return !next->deps_n && !next->earliest_ns &&
	       r->follower_from[q->running] == r->follower_from[q->running + 1] &&
	       r->out.spans[q->running].start_ns < far_ns && t->duration_ns < far_ns &&
	       next->duration_ns < far_ns;
}

static void start(struct queue *q, uint32_t i, sim_ns now_ns)
{
	struct run *r = q->run;
	const struct task *t = &r->g->tasks[i];
	sim_ns at_ns = now_ns;

	begin(q, i, now_ns);
	if (t->wires_n) {
		flownet_send(r->net, r->g->paths + t->first_wire, t->wires_n, t->bytes, t->cap_Bps, finish,
			     q);
		return;
	}
	while (leads_on(q)) {
		at_ns += r->g->tasks[q->running].duration_ns;
		end(q, at_ns);
		begin(q, q->tasks[q->head++], at_ns);
	}
	engine_after(r->engine, at_ns - now_ns + r->g->tasks[q->running].duration_ns, EV_FINISH, finish, q);
}

static bool goes_before(void *ctx, const uint32_t *a, const uint32_t *b)
{
	const sim_ns *ready_ns = ((const struct run *)ctx)->ready_ns;

	return ready_ns[*a] != ready_ns[*b] ? ready_ns[*a] < ready_ns[*b] : *a < *b;
}

static void choose(void *self, sim_ns now_ns)
{
	struct queue *q = self;

	q->choosing = false;
	if (q->running == TASK_NONE && q->ready.n)
		start(q, ready_tasks_take(&q->ready), now_ns);
}

static void start_next(struct queue *q, sim_ns now_ns)
{
	if (q->running != TASK_NONE)
		return;
	if (q->order == TASK_IN_ORDER) {
		if (q->head < q->n && !q->run->waiting_for[q->tasks[q->head]])
			start(q, q->tasks[q->head++], now_ns);
	} else if (q->ready.n && !q->choosing) {
		q->choosing = true;
		engine_at(q->run->engine, now_ns, EV_START, choose, q);
	}
}

static void make_ready(struct run *r, uint32_t i, sim_ns now_ns)
{
	struct queue *q = &r->queues[r->g->tasks[i].queue];

	r->ready_ns[i] = now_ns;
	if (q->order == TASK_AS_READY)
		ready_tasks_put(&q->ready, i);
	start_next(q, now_ns);
}

static void is_due(void *self, sim_ns now_ns)
{
	const struct lag *lag = self;

	lag->run->waiting_for[lag->task] = 0;
	make_ready(lag->run, lag->task, now_ns);
}

/* All that a task depends on is through. */
static void come_through(struct run *r, uint32_t i, sim_ns now_ns)
{
	const sim_ns earliest_ns = r->g->tasks[i].earliest_ns;

	if (earliest_ns <= now_ns) {
		make_ready(r, i, now_ns);
		return;
	}
	r->waiting_for[i] = 1;
	r->lags[r->lags_n] = (struct lag){r, i};
	engine_at(r->engine, earliest_ns, EV_ARRIVE, is_due, &r->lags[r->lags_n++]);
}

static void release(struct run *r, uint32_t i, sim_ns now_ns)
{
	for (uint32_t f = r->follower_from[i]; f < r->follower_from[i + 1]; f++)
		if (!--r->waiting_for[r->followers[f]])
			come_through(r, r->followers[f], now_ns);
}

static void lag_over(void *self, sim_ns now_ns)
{
	const struct lag *lag = self;

	release(lag->run, lag->task, now_ns);
}

static void finish(void *self, sim_ns now_ns)
{
	struct queue *q = self;
	struct run *r = q->run;
	const uint32_t i = q->running;
	const sim_ns lag_ns = r->g->tasks[i].lag_ns;

	end(q, now_ns);
	if (lag_ns) {
		r->lags[r->lags_n] = (struct lag){r, i};
		engine_after(r->engine, lag_ns, EV_ARRIVE, lag_over, &r->lags[r->lags_n++]);
	} else {
		release(r, i, now_ns);
	}
	start_next(q, now_ns);
}

static void set_up(struct arena *a, struct arena *scratch, struct run *r)
{
	const struct task_graph *g = r->g;
	size_t lags_n = 0;

	BUG_ON(g->tasks_n >= TASK_NONE - 1);
	for (size_t i = 0; i < g->tasks_n; i++) {
		check_task(g, i);
		lags_n += (size_t)(g->tasks[i].lag_ns != 0) + (g->tasks[i].earliest_ns != 0);
		r->flows |= g->tasks[i].wires_n > 0;
	}
	r->waiting_for = arena_room(scratch, g->tasks_n, sizeof *r->waiting_for);
	r->ready_ns = arena_array(scratch, g->tasks_n, sizeof *r->ready_ns);
	r->lags = arena_room(scratch, lags_n, sizeof *r->lags);
	r->out.spans = arena_array(a, g->tasks_n, sizeof *r->out.spans);
	r->out.order = arena_room(a, g->tasks_n, sizeof *r->out.order);
	r->out.busy_ns = arena_array(a, g->queues_n, sizeof *r->out.busy_ns);
	r->out.wire_B = arena_array(a, g->wires_n, sizeof *r->out.wire_B);
	find_followers(scratch, r);
	set_up_queues(scratch, r);
	r->engine = engine_new();
	r->net = g->wires_n ? flownet_new(r->engine) : NULL;
	for (size_t w = 0; w < g->wires_n; w++)
		flownet_wire(r->net, g->wires_Bps[w]);
}

static void close_books(struct run *r)
{
	if (r->ended != r->g->tasks_n)
		BUG("%zu of %zu tasks never ran", r->g->tasks_n - r->ended, r->g->tasks_n);
	for (size_t i = 0; i < r->g->tasks_n;
	     i++) { /* not the clock: a stale event of a flow may come later */
		const sim_ns through_ns = r->out.spans[i].end_ns + r->g->tasks[i].lag_ns;

		if (through_ns > r->out.makespan_ns)
			r->out.makespan_ns = through_ns;
	}
	r->out.events = engine_fired(r->engine);
	for (size_t w = 0; w < r->g->wires_n; w++)
		r->out.wire_B[w] = flownet_carried_B(r->net, w);
}

struct task_run task_graph_run(struct arena *a, const struct task_graph *g)
{
	struct arena scratch = ARENA_INIT;
	struct run r = {.g = g};

	set_up(a, &scratch, &r);
	for (size_t i = 0; i < g->tasks_n; i++)
		if (!g->tasks[i].deps_n)
			come_through(&r, (uint32_t)i, 0);
	engine_run(r.engine);
	close_books(&r);
	for (size_t q = 0; q < g->queues_n; q++)
		ready_tasks_release(&r.queues[q].ready);
	flownet_free(r.net);
	engine_free(r.engine);
	arena_release(&scratch);
	return r.out;
}

size_t task_critical_path(const struct task_graph *g, const struct task_run *r, uint32_t *out)
{
	uint32_t at = TASK_NONE;
	size_t n = 0;

	for (uint32_t i = 0; i < g->tasks_n && at == TASK_NONE; i++)
		if (r->spans[i].end_ns + g->tasks[i].lag_ns == r->makespan_ns)
			at = i;
	for (; at != TASK_NONE; at = r->spans[at].cause) {
		BUG_ON(n == g->tasks_n);
		out[n++] = at;
	}
	return n;
}
