/*
 * list_order.h - list scheduling: which pass goes first where several want a device.
 *
 * Layer step. A visit is what a device takes up as one: the tasks of a pass from where it comes to a shard
 * group to where it leaves it, with what it sends on. A program keeps the order in which it was written, pass
 * by pass; list_order_sort() puts it in the order in which the visits start where every queue takes what is
 * ready first, as runtimes do that begin a piece of work when its input is there.
 */
#ifndef SIM_STEP_LIST_ORDER_H
#define SIM_STEP_LIST_ORDER_H
#include "sim/step/program.h"

/* visit_of: the visit of each task, numbered from 0 in the order written, visits_n of them. Dependencies still
 * point backwards after it; marks follow their tasks. */
void list_order_sort(struct program *p, const uint32_t *visit_of, size_t visits_n);

#endif
