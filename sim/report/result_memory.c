/* result_memory.c - the memory of each machine in each assignment, under the table for people at a terminal. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/units.h"
#include "sim/report/columns.h"
#include "sim/report/text_cells.h"
#include "sim/report/writers.h"

enum {
	BAR_CELLS = 10,
	BAR = 1 + BAR_CELLS + 7,
	OF = 4
}; /* columns of the bar with its share, and of " of " */

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
	if (m->load_B > 0) {
		str_add(&line->parts, ", while loading ");
		columns_size(&line->parts, m->load_B);
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
	size_t line, prose; /* line 0: as wide as it takes */
	bool stacked, bar;
};

/* Where a line has no room for all of it, names stand above; where that does not help, there is no bar. */
static void choose_memory_layout(struct memory_widths *w, int width)
{
	const size_t facts = w->machine + 2 + w->need + OF + w->usable + 2;

	w->line = width > 0 ? (size_t)width : 0;
	w->stacked = w->line && w->name + 2 + facts + BAR > w->line;
	w->bar = !w->line || 2 + facts + BAR <= w->line;
}

/* name: empty where it is that of the line before. */
static void add_memory_name(struct str *out, const char *name, const struct memory_widths *w)
{
	if (!w->stacked) {
		cells_pad(out, name, w->name + 2);
		return;
	}
	if (*name)
		str_add_wrapped(out, name, 0, 2, w->line);
	str_pad(out, ' ', 2);
}

static void add_memory_line(struct str *out, const char *name, const struct memory_line *line,
			    const struct memory_row *m, const struct memory_widths *w)
{
	const size_t indent = w->stacked ? 4 : 2;
	size_t start, at;

	add_memory_name(out, name, w);
	start = out->len;
	cells_pad(out, line->machine.text, w->machine + 2);
	str_pad(out, ' ', w->need - line->need.len);
	str_addf(out, "%s of ", line->need.text);
	str_pad(out, ' ', w->usable - line->usable.len);
	str_addf(out, "%s  ", line->usable.text);
	if (w->bar)
		add_bar(out, m->need_B, m->usable_B);
	at = str_width(out->text + start) + (w->stacked ? 2 : w->name + 2);
	if (w->line && at + 2 + str_width(line->parts.text) > w->line) {
		cells_trim(out);
		str_add(out, "\n");
		str_pad(out, ' ', indent);
		str_add_wrapped(out, line->parts.text, indent, indent, w->prose);
		return;
	}
	str_addf(out, " %s", line->parts.text);
	cells_trim(out);
	str_add(out, "\n");
}

void result_memory(struct str *out, const struct result *r, size_t prose, int width)
{
	struct memory_widths w = {.name = strlen("assignment"), .prose = prose}; /* as the table above */
	struct memory_line *lines;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < r->rows_n; i++)
		n += r->rows[i].memory_n;
	if (!n)
		return;
	lines = xcalloc(n, sizeof *lines);
	for (size_t i = 0; i < r->rows_n; i++)
		w.name = cells_larger(w.name, str_width(r->rows[i].name));
	for (size_t i = 0; i < r->rows_n; i++)
		for (size_t j = 0; j < r->rows[i].memory_n; j++, k++) {
			fill_memory(&lines[k], &r->rows[i].memory[j]);
			w.machine = cells_larger(w.machine, str_width(lines[k].machine.text));
			w.need = cells_larger(w.need, lines[k].need.len);
			w.usable = cells_larger(w.usable, lines[k].usable.len);
		}
	choose_memory_layout(&w, width);
	str_add(out, "\nMemory\n");
	for (size_t i = k = 0; i < r->rows_n; i++)
		for (size_t j = 0; j < r->rows[i].memory_n; j++, k++) {
			add_memory_line(out, j ? "" : r->rows[i].name, &lines[k], &r->rows[i].memory[j], &w);
			str_release(&lines[k].machine);
			str_release(&lines[k].need);
			str_release(&lines[k].usable);
			str_release(&lines[k].parts);
		}
	free(lines);
}
