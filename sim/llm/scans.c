/* scans.c - see scans.h. */
#include "sim/llm/scans.h"

#include <string.h>

#include "sim/base/err.h"

static const struct known {
	const char *runtime, *since; /* since: the first date of a profile that has these; "": all */
	struct scan_kernels kernels;
} known[] = {
	{"cuda", "2026-08", {.mamba2 = {256, 129, 2}}},
	{"mlx", "", {.mamba2 = {256, 2, 14}}},
	{"vllm", "", {.delta = {64, 2, 0}, .mamba2 = {256, 2, 0}}},
	{"torch", "", {.delta = {64, 2, 0}, .mamba2 = {256, 2, 0}}},
	{"mps", "", {.delta = {64, 2, 0}, .mamba2 = {256, 2, 0}}},
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
	return (struct scan_kernels){.delta = {0, 0, 0}};
}
