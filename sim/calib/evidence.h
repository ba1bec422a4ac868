/*
 * evidence.h - measured runs of many machines, each row with the machine, the model and the weights it names.
 *
 * Layer calib. Machines and models are loaded once each. A row stands for one measurement that a profile can
 * be fitted to, or held against.
 */
#ifndef SIM_CALIB_EVIDENCE_H
#define SIM_CALIB_EVIDENCE_H
#include "sim/calib/from.h"

struct evidence_row {
	const struct run *run;
	const struct known_device *device; /* profile: of the row's runtime; NULL where none was asked for */
	const struct model *model;
	struct precision precision;
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

/* What a row is of, for people: "llama-2-7b q4_0 pp512". */
const char *evidence_name(struct arena *a, const struct evidence_row *row);

#endif
