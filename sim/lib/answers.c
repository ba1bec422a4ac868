/* answers.c - simulate, sweep and plan as handles; see lemursim.h. */
#include <stdlib.h>

#include "sim/lib/handles.h"
#include "sim/report/plan.h"
#include "sim/report/sweep.h"

/* NULL with the error: there is no scenario, or it was set NULL. */
static lemursim_result *result_new(lemursim_scenario *s, enum lemursim_answer answer)
{
	lemursim_result *r;

	if (!s)
		return NULL;
	if (s->misuse) {
		lemursim_misused(s->of, s->misuse);
		return NULL;
	}
	lemursim_begin(s->of);
	r = xcalloc(1, sizeof *r);
	s->users++;
	r->scenario = s;
	r->answer = answer;
	loader_begin_inner(&r->loader, &r->arena, &s->loader);
	return r;
}

void lemursim_result_free(lemursim_result *r)
{
	if (!r)
		return;
	if (r->answer == LEMURSIM_PLANNED)
		plan_free(&r->planned);
	arena_release(&r->arena);
	lemursim_scenario_free(r->scenario);
	free(r);
}

/* The reasons are copied before what they point into is freed. Without any the work was stopped. */
static lemursim_result *refuse(lemursim_result *r, struct err *err)
{
	if (!r->scenario->diags.total && !err->msg[0])
		err_set(err, "interrupted");
	lemursim_fail(r->scenario->of, &r->scenario->diags, err);
	lemursim_result_free(r);
	return NULL;
}

static lemursim_result *with_rows(lemursim_result *r, size_t n)
{
	r->rows = arena_array(&r->arena, n, sizeof *r->rows);
	r->rows_n = n;
	return r;
}

static const struct lemursim_options usual = LEMURSIM_OPTIONS_INIT;

enum { DRAWS_MAX = 100000 };

/* 0, or -1 where a number is beyond what the program takes. */
static int check_options(const struct lemursim_options *o, struct err *err)
{
	if (o->seed < -1)
		return err_set(err, "the seed is below -1, which stands for the scenario's");
	if (o->draws != -1 && (o->draws < 2 || o->draws > DRAWS_MAX))
		return err_set(err, "draws are 2 to %d, or -1 for the scenario's", DRAWS_MAX);
	if (o->threads < 0 || o->threads > WORKERS_MAX)
		return err_set(err, "threads are 1 to %d, or 0 for one for each processor", WORKERS_MAX);
	return 0;
}

static struct draws_ask draws_of(const struct lemursim_options *o)
{
	return (struct draws_ask){.seed = o->seed,
				  .n = o->draws,
				  .workers = {o->threads},
				  .each_iteration = o->each_iteration,
				  .watch = {o->tell, o->self}};
}

lemursim_result *lemursim_simulate(lemursim_scenario *s, const struct lemursim_options *options)
{
	const struct lemursim_options *o = options ? options : &usual;
	const struct draws_ask draws = draws_of(o);
	lemursim_result *r = result_new(s, LEMURSIM_SIMULATED);
	struct err err = ERR_INIT;
	const struct world *w;
	const struct placement *at;

	if (!r)
		return NULL;
	w = check_options(o, &err) == 0 ? scenario_load(&r->loader, s->path, &s->sets) : NULL;
	at = w ? scenario_place(&r->loader, w) : NULL;
	if (!at)
		return refuse(r, &err);
	if (scenario_result_make(&r->loader, at, &draws, lemursim_version(), &r->simulated) != 0)
		return refuse(r, &err);
	return with_rows(r, r->simulated.result.rows_n);
}

static struct texts list_of(struct arena *a, const char *const *texts)
{
	struct texts none = {NULL, 0};
	size_t n = 0;

	while (texts && texts[n])
		n++;
	return n ? texts_join(a, &none, texts, n) : none;
}

static void tell_cell(void *watcher, size_t done, size_t of)
{
	const struct lemursim_options *o = watcher;

	o->tell(o->self, NULL, done, of);
}

static int run_sweep(lemursim_result *r, struct sweep_ask *ask, struct err *err)
{
	if (sweep_grid(ask, &r->swept, err) != 0 || sweep_run(ask, &r->swept, err) != 0)
		return -1;
	sweep_settle_bounds(&r->swept);
	return 0;
}

lemursim_result *lemursim_sweep(lemursim_scenario *s, const char *const *over, const char *const *metrics,
				const struct lemursim_options *options)
{
	struct lemursim_options o = options ? *options : usual;
	lemursim_result *r = result_new(s, LEMURSIM_SWEPT);
	struct err err = ERR_INIT;
	struct sweep_ask ask;

	if (!r)
		return NULL;
	ask = (struct sweep_ask){.loader = &r->loader,
				 .scenario = s->path,
				 .sets = s->sets,
				 .over = list_of(&r->arena, over),
				 .metrics = list_of(&r->arena, metrics),
				 .draws = draws_of(&o),
				 .tell = o.tell ? tell_cell : NULL,
				 .watcher = &o,
				 .stop = o.stop};
	if (check_options(&o, &err) != 0 || run_sweep(r, &ask, &err) != 0)
		return refuse(r, &err);
	return with_rows(r, r->swept.cells_n * r->swept.names_n);
}

lemursim_result *lemursim_plan(lemursim_scenario *s, const struct lemursim_options *options)
{
	const struct lemursim_options *o = options ? options : &usual;
	lemursim_result *r = result_new(s, LEMURSIM_PLANNED);
	struct err err = ERR_INIT;
	struct plan_ask ask;

	if (!r)
		return NULL;
	ask = (struct plan_ask){.path = s->path,
				.sets = &s->sets,
				.seed = o->seed,
				.draws = o->draws,
				.workers = {o->threads},
				.verdicts = s->verdicts,
				.stop = o->stop};
	if (check_options(o, &err) != 0 || plan_make(&r->loader, &ask, &r->planned) != 0)
		return refuse(r, &err);
	return with_rows(r, r->planned.rows_n);
}

/* ---- as text ---- */

const char *lemursim_note(const lemursim_result *r, size_t i)
{
	const struct result *simulated;

	if (!r)
		return NULL;
	simulated = &r->simulated.result;
	if (r->answer == LEMURSIM_SIMULATED)
		return i < simulated->notes_n ? simulated->notes[i].text : NULL;
	return r->answer == LEMURSIM_PLANNED && i < r->planned.notes_n ? r->planned.notes[i] : NULL;
}

void lemursim_write(struct str *out, const struct lemursim_result *r, enum result_format format, int width)
{
	if (r->answer == LEMURSIM_SIMULATED)
		result_write(out, &r->simulated.result, format, width);
	else if (r->answer == LEMURSIM_SWEPT)
		sweep_write(out, &r->swept, format, width);
	else
		plan_write(out, &r->planned, format, lemursim_version(), width);
}

const char *lemursim_text(lemursim_result *r, const char *format, int width)
{
	struct err err = ERR_INIT;
	struct str text = STR_INIT;
	const char *kept;
	size_t f;

	if (!r)
		return NULL;
	if (!format) {
		lemursim_misused(r->scenario->of, "lemursim_text: the format is NULL");
		return NULL;
	}
	lemursim_begin(r->scenario->of);
	f = str_find(format, result_format_names, RESULT_FORMAT_N);
	if (f == RESULT_FORMAT_N) {
		err_unknown(&err, "format", format, result_format_names, RESULT_FORMAT_N);
		lemursim_fail(r->scenario->of, &r->scenario->diags, &err);
		return NULL;
	}
	lemursim_write(&text, r, (enum result_format)f, width);
	kept = arena_strdup(&r->arena, text.text);
	str_release(&text);
	return kept;
}
