/*
 * elementwise.cu - the passes between the products: a row's norm, and a step of Adam. Both stream; what they cost beyond
 * their bytes is what they are here for.
 */
struct pass_params {
	uint m, n; /* rows, width */
	float eps;
};
struct adam_params {
	uint n;
	float rate, beta1, beta2, eps;
	float scale1, scale2; /* 1 / (1 - beta^t), of this step */
};

#define WARPS_MAX 32

/* y = x / sqrt(mean x^2 + eps) * w: a block of 1024 threads for each row, as in llama.cpp (ggml-cuda/norm.cu); it is
 * read twice, the second time from cache */
template <typename T> DEVICE void rmsnorm(const T *x, const T *w, T *y, const pass_params &p, float *sums)
{
	const uint thread = thread_of_block(), lane = thread % 32, warps = block_size() / 32;
	const T *from = x + (uint64)block_x() * p.n;
	T *to = y + (uint64)block_x() * p.n;
	float sum = 0.0f;

	for (uint i = thread; i < p.n; i += block_size())
		sum += widen(from[i]) * widen(from[i]);
	for (uint mask = 1; mask < 32; mask *= 2)
		sum += shuffle_xor(sum, mask);
	if (lane == 0)
		sums[thread / 32] = sum;
	block_barrier();
	sum = lane < warps ? sums[lane] : 0.0f;
	for (uint mask = 1; mask < 32; mask *= 2)
		sum += shuffle_xor(sum, mask);
	const float scale = rsqrt_fast(sum / (float)p.n + p.eps);

	for (uint i = thread; i < p.n; i += block_size())
		narrow(widen(from[i]) * scale * widen(w[i]), to + i);
}

#define RMSNORM(name, T)                                                                                     \
	KERNEL(1024) rmsnorm_##name(const T *x, const T *w, T *y, PARAMS(pass_params) p)                      \
	{                                                                                                    \
		SHARED float sums[WARPS_MAX];                                                                \
		next_begin();                                                                                \
		previous_end();                                                                              \
		rmsnorm<T>(x, w, y, p, sums);                                                                \
	}
RMSNORM(f32, float)
RMSNORM(f16, half)
RMSNORM(bf16, bfloat)

/* What a product between conversions reads and what it made of m rows of k: a number a thread, as in llama.cpp
 * (ggml-cuda/convert.cu). */
struct product_params {
	uint m, n, k;
};
DEVICE uint64 number_of_thread()
{
	return (uint64)block_x() * block_size() + thread_of_block();
}
KERNEL(256) narrow_rows(const float *x, half *y, PARAMS(product_params) p)
{
	const uint64 at = number_of_thread();

	if (at < (uint64)p.m * p.k)
		narrow(x[at], y + at);
}
KERNEL(256) widen_rows(const half *x, float *y, PARAMS(product_params) p)
{
	const uint64 at = number_of_thread();

	if (at < (uint64)p.m * p.n)
		y[at] = widen(x[at]);
}

/* The rows of a block's expert: first[e] is how many rows experts before it have, ids[first[e]] ... are its own. The lanes of a warp
 * share the rows (mm_ids_helper() of ggml-cuda/mmid.cu). */
KERNEL(32) gather(const uint *choice, uint *first, uint *ids, PARAMS(product_params) p)
{
	SHARED uint own[32];
	const uint lane = thread_of_block(), e = block_x();
	uint before = 0, mine = 0;

	for (uint row = lane; row < p.m; row += 32) {
		before += choice[row] < e;
		mine += choice[row] == e;
	}
	for (uint mask = 1; mask < 32; mask *= 2)
		before += shuffle_xor(before, mask);
	own[lane] = mine;
	block_barrier();
	uint at = before, all = before;

	for (uint i = 0; i < 32; i++) {
		at += i < lane ? own[i] : 0;
		all += own[i];
	}
	for (uint row = lane; row < p.m; row += 32)
		if (choice[row] == e)
			ids[at++] = row;
	if (lane == 0)
		first[e] = before;
	if (lane == 0 && e + 1 == blocks_x())
		first[e + 1] = all;
}

/* Kingma and Ba, Adam, 2015, algorithm 1: reads weight, gradient and two moments, writes three. */
KERNEL(256) adam(float *w, const float *gradient, float *first, float *second, PARAMS(adam_params) p)
{
	const uint at = block_x() * block_size() + thread_of_block();

	if (at >= p.n)
		return;
	const float g = gradient[at];
	const float m = p.beta1 * first[at] + (1.0f - p.beta1) * g;
	const float v = p.beta2 * second[at] + (1.0f - p.beta2) * g * g;

	first[at] = m;
	second[at] = v;
	w[at] -= p.rate * (m * p.scale1) / (root(v * p.scale2) + p.eps);
}
