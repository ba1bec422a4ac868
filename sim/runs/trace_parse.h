/*
 * trace_parse.h - private to the room: a trace while it is read, which kernel_trace.c and the readers of the formats share.
 *
 * Layer runs.
 */
#ifndef SIM_RUNS_TRACE_PARSE_H
#define SIM_RUNS_TRACE_PARSE_H
#include "sim/base/map.h"
#include "sim/base/vec.h"
#include "sim/runs/kernel_trace.h"

struct trace_reader {
	struct arena *arena;
	const char *path, *text, *end, *at;
	struct kernel_trace *trace;
	VEC(struct traced_kernel) kernels;
	struct map names; /* of the kernels, in their order */
	double launches_s;
	struct err *err;
};

/* Sets the error "path:line: ..." at r->at; returns -1. */
int trace_fail(struct trace_reader *r, const char *what);
/* Counts n runs of a kernel. -1 with an error where there are too many names. */
int trace_count(struct trace_reader *r, const char *name, size_t n, double seconds);

void trace_forget(struct trace_reader *r); /* all kernels so far */
/* A name as it is kept: cut, and printable. */
void trace_plain(const char *name, char to[TRACED_NAME_MAX]);

int trace_read_torch(struct trace_reader *r);
int trace_read_ggml(struct trace_reader *r);
int trace_read_xctrace(struct trace_reader *r);

#endif
