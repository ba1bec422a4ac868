/*
 * report_rows.h - the rows of a report held against what they are said to be of: each is used as it says, or refused.
 *
 * Layer family. A row says more than its rate: the back end, how many layers the GPU had, which devices, the KV cache's
 * format, the model's size. What is asked (a machine's device, a runtime, a model, a format) must agree with each of
 * these, or the prediction would be of something else. Used are the KV cache's format, flash attention on or off and the
 * build, which chooses among the dated profiles of a runtime; the others are rules of report_rows.c, one for each
 * column, which refuse the row with the name of the column.
 */
#ifndef SIM_FAMILY_REPORT_ROWS_H
#define SIM_FAMILY_REPORT_ROWS_H
#include "sim/base/texts.h"
#include "sim/family/fit_runtime.h"
#include "sim/family/run_weights.h"

struct report_ask {
	struct model_shelf *shelf;
	const struct catalogue_device *device;
	const char *model;         /* NULL: each row's own */
	const struct model *given; /* that model, loaded; NULL where it is not named */
	const char *weights;       /* NULL: as the row says */
	const char *
		runtime; /* as it was asked for; NULL: it was not, and a row that names its own is held against that */
	bool fitting; /* the rows make a new runtime of the device: any of its runtimes' back ends may have run
				      them, whatever the program */
	const char *ran;  /* fitting: the one runtime whose back ends they ran with; NULL: not told */
	bool any_backend; /* fitting: the device has no runtime of its own that would say which it may be */
	bool dated;       /* the user chose a profile by its date: rows of any build are held against it */
	bool skip;        /* leave foreign rows out, and count them, in the place of refusing all */
};

struct report_row {
	const struct run *run;
	const char *model_name; /* as asked, or of the catalogue */
	const struct model *model;
	struct precision precision;
	const struct profile *profile; /* that of the row's build, with attention as the row has it */
};

struct report_rows {
	struct report_row *at;
	size_t n, left_out;
	size_t by[COLUMNS]; /* rows left out, by the column that is foreign */
	struct texts notes; /* deductions, doubts, and rows that were left out */
};

/* One row: 0; -1 with *column and err, where it is foreign. Notes are added. Everything lives in the loader's arena. */
int report_row_make(const struct report_ask *ask, const struct run *run, struct report_row *row,
		    struct texts *notes, enum run_column *column, struct err *err);

/* All rows of a file. -1 with a diagnostic for each foreign row in the loader's diags, or with err: with `skip` where no
 * row is left. */
int report_rows_make(const struct report_ask *ask, const struct runs *file, struct report_rows *rows,
		     struct err *err);

/* What predicts the row on that device under a profile, its own or a variant of it: in the dtype that the row says, or
 * that the runtime computes such a model in. */
struct device_model report_device_model(struct arena *a, const struct catalogue_device *d,
					const struct report_row *row, const struct profile *profile);

/* "FILE: 3 of 5 rows are left out, by column: backend 2, ngl 1", in the arena. n: of all rows; by: as of report_rows. */
const char *report_left_out(struct arena *a, const struct runs *file, size_t n, const size_t by[COLUMNS]);

/* -1 with err where every row is left out, which counts them by column as report_left_out() does. */
int report_none_left(struct arena *a, const struct runs *file, const size_t by[COLUMNS], struct err *err);

/* Attention with or without fusion, as -fa has it; a profile that is so already stays. */
void report_attention(struct profile *p, enum flash flash);

/* The profile as the run had it, by its build and its flash attention: p itself where the run says neither or nothing was
 * otherwise, else a copy in the arena. */
const struct profile *report_as_run(const struct profile *p, const struct run *run, struct arena *a);

/* Are both of one runtime, of whatever date? */
bool report_same_runtime(const struct profile *a, const struct profile *b);

/* Of the dated profiles of `like`'s runtime the one nearest to a build of llama.cpp; `like` where the build is not known,
 * or the runtime has no dates. */
const struct profile *report_nearest(const struct device *d, const struct profile *like, int64_t build);

/* Do the weights and the cache of a row fit what the machine can use? 0, or -1 with err and a hint. */
int report_fits(const struct machine *m, const struct report_row *row, const struct run *run,
		struct err *err);

/* The profile of a device that a name means, of a runtime or of a program that one stands for; NULL: none. */
const struct profile *report_named_runtime(const struct device *d, const char *name);

/* The runtime of a machine's first device that the rows name, or that the program which made the rows stands for and that reads
 * such weights (MIX_N: any; LM Studio has two engines); NULL: its first, or none is told. Nothing is reported where the
 * machine cannot be loaded. */
const char *report_runtime(struct loader *l, const char *machine, const struct runs *runs, int weights);

/* The month of a build of llama.cpp, counted from January of the year 0; 0: not known. */
int64_t build_month(int64_t build);

#endif
