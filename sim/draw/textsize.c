/* textsize.c - see textsize.h. */
#include "sim/draw/textsize.h"

#include <stddef.h>
#include <stdint.h>

#include "sim/base/utf8.h"

/* Advance widths of U+0020 to U+007E in thousandths of the font size, from the hmtx tables of DejaVu Sans
 * 2.37. */
static const short plain[95] = {
	318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361,  318, 337, 636, 636, 636,
	636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
	575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635,  611, 732, 684, 989, 685,
	611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352,  635, 634, 278, 278, 579,
	278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592,  525, 636, 337, 636, 838};
static const short heavy[95] = {
	348, 456,  521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415,  380, 365, 696, 696,  696,
	696, 696,  696, 696, 696, 696,  696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830,  683,
	683, 821,  837, 372, 372, 775,  637, 995, 837, 850, 733, 850, 770, 720,  682, 812, 774, 1103, 771,
	724, 725,  457, 365, 457, 838,  500, 500, 675, 716, 593, 716, 678, 435,  716, 712, 343, 343,  665,
	343, 1042, 712, 687, 716, 716,  493, 595, 478, 712, 652, 924, 645, 652,  582, 712, 365, 712,  838};

static const char ellipsis[] = "\xe2\x80\xa6";

/* Advance width beyond ASCII by block: combining marks, Latin to Cyrillic, signs, and full width for all
 * others. */
static double advance_width(uint32_t c, bool bold)
{
	if (c >= 0x20 && c <= 0x7e)
		return (bold ? heavy : plain)[c - 0x20] / 1000.0;
	if (c == 0xb7) /* the middle dot, which separates numbers */
		return bold ? 0.38 : 0.318;
	if (c >= 0x300 && c < 0x370)
		return 0.0;
	if (c < 0x1100)
		return bold ? 0.8 : 0.72;
	return c == 0x2013 ? 0.5 : 1.0;
}

/* The width of the next code point; *at moves past it. An invalid byte is drawn as U+FFFD. */
static double next_width(const char **at, double size, bool bold)
{
	uint32_t c = 0xfffd;
	const size_t n = utf8_decode(*at, &c);

	*at += n ? n : 1;
	return size * advance_width(n ? c : 0xfffd, bold);
}

double textsize_width(const char *utf8, double size, bool bold)
{
	double width = 0.0;

	while (*utf8)
		width += next_width(&utf8, size, bold);
	return width;
}

bool textsize_shorten(struct str *out, const char *utf8, double room, double size, bool bold)
{
	const double left = room - textsize_width(ellipsis, size, bold);
	const char *at = utf8, *end = utf8;
	double width = 0.0;

	if (textsize_width(utf8, size, bold) <= room) {
		str_add(out, utf8);
		return true;
	}
	while (*at && (width += next_width(&at, size, bold)) <= left)
		end = at;
	while (end > utf8 && end[-1] == ' ')
		end--;
	str_add_n(out, utf8, (size_t)(end - utf8));
	str_add(out, ellipsis);
	return false;
}
