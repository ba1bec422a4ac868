/*
 * MetalPerformancePrimitives.h - mpp::tensor_ops::matmul2d into a cooperative tensor, emulated.
 *
 * Which thread owns which element is left open by Apple; here it is scrambled on purpose, so that a kernel
 * which assumes an order fails. The real header refuses tiles whose M and N are both not multiples of 16.
 */
#pragma once
#include <metal_tensor>

namespace mpp
{
namespace tensor_ops
{
struct matmul2d_descriptor {
	enum class mode { multiply, multiply_accumulate };
	int m, n, k;
	bool transpose_left, transpose_right, relaxed_precision;
	mode matmul_mode;
	constexpr matmul2d_descriptor(int m_, int n_, int k_ = metal::dynamic_extent, bool left = false,
				      bool right = false, bool relaxed = false, mode provenance = mode::multiply)
	    : m(m_), n(n_), k(k_), transpose_left(left), transpose_right(right), relaxed_precision(relaxed),
	      matmul_mode(provenance)
	{
	}
};

template <class T, int ROWS, int COLS, uint THREADS> struct cooperative_tensor {
	static constexpr uint CAPACITY = (ROWS * COLS + THREADS - 1) / THREADS;
	T v[CAPACITY];
	cooperative_tensor()
	{
		memset((void *)v, 0xff, sizeof(v));
	}
	uint16_t get_capacity() const
	{
		return (uint16_t)CAPACITY;
	}
	uint element(uint i) const
	{
		return i * THREADS + (mslrt::M.cur * 7 + 3) % THREADS;
	}
	bool is_valid_element(uint i) const
	{
		return element(i) < ROWS * COLS;
	}
	T &operator[](uint i)
	{
		return v[i];
	}
	metal::array<int, 2> get_multidimensional_index(uint i) const
	{
		return {{(int)(element(i) % COLS), (int)(element(i) / COLS)}};
	}
	template <class X> void store(X &t) const
	{
		for (uint i = 0; i < CAPACITY; i++) {
			const auto at = get_multidimensional_index(i);

			if (is_valid_element(i) && t.has(at[0], at[1]))
				t.at(at[0], at[1]) = (std::decay_t<decltype(t.at(0, 0))>)v[i];
		}
	}
};

template <matmul2d_descriptor D, class Scope> struct matmul2d {
	static_assert(D.m % 16 == 0 || D.n % 16 == 0, "M or N must be a multiple of 16");
	template <class L, class R, class T>
	cooperative_tensor<T, D.m, D.n, Scope::threads> get_destination_cooperative_tensor() const
	{
		return {};
	}
	/* left and right are not const: neither are they in Apple's header */
	template <class L, class R, class T> void run(L &left, R &right, T &out) const
	{
		const long depth = D.k > 0 ? D.k : left.extent.e[D.transpose_left ? 1 : 0];

		if (mslrt::M.n != Scope::threads)
			mslrt::fail("matmul2d runs in a threadgroup of another size than its scope");
		mslrt::barrier(); /* every thread of the scope must come here */
		for (uint i = 0; i < out.get_capacity(); i++) {
			const auto at = out.get_multidimensional_index(i);
			float sum = D.matmul_mode == matmul2d_descriptor::mode::multiply ? 0.0f : (float)out[i];

			for (long k = 0; k < depth && out.is_valid_element(i); k++) {
				const long lx = D.transpose_left ? at[1] : k, ly = D.transpose_left ? k : at[1],
					   rx = D.transpose_right ? k : at[0], ry = D.transpose_right ? at[0] : k;

				if (left.has(lx, ly) && right.has(rx, ry))
					sum += (float)left.at(lx, ly) * (float)right.at(rx, ry);
			}
			out[i] = sum;
		}
	}
};
} // namespace tensor_ops
} // namespace mpp
