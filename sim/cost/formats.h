/*
 * formats.h - which files of weights a runtime reads.
 *
 * Layer cost. llama.cpp reads GGUF, whose blocks are its own, and nothing else (ggml/src/gguf.cpp); mlx_lm reads
 * safetensors with MLX's groups, and of GGUF only what it unpacks itself (mlx/io/gguf.cpp: q4_0, q4_1 and q8_0; mlx_lm's
 * load() takes none). What PyTorch and vLLM read depends on what is installed beside them: only MLX's groups are refused.
 */
#ifndef SIM_COST_FORMATS_H
#define SIM_COST_FORMATS_H
#include <stdbool.h>

#include "sim/hw/programs.h"
#include "sim/llm/quant.h"

struct device;

/* 0, or -1 with err and a hint where the runtime cannot read weights of that format. */
int format_check(const char *runtime, enum mix_id weights, struct err *err);

/* The same of a runtime on a device, which may have no kernels for what the program reads: of tq1_0 and tq2_0 llama.cpp has
 * none under CUDA, ROCm and SYCL, whose products then run on the CPU; tq2_0 came to Metal and Vulkan in August 2026
 * (ggml-org/llama.cpp#26980 and #25850; ngxson/llama.cpp@3f545be). */
int format_check_on(const struct device *d, const char *runtime, enum mix_id weights, struct err *err);

/* Is it a format of llama.cpp's under a runtime that reads it beside its own, vLLM, whose documentation calls its GGUF "highly
 * experimental and under-optimized" (docs/features/quantization/gguf.md of vllm-project/vllm)? Such products are taken as those
 * of the runtime's formats with as many bits; no run of them was measured. */
bool format_is_guest(const char *runtime, enum mix_id weights);

#endif
