/*
 * made_scenario.h - the scenario of a report that was given for a machine, made of what the report and the request say.
 *
 * Layer validate. A load and a training step are jobs of a scenario. Where the subject is a machine, the scenario has that
 * machine, one assignment called as it is, and the job that the report tells of.
 */
#ifndef SIM_VALIDATE_MADE_SCENARIO_H
#define SIM_VALIDATE_MADE_SCENARIO_H
#include "sim/validate/ask.h"

struct made_scenario {
	const char *machine, *runtime, *model, *compute;
	const char *weights; /* NULL: not said */
	const char *kv;      /* NULL: not said: as it is computed */
	/* no run of the tool was measured there: `kin`, another program's kernels of its kind stand in; `foreign`, the machine's first
	 * runtime, whatever it is */
	bool kin, foreign;
	bool large; /* a card of 70 GiB or more that is no A100, for which vLLM has defaults of its own */
	const char *assignment; /* what it says beside its place, such as "serve: {...}"; NULL: nothing */
	const char *workload;   /* the mapping of the key `workload` */
};

/* Is the subject a scenario's file? */
bool made_scenario_is_file(const struct validate_ask *ask);

/* The machine and the model of the request; the model that the report names where the request has none; the runtime of
 * the request, of `tool`, or the machine's first, and then a note says so. 0 or -1; see ask.h. */
int made_scenario_begin(const struct validate_ask *ask, const char *tool, const char *model,
			struct made_scenario *m, struct texts *notes, struct err *err);

/* The format of weights that a name says, "Qwen3-32B-FP8"; NULL: none. */
const char *made_scenario_weights(struct arena *a, const char *model);

/* The request with the scenario in the place of the machine. */
struct validate_ask made_scenario_ask(const struct validate_ask *ask, const struct made_scenario *m);

#endif
