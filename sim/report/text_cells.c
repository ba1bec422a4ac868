/* text_cells.c - see text_cells.h. */
#include "sim/report/text_cells.h"

#include <stdint.h>
#include <string.h>

#include "sim/base/utf8.h"

enum { GAP = 2, NAME_LEAST = 14, KEY_LEAST = 5 };

/* The bytes of the first `width` columns of a word that is wider: up to the last mark among them, if there is one, and one
 * character at least. */
static size_t word_part(const char *word, size_t width)
{
	size_t n = 0, behind_mark = 0, used = 0;

	for (;;) {
		uint32_t c;
		const size_t len = utf8_decode(word + n, &c);

		used += len ? utf8_width(c) : 1;
		if (n && used > width)
			return behind_mark ? behind_mark : n;
		n += len ? len : 1;
		if (strchr("-./@_,:", word[n - 1]))
			behind_mark = n;
	}
}

static void add_to_lines(struct arena *a, struct texts *lines, const struct str *line)
{
	const char *const text = arena_strdup(a, line->text);

	*lines = texts_join(a, lines, (const char *const[]){text}, 1);
}

struct texts cell_lines(struct arena *a, const char *text, size_t width)
{
	struct texts lines = {NULL, 0};
	struct str line = STR_INIT, word = STR_INIT;

	if (!width || str_width(text) <= width) /* as it is, with the blanks that set it under others */
		return texts_join(a, &lines, &text, 1);
	while (*text) {
		size_t n = str_word(text);

		str_clear(&word);
		str_add_n(&word, text, n);
		if (str_width(word.text) > width) { /* a narrow cell parts a number from its unit */
			n = strcspn(text, " \n");
			str_clear(&word);
			str_add_n(&word, text, n);
		}
		if (line.len && str_width(line.text) + 1 + str_width(word.text) > width) {
			add_to_lines(a, &lines, &line);
			str_clear(&line);
		}
		if (str_width(word.text) > width) {
			n = word_part(text, width);
			str_add_n(&line, text, n);
			add_to_lines(a, &lines, &line);
			str_clear(&line);
			text += n;
			continue;
		}
		str_addf(&line, "%s%s", line.len ? " " : "", word.text);
		text += n + (text[n] != '\0');
	}
	if (line.len || !lines.n)
		add_to_lines(a, &lines, &line);
	str_release(&line);
	str_release(&word);
	return lines;
}

size_t cells_larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

size_t cells_name_width(size_t width)
{
	return cells_larger(width * 2 / 5, NAME_LEAST);
}

/* Those columns of the table that stand in it; a key that all rows share stands above. */
struct widths {
	size_t *of;   /* of each column of the table */
	size_t *keys; /* columns that begin each block */
	size_t keys_n;
};

static bool rows_share(const struct text_grid *g, size_t column)
{
	const char *const first = g->rows > 1 ? g->cells[g->columns + column] : "";

	for (size_t r = 2; r < g->rows; r++)
		if (strcmp(first, g->cells[r * g->columns + column]) != 0)
			return false;
	return g->rows > 2;
}

/* Columns from first on, with the gaps before them. */
static size_t sum_from(const struct text_grid *g, const struct widths *w, size_t first)
{
	size_t sum = 0;

	for (size_t c = first; c < g->columns; c++)
		sum += GAP + w->of[c];
	return sum;
}

static size_t sum_keys(const struct widths *w)
{
	size_t sum = 0;

	for (size_t k = 0; k < w->keys_n; k++)
		sum += w->of[w->keys[k]] + (k ? GAP : 0);
	return sum;
}

/* Keys that tell no row from another leave the table; one key stays in any case. */
static void lift_shared(struct str *out, const struct text_grid *g, struct widths *w, size_t most)
{
	size_t kept = 0;

	for (size_t k = 0; k < g->keys; k++) {
		if (!rows_share(g, k) || (k + 1 == g->keys && !kept)) {
			w->keys[kept++] = k;
			continue;
		}
		str_addf(out, "%s: ", g->cells[k]);
		str_add_wrapped(out, g->cells[g->columns + k], str_width(g->cells[k]) + 2, GAP, most);
	}
	str_add(out, kept < g->keys ? "\n" : "");
	w->keys_n = kept;
}

/* Takes width from whichever key is widest until they need no more than that, but leaves each `least`. */
static void shrink_keys(struct widths *w, size_t most, size_t least)
{
	while (sum_keys(w) > most) {
		size_t widest = w->keys[0];

		for (size_t k = 1; k < w->keys_n; k++)
			if (w->of[w->keys[k]] > w->of[widest])
				widest = w->keys[k];
		if (w->of[widest] <= least)
			return;
		w->of[widest]--;
	}
}

/* How many columns keys can give so that each keeps the least that a name takes. */
static size_t slack_of_keys(const struct widths *w)
{
	size_t slack = 0;

	for (size_t k = 0; k < w->keys_n; k++)
		slack += w->of[w->keys[k]] > NAME_LEAST ? w->of[w->keys[k]] - NAME_LEAST : 0;
	return slack;
}

/* Several keys take more of a block than one: three fifths. */
static size_t keys_most(const struct widths *w, size_t most)
{
	return w->keys_n > 1 ? cells_larger(most * 3 / 5, 2 * KEY_LEAST) : cells_name_width(most);
}

static void find_widths(const struct text_grid *g, struct widths *w)
{
	for (size_t c = 0; c < g->columns; c++)
		for (size_t r = 0; r < g->rows; r++)
			w->of[c] = cells_larger(w->of[c], str_width(g->cells[r * g->columns + c]));
	for (size_t k = 0; k < g->keys; k++)
		w->keys[k] = k;
	w->keys_n = g->keys;
}

/* Cuts columns where a table of that width has no room for them. */
static void cut_widths(const struct text_grid *g, size_t most, struct widths *w)
{
	const size_t sum = sum_keys(w) + sum_from(g, w, g->keys);
	size_t keys;

	if (sum <= most)
		return;
	if (slack_of_keys(w) >= sum - most) { /* names in more lines, and all stands in one block */
		shrink_keys(w, sum_keys(w) - (sum - most), NAME_LEAST);
		return;
	}
	shrink_keys(w, keys_most(w, most), KEY_LEAST);
	keys = sum_keys(w);
	for (size_t c = g->keys; c < g->columns; c++)
		if (keys + GAP + w->of[c] > most)
			w->of[c] = most > keys + 2 * GAP ? most - keys - GAP : GAP;
}

void cells_trim(struct str *out)
{
	while (out->len && out->text[out->len - 1] == ' ')
		out->text[--out->len] = '\0';
}

void cells_pad(struct str *out, const char *text, size_t width)
{
	const size_t own = str_width(text);

	str_add(out, text);
	str_pad(out, ' ', width > own ? width - own : 0);
}

static void add_right(struct str *out, const char *text, size_t width)
{
	const size_t own = str_width(text);

	str_pad(out, ' ', width > own ? width - own : 0);
	str_add(out, text);
}

/* One row of some columns, by their numbers. */
static void write_row(struct str *out, const struct text_grid *g, size_t row, const size_t *widths,
		      const size_t *columns, size_t columns_n)
{
	struct arena a = ARENA_INIT;
	struct texts *lines = arena_array(&a, columns_n, sizeof *lines);
	size_t n = 0;

	for (size_t k = 0; k < columns_n; k++) {
		lines[k] = cell_lines(&a, g->cells[row * g->columns + columns[k]], widths[columns[k]]);
		n = cells_larger(n, lines[k].n);
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < columns_n; k++) {
			str_pad(out, ' ', k ? GAP : 0);
			(columns[k] < g->left ? cells_pad : add_right)(
				out, i < lines[k].n ? lines[k].at[i] : "", widths[columns[k]]);
		}
		cells_trim(out);
		str_add(out, "\n");
	}
	arena_release(&a);
}

/* The columns of one block: all keys, then those from first on that there is room for, one at least. */
static size_t fill_block(const struct text_grid *g, const struct widths *w, size_t first, size_t most,
			 size_t *columns)
{
	size_t n = 0, used = sum_keys(w);

	for (; n < w->keys_n; n++)
		columns[n] = w->keys[n];
	for (size_t c = first; c < g->columns; c++) {
		used += GAP + w->of[c];
		if (c > first && most && used > most)
			break;
		columns[n++] = c;
	}
	return n;
}

void text_grid_write(struct str *out, const struct text_grid *g, size_t width)
{
	struct arena a = ARENA_INIT;
	struct widths w = {arena_array(&a, g->columns, sizeof *w.of),
			   arena_array(&a, g->columns, sizeof *w.keys), 0};
	size_t *columns = arena_array(&a, g->columns, sizeof *columns), n;

	find_widths(g, &w);
	if (width && sum_keys(&w) + sum_from(g, &w, g->keys) > width) {
		lift_shared(out, g, &w, width);
		cut_widths(g, width, &w);
	}
	for (size_t from = g->keys; from < g->columns; from += n - w.keys_n) {
		n = fill_block(g, &w, from, width, columns);
		str_add(out, from > g->keys ? "\n" : "");
		for (size_t row = 0; row < g->rows; row++)
			write_row(out, g, row, w.of, columns, n);
	}
	arena_release(&a);
}
