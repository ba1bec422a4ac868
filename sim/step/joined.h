/*
 * joined.h - tasks that run one after the other on one queue, put as one.
 *
 * Layer step. The operators of a block and the rounds of a collective operation among equal devices are most of the tasks of a
 * training step. A device takes its tasks in order, and only the last operator of a block is waited for; a link takes them as they are
 * ready, and the rounds of an operation follow one another on it unless those of another operation come between. A program
 * that joins has one task for either, of a class CLASS_JOINED whose parts are the classes of the tasks one by one: it takes
 * what they take, lags between rounds included, and what follows it waits for the lag of the last. joined_holds() says
 * after a run that on no link anything would have come between, nor between the parts of a pass (pass_class.h), and that no other queue
 * shares it, so that each time is that of the tasks one by one, to the nanosecond. A device that shares its machine's memory with others (sharing.h) keeps its tasks one by
 * one, since their rates hang on one another.
 */
#ifndef SIM_STEP_JOINED_H
#define SIM_STEP_JOINED_H
#include "sim/step/run.h"

/* From now on the operators of a block are joined where they may be, and the rounds of collective operations if so asked. The program
 * must have no tasks yet. */
void joined_begin(struct program *p, bool rounds);
/* Returns whether the tasks of a queue are joined. */
bool joined_may(const struct program *p, uint32_t queue);

/* The class of so many parts one after the other, all of one source; a single task's is its own. */
uint32_t joined_class(struct program *p, const struct class_part *parts, size_t n);
/* The class of n classes, from `first` on, a task each. */
uint32_t joined_range(struct program *p, uint32_t first, uint32_t n);

/* The parts of any class, *n of them; of one that is not joined itself, in `own`. */
const struct class_part *class_parts(const struct program *p, uint32_t op_class, struct class_part *own,
				     size_t *n);

/* The time of a joined class, of which its parts' are known; and the lags in it, while which the queue does nothing. */
sim_ns joined_ns(const struct program *p, const struct op_class *c, const struct class_times *t);
sim_ns joined_lags_ns(const struct program *p, uint32_t op_class, const struct class_times *t);

/* Returns whether the times of a run, t those of its classes, are those of the tasks one by one. They always are where no rounds are joined. */
bool joined_holds(const struct program *p, const struct class_times *t, const struct task_run *run);

/* The same program of tasks one by one, those of passes too (pass_class.h), to be freed by program_free(). What a part of a pass waited
 * for that was over whatever the times are, it does not depend on. */
struct program *joined_undone(const struct program *p);

#endif
