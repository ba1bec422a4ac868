/*
 * samples_csv.h - a set of samples as a csv file: what a calibration keeps of its run, and how published
 * tables come in.
 *
 * Layer calib. Lines "# key: value" before the head say chip, device, runtime, cores, ram, working_set, os,
 * build, tool, date, power_before, power_after. Columns, by name, any order, those that do not apply left
 * out:
 *   - kind: as sample_kind_names; required
 *   - dtype: f32 f16 bf16 q8 q4; f32 if not said
 *   - path: which implementation
 *   - m n k heads kv_heads head_dim threads: counts
 *   - bytes flop: of one repetition; worked out from the shape where a kind allows it and they are not given
 *   - seconds: required: one number, or several with ';' between them
 *   - samples sd_s: how many are behind a published number, and their standard deviation
 *   - rejected: why it is not to be used
 *   - source: who says so
 *
 * Other columns are passed over.
 */
#ifndef SIM_CALIB_SAMPLES_CSV_H
#define SIM_CALIB_SAMPLES_CSV_H
#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"
#include "sim/calib/samples.h"

/* Whether a text looks like such a file: its head has the columns kind and seconds, and neither prompt nor
 * gen, which runs of whole models have (ingest.h). */
bool samples_csv_is(const char *text);

enum { SAMPLES_FILE_MAX = 64 << 20 }; /* byte */
/* The same of a file; false where it cannot be read, too. */
bool samples_csv_is_file(const char *path);

/* Parses `text`; path is for messages. Strings and samples live in the arena. -1 with err "path:line: ..." */
int samples_csv_read(struct arena *a, const char *path, const char *text, struct sample_set *set,
		     struct err *err);

int samples_csv_read_file(struct arena *a, const char *path, struct sample_set *set, struct err *err);

/* Appends the set as such a file, with digits enough to read the same numbers again. */
void samples_csv_write(const struct sample_set *set, struct str *out);

#endif
