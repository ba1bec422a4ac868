/*
 * heat.h - a sweep over two axes as heat maps: one that names the best assignment of each cell, and one for
 * each assignment with its values.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_HEAT_H
#define SIM_REPORT_HEAT_H
#include "sim/draw/look.h"
#include "sim/sweep/sweep.h"

/* Appends text for `dot -Kneato -n2`. The sweep has two axes, and every cell of it has been run. The first axis
 * goes upwards, the second to the right, both in the order in which they were written. A line is drawn where
 * the best assignment changes: there two of them break even. */
void heat_dot(struct str *out, const struct sweep *s, const struct picture_look *look);

/* The assignment with the best value in a cell, the first of equals; s->names_n: none has a value. */
size_t heat_best(const struct sweep *s, size_t cell);

#endif
