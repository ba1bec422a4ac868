/* mix_word.c - see mix_word.h. */
#include "sim/llm/mix_word.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/llm/quant.h"

/* Where the text holds the word, in any case, with no letter or digit next to it; NULL: nowhere. */
static const char *find_word(const char *text, const char *word)
{
	const size_t n = strlen(word);

	for (const char *at = text; *at; at++) {
		size_t i = 0;

		while (i < n && tolower((unsigned char)at[i]) == tolower((unsigned char)word[i]))
			i++;
		if (i == n && !isalnum((unsigned char)at[n]) && at[n] != '_' &&
		    (at == text || !isalnum((unsigned char)at[-1])))
			return at;
	}
	return NULL;
}

/* Names that mean a mix which is called otherwise here. */
static const struct {
	const char *name;
	int mix;
} other_names[] = {{"q2_K_M", FORMAT_Q2_K},
		   {"q6_K_M", FORMAT_Q6_K},
		   {"fp16", FORMAT_F16},
		   {"float16", FORMAT_F16},
		   {"bfloat16", FORMAT_BF16},
		   /* mlx-community's */
		   {"MXFP4-Q4", MIX_MLX_MXFP4_Q4},
		   {"MXFP4-Q8", MIX_MLX_MXFP4_Q8}};

bool text_is_of_mlx(const char *text)
{
	for (; *text; text++)
		if (tolower((unsigned char)text[0]) == 'm' && tolower((unsigned char)text[1]) == 'l' &&
		    tolower((unsigned char)text[2]) == 'x')
			return true;
	return false;
}

/* "4bit", as users of mlx_lm.convert name what it makes. */
static int bits_in(const char *text, const char **at, size_t *n)
{
	static const struct {
		const char *name;
		int mix;
	} bits[] = {{"2bit", FORMAT_MLX_Q2}, {"3bit", FORMAT_MLX_Q3}, {"4bit", FORMAT_MLX_Q4},
		    {"5bit", FORMAT_MLX_Q5}, {"6bit", FORMAT_MLX_Q6}, {"8bit", FORMAT_MLX_Q8}};

	for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
		*at = find_word(text, bits[i].name);
		*n = strlen(bits[i].name);
		if (*at)
			return bits[i].mix;
	}
	return MIX_N;
}

int mix_in_text(const char *text, const char **at, size_t *n)
{
	const char *where = NULL;
	size_t longest = 0;
	int found = MIX_N;

	for (size_t i = 0; i < MIX_N + ARRAY_LEN(other_names); i++) {
		const char *name = i < MIX_N ? mix_names[i] : other_names[i - MIX_N].name;
		const char *here = strlen(name) > longest ? find_word(text, name) : NULL;

		if (!here)
			continue;
		where = here;
		longest = strlen(name);
		found = i < MIX_N ? (int)i : other_names[i - MIX_N].mix;
	}
	if (found == MIX_N && text_is_of_mlx(text))
		found = bits_in(text, &where, &longest);
	if (at)
		*at = where;
	if (n)
		*n = longest;
	return found;
}
