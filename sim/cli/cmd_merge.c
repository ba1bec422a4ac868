/* cmd_merge.c - lemursim merge FILE...: what processes of one sweep or plan have found out, as one process would have written it. */
#include <string.h>

#include "sim/base/file.h"
#include "sim/cli/plan_shares.h"
#include "sim/cli/sweep_output.h"
#include "sim/plan/verdicts.h"
#include "sim/sweep/cells_file.h"

struct merge_options {
	struct sweep_output out;
	struct load_options load;
	struct workers_ask workers;
};

static const struct opt_table tables[] = {
	OPTS_PLOT(struct merge_options, out),        OPTS_LOOK(struct merge_options, out.look),
	OPTS_PATH(struct merge_options, load),       OPTS_RESULT_FORMAT(struct merge_options, out.file),
	OPTS_OUTPUT(struct merge_options, out.file), OPTS_JOBS(struct merge_options, workers)};

static int check_kind(const char *path, const char *text, size_t len, struct err *err)
{
	if (!len || cells_is(text, len))
		return 0;
	if (plan_verdicts_is(text, len)) {
		err_set(err, "%s is of a plan, the first file is of a sweep", path);
		return err_hint(err, "put together what was begun by one command line");
	}
	err_set(err, "%s has neither the cells of a sweep nor the verdicts of a plan", path);
	return err_hint(err, "'sweep' and 'plan' write such files by --shard K/N -o FILE.jsonl");
}

static int read_files(struct session *s, const struct texts *files, struct sweep *sweep)
{
	struct err err = ERR_INIT;
	char *text;
	size_t len;

	for (size_t i = 0; i < files->n; i++)
		if (file_read(&s->arena, files->at[i], CELLS_FILE_MAX, &text, &len, &err) != 0 ||
		    check_kind(files->at[i], text, len, &err) != 0 ||
		    cells_read(&s->arena, sweep, files->at[i], text, len, VERSION, &err) != 0)
			return complain(&err, EXIT_USAGE);
	return EXIT_FINE;
}

/* What a cell is, "workload.generate.batch=4, links.tb.base=thunderbolt-5-tcp". */
static void add_place(struct str *out, const struct sweep *s, size_t cell)
{
	for (size_t k = 0; k < s->axes_n; k++)
		str_addf(out, "%s%s=%s", k ? ", " : "", s->axes[k].path, s->cells[cell].values[k]);
}

/* Refuses a sweep that is not whole, and names its first gap. */
static int check_whole(const struct sweep *s)
{
	struct err err = ERR_INIT;
	struct str place = STR_INIT;
	size_t missing = 0, first = 0;

	for (size_t i = s->cells_n; i-- > 0;) {
		if (s->cells[i].entries)
			continue;
		missing++;
		first = i;
	}
	if (!missing)
		return EXIT_FINE;
	add_place(&place, s, first);
	err_set(&err, "%zu of %zu cells are missing, the first is number %zu: %.200s", missing, s->cells_n,
		first, place.text);
	err_hint(&err, "run the sweep with --resume for each file that was broken off, or name the files "
		       "that are not here");
	str_release(&place);
	return complain(&err, EXIT_FAILED);
}

static int merge(struct session *s, const struct merge_options *o, const struct texts *files)
{
	enum result_format format;
	struct sweep sweep = {0};
	int rc = sweep_output_format(&o->out, &format);

	if (rc == EXIT_FINE)
		rc = session_reads_all(s, files);
	if (rc == EXIT_FINE)
		rc = read_files(s, files, &sweep);
	if (rc == EXIT_FINE)
		rc = check_whole(&sweep);
	if (rc == EXIT_FINE)
		rc = sweep_output_check(&o->out, sweep.axes_n, 1);
	if (rc != EXIT_FINE)
		return rc;
	sweep_settle_bounds(&sweep);
	return sweep_output_deliver(s, &o->out, &sweep, format);
}

static int cmd_merge(const void *options, const struct texts *files)
{
	const struct merge_options *o = options;
	const struct load_options none = {0};
	struct session s;
	int rc;

	if (plan_share_is(files->at[0]))
		return plan_merge(files, &o->load.paths, &o->out.file, &o->workers);
	session_begin(&s, &none, &o->out.file);
	rc = merge(&s, o, files);
	session_end(&s);
	return rc;
}

const struct verb verb_merge = {
	.name = "merge",
	.arguments = "FILE...",
	.help = "what the processes of 'sweep --shard' or 'plan --shard' have run, as one process would have "
		"written it",
	.options = tables,
	.options_n = ARRAY_LEN(tables),
	.size = sizeof(struct merge_options),
	.run = cmd_merge,
	.tries = "sweep scenarios/m5-vs-m4pro.yaml --over workload.generate.batch=1,8 --shard 1/1 -o "
		 "cells.jsonl\n"
		 "merge cells.jsonl\n"};
