/* topology.c - see topology.h. */
#include "sim/world/topology.h"

#include <string.h>

#include "sim/hw/hw.h"

/* Loaded for its errors alone: what it says is written as a link. */
struct said {
	struct origin origin;
	const struct yml *link[TOPOLOGY_N];
};

#define JOINS(topology, name, text)                                                                          \
	{                                                                                                    \
		.key = name,                                                                                 \
		.offset = offsetof(struct said, link) + (topology) * sizeof(const struct yml *),             \
		.type = FIELD_YML, .optional = true, .help = text                                            \
	}
static const struct field fields[] = {
	JOINS(TOPOLOGY_SWITCH, "switch", "the link by which each machine hangs on one switch"),
	JOINS(TOPOLOGY_BUS, "bus", "the medium that all messages share"),
	JOINS(TOPOLOGY_MESH, "mesh", "the link between every two"),
	JOINS(TOPOLOGY_RING, "ring",
	      "the link from each machine to the next, and from the last to the first"),
	JOINS(TOPOLOGY_CHAIN, "chain", "the link from each machine to the next"),
	JOINS(TOPOLOGY_STAR, "star", "the link from the first machine to every other"),
	JOINS(TOPOLOGY_FAT_TREE, "fat_tree",
	      "the link of each machine to its leaf switch: {base: ..., leaf: 8, oversubscription: 2}"),
};
const struct table topology_table = {"topology", sizeof(struct said), fields, ARRAY_LEN(fields)};

static struct yml *names_of(struct arena *a, const struct yml *machines, struct place place)
{
	struct yml *list = yml_new(a, YML_LIST, place);

	list->items = arena_array(a, machines->n, sizeof *list->items);
	for (size_t i = 0; i < machines->n; i++)
		list->items[list->n++] = yml_scalar(a, machines->keys[i]->text, place);
	return list;
}

/* A name is the base of the link; a mapping is the link itself. */
static struct yml *link_of(struct loader *l, const struct yml *key, struct yml *said,
			   const struct yml *machines)
{
	struct yml *link = said;

	if (said->kind == YML_SCALAR) {
		link = yml_new(l->arena, YML_MAP, said->place);
		yml_put(l->arena, link, "base", said->place, said);
	}
	if (link->kind == YML_MAP)
		yml_put(l->arena, link, key->text, key->place, names_of(l->arena, machines, key->place));
	return link;
}

static bool has_key(const struct table *t, const char *key)
{
	size_t i = 0;

	while (i < t->n && strcmp(t->fields[i].key, key) != 0)
		i++;
	return i < t->n;
}

static bool is_of_link(const char *key)
{
	return !has_key(&topology_table, key) && (has_key(&link_table, key) || !strcmp(key, "base"));
}

/* Refuses keys of the link beside the name of the topology, where "switch" might be taken for a flag. */
static bool says_link_beside(struct loader *l, const struct yml *topology)
{
	for (size_t i = 0; topology->kind == YML_MAP && i < topology->n; i++) {
		const struct yml *key = topology->keys[i];

		if (!is_of_link(key->text))
			continue;
		diag_add(l->diags, key->place,
			 "keys of the link go into it: {switch: {base: ethernet-10g, duplex: half}}",
			 "topology: '%s' is a key of the link", key->text);
		return true;
	}
	return false;
}

void topology_write(struct loader *l, struct yml *root)
{
	struct yml *topology = yml_get(root, "topology"), *machines = yml_get(root, "machines"), *links;
	struct said said = {0};

	if (!topology || !machines || machines->kind != YML_MAP)
		return;
	yml_drop(root, "topology");
	if (!machines->n || says_link_beside(l, topology) ||
	    field_load(&topology_table, topology, "", &said, l->diags) != 0)
		return;
	if (topology->n != 1) {
		diag_add(l->diags, topology->place, "'links:' says more than one",
			 "topology: name one of switch, bus, mesh, ring, chain, star, fat_tree");
		return;
	}
	links = yml_get(root, "links");
	if (links && yml_get(links, topology->keys[0]->text)) {
		diag_add(l->diags, topology->keys[0]->place, "call the link otherwise",
			 "topology: a link is called '%s', too", topology->keys[0]->text);
		return;
	}
	if (!links)
		yml_put(l->arena, root, "links", topology->place,
			links = yml_new(l->arena, YML_MAP, topology->place));
	yml_put(l->arena, links, topology->keys[0]->text, topology->keys[0]->place,
		link_of(l, topology->keys[0], topology->items[0], machines));
}
