/* ingest_mlx.c - what mlx_lm.benchmark and mlx_lm.generate print; see ingest.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/texts.h"
#include "sim/runs/ingest.h"
#include "sim/runs/numbers.h"
#include "sim/stats/quantile.h"
#include "sim/stats/summary.h"

enum { TRIALS_MAX = 10000 };

/* The number after "name=" in a line; NAN where there is none, or no plain positive one. */
static double named(const char *line, size_t len, const char *name)
{
	const size_t n = strlen(name);

	for (const char *at = line; at + n < line + len; at++) {
		if (strncmp(at, name, n) || at[n] != '=' ||
		    (at > line && (at[-1] == '_' || (at[-1] >= 'a' && at[-1] <= 'z'))))
			continue;
		at += n + 1;
		/* what parts values is a comma and a blank; counts have thousands alone */
		return strstr(name, "tokens") ? reading_tally(at) : reading_decimal(at);
	}
	return NAN;
}

struct trials {
	const char *model;  /* as a command line above says; NULL: none does */
	const char *draft;  /* the option by which it asks for a draft model; NULL: it does not */
	double p, g, b;     /* its -p, -g and -b; 0: not said */
	const char *kv;     /* its --kv-bits; NULL: not said */
	const char *launch; /* the line that starts it on several machines; NULL: none does */
	double kv_from;     /* its --quantized-kv-start */
	double kv_most;     /* its --max-kv-size; 0: not said */
	bool open;          /* it goes on in the next line */
	bool headed;        /* a line "Timing with" came behind it */
	int64_t prompt, gen, batch;
	double prompt_tps[TRIALS_MAX], gen_tps[TRIALS_MAX];
	size_t n;
	bool averaged; /* they are one line of averages */
	double peak_B; /* the largest; 0: not said */
	int line;      /* the number of the "Timing with" line */
};

/* Of mlx_lm.generate (generate.py of ml-explore/mlx-lm@d78bf58): so many tokens keep their cache as it is. */
static const double kv_from_usual = 5000;

/* A cache of fewer bits, where the run passes the token at which it begins. */
static void give_kv(struct reading *r, const struct trials *t, struct run *run)
{
	const double tokens = (double)(run->depth + run->prompt + run->gen);

	if (t->kv_most > 0 && tokens > t->kv_most)
		run->says[COLUMN_KV_K] = run->says[COLUMN_KV_V] =
			arena_printf(r->arena, "%.0f tokens", t->kv_most);
	else if (t->kv && tokens > t->kv_from)
		run->says[COLUMN_KV_K] = run->says[COLUMN_KV_V] = arena_printf(r->arena, "%.8s bits", t->kv);
}

static int refuse_averages(struct reading *r)
{
	err_set(r->err, "%s: averages of mlx_lm.benchmark without its line 'Timing with'", r->path);
	return err_hint(r->err,
			"put 'Timing with prompt_tokens=N, generation_tokens=N, batch_size=N.' before "
			"them, or the command with its -p, -g and -b");
}

/* prompt_tps includes the step that gives the first token; generation_tps counts all tokens over the time of one step
 * less (mlx_lm/generate.py). */
static int take_trials(struct reading *r, struct trials *t)
{
	const double prompts = (double)(t->batch * t->prompt), gens = (double)(t->batch * t->gen);
	struct run pp = {.line = t->line,
			 .model = t->model,
			 .prompt = t->prompt - 1,
			 .gen = 1,
			 .batch = t->batch,
			 .chunk = 2048,
			 .n = (int64_t)t->n};
	struct run tg = {.line = t->line,
			 .model = t->model,
			 .gen = t->gen - 1,
			 .depth = t->prompt,
			 .batch = t->batch,
			 .n = (int64_t)t->n};
	struct summary ps = summary_empty(), gs = summary_empty();

	if (!t->n && !t->line)
		return refuse_averages(r);
	if (!t->n)
		return err_set(r->err, "%s:%d: no trial follows", r->path, t->line);
	if (t->draft)
		return err_set(r->err, "%s:%d: a draft model guessed tokens, which these rows do not predict",
			       r->path, t->line);
	for (size_t i = 0; i < t->n; i++) {
		t->prompt_tps[i] = prompts / t->prompt_tps[i];
		t->gen_tps[i] = gens / t->gen_tps[i];
		summary_add(&ps, t->prompt_tps[i]);
		summary_add(&gs, t->gen_tps[i]);
	}
	pp.seconds = quantile_of(t->prompt_tps, t->n, 0.5);
	pp.sd = summary_sd(&ps);
	tg.seconds = quantile_of(t->gen_tps, t->n, 0.5);
	tg.sd = summary_sd(&gs);
	pp.peak_B = tg.peak_B = t->peak_B;
	pp.says[COLUMN_RPC] = tg.says[COLUMN_RPC] = t->launch;
	give_kv(r, t, &pp);
	give_kv(r, t, &tg);
	t->n = 0;
	t->line = 0;
	t->peak_B = 0;
	t->averaged = false;
	if (reading_add(r, pp) != 0)
		return -1;
	return tg.gen > 0 ? reading_add(r, tg) : 0;
}

/* A number of tokens; 0: none, as "$p". */
static double count_said(const char *word)
{
	const double n = reading_tally(word);

	return n >= 1 && n <= 1e8 ? n : 0;
}

static void take_word(struct reading *r, const char *word, const char *next, struct trials *t)
{
	static const char *const counts[][2] = {
		{"-p", "--prompt-tokens"}, {"-g", "--generation-tokens"}, {"-b", "--batch-size"}};
	double *const said[] = {&t->p, &t->g, &t->b};

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (!strcmp(word, counts[i][0]) || !strcmp(word, counts[i][1]))
			*said[i] = count_said(next);
	if (!strcmp(word, "--draft-model"))
		t->draft = word;
	if (!strcmp(word, "--kv-bits") && *next)
		t->kv = next;
	if (!strcmp(word, "--max-kv-size"))
		t->kv_most = count_said(next);
	if (!strcmp(word, "--quantized-kv-start"))
		t->kv_from = count_said(next);
	next += *next == '"' || *next == '\'';
	if (!strcmp(word, "--model") && *next && *next != '-') /* another option: none is named */
		t->model = arena_strndup(r->arena, next, strcspn(next, " \t\r\"'"));
}

/* "mlx_lm.generate --model mlx-community/Qwen3-8B-4bit --max-tokens 100", as people paste it above what it printed, or over
 * lines that end with a backslash. */
/* Options that change what a run takes in a way that is not predicted. */
static void note_options(struct reading *r, const char *text, int at)
{
	static const char *const options[][2] = {
		{" --image", "an image was read before the prompt: the time of that is not predicted"},
		{" --adapter-path", "an adapter was applied, whose products are not predicted"},
		{" --prompt-cache-file",
		 "what a file of the prompt's cache held is not said: taken for a prompt behind nothing"}};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (strstr(text, options[i][0]))
			reading_note(r, at, options[i][1]);
}

static int take_command(struct reading *r, const char *line, size_t len, int at, struct trials *t)
{
	const char *text = arena_strndup(r->arena, line, len);
	const bool vision = strstr(text, "mlx_vlm") != NULL;
	const bool launch = strstr(text, "mlx.launch") || strstr(text, "mpirun ");
	const bool begins = (vision || launch || strstr(text, "mlx_lm")) &&
			    (strstr(text, " -") || str_ends(text, "\\")) && !(t->open && t->launch);
	struct texts words;

	if (!begins && !t->open)
		return 0;
	if (begins && t->n && take_trials(r, t) != 0)
		return -1;
	if (begins) {
		t->headed = false;
		t->launch = launch ? text : NULL;
		t->model = t->draft = t->kv = NULL;
		t->kv_from = kv_from_usual;
		t->kv_most = 0;
		t->p = t->g = t->b = 0;
	}
	t->open = str_ends(text, "\\");
	note_options(r, text, at);
	words = texts_cut(r->arena, text, ' ');
	for (size_t i = 0; i < words.n; i++) {
		const char *equals = str_starts(words.at[i], "--") ? strchr(words.at[i], '=') : NULL;

		if (equals)
			take_word(r, arena_strndup(r->arena, words.at[i], (size_t)(equals - words.at[i])),
				  equals + 1, t);
		else
			take_word(r, words.at[i], i + 1 < words.n ? words.at[i + 1] : "", t);
	}
	return 0;
}

/* Averages whose line "Timing with" was not pasted are of what the command asked for, or of the last such line. */
static bool take_asked(struct trials *t, int at)
{
	if (!t->line && t->headed)
		t->line = at;
	if (t->line || !(t->p > 0) || !(t->g > 0))
		return t->line > 0;
	t->prompt = whole_count(t->p);
	t->gen = whole_count(t->g);
	t->batch = t->b > 0 ? whole_count(t->b) : 1;
	t->line = at;
	return true;
}

static int take_head(struct reading *r, const char *line, size_t len, int at, struct trials *t)
{
	const double p = named(line, len, "prompt_tokens"), g = named(line, len, "generation_tokens"),
		     said = named(line, len, "batch_size"),
		     b = isnan(said) ? 1 : said; /* before batches there was one sequence */

	if (!(p >= 1 && p <= 1e8) || !(g >= 1 && g <= 1e8) || !(b >= 1 && b <= 1e6))
		return err_set(r->err, "%s:%d: expected 'prompt_tokens=N, generation_tokens=N, batch_size=N'",
			       r->path, at);
	t->prompt = whole_count(p);
	t->gen = whole_count(g);
	t->batch = whole_count(b);
	t->line = at;
	t->headed = true;
	return 0;
}

static int take_trial(struct reading *r, const char *line, size_t len, int at, struct trials *t)
{
	const double p = named(line, len, "prompt_tps"), g = named(line, len, "generation_tps"),
		     peak = named(line, len, "peak_memory");

	if (!t->line)
		return err_set(r->err, "%s:%d: a trial before any 'Timing with' line", r->path, at);
	if (!(p > 0 && p < 1e9) || !(g > 0 && g < 1e9))
		return err_set(r->err, "%s:%d: prompt_tps and generation_tps must be positive numbers",
			       r->path, at);
	if (t->n == TRIALS_MAX)
		return err_set(r->err, "%s:%d: more than %d trials", r->path, at, TRIALS_MAX);
	if (peak > 0 && peak < 1e6)
		t->peak_B = fmax(t->peak_B, 1e9 * peak);
	t->prompt_tps[t->n] = p;
	t->gen_tps[t->n++] = g;
	return 0;
}

/* The line of averages behind a word of what was changed, "Post: Averages: prompt_tps=...", as people compare two versions. */
static bool is_averages(const char *line, size_t len)
{
	const char *at = strstr(line, "Averages:");

	return at && at < line + len && memchr(at, '=', (size_t)(line + len - at));
}

/* Averages are of the trials above them, or stand alone, several below each other. */
static int take_averages(struct reading *r, const char *line, size_t len, int at, struct trials *t)
{
	if (t->n && !t->averaged)
		return 0;
	if (t->n && take_trials(r, t) != 0)
		return -1;
	if (!take_asked(t, at))
		return refuse_averages(r);
	t->averaged = true;
	return take_trial(r, line, len, at, t);
}

int ingest_mlx_benchmark(struct reading *r, const char *text)
{
	struct trials *t;
	int line = 1, rc = 0;

	r->tool = "mlx_lm";
	t = xcalloc(1, sizeof *t);
	for (; *text && rc == 0; line++) {
		const size_t len = strcspn(text, "\n");

		if (str_starts(text, "Timing with")) {
			rc = t->line && t->n ? take_trials(r, t) : 0;
			rc = rc == 0 ? take_head(r, text, len, line, t) : -1;
		} else if (str_starts(text, "Trial ")) {
			rc = take_asked(t, line) ? take_trial(r, text, len, line, t) : refuse_averages(r);
		} else if (is_averages(text, len)) {
			rc = take_averages(r, text, len, line, t);
		} else {
			rc = take_command(r, text, len, line, t);
		}
		text += len + (text[len] == '\n');
	}
	if (rc == 0 && (t->line || !r->rows.n))
		rc = take_trials(r, t);
	free(t);
	return rc;
}

/* --- mlx_lm.generate ------------------------------------------------------------------------------ */

/* Of mlx_vlm "Prompt: " also begins the prompt itself. */
static bool is_rate_line(const char *line, size_t len)
{
	const char *unit = strstr(line, "tokens-per-sec");

	return unit && unit < line + len;
}

/* "Prompt: 32159 tokens, 261.786 tokens-per-sec" */
static int take_rate_line(struct reading *r, const char *line, int at, int64_t *tokens, double *rate)
{
	const char *number = line + strcspn(line, ":") + 1, *end;
	double n = 0;

	number += strspn(number, " ");
	end = number_tally(number, &n);
	if (!end || !str_starts(end, " tokens,")) {
		err_set(r->err, "%s:%d: it does not say how many tokens", r->path, at);
		return err_hint(r->err, "expected 'Prompt: N tokens, X tokens-per-sec', as mlx_lm.generate "
					"prints since 2024");
	}
	number = end + strlen(" tokens,");
	number += strspn(number, " ");
	end = number_decimal(number, rate);
	if (!end || !str_starts(end, " tokens-per-sec"))
		return reading_fail(r, at, "tokens-per-sec: expected a number and the unit, got",
				    arena_strndup(r->arena, number, strcspn(number, "\n")));
	if (n < 1 || n > 1e8 || n != floor(n) || !(*rate > 0) || *rate > 1e9)
		return err_set(r->err, "%s:%d: tokens and their rate must be positive", r->path, at);
	*tokens = whole_count(n);
	return 0;
}

/* "Peak memory: 4.512 GB"; 0: another unit, or no number. */
static double gigabytes(const char *line)
{
	const char *at = line + strcspn(line, ":") + 1, *end;
	double x = 0;

	end = number_decimal(at + strspn(at, " "), &x);
	return end && str_starts(end + strspn(end, " "), "GB") && x < 1e6 ? 1e9 * x : 0;
}

/* What was printed of one request; people may leave out the line of the generation. */
static int take_request(struct reading *r, struct trials *t)
{
	if (!t->line)
		return 0;
	if (!t->n) {
		t->n = 1;
		t->gen = 1;
		t->gen_tps[0] = 1; /* of no step: makes no row */
	}
	return take_trials(r, t);
}

/* The prompt's rate counts the step of the first token, as that of mlx_lm.benchmark does: both print one response. */
int ingest_mlx_generate(struct reading *r, const char *text)
{
	struct trials *t = xcalloc(1, sizeof *t);
	int rc = 0;

	r->tool = "mlx_lm";
	t->batch = 1;
	for (int line = 1; *text && rc == 0; line++) {
		const size_t len = strcspn(text, "\n");

		if (str_starts(text, "Prompt: ") && is_rate_line(text, len)) {
			rc = take_request(r, t);
			t->line = line;
			rc = rc == 0 ? take_rate_line(r, text, line, &t->prompt, &t->prompt_tps[0]) : rc;
		} else if (t->line && str_starts(text, "Generation: ")) {
			rc = take_rate_line(r, text, line, &t->gen, &t->gen_tps[0]);
			t->n = 1;
		} else if (t->line && str_starts(text, "Peak memory: ")) {
			t->peak_B = gigabytes(text);
		} else {
			rc = take_command(r, text, len, line, t);
		}
		text += len + (text[len] == '\n');
	}
	if (rc == 0)
		rc = take_request(r, t);
	free(t);
	return rc;
}

int ingest_mlx_lora(struct reading *r, const char *text)
{
	(void)text;
	err_set(r->err, "%s: a training run of mlx_lm.lora", r->path);
	return err_hint(
		r->err,
		"it is compared with a scenario that has workload.train: lemursim validate SCENARIO.yaml "
		"--from %s",
		r->path);
}
