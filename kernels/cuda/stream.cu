/*
 * stream.cu - how fast memory is read, written, copied and combined, each byte once.
 *
 * A block walks the data in steps of the whole grid, so neighbours in time are neighbours in memory. The read leaves one
 * word for each warp: the xor of all of them is the xor of the data, so no read can be left out without being seen.
 */
struct stream_params {
	uint n;      /* vectors of 16 bytes */
	uint stride; /* threads in the grid */
	uint seed;   /* of what `write` writes */
	float scale; /* of the triad */
};

DEVICE void mix(words &a, words b)
{
	UNROLL for (int i = 0; i < 4; i++)
		a.at[i] ^= b.at[i];
}

KERNEL(256) stream_read(const words *src, uint *sums, PARAMS(stream_params) p)
{
	const uint at = block_x() * block_size() + thread_of_block();
	words a = {{0, 0, 0, 0}}, b = a, c = a, d = a;
	uint i = at;

	/* four loads in flight, and four sums that do not wait for each other */
	for (; i + 3 * p.stride < p.n; i += 4 * p.stride) {
		mix(a, src[i]);
		mix(b, src[i + p.stride]);
		mix(c, src[i + 2 * p.stride]);
		mix(d, src[i + 3 * p.stride]);
	}
	for (; i < p.n; i += p.stride)
		mix(a, src[i]);
	mix(a, b);
	mix(c, d);
	mix(a, c);
	uint sum = a.at[0] ^ a.at[1] ^ a.at[2] ^ a.at[3];

	for (uint mask = 1; mask < 32; mask *= 2)
		sum ^= shuffle_xor(sum, mask);
	if (thread_of_block() % 32 == 0)
		sums[at / 32] = sum;
}

KERNEL(256) stream_write(words *dst, PARAMS(stream_params) p)
{
	for (uint i = block_x() * block_size() + thread_of_block(); i < p.n; i += p.stride)
		dst[i] = words{{i ^ p.seed, i + p.seed, i * 2654435761u, p.seed}};
}

KERNEL(256) stream_copy(const words *src, words *dst, PARAMS(stream_params) p)
{
	for (uint i = block_x() * block_size() + thread_of_block(); i < p.n; i += p.stride)
		dst[i] = src[i];
}

struct alignas(16) floats {
	float at[4];
};

KERNEL(256) stream_triad(const floats *x, const floats *y, floats *dst, PARAMS(stream_params) p)
{
	for (uint i = block_x() * block_size() + thread_of_block(); i < p.n; i += p.stride) {
		const floats a = x[i], b = y[i];
		floats sum;

		UNROLL for (int j = 0; j < 4; j++)
			sum.at[j] = b.at[j] * p.scale + a.at[j];
		dst[i] = sum;
	}
}
