/* model_name.c - see model_name.h. */
#include "sim/ask/model_name.h"

#include <string.h>

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

struct model_name model_name_read(struct arena *a, const char *text)
{
	const char *slash = strrchr(text, '/'), *at = NULL;
	struct model_name out = {.name = slash && slash[1] ? slash + 1 : text};
	size_t n = 0;
	const int mix = mix_in_text(text, &at, &n);

	if (mix < MIX_N && at >= out.name) {
		out.weights = mix_names[mix];
		out.name = without(a, out.name, at, n);
	}
	return out;
}
