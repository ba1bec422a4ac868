/* growing.c - see growing.h. */
#include "sim/cli/growing.h"

int growing_open(struct growing *g, struct arena *a, const char *path, bool resume, bool force, size_t max_B,
		 char **text, size_t *len)
{
	const enum append_how how = resume ? APPEND_RESUME : force ? APPEND_REPLACE : APPEND_NEW;

	*text = NULL;
	*len = 0;
	return append_open(&g->file, a, path, how, max_B, text, len, &g->err);
}

int growing_begin(struct growing *g, const char *what)
{
	if (g->file.rest && !str_starts(g->line.text, g->file.rest))
		return err_set(&g->err, "%s is no file of %s", g->file.path, what);
	return growing_add_line(g);
}

int growing_add(struct growing *g, const char *line, size_t len)
{
	return g->err.msg[0] ? -1 : append_line(&g->file, line, len, &g->err);
}

int growing_add_line(struct growing *g)
{
	const int rc = growing_add(g, g->line.text, g->line.len);

	g->line.len = 0;
	return rc;
}

void growing_close(struct growing *g)
{
	append_close(&g->file);
	str_release(&g->line);
}
