/* leave_out.c - a family's cross-validation: the fit to all of its rows, and those without some; see family_model.h. */
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/family/beyond_fit.h"
#include "sim/family/family_keys.h"
#include "sim/family/own_widths.h"

static bool one_chip(const struct family_model *family, const struct observations *e)
{
	const char *first = NULL;

	for (size_t i = 0; i < e->n; i++) {
		if (!family_fits(family, &e->at[i]))
			continue;
		if (first && strcmp(first, family_chip_name(&e->at[i])) != 0)
			return false;
		first = family_chip_name(&e->at[i]);
	}
	return true;
}

static double error_of(const struct family_model *family, const struct family_values *v,
		       const struct observation *row)
{
	return row->run->seconds / family_seconds(family, v, row) - 1; /* of the rate */
}

/* One fit without some rows. */
struct hole {
	size_t row; /* the first that is left out */
	struct family_exclusion without;
	struct family_values values;
};

/* The holes that leave every row out of one fit at least. */
struct holes {
	const struct family_model *family;
	const struct observations *e;
	enum family_left_out left_out;
	struct hole *at; /* has room for as many as there are rows */
	size_t n;
};

static bool is_left_out(const struct holes *h, size_t row, const struct hole *hole)
{
	return family_fits(h->family, &h->e->at[row]) &&
	       family_excludes_alone(&h->e->at[row], &hole->without);
}

static struct family_exclusion exclusion_of(const struct observation *row, enum family_left_out left_out)
{
	const bool model = left_out == FAMILY_LEAVE_OUT_MODEL;

	return (struct family_exclusion){.chip = model ? NULL : family_chip_name(row),
					 .machine = model ? row->run->machine : NULL,
					 .like = model ? row->run : NULL};
}

static struct holes list_holes(struct arena *a, const struct family_model *family,
			       const struct observations *e, enum family_left_out left_out)
{
	struct holes h = {family, e, left_out, arena_array(a, e->n + 1, sizeof *h.at), 0};
	bool *done = arena_array(a, e->n + 1, sizeof *done);

	for (size_t i = 0; i < e->n; i++) {
		struct hole *hole = &h.at[h.n];

		if (!family_takes(family, &e->at[i]) || done[i] || e->at[i].run->held_out)
			continue;
		hole->row = i;
		hole->without = exclusion_of(&e->at[i], left_out);
		h.n++;
		for (size_t k = i; k < e->n; k++)
			done[k] |= is_left_out(&h, k, hole);
	}
	return h;
}

/* ---- all fits ---- */

/* The fit to all rows first, then those without a chip, which take longest, then those without a model: one pool, so that
 * no thread waits for the last of each kind. */
struct fits {
	const struct family_model *family;
	struct family_model *models; /* one for each thread, with scratch of its own */
	const struct observations *e;
	struct family_values *all;
	struct holes *chip, *model;
};

static struct family_model *models_for(struct arena *a, const struct family_model *family, size_t threads)
{
	struct family_model *models = arena_array(a, threads, sizeof *models);

	for (size_t i = 0; i < threads; i++) {
		struct arena *own = arena_alloc(a, sizeof *own);

		models[i] = *family;
		models[i].scratch = arena_alloc(a, sizeof *models[i].scratch);
		models[i].scratch->arena = own;
	}
	return models;
}

/* Of the fit to all rows there is none. */
static struct hole *hole_of(const struct fits *f, size_t i)
{
	if (!i)
		return NULL;
	return i <= f->chip->n ? &f->chip->at[i - 1] : &f->model->at[i - 1 - f->chip->n];
}

static int fit_one(void *self, size_t thread, size_t i)
{
	const struct family_exclusion nothing = {0};
	const struct fits *f = self;
	struct hole *hole = hole_of(f, i);

	return family_fit_excluding(&f->models[thread], f->e, hole ? &hole->without : &nothing,
				    hole ? &hole->values : f->all);
}

static int failed_fit(const struct fits *f, size_t i, struct err *err)
{
	const struct hole *hole = hole_of(f, i);

	if (!hole)
		return err_set(err, "%s: the fit does not converge", f->family->path);
	return err_set(err, "%s: the fit without %s does not converge", f->family->path,
		       f->e->at[hole->row].run->machine);
}

static int fit_all(struct fits *f, struct workers_ask workers, struct err *err)
{
	const struct workers_task work = {.n = 1 + f->chip->n + f->model->n, .item = fit_one, .self = f};
	const size_t threads = workers_count(workers.threads, work.n);
	struct arena a = ARENA_INIT;
	size_t done;

	f->models = models_for(&a, f->family, threads);
	done = workers_run(&work, threads);
	for (size_t i = 0; i < threads; i++)
		arena_release(f->models[i].scratch->arena);
	arena_release(&a);
	return done < work.n ? failed_fit(f, done, err) : 0;
}

/* ---- what they say ---- */

static struct fit_reach reach_of(const struct holes *h, const struct hole *hole)
{
	struct fit_reach left = {.context = 0};

	for (size_t i = 0; i < h->e->n; i++)
		if (family_fits(h->family, &h->e->at[i]) && !family_excludes(&h->e->at[i], &hole->without))
			fit_reach_add(h->family->l->arena, &h->e->at[i], h->family->profile, &left);
	return left;
}

/* The widths of other families, and of the family's own chips but those that a hole leaves runs of out. */
struct widths {
	const struct beyond_widths *others;
	struct own_widths own;
};

static struct beyond_widths widths_without(const struct widths *widths, const char *chip)
{
	struct beyond_widths w = *widths->others;

	own_widths_join(&widths->own, chip, &w);
	return w;
}

static void describe_holes(const struct holes *h, const struct widths *widths, struct family_errors *errors)
{
	struct arena *a = h->family->l->arena;

	for (size_t x = 0; x < h->n; x++) {
		struct family_hole *d = arena_alloc(a, sizeof *d);
		const struct fit_reach left = reach_of(h, &h->at[x]);
		const struct beyond_widths w =
			widths_without(widths, family_chip_name(&h->e->at[h->at[x].row]));

		*d = (struct family_hole){h->at[x].values, fit_reach_beyond(a, &left, &w), h->left_out};
		for (size_t k = h->at[x].row; k < h->e->n; k++)
			if (is_left_out(h, k, &h->at[x]))
				errors->hole[k] = d;
	}
}

/* Rows that are held out are in no fit, so that their error by the full fit is their error without them too. */
static void take_errors(const struct holes *h, const struct family_values *all, struct family_errors *errors)
{
	const struct observations *e = h->e;

	for (size_t i = 0; i < e->n; i++) {
		const bool taken = family_takes(h->family, &e->at[i]);

		errors->fitted[i] = taken ? error_of(h->family, all, &e->at[i]) : NAN;
		errors->without[i] = e->at[i].run->held_out ? errors->fitted[i] : NAN;
	}
	for (size_t x = 0; x < h->n; x++)
		for (size_t k = h->at[x].row; k < e->n; k++)
			if (is_left_out(h, k, &h->at[x]))
				errors->without[k] = error_of(h->family, &h->at[x].values, &e->at[k]);
}

static struct family_errors errors_of(const struct holes *h, const struct family_values *all)
{
	struct arena *a = h->family->l->arena;
	const size_t n = h->e->n;
	struct family_errors errors = {arena_array(a, n, sizeof(double)), arena_array(a, n, sizeof(double)),
				       arena_array(a, n, sizeof(struct family_hole *))};

	take_errors(h, all, &errors);
	return errors;
}

static int judge_by(struct fits *f, struct workers_ask workers, struct family_judged *judged, struct err *err)
{
	struct arena *a = f->family->l->arena;
	struct beyond_widths *others = arena_alloc(a, sizeof *others),
			     *joined = arena_alloc(a, sizeof *joined);
	struct widths *widths = arena_alloc(a, sizeof *widths);

	if (fit_all(f, workers, err) != 0 ||
	    beyond_widths_load(a, f->family->path, beyond_maker(a, f->family, f->e), others, err) != 0)
		return -1;
	judged->chip_left_out = errors_of(f->chip, f->all);
	widths->others = others;
	if (f->chip->left_out == FAMILY_LEAVE_OUT_CHIP)
		own_widths_take(f->family, f->e, judged->chip_left_out.without, &widths->own);
	describe_holes(f->chip, widths, &judged->chip_left_out);
	judged->model_left_out = f->model->n ? errors_of(f->model, f->all) : judged->chip_left_out;
	if (f->model->n)
		describe_holes(f->model, widths, &judged->model_left_out);
	*joined = widths_without(widths, NULL);
	judged->widths = joined;
	return 0;
}

int family_judge(const struct family_model *family, const struct observations *e, struct workers_ask workers,
		 struct family_judged *judged, struct err *err)
{
	const bool one = one_chip(family, e);
	struct arena a = ARENA_INIT;
	struct holes chip, model = {.n = 0};
	struct fits f = {.family = family, .e = e, .all = &judged->all, .chip = &chip, .model = &model};
	size_t fitted = 0;
	int rc;

	for (size_t i = 0; i < e->n; i++)
		fitted += family_fits(family, &e->at[i]);
	if (!fitted)
		return err_set(err, "%s: no run is of runtime '%s'", family->path, family->runtime);
	if (family_check(family, e, err) != 0)
		return -1;
	chip = list_holes(&a, family, e, one ? FAMILY_LEAVE_OUT_MODEL : FAMILY_LEAVE_OUT_CHIP);
	if (!one) /* else both are the same */
		model = list_holes(&a, family, e, FAMILY_LEAVE_OUT_MODEL);
	rc = judge_by(&f, workers, judged, err);
	arena_release(&a);
	return rc;
}
