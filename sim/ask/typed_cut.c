/* typed_cut.c - see typed_cut.h. */
#include "sim/ask/typed_cut.h"

#include <string.h>

#include "sim/base/err.h"

/* The length of the word or number that begins here; 0: a separator does. A point inside a number is of it. */
static size_t atom_length(const char *s)
{
	size_t n = 0;

	if (is_letter(*s))
		while (is_letter(s[n]))
			n++;
	else
		while (is_digit(s[n]) || (n && s[n] == '.' && is_digit(s[n + 1])))
			n++;
	return n;
}

/* Units that stand for others. */
static const char *as_unit(const char *word)
{
	static const char *const units[][2] = {{"gib", "gb"},  {"g", "gb"},     {"gig", "gb"},
					       {"gigs", "gb"}, {"core", "c"},   {"cores", "c"},
					       {"tib", "tb"},  {"billion", "b"}};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (!strcmp(word, units[i][0]))
			return units[i][1];
	return word;
}

bool is_unit(const char *s, size_t n)
{
	static const char *const units[] = {"gb", "c", "b", "tb"};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strlen(units[i]) == n && !memcmp(s, units[i], n))
			return true;
	return false;
}

/* Short forms of links: TB5, 10GbE, IB. */
static const struct short_form {
	const char *word;
	bool after_number;
	const char *unit, *whole; /* unit NULL: none */
} short_forms[] = {{"tb", false, NULL, "thunderbolt"},
		   {"ib", false, NULL, "infiniband"},
		   {"gbe", true, "gb", "ethernet"}};

static void add_word(struct cut *c, const char *word, size_t token)
{
	const size_t at = c->from[c->n], n = strlen(word);

	if (c->n == ATOMS_MAX || at + n >= TEXT_MAX)
		return;
	memcpy(c->text + at, word, n + 1);
	c->token[c->n] = token;
	c->from[++c->n] = at + n;
}

static void add_atom(struct cut *c, const char *s, size_t n, size_t token)
{
	const bool after_number = c->n && is_digit(c->text[c->from[c->n - 1]]);
	char word[TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		word[i] = lower(s[i]);
	word[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(short_forms); i++)
		if (short_forms[i].after_number == after_number && !strcmp(word, short_forms[i].word)) {
			if (short_forms[i].unit)
				add_word(c, short_forms[i].unit, token);
			add_word(c, short_forms[i].whole, token);
			return;
		}
	add_word(c, after_number ? as_unit(word) : word, token);
}

void cut_text(struct cut *c, const char *s)
{
	size_t token = 0;
	bool cores = false, two;

	*c = (struct cut){.n = 0};
	for (size_t n; *s && c->n < ATOMS_MAX; s += n ? n : 1) {
		n = atom_length(s);
		if (n && c->from[c->n] + n >= TEXT_MAX)
			break;
		two = n && is_digit(*s) && s[n] == '/' && is_digit(s[n + 1]);
		token += !n;
		if (n && !two)
			add_atom(c, s, n, token);
		if (n && cores && !is_letter(s[n]))
			add_atom(c, "c", 1, token);
		cores = n ? two : cores;
	}
}

bool has_digit(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_digit(s[i]))
			return true;
	return false;
}

bool atom_is(const struct cut *c, size_t i, const char *text)
{
	return i < c->n && strlen(text) == atom_size(c, i) &&
	       !memcmp(c->text + c->from[i], text, strlen(text));
}
