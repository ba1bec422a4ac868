/* check_serve_radix.c - room serve: SGLang's radix tree against a naive one of token lists, and by hand. */
#include "tests/suites.h"

#include <stdio.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/serve/radix_cache.h"
#include "tests/serve/serve_toy.h"

/* ---- a naive tree, line by line as radix_cache.py: every node has its tokens ---- */

enum { NODES = 4000, LONGEST = 160, TEXT_PIECES = 4 };

struct plain_node {
	int64_t *key;
	int64_t n;
	struct plain_node *parent;
	bool there;
	int locks;
	uint64_t used;
};

struct plain_tree {
	struct plain_node *nodes; /* [0]: the root */
	size_t n;
	uint64_t clock;
	int64_t page, available;
};

/* Tokens that name themselves: of a group, or the request's own. */
static void text_of(const struct request *r, int64_t n, int64_t *ids)
{
	int64_t at = 0, chain = 0;

	for (uint32_t i = 0; i < r->prefix_n; i++)
		chain += r->prefix[i].tokens;
	for (uint32_t i = 0; i < r->prefix_n && at < n; i++) {
		const bool on = i + 1 == r->prefix_n && chain == r->prompt;

		for (int64_t k = 0; (k < r->prefix[i].tokens || on) && at < n; k++)
			ids[at++] = (int64_t)r->prefix[i].group * 100000 + k;
	}
	for (int64_t k = 0; at < n; k++)
		ids[at++] = -((int64_t)r->id * 100000 + k + 1);
}

static int64_t whole(const struct plain_tree *t, int64_t n)
{
	return n / t->page * t->page;
}

static int64_t same(const struct plain_tree *t, const int64_t *a, int64_t a_n, const int64_t *b, int64_t b_n)
{
	int64_t i = 0;

	while (i < a_n && i < b_n && a[i] == b[i])
		i++;
	return whole(t, i);
}

static struct plain_node *child_of(struct plain_tree *t, struct plain_node *p, const int64_t *key, int64_t n)
{
	for (size_t i = 1; i < t->n; i++) {
		struct plain_node *c = &t->nodes[i];

		if (c->there && c->parent == p && n >= t->page &&
		    same(t, c->key, t->page, key, t->page) == t->page)
			return c;
	}
	return NULL;
}

static struct plain_node *plain_new(struct plain_tree *t, struct plain_node *parent, const int64_t *key,
				    int64_t n)
{
	struct plain_node *c = &t->nodes[t->n++];

	MUST(t->n < NODES);
	*c = (struct plain_node){.key = xmalloc((size_t)(n ? n : 1) * sizeof *key),
				 .n = n,
				 .parent = parent,
				 .there = true,
				 .used = ++t->clock};
	if (n)
		memcpy(c->key, key, (size_t)n * sizeof *key);
	return c;
}

/* The child keeps its own number; the new one, with the first tokens, comes between it and its parent. */
static struct plain_node *plain_split(struct plain_tree *t, struct plain_node *child, int64_t at)
{
	struct plain_node *high = plain_new(t, child->parent, child->key, at);

	high->locks = child->locks;
	child->parent = high;
	memmove(child->key, child->key + at, (size_t)(child->n - at) * sizeof *child->key);
	child->n -= at;
	return high;
}

static struct plain_node *plain_walk(struct plain_tree *t, const int64_t *key, int64_t n, int64_t *matched)
{
	struct plain_node *node = &t->nodes[0], *child;
	const uint64_t now = ++t->clock;

	*matched = 0;
	while ((child = child_of(t, node, key + *matched, n - *matched))) {
		const int64_t common = same(t, child->key, child->n, key + *matched, n - *matched);

		child->used = now;
		*matched += common;
		if (common < child->n)
			return plain_split(t, child, common);
		node = child;
	}
	return node;
}

static int64_t plain_free_pages(const struct plain_tree *t, struct plain_node *n, int64_t below)
{
	int64_t sum = 0, tokens = 0;

	for (struct plain_node *x = n; x->parent; x = x->parent)
		tokens += x->n;
	for (; n->parent && tokens > below; tokens -= n->n, n = n->parent)
		sum += n->locks ? 0 : n->n;
	return sum / t->page;
}

static int64_t plain_lock(struct plain_tree *t, struct plain_node *n, int by)
{
	int64_t changed = 0;

	for (; n->parent; n = n->parent) {
		if (by > 0 ? n->locks == 0 : n->locks == 1)
			changed += n->n;
		n->locks += by;
	}
	return changed / t->page;
}

static bool is_leaf(const struct plain_tree *t, const struct plain_node *n)
{
	for (size_t i = 1; i < t->n; i++)
		if (t->nodes[i].there && t->nodes[i].parent == n)
			return false;
	return true;
}

static void plain_take(struct plain_tree *t, int64_t pages)
{
	while (t->available < pages) {
		struct plain_node *oldest = NULL;

		for (size_t i = 1; i < t->n; i++) {
			struct plain_node *n = &t->nodes[i];

			if (n->there && !n->locks && is_leaf(t, n) && (!oldest || n->used < oldest->used))
				oldest = n;
		}
		MUST(oldest);
		oldest->there = false;
		t->available += oldest->n / t->page;
	}
	t->available -= pages;
}

static int64_t plain_evictable(const struct plain_tree *t)
{
	int64_t sum = 0;

	for (size_t i = 1; i < t->n; i++)
		sum += t->nodes[i].there && !t->nodes[i].locks ? t->nodes[i].n : 0;
	return sum / t->page;
}

/* ---- both, under random requests ---- */

struct holder {
	struct request r;
	struct prefix_piece pieces[TEXT_PIECES];
	int64_t shared, own, goal; /* pages it holds of the tree, and beside it; tokens it will have */
	bool there;
};

struct pair {
	struct rng *rng;
	struct radix_cache *tree;
	struct plain_tree plain;
	struct holder at[6];
	uint64_t requests;
	int64_t total, seen; /* pages found by all matches */
};

/* Conversations of few groups, so that much is shared; the last piece may or may not cover the prompt. */
static void draw_request(struct pair *p, struct holder *h)
{
	int64_t covered = 0;

	*h = (struct holder){.r = {.id = p->requests++}};
	h->r.prefix_n = (uint32_t)fixture_draw(p->rng, 0, TEXT_PIECES);
	for (uint32_t i = 0; i < h->r.prefix_n; i++) {
		h->pieces[i] = (struct prefix_piece){(uint64_t)fixture_draw(p->rng, 1, 3),
						     fixture_draw(p->rng, 1, 24)};
		covered += h->pieces[i].tokens;
	}
	h->r.prefix = h->pieces;
	h->r.prompt =
		covered + (h->r.prefix_n && fixture_draw(p->rng, 0, 1) ? 0 : fixture_draw(p->rng, 1, 20));
	h->goal = h->r.prompt + fixture_draw(p->rng, 1, 20);
	MUST(h->goal <= LONGEST);
}

static int64_t ids_of(const struct holder *h, int64_t tokens, int64_t *ids)
{
	text_of(&h->r, tokens, ids);
	return tokens;
}

static void look(struct pair *p, const struct holder *h)
{
	int64_t ids[LONGEST], unused, matched = 0, in_plain = 0;
	const int64_t most = (h->r.prompt - 1) / p->plain.page;
	struct plain_node *node = &p->plain.nodes[0];
	const int64_t found = radix_cache_find(p->tree, &h->r, most, &unused);

	ids_of(h, most * p->plain.page, ids);
	for (struct plain_node *c;
	     (c = child_of(&p->plain, node, ids + matched, most * p->plain.page - matched)); node = c) {
		const int64_t common =
			same(&p->plain, c->key, c->n, ids + matched, most * p->plain.page - matched);

		matched += common;
		in_plain += c->locks ? 0 : common;
		if (common < c->n)
			break;
	}
	MUST(found == matched / p->plain.page && unused == in_plain / p->plain.page);
}

/* A request is looked for, and if there is room it is admitted. */
static void admit(struct pair *p, struct holder *h)
{
	int64_t ids[LONGEST], unused, matched, own;
	const int64_t most = (h->r.prompt - 1) / p->plain.page,
		      found = radix_cache_match(p->tree, &h->r, most, &unused);
	struct plain_node *n =
		plain_walk(&p->plain, ids, whole(&p->plain, ids_of(h, most * p->plain.page, ids)), &matched);

	MUST(found == matched / p->plain.page);
	MUST(unused == plain_free_pages(&p->plain, n, 0));
	own = (h->r.prompt + p->plain.page - 1) / p->plain.page - found;
	if (own + unused > p->plain.available + plain_evictable(&p->plain))
		return;
	p->seen += found;
	MUST(radix_cache_hold(p->tree, &h->r, found) == plain_lock(&p->plain, n, 1));
	radix_cache_take(p->tree, own);
	radix_cache_settle(p->tree);
	plain_take(&p->plain, own);
	h->shared = found;
	h->own = own;
	h->there = true;
}

/* cache_unfinished_req(): insert, free the copies, match again, lock the new end and unlock the old one. */
static void insert(struct pair *p, struct holder *h, int64_t tokens)
{
	int64_t ids[LONGEST], freed, spare, matched, again;
	const int64_t to = tokens / p->plain.page, n = ids_of(h, to * p->plain.page, ids);
	struct plain_node *end, *old;

	if (to <= h->shared)
		return;
	spare = radix_cache_insert(p->tree, &h->r, h->shared, to, &freed);
	radix_cache_give(p->tree, spare);
	end = plain_walk(&p->plain, ids, n, &matched);
	if (matched < n)
		plain_new(&p->plain, end, ids + matched, n - matched);
	MUST(spare == matched / p->plain.page - h->shared);
	p->plain.available += spare;
	end = plain_walk(&p->plain, ids, n, &again);
	MUST(again == n);
	MUST(freed ==
	     plain_free_pages(&p->plain, end, h->shared * p->plain.page) - (n - matched) / p->plain.page);
	for (old = end; again > h->shared * p->plain.page; old = old->parent)
		again -= old->n;
	plain_lock(&p->plain, end, 1);
	plain_lock(&p->plain, old, -1);
	h->own -= to - h->shared;
	h->shared = to;
}

static void leave(struct pair *p, struct holder *h)
{
	int64_t ids[LONGEST], matched;
	struct plain_node *end = &p->plain.nodes[0], *c;
	const int64_t n = ids_of(h, h->shared * p->plain.page, ids);

	radix_cache_give(p->tree, h->own);
	p->plain.available += h->own;
	for (matched = 0; matched < n; matched += c->n, end = c)
		c = child_of(&p->plain, end, ids + matched, n - matched);
	MUST(radix_cache_drop(p->tree, &h->r, h->shared) == plain_lock(&p->plain, end, -1));
	h->there = false;
}

/* It decodes to its end: its answer comes into the tree, or, retracted, it is lost. */
static void go_on(struct pair *p, struct holder *h)
{
	const int64_t more = (h->goal + p->plain.page - 1) / p->plain.page - h->shared - h->own;
	const bool retracted =
		fixture_draw(p->rng, 0, 3) == 0 || more > p->plain.available + plain_evictable(&p->plain);

	if (!retracted) {
		radix_cache_take(p->tree, more);
		radix_cache_settle(p->tree);
		plain_take(&p->plain, more);
		h->own += more;
		insert(p, h, h->goal);
	}
	leave(p, h);
}

static void step(struct pair *p)
{
	struct holder *h = &p->at[fixture_draw(p->rng, 0, (int64_t)ARRAY_LEN(p->at) - 1)];
	int64_t held = 0;

	if (!h->there) {
		draw_request(p, h);
		look(p, h);
		admit(p, h);
	} else if (h->shared * p->plain.page < h->r.prompt / p->plain.page * p->plain.page) {
		insert(p, h, fixture_draw(p->rng, 1, h->r.prompt));
	} else {
		go_on(p, h);
	}
	for (size_t i = 0; i < ARRAY_LEN(p->at); i++)
		held += p->at[i].there ? p->at[i].own : 0;
	MUST(radix_cache_evictable(p->tree) == plain_evictable(&p->plain));
	MUST(p->plain.available >= 0 && held >= 0 && p->plain.available <= p->total);
}

START_TEST(radix_is_the_naive_tree)
{
	int64_t seen = 0;

	for (int run = 0; run < 60; run++) {
		struct pair p = {.rng = rng_new((uint64_t)run, "radix")};

		p.plain.page = run % 3 == 2 ? 4 : run % 3 + 1;
		p.plain.available = p.total = fixture_draw(p.rng, LONGEST, 3 * LONGEST) / p.plain.page;
		p.plain.nodes = xcalloc(NODES, sizeof *p.plain.nodes);
		p.plain.n = 1;
		p.tree = radix_cache_new(p.plain.page, p.total);
		for (int i = 0; i < 300; i++)
			step(&p);
		seen += p.seen;
		for (size_t i = 0; i < p.plain.n; i++)
			free(p.plain.nodes[i].key);
		free(p.plain.nodes);
		radix_cache_free(p.tree);
		rng_free(p.rng);
	}
	ck_assert_int_gt(seen, 1000);
}
END_TEST

/* Two conversations and one text of its own fill the cache. The one used longest ago loses its end first, not its
 * beginning, which both conversations share; a whole leaf goes although one token is lacking. */
START_TEST(leaves_go_first)
{
	const struct prefix_piece a[] = {{1, 10}, {2, 20}}, b[] = {{1, 10}, {3, 20}};
	const struct request x = {.id = 0, .prompt = 30, .prefix = a, .prefix_n = 2},
			     y = {.id = 1, .prompt = 30, .prefix = b, .prefix_n = 2},
			     z = {.id = 2, .prompt = 30};
	const struct request *const texts[] = {&x, &y, &z};
	struct radix_cache *c = radix_cache_new(1, 80);
	int64_t unused, freed;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const int64_t found = radix_cache_match(c, texts[i], 29, &unused);

		radix_cache_hold(c, texts[i], found);
		radix_cache_take(c, 30 - found);
		(void)radix_cache_insert(c, texts[i], found, 30, &freed);
		(void)radix_cache_drop(c, texts[i], 30);
	}
	ck_assert_int_eq(radix_cache_evictable(c), 80);
	radix_cache_take(c, 1);
	radix_cache_settle(c);
	ck_assert_int_eq(radix_cache_find(c, &x, 29, &unused), 10);
	ck_assert_int_eq(radix_cache_find(c, &y, 29, &unused), 29);
	ck_assert_int_eq(radix_cache_evictable(c), 60);
	radix_cache_free(c);
}
END_TEST

Suite *suite_serve_radix(void)
{
	Suite *s = suite_create("serve_radix");
	TCase *t = tcase_create("tree");

	tcase_add_test(t, radix_is_the_naive_tree);
	tcase_add_test(t, leaves_go_first);
	suite_add_tcase(s, t);
	return s;
}
