/* calibrate_here.c - see calibrate_here.h. */
#include "sim/cli/calibrate_here.h"

#include <stdio.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/calib/bundle.h"
#include "sim/cli/backends.h"
#include "sim/cli/progress.h"
#include "sim/measure/measure.h"

struct shown {
	struct progress progress;
	FILE *to;
};

static void show_progress(void *self, const struct suite_progress *p)
{
	struct shown *shown = self;

	progress_say(&shown->progress, "%3.0f %%  %s (%zu of %zu): %.60s, %.0f s left", 100 * p->done, p->row,
		     p->row_i + 1, p->rows_n, p->label ? p->label : "", p->left_s);
}

/* What is said beside the hardware file: on the terminal, where the file itself takes the standard output. */
static FILE *beside(const struct calibrate_options *o)
{
	return o->output.standard ? stderr : stdout;
}

static void show_measured(void *self, const char *text)
{
	struct shown *shown = self;

	progress_clear(&shown->progress);
	fputs(text, shown->to);
}

static void tell_interrupted(const struct calibrate_options *o, const struct measure_result *r)
{
	fprintf(stderr, "lemursim: interrupted; %zu finished row%s kept\n", r->rows_kept,
		r->rows_kept == 1 ? " is" : "s are");
	for (size_t i = 0; i < r->to_resume_n; i++)
		fprintf(stderr, "  hint: the rest: %s%s%s\n", r->to_resume[i],
			o->bundle && i + 1 == r->to_resume_n ? " --bundle " : "",
			o->bundle && i + 1 == r->to_resume_n ? o->bundle : "");
}

/* Shows what a bundle of the samples in these files says, and writes it. */
static int write_bundle(struct arena *a, const struct calibrate_options *o, const struct texts *samples)
{
	struct str shown = STR_INIT, text = STR_INIT;
	struct err err = ERR_INIT;
	struct bundle b;
	int rc = bundle_read(a, samples->at, samples->n, &b, &err);

	if (rc == 0) {
		bundle_show(&b, &shown);
		fprintf(beside(o), "the bundle says of this machine, besides its samples:\n%s", shown.text);
		bundle_write(&b, &text);
		rc = file_write(o->bundle, text.text, text.len, o->output.force, &err);
	}
	if (rc == 0)
		fprintf(beside(o), "written: %s; attach it to an issue (\"a measured machine\")\n",
			o->bundle);
	str_release(&shown);
	str_release(&text);
	return rc == 0 ? EXIT_FINE : complain(&err, EXIT_FAILED);
}

static void tell_written(const struct measure_result *r, const char *out, FILE *to)
{
	fprintf(to, "written: %s, from", out);
	for (size_t i = 0; i < r->samples.n; i++)
		fprintf(to, "%s %s", i ? " and" : "", r->samples.at[i]);
	fprintf(to, "\n");
}

static int tell_end(const struct calibrate_options *o, enum measure_end end, const struct measure_result *r,
		    const struct err *err)
{
	switch (end) {
	case MEASURE_WRITTEN:
		say_notes(&r->unused);
		tell_written(r, o->output.standard ? "the standard output" : r->out, beside(o));
		return EXIT_FINE;
	case MEASURE_INTERRUPTED:
		tell_interrupted(o, r);
		return EXIT_INTERRUPTED;
	case MEASURE_REFUSED:
		return complain(err, EXIT_USAGE);
	case MEASURE_FAILED:
		return complain(err, EXIT_FAILED);
	}
	BUG("end of a measurement %d", (int)end);
}

/* text: takes the hardware file where that goes to the standard output */
static struct measure_ask measure_asked(const struct calibrate_options *o, struct str *text)
{
	return (struct measure_ask){.backends = cli_backends,
				    .shares = cli_backend_shares,
				    .n = cli_backends_n,
				    .stop = session_interrupted(),
				    .tool = "lemursim " VERSION,
				    .backend = o->backend,
				    .only = o->only,
				    .quick = o->quick,
				    .force = o->output.force,
				    .threads = o->threads,
				    .from = o->runs.from,
				    .datasheet = o->facts,
				    .out = o->output.path,
				    .text = o->output.standard ? text : NULL};
}

int calibrate_measure(struct arena *a, const struct calibrate_options *o)
{
	struct shown shown = {progress_begin(), beside(o)};
	struct str text = STR_INIT;
	struct measure_ask ask = measure_asked(o, &text);
	struct measure_result r;
	struct err err = ERR_INIT;
	enum measure_end end;
	int rc;

	if (o->bundle && file_prepare(o->bundle, o->output.force, &err) != 0)
		return complain(&err, EXIT_FAILED);
	ask.progress = show_progress;
	ask.measured = show_measured;
	ask.self = &shown;
	end = measure_machine(a, &ask, &r, &err);
	progress_clear(&shown.progress);
	rc = tell_end(o, end, &r, &err);
	if (end == MEASURE_WRITTEN && ask.text)
		rc = deliver(&o->output, &text);
	str_release(&text);
	if (o->bundle && r.samples.n &&
	    (end == MEASURE_WRITTEN || end == MEASURE_FAILED)) /* failures are worth most */
		return write_bundle(a, o, &r.samples) == EXIT_FINE ? rc : EXIT_FAILED;
	return rc;
}

/* Lines that are wider than the terminal go on below, from that column; as they are where there is none. */
static void fold(struct str *text, size_t indent, const struct output_options *to)
{
	const int width = to->path ? 0 : terminal_width(0);
	struct str out = STR_INIT, line = STR_INIT;

	for (const char *at = text->text; width && *at; at += strspn(at, "\n") > 0) {
		const size_t n = strcspn(at, "\n");

		str_clear(&line);
		str_add_n(&line, at, n);
		str_add_wrapped(&out, line.text, 0, indent, (size_t)width);
		at += n;
	}
	if (width) {
		str_clear(text);
		str_add(text, out.text);
	}
	str_release(&out);
	str_release(&line);
}

int calibrate_plan(const struct calibrate_options *o)
{
	const struct output_options terminal = {.path = NULL};
	struct arena a = ARENA_INIT;
	struct str text = STR_INIT;
	const struct measure_ask ask = measure_asked(o, &text);
	struct err err = ERR_INIT;
	int rc = measure_plan(&a, &ask, &text, &err);

	fold(&text, 23, &terminal);
	rc = rc == 0 ? deliver(&terminal, &text) : complain(&err, EXIT_USAGE);

	str_release(&text);
	arena_release(&a);
	return rc;
}

int calibrate_list(const struct calibrate_options *o)
{
	struct str text = STR_INIT;
	int rc;

	suite_list(&text);
	fold(&text, 13, &o->output);
	rc = deliver(&o->output, &text);
	str_release(&text);
	return rc;
}

int calibrate_bundle(struct arena *a, const struct calibrate_options *o)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; i < o->runs.from.n; i++)
		if (file_same(o->runs.from.at[i], o->bundle)) {
			err_set(&err, "'%s' is read: it will not be overwritten", o->bundle);
			return complain(&err, EXIT_USAGE);
		}
	if (file_prepare(o->bundle, o->output.force, &err) != 0)
		return complain(&err, EXIT_FAILED);
	return write_bundle(a, o, &o->runs.from);
}
