/* check_calib.c - calibration: laws found again in noisy times, foreign files read, hardware files written.
 */
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/conf/sources.h"
#include "sim/base/file.h"
#include "sim/base/rng.h"
#include "sim/calib/fit_knee.h"
#include "sim/calib/profile.h"
#include "sim/calib/samples_csv.h"
#include "sim/hw/hw.h"
#include "tests/suites.h"

/* Laws with known parameters: times at sizes a constant factor apart, 2 % noise, every twentieth far off. */
static const struct {
	const char *name;
	enum fit_model model;
	double from, to;
	size_t n;
	double truth[FIT_PARAMS];
	double t0; /* FIT_RATE */
} known[] = {
	{"constant", FIT_CONSTANT, 1, 1e3, 40, {4.2e-6}, 0},
	{"rate", FIT_RATE, 1e6, 1e10, 40, {253e9}, 4e-6},
	{"dispatch", FIT_AFFINE, 1, 4096, 60, {1 / 3.5e-6, 95e-6}, 0},
	{"gemm", FIT_AFFINE, 1e8, 1e12, 60, {6.1e12, 230e-6}, 0},
	{"link", FIT_AFFINE, 64, 64e6, 60, {1.1e9, 150e-6}, 0},
	{"streaming", FIT_KNEE, 32e3, 8e9, 120, {118e9, 420e9, 12e6, 2.5}, 0},
};

static double model_s(size_t i, double x)
{
	const double *p = known[i].truth;
	double h;

	switch (known[i].model) {
	case FIT_CONSTANT:
		return p[FIT_C];
	case FIT_RATE:
		return known[i].t0 + x / p[FIT_R];
	case FIT_AFFINE:
		return p[FIT_T0] + x / p[FIT_R];
	case FIT_KNEE:
	case FIT_STEP:
	case FIT_CUSTOM:
		break;
	}
	h = 1 / (1 + pow(x / p[FIT_AT], p[FIT_SLOPE]));
	return x * (h / p[FIT_CACHE] + (1 - h) / p[FIT_MEMORY]);
}

enum { TRIALS = 200, TRIALS_QUICK = 25, POINTS_MAX = 128 };

static void draw_points(size_t model, struct rng *rng, struct fit_point *p)
{
	const size_t n = known[model].n;

	for (size_t i = 0; i < n; i++) {
		const double x = known[model].from *
				 pow(known[model].to / known[model].from, (double)i / (double)(n - 1));
		const bool odd = rng_uniform(rng) < 0.05;

		p[i] = (struct fit_point){.x = x, .t = model_s(model, x) * exp(0.02 * rng_normal(rng))};
		if (odd) /* another program woke up; more rarely, a clock was read too early */
			p[i].t *= rng_uniform(rng) < 0.8 ? 1.2 + 2 * rng_uniform(rng) : 0.5;
	}
}

static void no_gsl_abort(void)
{
	gsl_set_error_handler_off();
}

START_TEST(a_law_is_found_again)
{
	const int trials = how_many(TRIALS_QUICK, TRIALS);
	double off[FIT_PARAMS] = {0};
	int held[FIT_PARAMS] = {0};
	size_t params = 0;

	for (int trial = 0; trial < trials; trial++) {
		struct rng *rng = rng_new((uint64_t)trial, known[_i].name);
		struct fit_point p[POINTS_MAX];
		struct err err = ERR_INIT;
		struct fit f;

		draw_points((size_t)_i, rng, p);
		ck_assert_msg(fit_make(known[_i].model, p, known[_i].n, known[_i].t0, &f, &err) == 0, "%s",
			      err.msg);
		params = f.p_n;
		for (size_t k = 0; k < f.p_n; k++) {
			held[k] += known[_i].truth[k] >= f.p[k].lo && known[_i].truth[k] <= f.p[k].hi;
			off[k] += fabs(f.p[k].value / known[_i].truth[k] - 1) / trials;
		}
		rng_free(rng);
	}
	for (size_t k = 0; k < params; k++) {
		ck_assert_msg(off[k] < 0.02, "parameter %zu is %.3f off", k, off[k]);
		/* 95 %; three standard deviations of so many trials */
		ck_assert_msg(fabs(held[k] - 0.95 * trials) <= 3 * sqrt(0.95 * 0.05 * trials),
			      "the interval of parameter %zu holds in %d of %d", k, held[k], trials);
	}
}
END_TEST

START_TEST(outliers_are_named)
{
	struct fit_point p[12];
	struct err err = ERR_INIT;
	struct fit f;

	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		p[i] = (struct fit_point){.x = 1e8 * pow(2, (double)i),
					  .t = (1e-4 + 1e8 * pow(2, (double)i) / 5e12) *
					       (i % 2 ? 1.004 : 0.996)};
	p[7].t *= 1.5;
	ck_assert_int_eq(fit_make(FIT_AFFINE, p, ARRAY_LEN(p), 0, &f, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		ck_assert_int_eq(p[i].out, i == 7);
	ck_assert_uint_eq(f.used, ARRAY_LEN(p) - 1);
	ck_assert(p[0].mostly_t0 && !p[11].mostly_t0 && f.apart);
	ck_assert(f.loo_median > 0 && f.loo_worst < 0.05);
}
END_TEST

START_TEST(what_cannot_be_told_is_said)
{
	struct fit_point one_size[] = {
		{.x = 1e9, .t = 1e-3}, {.x = 1e9, .t = 1.01e-3}, {.x = 1e9, .t = 1e-3}};
	struct fit_point lost[] = {
		{.x = 1, .t = 1e-3}, {.x = 2, .t = 1.02e-3}, {.x = 4, .t = 0.99e-3}, {.x = 8, .t = 1.01e-3}};
	struct fit_point bad[] = {{.x = 1, .t = 1e-3}, {.x = 2, .t = -1}};
	struct err err = ERR_INIT;
	struct fit f;

	ck_assert_int_eq(fit_make(FIT_AFFINE, one_size, 3, 0, &f, &err), -1);
	ck_assert_str_eq(err.msg, "one size only: t0 and the rate cannot be told apart");
	err = (struct err)ERR_INIT;
	ck_assert(fit_make(FIT_AFFINE, lost, 4, 0, &f, &err) != 0 || !f.rate_known);
	err = (struct err)ERR_INIT;
	ck_assert_int_eq(fit_make(FIT_AFFINE, bad, 2, 0, &f, &err), -1);
	ck_assert_int_eq(fit_make(FIT_KNEE, one_size, 3, 0, &f, &err), -1);
}
END_TEST

/* What rounding leaves of a fit that goes through its points is no spread. */
START_TEST(rounding_is_no_spread)
{
	const struct {
		double spread;
		const char *says;
	} all[] = {{0, "spread 0 %"}, {3e-16, "spread 0 %"}, {9e-9, "spread 0 %"}, {2e-3, "spread 0.2 %"}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct fit f = {.spread = all[i].spread, .loo_median = NAN, .used = 2, .n = 2};
		struct str s = STR_INIT;

		fit_describe(&f, &s);
		ck_assert_msg(strstr(s.text, all[i].says) != NULL, "%s", s.text);
		str_release(&s);
	}
}
END_TEST

/* Sizes a factor of two and four apart, the knee between two of them: no size lies on its slope, so every
 * steep slope fits. What is said does not hang on the last bits of the times. */
/* value[0] x + value[1]; what would end before it began never ends */
static double line_s(const void *ctx, const double value[FIT_PARAMS], size_t i)
{
	const double s = value[0] * ((const double *)ctx)[i] + value[1];

	return s > 0 ? s : INFINITY;
}

/* The law of the others has no end for an outlier: that one is wholly off, and the fit goes on. */
START_TEST(a_size_that_the_law_has_no_end_for_is_wholly_off)
{
	double x[6] = {0.25};
	struct fit_point p[ARRAY_LEN(x)] = {{.t = 30}};
	const struct fit_custom law = {.names = {"rate", "overhead"},
				       .is_log = {true, false},
				       .start = {1, 0},
				       .p_n = 2,
				       .unit = 1,
				       .seconds = line_s,
				       .ctx = x};
	struct err err = ERR_INIT;
	struct fit f;

	for (size_t i = 1; i < ARRAY_LEN(x); i++) {
		x[i] = (double)i;
		p[i].t = x[i] - 0.5;
	}
	ck_assert_int_eq(fit_custom(&law, p, ARRAY_LEN(p), &f, &err), 0);
	ck_assert(p[0].out && f.p[1].value < -0.4);
	ck_assert(f.loo_sd > 0 && isfinite(f.loo_sd));
}
END_TEST

START_TEST(a_slope_that_no_size_lies_on_is_not_told)
{
	static const double at[] = {8e6, 33e6, 67e6, 134e6, 268e6, 537e6, 2.1e9, 4.3e9, 8.6e9};
	struct str first = STR_INIT;

	for (int trial = -20; trial <= 20; trial++) {
		struct fit_point p[ARRAY_LEN(at)];
		struct str said = STR_INIT;
		struct err err = ERR_INIT;
		struct fit f;

		for (size_t i = 0; i < ARRAY_LEN(at); i++)
			p[i] = (struct fit_point){.x = at[i],
						  .t = at[i] / (at[i] < 1e9 ? 4.5e12 : 2.4e12) *
						       (i % 2 ? 1.004 : 0.996) *
						       (1 + 1e-15 * trial * (double)(i + 1))};
		ck_assert_int_eq(fit_make(FIT_KNEE, p, ARRAY_LEN(at), 0, &f, &err), 0);
		ck_assert_int_eq(f.model, FIT_STEP);
		ck_assert(f.p[FIT_AT].lo == 537e6 && f.p[FIT_AT].hi == 2.1e9);
		ck_assert(fabs(f.p[FIT_MEMORY].value / 2.4e12 - 1) < 0.02);
		ck_assert(fabs(fit_at(&f, 1e8) * f.p[FIT_CACHE].value / 1e8 - 1) < 1e-9);
		fit_describe(&f, &said);
		ck_assert(strstr(said.text, "no slope to be told from these points"));
		if (!first.len)
			str_add(&first, said.text);
		ck_assert_str_eq(first.text, said.text);
		str_release(&said);
	}
	str_release(&first);
}
END_TEST

/* Two sizes on the slope are enough. */
START_TEST(a_slope_that_sizes_lie_on_is_told)
{
	enum { SIZES = 14 };
	const double theta[] = {log(2.4e12), log(5e12), log(60e6), log(3)};
	struct fit_point p[SIZES];
	struct err err = ERR_INIT;
	struct fit f;

	for (int i = 0; i < SIZES; i++) {
		const double x = 1e6 * pow(2, i);

		p[i] = (struct fit_point){.x = x, .t = knee_seconds(theta, x) * (i % 2 ? 1.002 : 0.998)};
	}
	ck_assert_int_eq(fit_make(FIT_KNEE, p, SIZES, 0, &f, &err), 0);
	ck_assert_int_eq(f.model, FIT_KNEE);
	ck_assert(fabs(f.p[FIT_SLOPE].value - 3) < 0.3 && fabs(f.p[FIT_AT].value / 60e6 - 1) < 0.05);
}
END_TEST

static const struct {
	size_t n;
	double lo, hi; /* of the numbers 1..n */
} medians[] = {{1, 1, 1}, {5, 1, 5}, {6, 1, 6}, {9, 2, 8}, {20, 6, 15}, {100, 40, 61}};

START_TEST(the_median_has_its_interval)
{
	double x[100];
	const struct sample s = {.seconds = x, .seconds_n = medians[_i].n};
	struct sample_median m;

	for (size_t i = 0; i < medians[_i].n; i++)
		x[i] = (double)((i * 37) % medians[_i].n + 1); /* 37 is prime to all of them */
	m = sample_median(&s);
	ck_assert_double_eq(m.median_s, (double)(medians[_i].n + 1) / 2);
	ck_assert_double_eq(m.lo_s, medians[_i].lo);
	ck_assert_double_eq(m.hi_s, medians[_i].hi);
}
END_TEST

/* --- profiles ------------------------------------------------------------------------------------------ */

/* A machine whose parameters are known, measured with noise: what is written must give them back. */
enum { F32_RATE_G = 900, READ_G = 40, GEMV_G = 36, Q4_G = 25, KV_G = 30 };
/* A kernel that does nothing, one that reads and writes, one of a product, one of attention; a submission. */
static const double empty_s = 3e-6, kernel_s = 4e-6, product_s = 9e-6, attend_s = 12e-6, submit_s = 60e-6;

struct synthetic {
	struct arena *arena;
	struct rng *rng;
	struct sample at[256];
	size_t n;
};

static void measure(struct synthetic *y, struct sample s, double seconds)
{
	enum { N = 15 };
	double *x = arena_array(y->arena, N, sizeof *x);

	for (int i = 0; i < N; i++) {
		x[i] = seconds * exp(0.02 * rng_normal(y->rng));
		if (rng_uniform(y->rng) < 0.05)
			x[i] *= 1.5 + rng_uniform(y->rng);
	}
	s.seconds = x;
	s.seconds_n = N;
	y->at[y->n++] = s;
}

static double true_u(double m)
{
	return 0.2 + 0.75 * m / (m + 64);
}

static void measure_streams(struct synthetic *y)
{
	for (int i = 0; i < 30; i++) {
		const double x = 32e3 * pow(2, i * 0.5), h = 1 / (1 + pow(x / 8e6, 3));

		measure(y, (struct sample){.kind = SAMPLE_READ, .bytes = x},
			x * (h / 200e9 + (1 - h) / (READ_G * 1e9)));
	}
	measure(y, (struct sample){.kind = SAMPLE_COPY, .bytes = 1e9}, 1e9 / 35e9);
	for (int64_t m = 1; m <= 4096; m *= 4) {
		measure(y, (struct sample){.kind = SAMPLE_DISPATCH, .m = m, .k = 1},
			20e-6 + empty_s * (double)m);
		measure(y, (struct sample){.kind = SAMPLE_DISPATCH, .m = m}, 20e-6 + 1e-6 * (double)m);
	}
	for (int64_t m = 1; m <= 4096; m *= 8) {
		const double bytes = 8 * 1024.0 * (double)m;

		measure(y, (struct sample){.kind = SAMPLE_ELEMENTWISE, .m = m, .n = 1024, .bytes = bytes},
			kernel_s + bytes / 35e9);
	}
	for (int64_t m = 1; m <= 64; m *= 8)
		measure(y, (struct sample){.kind = SAMPLE_SUBMIT, .m = m}, submit_s * (double)m);
}

static void measure_products(struct synthetic *y)
{
	static const int64_t widths[] = {512, 1024, 4096};

	for (size_t w = 0; w < ARRAY_LEN(widths); w++)
		for (int64_t m = 1; m <= 4096; m *= 2) {
			const double flop = 2.0 * (double)(m * widths[w]) * (double)widths[w];

			measure(y,
				(struct sample){.kind = SAMPLE_GEMM,
						.m = m,
						.n = widths[w],
						.k = widths[w],
						.flop = flop},
				product_s + flop / (true_u((double)m) * F32_RATE_G * 1e9));
		}
	measure(y,
		(struct sample){.kind = SAMPLE_GEMM,
				.m = 2048,
				.n = 2048,
				.k = 2048,
				.flop = 2.0 * 2048 * 2048 * 2048},
		product_s + 2.0 * 2048 * 2048 * 2048 / (true_u(2048) * F32_RATE_G * 1e9));
}

static void measure_weights_and_caches(struct synthetic *y)
{
	for (int i = 0; i < 6; i++) {
		const double b = 1e6 * pow(4, i);

		measure(y, (struct sample){.kind = SAMPLE_GEMV, .m = 1, .n = 1000, .k = 1000, .bytes = b},
			product_s + b / (GEMV_G * 1e9));
		measure(y,
			(struct sample){.kind = SAMPLE_GEMV,
					.dtype = SAMPLE_Q4,
					.m = 1,
					.n = 1000,
					.k = 1000,
					.bytes = b},
			product_s + b / (Q4_G * 1e9));
		measure(y,
			(struct sample){.kind = SAMPLE_DECODE,
					.m = 1,
					.n = 128 << i,
					.heads = 32,
					.kv_heads = 8,
					.head_dim = 128,
					.bytes = b},
			attend_s + b / (KV_G * 1e9));
	}
	for (int64_t n = 128; n <= 2048; n *= 2) {
		const double flop = 2.0 * 32 * 128 * (double)(n * (n + 1));

		measure(y,
			(struct sample){.kind = SAMPLE_PREFILL,
					.m = n,
					.n = n,
					.heads = 32,
					.kv_heads = 8,
					.head_dim = 128,
					.flop = flop},
			attend_s + flop / (0.4 * F32_RATE_G * 1e9));
	}
}

/* Of the peak: what a further row of 4-bit weights costs; utilisation of many rows against weights as they are; experts
 * read by single rows against one matrix. */
static const double further_u = 0.12, dequant_u = 0.8, scattered_u = 0.7;

static void measure_few_rows(struct synthetic *y)
{
	const double weights = 4096.0 * 4096, q4_B = 18.0 / 32 * weights;

	for (int64_t m = 1; m <= 8; m *= 2)
		measure(y,
			(struct sample){.kind = SAMPLE_GEMV,
					.dtype = SAMPLE_Q4,
					.m = m,
					.n = 4096,
					.k = 4096,
					.bytes = q4_B},
			product_s + q4_B / (Q4_G * 1e9) +
				(double)(m - 1) * 2 * weights / (further_u * 0.95 * F32_RATE_G * 1e9));
	for (int64_t m = 16; m <= 2048; m *= 2) {
		const double flop = 2 * (double)m * weights;

		measure(y,
			(struct sample){.kind = SAMPLE_GEMM,
					.dtype = SAMPLE_Q4,
					.m = m,
					.n = 4096,
					.k = 4096,
					.flop = flop},
			product_s + flop / (dequant_u * true_u((double)m) * F32_RATE_G * 1e9));
	}
	for (int64_t k = 4; k <= 16; k *= 2)
		measure(y,
			(struct sample){.kind = SAMPLE_MOE,
					.m = k,
					.n = 2048,
					.k = k,
					.bytes = 4.0 * 2048 * 2048 * (double)k},
			product_s + 4.0 * 2048 * 2048 * (double)k / (scattered_u * GEMV_G * 1e9));
}

static struct sample_set synthetic_set(struct synthetic *y)
{
	measure_streams(y);
	measure_products(y);
	measure_weights_and_caches(y);
	measure_few_rows(y);
	return (struct sample_set){.chip = "Synthetic",
				   .device = "cpu",
				   .runtime = "cblas",
				   .build = "test",
				   .tool = "lemursim test",
				   .date = "today",
				   .cores = 4,
				   .ram_B = 16LL << 30,
				   .samples = y->at,
				   .n = y->n};
}

/* Text to machine, by the door that files take. */
static const struct machine *load_text(struct arena *a, const char *text)
{
	struct source *source = arena_alloc(a, sizeof *source);
	struct machine *m = arena_alloc(a, sizeof *m);
	struct diags *diags = arena_alloc(a, sizeof *diags);
	struct yml *tree;

	*source = (struct source){"written", text, strlen(text)};
	diags_init(diags, a);
	tree = yml_parse(a, source, diags);
	sources_resolve(a, tree, diags);
	ck_assert(tree && !diags->total);
	yml_drop(tree, "base"); /* of a family, which adds to it */
	ck_assert_int_eq(field_load(&machine_table, tree, "machine", m, diags), 0);
	ck_assert_int_eq(machine_check(m, diags), 0);
	return m;
}

static void near(double got, double want, double off, const char *what)
{
	ck_assert_msg(fabs(got / want - 1) <= off, "%s: %g where %g is true", what, got, want);
}

START_TEST(a_profile_gives_its_machine_back)
{
	struct arena a = ARENA_INIT;
	struct synthetic *y = arena_alloc(&a, sizeof *y);
	struct str text = STR_INIT, again = STR_INIT;
	struct err err = ERR_INIT;
	struct sample_set set;
	const struct machine *m;
	const struct device *d;
	const struct profile *p;
	const struct gemm_point *g;

	*y = (struct synthetic){.arena = &a, .rng = rng_new((uint64_t)_i, "machine")};
	set = synthetic_set(y);
	ck_assert_msg(profile_write(&set, NULL, "synthetic", &text, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(profile_write(&set, NULL, "synthetic", &again, &err), 0);
	ck_assert(!strcmp(text.text, again.text));
	if (getenv("SHOW"))
		fputs(text.text, stderr);
	m = load_text(&a, text.text);
	d = m->devices.at;
	p = device_runtime(d, "cblas");
	ck_assert_ptr_nonnull(p);
	near(p->read.value, READ_G * 1e9, 0.02, "read");
	near(p->gemv.value, GEMV_G * 1e9, 0.02, "gemv");
	near(p->gemv_q4.value, Q4_G * 1e9, 0.02, "gemv_q4");
	ck_assert(!p->gemv_q8.given);
	near(p->attention.decode.value, KV_G * 1e9, 0.02, "decode");
	near(p->overhead.kernel.value, kernel_s, 0.05, "kernel");
	near(p->overhead.product.value, product_s, 0.1, "product");
	near(p->overhead.attention.value, attend_s, 0.1, "attention");
	near(p->overhead.step.value, submit_s, 0.02, "step");
	ck_assert(p->attention.skips_mask);
	ck_assert_int_eq(p->few.rows, 8);
	ck_assert(p->few.further.f16.given && !p->few.further.q8.given && !p->dequant.q8.given);
	near(p->few.further.q4.value * d->peak[DTYPE_F32].value, further_u * 0.95 * F32_RATE_G * 1e9, 0.06,
	     "a further row");
	near(p->dequant.q4.value, dequant_u, 0.03, "dequant");
	near(p->few.scattered.value, scattered_u, 0.04, "scattered");
	g = p->gemm[DTYPE_F32]->points.at;
	ck_assert_uint_eq(p->gemm[DTYPE_F32]->points.n, 3 * 9 + 1); /* 16 to 4096 rows, and a square */
	ck_assert(p->gemm[DTYPE_F32]->between.given && p->gemm[DTYPE_F32]->beyond.given);
	for (size_t i = 0; i < p->gemm[DTYPE_F32]->points.n; i++)
		near(g[i].u.value * d->peak[DTYPE_F32].value, true_u((double)g[i].m) * F32_RATE_G * 1e9, 0.03,
		     "gemm");
	ck_assert_ptr_nonnull(strstr(text.text, "leave-one-out"));
	rng_free(y->rng);
	str_release(&text);
	str_release(&again);
	arena_release(&a);
}
END_TEST

START_TEST(samples_go_round_a_file)
{
	struct arena a = ARENA_INIT;
	struct synthetic *y = arena_alloc(&a, sizeof *y);
	struct str csv = STR_INIT, first = STR_INIT, second = STR_INIT;
	struct err err = ERR_INIT;
	struct sample_set set, back;

	*y = (struct synthetic){.arena = &a, .rng = rng_new(1, "machine")};
	set = synthetic_set(y);
	y->at[3].rejected = true;
	y->at[3].why = "slow, \"hot\"";
	samples_csv_write(&set, &csv);
	ck_assert(samples_csv_is(csv.text));
	ck_assert(!samples_csv_is("model,kind,prompt,seconds\n") && !samples_csv_is("kind,gen,seconds\n"));
	ck_assert_msg(samples_csv_read(&a, "f", csv.text, &back, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(back.n, set.n);
	ck_assert_str_eq(back.samples[3].why, set.samples[3].why);
	ck_assert_double_eq(back.samples[40].flop, set.samples[40].flop);
	samples_csv_write(&back, &first); /* what the shapes say is filled in now */
	ck_assert_int_eq(samples_csv_read(&a, "f", first.text, &back, &err), 0);
	samples_csv_write(&back, &second);
	ck_assert(!strcmp(first.text, second.text));
	str_clear(&second);
	ck_assert_int_eq(profile_write(&back, NULL, "f", &second, &err), 0);
	load_text(&a, second.text);
	rng_free(y->rng);
	str_release(&csv);
	str_release(&first);
	str_release(&second);
	arena_release(&a);
}
END_TEST

static const struct {
	const char *text, *msg;
} bad_samples[] = {
	{"kind,seconds\n", "f: it has no samples"},
	{"kind,seconds\nread,\n", "f:2: a time must be a positive number"},
	{"kind,seconds\nread,-1\n", "f:2: a time must be a positive number"},
	{"kind,seconds\nread,1;nan\n", "f:2: a time must be a positive number"},
	{"kind,seconds\nread,1;;2\n", "f:2: a time must be a positive number"},
	{"kind,seconds\nreed,1\n", "f:2: unknown kind"},
	{"kind,bytes,seconds\nread,-5,1\n", "f:2: not a positive number"},
	{"kind,m,seconds\ngemm,1.5,1\n", "f:2: expected a whole number"},
	{"# ram: much\nkind,seconds\nread,1\n", "f:1: ram:"},
};

START_TEST(bad_samples_are_refused)
{
	struct arena a = ARENA_INIT;
	struct sample_set set;
	struct err err = ERR_INIT;

	ck_assert_int_eq(samples_csv_read(&a, "f", bad_samples[_i].text, &set, &err), -1);
	ck_assert_msg(str_starts(err.msg, bad_samples[_i].msg), "%s", err.msg);
	arena_release(&a);
}
END_TEST

START_TEST(too_little_makes_no_profile)
{
	static const char *const texts[] = {
		"kind,bytes,seconds\nread,1000000,0.001\n",
		"kind,dtype,m,n,k,seconds\ngemm,f32,512,512,512,0.001\n",
		"kind,rejected,bytes,seconds\nread,noise,1000,1\n",
	};
	struct arena a = ARENA_INIT;
	struct str out = STR_INIT;
	struct sample_set set;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err err = ERR_INIT;

		ck_assert_int_eq(samples_csv_read(&a, "f", texts[i], &set, &err), 0);
		ck_assert_int_eq(profile_write(&set, NULL, "f", &out, &err), -1);
		ck_assert(err.msg[0]);
		ck_assert_uint_eq(out.len, 0);
	}
	arena_release(&a);
}
END_TEST

/* Samples that are rejected are not made good by those of a cache. */
enum { NO_READS = 1, NO_COPIES = 2, NO_GEMV = 4, FAST_GEMV = 8 };

static void spoil(struct synthetic *y, unsigned provenance)
{
	for (size_t i = 0; i < y->n; i++) {
		struct sample *s = &y->at[i];
		const bool large = s->bytes > 20e6;

		s->rejected = (s->kind == SAMPLE_READ && large && provenance & NO_READS) ||
			      (s->kind == SAMPLE_COPY && provenance & NO_COPIES) ||
			      (s->kind == SAMPLE_GEMV && provenance & NO_GEMV);
		s->why = s->rejected ? "something else ran" : NULL;
		if (s->kind != SAMPLE_GEMV || !(provenance & FAST_GEMV))
			continue;
		for (size_t j = 0; j < s->seconds_n; j++)
			((double *)s->seconds)[j] /= 4; /* from measure()'s arena */
	}
}

static const struct {
	unsigned provenance;
	const char *msg; /* NULL: a profile */
	double read_G, gemv_G;
	enum provenance gemv_how;
	const char *says;
} spoilt[] = {
	{0, NULL, READ_G, GEMV_G, PROVENANCE_MEASURED, "reads:"},
	{NO_READS | NO_COPIES,
	 "no read or copy from memory can be used: 12 were rejected, the first because something else ran", 0,
	 0, PROVENANCE_MEASURED, NULL},
	{NO_READS, NULL, 35, GEMV_G, PROVENANCE_MEASURED,
	 "reads: not used: every size beyond the caches was rejected"},
	{NO_GEMV, NULL, READ_G, READ_G, PROVENANCE_TRANSFERRED, "every matrix-vector product was rejected"},
	{NO_READS | NO_GEMV, NULL, 35, 35, PROVENANCE_TRANSFERRED,
	 "every matrix-vector product was rejected"},
	{FAST_GEMV, NULL, READ_G, READ_G, PROVENANCE_MEASURED, "held at it: part of it came from a cache"},
};

/* Few sizes, each a little off: a start-up of 30 us shows all the same; where there is none, none is made up.
 */
static const double starts_s[] = {30e-6, 0};

START_TEST(a_start_up_shows_in_few_sizes)
{
	static const double off[] = {1.04, 0.97, 1.02, 0.98};
	struct arena a = ARENA_INIT;
	struct synthetic *y = arena_alloc(&a, sizeof *y);
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	struct sample_set set;
	const struct profile *p;
	const char *note;
	size_t k = 0;

	*y = (struct synthetic){.arena = &a, .rng = rng_new(11, "start")};
	set = synthetic_set(y);
	for (size_t i = 0; i < y->n; i++) {
		struct sample *s = &y->at[i];
		double *seconds = (double *)s->seconds; /* from measure()'s arena */

		if (s->kind != SAMPLE_GEMV || s->dtype != SAMPLE_F32)
			continue;
		s->seconds_n = k < ARRAY_LEN(off) ? 1 : 0;
		seconds[0] = off[k % ARRAY_LEN(off)] * (kernel_s + starts_s[_i] + s->bytes / (GEMV_G * 1e9));
		k++;
	}
	ck_assert_msg(profile_write(&set, NULL, "f", &text, &err) == 0, "%s", err.msg);
	p = device_runtime(load_text(&a, text.text)->devices.at, "cblas");
	near(p->gemv.value, GEMV_G * 1e9, 0.06, "gemv");
	note = strstr(text.text, "matrix-vector products in f32: ");
	note = arena_strndup(&a, note, strcspn(note, "\n"));
	ck_assert_msg((strstr(note, ", t0 ") != NULL) == (starts_s[_i] > 0), "%s", note);
	if (starts_s[_i] > 0)
		near(p->overhead.product.value, kernel_s + starts_s[_i], 0.15, "product");
	str_release(&text);
	rng_free(y->rng);
	arena_release(&a);
}
END_TEST

START_TEST(a_cache_is_not_the_memory)
{
	struct arena a = ARENA_INIT;
	struct synthetic *y = arena_alloc(&a, sizeof *y);
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	struct sample_set set;
	const struct profile *p;

	*y = (struct synthetic){.arena = &a, .rng = rng_new(5, "spoilt")};
	set = synthetic_set(y);
	spoil(y, spoilt[_i].provenance);
	ck_assert_int_eq(profile_write(&set, NULL, "f", &text, &err), spoilt[_i].msg ? -1 : 0);
	if (spoilt[_i].msg) {
		ck_assert_str_eq(err.msg, spoilt[_i].msg);
		ck_assert_uint_eq(text.len, 0);
	} else {
		p = device_runtime(load_text(&a, text.text)->devices.at, "cblas");
		near(p->read.value, spoilt[_i].read_G * 1e9, 0.03, "read");
		near(p->gemv.value, spoilt[_i].gemv_G * 1e9, 0.03, "gemv");
		ck_assert_int_eq(p->gemv.provenance, spoilt[_i].gemv_how);
		ck_assert_ptr_nonnull(strstr(text.text, spoilt[_i].says));
	}
	str_release(&text);
	rng_free(y->rng);
	arena_release(&a);
}
END_TEST

/* The published tables, turned into profiles by this code. */
static const struct {
	const char *name;
	double ridge, off;
} catalogue[] = {{"apple-m5-10c-24gb", 116.9, 0.1}, {"apple-m4-pro-16c-24gb", 24.0, 0.05}};

START_TEST(the_catalogue_has_its_ridge)
{
	struct arena a = ARENA_INIT;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	const struct machine *m;
	const struct profile *p;

	const char *const path = arena_printf(&a, "hardware/measured/%s.csv", catalogue[_i].name);
	const struct profile_files ask = {
		&path,      1,    arena_printf(&a, "hardware/measured/%s.facts.csv", catalogue[_i].name),
		"lemursim", NULL, NULL};

	ck_assert_msg(profile_write_files(&a, &ask, &out, &err) == 0, "%s", err.msg);
	m = load_text(&a, out.text);
	p = device_runtime(m->devices.at, "mps");
	ck_assert_double_eq_tol(p->gemm[DTYPE_F16]->roof.value / p->read.value, catalogue[_i].ridge,
				catalogue[_i].off);
	str_release(&out);
	arena_release(&a);
}
END_TEST

Suite *suite_calib(void)
{
	Suite *s = suite_create("calib");
	TCase *fit = tcase_create("fit"), *profile = tcase_create("profile");

	tcase_add_checked_fixture(fit, no_gsl_abort, NULL);
	tcase_add_loop_test(fit, a_law_is_found_again, 0, (int)ARRAY_LEN(known));
	tcase_add_test(fit, outliers_are_named);
	tcase_add_test(fit, what_cannot_be_told_is_said);
	tcase_add_test(fit, rounding_is_no_spread);
	tcase_add_test(fit, a_slope_that_no_size_lies_on_is_not_told);
	tcase_add_test(fit, a_size_that_the_law_has_no_end_for_is_wholly_off);
	tcase_add_test(fit, a_slope_that_sizes_lie_on_is_told);
	tcase_add_loop_test(fit, the_median_has_its_interval, 0, (int)ARRAY_LEN(medians));
	suite_add_tcase(s, fit);
	tcase_add_checked_fixture(profile, no_gsl_abort, NULL);
	tcase_add_loop_test(profile, a_profile_gives_its_machine_back, 0, 10);
	tcase_add_test(profile, samples_go_round_a_file);
	tcase_add_loop_test(profile, bad_samples_are_refused, 0, (int)ARRAY_LEN(bad_samples));
	tcase_add_test(profile, too_little_makes_no_profile);
	tcase_add_loop_test(profile, a_start_up_shows_in_few_sizes, 0, (int)ARRAY_LEN(starts_s));
	tcase_add_loop_test(profile, a_cache_is_not_the_memory, 0, (int)ARRAY_LEN(spoilt));
	tcase_add_loop_test(profile, the_catalogue_has_its_ridge, 0, (int)ARRAY_LEN(catalogue));
	suite_add_tcase(s, profile);
	return s;
}
