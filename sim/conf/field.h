/*
 * field.h - one table for each kind of thing people write: it loads, checks, fills defaults, helps and
 * describes.
 *
 * Layer conf. A table row says where a key's value goes in a struct. Every struct that is loaded this way
 * begins with a `struct origin`. Complaints go to diags with the place, the kind and the name of the thing,
 * and the remedy.
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
	const char *name;       /* its key in the map that holds it; "" for what has no name */
	const struct yml *node; /* its place in the files */
};

/* A quantity with where it comes from. `118 GB/s`, or {value: 118 GB/s, sd: 0.9 GB/s, n: 30, how: measured,
 * source: ...} */
struct qty {
	double value;               /* base units */
	double spread;              /* relative standard deviation; from sd, else the usual one for `how` */
	enum provenance provenance; /* measured unless said otherwise */
	int64_t n;                  /* samples; 0: not said */
	const char *source;         /* NULL: not said */
	bool given;
	bool is_share; /* of what the field's `share_of` names, and not yet multiplied with it */
	const struct yml *node;
};

double
field_spread(enum provenance provenance); /* the usual relative spread of a number whose sd nobody stated */

struct field_list { /* the elements are structs, or const char * */
	void *at;
	size_t n;
};

enum field_type {
	FIELD_TEXT,    /* const char * */
	FIELD_COUNT,   /* int64_t */
	FIELD_BOOL,    /* bool */
	FIELD_DOUBLE,  /* double, in the base unit of dim */
	FIELD_QTY,     /* struct qty, likewise */
	FIELD_CHOICE,  /* int: index into choices */
	FIELD_TEXTS,   /* struct field_list of const char *: a list of texts, or one text alone */
	FIELD_DOUBLES, /* struct field_list of double */
	FIELD_RANGE,   /* struct field_range: '3', '0-19' */
	FIELD_TABLE,   /* the struct itself, by sub */
	FIELD_MAYBE,   /* pointer to a struct by sub; NULL where the key is absent */
	FIELD_LIST,    /* struct field_list of structs by sub */
	FIELD_MAP,     /* a list from a mapping; each struct's origin.name is its key */
	FIELD_YML      /* const struct yml *, loaded elsewhere */
};

struct field_range {
	int64_t first, last; /* both included; first -1: not given */
};

struct table;
struct field {
	const char *key;
	enum field_type type;
	size_t offset;
	const char *help;
	enum dim dim;
	double min,
		max; /* allowed, both included, in base units; min == max: any. Of a list: max is of items */
	const char *def;      /* default, as it would be written; NULL: none; of a table only "{}" */
	bool optional;        /* may be absent though it has no default */
	const char *share_of; /* FIELD_QTY: may also be written as a share of that, '93 %' */
	const struct table *sub;
	const char *const *choices; /* NULL-terminated */
};

struct table {
	const char *kind; /* "link", for messages */
	size_t size;
	const struct field *fields;
	size_t n;
};

#define FIELD_KEY(strukt, member) .key = #member, .offset = offsetof(strukt, member)

/* Fills *out (size table->size, zeroed by the caller) from node; strings and lists live in the arena of
 * diags. Goes on after an error; 0 or -1. Adds the defaults it used to node, marked is_default, for field
 * echo. */
int field_load(const struct table *table, struct yml *node, const char *name, void *out, struct diags *diags);

/* Loads a part of a thing: keys may be missing, and no defaults are filled in. */
int field_load_part(const struct table *table, struct yml *node, const char *name, void *out,
		    struct diags *diags);

void field_help(const struct table *table, int indent, struct str *out); /* the keys, for people */
void field_schema(const struct table *table, struct jsonw *w); /* a JSON Schema object, for editors */

/* The tree as YAML, every leaf followed by "# where it came from". A table of the top level that is all defaults is a
 * comment, so that the file is read as the scenario was. */
void field_show(const struct yml *node, struct str *out);
/* The tree as JSON. */
void field_json(const struct yml *node, struct jsonw *w);

#endif
