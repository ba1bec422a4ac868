/*
 * measure.h - the suite run on the devices of this machine: samples kept as they come, one hardware file of
 * all.
 *
 * Layer cli. The file goes to -o FILE, else to hardware/local/CHIP.yaml; the samples behind it beside it, as
 * NAME.samples.csv, or NAME-DEVICE.samples.csv where the machine has several devices. From them `--from`
 * makes the file again, or goes on after an interruption.
 */
#ifndef SIM_CLI_MEASURE_H
#define SIM_CLI_MEASURE_H
#include <signal.h>

#include "sim/measure/suite.h"
#include "sim/cli/opts.h"

struct measuring {
	const struct backend *const *backends; /* the device the machine is known for comes first */
	const double *shares;                  /* of a plan's time that each may take, when all run */
	size_t n;
	const volatile sig_atomic_t *stop;
	const char *tool; /* "lemursim 1.0" */
};

int measure_machine(const struct measuring *m, const struct opts *o); /* an exit code */

#endif
