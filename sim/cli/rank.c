/* rank.c - see rank.h. */
#include "sim/cli/rank.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A whole number from the environment; `otherwise` where there is none, -1 where it is something else. */
static long long number(const char *name, long long otherwise)
{
	const char *text = getenv(name);
	char *end;
	long long n;

	if (!text || !*text)
		return otherwise;
	n = strtoll(text, &end, 10);
	return *end || *text == '-' || n > SWEEP_CELLS ? -1 : n;
}

/* Whether the pair is there; fills rank, from 0, and size. */
static bool pair(const char *rank_name, const char *size_name, long long *rank, long long *size)
{
	if (!getenv(rank_name))
		return false;
	*rank = number(rank_name, -1);
	*size = number(size_name, -1);
	return true;
}

/* A job array of which each job may run several tasks. */
static bool slurm(long long *rank, long long *size)
{
	const bool array = getenv("SLURM_ARRAY_TASK_ID");
	long long task = 0, tasks = 1;

	if (!pair("SLURM_PROCID", "SLURM_NTASKS", &task, &tasks) && !array)
		return false;
	*rank = task;
	*size = tasks < 1 ? 1 : tasks; /* a batch script that asked for no number of tasks is one */
	if (array) {
		const long long step = number("SLURM_ARRAY_TASK_STEP", 1),
				count = number("SLURM_ARRAY_TASK_COUNT", -1),
				at = number("SLURM_ARRAY_TASK_ID", -1) - number("SLURM_ARRAY_TASK_MIN", 0);

		*rank += (step < 1 || at < 0 ? -1 : at / step) * *size;
		*size *= count;
	}
	return true;
}

int rank_of_environment(struct cells_share *share, struct err *err)
{
	long long rank, size;

	if (!pair("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", &rank, &size) &&
	    !pair("PMI_RANK", "PMI_SIZE", &rank, &size) && !slurm(&rank, &size)) {
		err_set(err, "no launcher says which of how many processes this is");
		err_hint(err, "start it by mpirun or srun, or say --shard K/N");
		return -1;
	}
	if (rank < 0 || size < 1 || rank >= size || size > SWEEP_CELLS)
		return err_set(
			err,
			"the launcher's variables in the environment say what cannot be: rank %lld of %lld",
			rank, size);
	*share = (struct cells_share){(size_t)rank + 1, (size_t)size};
	return 0;
}

int share_asked(struct arena *a, const char *asked, struct cells_share *share, const char **path,
		struct err *err)
{
	const char *const point = strrchr(*path, '.');

	if (strcmp(asked, "auto") != 0)
		return cells_share_parse(asked, share, err);
	if (rank_of_environment(share, err) != 0)
		return -1;
	*path = arena_printf(a, "%.*s.%zu-of-%zu%s", (int)(point - *path), *path, share->k, share->n, point);
	return 0;
}
