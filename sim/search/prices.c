/* prices.c - see prices.h. */
#include "sim/search/prices.h"

#include <math.h>
#include <stdlib.h>
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

enum { BY_PHASE = -1 };

/* Adds a program's operators on one unit to a leg (BY_PHASE: to those they are of), so many times. The host's
 * last word is no block's. */
static void add_prog(struct prices *p, const struct prog *prog, size_t unit, int to, double times)
{
	struct arena a = ARENA_INIT;
	const struct class_times t = prog_times(&a, prog);

	for (size_t i = 0; i < prog->tasks.n; i++) {
		const struct prog_task *k = &prog->tasks.at[i];
		const size_t block = model_block_of(p->w->model, k->tag.part.role, k->tag.layer);
		const double s = times * sim_s_of_ns(t.ns[k->class]);
		const int leg = to == BY_PHASE ? leg_of(k->tag.phase) : to;

		if (k->queue != unit || k->tag.what ||
		    (k->tag.phase == PHASE_UPDATE && prog->classes.at[k->class].op.kind == OP_STEP))
			continue;
		p->busy_s[leg][block * p->units + unit] += s;
		if (in_pass(p, k->tag.phase, &prog->classes.at[k->class].op) &&
		    leg == leg_of(k->tag.phase)) /* what runs again need not wait for gradients */
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

static bool goes_between_legs(const char *what)
{
	static const char *const kinds[] = {"KV", "saved", "weights", "gradients"};

	for (size_t i = 0; what && i < ARRAY_LEN(kinds); i++)
		if (!strcmp(what, kinds[i]))
			return true;
	return false;
}

/* Off a program whose leg 0 is on u and whose leg 1 is on v. */
static void add_handed(struct prices *p, const struct prog *prog, size_t u, size_t v)
{
	const struct world *w = p->w;
	const size_t joint = world_joint(w, w->units[u].machine, w->units[v].machine);
	struct arena a = ARENA_INIT;
	const struct class_times t = prog_times(&a, prog);

	for (size_t i = 0; i < prog->tasks.n && joint != WORLD_NONE; i++) {
		const struct prog_task *k = &prog->tasks.at[i];
		const size_t block = model_block_of(w->model, k->tag.part.role, k->tag.layer);
		struct handed *h = &p->handed[(block * p->units + u) * p->units + v];
		const double s = sim_s_of_ns(t.ns[k->class]);
		const bool there = w->joints[joint].ends[0] == w->units[u].machine;

		if (!goes_between_legs(k->tag.what))
			continue;
		h->send_s += k->queue == u ? s : 0;
		h->receive_s += k->queue == v ? s : 0;
		h->there_s += k->queue == w->units_n + 2 * joint + !there ? s : 0;
		h->back_s += k->queue == w->units_n + 2 * joint + there ? s : 0;
	}
	arena_release(&a);
}

static bool in_reach(const struct prices *p, size_t u, size_t v)
{
	return u != v && isfinite(p->hop_s[0][(p->last * p->units + u) * p->units + v]);
}

static void price_generate(struct arena *a, struct prices *p, size_t unit)
{
	const struct seating l = all_on(a, p->w, unit);
	const struct candidate c = {.job = JOB_GENERATE, .leg = {&l, &l}};
	const struct placement at = candidate_place(a, p->w, &c);
	struct generate_progs g = generate_build(&at);

	add_prog(p, g.first, unit, BY_PHASE, 1);
	for (int i = 0; i < GENERATE_STEPS && g.later[i]; i++) {
		double one[GENERATE_STEPS] = {0};

		one[i] = 1.0 / g.repeat;
		add_prog(p, g.later[i], unit, BY_PHASE, generate_over_steps(&g, one));
	}
	generate_free(&g);
	for (size_t v = 0; v < p->units; v++) {
		const struct seating there = all_on(a, p->w, v);
		const struct candidate apart = {.job = JOB_GENERATE, .leg = {&l, &there}};
		const struct placement away = candidate_place(a, p->w, &apart);

		if (!in_reach(p, unit, v))
			continue;
		g = generate_build(&away);
		add_handed(p, g.first, unit, v);
		generate_free(&g);
	}
}

/* One leg on u, the other on v: what runs forward again in the backward pass is told from the forward pass by
 * where it runs. */
static void price_legs_apart(struct arena *a, struct prices *p, size_t u, size_t v, const bool want[LEGS])
{
	const struct seating here = all_on(a, p->w, u), there = all_on(a, p->w, v);
	const struct candidate c = {.job = JOB_TRAIN, .leg = {&here, &there}};
	const struct placement at = candidate_place(a, p->w, &c);
	struct prog *prog = train_build(&at);

	if (want[0])
		add_prog(p, prog, u, u == v ? BY_PHASE : 0, 1);
	if (want[1] && u != v)
		add_prog(p, prog, v, 1, 1);
	add_handed(p, prog, u, v);
	prog_free(prog);
}

/* Where no other device is in reach both legs are on one, at once. */
static void price_train(struct arena *a, struct prices *p)
{
	bool have[LEGS][SPACE_UNITS] = {{false}};

	for (size_t u = 0; u < p->units; u++)
		for (size_t v = 0; v < p->units; v++) {
			if (!in_reach(p, u, v))
				continue;
			price_legs_apart(a, p, u, v, (const bool[]){!have[0][u], !have[1][v]});
			have[0][u] = have[1][v] = true;
		}
	for (size_t u = 0; u < p->units; u++)
		if (!have[0][u])
			price_legs_apart(a, p, u, u, (const bool[]){true, false});
}

/* ---- steps between units ---- */

struct sent {
	double s, send_s, receive_s; /* on the way; of it what the devices take to copy */
};

static struct sent send_from(const struct prices *p, size_t from, size_t to, double bytes)
{
	const struct waits none = {.n = 0};
	const struct tag tag = {.layer = -1, .what = "activations"};
	const struct world *w = p->w;
	const size_t a = w->units[from].machine, b = w->units[to].machine;
	struct sent sent = {0, 0, 0};
	struct prog *prog;

	if (a == b)
		return sent;
	if (world_joint(w, a, b) == WORLD_NONE)
		return (struct sent){INFINITY, 0, 0};
	prog = prog_new(w);
	prog_send(prog, from, to, bytes, tag, &none);
	for (size_t i = 0; i < prog->tasks.n; i++) {
		const struct class *c = &prog->classes.at[prog->tasks.at[i].class];
		const double s = cost_seconds(&c->cost);

		sent.s += s + c->lag_s;
		sent.send_s += prog->tasks.at[i].queue == from ? s : 0;
		sent.receive_s += prog->tasks.at[i].queue == to ? s : 0;
	}
	prog_free(prog);
	return sent;
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
	p->send_s[leg] = arena_array(a, p->blocks * n * n, sizeof(double));
	p->receive_s[leg] = arena_array(a, p->blocks * n * n, sizeof(double));
	for (size_t b = p->first; b <= p->last; b++) {
		double *hop = &p->hop_s[leg][b * n * n];
		struct feed feeds[FEEDS];

		if (!walk_feeds(p->w, &s, b, feeds))
			continue;
		p->feed[b] = feeds[0].from;
		if (feeds[0].bytes == bytes) { /* as for the block before */
			memcpy(hop, hop - n * n, n * n * sizeof *hop);
			memcpy(&p->send_s[leg][b * n * n], &p->send_s[leg][(b - 1) * n * n],
			       n * n * sizeof *hop);
			memcpy(&p->receive_s[leg][b * n * n], &p->receive_s[leg][(b - 1) * n * n],
			       n * n * sizeof *hop);
			continue;
		}
		bytes = feeds[0].bytes;
		for (size_t i = 0; i < n * n; i++) {
			const size_t u = i / n, v = i % n;
			const struct sent x =
				send_from(p, back ? v : u, back ? u : v, bytes / p->chunks[leg]);

			hop[i] = often(passes(p, leg), x.s);
			p->send_s[leg][b * n * n + i] = passes(p, leg) * p->chunks[leg] * x.send_s;
			p->receive_s[leg][b * n * n + i] = passes(p, leg) * p->chunks[leg] * x.receive_s;
		}
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
				      send_from(p, u, v, 4.0 * (double)g->batch).s);
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
	p->handed = arena_array(a, p->blocks * p->units * p->units, sizeof *p->handed);
	p->role = arena_array(a, p->blocks, sizeof *p->role);
	for (size_t b = 0; b < p->blocks; b++)
		p->role[b] = model_block(w->model, b).part.role;
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
	for (size_t u = 0; u < p->units && job == JOB_GENERATE; u++)
		price_generate(a, p, u);
	if (job == JOB_TRAIN)
		price_train(a, p);
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
	if (p->role[block - 1] == ROLE_SHARED && units[v].machine == units[u_v_before[2]].machine)
		block--;
	return p->hop_s[leg][(block * p->units + u) * p->units + v];
}

/* What a bound may count of a block where everything is. */
static enum counted counted_at(const struct prices *p, const uint8_t *at, size_t b)
{
	return prices_count(p->role[b], at[p->feed[b]], at[b], b + 1 < p->blocks ? at[b + 1] : at[b]);
}

/* Time of a pass in a block, its hop included. */
static double pass_s(const struct prices *p, int leg, const uint8_t *at, size_t b)
{
	const size_t way[] = {at[p->feed[b]], at[b], b ? at[b - 1] : at[b]};

	return p->chain_s[leg][b * p->units + at[b]] + prices_hop_s(p, leg, b, way);
}

/* Adds what devices take to copy the hop to a block. */
static void add_copies(const struct prices *p, int leg, const uint8_t *at, size_t b, double *busy_s)
{
	const bool back = p->job == JOB_TRAIN && leg == 1;
	const size_t u = at[p->feed[b]], v = at[b];
	const size_t known = b && p->role[b - 1] == ROLE_SHARED ? b - 1 : b; /* see prices_hop_s() */
	const size_t i = (known * p->units + u) * p->units + v;

	if (u == v || b <= p->first || b > p->last)
		return;
	busy_s[back ? v : u] += p->send_s[leg][i];
	busy_s[back ? u : v] += p->receive_s[leg][i];
}

struct leg_sum prices_leg(const struct prices *p, int leg, const uint8_t *at)
{
	struct leg_sum s = {.chain_s = 0};

	for (size_t b = 0; b < p->blocks; b++) {
		const enum counted counted = counted_at(p, at, b);

		if (counted != COUNT_NOTHING)
			s.busy_s[at[b]] += p->busy_s[leg][b * p->units + at[b]];
		if (counted != COUNT_CHAIN)
			continue;
		s.chain_s += pass_s(p, leg, at, b);
		add_copies(p, leg, at, b, s.busy_s);
	}
	if (leg == 1)
		s.chain_s += prices_token_s(p, leg, at, at);
	return s;
}

void prices_hand_over(const struct prices *p, const uint8_t *const at[LEGS], struct leg_sum legs[LEGS])
{
	const struct world *w = p->w;
	double *link_s = xcalloc(2 * w->joints_n + 1, sizeof *link_s);

	for (size_t b = 0; b < p->blocks; b++) {
		const size_t u = at[0][b], v = at[1][b], a = w->units[u].machine, c = w->units[v].machine;
		const struct handed *h = &p->handed[(b * p->units + u) * p->units + v];
		const size_t joint = a == c ? WORLD_NONE : world_joint(w, a, c);
		size_t there;

		if (joint == WORLD_NONE)
			continue;
		there = w->joints[joint].ends[0] != a;
		legs[1].copies_s[u] += h->send_s;
		legs[1].copies_s[v] += h->receive_s;
		link_s[2 * joint + there] += h->there_s;
		link_s[2 * joint + !there] += h->back_s;
	}
	for (size_t j = 0; j < 2 * w->joints_n; j++)
		legs[1].link_s = fmax(legs[1].link_s, link_s[j]);
	free(link_s);
}

void prices_needs_B(const struct prices *p, const uint8_t *const at[LEGS], double need_B[SPACE_UNITS])
{
	const struct unit *units = p->w->units;

	memset(need_B, 0, SPACE_UNITS * sizeof *need_B);
	for (size_t b = 0; b < p->blocks; b++) {
		const size_t x = units[at[0][b]].machine, y = units[at[1][b]].machine;

		need_B[x] += p->weights_B[b];
		need_B[y] += x == y ? 0 : p->weights_B[b];
	}
}

double prices_fill_s(const struct prices *p, const uint8_t *const at[LEGS])
{
	double way_to[LEGS][SPACE_UNITS], works[SPACE_UNITS] = {0}, most = 0;

	for (int leg = 0; leg < LEGS; leg++) {
		double way = 0;

		for (size_t u = 0; u < p->units; u++)
			way_to[leg][u] = INFINITY;
		for (size_t b = p->first; b <= p->last; b++) {
			const size_t u = at[leg][b];

			way_to[leg][u] = fmin(way_to[leg][u], way);
			if (counted_at(p, at[leg], b) != COUNT_CHAIN)
				continue;
			way += pass_s(p, leg, at[leg], b);
			works[u] += p->chunks[leg] * p->chain_s[leg][b * p->units + u];
		}
	}
	for (size_t u = 0; u < p->units; u++)
		if (isfinite(way_to[0][u]) && isfinite(way_to[1][u])) /* it works in both legs */
			most = fmax(most, way_to[0][u] + works[u] + way_to[1][u]);
	return most;
}

double prices_token_s(const struct prices *p, int leg, const uint8_t *from, const uint8_t *to)
{
	return p->token_s[leg][from[p->last] * p->units + to[p->first]];
}
