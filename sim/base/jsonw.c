/* jsonw.c - see jsonw.h. */
#include "sim/base/jsonw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/utf8.h"

void jsonw_init(struct jsonw *w, struct str *out, int indent)
{
	*w = (struct jsonw){.out = out, .indent = indent};
}

static void newline(struct jsonw *w)
{
	if (w->indent) {
		str_add(w->out, "\n");
		str_pad(w->out, ' ', (size_t)(w->indent * w->depth));
	}
}

/* Writes the comma and the line break before the next item of the innermost container. */
static void begin_item(struct jsonw *w)
{
	if (w->depth) {
		if (w->filled[w->depth - 1])
			str_add(w->out, ",");
		w->filled[w->depth - 1] = true;
		newline(w);
	}
}

static void value(struct jsonw *w)
{
	const bool in_object = w->depth && w->kind[w->depth - 1] == '}';

	BUG_ON(in_object && !w->keyed);
	if (!in_object)
		begin_item(w);
	w->keyed = false;
}

static void open(struct jsonw *w, const char *bracket, char kind)
{
	value(w);
	BUG_ON(w->depth == JSONW_DEPTH);
	str_add(w->out, bracket);
	w->kind[w->depth] = kind;
	w->filled[w->depth++] = false;
}

void jsonw_object(struct jsonw *w)
{
	open(w, "{", '}');
}

void jsonw_array(struct jsonw *w)
{
	open(w, "[", ']');
}

void jsonw_end(struct jsonw *w)
{
	BUG_ON(!w->depth || w->keyed);
	w->depth--;
	if (w->filled[w->depth])
		newline(w);
	str_add_n(w->out, &w->kind[w->depth], 1);
}

static void quote(struct str *out, const char *text)
{
	str_add(out, "\"");
	while (*text) {
		uint32_t c;
		const size_t n = utf8_decode(text, &c);

		if (!n) {
			str_add(out, "\xef\xbf\xbd");
			text++;
			continue;
		}
		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", (int)c);
		else if (c == '\n')
			str_add(out, "\\n");
		else if (c < 0x20)
			str_addf(out, "\\u%04" PRIx32, c);
		else
			str_add_n(out, text, n);
		text += n;
	}
	str_add(out, "\"");
}

void jsonw_key(struct jsonw *w, const char *key)
{
	BUG_ON(!w->depth || w->kind[w->depth - 1] != '}' || w->keyed);
	begin_item(w);
	quote(w->out, key);
	str_add(w->out, w->indent ? ": " : ":");
	w->keyed = true;
}

void jsonw_string(struct jsonw *w, const char *text)
{
	value(w);
	quote(w->out, text);
}

void jsonw_number(struct jsonw *w, double number)
{
	char text[40];

	if (!isfinite(number)) {
		jsonw_null(w);
		return;
	}
	value(w);
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	str_add(w->out, text);
}

void jsonw_int(struct jsonw *w, int64_t number)
{
	value(w);
	str_addf(w->out, "%" PRId64, number);
}

void jsonw_bool(struct jsonw *w, bool yes)
{
	value(w);
	str_add(w->out, yes ? "true" : "false");
}

void jsonw_null(struct jsonw *w)
{
	value(w);
	str_add(w->out, "null");
}

void jsonw_key_string(struct jsonw *w, const char *key, const char *text)
{
	jsonw_key(w, key);
	jsonw_string(w, text);
}

void jsonw_key_text(struct jsonw *w, const char *key, const char *text)
{
	if (text && *text)
		jsonw_key_string(w, key, text);
}

void jsonw_key_number(struct jsonw *w, const char *key, double number)
{
	jsonw_key(w, key);
	jsonw_number(w, number);
}

void jsonw_key_int(struct jsonw *w, const char *key, int64_t number)
{
	jsonw_key(w, key);
	jsonw_int(w, number);
}

void jsonw_key_bool(struct jsonw *w, const char *key, bool yes)
{
	jsonw_key(w, key);
	jsonw_bool(w, yes);
}
