/* check_hw.c - room hw: facts that follow, runtimes by version, links by size; and their use in a world. */
#include "tests/suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/hw/derive.h"
#include "tests/fixtures.h"

#define GIB 1073741824.0

static struct arena arena;
static struct diags diags;

static void begin(void)
{
	arena = (struct arena)ARENA_INIT;
	diags_init(&diags, &arena);
}

static void end(void)
{
	arena_release(&arena);
}

static struct yml *parse(const char *text)
{
	struct source *source = arena_alloc(&arena, sizeof *source);

	*source = (struct source){"x.yaml", text, strlen(text)};
	return yml_parse(&arena, source, &diags);
}

/* The first complaint, or NULL. */
static const char *load_machine(const char *text, struct machine *m)
{
	*m = (struct machine){0};
	if (field_load(&machine_table, parse(text), "m", m, &diags) == 0)
		machine_check(m, &diags);
	return diags.total ? diags.list[0].msg : NULL;
}

static const char *load_link(const char *text, struct link *l)
{
	*l = (struct link){0};
	if (field_load(&link_table, parse(text), "l", l, &diags) == 0)
		link_check(l, &diags);
	return diags.total ? diags.list[0].msg : NULL;
}

/* ---- what the GPU may wire ---- */

static const struct {
	enum hw_system system;
	double GiB, MB; /* as Metal said, in MB of 10^6 byte */
} limits[] = {
	{SYSTEM_MACOS_15, 16, 11453.25},   {SYSTEM_MACOS_15, 24, 17179.89}, {SYSTEM_MACOS_15, 32, 22906.50},
	{SYSTEM_MACOS_15, 36, 28991.03},   {SYSTEM_MACOS_15, 64, 51539.61}, {SYSTEM_MACOS_26, 16, 12713.12},
	{SYSTEM_MACOS_26, 24, 19069.67},   {SYSTEM_MACOS_26, 32, 26800.60}, {SYSTEM_MACOS_26, 36, 30150.67},
	{SYSTEM_MACOS_26, 48, 40200.90},   {SYSTEM_MACOS_26, 64, 55662.79}, {SYSTEM_MACOS_26, 96, 83494.17},
	{SYSTEM_MACOS_26, 128, 115448.73},
};

START_TEST(wired)
{
	enum provenance provenance;
	const char *source = NULL;
	const double share =
		derive_wired_share(limits[_i].system, limits[_i].GiB * GIB, &provenance, &source);

	ck_assert_double_eq_tol(share * limits[_i].GiB * GIB, limits[_i].MB * 1e6,
				1e-4 * limits[_i].MB * 1e6);
	ck_assert_ptr_nonnull(source);
}
END_TEST

START_TEST(wired_unknown)
{
	enum provenance provenance;
	const char *source = NULL;

	ck_assert_double_eq(derive_wired_share(SYSTEM_UNKNOWN, 16 * GIB, &provenance, &source), 0);
	ck_assert_ptr_null(source);
}
END_TEST

/* ---- facts that follow ---- */

#define MACHINE(memory, gpu)                                                                                 \
	"{schema: lemursim/hardware/1, title: t, chip: c, " memory ", devices: {gpu: {cores: 10" gpu "}}}"

START_TEST(datasheet_follows)
{
	struct machine m;
	const struct device *d;
	const char *text =
		MACHINE("system: macos-26, memory: {capacity: 32 GiB, bus_bits: 128, transfers: 9600 MT/s}",
			", clock: {value: 1.5 GHz, how: transferred}, per_cycle_f32: 256, "
			"per_cycle_f16: 1024, peak_f16: 7 TFLOPS");

	ck_assert_msg(!load_machine(text, &m), "%s", diags.list[0].msg);
	d = m.devices.at;
	ck_assert_double_eq(m.memory.bandwidth.value, 153.6e9);
	ck_assert_int_eq(m.memory.bandwidth.provenance, PROVENANCE_DATASHEET);
	ck_assert_double_eq_tol(m.memory.usable.value, 0.78 * 32 * GIB, 1);
	ck_assert_int_eq(m.memory.usable.provenance, PROVENANCE_TRANSFERRED);
	ck_assert_ptr_nonnull(m.memory.usable.source);
	ck_assert_double_eq(d->peak[DTYPE_F32].value, 10 * 256 * 1.5e9);
	ck_assert_int_eq(d->peak[DTYPE_F32].provenance, PROVENANCE_DATASHEET); /* the worse of the two */
	ck_assert_double_eq(d->peak[DTYPE_F16].value, 7e12);                   /* what is given stays */
	ck_assert(!d->peak[DTYPE_BF16].given);
	ck_assert_int_eq(m.dies, 1);
	ck_assert_uint_eq(d->runtimes.n, 0);
	/* and the tree tells */
	ck_assert_str_eq(yml_get(yml_get(m.origin.node, "memory"), "bandwidth")->text, "153.6 GB/s");
	ck_assert(yml_get(d->origin.node, "peak_f32")->is_default);
}
END_TEST

static const struct {
	const char *text, *says;
} wrong[] = {
	{MACHINE("memory: {capacity: 32 GiB, bandwidth: 1 GB/s}", ""), "memory: key 'usable' is missing"},
	{MACHINE("memory: {capacity: 32 GiB, usable: 1 GiB, bus_bits: 128}", ""),
	 "memory: key 'bandwidth' is missing"},
	{MACHINE("memory: {capacity: 32 GiB, usable: 1 GiB, bandwidth: 159 GB/s, bus_bits: 128, transfers: "
		 "9600 "
		 "MT/s}",
		 ""),
	 "memory: 128 bits at that many transfers make 153.6 GB/s"},
	{MACHINE("die: c, memory: {capacity: 32 GiB, usable: 1 GiB, bandwidth: 1 GB/s}", ""),
	 "die: 'c' is the chip itself"},
	{MACHINE("memory: {capacity: 32 GiB, usable: 1 GiB, bandwidth: 1 GB/s}", ", fast_cores: 11"),
	 "device 'gpu': it has 10 cores"},
	{MACHINE("memory: {capacity: 32 GiB, usable: 1 GiB, bandwidth: 150 GB/s, bus_bits: 128, transfers: "
		 "9600 "
		 "MT/s}",
		 ""),
	 NULL},
	{MACHINE("power_limit: 100 W, memory: {capacity: 32 GiB, usable: 1 GiB, bandwidth: 1 GB/s}", ""),
	 "power_limit: the machine says no power under load"},
	{MACHINE("power_limit: 100 W, active_power: 350 W, memory: {capacity: 32 GiB, usable: 1 GiB, "
		 "bandwidth: 1 GB/s}",
		 ""),
	 "power_limit: 100 W leave nothing to compute with, of 350 W under load"},
};

/* The clock of a card of 350 W, 105 of which it takes at no clock: with the cube root of the rest, and below the least voltage
 * in proportion to it. What was read off real cards: sim/hw/derive.c. */
static const struct {
	double limit_W, share;
} limited[] = {{350, 1}, {400, 1}, {290, 0.9106}, {220, 0.7715}, {200, 0.6373}, {150, 0.3019}};

START_TEST(clock_under_a_limit)
{
	struct machine m;
	const char *text = arena_printf(
		&arena,
		MACHINE("power_limit: %g W, active_power: 350 W, memory: {capacity: 32 GiB, usable: 1 GiB, "
			"bandwidth: 1 GB/s}",
			", clock: 1.5 GHz, per_cycle_f16: 1000"),
		limited[_i].limit_W);
	const char *said = load_machine(text, &m);
	const struct device *d = m.devices.at;

	ck_assert_msg(!said, "%s", said);
	ck_assert_double_eq_tol(derive_limited_clock(limited[_i].limit_W, 350), limited[_i].share, 1e-4);
	ck_assert_double_eq_tol(d->peak[DTYPE_F16].value / (10 * 1000 * 1.5e9), limited[_i].share, 1e-4);
	ck_assert_double_eq(m.memory.bandwidth.value, 1e9);
	ck_assert_double_eq(m.active_power.value, fmin(limited[_i].limit_W, 350));
}
END_TEST

START_TEST(datasheet_wrong)
{
	struct machine m;
	const char *said = load_machine(wrong[_i].text, &m);

	if (wrong[_i].says)
		ck_assert_str_eq(said ? said : "nothing", wrong[_i].says);
	else
		ck_assert_msg(!said, "%s", said);
}
END_TEST

/* ---- runtimes ---- */

static const struct {
	const char *have[4], *ask, *want;
} versions[] = {
	{{"llama.cpp", "mlx"}, "mlx", "mlx"},
	{{"llama.cpp@2023-11", "llama.cpp"}, "llama.cpp", "llama.cpp"},
	{{"llama.cpp@2023-11", "llama.cpp"}, "llama.cpp@2023-11", "llama.cpp@2023-11"},
	{{"llama.cpp@2023-11", "llama.cpp@2026-01", "llama.cpp@2024-06"}, "llama.cpp", "llama.cpp@2026-01"},
	{{"llama.cpp@2023-11"}, "llama.cpp@2024-01", NULL},
	{{"llama.cpp@2023-11"}, "llama", NULL},
	{{"mlx"}, "ml", NULL},
};

START_TEST(runtime_version)
{
	struct profile p[4] = {0};
	struct device d = {.runtimes = {p, 0}};
	const struct profile *got;

	for (; d.runtimes.n < 4 && versions[_i].have[d.runtimes.n]; d.runtimes.n++)
		p[d.runtimes.n].origin.name = versions[_i].have[d.runtimes.n];
	got = device_runtime(&d, versions[_i].ask);
	ck_assert_str_eq(got ? got->origin.name : "none", versions[_i].want ? versions[_i].want : "none");
}
END_TEST

START_TEST(runtime_date)
{
	static const struct {
		const char *date;
		bool fine;
	} cases[] = {{"2023-11", true}, {"2023-11-05", true}, {"2023", false},
		     {"old", false},    {"2023-1-05", false}, {"", false}};
	const char *at = strstr(FIXTURE_MACHINE, "{fixture: ") + strlen("{fixture");
	struct machine m;
	const char *said = load_machine(arena_printf(&arena, "%.*s@%s%s", (int)(at - FIXTURE_MACHINE),
						     FIXTURE_MACHINE, cases[_i].date, at),
					&m);

	ck_assert_msg(!said == cases[_i].fine, "%s: %s", cases[_i].date, said ? said : "fine");
}
END_TEST

/* Two machines under their own software, and a second device that has only one of them. */
#define RUNTIMES(said)                                                                                       \
	"schema: lemursim/scenario/1\ntitle: fixture\nprecision: {weights: f16, kv: f16, compute: f16}\n"    \
	"runtime: " said                                                                                     \
	"\nmodel: " FIXTURE_MODEL("2") "\nmachines: {a: " FIXTURE_MACHINE_2 ", b: " FIXTURE_MACHINE          \
				       "}\nlinks: {ab: " FIXTURE_LINK("a", "b") "}\n" FIXTURE_WORKLOAD

START_TEST(runtime_by_machine)
{
	static const struct {
		const char *said, *want[3]; /* of a.gpu, a.cpu, b.gpu */
	} cases[] = {
		{RUNTIMES("fixture"), {"fixture", "fixture", "fixture"}},
		{RUNTIMES("{default: fixture}"), {"fixture", "fixture", "fixture"}},
		{RUNTIMES("{a: fixture, b: other}"), {"fixture", "fixture", "other"}},
		{RUNTIMES("{default: other, a: fixture}"), {"fixture", "fixture", "other"}},
		{RUNTIMES("{default: other, a.cpu: fixture}"), {"other", "fixture", "other"}},
		{RUNTIMES("{default: other, a: other, a.cpu: fixture}"), {"other", "fixture", "other"}},
		{RUNTIMES("other"), {"other", NULL, "other"}}, /* a.cpu has none: it is left out */
	};
	static const char *const names[] = {"a.gpu", "a.cpu", "b.gpu"};
	static const char *const give[] = {
		"machines.a.devices.gpu.runtimes.other={overhead: {kernel: 1 us}}",
		"machines.b.devices.gpu.runtimes.other={overhead: {kernel: 2 us}}"};
	struct fixture fixture;
	struct arena a = ARENA_INIT;
	const char *sets[3] = {NULL};

	for (int i = 0; i < 2; i++) { /* the fixture's own profile under another name */
		const char *from = strstr(FIXTURE_DEVICE, "{fixture: ") + strlen("{fixture: ");
		const char *equals = strchr(give[i], '=');
		const size_t n = strlen(from) - 2;

		sets[i] = arena_printf(&a, "%.*s=%.*s", (int)(equals - give[i]), give[i], (int)n, from);
	}
	fixture_text(&fixture, cases[_i].said, sets);
	for (int i = 0; i < 3; i++) {
		const size_t u = world_unit(fixture.world, names[i]);

		ck_assert_str_eq(u == WORLD_NONE ? "none" : fixture.world->units[u].profile->origin.name,
				 cases[_i].want[i] ? cases[_i].want[i] : "none");
	}
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* ---- links ---- */

#define LINK(more)                                                                                           \
	"{schema: lemursim/hardware/1, kind: link, title: t, latency: 30 us, bandwidth: 6 GB/s" more "}"
#define CURVE                                                                                                \
	"[{size: 1 kB, bandwidth: 50 MB/s}, {size: 1 MB, bandwidth: 5 GB/s}, {size: 100 MB, bandwidth: 4 "   \
	"GB/s}, "                                                                                            \
	"{size: 1 GB, bandwidth: 6 GB/s}]"

START_TEST(link_by_size)
{
	static const struct {
		double bytes, Bps;
		enum provenance provenance;
	} want[] = {
		{1, 50e6, PROVENANCE_MEASURED},
		{1e3, 50e6, PROVENANCE_MEASURED},
		{1e6, 5e9, PROVENANCE_MEASURED},
		{1e8, 4e9, PROVENANCE_MEASURED},
		{1e9, 6e9, PROVENANCE_MEASURED},
		{1e12, 6e9, PROVENANCE_MEASURED},
		{31622.7766016838, 0.5e9, PROVENANCE_INTERPOLATED}, /* half way in the logarithm of both */
	};
	struct link l, flat;
	double before = 0;

	ck_assert_msg(!load_link(LINK(", bandwidth_by_size: " CURVE), &l), "%s", diags.list[0].msg);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const struct qty got = link_rate(&l, want[i].bytes);

		ck_assert_double_eq_tol(got.value, want[i].Bps, 1e-9 * want[i].Bps);
		ck_assert_int_eq(got.provenance, want[i].provenance);
		ck_assert_double_ge(got.spread, 0.03);
	}
	for (double n = 1; n < 1e13; n *= 1.07) { /* a longer message never takes less time */
		const double s = n / link_rate(&l, n).value;

		MUST(s >= before * (1 - 1e-12));
		before = s;
	}
	ck_assert_ptr_null(load_link(LINK(""), &flat));
	ck_assert_double_eq(link_rate(&flat, 1).value, 6e9);
	ck_assert_double_eq(link_rate(&flat, 1e12).value, 6e9);
}
END_TEST

static const struct {
	const char *points, *says;
} curves[] = {
	{"[{size: 1 kB, bandwidth: 1 GB/s}, {size: 1 kB, bandwidth: 2 GB/s}]",
	 "link point: it is not larger than the one before"},
	{"[{size: 1 kB, bandwidth: 1 GB/s}, {size: 2 kB, bandwidth: 2.1 GB/s}]",
	 "link point: so a larger message would take less time than a smaller one"},
	{"[{size: 1 kB, bandwidth: 6.1 GB/s}]", "link point: it is faster than the link's bandwidth"},
	{"[{size: 1 kB, bandwidth: 1 GB/s}, {size: 2 kB, bandwidth: 2 GB/s}]", NULL},
};

START_TEST(link_curve)
{
	struct link l;
	const char *said =
		load_link(arena_printf(&arena, LINK(", bandwidth_by_size: %s"), curves[_i].points), &l);

	ck_assert_str_eq(said ? said : "fine", curves[_i].says ? curves[_i].says : "fine");
}
END_TEST

/* Messages of a step go at the rate of their size; on one wire, together no faster than the link. */
START_TEST(link_in_a_step)
{
	const bool half = _i;
	const char *const sets[] = {half ? "links.l10.duplex=half" : "links.l10.duplex=full", NULL};
	static const struct {
		double bytes;
		int n; /* at once, from each end; a queue sends one at a time */
		double s;
	} cases[] = {{1e3, 1, 20e-6}, {1e6, 1, 200e-6}, {1e9, 1, 1.0 / 6}};
	const struct deps none = {.n = 0};
	const struct label label = {.payload = PAYLOAD_ACTIVATIONS};
	struct fixture fixture;

	fixture_mesh(&fixture, 2, "latency: 30 us, bandwidth: 6 GB/s, bandwidth_by_size: " CURVE,
		     "{train: {tokens: 16 tok}}", sets);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = ARENA_INIT;
		struct program *p = program_new(fixture.world);
		struct fixture_run r;

		program_send(p, 0, 1, cases[i].bytes, label, &none);
		program_send(p, 1, 0, cases[i].bytes, label, &none);
		r = fixture_run(&a, p);
		/* one wire: two small messages still do not fill it; of the largest each gets half */
		ck_assert_double_eq_tol(
			(double)r.run.makespan_ns,
			(30e-6 + cases[i].s * (half && i > 0 ? (i == 1 ? 10.0 / 6 : 2) : 1)) * 1e9, 3);
		program_free(p);
		arena_release(&a);
	}
	fixture_release(&fixture);
}
END_TEST

/* ---- the files under hardware/ ---- */

static struct loader loader;
static const char *const here[] = {"."};

static void enter(void)
{
	begin();
	loader_init(&loader, &arena, &diags);
	loader.paths = here;
	loader.paths_n = 1;
}

static const char *complaints(void)
{
	struct str text = STR_INIT;
	const char *kept;

	diags_format(&diags, &text);
	kept = arena_strdup(&arena, text.text);
	str_release(&text);
	return kept;
}

/* As a scenario would name it. */
static struct yml *tree_of(const char *name)
{
	struct source *source = arena_alloc(&arena, sizeof *source);
	struct yml *tree;

	*source = (struct source){"./test.yaml", name, strlen(name)};
	tree = load_inherit(&loader, yml_scalar(&arena, name, (struct place){source, 1, 1, 1}), "hardware",
			    HW_SCHEMA);
	ck_assert_msg(tree != NULL, "%s", complaints());
	return tree;
}

static struct machine machine_of(const char *name)
{
	struct machine m = {0};
	struct yml *tree = tree_of(name);

	if (field_load(&machine_table, tree, name, &m, &diags) == 0)
		machine_check(&m, &diags);
	ck_assert_msg(!diags.total, "%s", complaints());
	return m;
}

static void sourced(const char *name, const struct qty *const *datasheet, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (datasheet[i]->given && !datasheet[i]->source)
			ck_abort_msg("%s: fact %zu has no source: %s", name, i, datasheet[i]->node->text);
}

static void machine_sourced(const char *name, const struct machine *m)
{
	const struct memory *y = &m->memory;
	static const struct disk none;
	const struct disk *k = m->disk ? m->disk : &none;
	const struct qty *const datasheet[] = {&y->capacity, &y->usable,     &y->bandwidth,   &y->transfers,
					       &y->cache,    &k->read,       &k->write,       &k->capacity,
					       &m->price,    &m->idle_power, &m->active_power};
	const struct device *d = m->devices.at;

	sourced(name, datasheet, ARRAY_LEN(datasheet));
	for (size_t i = 0; i < m->devices.n; i++) {
		const struct qty *const own[] = {&d[i].clock,        &d[i].per_cycle[0], &d[i].per_cycle[1],
						 &d[i].per_cycle[2], &d[i].peak[0],      &d[i].peak[1],
						 &d[i].peak[2],      &d[i].cache,        &d[i].idle_power,
						 &d[i].active_power};

		sourced(name, own, ARRAY_LEN(own));
	}
}

static void link_sourced(const char *name, const struct link *l)
{
	const struct link_point *p = l->bandwidth_by_size.at;
	const struct qty *const datasheet[] = {&l->latency, &l->bandwidth, &l->nominal,
					       &l->power,   &l->send_copy, &l->receive_copy};

	sourced(name, datasheet, ARRAY_LEN(datasheet));
	for (size_t i = 0; i < l->bandwidth_by_size.n; i++)
		sourced(name, &(const struct qty *const){&p[i].bandwidth}, 1);
}

static const char *kind_of(const struct yml *tree)
{
	const struct yml *kind = yml_get(tree, "kind");

	return kind ? kind->text : "machine";
}

/* Every name that may be written loads, and no figure is without a source; a variant called 24gb has 24 GiB.
 */
START_TEST(shipped)
{
	struct load_found *found;
	const size_t n = load_list(&loader, ".", "hardware", &found);
	size_t variants = 0;

	ck_assert_uint_gt(n, 60);
	for (size_t i = 0; i < n; i++) {
		struct yml *tree;
		const struct yml *v;
		struct link l = {0};
		struct machine m;

		tree = tree_of(found[i].name);
		v = load_variants(&loader, found[i].path);
		if (!strcmp(kind_of(tree), "link")) {
			if (field_load(&link_table, tree, found[i].name, &l, &diags) == 0)
				link_check(&l, &diags);
			ck_assert_msg(!diags.total, "%s", complaints());
			link_sourced(found[i].name, &l);
		} else if (!strcmp(kind_of(tree), "machine")) {
			m = machine_of(found[i].name);
			machine_sourced(found[i].name, &m);
		}
		for (size_t k = 0; v && k < v->n; k++, variants++) {
			const char *name = arena_printf(&arena, "%s-%s", found[i].name, v->keys[k]->text);

			m = machine_of(name);
			machine_sourced(name, &m);
			ck_assert_double_eq(m.memory.capacity.value, atof(v->keys[k]->text) * GIB);
			ck_assert_double_lt(m.memory.usable.value, m.memory.capacity.value);
		}
	}
	ck_assert_uint_gt(variants, 90);
}
END_TEST

/* What makers state, against what follows from the facts in the files; Apple rounds 204.8 GB/s to 200. */
static const struct {
	const char *name;
	double GBps, f32_TFLOPS; /* 0: not stated */
} stated[] = {
	{"apple-m1-8c", 68, 2.617},
	{"apple-m1-pro-16c", 200, 5.308},
	{"apple-m1-max-32c", 400, 10.617},
	{"apple-m1-ultra-64c", 800, 21.233},
	{"apple-m2-10c", 100, 3.579},
	{"apple-m2-pro-19c", 200, 6.8},
	{"apple-m2-max-38c", 400, 13.6},
	{"apple-m2-ultra-76c", 800, 27.2},
	{"apple-m3-10c", 100, 0},
	{"apple-m3-pro-18c", 150, 0},
	{"apple-m3-max-30c", 300, 0},
	{"apple-m3-max-40c", 400, 14.131},
	{"apple-m3-ultra-80c", 819, 0},
	{"apple-m4-10c", 120, 0},
	{"apple-m4-pro-20c", 273, 0},
	{"apple-m4-max-32c", 410, 0},
	{"apple-m4-max-40c", 546, 0},
	{"apple-m5-10c", 153, 4.04},
	{"apple-m5-pro-16c", 307, 0},
	{"apple-m5-max-32c", 460, 0},
	{"apple-m5-max-40c", 614, 0},
	{"apple-m5-ultra-80c", 1228, 0},
	{"apple-m6-12c-16gb", 153, 0},
	{"apple-m6-12c-32gb", 170, 0},
	{"nvidia-dgx-spark-128gb", 273, 29.71},
	{"nvidia-rtx-3060-12gb", 360, 12.74},
	{"nvidia-rtx-3090-24gb", 936, 35.58},
	{"nvidia-rtx-4060-ti-8gb", 288, 22.06},
	{"nvidia-rtx-4070-ti-super-16gb", 672, 44.10},
	{"nvidia-rtx-4090-24gb", 1008, 82.58},
	{"nvidia-rtx-5060-ti-16gb", 448, 23.70},
	{"nvidia-rtx-5070-ti-16gb", 896, 43.94},
	{"nvidia-rtx-5080-16gb", 960, 56.28},
	{"nvidia-rtx-5090-32gb", 1792, 104.8},
	{"nvidia-rtx-pro-6000-blackwell-96gb", 1792, 125.95},
	{"nvidia-a100-40gb", 1555, 19.5},
	{"nvidia-a100-80gb", 2039, 19.5},
	{"nvidia-h100-sxm-80gb", 3350, 66.9},
	{"nvidia-h100-pcie-80gb", 2000, 51.2},
	{"nvidia-h200-sxm-141gb", 4800, 66.9},
};

START_TEST(as_stated)
{
	const struct machine m = machine_of(stated[_i].name);
	const struct device *d = m.devices.at;
	const double f32 = stated[_i].f32_TFLOPS * 1e12, GBps = m.memory.bandwidth.value / 1e9;

	ck_assert_double_ge(GBps, stated[_i].GBps * 0.998);
	ck_assert_double_le(GBps, stated[_i].GBps * 1.025);
	if (f32 > 0)
		ck_assert_double_eq_tol(d->peak[DTYPE_F32].value, f32, 1e-3 * f32);
	/* a multiprocessor of NVIDIA, and a core of Apple's, has 128 lanes; but 64 in an A100 */
	if (d->peak[DTYPE_F32].given)
		ck_assert_double_eq_tol(d->peak[DTYPE_F32].value,
					(double)d->cores * (strstr(stated[_i].name, "a100") ? 128 : 256) *
						d->clock.value,
					0.09 * d->peak[DTYPE_F32].value);
	ck_assert_int_eq(m.dies, strstr(stated[_i].name, "ultra") ? 2 : 1);
}
END_TEST

/* One message over a shipped link, against what it was seen to take. */
static const struct {
	const char *name;
	double bytes, us, off; /* off: relative, allowed */
} messages[] = {
	/* hardware/measured/copies-h100.csv */
	{"nvlink-4", 4096, 24.01, 0.02},
	{"nvlink-4", 1 << 20, 23.77, 0.15},
	{"nvlink-4", 1 << 24, 69.64, 0.01},
	{"nvlink-4", 1 << 28, 700.79, 0.01},
	/* all-reduces of vLLM 0.19 in a graph, whole tensors each way (the files' sources) */
	{"nvlink-4-vllm", 8192, 4.36, 0.03},
	{"nvlink-4-vllm", 1 << 18, 5.16, 0.02},
	{"nvlink-4-vllm", 1 << 21, 12.36, 0.02},
	{"nvlink-4-vllm", 1 << 25, 158.44, 0.01},
	{"nvlink-4-vllm", 1 << 30, 3227.46, 0.01},
	{"nvlink-5-vllm", 8192, 6.98, 0.03},
	{"nvlink-5-vllm", 1 << 20, 13.1, 0.02},
	{"nvlink-5-vllm", 1 << 27, 281.15, 0.05},
	{"pcie-5-x16", 1 << 18, 18.3, 0.04},
	{"pcie-5-x16", 1 << 20, 32.51, 0.04},
	{"pcie-5-x16", 1 << 24, 321.86, 0.04},
	{"pcie-5-x16", 1 << 30, 19482.83, 0.01},
	/* KV caches handed over: 64.79 ms (jundot/omlx disaggregated_prefill_decode.md) */
	{"thunderbolt-5-rdma-sized", 422.38e6, 64790, 0.01},
	{"thunderbolt-5-rdma", 422.38e6, 64790, 0.05},
	/* 1500-byte frames: 0.8 s for 100 MB at 1 Gbit/s, and 6.3 % of heads */
	{"ethernet-1g", 1e8, 850e3, 0.01},
};

START_TEST(link_as_measured)
{
	struct link l = {0};
	const double bytes = messages[_i].bytes;
	double us;

	ck_assert_int_eq(field_load(&link_table, tree_of(messages[_i].name), "l", &l, &diags), 0);
	us = (l.latency.value + bytes / link_rate(&l, bytes).value) * 1e6;
	ck_assert_double_eq_tol(us, messages[_i].us, messages[_i].off * messages[_i].us);
}
END_TEST

/* What is known of a chip: of its own runs, else of those under the runtime that this one is like, else of
 * those of the chip that its dies are. */
static const struct {
	const char *here, *like; /* the chips that were measured */
	double bandwidth;        /* 0: nothing is known */
	bool own;
} knowns[] = {{"Ultra", "Ultra", 0.5, true},
	      {"Max", "Ultra", 0.9, false},
	      {"Max", NULL, 0.5, false},
	      {"Pro", "Max", 0.9, false},
	      {"Pro", "Pro", 0, false}};

START_TEST(what_is_known_of_a_chip)
{
	struct chip_reach near = {.origin.name = knowns[_i].here, .bandwidth.value = 0.5},
			  there = {.origin.name = knowns[_i].like, .bandwidth.value = 0.9};
	struct profile p[] = {{.origin.name = "new", .chips = {&near, 1}, .chips_like = "old@2023-11"},
			      {.origin.name = "old@2023-11", .chips = {&there, knowns[_i].like ? 1 : 0}}};
	const struct device d = {.runtimes = {p, ARRAY_LEN(p)}};
	const struct machine m = {.chip = "Ultra", .die = "Max"};
	bool own;
	const struct chip_reach *c = chip_reach_of(&m, &d, &p[0], &own);

	ck_assert_double_eq(c ? c->bandwidth.value : 0, knowns[_i].bandwidth);
	ck_assert_int_eq(own, knowns[_i].own);
}
END_TEST

/* What a chip's own runs lie off its line is all that is unsure of its rates and its arithmetic: what formats
 * differ by is part of it, where it was measured. */
START_TEST(a_chip_is_as_sure_as_its_runs)
{
	struct chip_reach near = {.origin.name = _i ? "M0" : "M1",
				  .bandwidth = {.value = 0.5, .spread = 0.03},
				  .arithmetic = {.value = 0.9, .spread = 0.04}};
	const struct machine m = {.chip = "M0", .dies = 1, .memory.bandwidth.value = 100};
	const struct device d = {.cores = 1};
	const struct qty eighty = {.value = 0.8,
				   .spread = 0.1,
				   .provenance = PROVENANCE_MEASURED,
				   .given = true,
				   .is_share = true};
	struct profile p = {.chips = {&near, 1},
			    .gemv = eighty,
			    .attention.u = eighty,
			    .dequant = {.q8 = eighty, .q4 = eighty}};

	p.dequant.q4.provenance = PROVENANCE_TRANSFERRED;
	derive_profile(&m, &d, &p);
	ck_assert_double_eq_tol(p.gemv.value, _i ? 40 : 80, 1e-12);
	ck_assert_double_eq(p.gemv.spread, _i ? 0.03 : 0.1);
	ck_assert_int_eq(p.gemv.provenance, _i ? PROVENANCE_MEASURED : PROVENANCE_TRANSFERRED);
	ck_assert_double_eq(p.attention.u.spread, _i ? 0.04 : 0.1);
	ck_assert_double_eq(p.dequant.q8.spread, _i ? 0 : 0.1);
	ck_assert_double_eq(p.dequant.q4.spread, 0.1);
}
END_TEST

Suite *suite_hw(void)
{
	Suite *s = suite_create("hw");
	TCase *datasheet = tcase_create("datasheet"), *runtimes = tcase_create("runtimes"),
	      *links = tcase_create("links"), *catalogue = tcase_create("catalogue");

	tcase_add_checked_fixture(datasheet, begin, end);
	tcase_add_loop_test(datasheet, wired, 0, ARRAY_LEN(limits));
	tcase_add_test(datasheet, wired_unknown);
	tcase_add_test(datasheet, datasheet_follows);
	tcase_add_loop_test(datasheet, datasheet_wrong, 0, ARRAY_LEN(wrong));
	tcase_add_loop_test(datasheet, clock_under_a_limit, 0, ARRAY_LEN(limited));
	suite_add_tcase(s, datasheet);
	tcase_add_checked_fixture(runtimes, begin, end);
	tcase_add_loop_test(runtimes, runtime_version, 0, ARRAY_LEN(versions));
	tcase_add_loop_test(runtimes, runtime_date, 0, 6);
	tcase_add_loop_test(runtimes, runtime_by_machine, 0, 7);
	tcase_add_loop_test(runtimes, what_is_known_of_a_chip, 0, ARRAY_LEN(knowns));
	tcase_add_loop_test(runtimes, a_chip_is_as_sure_as_its_runs, 0, 2);
	suite_add_tcase(s, runtimes);
	tcase_add_checked_fixture(links, begin, end);
	tcase_add_test(links, link_by_size);
	tcase_add_loop_test(links, link_curve, 0, ARRAY_LEN(curves));
	tcase_add_loop_test(links, link_in_a_step, 0, 2);
	suite_add_tcase(s, links);
	tcase_add_checked_fixture(catalogue, enter, end);
	tcase_add_test(catalogue, shipped);
	tcase_add_loop_test(catalogue, as_stated, 0, ARRAY_LEN(stated));
	tcase_add_loop_test(catalogue, link_as_measured, 0, ARRAY_LEN(messages));
	suite_add_tcase(s, catalogue);
	return s;
}
