/* validate_scenario.c - see validate_scenario.h. */
#include "sim/validate/validate_scenario.h"

#include <math.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/vec.h"
#include "sim/base/csv.h"
#include "sim/predict/metrics.h"
#include "sim/runs/ingest.h"
#include "sim/stats/band.h"
#include "sim/validate/changed_world.h"
#include "sim/world/computed.h"

struct outcome {
	const char *path;
	int line;
	const char *assignment, *of, *changes; /* `of` is NULL unless it is a ratio */
	const struct metric_info *metric;
	double value; /* in base units */
	const char *set, *quality, *source, *note;
	bool held_out;
	bool done; /* predicted */
};

struct outcomes {
	const struct validate_ask *ask;
	VEC(struct outcome) at;
	struct validation_row *rows; /* one for each */
};

/* --- reading ------------------------------------------------------------------------------------------ */

static const char *const columns[] = {"assignment", "of_assignment", "metric", "value",   "unit", "changes",
				      "set",        "use",           "source", "quality", "note"};
static const char *const qualities[] = {"primary", "secondary", "derived", "approximate"};
static const char *const uses[] = {"fit", "check"};

bool validate_scenario_are(const char *path)
{
	struct arena scratch = ARENA_INIT;
	struct csv csv;
	char *text;
	size_t len;
	bool are = false;

	if (file_read(&scratch, path, RUNS_FILE_MAX, &text, &len, NULL) == 0) {
		char *at = text;

		while (*at == '#' || *at == '\n' || *at == '\r')
			at += strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n');
		at[strcspn(at, "\n")] = '\0';
		are = csv_read(&scratch, path, at, &csv, NULL) == 0 &&
		      csv_column(&csv, "metric") != (size_t)-1;
	}
	arena_release(&scratch);
	return are;
}

static int check_word(const char *what, const char *word, const char *const *words, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(word, words[i]))
			return 0;
	return err_unknown(err, what, word, words, n);
}

static int read_value(struct arena *a, const char *value, const char *unit, struct outcome *out,
		      struct err *err)
{
	struct err not_bare = ERR_INIT;
	const char *text = *unit ? arena_printf(a, "%s %s", value, unit) : value;

	if (units_parse(text, DIM_COUNT, &out->value, &not_bare) != 0 &&
	    (out->of ? units_parse(text, DIM_COUNT, &out->value, err)
		     : metric_parse(out->metric, text, &out->value, err)) != 0)
		return -1;
	if (out->value > 0)
		return 0;
	return err_set(err, "value: what is measured is above zero, got '%.60s'", text);
}

static int read_row(struct arena *a, const struct csv *csv, const struct csv_row *row, struct outcome *out,
		    struct err *err)
{
	static const char *const needed[] = {"assignment", "metric", "value", "source", "quality"};
	const char *use = csv_get(csv, row, "use");

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!*csv_get(csv, row, needed[i]))
			return err_set(err, "%s: every row says it", needed[i]);
	*out = (struct outcome){.path = csv->path,
				.line = row->line,
				.assignment = csv_get(csv, row, "assignment"),
				.of = csv_get(csv, row, "of_assignment"),
				.changes = csv_get(csv, row, "changes"),
				.set = csv_get(csv, row, "set"),
				.quality = csv_get(csv, row, "quality"),
				.source = csv_get(csv, row, "source"),
				.note = csv_get(csv, row, "note"),
				.held_out = strcmp(use, "fit") != 0};
	out->of = *out->of ? out->of : NULL;
	out->metric = metric_find(csv_get(csv, row, "metric"), err);
	if (!out->metric || check_word("quality", out->quality, qualities, ARRAY_LEN(qualities), err) != 0 ||
	    (*use && check_word("use", use, uses, ARRAY_LEN(uses), err) != 0))
		return -1;
	return read_value(a, csv_get(csv, row, "value"), csv_get(csv, row, "unit"), out, err);
}

static int read_file(struct outcomes *t, const char *path, struct err *err)
{
	struct arena *a = t->ask->loader->arena;
	struct csv csv;
	char *text;
	size_t len;
	struct err why = ERR_INIT;

	if (file_read(a, path, RUNS_FILE_MAX, &text, &len, err) != 0 ||
	    csv_read(a, path, text, &csv, err) != 0)
		return -1;
	for (size_t i = 0; i < csv.heads_n; i++)
		if (check_word("column", csv.heads[i], columns, ARRAY_LEN(columns), &why) != 0)
			return validate_at_line(err, path, csv.head_line, &why);
	for (size_t i = 0; i < csv.n; i++) {
		struct outcome row;

		if (t->at.n == OUTCOMES_MAX)
			err_set(&why, "more than %d rows", OUTCOMES_MAX);
		if (why.msg[0] || read_row(a, &csv, &csv.rows[i], &row, &why) != 0)
			return validate_at_line(err, path, csv.rows[i].line, &why);
		VEC_ADD(&t->at, row);
	}
	return 0;
}

/* --- predicting --------------------------------------------------------------------------------------- */

/* The scenario as some rows change it; assignments are run when a row first asks for them. */
struct world_run {
	const struct placement *at;
	struct draws draws;
	struct assignment_row *rows;
	bool *simulated;
};

/* NULL with err: no such assignment. */
static const struct assignment_row *row_of(struct arena *a, struct world_run *r, const char *name,
					   struct err *err)
{
	const size_t n = r->at->world->scenario->assignments.n;
	const char **names = arena_array(a, n, sizeof *names);

	for (size_t i = 0; i < n; i++) {
		names[i] = r->at[i].assignment->name;
		if (strcmp(names[i], name) != 0)
			continue;
		if (!r->simulated[i]) {
			struct prediction p;
			int rc;

			prediction_make(a, &r->at[i], &p);
			rc = prediction_row(a, &p, &r->draws, &r->rows[i], err);
			prediction_release(&p);
			if (rc != 0)
				return NULL;
			r->simulated[i] = true;
		}
		return &r->rows[i];
	}
	err_unknown(err, "assignment", name, names, n);
	return NULL;
}

/* The metric of an assignment; NULL where it does not fit, or with err where it can never have it. */
static const struct metric *metric_of(struct arena *a, struct world_run *r, const char *assignment,
				      const struct metric_info *metric, struct err *err)
{
	const struct workload *k = &r->at->world->scenario->workload;
	const struct assignment_row *row = row_of(a, r, assignment, err);
	const struct metric *m = row ? rows_metric(row, metric->name) : NULL;

	if (!row || m)
		return m;
	if (!row->fits && workload_asks(k, metric->job))
		return NULL;
	err_set(err, "'%.60s' has no %s", assignment, metric->name);
	err_hint(err, "'lemursim simulate --format json' shows the metrics that apply");
	return NULL;
}

/* How many times b is a, draw by draw. */
static void take_ratio(struct arena *a, const struct metric *top, const struct metric *bottom, size_t draws,
		       struct validation_row *c)
{
	double *drawn = arena_array(a, draws, sizeof *drawn);
	struct band band;

	for (size_t i = 0; i < draws; i++)
		drawn[i] = top->drawn[i] / bottom->drawn[i];
	c->predicted = top->value / bottom->value;
	band = band_of(c->predicted, drawn, draws);
	c->lo = band.lo;
	c->hi = band.hi;
}

static int predict(struct outcomes *t, struct arena *scratch, struct world_run *r, const struct outcome *x,
		   struct validation_row *c, struct err *err)
{
	struct arena *keep = t->ask->loader->arena;
	const struct metric *m = metric_of(scratch, r, x->assignment, x->metric, err),
			    *of = x->of && !err->msg[0] ? metric_of(scratch, r, x->of, x->metric, err) : NULL;
	const char *name = x->metric->name;

	if (err->msg[0])
		return -1;
	*c = (struct validation_row){
		.set = *x->set ? x->set : "all",
		.assignment = x->of ? arena_printf(keep, "%s / %s", x->assignment, x->of) : x->assignment,
		.runtime = changed_world_runtime(keep, r->at->world),
		.metric = *x->changes ? arena_printf(keep, "%s, %s", name, x->changes) : name,
		.unit = x->of ? "times" : x->metric->unit,
		.source = x->source,
		.quality = x->quality,
		.note = x->note,
		.computed =
			world_computed(keep, r->at->world, draws_asked_seed(&t->ask->draws, r->at->world)),
		.measured = x->value,
		.predicted = NAN,
		.lo = NAN,
		.hi = NAN,
		.no_model.error = NAN,
		.no_chip.error = NAN,
		.held_out = x->held_out};
	if (!m || (x->of && !of))
		return 0;
	if (of) {
		take_ratio(scratch, m, of, r->draws.n, c);
		return 0;
	}
	c->predicted = m->value;
	c->lo = m->lo;
	c->hi = m->hi;
	return 0;
}

/* Every row of one scenario as it is changed, from row `first` on. */
static int predict_world(struct outcomes *t, struct arena *scratch, const struct placement *at, size_t first,
			 struct err *err)
{
	const size_t n = at->world->scenario->assignments.n;
	struct world_run r = {at, draws_asked(scratch, at->world, &t->ask->draws),
			      arena_array(scratch, n, sizeof *r.rows),
			      arena_array(scratch, n, sizeof *r.simulated)};

	for (size_t i = first; i < t->at.n; i++) {
		struct outcome *x = &t->at.at[i];
		struct err why = ERR_INIT;

		if (strcmp(x->changes, t->at.at[first].changes) != 0)
			continue;
		x->done = true;
		if (predict(t, scratch, &r, x, &t->rows[i], &why) != 0)
			return validate_at_line(err, x->path, x->line, &why);
	}
	return 0;
}

/* Loads the scenario under the changes of a row, after those of the request. */
static int run_world(struct outcomes *t, size_t first, struct err *err)
{
	const struct outcome *x = &t->at.at[first];
	struct changed_world c;
	int rc = changed_world_open(&c, t->ask, x->changes, x->path, x->line, err);

	if (rc == 0)
		rc = predict_world(t, &c.arena, c.at, first, err);
	changed_world_close(&c);
	return rc;
}

/* --- all of it ---------------------------------------------------------------------------------------- */

static int check_ask(const struct validate_ask *ask, struct err *err)
{
	if (ask->subjects.n != 1) {
		err_set(err, "%s: outcomes are of one scenario", ask->from.at[0]);
		return err_hint(err, "lemursim validate SCENARIO --from FILE");
	}
	if (ask->family || ask->models.n || ask->runtime || ask->weights)
		return err_set(err, "%s: outcomes take no --family, --model, --runtime or --weights",
			       ask->from.at[0]);
	for (size_t i = 0; i < ask->from.n; i++)
		if (!validate_scenario_are(ask->from.at[i]))
			return err_set(err, "%s holds no outcomes, and %s does: compare them one by one",
				       ask->from.at[i], ask->from.at[0]);
	return 0;
}

int validate_scenario_make(const struct validate_ask *ask, struct validation *v, struct err *err)
{
	struct outcomes t = {.ask = ask};
	int rc = check_ask(ask, err);

	for (size_t i = 0; i < ask->from.n && rc == 0; i++)
		rc = read_file(&t, ask->from.at[i], err);
	if (rc == 0 && !t.at.n)
		rc = err_set(err, "%s: it holds no row", ask->from.at[0]);
	t.rows = arena_array(ask->loader->arena, t.at.n, sizeof *t.rows);
	for (size_t i = 0; i < t.at.n && rc == 0; i++)
		if (!t.at.at[i].done)
			rc = run_world(&t, i, err);
	*v = (struct validation){t.rows, t.at.n, VALIDATION_OUTCOMES};
	VEC_FREE(&t.at);
	return rc;
}
