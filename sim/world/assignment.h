/*
 * assignment.h - which device runs which blocks, as rules, and how this assignment carries out each job.
 *
 * Layer world. The field tables of `assignments:`.
 */
#ifndef SIM_WORLD_ASSIGNMENT_H
#define SIM_WORLD_ASSIGNMENT_H
#include "sim/world/serve.h"

struct generate_options;
struct train_options;

enum rule_split { RULE_WHOLE, RULE_TENSOR, RULE_DATA, RULE_EXPERTS };

struct rule { /* later rules override earlier ones, as in .gitattributes */
	struct origin origin;
	struct field_list on;        /* device names: "m5" (its first device) or "m5.gpu" */
	struct field_range layers;   /* first -1: all */
	struct field_list op, phase; /* names; empty: all */
	int split;
	struct field_list shares; /* for a split: one for each device */
	/* for a split by experts: their number on each device, instead of shares */
	struct field_list experts;
};

/* Experts of the first layers in another device's memory, computed there: llama.cpp's --n-cpu-moe N, which makes of N the
 * patterns blk.0 to blk.N-1 of the tensors ffn_(up|down|gate|gate_up)_(ch|)exps (common/arg.cpp and
 * llm_ffn_exps_block_regex() of common/common.h, ngxson/llama.cpp@3f545be). Dense layers among them are counted and
 * have nothing to move; shared experts and routers stay. --cpu-moe is all layers. */
struct expert_offload {
	struct origin origin;
	int64_t experts; /* layers from the first; more than there are: all, as the patterns of further ones match no tensor */
	const char *to; /* device */
	/* From so many rows on the card copies the experts that a batch of a prompt hits and computes them: ggml_backend_sched
	 * asks the card's offload_op(), whose GGML_OP_OFFLOAD_MIN_BATCH is 32 under CUDA, ROCm and Vulkan, and copies the used
	 * experts only (ggml-backend.cpp, ggml-cuda.cu, ggml-vulkan.cpp at 3f545be). False: --no-op-offload. */
	bool op_offload;
};

struct assignment {
	struct origin origin;
	const char *name;
	struct field_list place;           /* struct rule */
	struct expert_offload *offload;    /* applied after the rules; NULL: none */
	struct generate_options *generate; /* NULL: the workload's */
	struct train_options *train;       /* NULL: the workload's */
	struct assign_serving serving;
};

extern const struct table assignment_table, rule_table;

#endif
