/* fuzz_opts.c - any lines as the arguments of each kind of command; the first byte chooses its options. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "sim/cli/opts.h"

enum { ARGS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct opts o;
	struct err err = ERR_INIT;
	char *argv[ARGS_MAX], *text;
	int argc = 0;

	if (!size)
		return 0;
	text = arena_strndup(&arena, (const char *)data + 1, size - 1);
	while (argc < ARGS_MAX && text) {
		char *next = strchr(text, '\n');

		argv[argc++] = text;
		if (next)
			*next++ = '\0';
		text = next;
	}
	if (opts_parse(&arena, argc, argv, data[0] & 63u, &o, &err) == 0) {
		BUG_ON(err.msg[0] || o.files.n > (size_t)argc || o.seed < -1 || o.draws < -1);
		for (size_t i = 0; i < o.files.n; i++)
			BUG_ON(!o.files.at[i]);
		for (size_t i = 0; i < o.sets.n; i++)
			BUG_ON(!o.sets.at[i]);
	} else {
		BUG_ON(!err.msg[0]);
	}
	arena_release(&arena);
	return 0;
}
