/*
 * verdicts.h - what the search of a plan finds out of fleets, as lines of JSON, so that many processes look at a share of the
 * fleets each, one that was broken off goes on, and the lines together make what one process would have answered, byte for byte.
 *
 * Layer plan. Whether a fleet holds the load depends on the fleet alone, since every run of it has the plan's seed. A process looks at
 * the fleets of its share in the order of the search, until one of them holds: no share ends before the search of one process
 * would, so that one that knows the verdicts of all shares simulates no fleet again. What is simulated of the winner beside, to
 * say how much it holds, is no part of a share.
 *
 * The first line of a file ("lemursim/plan-verdicts/1") says what all numbers hang on: this program's version, the scenario, what was
 * set, seed and draws, and a key, which is the SHA-256 of these and of all files that were read. Each further line is a verdict:
 * {"fleet":"3:2","holds":1} says that two servers of group 3 hold the load, "value" what the goal comes to. The last says that the share has ended.
 */
#ifndef SIM_PLAN_VERDICTS_H
#define SIM_PLAN_VERDICTS_H
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/map.h"
#include "sim/base/str.h"
#include "sim/base/texts.h"
#include "sim/base/vec.h"
#include "sim/conf/diag.h"
#include "sim/conf/load.h"
#include "sim/plan/fleets.h"

enum { PLAN_VERDICTS_MAX = 1 << 30, PLAN_SHARES = 100000 }; /* bytes of a file; shares of a plan */

enum plan_question { PLAN_ASK_HOLDS, PLAN_ASK_VALUE, PLAN_QUESTIONS };

struct plan_verdicts {
	struct arena *arena;
	size_t k, n;              /* this process looks at share k of n; n 0: at all fleets, and answers */
	char key[65];             /* set by the plan before begin() */
	int (*begin)(void *self); /* once the key is known; may be NULL. -1 ends the plan */
	/* Each new verdict; -1 ends the plan. May be NULL. */
	int (*take)(void *self, enum plan_question question, const char *fleet, double number);
	void *self;
	struct map keys[PLAN_QUESTIONS]; /* private: fleets */
	VEC(double) numbers[PLAN_QUESTIONS];
	VEC(struct place) places[PLAN_QUESTIONS]; /* where each was read; line 0: it was found out here */
};
void plan_verdicts_release(struct plan_verdicts *v);

/* The name of a fleet: "3:2,17:1", servers of each group that it has; in the arena. */
const char *plan_fleet_name(struct arena *a, const int *counts, size_t n);
/* Returns whether the share has a fleet. */
bool plan_verdicts_share(const struct plan_verdicts *v, const char *fleet);
bool plan_verdicts_find(const struct plan_verdicts *v, enum plan_question question, const char *fleet,
			double *number);
/* Adds one and hands it to take(); 0 or its -1. The name is copied. */
int plan_verdicts_add(struct plan_verdicts *v, enum plan_question question, const char *fleet, double number);

/* Calls begin(), then refuses verdicts of fleets that the plan does not have: of a kind that is not among its n kinds, of more
 * servers than there may be of a kind, of more than up_to machines, or not named as plan_fleet_name() does. 0, or -1: begin()
 * has refused, or there is a diagnostic at each such line. */
int plan_verdicts_begin(const struct plan_verdicts *v, struct diags *d, const struct fleet_kind *kinds,
			size_t n, int up_to);

/* The key of a plan that has read its files. */
void plan_verdicts_key(const struct loader *l, const struct texts *sets, int64_t seed, int64_t draws,
		       char key[65]);

/* What the first line says, and whether there is a last one. */
struct plan_verdicts_head {
	char key[65];
	const char *scenario;
	struct texts sets;
	int64_t seed, draws; /* -1: as the scenario says, as many as are usual */
	size_t k, n;
	bool ended;
};
void plan_verdicts_write_head(struct str *out, const struct plan_verdicts_head *h, const char *version);
void plan_verdicts_write(struct str *out, enum plan_question question, const char *fleet, double number);
void plan_verdicts_write_end(struct str *out);

/* Returns whether a file begins as one of verdicts. */
bool plan_verdicts_is(const char *text, size_t len);
/* Reads a file's text, which must be of this version and outlive the verdicts, and adds its verdicts; path is for messages.
 * Everything read lives in the arena.
 * 0, or -1 with err: "path:line N: ...". */
int plan_verdicts_read(struct arena *a, struct plan_verdicts *v, const char *path, const char *text,
		       size_t len, const char *version, struct plan_verdicts_head *head, struct err *err);

#endif
