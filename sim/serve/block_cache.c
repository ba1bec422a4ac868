/* block_cache.c - see block_cache.h: a hash table of named blocks, and a queue of what is free. */
#include "sim/serve/block_cache.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/vec.h"

#define NONE UINT32_MAX

/* An entry of the queue: a named block that nobody uses, or a run of blocks without a name. Entries that are
 * not in use are linked by `after`. */
struct entry {
	uint64_t name;
	int64_t users; /* sequences that use a named block; 0: it is in the queue */
	int64_t run;   /* blocks without a name; 0: this is a named one */
	uint32_t before, after;
};

struct block_cache {
	int64_t block, total;
	VEC(struct entry) entries;
	uint32_t spare, first, last;
	uint32_t *table; /* open addressing by name; NONE: empty */
	size_t table_n, named;
};

/* ---- the table ---- */

static size_t home(const struct block_cache *c, uint64_t name)
{
	return (size_t)((name * 0x9e3779b97f4a7c15u) >> 20) & (c->table_n - 1);
}

static size_t look(const struct block_cache *c, uint64_t name)
{
	size_t at = home(c, name);

	while (c->table[at] != NONE && c->entries.at[c->table[at]].name != name)
		at = (at + 1) & (c->table_n - 1);
	return at;
}

static uint32_t named(const struct block_cache *c, uint64_t name)
{
	return c->table[look(c, name)];
}

static void enter(struct block_cache *c, uint32_t e)
{
	uint32_t *old = c->table;
	const size_t old_n = c->table_n;

	if (2 * (c->named + 1) > c->table_n) {
		c->table_n *= 2;
		c->table = xmalloc(c->table_n * sizeof *c->table);
		memset(c->table, 0xff, c->table_n * sizeof *c->table);
		for (size_t i = 0; i < old_n; i++)
			if (old[i] != NONE)
				c->table[look(c, c->entries.at[old[i]].name)] = old[i];
		free(old);
	}
	c->table[look(c, c->entries.at[e].name)] = e;
	c->named++;
}

/* Those behind it in its cluster move up (Knuth, TAOCP 6.4, algorithm R). */
static void strike(struct block_cache *c, uint64_t name)
{
	size_t hole = look(c, name);

	for (size_t at = (hole + 1) & (c->table_n - 1); c->table[at] != NONE;
	     at = (at + 1) & (c->table_n - 1)) {
		const size_t from = home(c, c->entries.at[c->table[at]].name);

		if (((at - from) & (c->table_n - 1)) >= ((at - hole) & (c->table_n - 1))) {
			c->table[hole] = c->table[at];
			hole = at;
		}
	}
	c->table[hole] = NONE;
	c->named--;
}

/* ---- the queue ---- */

static uint32_t new_entry(struct block_cache *c)
{
	uint32_t e = c->spare;

	if (e == NONE) {
		e = (uint32_t)c->entries.n;
		VEC_ADD(&c->entries, (struct entry){0});
	} else {
		c->spare = c->entries.at[e].after;
	}
	c->entries.at[e] = (struct entry){.before = NONE, .after = NONE};
	return e;
}

static void append(struct block_cache *c, uint32_t e)
{
	struct entry *x = &c->entries.at[e];

	x->before = c->last;
	x->after = NONE;
	*(c->last == NONE ? &c->first : &c->entries.at[c->last].after) = e;
	c->last = e;
}

static void unlink_entry(struct block_cache *c, uint32_t e)
{
	const struct entry *x = &c->entries.at[e];

	*(x->before == NONE ? &c->first : &c->entries.at[x->before].after) = x->after;
	*(x->after == NONE ? &c->last : &c->entries.at[x->after].before) = x->before;
}

static void discard(struct block_cache *c, uint32_t e)
{
	c->entries.at[e].after = c->spare;
	c->spare = e;
}

void block_cache_take(struct block_cache *c, int64_t n)
{
	while (n > 0) {
		const uint32_t e = c->first;
		struct entry *x;

		BUG_ON(e == NONE);
		x = &c->entries.at[e];
		if (x->run > n) {
			x->run -= n;
			return;
		}
		n -= x->run ? x->run : 1;
		if (!x->run)
			strike(c, x->name);
		unlink_entry(c, e);
		discard(c, e);
	}
}

void block_cache_give(struct block_cache *c, int64_t n)
{
	uint32_t e;

	if (n <= 0)
		return;
	if (c->last != NONE && c->entries.at[c->last].run) {
		c->entries.at[c->last].run += n;
		return;
	}
	e = new_entry(c);
	c->entries.at[e].run = n;
	append(c, e);
}

/* ---- names ---- */

/* Goes from block to block of a text, hashing the parts of pieces that each holds. */
struct names {
	const struct request *r;
	size_t piece;
	int64_t in_piece; /* tokens of the piece that are behind */
	uint64_t hash;
};

static uint64_t mix(uint64_t h, uint64_t x)
{
	h ^= x * 0x9e3779b97f4a7c15u;
	h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9u;
	return h ^ (h >> 32);
}

/* False: the chain does not cover all of the next block. */
static bool next_name(struct names *n, int64_t block)
{
	int64_t lacking = block;

	while (lacking > 0) {
		const struct prefix_piece *at = &n->r->prefix[n->piece];
		const bool goes_on = n->piece + 1 == n->r->prefix_n;
		int64_t here;

		if (n->piece == n->r->prefix_n)
			return false;
		/* the text of the last group goes on behind the prompt; how far it may be asked for is the
		 * caller's business */
		here = goes_on || at->tokens - n->in_piece > lacking ? lacking : at->tokens - n->in_piece;
		n->hash = mix(mix(n->hash, at->group), (uint64_t)(n->in_piece + here));
		n->in_piece += here;
		lacking -= here;
		if (!goes_on && n->in_piece == at->tokens) {
			n->piece++;
			n->in_piece = 0;
		}
	}
	return true;
}

static int64_t chain_tokens(const struct request *r)
{
	int64_t sum = 0;

	for (size_t i = 0; i < r->prefix_n; i++)
		sum += r->prefix[i].tokens;
	return sum;
}

int64_t block_cache_covered(const struct block_cache *c, const struct request *r, int64_t tokens)
{
	const int64_t chain = r->prefix_n ? chain_tokens(r) : 0;

	return (chain == r->prompt || tokens < chain ? tokens : chain) / c->block;
}

/* ---- finding and holding ---- */

int64_t block_cache_find(const struct block_cache *c, const struct request *r, int64_t most, int64_t *unused)
{
	struct names n = {.r = r};
	const int64_t covered = r->prefix_n ? chain_tokens(r) / c->block : 0;
	int64_t found = 0;

	*unused = 0;
	if (most > covered)
		most = covered;
	for (; found < most && next_name(&n, c->block); found++) {
		const uint32_t e = named(c, n.hash);

		if (e == NONE)
			break;
		*unused += !c->entries.at[e].users;
	}
	return found;
}

int64_t block_cache_hold(struct block_cache *c, const struct request *r, int64_t n)
{
	struct names names = {.r = r};
	int64_t free = 0;

	for (int64_t i = 0; i < n && next_name(&names, c->block); i++) {
		const uint32_t e = named(c, names.hash);

		if (!c->entries.at[e].users++) {
			unlink_entry(c, e);
			free++;
		}
	}
	return free;
}

int64_t block_cache_name(struct block_cache *c, const struct request *r, int64_t from, int64_t to,
			 int64_t *freed)
{
	struct names names = {.r = r};
	int64_t there = 0;

	*freed = 0;
	for (int64_t i = 0; i < to && next_name(&names, c->block); i++) {
		uint32_t e;

		if (i < from)
			continue;
		e = named(c, names.hash);
		if (e == NONE) {
			e = new_entry(c);
			c->entries.at[e].name = names.hash;
			enter(c, e);
		} else {
			there++;
			if (!c->entries.at[e].users) {
				unlink_entry(c, e);
				++*freed;
			}
		}
		c->entries.at[e].users++;
	}
	return there;
}

/* From the first to the last the names are known only by going through the chain; they are freed from the
 * last to the first. */
int64_t block_cache_drop(struct block_cache *c, const struct request *r, int64_t n)
{
	struct names names = {.r = r};
	uint32_t *held = xmalloc((size_t)n * sizeof *held);
	int64_t free_now = 0;

	for (int64_t i = 0; i < n && next_name(&names, c->block); i++)
		held[i] = named(c, names.hash);
	while (n-- > 0)
		if (!--c->entries.at[held[n]].users) {
			append(c, held[n]);
			free_now++;
		}
	free(held);
	return free_now;
}

/* ---- beginning and end ---- */

static void reset(struct block_cache *c)
{
	c->entries.n = 0;
	c->spare = c->first = c->last = NONE;
	c->named = 0;
	memset(c->table, 0xff, c->table_n * sizeof *c->table);
	block_cache_give(c, c->total);
}

struct block_cache *block_cache_new(int64_t block, int64_t total)
{
	struct block_cache *c = xcalloc(1, sizeof *c);

	c->block = block;
	c->total = total;
	c->table_n = 64;
	c->table = xmalloc(c->table_n * sizeof *c->table);
	reset(c);
	return c;
}

void block_cache_clear(struct block_cache *c)
{
	reset(c);
}

void block_cache_free(struct block_cache *c)
{
	if (!c)
		return;
	VEC_FREE(&c->entries);
	free(c->table);
	free(c);
}
