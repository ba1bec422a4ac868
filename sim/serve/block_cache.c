/* block_cache.c - see block_cache.h: a hash table of named blocks, and a queue of what is free. */
#include "sim/serve/block_cache.h"

#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/vec.h"
#include "sim/load/text.h"
#include "sim/serve/name_table.h"

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
	struct kv_groups groups;
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
	return (struct names){.at = text_begin(r, !r->resumed)};
}

/* False: nobody else has that text, and the request itself has not been preempted. */
static bool next_name(struct names *n, int64_t block)
{
	for (int64_t lacking = block; lacking > 0;) {
		const struct text_part part = text_next(&n->at, lacking);

		if (part.own && !n->at.r->resumed)
			return false;
		n->hash = name_mix(name_mix(n->hash, part.own ? ~part.group : part.group),
				   (uint64_t)(part.from + part.tokens));
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

	return (r->resumed || chain == r->prompt || tokens < chain ? tokens : chain) / c->block;
}

/* ---- finding and holding ---- */

/* Every group's block of a name is another one. */
static uint64_t in_group(uint64_t hash, int64_t group)
{
	return group ? name_mix(hash, (uint64_t)group) : hash;
}

/* The entry of a block that is in the cache. */
static uint32_t entry_of(const struct block_cache *c, uint64_t hash, int64_t group)
{
	return name_table_find(&c->named, in_group(hash, group));
}

/* In all groups from..to - 1? Adds to *unused. */
static bool there(const struct block_cache *c, uint64_t hash, int64_t from, int64_t to, int64_t *unused)
{
	int64_t free = 0;

	for (int64_t g = from; g < to; g++) {
		const uint32_t e = entry_of(c, hash, g);

		if (e == NONE)
			return false;
		free += !c->entries.at[e].users;
	}
	*unused += free;
	return true;
}

/* From the right, blocks in a row as many as the next token sees; or all from the beginning. */
static int64_t seen_by_windows(const struct block_cache *c, const uint64_t *hashes, int64_t n)
{
	const struct kv_groups *g = &c->groups;
	const int64_t need = (g->window - 1 + c->block - 1) / c->block;
	int64_t row = 0, ignored;

	for (int64_t i = n - 1; i >= 0; i--) {
		row = there(c, hashes[i], g->full, g->full + g->windowed, &ignored) ? row + 1 : 0;
		if (row && row >= need)
			return i + row;
	}
	return row;
}

static int64_t find_in_windows(const struct block_cache *c, const struct request *r, int64_t n,
			       int64_t *unused)
{
	const struct kv_groups *g = &c->groups;
	uint64_t *hashes = xmalloc((size_t)n * sizeof *hashes);
	struct names names = names_of(r);

	for (int64_t i = 0; i < n && next_name(&names, c->block); i++)
		hashes[i] = names.hash;
	n = seen_by_windows(c, hashes, n);
	*unused = 0;
	for (int64_t i = 0; i < n; i++)
		(void)there(c, hashes[i], 0, g->full, unused);
	for (int64_t i = kv_passed(g, c->block, n * c->block); i < n; i++)
		(void)there(c, hashes[i], g->full, g->full + g->windowed, unused);
	free(hashes);
	return n;
}

int64_t block_cache_find(const struct block_cache *c, const struct request *r, int64_t most, int64_t *unused)
{
	struct names n = names_of(r);
	const int64_t covered = r->resumed ? most : r->prefix_n ? chain_tokens(r) / c->block : 0;
	int64_t found = 0;

	*unused = 0;
	if (most > covered)
		most = covered;
	while (found < most && next_name(&n, c->block) && there(c, n.hash, 0, c->groups.full, unused))
		found++;
	return c->groups.windowed && found > 0 ? find_in_windows(c, r, found, unused) : found;
}

/* The first group, windowed groups included, that has the i-th block of a range. */
static int64_t group_from(const struct block_cache *c, struct block_range range, int64_t i)
{
	return i >= range.full ? 0 : c->groups.full;
}

static int64_t group_to(const struct block_cache *c, struct block_range range, int64_t i)
{
	return i >= range.windowed ? c->groups.full + c->groups.windowed : c->groups.full;
}

static int64_t use(struct block_cache *c, uint32_t e)
{
	if (c->entries.at[e].users++)
		return 0;
	unlink_entry(c, e);
	return 1;
}

int64_t block_cache_hold(struct block_cache *c, const struct request *r, struct block_range range)
{
	struct names names = names_of(r);
	int64_t free = 0;

	for (int64_t i = 0; i < range.to && next_name(&names, c->block); i++)
		for (int64_t g = group_from(c, range, i); g < group_to(c, range, i); g++)
			free += use(c, entry_of(c, names.hash, g));
	return free;
}

static uint32_t add_named(struct block_cache *c, uint64_t name)
{
	const uint32_t e = new_entry(c);

	c->entries.at[e].name = name;
	c->entries.at[e].users = 1;
	name_table_put(&c->named, name, e);
	return e;
}

int64_t block_cache_name(struct block_cache *c, const struct request *r, struct block_range range,
			 int64_t *freed)
{
	struct names names = names_of(r);
	int64_t spare = 0;

	*freed = 0;
	for (int64_t i = 0; i < range.to && next_name(&names, c->block); i++)
		for (int64_t g = group_from(c, range, i); g < group_to(c, range, i); g++) {
			const uint32_t e = entry_of(c, names.hash, g);

			if (e == NONE) {
				(void)add_named(c, in_group(names.hash, g));
				continue;
			}
			spare++;
			*freed += use(c, e);
		}
	return spare;
}

/* From the first to the last the names are known only by going through the chain; they are freed from the
 * last to the first, the last group before the others. */
int64_t block_cache_drop(struct block_cache *c, const struct request *r, struct block_range range)
{
	struct names names = names_of(r);
	uint64_t *hashes = xmalloc((size_t)range.to * sizeof *hashes);
	int64_t free_now = 0;

	for (int64_t i = 0; i < range.to && next_name(&names, c->block); i++)
		hashes[i] = names.hash;
	for (int64_t g = c->groups.full + c->groups.windowed; g-- > 0;)
		for (int64_t i = range.to; i-- > (g < c->groups.full ? range.full : range.windowed);) {
			const uint32_t e = entry_of(c, hashes[i], g);

			if (!--c->entries.at[e].users) {
				append(c, e);
				free_now++;
			}
		}
	free(hashes);
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

struct block_cache *block_cache_new(int64_t block, int64_t total, const struct kv_groups *groups)
{
	struct block_cache *c = xcalloc(1, sizeof *c);

	c->block = block;
	c->groups = *groups;
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
