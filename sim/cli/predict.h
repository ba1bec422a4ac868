/*
 * predict.h - one assignment of a world, predicted: fits, times, what limits it, what would change that, how
 * sure.
 *
 * Layer cli. The event engine gives the times; the compiled form of the same programs gives the interval
 * (seeded draws of every parameter) and the what-ifs.
 */
#ifndef SIM_CLI_PREDICT_H
#define SIM_CLI_PREDICT_H
#include "sim/place/fit.h"
#include "sim/report/result.h"
#include "sim/step/compile.h"
#include "sim/step/generate.h"
#include "sim/train/train.h"

/* Standard normal numbers: one for each draw, source and parameter; the same for every assignment, so that
 * two of them are compared under the same luck. */
struct draws {
	size_t n;
	double (*z)[PARAM_N]; /* [draw * sources + source] */
	size_t sources;
};
struct draws draws_make(struct arena *a, const struct world *w, uint64_t seed, size_t n);

/* Programs of an assignment, each with its run on the engine and its compiled form. */
struct ran {
	struct prog *prog; /* NULL: not asked */
	struct class_times times;
	struct task_graph graph;
	struct task_run run;
	struct compiled *compiled;
};

struct prediction {
	struct placement at;
	struct fit *generate_fit, *train_fit; /* for each machine; NULL: not asked */
	bool generate_fits, train_fits;
	struct generate_progs progs;
	struct ran first, later[GENERATE_STEPS], train;
	/* set by prediction_row(), one for each draw; NULL where nothing ran */
	const double *e2e_s, *step_s;
};

/* Runs what fits. The prediction's memory is in the arena but for the programs: prediction_release(). */
void prediction_make(struct arena *a, const struct placement *at, struct prediction *p);
void prediction_release(struct prediction *p);

struct assignment_row prediction_row(struct arena *a, struct prediction *p, const struct draws *d);

const char *queue_name(struct arena *a, const struct world *w, size_t q); /* "m5.gpu", "tb m5>m4pro" */

double training_peak_flops(const struct placement *at); /* roofs of the units that train, summed */

#endif
