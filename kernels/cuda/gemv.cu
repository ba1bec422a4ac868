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

/* part[warp][token][row]: a warp's share of k for 16 tokens from ids[]; what lies past the end is the last row. */
DEVICE void expert_part(const half *w, const half *x, const uint *ids, uint tokens, const gemv_params &p,
			uint row0, float (*part)[EXPERT_TOKENS][EXPERT_ROWS])
{
	const uint lane = thread_of_block() % 32, warp = thread_of_block() / 32, g = lane / 4, t = lane % 4;
	const half *w_row[2][2], *x_row[2];
	float sum[2][2][4];

	UNROLL for (uint i = 0; i < 2; i++)
	{
		const uint token = 8 * i + g;

		x_row[i] = x + (uint64)ids[token < tokens ? token : tokens - 1] * p.k + 8 * t;
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

/* Expert e, the block's y, serves its tokens 16 at a time. */
KERNEL(EXPERT_THREADS)
experts_f16(const half *w, const half *x, float *y, PARAMS(gemv_params) p, const uint *first, const uint *ids)
{
	SHARED float part[EXPERT_WARPS][EXPERT_TOKENS][EXPERT_ROWS];
	const uint row0 = block_x() * EXPERT_ROWS, e = block_y(), end = first[e + 1];
	const half *expert = w + (uint64)e * p.n * p.k;

	for (uint from = first[e]; from < end; from += EXPERT_TOKENS) {
		expert_part(expert, x, ids + from, end - from, p, row0, part);
		block_barrier();
		for (uint i = thread_of_block(); i < EXPERT_TOKENS * EXPERT_ROWS; i += EXPERT_THREADS) {
			const uint token = i / EXPERT_ROWS, row = i % EXPERT_ROWS;
			float sum = 0.0f;

			UNROLL for (int warp = 0; warp < EXPERT_WARPS; warp++) sum += part[warp][token][row];
			if (from + token < end && row0 + row < p.n)
				y[(uint64)ids[from + token] * p.n + row0 + row] = sum;
		}
		block_barrier(); /* before the parts are written again */
	}
}

#define GEMV(name, F, M, R)                                                                                  \
	KERNEL(THREADS)                                                                                      \
	gemv_##name##_##M(const uchar *w, const F::input *x, float *y, PARAMS(gemv_params) p)                \
	{                                                                                                    \
		SHARED float part[WARPS][R][M];                                                              \
		gemv<F, M, R>(w, x, y, p, part);                                                             \
	}
/* R is known to the host too: cuda_style of kernels/cuda/host.c */
#define FORMAT(name, F)                                                                                      \
	GEMV(name, F, 1, 1)                                                                                  \
	GEMV(name, F, 2, 2)                                                                                  \
	GEMV(name, F, 4, 4)                                                                                  \
	GEMV(name, F, 8, 4)                                                                                  \
	KERNEL(THREADS)                                                                                      \
	moe_##name(const uchar *w, const F::input *x, float *y, PARAMS(gemv_params) p, const uint *first,    \
		   const uint *ids)                                                                          \
	{                                                                                                    \
		SHARED float part[WARPS][4][4];                                                              \
		moe<F>(w, x, y, p, first, ids, part);                                                        \
	}
FORMAT(f32, plain<float>)
FORMAT(f16, plain<half>)
FORMAT(bf16, plain<bfloat>)
