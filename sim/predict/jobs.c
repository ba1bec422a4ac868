/* jobs.c - the table of jobs, and the metrics of all of them; see job.h. */
#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/predict/generate_job.h"
#include "sim/predict/job.h"
#include "sim/predict/serve_job.h"
#include "sim/predict/train_job.h"

const struct job_type *const job_types[JOB_N] = {
	[JOB_GENERATE] = &generate_job,
	[JOB_TRAIN] = &train_job,
	[JOB_SERVE] = &serve_job,
};

enum job job_of(const struct job_run *r)
{
	return r->type->metrics[0].job;
}

size_t metrics_n(void)
{
	size_t n = 0;

	for (int j = 0; j < JOB_N; j++)
		n += job_types[j]->metrics_n;
	return n;
}

const struct metric_info *metric_at(size_t i)
{
	for (int later = 0; later < 2; later++)
		for (int j = 0; j < JOB_N; j++)
			for (size_t k = 0; k < job_types[j]->metrics_n; k++) {
				const struct metric_info *m = &job_types[j]->metrics[k];

				if ((m->needs != METRIC_OF_TIMES) == later && i-- == 0)
					return m;
			}
	BUG("there is no such metric%s", "");
}

const struct metric_info *metric_find(const char *name, struct err *err)
{
	const char *names[JOB_N * METRICS_MAX];
	const size_t n = metrics_n();

	for (size_t i = 0; i < n; i++) {
		names[i] = metric_at(i)->name;
		if (!strcmp(name, names[i]))
			return metric_at(i);
	}
	err_unknown(err, "metric", name, names, n);
	return NULL;
}

size_t metric_index(const struct metric_info *m)
{
	return (size_t)(m - job_types[m->job]->metrics);
}

const struct metric_info *metric_compared(enum job job)
{
	return &job_types[job]->metrics[job_types[job]->compared];
}

double metric_value(const struct metric_values *v, const struct metric_info *m)
{
	return v->of[m->job][metric_index(m)];
}

bool metrics_ask(enum job job, const bool *asked)
{
	bool any = !asked;

	for (size_t i = 0; asked && i < metrics_n(); i++)
		any |= asked[i] && metric_at(i)->job == job;
	return any;
}

const struct metric_info *metric_usual(const struct world *w)
{
	for (int j = 0; j < JOB_N; j++)
		if (workload_asks(&w->scenario->workload, (enum job)j))
			return metric_compared((enum job)j);
	BUG("a world without a job%s", "");
}

int metric_parse(const struct metric_info *m, const char *text, double *value, struct err *err)
{
	double number;
	const char *end;

	if (!strcmp(m->unit, "s"))
		return units_parse(text, DIM_TIME, value, err);
	if (!strcmp(m->unit, "tok/s"))
		return units_parse(text, DIM_TOKEN_RATE, value, err);
	if (!strcmp(m->unit, "req/s"))
		return units_parse(text, DIM_REQUEST_RATE, value, err);
	if (!*m->unit)
		return units_parse(text, DIM_SHARE, value, err);
	end = units_number(text, &number);
	if (end && !strcmp(end + strspn(end, " "), m->unit)) {
		*value = number;
		return 0;
	}
	err_set(err, "expected a number of %s, got '%.60s'", m->unit, text);
	return err_hint(err, "write it like '2.5 %s'", m->unit);
}
