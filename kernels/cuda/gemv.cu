/*
 * gemv.cu - weights read once: y[m][n] = W[n][k] x[m][k] for a few rows m, as decode does, and the same over the experts
 * of a mixture, each with the tokens gathered to it.
 *
 * A block computes R outputs for up to M rows of x; its threads share the columns, as in the matrix-vector kernels of
 * llama.cpp (ggml-cuda/mmvf.cu). x is loaded and widened once for R rows of weights. f32, f16 and bf16, of which x is too;
 * weights in blocks: blocks.cu. k is a multiple of 32.
 */
#define THREADS 128
#define WARPS   (THREADS / 32)
#define ONE_ROW_THREADS 256 /* at most */

struct gemv_params {
	uint m, n, k;
};

/* Weights of one format: STEP of them at a time, and their product with as many numbers of x. */
template <typename T> struct plain {
	typedef T input;
	enum { STEP = 16 / sizeof(T) };
	static __device__ uint64 row_bytes(uint k)
	{
		return (uint64)k * sizeof(T);
	}
	struct alignas(16) piece {
		T at[STEP];
	};
	static __device__ void load(float *v, const T *x, uint i)
	{
		const piece p = ((const piece *)x)[i];

		UNROLL for (int j = 0; j < STEP; j++) v[j] = widen(p.at[j]);
	}
	static __device__ float product(const uchar *row, const float *v, uint i)
	{
		const piece w = ((const piece *)row)[i];
		float s = 0.0f;

		UNROLL for (int j = 0; j < STEP; j++) s += widen(w.at[j]) * v[j];
		return s;
	}
};

/* part[warp][r][j]: sums of a warp's columns for row r of the weights by row j of x. Rows past the end repeat the last. */
template <typename F, int M, int R>
DEVICE void rows_product(const uchar *w, const typename F::input *x, float (*part)[R][M], const uint *x_row,
			 uint row0, uint n, uint k)
{
	const uint thread = thread_of_block();
	const uint64 bytes = F::row_bytes(k);
	const uchar *row[R];
	float sum[R][M];

	UNROLL for (int r = 0; r < R; r++)
	{
		row[r] = w + bytes * (row0 + r < n ? row0 + r : n - 1);
		UNROLL for (int j = 0; j < M; j++) sum[r][j] = 0.0f;
	}
	_Pragma("unroll 2") for (uint i = thread; i < k / F::STEP; i += THREADS)
	{
		UNROLL for (int j = 0; j < M; j++)
		{
			float v[F::STEP];

			F::load(v, x + (uint64)x_row[j] * k, i);
			UNROLL for (int r = 0; r < R; r++) sum[r][j] += F::product(row[r], v, i);
		}
	}
	rows_part<M, R>(sum, part);
}

/* Two neighbours, one access. */
template <typename T> struct alignas(2 * sizeof(T)) pair {
	T at[2];
};

template <typename T> DEVICE float pair_product(const pair<T> &a, const pair<T> &b)
{
	return widen(a.at[0]) * widen(b.at[0]) + widen(a.at[1]) * widen(b.at[1]);
}

/* A thread's share of a row of n pairs: four are under way at a time, as the compiler has it where the step is a constant. */
template <typename T> DEVICE float row_product(const pair<T> *row, const pair<T> *x, int n)
{
	const int step = (int)block_size();
	int i = (int)thread_of_block();
	float sum = 0.0f;

	for (; i + 3 * step < n; i += 4 * step) {
		pair<T> a[4], b[4];

		UNROLL for (int j = 0; j < 4; j++)
		{
			a[j] = row[i + j * step];
			b[j] = x[i + j * step];
		}
		UNROLL for (int j = 0; j < 4; j++) sum += pair_product(a[j], b[j]);
	}
	_Pragma("unroll 1") for (; i < n; i += step) sum += pair_product(row[i], x[i]);
	return sum;
}

/* One row: threads take two numbers at a time, and the whole block is there for a row of weights (mul_mat_vec_f() of
 * ggml-cuda/mmvf.cu); the host has it as wide as saves steps (launch_mul_mat_vec_f_cuda()). */
template <typename T> DEVICE void gemv_row(const uchar *w, const T *x, float *y, const gemv_params &p, float *part)
{
	const uint thread = thread_of_block();
	const pair<T> *row = (const pair<T> *)((const T *)w + (uint64)block_x() * p.k);
	float sum = row_product<T>(row, (const pair<T> *)x, (int)p.k / 2);

	for (uint mask = 1; mask < 32; mask *= 2)
		sum += shuffle_xor(sum, mask);
	if (thread % 32 == 0)
		part[thread / 32] = sum;
	block_barrier();
	if (thread == 0) {
		for (uint warp = 1; warp < block_size() / 32; warp++)
			sum += part[warp];
		y[block_x()] = sum;
	}
}

template <typename F, int M, int R>
DEVICE void gemv(const uchar *w, const typename F::input *x, float *y, const gemv_params &p,
		 float (*part)[R][M])
{
	const uint row0 = block_x() * R;
	uint x_row[M];

	UNROLL for (int j = 0; j < M; j++) x_row[j] = (uint)j < p.m ? j : p.m - 1;
	rows_product<F, M, R>(w, x, part, x_row, row0, p.n, p.k);
	rows_store<WARPS, M, R>(y, part, 0, p.m, row0, p.n);
}

/* Expert e, the block's y, serves the tokens ids[first[e]] ... ids[first[e + 1] - 1], four at a time. */
template <typename F>
DEVICE void moe(const uchar *w, const typename F::input *x, float *y, const gemv_params &p, const uint *first,
		const uint *ids, float (*part)[4][4])
{
	const uint row0 = block_x() * 4, e = block_y(), end = first[e + 1];
	const uchar *expert = w + (uint64)e * p.n * F::row_bytes(p.k);
	uint x_row[4];

	for (uint t = first[e]; t < end; t += 4) {
		UNROLL for (uint j = 0; j < 4; j++) x_row[j] = ids[t + j < end ? t + j : end - 1];
		rows_product<F, 4, 4>(expert, x, part, x_row, row0, p.n, p.k);
		rows_store<WARPS, 4, 4>(y, part, ids + t, end - t, row0, p.n);
		block_barrier(); /* before the parts are written again */
	}
}

/* ---- experts in f16 by tensor cores ---- */
#define EXPERT_THREADS 256
#define EXPERT_WARPS   (EXPERT_THREADS / 32)
#define EXPERT_ROWS    32 /* of weights, and tokens, a block has at a time, as in llama.cpp (ggml-cuda/mmf.cuh) */
#define EXPERT_TOKENS  16

/* Products of 32 rows of weights with 16 of x over 32 numbers of k, of which a lane has eight of a row: the order is the same on
 * both sides. */
DEVICE void slab_multiply(float (*sum)[2][4], const words (*w)[2], const words *x)
{
	UNROLL for (int c = 0; c < 4; c += 2) UNROLL for (int i = 0; i < 2; i++) UNROLL for (int j = 0; j < 2; j++)
	{
		const uint a[4] = {w[i][0].at[c], w[i][1].at[c], w[i][0].at[c + 1], w[i][1].at[c + 1]},
			   b[2] = {x[j].at[c], x[j].at[c + 1]};

		multiply_add(sum[i][j], a, b);
	}
}

/* part[warp][token][row]: a warp's share of k for 16 tokens from ids[], or, where there are none, from the first; what lies past the end is
 * the last row. */
DEVICE void expert_part(const half *w, const half *x, const uint *ids, uint tokens, const gemv_params &p,
			uint row0, float (*part)[EXPERT_TOKENS][EXPERT_ROWS])
{
	const uint lane = thread_of_block() % 32, warp = thread_of_block() / 32, g = lane / 4, t = lane % 4;
	const half *w_row[2][2], *x_row[2];
	float sum[2][2][4];

	UNROLL for (uint i = 0; i < 2; i++)
	{
		const uint token = 8 * i + g, there = token < tokens ? token : tokens - 1;

		x_row[i] = x + (uint64)(ids ? ids[there] : there) * p.k + 8 * t;
		UNROLL for (uint j = 0; j < 2; j++)
		{
			const uint row = row0 + 16 * i + 8 * j + g;

			w_row[i][j] = w + (uint64)(row < p.n ? row : p.n - 1) * p.k + 8 * t;
			UNROLL for (uint c = 0; c < 4; c++) sum[i][j][c] = 0.0f;
		}
	}
	_Pragma("unroll 2") for (uint at = 32 * warp; at < p.k; at += 32 * EXPERT_WARPS)
	{
		words weights[2][2], rows[2];

		UNROLL for (int i = 0; i < 2; i++)
		{
			rows[i] = *(const words *)(x_row[i] + at);
			UNROLL for (int j = 0; j < 2; j++) weights[i][j] = *(const words *)(w_row[i][j] + at);
		}
		slab_multiply(sum, weights, rows);
	}
	UNROLL for (uint i = 0; i < 2; i++) UNROLL for (uint j = 0; j < 2; j++) UNROLL for (uint c = 0; c < 4; c++)
		part[warp][8 * j + 2 * t + c % 2][16 * i + 8 * (c / 2) + g] = sum[i][j][c];
}

/* y of 32 rows of weights by up to 16 tokens. */
DEVICE void matrix_rows(const half *w, const half *x, float *y, const uint *ids, uint tokens, const gemv_params &p,
			uint row0, float (*part)[EXPERT_TOKENS][EXPERT_ROWS])
{
	expert_part(w, x, ids, tokens, p, row0, part);
	block_barrier();
	for (uint i = thread_of_block(); i < EXPERT_TOKENS * EXPERT_ROWS; i += EXPERT_THREADS) {
		const uint token = i / EXPERT_ROWS, row = i % EXPERT_ROWS;
		float sum = 0.0f;

		UNROLL for (int warp = 0; warp < EXPERT_WARPS; warp++) sum += part[warp][token][row];
		if (token < tokens && row0 + row < p.n)
			y[(uint64)(ids ? ids[token] : token) * p.n + row0 + row] = sum;
	}
	block_barrier(); /* before the parts are written again */
}

/* Expert e, the block's y, serves its tokens 16 at a time. */
KERNEL(EXPERT_THREADS)
experts_f16(const half *w, const half *x, float *y, PARAMS(gemv_params) p, const uint *first, const uint *ids)
{
	SHARED float part[EXPERT_WARPS][EXPERT_TOKENS][EXPERT_ROWS];
	const uint e = block_y(), end = first[e + 1];

	for (uint from = first[e]; from < end; from += EXPERT_TOKENS)
		matrix_rows(w + (uint64)e * p.n * p.k, x, y, ids + from, end - from, p, block_x() * EXPERT_ROWS, part);
}

/* The same of one matrix, for 2 to 16 rows (ggml_cuda_should_use_mmf() of ggml-cuda/mmf.cu). */
KERNEL(EXPERT_THREADS) few_f16(const half *w, const half *x, float *y, PARAMS(gemv_params) p)
{
	SHARED float part[EXPERT_WARPS][EXPERT_TOKENS][EXPERT_ROWS];

	matrix_rows(w, x, y, 0, p.m, p, block_x() * EXPERT_ROWS, part);
}

#define ONE_ROW(name, T)                                                                                     \
	KERNEL(ONE_ROW_THREADS)                                                                              \
	gemv_##name##_1(const uchar *w, const T *x, float *y, PARAMS(gemv_params) p)                         \
	{                                                                                                    \
		SHARED float part[ONE_ROW_THREADS / 32];                                                     \
		previous_end();                                                                              \
		gemv_row<T>(w, x, y, p, part);                                                               \
	}
#define GEMV(name, F, M, R)                                                                                  \
	KERNEL(THREADS)                                                                                      \
	gemv_##name##_##M(const uchar *w, const F::input *x, float *y, PARAMS(gemv_params) p)                \
	{                                                                                                    \
		SHARED float part[WARPS][R][M];                                                              \
		previous_end();                                                                              \
		gemv<F, M, R>(w, x, y, p, part);                                                             \
	}
/* R is known to the host too: cuda_style of kernels/cuda/host.c */
#define FORMAT(name, T, F)                                                                                   \
	ONE_ROW(name, T)                                                                                     \
	GEMV(name, F, 2, 2)                                                                                  \
	GEMV(name, F, 4, 4)                                                                                  \
	GEMV(name, F, 8, 4)                                                                                  \
	KERNEL(THREADS)                                                                                      \
	moe_##name(const uchar *w, const F::input *x, float *y, PARAMS(gemv_params) p, const uint *first,    \
		   const uint *ids)                                                                          \
	{                                                                                                    \
		SHARED float part[WARPS][4][4];                                                              \
		previous_end();                                                                              \
		moe<F>(w, x, y, p, first, ids, part);                                                        \
	}
FORMAT(f32, float, plain<float>)
FORMAT(f16, half, plain<half>)
FORMAT(bf16, bfloat, plain<bfloat>)
