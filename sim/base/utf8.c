/* utf8.c - see utf8.h. */
#include "sim/base/utf8.h"

#include <string.h>

#include "sim/base/err.h"

#define EACH_BYTE(x) (UINT64_MAX / 255 * (x))

/* Whether all eight bytes are printable ASCII: none has its high bit set, is below a blank or is DEL. */
static bool all_plain(uint64_t x)
{
	return !((x | (x - EACH_BYTE(0x20)) | (x + EACH_BYTE(1))) & EACH_BYTE(0x80));
}

size_t utf8_plain(const char *s, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t x;

		memcpy(&x, s + i, sizeof x);
		if (!all_plain(x))
			break;
	}
	while (i < n && s[i] >= 0x20 && s[i] < 0x7f)
		i++;
	return i;
}

size_t utf8_decode(const char *s, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char first = (unsigned char)s[0];
	const size_t n = first < 0x80   ? 1
			 : first < 0xc2 ? 0
			 : first < 0xe0 ? 2
			 : first < 0xf0 ? 3
			 : first < 0xf5 ? 4
					: 0;

	if (n < 2) {
		*code = first;
		return n;
	}
	*code = first & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		const unsigned char c = (unsigned char)s[i];

		if ((c & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (c & 0x3f);
	}
	return *code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000) ? 0 : n;
}

struct range {
	uint32_t from, to;
};

static bool is_within(const struct range *ranges, size_t n, uint32_t code)
{
	size_t low = 0;

	while (low < n) {
		const size_t middle = low + (n - low) / 2;

		if (code > ranges[middle].to)
			low = middle + 1;
		else if (code < ranges[middle].from)
			n = middle;
		else
			return true;
	}
	return false;
}

/* East_Asian_Width W and F (EastAsianWidth.txt of Unicode 14.0), with code points between them that are not assigned. */
static const struct range wide[] = {
	{0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},   {0x23f0, 0x23f0},
	{0x23f3, 0x23f3},   {0x25fd, 0x25fe},   {0x2614, 0x2615},   {0x2648, 0x2653},   {0x267f, 0x267f},
	{0x2693, 0x2693},   {0x26a1, 0x26a1},   {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},
	{0x26ce, 0x26ce},   {0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f3},   {0x26f5, 0x26f5},
	{0x26fa, 0x26fa},   {0x26fd, 0x26fd},   {0x2705, 0x2705},   {0x270a, 0x270b},   {0x2728, 0x2728},
	{0x274c, 0x274c},   {0x274e, 0x274e},   {0x2753, 0x2755},   {0x2757, 0x2757},   {0x2795, 0x2797},
	{0x27b0, 0x27b0},   {0x27bf, 0x27bf},   {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2b55, 0x2b55},
	{0x2e80, 0x303e},   {0x3041, 0x3247},   {0x3250, 0x4dbf},   {0x4e00, 0xa4c6},   {0xa960, 0xa97c},
	{0xac00, 0xd7a3},   {0xf900, 0xfad9},   {0xfe10, 0xfe19},   {0xfe30, 0xfe6b},   {0xff01, 0xff60},
	{0xffe0, 0xffe6},   {0x16fe0, 0x1b2fb}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e},
	{0x1f191, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393},
	{0x1f3a0, 0x1f3ca}, {0x1f3cf, 0x1f3d3}, {0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4}, {0x1f3f8, 0x1f43e},
	{0x1f440, 0x1f440}, {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d}, {0x1f54b, 0x1f54e}, {0x1f550, 0x1f567},
	{0x1f57a, 0x1f57a}, {0x1f595, 0x1f596}, {0x1f5a4, 0x1f5a4}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5},
	{0x1f6cc, 0x1f6cc}, {0x1f6d0, 0x1f6d2}, {0x1f6d5, 0x1f6df}, {0x1f6eb, 0x1f6ec}, {0x1f6f4, 0x1f6fc},
	{0x1f7e0, 0x1f7f0}, {0x1f90c, 0x1f93a}, {0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faf6},
	{0x20000, 0x3fffd}};

/* Marks that are written over another character (category Mn) of the Latin, Cyrillic, Hebrew, Arabic, Thai and CJK scripts,
 * signs without width, and variation selectors. */
static const struct range unseen[] = {{0x300, 0x36f},   {0x483, 0x489},    {0x591, 0x5bd},   {0x610, 0x61a},
				      {0x64b, 0x65f},   {0xe34, 0xe3a},    {0xe47, 0xe4e},   {0x1ab0, 0x1aff},
				      {0x1dc0, 0x1dff}, {0x200b, 0x200f},  {0x2060, 0x2064}, {0x20d0, 0x20f0},
				      {0x302a, 0x302d}, {0x3099, 0x309a},  {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
				      {0xfeff, 0xfeff}, {0xe0100, 0xe01ef}};

size_t utf8_width(uint32_t code)
{
	if (code < unseen[0].from)
		return 1;
	if (is_within(unseen, ARRAY_LEN(unseen), code))
		return 0;
	return is_within(wide, ARRAY_LEN(wide), code) ? 2 : 1;
}

bool utf8_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029;
}

bool utf8_is_bidi_control(uint32_t code)
{
	return code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

const char *utf8_control(const char *text, uint32_t *code)
{
	while (*text) {
		const size_t n = utf8_decode(text, code);
		const bool control = utf8_is_control(*code) && *code != '\n' && *code != '\t';

		if (n && (control || utf8_is_bidi_control(*code)))
			return text;
		text += n ? n : 1;
	}
	return NULL;
}

const char *utf8_printable(struct arena *a, const char *text, size_t n, size_t max)
{
	char *to = arena_strndup(a, text, n < max ? n : max), *put = to;

	for (const char *s = to; *s;) {
		uint32_t c = 0;
		const size_t len = utf8_decode(s, &c);

		if (!len || c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
		    c == 0xfeff || c == 0xfffe || c == 0xffff) {
			*put++ = '?';
			s += len ? len : 1;
			continue;
		}
		for (size_t i = 0; i < len; i++)
			*put++ = *s++;
	}
	*put = '\0';
	return to;
}
