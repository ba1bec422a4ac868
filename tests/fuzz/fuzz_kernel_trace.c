/* fuzz_kernel_trace.c - any bytes as a trace of kernels: names that are printed, counts that add up, or an error. */
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#include "sim/family/trace_facts.h"

static void check(const struct kernel_trace *t)
{
	size_t all = 0;

	for (size_t i = 0; i < t->kernels_n; i++) {
		const struct traced_kernel *k = &t->kernels[i];

		BUG_ON(!k->n || !(k->seconds >= 0) || strlen(k->name) >= TRACED_NAME_MAX);
		BUG_ON(i && t->kernels[i - 1].n < k->n);
		for (const char *c = k->name; *c; c++)
			BUG_ON(*c < ' ' || *c > '~');
		all += k->n;
	}
	BUG_ON(!all || all != t->all || kernel_trace_layers(t) > all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_strndup(&arena, (const char *)data, size);
	struct str out = STR_INIT;
	struct kernel_trace t;
	struct err err = ERR_INIT;
	const int rc = kernel_trace_parse(&arena, "f", text, strlen(text), &t, &err);

	BUG_ON((rc == 0) != !err.msg[0]);
	if (rc == 0) {
		check(&t);
		trace_table(&t, NULL, &out);
		trace_facts(&t, NULL, &out, &err);
	}
	for (const char *s = err.msg; *s; s++)
		BUG_ON((unsigned char)*s < 0x20 || (unsigned char)*s == 0x7f);
	str_release(&out);
	arena_release(&arena);
	return 0;
}
