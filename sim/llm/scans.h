/*
 * scans.h - how runtimes run recurrent layers.
 *
 * Layer llm. Decode takes one step of the recurrence in every runtime: it reads and writes the state once. Over a prompt
 * some kernels walk the tokens in order with the state on the chip, others take chunks whose products run on matrix units
 * (gated delta: arXiv:2412.06464, section 3.3; Mamba-2: arXiv:2405.21060, section 6). By source, of August 2026:
 *
 * - llama.cpp (ngxson/llama.cpp@3f545be): ggml_gated_delta_net() walks in ggml-cuda/gated_delta_net.cu,
 *   ggml-metal.metal and vulkan-shaders/gated_delta_net.comp; ggml_ssm_scan() walks but in ggml-cuda/ssm-scan.cu, which
 *   takes chunks of 256 where a sequence has more than 128 tokens (SSM_SSD_MIN_TOKENS, not under HIP) and writes the
 *   square of each chunk once;
 * - mlx_lm (ml-explore/mlx-lm@d78bf58): models/gated_delta.py walks, in one Metal kernel; models/ssm.py ssm_attn() takes
 *   chunks of 256 wherever there is more than one token, of plain operations that write or read the square 14 times;
 * - vLLM: the chunks of flash-linear-attention (64) and of Mamba's own kernels (256, the default of chunk_size);
 *   transformers in PyTorch has the same algorithms (torch_chunk_gated_delta_rule()).
 *
 * llama.cpp gives the products of these layers their tokens sequence by sequence, as a tensor of (width, tokens, sequences):
 * ggml_mul_mat() is then a product for each sequence, and its kernels on GPUs read the weights for each (one row of decode
 * runs in a matrix-vector kernel with the sequences as a dimension of its grid). Mamba-2 and Mamba-1 do so before and behind
 * the scan (src/models/mamba-base.cpp of ggml-org/llama.cpp@11246cf1), short convolutions as well (lfm2.cpp), the gated delta
 * rule behind it alone (qwen3next.cpp, qwen35.cpp, qwen35moe.cpp: final_output); Kimi's and RWKV's were not looked at.
 */
#ifndef SIM_LLM_SCANS_H
#define SIM_LLM_SCANS_H
#include <stdbool.h>
#include <stdint.h>

struct scan_kernel {
	int64_t chunk;  /* tokens of a chunk; 0: the tokens are walked one by one */
	int64_t from;   /* tokens of a sequence in a pass from which on there are chunks */
	int64_t passes; /* times that the square of a chunk, for each head, goes through memory */
	bool before_apart,
		behind_apart; /* the products before and behind the scan run for each sequence apart */
};
struct scan_kernels {
	struct scan_kernel delta, mamba2, mamba1, conv;
};

/* By the name of a runtime's profile, such as "cuda@2025-10"; a date before 2026-08 stands for a llama.cpp without chunks.
 * One that is not known walks. */
struct scan_kernels scan_kernels_of(const char *runtime);

#endif
