/* family_fit.c - the fit of a law, and what it is off what it was not fitted to; see family_model.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/family/family_keys.h"
#include "sim/base/mem.h"
#include "sim/stats/robust_fit.h"

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

		x->mean[FACTOR_ARITHMETIC] = log(c->arithmetic.value);
		x->mean[FACTOR_MEMORY] = log(c->bandwidth.value);
		x->sd[FACTOR_ARITHMETIC] = x->sd[FACTOR_MEMORY] = further;
	}
}

/* ---- the fit ---- */

struct fit_job {
	const struct family_model *family_model;
	const struct observation **rows;
	size_t n, size, p; /* rows; residuals; unknowns */
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
static void values_of(const struct fit_job *j, const double *theta, struct family_values *v)
{
	const size_t n = j->family_model->params_n;

	*v = j->v;
	for (size_t i = 0; i < n; i++)
		v->of[i] = exp(theta[i]);
	for (size_t c = 0; c < v->chips_n; c++)
		for (size_t k = 0; k < ONES; k++)
			v->chip[c].speed[k] = exp(theta[n + ONES * c + k]);
}

static double misfit(const struct fit_job *j, const struct family_values *v, size_t row)
{
	return log(family_seconds(j->family_model, v, j->rows[row]) / j->rows[row]->run->seconds) /
	       family_row_sd;
}

static void misfits(const void *ctx, const double *theta, double *r)
{
	const struct fit_job *j = ctx;
	const size_t n = j->family_model->params_n;
	struct family_values v;
	size_t at = 0;

	values_of(j, theta, &v);
	for (; at < j->n; at++)
		r[at] = misfit(j, &v, at);
	for (size_t i = 0; i < n; i++)
		r[at++] = (theta[i] - log(j->family_model->start[i])) / j->family_model->prior_sd[i];
	for (size_t c = 0; c < v.chips_n; c++)
		for (size_t k = 0; k < ONES; k++) {
			const struct expected *x = &j->expected[c];
			const double mean =
				x->about == SIZE_MAX ? x->mean[k] : theta[n + ONES * x->about + k];

			r[at++] = (theta[n + ONES * c + k] - mean) / x->sd[k];
		}
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

static void row_slopes(const struct fit_job *j, const struct family_values *v, size_t row, double *slopes)
{
	const size_t n = j->family_model->params_n;
	struct family_slopes d;

	family_slopes(j->family_model, v, j->rows[row], &d);
	for (size_t i = 0; i < n; i++)
		slopes[i] = d.of[i] / family_row_sd;
	for (size_t c = 0; c < v->chips_n; c++)
		for (size_t k = 0; k < ONES; k++)
			slopes[n + ONES * c + k] = d.chip[c][k] / family_row_sd;
}

static void all_slopes(const void *ctx, const double *theta, double *slopes)
{
	const struct fit_job *j = ctx;
	const size_t n = j->family_model->params_n;
	double *at = slopes + j->n * j->p; /* the priors' rows */
	struct family_values v;

	values_of(j, theta, &v);
	memset(slopes, 0, j->size * j->p * sizeof *slopes);
	for (size_t i = 0; i < j->n; i++)
		row_slopes(j, &v, i, slopes + i * j->p);
	for (size_t i = 0; i < n; i++, at += j->p)
		at[i] = 1 / j->family_model->prior_sd[i];
	for (size_t c = 0; c < v.chips_n; c++)
		for (size_t k = 0; k < ONES; k++, at += j->p) {
			const struct expected *x = &j->expected[c];

			at[n + ONES * c + k] = 1 / x->sd[k];
			if (x->about != SIZE_MAX)
				at[n + ONES * x->about + k] = -1 / x->sd[k];
		}
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

static void begin(const struct fit_job *j, double *theta)
{
	const size_t n = j->family_model->params_n;

	for (size_t i = 0; i < n; i++)
		theta[i] = log(j->family_model->start[i]);
	for (size_t c = 0; c < j->v.chips_n; c++)
		for (size_t k = 0; k < ONES; k++)
			theta[n + ONES * c + k] = j->expected[c].mean[k];
}

static int solve(const struct fit_job *j, double *theta)
{
	const struct robust_fit f = {.n = j->size,
				     .robust_n = j->n,
				     .p = j->p,
				     .residuals = misfits,
				     .jacobian = all_slopes,
				     .ctx = j,
				     .steps_max = 200,
				     .least_scale = 1}; /* rows are not known better than family_row_sd */
	const struct robust_rounds rounds = {.unweighted_first = true, .huber = 3};
	double *weight = xmalloc(j->size * sizeof *weight);
	const int rc = robust_fit_run(&f, &rounds, 1e-6, weight, theta);

	free(weight);
	return rc;
}

int family_fit_without(const struct family_model *family_model, const struct observations *e,
		       const struct family_without *without, struct family_values *v)
{
	struct fit_job j = {.family_model = family_model, .rows = xmalloc((e->n + 1) * sizeof *j.rows)};
	double *theta;
	int rc;

	list_chips(family_model, e, &j);
	for (size_t i = 0; i < e->n; i++)
		if (family_fits(family_model, &e->at[i]) && !left_out(&e->at[i], without))
			j.rows[j.n++] = &e->at[i];
	j.p = family_model->params_n + ONES * j.v.chips_n;
	j.size = j.n + j.p;
	theta = xmalloc(j.p * sizeof *theta);
	begin(&j, theta);
	rc = solve(&j, theta);
	values_of(&j, theta, v);
	free(theta);
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
