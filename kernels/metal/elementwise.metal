/*
 * elementwise.metal - the passes between the products: a row's norm, the gate of a feed-forward block, and a
 * step of Adam. All stream; what they cost beyond their bytes is what they are here for.
 */
#include <metal_stdlib>
using namespace metal;

struct pass_params {
	uint m, n; /* rows, width */
	float eps;
};
struct adam_params {
	uint n;
	float rate, beta1, beta2, eps;
	float scale1, scale2; /* 1 / (1 - beta^t), of this step */
};

#define SIMDS_MAX 32

/* y = x / sqrt(mean x^2 + eps) * w: a threadgroup for each row, which is read twice, the second time from cache */
template <typename T>
kernel void rmsnorm(device const T *x [[buffer(0)]], device const T *w [[buffer(1)]], device T *y [[buffer(2)]],
		    constant pass_params &p [[buffer(3)]], uint row [[threadgroup_position_in_grid]],
		    uint thread_ [[thread_index_in_threadgroup]], uint size [[threads_per_threadgroup]],
		    uint simd [[simdgroup_index_in_threadgroup]], uint simds [[simdgroups_per_threadgroup]],
		    uint lane [[thread_index_in_simdgroup]])
{
	threadgroup float sums[SIMDS_MAX];
	device const T *from = x + ulong(row) * p.n;
	device T *to = y + ulong(row) * p.n;
	float sum = 0.0f;

	for (uint i = thread_; i < p.n; i += size)
		sum += float(from[i]) * float(from[i]);
	sum = simd_sum(sum);
	if (lane == 0)
		sums[simd] = sum;
	threadgroup_barrier(mem_flags::mem_threadgroup);
	sum = simd_sum(lane < simds ? sums[lane] : 0.0f);
	const float scale = rsqrt(sum / float(p.n) + p.eps);

	for (uint i = thread_; i < p.n; i += size)
		to[i] = T(float(from[i]) * scale * float(w[i]));
}

/* y = x / (1 + exp(-x)) * up: reads two, writes one */
template <typename T>
kernel void silu_mul(device const T *x [[buffer(0)]], device const T *up [[buffer(1)]], device T *y [[buffer(2)]],
		     constant pass_params &p [[buffer(3)]], uint at [[thread_position_in_grid]])
{
	if (at < p.m * p.n) {
		const float v = float(x[at]);

		y[at] = T(v / (1.0f + exp(-v)) * float(up[at]));
	}
}

/* Kingma and Ba, Adam, 2015, algorithm 1: reads weight, gradient and two moments, writes three. */
kernel void adam(device float *w [[buffer(0)]], device const float *gradient [[buffer(1)]],
		 device float *first [[buffer(2)]], device float *second [[buffer(3)]],
		 constant adam_params &p [[buffer(4)]], uint at [[thread_position_in_grid]])
{
	if (at >= p.n)
		return;
	const float g = gradient[at];
	const float m = p.beta1 * first[at] + (1.0f - p.beta1) * g;
	const float v = p.beta2 * second[at] + (1.0f - p.beta2) * g * g;

	first[at] = m;
	second[at] = v;
	w[at] -= p.rate * (m * p.scale1) / (sqrt(v * p.scale2) + p.eps);
}

typedef decltype(rmsnorm<float>) norm_float;
typedef decltype(rmsnorm<half>) norm_half;
typedef decltype(silu_mul<float>) silu_float;
typedef decltype(silu_mul<half>) silu_half;
template [[host_name("rmsnorm_f32")]] kernel norm_float rmsnorm<float>;
template [[host_name("rmsnorm_f16")]] kernel norm_half rmsnorm<half>;
template [[host_name("silu_mul_f32")]] kernel silu_float silu_mul<float>;
template [[host_name("silu_mul_f16")]] kernel silu_half silu_mul<half>;
#if __METAL_VERSION__ >= 310
typedef decltype(rmsnorm<bfloat>) norm_bfloat;
typedef decltype(silu_mul<bfloat>) silu_bfloat;
template [[host_name("rmsnorm_bf16")]] kernel norm_bfloat rmsnorm<bfloat>;
template [[host_name("silu_mul_bf16")]] kernel silu_bfloat silu_mul<bfloat>;
#endif
