/* paces_cycles.c - whether a program in halves has cycles that may be left out; see paces.h. */
#include "sim/step/halves.h"

/* ---- are they cycles ---- */

bool paces_is_over(const struct program *p, uint32_t task, uint32_t dep)
{
	const struct program_loop *l = &p->halves.second;

	return l->n && task >= l->at - (l->before + 1) * l->len && is_of_first(p, task, dep) &&
	       (!is_fixed(p, dep) || task >= cycles_end(p));
}

static bool same_dep(const struct program *p, const struct program_loop *l, uint32_t i, uint32_t d)
{
	const struct program_task *t = &p->tasks.at[i], *before = &p->tasks.at[i - l->len];
	const uint32_t dep = p->deps.at[t->first_dep + d], was = p->deps.at[before->first_dep + d];
	const bool stands_for = i >= l->at - l->len && i < l->at;

	if (!is_of_first(p, i, dep))
		return dep == was + l->len && dep + (l->before - 1) * l->len >= i;
	if (is_fixed(p, dep))
		return dep == was;
	return dep == was + p->loop.len && (!stands_for || paces_stands_for(p, dep));
}

static bool same_label(const struct label *a, const struct label *b)
{
	return a->phase == b->phase && part_same(a->part, b->part) && a->layer == b->layer &&
	       a->micro == b->micro + 1 && a->payload == b->payload && a->grad_part == b->grad_part &&
	       a->recompute == b->recompute && a->stage == b->stage;
}

static bool repeats(const struct program *p, const struct program_loop *l, uint32_t i)
{
	const struct program_task *t = &p->tasks.at[i], *before = &p->tasks.at[i - l->len];

	if (t->queue != before->queue || t->op_class != before->op_class || t->deps_n != before->deps_n ||
	    !same_label(&t->label, &before->label))
		return false;
	for (uint32_t d = 0; d < t->deps_n; d++)
		if (!same_dep(p, l, i, d))
			return false;
	return true;
}

/* How many cycles the dependencies of the last one before the missing ones reach back. */
static uint32_t reach(const struct program *p, const struct program_loop *l)
{
	uint32_t most = 1;

	for (uint32_t i = l->at - l->len; i < l->at; i++) {
		const struct program_task *t = &p->tasks.at[i];

		for (uint32_t d = 0; d < t->deps_n; d++) {
			const uint32_t dep = p->deps.at[t->first_dep + d];
			const uint32_t cycles = (i - dep + l->len - 1) / l->len;

			if (!is_of_first(p, i, dep))
				most = cycles > most ? cycles : most;
		}
	}
	return most;
}

/* Returns whether no task after the cycles of a half depends on one before them. */
static bool nothing_reaches_over(const struct program *p, int half)
{
	const struct program_loop *l = loop_of(p, half);
	const size_t to = half ? p->tasks.n : p->halves.at;

	for (size_t i = l->at; i < to; i++) {
		const struct program_task *t = &p->tasks.at[i];

		for (uint32_t d = 0; d < t->deps_n; d++) {
			const uint32_t dep = p->deps.at[t->first_dep + d];
			const bool first = is_of_first(p, (uint32_t)i, dep);

			if (first ? dep < p->loop.at : dep + l->before * l->len < l->at)
				return false;
		}
	}
	return true;
}

static bool half_repeats(struct program *p, int half)
{
	struct program_loop *l = half ? &p->halves.second : &p->loop;
	const uint64_t from = half ? p->halves.at : 0, to = half ? p->tasks.n : p->halves.at;

	if (!l->len || l->len > l->at || l->n != p->loop.n)
		return false;
	l->before = reach(p, l) + 1;
	if (from + (l->before + 1) * (uint64_t)l->len > l->at || l->at + l->after * (uint64_t)l->len > to)
		return false;
	for (uint32_t i = l->at - l->before * l->len; i < l->at + l->after * l->len; i++)
		if (!repeats(p, l, i))
			return false;
	return nothing_reaches_over(p, half);
}

/* ---- what the second half may take as over ---- */

/* Gates: the tasks of the first half that those of every micro-batch of the second wait for, and the last of the first on each device,
 * which what is recomputed there waits for. Of more than there is room for the rest counts as none. */
enum { GATES = 64 };
struct gates {
	uint32_t task[GATES];
	size_t n;
	uint64_t *
		of; /* [task]: of the second half, the gates that it waits for, through others or not; of the first, those that
			 wait for it */
};

static uint64_t gate(struct gates *g, uint32_t task)
{
	size_t i = 0;

	while (i < g->n && g->task[i] != task)
		i++;
	if (i == GATES)
		return 0;
	g->task[i] = task;
	g->n += i == g->n;
	return (uint64_t)1 << i;
}

static void find_fixed_gates(const struct program *p, struct gates *g)
{
	for (uint32_t i = p->halves.at; i < cycles_end(p);
	     i++) { /* later ones wait for a forward pass there, too */
		const struct program_task *t = &p->tasks.at[i];

		for (uint32_t d = 0; d < t->deps_n; d++) {
			const uint32_t dep = p->deps.at[t->first_dep + d];

			if (is_of_first(p, i, dep) && is_fixed(p, dep))
				g->of[i] |= gate(g, dep);
		}
	}
}

/* previous: [queue]: 1 + the last task of the first half on a device; 0: none */
static void wait_for_gates(const struct program *p, uint32_t *previous, struct gates *g)
{
	for (uint32_t i = p->halves.at; i < p->tasks.n; i++) {
		const struct program_task *t = &p->tasks.at[i];
		uint32_t *before = &previous[t->queue];

		for (uint32_t d = 0; d < t->deps_n; d++)
			if (half_of(p, p->deps.at[t->first_dep + d]))
				g->of[i] |= g->of[p->deps.at[t->first_dep + d]];
		if (!takes_in_order(p, t->queue))
			continue;
		if (*before)
			g->of[i] |= half_of(p, *before - 1) ? g->of[*before - 1] : gate(g, *before - 1);
		*before = i + 1;
	}
}

/* Returns whether what waits for a task of a queue only starts when the one before it there is through, too: the same lag comes after
 * both, or none. Links take their tasks by number, here as wherever a compiled program is run (put_in_order()). */
static bool is_through_with(const struct program *p, uint32_t task, uint32_t next)
{
	const struct op_class *of = &p->op_classes.at[p->tasks.at[task].op_class],
			      *after = &p->op_classes.at[p->tasks.at[next].op_class];

	if (takes_in_order(p, p->tasks.at[task].queue))
		return of->lag_s <= 0;
	return of->source == after->source && of->lag_s == after->lag_s &&
	       of->lag_spread == after->lag_spread;
}

static void lead_to_gates(struct arena *a, const struct program *p, struct gates *g)
{
	uint32_t *next = arena_array(a, program_queues(p->world), sizeof *next); /* + 1 */

	for (size_t i = 0; i < g->n; i++)
		g->of[g->task[i]] = (uint64_t)1 << i;
	for (uint32_t i = p->halves.at; i-- > 0;) {
		const struct program_task *t = &p->tasks.at[i];

		if (next[t->queue] && is_through_with(p, i, next[t->queue] - 1))
			g->of[i] |= g->of[next[t->queue] - 1];
		next[t->queue] = i + 1;
		for (uint32_t d = 0; d < t->deps_n; d++)
			g->of[p->deps.at[t->first_dep + d]] |= g->of[i];
	}
}

/* Returns whether what a task waits for of the first half is through before one of its gates. */
static bool is_behind_gates(const struct program *p, const struct gates *g, uint32_t task)
{
	const struct program_task *t = &p->tasks.at[task];

	for (uint32_t d = 0; d < t->deps_n; d++) {
		const uint32_t dep = p->deps.at[t->first_dep + d];

		if (paces_is_over(p, task, dep) && !(g->of[dep] & g->of[task]))
			return false;
	}
	return true;
}

static bool first_is_over(const struct program *p)
{
	struct arena scratch = ARENA_INIT;
	struct gates g = {.of = arena_array(&scratch, p->tasks.n, sizeof *g.of)};
	uint32_t *last = arena_array(&scratch, program_queues(p->world), sizeof *last);
	bool over = true;

	for (uint32_t i = 0; i < p->halves.at; i++)
		if (takes_in_order(p, p->tasks.at[i].queue))
			last[p->tasks.at[i].queue] = i + 1;
	find_fixed_gates(p, &g);
	wait_for_gates(p, last, &g);
	lead_to_gates(&scratch, p, &g);
	for (uint32_t i = p->halves.at; i < p->tasks.n && over; i++)
		over = is_behind_gates(p, &g, i);
	arena_release(&scratch);
	return over;
}

bool paces_repeat(struct program *p)
{
	return half_repeats(p, 0) && half_repeats(p, 1) && first_is_over(p);
}
