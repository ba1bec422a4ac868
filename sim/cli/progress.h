/*
 * progress.h - how far long work has come: one line on standard error, where that is a terminal.
 *
 * Layer cli. The line is written over itself, at most ten times a second, and erased at the end.
 */
#ifndef SIM_CLI_PROGRESS_H
#define SIM_CLI_PROGRESS_H
#include <stdbool.h>
#include <stddef.h>

struct progress {
	bool on, shown;
	double last_s; /* when it was last written */
};

struct progress progress_begin(void);
void progress_say(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void progress_clear(struct progress *p); /* before anything else is written to the terminal, and at the end */

/* As a watcher of draws (predict/draws.h): "four slots: draw 12 of 32", with the text of `head` before it. */
struct draws_progress {
	struct progress *line;
	char head[64];
};
void progress_draw(void *draws_progress, const char *assignment, size_t done, size_t of);

#endif
