/* ingest.c - JSON, JSON lines and csv, and the names and rates of runs; Markdown and text are in ingest_text.c, our own
 * csv in ingest_own.c. See ingest.h. */
#include "sim/runs/ingest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/base/csv.h"
#include "sim/conf/yml.h"
#include "sim/stats/quantile.h"
#include "sim/stats/summary.h"

static const double tokens_max = 1e8, seconds_max = READING_SECONDS_MAX;

int reading_fail(struct reading *r, int line, const char *what, const char *value)
{
	return err_set(r->err, "%s:%d: %s '%.60s'", r->path, line, what, value);
}

int reading_number(struct reading *r, int line, const char *what, const char *text, double max, double *value)
{
	const size_t span = strspn(text, "+-.0123456789eE");
	char *end;
	double x;

	if (!span || text[span] || strspn(text, "+-.eE") == span)
		return err_set(r->err, "%s:%d: %s: expected a number, got '%.60s'", r->path, line, what,
			       text);
	x = strtod(text, &end);
	if (*end || !isfinite(x) || x < 0 || x > max)
		return err_set(r->err, "%s:%d: %s: %.60s is out of range, from 0 to %g is allowed", r->path,
			       line, what, text, max);
	*value = x;
	return 0;
}

enum flash reading_flash(const char *text)
{
	if (!text)
		return FLASH_UNSAID;
	if (!strcmp(text, "0") || !strcmp(text, "false"))
		return FLASH_OFF;
	return !strcmp(text, "1") || !strcmp(text, "true") ? FLASH_ON : FLASH_UNSAID;
}

int reading_add(struct reading *r, struct run row)
{
	row.path = r->path;
	row.source_text = r->source;
	row.tool = row.tool ? row.tool : r->tool;
	row.batch = row.batch ? row.batch : 1;
	if (!run_is_operator(&row))
		row.kind = !row.gen ? RUN_PP : !row.prompt ? RUN_TG : RUN_PG;
	if (!run_is_operator(&row) && !row.prompt && !row.gen)
		return err_set(r->err, "%s:%d: neither prompt nor generated tokens", r->path, row.line);
	if (row.chunk > 0 && row.prompt / row.chunk > RUN_CHUNKS_MAX) {
		err_set(r->err, "%s:%d: a prompt of %lld tokens, %lld at a time: more than %d chunks",
			r->path, row.line, (long long)row.prompt, (long long)row.chunk, RUN_CHUNKS_MAX);
		return err_hint(r->err, "chunk is how many tokens of a prompt run at once; 0: all of them");
	}
	if (!(row.seconds > 0) || row.seconds > seconds_max)
		return err_set(r->err, "%s:%d: a run of %g s: times must be positive, and at most %g s",
			       r->path, row.line, row.seconds, seconds_max);
	if (r->rows.n == RUNS_MAX)
		return err_set(r->err, "%s:%d: more than %d runs", r->path, row.line, RUNS_MAX);
	VEC_ADD(&r->rows, row);
	return 0;
}

/* NULL: absent, or empty. */
const char *record_text(const struct record *c, const char *key)
{
	const struct yml *v = c->object ? yml_get(c->object, key) : NULL;
	const char *text = v && v->kind == YML_SCALAR ? v->text : NULL;

	if (c->csv)
		text = csv_get(c->csv, c->row, key);
	for (size_t i = 0; c->cells && i < c->head->n && i < c->cells->n; i++)
		if (!strcmp(c->head->at[i], key))
			text = c->cells->at[i];

	return text && *text ? text : NULL;
}

int record_number(const struct record *c, const char *key, double max, double *value)
{
	const char *text = record_text(c, key);

	return text ? reading_number(c->r, c->line, key, text, max, value) : 0;
}

int record_count(const struct record *c, const char *key, int64_t *value)
{
	double x = (double)*value;

	if (record_number(c, key, tokens_max, &x) != 0)
		return -1;
	if (x != floor(x))
		return reading_fail(c->r, c->line, "expected a whole number of tokens, got",
				    record_text(c, key));
	*value = (int64_t)x;
	return 0;
}

/* Fills the run from samples_ns: their median, standard deviation and number. */
static int take_samples(const struct record *c, const struct yml *list, struct run *run)
{
	struct summary all = summary_empty();
	double *x;

	if (list->kind != YML_LIST || !list->n)
		return err_set(c->r->err, "%s:%d: samples_ns: the list is empty", c->r->path, c->line);
	x = arena_array(c->r->arena, list->n, sizeof *x);
	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->items[i]->kind == YML_SCALAR ? list->items[i]->text : "";

		if (reading_number(c->r, c->line, "samples_ns", text, seconds_max * 1e9, &x[i]) != 0)
			return -1;
		x[i] /= 1e9;
		if (!(x[i] > 0))
			return reading_fail(c->r, c->line, "samples_ns: a time must be positive, got", text);
		summary_add(&all, x[i]);
	}
	run->seconds = quantile_of(x, list->n, 0.5);
	run->sd = summary_sd(&all);
	run->n = (int64_t)list->n;
	return 0;
}

static const char *model_of(const struct record *c)
{
	const char *file = record_text(c, "model_filename"), *type = record_text(c, "model_type");

	if (file && type)
		return arena_printf(c->r->arena, "%s (%s)", type, file);
	return file ? file : type;
}

/* One test of llama-bench. */
static int take_llama(const struct record *c)
{
	struct run run = {.line = c->line, .model = model_of(c), .chunk = 512, .n = 1};
	const struct yml *samples = c->object ? yml_get(c->object, "samples_ns") : NULL;
	double ns = 0, sd = 0, rate = 0;

	if (!record_text(c, "n_prompt") || !record_text(c, "n_gen"))
		return err_set(c->r->err, "%s:%d: 'n_prompt' or 'n_gen' is missing", c->r->path, c->line);
	if (record_count(c, "n_prompt", &run.prompt) != 0 || record_count(c, "n_gen", &run.gen) != 0 ||
	    record_count(c, "n_depth", &run.depth) != 0 || record_count(c, "n_ubatch", &run.chunk) != 0 ||
	    record_count(c, "build_number", &run.build) != 0 ||
	    record_number(c, "model_size", 1e16, &run.bytes) != 0 ||
	    record_number(c, "model_n_params", 1e16, &run.params) != 0 ||
	    record_number(c, "avg_ns", seconds_max * 1e9, &ns) != 0 ||
	    record_number(c, "stddev_ns", seconds_max * 1e9, &sd) != 0 ||
	    record_number(c, "avg_ts", 1e9, &rate) != 0)
		return -1;
	run.flash = reading_flash(record_text(c, "flash_attn"));
	record_columns(c, &run);
	run.seconds = ns / 1e9;
	run.sd = sd / 1e9;
	if (samples && take_samples(c, samples, &run) != 0)
		return -1;
	if (!samples && !record_text(c, "avg_ns")) {
		if (!(rate > 0))
			return err_set(c->r->err, "%s:%d: it has neither 'samples_ns', 'avg_ns' nor 'avg_ts'",
				       c->r->path, c->line);
		run.seconds = (double)(run.prompt + run.gen) / rate;
	}
	return reading_add(c->r, run);
}

/* One line of llama-batched-bench: a run of the prefill and one of the decode. */
static int take_batched(const struct record *c)
{
	struct run pp = {.line = c->line, .chunk = 512, .n = 1}, tg;
	int64_t shared = 0, gen = 0;
	double tg_s = 0;

	if (record_count(c, "pp", &pp.prompt) != 0 || record_count(c, "tg", &gen) != 0 ||
	    record_count(c, "pl", &pp.batch) != 0 || record_count(c, "n_ubatch", &pp.chunk) != 0 ||
	    record_number(c, "t_pp", seconds_max, &pp.seconds) != 0 ||
	    record_number(c, "t_tg", seconds_max, &tg_s) != 0)
		return -1;
	if (record_text(c, "is_pp_shared") && strcmp(record_text(c, "is_pp_shared"), "false") &&
	    record_count(c, "is_pp_shared", &shared) != 0)
		return -1;
	pp.flash = reading_flash(record_text(c, "flash_attn"));
	tg = (struct run){.line = c->line,
			  .gen = gen,
			  .depth = pp.prompt,
			  .batch = pp.batch,
			  .seconds = tg_s,
			  .flash = pp.flash,
			  .n = 1};
	if (shared)
		pp.batch = 1;
	if (pp.prompt && reading_add(c->r, pp) != 0)
		return -1;
	return gen ? reading_add(c->r, tg) : 0;
}

static int take_object(struct reading *r, const struct yml *object, int line, const char **tool)
{
	const struct record c = {.r = r, .line = line, .object = object};

	if (object->kind != YML_MAP)
		return err_set(r->err, "%s:%d: expected an object, got %s", r->path, line,
			       yml_kind_name(object));
	if (yml_get(object, "t_pp") && yml_get(object, "pl")) {
		r->tool = *tool = "llama-batched-bench";
		return take_batched(&c);
	}
	r->tool = *tool = "llama-bench";
	return take_llama(&c);
}

/* Parses a piece of JSON that begins at line `first` of the file; NULL with the first error in err. */
static const struct yml *parse(struct reading *r, const char *text, size_t len, int first)
{
	struct source *source = arena_alloc(r->arena, sizeof *source);
	struct diags *diags = arena_alloc(r->arena, sizeof *diags);
	const struct yml *tree;

	*source = (struct source){r->path, arena_strndup(r->arena, text, len), len};
	diags_init(diags, r->arena);
	tree = yml_parse(r->arena, source, diags);
	if (tree && !diags->total)
		return tree;
	err_set(r->err, "%s:%d: not JSON, or cut off: %s", r->path,
		first + (diags->n && diags->list[0].place.line ? diags->list[0].place.line - 1 : 0),
		diags->n ? diags->list[0].msg : "it is empty");
	return NULL;
}

static int ingest_json(struct reading *r, const char *text, size_t len, const char **tool)
{
	const struct yml *tree = parse(r, text, len, 1);

	if (!tree)
		return -1;
	if (tree->kind == YML_MAP)
		return take_object(r, tree, tree->place.line, tool);
	for (size_t i = 0; i < tree->n; i++)
		if (take_object(r, tree->items[i], tree->items[i]->place.line, tool) != 0)
			return -1;
	return 0;
}

/* JSON lines: each line that begins with '{' is an object; lines between them are a program's log. */
static int ingest_jsonl(struct reading *r, const char *text, const char **tool)
{
	int line = 1;

	for (; *text; line++) {
		const size_t len = strcspn(text, "\n");

		if (*text == '{') {
			const struct yml *object = parse(r, text, len, line);

			if (!object || take_object(r, object, line, tool) != 0)
				return -1;
		}
		text += len + (text[len] == '\n');
	}
	return 0;
}

static int ingest_csv(struct reading *r, const char *text, const char **tool)
{
	static const char *const measures[] = {"seconds", "tok_per_s", "rate", "ratio"};
	struct csv csv = {0};
	bool llama, own = false;

	if (csv_read(r->arena, r->path, text, &csv, r->err) != 0)
		return -1;
	llama = csv_column(&csv, "n_prompt") != (size_t)-1;
	for (size_t i = 0; i < ARRAY_LEN(measures); i++)
		own = own || csv_column(&csv, measures[i]) != (size_t)-1;
	own = own && csv_column(&csv, "kind") != (size_t)-1;
	if (!llama && !own) {
		err_set(r->err, "%s: not a file of runs that is known here", r->path);
		return err_hint(
			r->err,
			"llama-bench (json, jsonl, csv, md), llama-batched-bench jsonl, mlx_lm.benchmark, "
			"or csv with the columns kind, prompt, gen, seconds");
	}
	*tool = llama ? "llama-bench" : "csv";
	r->tool = llama ? *tool : NULL;
	for (size_t i = 0; i < csv.n; i++) {
		const struct record c = {.r = r, .line = csv.rows[i].line, .csv = &csv, .row = &csv.rows[i]};

		if ((llama ? take_llama : ingest_own)(&c) != 0)
			return -1;
	}
	return 0;
}

static bool has_object_lines(const char *text)
{
	return *text == '{' || strstr(text, "\n{") != NULL;
}

/* True of one object over several lines, which is JSON, not JSON lines. */
static bool is_pretty(const char *text)
{
	const char *rest = text + 1;

	if (*text != '{') /* the text may be empty: nothing lies behind its end */
		return false;
	rest += strspn(rest, " \t\r");
	return *rest == '\n' || !*rest;
}

static int dispatch(struct reading *r, const char *text, size_t len, const char **tool)
{
	const char *at = text + strspn(text, " \t\r\n");
	int rc;

	if (*at == '[' || is_pretty(at))
		return ingest_json(r, text, len, tool);
	rc = ingest_mlx(r, text);
	if (rc != 1) {
		*tool = "mlx_lm";
		return rc;
	}
	rc = ingest_md(r, text, tool);
	if (rc != 1)
		return rc;
	if (has_object_lines(text))
		return ingest_jsonl(r, text, tool);
	if (strstr(text, "INSERT INTO llama_bench"))
		return err_set(r->err, "%s: SQL is not read; write it with '-o json'", r->path);
	return ingest_csv(r, text, tool);
}

int runs_parse(struct arena *a, const char *path, const char *text, size_t len, struct runs *runs,
	       struct err *err)
{
	struct source *source = arena_alloc(a, sizeof *source);
	struct reading r = {.arena = a, .path = path, .source = source, .err = err};
	struct err mine = ERR_INIT;
	const char *tool = "csv";
	int rc;

	*source = (struct source){path, text, len};
	r.err = err ? err : &mine;
	if (memchr(text, 0, len))
		rc = err_set(r.err, "%s: a binary file", path);
	else
		rc = dispatch(&r, text, len, &tool);
	if (rc == 0 && !r.rows.n)
		rc = err_set(r.err, "%s: it has no runs", path);
	if (rc == 0) {
		*runs = (struct runs){path, tool, arena_array(a, r.rows.n, sizeof *runs->at), r.rows.n};
		memcpy(runs->at, r.rows.at, r.rows.n * sizeof *runs->at);
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
	*r = (struct runs){each[0].path, each[0].tool, arena_array(a, rows, sizeof *r->at), 0};
	for (size_t i = 0; i < n; i++) {
		memcpy(r->at + r->n, each[i].at, each[i].n * sizeof *r->at);
		r->n += each[i].n;
	}
	return 0;
}

bool runs_name_machines(const struct runs *r)
{
	return r->n && r->at[0].machine;
}

int runs_of_models(const struct runs *r, struct err *err)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!run_is_operator(&r->at[i]) && !r->at[i].over)
			continue;
		err_set(err, "%s:%d: %s is no run of a model on one machine", r->path, r->at[i].line,
			r->at[i].over ? "a ratio" : "an operator alone");
		return err_hint(err, "'calibrate --family FILE' and 'validate' without a machine take it");
	}
	return 0;
}

int runs_one_model(const struct runs *r, struct err *err)
{
	if (runs_of_models(r, err) != 0)
		return -1;
	for (size_t i = 1; i < r->n; i++) {
		const char *a = r->at[0].model, *b = r->at[i].model;

		if ((a == NULL) == (b == NULL) && (!a || !strcmp(a, b)) && r->at[i].bytes == r->at[0].bytes)
			continue;
		err_set(err, "%s:%d: model '%.100s' after '%.100s' at line %d", r->path, r->at[i].line,
			b ? b : "?", a ? a : "?", r->at[0].line);
		return err_hint(err, "one model a file: split it");
	}
	return 0;
}

/* ---- names, rates and checks of runs ---- */

const char *const run_kind_names[RUN_KIND_N + 1] = {
	[RUN_PP] = "pp",     [RUN_TG] = "tg",     [RUN_PG] = "pg",    [RUN_GEMM] = "gemm",
	[RUN_COPY] = "copy", [RUN_READ] = "read", [RUN_KIND_N] = NULL};

bool run_is_operator(const struct run *r)
{
	return r->kind >= RUN_GEMM;
}

double run_work(const struct run *r)
{
	if (r->kind == RUN_GEMM)
		return 2 * (double)r->product.m * (double)r->product.n * (double)r->product.k;
	return run_is_operator(r) ? r->moved_B : (double)r->batch * (double)(r->prompt + r->gen);
}

double run_rate_of(const struct run *r, double seconds)
{
	const double unit = r->kind == RUN_GEMM ? 1e12 : run_is_operator(r) ? 1e9 : 1;

	return r->over ? 1 / seconds : run_work(r) / seconds / unit;
}

double run_rate(const struct run *r)
{
	return run_rate_of(r, r->seconds);
}

const char *run_unit(const struct run *r)
{
	if (r->over)
		return "times";
	return r->kind == RUN_GEMM ? "TFLOPS" : run_is_operator(r) ? "GB/s" : "tok/s";
}

static void add_operator(const struct run *r, struct str *s)
{
	str_add(s, run_kind_names[r->kind]);
	if (r->kind != RUN_GEMM) {
		str_add(s, " ");
		units_format(s, r->moved_B, DIM_BYTES, 4);
		return;
	}
	str_addf(s, " %s %lld", dtype_names[r->product.dtype], (long long)r->product.m);
	if (r->product.m != r->product.n || r->product.m != r->product.k)
		str_addf(s, "x%lldx%lld", (long long)r->product.n, (long long)r->product.k);
}

const char *run_name(struct arena *a, const struct run *r)
{
	struct str s = STR_INIT;
	const char *name;

	if (run_is_operator(r))
		add_operator(r, &s);
	if (r->prompt)
		str_addf(&s, "pp%lld", (long long)r->prompt);
	if (r->gen)
		str_addf(&s, "%stg%lld", r->prompt ? "+" : "", (long long)r->gen);
	if (r->depth)
		str_addf(&s, " @ d%lld", (long long)r->depth);
	if (r->batch > 1)
		str_addf(&s, " x %lld", (long long)r->batch);
	if (r->over)
		str_addf(&s, " over %s", r->over);
	if (r->over_runtime && strcmp(r->over_runtime, r->runtime) != 0)
		str_addf(&s, " %s", r->over_runtime);
	name = arena_strdup(a, s.text);
	str_release(&s);
	return name;
}
