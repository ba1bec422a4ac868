/*
 * model_words.h - a name of the catalogue within what a report calls its model: "llama3.1:8b", "unsloth/GLM-4.5-Air-GGUF".
 *
 * Layer family. Both texts are cut into words and numbers, so that separators and case do not tell. A name that says no size
 * ("deepseek-r1", "phi-4") may stand in the name of another model, whose size or a word behind it tells: "deepseek-r1:8b",
 * "phi-4-mini".
 */
#ifndef SIM_FAMILY_MODEL_WORDS_H
#define SIM_FAMILY_MODEL_WORDS_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/mem.h"

/* Lower-case words and numbers, each with a '-' before and behind it: "-llama-3-1-8-b-". In the arena. */
const char *model_words(struct arena *a, const char *text);

/* Behind the name within the words, at the '-' that ends it; NULL: it is not there. Both as model_words() makes them. */
const char *model_words_behind(const char *words, const char *name);

/* Does a size in billions stand in those words, as in "-8-b-"? What is active of experts ("-a-3-b-") is none. */
bool model_words_have_size(const char *words);

/* Do the words behind a name say another size than `params`, by more than names round? */
bool model_words_other_size(const char *behind, double params);

/* Is a size that the words say one of the name's too? */
bool model_words_of_size(const char *words, const char *name);

/* Is one of the words a word of a name, other than its numbers? */
bool model_words_share(const char *words, const char *name);

/* Bytes of the whole words, and of the parts of numbers before points, that both begin with. */
size_t model_words_in_common(const char *words, const char *name);

#endif
