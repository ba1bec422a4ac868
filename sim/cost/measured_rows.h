/*
 * measured_rows.h - products at the times that were measured for their format of weights; private to the room.
 *
 * Layer cost.
 */
#ifndef SIM_COST_MEASURED_ROWS_H
#define SIM_COST_MEASURED_ROWS_H
#include "sim/cost/cost.h"

/* Prepares a profile's tables; those that were not measured are left as they are. */
void measured_rows_make(struct arena *a, const struct rows_tables *from,
			struct measured_rows to[ROWS_FORMATS]);

/* The cost of a product whose weights' format was measured in that many rows; width: outputs x inputs of the part that
 * this device computes. False, with *c unchanged, where no table holds. */
bool measured_rows_cost(struct cost *c, const struct op *op, const struct device_model *device_model,
			double width, double share);

/* Whether a table holds for the product, which measured_rows_cost() then asks. */
bool measured_rows_hold(const struct op *op, const struct device_model *device_model);

/* The rows by which its table is asked: those of each weight, or of experts in tiles as wide as the pass all of its tokens. */
double measured_rows_of(const struct op *op, const struct device_model *device_model);

/* Many rows take no longer than several products of the most rows that were measured: where the arithmetic of *c, which
 * products of other weights told, is slower than that, it is held at it. */
void measured_rows_limit(struct cost *c, const struct op *op, const struct device_model *device_model,
			 double width, double share);

#endif
