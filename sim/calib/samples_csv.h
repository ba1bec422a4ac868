/*
 * samples_csv.h - a set of samples as a csv file, which keeps a measurement or holds published numbers.
 *
 * Layer calib. Lines "# key: value" before the head give chip, device, runtime, cores, ram, working_set, os,
 * build, tool, date, power_before, power_after, load, canary. Columns, by name, any order, those that do not apply left
 * out:
 *   - kind: as sample_kind_names; required
 *   - dtype: f32 f16 bf16 q8 q4; f32 if absent
 *   - path: which implementation
 *   - m n k heads kv_heads head_dim threads: counts
 *   - bytes flop: of one repetition; derived from the shape where they are absent and the kind allows it
 *   - seconds: required: one number, or several with ';' between them
 *   - samples sd_s: how many are behind a published number, and their standard deviation
 *   - rejected: the reason for which the row is not used; one that begins with "unsettled: " is used, with a
 *     wide spread, where its kind has no better row of its size
 *   - source: of a published number
 *
 * Other columns are ignored, and other keys of lines "# key: value"; sample_set.said names them.
 */
#ifndef SIM_CALIB_SAMPLES_CSV_H
#define SIM_CALIB_SAMPLES_CSV_H
#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"
#include "sim/base/texts.h"
#include "sim/calib/samples.h"

/* Appends the lines before the head and the columns, for a terminal of that many columns. */
void samples_csv_help(size_t width, struct str *out);

/* True where a text looks like such a file: its head has the columns kind and seconds, and neither prompt nor gen,
 * which runs of whole models have (sim/runs/ingest.h). */
bool samples_csv_is(const char *text);

enum { SAMPLES_FILE_MAX = 64 << 20 }; /* byte */
/* The same for a file; false also where it cannot be read. */
bool samples_csv_is_file(const char *path);
/* Of a text that is not of samples: -1 with err where its head is meant as theirs, with a column misspelt or parted otherwise. */
int samples_csv_check_head(struct arena *a, const char *path, const char *text, struct err *err);
/* Whether none of the files is of samples; err otherwise, with a hint: what reads them. needs: what is asked for instead. */
bool samples_csv_is_none(const struct texts *paths, const char *needs, struct err *err);

/* Parses `text`; path is for messages. Strings and samples live in the arena. -1 with err "path:line: ..." */
int samples_csv_read(struct arena *a, const char *path, const char *text, struct sample_set *set,
		     struct err *err);

/* Appends the set as such a file, with digits enough to read the same numbers again. */
void samples_csv_write(const struct sample_set *set, struct str *out);

#endif
