/* headings.c - see headings.h. */
#include "sim/runs/headings.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "sim/base/str.h"

enum { HEADING_MAX = 60, WORDS_MAX = 16, FEW_WORDS = 5 };

/* The words of a line, without the marks around them. */
struct words {
	const char *at[WORDS_MAX];
	size_t n;
};

static struct words words_of(struct arena *a, const char *line)
{
	struct words w = {.n = 0};

	while (w.n < WORDS_MAX) {
		size_t n;

		while (*line && !isalnum((unsigned char)*line))
			line++;
		for (n = 0;
		     isalnum((unsigned char)line[n]) || line[n] == '.' || line[n] == '-' || line[n] == '+';)
			n++;
		if (!n)
			break;
		w.at[w.n++] = arena_strndup(a, line, n);
		line += n;
	}
	return w;
}

static bool is_one_of(const char *word, const char *const *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(word, all[i]))
			return true;
	return false;
}

static bool has_digit(const char *word)
{
	return word[strcspn(word, "0123456789")] != '\0';
}

/* "M1" to "M9": Apple's. */
static bool is_apple(const char *word)
{
	return (*word == 'M' || *word == 'm') && word[1] >= '1' && word[1] <= '9' && !word[2];
}

/* How many words from i on are a chip's name; 0: none begins there. */
static size_t chip_at(const struct words *w, size_t i)
{
	static const char *const series[] = {"RTX", "GTX", "RX", "Arc"}, *const between[] = {"Pro"},
				 *const behind[] = {"Ti",     "SUPER",  "XT",  "XTX", "GRE", "D",
						    "Laptop", "Mobile", "Ada", "Max", "Pro", "Ultra"},
				 *const whole[] = {"A100", "A40",  "A10",  "A10G", "H100",   "H200",
						   "B200", "L40S", "L40",  "L4",   "V100",   "P40",
						   "P100", "T4",   "GB10", "MI50", "MI300X", "MI210"};
	size_t end = i + 1;

	if (is_one_of(w->at[i], series, ARRAY_LEN(series))) {
		while (end < w->n && is_one_of(w->at[end], between, ARRAY_LEN(between)))
			end++;
		if (end == w->n || !has_digit(w->at[end]))
			return 0;
		end++;
	} else if (!is_apple(w->at[i]) && !is_one_of(w->at[i], whole, ARRAY_LEN(whole))) {
		return 0;
	}
	while (end < w->n && is_one_of(w->at[end], behind, ARRAY_LEN(behind)))
		end++;
	return end - i;
}

/* A line that heads what is below: it ends with a colon, Markdown marks it, or it is little more than a name. */
static bool heads(const char *line, const struct words *w)
{
	if (strlen(line) >= HEADING_MAX || strchr(line, '|') || strchr(line, '{') || strchr(line, '='))
		return false;
	return *line == '#' || str_starts(line, "**") || str_ends(line, ":") || strstr(line, "<summary>") ||
	       (w->n <= FEW_WORDS && !strpbrk(line, ".,;:/()"));
}

static const char *chip_of(struct arena *a, const struct words *w)
{
	const char *found = NULL;

	for (size_t i = 0; i < w->n; i++) {
		const size_t n = chip_at(w, i);

		if (!n)
			continue;
		if (found || (i && has_digit(w->at[i - 1]))) /* of several, or so many of it */
			return "";
		found = w->at[i];
		for (size_t k = 1; k < n; k++)
			found = arena_printf(a, "%s %s", found, w->at[i + k]);
		i += n - 1;
	}
	return found;
}

const char *heading_chip(struct arena *a, const char *line)
{
	const struct words w = words_of(a, line);

	return heads(line, &w) ? chip_of(a, &w) : NULL;
}

const char *chip_in(struct arena *a, const char *name)
{
	const struct words w = words_of(a, name);

	return chip_of(a, &w);
}

bool names_model_size(struct arena *a, const char *name)
{
	const struct words w = words_of(a, name);

	for (size_t i = 0; i < w.n; i++)
		for (const char *at = w.at[i]; *at; at++) {
			const size_t n = strspn(at, "0123456789.");

			if (n && (at[n] == 'B' || at[n] == 'b') && !isalnum((unsigned char)at[n + 1]))
				return true;
			at += n ? n - 1 : 0;
		}
	return false;
}

/* Rows of the lines from first on, up to `end`. */
static void give(struct reading *r, const char *chip, int first, int end)
{
	for (size_t i = 0; i < r->rows.n; i++) {
		struct run *run = &r->rows.at[i];
		const char *backend = run->says[COLUMN_BACKEND];

		if (run->line >= first && run->line < end && !run->machine && !run->says[COLUMN_GPU] &&
		    !(backend && !strcmp(backend, "CPU")))
			run->says[COLUMN_GPU] = chip;
	}
}

/* The one chip that lines of prose name; NULL: none, or several, of which a reader alone knows whose the rows are. A line with a bar,
 * brace or path is a row, an object or a command. */
static const char *spoken_chip(struct reading *r, const char *text)
{
	const char *spoken = NULL;

	while (*text) {
		const char *line = reading_line(r, &text),
			   *chip = strpbrk(line, "|{=/") ? NULL : chip_in(r->arena, line);

		if (!chip)
			continue;
		if (!*chip || (spoken && strcasecmp(spoken, chip) != 0))
			return NULL;
		spoken = chip;
	}
	return spoken;
}

static void give_spoken(struct reading *r, const char *chip)
{
	for (size_t i = 0; chip && i < r->rows.n; i++) {
		struct run *run = &r->rows.at[i];

		if (!run->machine && !run->says[COLUMN_GPU] && !run->says[COLUMN_CPU])
			run->spoken = chip;
	}
}

void text_give_headings(struct reading *r, const char *text)
{
	const char *chip = NULL;
	const char *const whole = text;
	int first = 0, at = 1;

	for (; *text; at++) {
		const char *next = heading_chip(r->arena, reading_line(r, &text));

		if (!next)
			continue;
		if (chip)
			give(r, chip, first, at);
		chip = *next ? next : NULL;
		first = at;
	}
	if (chip)
		give(r, chip, first, at);
	give_spoken(r, spoken_chip(r, whole));
}
