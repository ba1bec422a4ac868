/*
 * groups.h - options that several verbs share: for each group the struct that it fills and its rows.
 *
 * Layer cli. A verb has the struct as a member and lists the group among its tables. A group whose rows do
 * not stand together in the verbs' help is cut into tables of the same struct.
 */
#ifndef SIM_CLI_GROUPS_H
#define SIM_CLI_GROUPS_H
#include "sim/base/workers.h"
#include "sim/cli/opts.h"
#include "sim/predict/draws.h"

struct load_options { /* for verbs that read scenarios, hardware or models */
	struct texts sets, paths;
};
extern const struct opt opts_set[1], opts_path[1];
#define OPTS_SET(of, member)  OPT_GROUP(opts_set, struct load_options, of, member)
#define OPTS_PATH(of, member) OPT_GROUP(opts_path, struct load_options, of, member)

struct output_options {
	const char *path, *format; /* path: NULL for the standard output, and where nobody says it */
	bool force;
	bool standard; /* "-" was given: for verbs that write to a file of their own where nobody says it */
};
extern const struct opt opts_output[2];
extern const struct opt opts_result_format[1], opts_rows_format[1], opts_list_format[1];
#define OPTS_OUTPUT(of, member)        OPT_GROUP(opts_output, struct output_options, of, member)
#define OPTS_RESULT_FORMAT(of, member) OPT_GROUP(opts_result_format, struct output_options, of, member)
#define OPTS_ROWS_FORMAT(of, member)   OPT_GROUP(opts_rows_format, struct output_options, of, member)
#define OPTS_LIST_FORMAT(of, member)   OPT_GROUP(opts_list_format, struct output_options, of, member)

extern const struct opt opts_seed[1], opts_draws[1]; /* they fill a struct draws_ask */
#define OPTS_SEED(of, member)  OPT_GROUP(opts_seed, struct draws_ask, of, member)
#define OPTS_DRAWS(of, member) OPT_GROUP(opts_draws, struct draws_ask, of, member)

extern const struct opt opts_jobs[1];
#define OPTS_JOBS(of, member) OPT_GROUP(opts_jobs, struct workers_ask, of, member)

struct look_options { /* of verbs that draw; session.c makes a struct picture_look of them */
	const char *style, *title, *caption;
	int64_t width, font_size;
	bool no_title;
};
extern const struct opt opts_look[6];
#define OPTS_LOOK(of, member) OPT_GROUP(opts_look, struct look_options, of, member)

struct runs_options { /* measured runs of whole models */
	struct texts from, models;
	const char *runtime, *weights;
	const char *family;
	bool skip_foreign;
};
extern const struct opt opts_runs[5], opts_family[1];
#define OPTS_RUNS(of, member)   OPT_GROUP(opts_runs, struct runs_options, of, member)
#define OPTS_FAMILY(of, member) OPT_GROUP(opts_family, struct runs_options, of, member)

#endif
