/*
 * exact.h - the exact search of search.h: class by class, in each class candidates in ascending order of
 * their bound.
 *
 * Layer search.
 */
#ifndef SIM_SEARCH_EXACT_H
#define SIM_SEARCH_EXACT_H
#include "sim/search/incumbents.h"

void exact_begin(struct search *s); /* makes the classes and sorts them */
bool exact_step(struct search *s);  /* false when the search is done */
void exact_release(struct search *s);

#endif
