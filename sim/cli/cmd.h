/*
 * cmd.h - the verbs. Each lives in a cmd_*.c of its own and is a row of the table in verbs.c.
 *
 * Layer cli.
 */
#ifndef SIM_CLI_CMD_H
#define SIM_CLI_CMD_H
#include <signal.h>

#include "sim/cli/groups.h"
#include "sim/conf/load.h"
#include "sim/draw/look.h"
#include "sim/lib/handles.h"
#include "sim/predict/scenario_load.h"
#include "sim/report/result.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

enum exit_code {
	EXIT_FINE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_TARGET_MISSED = 3,
	EXIT_NOTHING_FITS = 4,
	EXIT_INTERRUPTED = 130
};

struct verb {
	const char *name, *arguments, *help;
	const struct opt_table *options;
	size_t options_n;
	size_t size; /* sizeof the struct that the options fill */
	int (*run)(const void *options, const struct texts *files);
	const char *tries; /* command lines that work in a checkout, "lemursim" left out; one a line */
};

extern const struct verb verb_ask, verb_simulate, verb_sweep, verb_merge, verb_optimize, verb_plan,
	verb_schedule, verb_roofline, verb_report, verb_check, verb_show, verb_validate, verb_explain,
	verb_calibrate, verb_import, verb_init, verb_list, verb_doctor, verb_help;

extern const char *const init_kinds[]; /* what `init` has a scenario of; NULL ends them */

extern const struct verb *const verbs[]; /* in the order of the help; NULL ends them */

/* A loader with --path and the share directory, its arena and diags: every verb that loads needs one. */
struct session {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	const struct output_options *output; /* NULL: the verb writes nothing */
	const struct load_options *load;
	/* of the verbs that ask the library (lib/lemursim.h): NULL before session_load() */
	lemursim *library;
	lemursim_scenario *scenario;
};
void session_begin(struct session *s, const struct load_options *load, const struct output_options *output);
void session_end(struct session *s);

/* Refuses, with a complaint, an -o that is the file at path, which the verb reads; an exit code. */
int session_reads(const struct session *s, const char *path);
int session_keeps_inputs(const struct session *s); /* the same of every file that its loader has read */
int session_reads_all(const struct session *s, const struct texts *paths);

/* A scenario by the library, with what --set says; the session's own. NULL after the complaints, or where -o is its file. */
lemursim_scenario *session_load(struct session *s, const char *name);
int session_lament(const struct session *s); /* prints the library's errors; EXIT_USAGE */
struct lemursim_options session_options(const struct draws_ask *draws);
/* The texts with NULL behind the last, as the library takes them. */
const char *const *texts_ended(struct arena *a, const struct texts *texts);
/* Refuses, with a complaint, an -o that is a file which the result was made from; an exit code. */
int session_keeps_result(const struct session *s, const lemursim_result *r);

/* The file of a scenario that the user names, by a path or as `list scenarios` shows it. */
const char *session_scenario(struct session *s, const char *name);

/* The world of one scenario file; NULL after the complaints are on stderr. No file that it was read from may
 * be the one to be written. */
const struct world *session_world(struct session *s, const struct texts *sets, const char *path);
int session_complain(const struct session *s); /* prints the complaints; EXIT_USAGE */
/* Says on stderr which settings, of --set or --over, are of a bandwidth that no prediction asks for, and what decides instead. */
void session_tell_idle(const struct session *s, const struct texts *sets, const struct texts *over,
		       const char *path);

/* Says on stderr which changes, each by itself, would make something fit. */
struct would_fit_ask;
void session_offer(struct session *s, const struct would_fit_ask *ask);

/* The complaints and the error, which may be empty, as a text; and printed, EXIT_USAGE. */
void session_refusal(const struct session *s, const struct err *err, struct str *text);
int session_refuse(const struct session *s, const struct err *err);

/* Placement of each assignment, all errors told at once; NULL on failure. */
struct placement *session_placements(struct session *s, const struct world *w);
const struct placement *session_choose(struct session *s, const struct placement *all, const struct world *w,
				       const char *name);

/* From here on Ctrl-C says "interrupted" and ends the program with EXIT_INTERRUPTED at once: of work that has nothing to keep
 * and asks no flag. A file that is being written is finished before. */
void session_end_at_interrupt(void);
/* From session_catch_interrupt() on, Ctrl-C sets a flag that long work polls; a second one ends the program. */
void session_catch_interrupt(void);
const volatile sig_atomic_t *session_interrupted(void);

/* To the standard error, lines wrapped to its width if it has one; lines of files that are shown are not. */
void say(const char *text);
void say_notes(const struct texts *notes);                /* "lemursim: note: ..." */
void say_note(const char *note);                          /* likewise; NULL: there is none */
int complain(const struct err *err, enum exit_code code); /* "lemursim: ..." on stderr; returns code */

/* Which of the names of formats: by --format, else by the suffix of -o, else the first, a table; an exit
 * code. */
int choose_word(const struct output_options *o, const char *const *names, int n, int *format);
int choose_look(const struct look_options *o, struct picture_look *look); /* an exit code */
int choose_format(const struct output_options *o,
		  enum result_format *format); /* among the formats of results */

/* Prints text on stdout, or writes it to the file of -o; an exit code. session_deliver() first makes sure
 * that nothing the session has read is overwritten. */
int deliver(const struct output_options *o, const struct str *text);
int session_deliver(const struct session *s, const struct str *text);

/* Writes a picture or a text to the file of -o by a function of the caller; an exit code. */
typedef int write_to(const char *path, const char *text, bool force, struct err *err);
int deliver_by(const struct output_options *o, const struct str *text, write_to *write);

/* Draws DOT text into the file of -o, as its suffix says, or as SVG on stdout where that is "-"; an exit code. */
int deliver_picture(const struct output_options *o, const struct str *dot);

int output_width(const struct output_options *o); /* columns of the terminal, or of a page */
int terminal_width(
	int otherwise); /* columns: COLUMNS of the environment, else those of the terminal, if there is one */

#endif
