/*
 * tensor.metal - C[m,n] = A[m,k] B[n,k]^T through Metal 4 tensor operations: on an M5 and later the only way
 * to its neural accelerators. A library of its own: an older system cannot compile it, and must not lose the
 * other kernels by that.
 *
 * Inline tensors over plain buffers: the host needs no MTLTensor and no MTL4 queue. Extents are innermost
 * first; k is walked by the operation (dynamic_extent); the edges are its business too. How the tile lies in
 * the threads is Apple's secret, so we only store it.
 */
#include <metal_stdlib>
#include <metal_tensor>
#include <MetalPerformancePrimitives/MetalPerformancePrimitives.h>
using namespace metal;
using namespace mpp::tensor_ops;

struct gemm_params {
	uint m, n, k;
};

template <typename T, int BM, int BN, int SIMDS>
kernel void gemm_tensor(device T *a [[buffer(0)]], device T *b [[buffer(1)]], device float *c [[buffer(2)]],
			constant gemm_params &p [[buffer(3)]], uint2 group [[threadgroup_position_in_grid]])
{
	constexpr auto how = matmul2d_descriptor(BM, BN, static_cast<int>(dynamic_extent), false, true, false,
						 matmul2d_descriptor::mode::multiply);
	matmul2d<how, execution_simdgroups<SIMDS>> product;
	const int m = p.m, n = p.n, k = p.k, row0 = group.y * BM, col0 = group.x * BN;
	auto ta = tensor(a, dextents<int, 2>(k, m), array<int, 2>{1, k}).slice(0, row0);
	auto tb = tensor(b, dextents<int, 2>(k, n), array<int, 2>{1, k}).slice(0, col0);
	auto tc = tensor(c, dextents<int, 2>(n, m), array<int, 2>{1, n}).slice(col0, row0);
	auto tile = product.template get_destination_cooperative_tensor<decltype(ta), decltype(tb), float>();

	product.run(ta, tb, tile);
	tile.store(tc);
}

typedef decltype(gemm_tensor<half, 64, 64, 4>) tensor_half;
typedef decltype(gemm_tensor<bfloat, 64, 64, 4>) tensor_bfloat;
template [[host_name("gemm_tensor_f16_64")]] kernel tensor_half gemm_tensor<half, 64, 64, 4>;
template [[host_name("gemm_tensor_f16_128")]] kernel tensor_half gemm_tensor<half, 128, 64, 4>;
template [[host_name("gemm_tensor_bf16_64")]] kernel tensor_bfloat gemm_tensor<bfloat, 64, 64, 4>;
template [[host_name("gemm_tensor_bf16_128")]] kernel tensor_bfloat gemm_tensor<bfloat, 128, 64, 4>;
