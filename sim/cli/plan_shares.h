/*
 * plan_shares.h - a plan of which this process finds out a share of the verdicts, and one whose verdicts are known.
 *
 * Layer cli. plan/verdicts.h has the format.
 */
#ifndef SIM_CLI_PLAN_SHARES_H
#define SIM_CLI_PLAN_SHARES_H
#include "sim/cli/cmd.h"

struct plan_options {
	struct load_options load;
	struct output_options output;
	struct draws_ask draws;
	const char *shard;
	bool resume;
};

/* --shard; an exit code. */
int plan_share(const struct plan_options *o, const char *name);

/* Returns whether a file is one of verdicts. */
bool plan_share_is(const char *path);
/* The answer of the plan whose shares are in the files; an exit code. */
int plan_merge(const struct texts *files, const struct texts *paths, const struct output_options *output,
	       const struct workers_ask *workers);

/* Whether a plan's answer goes to the standard output, since the file of -o has a picture or a scenario. */
bool plan_writes_beside(const struct output_options *output);
/* Delivers the answer; an exit code. */
int plan_show(struct session *s, const struct output_options *output, lemursim_result *answer,
	      enum result_format format);
/* Complains of a plan that Ctrl-C ended; its exit code. */
int plan_interrupted(void);

#endif
