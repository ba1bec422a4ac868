/*
 * budget.h - which machines of the catalogue do what is asked for so much money.
 *
 * Layer ask. Every machine, in each size of its memory, is held against the budget, then against the memory, then
 * predicted by itself; it does what is asked if it fits and gives each user the rate. What is sold together (fleets,
 * spares) is another question.
 */
#ifndef SIM_ASK_BUDGET_H
#define SIM_ASK_BUDGET_H
#include "sim/ask/answer.h"

struct budget_ask {
	struct question question; /* its machines are ignored */
	double usd;
	double at_least; /* tok/s of each user; 0: any. Of training: tok/s of all */
};

struct budget_row {
	const char *id, *title;
	double usd;
	enum provenance price;
	double rate;    /* tok/s of each user, or of training */
	double first_s; /* to the first token, or a training step */
	double need_B, usable_B;
};

struct budget {
	const struct budget_ask *ask;
	struct answer answer; /* the cheapest machine that is good enough, with its interval */
	bool any;
	const struct budget_row *rows; /* that do what is asked, cheapest first, then the quicker */
	size_t rows_n;
	const struct budget_row *slow; /* that fit and are too slow, likewise; the quickest may be told */
	size_t slow_n;
	struct texts no_price; /* ids left out as nobody knows their price */
	struct texts broken;   /* what is wrong with files of machines left out, "FILE:LINE:COLUMN: ..." */
	size_t too_dear, too_small, no_runtime; /* counts of the others */
};

/* 0, or -1 with err, or with the reasons in the loader's diags. */
int budget_find(struct loader *l, const struct budget_ask *ask, const struct draws_ask *draws,
		struct budget *out, struct err *err);

#endif
