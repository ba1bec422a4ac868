/* assignment.c - see assignment.h. */
#include "sim/world/assignment.h"

#include "sim/world/generate.h"
#include "sim/world/train.h"

static const char *const splits[] = {[RULE_WHOLE] = "none",
				     [RULE_TENSOR] = "tensor",
				     [RULE_DATA] = "data",
				     [RULE_EXPERTS] = "experts",
				     NULL};

static const struct field rule_fields[] = {
	{FIELD_KEY(struct rule, on), .type = FIELD_TEXTS, .help = "device: m5 or m5.gpu; a list with split"},
	{FIELD_KEY(struct rule, layers), .type = FIELD_RANGE, .optional = true,
	 .help = "which layers; all if not said"},
	{FIELD_KEY(struct rule, op), .type = FIELD_TEXTS, .optional = true,
	 .help = "embedding, attention, ffn, router, shared_experts, experts, head; all if not said"},
	{FIELD_KEY(struct rule, phase), .type = FIELD_TEXTS, .optional = true,
	 .help = "prefill, decode, forward, backward, update"},
	{FIELD_KEY(struct rule, split), .type = FIELD_CHOICE, .choices = splits, .def = "none",
	 .help = "tensor: every device a share of each block; experts: whole experts; data: whole blocks, a "
		 "share of the micro-batches"},
	{FIELD_KEY(struct rule, shares), .type = FIELD_DOUBLES, .dim = DIM_SHARE, .min = 0.001, .max = 1,
	 .optional = true,
	 .help = "of a split, like [70 %, 30 %]; attention and experts by whole heads and experts; if not "
		 "said: "
		 "equal, of data as fast as each is"},
	{FIELD_KEY(struct rule, experts), .type = FIELD_DOUBLES, .dim = DIM_COUNT, .min = 1, .max = 65536,
	 .optional = true, .help = "of 'split: experts': how many of a layer each has, like [96, 32]"},
};
const struct table rule_table = {"rule", sizeof(struct rule), rule_fields, ARRAY_LEN(rule_fields)};

static const struct field offload_fields[] = {
	{FIELD_KEY(struct expert_offload, experts), .type = FIELD_COUNT, .min = 1, .max = 65536,
	 .help = "of so many layers from the first, dense ones counted; more than there are: all; "
		 "llama.cpp's "
		 "--n-cpu-moe"},
	{FIELD_KEY(struct expert_offload, to), .type = FIELD_TEXT,
	 .help = "the device that holds and computes them, such as host or box.cpu"},
	{FIELD_KEY(struct expert_offload, op_offload), .type = FIELD_BOOL, .def = "true",
	 .help = "passes of 32 rows or more of a prompt have the card copy them and compute, under "
		 "llama.cpp's cuda, "
		 "rocm and vulkan"},
};
static const struct table offload_table = {"offload", sizeof(struct expert_offload), offload_fields,
					   ARRAY_LEN(offload_fields)};

static const struct field assignment_fields[] = {
	{FIELD_KEY(struct assignment, name), .type = FIELD_TEXT, .help = "its name in tables and pictures"},
	{FIELD_KEY(struct assignment, place), .type = FIELD_LIST, .sub = &rule_table, .max = 4096,
	 .optional = true, .help = "rules; the later wins; required but with replicas or pools"},
	{FIELD_KEY(struct assignment, offload), .type = FIELD_MAYBE, .sub = &offload_table, .optional = true,
	 .help = "experts that another device holds, beside 'place'"},
	{FIELD_KEY(struct assignment, generate), .type = FIELD_MAYBE, .sub = &generate_options_table,
	 .optional = true, .help = "what is not as the workload says"},
	{FIELD_KEY(struct assignment, train), .type = FIELD_MAYBE, .sub = &train_options_table,
	 .optional = true, .help = "likewise"},
	SERVING_FIELDS(offsetof(struct assignment, serving)),
};
const struct table assignment_table = {"assignment", sizeof(struct assignment), assignment_fields,
				       ARRAY_LEN(assignment_fields)};
