/* look.c - see look.h. */
#include "sim/draw/look.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/draw/page.h"

_Static_assert((int)LOOK_WIDTH == (int)PAGE_W, "one usual width");

const char *const picture_style_names[STYLE_N + 1] = {"colour", "grey", "print", NULL};

enum { COLOURS_MAX = 8 };
struct palette {
	const char *at[COLOURS_MAX];
	size_t n;
};

/* Those of Okabe and Ito for colour-blind readers. The others are in an order in which neighbours differ most. */
static const struct palette hues[STYLE_N] = {
	[STYLE_COLOUR] = {{"#0072b2", "#d55e00", "#009e73", "#a3507f", "#8a6d00", "#56b4e9", "#6a51a3",
			   "#333333"},
			  8},
	[STYLE_GREY] = {{"#000000", "#787878", "#282828", "#a0a0a0", "#505050", "#c0c0c0"}, 6},
	[STYLE_PRINT] = {{"#14285a", "#d98c2b", "#9b1c1c", "#2a93b5", "#000000", "#2f7d32"}, 6},
};

/* The same hues as tints. In the last two styles their greys are 246, 220.5, 195, 169.5, 144 and 118.5. */
static const struct palette tints[STYLE_N] = {
	[STYLE_COLOUR] = {{"#cfe3f2", "#f8d7bf", "#c3e6da", "#ead3e0", "#e9dfb3", "#d9eefb", "#ddd4ee",
			   "#d9d9d9"},
			  8},
	[STYLE_GREY] = {{"#f6f6f6", "#c3c3c3", "#909090", "#dddddd", "#aaaaaa", "#777777"}, 6},
	[STYLE_PRINT] = {{"#eff8fd", "#98d8c7", "#a89342", "#f4d6bf", "#c998b3", "#308cc0"}, 6},
};

const char *look_hue(enum picture_style style, size_t i)
{
	return hues[style].at[i % hues[style].n];
}

size_t look_hues(enum picture_style style)
{
	return hues[style].n;
}

const char *look_tint(enum picture_style style, size_t i)
{
	return tints[style].at[i % tints[style].n];
}

size_t look_tints(enum picture_style style)
{
	return tints[style].n;
}

const char *look_limit(enum picture_style style)
{
	return style == STYLE_GREY ? "#000000" : "#c1272d";
}

/* The relative luminance of WCAG 2.1 with squares for its powers of 2.4; at a grey of 118 of 255 black and white have the
 * same contrast, 4.6 to 1. */
const char *look_text_on(const char *color)
{
	const unsigned long rgb = strtoul(color + 1, NULL, 16);
	const unsigned long r = rgb >> 16 & 255, g = rgb >> 8 & 255, b = rgb & 255;

	return 2126 * r * r + 7152 * g * g + 722 * b * b > 10000UL * 118 * 118 ? "#000000" : "#ffffff";
}

/* Letters are of 7.5 points or more as they are drawn; at this scale they are of 6. */
static const double least_scale = 0.8, axis_font = 8.5, least_page = 315;

double look_page(const struct picture_look *look)
{
	const double width = look->width > 0 ? look->width : PAGE_W;

	if (look->font_size > 0)
		return width * axis_font / look->font_size;
	return width < PAGE_W ? fmin(width / least_scale, PAGE_W) : PAGE_W;
}

bool look_has_room(const struct picture_look *look)
{
	return (look->width > 0 ? look->width : LOOK_WIDTH) >= look_least_width(look->font_size);
}

double look_least_width(double font_size)
{
	return least_page * (font_size > 0 ? font_size / axis_font : least_scale);
}

static double caption_height(const struct picture_look *look, double width)
{
	return look->caption ? page_caption(NULL, width, 0, look->caption) + 8 : 0;
}

/* A picture that is drawn wider than its page has room for stays so, where no width was said. */
static double scale_of(const struct picture_look *look, double width)
{
	if (look->width > 0)
		return look->width / width;
	return look->font_size > 0 ? look->font_size / axis_font : 1;
}

void look_open(const struct picture_look *look, struct canvas *c, struct str *out, const struct look_frame *f)
{
	const char *title = look->title ? look->title : f->title;
	const double more = look->no_title ? 0 : page_head(NULL, f->width, title, f->subtitle);

	canvas_open(c, out, f->width, f->height + more + caption_height(look, f->width), f->lines_first,
		    scale_of(look, f->width), look->style != STYLE_COLOUR);
	if (!look->no_title)
		page_head(c, f->width, title, f->subtitle);
	canvas_move_down(c, more);
}

void look_close(const struct picture_look *look, struct canvas *c, double width, double height)
{
	if (look->caption)
		page_caption(c, width, height + 2, look->caption);
	canvas_close(c);
}
