/* counted.c - see counted.h. */
#include "sim/world/counted.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/vec.h"
#include "sim/hw/hw.h"

struct group {
	const char *name;
	long n;
};

struct expander {
	struct loader *l;
	VEC(struct group) groups;
};

/* ---- machines ---- */

/* What to do where more machines are meant. */
static const char many_hint[] =
	"in training one stands for many equal ones: tensor_parallel, data_parallel and "
	"context_parallel of workload.train";

/* 0: none, or not a sensible one, which is said. */
static long count_of(struct loader *l, const struct yml *machine)
{
	const struct yml *said = yml_get(machine, "count");
	char *end;
	long n;

	if (!said)
		return 0;
	if (said->kind != YML_SCALAR) {
		diag_add(l->diags, said->place, NULL, "machine: count: expected a whole number, got %s",
			 yml_kind_name(said));
		return 0;
	}
	n = strtol(said->text, &end, 10);
	if (end != said->text && !*end && n >= 1 && n <= MACHINES_MAX)
		return n;
	diag_add(l->diags, said->place, end != said->text && !*end && n > MACHINES_MAX ? many_hint : NULL,
		 "machine: count: '%.40s' is not a whole number from 1 to %d", said->text, MACHINES_MAX);
	return 0;
}

struct pairs { /* of a mapping under construction */
	VEC(struct yml *) keys;
	VEC(struct yml *) items;
};

static void put_pair(struct pairs *p, struct yml *key, struct yml *item)
{
	VEC_ADD(&p->keys, key);
	VEC_ADD(&p->items, item);
}

/* The mapping gets these pairs in the place of its own. */
static void keep_pairs(struct arena *a, struct pairs *p, struct yml *map)
{
	map->n = p->keys.n;
	map->keys = arena_array(a, map->n, sizeof *map->keys);
	map->items = arena_array(a, map->n, sizeof *map->items);
	for (size_t i = 0; i < map->n; i++) {
		map->keys[i] = p->keys.at[i];
		map->items[i] = p->items.at[i];
	}
	VEC_FREE(&p->keys);
	VEC_FREE(&p->items);
}

static const char *numbered(struct arena *a, const char *name, long i)
{
	return arena_printf(a, "%s%ld", name, i);
}

static void put_numbered(struct expander *x, struct pairs *all, const struct yml *key, struct yml *machine,
			 long n)
{
	struct arena *a = x->l->arena;
	const size_t others = all->keys.n;

	yml_drop(machine, "count");
	VEC_ADD(&x->groups, (struct group){key->text, n});
	for (long i = 0; i < n; i++) {
		const char *name = numbered(a, key->text, i);

		for (size_t k = 0; k < others; k++)
			if (!strcmp(all->keys.at[k]->text, name))
				diag_add(x->l->diags, key->place, "call them otherwise",
					 "machines: number %ld of '%s' has the name of another machine, '%s'",
					 i, key->text, name);
		put_pair(all, yml_scalar(a, name, key->place), machine);
	}
}

static void expand_machines(struct expander *x, struct yml *root)
{
	struct yml *machines = yml_get(root, "machines");
	struct pairs all = {0};
	size_t counted = 0;

	for (size_t i = 0; machines && machines->kind == YML_MAP && i < machines->n; i++)
		counted += yml_get(machines->items[i], "count") != NULL;
	if (!counted)
		return;                          /* what is no mapping, the scenario's table refuses */
	for (size_t i = 0; i < machines->n; i++) /* a number may meet a name */
		if (!yml_get(machines->items[i], "count"))
			put_pair(&all, machines->keys[i], machines->items[i]);
	for (size_t i = 0; i < machines->n; i++) {
		const long n = count_of(x->l, machines->items[i]);

		if (n)
			put_numbered(x, &all, machines->keys[i], machines->items[i], n);
	}
	if (all.keys.n > MACHINES_MAX)
		diag_add(x->l->diags, machines->place, many_hint,
			 "machines: %zu are asked for, at most %d are simulated", all.keys.n, MACHINES_MAX);
	keep_pairs(x->l->arena, &all, machines);
}

/* ---- names ---- */

/* The number behind a group's name; -1: it is none of the group's machines. */
static long number_of(const struct group *g, const char *name, size_t len)
{
	const size_t own = strlen(g->name);
	char digits[8], *end;
	long i;

	if (len <= own || len - own >= sizeof digits || strncmp(name, g->name, own) != 0)
		return -1;
	memcpy(digits, name + own, len - own);
	digits[len - own] = '\0';
	i = strtol(digits, &end, 10);
	if (*end || *digits < '0' || *digits > '9' || (*digits == '0' && len - own > 1))
		return -1;
	return i < g->n ? i : -1;
}

struct span {
	const struct group *group; /* NULL: the text names no machines of a group */
	long first, last;
};

static struct span span_of(const struct expander *x, const char *text)
{
	const char *dots = strstr(text, "..");

	for (size_t i = 0; i < x->groups.n; i++) {
		const struct group *g = &x->groups.at[i];
		const long first = dots ? number_of(g, text, (size_t)(dots - text)) : -1,
			   last = dots ? number_of(g, dots + 2, strlen(dots + 2)) : -1;

		if (!strcmp(g->name, text))
			return (struct span){g, 0, g->n - 1};
		if (first >= 0 && first <= last)
			return (struct span){g, first, last};
	}
	return (struct span){NULL, 0, 0};
}

/* A text or a list of texts; in the place of one that names several machines, a list of them. */
static struct yml *expand_names(struct expander *x, struct yml *names)
{
	struct arena *a = x->l->arena;
	const size_t n = names->kind == YML_LIST ? names->n : 1;
	struct pairs all = {0};
	struct yml *list = names;

	for (size_t i = 0; i < n; i++) {
		struct yml *item = names->kind == YML_LIST ? names->items[i] : names;
		const struct span s =
			item->kind == YML_SCALAR ? span_of(x, item->text) : (struct span){NULL, 0, 0};

		if (s.group && list == names)
			list = yml_new(a, YML_LIST, names->place);
		for (long k = s.first; s.group && k <= s.last; k++)
			put_pair(&all, NULL, yml_scalar(a, numbered(a, s.group->name, k), item->place));
		if (!s.group)
			put_pair(&all, NULL, item);
	}
	if (list != names) {
		keep_pairs(a, &all, list);
		list->keys = NULL;
	}
	VEC_FREE(&all.keys);
	VEC_FREE(&all.items);
	return list;
}

static bool names_machines(const char *key)
{
	for (int i = 0; i < TOPOLOGY_N; i++)
		if (!strcmp(key, topology_names[i]))
			return true;
	return !strcmp(key, "on");
}

static void expand_below(struct expander *x, struct yml *node)
{
	for (size_t i = 0; i < node->n && node->kind != YML_SCALAR; i++)
		if (node->kind == YML_MAP && names_machines(node->keys[i]->text) &&
		    node->items[i]->kind != YML_MAP)
			node->items[i] = expand_names(x, node->items[i]);
		else
			expand_below(x, node->items[i]);
}

/* {default: mlx, m: cuda}: the same for each of the group. */
static void expand_runtime(struct expander *x, struct yml *runtime)
{
	struct arena *a = x->l->arena;
	struct pairs all = {0};

	if (!runtime || runtime->kind != YML_MAP)
		return;
	for (size_t i = 0; i < runtime->n; i++) {
		const struct yml *key = runtime->keys[i];
		const struct span s = span_of(x, key->text);

		for (long k = s.first; s.group && k <= s.last; k++)
			put_pair(&all, yml_scalar(a, numbered(a, s.group->name, k), key->place),
				 runtime->items[i]);
		if (!s.group)
			put_pair(&all, runtime->keys[i], runtime->items[i]);
	}
	keep_pairs(a, &all, runtime);
}

void counted_expand(struct loader *l, struct yml *root)
{
	static const char *const parts[] = {"links", "assignments"};
	struct expander x = {.l = l};

	expand_machines(&x, root);
	for (size_t i = 0; x.groups.n && i < ARRAY_LEN(parts); i++)
		if (yml_get(root, parts[i]))
			expand_below(&x, yml_get(root, parts[i]));
	if (x.groups.n)
		expand_runtime(&x, yml_get(root, "runtime"));
	VEC_FREE(&x.groups);
}

/* ---- back ---- */

/* The length of the name before a last number 0; 0: it ends otherwise. */
static size_t stem_of(const char *name)
{
	const size_t len = strlen(name);

	return len > 1 && name[len - 1] == '0' ? len - 1 : 0;
}

/* How many machines from the i-th on are numbered from 0, share its tree and are all that do; 1 or less: none. */
static size_t run_of(struct arena *a, const struct yml *machines, size_t i)
{
	const size_t len = stem_of(machines->keys[i]->text);
	const char *stem = arena_strndup(a, machines->keys[i]->text, len);
	size_t n = 0;

	while (len && i + n < machines->n && machines->items[i + n] == machines->items[i] &&
	       !strcmp(machines->keys[i + n]->text, numbered(a, stem, (long)n)))
		n++;
	return yml_get(machines, stem) ? 0 : n;
}

static struct yml *with_count(struct arena *a, const struct yml *machine, size_t n)
{
	struct yml *own = yml_copy(a, machine);

	yml_put(a, own, "count", machine->place, yml_scalar(a, arena_printf(a, "%zu", n), machine->place));
	return own;
}

/* NULL: nothing is counted, or a machine behind those that are would come before them when it is read. */
static struct yml *fold_machines(struct arena *a, const struct yml *machines)
{
	struct yml *folded = yml_new(a, YML_MAP, machines->place);
	bool any = false;

	for (size_t i = 0, n; i<machines->n; i += n> 1 ? n : 1) {
		const struct yml *key = machines->keys[i];

		n = run_of(a, machines, i);
		if (n < 2 && any)
			return NULL;
		if (n < 2)
			yml_put(a, folded, key->text, key->place, machines->items[i]);
		else
			yml_put(a, folded, arena_strndup(a, key->text, stem_of(key->text)), key->place,
				with_count(a, machines->items[i], n));
		any |= n > 1;
	}
	return any ? folded : NULL;
}

const struct yml *counted_fold(struct arena *a, const struct yml *root)
{
	const struct yml *machines = yml_get(root, "machines");
	struct yml *folded = machines && machines->kind == YML_MAP ? fold_machines(a, machines) : NULL, *own;

	if (!folded)
		return root;
	own = yml_new(a, YML_MAP, root->place);
	for (size_t i = 0; i < root->n; i++)
		yml_put(a, own, root->keys[i]->text, root->keys[i]->place,
			root->items[i] == machines ? folded : root->items[i]);
	return own;
}
