/* predict.c - see predict.h. */
#include "sim/predict/predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Identical layers are one load. A class runs on few queues: the copies to and from a link alone on two. */
static void count_loads(struct arena *a, struct simulated *r)
{
	const struct program *p = r->program;
	uint32_t *newest = arena_array(a, p->op_classes.n, sizeof *newest); /* load + 1 */
	uint32_t *older = arena_array(a, p->tasks.n, sizeof *older);

	r->loads = arena_array(a, p->tasks.n, sizeof *r->loads);
	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct program_task *t = &p->tasks.at[i];
		uint32_t l = newest[t->op_class];

		while (l && r->loads[l - 1].queue != t->queue)
			l = older[l - 1];
		if (!l) {
			r->loads[r->loads_n] = (struct load){t->queue, t->op_class, 0};
			older[r->loads_n++] = newest[t->op_class];
			l = newest[t->op_class] = (uint32_t)r->loads_n;
		}
		r->loads[l - 1].n++;
	}
}

static struct simulated ran_make(struct arena *a, struct program *program)
{
	struct simulated r = {.program = program};

	if (!program)
		return r;
	r.times = program_times(a, program);
	r.run = program_run(a, program, &r.times, &r.graph);
	r.compiled = compile(a, program, &r.run);
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

static bool all_fit(const struct footprint *footprint, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (footprint_short_B(&footprint[i]) > 0)
			return false;
	return true;
}

/* What a step needs shows when it has run; one that does not fit is forgotten. */
static void run_training(struct arena *a, struct prediction *p)
{
	const struct world *w = p->at.world;
	struct simulated r = ran_make(a, train_build(&p->at));

	p->train_use = arena_array(a, w->machines_n, sizeof *p->train_use);
	p->train_footprint = arena_array(a, w->machines_n, sizeof *p->train_footprint);
	train_memory(a, &p->at, r.program, &r.run, p->train_use);
	for (size_t i = 0; i < w->machines_n; i++) {
		const struct memory_use *u = &p->train_use[i];

		p->train_footprint[i] = u->peak;
	}
	p->train_fits = all_fit(p->train_footprint, w->machines_n);
	if (p->train_fits) {
		p->train = r;
		p->train_flop = train_flop(w);
	} else {
		program_free(r.program);
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
		p->generate_footprint = arena_array(a, w->machines_n, sizeof *p->generate_footprint);
		footprint_generate(at, p->generate_footprint);
		p->generate_fits = all_fit(p->generate_footprint, w->machines_n);
	}
	if (k->train)
		run_training(a, p);
	if (p->generate_fits) {
		p->programs = generate_build(at);
		p->first = ran_make(a, p->programs.first);
		for (int i = 0; i < GENERATE_STEPS; i++)
			p->later[i] = ran_make(a, p->programs.later[i]);
	}
}

void prediction_release(struct prediction *p)
{
	generate_free(&p->programs);
	program_free(p->train.program);
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

struct class_times_set class_times_set_nominal(const struct prediction *p)
{
	struct class_times_set c = {.first = p->first.times, .train = p->train.times};

	for (int i = 0; i < GENERATE_STEPS; i++)
		c.later[i] = p->later[i].times;
	return c;
}

struct class_times_set class_times_set_make(struct arena *a, const struct prediction *p)
{
	struct class_times_set c = {.first = program_times_new(a, p->first.program),
				    .train = program_times_new(a, p->train.program)};

	for (int i = 0; i < GENERATE_STEPS; i++)
		c.later[i] = program_times_new(a, p->later[i].program);
	return c;
}

void class_times_set_fill(const struct prediction *p, struct class_times_set *c, const struct params *v,
			  class_times_filler *fill)
{
	if (p->first.program)
		fill(p->first.program, v, &c->first);
	for (int i = 0; i < GENERATE_STEPS; i++)
		if (p->later[i].program)
			fill(p->later[i].program, v, &c->later[i]);
	if (p->train.program)
		fill(p->train.program, v, &c->train);
}

struct compiled_ends simulated_ends(const struct simulated *r, const struct class_times *t)
{
	return r->program ? compiled_run(r->compiled, t) : (struct compiled_ends){0};
}

static void add_busy(const struct simulated *r, const struct class_times *t, double times, double *busy_ns)
{
	for (size_t i = 0; i < r->loads_n; i++)
		busy_ns[r->loads[i].queue] +=
			times * (double)(t->ns[r->loads[i].op_class] * (sim_ns)r->loads[i].n);
}

void prediction_busy(const struct prediction *p, enum job job, const struct class_times_set *w,
		     double *busy_ns)
{
	memset(busy_ns, 0, program_queues(p->at.world) * sizeof *busy_ns);
	if (job == JOB_TRAIN) {
		add_busy(&p->train, &w->train, 1, busy_ns);
		return;
	}
	add_busy(&p->first, &w->first, 1, busy_ns);
	for (int i = 0; i < GENERATE_STEPS; i++) {
		double one[GENERATE_STEPS] = {0};

		one[i] = 1.0 / p->programs.repeat;
		add_busy(&p->later[i], &w->later[i], generate_over_steps(&p->programs, one), busy_ns);
	}
}

struct generate_times prediction_generate(const struct prediction *p, const struct class_times_set *c)
{
	const struct compiled_ends first = simulated_ends(&p->first, &c->first);
	double later[GENERATE_STEPS] = {0};
	struct generate g;

	if (!p->first.program)
		return (struct generate_times){0};
	for (int i = 0; i < GENERATE_STEPS; i++)
		if (p->later[i].program) {
			const struct compiled_ends e = simulated_ends(&p->later[i], &c->later[i]);

			later[i] = generate_step_s(&p->programs, &e);
		}
	g = placement_generate(&p->at);
	return generate_times(&p->programs, &g, sim_s_of_ns(first.marks_ns[MARK_FIRST_TOKEN]),
			      sim_s_of_ns(first.makespan_ns), later);
}

const char *queue_name(struct arena *a, const struct world *w, size_t index)
{
	const struct queue q = queue_at(w, index);

	switch (q.kind) {
	case QUEUE_DEVICE:
		return w->units[q.of].name;
	case QUEUE_DISK:
		return arena_printf(a, "%s.disk", w->machines[q.of].origin.name);
	case QUEUE_LINK:
		return arena_printf(a, "%s %s>%s", w->link_uses[q.of].link->origin.name,
				    w->machines[queue_machine(w, q)].origin.name,
				    w->machines[queue_receiver(w, q)].origin.name);
	}
	BUG("queue kind %d", (int)q.kind);
}

size_t prediction_machines(const struct prediction *p)
{
	size_t n = 0;

	for (size_t m = 0; m < p->at.world->machines_n; m++)
		n += p->uses[JOB_GENERATE][m] || p->uses[JOB_TRAIN][m];
	return n;
}
