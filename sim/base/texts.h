/*
 * texts.h - a list of texts, for example the arguments of an option that may be repeated.
 *
 * Layer base. The array is in the caller's arena; the texts are borrowed unless stated otherwise.
 */
#ifndef SIM_BASE_TEXTS_H
#define SIM_BASE_TEXTS_H
#include <stddef.h>

#include "sim/base/mem.h"

struct texts {
	const char **at;
	size_t n;
};

/* Splits "a,[b,c],d" at each separator that is outside brackets and quotes. */
struct texts texts_cut(struct arena *a, const char *text, char separator);

/* A new list of the texts of `first` followed by n more. */
struct texts texts_join(struct arena *a, const struct texts *first, const char *const *more, size_t n);

/* The same with one text more, unless an equal one is there. */
struct texts texts_join_once(struct arena *a, const struct texts *first, const char *text);

#endif
