/*
 * radix_cache.h - SGLang's prefix cache: a radix tree of texts, from which the leaf used longest ago goes first.
 *
 * Layer serve. A node holds tokens of a text behind those of its parent, in whole pages; texts that differ share
 * the nodes of what they begin with, and a node is cut in two where a text leaves it. Running requests lock the
 * path of what they hold. Prompts come into the tree when they have been read, chunk by chunk, answers when the
 * request ends. Where memory is lacking, the leaf that nobody locks and that was used longest ago goes, whole, then
 * the next one, its parent among them once it has no children left. What a match or an insertion passes counts as
 * used, all of a node that it leaves in the middle included. RadixCache in python/sglang/srt/mem_cache/radix_cache.py of
 * sgl-project/sglang@006b0e3d317f1cd4a7300e919a4eaa878b1947e7; only the shortfall is evicted:
 * evict_from_tree_cache() in common.py beside it, @0057abea41fceae867b023fc2962c340e11990de.
 *
 * Differences: the pages that an iteration's prompts need are asked for together, as there, those of its decodes
 * behind them. All numbers are pages unless they say tokens. Every token has a page: kv.h counts those in use.
 */
#ifndef SIM_SERVE_RADIX_CACHE_H
#define SIM_SERVE_RADIX_CACHE_H
#include "sim/load/request.h"

struct radix_cache; /* opaque */

/* A cache of `total` pages of `page` tokens, all free. radix_cache_free() ends it. */
struct radix_cache *radix_cache_new(int64_t page, int64_t total);
void radix_cache_free(struct radix_cache *c);  /* NULL is fine */
void radix_cache_clear(struct radix_cache *c); /* the machine has lost its memory; nothing may be locked */

/* Pages of the text's beginning that are there, at most `most`; *unused of them nobody locks. find only looks (a
 * router's question), match is the scheduler's: what it finds has been used now, and ends with a node. */
int64_t radix_cache_find(const struct radix_cache *c, const struct request *r, int64_t most, int64_t *unused);
int64_t radix_cache_match(struct radix_cache *c, const struct request *r, int64_t most, int64_t *unused);
/* The first n, where a match or an insertion of the same text has ended, are locked once more; returns how many of
 * them nobody had locked. */
int64_t radix_cache_hold(struct radix_cache *c, const struct request *r, int64_t n);
/* The text's pages up to `to` have been computed, of which the first `from` are locked by it: they come into the
 * tree and are locked. Returns how many of from..to - 1 were there already, so that the caller's copies are spare, and
 * in *freed how many of those nobody had locked. */
int64_t radix_cache_insert(struct radix_cache *c, const struct request *r, int64_t from, int64_t to,
			   int64_t *freed);
/* The first n are locked once less; returns how many of them nobody locks now. */
int64_t radix_cache_drop(struct radix_cache *c, const struct request *r, int64_t n);

void radix_cache_take(struct radix_cache *c,
		      int64_t n);               /* n pages are wanted; nothing goes before _settle() */
void radix_cache_settle(struct radix_cache *c); /* leaves go until there is room for what was taken */
void radix_cache_give(struct radix_cache *c, int64_t n); /* n pages outside the tree are free */

/* For tests: pages in the tree that nobody locks. */
int64_t radix_cache_evictable(const struct radix_cache *c);

#endif
