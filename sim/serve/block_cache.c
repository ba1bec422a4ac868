/* block_cache.c - see block_cache.h: a hash table of named blocks, and a queue of what is free. */
#include "sim/serve/block_cache.h"

#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/vec.h"
#include "sim/serve/name_table.h"
#include "sim/serve/text.h"

#define NONE NAME_NONE

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
	struct name_table named;
};

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
			name_table_strike(&c->named, x->name);
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

/* Goes from block to block of a text, hashing the parts of pieces that each holds. How far the text of the last
 * group may be asked for is the caller's business. */
struct names {
	struct text_at at;
	uint64_t hash;
};

static struct names names_of(const struct request *r)
{
	return (struct names){.at = text_begin(r, true)};
}

/* False: there is no chain. */
static bool next_name(struct names *n, int64_t block)
{
	for (int64_t lacking = block; lacking > 0;) {
		const struct text_part part = text_next(&n->at, lacking);

		if (part.own)
			return false;
		n->hash = name_mix(name_mix(n->hash, part.group), (uint64_t)(part.from + part.tokens));
		lacking -= part.tokens;
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
	struct names n = names_of(r);
	const int64_t covered = r->prefix_n ? chain_tokens(r) / c->block : 0;
	int64_t found = 0;

	*unused = 0;
	if (most > covered)
		most = covered;
	for (; found < most && next_name(&n, c->block); found++) {
		const uint32_t e = name_table_find(&c->named, n.hash);

		if (e == NONE)
			break;
		*unused += !c->entries.at[e].users;
	}
	return found;
}

int64_t block_cache_hold(struct block_cache *c, const struct request *r, int64_t n)
{
	struct names names = names_of(r);
	int64_t free = 0;

	for (int64_t i = 0; i < n && next_name(&names, c->block); i++) {
		const uint32_t e = name_table_find(&c->named, names.hash);

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
	struct names names = names_of(r);
	int64_t there = 0;

	*freed = 0;
	for (int64_t i = 0; i < to && next_name(&names, c->block); i++) {
		uint32_t e;

		if (i < from)
			continue;
		e = name_table_find(&c->named, names.hash);
		if (e == NONE) {
			e = new_entry(c);
			c->entries.at[e].name = names.hash;
			name_table_put(&c->named, names.hash, e);
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
	struct names names = names_of(r);
	uint32_t *held = xmalloc((size_t)n * sizeof *held);
	int64_t free_now = 0;

	for (int64_t i = 0; i < n && next_name(&names, c->block); i++)
		held[i] = name_table_find(&c->named, names.hash);
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
	name_table_clear(&c->named);
	block_cache_give(c, c->total);
}

struct block_cache *block_cache_new(int64_t block, int64_t total)
{
	struct block_cache *c = xcalloc(1, sizeof *c);

	c->block = block;
	c->total = total;
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
	name_table_release(&c->named);
	free(c);
}
