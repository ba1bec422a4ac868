/* scans.c - see scans.h. */
#include "sim/llm/scans.h"

#include <string.h>

#include "sim/base/err.h"

#define WALKS          0, 0, 0
#define CHUNKS_OF_CUDA 256, 129, 2 /* of Mamba-2 */
#define GGML_SCANS(...)                                                                                      \
	{                                                                                                    \
		.delta = {WALKS, false, true}, .mamba2 = {__VA_ARGS__, true, true},                          \
		.mamba1 = {WALKS, true, true}, .conv = {                                                     \
			WALKS,                                                                               \
			true,                                                                                \
			true                                                                                 \
		}                                                                                            \
	}
#define CHUNKED_SCANS                                                                                        \
	{                                                                                                    \
		.delta = {64, 2, 0, false, false}, .mamba2 = { 256, 2, 0, false, false }                     \
	}

static const struct known {
	const char *runtime, *since; /* since: the first date of a profile that has these; "": all */
	struct scan_kernels kernels;
} known[] = {
	{"cuda", "2026-08", GGML_SCANS(CHUNKS_OF_CUDA)},
	{"cuda", "", GGML_SCANS(WALKS)},
	{"llama.cpp", "", GGML_SCANS(WALKS)},
	{"rocm", "", GGML_SCANS(WALKS)},
	{"sycl", "", GGML_SCANS(WALKS)},
	{"vulkan", "", GGML_SCANS(WALKS)},
	{"mlx", "", {.mamba2 = {256, 2, 14, false, false}}},
	{"vllm", "", CHUNKED_SCANS},
	{"torch", "", CHUNKED_SCANS},
	{"mps", "", CHUNKED_SCANS},
};

static bool is_of(const char *runtime, const char *name)
{
	const size_t len = strcspn(runtime, "@");

	return strlen(name) == len && !strncmp(name, runtime, len);
}

struct scan_kernels scan_kernels_of(const char *runtime)
{
	const size_t len = strcspn(runtime, "@");
	const char *date = runtime[len] ? runtime + len + 1 : "9999";

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (is_of(runtime, known[i].runtime) && strcmp(date, known[i].since) >= 0)
			return known[i].kernels;
	return (struct scan_kernels){.delta = {WALKS, false, false}};
}
