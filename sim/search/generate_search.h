/*
 * generate_search.h - the struct search_job of the job `generate`; see search_job.h.
 *
 * Layer search.
 */
#ifndef SIM_SEARCH_GENERATE_SEARCH_H
#define SIM_SEARCH_GENERATE_SEARCH_H
#include "sim/search/search_job.h"

extern const struct search_job generate_search;

#endif
