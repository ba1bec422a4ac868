/*
 * requests_out.h - a line for each request of a run, written as requests end, and the reader of the same.
 *
 * Layer load. The columns are those of a server's log of its requests:
 *
 *	request,prompt_tokens,output_tokens,arrived_s,queued_s,scheduled_s,first_token_s,last_token_s
 *
 * and cached_tokens,recomputed_tokens,preemptions,replica,class,end,replication after them. Seconds from the
 * beginning of the run with nine digits, so that nothing is lost; empty where it never came. output_tokens is
 * what was answered. A file has one replication of the load, counted from 1 and the same in all lines, so that
 * it is a log of one run for whoever reads it. Each line goes to the system whole and at once: what an
 * interrupted run has written stays. The csv is a trace too (trace.h): its lines come in order of their ends,
 * so sort by arrived_s first.
 */
#ifndef SIM_LOAD_REQUESTS_OUT_H
#define SIM_LOAD_REQUESTS_OUT_H
#include "sim/base/err.h"
#include "sim/base/output_columns.h"
#include "sim/load/request.h"
#include "sim/world/serve.h"

enum requests_format { REQUESTS_CSV, REQUESTS_JSONL };

enum { REQUESTS_COLUMNS = 15 };
extern const struct output_column requests_columns[REQUESTS_COLUMNS]; /* of the csv; keys of the jsonl */

struct requests_out;

struct requests_of {
	const struct load_class *classes; /* whose names are written; they outlive it */
	size_t classes_n;
	int replication; /* from 0 */
};

/* By the path's suffix, .csv or .jsonl; an existing file is an error unless force. NULL with err. */
struct requests_out *requests_out_open(const char *path, bool force, const struct requests_of *of,
				       struct err *err);
/* As an observer that may stand beside another: every call goes on to `next`, which may be NULL. */
struct observer requests_out_observer(struct requests_out *o, const struct observer *next);
/* 0, or -1 with err where something could not be written. Frees it; NULL is fine. */
int requests_out_close(struct requests_out *o, struct err *err);

/* A line of such a csv, or of a log with the first eight columns. Times in seconds; NAN: empty. */
struct requests_row {
	int64_t prompt, output;
	double arrived_s, queued_s, scheduled_s, first_token_s, last_token_s;
	int64_t cached, preemptions, replica; /* 0 where there is no such column */
};

/* All rows of a file, at most STEADY_REQUESTS; *rows is the caller's to free. 0, or -1 with err: place and
 * hint. */
int requests_read(const char *path, struct requests_row **rows, size_t *n, struct err *err);

#endif
