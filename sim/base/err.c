/* err.c - see err.h. */
#include "sim/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/nearest.h"
#include "sim/base/str.h"

int err_set(struct err *err, const char *fmt, ...)
{
	va_list args;

	if (!err || err->msg[0])
		return -1;
	va_start(args, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, args);
	va_end(args);
	err->hint[0] = '\0';
	return -1;
}

int err_hint(struct err *err, const char *fmt, ...)
{
	va_list args;

	if (!err || err->hint[0])
		return -1;
	va_start(args, fmt);
	vsnprintf(err->hint, sizeof err->hint, fmt, args);
	va_end(args);
	return -1;
}

/* "a, b, c", of as many as leave room for the words around them, and how many more there are. */
static void list_names(struct str *out, const char *const *names, size_t n)
{
	const size_t room = sizeof((struct err *)0)->hint - 64;
	size_t i = 0;

	for (; i < n && (!i || out->len + strlen(names[i]) < room); i++)
		str_addf(out, "%s%s", i ? ", " : "", names[i]);
	if (i < n)
		str_addf(out, " and %zu more", n - i);
}

void err_hint_names(struct err *err, const char *name, const char *const *names, size_t n)
{
	const char *near = nearest_of(name, names, n), *like[NEAREST_MOST];
	const size_t likes = near ? 0 : nearest_like(name, names, n, like);
	struct str all = STR_INIT;

	if (likes == 1)
		near = like[0];
	list_names(&all, likes ? like : names, likes ? likes : n);
	if (near)
		err_hint(err, "did you mean '%s'?", near);
	else if (likes)
		err_hint(err, "near it are %s", all.text);
	else
		err_hint(err, "one of: %s", all.text);
	str_release(&all);
}

int err_unknown(struct err *err, const char *what, const char *name, const char *const *names, size_t n)
{
	err_set(err, "unknown %s '%.60s'", what, name);
	err_hint_names(err, name, names, n);
	return -1;
}

void bug_at(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	/* The only output to stderr below cli: the process ends because of a fault of our own. */
	fprintf(stderr, "BUG: %s:%d: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	abort();
}
