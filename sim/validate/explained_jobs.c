/* explained_jobs.c - see explained_jobs.h. */
#include "sim/validate/explained_jobs.h"

#include <math.h>
#include <string.h>

#include "sim/runs/training_log.h"
#include "sim/validate/cause_list.h"
#include "sim/validate/job_causes.h"
#include "sim/validate/made_scenario.h"
#include "sim/validate/validate_serving.h"
#include "sim/validate/validate_training.h"

bool explained_jobs_are(const struct validate_ask *ask)
{
	return ask->from.n && (training_log_at(ask->from.at[0]) || validate_serving_are(ask->from.at[0]));
}

static struct explained_row row_of(struct arena *a, const struct validation_row *v)
{
	const bool drawn = !isnan(v->lo);
	const double off = fabs(validation_error(v));

	return (struct explained_row){
		.run = arena_printf(a, "%s, %s", v->metric, v->unit),
		.unit = v->unit,
		.less = !strcmp(v->unit, "s") || !strcmp(v->unit, "GB"),
		.file = v->file,
		.line = 1,
		.measured = v->measured,
		.expected = v->predicted,
		.lo = drawn ? v->lo : v->predicted,
		.hi = drawn ? v->hi : v->predicted,
		.normal = drawn ? validation_inside(v) : off <= 0.1,
		.said = isnan(v->predicted) ? "it does not fit on this machine" : NULL,
	};
}

int explained_jobs_make(const struct validate_ask *ask, struct explanation *e, struct err *err)
{
	struct arena *a = ask->loader->arena;
	const bool trains = training_log_at(ask->from.at[0]);
	job_make *const make = trains ? validate_training_make : validate_serving_make;
	static const char *const no_causes =
		"causes of a whole job are sought on a machine, not in a scenario";
	struct validation v;
	double sum = 0;

	*e = (struct explanation){.normal = true};
	if (make(ask, &v, &e->notes, err) != 0)
		return -1;
	e->machine = ask->subjects.at[0];
	e->rows = arena_array(a, v.n, sizeof *e->rows);
	for (e->n = 0; e->n < v.n; e->n++) {
		const struct explained_row r = row_of(a, &v.at[e->n]);
		const double off = isnan(r.expected) ? 0 : cause_apart(r.expected, r.measured);

		e->rows[e->n] = r;
		e->normal = e->normal && r.normal;
		sum += off * off;
	}
	e->runtime = v.n ? v.at[0].runtime : "";
	e->left = sqrt(sum / (double)e->n);
	if (!e->normal && made_scenario_is_file(ask)) {
		e->notes = texts_join(a, &e->notes, &no_causes, 1);
	} else if (!e->normal) {
		e->sought = true;
		job_causes(ask, make, trains, &v, e);
	}
	return 0;
}
