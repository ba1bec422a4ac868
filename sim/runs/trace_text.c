/* trace_text.c - the timings that ggml's Vulkan back end prints, and the XML of xctrace; see kernel_trace.h. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/runs/trace_parse.h"

static const double times_max = 1e9; /* runs of one line; more is no count */

/* ---- ggml ---- */

/* "NAME: N x T us ...", the last ": " before the count: names have colons of their own. */
static int ggml_line(struct trace_reader *r, const char *line, size_t len)
{
	char *text = arena_strndup(r->arena, line, len), *cut = NULL, *end;
	double n, us;

	for (char *s = strstr(text, ": "); s; s = strstr(s + 1, ": "))
		if (isdigit((unsigned char)s[2]) && strstr(s, " x "))
			cut = s;
	if (!cut)
		return trace_fail(r, "a line of timings is 'NAME: N x T us'");
	n = strtod(cut + 2, &end);
	if (!str_starts(end, " x ") || !(n >= 1) || n > times_max || n != floor(n))
		return trace_fail(r, "a line of timings is 'NAME: N x T us'");
	us = strtod(end + 3, &end);
	if (!str_starts(end, " us") || !(us >= 0) || !isfinite(us))
		return trace_fail(r, "a line of timings is 'NAME: N x T us'");
	*cut = '\0';
	if (strlen(text) >= TRACED_NAME_MAX)
		text[TRACED_NAME_MAX - 1] = '\0';
	return trace_count(r, text, (size_t)n, n * us * 1e-6);
}

int trace_read_ggml(struct trace_reader *r)
{
	bool inside = false;

	r->trace->format = TRACE_GGML;
	while (r->at < r->end) {
		const char *line = r->at, *next = memchr(line, '\n', (size_t)(r->end - line));
		size_t len = next ? (size_t)(next - line) : (size_t)(r->end - line);

		while (len && isspace((unsigned char)line[len - 1]))
			len--;
		if (len >= 15 && !memcmp(line + len - 15, "Vulkan Timings:", 15)) {
			inside = true;
			r->trace->blocks++;
		} else if (inside && (!len || !strncmp(line, "Total time:", 11) || line[0] == '-')) {
			inside = false;
		} else if (inside && ggml_line(r, line, len) != 0) {
			return -1;
		}
		r->at = next ? next + 1 : r->end;
	}
	return 0;
}

/* ---- xctrace ---- */

enum { IDS_MAX = 1 << 22, COLUMNS_MAX = 64, ATTRIBUTE_MAX = TRACED_NAME_MAX };

struct tag {
	char name[48], id[16], ref[16], fmt[ATTRIBUTE_MAX];
	bool closing, alone; /* </name>, <name/> */
};

struct xctrace {
	VEC(const char *) values;              /* by id */
	int columns, label, process, duration; /* -1: the schema has none */
	int column, depth;                     /* of the row that is read */
	const char *name, *owner;              /* of that row */
	bool owners;                           /* rows are counted by process, not by label */
	const char *only;                      /* of this process; NULL: of any */
	double seconds;
};

static void take_attribute(struct tag *t, const char *key, size_t key_n, const char *value, size_t n)
{
	char *to = key_n == 2 && !memcmp(key, "id", 2)    ? t->id
		   : key_n == 3 && !memcmp(key, "ref", 3) ? t->ref
		   : key_n == 3 && !memcmp(key, "fmt", 3) ? t->fmt
							  : NULL;
	const size_t room = to == t->fmt ? sizeof t->fmt : sizeof t->id;

	if (!to)
		return;
	n = n < room - 1 ? n : room - 1;
	memcpy(to, value, n);
	to[n] = '\0';
}

static int read_attributes(struct trace_reader *r, struct tag *t)
{
	while (r->at < r->end && *r->at != '>') {
		const char *key = r->at, *equals, *close;

		if (isspace((unsigned char)*key) || *key == '?') {
			r->at++;
			continue;
		}
		if (*key == '/') {
			t->alone = true;
			r->at++;
			continue;
		}
		equals = memchr(key, '=', (size_t)(r->end - key));
		if (!equals || equals + 1 >= r->end || !strchr("\"'", equals[1]) || !equals[1])
			return trace_fail(r, "this is not XML: an attribute is key=\"value\"");
		close = memchr(equals + 2, equals[1], (size_t)(r->end - equals - 2));
		if (!close)
			return trace_fail(r, "this is not XML: a quote is not closed");
		take_attribute(t, key, (size_t)(equals - key), equals + 2, (size_t)(close - equals - 2));
		r->at = close + 1;
	}
	if (r->at >= r->end)
		return trace_fail(r, "the file ends inside a tag: it was cut off");
	r->at++;
	return 0;
}

/* The next tag; *text is what stands before it. 1: there is none. */
static int next_tag(struct trace_reader *r, struct tag *t, const char **text, size_t *len)
{
	const char *open = memchr(r->at, '<', (size_t)(r->end - r->at));
	size_t n = 0;

	*t = (struct tag){.closing = false};
	*text = r->at;
	*len = (size_t)((open ? open : r->end) - r->at);
	if (!open)
		return 1;
	r->at = open + 1;
	if (r->at < r->end && (*r->at == '/' || *r->at == '?')) {
		t->closing = *r->at == '/';
		t->alone = *r->at == '?';
		r->at++;
	}
	while (r->at < r->end && !isspace((unsigned char)*r->at) && !strchr("/>", *r->at)) {
		if (n + 1 < sizeof t->name)
			t->name[n++] = *r->at;
		r->at++;
	}
	t->name[n] = '\0';
	return read_attributes(r, t);
}

static int keep_value(struct trace_reader *r, struct xctrace *x, const char *id, const char *value)
{
	char *end;
	const unsigned long at = strtoul(id, &end, 10);

	if (!isdigit((unsigned char)id[0]) || *end || at >= IDS_MAX)
		return trace_fail(r, "an id is a number below 4194304");
	while (x->values.n <= at)
		VEC_ADD(&x->values, NULL);
	x->values.at[at] = value;
	return 0;
}

static int find_value(struct trace_reader *r, const struct xctrace *x, const char *ref, const char **value)
{
	char *end;
	const unsigned long at = strtoul(ref, &end, 10);

	if (!isdigit((unsigned char)ref[0]) || *end || at >= x->values.n || !x->values.at[at])
		return trace_fail(r, "a ref to a value that did not come before it");
	*value = x->values.at[at];
	return 0;
}

static void take_column(struct xctrace *x, const char *value, double ns)
{
	if (x->column == x->label)
		x->name = value;
	if (x->column == x->process)
		x->owner = value;
	if (x->column == x->duration && ns >= 0)
		x->seconds = 1e-9 * ns;
}

/* A value of a row: its text in `fmt`, or the number that follows it. */
static int open_value(struct trace_reader *r, struct xctrace *x, const struct tag *t)
{
	const char *value = t->fmt[0] ? arena_strdup(r->arena, t->fmt) : NULL;
	char number[32] = "";

	if (t->ref[0]) {
		if (find_value(r, x, t->ref, &value) != 0)
			return -1;
	} else if (!t->alone) {
		size_t n = 0;

		for (const char *s = r->at; s < r->end && *s != '<' && n + 1 < sizeof number; s++)
			number[n++] = *s;
		number[n] = '\0';
	}
	/* a number counts in its own unit, ns, and not as it is shown */
	if (!t->ref[0] && isdigit((unsigned char)number[0]))
		value = arena_strdup(r->arena, number);
	if (t->id[0] && keep_value(r, x, t->id, value ? value : "") != 0)
		return -1;
	if (x->depth == 0)
		take_column(x, value, value && isdigit((unsigned char)value[0]) ? strtod(value, NULL) : -1);
	return 0;
}

static int end_row(struct trace_reader *r, struct xctrace *x)
{
	char owner[TRACED_NAME_MAX];
	const char *name = x->name && x->name[0] ? x->name : "(no label)";

	if (x->column <= x->duration)
		return trace_fail(r, "a row with fewer values than the schema has columns");
	trace_plain(x->owner ? x->owner : "", owner);
	if (x->only && strcmp(owner, x->only) != 0)
		return 0;
	return trace_count(r, x->owners ? owner : name, 1, x->seconds);
}

static int row_tag(struct trace_reader *r, struct xctrace *x, const struct tag *t)
{
	if (!strcmp(t->name, "row") && t->closing)
		return end_row(r, x);
	if (t->closing) {
		x->depth--;
		x->column += x->depth == 0;
		return x->depth < 0 ? trace_fail(r, "this is not XML: a tag is closed that was not opened")
				    : 0;
	}
	if (open_value(r, x, t) != 0)
		return -1;
	if (!t->alone)
		x->depth++;
	else
		x->column += x->depth == 0;
	return 0;
}

/* <mnemonic>event-label</mnemonic>: the name of the next column. */
static int name_column(struct trace_reader *r, struct xctrace *x)
{
	const char *end = memchr(r->at, '<', (size_t)(r->end - r->at));
	const size_t n = end ? (size_t)(end - r->at) : 0;
	const struct {
		const char *name;
		int *column;
	} wanted[] = {{"event-label", &x->label},
		      {"label", &x->label},
		      {"process", &x->process},
		      {"duration", &x->duration}};

	if (x->columns == COLUMNS_MAX)
		return trace_fail(r, "a schema of more than 64 columns");
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (n == strlen(wanted[i].name) && !memcmp(r->at, wanted[i].name, n) && *wanted[i].column < 0)
			*wanted[i].column = x->columns;
	x->columns++;
	return 0;
}

static int xctrace_tags(struct trace_reader *r, struct xctrace *x)
{
	bool in_row = false;
	struct tag t;
	const char *text;
	size_t len;
	int rc;

	while ((rc = next_tag(r, &t, &text, &len)) == 0) {
		if (!in_row && !t.closing && !strcmp(t.name, "mnemonic")) {
			rc = name_column(r, x);
		} else if (!in_row && !t.closing && !t.alone && !strcmp(t.name, "row")) {
			if (x->duration < 0)
				return trace_fail(r, "a row before a schema with a column 'duration'");
			in_row = true;
			x->column = x->depth = 0;
			x->name = x->owner = NULL;
			x->seconds = 0;
		} else if (in_row) {
			rc = row_tag(r, x, &t);
			in_row = !(t.closing && !strcmp(t.name, "row"));
		}
		if (rc != 0)
			return -1;
	}
	if (rc == 1 && in_row)
		return trace_fail(r, "the file ends inside a row: it was cut off");
	return rc == 1 ? 0 : -1;
}

static int xctrace_pass(struct trace_reader *r, bool owners, const char *only)
{
	struct xctrace x = {.label = -1, .process = -1, .duration = -1, .owners = owners, .only = only};
	int rc;

	r->at = r->text;
	trace_forget(r);
	rc = xctrace_tags(r, &x);
	VEC_FREE(&x.values);
	return rc;
}

int trace_read_xctrace(struct trace_reader *r)
{
	const struct traced_kernel *most;

	r->trace->format = TRACE_XCTRACE;
	if (xctrace_pass(r, true, NULL) != 0)
		return -1;
	most = r->kernels.at;
	for (size_t i = 1; i < r->kernels.n; i++)
		if (r->kernels.at[i].n > most->n)
			most = &r->kernels.at[i];
	return xctrace_pass(r, false, r->kernels.n ? most->name : NULL);
}
