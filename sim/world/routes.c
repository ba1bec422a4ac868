/* routes.c - see routes.h. */
#include "sim/world/routes.h"

#include <math.h>
#include <string.h>

#include "sim/base/err.h"

bool fabric_is_switched(const struct fabric *f)
{
	return f->topology == TOPOLOGY_SWITCH || f->topology == TOPOLOGY_BUS ||
	       f->topology == TOPOLOGY_FAT_TREE;
}

bool fabric_forwards(const struct fabric *f)
{
	return (f->topology == TOPOLOGY_RING && f->n > 3) ||
	       ((f->topology == TOPOLOGY_CHAIN || f->topology == TOPOLOGY_STAR) && f->n > 2);
}

bool fabric_one_leaf(const struct fabric *f, size_t a, size_t b)
{
	const size_t leaf = (size_t)f->link->leaf;

	return f->topology == TOPOLOGY_FAT_TREE && a / leaf == b / leaf;
}

/* ---- cables ---- */

size_t fabric_cables(const struct fabric *f)
{
	switch (f->topology) {
	case TOPOLOGY_PAIR:
	case TOPOLOGY_MESH:
		return f->n * (f->n - 1) / 2;
	case TOPOLOGY_RING:
		return f->n > 2 ? f->n : 1;
	case TOPOLOGY_CHAIN:
	case TOPOLOGY_STAR:
		return f->n - 1;
	case TOPOLOGY_SWITCH:
	case TOPOLOGY_BUS:
	case TOPOLOGY_FAT_TREE:
	case TOPOLOGY_N:
		break;
	}
	return 0;
}

/* Pairs in the order of their second member, then of their first. */
static struct cable pair_at(size_t i)
{
	size_t b = 1;

	for (; i >= b; b++)
		i -= b;
	return (struct cable){{i, b}};
}

struct cable fabric_cable(const struct fabric *f, size_t i)
{
	if (f->topology == TOPOLOGY_STAR)
		return (struct cable){{0, i + 1}};
	if (f->topology == TOPOLOGY_RING || f->topology == TOPOLOGY_CHAIN)
		return (struct cable){{i, (i + 1) % f->n}};
	return pair_at(i);
}

/* The cable between two members, and the way from the first: 0 where it is the cable's first end. */
static size_t cable_between(const struct fabric *f, size_t from, size_t to, size_t *way)
{
	const size_t low = from < to ? from : to, high = from < to ? to : from;
	size_t i = high * (high - 1) / 2 + low;

	if (f->topology == TOPOLOGY_STAR)
		i = high - 1;
	else if (f->topology == TOPOLOGY_RING || f->topology == TOPOLOGY_CHAIN)
		i = high - low == 1 ? low : high;
	*way = fabric_cable(f, i).ends[0] != from;
	return i;
}

static bool is_cabled(const struct fabric *f, size_t a, size_t b)
{
	const size_t apart = a < b ? b - a : a - b;

	switch (f->topology) {
	case TOPOLOGY_PAIR:
	case TOPOLOGY_MESH:
		return true;
	case TOPOLOGY_RING:
		return apart == 1 || apart == f->n - 1;
	case TOPOLOGY_CHAIN:
		return apart == 1;
	case TOPOLOGY_STAR:
		return !a || !b;
	case TOPOLOGY_SWITCH:
	case TOPOLOGY_BUS:
	case TOPOLOGY_FAT_TREE:
	case TOPOLOGY_N:
		break;
	}
	return false;
}

enum nearness fabric_nearness(const struct fabric *f, size_t a, size_t b)
{
	if (fabric_is_switched(f))
		return NEAR_SWITCH;
	return is_cabled(f, a, b) ? NEAR_CABLE : NEAR_FORWARDED;
}

/* ---- ways ---- */

/* The next member towards `to`: the shorter way round a ring, forward where both are as long. */
static size_t step(const struct fabric *f, size_t at, size_t to)
{
	const size_t ahead = (to + f->n - at) % f->n;

	if (fabric_is_switched(f) || is_cabled(f, at, to))
		return to;
	if (f->topology == TOPOLOGY_STAR)
		return 0;
	if (f->topology == TOPOLOGY_CHAIN)
		return to > at ? at + 1 : at - 1;
	return 2 * ahead <= f->n ? (at + 1) % f->n : (at + f->n - 1) % f->n;
}

struct route fabric_route(const struct fabric *f, size_t from, size_t to, size_t *room)
{
	size_t n = 1;

	room[0] = from;
	for (; room[n - 1] != to; n++)
		room[n] = step(f, room[n - 1], to);
	return (struct route){room, n};
}

/* The cables from one to the other. */
static size_t distance(const struct fabric *f, size_t from, size_t to)
{
	size_t n = 0;

	for (; from != to; n++)
		from = step(f, from, to);
	return n;
}

size_t route_parts_most(const struct route *r)
{
	return 4 * r->n + 3; /* a cable, two ports and a forwarding machine; a medium and two leaves */
}

static size_t put(uint32_t *out, size_t n, const uint32_t *parts, size_t i)
{
	if (!parts)
		return n;
	out[n] = parts[i];
	return n + 1;
}

/* A leaf switch passes on what stays below it. */
static size_t put_leaves(const struct fabric *f, size_t from, size_t to, uint32_t *out, size_t n)
{
	const size_t leaf = (size_t)f->link->leaf;

	if (!f->leaves || fabric_one_leaf(f, from, to))
		return n;
	n = put(out, n, f->leaves, 2 * (from / leaf));
	return put(out, n, f->leaves, 2 * (to / leaf) + 1);
}

size_t route_parts(const struct fabric *f, const struct route *r, uint32_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < r->n; i++) {
		const size_t from = r->member[i], to = r->member[i + 1];
		size_t way, cable = 0;

		n = put(out, n, i ? f->forwarders : NULL, from);
		n = put(out, n, f->ports, 2 * from);
		if (f->cables) {
			cable = cable_between(f, from, to, &way);
			n = put(out, n, f->cables, 2 * cable + way);
		}
		n = put(out, n, f->medium != PART_NONE ? &f->medium : NULL, 0);
		n = put_leaves(f, from, to, out, n);
		n = put(out, n, f->ports, 2 * to + 1);
	}
	return n;
}

/* ---- the link on that way ---- */

/* Seconds of a byte where each of so many cables, and each machine between them, takes it whole; or the slowest. */
static double byte_s(const struct link *l, double Bps, size_t cables)
{
	const double copy_s = l->forward_bandwidth.given ? 1 / l->forward_bandwidth.value : 0;

	if (l->forward == FORWARD_STORE)
		return (double)cables / Bps + (double)(cables - 1) * copy_s;
	return fmax(1 / Bps, copy_s);
}

/* Switches beyond the one that the link's latency may hold: those that a message passes, where they are said to take
 * time. */
static double switches_s(const struct fabric *f, size_t from, size_t to)
{
	const bool up = f->topology == TOPOLOGY_FAT_TREE && !fabric_one_leaf(f, from, to);

	return fabric_is_switched(f) ? f->link->switch_latency.value * (up ? 3 : 1) : 0;
}

static const struct link *make_link(struct arena *a, const struct link *l, size_t cables, double switches)
{
	struct link *way = arena_alloc(a, sizeof *way);
	struct link_point *points = arena_array(a, l->bandwidth_by_size.n, sizeof *points);

	*way = *l;
	way->latency.value = (double)cables * l->latency.value + switches +
			     (double)(cables - 1) * l->forward_latency.value;
	if (cables == 1)
		return way;
	way->bandwidth.value = 1 / byte_s(l, l->bandwidth.value, cables);
	for (size_t i = 0; i < l->bandwidth_by_size.n; i++) {
		points[i] = ((const struct link_point *)l->bandwidth_by_size.at)[i];
		points[i].bandwidth.value = 1 / byte_s(l, points[i].bandwidth.value, cables);
	}
	way->bandwidth_by_size.at = points;
	return way;
}

const struct link *fabric_link(struct arena *a, struct fabric *f, size_t from, size_t to)
{
	const size_t cables = distance(f, from, to);
	const double switches = switches_s(f, from, to);
	/* all pairs as far apart share a copy */
	const size_t kind = switches > 0 ? (switches > f->link->switch_latency.value) : cables;

	if (cables == 1 && !(switches > 0))
		return f->link;
	if (!f->links)
		f->links = arena_array(a, f->n + 2, sizeof *f->links);
	if (!f->links[kind])
		f->links[kind] = make_link(a, f->link, cables, switches);
	return f->links[kind];
}
