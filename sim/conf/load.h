/*
 * load.h - from a file's name to its tree: finding it, `base:` inheritance, `--set path=value`.
 *
 * Layer conf. NAME is the file <folder>/<any depth>/NAME.yaml, searched in each root in turn: beside the
 * folder of the file being loaded, then each --path, then the share directory; the first root that has it
 * wins, two in one root are an error. A name with a slash is a path relative to the file that names it.
 *
 * `base:` names one file, or a list of them, merged in that order; the file itself comes last. A file may
 * have variants: NAME-KEY, where no file is called so, is the file NAME with its `variants: KEY:` merged over
 * it. Variants are a file's own: what inherits from it does not inherit them.
 */
#ifndef SIM_CONF_LOAD_H
#define SIM_CONF_LOAD_H
#include <stddef.h>

#include "sim/conf/yml.h"

enum { LOAD_FILE_MAX = 4 * 1024 * 1024, LOAD_DEPTH = 8, LOAD_FILES = 10000 };

struct load_input {
	const char *path;
	char sha256[65];
};

struct load_found {
	const char *name, *path;
};

struct load_root { /* a folder's files, depth first in the order of names */
	const char *dir;
	struct load_found *found;
	size_t n;
	struct load_root *next;
};

struct load_tree { /* a file as it was parsed, without its base */
	const char *path;
	const struct yml *tree;
	struct load_tree *next;
};

struct loader {
	struct arena *arena;
	struct diags *diags;
	const char *const *paths; /* --path arguments, then the share directory */
	size_t paths_n;
	struct load_input *inputs; /* every file read, in that order */
	size_t inputs_n, inputs_room;
	const char *stack[LOAD_DEPTH]; /* files whose base: is being followed */
	size_t depth;
	size_t followed; /* since the file that was asked for: each base as often as it is named */
	struct load_tree *trees;
	struct load_root *roots; /* folders that were looked into: files are taken not to come and go */
};

void loader_init(struct loader *l, struct arena *a, struct diags *d);

/* A loader for one of many loads within another: it looks in the same places, complains into the same diags,
 * and its trees go with its arena. In the end the outer loader's inputs have what the inner one has read;
 * the arena is released, or goes over to the outer loader's where complaints point into it. */
void loader_begin_inner(struct loader *inner, struct arena *scratch, const struct loader *outer);
void loader_end_inner(struct loader *inner, struct loader *outer);

/* The tree of a file with its own `base:` followed. schema: "lemursim/hardware/1", must be what the file
 * says; NULL to take any. folder: where its base names are looked up. NULL on failure, with the reasons in
 * diags. */
struct yml *load_file(struct loader *l, const char *path, const char *folder, const char *schema);

/* The tree of one of its variants. */
struct yml *load_variant(struct loader *l, const char *path, const char *variant, const char *folder,
			 const char *schema);

/* The schema that a file states, no base followed; NULL on failure, with the reasons in diags. */
const struct yml *load_schema(struct loader *l, const char *path);

/* A node that is a name or a mapping with `base:`: what is named, with the mapping merged over it. A mapping
 * without base is returned as it is. */
struct yml *load_inherit(struct loader *l, struct yml *node, const char *folder, const char *schema);

/* The variants of a file, a mapping, or NULL if it has none or cannot be read; complains of nothing. */
const struct yml *load_variants(struct loader *l, const char *path);

/* Applies "a.b.c=value" to a tree; value is YAML, null removes the key. A part that is a number counts in a
 * list, from 0; one that holds a point is put in double quotes. 0 or -1. */
int load_set(struct loader *l, struct yml *root, const char *assignment);

/* Every NAME that can be found in a folder ("hardware", "models"), with its path, sorted by name. */
size_t load_list(struct loader *l, const char *beside, const char *folder, struct load_found **found);

#endif
