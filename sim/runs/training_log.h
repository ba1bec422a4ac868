/*
 * training_log.h - what mlx_lm.lora prints while it trains: rates, memory, and how many numbers are trained.
 *
 * Layer runs. Lines that are read, of versions from 2024 to 2026; all others are passed over:
 *
 *	Trainable parameters: 0.021% (1.704M/8030.261M)
 *	Iter 10: Train loss 2.843, Learning Rate 2.000e-05, It/sec 2.627, Tokens/sec 437.0, Trained Tokens 1664, Peak mem 17.6 GB
 *
 * A report is the mean over the iterations since the one before it. Validation is not in its time. Tokens are those of
 * the sequences, without what pads a batch to its longest (mlx_lm/tuner/trainer.py, ml-explore/mlx-lm@d78bf58).
 */
#ifndef SIM_RUNS_TRAINING_LOG_H
#define SIM_RUNS_TRAINING_LOG_H
#include <stdbool.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

struct training_log {
	const char *path;
	int line;                      /* the first report's */
	double trainable, total;       /* numbers; 0: not said */
	double steps, tokens, seconds; /* sums over the reports */
	double peak_B;                 /* most memory that MLX had allocated; 0: not said */
};

bool training_log_is(const char *text);

/* False too where it cannot be read. */
bool training_log_at(const char *path);

/* -1 with err "path:line: ...". */
int training_log_parse(struct arena *a, const char *path, const char *text, struct training_log *log,
		       struct err *err);
int training_log_read(struct arena *a, const char *path, struct training_log *log, struct err *err);

#endif
