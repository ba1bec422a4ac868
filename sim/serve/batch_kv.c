/* batch_kv.c - how many tokens of a cache a replica holds; see batch_cost.h. */
#include <math.h>

#include "sim/base/least.h"
#include "sim/llm/projections.h"
#include "sim/place/loading.h"
#include "sim/serve/batch_cost.h"

static const enum phase both[] = {PHASE_PREFILL, PHASE_DECODE};

static double given_or_0(const struct qty *q)
{
	return q->given ? q->value : 0;
}

/* What a server keeps free for a pass: of the longest it runs, with the logits of all that may sample. */
static double activations_B(const struct placement *at, const struct serving *how, size_t machine)
{
	const struct world *w = at->world;
	const int64_t batch = how->ubatch ? how->ubatch : how->batch ? how->batch : how->step;
	const int64_t rows = batch > how->seqs ? batch : how->seqs;
	const struct shape_piece piece = {.tokens = rows};
	const struct shape_mix x = {.rows = rows, .logits = how->seqs, .pieces = &piece, .pieces_n = 1};
	struct shape s = {.mix = &x};
	double most = 0;

	for (size_t b = 0; b < at->blocks_n; b++) {
		const struct part part = model_block(w->model, b).part;
		const struct shards *shards = &at->shard_groups[PHASE_PREFILL][b];
		const double share = footprint_share(at, PHASE_PREFILL, b, machine);

		double live;

		s.all_logits = part.role == ROLE_HEAD && shard_group_all_logits(w, shards);
		live = graph_live_B(shard_group_model(w, shards, machine), &w->scenario->precision, &s, part,
				    shard_group_writes_scores(w, shards));
		if (part.role == ROLE_HEAD)
			live += given_or_0(&how->sampling) * (double)(how->seqs * w->model->vocabulary);
		most = fmax(most, share * live);
	}
	return most;
}

/* Bytes of one token in the blocks that a machine holds, of those whose window its runtime keeps to or of the
 * others; a cached latent belongs to all heads. */
static double token_B(const struct placement *at, size_t machine, bool windowed)
{
	const struct world *w = at->world;
	double sum = 0;

	for (size_t b = 0; b < at->blocks_n; b++) {
		const struct part part = model_block(w->model, b).part;
		const struct model *m = shard_group_model(w, &at->shard_groups[PHASE_DECODE][b], machine);
		const double share = footprint_share(at, PHASE_DECODE, b, machine);

		if (part.role != ROLE_ATTENTION || (part_window(m, part) > 0) != windowed || share <= 0)
			continue;
		sum += (part_cache_of_all(m, part) ? 1 : share) *
		       format_bytes((enum format_id)w->scenario->precision.kv,
				    windowed ? part_kv_numbers(m, part) : part_cache_growth(m, part));
	}
	return sum;
}

/* Bytes that each sequence takes besides, in the blocks that a machine holds. */
static double state_B(const struct placement *at, size_t machine)
{
	const struct world *w = at->world;
	double sum = 0;

	for (size_t b = 0; b < at->blocks_n; b++) {
		const struct part part = model_block(w->model, b).part;
		const struct shards *shards = &at->shard_groups[PHASE_DECODE][b];

		sum += footprint_share(at, PHASE_DECODE, b, machine) *
		       part_state_B(shard_group_model(w, shards, machine), footprint_conv_format(w, shards),
				    part);
	}
	return sum + (at->draft ? state_B(at->draft, machine) : 0);
}

static double weights_B(const struct placement *at, size_t machine)
{
	return footprint_weights_B(at, both, 2, machine) +
	       (at->draft ? footprint_weights_B(at->draft, both, 2, machine) : 0);
}

/* For weights, activations and cache. */
static double allowed_B(const struct placement *at, const struct serving *how, size_t machine)
{
	const struct memory *m = &at->world->machines[machine].memory;
	const double seen = m->usable.value - given_or_0(&how->driver);

	return (how->memory.given ? how->memory.value * seen : seen) - given_or_0(&how->reserved);
}

static double budget_B(const struct placement *at, const struct serving *how, size_t machine)
{
	return allowed_B(at, how, machine) - weights_B(at, machine) - activations_B(at, how, machine);
}

/* Of one token in every layer that the machine holds. */
static double all_token_B(const struct placement *at, size_t machine)
{
	return token_B(at, machine, false) + token_B(at, machine, true) +
	       (at->draft ? all_token_B(at->draft, machine) : 0);
}

/*
 * vLLM's blocks of a model that has recurrent layers beside attention. One pool has them all: layers of one kind fall into groups
 * of equal size, a block holds one page of each layer of a group, and pages of all kinds are of one size. So the
 * tokens of an attention block become as many as it takes for its page to hold a recurrent layer's state, and a running
 * sequence takes a block for its state in each group of recurrent layers.
 *
 * _get_kv_cache_groups_uniform_page_size() and get_kv_cache_config_from_groups() in vllm/v1/core/kv_cache_utils.py of
 * vllm-project/vllm@001cabc1; HybridAttentionMambaModelConfig in vllm/model_executor/models/config.py @0144dd5b, whose 16
 * is the least block of the attention kernels.
 */
struct pool {
	int64_t attention, recurrent; /* layers */
	int64_t block;                /* tokens */
	int64_t token_groups;         /* blocks that a sequence takes for each block of its tokens, ... */
	int64_t state_groups;         /* ... and for its states */
	double block_B;
};

static int64_t groups(int64_t layers, int64_t size)
{
	return (layers + size - 1) / size;
}

/* False: the states are kept apart, or there are none. */
static bool pool_of(const struct placement *at, const struct serving *how, size_t machine, struct pool *p)
{
	const struct world *w = at->world;
	double token, state;
	int64_t least, most, size;

	*p = (struct pool){.attention = 0};
	for (size_t b = 0; b < at->blocks_n; b++) {
		const struct part part = model_block(w->model, b).part;
		const struct model *m = shard_group_model(w, &at->shard_groups[PHASE_DECODE][b], machine);

		if (part.role != ROLE_ATTENTION || footprint_share(at, PHASE_DECODE, b, machine) <= 0)
			continue;
		p->attention += part_kv_numbers(m, part) > 0;
		p->recurrent += part_recurrent(m, part) != NULL;
	}
	if (how->scheduler != SERVING_VLLM || how->radix || at->draft || !p->attention || !p->recurrent)
		return false;
	token = all_token_B(at, machine) / (double)p->attention;
	state = state_B(at, machine) / (double)p->recurrent;
	least = p->attention < p->recurrent ? p->attention : p->recurrent;
	most = p->attention + p->recurrent - least;
	size = 2 * most < 3 * least ? most : least;
	p->block = how->block * (int64_t)ceil(state / ((double)how->block * token));
	p->block = p->block > how->block ? p->block : how->block;
	p->token_groups = groups(p->attention, size);
	p->state_groups = groups(p->recurrent, size);
	p->block_B = (double)size * (double)p->block * token;
	return true;
}

/*
 * vLLM's blocks of a model with sliding windows: layers that see all and layers with the window fall into groups of
 * equal size, as above, and the tables of windowed groups give blocks back.
 *
 * Not in one pool: models whose layers have pages of several sizes, several windows, or attention in chunks, for which
 * vLLM turns it off (VllmConfig.__post_init__() in vllm/config/vllm.py of vllm-project/vllm@000fc94b); there all layers
 * keep whole contexts.
 */
struct layers {
	int64_t full, windowed, window; /* layers of either sort; the window, tokens */
	double token_B;                 /* of one layer */
	bool alike;
};

enum { ANY_MACHINE = -1 };

static void count_layer(const struct model *m, struct part part, double token_B, struct layers *n)
{
	const int64_t window = part_window(m, part);
	const bool first = n->full + n->windowed == 0, first_window = !n->windowed;

	*(window ? &n->windowed : &n->full) += 1;
	if (part_attention(m, part)->chunk || (!first && token_B != n->token_B) ||
	    (window && !first_window && window != n->window))
		n->alike = false;
	n->window = window ? window : n->window;
	n->token_B = token_B;
}

/* Those whose caches a machine holds a part of, or of the whole model. */
static struct layers layers_of(const struct placement *at, int64_t machine)
{
	const struct world *w = at->world;
	struct layers n = {.alike = true};

	for (size_t b = 0; b < at->blocks_n; b++) {
		const struct part part = model_block(w->model, b).part;
		const size_t on = machine == ANY_MACHINE ? 0 : (size_t)machine;
		const struct model *m = shard_group_model(w, &at->shard_groups[PHASE_DECODE][b], on);
		const double share = machine == ANY_MACHINE ? 1 : footprint_share(at, PHASE_DECODE, b, on);

		if (part.role != ROLE_ATTENTION || share <= 0)
			continue;
		n.alike = n.alike && !part_recurrent(m, part);
		if (part_kv_numbers(m, part) > 0)
			count_layer(m, part,
				    (part_cache_of_all(m, part) ? 1 : share) *
					    format_bytes((enum format_id)w->scenario->precision.kv,
							 part_kv_numbers(m, part)),
				    &n);
	}
	return n;
}

/* As many layers in a group as there are of the rarer sort, or, where both are about as many, of the other. */
static int64_t group_size(int64_t a, int64_t b)
{
	const int64_t least = a < b ? a : b, most = a + b - least;

	return least == 0 || 2 * most < 3 * least ? most : least;
}

static bool windowed(const struct placement *at, const struct serving *how, bool whole, struct kv_groups *g)
{
	const struct layers n = layers_of(at, ANY_MACHINE);
	const int64_t size = group_size(n.full, n.windowed);

	if (how->scheduler != SERVING_VLLM || how->radix || how->reserve || at->draft || !whole || !n.alike ||
	    !n.windowed)
		return false;
	*g = (struct kv_groups){groups(n.full, size), groups(n.windowed, size), n.window};
	return true;
}

/* Bytes of a token in a table of every group, what pads a group to the size of the others included. */
static double padded_token_B(const struct placement *at, size_t machine, const struct kv_groups *g)
{
	const struct layers n = layers_of(at, (int64_t)machine);
	const int64_t full = g->full ? groups(n.full, g->full) : 0,
		      in_window = groups(n.windowed, g->windowed);

	return (double)((g->full + g->windowed) * (full > in_window ? full : in_window)) * n.token_B;
}

static double each_token_B(const struct placement *at, size_t machine, const struct kv_groups *g)
{
	return g->windowed ? padded_token_B(at, machine, g) : all_token_B(at, machine);
}

struct footprint batch_footprint(const struct placement *at, const struct serving *how, size_t machine,
				 const struct batch_kv *kv)
{
	struct pool pool;
	/* states are in the pool, or set apart for all sequences */
	const bool pooled = pool_of(at, how, machine, &pool);
	const double apart = pooled ? 0 : (double)how->seqs * state_B(at, machine);
	const int64_t tokens = kv->tokens ? kv->tokens : (kv->state_blocks + 1) * kv->block;

	return (struct footprint){.weights_B = weights_B(at, machine),
				  .kv_B = (double)tokens * each_token_B(at, machine, &kv->groups) + apart,
				  .activations_B = activations_B(at, how, machine),
				  .usable_B = allowed_B(at, how, machine),
				  .load_B = loading_B(at, machine)};
}

/* In units of the blocks that a block of tokens takes. */
static void add_pool(const struct placement *at, const struct serving *how, size_t machine,
		     const struct pool *p, struct batch_kv *kv)
{
	const double bytes = budget_B(at, how, machine), unit = (double)p->token_groups * p->block_B;
	const int64_t blocks = bytes < unit ? 0 : (int64_t)(bytes / unit),
		      state = groups(p->state_groups, p->token_groups);

	kv->state_B += state_B(at, machine);
	kv->token_B += all_token_B(at, machine);
	kv->window_B[0] += token_B(at, machine, false);
	kv->window_B[1] += token_B(at, machine, true);
	kv->block = p->block > kv->block ? p->block : kv->block;
	kv->state_blocks = state > kv->state_blocks ? state : kv->state_blocks;
	if (blocks * p->block < kv->tokens) {
		kv->tokens = blocks * p->block;
		kv->bytes = fmax(0, bytes);
	}
}

/* The machine that holds fewest tokens decides. */
static void add_machine(const struct placement *at, const struct serving *how, size_t machine,
			struct batch_kv *kv)
{
	const double full = token_B(at, machine, false), in_window = token_B(at, machine, true);
	const double draft =
		at->draft ? token_B(at->draft, machine, false) + token_B(at->draft, machine, true) : 0;
	const double state = state_B(at, machine),
		     each = kv->groups.windowed ? padded_token_B(at, machine, &kv->groups)
						: full + in_window + draft,
		     bytes = budget_B(at, how, machine) - (double)how->seqs * state;
	const int64_t tokens = each <= 0 ? INT64_MAX : bytes < each ? 0 : (int64_t)(bytes / each);

	kv->state_B += state;
	kv->token_B += full + in_window + draft;
	kv->window_B[0] += full + draft;
	kv->window_B[1] += in_window;
	if (each > 0 && tokens < kv->tokens) {
		kv->tokens = tokens;
		kv->bytes = fmax(0, bytes);
	}
}

static int64_t whole_blocks(int64_t tokens, int64_t block)
{
	return (tokens + block - 1) / block * block;
}

/* llama.cpp's -c is of all slots; of the others it is the most that one sequence may have (vLLM's --max-model-len). It is
 * rounded up to whole blocks, and so is the share of a slot where the cache is split (llama_context::llama_context(),
 * src/llama-context.cpp, since ggml-org/llama.cpp#17046). */
static int64_t cells_asked(const struct serving *how, int64_t block)
{
	const int64_t cells = whole_blocks(how->context, block);

	return how->kv == SERVING_SPLIT ? whole_blocks(cells / how->seqs, block) * how->seqs : cells;
}

struct batch_kv batch_kv_of(const struct placement *at, const struct serving *how, bool whole)
{
	struct batch_kv kv = {
		.tokens = INT64_MAX, .block = how->block > 0 ? how->block : 1, .groups = {.full = 1}};
	struct pool pool;

	(void)windowed(at, how, whole, &kv.groups);
	for (size_t m = 0; m < at->world->machines_n; m++)
		if (pool_of(at, how, m, &pool))
			add_pool(at, how, m, &pool, &kv);
		else
			add_machine(at, how, m, &kv);
	if (how->context && how->scheduler == SERVING_LLAMACPP)
		kv.tokens = least(kv.tokens, cells_asked(how, kv.block));
	kv.blocks = kv.tokens / kv.block;
	kv.tokens = kv.blocks > kv.state_blocks ? kv.blocks * kv.block : 0;
	kv.blocks *= kv.groups.full + kv.groups.windowed;
	return kv;
}
