/*
 * rank.h - which of how many processes this one is, by what the launcher says in the environment.
 *
 * Layer cli.
 */
#ifndef SIM_CLI_RANK_H
#define SIM_CLI_RANK_H
#include "sim/base/err.h"
#include "sim/sweep/cells_file.h"

/* Open MPI (OMPI_COMM_WORLD_RANK, _SIZE), MPICH and others with PMI (PMI_RANK, PMI_SIZE), Slurm: tasks of srun (SLURM_PROCID,
 * SLURM_NTASKS), tasks of an array job (SLURM_ARRAY_TASK_ID, _MIN, _STEP, _COUNT), and both. 0, or -1 with err: no launcher
 * says so, or it says what cannot be. */
int rank_of_environment(struct cells_share *share, struct err *err);

/* The share that --shard asks for, "K/N" or "auto". *path: the file of -o, which has a suffix; of "auto", where all processes are
 * told the same one, it becomes this process's own: "part.jsonl", "part.3-of-8.jsonl". 0, or -1 with err. */
int share_asked(struct arena *a, const char *asked, struct cells_share *share, const char **path,
		struct err *err);

#endif
