/*
 * anneal.h - good assignments of many devices, at random: simulated annealing over the space of space.h.
 *
 * Layer search. Kirkpatrick, Gelatt & Vecchi, Science 220 (1983), with the acceptance of Metropolis et al.,
 * J. Chem. Phys. 21 (1953). What is minimised is the logarithm of a candidate's bound (block_costs.h) as it
 * is ranked, so that a temperature is a share by which a step may be worse. What does not fit or breaks a
 * limit is worse the further it is off and never a find; what no link reaches is beyond everything. Chains
 * begin with each device alone, with the layers shared out by speed along a way through all devices from each
 * (in each variant), and with the best so far. The random numbers are GSL's: same seed, same finds. Nothing
 * is proved; lower_bound.h says how far off the best can be.
 */
#ifndef SIM_SEARCH_ANNEAL_H
#define SIM_SEARCH_ANNEAL_H
#include "sim/search/goal.h"
#include "sim/search/anneal_state.h"
#include "sim/search/variants.h"

struct anneal_ask {
	const struct world *w;
	enum job job;
	struct goal goal;
	const struct limit *limits; /* borrowed, as are the variants */
	size_t limits_n;
	const struct variant *variants;
	size_t variants_n;
	uint64_t seed;
};

/* A candidate that fits as far as can be told without running it. */
struct annealed {
	const struct variant *variant;
	struct layer_map phase_group[PHASE_GROUPS];
	bool single; /* one layer map for both phase groups */
	unsigned units, kind;
	double rank;                     /* its bound with the complexity penalty, see search.h */
	const uint8_t *at[PHASE_GROUPS]; /* the unit of each block */
	struct anneal_state anneal_state;
};

struct anneal; /* opaque */
struct anneal *anneal_new(const struct anneal_ask *ask);
bool anneal_step(struct anneal *a); /* a chain; false: there are no more */
void anneal_free(struct anneal *a); /* NULL is fine */

/* Distinct, a few of each class (devices, kind), the best bound first; valid until the next step. */
const struct annealed *anneal_found(struct anneal *a, size_t *n);
/* A candidate a change or two from a state, whose bound is below; lives as long as the annealing. NULL: some
 * tries have shown none. */
const struct annealed *anneal_near(struct anneal *a, const struct anneal_state *centre, double below);
size_t anneal_tried(const struct anneal *a); /* candidates bounded at */

#endif
