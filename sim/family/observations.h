/*
 * observations.h - measured runs of many machines, each row with the machine, the model and the weights it
 * names.
 *
 * Layer family. Machines and models are loaded once each. A row stands for one measurement that a profile can
 * be fitted to, or held against. A ratio's row carries that of the other machine, always as the catalogue has
 * it, unless its runtime is the row's own.
 */
#ifndef SIM_FAMILY_OBSERVATIONS_H
#define SIM_FAMILY_OBSERVATIONS_H
#include "sim/family/fit_runtime.h"
#include "sim/family/predicted_run.h"

/* What runs ask of a device, kept from one costing to the next: scratch of whoever fits, for one thread. */
struct observations_plan;
struct observations_scratch {
	struct arena *arena;              /* where plans are kept */
	struct observations_plan **plans; /* private: by the number of the row */
	size_t plans_n;
};

struct observation {
	const struct run *run;
	const struct catalogue_device
		*device;           /* profile: of the row's runtime; NULL where none was asked for */
	const struct model *model; /* NULL: an operator alone */
	struct precision precision;
	size_t id;                      /* private: its number among all that were loaded with it */
	const struct observation *over; /* of a ratio, what it is over: the same on the other machine */
};

struct observations {
	struct observation *at; /* in the order of the files */
	size_t n;
};

enum observations_profile {
	OBSERVATIONS_NO_PROFILE,
	OBSERVATIONS_PROFILE,   /* of the row's runtime, as the catalogue has it */
	OBSERVATIONS_UNMEASURED /* the same as if nobody had measured the chip */
};

/* Rows of runs that name their machines. -1 with err set, or with reasons in the loader's diags. */
int observations_load(struct loader *l, const struct runs *runs, enum observations_profile profile,
		      struct observations *e, struct err *err);

/* The row's own run (not the ratio) under a profile of its device; in the arena. */
struct predicted_run observations_predict(struct arena *a, const struct observation *row,
					  const struct profile *p);

/* Its time for a fit, which is not rounded. */
double observations_seconds(struct observations_scratch *scratch, const struct observation *row,
			    const struct profile *p);

/* -1 with err where a profile lacks what a row's operator needs. */
int observations_check(const struct observation *row, const struct profile *p, struct err *err);

/* What a row is of, for people: "llama-2-7b q4_0 pp512". */
const char *observations_name(struct arena *a, const struct observation *row);

#endif
