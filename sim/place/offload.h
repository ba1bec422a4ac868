/*
 * offload.h - weights that do not fit: the choice of those that stay on the disk and are read in every
 * step.
 *
 * Layer place. The runtime pins what fits and streams the rest. It keeps the same share of every block on
 * the disk, so that reads are spread over a step and one block is read while another computes. Experts are
 * offloaded first, since a step reads only those that its tokens hit. The room of two blocks stays free as
 * buffers. The embedding stays in memory. A runtime that maps its file and leaves caching to the system is
 * slower: a scan longer than the memory finds nothing left of the scan before.
 */
#ifndef SIM_PLACE_OFFLOAD_H
#define SIM_PLACE_OFFLOAD_H
#include "sim/place/place.h"

struct offload { /* for one machine: the shares of these weights that stay on the disk */
	double experts, others;
};

/* Finds the shares that free so many bytes on a machine, and the bytes that stay on the disk. False, with
 * nothing set, if the weights are too few or the machine has no disk. */
bool offload_free(const struct placement *p, size_t machine, double short_B, struct offload *o,
		  double *disk_B);

/* Bytes that a machine reads for a block in one pass of so many tokens. */
double offload_read_B(const struct offload *o, const struct placement *p, enum phase phase, size_t block,
		      size_t machine, double tokens);

#endif
