/* measured_rows.c - see measured_rows.h. */
#include "sim/cost/measured_rows.h"

#include <math.h>

#include "sim/cost/op_rates.h"
#include "sim/cost/product.h"
#include "sim/cost/terms.h"
#include "sim/cost/util.h"

/* A table that reaches to MANY_ROWS has the kernels of all larger products: beyond its edge they are as fast. */
enum { MANY_ROWS = 128 };

static struct measured_rows prepared(struct arena *a, const struct rows_table *t)
{
	const struct gemm_point *from = t->points.at;
	struct util_point *points = arena_array(a, t->points.n, sizeof *points);
	struct measured_rows r = {.least = INFINITY, .tokens = t->tokens};

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

/* Returns whether experts run in the kernel for passes of few tokens, if that was measured by itself: which of the two it is
 * hangs on all tokens, any of which may meet one expert, and not on how many do. */
static bool is_few_tokens(const struct op *op, const struct device_model *device_model, enum rows_format f)
{
	const struct few *few = &device_model->profile->few;
	const double most = is_given(&few->origin) ? (double)few->rows : GEMV_ROWS;

	return device_model->experts_few[f].table && product_tokens(op) <= most;
}

/* The table of a product's weights. Super-blocks of 256 and 4-bit floats run in kernels of their own, which are none of
 * those. */
static const struct measured_rows *table_of(const struct op *op, const struct device_model *device_model)
{
	const enum beyond_kind kind = cost_weights_kind(op->format);
	const enum rows_format f = kind == BEYOND_Q4 ? ROWS_Q4 : kind == BEYOND_Q8 ? ROWS_Q8 : ROWS_WHOLE;

	if (kind != BEYOND_F16 && f == ROWS_WHOLE)
		return NULL;
	if (!op->experts)
		return &device_model->products[f];
	return is_few_tokens(op, device_model, f) ? &device_model->experts_few[f] : &device_model->experts[f];
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

/* The rows by which a table is asked. */
static double rows_of(const struct op *op, const struct measured_rows *t)
{
	return t && t->tokens && op->experts ? product_tokens(op) : op->rows / op->copies;
}

/* The time at a table's utilisation. */
static struct term time_at(const struct op *op, const struct device_model *device_model,
			   const struct measured_rows *t, double width, double share)
{
	const double rows = rows_of(op, t), all = width_of(op, width),
		     flop = t->tokens && op->experts ? op->flop * rows * op->copies / op->rows : op->flop;
	const struct util u = util_at(t->table, rows, all);

	return (struct term){flop * share / (device_model->device->peak[device_model->compute].value * u.u),
			     u.spread, u.provenance};
}

static bool may_hold(const struct op *op, const struct measured_rows *t)
{
	return !op->gradient && t && t->table && (op->experts || op->rows / op->copies >= t->least);
}

void measured_rows_limit(struct cost *c, const struct op *op, const struct device_model *device_model,
			 double width, double share)
{
	const struct measured_rows *t = table_of(op, device_model);
	struct term at;

	if (!may_hold(op, t) || rows_of(op, t) <= t->rows)
		return;
	at = time_at(op, device_model, t, width, share);
	if (at.s < c->arithmetic.s)
		c->arithmetic = at;
}

double measured_rows_of(const struct op *op, const struct device_model *device_model)
{
	return rows_of(op, table_of(op, device_model));
}

bool measured_rows_hold(const struct op *op, const struct device_model *device_model)
{
	const struct measured_rows *t = table_of(op, device_model);

	return may_hold(op, t) && (rows_of(op, t) <= t->rows || t->rows >= MANY_ROWS);
}

bool measured_rows_cost(struct cost *c, const struct op *op, const struct device_model *device_model,
			double width, double share)
{
	const struct measured_rows *t = table_of(op, device_model);
	const double rows = rows_of(op, t);
	struct term term;

	if (!measured_rows_hold(op, device_model))
		return false;
	term = time_at(op, device_model, t, width, share);
	c->bytes = (op->weight_B + op->tensor_B) * share;
	if (rows <= MEASURED_FEW_ROWS)
		term.s *= bytes_against_table(op, device_model);
	*(rows <= MEASURED_FEW_ROWS ? &c->memory : &c->arithmetic) = term;
	return true;
}
