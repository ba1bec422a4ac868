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
