/*
 * money.h - assumptions behind costs in dollars, which no measurement gives.
 *
 * Layer world. The field table of `money:`; sim/predict/energy_cost.h computes with it.
 */
#ifndef SIM_WORLD_MONEY_H
#define SIM_WORLD_MONEY_H
#include "sim/conf/field.h"

struct money {
	struct origin origin; /* its node is a default if a scenario has no `money:` */
	double electricity;   /* USD per joule */
	double life;          /* seconds until a machine is written off */
	double utilisation; /* share of its life that a machine works; it idles, switched on, for the rest */
};

extern const struct table money_table;

#endif
