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

#define GEMV(name, F, M, R)                                                                                  \
	KERNEL(THREADS)                                                                                      \
	gemv_##name##_##M(const uchar *w, const F::input *x, float *y, PARAMS(gemv_params) p)                \
	{                                                                                                    \
		SHARED float part[WARPS][R][M];                                                              \
		gemv<F, M, R>(w, x, y, p, part);                                                             \
	}
/* R is known to the host too: cuda_style of kernels/cuda/host.c */
#define FORMAT(name, F)                                                                                      \
	GEMV(name, F, 1, 2)                                                                                  \
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
