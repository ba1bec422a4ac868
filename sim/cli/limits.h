/*
 * limits.h - limits that a result has to keep: --subject-to "tpot_s <= 0.1 s".
 *
 * Layer cli.
 */
#ifndef SIM_CLI_LIMITS_H
#define SIM_CLI_LIMITS_H
#include "sim/base/texts.h"
#include "sim/report/result.h"
#include "sim/search/goal.h"

struct limit_list {
	struct limit *at;
	size_t n;
};

/* Reads the options; an exit code, after the complaint. */
int limits_read(struct arena *a, const struct texts *said, struct limit_list *out);

/* A limit on what no assignment of the scenario has, such as ttft_s of a load, is a request that cannot be answered: an exit
 * code, after the complaint. */
int limits_apply(struct arena *a, const struct limit_list *l, const struct world *w);

/* A sentence on which assignments keep all limits and which do not, and why. NULL without limits. *kept becomes true where
 * any does. */
const char *limits_note(struct arena *a, const struct limit_list *l, const struct result *r, bool *kept);

#endif
