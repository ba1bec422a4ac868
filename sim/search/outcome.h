/*
 * outcome.h - a request to optimize, searched to its end: the winners as assignments of the scenario, and in
 * words what is known of them.
 *
 * Layer search. Texts live in the arena that is passed. The predictions that the notes quote are the caller's.
 */
#ifndef SIM_SEARCH_OUTCOME_H
#define SIM_SEARCH_OUTCOME_H
#include "sim/predict/rows.h"
#include "sim/search/search.h"

enum { OUTCOME_LIMITS = 16 };

struct outcome_ask {
	const struct world *w;
	struct goal goal, second; /* second: where pareto */
	bool pareto;
	struct limit limits[OUTCOME_LIMITS + 1]; /* the last is of the front's own */
	size_t limits_n;
	uint64_t seed;
	size_t best, budget;
};

/* The result of a search, in words that outlive it. */
struct outcome {
	struct str sets; /* "assignments=[...]", as scenario_load() takes it; outcome_release() */
	struct search_counts counts;
	size_t n;           /* winners */
	const char *alone;  /* the best on one device; NULL: none */
	const char **names; /* of the winners; the best on one device behind them if it is none */
	size_t names_n;
	double least;                /* of the goal */
	const char *first;           /* the best as an entry of `assignments` */
	struct metric_values values; /* its metrics */
};

/* -1 with err where the scenario cannot be searched: too many devices, or it has no answer to the goal, to the
 * second goal or to a limit, whatever the assignment. */
int outcome_check(const struct outcome_ask *ask, struct err *err);

/* The best of the goal that keep the limits, or the front of both goals. n is 0 where nothing keeps them. */
void outcome_find(struct arena *a, const struct outcome_ask *ask, struct outcome *r);
void outcome_release(struct outcome *r);

/* For where nothing keeps the limits: the best without them, and a note of the best value for each limit.
 * n is 0 where nothing fits at all. */
const char *outcome_without_limits(struct arena *a, const struct outcome_ask *ask, struct outcome *r);

/* A note for each winner, of its row among the predictions of the outcome's assignments (n of them, each metric
 * with that many draws). Returns how many notes: at most one for each winner. */
size_t outcome_rank_notes(struct arena *a, const struct outcome_ask *ask, const struct outcome *r,
			  const struct assignment_row *rows, size_t n, int draws, const char **notes);

/* How the search went, and how sure it is of the first. */
const char *outcome_search_note(struct arena *a, const struct outcome_ask *ask, const struct outcome *r);

/* Which machines no link joins: no assignment can be split over them. NULL where a link joins every two. */
const char *outcome_unjoined_note(struct arena *a, const struct world *w);

#endif
