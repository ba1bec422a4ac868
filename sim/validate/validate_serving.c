/* validate_serving.c - see validate_serving.h. */
#include "sim/validate/validate_serving.h"

#include <math.h>
#include <string.h>

#include "sim/base/vec.h"
#include "sim/serve/service.h"
#include "sim/stats/quantile.h"
#include "sim/validate/changed_world.h"
#include "sim/world/computed.h"
#include "sim/validate/served.h"

struct comparison {
	const struct validate_ask *ask;
	VEC(struct validation_row) rows;
};

/* ---- predicting ---- */

static int run_once(struct service *s, const struct serve *load, const struct service_ask *ask, double *of,
		    struct err *err)
{
	const struct metrics_how how = {.classes = load->classes.at, .classes_n = load->classes.n};
	struct metrics *m = metrics_new(&how);
	const struct observer watch = metrics_observer(m);
	struct service_ask watched = *ask;
	struct service_summary ignored;
	int rc;

	watched.watch = &watch;
	watched.replications = 1;
	rc = service_run(s, &watched, &ignored, err);
	if (rc == 0)
		served_values(m, of);
	metrics_free(m);
	return rc;
}

/* Means over the replications of the load; z: of a draw, or NULL. */
static int run_all(struct service *s, const struct serve *load, const struct draws *d, const struct params *z,
		   double *of, struct err *err)
{
	const int n =
		load->replications > 1 && load->arrivals.kind != ARRIVALS_TRACE ? (int)load->replications : 1;
	double one[SERVED_METRICS];

	for (size_t k = 0; k < SERVED_METRICS; k++)
		of[k] = 0;
	for (int i = 0; i < n; i++) {
		const struct service_ask ask = {
			.z = z, .seed = d->seed + (uint64_t)i, .each_iteration = d->each_iteration};

		if (run_once(s, load, &ask, one, err) != 0)
			return -1;
		for (size_t k = 0; k < SERVED_METRICS; k++)
			of[k] += one[k] / n;
	}
	return 0;
}

struct predicted {
	double of[SERVED_METRICS], lo[SERVED_METRICS], hi[SERVED_METRICS];
};

/* P10 and P90 of each metric over the draws. */
static int run_draws(struct arena *a, struct service *s, const struct serve *load, const struct draws *d,
		     struct predicted *p, struct err *err)
{
	double *drawn = arena_array(a, d->n * SERVED_METRICS, sizeof *drawn), of[SERVED_METRICS];

	for (size_t i = 0; i < d->n; i++) {
		if (run_all(s, load, d, &d->z[i * d->sources], of, err) != 0)
			return -1;
		for (size_t k = 0; k < SERVED_METRICS; k++)
			drawn[k * d->n + i] = of[k];
	}
	for (size_t k = 0; k < SERVED_METRICS; k++) {
		p->lo[k] = d->n ? quantile_of(&drawn[k * d->n], d->n, 0.1) : p->of[k];
		p->hi[k] = d->n ? quantile_of(&drawn[k * d->n], d->n, 0.9) : p->of[k];
	}
	return 0;
}

/* Values are NAN where the assignment does not fit. */
static int predict(struct changed_world *c, const struct assignment *from, const struct draws *d,
		   struct predicted *p, struct err *err)
{
	struct service *s = service_new(&c->arena, c->world, from, c->inner.diags);
	const struct serve *load = c->world->scenario->workload.serve;
	int rc = s ? 0 : -1;

	for (size_t k = 0; k < SERVED_METRICS; k++)
		p->of[k] = p->lo[k] = p->hi[k] = NAN;
	if (s && service_fits(s)) {
		rc = run_all(s, load, d, NULL, p->of, err);
		if (rc == 0)
			rc = run_draws(&c->arena, s, load, d, p, err);
	}
	service_free(s);
	return rc;
}

/* ---- rows ---- */

static void add_rows(struct comparison *t, const struct served_run *r, const char *assignment,
		     const struct world *w, const struct predicted *p)
{
	struct arena *a = t->ask->loader->arena;
	const char *runtime = changed_world_runtime(a, w),
		   *computed = world_computed(a, w, draws_asked_seed(&t->ask->draws, w));

	for (size_t k = 0; k < SERVED_METRICS; k++) {
		const struct served_metric m = served_metric(a, k);

		if (isnan(r->of[k]))
			continue;
		VEC_ADD(&t->rows,
			((struct validation_row){
				.set = *r->set ? r->set : m.set,
				.assignment = arena_strdup(a, assignment),
				.runtime = runtime,
				.metric = *r->label ? arena_printf(a, "%s, %s", m.name, r->label) : m.name,
				.unit = m.unit,
				.file = r->path,
				.computed = computed,
				.source = *r->source ? r->source : NULL,
				.quality = *r->quality ? r->quality : NULL,
				.note = *r->note ? r->note : NULL,
				.measured = r->of[k],
				.predicted = p->of[k],
				.lo = p->lo[k],
				.hi = p->hi[k],
				.no_model.error = NAN,
				.no_chip.error = NAN,
				.held_out = true}));
	}
}

static int check_assignment(struct arena *a, const struct served_run *r, const struct world *w,
			    struct err *err)
{
	const size_t n = w->scenario->assignments.n;
	const struct assignment *all = w->scenario->assignments.at;
	const char **names = arena_array(a, n, sizeof *names);
	struct err why = ERR_INIT;

	for (size_t i = 0; i < n; i++) {
		names[i] = all[i].name;
		if (!r->assignment || !strcmp(names[i], r->assignment))
			return 0;
	}
	err_unknown(&why, "assignment", r->assignment, names, n);
	return validate_at_line(err, r->path, r->line, &why);
}

static int compare_world(struct comparison *t, struct changed_world *c, const struct served_run *r,
			 struct err *err)
{
	const struct assignment *all = c->world->scenario->assignments.at;
	const struct draws draws = draws_asked(&c->arena, c->world, &t->ask->draws);

	if (!c->world->scenario->workload.serve) {
		err_set(err, "%s: runs of a server, and the scenario serves nobody", r->path);
		return err_hint(err, "workload: {serve: {arrivals: ...}}");
	}
	if (check_assignment(&c->arena, r, c->world, err) != 0)
		return -1;
	for (size_t i = 0; i < c->world->scenario->assignments.n; i++) {
		struct predicted p;

		if (r->assignment && strcmp(all[i].name, r->assignment) != 0)
			continue;
		if (predict(c, &all[i], &draws, &p, err) != 0)
			return -1;
		add_rows(t, r, all[i].name, c->world, &p);
	}
	return 0;
}

static int compare_run(struct comparison *t, const struct served_run *r, struct err *err)
{
	struct changed_world c;
	int rc = changed_world_open(&c, t->ask, r->changes, r->path, r->line, err);

	if (rc == 0)
		rc = compare_world(t, &c, r, err);
	changed_world_close(&c);
	return rc;
}

/* ---- all of it ---- */

bool validate_serving_are(const char *path)
{
	return served_are(path);
}

static int check_ask(const struct validate_ask *ask, struct err *err)
{
	if (ask->subjects.n != 1) {
		err_set(err, "%s: runs of a server are compared with one scenario", ask->from.at[0]);
		return err_hint(err, "lemursim validate SCENARIO --from FILE, with 'workload: {serve: ...}'");
	}
	if (ask->family || ask->models.n || ask->runtime || ask->weights) {
		err_set(err, "%s: runs of a server take no --family, --model, --runtime or --weights",
			ask->from.at[0]);
		return err_hint(err,
				"a scenario says all of that: lemursim validate SCENARIO --from FILE, with "
				"'workload: {serve: ...}', such as scenarios/serve-4090-vllm.yaml");
	}
	return 0;
}

int validate_serving_make(const struct validate_ask *ask, struct validation *v, struct texts *notes,
			  struct err *err)
{
	struct arena *a = ask->loader->arena;
	struct comparison t = {.ask = ask};
	int rc = check_ask(ask, err);

	*notes = (struct texts){.n = 0};
	for (size_t i = 0; i < ask->from.n && rc == 0; i++) {
		struct served_runs runs;

		rc = served_read(a, ask->from.at[i], &runs, err);
		*notes = texts_join(a, notes, runs.notes.at, runs.notes.n);
		for (size_t k = 0; k < runs.n && rc == 0; k++)
			rc = compare_run(&t, &runs.at[k], err);
	}
	*v = (struct validation){
		.at = arena_array(a, t.rows.n, sizeof *v->at), .n = t.rows.n, .kind = VALIDATION_OUTCOMES};
	if (t.rows.n)
		memcpy(v->at, t.rows.at, t.rows.n * sizeof *v->at);
	VEC_FREE(&t.rows);
	return rc;
}
