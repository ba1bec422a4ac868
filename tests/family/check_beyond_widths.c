/* check_beyond_widths.c - widths of kinds that a fit never saw, from the evidence of the other families. */
#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/file.h"
#include "sim/base/rng.h"
#include "sim/base/str.h"
#include "sim/family/beyond_fit.h"
#include "sim/family/proved_width.h"
#include "sim/stats/quantile.h"
#include "tests/folder.h"
#include "tests/suites.h"

#define HEAD "family,maker,kind,phase,left_out,rows,error\n"

static int load(const char *rows, const char *maker, struct beyond_widths *w, struct err *err)
{
	struct arena a = ARENA_INIT;
	const char *text = arena_printf(&a, "%s%s", HEAD, rows);
	int rc;

	ck_assert_int_eq(file_write("beyond.csv", text, strlen(text), true, err), 0);
	rc = beyond_widths_load(&a, "./own.family.yaml", maker, w, err);
	arena_release(&a);
	return rc;
}

/* Errors of 24 families of four makers in eight kinds, whose logarithms are sums of normal effects of the kind, of the maker and of
 * the line; each in one kind. */
static const char *const family_name[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l",
					  "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x"};
enum { FAMILIES = 24, MADE_BY = 4, KINDS = 8 };
static const char *const maker_name[] = {"m0", "m1", "m2", "m3"};
static const double sd_kind = 0.6, sd_maker = 0.8, sd_line = 0.5;

struct drawn {
	double kind[KINDS], maker[MADE_BY];
};

static double error_of(const struct drawn *d, struct rng *rng, int kind, int maker)
{
	return exact_exp(-2.5 + d->kind[kind] + d->maker[maker] + sd_line * rng_normal(rng));
}

static void draw(struct drawn *d, struct rng *rng)
{
	for (int k = 0; k < KINDS; k++)
		d->kind[k] = sd_kind * rng_normal(rng);
	for (int m = 0; m < MADE_BY; m++)
		d->maker[m] = sd_maker * rng_normal(rng);
}

static void add_line(struct str *rows, const char *family, int kind, int maker, double error)
{
	str_addf(rows, "%s,m%d,%s,decode,kind,9,%.9f %%\n", family, maker, beyond_keys[kind], 100 * error);
}

/* Four in five errors that no width has seen stay below theirs, whatever the family's own line says. */
START_TEST(four_in_five_further_families)
{
	enum { TIMES = 400 };
	struct rng *rng = rng_new(7, "families");
	int below = 0;

	for (int t = 0; t < TIMES; t++) {
		const int kind = t % KINDS, maker = t % MADE_BY;
		struct str rows = STR_INIT;
		struct beyond_widths w;
		struct drawn d;
		struct err err = ERR_INIT;

		draw(&d, rng);
		for (int f = 0; f < FAMILIES; f++)
			for (int k = 0; k < 3; k++)
				add_line(&rows, family_name[f], (f + 3 * k) % KINDS, f % MADE_BY,
					 error_of(&d, rng, (f + 3 * k) % KINDS, f % MADE_BY));
		add_line(&rows, "own", kind, maker, 9.99);
		ck_assert_int_eq(load(rows.text, maker_name[maker], &w, &err), 0);
		below += error_of(&d, rng, kind, maker) < NORMAL_P90 * w.of[BEYOND_KIND][REACH_DECODE][kind];
		str_release(&rows);
	}
	rng_free(rng);
	ck_assert_int_ge(below, TIMES * 75 / 100);
	ck_assert_int_le(below, TIMES * 86 / 100);
}
END_TEST

/* A kind's lines and a maker's lines each tell of the other's: where both are small, so is the width, and a kind that nobody
 * measured takes its maker's. */
START_TEST(kinds_and_makers_tell)
{
	double width[2][2];
	struct str rows = STR_INIT;

	for (int f = 0; f < 12; f++)
		for (int k = 0; k < 2; k++)
			add_line(&rows, family_name[f], k, f % 2,
				 0.02 * (1 + 3 * k) * (1 + 4 * (f % 2)) * (1 + f / 2 * 0.1));
	for (int m = 0; m < 2; m++) {
		struct beyond_widths w;
		struct err err = ERR_INIT;

		ck_assert_int_eq(load(rows.text, maker_name[m], &w, &err), 0);
		for (int k = 0; k < 2; k++)
			width[m][k] = w.of[BEYOND_KIND][REACH_DECODE][k];
		ck_assert_double_gt(w.of[BEYOND_KIND][REACH_DECODE][BEYOND_FP4], width[m][0]);
	}
	for (int k = 0; k < 2; k++) /* 0.08 (1 + 3 k) against 0.4 (1 + 3 k), less what they are drawn in */
		ck_assert_double_gt(width[1][k], 3 * width[0][k]);
	for (int m = 0; m < 2; m++)
		ck_assert_double_gt(width[m][1], 2.5 * width[m][0]);
	str_release(&rows);
}
END_TEST

/* The two holes of a kind, and the two phases, are told apart; lines that are all alike have a width of their own size. */
START_TEST(each_hole_by_itself)
{
	static const char *const of[] = {"prefill,kind", "prefill,chip", "decode,kind", "decode,chip"};
	struct str rows = STR_INIT;
	struct beyond_widths w;
	struct err err = ERR_INIT;

	for (int i = 0; i < 4; i++)
		for (int f = 0; f < 3; f++)
			str_addf(&rows, "%s,m0,q8,%s,3,%d0 %%\n", family_name[f], of[i], i + 1);
	ck_assert_int_eq(load(rows.text, "m0", &w, &err), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_double_eq_tol(w.of[i % 2][i / 2][BEYOND_Q8], 0.1 * (i + 1) / NORMAL_P90, 1e-12);
	str_release(&rows);
}
END_TEST

START_TEST(no_evidence)
{
	struct arena a = ARENA_INIT;
	struct beyond_widths w;
	struct err err = ERR_INIT;

	ck_assert_int_eq(beyond_widths_load(&a, "./own.family.yaml", "m0", &w, &err), 0);
	for (int k = 0; k < BEYOND_KINDS; k++)
		ck_assert_double_ge(w.of[BEYOND_CHIP][REACH_DECODE][k], 0.2);
	arena_release(&a);
}
END_TEST

/* Widths are drawn towards a common one, so that their order stays: the widest become narrower, the narrowest wider. */
START_TEST(extremes_are_drawn_in)
{
	double before = 0;

	ck_assert_double_eq(proved_width(0), 0);
	for (double sd = 0.005; sd < 1; sd *= 1.1) {
		const double w = proved_width(sd);

		ck_assert_double_gt(w, before);
		ck_assert(sd > 0.14 ? w < sd : sd < 0.12 ? w > sd : true);
		ck_assert_double_eq_tol(proved_width(16 * sd), 8 * w, 1e-12);
		before = w;
	}
}
END_TEST

static const char *const wrong[] = {"a,m,moe,decode,kind,3,10 %\n", "a,m,q8,training,kind,3,10 %\n",
				    "a,m,q8,decode,model,3,10 %\n", "a,m,q8,decode,kind,3,ten\n",
				    "a,m,q8,decode,kind,3,\n"};

START_TEST(wrong_lines_are_named)
{
	struct beyond_widths w;
	struct err err = ERR_INIT;

	ck_assert_int_eq(load(wrong[_i], "m", &w, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "beyond.csv:2"));
}
END_TEST

/* Of a family without chips of its own to ask, the width is that of others; with ever more, what these are off by; between, each
 * chip draws it as one does that the others' width counts as so many of. */
START_TEST(own_chips_count_beside_other_families)
{
	struct beyond_widths w = {.of = {{{0}}}};
	struct own_chips *own = &w.own[REACH_DECODE][BEYOND_Q4];
	const double others = proved_width(0.12);
	double before = others;

	w.of[BEYOND_CHIP][REACH_DECODE][BEYOND_Q4] = 0.12;
	own->prior = 2;
	ck_assert_double_eq(beyond_chip_width(&w, REACH_DECODE, BEYOND_Q4), others);
	for (own->n = 1; own->n < 1e6; own->n *= 2) {
		double width;

		own->squares = own->n * 0.03 * 0.03;
		width = beyond_chip_width(&w, REACH_DECODE, BEYOND_Q4);
		ck_assert_double_lt(width, before);
		before = width;
	}
	ck_assert_double_eq_tol(before, 0.03, 1e-4);
	own->n = own->prior;
	own->squares = own->n * others * others;
	ck_assert_double_eq_tol(beyond_chip_width(&w, REACH_DECODE, BEYOND_Q4), others, 1e-12);
}
END_TEST

/* Chips of families whose scatter is log-normal: with what few or many chips of the family itself tell, four in five further ones
 * are inside, of families that scatter little as of those that do much; without them the one is always inside, the other hardly. */
START_TEST(four_in_five_further_chips)
{
	enum { TIMES = 4000, SIZES = 3 };
	static const int chips[SIZES] = {0, 4, 16};
	const double mean = -3, sd = 0.6;
	struct rng *rng = rng_new(11, "chips");
	int inside[SIZES][2] = {{0}}, n[2] = {0};

	for (int t = 0; t < TIMES; t++) {
		const double off = sd * rng_normal(rng), scatter = exact_exp(mean + off),
			     further = fabs(scatter * rng_normal(rng));
		struct beyond_widths w = {.of = {{{0}}}};
		struct own_chips *own = &w.own[REACH_DECODE][BEYOND_K];

		/* the width of others, so that this is what proved_width() makes of it */
		w.of[BEYOND_CHIP][REACH_DECODE][BEYOND_K] =
			0.1 * exact_pow(exact_exp(mean) / 0.107, 1 / 0.75);
		own->prior = 1 / (2 * sd * sd);
		n[off > 0]++;
		for (int s = 0; s < SIZES; s++) {
			while (own->n < chips[s]) {
				const double e = scatter * rng_normal(rng);

				own->squares += e * e;
				own->n++;
			}
			inside[s][off > 0] +=
				further < NORMAL_P90 * beyond_chip_width(&w, REACH_DECODE, BEYOND_K);
		}
	}
	rng_free(rng);
	ck_assert_int_ge(inside[0][0], 90 * n[0] / 100);
	ck_assert_int_le(inside[0][1], 70 * n[1] / 100);
	for (int side = 0; side < 2; side++) {
		ck_assert_int_ge(inside[2][side], 75 * n[side] / 100);
		ck_assert_int_le(inside[2][side], 85 * n[side] / 100);
	}
}
END_TEST

Suite *suite_beyond_widths(void)
{
	Suite *s = suite_create("beyond_widths");
	TCase *tc = tcase_create("beyond_widths");

	tcase_add_checked_fixture(tc, folder_enter, folder_leave);
	tcase_add_test(tc, four_in_five_further_families);
	tcase_add_test(tc, kinds_and_makers_tell);
	tcase_add_test(tc, each_hole_by_itself);
	tcase_add_test(tc, no_evidence);
	tcase_add_test(tc, extremes_are_drawn_in);
	tcase_add_loop_test(tc, wrong_lines_are_named, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, own_chips_count_beside_other_families);
	tcase_add_test(tc, four_in_five_further_chips);
	suite_add_tcase(s, tc);
	return s;
}
