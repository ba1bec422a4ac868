/* scenario.c - the field table of scenario files; see scenario.h. */
#include "sim/world/scenario.h"

#include "sim/world/topology.h"

/* planned: a plan finds the machines and who does what. */
#define SCENARIO_FIELDS(planned)                                                                             \
	{FIELD_KEY(struct scenario, schema), .type = FIELD_TEXT, .help = SCENARIO_SCHEMA},                   \
		{FIELD_KEY(struct scenario, title), .type = FIELD_TEXT, .help = "the question, in a line"},  \
		{FIELD_KEY(struct scenario, model), .type = FIELD_YML,                                       \
		 .help = "name of a model, or a mapping with base:"},                                        \
		{FIELD_KEY(struct scenario, precision), .type = FIELD_TABLE, .sub = &precision_table,        \
		 .help = "formats of numbers"},                                                              \
		{FIELD_KEY(struct scenario, runtime), .type = FIELD_YML,                                     \
		 .help = "software whose profile is used, or {default: mlx, spark: cuda} by machine"},       \
		{FIELD_KEY(struct scenario, machines), .type = FIELD_YML, .optional = planned,               \
		 .help = "your names for hardware, like {mini: apple-m4-10c}; 'lemursim list hardware' "     \
			 "names all"},                                                                       \
		{FIELD_KEY(struct scenario, links), .type = FIELD_YML, .optional = true,                     \
		 .help = "likewise for links, like {tb: {base: thunderbolt-5-tcp, between: [mini, "          \
			 "studio]}}; switch, bus, mesh, ring, chain, star or fat_tree joins more than two"}, \
		{FIELD_KEY(struct scenario, topology), .type = FIELD_MAYBE, .sub = &topology_table,          \
		 .optional = true,                                                                           \
		 .help = "in the place of links that join all machines: {switch: ethernet-10g}"},            \
		{FIELD_KEY(struct scenario, workload), .type = FIELD_TABLE, .sub = &workload_table,          \
		 .help = "what is asked"},                                                                   \
		{FIELD_KEY(struct scenario, money), .type = FIELD_TABLE, .sub = &money_table, .def = "{}",   \
		 .help = "assumptions behind dollars per million tokens"},                                   \
		{FIELD_KEY(struct scenario, assignments),                                                    \
		 .type = FIELD_LIST,                                                                         \
		 .sub = &assignment_table,                                                                   \
		 .max = 4096,                                                                                \
		 .optional = planned,                                                                        \
		 .help = "who does what"},                                                                   \
		{FIELD_KEY(struct scenario, plan), .type = FIELD_MAYBE, .sub = &plan_table,                  \
		 .optional = true,                                                                           \
		 .help = "instead of machines and assignments: what may be bought, see 'lemursim plan'"},    \
		{FIELD_KEY(struct scenario, seed), .type = FIELD_COUNT, .min = 0, .max = 9e15, .def = "1",   \
		 .help = "of every random number"},                                                          \
	{                                                                                                    \
		FIELD_KEY(struct scenario, draws), .type = FIELD_COUNT, .min = 2, .max = 100000,             \
						   .def = "200", .help = "samples behind each interval"      \
	}
static const struct field scenario_fields[] = {SCENARIO_FIELDS(false)};
static const struct field planned_fields[] = {SCENARIO_FIELDS(true)};
const struct table scenario_table = {"scenario", sizeof(struct scenario), scenario_fields,
				     ARRAY_LEN(scenario_fields)};
const struct table planned_table = {"scenario", sizeof(struct scenario), planned_fields,
				    ARRAY_LEN(planned_fields)};
