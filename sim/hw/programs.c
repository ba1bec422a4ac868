/* programs.c - see programs.h. */
#include "sim/hw/programs.h"

#include <string.h>

#include "sim/base/err.h"
#include "sim/hw/hw.h"

enum { COLLECTIVES = 2 };

static const struct program {
	const char *runtime, *server;
	enum format_reader reads;
	bool absorbs, dequantises;
	int64_t op_offload_rows;
	const char *collectives[COLLECTIVES];
} programs[] = {{"llama.cpp", "serve-llama.cpp", READS_GGUF, .absorbs = true},
		{"cuda", "serve-llama.cpp-cuda", READS_GGUF, .absorbs = true, .op_offload_rows = 32,
		 .collectives = {"nccl"}},
		{"rocm", "serve-llama.cpp", READS_GGUF, .absorbs = true, .op_offload_rows = 32},
		{"vulkan", "serve-llama.cpp", READS_GGUF, .absorbs = true, .op_offload_rows = 32},
		{"sycl", "serve-llama.cpp", READS_GGUF, .absorbs = true, .op_offload_rows = 32},
		{"mlx", "serve-mlx", READS_MLX, .absorbs = false},
		{"vllm", "serve-vllm", READS_SAFETENSORS, .absorbs = false, .collectives = {"vllm", "nccl"}},
		{"mps", "serve-static", READS_SAFETENSORS, .absorbs = false, .dequantises = true},
		{"torch", "serve-static", READS_SAFETENSORS, .absorbs = false, .dequantises = true,
		 .collectives = {"nccl"}}};

static const struct program *program_of(const char *runtime)
{
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (runtime_same(programs[i].runtime, runtime))
			return &programs[i];
	return NULL;
}

const char *serving_of_runtime(const char *runtime)
{
	const struct program *p = program_of(runtime);

	return p ? p->server : NULL;
}

enum format_reader format_reader_of(const char *runtime)
{
	const struct program *p = program_of(runtime);

	return p ? p->reads : READS_ANY;
}

bool runtime_absorbs(const char *runtime)
{
	const struct program *p = program_of(runtime);

	return p && p->absorbs;
}

int64_t runtime_op_offload_rows(const char *runtime)
{
	const struct program *p = program_of(runtime);

	return p ? p->op_offload_rows : 0;
}

bool runtime_dequantises(const char *runtime)
{
	const struct program *p = program_of(runtime);

	return p && p->dequantises;
}

const char *runtime_collectives(const char *runtime, size_t i)
{
	const struct program *p = program_of(runtime);

	return p && i < COLLECTIVES ? p->collectives[i] : NULL;
}

const char *runtime_no_tensor_between(const char *runtime)
{
	const struct program *p = program_of(runtime);

	return p && p->reads == READS_GGUF
		       ? "llama.cpp does not split by tensor between machines, but on cards of one "
			 "host (ggml-org/llama.cpp PR 26610 for RPC is open)"
		       : NULL;
}
