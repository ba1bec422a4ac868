/* fuzz_served.c - any bytes as what vLLM's benchmark saved, or as a table of sweeps: runs of positive figures, or an error. */
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#include "sim/validate/served.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_strndup(&arena, (const char *)data, size);
	struct served_runs runs = {.n = 0};
	struct err err = ERR_INIT;
	const int rc = served_parse(&arena, "f", text, &runs, &err);

	BUG_ON((rc == 0) != !err.msg[0]);
	for (size_t i = 0; rc == 0 && i < runs.n; i++) {
		BUG_ON(!runs.at[i].changes || !runs.at[i].label);
		for (size_t m = 0; m < SERVED_METRICS; m++)
			BUG_ON(runs.at[i].of[m] < 0 || isinf(runs.at[i].of[m]));
	}
	for (const char *s = err.msg; *s; s++)
		BUG_ON((unsigned char)*s < 0x20 || (unsigned char)*s == 0x7f);
	arena_release(&arena);
	return 0;
}
