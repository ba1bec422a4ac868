/* formats.c - see formats.h. */
#include "sim/cost/formats.h"

#include <string.h>

#include "sim/base/str.h"
#include "sim/hw/hw.h"

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

/* Formats whose products no back end of llama.cpp but the CPU's has kernels for, and the back ends that had got them by the date
 * of the source: `since` is when. ggml_metal_device_supports_op(), ggml-vulkan.cpp, and no line of ggml-cuda/ or ggml-sycl/. */
static const struct gpu_kernels {
	const char *format, *runtime, *since;
} kernels_since[] = {{"tq2_0", "llama.cpp", "2026-08"}, {"tq2_0", "vulkan", "2026-08"}};

static bool is_ternary(const char *format)
{
	return !strcmp(format, "tq1_0") || !strcmp(format, "tq2_0");
}

/* Of a profile that says no date nothing is known against it. */
static bool has_kernels(const char *runtime, const char *format)
{
	const char *at = strchr(runtime, '@');

	for (size_t i = 0; i < ARRAY_LEN(kernels_since); i++)
		if (!strcmp(kernels_since[i].format, format) &&
		    runtime_same(kernels_since[i].runtime, runtime) &&
		    (!at || strcmp(at + 1, kernels_since[i].since) >= 0))
			return true;
	return false;
}

int format_check_on(const struct device *d, const char *runtime, enum mix_id weights, struct err *err)
{
	const char *name = mix_names[weights];

	if (format_check(runtime, weights, err) != 0)
		return -1;
	if (format_reader_of(runtime) != READS_GGUF || !is_ternary(name) ||
	    str_starts(d->origin.name, "cpu") || has_kernels(runtime, name))
		return 0;
	err_set(err, "%s has no kernels of %s for a GPU: llama.cpp multiplies such weights on the CPU",
		runtime, name);
	return err_hint(err, "%s is about as large", strcmp(name, "tq1_0") ? "iq2_xxs" : "iq1_m");
}

bool format_is_guest(const char *runtime, enum mix_id weights)
{
	return runtime_same(runtime, "vllm") && of_gguf(mix_names[weights]);
}
