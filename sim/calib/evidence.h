/*
 * evidence.h - measured runs of many machines, each row with the machine, the model and the weights it names.
 *
 * Layer calib. Machines and models are loaded once each. A row stands for one measurement that a profile can
 * be fitted to, or held against. A ratio's row carries that of the other machine, always as the catalogue has
 * it, unless its runtime is the row's own.
 */
#ifndef SIM_CALIB_EVIDENCE_H
#define SIM_CALIB_EVIDENCE_H
#include "sim/calib/from.h"
#include "sim/calib/replay.h"

/* What a row's run asks of a device, kept from one costing to the next. */
struct evidence_plan {
	struct arena *arena;
	struct replay_plan plan;
	bool made, last_row, last_apart, all_logits;
};

struct evidence_row {
	const struct run *run;
	const struct known_device *device; /* profile: of the row's runtime; NULL where none was asked for */
	const struct model *model;         /* NULL: an operator alone */
	struct precision precision;
	struct evidence_plan *plan;      /* private */
	const struct evidence_row *over; /* of a ratio, what it is over: the same on the other machine */
};

struct evidence {
	struct evidence_row *at; /* in the order of the files */
	size_t n;
};

enum evidence_profile {
	EVIDENCE_NO_PROFILE,
	EVIDENCE_PROFILE, /* of the row's runtime, as the catalogue has it */
	EVIDENCE_STRANGER /* the same as if nobody had measured the chip */
};

/* Rows of runs that name their machines. -1 with err set, or with reasons in the loader's diags. */
int evidence_load(struct loader *l, const struct runs *runs, enum evidence_profile profile,
		  struct evidence *e, struct err *err);

/* The row's own run (not the ratio) under a profile of its device; in the arena. */
struct replay evidence_replay(struct arena *a, const struct evidence_row *row, const struct profile *p);

/* Its time, as replay_seconds() has it; what is in the arena may go. */
double evidence_seconds(struct arena *a, const struct evidence_row *row, const struct profile *p);

/* -1 with err where a profile lacks what a row's operator needs. */
int evidence_check(const struct evidence_row *row, const struct profile *p, struct err *err);

/* What a row is of, for people: "llama-2-7b q4_0 pp512". */
const char *evidence_name(struct arena *a, const struct evidence_row *row);

#endif
