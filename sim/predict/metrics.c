/* metrics.c - see metrics.h: drawing, and turning times into metrics. */
#include "sim/predict/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/predict/energy_cost.h"
#include "sim/predict/explain.h"
#include "sim/stats/quantile.h"

const struct metric_info metric_info[METRIC_N] = {
	[M_PREFILL] = {"prefill_tok_per_s", "tok/s", false, false},
	[M_TTFT] = {"ttft_s", "s", false, true},
	[M_DECODE] = {"decode_tok_per_s", "tok/s", false, false},
	[M_TPOT] = {"tpot_s", "s", false, true},
	[M_E2EL] = {"e2el_s", "s", false, true},
	[M_TRAIN] = {"train_tok_per_s", "tok/s", true, false},
	[M_STEP] = {"train_step_s", "s", true, true},
	[M_FORWARD] = {"forward_s", "s", true, true},
	[M_BACKWARD] = {"backward_s", "s", true, true},
	[M_OPTIMIZER] = {"optimizer_s", "s", true, true},
	[M_WAITING] = {"waiting_s", "s", true, true},
	[M_BUBBLE] = {"bubble", "", true, true},
	[M_MFU] = {"mfu", "", true, false},
	[M_PER_USD] = {"decode_tok_per_s_per_kUSD", "tok/s/kUSD", false, false},
	[M_ENERGY] = {"energy_J_per_tok", "J/tok", false, true},
	[M_USD] = {"usd_per_Mtok", "USD/Mtok", false, true},
	[M_TRAIN_ENERGY] = {"energy_J_per_train_tok", "J/tok", true, true},
	[M_TRAIN_USD] = {"usd_per_train_Mtok", "USD/Mtok", true, true},
};

int metric_find(const char *name, enum metric_id *m, struct err *err)
{
	const char *names[METRIC_N];

	for (int i = 0; i < METRIC_N; i++) {
		names[i] = metric_info[i].name;
		if (strcmp(name, names[i]) != 0)
			continue;
		*m = (enum metric_id)i;
		return 0;
	}
	return err_unknown(err, "metric", name, names, METRIC_N);
}

int metric_parse(enum metric_id m, const char *text, double *value, struct err *err)
{
	const char *unit = metric_info[m].unit;
	double number;
	char *end;

	if (!strcmp(unit, "s"))
		return units_parse(text, DIM_TIME, value, err);
	if (!strcmp(unit, "tok/s"))
		return units_parse(text, DIM_TOKEN_RATE, value, err);
	if (!*unit)
		return units_parse(text, DIM_SHARE, value, err);
	number = strtod(text, &end);
	if (end != text && isfinite(number) && !strcmp(end + strspn(end, " "), unit)) {
		*value = number;
		return 0;
	}
	err_set(err, "expected a number of %s, got '%.60s'", unit, text);
	return err_hint(err, "write it like '2.5 %s'", unit);
}

static size_t units_used(const struct simulated *r)
{
	size_t n = 0;

	for (size_t q = 0; q < r->program->world->units_n; q++)
		n += r->run.busy_ns[q] > 0;
	return n ? n : 1;
}

/* Energy and dollars of a run by its tokens: the generated ones, which pay for reading the prompt too, or the
 * trained ones. */
static void add_bill(const struct prediction *p, enum job job, const struct power_draw *power_draw,
		     const double *busy_ns, double *v)
{
	const struct workload *k = &p->at.world->scenario->workload;
	const bool train = job == JOB_TRAIN;
	const double tokens =
		train ? train_tokens(k->train) : (double)(k->generate->batch * k->generate->tokens);
	const struct energy_cost b =
		energy_cost_of(p->at.world, p->uses[job], v[train ? M_STEP : M_E2EL], busy_ns, power_draw);

	v[train ? M_TRAIN_ENERGY : M_ENERGY] = b.energy_J / tokens;
	v[train ? M_TRAIN_USD : M_USD] = b.usd / tokens * 1e6;
}

static double sum(const double *x, size_t n)
{
	double s = 0;

	for (size_t i = 0; i < n; i++)
		s += x[i];
	return s;
}

static bool asks_for_money(const struct world *w)
{
	const struct yml *money = w->scenario->money.origin.node;

	return money && !money->is_default;
}

static void add_generate(const struct prediction *p, const struct class_times_set *c, double *v)
{
	const struct generate_times t = prediction_generate(p, c);

	v[M_PREFILL] = t.prefill_tok_per_s;
	v[M_TTFT] = t.ttft_s;
	v[M_DECODE] = t.decode_tok_per_s;
	v[M_PER_USD] = asks_for_money(p->at.world)
			       ? 1000 * t.decode_tok_per_s /
					 energy_cost_price(p->at.world, p->uses[JOB_GENERATE]).usd
			       : NAN;
	v[M_TPOT] = t.tpot_s;
	v[M_E2EL] = t.e2el_s;
}

static void add_train(const struct prediction *p, const struct class_times_set *c, const double *busy_ns,
		      double *v)
{
	const struct world *w = p->at.world;
	const struct compiled_ends e = simulated_ends(&p->train, &c->train);
	const struct train_times times = train_times(p->train.program, &c->train, e.makespan_ns);
	const double step = sim_s_of_ns(e.makespan_ns);
	/* of devices, not links */
	const double busy_s = sim_s_of_ns((sim_ns)sum(busy_ns, w->units_n));

	v[M_STEP] = step;
	v[M_TRAIN] = train_tokens(w->scenario->workload.train) / step;
	v[M_FORWARD] = times.forward_s;
	v[M_BACKWARD] = times.backward_s;
	v[M_OPTIMIZER] = times.optimizer_s;
	v[M_WAITING] = times.waiting_s;
	v[M_BUBBLE] = fmax(0, 1 - busy_s / ((double)units_used(&p->train) * step));
	v[M_MFU] = p->train_flop / step / training_peak_flops(&p->at);
}

/* Every metric under some times and some luck with the meter (NULL: none). */
static struct metric_values values_of(const struct prediction *p, const struct class_times_set *c,
				      const struct power_draw *power_draw)
{
	double *busy_ns = xcalloc(program_queues(p->at.world), sizeof *busy_ns);
	struct metric_values r = {{0}};

	if (p->first.program) {
		add_generate(p, c, r.of);
		prediction_busy(p, JOB_GENERATE, c, busy_ns);
		add_bill(p, JOB_GENERATE, power_draw, busy_ns, r.of);
	}
	if (p->train.program) {
		prediction_busy(p, JOB_TRAIN, c, busy_ns);
		add_train(p, c, busy_ns, r.of);
		add_bill(p, JOB_TRAIN, power_draw, busy_ns, r.of);
	}
	free(busy_ns);
	return r;
}

/* Where the time of a program, or of one phase of it, comes from: the worst source among the classes that
 * make up a twentieth of it or more; less would not show in three digits of an interval. */
static enum provenance from_of(const struct simulated *r, enum phase only)
{
	enum provenance from = PROVENANCE_MEASURED;
	const size_t n = r->program ? r->program->op_classes.n : 0;
	double *s = xcalloc(n, sizeof *s), sum = 0;

	for (size_t i = 0; r->program && i < r->program->tasks.n; i++) {
		if (only != PHASE_N && r->program->tasks.at[i].label.phase != only)
			continue;
		s[r->program->tasks.at[i].op_class] +=
			sim_s_of_ns(r->times.ns[r->program->tasks.at[i].op_class]);
		sum += sim_s_of_ns(r->times.ns[r->program->tasks.at[i].op_class]);
	}
	for (size_t i = 0; i < n; i++)
		if (s[i] > 0.05 * sum)
			from = provenance_worse(from, cost_from(&r->program->op_classes.at[i].cost));
	free(s);
	return from;
}

/* Leaves the samples in their order: draws are compared pair by pair. */
static void interval(struct arena *a, struct metric *m, const double *drawn, size_t n)
{
	double *samples = arena_array(a, n, sizeof *samples);

	memcpy(samples, drawn, n * sizeof *samples);
	quantile_sort(samples, n);
	m->lo = quantile_sorted(samples, n, 0.1);
	m->hi = quantile_sorted(samples, n, 0.9);
}

/* No energy without watts, no money without a price, no decode rate for one token. */
static bool applies(const struct prediction *p, enum metric_id m, double value)
{
	const struct simulated *r = metric_info[m].of_training ? &p->train : &p->first;

	return r->program && !isnan(value) &&
	       !((m == M_DECODE || m == M_TPOT || m == M_PER_USD) && value == 0);
}

struct metric_values prediction_values(const struct prediction *p)
{
	const struct class_times_set now = class_times_set_nominal(p);
	struct metric_values v = values_of(p, &now, NULL);

	for (int m = 0; m < METRIC_N; m++)
		if (!applies(p, (enum metric_id)m, v.of[m]))
			v.of[m] = NAN;
	return v;
}

static enum provenance metric_from(const struct prediction *p, enum metric_id m)
{
	const struct world *w = p->at.world;
	const bool prefill = m == M_PREFILL || m == M_TTFT;
	const struct simulated *r = metric_info[m].of_training        ? &p->train
				    : prefill || !p->later[1].program ? &p->first
								      : &p->later[1];
	enum provenance from = from_of(r, prefill ? PHASE_PREFILL : PHASE_N);

	if (m == M_PER_USD)
		from = provenance_worse(from, energy_cost_price(w, p->uses[JOB_GENERATE]).provenance);
	if (m >= M_ENERGY)
		from = provenance_worse(from, energy_cost_from(w, p->uses[metric_info[m].of_training],
							       m == M_USD || m == M_TRAIN_USD));
	return from;
}

static size_t make_metrics(struct arena *a, struct prediction *p, const struct draws *d,
			   struct metric *metrics)
{
	const struct class_times_set now = class_times_set_nominal(p);
	const struct metric_values value = values_of(p, &now, NULL);
	struct class_times_set c = class_times_set_make(a, p);
	double *samples[METRIC_N];
	size_t n = 0;

	for (int m = 0; m < METRIC_N; m++)
		samples[m] = arena_array(a, d->n, sizeof **samples);
	for (size_t i = 0; i < d->n; i++) {
		struct metric_values v;

		class_times_set_fill(p, &c, &d->z[i * d->sources], program_times_drawn);
		v = values_of(p, &c, &d->power[i * d->sockets]);
		for (int m = 0; m < METRIC_N; m++)
			samples[m][i] = v.of[m];
	}
	for (int m = 0; m < METRIC_N; m++) {
		struct metric *out = &metrics[n];

		if (!applies(p, (enum metric_id)m, value.of[m]))
			continue;
		*out = (struct metric){.name = metric_info[m].name,
				       .unit = metric_info[m].unit,
				       .value = value.of[m],
				       .from = metric_from(p, (enum metric_id)m),
				       .less = metric_info[m].less,
				       .drawn = samples[m]};
		interval(a, out, samples[m], d->n);
		n++;
	}
	p->e2e_s = p->first.program ? samples[M_E2EL] : NULL;
	p->step_s = p->train.program ? samples[M_STEP] : NULL;
	return n;
}

/* What ten per cent more of one parameter would do to one metric; the best of all parameters. */
static void best_change(struct arena *a, const struct prediction *p, int metric, const char *word,
			struct str *out)
{
	const struct world *w = p->at.world;
	const size_t sources = program_sources(w);
	struct params *speed = arena_array(a, sources, sizeof *speed);
	const struct class_times_set now = class_times_set_nominal(p);
	struct class_times_set c = class_times_set_make(a, p);
	const double before = values_of(p, &now, NULL).of[metric];
	double best = 0.001;
	size_t at = 0;

	for (size_t i = 0; i < sources * PARAM_N; i++)
		speed[i / PARAM_N].of[i % PARAM_N] = 1;
	for (size_t i = 0; i < sources * PARAM_N; i++) {
		double gain;

		if (!program_has_param(w, i / PARAM_N, (enum param)(i % PARAM_N)))
			continue;
		speed[i / PARAM_N].of[i % PARAM_N] = 1.1;
		class_times_set_fill(p, &c, speed, program_times_at);
		gain = values_of(p, &c, NULL).of[metric] / before - 1;
		speed[i / PARAM_N].of[i % PARAM_N] = 1;
		if (gain > best) {
			best = gain;
			at = i;
		}
	}
	if (best > 0.001)
		str_addf(out, "%s10 %% better %s: %s +%.1f %%", out->len ? "; " : "",
			 explain_param(a, w, at / PARAM_N, (enum param)(at % PARAM_N)), word, best * 100);
}

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
				   f->disk_B};
}

/* "layer 12 ffn, backward, micro-batch 3" */
static const char *task_text(struct arena *a, const struct world *w, const struct label *label)
{
	const char *where = label->layer < 0 ? "" : arena_printf(a, "layer %lld ", (long long)label->layer);
	const char *micro = w->scenario->workload.train->micro_batches > 1 && label->phase != PHASE_UPDATE
				    ? arena_printf(a, ", micro-batch %u", label->micro)
				    : "";

	return arena_printf(a, "%s%s, %s%s", where, label->what ? label->what : role_names[label->part.role],
			    phase_names[label->phase], micro);
}

/* For each machine the workload that needs most there. */
static void make_memory(struct arena *a, const struct prediction *p, struct assignment_row *row)
{
	const struct world *w = p->at.world;
	struct memory_row *rows = arena_array(a, w->machines_n, sizeof *rows);

	for (size_t i = 0; i < w->machines_n; i++) {
		const struct footprint *g = p->generate_footprint ? &p->generate_footprint[i] : NULL,
				       *t = p->train_footprint ? &p->train_footprint[i] : NULL;
		const bool train = t && (!g || footprint_need_B(t) > footprint_need_B(g));
		const struct footprint *f = train ? t : g;
		const double missing = footprint_short_B(f);

		if (footprint_need_B(f) <= 0)
			continue;
		rows[row->memory_n] = memory_row(w, i, f, train ? "train" : "generate");
		if (train && p->train_use[i].raised) {
			rows[row->memory_n].peak_s = sim_s_of_ns(p->train_use[i].at_ns);
			rows[row->memory_n].during = task_text(a, w, &p->train_use[i].during);
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
	const struct world *w = p->at.world;
	const size_t queues = program_queues(w);
	struct busy_row *rows = arena_array(a, 2 * queues, sizeof *rows);
	const struct class_times_set now = class_times_set_nominal(p);
	const double e2e = prediction_generate(p, &now).e2el_s;

	for (size_t q = 0; q < queues && p->first.program; q++) {
		double busy = sim_s_of_ns(p->first.run.busy_ns[q]);
		double later[GENERATE_STEPS] = {0};

		for (int i = 0; i < GENERATE_STEPS && p->later[i].program; i++)
			later[i] = sim_s_of_ns(p->later[i].run.busy_ns[q]) / p->programs.repeat;
		busy += generate_over_steps(&p->programs, later);
		if (busy > 0)
			rows[row->busy_n++] = (struct busy_row){queue_name(a, w, q), "generate", busy / e2e};
	}
	for (size_t q = 0; q < queues && p->train.program; q++)
		if (p->train.run.busy_ns[q] > 0)
			rows[row->busy_n++] = (struct busy_row){queue_name(a, w, q), "train",
								(double)p->train.run.busy_ns[q] /
									(double)p->train.run.makespan_ns};
	row->busy = rows;
}

struct assignment_row prediction_row(struct arena *a, struct prediction *p, const struct draws *d)
{
	struct metric *metrics = arena_array(a, METRIC_N, sizeof *metrics);
	struct assignment_row row = {.name = p->at.assignment->name, .metrics = metrics};
	struct str advice = STR_INIT;

	row.metrics_n = make_metrics(a, p, d, metrics);
	make_memory(a, p, &row);
	make_busy(a, p, &row);
	row.fits = row.short_B == 0;
	if (!row.fits && (p->first.program || p->train.program))
		row.short_phase = p->first.program ? "train" : "generate";
	row.bound = explain_bound(a, p);
	if (p->first.program)
		best_change(a, p, p->later[0].program ? M_DECODE : M_PREFILL,
			    p->later[0].program ? "decode" : "prefill", &advice);
	if (p->train.program)
		best_change(a, p, M_TRAIN, "training", &advice);
	row.advice = advice.len ? arena_strdup(a, advice.text) : NULL;
	str_release(&advice);
	return row;
}
