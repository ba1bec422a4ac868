/* sweep_cells.c - cells run in this process, and the file that they go into; see sweep_cells.h. */
#include "sim/cli/sweep_cells.h"

#include <stdio.h>
#include <string.h>

#include "sim/cli/rank.h"

struct sweep_watch {
	struct draws_progress drawing;
	struct growing *growing;
};

void sweep_count_cell(struct draws_progress *drawing, size_t done, size_t of)
{
	snprintf(drawing->head, sizeof drawing->head, "%zu of %zu: ", done, of);
	progress_say(drawing->line, "%zu of %zu", done, of);
}

static void tell_cell(void *watcher, size_t done, size_t of)
{
	sweep_count_cell(&((struct sweep_watch *)watcher)->drawing, done, of);
}

static int take_cell(void *watcher, const struct sweep *sweep, size_t cell)
{
	struct growing *g = ((struct sweep_watch *)watcher)->growing;

	cells_write_cell(&g->line, sweep, cell);
	return growing_add_line(g);
}

/* g: the file that each cell is added to. */
static int run_cells(struct sweep_ask *ask, struct sweep *sweep, struct growing *g, struct err *err)
{
	struct progress progress = progress_begin();
	struct sweep_watch watch = {{.line = &progress}, g};
	int rc;

	ask->draws.watch = (struct draws_watch){progress_draw, &watch.drawing};
	ask->take = take_cell;
	ask->tell = tell_cell;
	ask->watcher = &watch;
	rc = sweep_run(ask, sweep, err);
	progress_clear(&progress);
	return rc;
}

/* ---- a share of the cells ---- */

int sweep_cells_check(const struct sweep_options *o)
{
	const char *const suffix = o->out.file.path ? strrchr(o->out.file.path, '.') : NULL;
	struct err err = ERR_INIT;

	if (suffix && strcmp(suffix, ".jsonl") == 0 && !o->out.file.format)
		return EXIT_FINE;
	err_set(&err, "--%s writes the cells into a file as they are run", o->mpi ? "mpi" : "shard");
	err_hint(&err, "add -o FILE.jsonl; 'lemursim merge FILE.jsonl...' makes the table of all of them");
	return complain(&err, EXIT_USAGE);
}

/* Which cells, and into which file; an exit code. */
static int choose_share(struct session *s, const struct sweep_options *o, struct cells_share *share,
			const char **path)
{
	struct err err = ERR_INIT;

	if (sweep_cells_check(o) != EXIT_FINE)
		return EXIT_USAGE;
	*path = o->out.file.path;
	return share_asked(&s->arena, o->shard, share, path, &err) == 0 ? EXIT_FINE
									: complain(&err, EXIT_USAGE);
}

int sweep_cells_open(struct session *s, const struct sweep_options *o, const char *path, struct sweep *sweep,
		     struct growing *g)
{
	char *text;
	size_t len;

	if (growing_open(g, &s->arena, path, o->resume, o->out.file.force, CELLS_FILE_MAX, &text, &len) != 0)
		return complain(&g->err, EXIT_USAGE);
	if (len) {
		if (cells_read(&s->arena, sweep, path, text, len, VERSION, &g->err) != 0 ||
		    cells_check_inputs(sweep, &g->err) != 0)
			return complain(&g->err, EXIT_USAGE);
		return EXIT_FINE;
	}
	cells_write_head(&g->line, sweep, VERSION);
	if (growing_begin(g, "the cells of a sweep") == 0)
		return EXIT_FINE;
	return complain(&g->err, g->file.rest ? EXIT_USAGE : EXIT_FAILED);
}

int sweep_cells_ended(const struct growing *g, const volatile int *stop)
{
	struct err err = ERR_INIT;

	if (g->err.msg[0])
		return complain(&g->err, EXIT_FAILED);
	if (!*stop)
		return EXIT_FINE;
	err_set(&err, "interrupted: the cells that were run are in '%s'", g->file.path);
	err_hint(&err, "the same with --resume goes on");
	return complain(&err, EXIT_INTERRUPTED);
}

int sweep_cells_run(struct session *s, struct sweep_ask *ask, struct sweep *sweep, struct growing *g)
{
	struct err err = ERR_INIT;
	int rc;

	session_catch_interrupt();
	ask->stop = session_interrupted();
	if (run_cells(ask, sweep, g, &err) == 0)
		return EXIT_FINE;
	rc = sweep_cells_ended(g, ask->stop);
	return rc == EXIT_FINE ? session_refuse(s, &err) : rc;
}

int sweep_share(struct session *s, const struct sweep_options *o, struct sweep_ask *ask, struct sweep *sweep)
{
	struct growing g = GROWING_INIT;
	struct cells_share share;
	const char *path = NULL;
	int rc = choose_share(s, o, &share, &path);

	if (rc == EXIT_FINE && sweep_begin(ask, sweep) != 0)
		rc = session_complain(s);
	if (rc == EXIT_FINE)
		rc = session_keeps_inputs(s);
	if (rc == EXIT_FINE) {
		cells_leave_out(sweep, &share);
		rc = sweep_cells_open(s, o, path, sweep, &g);
	}
	if (rc == EXIT_FINE && cells_check_share(sweep, &share, path, &g.err) != 0)
		rc = complain(&g.err, EXIT_USAGE);
	if (rc == EXIT_FINE)
		rc = sweep_cells_run(s, ask, sweep, &g);
	growing_close(&g);
	return rc;
}
