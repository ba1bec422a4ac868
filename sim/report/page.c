/* page.c - see page.h. */
#include "sim/report/page.h"

static const double small_size = 8;
const char page_grey[] = "#5a5a5a", page_black[] = "#111111";

void page_head(struct canvas *c, const char *title, const char *subtitle)
{
	const struct type big = {.size = 14, .bold = true, .align = 'c', .color = page_black};
	const struct type under = {.size = 9.5, .align = 'c', .color = page_grey};
	const double room = (PAGE_W - 2 * PAGE_MARGIN) * 0.95;

	canvas_text_in(c, (struct point){PAGE_W / 2.0, 20}, &big, title, room);
	if (subtitle && *subtitle)
		canvas_text_in(c, (struct point){PAGE_W / 2.0, 38}, &under, subtitle, room);
}

void page_names(struct canvas *c, double y, const char *name, const char *sub)
{
	const struct type bold = {.size = 10, .bold = true, .align = 'r', .color = page_black};
	const struct type under = {.size = small_size, .align = 'r', .color = page_grey};
	const bool has_sub = sub && *sub;
	const double x = PAGE_LEFT - PAGE_GUTTER;

	canvas_text_in(c, (struct point){x, has_sub ? y - 6 : y}, &bold, name, PAGE_NAMES_W);
	if (has_sub)
		canvas_text_in(c, (struct point){x, y + 7}, &under, sub, PAGE_NAMES_W);
}

void page_figures(struct canvas *c, double y, const char *figure, const char *sub)
{
	const struct type bold = {.size = 10, .bold = true, .align = 'l', .color = page_black};
	const struct type under = {.size = small_size, .align = 'l', .color = page_grey};
	const double x = PAGE_RIGHT + PAGE_GUTTER + 2;

	canvas_text(c, (struct point){x, y - 6}, &bold, figure, NULL);
	canvas_text(c, (struct point){x, y + 7}, &under, sub, NULL);
}
