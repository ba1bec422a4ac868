/* prices.c - see prices.h. */
#include "sim/search/prices.h"

#include <math.h>
#include <string.h>

#include "sim/step/walk.h"
#include "sim/train/pipeline.h"
#include "sim/train/trained.h"

/* ---- blocks, off programs ---- */

static int leg_of(enum phase phase)
{
	return phase == PHASE_DECODE || phase == PHASE_BACKWARD || phase == PHASE_UPDATE;
}

/* Updates keep a device busy, and are no part of a pass; where a schedule puts them off, gradients of weights
 * are none either. */
static bool in_pass(const struct prices *p, enum phase phase, const struct op *op)
{
	const struct train *t = p->w->scenario->workload.train;

	if (p->job != JOB_TRAIN)
		return true;
	return phase != PHASE_UPDATE &&
	       !(op->gradient && schedule_splits((enum train_schedule)t->how.schedule));
}

/* Adds a program's operators on one unit to its legs, so many times. The host's last word is no block's. */
static void add_prog(struct prices *p, const struct prog *prog, size_t unit, double times)
{
	struct arena a = ARENA_INIT;
	const struct class_times t = prog_times(&a, prog);

	for (size_t i = 0; i < prog->tasks.n; i++) {
		const struct prog_task *k = &prog->tasks.at[i];
		const size_t block = model_block_of(p->w->model, k->tag.part.role, k->tag.layer);
		const double s = times * sim_s_of_ns(t.ns[k->class]);
		const int leg = leg_of(k->tag.phase);

		if (k->queue != unit || k->tag.what ||
		    (k->tag.phase == PHASE_UPDATE && prog->classes.at[k->class].op.kind == OP_STEP))
			continue;
		p->busy_s[leg][block * p->units + unit] += s;
		if (in_pass(p, k->tag.phase, &prog->classes.at[k->class].op))
			p->chain_s[leg][block * p->units + unit] += s / p->chunks[leg];
	}
	arena_release(&a);
}

/* The whole leg on one unit. */
static struct seating all_on(struct arena *a, const struct world *w, size_t unit)
{
	struct seating l = {.embedding = (uint8_t)unit, .head = (uint8_t)unit};

	for (int g = 0; g < GROUPS; g++) {
		l.unit[g] = arena_array(a, (size_t)w->model->layers, 1);
		memset(l.unit[g], (int)unit, (size_t)w->model->layers);
	}
	return l;
}

static void price_generate(struct arena *a, struct prices *p, size_t unit)
{
	const struct seating l = all_on(a, p->w, unit);
	const struct candidate c = {JOB_GENERATE, {&l, &l}};
	const struct placement at = candidate_place(a, p->w, &c);
	struct generate_progs g = generate_build(&at);

	add_prog(p, g.first, unit, 1);
	for (int i = 0; i < GENERATE_STEPS && g.later[i]; i++) {
		double one[GENERATE_STEPS] = {0};

		one[i] = 1.0 / g.repeat;
		add_prog(p, g.later[i], unit, generate_over_steps(&g, one));
	}
	generate_free(&g);
}

/* What runs forward again in the backward pass is told from the forward pass by where it runs: the other leg
 * goes to another unit, where there is one in reach. */
static void price_train(struct arena *a, struct prices *p, size_t unit)
{
	const struct world *w = p->w;
	const struct seating here = all_on(a, w, unit);
	struct seating there = here;

	for (size_t v = 0; v < w->units_n; v++)
		if (v != unit && isfinite(p->hop_s[0][(p->last * p->units + unit) * p->units + v]))
			there = all_on(a, w, v);
	for (int leg = 0; leg < LEGS; leg++) {
		const struct candidate c = {JOB_TRAIN, {leg ? &there : &here, leg ? &here : &there}};
		const struct placement at = candidate_place(a, w, &c);
		struct prog *prog = train_build(&at);

		add_prog(p, prog, unit, 1);
		prog_free(prog);
		if (there.head == unit) /* it is alone: both legs are there at once */
			break;
	}
}

/* ---- steps between units ---- */

static double send_s(const struct prices *p, size_t from, size_t to, double bytes)
{
	const struct waits none = {.n = 0};
	const struct tag tag = {.layer = -1, .what = "activations"};
	const struct world *w = p->w;
	const size_t a = w->units[from].machine, b = w->units[to].machine;
	struct prog *prog;
	double s = 0;

	if (a == b)
		return 0;
	if (world_joint(w, a, b) == WORLD_NONE)
		return INFINITY;
	prog = prog_new(w);
	prog_send(prog, from, to, bytes, tag, &none);
	for (size_t i = 0; i < prog->tasks.n; i++) {
		const struct class *c = &prog->classes.at[prog->tasks.at[i].class];

		s += cost_seconds(&c->cost) + c->lag_s;
	}
	prog_free(prog);
	return s;
}

/* What cannot be sent cannot be sent in no time either. */
static double often(double times, double s)
{
	return isinf(s) ? s : times * s;
}

static struct shape leg_shape(const struct prices *p, int leg)
{
	const struct workload *k = &p->w->scenario->workload;

	if (p->job == JOB_TRAIN)
		return train_shape(k->train);
	if (leg == 0)
		return prefill_shape(k->generate);
	return (struct shape){.batch = k->generate->batch, .tokens = 1, .past = k->generate->prompt};
}

/* Passes in a row: decode steps. */
static double passes(const struct prices *p, int leg)
{
	const struct generate *g = p->w->scenario->workload.generate;

	return p->job == JOB_TRAIN || leg == 0 ? 1 : (double)(g->tokens - 1);
}

static void price_hops(struct arena *a, struct prices *p, int leg)
{
	const size_t n = p->units;
	const struct shape s = leg_shape(p, leg);
	const bool back = p->job == JOB_TRAIN && leg == 1;
	double bytes = -1;

	p->hop_s[leg] = arena_array(a, p->blocks * n * n, sizeof(double));
	for (size_t b = p->first; b <= p->last; b++) {
		double *hop = &p->hop_s[leg][b * n * n];
		struct feed feeds[FEEDS];

		if (!walk_feeds(p->w, &s, b, feeds))
			continue;
		p->feed[b] = feeds[0].from;
		if (feeds[0].bytes == bytes) { /* as for the block before */
			memcpy(hop, hop - n * n, n * n * sizeof *hop);
			continue;
		}
		bytes = feeds[0].bytes;
		for (size_t u = 0; u < n; u++)
			for (size_t v = 0; v < n; v++)
				hop[u * n + v] = often(passes(p, leg), send_s(p, back ? v : u, back ? u : v,
									      bytes / p->chunks[leg]));
	}
}

static void price_tokens(struct arena *a, struct prices *p, int leg)
{
	const struct generate *g = p->w->scenario->workload.generate;

	p->token_s[leg] = arena_array(a, p->units * p->units, sizeof(double));
	if (p->job == JOB_TRAIN)
		return;
	/* the last token need not travel; the first of them ends the prefill */
	for (size_t u = 0; u < p->units; u++)
		for (size_t v = 0; v < p->units; v++)
			p->token_s[leg][u * p->units + v] =
				often(leg ? fmax(0, passes(p, 1) - 1) : g->tokens > 1,
				      send_s(p, u, v, 4.0 * (double)g->batch));
}

/* Passes that may be on their way at once. */
static double chunks(const struct world *w, enum job job, int leg)
{
	const struct workload *k = &w->scenario->workload;
	const struct generate *g = k->generate;
	double n;

	if (job == JOB_TRAIN)
		return (double)k->train->micro_batches;
	n = (double)(g->how.micro_batches < g->batch ? g->how.micro_batches : g->batch);
	return leg || !g->how.chunk ? n : n * ceil((double)g->prompt / (double)g->how.chunk);
}

void prices_make(struct arena *a, const struct world *w, enum job job, struct prices *p)
{
	*p = (struct prices){.w = w,
			     .job = job,
			     .units = w->units_n,
			     .blocks = model_blocks(w->model),
			     .first = walk_first(w),
			     .last = walk_last(w)};
	p->feed = arena_array(a, p->blocks, sizeof *p->feed);
	p->weights_B = arena_array(a, p->blocks, sizeof *p->weights_B);
	for (size_t b = 0; b < p->blocks; b++)
		p->weights_B[b] =
			part_weights_B(w->model, &w->scenario->precision, model_block(w->model, b).part);
	for (int leg = 0; leg < LEGS; leg++) {
		p->chunks[leg] = chunks(w, job, leg);
		p->chain_s[leg] = arena_array(a, p->blocks * p->units, sizeof(double));
		p->busy_s[leg] = arena_array(a, p->blocks * p->units, sizeof(double));
		price_hops(a, p, leg);
		price_tokens(a, p, leg);
	}
	for (size_t u = 0; u < p->units; u++) {
		if (job == JOB_GENERATE)
			price_generate(a, p, u);
		else
			price_train(a, p, u);
	}
}

enum counted prices_count(enum role role, size_t u, size_t v, size_t w)
{
	if (role != ROLE_SHARED)
		return COUNT_CHAIN;
	return v != w ? COUNT_NOTHING : u != v ? COUNT_BUSY : COUNT_CHAIN;
}

double prices_hop_s(const struct prices *p, int leg, size_t block, const size_t u_v_before[3])
{
	const struct unit *units = p->w->units;
	const size_t u = u_v_before[0], v = u_v_before[1];

	if (block <= p->first || block > p->last)
		return 0;
	if (model_block(p->w->model, block - 1).part.role == ROLE_SHARED &&
	    units[v].machine == units[u_v_before[2]].machine)
		block--;
	return p->hop_s[leg][(block * p->units + u) * p->units + v];
}

struct leg_sum prices_leg(const struct prices *p, int leg, const struct seating *l)
{
	const struct model *m = p->w->model;
	const size_t n = p->units;
	struct leg_sum s = {.chain_s = 0};

	for (size_t b = 0; b < p->blocks; b++) {
		const size_t v = seating_unit(m, l, b), u = seating_unit(m, l, p->feed[b]);
		const size_t w = b + 1 < p->blocks ? seating_unit(m, l, b + 1) : v;
		const enum counted counted = prices_count(model_block(m, b).part.role, u, v, w);

		if (counted != COUNT_NOTHING)
			s.busy_s[v] += p->busy_s[leg][b * n + v];
		if (counted != COUNT_CHAIN)
			continue;
		s.chain_s +=
			p->chain_s[leg][b * n + v] +
			prices_hop_s(p, leg, b, (const size_t[]){u, v, b ? seating_unit(m, l, b - 1) : v});
	}
	if (leg == 1)
		s.chain_s += prices_token_s(p, leg, l, l);
	return s;
}

double prices_token_s(const struct prices *p, int leg, const struct seating *from, const struct seating *to)
{
	const struct model *m = p->w->model;

	return p->token_s[leg][seating_unit(m, from, p->last) * p->units + seating_unit(m, to, p->first)];
}
