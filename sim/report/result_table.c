/*
 * result_table.c - a result for people at a terminal: does it fit, how fast, what limits it, what would
 * change that, how sure are we - in this order.
 *
 * Layer report. Where the terminal is too narrow, columns move to a further block under the first; lines
 * never break. No line ends in blanks.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/utf8.h"
#include "sim/base/units.h"
#include "sim/report/class_rows.h"
#include "sim/report/columns.h"
#include "sim/report/writers.h"

/* Columns of the whole table: the name, fits?, the metrics, limited by. */
enum {
	NAME,
	FITS,
	FIRST,
	TABLE_MAX = FIRST + COLUMNS_MAX + 1,
	WRAP_AT = 100,
	BAR_CELLS = 10,
	NAME_MAX_COLUMNS = 60
};
static const char between[] = "  ";

struct table {
	const struct result *r;
	struct column columns[COLUMNS_MAX];
	size_t metrics_n, columns_n; /* columns_n: of the table, limited by being the last */
	struct str head[2][TABLE_MAX];
	struct str *cells; /* rows_n times columns_n */
	size_t widths[TABLE_MAX];
};

static struct str *cell(const struct table *t, size_t row, size_t column)
{
	return &t->cells[row * t->columns_n + column];
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void trim(struct str *out)
{
	while (out->len && out->text[out->len - 1] == ' ')
		out->text[--out->len] = '\0';
}

static void add_padded(struct str *out, const char *text, size_t width)
{
	const size_t own = str_width(text);

	str_add(out, text);
	str_pad(out, ' ', width > own ? width - own : 0);
}

/* At most width columns of the text, with an ellipsis where it was cut. */
static void add_cut(struct str *out, const char *text, size_t width)
{
	size_t n = 0;
	uint32_t c;

	if (str_width(text) <= width) {
		str_add(out, text);
		return;
	}
	for (size_t k = 0; k + 1 < width; k++) {
		const size_t len = utf8_decode(text + n, &c);

		n += len ? len : 1;
	}
	str_add_n(out, text, n);
	str_add(out, "\xe2\x80\xa6");
}

/* ---- cells ---- */

struct number {
	struct str value, chance, interval;
	size_t whole; /* columns before the point */
	bool best;
};

/* One column of numbers: points under each other, then the mark, then the intervals. */
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
		whole = larger(whole, n->whole);
		part = larger(part, n->value.len - n->whole);
		marked |= n->best;
	}
	for (size_t i = 0; i < t->r->rows_n; i++) {
		struct number *n = &numbers[i];
		struct str *to = cell(t, i, FIRST + k);

		if (n->value.len) {
			str_pad(to, ' ', whole - n->whole);
			add_padded(to, n->value.text, n->value.len + part - (n->value.len - n->whole));
			str_add(to, n->best ? "*" : marked ? " " : "");
			if (n->chance.len)
				str_addf(to, " %s", n->chance.text);
			str_addf(to, n->interval.len ? " (%s)" : "%s", n->interval.text);
			trim(to);
		}
		str_release(&n->value);
		str_release(&n->chance);
		str_release(&n->interval);
	}
	free(numbers);
}

static void fill_texts(struct table *t, size_t name_max)
{
	for (size_t i = 0; i < t->r->rows_n; i++) {
		const struct assignment_row *row = &t->r->rows[i];

		add_cut(cell(t, i, NAME), row->name, name_max);
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

/* A row that does not fit says so across the columns of numbers: it does not widen "fits?". */
static void measure(struct table *t)
{
	for (size_t c = 0; c < t->columns_n; c++) {
		t->widths[c] = larger(str_width(t->head[0][c].text), str_width(t->head[1][c].text));
		for (size_t i = 0; i < t->r->rows_n; i++)
			if (c != FITS || t->r->rows[i].fits || t->r->rows[i].short_phase)
				t->widths[c] = larger(t->widths[c], str_width(cell(t, i, c)->text));
	}
}

/* columns: columns_of() or one like it; name: the head of the rows' names. */
static void table_init(struct table *t, const struct result *r,
		       size_t (*columns)(const struct result *r, struct column columns[COLUMNS_MAX]),
		       const char *name, size_t name_max)
{
	*t = (struct table){.r = r};
	t->metrics_n = columns(r, t->columns);
	t->columns_n = FIRST + t->metrics_n + 1;
	t->cells = xcalloc(r->rows_n * t->columns_n + 1, sizeof *t->cells);
	for (size_t i = 0; i < r->rows_n * t->columns_n; i++)
		t->cells[i] = (struct str)STR_INIT;
	for (size_t c = 0; c < t->columns_n; c++)
		t->head[0][c] = t->head[1][c] = (struct str)STR_INIT;
	fill_heads(t, name);
	fill_texts(t, name_max);
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

/* A sentence in "fits?" that is longer than all columns of numbers in its block widens the last of them. */
static void make_room_for_sentences(struct table *t, const struct block *b)
{
	const size_t last = b->end == t->columns_n ? b->end - 2 : b->end - 1;
	size_t room = 0, need = 0;

	if (b->first > FITS)
		return;
	for (size_t c = FITS; c <= last; c++)
		room += t->widths[c] + (c > FITS ? strlen(between) : 0);
	for (size_t i = 0; i < t->r->rows_n; i++)
		need = larger(need, str_width(cell(t, i, FITS)->text));
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
		add_padded(out, t->head[line][NAME].text, t->widths[NAME]);
		for (size_t c = b->first; c < b->end; c++) {
			str_add(out, between);
			add_padded(out, t->head[line][c].text, t->widths[c]);
		}
		trim(out);
		str_add(out, "\n");
	}
}

static void add_row(struct str *out, const struct table *t, const struct block *b, size_t i)
{
	size_t owed = 0; /* how far a sentence reaches into the columns after its own */

	add_padded(out, cell(t, i, NAME)->text, t->widths[NAME]);
	for (size_t c = b->first; c < b->end; c++) {
		const struct str *text = cell(t, i, c);
		const size_t room = strlen(between) + t->widths[c];

		if (owed && !text->len) { /* the sentence runs on */
			const size_t step = owed < room ? owed : room;

			owed -= step;
			str_pad(out, ' ', room - step);
			continue;
		}
		str_add(out, between);
		add_padded(out, text->text, t->widths[c]);
		owed = str_width(text->text) > t->widths[c] ? str_width(text->text) - t->widths[c] : 0;
	}
	trim(out);
	str_add(out, "\n");
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
		table_init(&t, &classes, class_rows_columns, "class", name_max);
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

/* How many notes from the first on are on the same assignment; at least one. */
static size_t notes_alike(const struct note *notes, size_t n)
{
	size_t k = 1;

	while (k < n && notes->about && notes[k].about == notes->about &&
	       !memcmp(notes[k].text, notes->text, notes->about))
		k++;
	return k;
}

/* Several on one assignment stand below its name. */
static void add_notes(struct str *out, const struct result *r, int width)
{
	for (size_t i = 0, n; i < r->notes_n; i += n) {
		const struct note *first = &r->notes[i];

		n = notes_alike(first, r->notes_n - i);
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

struct memory_line {
	struct str machine, need, usable, parts;
};

static void add_part(struct str *out, const char *name, double bytes)
{
	if (bytes <= 0.0)
		return;
	str_addf(out, "%s%s ", out->len ? " + " : "", name);
	columns_size(out, bytes);
}

static void fill_memory(struct memory_line *line, const struct memory_row *m)
{
	*line = (struct memory_line){STR_INIT, STR_INIT, STR_INIT, STR_INIT};
	str_add(&line->machine, m->machine);
	if (m->phase && *m->phase)
		str_addf(&line->machine, " (%s)", m->phase);
	columns_size(&line->need, m->need_B);
	columns_size(&line->usable, m->usable_B);
	add_part(&line->parts, "weights", m->weights_B);
	add_part(&line->parts, "KV", m->kv_B);
	add_part(&line->parts, "activations", m->activations_B);
	add_part(&line->parts, "gradients", m->gradients_B);
	add_part(&line->parts, "optimizer", m->optimizer_B);
	if (m->disk_B > 0) {
		str_add(&line->parts, ", on the disk ");
		columns_size(&line->parts, m->disk_B);
	}
	if (m->during) {
		str_add(&line->parts, ", at ");
		units_format(&line->parts, m->peak_s, DIM_TIME, 3);
		str_addf(&line->parts, " in %s", m->during);
	}
}

/* Ten cells, as many full as the share needs; one that is over the brim is full and says so. */
static void add_bar(struct str *out, double need_B, double usable_B)
{
	const double share = usable_B > 0.0 ? need_B / usable_B : 0.0;
	const int full = (int)fmin(ceil(share * BAR_CELLS), BAR_CELLS);

	for (int i = 0; i < BAR_CELLS; i++)
		str_add(out, i < full ? "\xe2\x96\x88" : "\xe2\x96\x91");
	str_addf(out, " %4.0f %%%s", 100.0 * share, need_B > usable_B ? "!" : " ");
}

struct memory_widths {
	size_t name, machine, need, usable;
};

static void add_memory_line(struct str *out, const char *name, const struct memory_line *line,
			    const struct memory_row *m, const struct memory_widths *w, int width)
{
	const size_t start = out->len;
	size_t at;

	add_padded(out, name, w->name + 2);
	add_padded(out, line->machine.text, w->machine + 2);
	str_pad(out, ' ', w->need - line->need.len);
	str_addf(out, "%s of ", line->need.text);
	str_pad(out, ' ', w->usable - line->usable.len);
	str_addf(out, "%s  ", line->usable.text);
	if (width <= 0 || width >= 80)
		add_bar(out, m->need_B, m->usable_B);
	at = str_width(out->text + start);
	if (width > 0 && at + 2 + str_width(line->parts.text) > (size_t)width) {
		trim(out);
		str_add(out, "\n");
		str_pad(out, ' ', 2);
		str_add_wrapped(out, line->parts.text, 2, 2, wrap_width(width));
		return;
	}
	str_addf(out, " %s", line->parts.text);
	trim(out);
	str_add(out, "\n");
}

static void add_memory(struct str *out, const struct table *t, int width)
{
	const struct result *r = t->r;
	struct memory_widths w = {.name = t->widths[NAME]};
	struct memory_line *lines;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < r->rows_n; i++)
		n += r->rows[i].memory_n;
	if (!n)
		return;
	lines = xcalloc(n, sizeof *lines);
	for (size_t i = 0; i < r->rows_n; i++)
		for (size_t j = 0; j < r->rows[i].memory_n; j++, k++) {
			fill_memory(&lines[k], &r->rows[i].memory[j]);
			w.machine = larger(w.machine, str_width(lines[k].machine.text));
			w.need = larger(w.need, lines[k].need.len);
			w.usable = larger(w.usable, lines[k].usable.len);
		}
	str_add(out, "\nMemory\n");
	for (size_t i = k = 0; i < r->rows_n; i++)
		for (size_t j = 0; j < r->rows[i].memory_n; j++, k++) {
			add_memory_line(out, j ? "" : cell(t, i, NAME)->text, &lines[k],
					&r->rows[i].memory[j], &w, width);
			str_release(&lines[k].machine);
			str_release(&lines[k].need);
			str_release(&lines[k].usable);
			str_release(&lines[k].parts);
		}
	free(lines);
}

static void add_advice(struct str *out, const struct table *t, int width)
{
	const size_t name = t->widths[NAME] + 2;
	bool first = true;

	for (size_t i = 0; i < t->r->rows_n; i++) {
		const char *advice = t->r->rows[i].advice;

		if (!advice || !*advice)
			continue;
		str_add(out, first ? "\nWhat would change that\n" : "");
		first = false;
		add_padded(out, cell(t, i, NAME)->text, name);
		str_add_wrapped(out, advice, name, name, larger(wrap_width(width), name + 30));
	}
}

void result_table(struct str *out, const struct result *r, int width)
{
	const size_t narrow = width > 0 ? larger((size_t)width * 2 / 5, 14) : NAME_MAX_COLUMNS;
	size_t name_max = NAME_MAX_COLUMNS;
	struct table t;

	table_init(&t, r, columns_of, "assignment", name_max);
	if (width > 0 && block_width(&t, &(struct block){FITS, t.columns_n, 0}) > (size_t)width) {
		table_release(&t);
		name_max = narrow < NAME_MAX_COLUMNS ? narrow : NAME_MAX_COLUMNS;
		table_init(&t, r, columns_of, "assignment", name_max);
	}
	str_addf(out, "%s\n", r->title && *r->title ? r->title : r->scenario);
	if (r->computed)
		str_add_wrapped(out, r->computed, 0, 2, wrap_width(width));
	str_add(out, "\n");
	add_blocks(out, &t, FITS, t.columns_n, width);
	add_classes(out, r, name_max, width);
	str_add(out, "\n");
	add_legend(out, &t, width);
	add_notes(out, r, width);
	add_memory(out, &t, width);
	add_advice(out, &t, width);
	table_release(&t);
}
