/* ingest_wide.c - see ingest_wide.h. */
#include "sim/runs/ingest_wide.h"
#include "sim/runs/numbers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/texts.h"
#include "sim/base/units.h"
#include "sim/runs/build_text.h"

/* --- cells ---------------------------------------------------------------------------------------- */

static const char *cell_of(const struct wide_head *h, const struct cells *row, enum wide_kind kind)
{
	for (size_t i = 0; i < h->n && i < row->n; i++)
		if (h->at[i].kind == kind)
			return row->at[i];
	return "";
}

/* A setting that is not told, or is the program's own. */
static bool is_unset(const char *cell)
{
	static const char *const words[] = {"auto", "default", "none", "no", "off"};

	return wide_is_any(cell, words, ARRAY_LEN(words)) || wide_is_empty(cell);
}

/* "1,026", "16k", "512 tokens"; 0: empty. */
static int read_tokens(struct reading *r, int line, const char *cell, int64_t *n)
{
	double x = -1;
	const char *end = number_tally(cell, &x), *unit = end ? end + strspn(end, " ") : cell;
	const bool thousand = *unit == 'k' || *unit == 'K';

	*n = 0;
	if (is_unset(cell))
		return 0;
	unit += thousand;
	unit += strspn(unit, " ");
	if (!(x >= 0) || x > 1e8 ||
	    (*unit && strcasecmp(unit, "tokens") != 0 && strcasecmp(unit, "tok") != 0)) {
		reading_fail(r, line, "expected a number of tokens, got", cell);
		return err_hint(r->err, "a number such as 512, 1,026 or 16k, or '-' where it is not known");
	}
	*n = (int64_t)x * (thousand ? 1024 : 1);
	return 0;
}

/* --- what ran ------------------------------------------------------------------------------------- */

/* "4-bit" and "4 bit" as mlx_lm's users write it. */
static const char *bits_together(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text), *to = out;

	for (const char *at = out; *at; at++)
		if (!((*at == '-' || *at == ' ') && at > out && isdigit((unsigned char)at[-1]) &&
		      !strncasecmp(at + 1, "bit", 3)))
			*to++ = *at;
	*to = '\0';
	return out;
}

bool wide_holds(const char *text, const char *word)
{
	const size_t n = strlen(word);

	for (; *text; text++)
		if (!strncasecmp(text, word, n))
			return true;
	return false;
}

/* Programs by words of their names, and back ends likewise. */
static const char *const engines[][2] = {
	{"llama.cpp", "llama.cpp"}, {"llamacpp", "llama.cpp"},    {"llama-cpp", "llama.cpp"},
	{"lcpp", "llama.cpp"},      {"llama-bench", "llama.cpp"}, {"llama-server", "llama.cpp"},
	{"mlx", "mlx_lm"},          {"ollama", "ollama"},         {"koboldcpp", "llama.cpp"},
	{"vllm", "vllm"},           {"transformers", "torch"},    {"pytorch", "torch"}};
static const char *const backends[] = {"CUDA", "Vulkan", "ROCm", "HIP", "Metal", "SYCL"};

/* "llama.cpp b9174 (vulkan)", "MLX", "CUDA" */
static void take_engine(const char *cell, struct run *run)
{
	const char *engine = NULL;

	for (size_t i = 0; i < ARRAY_LEN(engines) && !engine; i++)
		engine = wide_holds(cell, engines[i][0]) ? engines[i][1] : NULL;
	for (size_t i = 0; i < ARRAY_LEN(backends); i++)
		if (wide_holds(cell, backends[i]) && !run->says[COLUMN_BACKEND])
			run->says[COLUMN_BACKEND] = backends[i];
	if (!strcasecmp(cell, "CPU"))
		run->says[COLUMN_BACKEND] = "CPU";
	run->build = run->build ? run->build : build_in_line(cell, strlen(cell));
	if (!engine && !run->says[COLUMN_BACKEND])
		engine = cell;
	run->tool = engine ? engine : run->tool;
	/* a back end tells the runtime better than the program does */
	run->runtime = run->says[COLUMN_BACKEND] ? NULL : run->tool;
}

/* Such a number of parameters is of the model's name, "30B"; "30.53 B" is counted. */
static bool is_counted(const char *params)
{
	const char *point = strchr(params, '.');

	return point && strspn(point + 1, "0123456789") >= 2;
}

static void take_params(struct reading *r, const char *cell, struct run *run)
{
	const double x = strtod(cell, NULL);
	const char *unit = cell + strspn(cell, "0123456789. ");

	if (is_counted(cell) && x < 1e7 && (*unit == 'B' || *unit == 'M'))
		run->params = x * (*unit == 'B' ? 1e9 : 1e6);
	else if (run->model && isdigit((unsigned char)*cell) && (*unit == 'B' || *unit == 'b') &&
		 !wide_holds(run->model, arena_strndup(r->arena, cell, strspn(cell, "0123456789."))))
		run->model = arena_printf(r->arena, "%s %s", run->model, cell);
}

static int take_size(struct reading *r, int line, const struct wide_column *c, const char *cell,
		     struct run *run)
{
	const char *text = c->unit && cell[strspn(cell, "0123456789.")] == '\0'
				   ? arena_printf(r->arena, "%s %s", cell, c->unit)
				   : cell;
	struct err ignored = ERR_INIT;

	if (!isdigit((unsigned char)cell[strspn(cell, "~ ")]))
		return 0;
	if (units_parse(text, DIM_BYTES, &run->bytes, &ignored) == 0)
		return 0;
	take_params(r, cell, run); /* "7B" is a size too */
	return run->model && strstr(run->model, cell)
		       ? 0
		       : reading_fail(r, line, "expected a size such as '4.58 GiB', got", cell);
}

static int take_says(struct reading *r, int line, const struct wide_column *c, const char *cell,
		     struct run *run)
{
	int64_t n = 0;

	switch (c->kind) {
	case WIDE_MODEL:
		run->model = bits_together(r->arena, cell);
		return 0;
	case WIDE_QUANT:
		run->weights = bits_together(r->arena, cell);
		return 0;
	case WIDE_ENGINE:
		take_engine(cell, run);
		return 0;
	case WIDE_BUILD:
		n = strtoll(cell + (*cell == 'b'), NULL, 10);
		run->build = n > 0 && n < 1000000 ? n : build_in_line(cell, strlen(cell));
		return 0;
	case WIDE_FLASH:
		run->flash = !strcasecmp(cell, "yes")  ? FLASH_ON
			     : !strcasecmp(cell, "no") ? FLASH_OFF
						       : reading_flash(cell);
		return 0;
	case WIDE_SAYS:
		run->says[c->says] = cell;
		return 0;
	case WIDE_AT_ONCE:
		if (read_tokens(r, line, cell, &n) != 0)
			return -1;
		return n <= 1 ? 0 : reading_fail(r, line, "sequences at once, or tokens of a pass:", cell);
	default:
		return 0;
	}
}

/* --- rows ----------------------------------------------------------------------------------------- */

static int take_lengths(struct reading *r, int line, const struct wide_head *h, const struct cells *row,
			struct wide_column *lengths)
{
	if (read_tokens(r, line, cell_of(h, row, WIDE_PROMPT), &lengths->prompt) != 0 ||
	    read_tokens(r, line, cell_of(h, row, WIDE_GEN), &lengths->gen) != 0)
		return -1;
	return read_tokens(r, line, cell_of(h, row, WIDE_DEPTH), &lengths->depth);
}

/* What the row says beside its rates. */
static int take_common(struct reading *r, int line, const struct wide_head *h, const struct cells *row,
		       struct run *run)
{
	const struct wide_column *size = wide_head_column(h, WIDE_SIZE);

	*run = (struct run){.line = line, .chunk = 512, .n = 1};
	for (size_t i = 0; i < h->n && i < row->n; i++)
		if (*row->at[i] && take_says(r, line, &h->at[i], row->at[i], run) != 0)
			return -1;
	take_params(r, cell_of(h, row, WIDE_PARAMS), run);
	if (size && take_size(r, line, size, cell_of(h, row, WIDE_SIZE), run) != 0)
		return -1;
	if (read_tokens(r, line, cell_of(h, row, WIDE_CHUNK), &run->chunk) != 0)
		return -1;
	run->chunk = run->chunk ? run->chunk : 512;
	return 0;
}

/* pp512 and tg128 are llama-bench's words, which others use of MLX. */
static const char *tool_of_tests(const struct run *run)
{
	const bool mlx = (run->model && wide_holds(run->model, "mlx")) ||
			 (run->weights && wide_holds(run->weights, "mlx"));

	return run->tool ? run->tool : mlx ? "mlx_lm" : "llama.cpp";
}

static int add_rate(struct reading *r, const struct run *common, const struct wide_column *test, double rate,
		    double sd)
{
	struct run run = *common;

	run.prompt = test->prompt;
	run.gen = test->gen;
	run.depth = test->depth;
	run.chunk = run.prompt ? run.chunk : 0;
	run.seconds = (double)(run.prompt + run.gen) / rate;
	run.sd = run.seconds * sd / rate;
	return reading_add(r, run);
}

/* The test that a rate is of; 1: the row is of none, such as of another measure. */
static int test_of(struct reading *r, const struct wide_head *h, const struct cells *row,
		   const struct wide_column *c, const struct wide_column *lengths, struct wide_column *test)
{
	*test = *lengths;
	if (c->kind == WIDE_TEST) {
		test->prompt = c->prompt;
		test->gen = c->gen;
		test->depth = c->depth ? c->depth : lengths->depth;
		return 0;
	}
	if (c->kind >= WIDE_RATE)
		return wide_test(r->arena, cell_of(h, row, WIDE_TESTS), test) ? 0 : 1;
	if (c->kind == WIDE_PROMPT_RATE)
		test->gen = 0;
	else {
		test->depth += test->prompt;
		test->prompt = 0;
	}
	return 0;
}

/* A column that is called by what ran, or where. */
static struct run named_run(struct reading *r, const struct run *common, const struct wide_column *c)
{
	struct run run = *common;

	if (c->kind == WIDE_OF_CHIP)
		run.says[COLUMN_GPU] = c->name;
	if (c->kind == WIDE_OF_MODEL) {
		run.model = bits_together(r->arena, c->name);
		run.tool = run.tool && strcmp(run.tool, "llama.cpp") != 0 ? run.tool : NULL;
		run.tool = tool_of_tests(&run);
	}
	return run;
}

static int take_cell(struct reading *r, const struct wide_head *h, const struct cells *row, size_t i,
		     const struct run *common, const struct wide_column *lengths)
{
	const struct wide_column *c = &h->at[i];
	const struct run run = named_run(r, common, c);
	struct wide_column test;
	double rate = 0, sd = 0;
	int rc;

	if (c->kind < WIDE_TEST || c->kind > WIDE_OF_MODEL || test_of(r, h, row, c, lengths, &test) != 0)
		return 0;
	rc = wide_rate(r, common->line, h, i, row->at[i], &rate, &sd);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (!test.prompt && !test.gen)
		return reading_fail(r, common->line, "how many tokens is not said of", c->name);
	return add_rate(r, &run, &test, rate, sd);
}

/* The columns behind a row's last cell must be of notes: which cell a short row lacks is not known. */
static int check_whole(struct reading *r, int line, const struct wide_head *h, const struct cells *row)
{
	for (size_t i = row->n; i < h->n; i++)
		if (h->at[i].kind != WIDE_RESULT) {
			err_set(r->err, "%s:%d: a row of %zu cells under a head of %zu", r->path, line,
				row->n, h->n);
			return err_hint(r->err, "write '-' where nothing was measured");
		}
	return 0;
}

static bool is_blank(const struct cells *row)
{
	for (size_t i = 0; i < row->n; i++)
		if (*row->at[i])
			return false;
	return true;
}

int ingest_wide_row(struct reading *r, int line, const struct wide_head *h, const struct bench_lengths *said,
		    const struct cells *row)
{
	struct wide_column lengths = {.prompt = 0};
	struct run common;

	if (is_blank(row))
		return 0;
	if (check_whole(r, line, h, row) != 0)
		return -1;
	if (take_common(r, line, h, row, &common) != 0 || take_lengths(r, line, h, row, &lengths) != 0)
		return -1;
	if (!wide_head_column(h, WIDE_PROMPT) && !wide_head_column(h, WIDE_GEN)) {
		lengths.prompt = said->prompt;
		lengths.gen = said->gen;
		common.tool = tool_of_tests(&common);
	}
	for (size_t i = 0; i < h->n && i < row->n; i++)
		if (take_cell(r, h, row, i, &common, &lengths) != 0)
			return -1;
	return 0;
}

/* --- commands ------------------------------------------------------------------------------------- */

/* The one number behind an option; `unsaid` where the command has none, -1 where it has a list. */
static int64_t option_of(const struct texts *words, const char *option, const char *longer, int64_t unsaid)
{
	for (size_t i = 0; i + 1 < words->n; i++)
		if (!strcmp(words->at[i], option) || !strcmp(words->at[i], longer)) {
			const char *value = words->at[i + 1];
			const size_t n = strspn(value, "0123456789");

			return n && n < 9 && !value[n] ? strtoll(value, NULL, 10) : -1;
		}
	return unsaid;
}

struct bench_lengths bench_lengths_of(struct arena *a, const char *text)
{
	struct bench_lengths all = {0, 0};

	while (*text) {
		const size_t n = strcspn(text, "\n");
		const char *line = arena_strndup(a, text, n), *at = strstr(line, "llama-bench");

		text += n + (text[n] == '\n');
		if (at && strstr(at, " -") && *line != '|') {
			const struct texts words = texts_cut(a, at, ' ');
			const int64_t pp = option_of(&words, "-p", "--n-prompt", 512),
				      tg = option_of(&words, "-n", "--n-gen", 128);

			if (pp <= 0 || tg <= 0 || (all.prompt && (all.prompt != pp || all.gen != tg)))
				return (struct bench_lengths){0, 0};
			all = (struct bench_lengths){pp, tg};
		}
	}
	return all;
}
