/* predict.c - see predict.h: running, drawing, and turning times into metrics. */
#include "sim/cli/predict.h"

#include <math.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/cli/explain.h"
#include "sim/stats/quantile.h"

enum metric_id {
	M_PREFILL,
	M_TTFT,
	M_DECODE,
	M_TPOT,
	M_E2EL,
	M_TRAIN,
	M_STEP,
	M_FORWARD,
	M_BACKWARD,
	M_OPTIMIZER,
	M_BUBBLE,
	M_MFU,
	METRIC_N
};

static const struct {
	const char *name, *unit;
	bool of_training;
} metric_info[METRIC_N] = {
	[M_PREFILL] = {"prefill_tok_per_s", "tok/s", false},
	[M_TTFT] = {"ttft_s", "s", false},
	[M_DECODE] = {"decode_tok_per_s", "tok/s", false},
	[M_TPOT] = {"tpot_s", "s", false},
	[M_E2EL] = {"e2el_s", "s", false},
	[M_TRAIN] = {"train_tok_per_s", "tok/s", true},
	[M_STEP] = {"train_step_s", "s", true},
	[M_FORWARD] = {"forward_s", "s", true},
	[M_BACKWARD] = {"backward_s", "s", true},
	[M_OPTIMIZER] = {"optimizer_s", "s", true},
	[M_BUBBLE] = {"bubble", "", true},
	[M_MFU] = {"mfu", "", true},
};

struct values {
	double v[METRIC_N];
};

/* The stream of a source's errors. They are those of its calibration: two machines of one hardware file share
 * them, whatever the scenario calls them. */
static const char *source_name(struct arena *a, const struct world *w, size_t s)
{
	if (s < w->units_n)
		return arena_printf(a, "draws/%s/%s", w->machines[w->units[s].machine].title,
				    w->units[s].device->origin.name);
	return arena_printf(a, "draws/%s", w->joints[s - w->units_n].link->title);
}

struct draws draws_make(struct arena *a, const struct world *w, uint64_t seed, size_t n)
{
	struct draws d = {.n = n, .sources = prog_sources(w)};

	d.z = arena_array(a, n * d.sources, sizeof *d.z);
	for (size_t s = 0; s < d.sources; s++) {
		struct rng *rng = rng_new(seed, source_name(a, w, s));

		for (size_t i = 0; i < n; i++)
			for (int p = 0; p < PARAM_N; p++)
				d.z[i * d.sources + s][p] = rng_normal(rng);
		rng_free(rng);
	}
	return d;
}

static struct ran ran_make(struct arena *a, struct prog *prog)
{
	struct ran r = {.prog = prog};

	if (!prog)
		return r;
	r.times = prog_times(a, prog);
	r.run = prog_run(a, prog, &r.times, &r.graph);
	r.compiled = compile(a, prog, &r.run);
	return r;
}

static bool all_fit(const struct fit *fit, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fit_short_B(&fit[i]) > 0)
			return false;
	return true;
}

void prediction_make(struct arena *a, const struct placement *at, struct prediction *p)
{
	const struct world *w = at->world;
	const struct workload *k = &w->scenario->workload;

	*p = (struct prediction){.at = *at};
	if (k->generate) {
		p->generate_fit = arena_array(a, w->machines_n, sizeof *p->generate_fit);
		fit_generate(at, p->generate_fit);
		p->generate_fits = all_fit(p->generate_fit, w->machines_n);
	}
	if (k->train) {
		p->train_fit = arena_array(a, w->machines_n, sizeof *p->train_fit);
		fit_train(at, p->train_fit);
		p->train_fits = all_fit(p->train_fit, w->machines_n);
	}
	if (p->generate_fits) {
		p->progs = generate_build(at);
		p->first = ran_make(a, p->progs.first);
		for (int i = 0; i < GENERATE_STEPS; i++)
			p->later[i] = ran_make(a, p->progs.later[i]);
	}
	if (p->train_fits)
		p->train = ran_make(a, train_build(at));
}

void prediction_release(struct prediction *p)
{
	generate_free(&p->progs);
	prog_free(p->train.prog);
}

double training_peak_flops(const struct placement *at)
{
	const struct world *w = at->world;
	double sum = 0;

	for (size_t u = 0; u < w->units_n; u++) {
		bool used = false;

		for (int x = PHASE_FORWARD; x <= PHASE_UPDATE; x++)
			used |= placement_uses(at, (enum phase)x, u);
		if (used)
			sum += w->units[u].profile->gemm[w->scenario->precision.compute]->roof.value;
	}
	return sum;
}

/* Time that devices (not links) are busy in a program under some times. */
static double busy_s(const struct ran *r, const struct class_times *t)
{
	const size_t units = r->prog->world->units_n;
	sim_ns sum = 0;

	for (size_t i = 0; i < r->prog->tasks.n; i++)
		if (r->prog->tasks.at[i].queue < units)
			sum += t->ns[r->prog->tasks.at[i].class];
	return sim_s_of_ns(sum);
}

static size_t units_used(const struct ran *r)
{
	size_t n = 0;

	for (size_t q = 0; q < r->prog->world->units_n; q++)
		n += r->run.busy_ns[q] > 0;
	return n ? n : 1;
}

/* The ends of a program when its classes take the times t (NULL: those of the engine's run). */
static struct compiled_ends ends_of(const struct ran *r, const struct class_times *t)
{
	return r->prog ? compiled_run(r->compiled, t ? t : &r->times) : (struct compiled_ends){0};
}

struct changed { /* class times of every program of a prediction under one draw or what-if */
	struct class_times first, later[GENERATE_STEPS], train;
};

static struct values values_of(const struct prediction *p, const struct changed *c)
{
	const struct world *w = p->at.world;
	const struct workload *k = &w->scenario->workload;
	struct values r = {{0}};

	if (p->first.prog) {
		const struct compiled_ends first = ends_of(&p->first, &c->first);
		double later[GENERATE_STEPS];
		struct generate_times t;

		for (int i = 0; i < GENERATE_STEPS; i++)
			later[i] = sim_s_of_ns(ends_of(&p->later[i], &c->later[i]).makespan_ns);
		t = generate_times(k->generate, sim_s_of_ns(first.marks_ns[MARK_FIRST_TOKEN]),
				   sim_s_of_ns(first.makespan_ns), later);
		r.v[M_PREFILL] = t.prefill_tok_per_s;
		r.v[M_TTFT] = t.ttft_s;
		r.v[M_DECODE] = t.decode_tok_per_s;
		r.v[M_TPOT] = t.tpot_s;
		r.v[M_E2EL] = t.e2el_s;
	}
	if (p->train.prog) {
		const struct compiled_ends e = ends_of(&p->train, &c->train);
		const double step = sim_s_of_ns(e.makespan_ns);

		r.v[M_STEP] = step;
		r.v[M_TRAIN] = train_tokens(k->train) / step;
		r.v[M_FORWARD] = sim_s_of_ns(e.marks_ns[MARK_FORWARD]);
		r.v[M_BACKWARD] = sim_s_of_ns(e.marks_ns[MARK_BACKWARD] - e.marks_ns[MARK_FORWARD]);
		r.v[M_OPTIMIZER] = sim_s_of_ns(e.makespan_ns - e.marks_ns[MARK_BACKWARD]);
		r.v[M_BUBBLE] =
			fmax(0, 1 - busy_s(&p->train, &c->train) / ((double)units_used(&p->train) * step));
		r.v[M_MFU] = train_flop(w) / step / training_peak_flops(&p->at);
	}
	return r;
}

static struct class_times blank(struct arena *a, const struct ran *r)
{
	const size_t n = r->prog ? r->prog->classes.n : 0;

	return (struct class_times){arena_array(a, n, sizeof(sim_ns)), arena_array(a, n, sizeof(sim_ns))};
}

static struct changed changed_make(struct arena *a, const struct prediction *p)
{
	struct changed c = {.first = blank(a, &p->first), .train = blank(a, &p->train)};

	for (int i = 0; i < GENERATE_STEPS; i++)
		c.later[i] = blank(a, &p->later[i]);
	return c;
}

/* Fills the times of every program by prog_times_drawn() or prog_times_at(). */
static void change(const struct prediction *p, struct changed *c, const double (*v)[PARAM_N],
		   void (*how)(const struct prog *, const double (*)[PARAM_N], struct class_times *))
{
	if (p->first.prog)
		how(p->first.prog, v, &c->first);
	for (int i = 0; i < GENERATE_STEPS; i++)
		if (p->later[i].prog)
			how(p->later[i].prog, v, &c->later[i]);
	if (p->train.prog)
		how(p->train.prog, v, &c->train);
}

static struct changed nominal(const struct prediction *p)
{
	struct changed c = {.first = p->first.times, .train = p->train.times};

	for (int i = 0; i < GENERATE_STEPS; i++)
		c.later[i] = p->later[i].times;
	return c;
}

/* Where the time of a program, or of one phase of it, comes from: the worst source among the classes that
 * make up a twentieth of it or more; less would not show in three digits of an interval. */
static enum how from_of(const struct ran *r, enum phase only)
{
	enum how from = HOW_MEASURED;
	const size_t n = r->prog ? r->prog->classes.n : 0;
	double *s = xcalloc(n, sizeof *s), sum = 0;

	for (size_t i = 0; r->prog && i < r->prog->tasks.n; i++) {
		if (only != PHASE_N && r->prog->tasks.at[i].tag.phase != only)
			continue;
		s[r->prog->tasks.at[i].class] += sim_s_of_ns(r->times.ns[r->prog->tasks.at[i].class]);
		sum += sim_s_of_ns(r->times.ns[r->prog->tasks.at[i].class]);
	}
	for (size_t i = 0; i < n; i++)
		if (s[i] > 0.05 * sum)
			from = how_worse(from, cost_from(&r->prog->classes.at[i].cost));
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

static size_t make_metrics(struct arena *a, struct prediction *p, const struct draws *d,
			   struct metric *metrics)
{
	const struct changed now = nominal(p);
	const struct values value = values_of(p, &now);
	struct changed c = changed_make(a, p);
	double *samples[METRIC_N];
	size_t n = 0;

	for (int m = 0; m < METRIC_N; m++)
		samples[m] = arena_array(a, d->n, sizeof **samples);
	for (size_t i = 0; i < d->n; i++) {
		struct values v;

		change(p, &c, (const double(*)[PARAM_N])d->z + i * d->sources, prog_times_drawn);
		v = values_of(p, &c);
		for (int m = 0; m < METRIC_N; m++)
			samples[m][i] = v.v[m];
	}
	for (int m = 0; m < METRIC_N; m++) {
		const struct ran *r = metric_info[m].of_training                           ? &p->train
				      : m == M_PREFILL || m == M_TTFT || !p->later[1].prog ? &p->first
											   : &p->later[1];
		struct metric *out = &metrics[n];

		if (!r->prog || ((m == M_DECODE || m == M_TPOT) && value.v[m] == 0))
			continue;
		*out = (struct metric){metric_info[m].name,
				       metric_info[m].unit,
				       value.v[m],
				       0,
				       0,
				       from_of(r, m == M_PREFILL || m == M_TTFT ? PHASE_PREFILL : PHASE_N)};
		interval(a, out, samples[m], d->n);
		n++;
	}
	p->e2e_s = p->first.prog ? samples[M_E2EL] : NULL;
	p->step_s = p->train.prog ? samples[M_STEP] : NULL;
	return n;
}

/* What ten per cent more of one parameter would do to one metric; the best of all parameters. */
static void best_change(struct arena *a, const struct prediction *p, int metric, const char *word,
			struct str *out)
{
	const struct world *w = p->at.world;
	const size_t sources = prog_sources(w);
	double(*speed)[PARAM_N] = arena_array(a, sources, sizeof *speed);
	const struct changed now = nominal(p);
	struct changed c = changed_make(a, p);
	const double before = values_of(p, &now).v[metric];
	double best = 0.001;
	size_t at = 0;

	for (size_t i = 0; i < sources * PARAM_N; i++)
		speed[i / PARAM_N][i % PARAM_N] = 1;
	for (size_t i = 0; i < sources * PARAM_N; i++) {
		double gain;

		speed[i / PARAM_N][i % PARAM_N] = 1.1;
		change(p, &c, (const double(*)[PARAM_N])speed, prog_times_at);
		gain = values_of(p, &c).v[metric] / before - 1;
		speed[i / PARAM_N][i % PARAM_N] = 1;
		if (gain > best) {
			best = gain;
			at = i;
		}
	}
	if (best > 0.001)
		str_addf(out, "%s10 %% better %s: %s +%.1f %%", out->len ? "; " : "",
			 explain_param(a, w, at / PARAM_N, (int)(at % PARAM_N)), word, best * 100);
}

static struct memory_row memory_row(const struct world *w, size_t mi, const struct fit *f, const char *phase)
{
	return (struct memory_row){w->machines[mi].origin.name,
				   phase,
				   fit_need_B(f),
				   f->usable_B,
				   f->weights_B,
				   f->kv_B,
				   f->activations_B,
				   f->gradients_B,
				   f->optimizer_B};
}

/* For each machine the workload that needs most there. */
static void make_memory(struct arena *a, const struct prediction *p, struct assignment_row *row)
{
	const struct world *w = p->at.world;
	struct memory_row *rows = arena_array(a, w->machines_n, sizeof *rows);

	for (size_t i = 0; i < w->machines_n; i++) {
		const struct fit *g = p->generate_fit ? &p->generate_fit[i] : NULL,
				 *t = p->train_fit ? &p->train_fit[i] : NULL;
		const bool train = t && (!g || fit_need_B(t) > fit_need_B(g));
		const struct fit *f = train ? t : g;
		const double missing = fit_short_B(f);

		if (fit_need_B(f) <= 0)
			continue;
		rows[row->memory_n++] = memory_row(w, i, f, train ? "train" : "generate");
		if (missing > row->short_B) {
			row->short_B = missing;
			row->short_on = w->machines[i].origin.name;
		}
	}
	row->memory = rows;
}

const char *queue_name(struct arena *a, const struct world *w, size_t q)
{
	const struct joint *j;
	size_t from;

	if (q < w->units_n)
		return w->units[q].name;
	j = &w->joints[(q - w->units_n) / 2];
	from = (q - w->units_n) % 2;
	return arena_printf(a, "%s %s>%s", j->link->origin.name, w->machines[j->ends[from]].origin.name,
			    w->machines[j->ends[1 - from]].origin.name);
}

static void make_busy(struct arena *a, const struct prediction *p, struct assignment_row *row)
{
	const struct world *w = p->at.world;
	const size_t queues = prog_queues(w);
	struct busy_row *rows = arena_array(a, 2 * queues, sizeof *rows);
	const struct changed now = nominal(p);
	const double e2e = values_of(p, &now).v[M_E2EL];

	for (size_t q = 0; q < queues && p->first.prog; q++) {
		double busy = sim_s_of_ns(p->first.run.busy_ns[q]);
		double later[GENERATE_STEPS] = {0};

		for (int i = 0; i < GENERATE_STEPS && p->later[i].prog; i++)
			later[i] = sim_s_of_ns(p->later[i].run.busy_ns[q]);
		busy += generate_over_steps((double)p->progs.steps, later);
		if (busy > 0)
			rows[row->busy_n++] = (struct busy_row){queue_name(a, w, q), "generate", busy / e2e};
	}
	for (size_t q = 0; q < queues && p->train.prog; q++)
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
	if (!row.fits && (p->first.prog || p->train.prog))
		row.short_phase = p->first.prog ? "train" : "generate";
	row.bound = explain_bound(a, p);
	if (p->first.prog)
		best_change(a, p, p->later[0].prog ? M_DECODE : M_PREFILL,
			    p->later[0].prog ? "decode" : "prefill", &advice);
	if (p->train.prog)
		best_change(a, p, M_TRAIN, "training", &advice);
	row.advice = advice.len ? arena_strdup(a, advice.text) : NULL;
	str_release(&advice);
	return row;
}
