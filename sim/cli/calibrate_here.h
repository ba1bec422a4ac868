/*
 * calibrate_here.h - what `calibrate` does with this machine: measures it, says what it would measure, gives samples away.
 *
 * Layer cli.
 */
#ifndef SIM_CLI_CALIBRATE_HERE_H
#define SIM_CLI_CALIBRATE_HERE_H
#include "sim/cli/cmd.h"

struct calibrate_options {
	struct load_options load;
	struct output_options output;
	struct workers_ask workers;
	struct runs_options runs;
	bool quick, list, keep;
	const char *only, *backend, *link;
	int64_t threads; /* 0: all */
	const char *machine, *device, *like, *facts, *bundle, *trace;
	bool dry_run, beyond;
};

/* Measures, and writes the hardware file and the samples; an exit code, as of all below. */
int calibrate_measure(struct arena *a, const struct calibrate_options *o);

/* Says what would be measured: with the time of each row and the files that would be written, and as a list alone. */
int calibrate_plan(const struct calibrate_options *o);
int calibrate_list(const struct calibrate_options *o);

/* Writes the samples of --from into a bundle, and shows what it says of the machine. */
int calibrate_bundle(struct arena *a, const struct calibrate_options *o);

#endif
