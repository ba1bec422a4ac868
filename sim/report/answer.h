/*
 * answer.h - writes the answer to a question, as sentences and a few lines of numbers.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_ANSWER_H
#define SIM_REPORT_ANSWER_H
#include "sim/ask/answer.h"
#include "sim/ask/budget.h"

/* The first line is what was assumed. width: columns of the terminal. */
void answer_write(struct str *out, const struct answer *a, int width);

/* The machines of a catalogue that do what is asked, cheapest first, and those that were left out. */
void budget_write(struct str *out, const struct budget *b, int width);

#endif
