/* predict.c - see predict.h. */
#include "sim/predict/predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Identical layers are one load. A class runs on few queues: the copies to and from a link alone on two. */
static void count_loads(struct arena *a, struct ran *r)
{
	const struct prog *p = r->prog;
	uint32_t *newest = arena_array(a, p->classes.n, sizeof *newest); /* load + 1 */
	uint32_t *older = arena_array(a, p->tasks.n, sizeof *older);

	r->loads = arena_array(a, p->tasks.n, sizeof *r->loads);
	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct prog_task *t = &p->tasks.at[i];
		uint32_t l = newest[t->class];

		while (l && r->loads[l - 1].queue != t->queue)
			l = older[l - 1];
		if (!l) {
			r->loads[r->loads_n] = (struct load){t->queue, t->class, 0};
			older[r->loads_n++] = newest[t->class];
			l = newest[t->class] = (uint32_t)r->loads_n;
		}
		r->loads[l - 1].n++;
	}
}

static struct ran ran_make(struct arena *a, struct prog *prog)
{
	struct ran r = {.prog = prog};

	if (!prog)
		return r;
	r.times = prog_times(a, prog);
	r.run = prog_run(a, prog, &r.times, &r.graph);
	r.compiled = compile(a, prog, &r.run);
	count_loads(a, &r);
	return r;
}

static bool *machines_of(struct arena *a, const struct placement *at, enum job job)
{
	static const enum phase ends[][2] = {
		[JOB_GENERATE] = {PHASE_PREFILL, PHASE_DECODE}, [JOB_TRAIN] = {PHASE_FORWARD, PHASE_UPDATE}};
	const struct world *w = at->world;
	bool *used = arena_array(a, w->machines_n, sizeof *used);

	for (size_t u = 0; u < w->units_n; u++)
		for (int x = (int)ends[job][0]; x <= (int)ends[job][1]; x++)
			used[w->units[u].machine] |= placement_uses(at, (enum phase)x, u);
	return used;
}

static bool all_fit(const struct fit *fit, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fit_short_B(&fit[i]) > 0)
			return false;
	return true;
}

/* What a step needs shows when it has run; one that does not fit is forgotten. */
static void run_training(struct arena *a, struct prediction *p)
{
	const struct world *w = p->at.world;
	struct ran r = ran_make(a, train_build(&p->at));

	p->train_use = arena_array(a, w->machines_n, sizeof *p->train_use);
	p->train_fit = arena_array(a, w->machines_n, sizeof *p->train_fit);
	train_memory(a, &p->at, r.prog, &r.run, p->train_use);
	for (size_t i = 0; i < w->machines_n; i++) {
		const struct memory_use *u = &p->train_use[i];

		p->train_fit[i] = u->peak;
	}
	p->train_fits = all_fit(p->train_fit, w->machines_n);
	if (p->train_fits) {
		p->train = r;
		p->train_flop = train_flop(w);
	} else {
		prog_free(r.prog);
	}
}

void prediction_make(struct arena *a, const struct placement *at, struct prediction *p)
{
	const struct world *w = at->world;
	const struct workload *k = &w->scenario->workload;

	*p = (struct prediction){.at = *at};
	for (int j = 0; j < JOB_N; j++)
		p->uses[j] = machines_of(a, at, (enum job)j);
	if (k->generate) {
		p->generate_fit = arena_array(a, w->machines_n, sizeof *p->generate_fit);
		fit_generate(at, p->generate_fit);
		p->generate_fits = all_fit(p->generate_fit, w->machines_n);
	}
	if (k->train)
		run_training(a, p);
	if (p->generate_fits) {
		p->progs = generate_build(at);
		p->first = ran_make(a, p->progs.first);
		for (int i = 0; i < GENERATE_STEPS; i++)
			p->later[i] = ran_make(a, p->progs.later[i]);
	}
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

struct ways ways_nominal(const struct prediction *p)
{
	struct ways c = {.first = p->first.times, .train = p->train.times};

	for (int i = 0; i < GENERATE_STEPS; i++)
		c.later[i] = p->later[i].times;
	return c;
}

struct ways ways_make(struct arena *a, const struct prediction *p)
{
	struct ways c = {.first = prog_times_new(a, p->first.prog),
			 .train = prog_times_new(a, p->train.prog)};

	for (int i = 0; i < GENERATE_STEPS; i++)
		c.later[i] = prog_times_new(a, p->later[i].prog);
	return c;
}

void ways_fill(const struct prediction *p, struct ways *c, const struct params *v, ways_how *how)
{
	if (p->first.prog)
		how(p->first.prog, v, &c->first);
	for (int i = 0; i < GENERATE_STEPS; i++)
		if (p->later[i].prog)
			how(p->later[i].prog, v, &c->later[i]);
	if (p->train.prog)
		how(p->train.prog, v, &c->train);
}

struct compiled_ends ran_ends(const struct ran *r, const struct class_times *t)
{
	return r->prog ? compiled_run(r->compiled, t) : (struct compiled_ends){0};
}

static void add_busy(const struct ran *r, const struct class_times *t, double times, double *busy_ns)
{
	for (size_t i = 0; i < r->loads_n; i++)
		busy_ns[r->loads[i].queue] +=
			times * (double)(t->ns[r->loads[i].class] * (sim_ns)r->loads[i].n);
}

void prediction_busy(const struct prediction *p, enum job job, const struct ways *w, double *busy_ns)
{
	memset(busy_ns, 0, prog_queues(p->at.world) * sizeof *busy_ns);
	if (job == JOB_TRAIN) {
		add_busy(&p->train, &w->train, 1, busy_ns);
		return;
	}
	add_busy(&p->first, &w->first, 1, busy_ns);
	for (int i = 0; i < GENERATE_STEPS; i++) {
		double one[GENERATE_STEPS] = {0};

		one[i] = 1.0 / p->progs.repeat;
		add_busy(&p->later[i], &w->later[i], generate_over_steps(&p->progs, one), busy_ns);
	}
}

struct generate_times prediction_generate(const struct prediction *p, const struct ways *c)
{
	const struct compiled_ends first = ran_ends(&p->first, &c->first);
	double later[GENERATE_STEPS] = {0};
	struct generate g;

	if (!p->first.prog)
		return (struct generate_times){0};
	for (int i = 0; i < GENERATE_STEPS; i++)
		if (p->later[i].prog) {
			const struct compiled_ends e = ran_ends(&p->later[i], &c->later[i]);

			later[i] = generate_step_s(&p->progs, &e);
		}
	g = placement_generate(&p->at);
	return generate_times(&p->progs, &g, sim_s_of_ns(first.marks_ns[MARK_FIRST_TOKEN]),
			      sim_s_of_ns(first.makespan_ns), later);
}

const char *queue_name(struct arena *a, const struct world *w, size_t q)
{
	const struct joint *j;
	size_t from;

	if (q < w->units_n)
		return w->units[q].name;
	if (!prog_is_link(w, q))
		return arena_printf(a, "%s.disk", w->machines[q - prog_disk(w, 0)].origin.name);
	j = &w->joints[(q - w->units_n) / 2];
	from = (q - w->units_n) % 2;
	return arena_printf(a, "%s %s>%s", j->link->origin.name, w->machines[j->ends[from]].origin.name,
			    w->machines[j->ends[1 - from]].origin.name);
}

size_t prediction_machines(const struct prediction *p)
{
	size_t n = 0;

	for (size_t m = 0; m < p->at.world->machines_n; m++)
		n += p->uses[JOB_GENERATE][m] || p->uses[JOB_TRAIN][m];
	return n;
}
