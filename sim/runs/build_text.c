/* build_text.c - see build_text.h. */
#include "sim/runs/build_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/runs/ingest.h"

enum { LINE_MOST = 400, HASH_LEAST = 6, DIGITS_MOST = 8, TAG_LEAST = 4, TAG_MOST = 5 };

/* The line in lower case, without what Markdown sets a word off with. */
static void plain(const char *line, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < LINE_MOST - 1; i++)
		if (!strchr("`*_\"", line[i]))
			out[n++] = (char)tolower((unsigned char)line[i]);
	out[n] = '\0';
}

static const char *past(const char *at, const char *chars)
{
	return at + strspn(at, chars);
}

/* The whole number of `len` digits at the text; 0: none, or too long for one. */
static int64_t number_of(const char *at, size_t len)
{
	int64_t n = 0;

	if (!len || len > DIGITS_MOST)
		return 0;
	for (size_t i = 0; i < len; i++)
		n = 10 * n + (at[i] - '0');
	return n;
}

/* The end of a commit's hash at the text; NULL: there is none. */
static const char *past_hash(const char *at)
{
	const size_t n = strspn(at, "0123456789abcdef");

	return n >= HASH_LEAST && !isalnum((unsigned char)at[n]) ? at + n : NULL;
}

/* "8e672ef (1550)", "4869 (2c9f833d)", "b5489-2d38b6e40"; 0: none of them. */
static int64_t with_commit(const char *at)
{
	const char *hash = past_hash(at), *inside = hash ? past(hash, " ") : NULL;
	size_t digits = inside && *inside == '(' ? strspn(inside + 1, "0123456789") : 0;

	if (digits && inside[1 + digits] == ')')
		return number_of(inside + 1, digits);
	at += *at == 'b';
	digits = strspn(at, "0123456789");
	inside = past(at + digits, " ");
	return (*inside == '(' || *inside == '-') && past_hash(inside + 1) ? number_of(at, digits) : 0;
}

/* "b7825", and where a bare number will do "7825", "#7825"; 0: none, a hash, a version, a date, a year. */
static int64_t tag(const char *at, bool bare)
{
	const bool b = *at == 'b';
	const char *from = at + (b || *at == '#');
	const size_t n = strspn(from, "0123456789");
	const char *end = from + n;

	if ((!b && !bare) || n < TAG_LEAST || n > TAG_MOST || isalnum((unsigned char)*end) ||
	    (*end && strchr(".-/:", *end) && isalnum((unsigned char)end[1])))
		return 0;
	return !b && n == 4 && str_starts(from, "20") ? 0 : number_of(from, n);
}

/* Words that a build stands behind. Releases and versions are of many programs. */
static const struct {
	const char *word;
	bool tag, bare;
} words[] = {{"build", true, true},
	     {"llama.cpp", true, false},
	     {"release", true, false},
	     {"version", false, false},
	     {"buildinfo", false, false}};

static int64_t behind_word(const char *at, size_t word)
{
	const char *from = past(at, " :=,@/");
	const int64_t build = with_commit(from);

	return build || !words[word].tag ? build : tag(from, words[word].bare);
}

int64_t build_in_line(const char *line, size_t len)
{
	char text[LINE_MOST];
	int64_t build = 0;

	plain(line, len, text);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (const char *at = strstr(text, words[i].word); at; at = strstr(at, words[i].word)) {
			int64_t one;

			at += strlen(words[i].word);
			one = behind_word(at, i);
			if (build && one && build != one)
				return 0;
			build = one ? one : build;
		}
	return build;
}
