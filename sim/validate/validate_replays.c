/* validate_replays.c - see validate_replays.h. */
#include "sim/validate/validate_replays.h"

#include <math.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/vec.h"
#include "sim/family/mix_by_size.h"
#include "sim/family/report_rows.h"
#include "sim/family/predicted_run.h"
#include "sim/predict/generate_job.h"
#include "sim/predict/predict.h"
#include "sim/validate/run_band.h"
#include "sim/validate/scenario_rows.h"
#include "sim/world/computed.h"

struct replays {
	const struct validate_ask *ask;
	const struct runs *files; /* one for each of ask->from */
	struct texts *notes;
	struct err *err;
	struct model_shelf shelf;
	VEC(struct validation_row) rows;
};

static struct arena *arena_of(const struct replays *v)
{
	return v->ask->loader->arena;
}

/* who: the machine or the assignment, the runtime, and the run's label where it is not the run's name alone. of: what is
 * drawn for the interval; NULL: nothing is. */
static void add_row(struct replays *v, struct validation_row who, size_t file, const struct run *run,
		    double predicted_s, const struct drawn_run *of)
{
	who.set = run->set ? run->set : "all";
	who.file = v->files[file].path;
	who.source = run->source;
	who.run = who.run ? who.run : run_name(arena_of(v), run);
	who.unit = run_unit(run);
	who.measured = run_rate(run);
	who.sd = who.measured * run->sd / run->seconds;
	who.predicted = predicted_s > 0 ? run_rate_of(run, predicted_s) : NAN;
	who.lo = who.hi = who.no_model.error = who.no_chip.error = NAN;
	if (of && predicted_s > 0) {
		const struct band band = run_band(v->ask, run, who.predicted, of, NULL);

		who.lo = band.lo;
		who.hi = band.hi;
	}
	who.held_out = run->held_out;
	VEC_ADD(&v->rows, who);
}

/* --- a machine: one device, every run replayed on it -------------------------------------------------- */

static void tell(struct replays *v, const char *note)
{
	*v->notes = texts_join(arena_of(v), v->notes, &note, 1);
}

static void tell_once(struct replays *v, const char *note)
{
	*v->notes = texts_join_once(arena_of(v), v->notes, note);
}

/* A prompt of a mixture of experts under llama.cpp on Metal that took half as long again: its build, which the row does
 * not say, may be from before the products of experts were made faster. */
static void note_old_experts(struct replays *v, const struct report_row *row, double predicted_s)
{
	const struct run *run = row->run;

	if (row->model->experts && !run->build && run->prompt > run->gen &&
	    run->seconds > 1.5 * predicted_s && str_starts(row->profile->origin.name, "llama.cpp"))
		tell_once(v,
			  arena_printf(arena_of(v),
				       "%s: no build is said, and '%s' stands for those of its date: prompts "
				       "of mixtures of "
				       "experts under builds before May 2025 took 1.8 to 4.1 times as long "
				       "(ggml-org/llama.cpp#13388); a column build says it, 'lemursim "
				       "explain' weighs it",
				       run->path, row->profile->origin.name));
}

static void replay_row(struct replays *v, const char *machine, const struct catalogue_device *d, size_t f,
		       const struct report_row *row)
{
	const struct validation_row who = {
		.machine = arena_printf(arena_of(v), "%s.%s", machine, d->device->origin.name),
		.runtime = row->profile->origin.name,
		.computed = run_computed(arena_of(v), row->model, &row->precision, row->profile,
					 run_name(arena_of(v), row->run)),
		.run = v->ask->models.n ? NULL
					: arena_printf(arena_of(v), "%s %s %s", row->model_name,
						       mix_names[row->precision.weights],
						       run_name(arena_of(v), row->run))};
	const struct device_model device_model = report_device_model(arena_of(v), d, row, row->profile);
	const struct drawn_run of = {
		predicted_run_make(arena_of(v), row->model, &row->precision, &device_model, row->run),
		d->machine, d->device, row->profile, mix_stretch_sd(row->model, &row->precision)};
	const double predicted_s = predicted_run_seconds(&of.predicted);

	note_old_experts(v, row, predicted_s);
	run_tell_suite(arena_of(v), row->run, row->profile, v->notes);
	add_row(v, who, f, row->run, predicted_s, &of);
}

static int replay_file(struct replays *v, const char *machine, const struct catalogue_device *d, size_t f)
{
	const struct texts *models = &v->ask->models;
	const char *runtime = v->ask->runtime;
	struct report_ask ask = {.shelf = &v->shelf,
				 .device = d,
				 .model = models->n ? models->at[models->n > 1 ? f : 0] : NULL,
				 .weights = v->ask->weights,
				 .runtime = runtime,
				 .dated = runtime && strchr(runtime, '@'),
				 .skip = v->ask->skip_foreign};
	struct report_rows rows;

	ask.given = ask.model ? catalogue_model_typed(v->ask->loader, &ask.model, v->err) : NULL;
	if ((ask.model && !ask.given) || runs_of_models(&v->files[f], v->err) != 0)
		return -1;
	if (report_rows_make(&ask, &v->files[f], &rows, v->err) != 0)
		return -1;
	for (size_t i = 0; i < rows.notes.n; i++)
		tell(v, rows.notes.at[i]);
	for (size_t i = 0; i < rows.n; i++)
		replay_row(v, machine, d, f, &rows.at[i]);
	return 0;
}

static int validate_machine(struct replays *v, const char *name)
{
	struct catalogue_device d;

	if (catalogue_device_load(v->ask->loader, name, NULL, v->ask->runtime, &d) != 0)
		return -1;
	for (size_t f = 0; f < v->ask->from.n; f++)
		if (replay_file(v, name, &d, f) != 0)
			return -1;
	return 0;
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
	struct generate_times t;

	prediction_make(a, at, &p);
	t = generate_job_times(&p.jobs[JOB_GENERATE]);
	prediction_release(&p);
	if (!p.jobs[JOB_GENERATE].fits)
		return NAN;
	return run->kind == RUN_PP ? t.ttft_s : run->kind == RUN_TG ? t.e2el_s - t.ttft_s : t.e2el_s;
}

/* The scenario with the run as its request; a decode run's depth is a prompt that was read before. */
static const struct world *world_of(struct replays *v, const char *path, const struct run *run)
{
	const int64_t prompt = run->kind == RUN_TG ? (run->depth ? run->depth : 1) : run->prompt;
	const char *const request[] = {arena_printf(
		arena_of(v), "workload={generate: {prompt: %lld tok, tokens: %lld tok, batch: %lld}}",
		(long long)prompt, (long long)(run->gen ? run->gen + 1 : 1), (long long)run->batch)};
	const struct texts sets = texts_join(arena_of(v), &v->ask->sets, request, 1);

	return scenario_load(v->ask->loader, path, &sets);
}

/* Runs of other weights than the scenario's are compared as they stand; a note says so. */
static void note_weights(struct replays *v, const struct world *w, const struct run *run)
{
	const int ours = w->scenario->precision.weights;
	struct precision p;
	const char *note;
	enum run_column column;

	if (run_weights(arena_of(v), run, w->model, v->ask->weights,
			(enum dtype)w->scenario->precision.compute, &p, &note, &column, NULL) != 0 ||
	    p.weights == ours)
		return;
	tell(v, arena_printf(arena_of(v), "the runs seem to be of %s weights, the scenario says %s",
			     mix_names[p.weights], mix_names[ours]));
}

/* One run under one assignment: on one device operator by operator, over several as simulate does. */
static void replay_assignment(struct replays *v, const struct placement *at, size_t file,
			      const struct run *run)
{
	const struct world *w = at->world;
	const struct yml *runtime = w->scenario->runtime;
	const size_t unit = only_unit(at);
	struct validation_row who = {.assignment = at->assignment->name,
				     .runtime = runtime->kind == YML_SCALAR ? runtime->text : "by machine",
				     .computed =
					     world_run_computed(arena_of(v), w, run_name(arena_of(v), run))};
	double predicted_s = NAN;
	struct drawn_run of = {.machine = NULL};

	if (unit != WORLD_NONE) {
		const struct device_model device_model = program_device_model(arena_of(v), w, unit);

		of = (struct drawn_run){predicted_run_make(arena_of(v), w->model, &w->scenario->precision,
							   &device_model, run),
					&w->machines[w->units[unit].machine], w->units[unit].device,
					w->units[unit].profile, 0};
		predicted_s = predicted_run_seconds(&of.predicted);
	} else if (run->depth && run->kind != RUN_TG) {
		who.why = "a prompt after a cache is not simulated over links";
	} else {
		predicted_s = simulated_s(arena_of(v), at, run);
		who.why = isnan(predicted_s) ? "it does not fit" : NULL;
	}
	add_row(v, who, file, run, predicted_s, of.machine ? &of : NULL);
}

static int validate_run(struct replays *v, const char *path, size_t file, const struct run *run)
{
	const struct world *w = world_of(v, path, run);
	const struct placement *at = w ? scenario_place(v->ask->loader, w) : NULL;

	if (!at)
		return -1;
	if (run == v->files[file].at)
		note_weights(v, w, run);
	for (size_t i = 0; i < w->scenario->assignments.n; i++)
		replay_assignment(v, &at[i], file, run);
	return 0;
}

/* Finds the rows that the scenario contradicts, which are refused, or left out and counted. */
static int find_foreign(struct replays *v, const struct world *w, const struct runs *file, bool *foreign)
{
	struct diags *diags = v->ask->loader->diags;
	size_t by[COLUMNS] = {0}, left_out = 0;
	int rc = 0;

	for (size_t i = 0; i < file->n; i++) {
		const struct run *run = &file->at[i];
		enum run_column column;
		struct err why = ERR_INIT;

		foreign[i] = scenario_rows_check(&v->shelf, w, run, &column, &why) != 0;
		if (!foreign[i])
			continue;
		by[column]++;
		left_out++;
		if (!v->ask->skip_foreign)
			rc = diag_add(diags, run_place(run, column), why.hint, "%s: %s",
				      run_column_name(run, column), why.msg);
	}
	if (rc != 0)
		return -1;
	if (left_out)
		tell(v, report_left_out(arena_of(v), file, file->n, by));
	return left_out < file->n ? 0 : report_none_left(arena_of(v), file, by, v->err);
}

static int validate_file(struct replays *v, const char *path, size_t f)
{
	const struct runs *file = &v->files[f];
	const bool skips = v->ask->skip_foreign;
	bool *foreign = arena_array(arena_of(v), file->n, sizeof *foreign);
	const struct world *w;
	int rc = 0;

	if ((skips ? runs_of_models(file, v->err) : runs_one_model(file, v->err)) != 0)
		return -1;
	w = world_of(v, path, &file->at[0]);
	if (!w || find_foreign(v, w, file, foreign) != 0)
		return -1;
	for (size_t i = 0; i < file->n && rc == 0; i++)
		if (!foreign[i])
			rc = validate_run(v, path, f, &file->at[i]);
	return rc;
}

static int validate_scenario(struct replays *v, const char *path)
{
	for (size_t f = 0; f < v->ask->from.n; f++)
		if (validate_file(v, path, f) != 0)
			return -1;
	return 0;
}

static bool is_scenario(struct replays *v, const char *path)
{
	const struct yml *schema;

	if (!str_ends(path, ".yaml"))
		return false;
	schema = load_schema(v->ask->loader, path);
	return schema && !strcmp(schema->text, SCENARIO_SCHEMA);
}

static int validate_subject(struct replays *v, const char *subject)
{
	const bool scenario = is_scenario(v, subject);

	if (v->ask->loader->diags->total)
		return -1;
	return (scenario ? validate_scenario : validate_machine)(v, subject);
}

int validate_replays_make(const struct validate_ask *ask, const struct runs *files, struct validation *v,
			  struct texts *notes, struct err *err)
{
	struct replays r = {
		.ask = ask, .files = files, .notes = notes, .err = err, .shelf = {.loader = ask->loader}};
	struct arena *a = ask->loader->arena;
	int rc = 0;

	*notes = (struct texts){NULL, 0};
	if (!ask->subjects.n) {
		const char *first = NULL, *named = runs_machines_named(a, &files[0], &first);

		err_set(err, "%s: %s", files[0].path, named ? named : "on which machine did it run?");
		return err_hint(err, "lemursim validate MACHINE --from FILE%s; 'lemursim list' has the names",
				named ? " --skip-foreign" : "");
	}
	for (size_t i = 0; i < ask->subjects.n && rc == 0; i++)
		rc = validate_subject(&r, ask->subjects.at[i]);
	*v = (struct validation){arena_array(a, r.rows.n, sizeof *v->at), r.rows.n, VALIDATION_REPLAYS};
	if (r.rows.n)
		memcpy(v->at, r.rows.at, r.rows.n * sizeof *v->at);
	VEC_FREE(&r.rows);
	return rc;
}
