/* cells_read.c - cells read from their lines; see cells_file.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/jsonr.h"
#include "sim/base/vec.h"
#include "sim/sweep/cells_parts.h"

struct cells_reading {
	struct jsonr j;
	struct sweep *s;
	struct arena *arena;
	const char *version;
	struct jsonr_lines lines;
	struct err *err;
};

static int wrong(struct cells_reading *r, const char *what)
{
	return err_set(r->err, "%s:line %zu: %s", r->lines.path, r->lines.line, what);
}

/* The key comes next: all are written in one order. */
static int want_key(struct cells_reading *r, const char *key)
{
	const char *got;
	char text[100];

	if (jsonr_key(&r->j, &got) != 1 || strcmp(got, key) != 0) {
		snprintf(text, sizeof text, "expected the key '%s'", key);
		return wrong(r, text);
	}
	return 0;
}

static int read_number(struct cells_reading *r, double *to)
{
	const char *word;
	double number;

	*to = NAN;
	if (jsonr_null(&r->j))
		return 0;
	if (r->j.at < r->j.n && r->j.text[r->j.at] == '"') {
		if (jsonr_text(&r->j, &word) != 0)
			return -1;
		*to = strcmp(word, "inf") == 0 ? (double)INFINITY : -(double)INFINITY;
		return strcmp(word, "inf") == 0 || strcmp(word, "-inf") == 0 ? 0
									     : wrong(r, "expected a number");
	}
	if (jsonr_number(&r->j, &number) != 0)
		return -1;
	*to = number;
	return 0;
}

static int read_key_number(struct cells_reading *r, const char *key, double *to)
{
	return want_key(r, key) == 0 ? read_number(r, to) : -1;
}

static int read_key_text(struct cells_reading *r, const char *key, const char **to)
{
	return want_key(r, key) == 0 ? jsonr_text(&r->j, to) : -1;
}

static int read_key_bool(struct cells_reading *r, const char *key, bool *to)
{
	return want_key(r, key) == 0 ? jsonr_bool(&r->j, to) : -1;
}

/* Exactly n numbers of a list. */
static int read_numbers(struct cells_reading *r, double *to, size_t n)
{
	if (jsonr_list(&r->j) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (jsonr_item(&r->j) != 1 || read_number(r, &to[i]) != 0)
			return r->err->msg[0] ? -1 : wrong(r, "a number is missing");
	return jsonr_item(&r->j) == 0 ? 0 : wrong(r, "a list is too long");
}

static int read_texts(struct cells_reading *r, const char *key, struct texts *to)
{
	return want_key(r, key) == 0 ? jsonr_texts(&r->j, to) : -1;
}

static int read_inputs(struct cells_reading *r, const struct load_input **to, size_t *n)
{
	VEC(struct load_input) all = {0};
	int rc = want_key(r, "inputs") == 0 ? jsonr_list(&r->j) : -1;

	while (rc == 0 && (rc = jsonr_item(&r->j)) == 1) {
		struct load_input in;
		const char *sha, *more;

		rc = jsonr_object(&r->j);
		if (rc == 0)
			rc = read_key_text(r, "file", &in.path);
		if (rc == 0)
			rc = read_key_text(r, "sha256", &sha);
		if (rc == 0 && (strlen(sha) != 64 || jsonr_key(&r->j, &more) != 0))
			rc = wrong(r, "expected a file with its SHA-256");
		if (rc != 0)
			break;
		memcpy(in.sha256, sha, sizeof in.sha256);
		VEC_ADD(&all, in);
	}
	if (rc == 0 && all.n) {
		struct load_input *at = arena_array(r->arena, all.n, sizeof *at);

		memcpy(at, all.at, all.n * sizeof *at);
		*to = at;
	}
	*n = rc == 0 ? all.n : 0;
	VEC_FREE(&all);
	return rc;
}

static int read_axes(struct cells_reading *r, struct texts *over)
{
	VEC(const char *) all = {0};
	int rc = want_key(r, "axes") == 0 ? jsonr_list(&r->j) : -1;

	while (rc == 0 && (rc = jsonr_item(&r->j)) == 1) {
		struct str text = STR_INIT;
		struct texts values;
		const char *path, *more;

		rc = jsonr_object(&r->j);
		if (rc == 0)
			rc = read_key_text(r, "path", &path);
		if (rc == 0)
			rc = read_texts(r, "values", &values);
		if (rc == 0 && jsonr_key(&r->j, &more) != 0)
			rc = wrong(r, "expected an axis");
		if (rc != 0)
			break;
		str_addf(&text, "%s=", path);
		for (size_t i = 0; i < values.n; i++)
			str_addf(&text, "%s%s", i ? "," : "", values.at[i]);
		VEC_ADD(&all, arena_strdup(r->arena, text.text));
		str_release(&text);
	}
	if (rc == 0)
		*over = texts_join(r->arena, &(struct texts){0}, all.at, all.n);
	VEC_FREE(&all);
	return rc;
}

static int read_shown(struct cells_reading *r, struct sweep *s)
{
	VEC(struct sweep_shown) all = {0};
	int rc = want_key(r, "shown") == 0 ? jsonr_list(&r->j) : -1;

	while (rc == 0 && (rc = jsonr_item(&r->j)) == 1) {
		struct sweep_shown shown;
		const char *name, *more;

		rc = jsonr_object(&r->j);
		if (rc == 0)
			rc = read_key_text(r, "metric", &name);
		if (rc == 0)
			rc = (shown.metric = metric_find(name, r->err)) ? 0 : -1;
		if (rc == 0)
			rc = read_key_number(r, "bound", &shown.bound);
		if (rc == 0 && jsonr_key(&r->j, &more) != 0)
			rc = wrong(r, "expected a metric and its bound");
		if (rc != 0)
			break;
		shown.median = sweep_median_of(r->arena, shown.metric);
		VEC_ADD(&all, shown);
	}
	if (rc == 0) {
		s->shown = arena_array(r->arena, all.n, sizeof *s->shown);
		if (all.n)
			memcpy(s->shown, all.at, all.n * sizeof *s->shown);
		s->shown_n = all.n;
	}
	VEC_FREE(&all);
	return rc;
}

/* What the first line says besides format and version, as a sweep of which no cell was run. */
static int read_head_rest(struct cells_reading *r, struct sweep *s)
{
	const char *key, *more;
	struct texts names, over;
	struct sweep head = {0};

	if (read_key_text(r, "key", &key) != 0)
		return -1;
	if (strlen(key) != 64)
		return wrong(r, "expected a key of 64 digits");
	memcpy(head.key, key, sizeof head.key);
	if (read_key_text(r, "title", &head.title) != 0 || read_key_text(r, "metric", &head.metric) != 0 ||
	    read_key_text(r, "computed", &head.computed) != 0 || read_texts(r, "assignments", &names) != 0 ||
	    read_axes(r, &over) != 0 || sweep_lay_out(r->arena, &over, s, r->err) != 0 ||
	    read_shown(r, &head) != 0 || read_inputs(r, &head.inputs, &head.inputs_n) != 0)
		return -1;
	if (jsonr_key(&r->j, &more) != 0 || jsonr_end(&r->j) != 0)
		return r->err->msg[0] ? -1 : wrong(r, "the line says more than this program knows");
	if (!metric_find(head.metric, r->err))
		return -1;
	head.unit = metric_find(head.metric, r->err)->unit;
	head.names = names.at;
	head.names_n = names.n;
	head.axes = s->axes;
	head.axes_n = s->axes_n;
	head.cells = s->cells;
	head.cells_n = s->cells_n;
	*s = head;
	return 0;
}

static int read_head(struct cells_reading *r)
{
	const char *said, *version;
	struct sweep read = {0};

	if (jsonr_object(&r->j) != 0 || read_key_text(r, "format", &said) != 0 ||
	    strcmp(said, cells_format) != 0) {
		*r->err = (struct err)ERR_INIT; /* that it is another file says more than where it is */
		err_set(r->err, "%s is no file of the cells of a sweep", r->lines.path);
		return err_hint(r->err, "sweep writes one by --shard K/N -o FILE.jsonl");
	}
	if (read_key_text(r, "version", &version) != 0)
		return -1;
	if (strcmp(version, r->version) != 0) {
		err_set(r->err, "%s was written by version %s, this is %s", r->lines.path, version,
			r->version);
		return err_hint(r->err,
				"numbers of two versions are not put together: run all of it with one");
	}
	if (read_head_rest(r, &read) != 0)
		return -1;
	if (!r->s->names)
		*r->s = read;
	else if (memcmp(read.key, r->s->key, sizeof read.key) != 0) {
		err_set(r->err,
			"%s is of another sweep: its scenario or one of its files, an axis, a --set, the "
			"seed or "
			"the draws differ",
			r->lines.path);
		return err_hint(r->err, "its first line has the SHA-256 of each file");
	}
	return 0;
}

static int read_metric(struct cells_reading *r, const char *name, const struct metric **to)
{
	const struct metric_info *info = metric_find(name, r->err);
	double of[4];
	struct metric *m;

	*to = NULL;
	if (!info)
		return -1;
	if (jsonr_null(&r->j))
		return 0;
	if (read_numbers(r, of, ARRAY_LEN(of)) != 0)
		return -1;
	m = arena_alloc(r->arena, sizeof *m);
	*m = (struct metric){.name = info->name,
			     .unit = info->unit,
			     .value = of[0],
			     .lo = of[1],
			     .hi = of[2],
			     .less = info->less,
			     .ci = of[3]};
	*to = m;
	return 0;
}

static int read_entry_shown(struct cells_reading *r, struct sweep_entry *e)
{
	const struct sweep *s = r->s;
	const struct metric **shown = arena_array(r->arena, 2 * s->shown_n, sizeof *shown);
	int rc = want_key(r, "shown") == 0 ? jsonr_list(&r->j) : -1;

	for (size_t k = 0; rc == 0 && k < 2 * s->shown_n; k++) {
		const struct sweep_shown *of = &s->shown[k / 2];
		const struct metric_info *info = k % 2 && of->median ? of->median : of->metric;

		rc = jsonr_item(&r->j) == 1 ? read_metric(r, info->name, &shown[k])
					    : wrong(r, "a metric is missing");
	}
	e->shown = shown;
	return rc == 0 && jsonr_item(&r->j) == 0 ? 0 : -1;
}

static int read_entry(struct cells_reading *r, struct sweep_entry *e)
{
	const char *lack, *more;
	size_t k = 0;

	if (jsonr_item(&r->j) != 1)
		return wrong(r, "an assignment is missing");
	if (jsonr_object(&r->j) != 0 || read_key_bool(r, "alone", &e->alone) != 0 ||
	    read_key_text(r, "lacks", &lack) != 0)
		return -1;
	while (k < ARRAY_LEN(cells_lacks) && strcmp(cells_lacks[k], lack) != 0)
		k++;
	if (k == ARRAY_LEN(cells_lacks))
		return wrong(r, "'lacks' has an unknown value");
	e->lack = (enum sweep_lack)k;
	if (read_key_bool(r, "overloaded", &e->overloaded) != 0 ||
	    read_key_number(r, "holds", &e->holds) != 0 || want_key(r, "value") != 0 ||
	    read_metric(r, r->s->metric, &e->metric) != 0 || read_key_number(r, "times", &e->times) != 0 ||
	    read_key_number(r, "won", &e->won) != 0 || read_entry_shown(r, e) != 0)
		return r->err->msg[0] ? -1 : wrong(r, "an assignment says more than this program knows");
	e->fits = e->metric != NULL;
	return jsonr_key(&r->j, &more) == 0 ? 0 : wrong(r, "an assignment says more than this program knows");
}

static int read_key_count(struct cells_reading *r, const char *key, uint64_t below, size_t *to)
{
	uint64_t n;

	if (want_key(r, key) != 0 || jsonr_count(&r->j, &n) != 0)
		return -1;
	*to = (size_t)n;
	return n < below ? 0 : wrong(r, "a number is too large for this grid");
}

static int read_entries(struct cells_reading *r, struct sweep_cell *c)
{
	struct sweep_entry *entries = arena_array(r->arena, r->s->names_n, sizeof *entries);

	if (want_key(r, "entries") != 0 || jsonr_list(&r->j) != 0)
		return -1;
	for (size_t i = 0; i < r->s->names_n; i++)
		if (read_entry(r, &entries[i]) != 0)
			return -1;
	if (jsonr_item(&r->j) != 0)
		return wrong(r, "an assignment too many");
	c->entries = entries;
	if (c->best_alone < r->s->names_n && !entries[c->best_alone].metric)
		return wrong(r, "'best_alone' has no value");
	return 0;
}

/* Two files that have a cell both must agree on it. */
static int check_twice(struct cells_reading *r, size_t cell, const struct sweep_cell *again)
{
	struct str was = STR_INIT, is = STR_INIT;
	struct jsonw w;
	bool same;

	jsonw_init(&w, &was, 0);
	cells_put(&w, r->s, cell, &r->s->cells[cell]);
	jsonw_init(&w, &is, 0);
	cells_put(&w, r->s, cell, again);
	same = strcmp(was.text, is.text) == 0;
	str_release(&was);
	str_release(&is);
	return same ? 0 : wrong(r, "this cell was read before, with other numbers");
}

static int read_cell(struct cells_reading *r)
{
	struct sweep *s = r->s;
	struct sweep_cell c;
	const char *more;
	double *bounds = arena_array(r->arena, s->shown_n, sizeof *bounds);
	size_t cell;

	if (jsonr_object(&r->j) != 0 || read_key_count(r, "cell", s->cells_n, &cell) != 0)
		return -1;
	c = (struct sweep_cell){.values = s->cells[cell].values, .bounds = bounds};
	if (read_key_text(r, "computed", &c.computed) != 0 ||
	    read_key_count(r, "best_alone", s->names_n + 1, &c.best_alone) != 0 ||
	    want_key(r, "bounds") != 0 || read_numbers(r, bounds, s->shown_n) != 0 ||
	    read_entries(r, &c) != 0 || read_inputs(r, &c.inputs, &c.inputs_n) != 0)
		return -1;
	if (jsonr_key(&r->j, &more) != 0 || jsonr_end(&r->j) != 0)
		return r->err->msg[0] ? -1 : wrong(r, "the line says more than this program knows");
	if (s->cells[cell].entries)
		return check_twice(r, cell, &c);
	s->cells[cell] = c;
	return 0;
}

bool cells_is(const char *text, size_t len)
{
	return jsonr_lines_are(text, len, "lemursim/sweep-cells/");
}

int cells_read(struct arena *a, struct sweep *s, const char *path, const char *text, size_t len,
	       const char *version, struct err *err)
{
	struct cells_reading r = {.s = s,
				  .arena = a,
				  .version = version,
				  .lines = {.arena = a, .path = path, .text = text, .len = len, .err = err},
				  .err = err};
	int rc = 0;

	if (!len)
		return err_set(err, "%s is empty", path);
	while (rc == 0 && jsonr_line(&r.lines, &r.j))
		rc = r.lines.line == 1 ? read_head(&r) : read_cell(&r);
	return rc;
}
