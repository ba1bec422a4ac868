/* sweep_run.c - the cells of a sweep, predicted by several threads; see sweep.h. */
#include <math.h>
#include <string.h>

#include "sim/base/workers.h"
#include "sim/predict/metrics.h"
#include "sim/sweep/sweep.h"
#include "sim/world/computed.h"

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

static double bound_of(const struct world *w, const char *metric)
{
	const struct serve *load = w->scenario->workload.serve;
	const struct load_class *c = load ? load->classes.at : NULL;

	for (int m = 0; load && load->classes.n == 1 && c->slo && m < SLO_METRICS; m++)
		for (int s = 0; s < SLO_STATS; s++)
			if (c->slo->bound[m][s] > 0 && !strcmp(metric, slo_metric_names[m][s]))
				return c->slo->bound[m][s];
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

/* Notes which bounds of the first cell are others in this one. */
static void compare_bounds(const struct sweep *s, const struct world *w, bool *changed)
{
	for (size_t k = 0; k < s->shown_n; k++)
		changed[k] |= bound_of(w, s->shown[k].metric->name) != s->shown[k].bound;
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

/* ---- cells ---- */

/* One thread's own: what it has found lives in `kept` until all are through, what a cell needs besides in `scratch`. */
struct sweep_worker {
	struct arena kept, scratch;
	bool *changed; /* of each of sweep.shown: its bound is another one in some cell */
};

/* A cell that failed, or that read a file which the first one did not. */
struct sweep_trace {
	struct load_input *inputs;
	size_t inputs_n;
	struct err err;
	struct diags *diags;  /* NULL: nothing was complained of */
	struct arena scratch; /* the diagnostics point into it */
};

struct sweep_running {
	const struct sweep_ask *ask;
	struct sweep *sweep;
	struct sweep_worker *workers;
	struct sweep_trace **traces; /* of each cell; NULL: none */
	size_t from;                 /* the cell of item 0 */
	size_t threads;              /* for what one cell does in parallel */
	bool quiet;                  /* several cells run at a time, and none tells of its draws */
};

static void predict_cell(const struct sweep_running *r, struct sweep_worker *x, const struct placement *at,
			 struct sweep_cell *cell)
{
	const struct sweep *s = r->sweep;
	struct draws_ask ask = r->ask->draws;
	struct draws draws;
	struct sweep_entry *entries = arena_array(&x->kept, s->names_n, sizeof *entries);

	ask.workers.threads = (int64_t)r->threads;
	if (r->quiet)
		ask.watch.tell = NULL;
	draws = draws_asked(&x->scratch, at->world, &ask);
	compare_bounds(s, at->world, x->changed);
	cell->computed = world_computed(&x->kept, at->world, draws_asked_seed(&ask, at->world));
	for (size_t i = 0; i < s->names_n; i++) {
		struct prediction p;
		struct assignment_row row;

		prediction_make(&x->scratch, &at[i], &p);
		row = prediction_row(&x->scratch, &p, &draws);
		entries[i] = entry_of(&x->kept, s, &row, draws.n);
		entries[i].alone = prediction_machines(&p) == 1;
		prediction_release(&p);
	}
	cell->best_alone = compare_all(entries, s->names_n, draws.n);
	cell->entries = entries;
}

static const struct world *load_cell(const struct sweep_running *r, struct sweep_worker *x, size_t cell,
				     struct loader *inner)
{
	const struct sweep *s = r->sweep;
	const char **changes = arena_array(&x->scratch, s->axes_n, sizeof *changes);
	struct texts sets;

	for (size_t k = 0; k < s->axes_n; k++)
		changes[k] = arena_printf(&x->scratch, "%s=%s", s->axes[k].path, s->cells[cell].values[k]);
	sets = texts_join(&x->scratch, &r->ask->sets, changes, s->axes_n);
	return scenario_load(inner, r->ask->scenario, &sets);
}

static struct sweep_trace *trace_of(struct sweep_running *r, struct sweep_worker *x, size_t cell)
{
	if (!r->traces[cell])
		r->traces[cell] = arena_alloc(&x->kept, sizeof **r->traces);
	return r->traces[cell];
}

static void keep_inputs(struct sweep_running *r, struct sweep_worker *x, size_t cell,
			const struct loader *inner)
{
	for (size_t i = 0; i < inner->inputs_n; i++) {
		struct sweep_trace *t;

		if (loader_has_read(r->ask->loader, inner->inputs[i].path))
			continue;
		t = trace_of(r, x, cell);
		if (!t->inputs)
			t->inputs = arena_array(&x->kept, inner->inputs_n, sizeof *t->inputs);
		t->inputs[t->inputs_n] = inner->inputs[i];
		t->inputs[t->inputs_n++].path = arena_strdup(&x->kept, inner->inputs[i].path);
	}
}

/* The diagnostics and what they point into stay until they have been told. */
static int fail_cell(struct sweep_running *r, struct sweep_worker *x, size_t cell, const struct diags *diags,
		     const struct err *err)
{
	struct sweep_trace *t = trace_of(r, x, cell);

	t->err = *err;
	t->diags = arena_alloc(&x->kept, sizeof *t->diags);
	*t->diags = *diags;
	arena_adopt(&t->scratch, &x->scratch);
	return -1;
}

static int run_cell(void *self, size_t worker, size_t item)
{
	struct sweep_running *r = self;
	struct sweep_worker *x = &r->workers[worker];
	struct sweep *s = r->sweep;
	const size_t cell = r->from + item;
	struct diags diags;
	struct loader inner;
	struct err err = ERR_INIT;
	const struct world *w;
	const struct placement *at;

	diags_init(&diags, &x->scratch);
	loader_begin_inner(&inner, &x->scratch, r->ask->loader);
	inner.diags = &diags;
	w = load_cell(r, x, cell, &inner);
	at = w ? scenario_place(&inner, w) : NULL;
	keep_inputs(r, x, cell, &inner);
	if (at && !s->names) { /* the first cell runs alone */
		const struct sweep_ask *ask = r->ask;

		take_names(ask->loader->arena, s, at,
			   ask->metrics.n ? ask->metrics.at[0] : metric_usual(w)->name, &ask->draws);
		take_shown(ask->loader->arena, s, ask, w);
		x->changed = arena_array(&x->kept, s->shown_n, sizeof *x->changed);
	}
	if (at && w->scenario->assignments.n != s->names_n)
		err_set(&err, "--over may not change the number of assignments");
	if (!at || err.msg[0])
		return fail_cell(r, x, cell, &diags, &err);
	predict_cell(r, x, at, &s->cells[cell]);
	arena_release(&x->scratch);
	return 0;
}

/* ---- all of them ---- */

/* Tells the loader what the cells read, in their order, and what was wrong with the first that failed. */
static void hand_over(struct sweep_running *r, size_t failed, struct err *err)
{
	struct loader *l = r->ask->loader;

	for (size_t i = 0; i < r->sweep->cells_n; i++) {
		struct sweep_trace *t = r->traces[i];

		if (t && i <= failed)
			loader_add_inputs(l, t->inputs, t->inputs_n);
		if (t && i == failed) {
			*l->diags = *t->diags;
			l->diags->arena = l->arena;
			*err = t->err;
			arena_adopt(l->arena, &t->scratch);
		} else if (t) {
			arena_release(&t->scratch);
		}
	}
}

static void end_worker(struct sweep_running *r, struct sweep_worker *x)
{
	struct sweep *s = r->sweep;

	/* a bound that an axis changes is no line of a picture */
	for (size_t k = 0; k < s->shown_n && x->changed; k++)
		if (x->changed[k])
			s->shown[k].bound = NAN;
	arena_adopt(r->ask->loader->arena, &x->kept);
	arena_release(&x->scratch);
}

static void tell_cells(void *self, size_t done, size_t of)
{
	const struct sweep_running *r = self;

	if (r->ask->tell)
		r->ask->tell(r->ask->watcher, r->from + done, r->from + of);
}

int sweep_run(const struct sweep_ask *ask, struct sweep *s, struct err *err)
{
	const size_t threads = workers_count(ask->draws.workers.threads, s->cells_n);
	struct arena a = ARENA_INIT;
	struct sweep_running r = {.ask = ask,
				  .sweep = s,
				  .workers = arena_array(&a, threads, sizeof *r.workers),
				  .traces = arena_array(&a, s->cells_n, sizeof *r.traces),
				  .threads = workers_count(ask->draws.workers.threads, SIZE_MAX)};
	struct workers_task work = {.n = 1, .item = run_cell, .self = &r, .tell = tell_cells, .watcher = &r};
	size_t done = workers_run(&work, 1);

	if (done && s->cells_n > 1) {
		hand_over(&r, s->cells_n, err);
		r.from = 1;
		r.quiet = threads > 1;
		r.threads = r.quiet ? 1 : r.threads;
		for (size_t i = 1; i < threads; i++)
			r.workers[i].changed = arena_array(&r.workers[i].kept, s->shown_n, sizeof(bool));
		work.n = s->cells_n - 1;
		done = 1 + workers_run(&work, threads);
	}
	hand_over(&r, done, err);
	for (size_t i = 0; i < threads; i++)
		end_worker(&r, &r.workers[i]);
	arena_release(&a);
	return done == s->cells_n ? 0 : -1;
}
