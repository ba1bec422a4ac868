/*
 * opts.h - the command line: one table gives parsing and --help together. Pure: prints nothing, keeps no
 * state.
 *
 * Layer cli.
 */
#ifndef SIM_CLI_OPTS_H
#define SIM_CLI_OPTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"
#include "sim/base/texts.h"

struct opts {
	struct texts files; /* what is not an option */
	struct texts sets, paths, over;
	struct texts model; /* what the --from files ran */
	const char *runtime, *weights, *tolerance;
	struct texts froms; /* --from: measured runs, or samples */
	const char *out, *assignment, *phase, *format, *metric;
	const char *only, *backend, *link;           /* calibrate */
	const char *machine, *device, *like, *facts; /* calibrate --from */
	const char *family;                          /* likewise, and validate */
	int64_t seed, draws;                         /* -1: as the scenario says */
	int64_t threads;                             /* 0: all */
	const char *goal, *pareto;                   /* optimize */
	struct texts limits;                         /* --subject-to */
	int64_t best, budget;                        /* 0: not said */
	bool force, help, quick, list, sets_only;
};

enum opt_use { /* which options a command takes; bits */
	       OPT_SET = 1,
	       OPT_PATH = 2,
	       OPT_OUT = 4,
	       OPT_FORMAT = 8, /* of results; of what validate and list write: the next two */
	       OPT_FORMAT_ROWS = 1 << 14,
	       OPT_FORMAT_LIST = 1 << 15,
	       OPT_ASSIGNMENT = 16,
	       OPT_SEED = 32,
	       OPT_CALIBRATE = 64,
	       OPT_FROM = 128, /* runs of whole models: --from, --model, --runtime, --weights */
	       OPT_TOLERANCE = 256,
	       OPT_IMPORT = 1 << 12,
	       OPT_SEARCH = 1 << 13, /* --goal, --subject-to, --best, --pareto, --budget */
	       OPT_SWEEP = 2048      /* --over, --metric */
};

/* Parses argv[0..argc-1] (the command's name already taken off). 0, or -1 with err. */
int opts_parse(struct arena *a, int argc, char *const *argv, unsigned uses, struct opts *o, struct err *err);

void opts_help(unsigned uses, struct str *out); /* a line for each option */

#endif
