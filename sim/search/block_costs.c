/* block_costs.c - see block_costs.h. */
#include "sim/search/block_costs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/search/search_job.h"
#include "sim/search/twins.h"
#include "sim/step/run.h"
#include "sim/step/walk.h"

/* ---- costs of blocks, from programs ---- */

static int phase_group_of(const struct block_costs *p, enum phase phase)
{
	return phase != job_phases(p->job).first;
}

/* The host's work at the end of an optimizer step belongs to no block and is left out. */
void block_costs_add_program(struct block_costs *p, const struct program *program, size_t unit, int to,
			     double times, double seconds)
{
	struct arena a = ARENA_INIT;
	const struct class_times t = program_times(&a, program);

	for (size_t i = 0; i < program->tasks.n; i++) {
		const struct program_task *k = &program->tasks.at[i];
		const size_t block = model_block_of(p->w->model, k->label.part.role, k->label.layer);
		const double s = times * (k->label.micro == 1 ? seconds : 1) * sim_s_of_ns(t.ns[k->op_class]);
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

void block_costs_add_transfers(struct block_costs *p, const struct program *program, size_t u, size_t v,
			       double seconds)
{
	const struct world *w = p->w;
	const size_t link_use = world_link_use(w, w->units[u].machine, w->units[v].machine);
	struct arena a = ARENA_INIT;
	const struct class_times t = program_times(&a, program);

	for (size_t i = 0; i < program->tasks.n && link_use != WORLD_NONE; i++) {
		const struct program_task *k = &program->tasks.at[i];
		const size_t block = model_block_of(w->model, k->label.part.role, k->label.layer);
		struct handover *h = &p->handovers[block * p->pairs + unit_slots_pair(&p->slots, u, v)];
		const double s = (k->label.micro == 1 ? seconds : 1) * sim_s_of_ns(t.ns[k->op_class]);
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
	return u != v &&
	       isfinite(p->hop_s[0][p->hop_row[0][p->last] * p->pairs + unit_slots_pair(&p->slots, u, v)]);
}

void block_costs_fill_slots(struct block_costs *p)
{
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
		for (size_t b = 0; b < p->blocks; b++)
			for (size_t u = 0; u < p->units; u++) {
				const size_t from = b * p->units + p->slots.unit[p->slots.first[u]];

				p->busy_s[phase_group][b * p->units + u] = p->busy_s[phase_group][from];
				p->chain_s[phase_group][b * p->units + u] = p->chain_s[phase_group][from];
			}
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

struct hop { /* what a block waits for */
	double bytes;
	size_t from; /* block */
};

/* [block]: its first feed; bytes < 0: it has none. */
static struct hop *list_hops(struct arena *a, const struct block_costs *p, int phase_group)
{
	const struct shape s = p->search->shape(&p->w->scenario->workload, phase_group);
	struct hop *hops = arena_array(a, p->blocks, sizeof *hops);

	for (size_t b = 0; b < p->blocks; b++) {
		struct feed feeds[FEEDS];
		const bool fed = b >= p->first && b <= p->last && walk_feeds(p->w, &s, b, feeds);

		hops[b] = fed ? (struct hop){feeds[0].bytes, feeds[0].from} : (struct hop){-1, 0};
	}
	return hops;
}

/* Numbers the rows, one for each number of bytes; row 0 is of blocks that wait for nothing. Returns how many there are;
 * bytes[row] is set. */
static size_t number_rows(struct block_costs *p, int phase_group, const struct hop *hops, double *bytes)
{
	size_t n = 1;

	for (size_t b = 0; b < p->blocks; b++) {
		size_t row = 1;

		if (hops[b].bytes < 0)
			continue;
		p->feed[b] = hops[b].from;
		while (row < n && bytes[row] != hops[b].bytes)
			row++;
		bytes[row] = hops[b].bytes;
		n += row == n;
		p->hop_row[phase_group][b] = (uint32_t)row;
	}
	return n;
}

static void compute_hop_row(struct block_costs *p, int phase_group, size_t row, double bytes)
{
	const bool back = runs_backward(p, phase_group);
	const double times = passes(p, phase_group) * p->in_flight[phase_group];

	for (size_t i = 0; i < p->pairs; i++) {
		const size_t u = p->slots.unit[i / p->slots.n], v = p->slots.unit[i % p->slots.n];
		const struct transfer_time x = compute_transfer_time(p, back ? v : u, back ? u : v,
								     bytes / p->in_flight[phase_group]);

		p->hop_s[phase_group][row * p->pairs + i] = repeated_s(passes(p, phase_group), x.s);
		p->send_s[phase_group][row * p->pairs + i] = times * x.send_s;
		p->receive_s[phase_group][row * p->pairs + i] = times * x.receive_s;
	}
}

static void compute_hops(struct arena *a, struct block_costs *p, int phase_group)
{
	struct arena scratch = ARENA_INIT;
	const struct hop *hops = list_hops(&scratch, p, phase_group);
	double *bytes = arena_array(&scratch, p->blocks + 1, sizeof *bytes);
	size_t rows;

	p->hop_row[phase_group] = arena_array(a, p->blocks, sizeof *p->hop_row[phase_group]);
	rows = number_rows(p, phase_group, hops, bytes);
	p->hop_s[phase_group] = arena_array(a, rows * p->pairs, sizeof(double));
	p->send_s[phase_group] = arena_array(a, rows * p->pairs, sizeof(double));
	p->receive_s[phase_group] = arena_array(a, rows * p->pairs, sizeof(double));
	for (size_t row = 1; row < rows; row++)
		compute_hop_row(p, phase_group, row, bytes[row]);
	arena_release(&scratch);
}

static void compute_token_trips(struct arena *a, struct block_costs *p, int phase_group)
{
	struct token_trips trips;

	p->token_s[phase_group] = arena_array(a, p->pairs, sizeof(double));
	if (!p->search->token)
		return;
	trips = p->search->token(&p->w->scenario->workload, phase_group);
	for (size_t i = 0; i < p->pairs; i++)
		p->token_s[phase_group][i] = repeated_s(
			trips.times, compute_transfer_time(p, p->slots.unit[i / p->slots.n],
							   p->slots.unit[i % p->slots.n], trips.bytes)
					     .s);
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
	twins_slots(w, &p->slots);
	p->pairs = p->slots.n * p->slots.n;
	p->feed = arena_array(a, p->blocks, sizeof *p->feed);
	p->weights_B = arena_array(a, p->blocks, sizeof *p->weights_B);
	p->handovers = arena_array(a, p->blocks * p->pairs, sizeof *p->handovers);
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
	block_costs_fill_slots(p);
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
	return p->hop_s[phase_group]
		       [p->hop_row[phase_group][block] * p->pairs + unit_slots_pair(&p->slots, u, v)];
}

/* The part of a block's time that a bound may count, for the layer map `at`. */
static inline enum counted counted_at(const struct block_costs *p, const uint8_t *at, size_t b)
{
	if (p->role[b] != ROLE_SHARED)
		return COUNT_CHAIN;
	return block_costs_count(p->role[b], at[p->feed[b]], at[b], b + 1 < p->blocks ? at[b + 1] : at[b]);
}

/* Seconds of a pass in a block, with the transfer to it. Most blocks are on the device of their feed, where there is none. */
static inline double pass_s(const struct block_costs *p, int phase_group, const uint8_t *at, size_t b)
{
	const size_t u_v_before[] = {at[p->feed[b]], at[b], b ? at[b - 1] : at[b]};
	const double s = p->chain_s[phase_group][b * p->units + at[b]];

	return u_v_before[0] == u_v_before[1] ? s : s + block_costs_hop_s(p, phase_group, b, u_v_before);
}

/* Seconds of the transfer to a block whose feed is on another device; adds the copy seconds of the two. */
static inline double add_hop(const struct block_costs *p, int phase_group, const uint8_t *at, size_t b,
			     double *busy_s)
{
	const bool back = runs_backward(p, phase_group);
	const size_t u = at[p->feed[b]], v = at[b];
	size_t i;
	bool shared;

	if (b <= p->first || b > p->last)
		return 0;
	shared = p->role[b - 1] == ROLE_SHARED; /* see block_costs_hop_s() */
	i = p->hop_row[phase_group][b - shared] * p->pairs + unit_slots_pair(&p->slots, u, v);
	busy_s[back ? v : u] += p->send_s[phase_group][i];
	busy_s[back ? u : v] += p->receive_s[phase_group][i];
	return shared ? block_costs_hop_s(p, phase_group, b, (const size_t[]){u, v, at[b - 1]})
		      : p->hop_s[phase_group][i];
}

/* passes_s: [block], set to the seconds of a pass in it, with the transfer to it; NULL: not wanted. */
static void sum_blocks(const struct block_costs *p, int phase_group, const uint8_t *at, double *passes_s,
		       struct phase_group_sum *s)
{
	const double *chain_s = p->chain_s[phase_group], *busy_s = p->busy_s[phase_group];

	for (size_t b = 0; b < p->blocks; b++) {
		const enum counted counted = counted_at(p, at, b);
		const size_t i = b * p->units + at[b];
		double pass = chain_s[i];

		if (counted != COUNT_NOTHING)
			s->busy_s[at[b]] += busy_s[i];
		if (counted != COUNT_CHAIN)
			continue;
		if (at[p->feed[b]] != at[b])
			pass += add_hop(p, phase_group, at, b, s->busy_s);
		s->chain_s += pass;
		if (passes_s)
			passes_s[b] = pass;
	}
	if (phase_group == 1)
		s->chain_s += block_costs_token_s(p, phase_group, at, at);
}

struct phase_group_sum block_costs_sum(const struct block_costs *p, int phase_group, const uint8_t *at)
{
	struct phase_group_sum s = {.chain_s = 0};

	sum_blocks(p, phase_group, at, NULL, &s);
	return s;
}

/* The seconds of queues of links, as far as any is used. */
struct queue_times {
	struct {
		size_t queue;
		double s;
	} * at;
	size_t n;
};

/* Blocks that follow one another mostly go over the same two queues: the last ones are looked at first. */
static void add_queue_s(struct queue_times *t, size_t queue, double s)
{
	size_t i = t->n;

	while (i > 0 && t->at[i - 1].queue != queue)
		i--;
	if (i == 0) {
		t->at[t->n].queue = queue;
		t->at[t->n].s = 0;
		i = ++t->n;
	}
	t->at[i - 1].s += s;
}

/* The link between the devices of a block's two phase groups. Blocks that follow one another are mostly on the same two. */
struct between {
	size_t u, v, pair, link_use, out, back; /* pair: its place in a table; out, back: queues */
};

static struct between between(const struct block_costs *p, size_t u, size_t v)
{
	const struct world *w = p->w;
	const size_t a = w->units[u].machine, c = w->units[v].machine;
	struct between x = {u, v, 0, a == c ? WORLD_NONE : world_link_use(w, a, c), 0, 0};

	if (x.link_use == WORLD_NONE)
		return x;
	x.pair = unit_slots_pair(&p->slots, u, v);
	x.out = queue_index(w, queue_from(w, x.link_use, a));
	x.back = queue_index(w, queue_from(w, x.link_use, c));
	return x;
}

void block_costs_add_handovers(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS],
			       struct phase_group_sum phase_groups[PHASE_GROUPS])
{
	struct queue_times t = {.at = xmalloc((2 * p->blocks + 1) * sizeof *t.at)};
	struct between x = {.link_use = WORLD_NONE}; /* unit 0 and itself */

	for (size_t b = 0; b < p->blocks; b++) {
		const size_t u = at[0][b], v = at[1][b];
		const struct handover *h;

		if (u == v)
			continue;
		if (u != x.u || v != x.v)
			x = between(p, u, v);
		if (x.link_use == WORLD_NONE)
			continue;
		h = &p->handovers[b * p->pairs + x.pair];
		phase_groups[1].copies_s[u] += h->send_s;
		phase_groups[1].copies_s[v] += h->receive_s;
		add_queue_s(&t, x.out, h->link_out_s);
		add_queue_s(&t, x.back, h->link_back_s);
	}
	for (size_t q = 0; q < t.n; q++)
		phase_groups[1].link_s = fmax(phase_groups[1].link_s, t.at[q].s);
	free(t.at);
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

/* When in a pass a device's first block begins, and the work of all of a device's passes. */
struct ramps {
	double ramp_s[PHASE_GROUPS][SPACE_UNITS], work_s[SPACE_UNITS];
};

/* passes_s: [block], from sum_blocks(); NULL: not known yet. */
static void add_ramp(const struct block_costs *p, int phase_group, const uint8_t *at, const double *passes_s,
		     struct ramps *r)
{
	double *ramp_s = r->ramp_s[phase_group], ramp = 0;

	for (size_t u = 0; u < p->units; u++)
		ramp_s[u] = INFINITY;
	for (size_t b = p->first; b <= p->last; b++) {
		const size_t u = at[b];

		if (ramp < ramp_s[u])
			ramp_s[u] = ramp;
		if (counted_at(p, at, b) != COUNT_CHAIN)
			continue;
		ramp += passes_s ? passes_s[b] : pass_s(p, phase_group, at, b);
		r->work_s[u] += p->in_flight[phase_group] * p->chain_s[phase_group][b * p->units + u];
	}
}

static double longest_ramps_s(const struct block_costs *p, const struct ramps *r)
{
	double most = 0;

	for (size_t u = 0; u < p->units; u++)
		/* the device runs blocks of both phase groups */
		if (isfinite(r->ramp_s[0][u]) && isfinite(r->ramp_s[1][u]))
			most = fmax(most, r->ramp_s[0][u] + r->work_s[u] + r->ramp_s[1][u]);
	return most;
}

double block_costs_fill_s(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS])
{
	struct ramps r;

	memset(r.work_s, 0, p->units * sizeof *r.work_s);
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++)
		add_ramp(p, phase_group, at[phase_group], NULL, &r);
	return longest_ramps_s(p, &r);
}

/* What is of units that there are: the rest is never read. */
static void clear_sum(const struct block_costs *p, struct phase_group_sum *s)
{
	s->chain_s = s->link_s = s->fill_s = 0;
	memset(s->busy_s, 0, p->units * sizeof *s->busy_s);
	memset(s->copies_s, 0, p->units * sizeof *s->copies_s);
}

void block_costs_sum_both(const struct block_costs *p, const uint8_t *const at[PHASE_GROUPS],
			  double *scratch_s, struct phase_group_sum phase_groups[PHASE_GROUPS])
{
	struct ramps r;

	memset(r.work_s, 0, p->units * sizeof *r.work_s);
	for (int phase_group = 0; phase_group < PHASE_GROUPS; phase_group++) {
		clear_sum(p, &phase_groups[phase_group]);
		sum_blocks(p, phase_group, at[phase_group], scratch_s, &phase_groups[phase_group]);
		if (p->search->backward)
			add_ramp(p, phase_group, at[phase_group], scratch_s, &r);
	}
	if (p->search->backward)
		phase_groups[1].fill_s = longest_ramps_s(p, &r);
}

double block_costs_token_s(const struct block_costs *p, int phase_group, const uint8_t *from,
			   const uint8_t *to)
{
	return block_costs_token_between_s(p, phase_group, from[p->last], to[p->first]);
}

double block_costs_token_between_s(const struct block_costs *p, int phase_group, size_t u, size_t v)
{
	return p->token_s[phase_group][unit_slots_pair(&p->slots, u, v)];
}
