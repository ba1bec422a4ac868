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
void section_table(struct str *out, const struct section_place *at, const struct result *r);
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
