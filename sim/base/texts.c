/* texts.c - see texts.h. */
#include "sim/base/texts.h"

#include <string.h>

struct texts texts_cut(struct arena *a, const char *text, char separator)
{
	struct texts parts = {arena_array(a, strlen(text) + 1, sizeof *parts.at), 0};
	const char *from = text;
	int depth = 0;
	char quote = 0;

	for (;; text++) {
		const char c = *text;

		if (quote)
			quote = c == quote ? 0 : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		depth += !quote && strchr("[{", c) && c ? 1 : 0;
		depth -= !quote && strchr("]}", c) && c ? 1 : 0;
		if (c && (quote || depth > 0 || c != separator))
			continue;
		parts.at[parts.n++] = arena_strndup(a, from, (size_t)(text - from));
		if (!c)
			return parts;
		from = text + 1;
	}
}

struct texts texts_join(struct arena *a, const struct texts *first, const char *const *more, size_t n)
{
	const struct texts all = {arena_array(a, first->n + n, sizeof *all.at), first->n + n};

	if (first->n)
		memcpy(all.at, first->at, first->n * sizeof *all.at);
	if (n)
		memcpy(all.at + first->n, more, n * sizeof *all.at);
	return all;
}

struct texts texts_join_once(struct arena *a, const struct texts *first, const char *text)
{
	for (size_t i = 0; i < first->n; i++)
		if (!strcmp(first->at[i], text))
			return *first;
	return texts_join(a, first, &text, 1);
}
