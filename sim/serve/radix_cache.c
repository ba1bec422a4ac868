/* radix_cache.c - see radix_cache.h. */
#include "sim/serve/radix_cache.h"

#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/heap.h"
#include "sim/load/text.h"
#include "sim/serve/name_table.h"

enum { ROOT };
#define NOWHERE SIZE_MAX

struct node {
	VEC(struct text_part) parts;
	int64_t tokens;
	uint64_t used; /* when */
	uint64_t name; /* of it among the children of its parent */
	uint32_t parent, children, locks;
	size_t place; /* in the heap of leaves, or NOWHERE */
};

static inline bool leaf_before(const void *ctx, const uint32_t *a, const uint32_t *b)
{
	const struct node *at = ctx;

	return at[*a].used != at[*b].used ? at[*a].used < at[*b].used : *a < *b;
}

static inline void leaf_moved(void *ctx, const uint32_t *leaf, size_t at)
{
	((struct node *)ctx)[*leaf].place = at;
}
HEAP_DEFINE(leaves, uint32_t, leaf_before, leaf_moved);

struct radix_cache {
	int64_t page, total, available, owed, evictable;
	uint64_t clock;
	VEC(struct node) nodes;
	uint32_t spare; /* first of the nodes that are not in use, linked by `parent`; NAME_NONE: none */
	struct leaves leaves; /* those that may go; ctx: the nodes */
	struct name_table children;
};

static struct node *node_at(const struct radix_cache *c, uint32_t n)
{
	return &c->nodes.at[n];
}

/* ---- nodes ---- */

static uint32_t new_node(struct radix_cache *c, uint32_t parent)
{
	uint32_t n = c->spare;

	if (n == NAME_NONE) {
		n = (uint32_t)c->nodes.n;
		VEC_ADD(&c->nodes, (struct node){.tokens = 0});
		c->leaves.ctx = c->nodes.at;
	} else {
		c->spare = node_at(c, n)->parent;
	}
	node_at(c, n)->parts.n = 0;
	node_at(c, n)->tokens = 0;
	node_at(c, n)->children = node_at(c, n)->locks = 0;
	node_at(c, n)->parent = parent;
	node_at(c, n)->place = NOWHERE;
	node_at(c, n)->used = ++c->clock;
	return n;
}

/* A leaf that nobody locks may go. */
static void look_at(struct radix_cache *c, uint32_t n)
{
	struct node *x = node_at(c, n);
	const bool may_go = n != ROOT && !x->children && !x->locks;

	if (may_go && x->place == NOWHERE) {
		leaves_put(&c->leaves, n);
	} else if (!may_go && x->place != NOWHERE) {
		(void)leaves_remove(&c->leaves, x->place);
		x->place = NOWHERE;
	}
}

static void use(struct radix_cache *c, uint32_t n, uint64_t at)
{
	node_at(c, n)->used = at;
	if (node_at(c, n)->place != NOWHERE)
		leaves_fix(&c->leaves, node_at(c, n)->place);
}

static void evict(struct radix_cache *c)
{
	const uint32_t n = leaves_take(&c->leaves);
	struct node *x = node_at(c, n);
	const uint32_t parent = x->parent;

	c->available += x->tokens / c->page;
	c->evictable -= x->tokens / c->page;
	name_table_strike(&c->children, x->name);
	x->place = NOWHERE;
	x->parent = c->spare;
	c->spare = n;
	node_at(c, parent)->children--;
	look_at(c, parent);
}

/* ---- the way of a text ---- */

static uint64_t fold(uint64_t hash, struct text_part p)
{
	return name_mix(name_mix(name_mix(hash, 2 * (uint64_t)p.from + p.own), p.group), (uint64_t)p.tokens);
}

/* The name, among the children of a node, of a text that goes on like this for a page. */
static uint64_t name_of_text(const struct radix_cache *c, uint32_t parent, struct text_at at)
{
	uint64_t hash = parent;

	for (int64_t lacking = c->page; lacking > 0;) {
		const struct text_part p = text_next(&at, lacking);

		hash = fold(hash, p);
		lacking -= p.tokens;
	}
	return hash;
}

static uint64_t name_of_node(const struct radix_cache *c, const struct node *n)
{
	uint64_t hash = n->parent;
	int64_t lacking = c->page;

	for (size_t i = 0; lacking > 0; i++) {
		struct text_part p = n->parts.at[i];

		p.tokens = p.tokens < lacking ? p.tokens : lacking;
		hash = fold(hash, p);
		lacking -= p.tokens;
	}
	return hash;
}

static bool follows(const struct text_part *a, const struct text_part *b)
{
	return a->group == b->group && a->own == b->own && a->from + a->tokens == b->from;
}

static void add_part(struct node *n, struct text_part p)
{
	struct text_part *last = n->parts.n ? &n->parts.at[n->parts.n - 1] : NULL;

	n->tokens += p.tokens;
	if (last && follows(last, &p))
		last->tokens += p.tokens;
	else
		VEC_ADD(&n->parts, p);
}

/* Tokens, at most `most` and in whole pages, that the node and the text have in common. */
static int64_t in_common(const struct radix_cache *c, const struct node *n, struct text_at at, int64_t most)
{
	int64_t common = 0;

	for (size_t i = 0; i < n->parts.n && common < most; i++) {
		struct text_part mine = n->parts.at[i];

		while (mine.tokens > 0 && common < most) {
			const struct text_part p =
				text_next(&at, mine.tokens < most - common ? mine.tokens : most - common);

			if (p.group != mine.group || p.own != mine.own || p.from != mine.from)
				return common / c->page * c->page;
			common += p.tokens;
			mine.from += p.tokens;
			mine.tokens -= p.tokens;
		}
	}
	return common / c->page * c->page;
}

static void go_on(struct text_at *at, int64_t tokens)
{
	while (tokens > 0)
		tokens -= text_next(at, tokens).tokens;
}

/* How far a text goes from the root, in tokens: into node `in`, `inside` tokens of which it has in common. */
struct way {
	struct text_at at; /* the text behind it */
	uint32_t in;
	int64_t tokens, inside;
};

static struct way way_begin(const struct request *r)
{
	return (struct way){.at = text_begin(r, false), .in = ROOT};
}

/* Into the next child that shares a page with the text; false: there is none. most: tokens of the text. */
static bool way_next(const struct radix_cache *c, struct way *w, int64_t most)
{
	uint32_t child;

	if (most - w->tokens < c->page || w->inside < node_at(c, w->in)->tokens)
		return false;
	child = name_table_find(&c->children, name_of_text(c, w->in, w->at));
	if (child == NAME_NONE)
		return false;
	w->in = child;
	w->inside = in_common(c, node_at(c, child), w->at, most - w->tokens);
	w->tokens += w->inside;
	go_on(&w->at, w->inside);
	return true;
}

/* The first tokens of a node, as far as the way has come, become a node of their own, its parent. */
static void split(struct radix_cache *c, struct way *w)
{
	const uint32_t low = w->in, high = new_node(c, node_at(c, low)->parent);
	struct node *a = node_at(c, high), *b = node_at(c, low);
	int64_t left = w->inside;
	size_t n = 0;

	a->locks = b->locks;
	a->children = 1;
	a->name = b->name;
	b->tokens -= w->inside;
	for (size_t i = 0; i < b->parts.n; i++) {
		struct text_part p = b->parts.at[i];
		const int64_t first = p.tokens < left ? p.tokens : left;

		if (first > 0)
			add_part(a, (struct text_part){p.group, p.own, p.from, first});
		if (first < p.tokens)
			b->parts.at[n++] =
				(struct text_part){p.group, p.own, p.from + first, p.tokens - first};
		left -= first;
	}
	b->parts.n = n;
	b->parent = high;
	name_table_put(&c->children, a->name, high);
	b->name = name_of_node(c, b);
	name_table_put(&c->children, b->name, low);
	w->in = high;
}

/* To where the text, or `most` tokens of it, leaves the tree: all that it passes has been used, and the way ends
 * with a node. */
static struct way walk(struct radix_cache *c, const struct request *r, int64_t most)
{
	struct way w = way_begin(r);
	const uint64_t now = ++c->clock;

	while (way_next(c, &w, most))
		use(c, w.in, now);
	if (w.inside < node_at(c, w.in)->tokens)
		split(c, &w);
	return w;
}

/* Pages that nobody locks of the nodes from n up, down to `from` tokens of a text that ends with n at `to`. */
static int64_t unlocked(const struct radix_cache *c, uint32_t n, int64_t to, int64_t from)
{
	int64_t sum = 0;

	for (; to > from; to -= node_at(c, n)->tokens, n = node_at(c, n)->parent)
		sum += node_at(c, n)->locks ? 0 : node_at(c, n)->tokens;
	return sum / c->page;
}

/* ---- what the scheduler asks ---- */

int64_t radix_cache_find(const struct radix_cache *c, const struct request *r, int64_t most, int64_t *unused)
{
	struct way w = way_begin(r);

	*unused = 0;
	while (way_next(c, &w, most * c->page))
		*unused += node_at(c, w.in)->locks ? 0 : w.inside / c->page;
	return w.tokens / c->page;
}

int64_t radix_cache_match(struct radix_cache *c, const struct request *r, int64_t most, int64_t *unused)
{
	const struct way w = walk(c, r, most * c->page);

	*unused = unlocked(c, w.in, w.tokens, 0);
	return w.tokens / c->page;
}

/* The nodes from n up, down to `from` tokens of a text that ends with n at `to`, are locked once more. Returns the pages
 * that nobody had locked. */
static int64_t lock(struct radix_cache *c, uint32_t n, int64_t to, int64_t from)
{
	const int64_t free = unlocked(c, n, to, from);

	c->evictable -= free;
	for (; to > from; to -= node_at(c, n)->tokens, n = node_at(c, n)->parent) {
		node_at(c, n)->locks++;
		look_at(c, n);
	}
	return free;
}

/* The way of a text to where a node ends; nothing counts as used. */
static struct way known(const struct radix_cache *c, const struct request *r, int64_t pages)
{
	struct way w = way_begin(r);

	while (way_next(c, &w, pages * c->page))
		;
	BUG_ON(w.tokens != pages * c->page || w.inside != node_at(c, w.in)->tokens);
	return w;
}

int64_t radix_cache_hold(struct radix_cache *c, const struct request *r, int64_t n)
{
	const struct way w = known(c, r, n);

	return lock(c, w.in, w.tokens, 0);
}

int64_t radix_cache_drop(struct radix_cache *c, const struct request *r, int64_t n)
{
	struct way w = known(c, r, n);
	int64_t free = 0;

	radix_cache_settle(c);
	for (; w.in != ROOT; w.in = node_at(c, w.in)->parent) {
		free += --node_at(c, w.in)->locks ? 0 : node_at(c, w.in)->tokens;
		look_at(c, w.in);
	}
	c->evictable += free / c->page;
	return free / c->page;
}

static void add_leaf(struct radix_cache *c, struct way *w, int64_t tokens)
{
	const uint32_t parent = w->in, n = new_node(c, parent);
	struct node *x = node_at(c, n);

	while (x->tokens < tokens)
		add_part(x, text_next(&w->at, tokens - x->tokens));
	x->name = name_of_node(c, x);
	name_table_put(&c->children, x->name, n);
	node_at(c, parent)->children++;
	c->evictable += tokens / c->page;
	look_at(c, parent);
	look_at(c, n);
}

int64_t radix_cache_insert(struct radix_cache *c, const struct request *r, int64_t from, int64_t to,
			   int64_t *freed)
{
	const int64_t tokens = to * c->page;
	int64_t there;
	struct way w;

	radix_cache_settle(c);
	w = walk(c, r, tokens);
	there = w.tokens / c->page;
	BUG_ON(there < from);
	if (w.tokens < tokens)
		add_leaf(c, &w, tokens - w.tokens);
	w = walk(c, r, tokens); /* cache_unfinished_req() matches again what it has inserted */
	*freed = lock(c, w.in, tokens, from * c->page) - (to - there);
	return there - from;
}

/* ---- room ---- */

void radix_cache_take(struct radix_cache *c, int64_t n)
{
	c->owed += n;
}

void radix_cache_settle(struct radix_cache *c)
{
	while (c->available < c->owed) {
		BUG_ON(!c->leaves.n);
		evict(c);
	}
	c->available -= c->owed;
	c->owed = 0;
}

void radix_cache_give(struct radix_cache *c, int64_t n)
{
	radix_cache_settle(c);
	c->available += n;
}

int64_t radix_cache_evictable(const struct radix_cache *c)
{
	return c->evictable;
}

/* ---- beginning and end ---- */

void radix_cache_clear(struct radix_cache *c)
{
	for (size_t i = 0; i < c->nodes.n; i++)
		VEC_FREE(&c->nodes.at[i].parts);
	c->nodes.n = c->leaves.n = 0;
	c->spare = NAME_NONE;
	c->owed = c->evictable = 0;
	c->available = c->total;
	name_table_clear(&c->children);
	(void)new_node(c, NAME_NONE);
}

struct radix_cache *radix_cache_new(int64_t page, int64_t total)
{
	struct radix_cache *c = xcalloc(1, sizeof *c);

	c->page = page;
	c->total = total;
	radix_cache_clear(c);
	return c;
}

void radix_cache_free(struct radix_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nodes.n; i++)
		VEC_FREE(&c->nodes.at[i].parts);
	VEC_FREE(&c->nodes);
	leaves_release(&c->leaves);
	name_table_release(&c->children);
	free(c);
}
