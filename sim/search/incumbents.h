/*
 * incumbents.h - the state shared by both searches: candidates are simulated, and the best of each class is
 * kept.
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
	/* equal pointers: one layer map for both phase groups */
	struct best_first *phase_group[PHASE_GROUPS];
};

struct candidate_run { /* a candidate */
	bool done, fits;
	struct metric_values values; /* where it fits */
};

struct taken_pair { /* a pair that was taken from the heap */
	struct pair pair;
	bool cut_off; /* not all pairs that follow it are known: a search was truncated */
	struct candidate_run run;
};

struct candidate_class {
	struct unit_set units;
	unsigned kind;
	double bound;
	VEC(struct combo) combos;
	struct pairs heap;
	VEC(struct taken_pair) ahead; /* the next pairs; those before ahead_at have been tried */
	size_t ahead_at;
	bool started, solved, cut_off;
	size_t bounded, tried; /* candidates bounded; simulated, whether they fit or not */
	struct winner best;
	struct anneal_state anneal_state; /* state of the best candidate, in annealing */
};

struct best_first_key {
	const struct variant *variant;
	unsigned class_units; /* all units of the class where the rate depends on them, else 0 */
	unsigned phase_groups, units, kind;
	struct best_first *best_first;
};

struct search {
	struct search_ask ask;
	const struct world *w; /* the scenario, reduced to the goal's job where no limit is on another job */
	struct arena arena;
	enum job job;
	struct variant variants[VARIANTS];
	size_t variants_n;
	VEC(struct candidate_class) classes;
	size_t current_class;      /* index into classes */
	size_t twins[SPACE_UNITS]; /* [unit], see twins.h; for the exact search */
	VEC(struct best_first_key) searches;
	struct anneal *anneal; /* NULL in the exact search */
	/* the candidates of the annealing once its chains are done; next_found is simulated next */
	const struct annealed *found;
	struct candidate_run *found_runs; /* of each of them */
	size_t found_n, next_found, refined;
	/* While chains run, for whoever waits: the least rank of theirs that was looked at, the least that one comes to
	 * when simulated, and the bound over all assignments; 0: not known yet. */
	double shown_rank, shown_best, shown_bound;
	struct winner *winners;
	struct search_counts counts;
	bool stopped;    /* to be brought to an end */
	size_t last_run; /* candidates simulated since then */
};

static inline size_t search_threads(const struct search *s)
{
	return s->ask.threads ? s->ask.threads : 1;
}

unsigned incumbents_count_bits(unsigned bits); /* number of bits that are set */
/* as many candidates as the budget allows were simulated */
bool incumbents_budget_spent(const struct search *s);

/* The cost that a candidate of class c must undercut: the best of c, of every simpler class that c is a
 * mixture of, and the k-th best of all classes. */
double incumbents_threshold(const struct search *s, const struct candidate_class *c);

/* Simulates a candidate with the event engine. Changes nothing of the search, so that several may run at a time. */
void incumbents_simulate(const struct search *s, const struct world *w, const struct candidate *k,
			 struct candidate_run *r);

/* Counts a candidate that was simulated. It becomes the best of class c if it fits, keeps the limits and undercuts
 * incumbents_threshold(). */
void incumbents_judge(struct search *s, struct candidate_class *c, const struct candidate *k,
		      const struct candidate_run *r);

/* The minimized metric of a candidate, simulated without a trace in the search; NAN if it does not fit or breaks a
 * limit. */
double incumbents_look(const struct search *s, const struct world *w, const struct candidate *k);

/* Writes the best candidate of each solved class to s->winners, sorted; returns their number. */
size_t incumbents_sort(struct search *s);

#endif
