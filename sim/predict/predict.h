/*
 * predict.h - one assignment of a world, run: does it fit, how long do its programs take.
 *
 * Layer predict. The event engine gives the times; the compiled form of the same programs gives those under
 * other parameters (draws, what-ifs).
 */
#ifndef SIM_PREDICT_PREDICT_H
#define SIM_PREDICT_PREDICT_H
#include "sim/place/footprint.h"
#include "sim/step/compile.h"
#include "sim/step/generate.h"
#include "sim/train/memory.h"
#include "sim/train/train.h"

struct load { /* n tasks of a class on a queue */
	uint32_t queue, op_class, n;
};

/* Programs of an assignment, each with its run on the engine and its compiled form. */
struct simulated {
	struct program *program; /* NULL: not asked */
	struct class_times times;
	struct task_graph graph;
	struct task_run run;
	struct compiled *compiled;
	struct load *loads; /* every task once, the same ones together */
	size_t loads_n;
};

struct prediction {
	struct placement at;
	struct footprint *generate_footprint, *train_footprint; /* for each machine; NULL: not asked */
	bool generate_fits, train_fits;
	struct memory_use *train_use; /* for each machine, over the step; NULL: not asked */
	const bool *uses[JOB_N];      /* for each machine: does any phase of the job use it? */
	struct generate_programs programs;
	struct simulated first, later[GENERATE_STEPS], train;
	double train_flop; /* useful, of one step */
	/* set by prediction_row(), one for each draw; NULL where nothing ran */
	const double *e2e_s, *step_s;
};

/* Runs what fits. The prediction's memory is in the arena but for the programs: prediction_release(). */
void prediction_make(struct arena *a, const struct placement *at, struct prediction *p);
void prediction_release(struct prediction *p);

size_t prediction_machines(const struct prediction *p); /* how many its jobs use */

/* Times of the classes of every program of a prediction: as calibrated, under a draw, or under a what-if. */
struct class_times_set {
	struct class_times first, later[GENERATE_STEPS], train;
};
struct class_times_set class_times_set_nominal(const struct prediction *p);
struct class_times_set class_times_set_make(struct arena *a,
					    const struct prediction *p); /* room for class_times_set_fill() */

typedef void class_times_filler(const struct program *p, const struct params *v, struct class_times *t);
void class_times_set_fill(const struct prediction *p, struct class_times_set *w, const struct params *v,
			  class_times_filler *fill); /* program_times_drawn or program_times_at */

/* When a program ends under some times of its classes; all 0 where it was not asked. */
struct compiled_ends simulated_ends(const struct simulated *r, const struct class_times *t);

/* How long each queue is busy in one run of a job under some times, in nanoseconds; all 0 where none ran. A
 * half-duplex link counts as if it carried one message at a time. */
void prediction_busy(const struct prediction *p, enum job job, const struct class_times_set *w,
		     double *busy_ns);

/* The one place where a generation's programs become what users measure; all 0 where none ran. */
struct generate_times prediction_generate(const struct prediction *p, const struct class_times_set *w);

const char *queue_name(struct arena *a, const struct world *w, size_t q); /* "m5.gpu", "tb m5>m4pro" */

double training_peak_flops(const struct placement *at); /* roofs of the units that train, summed */

#endif
