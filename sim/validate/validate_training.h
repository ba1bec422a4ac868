/*
 * validate_training.h - a training run as it was logged, held against what simulate says of a training step.
 *
 * Layer validate. The log (sim/runs/training_log.h) tells rates, how many numbers were trained, of how many, and the most
 * memory. A scenario must be of that model and train as many numbers. Its step has as many tokens as those of the log had:
 * where it says others, its workload.train.tokens is changed and a note tells it. A machine alone is given a scenario:
 * adapters as mlx_lm makes them by default, in one of the two ways that it had, whichever trains as many numbers; the
 * weights' format is the one that needs what was seen to be taken.
 */
#ifndef SIM_VALIDATE_VALIDATE_TRAINING_H
#define SIM_VALIDATE_VALIDATE_TRAINING_H
#include "sim/validate/ask.h"
#include "sim/validate/validation.h"

/* The logs ask->from, under the one subject. 0 or -1; see ask.h. */
int validate_training_make(const struct validate_ask *ask, struct validation *v, struct texts *notes,
			   struct err *err);

#endif
