/* trace_torch.c - the chrome trace of torch.profiler; see kernel_trace.h. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/runs/trace_parse.h"

enum { DEPTH_MAX = 64 };

static void blanks(struct trace_reader *r)
{
	while (r->at < r->end && isspace((unsigned char)*r->at))
		r->at++;
}

/* Steps over a character; -1 where another one is there. */
static int expect(struct trace_reader *r, char c)
{
	blanks(r);
	if (r->at < r->end && *r->at == c) {
		r->at++;
		return 0;
	}
	return trace_fail(r, r->at < r->end ? "this is not JSON"
					    : "the file ends in the middle: it was cut off");
}

/* A string's text, cut to `size`; escapes become the character after the backslash. to may be NULL. */
static int read_string(struct trace_reader *r, char *to, size_t size)
{
	size_t n = 0;

	if (expect(r, '"') != 0)
		return -1;
	while (r->at < r->end && *r->at != '"') {
		if (*r->at == '\\' && r->at + 1 < r->end)
			r->at++;
		if (to && n + 1 < size)
			to[n++] = *r->at;
		r->at++;
	}
	if (to)
		to[n] = '\0';
	return expect(r, '"');
}

/* Steps over a value; brackets need not match in kind, only in number. */
static int skip_value(struct trace_reader *r)
{
	int depth = 0;

	do {
		blanks(r);
		if (r->at >= r->end)
			return expect(r, '}');
		if (*r->at == '"') {
			if (read_string(r, NULL, 0) != 0)
				return -1;
		} else if (strchr("{[", *r->at)) {
			if (++depth > DEPTH_MAX)
				return trace_fail(r, "values are nested too deep");
			r->at++;
		} else if (strchr("}]", *r->at)) {
			if (!depth--)
				return trace_fail(r, "this is not JSON");
			r->at++;
		} else if (depth && strchr(",:", *r->at)) {
			r->at++;
		} else {
			const char *from = r->at;

			while (r->at < r->end && (isalnum((unsigned char)*r->at) || strchr("+-.", *r->at)))
				r->at++;
			if (r->at == from)
				return trace_fail(r, "this is not JSON");
		}
	} while (depth);
	return 0;
}

/* A number, or one in quotes; *x stays for any other value. */
static int read_number(struct trace_reader *r, double *x)
{
	const char *from;
	char *end;
	double got;

	blanks(r);
	from = r->at + (r->at < r->end && *r->at == '"');
	got = strtod(from, &end);
	if (end > from && isfinite(got))
		*x = got;
	return skip_value(r);
}

struct event {
	char phase[4], category[32], name[TRACED_NAME_MAX];
	double us;
};

static int read_field(struct trace_reader *r, struct event *e)
{
	char key[16];

	if (read_string(r, key, sizeof key) != 0 || expect(r, ':') != 0)
		return -1;
	blanks(r);
	if (!strcmp(key, "dur"))
		return read_number(r, &e->us);
	if (r->at < r->end && *r->at == '"') {
		if (!strcmp(key, "ph"))
			return read_string(r, e->phase, sizeof e->phase);
		if (!strcmp(key, "cat"))
			return read_string(r, e->category, sizeof e->category);
		if (!strcmp(key, "name"))
			return read_string(r, e->name, sizeof e->name);
	}
	return skip_value(r);
}

/* Reads the elements between brackets, each by one(); the opening bracket is next. */
static int read_list(struct trace_reader *r, char open, char close, void *self,
		     int (*one)(struct trace_reader *r, void *self))
{
	if (expect(r, open) != 0)
		return -1;
	blanks(r);
	if (r->at < r->end && *r->at == close) {
		r->at++;
		return 0;
	}
	for (;;) {
		if (one(r, self) != 0)
			return -1;
		blanks(r);
		if (r->at < r->end && *r->at == ',') {
			r->at++;
			continue;
		}
		return expect(r, close);
	}
}

static int event_field(struct trace_reader *r, void *self)
{
	return read_field(r, self);
}

static bool is_launch(const char *name)
{
	return str_starts(name, "cudaLaunchKernel") || str_starts(name, "cuLaunchKernel") ||
	       str_starts(name, "hipLaunchKernel") || str_starts(name, "hipExtModuleLaunchKernel") ||
	       str_starts(name, "hipModuleLaunchKernel");
}

static int one_event(struct trace_reader *r, void *self)
{
	struct event e = {.us = 0};

	(void)self;
	if (read_list(r, '{', '}', &e, event_field) != 0)
		return -1;
	if (strcmp(e.phase, "X") != 0)
		return 0;
	if (e.us < 0)
		return trace_fail(r, "an event of a negative duration ends here");
	if (!strcmp(e.category, "kernel"))
		return trace_count(r, e.name, 1, 1e-6 * e.us);
	if (strcmp(e.category, "cuda_runtime") != 0 && strcmp(e.category, "cuda_driver") != 0)
		return 0;
	r->trace->graphs += str_starts(e.name, "cudaGraphLaunch") || str_starts(e.name, "hipGraphLaunch");
	if (is_launch(e.name)) {
		r->trace->launches++;
		r->launches_s += 1e-6 * e.us;
	}
	return 0;
}

static int top_field(struct trace_reader *r, void *self)
{
	char key[16];

	(void)self;
	if (read_string(r, key, sizeof key) != 0 || expect(r, ':') != 0)
		return -1;
	if (!strcmp(key, "traceEvents"))
		return read_list(r, '[', ']', NULL, one_event);
	return skip_value(r);
}

int trace_read_torch(struct trace_reader *r)
{
	r->trace->format = TRACE_TORCH;
	if (read_list(r, '{', '}', NULL, top_field) != 0)
		return -1;
	blanks(r);
	return r->at < r->end ? trace_fail(r, "there is more after the JSON") : 0;
}
