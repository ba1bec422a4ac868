/*
 * annealing.h - the search of search.h by annealing: chains, then runs of what they found and of what is
 * near.
 *
 * Layer search.
 */
#ifndef SIM_SEARCH_ANNEALING_H
#define SIM_SEARCH_ANNEALING_H
#include "sim/search/incumbents.h"

void annealing_begin(struct search *s);
bool annealing_step(struct search *s); /* false: done */

#endif
