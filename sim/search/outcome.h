/*
 * outcome.h - runs an optimization to its end: the best assignments as entries of a scenario, and notes on
 * the search.
 *
 * Layer search. Texts live in the arena that is passed. The notes quote predictions that the caller has made.
 */
#ifndef SIM_SEARCH_OUTCOME_H
#define SIM_SEARCH_OUTCOME_H
#include <signal.h>

#include "sim/predict/rows.h"
#include "sim/search/search.h"

enum { OUTCOME_LIMITS = 16 };

struct outcome_ask {
	const struct world *w;
	struct goal goal, second; /* second: only where pareto is set */
	bool pareto;
	/* one more than a user may set: the Pareto search adds a limit of its own */
	struct limit limits[OUTCOME_LIMITS + 1];
	size_t limits_n;
	uint64_t seed;
	size_t best, budget;
	size_t threads; /* as in search_ask */
	const volatile sig_atomic_t
		*stop; /* set: the search ends with the best that it has found; NULL: never */
	/* told before each step; NULL: nobody is */
	void (*tell)(void *self, const struct search_progress *p);
	void *self;
};

/* The result of a search; it outlives the search. */
struct outcome {
	struct str sets; /* "assignments=[...]", as scenario_load() takes it; freed by outcome_release() */
	struct search_counts counts;
	bool stopped;       /* before it was done */
	bool other_options; /* an assignment has other options than the scenario says (variants.h) */
	size_t n;           /* number of winners */
	const char *alone;  /* name of the best assignment on one device; NULL: none */
	const char **names; /* names of the winners, then of the best on one device if it is not among them */
	size_t names_n;
	double least;                /* value of the goal's metric for the best assignment */
	const char *first;           /* the best assignment as an entry of `assignments` */
	struct metric_values values; /* metrics of the best assignment */
};

/* Returns -1 with err if the scenario cannot be searched: it has too many devices, or no assignment of it
 * has a value for the goal, the second goal or a limit. */
int outcome_check(const struct outcome_ask *ask, struct err *err);

/* Finds the best assignments that keep the limits or, with pareto, the front of both goals. n is 0 if no
 * assignment keeps the limits. */
void outcome_find(struct arena *a, const struct outcome_ask *ask, struct outcome *r);
void outcome_release(struct outcome *r);

/* For the case that no assignment keeps the limits: finds the best without limits, and returns a note with
 * the best value for each limit that cannot be met. n is 0 if nothing fits at all. */
const char *outcome_without_limits(struct arena *a, const struct outcome_ask *ask, struct outcome *r);

/* Writes a note for each winner from its row among the n predictions of the outcome's assignments, whose
 * metrics have `draws` draws each. Returns the number of notes, at most one for each winner. */
size_t outcome_rank_notes(struct arena *a, const struct outcome_ask *ask, const struct outcome *r,
			  const struct assignment_row *rows, size_t n, int draws, struct note *notes);

/* A note on the number of candidates searched and on whether the first is proved to be the best. */
const char *outcome_search_note(struct arena *a, const struct outcome_ask *ask, const struct outcome *r);

/* A note that an option which the scenario says itself, such as `schedule: gpipe`, is another in an assignment that was found; NULL if
 * there is none such, or the option was left to its default. */
const char *outcome_options_note(struct arena *a, const struct outcome_ask *ask, const struct outcome *r);

/* A note that names machines not joined by a link, over which no assignment can be split; NULL if a link
 * joins every pair. */
const char *outcome_unjoined_note(struct arena *a, const struct world *w);

#endif
