/* sweep_mpi.c - the cells of a sweep handed out to ranks of MPI; see sweep_cells.h. */
#include <stdio.h>

#include "sim/cli/mpi_ranks.h"
#include "sim/cli/sweep_cells.h"

/* ---- rank 0, which writes the file and alone prints ---- */

struct lead {
	struct progress progress;
	struct growing growing;
	struct sweep sweep;
	size_t *cells; /* those to be run */
	size_t cells_n, done;
};

static int take_line(void *self, const char *text, size_t len)
{
	struct lead *l = self;

	if (growing_add(&l->growing, text, len) != 0)
		return -1;
	progress_say(&l->progress, "%zu of %zu", ++l->done, l->cells_n);
	return 0;
}

/* All that one process refuses before the first cell; an exit code. */
static int begin(struct session *s, const struct sweep_options *o, struct sweep_ask *ask, struct lead *l)
{
	struct err err = ERR_INIT;
	int rc = sweep_cells_check(o);

	if (rc == EXIT_FINE)
		rc = session_reads(s, ask->scenario);
	if (rc == EXIT_FINE && (sweep_grid(ask, &l->sweep, &err) != 0 || sweep_begin(ask, &l->sweep) != 0))
		rc = session_refuse(s, &err);
	if (rc == EXIT_FINE)
		rc = session_keeps_inputs(s);
	if (rc == EXIT_FINE)
		rc = sweep_cells_open(s, o, o->out.file.path, &l->sweep, &l->growing);
	return rc;
}

static void find_cells(struct session *s, struct lead *l)
{
	l->cells = arena_array(&s->arena, l->sweep.cells_n, sizeof *l->cells);
	for (size_t i = 0; i < l->sweep.cells_n; i++)
		if (!l->sweep.cells[i].entries)
			l->cells[l->cells_n++] = i;
}

/* Two machines may find other files by the same names, and other versions of this program. */
static const char *key_of(struct arena *a, const struct sweep *sweep)
{
	return arena_printf(a, "%s %s", VERSION, sweep->key);
}

static int hand_out(struct session *s, const struct mpi_ranks *ranks, struct lead *l)
{
	const struct mpi_work work = {.items = l->cells,
				      .n = l->cells_n,
				      .key = key_of(&s->arena, &l->sweep),
				      .take = take_line,
				      .self = l,
				      .stop = session_interrupted()};
	struct str failed = STR_INIT;
	struct err err = ERR_INIT;
	int rc = EXIT_FINE;

	session_catch_interrupt();
	l->progress = progress_begin();
	if (mpi_ranks_hand_out(ranks, &work, &failed, &err) != 0) {
		progress_clear(&l->progress);
		rc = failed.len || err.msg[0] ? EXIT_USAGE : sweep_cells_ended(&l->growing, work.stop);
		fputs(failed.text, stderr);
		if (!failed.len && err.msg[0])
			complain(&err, EXIT_USAGE);
	}
	progress_clear(&l->progress);
	str_release(&failed);
	return rc;
}

/* Ends the other ranks, which wait for an answer, where rank 0 cannot begin. */
static void dismiss(const struct mpi_ranks *ranks)
{
	const struct mpi_work none = {.key = "", .stop = session_interrupted()};
	struct str failed = STR_INIT;
	struct err err = ERR_INIT;

	mpi_ranks_hand_out(ranks, &none, &failed, &err);
	str_release(&failed);
}

static int lead(struct session *s, const struct sweep_options *o, struct sweep_ask *ask,
		const struct mpi_ranks *ranks)
{
	struct lead l = {.growing = GROWING_INIT};
	int rc = begin(s, o, ask, &l);

	if (rc != EXIT_FINE) {
		dismiss(ranks);
	} else if (ranks->size == 1) {
		rc = sweep_cells_run(s, ask, &l.sweep, &l.growing);
	} else {
		find_cells(s, &l);
		rc = hand_out(s, ranks, &l);
	}
	growing_close(&l.growing);
	return rc;
}

/* ---- the other ranks ---- */

struct follower {
	struct session *session;
	struct sweep_ask *ask;
	struct sweep sweep;
	struct str *row;
};

static int take_row(void *self, const struct sweep *sweep, size_t cell)
{
	cells_write_cell(((struct follower *)self)->row, sweep, cell);
	return 0;
}

static int run_cell(void *self, size_t cell, struct str *text)
{
	struct follower *f = self;
	struct err err = ERR_INIT;

	f->row = text;
	diags_init(&f->session->diags, f->session->diags.arena);
	if (sweep_run_cell(f->ask, &f->sweep, cell, &err) == 0)
		return 0;
	session_refusal(f->session, &err, text);
	return -1;
}

/* With Ctrl-C the cell in flight is ended: rank 0 hands out no more. */
static void follow(struct session *s, struct sweep_ask *ask)
{
	struct follower f = {.session = s, .ask = ask};
	struct str why = STR_INIT;
	struct err err = ERR_INIT;
	const char *key = NULL;

	ask->take = take_row;
	ask->watcher = &f;
	if (!ask->draws.workers.threads)
		ask->draws.workers.threads = 1; /* the launcher has started a rank for each core */
	session_catch_interrupt();
	if (sweep_grid(ask, &f.sweep, &err) == 0 && sweep_begin(ask, &f.sweep) == 0)
		key = key_of(&s->arena, &f.sweep);
	else
		session_refusal(s, &err, &why);
	mpi_ranks_serve(key, why.text, run_cell, &f);
	str_release(&why);
}

int sweep_by_ranks(const struct sweep_options *o, const char *name)
{
	struct mpi_ranks ranks;
	struct session s;
	struct sweep_ask ask;
	struct err err = ERR_INIT;
	int rc = EXIT_FINE;

	if (mpi_ranks_begin(&ranks, &err) != 0)
		return complain(&err, EXIT_USAGE);
	session_begin(&s, &o->load, &o->out.file);
	ask = sweep_ask_of(&s, o, session_scenario(&s, name));
	if (ranks.rank)
		follow(&s, &ask);
	else
		rc = lead(&s, o, &ask, &ranks);
	session_end(&s);
	mpi_ranks_end();
	return rc;
}
