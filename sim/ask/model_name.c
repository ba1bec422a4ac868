/* model_name.c - see model_name.h. */
#include "sim/ask/model_name.h"

#include <string.h>

#include "sim/ask/look_up.h"
#include "sim/llm/mix_word.h"
#include "sim/llm/quant.h"

/* The name without n bytes at `at`, and without separators at its end. */
static const char *without(struct arena *a, const char *name, const char *at, size_t n)
{
	char *rest = arena_printf(a, "%.*s%s", (int)(at - name), name, at + n);
	size_t len = strlen(rest);

	while (len && strchr("-_:. ", rest[len - 1]))
		rest[--len] = '\0';
	return rest;
}

/* What names a format that is not known: Unsloth's dynamic mixes ("UD-Q4_K_XL"), whatever they are near to, and what
 * stands behind the colon of a GGUF; NULL: nothing. */
static const char *unknown_format(const char *name, const char *known)
{
	const char *ud = strstr(name, "UD-"), *colon = strrchr(name, ':');

	if (ud && ud > name)
		return ud;
	return !known && colon && colon[1] && strstr(name, "GGUF") ? colon + 1 : NULL;
}

struct model_name model_name_read(struct arena *a, const char *text)
{
	const char *slash = strrchr(text, '/'), *at = NULL;
	struct model_name out = {.name = slash && slash[1] ? slash + 1 : text, .mlx = text_is_of_mlx(text)};
	size_t n = 0;
	int mix;

	if (look_up_is_file(text))
		return (struct model_name){.name = text};
	mix = mix_in_text(text, &at, &n);
	if (mix < MIX_N && at >= out.name &&
	    *without(a, out.name, at, n)) /* "awq.yaml" is a model of that name */
		out.weights = mix_names[mix];
	out.unknown = unknown_format(out.name, out.weights);
	if (out.weights)
		out.name = without(a, out.name, at, n);
	return out;
}
