/*
 * profile.h - a machine's hardware file written from samples.
 *
 * Layer calib. The text is read back and checked as `lemursim check` would before it is handed out; samples that do
 * not make a valid file are an error, and nothing is appended. The same samples and data sheet give the same bytes.
 */
#ifndef SIM_CALIB_PROFILE_H
#define SIM_CALIB_PROFILE_H
#include "sim/base/str.h"
#include "sim/base/texts.h"
#include "sim/calib/datasheet.h"
#include "sim/calib/samples.h"

struct machine;

struct machine_samples {
	const struct sample_set *sets; /* one for each device of the machine, the main device first */
	size_t n;
	const struct datasheet *datasheet; /* facts on the machine and its first device; NULL: none */
	const char *name;                  /* the file to be written, for messages */
	struct arena *arena;               /* holds the lines of *told */
	struct texts
		*told; /* added to: samples that were not used, by kind and reason; NULL: not asked for */
};

/* Appends the file to *out. -1 with err: samples that make no profile, two sets of one device, or of two machines. */
int profile_write_all(const struct machine_samples *m, struct str *out, struct err *err);

/* The same for a machine of which one device was measured. */
int profile_write(const struct sample_set *set, const struct datasheet *datasheet, const char *name,
		  struct str *out, struct err *err);

/* A machine from files of samples (samples_csv.h) of its devices. Everything that is read lives
 * in the arena; the file is appended to *out. -1 with err set, "path:line: ..." where a file is at fault. */
struct profile_files {
	const char *const *samples; /* paths of samples or bundles (bundle.h), the main device's first */
	size_t n;
	const char *datasheet;      /* path (datasheet.h); NULL: none */
	const char *tool;           /* named in the file's head; NULL: as the samples say */
	const struct machine *base; /* the data sheet's `base`, loaded; NULL: it has none, or a family's */
	struct texts *told;         /* as in struct machine_samples */
};
int profile_write_files(struct arena *a, const struct profile_files *files, struct str *out, struct err *err);

#endif
