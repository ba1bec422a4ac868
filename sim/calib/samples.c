/* samples.c - names, and the median with its interval; see samples.h. */
#include "sim/calib/samples.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/exact_math.h"
#include "sim/base/mem.h"
#include "sim/stats/quantile.h"

const char *const sample_kind_names[SAMPLE_KIND_N + 1] = {
	[SAMPLE_READ] = "read",       [SAMPLE_WRITE] = "write",         [SAMPLE_COPY] = "copy",
	[SAMPLE_TRIAD] = "triad",     [SAMPLE_GEMM] = "gemm",           [SAMPLE_GEMV] = "gemv",
	[SAMPLE_PREFILL] = "prefill", [SAMPLE_DECODE] = "decode",       [SAMPLE_ELEMENTWISE] = "elementwise",
	[SAMPLE_MOE] = "moe",         [SAMPLE_ADAM] = "adam",           [SAMPLE_DISPATCH] = "dispatch",
	[SAMPLE_SUBMIT] = "submit",   [SAMPLE_SUSTAINED] = "sustained", [SAMPLE_HOST_COPY] = "host-copy",
	[SAMPLE_LINK] = "link",       [SAMPLE_LAYER] = "layer",         [SAMPLE_PARTS] = "parts",
	[SAMPLE_KIND_N] = NULL};
const char *const sample_dtype_names[SAMPLE_DTYPE_N + 1] = {
	[SAMPLE_F32] = "f32", [SAMPLE_F16] = "f16", [SAMPLE_BF16] = "bf16",
	[SAMPLE_Q8] = "q8",   [SAMPLE_Q4] = "q4",   [SAMPLE_DTYPE_N] = NULL};

/* The rank r (from 1) such that x(r) .. x(n+1-r) holds the median with 95 % or more: the largest r with
 * P(Binomial(n, 1/2) < r) <= 2.5 % (David & Nagaraja, "Order Statistics", section 7.1). 0: n is too small. */
static size_t lower_rank(size_t n)
{
	double log_p = -(double)n * exact_log(2), below = exact_exp(log_p); /* P(r) and P(r or less) */
	size_t r = 0;

	while (r + 1 <= n / 2 && below <= 0.025) {
		r++;
		log_p += exact_log((double)(n - r + 1) / (double)r);
		below += exact_exp(log_p);
	}
	return r;
}

bool sample_is_of_path(const struct sample *s, const char *path)
{
	return s->path && !strcmp(s->path, path);
}

struct sample_median sample_median(const struct sample *s)
{
	const size_t n = s->seconds_n;
	struct sample_median m;
	double *x;
	size_t r;

	BUG_ON(!n);
	x = xmalloc(n * sizeof *x);
	memcpy(x, s->seconds, n * sizeof *x);
	quantile_sort(x, n);
	r = n >= 6 ? lower_rank(n) : 1;
	r = r ? r : 1;
	m = (struct sample_median){quantile_sorted(x, n, 0.5), x[r - 1], x[n - r]};
	free(x);
	return m;
}
