/* csv.c - see csv.h. */
#include "sim/base/csv.h"

#include <string.h>

#include "sim/base/str.h"
#include "sim/base/vec.h"

struct reader {
	struct arena *arena;
	const char *path, *at;
	int line;
};

static void next_line(struct reader *r)
{
	r->at += strcspn(r->at, "\n");
	if (*r->at) {
		r->at++;
		r->line++;
	}
}

/* Reads one field and leaves r->at at the character that ends it. Returns NULL with err if a quote is not
 * closed. */
static const char *read_field(struct reader *r, struct err *err)
{
	const int first = r->line;
	struct str s = STR_INIT;
	const char *text;

	if (*r->at != '"') {
		const char *from = r->at;
		size_t len;

		r->at += strcspn(r->at, ",\r\n");
		len = (size_t)(r->at - from);
		return arena_strndup(r->arena, from, len);
	}
	for (r->at++; *r->at && (*r->at != '"' || r->at[1] == '"'); r->at++) {
		r->at += *r->at == '"';
		r->line += *r->at == '\n';
		str_add_n(&s, r->at, 1);
	}
	text = arena_strdup(r->arena, s.text);
	str_release(&s);
	if (*r->at != '"') {
		err_set(err, "%s:%d: a quote is not closed", r->path, first);
		return NULL;
	}
	r->at++;
	return text;
}

/* Reads the fields of a line into at[]; returns their number, or -1 with err. */
static int read_fields(struct reader *r, const char *at[CSV_COLUMNS], struct err *err)
{
	int n = 0;

	for (;;) {
		if (n == CSV_COLUMNS)
			return err_set(err, "%s:%d: more than %d fields", r->path, r->line, CSV_COLUMNS);
		at[n] = read_field(r, err);
		if (!at[n++])
			return -1;
		if (*r->at != ',')
			break;
		r->at++;
	}
	if (*r->at == '\r')
		r->at++;
	if (*r->at && *r->at != '\n')
		return err_set(err, "%s:%d: text after a closed quote", r->path, r->line);
	next_line(r);
	return n;
}

static void skip_lines(struct reader *r)
{
	while (*r->at == '#' || *r->at == '\n' || (*r->at == '\r' && r->at[1] == '\n'))
		next_line(r);
}

static int read_head(struct reader *r, struct csv *c, struct err *err)
{
	const char *at[CSV_COLUMNS];
	int n;

	skip_lines(r);
	if (!*r->at)
		return err_set(err, "%s: empty, a line of column names is wanted", r->path);
	c->head_line = r->line;
	n = read_fields(r, at, err);
	if (n < 0)
		return -1;
	c->heads_n = (size_t)n;
	c->heads = arena_array(r->arena, c->heads_n, sizeof *c->heads);
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < i; j++)
			if (!strcmp(at[i], at[j]))
				return err_set(err, "%s:%d: two columns are called '%.60s'", r->path,
					       c->head_line, at[i]);
		c->heads[i] = at[i];
	}
	return 0;
}

int csv_read(struct arena *a, const char *path, const char *text, struct csv *c, struct err *err)
{
	struct reader r = {a, path, text, 1};
	VEC(struct csv_row) rows = {0};
	int rc = read_head(&r, c, err);

	c->path = path;
	for (skip_lines(&r); rc == 0 && *r.at; skip_lines(&r)) {
		const char *at[CSV_COLUMNS];
		struct csv_row row = {.line = r.line, .at = arena_array(a, c->heads_n, sizeof *row.at)};
		const int n = read_fields(&r, at, err);

		if (n > (int)c->heads_n)
			rc = err_set(err, "%s:%d: %d fields under %zu column names", path, row.line, n,
				     c->heads_n);
		else if (n < 0 || rows.n == CSV_ROWS)
			rc = err_set(err, "%s:%d: more than %d rows", path, row.line, CSV_ROWS);
		for (size_t i = 0; rc == 0 && i < c->heads_n; i++)
			row.at[i] = i < (size_t)n ? at[i] : "";
		if (rc == 0)
			VEC_ADD(&rows, row);
	}
	c->n = rows.n;
	c->rows = arena_array(a, rows.n, sizeof *c->rows);
	if (rows.n)
		memcpy(c->rows, rows.at, rows.n * sizeof *c->rows);
	VEC_FREE(&rows);
	return rc;
}

size_t csv_column(const struct csv *c, const char *head)
{
	for (size_t i = 0; i < c->heads_n; i++)
		if (!strcmp(c->heads[i], head))
			return i;
	return (size_t)-1;
}

const char *csv_get(const struct csv *c, const struct csv_row *row, const char *head)
{
	const size_t i = csv_column(c, head);

	return i == (size_t)-1 ? "" : row->at[i];
}
