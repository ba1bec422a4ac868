/* kv.c - see kv.h. */
#include "sim/serve/kv.h"

#include "sim/base/least.h"

void kv_cache_new(struct kv *kv, enum serve_cache cache)
{
	if (cache == CACHE_BLOCKS)
		kv->cache = block_cache_new(kv->block, kv->total, &kv->groups);
	if (cache == CACHE_RADIX)
		kv->radix = radix_cache_new(kv->block, kv->total);
}

void kv_cache_clear(struct kv *kv)
{
	if (kv->cache)
		block_cache_clear(kv->cache);
	if (kv->radix)
		radix_cache_clear(kv->radix);
}

void kv_cache_free(struct kv *kv)
{
	block_cache_free(kv->cache);
	radix_cache_free(kv->radix);
	kv->cache = NULL;
	kv->radix = NULL;
}

int64_t kv_find(const struct kv *kv, const struct request *r, int64_t most, int64_t *unused)
{
	*unused = 0;
	if (kv->cache)
		return block_cache_find(kv->cache, r, most, unused);
	return kv->radix ? radix_cache_find(kv->radix, r, most, unused) : 0;
}

int64_t kv_match(struct kv *kv, const struct request *r, int64_t most, int64_t *unused)
{
	return kv->radix ? radix_cache_match(kv->radix, r, most, unused) : kv_find(kv, r, most, unused);
}

/* ---- the blocks of one sequence ---- */

void kv_hold(struct kv *kv, struct seq *s, int64_t n)
{
	s->shared = n;
	s->window_from = kv->groups.windowed ? kv_passed(&kv->groups, kv->block, n * kv->block) : 0;
	if (n)
		kv_count(kv,
			 kv->radix ? radix_cache_hold(kv->radix, &s->r, n)
				   : block_cache_hold(kv->cache, &s->r,
						      (struct block_range){0, s->window_from, n}),
			 0);
}

/* Of vLLM's blocks those are named that the text's shared pieces cover, and all of a request that was preempted: nobody
 * asks for others. SGLang's tree holds all that was computed, and what nobody asks for again is the first to go only
 * when it is the oldest. */
static int64_t findable(const struct kv *kv, const struct seq *s)
{
	if (kv->radix)
		return s->computed / kv->block;
	return kv->cache && (s->r.prefix_n || s->r.resumed)
		       ? block_cache_covered(kv->cache, &s->r, s->computed)
		       : 0;
}

void kv_name(struct kv *kv, struct seq *s)
{
	const int64_t from = s->shared, to = findable(kv, s), in_window = most(s->window_from, from);
	int64_t there, unused;

	if (to <= from)
		return;
	there = kv->radix ? radix_cache_insert(kv->radix, &s->r, from, to, &unused)
			  : block_cache_name(kv->cache, &s->r, (struct block_range){from, in_window, to},
					     &unused);
	kv_count(kv, unused, 0);
	kv_give(kv, there);
	s->blocks -= kv->groups.full * (to - from) + kv->groups.windowed * most(to - in_window, 0);
	s->shared = to;
}

static void drop_shared(struct kv *kv, const struct seq *s, struct block_range range)
{
	if (range.to)
		kv_count(kv, 0,
			 kv->radix ? radix_cache_drop(kv->radix, &s->r, range.to)
				   : block_cache_drop(kv->cache, &s->r, range));
}

void kv_leave_shared(struct kv *kv, struct seq *s)
{
	const int64_t to = least(kv_passed(&kv->groups, kv->block, s->computed), s->shared);

	if (to <= s->window_from)
		return;
	drop_shared(kv, s, (struct block_range){to, s->window_from, to});
	s->window_from = to;
}

void kv_leave(struct kv *kv, struct seq *s)
{
	const int64_t to = kv->groups.windowed ? kv_passed(&kv->groups, kv->block, s->computed) : 0;
	const int64_t own = most(to, s->shared) - most(s->window_from, s->shared);

	if (to <= s->window_from)
		return;
	kv_give(kv, kv->groups.windowed * own);
	s->blocks -= kv->groups.windowed * own;
	kv_leave_shared(kv, s);
	s->window_from = to;
}

void kv_drop(struct kv *kv, struct seq *s)
{
	kv_give(kv, s->blocks);
	drop_shared(kv, s, (struct block_range){0, least(s->window_from, s->shared), s->shared});
	s->blocks = s->shared = s->window_from = 0;
}

/* ---- over the iterations of a jump ---- */

/*
 * The time from the end of iteration i - 1 to the end of all k, summed over i = first, first + block, ... <
 * k: how long the blocks are held that are taken in those iterations. With D(i) = fs i + slope i (i - 1) / 2
 * that is m D(k) minus a sum of D, which sums of i and of i squared give.
 */
static span_fs held(int64_t k, int64_t first, int64_t block, int64_t fs, int64_t slope_fs)
{
	const span_fs m = (k - 1 - first) / block + 1, f = first, b = block;
	const span_fs sum_q = m * (m - 1) / 2, sum_q2 = (m - 1) * m * (2 * m - 1) / 6;
	const span_fs sum = m * f + b * sum_q, sum2 = m * f * f + 2 * f * b * sum_q + b * b * sum_q2;

	return m * span_of(fs, slope_fs, k) - fs * sum - slope_fs * ((sum2 - sum) / 2);
}

/* The most blocks in use at once are those of one of the last iterations: over a turn of `block` iterations nothing
 * is given back that was not taken in it. */
static void count_most(struct kv *kv, const struct decodes *d, int64_t k)
{
	int64_t used = kv->used;

	for (int64_t i = k - 1; i > 0 && i >= k - d->block; i--) {
		kv->most = most(kv->most, used);
		used -= decodes_wanted(d, i) - decodes_left(d, i);
	}
}

/* All is given before any is taken, as blocks that are taken here in one turn are given back in another one. */
void kv_pass_more(struct kv *kv, const struct decodes *d, int64_t k, int64_t fs, int64_t slope_fs)
{
	const span_fs all = span_of(fs, slope_fs, k);
	span_fs before = 0; /* iteration i */
	int64_t all_taken = 0, all_given = 0;

	for (int64_t i = 1; i <= d->block && i < k; i++) {
		const int64_t taken = decodes_wanted(d, i), given = decodes_left(d, i),
			      times = (k - 1 - i) / d->block + 1;

		before += fs + (i - 1) * slope_fs;
		if (taken != given)
			kv->block_fs += (taken - given) *
					(times == 1 ? all - before : held(k, i, d->block, fs, slope_fs));
		all_taken += taken * times;
		all_given += given * times;
	}
	kv_give(kv, all_given);
	kv_take(kv, all_taken);
	count_most(kv, d, k);
}
