/* cmd_sweep.c - lemursim sweep SCENARIO --over PATH=VALUE,VALUE...: a grid of what-ifs, and where a split
 * pays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/cmd.h"
#include "sim/cli/progress.h"
#include "sim/report/curves.h"
#include "sim/report/draw.h"
#include "sim/report/heat.h"
#include "sim/report/sweep.h"
#include "sim/report/sweep_curves.h"

struct sweep_options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
	struct texts over;
	struct texts metrics;
	bool plot;
};

static const struct opt own[] = {
	OPT_TEXTS_ROW(struct sweep_options, over, "over", 0, "PATH=VALUE,VALUE...",
		      "an axis of the grid; several make every combination, the last changing fastest"),
	OPT_TEXTS_ROW(
		struct sweep_options, metrics, "metric", 0, "NAME",
		"what is compared, such as decode_tok_per_s; e2el_s, or train_step_s, if not said; more of "
		"them are more panels of a picture"),
	OPT_FLAG_ROW(struct sweep_options, plot, "plot", 0,
		     "a plot of characters below the table of one axis; in a terminal without being asked")};
static const struct opt_table tables[] = {
	OPTS_SET(struct sweep_options, load),      OPT_OWN(own),
	OPTS_PATH(struct sweep_options, load),     OPTS_RESULT_FORMAT(struct sweep_options, output),
	OPTS_OUTPUT(struct sweep_options, output), OPTS_SEED(struct sweep_options, draws),
	OPTS_DRAWS(struct sweep_options, draws),   OPTS_JOBS(struct sweep_options, draws.workers)};

static bool is_picture(const struct sweep_options *o)
{
	return o->output.path && !o->output.format && draw_format(o->output.path);
}

static void tell_cell(void *watcher, size_t done, size_t of)
{
	struct draws_progress *drawing = watcher;

	snprintf(drawing->head, sizeof drawing->head, "%zu of %zu: ", done, of);
	progress_say(drawing->line, "%zu of %zu", done, of);
}

static int run_cells(const struct sweep_options *o, struct sweep_ask *ask, struct sweep *sweep,
		     struct err *err)
{
	struct progress progress = progress_begin();
	struct draws_progress drawing = {.line = &progress};
	int rc;

	ask->draws = o->draws;
	ask->draws.watch = (struct draws_watch){progress_draw, &drawing};
	ask->tell = tell_cell;
	ask->watcher = &drawing;
	rc = sweep_run(ask, sweep, err);
	progress_clear(&progress);
	return rc;
}

static int draw_sweep(struct session *s, const struct sweep *sweep, struct str *out)
{
	if (sweep->axes_n == 1) {
		const struct curves c = sweep_curves(&s->arena, sweep);

		curves_dot(out, &c);
	} else {
		heat_dot(out, sweep);
	}
	return deliver_by(s->output, out, draw_write);
}

/* Does the terminal show UTF-8, by the first of the variables that says which characters it has? */
static bool is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *said = NULL;

	for (size_t i = 0; i < ARRAY_LEN(names) && (!said || !*said); i++)
		said = getenv(names[i]);
	return said && (strstr(said, "UTF-8") || strstr(said, "utf8") || strstr(said, "utf-8") ||
			strstr(said, "UTF8"));
}

/* Below the table where somebody looks at it: one axis, a terminal or --plot. */
static void add_plot(struct session *s, const struct sweep_options *o, const struct sweep *sweep,
		     struct str *out)
{
	const bool looked_at = !o->output.path && isatty(STDOUT_FILENO);
	struct curves c;

	if (sweep->axes_n != 1 || sweep->cells_n < 2 || !(o->plot || looked_at))
		return;
	c = sweep_curves(&s->arena, sweep);
	str_add(out, "\n");
	curves_plot(out, &c, (size_t)output_width(&o->output), is_utf8());
}

/* What no grid of that many axes can be shown as. */
static int check_axes(const struct sweep_options *o, const struct sweep *sweep)
{
	struct err err = ERR_INIT;

	if (is_picture(o) && sweep->axes_n > 2) {
		err_set(&err, "a picture has one axis or two, not %zu", sweep->axes_n);
		err_hint(&err, "set the others with --set, or write a .csv");
		return complain(&err, EXIT_USAGE);
	}
	if (o->plot && sweep->axes_n > 1) {
		err_set(&err, "--plot has one axis, not %zu", sweep->axes_n);
		err_hint(&err, "-o FILE.svg draws two");
		return complain(&err, EXIT_USAGE);
	}
	return EXIT_FINE;
}

static int deliver_sweep(struct session *s, const struct sweep_options *o, const struct sweep *sweep,
			 enum result_format format)
{
	struct str out = STR_INIT;
	int rc;

	if (is_picture(o)) {
		rc = draw_sweep(s, sweep, &out);
	} else {
		sweep_write(&out, sweep, format);
		if (format == RESULT_TABLE)
			add_plot(s, o, sweep, &out);
		rc = session_deliver(s, &out);
	}
	str_release(&out);
	return rc;
}

static int sweep_session(struct session *s, const struct sweep_options *o, const char *path,
			 enum result_format format)
{
	struct sweep_ask ask = {&s->loader, path, o->load.sets, o->over, o->metrics, o->draws, NULL, NULL};
	struct sweep sweep;
	struct err err = ERR_INIT;
	int rc = session_reads(s, path);

	if (rc != EXIT_FINE)
		return rc;
	if (sweep_grid(&ask, &sweep, &err) != 0)
		return session_refuse(s, &err);
	rc = check_axes(o, &sweep);
	if (rc != EXIT_FINE)
		return rc;
	if (run_cells(o, &ask, &sweep, &err) != 0)
		return session_refuse(s, &err);
	rc = deliver_sweep(s, o, &sweep, format);
	return rc == EXIT_FINE && !sweep_found(&sweep) ? EXIT_NOTHING_FITS : rc;
}

static int cmd_sweep(const void *options, const struct texts *files)
{
	const struct sweep_options *o = options;
	enum result_format format = RESULT_TABLE;
	struct session s;
	int rc = is_picture(o) ? EXIT_FINE : choose_format(&o->output, &format);

	if (rc != EXIT_FINE)
		return rc;
	session_begin(&s, &o->load, &o->output);
	rc = sweep_session(&s, o, files->at[0], format);
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
