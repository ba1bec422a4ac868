/* fuzz_opts.c - any lines as the arguments of each verb; the first byte chooses which. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "sim/cli/cmd.h"

enum { ARGS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const struct verb *verb;
	struct args args;
	void *options;
	size_t verbs_n = 0;
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
	while (verbs[verbs_n])
		verbs_n++;
	verb = verbs[data[0] % verbs_n];
	options = arena_alloc(&arena, verb->size);
	if (opts_parse(&arena, argc, argv, verb->options, verb->options_n, options, &args, &err) == 0) {
		BUG_ON(err.msg[0] || args.files.n > (size_t)argc);
		for (size_t i = 0; i < args.files.n; i++)
			BUG_ON(!args.files.at[i]);
	} else {
		BUG_ON(!err.msg[0]);
	}
	arena_release(&arena);
	return 0;
}
