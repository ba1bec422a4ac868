/* kv.c - see kv.h. */
#include "sim/serve/kv.h"

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
