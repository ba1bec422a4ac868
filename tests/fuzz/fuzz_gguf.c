/* fuzz_gguf.c - any bytes as a GGUF: a table that makes sense and a description that can be written and read,
 * or an error. */
#include "tests/fuzz/fuzz.h"

#include <math.h>

#include "sim/import/describe.h"

static void describe(struct arena *a, const struct gguf *g, struct tensor_table *t, struct err *err)
{
	struct described d;
	struct tensor_sums sums;
	struct str out = STR_INIT;
	struct diags diags;
	struct source source;

	if (tensors_sort(t, err) != 0 || describe_gguf(a, &d, g, t, err) != 0) {
		BUG_ON(!err->msg[0]);
		return;
	}
	tensors_sum(t, d.layers, &sums);
	d.parameters = tensor_sums_numbers(&sums);
	BUG_ON(!isfinite(d.parameters) || d.parameters < 0 || !isfinite(tensor_sums_bytes(&sums)));
	d.source = "input";
	describe_write(&d, NULL, "fuzz", &out);
	source = (struct source){"made", out.text, out.len};
	diags_init(&diags, a);
	if (!yml_parse(a, &source, &diags))
		BUG("cannot be read back: %s", diags.list[0].msg);
	str_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct tensor_table table = {.arena = &arena};
	struct err err = ERR_INIT;
	struct bytes bytes;
	struct gguf gguf;

	bytes_memory(&bytes, "input", data, size);
	if (gguf_read(&arena, &bytes, &gguf, &table, &err) == 0) {
		BUG_ON(err.msg[0] || bytes.at > size || gguf.data_ends < gguf.data_at);
		describe(&arena, &gguf, &table, &err);
	} else {
		BUG_ON(!err.msg[0]);
	}
	arena_release(&arena);
	return 0;
}
