/* cmd_simulate.c - lemursim simulate SCENARIO...: one row for each assignment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sim/cli/cmd.h"
#include "sim/predict/explain.h"
#include "sim/predict/metrics.h"
#include "sim/report/result.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

static int terminal_width(const struct opts *o)
{
	struct winsize size;

	if (o->out || !isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 120; /* a page's worth, whatever the machine */
	return size.ws_col;
}

static const char *mfu_note(struct arena *a, const struct world *w)
{
	struct str s = STR_INIT;
	const char *note;

	str_add(&s, "MFU is stated against the best single GEMM call as published, summed over the devices "
		    "that train:");
	for (size_t i = 0; i < w->units_n; i++) {
		str_addf(&s, "%s %s ", i ? "," : "", w->units[i].name);
		units_format(&s, w->units[i].profile->gemm[w->scenario->precision.compute]->roof.value,
			     DIM_FLOPS, 4);
	}
	note = arena_printf(a, "%s.", s.text);
	str_release(&s);
	return note;
}

/* What energy and money rest on, where any row has them; NULL where none has. */
static const char *bill_note(struct arena *a, const struct world *w, const struct assignment_row *rows,
			     size_t n)
{
	const struct money *m = &w->scenario->money;
	struct str s = STR_INIT;
	bool energy = false, usd = false;
	const char *note = NULL;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < rows[i].metrics_n; k++) {
			energy |= str_starts(rows[i].metrics[k].name, "energy_");
			usd |= str_starts(rows[i].metrics[k].name, "usd_");
		}
	}
	str_add(&s, "Energy is what a meter at the wall shows: of each machine that an assignment uses, idle "
		    "power all the time and active power while a device is busy");
	if (usd) {
		str_add(&s, "; a million tokens pay for the list prices over ");
		units_format(&s, m->life, DIM_LIFE, 3);
		str_add(&s, ", of which ");
		units_format(&s, m->utilisation, DIM_SHARE, 3);
		str_add(&s, " are worked, and for electricity at ");
		units_format(&s, m->electricity, DIM_TARIFF, 3);
		str_add(&s, ", that of the idle hours too");
	}
	if (energy)
		note = arena_printf(a, "%s.", s.text);
	str_release(&s);
	return note;
}

static const char *config_json(struct arena *a, const struct world *w)
{
	struct str s = STR_INIT;
	struct jsonw json;
	const char *text;

	jsonw_init(&json, &s, 0);
	field_json(w->tree, &json);
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

static const char *scenario_name(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const size_t len = strlen(name);

	return str_ends(name, ".yaml") ? arena_strndup(a, name, len - 5) : name;
}

static void fill_inputs(struct session *s, struct result *r)
{
	struct input_row *inputs = arena_array(&s->arena, s->loader.inputs_n, sizeof *inputs);

	for (size_t i = 0; i < s->loader.inputs_n; i++) {
		inputs[i].file = s->loader.inputs[i].path;
		memcpy(inputs[i].sha256, s->loader.inputs[i].sha256, sizeof inputs[i].sha256);
	}
	r->inputs = inputs;
	r->inputs_n = s->loader.inputs_n;
}

/* Predicts every assignment of a world and appends the result; says whether any workload of any of them fits.
 */
static bool answer(struct session *s, const struct opts *o, const struct placement *at, struct str *out)
{
	const struct world *w = at->world;
	struct arena *a = &s->arena;
	const size_t n = w->scenario->assignments.n;
	const uint64_t seed = (uint64_t)(o->seed >= 0 ? o->seed : w->scenario->seed);
	const size_t draws_n = (size_t)(o->draws > 1 ? o->draws : w->scenario->draws);
	const struct draws draws = draws_make(a, w, seed, draws_n);
	struct prediction *all = arena_array(a, n, sizeof *all);
	struct assignment_row *rows = arena_array(a, n, sizeof *rows);
	const char **notes = arena_array(a, n + 2, sizeof *notes);
	struct result r = {.scenario = scenario_name(a, w->path),
			   .version = VERSION,
			   .title = w->scenario->title,
			   .seed = seed,
			   .draws = (int)draws_n,
			   .rows = rows,
			   .rows_n = n,
			   .notes = notes,
			   .config_json = config_json(a, w)};
	enum result_format format = RESULT_TABLE;
	bool any = false;

	choose_format(o, &format);
	for (size_t i = 0; i < n; i++) {
		prediction_make(a, &at[i], &all[i]);
		rows[i] = prediction_row(a, &all[i], &draws);
		any |= all[i].generate_fits || all[i].train_fits;
	}
	r.notes_n = explain_verdicts(a, all, n, draws.n, notes);
	if (w->scenario->workload.train)
		notes[r.notes_n++] = mfu_note(a, w);
	notes[r.notes_n] = bill_note(a, w, rows, n);
	r.notes_n += notes[r.notes_n] != NULL;
	fill_inputs(s, &r);
	result_write(out, &r, format, terminal_width(o));
	for (size_t i = 0; i < n; i++)
		prediction_release(&all[i]);
	return any;
}

int cmd_simulate(const struct opts *o)
{
	struct str out = STR_INIT;
	enum result_format format;
	struct err err = ERR_INIT;
	int rc = choose_format(o, &format);
	bool fits = false;

	if (rc == EXIT_FINE && format == RESULT_CSV && o->files.n > 1) {
		err_set(&err, "csv takes one scenario: each has columns of its own");
		err_hint(&err, "use --format jsonl");
		rc = complain(&err, EXIT_USAGE);
	}
	if (format == RESULT_JSON && o->files.n > 1)
		str_add(&out, "[");
	for (size_t i = 0; i < o->files.n && rc == EXIT_FINE; i++) {
		struct session s;
		const struct world *w;
		const struct placement *at;

		session_begin(&s, o);
		w = session_world(&s, o, o->files.at[i]);
		at = w ? session_placements(&s, w) : NULL;
		if (at) {
			str_add(&out, !i                       ? ""
				      : format == RESULT_JSON  ? ","
				      : format == RESULT_JSONL ? ""
							       : "\n");
			fits |= answer(&s, o, at, &out);
		}
		rc = at ? EXIT_FINE : EXIT_USAGE;
		session_end(&s);
	}
	if (format == RESULT_JSON && o->files.n > 1)
		str_add(&out, "]\n");
	if (rc == EXIT_FINE)
		rc = deliver(o, &out);
	str_release(&out);
	return rc == EXIT_FINE && !fits ? EXIT_NOTHING_FITS : rc;
}
