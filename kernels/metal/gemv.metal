/*
 * gemv.metal - weights read once: y[m][n] = W[n][k] x[m][k] for a few rows m, as decode does, and the same over
 * the experts of a mixture, each with the tokens gathered to it.
 *
 * A simdgroup computes ROWS outputs for up to M rows of x: x is loaded and widened once for ROWS rows of
 * weights. Formats: f32, f16, bf16; q8: 32 weights and a half scale (34 B); q4: 32 weights and a half scale
 * (18 B), w = scale (q - 8), low nibbles are weights 0-15, high nibbles 16-31; x is half for both, else of the
 * weights' type. k is a multiple of 32.
 */
#include <metal_stdlib>
using namespace metal;

#define ROWS  4 /* of weights, for a simdgroup */
#define BLOCK 32
/* arrays stay in registers only if every loop over them is unrolled */
#define UNROLL _Pragma("clang loop unroll(full)")

struct gemv_params {
	uint m, n, k;
};
struct moe_params {
	uint m, n, k; /* tokens; outputs and inputs of an expert */
};

/* Weights of one format: how many of x a lane takes at a time, and their product. */
template <typename T> struct plain {
	typedef T input;
	static constexpr constant uint STEP = 4;
	static ulong row_bytes(uint k)
	{
		return ulong(k) * sizeof(T);
	}
	static void widen(thread float *v, device const T *x, uint i)
	{
		const float4 q = float4(((device const vec<T, 4> *)x)[i]);

		v[0] = q.x;
		v[1] = q.y;
		v[2] = q.z;
		v[3] = q.w;
		v[4] = 0.0f;
	}
	static float product(device const uchar *row, thread const float *v, uint i)
	{
		const float4 w = float4(((device const vec<T, 4> *)row)[i]);

		return w.x * v[0] + w.y * v[1] + w.z * v[2] + w.w * v[3];
	}
};

struct q8 {
	typedef half input;
	static constexpr constant uint STEP = 8; /* four lanes share a block */
	static ulong row_bytes(uint k)
	{
		return ulong(k / BLOCK) * 34;
	}
	static void widen(thread float *v, device const half *x, uint i)
	{
		UNROLL for (uint j = 0; j < STEP; j++)
			v[j] = float(x[i * STEP + j]);
		v[STEP] = 0.0f;
	}
	static float product(device const uchar *row, thread const float *v, uint i)
	{
		device const uchar *block = row + ulong(i / 4) * 34;
		device const ushort *q = (device const ushort *)(block + 2) + i % 4 * 4; /* 2-byte aligned */
		float s = 0.0f;

		UNROLL for (uint j = 0; j < 4; j++) {
			const char2 w = as_type<char2>(q[j]);

			s += float(w.x) * v[2 * j] + float(w.y) * v[2 * j + 1];
		}
		return s * float(*(device const half *)block);
	}
};

/* Nibbles are used where they stand in a 16-bit word, x is divided by their place: no shifts inside. */
struct q4 {
	typedef half input;
	static constexpr constant uint STEP = 16; /* two lanes share a block */
	static ulong row_bytes(uint k)
	{
		return ulong(k / BLOCK) * 18;
	}
	static void widen(thread float *v, device const half *x, uint i)
	{
		device const half *low = x + ulong(i / 2) * BLOCK + i % 2 * 8, *high = low + 16;
		float sum = 0.0f;

		UNROLL for (uint j = 0; j < 4; j++) {
			const float a = float(low[2 * j]), b = float(high[2 * j]);
			const float c = float(low[2 * j + 1]), d = float(high[2 * j + 1]);

			v[4 * j] = a;
			v[4 * j + 1] = b / 16.0f;
			v[4 * j + 2] = c / 256.0f;
			v[4 * j + 3] = d / 4096.0f;
			sum += a + b + c + d;
		}
		v[STEP] = -8.0f * sum; /* the offset of every weight, at once */
	}
	static float product(device const uchar *row, thread const float *v, uint i)
	{
		device const uchar *block = row + ulong(i / 2) * 18;
		device const ushort *q = (device const ushort *)(block + 2) + i % 2 * 4;
		float s = v[STEP];

		UNROLL for (uint j = 0; j < 4; j++) {
			const uint w = q[j];

			s += v[4 * j] * float(w & 0x000fu) + v[4 * j + 1] * float(w & 0x00f0u) +
			     v[4 * j + 2] * float(w & 0x0f00u) + v[4 * j + 3] * float(w & 0xf000u);
		}
		return s * float(*(device const half *)block);
	}
};

/* sum[r][j] = row r of the weights by row j of x, in every lane. Rows past the end repeat the last. */
template <typename F, int M>
void rows_product(device const uchar *w, device const typename F::input *x, thread float (&sum)[ROWS][M],
		  thread const uint *x_row, uint row0, uint n, uint k, uint lane)
{
	const ulong bytes = F::row_bytes(k);

	UNROLL for (uint r = 0; r < ROWS; r++)
		UNROLL for (uint j = 0; j < M; j++)
			sum[r][j] = 0.0f;
	for (uint i = lane; i < k / F::STEP; i += 32) {
		UNROLL for (uint j = 0; j < M; j++) {
			float v[F::STEP + 1];

			F::widen(v, x + ulong(x_row[j]) * k, i);
			UNROLL for (uint r = 0; r < ROWS; r++)
				sum[r][j] += F::product(w + bytes * min(row0 + r, n - 1), v, i);
		}
	}
	UNROLL for (uint r = 0; r < ROWS; r++)
		UNROLL for (uint j = 0; j < M; j++)
			sum[r][j] = simd_sum(sum[r][j]);
}

template <typename F, int M>
kernel void gemv(device const uchar *w [[buffer(0)]], device const typename F::input *x [[buffer(1)]],
		 device float *y [[buffer(2)]], constant gemv_params &p [[buffer(3)]],
		 uint group [[threadgroup_position_in_grid]], uint simd [[simdgroup_index_in_threadgroup]],
		 uint simds [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]])
{
	const uint row0 = (group * simds + simd) * ROWS;
	float sum[ROWS][M];
	uint x_row[M];

	if (row0 >= p.n) /* the same for the whole simdgroup, and no barrier follows */
		return;
	UNROLL for (uint j = 0; j < M; j++)
		x_row[j] = min(j, p.m - 1);
	rows_product<F, M>(w, x, sum, x_row, row0, p.n, p.k, lane);
	UNROLL for (uint j = 0; j < M; j++)
		UNROLL for (uint r = 0; r < ROWS; r++)
			if (lane == 0 && j < p.m && row0 + r < p.n)
				y[ulong(j) * p.n + row0 + r] = sum[r][j];
}

/* Expert e = group.y serves the tokens ids[first[e]] ... ids[first[e + 1] - 1], four at a time. */
template <typename F>
kernel void moe(device const uchar *w [[buffer(0)]], device const typename F::input *x [[buffer(1)]],
		device float *y [[buffer(2)]], constant moe_params &p [[buffer(3)]],
		device const uint *first [[buffer(4)]], device const uint *ids [[buffer(5)]],
		uint2 group [[threadgroup_position_in_grid]], uint simd [[simdgroup_index_in_threadgroup]],
		uint simds [[simdgroups_per_threadgroup]], uint lane [[thread_index_in_simdgroup]])
{
	constexpr uint M = 4;
	const uint row0 = (group.x * simds + simd) * ROWS, e = group.y;
	device const uchar *expert = w + ulong(e) * p.n * F::row_bytes(p.k);
	float sum[ROWS][M];
	uint x_row[M];

	if (row0 >= p.n)
		return;
	for (uint t = first[e]; t < first[e + 1]; t += M) {
		UNROLL for (uint j = 0; j < M; j++)
			x_row[j] = ids[min(t + j, first[e + 1] - 1)];
		rows_product<F, M>(expert, x, sum, x_row, row0, p.n, p.k, lane);
		UNROLL for (uint j = 0; j < M; j++)
			UNROLL for (uint r = 0; r < ROWS; r++)
				if (lane == 0 && t + j < first[e + 1] && row0 + r < p.n)
					y[ulong(x_row[j]) * p.n + row0 + r] = sum[r][j];
	}
}

typedef decltype(gemv<q8, 1>) gemv_t; /* by the type of x */
typedef decltype(moe<q8>) moe_t;
typedef decltype(gemv<plain<float>, 1>) gemv_float;
typedef decltype(moe<plain<float>>) moe_float;
template [[host_name("gemv_f32_1")]] kernel gemv_float gemv<plain<float>, 1>;
template [[host_name("gemv_f32_2")]] kernel gemv_float gemv<plain<float>, 2>;
template [[host_name("gemv_f32_4")]] kernel gemv_float gemv<plain<float>, 4>;
template [[host_name("gemv_f32_8")]] kernel gemv_float gemv<plain<float>, 8>;
template [[host_name("gemv_f16_1")]] kernel gemv_t gemv<plain<half>, 1>;
template [[host_name("gemv_f16_2")]] kernel gemv_t gemv<plain<half>, 2>;
template [[host_name("gemv_f16_4")]] kernel gemv_t gemv<plain<half>, 4>;
template [[host_name("gemv_f16_8")]] kernel gemv_t gemv<plain<half>, 8>;
template [[host_name("gemv_q8_1")]] kernel gemv_t gemv<q8, 1>;
template [[host_name("gemv_q8_2")]] kernel gemv_t gemv<q8, 2>;
template [[host_name("gemv_q8_4")]] kernel gemv_t gemv<q8, 4>;
template [[host_name("gemv_q8_8")]] kernel gemv_t gemv<q8, 8>;
template [[host_name("gemv_q4_1")]] kernel gemv_t gemv<q4, 1>;
template [[host_name("gemv_q4_2")]] kernel gemv_t gemv<q4, 2>;
template [[host_name("gemv_q4_4")]] kernel gemv_t gemv<q4, 4>;
template [[host_name("gemv_q4_8")]] kernel gemv_t gemv<q4, 8>;
template [[host_name("moe_f32")]] kernel moe_float moe<plain<float>>;
template [[host_name("moe_f16")]] kernel moe_t moe<plain<half>>;
template [[host_name("moe_q8")]] kernel moe_t moe<q8>;
template [[host_name("moe_q4")]] kernel moe_t moe<q4>;
#if __METAL_VERSION__ >= 310
typedef decltype(gemv<plain<bfloat>, 1>) gemv_bfloat;
typedef decltype(moe<plain<bfloat>>) moe_bfloat;
template [[host_name("gemv_bf16_1")]] kernel gemv_bfloat gemv<plain<bfloat>, 1>;
template [[host_name("gemv_bf16_2")]] kernel gemv_bfloat gemv<plain<bfloat>, 2>;
template [[host_name("gemv_bf16_4")]] kernel gemv_bfloat gemv<plain<bfloat>, 4>;
template [[host_name("gemv_bf16_8")]] kernel gemv_bfloat gemv<plain<bfloat>, 8>;
template [[host_name("moe_bf16")]] kernel moe_bfloat moe<plain<bfloat>>;
#endif
