/*
 * formats.h - which files of weights a runtime reads.
 *
 * Layer cost. llama.cpp reads GGUF, whose blocks are its own, and nothing else (ggml/src/gguf.cpp); mlx_lm reads
 * safetensors with MLX's groups, and of GGUF only what it unpacks itself (mlx/io/gguf.cpp: q4_0, q4_1 and q8_0; mlx_lm's
 * load() takes none). What PyTorch and vLLM read depends on what is installed beside them: only MLX's groups are refused.
 */
#ifndef SIM_COST_FORMATS_H
#define SIM_COST_FORMATS_H
#include "sim/hw/programs.h"
#include "sim/llm/quant.h"

/* 0, or -1 with err and a hint where the runtime cannot read weights of that format. */
int format_check(const char *runtime, enum mix_id weights, struct err *err);

#endif
