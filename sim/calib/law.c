/* law.c - what a law says and how it is fitted; the file is written in law_write.c. See law.h. */
#include "sim/calib/law.h"

#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/calib/law_keys.h"
#include "sim/hw/derive.h"
#include "sim/stats/quantile.h"

/* A profile of the law's own, whose numbers may be changed. */
struct own {
	struct profile p;
	struct gemm_table gemm[DTYPE_N];
};

#define KEY(text, member, of, is_memory)                                                                     \
	{                                                                                                    \
		text, offsetof(struct own, member), of, is_memory                                            \
	}
#define BY_WEIGHTS(text, member)                                                                             \
	KEY(text ".f16", member.f16, DIM_SHARE, PARAM_ARITHMETIC),                                           \
		KEY(text ".q8", member.q8, DIM_SHARE, PARAM_ARITHMETIC),                                     \
		KEY(text ".q4", member.q4, DIM_SHARE, PARAM_ARITHMETIC),                                     \
		KEY(text ".k", member.k, DIM_SHARE, PARAM_ARITHMETIC),                                       \
		KEY(text ".fp4", member.fp4, DIM_SHARE, PARAM_ARITHMETIC)
const struct law_key law_keys[] = {
	KEY("read", p.read, DIM_BANDWIDTH, PARAM_MEMORY),
	KEY("copy", p.copy, DIM_BANDWIDTH, PARAM_MEMORY),
	KEY("gemv", p.gemv, DIM_BANDWIDTH, PARAM_MEMORY),
	KEY("gemv_q8", p.gemv_q8, DIM_BANDWIDTH, PARAM_MEMORY),
	KEY("gemv_q4", p.gemv_q4, DIM_BANDWIDTH, PARAM_MEMORY),
	KEY("gemm_f32.u", gemm[DTYPE_F32].u, DIM_SHARE, PARAM_ARITHMETIC),
	KEY("gemm_f16.u", gemm[DTYPE_F16].u, DIM_SHARE, PARAM_ARITHMETIC),
	KEY("gemm_bf16.u", gemm[DTYPE_BF16].u, DIM_SHARE, PARAM_ARITHMETIC),
	KEY("attention.u", p.attention.u, DIM_SHARE, PARAM_ARITHMETIC),
	KEY("attention.decode", p.attention.decode, DIM_BANDWIDTH, PARAM_MEMORY),
	KEY("overhead.kernel", p.overhead.kernel, DIM_TIME, PARAM_OVERHEAD),
	KEY("overhead.step", p.overhead.step, DIM_TIME, PARAM_OVERHEAD),
	BY_WEIGHTS("dequant", p.dequant),
	BY_WEIGHTS("few.first", p.few.first),
	BY_WEIGHTS("few.further", p.few.further),
	KEY("tile.fill", p.tile.fill, DIM_COUNT, PARAM_ARITHMETIC),
	KEY("dies.bandwidth", p.dies.bandwidth, DIM_SHARE, PARAM_MEMORY),
	KEY("dies.arithmetic", p.dies.arithmetic, DIM_SHARE, PARAM_ARITHMETIC),
};

static void own_copy(const struct profile *from, struct own *o)
{
	o->p = *from;
	for (int t = 0; t < DTYPE_N; t++) {
		o->gemm[t] = (struct gemm_table){0};
		if (!from->gemm[t])
			continue;
		o->gemm[t] = *from->gemm[t];
		o->p.gemm[t] = &o->gemm[t];
	}
}

static struct qty *number_at(struct own *o, size_t key)
{
	return (struct qty *)((char *)o + law_keys[key].offset);
}

const struct qty *law_number(const struct law *law, size_t i)
{
	struct own o;
	struct qty *kept = arena_alloc(law->l->arena, sizeof *kept);

	own_copy(law->profile, &o);
	*kept = *number_at(&o, law->key[i]);
	return kept;
}

const char *law_param_name(const struct law *law, size_t i)
{
	return law_keys[law->key[i]].name;
}

static int find_params(struct law *law, struct err *err)
{
	struct own o;

	own_copy(law->profile, &o);
	law->params_n = 0;
	for (size_t k = 0; k < ARRAY_LEN(law_keys); k++) {
		const struct qty *q = number_at(&o, k);

		if (!q->given || !q->source || strcmp(q->source, "fit") != 0)
			continue;
		if (law->params_n == LAW_PARAMS)
			return err_set(err, "%s: more than %d numbers to fit", law->path, LAW_PARAMS);
		law->key[law->params_n] = k;
		law->start[law->params_n++] = q->value;
	}
	for (int t = 0; t < DTYPE_N; t++)
		if (law->profile->gemm[t] && law->profile->gemm[t]->points.n)
			return err_set(err,
				       "%s: runtime '%s': the utilisation of a family is one number, 'u', "
				       "not points",
				       law->path, law->runtime);
	return 0;
}

/* A family's file need not say all, but this runtime of it must. */
static int check_whole(const struct law *law, struct err *err)
{
	const struct profile *p = law->profile;
	const struct gemm_table *g = p->gemm[known_compute(p)];
	const struct {
		const char *key;
		bool given;
	} needed[] = {{"read", p->read.given},
		      {"copy", p->copy.given},
		      {"gemv", p->gemv.given},
		      {"gemm_f16.u", g && g->u.given},
		      {"attention.u", p->attention.u.given},
		      {"attention.decode", p->attention.decode.given},
		      {"overhead.kernel", p->overhead.kernel.given}};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!needed[i].given)
			return err_set(err, "%s: runtime '%s': key '%s' is missing", law->path, law->runtime,
				       needed[i].key);
	return 0;
}

int law_load(struct loader *l, const char *path, struct law *law, struct err *err)
{
	struct machine *m = arena_alloc(l->arena, sizeof *m);
	struct yml *tree = load_file(l, path, "hardware", HW_SCHEMA);
	const struct device *d;

	*law = (struct law){.l = l, .path = path};
	if (!tree || field_load_part(&machine_table, tree, path, m, l->diags) != 0)
		return -1;
	if (file_read(l->arena, path, LOAD_FILE_MAX, &law->text, &law->len, err) != 0)
		return -1;
	d = m->devices.at;
	for (size_t i = 0; i < m->devices.n; i++) {
		const struct profile *p = d[i].runtimes.at;

		for (size_t j = 0; j < d[i].runtimes.n; j++) {
			law->profile = &p[j];
			law->device = d[i].origin.name;
			law->runtime = p[j].origin.name;
			if (find_params(law, err) != 0)
				return -1;
			if (law->params_n)
				return check_whole(law, err);
		}
	}
	err_set(err, "%s: nothing in it is to be fitted", path);
	return err_hint(err, "such as gemv: {value: 90 %%, source: fit}");
}

bool law_takes(const struct law *law, const struct evidence_row *row)
{
	return !strcmp(row->run->runtime, law->runtime);
}

struct replay law_replay(const struct law *law, struct arena *a, const double value[LAW_PARAMS],
			 const struct evidence_row *row)
{
	const struct known_device *d = row->device;
	struct own *o = arena_alloc(a, sizeof *o);
	struct site site;

	own_copy(law->profile, o);
	for (size_t i = 0; i < law->params_n; i++) {
		struct qty *q = number_at(o, law->key[i]);

		q->value = value[i];
		if (law_keys[law->key[i]].dim == DIM_SHARE || q->is_share)
			q->value = fmin(value[i], strncmp(law_param_name(law, i), "dequant", 7) ? 1 : 10);
	}
	derive_profile(d->machine, d->device, &o->p);
	site = site_make(a, d->machine, d->device, &o->p, known_compute(&o->p));
	return replay_make(a, row->model, &row->precision, &site, row->run);
}

double law_seconds(const struct law *law, const double value[LAW_PARAMS], const struct evidence_row *row)
{
	struct arena scratch = ARENA_INIT;
	const struct replay r = law_replay(law, &scratch, value, row);
	const double s = replay_seconds(&r, NULL);

	arena_release(&scratch);
	return s;
}

/* ---- the fit ---- */

/* A row counts as known to 3 %, a beginning to a factor of e^0.4. */
static const double row_sd = 0.03, prior_sd = 0.4;

struct fit_job {
	const struct law *law;
	const struct evidence_row **rows;
	size_t n;
	double *weight; /* of rows and of the prior */
};

static void values_of(const struct law *law, const gsl_vector *theta, double value[LAW_PARAMS])
{
	for (size_t i = 0; i < law->params_n; i++)
		value[i] = exp(gsl_vector_get(theta, i));
}

static int misfits(const gsl_vector *theta, void *data, gsl_vector *f)
{
	const struct fit_job *j = data;
	double value[LAW_PARAMS];

	values_of(j->law, theta, value);
	for (size_t i = 0; i < j->n; i++)
		gsl_vector_set(f, i,
			       log(law_seconds(j->law, value, j->rows[i]) / j->rows[i]->run->seconds) /
				       row_sd);
	for (size_t i = 0; i < j->law->params_n; i++)
		gsl_vector_set(f, j->n + i, (gsl_vector_get(theta, i) - log(j->law->start[i])) / prior_sd);
	return GSL_SUCCESS;
}

/* One weighted fit, from and to theta; *r gets the misfits. */
static int fit_once(struct fit_job *j, gsl_vector *theta, gsl_vector *r)
{
	gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
	const size_t n = j->n + j->law->params_n;
	gsl_multifit_nlinear_fdf fdf = {.f = misfits, .n = n, .p = j->law->params_n, .params = j};
	gsl_multifit_nlinear_workspace *w =
		gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how, n, j->law->params_n);
	const gsl_vector_view weights = gsl_vector_view_array(j->weight, n);
	int info, rc = gsl_multifit_nlinear_winit(theta, &weights.vector, &fdf, w);

	if (rc == GSL_SUCCESS)
		rc = gsl_multifit_nlinear_driver(30, 1e-6, 1e-6, 0, NULL, NULL, &info, w);
	if (rc == GSL_ENOPROG || rc == GSL_EMAXITER)
		rc = GSL_SUCCESS; /* it stands at a minimum as far as the arithmetic shows */
	gsl_vector_memcpy(theta, w->x);
	for (size_t i = 0; i < j->law->params_n; i++)
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
		j->weight[i] = size[i] > limit ? limit / size[i] : 1;
	free(size);
}

static bool left_out(const struct evidence_row *row, const char *machine, const char *model)
{
	return (machine && !strcmp(row->run->machine, machine)) || (model && !strcmp(row->run->model, model));
}

static int fit_without(const struct law *law, const struct evidence *e, const char *machine,
		       const char *model, double value[LAW_PARAMS])
{
	struct fit_job j = {.law = law, .rows = xmalloc((e->n + 1) * sizeof *j.rows)};
	gsl_vector *theta = gsl_vector_alloc(law->params_n), *r;
	int rc;

	for (size_t i = 0; i < e->n; i++)
		if (law_takes(law, &e->at[i]) && !e->at[i].run->held_out &&
		    !left_out(&e->at[i], machine, model))
			j.rows[j.n++] = &e->at[i];
	r = gsl_vector_alloc(j.n + law->params_n);
	j.weight = xmalloc((j.n + law->params_n) * sizeof *j.weight);
	for (size_t i = 0; i < j.n + law->params_n; i++)
		j.weight[i] = 1;
	for (size_t i = 0; i < law->params_n; i++)
		gsl_vector_set(theta, i, log(law->start[i]));
	rc = j.n ? fit_once(&j, theta, r) : 0;
	for (int round = 0; round < 3 && rc == 0 && j.n; round++) {
		reweigh(&j, r);
		rc = fit_once(&j, theta, r);
	}
	values_of(law, theta, value);
	gsl_vector_free(theta);
	gsl_vector_free(r);
	free(j.weight);
	free(j.rows);
	return rc;
}

int law_fit(const struct law *law, const struct evidence *e, const char *without, double value[LAW_PARAMS],
	    struct err *err)
{
	if (fit_without(law, e, without, NULL, value) == 0)
		return 0;
	return err_set(err, "%s: the fit does not converge", law->path);
}

/* ---- leaving machines out ---- */

static bool one_machine(const struct law *law, const struct evidence *e)
{
	const char *first = NULL;

	for (size_t i = 0; i < e->n; i++) {
		if (!law_takes(law, &e->at[i]) || e->at[i].run->held_out)
			continue;
		if (first && strcmp(first, e->at[i].run->machine) != 0)
			return false;
		first = e->at[i].run->machine;
	}
	return true;
}

static double error_of(const struct law *law, const double *value, const struct evidence_row *row)
{
	return row->run->seconds / law_seconds(law, value, row) - 1; /* of the rate */
}

/* What is held out is in no fit anyway. */
int law_leave_out(const struct law *law, const struct evidence *e, struct law_errors *errors, struct err *err)
{
	const bool by_model = one_machine(law, e);
	double all[LAW_PARAMS], value[LAW_PARAMS];

	if (law_fit(law, e, NULL, all, err) != 0)
		return -1;
	for (size_t i = 0; i < e->n; i++)
		errors->fitted[i] = errors->without[i] = NAN;
	for (size_t i = 0; i < e->n; i++) {
		const struct run *run = e->at[i].run;

		if (!law_takes(law, &e->at[i]) || !isnan(errors->without[i]))
			continue;
		errors->fitted[i] = error_of(law, all, &e->at[i]);
		if (run->held_out) {
			errors->without[i] = errors->fitted[i];
			continue;
		}
		if (fit_without(law, e, by_model ? NULL : run->machine, by_model ? run->model : NULL,
				value) != 0)
			return err_set(err, "%s: the fit without %s does not converge", law->path,
				       run->machine);
		for (size_t k = i; k < e->n; k++)
			if (law_takes(law, &e->at[k]) && !e->at[k].run->held_out &&
			    left_out(&e->at[k], by_model ? NULL : run->machine,
				     by_model ? run->model : NULL)) {
				errors->without[k] = error_of(law, value, &e->at[k]);
				errors->fitted[k] = error_of(law, all, &e->at[k]);
			}
	}
	return 0;
}
