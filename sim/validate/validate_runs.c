/* validate_runs.c - see validate_runs.h. */
#include "sim/validate/validate_runs.h"

#include <math.h>
#include <string.h>

#include "sim/family/mix_by_size.h"
#include "sim/family/family_model.h"
#include "sim/family/report_rows.h"
#include "sim/validate/run_band.h"
#include "sim/world/computed.h"

/* A profile's prediction of a row: a rate. */
struct said {
	double rate, lo, hi;
	enum param bound; /* takes most of the time */
	double bound_share;
};

static struct drawn_run drawn_run(struct arena *a, const struct observation *row)
{
	return (struct drawn_run){observations_predict(a, row, row->device->profile), row->device->machine,
				  row->device->device, row->device->profile,
				  row->model ? mix_stretch_sd(row->model, &row->precision) : 0};
}

/* over: NULL where the row is no ratio. */
static struct said said_of(const struct validate_ask *ask, const struct run *run, const struct drawn_run *of,
			   const struct drawn_run *over)
{
	struct said said = {
		.rate = run_rate_of(run, predicted_run_seconds(&of->predicted) /
						 (over ? predicted_run_seconds(&over->predicted) : 1))};
	const struct band band = run_band(ask, run, said.rate, of, over);

	said.bound = predicted_run_bound(&of->predicted, &said.bound_share);
	said.lo = band.lo;
	said.hi = band.hi;
	return said;
}

static struct said predict(const struct validate_ask *ask, const struct observation *row)
{
	struct arena scratch = ARENA_INIT;
	const struct drawn_run of = drawn_run(&scratch, row),
			       over = row->over ? drawn_run(&scratch, row->over) : (struct drawn_run){0};
	const struct said said = said_of(ask, row->run, &of, row->over ? &over : NULL);

	arena_release(&scratch);
	return said;
}

/* The rows, each by itself. */
struct predicting {
	const struct validate_ask *ask;
	const struct observations *observed;
	struct said *said;
};

static int predict_row(void *self, size_t thread, size_t i)
{
	const struct predicting *x = self;

	(void)thread;
	x->said[i] = predict(x->ask, &x->observed->at[i]);
	return 0;
}

/* ---- rows that are left out of a fit ---- */

/* A family's model, fitted to all its rows and without some. */
struct fitted {
	struct family_model family;
	struct observations observed;
	struct family_judged judged;
};

/* Terms keep their spreads, and take the times that another fit gives them. */
static void take_times(struct cost *c, const struct cost *from)
{
	c->arithmetic.s = from->arithmetic.s;
	c->memory.s = from->memory.s;
	c->in_turn = from->in_turn;
	c->apart.s = from->apart.s;
	c->overhead.s = from->overhead.s;
	c->least_arithmetic = from->least_arithmetic;
	c->least_memory = from->least_memory;
}

/* A row by the values of a fit without it, as wide as the profile's spreads and that fit's lack of such runs make it. */
static struct drawn_run drawn_without(struct arena *a, const struct family_model *family,
				      const struct observation *fitted, const struct observation *row,
				      const struct family_hole *hole)
{
	const struct predicted_run values =
		observations_predict(a, fitted, family_profile(a, family, &hole->values, fitted));
	struct profile *p = arena_alloc(a, sizeof *p);
	struct drawn_run of = {.machine = row->device->machine, .device = row->device->device, .profile = p};

	*p = *row->device->profile;
	if (p->beyond.origin.node) {
		const struct origin origin = p->beyond.origin;

		p->beyond = hole->beyond;
		p->beyond.origin = origin;
	}
	of.predicted = observations_predict(a, row, p);
	for (size_t i = 0; i < values.n && values.n == of.predicted.n; i++) {
		take_times(&of.predicted.at[i].cost, &values.at[i].cost);
		take_times(&of.predicted.at[i].launches, &values.at[i].launches);
	}
	return of;
}

static struct said predict_without(const struct validate_ask *ask, const struct family_model *family,
				   const struct observation *fitted, const struct observation *row,
				   const struct family_hole *hole)
{
	struct arena scratch = ARENA_INIT;
	const struct drawn_run of = drawn_without(&scratch, family, fitted, row, hole);
	struct drawn_run over;
	struct said said;

	if (row->over)
		over = family_takes(family, row->over)
			       ? drawn_without(&scratch, family, fitted->over, row->over, hole)
			       : drawn_run(&scratch, row->over);
	said = said_of(ask, row->run, &of, row->over ? &over : NULL);
	arena_release(&scratch);
	return said;
}

/* Fits with holes, and the profiles whose spreads go with them: with the model left out the catalogue's of
 * the machine, with the chip left out what it gives a chip that nobody measured. Where the profile is of another file than
 * the family's, so that a run has other operators, it is the profile's own values that are drawn. Of a family of one chip no fit
 * is without it: its rows have no such prediction. */
static void take_left_out(const struct validate_ask *ask, const struct fitted *f, enum family_left_out hole,
			  const struct observations *profiles, struct validation *v)
{
	const struct family_errors *errors =
		hole == FAMILY_LEAVE_OUT_MODEL ? &f->judged.model_left_out : &f->judged.chip_left_out;

	for (size_t i = 0; i < v->n; i++) {
		struct validation_row *c = &v->at[i];
		struct left_out *left = hole == FAMILY_LEAVE_OUT_MODEL ? &c->no_model : &c->no_chip;
		struct said said;

		if (isnan(errors->without[i]) || c->held_out || errors->hole[i]->left_out != hole)
			continue;
		said = predict_without(ask, &f->family, &f->observed.at[i], &profiles->at[i],
				       errors->hole[i]);
		*left = (struct left_out){errors->without[i], said.lo, said.hi,
					  c->measured >= said.lo && c->measured <= said.hi};
	}
}

static int leave_out_both(const struct validate_ask *ask, const struct runs *runs,
			  const struct observations *profiles, struct validation *v, struct err *err)
{
	struct fitted f;
	struct observations unmeasured;

	if (family_load(ask->loader, ask->family, &f.family, err) != 0 ||
	    observations_load(ask->loader, runs, OBSERVATIONS_NO_PROFILE, &f.observed, err) != 0 ||
	    observations_load(ask->loader, runs, OBSERVATIONS_UNMEASURED, &unmeasured, err) != 0 ||
	    family_judge(&f.family, &f.observed, ask->draws.workers, &f.judged, err) != 0)
		return -1;
	take_left_out(ask, &f, FAMILY_LEAVE_OUT_MODEL, profiles, v);
	take_left_out(ask, &f, FAMILY_LEAVE_OUT_CHIP, &unmeasured, v);
	return ask->profile ? family_write(&f.family, &f.observed, &f.judged, ask->profile, err) : 0;
}

/* NULL of an operator alone, which its row names. */
static const char *computed_of(struct arena *a, const struct observation *o)
{
	return o->model ? run_computed(a, o->model, &o->precision, o->device->profile, run_name(a, o->run))
			: NULL;
}

/* Is the profile of a row, and of the machine that a ratio is over, known to compute what ran? */
static int check_row(const struct observation *o, struct err *err)
{
	for (; o; o = o->over)
		if (!run_is_operator(o->run) &&
		    run_check_compute(o->run, o->model, o->device->device, o->device->profile, err) != 0)
			return -1;
	return 0;
}

/* Loads the rows, and refuses those of a dtype that is not known, or leaves them out of e and of `kept`. */
static int load_known(const struct validate_ask *ask, const struct runs *runs, struct observations *e,
		      struct runs *kept, struct texts *notes, struct err *err)
{
	struct loader *l = ask->loader;
	int rc = observations_load(l, runs, OBSERVATIONS_PROFILE, e, err);
	const size_t n = rc == 0 ? e->n : 0;

	*kept = (struct runs){.path = runs->path,
			      .tool = runs->tool,
			      .at = arena_array(l->arena, runs->n, sizeof *kept->at)};
	for (size_t i = 0; i < n; i++) {
		const struct run *run = e->at[i].run;
		struct err why = ERR_INIT;

		if (check_row(&e->at[i], &why) == 0) {
			kept->at[kept->n] = *run;
			e->at[kept->n++] = e->at[i];
		} else if (!ask->skip_foreign) {
			rc = diag_add(l->diags, run_place(run, COLUMN_DTYPE),
				      "--skip-foreign leaves such rows out", "%s: %s",
				      run_column_name(run, COLUMN_DTYPE), why.msg);
		}
	}
	if (rc != 0)
		return -1;
	e->n = kept->n;
	if (!kept->n)
		return err_set(err, "%s: every one of its %zu rows is of something else", runs->path, n);
	if (kept->n < n) {
		const size_t by[COLUMNS] = {[COLUMN_DTYPE] = n - kept->n};
		const char *note = report_left_out(l->arena, runs, n, by);

		*notes = texts_join(l->arena, notes, &note, 1);
	}
	return 0;
}

int validate_runs_make(const struct validate_ask *ask, const struct runs *runs, struct validation *v,
		       struct texts *notes, struct err *err)
{
	struct runs kept;
	struct observations e;
	struct predicting x = {.ask = ask, .observed = &e};
	struct workers_task work = {.item = predict_row, .self = &x};

	if (load_known(ask, runs, &e, &kept, notes, err) != 0)
		return -1;
	*v = (struct validation){.at = arena_array(ask->loader->arena, e.n, sizeof *v->at), .n = e.n};
	x.said = arena_array(ask->loader->arena, e.n, sizeof *x.said);
	work.n = e.n;
	workers_run(&work, workers_count(ask->draws.workers.threads, e.n));
	for (size_t i = 0; i < e.n; i++) {
		const struct run *run = e.at[i].run;
		const struct said said = x.said[i];

		v->at[i] = (struct validation_row){.set = run->set ? run->set : "all",
						   .machine = run->machine,
						   .runtime = run->runtime,
						   .run = observations_name(ask->loader->arena, &e.at[i]),
						   .source = run->source,
						   .computed = computed_of(ask->loader->arena, &e.at[i]),
						   .limited_by = param_names[said.bound],
						   .limited_share = said.bound_share,
						   .unit = run_unit(run),
						   .measured = run_rate(run),
						   .predicted = said.rate,
						   .lo = said.lo,
						   .hi = said.hi,
						   .no_model.error = NAN,
						   .no_chip.error = NAN,
						   .held_out = run->held_out};
	}
	return ask->family ? leave_out_both(ask, &kept, &e, v, err) : 0;
}
