/* device_model.c - a device, its runtime and a precision, made ready for costs; see cost.h. */
#include "sim/cost/cost.h"
#include "sim/cost/measured_rows.h"
#include "sim/cost/terms.h"
#include "sim/cost/util.h"

enum { POINTS_MAX = 1024 };

static const struct gemm_table *gemm_table(const struct device_model *device_model)
{
	return device_model->profile->gemm[device_model->compute];
}

int device_model_check(const struct device_model *device_model, struct err *err)
{
	const char *dtype = dtype_names[device_model->compute];
	const struct gemm_table *g = gemm_table(device_model);

	if (!g) {
		err_set(err, "runtime '%s' of %s.%s has no 'gemm_%s' table",
			device_model->profile->origin.name, device_model->machine->origin.name,
			device_model->device->origin.name, dtype);
		return err_hint(err, "calibrate it, or compute in another dtype");
	}
	if (g->points.n > POINTS_MAX || device_model->profile->attention.points.n > POINTS_MAX)
		return err_set(err, "runtime '%s': a table has more than %d points",
			       device_model->profile->origin.name, POINTS_MAX);
	if (!device_model->gemm || !device_model->attention)
		return err_set(err, "runtime '%s' of %s.%s has an empty table",
			       device_model->profile->origin.name, device_model->machine->origin.name,
			       device_model->device->origin.name);
	return 0;
}

static const struct util_table *flat(struct arena *a, const struct qty *u)
{
	return util_flat(a, (struct util){u->value, u->spread, u->provenance});
}

static struct util_error error_of(const struct qty *between, const struct qty *beyond)
{
	return (struct util_error){
		between->given ? between->value : util_error_unknown.between,
		beyond->given ? beyond->value : util_error_unknown.beyond,
	};
}

static const struct util_table *gemm_util(struct arena *a, const struct gemm_table *g)
{
	const struct gemm_point *from = g->points.at;
	struct util_point *points = arena_array(a, g->points.n, sizeof *points);

	if (g->u.given)
		return flat(a, &g->u);
	for (size_t i = 0; i < g->points.n; i++)
		points[i] = (struct util_point){(double)from[i].m, (double)from[i].n * (double)from[i].k,
						from[i].u.value, from[i].u.spread, from[i].u.provenance};
	return util_table(a, points, g->points.n, error_of(&g->between, &g->beyond));
}

static const struct util_table *attention_util(struct arena *a, const struct attention_table *t)
{
	const struct attention_point *from = t->points.at;
	struct util_point *points = arena_array(a, t->points.n, sizeof *points);

	if (t->u.given)
		return flat(a, &t->u);
	for (size_t i = 0; i < t->points.n; i++)
		points[i] = (struct util_point){(double)from[i].query, (double)from[i].context,
						from[i].u.value, from[i].u.spread, from[i].u.provenance};
	return util_table(a, points, t->points.n, error_of(&t->between, &t->beyond));
}

static bool has_few_queries(const struct attention_table *t)
{
	const struct attention_point *p = t->points.at;

	for (size_t i = 0; i < t->points.n; i++)
		if (p[i].query <= GEMV_ROWS)
			return true;
	return t->u.given;
}

struct device_model device_model_make(struct arena *a, const struct machine *machine,
				      const struct device *device, const struct profile *profile,
				      enum dtype compute)
{
	struct device_model s = {
		.machine = machine, .device = device, .profile = profile, .compute = compute};
	const struct gemm_table *g = profile->gemm[compute];

	if (g && (g->points.n || g->u.given))
		s.gemm = gemm_util(a, g);
	if (profile->attention.points.n || profile->attention.u.given)
		s.attention = attention_util(a, &profile->attention);
	s.few_queries = has_few_queries(&profile->attention);
	measured_rows_make(a, &profile->products, s.products);
	measured_rows_make(a, &profile->experts, s.experts);
	measured_rows_make(a, &profile->experts_few, s.experts_few);
	return s;
}
