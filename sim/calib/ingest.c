/* ingest.c - json, jsonl and csv; tables and text are in ingest_text.c. See ingest.h. */
#include "sim/calib/ingest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/calib/csv.h"
#include "sim/conf/yml.h"
#include "sim/stats/quantile.h"
#include "sim/stats/summary.h"

const char *const run_kind_names[RUN_KIND_N + 1] = {
	[RUN_PP] = "pp", [RUN_TG] = "tg", [RUN_PG] = "pg", [RUN_KIND_N] = NULL};

static const double tokens_max = 1e8, seconds_max = 1e6, samples_max = 1e6;

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
	row.batch = row.batch ? row.batch : 1;
	row.kind = !row.gen ? RUN_PP : !row.prompt ? RUN_TG : RUN_PG;
	if (!row.prompt && !row.gen)
		return err_set(r->err, "%s:%d: neither prompt nor generated tokens", r->path, row.line);
	if (!(row.seconds > 0) || row.seconds > seconds_max)
		return err_set(r->err, "%s:%d: a run of %g s: times must be positive, and at most %g s",
			       r->path, row.line, row.seconds, seconds_max);
	if (r->rows.n == RUNS_MAX)
		return err_set(r->err, "%s:%d: more than %d runs", r->path, row.line, RUNS_MAX);
	VEC_ADD(&r->rows, row);
	return 0;
}

/* A record of named texts: a JSON object, or a row of csv. */
struct record {
	struct reading *r;
	int line;
	const struct yml *object; /* or: */
	const struct csv *csv;
	const struct csv_row *row;
};

/* NULL: absent, or empty. */
static const char *text_of(const struct record *c, const char *key)
{
	const struct yml *v = c->object ? yml_get(c->object, key) : NULL;
	const char *text =
		c->object ? (v && v->kind == YML_SCALAR ? v->text : NULL) : csv_get(c->csv, c->row, key);

	return text && *text ? text : NULL;
}

static int number_of(const struct record *c, const char *key, double max, double *value)
{
	const char *text = text_of(c, key);

	return text ? reading_number(c->r, c->line, key, text, max, value) : 0;
}

static int count_of(const struct record *c, const char *key, int64_t *value)
{
	double x = (double)*value;

	if (number_of(c, key, tokens_max, &x) != 0)
		return -1;
	if (x != floor(x))
		return reading_fail(c->r, c->line, "expected a whole number of tokens, got", text_of(c, key));
	*value = (int64_t)x;
	return 0;
}

/* samples_ns: the median, the standard deviation and the count of them. */
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
	const char *file = text_of(c, "model_filename"), *type = text_of(c, "model_type");

	if (file && type)
		return arena_printf(c->r->arena, "%s (%s)", type, file);
	return file ? file : type;
}

/* llama-bench: one test. */
static int take_llama(const struct record *c)
{
	struct run run = {.line = c->line, .model = model_of(c), .chunk = 512, .n = 1};
	const struct yml *samples = c->object ? yml_get(c->object, "samples_ns") : NULL;
	double ns = 0, sd = 0, rate = 0;

	if (!text_of(c, "n_prompt") || !text_of(c, "n_gen"))
		return err_set(c->r->err, "%s:%d: 'n_prompt' or 'n_gen' is missing", c->r->path, c->line);
	if (count_of(c, "n_prompt", &run.prompt) != 0 || count_of(c, "n_gen", &run.gen) != 0 ||
	    count_of(c, "n_depth", &run.depth) != 0 || count_of(c, "n_ubatch", &run.chunk) != 0 ||
	    count_of(c, "build_number", &run.build) != 0 ||
	    number_of(c, "model_size", 1e16, &run.bytes) != 0 ||
	    number_of(c, "model_n_params", 1e16, &run.params) != 0 ||
	    number_of(c, "avg_ns", seconds_max * 1e9, &ns) != 0 ||
	    number_of(c, "stddev_ns", seconds_max * 1e9, &sd) != 0 || number_of(c, "avg_ts", 1e9, &rate) != 0)
		return -1;
	run.flash = reading_flash(text_of(c, "flash_attn"));
	run.seconds = ns / 1e9;
	run.sd = sd / 1e9;
	if (samples && take_samples(c, samples, &run) != 0)
		return -1;
	if (!samples && !text_of(c, "avg_ns")) {
		if (!(rate > 0))
			return err_set(c->r->err, "%s:%d: it has neither 'samples_ns', 'avg_ns' nor 'avg_ts'",
				       c->r->path, c->line);
		run.seconds = (double)(run.prompt + run.gen) / rate;
	}
	return reading_add(c->r, run);
}

/* llama-batched-bench: a prompt phase and a generation phase. */
static int take_batched(const struct record *c)
{
	struct run pp = {.line = c->line, .chunk = 512, .n = 1}, tg;
	int64_t shared = 0, gen = 0;
	double tg_s = 0;

	if (count_of(c, "pp", &pp.prompt) != 0 || count_of(c, "tg", &gen) != 0 ||
	    count_of(c, "pl", &pp.batch) != 0 || count_of(c, "n_ubatch", &pp.chunk) != 0 ||
	    number_of(c, "t_pp", seconds_max, &pp.seconds) != 0 ||
	    number_of(c, "t_tg", seconds_max, &tg_s) != 0)
		return -1;
	if (text_of(c, "is_pp_shared") && strcmp(text_of(c, "is_pp_shared"), "false") &&
	    count_of(c, "is_pp_shared", &shared) != 0)
		return -1;
	pp.flash = reading_flash(text_of(c, "flash_attn"));
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

/* Whose run it is, of rows that say. */
static int take_names(const struct record *c, struct run *run)
{
	const char *use = text_of(c, "use");

	run->machine = text_of(c, "machine");
	run->runtime = text_of(c, "runtime");
	run->weights = text_of(c, "weights");
	run->set = text_of(c, "set");
	run->source = text_of(c, "source");
	if (use && strcmp(use, "fit") != 0 && strcmp(use, "check") != 0)
		return reading_fail(c->r, c->line, "use: expected fit or check, got", use);
	run->held_out = use && !strcmp(use, "check");
	if (csv_column(c->csv, "machine") != (size_t)-1 && (!run->machine || !run->runtime || !run->model))
		return err_set(c->r->err, "%s:%d: rows of many machines each say machine, runtime and model",
			       c->r->path, c->line);
	return 0;
}

/* Our own csv. */
static int take_own(const struct record *c)
{
	struct run run = {.line = c->line, .model = text_of(c, "model"), .batch = 1};
	const char *kind = text_of(c, "kind");
	double n = 1, rate = 0;
	int k = 0;

	while (kind && k < RUN_KIND_N && strcmp(run_kind_names[k], kind))
		k++;
	if (!kind || k == RUN_KIND_N)
		return reading_fail(c->r, c->line, "kind: expected pp, tg or pg, got", kind ? kind : "");
	if (count_of(c, "prompt", &run.prompt) != 0 || count_of(c, "gen", &run.gen) != 0 ||
	    count_of(c, "depth", &run.depth) != 0 || count_of(c, "batch", &run.batch) != 0 ||
	    count_of(c, "chunk", &run.chunk) != 0 || count_of(c, "build", &run.build) != 0 ||
	    number_of(c, "bytes", 1e16, &run.bytes) != 0 || number_of(c, "params", 1e16, &run.params) != 0 ||
	    number_of(c, "sd", seconds_max, &run.sd) != 0 || number_of(c, "n", samples_max, &n) != 0 ||
	    number_of(c, "seconds", seconds_max, &run.seconds) != 0 ||
	    number_of(c, "tok_per_s", 1e9, &rate) != 0)
		return -1;
	if ((k != RUN_TG && !run.prompt) || (k != RUN_PP && !run.gen) || (k == RUN_PP && run.gen) ||
	    (k == RUN_TG && run.prompt))
		return reading_fail(c->r, c->line, "prompt and gen do not go with kind", kind);
	run.n = (int64_t)n;
	if (take_names(c, &run) != 0)
		return -1;
	run.tool = text_of(c, "tool");
	run.flash = reading_flash(text_of(c, "flash_attn"));
	if (!text_of(c, "seconds") && rate > 0)
		run.seconds = (double)((run.batch ? run.batch : 1) * (run.prompt + run.gen)) / rate;
	return reading_add(c->r, run);
}

static int take_object(struct reading *r, const struct yml *object, int line, const char **tool)
{
	const struct record c = {.r = r, .line = line, .object = object};

	if (object->kind != YML_MAP)
		return err_set(r->err, "%s:%d: expected an object, got %s", r->path, line,
			       yml_kind_name(object));
	if (yml_get(object, "t_pp") && yml_get(object, "pl")) {
		*tool = "llama-batched-bench";
		return take_batched(&c);
	}
	*tool = "llama-bench";
	return take_llama(&c);
}

/* The tree of a piece of JSON that begins at a line of the file; NULL with the first complaint in err. */
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

/* Lines that begin with '{', each an object of its own; what is between them is a program's chatter. */
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
	struct csv csv = {0};
	bool llama, own;

	if (csv_read(r->arena, r->path, text, &csv, r->err) != 0)
		return -1;
	llama = csv_column(&csv, "n_prompt") != (size_t)-1;
	own = csv_column(&csv, "kind") != (size_t)-1 &&
	      (csv_column(&csv, "seconds") != (size_t)-1 || csv_column(&csv, "tok_per_s") != (size_t)-1);
	if (!llama && !own) {
		err_set(r->err, "%s: not a file of runs that is known here", r->path);
		return err_hint(
			r->err,
			"llama-bench (json, jsonl, csv, md), llama-batched-bench jsonl, mlx_lm.benchmark, "
			"or csv with the columns kind, prompt, gen, seconds");
	}
	*tool = llama ? "llama-bench" : "csv";
	for (size_t i = 0; i < csv.n; i++) {
		const struct record c = {.r = r, .line = csv.rows[i].line, .csv = &csv, .row = &csv.rows[i]};

		if ((llama ? take_llama : take_own)(&c) != 0)
			return -1;
	}
	return 0;
}

static bool has_object_lines(const char *text)
{
	return *text == '{' || strstr(text, "\n{") != NULL;
}

/* One object over several lines is a piece of JSON, not lines of it. */
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
	struct reading r = {.arena = a, .path = path, .err = err};
	struct err mine = ERR_INIT;
	const char *tool = "csv";
	int rc;

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

int runs_one_model(const struct runs *r, struct err *err)
{
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

double run_tokens(const struct run *r)
{
	return (double)r->batch * (double)(r->prompt + r->gen);
}

double run_tok_per_s(const struct run *r)
{
	return run_tokens(r) / r->seconds;
}

const char *run_name(struct arena *a, const struct run *r)
{
	struct str s = STR_INIT;
	const char *name;

	if (r->prompt)
		str_addf(&s, "pp%lld", (long long)r->prompt);
	if (r->gen)
		str_addf(&s, "%stg%lld", r->prompt ? "+" : "", (long long)r->gen);
	if (r->depth)
		str_addf(&s, " @ d%lld", (long long)r->depth);
	if (r->batch > 1)
		str_addf(&s, " x %lld", (long long)r->batch);
	name = arena_strdup(a, s.text);
	str_release(&s);
	return name;
}
