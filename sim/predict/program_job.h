/*
 * program_job.h - jobs that are a few programs of tasks: what their struct job_type share.
 *
 * Layer predict. The event engine runs each program once; its compiled form then gives its times under other
 * parameters (draws, what-ifs). A job adds a struct program_job: which programs there are, and what their
 * times mean.
 */
#ifndef SIM_PREDICT_PROGRAM_JOB_H
#define SIM_PREDICT_PROGRAM_JOB_H
#include "sim/predict/job.h"
#include "sim/step/drawn.h"

enum { JOB_PROGRAMS = 8 }; /* the most that one job has */

struct load { /* n tasks of an op_class on a queue */
	uint32_t queue, op_class, n;
};

/* A program with its run on the engine and its compiled form. */
struct simulated {
	struct program *program; /* NULL: there is none at this place */
	struct class_times times;
	struct task_graph graph;
	struct task_run run;
	struct compiled *compiled;
	struct load *loads; /* all tasks; those of one class on one queue are one load */
	size_t loads_n;
};

/* job_run.state of a job of programs. */
struct program_runs {
	struct simulated run[JOB_PROGRAMS];
	struct drawn_programs *drawn;
	void *own; /* kept by the job's build(); in the arena, but for the programs */
};
/* NULL where the job did not run. */
const struct program_runs *program_runs(const struct job_run *r);

/* What one run of a program covers: steps through the model, and tokens of each sequence. */
struct program_covers {
	double steps, tokens;
};

/* A program that `schedule` can draw. */
struct drawn_part {
	const char *name; /* --phase */
	size_t program;
};

struct program_job {
	/* Bytes on each machine, where they are the same all the time; NULL: memory() is asked once it has
	 * run. */
	void (*footprint)(const struct placement *at, struct footprint *out);
	void (*memory)(struct arena *a, const struct placement *at, const struct program *p,
		       const struct task_run *run, struct memory_use *out);
	/* Makes the programs, and what is kept beside them (*own). */
	void (*build)(struct arena *a, const struct placement *at, struct program *out[JOB_PROGRAMS],
		      void **own);
	/* How often the job runs a program; means of sums over steps, so not always whole. */
	double (*weight)(const struct program_runs *r, size_t program);
	/* The metrics of times and prices, from the ends of the programs, the times of classes, and how long each queue is
	 * busy. */
	void (*values)(const struct job_run *r, const struct compiled_ends ends[JOB_PROGRAMS],
		       const struct class_times t[JOB_PROGRAMS], const double *busy_ns, double *of);
	bool classes;                            /* values() reads the last two */
	double (*tokens)(const struct world *w); /* over which energy and money are spread */
	/* The share of the whole job for which a queue is busy. */
	double (*busy_share)(const struct job_run *r, size_t queue);
	/* How many equal machines each one stands for; NULL: for itself. */
	double (*stands_for)(const struct placement *at);
	struct program_covers (*covers)(const struct program_runs *r, size_t program);
	const char
		*when[JOB_PROGRAMS]; /* "for each step", of what crosses links in a program; NULL: not said */

	/* Is the job cut into micro-batches that tasks are told apart by? Pictures then show their passes,
	 * not blocks. NULL: it never is. */
	bool (*many_micro_batches)(const struct world *w);

	/* Pictures: what can be drawn, and "prefill of 512 tokens and ..." for the line under the title. */
	const struct drawn_part *parts;
	size_t parts_n;
	const char *(*subtitle)(struct arena *a, const struct placement *at, const struct program_runs *r,
				size_t program);
};

/* The members of the struct job_type that all such jobs share, for its initializer. of: its struct program_job. */
#define PROGRAM_JOB_TYPE(of)                                                                                 \
	.programs = &(of), .make = program_job_make, .release = program_job_release,                         \
	.scratch = program_job_scratch, .values = program_job_values, .draws = program_job_draws,            \
	.bound = program_job_bound, .busy = program_job_busy, .verdict = program_job_verdict
void program_job_make(struct arena *a, struct job_run *r);
void program_job_release(struct job_run *r);
void *program_job_scratch(struct arena *a, const struct job_run *r, size_t thread);
int program_job_values(const struct job_run *r, void *scratch, const struct conditions *c, double *of,
		       struct err *err);
void program_job_draws(const struct job_run *r, void *scratch, const struct draws *d, size_t first, size_t n,
		       bool times_alone, metrics_of *of);
const char *program_job_bound(struct arena *a, const struct job_run *r);
size_t program_job_busy(struct arena *a, const struct job_run *r, struct busy_row *rows);
void program_job_verdict(struct str *out, const struct job_run *r, const struct job_run *alone, size_t draws);

/* When a program ends under some times of its classes; all 0 where there is none. */
struct compiled_ends simulated_ends(const struct simulated *r, const struct class_times *t);

/* When a program ends as calibrated, run by itself; all 0 for NULL. */
struct compiled_ends program_job_ends(struct program *program);

/* A run of every task by itself, for pictures, where cycles are left out (step/loop.h) or tasks are joined (step/joined.h); NULL where
 * they are not. Its program is to be freed by program_free(). */
struct simulated *simulated_whole(struct arena *a, const struct simulated *r);

/* The times of a job's classes as calibrated; t has room for JOB_PROGRAMS. */
void program_job_nominal(const struct program_runs *r, struct class_times *t);

/* How long each queue is busy in the whole job, in nanoseconds. A half-duplex link counts as if it carried
 * one message at a time. */
void program_job_busy_ns(const struct job_run *r, const struct class_times *t, double *busy_ns);

/* Where the time of a program, or of one phase of it (PHASE_N: of all), comes from: the worst source among
 * the classes that make up a twentieth of it or more; less would not show in three digits of an interval. */
enum provenance simulated_from(const struct simulated *r, enum phase only);

#endif
