/*
 * kv.h - the books of a replica's KV cache: blocks taken, blocks free, and their integral over time.
 *
 * Layer serve.
 */
#ifndef SIM_SERVE_KV_H
#define SIM_SERVE_KV_H
#include "sim/serve/block_cache.h"
#include "sim/serve/decodes.h"
#include "sim/serve/radix_cache.h"
#include "sim/serve/settings.h"

#define KV_UNLIMITED (INT64_MAX / 4)

struct kv {
	int64_t block; /* tokens of a block */
	int64_t state; /* blocks that a sequence takes besides, for its recurrent states */
	struct kv_groups groups;
	int64_t total, used; /* blocks; used includes what the iteration in progress has taken */
	int64_t most;        /* the most of them ever used at once */
	uint64_t taken, given;
	span_fs block_fs; /* integral of used up to the replica's clock */
	/* which of the blocks are findable: one of both, or NULL */
	struct block_cache *cache;
	struct radix_cache *radix;
	bool planning; /* what an iteration's prompts take of a radix tree is asked for when all of them are known */
};

static inline int64_t kv_token_blocks(const struct kv *kv, int64_t tokens)
{
	return kv->block == 1 ? tokens : (tokens + kv->block - 1) / kv->block;
}

static inline int64_t kv_groups_n(const struct kv *kv)
{
	return kv->groups.full + kv->groups.windowed;
}

/* Blocks of a sequence that has so many tokens in the cache and has given none back. */
static inline int64_t kv_blocks_for(const struct kv *kv, int64_t tokens)
{
	return kv_groups_n(kv) * kv_token_blocks(kv, tokens) + (tokens > 0 ? kv->state : 0);
}

/* Blocks that a sequence holds alone once it has places for so many tokens, of which the next iteration finds
 * `computed`, where the first `shared` blocks of each table are findable. */
static inline int64_t kv_own_blocks(const struct kv *kv, int64_t tokens, int64_t computed, int64_t shared)
{
	int64_t own = kv_blocks_for(kv, tokens) - kv_groups_n(kv) * shared, passed;

	if (kv->groups.windowed && (passed = kv_passed(&kv->groups, kv->block, computed)) > shared)
		own -= kv->groups.windowed * (passed - shared);
	return own;
}

static inline int64_t kv_free(const struct kv *kv)
{
	return kv->total - kv->used;
}

/* Blocks come into use, or go out of it, and the cache knows already. */
static inline void kv_count(struct kv *kv, int64_t taken, int64_t given)
{
	kv->used += taken - given;
	kv->taken += (uint64_t)taken;
	kv->given += (uint64_t)given;
}

static inline void kv_take(struct kv *kv, int64_t blocks)
{
	if (!blocks)
		return;
	kv_count(kv, blocks, 0);
	if (kv->cache)
		block_cache_take(kv->cache, blocks);
	if (kv->radix)
		radix_cache_take(kv->radix, blocks);
	if (kv->radix && !kv->planning)
		radix_cache_settle(kv->radix);
}

static inline void kv_give(struct kv *kv, int64_t blocks)
{
	if (!blocks)
		return;
	kv_count(kv, 0, blocks);
	if (kv->cache)
		block_cache_give(kv->cache, blocks);
	if (kv->radix)
		radix_cache_give(kv->radix, blocks);
}

/* ---- the prefix cache of blocks, of either kind ---- */

void kv_cache_new(struct kv *kv, enum serve_cache cache); /* none where it is of another kind */
void kv_cache_clear(struct kv *kv);
void kv_cache_free(struct kv *kv);

/* Whole blocks of tokens of a text's beginning that are there, at most `most`; *unused: KV blocks of them that
 * nobody uses. match: for a scheduler that may admit the request; find: for those who only want to know. */
int64_t kv_find(const struct kv *kv, const struct request *r, int64_t most, int64_t *unused);
int64_t kv_match(struct kv *kv, const struct request *r, int64_t most, int64_t *unused);
/* A sequence that has no blocks yet holds the first n, n as kv_match() said: sets what it shares. */
void kv_hold(struct kv *kv, struct seq *s, int64_t n);
/* A sequence has computed so many tokens of its text. Those of its blocks that may be found become findable; sets
 * blocks and what it shares. */
void kv_name(struct kv *kv, struct seq *s);
/* What windows have passed of what it has computed is given back: all of it, or the findable part alone. */
void kv_leave(struct kv *kv, struct seq *s);
void kv_leave_shared(struct kv *kv, struct seq *s);
void kv_drop(struct kv *kv, struct seq *s); /* all its blocks; the last are free first */

/* An iteration of a sequence that read a prompt is over. */
static inline void kv_after(struct kv *kv, struct seq *s)
{
	if (kv->cache || kv->radix)
		kv_name(kv, s);
	if (kv->groups.windowed)
		kv_leave(kv, s);
}

static inline void kv_release(struct kv *kv, struct seq *s)
{
	if (kv->cache || kv->radix) {
		kv_name(kv, s);
		kv_drop(kv, s);
		return;
	}
	kv_give(kv, s->blocks);
	s->blocks = s->window_from = 0;
}

/* The blocks that the second to the k-th of k iterations take and those before the k-th give back at their end, with
 * the time for which they are held. */
void kv_pass_more(struct kv *kv, const struct decodes *d, int64_t k, int64_t fs, int64_t slope_fs);

/* k iterations pass, the i-th (from 0) in fs + i * slope_fs and all of them in `span`, of which the first has taken
 * its blocks already; those of the others are taken. d is as it was before them. */
static inline void kv_pass(struct kv *kv, const struct decodes *d, int64_t k, int64_t fs, int64_t slope_fs,
			   span_fs span)
{
	kv->block_fs += k == 1 ? (span_fs)kv->used * fs : kv->used * span;
	if (kv->used > kv->most)
		kv->most = kv->used;
	if (k > 1 && d->block)
		kv_pass_more(kv, d, k, fs, slope_fs);
}

#endif
