/*
 * block_costs.h - the time of each block on each device, and of each transfer between two devices, for lower
 * bounds.
 *
 * Layer search. The costs are read from programs that the step and train rooms build, in which each device
 * runs a phase group of the job alone. Two sums over these costs bound the time of a schedule from below: the
 * chain of a layer map (one pass through the model with its transfers), since a pass runs block after block,
 * and the busy time of each device, since a device runs one operator at a time.
 */
#ifndef SIM_SEARCH_BLOCK_COSTS_H
#define SIM_SEARCH_BLOCK_COSTS_H
#include "sim/search/space.h"
#include "sim/step/program.h"
#include "sim/world/unit_slots.h"

/* The data of one block that moves between the phase groups (KV cache, saved activations, weights,
 * gradients) over the whole run: copy seconds of the sending and receiving device, and seconds of the link
 * in each direction. */
struct handover {
	double send_s, receive_s, link_out_s, link_back_s;
};

struct search_job;

struct block_costs {
	const struct world *w;
	enum job job;
	const struct search_job *search;
	size_t units, blocks, first, last; /* first, last: the blocks that a pass runs through */
	/* [block * units + unit]: seconds of one pass; all decode steps together count as one */
	double *chain_s[PHASE_GROUPS];
	double *busy_s[PHASE_GROUPS]; /* [block * units + unit]: seconds of the whole run */
	size_t *feed;                 /* [block]: the block whose output it waits for */
	struct unit_slots
		slots; /* where pairs of units are in the tables below, which have `pairs` places in a row */
	size_t pairs;
	uint32_t *hop_row
		[PHASE_GROUPS]; /* [block]: its row; blocks that are sent the same number of bytes share one */
	/* [row * pairs + pair]: seconds from the feed on u to the block on v, in the reverse
	 * direction for a backward phase group; INFINITY where no link joins the machines */
	double *hop_s[PHASE_GROUPS];
	/* [pair]: seconds of the generated tokens from the last block to the first: the first
	 * token to decode, each later one to the next step */
	double *token_s[PHASE_GROUPS];
	/* [block * pairs + pair]: phase group 0 on u, phase group 1 on v */
	struct handover *handovers;
	/* passes that may overlap (prompt chunks, groups of sequences, micro-batches); 1: none do */
	double in_flight[PHASE_GROUPS];
	double *weights_B; /* [block]: bytes on the machine that holds it */
	enum role *role;   /* [block] */
	/* indexed as hop_s: copy seconds of the sending and receiving device in the whole run */
	double *send_s[PHASE_GROUPS], *receive_s[PHASE_GROUPS];
};

void block_costs_make(struct arena *a, const struct world *w, enum job job, struct block_costs *p);

/* For the jobs' add_costs(), see search_job.h. Adds the operators of a program on one unit to phase group
 * `to`, `times` times. BY_PHASE adds each operator to the phase group of its own phase. seconds: as many times those of the second
 * micro-batch (label.micro 1), which then stands for others that are not in the program. */
enum { BY_PHASE = -1 };
void block_costs_add_program(struct block_costs *p, const struct program *program, size_t unit, int to,
			     double times, double seconds);
/* Adds the transfers between the phase groups of a program that runs phase group 0 on u and phase group 1
 * on v. */
void block_costs_add_transfers(struct block_costs *p, const struct program *program, size_t u, size_t v,
			       double seconds);
/* True if u and v differ and their machines are one or joined by a link. */
bool block_costs_joined(const struct block_costs *p, size_t u, size_t v);
/* Fills in the times of units that are equal to the one of their slot, which alone the jobs' add_costs() have costed. */
void block_costs_fill_slots(struct block_costs *p);

/* The part of a block's time on v that a bound may count, where its feed is on u and the next block on w.
 * Shared experts run beside the routed experts: they are in sequence with them only where all are on one
 * device, and their final addition runs on the device of the routed experts. */
enum counted { COUNT_NOTHING, COUNT_BUSY, COUNT_CHAIN };
enum counted block_costs_count(enum role role, size_t u, size_t v, size_t w);

/* Seconds of the transfer from a block's feed on u to the block on v; `before` is the unit of the block
 * before it. Rows that shared experts have already received are on their machine and are not sent again. */
double block_costs_hop_s(const struct block_costs *p, int phase_group, size_t block,
			 const size_t u_v_before[3]);

/* In the functions below at[] is the unit of each block, see layer_map_units(). struct phase_group_sum
 * holds the sums of one phase group, without the transfer of the first token from prefill to decode. */
struct phase_group_sum {
	double chain_s;
	double busy_s[SPACE_UNITS];
	/* transfers between the phase groups: copy seconds of each device, and seconds of the busiest link */
	double copies_s[SPACE_UNITS], link_s;
	double fill_s; /* training only, see block_costs_fill_s() */
};
struct phase_group_sum block_costs_sum(const struct block_costs *p, int phase_group, const uint8_t *at);
/* Adds the transfers between the phase groups to phase_groups[1]. */
void block_costs_add_handovers(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS],
			       struct phase_group_sum phase_groups[PHASE_GROUPS]);
/* Bytes of weights on each machine; a block counts once on a machine even if both phase groups run it
 * there. */
void block_costs_machine_weights_B(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS],
				   double need_B[SPACE_UNITS]);
/* Lower bound of a training pipeline, in seconds: for each device, the time until its first forward pass
 * can begin, plus all its own passes, plus the time from its last backward pass to the end of the step.
 * Returns the largest. */
double block_costs_fill_s(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS]);
/* Both sums, and for training block_costs_fill_s() in phase_groups[1]: the same numbers, but each block is looked up once.
 * scratch_s: [block], to be written over. Only the units of the world are set. */
void block_costs_sum_both(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS],
			  double *scratch_s, struct phase_group_sum phase_groups[PHASE_GROUPS]);
double block_costs_token_s(const struct block_costs *p, int phase_group, const uint8_t *from,
			   const uint8_t *to);
/* The same from the last block on u to the first on v. */
double block_costs_token_between_s(const struct block_costs *p, int phase_group, size_t u, size_t v);

#endif
