/* chain.c - see chain.h. */
#include "sim/serve/chain.h"

#include <string.h>

#include "sim/base/least.h"

void chain_of(struct chain *c, const struct request *r, int64_t tokens)
{
	int64_t covered = 0;

	c->n = 0;
	c->tokens = tokens;
	c->text = r->id;
	for (size_t i = 0; i < r->prefix_n && covered < tokens; i++) {
		struct prefix_piece piece = r->prefix[i];

		piece.tokens = least(piece.tokens, tokens - covered);
		VEC_ADD(c, piece);
		covered += piece.tokens;
	}
	if (c->n == r->prefix_n && c->n && covered == r->prompt)
		c->at[c->n - 1].tokens += tokens - covered;
}

static int64_t shared(const struct prefix_piece *a, size_t a_n, const struct prefix_piece *b, size_t b_n)
{
	int64_t common = 0;

	for (size_t i = 0; i < a_n && i < b_n; i++) {
		if (a[i].group != b[i].group)
			break;
		common += least(a[i].tokens, b[i].tokens);
		if (a[i].tokens != b[i].tokens)
			break;
	}
	return common;
}

int64_t chain_common(const struct chain *c, const struct request *r)
{
	return least(shared(c->at, c->n, r->prefix, r->prefix_n), c->tokens);
}

int64_t chain_shared(const struct request *a, const struct request *b)
{
	return shared(a->prefix, a->prefix_n, b->prefix, b->prefix_n);
}

bool chain_begins(const struct chain *whole, const struct chain *part)
{
	if (part->tokens > whole->tokens)
		return false;
	return whole->text == part->text || shared(whole->at, whole->n, part->at, part->n) >= part->tokens;
}

void chain_release(struct chain *c)
{
	VEC_FREE(c);
}

void shelf_drop(struct shelf *s, size_t i)
{
	s->tokens -= s->at[i].tokens;
	chain_release(&s->at[i]);
	s->n--;
	memmove(&s->at[i], &s->at[i + 1], (s->n - i) * sizeof *s->at);
}

void shelf_put(struct shelf *s, const struct chain *c, size_t chains, int64_t tokens)
{
	struct chain copy = {.tokens = c->tokens, .text = c->text};

	if (!chains || c->tokens > tokens)
		return;
	for (size_t i = 0; i < c->n; i++)
		VEC_ADD(&copy, c->at[i]);
	while (s->n && (s->n >= chains || s->tokens + c->tokens > tokens))
		shelf_drop(s, 0);
	s->tokens += c->tokens;
	VEC_ADD(s, copy);
}

size_t shelf_best(const struct shelf *s, const struct request *r, int64_t *common)
{
	size_t best = s->n;

	for (size_t i = 0; i < s->n; i++) {
		const int64_t here = chain_common(&s->at[i], r);

		if (here > *common) {
			*common = here;
			best = i;
		}
	}
	return best;
}

void shelf_touch(struct shelf *s, size_t i)
{
	const struct chain c = s->at[i];

	memmove(&s->at[i], &s->at[i + 1], (s->n - 1 - i) * sizeof c);
	s->at[s->n - 1] = c;
}

void shelf_release(struct shelf *s)
{
	while (s->n)
		shelf_drop(s, s->n - 1);
	VEC_FREE(s);
}
