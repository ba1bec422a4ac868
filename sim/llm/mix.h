/*
 * mix.h - the format of each tensor of a quantised file, by the rules of the program that wrote it.
 *
 * Layer llm. llama.cpp's rules are those of src/llama-quant.cpp (llama_tensor_get_type_impl(),
 * tensor_type_fallback()) at 007dbbf, 2026; files made since 2024 follow them. mlx_lm's are those of utils.py
 * (quantize_model()) and of the models' quant_predicate at d78bf58, 2026. Layers are treated alike: what
 * differs between them by a rule is averaged over them, so that a model's bytes are exact and a layer's are
 * the mean. Where precision names a file, its tensors have the last word instead of a rule; they are averaged
 * in the same way. What is known of a file by its size alone is a stretch of the bytes of a mix (struct precision).
 */
#ifndef SIM_LLM_MIX_H
#define SIM_LLM_MIX_H
#include "sim/llm/model.h"

/* Sums over a model's layers what mix_bytes() asks of it under these weights, once; the sums live in the arena, and so must the
 * model. Nothing is kept where layers are alike. */
void mix_tabulate(struct arena *a, const struct model *m, struct precision *p);

/* Bytes of so many weights of a class in a part. Of a model that is not tabulated they are summed over its layers anew. */
double mix_bytes(const struct model *m, const struct precision *p, struct part part, enum tensor t,
		 double numbers);

/* The format of most weights of a class in a part; of two with as many, the one of fewer bits. */
enum format_id mix_most(const struct model *m, const struct precision *p, struct part part, enum tensor t);

/* The format of a tensor in one layer (any, where it is in none), as the mix has it: no exceptions. */
enum format_id mix_format(const struct model *m, enum mix_id mix, enum tensor t, int64_t layer);

#endif
