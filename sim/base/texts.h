/*
 * texts.h - a list of texts, such as the arguments of an option that may be given again.
 *
 * Layer base. The array is in the caller's arena; the texts are borrowed.
 */
#ifndef SIM_BASE_TEXTS_H
#define SIM_BASE_TEXTS_H
#include <stddef.h>

#include "sim/base/mem.h"

struct texts {
	const char **at;
	size_t n;
};

/* Cuts "a,[b,c],d" at each comma, or at another separator, that stands in no bracket and in no quotes. */
struct texts texts_cut(struct arena *a, const char *text, char separator);

/* The texts of first, then n more, as a new list. */
struct texts texts_join(struct arena *a, const struct texts *first, const char *const *more, size_t n);

#endif
