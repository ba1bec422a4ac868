/* page.c - see page.h. */
#include "sim/report/page.h"

#include <string.h>

#include "sim/report/textsize.h"

static const double small_size = 8;
const char page_grey[] = "#5a5a5a", page_black[] = "#111111";

void page_head(struct canvas *c, double width, const char *title, const char *subtitle)
{
	const struct type big = {.size = 14, .bold = true, .align = 'c', .color = page_black};
	const struct type under = {.size = 9.5, .align = 'c', .color = page_grey};
	const double room = (width - 2 * PAGE_MARGIN) * 0.95;

	canvas_text_in(c, (struct point){width / 2, 20}, &big, title, room);
	if (subtitle && *subtitle)
		canvas_text_in(c, (struct point){width / 2, 38}, &under, subtitle, room);
}

void page_names(struct canvas *c, double left, double y, const char *name, const char *sub)
{
	const struct type bold = {.size = 10, .bold = true, .align = 'r', .color = page_black};
	const struct type under = {.size = small_size, .align = 'r', .color = page_grey};
	const bool has_sub = sub && *sub;
	const double x = left - PAGE_GUTTER, room = x - PAGE_MARGIN;

	canvas_text_in(c, (struct point){x, has_sub ? y - 6 : y}, &bold, name, room);
	if (has_sub)
		canvas_text_in(c, (struct point){x, y + 7}, &under, sub, room);
}

void page_figures(struct canvas *c, double right, double y, const char *figure, const char *sub)
{
	const struct type bold = {.size = 10, .bold = true, .align = 'l', .color = page_black};
	const struct type under = {.size = small_size, .align = 'l', .color = page_grey};
	const double x = right + PAGE_GUTTER + 2;

	canvas_text(c, (struct point){x, y - 6}, &bold, figure, NULL);
	canvas_text(c, (struct point){x, y + 7}, &under, sub, NULL);
}

/* The bytes of as many words as fit into the room; at least one word. */
static size_t line_of(const char *text, double room, double size)
{
	struct str line = STR_INIT;
	size_t n = 0;

	for (;;) {
		const size_t blanks = strspn(text + n, " \n"), word = strcspn(text + n + blanks, " \n");

		str_add_n(&line, text + n, blanks + word);
		if (!word || (n && textsize_width(line.text, size, false) > room))
			break;
		n += blanks + word;
	}
	str_release(&line);
	return n;
}

static double paragraph(struct canvas *c, const struct type *type, double width, double line_h, double y,
			const char *text)
{
	const double room = width - 2 * PAGE_MARGIN, x = type->align == 'c' ? width / 2 : PAGE_MARGIN;
	double height = 0;

	for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
		const size_t n = line_of(text, room, type->size);
		struct str line = STR_INIT;

		str_add_n(&line, text, n);
		if (c)
			canvas_text_in(c, (struct point){x, y + height}, type, line.text, room);
		str_release(&line);
		height += line_h;
		text += n;
	}
	return height;
}

double page_caption(struct canvas *c, double width, double y, const char *text)
{
	return paragraph(c, &(struct type){.size = 9.5, .align = 'l', .color = page_black}, width, 13, y,
			 text);
}

double page_note(struct canvas *c, double width, double y, const char *text)
{
	return paragraph(c, &(struct type){.size = small_size, .align = 'c', .color = page_grey}, width, 11,
			 y, text);
}
