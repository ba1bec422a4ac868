/*
 * routing.h - the distribution of tokens over experts on several devices.
 *
 * Layer llm. The popularity of experts is not known before a model runs, so experts are assigned by rank
 * of popularity: each in turn, the most popular first, to the device with the smallest share of its quota
 * so far. Every device gets its part of the popular and of the unpopular ones. All figures are
 * expectations; the excess of the fullest device of a step over its expectation is not counted (half of 8
 * experts on each of two devices and one token: 5.05 where 4 are expected).
 */
#ifndef SIM_LLM_ROUTING_H
#define SIM_LLM_ROUTING_H
#include "sim/llm/model.h"

/* The share of tokens that go to each expert, descending; the shares sum up to `active`. By a power law or a log-normal one,
 * capped at 1. A router's choice goes as the exponential of its logits, of which each expert has its own mean: where these are
 * normal, popularity is log-normal, which leaves more experts almost unused than a power law does. */
void routing_popularity(const struct experts *x, double *share);

/* owner[expert] = the device; counts sum up to x->count. */
void routing_deal(const struct experts *x, const int64_t *counts, int n, int *owner);

struct routed {
	double rows;   /* pairs of a token and an expert of the set */
	double hit;    /* distinct experts of the set that get a token */
	double tokens; /* distinct tokens with an expert of the set */
};
/* The rows of so many tokens that reach the experts of a set of devices (bit i: device i). A token's
 * experts are distinct: the probability that none is in the set is that of a conditional Poisson sample
 * (Chen, Dempster & Liu, "Weighted finite population sampling to maximize entropy", Biometrika 81(3),
 * 1994), hypergeometric if all experts are alike. */
struct routed routing_to(const struct experts *x, const int *owner, uint64_t devices, double tokens);

#endif
