/* describe_vision.c - see describe_vision.h. */
#include "sim/import/describe_vision.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"

/* What joins patches to the text model: nothing that is known, a matrix, two of them, or two over several patches side by side
 * (the patch merger of Qwen, one for each depth from which features are taken). */
enum joint { JOINT_UNKNOWN, JOINT_MATRIX, JOINT_TWO, JOINT_MERGER };

/* By the beginning of the tower's model_type or else of the model's. gated: an FFN of three matrices. From the modelling files of
 * huggingface/transformers: Qwen2_5_VLMLP, PixtralMLP, Glm4vVisionMlp and Gemma4VisionMLP have gate_proj, up_proj and down_proj;
 * VisionMlp, Qwen3VLVisionMLP, SiglipMLP, CLIPMLP and Llama4VisionMLP have two. The first that fits counts. */
static const struct tower {
	const char *type;
	bool gated;
	enum joint joint;
} towers[] = {{"qwen2_5_vl", true, JOINT_MERGER}, {"qwen2_vl", false, JOINT_MERGER},
	      {"qwen3_vl", false, JOINT_MERGER},  {"qwen3_5", false, JOINT_MERGER},
	      {"pixtral", true, JOINT_TWO},       {"mistral", true, JOINT_TWO},
	      {"glm4v", true, JOINT_UNKNOWN},     {"gemma4", true, JOINT_MATRIX},
	      {"gemma3", false, JOINT_MATRIX},    {"llava", false, JOINT_TWO}};

static const struct tower *tower_of(const struct config_reading *r, const struct yml *vision)
{
	static const struct tower plain = {"", false, JOINT_UNKNOWN};
	const char *const types[] = {config_word(vision, "model_type", ""),
				     config_word(r->top, "model_type", "")};

	for (size_t k = 0; k < ARRAY_LEN(types); k++)
		for (size_t i = 0; i < ARRAY_LEN(towers); i++)
			if (str_starts(types[k], towers[i].type))
				return &towers[i];
	return &plain;
}

/* The joint of a tower of another program's kind, such as SigLIP in Gemma 3, is the model's. */
static enum joint joint_of(const struct config_reading *r, const struct yml *vision)
{
	const char *type = config_word(r->top, "model_type", "");

	for (size_t i = 0; i < ARRAY_LEN(towers); i++)
		if (str_starts(type, towers[i].type))
			return towers[i].joint;
	return tower_of(r, vision)->joint;
}

static double number_or(const struct yml *map, const char *key, double other)
{
	const char *text = config_word(map, key, NULL);
	const double x = text ? strtod(text, NULL) : 0;

	return x > 0 ? x : other;
}

/* h, out: widths of the tower and of the text model. */
static double joint_weights(const struct config_reading *r, const struct yml *vision, double h, double out)
{
	const struct yml *taken = config_find(vision, "deepstack_visual_indexes");
	const double side =
		number_or(vision, "spatial_merge_size", number_or(r->top, "spatial_merge_size", 1));
	const double m = side * side * h,
		     mergers = 1 + (taken && taken->kind == YML_LIST ? (double)taken->n : 0);

	switch (joint_of(r, vision)) {
	case JOINT_MATRIX:
		return h * out;
	case JOINT_TWO: /* of Mistral a matrix makes one patch of several before */
		return h * out + out * out + (side > 1 ? m * h : 0);
	case JOINT_MERGER:
		return mergers * (m * m + m * number_or(vision, "out_hidden_size", out));
	case JOINT_UNKNOWN:
		break;
	}
	return 0;
}

/* Of each patch its colours, and of Qwen those of two pictures in turn. */
static double patch_weights(const struct config_reading *r, const struct yml *vision, double h)
{
	const double side = number_or(vision, "patch_size", 0);
	const double frames =
		number_or(vision, "temporal_patch_size", joint_of(r, vision) == JOINT_MERGER ? 2 : 1);

	return h * (3 * side * side * frames + number_or(vision, "num_position_embeddings", 0));
}

double vision_weights(struct config_reading *r, const struct yml *vision, double text_h)
{
	struct config_reading inner = *r;
	const bool gated = tower_of(r, vision)->gated;
	double depth, h, f;

	inner.config = vision;
	depth = (double)CONFIG_OR_0(&inner, "depth", "num_hidden_layers");
	h = (double)CONFIG_OR_0(&inner, "embed_dim",
				"hidden_size"); /* where both stand, hidden_size is the text's */
	f = (double)CONFIG_OR_0(&inner, "intermediate_size");
	f = f > 0 ? f : h * number_or(vision, "mlp_ratio", 0);
	if (!(depth * h * f > 0))
		return 0;
	return depth * (4 * h * h + (gated ? 3 : 2) * h * f) + patch_weights(r, vision, h) +
	       joint_weights(r, vision, h, text_h);
}
