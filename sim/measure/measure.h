/*
 * measure.h - the suite run on the devices of this machine: samples kept as they come, one hardware file of
 * all.
 *
 * Layer measure. The samples are written beside the hardware file, as NAME.samples.csv, or
 * NAME-DEVICE.samples.csv where the machine has several devices. From them the file can be made again, or an
 * interrupted measurement be finished. Prints nothing: what is worth telling goes to callbacks and into the
 * result.
 */
#ifndef SIM_MEASURE_MEASURE_H
#define SIM_MEASURE_MEASURE_H
#include <signal.h>

#include "sim/base/texts.h"
#include "sim/measure/suite.h"

struct measure_ask {
	const struct backend *const *backends; /* the device the machine is known for comes first */
	const double *shares;                  /* of a plan's time that each may take, when all run */
	size_t n;
	const volatile sig_atomic_t *stop;
	const char *tool;    /* "lemursim 1.0" */
	const char *backend; /* name of the only one to run; NULL: all */
	const char *only;    /* "read,gemm": rows of the suite; NULL or "all": all */
	bool quick, force;   /* force: on battery too, and over an existing file */
	int64_t threads;     /* of the CPU; 0: all */
	struct texts from;   /* files of earlier samples, which the new ones are added to */
	const char *facts;   /* file of the data sheet; NULL: none */
	const char *out;     /* the hardware file; NULL: hardware/local/CHIP.yaml */
	void (*progress)(void *self, const struct suite_progress *p);
	void (*measured)(void *self, const char *text); /* a device is done: its samples, as a table */
	void *self;
};

enum measure_end {
	MEASURE_WRITTEN,
	MEASURE_INTERRUPTED, /* what came first is kept */
	MEASURE_REFUSED,     /* with err: what was asked cannot be done */
	MEASURE_FAILED       /* with err: a case failed, or a file cannot be written; samples may be kept */
};

struct measure_result {
	const char *out;      /* the hardware file, written or not; NULL: not known before the chip is */
	struct texts samples; /* files written, in the order of the backends */
	size_t rows_kept;     /* finished before an interruption */
	const char *const *to_resume; /* after one: command lines that measure the rest */
	size_t to_resume_n;
};

enum measure_end measure_machine(struct arena *a, const struct measure_ask *ask, struct measure_result *r,
				 struct err *err);

#endif
