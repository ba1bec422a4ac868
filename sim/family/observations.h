/*
 * observations.h - measured runs of many machines, each row with the machine, the model and the weights it
 * names.
 *
 * Layer calib. Machines and models are loaded once each. A row stands for one measurement that a profile can
 * be fitted to, or held against. A ratio's row carries that of the other machine, always as the catalogue has
 * it, unless its runtime is the row's own.
 */
#ifndef SIM_FAMILY_OBSERVATIONS_H
#define SIM_FAMILY_OBSERVATIONS_H
#include "sim/family/fit_runtime.h"
#include "sim/family/replay.h"

/* What a row's run asks of a device, kept from one costing to the next. */
struct observations_plan {
	struct arena *arena;
	struct replay_plan plan;
	bool made, last_row, last_apart, all_logits;
};

struct observation {
	const struct run *run;
	const struct catalogue_device
		*device;           /* profile: of the row's runtime; NULL where none was asked for */
	const struct model *model; /* NULL: an operator alone */
	struct precision precision;
	struct observations_plan *plan; /* private */
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
struct replay observations_replay(struct arena *a, const struct observation *row, const struct profile *p);

/* Its time for a fit, which is not rounded; what is in the arena may go. */
double observations_seconds(struct arena *a, const struct observation *row, const struct profile *p);

/* -1 with err where a profile lacks what a row's operator needs. */
int observations_check(const struct observation *row, const struct profile *p, struct err *err);

/* What a row is of, for people: "llama-2-7b q4_0 pp512". */
const char *observations_name(struct arena *a, const struct observation *row);

#endif
