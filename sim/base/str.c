/* str.c - see str.h. */
#include "sim/base/str.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/utf8.h"

char str_nothing[1] = ""; /* text of every str without memory of its own; never written */

static void make_room(struct str *s, size_t more)
{
	const size_t need = s->len + more + 1;
	size_t room = s->room ? s->room : 64;

	if (need <= s->room)
		return;
	while (room < need)
		room *= 2;
	s->text = xrealloc(s->room ? s->text : NULL, room);
	s->room = room;
	s->text[s->len] = '\0';
}

void str_add_n(struct str *s, const char *bytes, size_t n)
{
	if (!n)
		return;
	make_room(s, n);
	memcpy(s->text + s->len, bytes, n);
	s->len += n;
	s->text[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_n(s, text, strlen(text));
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list args;
	char brief[160];
	int n;

	va_start(args, fmt);
	n = vsnprintf(brief, sizeof brief, fmt, args);
	va_end(args);
	BUG_ON(n < 0);
	if ((size_t)n < sizeof brief) {
		str_add_n(s, brief, (size_t)n);
		return;
	}
	make_room(s, (size_t)n);
	va_start(args, fmt);
	vsnprintf(s->text + s->len, (size_t)n + 1, fmt, args);
	va_end(args);
	s->len += (size_t)n;
}

void str_pad(struct str *s, char c, size_t n)
{
	make_room(s, n);
	memset(s->text + s->len, c, n);
	s->len += n;
	s->text[s->len] = '\0';
}

static bool is_formula(const char *text)
{
	char *end;

	if (!*text || !strchr("=+-@\t\r", *text))
		return false;
	strtod(text, &end);
	return end == text || *end;
}

void str_add_csv(struct str *s, const char *text)
{
	const char *apostrophe = is_formula(text) ? "'" : "";

	if (!text[strcspn(text, ",\"\r\n")]) {
		str_addf(s, "%s%s", apostrophe, text);
		return;
	}
	str_addf(s, "\"%s", apostrophe);
	for (; *text; text++)
		str_add_n(s, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
	str_add(s, "\"");
}

void str_clear(struct str *s)
{
	s->len = 0;
	if (s->room)
		s->text[0] = '\0';
}

void str_release(struct str *s)
{
	if (s->room)
		free(s->text);
	*s = (struct str)STR_INIT;
}

void str_slug(struct str *s, const char *text)
{
	bool gap = false, any = false;

	for (; *text; text++) {
		const bool upper = *text >= 'A' && *text <= 'Z';

		if (!upper && !(*text >= 'a' && *text <= 'z') && !(*text >= '0' && *text <= '9')) {
			gap = true;
			continue;
		}
		str_addf(s, "%s%c", gap && any ? "-" : "", upper ? *text - 'A' + 'a' : *text);
		gap = false;
		any = true;
	}
}

const char *str_slugged(struct arena *a, const char *text)
{
	struct str s = STR_INIT;
	const char *kept;

	str_slug(&s, text);
	kept = arena_strdup(a, s.text);
	str_release(&s);
	return kept;
}

bool str_starts(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

bool str_ends(const char *text, const char *suffix)
{
	const size_t n = strlen(text), m = strlen(suffix);

	return n >= m && !strcmp(text + n - m, suffix);
}

size_t str_width(const char *utf8)
{
	size_t n = 0;

	while (*utf8) {
		uint32_t code;
		size_t len;

		if ((unsigned char)*utf8 < 0x80) { /* nearly all: a column each */
			n++;
			utf8++;
			continue;
		}
		len = utf8_decode(utf8, &code);
		n += len ? utf8_width(code) : 1; /* a broken byte is shown as one mark */
		utf8 += len ? len : 1;
	}
	return n;
}

size_t str_find(const char *text, const char *const *names, size_t n)
{
	size_t i = 0;

	while (i < n && strcmp(text, names[i]) != 0)
		i++;
	return i;
}

/* A word, and the unit of a number. */
static size_t with_unit(const char *text)
{
	enum { UNIT_MOST = 7 }; /* "TFLOPS," */
	const size_t n = strcspn(text, " \n");
	size_t unit;

	if (!n || !isdigit((unsigned char)text[n - 1]) || text[n] != ' ')
		return n;
	if (!isalpha((unsigned char)text[n + 1]) && text[n + 1] != '%')
		return n;
	unit = strcspn(text + n + 1, " \n");
	return unit <= UNIT_MOST ? n + 1 + unit : n;
}

size_t str_word(const char *text)
{
	static const char between[] = " \xc2\xb1 ", alone[] = "\xc2\xb1 ";
	size_t n = str_starts(text, alone) ? 0 : with_unit(text);

	if (n && str_starts(text + n, between))
		n++;
	if (str_starts(text + n, alone))
		n += strlen(alone) + with_unit(text + n + strlen(alone));
	return n;
}

/* The bytes of a word of n that a line has room for: it is broken beside wide characters only, which are written without
 * blanks; what is to be copied, such as a path, stays in one piece. n where it is not broken. */
static size_t wide_part(const char *word, size_t n, size_t room)
{
	size_t at = 0, used = 0, part = 0;
	bool behind_wide = false;

	while (at < n) {
		uint32_t code;
		const size_t len = utf8_decode(word + at, &code), width = len ? utf8_width(code) : 1;

		if (at && width && (behind_wide || width > 1))
			part = at;
		used += width;
		if (used > room)
			return part ? part : n;
		behind_wide = width > 1 || (behind_wide && !width);
		at += len ? len : 1;
	}
	return n;
}

void str_add_wrapped(struct str *s, const char *text, size_t at, size_t indent, size_t width)
{
	bool fresh = true, broken = false;

	while (*text) {
		const size_t whole = str_word(text);
		/* a narrow page parts a number from its unit */
		const size_t word_n = indent + whole <= width ? whole : strcspn(text, " \n");
		const size_t n = wide_part(text, word_n, width > indent ? width - indent : 1);
		struct str word = STR_INIT;

		str_add_n(&word, text, n);
		if (broken || (!fresh && at + 1 + str_width(word.text) > width)) {
			str_add(s, "\n");
			str_pad(s, ' ', indent);
			at = indent;
		} else if (!fresh) {
			str_add(s, " ");
			at++;
		}
		str_add(s, word.text);
		at += str_width(word.text);
		fresh = false;
		broken = n < word_n;
		text += n + (!broken && text[n] != '\0');
		str_release(&word);
	}
	str_add(s, "\n");
}
