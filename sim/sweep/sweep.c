/* sweep.c - see sweep.h. */
#include "sim/sweep/sweep.h"

#include <math.h>
#include <string.h>

#include "sim/predict/metrics.h"
#include "sim/world/computed.h"

static int read_axis(struct arena *a, const char *text, struct sweep_axis *axis, struct err *err)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text || !equals[1]) {
		err_set(err, "--over: expected PATH=VALUE,VALUE, got '%.80s'", text);
		return err_hint(err, "such as workload.generate.batch=1,4,16");
	}
	axis->path = arena_strndup(a, text, (size_t)(equals - text));
	axis->values = texts_cut(a, equals + 1, ',');
	for (size_t i = 0; i < axis->values.n; i++)
		if (!*axis->values.at[i])
			return err_set(err, "--over: a value of '%.80s' is empty", text);
	return 0;
}

static int read_axes(const struct sweep_ask *ask, struct sweep *s, struct err *err)
{
	struct arena *a = ask->loader->arena;
	struct sweep_axis *axes = arena_array(a, ask->over.n, sizeof *axes);

	s->axes = axes;
	s->cells_n = 1;
	for (size_t i = 0; i < ask->over.n; i++) {
		if (read_axis(a, ask->over.at[i], &axes[i], err) != 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (!strcmp(axes[k].path, axes[i].path))
				return err_set(err, "--over: '%.80s' is an axis already", axes[i].path);
		s->cells_n *= axes[i].values.n;
		if (s->cells_n > SWEEP_CELLS)
			return err_set(err, "--over: the grid has more than %d cells", SWEEP_CELLS);
		s->axes_n++;
	}
	return 0;
}

int sweep_grid(const struct sweep_ask *ask, struct sweep *s, struct err *err)
{
	struct arena *a = ask->loader->arena;

	*s = (struct sweep){0};
	for (size_t i = 0; i < ask->metrics.n; i++)
		if (!metric_find(ask->metrics.at[i], err))
			return -1;
	if (!ask->over.n) {
		err_set(err, "sweep needs at least one --over");
		return err_hint(err, "such as --over workload.generate.batch=1,4,16");
	}
	if (read_axes(ask, s, err) != 0)
		return -1;
	s->cells = arena_array(a, s->cells_n, sizeof *s->cells);
	for (size_t i = 0; i < s->cells_n; i++) {
		const char **values = arena_array(a, s->axes_n, sizeof *values);

		for (size_t k = s->axes_n, left = i; k-- > 0; left /= s->axes[k].values.n)
			values[k] = s->axes[k].values.at[left % s->axes[k].values.n];
		s->cells[i].values = values;
	}
	return 0;
}

static bool better(const struct metric *a, const struct metric *b)
{
	return a->less ? a->value < b->value : a->value > b->value;
}

static void compare(struct sweep_entry *e, const struct metric *alone, size_t draws)
{
	size_t won = 0;

	e->times = e->won = NAN;
	if (!e->metric || !alone)
		return;
	e->times = alone->less ? alone->value / e->metric->value : e->metric->value / alone->value;
	for (size_t i = 0; i < draws; i++)
		won += alone->less ? e->metric->drawn[i] < alone->drawn[i]
				   : e->metric->drawn[i] > alone->drawn[i];
	e->won = (double)won / (double)draws;
}

/* Finds the best of those that use one machine, and compares every entry with it. */
static size_t compare_all(struct sweep_entry *entries, size_t n, size_t draws)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++)
		if (entries[i].alone && entries[i].metric &&
		    (best == n || better(entries[i].metric, entries[best].metric)))
			best = i;
	for (size_t i = 0; i < n; i++)
		compare(&entries[i], best < n ? entries[best].metric : NULL, draws);
	return best;
}

static const struct metric *copy(struct arena *a, const struct metric *m, size_t draws)
{
	struct metric *to = arena_alloc(a, sizeof *to);
	double *drawn = arena_array(a, draws, sizeof *drawn);

	memcpy(drawn, m->drawn, draws * sizeof *drawn);
	*to = *m;
	to->drawn = drawn;
	return to;
}

/* ---- what pictures show ---- */

/* The name of the metric that a bound is about: ttft_s_p95 for ttft_p95. */
static double bound_of(const struct world *w, const char *metric)
{
	const struct serve *load = w->scenario->workload.serve;
	const struct load_class *c = load ? load->classes.at : NULL;

	for (int m = 0; load && load->classes.n == 1 && c->slo && m < SLO_METRICS; m++)
		for (int s = 0; s < SLO_STATS; s++) {
			const char *key = slo_keys[m][s], *cut = strchr(key, '_');
			const size_t n = (size_t)(cut - key);

			if (c->slo->bound[m][s] > 0 && !strncmp(metric, key, n) && metric[n] == '_' &&
			    metric[n + 1] == 's' && !strcmp(metric + n + 2, cut))
				return c->slo->bound[m][s];
		}
	return NAN;
}

/* The same metric at its median; NULL where it is no p95 or has none. */
static const struct metric_info *median_of(struct arena *a, const struct metric_info *m)
{
	const size_t n = strlen(m->name);
	struct err err = ERR_INIT;

	if (n < 4 || strcmp(m->name + n - 4, "_p95") != 0)
		return NULL;
	return metric_find(arena_printf(a, "%.*s_p50", (int)(n - 4), m->name), &err);
}

static void take_shown(struct arena *a, struct sweep *s, const struct sweep_ask *ask, const struct world *w)
{
	const char *of_load[] = {"ttft_s_p95", "tpot_s_p95", "e2el_s_p95"};
	const struct texts usual = {of_load, ARRAY_LEN(of_load)}, compared = {&s->metric, 1};
	const struct texts names = ask->metrics.n                                     ? ask->metrics
				   : workload_asks(&w->scenario->workload, JOB_SERVE) ? usual
										      : compared;
	struct sweep_shown *shown = arena_array(a, names.n, sizeof *shown);
	struct err err = ERR_INIT;

	for (size_t i = 0; i < names.n; i++) {
		const struct metric_info *m = metric_find(names.at[i], &err);

		shown[i] = (struct sweep_shown){m, median_of(a, m), bound_of(w, m->name)};
	}
	s->shown = shown;
	s->shown_n = names.n;
}

static void take_names(struct arena *a, struct sweep *s, const struct placement *at, const char *metric,
		       const struct draws_ask *ask)
{
	const struct scenario *scenario = at->world->scenario;
	const size_t n = scenario->assignments.n;
	const char **names = arena_array(a, n, sizeof *names);

	for (size_t i = 0; i < n; i++)
		names[i] = arena_strdup(a, at[i].assignment->name);
	s->names = names;
	s->names_n = n;
	s->title = arena_strdup(a, scenario->title);
	s->metric = arena_strdup(a, metric);
	s->unit = metric_find(metric, &(struct err)ERR_INIT)->unit;
	s->computed = world_computed(a, at->world, draws_asked_seed(ask, at->world));
}

/* A bound that an axis changes is no line of a picture. */
static void keep_bounds(struct sweep *s, const struct world *w)
{
	for (size_t k = 0; k < s->shown_n; k++)
		if (bound_of(w, s->shown[k].metric->name) != s->shown[k].bound)
			s->shown[k].bound = NAN;
}

static const struct metric *taken(struct arena *a, const struct assignment_row *row,
				  const struct metric_info *m, size_t draws)
{
	const struct metric *of = m ? rows_metric(row, m->name) : NULL;

	return of ? copy(a, of, draws) : NULL;
}

static struct sweep_entry entry_of(struct arena *a, const struct sweep *s, const struct assignment_row *row,
				   size_t draws)
{
	const struct metric *m = rows_metric(row, s->metric), *stable = rows_metric(row, "stable"),
			    *holds = rows_metric(row, "holds");
	const struct metric **shown = arena_array(a, 2 * s->shown_n, sizeof *shown);
	struct sweep_entry e = {.fits = m != NULL,
				.overloaded = stable && stable->value == 0,
				.holds = holds ? holds->value : (double)NAN,
				.metric = m ? copy(a, m, draws) : NULL,
				.shown = shown};

	for (size_t k = 0; k < s->shown_n; k++) {
		shown[2 * k] = taken(a, row, s->shown[k].metric, draws);
		shown[2 * k + 1] = taken(a, row, s->shown[k].median, draws);
	}
	e.lack = m              ? SWEEP_LACKS_NOTHING
		 : !row->fits   ? SWEEP_UNFIT
		 : e.overloaded ? SWEEP_OVERLOADED
				: SWEEP_NO_VALUE;
	return e;
}

static void predict_cell(const struct sweep_ask *ask, struct sweep *s, const struct placement *at,
			 struct sweep_cell *cell, struct arena *scratch)
{
	struct arena *a = ask->loader->arena;
	const struct world *w = at->world;
	const struct draws draws = draws_asked(scratch, w, &ask->draws);
	struct sweep_entry *entries;

	if (!s->names) {
		take_names(a, s, at, ask->metrics.n ? ask->metrics.at[0] : metric_usual(w)->name,
			   &ask->draws);
		take_shown(a, s, ask, w);
	}
	keep_bounds(s, w);
	cell->computed = world_computed(a, w, draws_asked_seed(&ask->draws, w));
	entries = arena_array(a, s->names_n, sizeof *entries);
	for (size_t i = 0; i < s->names_n; i++) {
		struct prediction p;
		struct assignment_row row;

		prediction_make(scratch, &at[i], &p);
		row = prediction_row(scratch, &p, &draws);
		entries[i] = entry_of(a, s, &row, draws.n);
		entries[i].alone = prediction_machines(&p) == 1;
		prediction_release(&p);
	}
	cell->best_alone = compare_all(entries, s->names_n, draws.n);
	cell->entries = entries;
}

int sweep_run_cell(const struct sweep_ask *ask, struct sweep *s, size_t cell, struct err *err)
{
	struct arena scratch = ARENA_INIT;
	struct loader inner;
	const char **changes = arena_array(&scratch, s->axes_n, sizeof *changes);
	const struct world *w;
	const struct placement *at;
	struct texts sets;
	int rc = -1;

	for (size_t k = 0; k < s->axes_n; k++)
		changes[k] = arena_printf(&scratch, "%s=%s", s->axes[k].path, s->cells[cell].values[k]);
	sets = texts_join(&scratch, &ask->sets, changes, s->axes_n);
	loader_begin_inner(&inner, &scratch, ask->loader);
	w = scenario_load(&inner, ask->scenario, &sets);
	at = w ? scenario_place(&inner, w) : NULL;
	if (at && s->names && w->scenario->assignments.n != s->names_n) {
		err_set(err, "--over may not change the number of assignments");
	} else if (at) {
		predict_cell(ask, s, at, &s->cells[cell], &scratch);
		rc = 0;
	}
	loader_end_inner(&inner, ask->loader);
	return rc;
}

bool sweep_found(const struct sweep *s)
{
	for (size_t i = 0; i < s->cells_n; i++)
		for (size_t k = 0; s->cells[i].entries && k < s->names_n; k++)
			if (s->cells[i].entries[k].metric)
				return true;
	return false;
}
