/*
 * compile.h - a program compiled to segments: runs of tasks on one queue without other dependencies,
 * summed by class.
 *
 * Layer step. One pass over the segments gives the same times, to the nanosecond, as the event engine
 * for the order in which the engine ran the tasks; a step on one device is one segment. Where tasks
 * share the bandwidth of a link or a memory (sharing.h), the pass looks whether any two of them use it at the
 * same time: only then the engine is run. On a link, too, tasks keep the order of the run that was compiled,
 * though under other times one may have become ready before another.
 */
#ifndef SIM_STEP_COMPILE_H
#define SIM_STEP_COMPILE_H
#include "sim/step/run.h"

struct compiled; /* opaque; lives in its arena; the program must outlive it */

struct compiled *compile(struct arena *a, const struct program *p, const struct task_run *run);

struct compiled_ends {
	sim_ns makespan_ns;
	sim_ns marks_ns[4]; /* ends of the program's marks */
	sim_ns cycle_ns;    /* the longest of its cycles */
};
struct compiled_ends compiled_run(const struct compiled *c, const struct class_times *t);
size_t compiled_segments(const struct compiled *c);

#endif
