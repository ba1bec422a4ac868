/* block_costs.c - see block_costs.h. */
#include "sim/search/block_costs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/search/search_job.h"
#include "sim/step/run.h"
#include "sim/step/walk.h"

/* ---- blocks, off programs ---- */

static int group_of(const struct block_costs *p, enum phase phase)
{
	return phase != job_phases(p->job).first;
}

/* The host's work at the end of a step belongs to no block. */
void block_costs_add_program(struct block_costs *p, const struct program *program, size_t unit, int to,
			     double times)
{
	struct arena a = ARENA_INIT;
	const struct class_times t = program_times(&a, program);

	for (size_t i = 0; i < program->tasks.n; i++) {
		const struct program_task *k = &program->tasks.at[i];
		const size_t block = model_block_of(p->w->model, k->label.part.role, k->label.layer);
		const double s = times * sim_s_of_ns(t.ns[k->op_class]);
		const int phase_group = to == BY_PHASE ? group_of(p, k->label.phase) : to;

		if (k->queue != unit || k->label.what ||
		    (k->label.phase == PHASE_UPDATE &&
		     program->op_classes.at[k->op_class].op.kind == OP_STEP))
			continue;
		p->busy_s[phase_group][block * p->units + unit] += s;
		if (p->search->in_pass(&p->w->scenario->workload, k->label.phase,
				       &program->op_classes.at[k->op_class].op) &&
		    phase_group ==
			    group_of(p, k->label.phase)) /* what runs again need not wait for gradients */
			p->chain_s[phase_group][block * p->units + unit] += s / p->chunks[phase_group];
	}
	arena_release(&a);
}

static bool goes_between_legs(const char *what)
{
	static const char *const kinds[] = {"KV", "saved", "weights", "gradients"};

	for (size_t i = 0; what && i < ARRAY_LEN(kinds); i++)
		if (!strcmp(what, kinds[i]))
			return true;
	return false;
}

void block_costs_add_transfers(struct block_costs *p, const struct program *program, size_t u, size_t v)
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
		const bool there = w->link_uses[link_use].ends[0] == w->units[u].machine;

		if (!goes_between_legs(k->label.what))
			continue;
		h->send_s += k->queue == u ? s : 0;
		h->receive_s += k->queue == v ? s : 0;
		h->there_s += k->queue == w->units_n + 2 * link_use + !there ? s : 0;
		h->back_s += k->queue == w->units_n + 2 * link_use + there ? s : 0;
	}
	arena_release(&a);
}

bool block_costs_in_reach(const struct block_costs *p, size_t u, size_t v)
{
	return u != v && isfinite(p->hop_s[0][(p->last * p->units + u) * p->units + v]);
}

/* ---- steps between units ---- */

struct sent {
	double s, send_s, receive_s; /* on the way; of it what the devices take to copy */
};

static struct sent send_from(const struct block_costs *p, size_t from, size_t to, double bytes)
{
	const struct deps none = {.n = 0};
	const struct label label = {.layer = -1, .what = "activations"};
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

/* Passes in a row. */
static double passes(const struct block_costs *p, int phase_group)
{
	return p->search->passes(&p->w->scenario->workload, phase_group);
}

/* Does a phase group go from the last block to the first? */
static bool goes_back(const struct block_costs *p, int phase_group)
{
	return p->search->backward && phase_group == 1;
}

static void price_hops(struct arena *a, struct block_costs *p, int phase_group)
{
	const size_t n = p->units;
	const struct shape s = p->search->shape(&p->w->scenario->workload, phase_group);
	const bool back = goes_back(p, phase_group);
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
	struct token_trips trips;

	p->token_s[phase_group] = arena_array(a, p->units * p->units, sizeof(double));
	if (!p->search->token)
		return;
	trips = p->search->token(&p->w->scenario->workload, phase_group);
	for (size_t u = 0; u < p->units; u++)
		for (size_t v = 0; v < p->units; v++)
			p->token_s[phase_group][u * p->units + v] =
				often(trips.times, send_from(p, u, v, trips.bytes).s);
}

void block_costs_make(struct arena *a, const struct world *w, enum job job, struct block_costs *p)
{
	*p = (struct block_costs){.w = w,
				  .job = job,
				  .search = search_job(job),
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
		p->chunks[phase_group] = p->search->in_flight(&w->scenario->workload, phase_group);
		p->chain_s[phase_group] = arena_array(a, p->blocks * p->units, sizeof(double));
		p->busy_s[phase_group] = arena_array(a, p->blocks * p->units, sizeof(double));
		price_hops(a, p, phase_group);
		price_tokens(a, p, phase_group);
	}
	p->search->price(a, p);
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
	const bool back = goes_back(p, phase_group);
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
	double *link_s = xcalloc(2 * w->link_uses_n + 1, sizeof *link_s);

	for (size_t b = 0; b < p->blocks; b++) {
		const size_t u = at[0][b], v = at[1][b], a = w->units[u].machine, c = w->units[v].machine;
		const struct handed *h = &p->handed[(b * p->units + u) * p->units + v];
		const size_t link_use = a == c ? WORLD_NONE : world_link_use(w, a, c);
		size_t there;

		if (link_use == WORLD_NONE)
			continue;
		there = w->link_uses[link_use].ends[0] != a;
		phase_groups[1].copies_s[u] += h->send_s;
		phase_groups[1].copies_s[v] += h->receive_s;
		link_s[2 * link_use + there] += h->there_s;
		link_s[2 * link_use + !there] += h->back_s;
	}
	for (size_t j = 0; j < 2 * w->link_uses_n; j++)
		phase_groups[1].link_s = fmax(phase_groups[1].link_s, link_s[j]);
	free(link_s);
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
