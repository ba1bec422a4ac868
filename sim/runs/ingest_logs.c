/* ingest_logs.c - timings in the logs of llama.cpp, of ollama run --verbose, LM Studio and vllm bench; see ingest.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/runs/build_text.h"
#include "sim/runs/command_line.h"
#include "sim/runs/ingest.h"
#include "sim/runs/numbers.h"

/* The number behind the word in a line; NAN where it stands not there. */
static double behind(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	if (!at)
		return NAN;
	at += strlen(word);
	return reading_decimal(at + strspn(at, " "));
}

/* The rest of a line behind a word: "qwen3:4b" behind "ollama run"; NULL. */
static const char *rest_behind(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	if (!at)
		return NULL;
	at += strlen(word);
	return at + strspn(at, " =");
}

/* --- llama.cpp ------------------------------------------------------------------------------------ */

/* What a log says of the model before its timings. */
struct log_facts {
	const char *name, *type, *arch;
	double params, bytes;
	const char *gpu_layers;
	int64_t build; /* the last one that was named; 0: none */
	struct command_line command;
	double context;       /* tokens that the cache holds; 0: not said */
	double batch, ubatch; /* tokens of a prompt that are given, and read, at once; 0: not said */
	enum flash flash;
	const char *kv[2]; /* formats of keys and of values; NULL: not said */
	bool chunks;       /* of llama-perplexity or llama-imatrix, which count the tokens of many prompts */
	int64_t prompt;    /* the prompt of the timings that are being read */
};

/* "llm_load_print_meta: model params = 8.03 B", "print_info: file size = 4.58 GiB", "offloaded 33/33 layers to GPU". */
static void take_fact(struct reading *r, const char *line, struct log_facts *f)
{
	const char *name = rest_behind(line, "general.name"), *type = rest_behind(line, "file type"),
		   *ftype = rest_behind(line, "model ftype"), *params = rest_behind(line, "model params"),
		   *size = rest_behind(line, "file size"), *old_size = rest_behind(line, "model size"),
		   *layers = rest_behind(line, "offloaded"), *arch = rest_behind(line, "print_info: arch"),
		   *old_arch = rest_behind(line, "print_meta: arch");

	const int64_t build = build_in_line(line, strlen(line));

	f->build = build ? build : f->build;
	type = ftype ? ftype : type;
	size = old_size ? old_size : size;
	arch = arch ? arch : old_arch;
	if (arch && *arch)
		f->arch = arena_strndup(r->arena, arch, strcspn(arch, " "));
	if (name)
		f->name = name;
	if (type)
		f->type = type;
	if (params && reading_decimal(params) > 0)
		f->params = reading_decimal(params) * (strstr(params, " M") ? 1e6 : 1e9);
	if (size && reading_decimal(size) > 0)
		f->bytes = reading_decimal(size) * (strstr(size, "MiB") ? 1048576.0 : 1073741824.0);
	if (layers && strstr(layers, "layers to GPU"))
		f->gpu_layers = arena_strndup(r->arena, layers, strspn(layers, "0123456789"));
}

/* The format behind "K (" or "V (" in "KV self size = 512.00 MiB, K (q8_0): 256.00 MiB, V (q8_0): 256.00 MiB". */
static const char *cache_format(struct arena *a, const char *line, const char *which)
{
	const char *at = strstr(line, which);
	const size_t n = at ? strspn(at + strlen(which), "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;

	return n && str_starts(at + strlen(which) + n, "): ") ? arena_strndup(a, at + strlen(which), n)
							      : NULL;
}

/* "llama_context: flash_attn = disabled", until 2025 0 or 1, and what auto came to. */
static enum flash flash_said(const char *line, enum flash before)
{
	const char *said = rest_behind(line, "flash_attn "),
		   *chosen = rest_behind(line, "Flash Attention was auto, set to ");

	if (chosen)
		return str_starts(chosen, "enabled") ? FLASH_ON : FLASH_OFF;
	if (!said)
		return before;
	return str_starts(said, "disabled") || *said == '0'  ? FLASH_OFF
	       : str_starts(said, "enabled") || *said == '1' ? FLASH_ON
							     : before;
}

/* How the context was made. */
static void take_context(struct reading *r, const char *line, struct log_facts *f)
{
	const char *batch = rest_behind(line, "n_batch "), *ubatch = rest_behind(line, "n_ubatch ");
	const char *k = cache_format(r->arena, line, " K ("), *v = cache_format(r->arena, line, " V (");

	if (batch && reading_decimal(batch) > 0)
		f->batch = reading_decimal(batch);
	if (ubatch && reading_decimal(ubatch) > 0)
		f->ubatch = reading_decimal(ubatch);
	if (k && v) {
		f->kv[0] = k;
		f->kv[1] = v;
	}
	f->flash = flash_said(line, f->flash);
}

/* Of a log of the program, beside what is of the model. */
static void take_job(struct reading *r, const char *line, struct log_facts *f)
{
	const char *context = rest_behind(line, "n_ctx "), *slot = rest_behind(line, "n_ctx_slot");

	command_line_take(r, line, &f->command);
	take_context(r, line, f);
	f->chunks = f->chunks || str_starts(line, "perplexity: ") || str_starts(line, "compute_imatrix: ");
	context = slot ? slot : context;
	if (context && reading_decimal(context) > 0)
		f->context = reading_decimal(context);
	if (strstr(line, "buffer type overridden to CPU"))
		f->command.says[COLUMN_OVERRIDES] = "tensors to CPU";
}

static int add_timing(struct reading *r, int line, struct log_facts *f, struct run run)
{
	run.line = line;
	run.n = 1;
	if (f->name || f->type)
		run.model = arena_printf(r->arena, "%s %s", f->name ? f->name : "", f->type ? f->type : "");
	run.arch = f->arch;
	run.build = f->build;
	run.params = f->params;
	run.bytes = f->bytes;
	run.says[COLUMN_GPU_LAYERS] = f->gpu_layers;
	run.says[COLUMN_KV_K] = f->kv[0];
	run.says[COLUMN_KV_V] = f->kv[1];
	run.flash = f->flash;
	command_line_give(r->arena, &f->command, &run);
	if (run.prompt && f->ubatch > 0) /* the log tells what the options came to */
		run.chunk = reading_chunk(whole_count(f->ubatch), whole_count(f->batch));
	return reading_add(r, run);
}

const char *reading_eval_time(const char *text)
{
	static const char words[] = "eval time";

	for (const char *at = strstr(text, words); at; at = strstr(at, words)) {
		at += sizeof words - 1;
		at += strspn(at, " ");
		if (*at == '=')
			return at + 1;
	}
	return NULL;
}

/* "prompt eval time = 927.17 ms / 49 tokens", "eval time = 14085.85 ms / 178 runs". llama_print_timings and llama_perf
 * count steps ("runs"); llama-server counts tokens, whose first is of the prompt's pass. What took no time was not
 * measured. */
static int take_timing(struct reading *r, const char *line, int at, struct log_facts *f)
{
	const bool prompt = strstr(line, "prompt eval time") != NULL;
	const char *value = reading_eval_time(line), *slash = strchr(value, '/');
	const double ms = reading_decimal(value + strspn(value, " "));
	double n = slash ? reading_tally(slash + 1 + strspn(slash + 1, " ")) : NAN;

	if (!(n >= 0) || isnan(ms) || n > 1e8 || n != floor(n))
		return err_set(r->err, "%s:%d: expected 'eval time = N ms / N runs'", r->path, at);
	if (f->chunks || (prompt && f->context > 0 && n > f->context)) {
		err_set(r->err, "%s:%d: %.0f tokens of many prompts%s", r->path, at, n,
			f->chunks ? ", as llama-perplexity and llama-imatrix read them" : "");
		return err_hint(r->err, "llama-bench measures one prompt at a time");
	}
	if (prompt)
		f->prompt = whole_count(n);
	else if (!strstr(slash, " runs"))
		n -= 1;
	if (!(ms > 0) || n < 1)
		return 0;
	return add_timing(
		r, at, f,
		prompt ? (struct run){.prompt = f->prompt, .chunk = 512, .seconds = ms / 1e3}
		       : (struct run){.gen = whole_count(n), .depth = f->prompt, .seconds = ms / 1e3});
}

/* "draft acceptance rate = 0.78652 (  210 accepted /   267 generated)", or "draft acceptance = " since 2026, below the times of an answer:
 * tools/server of llama.cpp. llama-speculative and llama-lookup write "n_drafted = 132" above those of both models. */
static int check_draft(struct reading *r, const char *line, int at)
{
	const char *rate = strstr(line, "draft acceptance"), *of = rate ? strstr(rate, "accepted /") : NULL;
	const char *drafted = str_starts(line, "n_drafted") ? strchr(line, '=') : NULL;
	const char *count = of ? of + strlen("accepted /") : drafted ? drafted + 1 : NULL;

	if (!count || !(reading_tally(count + strspn(count, " ")) > 0))
		return 0;
	return reading_fail(r, at, "a draft model guessed tokens, which these rows do not predict:",
			    arena_strndup(r->arena, of ? rate : line, strcspn(of ? rate : line, "\n")));
}

int ingest_timings(struct reading *r, const char *text)
{
	struct log_facts facts = {.name = NULL};

	r->tool = "llama.cpp log";
	for (int at = 1; *text; at++) {
		const char *line = reading_line(r, &text);

		if (!reading_eval_time(line)) {
			if (check_draft(r, line, at) != 0)
				return -1;
			take_job(r, line, &facts);
			take_fact(r, line, &facts);
		} else if (take_timing(r, line, at, &facts) != 0)
			return -1;
	}
	return 0;
}

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

static int take_answer_line(struct reading *r, const char *line, int at, struct ollama *o)
{
	static const char *const counts[] = {"prompt eval count:", "eval count:"},
				 *const times[] = {"prompt eval duration:", "eval duration:"},
				 *const rates[] = {"prompt eval rate:", "eval rate:"};
	const char *model = rest_behind(line, "ollama run");

	if (model && *model && *model != '-')
		o->model = arena_strndup(r->arena, model, strcspn(model, " "));
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

/* Copied from its window the line comes apart: "66.23 tok/sec", "283 tokens", "0.26s to first token". */
static const char *joined_line(struct reading *r, const char *line, const char *next)
{
	const size_t n = strcspn(next, "\n");

	if (!str_ends(line, " tok/sec") || strspn(next, "0123456789,") == 0 ||
	    !strstr(arena_strndup(r->arena, next, n), " tokens"))
		return line;
	return arena_printf(r->arena, "%s %.*s", line, (int)n, next);
}

int ingest_lm_studio(struct reading *r, const char *text)
{
	r->tool = "LM Studio";
	for (int at = 1; *text; at++) {
		const char *line = reading_line(r, &text);

		if (take_lm_studio(r, joined_line(r, line, text), at) != 0)
			return -1;
	}
	return 0;
}

/* --- vLLM ----------------------------------------------------------------------------------------- */

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
