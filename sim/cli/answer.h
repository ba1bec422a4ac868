/*
 * answer.h - every assignment of a scenario predicted: what simulate prints, and optimize of what it found.
 *
 * Layer cli.
 */
#ifndef SIM_CLI_ANSWER_H
#define SIM_CLI_ANSWER_H
#include "sim/cli/cmd.h"
#include "sim/predict/metrics.h"
#include "sim/report/result.h"

enum { ANSWER_NOTES = 40 }; /* beside one for each assignment */

struct answer {
	struct result result;
	const char **notes; /* the result's, with room for more */
	bool any_fits;      /* any workload of any assignment */
};

struct answer answer_make(struct session *s, const struct opts *o, const struct placement *at);
void answer_note(struct answer *r, const char *note); /* NULL: none */

struct draws_ask answer_luck(const struct opts *o); /* --seed and --draws */

int answer_width(const struct opts *o); /* of the terminal, or of a page */

#endif
