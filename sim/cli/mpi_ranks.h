/*
 * mpi_ranks.h - items of work handed out one at a time, by rank 0 of an MPI job to its other ranks.
 *
 * Layer cli. For items that take unequal times, which a split made beforehand would leave to the slowest rank. Rank 0 does
 * no item itself and sleeps between messages, so that it may share a core. mpi_ranks.c is part of what `make MPI=1` builds;
 * any other build has mpi_none.c, of which mpi_ranks_begin() fails and nothing else is called.
 *
 * A rank that is killed ends the job, as MPI-3 has it. Where the library reports the failure instead (user-level failure
 * mitigation, ULFM, as Open MPI 5 under `mpirun --with-ft ulfm`), the lost rank's item is handed out again.
 */
#ifndef SIM_CLI_MPI_RANKS_H
#define SIM_CLI_MPI_RANKS_H
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/str.h"

struct mpi_ranks {
	int rank, size; /* 0 <= rank < size */
};

/* Starts MPI. 0, or -1 with err: the program was built without it, or it does not start. */
int mpi_ranks_begin(struct mpi_ranks *ranks, struct err *err);
void mpi_ranks_end(void);

struct mpi_work {            /* of rank 0 */
	const size_t *items; /* their numbers */
	size_t n;
	const char *key; /* what the items are computed from; every rank must say the same */
	/* Given what a rank found for an item, in the order in which items end. -1: no further item is handed out. */
	int (*take)(void *self, const char *text, size_t len);
	void *self;
	const volatile int *stop; /* no item is handed out after it has become non-zero */
};

/* For rank 0: hands out the items in their order until all are done, and ends the other ranks; with n = 0 it only
 * ends them. When an item fails, those after it are not begun any more. 0, or -1: an item failed, and what its rank said is
 * in `failed` (of several, the first item's: the same for any number of ranks); or err says that a rank could not begin
 * or was lost; or neither, where `take` failed or `stop` was set. */
int mpi_ranks_hand_out(const struct mpi_ranks *ranks, const struct mpi_work *work, struct str *failed,
		       struct err *err);

/* For the other ranks: does the items that rank 0 hands out, until it says that there is no more. run: 0 with the text that
 * rank 0 is to take, or -1 with what was wrong. key: NULL where this rank cannot begin, for what `why` says. */
int mpi_ranks_serve(const char *key, const char *why, int (*run)(void *self, size_t item, struct str *text),
		    void *self);

#endif
