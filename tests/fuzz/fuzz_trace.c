/* fuzz_trace.c - any bytes as a trace of requests: rows in order of time that make sense, or an error. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "sim/load/trace.h"
#include "sim/world/serve.h"

static void read_all(const char *text, size_t len, const struct trace_how *provenance)
{
	struct err err = ERR_INIT;
	struct trace *t = trace_of_text("f", text, len, provenance, &err);
	struct trace_row row;
	int64_t last = 0;
	size_t n = 0;
	int rc = -1;

	while (t && (rc = trace_next(t, &row, &err)) == 1) {
		BUG_ON(row.arrive_ns < last || row.prompt < 1 || row.prompt > LENGTH_MAX || row.output < 1 ||
		       row.output > LENGTH_MAX);
		BUG_ON((int64_t)row.blocks_n > (row.prompt + TRACE_BLOCK - 1) / TRACE_BLOCK);
		last = row.arrive_ns;
		n++;
	}
	BUG_ON((rc == 0) != !err.msg[0] || (rc == 0 && !n));
	for (const char *s = err.msg; *s; s++)
		BUG_ON((unsigned char)*s < 0x20 || (unsigned char)*s == 0x7f);
	trace_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct trace_how plain = {1, false}, fast = {3.7, true};

	read_all((const char *)data, size, &plain);
	read_all((const char *)data, size, &fast);
	return 0;
}
