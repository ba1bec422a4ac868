/* ingest_text.c - tables in Markdown; see ingest.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/runs/ingest.h"
#include "sim/stats/quantile.h"
#include "sim/stats/summary.h"

/* "| a | b |" */
static void split(struct arena *a, const char *line, size_t len, struct cells *c)
{
	const char *end = line + len;

	c->n = 0;
	for (line++; line < end && c->n < CELLS;) {
		const char *bar = memchr(line, '|', (size_t)(end - line)), *stop = bar ? bar : end;

		if (!bar && strspn(line, " \r") >= (size_t)(end - line))
			break;
		while (line < stop && *line == ' ')
			line++;
		while (stop > line && (stop[-1] == ' ' || stop[-1] == '\r'))
			stop--;
		c->at[c->n++] = arena_strndup(a, line, (size_t)(stop - line));
		line = (bar ? bar : end) + 1;
	}
}

static const char *cell(const struct cells *head, const struct cells *row, const char *name)
{
	for (size_t i = 0; i < head->n && i < row->n; i++)
		if (!strcmp(head->at[i], name))
			return row->at[i];
	return "";
}

static bool has(const struct cells *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->at[i], name))
			return true;
	return false;
}

static int whole(struct reading *r, int line, const char *text, size_t len, int64_t *value)
{
	double x;

	if (reading_number(r, line, "test", arena_strndup(r->arena, text, len), 1e8, &x) != 0)
		return -1;
	if (x != floor(x))
		return reading_fail(r, line, "test: not a whole number of tokens:", text);
	*value = (int64_t)x;
	return 0;
}

/* Reads a test: "pp512", "tg128", "pp512+tg128", "pp 512", with or without " @ d4096". */
static int take_test(struct reading *r, int line, const char *test, struct run *run)
{
	const char *at = test;

	while (*at) {
		const bool pp = str_starts(at, "pp"), tg = str_starts(at, "tg"),
			   depth = str_starts(at, "@ d");
		size_t len;

		if (!pp && !tg && !depth)
			return reading_fail(r, line,
					    "expected a test such as 'pp512' or 'tg128 @ d4096', got", test);
		at += depth ? 3 : 2;
		at += strspn(at, " ");
		len = strspn(at, "0123456789");
		if (whole(r, line, at, len, pp ? &run->prompt : tg ? &run->gen : &run->depth) != 0)
			return -1;
		at += len;
		at += strspn(at, " +");
	}
	return 0;
}

/* "123.45 ± 0.67" */
static int take_rate(struct reading *r, int line, const char *text, struct run *run)
{
	const size_t len = strcspn(text, " ");
	const char *after = text + len + strspn(text + len, " ");
	double rate, sd = 0;

	if (reading_number(r, line, "t/s", arena_strndup(r->arena, text, len), 1e9, &rate) != 0)
		return -1;
	if (!(rate > 0))
		return reading_fail(r, line, "t/s: a rate must be positive, got", text);
	if (str_starts(after, "\xc2\xb1") || str_starts(after, "+-")) {
		after += 2;
		after += strspn(after, " ");
		if (reading_number(r, line, "t/s", after, 1e9, &sd) != 0)
			return -1;
	}
	run->seconds = (double)(run->prompt + run->gen) / rate;
	run->sd = run->seconds * sd / rate;
	return 0;
}

static int take_bench_row(struct reading *r, int line, const struct cells *head, const struct cells *row)
{
	struct run run = {.line = line, .chunk = 512, .n = 1};
	struct err ignored = ERR_INIT;
	const char *model = cell(head, row, "model"), *size = cell(head, row, "size");
	const char *ubatch = cell(head, row, "n_ubatch");
	double params = 0;
	char unit = 0;

	run.model = *size ? arena_printf(r->arena, "%s, %s", model, size) : model;
	run.flash = reading_flash(cell(head, row, "fa"));
	record_columns(&(struct record){.r = r, .line = line, .head = head, .cells = row}, &run);
	units_parse(size, DIM_BYTES, &run.bytes, &ignored); /* an unreadable size counts as absent */
	if (sscanf(cell(head, row, "params"), "%lf %c", &params, &unit) == 2 && params > 0 && params < 1e7)
		run.params = params * (unit == 'B' ? 1e9 : unit == 'M' ? 1e6 : 0);
	if ((*ubatch && whole(r, line, ubatch, strlen(ubatch), &run.chunk) != 0) ||
	    take_test(r, line, cell(head, row, "test"), &run) != 0 ||
	    take_rate(r, line, cell(head, row, "t/s"), &run) != 0)
		return -1;
	return reading_add(r, run);
}

/* Both have times of a prompt and of a generation. Without the column B it is llama-sweep-bench of ik_llama.cpp
 * (examples/sweep-bench): one sequence, and each is measured behind N_KV tokens; with it, llama-batched-bench, whose N_KV
 * is what the cache holds at the end. */
static int take_batched_row(struct reading *r, int line, const struct cells *head, const struct cells *row)
{
	static const char *const names[] = {"PP", "TG", "B", "N_KV", "T_PP s", "T_TG s"};
	const bool sweep = !has(head, "B");
	double x[ARRAY_LEN(names)] = {0};
	struct run pp, tg;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if ((sweep ? i == 2 : i == 3))
			continue;
		if (reading_number(r, line, names[i], cell(head, row, names[i]), 1e8, &x[i]) != 0)
			return -1;
		if (i < 4 && x[i] != floor(x[i]))
			return reading_fail(r, line, "not a whole number:", cell(head, row, names[i]));
	}
	pp = (struct run){.line = line,
			  .prompt = (int64_t)x[0],
			  .depth = (int64_t)x[3],
			  .batch = (int64_t)x[2],
			  .chunk = 512,
			  .seconds = x[4],
			  .n = 1};
	tg = (struct run){.line = line,
			  .gen = (int64_t)x[1],
			  .depth = sweep ? (int64_t)x[3] : (int64_t)x[0],
			  .batch = (int64_t)x[2],
			  .seconds = x[5],
			  .n = 1};
	pp.chunk = sweep ? pp.prompt : pp.chunk;
	if (pp.prompt && reading_add(r, pp) != 0)
		return -1;
	return tg.gen ? reading_add(r, tg) : 0;
}

/* The build that a line names, as llama-bench does below its table, "build: 8e672ef (1550)", or people above it, "llama.cpp
 * build e9fd8dc (7825)"; 0: none. */
static int64_t build_of(const char *line, size_t len)
{
	enum { HASH_LEAST = 6 };
	const char *at = strstr(line, "build");
	int64_t build = 0;
	size_t hash;

	if (!at || at >= line + len)
		return 0;
	at += strlen("build");
	at += strspn(at, ": ");
	hash = strspn(at, "0123456789abcdef");
	at += hash;
	at += strspn(at, " ");
	if (hash < HASH_LEAST || *at++ != '(')
		return 0;
	for (; *at >= '0' && *at <= '9' && build < 100000000; at++)
		build = 10 * build + *at - '0';
	return *at == ')' ? build : 0;
}

/* Gives a build to the rows that have none yet; returns how many. */
static size_t give_build(struct reading *r, int64_t build)
{
	size_t given = 0;

	for (size_t i = 0; build && i < r->rows.n; i++) {
		given += !r->rows.at[i].build;
		r->rows.at[i].build = r->rows.at[i].build ? r->rows.at[i].build : build;
	}
	return given;
}

/* What the lines above a table of llama-batched-bench or llama-sweep-bench say of it: "main: n_kv_max = 20480, n_batch =
 * 2048, n_ubatch = 2048, flash_attn = 1, ..., n_gpu_layers = 99". */
struct said_above {
	int64_t chunk; /* 0: not said */
	enum flash flash;
	const char *gpu_layers;
};

static const char *said(struct reading *r, const char *line, size_t len, const char *key)
{
	const char *at = strstr(line, key);

	if (!at || at >= line + len)
		return NULL;
	at += strlen(key);
	return arena_strndup(r->arena, at, strcspn(at, ", \n"));
}

static void take_above(struct reading *r, const char *line, size_t len, struct said_above *above)
{
	const char *chunk = said(r, line, len, "n_ubatch = ");
	double x = 0;
	struct err ignored = ERR_INIT;
	struct reading quiet = *r;

	quiet.err = &ignored;
	*above = (struct said_above){.flash = reading_flash(said(r, line, len, "flash_attn = ")),
				     .gpu_layers = said(r, line, len, "n_gpu_layers = ")};
	if (chunk && reading_number(&quiet, 0, "n_ubatch", chunk, 1e6, &x) == 0)
		above->chunk = (int64_t)x;
}

static void give_above(struct reading *r, size_t first, const struct said_above *above)
{
	for (size_t i = first; i < r->rows.n; i++) {
		struct run *run = &r->rows.at[i];

		run->flash = above->flash;
		run->says[COLUMN_GPU_LAYERS] = above->gpu_layers;
		if (above->chunk && run->prompt)
			run->chunk = above->chunk;
	}
}

enum table_kind { TABLE_NONE, TABLE_BENCH, TABLE_BATCHED, TABLE_COMPARED };

/* The table that a row of column names begins; TABLE_NONE: it is no such row. */
static enum table_kind table_of(const struct cells *row)
{
	const bool tests = has(row, "Test") || has(row, "test");
	size_t rates = 0, rates_of = 0; /* "t/s", and "t/s master", "master t/s" */

	for (size_t i = 0; i < row->n; i++) {
		rates += !strcmp(row->at[i], "t/s");
		rates_of += str_starts(row->at[i], "t/s ") ||
			    (str_ends(row->at[i], " t/s") && strcmp(row->at[i], "peak t/s") != 0);
	}
	if (has(row, "Speedup") || rates > 1 || (rates_of && tests))
		return TABLE_COMPARED;
	if (has(row, "test") && has(row, "t/s"))
		return TABLE_BENCH;
	return has(row, "PP") && has(row, "T_TG s") ? TABLE_BATCHED : TABLE_NONE;
}

static bool is_rule(const char *text)
{
	return strspn(text, "|-: ") >= strcspn(text, "\n");
}

static int refuse_compared(struct reading *r, int line)
{
	err_set(r->err,
		"%s:%d: a comparison, such as compare-llama-bench.py makes, whose rows are of two builds "
		"each",
		r->path, line);
	return err_hint(r->err, "give the tables of llama-bench that it was made from");
}

struct tables {
	enum table_kind in;
	struct cells head;
	struct said_above above;
	int64_t build; /* said before any row that it could be of; 0: none */
	bool any;
};

static int take_table_line(struct reading *r, const char *text, size_t len, int line, struct tables *t)
{
	const size_t first = r->rows.n;
	struct cells row;
	enum table_kind begins;
	int rc;

	split(r->arena, text, len, &row);
	begins = table_of(&row);
	if (begins == TABLE_COMPARED)
		return refuse_compared(r, line);
	if (begins != TABLE_NONE) {
		t->head = row;
		t->in = begins;
		t->any = true;
		return 0;
	}
	if (t->in == TABLE_NONE)
		return 0;
	/* llama-benchy (eugr/llama-benchy@0fbd242a) asks a server, whichever it is, and writes llama-bench's columns */
	r->tool = has(&t->head, "ttfr (ms)") ? "any server, asked by llama-benchy"
		  : t->in == TABLE_BENCH     ? "llama-bench"
		  : has(&t->head, "B")       ? "llama-batched-bench"
					     : "llama-sweep-bench";
	rc = (t->in == TABLE_BENCH ? take_bench_row : take_batched_row)(r, line, &t->head, &row);
	if (rc == 0 && t->in == TABLE_BATCHED)
		give_above(r, first, &t->above);
	return rc;
}

/* A line between tables. */
static void take_prose(struct reading *r, const char *text, size_t len, struct tables *t)
{
	const int64_t build = build_of(text, len);

	if (build && !give_build(r, build))
		t->build = build;
	if (str_starts(text, "main: n_kv_max"))
		take_above(r, text, len, &t->above);
	if (len && !build)
		t->in = TABLE_NONE;
}

int ingest_md(struct reading *r, const char *text)
{
	struct tables t = {.in = TABLE_NONE};

	for (int line = 1; *text; line++) {
		const size_t len = strcspn(text, "\n");

		if (*text != '|')
			take_prose(r, text, len, &t);
		else if (!is_rule(text) && take_table_line(r, text, len, line, &t) != 0)
			return -1;
		text += len + (text[len] == '\n');
	}
	give_build(r, t.build);
	return t.any ? 0 : 1;
}
