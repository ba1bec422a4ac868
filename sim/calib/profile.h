/*
 * profile.h - a hardware file from samples: text that `lemursim check` accepts and `simulate` uses at once.
 *
 * Layer calib. What is written is read back and checked before it is handed out; a set that cannot make a
 * sound file is an error, and nothing is written. The same samples and facts give the same bytes.
 */
#ifndef SIM_CALIB_PROFILE_H
#define SIM_CALIB_PROFILE_H
#include "sim/base/str.h"
#include "sim/calib/datasheet.h"
#include "sim/calib/samples.h"

struct machine_samples {
	const struct sample_set
		*sets; /* one for each device of the machine; the first is the one it is known for */
	size_t n;
	const struct datasheet *datasheet; /* of the machine, and of its first device; may be NULL */
	const char *name;                  /* what the file will be called, for messages */
};

/* Appends the file to *out. 0 or -1: also where two sets are of one device, or of two machines. */
int profile_write_all(const struct machine_samples *m, struct str *out, struct err *err);

/* Of a machine of which one device was measured. */
int profile_write(const struct sample_set *set, const struct datasheet *datasheet, const char *name,
		  struct str *out, struct err *err);

/* A machine from files of samples (samples_csv.h), one for each of its devices. Everything that is read lives
 * in the arena; the file is appended to *out. -1 with err set, "path:line: ..." where a file is at fault. */
struct profile_files {
	const char *const *samples; /* paths; the machine is known for the device of the first */
	size_t n;
	const char *datasheet; /* path (datasheet.h); NULL: none */
	const char *tool;      /* named in the file's head; NULL: as the samples say */
};
int profile_write_files(struct arena *a, const struct profile_files *files, struct str *out, struct err *err);

#endif
