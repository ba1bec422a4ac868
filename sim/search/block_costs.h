/*
 * block_costs.h - what each block costs on each device, and each step of a walk between two, for bounds.
 *
 * Layer search. Read off programs as the step and train rooms build them: each device once does a leg of the
 * job alone. A seating's chain (one pass through the model, hand-overs included) and the time it keeps each
 * device busy are sums of these, and no schedule is quicker than either: a pass goes from block to block, and
 * a device does one thing at a time.
 */
#ifndef SIM_SEARCH_BLOCK_COSTS_H
#define SIM_SEARCH_BLOCK_COSTS_H
#include "sim/search/space.h"
#include "sim/step/program.h"

/* What a block hands from leg to leg (KV cache, saved activations, weights), in the whole run: seconds of the
 * devices that copy, and of the link each way. */
struct handed {
	double send_s, receive_s, there_s, back_s;
};

struct search_job;

struct block_costs {
	const struct world *w;
	enum job job;
	const struct search_job *search;
	size_t units, blocks, first, last; /* first, last: blocks that are walked */
	double *chain_s[PHASE_GROUPS];     /* [block * units + unit]: of a pass (all decode steps are one),
					      seconds */
	double *busy_s[PHASE_GROUPS];      /* likewise, of the whole run */
	size_t *feed;                      /* of a block: the one whose output it waits for */
	double *hop_s[PHASE_GROUPS]; /* [(block * units + u) * units + v]: from its feed on u to it on v, and
				back where   the leg goes backward; INFINITY where no link joins them */
	double *token_s[PHASE_GROUPS]; /* [u * units + v]: the first token to decode; each later one to the
					* next step
					*/
	struct handed *handed;         /* [(block * units + u) * units + v]: leg 0 on u, leg 1 on v */
	double chunks[PHASE_GROUPS]; /* passes that may overlap: chunks, groups, micro-batches; 1: a chain is
					all */
	double *weights_B;           /* [block]: bytes on the machine that holds it */
	enum role *role;             /* of a block */
	double *send_s[PHASE_GROUPS],
		*receive_s[PHASE_GROUPS]; /* as hop_s, of the whole run: what devices take to copy */
};

void block_costs_make(struct arena *a, const struct world *w, enum job job, struct block_costs *p);

/* For the jobs, see search_job.h. Adds a program's operators on one unit to a phase group (BY_PHASE: to the
 * one that each is of), so many times. */
enum { BY_PHASE = -1 };
void block_costs_add_program(struct block_costs *p, const struct program *program, size_t unit, int to,
			     double times);
/* Adds what blocks hand from group to group in a program whose group 0 is on u and whose group 1 is on v. */
void block_costs_add_transfers(struct block_costs *p, const struct program *program, size_t u, size_t v);
bool block_costs_in_reach(const struct block_costs *p, size_t u,
			  size_t v); /* different, and a link joins them */

/* What a bound may count of a block on v, whose feed is on u and the block behind it on w. Shared experts run
 * beside the others: one behind the other only where all are on one device, and what they do at their end is
 * done where the others are. */
enum counted { COUNT_NOTHING, COUNT_BUSY, COUNT_CHAIN };
enum counted block_costs_count(enum role role, size_t u, size_t v, size_t w);

/* The way from a block's feed on u to it on v; before: where the block before it is. Rows that shared experts
 * have got are on their machine already. */
double block_costs_hop_s(const struct block_costs *p, int phase_group, size_t block,
			 const size_t u_v_before[3]);

/* Below a seating is the unit of each block, see layer_map_units(). A leg of it, without the first token's
 * way from prefill to decode. */
struct phase_group_sum {
	double chain_s;
	double busy_s[SPACE_UNITS];
	/* what goes from leg to leg: devices that copy, the link that is busiest with it */
	double copies_s[SPACE_UNITS], link_s;
	double fill_s; /* in training: see block_costs_fill_s() */
};
struct phase_group_sum block_costs_leg(const struct block_costs *p, int phase_group, const uint8_t *at);
/* Adds what goes from leg to leg. */
void block_costs_hand_over(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS],
			   struct phase_group_sum phase_groups[PHASE_GROUPS]);
/* Weights on each machine: a block's once where any leg has it. */
void block_costs_needs_B(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS],
			 double need_B[SPACE_UNITS]);
/* A pipeline takes no less than a device's way up to its first pass forward, all of its own passes, and the
 * way down from its last pass back. */
double block_costs_fill_s(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS]);
double block_costs_token_s(const struct block_costs *p, int phase_group, const uint8_t *from,
			   const uint8_t *to);

#endif
