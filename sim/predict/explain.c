/* explain.c - see explain.h. */
#include "sim/predict/explain.h"

#include <stdlib.h>
#include <string.h>

const char *explain_param(struct arena *a, const struct world *w, size_t source, enum param param)
{
	const struct param_source s = source_at(w, source);

	switch (s.kind) {
	case QUEUE_DEVICE:
		return arena_printf(a, "%s of %s", param_names[param], w->units[s.of].name);
	case QUEUE_LINK:
		return arena_printf(a, "%s of %s", param_names[param], w->link_uses[s.of].link->origin.name);
	case QUEUE_DISK:
		return arena_printf(a, "disk of %s", w->machines[s.of].origin.name);
	}
	BUG("source kind %d", (int)s.kind);
}

/* Adds up the critical path by source and parameter. */
static void walk(struct arena *a, const struct simulated *r, struct params *sum)
{
	uint32_t *path = arena_array(a, r->program->tasks.n, sizeof *path);
	const size_t n = task_critical_path(&r->graph, &r->run, path);

	for (size_t i = 0; i < n; i++) {
		const struct op_class *c = &r->program->op_classes.at[r->program->tasks.at[path[i]].op_class];
		double *s = sum[c->source].of;

		if (c->kind != CLASS_OP) {
			s[c->kind == CLASS_SEND_COPY || c->kind == CLASS_RECEIVE_COPY ? PARAM_COPIES
										      : PARAM_BANDWIDTH] +=
				c->cost.memory.s;
			s[PARAM_LATENCY] += c->lag_s;
			continue;
		}
		if (c->cost.arithmetic.s >= c->cost.memory.s)
			s[PARAM_ARITHMETIC] += c->cost.arithmetic.s;
		else
			s[PARAM_MEMORY] += c->cost.memory.s;
		s[PARAM_ARITHMETIC] += c->cost.apart.s;
		s[PARAM_OVERHEAD] += c->cost.overhead.s;
	}
}

static const char *largest(struct arena *a, const struct simulated *r)
{
	const struct world *w = r->program->world;
	const size_t sources = program_sources(w);
	struct params *sum = arena_array(a, sources, sizeof *sum);
	size_t best = 0;

	walk(a, r, sum);
	for (size_t i = 0; i < sources * PARAM_N; i++)
		if (sum[i / PARAM_N].of[i % PARAM_N] > sum[best / PARAM_N].of[best % PARAM_N])
			best = i;
	return explain_param(a, w, best / PARAM_N, (enum param)(best % PARAM_N));
}

/* "memory of m5, 3.2 GB short": the machine that lacks most. */
static const char *lacking(struct arena *a, const struct world *w, const struct footprint *footprint)
{
	struct str s = STR_INIT;
	const char *text;
	size_t worst = 0;

	for (size_t i = 1; i < w->machines_n; i++)
		if (footprint_short_B(&footprint[i]) > footprint_short_B(&footprint[worst]))
			worst = i;
	units_format(&s, footprint_short_B(&footprint[worst]), DIM_BYTES, 3);
	text = arena_printf(a, "memory of %s, %s short", w->machines[worst].origin.name, s.text);
	str_release(&s);
	return text;
}

const char *explain_bound(struct arena *a, const struct prediction *p)
{
	const struct world *w = p->at.world;
	const struct simulated *generate = p->later[1].program ? &p->later[1] : &p->first;
	const char *g = !p->generate_footprint ? NULL
			: generate->program    ? largest(a, generate)
					       : lacking(a, w, p->generate_footprint);
	const char *t = !p->train_footprint ? NULL
			: p->train.program  ? largest(a, &p->train)
					    : lacking(a, w, p->train_footprint);

	if (g && t)
		return arena_printf(a, "%s; training: %s", g, t);
	return g ? g : t;
}

/* Of one of so many steps of a program: bytes over links, and the time that its critical path spends on them.
 */
struct crossing {
	double bytes, wait_s;
};

static struct crossing crossing_of(const struct simulated *r, double steps)
{
	struct crossing c = {0, 0};
	struct arena scratch = ARENA_INIT;
	const struct world *w;
	struct params *sum;

	if (!r->program)
		return c;
	w = r->program->world;
	sum = arena_array(&scratch, program_sources(w), sizeof *sum);
	for (size_t i = 0; i < r->program->tasks.n; i++) {
		const struct op_class *k = &r->program->op_classes.at[r->program->tasks.at[i].op_class];

		c.bytes += k->kind == CLASS_SEND || k->kind == CLASS_REDUCE ? k->bytes : 0;
	}
	walk(&scratch, r, sum);
	for (size_t s = w->units_n; s < w->units_n + w->link_uses_n; s++)
		for (int i = 0; i < PARAM_N; i++)
			c.wait_s += sum[s].of[i];
	arena_release(&scratch);
	return (struct crossing){c.bytes / steps, c.wait_s / steps};
}

static double e2e_s(const struct prediction *p)
{
	const struct class_times_set now = class_times_set_nominal(p);

	return prediction_generate(p, &now).e2el_s;
}

static double step_s(const struct prediction *p)
{
	return p->train.program ? sim_s_of_ns(p->train.run.makespan_ns) : 0;
}

/* The quickest assignment that uses one machine, by one of the two measures; NULL if none runs. */
static const struct prediction *best_alone(const struct prediction *all, size_t n,
					   double (*measure)(const struct prediction *))
{
	const struct prediction *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (prediction_machines(&all[i]) == 1 && measure(&all[i]) > 0 &&
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

/* Of all draws, the share in which this one is the quicker: the same draw for both, so common luck cancels.
 */
static double share_won(const double *here, const double *there, size_t n)
{
	size_t won = 0;

	for (size_t i = 0; i < n; i++)
		won += here[i] < there[i];
	return (double)won / (double)n;
}

/* "generation pays: 20.1 s against 24.1 s (all on M4 Pro), 1.2 times as fast, quicker in 98 % of draws" */
static void compare(struct str *out, const char *what, double here, double there, const char *alone,
		    double won)
{
	const double gain = there / here - 1;
	const bool same = gain > -0.001 && gain < 0.001;

	str_addf(out, "%s %s: ", what,
		 same         ? "is the same"
		 : won >= 0.9 ? "pays"
		 : won <= 0.1 ? "does not pay"
			      : "is too close to call");
	seconds_text(out, here);
	str_add(out, " against ");
	seconds_text(out, there);
	str_addf(out, " (%s)", alone);
	if (!same)
		str_addf(out, ", %.3g times as fast, quicker in %.0f %% of draws", there / here, won * 100);
}

static void traffic(struct str *out, const char *when, double bytes, double wait_s)
{
	size_text(out, bytes);
	str_addf(out, " cross the link %s", when);
	if (wait_s > 0) {
		str_add(out, ", ");
		seconds_text(out, wait_s);
		str_add(out, " of the critical path");
	}
}

static void generate_verdict(struct str *out, const struct prediction *p, const struct prediction *alone,
			     size_t draws)
{
	const struct crossing first = crossing_of(&p->first, 1),
			      step = crossing_of(&p->later[1], p->programs.repeat * p->programs.per_step);

	compare(out, "generation", e2e_s(p), e2e_s(alone), alone->at.assignment->name,
		share_won(p->e2e_s, alone->e2e_s, draws));
	if (first.bytes <= 0)
		return;
	str_add(out, "; ");
	traffic(out, "up to the second token", first.bytes, first.wait_s);
	str_add(out, ", ");
	traffic(out, "for each token after it", step.bytes, step.wait_s);
}

static void train_verdict(struct str *out, const struct prediction *p, const struct prediction *alone,
			  size_t draws)
{
	const struct crossing c = crossing_of(&p->train, 1);

	compare(out, "training", step_s(p), step_s(alone), alone->at.assignment->name,
		share_won(p->step_s, alone->step_s, draws));
	if (c.bytes <= 0)
		return;
	str_add(out, "; ");
	traffic(out, "for each step", c.bytes, c.wait_s);
}

/* "streams 12.3 GB of weights from m5.disk for each token" */
static void streaming(struct str *out, const struct prediction *p)
{
	const struct world *w = p->at.world;
	const bool later = p->later[1].program != NULL;
	const struct program *program = later ? p->later[1].program : p->first.program;

	for (size_t m = 0; program && m < w->machines_n; m++) {
		double bytes = 0;

		for (size_t i = 0; i < program->tasks.n; i++)
			if (program->tasks.at[i].queue == queue_index(w, (struct queue){QUEUE_DISK, m, 0}))
				bytes += program->op_classes.at[program->tasks.at[i].op_class].bytes;
		if (bytes <= 0)
			continue;
		str_add(out, out->len ? ", " : "fits by streaming ");
		size_text(out, later ? bytes / p->programs.repeat : bytes);
		str_addf(out, " of weights from the disk of %s in each step", w->machines[m].origin.name);
	}
}

size_t explain_verdicts(struct arena *a, const struct prediction *all, size_t n, size_t draws,
			const char **notes)
{
	const struct prediction *generate = best_alone(all, n, e2e_s), *train = best_alone(all, n, step_s);
	size_t added = 0;

	for (size_t i = 0; i < n; i++) {
		const struct prediction *p = &all[i];
		struct str s = STR_INIT;

		streaming(&s, p);
		if (prediction_machines(p) > 1 && generate && p->first.program) {
			str_add(&s, s.len ? ". " : "");
			generate_verdict(&s, p, generate, draws);
		}
		if (prediction_machines(p) > 1 && train && p->train.program) {
			str_add(&s, s.len ? ". " : "");
			train_verdict(&s, p, train, draws);
		}
		if (s.len)
			notes[added++] = arena_printf(a, "%s: %s.", p->at.assignment->name, s.text);
		str_release(&s);
	}
	return added;
}
