/* ingest_text.c - tables in Markdown; see ingest.h. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/units.h"
#include "sim/runs/build_text.h"
#include "sim/runs/command_line.h"
#include "sim/runs/ingest.h"
#include "sim/runs/ingest_wide.h"
#include "sim/runs/numbers.h"
#include "sim/runs/table_words.h"
#include "sim/runs/wrapped_row.h"
#include "sim/stats/quantile.h"
#include "sim/stats/summary.h"

/* --- cells ---------------------------------------------------------------------------------------- */

/* Copies a cell without what marks it: "**3290.92**", "`pp512`", "S\_PP t/s". */
static const char *unmarked(struct arena *a, const char *from, const char *end)
{
	char *out = arena_strndup(a, from, (size_t)(end - from)), *to = out;

	for (const char *at = out; *at; at++)
		if (*at != '`' && *at != '\\' &&
		    (*at != '*' || (at[1] != '*' && (at == out || at[-1] != '*'))))
			*to++ = *at;
	while (to > out && to[-1] == ' ')
		to--;
	*to = '\0';
	return out + strspn(out, " ");
}

/* "| a | b |", or "a | b" where the table has no bars at its ends. */
static void split(struct arena *a, const char *line, size_t len, struct cells *c)
{
	const char *end = line + len;

	c->n = 0;
	for (line += *line == '|'; line < end && c->n < CELLS;) {
		const char *bar = memchr(line, '|', (size_t)(end - line)), *stop = bar ? bar : end;

		if (!bar && strspn(line, " \r") >= (size_t)(end - line))
			break;
		while (line < stop && *line == ' ')
			line++;
		while (stop > line && (stop[-1] == ' ' || stop[-1] == '\r'))
			stop--;
		c->at[c->n++] = unmarked(a, line, stop);
		line = (bar ? bar : end) + 1;
	}
}

/* Are both names of one column? People write "Params", and Markdown takes the bars of "T_PP s" for slant. */
bool cells_name_same(const char *a, const char *b)
{
	a = run_column_in_english(a);
	for (; *a && *b; a++, b++) {
		const char x = *a == '_' ? ' ' : (char)tolower((unsigned char)*a),
			   y = *b == '_' ? ' ' : (char)tolower((unsigned char)*b);

		if (x != y)
			return false;
	}
	return !*a && !*b;
}

static const char *cell(const struct cells *head, const struct cells *row, const char *name)
{
	for (size_t i = 0; i < head->n && i < row->n; i++)
		if (cells_name_same(head->at[i], name))
			return row->at[i];
	return "";
}

static bool has(const struct cells *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (cells_name_same(c->at[i], name))
			return true;
	return false;
}

/* --- rows of llama-bench -------------------------------------------------------------------------- */

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

/* What cannot be read is of no known kind, which --skip-foreign could leave out. */
static int refuse_test(struct reading *r, int line, const char *test)
{
	reading_fail(r, line, "expected a test such as 'pp512' or 'tg128 @ d4096', got", test);
	return err_hint(r->err, "take a row out of the file that is none: --skip-foreign leaves out rows of "
				"another machine or model, not such as cannot be read");
}

/* Reads a test: "pp512", "tg128", "pp512+tg128", "pp 512", with or without " @ d4096"; that of ik_llama.cpp's -gp (test::
 * label() of its llama-bench.cpp, ikawrakow/ik_llama.cpp@8337e4cd), "tg64@pp512", is a generation behind a prompt. */
static int take_test(struct reading *r, int line, const char *test, struct run *run)
{
	const char *at = test;

	while (*at) {
		const bool behind = *at == '@';
		bool pp, tg, depth;
		size_t len;

		at += behind ? 1 + strspn(at + 1, " ") : 0;
		depth = behind && (*at == 'd' || str_starts(at, "pp"));
		pp = !depth && str_starts(at, "pp");
		tg = str_starts(at, "tg");
		if (!pp && !tg && !depth)
			return refuse_test(r, line, test);
		at += *at == 'd' ? 1 : 2;
		at += strspn(at, " ");
		len = strspn(at, "0123456789");
		if (whole(r, line, at, len, pp ? &run->prompt : tg ? &run->gen : &run->depth) != 0)
			return -1;
		at += len;
		at += strspn(at, " +");
	}
	return 0;
}

/* What was tested: a column has its name or, of the first builds, two have its lengths (ggml-org/llama.cpp pull request 2626). */
static int take_tested(struct reading *r, int line, const struct cells *head, const struct cells *row,
		       struct run *run)
{
	const char *prompt = cell(head, row, "n_prompt"), *gen = cell(head, row, "n_gen");

	if (has(head, "test"))
		return take_test(r, line, cell(head, row, "test"), run);
	return whole(r, line, prompt, strlen(prompt), &run->prompt) != 0
		       ? -1
		       : whole(r, line, gen, strlen(gen), &run->gen);
}

static int refuse_rate(struct reading *r, int line, const char *text)
{
	err_set(r->err, "%s:%d: t/s: expected a number, got '%.60s'", r->path, line, text);
	return err_hint(
		r->err,
		"tokens a second, such as '1530.2 \xc2\xb1 0.5'; a single comma before three digits may "
		"part thousands or the fraction");
}

/* "123.45 ± 0.67", "1 530,2 ± 0,5 t/s" */
static int take_rate(struct reading *r, int line, const char *text, struct run *run)
{
	double rate = 0, sd = 0;
	const char *after = number_decimal(text, &rate);

	after = after ? after + strspn(after, " ") : NULL;
	if (after && (str_starts(after, "\xc2\xb1") || str_starts(after, "+-"))) {
		after = number_decimal(after + 2 + strspn(after + 2, " "), &sd);
		after = after ? after + strspn(after, " ") : NULL;
	}
	if (!after || (*after && !wide_is_rate_unit(after)) || rate > 1e9 || sd > 1e9)
		return refuse_rate(r, line, text);
	if (!(rate > 0))
		return reading_fail(r, line, "t/s: a rate must be positive, got", text);
	run->seconds = (double)(run->prompt + run->gen) / rate;
	run->sd = run->seconds * sd / rate;
	return 0;
}

/* A column that people and other programs add to llama-bench's; NULL: there is none, or it is empty. */
static const char *format_cell(const struct cells *head, const struct cells *row)
{
	static const char *const names[] = {"quant", "weights", "format"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (*cell(head, row, names[i]))
			return cell(head, row, names[i]);
	return NULL;
}

/* "4.58 GiB" and "8.03 B", or with a comma before the fraction; what cannot be read counts as absent. */
static void take_size(struct arena *a, const char *size, const char *params, struct run *run)
{
	struct err ignored = ERR_INIT;
	double x;
	const char *unit = number_decimal(size, &x);

	if (unit)
		units_parse(arena_printf(a, "%.17g%s", x, unit), DIM_BYTES, &run->bytes, &ignored);
	unit = number_decimal(params, &x);
	if (unit && x > 0 && x < 1e7) {
		unit += strspn(unit, " ");
		run->params = x * (*unit == 'B' ? 1e9 : *unit == 'M' ? 1e6 : 0);
	}
}

static int take_bench_row(struct reading *r, int line, const struct cells *head, const struct cells *row)
{
	struct run run = {.line = line, .chunk = 512, .n = 1};
	const char *model = cell(head, row, has(head, "model") ? "model" : "model_filename"),
		   *size = cell(head, row, "size");
	const char *ubatch = cell(head, row, "n_ubatch"), *batch = cell(head, row, "n_batch");
	int64_t given = 0;

	run.model = !*model ? NULL : *size ? arena_printf(r->arena, "%s, %s", model, size) : model;
	run.arch = reading_architecture(r->arena, model);
	run.weights = format_cell(head, row);
	run.flash = reading_flash(cell(head, row, "fa"));
	record_columns(&(struct record){.r = r, .line = line, .head = head, .cells = row}, &run);
	if (has(head, "cpu_info") && !has(head, "backend")) /* llamafile-bench, which has no column of it */
		run.says[COLUMN_BACKEND] = "CPU";
	take_size(r->arena, size, cell(head, row, "params"), &run);
	if ((*ubatch && whole(r, line, ubatch, strlen(ubatch), &run.chunk) != 0) ||
	    (*batch && whole(r, line, batch, strlen(batch), &given) != 0))
		return -1;
	run.chunk = reading_chunk(run.chunk, given);
	if (take_tested(r, line, head, row, &run) != 0 ||
	    take_rate(r, line, cell(head, row, "t/s"), &run) != 0)
		return -1;
	return reading_add(r, run);
}

/* Of -pps one prompt serves all sequences, and the cache holds it once: N_KV is PP + B TG, else B (PP + TG). */
static bool is_shared_prompt(const double x[4])
{
	return x[2] > 1 && x[0] > 0 && x[3] == x[0] + x[2] * x[1];
}

/* Both have times of a prompt and of a generation. Without the column B it is llama-sweep-bench of ik_llama.cpp
 * (examples/sweep-bench): one sequence, and each is measured behind N_KV tokens; with it, llama-batched-bench, whose N_KV
 * is what the cache holds at the end. */
static int take_batched_row(struct reading *r, int line, const struct cells *head, const struct cells *row)
{
	static const char *const names[] = {"PP", "TG", "B", "N_KV", "T_PP s", "T_TG s"};
	const bool sweep = !has(head, "B");
	double x[ARRAY_LEN(names)] = {0};
	struct run pp, tg;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if ((sweep ? i == 2 : i == 3 && !*cell(head, row, names[i])))
			continue;
		if (reading_number(r, line, names[i], cell(head, row, names[i]), 1e8, &x[i]) != 0)
			return -1;
		if (i < 4 && x[i] != floor(x[i]))
			return reading_fail(r, line, "not a whole number:", cell(head, row, names[i]));
	}
	pp = (struct run){.line = line,
			  .prompt = (int64_t)x[0],
			  .depth = sweep ? (int64_t)x[3] : 0,
			  .batch = is_shared_prompt(x) ? 1 : (int64_t)x[2],
			  .chunk = 512,
			  .seconds = x[4],
			  .n = 1};
	tg = (struct run){.line = line,
			  .gen = (int64_t)x[1],
			  .depth = sweep ? (int64_t)x[3] : (int64_t)x[0],
			  .batch = (int64_t)x[2],
			  .seconds = x[5],
			  .n = 1};
	pp.chunk = sweep ? pp.prompt : pp.chunk;
	if (pp.prompt && reading_add(r, pp) != 0)
		return -1;
	return tg.gen ? reading_add(r, tg) : 0;
}

/* Gives a build to the rows that have none yet; returns how many. */
static size_t give_build(struct reading *r, int64_t build)
{
	size_t given = 0;

	for (size_t i = 0; build && i < r->rows.n; i++) {
		given += !r->rows.at[i].build;
		r->rows.at[i].build = r->rows.at[i].build ? r->rows.at[i].build : build;
	}
	return given;
}

enum table_kind { TABLE_NONE, TABLE_BENCH, TABLE_BATCHED, TABLE_COMPARED, TABLE_WIDE };

/* "t/s", or of compared runs "t/s master", "master t/s". */
static bool is_rate(const char *head)
{
	return !strcmp(head, "t/s") || str_starts(head, "t/s ") ||
	       (str_ends(head, " t/s") && strcmp(head, "peak t/s") != 0);
}

/* The table that a row of column names begins; TABLE_NONE: it is no such row. */
static enum table_kind table_of(const struct cells *row)
{
	const bool tests = has(row, "Test") || has(row, "test");
	size_t rates = 0, rates_of = 0; /* "t/s", and "t/s master", "master t/s" */

	for (size_t i = 0; i < row->n; i++) {
		rates += !strcmp(row->at[i], "t/s");
		rates_of += is_rate(row->at[i]) && strcmp(row->at[i], "t/s") != 0;
	}
	if (has(row, "Speedup") || rates > 1 || (rates_of && tests))
		return TABLE_COMPARED;
	if (has(row, "t/s") && (has(row, "test") || (has(row, "n_prompt") && has(row, "n_gen"))))
		return TABLE_BENCH;
	return has(row, "PP") && has(row, "T_TG s") ? TABLE_BATCHED : TABLE_NONE;
}

static bool is_rule(const char *text)
{
	const size_t len = strcspn(text, "\n");

	return len && strspn(text, "|-: +=") >= len;
}

/* Each row of such a table holds several results, of builds or of machines: compare-llama-bench.py's "t/s master", "t/s PR". */
static int refuse_compared(struct reading *r, const struct cells *head, int line)
{
	const char *two[2] = {"", ""};
	size_t n = 0;

	for (size_t i = 0; i < head->n; i++)
		if (is_rate(head->at[i])) {
			if (n < 2)
				two[n] = head->at[i];
			n++;
		}
	if (n < 2)
		err_set(r->err, "%s:%d: a comparison, such as compare-llama-bench.py makes", r->path, line);
	else
		err_set(r->err,
			"%s:%d: %zu results in each row, '%.40s' and '%.40s'%s: which is meant is not said",
			r->path, line, n, two[0], two[1], n > 2 ? " first" : "");
	return err_hint(r->err,
			"leave one column of them, named t/s, or give the tables of llama-bench that it "
			"was made from");
}

struct tables {
	enum table_kind in;
	bool apart; /* text stood between the last row and here, such as lines of a log */
	struct cells head;
	struct said_above above;
	struct command_line command;
	size_t commands; /* that stood above the last table's head */
	bool commanded;  /* one alone stands between that and this table's: it is this one's */
	int64_t build;   /* said before any row that it could be of; 0: none */
	bool builds;     /* several unlike ones were, so that rows below may be of any */
	bool any;
	bool barless; /* the table has no bars at its ends */
	bool closed;  /* each of its rows ends with one */
	bool people;
	struct wide_head wide;
	struct bench_lengths lengths;
};

/* llama-benchy (eugr/llama-benchy@0fbd242a) asks a server, whichever it is, and writes llama-bench's columns. */
static const char *tool_of(const struct tables *t)
{
	return t->in == TABLE_WIDE          ? NULL
	       : has(&t->head, "ttfr (ms)") ? "any server, asked by llama-benchy"
	       : t->in == TABLE_BENCH       ? "llama-bench"
	       : has(&t->head, "B")         ? "llama-batched-bench"
					    : "llama-sweep-bench";
}

/* A title within a table, such as ik_llama.cpp's "| ============ Repacked 337 tensors | | |": neither test nor rate. */
static bool is_title(const struct tables *t, const struct cells *row)
{
	return t->in == TABLE_WIDE || (t->in == TABLE_BENCH && !has(&t->head, "test")) ? false
	       : t->in == TABLE_BENCH ? !*cell(&t->head, row, "test") && !*cell(&t->head, row, "t/s")
				      : !*cell(&t->head, row, "PP") && !*cell(&t->head, row, "TG");
}

static int take_row(struct reading *r, const struct cells *row, int line, struct tables *t)
{
	const size_t first = r->rows.n;
	int rc;

	if (row->n > t->head.n) {
		err_set(r->err, "%s:%d: a row of %zu cells under a head of %zu", r->path, line, row->n,
			t->head.n);
		return err_hint(r->err, "a column has no name, or a cell a bar of its own; a csv quotes a "
					"cell that has a comma");
	}
	r->tool = tool_of(t);
	rc = t->in == TABLE_WIDE
		     ? ingest_wide_row(r, line, &t->wide, &t->lengths, row)
		     : (t->in == TABLE_BENCH ? take_bench_row : take_batched_row)(r, line, &t->head, row);
	if (rc == 0 && t->in == TABLE_BATCHED)
		said_above_give(r, first, &t->above);
	for (size_t i = first; i < r->rows.n && (t->in == TABLE_BATCHED || t->commanded); i++)
		command_line_give(r->arena, &t->command, &r->rows.at[i]);
	for (size_t i = first; i < r->rows.n; i++)
		command_line_give_device(r->arena, &t->command, &r->rows.at[i]);
	return rc;
}

/* Is the row the head of a table that people write? One that is refused is no table, and is told where nothing else is read. */
static enum table_kind wide_of(struct reading *r, const struct cells *row, bool ruled, int line,
			       struct tables *t)
{
	const char *why;

	if (!wide_head_read(r->arena, row, &t->wide) || (!ruled && !wide_head_describes(&t->wide)))
		return TABLE_NONE;
	why = wide_head_refused(r->arena, &t->wide, t->lengths.prompt > 0);
	if (why && !r->refused) {
		r->refused = why;
		r->refused_line = line;
	}
	return why ? TABLE_NONE : TABLE_WIDE;
}

/* The text that many lines on. */
static const char *behind(const char *text, int lines)
{
	for (; lines > 0 && *text; lines--) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return text;
}

/* How the rows below write fractions, up to what is no row. */
static void learn_style(struct reading *r, const char *text, struct wide_head *head)
{
	struct cells row;

	if (is_rule(text))
		text = behind(text, 1);
	for (; *text; text = behind(text, 1)) {
		const size_t n = strcspn(text, "\n");

		if (n && (!memchr(text, '|', n) || is_rule(text)))
			return;
		split(r->arena, text, n, &row);
		head->style |= wide_style_of(head, &row);
	}
}

/* A row whose next line is a rule names the columns of a new table. */
static int take_table_line(struct reading *r, const char *text, const char *next, int line, struct tables *t)
{
	struct cells row;
	enum table_kind begins;

	split(r->arena, text, strlen(text), &row);
	begins = table_of(&row);
	if (begins == TABLE_COMPARED)
		return refuse_compared(r, &row, line);
	if (t->people && begins == TABLE_NONE && (is_rule(next) || t->in == TABLE_NONE))
		begins = wide_of(r, &row, is_rule(next), line, t);
	if (begins != TABLE_NONE || is_rule(next)) {
		t->head = row;
		t->in = begins;
		t->closed = row_ends_with_bar(text);
		t->any = t->any || begins != TABLE_NONE;
		t->apart = false;
		t->commanded = t->command.n == t->commands + 1;
		t->commands = t->command.n;
		if (begins == TABLE_BENCH)
			table_note_unknown(r, line, &row);
		if (begins == TABLE_WIDE)
			learn_style(r, next, &t->wide);
		return 0;
	}
	if (t->apart && row.n != t->head.n) /* another table's */
		t->in = TABLE_NONE;
	t->apart = false;
	if (t->in == TABLE_NONE) /* SYCL lists its devices in one */
		command_line_take(r, text, &t->command);
	if (t->in == TABLE_NONE || is_title(t, &row))
		return 0;
	return t->closed && table_check_whole(r, text, next, line) != 0 ? -1 : take_row(r, &row, line, t);
}

/* A line between tables. */
static void take_prose(struct reading *r, const char *text, size_t len, struct tables *t)
{
	const int64_t build = build_in_line(text, len);

	if (build && !give_build(r, build)) {
		t->builds = t->builds || (t->build && t->build != build);
		t->build = build;
	}
	command_line_take(r, arena_strndup(r->arena, text, len), &t->command);
	if (str_starts(text, "main: n_kv_max"))
		said_above_take(r, text, len, &t->above);
	t->apart = t->apart || (len && !build);
}

/* Is the line of a table without bars at its ends? Either a rule is below, which makes it a head, or such a head is above. */
static bool is_barless(const char *text, size_t len, const struct tables *t)
{
	const bool bar = memchr(text, '|', len) != NULL;

	return bar && *text != '|' &&
	       ((text[len] && is_rule(text + len + 1) && strchr("-:", text[len + 1])) ||
		(t->barless && !t->apart));
}

/* Reads the line that begins the text; returns how many lines it took, -1 with the reading's err. */
static int take_line(struct reading *r, const char *text, int line, struct tables *t)
{
	const size_t len = strcspn(text, "\n");
	int lines = 1;

	if (is_rule(text))
		return 1;
	if (*text == '|') {
		const char *row = wrapped_row(r, text, t->in == TABLE_NONE ? 0 : t->head.n, &lines);

		return take_table_line(r, row, behind(text, lines), line, t) == 0 ? lines : -1;
	}
	if (is_barless(text, len, t)) {
		t->barless = true;
		return take_table_line(r, arena_strndup(r->arena, text, len), behind(text, 1), line, t) == 0
			       ? 1
			       : -1;
	}
	t->barless = false;
	take_prose(r, text, len, t);
	return 1;
}

/* people: tables that people write are read too. */
static int take_tables(struct reading *r, const char *text, bool people)
{
	struct tables t = {.in = TABLE_NONE, .people = people};

	if (people)
		t.lengths = bench_lengths_of(r->arena, text);
	for (int line = 1, lines; *text; line += lines, text = behind(text, lines)) {
		lines = take_line(r, text, line, &t);
		if (lines < 0)
			return -1;
	}
	give_build(r, t.builds ? 0 : t.build);
	return t.any ? 0 : 1;
}

int ingest_md(struct reading *r, const char *text)
{
	return take_tables(r, text, false);
}

static bool has_line(const struct reading *r, int line)
{
	for (size_t i = 0; i < r->rows.n; i++)
		if (r->rows.at[i].line == line)
			return true;
	return false;
}

/* Beside what a program wrote such a table is its summary, or of other machines: it is told that it is not read. */
static void note_people(struct reading *r, const char *text)
{
	struct err ignored = ERR_INIT;
	struct reading quiet = *r;
	size_t n = 0;
	int first = 0;

	quiet.rows.at = NULL;
	quiet.rows.n = quiet.rows.room = 0;
	quiet.err = &ignored;
	take_tables(&quiet, text, true);
	for (size_t i = 0; i < quiet.rows.n; i++)
		if (!has_line(r, quiet.rows.at[i].line))
			first = n++ ? first : quiet.rows.at[i].line;
	VEC_FREE(&quiet.rows);
	if (n)
		reading_note(
			r, first,
			arena_printf(r->arena,
				     "a table that people wrote is not read beside what a program wrote: "
				     "%zu results, the first here; give it alone",
				     n));
	else if (quiet.refused)
		reading_note(r, quiet.refused_line,
			     arena_printf(r->arena, "a table of results is not read: %s", quiet.refused));
}

int ingest_people(struct reading *r, const char *text)
{
	if (!r->rows.n)
		return take_tables(r, text, true);
	note_people(r, text);
	return 1;
}
