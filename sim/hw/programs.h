/*
 * programs.h - what is known of a runtime by its name: its default server, the files it reads, and choices of its source
 * that no profile has a number for.
 *
 * Layer hw. Each name is that of a profile, with or without its date ("cuda" or "cuda@2025-10").
 */
#ifndef SIM_HW_PROGRAMS_H
#define SIM_HW_PROGRAMS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The name of a runtime's default server: "serve-llama.cpp" for "cuda@2025-10"; NULL: none. */
const char *serving_of_runtime(const char *runtime);

/* The files of weights that a runtime reads; READS_ANY of one that is not known. Which formats those files hold:
 * sim/cost/formats.h. */
enum format_reader { READS_ANY, READS_GGUF, READS_MLX, READS_SAFETENSORS };
enum format_reader format_reader_of(const char *runtime);

/* True of llama.cpp, whose graphs of latent attention multiply queries into the latent for prompts as for steps, so that a
 * prompt costs 2 * (2 * kv_rank + rope_dim) FLOP a pair and head (src/models/deepseek2.cpp, deepseek32.cpp and glm-dsa.cpp of
 * ngxson/llama.cpp@3f545be); mlx_lm, vLLM and transformers make keys and values of a prompt. */
bool runtime_absorbs(const char *runtime);

/* Rows from which on the runtime copies weights that the host's memory holds to the card, and computes there: 32 under
 * llama.cpp's back ends CUDA, ROCm, SYCL and Vulkan (GGML_OP_OFFLOAD_MIN_BATCH, ggml-cuda.cu, ggml-sycl.cpp and ggml-vulkan.cpp,
 * 3f545be). 0: never. */
int64_t runtime_op_offload_rows(const char *runtime);

/* True of PyTorch, where bitsandbytes trains adapters on quantised weights: before each product, forward and backward, a kernel
 * of its own writes the weights out in the compute format, which the product then reads (MatMul4Bit of
 * bitsandbytes-foundation/bitsandbytes@012c6606 bitsandbytes/autograd/_functions.py). Others multiply blocks as they are. */
bool runtime_dequantises(const char *runtime);

/* What makes a runtime's collective operations on cards, as the end of the names of links that were measured so: "vllm" for
 * nvlink-4-vllm, else "nccl". vLLM has kernels of its own and leaves to NCCL what they do not take; PyTorch's are NCCL's, and so
 * are llama.cpp's on CUDA, which is built with it by default (docs/multi-gpu.md of ngxson/llama.cpp@3f545be). i: 0 for the
 * first that is looked for; NULL: there are no more. */
const char *runtime_collectives(const char *runtime, size_t i);

/* Why a runtime does not split by tensor between machines, in words; NULL: it does, or is not known. llama.cpp's RPC back end
 * reduces nothing between servers: it has no collective operations in ggml/src/ggml-rpc/ggml-rpc.cpp of
 * ngxson/llama.cpp@3f545be (August 2026), and ggml-org/llama.cpp#26610, which adds `-sm tensor` to it, is open. On cards of one
 * host its `--split-mode tensor` does (docs/multi-gpu.md). */
const char *runtime_no_tensor_between(const char *runtime);

#endif
