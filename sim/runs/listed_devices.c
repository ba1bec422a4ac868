/* listed_devices.c - see listed_devices.h. */
#include "sim/runs/listed_devices.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/str.h"

enum { DEVICES_MOST = 64 };

static const char *const kinds[LISTED_KINDS] = {"CUDA", "ROCm", "Vulkan", "SYCL"};

static uint64_t bit_of(const char *number)
{
	const long i = *number >= '0' && *number <= '9' ? strtol(number, NULL, 10) : DEVICES_MOST;

	return i < DEVICES_MOST ? UINT64_C(1) << i : 0;
}

/* A chip's own GPU: Vulkan says that it has no memory of its own, others name it by no number, "AMD Radeon(TM) Graphics". */
bool listed_devices_is_integrated(const char *line)
{
	const char *uma = strstr(line, "| uma: ");

	if (uma)
		return uma[strlen("| uma: ")] == '1' || strstr(line, "llvmpipe");
	return strstr(line, "Radeon(TM) Graphics") || strstr(line, "Radeon Graphics") ||
	       strstr(line, "UHD Graphics") || strstr(line, "Iris(R)") || strstr(line, "llvmpipe");
}

/* "- CUDA0   : NVIDIA GeForce GTX 1080 (8098 MiB, 7444 MiB free)", of logs since 2026; "using device CUDA0 (NVIDIA GeForce RTX 3090)": the kind
 * behind the words, and its number. */
static size_t kind_behind(const char *line, const char *words, const char *behind, const char **number)
{
	const char *at = strstr(line, words);

	for (size_t k = 0; at && k < LISTED_KINDS; k++) {
		const char *name = at + strlen(words);
		const size_t n = strlen(kinds[k]);

		if (!str_starts(name, kinds[k]) || name[n] < '0' || name[n] > '9')
			continue;
		*number = name + n;
		if (strstr(*number, behind))
			return k;
	}
	return LISTED_KINDS;
}

/* "Device 0: NAME, compute capability 8.6", "Device 0: NAME, gfx1100 (0x1100)", "ggml_vulkan: 0 = NAME | uma: 0 ...",
 * "| 0| [level_zero:gpu:0]| NAME| ...": its kind and what stands behind the words before its number; LISTED_KINDS: the line is none
 * such. */
static size_t kind_listed(const char *line, const char **number)
{
	static const char level_zero[] = "[level_zero:gpu:"; /* OpenCL lists the same devices again */
	const char *device = strstr(line, "Device "), *vulkan = strstr(line, "ggml_vulkan: "),
		   *sycl = strstr(line, level_zero);

	if (sycl && *line == '|') {
		*number = sycl + sizeof level_zero - 1;
		return LISTED_SYCL;
	}
	if (vulkan && strstr(vulkan, " | uma: ")) {
		*number = vulkan + strlen("ggml_vulkan: ");
		return 2;
	}
	*number = device ? device + strlen("Device ") : "";
	if (!device || !strchr(device, ':'))
		return kind_behind(line, "- ", "MiB free)", number);
	return strstr(device, ", compute capability ") ? LISTED_CUDA
	       : strstr(device, ", gfx")               ? LISTED_ROCM
						       : LISTED_KINDS;
}

/* "ggml_cuda_init: found 2 CUDA devices:", "ggml_vulkan: Found 1 Vulkan devices:" */
static void take_found(struct listed_devices *l, const char *line)
{
	const char *at = strstr(line, "ound ");
	char *end;
	const long n = at ? strtol(at + strlen("ound "), &end, 10) : 0;

	if (n < 1 || n > DEVICES_MOST)
		return;
	for (size_t k = 0; k < LISTED_SYCL; k++) /* those of SYCL are a CPU and each GPU twice */
		if (*end == ' ' && str_starts(end + 1, kinds[k]) &&
		    str_starts(end + 1 + strlen(kinds[k]), " devices"))
			l->found[k] = n;
}

/* "load_tensors:        CUDA1 model buffer size =  4155.99 MiB"; a device that is another machine's is not of a number. */
static void take_buffer(struct listed_devices *l, const char *line)
{
	const char *tensors = strstr(line, "load_tensors: "), *size = strstr(line, " buffer size = ");

	if (!tensors || !size)
		return;
	for (size_t k = 0; k < LISTED_KINDS; k++) {
		const char *at = strstr(tensors, kinds[k]);

		if (at && at < size)
			l->holding[k] |= bit_of(at + strlen(kinds[k]));
	}
}

void listed_devices_take(struct listed_devices *l, const char *line)
{
	const char *number, *used;
	const size_t k = kind_listed(line, &number), u = kind_behind(line, "using device ", "(", &used);

	take_found(l, line);
	take_buffer(l, line);
	if (u < LISTED_KINDS)
		l->used[u] |= bit_of(used);
	if (k < LISTED_KINDS)
		*(listed_devices_is_integrated(line) ? &l->integrated[k] : &l->cards[k]) |= bit_of(number);
}

static uint64_t all_of(const uint64_t *sets)
{
	uint64_t all = 0;

	for (size_t k = 0; k < LISTED_KINDS; k++)
		all |= sets[k];
	return all;
}

bool listed_devices_is_beside(const struct listed_devices *l, const char *line)
{
	return listed_devices_is_integrated(line) && all_of(l->cards);
}

bool listed_devices_is_first_card(const struct listed_devices *l, const char *line)
{
	const uint64_t cards = all_of(l->cards);

	return !listed_devices_is_integrated(line) && cards && !(cards & (cards - 1)) &&
	       all_of(l->integrated);
}

/* The devices of a kind that share a model. */
static uint64_t sharing(const struct listed_devices *l, size_t k)
{
	const uint64_t told[] = {l->holding[k], l->used[k], l->cards[k], l->integrated[k]};

	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		if (told[i])
			return told[i];
	return l->found[k] == DEVICES_MOST ? ~UINT64_C(0) : (UINT64_C(1) << l->found[k]) - 1;
}

/* Do all weights that the log tells of lie on devices of other kinds? */
static bool holds_none(const struct listed_devices *l, size_t k)
{
	bool any = false;

	for (size_t i = 0; i < LISTED_KINDS; i++)
		any = any || l->holding[i];
	return any && !l->holding[k];
}

const char *listed_devices_several(struct arena *a, const struct listed_devices *l, const char *backend)
{
	for (size_t k = 0; k < LISTED_KINDS; k++) {
		const uint64_t all = sharing(l, k);
		const char *names = NULL;

		if (!(all & (all - 1)) || holds_none(l, k) || (backend && !strstr(backend, kinds[k])))
			continue;
		for (int i = 0; i < DEVICES_MOST; i++)
			if (all >> i & 1)
				names = names ? arena_printf(a, "%s/%s%d", names, kinds[k], i)
					      : arena_printf(a, "%s%d", kinds[k], i);
		return names;
	}
	return NULL;
}
