/* ranks_none.c - a build without MPI; see ranks.h. */
#include "sim/cli/ranks.h"

int ranks_begin(struct ranks *ranks, struct err *err)
{
	(void)ranks;
	err_set(err, "--mpi: this program was built without MPI");
	return err_hint(
		err, "'make MPI=1' builds one with it; --shard auto splits the cells under mpirun without");
}

void ranks_end(void)
{
}

int ranks_hand_out(const struct ranks *ranks, const struct ranks_work *work, struct str *failed,
		   struct err *err)
{
	(void)ranks;
	(void)work;
	(void)failed;
	(void)err;
	BUG("no rank has begun");
}

int ranks_serve(const char *key, const char *why, int (*run)(void *self, size_t item, struct str *text),
		void *self)
{
	(void)key;
	(void)why;
	(void)run;
	(void)self;
	BUG("no rank has begun");
}
