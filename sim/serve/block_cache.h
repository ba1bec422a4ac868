/*
 * block_cache.h - KV blocks that stay findable: vLLM's prefix cache.
 *
 * Layer serve. A block of a prompt that shared pieces cover is named by a hash over the chain up to its end. vLLM names
 * the others too, but only the request itself can ask for them, once it has been preempted: get_computed_blocks()
 * in vllm/v1/core/kv_cache_manager.py @003df296 looks up prompt and answer of any request that waits. So the whole text
 * of a preempted one is named, and nobody else's.
 * Blocks in use are counted; a free one keeps its name until it is taken for something else. Free blocks wait
 * in one queue, named ones and others: what was freed first is taken first, and a sequence frees its last
 * block before its first. get_new_blocks(), touch(), free_blocks() and _maybe_evict_cached_block() in
 * vllm/v1/core/block_pool.py, read at commit 002f34915134cfd1a7d6ed777edd67dcc2289466.
 *
 * Each group of layers has blocks of its own, named apart: BlockHashWithGroupId in kv_cache_utils.py beside it. A
 * windowed group is asked for the blocks that the next token sees alone (SlidingWindowManager.
 * find_longest_cache_hit() in vllm/v1/core/single_type_kv_cache_manager.py, read at commit
 * 00b08dc44519a82cbdd9061d92d1226985094622), and a sequence lets go of those that no later token sees.
 *
 * Two differences: where two sequences compute the same block at a time, vLLM keeps both copies; here the later one
 * gives its copy back. And what a sequence frees goes group by group, blocks without a name before named ones.
 */
#ifndef SIM_SERVE_BLOCK_CACHE_H
#define SIM_SERVE_BLOCK_CACHE_H
#include "sim/load/request.h"
#include "sim/serve/settings.h"

struct block_cache; /* opaque */

/* A cache of `total` blocks, all free and without a name. */
struct block_cache *block_cache_new(int64_t block, int64_t total, const struct kv_groups *groups);
void block_cache_free(struct block_cache *c);
void block_cache_clear(struct block_cache *c); /* the machine has lost its memory; nothing may be in use */

/* Whole blocks of tokens of the prompt's beginning that are there in every group as far as the next token sees,
 * at most `most`; *unused: the blocks, of all groups, that nobody uses. */
int64_t block_cache_find(const struct block_cache *c, const struct request *r, int64_t most, int64_t *unused);
/* Blocks of a text by their number: those of full groups from `full` on, of windowed ones from `windowed` on, up to
 * but not including `to`. */
struct block_range {
	int64_t full, windowed, to;
};
/* They are used by one more; returns how many of them were free. block_cache_find() has found them. */
int64_t block_cache_hold(struct block_cache *c, const struct request *r, struct block_range range);
/* They have been computed, all covered by the text's chain (block_cache_covered()). They get their names and are
 * held; returns how many were there already, so that the caller's copies are spare. *freed of those were free. */
int64_t block_cache_name(struct block_cache *c, const struct request *r, struct block_range range,
			 int64_t *freed);
int64_t block_cache_covered(const struct block_cache *c, const struct request *r, int64_t tokens);
/* They are used by one less; returns how many of them are free now. */
int64_t block_cache_drop(struct block_cache *c, const struct request *r, struct block_range range);

void block_cache_take(struct block_cache *c, int64_t n); /* n free blocks are taken for something new */
void block_cache_give(struct block_cache *c, int64_t n); /* n blocks without a name are free */

#endif
