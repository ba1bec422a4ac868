/* check_utilisation.c - the share of the peak between measured points, in holes among them, and beyond them. */
#include "sim/cost/util.h"

#include <math.h>
#include <stdbool.h>

#include "sim/base/err.h"
#include "sim/base/rng.h"
#include "tests/suites.h"

#define AT(r, w, uu, h)                                                                                      \
	{                                                                                                    \
		.rows = r, .width = w, .u = uu, .spread = 0.02, .provenance = h                              \
	}
static const struct util_point squares[] = {AT(16, 256, 0.2, PROVENANCE_MEASURED),
					    AT(64, 4096, 0.6, PROVENANCE_MEASURED),
					    AT(256, 65536, 0.5, PROVENANCE_TRANSFERRED)};
static const struct util_point grid[] = {
	AT(1, 100, 0.1, PROVENANCE_MEASURED), AT(4, 100, 0.2, PROVENANCE_MEASURED),
	AT(1, 10000, 0.3, PROVENANCE_MEASURED), AT(4, 10000, 0.8, PROVENANCE_MEASURED)};
static const struct util_point corner[] = {AT(1, 100, 0.1, PROVENANCE_MEASURED),
					   AT(4, 100, 0.2, PROVENANCE_MEASURED),
					   AT(4, 10000, 0.8, PROVENANCE_MEASURED)};
static const struct util_point alone[] = {AT(512, 512, 0.4, PROVENANCE_MEASURED)};
static const struct util_point twice[] = {AT(16, 256, 0.2, PROVENANCE_MEASURED),
					  AT(16, 256, 0.4, PROVENANCE_MEASURED),
					  AT(64, 4096, 0.6, PROVENANCE_MEASURED)};

static const struct {
	const struct util_point *points;
	size_t n;
	double rows, width, u, spread;
	enum provenance provenance;
} looks[] = {
	/* squares: by the volume, 2^12, 2^18 and 2^24 */
	{squares, 3, 16, 256, 0.2, 0.02, PROVENANCE_MEASURED},
	{squares, 3, 64, 4096, 0.6, 0.02, PROVENANCE_MEASURED},
	{squares, 3, 256, 65536, 0.5, 0.02, PROVENANCE_TRANSFERRED},
	{squares, 3, 32, 1024, 0.4, 0.06,
	 PROVENANCE_TRANSFERRED}, /* 2^15: halfway; the table's worst source */
	{squares, 3, 1, 32768, 0.4, 0.06, PROVENANCE_TRANSFERRED},
	{squares, 3, 128, 16384, 0.55, 0.06, PROVENANCE_TRANSFERRED},
	{squares, 2, 32, 1024, 0.4, 0.06, PROVENANCE_INTERPOLATED},
	{squares, 2, 256, 16, 0.2, 0.06, PROVENANCE_INTERPOLATED}, /* the edge's volume in another shape */
	{squares, 2, 1, 1, 0.2, 0.15, PROVENANCE_TRANSFERRED},     /* held below and above */
	{squares, 2, 4096, 4096, 0.6, 0.15, PROVENANCE_TRANSFERRED},
	/* a full grid: by rows and by width */
	{grid, 4, 1, 100, 0.1, 0.02, PROVENANCE_MEASURED},
	{grid, 4, 4, 10000, 0.8, 0.02, PROVENANCE_MEASURED},
	{grid, 4, 2, 100, 0.15, 0.06, PROVENANCE_INTERPOLATED},
	{grid, 4, 1, 1000, 0.2, 0.06, PROVENANCE_INTERPOLATED},
	{grid, 4, 2, 1000, 0.35, 0.06, PROVENANCE_INTERPOLATED},
	{grid, 4, 400, 100, 0.2, 0.15, PROVENANCE_TRANSFERRED},
	{grid, 4, 2, 1, 0.15, 0.15, PROVENANCE_TRANSFERRED},
	{grid, 4, 0.5, 1e9, 0.3, 0.15, PROVENANCE_TRANSFERRED},
	{corner, 3, 1, 100, 0.1, 0.02, PROVENANCE_MEASURED},
	/* one point is held everywhere; a shape measured twice counts once */
	{alone, 1, 512, 512, 0.4, 0.02, PROVENANCE_MEASURED},
	{alone, 1, 1, 7, 0.4, 0.15, PROVENANCE_TRANSFERRED},
	{twice, 3, 16, 256, 0.3, 0.02, PROVENANCE_MEASURED},
	{twice, 3, 32, 1024, 0.45, 0.06, PROVENANCE_INTERPOLATED},
};
START_TEST(utilisation)
{
	struct arena a = ARENA_INIT;
	const struct util u = util_at(util_table(&a, looks[_i].points, looks[_i].n, util_error_unknown),
				      looks[_i].rows, looks[_i].width);

	ck_assert_double_eq_tol(u.u, looks[_i].u, 1e-13);
	ck_assert_double_eq(u.spread, looks[_i].spread);
	ck_assert_int_eq(u.provenance, looks[_i].provenance);
	arena_release(&a);
}
END_TEST

/* Always within what the points span, whatever is asked. */
START_TEST(utilisation_stays_in_its_table)
{
	struct rng *rng = rng_new((uint64_t)_i, "utilisation");
	struct arena a = ARENA_INIT;
	const struct util_table *table;
	struct util_point points[12];
	double least = 1, most = 0;
	const size_t n = 1 + (size_t)(rng_uniform(rng) * 12);

	for (size_t i = 0; i < n; i++) {
		const double u = rng_uniform(rng);

		points[i] = (struct util_point)AT(1 << (int)(rng_uniform(rng) * 3),
						  1 << (int)(rng_uniform(rng) * 4), u, PROVENANCE_MEASURED);
		least = fmin(least, u);
		most = fmax(most, u);
	}
	table = util_table(&a, points, n, util_error_unknown);
	for (int i = 0; i < 100; i++) {
		const struct util u = util_at(table, exp(2 * rng_normal(rng)), exp(3 * rng_normal(rng)));

		MUST(u.u >= least * (1 - 1e-12) && u.u <= most * (1 + 1e-12));
	}
	arena_release(&a);
	rng_free(rng);
}
END_TEST

/* A utilisation that doubles with the rows is a time that stays: between two measured numbers of rows it is no shorter than
 * at both, by each of the three laws. */
static const struct {
	struct util_point points[6];
	size_t n;
	bool squares; /* the width grows with the rows */
} doubling[] = {
	{{AT(8, 1e6, 0.1, PROVENANCE_MEASURED), AT(16, 1e6, 0.2, PROVENANCE_MEASURED),
	  AT(32, 1e6, 0.5, PROVENANCE_MEASURED), AT(8, 4e6, 0.1, PROVENANCE_MEASURED),
	  AT(16, 4e6, 0.19, PROVENANCE_MEASURED), AT(32, 4e6, 0.3, PROVENANCE_MEASURED)},
	 6,
	 false},
	{{AT(8, 1e6, 0.1, PROVENANCE_MEASURED), AT(16, 1e6, 0.2, PROVENANCE_MEASURED),
	  AT(32, 1e6, 0.5, PROVENANCE_MEASURED), AT(8, 4e6, 0.1, PROVENANCE_MEASURED),
	  AT(16, 4e6, 0.19, PROVENANCE_MEASURED)},
	 5,
	 false},
	{{AT(8, 64, 0.05, PROVENANCE_MEASURED), AT(16, 256, 0.4, PROVENANCE_MEASURED)}, 2, true},
};

static double time_of(const struct util_table *t, double rows, double width)
{
	return rows * width / util_at(t, rows, width).u;
}
START_TEST(no_time_is_shorter_between_rows)
{
	struct arena a = ARENA_INIT;
	const struct util_table *t = util_table(&a, doubling[_i].points, doubling[_i].n, util_error_unknown);
	const double first = 8, last = doubling[_i].squares ? 16 : 32;

	for (double rows = first; rows <= last; rows *= 1.01) {
		const double below = rows < 16 ? 8 : 16, above = rows < 16 ? 16 : 32;

		for (double width = 1e6; width <= 4e6; width *= 1.2) {
			const bool square = doubling[_i].squares;
			const double least =
				fmin(time_of(t, below, square ? below * below : width),
				     time_of(t, square && above > 16 ? 16 : above, square ? 256 : width));

			MUST(time_of(t, rows, square ? rows * rows : width) >= least * (1 - 1e-9));
		}
	}
	arena_release(&a);
}
END_TEST

/* A law of rows and width, of whose grid three of ten shapes were not measured: a hole is predicted from what is
 * around it, a point gives its own value, and the width grows with the distance to the nearest point. */
static double filled(double rows, double width)
{
	return 0.9 * rows / (rows + 64) * width / (width + 1e6);
}
START_TEST(holes_are_filled_from_around)
{
	const struct util_error error = {0.1, 0.3};
	struct rng *rng = rng_new(7, "holes");
	struct arena a = ARENA_INIT;
	const struct util_table *table;
	struct util_point points[64];
	bool hole[8][8] = {{false}};
	size_t n = 0;

	for (int i = 0; i < 64; i++) {
		const double rows = 16 << (i % 8), width = 1e5 * (1 << (i / 8));

		hole[i % 8][i / 8] = rng_uniform(rng) < 0.3;
		if (!hole[i % 8][i / 8])
			points[n++] =
				(struct util_point)AT(rows, width, filled(rows, width), PROVENANCE_MEASURED);
	}
	table = util_table(&a, points, n, error);
	for (int i = 0; i < 64; i++) {
		const double rows = 16 << (i % 8), width = 1e5 * (1 << (i / 8));
		const struct util u = util_at(table, rows, width);
		const bool edge = i % 8 == 0 || i % 8 == 7 || i / 8 == 0 || i / 8 == 7;

		ck_assert_double_eq_tol(u.u / filled(rows, width), 1,
					!hole[i % 8][i / 8] ? 1e-9
					: edge              ? 0.15
							    : 0.1);
		ck_assert_double_eq_tol(u.spread, hole[i % 8][i / 8] ? fmax(0.1, u.spread) : 0.02, 1e-12);
	}
	ck_assert_double_eq(util_at(table, 23, 1.4e5).spread, 0.1);
	ck_assert_double_eq(util_at(table, 8, 1e5).spread, 0.3);
	arena_release(&a);
	rng_free(rng);
}
END_TEST

START_TEST(far_from_points_is_wide)
{
	static const struct util_point points[] = {
		AT(1, 1, 0.1, PROVENANCE_MEASURED), AT(1, 2, 0.1, PROVENANCE_MEASURED),
		AT(2, 1, 0.2, PROVENANCE_MEASURED), AT(64, 64, 0.4, PROVENANCE_MEASURED)};
	struct arena a = ARENA_INIT;
	const struct util_table *table =
		util_table(&a, points, ARRAY_LEN(points), (struct util_error){0.05, 0.15});

	/* the usual distance is one octave */
	ck_assert_double_eq_tol(util_at(table, 64, 8).spread, 0.05 * 3, 1e-12);
	ck_assert_double_eq_tol(util_at(table, 1, 64).spread, 0.05 * 5, 1e-12);
	arena_release(&a);
}
END_TEST

Suite *suite_utilisation(void)
{
	Suite *s = suite_create("utilisation");
	TCase *tc = tcase_create("utilisation");

	tcase_add_loop_test(tc, utilisation, 0, ARRAY_LEN(looks));
	tcase_add_loop_test(tc, utilisation_stays_in_its_table, 0, 40);
	tcase_add_loop_test(tc, no_time_is_shorter_between_rows, 0, (int)ARRAY_LEN(doubling));
	tcase_add_test(tc, holes_are_filled_from_around);
	tcase_add_test(tc, far_from_points_is_wide);
	suite_add_tcase(s, tc);
	return s;
}
