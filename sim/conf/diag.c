/* diag.c - see diag.h. */
#include "sim/conf/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void diags_init(struct diags *d, struct arena *a)
{
	*d = (struct diags){.arena = a};
}

int diag_add(struct diags *d, struct place place, const char *hint, const char *fmt, ...)
{
	char msg[600];
	va_list args;

	d->total++;
	if (d->n == DIAG_MAX)
		return -1;
	va_start(args, fmt);
	vsnprintf(msg, sizeof msg, fmt, args);
	va_end(args);
	d->list[d->n++] = (struct diag){
		.place = place,
		.msg = arena_strdup(d->arena, msg),
		.hint = hint && *hint ? arena_strdup(d->arena, hint) : NULL,
	};
	return -1;
}

int diag_err(struct diags *d, struct place place, const struct err *err)
{
	return diag_add(d, place, err->hint, "%s", err->msg);
}

enum { SHOWN_MAX = 100 }; /* a longer line is cut: the caret must stay in sight */

static void show_line(const struct place *p, struct str *out)
{
	const char *line = p->source->text, *end = p->source->text + p->source->len, *stop;
	const int skip = p->col > SHOWN_MAX ? p->col - SHOWN_MAX / 2 : 0;

	for (int i = 1; i < p->line && line < end; i++) {
		const char *next = memchr(line, '\n', (size_t)(end - line));

		line = next ? next + 1 : end;
	}
	for (int i = 0; i < skip && line < end && *line != '\n'; i++)
		while (++line < end && ((unsigned char)*line & 0xc0) == 0x80)
			;
	stop = line;
	for (int n = 0; stop < end && *stop != '\n' && *stop != '\r' && n <= SHOWN_MAX; stop++)
		n += ((unsigned char)*stop & 0xc0) != 0x80;
	str_addf(out, "%5d | ", p->line);
	for (; line < stop; line++) {
		const unsigned char c = (unsigned char)*line;

		str_add_n(out, c < 0x20 || c == 0x7f ? " " : line,
			  1); /* tabs and control characters take one column */
	}
	str_add(out, "\n      | ");
	str_pad(out, ' ', (size_t)(p->col - 1 - skip));
	str_pad(out, '^', 1);
	if (p->width > 1)
		str_pad(out, '~', (size_t)(p->width > SHOWN_MAX ? SHOWN_MAX : p->width) - 1);
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
	if (d->total > d->n)
		str_addf(out, "... and %zu more\n", d->total - d->n);
}
