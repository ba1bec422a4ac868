/*
 * job.h - the jobs that a workload asks for, as values: how each is predicted, and which metrics it has.
 *
 * Layer predict. A job is one constant struct job_type; the table of jobs.c lists them all. Predictions,
 * rows, explanations, searches, pictures and the verbs loop over that table and ask no job by its name. To
 * add a job: a row of world/workload.c for what a scenario says of it, a struct job_type in a file of its
 * own, a row of the table. Jobs that are a few programs of tasks (generation, training) share program_job.h;
 * a job that is simulated in another way fills in the functions of its struct itself.
 */
#ifndef SIM_PREDICT_JOB_H
#define SIM_PREDICT_JOB_H
#include "sim/base/str.h"
#include "sim/place/footprint.h"
#include "sim/predict/rows.h"
#include "sim/step/program.h"
#include "sim/train/memory.h"

struct draws;
struct power_draw; /* energy_cost.h */
struct program_job;

/* What a metric is made of beside times. */
enum metric_needs { METRIC_OF_TIMES, METRIC_OF_PRICE, METRIC_OF_POWER, METRIC_OF_POWER_AND_PRICE };

struct metric_info {
	const char *name, *unit; /* the stable name of the JSON results; "" for a share of one */
	const char *head;        /* its column in tables: "decode"; NULL: it has none */
	enum job job;
	bool less; /* less is better */
	enum metric_needs needs;
	int column; /* columns stand in ascending order of this number */
	const char *meaning;
	bool no_best; /* it says how a machine works: no value of it is better than another, and tables mark none */
};
enum { METRICS_MAX = 48 }; /* the most that one job has */
typedef double metrics_of[METRICS_MAX];

/* A value for each metric of each job; NAN where a metric does not apply. metric_value() reads it. */
struct metric_values {
	double of[JOB_N][METRICS_MAX];
};

/* What a prediction is made under. */
struct conditions {
	const struct params *params; /* one for each source; NULL: as calibrated */
	bool drawn; /* params are the standard normal deviates of a draw; else factors of the rates, as in a
		       what-if */
	const struct power_draw
		*power;   /* one for each machine, then for each link; NULL: the powers as given */
	double *classes;  /* room for the metrics of classes, [class * metrics_n + metric]; NULL: not asked */
	bool times_alone; /* metrics of power are not wanted: they are NAN */
};

/* One job of one placement. */
struct job_run {
	const struct job_type *type;
	const struct placement *at;
	bool asked, fits;
	const bool *uses;            /* for each machine: does any phase of the job use it? */
	struct footprint *footprint; /* one for each machine; NULL: not asked */
	struct memory_use *memory;   /* for each machine, over the job's time; NULL: constant, or not asked */
	uint64_t seed;               /* the seed of the job's random choices */
	bool each_iteration;         /* a server's iterations are simulated one by one */
	size_t threads;              /* for what one run does in parallel; 0 and 1: nothing */
	void *state; /* the job's own; NULL: it did not run, as it is not asked or does not fit */
	/* The equal job of an earlier prediction, which has what this one comes to: its state, values and draws; NULL: none. */
	const struct job_run *same;
	/* set by prediction_row() where the job ran */
	const double *values;   /* one for each metric, as calibrated */
	const double *compared; /* the metric job_type.compared, one for each draw */
	double **samples;       /* [metric][draw] */
	const char *advice;     /* what ten per cent more of one parameter would do; "" for nothing */
};

/* A metric and its word in "10 % better memory bandwidth of m5.gpu: decode +9.1 %". */
struct advised {
	size_t metric;
	const char *word;
};

struct job_type {
	const char *noun; /* "generation", as in "generation pays: 20.1 s against 24.1 s" */
	const struct metric_info *metrics;
	size_t metrics_n;
	size_t compared; /* the metric in seconds by which assignments are compared: how long the whole job
			    takes */
	const struct program_job
		*programs; /* NULL: the job is no set of programs, and its schedule cannot be drawn */

	/* Fills in footprint, memory, fits and, where the job fits, state. All memory is the arena's but for
	 * what release() gives back. Called where the job is asked. */
	void (*make)(struct arena *a, struct job_run *r);
	void (*release)(struct job_run *r);

	/* Those below are called where the job ran. */

	/* Working memory for values(), of one of several threads that call it at a time; threads are counted from 0, and
	 * the caller asks for the memory of all of them before it starts any. */
	void *(*scratch)(struct arena *a, const struct job_run *r, size_t thread);
	/* Every metric under some conditions, into of[metrics_n]; NAN where one does not apply. 0, or -1 with err: what the
	 * run reads as it goes, such as a trace of requests, is broken. */
	int (*values)(const struct job_run *r, void *scratch, const struct conditions *c, double *of,
		      struct err *err);
	/* The same under n draws from the first on, 1 to DRAWN_AT_ONCE, of[draw]; NULL: values() takes one at a time. */
	void (*draws)(const struct job_run *r, void *scratch, const struct draws *d, size_t first, size_t n,
		      bool times_alone, metrics_of *of);
	/* The worst source of the times behind a metric; powers and prices are not asked for. */
	enum provenance (*from)(const struct job_run *r, size_t metric);
	/* Half the width of a metric's 95 % confidence interval over runs of the load, as calibrated; 0: not
	 * known. NULL: nothing is drawn at random. */
	double (*ci_half)(const struct job_run *r, size_t metric);
	/* How many classes with names the load has. NULL: the job has no such load, and no next two. */
	size_t (*classes)(const struct job_run *r);
	const char *(*class_name)(const struct job_run *r, size_t class_id);
	/* The metrics of a class as calibrated, of[metrics_n], and half of each 95 % interval, as ci_half(). */
	void (*class_values)(const struct job_run *r, size_t class_id, double *of, double *half);
	/* A metric of one run less that of another under the same random numbers, and half of its 95 %
	 * interval. False: not known. NULL: nothing is drawn at random. */
	bool (*paired)(const struct job_run *r, const struct job_run *other, size_t metric,
		       double *difference, double *half);
	/* "memory bandwidth of m5.gpu": what limits the job. */
	const char *(*bound)(struct arena *a, const struct job_run *r);
	/* The metric by which what-ifs are weighed; NULL: the job has no such advice. */
	struct advised (*advised)(const struct job_run *r);
	/* Appends rows of busy queues, at most program_queues(); returns how many. */
	size_t (*busy)(struct arena *a, const struct job_run *r, struct busy_row *rows);
	/* A sentence on a run over several machines against the best on one machine: does it pay, and why? */
	void (*verdict)(struct str *out, const struct job_run *r, const struct job_run *alone, size_t draws);
	/* What has to be said of this run alone, such as weights that come from a disk; may be NULL. */
	void (*remark)(struct str *out, const struct job_run *r);

	/* These need no run. */

	/* Why no assignment of the scenario has a metric: "one token is asked for"; NULL: there is no such
	 * reason. */
	const char *(*lacks)(const struct world *w, size_t metric);
	/* A note under the table on what the job's metrics mean; may be NULL. */
	const char *(*note)(struct arena *a, const struct world *w);
};
extern const struct job_type *const job_types[JOB_N];

enum job job_of(const struct job_run *r);

/* ---- metrics of all jobs ---- */

/* In the order of rows: times and rates of one job after the other, then what power and prices make of them.
 */
size_t metrics_n(void);
const struct metric_info *metric_at(size_t i);                            /* i < metrics_n() */
const struct metric_info *metric_find(const char *name, struct err *err); /* NULL with a hint */
size_t metric_index(const struct metric_info *m);                         /* among those of its job */
const struct metric_info *metric_compared(enum job job);                  /* job_type.compared */
double metric_value(const struct metric_values *v, const struct metric_info *m);
/* Whether any metric of a job is among those that are asked for, [metric of metric_at()]; NULL: all are. */
bool metrics_ask(enum job job, const bool *asked);

/* What is compared where nobody says what: the whole of the first job that a scenario asks for. */
const struct metric_info *metric_usual(const struct world *w);

/* "2 s", "40 tok/s", "5 J/tok", "85 %": in the metric's own unit. */
int metric_parse(const struct metric_info *m, const char *text, double *value, struct err *err);

#endif
