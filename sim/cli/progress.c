/* progress.c - see progress.h. */
#include "sim/cli/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct progress progress_begin(void)
{
	return (struct progress){.on = isatty(STDERR_FILENO)};
}

void progress_say(struct progress *p, const char *fmt, ...)
{
	const double at_s = p->on ? now_s() : 0;
	va_list args;

	if (!p->on || (p->shown && at_s < p->last_s + 0.1))
		return;
	va_start(args, fmt);
	fputs("\r\033[K", stderr);
	vfprintf(stderr, fmt, args);
	fflush(stderr);
	va_end(args);
	p->shown = true;
	p->last_s = at_s;
}

void progress_clear(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}

void progress_draw(void *draws_progress, const char *assignment, size_t done, size_t of)
{
	struct draws_progress *d = draws_progress;

	progress_say(d->line, "%s%.50s: draw %zu of %zu", d->head, assignment, done + 1, of);
}
