/* nearest.c - see nearest.h. */
#include "sim/base/nearest.h"

#include <stdbool.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/str.h"

enum { WORD_MAX = 48 };

/* ---- one word against another ---- */

struct folded { /* in lower case; longer texts are cut, and no typing errors */
	char text[WORD_MAX + 2];
	size_t len;
};

static struct folded fold_with(const char *text, bool punctuation)
{
	struct folded f = {.len = 0};

	for (; *text && f.len <= WORD_MAX; text++) {
		const unsigned char c = (unsigned char)*text;
		const bool upper = c >= 'A' && c <= 'Z';

		if (punctuation || upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80)
			f.text[f.len++] = (char)(upper ? c - 'A' + 'a' : c);
	}
	return f;
}

/* Letters and digits alone. */
static struct folded fold(const char *text)
{
	return fold_with(text, false);
}

/* Levenshtein's distance with one row; WORD_MAX if a word is too long to be a typing error. */
static size_t edit_distance(const struct folded *a, const struct folded *b)
{
	size_t row[WORD_MAX + 1];

	if (a->len > WORD_MAX || b->len > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= b->len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a->len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b->len; j++) {
			const size_t change = diagonal + (a->text[i - 1] != b->text[j - 1]);
			const size_t drop = row[j] + 1, add = row[j - 1] + 1;

			diagonal = row[j];
			row[j] = drop < add ? drop : add;
			if (change < row[j])
				row[j] = change;
		}
	}
	return row[b->len];
}

static const char between_words[] = "_-. ";

static bool has_word(const char *text, const char *word, size_t len)
{
	while (strcspn(text, between_words) != len || strncmp(text, word, len) != 0) {
		text += strcspn(text, between_words);
		if (!*text++)
			return false;
	}
	return true;
}

/* Whether a name has every word of the text; *words: how many these are, where it has. */
static bool has_all_words(const char *name, const char *text, size_t *words)
{
	for (*words = 0; *text; ++*words) {
		const size_t len = strcspn(text, between_words);

		if (!has_word(name, text, len))
			return false;
		text += len + (text[len] != '\0');
	}
	return true;
}

/* Of the same words in another order: ttft_p99_s for ttft_s_p99. */
static bool has_same_words(const char *a, const char *b)
{
	size_t words;

	return strlen(a) == strlen(b) && has_all_words(b, a, &words);
}

/* It has several words and all of them: "h100-80gb" in "nvidia-h100-sxm-80gb". */
static bool is_longer(const char *name, const char *text)
{
	size_t words;

	return has_all_words(name, text, &words) && words > 1 && !has_same_words(text, name);
}

/* Usual words for the same, as they are folded; the first is what files say here, the others are those of PyTorch, PEFT and
 * the papers. */
static const char *const same[][2] = {
	{"ffn", "mlp"},
	{"ffn", "feedforward"},
	{"attention", "attn"},
	{"head", "lmhead"},
	{"embedding", "embed"},
	{"embedding", "embedtokens"},
	{"rank", "r"},
	{"rank", "lorarank"},
	{"between", "from"},
	{"between", "to"},
	{"between", "ends"},
	{"batch", "batchsize"},
	{"batch", "bs"},
	{"tokens", "maxtokens"},
	{"tokens", "seqlen"},
	{"prompt", "promptlen"},
	{"micro_batches", "ga"},
	{"on", "device"},
	{"llama.cpp", "ollama"},
	{"llama.cpp", "lmstudio"},
	{"torch", "pytorch"},
	{"mps", "pytorch"},
	{"f16", "half"},
	{"bf16", "bfloat16"},
	{"q8_0", "int8"},
	{"q8_0", "8bit"},
	{"q4_K_M", "int4"},
	{"q4_K_M", "4bit"},
	{"on", "machine"},
	{"full", "sft"},
	{"micro_batches", "gradientaccumulationsteps"},
};

static bool is_synonym(const char *folded, const char *name)
{
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
		if (!strcmp(same[i][1], folded) && !strcmp(same[i][0], name))
			return true;
	return false;
}

/* Is the text the beginning of a much longer name, of which there may be several? */
static bool is_beginning(const struct folded *text, const struct folded *name)
{
	const size_t more = text->len > 3 ? 2 : text->len == 3; /* as many letters may have been left out */

	return name->len > text->len + more && !strncmp(name->text, text->text, text->len);
}

/* How far a name is from a text: in letters and digits; of equal ones, with punctuation. */
struct distance {
	size_t letters, all;
};

static struct distance distance_of(const char *text, const char *name)
{
	const struct folded a = fold(text), b = fold(name), x = fold_with(text, true),
			    y = fold_with(name, true);

	if (has_same_words(text, name) || is_synonym(a.text, name))
		return (struct distance){0, 0};
	if (is_beginning(&a, &b)) /* beginnings() counts them */
		return (struct distance){WORD_MAX, WORD_MAX};
	return (struct distance){edit_distance(&a, &b), edit_distance(&x, &y)};
}

/* How many names begin with the text; *one: one of them. */
static size_t beginnings(const char *text, const char *const *names, size_t n, const char **one)
{
	const struct folded word = fold(text);
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		const struct folded name = fold(names[i]);

		if (word.len < 2 || !is_beginning(&word, &name))
			continue;
		*one = names[i];
		found++;
	}
	return found;
}

/* How many names have all words of the text; *one: one of them. */
static size_t longer_names(const char *text, const char *const *names, size_t n, const char **one)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (is_longer(names[i], text)) {
			*one = names[i];
			found++;
		}
	return found;
}

const char *nearest_of(const char *text, const char *const *names, size_t n)
{
	const size_t len = fold(text).len;
	const char *best = NULL, *begun = NULL, *longer = NULL;
	const size_t begin = beginnings(text, names, n, &begun);
	const size_t long_names = longer_names(text, names, n, &longer);
	/* up to a third of the letters may be wrong, and one more where there are enough of them */
	struct distance least = {len > 3 ? len / 3 + 2 : 2, 0};

	for (size_t i = 0; i < n; i++) {
		const struct distance d = distance_of(text, names[i]);

		if (d.letters < least.letters || (d.letters == least.letters && d.all < least.all)) {
			least = d;
			best = names[i];
		}
	}
	if (long_names && (!best || least.letters)) /* no typing error: "h100-80gb" is no "a100-80gb" */
		return long_names == 1 ? longer : NULL;
	if (begin && (!best || least.letters > 1))
		return begin == 1 ? begun : NULL; /* of several nearest_like() tells */
	return best;
}

/* ---- a text against many ---- */

static bool begins_with(const char *name, const struct folded *word)
{
	const struct folded f = fold(name);

	return word->len > 1 && f.len > word->len && !strncmp(f.text, word->text, word->len);
}

/* How many of the words of text a name has, words of one letter not counted. */
static size_t shared_words(const char *text, const char *name)
{
	size_t n = 0;

	while (*text) {
		const size_t len = strcspn(text, between_words);

		n += len > 1 && has_word(name, text, len);
		text += len + (text[len] != '\0');
	}
	return n;
}

size_t nearest_like(const char *text, const char *const *names, size_t n, const char *out[NEAREST_MOST])
{
	const struct folded word = fold(text);
	size_t most = 0, found = 0;

	for (size_t i = 0; i < n && found < NEAREST_MOST; i++)
		if (begins_with(names[i], &word))
			out[found++] = names[i];
	for (size_t i = 0; i < n && !found; i++) {
		const size_t shared = shared_words(text, names[i]);

		most = shared > most ? shared : most;
	}
	for (size_t i = 0; i < n && most && found < NEAREST_MOST; i++)
		if (shared_words(text, names[i]) == most)
			out[found++] = names[i];
	return found;
}
