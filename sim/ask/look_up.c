/* look_up.c - see look_up.h. */
#include "sim/ask/look_up.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "sim/ask/mac_id.h"
#include "sim/ask/typed_beyond.h"
#include "sim/base/str.h"
#include "sim/base/vec.h"
#include "sim/hw/hw.h"
#include "sim/hw/programs.h"

static const char *const folders[] = {
	[CATALOGUE_MACHINES] = "hardware", [CATALOGUE_LINKS] = "hardware", [CATALOGUE_MODELS] = "models"};
static const char *const nouns[] = {
	[CATALOGUE_MACHINES] = "machine", [CATALOGUE_LINKS] = "link", [CATALOGUE_MODELS] = "model"};

struct names {
	VEC(struct known_name) all;
};

static const char *text_at(const struct yml *tree, const char *key, const char *unsaid)
{
	const struct yml *said = yml_get(tree, key);

	return said && said->kind == YML_SCALAR ? said->text : unsaid;
}

/* Of hardware: a file that states no kind is a machine, but for a link that inherits its kind. */
static bool is_kind(const struct yml *tree, const char *kind)
{
	const bool link = yml_get(tree, "bandwidth") || yml_get(tree, "latency");

	return !strcmp(text_at(tree, "schema", ""), HW_SCHEMA) &&
	       !strcmp(text_at(tree, "kind", link ? "link" : "machine"), kind);
}

static void read_sold_as(struct arena *a, const struct yml *tree, struct known_name *name)
{
	const struct yml *said = yml_get(tree, "sold_as");
	const bool list = said && said->kind == YML_LIST;
	const char **texts;

	if (!said || (!list && said->kind != YML_SCALAR))
		return;
	texts = arena_array(a, list ? said->n : 1, sizeof *texts);
	for (size_t i = 0; i < (list ? said->n : 1); i++)
		texts[i] =
			list ? (said->items[i]->kind == YML_SCALAR ? said->items[i]->text : "") : said->text;
	name->sold_as = texts;
	name->sold_as_n = list ? said->n : 1;
}

static void add_machine(struct loader *l, const struct load_found *f, const struct yml *tree,
			struct names *names)
{
	const struct yml *variants = yml_get(tree, "variants");
	struct known_name name = {.id = f->name};

	read_sold_as(l->arena, tree, &name);
	VEC_ADD(&names->all, name);
	for (size_t i = 0; variants && variants->kind == YML_MAP && i < variants->n; i++) {
		name.id = arena_printf(l->arena, "%s-%s", f->name, variants->keys[i]->text);
		VEC_ADD(&names->all, name);
	}
}

/* A file of hardware that does not say what it is, such as one that cannot be parsed: it is known by its name, so that
 * whoever means it is told what is wrong with it and not that there is none. */
static bool is_broken(const struct yml *tree)
{
	return !tree || tree->kind != YML_MAP || !yml_get(tree, "schema");
}

static void add_file(struct loader *l, enum catalogue kind, const struct load_found *f, struct names *names)
{
	const struct yml *tree = kind == CATALOGUE_MODELS ? NULL : load_unmerged(l, f->path);

	if (kind == CATALOGUE_MODELS || is_broken(tree) || (kind == CATALOGUE_LINKS && is_kind(tree, "link")))
		VEC_ADD(&names->all, (struct known_name){.id = f->name});
	else if (kind == CATALOGUE_MACHINES && is_kind(tree, "machine"))
		add_machine(l, f, tree, names);
}

static int by_id(const void *a, const void *b)
{
	const struct known_name *x = a, *y = b;

	const int c = strcmp(x->id, y->id);

	return c ? c : (x->sold_as_n < y->sold_as_n) - (x->sold_as_n > y->sold_as_n);
}

/* A file may have the name of another's variant: equal names are one, with the trade names of either. */
static size_t keep(struct loader *l, struct names *names, struct known_name **out)
{
	size_t n = 0;

	if (names->all.n)
		qsort(names->all.at, names->all.n, sizeof *names->all.at, by_id);
	*out = arena_array(l->arena, names->all.n, sizeof **out);
	for (size_t i = 0; i < names->all.n; i++)
		if (!n || strcmp((*out)[n - 1].id, names->all.at[i].id) != 0)
			(*out)[n++] = names->all.at[i];
	VEC_FREE(&names->all);
	return n;
}

size_t catalogue_names(struct loader *l, enum catalogue kind, const char *like, struct known_name **out)
{
	struct names names = {0};
	struct load_found *found;
	const size_t n = load_list(l, ".", folders[kind], &found);
	size_t most = 0;

	for (size_t i = 0; like && i < n; i++) {
		const size_t common = typed_common(like, found[i].name);

		most = common > most ? common : most;
	}
	for (size_t i = 0; i < n; i++)
		if (!like || (most && typed_common(like, found[i].name) == most))
			add_file(l, kind, &found[i], &names);
	return keep(l, &names, out);
}

/* "q4", "4bit", "int8" at the end of a model's name: a width, of which no format is meant; NULL: none is there. "q4_K_M" was taken off
 * before. */
static const char *width_at_end(const char *text)
{
	static const char *const widths[] = {"q2",   "q3",    "q4",    "q5",    "q6",    "q8",   "4bit",
					     "8bit", "4-bit", "8-bit", "4 bit", "8 bit", "int4", "int8"};

	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		const size_t n = strlen(widths[i]), len = strlen(text);

		if (len > n && !strcasecmp(text + len - n, widths[i]) && strchr(" -_:.", text[len - n - 1]))
			return text + len - n;
	}
	return NULL;
}

static void refuse(enum catalogue kind, const char *text, const struct typed_found *f,
		   const struct known_name *names, size_t n, struct err *err)
{
	enum { NEAR = 6 };
	const size_t most = f->near ? NEAR : TYPED_CANDIDATES, shown = f->n < most ? f->n : most;
	struct str list = STR_INIT;

	for (size_t i = 0; i < shown; i++)
		str_addf(&list, "%s%s", i ? ", " : "", names[f->candidates[i]].id);
	if (f->n > shown)
		str_addf(&list, " and %zu more", f->n - shown);
	if (kind == CATALOGUE_MACHINES && typed_is_one(text, err) != 0) {
		str_release(&list);
		return;
	}
	if (f->n > 1 && !f->near)
		err_set(err, "'%.100s' may be one of %zu %ss", text, f->n, nouns[kind]);
	else
		err_set(err, "no %s is called '%.100s'", nouns[kind], text);
	if (kind == CATALOGUE_MODELS && width_at_end(text))
		err_hint(err,
			 "a width names no format: leave '%s' out, and say --weights FORMAT, such as q4_K_M",
			 width_at_end(text));
	else if (f->n)
		err_hint(err, "%s %s",
			 f->n == 1 ? "the nearest is"
			 : f->near ? "the nearest are"
				   : "say which:",
			 list.text);
	else if (n)
		err_hint(err, "'lemursim list %s' names all %zu", folders[kind], n);
	else
		err_hint(err, "no %s are found from here: run it in a checkout, or say --path FOLDER",
			 folders[kind]);
	str_release(&list);
}

static const char *find_among(struct loader *l, enum catalogue kind, const char *text, const char *like,
			      size_t *sizes, struct err *err)
{
	struct known_name *names;
	const size_t n = catalogue_names(l, kind, like, &names);
	const struct typed_found f = typed_find(
		text, names, n, kind == CATALOGUE_MACHINES ? TYPED_SIZES_LEAST : TYPED_SIZES_NAMED);

	*sizes = f.equals;
	if (f.found)
		return names[f.at].id;
	if (!like || (f.n && !f.near)) /* else another file may be meant than those whose names are like it */
		refuse(kind, text, &f, names, n, err);
	return NULL;
}

bool look_up_is_file(const char *text)
{
	return str_ends(text, ".yaml") || str_ends(text, ".yml");
}

/* With a slash in it, since a name without one is looked up. */
static const char *file_named(struct arena *a, const char *path, struct err *err)
{
	if (access(path, R_OK) == 0)
		return strchr(path, '/') ? path : arena_printf(a, "./%s", path);
	err_set(err, "cannot read '%.200s': %s", path, strerror(errno));
	err_hint(err, "without .yaml at its end it is a name of the catalogue");
	return NULL;
}

const char *look_up(struct loader *l, enum catalogue kind, const char *text, struct err *err)
{
	size_t sizes;

	return look_up_of(l, kind, text, &sizes, err);
}

const char *look_up_of(struct loader *l, enum catalogue kind, const char *text, size_t *sizes,
		       struct err *err)
{
	struct arena scratch = ARENA_INIT;
	struct loader inner;
	const char *found = NULL;

	*sizes = 0;
	if (look_up_is_file(text))
		return file_named(l->arena, text, err);
	if (kind == CATALOGUE_MACHINES)
		text = typed_without_one(l->arena, mac_id_in_words(l->arena, text));
	loader_init(&inner, &scratch, l->diags);
	inner.paths = l->paths;
	inner.paths_n = l->paths_n;
	if (kind != CATALOGUE_MODELS)
		found = find_among(&inner, kind, text, text, sizes, err);
	if (!found && !err->msg[0])
		found = find_among(&inner, kind, text, NULL, sizes, err);
	if (found)
		found = arena_strdup(l->arena, found);
	arena_release(&scratch);
	return found;
}

static bool has_link(const struct known_name *names, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i].id, id))
			return true;
	return false;
}

const char *look_up_link_under(struct loader *l, const char *id, const char *runtime)
{
	struct arena scratch = ARENA_INIT;
	struct loader inner;
	struct known_name *names;
	const char *found = NULL, *by;
	size_t n;

	if (look_up_is_file(id))
		return id;
	loader_init(&inner, &scratch, l->diags);
	inner.paths = l->paths;
	inner.paths_n = l->paths_n;
	n = catalogue_names(&inner, CATALOGUE_LINKS, id, &names);
	for (size_t i = 0; !found && (by = runtime_collectives(runtime, i)); i++) {
		const char *as = arena_printf(l->arena, "%s-%s", id, by);

		found = has_link(names, n, as) ? as : NULL;
	}
	arena_release(&scratch);
	return found ? found : id;
}
