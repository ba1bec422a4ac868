/*
 * lane_choice.h - a schedule with only some of its lanes, in the order in which they are named.
 *
 * Layer draw.
 */
#ifndef SIM_DRAW_LANE_CHOICE_H
#define SIM_DRAW_LANE_CHOICE_H
#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/texts.h"
#include "sim/draw/schedule.h"

/* Keeps the lanes that have one of the names, or whose machine has it, and the memory of those machines. What stays lives
 * in the arena. 0, or -1 with err where a name is of no lane. */
int lanes_choose(struct arena *a, struct schedule *s, const struct texts *names, struct err *err);

#endif
