/* mix_by_size.c - see mix_by_size.h. */
#include "sim/family/mix_by_size.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "sim/base/exact_math.h"
#include "sim/base/str.h"

/* --- names ---------------------------------------------------------------------------------------- */

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* q4_K of "Q4_K_XL": a letter or more, and digits behind it. */
static bool names_format(const char *word)
{
	const size_t heads = strspn(word, "iIqQ");

	return heads && heads < 3 && isdigit((unsigned char)word[heads]) && word[heads + 1] == '_';
}

/* The mix called as the first n letters of a word with that ending. */
static int called(const char *word, size_t n, const char *ending)
{
	for (int mix = 0; mix < MIX_N; mix++)
		if (strncasecmp(mix_names[mix], word, n) == 0 && !strcasecmp(mix_names[mix] + n, ending))
			return mix;
	return MIX_N;
}

/* The length of "_XL" or "_L" at the end of a word; 0: it has neither. */
static size_t large_ending(const char *word, size_t n)
{
	if (n > 3 && !strncasecmp(word + n - 3, "_XL", 3))
		return 3;
	return n > 2 && !strncasecmp(word + n - 2, "_L", 2) ? 2 : 0;
}

/* What llama-bench calls a file of that name: its file type is that of the same bits, of several the medium one. */
static int base_of(const char *word, size_t n)
{
	static const char *const endings[] = {"_M", "", "_0"};
	const size_t stem = n - large_ending(word, n);
	int mix = called(word, n, "");

	for (size_t i = 0; i < ARRAY_LEN(endings) && mix == MIX_N && stem < n; i++)
		mix = called(word, stem - (i == 2 ? 2 : 0), endings[i]); /* q8_0 of Q8_K_XL */
	return mix;
}

/* "Q4_K_XL" and "Q4_K_L" are no file types of llama.cpp, which has q3_K_L alone. */
static bool is_large(const char *word, size_t n)
{
	const size_t ending = large_ending(word, n);

	return ending == 3 || (ending && called(word, n, "") == MIX_N);
}

int mix_of_dynamic(const char *text, const char **word, size_t *n)
{
	for (const char *at = text; *at; at++) {
		const bool ud = !strncasecmp(at, "UD-", 3);
		const char *format = at + (ud ? 3 : 0);
		size_t length = 0;

		if ((at > text && in_word(at[-1])) || !names_format(format))
			continue;
		while (in_word(format[length]))
			length++;
		if (!ud && !is_large(format, length))
			continue;
		if (word)
			*word = at;
		if (n)
			*n = (size_t)(format - at) + length;
		return base_of(format, length);
	}
	if (word)
		*word = NULL;
	return MIX_N;
}

/* --- bytes ---------------------------------------------------------------------------------------- */

/* Half of the weights at least are in the formats of the mix's name, and the others in formats of twice the bits at most (Unsloth's
 * Qwen3.5-2B-UD-Q8_K_XL.gguf of 2,893,114,784 bytes has 1.40 times those of q8_0), or one bit fewer (half of q4_K_M in q3_K: 0.88). */
static const double least = 0.86, most = 1.5;

int mix_stretch(const struct model *m, struct precision *p, double bytes)
{
	struct precision q = *p;
	double ruled, doubled, factor;

	q.stretch = 1;
	ruled = model_weights_B(m, &q);
	q.stretch = 2;
	doubled = model_weights_B(m, &q);
	factor = 1 + (bytes - ruled) / (doubled - ruled);
	if (!(factor >= least && factor <= most))
		return -1;
	p->stretch = factor;
	return 0;
}

/* --- what is not known ---------------------------------------------------------------------------- */

/* Weights of a file by who reads them: every token; those that chose an expert; hardly any, of the table of tokens. */
struct shares {
	double always, experts, table;
};

static struct shares bytes_of(const struct model *m, const struct precision *p)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);
	struct shares s = {0, 0, 0};

	for (size_t i = 0; i < n; i++) {
		const enum role role = parts[i].part.role;
		const double bytes = parts[i].blocks * part_weights_B(m, p, parts[i].part);

		*(role == ROLE_EXPERTS                      ? &s.experts
		  : role == ROLE_EMBEDDING && !m->tied_head ? &s.table
							    : &s.always) += bytes;
	}
	return s;
}

static double read_of(const struct model *m, double always, double experts)
{
	return always + (m->experts ? experts * (double)m->experts->active / (double)m->experts->count : 0);
}

/* What a token reads where `extra` bytes are in what every token reads, as far as 16 bits go, and the rest in the experts; or the
 * other way round. */
static double read_with(const struct model *m, const struct shares *ruled, const struct shares *room,
			double extra, bool in_always)
{
	const double hidden = ruled->experts + ruled->table, hidden_room = room->experts + room->table;
	const double first = in_always ? room->always - ruled->always : hidden_room - hidden;
	const double own =
		extra > 0 ? fmin(extra, first) : fmax(extra, -0.5 * (in_always ? ruled->always : hidden));
	const double always = ruled->always + (in_always ? own : extra - own),
		     other = in_always ? extra - own : own;

	return read_of(m, always, ruled->experts + (ruled->experts > 0 ? other : 0));
}

double mix_stretch_sd(const struct model *m, const struct precision *p)
{
	static const double kernels = 0.15;
	struct precision ruled = *p;
	const struct precision widest = {.weights = FORMAT_BF16};
	struct shares r, room;
	double extra, share, hi, lo, range;

	if (!(p->stretch > 0))
		return 0;
	ruled.stretch = 0;
	r = bytes_of(m, &ruled);
	room = bytes_of(m, &widest);
	extra = model_weights_B(m, p) - model_weights_B(m, &ruled);
	share = fmin(1, 2 * fabs(extra) / model_weights_B(m, p));
	hi = read_with(m, &r, &room, extra, true);
	lo = read_with(m, &r, &room, extra, false);
	range = exact_log(hi / lo);
	return sqrt(range * range / 12 + kernels * kernels * share * share);
}
