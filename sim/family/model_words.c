/* model_words.c - see model_words.h. */
#include "sim/family/model_words.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"

/* Names round ("phi4:14b" has 14.66 billion, "qwen3-next:80b" 79.67). */
static const double names_round = 0.1;

enum kind_of_letter { GAP, LETTER, DIGIT, POINT };

/* A point between two digits is of their number. */
static enum kind_of_letter kind_at(const char *text, const char *at)
{
	const unsigned char c = (unsigned char)*at;

	if (c == '.' && at > text && isdigit((unsigned char)at[-1]) && isdigit((unsigned char)at[1]))
		return POINT;
	return c < 128 && isdigit(c) ? DIGIT : c < 128 && isalpha(c) ? LETTER : GAP;
}

const char *model_words(struct arena *a, const char *text)
{
	struct str s = STR_INIT;
	enum kind_of_letter last = GAP;
	const char *kept;

	str_add(&s, "-");
	for (const char *at = text; *at; at++) {
		const enum kind_of_letter kind = kind_at(text, at);
		const bool number = kind == DIGIT || kind == POINT, follows = last == DIGIT || last == POINT;
		const char c = kind == POINT ? '.' : (char)tolower((unsigned char)*at);

		if (last != GAP && (kind == GAP || number != follows))
			str_add(&s, "-");
		if (kind != GAP)
			str_add_n(&s, &c, 1);
		last = kind;
	}
	if (last != GAP)
		str_add(&s, "-");
	kept = arena_strdup(a, s.text);
	str_release(&s);
	return kept;
}

/* "3_1" is written for "3.1". */
static bool starts(const char *words, const char *name)
{
	for (; *name; name++, words++)
		if (*words != *name && !(strchr(".-", *name) && *words && strchr(".-", *words)))
			return false;
	return true;
}

const char *model_words_behind(const char *words, const char *name)
{
	const size_t n = strlen(name);

	for (const char *at = strchr(words, '-'); n > 1 && at; at = strchr(at + 1, '-'))
		if (starts(at, name) && at[n - 1] == '-')
			return at + n - 1;
	return NULL;
}

/* The next size from the '-' at *at on, which is set behind it; 0: there is none. "a-3-b" is what is active. */
static double next_size(const char **at)
{
	bool active = false;

	while ((*at)[0] && (*at)[1]) {
		const char *word = *at + 1;
		const bool counts = isdigit((unsigned char)*word) && !active;

		*at = word + strcspn(word, "-");
		active = word[0] == 'a' && *at == word + 1;
		if (counts && str_starts(*at, "-b-"))
			return 1e9 * strtod(word, NULL);
	}
	return 0;
}

bool model_words_have_size(const char *words)
{
	return next_size(&words) > 0;
}

bool model_words_other_size(const char *behind, double params)
{
	const char *at = behind;
	bool other = false;

	for (double size = next_size(&at); size > 0; size = next_size(&at)) {
		if (fabs(size / params - 1) <= names_round)
			return false;
		other = true;
	}
	return other;
}

bool model_words_of_size(const char *words, const char *name)
{
	for (double said = next_size(&words); said > 0; said = next_size(&words)) {
		const char *at = name;

		for (double size = next_size(&at); size > 0; size = next_size(&at))
			if (!(fabs(size / said - 1) > 1e-9))
				return true;
	}
	return false;
}

bool model_words_share(const char *words, const char *name)
{
	enum { LETTERS_LEAST = 3 };

	while (words[0] && words[1]) {
		const size_t n = strcspn(words + 1, "-");
		const char *at = n >= LETTERS_LEAST && isalpha((unsigned char)words[1]) ? name : "";

		for (; *at && at[1]; at += 1 + strcspn(at + 1, "-"))
			if (!strncmp(at, words, n + 1) && at[n + 1] == '-')
				return true;
		words += n + 1;
	}
	return false;
}

size_t model_words_in_common(const char *words, const char *name)
{
	size_t common = 0;

	for (size_t i = 1; words[i] && words[i] == name[i]; i++)
		common = words[i] == '-' || words[i] == '.' ? i : common;
	return common;
}
