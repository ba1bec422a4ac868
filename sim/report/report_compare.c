/*
 * report_compare.c - the section of a report that sets the assignments of several scenarios side by side.
 *
 * Layer report. Only what was asked the same can be ranked.
 */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/report/html.h"
#include "sim/report/report_sections.h"

/* ---- what a scenario asks for ---- */

/* Where the words on the request begin in those of world/computed.h; NULL: there are none. */
static const char *request_words(const char *computed)
{
	static const char *const begins[] = {"; prompt ", "; full training, ", "; LoRA of ", "; QLoRA of ",
					     "; a load of requests"};
	const char *first = NULL;

	for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
		const char *at = strstr(computed, begins[i]);

		if (at && (!first || at < first))
			first = at;
	}
	return first;
}

/* The lines of the workload in a configuration, without the places of its values; up to the next key of its level. */
static void add_workload(struct str *out, const char *config)
{
	const char *line = config;
	size_t level = 0;
	bool inside = false;

	for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const size_t blanks = strspn(line, " ");
		size_t n = strcspn(line, "\n#");

		while (n && line[n - 1] == ' ')
			n--;
		if (inside && blanks <= level)
			return;
		if (inside)
			str_add_n(out, line, n);
		if (!inside &&
		    (str_starts(line + blanks, "workload:") || str_starts(line + blanks, "\"workload\":"))) {
			inside = true;
			level = blanks;
		}
	}
}

const char *report_request(struct arena *a, const char *computed, const char *config)
{
	const char *words = computed ? request_words(computed) : NULL, *end, *text;
	struct str s = STR_INIT;

	if (!words)
		return "";
	end = strstr(words, "; seed ");
	str_add_n(&s, computed, strcspn(computed, ",;")); /* the model */
	str_add_n(&s, words, end ? (size_t)(end - words) : strlen(words));
	if (strstr(s.text, "a load of requests"))
		add_workload(&s, config ? config : "");
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

/* The first scenario that asks for what scenario i does, from its model to its request; i: none before it. */
static size_t first_alike(struct arena *a, const struct report_part *parts, size_t i)
{
	const char *asked = report_request(a, parts[i].result->computed, parts[i].config);

	for (size_t k = 0; k < i; k++)
		if (!parts[k].plan &&
		    !strcmp(asked, report_request(a, parts[k].result->computed, parts[k].config)))
			return k;
	return i;
}

/* ---- the assignments of all ---- */

/* All assignments as if they were of one scenario, those of a plan not among them. of: only of scenarios that ask for what
 * scenario `of` does; n: of all. */
static struct result join(struct arena *a, const struct report_part *parts, size_t n, size_t of)
{
	struct result all = *parts[of < n ? of : 0].result;
	struct assignment_row *rows;
	size_t rows_n = 0;

	for (size_t i = 0; i < n; i++)
		rows_n += parts[i].plan ? 0 : parts[i].result->rows_n;
	rows = arena_array(a, rows_n + 1, sizeof *rows);
	all.rows = rows;
	all.rows_n = 0;
	all.notes_n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct result *r = parts[i].result;

		if (parts[i].plan || (of < n && first_alike(a, parts, i) != of))
			continue;
		for (size_t k = 0; k < r->rows_n; k++) {
			rows[all.rows_n] = r->rows[k];
			rows[all.rows_n++].name =
				arena_printf(a, "%zu %s: %s", i + 1, r->scenario, r->rows[k].name);
		}
		if (r->draws != all.draws)
			all.draws = 0;
	}
	report_sort(rows, all.rows_n);
	return all;
}

/* "weights q4_K_M, KV f16, computed in f16": between the model and what follows. */
static const char *format_words(struct arena *a, const char *computed)
{
	const char *from = computed ? strstr(computed, ", weights ") : NULL;

	from = from ? from + strlen(", ") : "";
	return arena_strndup(a, from, strcspn(from, ";"));
}

/* A format is quicker than a larger one and answers worse; only the first is modelled, which readers have to be told
 * where both are ranked. */
static void add_formats(struct str *out, struct arena *a, const struct report_part *parts, size_t n,
			size_t of)
{
	const char *const first = format_words(a, parts[of].result->computed);
	struct str text = STR_INIT;
	bool unlike = false;

	for (size_t i = of; i < n; i++) {
		const char *words;

		if (parts[i].plan || first_alike(a, parts, i) != of)
			continue;
		words = format_words(a, parts[i].result->computed);
		unlike |= strcmp(words, first) != 0;
		str_addf(&text, "%s%zu %s", text.len ? "; " : "", i + 1, words);
	}
	str_add(&text,
		". These formats are ranked by time and money alone: what answers lose by a smaller one is "
		"not modelled.");
	if (unlike)
		html_element(out, "p", "note", text.text);
	str_release(&text);
}

/* A sentence above each group: what it asks for, and in which scenarios. */
static void add_group(struct str *out, struct arena *a, const struct report_part *parts, size_t n, size_t of)
{
	const struct result best = join(a, parts, n, of);
	const char *comma = "";

	str_add(out, "<h3>Scenario");
	for (size_t i = of; i < n; i++)
		if (!parts[i].plan && first_alike(a, parts, i) == of) {
			str_addf(out, "%s <a href=\"#s%zu\">%zu</a>", comma, i + 1, i + 1);
			comma = ",";
		}
	str_add(out, "</h3>\n");
	if (best.computed)
		html_element(out, "p", "note", best.computed);
	add_formats(out, a, parts, n, of);
	answer_sentences(out, &best);
}

static size_t groups_of(struct arena *a, const struct report_part *parts, size_t n)
{
	size_t groups = 0;

	for (size_t i = 0; i < n; i++)
		groups += !parts[i].plan && first_alike(a, parts, i) == i;
	return groups;
}

static void compare_unlike(struct str *out, struct arena *a, const struct report_part *parts, size_t n)
{
	const struct section_place inside = {"all-", 2};
	const struct result all = join(a, parts, n, n);

	section_open(out, &inside, "answer", "Answer");
	str_add(out, "<p>These scenarios ask for different things: another model, prompt, batch or load. "
		     "Their times "
		     "are not ranked against each other; each has a best of its own.</p>\n<div "
		     "class=\"answer\">\n");
	for (size_t i = 0; i < n; i++)
		if (!parts[i].plan && first_alike(a, parts, i) == i)
			add_group(out, a, parts, n, i);
	str_add(out, "</div>\n");
	section_close(out);
	section_table(out, &inside, &all, false);
}

void section_comparison(struct str *out, const struct report_part *parts, size_t n)
{
	const struct section_place inside = {"all-", 2};
	struct arena a = ARENA_INIT;
	const size_t groups = groups_of(&a, parts, n);

	if (groups > 1) {
		compare_unlike(out, &a, parts, n);
	} else if (groups == 1) {
		const struct result all = join(&a, parts, n, n);
		size_t of = 0;

		while (parts[of].plan)
			of++;
		section_answer(out, &inside, &all);
		add_formats(out, &a, parts, n, of);
		section_ranges(out, &inside, &all);
		section_table(out, &inside, &all, true);
	}
	arena_release(&a);
}
