/* mpi_none.c - a build without MPI; see mpi_ranks.h. */
#include "sim/cli/mpi_ranks.h"

int mpi_ranks_begin(struct mpi_ranks *ranks, struct err *err)
{
	(void)ranks;
	err_set(err, "--mpi: this program was built without MPI");
	return err_hint(
		err, "'make MPI=1' builds one with it; --shard auto splits the cells under mpirun without");
}

void mpi_ranks_end(void)
{
}

int mpi_ranks_hand_out(const struct mpi_ranks *ranks, const struct mpi_work *work, struct str *failed,
		       struct err *err)
{
	(void)ranks;
	(void)work;
	(void)failed;
	(void)err;
	BUG("no rank has begun");
}

int mpi_ranks_serve(const char *key, const char *why, int (*run)(void *self, size_t item, struct str *text),
		    void *self)
{
	(void)key;
	(void)why;
	(void)run;
	(void)self;
	BUG("no rank has begun");
}
