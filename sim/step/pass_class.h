/*
 * pass_class.h - the pass of a stage as one task: operators of its blocks on a device, and the collective operations between them on
 * a link that is the device's own.
 *
 * Layer step. Among equal devices a stage computes a block, reduces it over its ranks, computes the next. Its device and its link take
 * turns, and what one does next hangs on nothing else, so that all of it is one task of the device, of a class CLASS_PASS: its
 * first part and its last one run on the device, those of the link in between, and it takes what the two queues take together, a recursion of
 * maxima and sums (pass_ns()). Whoever makes such a task (train/chunk_pass.h) has seen to it that no other task comes between
 * its parts on the device, and that nothing else waits for a part but the last; whether one came between them on the link joined_holds()
 * says after a run.
 */
#ifndef SIM_STEP_PASS_CLASS_H
#define SIM_STEP_PASS_CLASS_H
#include "sim/step/run.h"

/* A class of so many parts, the first and the last of which are on one queue, and others on it or on one other. Their classes are of other
 * kinds, and have lower numbers. */
uint32_t pass_class(struct program *p, const struct pass_part *parts, size_t n);

/* The parts of any task, *n of them; of one that is of another class itself, in `own`. Their labels have the micro-batch of the task. */
const struct pass_part *pass_parts(const struct program *p, uint32_t task, struct pass_part *own, size_t *n);
struct label pass_label(const struct program *p, uint32_t task, const struct pass_part *part);

/* The time of a CLASS_PASS, of which its parts' are known. */
sim_ns pass_ns(const struct program *p, const struct op_class *c, const struct class_times *t);

/* When the parts run, from the start of their task: [pass_parts of the program]. cause: the part before on the critical path of
 * the task, by its number in the task; TASK_NONE: it is the first. */
struct task_span *pass_spans(struct arena *a, const struct program *p, const struct class_times *t);

/* The span of a part of a task that ran; spans: those of pass_spans(). */
struct task_span pass_span(const struct program *p, const struct task_run *run, const struct task_span *spans,
			   uint32_t task, size_t part);

/* Puts right for how long queues were busy with the tasks from .. to - 1, so many times each, which were counted as if they kept their own
 * queue busy all the time: without lags (joined.h), and with each part of a pass on its queue. */
void tasks_busy(const struct program *p, uint32_t from, uint32_t to, const struct class_times *t,
		uint32_t times, sim_ns *busy_ns);

/* Counts the tasks of each CLASS_PASS, in the arena: [class], a task as often as it stands for others (loop.h). */
uint32_t *pass_counts(struct arena *a, const struct program *p);

#endif
