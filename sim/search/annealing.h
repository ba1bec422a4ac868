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

#endif
