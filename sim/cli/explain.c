/* explain.c - see explain.h. */
#include "sim/cli/explain.h"

#include <stdlib.h>
#include <string.h>

enum { JOINT_COPIES = PARAM_N - 1 }; /* a joint's third entry: host copies at its ends */

const char *explain_param(struct arena *a, const struct world *w, size_t source, int param)
{
	static const char *const of_joint[PARAM_N] = {"latency", "bandwidth", "host copies"};

	if (source < w->units_n)
		return arena_printf(a, "%s of %s", param_names[param], w->units[source].name);
	return arena_printf(a, "%s of %s", of_joint[param], w->joints[source - w->units_n].link->origin.name);
}

/* Adds up the critical path by source and parameter. */
static void walk(struct arena *a, const struct ran *r, double (*sum)[PARAM_N])
{
	uint32_t *path = arena_array(a, r->prog->tasks.n, sizeof *path);
	const size_t n = task_critical_path(&r->graph, &r->run, path);

	for (size_t i = 0; i < n; i++) {
		const struct class *c = &r->prog->classes.at[r->prog->tasks.at[path[i]].class];
		double *s = sum[c->source];

		if (c->kind != CLASS_OP) {
			s[c->kind == CLASS_SEND || c->kind == CLASS_REDUCE ? SPEED_BANDWIDTH
									   : JOINT_COPIES] +=
				c->cost.memory.s;
			s[SPEED_LATENCY] += c->lag_s;
			continue;
		}
		if (c->cost.arithmetic.s >= c->cost.memory.s)
			s[PARAM_ARITHMETIC] += c->cost.arithmetic.s;
		else
			s[PARAM_MEMORY] += c->cost.memory.s;
		s[PARAM_OVERHEAD] += c->cost.overhead.s;
	}
}

static const char *largest(struct arena *a, const struct ran *r)
{
	const struct world *w = r->prog->world;
	const size_t sources = prog_sources(w);
	double(*sum)[PARAM_N] = arena_array(a, sources, sizeof *sum);
	size_t best = 0;

	walk(a, r, sum);
	for (size_t i = 0; i < sources * PARAM_N; i++)
		if (sum[i / PARAM_N][i % PARAM_N] > sum[best / PARAM_N][best % PARAM_N])
			best = i;
	return explain_param(a, w, best / PARAM_N, (int)(best % PARAM_N));
}

const char *explain_bound(struct arena *a, const struct prediction *p)
{
	const struct ran *generate = p->later[1].prog ? &p->later[1] : &p->first;
	const char *g = generate->prog ? largest(a, generate) : NULL,
		   *t = p->train.prog ? largest(a, &p->train) : NULL;

	if (g && t)
		return arena_printf(a, "%s; training: %s", g, t);
	if (g || t)
		return g ? g : t;
	return "memory capacity";
}

/* Of one program: bytes over links, and the time that its critical path spends on them. */
struct crossing {
	double bytes, wait_s;
};

static struct crossing crossing_of(const struct ran *r)
{
	struct crossing c = {0, 0};
	struct arena scratch = ARENA_INIT;
	const struct world *w;
	double(*sum)[PARAM_N];

	if (!r->prog)
		return c;
	w = r->prog->world;
	sum = arena_array(&scratch, prog_sources(w), sizeof *sum);
	for (size_t i = 0; i < r->prog->tasks.n; i++) {
		const struct class *k = &r->prog->classes.at[r->prog->tasks.at[i].class];

		c.bytes += k->kind == CLASS_SEND || k->kind == CLASS_REDUCE ? k->bytes : 0;
	}
	walk(&scratch, r, sum);
	for (size_t s = w->units_n; s < prog_sources(w); s++)
		for (int i = 0; i < PARAM_N; i++)
			c.wait_s += sum[s][i];
	arena_release(&scratch);
	return c;
}

static size_t machines_used(const struct prediction *p)
{
	const struct world *w = p->at.world;
	size_t n = 0;

	for (size_t m = 0; m < w->machines_n; m++) {
		bool used = false;

		for (size_t u = 0; u < w->units_n; u++)
			for (int x = 0; x < PHASE_N; x++)
				used |= w->units[u].machine == m && placement_uses(&p->at, (enum phase)x, u);
		n += used;
	}
	return n;
}

static double e2e_s(const struct prediction *p)
{
	const struct generate *g = p->at.world->scenario->workload.generate;
	double later[GENERATE_STEPS];

	if (!p->first.prog)
		return 0;
	for (int i = 0; i < GENERATE_STEPS; i++)
		later[i] = p->later[i].prog ? sim_s_of_ns(p->later[i].run.makespan_ns) : 0;
	return generate_times(g, 1, sim_s_of_ns(p->first.run.makespan_ns), later).e2el_s;
}

static double step_s(const struct prediction *p)
{
	return p->train.prog ? sim_s_of_ns(p->train.run.makespan_ns) : 0;
}

/* The quickest assignment that uses one machine, by one of the two measures; NULL if none runs. */
static const struct prediction *best_alone(const struct prediction *all, size_t n,
					   double (*measure)(const struct prediction *))
{
	const struct prediction *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (machines_used(&all[i]) == 1 && measure(&all[i]) > 0 &&
		    (!best || measure(&all[i]) < measure(best)))
			best = &all[i];
	return best;
}

static void size_text(struct str *out, double bytes)
{
	units_format(out, bytes, DIM_BYTES, 3);
}

static void seconds_text(struct str *out, double s)
{
	units_format(out, s, DIM_TIME, 3);
}

/* "generation pays: 20.1 s end to end against 24.1 s ('all on M4 Pro')" */
static void compare(struct str *out, const char *what, double here, const struct prediction *alone,
		    double there)
{
	const double gain = there / here - 1;

	str_addf(out, "%s %s: ", what,
		 gain > 0.005    ? "pays"
		 : gain < -0.005 ? "does not pay"
				 : "changes nothing");
	seconds_text(out, here);
	str_add(out, " against ");
	seconds_text(out, there);
	str_addf(out, " (%s), %.3g times as fast", alone->at.assignment->name, there / here);
}

static void generate_verdict(struct str *out, const struct prediction *p, const struct prediction *alone)
{
	const struct crossing first = crossing_of(&p->first), step = crossing_of(&p->later[1]);
	const double later_B = step.bytes > 0 ? step.bytes : 0;

	compare(out, "generation", e2e_s(p), alone, e2e_s(alone));
	str_add(out, "; the link carries ");
	size_text(out, first.bytes - later_B);
	str_add(out, " for the prompt and ");
	size_text(out, later_B);
	str_add(out, " for each token, and the path waits for it ");
	seconds_text(out, first.wait_s);
	str_add(out, " before the second token, then ");
	seconds_text(out, step.wait_s);
	str_add(out, " a token");
}

static void train_verdict(struct str *out, const struct prediction *p, const struct prediction *alone)
{
	const struct crossing c = crossing_of(&p->train);

	compare(out, "training", step_s(p), alone, step_s(alone));
	str_add(out, "; the link carries ");
	size_text(out, c.bytes);
	str_add(out, " a step, and the path waits for it ");
	seconds_text(out, c.wait_s);
}

size_t explain_verdicts(struct arena *a, const struct prediction *all, size_t n, const char **notes)
{
	const struct prediction *generate = best_alone(all, n, e2e_s), *train = best_alone(all, n, step_s);
	size_t added = 0;

	for (size_t i = 0; i < n; i++) {
		const struct prediction *p = &all[i];
		struct str s = STR_INIT;

		if (machines_used(p) < 2)
			continue;
		if (generate && p->first.prog)
			generate_verdict(&s, p, generate);
		if (train && p->train.prog) {
			str_add(&s, s.len ? ". " : "");
			train_verdict(&s, p, train);
		}
		if (s.len)
			notes[added++] = arena_printf(a, "%s: %s.", p->at.assignment->name, s.text);
		str_release(&s);
	}
	return added;
}
