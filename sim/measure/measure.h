/*
 * measure.h - runs the suite on the devices of this machine, keeps the samples, and writes one hardware file.
 *
 * Layer measure. The samples are written beside the hardware file, as NAME.samples.csv, or
 * NAME-DEVICE.samples.csv where the machine has several devices. The file can be written again from them, and an interrupted measurement can be continued. Prints nothing:
 * progress and tables go to callbacks, the rest into the result.
 */
#ifndef SIM_MEASURE_MEASURE_H
#define SIM_MEASURE_MEASURE_H
#include <signal.h>

#include "sim/base/texts.h"
#include "sim/measure/suite.h"

struct measure_ask {
	const struct backend *const *backends; /* the main device's first */
	const double *shares;                  /* each backend's part of the plan's time, where all run */
	size_t n;
	const volatile sig_atomic_t *stop;
	const char *tool;      /* "lemursim 1.0" */
	const char *backend;   /* name of the only one to run; NULL: all */
	const char *only;      /* "read,gemm": rows of the suite; NULL or "all": all */
	bool quick, force;     /* force: on battery too, and over an existing file */
	int64_t threads;       /* CPU threads; 0: all */
	uint64_t seed;         /* shuffles the rows' cases; 0: from the clock */
	struct texts from;     /* files of earlier samples, which the new ones are appended to */
	const char *datasheet; /* path (sim/calib/datasheet.h); NULL: none */
	const char *out;       /* the hardware file; NULL: hardware/local/CHIP.yaml */
	struct str *
		text; /* the hardware file is appended here, and `out` only says where samples go; NULL: it is written */
	void (*progress)(void *self, const struct suite_progress *p);
	void (*measured)(void *self,
			 const char *text); /* called after each device with a table of its samples */
	void *self;
};

enum measure_end {
	MEASURE_WRITTEN,
	MEASURE_INTERRUPTED, /* rows that were finished are kept */
	MEASURE_REFUSED,     /* with err: the options cannot be met */
	MEASURE_FAILED /* with err: no file can be made of what came right, or written; samples may be kept */
};

struct measure_result {
	const char *
		out; /* path of the hardware file, written or not; NULL: it depends on the chip, which was not read */
	struct texts samples; /* files written, in the order of the backends */
	struct texts unused;  /* samples that no number was made of, by kind and reason: a line each */
	size_t rows_kept;     /* finished before an interruption */
	const char *const *to_resume; /* after an interruption: command lines that measure the rest */
	size_t to_resume_n;
};

/* Appends what measure_machine() would measure and write, and how long each row may take. -1 with err where it would refuse
 * the options. */
int measure_plan(struct arena *a, const struct measure_ask *ask, struct str *out, struct err *err);

enum measure_end measure_machine(struct arena *a, const struct measure_ask *ask, struct measure_result *r,
				 struct err *err);

#endif
