/*
 * search.h - the best assignment: begun, stepped, done, within a budget.
 *
 * Layer search. Candidates fall into classes: which devices are used (leaving one out is a class of its
 * own), and of which kind the assignment is (cut or not, roles apart or not, phases apart or not). In each
 * class the candidates come in the order of their bound (best_first.h) and are run on the event engine,
 * until the bound of the next is no better than what has run: so the best of a class is the best there is,
 * unless the budget ends first. Classes whose bound is no better than the k best so far are left, and so are
 * mixtures of features that do no better than one of what they mix. The bound is met exactly where one pass
 * goes through the model at a time and nothing overlaps.
 */
#ifndef SIM_SEARCH_SEARCH_H
#define SIM_SEARCH_SEARCH_H
#include "sim/search/goal.h"

/* Up to EXACT_UNITS devices (best_first.h) the search is as above. For more, annealing (anneal.h) gives
 * candidates, the best of which are run; nothing is proved, and lower_bound.h bounds how far off the best can
 * be.
 */
enum { SEARCH_UNITS = SPACE_UNITS };

struct search_ask {
	const struct world *w;
	struct goal goal;
	const struct limit *limits;
	size_t limits_n;
	size_t best;      /* classes to find the best of */
	size_t runs_most; /* candidates to run; the budget */
	bool anneal;      /* also where the exact search could do it */
	uint64_t seed;    /* of the annealing */
};

struct winner {
	struct candidate c; /* layer maps live as long as the search */
	unsigned units, kind;
	struct metric_values values;
	double cost; /* what was sought, less is better; ties broken by the time of the whole run */
	double rank; /* the same with the complexity penalty */
};

struct search_counts {
	double considered;                                   /* candidates there are */
	size_t run, unfit, too_heavy, classes, classes_left; /* classes_left: given up by their bound alone */
	bool exact;                                          /* the answers are the best there are */
	double bound; /* of the goal's sought metric: no candidate has less; of annealing, once it is done */
	bool annealed;
	size_t tried; /* by annealing */
};

/* What the cost is multiplied by in the ranking: what is simpler wins where the difference is nothing. */
double search_complexity_penalty(unsigned units, unsigned kind);

struct search; /* opaque */
struct search *search_new(const struct search_ask *ask);
bool search_step(struct search *s); /* false: done */
void search_free(struct search *s);

/* The best of each class that keeps the limits, best first, at most ask.best; valid until the next step. */
const struct winner *search_winners(struct search *s, size_t *n);
/* The best on one device; NULL if none fits, or keeps the limits. */
const struct winner *search_alone(const struct search *s);
struct search_counts search_counts(const struct search *s);

#endif
