/* check_transferred.c - what a calibration makes of samples that lack something: bf16 from f16, a file without products, and
 * which start and which stream each kind of kernel is charged. */
#include <gsl/gsl_errno.h>
#include <math.h>
#include <string.h>

#include "sim/calib/profile.h"
#include "sim/calib/profile_fit.h"
#include "tests/suites.h"

/* A GPU with a known law: FLOP/s in f16, byte/s of streams, seconds of kernels beyond their work. */
static const double flops = 200e12, stream_Bps = 2e12, empty_s = 1e-6, product_s = 2e-6;

struct samples {
	struct arena arena;
	struct sample at[96];
	size_t n;
	bool suite;
};

static void measure(struct samples *y, struct sample s, double seconds)
{
	double *x = arena_alloc(&y->arena, sizeof *x);

	*x = seconds;
	s.seconds = x;
	s.seconds_n = 1;
	y->at[y->n++] = s;
}

static void measure_streams(struct samples *y)
{
	*y = (struct samples){.arena = ARENA_INIT};
	for (int i = 0; i < 6; i++) {
		const double bytes = 256e6 * pow(2, i);

		measure(y, (struct sample){.kind = SAMPLE_READ, .bytes = bytes}, bytes / stream_Bps);
		measure(y, (struct sample){.kind = SAMPLE_COPY, .bytes = bytes}, bytes / stream_Bps);
	}
	for (int64_t m = 16; m <= 4096; m *= 4)
		measure(y, (struct sample){.kind = SAMPLE_DISPATCH, .m = m, .k = 1}, empty_s * (double)m);
}

static void measure_product(struct samples *y, enum sample_dtype dtype, int64_t m, int64_t n, double rate)
{
	const double flop = 2.0 * (double)(m * n) * (double)n;

	measure(y, (struct sample){.kind = SAMPLE_GEMM, .dtype = dtype, .m = m, .n = n, .k = n, .flop = flop},
		product_s + flop / rate);
}

static void measure_products(struct samples *y)
{
	for (int64_t n = 512; n <= 4096; n *= 2) {
		const double bytes = 2.0 * (double)(n * n);

		measure(y,
			(struct sample){.kind = SAMPLE_GEMV,
					.dtype = SAMPLE_F16,
					.m = 1,
					.n = n,
					.k = n,
					.bytes = bytes},
			product_s + bytes / stream_Bps);
		for (int64_t m = 64; m <= 4096; m *= 8)
			measure_product(y, SAMPLE_F16, m, n, flops);
	}
}

static struct sample_set set_of(const struct samples *y)
{
	return (struct sample_set){.chip = "Known law",
				   .device = "gpu",
				   .runtime = "cuda",
				   .tool = "test",
				   .ram_B = (int64_t)16 << 30,
				   .suite = y->suite,
				   .samples = y->at,
				   .n = y->n};
}

static struct profile_fit fitted(struct samples *y)
{
	const struct sample_set set = set_of(y);
	struct profile_fit d;
	struct err err = ERR_INIT;

	gsl_set_error_handler_off();
	ck_assert_msg(profile_fit_make(&y->arena, &set, NULL, &d, &err) == 0, "%s", err.msg);
	return d;
}

/* bf16 at a share of f16's rate, which the shapes that were measured in both show; without any, at the same rate, wide. */
static const struct {
	double share;  /* 0: not measured */
	double spread; /* at least */
} ratios[] = {{0.5, 0.01}, {1, 0.01}, {0, 0.24}};

START_TEST(bf16_is_made_of_f16)
{
	const double share = ratios[_i].share > 0 ? ratios[_i].share : 1;
	const struct utilisation_table *t;
	struct samples y;
	struct profile_fit d;
	size_t measured = 0;

	measure_streams(&y);
	measure_products(&y);
	if (ratios[_i].share > 0)
		for (int64_t n = 2048; n <= 4096; n *= 2)
			measure_product(&y, SAMPLE_BF16, n, n, share * flops);
	d = fitted(&y);
	t = &d.gemm[DTYPE_BF16];
	ck_assert_uint_ge(t->n, d.gemm[DTYPE_F16].n);
	for (size_t i = 0; i < t->n; i++) {
		const struct number *u = &t->at[i].u;

		measured += u->provenance == PROVENANCE_MEASURED;
		ck_assert_double_le(u->value, 1);
		ck_assert_double_eq_tol(u->value * t->peak.value / flops / share, 1, 0.03);
		if (u->provenance != PROVENANCE_MEASURED)
			ck_assert_double_ge(u->sd, ratios[_i].spread * u->value);
	}
	ck_assert_uint_eq(measured, ratios[_i].share > 0 ? 2 : 0);
	ck_assert_uint_eq(d.said.n, 1);
	ck_assert_ptr_nonnull(strstr(d.said.at[0], "bf16: "));
	arena_release(&y.arena);
}
END_TEST

/* `--only read` makes a file: what is known of the machine, no runtime, and a word. */
START_TEST(streams_alone_make_a_file)
{
	struct samples y;
	struct texts told = {NULL, 0};
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	struct sample_set set;

	measure_streams(&y);
	set = set_of(&y);
	gsl_set_error_handler_off();
	ck_assert_msg(
		profile_write_all(
			&(struct machine_samples){
				.sets = &set, .n = 1, .name = "x.yaml", .arena = &y.arena, .told = &told},
			&text, &err) == 0,
		"%s", err.msg);
	ck_assert_ptr_nonnull(strstr(text.text, "bandwidth: {value: 2.0002 TB/s"));
	ck_assert_ptr_null(strstr(text.text, "runtimes:"));
	ck_assert_uint_eq(told.n, 1);
	ck_assert_ptr_nonnull(strstr(told.at[0], "gpu: no matrix product was measured"));
	str_release(&text);
	arena_release(&y.arena);
}
END_TEST

/* Elementwise kernels that wait long for their rows make the cost of such a kernel, and neither that of a product, which
 * needs less, nor what is taken off its time; where they are slower than copies, a pass is charged their rate. Those of the
 * suite are norms, and say nothing of what does not add up rows. */
START_TEST(each_kernel_has_its_start)
{
	const double wait_s = 6e-6, pass_Bps = 1.2e12;
	struct samples y;
	struct profile_fit d;

	measure_streams(&y);
	measure_products(&y);
	for (int64_t m = 64; m <= 65536; m *= 4) {
		const double bytes = 8.0 * 4096 * (double)m;

		measure(&y, (struct sample){.kind = SAMPLE_ELEMENTWISE, .m = m, .n = 4096, .bytes = bytes},
			wait_s + bytes / pass_Bps);
	}
	y.suite = _i;
	d = fitted(&y);
	ck_assert_int_eq(d.norm.given, _i);
	ck_assert_double_eq_tol((_i ? d.norm : d.kernel).value, wait_s, 0.02 * wait_s);
	if (_i)
		ck_assert_double_eq_tol(d.kernel.value, empty_s, 0.02 * empty_s);
	ck_assert_double_eq_tol(d.product.value, product_s, 0.1 * product_s);
	ck_assert_double_eq_tol(d.gemv.value, stream_Bps, 0.02 * stream_Bps);
	ck_assert_double_eq_tol(d.copy.value, pass_Bps, 0.02 * pass_Bps);
	ck_assert_double_eq_tol(d.read.value, stream_Bps, 0.02 * stream_Bps);
	arena_release(&y.arena);
}
END_TEST

Suite *suite_transferred(void)
{
	Suite *s = suite_create("transferred");
	TCase *t = tcase_create("transferred");

	tcase_add_loop_test(t, bf16_is_made_of_f16, 0, (int)ARRAY_LEN(ratios));
	tcase_add_test(t, streams_alone_make_a_file);
	tcase_add_loop_test(t, each_kernel_has_its_start, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
