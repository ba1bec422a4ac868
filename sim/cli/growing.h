/*
 * growing.h - a result file that grows by lines of JSON while work goes on: the cells of a sweep, the verdicts of a plan.
 *
 * Layer cli. base/append.h says what is lost when the program is killed. The first line says what the others are of, so a file
 * is either taken over, where it has such lines already, or begun with a first line.
 */
#ifndef SIM_CLI_GROWING_H
#define SIM_CLI_GROWING_H
#include "sim/base/append.h"
#include "sim/base/str.h"

struct growing {
	struct append file;
	struct str line; /* what growing_add_line() adds */
	struct err err;  /* the first one; what follows it adds nothing */
};
#define GROWING_INIT                                                                                         \
	{                                                                                                    \
		.file = {.fd = -1}, .line = STR_INIT, .err = ERR_INIT                                        \
	}

/* Opens the file: with `resume` one that exists is read, its whole lines, of at most max_B bytes, into the arena; with `force`
 * it is emptied; otherwise it is an error. *len 0: it has no whole line, and growing_begin() comes next. 0, or -1 with g->err. */
int growing_open(struct growing *g, struct arena *a, const char *path, bool resume, bool force, size_t max_B,
		 char **text, size_t *len);
/* Adds g->line as the first one. Part of a line that is there already must be a part of it, or the file is not ours to write
 * to. what: of the whole file, such as "the verdicts of a plan". 0, or -1 with g->err. */
int growing_begin(struct growing *g, const char *what);
/* Add a line, or g->line, which is then empty. 0, or -1 with g->err, now and from then on: a part of a line may be there. */
int growing_add(struct growing *g, const char *line, size_t len);
int growing_add_line(struct growing *g);
void growing_close(struct growing *g);

#endif
