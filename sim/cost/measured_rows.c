/* measured_rows.c - see measured_rows.h. */
#include "sim/cost/measured_rows.h"

#include <math.h>

#include "sim/cost/op_rates.h"
#include "sim/cost/util.h"

/* A table that reaches to MANY_ROWS has the kernels of all larger products: beyond its edge they are as fast. */
enum { MANY_ROWS = 128 };

static struct measured_rows prepared(struct arena *a, const struct rows_table *t)
{
	const struct gemm_point *from = t->points.at;
	struct util_point *points = arena_array(a, t->points.n, sizeof *points);
	struct measured_rows r = {NULL, 0, INFINITY};

	for (size_t i = 0; i < t->points.n; i++) {
		points[i] =
			(struct util_point){gemm_point_rows(&from[i]), (double)from[i].n * (double)from[i].k,
					    from[i].u.value, from[i].u.spread, from[i].u.provenance};
		r.rows = fmax(r.rows, points[i].rows);
		r.least = fmin(r.least, points[i].rows);
	}
	r.table = util_table(
		a, points, t->points.n,
		(struct util_error){t->between.given ? t->between.value : util_error_unknown.between,
				    t->beyond.given ? t->beyond.value : util_error_unknown.beyond});
	return r;
}

void measured_rows_make(struct arena *a, const struct rows_tables *from,
			struct measured_rows to[ROWS_FORMATS])
{
	for (int f = 0; f < ROWS_FORMATS; f++)
		if (from->of[f] && from->of[f]->points.n)
			to[f] = prepared(a, from->of[f]);
}

/* The table of a product's weights. Super-blocks of 256 and 4-bit floats run in kernels of their own, which are none of
 * those. */
static const struct measured_rows *table_of(const struct op *op, const struct device_model *device_model)
{
	const struct measured_rows *of = op->experts ? device_model->experts : device_model->products;

	switch (cost_weights_kind(op->format)) {
	case BEYOND_F16:
		return &of[ROWS_WHOLE];
	case BEYOND_Q8:
		return &of[ROWS_Q8];
	case BEYOND_Q4:
		return &of[ROWS_Q4];
	default:
		return NULL;
	}
}

/* The weights that a product reads: those of experts run in one launch, and their table is by all that are hit. */
static double width_of(const struct op *op, double width)
{
	return op->experts ? width * op->copies : width;
}

/* The bytes of a weight against those of the table's: products of weights as they are were measured in the dtype that is
 * computed in, and a CPU that computes in f32 reads half as much where they are kept in 16 bits. */
static double bytes_against_table(const struct op *op, const struct device_model *device_model)
{
	const double table_B = device_model->compute == DTYPE_F32 ? 4 : 2,
		     weight_B = op->weight_B / (op->copies * (double)op->n * (double)op->k);

	return cost_weights_kind(op->format) == BEYOND_F16 && weight_B > 0 ? weight_B / table_B : 1;
}

static bool may_hold(const struct op *op, const struct measured_rows *t)
{
	return !op->gradient && t && t->table && (op->experts || op->rows / op->copies >= t->least);
}

void measured_rows_limit(struct cost *c, const struct op *op, const struct device_model *device_model,
			 double width, double share)
{
	const struct measured_rows *t = table_of(op, device_model);
	const double rows = op->rows / op->copies;
	struct util u;
	double s;

	if (!may_hold(op, t) || rows <= t->rows)
		return;
	u = util_at(t->table, rows, width_of(op, width));
	s = op->flop * share / (device_model->device->peak[device_model->compute].value * u.u);
	if (s < c->arithmetic.s)
		c->arithmetic = (struct term){s, u.spread, u.provenance};
}

bool measured_rows_hold(const struct op *op, const struct device_model *device_model)
{
	const struct measured_rows *t = table_of(op, device_model);

	return may_hold(op, t) && (op->rows / op->copies <= t->rows || t->rows >= MANY_ROWS);
}

bool measured_rows_cost(struct cost *c, const struct op *op, const struct device_model *device_model,
			double width, double share)
{
	const struct measured_rows *t = table_of(op, device_model);
	const double rows = op->rows / op->copies,
		     peak = device_model->device->peak[device_model->compute].value;
	struct util u;
	struct term term;

	if (!measured_rows_hold(op, device_model))
		return false;
	u = util_at(t->table, rows, width_of(op, width));
	term = (struct term){op->flop * share / (peak * u.u), u.spread, u.provenance};
	c->bytes = (op->weight_B + op->tensor_B) * share;
	if (rows <= MEASURED_FEW_ROWS)
		term.s *= bytes_against_table(op, device_model);
	*(rows <= MEASURED_FEW_ROWS ? &c->memory : &c->arithmetic) = term;
	return true;
}
