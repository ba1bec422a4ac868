/* check_idle_setting.c - settings of a bandwidth: those that are told leave every rate as it was, others do not. */
#include "tests/suites.h"

#include <string.h>

#include "sim/world/idle_setting.h"

struct loaded {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	const struct world *world;
};

static const char scenario[] =
	"schema: lemursim/scenario/1\ntitle: t\nmodel: mistral-7b\n"
	"precision: {weights: f16, kv: f16, compute: f16}\nruntime: mps\n"
	"machines: {m5: apple-m5-10c-24gb, m4: apple-m4-10c-16gb, m1: apple-m1-8c-16gb}\n"
	"links: {nv: {base: nvlink-4, between: [m5, m4]}, tb: {base: thunderbolt-5-tcp, between: [m1, "
	"m4]}}\n"
	"workload: {generate: {prompt: 8 tok, tokens: 8 tok, batch: 1}}\n"
	"assignments: [{name: a, place: [{on: m5}]}]\n";

static void load(struct loaded *t, const char *const *sets, size_t n)
{
	*t = (struct loaded){.arena = ARENA_INIT};
	diags_init(&t->diags, &t->arena);
	loader_init(&t->loader, &t->arena, &t->diags);
	ck_assert_int_eq(load_text(&t->loader, "./t.yaml", scenario), 0);
	t->world = world_load(&t->loader, "./t.yaml", sets, n);
	ck_assert_msg(t->world && !t->diags.total, "%s", t->diags.n ? t->diags.list[0].msg : "");
}

static bool same_rates(const struct world *a, const struct world *b)
{
	bool same = a->units_n == b->units_n && a->links_n == b->links_n;

	for (size_t i = 0; same && i < a->units_n; i++) {
		const struct profile *p = a->units[i].profile, *q = b->units[i].profile;

		same = p->read.value == q->read.value && p->gemv.value == q->gemv.value &&
		       p->attention.decode.value == q->attention.decode.value;
	}
	for (size_t i = 0; same && i < a->links_n; i++)
		for (double bytes = 1024; bytes < 4e9; bytes *= 4)
			same &= link_rate(&a->links[i], bytes).value == link_rate(&b->links[i], bytes).value;
	return same;
}

static const struct {
	const char *setting, *before, *says; /* before: a setting besides; says NULL: it is not told */
} settings[] = {{"machines.m5.memory.bandwidth=150 GB/s", NULL, "devices.gpu.runtimes.mps"},
		{"machines.m5.memory.bandwidth.value=150 GB/s", NULL, "gemv"},
		{"machines.m4.memory.bandwidth=120.5 GB/s", NULL, NULL},
		{"links.nv.bandwidth=900 GB/s", NULL, "bandwidth_by_size"},
		{"links.nv.bandwidth=900 GB/s", "links.nv.bandwidth_by_size=null", NULL},
		{"links.tb.bandwidth=1 GB/s", NULL, NULL}};

START_TEST(told_if_idle)
{
	const char *const both[] = {settings[_i].before, settings[_i].setting}, *const *sets =
											settings[_i].before
												? both
												: both + 1;
	const size_t n = settings[_i].before ? 2 : 1;
	struct loaded before, after;
	const char *says;

	load(&before, sets, n - 1);
	load(&after, sets, n);
	says = idle_setting(&after.arena, after.world, settings[_i].setting);
	ck_assert_int_eq(says != NULL, settings[_i].says != NULL);
	ck_assert_msg(!says || strstr(says, settings[_i].says), "%s", says);
	ck_assert_int_eq(same_rates(before.world, after.world), says != NULL);
	arena_release(&before.arena);
	arena_release(&after.arena);
}
END_TEST

/* Settings of other keys, and of names that begin alike, are not told. */
START_TEST(of_other_keys)
{
	static const char *const others[] = {"links.nv2.bandwidth=1 GB/s", "links.nv.bandwidth_by_size=null",
					     "links.nv.latency=1 us", "machines.m5.memory.bandwidth",
					     "machines.m5.price=1 USD"};
	struct loaded t;

	load(&t, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		ck_assert_ptr_null(idle_setting(&t.arena, t.world, others[i]));
	arena_release(&t.arena);
}
END_TEST

Suite *suite_idle_setting(void)
{
	Suite *s = suite_create("idle_setting");
	TCase *t = tcase_create("idle_setting");

	tcase_add_loop_test(t, told_if_idle, 0, ARRAY_LEN(settings));
	tcase_add_test(t, of_other_keys);
	suite_add_tcase(s, t);
	return s;
}
