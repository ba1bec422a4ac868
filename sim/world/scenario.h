/*
 * scenario.h - the content of a scenario file: model, machines, links, workload, assignments.
 *
 * Layer world. Structs as the field tables fill them; names are looked up by world.h. Each part has a file
 * of its own: generate.h, train.h and serve.h for the jobs, assignment.h, money.h, plan.h.
 */
#ifndef SIM_WORLD_SCENARIO_H
#define SIM_WORLD_SCENARIO_H
#include "sim/world/assignment.h"
#include "sim/world/generate.h"
#include "sim/world/money.h"
#include "sim/world/plan.h"
#include "sim/world/train.h"
#include "sim/world/workload.h"

#define SCENARIO_SCHEMA "lemursim/scenario/1"

struct scenario {
	struct origin origin;
	const char *schema, *title;
	/* a name, or names by machine; unit.profile is the result of the look-up */
	const struct yml *runtime;
	const struct yml *model, *machines, *links;
	void *topology; /* not used: it is written as a link before (topology.h) */
	struct precision precision;
	struct workload workload;
	struct money money;
	struct field_list assignments; /* struct assignment */
	struct planning *plan;         /* NULL: the assignments are written down */
	int64_t seed, draws;
};

extern const struct table scenario_table;
extern const struct table planned_table; /* a scenario with `plan:` needs neither machines nor assignments */

#endif
