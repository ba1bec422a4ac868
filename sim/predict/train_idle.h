/*
 * train_idle.h - keys of a training job that change nothing where they are said.
 *
 * Layer predict. They are no mistakes: a sweep sets `zero` beside one replica, too. But what changes nothing is not passed over
 * in silence.
 */
#ifndef SIM_PREDICT_TRAIN_IDLE_H
#define SIM_PREDICT_TRAIN_IDLE_H
#include "sim/world/world.h"

/* Appends a sentence for each such key, with the assignments in which it changes nothing and why; the scenario trains. */
void train_idle_say(struct str *out, const struct world *w);

#endif
