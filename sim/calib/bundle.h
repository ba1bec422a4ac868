/*
 * bundle.h - what a calibration measured in one file: the samples of all devices of a machine.
 *
 * Layer calib. A bundle is samples of one device after those of another, each beginning with its lines "# chip: ..."
 * (samples_csv.h); a file of samples is a bundle of one. It holds times, shapes and the lines before the head, and
 * nothing else of the machine: no names of people, hosts or folders.
 */
#ifndef SIM_CALIB_BUNDLE_H
#define SIM_CALIB_BUNDLE_H
#include "sim/calib/samples_csv.h"

struct bundle {
	struct sample_set *sets; /* in the order of the files */
	size_t n;
};

/* Reads files of samples, or bundles; everything lives in the arena. -1 with err "path: ..." */
int bundle_read(struct arena *a, const char *const *paths, size_t n, struct bundle *b, struct err *err);

/* Adds what the files have that is no key and no column of samples; told: NULL: not asked for. */
void bundle_tell(const struct bundle *b, struct arena *a, struct texts *told);

void bundle_write(const struct bundle *b, struct str *out);

/* Appends all that a bundle says of the machine, and how many samples it has of each kind, to be looked at before it is
 * given away. */
void bundle_show(const struct bundle *b, struct str *out);

#endif
