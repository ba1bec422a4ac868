/*
 * trace.h - request traces read row by row: when a request came, how long it was and what it shares.
 *
 * Layer load. A file is never in memory as a whole: one line at a time, of at most TRACE_LINE bytes. Known
 *by its first line: csv with the columns
 *
 *	arrived_s, prompt_tokens, output_tokens            our own; the file of --requests is one
 *	TIMESTAMP, ContextTokens, GeneratedTokens          Azure LLM inference traces 2023, 2024
 *	Timestamp, Request tokens, Response tokens         BurstGPT; Session ID is taken where it is there
 *
 * in any order, others passed over; or jsonl with timestamp (ms), input_length, output_length and, if wanted,
 * hash_ids, one for each block of TRACE_BLOCK tokens of the prompt (Mooncake). Dates count from the first
 *row, other times from the beginning of the trace. Rows must be in order of time; the file's order is kept
 *among equal times. Numbers are decimal and become nanoseconds without passing through floating point.
 */
#ifndef SIM_LOAD_TRACE_H
#define SIM_LOAD_TRACE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"

enum { TRACE_LINE = 1 << 20, TRACE_BLOCK = 512 };

struct trace_how {
	double speed;     /* times are divided by it, and rounded to a nanosecond */
	bool skip_failed; /* rows of 0 tokens are passed over and counted, else they are an error */
};

struct trace_row {
	int64_t arrive_ns;
	int64_t prompt, output;
	uint64_t session;       /* 0: none */
	const uint64_t *blocks; /* the prompt's, until the next row is read */
	size_t blocks_n;
};

struct trace;

/* NULL with err: "FILE:LINE:COLUMN: what is wrong", and a hint. What is no regular file is refused. */
struct trace *trace_open(const char *path, const struct trace_how *how, struct err *err);
/* The same of text in memory, which must outlive the trace. */
struct trace *trace_of_text(const char *name, const char *text, size_t len, const struct trace_how *how,
			    struct err *err);
void trace_close(struct trace *t); /* NULL is fine */

/* 1: *row is the next; 0: no more, and there was one at least; -1: err says where and why. */
int trace_next(struct trace *t, struct trace_row *row, struct err *err);

/* Rows passed over so far, by what they lack; one that has neither counts among those without a prompt. */
struct trace_skipped {
	uint64_t no_prompt, no_answer;
};
struct trace_skipped trace_skipped(const struct trace *t);

#endif
