/* load.c - see load.h. */
#include "sim/conf/load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/map.h"
#include "sim/base/sha256.h"
#include "sim/conf/find.h"
#include "sim/conf/shipped.h"
#include "sim/conf/sources.h"

void loader_init(struct loader *l, struct arena *a, struct diags *d)
{
	*l = (struct loader){.arena = a, .diags = d};
}

static bool has_input(const struct loader *l, const char *path, size_t hash)
{
	for (size_t i = 0; i < l->inputs_n; i++)
		if (l->inputs[i].hash == hash && !strcmp(l->inputs[i].path, path))
			return true;
	return false;
}

bool loader_has_read(const struct loader *l, const char *path)
{
	return has_input(l, path, map_hash(path));
}

static struct load_input *add_input(struct loader *l)
{
	if (l->inputs_n == l->inputs_room) {
		struct load_input *more = arena_array(l->arena, l->inputs_room * 2 + 8, sizeof *more);

		if (l->inputs_n)
			memcpy(more, l->inputs, l->inputs_n * sizeof *more);
		l->inputs = more;
		l->inputs_room = l->inputs_room * 2 + 8;
	}
	return &l->inputs[l->inputs_n++];
}

static void record_input(struct loader *l, const char *path, const char sha256[65])
{
	const size_t hash = map_hash(path);
	struct load_input *in;

	if (has_input(l, path, hash))
		return;
	in = add_input(l);
	in->path = path;
	in->hash = hash;
	memcpy(in->sha256, sha256, sizeof in->sha256);
}

void loader_begin_inner(struct loader *inner, struct arena *scratch, const struct loader *outer)
{
	loader_init(inner, scratch, outer->diags);
	inner->paths = outer->paths;
	inner->paths_n = outer->paths_n;
	inner->unhashed = outer->unhashed;
	inner->outer = outer;
}

void loader_add_inputs(struct loader *l, const struct load_input *inputs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const size_t hash = map_hash(inputs[i].path);
		struct load_input *in;

		if (has_input(l, inputs[i].path, hash))
			continue;
		in = add_input(l);
		*in = inputs[i];
		in->hash = hash;
		in->path = arena_strdup(l->arena, in->path);
	}
}

void loader_add_file(struct loader *l, const char *path)
{
	char sha256[65] = "";

	if (loader_has_read(l, path))
		return;
	for (const struct loader *o = l->outer; o; o = o->outer)
		for (size_t i = 0; i < o->inputs_n; i++)
			if (!strcmp(o->inputs[i].path, path)) {
				record_input(l, path, o->inputs[i].sha256);
				return;
			}
	if (l->unhashed || sha256_file(path, sha256) == 0)
		record_input(l, path, sha256);
}

void loader_end_inner(struct loader *inner, struct loader *outer)
{
	loader_add_inputs(outer, inner->inputs, inner->inputs_n);
	if (outer->diags->total)
		arena_adopt(outer->arena, inner->arena);
	arena_release(inner->arena);
}

void load_keep(struct loader *l, const struct load_kept *k)
{
	struct load_kept *mine;

	if (k->name->kind != YML_SCALAR || !k->name->place.source)
		return;
	mine = arena_alloc(l->arena, sizeof *mine);
	*mine = *k;
	mine->next = l->kept;
	l->kept = mine;
}

const struct load_kept *load_kept(const struct loader *l, const struct table *table, const struct yml *key,
				  const struct yml *name)
{
	if (!l->reuses || name->kind != YML_SCALAR || !name->place.source)
		return NULL;
	for (const struct loader *o = l->outer; o; o = o->outer)
		for (const struct load_kept *k = o->kept; k; k = k->next)
			if (k->table == table && !strcmp(k->key->text, key->text) &&
			    !strcmp(k->name->text, name->text) &&
			    !strcmp(k->name->place.source->path, name->place.source->path))
				return k;
	return NULL;
}

bool load_is_kept(const struct loader *l, const struct yml *tree)
{
	for (const struct loader *o = l->reuses ? l->outer : NULL; o; o = o->outer)
		for (const struct load_kept *k = o->kept; k; k = k->next)
			if (k->tree == tree)
				return true;
	return false;
}

/* ship: the file that ships with that text, or NULL. */
static void hash_source(const struct source *source, const struct shipped_file *ship, char sha256[65])
{
	if (ship && ship->len == source->len)
		memcpy(sha256, ship->sha256, sizeof ship->sha256);
	else
		sha256_hex(source->text, source->len, sha256);
}

static struct yml *tree_of(struct loader *l, const struct source *source, const struct shipped_file *ship)
{
	struct yml *tree = ship ? shipped_tree(l->arena, ship, source, l->shallow)
				: yml_parse(l->arena, source, l->diags);

	if (tree && !ship)
		sources_resolve(l->arena, tree, l->diags);
	return tree;
}

/* The tree of a source, which is kept for whoever asks for its path again. */
static struct yml *parse_tree(struct loader *l, const struct source *source)
{
	const struct shipped_file *ship = shipped_find(source);
	const size_t before = l->diags->total;
	struct load_tree *kept;
	struct yml *tree;
	char sha256[65] = "";

	if (!l->unhashed)
		hash_source(source, ship, sha256);
	record_input(l, source->path, sha256);
	l->foreign |= !ship;
	tree = tree_of(l, source, ship);
	if (!tree || l->diags->total != before)
		return tree;
	kept = arena_alloc(l->arena, sizeof *kept);
	*kept = (struct load_tree){.path = source->path,
				   .ship = ship,
				   .source = source,
				   .hash = map_hash(source->path),
				   .next = l->trees};
	if (!ship)
		kept->tree = yml_merge(l->arena, NULL, tree);
	memcpy(kept->sha256, sha256, sizeof sha256);
	l->trees = kept;
	return tree;
}

/* The file as it was parsed before, by this loader or one that it is within; NULL: it was not. */
static const struct load_tree *parsed(const struct loader *l, const char *path)
{
	const size_t hash = map_hash(path);

	for (; l; l = l->outer)
		for (const struct load_tree *kept = l->trees; kept; kept = kept->next)
			if (kept->hash == hash && !strcmp(kept->path, path))
				return kept;
	return NULL;
}

/* Each file is parsed once, since many machines share their bases; the caller gets a copy. */
static struct yml *read_tree(struct loader *l, const char *path, struct place place)
{
	struct source *source = arena_alloc(l->arena, sizeof *source);
	const struct load_tree *const kept = parsed(l, path);
	struct err err = ERR_INIT;
	char *text;

	if (kept) {
		record_input(l, path, kept->sha256);
		l->foreign |= !kept->ship;
		return kept->ship ? shipped_tree(l->arena, kept->ship, kept->source, l->shallow)
				  : yml_merge(l->arena, NULL, kept->tree);
	}
	if (file_read(l->arena, path, LOAD_FILE_MAX, &text, &source->len, &err) != 0) {
		if (!place.source && !strchr(path, '/') && !str_ends(path, ".yaml") &&
		    !str_ends(path, ".yml") && access(path, F_OK) != 0)
			find_hint(l, path, &err);
		else if (file_exists(arena_printf(l->arena, "%s.yaml", path)))
			err_hint(&err, "did you mean '%s.yaml'?", path);
		else if (!place.source && access(path, F_OK) != 0)
			find_hint_beside(l, path, &err);
		else if (place.source && !str_ends(path, ".yaml"))
			err_hint(&err, "a path ends in .yaml; a name without a slash is looked up");
		diag_err(l->diags, place, &err);
		return NULL;
	}
	source->path = path;
	source->text = text;
	return parse_tree(l, source);
}

int load_text(struct loader *l, const char *path, const char *text)
{
	struct source *source = arena_alloc(l->arena, sizeof *source);

	*source = (struct source){path, text, strlen(text)};
	return parse_tree(l, source) && !l->diags->total ? 0 : -1;
}

const struct yml *load_unmerged(struct loader *l, const char *path)
{
	struct diags unheard, *heard = l->diags;
	const struct yml *tree;

	diags_init(&unheard, l->arena);
	l->diags = &unheard;
	tree = read_tree(l, path, (struct place){0});
	l->diags = heard;
	return tree;
}

const struct yml *load_variants(struct loader *l, const char *path)
{
	const struct yml *tree = load_unmerged(l, path), *variants = tree ? yml_get(tree, "variants") : NULL;

	return variants && variants->kind == YML_MAP ? variants : NULL;
}

static int check_schema(struct loader *l, struct yml *tree, const char *wanted)
{
	const struct yml *schema = yml_get(tree, "schema");
	struct err err = ERR_INIT;

	if (tree->kind != YML_MAP)
		return diag_add(l->diags, tree->place, "the file is lines of 'key: value'",
				"expected a mapping, got %s", yml_kind_name(tree));
	err_hint(&err, wanted ? "begin the file with 'schema: %s'" : "%s",
		 wanted ? wanted
			: "begin the file with 'schema: lemursim/scenario/1', or hardware/1, or model/1");
	if (!schema)
		return diag_add(l->diags, tree->place, err.hint, "key 'schema' is missing");
	if (schema->kind != YML_SCALAR)
		return diag_add(l->diags, schema->place, err.hint, "schema: expected text, got %s",
				yml_kind_name(schema));
	if (!wanted || !strcmp(schema->text, wanted))
		return 0;
	return diag_add(l->diags, schema->place,
			arena_printf(l->arena, "this place wants a file with 'schema: %s'", wanted),
			"the schema is '%.100s'", schema->text);
}

static int check_cycle(struct loader *l, const char *path, struct place place)
{
	for (size_t i = 0; i < l->depth; i++)
		if (!strcmp(l->stack[i], path))
			return diag_add(l->diags, place, NULL, "'base:' goes in a circle back to %s", path);
	if (l->depth == LOAD_DEPTH)
		return diag_add(l->diags, place, NULL, "'base:' goes more than %d files deep", LOAD_DEPTH);
	if (++l->followed == LOAD_FILES + 1) /* reported once: all later files are refused, too */
		diag_add(l->diags, place, NULL, "'base:' leads to more than %d files in all", LOAD_FILES);
	return l->followed > LOAD_FILES ? -1 : 0;
}

/* The tree with its variant merged over it; both may have a base. */
static struct yml *inherit_file(struct loader *l, struct yml *tree, const char *variant, const char *folder,
				const char *schema)
{
	struct yml *over = variant ? yml_get(yml_get(tree, "variants"), variant) : NULL;

	tree = load_inherit(l, tree, folder, schema);
	if (over && over->kind != YML_MAP) {
		diag_add(l->diags, over->place, NULL, "variant '%s': expected a mapping, got %s", variant,
			 yml_kind_name(over));
		return NULL;
	}
	over = over ? load_inherit(l, over, folder, schema) : NULL;
	if (!tree || (variant && !over))
		return NULL;
	return over ? yml_merge_onto(l->arena, tree, over) : tree;
}

static struct yml *load_at(struct loader *l, const struct target *t, const char *folder, const char *schema,
			   struct place place)
{
	struct yml *tree;

	if (check_cycle(l, t->path, place) != 0)
		return NULL;
	tree = read_tree(l, t->path, place);
	if (!tree || check_schema(l, tree, schema) != 0)
		return NULL;
	l->stack[l->depth++] = t->path;
	tree = inherit_file(l, tree, t->variant, folder, schema);
	l->depth--;
	return tree;
}

struct yml *load_file(struct loader *l, const char *path, const char *folder, const char *schema)
{
	const struct target t = {arena_strdup(l->arena, path), NULL};

	l->followed = 0;
	l->foreign = false;
	return load_at(l, &t, folder, schema, (struct place){0});
}

struct yml *load_variant(struct loader *l, const char *path, const char *variant, const char *folder,
			 const char *schema)
{
	const struct target t = {arena_strdup(l->arena, path), variant};
	struct yml *tree;

	l->followed = 0;
	tree = load_at(l, &t, folder, schema, (struct place){0});
	if (tree)
		yml_drop(tree, "variants");
	return tree;
}

const struct yml *load_schema(struct loader *l, const char *path)
{
	struct yml *tree = read_tree(l, arena_strdup(l->arena, path), (struct place){0});

	return tree && check_schema(l, tree, NULL) == 0 ? yml_get(tree, "schema") : NULL;
}

static struct yml *load_base(struct loader *l, struct yml *name, const char *folder, const char *schema)
{
	struct target t;
	struct yml *base;

	if (name->kind != YML_SCALAR) {
		diag_add(l->diags, name->place,
			 arena_printf(l->arena, "one name, as 'lemursim list %s' shows it", folder),
			 "expected the name of a file in '%s', got %s", folder, yml_kind_name(name));
		return NULL;
	}
	t = find_target(l, name, folder);
	base = t.path ? load_at(l, &t, folder, schema, name->place) : NULL;
	if (base)
		yml_drop(base, "variants");
	return base;
}

struct yml *load_inherit(struct loader *l, struct yml *node, const char *folder, const char *schema)
{
	struct yml *name = node->kind == YML_MAP ? yml_get(node, "base") : node, *all = NULL, *over;
	const bool many = name && name != node && name->kind == YML_LIST;

	if (!name)
		return node;
	for (size_t i = 0; i < (many ? name->n : 1); i++) {
		struct yml *base = load_base(l, many ? name->items[i] : name, folder, schema);

		if (!base)
			return NULL;
		all = all ? yml_merge_onto(l->arena, all, base) : base;
	}
	if (!all) {
		diag_add(l->diags, name->place, "name a file, or leave 'base:' out", "the list is empty");
		return NULL;
	}
	if (node == name)
		return all;
	over = yml_new(l->arena, YML_MAP, node->place);
	*over = *node;
	all = yml_merge_onto(l->arena, all, over);
	yml_drop(all, "base");
	return all;
}

/* A node that may be changed in the place of one that other trees may hold; mappings are a tree's own. */
static struct yml *own_item(struct loader *l, struct yml **item)
{
	struct yml *mine;

	if ((*item)->kind == YML_MAP)
		return *item;
	mine = yml_new(l->arena, (*item)->kind, (*item)->place);
	*mine = **item;
	if (mine->n) {
		mine->items = arena_array(l->arena, mine->n, sizeof *mine->items);
		memcpy(mine->items, (*item)->items, mine->n * sizeof *mine->items);
	}
	return *item = mine;
}

/* Descends one part of a --set path and creates the node if it is missing. A scalar on the path is taken
 * as the name of a base. */
static struct yml *step_into(struct loader *l, struct yml *node, const char *part, struct place place)
{
	struct yml *child;
	const bool digits = *part && !part[strspn(part, "0123456789")];
	const unsigned long index = digits ? strtoul(part, NULL, 10) : 0; /* too large: ULONG_MAX */

	if (!*part) {
		diag_add(l->diags, place, "write --set path.to.key=value", "the path has an empty part");
		return NULL;
	}
	if (node->kind == YML_LIST) {
		if (digits && index < node->n)
			return own_item(l, &node->items[index]);
		diag_add(l->diags, place, "the first is 0", "'%.80s' is not an index into a list of %zu",
			 part, node->n);
		return NULL;
	}
	if (node->kind == YML_SCALAR) {
		struct yml *base = yml_new(l->arena, YML_SCALAR, node->place);

		*base = *node;
		/* if the text is not a base, the error is reported at this place */
		*node = *yml_new(l->arena, YML_MAP, place);
		yml_put(l->arena, node, "base", base->place, base);
	}
	node->kind = YML_MAP;
	for (size_t i = 0; i < node->n; i++)
		if (!strcmp(node->keys[i]->text, part))
			return own_item(l, &node->items[i]);
	child = yml_new(l->arena, YML_NULL, place);
	yml_put(l->arena, node, part, place, child);
	return child;
}

static int columns(const char *text, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/* Changes a place in the value to the place in the whole argument. */
static void move_place(struct place *p, const struct source *to, int cols)
{
	p->source = to;
	p->col += p->line == 1 ? cols : 0;
}

static void move_places(struct yml *y, const struct source *to, int cols)
{
	move_place(&y->place, to, cols);
	for (size_t i = 0; i < y->n; i++) {
		move_places(y->items[i], to, cols);
		if (y->keys)
			move_place(&y->keys[i]->place, to, cols);
	}
}

static struct yml *parse_value(struct loader *l, const struct source *whole, const char *text)
{
	struct source *source = arena_alloc(l->arena, sizeof *source);
	const int cols = columns(whole->text, (size_t)(text - whole->text));
	const size_t before = l->diags->n;
	struct yml *value;

	*source = (struct source){whole->path, text, strlen(text)};
	value = yml_parse(l->arena, source, l->diags);
	for (size_t i = before; i < l->diags->n; i++)
		move_place(&l->diags->list[i].place, whole, cols);
	if (value)
		move_places(value, whole, cols);
	return value;
}

/* The length of the first part of a path. A key that contains a point is in double quotes:
 * runtimes."llama.cpp".read */
static size_t path_part_length(const char *part, bool *quoted)
{
	const char *close = *part == '"' ? strchr(part + 1, '"') : NULL;

	*quoted = close && (close[1] == '.' || close[1] == '=');
	return *quoted ? (size_t)(close + 1 - part) : strcspn(part, ".=");
}

int load_set(struct loader *l, struct yml *root, const char *assignment)
{
	struct source *source = arena_alloc(l->arena, sizeof *source);
	const char *equals = strchr(assignment, '='), *key = NULL;
	struct yml *node = root, *parent = root, *value;
	bool inherits = false;
	int col = 1;

	*source = (struct source){l->setting ? l->setting : "--set", assignment, strlen(assignment)};
	if (!equals || equals == assignment)
		return diag_add(l->diags, (struct place){source, 1, 1, columns(assignment, source->len)},
				"write --set path.to.key=value", "'%.100s' is not path=value", assignment);
	if (!equals[1])
		return diag_add(l->diags, (struct place){source, 1, columns(assignment, source->len), 1},
				"'null' removes a key", "there is no value after '='");
	value = parse_value(l, source, equals + 1);
	if (!value)
		return -1;
	for (const char *part = assignment; node && part <= equals;) {
		bool quoted;
		const size_t len = path_part_length(part, &quoted);
		const struct place place = {source, 1, col, columns(part, len)};

		key = arena_strndup(l->arena, part + quoted, len - 2 * (size_t)quoted);
		parent = node;
		node = step_into(l, node, key, place);
		inherits |= yml_get(parent, "base") != NULL;
		col += columns(part, len) + 1;
		part += len + 1;
	}
	if (!node)
		return -1;
	*node = *value;
	if (value->kind == YML_NULL && parent->kind == YML_MAP && !inherits)
		yml_drop(parent, key); /* with a base, the null must stay until the merge removes the key */
	return 0;
}
