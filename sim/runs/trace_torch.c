/* trace_torch.c - the chrome trace of torch.profiler; see kernel_trace.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/jsonr.h"
#include "sim/base/str.h"
#include "sim/runs/trace_parse.h"

enum { NAME_BYTES = 1 << 20 }; /* of a kernel of C++ templates, and of a stack of calls beside it */

struct event {
	const char *phase, *category, *name; /* in the scratch arena of the event */
	double us;
};

/* A text; "" for any other value. */
static int read_text(struct jsonr *j, const char **to)
{
	return jsonr_is_text(j) ? jsonr_text(j, to) : jsonr_skip(j);
}

/* A number, or one in quotes; *x stays for any other value. */
static int read_duration(struct jsonr *j, double *x)
{
	const char *text = "";
	char *end;
	double got;

	if (jsonr_is_number(j))
		return jsonr_number(j, x);
	if (read_text(j, &text) != 0)
		return -1;
	got = strtod(text, &end);
	if (*text && (end == text || *end || !isfinite(got)))
		return jsonr_wrong(j, j->at, "a duration is a number of microseconds, not '%.40s'", text);
	*x = *text ? got : 0;
	return 0;
}

static int read_field(struct jsonr *j, const char *key, struct event *e)
{
	if (!strcmp(key, "dur"))
		return read_duration(j, &e->us);
	if (!strcmp(key, "ph"))
		return read_text(j, &e->phase);
	if (!strcmp(key, "cat"))
		return read_text(j, &e->category);
	return !strcmp(key, "name") ? read_text(j, &e->name) : jsonr_skip(j);
}

static bool is_launch(const char *name)
{
	return str_starts(name, "cudaLaunchKernel") || str_starts(name, "cuLaunchKernel") ||
	       str_starts(name, "hipLaunchKernel") || str_starts(name, "hipExtModuleLaunchKernel") ||
	       str_starts(name, "hipModuleLaunchKernel");
}

static int count_event(struct trace_reader *r, const struct event *e)
{
	if (strcmp(e->phase, "X") != 0)
		return 0;
	if (e->us < 0)
		return trace_fail(r, "an event of a negative duration ends here");
	if (!strcmp(e->category, "kernel"))
		return trace_count(r, e->name, 1, 1e-6 * e->us);
	if (strcmp(e->category, "cuda_runtime") != 0 && strcmp(e->category, "cuda_driver") != 0)
		return 0;
	r->trace->graphs += str_starts(e->name, "cudaGraphLaunch") || str_starts(e->name, "hipGraphLaunch");
	if (is_launch(e->name)) {
		r->trace->launches++;
		r->launches_s += 1e-6 * e->us;
	}
	return 0;
}

/* A trace has hundreds of thousands of events: the texts of one are given up before the next. */
static int read_event(struct trace_reader *r, struct jsonr *j)
{
	struct event e = {"", "", "", 0};
	const char *key;
	int rc = jsonr_object(j), more;

	if (rc != 0)
		return -1;
	while ((more = jsonr_key(j, &key)) == 1)
		if (read_field(j, key, &e) != 0)
			return -1;
	r->at = r->text + j->at;
	rc = more == 0 ? count_event(r, &e) : -1;
	arena_release(j->arena);
	return rc;
}

static int read_events(struct trace_reader *r, struct jsonr *j)
{
	int more = jsonr_list(j);

	if (more != 0)
		return -1;
	while ((more = jsonr_item(j)) == 1)
		if (read_event(r, j) != 0)
			return -1;
	return more;
}

static int read_top(struct trace_reader *r, struct jsonr *j)
{
	const char *key;
	int more = jsonr_object(j);

	if (more != 0)
		return -1;
	while ((more = jsonr_key(j, &key)) == 1)
		if ((!strcmp(key, "traceEvents") ? read_events(r, j) : jsonr_skip(j)) != 0)
			return -1;
	return more == 0 ? jsonr_end(j) : -1;
}

int trace_read_torch(struct trace_reader *r)
{
	struct arena scratch = ARENA_INIT;
	struct jsonr j;
	int rc;

	jsonr_init(&j, &scratch, r->path, r->text, (size_t)(r->end - r->text), r->err);
	j.by_line = true;
	j.most = NAME_BYTES;
	r->trace->format = TRACE_TORCH;
	rc = read_top(r, &j);
	if (rc != 0 && j.at >= j.n)
		err_hint(r->err, "the file ends in the middle: it was cut off");
	arena_release(&scratch);
	return rc;
}
