/* formats.c - see formats.h. */
#include "sim/world/formats.h"

#include <string.h>

#include "sim/base/str.h"

/* Blocks that are llama.cpp's own. */
static bool of_gguf(const char *format)
{
	return format[0] == 'q' || str_starts(format, "iq");
}

/* Formats that no GGUF has. */
static bool of_safetensors(const char *format)
{
	static const char *const names[] = {"fp8", "fp8_row", "mxfp8", "int4_g32", "awq", "gptq"};

	return str_find(format, names, ARRAY_LEN(names)) < ARRAY_LEN(names);
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
	if (reads == READS_GGUF && of_safetensors(name)) {
		err_set(err, "%s cannot read weights in %s", runtime, name);
		return err_hint(err, strstr(name, "8") ? "q8_0 is as large" : "q4_K_M is about as large");
	}
	return 0;
}
