/* find.c - see find.h. */
#include "sim/conf/find.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/file.h"
#include "sim/base/map.h"
#include "sim/base/nearest.h"
#include "sim/base/vec.h"

static const char *folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_strndup(a, path, slash == path ? 1 : (size_t)(slash - path)) : ".";
}

/* The parent directory, without "..", if the path allows it: that of "a/b" is "a". */
static const char *parent(struct arena *a, const char *dir)
{
	const char *last = strrchr(dir, '/');

	if (!strcmp(dir, ".") || str_ends(dir, "..") || !strcmp(dir, "/"))
		return arena_printf(a, !strcmp(dir, ".") ? ".." : "%s/..", dir);
	return last ? arena_strndup(a, dir, last == dir ? 1 : (size_t)(last - dir)) : ".";
}

static const char *join(struct arena *a, const char *dir, const char *name)
{
	if (!strcmp(dir, "."))
		return arena_strdup(a, name);
	return arena_printf(a, str_ends(dir, "/") ? "%s%s" : "%s/%s", dir, name);
}

struct scan {
	struct arena *arena;
	VEC(struct load_found) found;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_name(const void *a, const void *b)
{
	const struct load_found *x = a, *y = b;
	const int c = strcmp(x->name, y->name);

	return c ? c : strcmp(x->path, y->path);
}

/* NAME.family.yaml is no file that a name stands for, see load_list(). */
static bool has_name(const char *file)
{
	return strlen(file) > 5 && str_ends(file, ".yaml") && !str_ends(file, ".family.yaml");
}

/* Scans depth first in the order of names, so that the result does not depend on the order of the file
 * system. */
static void scan(struct scan *s, const char *dir, int depth)
{
	DIR *d = depth < LOAD_DEPTH ? opendir(dir) : NULL;
	VEC(const char *) names = {0};
	const struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			VEC_ADD(&names, arena_strdup(s->arena, e->d_name));
	closedir(d);
	if (names.n)
		qsort(names.at, names.n, sizeof *names.at, by_text);
	for (size_t i = 0; i < names.n; i++) {
		const char *path = join(s->arena, dir, names.at[i]);

		if (file_is_folder(path)) {
			scan(s, path, depth + 1);
		} else if (has_name(names.at[i])) {
			const char *name = arena_strndup(s->arena, names.at[i], strlen(names.at[i]) - 5);

			VEC_ADD(&s->found, (struct load_found){name, path, map_hash(name)});
		}
	}
	VEC_FREE(&names);
}

/* The folder in the nearest of dir and the three directories above it; NULL if none has it. */
static const char *root_beside(struct arena *a, const char *dir, const char *folder)
{
	for (int up = 0; up < 4; up++, dir = parent(a, dir)) {
		const char *candidate = join(a, dir, folder);

		if (file_is_folder(candidate))
			return candidate;
	}
	return NULL;
}

/* The places of load.h in their order: beside the file, the current directory's project, then paths. */
enum { ROOTS_BEFORE_PATHS = 2 };

static size_t roots_n(const struct loader *l)
{
	return ROOTS_BEFORE_PATHS + l->paths_n;
}

static const char *nth_root(struct loader *l, size_t i, const char *beside, const char *folder)
{
	if (i < ROOTS_BEFORE_PATHS)
		return root_beside(l->arena, i ? "." : beside, folder);
	return join(l->arena, l->paths[i - ROOTS_BEFORE_PATHS], folder);
}

/* The files under a directory, which is read once. */
static const struct load_root *read_root(struct loader *l, const char *dir)
{
	struct load_root *root;
	struct scan s = {.arena = l->arena};

	for (const struct loader *at = l; at; at = at->outer)
		for (root = at->roots; root; root = root->next)
			if (!strcmp(root->dir, dir))
				return root;
	scan(&s, dir, 0);
	root = arena_alloc(l->arena, sizeof *root);
	*root = (struct load_root){dir, arena_array(l->arena, s.found.n, sizeof *root->found), s.found.n,
				   l->roots};
	if (s.found.n)
		memcpy(root->found, s.found.at, s.found.n * sizeof *root->found);
	VEC_FREE(&s.found);
	l->roots = root;
	return root;
}

/* Two of the places that are searched may be one folder, by whatever names. */
static bool is_again(struct loader *l, size_t i, const char *dir, const char *beside, const char *folder)
{
	bool again = false;

	for (size_t k = 0; k < i && !again; k++) {
		const char *before = nth_root(l, k, beside, folder);

		again = before && file_same(before, dir);
	}
	return again;
}

/* Does an earlier place have the name? A name then stands for the file there. */
static bool is_shadowed(const struct load_found *earlier, size_t n, const char *name)
{
	const size_t hash = map_hash(name);

	for (size_t i = 0; i < n; i++)
		if (earlier[i].hash == hash && !strcmp(earlier[i].name, name))
			return true;
	return false;
}

size_t load_list(struct loader *l, const char *beside, const char *folder, struct load_found **found)
{
	VEC(struct load_found) all = {0};
	size_t n = 0;

	for (size_t i = 0; i < roots_n(l); i++) {
		const char *dir = nth_root(l, i, beside, folder);
		const bool again = dir && is_again(l, i, dir, beside, folder);
		const struct load_root *root = dir && !again ? read_root(l, dir) : NULL;
		const size_t earlier = all.n;

		for (size_t k = 0; root && k < root->n; k++)
			if (!is_shadowed(all.at, earlier, root->found[k].name))
				VEC_ADD(&all, root->found[k]);
	}
	if (all.n)
		qsort(all.at, all.n, sizeof *all.at, by_name);
	*found = arena_array(l->arena, all.n, sizeof **found);
	for (size_t i = 0; i < all.n; i++)
		(*found)[n++] = all.at[i];
	VEC_FREE(&all);
	return n;
}

/* The directory of the file in which a name is written. */
static const char *folder_of_node(const struct loader *l, const struct yml *node)
{
	const char *from = node->place.source ? node->place.source->path : "";

	if (l->typed_as && !strcmp(from, l->typed_as))
		return ".";
	return folder_of(l->arena, str_starts(from, "--") && l->inputs_n ? l->inputs[0].path : from);
}

/* A part of other files, which is no machine by itself. */
static bool is_family(const struct loader *l, const char *path)
{
	const struct yml *tree = load_unmerged((struct loader *)l, path),
			 *kind = tree ? yml_get(tree, "kind") : NULL;

	return kind && kind->kind == YML_SCALAR && !strcmp(kind->text, "family");
}

/* Each name once, those of variants among them. families: also of parts of other files. */
static void add_all_names(struct loader *l, const struct load_found *all, size_t n, bool families,
			  struct map *names)
{
	for (size_t i = 0; i < n; i++) {
		const struct yml *v = load_variants(l, all[i].path);

		if (!families && is_family(l, all[i].path))
			continue;
		map_add(names, all[i].name);
		for (size_t k = 0; v && k < v->n; k++)
			map_add(names, arena_printf(l->arena, "%s-%s", all[i].name, v->keys[k]->text));
	}
}

static void not_found(struct loader *l, const struct yml *node, const char *folder, const char *beside)
{
	struct load_found *all;
	const size_t n = load_list(l, beside, folder, &all);
	const char *near = NULL, *like[NEAREST_MOST];
	size_t likes = 0;
	struct err err = ERR_INIT;

	for (int families = 0; families < 2 && !near && !likes; families++) {
		struct map names = MAP_INIT;

		add_all_names(l, all, n, families, &names);
		near = nearest_of(node->text, names.keys, names.n);
		likes = near ? 0 : nearest_like(node->text, names.keys, names.n, like);
		near = near ? arena_strdup(l->arena, near) : NULL;
		for (size_t i = 0; i < likes; i++)
			like[i] = arena_strdup(l->arena, like[i]);
		map_release(&names);
	}
	err_set(&err, "no file '%.100s.yaml' under any '%s' folder in reach", node->text, folder);
	if (near)
		err_hint(&err, "did you mean '%s'?", near);
	else if (likes)
		err_hint_names(&err, node->text, like, likes);
	else
		err_hint(&err,
			 "looked in '%s' beside the file that names it and here, under each --path, "
			 "LEMURSIM_PATH "
			 "and where lemursim is installed; "
			 "'--path DIR' adds a place, such as a checkout",
			 folder);
	diag_err(l->diags, node->place, &err);
}

/* The file of that name in the first place that has one; NULL: there is none, or that place has two. */
static const char *path_of(struct loader *l, const char *name, const char *folder)
{
	for (size_t i = 0; i < roots_n(l); i++) {
		const char *dir = nth_root(l, i, ".", folder), *path = NULL;
		const struct load_root *root = dir ? read_root(l, dir) : NULL;
		size_t n = 0;

		for (size_t k = 0; root && k < root->n; k++)
			if (!strcmp(root->found[k].name, name)) {
				path = root->found[k].path;
				n++;
			}
		if (n)
			return n == 1 ? path : NULL;
	}
	return NULL;
}

static bool is_name(const char *text)
{
	return *text && !strchr(text, '/') && strcmp(text, "-") != 0;
}

const char *load_path(struct loader *l, const char *name, const char *folder)
{
	const char *path = is_name(name) && !file_exists(name) ? path_of(l, name, folder) : NULL;

	return path ? path : name;
}

/* The file whose name is nearest to that of a path, in the same directory: base.yaml for BASE.yaml or base.yml. NULL: none
 * is near. */
static const char *beside(struct arena *a, const char *path)
{
	const char *dir = folder_of(a, path), *slash = strrchr(path, '/'), *near;
	DIR *d = opendir(dir);
	VEC(const char *) names = {0};
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (str_ends(e->d_name, ".yaml"))
			VEC_ADD(&names, arena_strdup(a, e->d_name));
	if (d)
		closedir(d);
	if (names.n)
		qsort(names.at, names.n, sizeof *names.at, by_text);
	near = nearest_of(slash ? slash + 1 : path, names.at, names.n);
	VEC_FREE(&names);
	return near ? join(a, dir, near) : NULL;
}

void find_hint_beside(struct loader *l, const char *path, struct err *err)
{
	struct stat link;
	const bool dangling = lstat(path, &link) == 0 && S_ISLNK(link.st_mode);
	const char *near = dangling ? NULL : beside(l->arena, path);

	if (dangling)
		err_hint(err, "it is a link to a file that is not there");
	else if (near)
		err_hint(err, "did you mean '%s'?", near);
}

/* What else in reach has the name that was given for a scenario: "machine"; NULL: nothing. */
static const char *other_kind(struct loader *l, const char *name)
{
	static const char *const kinds[][2] = {{"hardware", "machine"}, {"models", "model"}};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct map names = MAP_INIT;
		struct load_found *all;
		const size_t n = load_list(l, ".", kinds[i][0], &all);
		bool is;

		add_all_names(l, all, n, true, &names);
		is = map_find(&names, name) != MAP_NONE;
		map_release(&names);
		if (is)
			return kinds[i][1];
	}
	return NULL;
}

void find_hint(struct loader *l, const char *name, struct err *err)
{
	const char *const other = other_kind(l, name);
	struct load_found *all;
	const size_t n = load_list(l, ".", "scenarios", &all);
	VEC(const char *) names = {0};
	const char *near, *first = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(all[i].name, name) && first)
			err_hint(err, "two files are called so: %s and %s", first, all[i].path);
		else if (!strcmp(all[i].name, name))
			first = all[i].path;
		VEC_ADD(&names, all[i].name);
	}
	near = nearest_of(name, names.at, names.n);
	VEC_FREE(&names);
	if (!near && !err->hint[0])
		near = beside(l->arena, name);
	if (other && !err->hint[0])
		err_hint(err, "it is a %s: this takes a scenario with it, such as 'lemursim init' writes",
			 other);
	else if (near && !err->hint[0])
		err_hint(err, "did you mean '%s'?", near);
	else if (!err->hint[0])
		err_hint(err, "a path, or a name that 'lemursim list' shows");
}

/* Finds the path of a file by its name; NULL if there is none. Returns -1 with a diagnostic at node if a
 * root has two such files. */
static int find_file(struct loader *l, const struct yml *node, const char *name, const char *folder,
		     const char **path)
{
	const char *beside = folder_of_node(l, node);
	const size_t hash = map_hash(name);

	*path = NULL;
	for (size_t i = 0; i < roots_n(l) && !*path; i++) {
		const char *dir = nth_root(l, i, beside, folder);
		const struct load_root *root = dir ? read_root(l, dir) : NULL;

		for (size_t k = 0; root && k < root->n; k++) {
			if (root->found[k].hash != hash || strcmp(root->found[k].name, name) != 0)
				continue;
			if (*path)
				return diag_add(l->diags, node->place,
						"rename one, or name it by a path with a slash",
						"two files are called '%s': %s and %s", name, *path,
						root->found[k].path);
			*path = root->found[k].path;
		}
	}
	return 0;
}

static void no_variant(struct loader *l, const struct yml *node, const char *name, const struct yml *variants)
{
	struct str known = STR_INIT;

	for (size_t i = 0; i < variants->n; i++)
		str_addf(&known, "%s%s", i ? ", " : "there are: ", variants->keys[i]->text);
	diag_add(l->diags, node->place, known.text, "'%.100s' has no variant '%.100s'", name,
		 node->text + strlen(name) + 1);
	str_release(&known);
}

/* Reads a name "a-b-c" as variant "c" of a file "a-b", or "b-c" of "a"; t->path stays NULL if there is no
 * such file. Returns -1 with a diagnostic if such a file has variants, but not this one. */
static int find_variant(struct loader *l, const struct yml *node, const char *folder, struct target *t)
{
	for (size_t n = strlen(node->text); n-- > 1;) {
		const char *name, *path;
		const struct yml *variants;

		if (node->text[n] != '-')
			continue;
		name = arena_strndup(l->arena, node->text, n);
		if (find_file(l, node, name, folder, &path) != 0)
			return -1;
		variants = path ? load_variants(l, path) : NULL;
		if (!variants)
			continue;
		if (!yml_get(variants, node->text + n + 1)) {
			no_variant(l, node, name, variants);
			return -1;
		}
		*t = (struct target){path, node->text + n + 1};
		return 0;
	}
	return 0;
}

struct target find_target(struct loader *l, const struct yml *node, const char *folder)
{
	struct target t = {0};

	if (!*node->text) {
		diag_add(l->diags, node->place, NULL, "the name is empty");
		return t;
	}
	if (strchr(node->text, '/')) {
		t.path = node->text[0] == '/' ? node->text
					      : join(l->arena, folder_of_node(l, node), node->text);
		return t;
	}
	if (find_file(l, node, node->text, folder, &t.path) != 0 ||
	    (!t.path && find_variant(l, node, folder, &t) != 0))
		return (struct target){0};
	if (!t.path)
		not_found(l, node, folder, folder_of_node(l, node));
	return t;
}
