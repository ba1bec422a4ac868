/* fuzz_safetensors.c - any bytes as a safetensors file and as an index: tables that make sense, or an error.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "sim/import/safetensors.h"

static void as_file(struct arena *a, const uint8_t *data, size_t size)
{
	struct tensor_table t = {.arena = a};
	struct err err = ERR_INIT;
	struct bytes b;
	struct tensor_sums sums;
	uint64_t short_B = 0, ends = 0;

	bytes_memory(&b, "input", data, size);
	if (safetensors_read(a, &b, &t, &short_B, &err) != 0) {
		BUG_ON(!err.msg[0]);
		return;
	}
	BUG_ON(err.msg[0] || b.at > size);
	for (size_t i = 0; i < t.n; i++)
		ends += (uint64_t)t.at[i].bytes;
	BUG_ON(ends != size - b.at + short_B); /* no hole, no overlap */
	if (tensors_sort(&t, &err) == 0)
		for (size_t i = 0; i < t.n && i < 100; i++)
			BUG_ON(tensors_find(&t, t.at[i].name) != &t.at[i]);
	tensors_sum(&t, 4, &sums);
}

static void as_index(struct arena *a, const char *text, size_t n)
{
	struct name_list files = {NULL, 0};
	struct err err = ERR_INIT;

	if (safetensors_index(a, "input", text, n, &files, &err) != 0) {
		BUG_ON(!err.msg[0]);
		return;
	}
	BUG_ON(err.msg[0] || !files.n);
	for (size_t i = 0; i < files.n; i++)
		BUG_ON(strchr(files.at[i], '/') || (i && strcmp(files.at[i - 1], files.at[i]) >= 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_strndup(&arena, (const char *)data, size);

	as_file(&arena, data, size);
	as_index(&arena, text, size);
	arena_release(&arena);
	return 0;
}
