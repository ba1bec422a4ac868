/* diag.c - see diag.h. */
#include "sim/conf/diag.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/utf8.h"

void diags_init(struct diags *d, struct arena *a)
{
	*d = (struct diags){.arena = a};
}

size_t diag_line_break(const char *s, const char *end)
{
	const size_t left = (size_t)(end - s);

	if (left >= 1 && *s == '\n')
		return 1;
	if (left >= 1 && *s == '\r')
		return left >= 2 && s[1] == '\n' ? 2 : 1;
	if (left >= 2 && !memcmp(s, "\xc2\x85", 2))
		return 2;
	return left >= 3 && (!memcmp(s, "\xe2\x80\xa8", 3) || !memcmp(s, "\xe2\x80\xa9", 3)) ? 3 : 0;
}

/* Appends the code point at s (which is not the NUL) in a printable form of one column, if `show` is set;
 * returns its length in bytes. */
static size_t add_printable(struct str *out, const char *s, bool show)
{
	uint32_t c = 0;
	const size_t n = utf8_decode(s, &c);

	if (!show)
		return n ? n : 1;
	if (!n)
		str_add(out, "?");
	else if (utf8_is_control(c) || utf8_is_bidi_control(c) || c == 0xfeff)
		str_add(out, " ");
	else
		str_add_n(out, s, n);
	return n ? n : 1;
}

static const char *make_printable(struct arena *a, const char *text)
{
	struct str s = STR_INIT;
	const char *kept;

	while (*text)
		text += add_printable(&s, text, true);
	kept = arena_strdup(a, s.text);
	str_release(&s);
	return kept;
}

/* Was the same said last? A row of a table may hold several results, each of which lacks the same. */
static bool is_said(const struct diags *d, const struct diag *now)
{
	const struct place *a = &d->last.place, *b = &now->place;

	return d->last.msg && b->source && a->source == b->source && a->line == b->line && a->col == b->col &&
	       !strcmp(d->last.msg, now->msg);
}

int diag_add(struct diags *d, struct place place, const char *hint, const char *fmt, ...)
{
	char msg[600];
	struct diag now = {.place = place};
	va_list args;

	va_start(args, fmt);
	vsnprintf(msg, sizeof msg, fmt, args);
	va_end(args);
	now.msg = make_printable(d->arena, msg);
	now.hint = hint && *hint ? make_printable(d->arena, hint) : NULL;
	d->total++;
	if (is_said(d, &now))
		return -1;
	d->last = now;
	if (d->n < DIAG_MAX)
		d->list[d->n++] = now;
	else
		d->left_out++;
	return -1;
}

int diag_err(struct diags *d, struct place place, const struct err *err)
{
	return diag_add(d, place, err->hint, "%s", err->msg);
}

enum { SHOWN_MAX = 100 }; /* a longer line is cut so that the caret stays visible */

static const char *line_start(const struct place *p)
{
	const char *at = p->source->text, *end = at + p->source->len;

	if (p->source->len >= 3 && !memcmp(at, "\xef\xbb\xbf", 3))
		at += 3; /* a byte order mark takes no column */
	for (int line = 1; line < p->line && at < end;) {
		const size_t n = diag_line_break(at, end);

		line += n > 0;
		at += n ? n : 1;
	}
	return at;
}

static void show_line(const struct place *p, struct str *out)
{
	const char *at = line_start(p), *end = p->source->text + p->source->len;
	const int skip = p->col > SHOWN_MAX ? p->col - SHOWN_MAX / 2 : 0;
	int col = 1, under;

	str_addf(out, "%5d | ", p->line);
	for (; at < end && !diag_line_break(at, end) && col <= skip + SHOWN_MAX; col++) {
		const size_t n = *at ? add_printable(out, at, col > skip) : 1;

		str_pad(out, ' ', !*at && col > skip);
		at += n;
	}
	under = p->width < col - p->col ? p->width : col - p->col;
	str_add(out, "\n      | ");
	str_pad(out, ' ', (size_t)(p->col - 1 - skip));
	str_pad(out, '^', 1);
	str_pad(out, '~', under > 1 ? (size_t)under - 1 : 0);
	str_add(out, "\n");
}

void diags_format(const struct diags *d, struct str *out)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct diag *x = &d->list[i];
		const struct place *p = &x->place;

		if (p->source && p->line)
			str_addf(out, "%s:%d:%d: ", p->source->path, p->line, p->col);
		else if (p->source)
			str_addf(out, "%s: ", p->source->path);
		str_addf(out, "%s\n", x->msg);
		if (p->source && p->line && p->source->text)
			show_line(p, out);
		if (x->hint)
			str_addf(out, "  hint: %s\n", x->hint);
	}
	if (d->left_out)
		str_addf(out, "... and %zu more\n", d->left_out);
}
