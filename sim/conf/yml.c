/* yml.c - the nodes of a tree: found, put, copied, merged; see yml.h. The text is read in yml_parse.c. */
#include "sim/conf/yml.h"

#include <string.h>

#include "sim/base/map.h"

struct yml *yml_new(struct arena *a, enum yml_kind kind, struct place place)
{
	struct yml *y = arena_room(a, 1, sizeof *y);

	*y = (struct yml){.kind = kind, .place = place, .weight = 1};
	return y;
}

struct yml *yml_scalar(struct arena *a, const char *text, struct place place)
{
	struct yml *y = yml_new(a, YML_SCALAR, place);

	y->text = arena_strdup(a, text);
	return y;
}

/* Nothing under it is a mapping: such nodes are never changed (load.h), so that several trees may hold them. */
static bool is_shared(const struct yml *node)
{
	if (node->kind == YML_MAP)
		return false;
	for (size_t i = 0; i < node->n; i++)
		if (node->items[i]->kind == YML_MAP || node->items[i]->kind == YML_LIST)
			return false;
	return true;
}

static struct yml *copy_tree(struct arena *a, const struct yml *node, bool whole);

static struct yml *copy_item(struct arena *a, struct yml *item, bool whole)
{
	return !whole && is_shared(item) ? item : copy_tree(a, item, whole);
}

/* whole: nothing is shared with the original. */
static struct yml *copy_tree(struct arena *a, const struct yml *node, bool whole)
{
	struct yml *y = yml_new(a, node->kind, node->place);

	*y = *node;
	if (!node->n)
		return y;
	y->items = arena_array(a, node->n, sizeof *y->items);
	if (node->keys)
		y->keys = memcpy(arena_array(a, node->n, sizeof *y->keys), node->keys,
				 node->n * sizeof *y->keys);
	for (size_t i = 0; i < node->n; i++)
		y->items[i] = copy_item(a, node->items[i], whole);
	return y;
}

struct yml *yml_copy(struct arena *a, const struct yml *node)
{
	return copy_tree(a, node, true);
}

struct yml *yml_get(const struct yml *map, const char *key)
{
	if (!map || map->kind != YML_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (map->keys[i]->text[0] == key[0] && !strcmp(map->keys[i]->text, key))
			return map->items[i];
	return NULL;
}

void yml_put(struct arena *a, struct yml *map, const char *key, struct place key_place, struct yml *value)
{
	struct yml **items, **keys;

	for (size_t i = 0; i < map->n; i++) {
		if (!strcmp(map->keys[i]->text, key)) {
			map->items[i] = value;
			return;
		}
	}
	items = arena_array(a, map->n + 1, sizeof *items);
	keys = arena_array(a, map->n + 1, sizeof *keys);
	for (size_t i = 0; i < map->n; i++) {
		items[i] = map->items[i];
		keys[i] = map->keys[i];
	}
	items[map->n] = value;
	keys[map->n] = yml_scalar(a, key, key_place);
	map->items = items;
	map->keys = keys;
	map->n++;
}

void yml_drop(struct yml *map, const char *key)
{
	size_t kept = 0;

	for (size_t i = 0; i < map->n; i++) {
		if (!strcmp(map->keys[i]->text, key))
			continue;
		map->keys[kept] = map->keys[i];
		map->items[kept++] = map->items[i];
	}
	map->n = kept;
}

const char *yml_kind_name(const struct yml *node)
{
	static const char *const names[] = {[YML_NULL] = "nothing",
					    [YML_SCALAR] = "text",
					    [YML_LIST] = "a list",
					    [YML_MAP] = "a mapping"};

	return names[node->kind];
}

enum { FEW_KEYS = 12 }; /* so many are searched one by one sooner than they are hashed */

/* Keys are unique, so the index of a key is the index of its item. */
struct index {
	const struct yml *of;
	struct map map; /* of more than a few keys */
};

static struct index index_keys(const struct yml *y)
{
	struct index index = {y, MAP_INIT};

	for (size_t i = 0; y->n > FEW_KEYS && i < y->n; i++)
		map_add(&index.map, y->keys[i]->text);
	return index;
}

static size_t index_find(const struct index *index, const char *key)
{
	const struct yml *y = index->of;

	if (y->n > FEW_KEYS)
		return map_find(&index->map, key);
	for (size_t i = 0; i < y->n; i++)
		if (y->keys[i]->text[0] == key[0] && !strcmp(y->keys[i]->text, key))
			return i;
	return MAP_NONE;
}

static bool merges(const struct yml *base, const struct yml *over)
{
	return base && base->kind == YML_MAP && over->kind == YML_MAP && !yml_get(over, "value");
}

/* taken: the result may hold nodes of `base`, which no one else will use. */
static struct yml *merge(struct arena *a, const struct yml *base, const struct yml *over, bool taken)
{
	struct yml *y = yml_new(a, YML_MAP, over->place);
	struct index in_base = index_keys(base), in_over = index_keys(over);

	y->items = arena_array(a, base->n + over->n, sizeof *y->items);
	y->keys = arena_array(a, base->n + over->n, sizeof *y->keys);
	for (size_t i = 0; i < base->n; i++) {
		const size_t at = index_find(&in_over, base->keys[i]->text);
		struct yml *item = base->items[i], *mine = at == MAP_NONE ? NULL : over->items[at];

		if (mine && mine->kind == YML_NULL)
			continue;
		y->keys[y->n] = base->keys[i];
		if (mine)
			item = merges(item, mine) ? merge(a, item, mine, taken) : copy_item(a, mine, false);
		else if (!taken)
			item = copy_item(a, item, false);
		y->items[y->n++] = item;
	}
	for (size_t i = 0; i < over->n; i++) {
		if (over->items[i]->kind == YML_NULL || index_find(&in_base, over->keys[i]->text) != MAP_NONE)
			continue;
		y->keys[y->n] = over->keys[i];
		y->items[y->n++] = copy_item(a, over->items[i], false);
	}
	map_release(&in_base.map);
	map_release(&in_over.map);
	return y;
}

struct yml *yml_merge(struct arena *a, const struct yml *base, const struct yml *over)
{
	return merges(base, over) ? merge(a, base, over, false) : copy_tree(a, over, false);
}

struct yml *yml_merge_onto(struct arena *a, struct yml *base, const struct yml *over)
{
	return merges(base, over) ? merge(a, base, over, true) : copy_tree(a, over, false);
}
