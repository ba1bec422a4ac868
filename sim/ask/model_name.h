/*
 * model_name.h - a model's name as it is published: "mlx-community/Meta-Llama-3.1-8B-Instruct-4bit",
 * "Qwen3-8B-GGUF:Q8_0".
 *
 * Layer ask. The owner before a '/' says nothing of the model; the name of a format (see mix_word.h) is taken out, and is
 * the format that is asked for.
 */
#ifndef SIM_ASK_MODEL_NAME_H
#define SIM_ASK_MODEL_NAME_H
#include <stdbool.h>

#include "sim/base/mem.h"

struct model_name {
	const char *name;    /* to be looked up */
	const char *weights; /* a name of mix_names[]; NULL: the name says none */
	const char *unknown; /* what stands behind a GGUF's colon where it names no known format; else NULL */
	bool mlx;            /* it is published for MLX */
};

struct model_name model_name_read(struct arena *a, const char *text);

#endif
