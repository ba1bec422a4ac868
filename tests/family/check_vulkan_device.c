/* check_vulkan_device.c - what llama.cpp's log says of a Vulkan device is used, told, or refuses its row. */
#include <string.h>

#include "tests/family/held_row.h"
#include "tests/suites.h"

static const struct bench radeon = {
	"amd-radeon-rx-7900-xtx-24gb", "vulkan", "llama-3.1-8b", "", "", "", 0, 0};

enum verdict { SILENT, TOLD, REFUSED };

/* A line of a log as ggml-vulkan.cpp writes it, above a table with one row. */
static const struct {
	const char *driver, *bf16, *dot, *cores, *test;
	enum verdict verdict;
	const char *word; /* of the note or the message */
} lines[] = {
	{"radv", "0", "1", "KHR_coopmat", "pp512", SILENT, NULL},
	{"radv", "0", "1", "KHR_coopmat", "tg128", SILENT, NULL},
	{"radv", "0", "0", "none", "pp512", REFUSED, "matrix cores: none"},
	{"radv", "0", "0", "none", "tg128", TOLD, "matrix cores: none"},
	{"radv", "0", "0", "none", "pp512+tg128", REFUSED, "matrix cores: none"},
	{"radv", "0", "1", "none", "pp512", TOLD, "matrix cores: none"},
	{"AMD proprietary driver", "0", "1", "none", "pp512", TOLD, "matrix cores: none"},
	{"radv", "0", "0", "KHR_coopmat", "pp512", TOLD, "int dot: 0"},
	{"AMD proprietary driver", "0", "1", "KHR_coopmat", "pp512", TOLD, "smaller tiles"},
	{"AMD open-source driver", "0", "1", "KHR_coopmat", "pp512", TOLD, "AMDVLK"},
};

static const char *report(struct arena *a, size_t i, int build)
{
	return arena_printf(
		a,
		"ggml_vulkan: Found 1 Vulkan devices:\n"
		"ggml_vulkan: 0 = AMD Radeon RX 7900 XTX (%s) | uma: 0 | fp16: 1 | bf16: %s | "
		"warp size: 64 | shared memory: 65536 | int dot: %s | matrix cores: %s\n"
		"| model | size | params | backend | ngl | test | t/s |\n|---|---|---|---|---|---|---|\n"
		"| llama 8B Q4_K - Medium | 4.58 GiB | 8.03 B | Vulkan | 99 | %s | 100 |\n\nbuild: abcdef12 "
		"(%d)\n",
		lines[i].driver, lines[i].bf16, lines[i].dot, lines[i].cores, lines[i].test, build);
}

static bool is_told(const struct texts *notes, const char *word)
{
	for (size_t i = 0; i < notes->n; i++)
		if (strstr(notes->at[i], word))
			return true;
	return false;
}

START_TEST(lines_are_used)
{
	struct held_row h;
	int rc;

	hold_begin(&h, &radeon);
	rc = hold_text(&h, report(&h.t.arena, (size_t)_i, 9174));
	ck_assert_int_eq(rc, lines[_i].verdict == REFUSED ? -1 : 0);
	if (lines[_i].verdict == REFUSED) {
		ck_assert_int_eq(h.column, COLUMN_VULKAN);
		ck_assert_msg(strstr(h.why.msg, lines[_i].word), "%s", h.why.msg);
	} else if (lines[_i].verdict == TOLD) {
		ck_assert(is_told(&h.notes, lines[_i].word));
	} else {
		ck_assert_uint_eq(h.notes.n, 0);
	}
	arena_release(&h.t.arena);
}
END_TEST

/* The tiles of a row: all medium under AMD's own driver and before January 2026, else as the profile has them. */
static bool runs_in_medium_tiles(size_t line, int build)
{
	struct held_row h;
	bool medium;

	hold_begin(&h, &radeon);
	MUST(hold_text(&h, report(&h.t.arena, line, build)) == 0);
	medium = h.row.profile->tile.medium_only;
	arena_release(&h.t.arena);
	return medium;
}

START_TEST(tiles_follow_driver_and_build)
{
	enum { RADV, AMDS = 8 };

	ck_assert(!runs_in_medium_tiles(RADV, 9174));
	ck_assert(runs_in_medium_tiles(AMDS, 9174));
	ck_assert(runs_in_medium_tiles(RADV, 7423));
}
END_TEST

/* A share of the tiles that it would have else; AMD's own driver has no tiles of another size then. */
START_TEST(prompts_without_matrix_units_run_on_vector_units)
{
	enum { MATRIX, VECTOR = 5, VECTOR_AMDS };
	static const size_t of[] = {MATRIX, VECTOR, VECTOR_AMDS};

	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		struct held_row h;

		hold_begin(&h, &radeon);
		MUST(hold_text(&h, report(&h.t.arena, of[i], 9174)) == 0);
		ck_assert_int_eq(h.row.profile->tile.vector_only, of[i] != MATRIX);
		ck_assert(!h.row.profile->tile.medium_only);
		arena_release(&h.t.arena);
	}
}
END_TEST

Suite *suite_vulkan_device(void)
{
	Suite *s = suite_create("vulkan_device");
	TCase *t = tcase_create("vulkan_device");

	tcase_add_loop_test(t, lines_are_used, 0, ARRAY_LEN(lines));
	tcase_add_test(t, tiles_follow_driver_and_build);
	tcase_add_test(t, prompts_without_matrix_units_run_on_vector_units);
	suite_add_tcase(s, t);
	return s;
}
