/* ingest_answers.c - what ollama run --verbose, LM Studio and vllm bench print of an answer; see ingest.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/runs/ingest.h"
#include "sim/runs/numbers.h"

/* --- ollama --------------------------------------------------------------------------------------- */

/* A duration of Go: "2m7.682s", "204.563ms", "891.933us"; NAN where it is none. */
static double duration(const char *text)
{
	static const struct {
		const char *unit;
		double s;
	} units[] = {{"h", 3600},  {"ms", 1e-3}, {"m", 60}, {"\xc2\xb5s", 1e-6},
		     {"us", 1e-6}, {"ns", 1e-9}, {"s", 1}};
	double sum = 0;

	do {
		double x;
		const char *unit = number_decimal(text, &x);
		size_t i = 0;

		while (unit && i < ARRAY_LEN(units) && !str_starts(unit, units[i].unit))
			i++;
		if (!unit || i == ARRAY_LEN(units))
			return NAN;
		sum += x * units[i].s;
		text = unit + strlen(units[i].unit);
	} while (*text >= '0' && *text <= '9');
	return sum;
}

/* What `ollama ps` says of a model that is loaded, "gpt-oss:20b  17052f91a42e  14 GB  11%/89% CPU/GPU  8192  4 minutes from now":
 * its name before an id of twelve digits, and how much of it the CPU has. */
struct loaded {
	const char *model, *processor;
};

static struct loaded loaded_of(struct reading *r, const char *line)
{
	enum { ID = 12 };
	const char *at = strstr(line, "% ");

	if (!at || (!str_starts(at + 2, "CPU") && !str_starts(at + 2, "GPU")))
		return (struct loaded){NULL, NULL};
	for (const char *id = strchr(line, ' '); id && id < at; id = strchr(id + 1, ' ')) {
		const char *end = id, *begin;

		if (strspn(id + 1, "0123456789abcdef") != ID || id[1 + ID] != ' ')
			continue;
		while (end > line && end[-1] == ' ')
			end--;
		for (begin = end; begin > line && begin[-1] != ' ';)
			begin--;
		while (at > line && strchr("0123456789%/", at[-1]))
			at--;
		return (struct loaded){
			arena_strndup(r->arena, begin, (size_t)(end - begin)),
			arena_strndup(r->arena, at,
				      strcspn(at, " ") + 1 + strspn(strchr(at, ' ') + 1, "CPUG/"))};
	}
	return (struct loaded){NULL, NULL};
}

/* Of several lines of a model the one that gives the CPU a part. */
static struct loaded find_loaded(struct reading *r, const char *text)
{
	struct loaded found = {NULL, NULL};

	while (*text) {
		const struct loaded l = loaded_of(r, reading_line(r, &text));

		if (!l.model)
			continue;
		if (found.model && strcmp(found.model, l.model) != 0)
			return (struct loaded){NULL, NULL}; /* which of them answered is not said */
		if (!found.model || strcmp(l.processor, "100% GPU") != 0)
			found = l;
	}
	return found;
}

/* The counts, durations and rates of one answer; 0: not said. */
struct ollama {
	const char *model;
	struct loaded loaded;
	double count[2], seconds[2], rate[2]; /* the prompt's, the answer's */
	int line[2];
};

static const char *value_of(const char *line, const char *key)
{
	if (!str_starts(line, key))
		return NULL;
	line += strlen(key);
	return line + strspn(line, " ");
}

/* Of a count, a duration and a rate any two tell the third. People paste rates alone: an answer's hardly hangs on its length, and is
 * taken for one as long as llama-bench's. A prompt of a dozen tokens is read at a third of the rate of one of 500 (8B on an M4
 * Pro), and a chat's tells neither: no length that is assumed would be right. */
static void complete_answer(struct reading *r, struct ollama *o)
{
	enum { USUAL = 128 };

	for (int i = 0; i < 2; i++) {
		const double rate = o->rate[i];

		if (!(rate > 0) || !(rate < 1e9))
			continue;
		if (o->count[i] >= 1 && !(o->seconds[i] > 0))
			o->seconds[i] = o->count[i] / rate;
		if (!(o->count[i] >= 1) && o->seconds[i] > 0)
			o->count[i] = round(rate * o->seconds[i]);
	}
	if (o->rate[0] > 0 && !(o->count[0] >= 1))
		reading_note(
			r, o->line[0],
			"a prompt's rate without its number of tokens is no run; where you know it, give csv "
			"with columns kind,model,weights,prompt,gen,tok_per_s: pp has the 'prompt eval "
			"rate', "
			"tg the 'eval rate'");
	if (o->rate[1] > 0 && !(o->count[1] >= 1)) {
		o->count[1] = USUAL;
		o->seconds[1] = USUAL / o->rate[1];
		reading_note(
			r, o->line[1],
			"how many tokens the answer had is not said: taken for 128 behind a short prompt");
	}
}

static int take_answer(struct reading *r, struct ollama *o)
{
	const double depth = o->count[0] >= 1 ? o->count[0] : 0;
	struct run pp = {.line = o->line[0],
			 .model = o->model,
			 .prompt = whole_count(depth),
			 .chunk = 512,
			 .seconds = o->seconds[0],
			 .n = 1},
		   tg = {.line = o->line[1],
			 .model = o->model,
			 .gen = whole_count(o->count[1]),
			 .depth = whole_count(depth),
			 .seconds = o->seconds[1],
			 .n = 1};

	if (o->loaded.processor && (!o->model || !strcmp(o->model, o->loaded.model))) {
		const bool cpu = !strcmp(o->loaded.processor, "100% CPU");

		pp.model = tg.model = o->loaded.model;
		pp.says[cpu ? COLUMN_BACKEND : COLUMN_GPU_LAYERS] = cpu ? "CPU" : o->loaded.processor;
		memcpy(tg.says, pp.says, sizeof tg.says);
	}
	if (depth > 1e8 || o->count[1] > 1e8)
		return err_set(r->err, "%s:%d: a count is out of range", r->path, o->line[1]);
	if (pp.prompt && pp.seconds > 0 && reading_add(r, pp) != 0)
		return -1;
	if (tg.gen > 0 && tg.seconds > 0 && reading_add(r, tg) != 0)
		return -1;
	*o = (struct ollama){.model = o->model, .loaded = o->loaded};
	return 0;
}

/* Does a number stand there that is not understood? */
static bool is_misread(const char *value, double x)
{
	return value && value[strcspn(value, "0123456789")] && isnan(x);
}

/* The model that the lines after this one are of; NULL: the line says none. Beside ollama's own command: obench.sh of
 * geerlingguy/ollama-benchmark ("Running benchmark 3 times using model: llama3.2:3b"), llm_benchmark of aidatatools/ollama-benchmark. */
static const char *model_of_line(struct arena *a, const char *line)
{
	static const char using[] = "times using model:", name[] = "model_name =";
	const char *at = reading_rest_behind(line, "ollama run");

	if (!at && str_starts(line, "Running benchmark ") && strstr(line, using))
		at = strstr(line, using) + sizeof using - 1;
	else if (!at && str_starts(line, name))
		at = line + sizeof name - 1;
	at = at ? at + strspn(at, " ") : NULL;
	return at && *at && *at != '-' ? arena_strndup(a, at, strcspn(at, " ")) : NULL;
}

static int take_answer_line(struct reading *r, const char *line, int at, struct ollama *o)
{
	static const char *const counts[] = {"prompt eval count:", "eval count:"},
				 *const times[] = {"prompt eval duration:", "eval duration:"},
				 *const rates[] = {"prompt eval rate:", "eval rate:"};
	const char *model = model_of_line(r->arena, line);

	o->model = model ? model : o->model;
	for (int i = 0; i < 2; i++) {
		const char *count = value_of(line, counts[i]), *time = value_of(line, times[i]),
			   *rate = value_of(line, rates[i]);

		if (count) {
			o->count[i] = reading_tally(count);
			o->line[i] = at;
		}
		if (time)
			o->seconds[i] = duration(time);
		if (rate) {
			o->rate[i] = reading_decimal(rate + strspn(rate, "* "));
			o->line[i] = o->line[i] ? o->line[i] : at;
		}
		if (is_misread(count, o->count[i]) || is_misread(time, o->seconds[i]) ||
		    is_misread(rate, o->rate[i]))
			return reading_fail(r, at, "expected a number and its unit, got", line);
	}
	return 0;
}

int ingest_ollama(struct reading *r, const char *text)
{
	struct ollama o = {.loaded = find_loaded(r, text)};

	r->tool = "ollama";
	for (int at = 1; *text; at++) {
		const char *line = reading_line(r, &text);

		if (take_answer_line(r, line, at, &o) != 0)
			return -1;
		if (!str_starts(line, "eval rate:"))
			continue;
		complete_answer(r, &o);
		if (take_answer(r, &o) != 0)
			return -1;
	}
	return 0;
}

/* --- LM Studio ------------------------------------------------------------------------------------ */

/* "46.17 tok/sec * 1045 tokens * 0.32s to first token": below an answer, with a round point between. The prompt's length
 * is not said, so that the time to the first token tells nothing, and the answer is taken to follow a short prompt. */
static int take_lm_studio(struct reading *r, const char *line, int at)
{
	const char *unit = strstr(line, " tok/sec"), *tokens = unit ? strstr(unit, " tokens") : NULL;
	double rate, count;

	if (!unit || !tokens)
		return 0;
	rate = reading_decimal(number_begin(line, unit));
	count = reading_tally(number_begin(line, tokens));
	if (!(rate > 0) || !(count >= 1) || count > 1e8)
		return err_set(r->err, "%s:%d: expected 'N tok/sec ... N tokens'", r->path, at);
	return reading_add(
		r, (struct run){.line = at, .gen = whole_count(count), .seconds = count / rate, .n = 1});
}

/* Behind empty lines and points alone. */
static const char *behind_points(const char *text)
{
	static const char *const points[] = {"\n", " ", "\xe2\x80\xa2", "\xc2\xb7", "*", "-"};

	for (size_t i = 0; i < ARRAY_LEN(points); i++)
		if (str_starts(text, points[i]))
			return behind_points(text + strlen(points[i]));
	return text;
}

/* Copied from its window the line comes apart: "66.23 tok/sec", "283 tokens", "0.26s to first token", with the points between on lines of
 * their own or lost. */
static const char *joined_line(struct reading *r, const char *line, const char *next)
{
	const char *tokens = behind_points(next);
	const size_t n = strcspn(tokens, "\n");

	if (!str_ends(line, " tok/sec") || strspn(tokens, "0123456789,") == 0 ||
	    !strstr(arena_strndup(r->arena, tokens, n), " tokens"))
		return line;
	return arena_printf(r->arena, "%s %.*s", line, (int)n, tokens);
}

int ingest_lm_studio(struct reading *r, const char *text)
{
	int first = 0;

	r->tool = "LM Studio";
	for (int at = 1; *text; at++) {
		const char *line = reading_line(r, &text);

		first = first || !strstr(line, " tok/sec") ? first : at;
		if (take_lm_studio(r, joined_line(r, line, text), at) != 0)
			return -1;
	}
	if (r->rows.n || !first)
		return 0;
	err_set(r->err, "%s:%d: a rate without the number of tokens that it is of", r->path, first);
	return err_hint(r->err,
			"LM Studio writes 'N tok/sec', 'N tokens' and 'Ns to first token' below an answer");
}

/* --- vLLM ----------------------------------------------------------------------------------------- */

/* The number behind the word in a line; NAN where it stands not there. */
static double behind(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	if (!at)
		return NAN;
	at += strlen(word);
	return reading_decimal(at + strspn(at, " "));
}

static int refuse_load(struct reading *r)
{
	err_set(r->err, "%s: many requests at once, measured by vllm bench serve or throughput", r->path);
	return err_hint(r->err, "save it with --save-result, and compare it with a scenario that has "
				"workload.serve: lemursim "
				"validate SCENARIO.yaml --from FILE.json");
}

/* The text behind a key of "Namespace(..., model='meta-llama/Llama-3.1-8B', quantization=None, ...)", without quotes; NULL: it is not there, or
 * says nothing. */
static const char *of_namespace(struct reading *r, const char *line, const char *key)
{
	static const char *const nothing[] = {"None", "auto", "False", "{}", ""};
	const char *at = strstr(line, key), *value;

	while (at && (at == line || !strchr(" (", at[-1])))
		at = strstr(at + 1, key);
	if (!at)
		return NULL;
	at += strlen(key);
	at += *at == '\'' || *at == '"';
	value = arena_strndup(r->arena, at, strcspn(at, "'\",) "));
	return str_find(value, nothing, ARRAY_LEN(nothing)) < ARRAY_LEN(nothing) ? NULL : value;
}

/* What ran, and on how many devices. */
static int take_namespace(struct reading *r, const char *line, struct run *run)
{
	static const char *const splits[] = {"tensor_parallel_size=", "pipeline_parallel_size="};
	static const char *const drafts[] = {"speculative_config=", "speculative_model="};
	const char *kv = of_namespace(r, line, "kv_cache_dtype=");

	run->model = of_namespace(r, line, "model=");
	run->weights = of_namespace(r, line, "quantization=");
	run->says[COLUMN_KV_K] = run->says[COLUMN_KV_V] = kv;
	for (size_t i = 0; i < ARRAY_LEN(splits); i++) {
		const char *n = of_namespace(r, line, splits[i]);

		if (n && strcmp(n, "1") != 0)
			run->says[COLUMN_SPLIT_MODE] = arena_printf(r->arena, "%s%s", splits[i], n);
	}
	for (size_t i = 0; i < ARRAY_LEN(drafts); i++)
		if (of_namespace(r, line, drafts[i]))
			return reading_fail(
				r, run->line,
				"a draft model guessed tokens, which these rows do not predict:", drafts[i]);
	if (of_namespace(r, line, "enforce_eager="))
		return reading_fail(r, run->line,
				    "each kernel was launched by the host, without CUDA graphs, which these "
				    "rows do not predict:",
				    "enforce_eager=True");
	return 0;
}

/* vllm bench latency: "Namespace(..., input_len=32, output_len=128, batch_size=8, ...)", "Avg latency: 2.33 seconds". All
 * requests of a batch run from the first to the last token together. */
static int take_latency(struct reading *r, const char *avg, const char *space, int at)
{
	struct run run = {.line = at, .n = 1};
	const double prompt = behind(space, "input_len="), gen = behind(space, "output_len="),
		     batch = behind(space, "batch_size=");

	if (!(prompt >= 1 && prompt < 1e8) || !(gen >= 1 && gen < 1e8) || !(batch >= 1 && batch < 1e6))
		return err_set(r->err,
			       "%s:%d: a latency without input_len=, output_len= and batch_size=", r->path,
			       at);
	if (take_namespace(r, space, &run) != 0)
		return -1;
	run.prompt = whole_count(prompt);
	run.gen = whole_count(gen) - 1; /* the first token is of the prompt's pass */
	run.batch = whole_count(batch);
	run.seconds = behind(avg, "Avg latency:");
	if (!(run.seconds > 0))
		return err_set(r->err, "%s:%d: expected 'Avg latency: N seconds'", r->path, at);
	return reading_add(r, run);
}

/* What people write in the place of the program's own line stands above it, too, over several lines. */
int ingest_vllm(struct reading *r, const char *text)
{
	const char *space = "";

	r->tool = "vllm";
	if (!strstr(text, "Avg latency:"))
		return refuse_load(r);
	for (int at = 1; *text; at++) {
		const char *line = reading_line(r, &text);

		if (str_starts(line, "Avg latency:")) {
			if (take_latency(r, line, space, at) != 0)
				return -1;
		} else
			space = strstr(line, "input_len=") || !*space
					? line
					: arena_printf(r->arena, "%s %s", space, line);
	}
	return 0;
}
