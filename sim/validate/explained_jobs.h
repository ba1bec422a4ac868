/*
 * explained_jobs.h - reports of whole jobs, a load or a training run, as rows of an explanation.
 *
 * Layer validate. Their rows are metrics of a scenario that is made of the report (made_scenario.h): each is normal inside
 * P10 to P90, and memory, of which there are no draws, within a tenth. Causes are those of job_causes.h.
 */
#ifndef SIM_VALIDATE_EXPLAINED_JOBS_H
#define SIM_VALIDATE_EXPLAINED_JOBS_H
#include "sim/validate/likely_causes.h"

bool explained_jobs_are(const struct validate_ask *ask);

/* As explain_make(). */
int explained_jobs_make(const struct validate_ask *ask, struct explanation *e, struct err *err);

#endif
