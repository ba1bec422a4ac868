/* formats.c - see formats.h. */
#include "sim/cost/formats.h"

#include <string.h>

#include "sim/base/str.h"

/* Blocks that are llama.cpp's own. */
static bool of_gguf(const char *format)
{
	return format[0] == 'q' || str_starts(format, "iq");
}

/* Formats that no GGUF has, each with one of a GGUF that is about as large; NULL: a GGUF may have it. */
static const char *gguf_as_large(const char *format)
{
	static const char *const pairs[][2] = {{"fp8", "q8_0"},   {"fp8_row", "q8_0"},
					       {"mxfp8", "q8_0"}, {"int4_g32", "q4_K_M"},
					       {"awq", "q4_K_M"}, {"gptq", "q4_K_M"}};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (!strcmp(format, pairs[i][0]))
			return pairs[i][1];
	return NULL;
}

int format_check(const char *runtime, enum mix_id weights, struct err *err)
{
	const char *name = mix_names[weights];
	const enum format_reader reads = format_reader_of(runtime);

	if (reads == READS_MLX && of_gguf(name)) {
		err_set(err, "%s cannot read weights in %s: that is a format of llama.cpp", runtime, name);
		return err_hint(err, "mlx_q4, mlx_q8 or the like");
	}
	if (reads != READS_ANY && reads != READS_MLX && str_starts(name, "mlx_")) {
		err_set(err, "%s cannot read weights in %s: that is a format of MLX", runtime, name);
		return err_hint(err, reads == READS_GGUF ? "q4_K_M, q8_0 or the like" : "bf16 or f16");
	}
	if (reads == READS_GGUF && gguf_as_large(name)) {
		err_set(err, "%s cannot read weights in %s", runtime, name);
		return err_hint(err, "%s is about as large", gguf_as_large(name));
	}
	return 0;
}
