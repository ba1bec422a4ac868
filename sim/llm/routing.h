/*
 * routing.h - tokens over experts that lie on several devices: what comes to each.
 *
 * Layer llm. Which expert is popular is not known before a model runs, so they are dealt by popularity: each
 * in turn, the most popular first, to the device that has least of its share by then. So every device gets
 * its part of the popular and of the unpopular. All figures are expectations; that the fullest device of a
 * step has more than its expectation is not counted (half of 8 experts on each of two devices and one
 * token: 5.05 where 4 are expected).
 */
#ifndef SIM_LLM_ROUTING_H
#define SIM_LLM_ROUTING_H
#include "sim/llm/model.h"

/* For each expert the share of tokens that go to it, falling; they sum up to `active`. By a power law, capped
 * at 1. */
void routing_popularity(const struct experts *x, double *share);

/* owner[expert] = the device; counts sum up to x->count. */
void routing_deal(const struct experts *x, const int64_t *counts, int n, int *owner);

struct routed {
	double rows;   /* pairs of a token and an expert here */
	double hit;    /* distinct experts here that get any */
	double tokens; /* distinct tokens that have an expert here */
};
/* The rows of so many tokens that reach the experts of a set of devices (bit i: device i). A token's experts
 * are distinct: the chance that none is here is that of a conditional Poisson sample (Chen, Dempster & Liu,
 * "Weighted finite population sampling to maximize entropy", Biometrika 81(3), 1994); hypergeometric where
 * all are alike. */
struct routed routing_to(const struct experts *x, const int *owner, unsigned devices, double tokens);

#endif
