/*
 * kernel_trace.h - the kernels that a runtime launched, counted in what a profiler wrote.
 *
 * Layer runs. Three formats are told by their content:
 *
 *	torch.profiler	export_chrome_trace(): JSON with "traceEvents", of which those of "ph": "X" are read: "cat": "kernel" is a
 *			kernel ("name", "dur" in us), "cuda_runtime" and "cuda_driver" a call of the host (cudaLaunchKernel,
 *			cuLaunchKernelEx, cudaGraphLaunch; libkineto/src/output_json.cpp of pytorch/kineto)
 *	ggml		what GGML_VK_PERF_LOGGER=1 makes llama.cpp print: after each "Vulkan Timings:" lines "NAME: N x T us ...", up to
 *			"Total time: ..." (vk_perf_logger of ggml/src/ggml-vulkan/ggml-vulkan.cpp, ggml-org/llama.cpp)
 *	xctrace		`xctrace export --xpath '...table[@schema="metal-gpu-intervals"]'`: XML with a row for each encoder that ran; a
 *			value that came before is a reference to it. The process with most rows counts: the screen's are there too
 *
 * All that is counted are names, numbers and times; no row is kept. Everything lives in the caller's arena.
 */
#ifndef SIM_RUNS_KERNEL_TRACE_H
#define SIM_RUNS_KERNEL_TRACE_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

/* Kinds of operators that kernels are told to belong to by their names. KERNEL_OTHER: by none of the words known. */
enum kernel_kind {
	KERNEL_LINEAR,
	KERNEL_SCORES,
	KERNEL_NORM,
	KERNEL_ROPE,
	KERNEL_KV_APPEND,
	KERNEL_ACTIVATION,
	KERNEL_RESIDUAL,
	KERNEL_ROUTE,
	KERNEL_OTHER,
	KERNEL_KINDS
};
extern const char *const kernel_kind_names[KERNEL_KINDS]; /* "linear", "scores", ...: the keys of a profile */
enum kernel_kind kernel_kind_of(const char *name);

struct traced_kernel {
	const char *name; /* less than TRACED_NAME_MAX bytes of it, printable ASCII */
	enum kernel_kind kind;
	size_t n;
	double seconds; /* in all */
};
enum { TRACED_NAME_MAX = 160, TRACED_KERNELS_MAX = 20000 };

enum trace_format { TRACE_TORCH, TRACE_GGML, TRACE_XCTRACE };
extern const char *const trace_format_names[];

struct kernel_trace {
	const char *path;
	enum trace_format format;
	const struct traced_kernel *kernels; /* most frequent first, then by name */
	size_t kernels_n;
	size_t all; /* kernels */
	size_t launches,
		graphs; /* calls of the host: of a kernel, and of a graph of them; 0: the format says nothing */
	double launch_s; /* mean time of the host in a call that launches a kernel; 0: not said */
	size_t blocks;   /* ggml: graphs that were timed */
};

/* text[len] is a NUL. -1 with err "path:line: ...": none of the formats, cut off, too large, or no kernel in it. */
int kernel_trace_parse(struct arena *a, const char *path, const char *text, size_t len,
		       struct kernel_trace *t, struct err *err);
int kernel_trace_read(struct arena *a, const char *path, struct kernel_trace *t, struct err *err);

/* How many layers ran, over all passes: the most frequent kernel of attention proper runs once in each. 0: there is none. */
size_t kernel_trace_layers(const struct kernel_trace *t);
size_t kernel_trace_kind(const struct kernel_trace *t, enum kernel_kind kind); /* kernels of that kind */

#endif
