/*
 * device.h - takes the place of kernels/cuda/device.h where the kernels are compiled as C++ and run on a CPU.
 *
 * A fiber stands for each GPU thread (tests/metal/shim/rt.h): warps run one after the other as far as they can, so a
 * missing barrier reads what nobody has written. Shared memory lies in a section of its own, which is NaN at the start of
 * every block. Asynchronous copies are carried out when they are waited for, and not before.
 */
#pragma once
#define SHARED_MEMORY_MAX_B                                                                                  \
	(1 << 30) /* the section of all kernels of a file; what one may have NVRTC checks */
#include <cmath>
#include <vector>

#include "kernels/gpu/numbers.h"
#include "tests/metal/shim/rt.h"

typedef unsigned char uchar;
typedef unsigned long long uint64;

#define KERNEL(threads) extern "C" __attribute__((visibility("default"))) void
#define KERNEL_ALONE(threads) KERNEL(threads)
#define DEVICE          static inline
#define SHARED          static __attribute__((section("cuda_shared"), aligned(16)))
#define PARAMS(type)    const type & /* as the launch passes it: by address */
#define UNROLL
#define __device__

struct alignas(16) words {
	uint at[4];
};
struct half {
	ushort bits;
};
struct bfloat {
	ushort bits;
};

DEVICE uint thread_of_block()
{
	return mslrt::M.cur;
}
DEVICE uint block_x()
{
	return mslrt::M.group.x;
}
DEVICE uint block_y()
{
	return mslrt::M.group.y;
}
DEVICE uint blocks_x()
{
	return mslrt::M.groups.x;
}
DEVICE uint block_size()
{
	return mslrt::M.size.x;
}
DEVICE void block_barrier()
{
	mslrt::barrier();
}

extern "C" int emulated_waits; /* of all threads since it was set to 0 */
DEVICE void previous_end()
{
	emulated_waits++;
}
DEVICE void next_begin() {}

DEVICE float widen(float x)
{
	return x;
}
DEVICE float widen(half x)
{
	return float_of_half(x.bits);
}
DEVICE float widen(bfloat x)
{
	return float_of_bfloat(x.bits);
}
DEVICE void narrow(float f, float *to)
{
	*to = f;
}
DEVICE void narrow(float f, half *to)
{
	to->bits = half_of(f);
}
DEVICE void narrow(float f, bfloat *to)
{
	to->bits = bfloat_of(f);
}
DEVICE uint bits_of_float(float x)
{
	return float_bits(x);
}
DEVICE float size_of_float(float x)
{
	return fabsf(x);
}
DEVICE int byte_in(uint word, uint which)
{
	return (signed char)(word >> 8 * which);
}
DEVICE int dot4(uint a, uint b, int sum)
{
	for (uint i = 0; i < 4; i++)
		sum += byte_in(a, i) * byte_in(b, i);
	return sum;
}
DEVICE float exp2_fast(float x)
{
	return exp2f(x);
}
DEVICE float rsqrt_fast(float x)
{
	return 1 / sqrtf(x);
}
DEVICE float root(float x)
{
	return sqrtf(x);
}
DEVICE float larger(float a, float b)
{
	return fmaxf(a, b);
}

enum meeting { SHUFFLE = 1, MULTIPLY, MULTIPLY_BYTES, LOAD, LOAD_TRANSPOSED };

template <typename T> T shuffle_xor(T x, uint mask)
{
	T other;

	memcpy(&other, mslrt::meet(SHUFFLE, &x, sizeof x)[mslrt::lane() ^ mask], sizeof other);
	return other;
}

struct fragments {
	uint a[4], b[2];
};

DEVICE float half_in(uint pair, uint which)
{
	return float_of_half((ushort)(pair >> 16 * which));
}

/* PTX, mma.m16n8k16: lane 4 g + t holds a[g + 8 (i % 2)][2 t + 8 (i / 2)], b[2 t + 8 i][g] and the next of each, and
 * d[g + 8 (i / 2)][2 t + i % 2]. */
DEVICE void multiply_add(float *d, const uint *a, const uint *b)
{
	const uint g = mslrt::lane() / 4, t = mslrt::lane() % 4;
	fragments all[32];
	const fragments own = {{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
	const char(*met)[mslrt::SLOT_B] = mslrt::meet(MULTIPLY, &own, sizeof own);

	for (int i = 0; i < 32; i++)
		memcpy(&all[i], met[i], sizeof all[i]);
	for (uint i = 0; i < 4; i++) {
		const uint column = 2 * t + i % 2;

		for (uint k = 0; k < 16; k++)
			d[i] += half_in(all[g * 4 + k % 8 / 2].a[i / 2 + k / 8 * 2], k % 2) *
				half_in(all[column * 4 + k % 8 / 2].b[k / 8], k % 2);
	}
}

/* PTX, mma.m16n8k32: lane 4 g + t holds a[g + 8 (i % 2)][4 t + 16 (i / 2)], b[4 t + 16 i][g] and the next three of each, and
 * d as above. */
DEVICE void multiply_add_bytes(int *d, const uint *a, const uint *b)
{
	const uint g = mslrt::lane() / 4, t = mslrt::lane() % 4;
	fragments all[32];
	const fragments own = {{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
	const char(*met)[mslrt::SLOT_B] = mslrt::meet(MULTIPLY_BYTES, &own, sizeof own);

	for (int i = 0; i < 32; i++)
		memcpy(&all[i], met[i], sizeof all[i]);
	for (uint i = 0; i < 4; i++)
		for (uint k = 0; k < 32; k++)
			d[i] += byte_in(all[g * 4 + k % 16 / 4].a[i / 2 + k / 16 * 2], k % 4) *
				byte_in(all[(2 * t + i % 2) * 4 + k % 16 / 4].b[k / 16], k % 4);
}

DEVICE const half *row_of_lane(const char (*met)[mslrt::SLOT_B], uint lane)
{
	const half *row;

	memcpy(&row, met[lane], sizeof row);
	if ((uintptr_t)row % 16)
		mslrt::fail("a row of a matrix is not aligned to 16 bytes");
	return row;
}

DEVICE void matrices_load(uint *r, const half *row)
{
	const uint g = mslrt::lane() / 4, t = mslrt::lane() % 4;
	const char(*met)[mslrt::SLOT_B] = mslrt::meet(LOAD, &row, sizeof row);

	for (uint j = 0; j < 4; j++) {
		const half *from = row_of_lane(met, j * 8 + g) + 2 * t;

		r[j] = from[0].bits | (uint)from[1].bits << 16;
	}
}

DEVICE void matrices_load_transposed(uint *r, const half *row)
{
	const uint g = mslrt::lane() / 4, t = mslrt::lane() % 4;
	const char(*met)[mslrt::SLOT_B] = mslrt::meet(LOAD_TRANSPOSED, &row, sizeof row);

	for (uint j = 0; j < 4; j++)
		r[j] = row_of_lane(met, j * 8 + 2 * t)[g].bits |
		       (uint)row_of_lane(met, j * 8 + 2 * t + 1)[g].bits << 16;
}

/* Copies of one thread that are under way; `group` counts those that were closed. */
struct copy_under_way {
	half *to;
	const half *from;
	bool there;
	uint group;
};
struct copies_of_thread {
	std::vector<copy_under_way> at;
	uint groups;
};
static copies_of_thread copies[mslrt::THREADS_MAX];

DEVICE void copy_begin(half *to, const half *from, bool there)
{
	copies_of_thread &c = copies[mslrt::M.cur];

	if ((uintptr_t)to % 16 || (uintptr_t)from % 16)
		mslrt::fail("a copy of 16 bytes is not aligned");
	c.at.push_back({to, from, there, c.groups});
}
DEVICE void copies_close()
{
	copies[mslrt::M.cur].groups++;
}
DEVICE void copies_finish(uint left)
{
	copies_of_thread &c = copies[mslrt::M.cur];
	std::vector<copy_under_way> rest;

	for (const copy_under_way &one : c.at)
		if (one.group + left >= c.groups)
			rest.push_back(one);
		else if (one.there)
			memcpy(one.to, one.from, 16);
		else
			memset(one.to, 0, 16);
	c.at = rest;
}
DEVICE void copies_wait_but_one()
{
	copies_finish(1);
}
DEVICE void copies_wait()
{
	copies_finish(0);
}

DEVICE uint pack(float low, float high)
{
	return half_of(low) | (uint)half_of(high) << 16;
}
