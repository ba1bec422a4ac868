/* twins.c - see twins.h. */
#include "sim/search/twins.h"

#include <stdlib.h>
#include <string.h>

/* Whether what two trees say is the same, but for a key at their top. */
static bool same_tree(const struct yml *a, const struct yml *b, const char *but)
{
	if (a == b)
		return true;
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

/* ---- the network, with two machines exchanged ---- */

#define PART_FREE UINT32_MAX

struct exchange {
	const struct world *w;
	size_t a, b;  /* machines */
	uint32_t *to; /* [part]: what it becomes; PART_FREE: not known yet */
};

static size_t exchanged(const struct exchange *x, size_t machine)
{
	return machine == x->a ? x->b : machine == x->b ? x->a : machine;
}

/* Whether two parts can become each other, beside what is known of both. */
static bool part_becomes(const struct exchange *x, uint32_t from, uint32_t to)
{
	const struct shared_part *p = &x->w->parts[from], *q = &x->w->parts[to];

	if (x->to[from] == PART_FREE && x->to[to] == PART_FREE &&
	    p->bandwidth->value * p->times == q->bandwidth->value * q->times) {
		x->to[from] = to;
		x->to[to] = from;
	}
	return x->to[from] == to && x->to[to] == from;
}

static bool way_becomes(const struct exchange *x, const struct link_way *from, const struct link_way *to)
{
	if (from->hops_n || to->hops_n || from->parts_n != to->parts_n)
		return false;
	for (size_t i = 0; i < from->parts_n; i++)
		if (!part_becomes(x, from->parts[i], to->parts[i]))
			return false;
	return true;
}

/* Machines that forward tell places apart: those of a ring, a chain or a star are not looked at. */
static bool passes_on(const struct link *l)
{
	const enum topology t = link_topology(l);

	return t == TOPOLOGY_RING || t == TOPOLOGY_CHAIN || t == TOPOLOGY_STAR;
}

static bool link_becomes(const struct exchange *x, const struct link_use *u, const struct link_use *v)
{
	const struct link *links = x->w->links;

	return !passes_on(&links[u->of]) && !passes_on(&links[v->of]) && u->one_leaf == v->one_leaf &&
	       (u->of == v->of || same_tree(links[u->of].origin.node, links[v->of].origin.node, "between"));
}

/* Whether what joins two machines is what joins those that they become. */
static bool use_becomes(const struct exchange *x, const struct link_use *u, size_t at)
{
	const struct world *w = x->w;
	const size_t from = exchanged(x, u->ends[0]), to = exchanged(x, u->ends[1]);
	const size_t image = from != to ? world_link_use(w, from, to)
					: at - u->ends[0] + from; /* of equals: world_equals_use() */
	const struct link_use *v = image != WORLD_NONE ? &w->link_uses[image] : NULL;
	int way;

	if (!v || !link_becomes(x, u, v))
		return false;
	way = link_use_from(v, from);
	return way_becomes(x, &u->ways[0], &v->ways[way]) && way_becomes(x, &u->ways[1], &v->ways[!way]);
}

static bool joined_alike(const struct world *w, size_t a, size_t b)
{
	struct exchange x = {w, a, b, xmalloc((w->parts_n + 1) * sizeof *x.to)};
	bool alike = true;

	for (size_t i = 0; i < w->parts_n; i++)
		x.to[i] = PART_FREE;
	for (size_t i = 0; i < w->link_uses_n && alike; i++)
		alike = use_becomes(&x, &w->link_uses[i], i);
	free(x.to);
	return alike;
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

/* A draft model tells machines apart, and those of several devices have no twins. */
static bool are_twins(const struct world *w, const struct unit *u, const struct unit *v)
{
	const size_t a = u->machine, b = v->machine;

	return a != b && units_of(w, a) == 1 && units_of(w, b) == 1 && run_alike(u, v) &&
	       same_tree(w->machines[a].origin.node, w->machines[b].origin.node, NULL) &&
	       joined_alike(w, a, b);
}

void twins_find(const struct world *w, size_t before[SPACE_UNITS])
{
	const struct generate *g = w->scenario->workload.generate;
	const bool any = !g || !g->options.speculative;

	for (size_t u = 0; u < w->units_n; u++) {
		before[u] = WORLD_NONE;
		for (size_t v = u; any && v-- > 0 && before[u] == WORLD_NONE;)
			if (are_twins(w, &w->units[u], &w->units[v]))
				before[u] = v;
	}
}

bool twins_in_order(const size_t before[SPACE_UNITS], size_t units_n, const struct unit_set *units)
{
	for (size_t u = 0; u < units_n; u++)
		if (unit_set_has(units, u) && before[u] != WORLD_NONE && !unit_set_has(units, before[u]))
			return false;
	return true;
}

static uint8_t add_slot(struct unit_slots *s, size_t unit)
{
	s->unit[s->n] = (uint8_t)unit;
	return (uint8_t)s->n++;
}

void twins_slots(const struct world *w, struct unit_slots *out)
{
	size_t before[SPACE_UNITS];

	twins_find(w, before);
	out->n = 0;
	for (size_t u = 0; u < w->units_n; u++) {
		const size_t twin = before[u];

		if (twin == WORLD_NONE) {
			out->first[u] = out->second[u] = add_slot(out, u);
			continue;
		}
		out->first[u] = out->first[twin];
		if (out->second[twin] == out->first[twin]) /* the first has no twin yet */
			out->second[twin] = add_slot(out, u);
		out->second[u] = out->second[twin];
	}
}
