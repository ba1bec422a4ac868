/*
 * report_sections.h - the sections of a report, one function each; report_page.c puts them in order.
 *
 * Layer report; for report_page.c alone. Each appends HTML, and nothing where it has nothing to say. level: of its
 * heading; id: a prefix that makes the ids of one scenario differ from those of the next.
 */
#ifndef SIM_REPORT_REPORT_SECTIONS_H
#define SIM_REPORT_REPORT_SECTIONS_H
#include "sim/report/report_page.h"

struct section_place {
	const char *id;
	int level;
};

void section_answer(struct str *out, const struct section_place *at, const struct result *r);
void section_ranges(struct str *out, const struct section_place *at, const struct result *r);
/* ranked: the best of each column is marked; not where rows were asked for different things. */
void section_table(struct str *out, const struct section_place *at, const struct result *r, bool ranked);
/* The assignments of several scenarios: ranked where all ask for the same of the same model, else each with its own best. */
void section_comparison(struct str *out, const struct report_part *parts, size_t n);
/* What a scenario asks for, to be compared: its model and request, as r->computed says, and of a load the workload of its
 * configuration; "": not known. In the arena. */
const char *report_request(struct arena *a, const char *computed, const char *config);
/* The paragraphs of section_answer() on what is best, and on what does not fit. */
void answer_sentences(struct str *out, const struct result *r);
/* Puts rows in the order of the first job that any of them has a time for, the best first; those without come last, in the
 * order they had. */
void report_sort(struct assignment_row *rows, size_t n);
void section_findings(struct str *out, const struct section_place *at, const struct result *r);
void section_limits(struct str *out, const struct section_place *at, const struct result *r);
void section_memory(struct str *out, const struct section_place *at, const struct result *r);
void section_pictures(struct str *out, const struct section_place *at, const struct pictures *p);
void section_assumptions(struct str *out, const struct section_place *at, const struct result *r);
void section_numbers(struct str *out, const struct section_place *at, const struct result *r);
void section_inputs(struct str *out, const struct section_place *at, const struct result *r);
void section_config(struct str *out, const struct section_place *at, const char *config);
void section_sweep(struct str *out, const struct section_place *at, const struct sweep *s,
		   const struct pictures *p);
void section_plan(struct str *out, const struct section_place *at, const struct plan_result *r);
/* The figures behind a plan's prices, power and times, each with its spread, file and source. */
void section_plan_sources(struct str *out, const struct section_place *at, const struct plan_result *r);

/* Begins and ends a section: <section> with its heading. name: a word of the id. */
void section_open(struct str *out, const struct section_place *at, const char *name, const char *title);
void section_close(struct str *out);

#endif
