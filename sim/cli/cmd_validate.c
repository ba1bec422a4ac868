/* cmd_validate.c - lemursim validate SCENARIO|MACHINE... --from FILE: predicted against measured, run by run
 * or outcome by outcome. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/family/fit_runtime.h"
#include "sim/cli/cmd.h"
#include "sim/validate/validate_scenario.h"
#include "sim/predict/predict.h"

enum shown { SHOWN_TABLE, SHOWN_MD, SHOWN_CSV, SHOWN_JSON, SHOWN_N };
static const char *const format_words[] = {"table", "md", "csv", "json"};

struct row {
	const char *subject, *file, *run;
	double measured, sd, predicted; /* tok/s; predicted NAN: see why */
	const char *why;
};

struct validation {
	struct session s;
	const struct opts *o;
	struct runs *files;
	const char **models; /* for each; NULL: of the scenario */
	size_t files_n;
	VEC(struct row) rows;
};

static void add_row(struct validation *v, const char *subject, size_t file, const struct run *run,
		    double predicted_s, const char *why)
{
	const double rate = run_rate(run);

	VEC_ADD(&v->rows, (struct row){subject, v->files[file].path, run_name(&v->s.arena, run), rate,
				       rate * run->sd / run->seconds,
				       predicted_s > 0 ? run_rate_of(run, predicted_s) : NAN, why});
}

/* --- a machine: one device, every run replayed on it -------------------------------------------------- */

static int validate_machine(struct validation *v, const char *name)
{
	struct catalogue_device d;
	struct err err = ERR_INIT;

	if (catalogue_device_load(&v->s.loader, name, NULL, v->o->runtime, &d) != 0)
		return session_complain(&v->s);
	for (size_t f = 0; f < v->files_n; f++) {
		const struct device_model device_model =
			device_model_make(&v->s.arena, d.machine, d.device, d.profile, d.compute);
		const struct model *m;
		struct precision p;

		if (!v->models[f]) {
			err_set(&err, "%s: which model ran?", v->files[f].path);
			err_hint(&err, "say --model NAME, or give a scenario");
			return complain(&err, EXIT_USAGE);
		}
		m = catalogue_model_load(&v->s.loader, v->models[f]);
		if (!m)
			return session_complain(&v->s);
		if (runs_one_model(&v->files[f], &err) != 0 ||
		    guess_precision(&v->files[f].at[0], v->o->weights, d.compute, &p, &err) != 0)
			return complain(&err, EXIT_USAGE);
		for (size_t i = 0; i < v->files[f].n; i++) {
			const struct replay r =
				replay_make(&v->s.arena, m, &p, &device_model, &v->files[f].at[i]);

			add_row(v,
				arena_printf(&v->s.arena, "%s.%s %s", name, d.device->origin.name,
					     d.profile->origin.name),
				f, &v->files[f].at[i], replay_seconds(&r, NULL), NULL);
		}
	}
	return EXIT_FINE;
}

/* --- a scenario: every assignment under the request that was measured ---------------------------------- */

/* The one unit that does all of a generation, or WORLD_NONE. */
static size_t only_unit(const struct placement *at)
{
	size_t unit = at->shard_groups[PHASE_DECODE][0].unit[0];

	for (int phase = PHASE_PREFILL; phase <= PHASE_DECODE; phase++)
		for (size_t i = 0; i < at->blocks_n; i++) {
			const struct shards *s = &at->shard_groups[phase][i];

			if (s->n > 1 || (s->n == 1 && s->unit[0] != unit))
				return WORLD_NONE;
		}
	return unit;
}

static double simulated_s(struct arena *a, const struct placement *at, const struct run *run)
{
	struct prediction p;
	struct class_times_set now;
	struct generate_times t;

	prediction_make(a, at, &p);
	now = class_times_set_nominal(&p);
	t = prediction_generate(&p, &now);
	prediction_release(&p);
	if (!p.generate_fits)
		return NAN;
	return run->kind == RUN_PP ? t.ttft_s : run->kind == RUN_TG ? t.e2el_s - t.ttft_s : t.e2el_s;
}

/* The scenario with the run as its request; a decode run's depth is a prompt that was read before. */
static const struct world *world_of(struct validation *v, const char *path, const struct run *run)
{
	const int64_t prompt = run->kind == RUN_TG ? (run->depth ? run->depth : 1) : run->prompt;
	const struct texts *user = &v->o->sets;
	const char **sets = arena_array(&v->s.arena, user->n + 1, sizeof *sets);
	struct opts o = *v->o;

	if (user->n)
		memcpy(sets, user->at, user->n * sizeof *sets);
	sets[user->n] = arena_printf(
		&v->s.arena, "workload={generate: {prompt: %lld tok, tokens: %lld tok, batch: %lld}}",
		(long long)prompt, (long long)(run->gen ? run->gen + 1 : 1), (long long)run->batch);
	o.sets = (struct texts){sets, user->n + 1};
	return session_world(&v->s, &o, path);
}

/* Runs of other weights than the scenario's are compared as they stand, but not in silence. */
static void warn_of_weights(struct validation *v, const struct world *w, const struct run *run)
{
	const int ours = w->scenario->precision.weights;
	struct precision p;
	struct err ignored = ERR_INIT;

	if ((!run->model && !(run->bytes > 0 && run->params > 0)) ||
	    guess_precision(run, v->o->weights, (enum dtype)w->scenario->precision.compute, &p, &ignored) !=
		    0 ||
	    p.weights == ours)
		return;
	fprintf(stderr, "lemursim: note: the runs seem to be of %s weights, the scenario says %s\n",
		mix_names[p.weights], mix_names[ours]);
}

static int validate_run(struct validation *v, const char *path, size_t file, const struct run *run)
{
	const struct world *w = world_of(v, path, run);
	const struct placement *at = w ? session_placements(&v->s, w) : NULL;

	if (!at)
		return EXIT_USAGE;
	if (run == v->files[file].at)
		warn_of_weights(v, w, run);
	for (size_t i = 0; i < w->scenario->assignments.n; i++) {
		const size_t unit = only_unit(&at[i]);
		const char *name = at[i].assignment->name;

		if (v->o->assignment && strcmp(v->o->assignment, name))
			continue;
		if (unit != WORLD_NONE) {
			const struct device_model device_model = program_device_model(&v->s.arena, w, unit);
			const struct replay r = replay_make(&v->s.arena, w->model, &w->scenario->precision,
							    &device_model, run);

			add_row(v, name, file, run, replay_seconds(&r, NULL), NULL);
		} else if (run->depth && run->kind != RUN_TG) {
			add_row(v, name, file, run, NAN,
				"a prompt after a cache is not simulated over links");
		} else {
			const double s = simulated_s(&v->s.arena, &at[i], run);

			add_row(v, name, file, run, s, isnan(s) ? "it does not fit" : NULL);
		}
	}
	return EXIT_FINE;
}

static int validate_scenario(struct validation *v, const char *path)
{
	struct err err = ERR_INIT;
	int rc = EXIT_FINE;

	for (size_t f = 0; f < v->files_n && rc == EXIT_FINE; f++) {
		if (runs_one_model(&v->files[f], &err) != 0)
			return complain(&err, EXIT_USAGE);
		for (size_t i = 0; i < v->files[f].n && rc == EXIT_FINE; i++)
			rc = validate_run(v, path, f, &v->files[f].at[i]);
	}
	return rc;
}

/* --- what is printed -------------------------------------------------------------------------------- */

struct summed {
	double mean, worst, bias;
	size_t n;
};

static double error_of(const struct row *r)
{
	return r->predicted / r->measured - 1;
}

static struct summed sum_up(const struct validation *v)
{
	struct summed s = {0};

	for (size_t i = 0; i < v->rows.n; i++) {
		const double e = error_of(&v->rows.at[i]);

		if (isnan(e))
			continue;
		s.n++;
		s.mean += fabs(e);
		s.bias += e;
		s.worst = fabs(e) > fabs(s.worst) ? e : s.worst;
	}
	if (s.n) {
		s.mean /= (double)s.n;
		s.bias /= (double)s.n;
	}
	return s;
}

static void add_json(struct str *out, const struct validation *v, const struct summed *sum)
{
	struct jsonw w;

	jsonw_init(&w, out, 1);
	jsonw_object(&w);
	jsonw_key_string(&w, "schema", "lemursim/validation/1");
	jsonw_key(&w, "rows");
	jsonw_array(&w);
	for (size_t i = 0; i < v->rows.n; i++) {
		const struct row *r = &v->rows.at[i];

		jsonw_object(&w);
		jsonw_key_string(&w, "subject", r->subject);
		jsonw_key_string(&w, "file", r->file);
		jsonw_key_string(&w, "run", r->run);
		jsonw_key_number(&w, "measured_tok_per_s", r->measured);
		jsonw_key_number(&w, "sd_tok_per_s", r->sd);
		jsonw_key_number(&w, "predicted_tok_per_s", r->predicted);
		jsonw_key_number(&w, "error", error_of(r));
		if (r->why)
			jsonw_key_string(&w, "why", r->why);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_key_int(&w, "compared", (int64_t)sum->n);
	jsonw_key_number(&w, "mean_absolute_error", sum->n ? sum->mean : NAN);
	jsonw_key_number(&w, "mean_error", sum->n ? sum->bias : NAN);
	jsonw_key_number(&w, "worst_error", sum->n ? sum->worst : NAN);
	jsonw_end(&w);
	str_add(out, "\n");
}

static void add_csv(struct str *out, const struct validation *v)
{
	str_add(out, "subject,file,run,measured_tok_per_s,sd_tok_per_s,predicted_tok_per_s,error\n");
	for (size_t i = 0; i < v->rows.n; i++) {
		const struct row *r = &v->rows.at[i];

		str_add_csv(out, r->subject);
		str_add(out, ",");
		str_add_csv(out, r->file);
		str_add(out, ",");
		str_add_csv(out, r->run);
		str_addf(out, ",%.17g,%.17g,", r->measured, r->sd);
		if (isnan(r->predicted))
			str_add(out, ",\n");
		else
			str_addf(out, "%.17g,%.6g\n", r->predicted, error_of(r));
	}
}

static size_t widest(const struct validation *v, size_t offset, const char *head)
{
	size_t most = strlen(head);

	for (size_t i = 0; i < v->rows.n; i++) {
		const char *text = *(const char *const *)((const char *)&v->rows.at[i] + offset);

		most = str_width(text) > most ? str_width(text) : most;
	}
	return most;
}

static void add_cell(struct str *out, const char *text, size_t width)
{
	str_add(out, text);
	str_pad(out, ' ', width - str_width(text));
}

static void add_numbers(struct str *out, const struct row *r, const char *bar)
{
	char sd[32] = "";

	if (r->sd > 0)
		snprintf(sd, sizeof sd, "± %.3g", r->sd);
	str_addf(out, "%10.4g %s", r->measured, sd);
	str_pad(out, ' ', str_width(sd) < 9 ? 9 - str_width(sd) : 0);
	if (isnan(r->predicted))
		str_addf(out, "%s%10s  %s%8s  %s%s\n", bar, "-", bar, "-", r->why ? r->why : "",
			 *bar ? " |" : "");
	else
		str_addf(out, "%s%10.4g  %s%+7.1f %%%s\n", bar, r->predicted, bar, 100 * error_of(r),
			 *bar ? " |" : "");
}

static void add_table(struct str *out, const struct validation *v, bool md)
{
	const size_t subject = widest(v, offsetof(struct row, subject), "on"),
		     run = widest(v, offsetof(struct row, run), "run");
	const char *bar = md ? "| " : "";

	str_add(out, bar);
	add_cell(out, "on", subject);
	str_addf(out, "  %s", bar);
	add_cell(out, "run", run);
	str_addf(out, "  %smeasured tok/s       %spredicted  %s   error%s\n", bar, bar, bar, md ? " |" : "");
	if (md)
		str_add(out, "|---|---|---|---|---|\n");
	for (size_t i = 0; i < v->rows.n; i++) {
		str_add(out, bar);
		add_cell(out, v->rows.at[i].subject, subject);
		str_addf(out, "  %s", bar);
		add_cell(out, v->rows.at[i].run, run);
		str_addf(out, "  %s", bar);
		add_numbers(out, &v->rows.at[i], bar);
	}
}

static void print(struct validation *v, enum shown format, const struct summed *sum, struct str *out)
{
	if (format == SHOWN_JSON) {
		add_json(out, v, sum);
	} else if (format == SHOWN_CSV) {
		add_csv(out, v);
	} else {
		add_table(out, v, format == SHOWN_MD);
		if (sum->n)
			str_addf(out,
				 "\nmean absolute error %.1f %% over %zu runs, mean %+.1f %%, worst %+.1f "
				 "%%\n",
				 100 * sum->mean, sum->n, 100 * sum->bias, 100 * sum->worst);
	}
}

/* --- the verb ---------------------------------------------------------------------------------------- */

static int read_files(struct validation *v)
{
	const struct opts *o = v->o;
	struct err err = ERR_INIT;

	if (!o->froms.n) {
		err_set(&err, "validate needs measured runs: --from FILE");
		err_hint(&err,
			 "what llama-bench -o json, llama-batched-bench or mlx_lm.benchmark wrote, or a csv");
		return complain(&err, EXIT_USAGE);
	}
	if (o->model.n > 1 && o->model.n != o->froms.n) {
		err_set(&err, "%zu --model for %zu --from: give one for each, or one for all", o->model.n,
			o->froms.n);
		return complain(&err, EXIT_USAGE);
	}
	v->files_n = o->froms.n;
	v->files = arena_array(&v->s.arena, v->files_n, sizeof *v->files);
	v->models = arena_array(&v->s.arena, v->files_n, sizeof *v->models);
	for (size_t i = 0; i < v->files_n; i++) {
		v->models[i] = o->model.n ? o->model.at[o->model.n > 1 ? i : 0] : NULL;
		if (runs_read(&v->s.arena, o->froms.at[i], &v->files[i], &err) != 0)
			return complain(&err, EXIT_USAGE);
	}
	return EXIT_FINE;
}

static int choose(const struct opts *o, enum shown *format, double *tolerance)
{
	struct err err = ERR_INIT;
	int chosen, rc;

	*tolerance = INFINITY;
	if (o->tolerance && units_parse(o->tolerance, DIM_SHARE, tolerance, &err) != 0)
		return complain(&err, EXIT_USAGE);
	rc = choose_word(o, format_words, SHOWN_N, &chosen);
	*format = (enum shown)chosen;
	return rc;
}

static bool is_scenario(struct validation *v, const char *path)
{
	const struct yml *schema;

	if (!str_ends(path, ".yaml"))
		return false;
	schema = load_schema(&v->s.loader, path);
	return schema && !strcmp(schema->text, SCENARIO_SCHEMA);
}

/* Rows that name their machines need no subject; outcomes are of the scenario they stand beside. */
static int validate_rows(struct validation *v, bool outcomes, enum shown format, double tolerance)
{
	const struct opts *o = v->o;
	const struct validate_ask ask = {.loader = &v->s.loader,
					 .subjects = o->files,
					 .sets = o->sets,
					 .from = o->froms,
					 .models = o->model,
					 .runtime = o->runtime,
					 .weights = o->weights,
					 .family = o->family,
					 .draws = {o->seed, o->draws}};
	struct runs all;
	struct validate_runs rows = {0};
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	int rc;

	if (outcomes)
		rc = validate_scenario_make(&ask, &rows, &err);
	else if (runs_read_all(&v->s.arena, o->froms.at, o->froms.n, &all, &err) == 0)
		rc = validate_runs_make(&ask, &all, &rows, &err);
	else
		rc = -1;
	rc = rc == 0 ? EXIT_FINE : session_refuse(&v->s, &err);
	if (rc == EXIT_FINE) {
		validate_runs_print(&rows, format_words[format], v->o->sets_only, &out);
		rc = deliver(v->o, &out);
	}
	if (rc == EXIT_FINE && validate_runs_worst(&rows) > tolerance)
		rc = EXIT_TARGET_MISSED;
	str_release(&out);
	return rc;
}

int cmd_validate(const struct opts *o)
{
	struct validation v = {.o = o};
	struct str out = STR_INIT;
	enum shown format = SHOWN_TABLE;
	double tolerance;
	struct summed sum;
	const bool outcomes = o->froms.n && validate_scenario_are(o->froms.at[0]);
	int rc = choose(o, &format, &tolerance);

	session_begin(&v.s, o);
	rc = rc == EXIT_FINE && !outcomes ? read_files(&v) : rc;
	if (rc == EXIT_FINE && (outcomes || (!o->files.n && runs_name_machines(&v.files[0])))) {
		rc = validate_rows(&v, outcomes, format, tolerance);
		session_end(&v.s);
		return rc;
	}
	for (size_t i = 0; i < o->files.n && rc == EXIT_FINE; i++) {
		const bool scenario = is_scenario(&v, o->files.at[i]);

		if (v.s.diags.total)
			rc = session_complain(&v.s);
		else
			rc = (scenario ? validate_scenario : validate_machine)(&v, o->files.at[i]);
	}
	sum = sum_up(&v);
	if (rc == EXIT_FINE) {
		print(&v, format, &sum, &out);
		rc = deliver(o, &out);
	}
	if (rc == EXIT_FINE && (!sum.n || fabs(sum.worst) > tolerance))
		rc = sum.n ? EXIT_TARGET_MISSED : EXIT_NOTHING_FITS;
	VEC_FREE(&v.rows);
	str_release(&out);
	session_end(&v.s);
	return rc;
}
