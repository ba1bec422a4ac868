/* kv.c - see kv.h. */
#include "sim/serve/kv.h"

void kv_cache_new(struct kv *kv, enum serve_cache cache)
{
	if (cache == CACHE_BLOCKS)
		kv->cache = block_cache_new(kv->block, kv->total);
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

void kv_hold(struct kv *kv, const struct request *r, int64_t n)
{
	if (n)
		kv_count(kv,
			 kv->radix ? radix_cache_hold(kv->radix, r, n) : block_cache_hold(kv->cache, r, n),
			 0);
}

/* vLLM names the blocks that the text's shared pieces cover: nobody asks for others. SGLang's tree holds all
 * that was computed, and what nobody asks for again is the first to go only when it is the oldest. */
int64_t kv_name(struct kv *kv, const struct request *r, int64_t shared, int64_t computed)
{
	int64_t to = shared, there, unused;

	if (kv->radix)
		to = computed / kv->block;
	else if (kv->cache && r->prefix_n)
		to = block_cache_covered(kv->cache, r, computed);
	if (to <= shared)
		return shared;
	there = kv->radix ? radix_cache_insert(kv->radix, r, shared, to, &unused)
			  : block_cache_name(kv->cache, r, shared, to, &unused);
	kv_count(kv, unused, 0);
	kv_give(kv, there);
	return to;
}

void kv_drop(struct kv *kv, const struct request *r, int64_t shared)
{
	if (shared)
		kv_count(kv, 0,
			 kv->radix ? radix_cache_drop(kv->radix, r, shared)
				   : block_cache_drop(kv->cache, r, shared));
}

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

void kv_pass_more(struct kv *kv, const struct decodes *d, int64_t k, int64_t fs, int64_t slope_fs)
{
	const span_fs all = span_of(fs, slope_fs, k);
	span_fs before = 0; /* iteration i */

	for (int64_t i = 1; i <= d->block && i < k; i++) {
		const int64_t each = decodes_wanted(d, i), times = (k - 1 - i) / d->block + 1;

		before += fs + (i - 1) * slope_fs;
		if (!each)
			continue;
		kv->block_fs += each * (times == 1 ? all - before : held(k, i, d->block, fs, slope_fs));
		kv_take(kv, each * times);
	}
}
