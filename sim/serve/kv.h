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
	int64_t block;       /* tokens of a block */
	int64_t state;       /* blocks that a sequence takes besides, for its recurrent states */
	int64_t total, used; /* blocks; used includes what the iteration in progress has taken */
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

/* Of a sequence that has so many tokens in the cache. */
static inline int64_t kv_blocks_for(const struct kv *kv, int64_t tokens)
{
	return kv_token_blocks(kv, tokens) + (tokens > 0 ? kv->state : 0);
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

/* Whole blocks of a text's beginning that are there, at most `most`; *unused of them nobody uses. match: for a
 * scheduler that may seat the request; find: for those who only want to know. */
int64_t kv_find(const struct kv *kv, const struct request *r, int64_t most, int64_t *unused);
int64_t kv_match(struct kv *kv, const struct request *r, int64_t most, int64_t *unused);
void kv_hold(struct kv *kv, const struct request *r,
	     int64_t n); /* its first n blocks, n as kv_match() said */
/* A sequence has computed so many tokens of its text, and of its blocks the first `shared` are findable and held
 * by it. Those that may be found become findable; returns how many of its blocks are now, `shared` included. */
int64_t kv_name(struct kv *kv, const struct request *r, int64_t shared, int64_t computed);
void kv_drop(struct kv *kv, const struct request *r, int64_t shared); /* and holds them no more */

/* fs + (fs + slope) + ...: k iterations together. */
static inline span_fs span_of(int64_t fs, int64_t slope_fs, int64_t k)
{
	return k == 1 ? fs : (span_fs)fs * k + (span_fs)slope_fs * ((span_fs)k * (k - 1) / 2);
}

/* The blocks that the second to the k-th of k iterations take, from when on they are held included. */
void kv_pass_more(struct kv *kv, const struct decodes *d, int64_t k, int64_t fs, int64_t slope_fs);

/* k iterations pass, the i-th (from 0) in fs + i * slope_fs and all of them in `span`, of which the first has taken
 * its blocks already; those of the others are taken. d is as it was before them. */
static inline void kv_pass(struct kv *kv, const struct decodes *d, int64_t k, int64_t fs, int64_t slope_fs,
			   span_fs span)
{
	kv->block_fs += k == 1 ? (span_fs)kv->used * fs : kv->used * span;
	if (k > 1 && d->block)
		kv_pass_more(kv, d, k, fs, slope_fs);
}

#endif
