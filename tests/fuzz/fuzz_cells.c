/* fuzz_cells.c - any text as a file of the cells of a sweep; what is read can be written and read again. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "sim/base/mem.h"
#include "sim/sweep/cells_file.h"

static const char version[] = "0";

/* Every cell that was read, once more. */
static void round_trip(struct arena *a, const struct sweep *s)
{
	struct str text = STR_INIT, again = STR_INIT;
	struct sweep back = {0};
	struct err err = ERR_INIT;

	cells_write_head(&text, s, version);
	for (size_t i = 0; i < s->cells_n; i++)
		if (s->cells[i].entries)
			cells_write_cell(&text, s, i);
	if (cells_read(a, &back, "again", text.text, text.len, version, &err) != 0)
		BUG("what was written cannot be read: %s", err.msg);
	cells_write_head(&again, &back, version);
	for (size_t i = 0; i < back.cells_n; i++)
		if (back.cells[i].entries)
			cells_write_cell(&again, &back, i);
	BUG_ON(strcmp(text.text, again.text) != 0);
	str_release(&text);
	str_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_strndup(&arena, (const char *)data, size);
	struct sweep s = {0};
	struct err err = ERR_INIT;

	if (cells_read(&arena, &s, "input", text, size, version, &err) != 0)
		BUG_ON(!err.msg[0]);
	if (s.names)
		round_trip(&arena, &s);
	arena_release(&arena);
	return 0;
}
