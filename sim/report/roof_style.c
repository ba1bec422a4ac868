/* roof_style.c - see roof_style.h. */
#include "sim/report/roof_style.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/report/textsize.h"

enum { COLOURS = 8, STEPS = 6 };

/* Those of Okabe and Ito for colour-blind readers, one for each device. */
static const char *const hues[COLOURS] = {"#0072b2", "#d55e00", "#009e73", "#a3507f",
					  "#8a6d00", "#56b4e9", "#6a51a3", "#333333"};
/* Neighbours are at least 25 of 255 apart as greys (0.299 red, 0.587 green, 0.114 blue), in both. */
static const char *const printed[STEPS] = {"#14285a", "#d98c2b", "#9b1c1c", "#2a93b5", "#000000", "#2f7d32"};
static const char *const greys[STEPS] = {"#000000", "#787878", "#282828", "#a0a0a0", "#505050", "#c0c0c0"};

const char *roof_color(const struct roofline *r, size_t roof)
{
	return r->look.style == STYLE_GREY    ? greys[roof % STEPS]
	       : r->look.style == STYLE_PRINT ? printed[roof % STEPS]
					      : hues[roof % COLOURS];
}

const char *roof_text_color(const struct roofline *r, size_t roof)
{
	const unsigned long rgb = strtoul(roof_color(r, roof) + 1, NULL, 16);
	const unsigned long luminance =
		299 * (rgb >> 16 & 255) + 587 * (rgb >> 8 & 255) + 114 * (rgb & 255); /* of 255,000 */

	return luminance > 140000 ? "#000000" : "#ffffff";
}

bool roofs_are_marked(const struct roofline *r)
{
	return r->roofs_n > 1 && (r->roofs_n > COLOURS || r->look.style != STYLE_COLOUR);
}

struct roof_mark roof_mark(const struct roofline *r, size_t roof)
{
	struct roof_mark m = {""};

	if (!roofs_are_marked(r))
		return m;
	m.text[0] = (char)('A' + roof % 26);
	if (roof >= 26)
		snprintf(m.text + 1, sizeof m.text - 1, "%d", (int)(roof / 26 % 10) + 1);
	return m;
}

void roof_add_name(struct str *out, const struct roofline *r, size_t roof, double width, double size,
		   bool bold)
{
	const struct roof_mark mark = roof_mark(r, roof);

	str_addf(out, mark.text[0] ? "%s  " : "%s", mark.text);
	textsize_shorten(out, r->roofs[roof].name, width, size, bold);
}
