/*
 * chance.h - the search of search.h by annealing: chains, then runs of what they found and of what is near.
 *
 * Layer search.
 */
#ifndef SIM_SEARCH_CHANCE_H
#define SIM_SEARCH_CHANCE_H
#include "sim/search/contest.h"

void chance_begin(struct search *s);
bool chance_step(struct search *s); /* false: done */

#endif
