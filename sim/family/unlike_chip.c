/* unlike_chip.c - see unlike_chip.h. */
#include "sim/family/unlike_chip.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "sim/base/err.h"

/* A run of letters or of digits in a name. */
struct atom {
	const char *at;
	size_t n;
	bool digits;
};

static bool is_alnum(char c)
{
	return isalnum((unsigned char)c) != 0;
}

static bool is_digit(char c)
{
	return isdigit((unsigned char)c) != 0;
}

/* The first atom at or behind the text; of no characters where there is none. What stands in brackets is the driver's own. */
static struct atom atom_from(const char *text)
{
	struct atom a = {text, 0, false};

	while (*a.at && !is_alnum(*a.at))
		a.at = *a.at == '(' && strchr(a.at, ')') ? strchr(a.at, ')') : a.at + 1;
	a.digits = is_digit(*a.at);
	while (is_alnum(a.at[a.n]) && is_digit(a.at[a.n]) == a.digits)
		a.n++;
	return a;
}

static bool is_word(const struct atom *a, const char *word)
{
	return a->n == strlen(word) && !strncasecmp(a->at, word, a->n);
}

static bool is_one_of(const struct atom *a, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_word(a, words[i]))
			return true;
	return false;
}

static bool names_maker(const char *text)
{
	static const char *const makers[] = {"nvidia",   "geforce",    "rtx",      "gtx",   "quadro",
					     "tesla",    "amd",        "radeon",   "rx",    "ryzen",
					     "instinct", "intel",      "epyc",     "xeon",  "arc",
					     "apple",    "snapdragon", "qualcomm", "adreno"};
	struct atom a = atom_from(text);

	for (; a.n; a = atom_from(a.at + a.n))
		if (is_one_of(&a, makers, ARRAY_LEN(makers)))
			return true;
	return false;
}

/* Is the number an amount, "24 GB", "300 W", "16-Core", and no chip's? */
static bool is_amount(const struct atom *number)
{
	static const char *const units[] = {"gb", "gib",  "g",     "mb",   "mib",
					    "w",  "core", "cores", "bits", "bit"};
	const struct atom unit = atom_from(number->at + number->n);

	return is_one_of(&unit, units, ARRAY_LEN(units));
}

/* The letters that stand at the number on its left; the architecture, "gfx1100", "NAVI31", is of several chips. */
static struct atom letters_before(const char *text, const struct atom *number)
{
	struct atom a = {number->at, 0, false};

	while (a.at > text && is_alnum(a.at[-1]) && !is_digit(a.at[-1])) {
		a.at--;
		a.n++;
	}
	return a;
}

/* The longest number of the text that is a chip's, the first of several; of no digits where there is none. */
static struct atom number_of(const char *text)
{
	static const char *const of_several[] = {"gfx", "navi", "polaris", "gen", "pcie", "sxm", "hbm", "v"};
	struct atom best = {text, 0, true};

	for (struct atom a = atom_from(text); a.n; a = atom_from(a.at + a.n)) {
		const struct atom before = letters_before(text, &a);

		if (a.digits && a.n > best.n && !is_amount(&a) &&
		    !(a.n < 3 && is_one_of(&before, of_several, ARRAY_LEN(of_several))) &&
		    !is_one_of(&before, of_several, 3))
			best = a;
	}
	return best;
}

/* Letters of a name before a number, where they are at it and so few that they tell chips apart: "A" of A6000, not "RTX". */
static bool same_before(const char *said, const struct atom *number, const char *name,
			const struct atom *other)
{
	enum { SERIES = 2 };
	const struct atom a = letters_before(said, number), b = letters_before(name, other);

	if ((!a.n || a.n > SERIES) && (!b.n || b.n > SERIES))
		return true;
	return a.n == b.n && !strncasecmp(a.at, b.at, a.n);
}

/* The word behind the number that makes another product of it; of no characters where it does not. */
static struct atom variant_of(const struct atom *number)
{
	static const char *const variants[] = {"ti",     "super",  "xt", "xtx", "gre", "d",   "s",
					       "laptop", "mobile", "m",  "max", "ada", "pro", "ultra"};
	const struct atom next = atom_from(number->at + number->n);

	return is_one_of(&next, variants, ARRAY_LEN(variants)) ? next : (struct atom){next.at, 0, false};
}

/* Letters at both numbers on their right, such as X of MI300X: others are another chip. */
static bool same_behind(const struct atom *number, const struct atom *other)
{
	const struct atom a = atom_from(number->at + number->n), b = atom_from(other->at + other->n);

	if (a.at != number->at + number->n || b.at != other->at + other->n)
		return true;
	return a.n == b.n && !strncasecmp(a.at, b.at, a.n);
}

static bool has_number(const char *name, const char *said, const struct atom *number)
{
	const struct atom variant = variant_of(number);

	for (struct atom a = atom_from(name); a.n; a = atom_from(a.at + a.n)) {
		const struct atom theirs = variant_of(&a);

		if (a.digits && a.n == number->n && !strncmp(a.at, number->at, a.n) &&
		    same_before(said, number, name, &a) && same_behind(number, &a) &&
		    (!variant.n || (theirs.n == variant.n && !strncasecmp(theirs.at, variant.at, theirs.n))))
			return true;
	}
	return false;
}

static bool has_word(const char *text, const char *word)
{
	for (struct atom a = atom_from(text); a.n; a = atom_from(a.at + a.n))
		if (is_word(&a, word))
			return true;
	return false;
}

/* "TITAN RTX", "Radeon VII": a product that is called by a word, which no one of the names has. */
static bool is_other_product(const char *said, const char *const *names, size_t n)
{
	static const char *const words[] = {"titan", "vii", "fury", "adreno", "orin", "xavier", "thor"};

	for (size_t w = 0; w < ARRAY_LEN(words); w++) {
		bool theirs = false;

		for (size_t i = 0; i < n; i++)
			theirs = theirs || (names[i] && has_word(names[i], words[w]));
		if (!theirs && has_word(said, words[w]))
			return true;
	}
	return false;
}

/* AMD's processors and what they are sold as (LLVM, "User Guide for AMDGPU Backend", table of processors; ROCm's table of
 * supported GPUs). */
static const struct {
	const char *gfx, *chips[4];
} processors[] = {
	{"gfx1100", {"navi 31"}},
	{"gfx1101", {"navi 32"}},
	{"gfx1102", {"navi 33"}},
	{"gfx1150", {"strix point"}},
	{"gfx1151", {"strix halo"}},
	{"gfx1200", {"navi 44"}},
	{"gfx1201", {"navi 48"}},
	{"gfx1030", {"navi 21"}},
	{"gfx906", {"vega 20", "mi50", "mi60"}},
	{"gfx908", {"mi100"}},
	{"gfx90a", {"mi210", "mi250", "mi250x"}},
	{"gfx942", {"mi300x", "mi300a", "mi325x"}},
	{"gfx950", {"mi350x", "mi355x"}},
};

/* "gfx1151" anywhere, "(RADV GFX1151)" too; of no characters where there is none. */
static struct atom gfx_of(const char *text)
{
	struct atom a = {text, 0, false};

	for (; *a.at; a.at++)
		if (!strncasecmp(a.at, "gfx", 3) && is_digit(a.at[3]) &&
		    (a.at == text || !is_alnum(a.at[-1]))) {
			while (is_alnum(a.at[a.n]))
				a.n++;
			break;
		}
	return a;
}

/* Has the name these words in a row, whatever stands between them: "Navi 31", "NAVI31" of "navi 31"? */
static bool has_words(const char *name, const char *words)
{
	for (; *name; name++) {
		const char *at = name, *word = words;

		while (*at && *word &&
		       (tolower((unsigned char)*at) == *word || (*word == ' ' && is_digit(*at)))) {
			at += *word != ' ' || !is_digit(*at);
			word++;
		}
		if (!*word && !is_alnum(*at))
			return true;
	}
	return false;
}

/* The processor of a chip by its names; NULL: none that is known. */
static const char *gfx_of_names(const char *const *names, size_t n)
{
	for (size_t p = 0; p < ARRAY_LEN(processors); p++)
		for (size_t c = 0; c < ARRAY_LEN(processors[p].chips) && processors[p].chips[c]; c++)
			for (size_t i = 0; i < n; i++)
				if (names[i] && has_words(names[i], processors[p].chips[c]))
					return processors[p].gfx;
	return NULL;
}

/* A driver that has no name for a chip tells its processor. Other makers' chips have none. */
static bool is_other_processor(const char *said, const char *const *names, size_t n)
{
	static const char *const others[] = {"nvidia", "geforce", "intel", "arc", "apple", "qualcomm"};
	const struct atom gfx = gfx_of(said);
	const char *own = gfx.n ? gfx_of_names(names, n) : NULL;

	if (!gfx.n)
		return false;
	if (own)
		return !is_word(&gfx, own);
	for (size_t i = 0; i < n; i++)
		for (size_t w = 0; w < ARRAY_LEN(others); w++)
			if (names[i] && has_word(names[i], others[w]))
				return true;
	return false;
}

bool chip_is_unlike(const char *said, const char *const *names, size_t n)
{
	const struct atom number = number_of(said);

	if (is_other_processor(said, names, n))
		return true;
	if (names_maker(said) && is_other_product(said, names, n))
		return true;
	if (!number.n || !names_maker(said))
		return false;
	for (size_t i = 0; i < n; i++)
		if (names[i] && has_number(names[i], said, &number))
			return false;
	return true;
}
