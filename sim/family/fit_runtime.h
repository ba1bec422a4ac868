/*
 * fit_runtime.h - a runtime's profile fitted to measured runs of whole models on a machine of the catalogue; and
 * the loading of machines and models of the catalogue by name.
 *
 * Layer family. The tables keep the shape that they have in a profile of the machine. Fitted are one factor on all
 * utilisations (prefill), one on all bandwidths (decode), and the overheads of a kernel and of a step where the
 * runs can tell them apart; Akaike's criterion chooses. A parameter that is not fitted keeps its value and is
 * written as transferred.
 */
#ifndef SIM_FAMILY_FIT_RUNTIME_H
#define SIM_FAMILY_FIT_RUNTIME_H
#include "sim/base/str.h"
#include "sim/base/texts.h"
#include "sim/family/predicted_run.h"
#include "sim/conf/load.h"

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
enum dtype
catalogue_compute(const struct profile *p); /* the first of f16, bf16 that it has a GEMM table of; else f32 */
struct model *catalogue_model_load(struct loader *l,
				   const char *name); /* NULL: reasons in the loader's diags */

struct fit_runtime_input {
	const char *path;    /* a file of runs */
	const char *model;   /* NAME or path of models/NAME.yaml */
	const char *weights; /* format, "q4_0"; NULL: as the file says */
};

struct fit_runtime_ask {
	const struct fit_runtime_input *inputs;
	size_t n;
	const char *machine; /* NAME or path of the machine's file */
	const char *device;  /* NULL: its first */
	const char *like;    /* runtime whose tables are taken over; NULL: the first */
	const char *runtime; /* the new one's name; NULL: the tool that wrote the runs */
	const char *version; /* the runtime's, as written; NULL: "as fitted" */
	const char *out;     /* path it will be written to, for messages and for finding `base:` */
	bool skip;           /* leave rows out that are of something else, in the place of refusing them */
	struct texts *notes; /* filled in: what the user should know besides */
};

/* Appends a hardware file to *out, read back and checked. -1 with err set, or with reasons in the diags of l; *out is
 * then unchanged. */
int fit_runtime_make(struct loader *l, const struct fit_runtime_ask *ask, struct str *out, struct err *err);

#endif
