/* ingest_wide.c - see ingest_wide.h. */
#include "sim/runs/ingest_wide.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/str.h"
#include "sim/base/texts.h"
#include "sim/base/units.h"
#include "sim/runs/build_text.h"

/* --- cells ---------------------------------------------------------------------------------------- */

/* "OOM", "n/a", "-", "+5 %": nothing was measured, or it is no rate. */
static bool is_unmeasured(const char *cell)
{
	return !isdigit((unsigned char)cell[strspn(cell, "~ ")]) || str_ends(cell, "%");
}

static bool is_rate_unit(const char *text)
{
	static const char *const units[] = {"t/s", "tok/s",      "toks/s",  "tokens/s", "token/s",
					    "tps", "tokens/sec", "tok/sec", "tk/s",     "t/sec"};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (!strcasecmp(text, units[i]))
			return true;
	return false;
}

/* "123.4", "~45 t/s", "1,234.5 ± 6.7 tok/s"; 1: nothing was measured. */
static int read_rate(struct reading *r, int line, const struct wide_column *c, const char *cell, double *rate,
		     double *sd)
{
	const char *at = cell + strspn(cell, "~ "), *more;
	size_t n;

	if (is_unmeasured(cell))
		return 1;
	n = strcspn(at, " \xc2+");
	if (reading_number(r, line, c->name, reading_plain(r->arena, at, n), 1e9, rate) != 0)
		return -1;
	more = at + n + strspn(at + n, " ");
	if (str_starts(more, "\xc2\xb1") || str_starts(more, "+-")) {
		more += 2;
		more += strspn(more, " ");
		n = strcspn(more, " ");
		if (reading_number(r, line, c->name, reading_plain(r->arena, more, n), 1e9, sd) != 0)
			return -1;
		more += n + strspn(more + n, " ");
	}
	if (*more ? !is_rate_unit(more) : c->bare)
		return reading_fail(r, line, "expected a rate such as '45.6 t/s', got", cell);
	return *rate > 0 ? 0 : reading_fail(r, line, "a rate must be positive, got", cell);
}

static const char *cell_of(const struct wide_head *h, const struct cells *row, enum wide_kind kind)
{
	for (size_t i = 0; i < h->n && i < row->n; i++)
		if (h->at[i].kind == kind)
			return row->at[i];
	return "";
}

/* "1,026", "16k", "512 tokens"; 0: empty. */
static int read_tokens(struct reading *r, int line, const char *cell, int64_t *n)
{
	const size_t len = strspn(cell, "0123456789,");
	const char *unit = cell + len + strspn(cell + len, " ");
	const bool thousand = *unit == 'k' || *unit == 'K';
	const double x = reading_tally(r->arena, cell);

	*n = 0;
	if (is_unmeasured(cell))
		return 0;
	unit += thousand;
	unit += strspn(unit, " ");
	if (!(x >= 0) || x > 1e8 ||
	    (*unit && strcasecmp(unit, "tokens") != 0 && strcasecmp(unit, "tok") != 0))
		return reading_fail(r, line, "expected a number of tokens, got", cell);
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

static bool holds(const char *text, const char *word)
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
		engine = holds(cell, engines[i][0]) ? engines[i][1] : NULL;
	for (size_t i = 0; i < ARRAY_LEN(backends); i++)
		if (holds(cell, backends[i]) && !run->says[COLUMN_BACKEND])
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
		 !holds(run->model, arena_strndup(r->arena, cell, strspn(cell, "0123456789."))))
		run->model = arena_printf(r->arena, "%s %s", run->model, cell);
}

static int take_size(struct reading *r, int line, const struct wide_column *c, const char *cell,
		     struct run *run)
{
	const char *text = c->unit && cell[strspn(cell, "0123456789.")] == '\0'
				   ? arena_printf(r->arena, "%s %s", cell, c->unit)
				   : cell;
	struct err ignored = ERR_INIT;

	if (is_unmeasured(cell))
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
	const bool mlx =
		(run->model && holds(run->model, "mlx")) || (run->weights && holds(run->weights, "mlx"));

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
	if (c->kind == WIDE_RATE)
		return wide_test(r->arena, cell_of(h, row, WIDE_TESTS), test) ? 0 : 1;
	if (c->kind == WIDE_PROMPT_RATE)
		test->gen = 0;
	else {
		test->depth += test->prompt;
		test->prompt = 0;
	}
	return 0;
}

static int take_cell(struct reading *r, const struct wide_head *h, const struct cells *row, size_t i,
		     const struct run *common, const struct wide_column *lengths)
{
	const struct wide_column *c = &h->at[i];
	struct wide_column test;
	double rate = 0, sd = 0;
	int rc;

	if (c->kind < WIDE_TEST || c->kind > WIDE_RATE || test_of(r, h, row, c, lengths, &test) != 0)
		return 0;
	rc = read_rate(r, common->line, c, row->at[i], &rate, &sd);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (!test.prompt && !test.gen)
		return reading_fail(r, common->line, "how many tokens is not said of", c->name);
	return add_rate(r, common, &test, rate, sd);
}

int ingest_wide_row(struct reading *r, int line, const struct wide_head *h, const struct bench_lengths *said,
		    const struct cells *row)
{
	struct wide_column lengths = {.prompt = 0};
	struct run common;

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

/* --- tables without bars -------------------------------------------------------------------------- */

/* The length of what parts columns here, 0: nothing does. */
static size_t separator_at(const char *at, char kind)
{
	if (kind == ' ')
		return at[0] == ' ' && at[1] == ' ' ? strspn(at, " ") : 0;
	return *at == kind;
}

static void split_by(struct arena *a, const char *line, char kind, struct cells *c)
{
	const char *from = line;

	c->n = 0;
	for (const char *at = line;; at++) {
		const size_t n = separator_at(at, kind);

		if (*at && !n)
			continue;
		while (*from == ' ' && from < at)
			from++;
		if (c->n < CELLS)
			c->at[c->n++] = arena_strndup(a, from, (size_t)(at - from));
		if (!*at)
			return;
		from = at + n;
		at = from - 1;
	}
}

static bool holds_any(const char *line, const char *const *words)
{
	for (; *words; words++)
		if (holds(line, *words))
			return true;
	return false;
}

/* Most lines of a long log can be told from a head by the words that they lack. */
static bool may_head(const char *line)
{
	static const char *const rates[] = {"pp",      "tg",     "t/s",   "tok", "tps",
					    "prefill", "decode", "speed", NULL};
	static const char *const what[] = {"model",  "quant",  "machine", "hardware", "gpu",    "chip",
					   "device", "engine", "backend", "runtime",  "test",   "format",
					   "size",   "prompt", "llm",     "system",   "metric", NULL};

	return holds_any(line, rates) && holds_any(line, what);
}

/* What parts the columns of a line that is the head of such a table; '\0': it is none. */
static char heads_wide(struct arena *a, const char *line)
{
	static const char kinds[] = {'\t', ' ', ',', ';'};

	if (!may_head(line))
		return '\0';
	for (size_t i = 0; i < sizeof kinds; i++) {
		struct cells c;
		struct wide_head h;

		split_by(a, line, kinds[i], &c);
		if (c.n > 1 && wide_head_read(a, &c, &h) && wide_head_describes(&h))
			return kinds[i];
	}
	return '\0';
}

static void add_bars(struct str *out, const struct cells *c)
{
	str_add(out, "|");
	for (size_t i = 0; i < c->n; i++)
		str_addf(out, " %s |", c->at[i]);
}

/* Lines of more columns, or of a single one, end a table. */
static bool is_of_table(struct arena *a, const char *line, char kind, size_t columns, struct cells *c)
{
	split_by(a, line, kind, c);
	return c->n > 1 && c->n <= columns;
}

const char *wide_as_bars(struct arena *a, const char *text)
{
	struct str out = STR_INIT;
	struct cells c;
	size_t columns = 0;
	char kind = '\0';
	const char *kept;

	while (*text) {
		const size_t n = strcspn(text, "\n");
		const char *line = arena_strndup(a, text, n);
		const char head = strchr(line, '|') ? '\0' : heads_wide(a, line);

		if (head) {
			kind = head;
			split_by(a, line, kind, &c);
			columns = c.n;
			add_bars(&out, &c);
		} else if (columns && is_of_table(a, line, kind, columns, &c)) {
			add_bars(&out, &c);
		} else {
			columns = columns && strspn(line, "-= \t") == n && n ? columns : 0;
			str_add(&out, line);
		}
		str_add(&out, text[n] ? "\n" : "");
		text += n + (text[n] == '\n');
	}
	kept = arena_strdup(a, out.text);
	str_release(&out);
	return kept;
}
