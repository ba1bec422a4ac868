/*
 * workload.h - the jobs that a scenario asks for, and what the rest of the world must know of each.
 *
 * Layer world. A job is a key of `workload:` with a table of its own. To add one: a member of struct workload
 * and of struct assignment, a value of enum job, and a row of the table in workload.c; predict/job.h says how
 * it is predicted.
 */
#ifndef SIM_WORLD_WORKLOAD_H
#define SIM_WORLD_WORKLOAD_H
#include "sim/conf/field.h"
#include "sim/llm/graph.h"

struct assignment;
struct scenario;

/* A sequence longer than the model's context is an error, or computed all the same. */
enum beyond_context { BEYOND_REFUSE, BEYOND_ALLOW };
extern const char *const beyond_contexts[]; /* by enum beyond_context; NULL-terminated */

enum job { JOB_GENERATE, JOB_TRAIN, JOB_SERVE, JOB_N };

struct workload {
	struct origin origin;
	struct generate *generate; /* NULL: not asked */
	struct train *train;       /* likewise */
	struct serve *serve;       /* likewise */
};
extern const struct table workload_table;

const char *job_name(enum job job); /* its key: "generate" */

/* The phases that a job consists of, in their order: first to last of enum phase. */
struct job_phases {
	enum phase first, last;
};
struct job_phases job_phases(enum job job);

bool workload_asks(const struct workload *k, enum job job);
bool workload_runs(const struct workload *k, enum phase phase); /* in any job that is asked */

/* The same workload in memory of its own, so that a job of it can be changed; its members' members are
 * shared. */
struct workload workload_copy(struct arena *a, const struct workload *k);
struct workload workload_only(const struct workload *k, enum job job); /* without the other jobs */

/* Runs the checks of every job that is asked. Complains of a workload that asks for none, and of an
 * assignment that has options of a job that is not asked. */
void workload_check(const struct scenario *s, struct diags *diags);

#endif
