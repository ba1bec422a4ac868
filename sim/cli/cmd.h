/*
 * cmd.h - the verbs. Each lives in a cmd_*.c of its own and is a row of the table in main.c.
 *
 * Layer cli.
 */
#ifndef SIM_CLI_CMD_H
#define SIM_CLI_CMD_H
#include <signal.h>

#include "sim/cli/opts.h"
#include "sim/conf/load.h"
#include "sim/report/result.h"
#include "sim/predict/scenario_load.h"

enum exit_code {
	EXIT_FINE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_TARGET_MISSED = 3,
	EXIT_NOTHING_FITS = 4,
	EXIT_INTERRUPTED = 130
};

struct cmd {
	const char *name, *arguments, *help;
	unsigned uses; /* OPT_* */
	int (*run)(const struct opts *o);
	const char *tries; /* command lines that work in a checkout, "lemursim" left out; one a line */
};

int cmd_simulate(const struct opts *o);
int cmd_optimize(const struct opts *o);
int cmd_sweep(const struct opts *o);
int cmd_schedule(const struct opts *o);
int cmd_roofline(const struct opts *o);
int cmd_check(const struct opts *o);
int cmd_show(const struct opts *o);
int cmd_list(const struct opts *o);
int cmd_validate(const struct opts *o);
int cmd_calibrate(const struct opts *o);
int cmd_import(const struct opts *o);

/* What every verb that loads needs: arena, diags, loader with --path and the share directory. */
struct session {
	struct arena arena;
	struct diags diags;
	struct loader loader;
};
void session_begin(struct session *s, const struct opts *o);
void session_end(struct session *s);

/* The world of one scenario file; NULL after the complaints are on stderr. */
const struct world *session_world(struct session *s, const struct opts *o, const char *path);
int session_complain(const struct session *s); /* prints the complaints; EXIT_USAGE */

int session_refuse(const struct session *s, const struct err *err); /* prints both; EXIT_USAGE */

/* Placement of each assignment, all errors told at once; NULL on failure. */
struct placement *session_placements(struct session *s, const struct world *w);
const struct placement *session_choose(struct session *s, const struct placement *all, const struct world *w,
				       const char *name);

int complain(const struct err *err, enum exit_code code); /* "lemursim: ..." on stderr; returns code */

/* Writing a file is not interrupted half-way: a signal that comes meanwhile is answered at once after. */
void session_hold_signals(sigset_t *before);
void session_let_signals(const sigset_t *before);

/* Which of the names of formats: by --format, else by the suffix of -o, else the first, a table; an exit
 * code. */
int choose_word(const struct opts *o, const char *const *names, int n, int *format);
int choose_format(const struct opts *o, enum result_format *format); /* of those of results */

/* Prints text on stdout, or writes it to o->out; returns an exit code. */
int deliver(const struct opts *o, const struct str *text);

#endif
