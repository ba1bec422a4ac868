/* ingest_logs.c - timings in the logs of llama.cpp; see ingest.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/runs/build_text.h"
#include "sim/runs/command_line.h"
#include "sim/runs/ingest.h"
#include "sim/runs/numbers.h"
#include "sim/runs/slot_log.h"

const char *reading_rest_behind(const char *line, const char *word)
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
	struct slot_log slots;
	size_t beside; /* times of requests that ran beside others, and the line of the first */
	int beside_line;
	bool bench;   /* within what a benchmark prints, whose rows are in its table */
	size_t inner; /* times of all its repetitions together, and the line of the first */
	int inner_line;
};

/* "llm_load_print_meta: model params = 8.03 B", "print_info: file size = 4.58 GiB", "offloaded 33/33 layers to GPU". */
static void take_fact(struct reading *r, const char *line, struct log_facts *f)
{
	const char *name = reading_rest_behind(line, "general.name"),
		   *type = reading_rest_behind(line, "file type"),
		   *ftype = reading_rest_behind(line, "model ftype"),
		   *params = reading_rest_behind(line, "model params"),
		   *size = reading_rest_behind(line, "file size"),
		   *old_size = reading_rest_behind(line, "model size"),
		   *layers = reading_rest_behind(line, "offloaded"),
		   *arch = reading_rest_behind(line, "print_info: arch"),
		   *old_arch = reading_rest_behind(line, "print_meta: arch");

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
	const char *said = reading_rest_behind(line, "flash_attn "),
		   *chosen = reading_rest_behind(line, "Flash Attention was auto, set to ");

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
	const char *batch = reading_rest_behind(line, "n_batch "),
		   *ubatch = reading_rest_behind(line, "n_ubatch ");
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
	const char *context = reading_rest_behind(line, "n_ctx "),
		   *slot = reading_rest_behind(line, "n_ctx_slot");

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

/* A prompt that its slot held in part was read behind that. */
static void settle_slot(struct reading *r, const struct slot *s)
{
	const int64_t cached = slot_cached(s);

	for (size_t i = 0; i < s->rows_n; i++) {
		struct run *run = &r->rows.at[s->rows[i]];

		run->depth = cached + (run->prompt ? 0 : s->prompt);
	}
}

static void take_slot(struct reading *r, const char *line, struct log_facts *f)
{
	struct slot *ended = slot_log_take(&f->slots, line);

	if (!ended || !ended->rows_n)
		return;
	settle_slot(r, ended);
	ended->rows_n = 0;
	ended->whole = false;
}

/* The row of one of both times of a request. */
static int add_slot_timing(struct reading *r, int line, struct log_facts *f, const struct run *run,
			   struct slot *slot)
{
	const size_t before = r->rows.n;

	if (add_timing(r, line, f, *run) != 0)
		return -1;
	if (slot && r->rows.n > before && slot->rows_n < ARRAY_LEN(slot->rows))
		slot->rows[slot->rows_n++] = before;
	if (slot && !run->prompt)
		settle_slot(r, slot);
	return 0;
}

static void note_tokens(struct slot *slot, bool prompt, double n)
{
	if (!slot)
		return;
	if (prompt)
		slot->rows_n = 0;
	else
		slot_log_done(slot);
	*(prompt ? &slot->prompt : &slot->made) = whole_count(n);
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

/* What is counted stands behind its number: a line that was cut off within it has another. */
static bool is_whole_line(const char *count)
{
	return strstr(count, " run") || strstr(count, " token");
}

/* "prompt eval time = 927.17 ms / 49 tokens", "eval time = 14085.85 ms / 178 runs". llama_print_timings and llama_perf
 * count steps ("runs"); llama-server counts tokens, whose first is of the prompt's pass. What took no time was not
 * measured. */
static int take_timing(struct reading *r, const char *line, int at, struct log_facts *f)
{
	const bool prompt = strstr(line, "prompt eval time") != NULL;
	const char *value = reading_eval_time(line), *slash = strchr(value, '/');
	const double ms = reading_decimal(value + strspn(value, " "));
	double n = slash && is_whole_line(slash) ? reading_tally(slash + 1 + strspn(slash + 1, " ")) : NAN;
	struct slot *slot = slot_log_now(&f->slots);

	if (!(n >= 0) || isnan(ms) || n > 1e8 || n != floor(n))
		return err_set(r->err, "%s:%d: expected 'eval time = N ms / N runs', or tokens", r->path, at);
	if (f->chunks || (prompt && f->context > 0 && n > f->context)) {
		err_set(r->err, "%s:%d: %.0f tokens of many prompts%s", r->path, at, n,
			f->chunks ? ", as llama-perplexity and llama-imatrix read them" : "");
		return err_hint(r->err, "llama-bench measures one prompt at a time");
	}
	note_tokens(slot, prompt, n);
	if (prompt)
		f->prompt = whole_count(n);
	else if (!strstr(slash, " runs"))
		n -= 1;
	if (!(ms > 0) || n < 1)
		return 0;
	if (slot && slot->shared) {
		f->beside_line = f->beside++ ? f->beside_line : at;
		return 0;
	}
	return add_slot_timing(
		r, at, f,
		prompt ? &(struct run){.prompt = f->prompt, .chunk = 512, .seconds = ms / 1e3}
		       : &(struct run){.gen = whole_count(n), .depth = f->prompt, .seconds = ms / 1e3},
		slot);
}

/* llama-bench --verbose, llama-batched-bench and llama-sweep-bench print what their context took in all below their rows, warming up
 * included: the rows are in the table. What stands below a build or another command is of another program. */
static void take_bench(const char *line, struct log_facts *f, size_t commands)
{
	if (*line == '|' && strstr(line, " t/s ") && (strstr(line, " test ") || strstr(line, " T_TG s ")))
		f->bench = true;
	else if (str_starts(line, "build:") || f->command.n != commands || strstr(line, "slot print_timing"))
		f->bench = false;
}

static void tell_inner(struct reading *r, const struct log_facts *f)
{
	if (f->inner)
		reading_note(
			r, f->inner_line,
			arena_printf(
				r->arena,
				"times of a benchmark's context, which are of all its repetitions together, "
				"are no rows beside its table: %zu, the first here",
				f->inner));
}

/* A server decodes its slots in one pass: what a request of several took is the time of all. */
static int tell_beside(struct reading *r, const struct log_facts *f, size_t before)
{
	if (!f->beside)
		return 0;
	if (r->rows.n > before) {
		reading_note(
			r, f->beside_line,
			arena_printf(r->arena,
				     "times of requests that ran beside others in the server's slots are "
				     "no rows of one sequence: %zu are left out, the first here",
				     f->beside));
		return 0;
	}
	err_set(r->err,
		"%s:%d: every request ran beside others in the server's slots, which share its passes",
		r->path, f->beside_line);
	return err_hint(r->err,
			"one request at a time; or llama-batched-bench, which measures several sequences; or "
			"a scenario that has workload.serve");
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
	const size_t before = r->rows.n;

	r->tool = "llama.cpp log";
	for (int at = 1; *text; at++) {
		const char *line = reading_line(r, &text);

		take_slot(r, line, &facts);
		if (facts.bench && reading_eval_time(line)) {
			facts.inner_line = facts.inner++ ? facts.inner_line : at;
		} else if (!reading_eval_time(line)) {
			const size_t commands = facts.command.n;

			if (check_draft(r, line, at) != 0)
				return -1;
			take_job(r, line, &facts);
			take_fact(r, line, &facts);
			take_bench(line, &facts, commands);
		} else if (take_timing(r, line, at, &facts) != 0)
			return -1;
	}
	tell_inner(r, &facts);
	return tell_beside(r, &facts, before);
}
