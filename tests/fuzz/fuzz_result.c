/* fuzz_result.c - any bytes as a result that was written as JSON: it is read and can be shown in every format, where what was
 * written once more gives the same again, or there is an error. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "sim/report/result_read.h"

/* Reads what was written and writes it again: the first reading may have dropped what no result holds, the second may not. */
static void same_again(struct arena *a, const struct str *once)
{
	struct str again = STR_INIT;
	struct err err = ERR_INIT;
	struct result r;
	const char *config;

	BUG_ON(result_read(a, "again.json", once->text, once->len, &r, &config, &err) != 0);
	result_write(&again, &r, RESULT_JSON, 0);
	BUG_ON(again.len != once->len || memcmp(again.text, once->text, once->len) != 0);
	str_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_strndup(&arena, (const char *)data, size), *config;
	struct result r;
	struct err err = ERR_INIT;
	const int rc = result_read(&arena, "f.json", text, strlen(text), &r, &config, &err);

	BUG_ON((rc == 0) != !err.msg[0]);
	for (int f = 0; f < RESULT_FORMAT_N && rc == 0; f++) {
		struct str out = STR_INIT;

		result_write(&out, &r, (enum result_format)f, 80);
		if (f == RESULT_JSON)
			same_again(&arena, &out);
		str_release(&out);
	}
	arena_release(&arena);
	return 0;
}
