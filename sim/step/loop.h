/*
 * loop.h - a program of many equal cycles, of which only the first few and the last are written.
 *
 * Layer step. A training step of thousands of micro-batches repeats one cycle of passes on its stages until the last
 * micro-batches come. Its times do, too: a run is a recursion of maxima and sums, so where every task of some
 * consecutive cycles ends one and the same time after that of the cycle before, every later cycle does (a timed event
 * graph in its periodic regime: Baccelli, Cohen, Olsder, Quadrat, Synchronization and Linearity, 1992, section 3.7). The
 * cycles between are then left out (struct program_loop) and what they take is added, to the nanosecond.
 *
 * A task that depends on one before the place of the missing cycles means that of the last cycle left out.
 */
#ifndef SIM_STEP_LOOP_H
#define SIM_STEP_LOOP_H
#include "sim/step/run.h"

/* Returns whether the tasks around program->loop.at are equal cycles, so that others may stand between them. Sets
 * program->loop.before. */
bool loop_repeats(struct program *p);

/* How many tasks of the whole program a task stands for: 1, or also those of the cycles left out. */
uint32_t loop_times(const struct program *p, uint32_t task);

/* The number that the micro-batch of a task has in the whole program. */
uint32_t loop_micro(const struct program *p, uint32_t task);

/* program_run(); of a program with a loop the makespan and the time for which queues are busy are those of the whole
 * program, spans and order those of the tasks that it has. Returns whether the loop is in its periodic regime; if not, the
 * program must be run whole. */
bool loop_run(struct arena *a, const struct program *p, const struct class_times *t, struct task_graph *graph,
	      struct task_run *run);

/* The time of one cycle of such a run. */
sim_ns loop_cycle_ns(const struct program *p, const struct task_run *run);

/* How often each task, for itself and for those that it stands for, is on the critical path of the whole program
 * (task_critical_path()); times has room for all tasks. */
void loop_critical_path(const struct program *p, const struct task_graph *g, const struct task_run *run,
			uint32_t *times);

/* The program with `cycles` more of its cycles, or up to `fold` beyond, and the rest left out by `fold` at a time: where messages
 * share a network, tasks may take turns for several cycles before times repeat. To be freed by program_free(); NULL: there are
 * too few cycles, or they are not equal. */
struct program *loop_folded(const struct program *p, uint32_t fold, uint32_t cycles);

/* The whole program, to be freed by program_free(). Costs as much as there are tasks. */
struct program *loop_unrolled(const struct program *p);

#endif
