/*
 * scenario_rows.h - the rows of a report held against the scenario that they are compared with.
 *
 * Layer validate. A scenario says which machines, runtimes and model there are, and what is computed in; a row that says
 * otherwise in a column of its own is of something else. So is one that ran otherwise than any assignment places the model: on
 * another back end, with layers, experts or the cache on the CPU where nothing is placed, over more devices or machines.
 * Weights of another format are no contradiction here: a note says so.
 */
#ifndef SIM_VALIDATE_SCENARIO_ROWS_H
#define SIM_VALIDATE_SCENARIO_ROWS_H
#include "sim/family/run_weights.h"
#include "sim/world/world.h"

/* 0; -1 with err and *column, where the row contradicts the world. Models that the row names are loaded to the shelf. */
int scenario_rows_check(struct model_shelf *shelf, const struct world *w, const struct run *run,
			enum run_column *column, struct err *err);

/* The part of it that is of how the row ran; a: for what is cut. */
int scenario_settings_check(struct arena *a, const struct world *w, const struct run *run,
			    enum run_column *column, struct err *err);

#endif
