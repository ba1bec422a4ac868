/* likely_causes.c - see likely_causes.h. */
#include "sim/validate/likely_causes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/family/mix_by_size.h"
#include "sim/family/report_backends.h"
#include "sim/family/run_machine.h"
#include "sim/stats/chance.h"
#include "sim/validate/causes.h"
#include "sim/validate/explained_jobs.h"
#include "sim/validate/run_band.h"
#include "sim/validate/spilled.h"

static struct arena *arena_of(const struct cause_search *s)
{
	return s->ask->loader->arena;
}

static struct explained_row explain_row(struct cause_search *s, struct case_row *c)
{
	const struct catalogue_device *d = &s->device;
	struct arena *a = arena_of(s);
	struct device_model m = report_device_model(a, d, &c->row, c->row.profile);
	struct explained_row e = {.unit = run_unit(c->row.run),
				  .file = c->row.run->path,
				  .line = c->row.run->line,
				  .measured = run_rate(c->row.run)};
	struct band band;

	c->plan = run_plan_make(a, c->row.model, &c->row.precision, c->row.profile, c->row.run);
	c->run = predicted_run_of_plan(a, &c->plan, &m);
	c->measured_s = c->row.run->seconds;
	c->expected_s = predicted_run_seconds(&c->run);
	e.run = arena_printf(a, "%s %s %s", c->row.model_name, mix_names[c->row.precision.weights],
			     run_name(a, c->row.run));
	e.expected = run_rate_of(c->row.run, c->expected_s);
	band = run_band(s->ask, c->row.run, e.expected,
			&(struct drawn_run){c->run, d->machine, d->device, c->row.profile,
					    mix_stretch_sd(c->row.model, &c->row.precision)},
			NULL);
	e.lo = band.lo;
	e.hi = band.hi;
	e.normal = e.measured >= e.lo && e.measured <= e.hi;
	return e;
}

/* Columns in which a row may say why it is unlike: it ran, but elsewhere. Another machine, model or format is bad input, and of a
 * dtype without a table nothing is known to compare with. */
static bool tells_where(enum run_column c)
{
	return c < RUN_COLUMNS && c != COLUMN_KV_K && c != COLUMN_KV_V && c != COLUMN_EMBEDDINGS &&
	       c != COLUMN_DTYPE && c != COLUMN_GPU && c != COLUMN_CPU;
}

/* A row that ran elsewhere is predicted all the same, but not in a dtype without a table. */
static int check_compute(const struct cause_search *s, const struct run *run, const struct model *m)
{
	struct err why = ERR_INIT;

	if (run_check_compute(run, m, s->device.device, s->device.profile, &why) == 0)
		return 0;
	return diag_add(s->ask->loader->diags, run_place(run, COLUMN_DTYPE),
			"nothing is known to compare such a row with: leave it out", "%s: %s",
			run_column_name(run, COLUMN_DTYPE), why.msg);
}

/* The runtime that was asked for, or that the row names. */
static const struct profile *runtime_meant(const struct cause_search *s, const struct run *run)
{
	const struct profile *named =
		s->ask->runtime ? NULL
				: report_row_runtime(arena_of(s), s->device.device, s->device.profile, run);

	return named ? named : s->device.profile;
}

/* Below 0 is left to the program. */
static bool says_layers(const struct run *run)
{
	const char *ngl = run->says[COLUMN_GPU_LAYERS];

	return ngl && strtod(ngl, NULL) >= 0;
}

/* What ran otherwise, and as asked would not fit, has no rate to be held against. */
static void tell_otherwise(const struct cause_search *s, const struct run *run, const char *said,
			   struct explained_row *r)
{
	struct err why = ERR_INIT;

	r->normal = false;
	r->said = said;
	if (report_fits(s->device.machine, &s->rows[s->n].row, run, &why) == 0)
		return;
	r->said = arena_printf(arena_of(s), "%s; all on this device it could not run: %s", said, why.msg);
	r->expected = r->lo = r->hi = NAN;
}

/* It does not fit, and does not say that part of it ran elsewhere: it ran all the same, as the causes may tell. Where its format is not
 * known, nor are its bytes. */
static bool is_spilled(const struct cause_search *s, enum run_column column, const struct case_row *c)
{
	struct err fits = ERR_INIT;

	return column == COLUMN_WEIGHTS && c->row.model && c->row.precision.weights < MIX_N &&
	       report_fits(s->device.machine, &c->row, c->row.run, &fits) != 0;
}

static void tell_spilled(const struct cause_search *s, const struct case_row *c, const char *why,
			 struct explained_row *r)
{
	r->normal = false;
	r->unfit = true;
	r->said = arena_printf(arena_of(s), "%s: was it another --weights, or a machine with more memory?",
			       why);
	r->expected = r->lo = r->hi = NAN;
	s->rows[s->n].spilled = spilled_share(s->device.machine, &c->row);
}

static int take_row(struct cause_search *s, const struct report_ask *ask, const struct run *run,
		    struct explanation *e)
{
	struct case_row *c = &s->rows[s->n];
	enum run_column column;
	struct err why = ERR_INIT;
	const int rc = report_row_make(ask, run, &c->row, &e->notes, &column, &why);
	const bool spilled = rc != 0 && is_spilled(s, column, c);

	if (rc != 0 && s->ask->skip_foreign) {
		s->left_out[column]++;
		return 0;
	}
	if (rc != 0 && c->row.model && check_compute(s, run, c->row.model) != 0)
		return -1;
	if (rc != 0 && !spilled && (!tells_where(column) || !c->row.model))
		return diag_add(s->ask->loader->diags, run_place(run, column), why.hint[0] ? why.hint : NULL,
				"%s: %s", run_column_name(run, column), why.msg);
	if (rc != 0) /* it ran elsewhere, but by the same program, with its default of -fa */
		c->row.profile = report_as_run(runtime_meant(s, run), run, arena_of(s));
	e->rows[s->n] = explain_row(s, c);
	run_tell_suite(arena_of(s), run, c->row.profile, &e->notes);
	if (spilled)
		tell_spilled(s, c, why.msg, &e->rows[s->n]);
	else if (rc != 0)
		tell_otherwise(s, run,
			       arena_printf(arena_of(s), "%s: %s", run_column_name(run, column), why.msg),
			       &e->rows[s->n]);
	c->says_weights = run->bytes > 0 || run_named_weights(arena_of(s), run, NULL) != MIX_N;
	c->says_flash = run->flash != FLASH_UNSAID;
	c->says_build = run->build > 0;
	c->says_layers = says_layers(run);
	s->n++;
	return 0;
}

static int tell_left_out(const struct cause_search *s, const struct runs *runs, struct explanation *e,
			 struct err *err)
{
	const char *note = report_left_out(arena_of(s), runs, runs->n, s->left_out);

	e->notes = texts_join(arena_of(s), &e->notes, &note, 1);
	return s->n ? 0 : report_none_left(arena_of(s), runs, s->left_out, err);
}

static int take_rows(struct cause_search *s, const struct runs *runs, struct model_shelf *shelf,
		     struct explanation *e, struct err *err)
{
	const struct validate_ask *ask = s->ask;
	struct report_ask rows = {.shelf = shelf,
				  .device = &s->device,
				  .model = ask->models.n ? ask->models.at[0] : NULL,
				  .weights = ask->weights,
				  .runtime = ask->runtime,
				  .dated = ask->runtime && strchr(ask->runtime, '@')};
	int rc = 0;

	rows.given = rows.model ? catalogue_model_typed(ask->loader, &rows.model, err) : NULL;
	if (rows.model && !rows.given)
		return -1;
	s->rows = arena_array(arena_of(s), runs->n, sizeof *s->rows);
	e->rows = arena_array(arena_of(s), runs->n, sizeof *e->rows);
	for (size_t i = 0; i < runs->n; i++)
		rc = take_row(s, &rows, &runs->at[i], e) != 0 ? -1 : rc;
	e->n = s->n;
	return rc == 0 && s->n < runs->n ? tell_left_out(s, runs, e, err) : rc;
}

/* How far a row is outside, in distances between P50 and the end of the interval on its side, as logarithms. */
static double distances(const struct explained_row *r)
{
	return r->measured < r->lo ? exact_log(r->expected / r->measured) / exact_log(r->expected / r->lo)
				   : exact_log(r->measured / r->expected) / exact_log(r->hi / r->expected);
}

/* Of rows that are as expected one in five is outside P10 to P90; none is by more than the interval's own width. More are where that
 * is no rare chance and each is inside what 19 of 20 are, 1.96 standard deviations where P10 is 1.28. Rows that ran otherwise are
 * another matter. */
static bool as_expected(const struct explanation *e)
{
	static const double share = 0.2, rare = 0.05, near = 1.96 / 1.2816;
	size_t outside = 0, n = 0;
	bool all_near = true;

	for (size_t i = 0; i < e->n; i++) {
		const struct explained_row *r = &e->rows[i];

		n += !r->said;
		if (r->normal || r->said)
			continue;
		if (r->measured < r->lo - (r->hi - r->lo) || r->measured > r->hi + (r->hi - r->lo))
			return false;
		all_near = all_near && distances(r) <= near;
		outside++;
	}
	return 5 * outside <= n || (all_near && chance_of_outside(outside, n, share) >= rare);
}

/* Judges by the rows that ran as asked, or by the others. Their number. */
static size_t judge_by(struct cause_search *s, const struct explanation *e, bool as_asked)
{
	bool *judged = arena_array(arena_of(s), s->n, sizeof *judged);
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		judged[i] = as_asked == !e->rows[i].said;
		n += judged[i];
	}
	s->judged = judged;
	return n;
}

/* Of all rows that have a rate to be held against; NAN: none has. */
static double left_of_all(struct cause_search *s, const struct explanation *e)
{
	double *seconds = arena_array(arena_of(s), s->n, sizeof *seconds);
	bool *judged = arena_array(arena_of(s), s->n, sizeof *judged);

	for (size_t i = 0; i < s->n; i++) {
		seconds[i] = s->rows[i].expected_s;
		judged[i] = !isnan(e->rows[i].expected);
	}
	s->judged = judged;
	return causes_left(s, seconds);
}

/* Why a row ran otherwise it says itself: it is no reason to look for causes of the others', nor do these explain it. */
static void find_causes(struct cause_search *s, struct explanation *e)
{
	const bool expected = as_expected(e);

	e->sought = true;
	e->left = left_of_all(s, e);
	e->otherwise = judge_by(s, e, false);
	e->normal = expected && !e->otherwise;
	if (e->otherwise) {
		causes_try_said(s, &e->idle);
		causes_try_spilled(s);
	}
	if (judge_by(s, e, true) && !expected)
		causes_try(s);
	cause_list_rank(&s->tried, arena_of(s), e);
}

/* The one text by which every row names its machine; NULL: some row does not, or they name several. */
static const char *machine_said(const struct runs *runs)
{
	const char *said = run_says_machine(&runs->at[0]);

	for (size_t i = 1; said && i < runs->n; i++)
		if (!run_says_machine(&runs->at[i]) || strcmp(said, run_says_machine(&runs->at[i])) != 0)
			return NULL;
	return said;
}

/* A machine of the catalogue as it stands, or the one that is meant by what the rows say, which is told. */
static const char *machine_meant(const struct validate_ask *ask, const struct runs *runs, const char *said,
				 const char **typed, struct explanation *e)
{
	struct loader *l = ask->loader;
	const char *note, *told, *id;
	struct catalogue_device d;
	struct memory_said memory;
	struct err unheard = ERR_INIT;

	if (!said || catalogue_is_machine(l, said, NULL, &d))
		return said;
	memory = runs_memory(runs);
	id = run_machine_meant(l, said, &memory, &note, &unheard);
	if (!id)
		return NULL;
	*typed = note ? said : NULL;
	told = note ? note
		    : arena_printf(l->arena, "%s names '%.80s': held against %s", runs->path, said, id);
	e->notes = texts_join(l->arena, &e->notes, &told, 1);
	return id;
}

static const char *refuse_machines(const struct validate_ask *ask, const struct runs *runs, const char *said,
				   struct err *err)
{
	const char *first = NULL, *named = runs_machines_named(ask->loader->arena, runs, &first);
	struct err more = ERR_INIT;

	if (said && !run_is_one(said, &more)) {
		err_set(err, "%s: machine: %s", runs->path, more.msg);
		err_hint(err, "%s", more.hint);
		return NULL;
	}
	if (named) {
		err_set(err, "%s: %s", runs->path, named);
		err_hint(err,
			 "--on MACHINE --skip-foreign takes the rows of one, such as --on '%.60s' "
			 "--skip-foreign",
			 first);
		return NULL;
	}
	if (said)
		err_set(err, "%s: it ran on '%.80s', which is no machine of the catalogue", runs->path, said);
	else
		err_set(err, "%s: on which machine did it run?", runs->path);
	err_hint(err, "--on MACHINE; 'lemursim list' has the names");
	return NULL;
}

/* The machine that is asked for, or that every row names. */
static const char *machine_of(const struct validate_ask *ask, const struct runs *runs, const char **typed,
			      struct explanation *e, struct err *err)
{
	const char *said = ask->subjects.n ? NULL : machine_said(runs);
	const char *name = ask->subjects.n ? ask->subjects.at[0] : machine_meant(ask, runs, said, typed, e);

	return name ? name : refuse_machines(ask, runs, said, err);
}

/* The profile of the rows' builds; where they are of several, the one asked for. */
static const char *runtime_of(const struct cause_search *s)
{
	const struct profile *first = s->n ? s->rows[0].row.profile : s->device.profile;
	const char *name = first->origin.name;

	for (size_t i = 1; i < s->n; i++)
		if (!report_same_runtime(first, s->rows[i].row.profile))
			return "each row's own runtime";
	for (size_t i = 1; i < s->n; i++)
		if (strcmp(name, s->rows[i].row.profile->origin.name) != 0)
			return s->device.profile->origin.name;
	return name;
}

/* The format that was asked for, or that the row names. */
static int weights_of(const struct validate_ask *ask, const struct run *run)
{
	struct err none = ERR_INIT;
	int mix;

	if (ask->weights)
		return run_asked_weights(ask->weights, &mix, &none) == 0 ? mix : MIX_N;
	return run_named_weights(ask->loader->arena, run, NULL);
}

int explain_make(const struct validate_ask *ask, struct explanation *e, struct err *err)
{
	struct cause_search s = {.ask = ask};
	struct model_shelf shelf = {.loader = ask->loader};
	struct runs runs = {0};
	int rc;

	*e = (struct explanation){0};
	if (explained_jobs_are(ask))
		return explained_jobs_make(ask, e, err);
	if (runs_read_all(ask->loader->arena, ask->from.at, ask->from.n, &runs, err) != 0 ||
	    runs_of_models(&runs, err) != 0)
		return -1;
	e->notes = texts_join(ask->loader->arena, &e->notes, runs.notes.at, runs.notes.n);
	s.typed = ask->typed;
	s.memory = runs_memory(&runs);
	e->machine = machine_of(ask, &runs, &s.typed, e, err);
	if (!e->machine || catalogue_device_load(ask->loader, e->machine, NULL,
						 ask->runtime ? ask->runtime
							      : report_runtime(ask->loader, e->machine, &runs,
									       weights_of(ask, &runs.at[0])),
						 &s.device) != 0)
		return -1;
	rc = take_rows(&s, &runs, &shelf, e, err);
	e->runtime = runtime_of(&s);
	if (rc == 0) {
		causes_tell_machines(&s, &e->notes);
		find_causes(&s, e);
	}
	return rc;
}
