/*
 * anneal_order.h - the order in which the candidates of the annealing are simulated.
 *
 * Layer search; for anneal.c alone.
 */
#ifndef SIM_SEARCH_ANNEAL_ORDER_H
#define SIM_SEARCH_ANNEAL_ORDER_H
#include "sim/search/anneal.h"

/* The one of least rank, then those on one device, then the others, all by ascending rank. n: 1 or more. */
void annealed_sort(struct annealed *at, size_t n);

/* Brings the candidate at `from` forward to `to`; those between move up by one. */
void annealed_bring(struct annealed *at, size_t from, size_t to);

#endif
