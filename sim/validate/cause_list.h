/*
 * cause_list.h - the causes that were tried, of rows or of a whole job, and which of them are told.
 *
 * Layer validate. A cause is kept where it leaves little enough of what there is to explain. Causes are ranked by what they
 * leave; a number that was fitted counts against one.
 */
#ifndef SIM_VALIDATE_CAUSE_LIST_H
#define SIM_VALIDATE_CAUSE_LIST_H
#include "sim/base/vec.h"
#include "sim/validate/likely_causes.h"

struct cause_list {
	VEC(struct likely_cause) causes;
	VEC(double) keys; /* of each, by which they are ranked */
};

/* Of two values the larger over the smaller, less 1: the same error either way, and no logarithm. */
double cause_apart(double a, double b);

/* Keeps the cause; false: it explains too little. fitted: numbers of its own. */
bool cause_list_add(struct cause_list *l, struct likely_cause c, int fitted);

/* The same of one that is told before all that are guessed. */
bool cause_list_add_said(struct cause_list *l, struct likely_cause c);

/* The likeliest first, of equal ones the first that was tried, at most CAUSES_SHOWN, into e->causes; in the arena. Empties the
 * list. */
void cause_list_rank(struct cause_list *l, struct arena *a, struct explanation *e);

#endif
