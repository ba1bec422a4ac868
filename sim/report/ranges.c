/* ranges.c - see ranges.h. */
#include "sim/report/ranges.h"

#include <math.h>

#include "sim/draw/textsize.h"
#include "sim/report/html.h"

static const double width = 420, names_w = 150, values_w = 58, row_h = 22, top = 6;
/* A mark at 0 reaches so far to the left of its place, and leaves a gap before the name. */
static const double mark_r = 4.5, mark_line = 2, name_gap = 4;

static double reach(const struct metric *m)
{
	return isfinite(m->hi) ? fmax(m->hi, m->value) : m->value;
}

static double largest(const struct result *r, const struct column *c)
{
	double most = 0;

	for (size_t i = 0; i < r->rows_n; i++) {
		const struct metric *m = columns_metric(&r->rows[i], c);

		if (m && isfinite(reach(m)))
			most = fmax(most, reach(m));
	}
	return most;
}

static void add_name(struct str *out, const char *name, double y)
{
	const double x = names_w - mark_r - mark_line / 2 - name_gap;
	struct str cut = STR_INIT;
	const bool whole = textsize_shorten(&cut, name, x - 2, 11, false);

	str_addf(out, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">", x, y + 4);
	if (!whole)
		html_element(out, "title", NULL, name);
	html_text(out, cut.text);
	str_add(out, "</text>\n");
	str_release(&cut);
}

static void add_mark(struct str *out, const struct metric *m, const struct column *c, double scale, double y,
		     bool best)
{
	const double x = names_w + m->value * scale;
	struct str value = STR_INIT;

	if (isfinite(m->lo) && isfinite(m->hi) && m->lo != m->hi)
		str_addf(out, "<line class=\"interval\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
			 names_w + m->lo * scale, y, names_w + m->hi * scale, y);
	str_addf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>\n",
		 best ? "mark best" : "mark", x, y, mark_r);
	columns_value(&value, m, c);
	str_addf(out, "<text class=\"value%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", best ? " best" : "", width,
		 y + 4, value.text);
	str_release(&value);
}

/* What the picture shows, in words: the table beside it has every number. */
static void add_label(struct str *out, const struct column *c)
{
	html_text(out, c->head);
	if (*c->unit) {
		str_add(out, ", ");
		html_text(out, c->unit);
	}
}

void ranges_add(struct str *out, const struct result *r, const struct column *c)
{
	const double most = largest(r, c), scale = most > 0 ? (width - names_w - values_w) / most : 0;
	const double height = top * 2 + row_h * (double)r->rows_n;

	str_add(out, "<figure class=\"range\"><figcaption>");
	add_label(out, c);
	str_addf(out, "</figcaption>\n<svg role=\"img\" viewBox=\"0 0 %.0f %.0f\" aria-label=\"", width,
		 height);
	add_label(out, c);
	str_add(out, " of each assignment, with its interval\">\n");
	for (size_t i = 0; i < r->rows_n; i++) {
		const struct metric *m = columns_metric(&r->rows[i], c);
		const double y = top + row_h * ((double)i + 0.5);

		str_addf(out, "<line class=\"row\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
			 names_w, y, width - values_w, y);
		add_name(out, r->rows[i].name, y);
		if (m && isfinite(m->value))
			add_mark(out, m, c, scale, y, columns_is_best(r, c, i));
	}
	str_add(out, "</svg>\n</figure>\n");
}
