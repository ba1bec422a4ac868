/* check_builds.c - a profile as earlier builds of its runtime were. */
#include "sim/hw/builds.h"

#include "tests/fixtures.h"
#include "tests/suites.h"

#define RUNTIME "machines.a.devices.gpu.runtimes.fixture."

static struct fixture fixture;

/* Entries in no order; an earlier build's word holds over a later one's, and times add up. */
static const char *const before[] = {
	RUNTIME "few={rows: 8, pass: 8, gather: 9}",
	RUNTIME "overhead.tiles_experts={value: 20 us, sd: 1 us}", RUNTIME "route={kernels: 1, passes: 2}",
	RUNTIME "before=[{build: 300, gather: 2, route: {kernels: 5, passes: 8}}, "
		"{build: 900, tiles_experts: {value: 40 us, sd: 12 us}}, {build: 600, gather: 5}, "
		"{build: 200, combine: {kernels: 8, passes: 9}, tiles_experts: {value: 5 us, sd: 500 ns}}]",
	NULL};

static const struct {
	int64_t build, gather, route, combine;
	double tiles_s;
} builds[] = {{0, 9, 1, 0, 20e-6},   {1000, 9, 1, 0, 20e-6}, {900, 9, 1, 0, 20e-6}, {899, 9, 1, 0, 60e-6},
	      {600, 9, 1, 0, 60e-6}, {599, 5, 1, 0, 60e-6},  {300, 5, 1, 0, 60e-6}, {299, 2, 5, 0, 60e-6},
	      {200, 2, 5, 0, 60e-6}, {199, 2, 5, 8, 65e-6},  {1, 2, 5, 8, 65e-6}};

START_TEST(what_was_otherwise)
{
	const struct profile *p, *own;
	double sd_s;

	fixture_text(&fixture, FIXTURE_THREE, before);
	p = fixture.world->units[0].profile;
	own = profile_at_build(&fixture.arena, p, builds[_i].build);
	ck_assert_int_eq(own == p, builds[_i].build == 0 || builds[_i].build >= 900);
	ck_assert_int_eq(own->few.gather, builds[_i].gather);
	ck_assert_int_eq(own->route.kernels, builds[_i].route);
	ck_assert_int_eq(own->combine.kernels, builds[_i].combine);
	ck_assert_double_eq_tol(own->overhead.tiles_experts.value, builds[_i].tiles_s, 1e-12);
	sd_s = 1e-6 + (builds[_i].tiles_s > 50e-6 ? 12e-6 : 0) + (builds[_i].tiles_s > 62e-6 ? 0.5e-6 : 0);
	ck_assert_double_eq_tol(own->overhead.tiles_experts.spread, sd_s / builds[_i].tiles_s, 1e-9);
	ck_assert_int_eq(p->few.gather, 9); /* the profile itself stays */
	ck_assert_double_eq_tol(p->overhead.tiles_experts.value, 20e-6, 1e-12);
	fixture_release(&fixture);
}
END_TEST

/* A profile that does not say what tiles take is not given a time by what they took more. */
START_TEST(nothing_comes_of_nothing)
{
	static const char *const sets[] = {RUNTIME "before=[{build: 900, tiles_experts: 40 us}]", NULL};
	const struct profile *p, *own;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	p = fixture.world->units[0].profile;
	own = profile_at_build(&fixture.arena, p, 1);
	ck_assert(!own->overhead.tiles_experts.given);
	ck_assert_ptr_eq(profile_at_build(&fixture.arena, p, 0), p);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_builds(void)
{
	Suite *s = suite_create("builds");
	TCase *tc = tcase_create("builds");

	tcase_add_loop_test(tc, what_was_otherwise, 0, ARRAY_LEN(builds));
	tcase_add_test(tc, nothing_comes_of_nothing);
	suite_add_tcase(s, tc);
	return s;
}
