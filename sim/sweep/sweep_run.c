/* sweep_run.c - the cells of a sweep, predicted by several threads; see sweep.h. */
#include <math.h>
#include <string.h>

#include "sim/base/sha256.h"
#include "sim/base/workers.h"
#include "sim/predict/metrics.h"
#include "sim/predict/scenario_load.h"
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

/* A metric without its draws: of a hundred thousand cells they would fill the memory. */
static const struct metric *keep(struct arena *a, const struct metric *m)
{
	struct metric *to = arena_alloc(a, sizeof *to);

	*to = *m;
	to->drawn = NULL;
	to->best = NULL;
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

		shown[i] = (struct sweep_shown){m, sweep_median_of(a, m), bound_of(w, m->name)};
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

static const struct metric *taken(struct arena *a, const struct assignment_row *row,
				  const struct metric_info *m)
{
	const struct metric *of = m ? rows_metric(row, m->name) : NULL;

	return of ? keep(a, of) : NULL;
}

/* What is kept of a row, but for the metric that is compared, which is the row's own until all have been compared. */
static struct sweep_entry entry_of(struct arena *a, const struct sweep *s, const struct assignment_row *row)
{
	const struct metric *m = rows_metric(row, s->metric), *stable = rows_metric(row, "stable"),
			    *holds = rows_metric(row, "holds");
	const struct metric **shown = arena_array(a, 2 * s->shown_n, sizeof *shown);
	struct sweep_entry e = {.fits = m != NULL,
				.overloaded = stable && stable->value == 0,
				.holds = holds ? holds->value : (double)NAN,
				.metric = m,
				.shown = shown};

	for (size_t k = 0; k < s->shown_n; k++) {
		shown[2 * k] = taken(a, row, s->shown[k].metric);
		shown[2 * k + 1] = taken(a, row, s->shown[k].median);
	}
	e.lack = m              ? SWEEP_LACKS_NOTHING
		 : !row->fits   ? SWEEP_UNFIT
		 : e.overloaded ? SWEEP_OVERLOADED
				: SWEEP_NO_VALUE;
	return e;
}

/* ---- the first cell, which says what all have in common ---- */

static const struct world *load_cell(const struct sweep_ask *ask, const struct sweep *s, size_t cell,
				     struct arena *scratch, struct loader *inner)
{
	const char **changes = arena_array(scratch, s->axes_n, sizeof *changes);
	struct texts sets;

	for (size_t k = 0; k < s->axes_n; k++)
		changes[k] = arena_printf(scratch, "%s=%s", s->axes[k].path, s->cells[cell].values[k]);
	sets = texts_join(scratch, &ask->sets, changes, s->axes_n);
	inner->over_n = s->axes_n;
	return scenario_load(inner, ask->scenario, &sets);
}

static void add_texts(struct str *to, const struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		str_addf(to, "%s\n", t->at[i]);
	str_add(to, "\n");
}

static void take_key(struct sweep *s, const struct sweep_ask *ask, const struct draws *draws)
{
	struct str all = STR_INIT;

	for (size_t i = 0; i < s->inputs_n; i++)
		str_addf(&all, "%s\n", s->inputs[i].sha256);
	str_add(&all, "\n");
	add_texts(&all, &ask->sets);
	add_texts(&all, &ask->over);
	add_texts(&all, &ask->metrics);
	str_addf(&all, "%llu %zu\n", (unsigned long long)draws->seed, draws->n);
	sha256_hex(all.text, all.len, s->key);
	str_release(&all);
}

/* Refuses a metric of a job that the workload does not ask for, which no cell has. */
static int check_metrics(const struct sweep_ask *ask, const struct world *w)
{
	struct arena *const a = ask->loader->arena;
	const struct yml *workload = yml_get(w->tree, "workload");
	const struct metric_info *lacking = NULL;
	const char *known = "";

	for (size_t i = 0; i < ask->metrics.n && !lacking; i++) {
		const struct metric_info *m = metric_find(ask->metrics.at[i], &(struct err)ERR_INIT);

		lacking = m && !workload_asks(&w->scenario->workload, m->job) ? m : NULL;
	}
	if (!lacking)
		return 0;
	for (size_t i = 0; i < metrics_n(); i++)
		if (workload_asks(&w->scenario->workload, metric_at(i)->job))
			known = arena_printf(a, "%s%s%s", known, *known ? ", " : "", metric_at(i)->name);
	return diag_add(ask->loader->diags, workload->place, arena_printf(a, "its metrics are: %s", known),
			"the workload asks for no %s: no cell has %s", job_types[lacking->job]->noun,
			lacking->name);
}

int sweep_begin(const struct sweep_ask *ask, struct sweep *s)
{
	struct loader *l = ask->loader; /* what it parses here serves every cell */
	const struct world *w = load_cell(ask, s, 0, l->arena, l);
	const struct placement *at = w ? scenario_place(l, w) : NULL;
	struct arena scratch = ARENA_INIT;
	struct draws draws;

	if (!at || check_metrics(ask, w) != 0)
		return -1;
	s->inputs = l->inputs;
	s->inputs_n = l->inputs_n;
	take_names(l->arena, s, at, ask->metrics.n ? ask->metrics.at[0] : metric_usual(w)->name, &ask->draws);
	take_shown(l->arena, s, ask, w);
	draws = draws_asked(&scratch, w, &ask->draws);
	take_key(s, ask, &draws);
	arena_release(&scratch);
	return 0;
}

/* ---- cells ---- */

/* One thread's own: what it has found lives in `kept` until all are through, what a cell needs besides in `scratch`. */
struct sweep_worker {
	struct arena kept, scratch, drawn;
	struct draws draws; /* of the last cell, in `drawn`; most cells have the same */
};

struct sweep_failure { /* of a cell */
	struct err err;
	struct diags diags;
	struct arena scratch; /* the diagnostics point into it */
};

struct sweep_running {
	const struct sweep_ask *ask;
	struct sweep *sweep;
	struct sweep_worker *workers;
	struct sweep_failure **failures; /* of each item; NULL: none */
	size_t *cells;                   /* of each item */
	size_t cells_n, threads;         /* threads: for what one cell does in parallel */
	bool quiet;                      /* several cells run at a time, and none tells of its draws */
};

/* [metric]: whether a cell tells of it. */
static bool *asked_metrics(struct arena *a, const struct sweep *s)
{
	const char *always[] = {s->metric, "stable", "holds"};
	bool *asked = arena_array(a, metrics_n(), sizeof *asked);

	for (size_t i = 0; i < metrics_n(); i++) {
		const struct metric_info *m = metric_at(i);

		for (size_t k = 0; k < ARRAY_LEN(always); k++)
			asked[i] |= !strcmp(m->name, always[k]);
		for (size_t k = 0; k < s->shown_n; k++)
			asked[i] |= m == s->shown[k].metric || m == s->shown[k].median;
	}
	return asked;
}

/* Jobs without an asked metric are left out where the compared metric has a value: why it has none may lie in any job. */
static int row_of(struct arena *a, const struct sweep *s, const struct placement *at, size_t i,
		  const struct draws *draws, const bool *asked, struct prediction *all,
		  struct assignment_row *row, struct err *err)
{
	struct prediction *p = &all[i];

	prediction_make_among(a, at, i, asked, all);
	prediction_share(p);
	if (prediction_asked(a, p, draws, asked, row, err) != 0)
		return -1;
	if (rows_metric(row, s->metric))
		return 0;
	prediction_release(p);
	prediction_make(a, &at[i], p);
	return prediction_asked(a, p, draws, asked, row, err);
}

static int predict_cell(const struct sweep_running *r, struct sweep_worker *x, const struct placement *at,
			struct sweep_cell *cell, struct err *err)
{
	const struct sweep *s = r->sweep;
	struct draws_ask ask = r->ask->draws;
	struct sweep_entry *entries = arena_array(&x->kept, s->names_n, sizeof *entries);
	double *bounds = arena_array(&x->kept, s->shown_n, sizeof *bounds);
	const bool *asked = asked_metrics(&x->scratch, s);
	struct prediction *all = arena_array(&x->scratch, s->names_n, sizeof *all);
	size_t made = 0;
	int rc = 0;

	ask.workers.threads = (int64_t)r->threads;
	if (r->quiet)
		ask.watch.tell = NULL;
	if (!draws_serve(&x->draws, at->world, &ask)) {
		arena_release(&x->drawn);
		x->draws = draws_asked(&x->drawn, at->world, &ask);
	}
	for (size_t k = 0; k < s->shown_n; k++)
		bounds[k] = bound_of(at->world, s->shown[k].metric->name);
	cell->bounds = bounds;
	cell->computed = world_computed(&x->kept, at->world, draws_asked_seed(&ask, at->world));
	while (made < s->names_n && rc == 0) {
		const size_t i = made++;
		struct assignment_row *row = arena_alloc(&x->scratch, sizeof *row);

		rc = row_of(&x->scratch, s, at, i, &x->draws, asked, all, row, err);
		if (rc == 0)
			entries[i] = entry_of(&x->kept, s, row);
		entries[i].alone = prediction_machines(&all[i]) == 1;
	}
	while (made-- > 0)
		prediction_release(&all[made]);
	if (rc != 0)
		return -1;
	cell->best_alone = compare_all(entries, s->names_n, x->draws.n);
	for (size_t i = 0; i < s->names_n; i++)
		entries[i].metric = entries[i].metric ? keep(&x->kept, entries[i].metric) : NULL;
	cell->entries = entries;
	return 0;
}

/* Notes the files that the first cell did not read. */
static void keep_inputs(const struct sweep_running *r, struct sweep_worker *x, struct sweep_cell *cell,
			const struct loader *inner)
{
	struct load_input *inputs = NULL;

	for (size_t i = 0; i < inner->inputs_n; i++) {
		if (loader_has_read(r->ask->loader, inner->inputs[i].path))
			continue;
		if (!inputs)
			inputs = arena_array(&x->kept, inner->inputs_n, sizeof *inputs);
		inputs[cell->inputs_n] = inner->inputs[i];
		inputs[cell->inputs_n++].path = arena_strdup(&x->kept, inner->inputs[i].path);
	}
	cell->inputs = inputs;
}

/* The diagnostics and what they point into stay until they have been told. */
static int fail_cell(struct sweep_running *r, struct sweep_worker *x, size_t item, const struct diags *diags,
		     const struct err *err)
{
	struct sweep_failure *f = arena_alloc(&x->kept, sizeof *f);

	f->err = *err;
	f->diags = *diags;
	arena_adopt(&f->scratch, &x->scratch);
	r->failures[item] = f;
	return -1;
}

static int run_cell(void *self, size_t worker, size_t item)
{
	struct sweep_running *r = self;
	struct sweep_worker *x = &r->workers[worker];
	struct sweep_cell *cell = &r->sweep->cells[r->cells[item]];
	struct diags diags;
	struct loader inner;
	struct err err = ERR_INIT, broke = ERR_INIT;
	const struct world *w;
	const struct placement *at;

	diags_init(&diags, &x->scratch);
	loader_begin_inner(&inner, &x->scratch, r->ask->loader);
	inner.diags = &diags;
	inner.reuses = true;
	w = load_cell(r->ask, r->sweep, r->cells[item], &x->scratch, &inner);
	at = w ? scenario_place(&inner, w) : NULL;
	keep_inputs(r, x, cell, &inner);
	if (at && w->scenario->assignments.n != r->sweep->names_n)
		err_set(&err, "--over may not change the number of assignments");
	if (at && !err.msg[0] && predict_cell(r, x, at, cell, &broke) != 0)
		scenario_load_broke(&inner, w, &broke);
	if (diags.total || err.msg[0])
		return fail_cell(r, x, item, &diags, &err);
	arena_release(&x->scratch);
	return 0;
}

/* ---- all of them ---- */

static void tell_failure(struct loader *l, struct sweep_failure *f, struct err *err)
{
	*l->diags = f->diags;
	l->diags->arena = l->arena;
	*err = f->err;
	arena_adopt(l->arena, &f->scratch);
}

/* Tells the loader what the cells read, in their order, and what was wrong with the first that failed. */
static void hand_over(struct sweep_running *r, size_t failed, struct err *err)
{
	struct loader *l = r->ask->loader;

	for (size_t i = 0; i < r->cells_n; i++) {
		const struct sweep_cell *cell = &r->sweep->cells[r->cells[i]];
		struct sweep_failure *f = r->failures[i];

		if (i <= failed)
			loader_add_inputs(l, cell->inputs, cell->inputs_n);
		if (f && i == failed)
			tell_failure(l, f, err);
		else if (f)
			arena_release(&f->scratch);
	}
}

static int take_cell(void *self, size_t item)
{
	const struct sweep_running *r = self;

	return r->ask->take ? r->ask->take(r->ask->watcher, r->sweep, r->cells[item]) : 0;
}

static void tell_cells(void *self, size_t done, size_t of)
{
	const struct sweep_running *r = self;

	if (r->ask->tell)
		r->ask->tell(r->ask->watcher, done, of);
}

static size_t run_cells(struct sweep_running *r, struct arena *a, size_t threads)
{
	const struct workers_task work = {.n = r->cells_n,
					  .item = run_cell,
					  .self = r,
					  .take = take_cell,
					  .stop = r->ask->stop,
					  .tell = tell_cells,
					  .watcher = r};

	r->workers = arena_array(a, threads, sizeof *r->workers);
	r->failures = arena_array(a, r->cells_n, sizeof *r->failures);
	r->quiet = threads > 1;
	return workers_run(&work, threads);
}

int sweep_run(const struct sweep_ask *ask, struct sweep *s, struct err *err)
{
	struct arena a = ARENA_INIT;
	struct sweep_running r = {.ask = ask, .sweep = s};
	size_t threads, done;

	if (!s->names && sweep_begin(ask, s) != 0)
		return -1;
	r.cells = arena_array(&a, s->cells_n, sizeof *r.cells);
	for (size_t i = 0; i < s->cells_n; i++)
		if (!s->cells[i].left_out && !s->cells[i].entries)
			r.cells[r.cells_n++] = i;
	threads = workers_count(ask->draws.workers.threads, r.cells_n);
	r.threads = threads > 1 ? 1 : workers_count(ask->draws.workers.threads, SIZE_MAX);
	done = run_cells(&r, &a, threads);
	hand_over(&r, done, err);
	for (size_t i = 0; i < threads; i++) {
		arena_adopt(ask->loader->arena, &r.workers[i].kept);
		arena_release(&r.workers[i].scratch);
		arena_release(&r.workers[i].drawn);
	}
	arena_release(&a);
	return done == r.cells_n ? 0 : -1;
}

int sweep_run_cell(const struct sweep_ask *ask, struct sweep *s, size_t cell, struct err *err)
{
	struct sweep_failure *failure = NULL;
	struct sweep_worker worker = {.kept = ARENA_INIT, .scratch = ARENA_INIT, .drawn = ARENA_INIT};
	struct sweep_cell *const c = &s->cells[cell], before = *c;
	struct sweep_running r = {.ask = ask,
				  .sweep = s,
				  .workers = &worker,
				  .failures = &failure,
				  .cells = &cell,
				  .threads = workers_count(ask->draws.workers.threads, SIZE_MAX)};
	int rc = run_cell(&r, 0, 0);

	if (rc == 0)
		rc = take_cell(&r, 0);
	if (failure)
		tell_failure(ask->loader, failure, err);
	arena_release(&worker.kept);
	arena_release(&worker.scratch);
	arena_release(&worker.drawn);
	*c = before;
	return rc;
}

void sweep_settle_bounds(struct sweep *s)
{
	for (size_t k = 0; k < s->shown_n; k++)
		for (size_t i = 0; i < s->cells_n; i++)
			if (s->cells[i].bounds[k] != s->shown[k].bound)
				s->shown[k].bound = NAN;
}
