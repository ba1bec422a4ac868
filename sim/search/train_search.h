/*
 * train_search.h - the struct search_job of the job `train`; see search_job.h.
 *
 * Layer search.
 */
#ifndef SIM_SEARCH_TRAIN_SEARCH_H
#define SIM_SEARCH_TRAIN_SEARCH_H
#include "sim/search/search_job.h"

extern const struct search_job train_search;

#endif
