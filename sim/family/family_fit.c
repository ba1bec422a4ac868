/* family_fit.c - the fit of a law, and what it is off what it was not fitted to; see family_model.h. */
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/family/family_keys.h"
#include "sim/stats/quantile.h"

const double family_row_sd = 0.03;

/* How chips of a family differ, what a chip does under one version of a runtime of what it was found to do
 * under another, and what two dies do of what one does, beyond what passing between them costs; relative.
 * (The spread that a chip's factor is written with is that of its runs; the factor itself is known better.)
 */
static const double chip_sd = 0.06, like_sd = 0.03, die_sd = 0.03;

/* ---- what is expected of a chip ---- */

enum { ONES = FAMILY_ONES };

struct expected {
	double mean[ONES], sd[ONES]; /* of the logarithms */
	size_t about;                /* the chip whose factors the mean is of; SIZE_MAX: none */
};

const char *family_chip_name(const struct observation *row)
{
	return row->device->machine->chip ? row->device->machine->chip : "";
}

static size_t chip_named(const struct family_values *v, const char *name)
{
	for (size_t i = 0; i < v->chips_n; i++)
		if (name && !strcmp(v->chip[i].name, name))
			return i;
	return SIZE_MAX;
}

size_t family_chip_of(const struct family_values *v, const struct observation *row)
{
	const size_t at = chip_named(v, family_chip_name(row));

	if (at == SIZE_MAX)
		BUG("a row of a chip that the law was not fitted with");
	return at;
}

static void expect(const struct family_model *family_model, const struct family_values *v,
		   const struct observation *row, struct expected *x)
{
	const struct machine *m = row->device->machine;
	bool own;
	const struct chip_reach *c = chip_reach_of(m, row->device->device, family_model->profile, &own);
	const bool same = c && m->chip && !strcmp(c->origin.name, m->chip);

	*x = (struct expected){{0, 0}, {chip_sd, chip_sd}, SIZE_MAX};
	if (!same && chip_named(v, m->die) != SIZE_MAX) {
		*x = (struct expected){{0, 0}, {die_sd, die_sd}, chip_named(v, m->die)};
	} else if (c) {
		const double further = same ? like_sd : hypot(like_sd, die_sd);

		x->mean[REPLAY_ARITHMETIC] = log(c->arithmetic.value);
		x->mean[REPLAY_MEMORY] = log(c->bandwidth.value);
		x->sd[REPLAY_ARITHMETIC] = x->sd[REPLAY_MEMORY] = further;
	}
}

/* ---- the fit ---- */

struct fit_job {
	const struct family_model *family_model;
	const struct observation **rows;
	size_t n, size, p; /* rows; residuals; unknowns */
	double *weight;    /* of rows and of what is expected */
	struct family_values v;
	struct expected expected[FAMILY_CHIPS];
};

/* NULL, or the row that is of one chip too many. */
static const struct observation *list_chip(const struct family_model *family_model,
					   const struct observation *row, struct family_values *v,
					   const struct observation **of)
{
	const char *name = family_chip_name(row);

	if (!family_takes(family_model, row) || chip_named(v, name) != SIZE_MAX)
		return NULL;
	if (v->chips_n == FAMILY_CHIPS)
		return row;
	of[v->chips_n] = row;
	v->chip[v->chips_n++] = (struct family_chip){name, {1, 1}, {0}};
	return NULL;
}

/* The chips of a law's rows, and a row of each. */
static const struct observation *find_chips(const struct family_model *family_model,
					    const struct observations *e, struct family_values *v,
					    const struct observation *of[FAMILY_CHIPS])
{
	const struct observation *last = NULL;

	for (size_t i = 0; i < e->n && !last; i++) {
		if (!family_takes(family_model, &e->at[i]))
			continue;
		last = list_chip(family_model, &e->at[i], v, of);
		if (e->at[i].over && !last)
			last = list_chip(family_model, e->at[i].over, v, of);
	}
	return last;
}

static void list_chips(const struct family_model *family_model, const struct observations *e,
		       struct fit_job *j)
{
	const struct observation *of[FAMILY_CHIPS];

	find_chips(family_model, e, &j->v, of);
	for (size_t i = 0; i < j->v.chips_n; i++) {
		expect(family_model, &j->v, of[i], &j->expected[i]);
		memcpy(j->v.chip[i].expected_sd, j->expected[i].sd, sizeof j->expected[i].sd);
	}
}

/* The unknowns are logarithms: the family's numbers, then two of each chip. */
static void values_of(const struct fit_job *j, const gsl_vector *theta, struct family_values *v)
{
	const size_t n = j->family_model->params_n;

	*v = j->v;
	for (size_t i = 0; i < n; i++)
		v->of[i] = exp(gsl_vector_get(theta, i));
	for (size_t c = 0; c < v->chips_n; c++)
		for (size_t k = 0; k < ONES; k++)
			v->chip[c].speed[k] = exp(gsl_vector_get(theta, n + ONES * c + k));
}

static double misfit(const struct fit_job *j, const struct family_values *v, size_t row)
{
	return log(family_seconds(j->family_model, v, j->rows[row]) / j->rows[row]->run->seconds) /
	       family_row_sd;
}

static int misfits(const gsl_vector *theta, void *data, gsl_vector *f)
{
	const struct fit_job *j = data;
	const size_t n = j->family_model->params_n;
	struct family_values v;
	size_t at = 0;

	values_of(j, theta, &v);
	for (; at < j->n; at++)
		gsl_vector_set(f, at, misfit(j, &v, at));
	for (size_t i = 0; i < n; i++)
		gsl_vector_set(f, at++,
			       (gsl_vector_get(theta, i) - log(j->family_model->start[i])) /
				       j->family_model->prior_sd[i]);
	for (size_t c = 0; c < v.chips_n; c++)
		for (size_t k = 0; k < ONES; k++) {
			const struct expected *x = &j->expected[c];
			const double mean = x->about == SIZE_MAX
						    ? x->mean[k]
						    : gsl_vector_get(theta, n + ONES * x->about + k);

			gsl_vector_set(f, at++, (gsl_vector_get(theta, n + ONES * c + k) - mean) / x->sd[k]);
		}
	return GSL_SUCCESS;
}

static const double step = 1e-4;

/* Half way between one more and one less, since a rate may bind on one side alone. */
static double slope(const struct family_model *family_model, struct family_values *v, double *at,
		    const struct observation *row)
{
	const double kept = *at;
	double more;

	*at = kept * exp(step);
	more = log(family_own_seconds(family_model, v, row));
	*at = kept * exp(-step);
	more -= log(family_own_seconds(family_model, v, row));
	*at = kept;
	return more / (2 * step);
}

/* Of a row's own machine, or of what a ratio is over. */
static void add_slopes(const struct family_model *family_model, const struct family_values *v,
		       const struct observation *row, double sign, struct family_slopes *d)
{
	const size_t chip = family_chip_of(v, row);
	struct family_values moved = *v;

	for (size_t i = 0; i < family_model->params_n; i++)
		d->of[i] += sign * slope(family_model, &moved, &moved.of[i], row);
	for (size_t k = 0; k < ONES; k++)
		d->chip[chip][k] += sign * slope(family_model, &moved, &moved.chip[chip].speed[k], row);
}

void family_slopes(const struct family_model *family_model, const struct family_values *v,
		   const struct observation *row, struct family_slopes *d)
{
	*d = (struct family_slopes){{0}, {{0}}};
	add_slopes(family_model, v, row, 1, d);
	if (row->over && family_takes(family_model, row->over))
		add_slopes(family_model, v, row->over, -1, d);
}

static void row_slopes(const struct fit_job *j, const struct family_values *v, size_t row, gsl_matrix *slopes)
{
	const size_t n = j->family_model->params_n;
	struct family_slopes d;

	family_slopes(j->family_model, v, j->rows[row], &d);
	for (size_t i = 0; i < n; i++)
		gsl_matrix_set(slopes, row, i, d.of[i] / family_row_sd);
	for (size_t c = 0; c < v->chips_n; c++)
		for (size_t k = 0; k < ONES; k++)
			gsl_matrix_set(slopes, row, n + ONES * c + k, d.chip[c][k] / family_row_sd);
}

static int all_slopes(const gsl_vector *theta, void *data, gsl_matrix *slopes)
{
	const struct fit_job *j = data;
	const size_t n = j->family_model->params_n;
	struct family_values v;
	size_t at = j->n;

	values_of(j, theta, &v);
	gsl_matrix_set_zero(slopes);
	for (size_t i = 0; i < j->n; i++)
		row_slopes(j, &v, i, slopes);
	for (size_t i = 0; i < n; i++)
		gsl_matrix_set(slopes, at++, i, 1 / j->family_model->prior_sd[i]);
	for (size_t c = 0; c < v.chips_n; c++)
		for (size_t k = 0; k < ONES; k++) {
			const struct expected *x = &j->expected[c];

			gsl_matrix_set(slopes, at, n + ONES * c + k, 1 / x->sd[k]);
			if (x->about != SIZE_MAX)
				gsl_matrix_set(slopes, at, n + ONES * x->about + k, -1 / x->sd[k]);
			at++;
		}
	return GSL_SUCCESS;
}

/* One weighted fit, from and to theta; *r gets the misfits. */
static int fit_once(struct fit_job *j, gsl_vector *theta, gsl_vector *r)
{
	gsl_multifit_nlinear_parameters provenance = gsl_multifit_nlinear_default_parameters();
	gsl_multifit_nlinear_fdf fdf = {.f = misfits, .df = all_slopes, .n = j->size, .p = j->p, .params = j};
	gsl_multifit_nlinear_workspace *w =
		gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &provenance, j->size, j->p);
	const gsl_vector_view weights = gsl_vector_view_array(j->weight, j->size);
	int info, rc = gsl_multifit_nlinear_winit(theta, &weights.vector, &fdf, w);

	if (rc == GSL_SUCCESS)
		rc = gsl_multifit_nlinear_driver(200, 1e-6, 1e-6, 0, NULL, NULL, &info, w);
	if (rc == GSL_ENOPROG || rc == GSL_EMAXITER)
		rc = GSL_SUCCESS; /* no step goes further down, or steps have become small: rates that bind
				   * on one side alone leave edges that a gradient does not end at */
	gsl_vector_memcpy(theta, w->x);
	for (size_t i = 0; i < j->p; i++)
		rc = isfinite(gsl_vector_get(theta, i)) ? rc : GSL_EFAILED;
	gsl_multifit_nlinear_free(w);
	if (rc == GSL_SUCCESS)
		misfits(theta, j, r);
	return rc == GSL_SUCCESS ? 0 : -1;
}

/* Huber's weights for 95 % efficiency; the scale is 1.4826 times the median misfit, and no less than a row's.
 */
static void reweigh(struct fit_job *j, const gsl_vector *r)
{
	double *size = xmalloc(j->n * sizeof *size), limit;

	for (size_t i = 0; i < j->n; i++)
		size[i] = fabs(gsl_vector_get(r, i));
	limit = 1.345 * fmax(1, 1.4826 * quantile_of(size, j->n, 0.5));
	for (size_t i = 0; i < j->n; i++)
		j->weight[i] = fabs(gsl_vector_get(r, i)) > limit ? limit / fabs(gsl_vector_get(r, i)) : 1;
	free(size);
}

/* What is left out where all rows are of one machine: those of a model, or of an operator of one size. */
bool family_alike(const struct run *a, const struct run *b)
{
	if (a->model || b->model)
		return a->model && b->model && !strcmp(a->model, b->model);
	return a->kind == b->kind && a->product.dtype == b->product.dtype && a->product.m == b->product.m &&
	       a->product.n == b->product.n && a->product.k == b->product.k && a->moved_B == b->moved_B;
}

static bool is_of(const struct observation *row, const struct family_without *w)
{
	return (w->chip || w->machine || w->like) && (!w->chip || !strcmp(family_chip_name(row), w->chip)) &&
	       (!w->machine || !strcmp(row->run->machine, w->machine)) &&
	       (!w->like || family_alike(row->run, w->like));
}

static bool left_out(const struct observation *row, const struct family_without *w)
{
	return is_of(row, w) || (row->over && is_of(row->over, w));
}

static void begin(const struct fit_job *j, gsl_vector *theta)
{
	const size_t n = j->family_model->params_n;

	for (size_t i = 0; i < n; i++)
		gsl_vector_set(theta, i, log(j->family_model->start[i]));
	for (size_t c = 0; c < j->v.chips_n; c++)
		for (size_t k = 0; k < ONES; k++)
			gsl_vector_set(theta, n + ONES * c + k, j->expected[c].mean[k]);
}

int family_fit_without(const struct family_model *family_model, const struct observations *e,
		       const struct family_without *without, struct family_values *v)
{
	struct fit_job j = {.family_model = family_model, .rows = xmalloc((e->n + 1) * sizeof *j.rows)};
	gsl_vector *theta, *r;
	int rc;

	list_chips(family_model, e, &j);
	for (size_t i = 0; i < e->n; i++)
		if (family_fits(family_model, &e->at[i]) && !left_out(&e->at[i], without))
			j.rows[j.n++] = &e->at[i];
	j.p = family_model->params_n + ONES * j.v.chips_n;
	j.size = j.n + j.p;
	theta = gsl_vector_alloc(j.p);
	r = gsl_vector_alloc(j.size);
	j.weight = xmalloc(j.size * sizeof *j.weight);
	for (size_t i = 0; i < j.size; i++)
		j.weight[i] = 1;
	begin(&j, theta);
	rc = fit_once(&j, theta, r);
	for (int round = 0; round < 3 && rc == 0 && j.n; round++) {
		reweigh(&j, r);
		rc = fit_once(&j, theta, r);
	}
	values_of(&j, theta, v);
	gsl_vector_free(theta);
	gsl_vector_free(r);
	free(j.weight);
	free(j.rows);
	return rc;
}

int family_fit(const struct family_model *family_model, const struct observations *e, struct family_values *v,
	       struct err *err)
{
	const struct family_without nothing = {0};
	const struct observation *of[FAMILY_CHIPS], *beyond;
	struct family_values chips = {.chips_n = 0};

	for (size_t i = 0; i < e->n; i++)
		if (family_takes(family_model, &e->at[i]) &&
		    observations_check(&e->at[i], family_model->profile, err) != 0)
			return -1;
	beyond = find_chips(family_model, e, &chips, of);
	if (beyond)
		return err_set(err, "%s:%d: more than %d chips in one law", beyond->run->path,
			       beyond->run->line, FAMILY_CHIPS);
	if (family_fit_without(family_model, e, &nothing, v) == 0)
		return 0;
	return err_set(err, "%s: the fit does not converge", family_model->path);
}

/* ---- leaving chips and models out ---- */

static bool one_chip(const struct family_model *family_model, const struct observations *e)
{
	const char *first = NULL;

	for (size_t i = 0; i < e->n; i++) {
		if (!family_fits(family_model, &e->at[i]))
			continue;
		if (first && strcmp(first, family_chip_name(&e->at[i])) != 0)
			return false;
		first = family_chip_name(&e->at[i]);
	}
	return true;
}

static double error_of(const struct family_model *family_model, const struct family_values *v,
		       const struct observation *row)
{
	return row->run->seconds / family_seconds(family_model, v, row) - 1; /* of the rate */
}

/* What is held out is in no fit anyway. */
int family_leave_out(const struct family_model *family_model, const struct observations *e,
		     const struct family_values *all, enum family_hole hole, struct family_errors *errors,
		     struct err *err)
{
	const bool model = hole == FAMILY_HOLE_MODEL || one_chip(family_model, e);
	struct family_values v;

	for (size_t i = 0; i < e->n; i++)
		errors->fitted[i] = errors->without[i] = NAN;
	for (size_t i = 0; i < e->n; i++) {
		const struct run *run = e->at[i].run;
		const struct family_without without = {.chip = model ? NULL : family_chip_name(&e->at[i]),
						       .machine = model ? run->machine : NULL,
						       .like = model ? run : NULL};

		if (!family_takes(family_model, &e->at[i]) || !isnan(errors->without[i]))
			continue;
		errors->fitted[i] = error_of(family_model, all, &e->at[i]);
		if (run->held_out) {
			errors->without[i] = errors->fitted[i];
			continue;
		}
		if (family_fit_without(family_model, e, &without, &v) != 0)
			return err_set(err, "%s: the fit without %s does not converge", family_model->path,
				       run->machine);
		for (size_t k = i; k < e->n; k++)
			if (family_fits(family_model, &e->at[k]) && is_of(&e->at[k], &without)) {
				errors->without[k] = error_of(family_model, &v, &e->at[k]);
				errors->fitted[k] = error_of(family_model, all, &e->at[k]);
			}
	}
	return 0;
}
