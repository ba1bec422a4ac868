/* metrics.c - see metrics.h. */
#include "sim/predict/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/workers.h"
#include "sim/predict/energy_cost.h"
#include "sim/predict/explain.h"
#include "sim/stats/band.h"
#include "sim/step/drawn.h"

/* Powers and prices may be less sure than the times that they are multiplied with. */
static enum provenance metric_from(const struct job_run *r, size_t metric)
{
	const struct world *w = r->at->world;
	const enum metric_needs needs = r->type->metrics[metric].needs;
	const enum provenance from = r->type->from(r, metric);

	if (needs == METRIC_OF_PRICE)
		return provenance_worse(from, energy_cost_price(w, r->uses).provenance);
	if (needs == METRIC_OF_TIMES)
		return from;
	return provenance_worse(from, energy_cost_from(w, r->uses, needs == METRIC_OF_POWER_AND_PRICE));
}

struct failed { /* a draw; a thread does none after it */
	bool any;
	size_t draw;
	struct err err;
};

struct drawing {
	const struct job_run *run;
	const struct draws *draws;
	void **scratch;   /* of each thread */
	double **samples; /* [metric][draw] */
	double *classes;  /* [draw][class][metric]; NULL: the load has none */
	size_t classes_n;
	bool times_alone;      /* struct conditions */
	struct failed *failed; /* of each thread */
};

/* What a job came to under each draw. */
struct drawn {
	double **samples; /* [metric][draw] */
	double *classes;  /* [draw][class][metric]; NULL: the load has none */
};

static void take_sample(const struct drawing *x, size_t draw, const double *of)
{
	for (size_t m = 0; m < x->run->type->metrics_n; m++)
		x->samples[m][draw] = of[m];
}

static int draw_once(void *self, size_t thread, size_t i)
{
	const struct drawing *x = self;
	const struct draws *d = x->draws;
	double *classes = x->classes ? &x->classes[i * x->classes_n * x->run->type->metrics_n] : NULL;
	const struct conditions c = {.params = &d->z[i * d->sources],
				     .drawn = true,
				     .power = &d->power[i * d->sockets],
				     .classes = classes,
				     .times_alone = x->times_alone};
	metrics_of of;
	struct err err = ERR_INIT;

	if (x->run->type->values(x->run, x->scratch[thread], &c, of, &err) != 0) {
		x->failed[thread] = (struct failed){true, i, err};
		return -1;
	}
	take_sample(x, i, of);
	return 0;
}

/* Some draws one after the other, of a job that takes them together. */
static int draw_some(void *self, size_t thread, size_t item)
{
	const struct drawing *x = self;
	const size_t first = item * DRAWN_AT_ONCE, left = x->draws->n - first,
		     n = left < DRAWN_AT_ONCE ? left : DRAWN_AT_ONCE;
	metrics_of of[DRAWN_AT_ONCE];

	x->run->type->draws(x->run, x->scratch[thread], x->draws, first, n, x->times_alone, of);
	for (size_t k = 0; k < n; k++)
		take_sample(x, first + k, of[k]);
	return 0;
}

static void tell_draw(void *self, size_t done, size_t of)
{
	const struct drawing *x = self;
	const struct draws_watch *watch = &x->draws->watch;
	const size_t each = x->run->type->draws ? DRAWN_AT_ONCE : 1, n = x->draws->n,
		     to = done < of ? done * each : n - 1;

	for (size_t i = (done - 1) * each + 1; watch->tell && i <= to; i++)
		watch->tell(watch->self, x->run->at->assignment->name, i, n);
}

static size_t classes_of(const struct job_run *r)
{
	return r->state && r->type->classes ? r->type->classes(r) : 0;
}

/* Whether any metric of power has a value, and is asked. asked: [metric]; NULL: all of them are. */
static bool asks_power(const struct job_run *r, const double *values, const bool *asked)
{
	for (size_t i = 0; i < metrics_n(); i++) {
		const struct metric_info *m = asked && !asked[i] ? NULL : metric_at(i);

		if (m && m->job == job_of(r) &&
		    (m->needs == METRIC_OF_POWER || m->needs == METRIC_OF_POWER_AND_PRICE) &&
		    !isnan(values[metric_index(m)]))
			return true;
	}
	return false;
}

/* values: as calibrated; asked: [metric]; NULL: all of them. 0, or -1 with err. */
static int draw_job(struct arena *a, const struct job_run *r, const struct draws *d, const double *values,
		    const bool *asked, struct drawn *out, struct err *err)
{
	const size_t threads = workers_count((int64_t)d->threads, d->n);
	struct drawing x = {.run = r,
			    .draws = d,
			    .scratch = arena_array(a, threads, sizeof *x.scratch),
			    .samples = arena_array(a, METRICS_MAX, sizeof *x.samples),
			    .classes_n = classes_of(r),
			    .times_alone = !asks_power(r, values, asked),
			    .failed = arena_array(a, threads, sizeof *x.failed)};
	const bool some = r->type->draws != NULL;
	const struct workers_task work = {.n = some ? (d->n + DRAWN_AT_ONCE - 1) / DRAWN_AT_ONCE : d->n,
					  .item = some ? draw_some : draw_once,
					  .self = &x,
					  .tell = tell_draw,
					  .watcher = &x};
	size_t done;

	if (x.classes_n)
		x.classes = arena_array(a, d->n * x.classes_n * r->type->metrics_n, sizeof *x.classes);
	for (size_t m = 0; m < r->type->metrics_n; m++)
		x.samples[m] = arena_array(a, d->n, sizeof **x.samples);
	for (size_t i = 0; i < threads; i++)
		x.scratch[i] = r->type->scratch(a, r, i);
	done = workers_run(&work, threads);
	for (size_t i = 0; i < threads && done < work.n && err; i++)
		if (x.failed[i].any && x.failed[i].draw == done)
			*err = x.failed[i].err;
	*out = (struct drawn){x.samples, x.classes};
	return done < work.n ? -1 : 0;
}

/* Runs every job as calibrated, and those of which a metric is asked under each draw. asked: [metric]; NULL: all of them. */
static int run_jobs(struct arena *a, struct prediction *p, const struct draws *d, const bool *asked,
		    struct metric_values *value, struct drawn drawn[JOB_N], struct err *err)
{
	for (int j = 0; j < JOB_N; j++) {
		p->jobs[j].seed = d->seed;
		p->jobs[j].each_iteration = d->each_iteration;
		p->jobs[j].threads = d->threads;
	}
	if (prediction_values(p, value, err) != 0)
		return -1;
	for (int j = 0; j < JOB_N; j++) {
		struct job_run *r = &p->jobs[j];

		drawn[j] = (struct drawn){NULL, NULL};
		if (!r->state || !metrics_ask((enum job)j, asked))
			continue;
		if (r->same && r->same->samples)
			drawn[j].samples = r->same->samples;
		else if (draw_job(a, r, d, value->of[j], asked, &drawn[j], err) != 0)
			return -1;
		r->samples = drawn[j].samples;
		r->values = value->of[j];
		r->compared = drawn[j].samples[r->type->compared];
	}
	return 0;
}

static void make_class(struct arena *a, const struct job_run *r, const struct drawn *drawn, size_t draws,
		       size_t class_id, struct assignment_row *row)
{
	const size_t all = r->type->metrics_n, stride = r->type->classes(r) * all;
	struct metric *metrics = arena_array(a, all, sizeof *metrics);
	double of[METRICS_MAX], half[METRICS_MAX], *x = xcalloc(draws + 1, sizeof *x);

	r->type->class_values(r, class_id, of, half);
	*row = (struct assignment_row){
		.name = r->type->class_name(r, class_id), .fits = true, .bound = "", .metrics = metrics};
	for (size_t m = 0; m < all; m++) {
		const struct metric_info *info = &r->type->metrics[m];
		struct band band;

		if (isnan(of[m]))
			continue;
		for (size_t i = 0; i < draws; i++)
			x[i] = drawn->classes[i * stride + class_id * all + m];
		band = band_of(of[m], x, draws);
		metrics[row->metrics_n++] = (struct metric){.name = info->name,
							    .unit = info->unit,
							    .value = of[m],
							    .lo = band.lo,
							    .hi = band.hi,
							    .from = metric_from(r, m),
							    .less = info->less,
							    .ci = half[m]};
	}
	free(x);
}

static void make_classes(struct arena *a, const struct job_run *r, const struct drawn *drawn, size_t draws,
			 struct assignment_row *row)
{
	const size_t n = r->type->classes(r);
	struct assignment_row *classes = arena_array(a, n, sizeof *classes);

	for (size_t k = 0; k < n; k++)
		make_class(a, r, drawn, draws, k, &classes[k]);
	row->classes = classes;
	row->classes_n = n;
}

/* asked: [metric]; NULL: all of them. */
static int make_metrics(struct arena *a, struct prediction *p, const struct draws *d, const bool *asked,
			struct assignment_row *row, struct err *err)
{
	struct metric_values *value = arena_alloc(a, sizeof *value);
	struct metric *metrics = arena_array(a, metrics_n(), sizeof *metrics);
	struct drawn drawn[JOB_N];
	size_t n = 0;

	if (run_jobs(a, p, d, asked, value, drawn, err) != 0)
		return -1;
	for (size_t i = 0; i < metrics_n(); i++) {
		const struct metric_info *m = asked && !asked[i] ? NULL : metric_at(i);
		const struct job_run *r = m ? &p->jobs[m->job] : NULL;
		struct band band;

		if (!m || isnan(metric_value(value, m)))
			continue;
		metrics[n] =
			(struct metric){.name = m->name,
					.unit = m->unit,
					.value = metric_value(value, m),
					.from = metric_from(r, metric_index(m)),
					.ci = r->type->ci_half ? r->type->ci_half(r, metric_index(m)) : 0,
					.less = m->less,
					.drawn = drawn[m->job].samples[metric_index(m)]};
		band = band_of(metrics[n].value, metrics[n].drawn, d->n);
		metrics[n].lo = band.lo;
		metrics[n++].hi = band.hi;
	}
	row->metrics = metrics;
	row->metrics_n = n;
	for (int j = 0; j < JOB_N && !asked; j++)
		if (classes_of(&p->jobs[j]))
			make_classes(a, &p->jobs[j], &drawn[j], d->n, row);
	return 0;
}

/* ---- advice ---- */

static int value_at(const struct job_run *r, void *scratch, const struct params *speed, size_t metric,
		    double *value, struct err *err)
{
	const struct conditions c = {.params = speed, .times_alone = true};
	double of[METRICS_MAX];

	if (r->type->values(r, scratch, &c, of, err) != 0)
		return -1;
	*value = of[metric];
	return 0;
}

/* Whether any work of the job hangs on a source's parameters. A job that is no set of programs does not say. */
static bool uses_source(const struct job_run *r, size_t source)
{
	const struct program_runs *runs = program_runs(r);

	for (size_t i = 0; runs && i < JOB_PROGRAMS; i++) {
		const struct program *p = runs->run[i].program;

		for (size_t k = 0; p && k < p->op_classes.n; k++)
			if (p->op_classes.at[k].source == source)
				return true;
	}
	return !runs;
}

/* What ten per cent more of one parameter would do to one metric; the best of all parameters. Into r->advice. */
static int best_change(struct arena *a, struct job_run *r, struct err *err)
{
	const struct advised advised = r->type->advised(r);
	const struct world *w = r->at->world;
	const size_t sources = program_sources(w);
	struct params *speed = arena_array(a, sources, sizeof *speed);
	void *scratch = r->type->scratch(a, r, 0);
	const double before = r->values[advised.metric];
	double best = 0.001;
	size_t at = 0;

	for (size_t i = 0; i < sources * PARAM_N; i++)
		speed[i / PARAM_N].of[i % PARAM_N] = 1;
	for (size_t i = 0; i < sources * PARAM_N; i++) {
		double gain;

		if (!program_has_param(w, i / PARAM_N, (enum param)(i % PARAM_N)) ||
		    !uses_source(r, i / PARAM_N))
			continue;
		speed[i / PARAM_N].of[i % PARAM_N] = 1.1;
		if (value_at(r, scratch, speed, advised.metric, &gain, err) != 0)
			return -1;
		gain = gain / before - 1;
		speed[i / PARAM_N].of[i % PARAM_N] = 1;
		if (gain > best) {
			best = gain;
			at = i;
		}
	}
	r->advice = best > 0.001 ? arena_printf(a, "10 %% better %s: %s +%.1f %%",
						explain_param(a, w, at / PARAM_N, (enum param)(at % PARAM_N)),
						advised.word, best * 100)
				 : "";
	return 0;
}

/* ---- memory, busy queues ---- */

static struct memory_row memory_row(const struct world *w, size_t mi, const struct footprint *f,
				    const char *phase)
{
	return (struct memory_row){w->machines[mi].origin.name,
				   phase,
				   footprint_need_B(f),
				   f->usable_B,
				   f->weights_B,
				   f->kv_B,
				   f->activations_B,
				   f->gradients_B,
				   f->optimizer_B,
				   0,
				   NULL,
				   f->disk_B,
				   f->load_B > footprint_rest_B(f) ? f->load_B : 0};
}

/* "layer 12 ffn, backward, micro-batch 3" */
static const char *task_text(struct arena *a, const struct job_run *r, const struct label *label)
{
	const char *where = label->layer < 0 ? "" : arena_printf(a, "layer %lld ", (long long)label->layer);
	const struct program_job *job = r->type->programs;
	const bool many = job && job->many_micro_batches && job->many_micro_batches(r->at->world);
	const char *micro =
		many && label->phase != PHASE_UPDATE ? arena_printf(a, ", micro-batch %u", label->micro) : "";

	return arena_printf(a, "%s%s, %s%s", where,
			    label->payload ? payload_names[label->payload] : role_names[label->part.role],
			    phase_names[label->phase], micro);
}

/* The job that needs most memory of a machine; of equals the one that is first in the table of jobs. */
static const struct job_run *most_needing(const struct prediction *p, size_t machine)
{
	const struct job_run *most = NULL;

	for (int j = 0; j < JOB_N; j++) {
		const struct job_run *r = &p->jobs[j];

		if (r->asked && (!most || footprint_need_B(&r->footprint[machine]) >
						  footprint_need_B(&most->footprint[machine])))
			most = r;
	}
	return most;
}

static void make_memory(struct arena *a, const struct prediction *p, struct assignment_row *row)
{
	const struct world *w = p->at.world;
	struct memory_row *rows = arena_array(a, w->machines_n, sizeof *rows);

	for (size_t i = 0; i < w->machines_n; i++) {
		const struct job_run *r = most_needing(p, i);
		const struct footprint *f = &r->footprint[i];
		const double missing = footprint_short_B(f);

		if (footprint_need_B(f) <= 0)
			continue;
		rows[row->memory_n] = memory_row(w, i, f, job_name(job_of(r)));
		if (r->memory && r->memory[i].raised) {
			rows[row->memory_n].peak_s = sim_s_of_ns(r->memory[i].at_ns);
			rows[row->memory_n].during = task_text(a, r, &r->memory[i].during);
		}
		row->memory_n++;
		if (missing > row->short_B) {
			row->short_B = missing;
			row->short_on = w->machines[i].origin.name;
		}
	}
	row->memory = rows;
}

static void make_busy(struct arena *a, const struct prediction *p, struct assignment_row *row)
{
	struct busy_row *rows = arena_array(a, JOB_N * program_queues(p->at.world), sizeof *rows);

	for (int j = 0; j < JOB_N; j++)
		if (p->jobs[j].state)
			row->busy_n += p->jobs[j].type->busy(a, &p->jobs[j], rows + row->busy_n);
	row->busy = rows;
}

/* The first job that does not fit, where another does; else NULL. */
static const char *short_job(const struct prediction *p)
{
	for (int j = 0; j < JOB_N; j++)
		if (p->jobs[j].asked && !p->jobs[j].fits)
			return prediction_fits(p) ? job_name((enum job)j) : NULL;
	return NULL;
}

int prediction_asked(struct arena *a, struct prediction *p, const struct draws *d, const bool *asked,
		     struct assignment_row *row, struct err *err)
{
	*row = (struct assignment_row){.name = p->at.assignment->name};
	if (make_metrics(a, p, d, asked, row, err) != 0)
		return -1;
	make_memory(a, p, row);
	row->fits = row->short_B == 0;
	if (!row->fits)
		row->short_phase = short_job(p);
	return 0;
}

int prediction_row(struct arena *a, struct prediction *p, const struct draws *d, struct assignment_row *row,
		   struct err *err)
{
	struct str advice = STR_INIT;
	int rc = prediction_asked(a, p, d, NULL, row, err);

	if (rc == 0) {
		make_busy(a, p, row);
		row->bound = explain_bound(a, p);
	}
	for (int j = 0; j < JOB_N && rc == 0; j++) {
		struct job_run *r = &p->jobs[j];

		if (!r->state || !r->type->advised)
			continue;
		if (r->same && r->same->advice)
			r->advice = r->same->advice;
		else
			rc = best_change(a, r, err);
		if (rc == 0 && *r->advice)
			str_addf(&advice, "%s%s", advice.len ? "; " : "", r->advice);
	}
	row->advice = advice.len ? arena_strdup(a, advice.text) : NULL;
	str_release(&advice);
	return rc;
}

/* ---- differences between assignments ---- */

/* The assignment that is best by a metric, the first of equals; n: none has it. */
static size_t best_by(const struct assignment_row *rows, size_t n, const struct metric_info *m)
{
	double best = NAN;
	size_t at = n;

	for (size_t i = 0; i < n; i++) {
		const struct metric *here = rows_metric(&rows[i], m->name);

		if (here && (at == n || (m->less ? here->value < best : here->value > best))) {
			best = here->value;
			at = i;
		}
	}
	return at;
}

static void compare(const struct prediction *all, const struct assignment_row *rows, size_t n,
		    const struct metric_info *m, struct metric **copies)
{
	const size_t best = best_by(rows, n, m);

	for (size_t i = 0; i < n && best < n; i++) {
		const struct job_run *here = &all[i].jobs[m->job], *there = &all[best].jobs[m->job];
		const struct metric *of = rows_metric(&rows[i], m->name);
		struct metric *to = of ? &copies[i][of - rows[i].metrics] : NULL;

		if (to && i != best && here->state && there->state &&
		    here->type->paired(here, there, metric_index(m), &to->difference, &to->difference_ci))
			to->best = rows[best].name;
	}
}

void prediction_differences(struct arena *a, const struct prediction *all, struct assignment_row *rows,
			    size_t n)
{
	struct metric **copies = arena_array(a, n, sizeof *copies);

	for (size_t i = 0; i < n; i++) {
		copies[i] = arena_array(a, rows[i].metrics_n, sizeof **copies);
		if (rows[i].metrics_n)
			memcpy(copies[i], rows[i].metrics, rows[i].metrics_n * sizeof **copies);
	}
	for (size_t k = 0; k < metrics_n(); k++)
		if (job_types[metric_at(k)->job]->paired)
			compare(all, rows, n, metric_at(k), copies);
	for (size_t i = 0; i < n; i++)
		rows[i].metrics = copies[i];
}
