/*
 * launches.h - for how long a device waits for its host, which launches the kernels of a block one after the other.
 *
 * Layer step. A launch puts a kernel on a queue and returns ("CUDA C++ Programming Guide", asynchronous concurrent execution; PyTorch's
 * "CUDA semantics", asynchronous execution), so that the host is ahead wherever the device takes longer: what it is ahead by
 * after a block is there for the next one. With H and D seconds of a block, and the host ahead by L before it, the
 * device waits for max(0, H - D - L), and the host is ahead by max(0, L + D - H) after it: the recursion of Lindley
 * (Proc. Cambridge Phil. Soc. 48(2), 1952) for a queue whose customers arrive as they are launched. So a pass takes the most, over all its blocks, of
 * the host's time up to that block and the device's behind it, but for that inside a block a kernel may start before all are launched.
 *
 * A pass of training begins with both at the same point: before the first one and behind the loss the host has waited for the
 * device. Prompts and tokens are held block by block, as the sums of a run (family/predicted_run.h) and of a server's
 * iteration (serve/batch_pass.h) are: there L is 0.
 *
 * What a host is ahead by hangs on all blocks before, so that each block of a pass has a class of its launches; passes of other
 * micro-batches have the same ones.
 */
#ifndef SIM_STEP_LAUNCHES_H
#define SIM_STEP_LAUNCHES_H
#include "sim/step/program.h"

/* Host and device of a unit, or of several draws, before a block. */
struct host_wait {
	sim_ns wait_ns, ahead_ns;
};

/* What a block makes of it, whose launches take host_ns and whose operators device_ns. */
static inline struct host_wait launches_wait(sim_ns host_ns, sim_ns device_ns, sim_ns ahead_ns)
{
	const sim_ns left = host_ns - device_ns - ahead_ns;

	return (struct host_wait){left > 0 ? left : 0, left < 0 ? -left : 0};
}

/* Returns the class of the launches of n classes from `first` on, which are a block of the unit's: of the pass that the label is
 * of, and behind the blocks of that pass that this function was last called for. made: the class but for these three numbers. */
uint32_t launches_class(struct program *p, const struct op_class *made, uint32_t first, uint32_t n,
			struct label label);

/* What the host's launches make of the device with the calibrated parameters. */
struct host_wait launches_nominal(const struct program *p, const struct op_class *c);

/* Sets cost and operator of all classes that launch those from `first` on, whose costs have changed. */
void launches_remake(struct program *p, uint32_t first, const struct op *op, const struct cost *cost);

#endif
