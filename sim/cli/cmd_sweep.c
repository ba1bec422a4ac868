/* cmd_sweep.c - lemursim sweep SCENARIO --over PATH=VALUE,VALUE...: a grid of what-ifs, and where a split
 * pays. */
#include <stdio.h>
#include <string.h>

#include "sim/base/append.h"
#include "sim/cli/cmd.h"
#include "sim/cli/progress.h"
#include "sim/cli/rank.h"
#include "sim/cli/sweep_output.h"
#include "sim/sweep/cells_file.h"

struct sweep_options {
	struct load_options load;
	struct sweep_output out;
	struct draws_ask draws;
	struct texts over;
	struct texts metrics;
	const char *shard;
	bool resume;
};

static const struct opt own[] = {
	OPT_TEXTS_ROW(struct sweep_options, over, "over", 0, "PATH=VALUE,VALUE...",
		      "an axis of the grid; several make every combination, the last changing fastest"),
	OPT_TEXTS_ROW(
		struct sweep_options, metrics, "metric", 0, "NAME",
		"what is compared, such as decode_tok_per_s; e2el_s, or train_step_s, if not said; more of "
		"them are more panels of a picture")};
static const struct opt shards[] = {
	OPT_TEXT_ROW(struct sweep_options, shard, "shard", 0, "K/N",
		     "run the K-th of N shares of the cells, a line each into -o FILE.jsonl, for 'merge'; "
		     "auto: as "
		     "mpirun, srun or an array job says"),
	OPT_FLAG_ROW(struct sweep_options, resume, "resume", 0,
		     "with --shard: go on with FILE.jsonl, which was broken off")};
static const struct opt_table tables[] = {OPTS_SET(struct sweep_options, load),
					  OPT_OWN(own),
					  OPTS_PLOT(struct sweep_options, out),
					  OPTS_LOOK(struct sweep_options, out.look),
					  OPT_OWN(shards),
					  OPTS_PATH(struct sweep_options, load),
					  OPTS_RESULT_FORMAT(struct sweep_options, out.file),
					  OPTS_OUTPUT(struct sweep_options, out.file),
					  OPTS_SEED(struct sweep_options, draws),
					  OPTS_DRAWS(struct sweep_options, draws),
					  OPTS_JOBS(struct sweep_options, draws.workers)};

struct growing { /* a file of cells; see sim/sweep/cells_file.h */
	struct append file;
	struct str line;
	struct err err;
};

struct sweep_watch {
	struct draws_progress drawing;
	struct growing *growing;
};

static void count_cell(struct draws_progress *drawing, size_t done, size_t of)
{
	snprintf(drawing->head, sizeof drawing->head, "%zu of %zu: ", done, of);
	progress_say(drawing->line, "%zu of %zu", done, of);
}

static void tell_cell(void *watcher, size_t done, size_t of)
{
	count_cell(&((struct sweep_watch *)watcher)->drawing, done, of);
}

static int add_line(struct growing *g)
{
	const int rc = append_line(&g->file, g->line.text, g->line.len, &g->err);

	g->line.len = 0;
	return rc;
}

static int take_cell(void *watcher, const struct sweep *sweep, size_t cell)
{
	struct growing *g = ((struct sweep_watch *)watcher)->growing;

	cells_write_cell(&g->line, sweep, cell);
	return add_line(g);
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

/* "cells.jsonl" of one of several processes that were all told the same: "cells.3-of-8.jsonl". */
static const char *own_file(struct arena *a, const char *path, const struct cells_share *share)
{
	const char *const point = strrchr(path, '.');

	return arena_printf(a, "%.*s.%zu-of-%zu%s", (int)(point - path), path, share->k, share->n, point);
}

/* Which cells, and into which file; an exit code. */
static int choose_share(struct session *s, const struct sweep_options *o, struct cells_share *share,
			const char **path)
{
	const char *const suffix = o->out.file.path ? strrchr(o->out.file.path, '.') : NULL;
	struct err err = ERR_INIT;

	if (!suffix || strcmp(suffix, ".jsonl") != 0 || o->out.file.format) {
		err_set(&err, "--shard writes the cells into a file as they are run");
		err_hint(&err,
			 "add -o FILE.jsonl; 'lemursim merge FILE.jsonl...' makes the table of all of them");
		return complain(&err, EXIT_USAGE);
	}
	*path = o->out.file.path;
	if (strcmp(o->shard, "auto") != 0)
		return cells_share_parse(o->shard, share, &err) == 0 ? EXIT_FINE : complain(&err, EXIT_USAGE);
	if (rank_of_environment(share, &err) != 0)
		return complain(&err, EXIT_USAGE);
	*path = own_file(&s->arena, *path, share);
	return EXIT_FINE;
}

/* Opens the file and takes over what it has, or writes its first line; an exit code. */
static int open_cells(struct session *s, const struct sweep_options *o, const char *path, struct sweep *sweep,
		      struct growing *g)
{
	const enum append_how how = o->resume           ? APPEND_RESUME
				    : o->out.file.force ? APPEND_REPLACE
							: APPEND_NEW;
	char *text = NULL;
	size_t len = 0;

	if (append_open(&g->file, &s->arena, path, how, CELLS_FILE_MAX, &text, &len, &g->err) != 0)
		return complain(&g->err, EXIT_USAGE);
	if (len) {
		if (cells_read(&s->arena, sweep, path, text, len, VERSION, &g->err) != 0 ||
		    cells_check_inputs(sweep, &g->err) != 0)
			return complain(&g->err, EXIT_USAGE);
		return EXIT_FINE;
	}
	cells_write_head(&g->line, sweep, VERSION);
	if (g->file.rest && !str_starts(g->line.text, g->file.rest)) {
		err_set(&g->err, "%s is no file of the cells of a sweep", path);
		return complain(&g->err, EXIT_USAGE);
	}
	return add_line(g) == 0 ? EXIT_FINE : complain(&g->err, EXIT_FAILED);
}

static int grow(struct session *s, const struct sweep_options *o, const char *path, struct sweep_ask *ask,
		struct sweep *sweep, struct growing *g)
{
	struct err err = ERR_INIT;
	int rc = open_cells(s, o, path, sweep, g);

	if (rc != EXIT_FINE)
		return rc;
	session_catch_interrupt();
	ask->stop = session_interrupted();
	if (run_cells(ask, sweep, g, &err) == 0)
		return EXIT_FINE;
	if (g->err.msg[0])
		return complain(&g->err, EXIT_FAILED);
	if (!*ask->stop)
		return session_refuse(s, &err);
	err_set(&err, "interrupted: the cells that were run are in '%s'", path);
	err_hint(&err, "the same with --resume goes on");
	return complain(&err, EXIT_INTERRUPTED);
}

static int sweep_share(struct session *s, const struct sweep_options *o, struct sweep_ask *ask,
		       struct sweep *sweep)
{
	struct growing g = {.file = {.fd = -1}, .line = STR_INIT, .err = ERR_INIT};
	struct cells_share share;
	const char *path = NULL;
	int rc = choose_share(s, o, &share, &path);

	if (rc == EXIT_FINE && sweep_begin(ask, sweep) != 0)
		rc = session_complain(s);
	if (rc == EXIT_FINE)
		rc = session_keeps_inputs(s);
	if (rc == EXIT_FINE) {
		cells_leave_out(sweep, &share);
		rc = grow(s, o, path, ask, sweep, &g);
	}
	append_close(&g.file);
	str_release(&g.line);
	return rc;
}

/* ---- the verb ---- */

/* A cell that has been done, or the draws of one. */
static void tell(void *self, const char *what, size_t done, size_t of)
{
	if (what)
		progress_draw(self, what, done, of);
	else
		count_cell(self, done, of);
}

static int sweep_whole(struct session *s, const struct sweep_options *o, const char *name,
		       enum result_format format)
{
	struct progress progress = progress_begin();
	struct draws_progress drawing = {.line = &progress};
	struct lemursim_options ask = session_options(&o->draws);
	lemursim_scenario *scenario = session_load(s, name);
	lemursim_result *r;
	int rc = scenario ? sweep_output_check(&o->out, o->over.n) : EXIT_USAGE;

	if (rc != EXIT_FINE)
		return rc;
	ask.tell = tell;
	ask.self = &drawing;
	r = lemursim_sweep(scenario, texts_ended(&s->arena, &o->over), texts_ended(&s->arena, &o->metrics),
			   &ask);
	progress_clear(&progress);
	if (!r)
		return session_lament(s);
	rc = session_keeps_result(s, r);
	if (rc == EXIT_FINE)
		rc = sweep_output_deliver(s, &o->out, &r->swept, format);
	lemursim_result_free(r);
	return rc;
}

static int sweep_session(struct session *s, const struct sweep_options *o, const char *name)
{
	struct sweep_ask ask = {.loader = &s->loader,
				.scenario = session_scenario(s, name),
				.sets = o->load.sets,
				.over = o->over,
				.metrics = o->metrics,
				.draws = o->draws};
	struct sweep sweep;
	struct err err = ERR_INIT;
	const int rc = session_reads(s, ask.scenario);

	if (rc != EXIT_FINE)
		return rc;
	return sweep_grid(&ask, &sweep, &err) == 0 ? sweep_share(s, o, &ask, &sweep)
						   : session_refuse(s, &err);
}

static int cmd_sweep(const void *options, const struct texts *files)
{
	const struct sweep_options *o = options;
	enum result_format format = RESULT_TABLE;
	struct session s;
	struct err err = ERR_INIT;
	int rc = o->shard ? EXIT_FINE : sweep_output_format(&o->out, &format);

	if (rc != EXIT_FINE)
		return rc;
	if (o->resume && !o->shard) {
		err_set(&err, "--resume goes on with the file of --shard");
		err_hint(&err, "--shard 1/1 -o FILE.jsonl writes all cells as they are run");
		return complain(&err, EXIT_USAGE);
	}
	session_begin(&s, &o->load, &o->out.file);
	rc = o->shard ? sweep_session(&s, o, files->at[0]) : sweep_whole(&s, o, files->at[0], format);
	session_end(&s);
	return rc;
}

const struct verb verb_sweep = {
	.name = "sweep",
	.arguments = "SCENARIO",
	.help = "a grid of what-ifs, such as --over workload.generate.batch=1,4,16: where a split pays, as a "
		"table or drawn",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct sweep_options),
	.run = cmd_sweep,
	.tries = "sweep scenarios/m5-vs-m4pro.yaml --over workload.generate.batch=1,8 --over "
		 "\"workload.generate.prompt=128 tok,8192 tok\"\n"
		 "sweep scenarios/serve-m5-m4pro.yaml --over workload.serve.arrivals.users=2,8 --draws 4 -o "
		 "users.svg\n"};
