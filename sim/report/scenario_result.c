/* scenario_result.c - see scenario_result.h. */
#include "sim/report/scenario_result.h"

#include <string.h>

#include "sim/base/workers.h"
#include "sim/predict/explain.h"
#include "sim/predict/metrics.h"
#include "sim/predict/scenario_load.h"
#include "sim/world/computed.h"

/* The assumptions behind energy and money, where any row has them; NULL where none has. */
static const char *energy_cost_note(struct arena *a, const struct world *w, const struct assignment_row *rows,
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

const char *scenario_result_name(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const size_t len = strlen(name);

	return str_ends(name, ".yaml") ? arena_strndup(a, name, len - 5) : name;
}

void scenario_result_inputs(const struct loader *l, struct result *r)
{
	struct input_row *inputs = arena_array(l->arena, l->inputs_n, sizeof *inputs);

	for (size_t i = 0; i < l->inputs_n; i++) {
		inputs[i].file = l->inputs[i].path;
		memcpy(inputs[i].sha256, l->inputs[i].sha256, sizeof inputs[i].sha256);
	}
	r->inputs = inputs;
	r->inputs_n = l->inputs_n;
}

static void add_notes(struct arena *a, const struct world *w, const struct prediction *all,
		      struct scenario_result *r)
{
	struct result *of = &r->result;

	of->notes_n = explain_notes(a, all, of->rows, of->rows_n, (size_t)of->draws, r->notes);
	for (int j = 0; j < JOB_N; j++)
		if (workload_asks(&w->scenario->workload, (enum job)j) && job_types[j]->note)
			scenario_result_note(r, job_types[j]->note(a, w));
	scenario_result_note(r, energy_cost_note(a, w, of->rows, of->rows_n));
}

struct making {
	const struct placement *at;
	struct prediction *all;
	struct arena *arenas; /* of each prediction */
};

static int make_one(void *self, size_t worker, size_t i)
{
	const struct making *m = self;

	(void)worker;
	prediction_make_among(&m->arenas[i], m->at, i, NULL, m->all);
	return 0;
}

/* Programs are made side by side; what assignments have in common, once. */
static void make_predictions(struct arena *a, const struct placement *at, size_t n,
			     const struct draws_ask *ask, struct prediction *all)
{
	struct making making = {.at = at, .all = all, .arenas = arena_array(a, n, sizeof *making.arenas)};
	const struct workers_task work = {.n = n, .item = make_one, .self = &making};

	workers_run(&work, workers_count(ask->workers.threads, n));
	for (size_t i = 0; i < n; i++)
		arena_adopt(a, &making.arenas[i]);
	for (size_t i = 0; i < n; i++)
		prediction_share(&all[i]);
}

int scenario_result_make(struct loader *l, const struct placement *at, const struct draws_ask *ask,
			 const char *version, struct scenario_result *out)
{
	const struct world *w = at->world;
	struct arena *a = l->arena;
	const size_t n = w->scenario->assignments.n;
	const struct draws draws = draws_asked(a, w, ask);
	struct prediction *all = arena_array(a, n, sizeof *all);
	struct assignment_row *rows = arena_array(a, n, sizeof *rows);
	struct err err = ERR_INIT;
	int rc = 0;

	*out = (struct scenario_result){
		.notes = arena_array(a, EXPLAIN_NOTES * n + SCENARIO_RESULT_NOTES, sizeof *out->notes)};
	out->result = (struct result){.scenario = scenario_result_name(a, w->path),
				      .version = version,
				      .title = w->scenario->title,
				      .computed = world_computed(a, w, draws_asked_seed(ask, w)),
				      .seed = draws_asked_seed(ask, w),
				      .draws = (int)draws.n,
				      .rows = rows,
				      .rows_n = n,
				      .notes = out->notes,
				      .config = w->tree};
	make_predictions(a, at, n, ask, all);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = prediction_row(a, &all[i], &draws, &rows[i], &err);
		out->any_fits |= prediction_fits(&all[i]);
	}
	if (rc == 0) {
		prediction_differences(a, all, rows, n);
		add_notes(a, w, all, out);
		scenario_result_inputs(l, &out->result);
	}
	for (size_t i = n; i-- > 0;)
		prediction_release(&all[i]);
	return rc == 0 ? 0 : scenario_load_broke(l, w, &err);
}

void scenario_result_note(struct scenario_result *r, const char *note)
{
	if (note)
		r->notes[r->result.notes_n++] = (struct note){note, 0};
}
