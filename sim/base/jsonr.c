/* jsonr.c - see jsonr.h. */
#include "sim/base/jsonr.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/utf8.h"
#include "sim/base/vec.h"

void jsonr_init(struct jsonr *j, struct arena *a, const char *path, const char *text, size_t n,
		struct err *err)
{
	*j = (struct jsonr){.path = path, .text = text, .n = n, .err = err, .arena = a, .most = JSONR_TEXT};
}

static int wrong_by_line(const struct jsonr *j, size_t at, const char *msg)
{
	size_t line = 1, from = 0;

	for (size_t i = 0; i < at && i < j->n; i++)
		if (j->text[i] == '\n') {
			line++;
			from = i + 1;
		}
	return err_set(j->err, "%s:%zu:%zu: %s", j->path, line, at - from + 1, msg);
}

int jsonr_wrong(struct jsonr *j, size_t at, const char *fmt, ...)
{
	char msg[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	if (j->by_line)
		return wrong_by_line(j, at, msg);
	return err_set(j->err, "%s:byte %llu: %s", j->path, (unsigned long long)(j->base + at), msg);
}

static char peek(struct jsonr *j)
{
	while (j->at < j->n && strchr(" \t\r\n", j->text[j->at]) && j->text[j->at])
		j->at++;
	return j->at < j->n ? j->text[j->at] : '\0';
}

static int expected(struct jsonr *j, const char *what)
{
	const char c = peek(j);

	if (j->at >= j->n)
		return jsonr_wrong(j, j->at, "expected %s, the text ends", what);
	return jsonr_wrong(j, j->at, "expected %s, got '%s'", what, utf8_printable(j->arena, &c, 1, 1));
}

static int open_bracket(struct jsonr *j, char bracket, const char *what)
{
	if (peek(j) != bracket)
		return expected(j, what);
	if (j->depth == JSONR_DEPTH)
		return jsonr_wrong(j, j->at, "nested too deeply: %d levels are allowed", JSONR_DEPTH);
	j->first[j->depth++] = true;
	j->at++;
	return 0;
}

int jsonr_object(struct jsonr *j)
{
	return open_bracket(j, '{', "'{'");
}

int jsonr_list(struct jsonr *j)
{
	return open_bracket(j, '[', "'['");
}

/* Returns 1 if another item follows, 0 if the bracket was closed, -1 with err. */
static int next_item(struct jsonr *j, char bracket, const char *what)
{
	const char c = peek(j);
	bool *first = &j->first[j->depth - 1];

	if (c == bracket) {
		j->at++;
		j->depth--;
		return 0;
	}
	if (!*first && c != ',')
		return expected(j, what);
	if (!*first)
		j->at++;
	*first = false;
	return 1;
}

int jsonr_key(struct jsonr *j, const char **key)
{
	const int rc = next_item(j, '}', "',' or '}'");

	if (rc != 1)
		return rc;
	if (jsonr_text(j, key) != 0)
		return -1;
	if (peek(j) != ':')
		return expected(j, "':'");
	j->at++;
	return 1;
}

int jsonr_item(struct jsonr *j)
{
	return next_item(j, ']', "',' or ']'");
}

static int hex4(struct jsonr *j, uint32_t *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++, j->at++) {
		const char c = j->at < j->n ? j->text[j->at] : '\0';
		const char *digit = c ? strchr("0123456789abcdef", c | 0x20) : NULL;

		if (!digit || (c < '0'))
			return jsonr_wrong(j, j->at, "expected four hexadecimal digits");
		*code = *code * 16 + (uint32_t)(digit - "0123456789abcdef");
	}
	return 0;
}

static void put_utf8(struct str *s, uint32_t c)
{
	char x[4];
	size_t n = 0;

	if (c < 0x80) {
		x[n++] = (char)c;
	} else if (c < 0x800) {
		x[n++] = (char)(0xc0 | c >> 6);
		x[n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		x[n++] = (char)(0xe0 | c >> 12);
		x[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		x[n++] = (char)(0x80 | (c & 0x3f));
	} else {
		x[n++] = (char)(0xf0 | c >> 18);
		x[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		x[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		x[n++] = (char)(0x80 | (c & 0x3f));
	}
	str_add_n(s, x, n);
}

/* Reads the code point after "\u"; a surrogate pair is read as one. */
static int read_unicode(struct jsonr *j, struct str *s)
{
	const size_t at = j->at;
	uint32_t c, low;

	if (hex4(j, &c) != 0)
		return -1;
	if (c >= 0xd800 && c < 0xdc00) {
		if (j->n - j->at < 6 || j->text[j->at] != '\\' || j->text[j->at + 1] != 'u')
			return jsonr_wrong(j, at, "half of a surrogate pair");
		j->at += 2;
		if (hex4(j, &low) != 0)
			return -1;
		if (low < 0xdc00 || low >= 0xe000)
			return jsonr_wrong(j, at, "half of a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c < 0xe000) {
		return jsonr_wrong(j, at, "half of a surrogate pair");
	}
	if (!c)
		return jsonr_wrong(j, at, "text may not hold a NUL");
	put_utf8(s, c);
	return 0;
}

static int read_escape(struct jsonr *j, struct str *s)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char c = j->at < j->n ? j->text[j->at] : '\0';
	const char *known = c ? strchr(from, c) : NULL;

	j->at++;
	if (c == 'u')
		return read_unicode(j, s);
	if (!known)
		return jsonr_wrong(j, j->at - 1, "unknown escape in text");
	str_add_n(s, &to[known - from], 1);
	return 0;
}

static int read_text(struct jsonr *j, struct str *s)
{
	const size_t from = j->at;

	for (j->at++;;) {
		const unsigned char c = j->at < j->n ? (unsigned char)j->text[j->at] : 0;
		uint32_t code;

		if (j->at >= j->n)
			return jsonr_wrong(j, from, "the quote that opens here is never closed");
		if (c == '"') {
			j->at++;
			return 0;
		}
		if (c < 0x20)
			return jsonr_wrong(j, j->at, "text may not hold the control character 0x%02x", c);
		if (s->len > j->most)
			return jsonr_wrong(j, from, "text of more than %zu bytes", j->most);
		if (c == '\\') {
			j->at++;
			if (read_escape(j, s) != 0)
				return -1;
			continue;
		}
		const size_t len = utf8_decode(j->text + j->at, &code);

		if (!len)
			return jsonr_wrong(j, j->at, "this byte (0x%02x) is not UTF-8", c);
		str_add_n(s, j->text + j->at, len);
		j->at += len;
	}
}

bool jsonr_is_text(struct jsonr *j)
{
	return peek(j) == '"';
}

bool jsonr_is_number(struct jsonr *j)
{
	const char c = peek(j);

	return c == '-' || (c >= '0' && c <= '9');
}

int jsonr_text(struct jsonr *j, const char **to)
{
	struct str s = STR_INIT;
	int rc;

	if (!jsonr_is_text(j))
		return expected(j, "text in quotes");
	rc = read_text(j, &s);
	if (rc == 0)
		*to = j->verbatim ? arena_strndup(j->arena, s.text, s.len)
				  : utf8_printable(j->arena, s.text, s.len, s.len);
	str_release(&s);
	return rc;
}

static size_t skip_digits(struct jsonr *j)
{
	const size_t from = j->at;

	while (j->at < j->n && j->text[j->at] >= '0' && j->text[j->at] <= '9')
		j->at++;
	return j->at - from;
}

int jsonr_count(struct jsonr *j, uint64_t *to)
{
	const char c = peek(j);
	const size_t from = j->at;

	if (c < '0' || c > '9')
		return expected(j, "a whole number");
	if (skip_digits(j) > 16 || (j->at < j->n && j->text[j->at] && strchr(".eE", j->text[j->at])))
		return jsonr_wrong(j, from, "expected a whole number below 2^53");
	if (c == '0' && j->at > from + 1)
		return jsonr_wrong(j, from, "a number may not begin with 0");
	*to = strtoull(j->text + from, NULL, 10);
	if (*to >= (uint64_t)1 << 53)
		return jsonr_wrong(j, from, "expected a whole number below 2^53");
	return 0;
}

static int skip_number(struct jsonr *j)
{
	const size_t from = j->at;

	j->at += j->text[j->at] == '-';
	if (!skip_digits(j))
		return jsonr_wrong(j, from, "expected a value");
	if (j->at < j->n && j->text[j->at] == '.') {
		j->at++;
		if (!skip_digits(j))
			return jsonr_wrong(j, j->at, "expected a digit");
	}
	if (j->at < j->n && (j->text[j->at] == 'e' || j->text[j->at] == 'E')) {
		j->at++;
		j->at += j->at < j->n && (j->text[j->at] == '-' || j->text[j->at] == '+');
		if (!skip_digits(j))
			return jsonr_wrong(j, j->at, "expected a digit");
	}
	return 0;
}

/* Whether the word comes next; it is then passed. */
static bool take_word(struct jsonr *j, const char *word)
{
	const size_t len = strlen(word);

	peek(j);
	if (j->n - j->at < len || memcmp(j->text + j->at, word, len) != 0)
		return false;
	j->at += len;
	return true;
}

int jsonr_number(struct jsonr *j, double *to)
{
	const bool number = jsonr_is_number(j);
	const size_t from = j->at;

	if (!number)
		return expected(j, "a number");
	if (skip_number(j) != 0)
		return -1;
	*to = strtod(j->text + from, NULL);
	return isfinite(*to) ? 0 : jsonr_wrong(j, from, "the number is too large");
}

int jsonr_bool(struct jsonr *j, bool *to)
{
	*to = take_word(j, "true");
	return *to || take_word(j, "false") ? 0 : expected(j, "true or false");
}

bool jsonr_null(struct jsonr *j)
{
	return take_word(j, "null");
}

static int skip_word(struct jsonr *j)
{
	return take_word(j, "true") || take_word(j, "false") || take_word(j, "null") ? 0 : skip_number(j);
}

int jsonr_skip(struct jsonr *j)
{
	const char c = peek(j);
	const char *key;
	int rc;

	if (c == '"')
		return jsonr_text(j, &key);
	if (c != '{' && c != '[')
		return j->at < j->n ? skip_word(j) : expected(j, "a value");
	if (open_bracket(j, c, "") != 0)
		return -1;
	while ((rc = c == '{' ? jsonr_key(j, &key) : jsonr_item(j)) == 1)
		if (jsonr_skip(j) != 0)
			return -1;
	return rc;
}

int jsonr_end(struct jsonr *j)
{
	peek(j);
	return j->at < j->n ? jsonr_wrong(j, j->at, "nothing may follow the last '}'") : 0;
}

int jsonr_texts(struct jsonr *j, struct texts *to)
{
	VEC(const char *) all = {0};
	const char *text;
	int rc = jsonr_list(j);

	while (rc == 0 && (rc = jsonr_item(j)) == 1) {
		rc = jsonr_text(j, &text);
		if (rc == 0)
			VEC_ADD(&all, text);
	}
	if (rc == 0)
		*to = texts_join(j->arena, &(struct texts){0}, all.at, all.n);
	VEC_FREE(&all);
	return rc;
}

bool jsonr_line(struct jsonr_lines *l, struct jsonr *j)
{
	const char *const from = l->text + l->at, *end;
	size_t n;

	if (l->at >= l->len)
		return false;
	end = memchr(from, '\n', l->len - l->at);
	n = end ? (size_t)(end - from) : l->len - l->at;
	l->line++;
	l->at += n + 1;
	jsonr_init(j, l->arena, arena_printf(l->arena, "%s:line %zu", l->path, l->line), from, n, l->err);
	j->verbatim = true;
	return true;
}

bool jsonr_lines_are(const char *text, size_t len, const char *format)
{
	static const char key[] = "{\"format\":\"";
	const size_t key_n = sizeof key - 1, format_n = strlen(format);

	return len >= key_n + format_n && !memcmp(text, key, key_n) &&
	       !memcmp(text + key_n, format, format_n);
}
