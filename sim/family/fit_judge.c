/* fit_judge.c - a written profile held against the rows that it was fitted to; see fit_runtime.h. */
#include "sim/family/fit_work.h"

#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/family/family_keys.h"
#include "sim/family/run_weights.h"
#include "sim/stats/chance.h"

/* A row is missed beyond two standard deviations. Of rows that scatter as their noise says, one in 22 is, so that one of sixteen
 * is missed in every other table: refused is what noise brings about in fewer than one table of twenty. A row that is far off
 * is no noise, unless the fit has left it out as an outlier, which the table says. */
static const double missed_from_sd = 2, missed_share = 0.0455, refused_below = 0.05, far_from_sd = 5;
/* Two predictions that differ by less are equally good: rounding of written numbers and of the event engine's clock. */
static const double off_same = 0.005;

static double predict(const struct runtime_fit *f, const struct machine *m, const struct device *d,
		      const struct profile *p, const struct report_row *row)
{
	const enum dtype compute = run_compute(row->run, row->model, d, p);
	struct device_model device_model =
		device_model_make(f->arena, m, d, p, p->gemm[compute] ? compute : f->base.compute);
	struct predicted_run run;

	device_model_for(&device_model, row->model);
	run = predicted_run_make(f->arena, row->model, &row->precision, &device_model, row->run);
	return predicted_run_seconds(&run);
}

double fit_row_sd(const struct run *r)
{
	return exact_hypot(family_row_sd, r->sd > 0 ? r->sd / r->seconds : 0);
}

/* The root mean square of the logarithms of predicted over given. */
static double off(const struct fit_runtime_result *r, bool catalogue)
{
	double sum = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct fit_runtime_row *row = &r->rows[i];
		const double x = exact_log((catalogue ? row->catalogue : row->fitted) / row->run->seconds);

		sum += x * x;
	}
	return sqrt(sum / (double)r->n);
}

static double off_in_sd(const struct fit_runtime_row *row)
{
	return fabs(exact_log(row->fitted / row->run->seconds)) / row->sd;
}

/* Do both runs mostly prompts, or mostly tokens, of one sequence or of several, of one model? */
static bool is_like(const struct fit_runtime_row *a, const struct fit_runtime_row *b)
{
	return !strncmp(a->name, b->name, strcspn(a->name, " ") + 1) &&
	       (a->run->gen > a->run->prompt) == (b->run->gen > b->run->prompt) &&
	       (a->run->batch > 1) == (b->run->batch > 1);
}

/* An outlier is one among others of its kind that come back. Alone it is a kernel that the fit has wrong. */
static bool is_outlier(const struct fit_runtime_result *r, const struct fit_runtime_row *row)
{
	for (size_t i = 0; row->out && i < r->n; i++)
		if (!r->rows[i].missed && is_like(&r->rows[i], row))
			return true;
	return false;
}

static bool any_far(const struct fit_runtime_result *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (off_in_sd(&r->rows[i]) > far_from_sd && !is_outlier(r, &r->rows[i]))
			return true;
	return false;
}

static const char *verdict(struct arena *a, const struct fit_runtime_result *r)
{
	if (chance_of_outside(r->missed, r->n, missed_share) < refused_below || any_far(r))
		return arena_printf(a, "%zu of %zu rows are off by more than their noise", r->missed, r->n);
	if (r->catalogue && r->off > r->catalogue_off + off_same)
		return arena_printf(
			a, "'%s' of the catalogue is nearer to these rows: %.1f %% off against %.1f %%",
			r->catalogue, 100 * r->catalogue_off, 100 * r->off);
	return NULL;
}

void fit_judge(const struct runtime_fit *f, const struct machine *written, struct fit_runtime_result *r)
{
	const struct device *d = machine_device(written, f->base.device->origin.name);
	const struct profile *p = device_runtime(d, fit_runtime_name(f));
	struct fit_runtime_row *rows = arena_array(f->arena, f->n, sizeof *rows);

	for (size_t i = 0; i < f->n; i++) {
		const struct report_row *row = &f->rows[i];
		const double fitted = predict(f, written, d, p, row);

		rows[i] = (struct fit_runtime_row){
			.run = row->run,
			.name = arena_printf(f->arena, "%s %s", row->model_name,
					     run_name(f->arena, row->run)),
			.fitted = fitted,
			.catalogue = predict(f, f->base.machine, f->base.device, row->profile, row),
			.sd = fit_row_sd(row->run),
			.out = f->points[i].out};
		rows[i].missed = off_in_sd(&rows[i]) > missed_from_sd;
		r->missed += rows[i].missed;
	}
	r->rows = rows;
	r->n = f->n;
	r->catalogue = f->from_rows || !f->own_program ? NULL : f->base.profile->origin.name;
	r->off = off(r, false);
	r->catalogue_off = off(r, true);
	r->refused = verdict(f->arena, r);
}

/* ---- the table ---- */

static void add_error(struct str *out, const struct run *run, double seconds)
{
	str_addf(out, "  %+8.1f %%", 100 * (run->seconds / seconds - 1));
}

void fit_runtime_table(const struct fit_runtime_result *r, struct str *out)
{
	size_t width = strlen("row");

	for (size_t i = 0; i < r->n; i++)
		width = strlen(r->rows[i].name) > width ? strlen(r->rows[i].name) : width;
	str_addf(out, "%-*s  %12s  %12s  %10s%s\n", (int)width, "row", "given tok/s", "fitted", "error",
		 r->catalogue ? "   catalogue" : "");
	for (size_t i = 0; i < r->n; i++) {
		const struct fit_runtime_row *row = &r->rows[i];

		str_addf(out, "%-*s  %12.4g  %12.4g", (int)width, row->name, run_rate(row->run),
			 run_rate_of(row->run, row->fitted));
		add_error(out, row->run, row->fitted);
		if (r->catalogue)
			add_error(out, row->run, row->catalogue);
		str_add(out, row->missed ? "  beyond its noise" : "");
		str_add(out, row->out ? "  left out: an outlier\n" : "\n");
	}
	str_addf(out, "%zu rows, %.1f %% off (root mean square)", r->n, 100 * r->off);
	if (r->catalogue)
		str_addf(out, "; '%s' of the catalogue %.1f %%", r->catalogue, 100 * r->catalogue_off);
	str_add(out, "\n");
}
