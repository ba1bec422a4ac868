/* table_words.c - see table_words.h. */
#include "sim/runs/table_words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/str.h"

/* --- above a table -------------------------------------------------------------------------------- */

static const char *said(struct reading *r, const char *line, size_t len, const char *key)
{
	const char *at = strstr(line, key);

	if (!at || at >= line + len)
		return NULL;
	at += strlen(key);
	return arena_strndup(r->arena, at, strcspn(at, ", \n"));
}

void said_above_take(struct reading *r, const char *line, size_t len, struct said_above *above)
{
	const char *chunk = said(r, line, len, "n_ubatch = "), *batch = said(r, line, len, " n_batch = ");
	double x = 0, given = 0;
	struct err ignored = ERR_INIT;
	struct reading quiet = *r;

	quiet.err = &ignored;
	*above = (struct said_above){.flash = reading_flash(said(r, line, len, "flash_attn = ")),
				     .gpu_layers = said(r, line, len, "n_gpu_layers = ")};
	if (batch && reading_number(&quiet, 0, "n_batch", batch, 1e6, &given) != 0)
		given = 0;
	if (chunk && reading_number(&quiet, 0, "n_ubatch", chunk, 1e6, &x) == 0)
		above->chunk = reading_chunk((int64_t)x, (int64_t)given);
}

void said_above_give(struct reading *r, size_t first, const struct said_above *above)
{
	for (size_t i = first; i < r->rows.n; i++) {
		struct run *run = &r->rows.at[i];

		run->flash = above->flash;
		run->says[COLUMN_GPU_LAYERS] = above->gpu_layers;
		if (above->chunk && run->prompt)
			run->chunk = above->chunk;
	}
}

/* --- columns -------------------------------------------------------------------------------------- */

/* Columns of llama-bench, llama-benchy and llamafile-bench that are read beside enum run_column, or change no rate that is
 * predicted: fields of tools/llama-bench/llama-bench.cpp. */
static const char *const others[] = {"test",
				     "n_prompt",
				     "n_gen",
				     "n_depth",
				     "t/s",
				     "n_batch",
				     "n_ubatch",
				     "mmap",
				     "use_mmap",
				     "dio",
				     "use_direct_io",
				     "direct_io",
				     "main_gpu",
				     "mg",
				     "cpu_mask",
				     "cpu_strict",
				     "poll",
				     "prio",
				     "delay",
				     "build_commit",
				     "test_time",
				     "model_type",
				     "n_threads_batch",
				     "f16_kv",
				     "fitt",
				     "fitc",
				     "peak t/s",
				     "ttfr (ms)",
				     "est_ppt (ms)",
				     "e2e_ttft (ms)",
				     "date"};

static bool is_known(const char *name)
{
	for (int k = 0; k < COLUMNS; k++)
		for (int i = 0; i < COLUMN_NAMES && run_column_names[k][i]; i++)
			if (cells_name_same(name, run_column_names[k][i]))
				return true;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (cells_name_same(name, others[i]))
			return true;
	return !*name;
}

/* Columns of our own csv beside those; ingest.h. Of `validate`'s and a fit's own tables, too. */
static const char *const own[] = {
	"kind",    "seconds", "tok_per_s", "prompt", "gen",   "depth",        "batch",   "chunk", "sd",
	"n",       "set",     "source",    "use",    "over",  "over_runtime", "rate",    "ratio", "peak",
	"quality", "remark",  "remarks",   "note",   "notes", "Notes",        "comment", "url"};

void csv_note_unknown(struct reading *r, int line, const char *const *names, size_t n)
{
	const char *all = NULL;

	for (size_t i = 0; i < n; i++)
		if (!is_known(names[i]) && str_find(names[i], own, ARRAY_LEN(own)) == ARRAY_LEN(own))
			all = arena_printf(r->arena, "%s%s'%.40s'", all ? all : "", all ? ", " : "",
					   names[i]);
	if (all)
		reading_note(r, line,
			     arena_printf(r->arena,
					  "what these columns say is not known here, and not used: %s", all));
}

void table_note_unknown(struct reading *r, int line, const struct cells *head)
{
	const char *all = NULL;

	for (size_t i = 0; i < head->n; i++)
		if (!is_known(head->at[i]))
			all = arena_printf(r->arena, "%s%s'%.40s'", all ? all : "", all ? ", " : "",
					   head->at[i]);
	if (all)
		reading_note(r, line,
			     arena_printf(r->arena,
					  "what these columns say is not known here, and not used: %s", all));
}

/* --- tables that nothing reads -------------------------------------------------------------------- */

/* Is the line a row of llama-bench, "| ... | pp512 | 1252.01 \xc2\xb1 16.10 |"? */
static bool is_bench_row(const char *line)
{
	const char *sd = strstr(line, " \xc2\xb1 ");

	for (const char *at = strchr(line, '|'); sd && at && at < sd; at = strchr(at + 1, '|')) {
		const char *test = at + 1 + strspn(at + 1, " ");

		if ((str_starts(test, "pp") || str_starts(test, "tg")) &&
		    isdigit((unsigned char)test[2 + strspn(test + 2, " ")]))
			return true;
	}
	return false;
}

static bool has_row_of(const struct reading *r, int line)
{
	for (size_t i = 0; i < r->rows.n; i++)
		if (r->rows.at[i].line == line)
			return true;
	return false;
}

void text_note_headless(struct reading *r, const char *text)
{
	size_t n = 0;
	int first = 0;

	for (int at = 1; *text; at++) /* the end of a row that was broken is of the line before */
		if (is_bench_row(reading_line(r, &text)) && !has_row_of(r, at) && !has_row_of(r, at - 1))
			first = n++ ? first : at;
	if (n)
		reading_note(
			r, first,
			arena_printf(r->arena,
				     "rows of llama-bench without the line that names their columns are not "
				     "read: %zu, the first here",
				     n));
}

static bool has_word(const char *line, const char *word)
{
	const size_t n = strlen(word);

	for (const char *at = line; *at; at++)
		if (!strncasecmp(at, word, n) && (at == line || !isalpha((unsigned char)at[-1])) &&
		    !isalpha((unsigned char)at[n]))
			return true;
	return false;
}

static bool is_rule_line(const char *line)
{
	const size_t n = strcspn(line, "\n");

	return n > 2 && memchr(line, '-', n) && memchr(line, '|', n) && strspn(line, "|-: ") >= n;
}

/* Names of two versions in a head of columns, and which. */
static const char *const *versions_in(const char *head)
{
	static const char *const versions[][2] = {
		{"before", "after"}, {"pre", "post"}, {"master", "PR"}, {"main", "PR"}, {"old", "new"}};

	for (size_t i = 0; i < ARRAY_LEN(versions); i++)
		if (has_word(head, versions[i][0]) && has_word(head, versions[i][1]))
			return versions[i];
	return NULL;
}

int refuse_unread_table(struct reading *r, const char *text)
{
	for (int at = 1; *text; at++) {
		const char *line = reading_line(r, &text);
		const char *const *two = strchr(line, '|') && is_rule_line(text) ? versions_in(line) : NULL;

		if (two) {
			err_set(r->err,
				"%s:%d: two results in each row, '%s' and '%s': which is meant is not said",
				r->path, at, two[0], two[1]);
			return err_hint(
				r->err,
				"leave one of them, in columns Model, Quant, Prompt tokens, Prompt t/s, "
				"Generated tokens, Generation t/s");
		}
		if (is_bench_row(line)) {
			err_set(r->err,
				"%s:%d: rows of llama-bench without the line that names their columns",
				r->path, at);
			return err_hint(r->err, "paste the table from '| model | size | params |' on");
		}
	}
	return 1;
}

/* --- devices in prose ----------------------------------------------------------------------------- */

/* Does the text begin with the name of a card, "RTX 3090", "Tesla P40", "MI25", "GPUs"? A power of two is a number of tokens. */
static bool names_card(const char *at)
{
	static const char *const makers[] = {"nvidia ", "geforce ", "rtx ",      "rtx",    "gtx ",
					     "tesla ",  "radeon ",  "amd ",      "rx ",    "arc ",
					     "intel ",  "pro ",     "instinct ", "quadro "};
	size_t letters, digits;

	for (size_t i = 0; i < ARRAY_LEN(makers); i++)
		if (!strncasecmp(at, makers[i], strlen(makers[i])))
			return true;
	if (!strncasecmp(at, "gpu", 3))
		return true;
	letters = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	digits = strspn(at + letters, "0123456789");
	if (letters)
		return letters <= 2 && digits >= 2 && digits <= 4;
	return digits == 4 && strspn(at, "12345") && strtol(at, NULL, 10) % 10 == 0 &&
	       strtol(at, NULL, 10) % 1000 != 0 && !isalpha((unsigned char)at[digits]);
}

/* "4x3090", "2x MI25", "2 \xc3\x97 RTX 3090", "x2 RTX 3090", "two GPUs": its length up to the card's name; 0: none begins here. */
static size_t several_at(const char *at)
{
	static const char *const words[] = {"two ", "three ", "four ", "eight ", "dual ",
					    "2 ",   "3 ",     "4 ",    "8 "};
	const size_t n = strspn(at, "0123456789"), blank = at[n] == ' ';
	const char *times = at + n + blank;
	const size_t sign = *times == 'x' || *times == 'X' ? 1 : str_starts(times, "\xc3\x97") ? 2 : 0;

	if (n && n < 3 && sign && strtol(at, NULL, 10) > 1)
		return (size_t)(times - at) + sign + (times[sign] == ' ');
	if (*at == 'x' && isdigit((unsigned char)at[1]) && at[1] > '1' && at[2] == ' ')
		return 3;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strncasecmp(at, words[i], strlen(words[i])) &&
		    !strncasecmp(at + strlen(words[i]), "gpu", 3))
			return strlen(words[i]);
	return 0;
}

/* What the line says of several cards; NULL: nothing. */
static const char *several_in(struct arena *a, const char *line)
{
	for (const char *at = line; *at; at++) {
		const size_t n =
			(at == line || !isalnum((unsigned char)at[-1])) && (at == line || at[-1] != '.')
				? several_at(at)
				: 0;

		if (n && names_card(at + n))
			return arena_strndup(a, at,
					     n + strcspn(at + n, " ,.;:)(\n") +
						     (str_starts(at + n, "RTX ")
							      ? strcspn(at + n + 4, " ,.;:)(\n") + 1
							      : 0));
	}
	return NULL;
}

/* A line that a program wrote, or a row: what it says was read. */
static bool is_prose(const char *line)
{
	return *line != '|' && !strstr(line, " | ") && !strstr(line, ": found ") && !strchr(line, '{') &&
	       !strstr(line, "llama-bench ");
}

/* Does a row say itself whether it had several devices? Mode "layer" is that of one, too. */
static bool says_devices(const struct run *run)
{
	const char *mode = run->says[COLUMN_SPLIT_MODE];

	return run->machine || run->says[COLUMN_DEVICES] || run->says[COLUMN_TENSOR_SPLIT] ||
	       (mode && strcmp(mode, "layer") != 0);
}

/* A row that says so little beside one whose layers were split over several devices: a command made both. */
static int split_beside(const struct reading *r, const char **mode)
{
	int line = 0;

	for (size_t i = 0; i < r->rows.n; i++) {
		const char *said = r->rows.at[i].says[COLUMN_SPLIT_MODE];

		if (said && (!strcmp(said, "row") || !strcmp(said, "tensor") || !strcmp(said, "graph")))
			*mode = said;
		if (said && !says_devices(&r->rows.at[i]))
			line = r->rows.at[i].line;
	}
	return *mode ? line : 0;
}

static bool all_say_devices(const struct reading *r)
{
	for (size_t i = 0; i < r->rows.n; i++)
		if (!says_devices(&r->rows.at[i]))
			return false;
	return true;
}

static void note_taken(struct reading *r, int line, const char *said)
{
	reading_note(
		r, line,
		arena_printf(r->arena,
			     "%s, and rows that do not say how many devices they had are taken for runs of "
			     "one",
			     said));
}

/* A line that heads what is below: it ends with a colon, or Markdown marks it. */
static bool is_heading(const char *line)
{
	enum { SHORT = 60 };

	return strlen(line) < SHORT && is_prose(line) &&
	       (str_ends(line, ":") || *line == '#' || str_starts(line, "**"));
}

/* The number of parameters in a heading, "13B" or "0.6b", as it stands there; NULL: none does. */
static const char *size_in(struct arena *a, const char *line)
{
	for (const char *at = line; *at; at++) {
		const size_t n = strspn(at, "0123456789.");

		if (isdigit((unsigned char)*at) && (at == line || !isalnum((unsigned char)at[-1])) &&
		    (at[n] == 'B' || at[n] == 'b') && !isalnum((unsigned char)at[n + 1]))
			return arena_strndup(a, at, n);
		at += n ? n - 1 : 0;
	}
	return NULL;
}

void text_note_sizes(struct reading *r, const char *text)
{
	const char *first = NULL;
	bool unnamed = false;

	for (size_t i = 0; i < r->rows.n; i++)
		unnamed = unnamed || !r->rows.at[i].model;
	for (int at = 1; *text && unnamed; at++) {
		const char *line = reading_line(r, &text),
			   *size = is_heading(line) ? size_in(r->arena, line) : NULL;

		first = first ? first : size;
		if (!size || !strcmp(size, first))
			continue;
		reading_note(r, at,
			     arena_printf(r->arena,
					  "headings are of models of %sB and %sB, and rows do not name "
					  "theirs: all are taken "
					  "for one model",
					  first, size));
		return;
	}
}

/* What makes another machine of one, as people write it beside their results. */
static void note_settings(struct reading *r, int at, const char *line)
{
	static const char *const words[] = {"power limit", "power-limit",   "powerlimit",     "power cap",
					    "power-cap",   "power limited", "nvidia-smi -pl", "undervolt",
					    "overclock",   "underclock"};

	for (size_t i = 0; i < ARRAY_LEN(words) && is_prose(line); i++)
		for (const char *c = line; *c; c++)
			if (!strncasecmp(c, words[i], strlen(words[i]))) {
				reading_note(
					r, at,
					arena_printf(
						r->arena,
						"the text speaks of '%s': rows are held against the machine "
						"as it is sold; one 'with base:' and what differs is that "
						"machine",
						words[i]));
				return;
			}
}

void text_note_settings(struct reading *r, const char *text)
{
	const size_t before = r->notes.n;

	for (int at = 1; *text && r->notes.n == before; at++)
		note_settings(r, at, reading_line(r, &text));
}

void text_note_devices(struct reading *r, const char *text)
{
	const char *mode = NULL;
	const int beside = split_beside(r, &mode);

	if (beside)
		note_taken(r, beside, arena_printf(r->arena, "rows beside it are of split mode '%s'", mode));
	for (int at = 1; *text && !all_say_devices(r); at++) {
		const char *line = reading_line(r, &text),
			   *said = is_prose(line) ? several_in(r->arena, line) : NULL;

		if (!said)
			continue;
		note_taken(r, at, arena_printf(r->arena, "the text speaks of '%.40s'", said));
		return;
	}
}

bool row_ends_with_bar(const char *row)
{
	size_t n = strlen(row);

	while (n && strchr(" \r", row[n - 1]))
		n--;
	return n && row[n - 1] == '|';
}

int table_check_whole(struct reading *r, const char *row, const char *next, int line)
{
	if (row_ends_with_bar(row) || next[strspn(next, " \n")])
		return 0;
	err_set(r->err, "%s:%d: the table's last row is cut off: it has no bar at its end", r->path, line);
	return err_hint(r->err, "the row whole, or without it");
}
