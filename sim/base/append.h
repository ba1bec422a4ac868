/*
 * append.h - a file that grows by whole lines while work goes on, so that what is killed at any moment has lost at most the
 * line in flight.
 *
 * Layer base. One process at a time writes to it: the file is locked (fcntl(2), so over NFS too where that has locks). Each
 * line goes to the system in one write(2). A part of a line at the end of a file, as a full disk or a killed program leaves
 * it, is cut off before the next line is added; until then a file that is opened to go on is left as it is, so that one
 * that turns out to be something else loses nothing.
 */
#ifndef SIM_BASE_APPEND_H
#define SIM_BASE_APPEND_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

struct append {
	const char *path; /* borrowed; for messages */
	int fd;           /* private; -1: not open */
	size_t whole_B;   /* private, of APPEND_RESUME: of its whole lines */
	const char
		*rest; /* the part of a line that follows them, in the arena; NULL: none, or it was cut off */
};

enum append_how {
	APPEND_NEW,     /* an existing file is an error */
	APPEND_REPLACE, /* an existing file is emptied */
	APPEND_RESUME   /* an existing file is read, and added to */
};

/* Opens and locks the file. APPEND_RESUME: *text, in the arena, and *len are its whole lines, of at most max_B; otherwise
 * both may be NULL. 0, or -1 with err: it exists, it is being written by another process, it cannot be opened. */
int append_open(struct append *f, struct arena *a, const char *path, enum append_how how, size_t max_B,
		char **text, size_t *len, struct err *err);
/* Adds bytes that end with a line feed. 0, or -1 with err: what was added before stays. */
int append_line(struct append *f, const char *line, size_t len, struct err *err);
void append_close(struct append *f);

#endif
