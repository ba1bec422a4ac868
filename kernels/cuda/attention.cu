/*
 * attention.cu - causal attention as it is done now: scores never leave the chip, the maximum and the sum of each row are
 * kept as the keys go by (Dao, FlashAttention-2, 2023; Milakov and Gimelshein, online softmax, 2018). Prefill on the
 * tensor cores; decode as a stream of keys and values, split among blocks.
 *
 * q [heads][m][D], keys and values [kv_heads][n][D], half; out [heads][m][D], float. Query i is token n - m + i.
 */
struct attention_params {
	uint m, n, heads, kv_heads;
	uint splits; /* decode: blocks that share the keys of one kv head */
	float scale; /* log2(e) / sqrt(D): exp2 is what the hardware has */
};

#define WARPS   4
#define QUERIES 64 /* of a block, 16 of each warp */
#define KEYS    64 /* of one step */
#define PAD     8  /* keeps the rows of a tile out of each other's banks */
#define SPLITS_MAX 256 /* of decode; known to kernels/gpu/plan.c too */
#define NOTHING (-1e30f) /* a score that is masked: exp2 of it is 0, and it is not an infinity to subtract */

/* 64 rows of D numbers into shared memory, zeros past the end; the copies are not waited for. */
template <int D> DEVICE void tile_begin(half *tile, const half *src, uint row0, uint rows)
{
	for (uint i = thread_of_block(); i < KEYS * D / 8; i += WARPS * 32) {
		const uint r = i / (D / 8), c = i % (D / 8) * 8;
		const bool there = row0 + r < rows;

		copy_begin(tile + r * (D + PAD) + c, src + (uint64)(there ? row0 + r : 0) * D + c, there);
	}
	copies_close();
}

/* score[j] = 16 queries of the warp by keys 8 j ... 8 j + 7 of the tile */
template <int D> DEVICE void scores_make(float (*score)[4], const uint (*fq)[4], const half *tile, uint lane)
{
	const half *row = tile + (lane / 16 * 8 + lane % 8) * (D + PAD) + lane / 8 % 2 * 8;

	UNROLL for (int j = 0; j < KEYS / 8; j++)
		UNROLL for (int i = 0; i < 4; i++)
			score[j][i] = 0.0f;
	UNROLL for (int k = 0; k < D / 16; k++)
		UNROLL for (int j = 0; j < KEYS / 16; j++) {
			uint fk[4];

			matrices_load(fk, row + j * 16 * (D + PAD) + k * 16);
			multiply_add(score[2 * j], fq[k], fk);
			multiply_add(score[2 * j + 1], fq[k], fk + 2);
		}
}

/* Masks keys that a query must not see. A lane has rows lane / 4 and lane / 4 + 8, columns 8 j + lane % 4 * 2 and the next. */
DEVICE void scores_mask(float (*score)[4], uint token0, uint key0, uint n, uint lane)
{
	UNROLL for (int j = 0; j < KEYS / 8; j++)
		UNROLL for (uint i = 0; i < 4; i++) {
			const uint key = key0 + j * 8 + lane % 4 * 2 + i % 2, token = token0 + lane / 4 + i / 2 * 8;

			if (key >= n || key > token)
				score[j][i] = NOTHING;
		}
}

/* Scores to weights; the sums so far shrink to the new maximum. */
template <int D>
DEVICE void soften(float (*score)[4], float *row_max, float *row_sum, float (*sum)[4], float scale)
{
	UNROLL for (int r = 0; r < 2; r++) {
		float high = NOTHING, shrink, add = 0.0f;

		UNROLL for (int j = 0; j < KEYS / 8; j++)
			high = larger(high, larger(score[j][2 * r], score[j][2 * r + 1]));
		high = larger(high, shuffle_xor(high, 1));
		high = larger(high, shuffle_xor(high, 2));
		high = larger(row_max[r], high * scale);
		shrink = exp2_fast(row_max[r] - high);
		UNROLL for (int j = 0; j < KEYS / 8; j++)
			UNROLL for (int i = 2 * r; i < 2 * r + 2; i++) {
				score[j][i] = exp2_fast(score[j][i] * scale - high);
				add += score[j][i];
			}
		row_sum[r] = row_sum[r] * shrink + add;
		row_max[r] = high;
		UNROLL for (int i = 0; i < D / 8; i++) {
			sum[i][2 * r] *= shrink;
			sum[i][2 * r + 1] *= shrink;
		}
	}
}

/* sum += weights by the values of the tile */
template <int D> DEVICE void values_add(float (*sum)[4], const float (*weight)[4], const half *tile, uint lane)
{
	const half *row = tile + lane % 16 * (D + PAD) + lane / 16 * 8;

	UNROLL for (int k = 0; k < KEYS / 16; k++) {
		const uint fw[4] = {pack(weight[2 * k][0], weight[2 * k][1]), pack(weight[2 * k][2], weight[2 * k][3]),
				    pack(weight[2 * k + 1][0], weight[2 * k + 1][1]),
				    pack(weight[2 * k + 1][2], weight[2 * k + 1][3])};

		UNROLL for (int i = 0; i < D / 16; i++) {
			uint fv[4];

			matrices_load_transposed(fv, row + k * 16 * (D + PAD) + i * 16);
			multiply_add(sum[2 * i], fw, fv);
			multiply_add(sum[2 * i + 1], fw, fv + 2);
		}
	}
}

template <int D> DEVICE void rows_out(float *out, const float (*sum)[4], float *row_sum, uint query0, uint m, uint lane)
{
	UNROLL for (int r = 0; r < 2; r++) {
		const uint query = query0 + lane / 4 + 8 * r;

		row_sum[r] += shuffle_xor(row_sum[r], 1);
		row_sum[r] += shuffle_xor(row_sum[r], 2);
		if (query < m)
			UNROLL for (int i = 0; i < D / 8; i++) {
				float *to = out + (uint64)query * D + i * 8 + lane % 4 * 2;

				to[0] = sum[i][2 * r] / row_sum[r];
				to[1] = sum[i][2 * r + 1] / row_sum[r];
			}
	}
}

template <int D>
DEVICE void prefill(const half *q, const half *keys, const half *values, float *out, const attention_params &p, half *tk,
		    half *tv)
{
	const uint lane = thread_of_block() % 32, warp = thread_of_block() / 32, head = block_y();
	/* the last queries see most keys: they begin first */
	const uint block0 = (blocks_x() - 1 - block_x()) * QUERIES, past = p.n - p.m, query0 = block0 + warp * 16;
	const uint end = past + block0 + QUERIES < p.n ? past + block0 + QUERIES : p.n;
	const half *k = keys + (uint64)(head / (p.heads / p.kv_heads)) * p.n * D;
	const half *v = values + (uint64)(head / (p.heads / p.kv_heads)) * p.n * D;
	float score[KEYS / 8][4], sum[D / 8][4], row_max[2] = {NOTHING, NOTHING}, row_sum[2] = {0.0f, 0.0f};
	uint fq[D / 16][4];

	tile_begin<D>(tk, q + (uint64)head * p.m * D, block0, p.m);
	copies_wait();
	block_barrier();
	UNROLL for (int i = 0; i < D / 16; i++)
		matrices_load(fq[i], tk + (warp * 16 + lane % 16) * (D + PAD) + lane / 16 * 8 + i * 16);
	UNROLL for (int i = 0; i < D / 8; i++)
		UNROLL for (int j = 0; j < 4; j++)
			sum[i][j] = 0.0f;
	block_barrier(); /* the queries are in registers, the tile is free */
	for (uint key0 = 0; key0 < end; key0 += KEYS) {
		tile_begin<D>(tk, k, key0, p.n);
		tile_begin<D>(tv, v, key0, p.n);
		copies_wait_but_one();
		block_barrier(); /* the keys are there */
		scores_make<D>(score, fq, tk, lane);
		if (key0 + KEYS > p.n || key0 + KEYS > past + query0)
			scores_mask(score, past + query0, key0, p.n, lane);
		soften<D>(score, row_max, row_sum, sum, p.scale);
		copies_wait();
		block_barrier(); /* the values are there */
		values_add<D>(sum, score, tv, lane);
		block_barrier(); /* nobody reads the tiles any more */
	}
	rows_out<D>(out + (uint64)head * p.m * D, sum, row_sum, query0, p.m, lane);
}

#define PREFILL(D)                                                                                           \
	KERNEL(WARPS * 32)                                                                                   \
	attention_prefill_##D(const half *q, const half *keys, const half *values, float *out,               \
			      PARAMS(attention_params) p)                                                    \
	{                                                                                                    \
		SHARED half tk[KEYS * (D + PAD)];                                                \
		SHARED half tv[KEYS * (D + PAD)];                                                \
		previous_end();                                                                              \
		prefill<D>(q, keys, values, out, p, tk, tv);                                                 \
	}
PREFILL(64)
PREFILL(128)

/* ---- decode ---- */
#define DECODE_WARPS 8

struct alignas(16) eight {
	half at[8];
};

/* The running maximum, sum of weights and weighted values of one query head in one lane. */
template <int W> struct state {
	float high, below, sum[W];
};

template <int W> DEVICE void state_join(state<W> &a, const state<W> &b)
{
	const float high = larger(a.high, b.high), sa = exp2_fast(a.high - high), sb = exp2_fast(b.high - high);

	a.below = a.below * sa + b.below * sb;
	a.high = high;
	UNROLL for (int i = 0; i < W; i++)
		a.sum[i] = a.sum[i] * sa + b.sum[i] * sb;
}

template <int W> DEVICE state<W> state_of_lane(const state<W> &s, uint mask)
{
	state<W> other;

	other.high = shuffle_xor(s.high, mask);
	other.below = shuffle_xor(s.below, mask);
	UNROLL for (int i = 0; i < W; i++)
		other.sum[i] = shuffle_xor(s.sum[i], mask);
	return other;
}

/* W numbers from memory, or zeros */
template <int W> DEVICE void row_load(float *to, const half *from, bool there)
{
	UNROLL for (int i = 0; i < W / 8; i++) {
		eight e = {};

		if (there)
			e = ((const eight *)from)[i];
		UNROLL for (int j = 0; j < 8; j++)
			to[8 * i + j] = widen(e.at[j]);
	}
}

/* One key for each of the warp's groups of L lanes: its scores by all query heads, its value to their sums. */
template <int GROUP, int W, int L>
DEVICE void key_add(state<W> *s, const half *k, const half *v, const float *queries, bool there)
{
	float key[W], value[W];

	row_load<W>(key, k, there);
	row_load<W>(value, v, there);
	UNROLL for (int g = 0; g < GROUP; g++) {
		const float *q = queries + g * W * L;
		float score = 0.0f;

		UNROLL for (int i = 0; i < W; i++)
			score += q[i] * key[i];
		for (uint mask = 1; mask < L; mask *= 2)
			score += shuffle_xor(score, mask);
		score = there ? score : NOTHING;
		const float high = larger(s[g].high, score), shrink = exp2_fast(s[g].high - high);
		const float e = there ? exp2_fast(score - high) : 0.0f;

		s[g].high = high;
		s[g].below = s[g].below * shrink + e;
		UNROLL for (int i = 0; i < W; i++)
			s[g].sum[i] = s[g].sum[i] * shrink + e * value[i];
	}
}

/* Joins the states of all warps for one query head, and writes the split's part: D sums, maximum, divisor. */
template <int W, int L>
DEVICE void part_out(float *part, state<W> s, float (*shared)[W * L + 2], uint lane, uint warp)
{
	for (uint mask = L; mask < 32; mask *= 2)
		state_join(s, state_of_lane(s, mask));
	block_barrier(); /* the memory is free */
	if (lane < L) {
		UNROLL for (int i = 0; i < W; i++)
			shared[warp][lane * W + i] = s.sum[i];
		shared[warp][W * L] = s.high;
		shared[warp][W * L + 1] = s.below;
	}
	block_barrier();
	if (warp || lane >= L)
		return;
	for (uint w = 1; w < DECODE_WARPS; w++) {
		state<W> other;

		UNROLL for (int i = 0; i < W; i++)
			other.sum[i] = shared[w][lane * W + i];
		other.high = shared[w][W * L];
		other.below = shared[w][W * L + 1];
		state_join(s, other);
	}
	UNROLL for (int i = 0; i < W; i++)
		part[lane * W + i] = s.sum[i];
	if (lane == 0) {
		part[W * L] = s.high;
		part[W * L + 1] = s.below;
	}
}

/*
 * Decode, first half: a block takes one split of the keys of one kv head, for all GROUP query heads that share them: keys
 * and values are read once whatever the group. L lanes share a key, W numbers each. part: [heads][splits][D + 2].
 */
template <int D, int GROUP, int L>
DEVICE void decode(const half *q, const half *keys, const half *values, float *part, const attention_params &p,
		   float *queries, float (*shared)[D + 2])
{
	enum { W = D / L };
	const uint lane = thread_of_block() % 32, warp = thread_of_block() / 32, kv = block_y(), split = block_x();
	const uint share = (p.n + p.splits - 1) / p.splits, from = split * share;
	const uint to = from + share < p.n ? from + share : p.n, at = lane % L * W;
	const half *k = keys + (uint64)kv * p.n * D + at, *v = values + (uint64)kv * p.n * D + at;
	state<W> s[GROUP];

	for (uint i = thread_of_block(); i < GROUP * D; i += DECODE_WARPS * 32)
		queries[i] = widen(q[(uint64)kv * GROUP * D + i]) * p.scale;
	UNROLL for (int g = 0; g < GROUP; g++) {
		s[g].high = NOTHING;
		s[g].below = 0.0f;
		UNROLL for (int i = 0; i < W; i++)
			s[g].sum[i] = 0.0f;
	}
	block_barrier();
	_Pragma("unroll 2") for (uint t0 = from; t0 < to; t0 += DECODE_WARPS * (32 / L)) { /* the same for all: lanes meet inside */
		const uint t = t0 + warp * (32 / L) + lane / L;
		const bool there = t < to;
		const uint64 row = (uint64)(there ? t : 0) * D;

		key_add<GROUP, W, L>(s, k + row, v + row, queries + at, there);
	}
	UNROLL for (int g = 0; g < GROUP; g++)
		part_out<W, L>(part + ((uint64)(kv * GROUP + g) * p.splits + split) * (D + 2), s[g], shared, lane, warp);
}

#define DECODE(D, GROUP, L)                                                                                  \
	KERNEL(DECODE_WARPS * 32)                                                                            \
	attention_decode_##D##_##GROUP(const half *q, const half *keys, const half *values, float *part,     \
				       PARAMS(attention_params) p)                                           \
	{                                                                                                    \
		SHARED float queries[GROUP * D];                                                 \
		SHARED float shared[DECODE_WARPS][D + 2];                                                    \
		previous_end();                                                                              \
		decode<D, GROUP, L>(q, keys, values, part, p, queries, shared);                              \
	}
DECODE(64, 1, 8)
DECODE(64, 2, 8)
DECODE(64, 4, 8)
DECODE(64, 8, 8)
DECODE(128, 1, 16)
DECODE(128, 2, 16)
DECODE(128, 4, 16)
DECODE(128, 8, 16)

/* ---- decode of heads that share keys, on the tensor cores ---- */

/* Words 2 `step` and 2 `step` + 1 of each piece of 32 numbers are a lane's part of a product's operand: which numbers of a row stand where
 * is free as long as both operands agree, and so a lane reads 16 bytes in a row. */
template <int D> DEVICE void rows_begin(words *piece, const half *row, uint lane, bool there)
{
	UNROLL for (int i = 0; i < D / 32; i++) {
		const words zeros = {};

		piece[i] = there ? ((const words *)row)[4 * i + lane % 4] : zeros;
	}
}

/* Scores of the heads by eight keys, a key for each four lanes. */
template <int D> DEVICE void eight_scores(float *score, const words *q, const words *k)
{
	UNROLL for (int i = 0; i < 4; i++)
		score[i] = 0.0f;
	UNROLL for (int i = 0; i < D / 16; i++) {
		const uint heads[4] = {q[i / 2].at[i % 2 * 2], 0, q[i / 2].at[i % 2 * 2 + 1], 0};

		multiply_add(score, heads, k[i / 2].at + i % 2 * 2);
	}
}

/* Number e of eight of two rows, the first in the low half. */
DEVICE uint column_of(const words &a, const words &b, int e)
{
	const uint x = a.at[e / 2], y = b.at[e / 2];

	return e % 2 ? x >> 16 | (y & 0xffff0000u) : (x & 0xffffu) | y << 16;
}

/* What a warp has of each head, lane / 4, of rows that lanes / 4 hold: sum[8 v + e][i] is of number 64 v + 16 (lane % 4) + 8 i + e. */
template <int D> struct heads_state {
	float high, below, sum[D / 8][4];
};

/* Scores of 16 keys to weights, in halves; the sums so far shrink to the new maximum. */
template <int D> DEVICE void heads_soften(heads_state<D> *s, float (*score)[4], uint *weight, float scale, uint keys, uint lane)
{
	float high = s->high;

	UNROLL for (uint i = 0; i < 4; i++) {
		const uint key = i / 2 * 8 + lane % 4 * 2 + i % 2;

		score[i / 2][i % 2] = key < keys ? score[i / 2][i % 2] * scale : NOTHING;
		high = larger(high, score[i / 2][i % 2]);
	}
	high = larger(high, shuffle_xor(high, 1));
	high = larger(high, shuffle_xor(high, 2));
	const float shrink = exp2_fast(s->high - high);

	s->high = high;
	s->below *= shrink;
	UNROLL for (int i = 0; i < 2; i++) {
		const float a = exp2_fast(score[i][0] - high), b = exp2_fast(score[i][1] - high);

		s->below += a + b;
		weight[2 * i] = pack(a, b);
		weight[2 * i + 1] = 0;
	}
	UNROLL for (int i = 0; i < D / 8; i++) {
		s->sum[i][0] *= shrink;
		s->sum[i][1] *= shrink;
	}
}

/* 16 keys of a warp, of which `keys` are there. */
template <int D> DEVICE void heads_add(heads_state<D> *s, const words *q, const half *k, const half *v, float scale, uint keys, uint lane)
{
	words key[2][D / 32], value[D / 64][4];
	float score[2][4];
	uint weight[4];
	const words zeros = {};

	UNROLL for (uint i = 0; i < 2; i++) {
		const uint row = 8 * i + lane / 4;

		rows_begin<D>(key[i], k + (row < keys ? row : 0) * D, lane, row < keys);
	}
	UNROLL for (int c = 0; c < D / 64; c++)
		UNROLL for (uint i = 0; i < 4; i++) {
			const uint row = i / 2 * 8 + lane % 4 * 2 + i % 2;

			value[c][i] = row < keys ? ((const words *)(v + row * D + 64 * c))[lane / 4] : zeros;
		}
	UNROLL for (int i = 0; i < 2; i++)
		eight_scores<D>(score[i], q, key[i]);
	heads_soften<D>(s, score, weight, scale, keys, lane);
	UNROLL for (int c = 0; c < D / 64; c++)
		UNROLL for (int e = 0; e < 8; e++) {
			const uint columns[2] = {column_of(value[c][0], value[c][1], e), column_of(value[c][2], value[c][3], e)};

			multiply_add(s->sum[8 * c + e], weight, columns);
		}
}

/* The warp's state to shared memory: of each head D sums, maximum, divisor. */
template <int D, int GROUP> DEVICE void heads_share(float (*shared)[D + 2], heads_state<D> *s, uint lane)
{
	const uint head = lane / 4;

	s->below += shuffle_xor(s->below, 1);
	s->below += shuffle_xor(s->below, 2);
	if (head >= GROUP)
		return;
	UNROLL for (uint i = 0; i < D / 8; i++)
		UNROLL for (uint j = 0; j < 2; j++)
			shared[head][i / 8 * 64 + lane % 4 * 16 + 8 * j + i % 8] = s->sum[i][j];
	shared[head][D] = s->high;
	shared[head][D + 1] = s->below;
}

/* The first half of decode as above, for GROUP heads at once: a warp takes 16 keys a step, as rows of which eight are heads. */
template <int D, int GROUP>
DEVICE void decode_heads(const half *q, const half *keys, const half *values, float *part, const attention_params &p,
			 float (*shared)[GROUP][D + 2])
{
	const uint lane = thread_of_block() % 32, warp = thread_of_block() / 32, kv = block_y(), split = block_x();
	const uint share = (p.n + p.splits - 1) / p.splits, from = split * share, to = from + share < p.n ? from + share : p.n;
	const half *k = keys + (uint64)kv * p.n * D, *v = values + (uint64)kv * p.n * D;
	heads_state<D> s;
	words heads[D / 32];

	rows_begin<D>(heads, q + (uint64)(kv * GROUP + lane / 4 % GROUP) * D, lane, lane / 4 < GROUP);
	s.high = NOTHING;
	s.below = 0.0f;
	UNROLL for (int i = 0; i < D / 8; i++)
		UNROLL for (int j = 0; j < 4; j++)
			s.sum[i][j] = 0.0f;
	for (uint t = from + 16 * warp; t < to; t += 16 * DECODE_WARPS)
		heads_add<D>(&s, heads, k + (uint64)t * D, v + (uint64)t * D, p.scale, to - t, lane);
	heads_share<D, GROUP>(shared[warp], &s, lane);
	block_barrier();
	for (uint i = thread_of_block(); i < GROUP * (D + 2); i += DECODE_WARPS * 32) {
		const uint head = i / (D + 2), at = i % (D + 2);
		float high = NOTHING, sum = 0.0f;

		UNROLL for (int w = 0; w < DECODE_WARPS; w++)
			high = larger(high, shared[w][head][D]);
		UNROLL for (int w = 0; w < DECODE_WARPS; w++)
			sum += shared[w][head][at] * exp2_fast(shared[w][head][D] - high);
		part[((uint64)(kv * GROUP + head) * p.splits + split) * (D + 2) + at] = at == D ? high : sum;
	}
}

#define DECODE_HEADS(D, GROUP)                                                                               \
	KERNEL(DECODE_WARPS * 32)                                                                            \
	attention_heads_##D##_##GROUP(const half *q, const half *keys, const half *values, float *part,      \
				      PARAMS(attention_params) p)                                            \
	{                                                                                                    \
		SHARED float shared[DECODE_WARPS][GROUP][D + 2];                                             \
		previous_end();                                                                              \
		decode_heads<D, GROUP>(q, keys, values, part, p, shared);                                    \
	}
DECODE_HEADS(64, 2)
DECODE_HEADS(64, 4)
DECODE_HEADS(64, 8)
DECODE_HEADS(128, 2)
DECODE_HEADS(128, 4)
DECODE_HEADS(128, 8)

/* Decode, second half: a block for each head joins its splits, a thread each number; maxima and divisors of all splits come first
 * (flash_attn_combine_results() of ggml-cuda/fattn-common.cuh). */
template <int D> DEVICE void join(const float *part, float *out, const attention_params &p, float (*ends)[2])
{
	const uint head = block_x(), at = thread_of_block();
	const float *from = part + (uint64)head * p.splits * (D + 2);
	float top = NOTHING, total = 0.0f, sum = 0.0f;

	for (uint i = at; i < 2 * p.splits; i += D)
		ends[i / 2][i % 2] = from[i / 2 * (D + 2) + D + i % 2];
	block_barrier();
	for (uint s = 0; s < p.splits; s++)
		top = larger(top, ends[s][0]);
	_Pragma("unroll 4") for (uint s = 0; s < p.splits; s++)
	{
		const float shrink = exp2_fast(ends[s][0] - top);

		total += ends[s][1] * shrink;
		sum += from[s * (D + 2) + at] * shrink;
	}
	out[head * D + at] = sum / total;
}

#define JOIN(D)                                                                                              \
	KERNEL_ALONE(D) attention_join_##D(const float *part, float *out, PARAMS(attention_params) p)        \
	{                                                                                                    \
		SHARED float ends[SPLITS_MAX][2];                                                            \
		next_begin();                                                                                \
		previous_end();                                                                              \
		join<D>(part, out, p, ends);                                                                 \
	}
JOIN(64)
JOIN(128)
