/* ranks.c - see ranks.h. */
#include "sim/step/ranks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t ranks_machine(const struct ranks *g, int i)
{
	return g->w->units[g->unit[i]].machine;
}

const struct link_use *ranks_use(const struct ranks *g, int i, int j)
{
	const size_t a = ranks_machine(g, i), b = ranks_machine(g, j);

	return a == b ? NULL : &g->w->link_uses[world_link_use(g->w, a, b)];
}

const struct link *ranks_link(const struct ranks *g, int i, int j)
{
	const struct link_use *u = ranks_use(g, i, j);

	return u ? u->link : NULL;
}

/* ---- boxes ---- */

struct speeds {
	double least, most; /* byte/s */
};

static void count_speed(struct speeds *s, const struct link *l)
{
	const double Bps = l ? l->bandwidth.value : INFINITY;

	s->least = fmin(s->least, Bps);
	s->most = fmax(s->most, Bps);
}

static struct speeds speeds_of(const struct ranks *g)
{
	struct speeds s = {INFINITY, 0};

	for (int i = 1; i < g->n; i++) {
		count_speed(&s, ranks_link(g, i - 1, i));
		count_speed(&s, ranks_link(g, 0, i));
	}
	return s;
}

/* Two devices of one machine, or joined by a faster link than the slowest; where all links are as fast, those of one leaf
 * of a fat tree. */
static bool are_near(const struct ranks *g, int i, int j, struct speeds speeds)
{
	const struct link_use *u = ranks_use(g, i, j);

	if (speeds.most > speeds.least)
		return !u || u->link->bandwidth.value > speeds.least;
	return !u || u->one_leaf;
}

static bool in_leaves(const struct ranks *g)
{
	for (size_t i = 0; i < g->w->links_n; i++)
		if (link_topology(&g->w->links[i]) == TOPOLOGY_FAT_TREE)
			return true;
	return false;
}

static bool are_all_near(const struct ranks *g, const int *rank, int n, struct speeds speeds)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			if (!are_near(g, rank[i], rank[j], speeds))
				return false;
	return true;
}

/* Each device joins the first box that it is near to. */
bool ranks_boxes(struct arena *a, const struct ranks *g, struct rank_boxes *out)
{
	const struct speeds speeds = speeds_of(g);
	int *first = arena_array(a, (size_t)g->n, sizeof *first),
	    *size = arena_array(a, (size_t)g->n, sizeof *size),
	    *box = arena_array(a, (size_t)g->n, sizeof *box);

	*out = (struct rank_boxes){.n = 0};
	if (speeds.most <= speeds.least && !in_leaves(g))
		return false;
	for (int i = 0; i < g->n; i++) {
		if (i && are_near(g, first[box[i - 1]], i, speeds))
			box[i] = box[i - 1]; /* mostly neighbours share one */
		while (box[i] < out->n && !are_near(g, first[box[i]], i, speeds))
			box[i]++;
		if (box[i] == out->n)
			first[out->n++] = i;
		size[box[i]]++;
	}
	out->size = size[0];
	out->rank = arena_array(a, (size_t)g->n, sizeof *out->rank);
	if (out->size < 2 || out->n < 2 || out->n * out->size != g->n)
		return false;
	memset(size, 0, (size_t)g->n * sizeof *size);
	for (int i = 0; i < g->n; i++) {
		if (size[box[i]] == out->size)
			return false;
		out->rank[box[i] * out->size + size[box[i]]++] = i;
	}
	for (int b = 0; b < out->n; b++)
		if (!are_all_near(g, out->rank + b * out->size, out->size, speeds))
			return false;
	return true;
}

/* ---- time by formula ---- */

static const struct link_way *way_between(const struct ranks *g, const struct link_use *u, int from)
{
	return &u->ways[link_use_from(u, ranks_machine(g, from))];
}

struct clock {
	const struct ranks *g;
	double bytes;                 /* of the whole tensor */
	double *at_s, *next_s;        /* [rank]: when it has its data; after this round */
	double *send_s, *receive_s;   /* [rank]: host copies of this round */
	double *load_B;               /* [part of the network]: in this round */
	bool copies;                  /* some link has host copies */
	const struct link *last_link; /* what carry_s() was asked last */
	double last_B, last_s;
};

static struct clock clock_new(struct arena *a, const struct ranks *g, double bytes)
{
	const size_t n = (size_t)g->n;
	struct clock k = {.g = g, .bytes = bytes};

	k.at_s = arena_array(a, n, sizeof *k.at_s);
	k.next_s = arena_array(a, n, sizeof *k.next_s);
	k.send_s = arena_array(a, n, sizeof *k.send_s);
	k.receive_s = arena_array(a, n, sizeof *k.receive_s);
	k.load_B = arena_array(a, g->w->parts_n, sizeof *k.load_B);
	for (size_t i = 0; i < g->w->links_n; i++)
		k.copies |= g->w->links[i].send_copy.given || g->w->links[i].receive_copy.given;
	return k;
}

static double carry_s(struct clock *k, const struct link *l, double bytes)
{
	if (l != k->last_link || bytes != k->last_B) {
		k->last_link = l;
		k->last_B = bytes;
		k->last_s = bytes / link_rate(l, bytes).value;
	}
	return k->last_s;
}

/* The cable, or whatever else, that a message is on next after `machine`, which it is moved on to. */
static const struct link_way *next_hop(const struct ranks *g, const struct link_way *way, size_t i,
				       size_t *machine)
{
	const struct link_use *hop = &g->w->link_uses[way->hops[i]];
	const int end = link_use_from(hop, *machine);

	*machine = hop->ends[1 - end];
	return &hop->ways[end];
}

static void load_way(struct clock *k, const struct link_way *way, double bytes)
{
	for (size_t i = 0; i < way->parts_n; i++)
		k->load_B[way->parts[i]] += bytes;
}

static void load(struct clock *k, const struct hop *h, double bytes)
{
	const struct link_use *u = ranks_use(k->g, h->from, h->to);
	size_t machine = ranks_machine(k->g, h->from);
	const struct link_way *way;

	if (!u)
		return;
	way = way_between(k->g, u, h->from);
	if (!way->hops_n)
		load_way(k, way, bytes);
	for (size_t i = 0; i < way->hops_n; i++)
		load_way(k, next_hop(k->g, way, i, &machine), bytes);
}

/* The time that the busiest part on the way takes for all that goes through it in this round. */
static double busiest_s(const struct clock *k, const struct link_way *way)
{
	double most = 0;

	for (size_t i = 0; i < way->parts_n; i++) {
		const struct shared_part *part = &k->g->w->parts[way->parts[i]];

		most = fmax(most, k->load_B[way->parts[i]] / (part->bandwidth->value * part->times));
	}
	return most;
}

/* Where machines store messages, a message waits on each cable by itself. */
static double wire_s(struct clock *k, const struct link_use *u, int from, double bytes)
{
	const struct link_way *way = way_between(k->g, u, from);
	const double alone_s = carry_s(k, u->link, bytes);
	size_t machine = ranks_machine(k->g, from);
	double wait_s = 0;

	if (!way->hops_n)
		return u->link->latency.value + fmax(alone_s, busiest_s(k, way));
	for (size_t i = 0; i < way->hops_n; i++) {
		const struct link *cable = k->g->w->link_uses[way->hops[i]].link;
		const struct link_way *hop = next_hop(k->g, way, i, &machine);

		wait_s += fmax(0, busiest_s(k, hop) - bytes / link_rate(cable, bytes).value);
	}
	return u->link->latency.value + alone_s + wait_s;
}

/* A device makes its host copies one after the other. */
static void add_copies(struct clock *k, const hop_list *hops)
{
	for (int i = 0; i < k->g->n; i++)
		k->send_s[i] = k->receive_s[i] = 0;
	for (size_t i = 0; i < hops->n; i++) {
		const struct hop *h = &hops->at[i];
		const struct link *l = ranks_link(k->g, h->from, h->to);

		if (l && l->send_copy.given)
			k->send_s[h->from] += h->part * k->bytes / l->send_copy.value;
		if (l && l->receive_copy.given)
			k->receive_s[h->to] += h->part * k->bytes / l->receive_copy.value;
	}
}

/* Advances the time at which each device has its data by one round. */
static void pass_round(struct clock *k, const hop_list *hops)
{
	double *next_s = k->next_s;

	if (k->copies)
		add_copies(k, hops);
	if (k->g->w->parts_n)
		memset(k->load_B, 0, k->g->w->parts_n * sizeof *k->load_B);
	for (size_t i = 0; i < hops->n && k->g->w->parts_n; i++)
		load(k, &hops->at[i], hops->at[i].part * k->bytes);
	memcpy(next_s, k->at_s, (size_t)k->g->n * sizeof *next_s);
	for (size_t i = 0; i < hops->n; i++) {
		const struct hop *h = &hops->at[i];
		const struct link_use *u = ranks_use(k->g, h->from, h->to);
		double there_s = k->at_s[h->from] + k->send_s[h->from];

		there_s += u ? wire_s(k, u, h->from, h->part * k->bytes) + k->receive_s[h->to] : 0;
		next_s[h->to] = fmax(next_s[h->to], there_s);
	}
	k->next_s = k->at_s;
	k->at_s = next_s;
}

static double latest_s(const struct clock *k)
{
	double last_s = 0;

	for (int i = 0; i < k->g->n; i++)
		last_s = fmax(last_s, k->at_s[i]);
	return last_s;
}

/* All rounds of a ring are alike, and a device waits for the one before it alone: after r rounds it has waited for the r
 * messages before it, which the ring holds again and again. */
static double ring_s(struct clock *k, const struct rounds *r)
{
	const int n = r->n, rounds = rounds_count(r);
	double all_s = 0, last_s = 0, rest_s = 0;
	hop_list hops = {0};

	rounds_hops(r, 0, &hops);
	pass_round(k, &hops); /* at_s[i]: the time of the message to i */
	VEC_FREE(&hops);
	for (int i = 0; i < n; i++)
		all_s += k->at_s[i];
	for (int i = 0; i < rounds % n; i++)
		rest_s += k->at_s[i];
	for (int i = 0; i < n; i++) {
		last_s = fmax(last_s, rest_s);
		rest_s += k->at_s[(i + rounds % n) % n] - k->at_s[i];
	}
	return all_s * (rounds / n) + last_s;
}

/* Whether a message between any two devices meets the same, if each sends and gets but one: the only link is a switch that
 * blocks nothing, or cables between every two, and each device is on a machine of its own. */
static bool are_alike(struct arena *a, const struct ranks *g)
{
	const struct link *l = g->w->links;
	const enum topology t = g->w->links_n == 1 ? link_topology(l) : TOPOLOGY_N;
	bool *taken = arena_array(a, g->w->machines_n, sizeof *taken);

	if ((t != TOPOLOGY_SWITCH && t != TOPOLOGY_MESH) || l->backplane.given || l->duplex == DUPLEX_HALF ||
	    l->send_copy.given || l->receive_copy.given)
		return false;
	for (int i = 0; i < g->n; i++) {
		if (taken[ranks_machine(g, i)])
			return false;
		taken[ranks_machine(g, i)] = true;
	}
	return true;
}

/* Where all devices are alike, they end each round together. INFINITY: the algorithm is not so even. */
static double even_s(const struct ranks *g, double all_B, const struct rounds *r)
{
	const struct link *l = ranks_link(g, 0, 1);
	const int rounds = rounds_count(r);
	double s = 0;

	for (int i = 0; i < rounds; i++) {
		const double bytes = rounds_each(r, i) * all_B;

		if (!(bytes > 0))
			return INFINITY;
		s += l->latency.value + bytes / link_rate(l, bytes).value;
	}
	return s;
}

double ranks_rounds_s(const struct ranks *g, double bytes, const struct rounds *r)
{
	struct arena a = ARENA_INIT;
	struct clock k = clock_new(&a, g, bytes);
	const int rounds = rounds_count(r);
	const bool many = g->n > FEW_RANKS;
	double s = many && are_alike(&a, g) ? even_s(g, bytes, r) : INFINITY;
	hop_list hops = {0};

	if (isinf(s) && many && r->way == REDUCE_RING)
		s = ring_s(&k, r);
	for (int i = 0; i < rounds && isinf(s); i++) {
		if (r->way != REDUCE_RING || !i)
			rounds_hops(r, i, &hops);
		pass_round(&k, &hops);
	}
	if (isinf(s))
		s = latest_s(&k);
	VEC_FREE(&hops);
	arena_release(&a);
	return s;
}
