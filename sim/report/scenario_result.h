/*
 * scenario_result.h - every assignment of a scenario predicted: the result that simulate prints, and optimize
 * of the assignments that it found.
 *
 * Layer report. Lives in the loader's arena.
 */
#ifndef SIM_REPORT_SCENARIO_RESULT_H
#define SIM_REPORT_SCENARIO_RESULT_H
#include "sim/predict/metrics.h"
#include "sim/report/result.h"

enum { SCENARIO_RESULT_NOTES = 40 }; /* beside those on each assignment */

struct scenario_result {
	struct result result;
	struct note *notes; /* the result's, with room for more */
	bool any_fits;      /* any workload of any assignment */
};

/* at: the placement of every assignment of a scenario that the loader has loaded. 0, or -1 with a complaint in the loader's
 * diags: the trace of its load is broken. */
int scenario_result_make(struct loader *l, const struct placement *at, const struct draws_ask *ask,
			 const char *version, struct scenario_result *out);
/* "m5-vs-m4pro" of "scenarios/m5-vs-m4pro.yaml". */
const char *scenario_result_name(struct arena *a, const char *path);
/* Sets the files that the loader has read as the result's inputs. */
void scenario_result_inputs(const struct loader *l, struct result *r);
void scenario_result_note(struct scenario_result *r, const char *note); /* NULL: none */

#endif
