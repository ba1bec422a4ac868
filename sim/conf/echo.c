/* echo.c - output of a field table as help, and of a loaded tree as YAML or JSON. */
#include "sim/conf/field.h"

#include <stdlib.h>
#include <string.h>

static const char *type_name(const struct field *f)
{
	switch (f->type) {
	case FIELD_TEXT:
		return "text";
	case FIELD_COUNT:
		return f->dim == DIM_TOKENS ? "tokens" : "whole number";
	case FIELD_BOOL:
		return "true or false";
	case FIELD_DOUBLE:
	case FIELD_QTY:
		return units_name(f->dim);
	case FIELD_CHOICE:
		return f->sub ? "a mapping, or one of" : "one of";
	case FIELD_TEXTS:
		return "text, or a list of texts";
	case FIELD_DOUBLES:
		return f->dim == DIM_SHARE ? "list of shares" : "list of numbers";
	case FIELD_RANGE:
		return "range like 0-19";
	case FIELD_TABLE:
	case FIELD_MAYBE:
		return "mapping";
	case FIELD_LIST:
		return "list of mappings";
	case FIELD_MAP:
		return "mapping of names to mappings";
	case FIELD_YML:
		return "a name, or a mapping";
	}
	BUG("field type %d", (int)f->type);
}

/* "[one of a, b; default a]" */
static void say_type(const struct table *t, size_t i, struct str *out)
{
	const struct field *f = &t->fields[i];

	str_addf(out, "[%s", type_name(f));
	if (f->choices && i && f->choices == t->fields[i - 1].choices)
		str_add(out, " the same");
	else
		for (size_t c = 0; f->choices && f->choices[c]; c++)
			str_addf(out, "%s %s", c ? "," : "", f->choices[c]);
	if (f->type == FIELD_QTY || f->type == FIELD_DOUBLE || f->dim == DIM_TOKENS)
		str_addf(out, ", like %s", units_example(f->dim));
	if (f->share_of)
		str_addf(out, ", or a share of the %s", f->share_of);
	if (f->def)
		str_addf(out, "; default %s", f->def);
	else if (!f->optional && f->type != FIELD_MAYBE)
		str_add(out, "; required");
	str_add(out, "]");
}

void field_help(const struct table *t, size_t indent, size_t width, struct str *out)
{
	enum { BESIDE = 24, BELOW = 4, WIDE = 64 }; /* columns, the first without the indent */
	const size_t below = indent + BELOW;
	struct str text = STR_INIT;

	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];
		const size_t from = out->len;

		str_pad(out, ' ', indent);
		str_addf(out, "%s:", f->key);
		if (width >= WIDE)
			str_pad(out, ' ', out->len - from < BESIDE ? BESIDE - (out->len - from) : 1);
		str_clear(&text);
		str_addf(&text, "%s ", f->help);
		say_type(t, i, &text);
		if (width < WIDE) {
			str_add(out, "\n");
			str_pad(out, ' ', below);
			str_add_wrapped(out, text.text, below, below, width);
		} else {
			str_add_wrapped(out, text.text, out->len - from, BESIDE + 2, width);
		}
		if (f->sub)
			field_help(f->sub, indent + 2, width, out);
	}
	str_release(&text);
}

static bool needs_quotes(const struct yml *node)
{
	const char *t = node->text;

	return node->quoted || !*t || strpbrk(t, ":#{}[],&*!|>'\"%@`\n") || t[0] == '-' || t[0] == '?' ||
	       t[0] == ' ' || t[strlen(t) - 1] == ' ';
}

static void show_scalar(const struct yml *node, struct str *out)
{
	struct jsonw w;

	if (node->kind == YML_NULL) {
		str_add(out, "null");
	} else if (needs_quotes(node)) {
		jsonw_init(&w, out, 0); /* a JSON string is also a YAML string */
		jsonw_string(&w, node->text);
	} else {
		str_add(out, node->text);
	}
}

static void show_origin(const struct yml *node, size_t line_from, struct str *out)
{
	const size_t used = out->len - line_from;

	str_pad(out, ' ', used < 56 ? 56 - used : 1);
	if (!node->place.source)
		str_add(out, "# ?");
	else if (node->place.line && node->place.source->text && !str_starts(node->place.source->path, "--"))
		str_addf(out, "# %s:%d", node->place.source->path, node->place.line);
	else
		str_addf(out, "# %s", node->place.source->path);
	str_add(out, "\n");
}

static void show_tree(const struct yml *node, size_t indent, struct str *out)
{
	for (size_t i = 0; i < node->n; i++) {
		const struct yml *item = node->items[i];
		const size_t from = out->len;

		str_pad(out, ' ', indent);
		if (node->kind == YML_MAP)
			show_scalar(node->keys[i], out);
		str_add(out, node->kind == YML_MAP ? ":" : "-");
		if (item->kind == YML_MAP || item->kind == YML_LIST) {
			str_add(out, item->n ? "\n" : item->kind == YML_MAP ? " {}\n" : " []\n");
			show_tree(item, indent + 2, out);
		} else {
			str_add(out, " ");
			show_scalar(item, out);
			show_origin(item, from, out);
		}
	}
}

/* Shows a table that is not in the input as a comment: for some tables it matters whether they are
 * written. */
static void show_unwritten(const struct yml *key, const struct yml *table, struct str *out)
{
	struct str text = STR_INIT;

	show_tree(table, 2, &text);
	str_addf(out, "# %s:\n", key->text);
	for (const char *line = text.text; *line;) {
		const size_t len = strcspn(line, "\n") + 1;

		str_add(out, "# ");
		str_add_n(out, line, len);
		line += len;
	}
	str_release(&text);
}

void field_show(const struct yml *node, struct str *out)
{
	if (node->kind != YML_MAP) {
		show_tree(node, 0, out);
		return;
	}
	for (size_t i = 0; i < node->n; i++) {
		const struct yml *item = node->items[i];
		struct yml one = *node;

		one.n = 1;
		one.items = &node->items[i];
		one.keys = &node->keys[i];
		if (item->kind == YML_MAP && item->is_default)
			show_unwritten(node->keys[i], item, out);
		else
			show_tree(&one, 0, out);
	}
}

void field_json(const struct yml *node, struct jsonw *w)
{
	switch (node->kind) {
	case YML_NULL:
		jsonw_null(w);
		return;
	case YML_SCALAR:
		jsonw_string(w, node->text);
		return;
	case YML_LIST:
		jsonw_array(w);
		for (size_t i = 0; i < node->n; i++)
			field_json(node->items[i], w);
		jsonw_end(w);
		return;
	case YML_MAP:
		jsonw_object(w);
		for (size_t i = 0; i < node->n; i++) {
			jsonw_key(w, node->keys[i]->text);
			field_json(node->items[i], w);
		}
		jsonw_end(w);
		return;
	}
}
