/*
 * attention.metal - causal attention as it is done now: scores never leave the chip, the maximum and the sum of
 * each row are kept as the keys go by (Dao et al., FlashAttention, 2022; Milakov and Gimelshein, online softmax,
 * 2018). Prefill with simdgroup matrices; decode as a stream of keys and values, split among threadgroups.
 *
 * q [heads][m][D], keys and values [kv_heads][n][D], half; out [heads][m][D], float. Query i is token n - m + i.
 */
#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;

struct attention_params {
	uint m, n, heads, kv_heads;
	uint splits; /* decode: threadgroups that share the keys of one kv head */
	float scale; /* log2(e) / sqrt(D): exp2 is what the hardware has */
};

#define QUERIES 8  /* of a simdgroup: the height of a matrix */
#define KEYS    32 /* of one step */
#define SIMDS   4
#define PAD     8
#define NOTHING (-1e30f) /* a score that is masked: exp2 of it is 0, and it is not an infinity to subtract */
#define UNROLL  _Pragma("clang loop unroll(full)")

/* KEYS rows of keys or values into threadgroup memory, zeros past the end. */
template <int D>
void keys_load(device const half *src, threadgroup half *tile, uint key0, uint n, uint thread_)
{
	for (uint i = thread_; i < KEYS * D / 4; i += SIMDS * 32) {
		const uint r = i / (D / 4), c = i % (D / 4) * 4;
		half4 v = half4(half(0.0f));

		if (key0 + r < n)
			v = *(device const half4 *)(src + ulong(key0 + r) * D + c);
		*(threadgroup half4 *)(tile + r * (D + PAD) + c) = v;
	}
}

/*
 * Scores of 8 queries by KEYS keys, in threadgroup memory, to weights; four lanes to a row. Returns by what the
 * sums so far must be multiplied. row_max and row_sum are the lane's row's, the same in its four lanes.
 */
float soften(threadgroup const float *scores, threadgroup half *weights, thread float &row_max,
	     thread float &row_sum, uint query, uint key0, uint n, uint lane)
{
	const uint row = lane / 4, col = lane % 4 * (KEYS / 4);
	float s[KEYS / 4], high = row_max, sum = 0.0f;

	UNROLL for (uint i = 0; i < KEYS / 4; i++) {
		const uint key = key0 + col + i;

		s[i] = key < n && key <= query ? scores[row * KEYS + col + i] : NOTHING;
		high = max(high, s[i]);
	}
	high = max(high, simd_shuffle_xor(high, 1));
	high = max(high, simd_shuffle_xor(high, 2));
	UNROLL for (uint i = 0; i < KEYS / 4; i++) {
		const float e = fast::exp2(s[i] - high);

		sum += e;
		weights[row * KEYS + col + i] = half(e);
	}
	sum += simd_shuffle_xor(sum, 1);
	sum += simd_shuffle_xor(sum, 2);
	const float shrink = fast::exp2(row_max - high);

	row_sum = row_sum * shrink + sum;
	row_max = high;
	return shrink;
}

template <int D>
kernel void attention_prefill(device const half *q [[buffer(0)]], device const half *keys [[buffer(1)]],
			      device const half *values [[buffer(2)]], device float *out [[buffer(3)]],
			      constant attention_params &p [[buffer(4)]],
			      uint2 group [[threadgroup_position_in_grid]],
			      uint thread_ [[thread_index_in_threadgroup]],
			      uint simd [[simdgroup_index_in_threadgroup]],
			      uint lane [[thread_index_in_simdgroup]])
{
	threadgroup half tile[KEYS * (D + PAD)];
	threadgroup float scores[SIMDS * QUERIES * KEYS];
	threadgroup half weights[SIMDS * QUERIES * KEYS];
	threadgroup float diagonal[SIMDS * 64];
	const uint head = group.y, block0 = group.x * SIMDS * QUERIES, query0 = block0 + simd * QUERIES;
	const uint kv = head / (p.heads / p.kv_heads), past = p.n - p.m;
	threadgroup float *my_scores = scores + simd * QUERIES * KEYS;
	threadgroup half *my_weights = weights + simd * QUERIES * KEYS;
	threadgroup float *my_diagonal = diagonal + simd * 64;
	const uint end = min(p.n, past + min(block0 + SIMDS * QUERIES, p.m)); /* keys this threadgroup sees */
	simdgroup_matrix<half, 8, 8> fq[D / 8];
	simdgroup_matrix<float, 8, 8> sum[D / 8];
	float row_max = NOTHING, row_sum = 0.0f;

	/* queries by way of the tile, 8 rows of it for each simdgroup */
	keys_load<D>(q + ulong(head) * p.m * D, tile, block0, p.m, thread_);
	threadgroup_barrier(mem_flags::mem_threadgroup);
	UNROLL for (int i = 0; i < D / 8; i++) {
		simdgroup_load(fq[i], tile + simd * QUERIES * (D + PAD) + i * 8, D + PAD);
		sum[i] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
	}
	my_diagonal[lane] = 0.0f;
	my_diagonal[lane + 32] = 0.0f;
	for (uint key0 = 0; key0 < end; key0 += KEYS) {
		threadgroup_barrier(mem_flags::mem_threadgroup); /* the tile is free */
		keys_load<D>(keys + ulong(kv) * p.n * D, tile, key0, p.n, thread_);
		threadgroup_barrier(mem_flags::mem_threadgroup);
		UNROLL for (int j = 0; j < KEYS / 8; j++) {
			simdgroup_matrix<float, 8, 8> s = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
			simdgroup_matrix<half, 8, 8> fk;

			UNROLL for (int i = 0; i < D / 8; i++) {
				simdgroup_load(fk, tile + j * 8 * (D + PAD) + i * 8, D + PAD, ulong2(0, 0), true);
				simdgroup_multiply_accumulate(s, fq[i], fk, s);
			}
			simdgroup_store(s, my_scores + j * 8, KEYS);
		}
		simdgroup_barrier(mem_flags::mem_threadgroup);
		for (uint i = lane; i < QUERIES * KEYS; i += 32)
			my_scores[i] *= p.scale;
		simdgroup_barrier(mem_flags::mem_threadgroup);
		const float shrink = soften(my_scores, my_weights, row_max, row_sum, past + query0 + lane / 4,
					    key0, p.n, lane);

		if (simd_any(shrink != 1.0f)) { /* rows shrink by a product with a diagonal matrix */
			simdgroup_matrix<float, 8, 8> fd;

			if (lane % 4 == 0)
				my_diagonal[lane / 4 * 9] = shrink;
			simdgroup_barrier(mem_flags::mem_threadgroup);
			simdgroup_load(fd, my_diagonal, 8);
			UNROLL for (int i = 0; i < D / 8; i++)
				simdgroup_multiply(sum[i], fd, sum[i]);
		}
		threadgroup_barrier(mem_flags::mem_threadgroup); /* the keys were used, the weights are there */
		keys_load<D>(values + ulong(kv) * p.n * D, tile, key0, p.n, thread_);
		threadgroup_barrier(mem_flags::mem_threadgroup);
		UNROLL for (int j = 0; j < KEYS / 8; j++) {
			simdgroup_matrix<half, 8, 8> fw, fv;

			simdgroup_load(fw, my_weights + j * 8, KEYS);
			UNROLL for (int i = 0; i < D / 8; i++) {
				simdgroup_load(fv, tile + j * 8 * (D + PAD) + i * 8, D + PAD);
				simdgroup_multiply_accumulate(sum[i], fw, fv, sum[i]);
			}
		}
	}
	for (int i = 0; i < D / 8; i++) { /* out by way of the scores, divided by the sum of the row */
		simdgroup_barrier(mem_flags::mem_threadgroup);
		simdgroup_store(sum[i], my_scores, 8);
		simdgroup_barrier(mem_flags::mem_threadgroup);
		if (query0 + lane / 4 < p.m)
			for (uint c = lane % 4 * 2; c < lane % 4 * 2 + 2; c++)
				out[(ulong(head) * p.m + query0 + lane / 4) * D + i * 8 + c] =
					my_scores[lane / 4 * 8 + c] / row_sum;
	}
}

/*
 * Decode, first half: a threadgroup takes one split of the keys of one kv head, for all GROUP query heads that
 * share them: keys and values are read once whatever the group. Its simdgroups take keys in turn; a lane holds
 * D/32 of every vector. part: [heads][splits][D + 2]: the sum, then maximum and divisor.
 */
template <int D, int GROUP>
kernel void attention_decode(device const half *q [[buffer(0)]], device const half *keys [[buffer(1)]],
			     device const half *values [[buffer(2)]], device float *part [[buffer(3)]],
			     constant attention_params &p [[buffer(4)]],
			     uint2 group [[threadgroup_position_in_grid]],
			     uint simd [[simdgroup_index_in_threadgroup]],
			     uint lane [[thread_index_in_simdgroup]])
{
	constexpr int W = D / 32, DECODE_SIMDS = 8;
	threadgroup float sums[DECODE_SIMDS * D];
	threadgroup float high[DECODE_SIMDS];
	threadgroup float below[DECODE_SIMDS];
	const uint kv = group.y, split = group.x, share = (p.n + p.splits - 1) / p.splits;
	const uint from = split * share, to = min(p.n, from + share);
	device const half *k = keys + ulong(kv) * p.n * D + lane * W;
	device const half *v = values + ulong(kv) * p.n * D + lane * W;
	float fq[GROUP][W], sum[GROUP][W], row_max[GROUP], row_sum[GROUP];

	UNROLL for (int g = 0; g < GROUP; g++) {
		row_max[g] = NOTHING;
		row_sum[g] = 0.0f;
		UNROLL for (int i = 0; i < W; i++) {
			fq[g][i] = float(q[(kv * GROUP + g) * D + lane * W + i]) * p.scale;
			sum[g][i] = 0.0f;
		}
	}
	for (uint t = from + simd; t < to; t += DECODE_SIMDS) {
		const vec<half, W> hk = *(device const vec<half, W> *)(k + ulong(t) * D);
		const vec<half, W> hv = *(device const vec<half, W> *)(v + ulong(t) * D);

		UNROLL for (int g = 0; g < GROUP; g++) {
			float s = 0.0f;

			UNROLL for (int i = 0; i < W; i++)
				s += fq[g][i] * float(hk[i]);
			s = simd_sum(s);
			const float top = max(row_max[g], s), shrink = fast::exp2(row_max[g] - top);
			const float e = fast::exp2(s - top);

			row_sum[g] = row_sum[g] * shrink + e;
			row_max[g] = top;
			UNROLL for (int i = 0; i < W; i++)
				sum[g][i] = sum[g][i] * shrink + e * float(hv[i]);
		}
	}
	UNROLL for (int g = 0; g < GROUP; g++) { /* one head at a time: threadgroup memory is small */
		threadgroup_barrier(mem_flags::mem_threadgroup);
		UNROLL for (int i = 0; i < W; i++)
			sums[simd * D + lane * W + i] = sum[g][i];
		if (lane == 0) {
			high[simd] = row_max[g];
			below[simd] = row_sum[g];
		}
		threadgroup_barrier(mem_flags::mem_threadgroup);
		if (simd == 0) {
			float top = NOTHING, total = 0.0f, o[W];

			for (int s = 0; s < DECODE_SIMDS; s++)
				top = max(top, high[s]);
			UNROLL for (int i = 0; i < W; i++)
				o[i] = 0.0f;
			for (int s = 0; s < DECODE_SIMDS; s++) {
				const float shrink = fast::exp2(high[s] - top);

				total += below[s] * shrink;
				UNROLL for (int i = 0; i < W; i++)
					o[i] += sums[s * D + lane * W + i] * shrink;
			}
			device float *to_ = part + (ulong(kv * GROUP + g) * p.splits + split) * (D + 2);

			UNROLL for (int i = 0; i < W; i++)
				to_[lane * W + i] = o[i];
			if (lane == 0) {
				to_[D] = top;
				to_[D + 1] = total;
			}
		}
	}
}

/* Decode, second half: a simdgroup for each head joins its splits. */
template <int D>
kernel void attention_join(device const float *part [[buffer(0)]], device float *out [[buffer(1)]],
			   constant attention_params &p [[buffer(2)]],
			   uint head [[threadgroup_position_in_grid]], uint lane [[thread_index_in_simdgroup]])
{
	device const float *from = part + ulong(head) * p.splits * (D + 2);
	float top = NOTHING, total = 0.0f, o[D / 32];

	for (uint s = 0; s < p.splits; s++)
		top = max(top, from[s * (D + 2) + D]);
	UNROLL for (int i = 0; i < D / 32; i++)
		o[i] = 0.0f;
	for (uint s = 0; s < p.splits; s++) {
		const float shrink = fast::exp2(from[s * (D + 2) + D] - top);

		total += from[s * (D + 2) + D + 1] * shrink;
		UNROLL for (int i = 0; i < D / 32; i++)
			o[i] += from[s * (D + 2) + lane * (D / 32) + i] * shrink;
	}
	UNROLL for (int i = 0; i < D / 32; i++)
		out[head * D + lane * (D / 32) + i] = o[i] / total;
}

typedef decltype(attention_prefill<64>) prefill_t;
typedef decltype(attention_decode<64, 1>) decode_t;
typedef decltype(attention_join<64>) join_t;
template [[host_name("attention_prefill_64")]] kernel prefill_t attention_prefill<64>;
template [[host_name("attention_prefill_128")]] kernel prefill_t attention_prefill<128>;
template [[host_name("attention_decode_64_1")]] kernel decode_t attention_decode<64, 1>;
template [[host_name("attention_decode_64_2")]] kernel decode_t attention_decode<64, 2>;
template [[host_name("attention_decode_64_4")]] kernel decode_t attention_decode<64, 4>;
template [[host_name("attention_decode_64_8")]] kernel decode_t attention_decode<64, 8>;
template [[host_name("attention_decode_128_1")]] kernel decode_t attention_decode<128, 1>;
template [[host_name("attention_decode_128_2")]] kernel decode_t attention_decode<128, 2>;
template [[host_name("attention_decode_128_4")]] kernel decode_t attention_decode<128, 4>;
template [[host_name("attention_decode_128_8")]] kernel decode_t attention_decode<128, 8>;
template [[host_name("attention_join_64")]] kernel join_t attention_join<64>;
template [[host_name("attention_join_128")]] kernel join_t attention_join<128>;
