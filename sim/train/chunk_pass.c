/* chunk_pass.c - see chunk_pass.h. */
#include "sim/train/chunk_pass.h"

#include <string.h>

#include "sim/step/joined.h"
#include "sim/step/pass_class.h"

bool chunk_pass_begins(const struct model *m, size_t block)
{
	const enum role role = model_block(m, block).part.role;

	return role == ROLE_EMBEDDING || role == ROLE_ATTENTION || role == ROLE_FFN || role == ROLE_HEAD;
}

/* ---- what is being kept ---- */

/* A task in the group that is open. */
struct member {
	uint32_t task;
	bool on_link, waits; /* for the latest member on the link */
};

/* Tasks that are put as one, or one. */
struct group {
	uint32_t first, n; /* of the parts */
};

struct weaver {
	struct program *p;
	const struct written_pass *w;
	const struct awaited *awaited;
	struct arena scratch;
	struct stand_in { /* [task - first]: the task that is kept in its stead, and whether both end at one time */
		uint32_t task;
		bool exact;
	} * places;
	VEC(struct member) open;
	bool open_links;      /* the group may have members on the link */
	uint32_t newest_link; /* the latest task of the link in the pass */
	bool idle;            /* a task of the device has waited for it */
	VEC(struct pass_part) parts;
	VEC(struct group) groups;
	VEC(struct kept_task) tasks;
	VEC(struct kept_dep) deps;
	bool failed;
};

static const struct program_task *task_at(const struct weaver *v, uint32_t task)
{
	return &v->p->tasks.at[task];
}

static const uint32_t *deps_at(const struct weaver *v, uint32_t task)
{
	return &v->p->deps.at[task_at(v, task)->first_dep];
}

static bool waits_for(const struct weaver *v, uint32_t task, uint32_t dep)
{
	for (uint32_t d = 0; d < task_at(v, task)->deps_n; d++)
		if (deps_at(v, task)[d] == dep)
			return true;
	return false;
}

/* Messages of one link have one lag, so that the latest of them comes through last. */
static bool same_lag(const struct weaver *v, uint32_t a, uint32_t b)
{
	const struct op_class *x = &v->p->op_classes.at[task_at(v, a)->op_class],
			      *y = &v->p->op_classes.at[task_at(v, b)->op_class];

	return x->lag_s == y->lag_s && x->lag_spread == y->lag_spread && x->source == y->source;
}

/* Whether a queue is of a link on which a device that stands for so many ranks shares tensors with its equals. */
static bool is_of_tensor(const struct world *w, uint32_t queue, int ranks)
{
	const struct queue q = queue_at(w, queue);
	const size_t machine = queue_machine(w, q);
	bool is = false;

	if (q.kind != QUEUE_LINK || ranks < 2 || w->equals[EQUALS_TENSOR] == WORLD_NONE)
		return false;
	for (int distance = 0; distance < ranks; distance = distance ? 2 * distance : 1)
		is |= world_equals_use(w, EQUALS_TENSOR, machine, distance) == q.of;
	return is;
}

/* The queue of the device's own link. */
static bool is_link(const struct weaver *v, uint32_t task)
{
	const uint32_t queue = task_at(v, task)->queue;

	return v->w->links && is_of_tensor(v->p->world, queue, v->w->ranks) && joined_may(v->p, queue) &&
	       (v->newest_link == TASK_NONE || task_at(v, v->newest_link)->queue == queue);
}

static bool on_device(const struct weaver *v, uint32_t task)
{
	return task_at(v, task)->queue == v->w->device;
}

/* ---- the open group ---- */

/* The member that is a task; those before it: none. */
static size_t member_of(const struct weaver *v, uint32_t task)
{
	size_t i = v->open.n;

	while (i && v->open.at[i - 1].task != task)
		i--;
	return i - 1; /* SIZE_MAX: none */
}

/* Returns whether a task that is none of the group is over, with its lag, when the group has begun. */
static bool is_over(const struct weaver *v, uint32_t task)
{
	if (on_device(v, task))
		return true;
	return v->open_links && v->newest_link != TASK_NONE &&
	       task_at(v, v->newest_link)->queue == task_at(v, task)->queue &&
	       same_lag(v, task, v->newest_link);
}

/* The latest member of one of the two queues; SIZE_MAX: none. */
static size_t newest(const struct weaver *v, bool on_link)
{
	size_t i = v->open.n;

	while (i && v->open.at[i - 1].on_link != on_link)
		i--;
	return i - 1;
}

/* Returns whether a member of the device after that one on the link has waited for the link. */
static bool is_awaited(const struct weaver *v, size_t member)
{
	for (size_t i = member + 1; i < v->open.n; i++)
		if (v->open.at[i].waits)
			return true;
	return false;
}

/* Returns whether a task of the device can be the next member: it waits for none of the link or for the latest, and beside for what is
 * over. */
static bool device_follows(const struct weaver *v, uint32_t task, bool *waits)
{
	bool earlier = false;

	*waits = false;
	for (uint32_t d = 0; d < task_at(v, task)->deps_n; d++) {
		const uint32_t dep = deps_at(v, task)[d];
		const size_t m = member_of(v, dep);

		if (m == SIZE_MAX && !is_over(v, dep))
			return false;
		if (m == SIZE_MAX || !v->open.at[m].on_link)
			continue;
		*waits |= m == newest(v, true);
		earlier |= m != newest(v, true) && !is_awaited(v, m);
	}
	return *waits || !earlier;
}

/* The same of a task of the link: it waits for the latest of the device. */
static bool link_follows(const struct weaver *v, uint32_t task)
{
	const size_t device = newest(v, false);

	if (!v->open_links || !same_lag(v, task, v->newest_link) ||
	    !waits_for(v, task, v->open.at[device].task))
		return false;
	for (uint32_t d = 0; d < task_at(v, task)->deps_n; d++) {
		const size_t m = member_of(v, deps_at(v, task)[d]);

		if (m == SIZE_MAX ? !is_over(v, deps_at(v, task)[d]) : v->open.at[m].on_link)
			return false;
	}
	return true;
}

/* ---- what is kept ---- */

/* Of what a kept task waits for; a later task of the device is not held up by one that ends with others of it. */
static void keep_dep(struct weaver *v, uint32_t dep, bool on_device)
{
	if (dep >= v->w->first) {
		const struct stand_in at = v->places[dep - v->w->first];

		v->failed |= !at.exact && !on_device;
		VEC_ADD(&v->deps, (struct kept_dep){true, at.task});
		return;
	}
	for (uint32_t i = 0; i < v->awaited->n; i++)
		if (v->awaited->of[i].n == 1 && v->awaited->of[i].task[0] == dep) {
			VEC_ADD(&v->deps, (struct kept_dep){false, i});
			return;
		}
	v->failed = true;
}

/* Keeps some members as one task, which waits for what the first of them waits for. */
static void keep(struct weaver *v, const struct member *members, size_t n)
{
	const struct program_task *t = task_at(v, members[0].task);
	const struct kept_task kept = {.queue = t->queue,
				       .op_class = t->op_class,
				       .first_dep = (uint32_t)v->deps.n,
				       .label = t->label};

	for (uint32_t d = 0; d < t->deps_n; d++)
		keep_dep(v, deps_at(v, members[0].task)[d], on_device(v, members[0].task));
	VEC_ADD(&v->groups, (struct group){(uint32_t)v->parts.n, (uint32_t)n});
	for (size_t i = 0; i < n; i++) {
		const struct program_task *part = task_at(v, members[i].task);

		VEC_ADD(&v->parts,
			(struct pass_part){part->op_class, part->queue, members[i].waits, part->label});
		v->places[members[i].task - v->w->first] =
			(struct stand_in){(uint32_t)v->tasks.n, i + 1 == n};
	}
	VEC_ADD(&v->tasks, kept);
	v->tasks.at[v->tasks.n - 1].deps_n = (uint32_t)v->deps.n - kept.first_dep;
}

/* Ends the group where the device has waited for all that the link does in it; what is beyond stands by itself. */
static void close_group(struct weaver *v)
{
	size_t n = v->open.n ? 1 : 0;
	bool waiting = false;

	for (size_t i = 0; i < v->open.n; i++) {
		waiting = v->open.at[i].on_link || (waiting && !v->open.at[i].waits);
		if (!waiting)
			n = i + 1;
	}
	if (n)
		keep(v, v->open.at, n);
	for (size_t i = n; i < v->open.n; i++)
		keep(v, &v->open.at[i], 1);
	v->open.n = 0;
}

static void weave_device(struct weaver *v, uint32_t task)
{
	bool waits = false;

	if (v->newest_link != TASK_NONE && waits_for(v, task, v->newest_link))
		v->idle = true;
	if (v->open.n && device_follows(v, task, &waits)) {
		VEC_ADD(&v->open, (struct member){task, false, waits});
		return;
	}
	close_group(v);
	v->open_links = v->idle;
	VEC_ADD(&v->open, (struct member){task, false, false});
}

static void weave_link(struct weaver *v, uint32_t task)
{
	const bool follows = v->open.n && link_follows(v, task);
	const struct member m = {task, true, false};

	if (!follows)
		close_group(v);
	if (follows)
		VEC_ADD(&v->open, m);
	else
		keep(v, &m, 1);
	v->newest_link = task;
	v->idle = false;
}

static void weave(struct weaver *v)
{
	for (uint32_t i = v->w->first; i < v->p->tasks.n; i++) {
		const struct member m = {i, false, false};

		if (on_device(v, i)) {
			weave_device(v, i);
		} else if (is_link(v, i)) {
			weave_link(v, i);
		} else {
			close_group(v);
			keep(v, &m, 1);
		}
	}
	close_group(v);
}

/* ---- ends ---- */

/* The end of a block, as of what a task waits for. */
static void find_ends(struct arena *a, struct weaver *v, struct chunk_pass *c)
{
	c->ends = arena_array(a, v->w->blocks_n, sizeof *c->ends);
	c->ended = arena_array(a, v->w->blocks_n, sizeof *c->ended);
	for (size_t i = 0; i < v->w->blocks_n && !v->failed; i++) {
		const struct deps *end = &v->w->end[i];

		c->ended[i] = end->n > 0;
		if (!end->n)
			continue;
		v->failed |= end->n != 1;
		keep_dep(v, end->task[0], i != v->w->last);
		if (!v->failed)
			c->ends[i] = v->deps.at[--v->deps.n];
	}
}

/* The classes of groups, and room for what is kept. */
static void settle(struct arena *a, struct weaver *v, struct chunk_pass *c)
{
	for (size_t i = 0; i < v->tasks.n; i++) {
		const struct group *g = &v->groups.at[i];

		if (g->n > 1)
			v->tasks.at[i].op_class = pass_class(v->p, &v->parts.at[g->first], g->n);
	}
	c->tasks_n = (uint32_t)v->tasks.n;
	c->tasks = arena_array(a, v->tasks.n, sizeof *c->tasks);
	c->deps = arena_array(a, v->deps.n, sizeof *c->deps);
	memcpy(c->tasks, v->tasks.at, v->tasks.n * sizeof *c->tasks);
	if (v->deps.n)
		memcpy(c->deps, v->deps.at, v->deps.n * sizeof *c->deps);
}

static void release(struct weaver *v)
{
	VEC_FREE(&v->open);
	VEC_FREE(&v->parts);
	VEC_FREE(&v->groups);
	VEC_FREE(&v->tasks);
	VEC_FREE(&v->deps);
	arena_release(&v->scratch);
}

bool chunk_pass_keep(struct arena *a, struct chunk_pass *c, struct program *p, const struct written_pass *w,
		     const struct awaited *awaited)
{
	struct weaver v = {
		.p = p, .w = w, .awaited = awaited, .scratch = ARENA_INIT, .newest_link = TASK_NONE};

	v.failed = w->first == p->tasks.n;
	v.places = arena_array(&v.scratch, p->tasks.n - w->first, sizeof *v.places);
	weave(&v);
	find_ends(a, &v, c);
	c->state = v.failed ? PASS_OTHER : PASS_KNOWN;
	if (!v.failed) {
		settle(a, &v, c);
		p->deps.n = p->tasks.at[w->first].first_dep;
		p->tasks.n = w->first;
	}
	release(&v);
	return c->state == PASS_KNOWN;
}

/* ---- putting it again ---- */

static uint32_t task_of(const struct kept_dep *d, uint32_t first, const struct awaited *awaited)
{
	if (d->inside)
		return first + d->of;
	BUG_ON(awaited->of[d->of].n != 1);
	return awaited->of[d->of].task[0];
}

void chunk_pass_put(const struct chunk_pass *c, struct program *p, uint32_t micro,
		    const struct awaited *awaited, struct deps *ends, size_t blocks_n)
{
	const uint32_t first = (uint32_t)p->tasks.n;

	for (uint32_t i = 0; i < c->tasks_n; i++) {
		const struct kept_task *k = &c->tasks[i];
		struct program_task t = {k->queue, k->op_class, (uint32_t)p->deps.n, k->deps_n, k->label};

		t.label.micro = micro;
		for (uint32_t d = 0; d < k->deps_n; d++)
			VEC_ADD(&p->deps, task_of(&c->deps[k->first_dep + d], first, awaited));
		VEC_ADD(&p->tasks, t);
	}
	for (size_t i = 0; i < blocks_n; i++)
		ends[i] = c->ended[i] ? deps_of(p, task_of(&c->ends[i], first, awaited))
				      : (struct deps){.n = 0};
}
