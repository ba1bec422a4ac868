/* err.c - see err.h. */
#include "sim/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

int err_unknown(struct err *err, const char *what, const char *name, const char *const *names, size_t n)
{
	const char *near = str_closest(name, names, n);
	struct str all = STR_INIT;

	err_set(err, "unknown %s '%.60s'", what, name);
	for (size_t i = 0; i < n; i++)
		str_addf(&all, "%s%s", i ? ", " : "", names[i]);
	if (near)
		err_hint(err, "did you mean '%s'?", near);
	else
		err_hint(err, "one of: %s", all.text);
	str_release(&all);
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
