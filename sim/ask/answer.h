/*
 * answer.h - the answer to a question: a scenario in memory, predicted, and what would make it fit.
 *
 * Layer ask. `users` are one batch: as many sequences of that length, begun together; with a time to think they are a closed loop
 * of a server's users, and requests per second are an open one.
 */
#ifndef SIM_ASK_ANSWER_H
#define SIM_ASK_ANSWER_H
#include "sim/ask/question.h"
#include "sim/predict/draws.h"
#include "sim/predict/rows.h"
#include "sim/place/place.h"

struct answer {
	struct asked asked;
	const char *yaml; /* the scenario, see scenario_text.h */
	const struct placement *at;
	const struct assignment_row *rows; /* one for each assignment */
	size_t rows_n;
	size_t best;           /* the quickest that fits; rows_n: none does */
	struct texts remedies; /* sentences: what would make it fit; empty where it does */
};

/* The path under which a scenario in memory is loaded; names are looked up beside it. */
#define ASK_PATH "ask.yaml"

/* Settles a question and predicts it. 0; or -1 with err, or with the reasons in the loader's diags. */
int answer_make(struct loader *l, const struct question *q, const struct draws_ask *draws, struct answer *out,
		struct err *err);

/* Predicts a settled question; 0, or -1 with the reasons in the loader's diags. */
int answer_predict(struct loader *l, const struct asked *asked, const struct draws_ask *draws,
		   struct answer *out);

/* Whether a settled question fits on any of its machines; false too where it is refused. Nothing is kept. */
bool answer_fits(const struct loader *l, const struct asked *asked);

/* Changes that would make it fit; see remedy.c. */
struct texts answer_remedies(const struct loader *l, const struct answer *a);

#endif
