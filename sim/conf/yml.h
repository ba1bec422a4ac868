/*
 * yml.h - YAML text as a tree whose every node knows where it stands.
 *
 * Layer conf; the only room that sees libyaml. Strict: one document, unique keys that are plain text, no
 * merge keys ("base:" inherits here), no tags, depth <= YML_DEPTH, and no more than YML_NODES nodes once
 * aliases are followed, so that no file can make us hang. An alias is a copy of its own, with the places of
 * what it copies. JSON is read by the same door.
 */
#ifndef SIM_CONF_YML_H
#define SIM_CONF_YML_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/conf/diag.h"

enum { YML_DEPTH = 64, YML_NODES = 200000, YML_KEYS = 4096 };

enum yml_kind { YML_NULL, YML_SCALAR, YML_LIST, YML_MAP };

struct yml {
	enum yml_kind kind;
	bool quoted;      /* a scalar in quotes: text even where it looks like a number or null */
	bool is_default;  /* put there by a field table, not by a person */
	const char *text; /* YML_SCALAR */
	struct place place;
	size_t n;           /* items of a list, pairs of a map */
	struct yml **items; /* n values */
	struct yml **keys;  /* n scalars for a map, else NULL */
	size_t weight;      /* nodes below and including this, aliases followed */
	size_t height;      /* levels of collections below and including this; 0 for a scalar */
};

/* NULL if the text is not YAML; the reason is in diags. Repeated keys are reported and the tree is still
 * returned. */
struct yml *yml_parse(struct arena *a, const struct source *source, struct diags *diags);

struct yml *yml_get(const struct yml *map, const char *key); /* NULL if absent, or if map is no map */
void yml_put(struct arena *a, struct yml *map, const char *key, struct place key_place, struct yml *value);
void yml_drop(struct yml *map, const char *key); /* removes the key if it is there */
struct yml *yml_new(struct arena *a, enum yml_kind kind, struct place place);
struct yml *yml_scalar(struct arena *a, const char *text, struct place place);

const char *yml_kind_name(const struct yml *node); /* "a mapping", "a list", "text", "nothing" */

/* A copy in which over wins: maps merge, scalars and lists replace, null removes the key. A quantity in its
 * long form, {value: ...}, replaces too: the source and the spread of another number are not its own. */
struct yml *yml_merge(struct arena *a, const struct yml *base, const struct yml *over);

#endif
