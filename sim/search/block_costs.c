/* block_costs.c - see block_costs.h. */
#include "sim/search/block_costs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/search/search_job.h"
#include "sim/step/run.h"
#include "sim/step/walk.h"

/* ---- costs of blocks, from programs ---- */

static int phase_group_of(const struct block_costs *p, enum phase phase)
{
	return phase != job_phases(p->job).first;
}

/* The host's work at the end of an optimizer step belongs to no block and is left out. */
void block_costs_add_program(struct block_costs *p, const struct program *program, size_t unit, int to,
			     double times)
{
	struct arena a = ARENA_INIT;
	const struct class_times t = program_times(&a, program);

	for (size_t i = 0; i < program->tasks.n; i++) {
		const struct program_task *k = &program->tasks.at[i];
		const size_t block = model_block_of(p->w->model, k->label.part.role, k->label.layer);
		const double s = times * sim_s_of_ns(t.ns[k->op_class]);
		const int phase_group = to == BY_PHASE ? phase_group_of(p, k->label.phase) : to;

		if (k->queue != unit || k->label.payload ||
		    (k->label.phase == PHASE_UPDATE &&
		     program->op_classes.at[k->op_class].op.kind == OP_STEP))
			continue;
		p->busy_s[phase_group][block * p->units + unit] += s;
		/* forward operators that are recomputed do not wait for gradients */
		if (p->search->in_pass(&p->w->scenario->workload, k->label.phase,
				       &program->op_classes.at[k->op_class].op) &&
		    phase_group == phase_group_of(p, k->label.phase))
			p->chain_s[phase_group][block * p->units + unit] += s / p->in_flight[phase_group];
	}
	arena_release(&a);
}

static bool is_handover(enum payload payload)
{
	return payload == PAYLOAD_KV || payload == PAYLOAD_SAVED || payload == PAYLOAD_WEIGHTS ||
	       payload == PAYLOAD_GRADIENTS;
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
		struct handover *h = &p->handovers[(block * p->units + u) * p->units + v];
		const double s = sim_s_of_ns(t.ns[k->op_class]);
		const struct queue there = queue_from(w, link_use, w->units[u].machine),
				   back = queue_from(w, link_use, w->units[v].machine);

		if (!is_handover(k->label.payload))
			continue;
		h->send_s += k->queue == u ? s : 0;
		h->receive_s += k->queue == v ? s : 0;
		h->link_out_s += k->queue == queue_index(w, there) ? s : 0;
		h->link_back_s += k->queue == queue_index(w, back) ? s : 0;
	}
	arena_release(&a);
}

bool block_costs_joined(const struct block_costs *p, size_t u, size_t v)
{
	return u != v && isfinite(p->hop_s[0][(p->last * p->units + u) * p->units + v]);
}

/* ---- transfers between units ---- */

struct transfer_time {
	/* total seconds; copy seconds of the sending and of the receiving device */
	double s, send_s, receive_s;
};

static struct transfer_time compute_transfer_time(const struct block_costs *p, size_t from, size_t to,
						  double bytes)
{
	const struct deps none = {.n = 0};
	const struct label label = {.layer = -1, .payload = PAYLOAD_ACTIVATIONS};
	const struct world *w = p->w;
	const size_t a = w->units[from].machine, b = w->units[to].machine;
	struct transfer_time transfer_time = {0, 0, 0};
	struct program *program;

	if (a == b)
		return transfer_time;
	if (world_link_use(w, a, b) == WORLD_NONE)
		return (struct transfer_time){INFINITY, 0, 0};
	program = program_new(w);
	program_send(program, from, to, bytes, label, &none);
	for (size_t i = 0; i < program->tasks.n; i++) {
		const struct op_class *c = &program->op_classes.at[program->tasks.at[i].op_class];
		const double s = cost_seconds(&c->cost);

		transfer_time.s += s + c->lag_s;
		transfer_time.send_s += program->tasks.at[i].queue == from ? s : 0;
		transfer_time.receive_s += program->tasks.at[i].queue == to ? s : 0;
	}
	program_free(program);
	return transfer_time;
}

/* times * s, but INFINITY (no link) even for zero times. */
static double repeated_s(double times, double s)
{
	return isinf(s) ? s : times * s;
}

/* Number of passes in sequence. */
static double passes(const struct block_costs *p, int phase_group)
{
	return p->search->passes(&p->w->scenario->workload, phase_group);
}

/* Does a phase group run from the last block to the first? */
static bool runs_backward(const struct block_costs *p, int phase_group)
{
	return p->search->backward && phase_group == 1;
}

static void compute_hops(struct arena *a, struct block_costs *p, int phase_group)
{
	const size_t n = p->units;
	const struct shape s = p->search->shape(&p->w->scenario->workload, phase_group);
	const bool back = runs_backward(p, phase_group);
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
		if (feeds[0].bytes == bytes) { /* same bytes as for the block before: the times are copied */
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
			const struct transfer_time x = compute_transfer_time(
				p, back ? v : u, back ? u : v, bytes / p->in_flight[phase_group]);

			hop[i] = repeated_s(passes(p, phase_group), x.s);
			p->send_s[phase_group][b * n * n + i] =
				passes(p, phase_group) * p->in_flight[phase_group] * x.send_s;
			p->receive_s[phase_group][b * n * n + i] =
				passes(p, phase_group) * p->in_flight[phase_group] * x.receive_s;
		}
	}
}

static void compute_token_trips(struct arena *a, struct block_costs *p, int phase_group)
{
	struct token_trips trips;

	p->token_s[phase_group] = arena_array(a, p->units * p->units, sizeof(double));
	if (!p->search->token)
		return;
	trips = p->search->token(&p->w->scenario->workload, phase_group);
	for (size_t u = 0; u < p->units; u++)
		for (size_t v = 0; v < p->units; v++)
			p->token_s[phase_group][u * p->units + v] =
				repeated_s(trips.times, compute_transfer_time(p, u, v, trips.bytes).s);
}

void block_costs_make(struct arena *a, const struct world *w, enum job job, struct block_costs *p)
{
	/* what the ranks that a device stands for do not share is left out: less is still a bound */
	const double ranks =
		job == JOB_TRAIN ? (double)w->scenario->workload.train->options.tensor_parallel : 1;

	*p = (struct block_costs){.w = w,
				  .job = job,
				  .search = search_job(job),
				  .units = w->units_n,
				  .blocks = model_blocks(w->model),
				  .first = walk_first(w),
				  .last = walk_last(w)};
	p->feed = arena_array(a, p->blocks, sizeof *p->feed);
	p->weights_B = arena_array(a, p->blocks, sizeof *p->weights_B);
	p->handovers = arena_array(a, p->blocks * p->units * p->units, sizeof *p->handovers);
	p->role = arena_array(a, p->blocks, sizeof *p->role);
	for (size_t b = 0; b < p->blocks; b++)
		p->role[b] = model_block(w->model, b).part.role;
	for (size_t b = 0; b < p->blocks; b++)
		p->weights_B[b] =
			part_weights_B(w->model, &w->scenario->precision, model_block(w->model, b).part) /
			ranks;
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++) {
		p->in_flight[phase_group] = p->search->in_flight(&w->scenario->workload, phase_group);
		p->chain_s[phase_group] = arena_array(a, p->blocks * p->units, sizeof(double));
		p->busy_s[phase_group] = arena_array(a, p->blocks * p->units, sizeof(double));
		compute_hops(a, p, phase_group);
		compute_token_trips(a, p, phase_group);
	}
	p->search->add_costs(a, p);
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

/* The part of a block's time that a bound may count, for the layer map `at`. */
static enum counted counted_at(const struct block_costs *p, const uint8_t *at, size_t b)
{
	return block_costs_count(p->role[b], at[p->feed[b]], at[b], b + 1 < p->blocks ? at[b + 1] : at[b]);
}

/* Seconds of a pass in a block, with the transfer to it. */
static double pass_s(const struct block_costs *p, int phase_group, const uint8_t *at, size_t b)
{
	const size_t u_v_before[] = {at[p->feed[b]], at[b], b ? at[b - 1] : at[b]};

	return p->chain_s[phase_group][b * p->units + at[b]] +
	       block_costs_hop_s(p, phase_group, b, u_v_before);
}

/* Adds the copy seconds of the sending and receiving device for the transfer to a block. */
static void add_copies(const struct block_costs *p, int phase_group, const uint8_t *at, size_t b,
		       double *busy_s)
{
	const bool back = runs_backward(p, phase_group);
	const size_t u = at[p->feed[b]], v = at[b];
	const size_t known = b && p->role[b - 1] == ROLE_SHARED ? b - 1 : b; /* see block_costs_hop_s() */
	const size_t i = (known * p->units + u) * p->units + v;

	if (u == v || b <= p->first || b > p->last)
		return;
	busy_s[back ? v : u] += p->send_s[phase_group][i];
	busy_s[back ? u : v] += p->receive_s[phase_group][i];
}

struct phase_group_sum block_costs_sum(const struct block_costs *p, int phase_group, const uint8_t *at)
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

void block_costs_add_handovers(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS],
			       struct phase_group_sum phase_groups[PHASE_GROUPS])
{
	const struct world *w = p->w;
	const size_t queues = program_queues(w);
	double *queue_s = xcalloc(queues, sizeof *queue_s);

	for (size_t b = 0; b < p->blocks; b++) {
		const size_t u = at[0][b], v = at[1][b], a = w->units[u].machine, c = w->units[v].machine;
		const struct handover *h = &p->handovers[(b * p->units + u) * p->units + v];
		const size_t link_use = a == c ? WORLD_NONE : world_link_use(w, a, c);

		if (link_use == WORLD_NONE)
			continue;
		phase_groups[1].copies_s[u] += h->send_s;
		phase_groups[1].copies_s[v] += h->receive_s;
		queue_s[queue_index(w, queue_from(w, link_use, a))] += h->link_out_s;
		queue_s[queue_index(w, queue_from(w, link_use, c))] += h->link_back_s;
	}
	for (size_t q = 0; q < queues; q++)
		phase_groups[1].link_s = fmax(phase_groups[1].link_s, queue_s[q]);
	free(queue_s);
}

void block_costs_machine_weights_B(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS],
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
	double ramp_s[PHASE_GROUPS][SPACE_UNITS], work_s[SPACE_UNITS] = {0}, most = 0;

	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++) {
		double ramp = 0;

		for (size_t u = 0; u < p->units; u++)
			ramp_s[phase_group][u] = INFINITY;
		for (size_t b = p->first; b <= p->last; b++) {
			const size_t u = at[phase_group][b];

			ramp_s[phase_group][u] = fmin(ramp_s[phase_group][u], ramp);
			if (counted_at(p, at[phase_group], b) != COUNT_CHAIN)
				continue;
			ramp += pass_s(p, phase_group, at[phase_group], b);
			work_s[u] += p->in_flight[phase_group] * p->chain_s[phase_group][b * p->units + u];
		}
	}
	for (size_t u = 0; u < p->units; u++)
		/* the device runs blocks of both phase groups */
		if (isfinite(ramp_s[0][u]) && isfinite(ramp_s[1][u]))
			most = fmax(most, ramp_s[0][u] + work_s[u] + ramp_s[1][u]);
	return most;
}

double block_costs_token_s(const struct block_costs *p, int phase_group, const uint8_t *from,
			   const uint8_t *to)
{
	return p->token_s[phase_group][from[p->last] * p->units + to[p->first]];
}
