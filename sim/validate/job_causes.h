/*
 * job_causes.h - the possible causes of a whole job that is unlike what is expected: a load of a server, a training run.
 *
 * Layer validate. Each is simulated as the job itself, with a change to the scenario that was made of the report: another machine
 * that the words mean, another format, version or limit of the server, a lower rate of arithmetic, activations that are recomputed.
 */
#ifndef SIM_VALIDATE_JOB_CAUSES_H
#define SIM_VALIDATE_JOB_CAUSES_H
#include "sim/validate/likely_causes.h"
#include "sim/validate/validation.h"

/* A job predicted as asked: validate_serving_make() or validate_training_make(). */
typedef int job_make(const struct validate_ask *ask, struct validation *v, struct texts *notes,
		     struct err *err);

/* The causes that leave less than `asked` does, the likeliest first, at most CAUSES_SHOWN, into e->causes; in the loader's arena.
 * The subject of ask is a machine. */
void job_causes(const struct validate_ask *ask, job_make *make, bool trains, const struct validation *asked,
		struct explanation *e);

#endif
