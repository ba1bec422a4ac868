/*
 * few_blocks.cu - a few rows of x, rounded by blocks.cu, through weights in blocks (formats.h): a block of threads for each row or few of
 * weights, as llama.cpp has it (ggml-cuda/mmvq.cu); the same over the experts of a mixture.
 */
#define THREADS 128
#define WARPS   (THREADS / 32)

struct product_params {
	uint m, n, k;
};

/* part[warp][r][j]: sums of a warp's columns for row r of the weights by row j of x. Rows past the end repeat the last. */
template <typename F, int M, int R>
DEVICE void rows_product(const uchar *w, const uchar *x, const x_scale *scales, float (*part)[R][M],
			 const uint *x_row, uint row0, uint n, uint k)
{
	const uint thread = thread_of_block();
	const uint64 bytes = (uint64)(k / BLOCK) * F::BYTES;
	float sum[R][M];

	UNROLL for (int r = 0; r < R; r++) UNROLL for (int j = 0; j < M; j++) sum[r][j] = 0.0f;
	_Pragma("unroll 2") for (uint i = thread; i < k / F::STEP; i += THREADS)
	{
		typename F::piece weights[R];

		UNROLL for (int r = 0; r < R; r++) weights[r] =
			F::weights(w + bytes * (row0 + r < n ? row0 + r : n - 1), i);
		UNROLL for (int j = 0; j < M; j++)
		{
			const typename F::x_piece v =
				F::load(x + (uint64)x_row[j] * k, scales + (uint64)x_row[j] * (k / BLOCK), i);

			UNROLL for (int r = 0; r < R; r++) sum[r][j] += F::product(weights[r], v);
		}
	}
	rows_part<M, R>(sum, part);
}

/* One row by another. How often the loop is unrolled, and so how many registers it takes and how many blocks run at once, is left to the
 * compiler, as in llama.cpp (mul_mat_vec_q() of ggml-cuda/mmvq.cu, ggml-org/llama.cpp@3f545bec: 60 registers for 8 bits and 48 for 4 by
 * nvcc 13.0 for compute capability 9.0, which is eight and ten blocks; here 56 and 48). */
template <typename F> DEVICE float row_product(const uchar *row, const uchar *x, const x_scale *scales, int blocks)
{
	const int part = (int)thread_of_block() % F::PARTS;
	float sum = 0.0f;

	for (int b = (int)thread_of_block() / F::PARTS; b < blocks; b += THREADS / F::PARTS)
		sum += F::block_product(row + b * F::BYTES, x + b * BLOCK, scales[b], part);
	return sum;
}

/* The first warp adds what the lanes of the others have, and then its own lanes. */
template <typename F>
DEVICE void gemv_row(const uchar *w, const uchar *x, const x_scale *scales, float *y, const product_params &p,
		     float (*part)[32])
{
	const uint lane = thread_of_block() % 32, warp = thread_of_block() / 32, blocks = p.k / BLOCK;
	float sum = row_product<F>(w + (uint64)block_x() * blocks * F::BYTES, x, scales, (int)blocks);

	if (warp > 0)
		part[warp - 1][lane] = sum;
	block_barrier();
	if (warp > 0)
		return;
	UNROLL for (int i = 0; i < WARPS - 1; i++) sum += part[i][lane];
	for (uint mask = 1; mask < 32; mask *= 2)
		sum += shuffle_xor(sum, mask);
	if (lane == 0)
		y[block_x()] = sum;
}

template <typename F, int M, int R>
DEVICE void gemv(const uchar *w, const uchar *x, const x_scale *scales, float *y, const product_params &p,
		 float (*part)[R][M])
{
	const uint row0 = block_x() * R;
	uint x_row[M];

	UNROLL for (int j = 0; j < M; j++) x_row[j] = (uint)j < p.m ? j : p.m - 1;
	rows_product<F, M, R>(w, x, scales, part, x_row, row0, p.n, p.k);
	rows_store<WARPS, M, R>(y, part, 0, p.m, row0, p.n);
}

/* Expert e, the block's y, serves the tokens ids[first[e]] ... ids[first[e + 1] - 1], M at a time. */
template <typename F, int M, int R>
DEVICE void moe(const uchar *w, const uchar *x, const x_scale *scales, float *y, const product_params &p,
		const uint *first, const uint *ids, float (*part)[R][M])
{
	const uint row0 = block_x() * R, e = block_y(), end = first[e + 1];
	const uchar *expert = w + (uint64)e * p.n * (p.k / BLOCK) * F::BYTES;
	uint x_row[M];

	for (uint t = first[e]; t < end; t += M) {
		UNROLL for (uint j = 0; j < M; j++) x_row[j] = ids[t + j < end ? t + j : end - 1];
		rows_product<F, M, R>(expert, x, scales, part, x_row, row0, p.n, p.k);
		rows_store<WARPS, M, R>(y, part, ids + t, end - t, row0, p.n);
		block_barrier(); /* before the parts are written again */
	}
}

/* One row of x: a block for each row of weights, or for four where those have not a piece for each thread */
#define ONE_ROW(name)                                                                                        \
	KERNEL_ALONE(THREADS)                                                                                \
	gemv_##name##_1(const uchar *w, const uchar *x, const x_scale *scales, float *y,                     \
			PARAMS(product_params) p)                                                            \
	{                                                                                                    \
		SHARED float part[WARPS - 1][32];                                                            \
		previous_end();                                                                              \
		gemv_row<name>(w, x, scales, y, p, part);                                                    \
	}                                                                                                    \
	KERNEL_ALONE(THREADS)                                                                                \
	gemv_##name##_short(const uchar *w, const uchar *x, const x_scale *scales, float *y,                 \
			    PARAMS(product_params) p)                                                        \
	{                                                                                                    \
		SHARED float part[WARPS][4][1];                                                              \
		previous_end();                                                                              \
		gemv<name, 1, 4>(w, x, scales, y, p, part);                                                  \
	}
#define GEMV(name, M, R)                                                                                     \
	KERNEL(THREADS)                                                                                      \
	gemv_##name##_##M(const uchar *w, const uchar *x, const x_scale *scales, float *y,                   \
			  PARAMS(product_params) p)                                                          \
	{                                                                                                    \
		SHARED float part[WARPS][R][M];                                                              \
		previous_end();                                                                              \
		gemv<name, M, R>(w, x, scales, y, p, part);                                                  \
	}
/* R and M are known to kernels/gpu/plan.c and cuda_style of kernels/cuda/host.c too. */
#define FORMAT(name)                                                                                         \
	ONE_ROW(name)                                                                                        \
	GEMV(name, 2, 2)                                                                                     \
	GEMV(name, 4, 2)                                                                                     \
	GEMV(name, 8, 4)                                                                                     \
	KERNEL(THREADS)                                                                                      \
	moe_##name(const uchar *w, const uchar *x, const x_scale *scales, float *y,                          \
		   PARAMS(product_params) p, const uint *first, const uint *ids)                             \
	{                                                                                                    \
		SHARED float part[WARPS][4][2];                                                              \
		previous_end();                                                                              \
		moe<name, 2, 4>(w, x, scales, y, p, first, ids, part);                                       \
	}
FORMAT(q8)
FORMAT(q4)
