/* trace.c - see trace.h. */
#include "sim/load/trace.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sim/load/trace_parts.h"

/* Looks at the first line, which says what kind of file it is. */
static struct trace *begin(struct trace *t, struct err *err)
{
	const int rc = lines_next(&t->lines, err);

	if (rc == 0)
		err_set(err, "%.200s: the file is empty", t->lines.name);
	if (rc == 0)
		err_hint(err, "a trace begins with 'arrived_s,prompt_tokens,output_tokens'");
	if (rc == 1 && t->lines.line.at[0] == '{') {
		t->kind = TRACE_JSONL;
		t->pending = true;
		return t;
	}
	if (rc == 1 && trace_csv_header(t, err) == 0)
		return t;
	trace_close(t);
	return NULL;
}

static struct trace *trace_new(const struct trace_how *how)
{
	struct trace *t = xcalloc(1, sizeof *t);

	BUG_ON(!(how->speed > 0));
	t->how = *how;
	return t;
}

/* Each run of the load reads it from its beginning: what comes through a pipe is gone after the first. */
static int check_file(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
		return 0;
	err_set(err, "%.200s is no file that can be read again for each run of the load", path);
	return err_hint(err, "write what comes through a pipe into a file first");
}

struct trace *trace_open(const char *path, const struct trace_how *how, struct err *err)
{
	struct trace *t = trace_new(how);

	if (check_file(path, err) == 0 && lines_open(&t->lines, path, err) == 0)
		return begin(t, err);
	trace_close(t);
	return NULL;
}

struct trace *trace_of_text(const char *name, const char *text, size_t len, const struct trace_how *how,
			    struct err *err)
{
	struct trace *t = trace_new(how);

	lines_of_text(&t->lines, name, text, len);
	return begin(t, err);
}

void trace_close(struct trace *t)
{
	if (!t)
		return;
	lines_close(&t->lines);
	VEC_FREE(&t->blocks);
	free(t);
}

struct trace_skipped trace_skipped(const struct trace *t)
{
	return t->skipped;
}

static int next_line(struct trace *t, struct err *err)
{
	if (t->pending) {
		t->pending = false;
		return 1;
	}
	return lines_next(&t->lines, err);
}

static int check_row(struct trace *t, struct trace_row *row, struct err *err)
{
	const bool sorted_first = (t->rows || trace_any_skipped(t)) && row->arrive_ns < t->last_ns;

	if (sorted_first)
		return lines_wrong(
			&t->lines, NULL, err,
			"sort the rows by time; one that came at the same time may stay where it is",
			"the request comes %.9g s before the one above it",
			(double)(t->last_ns - row->arrive_ns) / 1e9);
	t->last_ns = row->arrive_ns;
	if (row->prompt && row->output)
		return 1;
	if (!t->how.skip_failed)
		return lines_wrong(&t->lines, NULL, err, "'skip_failed: true' passes over such requests",
				   "the request has no %s", row->prompt ? "answer" : "prompt");
	t->skipped.no_prompt += !row->prompt;
	t->skipped.no_answer += row->prompt && !row->output;
	return 0;
}

static int no_more(const struct trace *t, struct err *err)
{
	if (t->rows)
		return 0;
	err_set(err, "%.200s: the trace has no request%s", t->lines.name,
		trace_any_skipped(t) ? " that got an answer" : "");
	return err_hint(err, "a line for each is wanted below the names of the columns");
}

int trace_next(struct trace *t, struct trace_row *row, struct err *err)
{
	for (;;) {
		int rc = next_line(t, err);

		if (rc <= 0)
			return rc < 0 ? -1 : no_more(t, err);
		*row = (struct trace_row){.session = 0};
		rc = t->kind == TRACE_JSONL ? trace_jsonl_row(t, row, err) : trace_csv_row(t, row, err);
		rc = rc == 0 ? check_row(t, row, err) : -1;
		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		t->rows++;
		if (t->how.speed != 1)
			row->arrive_ns = (int64_t)floor((double)row->arrive_ns / t->how.speed + 0.5);
		return 1;
	}
}
