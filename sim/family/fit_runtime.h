/*
 * fit_runtime.h - a hardware file from measured runs of whole models: what a runtime reaches of a machine
 * that is already known.
 *
 * Layer family. From the machine's own profile come the shapes of its tables; fitted are one factor on all
 * utilisations (prefill), one on all bandwidths (decode), and, as far as the runs can tell them apart, the
 * overhead of a kernel and of a step. What cannot be told is held, and named as transferred.
 */
#ifndef SIM_FAMILY_FIT_RUNTIME_H
#define SIM_FAMILY_FIT_RUNTIME_H
#include "sim/base/str.h"
#include "sim/family/predicted_run.h"
#include "sim/conf/load.h"

/* A device of a machine file, under a runtime. */
struct catalogue_device {
	struct machine *machine;
	const struct device *device;
	const struct profile *profile;
	enum dtype compute;
	const char *ref; /* how `base:` may name the file */
};

/* name: a hardware name, or a path. device, runtime: NULL for the first. -1: reasons in the loader's diags.
 */
int catalogue_device_load(struct loader *l, const char *name, const char *device, const char *runtime,
			  struct catalogue_device *d);
/* As if nobody had measured its chip: what its family says of it. */
int catalogue_unmeasured_load(struct loader *l, const char *name, const char *device, const char *runtime,
			      struct catalogue_device *d);
/* Without a profile: any runtime may be asked of it. */
int catalogue_machine_load(struct loader *l, const char *name, const char *device,
			   struct catalogue_device *d);
enum dtype catalogue_compute(const struct profile *p); /* the first that it has of f16, bf16, f32 */
struct model *catalogue_model_load(struct loader *l, const char *name); /* NULL likewise */

/* The format of the weights: `asked` (may be NULL), else as the file's name for the model or its bits say.
 * -1 with err for one that nobody knows. */
int guess_precision(const struct run *run, const char *asked, enum dtype compute, struct precision *p,
		    struct err *err);

struct fit_runtime_input {
	const char *path;    /* a file of runs */
	const char *model;   /* NAME or path of models/NAME.yaml */
	const char *weights; /* format, "q4_0"; NULL: as the file says */
};

struct fit_runtime_ask {
	const struct fit_runtime_input *inputs;
	size_t n;
	const char *machine; /* NAME or path of what is known of the machine */
	const char *device;  /* NULL: its first */
	const char *like;    /* runtime whose tables are taken over; NULL: the first */
	const char *runtime; /* what the new one is called; NULL: the tool that wrote the runs */
	const char *version; /* NULL: "lemursim VERSION" is not known here, so "as fitted" */
	const char *out;     /* path it will be written to, for messages and for finding `base:` */
};

/* Appends the file's text to *out; nothing on failure: -1 with err set, or with reasons in the diags of l. */
int fit_runtime_make(struct loader *l, const struct fit_runtime_ask *ask, struct str *out, struct err *err);

#endif
