/* field.c - loading by field tables; see field.h. Output is in echo.c. */
#include "sim/base/nearest.h"
#include "sim/conf/field.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_MAX = 64 }; /* most rows of a table */

struct loading {
	struct diags *diags;
	const struct table *of; /* the table that is loaded, and its name; NULL at the top level */
	const char *name;
	const struct field *f;
	bool part; /* the tree may be incomplete: keys may be missing, and no defaults are filled in */
};

static int load_table(const struct table *t, struct yml *node, const char *name, void *out,
		      const struct loading *above);

/* "link 'tb5'", for messages */
struct owner {
	char text[160];
};

static struct owner owner_of(const struct table *of, const char *name)
{
	struct owner o;

	snprintf(o.text, sizeof o.text, *name && strcmp(name, of->kind) ? "%s '%.100s'" : "%s", of->kind,
		 name);
	return o;
}

/* Reports "link 'tb5': bandwidth: message". Without a hint of its own the key says what it is. */
static int report(const struct loading *l, const struct yml *node, const struct err *err)
{
	const struct owner owner = owner_of(l->of, l->name);
	const char *const help =
		l->f->help ? arena_printf(l->diags->arena, "%s: %s", l->f->key, l->f->help) : NULL;

	return diag_add(l->diags, node->place, err->hint[0] ? err->hint : help, "%s: %s: %s", owner.text,
			l->f->key, err->msg);
}

static int report_text(const struct loading *l, const struct yml *node, const char *msg)
{
	struct err err = ERR_INIT;

	err_set(&err, "%s", msg);
	return report(l, node, &err);
}

static int report_kind(const struct loading *l, const struct yml *node, const char *wanted)
{
	struct err err = ERR_INIT;

	err_set(&err, "expected %s, got %s", wanted, yml_kind_name(node));
	return report(l, node, &err);
}

/* The same with the remedy. */
static int report_form(const struct loading *l, const struct yml *node, const char *wanted,
		       const char *remedy)
{
	struct err err = ERR_INIT;

	err_set(&err, "expected %s, got %s", wanted, yml_kind_name(node));
	err_hint(&err, "%s", remedy);
	return report(l, node, &err);
}

static int report_range(const struct loading *l, const struct yml *node, double value)
{
	const struct field *f = l->f;
	struct str lo = STR_INIT, hi = STR_INIT;
	struct err err = ERR_INIT;

	units_format(&lo, f->min, f->dim, 10);
	units_format(&hi, f->max, f->dim, 10);
	err_set(&err, "'%.80s' is out of range: from %s to %s is allowed", node->text, lo.text, hi.text);
	if (f->dim == DIM_SHARE && !strchr(node->text, '%') && value / 100 >= f->min && value / 100 <= f->max)
		err_hint(&err, "a share is below one: did you mean '%.80s %%'?", node->text);
	str_release(&lo);
	str_release(&hi);
	return report(l, node, &err);
}

static int check_range(const struct loading *l, const struct yml *node, double value)
{
	const struct field *f = l->f;

	return f->min == f->max || (value >= f->min && value <= f->max) ? 0 : report_range(l, node, value);
}

static int report_number(const struct loading *l, const struct yml *node)
{
	struct err err = ERR_INIT;
	double value;

	if (node->kind == YML_SCALAR) {
		units_parse(node->text, l->f->dim, &value, &err);
		return report(l, node, &err);
	}
	err_set(&err, "%s like '%s'", l->f->dim == DIM_COUNT ? "a number" : "a quantity",
		units_example(l->f->dim));
	return node->kind == YML_LIST
		       ? report_form(l, node, err.msg,
				     "one value; 'lemursim sweep --over PATH=VALUE,VALUE' tries several")
		       : report_kind(l, node, err.msg);
}

static int load_number(const struct loading *l, const struct yml *node, double *value)
{
	if (node->kind != YML_SCALAR || units_parse(node->text, l->f->dim, value, NULL) != 0)
		return report_number(l, node);
	return check_range(l, node, *value);
}

static int load_count(const struct loading *l, const struct yml *node, int64_t *value)
{
	struct err err = ERR_INIT;
	double number = 0;
	char *end;

	if (l->f->dim != DIM_TOKENS && node->kind != YML_SCALAR)
		return report_kind(l, node, "a whole number");
	if (l->f->dim == DIM_TOKENS) { /* a quantity such as '512 tok' */
		if (load_number(l, node, &number) != 0)
			return -1;
		if (number != floor(number)) {
			err_set(&err, "expected a whole number of tokens, got '%.80s'", node->text);
			return report(l, node, &err);
		}
		*value = (int64_t)number;
		return 0;
	}
	errno = 0;
	*value = strtoll(node->text, &end, 10);
	if ((errno && errno != ERANGE) || end == node->text ||
	    *end) { /* on ERANGE strtoll() returns the nearest value, which check_range() refuses */
		err_set(&err, "expected a whole number, got '%.80s'", node->text);
		return report(l, node, &err);
	}
	return check_range(l, node, (double)*value);
}

static int unknown_choice(const struct loading *l, const struct yml *node, const char *const *choices,
			  size_t n)
{
	struct err err = ERR_INIT;

	err_set(&err, "unknown choice '%.80s'", node->text);
	err_hint_names(&err, node->text, choices, n);
	return report(l, node, &err);
}

static int load_choice(const struct loading *l, const struct yml *node, const char *const *choices,
		       int *value)
{
	size_t n = 0;

	if (node->kind != YML_SCALAR)
		return report_kind(l, node, "one word");
	for (; choices[n]; n++) {
		if (!strcmp(choices[n], node->text)) {
			*value = (int)n;
			return 0;
		}
	}
	return unknown_choice(l, node, choices, n);
}

/* The relative standard deviation of a number without a stated one; wide for the last two. */
static const double usual_spread[PROVENANCE_N] = {[PROVENANCE_MEASURED] = 0.03,
						  [PROVENANCE_INTERPOLATED] = 0.06,
						  [PROVENANCE_TRANSFERRED] = 0.15,
						  [PROVENANCE_DATASHEET] = 0.15};

double field_spread(enum provenance provenance)
{
	return usual_spread[provenance];
}

struct long_form {
	struct origin origin;
	const struct yml *value, *sd;
	int64_t n;
	int provenance;
	const char *source;
};

static const struct field long_fields[] = {
	{FIELD_KEY(struct long_form, value), .type = FIELD_YML, .help = "the quantity"},
	{FIELD_KEY(struct long_form, sd), .type = FIELD_YML, .optional = true,
	 .help = "its standard deviation"},
	{FIELD_KEY(struct long_form, n), .type = FIELD_COUNT, .min = 1, .max = 1e9, .optional = true,
	 .help = "samples"},
	{.key = "how",
	 .offset = offsetof(struct long_form, provenance),
	 .type = FIELD_CHOICE,
	 .choices = provenance_names,
	 .def = "measured",
	 .help = "where it comes from"},
	{FIELD_KEY(struct long_form, source), .type = FIELD_TEXT, .optional = true, .help = "who says so"},
};
static const struct table long_table = {"quantity", sizeof(struct long_form), long_fields,
					ARRAY_LEN(long_fields)};

/* The field of a share if the text ends in '%', else the field itself; the bounds of a field apply to its
 * quantity, not to a share of it. */
static struct field field_as_written(const struct field *f, const struct yml *node)
{
	struct field share = {.key = f->key, .dim = DIM_SHARE, .min = 1e-6, .max = 1};

	return f->share_of && node->kind == YML_SCALAR && str_ends(node->text, "%") ? share : *f;
}

static int load_qty(const struct loading *above, struct yml *node, struct qty *q)
{
	const struct yml *value = node->kind == YML_MAP ? yml_get(node, "value") : node;
	const struct field as = field_as_written(above->f, value ? value : node);
	const struct loading here = {above->diags, above->of, above->name, &as, above->part}, *l = &here;
	struct long_form f = {0};
	double sd;

	*q = (struct qty){
		.provenance = PROVENANCE_MEASURED, .node = node, .is_share = as.dim != above->f->dim};
	if (node->kind != YML_MAP) {
		if (load_number(l, node, &q->value) != 0)
			return -1;
	} else {
		if (field_load(&long_table, node, l->f->key, &f, l->diags) != 0 ||
		    load_number(l, f.value, &q->value) != 0)
			return -1;
		q->provenance = (enum provenance)f.provenance;
		q->n = f.n;
		q->source = f.source;
	}
	q->given = true;
	q->spread = usual_spread[q->provenance];
	if (f.sd) {
		const struct field any = {.key = arena_printf(l->diags->arena, "%s: sd", l->f->key),
					  .dim = l->f->dim};
		const struct loading sub = {l->diags, l->of, l->name, &any, l->part};

		if (load_number(&sub, f.sd, &sd) != 0)
			return -1;
		if (sd < 0)
			return report_text(&sub, f.sd, "a standard deviation is not negative");
		q->spread = q->value != 0 ? sd / q->value : 0;
	}
	return 0;
}

static int load_bool(const struct loading *l, const struct yml *node, bool *value)
{
	static const char *const words[] = {"false", "true", "no", "yes", NULL};
	int choice = 0;

	if (load_choice(l, node, words, &choice) != 0)
		return -1;
	*value = choice & 1;
	return 0;
}

static int load_range(const struct loading *l, const struct yml *node, struct field_range *r)
{
	struct err err = ERR_INIT;
	char *end;

	if (node->kind != YML_SCALAR)
		return report_kind(l, node, "a range like '0-19'");
	r->first = r->last = strtoll(node->text, &end, 10);
	if (end != node->text && *end == '-' && end[1])
		r->last = strtoll(end + 1, &end, 10);
	if (end == node->text || *end || r->first < 0) {
		err_set(&err, "expected a number or a range like '0-19', got '%.80s'", node->text);
		if (!strcmp(node->text, "all"))
			err_hint(&err, "a rule without '%s' is for all", l->f->key);
		return report(l, node, &err);
	}
	if (r->last < r->first || r->last > 100000) {
		err_set(&err, "the range '%.80s' %s", node->text,
			r->last < r->first ? "runs backwards" : "goes too far");
		return report(l, node, &err);
	}
	return 0;
}

static int load_texts(const struct loading *l, struct yml *node, struct field_list *list)
{
	const size_t n = node->kind == YML_LIST ? node->n : 1;
	const char **texts = arena_array(l->diags->arena, n, sizeof *texts);

	if (!n)
		return report_text(l, node, "the list is empty");
	for (size_t i = 0; i < n; i++) {
		const struct yml *item = node->kind == YML_LIST ? node->items[i] : node;

		if (item->kind != YML_SCALAR)
			return report_kind(l, item, "text");
		texts[i] = item->text;
	}
	*list = (struct field_list){texts, n};
	return 0;
}

static int load_doubles(const struct loading *l, struct yml *node, struct field_list *list)
{
	double *values;

	if (node->kind != YML_LIST)
		return report_kind(l, node, "a list");
	if (!node->n)
		return report_text(l, node, "the list is empty");
	values = arena_array(l->diags->arena, node->n, sizeof *values);
	for (size_t i = 0; i < node->n; i++)
		if (load_number(l, node->items[i], &values[i]) != 0)
			return -1;
	*list = (struct field_list){values, node->n};
	return 0;
}

/* How the one entry that was written in the place of a list is to be written. */
static const char *list_remedy(const struct loading *l, const struct yml *node)
{
	const struct table *of = l->f->sub;
	size_t first = 0;

	if (node->kind == YML_MAP)
		return "brackets around it, '[{...}]', or a dash and a blank before each entry: '- '";
	while (first + 1 < of->n && (of->fields[first].optional || of->fields[first].def))
		first++;
	return arena_printf(l->diags->arena, "such as '%s: [{%s: %.60s}]'", l->f->key, of->fields[first].key,
			    node->kind == YML_SCALAR ? node->text : "...");
}

static int load_structs(const struct loading *l, struct yml *node, bool named, struct field_list *list)
{
	const struct table *sub = l->f->sub;
	struct err err = ERR_INIT;
	int rc = 0;

	if (node->kind != (named ? YML_MAP : YML_LIST))
		return named ? report_form(l, node, "a mapping of names",
					   "a name and a colon before each, without a dash")
			     : report_form(l, node, "a list", list_remedy(l, node));
	if (l->f->max > 0 && (double)node->n > l->f->max) {
		err_set(&err, "%zu are given, at most %g are allowed", node->n, l->f->max);
		return report(l, node, &err);
	}
	*list = (struct field_list){arena_array(l->diags->arena, node->n, sub->size), node->n};
	for (size_t i = 0; i < node->n; i++)
		rc |= load_table(sub, node->items[i], named ? node->keys[i]->text : "",
				 (char *)list->at + i * sub->size, l);
	return rc;
}

/* The mapping in the place of a choice, into a struct of its own. */
static int load_instead(const struct loading *l, struct yml *node, void *to)
{
	const struct field *f = l->f;
	void *from = arena_alloc(l->diags->arena, f->sub->size);

	*(void **)((char *)to - f->offset + f->instead) = from;
	return load_table(f->sub, node, f->key, from, l);
}

static int load_value(const struct loading *l, struct yml *node, void *to)
{
	const struct field *f = l->f;

	switch (f->type) {
	case FIELD_TEXT:
		if (node->kind != YML_SCALAR)
			return report_kind(l, node, "text");
		if (!*node->text)
			return report_text(l, node, "the text is empty");
		*(const char **)to = node->text;
		return 0;
	case FIELD_COUNT:
		return load_count(l, node, to);
	case FIELD_BOOL:
		return load_bool(l, node, to);
	case FIELD_DOUBLE:
		return load_number(l, node, to);
	case FIELD_QTY:
		return load_qty(l, node, to);
	case FIELD_CHOICE:
		if (f->sub && node->kind == YML_MAP)
			return load_instead(l, node, to);
		return load_choice(l, node, f->choices, to);
	case FIELD_TEXTS:
		return load_texts(l, node, to);
	case FIELD_DOUBLES:
		return load_doubles(l, node, to);
	case FIELD_RANGE:
		return load_range(l, node, to);
	case FIELD_MAYBE:
		*(void **)to = arena_alloc(l->diags->arena, f->sub->size);
		return load_table(f->sub, node, f->key, *(void **)to, l);
	case FIELD_TABLE:
		return load_table(f->sub, node, f->key, to, l);
	case FIELD_LIST:
	case FIELD_MAP:
		return load_structs(l, node, f->type == FIELD_MAP, to);
	case FIELD_YML:
		*(const struct yml **)to = node;
		return 0;
	}
	BUG("field type %d", (int)f->type);
}

static size_t field_named(const struct table *t, const char *key)
{
	size_t j = 0;

	while (j < t->n && (t->fields[j].key[0] != key[0] || strcmp(t->fields[j].key, key)))
		j++;
	return j;
}

/* What keys there are, as far as a hint has room. */
static void hint_keys(const struct table *t, struct err *err)
{
	enum { ROOM = sizeof err->hint - 60 };
	struct str all = STR_INIT;
	size_t i = 0;

	for (; i < t->n && all.len + strlen(t->fields[i].key) < ROOM; i++)
		str_addf(&all, "%s%s", i ? ", " : "", t->fields[i].key);
	err_hint(err, "its keys are %s%s", all.text, i < t->n ? ", ..." : "");
	str_release(&all);
}

/* Appends the paths of the keys of that name in the tables below, ", "-separated, each after `above`. */
static void add_paths_below(const struct table *t, const char *key, const char *above, int depth,
			    struct str *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];
		struct str path = STR_INIT;

		if ((f->type != FIELD_TABLE && f->type != FIELD_MAYBE) || !f->sub || depth == 0)
			continue;
		str_addf(&path, "%s%s.", above, f->key);
		if (field_named(f->sub, key) < f->sub->n && out->len < 200)
			str_addf(out, "%s%s%s", out->len ? ", " : "", path.text, key);
		add_paths_below(f->sub, key, path.text, depth - 1, out);
		str_release(&path);
	}
}

/* Of a key of a table below: its whole path. False: no table below has it. */
static bool hint_path(const struct table *t, const char *key, struct err *err)
{
	struct str paths = STR_INIT;
	bool any;

	add_paths_below(t, key, "", 3, &paths);
	any = paths.len > 0;
	if (any)
		err_hint(err,
			 strchr(paths.text, ',') ? "it is a key of others: one of %s" : "did you mean '%s'?",
			 paths.text);
	str_release(&paths);
	return any;
}

/* Reports an unknown key. meant[i]: the key resembles field i, which is then not reported as missing. */
static void report_unknown_key(const struct loading *l, const struct yml *key, bool *meant)
{
	const struct table *t = l->of;
	const struct owner owner = owner_of(t, l->name);
	const char *names[TABLE_MAX], *near;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < t->n; i++)
		names[i] = t->fields[i].key;
	err_set(&err, "%s: unknown key '%.80s'", owner.text, key->text);
	/* the hint would not be shown, and the search is slow */
	near = l->diags->n < DIAG_MAX ? nearest_of(key->text, names, t->n) : NULL;
	if (key->text[0] >= '0' && key->text[0] <= '9')
		err_hint(&err, "a comma ends a value between braces: write '1000 tok' for '1,000 tok'");
	else if (near)
		err_hint(&err, "did you mean '%s'?", near);
	else if (l->diags->n >= DIAG_MAX || !hint_path(t, key->text, &err))
		hint_keys(t, &err);
	for (size_t j = 0; near && j < t->n; j++)
		meant[j] |= names[j] == near;
	diag_err(l->diags, key->place, &err);
}

/* Finds the value of each field, the first where a key is repeated, and reports each unknown key. */
static void find_values(const struct loading *l, const struct yml *node, struct yml **values, bool *meant)
{
	for (size_t i = 0; i < node->n; i++) {
		const size_t j = field_named(l->of, node->keys[i]->text);

		if (j == l->of->n)
			report_unknown_key(l, node->keys[i], meant);
		else if (!values[j])
			values[j] = node->items[i];
	}
}

static const struct source default_source = {"default", NULL, 0};

static struct yml *default_node(const struct field *f, struct yml *node, struct diags *diags)
{
	const struct place place = {&default_source, 0, 0, 0};
	struct yml *value = f->type == FIELD_TABLE ? yml_new(diags->arena, YML_MAP, place)
						   : yml_scalar(diags->arena, f->def, place);

	value->is_default = true;
	yml_put(diags->arena, node, f->key, place, value);
	return value;
}

static void report_missing(const struct loading *l, const struct yml *node)
{
	const struct owner owner = owner_of(l->of, l->name);

	diag_add(l->diags, node->place, arena_printf(l->diags->arena, "%s: %s", l->f->key, l->f->help),
		 "%s: key '%s' is missing", owner.text, l->f->key);
}

static void load_field(const struct loading *l, struct yml *node, struct yml *value, bool meant, void *out)
{
	const struct field *f = l->f;

	if (f->type == FIELD_RANGE)
		*(struct field_range *)((char *)out + f->offset) = (struct field_range){-1, -1};
	if (value && value->kind == YML_NULL)
		report_form(l, value, "a value",
			    arena_printf(l->diags->arena, "%s: %s", f->key,
					 f->optional || f->def
						 ? "write it after the colon, or leave the key out"
						 : f->help));
	else if (value || (f->def && !l->part))
		load_value(l, value ? value : default_node(f, node, l->diags), (char *)out + f->offset);
	else if (!f->optional && !meant && !l->part)
		report_missing(l, node);
}

static int load_table(const struct table *t, struct yml *node, const char *name, void *out,
		      const struct loading *above)
{
	struct origin *origin = out;
	struct loading l = {above->diags, t, name, NULL, above->part};
	const size_t before = l.diags->total;
	struct yml *values[TABLE_MAX] = {NULL};
	bool meant[TABLE_MAX] = {false};

	BUG_ON(t->n > TABLE_MAX);
	*origin = (struct origin){name, node};
	if (node->kind != YML_MAP) {
		struct err err = ERR_INIT;

		err_set(&err, "%s: expected a mapping, got %s", owner_of(t, name).text, yml_kind_name(node));
		hint_keys(t, &err);
		return diag_err(l.diags, node->place, &err);
	}
	find_values(&l, node, values, meant);
	for (size_t i = 0; i < t->n; i++) {
		l.f = &t->fields[i];
		load_field(&l, node, values[i], meant[i], out);
	}
	return l.diags->total == before ? 0 : -1;
}

int field_load(const struct table *t, struct yml *node, const char *name, void *out, struct diags *diags)
{
	return load_table(t, node, name, out, &(const struct loading){.diags = diags});
}

int field_load_part(const struct table *t, struct yml *node, const char *name, void *out, struct diags *diags)
{
	return load_table(t, node, name, out, &(const struct loading){.diags = diags, .part = true});
}
