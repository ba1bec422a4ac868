/*
 * plan.h - the section `plan:` of a scenario: which machines, runtimes and settings may serve the load, and by
 * what they are judged.
 *
 * Layer world. Structs as the field tables fill them. A scenario that plans needs neither machines nor
 * assignments: room plan finds them.
 */
#ifndef SIM_WORLD_PLAN_H
#define SIM_WORLD_PLAN_H
#include "sim/conf/field.h"

/* Machines of the catalogue, by what is known of them. */
struct plan_any {
	struct origin origin;
	const char *price, *memory; /* limits as written, "<= 5000 USD"; NULL: none */
	struct field_list kind;     /* words of a machine's name, or mac, card; empty: all */
	double price_least, price_most, memory_least, memory_most; /* set by plan_check() */
};

struct plan_machine { /* one that is named */
	struct origin origin;
	const char *machine;    /* hardware file */
	int64_t up_to;          /* 0: as the plan's */
	const struct yml *with; /* keys that differ from the file: its price, its power; NULL: none */
};

enum group_split { GROUP_PIPELINE, GROUP_TENSOR };
struct plan_group { /* equal machines that hold one copy of the weights together */
	struct origin origin;
	int split;
	int64_t machines;
	const char *link; /* hardware file of the link that joins each to each */
};

struct plan_pools { /* servers that read prompts and servers that generate */
	struct origin origin;
	const char *link; /* hardware file of the link that joins each of the former to each of the latter */
	struct hand_over *hand_over; /* NULL: as an assignment without it */
};

struct plan_api {
	struct origin origin;
	double input, output; /* USD per million tokens */
};

struct plan_finish { /* a batch of requests that has to end in time */
	struct origin origin;
	int64_t requests;
	double within; /* seconds */
};

enum plan_goal { PLAN_PRICE, PLAN_ENERGY, PLAN_LATENCY, PLAN_GOALS };
extern const char *const plan_goals[PLAN_GOALS + 1];

struct planning {
	struct origin origin;
	const struct yml *machines_said;
	struct plan_any *any;       /* set by plan_check(); NULL: machines are named */
	struct field_list machines; /* struct plan_machine, set by plan_check() */
	struct field_list runtimes; /* names; empty: the scenario's */
	struct field_list weights;  /* names of file types; empty: the scenario's */
	struct field_list slots;    /* double: sequences at once; empty: as the runtime starts */
	struct field_list groups;   /* struct plan_group, beside each machine alone */
	struct plan_pools *pools;   /* tried beside servers that do both; NULL: not */
	int64_t context;            /* tokens that a request may have; 0: what the load asks at most */
	int64_t up_to;              /* machines of a fleet */
	int64_t mixed;              /* kinds of machine in a fleet, at most */
	int64_t spare;              /* machines that may be gone */
	double headroom;            /* the load is so many times as large */
	double budget;              /* USD for the fleet; 0: none */
	int goal;                   /* enum plan_goal */
	struct plan_api *api;       /* NULL: not asked */
	struct serve_how *serve;    /* settings of every server but its slots; NULL: as the runtimes start */
	struct plan_finish *finish; /* NULL: the SLO decides */
	struct field_list day;      /* double: the load of each hour, as a share of what the workload says */
};
extern const struct table plan_table;

struct scenario;

/* What the table cannot see. Complains to diags; 0 or -1. */
int plan_check(const struct scenario *s, struct planning *p, struct diags *diags);

#endif
