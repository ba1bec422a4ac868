/*
 * gemm.metal - C[m,n] = A[m,k] B[n,k]^T with simdgroup matrices; B lies as weights do, a row for each output.
 *
 * Sums and C are float whatever the type of A and B: what runtimes do, and no slower on Apple GPUs. Four
 * simdgroups share a tile; each owns a quarter of it in registers. One buffer in threadgroup memory, not two:
 * several threadgroups on a core hide the loads, and half the memory lets more of them in.
 */
#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;

struct gemm_params {
	uint m, n, k;
};

#define THREADS 128
#define DEPTH   32 /* of k in one step */
#define PAD     8  /* keeps the rows of a tile out of each other's banks */
/* arrays of matrices stay in registers only if every loop over them is unrolled */
#define UNROLL  _Pragma("clang loop unroll(full)")

/* A tile of ROWS x DEPTH into threadgroup memory, zeros beyond the matrix. */
template <typename T, int ROWS>
void tile_load(device const T *src, threadgroup T *tile, uint row0, uint k0, uint rows, uint k, uint thread_)
{
	const uint quads = DEPTH / 4;

	for (uint i = thread_; i < ROWS * quads; i += THREADS) {
		const uint r = i / quads, c = i % quads * 4, row = row0 + r, col = k0 + c;
		threadgroup T *to = tile + r * (DEPTH + PAD) + c;

		if (row < rows && col + 4 <= k && k % 4 == 0) { /* a row starts at a multiple of 4 only then */
			*(threadgroup vec<T, 4> *)to = *(device const vec<T, 4> *)(src + ulong(row) * k + col);
			continue;
		}
		for (uint j = 0; j < 4; j++)
			to[j] = row < rows && col + j < k ? src[ulong(row) * k + col + j] : T(0.0f);
	}
}

/* One 8 x 8 block: at once inside the matrix, by way of threadgroup memory at its edge. */
void block_store(thread const simdgroup_matrix<float, 8, 8> &block, device float *c, threadgroup float *scratch,
		 uint2 at, uint m, uint n, uint lane)
{
	if (at.y + 8 <= m && at.x + 8 <= n) {
		simdgroup_store(block, c + ulong(at.y) * n + at.x, n);
		return;
	}
	simdgroup_store(block, scratch, 8);
	simdgroup_barrier(mem_flags::mem_threadgroup);
	for (uint i = lane; i < 64; i += 32)
		if (at.y + i / 8 < m && at.x + i % 8 < n)
			c[ulong(at.y + i / 8) * n + at.x + i % 8] = scratch[i];
	simdgroup_barrier(mem_flags::mem_threadgroup);
}

/* BM x BN: the tile of a threadgroup; its simdgroups stand 2 x 2 in it. */
template <typename T, int BM, int BN>
kernel void gemm(device const T *a [[buffer(0)]], device const T *b [[buffer(1)]],
		 device float *c [[buffer(2)]], constant gemm_params &p [[buffer(3)]],
		 uint2 group [[threadgroup_position_in_grid]], uint thread_ [[thread_index_in_threadgroup]],
		 uint simd [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]])
{
	constexpr int MI = BM / 16, NI = BN / 16; /* blocks of a simdgroup, down and across */
	threadgroup T ta[BM * (DEPTH + PAD)];
	threadgroup T tb[BN * (DEPTH + PAD)];
	threadgroup float scratch[4 * 64];
	const uint row0 = group.y * BM, col0 = group.x * BN;
	const uint top = simd / 2 * (BM / 2), left = simd % 2 * (BN / 2);
	simdgroup_matrix<float, 8, 8> sum[MI][NI];

	UNROLL for (int i = 0; i < MI; i++)
		UNROLL for (int j = 0; j < NI; j++)
			sum[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
	for (uint k0 = 0; k0 < p.k; k0 += DEPTH) {
		tile_load<T, BM>(a, ta, row0, k0, p.m, p.k, thread_);
		tile_load<T, BN>(b, tb, col0, k0, p.n, p.k, thread_);
		threadgroup_barrier(mem_flags::mem_threadgroup); /* the tile is whole */
		for (uint kk = 0; kk < DEPTH; kk += 8) {
			simdgroup_matrix<T, 8, 8> fa[MI], fb[NI];

			UNROLL for (int i = 0; i < MI; i++)
				simdgroup_load(fa[i], ta + (top + i * 8) * (DEPTH + PAD) + kk, DEPTH + PAD);
			UNROLL for (int j = 0; j < NI; j++)
				simdgroup_load(fb[j], tb + (left + j * 8) * (DEPTH + PAD) + kk, DEPTH + PAD,
					       ulong2(0, 0), true);
			UNROLL for (int i = 0; i < MI; i++)
				UNROLL for (int j = 0; j < NI; j++)
					simdgroup_multiply_accumulate(sum[i][j], fa[i], fb[j], sum[i][j]);
		}
		threadgroup_barrier(mem_flags::mem_threadgroup); /* nobody reads the tile any more */
	}
	UNROLL for (int i = 0; i < MI; i++)
		UNROLL for (int j = 0; j < NI; j++)
			block_store(sum[i][j], c, scratch + simd * 64,
				    uint2(col0 + left + j * 8, row0 + top + i * 8), p.m, p.n, lane);
}

typedef decltype(gemm<float, 64, 64>) gemm_float;
typedef decltype(gemm<half, 64, 64>) gemm_half;
template [[host_name("gemm_f32_64")]] kernel gemm_float gemm<float, 64, 64>;
template [[host_name("gemm_f32_32")]] kernel gemm_float gemm<float, 32, 64>;
template [[host_name("gemm_f16_64")]] kernel gemm_half gemm<half, 64, 64>;
template [[host_name("gemm_f16_32")]] kernel gemm_half gemm<half, 32, 64>;
#if __METAL_VERSION__ >= 310
typedef decltype(gemm<bfloat, 64, 64>) gemm_bfloat;
template [[host_name("gemm_bf16_64")]] kernel gemm_bfloat gemm<bfloat, 64, 64>;
template [[host_name("gemm_bf16_32")]] kernel gemm_bfloat gemm<bfloat, 32, 64>;
#endif
