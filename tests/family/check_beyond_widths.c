/* check_beyond_widths.c - widths of kinds that a fit never saw, from the evidence of the other families. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/rng.h"
#include "sim/base/str.h"
#include "sim/family/beyond_fit.h"
#include "sim/stats/quantile.h"
#include "tests/folder.h"
#include "tests/suites.h"

#define HEAD "family,kind,phase,left_out,rows,error\n"

static int load(const char *rows, struct beyond_widths *w, struct err *err)
{
	struct arena a = ARENA_INIT;
	const char *text = arena_printf(&a, "%s%s", HEAD, rows);
	int rc;

	ck_assert_int_eq(file_write("beyond.csv", text, strlen(text), true, err), 0);
	rc = beyond_widths_load(&a, "./own.family.yaml", w, err);
	arena_release(&a);
	return rc;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Four in five further families stay below: of n others, the one of rank 0.8 (n + 1); the family's own line is not read. */
START_TEST(of_the_other_families)
{
	const int n = _i + 1, rank = (4 * (n + 1) + 4) / 5;
	struct rng *rng = rng_new((uint64_t)_i, "families");
	struct str rows = STR_INIT;
	struct beyond_widths w;
	struct err err = ERR_INIT;
	double tenths[40];

	str_add(&rows, "own,mixtures,decode,kind,9,99.9 %\n");
	for (int i = 0; i < n; i++) {
		tenths[i] = floor(1 + 900 * rng_uniform(rng));
		str_addf(&rows, "f%d,mixtures,decode,kind,9,%.1f %%\n", i, tenths[i] / 10);
	}
	ck_assert_int_eq(load(rows.text, &w, &err), 0);
	qsort(tenths, (size_t)n, sizeof *tenths, by_size);
	ck_assert_double_eq_tol(w.of[BEYOND_KIND][REACH_DECODE][BEYOND_MIXTURES],
				tenths[(rank < n ? rank : n) - 1] / 1000 / NORMAL_P90, 1e-12);
	/* what nobody measured is no narrower than what somebody did: latent attention as mixtures, all else as the widest */
	for (int k = 0; k < BEYOND_KINDS; k++)
		ck_assert_double_eq(w.of[BEYOND_KIND][REACH_DECODE][k],
				    w.of[BEYOND_KIND][REACH_DECODE][BEYOND_MIXTURES]);
	rng_free(rng);
	str_release(&rows);
}
END_TEST

/* The two holes of a kind, and the two phases, are told apart. */
START_TEST(each_hole_by_itself)
{
	struct beyond_widths w;
	struct err err = ERR_INIT;

	ck_assert_int_eq(load("a,q8,prefill,kind,3,10 %\na,q8,prefill,chip,3,20 %\na,q8,decode,kind,3,30 %\n"
			      "a,q8,decode,chip,3,40 %\n",
			      &w, &err),
			 0);
	for (int i = 0; i < 4; i++)
		ck_assert_double_eq_tol(w.of[i % 2][i / 2][BEYOND_Q8], 0.1 * (i + 1) / NORMAL_P90, 1e-12);
}
END_TEST

START_TEST(no_evidence)
{
	struct arena a = ARENA_INIT;
	struct beyond_widths w;
	struct err err = ERR_INIT;

	ck_assert_int_eq(beyond_widths_load(&a, "./own.family.yaml", &w, &err), 0);
	for (int k = 0; k < BEYOND_KINDS; k++)
		ck_assert_double_ge(w.of[BEYOND_CHIP][REACH_DECODE][k], 0.2);
	arena_release(&a);
}
END_TEST

static const char *const wrong[] = {"a,moe,decode,kind,3,10 %\n", "a,q8,training,kind,3,10 %\n",
				    "a,q8,decode,model,3,10 %\n", "a,q8,decode,kind,3,ten\n",
				    "a,q8,decode,kind,3,\n"};

START_TEST(wrong_lines_are_named)
{
	struct beyond_widths w;
	struct err err = ERR_INIT;

	ck_assert_int_eq(load(wrong[_i], &w, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "beyond.csv:2"));
}
END_TEST

Suite *suite_beyond_widths(void)
{
	Suite *s = suite_create("beyond_widths");
	TCase *tc = tcase_create("beyond_widths");

	tcase_add_checked_fixture(tc, folder_enter, folder_leave);
	tcase_add_loop_test(tc, of_the_other_families, 0, 12);
	tcase_add_test(tc, each_hole_by_itself);
	tcase_add_test(tc, no_evidence);
	tcase_add_loop_test(tc, wrong_lines_are_named, 0, ARRAY_LEN(wrong));
	suite_add_tcase(s, tc);
	return s;
}
