/* program_job.c - see program_job.h. */
#include "sim/predict/program_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/predict/draws.h"
#include "sim/predict/energy_cost.h"
#include "sim/predict/explain.h"
#include "sim/predict/predict.h"
#include "sim/step/joined.h"
#include "sim/step/loop.h"
#include "sim/step/pass_class.h"

const struct program_runs *program_runs(const struct job_run *r)
{
	return r->type->programs ? r->state : NULL;
}

/* ---- programs, run and compiled ---- */

struct counting {
	VEC(struct load) loads;
	VEC(uint32_t) older; /* [load]: 1 + that of the same class before it; 0: none */
	uint32_t *newest;    /* [class]: 1 + its latest load */
};

/* A class runs on few queues: only the copies to and from a link on two. */
static void count(struct counting *x, uint32_t queue, uint32_t op_class, uint32_t n)
{
	uint32_t l = x->newest[op_class];

	while (l && x->loads.at[l - 1].queue != queue)
		l = x->older.at[l - 1];
	if (!l) {
		VEC_ADD(&x->loads, (struct load){queue, op_class, 0});
		VEC_ADD(&x->older, x->newest[op_class]);
		l = x->newest[op_class] = (uint32_t)x->loads.n;
	}
	x->loads.at[l - 1].n += n;
}

static void count_classes(struct counting *x, const struct program *p, const struct pass_part *part,
			  uint32_t times)
{
	struct class_part own;
	size_t n;
	const struct class_part *parts = class_parts(p, part->op_class, &own, &n);

	for (size_t k = 0; k < n; k++)
		count(x, part->queue, parts[k].op_class, parts[k].n * times);
}

/* Identical layers become one load. */
static void count_loads(struct arena *a, struct simulated *r)
{
	const struct program *p = r->program;
	struct counting x = {.newest = xcalloc(p->op_classes.n, sizeof *x.newest)};
	struct arena scratch = ARENA_INIT;
	uint32_t *passes = pass_counts(&scratch, p); /* that are not counted yet */

	for (size_t i = 0; i < p->tasks.n; i++) {
		struct pass_part own;
		size_t n;
		const struct pass_part *parts = pass_parts(p, (uint32_t)i, &own, &n);
		uint32_t *left = &passes[p->tasks.at[i].op_class];
		const uint32_t times = parts == &own ? loop_times(p, (uint32_t)i) : *left;

		for (size_t k = 0; k < n && times; k++)
			count_classes(&x, p, &parts[k], times);
		*left = 0;
	}
	r->loads = arena_room(a, x.loads.n, sizeof *r->loads);
	r->loads_n = x.loads.n;
	if (x.loads.n)
		memcpy(r->loads, x.loads.at, x.loads.n * sizeof *r->loads);
	VEC_FREE(&x.loads);
	VEC_FREE(&x.older);
	free(x.newest);
	arena_release(&scratch);
}

static struct simulated simulated_make(struct arena *a, struct program *program)
{
	struct simulated r = {.program = program};

	if (!program)
		return r;
	r.times = program_times(a, program);
	if (!loop_run(a, program, &r.times, &r.graph, &r.run))
		BUG("a program's loop is not periodic with the parameters that it was built for");
	r.compiled = compile(a, program, &r.run);
	count_loads(a, &r);
	return r;
}

struct compiled_ends program_job_ends(struct program *program)
{
	struct arena a = ARENA_INIT;
	const struct simulated r = simulated_make(&a, program);
	const struct compiled_ends ends =
		program ? compiled_run(r.compiled, &r.times) : (struct compiled_ends){0};

	arena_release(&a);
	return ends;
}

struct simulated *simulated_whole(struct arena *a, const struct simulated *r)
{
	struct simulated *whole;
	struct program *p;

	if (!r->program->loop.n && !r->program->joins)
		return NULL;
	whole = arena_alloc(a, sizeof *whole);
	p = loop_unrolled(r->program);
	*whole = simulated_make(a, joined_undone(p));
	program_free(p);
	return whole;
}

static void free_programs(struct program_runs *runs)
{
	for (size_t i = 0; i < JOB_PROGRAMS; i++)
		program_free(runs->run[i].program);
}

static bool all_fit(const struct footprint *footprint, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (footprint_short_B(&footprint[i]) > 0)
			return false;
	return true;
}

static struct program_runs *run_programs(struct arena *a, const struct job_run *r)
{
	struct program_runs *runs = arena_alloc(a, sizeof *runs);
	struct program *programs[JOB_PROGRAMS] = {NULL};

	*runs = (struct program_runs){.own = NULL};
	r->type->programs->build(a, r->at, programs, &runs->own);
	for (size_t i = 0; i < JOB_PROGRAMS; i++)
		runs->run[i] = simulated_make(a, programs[i]);
	runs->drawn = drawn_programs_make(a, programs, JOB_PROGRAMS);
	return runs;
}

/* The memory that a job needs is known before it runs (footprint), or only by running it (memory). */
void program_job_make(struct arena *a, struct job_run *r)
{
	const struct program_job *job = r->type->programs;
	const size_t n = r->at->world->machines_n;
	struct program_runs *runs = job->footprint ? NULL : run_programs(a, r);

	r->footprint = arena_array(a, n, sizeof *r->footprint);
	if (job->footprint) {
		job->footprint(r->at, r->footprint);
	} else {
		r->memory = arena_array(a, n, sizeof *r->memory);
		job->memory(a, r->at, runs->run[0].program, &runs->run[0].run, r->memory);
		for (size_t i = 0; i < n; i++)
			r->footprint[i] = r->memory[i].peak;
	}
	r->fits = all_fit(r->footprint, n);
	if (r->fits)
		r->state = runs ? runs : run_programs(a, r);
	else if (runs)
		free_programs(runs);
}

void program_job_release(struct job_run *r)
{
	if (r->state)
		free_programs(r->state);
}

/* ---- times under conditions ---- */

/* Of one thread. */
struct scratch {
	struct class_times t[JOB_PROGRAMS];
	struct drawn_times drawn[JOB_PROGRAMS]; /* of several draws */
	double *busy_ns;                        /* [queue] */
};

void *program_job_scratch(struct arena *a, const struct job_run *r, size_t thread)
{
	const struct program_runs *runs = r->state;
	struct scratch *s = arena_alloc(a, sizeof *s);

	(void)thread;
	s->busy_ns = arena_array(a, program_queues(r->at->world), sizeof *s->busy_ns);
	for (size_t i = 0; i < JOB_PROGRAMS; i++) {
		s->t[i] = program_times_new(a, runs->run[i].program);
		s->drawn[i] = drawn_times_new(a, runs->run[i].program);
	}
	return s;
}

void program_job_nominal(const struct program_runs *r, struct class_times *t)
{
	for (size_t i = 0; i < JOB_PROGRAMS; i++)
		t[i] = r->run[i].times;
}

struct compiled_ends simulated_ends(const struct simulated *r, const struct class_times *t)
{
	return r->program ? compiled_run(r->compiled, t) : (struct compiled_ends){0};
}

void program_job_busy_ns(const struct job_run *r, const struct class_times *t, double *busy_ns)
{
	const struct program_runs *runs = r->state;

	memset(busy_ns, 0, program_queues(r->at->world) * sizeof *busy_ns);
	for (size_t i = 0; i < JOB_PROGRAMS; i++) {
		const struct simulated *s = &runs->run[i];
		const double weight = s->program ? r->type->programs->weight(runs, i) : 0;

		for (size_t k = 0; k < s->loads_n; k++)
			busy_ns[s->loads[k].queue] +=
				weight * (double)(t[i].ns[s->loads[k].op_class] * (sim_ns)s->loads[k].n);
	}
}

static void put_power(const struct job_type *type, double joules, double usd, double *of)
{
	for (size_t i = 0; i < type->metrics_n; i++) {
		if (type->metrics[i].needs == METRIC_OF_POWER)
			of[i] = joules;
		if (type->metrics[i].needs == METRIC_OF_POWER_AND_PRICE)
			of[i] = usd;
	}
}

/* Energy and dollars of the whole job, by its tokens. */
static void add_energy_cost(const struct job_run *r, const struct conditions *c, const double *busy_ns,
			    double *of)
{
	const struct job_type *type = r->type;
	const struct program_job *job = type->programs;
	const double tokens = job->tokens(r->at->world),
		     equals = job->stands_for ? job->stands_for(r->at) : 1;
	const struct energy_cost e =
		energy_cost_of(r->at->world, r->uses, of[type->compared], busy_ns, c->power);

	put_power(type, equals * e.energy_J / tokens, equals * e.usd / tokens * 1e6, of);
}

/* busy_ns: room for all queues, if they are wanted. */
static void put_values(const struct job_run *r, const struct compiled_ends ends[JOB_PROGRAMS],
		       const struct class_times t[JOB_PROGRAMS], const struct conditions *c, double *busy_ns,
		       double *of)
{
	const struct program_job *job = r->type->programs;

	if (!c->times_alone || job->classes)
		program_job_busy_ns(r, t, busy_ns);
	job->values(r, ends, t, busy_ns, of);
	if (c->times_alone)
		put_power(r->type, NAN, NAN, of);
	else
		add_energy_cost(r, c, busy_ns, of);
}

int program_job_values(const struct job_run *r, void *scratch, const struct conditions *c, double *of,
		       struct err *err)
{
	const struct program_runs *runs = r->state;
	struct scratch *s = scratch;
	struct class_times nominal[JOB_PROGRAMS];
	const struct class_times *t = c->params ? s->t : nominal;
	struct compiled_ends ends[JOB_PROGRAMS];
	double *busy_ns = xcalloc(program_queues(r->at->world), sizeof *busy_ns);

	(void)err; /* all was read before */
	BUG_ON(c->drawn);
	program_job_nominal(runs, nominal);
	for (size_t i = 0; i < JOB_PROGRAMS; i++) {
		if (c->params && runs->run[i].program)
			program_times_at(runs->run[i].program, c->params, &s->t[i]);
		ends[i] = simulated_ends(&runs->run[i], &t[i]);
	}
	put_values(r, ends, t, c, busy_ns, of);
	free(busy_ns);
	return 0;
}

/* The ends of a program under each of some draws. */
static void run_draws(const struct simulated *r, const struct draws_at *at, const struct drawn_times *drawn,
		      const struct class_times *t, struct compiled_ends *ends)
{
	struct class_times own = *t;

	if (compiled_draws_may(r->compiled)) {
		compiled_draws(r->compiled, drawn, ends, JOB_PROGRAMS);
		return;
	}
	for (size_t k = 0; k < at->n; k++) {
		drawn_times_of(r->program, drawn, at->z + k * at->sources, k, &own);
		ends[k * JOB_PROGRAMS] = compiled_run(r->compiled, &own);
	}
}

void program_job_draws(const struct job_run *r, void *scratch, const struct draws *d, size_t first, size_t n,
		       bool times_alone, metrics_of *of)
{
	const struct program_runs *runs = r->state;
	const struct draws_at at = {&d->z[first * d->sources], d->sources, n};
	const bool classes = !times_alone || r->type->programs->classes;
	struct compiled_ends ends[DRAWN_AT_ONCE][JOB_PROGRAMS];
	struct scratch *s = scratch;

	drawn_programs_times(runs->drawn, &at, s->drawn);
	for (size_t i = 0; i < JOB_PROGRAMS; i++)
		if (runs->run[i].program)
			run_draws(&runs->run[i], &at, &s->drawn[i], &s->t[i], &ends[0][i]);
	for (size_t k = 0; k < n; k++) {
		const struct conditions c = {.power = &d->power[(first + k) * d->sockets],
					     .times_alone = times_alone};

		for (size_t i = 0; classes && i < JOB_PROGRAMS; i++)
			if (runs->run[i].program)
				drawn_times_of(runs->run[i].program, &s->drawn[i], NULL, k, &s->t[i]);
		put_values(r, ends[k], s->t, &c, s->busy_ns, of[k]);
	}
}

static enum provenance class_from(const struct op_class *c)
{
	const enum provenance from = cost_from(&c->cost);

	return c->lag_s > 0 ? provenance_worse(from, c->lag_from) : from;
}

enum provenance simulated_from(const struct simulated *r, enum phase only)
{
	enum provenance from = PROVENANCE_MEASURED;
	const size_t n = r->program ? r->program->op_classes.n : 0;
	double *s = xcalloc(n, sizeof *s), *each = xcalloc(n, sizeof *each), sum = 0;

	for (size_t i = 0; i < n; i++)
		each[i] = sim_s_of_ns(r->times.ns[i] + r->times.lag_ns[i]);
	for (size_t i = 0; i < r->loads_n && only == PHASE_N; i++) {
		s[r->loads[i].op_class] += r->loads[i].n * each[r->loads[i].op_class];
		sum += r->loads[i].n * each[r->loads[i].op_class];
	}
	for (size_t i = 0; r->program && only != PHASE_N && i < r->program->tasks.n; i++) {
		const struct program_task *t = &r->program->tasks.at[i];
		struct class_part own;
		size_t parts_n;
		const struct class_part *parts = class_parts(r->program, t->op_class, &own, &parts_n);

		for (size_t k = 0; t->label.phase == only && k < parts_n; k++) {
			s[parts[k].op_class] +=
				parts[k].n * loop_times(r->program, (uint32_t)i) * each[parts[k].op_class];
			sum += parts[k].n * loop_times(r->program, (uint32_t)i) * each[parts[k].op_class];
		}
	}
	for (size_t i = 0; i < n; i++)
		if (s[i] > 0.05 * sum)
			from = provenance_worse(from, class_from(&r->program->op_classes.at[i]));
	free(s);
	free(each);
	return from;
}

/* ---- what is said of a run ---- */

const char *program_job_bound(struct arena *a, const struct job_run *r)
{
	const struct program_runs *runs = r->state;
	double times[JOB_PROGRAMS];

	for (size_t i = 0; i < JOB_PROGRAMS; i++)
		times[i] = runs->run[i].program ? r->type->programs->weight(runs, i) : 0;
	return explain_largest(a, r->at->world, runs->run, times, JOB_PROGRAMS);
}

size_t program_job_busy(struct arena *a, const struct job_run *r, struct busy_row *rows)
{
	const struct world *w = r->at->world;
	size_t n = 0;

	for (size_t q = 0; q < program_queues(w); q++) {
		const double share = r->type->programs->busy_share(r, q);

		if (share > 0)
			rows[n++] = (struct busy_row){queue_name(a, w, q), job_name(job_of(r)), share};
	}
	return n;
}

void program_job_verdict(struct str *out, const struct job_run *r, const struct job_run *alone, size_t draws)
{
	const struct program_job *job = r->type->programs;
	const struct program_runs *runs = r->state;
	bool crosses = false;

	explain_compare(out, r, alone, draws);
	for (size_t i = 0; i < JOB_PROGRAMS; i++) {
		struct crossing c;

		if (!job->when[i])
			continue;
		c = explain_crossing(&runs->run[i], job->covers(runs, i).tokens);
		if (!i && c.bytes <= 0)
			return;
		str_add(out, crosses ? ", " : "; ");
		explain_traffic(out, job->when[i], &c);
		crosses = true;
	}
}
