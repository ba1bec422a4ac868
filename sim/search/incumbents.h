/*
 * incumbents.h - what both ways of searching share: candidates are run, the best of each class is kept.
 *
 * Layer search; for search.c, exact.c and annealing.c alone.
 */
#ifndef SIM_SEARCH_INCUMBENTS_H
#define SIM_SEARCH_INCUMBENTS_H
#include "sim/search/anneal.h"
#include "sim/search/pairs.h"
#include "sim/search/search.h"
#include "sim/search/best_first.h"
#include "sim/search/variants.h"

struct combo {
	const struct variant *variant;
	struct best_first *phase_group[PHASE_GROUPS]; /* both the same: one layer map for both phase groups */
};

struct candidate_class {
	unsigned units, kind;
	double bound;
	VEC(struct combo) combos;
	struct pairs heap;
	bool begun, answered;
	size_t bounded, tried; /* candidates bounded; run, whether they fit or not */
	struct winner best;
	struct anneal_state anneal_state; /* of the best, in annealing */
};

struct best_first_key {
	const struct variant *variant;
	unsigned whole, phase_groups, units,
		kind; /* whole: the class's units, where its rate hangs on them */
	struct best_first *best_first;
};

struct search {
	struct search_ask ask;
	const struct world *w; /* with the goal's job alone, where nothing else is asked */
	struct arena arena;
	enum job job;
	struct variant variants[VARIANTS];
	size_t variants_n;
	VEC(struct candidate_class) classes;
	size_t now; /* the class being worked on */
	VEC(struct best_first_key) searches;
	struct anneal *anneal;        /* NULL: the exact search */
	const struct annealed *found; /* once its chains are done; n of them, `next` is run next */
	size_t found_n, next, polished;
	struct winner *winners;
	struct search_counts counts;
};

unsigned incumbents_ones(unsigned bits);       /* how many are set */
bool incumbents_spent(const struct search *s); /* is the budget? */

/* What a class has to beat to matter: its own best, those it is a mixture of, the k best of all. */
double incumbents_to_beat(const struct search *s, const struct candidate_class *c);

/* Runs a candidate on the engine; it is the class's best if it fits, keeps the limits and beats that. */
void incumbents_try(struct search *s, struct candidate_class *c, const struct world *w,
		    const struct candidate *k);

/* Puts the best of all classes into s->winners, in order; returns how many. */
size_t incumbents_sort(struct search *s);

#endif
