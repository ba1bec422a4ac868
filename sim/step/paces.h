/*
 * paces.h - a program in two halves with cycles left out of both, which each queue goes through at a pace of its own (program_halves).
 *
 * Layer step. GPipe runs all forward passes before any backward pass. Nothing comes back from a later stage within a half, so
 * that no stage waits for a slower one behind it: after the first micro-batches each goes at the pace of the slowest stage up to it. In
 * the algebra of maxima and sums the matrix of a cycle is reducible, and every component x_i of its state has a growth g_i of its own
 * (Baccelli, Cohen, Olsder, Quadrat, Synchronization and Linearity, 1992, section 3.7). x(k + j) = x(k) + j g holds for all j up
 * to n if it holds for one cycle, and if every task starts when something ends that grows as it does, while what else it waits for is
 * over by then in the first and in the last of them, since lines that do not cross at both ends do not cross between.
 *
 * loop.h has the functions that ask which of its two kinds a program is; these are for programs with halves. A copy of a task is
 * that of a cycle left out: 1 .. n, of those of the last cycle before; 0 is the task itself.
 */
#ifndef SIM_STEP_PACES_H
#define SIM_STEP_PACES_H
#include "sim/step/run.h"

/* loop_repeats(): also whether a task of the second half that waits for one of the first also waits, whatever the times are, for
 * what only starts when that is through. */
bool paces_repeat(struct program *p);

/* loop_run(): spans are the times in the whole program; order: one in which all tasks may be taken, and in which each queue takes
 * them. */
bool paces_run(struct arena *a, const struct program *p, const struct class_times *t,
	       struct task_graph *graph, struct task_run *run);

/* Returns whether a task is of the last cycle before those that are left out. */
bool paces_stands_for(const struct program *p, uint32_t task);

/* The number that a dependency, or another cause, of a task's copy has in the whole program, and a task's copy itself. */
uint64_t paces_whole_dep(const struct program *p, uint32_t task, uint32_t copy, uint32_t dep);
uint64_t paces_whole(const struct program *p, uint32_t task, uint32_t copy);
/* The inverse of paces_whole(). */
void paces_place(const struct program *p, uint64_t whole, uint32_t *task, uint32_t *copy);

/* Whether a task, from the cycles of the second half on, waits for one of the first that is through by then whatever the times are; false
 * without halves. */
bool paces_is_over(const struct program *p, uint32_t task, uint32_t dep);

/* Whether a task is of a micro-batch of a replica after those left out. */
bool paces_later(const struct program *p, uint32_t task);

struct program *paces_unrolled(const struct program *p);

#endif
