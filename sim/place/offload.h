/*
 * offload.h - weights that do not fit: which of them stay on the disk and are read again in each step.
 *
 * Layer place. A runtime that pins what fits and streams the rest keeps the same share of every block on the
 * disk, so that reads are spread over a step and one block's go on while another computes. Experts go first:
 * of those a step reads only what its tokens hit. Two blocks' worth of room is kept free to read into. (A
 * runtime that maps its file and leaves the choice to the system does worse: a scan longer than the memory
 * finds nothing that it left there.) The embedding stays in memory.
 */
#ifndef SIM_PLACE_OFFLOAD_H
#define SIM_PLACE_OFFLOAD_H
#include "sim/place/place.h"

struct offload { /* of one machine: the share of these weights that stays on the disk */
	double experts, others;
};

/* The shares that free so many bytes on a machine; what they are, and how many bytes stay on the disk then.
 * False where even all of the weights would not do, or there is no disk: nothing is set. */
bool offload_free(const struct placement *p, size_t machine, double short_B, struct offload *o,
		  double *disk_B);

/* Bytes that a machine reads for a block in one pass of so many tokens. */
double offload_read_B(const struct offload *o, const struct placement *p, enum phase phase, size_t block,
		      size_t machine, double tokens);

#endif
