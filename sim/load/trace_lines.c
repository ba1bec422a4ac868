/* trace_lines.c - lines, cells and numbers of traces; see trace_parts.h. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/load/trace_parts.h"
#include "sim/world/serve.h"

int lines_open(struct lines *l, const char *path, struct err *err)
{
	*l = (struct lines){.file = fopen(path, "rb"), .name = path};
	if (!l->file)
		return err_set(err, "cannot read %.200s: %s", path, strerror(errno));
	l->buffer = xmalloc(LINES_BUFFER);
	return 0;
}

void lines_of_text(struct lines *l, const char *name, const char *text, size_t len)
{
	*l = (struct lines){.name = name, .text = text, .len = len};
}

void lines_close(struct lines *l)
{
	if (l->file)
		fclose(l->file);
	free(l->buffer);
	VEC_FREE(&l->line);
}

struct quoted lines_quote(const char *text, size_t len)
{
	struct quoted q = {""};

	for (size_t i = 0; i < len && i < sizeof q.text - 4; i++) {
		q.text[i] = text[i];
		if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f)
			q.text[i] = '?';
	}
	if (len > sizeof q.text - 4)
		memcpy(q.text + sizeof q.text - 4, "...", 4);
	return q;
}

int lines_wrong(const struct lines *l, const char *at, struct err *err, const char *hint, const char *fmt,
		...)
{
	char msg[256];
	int column = 0;
	va_list args;

	va_start(args, fmt);
	vsnprintf(msg, sizeof msg, fmt, args);
	va_end(args);
	for (const char *s = l->line.at; at && s <= at; s++)
		column += ((unsigned char)*s & 0xc0) != 0x80; /* code points */
	if (at)
		err_set(err, "%.200s:%lld:%d: %s", l->name, (long long)l->number, column, msg);
	else
		err_set(err, "%.200s:%lld: %s", l->name, (long long)l->number, msg);
	return hint ? err_hint(err, "%s", hint) : -1;
}

/* More of the file, where the text is used up. */
static bool refill(struct lines *l)
{
	if (!l->len && l->file) {
		l->text = l->buffer;
		l->len = fread(l->buffer, 1, LINES_BUFFER, l->file);
	}
	return l->len > 0;
}

/* One line, blank or not: 1, 0 at the end, -1. */
static int take_line(struct lines *l, struct err *err)
{
	bool ended = false;

	l->line.n = 0;
	if (!refill(l)) {
		if (l->file && ferror(l->file))
			return err_set(err, "cannot read %.200s", l->name);
		return 0;
	}
	l->number++;
	while (!ended && refill(l)) {
		const char *end = memchr(l->text, '\n', l->len);
		const size_t n = end ? (size_t)(end - l->text) : l->len;

		VEC_RESERVE(&l->line, n + 1);
		memcpy(l->line.at + l->line.n, l->text, n);
		l->line.n += n;
		l->text += n + (end != NULL);
		l->len -= n + (end != NULL);
		ended = end != NULL;
		if (l->line.n > TRACE_LINE)
			return lines_wrong(l, NULL, err, "is this a trace?",
					   "the line is longer than %d bytes", TRACE_LINE);
	}
	l->line.n -= l->line.n && l->line.at[l->line.n - 1] == '\r';
	VEC_RESERVE(&l->line, 1);
	l->line.at[l->line.n] = '\0';
	if (memchr(l->line.at, '\0', l->line.n))
		return lines_wrong(l, NULL, err, "unpack it first if it is packed", "this is not text");
	return 1;
}

int lines_next(struct lines *l, struct err *err)
{
	int rc;

	while ((rc = take_line(l, err)) == 1 && strspn(l->line.at, " \t") == l->line.n)
		;
	if (rc == 1 && l->number == 1 && str_starts(l->line.at, "\xef\xbb\xbf")) {
		l->line.n -= 3;
		memmove(l->line.at, l->line.at + 3, l->line.n + 1);
	}
	return rc;
}

/* A quoted cell from its opening quote: what follows the closing one, or NULL. */
static char *unquote(char *s, struct cell *c)
{
	char *to = s;

	c->text = s;
	for (s++; *s; s++) {
		if (*s == '"' && s[1] != '"')
			break;
		s += *s == '"';
		*to++ = *s;
	}
	c->len = (size_t)(to - c->text);
	return *s ? s + 1 : NULL;
}

/* n: cells of this line. A row with a cell that no column names would be read in part, in silence. */
static size_t check_columns(struct lines *l, size_t n, size_t room, struct err *err)
{
	if (!l->columns && n <= room)
		l->columns = n;
	if (n <= l->columns)
		return n;
	if (!l->columns)
		lines_wrong(l, NULL, err, NULL, "more than %zu columns", room);
	else
		lines_wrong(l, NULL, err, "a cell that holds a comma stands in quotes",
			    "the line has %zu cells, the first line %zu", n, l->columns);
	return 0;
}

size_t lines_cells(struct lines *l, struct cell *cells, size_t room, struct err *err)
{
	char *s = l->line.at;
	size_t n = 0;

	for (;;) {
		struct cell c = {s, strcspn(s, ",")};
		char *end = *s == '"' ? unquote(s, &c) : s + c.len;

		if (!end || (*end && *end != ',')) {
			lines_wrong(l, s, err, NULL, "the quotes of this cell do not close");
			return 0;
		}
		for (; c.len && c.text[0] == ' '; c.len--)
			c.text++;
		for (; c.len && c.text[c.len - 1] == ' ';)
			c.len--;
		if (n < room)
			cells[n] = c;
		n++;
		if (!*end)
			return check_columns(l, n, room, err);
		s = end + 1;
	}
}

struct scanned {
	int64_t digits;
	int exponent; /* power of ten */
	bool exact;
};

/* Digits and a point: 18 that count are kept. Returns where they end, NULL without a digit. */
static const char *scan_digits(const char *s, const char *end, struct scanned *out)
{
	bool point = false, any = false;

	for (; s < end && ((*s >= '0' && *s <= '9') || (*s == '.' && !point)); s++) {
		if (*s == '.') {
			point = true;
			continue;
		}
		any = true;
		if (out->digits < 100000000000000000) {
			out->digits = out->digits * 10 + (*s - '0');
			out->exponent -= point;
		} else {
			out->exact &= *s == '0';
			out->exponent += !point;
		}
	}
	return any ? s : NULL;
}

static const char *scan_exponent(const char *s, const char *end, int *exponent)
{
	bool negative = false;
	int e = 0;

	if (s == end || (*s != 'e' && *s != 'E'))
		return s;
	s++;
	if (s < end && (*s == '-' || *s == '+'))
		negative = *s++ == '-';
	if (s == end)
		return NULL;
	for (; s < end && *s >= '0' && *s <= '9'; s++)
		e = e < 100000 ? e * 10 + (*s - '0') : e;
	*exponent += negative ? -e : e;
	return s;
}

enum decimal decimal_parse(const char *text, size_t len, int scale, int64_t *value, bool *exact)
{
	const char *end = text + len, *s = text;
	const bool negative = len && *s == '-';
	struct scanned n = {0, 0, true};

	s += len && (*s == '-' || *s == '+');
	s = scan_digits(s, end, &n);
	s = s ? scan_exponent(s, end, &n.exponent) : NULL;
	if (s != end)
		return DECIMAL_NO_NUMBER;
	n.exponent += scale;
	for (; n.exponent > 0 && n.digits; n.exponent--) {
		if (n.digits > INT64_MAX / 10)
			return DECIMAL_TOO_LARGE;
		n.digits *= 10;
	}
	for (; n.exponent < -1 && n.digits; n.exponent++) {
		n.exact &= n.digits % 10 == 0;
		n.digits /= 10;
	}
	if (n.exponent < 0 && n.digits) {
		n.exact &= n.digits % 10 == 0;
		n.digits = (n.digits + 5) / 10;
	}
	*value = n.digits;
	*exact = n.exact;
	return negative && n.digits ? DECIMAL_NEGATIVE : DECIMAL_FINE;
}

int lines_time(const struct lines *l, struct cell c, int scale, int64_t *ns, struct err *err)
{
	const int64_t latest = 1000000000000000000; /* 30 years */
	const struct quoted q = lines_quote(c.text, c.len);
	bool exact;

	switch (decimal_parse(c.text, c.len, scale, ns, &exact)) {
	case DECIMAL_NO_NUMBER:
		return lines_wrong(l, c.text, err, "a time such as 12.5", "'%s' is not a number", q.text);
	case DECIMAL_NEGATIVE:
		return lines_wrong(l, c.text, err, "let the trace begin at 0", "the time '%s' is negative",
				   q.text);
	case DECIMAL_TOO_LARGE:
		break;
	case DECIMAL_FINE:
		if (*ns <= latest)
			return 0;
	}
	return lines_wrong(l, c.text, err, "count from the first request, in the column's unit",
			   "the time '%s' is beyond 30 years", q.text);
}

int lines_tokens(const struct lines *l, struct cell c, const char *what, int64_t *tokens, struct err *err)
{
	const struct quoted q = lines_quote(c.text, c.len);
	bool exact = true;
	const enum decimal d = decimal_parse(c.text, c.len, 0, tokens, &exact);

	if (d == DECIMAL_NO_NUMBER || (d == DECIMAL_FINE && !exact))
		return lines_wrong(l, c.text, err, "a whole number such as 512",
				   "%s: '%s' is not a number of tokens", what, q.text);
	if (d == DECIMAL_NEGATIVE)
		return lines_wrong(l, c.text, err, "a whole number such as 512", "%s: '%s' is negative", what,
				   q.text);
	if (d == DECIMAL_TOO_LARGE || *tokens > LENGTH_MAX)
		return lines_wrong(l, c.text, err, NULL, "%s: '%s' is more than %d tokens", what, q.text,
				   LENGTH_MAX);
	return 0;
}
