/*
 * money.h - assumptions behind dollars: what no measurement gives.
 *
 * Layer world. The field table of `money:`; sim/predict/energy_cost.h computes with it.
 */
#ifndef SIM_WORLD_MONEY_H
#define SIM_WORLD_MONEY_H
#include "sim/conf/field.h"

struct money {
	struct origin origin; /* its node is a default where a scenario does not speak of money */
	double electricity;   /* USD per joule */
	double life;          /* seconds until a machine is written off */
	double utilisation;   /* share of its life that it works; the rest it idles, switched on */
};

extern const struct table money_table;

#endif
