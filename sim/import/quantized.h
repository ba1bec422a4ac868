/*
 * quantized.h - how a repository keeps the weights of its model, as the quantisation block of its config.json says.
 *
 * Layer import. Of each linear module: which format, for what group of weights a scale and a zero point are kept, and which modules
 * stay as they were. Formats are those of transformers' quantizers (AWQ, GPTQ, bitsandbytes, fp8, mxfp4, quark),
 * compressed-tensors, NVIDIA's Model Optimizer and mlx_lm; their tensors are those of describe_unpack.c.
 */
#ifndef SIM_IMPORT_QUANTIZED_H
#define SIM_IMPORT_QUANTIZED_H
#include "sim/base/err.h"
#include "sim/conf/yml.h"
#include "sim/llm/model.h"

struct quantized_weights {
	double bytes;                /* of the text model: weights, scales and zero points */
	double mtp_bytes;            /* of the layers that predict further tokens */
	struct file_formats formats; /* of each class of tensors in the text model */
};

/* Has the config a quantisation block? A hf_quant_config.json is one, too. */
bool config_is_quantized(const struct yml *config);
/* Reads it for a model that was made of the same config. 0, or -1 with err: a method or format that is not here. */
int quantized_read(struct arena *a, const struct yml *config, const struct model *m,
		   struct quantized_weights *out, struct err *err);

#endif
