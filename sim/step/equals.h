/*
 * equals.h - collective operations among equal devices of which the world has one.
 *
 * Layer step. A device of a training placement may stand for the ranks of a tensor split and for replicas of all of them
 * (world/train.h): machines of one kind, each with a port of its own on one link, that do the same at the same time. The
 * messages of a round are then equal, too, and so one device's stand for all: an operation costs a task for each of its
 * rounds. Algorithms in which every rank sends one message a round are run so: a ring, and doubling and halving where
 * the number of devices is a power of two (rounds.h).
 */
#ifndef SIM_STEP_EQUALS_H
#define SIM_STEP_EQUALS_H
#include "sim/step/collective.h"

/* Appends a collective operation over so many equal devices, on the queue of the device's link to its equals. way: an
 * algorithm that cannot be run so, and REDUCE_AUTO, is replaced by the fastest by formula. */
struct deps equals_collective(struct program *p, size_t unit, enum equals e, int n,
			      const struct collective *c, enum reduce_way way, struct label label,
			      const struct deps *after);

/* Seconds by formula, without what software adds; INFINITY: the algorithm cannot be run so. */
double equals_s(const struct link *l, int n, const struct collective *c, enum reduce_way way);

#endif
