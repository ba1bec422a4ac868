/* check_unlike_chip.c - a chip that the catalogue has not is not taken for one that it has: names as drivers write them. */
#include <string.h>

#include "sim/ask/look_up.h"
#include "sim/base/err.h"
#include "sim/family/run_machine.h"
#include "sim/family/unlike_chip.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

/* The name that a driver or a person gives, and whether it may be of the machine. */
static const struct {
	const char *machine, *said;
	bool may_be;
} drivers[] = {
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Radeon RX 7900 XTX", true},
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Radeon RX 7900 XTX (RADV NAVI31)", true},
	{"amd-radeon-rx-7900-xtx-24gb", "Radeon RX 7900XTX", true},
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Radeon Graphics", true},
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Radeon Graphics gfx1100", true},
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Radeon Graphics gfx1151", false},
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Radeon Graphics (RADV GFX1201)", false},
	{"amd-radeon-rx-7800-xt-16gb", "AMD Radeon Graphics gfx1100", false},
	{"amd-radeon-rx-7800-xt-16gb", "AMD Radeon Graphics gfx1101", true},
	{"amd-radeon-rx-7600-xt-16gb", "AMD Radeon Graphics gfx1102", true},
	{"amd-radeon-rx-9060-xt-16gb", "AMD Radeon Graphics gfx1200", true},
	{"amd-radeon-rx-9070-xt-16gb", "AMD Radeon Graphics gfx1201", true},
	{"amd-radeon-rx-9070-xt-16gb", "AMD Radeon Graphics gfx1200", false},
	{"amd-instinct-mi300x-192gb", "AMD Radeon Graphics gfx942", true},
	{"amd-instinct-mi300x-192gb", "AMD Radeon Graphics gfx90a", false},
	{"amd-instinct-mi300x-192gb", "AMD Radeon Graphics gfx906", false},
	{"nvidia-rtx-4090-24gb", "AMD Radeon Graphics gfx1151", false},
	{"apple-m2-ultra-76c", "AMD Radeon Graphics gfx1100", false},
	{"amd-ryzen-ai-max-395-64gb", "AMD Radeon Graphics gfx1151", true},
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Radeon RX 6700 XT", false},
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Radeon RX 580 Series", false},
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Radeon RX 7900 GRE", false},
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Radeon 780M Graphics (RADV PHOENIX)", false},
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Instinct MI50", false},
	{"amd-ryzen-ai-max-395-128gb", "AMD Radeon Graphics (RADV GFX1151)", true},
	{"amd-ryzen-ai-max-395-128gb", "Radeon 8060S Graphics", true},
	{"amd-ryzen-ai-max-395-128gb", "AMD RYZEN AI MAX+ PRO 395 w/ Radeon 8060S", true},
	{"amd-ryzen-ai-max-395-128gb", "AMD Radeon 890M Graphics", false},
	{"amd-ryzen-ai-max-395-128gb", "AMD Ryzen AI 9 HX 370 w/ Radeon 890M", false},
	{"amd-instinct-mi300x-192gb", "AMD Instinct MI300X VF", true},
	{"amd-instinct-mi300x-192gb", "AMD Instinct MI300A", false},
	{"amd-instinct-mi300x-192gb", "AMD Instinct MI210", false},
	{"nvidia-dgx-spark-128gb", "NVIDIA GB10", true},
	{"nvidia-dgx-spark-128gb", "NVIDIA Graphics Device", true},
	{"nvidia-rtx-4090-24gb", "NVIDIA GeForce RTX 4090", true},
	{"nvidia-rtx-4090-24gb", "GeForce RTX4090 24564 MiB", true},
	{"nvidia-rtx-4090-24gb", "NVIDIA GeForce RTX 4090 Laptop GPU", false},
	{"nvidia-rtx-4090-24gb", "NVIDIA GeForce RTX 4090 D", false},
	{"nvidia-rtx-4090-24gb", "NVIDIA GeForce GTX 1080 Ti", false},
	{"nvidia-rtx-4090-24gb", "Tesla P40", false},
	{"nvidia-rtx-4090-24gb", "Tesla T4", false},
	{"nvidia-rtx-4090-24gb", "rig 3, under the desk", true},
	{"nvidia-a100-80gb", "NVIDIA A100-SXM4-80GB", true},
	{"nvidia-a100-80gb", "NVIDIA A100 80GB PCIe", true},
	{"nvidia-a100-80gb", "Tesla V100-SXM2-32GB", false},
	{"nvidia-a100-80gb", "NVIDIA A30", false},
	{"nvidia-h100-sxm-80gb", "NVIDIA H100 80GB HBM3", true},
	{"nvidia-h100-sxm-80gb", "NVIDIA H20", false},
	{"intel-arc-b580-12gb", "Intel(R) Arc(TM) B580 Graphics", true},
	{"intel-arc-b580-12gb", "Intel(R) Graphics (BMG G21)", true},
	{"intel-arc-b580-12gb", "Intel(R) Arc(TM) A770 Graphics (DG2)", false},
	{"intel-arc-b580-12gb", "Intel(R) UHD Graphics 770", false},
	{"nvidia-rtx-3090-24gb", "NVIDIA TITAN RTX", false},
	{"nvidia-rtx-3090-24gb", "NVIDIA TITAN V", false},
	{"nvidia-jetson-agx-orin-64gb", "NVIDIA Jetson AGX Orin", true},
	{"nvidia-jetson-agx-thor-128gb", "NVIDIA Thor", true},
	{"nvidia-jetson-agx-thor-128gb", "NVIDIA Jetson AGX Xavier", false},
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Radeon VII (RADV VEGA20)", false},
	{"amd-radeon-rx-7900-xtx-24gb", "AMD Radeon Pro VII", false},
	{"amd-radeon-rx-7900-xtx-24gb", "QUALCOMM Adreno(TM)", false},
	{"amd-radeon-rx-7900-xtx-24gb", "QUALCOMM Adreno(TM) 830", false},
	{"apple-m2-ultra-76c", "Apple M2 Ultra", true},
	{"apple-m2-ultra-76c", "Apple Paravirtual device", true},
	{"apple-m2-ultra-76c", "Apple A17 Pro", false},
};

START_TEST(drivers_name_chips)
{
	struct fixture t = {.arena = ARENA_INIT};
	struct catalogue_device d;
	const char *other;

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	ck_assert(catalogue_is_machine(&t.loader, drivers[_i].machine, NULL, &d));
	other = run_other_machine(&t.loader, drivers[_i].said, &d);
	ck_assert_msg(!other == drivers[_i].may_be, "%s on %s: %s", drivers[_i].said, drivers[_i].machine,
		      other ? other : "may be");
	fixture_release(&t);
}
END_TEST

/* No machine of the catalogue is unlike itself, by whichever of its own names. */
START_TEST(none_is_unlike_itself)
{
	struct fixture t = {.arena = ARENA_INIT};
	struct known_name *all;
	size_t n;

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	n = catalogue_names(&t.loader, CATALOGUE_MACHINES, NULL, &all);
	ck_assert_uint_gt(n, 50);
	for (size_t i = 0; i < n; i++) {
		struct catalogue_device d;
		const char *ids[1] = {all[i].id};

		MUST(catalogue_is_machine(&t.loader, all[i].id, NULL, &d));
		for (size_t k = 0; k < all[i].sold_as_n; k++)
			ck_assert_msg(!chip_is_unlike(all[i].sold_as[k], all[i].sold_as, all[i].sold_as_n),
				      "%s: %s", all[i].id, all[i].sold_as[k]);
		ck_assert_msg(!chip_is_unlike(all[i].id, ids, 1), "%s", all[i].id);
		ck_assert_msg(!run_other_machine(&t.loader, d.machine->title, &d), "%s: %s", all[i].id,
			      d.machine->title);
	}
	fixture_release(&t);
}
END_TEST

/* Another number, or other letters at it, is another chip, whichever they are: each digit of a name changed. */
START_TEST(each_digit_counts)
{
	static const char *const names[] = {"NVIDIA GeForce RTX 3090", "Radeon RX 7900 XTX", "Intel Arc B580",
					    "NVIDIA RTX A6000", "AMD Instinct MI300X"};
	size_t changed = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (size_t k = 0; names[i][k]; k++) {
			char other[64];

			if (names[i][k] < '0' || names[i][k] > '9')
				continue;
			strcpy(other, names[i]);
			other[k] = names[i][k] == '9' ? '1' : (char)(names[i][k] + 1);
			ck_assert_msg(chip_is_unlike(other, &names[i], 1), "%s for %s", other, names[i]);
			ck_assert(!chip_is_unlike(names[i], &names[i], 1));
			changed++;
		}
	ck_assert_uint_gt(changed, 15);
}
END_TEST

Suite *suite_unlike_chip(void)
{
	Suite *s = suite_create("unlike_chip");
	TCase *t = tcase_create("unlike_chip");

	tcase_add_loop_test(t, drivers_name_chips, 0, ARRAY_LEN(drivers));
	tcase_add_test(t, none_is_unlike_itself);
	tcase_add_test(t, each_digit_counts);
	suite_add_tcase(s, t);
	return s;
}
