/* ingest_text.c - tables in Markdown, and the text of mlx_lm.benchmark; see ingest.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/runs/ingest.h"
#include "sim/stats/quantile.h"
#include "sim/stats/summary.h"

enum { TRIALS_MAX = 10000 };

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

	run.model = arena_printf(r->arena, "%s, %s", model, size);
	run.flash = reading_flash(cell(head, row, "fa"));
	record_columns(&(struct record){.r = r, .line = line, .head = head, .cells = row}, &run);
	units_parse(size, DIM_BYTES, &run.bytes, &ignored); /* what cannot be read counts as absent */
	if (sscanf(cell(head, row, "params"), "%lf %c", &params, &unit) == 2 && params > 0 && params < 1e7)
		run.params = params * (unit == 'B' ? 1e9 : unit == 'M' ? 1e6 : 0);
	if ((*ubatch && whole(r, line, ubatch, strlen(ubatch), &run.chunk) != 0) ||
	    take_test(r, line, cell(head, row, "test"), &run) != 0 ||
	    take_rate(r, line, cell(head, row, "t/s"), &run) != 0)
		return -1;
	return reading_add(r, run);
}

static int take_batched_row(struct reading *r, int line, const struct cells *head, const struct cells *row)
{
	static const char *const names[] = {"PP", "TG", "B", "T_PP s", "T_TG s"};
	double x[ARRAY_LEN(names)];
	struct run pp, tg;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (reading_number(r, line, names[i], cell(head, row, names[i]), 1e8, &x[i]) != 0)
			return -1;
		if (i < 3 && x[i] != floor(x[i]))
			return reading_fail(r, line, "not a whole number:", cell(head, row, names[i]));
	}
	pp = (struct run){.line = line,
			  .prompt = (int64_t)x[0],
			  .batch = (int64_t)x[2],
			  .chunk = 512,
			  .seconds = x[3],
			  .n = 1};
	tg = (struct run){.line = line,
			  .gen = (int64_t)x[1],
			  .depth = (int64_t)x[0],
			  .batch = (int64_t)x[2],
			  .seconds = x[4],
			  .n = 1};
	if (pp.prompt && reading_add(r, pp) != 0)
		return -1;
	return tg.gen ? reading_add(r, tg) : 0;
}

static bool has(const struct cells *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->at[i], name))
			return true;
	return false;
}

/* Gives the build of "build: 8e672ef (1550)", below a table of llama-bench, to the rows that have none yet. */
static void take_build(struct reading *r, const char *line, size_t len)
{
	const char *open = memchr(line, '(', len);
	int64_t build = 0;

	for (open = open ? open + 1 : line; *open >= '0' && *open <= '9' && build < 100000000; open++)
		build = 10 * build + *open - '0';
	for (size_t i = 0; *open == ')' && i < r->rows.n; i++)
		r->rows.at[i].build = r->rows.at[i].build ? r->rows.at[i].build : build;
}

int ingest_md(struct reading *r, const char *text, const char **tool)
{
	struct cells head = {.n = 0}, row;
	bool bench = false, batched = false;
	int line = 1, rc = 1;

	for (; *text; line++) {
		const size_t len = strcspn(text, "\n");

		if (*text == '|' && !str_starts(text, "| --") && !str_starts(text, "|--") &&
		    !str_starts(text, "|:") && !str_starts(text, "| :")) {
			split(r->arena, text, len, &row);
			if (has(&row, "test") && has(&row, "t/s")) {
				head = row;
				bench = true;
				batched = false;
			} else if (has(&row, "PP") && has(&row, "T_TG s")) {
				head = row;
				batched = true;
				bench = false;
			} else if (bench || batched) {
				r->tool = *tool = bench ? "llama-bench" : "llama-batched-bench";
				rc = (bench ? take_bench_row : take_batched_row)(r, line, &head, &row);
				if (rc != 0)
					return -1;
			}
		}
		if (bench && str_starts(text, "build: "))
			take_build(r, text, len);
		text += len + (text[len] == '\n');
	}
	return rc == 1 && (bench || batched) ? 0 : rc;
}

/* The number after "name=" in a line; NAN where there is none, or no plain positive one. */
static double named(const char *line, size_t len, const char *name)
{
	const size_t n = strlen(name);

	for (const char *at = line; at + n < line + len; at++) {
		if (strncmp(at, name, n) || at[n] != '=' ||
		    (at > line && (at[-1] == '_' || (at[-1] >= 'a' && at[-1] <= 'z'))))
			continue;
		at += n + 1;
		return strspn(at, "0123456789.") ? strtod(at, NULL) : NAN;
	}
	return NAN;
}

struct trials {
	int64_t prompt, gen, batch;
	double prompt_tps[TRIALS_MAX], gen_tps[TRIALS_MAX];
	size_t n;
	double peak_B; /* the largest; 0: not said */
	int line;      /* of the "Timing with" line */
};

/* prompt_tps includes the step that gives the first token; generation_tps counts all tokens over the time of one step
 * less (mlx_lm/generate.py). */
static int take_trials(struct reading *r, struct trials *t)
{
	const double prompts = (double)(t->batch * t->prompt), gens = (double)(t->batch * t->gen);
	struct run pp = {.line = t->line,
			 .prompt = t->prompt - 1,
			 .gen = 1,
			 .batch = t->batch,
			 .chunk = 2048,
			 .n = (int64_t)t->n};
	struct run tg = {.line = t->line,
			 .gen = t->gen - 1,
			 .depth = t->prompt,
			 .batch = t->batch,
			 .n = (int64_t)t->n};
	struct summary ps = summary_empty(), gs = summary_empty();

	if (!t->n)
		return err_set(r->err, "%s:%d: no trial follows", r->path, t->line);
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
	t->n = 0;
	t->peak_B = 0;
	if (reading_add(r, pp) != 0)
		return -1;
	return tg.gen > 0 ? reading_add(r, tg) : 0;
}

static int take_head(struct reading *r, const char *line, size_t len, int at, struct trials *t)
{
	const double p = named(line, len, "prompt_tokens"), g = named(line, len, "generation_tokens"),
		     b = named(line, len, "batch_size");

	if (!(p >= 1 && p <= 1e8) || !(g >= 1 && g <= 1e8) || !(b >= 1 && b <= 1e6))
		return err_set(r->err, "%s:%d: expected 'prompt_tokens=N, generation_tokens=N, batch_size=N'",
			       r->path, at);
	t->prompt = (int64_t)p;
	t->gen = (int64_t)g;
	t->batch = (int64_t)b;
	t->line = at;
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

int ingest_mlx(struct reading *r, const char *text)
{
	struct trials *t;
	int line = 1, rc = 0;

	if (!strstr(text, "prompt_tps=") || !strstr(text, "Timing with"))
		return 1;
	r->tool = "mlx_lm";
	t = xcalloc(1, sizeof *t);
	for (; *text && rc == 0; line++) {
		const size_t len = strcspn(text, "\n");

		if (str_starts(text, "Timing with")) {
			rc = t->line && t->n ? take_trials(r, t) : 0;
			rc = rc == 0 ? take_head(r, text, len, line, t) : -1;
		} else if (str_starts(text, "Trial ") ||
			   (str_starts(text, "Averages:") && !t->n && t->line)) {
			rc = take_trial(r, text, len, line, t); /* averages where there is nothing else */
		}
		text += len + (text[len] == '\n');
	}
	if (rc == 0)
		rc = take_trials(r, t);
	free(t);
	return rc;
}
