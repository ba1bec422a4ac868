/* cases.h - for check_host.c: small cases of every kind that the Metal backend takes, and some that it must
 * not. */
#ifndef TESTS_METAL_CASES_H
#define TESTS_METAL_CASES_H
#include "kernels/backend.h"

#define CASE(k, t, ...)                                                                                      \
	{                                                                                                    \
		.kind = SAMPLE_##k, .dtype = SAMPLE_##t, __VA_ARGS__                                         \
	}
static const struct bench_case good[] = {
	CASE(READ, F32, .bytes = 16),
	CASE(READ, F32, .bytes = 100000, .cold = true),
	CASE(WRITE, F32, .bytes = 65536),
	CASE(COPY, F32, .bytes = 200000, .cold = true),
	CASE(TRIAD, F32, .bytes = 48 * 1000),
	CASE(GEMM, F32, .path = "simdgroup", .m = 70, .n = 65, .k = 50),
	CASE(GEMM, F16, .path = "simdgroup", .m = 33, .n = 130, .k = 75, .cold = true),
	CASE(GEMM, F16, .m = 1, .n = 40, .k = 64, .cold = true),
	CASE(GEMM, F16, .m = 1, .n = 40, .k = 33),
	CASE(GEMM, BF16, .m = 20, .n = 64, .k = 64),
	CASE(GEMM, F16, .path = "mps", .m = 17, .n = 20, .k = 64, .cold = true),
	CASE(GEMM, F32, .path = "mps", .m = 5, .n = 64, .k = 31),
	CASE(GEMM, F16, .path = "tensor", .m = 100, .n = 70, .k = 64),
	CASE(GEMM, BF16, .path = "tensor", .m = 3, .n = 65, .k = 32),
	CASE(GEMV, F16, .m = 1, .n = 100, .k = 256, .cold = true),
	CASE(GEMV, F32, .m = 2, .n = 10, .k = 64),
	CASE(GEMV, BF16, .m = 3, .n = 10, .k = 64),
	CASE(GEMV, Q8, .m = 1, .n = 33, .k = 256, .cold = true),
	CASE(GEMV, Q8, .m = 8, .n = 12, .k = 96),
	CASE(GEMV, Q4, .m = 1, .n = 33, .k = 256),
	CASE(GEMV, Q4, .m = 5, .n = 9, .k = 64, .cold = true),
	CASE(PREFILL, F16, .m = 40, .n = 40, .heads = 4, .kv_heads = 2, .head_dim = 64),
	CASE(PREFILL, F16, .m = 9, .n = 50, .heads = 3, .kv_heads = 3, .head_dim = 128),
	CASE(DECODE, F16, .m = 1, .n = 300, .heads = 8, .kv_heads = 2, .head_dim = 128, .cold = true),
	CASE(DECODE, F16, .m = 1, .n = 5, .heads = 2, .kv_heads = 2, .head_dim = 64),
	CASE(ELEMENTWISE, F16, .m = 3, .n = 300, .cold = true),
	CASE(ELEMENTWISE, F32, .m = 1, .n = 64),
	CASE(ELEMENTWISE, BF16, .m = 2, .n = 128),
	CASE(MOE, F16, .m = 9, .n = 64, .k = 3, .cold = true),
	CASE(MOE, Q4, .m = 4, .n = 32, .k = 4),
	CASE(MOE, Q8, .m = 8, .n = 96, .k = 2),
	CASE(ADAM, F32, .bytes = 28 * 3000),
	CASE(DISPATCH, F32, .m = 7, .k = 0),
	CASE(DISPATCH, F32, .m = 50, .k = 1),
	CASE(SUBMIT, F32, .m = 3),
	CASE(LAYER, F16, .m = 12, .n = 160, .k = 64, .heads = 2, .kv_heads = 1, .head_dim = 64, .cold = true),
	CASE(LAYER, Q8, .m = 20, .n = 96, .k = 128, .heads = 4, .kv_heads = 2, .head_dim = 64),
	CASE(PARTS, Q4, .m = 12, .n = 96, .k = 128, .heads = 1, .kv_heads = 1, .head_dim = 128, .cold = true),
	CASE(SUSTAINED, F16, .m = 64, .n = 64, .k = 64),
	CASE(HOST_COPY, F32, .bytes = 1000000, .k = 0),
	CASE(HOST_COPY, F32, .bytes = 1000000, .k = 1),
};
static const struct bench_case bad[] = {
	CASE(LINK, F32, .bytes = 100),
	CASE(READ, F16, .bytes = 100),
	CASE(READ, F32, .bytes = 8),
	CASE(READ, F32, .bytes = 4e9),
	CASE(GEMM, BF16, .path = "mps", .m = 8, .n = 8, .k = 8),
	CASE(GEMM, Q4, .m = 8, .n = 8, .k = 32),
	CASE(GEMM, F16, .path = "cblas", .m = 8, .n = 8, .k = 8),
	CASE(GEMM, F16, .m = 0, .n = 8, .k = 8),
	CASE(GEMM, F16, .m = 100000, .n = 100000, .k = 100000),
	CASE(READ, F32, .path = "mps", .bytes = 64),
	CASE(GEMV, F16, .m = 9, .n = 8, .k = 32),
	CASE(GEMV, Q4, .m = 1, .n = 8, .k = 40),
	CASE(PREFILL, F16, .m = 8, .n = 8, .heads = 4, .kv_heads = 3, .head_dim = 64),
	CASE(PREFILL, F16, .m = 8, .n = 8, .heads = 4, .kv_heads = 4, .head_dim = 80),
	CASE(PREFILL, F16, .m = 9, .n = 8, .heads = 4, .kv_heads = 4, .head_dim = 64),
	CASE(DECODE, F16, .m = 1, .n = 8, .heads = 12, .kv_heads = 4, .head_dim = 64),
	CASE(MOE, F16, .m = 2, .n = 64, .k = 3),
	CASE(DISPATCH, F32, .m = 0),
	CASE(LAYER, F16, .m = 9, .n = 160, .k = 64, .heads = 2, .kv_heads = 1, .head_dim = 64),
	CASE(LAYER, Q8, .m = 12, .n = 100, .k = 128, .heads = 2, .kv_heads = 1, .head_dim = 64),
	CASE(PARTS, F16, .m = 12, .n = 160, .k = 64, .heads = 3, .kv_heads = 2, .head_dim = 64),
	CASE(READ, F32, .bytes = 1024, .threads = 4),
};

#endif
