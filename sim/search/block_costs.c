/* block_costs.c - see block_costs.h. */
#include "sim/search/block_costs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/step/walk.h"
#include "sim/train/pipeline.h"
#include "sim/train/trainable.h"

/* ---- blocks, off programs ---- */

static int leg_of(enum phase phase)
{
	return phase == PHASE_DECODE || phase == PHASE_BACKWARD || phase == PHASE_UPDATE;
}

/* Updates keep a device busy, and are no part of a pass; where a schedule puts them off, gradients of weights
 * are none either. */
static bool in_pass(const struct block_costs *p, enum phase phase, const struct op *op)
{
	const struct train *t = p->w->scenario->workload.train;

	if (p->job != JOB_TRAIN)
		return true;
	return phase != PHASE_UPDATE &&
	       !(op->gradient && schedule_splits((enum train_schedule)t->options.schedule));
}

enum { BY_PHASE = -1 };

/* Adds a program's operators on one unit to a leg (BY_PHASE: to those they are of), so many times. The host's
 * last word is no block's. */
static void add_prog(struct block_costs *p, const struct program *program, size_t unit, int to, double times)
{
	struct arena a = ARENA_INIT;
	const struct class_times t = program_times(&a, program);

	for (size_t i = 0; i < program->tasks.n; i++) {
		const struct program_task *k = &program->tasks.at[i];
		const size_t block = model_block_of(p->w->model, k->label.part.role, k->label.layer);
		const double s = times * sim_s_of_ns(t.ns[k->op_class]);
		const int phase_group = to == BY_PHASE ? leg_of(k->label.phase) : to;

		if (k->queue != unit || k->label.payload ||
		    (k->label.phase == PHASE_UPDATE &&
		     program->op_classes.at[k->op_class].op.kind == OP_STEP))
			continue;
		p->busy_s[phase_group][block * p->units + unit] += s;
		if (in_pass(p, k->label.phase, &program->op_classes.at[k->op_class].op) &&
		    phase_group == leg_of(k->label.phase)) /* what runs again need not wait for gradients */
			p->chain_s[phase_group][block * p->units + unit] += s / p->chunks[phase_group];
	}
	arena_release(&a);
}

/* The whole leg on one unit. */
static struct layer_map all_on(struct arena *a, const struct world *w, size_t unit)
{
	struct layer_map l = {.embedding = (uint8_t)unit, .head = (uint8_t)unit};

	for (int g = 0; g < GROUPS; g++) {
		l.unit[g] = arena_array(a, (size_t)w->model->layers, 1);
		memset(l.unit[g], (int)unit, (size_t)w->model->layers);
	}
	return l;
}

static bool goes_between_groups(enum payload payload)
{
	return payload == PAYLOAD_KV || payload == PAYLOAD_SAVED || payload == PAYLOAD_WEIGHTS ||
	       payload == PAYLOAD_GRADIENTS;
}

/* Off a program whose leg 0 is on u and whose leg 1 is on v. */
static void add_handed(struct block_costs *p, const struct program *program, size_t u, size_t v)
{
	const struct world *w = p->w;
	const size_t link_use = world_link_use(w, w->units[u].machine, w->units[v].machine);
	struct arena a = ARENA_INIT;
	const struct class_times t = program_times(&a, program);

	for (size_t i = 0; i < program->tasks.n && link_use != WORLD_NONE; i++) {
		const struct program_task *k = &program->tasks.at[i];
		const size_t block = model_block_of(w->model, k->label.part.role, k->label.layer);
		struct handed *h = &p->handed[(block * p->units + u) * p->units + v];
		const double s = sim_s_of_ns(t.ns[k->op_class]);
		const struct queue there = queue_from(w, link_use, w->units[u].machine),
				   back = queue_from(w, link_use, w->units[v].machine);

		if (!goes_between_groups(k->label.payload))
			continue;
		h->send_s += k->queue == u ? s : 0;
		h->receive_s += k->queue == v ? s : 0;
		h->there_s += k->queue == queue_index(w, there) ? s : 0;
		h->back_s += k->queue == queue_index(w, back) ? s : 0;
	}
	arena_release(&a);
}

static bool in_reach(const struct block_costs *p, size_t u, size_t v)
{
	return u != v && isfinite(p->hop_s[0][(p->last * p->units + u) * p->units + v]);
}

static void price_generate(struct arena *a, struct block_costs *p, size_t unit)
{
	const struct layer_map l = all_on(a, p->w, unit);
	const struct candidate c = {.job = JOB_GENERATE, .phase_group = {&l, &l}};
	const struct placement at = candidate_place(a, p->w, &c);
	struct generate_programs g = generate_build(&at);

	add_prog(p, g.first, unit, BY_PHASE, 1);
	for (int i = 0; i < GENERATE_STEPS && g.later[i]; i++) {
		double one[GENERATE_STEPS] = {0};

		one[i] = 1.0 / g.repeat;
		add_prog(p, g.later[i], unit, BY_PHASE, generate_over_steps(&g, one));
	}
	generate_free(&g);
	for (size_t v = 0; v < p->units; v++) {
		const struct layer_map there = all_on(a, p->w, v);
		const struct candidate apart = {.job = JOB_GENERATE, .phase_group = {&l, &there}};
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
static void price_legs_apart(struct arena *a, struct block_costs *p, size_t u, size_t v,
			     const bool want[PHASE_GROUPS])
{
	const struct layer_map here = all_on(a, p->w, u), there = all_on(a, p->w, v);
	const struct candidate c = {.job = JOB_TRAIN, .phase_group = {&here, &there}};
	const struct placement at = candidate_place(a, p->w, &c);
	struct program *program = train_build(&at);

	if (want[0])
		add_prog(p, program, u, u == v ? BY_PHASE : 0, 1);
	if (want[1] && u != v)
		add_prog(p, program, v, 1, 1);
	add_handed(p, program, u, v);
	program_free(program);
}

/* Where no other device is in reach both legs are on one, at once. */
static void price_train(struct arena *a, struct block_costs *p)
{
	bool have[PHASE_GROUPS][SPACE_UNITS] = {{false}};

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

static struct sent send_from(const struct block_costs *p, size_t from, size_t to, double bytes)
{
	const struct deps none = {.n = 0};
	const struct label label = {.layer = -1, .payload = PAYLOAD_ACTIVATIONS};
	const struct world *w = p->w;
	const size_t a = w->units[from].machine, b = w->units[to].machine;
	struct sent sent = {0, 0, 0};
	struct program *program;

	if (a == b)
		return sent;
	if (world_link_use(w, a, b) == WORLD_NONE)
		return (struct sent){INFINITY, 0, 0};
	program = program_new(w);
	program_send(program, from, to, bytes, label, &none);
	for (size_t i = 0; i < program->tasks.n; i++) {
		const struct op_class *c = &program->op_classes.at[program->tasks.at[i].op_class];
		const double s = cost_seconds(&c->cost);

		sent.s += s + c->lag_s;
		sent.send_s += program->tasks.at[i].queue == from ? s : 0;
		sent.receive_s += program->tasks.at[i].queue == to ? s : 0;
	}
	program_free(program);
	return sent;
}

/* What cannot be sent cannot be sent in no time either. */
static double often(double times, double s)
{
	return isinf(s) ? s : times * s;
}

static struct shape leg_shape(const struct block_costs *p, int phase_group)
{
	const struct workload *k = &p->w->scenario->workload;

	if (p->job == JOB_TRAIN)
		return train_shape(k->train);
	if (phase_group == 0)
		return prefill_shape(k->generate);
	return (struct shape){.batch = k->generate->batch, .tokens = 1, .past = k->generate->prompt};
}

/* Passes in a row: decode steps. */
static double passes(const struct block_costs *p, int phase_group)
{
	const struct generate *g = p->w->scenario->workload.generate;

	return p->job == JOB_TRAIN || phase_group == 0 ? 1 : (double)(g->tokens - 1);
}

static void price_hops(struct arena *a, struct block_costs *p, int phase_group)
{
	const size_t n = p->units;
	const struct shape s = leg_shape(p, phase_group);
	const bool back = p->job == JOB_TRAIN && phase_group == 1;
	double bytes = -1;

	p->hop_s[phase_group] = arena_array(a, p->blocks * n * n, sizeof(double));
	p->send_s[phase_group] = arena_array(a, p->blocks * n * n, sizeof(double));
	p->receive_s[phase_group] = arena_array(a, p->blocks * n * n, sizeof(double));
	for (size_t b = p->first; b <= p->last; b++) {
		double *hop = &p->hop_s[phase_group][b * n * n];
		struct feed feeds[FEEDS];

		if (!walk_feeds(p->w, &s, b, feeds))
			continue;
		p->feed[b] = feeds[0].from;
		if (feeds[0].bytes == bytes) { /* as for the block before */
			memcpy(hop, hop - n * n, n * n * sizeof *hop);
			memcpy(&p->send_s[phase_group][b * n * n], &p->send_s[phase_group][(b - 1) * n * n],
			       n * n * sizeof *hop);
			memcpy(&p->receive_s[phase_group][b * n * n],
			       &p->receive_s[phase_group][(b - 1) * n * n], n * n * sizeof *hop);
			continue;
		}
		bytes = feeds[0].bytes;
		for (size_t i = 0; i < n * n; i++) {
			const size_t u = i / n, v = i % n;
			const struct sent x =
				send_from(p, back ? v : u, back ? u : v, bytes / p->chunks[phase_group]);

			hop[i] = often(passes(p, phase_group), x.s);
			p->send_s[phase_group][b * n * n + i] =
				passes(p, phase_group) * p->chunks[phase_group] * x.send_s;
			p->receive_s[phase_group][b * n * n + i] =
				passes(p, phase_group) * p->chunks[phase_group] * x.receive_s;
		}
	}
}

static void price_tokens(struct arena *a, struct block_costs *p, int phase_group)
{
	const struct generate *g = p->w->scenario->workload.generate;

	p->token_s[phase_group] = arena_array(a, p->units * p->units, sizeof(double));
	if (p->job == JOB_TRAIN)
		return;
	/* the last token need not travel; the first of them ends the prefill */
	for (size_t u = 0; u < p->units; u++)
		for (size_t v = 0; v < p->units; v++)
			p->token_s[phase_group][u * p->units + v] =
				often(phase_group ? fmax(0, passes(p, 1) - 1) : g->tokens > 1,
				      send_from(p, u, v, 4.0 * (double)g->batch).s);
}

/* Passes that may be on their way at once. */
static double chunks(const struct world *w, enum job job, int phase_group)
{
	const struct workload *k = &w->scenario->workload;
	const struct generate *g = k->generate;
	double n;

	if (job == JOB_TRAIN)
		return (double)k->train->micro_batches;
	n = (double)(g->options.micro_batches < g->batch ? g->options.micro_batches : g->batch);
	return phase_group || !g->options.chunk ? n : n * ceil((double)g->prompt / (double)g->options.chunk);
}

void block_costs_make(struct arena *a, const struct world *w, enum job job, struct block_costs *p)
{
	*p = (struct block_costs){.w = w,
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
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++) {
		p->chunks[phase_group] = chunks(w, job, phase_group);
		p->chain_s[phase_group] = arena_array(a, p->blocks * p->units, sizeof(double));
		p->busy_s[phase_group] = arena_array(a, p->blocks * p->units, sizeof(double));
		price_hops(a, p, phase_group);
		price_tokens(a, p, phase_group);
	}
	for (size_t u = 0; u < p->units && job == JOB_GENERATE; u++)
		price_generate(a, p, u);
	if (job == JOB_TRAIN)
		price_train(a, p);
}

enum counted block_costs_count(enum role role, size_t u, size_t v, size_t w)
{
	if (role != ROLE_SHARED)
		return COUNT_CHAIN;
	return v != w ? COUNT_NOTHING : u != v ? COUNT_BUSY : COUNT_CHAIN;
}

double block_costs_hop_s(const struct block_costs *p, int phase_group, size_t block,
			 const size_t u_v_before[3])
{
	const struct unit *units = p->w->units;
	const size_t u = u_v_before[0], v = u_v_before[1];

	if (block <= p->first || block > p->last)
		return 0;
	if (p->role[block - 1] == ROLE_SHARED && units[v].machine == units[u_v_before[2]].machine)
		block--;
	return p->hop_s[phase_group][(block * p->units + u) * p->units + v];
}

/* What a bound may count of a block where everything is. */
static enum counted counted_at(const struct block_costs *p, const uint8_t *at, size_t b)
{
	return block_costs_count(p->role[b], at[p->feed[b]], at[b], b + 1 < p->blocks ? at[b + 1] : at[b]);
}

/* Time of a pass in a block, its hop included. */
static double pass_s(const struct block_costs *p, int phase_group, const uint8_t *at, size_t b)
{
	const size_t way[] = {at[p->feed[b]], at[b], b ? at[b - 1] : at[b]};

	return p->chain_s[phase_group][b * p->units + at[b]] + block_costs_hop_s(p, phase_group, b, way);
}

/* Adds what devices take to copy the hop to a block. */
static void add_copies(const struct block_costs *p, int phase_group, const uint8_t *at, size_t b,
		       double *busy_s)
{
	const bool back = p->job == JOB_TRAIN && phase_group == 1;
	const size_t u = at[p->feed[b]], v = at[b];
	const size_t known = b && p->role[b - 1] == ROLE_SHARED ? b - 1 : b; /* see block_costs_hop_s() */
	const size_t i = (known * p->units + u) * p->units + v;

	if (u == v || b <= p->first || b > p->last)
		return;
	busy_s[back ? v : u] += p->send_s[phase_group][i];
	busy_s[back ? u : v] += p->receive_s[phase_group][i];
}

struct phase_group_sum block_costs_leg(const struct block_costs *p, int phase_group, const uint8_t *at)
{
	struct phase_group_sum s = {.chain_s = 0};

	for (size_t b = 0; b < p->blocks; b++) {
		const enum counted counted = counted_at(p, at, b);

		if (counted != COUNT_NOTHING)
			s.busy_s[at[b]] += p->busy_s[phase_group][b * p->units + at[b]];
		if (counted != COUNT_CHAIN)
			continue;
		s.chain_s += pass_s(p, phase_group, at, b);
		add_copies(p, phase_group, at, b, s.busy_s);
	}
	if (phase_group == 1)
		s.chain_s += block_costs_token_s(p, phase_group, at, at);
	return s;
}

void block_costs_hand_over(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS],
			   struct phase_group_sum phase_groups[PHASE_GROUPS])
{
	const struct world *w = p->w;
	const size_t queues = program_queues(w);
	double *queue_s = xcalloc(queues, sizeof *queue_s);

	for (size_t b = 0; b < p->blocks; b++) {
		const size_t u = at[0][b], v = at[1][b], a = w->units[u].machine, c = w->units[v].machine;
		const struct handed *h = &p->handed[(b * p->units + u) * p->units + v];
		const size_t link_use = a == c ? WORLD_NONE : world_link_use(w, a, c);

		if (link_use == WORLD_NONE)
			continue;
		phase_groups[1].copies_s[u] += h->send_s;
		phase_groups[1].copies_s[v] += h->receive_s;
		queue_s[queue_index(w, queue_from(w, link_use, a))] += h->there_s;
		queue_s[queue_index(w, queue_from(w, link_use, c))] += h->back_s;
	}
	for (size_t q = 0; q < queues; q++)
		phase_groups[1].link_s = fmax(phase_groups[1].link_s, queue_s[q]);
	free(queue_s);
}

void block_costs_needs_B(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS],
			 double need_B[SPACE_UNITS])
{
	const struct unit *units = p->w->units;

	memset(need_B, 0, SPACE_UNITS * sizeof *need_B);
	for (size_t b = 0; b < p->blocks; b++) {
		const size_t x = units[at[0][b]].machine, y = units[at[1][b]].machine;

		need_B[x] += p->weights_B[b];
		need_B[y] += x == y ? 0 : p->weights_B[b];
	}
}

double block_costs_fill_s(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS])
{
	double way_to[PHASE_GROUPS][SPACE_UNITS], works[SPACE_UNITS] = {0}, most = 0;

	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++) {
		double way = 0;

		for (size_t u = 0; u < p->units; u++)
			way_to[phase_group][u] = INFINITY;
		for (size_t b = p->first; b <= p->last; b++) {
			const size_t u = at[phase_group][b];

			way_to[phase_group][u] = fmin(way_to[phase_group][u], way);
			if (counted_at(p, at[phase_group], b) != COUNT_CHAIN)
				continue;
			way += pass_s(p, phase_group, at[phase_group], b);
			works[u] += p->chunks[phase_group] * p->chain_s[phase_group][b * p->units + u];
		}
	}
	for (size_t u = 0; u < p->units; u++)
		if (isfinite(way_to[0][u]) && isfinite(way_to[1][u])) /* it works in both legs */
			most = fmax(most, way_to[0][u] + works[u] + way_to[1][u]);
	return most;
}

double block_costs_token_s(const struct block_costs *p, int phase_group, const uint8_t *from,
			   const uint8_t *to)
{
	return p->token_s[phase_group][from[p->last] * p->units + to[p->first]];
}
