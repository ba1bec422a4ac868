/* readers.c - the table of readers: how each kind of report is recognised, and what reads it. See ingest.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/runs/beside_model.h"
#include "sim/runs/headings.h"
#include "sim/runs/ingest.h"
#include "sim/runs/ingest_apps.h"
#include "sim/runs/ingest_wide.h"
#include "sim/runs/numbers.h"
#include "sim/runs/table_words.h"
#include "sim/runs/tidied.h"
#include "sim/runs/training_log.h"

/* --- lines ---------------------------------------------------------------------------------------- */

const char *reading_line(struct reading *r, const char **text)
{
	const size_t len = strcspn(*text, "\n");
	const char *line = arena_strndup(r->arena, *text, len);

	*text += len + ((*text)[len] == '\n');
	return line;
}

/* --- the table ------------------------------------------------------------------------------------ */

/* Does a line begin so? */
static bool has_line(const char *text, const char *begin)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (str_starts(text, begin))
			return true;
	return false;
}

static bool is_benchmark(const char *text)
{
	return strstr(text, "prompt_tps=") != NULL && strstr(text, "generation_tps=") != NULL;
}

static bool is_generate(const char *text)
{
	return strstr(text, "tokens-per-sec") != NULL;
}

static bool is_table(const char *text)
{
	return strchr(text, '|') != NULL;
}

static bool is_timings(const char *text)
{
	return reading_eval_time(text) != NULL;
}

static bool is_ollama(const char *text)
{
	return has_line(text, "eval rate:");
}

static bool is_lm_studio(const char *text)
{
	return strstr(text, " tok/sec") != NULL;
}

static bool is_vllm(const char *text)
{
	return strstr(text, "Serving Benchmark Result") || has_line(text, "Avg latency:") ||
	       (has_line(text, "Throughput:") && strstr(text, "requests/s"));
}

static bool is_sql(const char *text)
{
	return strstr(text, "INSERT INTO llama_bench") != NULL;
}

/* A text may hold several kinds, and is given to every reader that knows its own. To read another kind, add a row. */
static const struct {
	bool (*is)(const char *text);
	int (*read)(struct reading *r, const char *text);
} readers[] = {
	{is_benchmark, ingest_mlx_benchmark},
	{is_generate, ingest_mlx_generate},
	{ingest_exo_is, ingest_exo},
	{training_log_is, ingest_mlx_lora},
	{is_table, ingest_md},
	{is_timings, ingest_timings},
	{is_ollama, ingest_ollama},
	{is_lm_studio, ingest_lm_studio},
	{ingest_koboldcpp_is, ingest_koboldcpp},
	{ingest_kobold_old_is, ingest_kobold_old},
	{ingest_kobold_bench_is, ingest_kobold_bench},
	{is_vllm, ingest_vllm},
	{is_sql, ingest_sql},
	{is_table, ingest_people},
	{ingest_json_is, ingest_json},
};

/* Our own csv and that of llama-bench begin with a line of column names: what their cells hold is no report. */
static bool is_csv(const char *text)
{
	size_t len;

	while (*text == '#' || *text == '\n' || *text == ' ')
		text += *text == '#' ? strcspn(text, "\n") : 1;
	len = strcspn(text, "\n");
	for (const char *at = text; at < text + len; at += strcspn(at, ",\n") + 1) {
		at += *at == '"';
		if ((str_starts(at, "kind") && strchr(",\n\"", at[4])) || str_starts(at, "n_prompt"))
			return *text != '{' && *text != '[';
	}
	return false;
}

static int read_all(struct reading *r, const char *text)
{
	const bool csv = is_csv(text);
	struct wide_skipped skipped = {0, 0};
	bool known = false;

	text = csv ? text : wide_as_bars(r->arena, text, &skipped);
	for (size_t i = 0; i < ARRAY_LEN(readers) && !csv; i++) {
		const int rc = readers[i].is(text) ? readers[i].read(r, text) : 1;

		if (rc < 0)
			return -1;
		known = known || rc == 0;
		r->tool = NULL;
	}
	if (skipped.n)
		reading_note(
			r, skipped.line,
			arena_printf(r->arena,
				     "lines that may be rows of the table above, but whose columns are not "
				     "certain, are not read: %zu, the first here",
				     skipped.n));
	if (known && r->rows.n) {
		text_note_devices(r, text);
		text_note_settings(r, text);
		text_note_sizes(r, text);
		text_note_headless(r, text);
		text_give_headings(r, text);
		return text_refuse_beside(r, text);
	}
	if (!csv && (ingest_strange(r, text) < 0 || (!r->refused && refuse_unread_table(r, text) < 0)))
		return -1;
	if (r->refused) {
		err_set(r->err, "%s:%d: a table of results: %s", r->path, r->refused_line, r->refused);
		return err_hint(r->err, "%s", wide_head_hint);
	}
	return known ? 0 : ingest_csv(r, text);
}

/* What llama-bench leaves out of a row is its default, see enum flash. */
static void settle_flash(struct runs *runs)
{
	enum { AUTO_SINCE_BUILD = 9437 };

	for (size_t i = 0; i < runs->n; i++) {
		struct run *run = &runs->at[i];
		const int64_t build = run_build(run);

		if (run->flash == FLASH_UNSAID && run->tool && !strcmp(run->tool, "llama-bench") && build &&
		    build < AUTO_SINCE_BUILD)
			run->flash = FLASH_OFF;
	}
}

/* "ggml_metal_init: recommendedMaxWorkingSetSize  = 115448.73 MB" of llama.cpp (ggml-metal), of 10^6 bytes: what the GPU may use. */
static void settle_working(struct runs *runs, const char *text)
{
	static const char key[] = "recommendedMaxWorkingSetSize";
	const char *at = strstr(text, key), *end;
	double x = 0;

	if (!at)
		return;
	at += sizeof key - 1;
	end = number_decimal(at + strspn(at, " ="), &x);
	if (!end || !str_starts(end, " MB") || !(x > 0))
		return;
	for (size_t i = 0; i < runs->n; i++)
		runs->at[i].working_B = 1e6 * x;
}

static int refuse_none(struct reading *r, const char *text)
{
	const int at = r->empty ? 0 : reading_rate_line(r, text);

	if (at) {
		err_set(r->err, "%s:%d: it has no runs: here is a rate in a form that no reader has", r->path,
			at);
		return err_hint(r->err, "what the program printed, whole and as it was");
	}
	if (!r->empty)
		return err_set(r->err, "%s: it has no runs", r->path);
	err_set(r->err, "%s:%d: it has no runs: all cells for rates are empty, %zu on line%s %d%s", r->path,
		r->empty_first, r->empty, r->empty_first < r->empty_last ? "s" : "", r->empty_first,
		r->empty_first < r->empty_last ? arena_printf(r->arena, " to %d", r->empty_last) : "");
	return err_hint(r->err, "a rate such as 45.6 in one of them");
}

static void note_empty(struct reading *r)
{
	if (r->empty)
		reading_note(r, r->empty_first,
			     arena_printf(r->arena,
					  "cells for rates that are empty, '-', 'N/A' or 'OOM', are no runs: "
					  "%zu, the first here",
					  r->empty));
}

void reading_note(struct reading *r, int line, const char *what)
{
	r->notes = texts_join_once(r->arena, &r->notes,
				   arena_printf(r->arena, "%s:%d: %s", r->path, line, what));
}

int runs_parse(struct arena *a, const char *path, const char *text, size_t len, struct runs *runs,
	       struct err *err)
{
	struct source *source = arena_alloc(a, sizeof *source);
	struct reading r = {.arena = a, .path = path, .source = source, .err = err};
	struct err mine = ERR_INIT;
	int rc;

	*source = (struct source){path, text, len};
	r.err = err ? err : &mine;
	if (memchr(text, 0, len))
		rc = err_set(r.err, "%s: a binary file", path);
	else
		rc = read_all(&r, tidied(a, text, len));
	if (rc == 0 && !r.rows.n)
		rc = refuse_none(&r, tidied(a, text, len));
	if (rc == 0) {
		note_empty(&r);
		*runs = (struct runs){path,
				      r.rows.at[0].tool ? r.rows.at[0].tool : "csv",
				      arena_array(a, r.rows.n, sizeof *runs->at),
				      r.rows.n,
				      r.empty,
				      r.notes};
		memcpy(runs->at, r.rows.at, r.rows.n * sizeof *runs->at);
		settle_flash(runs);
		settle_working(runs, text);
	}
	VEC_FREE(&r.rows);
	return rc;
}

int runs_read(struct arena *a, const char *path, struct runs *r, struct err *err)
{
	char *text;
	size_t len;

	if (file_read(a, path, RUNS_FILE_MAX, &text, &len, err) != 0)
		return -1;
	return runs_parse(a, path, text, len, r, err);
}

int runs_read_all(struct arena *a, const char *const *paths, size_t n, struct runs *r, struct err *err)
{
	struct runs *each = arena_array(a, n, sizeof *each);
	size_t rows = 0;

	for (size_t i = 0; i < n; i++) {
		if (runs_read(a, paths[i], &each[i], err) != 0)
			return -1;
		rows += each[i].n;
	}
	*r = (struct runs){
		.path = each[0].path, .tool = each[0].tool, .at = arena_array(a, rows, sizeof *r->at)};
	for (size_t i = 0; i < n; i++) {
		r->empty += each[i].empty;
		r->notes = texts_join(a, &r->notes, each[i].notes.at, each[i].notes.n);
		memcpy(r->at + r->n, each[i].at, each[i].n * sizeof *r->at);
		r->n += each[i].n;
	}
	return 0;
}
