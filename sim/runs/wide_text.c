/* wide_text.c - tables that people write without bars, which tabs, commas, semicolons or blanks part. See ingest_wide.h. */
#include <ctype.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/runs/ingest_wide.h"

/* --- fields --------------------------------------------------------------------------------------- */

/* The length of what parts columns here, 0: nothing does. */
static size_t separator_at(const char *at, char kind)
{
	if (kind == ' ')
		return at[0] == ' ' && at[1] == ' ' ? strspn(at, " ") : 0;
	return *at == kind;
}

/* The length of a quoted field with both quotes, of which two within it stand for one; 0: none begins here, or it has no end. */
static size_t quoted_length(const char *at, char kind)
{
	size_t n = 1;

	if (*at != '"' || kind == ' ')
		return 0;
	while (at[n] && (at[n] != '"' || at[n + 1] == '"'))
		n += at[n] == '"' ? 2 : 1;
	n += at[n] == '"';
	return at[n - 1] == '"' && n > 1 ? n + strspn(at + n, " ") : 0;
}

/* The length of a field that begins here: up to what parts columns, or the end of the line, which a quoted one may hold. */
static size_t field_length(const char *from, char kind)
{
	const size_t blanks = strspn(from, " ");
	size_t n = quoted_length(from + blanks, kind);

	n = n ? n + blanks : 0;
	if (n && from[n] && from[n] != '\n' && !separator_at(from + n, kind))
		n = 0; /* more stands behind the quote: it was none */
	while (from[n] && from[n] != '\n' && !separator_at(from + n, kind))
		n++;
	return n;
}

/* The field without its quotes and without blanks at its ends; a bar and the end of a line within it become blanks. */
static const char *field_text(struct arena *a, const char *from, size_t len, char kind)
{
	char *out, *to;

	for (; len && *from == ' '; len--)
		from++;
	out = to = arena_strndup(a, from, len);
	if (len && quoted_length(out, kind) == len) {
		for (const char *at = out + 1; *at && (*at != '"' || at[1] == '"'); at++) {
			at += *at == '"';
			*to++ = *at;
		}
		*to = '\0';
	}
	for (to = out; *to; to++)
		*to = *to == '|' || *to == '\n' ? ' ' : *to;
	return out;
}

/* Cuts the record that begins the text; returns its length without the end of the line. */
static size_t split_by(struct arena *a, const char *text, char kind, struct cells *c)
{
	const char *from = text;

	c->n = 0;
	for (;;) {
		const size_t n = field_length(from, kind);

		if (c->n < CELLS)
			c->at[c->n++] = field_text(a, from, n, kind);
		from += n;
		if (!*from || *from == '\n')
			return (size_t)(from - text);
		from += separator_at(from, kind);
	}
}

/* --- heads ---------------------------------------------------------------------------------------- */

static bool holds_any(const char *line, const char *const *words)
{
	for (; *words; words++)
		if (wide_holds(line, *words))
			return true;
	return false;
}

/* Most lines of a long log can be told from a head by the words that they lack. */
static bool may_head(const char *line)
{
	static const char *const rates[] = {"pp",      "tg",     "t/s",   "tok", "tps",
					    "prefill", "decode", "speed", NULL};
	static const char *const what[] = {"model",  "quant",  "machine", "hardware", "gpu",    "chip",
					   "device", "engine", "backend", "runtime",  "test",   "format",
					   "size",   "prompt", "llm",     "system",   "metric", NULL};

	return holds_any(line, rates) && holds_any(line, what);
}

/* What parts the columns of the record that begins the text, where it is the head of such a table; '\0': it is none. */
static char heads_wide(struct arena *a, const char *text, struct cells *c, size_t *len)
{
	static const char kinds[] = {'\t', ' ', ',', ';'};
	const size_t n = strcspn(text, "\n");

	if (memchr(text, '|', n) || !may_head(arena_strndup(a, text, n)))
		return '\0';
	for (size_t i = 0; i < sizeof kinds; i++) {
		struct wide_head h;

		*len = split_by(a, text, kinds[i], c);
		if (c->n > 1 && wide_head_read(a, c, &h) && wide_head_describes(&h))
			return kinds[i];
	}
	return '\0';
}

/* --- tables --------------------------------------------------------------------------------------- */

struct plain_table {
	char kind; /* what parts its columns */
	size_t columns;
	bool apart; /* another line stood between its last row and here */
	int line;
	struct wide_skipped skipped;
};

static bool has_number(const struct cells *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (isdigit((unsigned char)c->at[i][strspn(c->at[i], "~ ")]))
			return true;
	return false;
}

/* Is the record a row? One of too few or too many cells is, so that it is told. Prose has commas too, and a log blanks: what
 * does not follow a row must be of as many columns as the head, and hold a number. */
static bool is_row(const struct plain_table *t, const struct cells *c)
{
	if (t->apart)
		return c->n == t->columns && has_number(c);
	if (t->kind == ' ')
		return c->n > 1 && (c->n <= t->columns || has_number(c));
	return c->n > 2 || (c->n == 2 && (t->columns == 2 || has_number(c)));
}

/* Does a line end as a row does, in a number that is a word of its own, and hold as many words as the table has columns? A long name
 * leaves one blank where there should be several, and a cell less stands behind an empty line. */
static bool looks_like_row(const struct plain_table *t, const char *line, size_t len)
{
	size_t words = 0, digits = 0;

	for (size_t i = 0; i < len; i++)
		words += line[i] != ' ' && line[i] != t->kind &&
			 (!i || line[i - 1] == ' ' || line[i - 1] == t->kind);
	while (digits < len &&
	       (isdigit((unsigned char)line[len - 1 - digits]) || line[len - 1 - digits] == '.'))
		digits++;
	return digits && digits < len && strchr(" \t,;", line[len - 1 - digits]) && line[len - 1] != '.' &&
	       words >= t->columns && words <= 2 * t->columns;
}

/* The cells between bars, and the ends of lines that the record holds. */
static void add_bars(struct str *out, const struct cells *c, const char *record, size_t len)
{
	str_add(out, "|");
	for (size_t i = 0; i < c->n; i++)
		str_addf(out, " %s |", c->at[i]);
	for (size_t i = 0; i < len; i++)
		str_add(out, record[i] == '\n' ? "\n" : "");
}

/* Adds what begins the text, a record or a line; returns its length. */
static size_t add_record(struct arena *a, const char *text, struct plain_table *t, struct str *out)
{
	size_t n = strcspn(text, "\n"), len = 0;
	struct cells c;
	const char head = heads_wide(a, text, &c, &len);

	if (head) {
		t->kind = head;
		t->columns = c.n;
		t->apart = false;
		add_bars(out, &c, text, len);
		return len;
	}
	if (t->columns && n && *text != '#' && !memchr(text, '|', n)) {
		len = split_by(a, text, t->kind, &c);
		if (is_row(t, &c)) {
			t->apart = false;
			add_bars(out, &c, text, len);
			return len;
		}
	}
	if (t->columns && n && *text != '#' && !memchr(text, '|', n) && looks_like_row(t, text, n)) {
		t->skipped.line = t->skipped.n++ ? t->skipped.line : t->line;
		str_add_n(out, text, n);
		return n;
	}
	t->apart = t->apart || !n || strspn(text, "-= \t") < n;
	str_add_n(out, text, n);
	return n;
}

/* The ends of lines in a text. */
static int lines_in(const char *text, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

const char *wide_as_bars(struct arena *a, const char *text, struct wide_skipped *skipped)
{
	struct str out = STR_INIT;
	struct plain_table t = {.line = 1};
	const char *kept;

	while (*text) {
		const size_t n = add_record(a, text, &t, &out);

		t.line += lines_in(text, n) + 1;
		text += n;
		str_add(&out, *text ? "\n" : "");
		text += *text == '\n';
	}
	kept = arena_strdup(a, out.text);
	str_release(&out);
	*skipped = t.skipped;
	return kept;
}
