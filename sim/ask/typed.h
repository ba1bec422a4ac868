/*
 * typed.h - which of many names is meant by what people type: "m4 max 64", "MacBook Pro M5", "qwen3:30b".
 *
 * Layer ask. No list of spellings: both texts are cut into words and numbers, case and punctuation left out, and a
 * name matches if its tokens cover all that was typed, in any order. "64", "64 GB" and "64g" are the token "64gb";
 * "40 core" is "40c"; "qwen" is "qwen3" with its number left open; words that distinguish nothing ("GPU", "RAM",
 * "instruct", "v0.1") are passed over; so are cores of the CPU ("16/40", "12-core CPU"). The last word of a trade name and its
 * capitals stand for it ("air", "MBP"). Of the names that match, those are kept that leave the fewest of their words
 * unsaid (a number of a product that was not said may be any: "AMD Radeon" names none); where one of these words follows what was said, another product is meant ("4070" is not a "4070 Ti"), and
 * the name is a candidate only.
 */
#ifndef SIM_ASK_TYPED_H
#define SIM_ASK_TYPED_H
#include <stdbool.h>

#include "sim/base/texts.h"

struct known_name {
	const char *id; /* "apple-m4-max-40c-64gb" */
	const char *const
		*sold_as; /* trade names: "MacBook Pro"; one with a number names the whole product */
	size_t sold_as_n;
};

/* The meaning of a size that was not typed ("64gb", "40c", "30b"). */
enum typed_sizes {
	TYPED_SIZES_LEAST, /* the least of those that match: fewest cores, then least memory */
	TYPED_SIZES_NAMED  /* must be named where there are several */
};

enum { TYPED_CANDIDATES = 12 };
struct typed_found {
	bool found;
	size_t at;     /* the match, an index of names[] */
	size_t equals; /* names that differ from the match in sizes that were not typed, itself included */
	/* names that may be meant where nothing is found, best first; n counts them all */
	size_t candidates[TYPED_CANDIDATES], n;
	bool near; /* they do not cover what was typed, but have most of their words in common with it */
};

/* An id typed as it stands is always found. */
struct typed_found typed_find(const char *text, const struct known_name *names, size_t n,
			      enum typed_sizes sizes);

/* How many characters of the text are tokens of the id that have a number or four letters, sizes left out: a cheap
 * sign of which files are worth reading. */
size_t typed_common(const char *text, const char *id);

/* Whether a is b but for its memory, and has more of it. A name without a memory is its file's own. */
bool typed_larger(const char *a, const char *b);

#endif
