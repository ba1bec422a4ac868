/* inner.c - see inner.h. */
#include "kernels/cpu/inner.h"

#include <math.h>
#include <string.h>

#include "sim/base/err.h"

/* Vector types that need no alignment and may alias floats. */
#define VECTOR(n) __attribute__((vector_size(n), aligned(4), may_alias))
typedef float v8 VECTOR(32);
typedef float v4 VECTOR(16);
typedef int32_t i8 VECTOR(32);
typedef uint16_t u8 __attribute__((vector_size(16), aligned(1), may_alias));
typedef int16_t s16 __attribute__((vector_size(32), aligned(1), may_alias));
typedef int16_t s8 __attribute__((vector_size(16), aligned(1), may_alias));
typedef int32_t i4 VECTOR(16);

static inline float widen_half(uint16_t h)
{
	const uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13, sign = (uint32_t)(h & 0x8000) << 16;
	uint32_t bits;
	float f;

	memcpy(&f, &magnitude, sizeof f);
	f *= 0x1p112f; /* from the exponent's bias of 15 to that of 127; exact for subnormal numbers too */
	memcpy(&bits, &f, sizeof bits);
	bits |= sign;
	memcpy(&f, &bits, sizeof f);
	return f;
}

/* A block's scale times another number: the exponent's bias is made good by a factor, which multiplies that number, so that the
 * half is only shifted to its place. */
static inline float scale_of(uint16_t half, float by_2_112)
{
	const uint32_t bits = ((uint32_t)(int32_t)(int16_t)half << 13) & 0x8fffe000u;
	float f;

	memcpy(&f, &bits, sizeof f);
	return f * by_2_112;
}

float half_to_float(uint16_t h)
{
	return widen_half(h);
}

double x_block_at(const struct x_block *b, size_t i)
{
	return (double)b->scale * (i % 2 ? b->odd[i / 2] : b->even[i / 2]);
}

#define INNER(name) name##_baseline
#define INNER_NAME  "baseline"
#define TARGET
#include "kernels/cpu/inner_loops.inc"
#undef INNER
#undef INNER_NAME
#undef TARGET

#if defined(__x86_64__)
#define INNER(name) name##_avx2
#define INNER_NAME  "avx2"
#define TARGET      __attribute__((target("avx2,fma")))
#include "kernels/cpu/inner_loops.inc"
#undef INNER
#undef INNER_NAME
#undef TARGET
#endif

const struct inner *const *inner_all(void)
{
#if defined(__x86_64__)
	static const struct inner *const both[] = {&set_avx2, &set_baseline, NULL};

	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return both;
#endif
	static const struct inner *const one[] = {&set_baseline, NULL};

	return one;
}

const struct inner *inner_best(void)
{
	return inner_all()[0];
}
