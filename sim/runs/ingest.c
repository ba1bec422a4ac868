/* ingest.c - records and JSON; csv and SQL are in ingest_csv.c, Markdown in ingest_text.c, text in ingest_mlx.c and
 * ingest_logs.c and ingest_answers.c, our own csv in ingest_own.c, the table of readers in readers.c. See ingest.h. */
#include "sim/runs/command_line.h"
#include "sim/runs/ingest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/csv.h"
#include "sim/base/units.h"
#include "sim/conf/yml.h"
#include "sim/stats/quantile.h"
#include "sim/stats/summary.h"
#include "sim/runs/ingest_apps.h"
#include "sim/runs/numbers.h"

static const double tokens_max = 1e8, seconds_max = READING_SECONDS_MAX;

int reading_fail(struct reading *r, int line, const char *what, const char *value)
{
	return err_set(r->err, "%s:%d: %s '%.60s'", r->path, line, what, value);
}

int reading_number(struct reading *r, int line, const char *what, const char *text, double max, double *value)
{
	double x = 0;
	const char *spaced = text[strcspn(text, " \'")] ? number_decimal(text, &x) : NULL;
	const size_t span = strspn(text, "+-.0123456789eE");
	char *end;

	if (spaced && !*spaced && x <= max) { /* "4 096" */
		*value = x;
		return 0;
	}
	if (!span || text[span] || strspn(text, "+-.eE") == span)
		return err_set(r->err, "%s:%d: %s: expected a number, got '%.60s'", r->path, line, what,
			       text);
	x = strtod(text, &end);
	if (*end || !isfinite(x) || x < 0 || x > max)
		return err_set(r->err, "%s:%d: %s: %.60s is out of range, from 0 to %s is allowed", r->path,
			       line, what, text, units_digits(max, 3).text);
	*value = x;
	return 0;
}

enum flash reading_flash(const char *text)
{
	if (!text)
		return FLASH_UNSAID;
	if (!strcmp(text, "0") || !strcmp(text, "false") || !strcmp(text, "off"))
		return FLASH_OFF;
	return !strcmp(text, "1") || !strcmp(text, "true") || !strcmp(text, "on") ? FLASH_ON : FLASH_UNSAID;
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
		if (cells_name_same(c->head->at[i], key))
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

int record_build(const struct record *c, const char *key, int64_t *build)
{
	enum { DIGITS_MOST = 8 };
	const char *text = record_text(c, key), *commit = record_text(c, "build_commit");
	const size_t n = text ? strspn(text, "0123456789") : 0;

	if (!text || (!strcmp(text, "0") && commit && !strcmp(commit, "unknown")))
		return 0;
	*build = n && n <= DIGITS_MOST && !text[n] ? strtoll(text, NULL, 10) : 0;
	if (*build > 0)
		return 0;
	err_set(c->r->err, "%s:%d: %s: expected the number of a build, got '%.40s'", c->r->path, c->line, key,
		text);
	return err_hint(c->r->err, "a whole number above 0, as in \"build: 70f5fe8 (8000)\"; leave it empty "
				   "where it is not known");
}

static int refuse_samples(const struct record *c)
{
	err_set(c->r->err, "%s:%d: samples_ns: the list is empty", c->r->path, c->line);
	return err_hint(c->r->err,
			"where samples were dropped, drop the key too: 'avg_ns' or 'avg_ts' counts "
			"then, as one run");
}

/* Fills the run from samples_ns: their median, standard deviation and number. */
static int take_samples(const struct record *c, const struct yml *list, struct run *run)
{
	struct summary all = summary_empty();
	double *x;

	if (list->kind != YML_LIST || !list->n)
		return refuse_samples(c);
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

const char *reading_architecture(struct arena *a, const char *type)
{
	const size_t n = type ? strcspn(type, " ") : 0;
	const char *behind = n && type[n] ? type + n + 1 : "";
	const char *size =
		behind + (*behind == 'A' || *behind == 'E'); /* of what is active, or works as so many */
	const size_t digits = strspn(size, "0123456789.?x");

	return n && digits && (size[digits] == 'B' || size[digits] == 'M') ? arena_strndup(a, type, n) : NULL;
}

static const char *model_of(const struct record *c)
{
	const char *file = record_text(c, "model_filename"), *type = record_text(c, "model_type");

	if (file && type)
		return arena_printf(c->r->arena, "%s (%s)", type, file);
	return file ? file : type;
}

/* One test of llama-bench. */
int64_t reading_chunk(int64_t ubatch, int64_t batch)
{
	return ubatch && (!batch || ubatch < batch) ? ubatch : batch;
}

int ingest_llama_bench(const struct record *c)
{
	struct run run = {.line = c->line, .model = model_of(c), .chunk = 512, .n = 1};
	const struct yml *samples = c->object ? yml_get(c->object, "samples_ns") : NULL;
	double ns = 0, sd = 0, rate = 0;
	int64_t batch = 0;

	if (!record_text(c, "n_prompt") || !record_text(c, "n_gen"))
		return err_set(c->r->err, "%s:%d: 'n_prompt' or 'n_gen' is missing", c->r->path, c->line);
	if (record_count(c, "n_prompt", &run.prompt) != 0 || record_count(c, "n_gen", &run.gen) != 0 ||
	    record_count(c, "n_depth", &run.depth) != 0 || record_count(c, "n_ubatch", &run.chunk) != 0 ||
	    record_build(c, "build_number", &run.build) != 0 ||
	    record_number(c, "model_size", 1e16, &run.bytes) != 0 ||
	    record_number(c, "model_n_params", 1e16, &run.params) != 0 ||
	    record_number(c, "avg_ns", seconds_max * 1e9, &ns) != 0 ||
	    record_number(c, "stddev_ns", seconds_max * 1e9, &sd) != 0 ||
	    record_number(c, "avg_ts", 1e9, &rate) != 0)
		return -1;
	if (record_count(c, "n_batch", &batch) != 0)
		return -1;
	/* builds before March 2024 have n_batch alone, and read so many at once */
	run.chunk = reading_chunk(record_text(c, "n_ubatch") || !batch ? run.chunk : 0, batch);
	run.arch = reading_architecture(c->r->arena, record_text(c, "model_type"));
	run.flash = reading_flash(record_text(c, "flash_attn"));
	record_columns(c, &run);
	run_take_gpu_list(c->r->arena, &run);
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
	int64_t shared = 0, gen = 0, given = 0;
	double tg_s = 0;

	if (record_count(c, "pp", &pp.prompt) != 0 || record_count(c, "tg", &gen) != 0 ||
	    record_count(c, "pl", &pp.batch) != 0 || record_count(c, "n_ubatch", &pp.chunk) != 0 ||
	    record_count(c, "n_batch", &given) != 0 ||
	    record_number(c, "t_pp", seconds_max, &pp.seconds) != 0 ||
	    record_number(c, "t_tg", seconds_max, &tg_s) != 0)
		return -1;
	if (record_text(c, "is_pp_shared") && strcmp(record_text(c, "is_pp_shared"), "false") &&
	    record_count(c, "is_pp_shared", &shared) != 0)
		return -1;
	pp.chunk = reading_chunk(pp.chunk, given);
	pp.flash = reading_flash(record_text(c, "flash_attn"));
	record_columns(c, &pp);
	tg = (struct run){.line = c->line,
			  .gen = gen,
			  .depth = pp.prompt,
			  .batch = pp.batch,
			  .seconds = tg_s,
			  .flash = pp.flash,
			  .n = 1};
	memcpy(tg.says, pp.says, sizeof tg.says);
	if (shared)
		pp.batch = 1;
	if (pp.prompt && reading_add(c->r, pp) != 0)
		return -1;
	return gen ? reading_add(c->r, tg) : 0;
}

/* The same of llama-sweep-bench of ik_llama.cpp (--output-format jsonl): one sequence, each run behind n_kv tokens. */
static int take_sweep(const struct record *c)
{
	struct run pp = {.line = c->line, .n = 1}, tg = pp;

	if (record_count(c, "pp", &pp.prompt) != 0 || record_count(c, "tg", &tg.gen) != 0 ||
	    record_count(c, "n_kv", &pp.depth) != 0 ||
	    record_number(c, "t_pp", seconds_max, &pp.seconds) != 0 ||
	    record_number(c, "t_tg", seconds_max, &tg.seconds) != 0)
		return -1;
	pp.chunk = pp.prompt; /* its rows are of n_ubatch tokens */
	pp.flash = tg.flash = reading_flash(record_text(c, "flash_attn"));
	record_columns(c, &pp);
	memcpy(tg.says, pp.says, sizeof tg.says);
	tg.depth = pp.depth;
	if (pp.prompt && reading_add(c->r, pp) != 0)
		return -1;
	return tg.gen ? reading_add(c->r, tg) : 0;
}

/* --- what a JSON object is of --------------------------------------------------------------------- */

/* llama-server's answer: `timings` (tools/server/server-task.cpp, result_timings::to_json()), and `model` beside it. Its
 * first token is of the prompt's pass, so that n tokens took n - 1 steps. */
static int take_timings(const struct record *c)
{
	const struct record around = {.r = c->r, .line = c->line, .object = c->around};
	const char *model = record_text(&around, "model");
	struct run pp = {.line = c->line, .model = model, .chunk = 512, .n = 1},
		   tg = {.line = c->line, .model = model, .n = 1};
	int64_t cached = 0;
	double pp_ms = 0, tg_ms = 0;

	if (record_count(c, "prompt_n", &pp.prompt) != 0 || record_count(c, "cache_n", &cached) != 0 ||
	    record_count(c, "predicted_n", &tg.gen) != 0 ||
	    record_number(c, "prompt_ms", seconds_max * 1e3, &pp_ms) != 0 ||
	    record_number(c, "predicted_ms", seconds_max * 1e3, &tg_ms) != 0)
		return -1;
	if (record_text(c, "draft_n"))
		return reading_fail(c->r, c->line,
				    "a draft model guessed tokens, which these rows do not predict: draft_n",
				    record_text(c, "draft_n"));
	pp.depth = cached;
	pp.seconds = pp_ms / 1e3;
	tg.gen--;
	tg.depth = cached + pp.prompt;
	tg.seconds = tg_ms / 1e3;
	if (pp.prompt && pp.seconds > 0 && reading_add(c->r, pp) != 0)
		return -1;
	return tg.gen > 0 && tg.seconds > 0 ? reading_add(c->r, tg) : 0;
}

/* Ollama's answer (api/types.go, Metrics): durations in nanoseconds. */
static int take_ollama(const struct record *c)
{
	const char *model = record_text(c, "model");
	struct run pp = {.line = c->line, .model = model, .chunk = 512, .n = 1},
		   tg = {.line = c->line, .model = model, .n = 1};
	double pp_ns = 0, tg_ns = 0;

	if (record_count(c, "prompt_eval_count", &pp.prompt) != 0 ||
	    record_count(c, "eval_count", &tg.gen) != 0 ||
	    record_number(c, "prompt_eval_duration", seconds_max * 1e9, &pp_ns) != 0 ||
	    record_number(c, "eval_duration", seconds_max * 1e9, &tg_ns) != 0)
		return -1;
	pp.seconds = pp_ns / 1e9;
	tg.depth = pp.prompt;
	tg.seconds = tg_ns / 1e9;
	if (pp.prompt && pp.seconds > 0 && reading_add(c->r, pp) != 0)
		return -1;
	return tg.gen && tg.seconds > 0 ? reading_add(c->r, tg) : 0;
}

/* The answer of Lemonade's server to a question for its stats, of the last request: input_tokens were read until the first token came,
 * and what was cached before them is what prompt_tokens has more (lemonade-sdk/lemonade issue 537). Of its back ends it names none. */
static int take_lemonade(const struct record *c)
{
	struct run pp = {.line = c->line, .chunk = 512, .n = 1}, tg = {.line = c->line, .n = 1};
	int64_t whole = 0;
	double rate = 0;

	if (record_count(c, "input_tokens", &pp.prompt) != 0 ||
	    record_count(c, "output_tokens", &tg.gen) != 0 ||
	    record_number(c, "time_to_first_token", seconds_max, &pp.seconds) != 0 ||
	    record_number(c, "tokens_per_second", 1e9, &rate) != 0 ||
	    (yml_get(c->object, "prompt_tokens") && record_count(c, "prompt_tokens", &whole) != 0))
		return -1;
	pp.depth = whole > pp.prompt ? whole - pp.prompt : 0;
	tg.depth = pp.depth + pp.prompt;
	if (pp.prompt && pp.seconds > 0 && reading_add(c->r, pp) != 0)
		return -1;
	tg.seconds = rate > 0 ? (double)tg.gen / rate : 0;
	return tg.gen && tg.seconds > 0 ? reading_add(c->r, tg) : 0;
}

static int refuse_load(const struct record *c)
{
	err_set(c->r->err, "%s:%d: a server under load, measured by vllm bench", c->r->path, c->line);
	return err_hint(c->r->err,
			"it is compared with a scenario that has workload.serve: lemursim validate "
			"SCENARIO.yaml --from %s",
			c->r->path);
}

static int refuse_latency(const struct record *c)
{
	err_set(c->r->err, "%s:%d: vllm bench latency does not write its lengths into this file", c->r->path,
		c->line);
	return err_hint(
		c->r->err,
		"give what it printed: the line with input_len=, output_len= and batch_size= is in it");
}

/* An object is of the first program whose two keys it has. To read another program's, add a row. */
static const struct {
	const char *keys[2], *tool;
	int (*take)(const struct record *c);
} objects[] = {
	{{"t_pp", "pl"}, "llama-batched-bench", take_batched},
	{{"t_pp", "n_kv"}, "llama-sweep-bench", take_sweep},
	{{"n_prompt", "n_gen"}, "llama-bench", ingest_llama_bench},
	{{"avg_ts", "model_type"}, "llama-bench", ingest_llama_bench},
	{{"samples_ns", "samples_ns"}, "llama-bench", ingest_llama_bench},
	{{"prompt_ms", "predicted_ms"}, "llama-server", take_timings},
	{{"eval_count", "eval_duration"}, "ollama", take_ollama},
	{{"time_to_first_token", "decode_token_times"}, "any server, asked by Lemonade", take_lemonade},
	{{"generationTPS", "promptTPS"}, "mlx_lm of macMLX", ingest_macmlx},
	{{"stats", "model_info"}, "LM Studio", ingest_lm_studio_answer},
	{{"tpot_ms", "total_generated_tokens"}, "mlx_lm of vllm-mlx", ingest_vllm_mlx},
	{{"runs", "machineName"}, "llama-bench", ingest_normiebench},
	{{"runs", "runs"}, "mlx_lm of exo", ingest_exo_json},
	{{"results", "schemaVersion"}, "ollama", ingest_llmfit},
	{{"request_throughput", "output_throughput"}, "vllm", refuse_load},
	{{"requests_per_second", "tokens_per_second"}, "vllm", refuse_load},
	{{"avg_latency", "percentiles"}, "vllm", refuse_latency},
};

/* 1: an object of no program that is known. */
static int take_object(struct reading *r, const struct yml *object, int line)
{
	const struct yml *timings = object->kind == YML_MAP ? yml_get(object, "timings") : NULL;
	const struct record c = {.r = r,
				 .line = line,
				 .object = timings && timings->kind == YML_MAP ? timings : object,
				 .around = object};

	if (object->kind != YML_MAP)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		if (!yml_get(c.object, objects[i].keys[0]) || !yml_get(c.object, objects[i].keys[1]))
			continue;
		r->tool = objects[i].tool;
		return objects[i].take(&c);
	}
	return 1;
}

/* --- JSON in a text ------------------------------------------------------------------------------- */

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

/* The length of the object or list that begins at the text, by its brackets; of one that does not end, to its end. */
static size_t json_length(const char *text)
{
	size_t depth = 0, i = 0;
	bool quoted = false;

	for (; text[i]; i++) {
		if (quoted && text[i] == '\\' && text[i + 1])
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '{' || text[i] == '['))
			depth++;
		else if (!quoted && (text[i] == '}' || text[i] == ']') && --depth == 0)
			return i + 1;
	}
	return i;
}

static size_t lines_in(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

/* Objects, alone or in a list. A list of other things, such as a line of log that begins with a bracket, is none. */
static int take_tree(struct reading *r, const struct yml *tree, int line)
{
	int rc = 1;

	if (tree->kind == YML_MAP)
		return take_object(r, tree, line);
	for (size_t i = 0; i < tree->n && rc >= 0; i++) {
		const int one = take_object(r, tree->items[i], line + tree->items[i]->place.line - 1);

		rc = one < 0 ? -1 : one == 0 ? 0 : rc;
	}
	return rc;
}

static int refuse_objects(struct reading *r, int line)
{
	err_set(r->err, "%s:%d: JSON, but not of a benchmark that is known here", r->path, line);
	return err_hint(
		r->err,
		"llama-bench has n_prompt and n_gen, llama-batched-bench t_pp and pl, llama-server timings");
}

/* "{%- if tools %}" of a chat's template in a log is no JSON: behind the bracket a key or the end comes. */
static bool begins_object(const char *text)
{
	const char *next = text + 1;

	if (*text != '{')
		return false;
	next += strspn(next, " \t\n");
	return !*next || strchr("\"'}", *next);
}

static bool begins_objects(const char *text)
{
	return begins_object(*text == '[' ? text + 1 + strspn(text + 1, " \n") : text);
}

/* Where objects begin in the line: at its begin, or behind llama-server's key where no more of its answer was pasted ("timings": {...});
 * NULL: none do. */
static const char *objects_in(const char *line)
{
	static const char key[] = "\"timings\":";
	const char *at = line + strspn(line, " \t");

	if (begins_objects(line))
		return line;
	if (!str_starts(at, key))
		return NULL;
	at += sizeof key - 1;
	at += strspn(at, " \t");
	return begins_object(at) ? at : NULL;
}

bool ingest_json_is(const char *text)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (objects_in(text))
			return true;
	return false;
}

/* Every object, or list of objects, that begins a line: JSON, or an error. A bracket alone may begin a line of a log. */
int ingest_json(struct reading *r, const char *text)
{
	int line = 1, first_unknown = 0;
	bool known = false;

	while (*text) {
		size_t len = strcspn(text, "\n");
		const char *inner = objects_in(text);

		if (inner) {
			const size_t all = json_length(inner);
			const struct yml *tree = parse(r, inner, all, line);
			const int rc = tree ? take_tree(r, tree, line) : -1;

			if (rc < 0)
				return -1;
			len = (size_t)(inner - text) + all;
			known = known || rc == 0;
			first_unknown = rc == 1 && !first_unknown ? line : first_unknown;
		}
		line += (int)lines_in(text, len);
		text += len;
		line += *text == '\n';
		text += *text == '\n';
	}
	if (r->rows.n || known) /* a benchmark of no run is one */
		return 0;
	return first_unknown ? refuse_objects(r, first_unknown) : 1;
}
