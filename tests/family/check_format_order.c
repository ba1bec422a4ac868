/* check_format_order.c - what the whole catalogue says of one format of blocks beside another: formats of one kernel differ by
 * what their kernels differ by, not by what runs of a family happened to tell. */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/family/family_model.h"
#include "tests/fixtures.h"
#include "tests/folder.h"
#include "tests/suites.h"

static void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

enum { PROFILES = 256 };

/* Formats that llama.cpp multiplies in one kernel, by their bytes. */
static const char *const blocks[] = {"q4_0", "q4_K_M", "q6_K", "q8_0"};
static const double bits[] = {4.5, 4.8, 6.6, 8.5};

static struct {
	struct fixture t;
	const struct profile *profile[PROFILES];
	const char *file[PROFILES];
	size_t n;
} all;

/* Every profile of hardware/runtimes, as its file has it: shares, not yet of a machine. */
static void load_profiles(void)
{
	glob_t found;

	fixture_init(&all.t);
	all.n = 0;
	MUST(glob("hardware/runtimes/*.yaml", 0, NULL, &found) == 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = arena_strdup(&all.t.arena, found.gl_pathv[i]);
		struct yml *tree = load_file(&all.t.loader, path, "hardware", HW_SCHEMA);
		struct machine *m = arena_alloc(&all.t.arena, sizeof *m);
		const struct device *d;

		MUST(tree);
		if (strcmp(yml_get(tree, "kind")->text, "family") != 0)
			continue;
		MUST(field_load_part(&machine_table, tree, path, m, &all.t.diags) == 0);
		d = m->devices.at;
		for (size_t k = 0; k < m->devices.n; k++)
			for (size_t r = 0; r < d[k].runtimes.n && all.n < PROFILES; r++) {
				all.file[all.n] = path;
				all.profile[all.n++] = (const struct profile *)d[k].runtimes.at + r;
			}
	}
	globfree(&found);
	MUST(all.n > 10);
}

static bool was_told(const struct qty *q)
{
	return q->given && q->provenance == PROVENANCE_MEASURED;
}

/* What a format reaches of what blocks of 4 bits do. */
static const struct qty *of_format(const struct profile *p, int format)
{
	return format ? &p->dequant.q8 : &p->dequant.k;
}

/* Prompts in a format that a family's runs do not tell are as far from those in another as families are whose runs tell
 * both, and a tenth more: a rate beside one that has moved with the runs would be further. */
START_TEST(prompts_in_formats_that_no_run_told_are_near_others)
{
	double least = INFINITY, most = 0;
	size_t told = 0;

	load_profiles();
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < all.n; i++) {
			const struct qty *q4 = &all.profile[i]->dequant.q4,
					 *q = of_format(all.profile[i], _i);
			const bool both = was_told(q4) && was_told(q);
			const double ratio = q->value / q4->value;

			if (!q->given || !q4->given || both != (pass == 0))
				continue;
			if (pass == 0) {
				least = fmin(least, ratio);
				most = fmax(most, ratio);
				told++;
				continue;
			}
			ck_assert_msg(ratio > least / 1.1 && ratio < most * 1.1,
				      "%s: %s reaches %g of q4, others %g to %g", all.file[i],
				      _i ? "q8" : "k", ratio, least, most);
		}
	ck_assert_uint_ge(told, 4);
	fixture_release(&all.t);
}
END_TEST

/* A profile that says what weights as they are reach of its utilisation says so of blocks too, which else would be taken for such. */
START_TEST(blocks_are_not_taken_for_whole_weights)
{
	load_profiles();
	for (size_t i = 0; i < all.n; i++) {
		const struct by_weights *b = &all.profile[i]->dequant;

		if (b->f16.given)
			ck_assert_msg(b->q4.given && b->q8.given && b->k.given, "%s", all.file[i]);
	}
	fixture_release(&all.t);
}
END_TEST

/* ---- what follows what ---- */

static const char *const unfollowable[] = {
	"k: {value: 60 %, source: fit of dequant.q8}",
	"q8: {value: 90 %, how: measured, source: runs}, k: {value: 60 %, source: fit of dequant.q8}",
	"k: {value: 60 %, source: fit of dequant.k}",
	"k: {value: 60 %, source: fit of dequant.q8}, q8: {value: 90 %, source: fit of dequant.k}",
};

START_TEST(a_number_follows_one_that_is_fitted_by_itself)
{
	struct fixture t;
	struct family_model model;
	struct err err = ERR_INIT;

	fixture_init(&t);
	folder_enter();
	put_file("family.yaml",
		 arena_printf(&t.arena,
			      "schema: lemursim/hardware/1\nkind: family\ntitle: fixture\n"
			      "devices: {gpu: {runtimes: {fixture: {version: none, dequant: {%s}}}}}\n",
			      unfollowable[_i]));
	ck_assert_int_eq(family_load(&t.loader, "family.yaml", &model, &err), -1);
	ck_assert_msg(strstr(err.msg, "which is not a number that is fitted by itself"), "%s", err.msg);
	folder_leave();
	fixture_release(&t);
}
END_TEST

/* ---- tokens on every machine ---- */

static double tokens_s(struct fixture *t, const char *machine, const char *runtime, const char *weights)
{
	struct run run = {.machine = machine,
			  .runtime = runtime,
			  .model = "mistral-7b",
			  .weights = weights,
			  .kind = RUN_TG,
			  .gen = 64,
			  .batch = 1,
			  .seconds = 1};
	const struct runs runs = {.path = "blocks.csv", .tool = "csv", .at = &run, .n = 1};
	struct observations e;
	struct err err = ERR_INIT;

	ck_assert_msg(observations_load(&t->loader, &runs, OBSERVATIONS_PROFILE, &e, &err) == 0,
		      "%s %s: %s %s", machine, runtime, err.msg, fixture_complaints(t));
	return observations_seconds(&(struct observations_scratch){.arena = &t->arena}, &e.at[0],
				    e.at[0].device->profile);
}

/* Is it llama.cpp's, whose formats these are? */
static bool reads_blocks(const char *runtime)
{
	static const char *const of[] = {"cuda@", "rocm@", "vulkan@", "llama.cpp@"};

	for (size_t i = 0; i < ARRAY_LEN(of); i++)
		if (!strncmp(runtime, of[i], strlen(of[i])))
			return true;
	return false;
}

/* Does arithmetic bind one row, and unpacking super-blocks take more of it than blocks of 8 bits do? Then more bytes may take less. */
static bool unpacking_binds(const struct profile *p)
{
	const struct by_weights *first = &p->few.first;

	return first->k.given && first->q8.given && first->k.value < first->q8.value;
}

static size_t check_machine(const char *machine)
{
	struct fixture t;
	struct catalogue_device c;
	size_t n = 0;

	fixture_init(&t);
	if (catalogue_machine_load(&t.loader, machine, NULL, &c) == 0)
		for (size_t r = 0; r < c.device->runtimes.n; r++) {
			const struct profile *p = (const struct profile *)c.device->runtimes.at + r;
			double less = 0;

			if (!reads_blocks(p->origin.name) || unpacking_binds(p))
				continue;
			for (size_t k = 0; k < ARRAY_LEN(blocks); k++, n++) {
				const double s = tokens_s(&t, machine, p->origin.name, blocks[k]);

				ck_assert_msg(s >= less * (1 - 1e-9),
					      "%s, %s: %s of %g bits takes %g s, fewer %g s", machine,
					      p->origin.name, blocks[k], bits[k], s, less);
				less = s;
			}
		}
	fixture_release(&t);
	return n;
}

/* On no machine do weights of more bytes come faster than those of fewer that the same kernel reads; as fast, where it is
 * arithmetic that binds. */
START_TEST(more_bytes_take_longer)
{
	glob_t found;
	size_t n = 0;

	MUST(glob("hardware/*/*-*gb.yaml", 0, NULL, &found) == 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = strrchr(found.gl_pathv[i], '/') + 1;
		char machine[128];

		snprintf(machine, sizeof machine, "%.*s", (int)strcspn(name, "."), name);
		n += check_machine(machine);
	}
	globfree(&found);
	ck_assert_uint_gt(n, 100);
}
END_TEST

Suite *suite_format_order(void)
{
	Suite *s = suite_create("format_order");
	TCase *tc = tcase_create("format_order");

	tcase_add_loop_test(tc, prompts_in_formats_that_no_run_told_are_near_others, 0, 2);
	tcase_add_test(tc, blocks_are_not_taken_for_whole_weights);
	tcase_add_test(tc, more_bytes_take_longer);
	tcase_add_loop_test(tc, a_number_follows_one_that_is_fitted_by_itself, 0, ARRAY_LEN(unfollowable));
	suite_add_tcase(s, tc);
	return s;
}
