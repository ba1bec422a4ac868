/* schema.c - a field table as JSON Schema; see field.h. */
#include "sim/conf/field.h"

#include <string.h>

static void any_of(struct jsonw *w, const char *const *types)
{
	jsonw_key(w, "type");
	jsonw_array(w);
	for (; *types; types++)
		jsonw_string(w, *types);
	jsonw_end(w);
}

static void write_table(const struct table *t, struct jsonw *w);

static void write_choices(const char *const *choices, struct jsonw *w)
{
	jsonw_key(w, "enum");
	jsonw_array(w);
	for (; *choices; choices++)
		jsonw_string(w, *choices);
	jsonw_end(w);
}

/* A word, or, where the field has a table, a mapping in its place. */
static void write_choice(const struct field *f, struct jsonw *w)
{
	if (!f->sub) {
		write_choices(f->choices, w);
		return;
	}
	jsonw_key(w, "anyOf");
	jsonw_array(w);
	jsonw_object(w);
	write_choices(f->choices, w);
	jsonw_end(w);
	write_table(f->sub, w);
	jsonw_end(w);
}

static void write_array(const char *const *types, struct jsonw *w)
{
	jsonw_key(w, "items");
	jsonw_object(w);
	any_of(w, types);
	jsonw_end(w);
}

/* The types that a value may have, as YAML 1.2 reads it: "512 tok" is a string, 512 a number. */
static void write_type(const struct field *f, struct jsonw *w)
{
	static const char *const scalar[] = {"string", "number", NULL},
				 *const quantity[] = {"string", "number", "object", NULL},
				 *const words[] = {"boolean", "string", NULL},
				 *const one_or_list[] = {"string", "number", "array", NULL};

	switch (f->type) {
	case FIELD_COUNT:
	case FIELD_TEXT:
	case FIELD_DOUBLE:
	case FIELD_RANGE:
		any_of(w, scalar);
		break;
	case FIELD_QTY:
		any_of(w, quantity);
		break;
	case FIELD_BOOL:
		any_of(w, words);
		break;
	case FIELD_CHOICE:
		write_choice(f, w);
		break;
	case FIELD_TEXTS:
		any_of(w, one_or_list);
		write_array(scalar, w);
		break;
	case FIELD_DOUBLES:
		jsonw_key_string(w, "type", "array");
		write_array(scalar, w);
		break;
	case FIELD_LIST:
	case FIELD_MAP:
		jsonw_key_string(w, "type", f->type == FIELD_LIST ? "array" : "object");
		jsonw_key(w, f->type == FIELD_LIST ? "items" : "additionalProperties");
		write_table(f->sub, w);
		break;
	case FIELD_TABLE:
	case FIELD_MAYBE:
		jsonw_key(w, "allOf");
		jsonw_array(w);
		write_table(f->sub, w);
		jsonw_end(w);
		break;
	case FIELD_YML: /* a name or a mapping, which its own reader checks */
		break;
	}
}

static void write_property(const struct field *f, struct jsonw *w)
{
	jsonw_key(w, f->key);
	jsonw_object(w);
	jsonw_key_string(w, "description", f->help);
	write_type(f, w);
	if (f->def && f->type != FIELD_TABLE)
		jsonw_key_string(w, "default", f->def);
	jsonw_end(w);
}

/* Keys that load.c and sources.c take out of a file before its table is read. */
static void write_file_keys(const struct table *t, struct jsonw *w)
{
	static const struct {
		const char *key, *type, *help;
	} keys[] = {{"schema", "string", "the kind of file and its version"},
		    {"kind", "string", "of a hardware file: machine, link, family or server"},
		    {"base", NULL, "a file, or a list of files, that this one is merged over"},
		    {"variants", "object", "NAME-KEY is this file with what stands under KEY merged over it"},
		    {"sources", "object", "texts that `source:` names by key"}};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		bool has = false;

		for (size_t f = 0; f < t->n; f++)
			has |= !strcmp(t->fields[f].key, keys[i].key);
		if (has)
			continue;
		jsonw_key(w, keys[i].key);
		jsonw_object(w);
		jsonw_key_string(w, "description", keys[i].help);
		if (keys[i].type)
			jsonw_key_string(w, "type", keys[i].type);
		jsonw_end(w);
	}
}

/* Of a file, what is required may come from its base; so may any part of a mapping in it, for which nothing is required
 * here: `lemursim check` sees the whole. */
static void write_required(const struct table *t, struct jsonw *w)
{
	jsonw_key(w, "if");
	jsonw_object(w);
	jsonw_key(w, "not");
	jsonw_object(w);
	jsonw_key(w, "required");
	jsonw_array(w);
	jsonw_string(w, "base");
	jsonw_end(w);
	jsonw_end(w);
	jsonw_end(w);
	jsonw_key(w, "then");
	jsonw_object(w);
	jsonw_key(w, "required");
	jsonw_array(w);
	for (size_t i = 0; i < t->n; i++)
		if (!t->fields[i].def && !t->fields[i].optional && t->fields[i].type != FIELD_MAYBE)
			jsonw_string(w, t->fields[i].key);
	jsonw_end(w);
	jsonw_end(w);
}

static void write_body(const struct table *t, bool is_file, struct jsonw *w)
{
	jsonw_key_string(w, "type", "object");
	jsonw_key_bool(w, "additionalProperties", false);
	jsonw_key(w, "properties");
	jsonw_object(w);
	for (size_t i = 0; i < t->n; i++)
		write_property(&t->fields[i], w);
	if (is_file)
		write_file_keys(t, w);
	jsonw_end(w);
}

static void write_table(const struct table *t, struct jsonw *w)
{
	jsonw_object(w);
	write_body(t, false, w);
	jsonw_end(w);
}

void field_schema(const struct table *t, const char *title, bool part, struct jsonw *w)
{
	jsonw_object(w);
	jsonw_key_string(w, "$schema", "http://json-schema.org/draft-07/schema#");
	jsonw_key_string(w, "title", title);
	if (!part)
		write_required(t, w);
	write_body(t, true, w);
	jsonw_end(w);
}
