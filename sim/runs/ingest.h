/*
 * ingest.h - measured runs of whole models, from the files that benchmark tools write.
 *
 * Layer calib. Told apart by what is in them, never by their name:
 *   - llama-bench: json, jsonl, csv, md (fields by name, unknown ones passed over, n_depth 0 if absent)
 *   - llama-batched-bench: jsonl, md (lines of log between them are passed over)
 *   - mlx_lm.benchmark: text
 *   - our own csv: a head with the columns kind (pp, tg, pg) and seconds or tok_per_s, and any of model,
 *     bytes, params, prompt, gen, depth, batch, chunk, sd (in seconds), n, and of whose runs they are:
 *     tool (llama-bench, llama-batched-bench, mlx_lm), build, flash_attn; rows of many machines at once say
 *     whose they are: machine, runtime, weights, set, source, use (fit, or check: held out); '#' begins a
 *     comment. Such rows may also be
 *       - of one operator alone, kind gemm, copy or read: `size` 4096, 512x4096x14336 (m x n x k) or, read
 *         and written together, 1 GiB; `dtype` of a gemm; seconds, or `rate` in 13.8 TFLOPS, 119 GB/s
 *       - a `ratio`: the rate of that run on `machine` over that on the machine called `over`, under
 *         `over_runtime` if that is another
 *
 * Files are hostile: what is not a positive finite number where one is due, an empty list of samples, a
 * truncated object are errors with the line, and no row is handed out.
 */
#ifndef SIM_RUNS_INGEST_H
#define SIM_RUNS_INGEST_H
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/vec.h"
#include "sim/hw/hw.h"

enum run_kind {
	RUN_PP, /* `prompt` tokens a sequence are read, `depth` being in the cache already */
	RUN_TG, /* `gen` steps of one token a sequence, the first with `depth` tokens in the cache */
	RUN_PG, /* both, one after the other */
	/* one operator alone, of no model: */
	RUN_GEMM, /* C[m,n] = A[m,k] B[k,n] */
	RUN_COPY,
	RUN_READ,
	RUN_KIND_N
};
extern const char *const run_kind_names[RUN_KIND_N + 1]; /* "pp", "tg", "pg", "gemm", "copy", "read" */

/* llama.cpp's -fa; unsaid, or -1: as that version does by itself */
enum flash { FLASH_UNSAID, FLASH_OFF, FLASH_ON };

struct run {
	const char *model;    /* as the file calls it; NULL: it does not */
	double bytes, params; /* of the weights; 0: not said */
	enum run_kind kind;
	int64_t prompt, gen, depth, batch;
	int64_t chunk; /* tokens of a prompt that run at once; 0: all */
	struct {
		int64_t m, n, k;
		enum dtype dtype;
	} product;          /* gemm */
	double moved_B;     /* copy (read and written), read */
	double seconds, sd; /* of all of it; standard deviation of one sample, 0: not known. Of a ratio: as a
			       share of those on the other machine, so its inverse */
	int64_t n;          /* samples */
	const char *tool;   /* NULL: as the file's */
	int64_t build;      /* of llama.cpp; 0: not said */
	enum flash flash;
	/* of our csv, where rows may be of many machines; NULL: not said */
	const char *machine, *runtime, *weights; /* names as in hardware/, and of a mix */
	const char *set, *source;                /* what the row is evidence for, and whose it is */
	const char *over, *over_runtime;         /* a ratio's other machine; else NULL */
	bool held_out;                           /* no law is fitted to it: only compared */
	const char *path;
	int line;
};

struct runs {
	const char *path, *tool; /* "llama-bench", "llama-batched-bench", "mlx_lm", "csv" */
	struct run *at;
	size_t n;
};

enum { RUNS_MAX = 10000, RUNS_FILE_MAX = 4 * 1024 * 1024, RUN_CHUNKS_MAX = 4096 };

int runs_read(struct arena *a, const char *path, struct runs *r, struct err *err); /* -1: "path:line: ..." */
/* The rows of several files as one; its path is the first. */
int runs_read_all(struct arena *a, const char *const *paths, size_t n, struct runs *r, struct err *err);
int runs_parse(struct arena *a, const char *path, const char *text, size_t len, struct runs *r,
	       struct err *err);

/* Do rows say by themselves which machine, runtime and model they are of? Of one that does all must. */
bool runs_name_machines(const struct runs *r);

/* -1 with err where rows are of more than one model, or of none: a profile is fitted to one at a time. */
int runs_one_model(const struct runs *r, struct err *err);

bool run_is_operator(const struct run *r);
double run_work(const struct run *r); /* tokens of all sequences; FLOP, byte of an operator */
double run_rate(const struct run *r); /* tok/s as llama-bench counts, TFLOPS, GB/s; of a ratio: itself */
double run_rate_of(const struct run *r, double seconds); /* likewise, had it taken so long */
const char *run_unit(const struct run *r);               /* "tok/s", "TFLOPS", "GB/s", "times" */
/* "pp512", "tg128 @ d4096", "pp512 x 8", "gemm f16 4096", "copy 1 GB" */
const char *run_name(struct arena *a, const struct run *r);

/* --- the readers, for ingest*.c ------------------------------------------------------------------- */
struct reading {
	struct arena *arena;
	const char *path;
	VEC(struct run) rows;
	struct err *err;
};
/* Checks a row and keeps it. */
int reading_add(struct reading *r, struct run row);
int reading_fail(struct reading *r, int line, const char *what,
		 const char *value); /* "path:line: what 'value'" */
/* A plain decimal in (0 or above, up to max]; anything else is an error that names `what`. */
int reading_number(struct reading *r, int line, const char *what, const char *text, double max,
		   double *value);

/* A record of named texts: a JSON object, or a row of csv. */
struct record {
	struct reading *r;
	int line;
	const struct yml *object; /* or: */
	const struct csv *csv;
	const struct csv_row *row;
};
const char *record_text(const struct record *c, const char *key); /* NULL: absent, or empty */
/* Untouched where absent; -1 with the reading's err. */
int record_number(const struct record *c, const char *key, double max, double *value);
int record_count(const struct record *c, const char *key, int64_t *value);

#define READING_SECONDS_MAX 1e6

/* "1", "true", "0", "false", or -1 for as it likes; NULL, or anything else, is not said. */
enum flash reading_flash(const char *text);

int ingest_md(struct reading *r, const char *text, const char **tool); /* 1: not such a file */
int ingest_mlx(struct reading *r, const char *text);                   /* likewise */
int ingest_own(const struct record *row);

#endif
