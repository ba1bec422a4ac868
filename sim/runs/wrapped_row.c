/* wrapped_row.c - see wrapped_row.h. */
#include "sim/runs/wrapped_row.h"

#include <string.h>

#include "sim/runs/table_words.h"

enum { WRAPPED_MOST = 8 };

static const char *behind_line(const char *text)
{
	text += strcspn(text, "\n");
	return text + (*text == '\n');
}

/* Cells of so many characters: parted by bars, of which one at either end parts none. */
static size_t cells_in(const char *text, size_t len)
{
	size_t bars = 0;

	while (len && strchr(" \r", text[len - 1]))
		len--;
	for (size_t i = 0; i < len; i++)
		bars += text[i] == '|';
	return len ? bars + 1 - (*text == '|') - (text[len - 1] == '|') : 0;
}

/* How many lines on there is one that ends with a bar, with none before it that begins with one; 0: there is none. */
static int pieces(const char *text)
{
	for (int n = 1; n < WRAPPED_MOST; n++) {
		const size_t len = strcspn(text, "\n");

		if (len && text[len - 1] == '|' && (*text != '|' || (len == 1 && n > 1)))
			return n;
		if (!len || *text == '|')
			return 0;
		text = behind_line(text);
	}
	return 0;
}

/* Does the next line begin with a bar and have what the row lacks? */
static bool goes_on(const char *row, const char *next, size_t cells)
{
	const size_t have = cells_in(row, strlen(row)), more = cells_in(next, strcspn(next, "\n"));

	return *next == '|' && !row_ends_with_bar(row) && have < cells && have + more == cells;
}

const char *wrapped_row(struct reading *r, const char *text, size_t cells, int *lines)
{
	const char *row = arena_strndup(r->arena, text, strcspn(text, "\n"));

	for (*lines = 1; *lines < WRAPPED_MOST;) {
		const char *next = behind_line(text);
		const bool is_short = !cells || cells_in(row, strlen(row)) < cells;
		int n = goes_on(row, next, cells) ? 1 : pieces(next);

		if (!n || (n > 1 && !is_short))
			break;
		*lines += n;
		for (; n > 0; n--) {
			row = arena_printf(r->arena, "%s%.*s", row, (int)strcspn(next, "\n"), next);
			text = next;
			next = behind_line(next);
		}
	}
	return row;
}
