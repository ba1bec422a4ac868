/*
 * list_order.h - list scheduling: the order in which passes run on a device that several of them need.
 *
 * Layer step. A visit is the unit of scheduling: all tasks of a pass from its arrival at a shard group
 * until it leaves the shard group, with the transfers that it sends on. A program is written pass by
 * pass. list_order_sort() reorders its tasks by the start times of the visits in a run in which every
 * queue takes the first task that is ready, as runtimes do that start a piece of work when its input
 * has arrived.
 */
#ifndef SIM_STEP_LIST_ORDER_H
#define SIM_STEP_LIST_ORDER_H
#include "sim/step/program.h"

/* visit_of: the visit of each task, 0 .. visits_n - 1 in the order written. Dependencies still point
 * backwards afterwards; marks follow their tasks. */
void list_order_sort(struct program *p, const uint32_t *visit_of, size_t visits_n);

#endif
