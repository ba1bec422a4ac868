/* result_read.c - see result_read.h. */
#include "sim/report/result_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/jsonr.h"
#include "sim/base/vec.h"
#include "sim/predict/job.h"

static const char schema[] = "lemursim/result/1";

struct reading {
	struct jsonr json;
	struct arena *arena;
	struct result *out;
	const char **config;
	VEC(struct assignment_row) rows;
	VEC(struct note) notes;
	bool any, kept_inputs; /* an object was begun; its inputs are known */
};

bool result_is(const char *text)
{
	static const char *const parts[] = {"{", "\"schema\"", ":", "\"lemursim/result/"};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		text += strspn(text, " \t\r\n");
		if (!str_starts(text, parts[i]))
			return false;
		text += strlen(parts[i]);
	}
	return true;
}

/* Reads the members that have a row of a table, and passes the others over, which later versions may write. */
struct member {
	const char *key;
	enum { M_TEXT, M_NUMBER, M_BOOL, M_OTHER } type;
	size_t offset;
	int (*read)(struct reading *r, void *of); /* of M_OTHER */
};

static int read_member(struct reading *r, const struct member *m, void *of)
{
	void *const to = (char *)of + m->offset;

	switch (m->type) {
	case M_TEXT:
		return jsonr_text(&r->json, to);
	case M_NUMBER:
		return jsonr_number(&r->json, to);
	case M_BOOL:
		return jsonr_bool(&r->json, to);
	case M_OTHER:
		return m->read(r, of);
	}
	BUG("member type %d", (int)m->type);
}

static int read_object(struct reading *r, const struct member *members, size_t n, void *of)
{
	const char *key;
	int rc;

	if (jsonr_object(&r->json) != 0)
		return -1;
	while ((rc = jsonr_key(&r->json, &key)) == 1) {
		size_t i = 0;

		while (i < n && strcmp(members[i].key, key) != 0)
			i++;
		if ((i < n ? read_member(r, &members[i], of) : jsonr_skip(&r->json)) != 0)
			return -1;
	}
	return rc;
}

/* ---- metrics ---- */

struct difference {
	const char *to;
	double value, ci;
};

static int read_difference(struct reading *r, void *of)
{
	static const struct member members[] = {{"to", M_TEXT, offsetof(struct difference, to), NULL},
						{"value", M_NUMBER, offsetof(struct difference, value), NULL},
						{"ci", M_NUMBER, offsetof(struct difference, ci), NULL}};
	struct metric *m = of;
	struct difference d = {.to = NULL};

	if (read_object(r, members, ARRAY_LEN(members), &d) != 0)
		return -1;
	m->best = d.to;
	m->difference = d.value;
	m->difference_ci = d.ci;
	return 0;
}

static int read_provenance(struct reading *r, void *of)
{
	const size_t at = r->json.at;
	const char *name;
	size_t found;

	if (jsonr_text(&r->json, &name) != 0)
		return -1;
	found = str_find(name, provenance_names, PROVENANCE_N);
	if (found == PROVENANCE_N)
		return jsonr_wrong(&r->json, at, "'%.60s' is no provenance", name);
	((struct metric *)of)->from = (enum provenance)found;
	return 0;
}

static int read_metric(struct reading *r, const char *name, struct metric *m)
{
	static const struct member members[] = {{"value", M_NUMBER, offsetof(struct metric, value), NULL},
						{"lo", M_NUMBER, offsetof(struct metric, lo), NULL},
						{"hi", M_NUMBER, offsetof(struct metric, hi), NULL},
						{"ci", M_NUMBER, offsetof(struct metric, ci), NULL},
						{"unit", M_TEXT, offsetof(struct metric, unit), NULL},
						{"difference", M_OTHER, 0, read_difference},
						{"from", M_OTHER, 0, read_provenance}};
	struct err unknown = ERR_INIT;
	const struct metric_info *const known = metric_find(name, &unknown);

	*m = (struct metric){
		.name = name, .unit = "", .value = NAN, .lo = NAN, .hi = NAN, .less = known && known->less};
	return read_object(r, members, ARRAY_LEN(members), m);
}

static int read_metrics(struct reading *r, void *of)
{
	struct assignment_row *row = of;
	VEC(struct metric) all = {0};
	struct metric *kept, one;
	const char *key;
	int rc = jsonr_object(&r->json);

	while (rc == 0 && (rc = jsonr_key(&r->json, &key)) == 1) {
		rc = read_metric(r, key, &one);
		VEC_ADD(&all, one);
	}
	kept = arena_array(r->arena, all.n + 1, sizeof *kept);
	if (all.n)
		memcpy(kept, all.at, all.n * sizeof *kept);
	row->metrics = kept;
	row->metrics_n = all.n;
	VEC_FREE(&all);
	return rc;
}

/* ---- lists of an assignment ---- */

/* A list of objects of one size, in the arena. what: its name; each object has the first of the members, a text. */
static int read_list(struct reading *r, const char *what, const struct member *members, size_t members_n,
		     size_t size, void **list, size_t *n)
{
	char *all = NULL;
	size_t room = 0;
	int rc = jsonr_list(&r->json);

	*n = 0;
	while (rc == 0 && (rc = jsonr_item(&r->json)) == 1) {
		if (*n == room) {
			char *more = arena_array(r->arena, room * 2 + 8, size);

			if (*n)
				memcpy(more, all, *n * size);
			room = room * 2 + 8;
			all = more;
		}
		rc = read_object(r, members, members_n, all + (*n)++ * size);
	}
	*list = all;
	for (size_t i = 0; rc == 0 && i < *n; i++)
		if (!*(const char **)(void *)(all + i * size + members->offset))
			return jsonr_wrong(&r->json, r->json.at, "an item of '%s' has no '%s'", what,
					   members->key);
	return rc;
}

static int read_memory(struct reading *r, void *of)
{
	static const struct member members[] = {
		{"machine", M_TEXT, offsetof(struct memory_row, machine), NULL},
		{"phase", M_TEXT, offsetof(struct memory_row, phase), NULL},
		{"need_B", M_NUMBER, offsetof(struct memory_row, need_B), NULL},
		{"usable_B", M_NUMBER, offsetof(struct memory_row, usable_B), NULL},
		{"weights_B", M_NUMBER, offsetof(struct memory_row, weights_B), NULL},
		{"kv_B", M_NUMBER, offsetof(struct memory_row, kv_B), NULL},
		{"activations_B", M_NUMBER, offsetof(struct memory_row, activations_B), NULL},
		{"gradients_B", M_NUMBER, offsetof(struct memory_row, gradients_B), NULL},
		{"optimizer_B", M_NUMBER, offsetof(struct memory_row, optimizer_B), NULL},
		{"disk_B", M_NUMBER, offsetof(struct memory_row, disk_B), NULL},
		{"load_B", M_NUMBER, offsetof(struct memory_row, load_B), NULL},
		{"peak_s", M_NUMBER, offsetof(struct memory_row, peak_s), NULL},
		{"during", M_TEXT, offsetof(struct memory_row, during), NULL}};
	struct assignment_row *row = of;
	void *list;
	const int rc = read_list(r, "memory", members, ARRAY_LEN(members), sizeof *row->memory, &list,
				 &row->memory_n);

	row->memory = list;
	return rc;
}

static int read_busy(struct reading *r, void *of)
{
	static const struct member members[] = {{"name", M_TEXT, offsetof(struct busy_row, name), NULL},
						{"phase", M_TEXT, offsetof(struct busy_row, phase), NULL},
						{"share", M_NUMBER, offsetof(struct busy_row, share), NULL}};
	struct assignment_row *row = of;
	void *list;
	const int rc =
		read_list(r, "busy", members, ARRAY_LEN(members), sizeof *row->busy, &list, &row->busy_n);

	row->busy = list;
	return rc;
}

static int read_classes(struct reading *r, void *of)
{
	static const struct member members[] = {{"name", M_TEXT, offsetof(struct assignment_row, name), NULL},
						{"metrics", M_OTHER, 0, read_metrics}};
	struct assignment_row *row = of, *classes;
	void *list;
	const int rc = read_list(r, "classes", members, ARRAY_LEN(members), sizeof *row->classes, &list,
				 &row->classes_n);

	row->classes = classes = list;
	for (size_t i = 0; i < row->classes_n; i++) {
		classes[i].fits = true;
		classes[i].bound = "";
	}
	return rc;
}

static const struct member of_assignment[] = {
	{"name", M_TEXT, offsetof(struct assignment_row, name), NULL},
	{"fits", M_BOOL, offsetof(struct assignment_row, fits), NULL},
	{"short_B", M_NUMBER, offsetof(struct assignment_row, short_B), NULL},
	{"short_phase", M_TEXT, offsetof(struct assignment_row, short_phase), NULL},
	{"short_on", M_TEXT, offsetof(struct assignment_row, short_on), NULL},
	{"bound", M_TEXT, offsetof(struct assignment_row, bound), NULL},
	{"advice", M_TEXT, offsetof(struct assignment_row, advice), NULL},
	{"memory", M_OTHER, 0, read_memory},
	{"busy", M_OTHER, 0, read_busy},
	{"metrics", M_OTHER, 0, read_metrics},
	{"classes", M_OTHER, 0, read_classes}};

static int keep_row(struct reading *r, const struct assignment_row *row)
{
	if (!row->name || !row->bound)
		return jsonr_wrong(&r->json, r->json.at, "an assignment has no '%s'",
				   row->name ? "bound" : "name");
	VEC_ADD(&r->rows, *row);
	return 0;
}

static int read_assignments(struct reading *r, void *of)
{
	int rc = jsonr_list(&r->json);

	(void)of;
	while (rc == 0 && (rc = jsonr_item(&r->json)) == 1) {
		struct assignment_row row = {.name = NULL};

		rc = read_object(r, of_assignment, ARRAY_LEN(of_assignment), &row);
		if (rc == 0)
			rc = keep_row(r, &row);
	}
	return rc;
}

/* ---- the head ---- */

static int read_schema(struct reading *r, void *of)
{
	const size_t at = r->json.at;
	const char *name;

	(void)of;
	if (jsonr_text(&r->json, &name) != 0)
		return -1;
	r->any = true;
	return strcmp(name, schema) != 0
		       ? jsonr_wrong(&r->json, at, "the schema is '%.60s', not '%s'", name, schema)
		       : 0;
}

/* A seed may be beyond what a JSON number keeps as a double. */
static int read_seed(struct reading *r, void *of)
{
	const char *at = r->json.text + r->json.at;

	(void)of;
	at += strspn(at, " \t\r\n");
	r->out->seed = strtoull(at, NULL, 10);
	return jsonr_skip(&r->json);
}

static int read_draws(struct reading *r, void *of)
{
	uint64_t n;

	(void)of;
	if (jsonr_count(&r->json, &n) != 0)
		return -1;
	r->out->draws = n < 1000000 ? (int)n : 1000000;
	return 0;
}

static int read_sha256(struct reading *r, void *of)
{
	struct input_row *in = of;
	const char *text;

	if (jsonr_text(&r->json, &text) != 0)
		return -1;
	memcpy(in->sha256, text, strnlen(text, sizeof in->sha256 - 1));
	return 0;
}

/* Every line of a .jsonl has them: the first line's are kept. */
static int read_inputs(struct reading *r, void *of)
{
	static const struct member members[] = {{"file", M_TEXT, offsetof(struct input_row, file), NULL},
						{"sha256", M_OTHER, 0, read_sha256}};
	void *list;
	size_t n;

	(void)of;
	if (r->kept_inputs)
		return jsonr_skip(&r->json);
	if (read_list(r, "inputs", members, ARRAY_LEN(members), sizeof(struct input_row), &list, &n) != 0)
		return -1;
	r->out->inputs = list;
	r->out->inputs_n = n;
	r->kept_inputs = true;
	return 0;
}

static int read_notes(struct reading *r, void *of)
{
	struct texts all;

	(void)of;
	if (jsonr_texts(&r->json, &all) != 0)
		return -1;
	for (size_t i = 0; i < all.n; i++)
		VEC_ADD(&r->notes, ((struct note){all.at[i], 0}));
	return 0;
}

static void break_line(struct str *out, size_t depth)
{
	str_add(out, "\n");
	str_pad(out, ' ', 2 * depth);
}

/* Appends one byte that is in no text. */
static void add_sign(struct str *out, char c, size_t *depth)
{
	const bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
	const char before = out->len ? out->text[out->len - 1] : '\0';

	if ((before == '{' || before == '[') && !closes)
		break_line(out, *depth);
	*depth -= closes && *depth;
	if (closes && before != '{' && before != '[')
		break_line(out, *depth);
	str_add_n(out, &c, 1);
	*depth += opens;
	if (c == ',')
		break_line(out, *depth);
	else if (c == ':')
		str_add(out, " ");
}

/* JSON with a line for each member. */
static const char *indented(struct arena *a, const char *json, size_t n)
{
	struct str out = STR_INIT;
	const char *text;
	size_t depth = 0;
	bool quoted = false, escaped = false;

	for (size_t i = 0; i < n; i++) {
		const bool was_quoted = quoted;

		if (json[i] == '"' && !escaped)
			quoted = !quoted;
		escaped = quoted && json[i] == '\\' && !escaped;
		if (was_quoted)
			str_add_n(&out, &json[i], 1);
		else if (!strchr(" \t\r\n", json[i]))
			add_sign(&out, json[i], &depth);
	}
	text = arena_strdup(a, out.text);
	str_release(&out);
	return text;
}

static int read_config(struct reading *r, void *of)
{
	const char *const from = r->json.text + r->json.at;
	size_t n;

	(void)of;
	if (jsonr_skip(&r->json) != 0)
		return -1;
	n = (size_t)(r->json.text + r->json.at - from);
	*r->config = indented(r->arena, from, n);
	return 0;
}

/* The members of one object: of the whole result, and in a .jsonl those of its assignment too. */
struct object {
	struct assignment_row row; /* the first member, so that its table serves here */
	const char *scenario, *version, *title, *computed, *goal, *pareto;
};

static const struct member of_result[] = {
	{"schema", M_OTHER, 0, read_schema},
	{"scenario", M_TEXT, offsetof(struct object, scenario), NULL},
	{"seed", M_OTHER, 0, read_seed},
	{"draws", M_OTHER, 0, read_draws},
	{"version", M_TEXT, offsetof(struct object, version), NULL},
	{"title", M_TEXT, offsetof(struct object, title), NULL},
	{"computed", M_TEXT, offsetof(struct object, computed), NULL},
	{"goal", M_TEXT, offsetof(struct object, goal), NULL},
	{"pareto", M_TEXT, offsetof(struct object, pareto), NULL},
	{"inputs", M_OTHER, 0, read_inputs},
	{"assignments", M_OTHER, 0, read_assignments},
	{"notes", M_OTHER, 0, read_notes},
	{"config", M_OTHER, 0, read_config},
};

static int read_one(struct reading *r)
{
	struct member members[ARRAY_LEN(of_result) + ARRAY_LEN(of_assignment)];
	struct object o = {.scenario = NULL};

	memcpy(members, of_result, sizeof of_result);
	memcpy(members + ARRAY_LEN(of_result), of_assignment, sizeof of_assignment);
	if (read_object(r, members, ARRAY_LEN(members), &o) != 0)
		return -1;
	if (!r->any)
		return jsonr_wrong(&r->json, r->json.at, "there is no 'schema'");
	if (!o.scenario || !o.version)
		return jsonr_wrong(&r->json, r->json.at, "there is no '%s'",
				   o.scenario ? "version" : "scenario");
	r->out->scenario = o.scenario;
	r->out->version = o.version;
	r->out->title = o.title;
	r->out->computed = o.computed;
	r->out->goal = o.goal;
	r->out->pareto = o.goal ? o.pareto : NULL;
	return o.row.name ? keep_row(r, &o.row) : 0;
}

static void keep(struct reading *r)
{
	struct assignment_row *rows = arena_array(r->arena, r->rows.n + 1, sizeof *rows);
	struct note *notes = arena_array(r->arena, r->notes.n + 1, sizeof *notes);

	if (r->rows.n)
		memcpy(rows, r->rows.at, r->rows.n * sizeof *rows);
	if (r->notes.n)
		memcpy(notes, r->notes.at, r->notes.n * sizeof *notes);
	r->out->rows = rows;
	r->out->rows_n = r->rows.n;
	r->out->notes = notes;
	r->out->notes_n = r->notes.n;
}

int result_read(struct arena *a, const char *path, const char *text, size_t n, struct result *out,
		const char **config, struct err *err)
{
	struct reading r = {.arena = a, .out = out, .config = config};
	int rc;

	*out = (struct result){.seed = 0};
	*config = NULL;
	jsonr_init(&r.json, a, path, text, n, err);
	do {
		rc = read_one(&r);
		r.json.at += strspn(r.json.text + r.json.at, " \t\r\n");
	} while (rc == 0 && r.json.at < n);
	keep(&r);
	VEC_FREE(&r.rows);
	VEC_FREE(&r.notes);
	return rc;
}
