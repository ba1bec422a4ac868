/*
 * observations.h - measured runs of many machines, each row with the loaded machine, model and weights that
 * it names.
 *
 * Layer family. Machines and models are loaded once each. A profile is fitted to rows, or is compared with them.
 * The row of a ratio refers to a row of the other machine, which has the catalogue's profile unless it is of the same
 * runtime.
 */
#ifndef SIM_FAMILY_OBSERVATIONS_H
#define SIM_FAMILY_OBSERVATIONS_H
#include "sim/family/fit_runtime.h"
#include "sim/family/predicted_run.h"

/* The operators of each row's run, kept from one prediction to the next: scratch of a fit, for one thread. */
struct observations_plan;
struct observations_scratch {
	struct arena *arena;              /* owns the plans */
	struct observations_plan **plans; /* private: by the row's id */
	size_t plans_n;
};

struct observation {
	const struct run *run;
	const struct catalogue_device
		*device;           /* its profile: of the row's runtime; NULL with OBSERVATIONS_NO_PROFILE */
	const struct model *model; /* NULL: an operator alone */
	struct precision precision;
	size_t id;                      /* private: its number among all that were loaded with it */
	const struct observation *over; /* a ratio's other run, on the other machine; else NULL */
};

struct observations {
	struct observation *at; /* in the order of the files */
	size_t n;
};

enum observations_profile {
	OBSERVATIONS_NO_PROFILE,
	OBSERVATIONS_PROFILE,   /* the profile of the row's runtime, from the catalogue */
	OBSERVATIONS_UNMEASURED /* the same without the factors that the runtime's file has for the chip */
};

/* Loads what the rows of `runs` name; they must say their machines. *e and what it refers to live in the loader's
 * arena. -1 with err set, or with reasons in the loader's diags. */
int observations_load(struct loader *l, const struct runs *runs, enum observations_profile profile,
		      struct observations *e, struct err *err);

/* The row's run (of a ratio: on its own machine) under a profile of its device; in the arena. */
struct predicted_run observations_predict(struct arena *a, const struct observation *row,
					  const struct profile *p);

/* The seconds of that run for a fit: not rounded to the event engine's nanoseconds. */
double observations_seconds(struct observations_scratch *scratch, const struct observation *row,
			    const struct profile *p);

/* -1 with err where the profile has no GEMM table of the dtype that the row computes in. */
int observations_check(const struct observation *row, const struct profile *p, struct err *err);

/* The row's label in reports, in the arena: "llama-2-7b q4_0 pp512". */
const char *observations_name(struct arena *a, const struct observation *row);

#endif
