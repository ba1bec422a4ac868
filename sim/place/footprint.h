/*
 * footprint.h - does it fit? Bytes on each machine, by what they are for.
 *
 * Layer place. A weight lives wherever some phase uses it; devices of one machine share one copy. Not fitting
 * is a result, not an error.
 */
#ifndef SIM_PLACE_FOOTPRINT_H
#define SIM_PLACE_FOOTPRINT_H
#include "sim/llm/memory.h"
#include "sim/place/offload.h"

struct footprint { /* bytes on one machine */
	double weights_B, kv_B, activations_B, gradients_B, optimizer_B;
	double usable_B;
	double disk_B;          /* weights that stay on the disk; weights_B is then the rest of them and the
				   room to read into */
	struct offload offload; /* which those are */
};

double footprint_need_B(const struct footprint *f);  /* the sum */
double footprint_short_B(const struct footprint *f); /* what is missing; 0 if it fits */

/* On each machine of the world (out has room for machines_n); of training: sim/train/memory.h. */
void footprint_generate(const struct placement *p, struct footprint *out);

/* The shape of the largest pass of a generation's prefill: the last chunk is the one that sees most, the
 * first group of sequences may be smaller by one. */
struct shape prefill_shape(const struct generate *g);

/* The share of a block that machine mi holds in a phase: shares of devices of one machine add up, replicas of
 * a data split are whole. */
double footprint_share(const struct placement *p, enum phase phase, size_t block, size_t mi);
/* Bytes of the weights that any of those phases needs there: of all blocks, and of one alone. */
double footprint_weights_B(const struct placement *p, const enum phase *phases, size_t n, size_t mi);
double footprint_block_B(const struct placement *p, const enum phase *phases, size_t n, size_t block,
			 size_t mi);

#endif
