/*
 * formats.h - weights in blocks of 8 and 4 bits, and x rounded by blocks of 32. Behind device.h and rows.h and before the kernels of every
 * .cu file.
 *
 * q8: a half scale and 32 signed bytes (34 B); q4: a half scale and 16 bytes (18 B), w = scale (q - 8), low nibbles are weights 0-15, high
 * nibbles 16-31.
 */
#define BLOCK 32

/* Of a block of 32 numbers of x: what one of its whole numbers is worth, and the sum of all of them. */
struct x_scale {
	float each, sum;
};

/* Eight bytes in halves of two, which is what blocks are aligned to. */
DEVICE uint word_of_halves(const ushort *at)
{
	return (uint)at[0] | (uint)at[1] << 16;
}
DEVICE float half_bits(ushort bits)
{
	return widen(half{bits});
}

struct alignas(8) two_words {
	uint at[2];
};

struct q8 {
	enum { STEP = 8, BYTES = 34, PARTS = 4 }; /* four threads share a block */
	struct x_piece {
		two_words q;
		float each;
	};
	struct piece {
		uint q[2];
		float scale;
	};
	static __device__ x_piece load(const uchar *x, const x_scale *scales, uint i)
	{
		return x_piece{((const two_words *)x)[i], scales[i / 4].each};
	}
	static __device__ piece weights(const uchar *row, uint i)
	{
		const ushort *block = (const ushort *)(row + (uint64)(i / 4) * BYTES),
			     *q = block + 1 + i % 4 * 4;

		return piece{{word_of_halves(q), word_of_halves(q + 2)}, half_bits(block[0])};
	}
	static __device__ float product(const piece &w, const x_piece &x)
	{
		return (float)dot4(w.q[1], x.q.at[1], dot4(w.q[0], x.q.at[0], 0)) * (w.scale * x.each);
	}
	static __device__ float block_product(const uchar *w, const uchar *x, const x_scale &scale, int part)
	{
		const ushort *block = (const ushort *)w, *q = block + 1 + 4 * part;
		const two_words v = ((const two_words *)x)[part];
		const int sum = dot4(word_of_halves(q + 2), v.at[1], dot4(word_of_halves(q), v.at[0], 0));

		return (float)sum * (half_bits(block[0]) * scale.each);
	}
};

struct q4 {
	enum {
		STEP = 16,
		BYTES = 18,
		PARTS = 2
	}; /* two threads share a block: weights 0-7 and 16-23, or 8-15 and 24-31 */
	struct x_piece {
		two_words low, high;
		float each, offset;
	};
	struct piece {
		uint q[2];
		float scale;
	};
	static __device__ x_piece load(const uchar *x, const x_scale *scales, uint i)
	{
		const two_words *at = (const two_words *)x + i / 2 * 4 + i % 2;
		const x_scale s = scales[i / 2];

		return x_piece{at[0], at[2], s.each, 4.0f * s.sum}; /* half of eight times the sum */
	}
	static __device__ piece weights(const uchar *row, uint i)
	{
		const ushort *block = (const ushort *)(row + (uint64)(i / 2) * BYTES),
			     *q = block + 1 + i % 2 * 4;

		return piece{{word_of_halves(q), word_of_halves(q + 2)}, half_bits(block[0])};
	}
	static __device__ float product(const piece &w, const x_piece &x)
	{
		int sum = 0;

		UNROLL for (int j = 0; j < 2; j++)
		{
			sum = dot4(w.q[j] & 0x0f0f0f0fu, x.low.at[j], sum);
			sum = dot4(w.q[j] >> 4 & 0x0f0f0f0fu, x.high.at[j], sum);
		}
		return w.scale * ((float)sum * x.each - x.offset);
	}
	static __device__ float block_product(const uchar *w, const uchar *x, const x_scale &scale, int part)
	{
		const ushort *block = (const ushort *)w, *q = block + 1 + 4 * part;
		const two_words low = ((const two_words *)x)[part], high = ((const two_words *)x)[part + 2];
		const x_scale s = scale;
		int sum = 0;

		UNROLL for (int j = 0; j < 2; j++)
		{
			const uint word = word_of_halves(q + 2 * j);

			sum = dot4(word & 0x0f0f0f0fu, low.at[j], sum);
			sum = dot4(word >> 4 & 0x0f0f0f0fu, high.at[j], sum);
		}
		return half_bits(block[0]) * ((float)sum * s.each - 4.0f * s.sum);
	}
};
