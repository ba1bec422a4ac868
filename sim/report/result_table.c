/*
 * result_table.c - a result for people at a terminal: does it fit, how fast, what limits it, what would
 * change that, how sure are we - in this order.
 *
 * Layer report. Where the terminal is too narrow, columns move to a further block under the first, and names and
 * sentences are broken into lines. No line ends in blanks.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/report/class_rows.h"
#include "sim/report/columns.h"
#include "sim/report/text_cells.h"
#include "sim/report/writers.h"

/* Columns of the whole table: the name, fits?, the metrics, limited by. */
enum { NAME, FITS, FIRST, TABLE_MAX = FIRST + COLUMNS_MAX + 1, WRAP_AT = 100, NAME_MAX_COLUMNS = 60 };
static const char between[] = "  ";

struct table {
	const struct result *r;
	struct column columns[COLUMNS_MAX];
	size_t metrics_n, columns_n; /* columns_n: of the table, limited by being the last */
	struct str head[2][TABLE_MAX];
	struct str *cells; /* rows_n times columns_n */
	size_t widths[TABLE_MAX];
	size_t name_max, width; /* of the terminal; 0: as wide as it takes */
};

static struct str *cell(const struct table *t, size_t row, size_t column)
{
	return &t->cells[row * t->columns_n + column];
}

/* ---- cells ---- */

struct number {
	struct str value, chance, interval;
	size_t whole; /* columns before the point */
	bool best;
};

/* One column of numbers: points under each other, and intervals. The mark stands directly behind its number. */
static void fill_numbers(struct table *t, size_t k)
{
	const struct column *c = &t->columns[k];
	struct number *numbers = xcalloc(t->r->rows_n + 1, sizeof *numbers);
	size_t whole = 0, part = 0;
	bool marked = false;

	for (size_t i = 0; i < t->r->rows_n; i++) {
		const struct metric *m = columns_metric(&t->r->rows[i], c);
		struct number *n = &numbers[i];

		*n = (struct number){.value = STR_INIT, .chance = STR_INIT, .interval = STR_INIT};
		if (!m)
			continue;
		columns_value(&n->value, m, c);
		columns_chance(&n->chance, m, c);
		columns_interval(&n->interval, m, c);
		n->whole = strcspn(n->value.text, ".");
		n->best = columns_is_best(t->r, c, i);
		whole = cells_larger(whole, n->whole);
		part = cells_larger(part, n->value.len - n->whole);
		marked |= n->best;
	}
	for (size_t i = 0; i < t->r->rows_n; i++) {
		struct number *n = &numbers[i];
		struct str *to = cell(t, i, FIRST + k);

		if (n->value.len) {
			str_pad(to, ' ', whole - n->whole);
			str_addf(to, "%s%s", n->value.text, n->best ? "*" : "");
			str_pad(to, ' ', part - (n->value.len - n->whole) + (marked && !n->best));
			if (n->chance.len)
				str_addf(to, " %s", n->chance.text);
			str_addf(to, n->interval.len ? " (%s)" : "%s", n->interval.text);
			cells_trim(to);
		}
		str_release(&n->value);
		str_release(&n->chance);
		str_release(&n->interval);
	}
	free(numbers);
}

static void fill_texts(struct table *t)
{
	for (size_t i = 0; i < t->r->rows_n; i++) {
		const struct assignment_row *row = &t->r->rows[i];

		str_add(cell(t, i, NAME), row->name);
		columns_fits(cell(t, i, FITS), row);
		str_add(cell(t, i, t->columns_n - 1), row->bound);
	}
}

static void fill_heads(struct table *t, const char *name)
{
	str_add(&t->head[0][NAME], name);
	str_add(&t->head[0][FITS], "fits?");
	for (size_t k = 0; k < t->metrics_n; k++) {
		str_add(&t->head[0][FIRST + k], t->columns[k].head);
		str_add(&t->head[1][FIRST + k], t->columns[k].unit);
	}
	str_add(&t->head[0][t->columns_n - 1], "limited by");
}

/* What a line has for everything beside the name. */
static size_t room_beside(const struct table *t)
{
	enum { LEAST = 8 };
	const size_t name = t->widths[NAME] + strlen(between);

	return !t->width ? (size_t)-1 : t->width > name + LEAST ? t->width - name : LEAST;
}

/* A row that does not fit says so across the columns of numbers: it does not widen "fits?". */
static bool is_sentence(const struct table *t, size_t row, size_t column)
{
	return column == FITS && !t->r->rows[row].fits && !t->r->rows[row].short_phase;
}

static void measure(struct table *t)
{
	for (size_t c = 0; c < t->columns_n; c++) {
		const size_t most = c == NAME ? t->name_max : room_beside(t);

		t->widths[c] = cells_larger(str_width(t->head[0][c].text), str_width(t->head[1][c].text));
		for (size_t i = 0; i < t->r->rows_n; i++)
			if (!is_sentence(t, i, c))
				t->widths[c] = cells_larger(t->widths[c], str_width(cell(t, i, c)->text));
		t->widths[c] = t->widths[c] < most ? t->widths[c] : most;
	}
}

/* columns: columns_of() or one like it; name: the head of the rows' names. */
static void table_init(struct table *t, const struct result *r,
		       size_t (*columns)(const struct result *r, struct column columns[COLUMNS_MAX]),
		       const char *name, size_t name_max, int width)
{
	*t = (struct table){.r = r, .name_max = name_max, .width = width > 0 ? (size_t)width : 0};
	t->metrics_n = columns(r, t->columns);
	t->columns_n = FIRST + t->metrics_n + 1;
	t->cells = xcalloc(r->rows_n * t->columns_n + 1, sizeof *t->cells);
	for (size_t i = 0; i < r->rows_n * t->columns_n; i++)
		t->cells[i] = (struct str)STR_INIT;
	for (size_t c = 0; c < t->columns_n; c++)
		t->head[0][c] = t->head[1][c] = (struct str)STR_INIT;
	fill_heads(t, name);
	fill_texts(t);
	for (size_t k = 0; k < t->metrics_n; k++)
		fill_numbers(t, k);
	measure(t);
}

static void table_release(struct table *t)
{
	for (size_t i = 0; i < t->r->rows_n * t->columns_n; i++)
		str_release(&t->cells[i]);
	for (size_t c = 0; c < t->columns_n; c++) {
		str_release(&t->head[0][c]);
		str_release(&t->head[1][c]);
	}
	free(t->cells);
}

/* ---- blocks ---- */

/* The name and the columns first to end - 1. */
struct block {
	size_t first, end, width;
};

/* The last column that a sentence may reach into. */
static size_t sentence_end(const struct table *t, const struct block *b)
{
	return b->end == t->columns_n ? b->end - 2 : b->end - 1;
}

static size_t sentence_room(const struct table *t, const struct block *b)
{
	size_t room = 0;

	for (size_t c = FITS; c <= sentence_end(t, b); c++)
		room += t->widths[c] + (c > FITS ? strlen(between) : 0);
	return room;
}

/* A sentence in "fits?" that is longer than all columns of numbers in its block widens the last of them. */
static void make_room_for_sentences(struct table *t, const struct block *b)
{
	const size_t last = sentence_end(t, b), most = room_beside(t);
	size_t room, need = 0;

	if (b->first > FITS)
		return;
	room = sentence_room(t, b);
	for (size_t i = 0; i < t->r->rows_n; i++)
		need = cells_larger(need, str_width(cell(t, i, FITS)->text));
	need = need < most ? need : most;
	if (need > room)
		t->widths[last] += need - room;
}

static size_t block_width(const struct table *t, const struct block *b)
{
	size_t width = t->widths[NAME];

	for (size_t c = b->first; c < b->end; c++)
		width += strlen(between) + t->widths[c];
	return width;
}

/* As many columns from first up to end as the width allows, but one at least. */
static struct block block_from(struct table *t, size_t first, size_t end, int width)
{
	struct block b = {first, end, 0};

	for (; b.end > first + 1; b.end--) {
		make_room_for_sentences(t, &b);
		b.width = block_width(t, &b);
		if (width <= 0 || b.width <= (size_t)width)
			return b;
		measure(t);
	}
	make_room_for_sentences(t, &b);
	b.width = block_width(t, &b);
	return b;
}

static void add_rule(struct str *out, size_t width)
{
	for (size_t i = 0; i < width; i++)
		str_add(out, "\xe2\x94\x80");
	str_add(out, "\n");
}

static void add_heads(struct str *out, const struct table *t, const struct block *b)
{
	for (int line = 0; line < 2; line++) {
		size_t used = 0;

		for (size_t c = b->first; c < b->end; c++)
			used += t->head[line][c].len;
		if (line && !used)
			continue;
		cells_pad(out, t->head[line][NAME].text, t->widths[NAME]);
		for (size_t c = b->first; c < b->end; c++) {
			str_add(out, between);
			cells_pad(out, t->head[line][c].text, t->widths[c]);
		}
		cells_trim(out);
		str_add(out, "\n");
	}
}

/* Line n of a row whose cells are broken into lines. */
static void add_row_line(struct str *out, const struct table *t, const struct block *b,
			 const struct texts *lines, size_t n)
{
	size_t owed = 0; /* how far a sentence reaches into the columns after its own */

	cells_pad(out, n < lines[NAME].n ? lines[NAME].at[n] : "", t->widths[NAME]);
	for (size_t c = b->first; c < b->end; c++) {
		const char *text = n < lines[c].n ? lines[c].at[n] : "";
		const size_t room = strlen(between) + t->widths[c];

		if (owed && !*text) { /* the sentence runs on */
			const size_t step = owed < room ? owed : room;

			owed -= step;
			str_pad(out, ' ', room - step);
			continue;
		}
		str_add(out, between);
		cells_pad(out, text, t->widths[c]);
		owed = str_width(text) > t->widths[c] ? str_width(text) - t->widths[c] : 0;
	}
	cells_trim(out);
	str_add(out, "\n");
}

static void add_row(struct str *out, const struct table *t, const struct block *b, size_t i)
{
	struct arena a = ARENA_INIT;
	struct texts lines[TABLE_MAX];
	size_t n;

	lines[NAME] = cell_lines(&a, cell(t, i, NAME)->text, t->widths[NAME]);
	n = lines[NAME].n;
	for (size_t c = b->first; c < b->end; c++) {
		lines[c] = cell_lines(&a, cell(t, i, c)->text,
				      is_sentence(t, i, c) ? sentence_room(t, b) : t->widths[c]);
		n = cells_larger(n, lines[c].n);
	}
	for (size_t k = 0; k < n; k++)
		add_row_line(out, t, b, lines, k);
	arena_release(&a);
}

static void add_block(struct str *out, const struct table *t, const struct block *b)
{
	add_heads(out, t, b);
	add_rule(out, b->width);
	for (size_t i = 0; i < t->r->rows_n; i++)
		add_row(out, t, b, i);
}

static void add_blocks(struct str *out, struct table *t, size_t first, size_t end, int width)
{
	for (size_t from = first; from < end;) {
		const struct block b = block_from(t, from, end, width);

		str_add(out, from > first ? "\n" : "");
		add_block(out, t, &b);
		measure(t);
		from = b.end;
	}
}

/* The classes of the load: names and numbers, no memory and nothing that limits them. */
static void add_classes(struct str *out, const struct result *r, size_t name_max, int width)
{
	struct arena a = ARENA_INIT;
	const struct result classes = class_rows(&a, r);
	struct table t;

	if (classes.rows_n) {
		str_add(out, "\n");
		table_init(&t, &classes, class_rows_columns, "class", name_max, width);
		add_blocks(out, &t, FIRST, t.columns_n - 1, width);
		table_release(&t);
	}
	arena_release(&a);
}

/* ---- under the table ---- */

static size_t wrap_width(int width)
{
	return width > 20 && width < WRAP_AT ? (size_t)width : WRAP_AT;
}

static void add_legend(struct str *out, const struct table *t, int width)
{
	struct str text = STR_INIT;
	bool best = false, chance = false;

	for (size_t k = 0; k < t->metrics_n; k++)
		for (size_t i = 0; i < t->r->rows_n; i++) {
			const struct metric *m = columns_metric(&t->r->rows[i], &t->columns[k]);

			best |= columns_is_best(t->r, &t->columns[k], i);
			chance |= m && m->ci > 0;
		}
	if (best)
		str_add(&text, "* best of its column; ");
	if (chance)
		str_add(&text, "\xc2\xb1 chance, 95 %; ");
	if (t->metrics_n) {
		str_add(&text, "(a\xe2\x80\x93"
			       "b) P10\xe2\x80\x93P90");
		if (t->r->draws > 0)
			str_addf(&text, " of %d draws", t->r->draws);
		str_add(&text, "; rests on:");
	}
	for (size_t k = 0; k < t->metrics_n; k++)
		str_addf(&text, "%s %s %s", k ? "," : "", t->columns[k].head,
			 provenance_names[columns_from(t->r, &t->columns[k])]);
	if (text.len)
		str_add_wrapped(out, text.text, 0, 2, wrap_width(width));
	str_release(&text);
}

/* How many notes from the first on are on its assignment; at least one. */
static size_t notes_on_one(const struct note *notes, size_t n)
{
	size_t k = 1;

	while (k < n && notes->about && notes_alike(notes, &notes[k]))
		k++;
	return k;
}

/* Several on one assignment stand below its name. */
static void add_notes(struct str *out, const struct result *r, int width)
{
	for (size_t i = 0, n; i < r->notes_n; i += n) {
		const struct note *first = &r->notes[i];

		n = notes_on_one(first, r->notes_n - i);
		if (n == 1) {
			str_add_wrapped(out, first->text, 0, 2, wrap_width(width));
			continue;
		}
		str_addf(out, "%.*s\n", (int)first->about - 1, first->text);
		for (size_t k = 0; k < n; k++) {
			str_add(out, "  ");
			str_add_wrapped(out, first[k].text + first[k].about, 2, 4, wrap_width(width));
		}
	}
}

/* The advice stands beside the name, or below it where it would be a column too narrow to read. */
static void add_advice_row(struct str *out, const char *name, const char *advice, size_t beside, int width)
{
	if (beside) {
		cells_pad(out, name, beside);
		str_add_wrapped(out, advice, beside, beside, wrap_width(width));
		return;
	}
	str_add_wrapped(out, name, 0, 2, wrap_width(width));
	str_add(out, "    ");
	str_add_wrapped(out, advice, 4, 4, wrap_width(width));
}

static void add_advice(struct str *out, const struct table *t, int width)
{
	enum { LEAST = 30 };
	size_t name = 0;
	bool first = true;

	for (size_t i = 0; i < t->r->rows_n; i++)
		name = cells_larger(name, str_width(cell(t, i, NAME)->text) + 2);
	for (size_t i = 0; i < t->r->rows_n; i++) {
		const char *advice = t->r->rows[i].advice;

		if (!advice || !*advice)
			continue;
		str_add(out, first ? "\nWhat would change that\n" : "");
		first = false;
		add_advice_row(out, cell(t, i, NAME)->text, advice,
			       name + LEAST <= wrap_width(width) ? name : 0, width);
	}
}

void result_table(struct str *out, const struct result *r, int width)
{
	const size_t narrow = width > 0 ? cells_name_width((size_t)width) : NAME_MAX_COLUMNS;
	size_t name_max = NAME_MAX_COLUMNS;
	struct table t;

	table_init(&t, r, columns_of, "assignment", name_max, width);
	if (width > 0 && block_width(&t, &(struct block){FITS, t.columns_n, 0}) > (size_t)width) {
		table_release(&t);
		name_max = narrow < NAME_MAX_COLUMNS ? narrow : NAME_MAX_COLUMNS;
		table_init(&t, r, columns_of, "assignment", name_max, width);
	}
	str_add_wrapped(out, r->title && *r->title ? r->title : r->scenario, 0, 2, wrap_width(width));
	if (r->computed)
		str_add_wrapped(out, r->computed, 0, 2, wrap_width(width));
	str_add(out, "\n");
	add_blocks(out, &t, FITS, t.columns_n, width);
	add_classes(out, r, name_max, width);
	str_add(out, "\n");
	add_legend(out, &t, width);
	add_notes(out, r, width);
	result_memory(out, r, wrap_width(width), width);
	add_advice(out, &t, width);
	table_release(&t);
}
