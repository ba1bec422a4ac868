/* family_fit.c - the fit of a family's model; see family_model.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/family/family_keys.h"
#include "sim/base/exact_math.h"
#include "sim/base/mem.h"
#include "sim/stats/robust_fit.h"

const double family_row_sd = 0.03, family_chip_sd = 0.06, family_like_sd = 0.03;

/* The same of a chip of two dies about the chip that its dies are, beyond the cost of the link between them. (A chip's
 * factor is written with the spread of its runs, which is larger than the error of the factor itself.) */
static const double die_sd = 0.03;

/* ---- priors of chips ---- */

enum { CHIP_FACTORS = FAMILY_CHIP_FACTORS };

struct chip_prior {
	double mean[CHIP_FACTORS], sd[CHIP_FACTORS]; /* in logarithms */
	size_t about; /* index of the chip whose factors are the mean; SIZE_MAX: `mean` is it */
};

const char *family_chip_name(const struct observation *row)
{
	return row->device->machine->chip ? row->device->machine->chip : "";
}

static size_t find_chip(const struct family_values *v, const char *name)
{
	for (size_t i = 0; i < v->chips_n; i++)
		if (name && !strcmp(v->chip[i].name, name))
			return i;
	return SIZE_MAX;
}

size_t family_chip_of(const struct family_values *v, const struct observation *row)
{
	const size_t at = find_chip(v, family_chip_name(row));

	if (at == SIZE_MAX)
		BUG("a row of a chip that the model was not fitted with");
	return at;
}

static void chip_prior_of(const struct family_model *family, const struct family_values *v,
			  const struct observation *row, struct chip_prior *x)
{
	const struct machine *m = row->device->machine;
	bool own;
	const struct chip_reach *c = chip_reach_of(m, row->device->device, family->profile, &own);
	const bool same = c && m->chip && !strcmp(c->origin.name, m->chip);

	*x = (struct chip_prior){{0, 0}, {family_chip_sd, family_chip_sd}, SIZE_MAX};
	if (!same && find_chip(v, m->die) != SIZE_MAX) {
		*x = (struct chip_prior){{0, 0}, {die_sd, die_sd}, find_chip(v, m->die)};
	} else if (c) {
		const double further = same ? family_like_sd : exact_hypot(family_like_sd, die_sd);

		x->mean[FACTOR_ARITHMETIC] = exact_log(c->arithmetic.value);
		x->mean[FACTOR_MEMORY] = exact_log(c->bandwidth.value);
		x->sd[FACTOR_ARITHMETIC] = x->sd[FACTOR_MEMORY] = further;
	}
}

/* ---- the fit ---- */

struct fit_job {
	const struct family_model *family;
	const struct observation **rows;
	size_t n, size, p; /* rows; residuals; unknowns */
	struct family_values v;
	struct chip_prior prior[FAMILY_CHIPS];
	bool (*depends)[FAMILY_PARAMS]; /* of each row: on which of the family's numbers */
};

/* Adds the row's chip to *v. The row is returned where it is of one chip too many; else NULL. */
static const struct observation *list_chip(const struct family_model *family, const struct observation *row,
					   struct family_values *v, const struct observation **of)
{
	const char *name = family_chip_name(row);

	if (!family_takes(family, row) || find_chip(v, name) != SIZE_MAX)
		return NULL;
	if (v->chips_n == FAMILY_CHIPS)
		return row;
	of[v->chips_n] = row;
	v->chip[v->chips_n++] = (struct family_chip){name, {1, 1}, {0}};
	return NULL;
}

/* Lists the chips of the model's rows, and a row of each; the row of one chip too many, or NULL, is returned. */
static const struct observation *find_chips(const struct family_model *family, const struct observations *e,
					    struct family_values *v,
					    const struct observation *of[FAMILY_CHIPS])
{
	const struct observation *last = NULL;

	for (size_t i = 0; i < e->n && !last; i++) {
		if (!family_takes(family, &e->at[i]))
			continue;
		last = list_chip(family, &e->at[i], v, of);
		if (e->at[i].over && !last)
			last = list_chip(family, e->at[i].over, v, of);
	}
	return last;
}

static void list_chips(const struct family_model *family, const struct observations *e, struct fit_job *j)
{
	const struct observation *of[FAMILY_CHIPS];

	find_chips(family, e, &j->v, of);
	for (size_t i = 0; i < j->v.chips_n; i++) {
		chip_prior_of(family, &j->v, of[i], &j->prior[i]);
		memcpy(j->v.chip[i].prior_sd, j->prior[i].sd, sizeof j->prior[i].sd);
	}
}

/* The unknowns are logarithms: of the family's numbers, then of the factors of each chip. */
static void values_of(const struct fit_job *j, const double *theta, struct family_values *v)
{
	const size_t n = j->family->params_n;

	*v = j->v;
	for (size_t i = 0; i < n; i++)
		v->of[i] = exact_exp(theta[i]);
	for (size_t c = 0; c < v->chips_n; c++)
		for (size_t k = 0; k < CHIP_FACTORS; k++)
			v->chip[c].factor[k] = exact_exp(theta[n + CHIP_FACTORS * c + k]);
}

static double residual(const struct fit_job *j, const struct family_values *v, size_t row)
{
	return exact_log(family_seconds(j->family, v, j->rows[row]) / j->rows[row]->run->seconds) /
	       family_row_sd;
}

/* How far a number's logarithm is from where its file puts it. */
static double moved(const struct fit_job *j, const double *theta, size_t i)
{
	return theta[i] - exact_log(j->family->start[i]);
}

/* The residual of a number's prior: of its own, or of its ratio to the number that it follows. */
static double prior_residual(const struct fit_job *j, const double *theta, size_t i)
{
	const size_t of = j->family->follows[i];

	return (moved(j, theta, i) - (of < FAMILY_PARAMS ? moved(j, theta, of) : 0)) / j->family->prior_sd[i];
}

static void residuals(const void *ctx, const double *theta, double *r)
{
	const struct fit_job *j = ctx;
	const size_t n = j->family->params_n;
	struct family_values v;
	size_t at = 0;

	values_of(j, theta, &v);
	for (; at < j->n; at++)
		r[at] = residual(j, &v, at);
	for (size_t i = 0; i < n; i++)
		r[at++] = prior_residual(j, theta, i);
	for (size_t c = 0; c < v.chips_n; c++)
		for (size_t k = 0; k < CHIP_FACTORS; k++) {
			const struct chip_prior *x = &j->prior[c];
			const double mean =
				x->about == SIZE_MAX ? x->mean[k] : theta[n + CHIP_FACTORS * x->about + k];

			r[at++] = (theta[n + CHIP_FACTORS * c + k] - mean) / x->sd[k];
		}
}

static const double step = 1e-4;

/* Central difference, since a rate may bind on one side alone: a one-sided one would be 0 on the other. */
static double slope(const struct family_model *family, struct family_values *v, double *at,
		    const struct observation *row)
{
	const double kept = *at;
	double more;

	*at = kept * exact_exp(step);
	more = exact_log(family_own_seconds(family, v, row));
	*at = kept * exact_exp(-step);
	more -= exact_log(family_own_seconds(family, v, row));
	*at = kept;
	return more / (2 * step);
}

/* The slopes of the row's time on its machine, added with a sign: a ratio's other machine is subtracted. depends: the
 * numbers that need be moved; NULL: all. */
static void add_slopes(const struct family_model *family, const struct family_values *v,
		       const struct observation *row, const bool *depends, double sign,
		       struct family_slopes *d)
{
	const size_t chip = family_chip_of(v, row);
	struct family_values moved = *v;

	for (size_t i = 0; i < family->params_n; i++)
		if (!depends || depends[i])
			d->of[i] += sign * slope(family, &moved, &moved.of[i], row);
	for (size_t k = 0; k < CHIP_FACTORS; k++)
		d->chip[chip][k] += sign * slope(family, &moved, &moved.chip[chip].factor[k], row);
}

static void slopes_of(const struct family_model *family, const struct family_values *v,
		      const struct observation *row, const bool *depends, struct family_slopes *d)
{
	*d = (struct family_slopes){{0}, {{0}}};
	add_slopes(family, v, row, depends, 1, d);
	if (row->over && family_takes(family, row->over))
		add_slopes(family, v, row->over, depends, -1, d);
}

void family_slopes(const struct family_model *family, const struct family_values *v,
		   const struct observation *row, struct family_slopes *d)
{
	slopes_of(family, v, row, NULL, d);
}

/* True where a row's time on its machine differs between a number that is far too small and one that is far too large. A
 * rate that far down binds wherever it is used at all, so that the row cannot depend on the others at any values. */
static bool depends_on(const struct family_model *family, struct family_values *v, double *at,
		       const struct observation *row)
{
	static const double far = 1e6;
	const double kept = *at;
	double least, most;

	*at = kept / far;
	least = family_own_seconds(family, v, row);
	*at = kept * far;
	most = family_own_seconds(family, v, row);
	*at = kept;
	return least != most;
}

/* A row is of one format of weights and a few kinds of operators: most numbers do not matter to it, and their slopes, half
 * a fit's time, are zero. */
static void find_dependences(struct fit_job *j, const double *theta)
{
	struct family_values v;

	values_of(j, theta, &v);
	for (size_t i = 0; i < j->n; i++) {
		const struct observation *row = j->rows[i],
					 *over = row->over && family_takes(j->family, row->over) ? row->over
												 : NULL;

		for (size_t p = 0; p < j->family->params_n; p++)
			j->depends[i][p] = depends_on(j->family, &v, &v.of[p], row) ||
					   (over && depends_on(j->family, &v, &v.of[p], over));
	}
}

static void row_slopes(const struct fit_job *j, const struct family_values *v, size_t row, double *slopes)
{
	const size_t n = j->family->params_n;
	struct family_slopes d;

	slopes_of(j->family, v, j->rows[row], j->depends[row], &d);
	for (size_t i = 0; i < n; i++)
		slopes[i] = d.of[i] / family_row_sd;
	for (size_t c = 0; c < v->chips_n; c++)
		for (size_t k = 0; k < CHIP_FACTORS; k++)
			slopes[n + CHIP_FACTORS * c + k] = d.chip[c][k] / family_row_sd;
}

static void jacobian(const void *ctx, const double *theta, double *slopes)
{
	const struct fit_job *j = ctx;
	const size_t n = j->family->params_n;
	double *at = slopes + j->n * j->p; /* the priors' rows */
	struct family_values v;

	values_of(j, theta, &v);
	memset(slopes, 0, j->size * j->p * sizeof *slopes);
	for (size_t i = 0; i < j->n; i++)
		row_slopes(j, &v, i, slopes + i * j->p);
	for (size_t i = 0; i < n; i++, at += j->p) {
		at[i] = 1 / j->family->prior_sd[i];
		if (j->family->follows[i] < FAMILY_PARAMS)
			at[j->family->follows[i]] = -1 / j->family->prior_sd[i];
	}
	for (size_t c = 0; c < v.chips_n; c++)
		for (size_t k = 0; k < CHIP_FACTORS; k++, at += j->p) {
			const struct chip_prior *x = &j->prior[c];

			at[n + CHIP_FACTORS * c + k] = 1 / x->sd[k];
			if (x->about != SIZE_MAX)
				at[n + CHIP_FACTORS * x->about + k] = -1 / x->sd[k];
		}
}

bool family_same_subject(const struct run *a, const struct run *b)
{
	if (a->model || b->model)
		return a->model && b->model && !strcmp(a->model, b->model);
	return a->kind == b->kind && a->product.dtype == b->product.dtype && a->product.m == b->product.m &&
	       a->product.n == b->product.n && a->product.k == b->product.k && a->moved_B == b->moved_B;
}

bool family_excludes_alone(const struct observation *row, const struct family_exclusion *w)
{
	return (w->chip || w->machine || w->like) && (!w->chip || !strcmp(family_chip_name(row), w->chip)) &&
	       (!w->machine || !strcmp(row->run->machine, w->machine)) &&
	       (!w->like || family_same_subject(row->run, w->like));
}

bool family_excludes(const struct observation *row, const struct family_exclusion *w)
{
	return family_excludes_alone(row, w) || (row->over && family_excludes_alone(row->over, w));
}

static void set_start(const struct fit_job *j, double *theta)
{
	const size_t n = j->family->params_n;

	for (size_t i = 0; i < n; i++)
		theta[i] = exact_log(j->family->start[i]);
	for (size_t c = 0; c < j->v.chips_n; c++)
		for (size_t k = 0; k < CHIP_FACTORS; k++)
			theta[n + CHIP_FACTORS * c + k] = j->prior[c].mean[k];
}

static int solve(const struct fit_job *j, double *theta)
{
	const struct robust_fit f = {.n = j->size,
				     .robust_n = j->n,
				     .p = j->p,
				     .residuals = residuals,
				     .jacobian = jacobian,
				     .ctx = j,
				     .steps_max = 200,
				     .least_scale = 1}; /* rows are not known better than family_row_sd */
	const struct robust_rounds rounds = {.unweighted_first = true, .huber = 3};
	double *weight = xmalloc(j->size * sizeof *weight);
	const int rc = robust_fit_run(&f, &rounds, 1e-6, weight, theta);

	free(weight);
	return rc;
}

int family_fit_excluding(const struct family_model *family, const struct observations *e,
			 const struct family_exclusion *without, struct family_values *v)
{
	struct fit_job j = {.family = family, .rows = xmalloc((e->n + 1) * sizeof *j.rows)};
	double *theta;
	int rc;

	list_chips(family, e, &j);
	for (size_t i = 0; i < e->n; i++)
		if (family_fits(family, &e->at[i]) && !family_excludes(&e->at[i], without) &&
		    !(without->rows && without->rows[i]))
			j.rows[j.n++] = &e->at[i];
	j.p = family->params_n + CHIP_FACTORS * j.v.chips_n;
	j.size = j.n + j.p;
	theta = xmalloc(j.p * sizeof *theta);
	j.depends = xmalloc((j.n + 1) * sizeof *j.depends);
	set_start(&j, theta);
	find_dependences(&j, theta);
	rc = solve(&j, theta);
	values_of(&j, theta, v);
	free(theta);
	free(j.depends);
	free(j.rows);
	return rc;
}

int family_check(const struct family_model *family, const struct observations *e, struct err *err)
{
	const struct observation *of[FAMILY_CHIPS], *beyond;
	struct family_values chips = {.chips_n = 0};

	for (size_t i = 0; i < e->n; i++)
		if (family_takes(family, &e->at[i]) &&
		    observations_check(&e->at[i], family->profile, err) != 0)
			return -1;
	beyond = find_chips(family, e, &chips, of);
	if (beyond)
		return err_set(err, "%s:%d: more than %d chips in one family", beyond->run->path,
			       beyond->run->line, FAMILY_CHIPS);
	return 0;
}

int family_fit(const struct family_model *family, const struct observations *e, struct family_values *v,
	       struct err *err)
{
	const struct family_exclusion nothing = {0};

	if (family_check(family, e, err) != 0)
		return -1;
	if (family_fit_excluding(family, e, &nothing, v) == 0)
		return 0;
	return err_set(err, "%s: the fit does not converge", family->path);
}
