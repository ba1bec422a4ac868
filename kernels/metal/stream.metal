/*
 * stream.metal - how fast memory is read, written, copied and combined, each byte once.
 *
 * A threadgroup walks the data in steps of the whole grid, so neighbours in time are neighbours in memory. The
 * read leaves one word for each simdgroup (1 part in 500 at 16 KiB a simdgroup): the xor of all of them is the
 * xor of the data, so no read can be left out without being seen, by the compiler or by us.
 */
#include <metal_stdlib>
using namespace metal;

struct stream_params {
	uint n;      /* vectors of 16 bytes */
	uint stride; /* threads in the grid */
	uint seed;   /* of what `write` writes */
	float scale; /* of the triad */
};

kernel void stream_read(device const uint4 *src [[buffer(0)]], device uint *sums [[buffer(1)]],
			constant stream_params &p [[buffer(2)]], uint at [[thread_position_in_grid]],
			uint lane [[thread_index_in_simdgroup]])
{
	uint4 a = uint4(0), b = uint4(0), c = uint4(0), d = uint4(0);
	uint i = at;

	/* four loads in flight, and four sums that do not wait for each other */
	for (; i + 3 * p.stride < p.n; i += 4 * p.stride) {
		a ^= src[i];
		b ^= src[i + p.stride];
		c ^= src[i + 2 * p.stride];
		d ^= src[i + 3 * p.stride];
	}
	for (; i < p.n; i += p.stride)
		a ^= src[i];
	a = a ^ b ^ c ^ d;
	const uint sum = simd_xor(a.x ^ a.y ^ a.z ^ a.w);

	if (lane == 0)
		sums[at / 32] = sum;
}

kernel void stream_write(device uint4 *dst [[buffer(0)]], constant stream_params &p [[buffer(1)]],
			 uint at [[thread_position_in_grid]])
{
	for (uint i = at; i < p.n; i += p.stride)
		dst[i] = uint4(i ^ p.seed, i + p.seed, i * 2654435761u, p.seed);
}

kernel void stream_copy(device const uint4 *src [[buffer(0)]], device uint4 *dst [[buffer(1)]],
			constant stream_params &p [[buffer(2)]], uint at [[thread_position_in_grid]])
{
	for (uint i = at; i < p.n; i += p.stride)
		dst[i] = src[i];
}

kernel void stream_triad(device const float4 *x [[buffer(0)]], device const float4 *y [[buffer(1)]],
			 device float4 *dst [[buffer(2)]], constant stream_params &p [[buffer(3)]],
			 uint at [[thread_position_in_grid]])
{
	for (uint i = at; i < p.n; i += p.stride)
		dst[i] = fma(y[i], float4(p.scale), x[i]);
}
