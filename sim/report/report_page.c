/* report_page.c - see report_page.h. */
#include "sim/report/report_page.h"

#include <stdint.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/sha256.h"
#include "sim/draw/dark.h"
#include "sim/report/assets.h"
#include "sim/report/html.h"
#include "sim/report/report_sections.h"

static const char *title_of(const struct result *r)
{
	return r->title && *r->title ? r->title : r->scenario;
}

/* ---- frame ---- */

static uint32_t nibble(char digit)
{
	return (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* The hash of a text as a content security policy names it: sha256 in base 64. */
static void add_hash(struct str *out, const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char hex[65];

	sha256_hex(text, strlen(text), hex);
	str_add(out, "'sha256-");
	for (int i = 0; i < 64; i += 6) { /* three bytes give four digits; the last two bytes give three */
		uint32_t bits = 0;
		const int n = i + 6 <= 64 ? 6 : 64 - i;

		for (int k = 0; k < 6; k++)
			bits = bits << 4 | (k < n ? nibble(hex[i + k]) : 0);
		for (int k = 0; k < 4; k++)
			str_add_n(out, n == 6 || k < 3 ? &digits[bits >> (18 - 6 * k) & 63] : "=", 1);
	}
	str_add(out, "'");
}

/* The policy allows this page's own style and script by their hashes, and nothing else: no network, no script that a
 * name could smuggle in. */
static void add_head(struct str *out, const char *title, const char *version)
{
	const char *script = assets_source("report_script");
	struct str style = STR_INIT;

	str_add(&style, assets_source("report_style"));
	dark_rules(&style, ".picture ");
	str_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src ");
	add_hash(out, style.text);
	str_add(out, "; script-src ");
	add_hash(out, script);
	str_add(out, "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		     "<meta name=\"color-scheme\" content=\"light dark\">\n"
		     "<meta name=\"generator\" content=\"lemursim ");
	html_text(out, version);
	str_add(out, "\">\n");
	html_element(out, "title", NULL, title);
	str_addf(out,
		 "<style>%s</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">To the report</a>\n",
		 style.text);
	str_release(&style);
}

static void add_foot(struct str *out, const struct result *r)
{
	str_add(out, "</main>\n<footer>Made by lemursim ");
	html_text(out, r->version);
	str_add(out, ". The same inputs, seed and version give the same numbers.</footer>\n");
	str_addf(out, "<script>%s</script>\n</body>\n</html>\n", assets_source("report_script"));
}

static void add_title(struct str *out, const char *title, const char *under)
{
	str_add(out, "<header>\n");
	html_element(out, "h1", NULL, title);
	if (under && *under)
		html_element(out, "p", "computed", under);
	str_add(out, "</header>\n<main id=\"main\">\n");
}

/* ---- one scenario ---- */

static void add_part(struct str *out, const struct section_place *at, const struct report_part *p)
{
	if (p->plan) {
		section_plan(out, at, p->plan);
	} else {
		section_answer(out, at, p->result);
		section_ranges(out, at, p->result);
		section_table(out, at, p->result, true);
		if (p->sweep)
			section_sweep(out, at, p->sweep, p->pictures);
		section_findings(out, at, p->result);
		section_limits(out, at, p->result);
		section_memory(out, at, p->result);
	}
	if (p->pictures)
		section_pictures(out, at, p->pictures);
	section_assumptions(out, at, p->result);
	section_numbers(out, at, p->result);
	if (p->plan)
		section_plan_sources(out, at, p->plan);
	section_inputs(out, at, p->result);
	section_config(out, at, p->config);
}

/* ---- several ---- */

/* Which file a result is from: two of them may have one title. */
static void add_file(struct str *out, const struct report_part *p)
{
	if (!p->file)
		return;
	str_add(out, "<p class=\"computed\">Read from ");
	html_text(out, p->file);
	str_add(out, ", which lemursim ");
	html_text(out, p->result->version);
	str_addf(out, " wrote; %spictures are in a report of its scenario.</p>\n",
		 p->pictures && p->pictures->n ? "other " : "");
}

static const char *noun_of(const struct report_part *parts, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= parts[i].file != NULL;
	return any ? "results" : "scenarios";
}

static void add_contents(struct str *out, const struct report_part *parts, size_t n)
{
	str_add(out, "<nav aria-label=\"What is compared\">\n<ol>\n");
	for (size_t i = 0; i < n; i++) {
		str_addf(out, "<li><a href=\"#s%zu\">", i + 1);
		html_text(out, title_of(parts[i].result));
		str_add(out, "</a>");
		str_add(out, parts[i].file ? " (" : "");
		html_text(out, parts[i].file ? parts[i].file : "");
		str_add(out, parts[i].file ? ")</li>\n" : "</li>\n");
	}
	str_add(out, "</ol>\n</nav>\n");
}

static void add_scenario(struct str *out, const struct report_part *p, size_t number)
{
	struct arena a = ARENA_INIT;
	const struct section_place inside = {arena_printf(&a, "s%zu-", number), 3};

	str_addf(out, "<article aria-labelledby=\"s%zu\">\n", number);
	html_heading(out, 2, arena_printf(&a, "s%zu", number),
		     arena_printf(&a, "%zu. %s", number, title_of(p->result)));
	if (p->result->computed)
		html_element(out, "p", "computed", p->result->computed);
	add_file(out, p);
	add_part(out, &inside, p);
	str_add(out, "</article>\n");
	arena_release(&a);
}

void report_page(struct str *out, const struct report_part *parts, size_t n)
{
	const struct result *first = parts[0].result;

	if (n == 1) {
		add_head(out, title_of(first), first->version);
		add_title(out, title_of(first), first->computed);
		add_file(out, parts);
		add_part(out, &(struct section_place){"", 2}, parts);
	} else {
		struct str title = STR_INIT;

		str_addf(&title, "%zu %s compared", n, noun_of(parts, n));
		add_head(out, title.text, first->version);
		add_title(out, title.text, NULL);
		add_contents(out, parts, n);
		section_comparison(out, parts, n);
		for (size_t i = 0; i < n; i++)
			add_scenario(out, &parts[i], i + 1);
		str_release(&title);
	}
	add_foot(out, first);
}
