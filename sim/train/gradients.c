/* gradients.c - see gradients.h. */
#include "sim/train/gradients.h"

#include <math.h>

#include "sim/step/equals.h"

static struct deps *entry(const struct gradients *g, struct deps *table, uint32_t micro, size_t block)
{
	return &table[(size_t)micro * g->blocks_n + block];
}

/* Without overlap every pass waits for the newest sum. With it gradients have two buffers, so that those of a third bucket are computed
 * when the first has been summed: FSDP's next sum waits for the one before, and computing waits for it (pytorch/pytorch@002a76fb
 * torch/distributed/fsdp/_fully_shard/_fsdp_param_group.py, post_backward()); DeepSpeed takes turns between two buffers, and its
 * computing stream waits for that of sums whenever one of them is full (stage_1_and_2.py, average_tensor()). */
const struct deps *gradients_awaited(const struct gradients *g, const struct shards *on, bool computes)
{
	const struct scatters *s = &g->scatters;

	if (g->t->options.overlap)
		return computes && s->before ? &s->before[on->unit[0]] : NULL;
	return s->rounds ? &s->newest[on->unit[0]] : NULL;
}

/* Whether gradients go to other replicas: of a data split, or those that the placement stands for. */
static bool shares_gradients(const struct gradients *g)
{
	return g->replicas > 1;
}

/* Returns whether all replicas with micro-batches have computed the block's gradients: those of every micro-batch in the last
 * round, else those of one. */
static bool is_ready(struct gradients *g, size_t block, uint32_t round)
{
	for (size_t i = 0; i < g->st->n; i++) {
		const struct data_replica *r = &g->st->replicas[i];

		if (round < g->scatters.rounds
			    ? round < r->micros && !entry(g, g->scatters.computed, r->first + round, block)->n
			    : r->micros && !g->of[block][i].n)
			return false;
	}
	return true;
}

static bool same_devices(const struct gradients *g, size_t x, size_t y)
{
	for (size_t i = 0; i < g->st->n; i++) {
		const struct shards *shard_groups = g->st->replicas[i].at.shard_groups[PHASE_BACKWARD];

		if (shard_groups[x].unit[0] != shard_groups[y].unit[0])
			return false;
	}
	return true;
}

/* Gradients that are summed as one message: of blocks from .. to. */
struct bucket {
	size_t from, to;
	double bytes;
};

/* Finds the bucket whose last block is the one below so many, of neighbours on the same devices (Li et al., PyTorch
 * Distributed, arXiv:2006.15704, section 3.2.3). Returns whether it is complete. */
static bool find_bucket(struct gradients *g, size_t below, uint32_t round, struct bucket *k)
{
	const double full = g->t->options.bucket > 0 ? g->t->options.bucket : HUGE_VAL;

	*k = (struct bucket){below, below - 1, 0};
	while (k->from > g->st->first && k->bytes < full && same_devices(g, k->from - 1, k->to)) {
		if (stages_gradient_B(g->st, k->from - 1) > 0 && !is_ready(g, k->from - 1, round))
			return false;
		k->bytes += stages_gradient_B(g->st, --k->from);
	}
	return true;
}

enum equals gradients_equals(const struct train *t)
{
	/* a box has the ranks of a sequence, so that without replicas no gradient leaves it */
	return t->options.data_parallel > 1 ? EQUALS_DATA : EQUALS_CONTEXT;
}

struct deps gradients_collective(struct program *p, const struct train *t, size_t unit,
				 const struct collective *c, struct label label, const struct deps *after)
{
	return equals_collective(p, unit, gradients_equals(t), (int)train_gradient_ranks(&t->options), c,
				 (enum reduce_way)t->options.all_reduce, label, after);
}

/* A sum over the replicas that the placement stands for: each rank sums its share with those of its place. */
static void sum_equals(struct gradients *g, const struct bucket *k, bool scatters, struct label label,
		       struct deps *of)
{
	const struct shards *on = &g->st->replicas[0].at.shard_groups[PHASE_BACKWARD][k->from];
	struct deps have = {.n = 0};

	for (int i = 0; i < on->n; i++) {
		const struct collective c = {.gather = scatters, .bytes = k->bytes * on->share[i]};
		const struct deps sum = gradients_collective(g->p, g->t, on->unit[i], &c, label, of);

		deps_join(g->p, &have, &sum);
	}
	*of = have;
}

/* A sum over the replicas of a data split. */
static void sum_split(struct gradients *g, const struct bucket *k, bool scatters, struct label label,
		      struct deps of[SHARDS_MAX])
{
	const struct shards *on = g->st->replicas[0].at.shard_groups[PHASE_BACKWARD];
	const struct collective c = {.gather = scatters, .bytes = k->bytes * on[k->from].share[0]};
	struct shards shards = {.n = (int)g->st->n};
	struct deps have[SHARDS_MAX];
	enum reduce_way way = (enum reduce_way)g->t->options.all_reduce;

	for (size_t i = 0; i < g->st->n; i++) {
		shards.unit[i] = g->st->replicas[i].at.shard_groups[PHASE_BACKWARD][k->from].unit[0];
		shards.share[i] = 1 / (double)g->st->n;
		have[i] = of[i];
	}
	if (way == REDUCE_AUTO || !collective_can(g->p->world, &shards, way))
		way = collective_way(g->p->world, &shards, &c);
	collective_put_each(g->p, &shards, &c, way, label, have);
	for (size_t i = 0; i < g->st->n; i++) {
		deps_join(g->p, &have[i], &of[i]);
		of[i] = have[i];
	}
}

/* of[i]: the tasks that computed replica i's gradients; replaced by those after which it has the sum, or, where that is
 * scattered, its part of it. */
static void sum_bucket(struct gradients *g, const struct bucket *k, bool scatters, uint32_t micro,
		       struct deps of[SHARDS_MAX])
{
	struct label label = stages_label(g->st, &g->st->replicas[0], k->from, PASS_INPUT);

	label.micro = micro;
	label.payload = scatters ? PAYLOAD_REDUCE_SCATTER : PAYLOAD_NONE;
	for (size_t i = 0; i < g->st->n && g->scatters.rounds; i++) /* a round follows the one before */
		deps_join(g->p, &of[i], &g->scatters.sums[k->from][i]);
	if (g->st->n > 1)
		sum_split(g, k, scatters, label, of);
	else
		sum_equals(g, k, scatters, label, of);
}

/* A sum of gradients that have two buffers has been appended. */
static void note_sum(struct gradients *g, const struct bucket *k, const struct deps *of)
{
	struct scatters *s = &g->scatters;

	for (size_t i = 0; i < g->st->n && s->newest; i++) {
		const size_t unit = g->st->replicas[i].at.shard_groups[PHASE_BACKWARD][k->from].unit[0];

		s->before[unit] = s->newest[unit];
		s->newest[unit] = of[i];
	}
}

/* All-reduces the gradients of every micro-batch; a replica goes on when it has the sum. */
static void all_reduce(struct gradients *g, const struct bucket *k)
{
	struct deps of[SHARDS_MAX] = {0};

	for (size_t i = 0; i < g->st->n; i++) {
		for (size_t j = k->from; j <= k->to; j++)
			deps_join(g->p, &of[i], &g->of[j][i]);
		if (!g->t->options.overlap)
			deps_join(g->p, &of[i], &g->done[i]);
	}
	sum_bucket(g, k, g->scattered, 0, of);
	note_sum(g, k, of);
	for (size_t i = 0; i < g->st->n; i++)
		for (size_t j = k->from; j <= k->to; j++)
			g->of[j][i] = of[i];
}

/* Sends the gradients computed so far, from the last block down. */
static void send_buckets(struct gradients *g)
{
	struct bucket k;

	while (g->unsent > g->st->first && find_bucket(g, g->unsent, g->scatters.rounds, &k)) {
		if (k.bytes > 0)
			all_reduce(g, &k);
		g->unsent = k.from;
	}
}

/* Reduce-scatters the gradients of one round: a replica that has no micro-batch in it takes part with what it has. */
static void scatter(struct gradients *g, const struct bucket *k, uint32_t round)
{
	struct scatters *s = &g->scatters;
	struct deps of[SHARDS_MAX] = {0};

	for (size_t i = 0; i < g->st->n; i++) {
		const struct data_replica *r = &g->st->replicas[i];

		for (size_t j = k->from; j <= k->to && round < r->micros; j++)
			deps_join(g->p, &of[i], entry(g, s->computed, r->first + round, j));
	}
	sum_bucket(g, k, true, round, of);
	note_sum(g, k, of);
	for (size_t i = 0; i < g->st->n; i++)
		s->sums[k->from][i] = of[i];
}

/* Replicas that keep no more than their part of the sums have no room for gradients of several micro-batches, so that those
 * of each are reduce-scattered when they are computed (DeepSpeed@02aa38c3 deepspeed/runtime/zero/stage_1_and_2.py: every
 * backward(), not only that at the boundary of accumulation, as its issue #2252 says; Megatron-LM@d98e8a64
 * megatron/core/distributed/fsdp/src/megatron_fsdp/megatron_fsdp.py, grad_reduce_every_bprop for optim_grads). Those of the
 * last micro-batch are the first half of the all-reduce, of which the weights that come back are the second. */
static void scatter_buckets(struct gradients *g, uint32_t round)
{
	size_t *unsent = &g->scatters.unsent[round];
	struct bucket k;

	while (*unsent > g->st->first && find_bucket(g, *unsent, round, &k)) {
		if (k.bytes > 0)
			scatter(g, &k, round);
		*unsent = k.from;
	}
}

static void note_round(struct gradients *g, const struct block_pass *pass, bool last, const struct deps *x)
{
	const uint32_t round = pass->micro - g->st->replicas[pass->replica].first;

	if (last)
		*entry(g, g->scatters.computed, pass->micro, pass->block) = *x;
	if (pass->block == g->st->trainable.lowest && pass->kind == PASS_INPUT && g->st->first < pass->block)
		*entry(g, g->scatters.computed, pass->micro, g->st->first) = *x;
	if (round < g->scatters.rounds)
		scatter_buckets(g, round);
}

void gradients_note(struct gradients *g, const struct block_pass *pass, const struct deps *x)
{
	const struct data_replica *r = &g->st->replicas[pass->replica];
	const bool last = pass->kind == PASS_WEIGHTS || !stages_has(g->st, r, pass->block, PASS_WEIGHTS);

	g->done[pass->replica] = *x;
	if (g->scatters.rounds)
		note_round(g, pass, last, x);
	if (pass->micro + 1 != r->first + r->micros)
		return;
	if (last) /* a queue runs in order, so all micro-batches have ended when the last one has */
		g->of[pass->block][pass->replica] = *x;
	if (pass->block == g->st->trainable.lowest && pass->kind == PASS_INPUT && g->st->first < pass->block)
		g->of[g->st->first][pass->replica] = *x;
	if (shares_gradients(g) && g->t->options.overlap)
		send_buckets(g);
}

/* Room for sums of gradients in every micro-batch, if there are any. */
static void begin_scatters(struct arena *a, struct gradients *g, size_t micros)
{
	struct scatters *s = &g->scatters;
	uint32_t most = 1;

	for (size_t i = 0; i < g->st->n; i++)
		most = g->st->replicas[i].micros > most ? g->st->replicas[i].micros : most;
	if (g->t->options.zero < 2 || !shares_gradients(g))
		return;
	s->newest = arena_array(a, g->p->world->units_n, sizeof *s->newest);
	s->before = arena_array(a, g->p->world->units_n, sizeof *s->before);
	s->rounds = most - 1;
	s->computed = arena_array(a, micros * g->blocks_n, sizeof *s->computed);
	s->unsent = arena_array(a, s->rounds, sizeof *s->unsent);
	s->sums = arena_array(a, g->blocks_n, sizeof *s->sums);
	for (uint32_t i = 0; i < s->rounds; i++)
		s->unsent[i] = g->st->last + 1;
}

struct gradients gradients_begin(struct arena *a, struct program *p, const struct placement *at,
				 const struct stages *st)
{
	const struct train *t = &st->trainable.train;
	struct gradients g = {.p = p,
			      .st = st,
			      .t = t,
			      .replicas = stages_replicas(at),
			      .scattered = t->options.zero > 0,
			      .blocks_n = at->blocks_n,
			      .unsent = st->last + 1,
			      .done = arena_array(a, st->n, sizeof *g.done),
			      .of = arena_array(a, at->blocks_n, sizeof *g.of)};

	begin_scatters(a, &g, (size_t)t->micro_batches);
	return g;
}

void gradients_end(struct gradients *g)
{
	if (shares_gradients(g))
		send_buckets(g);
}
