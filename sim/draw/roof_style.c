/* roof_style.c - see roof_style.h. */
#include "sim/draw/roof_style.h"

#include <stdio.h>

#include "sim/base/err.h"
#include "sim/draw/textsize.h"

const char *roof_color(const struct roofline *r, size_t roof)
{
	return look_hue(r->look.style, roof);
}

const char *roof_text_color(const struct roofline *r, size_t roof)
{
	return look_text_on(roof_color(r, roof));
}

struct stroke roof_stroke(const struct roofline *r, size_t roof)
{
	const size_t again = roof / look_hues(r->look.style);

	return (struct stroke){.color = roof_color(r, roof),
			       .width = again < 3 ? 2.0 : 3.5,
			       .dashed = again % 3 == 1,
			       .dotted = again % 3 == 2};
}

bool roofs_are_marked(const struct roofline *r)
{
	return r->roofs_n > 1 && (r->roofs_n > look_hues(STYLE_COLOUR) || r->look.style != STYLE_COLOUR);
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
