/*
 * numbers.h - 16-bit floats, block formats and random numbers on the host's side of the GPU kernels.
 *
 * Portable bit arithmetic, so that the same text runs where the kernels are tested. Rounding is to nearest
 * even.
 */
#ifndef KERNELS_GPU_NUMBERS_H
#define KERNELS_GPU_NUMBERS_H
#include <stdint.h>
#include <string.h>

enum { BLOCK = 32, Q8_B = 34, Q4_B = 18 }; /* weights in a block; its bytes, a half scale among them */

static inline uint32_t float_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof u);
	return u;
}

static inline float float_of_bits(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof f);
	return f;
}

static inline uint16_t half_of(float f)
{
	const uint32_t u = float_bits(f), sign = u >> 16 & 0x8000u, mag = u & 0x7fffffffu;

	if (mag >= 0x477ff000u) /* 65520 and more, infinity, NaN */
		return (uint16_t)(sign | (mag > 0x7f800000u ? 0x7e00u : 0x7c00u));
	if (mag < 0x38800000u) /* below 2^-14: the sum with 0.5 rounds at the right place */
		return (uint16_t)(sign | (float_bits(float_of_bits(mag) + 0.5f) - 0x3f000000u));
	return (uint16_t)(sign | ((mag + 0xfffu + (mag >> 13 & 1u) - 0x38000000u) >> 13));
}

static inline float float_of_half(uint16_t h)
{
	const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, mag = h & 0x7fffu;

	if (mag >= 0x7c00u)
		return float_of_bits(sign | 0x7f800000u | (mag & 0x3ffu) << 13);
	if (mag < 0x400u)
		return float_of_bits(sign | float_bits((float)mag * 0x1p-24f));
	return float_of_bits(sign | ((mag << 13) + 0x38000000u));
}

static inline uint16_t bfloat_of(float f)
{
	const uint32_t u = float_bits(f);

	if ((u & 0x7fffffffu) > 0x7f800000u)
		return (uint16_t)(u >> 16 | 64u);
	return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

static inline float float_of_bfloat(uint16_t b)
{
	return float_of_bits((uint32_t)b << 16);
}

/* xorshift64* (Vigna, 2014): state must not be 0 */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

/* About N(0, 1/3), from -1.5 to 1.5: the sum of three uniform ones, as products of weights look. */
static inline float random_float(uint64_t *state)
{
	const uint64_t r = random_next(state);
	const uint32_t sum =
		(uint32_t)(r & 0xffff) + (uint32_t)(r >> 16 & 0xffff) + (uint32_t)(r >> 32 & 0xffff);

	return (float)sum * 0x1p-16f - 1.5f;
}

/* Weight i of a row of blocks. q8: scale, 32 signed bytes. q4: scale, 16 bytes, low nibbles first. */
static inline float q8_weight(const unsigned char *row, int64_t i)
{
	const unsigned char *block = row + i / BLOCK * Q8_B;
	uint16_t scale;

	memcpy(&scale, block, sizeof scale);
	return float_of_half(scale) * (float)(signed char)block[2 + i % BLOCK];
}

static inline float q4_weight(const unsigned char *row, int64_t i)
{
	const unsigned char *block = row + i / BLOCK * Q4_B;
	const int at = (int)(i % BLOCK), byte = block[2 + at % (BLOCK / 2)];
	uint16_t scale;

	memcpy(&scale, block, sizeof scale);
	return float_of_half(scale) * (float)((at < BLOCK / 2 ? byte & 15 : byte >> 4) - 8);
}

#endif
