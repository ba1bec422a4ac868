/* typed_beyond.c - see typed_beyond.h. */
#include "sim/ask/typed_beyond.h"

#include <string.h>

#include "sim/ask/typed_cut.h"

enum { DEVICES_MAX = 1024 }; /* a number before or behind an x that is greater is of a name: "9950X" */

static bool is_one_of(const struct cut *c, size_t i, const char *const *words, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (atom_is(c, i, words[k]))
			return true;
	return false;
}

static long number_at(const struct cut *c, size_t i)
{
	const size_t at = i < c->n ? c->from[i] : 0;
	long number = 0;

	if (i >= c->n || !is_digit(c->text[at]))
		return 0;
	for (size_t k = at; k < c->from[i + 1] && is_digit(c->text[k]) && number <= DEVICES_MAX; k++)
		number = number * 10 + (c->text[k] - '0');
	return number <= DEVICES_MAX ? number : 0;
}

static bool is_whole_token(const struct cut *c, size_t first, size_t n)
{
	return (!first || c->token[first - 1] != c->token[first]) &&
	       (first + n == c->n || c->token[first + n] != c->token[first + n - 1]);
}

/* How many devices "2x" or "x2" says, whose words begin at that atom; 0: it says no number. */
static long times_at(const struct cut *c, size_t i)
{
	if (!is_whole_token(c, i, 2))
		return 0;
	return atom_is(c, i + 1, "x") ? number_at(c, i) : atom_is(c, i, "x") ? number_at(c, i + 1) : 0;
}

/* At the front or at the end of what is typed: 0 where nothing is said. */
static long devices_around(const struct cut *c)
{
	const long front = c->n > 2 ? times_at(c, 0) : 0;

	return front ? front : c->n > 2 ? times_at(c, c->n - 2) : 0;
}

/* A bracket that holds a number alone says how many, too. */
static long devices_within(const struct cut *c)
{
	static const char *const cards[] = {"gpu", "gpus", "card", "cards", "devices", "units"};

	if (c->n == 1)
		return number_at(c, 0);
	for (size_t i = 0; i + 1 < c->n; i++)
		if (times_at(c, i))
			return times_at(c, i);
		else if (is_one_of(c, i + 1, cards, ARRAY_LEN(cards)) && number_at(c, i))
			return number_at(c, i);
	return 0;
}

static bool has_any_of(const struct cut *c, const char *const *words, size_t n)
{
	for (size_t i = 0; i < c->n; i++)
		if (is_one_of(c, i, words, n))
			return true;
	return false;
}

/* Laptops' cards have other chips, less memory and less power under the same number. */
static bool is_of_laptop(const struct cut *c)
{
	static const char *const words[] = {"laptop", "mobile", "notebook"};

	return has_any_of(c, words, ARRAY_LEN(words));
}

static int refuse_laptop(const char *text, struct err *err)
{
	err_set(err, "'%.100s' is the variant for laptops, which the catalogue has not", text);
	return err_hint(err, "it has another chip, memory and power than what desktops have under that name; "
			     "a file with 'base:' and what differs is that machine: lemursim help machine");
}

/* "EVO-X2": a hyphen behind a word joins it to a name; several are said apart, or behind a number ("4090-x2"). */
static bool ends_in_name(const char *text)
{
	const char *hyphen = strrchr(text, '-');

	return hyphen && hyphen > text && is_letter(hyphen[-1]) && !strchr(hyphen, ' ');
}

static bool has_word_of_several(const struct cut *c)
{
	static const char *const words[] = {"dual", "pair", "twin",  "two", "triple", "three",
					    "quad", "four", "eight", "sli", "nvlink"};

	return has_any_of(c, words, ARRAY_LEN(words));
}

static int refuse_several(const char *text, struct err *err)
{
	err_set(err, "'%.100s' names several devices", text);
	return err_hint(err, "one name is of one machine; ask takes several, --on A,B; what ran over several "
			     "is of a scenario: "
			     "validate SCENARIO --from FILE");
}

static int refuse_bracket(const char *text, const struct cut *c, struct err *err)
{
	static const char *const watts[] = {"w", "watt", "watts"}, *const variants[] = {"mobile",   "laptop",
											"notebook", "q",
											"maxq",     "modded"};

	for (size_t i = 0; i < c->n; i++) {
		const bool number = i && is_digit(c->text[c->from[i - 1]]);

		if (number && is_one_of(c, i, watts, ARRAY_LEN(watts))) {
			err_set(err,
				"'%.100s' names a limit of power, which the machine as it is sold has not",
				text);
			return err_hint(err, "a file with 'base:' and 'power_limit: %.*s W' is that machine",
					(int)atom_size(c, i - 1), c->text + c->from[i - 1]);
		}
		if ((number && is_unit(c->text + c->from[i], atom_size(c, i))) ||
		    is_one_of(c, i, variants, ARRAY_LEN(variants))) {
			err_set(err, "'%.100s' names another variant than the catalogue has", text);
			return err_hint(err, "a file with 'base:' and what differs is that machine: lemursim "
					     "help machine");
		}
	}
	return 0;
}

/* The sign of multiplication is a letter here. */
static void cut_with_times(struct cut *c, const char *text, size_t n)
{
	char plain[TEXT_MAX];
	size_t to = 0;

	for (size_t i = 0; i < n && text[i] && to + 1 < sizeof plain; i++) {
		const bool times = !strncmp(text + i, "\xc3\x97", 2);

		plain[to++] = times ? 'x' : text[i];
		i += times;
	}
	plain[to] = '\0';
	cut_text(c, plain);
}

int typed_is_one(const char *text, struct err *err)
{
	struct cut c;

	for (const char *open = strchr(text, '('), *end; open; open = strchr(end, '(')) {
		end = open + strcspn(open, ")");
		cut_with_times(&c, open, (size_t)(end - open));
		if (devices_within(&c) > 1 || has_word_of_several(&c))
			return refuse_several(text, err);
		if (refuse_bracket(text, &c, err) != 0)
			return -1;
	}
	cut_with_times(&c, text, strcspn(text, "("));
	if ((devices_around(&c) > 1 && !ends_in_name(text)) || has_word_of_several(&c))
		return refuse_several(text, err);
	return is_of_laptop(&c) ? refuse_laptop(text, err) : 0;
}

const char *typed_without_one(struct arena *a, const char *text)
{
	const size_t n = strlen(text), front = strspn(text, " ");

	if (!strncmp(text + front, "1x ", 3) || !strncmp(text + front, "1X ", 3))
		return text + front + 3;
	if (!strncmp(text + front, "1 x ", 4))
		return text + front + 4;
	if (n > 3 && (!strcmp(text + n - 3, " x1") || !strcmp(text + n - 3, " 1x")))
		return arena_printf(a, "%.*s", (int)(n - 3), text);
	return text;
}

bool typed_is_air(const char *text)
{
	static const char *const words[] = {"air", "mba"};
	struct cut c;

	cut_text(&c, text);
	return has_any_of(&c, words, ARRAY_LEN(words));
}
