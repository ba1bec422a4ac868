/*
 * report_page.h - a report: one HTML file with the answer of a scenario, or of several, and all that it rests on.
 *
 * Layer report. The page asks nothing of a network and can be read without its script, which sorts tables, zooms
 * pictures and shows tooltips at once. Same arguments, same bytes.
 */
#ifndef SIM_REPORT_REPORT_PAGE_H
#define SIM_REPORT_REPORT_PAGE_H
#include "sim/plan/plan.h"
#include "sim/predict/job.h"
#include "sim/report/result.h"
#include "sim/report/scenario_pictures.h"
#include "sim/sweep/sweep.h"

/* One scenario. Everything is borrowed. */
struct report_part {
	const struct result *result;    /* of a plan: its rows are the fleets */
	const struct plan_result *plan; /* NULL: the scenario plans nothing */
	const char *config;             /* the effective configuration, each value with its place */
	const char *file; /* the file that the result was read from; NULL: it was made just now */
	const struct pictures *pictures;
	const struct sweep *sweep; /* what-ifs of it, every cell run; NULL: none */
};

/* The name of the assignment that takes the least time for a job; NULL: none does it. */
const char *report_quickest(const struct result *r, enum job job);

/* Appends the page. Several parts begin with a comparison of all their assignments. n > 0 */
void report_page(struct str *out, const struct report_part *parts, size_t n);

#endif
