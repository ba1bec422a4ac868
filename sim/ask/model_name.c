/* model_name.c - see model_name.h. */
#include "sim/ask/model_name.h"

#include <ctype.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/llm/mix_word.h"
#include "sim/llm/quant.h"

/* Does the text, in any case, hold that word of three letters? */
static bool holds_mlx(const char *text)
{
	for (; *text; text++)
		if (tolower((unsigned char)text[0]) == 'm' && tolower((unsigned char)text[1]) == 'l' &&
		    tolower((unsigned char)text[2]) == 'x')
			return true;
	return false;
}

/* "-4bit" at the end of a name, as mlx_lm.convert's users write it. */
static const char *bits_of_mlx(struct arena *a, const char *name, const char **at)
{
	const size_t n = strlen(name), tail = strlen("-4bit");
	const char *end = n > tail ? name + n - tail : name;
	const char *mix;

	if (n <= tail || !isdigit((unsigned char)end[1]) || strncmp(end + 2, "bit", 3) != 0)
		return NULL;
	mix = arena_printf(a, "mlx_q%c", end[1]);
	if (str_find(mix, mix_names, MIX_N) == MIX_N)
		return NULL;
	*at = end;
	return mix;
}

struct model_name model_name_read(struct arena *a, const char *text)
{
	const char *slash = strrchr(text, '/');
	struct model_name out = {.name = slash && slash[1] ? slash + 1 : text};
	const char *at = NULL;
	size_t n = 0;
	const int mix = mix_in_text(out.name, &at, &n);

	if (mix < MIX_N) {
		out.weights = mix_names[mix];
		out.name = arena_printf(a, "%.*s%s", (int)(at - out.name), out.name, at + n);
	} else if (holds_mlx(text)) {
		out.weights = bits_of_mlx(a, out.name, &at);
		if (out.weights)
			out.name = arena_strndup(a, out.name, (size_t)(at - out.name));
	}
	return out;
}
