/*
 * validate_runs.h - predicted against measured, for rows of many machines: row by row, and summed up by set.
 *
 * Layer validate. Each row is predicted from the catalogue's profile of the machine and runtime it names,
 * with the interval that the profile's spreads make. With a family's file, also from the family's law fitted
 * without the row: without that model on that machine, and without every machine of that chip: what the
 * catalogue would say of it had nobody measured the chip.
 */
#ifndef SIM_VALIDATE_VALIDATE_RUNS_H
#define SIM_VALIDATE_VALIDATE_RUNS_H
#include "sim/family/observations.h"
#include "sim/validate/ask.h"

/* Predicted without the row: the relative error of the rate (NAN: not asked, or it was in no fit anyway), and
 * whether the interval about that prediction holds the measurement. */
struct left_out {
	double error;
	bool inside;
};

struct validate_run {
	const char *set, *machine, *runtime, *run, *source;
	const char *unit; /* "tok/s", "TFLOPS", "GB/s", "s"; "": a share; "times": a ratio */
	const char *quality, *note;
	const char *limited_by; /* what most of the time goes to: "arithmetic"; NULL: of a scenario */
	double limited_share;   /* and how much of it */
	double measured, predicted, lo, hi; /* predicted: NAN where the scenario's assignment does not fit */
	struct left_out no_model, no_chip;  /* without its model on its machine; without its chip */
	bool held_out;                      /* in no fit */
};

struct validate_runs {
	struct validate_run *at;
	size_t n;
	bool of_scenario; /* machine is an assignment, run a metric in a unit of its own */
};

/* Every run against the catalogue's profile, and with a family against the fits without it. 0 or -1; see
 * ask.h. */
int validate_runs_make(const struct validate_ask *ask, const struct runs *runs, struct validate_runs *r,
		       struct err *err);

/* format: "table", "md", "csv" or "json". sets_only: the sums alone. */
void validate_runs_print(const struct validate_runs *r, const char *format, bool sets_only, struct str *out);

double validate_runs_worst(
	const struct validate_runs *r); /* largest |error|; infinite where one has no prediction */

#endif
