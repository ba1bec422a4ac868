/*
 * field.h - field tables: one table for each kind of struct that is loaded from YAML, checked, documented and
 * shown.
 *
 * Layer conf. A row of a table gives the key, the type and the place of the value in the struct. Every struct
 * that is loaded this way begins with a `struct origin`. Errors go to diags with the place, the kind and name
 * of the struct, and a remedy.
 */
#ifndef SIM_CONF_FIELD_H
#define SIM_CONF_FIELD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/provenance.h"
#include "sim/base/jsonw.h"
#include "sim/base/units.h"
#include "sim/conf/yml.h"

struct origin {
	const char *name;       /* its key in the mapping that holds it; "" if it has no name */
	const struct yml *node; /* the node that it was loaded from */
};

/* A quantity with its provenance: `118 GB/s`, or {value: 118 GB/s, sd: 0.9 GB/s, n: 30, how: measured,
 * source: ...}. */
struct qty {
	double value;               /* in base units */
	double spread;              /* relative standard deviation: from sd, else field_spread() */
	enum provenance provenance; /* key `how`; measured by default */
	int64_t n;                  /* number of samples; 0: not given */
	const char *source;         /* NULL: not given */
	bool given;
	/* value is a share of the quantity that the field's share_of names, and not yet multiplied by it */
	bool is_share;
	const struct yml *node;
};

double
field_spread(enum provenance provenance); /* the relative standard deviation assumed if none is given */

struct field_list { /* an array of structs or of const char * */
	void *at;
	size_t n;
};

enum field_type {
	FIELD_TEXT,   /* const char * */
	FIELD_COUNT,  /* int64_t */
	FIELD_BOOL,   /* bool */
	FIELD_DOUBLE, /* double, in the base unit of dim */
	FIELD_QTY,    /* struct qty, in the base unit of dim */
	FIELD_CHOICE, /* int: index into choices; with `sub` a mapping may stand in its place, see `instead` */
	FIELD_TEXTS,  /* struct field_list of const char *: a list of texts, or one text */
	FIELD_DOUBLES, /* struct field_list of double */
	FIELD_RANGE,   /* struct field_range: '3' or '0-19' */
	FIELD_TABLE,   /* a struct in place, loaded by sub */
	FIELD_MAYBE,   /* pointer to a struct loaded by sub; NULL if the key is absent */
	FIELD_LIST,    /* struct field_list of structs loaded by sub */
	FIELD_MAP,     /* as FIELD_LIST, from a mapping; origin.name of each struct is its key */
	FIELD_YML      /* const struct yml *, loaded by the caller */
};

struct field_range {
	int64_t first, last; /* inclusive; first -1: not given */
};

struct table;
struct field {
	const char *key;
	enum field_type type;
	size_t offset;
	const char *help;
	enum dim dim;
	/* allowed range, inclusive, in base units; min == max: no limits. For a list, max limits the number of
	 * items */
	double min, max;
	const char *def;      /* the default as it would be written; NULL: none; of a FIELD_TABLE only "{}" */
	bool optional;        /* may be absent without a default */
	const char *share_of; /* FIELD_QTY: the value may also be a share of this quantity, '93 %' */
	const struct table *sub;
	/* FIELD_CHOICE with `sub`: offset of the pointer to the struct that a mapping is loaded into; the int is
	 * then left alone, and the pointer is NULL where a word was written */
	size_t instead;
	const char *const *choices; /* NULL-terminated */
};

struct table {
	const char *kind; /* name of the kind for messages: "link" */
	size_t size;
	const struct field *fields;
	size_t n;
};

#define FIELD_KEY(strukt, member) .key = #member, .offset = offsetof(strukt, member)

/* Fills *out (table->size bytes, zeroed by the caller) from node. Strings and lists live in the arena of
 * diags. Loading continues after an error. Returns 0, or -1 if anything was reported. The defaults used
 * are added to node, marked is_default, so that field_show() prints them. */
int field_load(const struct table *table, struct yml *node, const char *name, void *out, struct diags *diags);

/* As field_load() for an incomplete tree: keys may be missing, and no defaults are filled in. */
int field_load_part(const struct table *table, struct yml *node, const char *name, void *out,
		    struct diags *diags);

/* Appends a line for each key; lines are wrapped to the width. */
void field_help(const struct table *table, size_t indent, size_t width, struct str *out);
/* Writes the JSON Schema (draft 7) of a file of that kind, for editors; `part`: of files that field_load_part() reads.
 * It is wider than `lemursim check`: it knows keys, types and choices, not units or limits. A file is to be parsed as
 * YAML 1.2, where `on` is a word. */
void field_schema(const struct table *table, const char *title, bool part, struct jsonw *w);

/* Appends the tree as YAML; every leaf is followed by "# " and its place of origin. A table of the top
 * level that has only defaults is written as a comment, so that the output is loaded exactly as the input
 * was. */
void field_show(const struct yml *node, struct str *out);
/* Writes the tree as JSON. */
void field_json(const struct yml *node, struct jsonw *w);

#endif
