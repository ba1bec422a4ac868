/*
 * block_cache.h - KV blocks that stay findable: vLLM's prefix cache.
 *
 * Layer serve. A block of a prompt that shared pieces cover is named by a hash over the chain up to its end.
 * Blocks in use are counted; a free one keeps its name until it is taken for something else. Free blocks wait
 * in one queue, named ones and others: what was freed first is taken first, and a sequence frees its last
 * block before its first. get_new_blocks(), touch(), free_blocks() and _maybe_evict_cached_block() in
 * vllm/v1/core/block_pool.py, read at commit 002f34915134cfd1a7d6ed777edd67dcc2289466.
 *
 * One difference: where two sequences compute the same block at a time, vLLM keeps both copies; here the
 * later one gives its copy back.
 */
#ifndef SIM_SERVE_BLOCK_CACHE_H
#define SIM_SERVE_BLOCK_CACHE_H
#include "sim/serve/request.h"

struct block_cache; /* opaque */

/* A cache of `total` blocks, all free and without a name. */
struct block_cache *block_cache_new(int64_t block, int64_t total);
void block_cache_free(struct block_cache *c);
void block_cache_clear(struct block_cache *c); /* the machine has lost its memory; nothing may be in use */

/* Whole blocks of the prompt's beginning that are there, at most `most`; *unused of them nobody uses. */
int64_t block_cache_find(const struct block_cache *c, const struct request *r, int64_t most, int64_t *unused);
/* The first n are used by one more; returns how many of them were free. n <= block_cache_find(). */
int64_t block_cache_hold(struct block_cache *c, const struct request *r, int64_t n);
/* Blocks from..to - 1 of the text have been computed, all covered by its chain (block_cache_covered()). They
 * get their names and are held; returns how many were there already, so that the caller's copies are spare.
 */
int64_t block_cache_name(struct block_cache *c, const struct request *r, int64_t from, int64_t to,
			 int64_t *freed);
int64_t block_cache_covered(const struct block_cache *c, const struct request *r, int64_t tokens);
/* The first n are used by one less; returns how many of them are free now. */
int64_t block_cache_drop(struct block_cache *c, const struct request *r, int64_t n);

void block_cache_take(struct block_cache *c, int64_t n); /* n free blocks are taken for something new */
void block_cache_give(struct block_cache *c, int64_t n); /* n blocks without a name are free */

#endif
