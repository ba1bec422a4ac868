/* blocks.c - see blocks.h. */
#include "kernels/cpu/blocks.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "sim/base/err.h"

/* The half is shifted to its place with its sign, and the exponent's bias of 15 made good to 127 by a factor; exact for subnormal
 * numbers too, wrong for infinities, which no scale is. */
static inline float scale_of(uint16_t half)
{
	const uint32_t bits = ((uint32_t)(int32_t)(int16_t)half << 13) & 0x8fffe000u;
	float f;

	memcpy(&f, &bits, sizeof f);
	return f * 0x1p112f;
}

float half_to_float(uint16_t h)
{
	return scale_of(h);
}

double x_block_at(const struct x_block *b, size_t i)
{
	return (double)b->scale * b->q[i];
}

/* ---- any processor: the vector types of gcc and clang, one row by one column ---- */

typedef int8_t b16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef int16_t s16 __attribute__((vector_size(32)));
typedef int32_t i8 __attribute__((vector_size(32)));

static void round_baseline(struct x_block *to, const float *x, size_t blocks)
{
	const float whole = 12582912.0f; /* 1.5 * 2^23: adding it rounds */

	for (size_t b = 0; b < blocks; b++, x += QUANT_BLOCK) {
		float most = 0, inverse;

		for (size_t i = 0; i < QUANT_BLOCK; i++) {
			const float size = x[i] < 0 ? -x[i] : x[i];

			most = size > most ? size : most;
		}
		inverse = most > 0 ? 127 / most : 0;
		to[b].scale = most / 127;
		to[b].sum = 0;
		for (size_t i = 0; i < QUANT_BLOCK; i++) {
			to[b].q[i] = (int8_t)((x[i] * inverse + whole) - whole);
			to[b].sum += to[b].q[i];
		}
	}
}

#define WIDENED(x) __builtin_convertvector(x, s16)

/* The sum of 16 lanes, each of which has two products of 127 x 128 at most. */
static int32_t sum_of(const s16 *products)
{
	const i8 both = (i8)*products, pairs = (both >> 16) + ((both << 16) >> 16);

	return (pairs[0] + pairs[1]) + (pairs[2] + pairs[3]) + (pairs[4] + pairs[5]) + (pairs[6] + pairs[7]);
}

static float dot_q8(const struct q8_block *w, const struct x_block *x, size_t blocks)
{
	float total = 0;

	for (size_t b = 0; b < blocks; b++) {
		const b16 *wq = (const b16 *)w[b].q, *xq = (const b16 *)x[b].q;
		const s16 products = WIDENED(wq[0]) * WIDENED(xq[0]) + WIDENED(wq[1]) * WIDENED(xq[1]);

		total += (float)sum_of(&products) * (scale_of(w[b].scale) * x[b].scale);
	}
	return total;
}

static float dot_q4(const struct q4_block *w, const struct x_block *x, size_t blocks)
{
	float total = 0;

	for (size_t b = 0; b < blocks; b++) {
		const b16 q = *(const b16 *)w[b].q, *xq = (const b16 *)x[b].q;
		const s16 products =
			WIDENED(q & 15) * WIDENED(xq[0]) + WIDENED((q >> 4) & 15) * WIDENED(xq[1]);

		total += (float)(sum_of(&products) - 8 * x[b].sum) * (scale_of(w[b].scale) * x[b].scale);
	}
	return total;
}

static void product_q8_baseline(const struct block_product *p)
{
	const struct q8_block *w = p->w;

	for (size_t c = 0; c < p->columns; c++)
		for (size_t r = 0; r < p->rows; r++)
			p->y[r * p->y_stride + c] =
				dot_q8(w + c * p->blocks, p->x + r * p->blocks, p->blocks);
}

static void product_q4_baseline(const struct block_product *p)
{
	const struct q4_block *w = p->w;

	for (size_t c = 0; c < p->columns; c++)
		for (size_t r = 0; r < p->rows; r++)
			p->y[r * p->y_stride + c] =
				dot_q4(w + c * p->blocks, p->x + r * p->blocks, p->blocks);
}

static const struct block_loops baseline = {"baseline", round_baseline, product_q8_baseline,
					    product_q4_baseline};

/* ---- x86 ---- */

#if defined(__x86_64__)
/* What one instruction set does with a block: sums of four products in each of eight lanes. The first factor of its
 * instructions is without a sign. */
#define AVX2 __attribute__((target("avx2,fma")))
#define VNNI __attribute__((target("avx2,fma,avx512f,avx512vl,avx512vnni")))

/* Numbers without a sign, and their signs; without the sign of -128 its bits are 128. */
AVX2 static inline __m256i sums_q8_avx2(__m256i w, const struct x_block *x)
{
	const __m256i q = _mm256_loadu_si256((const __m256i *)(const void *)x->q);
	const __m256i pairs = _mm256_maddubs_epi16(_mm256_sign_epi8(w, w), _mm256_sign_epi8(q, w));

	return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/* An eighth of the sum of x, eight times its offset, is taken from each lane. */
AVX2 static inline __m256i sums_q4_avx2(__m256i w, const struct x_block *x)
{
	const __m256i q = _mm256_loadu_si256((const __m256i *)(const void *)x->q);
	const __m256i pairs = _mm256_maddubs_epi16(w, q);

	return _mm256_sub_epi32(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)), _mm256_set1_epi32(x->sum));
}

AVX2 static inline __m256i load_q8_avx2(const struct q8_block *b)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)b->q);
}

/* Weights of 8 bits plus 128, which has no sign; 128 times the sum of x is taken from the sums. */
VNNI static inline __m256i sums_q8_vnni(__m256i w, const struct x_block *x)
{
	return _mm256_dpbusd_epi32(_mm256_set1_epi32(-16 * x->sum), w,
				   _mm256_loadu_si256((const __m256i *)(const void *)x->q));
}

VNNI static inline __m256i sums_q4_vnni(__m256i w, const struct x_block *x)
{
	return _mm256_dpbusd_epi32(_mm256_set1_epi32(-x->sum), w,
				   _mm256_loadu_si256((const __m256i *)(const void *)x->q));
}

VNNI static inline __m256i load_q8_vnni(const struct q8_block *b)
{
	return _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)b->q),
				_mm256_set1_epi8(-128));
}

AVX2 static inline __m256i load_q4_avx2(const struct q4_block *b)
{
	const __m128i q = _mm_loadu_si128((const __m128i *)(const void *)b->q);

	return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(q, 4), q), _mm256_set1_epi8(15));
}
#define load_q4_vnni load_q4_avx2

/* Sixteen registers hold four rows by two columns and what they are made of, thirty-two of them four by four. */
#define SET(name)    name##_avx2
#define SET_NAME     "avx2"
#define TARGET       AVX2
#define TILE_COLUMNS 2
#include "kernels/cpu/blocks_x86.inc"
#undef SET
#undef SET_NAME
#undef TARGET
#undef TILE_COLUMNS

#define SET(name)    name##_vnni
#define SET_NAME     "vnni"
#define TARGET       VNNI
#define TILE_COLUMNS 4
#include "kernels/cpu/blocks_x86.inc"
#undef SET
#undef SET_NAME
#undef TARGET
#undef TILE_COLUMNS
#endif

#if defined(__x86_64__)
static const struct block_loops *const wide[] = {&loops_vnni, &loops_avx2, &baseline, NULL};

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_vnni(void)
{
	return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vnni");
}

const struct block_loops *const *blocks_all(void)
{
	return has_vnni() ? wide : has_avx2() ? wide + 1 : wide + 2;
}
#else
const struct block_loops *const *blocks_all(void)
{
	static const struct block_loops *const one[] = {&baseline, NULL};

	return one;
}
#endif

const struct block_loops *blocks_best(void)
{
	return blocks_all()[0];
}
