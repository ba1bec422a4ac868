/*
 * mix_word.h - the format of weights that a text names, as reports and names of models do: "llama 8B Q4_K_M",
 * "Qwen3-8B-GGUF:Q8_0", "Llama-3.1-8B-fp16".
 *
 * Layer llm. "4bit" is one of MLX where the text says that it is of MLX; elsewhere it names nothing, since several formats
 * have four bits.
 */
#ifndef SIM_LLM_MIX_WORD_H
#define SIM_LLM_MIX_WORD_H
#include <stdbool.h>
#include <stddef.h>

/* Whether the text holds the letters mlx, in any case, as names of owners and tools of MLX do. */
bool text_is_of_mlx(const char *text);

/* The mix (enum mix_id) of the longest word of the text that is the name of one, in any case; MIX_N: there is none.
 * at, n, where not NULL: where in the text that word begins, and its length. */
int mix_in_text(const char *text, const char **at, size_t *n);

#endif
