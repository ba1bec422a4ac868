/*
 * check_serve_blocks.c - room serve: KV blocks of groups of layers, some of them windowed, against a pool that is
 * written here with a table of blocks for each group of each sequence, looked through block by block.
 */
#include "tests/suites.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/rng.h"
#include "sim/serve/kv.h"
#include "tests/serve/serve_toy.h"

/* ---- the plain pool ---- */

enum { POOL = 400, GROUPS = 5, LONGEST = 120, HOLDERS = 12, NO_BLOCK = -1 };

/* A block's name: a group of layers, a text and its place in that text. */
struct plain_block {
	bool named;
	int64_t group, place, users;
	uint64_t text;
};

struct plain {
	const struct kv_groups *groups;
	int64_t block, total, free_n;
	struct plain_block blocks[POOL];
	int queue[POOL]; /* free blocks, the next to be taken first */
};

struct holder {
	bool there;
	struct seq s; /* what kv.h keeps of it */
	struct prefix_piece text;
	int table[GROUPS][LONGEST]; /* NO_BLOCK: given back */
	int64_t length;             /* of the tables */
};

static int64_t groups_n(const struct plain *p)
{
	return p->groups->full + p->groups->windowed;
}

/* Does the token behind `tokens` see a token of that block in that group? */
static bool sees(const struct plain *p, int64_t group, int64_t place, int64_t tokens)
{
	for (int64_t j = place * p->block; j < (place + 1) * p->block; j++)
		if (tokens - j < p->groups->window)
			return true;
	return group < p->groups->full;
}

static int there(const struct plain *p, int64_t group, uint64_t text, int64_t place)
{
	for (int i = 0; i < p->total; i++) {
		const struct plain_block *b = &p->blocks[i];

		if (b->named && b->group == group && b->text == text && b->place == place)
			return i;
	}
	return NO_BLOCK;
}

static int plain_take(struct plain *p)
{
	const int i = p->queue[0];

	memmove(p->queue, p->queue + 1, (size_t)--p->free_n * sizeof *p->queue);
	p->blocks[i] = (struct plain_block){.users = 1};
	return i;
}

static void plain_use(struct plain *p, int i)
{
	if (!p->blocks[i].users++)
		for (int64_t k = 0; k < p->free_n; k++)
			if (p->queue[k] == i) {
				memmove(p->queue + k, p->queue + k + 1,
					(size_t)(--p->free_n - k) * sizeof *p->queue);
				break;
			}
}

static void plain_free(struct plain *p, int i)
{
	if (!--p->blocks[i].users)
		p->queue[p->free_n++] = i;
}

/* As many blocks from the beginning that all groups have what the next token sees of them. */
static int64_t plain_find(const struct plain *p, uint64_t text, int64_t most, int64_t *unused)
{
	for (int64_t n = most; n > 0; n--) {
		bool all = true;

		*unused = 0;
		for (int64_t g = 0; g < groups_n(p); g++)
			for (int64_t i = 0; i < n && all; i++) {
				const int b = there(p, g, text, i);

				if (!sees(p, g, i, n * p->block))
					continue;
				all = b != NO_BLOCK;
				*unused += all && !p->blocks[b].users;
			}
		if (all)
			return n;
	}
	*unused = 0;
	return 0;
}

/* Blocks without a name first, then named ones, those of the last group and its last block before others. */
static void plain_leave(struct plain *p, struct holder *h, bool all)
{
	for (int named = 0; named < 2; named++)
		for (int64_t g = groups_n(p) - 1; g >= 0; g--)
			for (int64_t i = h->length - 1; i >= 0; i--) {
				int *b = &h->table[g][i];

				if (*b == NO_BLOCK || p->blocks[*b].named != (named > 0) ||
				    (!all && sees(p, g, i, h->s.computed)))
					continue;
				plain_free(p, *b);
				*b = NO_BLOCK;
			}
}

/* ---- both ---- */

struct pair {
	struct rng *rng;
	struct kv kv;
	struct plain plain;
	struct holder at[HOLDERS];
	int64_t found, windows_found;
};

static void must_agree(const struct pair *p)
{
	MUST(kv_free(&p->kv) == p->plain.free_n);
	for (size_t i = 0; i < ARRAY_LEN(p->at); i++) {
		const struct holder *h = &p->at[i];
		int64_t own = 0;

		for (int64_t g = 0; h->there && g < groups_n(&p->plain); g++)
			for (int64_t k = 0; k < h->length; k++)
				own += h->table[g][k] != NO_BLOCK && !p->plain.blocks[h->table[g][k]].named;
		MUST(!h->there || own == h->s.blocks);
	}
}

/* Places for the next so many tokens, which are read; false: there is no room. */
static bool read_on(struct pair *p, struct holder *h, int64_t tokens, int64_t unused)
{
	struct plain *plain = &p->plain;
	const int64_t to = kv_token_blocks(&p->kv, h->s.computed + tokens);
	const int64_t lacking =
		kv_own_blocks(&p->kv, h->s.computed + tokens, h->s.computed, h->s.shared) - h->s.blocks;

	MUST(lacking == groups_n(plain) * (to - h->length));
	if (lacking + unused > kv_free(&p->kv))
		return false;
	if (!h->there)
		kv_hold(&p->kv, &h->s, h->s.shared);
	for (int64_t i = 0; i < h->length && !h->there; i++)
		for (int64_t g = 0; g < groups_n(plain); g++)
			if ((h->table[g][i] = sees(plain, g, i, h->s.computed)
						      ? there(plain, g, h->text.group, i)
						      : NO_BLOCK) != NO_BLOCK)
				plain_use(plain, h->table[g][i]);
	kv_take(&p->kv, lacking);
	h->s.blocks += lacking;
	for (; h->length < to; h->length++)
		for (int64_t g = 0; g < groups_n(plain); g++)
			h->table[g][h->length] = plain_take(plain);
	h->s.computed += tokens;
	return true;
}

/* A copy of a block that is there already goes back once all have their names. */
static void plain_name(struct plain *p, struct holder *h)
{
	const bool whole = h->text.tokens == h->s.r.prompt || h->s.computed < h->text.tokens;
	const int64_t to = (whole ? h->s.computed : h->text.tokens) / p->block;
	int spare[POOL], spares = 0;

	for (int64_t g = 0; g < groups_n(p); g++)
		for (int64_t i = 0; i < to; i++) {
			const int own = h->table[g][i], other = there(p, g, h->text.group, i);

			if (own == NO_BLOCK || p->blocks[own].named)
				continue;
			if (other == NO_BLOCK) {
				p->blocks[own] = (struct plain_block){true, g, i, 1, h->text.group};
				continue;
			}
			plain_use(p, other);
			h->table[g][i] = other;
			spare[spares++] = own;
		}
	while (spares)
		plain_free(p, spare[--spares]);
}

static void end_of_iteration(struct pair *p, struct holder *h)
{
	kv_name(&p->kv, &h->s);
	plain_name(&p->plain, h);
	kv_leave(&p->kv, &h->s);
	plain_leave(&p->plain, h, false);
}

static void admit(struct pair *p, struct holder *h)
{
	const struct plain *plain = &p->plain;
	int64_t unused, plain_unused, most, covered;

	h->text.group = (uint64_t)fixture_draw(p->rng, 1, 4);
	h->s = (struct seq){.r = {.prompt = fixture_draw(p->rng, 1, LONGEST - 10), .prefix_n = 1}};
	h->s.r.prefix = &h->text;
	h->text.tokens = fixture_draw(p->rng, 0, 3) ? h->s.r.prompt : fixture_draw(p->rng, 1, h->s.r.prompt);
	most = (h->s.r.prompt - 1) / plain->block;
	covered = h->text.tokens / plain->block;
	h->s.shared = h->length = kv_match(&p->kv, &h->s.r, most, &unused);
	h->s.computed = h->length * plain->block;
	MUST(h->length == plain_find(plain, h->text.group, most < covered ? most : covered, &plain_unused));
	MUST(unused == plain_unused);
	p->found += h->length;
	p->windows_found += h->s.computed > plain->groups->window;
	h->there = read_on(p, h, fixture_draw(p->rng, 1, h->s.r.prompt - h->s.computed), unused);
	if (h->there)
		end_of_iteration(p, h);
}

static void step(struct pair *p)
{
	struct holder *h = &p->at[fixture_draw(p->rng, 0, HOLDERS - 1)];
	const int64_t rest = LONGEST - h->s.computed;

	if (!h->there) {
		admit(p, h);
	} else if (rest && fixture_draw(p->rng, 0, 3) &&
		   read_on(p, h, fixture_draw(p->rng, 1, rest < 30 ? rest : 30), 0)) {
		end_of_iteration(p, h);
	} else {
		kv_drop(&p->kv, &h->s);
		plain_leave(&p->plain, h, true);
		h->there = false;
	}
	must_agree(p);
}

static void draw_pair(struct pair *p, struct rng *r, struct kv_groups *groups)
{
	*groups = (struct kv_groups){fixture_draw(r, 0, 2), fixture_draw(r, 0, 3), fixture_draw(r, 1, 50)};
	groups->full += groups->full + groups->windowed == 0;
	*p = (struct pair){.rng = r};
	p->plain = (struct plain){.groups = groups, .block = fixture_draw(r, 1, 9)};
	p->plain.total = fixture_draw(r, POOL / 4, POOL);
	for (int i = 0; i < p->plain.total; i++)
		p->plain.queue[p->plain.free_n++] = i;
	p->kv = (struct kv){.block = p->plain.block, .total = p->plain.total, .groups = *groups};
	kv_cache_new(&p->kv, CACHE_BLOCKS);
}

START_TEST(blocks_are_those_of_the_plain_pool)
{
	int64_t found = 0, windows_found = 0;

	for (uint64_t seed = 0; seed < 60; seed++) {
		struct rng *r = rng_new(seed, "blocks");
		struct kv_groups groups;
		struct pair p;

		draw_pair(&p, r, &groups);
		for (int i = 0; i < 400; i++)
			step(&p);
		found += p.found;
		windows_found += p.windows_found;
		kv_cache_free(&p.kv);
		rng_free(r);
	}
	ck_assert_int_gt(found, 10000);
	ck_assert_int_gt(windows_found, 1000); /* beyond a window, where only its last blocks are asked for */
}
END_TEST

/* gpt-oss's two groups, window 128, blocks of 16: eight blocks of the window are seen by the 1025th token, and one
 * more while a block begins. */
START_TEST(a_window_holds_what_it_sees)
{
	struct kv kv = {.block = 16, .total = 1000, .groups = {1, 1, 128}};

	ck_assert_int_eq(kv_own_blocks(&kv, 1024, 0, 0), 128);
	ck_assert_int_eq(kv_own_blocks(&kv, 1024, 1024, 0), 64 + 8);
	ck_assert_int_eq(kv_own_blocks(&kv, 1025, 1024, 0), 65 + 9);
	ck_assert_int_eq(kv_own_blocks(&kv, 1040, 1040, 0), 65 + 8);
	ck_assert_int_eq(kv_own_blocks(&kv, 100, 100, 0), 14);
}
END_TEST

Suite *suite_serve_blocks(void)
{
	Suite *s = suite_create("serve_blocks");
	TCase *t = tcase_create("groups");

	tcase_add_test(t, blocks_are_those_of_the_plain_pool);
	tcase_add_test(t, a_window_holds_what_it_sees);
	suite_add_tcase(s, t);
	return s;
}
