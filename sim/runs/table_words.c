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
