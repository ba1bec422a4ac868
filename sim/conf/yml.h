/*
 * yml.h - YAML text as a tree in which every node has its place in the input.
 *
 * Layer conf; the only room that uses libyaml. The reader is strict: one document, unique keys that are plain
 * text, no merge keys (`base:` is used instead), no tags, at most YML_DEPTH levels, and at most YML_NODES
 * nodes with aliases expanded, so that no input can take unbounded time. An alias is expanded to a copy that
 * keeps the places of the original. JSON is accepted as YAML.
 */
#ifndef SIM_CONF_YML_H
#define SIM_CONF_YML_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/conf/diag.h"

enum { YML_DEPTH = 64, YML_NODES = 1000000, YML_KEYS = 1 << 17 };

enum yml_kind { YML_NULL, YML_SCALAR, YML_LIST, YML_MAP };

struct yml {
	enum yml_kind kind;
	bool quoted;      /* a scalar in quotes: text even if it looks like a number or null */
	bool is_default;  /* added by a field table as a default */
	const char *text; /* YML_SCALAR */
	struct place place;
	size_t n;           /* number of items of a list, or pairs of a mapping */
	struct yml **items; /* n values */
	struct yml **keys;  /* n scalars of a mapping, else NULL */
	size_t weight;      /* nodes in this subtree, aliases expanded */
	size_t height;      /* levels of collections in this subtree; 0 for a scalar */
};

/* Parses a text. Returns NULL if it is not valid YAML, with the reason in diags. A repeated key is
 * reported, but the tree is returned. */
struct yml *yml_parse(struct arena *a, const struct source *source, struct diags *diags);

/* NULL if the key is absent or `map` is not a mapping */
struct yml *yml_get(const struct yml *map, const char *key);
void yml_put(struct arena *a, struct yml *map, const char *key, struct place key_place, struct yml *value);
void yml_drop(struct yml *map, const char *key); /* removes the key if it exists */
struct yml *yml_new(struct arena *a, enum yml_kind kind, struct place place);
struct yml *yml_scalar(struct arena *a, const char *text, struct place place);

struct yml *yml_copy(struct arena *a, const struct yml *node); /* shares no node with the original */

const char *yml_kind_name(const struct yml *node); /* "a mapping", "a list", "text", "nothing" */

/* Returns a copy of `base` with `over` merged over it: mappings are merged, scalars and lists are
 * replaced, null removes the key. A quantity in its long form, {value: ...}, is replaced as a whole, since
 * the source and spread of one number do not apply to another.
 *
 * The copy has mappings of its own, to which defaults may be added; scalars, and lists of them, are those of the
 * originals. Whoever changes one puts another in its place (load_set()). */
struct yml *yml_merge(struct arena *a, const struct yml *base, const struct yml *over);
/* The same, but the mappings of `base` become those of the result: it is not to be used any more. */
struct yml *yml_merge_onto(struct arena *a, struct yml *base, const struct yml *over);

#endif
