/* footprint.c - see footprint.h. */
#include "sim/place/footprint.h"

#include <math.h>
#include <string.h>

#include "sim/llm/projections.h"
#include "sim/place/loading.h"
#include "sim/place/shard_sizes.h"

double footprint_rest_B(const struct footprint *f)
{
	return f->weights_B + f->kv_B + f->activations_B + f->gradients_B + f->optimizer_B;
}

double footprint_need_B(const struct footprint *f)
{
	return fmax(footprint_rest_B(f), f->load_B);
}

double footprint_short_B(const struct footprint *f)
{
	return fmax(0, footprint_need_B(f) - f->usable_B);
}

struct shape prefill_shape(const struct generate *g)
{
	const int64_t groups = g->options.micro_batches > 1 ? g->options.micro_batches : 1;
	const int64_t tokens =
		g->options.chunk > 0 && g->options.chunk < g->prompt ? g->options.chunk : g->prompt;

	return (struct shape){
		.batch = (g->batch + groups - 1) / groups, .tokens = tokens, .past = g->prompt - tokens};
}

double footprint_share(const struct placement *p, enum phase phase, size_t block, size_t mi)
{
	return shard_sizes_held(p, &phase, 1, block, mi);
}

/* The share of a tensor that a machine with a share of its block holds. Tensors that every device of a split
 * needs entirely are held entirely. */
static double share_of(const struct model *m, struct part part, enum tensor t, double share)
{
	const struct attention *a = part.role == ROLE_ATTENTION ? part_attention(m, part) : NULL;
	const struct latent *l = a ? a->latent : NULL;
	const bool experts = part.role == ROLE_SHARED || part.role == ROLE_EXPERTS;

	if (share <= 0)
		return 0;
	if (t == TENSOR_EMBEDDING || t == TENSOR_ROUTER || (t == TENSOR_SMALL && !experts))
		return 1;
	if (l && t == TENSOR_K) /* every device computes the latent */
		return 1;
	if (l && t == TENSOR_Q && l->q_rank) { /* and the compressed query */
		const double in = (double)m->hidden, out = (double)(a->heads * (l->nope_dim + l->rope_dim));

		return (in + share * out) / (in + out);
	}
	return share;
}

static double part_held_B(const struct model *m, const struct precision *pr, struct part part, double share)
{
	struct tensor_row rows[PART_TENSORS];
	const size_t n = model_tensors(m, part, rows);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += share_of(m, part, rows[i].tensor, share) * tensor_row_B(m, pr, part, &rows[i]);
	return part.role == ROLE_HEAD ? sum + model_stored_B(m, pr) : sum;
}

/* The share of a block's weights that a machine keeps: those that are copied for each pass stay where they come from. */
static double kept_share(const struct placement *p, const enum phase *phases, size_t n, size_t block,
			 size_t mi)
{
	static const enum phase decode = PHASE_DECODE;

	return p->copied && p->copied[block] ? shard_sizes_held(p, &decode, 1, block, mi)
					     : shard_sizes_held(p, phases, n, block, mi);
}

double footprint_block_B(const struct placement *p, const enum phase *phases, size_t n, size_t block,
			 size_t mi)
{
	return part_held_B(p->world->model, &p->world->scenario->precision,
			   model_block(p->world->model, block).part, kept_share(p, phases, n, block, mi));
}

double footprint_whole_B(const struct placement *p, size_t block)
{
	return part_held_B(p->world->model, &p->world->scenario->precision,
			   model_block(p->world->model, block).part, 1);
}

/* Blocks of one part and share hold the same bytes, and a model has few of them: what was computed for one is kept for the
 * others of a sum. */
enum { HELD_KINDS = 8 };

struct held_kinds {
	struct held_kind {
		struct part part;
		double share, bytes;
	} at[HELD_KINDS];
	size_t n;
};

static double kind_held_B(struct held_kinds *kinds, const struct model *m, const struct precision *pr,
			  struct part part, double share)
{
	double bytes;

	for (size_t i = 0; i < kinds->n; i++)
		if (part_same(kinds->at[i].part, part) && kinds->at[i].share == share)
			return kinds->at[i].bytes;
	bytes = part_held_B(m, pr, part, share);
	if (kinds->n < HELD_KINDS)
		kinds->at[kinds->n++] = (struct held_kind){part, share, bytes};
	return bytes;
}

double footprint_weights_B(const struct placement *p, const enum phase *phases, size_t n, size_t mi)
{
	const struct model *m = p->world->model;
	const struct precision *pr = &p->world->scenario->precision;
	struct held_kinds kinds = {.n = 0};
	double bytes = 0;
	bool table = false;

	for (size_t b = 0; b < p->blocks_n; b++) {
		const struct part part = model_block(m, b).part;
		const double share = kept_share(p, phases, n, b, mi);

		if (share <= 0)
			continue;
		bytes += kind_held_B(&kinds, m, pr, part, share);
		if (part.role == ROLE_EMBEDDING)
			table = true;
		if (part.role == ROLE_HEAD && m->tied_head && m->ends &&
		    !table) /* a tied head reads the embedding's table */
			bytes += part_weights_B(m, pr, (struct part){ROLE_EMBEDDING, false, 0});
	}
	return bytes;
}

static const enum phase both[] = {PHASE_PREFILL, PHASE_DECODE};

/* The model as run by the machine's device of one phase, or by that of the other phase if there is none. */
static const struct model *model_on(const struct world *w, const struct shards *first,
				    const struct shards *other, size_t mi)
{
	for (int i = 0; i < first->n; i++)
		if (w->units[first->unit[i]].machine == mi)
			return w->units[first->unit[i]].model;
	return shard_group_model(w, other, mi);
}

enum format_id footprint_conv_format(const struct world *w, const struct shards *decode)
{
	return decode->n && w->units[decode->unit[0]].profile->conv_f32
		       ? FORMAT_F32
		       : (enum format_id)w->scenario->precision.compute;
}

/* The machine that decodes holds the whole cache; the one that prefills holds the prompt's until it has
 * been sent. All heads share a cached latent, so a machine with any of them holds all of it. */
double footprint_cache_B(const struct placement *p, const struct generate *g, size_t block, size_t mi)
{
	const struct shards *decode = &p->shard_groups[PHASE_DECODE][block],
			    *prefill = &p->shard_groups[PHASE_PREFILL][block];
	const struct model *reads = model_on(p->world, decode, prefill, mi),
			   *makes = model_on(p->world, prefill, decode, mi);
	const struct precision *pr = &p->world->scenario->precision;
	const struct part part = model_block(p->world->model, block).part;
	double here = footprint_share(p, PHASE_DECODE, block, mi),
	       any = shard_sizes_held(p, both, 2, block, mi);

	const double state =
		any * (double)g->batch * part_state_B(reads, footprint_conv_format(p->world, decode), part);

	if (part_cache_of_all(reads, part))
		here = here > 0 ? 1 : 0;
	if (part_cache_of_all(makes, part))
		any = any > 0 ? 1 : 0;
	return state + fmax(here * graph_kv_B(reads, pr, part, g->batch, g->prompt + g->tokens),
			    any * graph_kv_B(makes, pr, part, g->batch, g->prompt));
}

/* The pass whose activations are held. Where all sequences share a pass of the runtime's, it has rows of no more of
 * them than it has room for. */
struct shape footprint_live_shape(const struct placement *p, const struct generate *g)
{
	const struct shards *first = &p->shard_groups[PHASE_PREFILL][model_first_block(p->world->model)];
	struct shape s = prefill_shape(g);
	const int64_t fit = g->options.chunk / s.tokens;

	if (first->n && p->world->units[first->unit[0]].profile->chunk_shared && fit < s.batch)
		s.batch = fit > 1 ? fit : 1;
	return s;
}

double footprint_live_B(const struct placement *p, const struct shape *s, size_t block, size_t mi)
{
	const struct world *w = p->world;
	const struct part part = model_block(w->model, block).part;
	const struct shards *shards = &p->shard_groups[PHASE_PREFILL][block];
	struct shape shape = *s;

	shape.all_logits = part.role == ROLE_HEAD && shard_group_all_logits(w, shards);
	return footprint_share(p, PHASE_PREFILL, block, mi) *
	       graph_live_B(shard_group_model(w, shards, mi), &w->scenario->precision, &shape, part,
			    shard_group_writes_scores(w, shards));
}

/* The buffer for weights that a machine copies for a pass: those of one block at a time. */
static double copied_B(const struct placement *p, size_t mi)
{
	const struct precision *pr = &p->world->scenario->precision;
	double most = 0;

	for (size_t b = 0; p->copied && b < p->blocks_n; b++)
		if (p->copied[b])
			most = fmax(most,
				    part_held_B(p->world->model, pr, model_block(p->world->model, b).part,
						footprint_share(p, PHASE_PREFILL, b, mi)));
	return most;
}

/* Adds weights, cache and activations of one model. */
static void add_model(const struct placement *p, const struct generate *g, size_t mi, struct footprint *f)
{
	const struct shape shape = footprint_live_shape(p, g);

	f->weights_B += footprint_weights_B(p, both, 2, mi) + copied_B(p, mi);
	for (size_t b = 0; b < p->blocks_n; b++) {
		if (model_block(p->world->model, b).part.role == ROLE_ATTENTION)
			f->kv_B += footprint_cache_B(p, g, b, mi);
		/* one block's activations are alive at a time, so the largest counts */
		f->activations_B = fmax(f->activations_B, footprint_live_B(p, &shape, b, mi));
	}
}

/* Offloads the weights that do not fit to the disk. */
static void offload(const struct placement *p, size_t mi, struct footprint *f)
{
	const double missing = footprint_short_B(f);

	if (!offload_free(p, mi, missing, &f->offload, &f->disk_B))
		return;
	f->weights_B -= missing;
	while (footprint_short_B(f) > 0) /* rounding may leave some bytes too many */
		f->weights_B = nextafter(f->weights_B, 0);
}

void footprint_generate(const struct placement *p, struct footprint *out)
{
	struct generate g = placement_generate(p);

	if (p->draft) /* drafted tokens that may be rejected have entries in both caches */
		g.tokens += g.options.speculative->draft;
	for (size_t mi = 0; mi < p->world->machines_n; mi++) {
		out[mi] = (struct footprint){.usable_B = p->world->machines[mi].memory.usable.value};
		add_model(p, &g, mi, &out[mi]);
		if (p->draft)
			add_model(p->draft, &g, mi, &out[mi]);
		if (g.options.overflow == OFFLOAD_STREAM && footprint_short_B(&out[mi]) > 0)
			offload(p, mi, &out[mi]);
		if (out[mi].disk_B <= 0) /* what stays on the disk is not loaded either */
			out[mi].load_B = loading_B(p, mi);
	}
}
