/*
 * causes.h - the possible causes of rows that are unlike what is expected, each simulated on the same rows.
 *
 * Layer validate. The parts of likely_causes.h: that reads the rows, this tries, and cause_list.h ranks.
 */
#ifndef SIM_VALIDATE_CAUSES_H
#define SIM_VALIDATE_CAUSES_H
#include "sim/family/report_rows.h"
#include "sim/validate/cause_list.h"

/* A row with its prediction on the device as asked. */
struct case_row {
	struct report_row row;
	struct run_plan plan;
	struct predicted_run run; /* the plan's run, operator by operator */
	double measured_s, expected_s;
	double spilled; /* the share of it that does not fit, though the row does not say that it ran elsewhere; 0: it fits */
	bool says_weights, says_flash, says_build,
		says_layers; /* the row itself, so that it is no question */
};

struct cause_search {
	const struct validate_ask *ask;
	struct catalogue_device device;
	const char *typed;         /* words that may mean another machine than the device's too; NULL: none */
	struct memory_said memory; /* what the report says of the machine's memory */
	struct case_row *rows;
	size_t n;
	const bool *judged;       /* of each row: causes are judged by it */
	size_t left_out[COLUMNS]; /* foreign rows, by column */
	struct cause_list tried;
};

/* What is left between predicted times, one a row, and the measured ones of the rows that are judged by:
 * likely_cause.left. */
double causes_left(const struct cause_search *s, const double *seconds);

/* A cause without a number of its own, by the times that it gives the rows (s->n of them): kept where it explains enough. */
void causes_add(struct cause_search *s, const char *what, const double *seconds);

/* The time of a row of which that share of the layers ran on the CPU: a rough estimate of its rates. */
double cause_on_cpu(const struct cause_search *s, const struct case_row *r, double share);

/* Tries every cause that may apply to the judged rows, and adds each that explains some of how they are unlike what is
 * expected to s->tried, which the caller ranks. */
void causes_try(struct cause_search *s);

/* The same of what the judged rows say of themselves, which is no guess; *idle where that explains nothing. */
void causes_try_said(struct cause_search *s, struct likely_cause *idle);

/* Tells what each other machine that the words may mean would be expected to give, in notes of the search's arena. */
void causes_tell_machines(const struct cause_search *s, struct texts *notes);

#endif
