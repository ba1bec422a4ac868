/*
 * exact.h - the search of search.h by bounds: classes in turn, and in each the least bound first.
 *
 * Layer search.
 */
#ifndef SIM_SEARCH_EXACT_H
#define SIM_SEARCH_EXACT_H
#include "sim/search/incumbents.h"

void exact_begin(struct search *s); /* makes the classes */
bool exact_step(struct search *s);  /* false: done */
void exact_release(struct search *s);

#endif
