/* prefix_order.c - see prefix_order.h. */
#include "sim/serve/prefix_order.h"

#include "sim/serve/replica.h"

enum {
	QUEUE_MOST = 128,
	/* IN_BATCH_PREFIX_CACHING_CHECK_THRESHOLD and ..._DEPRIORITIZE_THRESHOLD, tokens */
	MATCH_FEW = 32,
	SHARED_MANY = 32,
	LAST = -1 /* the match of one that goes to the end */
};

static int64_t match_of(struct replica *p, const struct request *r)
{
	int64_t unused;

	return p->kv.block * kv_match(&p->kv, r, (r->prompt - 1) / p->kv.block, &unused);
}

/* Does one before the i-th that is not to go to the end itself begin with the same text? */
static bool begins_like_another(const struct waiter *at, const int64_t *match, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (match[k] != LAST && match[k] <= MATCH_FEW &&
		    chain_shared(&at[k].r, &at[i].r) >= SHARED_MANY)
			return true;
	return false;
}

/* The i-th of those in order goes before those with shorter matches; of equal ones the first stays first. */
static void insert(struct waiter *at, int64_t *match, size_t i)
{
	const struct waiter w = at[i];
	const int64_t m = match[i];

	for (; i && match[i - 1] < m; i--) {
		at[i] = at[i - 1];
		match[i] = match[i - 1];
	}
	at[i] = w;
	match[i] = m;
}

void prefix_order(struct replica *p)
{
	struct waiter at[QUEUE_MOST];
	int64_t match[QUEUE_MOST];
	const size_t n = waiting_n(&p->waiting);

	p->steps = 1;
	if (n < 2 || n > QUEUE_MOST)
		return;
	waiting_copy(&p->waiting, at);
	for (size_t i = 0; i < n; i++) {
		match[i] = match_of(p, &at[i].r);
		if (match[i] <= MATCH_FEW && begins_like_another(at, match, i))
			match[i] = LAST;
	}
	for (size_t i = 1; i < n; i++)
		insert(at, match, i);
	waiting_reorder(&p->waiting, at);
}
