/* stages.c - see stages.h. */
#include "sim/train/stages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/step/walk.h"

static const enum phase phases[] = {PHASE_FORWARD, PHASE_BACKWARD, PHASE_UPDATE};

bool stages_has(const struct stages *s, const struct data_replica *r, size_t block, enum pass_kind pass)
{
	if (pass == PASS_FORWARD)
		return true;
	if (block < s->trainable.lowest)
		return false;
	return pass == PASS_INPUT || (!r->stage_orders.joined && s->trainable.blocks[block].numbers > 0);
}

struct label stages_label(const struct stages *s, const struct data_replica *r, size_t block,
			  enum pass_kind pass)
{
	const struct block k = model_block(s->trainable.world->model, block);
	const enum grad_part grad_part = r->stage_orders.joined ? GRAD_BOTH
					 : pass == PASS_WEIGHTS ? GRAD_WEIGHTS
								: GRAD_INPUT;

	return (struct label){.phase = pass == PASS_FORWARD ? PHASE_FORWARD : PHASE_BACKWARD,
			      .part = k.part,
			      .layer = k.layer,
			      .grad_part = pass == PASS_FORWARD ? GRAD_BOTH : grad_part};
}

double stages_weights_B(const struct stages *s, size_t block)
{
	return s->trainable.blocks[block].weights_B;
}

double stages_gradient_B(const struct stages *s, size_t block)
{
	return s->trainable.blocks[block].gradient_B;
}

/* ---- replicas ---- */

const struct shards *stages_data_group(const struct placement *at)
{
	for (size_t b = walk_first(at->world); b <= walk_last(at->world); b++)
		if (at->shard_groups[PHASE_FORWARD][b].data)
			return &at->shard_groups[PHASE_FORWARD][b];
	return NULL;
}

size_t stages_split_n(const struct placement *at)
{
	const struct shards *s = stages_data_group(at);

	return s ? (size_t)s->n : 1;
}

/* The placement of replica i. */
static struct placement replica_of(struct arena *a, const struct placement *at, size_t i)
{
	struct placement p = *at;

	for (size_t x = 0; x < ARRAY_LEN(phases); x++) {
		struct shards *shard_groups = arena_room(a, at->blocks_n, sizeof *shard_groups);

		for (size_t b = 0; b < at->blocks_n; b++) {
			const struct shards *s = &at->shard_groups[phases[x]][b];

			shard_groups[b] = *s;
			if (s->data)
				shard_groups[b] =
					(struct shards){.n = 1,
							.unit = {s->unit[i]},
							.share = {s->ranks > 1 ? 1.0 / s->ranks : 1},
							.ranks = s->ranks,
							.by_tokens = s->by_tokens,
							.overlaps = s->overlaps};
		}
		p.shard_groups[phases[x]] = shard_groups;
	}
	return p;
}

/* ---- chunks and stages ---- */

static bool new_chunk(const struct placement *at, size_t b)
{
	const struct shards *f = at->shard_groups[PHASE_FORWARD], *r = at->shard_groups[PHASE_BACKWARD];

	return !shard_group_same(&f[b - 1], &f[b]) || !shard_group_same(&r[b - 1], &r[b]);
}

/* The bounds of the chunks, the longest runs of blocks on the same devices; returns their number. */
static size_t find_runs(const struct placement *at, size_t *bounds)
{
	const size_t first = walk_first(at->world), last = walk_last(at->world);
	size_t n = 0;

	bounds[n++] = first;
	for (size_t b = first + 1; b <= last; b++)
		if (new_chunk(at, b))
			bounds[n++] = b;
	bounds[n] = last + 1;
	return n;
}

/* In a V the last stage has two chunks that are adjacent and look like one: divides them in the middle. */
static size_t part_vee(size_t *bounds, size_t n)
{
	const size_t at = n / 2, middle = (bounds[at] + bounds[at + 1]) / 2;

	if (n % 2 == 0 || middle == bounds[at])
		return n;
	memmove(&bounds[at + 2], &bounds[at + 1], (n - at) * sizeof *bounds);
	bounds[at + 1] = middle;
	return n + 1;
}

static size_t stage_of(size_t *units, size_t *n, size_t unit)
{
	for (size_t i = 0; i < *n; i++)
		if (units[i] == unit)
			return i;
	units[(*n)++] = unit;
	return *n - 1;
}

/* Chunks without times. */
static struct chunk *find_chunks(struct arena *a, struct data_replica *r, enum train_schedule s)
{
	struct chunk *chunks;
	size_t *units = arena_array(a, r->at.world->units_n, sizeof *units);
	size_t n;

	r->bounds = arena_array(a, r->at.blocks_n + 2, sizeof *r->bounds);
	n = find_runs(&r->at, r->bounds);
	if (s == SCHEDULE_ZB_V)
		n = part_vee(r->bounds, n);
	chunks = arena_array(a, n, sizeof *chunks);
	for (size_t c = 0; c < n; c++) {
		const size_t b = r->bounds[c];
		const size_t fore =
			stage_of(units, &r->pipe.stages_n, r->at.shard_groups[PHASE_FORWARD][b].unit[0]);
		const size_t back =
			stage_of(units, &r->pipe.stages_n, r->at.shard_groups[PHASE_BACKWARD][b].unit[0]);

		chunks[c] = (struct chunk){{fore, back, back}, {0}, {0, 0}};
	}
	r->pipe.chunks = chunks;
	r->pipe.chunks_n = n;
	return chunks;
}

struct data_replica stages_replica(struct arena *a, const struct placement *at, size_t i,
				   enum train_schedule schedule)
{
	struct data_replica r = {.at = replica_of(a, at, i)};

	find_chunks(a, &r, schedule);
	return r;
}

sim_ns stages_block_ns(struct program *p, const struct stages *s, const struct data_replica *r, size_t block,
		       enum pass_kind pass)
{
	const struct shape *shape = &s->trainable.blocks[block].shape;
	const struct shards *fore = &r->at.shard_groups[PHASE_FORWARD][block],
			    *back = &r->at.shard_groups[PHASE_BACKWARD][block];
	sim_ns ns;

	if (!stages_has(s, r, block, pass))
		return 0;
	ns = program_block_ns(p, shape, pass == PASS_FORWARD ? fore : back, stages_label(s, r, block, pass));
	if (pass == PASS_INPUT && s->trainable.train.options.recompute == RECOMPUTE_FULL)
		ns += program_block_ns(p, shape, back, stages_label(s, r, block, PASS_FORWARD));
	return ns;
}

/* The time of a chunk's pass; -1: it has none. */
static sim_ns chunk_ns(struct program *p, const struct stages *s, const struct data_replica *r, size_t c,
		       enum pass_kind pass)
{
	sim_ns sum = 0;
	bool has = false;

	for (size_t b = r->bounds[c]; b < r->bounds[c + 1]; b++) {
		has |= stages_has(s, r, b, pass);
		sum += stages_block_ns(p, s, r, b, pass);
	}
	return has ? sum : -1;
}

static sim_ns hop_ns(struct program *p, const struct shards *from, const struct shards *to, double bytes)
{
	return program_hand_over_ns(p, from, to, bytes * shard_group_sends(from, to));
}

static void time_chunks(struct program *p, const struct stages *s, struct data_replica *r,
			struct chunk *chunks)
{
	const struct train *t = &s->trainable.train;
	const double bytes = (double)(t->batch * t->tokens / t->options.context_parallel) *
			     graph_hidden_B(p->world->model, &p->world->scenario->precision);

	for (size_t c = 0; c < r->pipe.chunks_n; c++) {
		for (int x = 0; x < PASS_N; x++)
			chunks[c].ns[x] = chunk_ns(p, s, r, c, (enum pass_kind)x);
		for (int back = 0; back < 2; back++) {
			const size_t to = back ? c - 1 : c + 1;
			const struct shards *shard_groups =
				r->at.shard_groups[back ? PHASE_BACKWARD : PHASE_FORWARD];

			if (to < r->pipe.chunks_n)
				chunks[c].hop_ns[back] = hop_ns(p, &shard_groups[r->bounds[c]],
								&shard_groups[r->bounds[to]], bytes);
		}
	}
}

/* The time of one micro-batch on the stage where it takes longest. */
static sim_ns slowest_stage(struct arena *a, const struct data_replica *r)
{
	sim_ns *sum = arena_array(a, r->pipe.stages_n, sizeof *sum), most = 0;

	for (size_t c = 0; c < r->pipe.chunks_n; c++)
		for (int x = 0; x < PASS_N; x++)
			if (r->pipe.chunks[c].ns[x] > 0)
				sum[r->pipe.chunks[c].stage[x]] += r->pipe.chunks[c].ns[x];
	for (size_t i = 0; i < r->pipe.stages_n; i++)
		most = sum[i] > most ? sum[i] : most;
	return most;
}

/* ---- shares ---- */

static void by_speed(uint32_t micros, size_t n, const sim_ns *ns, uint32_t *out)
{
	for (uint32_t k = 0; k < micros; k++) {
		size_t best = 0;

		for (size_t i = 1; i < n; i++)
			if (ns[i] * (out[i] + 1) < ns[best] * (out[best] + 1))
				best = i;
		out[best]++;
	}
}

static void by_share(uint32_t micros, size_t n, const double *shares, uint32_t *out)
{
	uint32_t given = 0;

	for (size_t i = 0; i < n; i++)
		given += out[i] = (uint32_t)floor(shares[i] * micros + 1e-9);
	for (; given < micros; given++) {
		size_t best = 0;

		for (size_t i = 1; i < n; i++)
			if (shares[i] * micros - out[i] > shares[best] * micros - out[best] + 1e-9)
				best = i;
		out[best]++;
	}
}

void stages_share_out(uint32_t micros, size_t n, const double *shares, const sim_ns *ns, uint32_t *out)
{
	memset(out, 0, n * sizeof *out);
	if (shares[0] > 0)
		by_share(micros, n, shares, out);
	else
		by_speed(micros, n, ns, out);
}

size_t stages_replicas(const struct placement *at)
{
	const struct train_options o = placement_train(at).options;

	return stages_split_n(at) * (size_t)train_gradient_ranks(&o);
}

/* The training of one of the replicas that the placement stands for. */
static struct train of_one_replica(const struct placement *at)
{
	struct train t = placement_train(at);

	t.micro_batches /= t.options.data_parallel;
	return t;
}

/* Whether a replica adds the gradients of a micro-batch to others: it has several, and keeps whole sums (ZeRO 2: its part alone). */
static bool adds_up(const struct placement *at, const struct train *of_one)
{
	return of_one->micro_batches > (int64_t)stages_split_n(at) &&
	       !(of_one->options.zero > 1 && stages_replicas(at) > 1);
}

/* Stages without orders; each replica has its share of the micro-batches. */
static struct stages without_orders(struct arena *a, struct program *p, const struct placement *at)
{
	const struct train train = of_one_replica(at), *t = &train;
	const enum train_schedule schedule = (enum train_schedule)t->options.schedule;
	static const double whole[SHARDS_MAX] = {1};
	const struct shards *data = stages_data_group(at);
	sim_ns ns[SHARDS_MAX] = {0};
	uint32_t share[SHARDS_MAX];
	struct stages s = {.n = stages_split_n(at),
			   .first = walk_first(at->world),
			   .last = walk_last(at->world),
			   .trainable = trainable_make(a, at->world, t)};
	const bool sums = adds_up(at, t);

	for (size_t b = 0; b < at->blocks_n; b++)
		s.trainable.blocks[b].shape.sums &= sums;
	s.replicas = arena_array(a, s.n, sizeof *s.replicas);
	for (size_t i = 0; i < s.n; i++) {
		struct data_replica *r = &s.replicas[i];

		r->at = replica_of(a, at, i);
		r->stage_orders.joined = !schedule_splits(schedule);
		time_chunks(p, &s, r, find_chunks(a, r, schedule));
		ns[i] = slowest_stage(a, r);
	}
	stages_share_out((uint32_t)t->micro_batches, s.n, data ? data->share : whole, ns, share);
	for (size_t i = 0; i < s.n; i++) {
		s.replicas[i].micros = share[i];
		s.replicas[i].pipe.in_flight = t->options.in_flight;
	}
	return s;
}

void stages_classes(struct program *p, const struct placement *at)
{
	struct arena scratch = ARENA_INIT;

	without_orders(&scratch, p, at);
	arena_release(&scratch);
}

/* Orders the passes of the micro-batches that each replica has, where `more` follow; returns a multiple of the cycles that they
 * repeat, in micro-batches; 0: there are none. */
static uint32_t order(struct arena *a, struct stages *s, uint32_t more)
{
	const enum train_schedule schedule = (enum train_schedule)s->trainable.train.options.schedule;
	uint32_t first = 0, cycle = 1;

	for (size_t i = 0; i < s->n; i++) {
		struct data_replica *r = &s->replicas[i];

		r->first = first;
		r->pipe.micros = r->micros;
		r->pipe.more = more;
		first += r->micros;
		r->stage_orders = pipeline_make(a, schedule, &r->pipe);
		r->simulated_orders = pipeline_simulate(a, &r->pipe, &r->stage_orders);
		BUG_ON(!r->simulated_orders.whole);
		cycle = cycle_common(cycle, r->stage_orders.cycle);
	}
	s->more = more;
	return cycle;
}

struct stages stages_make(struct arena *a, struct program *p, const struct placement *at)
{
	struct stages s = without_orders(a, p, at);

	order(a, &s, 0);
	return s;
}

/* A multiple of a number of micro-batches and of the cycles that the replicas' times repeat, where they have come to. */
static uint32_t with_times(const struct stages *s, uint32_t micros)
{
	struct arena scratch = ARENA_INIT;

	for (size_t i = 0; i < s->n; i++) {
		const struct data_replica *r = &s->replicas[i];
		struct simulated_orders sorted = r->simulated_orders;
		struct cycles_left_out c;
		uint32_t both;

		sorted.actions = cycle_sorted(&scratch, &r->pipe, &r->simulated_orders);
		both = cycle_goes_on(&scratch, &r->pipe, &sorted, &c) ? cycle_common(micros, c.micros) : 0;
		micros = both ? both : micros;
	}
	arena_release(&scratch);
	return micros;
}

/* The same with so many micro-batches of each replica, what is left being whole cycles; false: orders of all of them may be others. */
static bool order_few(struct arena *a, struct stages *s, uint32_t all, uint32_t few)
{
	uint32_t cycle;

	for (int tries = 0; tries < 2 && few < all; tries++) {
		for (size_t i = 0; i < s->n; i++)
			s->replicas[i].micros = few;
		s->trainable.train.micro_batches = (int64_t)s->n * few;
		cycle = order(a, s, all - few);
		if (!cycle)
			return false;
		if ((all - few) % cycle == 0)
			cycle = with_times(s, cycle);
		if ((all - few) % cycle == 0)
			return true;
		few += (all - few) % cycle;
	}
	return false;
}

struct stages stages_make_few(struct arena *a, struct program *p, const struct placement *at)
{
	enum { LEAST = 32, EACH_STAGE = 12 };
	const struct stages all = without_orders(a, p, at);
	const uint32_t micros = all.replicas[0].micros;
	const uint32_t from = LEAST + EACH_STAGE * (uint32_t)all.replicas[0].pipe.stages_n;
	bool same = true;

	for (size_t i = 1; i < all.n; i++)
		same &= all.replicas[i].micros == micros;
	for (uint32_t few = from; same && few < micros / 2; few *= 2) {
		struct stages s = stages_copy(a, &all);

		if (order_few(a, &s, micros, few))
			return s;
	}
	return stages_make(a, p, at);
}

bool stages_in_halves(const struct stages *s)
{
	if (s->trainable.train.options.schedule != SCHEDULE_GPIPE)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (!s->replicas[i].stage_orders.published ||
		    !pipeline_is(&s->replicas[i].pipe, LAYOUT_CHAIN))
			return false;
	return true;
}

/* Returns whether each machine has one stage. */
static bool is_spread(const struct stages *s, const struct world *w)
{
	struct arena scratch = ARENA_INIT;
	bool *has = arena_array(&scratch, w->machines_n, sizeof *has), spread = true;

	for (size_t i = 0; i < s->n; i++) {
		const struct data_replica *r = &s->replicas[i];

		for (size_t c = 0; c < r->pipe.chunks_n; c++) {
			const size_t unit = r->at.shard_groups[PHASE_FORWARD][r->bounds[c]].unit[0];
			bool *here = &has[w->units[unit].machine];

			spread &= !*here;
			*here = true;
		}
	}
	arena_release(&scratch);
	return spread;
}

bool stages_make_halves(struct arena *a, struct program *p, const struct placement *at, uint32_t before,
			struct stages *out)
{
	enum {
		AFTER = 1
	}; /* and the last micro-batch, after which come the loss and the sums of gradients */
	const uint32_t few = before + AFTER + 1;
	uint32_t all;

	*out = without_orders(a, p, at);
	all = out->replicas[0].micros;
	for (size_t i = 0; i < out->n; i++) {
		if (out->replicas[i].micros != all)
			return false;
		out->replicas[i].micros = few;
	}
	if (few > all / 3 * 2 || !is_spread(out, at->world))
		return false;
	out->trainable.train.micro_batches = (int64_t)out->n * few;
	order(a, out, 0);
	out->left_out = (struct cycles_left_out){.n = all - few, .micros = 1, .after = AFTER};
	return stages_in_halves(out);
}

static bool same_actions(const struct simulated_orders *a, const struct simulated_orders *b)
{
	if (a->actions_n != b->actions_n)
		return false;
	for (size_t i = 0; i < a->actions_n; i++)
		if (!cycle_same(&a->actions[i], &b->actions[i], 0, 0))
			return false;
	return true;
}

/* The cycles that all replicas repeat. */
static bool find_cycles(struct arena *a, const struct stages *s, const struct shortening *how,
			struct cycles_left_out *left)
{
	const struct data_replica *first = &s->replicas[0];
	const size_t under_way = cycle_under_way(a, &first->pipe, &first->simulated_orders);
	const struct kept kept = {how->times * under_way + 2, under_way, how->after, how->fold};

	for (size_t i = 1; i < s->n; i++)
		if (!same_actions(&s->replicas[i].simulated_orders, &first->simulated_orders))
			return false;
	return cycle_find(&first->simulated_orders, &first->pipe, 2 * first->pipe.stages_n, kept, left);
}

void stages_sort(struct arena *a, struct stages *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->replicas[i].simulated_orders.actions =
			cycle_sorted(a, &s->replicas[i].pipe, &s->replicas[i].simulated_orders);
}

struct stages stages_copy(struct arena *a, const struct stages *s)
{
	struct stages copy = *s;

	copy.replicas = arena_array(a, s->n, sizeof *copy.replicas);
	for (size_t i = 0; i < s->n; i++) {
		struct simulated_orders *o = &copy.replicas[i].simulated_orders;
		struct simulated_action *actions;

		copy.replicas[i] = s->replicas[i];
		actions = arena_room(a, o->actions_n, sizeof *actions);
		if (o->actions_n)
			memcpy(actions, o->actions, o->actions_n * sizeof *actions);
		o->actions = actions;
	}
	return copy;
}

bool stages_shorten(struct arena *a, struct stages *s, const struct shortening *how)
{
	const uint32_t more = s->more;

	if (how->sorted)
		stages_sort(a, s);
	if (!find_cycles(a, s, how, &s->left_out)) {
		s->left_out.n = 0;
		return false;
	}
	for (size_t i = 0; i < s->n; i++) {
		struct data_replica *r = &s->replicas[i];

		cycle_leave_out(&r->simulated_orders, &r->pipe, &s->left_out);
		r->micros = r->pipe.micros -= s->left_out.n * s->left_out.micros - more;
		r->pipe.more = 0;
		r->first = (uint32_t)i * r->micros;
	}
	s->trainable.train.micro_batches = (int64_t)s->n * s->replicas[0].micros;
	s->more = 0;
	return true;
}

size_t stages_last_group(const struct placement *at, size_t *stages_n)
{
	const struct train t = of_one_replica(at);
	struct arena scratch = ARENA_INIT;
	const struct data_replica r =
		stages_replica(&scratch, at, 0, (enum train_schedule)t.options.schedule);
	size_t left = 0;

	*stages_n = r.pipe.stages_n;
	if (t.options.schedule == SCHEDULE_INTERLEAVED && stages_split_n(at) == 1 &&
	    pipeline_is(&r.pipe, LAYOUT_LOOPED) && r.pipe.chunks_n > r.pipe.stages_n)
		left = (size_t)t.micro_batches % r.pipe.stages_n;
	arena_release(&scratch);
	return left;
}
