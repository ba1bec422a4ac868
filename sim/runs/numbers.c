/* numbers.c - see numbers.h. */
#include "sim/runs/numbers.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_OF_GROUP = 3, NUMBER_MOST = 64 };

static const char digits[] = "0123456789";

/* The bytes of what parts two groups beside points and commas: a blank, or the apostrophe of Switzerland. */
static bool is_gap(char c)
{
	return c == ' ' || c == '\'';
}

/* Three digits behind a gap, and no fourth. */
static bool is_group(const char *gap)
{
	return is_gap(*gap) && strspn(gap + 1, digits) == DIGITS_OF_GROUP;
}

size_t number_span(const char *text)
{
	size_t n = strspn(text, digits);

	if (!n && (*text != '.' || !isdigit((unsigned char)text[1])))
		return 0;
	if (n && n <= DIGITS_OF_GROUP && *text != '0')
		while (is_group(text + n) && text[n] == text[strspn(text, digits)])
			n += DIGITS_OF_GROUP + 1;
	n += strspn(text + n, "0123456789.,");
	while (n && (text[n - 1] == '.' || text[n - 1] == ','))
		n--;
	return n;
}

/* Do digits stand before, which no word parts from the number? */
static bool follows_digits(const char *text, const char *at)
{
	while (at > text && (is_gap(at[-1]) || at[-1] == '_'))
		at--;
	return at > text && isdigit((unsigned char)at[-1]);
}

const char *number_begin(const char *text, const char *end)
{
	const char *from = end;

	for (;;) {
		while (from > text && strchr("0123456789.,", from[-1]))
			from--;
		if (from - 1 <= text || !is_gap(from[-1]) || !isdigit((unsigned char)from[-2]) ||
		    from == end || !is_group(from - 1))
			break;
		from--;
	}
	if (follows_digits(text, from))
		return end;
	while (from < end && !isdigit((unsigned char)*from))
		from++;
	return from;
}

/* Are the `len` bytes groups of three digits with that mark between, the first shorter at most? */
static bool is_grouped(const char *text, size_t len, char mark)
{
	size_t n = strspn(text, digits);

	if (!n || n > DIGITS_OF_GROUP || n > len || *text == '0')
		return false;
	for (; n < len; n += DIGITS_OF_GROUP + 1)
		if (text[n] != mark || strspn(text + n + 1, digits) < DIGITS_OF_GROUP)
			return false;
	return n == len;
}

/* Copies the digits of `len` bytes; returns where the copy ends. */
static char *copy_digits(char *to, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (isdigit((unsigned char)text[i]))
			*to++ = text[i];
	return to;
}

/* The place of the last point or comma in `len` bytes; len: there is none. */
static size_t last_mark(const char *text, size_t len)
{
	size_t at = len;

	for (size_t i = 0; i < len; i++)
		at = text[i] == '.' || text[i] == ',' ? i : at;
	return at;
}

/* The digits before the fraction: what parts them, '\0' where nothing does, is the same throughout. false: they are no number. */
static bool whole_is_plain(const char *text, size_t len, char *mark)
{
	const size_t first = strspn(text, digits);

	*mark = first < len ? text[first] : '\0';
	return first >= len || is_grouped(text, len, *mark);
}

/* Where the fraction's mark stands in `len` bytes; len: it has none; len + 1: they are no number, or one of two. */
static size_t fraction_at(const char *text, size_t len)
{
	const size_t last = last_mark(text, len);
	char mark;

	if (!whole_is_plain(text, last, &mark))
		return len + 1;
	if (last == len)
		return len;
	if (mark == text[last]) /* "1,234,567", not "1,234,5" */
		return is_grouped(text, len, mark) ? len : len + 1;
	if (!mark && text[last] == ',' && is_grouped(text, len, ',')) /* "3,290" */
		return len + 1;
	return last;
}

/* The bytes of an exponent behind a number, "e+03"; 0: none is. */
static size_t exponent_span(const char *text)
{
	size_t n = 1;

	if (text[0] != 'e' && text[0] != 'E')
		return 0;
	n += text[1] == '+' || text[1] == '-';
	return isdigit((unsigned char)text[n]) ? n + strspn(text + n, digits) : 0;
}

/* Do digits follow that must be of the number, since no word parts them? */
static bool goes_on(const char *end)
{
	const size_t blanks = strspn(end, " ");

	return isdigit((unsigned char)end[blanks]) ||
	       (end[0] && strchr("'_.,", end[0]) && isdigit((unsigned char)end[1]));
}

const char *number_decimal(const char *text, double *x)
{
	const size_t len = number_span(text), cut = fraction_at(text, len);
	const size_t power = exponent_span(text + len);
	char plain[NUMBER_MOST + 2], *to;

	if (!len || len + power > NUMBER_MOST || cut > len || goes_on(text + len + power))
		return NULL;
	to = copy_digits(plain, text, cut);
	*to++ = '.';
	to = copy_digits(to, text + cut, len - cut);
	memcpy(to, text + len, power);
	to[power] = '\0';
	*x = strtod(plain, NULL);
	return isfinite(*x) ? text + len + power : NULL;
}

const char *number_tally(const char *text, double *x)
{
	const size_t len = number_span(text);
	char plain[NUMBER_MOST + 1], mark;

	if (!len || len > NUMBER_MOST || !whole_is_plain(text, len, &mark) || goes_on(text + len))
		return NULL;
	*copy_digits(plain, text, len) = '\0';
	*x = strtod(plain, NULL);
	return text + len;
}

double reading_decimal(const char *text)
{
	double x;

	return number_decimal(text, &x) ? x : NAN;
}

double reading_tally(const char *text)
{
	double x;

	return number_tally(text, &x) ? x : NAN;
}
