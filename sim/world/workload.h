/*
 * workload.h - the jobs of a scenario, and their properties that other files of this room use.
 *
 * Layer world. A job is a key of `workload:` with a table of its own. To add one: a member of struct
 * workload and of struct assignment, a value of enum job, and a row of the table in workload.c;
 * predict/job.h says how it is predicted.
 */
#ifndef SIM_WORLD_WORKLOAD_H
#define SIM_WORLD_WORKLOAD_H
#include "sim/conf/field.h"
#include "sim/llm/graph.h"

struct assignment;
struct scenario;

/* A sequence that is longer than the model's context is an error, or is computed regardless. */
enum beyond_context { BEYOND_REFUSE, BEYOND_ALLOW };
extern const char *const beyond_contexts[]; /* by enum beyond_context; NULL-terminated */

enum job { JOB_GENERATE, JOB_TRAIN, JOB_SERVE, JOB_N };

struct workload {
	struct origin origin;
	struct generate *generate; /* NULL: not part of the workload */
	struct train *train;       /* likewise */
	struct serve *serve;       /* likewise */
};
extern const struct table workload_table;

const char *job_name(enum job job); /* its key in YAML: "generate" */

/* The phases of a job, first to last of enum phase. */
struct job_phases {
	enum phase first, last;
};
struct job_phases job_phases(enum job job);

bool workload_asks(const struct workload *k, enum job job);
/* whether any job of the workload has the phase */
bool workload_runs(const struct workload *k, enum phase phase);

/* A copy of a workload of which one job can be changed; deeper structs are shared. */
struct workload workload_copy(struct arena *a, const struct workload *k);
struct workload workload_only(const struct workload *k, enum job job); /* removes the other jobs */

/* Runs the checks of every job of the workload. Complains of a workload without jobs, and of an assignment
 * with options of a job that the workload lacks. */
void workload_check(const struct scenario *s, struct diags *diags);

#endif
