/*
 * search.h - the search for the best assignment: created, advanced step by step within a budget, freed.
 *
 * Layer search. Candidates fall into classes by the set of devices that they use (leaving a device out is a
 * class of its own) and by their kind (layers cut or not, roles apart or not, phases apart or not). In each
 * class the candidates are generated in ascending order of their lower bound (best_first.h) and simulated by
 * the event engine, until the bound of the next one is no better than the best simulated. The best of a class
 * is therefore the optimum of the class, unless the budget ends first. Of sets that differ by equal machines alone one is
 * searched (twins.h).
 *
 * A class is skipped where its bound is no better than the k best so far, or no better than a class with a
 * subset of its features and devices. The bound is exact where one pass at a time runs through the model and
 * nothing overlaps.
 */
#ifndef SIM_SEARCH_SEARCH_H
#define SIM_SEARCH_SEARCH_H
#include "sim/search/goal.h"

/* Up to EXACT_UNITS devices (best_first.h) the search is exact, as described above. For more devices
 * annealing (anneal.h) proposes candidates, the best of which are simulated; the result is not proved, and
 * lower_bound.h bounds its distance to the optimum. */
enum { SEARCH_UNITS = SPACE_UNITS };

struct search_ask {
	const struct world *w;
	struct goal goal;
	const struct limit *limits;
	size_t limits_n;
	size_t best;      /* number of winners wanted, each the best of its class */
	size_t runs_most; /* the budget: candidates to simulate */
	bool anneal;      /* anneal even where the exact search is possible */
	uint64_t seed;    /* seed of the annealing */
	/* that run chains and simulate candidates, at most WORKERS_MAX; 0: that of the caller. The result is the same */
	size_t threads;
};

struct winner {
	struct candidate c; /* its layer maps live as long as the search */
	struct unit_set units;
	unsigned kind;
	struct metric_values values;
	double cost; /* value of the minimized metric; ties are broken by the time of the whole run */
	double rank; /* cost times the complexity penalty */
};

struct search_counts {
	double considered; /* size of the search space */
	/* classes_left: skipped because of their bound */
	size_t run, unfit, too_heavy, classes, classes_left;
	bool exact; /* the winners are proved to be the best */
	/* lower bound of the minimized metric over all candidates; with annealing, set when the search is
	 * done */
	double bound;
	bool annealed;
	size_t tried; /* states evaluated by annealing */
};

/* The factor on the cost in the ranking: it prefers the simpler of two nearly equal assignments. */
double search_complexity_penalty(const struct unit_set *units, unsigned kind);

struct search; /* opaque */
struct search *search_new(const struct search_ask *ask);
bool search_step(struct search *s); /* false when the search is done */
/* The next steps bring it to an end with what it has found; with annealing they simulate the best few of the candidates
 * that the chains have met. */
void search_stop(struct search *s);
void search_free(struct search *s);

/* The best of each class that keeps the limits, in ascending rank, at most ask.best of them. The array is
 * valid until the next step. */
const struct winner *search_winners(struct search *s, size_t *n);
/* The best assignment on one device; NULL if none fits or keeps the limits. */
const struct winner *search_alone(const struct search *s);
struct search_counts search_counts(const struct search *s);

/* How far it has come, for whoever waits. Asking changes nothing of what a search finds; while chains run it costs a
 * simulation where they have found a better candidate, and the bound once. */
struct search_progress {
	size_t chains, of_chains; /* of the annealing; 0, 0: it is exact */
	size_t run, runs_most;    /* candidates simulated, and the budget */
	size_t classes_left;      /* of an exact search: classes not looked through yet */
	double best;              /* value of the goal for the best so far; NAN: there is none */
	double bound; /* value of the goal that no assignment is better than; NAN: not known yet */
};
struct search_progress search_progress(struct search *s);

#endif
