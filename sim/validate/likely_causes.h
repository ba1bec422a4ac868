/*
 * likely_causes.h - is a measured number normal? What is expected of each row of a report, and what may explain it where
 * it is unlike that.
 *
 * Layer validate. A row is normal inside P10 to P90 of what its machine, runtime, model and weights give. Where rows are
 * not, each possible cause is simulated: the same rows in another format, without flash attention, under an older profile
 * of the runtime, on the CPU, with part of the layers there, at a lower clock, from less bandwidth, with a start that
 * was timed too. Causes are ranked by what is left between them and all rows together. A cause with a number of its own
 * (how far the clock fell) has it fitted to the rows, and ranks behind one without that explains as much. Rows that say themselves that they
 * ran otherwise (a back end, layers left to the CPU) are told apart: no cause is sought by them, and what they say comes
 * first, where it explains them. What every row says (its format, that no layer was left to the CPU) is no question, and a row that
 * says it stays as it is where others do not.
 */
#ifndef SIM_VALIDATE_LIKELY_CAUSES_H
#define SIM_VALIDATE_LIKELY_CAUSES_H
#include "sim/validate/ask.h"

struct explained_row {
	const char *run; /* "llama-3.1-8b q4_0 pp512" */
	const char *unit, *file;
	double measured, expected, lo,
		hi;        /* rates; NAN but for measured: it ran otherwise, and as asked would not fit */
	bool normal, less; /* less: the smaller the better, as of a time */
	bool unfit;        /* it does not fit, and says nothing of that */
	const char *
		said; /* the row's setting that differs from the question, or that it does not fit; NULL: none */
	int line;
};

struct likely_cause {
	const char *what; /* "weights in q8_0", "the clock at 70 %" */
	double left;   /* root mean square of measured over predicted, the larger over the smaller, less 1 */
	double of;     /* the same without the cause, of the rows that it is judged by */
	double *rates; /* the predicted rate of each row; NAN of one that it is no cause of */
};

struct explanation {
	const char *machine, *runtime;
	struct explained_row *rows;
	size_t n;
	size_t otherwise; /* rows that say that they ran otherwise */
	bool normal;      /* as many rows inside as P10 to P90 lets expect, and none far off */
	double left;      /* as of a cause: with none */
	bool sought;      /* causes were, as they are but of whole jobs in a scenario */
	struct likely_cause *causes;
	size_t causes_n; /* the likeliest first; none where all is normal */
	struct likely_cause
		idle; /* what rows say of themselves and what explains nothing; what NULL: there is none */
	struct texts notes;
};

enum { CAUSES_SHOWN = 5 };

/* The reports ask->from, on the machine that is the one subject of ask, or else that the rows name. 0 or -1; see ask.h. */
int explain_make(const struct validate_ask *ask, struct explanation *e, struct err *err);

#endif
