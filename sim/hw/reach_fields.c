/*
 * reach_fields.c - the keys of a profile that say how far its numbers reach: what chips and models that were measured did of
 * them, and how wide predictions are of kinds that were not. See struct profile in hw.h.
 */
#include "sim/hw/field_rows.h"

#define WIDTH(member, text)                                                                                  \
	{                                                                                                    \
		FIELD_KEY(struct beyond_width, member), .type = FIELD_DOUBLE, .dim = DIM_SHARE, .min = 0,    \
							.max = 10, .def = "0 %", .help = text                \
	}
static const struct field beyond_width_fields[] = {
	WIDTH(prefill, "relative standard deviation of a prompt's time"),
	WIDTH(decode, "of a token's"),
	{FIELD_KEY(struct beyond_width, seen_on), .type = FIELD_TEXTS, .optional = true,
	 .help = "chips that were measured with it, which are predicted as narrowly as any run"},
	{FIELD_KEY(struct beyond_width, from), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = 1,
	 .max = 1 << 30, .optional = true,
	 .help = "context: the longest that a run of the fit had; short: the fewest tokens of a pass"},
};
static const struct table beyond_width_table = {"width", sizeof(struct beyond_width), beyond_width_fields,
						ARRAY_LEN(beyond_width_fields)};

enum { WIDTHS_ALONE = 2 }; /* prefill and decode */
const struct table width_table = {"width", sizeof(struct beyond_width), beyond_width_fields, WIDTHS_ALONE};

#define BEYOND(name, index, text)                                                                            \
	{                                                                                                    \
		.key = name, .offset = offsetof(struct beyond, of[index]), .type = FIELD_TABLE,              \
		.sub = &beyond_width_table, .optional = true, .help = text                                   \
	}
static const struct field beyond_fields[] = {
	BEYOND("mixtures", BEYOND_MIXTURES, "mixtures of experts"),
	BEYOND("recurrent", BEYOND_RECURRENT, "models with recurrent layers or short convolutions"),
	BEYOND("latent", BEYOND_LATENT, "models with latent attention"),
	BEYOND("per_layer", BEYOND_PER_LAYER, "models with embeddings of each layer"),
	BEYOND("f16", BEYOND_F16, "weights as they are"),
	BEYOND("q8", BEYOND_Q8, "weights in blocks of 5 to 9 bits"),
	BEYOND("q4", BEYOND_Q4, "weights in blocks of 4 bits or fewer"),
	BEYOND("k", BEYOND_K, "weights in llama.cpp's super-blocks of 256"),
	BEYOND("fp4", BEYOND_FP4, "weights in 4-bit floats"),
	BEYOND("batch_f16", BEYOND_BATCH_F16, "weights as they are, in steps of several sequences"),
	BEYOND("batch_q8", BEYOND_BATCH_Q8, "likewise in blocks of 5 to 9 bits"),
	BEYOND("batch_q4", BEYOND_BATCH_Q4, "likewise in blocks of 4 bits or fewer"),
	BEYOND("batch_k", BEYOND_BATCH_K, "likewise in llama.cpp's super-blocks of 256"),
	BEYOND("batch_fp4", BEYOND_BATCH_FP4, "likewise in 4-bit floats"),
	BEYOND("context", BEYOND_CONTEXT, "attention over more tokens than any run of the fit"),
	BEYOND("short", BEYOND_SHORT, "passes over fewer tokens of a prompt than any of the fit"),
	{FIELD_KEY(struct beyond, source), .type = FIELD_TEXT, .optional = true,
	 .help = "what the widths were seen at"},
};
const struct table beyond_table = {"beyond", sizeof(struct beyond), beyond_fields, ARRAY_LEN(beyond_fields)};

static const struct field chip_fields[] = {
	QTY(struct chip_reach, bandwidth, DIM_SHARE, 0.1, 10, "times the rates"),
	QTY(struct chip_reach, arithmetic, DIM_SHARE, 0.1, 10, "times the utilisation"),
};
const struct table chip_table = {"chip", sizeof(struct chip_reach), chip_fields, ARRAY_LEN(chip_fields)};

static const struct field model_fields[] = {
	QTY_OPT(struct model_reach, prefill, DIM_SHARE, 0.01, 100, "times as fast in prompts"),
	QTY_OPT(struct model_reach, decode, DIM_SHARE, 0.01, 100, "times as fast in tokens"),
	QTY_OPT(struct model_reach, prompt_attention, DIM_SHARE, 0.01, 100,
		"times as fast, besides, in attention of prompts"),
	QTY_OPT(struct model_reach, ramp, DIM_SHARE, 0.01, 100,
		"how many times as many tokens of a pass reach half of the rate of long ones"),
	QTY_OPT(struct model_reach, context, DIM_SHARE, 0.01, 100,
		"how many times as long a context brings attention of prompts to half of its rate"),
	QTY_OPT(struct model_reach, token_attention, DIM_SHARE, 0.01, 100,
		"times as fast, besides, in attention of tokens"),
};
const struct table reach_table = {"model", sizeof(struct model_reach), model_fields, ARRAY_LEN(model_fields)};
