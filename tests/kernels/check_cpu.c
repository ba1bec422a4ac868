/* check_cpu.c - the CPU backend's kernels against plain loops in double, on small and odd shapes. */
#include "tests/suites.h"

#include <dlfcn.h>
#include <math.h>
#include <string.h>

#include "kernels/cpu/blas.h"
#include "kernels/cpu/cpu.h"

static float number(uint32_t *state) /* in [-1, 1) */
{
	*state = *state * 1664525u + 1013904223u;
	return (float)(*state >> 8) / 8388608 - 1;
}

enum { MOST = 300 };
static float x[4 * MOST + 1], y[MOST + 1], z[MOST + 1], to[MOST + 1];

static void fill(void)
{
	uint32_t state = 7;

	for (size_t i = 0; i < sizeof x / sizeof *x; i++)
		x[i] = number(&state);
	for (size_t i = 0; i <= MOST; i++) {
		y[i] = number(&state);
		z[i] = number(&state);
	}
}

START_TEST(loops_agree_with_plain_ones)
{
	static const size_t sizes[] = {1, 7, 8, 31, 64, 65, 299};

	fill();
	for (const struct inner *const *in = inner_all(); *in; in++)
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
			const size_t n = sizes[k];
			double sum = 0, dots[4] = {0};
			float got[4];

			for (size_t i = 0; i < n; i++) {
				sum += (double)x[i + 1];
				for (size_t r = 0; r < 4; r++)
					dots[r] += (double)x[1 + r * MOST + i] * (double)y[i + 1];
			}
			ck_assert_double_eq_tol((double)(*in)->read(x + 1, n), sum,
						1e-4); /* unaligned on purpose */
			(*in)->dots(got, x + 1, MOST, y + 1, n);
			for (size_t r = 0; r < 4; r++)
				ck_assert_double_eq_tol((double)got[r], dots[r], 1e-4);
			(*in)->triad(to + 1, x + 1, y + 1, n, 0.5f);
			for (size_t i = 1; i <= n; i++)
				MUST(fabs((double)to[i] - ((double)x[i] + 0.5 * (double)y[i])) < 1e-6);
			(*in)->silu(to + 1, x + 1, y + 1, n);
			for (size_t i = 1; i <= n; i++)
				MUST(fabs((double)to[i] -
					  (double)x[i] / (1 + exp(-(double)x[i])) * (double)y[i]) < 1e-6);
		}
}
END_TEST

START_TEST(exponentials_hold_their_range)
{
	static const float at[16] = {0,   -0.3f, 1,  -1,      -20,    -86,       -1e4f, 5,
				     -88, 0.1f,  80, -0.347f, 0.347f, -INFINITY, -2e9f, 3};

	for (const struct inner *const *in = inner_all(); *in; in++) {
		float e[16];
		double sum = 0;

		memcpy(e, at, sizeof e);
		sum = (double)(*in)->exp_sum(e, 16, 0);
		for (size_t i = 0; i < 16; i++) {
			const double want = exp((double)at[i]);

			MUST(fabs((double)e[i] - want) <= 3e-7 * want + 1e-37);
		}
		ck_assert_double_eq_tol(sum / exp(80), 1, 1e-6);
	}
}
END_TEST

enum { BLOCKS = 3, ROWS = 7, COLUMNS = 11 }; /* whole tiles, and what is left of them */
static struct q8_block eights[COLUMNS * BLOCKS];
static struct q4_block fours[COLUMNS * BLOCKS];

static void fill_blocks(void)
{
	uint32_t state = 11;

	for (size_t b = 0; b < ARRAY_LEN(eights); b++) {
		eights[b].scale = (uint16_t)(0x2e66 + b); /* about 0.1 */
		fours[b].scale = (uint16_t)(0xae66 - b);  /* about -0.1 */
		for (size_t i = 0; i < QUANT_BLOCK; i++) {
			eights[b].q[i] = (int8_t)(255 * number(&state) / 2);
			fours[b].q[i % 16] = (uint8_t)(127 * (1 + number(&state)));
		}
	}
}

static double weight8(size_t column, size_t i)
{
	const struct q8_block *b = &eights[column * BLOCKS + i / QUANT_BLOCK];

	return (double)half_to_float(b->scale) * b->q[i % QUANT_BLOCK];
}

static double weight4(size_t column, size_t i)
{
	const struct q4_block *b = &fours[column * BLOCKS + i / QUANT_BLOCK];
	const uint8_t pair = b->q[i % 16];

	return (double)half_to_float(b->scale) * ((i % QUANT_BLOCK < 16 ? pair & 15 : pair >> 4) - 8);
}

/* Every number of a product against the same sum in double. */
static void products_of_blocks(const struct block_loops *loops)
{
	static struct x_block rounded[ROWS * BLOCKS];
	static float got8[ROWS][COLUMNS + 1], got4[ROWS][COLUMNS + 1];
	struct block_product p = {.y = got8[0],
				  .y_stride = COLUMNS + 1,
				  .w = eights,
				  .x = rounded,
				  .rows = ROWS,
				  .columns = COLUMNS,
				  .blocks = BLOCKS};

	loops->round(rounded, x, ROWS * BLOCKS);
	loops->product_q8(&p);
	p.y = got4[0];
	p.w = fours;
	loops->product_q4(&p);
	for (size_t r = 0; r < ROWS; r++)
		for (size_t c = 0; c < COLUMNS; c++) {
			double want8 = 0, want4 = 0;

			for (size_t i = 0; i < BLOCKS * QUANT_BLOCK; i++) {
				const struct x_block *b = &rounded[r * BLOCKS + i / QUANT_BLOCK];
				const double v = x_block_at(b, i % QUANT_BLOCK);

				MUST(fabs(v - (double)x[r * BLOCKS * QUANT_BLOCK + i]) <=
				     0.501 * (double)b->scale);
				want8 += weight8(c, i) * v;
				want4 += weight4(c, i) * v;
			}
			ck_assert_double_eq_tol((double)got8[r][c], want8, 1e-3);
			ck_assert_double_eq_tol((double)got4[r][c], want4, 1e-3);
		}
}

/* The sums of products have room for the largest that there are. */
static void largest_products(const struct block_loops *loops)
{
	float most[QUANT_BLOCK], got;
	struct q8_block eight = {.scale = 0x3c00};
	struct q4_block four = {.scale = 0x3c00};
	struct x_block rounded;
	struct block_product p = {
		.y = &got, .y_stride = 1, .w = &eight, .x = &rounded, .rows = 1, .columns = 1, .blocks = 1};

	for (size_t i = 0; i < QUANT_BLOCK; i++) {
		most[i] = -127;
		eight.q[i] = -128;
		four.q[i % 16] = 0xff;
	}
	loops->round(&rounded, most, 1);
	loops->product_q8(&p);
	ck_assert_double_eq_tol((double)got, 32.0 * 127 * 128, 0.5);
	p.w = &four;
	loops->product_q4(&p);
	ck_assert_double_eq_tol((double)got, -32.0 * 127 * 7, 0.5);
}

START_TEST(blocks_of_bits)
{
	static const float nothing[QUANT_BLOCK];
	struct x_block rounded;

	fill();
	fill_blocks();
	for (const struct block_loops *const *loops = blocks_all(); *loops; loops++) {
		products_of_blocks(*loops);
		largest_products(*loops);
		(*loops)->round(&rounded, nothing, 1);
		ck_assert(rounded.scale == 0 && rounded.sum == 0 && rounded.q[3] == 0);
	}
	ck_assert(half_to_float(0x3c00) == 1 && half_to_float(0xc000) == -2 && half_to_float(1) == 0x1p-24f);
}
END_TEST

/* Every case is checked against a reference by the backend itself; here the shapes that are hard to get
 * right. */
#define CASE(...)                                                                                            \
	{                                                                                                    \
		__VA_ARGS__                                                                                  \
	}
static const struct bench_case cases[] = {
	CASE(.kind = SAMPLE_READ, .bytes = 4 * 16 * 61),
	CASE(.kind = SAMPLE_READ, .bytes = 4 * 3, .threads = 1),
	CASE(.kind = SAMPLE_WRITE, .bytes = 4 * 1003),
	CASE(.kind = SAMPLE_COPY, .bytes = 8 * 1003),
	CASE(.kind = SAMPLE_TRIAD, .bytes = 12 * 1003),
	CASE(.kind = SAMPLE_ADAM, .n = 1003, .bytes = 28 * 1003),
	CASE(.kind = SAMPLE_ADAM, .n = 100003, .bytes = 28 * 100003),
	CASE(.kind = SAMPLE_ELEMENTWISE, .m = 3, .n = 77, .bytes = 8 * 3 * 77, .cold = true),
	CASE(.kind = SAMPLE_ELEMENTWISE, .m = 301, .n = 77, .bytes = 8 * 301 * 77),
	CASE(.kind = SAMPLE_GEMM, .m = 1, .n = 37, .k = 53, .bytes = 4 * 37 * 53),
	CASE(.kind = SAMPLE_GEMM, .m = 19, .n = 37, .k = 53, .bytes = 4 * 37 * 53),
	CASE(.kind = SAMPLE_GEMM, .m = 2, .n = 300, .k = 1, .bytes = 1200, .threads = 1),
	CASE(.kind = SAMPLE_SUSTAINED, .m = 33, .n = 34, .k = 35, .bytes = 4 * 34 * 35),
	CASE(.kind = SAMPLE_GEMV, .m = 1, .n = 45, .k = 70, .bytes = 4 * 45 * 70),
	CASE(.kind = SAMPLE_GEMV, .dtype = SAMPLE_Q8, .m = 1, .n = 45, .k = 96, .bytes = 34 * 45 * 3),
	CASE(.kind = SAMPLE_GEMV, .dtype = SAMPLE_Q8, .m = 7, .n = 1, .k = 32, .bytes = 34),
	CASE(.kind = SAMPLE_GEMV, .dtype = SAMPLE_Q4, .m = 1, .n = 45, .k = 96, .bytes = 18 * 45 * 3),
	CASE(.kind = SAMPLE_GEMV, .dtype = SAMPLE_Q4, .m = 8, .n = 33, .k = 64, .bytes = 18 * 66,
	     .threads = 1),
	CASE(.kind = SAMPLE_GEMM, .dtype = SAMPLE_Q8, .m = 131, .n = 37, .k = 64, .bytes = 34 * 74),
	CASE(.kind = SAMPLE_GEMM, .dtype = SAMPLE_Q4, .m = 18, .n = 37, .k = 32, .bytes = 18 * 37,
	     .threads = 1),
	CASE(.kind = SAMPLE_MOE, .m = 1, .n = 40, .k = 1, .bytes = 4 * 1600),
	CASE(.kind = SAMPLE_MOE, .m = 11, .n = 40, .k = 4, .bytes = 16 * 1600),
	CASE(.kind = SAMPLE_MOE, .dtype = SAMPLE_Q8, .m = 11, .n = 96, .k = 4, .bytes = 4 * 96 * 96),
	CASE(.kind = SAMPLE_MOE, .dtype = SAMPLE_Q4, .m = 300, .n = 64, .k = 2, .bytes = 2 * 64 * 64),
	CASE(.kind = SAMPLE_MOE, .dtype = SAMPLE_Q8, .m = 3, .n = 64, .k = 5, .bytes = 5 * 64 * 64),
	CASE(.kind = SAMPLE_PREFILL, .m = 1, .n = 1, .heads = 1, .kv_heads = 1, .head_dim = 16),
	CASE(.kind = SAMPLE_PREFILL, .m = 5, .n = 5, .heads = 6, .kv_heads = 2, .head_dim = 48),
	CASE(.kind = SAMPLE_PREFILL, .m = 65, .n = 65, .heads = 4, .kv_heads = 4, .head_dim = 64),
	CASE(.kind = SAMPLE_PREFILL, .m = 70, .n = 203, .heads = 4, .kv_heads = 1, .head_dim = 128),
	CASE(.kind = SAMPLE_PREFILL, .m = 63, .n = 64, .heads = 2, .kv_heads = 1, .head_dim = 32,
	     .threads = 1),
	CASE(.kind = SAMPLE_DECODE, .m = 1, .n = 1, .heads = 5, .kv_heads = 1, .head_dim = 16),
	CASE(.kind = SAMPLE_DECODE, .m = 1, .n = 63, .heads = 6, .kv_heads = 2, .head_dim = 48),
	CASE(.kind = SAMPLE_DECODE, .m = 1, .n = 129, .heads = 32, .kv_heads = 1, .head_dim = 128),
	CASE(.kind = SAMPLE_DECODE, .m = 1, .n = 1000, .heads = 3, .kv_heads = 3, .head_dim = 128,
	     .cold = true),
	CASE(.kind = SAMPLE_DISPATCH, .m = 10),
	CASE(.kind = SAMPLE_SUBMIT, .m = 10),
};

START_TEST(cases_are_right)
{
	void *self = NULL;
	struct err err = ERR_INIT;
	double seconds = -1;

	ck_assert_msg(backend_cpu.open(&self, &err) == 0, "%s", err.msg);
	if (cases[_i].threads && !backend_cpu.can(self, &cases[_i])) { /* a BLAS that takes no orders */
		backend_cpu.close(self);
		return;
	}
	ck_assert(backend_cpu.can(self, &cases[_i]));
	ck_assert_msg(backend_cpu.prepare(self, &cases[_i], &err) == 0, "%s", err.msg);
	ck_assert_int_eq(backend_cpu.run(self, 5, &seconds, &err), 0);
	ck_assert_double_ge(seconds, 0);
	backend_cpu.finish(self);
	ck_assert_int_eq(backend_cpu.run(self, 1, &seconds, &err), -1); /* nothing is prepared */
	backend_cpu.finish(self);
	backend_cpu.close(self);
}
END_TEST

START_TEST(what_it_cannot_do_is_said)
{
	static const struct bench_case not [] = {
		CASE(.kind = SAMPLE_GEMM, .dtype = SAMPLE_F16, .m = 8, .n = 8, .k = 8),
		CASE(.kind = SAMPLE_GEMV, .dtype = SAMPLE_Q4, .m = 1, .n = 8, .k = 33),
		CASE(.kind = SAMPLE_GEMM, .dtype = SAMPLE_Q8, .m = 9, .n = 8, .k = 48),
		CASE(.kind = SAMPLE_GEMV, .m = 9, .n = 8, .k = 33),
		CASE(.kind = SAMPLE_PREFILL, .m = 1, .n = 1, .heads = 3, .kv_heads = 2, .head_dim = 16),
		CASE(.kind = SAMPLE_PREFILL, .m = 2, .n = 1, .heads = 2, .kv_heads = 2, .head_dim = 16),
		CASE(.kind = SAMPLE_DECODE, .m = 1, .n = 1, .heads = 2, .kv_heads = 2, .head_dim = 20),
		CASE(.kind = SAMPLE_HOST_COPY, .bytes = 100),
		CASE(.kind = SAMPLE_READ, .bytes = 100, .threads = 100000),
	};
	void *self = NULL;
	struct err err = ERR_INIT;

	ck_assert_int_eq(backend_cpu.open(&self, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(not ); i++) {
		ck_assert_msg(!backend_cpu.can(self, &not [i]), "%zu", i);
		ck_assert_int_eq(backend_cpu.prepare(self, &not [i], &err), -1);
		backend_cpu.finish(self);
	}
	backend_cpu.close(self);
	backend_cpu.close(NULL);
}
END_TEST

START_TEST(a_wrong_number_is_found)
{
	const struct reference want = {2, 10};
	struct err err = ERR_INIT;

	ck_assert_int_eq(cpu_close(2.00001f, &want, "element", 3, &err), 0);
	ck_assert_int_eq(cpu_close(2.001f, &want, "element", 3, &err), -1);
	ck_assert_int_eq(cpu_close(NAN, &want, "element", 3, NULL), -1);
	ck_assert_str_eq(err.msg, "a wrong result: element 3 is 2.00099993, not 2");
}
END_TEST

static void count(void *self, int part, int parts)
{
	int *hits = self;

	for (struct span s = pool_span(1000, 7, part, parts); s.from < s.to; s.from++)
		hits[s.from]++;
}

START_TEST(a_pool_does_each_part_once)
{
	struct err err = ERR_INIT;
	struct pool *p = pool_new(5, &err); /* more than there are cores */
	int hits[1000] = {0};

	ck_assert_ptr_nonnull(p);
	for (int turn = 0; turn < 300; turn++) {
		pool_limit(p, turn % 6);
		pool_run(p, count, hits);
	}
	pool_run_if(p, 1000, 2000, count, hits);
	for (int i = 0; i < 1000; i++)
		MUST(hits[i] == 301);
	pool_free(p);
	ck_assert_ptr_null(pool_new(0, &err));
}
END_TEST

/* A product is the same however many threads share it, and nothing beside it is touched. */
START_TEST(a_product_is_shared)
{
	enum { M = 41, N = 83, K = 267, EDGE = 16 };
	static float a[M * K], w[N * K], c[M * N + EDGE];
	static const struct linear shapes[] = {{1, N, K}, {2, 16, K}, {8, N, K}, {9, N, 64}, {M, 17, K},
					       {M, N, K}, {M, 1, K},  {1, 1, 1}, {40, N, K}};
	struct err err = ERR_INIT;
	struct pool *p = pool_new(8, &err);
	struct blas blas;
	uint32_t state = 3;

	for (int i = 0; i < M * K; i++)
		a[i] = number(&state);
	for (int i = 0; i < N * K; i++)
		w[i] = number(&state);
	blas_open(&blas);
	for (size_t s = 0; s < ARRAY_LEN(shapes); s++)
		for (int threads = 1; threads <= 8; threads++) {
			const int64_t m = shapes[s].m, n = shapes[s].n, k = shapes[s].k;

			for (int i = 0; i < M * N + EDGE; i++)
				c[i] = 1234;
			pool_limit(p, threads);
			blas_linear(&blas, p, &shapes[s], c, a, w);
			for (int64_t i = 0; i < m * n; i++) {
				double want = 0;

				for (int64_t j = 0; j < k; j++)
					want += (double)a[i / n * k + j] * (double)w[i % n * k + j];
				MUST(fabs((double)c[i] - want) < 1e-4);
			}
			for (int64_t i = m * n; i < M * N + EDGE; i++)
				MUST(c[i] == 1234);
		}
	pool_free(p);
}
END_TEST

/* The names that GSL's solvers call mean what they meant before a fast library was loaded. */
START_TEST(the_library_that_is_measured_stays_apart)
{
	void *program = dlopen(NULL, RTLD_NOW), *before = dlsym(program, "cblas_dgemv"), *gemm;
	struct blas b;

	blas_open(&b);
	ck_assert(before && dlsym(program, "cblas_dgemv") == before);
	gemm = dlsym(program, "cblas_sgemm");
	ck_assert(gemm && memcmp(&gemm, &b.gemm, sizeof gemm) != 0);
	dlclose(program);
}
END_TEST

/* Rows x columns: the nearest to square, all threads used; few rows are not divided. */
START_TEST(blocks_of_a_product)
{
	static const struct {
		struct linear shape;
		int parts, rows, columns;
	} of[] = {{{1, 4096, 4096}, 16, 1, 16}, {{8, 4096, 64}, 4, 1, 4},    {{4096, 4096, 64}, 16, 4, 4},
		  {{4096, 512, 64}, 8, 8, 1},   {{64, 2816, 1024}, 2, 1, 2}, {{512, 512, 64}, 2, 1, 2},
		  {{2048, 512, 64}, 2, 2, 1},   {{300, 300, 64}, 7, 1, 7},   {{300, 300, 64}, 6, 2, 3}};

	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		const struct blocks b = blas_blocks(&of[i].shape, of[i].parts);

		ck_assert_msg(b.rows == of[i].rows && b.columns == of[i].columns, "%zu: %d x %d", i, b.rows,
			      b.columns);
	}
}
END_TEST

START_TEST(the_machine_is_described)
{
	struct backend_info info;
	struct err err = ERR_INIT;

	ck_assert_int_eq(machine_info(&info, &err), 0);
	ck_assert(info.chip[0] && info.os[0] && info.build[0] && info.power[0]);
	ck_assert(info.cores >= 1 && info.ram_B > 1 << 28 && info.cache_B >= 1 << 15);
}
END_TEST

Suite *suite_cpu(void)
{
	Suite *s = suite_create("cpu");
	TCase *t = tcase_create("kernels");

	tcase_add_test(t, loops_agree_with_plain_ones);
	tcase_add_test(t, exponentials_hold_their_range);
	tcase_add_test(t, blocks_of_bits);
	tcase_add_loop_test(t, cases_are_right, 0, ARRAY_LEN(cases));
	tcase_add_test(t, what_it_cannot_do_is_said);
	tcase_add_test(t, a_wrong_number_is_found);
	tcase_add_test(t, a_pool_does_each_part_once);
	tcase_add_test(t, a_product_is_shared);
	tcase_add_test(t, the_library_that_is_measured_stays_apart);
	tcase_add_test(t, blocks_of_a_product);
	tcase_add_test(t, the_machine_is_described);
	suite_add_tcase(s, t);
	return s;
}
