/*
 * nearest.h - what a wrong word may have meant: the nearest of the names there are.
 *
 * Layer base. Words are compared without case and punctuation: "LoRA" is "lora", "llamacpp" is "llama.cpp".
 */
#ifndef SIM_BASE_NEAREST_H
#define SIM_BASE_NEAREST_H
#include <stddef.h>

/* The entry of names[] (n of them) that is meant by text: the same letters, the same words in another order, another usual
 * word for the same ("mlp" for "ffn"), the one that has all of several words and more, else the one with the smallest edit
 * distance. NULL if none is close enough, or where several have all words: nearest_like() has those. */
const char *nearest_of(const char *text, const char *const *names, size_t n);

enum { NEAREST_MOST = 6 };
/* The entries that share most with a text that none is close to: those that begin with it, else those with the most of its
 * words ("macbook-pro-m5": m5 and pro). Fills out[] with at most NEAREST_MOST in the order of names[]; returns how many. */
size_t nearest_like(const char *text, const char *const *names, size_t n, const char *out[NEAREST_MOST]);

#endif
