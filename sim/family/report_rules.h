/*
 * report_rules.h - the rules that a row of a report is held against, for report_rows.c.
 *
 * Layer family. To hold another column, add a row to the table of rules.
 */
#ifndef SIM_FAMILY_REPORT_RULES_H
#define SIM_FAMILY_REPORT_RULES_H
#include "sim/family/report_rows.h"

/* A row that is being held against what is asked. */
struct held {
	const struct report_ask *ask;
	const struct run *run;
	const struct report_row *row;
	const char *says; /* the text of the rule's column; NULL for a rule of another kind */
};

/* Every rule; -1 with err and the column of the first that the row breaks. */
int rules_hold(struct held *x, enum run_column *column, struct err *err);
/* run_other_machine() of what is asked. */
const char *rule_other_machine(const struct held *x, const char *said);
int rule_params(const struct held *x, struct err *err);

#endif
