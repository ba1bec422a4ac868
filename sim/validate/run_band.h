/*
 * run_band.h - P10 to P90 of a predicted run's rate, from draws of the parameters of the device that it ran on.
 *
 * Layer validate.
 */
#ifndef SIM_VALIDATE_RUN_BAND_H
#define SIM_VALIDATE_RUN_BAND_H
#include "sim/family/predicted_run.h"
#include "sim/stats/band.h"
#include "sim/validate/ask.h"

/* A predicted run, and the device whose parameters are drawn. */
struct drawn_run {
	struct predicted_run predicted;
	const struct machine *machine;
	const struct device *device;
	const struct profile *profile; /* whose numbers are drawn */
	double spread; /* further standard deviation of the logarithm of the time, of what is not known of the weights */
};

/* Adds a note, once, where the profile's numbers are those of the suite's own kernels, which say what the machine can do, and
 * a program ran that has others, which its own runs tell. */
void run_tell_suite(struct arena *a, const struct run *run, const struct profile *p, struct texts *notes);

/* rate: that of the prediction itself, in the run's unit. over: the measurement is the ratio of the two runs' times; NULL:
 * it is of `of` alone. A program whose kernels were not measured is drawn much wider. As many draws, and from the seed,
 * as is asked; 200 from 1 where nothing is. */
struct band run_band(const struct validate_ask *ask, const struct run *run, double rate,
		     const struct drawn_run *of, const struct drawn_run *over);

#endif
