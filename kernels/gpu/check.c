/* check.c - random data for a plan's buffers, and the check of what a kernel made of it; see plan.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gpu/numbers.h"
#include "kernels/gpu/layer.h"
#include "kernels/gpu/plan.h"

/*
 * Random elements are made once and repeated. The period is a prime, so it never fits a row, and a kernel
 * that reads the wrong row finds other numbers there.
 */
enum { PERIOD = 1048573, BLOCK_PERIOD = 65521, SPOTS = 64, SPOTS_LEAST = 8, CHECKED_TERMS = 1 << 25 };

/* Allowed error, of the sum of |terms| in it: floats that are added in another order; a rounded half between.
 */
static const double LOOSE_FLOAT = 1e-5, LOOSE_HALF = 3e-3, LOOSE_BFLOAT = 2e-2;

static size_t element_B(enum sample_dtype t)
{
	static const size_t of[SAMPLE_DTYPE_N] = {4, 2, 2, Q8_B, Q4_B};

	return of[t];
}

static void element_make(unsigned char *to, enum sample_dtype t, uint64_t *rng)
{
	const float f = random_float(rng);
	const uint16_t scale = half_of(0.01f * f);

	switch (t) {
	case SAMPLE_F32:
		memcpy(to, &f, sizeof f);
		return;
	case SAMPLE_F16:
		memcpy(to, &(uint16_t){half_of(f)}, 2);
		return;
	case SAMPLE_BF16:
		memcpy(to, &(uint16_t){bfloat_of(f)}, 2);
		return;
	default:
		memcpy(to, &scale, sizeof scale);
		for (size_t i = 2; i < element_B(t); i++)
			to[i] = (unsigned char)(random_next(rng) >> 32);
	}
}

static void random_fill(unsigned char *to, size_t bytes, enum sample_dtype t, uint64_t seed)
{
	const size_t size = element_B(t), period = (t >= SAMPLE_Q8 ? BLOCK_PERIOD : PERIOD) * size;
	uint64_t rng = seed * 0x9e3779b97f4a7c15ull + 1;
	size_t at = 0;

	for (; at + size <= bytes && at < period; at += size)
		element_make(to + at, t, &rng);
	memset(to + at, 0x3c, bytes - at < size ? bytes - at : 0);
	for (; at + period <= bytes; at += period)
		memcpy(to + at, to, period);
	if (at < bytes && at >= period)
		memcpy(to + at, to, bytes - at);
}

static void adam_fill(float *to, const float *gradient, size_t n, int which)
{
	for (size_t i = 0; i < n; i++) {
		const float g = gradient[i];

		to[i] = which == 0 ? g : which == 2 ? 0.5f * g : 0.25f * g * g;
	}
}

static void gather_fill(uint32_t *to, const struct bench_case *c, bool ids)
{
	uint32_t used = 0;

	for (int64_t e = 0; e < c->k; e++) {
		if (!ids)
			to[e] = used;
		for (int64_t t = e; t < c->m; t += c->k, used++)
			if (ids)
				to[used] = (uint32_t)t;
	}
	if (!ids)
		to[c->k] = used;
}

void gpu_plan_fill(const struct plan *p, int i, void *const *at)
{
	const struct plan_buffer *b = &p->buffers[i];
	const size_t all = b->stride * (size_t)b->copies;

	switch (b->fill) {
	case FILL_RANDOM:
		random_fill(at[i], all, b->dtype, (uint64_t)i + 1);
		break;
	case FILL_NAN:
		memset(at[i], 0xff, all);
		break;
	case FILL_ZERO:
		memset(at[i], 0, all);
		break;
	case FILL_ADAM:
		adam_fill(at[i], at[1], b->bytes / sizeof(float), i);
		break;
	case FILL_CHOICE:
		for (int64_t t = 0; t < p->c.m; t++)
			((uint32_t *)at[i])[t] = (uint32_t)(t % p->c.k);
		break;
	case FILL_EXPERTS:
	case FILL_TOKENS:
		gather_fill(at[i], &p->c, b->fill == FILL_TOKENS);
		break;
	}
}

/* ---- the check ---- */
struct reference {
	double value, size; /* a sum, and the sum of |terms| */
};

/* Element i of row `row`, of `width` elements each. */
static double element(const void *at, enum sample_dtype t, int64_t row, int64_t width, int64_t i)
{
	const unsigned char *p = at;

	switch (t) {
	case SAMPLE_F32:
		return (double)((const float *)at)[row * width + i];
	case SAMPLE_F16:
		return (double)float_of_half(((const uint16_t *)at)[row * width + i]);
	case SAMPLE_BF16:
		return (double)float_of_bfloat(((const uint16_t *)at)[row * width + i]);
	case SAMPLE_Q8:
		return (double)q8_weight(p + row * (width / BLOCK) * Q8_B, i);
	default:
		return (double)q4_weight(p + row * (width / BLOCK) * Q4_B, i);
	}
}

static int close_to(const struct plan *p, int64_t at, double got, const struct reference *want, double loose,
		    struct err *err)
{
	if (fabs(got - want->value) <= loose * want->size + 1e-9) /* a NaN is not */
		return 0;
	return err_set(err, "%s: %s gives a wrong result: element %lld is %.9g, not %.9g", p->style->backend,
		       p->steps_n ? p->steps[p->steps_n - 1].kernel : p->style->product, (long long)at, got,
		       want->value);
}

static double loose_of(enum sample_dtype result)
{
	return result == SAMPLE_F32 ? LOOSE_FLOAT : result == SAMPLE_F16 ? LOOSE_HALF : LOOSE_BFLOAT;
}

static int64_t spot(int64_t n, uint64_t *rng)
{
	return (int64_t)(random_next(rng) >> 1) % n;
}

/* Number j of a row of x as it was multiplied: where it was rounded to 8 bits, what the kernel made of it, which is within
 * half a step of x. */
static int input_at(const struct plan *p, void *const *at, int64_t row, int64_t k, int64_t j, double *x,
		    struct err *err)
{
	const double exact = element(at[0], p->buffers[0].dtype, row, k, j);
	double step;

	*x = exact;
	if (!p->rounded)
		return 0;
	step = (double)((const float *)at[p->rounded + 1])[(row * k + j) / BLOCK * 2];
	*x = step * ((const signed char *)at[p->rounded])[row * k + j];
	if (fabs(*x - exact) <= 0.501 * step) /* a NaN is not */
		return 0;
	return err_set(err, "%s: %s gives a wrong result: element %lld of %.9g is rounded to %.9g",
		       p->style->backend, p->steps[0].kernel, (long long)(row * k + j), exact, *x);
}

/* y[row][col] of weights[expert][col][...] by x[row][...] */
static int product_check(const struct plan *p, void *const *at, struct err *err)
{
	const struct bench_case *c = &p->c;
	const int64_t k = c->kind == SAMPLE_MOE ? c->n : c->k, experts = c->kind == SAMPLE_MOE ? c->k : 1;
	const enum sample_dtype out = p->buffers[2].dtype;
	const double loose = c->dtype == SAMPLE_Q4 ? 10 * LOOSE_FLOAT /* larger terms cancel */
			     : p->sums_narrow      ? LOOSE_HALF
						   : loose_of(out);
	uint64_t rng = 0xfeed;

	for (int i = 0; i < SPOTS; i++) {
		const int64_t row = spot(c->m, &rng), col = spot(c->n, &rng);
		struct reference want = {0};

		for (int64_t j = 0; j < k; j++) {
			double x, term;

			if (input_at(p, at, row, k, j, &x, err) != 0)
				return -1;
			term = x * element(at[1], c->dtype, row % experts * c->n + col, k, j);
			want.value += term;
			want.size += fabs(term);
		}
		if (close_to(p, row * c->n + col, element(at[2], out, row, c->n, col), &want, loose, err) !=
		    0)
			return -1;
	}
	return 0;
}

/* One element of one query of one head: two passes over its keys, the scores kept. */
static double attend(const struct plan *p, void *const *at, const int64_t place[3], double *score)
{
	const struct bench_case *c = &p->c;
	const int64_t D = c->head_dim, m = c->kind == SAMPLE_DECODE ? 1 : c->m, head = place[0],
		      query = place[1];
	const int64_t row0 = head / (c->heads / c->kv_heads) * c->n, seen = c->n - m + query + 1;
	double high = -INFINITY, sum = 0, out = 0;

	for (int64_t t = 0; t < seen; t++) {
		score[t] = 0;
		for (int64_t i = 0; i < D; i++)
			score[t] += element(at[0], SAMPLE_F16, head * m + query, D, i) *
				    element(at[1], SAMPLE_F16, row0 + t, D, i) / sqrt((double)D);
		high = fmax(high, score[t]);
	}
	for (int64_t t = 0; t < seen; t++) {
		sum += exp(score[t] - high);
		out += exp(score[t] - high) * element(at[2], SAMPLE_F16, row0 + t, D, place[2]);
	}
	return out / sum;
}

static int attention_check(const struct plan *p, void *const *at, struct err *err)
{
	const struct bench_case *c = &p->c;
	const int64_t D = c->head_dim, m = c->kind == SAMPLE_DECODE ? 1 : c->m;
	const int64_t affordable = CHECKED_TERMS / (c->n * D); /* a long context takes seconds on the host */
	const int spots = affordable > SPOTS         ? SPOTS
			  : affordable > SPOTS_LEAST ? (int)affordable
						     : SPOTS_LEAST;
	double *score = malloc((size_t)c->n * sizeof *score);
	uint64_t rng = 0xbeef;
	int rc = 0;

	if (!score)
		return err_set(err, "%s: no memory for the scores of %lld keys", p->style->backend,
			       (long long)c->n);
	for (int i = 0; i < spots && rc == 0; i++) {
		const int64_t place[3] = {spot(c->heads, &rng), spot(m, &rng), spot(D, &rng)};
		const struct reference want = {attend(p, at, place, score), 1};
		const int64_t row = place[0] * m + place[1];

		rc = close_to(p, row * D + place[2], element(at[3], SAMPLE_F32, row, D, place[2]), &want,
			      LOOSE_HALF, err);
	}
	free(score);
	return rc;
}

static int read_check(const struct plan *p, void *const *at, struct err *err)
{
	const uint32_t *data = at[0], *sums = at[1];
	uint32_t want = 0, got = 0;

	for (size_t i = 0; i < p->buffers[0].bytes / 4; i++)
		want ^= data[i];
	for (size_t i = 0; i < p->buffers[1].bytes / 4; i++)
		got ^= sums[i];
	if (got == want)
		return 0;
	return err_set(err, "%s: stream_read gives a wrong result: sum %08x, not %08x", p->style->backend,
		       got, want);
}

static int stream_check(const struct plan *p, void *const *at, struct err *err)
{
	const struct bench_case *c = &p->c;
	const int64_t n = (int64_t)p->buffers[0].bytes / 4;
	const uint32_t *in = at[0], *out = at[p->buffers_n - 1];
	uint64_t rng = 0xcafe;

	for (int i = 0; i < SPOTS; i++) {
		const int64_t e = spot(n / 4, &rng) * 4; /* the first of its vector */
		const double x = (double)((const float *)at[0])[e];
		struct reference want = {x, fabs(x)};

		if (c->kind == SAMPLE_TRIAD) {
			const double y = (double)((const float *)at[1])[e];

			want = (struct reference){x + 0.75 * y, fabs(x) + fabs(y)};
			if (close_to(p, e, (double)((const float *)at[2])[e], &want, LOOSE_FLOAT, err) != 0)
				return -1;
		} else if (out[e] != (c->kind == SAMPLE_COPY ? in[e] : ((uint32_t)(e / 4) ^ 0x2545f491u))) {
			return err_set(err, "%s: %s gives a wrong result: word %lld is %08x",
				       p->style->backend, p->steps[0].kernel, (long long)e, out[e]);
		}
	}
	return 0;
}

static int pass_check(const struct plan *p, void *const *at, struct err *err)
{
	const struct bench_case *c = &p->c;
	uint64_t rng = 0xabba;

	for (int i = 0; i < SPOTS; i++) {
		const int64_t row = spot(c->m, &rng), col = spot(c->n, &rng);
		struct reference want;
		double sum = 0;

		for (int64_t j = 0; j < c->n; j++)
			sum += pow(element(at[0], c->dtype, row, c->n, j), 2);
		want.value = element(at[0], c->dtype, row, c->n, col) / sqrt(sum / (double)c->n + 1e-5) *
			     element(at[1], c->dtype, 0, c->n, col);
		want.size = fabs(want.value);
		if (close_to(p, row * c->n + col, element(at[2], c->dtype, row, c->n, col), &want,
			     2 * loose_of(c->dtype), err) != 0)
			return -1;
	}
	return 0;
}

/* What adam_fill() wrote follows from the gradient: weight g, moments g/2 and g^2/4. */
static int adam_check(const struct plan *p, void *const *at, struct err *err)
{
	const float *gradient = at[1];
	uint64_t rng = 0xada;

	for (int i = 0; i < SPOTS; i++) {
		const int64_t e = spot((int64_t)p->buffers[1].bytes / 4, &rng);
		const double g = (double)gradient[e], m = 0.9 * 0.5 * g + 0.1 * g;
		const double v = 0.999 * 0.25 * g * g + 0.001 * g * g;
		const struct reference want[] = {
			{g - 1e-3 * m / (sqrt(v) + 1e-8), fabs(g) + 1e-3}, {0, 0}, {m, fabs(m)}, {v, v}};

		for (int b = 0; b < 4; b++)
			if (b != 1 && close_to(p, e, (double)((const float *)at[b])[e], &want[b], LOOSE_FLOAT,
					       err) != 0)
				return -1;
	}
	return 0;
}

static int launch_check(const struct plan *p, void *const *at, struct err *err)
{
	const uint32_t got = *(const uint32_t *)at[0], want = p->concurrent ? 0 : (uint32_t)p->c.m;

	if (got == want)
		return 0;
	return err_set(err, "%s: %s ran %u times, not %u", p->style->backend, p->steps[0].kernel, got, want);
}

/* Of a kernel that runs among others as of one that runs alone. */
static int layer_check(const struct plan *p, void *const *at, struct err *err)
{
	for (int i = 0; i < p->parts_n; i++) {
		struct plan part;

		layer_part(p, i, &part);
		if (gpu_plan_check(&part, at + p->parts[i].first, err) != 0)
			return -1;
	}
	return 0;
}

int gpu_plan_check(const struct plan *p, void *const *at, struct err *err)
{
	switch (p->c.kind) {
	case SAMPLE_LAYER:
	case SAMPLE_PARTS:
		return layer_check(p, at, err);
	case SAMPLE_READ:
		return read_check(p, at, err);
	case SAMPLE_WRITE:
	case SAMPLE_COPY:
	case SAMPLE_TRIAD:
		return stream_check(p, at, err);
	case SAMPLE_PREFILL:
	case SAMPLE_DECODE:
		return attention_check(p, at, err);
	case SAMPLE_ELEMENTWISE:
		return pass_check(p, at, err);
	case SAMPLE_ADAM:
		return adam_check(p, at, err);
	case SAMPLE_DISPATCH:
	case SAMPLE_SUBMIT:
		return launch_check(p, at, err);
	case SAMPLE_HOST_COPY:
		return 0; /* the host checks what it copied */
	default:
		return product_check(p, at, err);
	}
}
