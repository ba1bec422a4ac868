/*
 * sweep_cells.h - a sweep whose cells go into a file as they are run: those of a share, or those that ranks of MPI have run.
 *
 * Layer cli. sweep/cells_file.h has the format.
 */
#ifndef SIM_CLI_SWEEP_CELLS_H
#define SIM_CLI_SWEEP_CELLS_H
#include "sim/cli/cmd.h"
#include "sim/cli/growing.h"
#include "sim/cli/progress.h"
#include "sim/cli/sweep_output.h"
#include "sim/sweep/cells_file.h"

struct sweep_options {
	struct load_options load;
	struct sweep_output out;
	struct draws_ask draws;
	struct texts over;
	struct texts metrics;
	const char *shard;
	bool resume, mpi;
};

/* Refuses, with a complaint, an -o that is no file of cells; an exit code. */
int sweep_cells_check(const struct sweep_options *o);
/* Opens the file and takes over what it has, or writes its first line; an exit code. The sweep must have been begun. */
int sweep_cells_open(struct session *s, const struct sweep_options *o, const char *path, struct sweep *sweep,
		     struct growing *g);

/* Runs the cells that are neither left out nor in the file; an exit code. */
int sweep_cells_run(struct session *s, struct sweep_ask *ask, struct sweep *sweep, struct growing *g);
/* Why not all of them were run, where the reason is not a cell's: the file's error, or Ctrl-C. An exit code; EXIT_FINE:
 * neither. */
int sweep_cells_ended(const struct growing *g, const volatile int *stop);

/* Says that so many cells have been done. */
void sweep_count_cell(struct draws_progress *drawing, size_t done, size_t of);

/* --shard and --mpi; exit codes. */
int sweep_share(struct session *s, const struct sweep_options *o, struct sweep_ask *ask, struct sweep *sweep);
int sweep_by_ranks(const struct sweep_options *o, const char *name);

/* What is asked for of a scenario's file. */
struct sweep_ask sweep_ask_of(struct session *s, const struct sweep_options *o, const char *scenario);

#endif
