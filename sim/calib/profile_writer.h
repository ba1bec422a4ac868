/*
 * profile_writer.h - keys, numbers and comments of the hardware file that profile.c writes; private to the room.
 *
 * Layer calib. What the data sheet says of a key comes before what was measured.
 */
#ifndef SIM_CALIB_PROFILE_WRITER_H
#define SIM_CALIB_PROFILE_WRITER_H
#include "sim/calib/profile.h"
#include "sim/calib/profile_fit.h"

struct profile_writer {
	struct str *out;
	const struct machine_samples *m;
	const struct sample_set *set;      /* the written device's; for keys of the machine, the first */
	const struct datasheet *datasheet; /* the first device's; NULL for the others */
	const struct profile_fit *d;
	double bus, bus_sd; /* byte/s; no rate may be above it. The second is of a measured one */
};

/* Appends a quoted string; JSON's quotes and escapes are YAML's too. */
void profile_writer_text(struct str *out, const char *text);

/* {value: 118 GB/s, sd: 0.9 GB/s, n: 30, how: measured, source: "..."} */
void profile_writer_number(struct str *out, const struct number *x, enum dim dim);

/* Appends a key: the data sheet's value if it has one, else the measured number, else nothing. */
void profile_writer_key(struct profile_writer *w, int indent, const char *key, const struct number *x,
			enum dim dim);

/* Appends a rate, at most the bus's: a fit may end a little above what the memory can do. */
void profile_writer_rate(struct profile_writer *w, int indent, const char *key, struct number x);

/* What the data sheet says of a key, else `otherwise`, else "unknown". */
const char *profile_writer_said(const struct profile_writer *w, const char *key, const char *otherwise);

/* Appends a paragraph of a comment, wrapped at blanks; control characters become blanks. */
void profile_writer_line(struct str *out, const char *before, const char *text);

#endif
