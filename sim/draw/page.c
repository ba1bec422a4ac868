/* page.c - see page.h. */
#include "sim/draw/page.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "sim/draw/textsize.h"

static const double small_size = 8, name_size = 10;
enum { HEAD_LINES = 3 }; /* of a title and of what is below it */
const char page_grey[] = "#5a5a5a", page_black[] = "#111111";

void page_figures(struct canvas *c, double right, double y, const char *figure, const char *sub)
{
	const struct type bold = {.size = 10, .bold = true, .align = 'l', .color = page_black};
	const struct type under = {.size = small_size, .align = 'l', .color = page_grey};
	const double x = right + PAGE_GUTTER + 2;

	canvas_text(c, (struct point){x, y - 6}, &bold, figure, NULL);
	canvas_text(c, (struct point){x, y + 7}, &under, sub, NULL);
}

size_t page_line(const char *text, double room, const struct type *type)
{
	struct str line = STR_INIT;
	size_t n = 0;

	for (;;) {
		const size_t blanks = strspn(text + n, " \n");
		const size_t word = str_word(text + n + blanks);

		str_add_n(&line, text + n, blanks + word);
		if (!word || (n && textsize_width(line.text, type->size, type->bold) > room))
			break;
		n += blanks + word;
	}
	str_release(&line);
	return n;
}

/* The smaller lines below a name: one, or two where one has no room for the text. */
static void draw_sub(struct canvas *c, struct point at, const char *text, double room)
{
	const struct type type = {.size = small_size, .align = 'r', .color = page_grey};
	const size_t n = page_line(text, room, &type);
	struct str first = STR_INIT;

	str_add_n(&first, text, n);
	canvas_text_in(c, at, &type, first.text, room);
	if (text[n])
		canvas_text_in(c, (struct point){at.x, at.y + 9}, &type, text + n + 1, room);
	str_release(&first);
}

static bool takes_two_lines(const char *sub, double room)
{
	return textsize_width(sub, small_size, false) > room && strchr(sub, ' ') != NULL;
}

void page_names(struct canvas *c, double left, double y, const char *name, const char *sub)
{
	const bool has_sub = sub && *sub;
	const double x = left - PAGE_GUTTER, room = x - PAGE_MARGIN;
	const double fits = 0.98 * name_size * room / fmax(textsize_width(name, name_size, true), 1);
	const double up = !has_sub ? 0 : takes_two_lines(sub, room) ? 11 : 6;
	const struct type bold = {.size = fmin(fmax(fits, small_size), name_size),
				  .bold = true,
				  .align = 'r',
				  .color = page_black};

	canvas_text_in(c, (struct point){x, y - up}, &bold, name, room);
	if (has_sub)
		draw_sub(c, (struct point){x, y - up + 13}, sub, room);
}

/* Lines of the page's width, the first at y; what most_lines have no room for is cut off. Returns their height. */
static double paragraph(struct canvas *c, const struct type *type, double width, double line_h,
			size_t most_lines, double y, const char *text)
{
	const double room = width - 2 * PAGE_MARGIN, x = type->align == 'c' ? width / 2 : PAGE_MARGIN;
	double height = 0;

	for (text += strspn(text, " \n"); *text && most_lines > 0; text += strspn(text, " \n")) {
		const size_t n = --most_lines ? page_line(text, room, type) : strlen(text);
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
	return paragraph(c, &(struct type){.size = 9.5, .align = 'l', .color = page_black}, width, 13,
			 SIZE_MAX, y, text);
}

double page_note(struct canvas *c, double width, double y, const char *text)
{
	return paragraph(c, &(struct type){.size = small_size, .align = 'c', .color = page_grey}, width, 11,
			 SIZE_MAX, y, text);
}

double page_head(struct canvas *c, double width, const char *title, const char *subtitle)
{
	const struct type big = {.size = 14, .bold = true, .align = 'c', .color = page_black};
	const struct type under = {.size = 9.5, .align = 'c', .color = page_grey};
	const double title_h = 18, under_h = 13;
	double more = paragraph(c, &big, width, title_h, HEAD_LINES, 20, title) - title_h;

	if (subtitle && *subtitle)
		more += paragraph(c, &under, width, under_h, HEAD_LINES, 38 + more, subtitle) - under_h;
	return more > 0 ? more : 0;
}
