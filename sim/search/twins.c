/* twins.c - see twins.h. */
#include "sim/search/twins.h"

#include <string.h>

/* Whether what two trees say is the same, but for a key at their top. */
static bool same_tree(const struct yml *a, const struct yml *b, const char *but)
{
	if (a->kind != b->kind || a->n != b->n || !a->text != !b->text ||
	    (a->text && strcmp(a->text, b->text) != 0))
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->keys && strcmp(a->keys[i]->text, b->keys[i]->text) != 0)
			return false;
		if (a->keys && but && !strcmp(a->keys[i]->text, but))
			continue;
		if (!same_tree(a->items[i], b->items[i], NULL))
			return false;
	}
	return true;
}

/* A cable that shares nothing with another one: no port, no switch. */
static bool is_cable(const struct link_use *u)
{
	for (int end = 0; end < 2; end++)
		if (u->ways[end].parts_n || u->ways[end].hops_n)
			return false;
	return !u->one_leaf;
}

/* Whether the links from two machines to a third are equal. */
static bool joined_alike(const struct world *w, size_t a, size_t b, size_t to)
{
	const size_t x = world_link_use(w, a, to), y = world_link_use(w, b, to);

	if (x == WORLD_NONE || y == WORLD_NONE)
		return x == y;
	return same_tree(w->links[w->link_uses[x].of].origin.node, w->links[w->link_uses[y].of].origin.node,
			 "between");
}

static bool are_twins(const struct world *w, size_t a, size_t b)
{
	if (!same_tree(w->machines[a].origin.node, w->machines[b].origin.node, NULL))
		return false;
	for (size_t m = 0; m < w->machines_n; m++)
		if (m != a && m != b && !joined_alike(w, a, b, m))
			return false;
	return true;
}

/* The scenario may name a runtime for one machine alone. */
static bool run_alike(const struct unit *u, const struct unit *v)
{
	return !strcmp(u->profile->origin.name, v->profile->origin.name);
}

static size_t units_of(const struct world *w, size_t machine)
{
	size_t n = 0;

	for (size_t u = 0; u < w->units_n; u++)
		n += w->units[u].machine == machine;
	return n;
}

/* Machines that a draft model or a network tell apart have no twins, nor have those of several devices. */
static bool can_have_twins(const struct world *w)
{
	const struct generate *g = w->scenario->workload.generate;

	for (size_t i = 0; i < w->link_uses_n; i++)
		if (!is_cable(&w->link_uses[i]))
			return false;
	return !g || !g->options.speculative;
}

void twins_find(const struct world *w, size_t before[SPACE_UNITS])
{
	const bool any = can_have_twins(w);

	for (size_t u = 0; u < w->units_n; u++) {
		const size_t mine = w->units[u].machine;

		before[u] = WORLD_NONE;
		for (size_t v = 0; v < u && any; v++) {
			const size_t other = w->units[v].machine;

			if (mine != other && units_of(w, mine) == 1 && units_of(w, other) == 1 &&
			    run_alike(&w->units[u], &w->units[v]) && are_twins(w, mine, other))
				before[u] = v;
		}
	}
}

bool twins_in_order(const size_t before[SPACE_UNITS], size_t units_n, unsigned units)
{
	for (size_t u = 0; u < units_n; u++)
		if (units >> u & 1 && before[u] != WORLD_NONE && !(units >> before[u] & 1))
			return false;
	return true;
}
