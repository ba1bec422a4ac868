/*
 * load.h - loads a file into a tree: finding it by name, `base:` inheritance, `--set path=value`.
 *
 * Layer conf. NAME stands for the file <folder>/<any depth>/NAME.yaml, which is searched in each root in
 * turn: the folder beside the file being loaded or above it, that of the current directory or above it, then
 * each of the loader's paths (--path, LEMURSIM_PATH, the share directory). The first root that has it wins; two
 * such files in one root are an error. A name with a slash is a path relative to the file that contains it.
 *
 * `base:` names one file or a list of files, which are merged in that order; the file itself is merged last.
 * A file may have variants: NAME-KEY, if no file has this name, is the file NAME with its `variants: KEY:`
 * merged over it. A file that inherits from another one does not inherit its variants.
 */
#ifndef SIM_CONF_LOAD_H
#define SIM_CONF_LOAD_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/conf/yml.h"

enum { LOAD_FILE_MAX = 4 * 1024 * 1024, LOAD_DEPTH = 8, LOAD_FILES = 10000 };

struct load_input {
	const char *path;
	char sha256[65];
	size_t hash; /* of the path, map_hash(); set by the loader */
};

struct load_found {
	const char *name, *path;
	size_t hash; /* of the name */
};

struct load_root { /* the files of a folder, depth first in the order of names */
	const char *dir;
	struct load_found *found;
	size_t n;
	struct load_root *next;
};

struct shipped_file;
struct load_tree { /* a file as parsed, before its base is merged */
	const char *path;
	const struct yml *tree;          /* NULL: it is made of the next two, each time anew */
	const struct shipped_file *ship; /* the file that ships with that text; NULL: none */
	const struct source *source;
	size_t hash;     /* of the path */
	char sha256[65]; /* of the file */
	struct load_tree *next;
};

struct table;
struct load_kept { /* what a name in a file was loaded into */
	const struct table *table;
	const struct yml *key, *name; /* "m5" and "apple-m5-10c-24gb" */
	struct yml *tree;             /* with its base, its defaults and what follows from it */
	const void *value;            /* of the table */
	struct load_kept *next;
};

struct loader {
	struct arena *arena;
	struct diags *diags;
	const char *const *paths; /* --path arguments, those of LEMURSIM_PATH, then the share directory */
	size_t paths_n;
	struct load_input *inputs; /* every file that was read, in that order */
	size_t inputs_n, inputs_room;
	bool unhashed;                 /* no one will ask for the sha256 of an input, which is left empty */
	const char *stack[LOAD_DEPTH]; /* the chain of files whose bases are being loaded */
	size_t depth;
	size_t followed;     /* files loaded for the current request; a base counts each time it is named */
	const char *setting; /* the option that load_set()'s assignment is of, for messages; NULL: "--set" */
	const char *
		typed_as; /* where a machine is typed as a mapping, for messages: "--machine"; NULL: "./command line" */
	bool foreign; /* load_file() has read a file that does not ship with the program, which may be wrong */
	/* what keys of that name hold are names alone, each of an empty mapping, in files that ship with the program; NULL:
	 * all is read */
	const char *shallow;
	bool searched; /* assignments are searched for: a scenario need not have one */
	size_t over_n; /* so many of a scenario's settings, the last, are values of --over */
	/* What an outer loader has kept of a name is taken as it is, instead of read again: the files that it was read from are
	 * not among the inputs of this one, and no one may change it. */
	bool reuses;
	struct load_kept *kept;
	struct load_tree *trees;
	struct load_root *roots; /* folders read; their files are assumed not to change */
	/* what it has parsed and read serves this one too; it may not load meanwhile. NULL: none */
	const struct loader *outer;
};

void loader_init(struct loader *l, struct arena *a, struct diags *d);

/* Makes a loader for one of many loads within another one: it has the same paths and diags, uses what the outer one has
 * parsed, and its own trees live in the arena `scratch`. loader_end_inner() adds the files that it read to the outer loader's
 * inputs; then the arena is released, or is passed to the outer loader's arena if diagnostics point into
 * it. */
void loader_begin_inner(struct loader *inner, struct arena *scratch, const struct loader *outer);
void loader_end_inner(struct loader *inner, struct loader *outer);

/* Keeps what an item of a mapping names, for loaders within this one that reuse: the tree and the value, in its table, which
 * may still change until those begin. An item that is no name is not kept. */
void load_keep(struct loader *l, const struct load_kept *k);
/* What the outer loaders of one that reuses have kept of that key and name in the same file; NULL: nothing. */
const struct load_kept *load_kept(const struct loader *l, const struct table *table, const struct yml *key,
				  const struct yml *name);
/* Whether an item of a loaded mapping is a kept tree. */
bool load_is_kept(const struct loader *l, const struct yml *tree);

/* Whether a file is among the inputs; and adds those that are not among them yet, with their paths copied. */
bool loader_has_read(const struct loader *l, const char *path);
void loader_add_inputs(struct loader *l, const struct load_input *inputs, size_t n);

/* Adds a file that is no YAML and is read as a run goes, such as a trace of requests. One that cannot be read is left to
 * whoever reads it. */
void loader_add_file(struct loader *l, const char *path);

/* What a user names on the command line: a path, or a name without a slash that no file here has and that stands for a
 * file of the folder, such as "scenarios". Returns its path, or the name itself where there is none. "-" is the
 * standard input. */
const char *load_path(struct loader *l, const char *name, const char *folder);

/* Loads a file with its `base:` merged. schema: the schema that the file must state, such as
 * "lemursim/hardware/1"; NULL for any. folder: the folder in which base names are searched. Returns NULL
 * on failure, with the reasons in diags. */
struct yml *load_file(struct loader *l, const char *path, const char *folder, const char *schema);

/* Gives a file's text in its place: what is loaded from that path is this text, and no file is read. path and text must
 * outlive the loader's arena. -1 where it is no YAML, with the reasons in diags. */
int load_text(struct loader *l, const char *path, const char *text);

/* Loads a variant of a file. */
struct yml *load_variant(struct loader *l, const char *path, const char *variant, const char *folder,
			 const char *schema);

/* The schema that a file states, without its base; NULL on failure, with the reasons in diags. */
const struct yml *load_schema(struct loader *l, const char *path);

/* Resolves a node that is a name or a mapping with `base:`: returns the named file with the mapping merged
 * over it. A mapping without a base is returned unchanged. NULL on failure. */
struct yml *load_inherit(struct loader *l, struct yml *node, const char *folder, const char *schema);

/* What a file itself says, without its base; NULL if it cannot be read. Reports nothing. */
const struct yml *load_unmerged(struct loader *l, const char *path);

/* The variants of a file, a mapping; NULL if there are none or the file cannot be read. Reports nothing. */
const struct yml *load_variants(struct loader *l, const char *path);

/* Applies "a.b.c=value" to a tree. The value is YAML; null removes the key. In a list a part is an index
 * from 0; a part that contains a point is in double quotes. Returns 0, or -1 with a diagnostic. */
int load_set(struct loader *l, struct yml *root, const char *assignment);

/* Lists every NAME in a folder ("hardware", "models") with its path, sorted by name; returns their number.
 * A name is listed once for the first place that has it, since it stands for the file there.
 * NAME.family.yaml is left out, here and where a name is looked up: it is the model that a runtime of many
 * chips is fitted with, has numbers missing until then, and is read by its path alone. */
size_t load_list(struct loader *l, const char *beside, const char *folder, struct load_found **found);

#endif
