/*
 * fit_runtime.h - a runtime's profile fitted to measured runs of whole models on a machine of the catalogue; and
 * the loading of machines and models of the catalogue by name.
 *
 * Layer family. The tables keep the shape that they have in a profile of the machine: of the runtimes that the program
 * which made the runs stands for, the one nearest to its build, else the newest. Where there is none of that program, the
 * machine's first runtime gives the shape; a machine without any runtime gets it from another machine's (as shares of its
 * own peaks), or from typical numbers. Fitted are one factor on all utilisations (prefill), one on all bandwidths
 * (decode), one on the overhead of kernels and one on that of a step where the runs can tell them apart; Akaike's
 * criterion chooses. A parameter that is not fitted keeps its value and is written as transferred. Where the tables are another
 * program's, or this suite's, kernels of attention, of a few rows and of each format of weights have factors of their own
 * as far as the runs tell them (enum run_factor): these are how the program's kernels compare with those.
 *
 * The file is then held against its own rows: it is refused where it misses more than one in twenty of them by more
 * than twice their standard deviation, or is further off than the catalogue.
 */
#ifndef SIM_FAMILY_FIT_RUNTIME_H
#define SIM_FAMILY_FIT_RUNTIME_H
#include "sim/base/str.h"
#include "sim/base/texts.h"
#include "sim/family/predicted_run.h"
#include "sim/conf/load.h"
#include "sim/cost/compute_dtype.h"

/* A device of a machine file, under a runtime. */
struct catalogue_device {
	struct machine *machine;
	const struct device *device;
	const struct profile *profile;
	enum dtype compute;
	const char *ref; /* `base:` says this to name the machine's file */
};

/* name: a hardware name, or a path. device, runtime: NULL for the first. What is loaded lives in the loader's arena.
 * -1: reasons in the loader's diags. */
int catalogue_device_load(struct loader *l, const char *name, const char *device, const char *runtime,
			  struct catalogue_device *d);
/* The same without the machine's chip, so that its family's numbers apply without a chip's factors. */
int catalogue_unmeasured_load(struct loader *l, const char *name, const char *device, const char *runtime,
			      struct catalogue_device *d);
/* The same without a profile: d->profile is NULL, and the machine needs no runtime. */
int catalogue_machine_load(struct loader *l, const char *name, const char *device,
			   struct catalogue_device *d);
/* The same; false, and nothing is reported, where the name is not that of a sound machine. */
bool catalogue_is_machine(struct loader *l, const char *name, const char *device, struct catalogue_device *d);
/* Is there hardware of that name: a machine, or what a file may have as its base? Nothing is reported. */
bool catalogue_has(struct loader *l, const char *name);
/* What is typed in the place of a name: {base: NAME, power_limit: 220 W}. NULL: reasons in the loader's diags. */
const struct yml *catalogue_typed(struct loader *l, const char *text);
/* The value of `base:` in a new file, in l's arena. A name stays; a path is made absolute, since the new file may lie anywhere. */
const char *catalogue_reference(struct loader *l, const char *name);
struct model *catalogue_model_load(struct loader *l,
				   const char *name); /* NULL: reasons in the loader's diags */
/* The same of a name as people type it, "gemma3:27b", which is set to the catalogue's. NULL: reasons in err too. */
struct model *catalogue_model_typed(struct loader *l, const char **name, struct err *err);

struct fit_runtime_input {
	const char *path;    /* a file of runs */
	const char *model;   /* NAME or path of models/NAME.yaml; NULL: the one that the rows name */
	const char *weights; /* format, "q4_0"; NULL: as the file says */
};

struct fit_runtime_ask {
	const struct fit_runtime_input *inputs;
	size_t n;
	const char *machine; /* NAME or path of the machine's file */
	const char *device;  /* NULL: its first */
	const char *
		like; /* a runtime of the device, or another machine, whose tables are taken over; NULL: see above */
	const char *runtime; /* what the new one is called; NULL: the tool that wrote the runs */
	const char *version; /* of the runtime, as written; NULL: "as fitted" */
	const char *out;     /* path it will be written to, for messages and for finding `base:` */
	bool skip;           /* leave rows out that are of something else, in the place of refusing them */
};

/* A row beside what the new file and the catalogue say of it, in seconds. */
struct fit_runtime_row {
	const struct run *run;
	const char *name; /* "qwen3-30b-a3b pp512" */
	double fitted, catalogue;
	double sd;   /* relative, of the row: its own samples', and that of runs by different people */
	bool missed; /* fitted is off by more than twice that */
	bool out;    /* an outlier, left out of the fit */
};

struct fit_runtime_result {
	const struct fit_runtime_row *rows;
	size_t n, missed;
	double off, catalogue_off; /* root mean squares of the logarithms of predicted over given */
	const char *catalogue;     /* the runtime that the catalogue's column is of; NULL: it has none */
	const char *refused;       /* why the file should not be used; NULL: it may be */
	struct texts notes;        /* what the user should know besides; set on failure too */
};

/* Appends a hardware file to *out, read back and checked, and compares it with its rows. 0 also where r->refused is set:
 * the caller decides. -1 with err set, or with reasons in the diags of l; *out is then unchanged. */
int fit_runtime_make(struct loader *l, const struct fit_runtime_ask *ask, struct str *out,
		     struct fit_runtime_result *r, struct err *err);

/* Appends a table of the rows, a line each, and of what follows from them. */
void fit_runtime_table(const struct fit_runtime_result *r, struct str *out);

#endif
