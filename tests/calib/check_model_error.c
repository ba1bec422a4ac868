/*
 * check_model_error.c - what a calibration says of shapes that it has not seen: machines with a known law, of which each
 * shape has its own deviation, as kernels' have; P10 to P90 must hold four of five of the shapes that were left out.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/calib/model_error.h"
#include "sim/calib/profile.h"
#include "sim/conf/sources.h"
#include "sim/cost/cost.h"
#include "sim/hw/hw.h"
#include "tests/suites.h"

/* The law: rates in FLOP/s and byte/s, starts in seconds, and the deviation of a shape and of a sample. */
static const double peak = 900e9, read_Bps = 40e9, weights_Bps = 36e9, cache_Bps = 30e9, query_flops = 50e9,
		    start_s = 9e-6;
static const double noise = 0.01;

struct machine_law {
	struct arena *arena;
	struct rng *rng;
	uint64_t seed;
	double deviation;
	bool one_group;     /* of query heads for each key and value head: 1 */
	bool suite;         /* the kernels are this program's own */
	const char *device; /* NULL: a CPU */
	struct sample at[256];
	size_t n;
};

/* A shape's own deviation, the same whenever it is asked for. */
static double own(const struct machine_law *y, const char *what, int64_t m, int64_t n)
{
	struct arena a = ARENA_INIT;
	struct rng *rng =
		rng_new(y->seed, arena_printf(&a, "%s %lld %lld", what, (long long)m, (long long)n));
	const double z = rng_normal(rng);

	rng_free(rng);
	arena_release(&a);
	return exp(y->deviation * z);
}

static double product_s(const struct machine_law *y, int64_t m, int64_t n)
{
	const double flop = 2.0 * (double)m * (double)n * (double)n;
	const double u = 0.2 + 0.7 * (double)m / ((double)m + 64) * (double)n / ((double)n + 512);

	return start_s + flop / (u * peak) * own(y, "product", m, n);
}

static double single_row_s(const struct machine_law *y, int64_t n)
{
	return start_s + 4.0 * (double)n * (double)n / weights_Bps * own(y, "row", 1, n);
}

static void measure(struct machine_law *y, struct sample s, double seconds)
{
	enum { N = 15 };
	double *x = arena_array(y->arena, N, sizeof *x);

	for (int i = 0; i < N; i++)
		x[i] = seconds * exp(noise * rng_normal(y->rng));
	s.seconds = x;
	s.seconds_n = N;
	y->at[y->n++] = s;
}

static void measure_overheads(struct machine_law *y)
{
	for (int i = 0; i < 12; i++)
		measure(y, (struct sample){.kind = SAMPLE_READ, .bytes = 64e6 * pow(1.5, i)},
			64e6 * pow(1.5, i) / read_Bps);
	for (int64_t m = 1; m <= 4096; m *= 4)
		measure(y, (struct sample){.kind = SAMPLE_DISPATCH, .m = m, .k = 1},
			20e-6 + 2e-6 * (double)m);
	for (int64_t m = 1; m <= 64; m *= 8)
		measure(y, (struct sample){.kind = SAMPLE_SUBMIT, .m = m}, 60e-6 * (double)m);
}

/* One query over a cache: query heads that share keys share the reading, each computes for itself. */
struct cache_shape {
	int64_t kv_heads, group, dim, tokens;
};

static double cache_B(const struct cache_shape *c)
{
	return 4.0 * 2 * (double)(c->kv_heads * c->dim * c->tokens);
}

static double cache_flop(const struct cache_shape *c)
{
	return 4.0 * (double)(c->kv_heads * c->group * c->dim * c->tokens);
}

static double query_s(const struct machine_law *y, const struct cache_shape *c)
{
	return start_s + fmax(cache_B(c) / cache_Bps, cache_flop(c) / query_flops) *
				 own(y, "query", c->kv_heads * 100 + c->group, c->dim * 1000000 + c->tokens);
}

static void measure_queries(struct machine_law *y)
{
	static const int64_t groups[] = {1, 2, 4, 8}, heads[] = {2, 8};

	for (size_t g = 0; g < (y->one_group ? 1 : ARRAY_LEN(groups)); g++)
		for (size_t h = 0; h < ARRAY_LEN(heads); h++)
			for (int64_t n = 1024; n <= 16384; n *= 4) {
				const struct cache_shape c = {heads[h], groups[g], n == 4096 ? 64 : 128, n};

				measure(y,
					(struct sample){.kind = SAMPLE_DECODE,
							.m = 1,
							.n = n,
							.heads = c.kv_heads * c.group,
							.kv_heads = c.kv_heads,
							.head_dim = c.dim,
							.bytes = cache_B(&c),
							.flop = cache_flop(&c)},
					query_s(y, &c));
			}
}

/* Three of ten shapes of the grid are not measured. */
static void measure_shapes(struct machine_law *y)
{
	static const int64_t widths[] = {512, 1024, 2048, 4096, 8192};

	for (size_t w = 0; w < ARRAY_LEN(widths); w++)
		for (int64_t m = 32; m <= 4096; m *= 2)
			if (rng_uniform(y->rng) < 0.7)
				measure(y,
					(struct sample){.kind = SAMPLE_GEMM,
							.m = m,
							.n = widths[w],
							.k = widths[w],
							.flop = 2.0 * (double)m * (double)widths[w] *
								(double)widths[w]},
					product_s(y, m, widths[w]));
	for (int i = 0; i < 12; i++) {
		const int64_t n = (int64_t)(1024 * pow(1.35, i));

		measure(y,
			(struct sample){.kind = SAMPLE_GEMV,
					.m = 1,
					.n = n,
					.k = n,
					.bytes = 4.0 * (double)n * (double)n},
			single_row_s(y, n));
	}
}

static const struct machine *calibrated(struct machine_law *y)
{
	struct sample_set set = {.chip = "Known law",
				 .device = y->device ? y->device : "cpu",
				 .runtime = "cblas",
				 .tool = "test"};
	struct source *source = arena_alloc(y->arena, sizeof *source);
	struct machine *m = arena_alloc(y->arena, sizeof *m);
	struct diags *diags = arena_alloc(y->arena, sizeof *diags);
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	struct yml *tree;

	measure_overheads(y);
	measure_shapes(y);
	measure_queries(y);
	set.suite = y->suite;
	set.cores = 4;
	set.ram_B = 16LL << 30;
	set.samples = y->at;
	set.n = y->n;
	ck_assert_msg(profile_write(&set, NULL, "law", &text, &err) == 0, "%s", err.msg);
	*source = (struct source){"written", arena_strndup(y->arena, text.text, text.len), text.len};
	str_release(&text);
	diags_init(diags, y->arena);
	tree = yml_parse(y->arena, source, diags);
	sources_resolve(y->arena, tree, diags);
	ck_assert_int_eq(field_load(&machine_table, tree, "machine", m, diags), 0);
	ck_assert_int_eq(machine_check(m, diags), 0);
	return m;
}

static struct op product_op(int64_t m, int64_t n)
{
	return (struct op){.kind = OP_LINEAR,
			   .m = m,
			   .n = n,
			   .k = n,
			   .copies = 1,
			   .rows = (double)m,
			   .times = 1,
			   .format = FORMAT_F32,
			   .flop = 2.0 * (double)m * (double)n * (double)n,
			   .weight_B = 4.0 * (double)n * (double)n};
}

static struct op query_op(const struct cache_shape *c)
{
	return (struct op){.kind = OP_SCORES,
			   .query = 1,
			   .context = c->tokens,
			   .flop = cache_flop(c),
			   .dense_flop = cache_flop(c),
			   .kv_B = cache_B(c),
			   .groups = (double)c->group,
			   .times = 1};
}

/* Is the time within P10 to P90 of the draws? */
static bool holds(const struct cost *c, double seconds, struct rng *rng)
{
	enum { DRAWS = 400 };
	int below = 0;

	for (int i = 0; i < DRAWS; i++) {
		struct params z = {{0}};

		for (int p = 0; p < PARAM_LINKS; p++)
			z.of[p] = rng_normal(rng);
		below += cost_seconds_drawn(c, &z) < seconds;
	}
	return below >= DRAWS / 10 && below <= DRAWS - DRAWS / 10;
}

enum { MACHINES = 12, MACHINES_ALL = 60, SHAPES = 40 };
static const double deviations[] = {0.07, 0.12, 0.2};

/* In a run an operator takes by so much longer or shorter than alone. */
static double in_run(double seconds, struct rng *rng)
{
	return seconds * exp(model_error_composed_sd * rng_normal(rng));
}

/* Shapes of the span that was measured and none of its points, in runs. */
START_TEST(intervals_hold_what_was_left_out)
{
	const int machines = how_many(MACHINES, MACHINES_ALL);
	int many = 0, one = 0, queries = 0, n = 0;

	for (int i = 0; i < machines; i++) {
		struct arena a = ARENA_INIT;
		struct machine_law *y = arena_alloc(&a, sizeof *y);
		const struct machine *m;
		const struct device *d;
		struct device_model model;

		*y = (struct machine_law){.arena = &a,
					  .rng = rng_new((uint64_t)i, "left out"),
					  .seed = (uint64_t)i,
					  .deviation = deviations[_i]};
		m = calibrated(y);
		d = m->devices.at;
		model = device_model_make(&a, m, d, device_runtime(d, "cblas"), DTYPE_F32);
		for (int s = 0; s < SHAPES; s++, n++) {
			const int64_t rows = (int64_t)(40 * exp(rng_uniform(y->rng) * log(90))),
				      width = (int64_t)(600 * exp(rng_uniform(y->rng) * log(12))),
				      alone = (int64_t)(1100 * exp(rng_uniform(y->rng) * log(24)));
			const struct op products = product_op(rows, width), row = product_op(1, alone);
			const struct cache_shape cache = {
				1 + (int64_t)(rng_uniform(y->rng) * 16),
				1 + (int64_t)(rng_uniform(y->rng) * 8), 64,
				(int64_t)(1500 * exp(rng_uniform(y->rng) * log(16)))};
			const struct op query = query_op(&cache);
			const struct cost c = cost_of(&products, &model, 1), r = cost_of(&row, &model, 1),
					  q = cost_of(&query, &model, 1);

			many += holds(&c, in_run(product_s(y, rows, width), y->rng), y->rng);
			queries += holds(&q, in_run(query_s(y, &cache), y->rng), y->rng);
			one += holds(&r, in_run(single_row_s(y, alone), y->rng), y->rng);
		}
		rng_free(y->rng);
		arena_release(&a);
	}
	ck_assert_msg(many >= 0.7 * n && many <= 0.9 * n, "products: %d of %d inside", many, n);
	ck_assert_msg(queries >= 0.7 * n && queries <= 0.9 * n, "one query: %d of %d inside", queries, n);
	ck_assert_msg(one >= 0.7 * n && one <= 0.9 * n, "single rows: %d of %d inside", one, n);
}
END_TEST

/* Of the suite's kernels no model is run: its numbers are as much wider as programs are apart, on points, off them, in one row and
 * in attention alike, and on a CPU more, up to where nothing is known of shapes off the points. Values stay. */
static const char *const suite_devices[] = {"gpu", "cpu"};

START_TEST(other_programs_kernels_are_wider)
{
	struct arena a = ARENA_INIT;
	const struct profile *p[2];
	const struct gemm_table *g[2];

	for (int suite = 0; suite < 2; suite++) {
		struct machine_law *y = arena_alloc(&a, sizeof *y);

		*y = (struct machine_law){.arena = &a,
					  .rng = rng_new(5, "suite"),
					  .seed = 5,
					  .suite = suite,
					  .device = suite_devices[_i]};
		p[suite] = device_runtime(calibrated(y)->devices.at, "cblas");
		g[suite] = p[suite]->gemm[DTYPE_F32];
		rng_free(y->rng);
	}
	for (size_t i = 0; i < 4; i++) {
		const struct gemm_point *points[] = {g[0]->points.at, g[1]->points.at};
		const double of[4][2] = {
			{p[0]->gemv.spread, p[1]->gemv.spread},
			{p[0]->attention.decode.spread, p[1]->attention.decode.spread},
			{points[0]->u.spread, points[1]->u.spread},
			{g[0]->between.value, g[1]->between.value},
		};

		ck_assert_double_ge(of[i][0], model_error_composed_sd - 1e-4);
		ck_assert_double_eq_tol(of[i][1],
					fmin(hypot(of[i][0], model_error_other_kernels(suite_devices[_i])),
					     of[i] == of[3] ? 0.5 : 1),
					2e-3);
	}
	ck_assert_double_eq_tol(p[1]->gemv.value / p[0]->gemv.value, 1, 1e-9);
	/* copies are the same in any program, but runs of them are off as others are */
	ck_assert_double_ge(p[0]->copy.spread, model_error_composed_sd - 1e-4);
	ck_assert_double_eq_tol(p[1]->copy.spread, p[0]->copy.spread, 1e-9);
	arena_release(&a);
}
END_TEST

/* What binds is told by unlike groups; with one group, that reading does, and what larger ones do is wide. */
START_TEST(one_query_is_bound_by_reading_or_by_arithmetic)
{
	struct arena a = ARENA_INIT;
	struct machine_law *y = arena_alloc(&a, sizeof *y);
	const struct machine *m;
	const struct profile *p;
	double peak_s;

	*y = (struct machine_law){.arena = &a, .rng = rng_new(3, "query"), .seed = 3};
	m = calibrated(y);
	p = device_runtime(m->devices.at, "cblas");
	peak_s = ((const struct device *)m->devices.at)->peak[DTYPE_F32].value;
	ck_assert_double_eq_tol(p->attention.decode.value / cache_Bps, 1, 0.02);
	ck_assert_double_eq_tol(p->attention.decode_u.value * peak_s / query_flops, 1, 0.06);
	ck_assert_int_eq(p->attention.decode_u.provenance, PROVENANCE_MEASURED);
	rng_free(y->rng);

	*y = (struct machine_law){.arena = &a, .rng = rng_new(3, "query"), .seed = 3, .one_group = true};
	m = calibrated(y);
	p = device_runtime(m->devices.at, "cblas");
	ck_assert_double_eq_tol(p->attention.decode.value / cache_Bps, 1, 0.02);
	ck_assert_int_eq(p->attention.decode_u.provenance, PROVENANCE_TRANSFERRED);
	ck_assert_double_eq_tol(p->attention.decode_u.spread, hypot(0.5, model_error_composed_sd), 1e-3);
	rng_free(y->rng);
	arena_release(&a);
}
END_TEST

/* Launches of which none waits for another take longer than a chain of them: the host's. */
START_TEST(the_host_shows_in_launches_one_by_one)
{
	static const double alone_s[] = {1e-6, 2.5e-6, 4e-6, 9e-6};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(alone_s); i++) {
		struct machine_law *y = arena_alloc(&a, sizeof *y);
		const struct overhead *o;

		*y = (struct machine_law){.arena = &a, .rng = rng_new(5, "host"), .seed = 5};
		for (int64_t m = 1; m <= 4096; m *= 4)
			measure(y, (struct sample){.kind = SAMPLE_DISPATCH, .m = m},
				5e-6 + alone_s[i] * (double)m);
		o = &device_runtime(calibrated(y)->devices.at, "cblas")->overhead;
		ck_assert_int_eq(o->host.given, alone_s[i] > 1.5 * 2e-6); /* a chain takes 2 us a kernel */
		if (o->host.given)
			ck_assert_double_eq_tol(o->host.value / alone_s[i], 1, 0.03);
		ck_assert_int_eq(o->replays, o->host.given ? REPLAYS_DECODE : REPLAYS_NONE);
		rng_free(y->rng);
	}
	arena_release(&a);
}
END_TEST

/* Launches in training: their mean, stalls among them, with the scatter of single stretches; with launches one by one alone. */
START_TEST(training_has_a_pace_of_its_own)
{
	static const double stretches[] = {2e-3, 2e-3, 5e-3};
	struct arena a = ARENA_INIT;
	struct machine_law *y = arena_alloc(&a, sizeof *y);
	const struct overhead *o;

	*y = (struct machine_law){.arena = &a, .rng = rng_new(5, "host"), .seed = 5};
	if (_i)
		for (int64_t m = 1; m <= 4096; m *= 4)
			measure(y, (struct sample){.kind = SAMPLE_DISPATCH, .m = m}, 5e-6 + 9e-6 * (double)m);
	measure(y, (struct sample){.kind = SAMPLE_DISPATCH, .m = 100, .path = "training"}, 3e-3);
	y->at[y->n - 1].seconds = stretches;
	y->at[y->n - 1].seconds_n = ARRAY_LEN(stretches);
	o = &device_runtime(calibrated(y)->devices.at, "cblas")->overhead;
	ck_assert_int_eq(o->host_training.given, _i);
	if (_i) {
		ck_assert_double_eq_tol(o->host.value / 9e-6, 1, 0.03);
		ck_assert_double_eq_tol(o->host_training.value, 30e-6, 1e-9);
		ck_assert_double_eq_tol(o->host_training.spread, sqrt((1.0 / 9 + 1.0 / 9 + 4.0 / 9) / 2),
					0.01);
	}
	rng_free(y->rng);
	arena_release(&a);
}
END_TEST

/* Rounds of two parts that take unlike times for a launch: what they differ by is no spread, what rounds differ by is. */
START_TEST(training_rounds_tell_its_spread)
{
	static const double slower[] = {1, 1.1, 1, 0.98};
	struct arena a = ARENA_INIT;
	struct machine_law *y = arena_alloc(&a, sizeof *y);
	const struct overhead *o;

	*y = (struct machine_law){.arena = &a, .rng = rng_new(5, "host"), .seed = 5};
	for (int64_t m = 1; m <= 4096; m *= 4)
		measure(y, (struct sample){.kind = SAMPLE_DISPATCH, .m = m}, 5e-6 + 9e-6 * (double)m);
	for (size_t i = 0; i < ARRAY_LEN(slower); i++)
		for (int part = 0; part < 2; part++) {
			static const double s[] = {2e-3, 12e-3};
			double *x = arena_array(&a, 1, sizeof *x);

			*x = s[part] * slower[i];
			measure(y,
				(struct sample){
					.kind = SAMPLE_DISPATCH, .m = part ? 300 : 100, .path = "training"},
				1);
			y->at[y->n - 1].seconds = x;
			y->at[y->n - 1].seconds_n = 1;
		}
	o = &device_runtime(calibrated(y)->devices.at, "cblas")->overhead;
	ck_assert(o->host_training.given);
	ck_assert_double_eq_tol(o->host_training.value, 35e-6 * (1 + 1.1 + 1 + 0.98) / 4, 1e-9);
	/* of four errors the largest is the one below which four of five lie: 1.1 against 2.98 / 3; a run of as many rounds */
	ck_assert_double_eq_tol(o->host_training.spread,
				(1.1 * 3 / 2.98 - 1) / 1.2815515655446004 * sqrt(2.0 * 3) / 4, 0.002);
	rng_free(y->rng);
	arena_release(&a);
}
END_TEST

/* Nine errors: the eighth is the one below which four of five further ones lie; fewer than four: the largest. */
START_TEST(the_jackknife_has_its_rank)
{
	const double off[] = {0.09, 0.01, 0.03, 0.02, 0.08, 0.07, 0.04, 0.06, 0.05};
	const double to_p90 = 1.2815515655446004;

	ck_assert_double_eq_tol(model_error_sd(off, 9), 0.08 / to_p90, 1e-15);
	ck_assert_double_eq_tol(model_error_sd(off, 4), 0.09 / to_p90, 1e-15);
	ck_assert_double_eq_tol(model_error_sd(off + 1, 1), 0.01 / to_p90, 1e-15);
}
END_TEST

Suite *suite_model_error(void)
{
	Suite *s = suite_create("model_error");
	TCase *tc = tcase_create("model_error");

	tcase_add_loop_test(tc, intervals_hold_what_was_left_out, 0, (int)ARRAY_LEN(deviations));
	tcase_add_loop_test(tc, training_has_a_pace_of_its_own, 0, 2);
	tcase_add_test(tc, training_rounds_tell_its_spread);
	tcase_add_loop_test(tc, other_programs_kernels_are_wider, 0, ARRAY_LEN(suite_devices));
	tcase_add_test(tc, one_query_is_bound_by_reading_or_by_arithmetic);
	tcase_add_test(tc, the_host_shows_in_launches_one_by_one);
	tcase_add_test(tc, the_jackknife_has_its_rank);
	suite_add_tcase(s, tc);
	return s;
}
