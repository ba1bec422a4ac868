/*
 * capacity.h - the largest load that holds, by bisection.
 *
 * Layer plan. Pure: a load is a number, and a function of the caller says whether it holds. Loads that can be
 * any number are bisected on their logarithm until neighbours are within 1 %, whole ones (users) until they are
 * neighbours. A batch that is quicker by one sequence more, or a run too short to tell, can make a load hold
 * where a smaller one does not: loads down to a fifth below the answer are looked at too, and one that fails is
 * told.
 */
#ifndef SIM_PLAN_CAPACITY_H
#define SIM_PLAN_CAPACITY_H
#include <stdbool.h>

struct capacity_ask {
	/* 1, 0, or -1: it cannot be told, and the search ends. Under common random numbers for every load. */
	int (*holds)(void *self, double load);
	void *self;
	double start; /* above 0: where to begin */
	double most;  /* no load above it holds; INFINITY: none is known */
	double least; /* smaller loads are taken for none */
	bool whole;
};

struct capacity {
	double load;    /* the largest that holds of those looked at; 0: none does */
	double fails;   /* the least known not to hold above it; INFINITY: none was found */
	double hole;    /* a smaller load that does not hold; 0: all that were looked at do */
	bool undecided; /* the search ended early */
	int runs;       /* calls of holds() */
};
struct capacity capacity_find(const struct capacity_ask *ask);

#endif
