/*
 * kv.h - the books of a replica's KV cache: blocks taken, blocks free, and their integral over time.
 *
 * Layer serve.
 */
#ifndef SIM_SERVE_KV_H
#define SIM_SERVE_KV_H
#include "sim/serve/block_cache.h"
#include "sim/serve/decodes.h"
#include "sim/serve/settings.h"

#define KV_UNLIMITED (INT64_MAX / 4)

struct kv {
	int64_t block;       /* tokens of a block */
	int64_t total, used; /* blocks; used includes what the iteration in progress has taken */
	uint64_t taken, given;
	span_fs block_fs;          /* integral of used up to the replica's clock */
	struct block_cache *cache; /* or NULL: which of the blocks are findable */
};

static inline int64_t kv_blocks_for(const struct kv *kv, int64_t tokens)
{
	return kv->block == 1 ? tokens : (tokens + kv->block - 1) / kv->block;
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
	kv_count(kv, blocks, 0);
	if (kv->cache)
		block_cache_take(kv->cache, blocks);
}

static inline void kv_give(struct kv *kv, int64_t blocks)
{
	kv_count(kv, 0, blocks);
	if (kv->cache)
		block_cache_give(kv->cache, blocks);
}

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
