/*
 * anneal.h - simulated annealing over the assignments of space.h, for clusters too large for the exact
 * search.
 *
 * Layer search. The method is that of Kirkpatrick, Gelatt and Vecchi, Science 220 (1983), with the acceptance
 * rule of Metropolis et al., J. Chem. Phys. 21 (1953). The energy of a state is the logarithm of its lower
 * bound (block_costs.h) times the complexity penalty, so a temperature is the relative loss that is accepted.
 * A state that exceeds a machine's memory or breaks a limit gets a penalty that grows with the violation, and
 * is never reported; a state that needs a link that does not exist gets a penalty above all others.
 *
 * Chains start from each device alone, then from the layers divided by speed over all devices (once for each
 * first device and variant), then from the best state that those have led to, which may be one of the pipelines (pipelines.h)
 * that are looked at before the first chain. Each chain has random numbers of its own, so that those of a kind may run side by
 * side. Equal machines are exchanged so that each chain sees one of the
 * states that differ by an exchange. Random numbers are those of base/rng.h: the
 * same seed gives the same results, for any number of threads. Annealing proves nothing; lower_bound.h bounds the distance to the
 * optimum.
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

/* A candidate whose memory fits and whose bounds keep all limits; it has not been simulated. */
struct annealed {
	const struct variant *variant;
	struct layer_map phase_group[PHASE_GROUPS];
	bool single; /* both phase groups have the same layer map */
	struct unit_set units;
	unsigned kind;
	/* lower bound of the goal times the complexity penalty, see search.h */
	double rank;
	uint8_t *at[PHASE_GROUPS]; /* [block]: unit index */
	struct packed_state *state;
};

struct anneal; /* opaque */
struct anneal *anneal_new(const struct anneal_ask *ask);
/* Runs the next chain, or the next few side by side if there are several threads; false when all chains have run. What has
 * been found after the last does not depend on the threads. */
bool anneal_step(struct anneal *a, size_t threads);
size_t anneal_chains(const struct anneal *a, size_t *of); /* chains that have run, of how many */
/* The best of the candidates found so far; NULL: none yet. Valid until the next anneal_step(). */
const struct annealed *anneal_best(const struct anneal *a);
void anneal_free(struct anneal *a); /* NULL is allowed */

/* The distinct candidates found, a limited number of each class (units, kind): the one of least rank, then those on one device,
 * which the others are compared with, then the best on each of several numbers of equal devices, then the others, all by
 * ascending rank; but the best few pipelines stand before all except the first and the best on one device: a small budget
 * and a search that is broken off come to them. Where no chain has run they
 * are those of the first chain's beginning. The array is valid until the next anneal_step(). */
const struct annealed *anneal_found(struct anneal *a, size_t *n);
/* A random candidate one or two moves away from the state `centre` whose rank is less than `below`: the one of that number,
 * whatever was asked before. near->variant is NULL if a fixed number of tries finds none. It lives in the arena; several
 * threads may ask, each with an arena of its own. Returns the number of states evaluated, for anneal_count(). */
size_t anneal_neighbour(const struct anneal *a, struct arena *into, size_t number,
			const struct anneal_state *centre, double below, struct annealed *near);
void anneal_count(struct anneal *a, size_t tried);
size_t anneal_tried(const struct anneal *a); /* number of states evaluated so far */

#endif
