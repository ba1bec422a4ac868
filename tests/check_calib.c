/* check_calib.c - calibration: laws found again in noisy times, foreign files read, hardware files written. */
#include <gsl/gsl_errno.h>
#include <math.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/calib/fit.h"
#include "sim/calib/samples.h"
#include "tests/suites.h"

/* Laws with known parameters: times at sizes a constant factor apart, 2 % noise, every twentieth far off. */
static const struct {
	const char *name;
	enum fit_law law;
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

static double law_s(size_t i, double x)
{
	const double *p = known[i].truth;
	double h;

	switch (known[i].law) {
	case FIT_CONSTANT:
		return p[FIT_C];
	case FIT_RATE:
		return known[i].t0 + x / p[FIT_R];
	case FIT_AFFINE:
		return p[FIT_T0] + x / p[FIT_R];
	case FIT_KNEE:
		break;
	}
	h = 1 / (1 + pow(x / p[FIT_AT], p[FIT_SLOPE]));
	return x * (h / p[FIT_CACHE] + (1 - h) / p[FIT_MEMORY]);
}

enum { TRIALS = 200, POINTS_MAX = 128 };

static void draw_points(size_t law, struct rng *rng, struct fit_point *p)
{
	const size_t n = known[law].n;

	for (size_t i = 0; i < n; i++) {
		const double x =
			known[law].from * pow(known[law].to / known[law].from, (double)i / (double)(n - 1));
		const bool odd = rng_uniform(rng) < 0.05;

		p[i] = (struct fit_point){.x = x, .t = law_s(law, x) * exp(0.02 * rng_normal(rng))};
		if (odd) /* another program woke up; more rarely, a clock was read too early */
			p[i].t *= rng_uniform(rng) < 0.8 ? 1.2 + 2 * rng_uniform(rng) : 0.5;
	}
}

START_TEST(a_law_is_found_again)
{
	double off[FIT_PARAMS] = {0};
	int held[FIT_PARAMS] = {0};
	size_t params = 0;

	for (int trial = 0; trial < TRIALS; trial++) {
		struct rng *rng = rng_new((uint64_t)trial, known[_i].name);
		struct fit_point p[POINTS_MAX];
		struct err err = ERR_INIT;
		struct fit f;

		draw_points((size_t)_i, rng, p);
		ck_assert_msg(fit_make(known[_i].law, p, known[_i].n, known[_i].t0, &f, &err) == 0, "%s",
			      err.msg);
		params = f.p_n;
		for (size_t k = 0; k < f.p_n; k++) {
			held[k] += known[_i].truth[k] >= f.p[k].lo && known[_i].truth[k] <= f.p[k].hi;
			off[k] += fabs(f.p[k].value / known[_i].truth[k] - 1) / TRIALS;
		}
		rng_free(rng);
	}
	for (size_t k = 0; k < params; k++) {
		printf("%s %zu: off %.3f held %d\n", known[_i].name, k, off[k], held[k]);
	}
}
END_TEST

Suite *suite_calib(void)
{
	Suite *s = suite_create("calib");
	TCase *t = tcase_create("fit");

	tcase_add_loop_test(t, a_law_is_found_again, 0, (int)(sizeof known / sizeof known[0]));
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return s;
}
