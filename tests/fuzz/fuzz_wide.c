/* fuzz_wide.c - any lines as the names of columns, cells and plain tables of people's results. */
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/runs/ingest_wide.h"

/* The words between bars of the first line are a head, those of the others are rows. */
static void cut(struct arena *a, const char *line, size_t len, struct cells *c)
{
	c->n = 0;
	for (size_t i = 0, from = 0; i <= len && c->n < CELLS; i++)
		if (i == len || line[i] == '|') {
			c->at[c->n++] = arena_strndup(a, line + from, i - from);
			from = i + 1;
		}
}

static void check_rows(const struct reading *r)
{
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct run *run = &r->rows.at[i];

		BUG_ON(!(run->seconds > 0) || !isfinite(run->seconds) || run->prompt < 0 || run->gen < 0 ||
		       run->depth < 0 || run->prompt + run->gen <= 0);
	}
}

static void as_table(struct arena *a, const char *text)
{
	static const struct source none = {"f", "", 0};
	const struct bench_lengths lengths = bench_lengths_of(a, text);
	size_t n = strcspn(text, "\n");
	struct cells row;
	struct wide_head head;
	struct err err = ERR_INIT;
	struct reading r = {.arena = a, .path = "f", .source = &none, .err = &err};

	BUG_ON(lengths.prompt < 0 || lengths.gen < 0 || (lengths.prompt > 0) != (lengths.gen > 0));
	cut(a, text, n, &row);
	if (wide_head_read(a, &row, &head) && !wide_head_refused(a, &head, lengths.prompt > 0))
		for (text += n; *text; text += n) {
			text++;
			n = strcspn(text, "\n");
			cut(a, text, n, &row);
			if (row.n <= head.n && ingest_wide_row(&r, 1, &head, &lengths, &row) != 0) {
				BUG_ON(!err.msg[0]);
				break;
			}
		}
	check_rows(&r);
	VEC_FREE(&r.rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_strndup(&arena, (const char *)data, size);
	struct wide_skipped skipped;

	as_table(&arena, text);
	BUG_ON(strlen(wide_as_bars(&arena, text, &skipped)) < strlen(text) / 2);
	arena_release(&arena);
	return 0;
}
