/*
 * annealing.h - the search of search.h for many devices: annealing chains, then simulation of the best
 * candidates.
 *
 * Layer search.
 */
#ifndef SIM_SEARCH_ANNEALING_H
#define SIM_SEARCH_ANNEALING_H
#include "sim/search/incumbents.h"

void annealing_begin(struct search *s);
bool annealing_step(struct search *s); /* false when the search is done */

/* What is known while the chains run: the minimized metric of the best candidate so far, which is simulated beside the
 * search and not counted by it, and the lower bound over all assignments; NAN: not known. */
void annealing_look(struct search *s, double *best, double *bound);

#endif
