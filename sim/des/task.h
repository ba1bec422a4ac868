/*
 * task.h - a DAG of tasks on queues: what a device or a link does, in what order, waiting for what.
 *
 * Layer des. A queue runs one task at a time: TASK_IN_ORDER in the order of their numbers, head of line
 * blocking (the stream of a GPU); TASK_AS_READY whichever became ready first, ties by number (a connection).
 * A task holds its queue for its duration; those that depend on it may start lag_ns after its end (a link's
 * latency).
 */
#ifndef SIM_DES_TASK_H
#define SIM_DES_TASK_H
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/des/engine.h"

enum task_order { TASK_IN_ORDER, TASK_AS_READY };
#define TASK_NONE UINT32_MAX

struct task {
	sim_ns duration_ns; /* ignored where the task is a flow */
	sim_ns lag_ns;
	sim_ns earliest_ns; /* it does not start before */
	double bytes;   /* > 0 with wires_n > 0: a flow over these shared wires, its duration is what sharing
			   gives */
	double cap_Bps; /* a flow's own limit */
	uint32_t queue;
	uint32_t first_wire,
		wires_n; /* paths[first_wire .. first_wire + wires_n - 1] of the graph; none: not a flow */
	uint32_t first_dep,
		deps_n; /* deps[first_dep .. first_dep + deps_n - 1] of the graph, each a lower number */
};

struct task_graph {
	const struct task *tasks;
	const uint32_t *deps;
	const enum task_order *queues; /* one entry for each queue */
	const double *wires_Bps;       /* capacity of each shared wire */
	const size_t *paths;           /* wires that flows go over */
	size_t tasks_n, deps_n, queues_n, wires_n, paths_n;
};

struct task_span {
	sim_ns start_ns, end_ns; /* end without the lag */
	uint32_t cause; /* the task whose end let this one start (a dependency, or the one before it on its
			  queue); TASK_NONE if it started at 0. Ties: the dependency with the lowest number */
};

struct task_run {
	struct task_span *spans; /* one for each task */
	uint32_t *order;         /* tasks as they started */
	sim_ns *busy_ns;         /* one for each queue */
	double *wire_B;          /* bytes carried, one for each wire */
	sim_ns makespan_ns;      /* when the last task ended, its lag included */
	uint64_t events;
};

/* Runs the graph on a fresh engine; results live in the arena. A malformed graph (a dependency that is not
 * lower, a queue or wire out of range, a negative time) is a BUG. */
struct task_run task_graph_run(struct arena *a, const struct task_graph *g);

/* The critical path, last task first, by following causes; returns its length, out has room for tasks_n. */
size_t task_critical_path(const struct task_graph *g, const struct task_run *r, uint32_t *out);

#endif
