/*
 * lanes.h - a program that has run, as lanes and boxes: neighbouring operators of one block become one box.
 *
 * Layer cli.
 */
#ifndef SIM_CLI_LANES_H
#define SIM_CLI_LANES_H
#include "sim/predict/predict.h"
#include "sim/report/schedule.h"

/* Lives in the arena. The window is the whole run. */
struct schedule lanes_of(struct arena *a, const struct ran *r);

#endif
