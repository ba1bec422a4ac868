/* utf8.c - see utf8.h. */
#include "sim/base/utf8.h"

#include <string.h>

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
