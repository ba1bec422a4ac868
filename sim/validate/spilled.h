/*
 * spilled.h - causes of rows of a model that does not fit, though they do not say that part of it ran elsewhere.
 *
 * Layer validate. Such a row ran all the same: a driver read the rest from the host's memory, the program left layers to the CPU, or a
 * machine whose memory both share read pages from its disk. Each is a rough estimate, and none is fitted to the rows.
 */
#ifndef SIM_VALIDATE_SPILLED_H
#define SIM_VALIDATE_SPILLED_H
#include "sim/validate/causes.h"

/* Tries them on the judged rows; nothing where all fit. */
void causes_try_spilled(struct cause_search *s);

/* The share of what a row takes that is beyond what its machine can use; 0: it fits. */
double spilled_share(const struct machine *m, const struct report_row *row);

#endif
