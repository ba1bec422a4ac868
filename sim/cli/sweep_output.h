/*
 * sweep_output.h - a sweep as a table, as records or drawn, for the verbs that have one: sweep, and merge, which put it
 * together from files.
 *
 * Layer cli.
 */
#ifndef SIM_CLI_SWEEP_OUTPUT_H
#define SIM_CLI_SWEEP_OUTPUT_H
#include "sim/cli/cmd.h"
#include "sim/sweep/sweep.h"

struct sweep_output {
	struct output_options file;
	bool plot;
	struct look_options look;
};
extern const struct opt opts_plot[1];
#define OPTS_PLOT(of, member) OPT_GROUP(opts_plot, struct sweep_output, of, member)

/* How it is written: RESULT_TABLE for a picture. An exit code. */
int sweep_output_format(const struct sweep_output *o, enum result_format *format);
/* Refuses what no grid of that many axes, of which so many metrics are asked, can be shown as; an exit code. */
int sweep_output_check(const struct sweep_output *o, size_t axes, size_t metrics);
/* Writes it. EXIT_NOTHING_FITS where no cell has a value; otherwise an exit code. */
int sweep_output_deliver(struct session *s, const struct sweep_output *o, const struct sweep *sweep,
			 enum result_format format);

#endif
