/*
 * describe_unpack.c - the number of weights that the packed tensors of quantized safetensors stand for.
 *
 * Packed words hold 32 / bits or 8 / bits weights; scales, zero points and the like are not weights. The
 * names of these tensors are those of mlx (nn/layers/quantized.py) and of transformers' integrations of
 * mxfp4, fp8 (finegrained_fp8), awq, gptq, bitsandbytes and compressed-tensors.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/import/describe.h"

static const char *read_word(const struct yml *map, const char *key)
{
	const struct yml *y = map ? yml_get(map, key) : NULL;

	return y && y->kind == YML_SCALAR ? y->text : NULL;
}

/* Is this a tensor without weights of its own, such as scales, by the ending of its name? */
static bool is_not_weights(const char *name)
{
	static const char *const endings[] = {".scales",
					      ".biases",
					      "_scales",
					      "weight_scale_inv",
					      ".weight_scale",
					      ".input_scale",
					      ".weight_shape",
					      ".weight_zero_point",
					      ".weight_global_scale",
					      ".input_global_scale",
					      ".qzeros",
					      ".g_idx",
					      ".absmax",
					      ".quant_map",
					      ".nested_absmax",
					      ".nested_quant_map",
					      ".SCB",
					      ".weight_format",
					      ".weight_scale_2",
					      ".k_scale",
					      ".v_scale",
					      ".weight_g_idx"};

	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (str_ends(name, endings[i]))
			return true;
	return strstr(name, ".quant_state.") != NULL;
}

/* The bits per weight of a module under MLX: its own entry in the config, else the common one. */
static double mlx_bits(const struct yml *quantization, const char *name)
{
	const struct yml *own = NULL;
	const size_t len = strlen(name);
	char path[1100];
	const char *bits;

	if (str_ends(name, ".weight") && len < sizeof path) {
		memcpy(path, name, len - 7);
		path[len - 7] = '\0';
		own = yml_get(quantization, path);
	}
	bits = read_word(own, "bits");
	if (!bits)
		bits = read_word(quantization, "bits");
	return bits ? strtod(bits, NULL) : 0;
}

struct packing {
	const struct yml *mlx, *hf;
	const char *method; /* Hugging Face quantization method; "" if none */
	double bits;        /* Hugging Face bits; 4 if not stated */
};

/* The number of weights in one stored number of a packed tensor; 1: it is not packed. */
static double weights_per_number(const struct packing *p, const struct file_tensor *x)
{
	const char *name = x->name;

	if (p->mlx)
		return !strcmp(x->type, "U32") && str_ends(name, ".weight") ? 32 / mlx_bits(p->mlx, name) : 1;
	/* gpt-oss: two weights of four bits in a byte */
	if (str_ends(name, "_blocks") && !strcmp(x->type, "U8"))
		return 2;
	if (str_ends(name, ".qweight") || str_ends(name, ".weight_packed"))
		return (!strcmp(x->type, "U8") ? 8 : 32) / p->bits;
	if (!strcmp(p->method, "bitsandbytes") && !strcmp(x->type, "U8") && str_ends(name, ".weight"))
		return 2;
	return 1;
}

/* The bits per weight; compressed-tensors states them in its config_groups. */
static double hf_bits(const struct yml *hf)
{
	const struct yml *groups = hf ? yml_get(hf, "config_groups") : NULL;
	const char *bits = hf ? read_word(hf, "bits") : NULL;

	if (!bits && groups && groups->kind == YML_MAP && groups->n)
		bits = read_word(yml_get(groups->items[0], "weights"), "num_bits");
	return bits ? strtod(bits, NULL) : 4;
}

int describe_unpack(struct tensor_table *t, const struct yml *config, struct err *err)
{
	const struct yml *text = yml_get(config, "text_config");
	struct packing p = {.mlx = yml_get(config, "quantization"),
			    .hf = yml_get(config, "quantization_config")};

	if (p.mlx && p.mlx->kind != YML_MAP)
		p.mlx = NULL;
	if (!p.hf && text)
		p.hf = yml_get(text, "quantization_config");
	p.method = read_word(p.hf, "quant_method") ? read_word(p.hf, "quant_method") : "";
	p.bits = hf_bits(p.hf);
	for (size_t i = 0; i < t->n; i++) {
		struct file_tensor *x = &t->at[i];
		const double in_one =
			(p.mlx || p.hf) && is_not_weights(x->name) ? 0 : weights_per_number(&p, x);

		if (!isfinite(in_one) || in_one < 0 || in_one > 32) {
			err_set(err,
				"%s:byte %llu: tensor '%s' is packed, but config.json does not say in how "
				"many bits",
				x->file, (unsigned long long)x->at, x->name);
			return -1;
		}
		x->numbers = x->stored * in_one;
	}
	return 0;
}
