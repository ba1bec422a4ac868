/* cmd_sweep.c - lemursim sweep SCENARIO --over PATH=VALUE,VALUE...: a grid of what-ifs, and where a split
 * pays. */
#include <stdio.h>
#include <unistd.h>

#include "sim/cli/cmd.h"
#include "sim/report/curves.h"
#include "sim/report/draw.h"
#include "sim/report/sweep.h"
#include "sim/report/sweep_curves.h"

struct sweep_options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
	struct texts over;
	struct texts metrics;
};

static const struct opt own[] = {
	OPT_TEXTS_ROW(struct sweep_options, over, "over", 0, "PATH=VALUE,VALUE...",
		      "an axis of the grid; several make every combination, the last changing fastest"),
	OPT_TEXTS_ROW(
		struct sweep_options, metrics, "metric", 0, "NAME",
		"what is compared, such as decode_tok_per_s; e2el_s, or train_step_s, if not said; more of "
		"them are more panels of a picture")};
static const struct opt_table tables[] = {
	OPTS_SET(struct sweep_options, load),      OPT_OWN(own),
	OPTS_PATH(struct sweep_options, load),     OPTS_RESULT_FORMAT(struct sweep_options, output),
	OPTS_OUTPUT(struct sweep_options, output), OPTS_SEED(struct sweep_options, draws),
	OPTS_DRAWS(struct sweep_options, draws)};

static bool is_picture(const struct sweep_options *o)
{
	return o->output.path && !o->output.format && draw_format(o->output.path);
}

static int run_cells(const struct sweep_ask *ask, struct sweep *sweep, struct err *err)
{
	const bool progress = isatty(STDERR_FILENO) && sweep->cells_n > 1;

	for (size_t i = 0; i < sweep->cells_n; i++) {
		if (progress)
			fprintf(stderr, "\r\033[K%zu of %zu", i + 1, sweep->cells_n);
		if (sweep_run_cell(ask, sweep, i, err) != 0)
			return -1;
	}
	if (progress)
		fputs("\r\033[K", stderr);
	return 0;
}

static int draw_sweep(struct session *s, const struct sweep *sweep, struct str *out)
{
	const struct curves c = sweep_curves(&s->arena, sweep);

	curves_dot(out, &c);
	return deliver_by(s->output, out, draw_write);
}

static int sweep_session(struct session *s, const struct sweep_options *o, const char *path,
			 enum result_format format)
{
	const struct sweep_ask ask = {&s->loader, path, o->load.sets, o->over, o->metrics, o->draws};
	struct sweep sweep;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	int rc = session_reads(s, path);

	if (rc != EXIT_FINE)
		return rc;
	if (sweep_grid(&ask, &sweep, &err) != 0 || run_cells(&ask, &sweep, &err) != 0)
		return session_refuse(s, &err);
	if (is_picture(o)) {
		rc = draw_sweep(s, &sweep, &out);
	} else {
		sweep_write(&out, &sweep, format);
		rc = session_deliver(s, &out);
	}
	str_release(&out);
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
	.help = "a grid of what-ifs, such as --over workload.generate.batch=1,4,16, and where a split pays",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct sweep_options),
	.run = cmd_sweep,
	.tries = "sweep scenarios/m5-vs-m4pro.yaml --over workload.generate.batch=1,8 --over "
		 "\"workload.generate.prompt=128 tok,8192 tok\"\n"};
