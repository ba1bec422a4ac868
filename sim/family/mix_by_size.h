/*
 * mix_by_size.h - files whose formats no rule gives by the name, taken as a known mix of the bytes that a report tells.
 *
 * Layer family. A dynamic mix (Unsloth's UD-Q4_K_XL, files called Q4_K_L or Q4_K_XL) has a format for each tensor from a search for
 * each model. llama-bench calls such a file by the file type that it was made from, "Q4_K - Medium", and prints its size. Its
 * kernels are taken for those of that type, and its bytes for the size: everything that is not f32 is stretched alike, so that
 * experts, attention and tables keep their shares.
 */
#ifndef SIM_FAMILY_MIX_BY_SIZE_H
#define SIM_FAMILY_MIX_BY_SIZE_H
#include "sim/llm/model.h"

/* The mix that the name of a dynamic one is made from, q4_K_M of "Qwen3-30B-A3B-UD-Q4_K_XL"; MIX_N: the text has no such name, or
 * one of whose formats nothing is known. *word, where not NULL: the name in the text, of *n bytes; NULL: there is none. */
int mix_of_dynamic(const char *text, const char **word, size_t *n);

/* Stretches p to the bytes of a file. -1: they are so far from the mix's that most weights cannot be in its formats, and p is as
 * it was. */
int mix_stretch(const struct model *m, struct precision *p, double bytes);

/* The standard deviation of the logarithm of a run's time that comes of not knowing which tensors have the bytes that a stretch adds or
 * takes; 0 of a precision that is not stretched. It is that of a uniform distribution between the two extremes of what a token
 * reads, all of them in what it reads of every file, or all in what it does not (experts that were not chosen, the table of tokens);
 * and, of twice the share of these bytes, since a tensor with more bits has bytes of its own beside those added, the 15 % of a
 * number that was transferred, since the kernels of its format are not known. */
double mix_stretch_sd(const struct model *m, const struct precision *p);

#endif
