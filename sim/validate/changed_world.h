/*
 * changed_world.h - a scenario as rows of measurements change it: loaded and placed for as long as it is asked.
 *
 * Layer validate. Rows may hold other prompts, batches or rates than the scenario: what they change is applied
 * after the request's own --set.
 */
#ifndef SIM_VALIDATE_CHANGED_WORLD_H
#define SIM_VALIDATE_CHANGED_WORLD_H
#include "sim/validate/ask.h"

struct changed_world {
	struct arena arena; /* holds all below */
	struct loader inner, *outer;
	const struct world *world;
	const struct placement *at; /* one for each assignment */
};

/* changes: what --set takes, several parted by ';'; path and line: of the row that says so. 0, or -1 with the
 * reasons in the loader's diags, in err, or in both. changed_world_close() goes with it in either case. */
int changed_world_open(struct changed_world *c, const struct validate_ask *ask, const char *changes,
		       const char *path, int line, struct err *err);
void changed_world_close(struct changed_world *c);

/* As rows name the runtime: the scenario's, or "by machine". */
const char *changed_world_runtime(struct arena *a, const struct world *w);

/* Puts where it is before what is wrong; -1. */
int validate_at_line(struct err *err, const char *path, int line, const struct err *why);

#endif
