/*
 * explain.h - why a prediction is what it is, in words: what limits it, which splits pay.
 *
 * Layer predict. Reads the critical path of the engine's runs.
 */
#ifndef SIM_PREDICT_EXPLAIN_H
#define SIM_PREDICT_EXPLAIN_H
#include "sim/predict/predict.h"

/* "memory bandwidth of m5.gpu", "latency of tb", ... */
const char *explain_param(struct arena *a, const struct world *w, size_t source, enum param param);

/* What takes most of the critical path: of a decode step, and of the training step. "does not fit" where
 * nothing ran. */
const char *explain_bound(struct arena *a, const struct prediction *p);

/* After prediction_row(), whose draws are compared pair by pair. One sentence for each assignment that uses
 * several machines: against the best that uses one, with the bytes and the waiting that decide. Appends to
 * notes; returns how many. */
size_t explain_verdicts(struct arena *a, const struct prediction *all, size_t n, size_t draws,
			const char **notes);

#endif
