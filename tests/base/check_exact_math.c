/* check_exact_math.c - room base: logarithm, exponential and their kin against the C library's. */
#include <math.h>
#include <stdio.h>

#include "sim/base/err.h"
#include "sim/base/exact_math.h"
#include "sim/base/rng.h"
#include "tests/suites.h"

START_TEST(as_the_library)
{
	struct rng *r = rng_new(1, "exact");

	for (int i = 0; i < 200000; i++) {
		const double u = rng_uniform(r), near = 0.5 + u, wide = exp((u - 0.5) * 1400),
			     x = (u - 0.5) * 1400;

		MUST(fabs(exact_log(near) - log(near)) <= 1e-15 * fabs(log(near)));
		MUST(fabs(exact_log(wide) - log(wide)) <= 1e-15 * fabs(log(wide)));
		MUST(fabs(exact_exp(x) - exp(x)) <= 1e-15 * exp(x));
		MUST(fabs(exact_exp(u - 0.5) - exp(u - 0.5)) <= 1e-15 * exp(u - 0.5));
		MUST(fabs(exact_log1p(near - 1) - log1p(near - 1)) <= 1e-15 * fabs(log1p(near - 1)));
		MUST(fabs(exact_expm1(u - 0.5) - expm1(u - 0.5)) <= 1e-15 * fabs(expm1(u - 0.5)));
		MUST(fabs(exact_expm1(x) - expm1(x)) <= 1e-15 * fabs(expm1(x)));
		MUST(fabs(exact_log10(wide) - log10(wide)) <= 1e-15 * fabs(log10(wide)));
		MUST(fabs(exact_hypot(x, u) - hypot(x, u)) <= 1e-15 * hypot(x, u));
		MUST(fabs(exact_erfc(x / 50) - erfc(x / 50)) <= 1e-13 * erfc(x / 50));
		MUST(fabs(exact_pow(wide, 0.3) - pow(wide, 0.3)) <= 1e-13 * pow(wide, 0.3));
	}
	rng_free(r);
	ck_assert_double_eq(exact_log(1), 0);
	ck_assert_double_eq(exact_exp(0), 1);
	ck_assert_double_eq_tol(exact_log(5e-324), log(5e-324), 1e-12);
	ck_assert(exact_exp(710) == INFINITY && exact_exp(-746) == 0);
	ck_assert_double_eq_tol(exact_pow(2, 10), 1024, 1e-11);
}
END_TEST

/* A solver asks at wild parameters: the answer is C's there too. */
START_TEST(at_the_ends_as_the_library)
{
	static const double x[] = {0, -0.0, -1, -2, 1, INFINITY, -INFINITY, NAN, 1e308, 5e-324, -800, 800};

	for (size_t i = 0; i < ARRAY_LEN(x); i++) {
		const double mine[] = {exact_log(x[i]),   exact_log1p(x[i]), exact_exp(x[i]),
				       exact_expm1(x[i]), exact_erfc(x[i]),  exact_log10(x[i])};
		const double theirs[] = {log(x[i]),   log1p(x[i]), exp(x[i]),
					 expm1(x[i]), erfc(x[i]),  log10(x[i])};

		for (size_t k = 0; k < ARRAY_LEN(mine); k++)
			MUST((isnan(mine[k]) && isnan(theirs[k])) || mine[k] == theirs[k] ||
			     fabs(mine[k] - theirs[k]) <= 1e-15 * fabs(theirs[k]));
	}
	ck_assert_double_eq(exact_pow(0, 2), 0);
	ck_assert_double_eq(exact_pow(0, 0), 1);
	ck_assert_double_eq(exact_pow(1, INFINITY), 1);
	ck_assert(exact_pow(0, -1) == INFINITY);
}
END_TEST

/* What any system must compute: + - * / and sqrt are rounded alike everywhere. */
START_TEST(bit_for_bit)
{
	char text[256];

	snprintf(text, sizeof text, "%a %a %a %a", exact_log(3), exact_exp(0.7), exact_log1p(1e-3),
		 exact_expm1(-0.2));
	ck_assert_str_eq(
		text,
		"0x1.193ea7aad030ap+0 0x1.01c2a61268987p+1 0x1.060354f8c3ebfp-10 -0x1.733d4a7a67a9bp-3");
}
END_TEST

Suite *suite_exact_math(void)
{
	Suite *s = suite_create("exact_math");
	TCase *tc = tcase_create("exact_math");

	tcase_add_test(tc, as_the_library);
	tcase_add_test(tc, at_the_ends_as_the_library);
	tcase_add_test(tc, bit_for_bit);
	suite_add_tcase(s, tc);
	return s;
}
