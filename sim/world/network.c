/* network.c - see network.h. */
#include "sim/world/network.h"

#include <string.h>

#include "sim/base/err.h"
#include "sim/base/str.h"
#include "sim/base/vec.h"
#include "sim/world/equal_links.h"
#include "sim/world/routes.h"

/* The port of a machine, which one link or several go through. */
struct port {
	size_t machine;
	const char *name;
	uint32_t part[2]; /* out, in; the same where both ways share it */
};

struct maker {
	struct loader *l;
	struct world *w;
	const struct yml *map;
	struct fabric *fabrics; /* one for each link */
	uint32_t *joined;
	VEC(struct shared_part) parts;
	VEC(struct link_use) uses;
	VEC(struct port) ports;
	size_t *route;  /* scratch: [machine] */
	uint32_t *room; /* for lists of parts */
	size_t room_n;
};

/* ---- parts ---- */

static uint32_t add_part(struct maker *k, const struct fabric *f, const struct qty *bandwidth, double times,
			 const char *name)
{
	VEC_ADD(&k->parts, (struct shared_part){name, bandwidth, times, f->of});
	return (uint32_t)k->parts.n - 1;
}

static const char *machine_name(const struct maker *k, size_t machine)
{
	return k->w->machines[machine].origin.name;
}

/* A port is as fast as the fastest of its links, unless one says how fast. */
static void serve_port(struct maker *k, const struct fabric *f, const struct port *port)
{
	const struct qty *said =
		f->link->port_bandwidth.given ? &f->link->port_bandwidth : &f->link->bandwidth;

	for (int way = 0; way < 2; way++) {
		struct shared_part *part = &k->parts.at[port->part[way]];

		if (said->value <= part->bandwidth->value)
			continue;
		part->bandwidth = said;
		part->link = f->of;
	}
}

static const struct port *port_of(struct maker *k, const struct fabric *f, size_t machine)
{
	const struct link *l = f->link;
	const char *name = l->port ? l->port : l->origin.name, *of = machine_name(k, machine);
	const struct qty *said = l->port_bandwidth.given ? &l->port_bandwidth : &l->bandwidth;
	struct arena *a = k->l->arena;
	struct port p = {machine, name, {0, 0}};

	for (size_t i = 0; i < k->ports.n; i++) {
		const struct port *known = &k->ports.at[i];

		if (known->machine != machine || strcmp(known->name, name) != 0)
			continue;
		serve_port(k, f, known);
		return known;
	}
	if (l->duplex == DUPLEX_HALF)
		p.part[0] = p.part[1] = add_part(k, f, said, 1, arena_printf(a, "%s of %s", name, of));
	for (int way = 0; way < 2 && l->duplex != DUPLEX_HALF; way++)
		p.part[way] = add_part(k, f, said, 1,
				       arena_printf(a, "%s of %s, %s", name, of, way ? "in" : "out"));
	VEC_ADD(&k->ports, p);
	return &k->ports.at[k->ports.n - 1];
}

static void add_ports(struct maker *k, struct fabric *f)
{
	if (!f->link->port && (!fabric_is_switched(f) || f->topology == TOPOLOGY_BUS))
		return;
	f->ports = arena_array(k->l->arena, 2 * f->n, sizeof *f->ports);
	for (size_t i = 0; i < f->n; i++) {
		const struct port *p = port_of(k, f, f->machines[i]);

		f->ports[2 * i] = p->part[0];
		f->ports[2 * i + 1] = p->part[1];
	}
}

/* A cable is shared where other machines' messages may pass it, or by both ways of a half-duplex one. */
static void add_cables(struct maker *k, struct fabric *f)
{
	const bool half = f->link->duplex == DUPLEX_HALF;
	const size_t n = fabric_cables(f);

	if (!half && !fabric_forwards(f))
		return;
	f->cables = arena_array(k->l->arena, 2 * n, sizeof *f->cables);
	for (size_t i = 0; i < n; i++) {
		const struct cable c = fabric_cable(f, i);
		const char *from = machine_name(k, f->machines[c.ends[0]]),
			   *to = machine_name(k, f->machines[c.ends[1]]), *link = f->link->origin.name;

		f->cables[2 * i] = f->cables[2 * i + 1] =
			add_part(k, f, &f->link->bandwidth, 1,
				 arena_printf(k->l->arena, "%s %s%s%s", link, from, half ? "-" : ">", to));
		if (!half)
			f->cables[2 * i + 1] =
				add_part(k, f, &f->link->bandwidth, 1,
					 arena_printf(k->l->arena, "%s %s>%s", link, to, from));
	}
}

static void add_forwarders(struct maker *k, struct fabric *f)
{
	if (!f->link->forward_bandwidth.given || !fabric_forwards(f))
		return;
	f->forwarders = arena_array(k->l->arena, f->n, sizeof *f->forwarders);
	for (size_t i = 0; i < f->n; i++)
		f->forwarders[i] =
			add_part(k, f, &f->link->forward_bandwidth, 1,
				 arena_printf(k->l->arena, "%s forwards over %s",
					      machine_name(k, f->machines[i]), f->link->origin.name));
}

static void add_leaves(struct maker *k, struct fabric *f)
{
	const size_t leaf = (size_t)f->link->leaf, n = (f->n + leaf - 1) / leaf;

	if (!(f->link->oversubscription > 1))
		return; /* what its machines send is what goes up */
	f->leaves = arena_array(k->l->arena, 2 * n, sizeof *f->leaves);
	for (size_t i = 0; i < 2 * n; i++)
		f->leaves[i] = add_part(k, f, &f->link->bandwidth, (double)leaf / f->link->oversubscription,
					arena_printf(k->l->arena, "%s leaf %zu, %s", f->link->origin.name,
						     i / 2, i % 2 ? "down" : "up"));
}

static void add_parts(struct maker *k, struct fabric *f)
{
	const struct link *l = f->link;
	const char *name = arena_printf(k->l->arena, "%s, all messages", l->origin.name);

	add_ports(k, f);
	if (f->topology == TOPOLOGY_BUS)
		f->medium = add_part(k, f, &l->bandwidth, 1, name);
	else if (l->backplane.given)
		f->medium = add_part(k, f, &l->backplane, 1, name);
	if (f->topology == TOPOLOGY_FAT_TREE)
		add_leaves(k, f);
	if (!fabric_is_switched(f))
		add_cables(k, f);
	add_forwarders(k, f);
}

/* ---- ways ---- */

static uint32_t *joined_at(const struct maker *k, size_t a, size_t b)
{
	return &k->joined[a * k->w->machines_n + b];
}

/* The link uses of the cables on the way, which are there before those of longer ways. */
static void find_hops(const struct maker *k, const struct fabric *f, const struct route *r,
		      struct link_way *way)
{
	uint32_t *hops;

	if (f->link->forward != FORWARD_STORE || r->n < 3)
		return;
	way->hops = hops = arena_array(k->l->arena, r->n - 1, sizeof *hops);
	for (size_t i = 0; i + 1 < r->n; i++)
		hops[way->hops_n++] =
			*joined_at(k, f->machines[r->member[i]], f->machines[r->member[i + 1]]) - 1;
}

enum { LIST_ROOM = 4096 };

/* Room for a list that lives as long as the world: many short ones share a piece of the arena. */
static uint32_t *room_for(struct maker *k, size_t n)
{
	uint32_t *at;

	if (n > k->room_n) {
		k->room_n = n > LIST_ROOM ? n : LIST_ROOM;
		k->room = arena_array(k->l->arena, k->room_n, sizeof *k->room);
	}
	at = k->room;
	k->room += n;
	k->room_n -= n;
	return at;
}

static struct link_way way_of(struct maker *k, const struct fabric *f, size_t from, size_t to)
{
	const struct route r = fabric_route(f, from, to, k->route);
	uint32_t *parts = room_for(k, route_parts_most(&r));
	struct link_way way = {.parts = parts, .parts_n = route_parts(f, &r, parts)};

	k->room_n += (size_t)(k->room - (parts + way.parts_n)); /* what is left is for the next */
	k->room = parts + way.parts_n;
	find_hops(k, f, &r, &way);
	return way;
}

static void join(struct maker *k, struct fabric *f, size_t a, size_t b)
{
	const size_t ends[2] = {f->machines[a], f->machines[b]};
	const struct link_use u = {.link = fabric_link(k->l->arena, f, a, b),
				   .of = f->of,
				   .ends = {ends[0], ends[1]},
				   .one_leaf = fabric_one_leaf(f, a, b),
				   .ways = {way_of(k, f, a, b), way_of(k, f, b, a)}};

	VEC_ADD(&k->uses, u);
	*joined_at(k, ends[0], ends[1]) = *joined_at(k, ends[1], ends[0]) = (uint32_t)k->uses.n;
}

/* Every two machines of a link that are so far apart and that nothing joins yet. */
static void join_all(struct maker *k, struct fabric *f, enum nearness nearness)
{
	for (size_t b = 0; b < f->n; b++)
		for (size_t a = 0; a < b; a++)
			if (fabric_nearness(f, a, b) == nearness &&
			    !*joined_at(k, f->machines[a], f->machines[b]))
				join(k, f, a, b);
}

/* A cable between the two comes before a switch, a switch before machines that forward; of equals the link that the
 * scenario names first. */
static void find_ways(struct maker *k)
{
	for (int nearness = 0; nearness < NEARNESS_N; nearness++)
		for (size_t i = 0; i < k->w->links_n; i++)
			if (!k->w->links[i].equals)
				join_all(k, &k->fabrics[i], (enum nearness)nearness);
}

/* ---- equal machines of which the world has one ---- */

/* The port through which a machine sends to its equals, and that through which they send to it: what it receives is what
 * they all receive. */
static struct link_way equals_way(struct maker *k, const struct fabric *f, size_t machine)
{
	uint32_t *parts = arena_array(k->l->arena, 2, sizeof *parts);

	for (int way = 0; way < 2; way++)
		parts[way] = add_part(k, f, &f->link->bandwidth, 1,
				      arena_printf(k->l->arena, "%s of %s, %s", f->link->origin.name,
						   machine_name(k, machine), way ? "in" : "out"));
	return (struct link_way){.parts = parts, .parts_n = 2};
}

static void join_equals_by(struct maker *k, const struct fabric *f)
{
	const size_t machines = k->w->machines_n,
		     distances = equal_links_distances(k->w, (enum equals)f->link->equals);
	struct link_way *ways = arena_array(k->l->arena, machines, sizeof *ways);

	k->w->equals[f->link->equals] = k->uses.n;
	for (size_t m = 0; m < machines; m++)
		ways[m] = equals_way(k, f, m);
	for (size_t d = 0; d < distances; d++)
		for (size_t m = 0; m < machines; m++)
			VEC_ADD(&k->uses, (struct link_use){.link = f->link,
							    .of = f->of,
							    .ends = {m, m},
							    .ways = {ways[m], ways[m]}});
}

static void join_equals(struct maker *k)
{
	for (int e = 0; e < EQUALS_N; e++)
		k->w->equals[e] = WORLD_NONE;
	for (size_t i = 0; i < k->w->links_n; i++)
		if (k->w->links[i].equals)
			join_equals_by(k, &k->fabrics[i]);
}

/* ---- the scenario's words ---- */

static size_t machine_named(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->machines_n; i++)
		if (!strcmp(w->machines[i].origin.name, name))
			return i;
	return WORLD_NONE;
}

static const struct yml *key_of(const struct link *l, enum topology t)
{
	return yml_get(l->origin.node, topology_names[t]);
}

/* The place of an item of the list that a key has, or of the one that it has instead. */
static struct place item_place(const struct yml *list, size_t i)
{
	return (list->kind == YML_LIST ? list->items[i] : list)->place;
}

static size_t find_machine(const struct maker *k, const struct link *link, const char *name, struct place at)
{
	const struct world *w = k->w;
	const size_t found = machine_named(w, name);
	const char **known;
	struct err err = ERR_INIT;

	if (found != WORLD_NONE)
		return found;
	known = arena_array(k->l->arena, w->machines_n, sizeof *known);
	for (size_t i = 0; i < w->machines_n; i++)
		known[i] = w->machines[i].origin.name;
	err_set(&err, "link '%s': no machine is called '%.100s'", link->origin.name, name);
	err_hint_names(&err, name, known, w->machines_n);
	diag_err(k->l->diags, at, &err);
	return WORLD_NONE;
}

static void find_machines(const struct maker *k, struct fabric *f)
{
	const struct field_list *names = &f->link->joins[f->topology];
	const struct yml *list = key_of(f->link, f->topology);
	size_t *machines = arena_array(k->l->arena, names->n, sizeof *machines);

	for (size_t i = 0; i < names->n; i++)
		machines[i] =
			find_machine(k, f->link, ((const char *const *)names->at)[i], item_place(list, i));
	f->machines = machines;
	f->n = names->n;
}

static void check_pair(const struct maker *k, const struct fabric *f, size_t i)
{
	const size_t *m = f->machines;
	const struct place at = key_of(f->link, TOPOLOGY_PAIR)->place;

	if (m[0] == m[1] && m[0] != WORLD_NONE)
		diag_add(k->l->diags, at, "name two machines, such as 'between: [a, b]'",
			 "link '%s': it joins a machine to itself", f->link->origin.name);
	for (size_t p = 0; p < i && m[0] != m[1]; p++) {
		const struct fabric *o = &k->fabrics[p];

		if (o->topology == TOPOLOGY_PAIR && ((o->machines[0] == m[0] && o->machines[1] == m[1]) ||
						     (o->machines[0] == m[1] && o->machines[1] == m[0])))
			diag_add(k->l->diags, at, "one link joins two machines",
				 "link '%s': another joins the same machines", f->link->origin.name);
	}
}

static void check_repeats(const struct maker *k, const struct fabric *f)
{
	const struct yml *list = key_of(f->link, f->topology);

	for (size_t i = 0; i < f->n; i++)
		for (size_t p = 0; p < i; p++)
			if (f->machines[i] == f->machines[p] && f->machines[i] != WORLD_NONE)
				diag_add(k->l->diags, item_place(list, i), NULL,
					 "link '%s': it names a machine twice", f->link->origin.name);
}

/* A key that says nothing of this topology is taken for a mistake. */
static void check_keys(const struct maker *k, const struct fabric *f)
{
	static const unsigned switched = 1u << TOPOLOGY_SWITCH | 1u << TOPOLOGY_FAT_TREE,
			      forwards = 1u << TOPOLOGY_RING | 1u << TOPOLOGY_CHAIN | 1u << TOPOLOGY_STAR;
	static const struct {
		const char *key, *goes;
		unsigned with;
	} keys[] = {{"backplane", "'switch' or 'fat_tree'", switched},
		    {"switch_latency", "'switch' or 'fat_tree'", switched},
		    {"leaf", "'fat_tree'", 1u << TOPOLOGY_FAT_TREE},
		    {"oversubscription", "'fat_tree'", 1u << TOPOLOGY_FAT_TREE},
		    {"forward", "'ring', 'chain' or 'star'", forwards},
		    {"forward_latency", "'ring', 'chain' or 'star'", forwards},
		    {"forward_bandwidth", "'ring', 'chain' or 'star'", forwards}};
	const char *name = f->link->origin.name;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct yml *said = yml_get(f->link->origin.node, keys[i].key);

		if (said && !(keys[i].with >> f->topology & 1))
			diag_add(k->l->diags, said->place,
				 arena_printf(k->l->diags->arena, "it goes with %s", keys[i].goes),
				 "link '%s': '%s' says nothing of '%s'", name, keys[i].key,
				 topology_names[f->topology]);
	}
	if (f->topology == TOPOLOGY_FAT_TREE && !f->link->leaf)
		diag_add(k->l->diags, key_of(f->link, f->topology)->place, "add 'leaf: 8'",
			 "link '%s': a fat tree needs the number of machines on a leaf switch", name);
}

/* A link that joins the equal devices that one stands for; there is one of each kind. */
static void read_equals(const struct maker *k, const struct fabric *f, size_t said)
{
	const struct place at = yml_get(f->link->origin.node, "equals")->place;

	equal_links_check(k->w, f->link, k->l->diags);
	if (said)
		diag_add(k->l->diags, at, "leave one of them out",
			 "link '%s': it joins machines of the scenario, or their equals",
			 f->link->origin.name);
	for (size_t i = 0; i < f->of; i++)
		if (k->fabrics[i].link->equals == f->link->equals)
			diag_add(k->l->diags, at, NULL, "link '%s': another joins the same equal devices",
				 f->link->origin.name);
}

/* A link joins two machines, or names machines and how they are joined. */
static void read_fabric(const struct maker *k, size_t i)
{
	struct fabric *f = &k->fabrics[i];
	const struct link *l = f->link;
	const struct yml *between = key_of(l, TOPOLOGY_PAIR);
	struct place at = between ? between->place : k->map->keys[i]->place;
	size_t said = 0;

	for (int t = 0; t < TOPOLOGY_N; t++)
		if (l->joins[t].n && ++said > 1)
			at = key_of(l, (enum topology)t)->place;
	f->topology = link_topology(l);
	if (l->equals) {
		read_equals(k, f, said);
		return;
	}
	if (said > 1) {
		diag_add(k->l->diags, at, "leave all but one out", "link '%s': it says twice what it joins",
			 l->origin.name);
		return;
	}
	if (!said || (f->topology == TOPOLOGY_PAIR && l->joins[TOPOLOGY_PAIR].n != 2)) {
		diag_add(k->l->diags, at, "write 'between: [a, b]'", "link '%s': it must join two machines",
			 l->origin.name);
		return;
	}
	find_machines(k, f);
	check_keys(k, f);
	if (f->topology == TOPOLOGY_PAIR)
		check_pair(k, f, i);
	else if (f->n < 2)
		diag_add(k->l->diags, key_of(l, f->topology)->place,
			 arena_printf(k->l->arena, "their names in brackets: '%s: [a, b, c]'",
				      topology_names[f->topology]),
			 "link '%s': it must join two machines or more", l->origin.name);
	else
		check_repeats(k, f);
}

static void *keep(struct arena *a, const void *from, size_t n, size_t size)
{
	void *to = arena_array(a, n, size);

	return n ? memcpy(to, from, n * size) : to;
}

void network_make(struct loader *l, struct world *w, const struct link *links, size_t n,
		  const struct yml *map)
{
	struct maker k = {.l = l, .w = w, .map = map};
	const size_t before = l->diags->total;

	w->links = links;
	w->links_n = n;
	k.fabrics = arena_array(l->arena, n, sizeof *k.fabrics);
	k.joined = arena_array(l->arena, w->machines_n * w->machines_n, sizeof *k.joined);
	for (size_t i = 0; i < n; i++) {
		k.fabrics[i] = (struct fabric){.link = &links[i], .of = i, .medium = PART_NONE};
		read_fabric(&k, i);
	}
	w->joined = k.joined;
	if (l->diags->total > before)
		return;
	k.route = xcalloc(w->machines_n + 1, sizeof *k.route);
	for (size_t i = 0; i < n; i++)
		if (!links[i].equals)
			add_parts(&k, &k.fabrics[i]);
	find_ways(&k);
	join_equals(&k);
	w->link_uses = keep(l->arena, k.uses.at, k.uses.n, sizeof *k.uses.at);
	w->link_uses_n = k.uses.n;
	w->parts = keep(l->arena, k.parts.at, k.parts.n, sizeof *k.parts.at);
	w->parts_n = k.parts.n;
	VEC_FREE(&k.uses);
	VEC_FREE(&k.parts);
	VEC_FREE(&k.ports);
	free(k.route);
}

size_t world_link_use(const struct world *w, size_t a, size_t b)
{
	const uint32_t at = w->joined[a * w->machines_n + b];

	return at ? at - 1 : WORLD_NONE;
}

int link_use_from(const struct link_use *u, size_t machine)
{
	return u->ends[0] != machine;
}
