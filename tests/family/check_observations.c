/* check_observations.c - rows of operators alone and of ratios: read, refused, and what they come to by hand. */
#include <math.h>
#include <string.h>

#include "sim/family/observations.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

#define NAMED                                                                                                \
	"machine,runtime,model,kind,prompt,gen,size,dtype,rate,seconds,tok_per_s,over,over_runtime,ratio,"   \
	"weights\n"
static const struct {
	const char *row, *name, *unit;
	double rate, seconds; /* the seconds are its own, or a share of those on the other machine */
} good[] = {
	{"a,x,,gemm,,,4096,f16,13.84 TFLOPS,,,,,\n", "gemm f16 4096", "TFLOPS", 13.84,
	 137438953472.0 / 13.84e12},
	{"a,x,,gemm,,,4x1024x512,bf16,,0.001,,,,\n", "gemm bf16 4x1024x512", "TFLOPS", 0.004194304, 0.001},
	{"a,x,,gemm,,,1x1x1,f32,2 FLOPS,,,,,\n", "gemm f32 1", "TFLOPS", 2e-12, 1},
	{"a,x,,copy,,,1 GiB,,119 GB/s,,,,,\n", "copy 1.074 GB", "GB/s", 119, 1073741824.0 / 119e9},
	{"a,x,,read,,,2 GB,,,0.5,,,,\n", "read 2 GB", "GB/s", 4, 0.5},
	{"a,x,m,pp,4096,,,,,,,b,,4\n", "pp4096 over b", "times", 4, 0.25},
	{"a,x,m,tg,,128,,,,,,b,y,1.25\n", "tg128 over b y", "times", 1.25, 0.8},
	{"a,x,,gemm,,,4096,f16,,,,b,,2\n", "gemm f16 4096 over b", "times", 2, 0.5},
	{"a,x,m,tg,,128,,,,,64,,,\n", "tg128", "tok/s", 64, 2},
};

static int parse(struct arena *a, const char *row, struct runs *r, struct err *err)
{
	const char *text = arena_printf(a, NAMED "%s", row);

	return runs_parse(a, "f", text, strlen(text), r, err);
}

START_TEST(a_row_is_read)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r;

	ck_assert_msg(parse(&a, good[_i].row, &r, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(run_name(&a, &r.at[0]), good[_i].name);
	ck_assert_str_eq(run_unit(&r.at[0]), good[_i].unit);
	ck_assert_double_eq_tol(run_rate(&r.at[0]) / good[_i].rate, 1, 1e-12);
	ck_assert_double_eq_tol(r.at[0].seconds / good[_i].seconds, 1, 1e-12);
	if (r.at[0].over)
		ck_assert_str_eq(r.at[0].over_runtime, strstr(good[_i].row, ",y,") ? "y" : "x");
	ck_assert_int_eq(runs_one_model(&r, &err), strcmp(good[_i].unit, "tok/s") ? -1 : 0);
	arena_release(&a);
}
END_TEST

static const struct {
	const char *row, *msg;
} bad[] = {
	{"a,x,,gem,,,4096,f16,1 TFLOPS,,,,,\n",
	 "f:2: kind: expected pp, tg, pg, gemm, copy or read, got 'gem'"},
	{"a,x,,gemm,,,,f16,1 TFLOPS,,,,,\n", "f:2: size: expected 4096 or 512x4096x14336, got ''"},
	{"a,x,,gemm,,,512x512,f16,1 TFLOPS,,,,,\n", "f:2: size: expected 4096 or"},
	{"a,x,,gemm,,,512x0x512,f16,1 TFLOPS,,,,,\n", "f:2: size: expected 4096 or"},
	{"a,x,,gemm,,,512x512x512x512,f16,1 TFLOPS,,,,,\n", "f:2: size: expected 4096 or"},
	{"a,x,,gemm,,,1 GiB,f16,1 TFLOPS,,,,,\n", "f:2: size: expected 4096 or"},
	{"a,x,,gemm,,,512x512x0,f16,1 TFLOPS,,,,,\n", "f:2: size: expected 4096 or"},
	{"a,x,,gemm,,,0x512x512,f16,,,,b,,2\n", "f:2: size: expected 4096 or"},
	{"a,x,,gemm,,,512x512x0,f16,,,,b,,2\n", "f:2: size: expected 4096 or"},
	{"a,x,,gemm,,,4096,f16,1 TFLOPS,1,,,,\n", "f:2: a row has 'seconds' or a rate, not both"},
	{"a,x,m,tg,,128,,,,2,64,,,\n", "f:2: a row has 'seconds' or a rate, not both"},
	{"a,x,,gemm,,,99999999,f16,1 TFLOPS,,,,,\n", "f:2: size: 99999999 is out of range"},
	{"a,x,,gemm,,,999999999999999,f16,1 TFLOPS,,,,,\n", "f:2: size: expected 4096 or"},
	{"a,x,,gemm,,,4096,,1 TFLOPS,,,,,\n", "f:2: dtype: expected f32, f16 or bf16, got ''"},
	{"a,x,,gemm,,,4096,fp16,1 TFLOPS,,,,,\n", "f:2: dtype: expected f32, f16 or bf16, got 'fp16'"},
	{"a,x,,gemm,,,4096,f16,1 GB/s,,,,,\n", "f:2: rate: unknown unit 'GB/s'"},
	{"a,x,,gemm,,,4096,f16,1e30 TFLOPS,,,,,\n", "f:2: out of range: '1e30 TFLOPS'"},
	{"a,x,,gemm,,,4096,f16,-1 TFLOPS,,,,,\n", "f:2: "},
	{"a,x,,gemm,,,4096,f16,,,,,,\n", "f:2: a run of 0 s"},
	{"a,x,m,gemm,,,4096,f16,1 TFLOPS,,,,,\n", "f:2: an operator alone is of no model, got 'm'"},
	{"a,,,gemm,,,4096,f16,1 TFLOPS,,,,,\n", "f:2: rows of many machines each say"},
	{"a,x,,copy,,,,,119 GB/s,,,,,\n", "f:2: size: expected 1 GiB, got ''"},
	{"a,x,,copy,,,4096,,119 GB/s,,,,,\n", "f:2: size: expected a unit"},
	{"a,x,,read,,,1 GB,,1 TFLOPS,,,,,\n", "f:2: rate: unknown unit 'TFLOPS'"},
	{"a,x,m,pp,512,,,,,,,,,4\n", "f:2: a ratio needs the other machine, 'over'"},
	{"a,x,m,pp,512,,,,,,,,y,\n", "f:2: a ratio needs the other machine, 'over'"},
	{"a,x,m,pp,512,,,,,,,b,,\n", "f:2: beside 'over' a 'ratio' above 0 is wanted"},
	{"a,x,m,pp,512,,,,,,,b,,0\n", "f:2: beside 'over' a 'ratio' above 0 is wanted"},
	{"a,x,m,pp,512,,,,,,,b,,x\n", "f:2: ratio: expected a number, got 'x'"},
	{"a,x,m,pp,512,,,,,,100,b,,2\n", "f:2: a ratio has no time or rate of its own"},
	{"a,x,,gemm,,,4096,f16,1 TFLOPS,,,b,,2\n", "f:2: a ratio has no time or rate of its own"},
	{"a,x,m,pp,512,64,,,,,,b,,2\n", "f:2: prompt and gen do not go with kind 'pp'"},
};

START_TEST(a_wrong_row_is_refused)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct runs r = {.n = 77};

	ck_assert_int_eq(parse(&a, bad[_i].row, &r, &err), -1);
	ck_assert_msg(str_starts(err.msg, bad[_i].msg), "'%s' does not begin with '%s'", err.msg,
		      bad[_i].msg);
	ck_assert_uint_eq(r.n, 77);
	arena_release(&a);
}
END_TEST

/* On a device of 1 TFLOPS at half of it, that reads weights at 95 GB/s, copies at 90, and takes 3 us for a
 * kernel: tests/fixtures.h. */
static const struct {
	struct run run;
	double sync, seconds;
} alone[] = {
	{{.kind = RUN_GEMM, .product = {4096, 4096, 4096, DTYPE_F16}},
	 0,
	 2.0 * 4096 * 4096 * 4096 / 0.5e12 + 3e-6},
	{{.kind = RUN_GEMM, .product = {512, 1024, 256, DTYPE_F16}},
	 0,
	 2.0 * 512 * 1024 * 256 / 0.5e12 + 3e-6},
	/* the host's wait holds the launch */
	{{.kind = RUN_GEMM, .product = {512, 1024, 256, DTYPE_F16}},
	 2e-4,
	 2.0 * 512 * 1024 * 256 / 0.5e12 + 2e-4},
	{{.kind = RUN_GEMM, .product = {1, 4096, 2048, DTYPE_F16}},
	 0,
	 2.0 * (4096.0 * 2048 + 4096 + 2048) / 95e9 + 3e-6},
	{{.kind = RUN_COPY, .moved_B = 9e9}, 2e-4, 0.1 + 3e-6},
	{{.kind = RUN_READ, .moved_B = 9e9}, 2e-4, 0.09 + 3e-6},
};

START_TEST(an_operator_alone_costs_what_it_says)
{
	struct fixture fixture;
	const struct unit *u;
	struct profile p;
	struct gemm_table gemm;
	struct device_model device_model;
	struct predicted_run r;

	fixture_text(&fixture, FIXTURE_PAIR, NULL);
	u = &fixture.world->units[0];
	p = *u->profile;
	gemm = *p.gemm[DTYPE_F16];
	gemm.sync.value = alone[_i].sync;
	p.gemm[DTYPE_F16] = &gemm;
	device_model = device_model_make(&fixture.arena, &fixture.world->machines[u->machine], u->device, &p,
					 DTYPE_F16);
	r = predicted_run_make(&fixture.arena, NULL, NULL, &device_model, &alone[_i].run);
	ck_assert_uint_eq(r.n, 1);
	ck_assert_double_eq_tol(predicted_run_seconds(&r) / alone[_i].seconds, 1, 1e-12);
	fixture_release(&fixture);
}
END_TEST

/* ---- ratios ---- */

struct loaded {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	struct runs runs;
	struct observations e;
};

static void begin(struct loaded *l)
{
	static const char *const here[] = {"."};

	diags_init(&l->diags, &l->arena);
	loader_init(&l->loader, &l->arena, &l->diags);
	l->loader.paths = here;
	l->loader.paths_n = 1;
}

static int load(struct loaded *l, const char *rows, enum observations_profile profile, struct err *err)
{
	const int rc = parse(&l->arena, rows, &l->runs, err);

	begin(l);
	return rc ? rc : observations_load(&l->loader, &l->runs, profile, &l->e, err);
}

static double own_s(struct loaded *l, const struct observation *row)
{
	const struct predicted_run r = observations_predict(&l->arena, row, row->device->profile);

	return predicted_run_seconds(&r);
}

/* Of weights read at the same share of two buses, the ratio of these is what a ratio is. */
START_TEST(a_ratio_has_two_machines)
{
	static const char rows[] =
		"apple-m2-max-38c,llama.cpp@2023-11,llama-2-7b,tg,,2,,,,,,apple-m2-10c,,4,f16\n"
		"apple-m2-max-38c,llama.cpp@2023-11,llama-2-7b,tg,,2,,,,,,apple-m2-10c,llama.cpp@2026-02,4,"
		"f16\n"
		"apple-m2-max-38c,llama.cpp@2023-11,llama-2-7b,tg,,2,,,,,20,,,,f16\n";
	struct loaded l = {.arena = ARENA_INIT};
	struct err err = ERR_INIT;
	const struct observation *over, *other;

	ck_assert_msg(load(&l, rows, OBSERVATIONS_PROFILE, &err) == 0, "%s", err.msg);
	over = l.e.at[0].over;
	other = l.e.at[1].over;
	ck_assert_ptr_null(l.e.at[2].over);
	ck_assert_str_eq(over->device->machine->chip, "Apple M2");
	ck_assert_str_eq(over->device->profile->origin.name, "llama.cpp@2023-11");
	ck_assert_str_eq(other->device->profile->origin.name, "llama.cpp@2026-02");
	ck_assert_ptr_eq(over->model, l.e.at[0].model);
	ck_assert_double_eq_tol(own_s(&l, &l.e.at[0]), own_s(&l, &l.e.at[2]), 1e-15);
	ck_assert_double_gt(own_s(&l, over) / own_s(&l, &l.e.at[0]), 2.5);
	ck_assert_double_lt(own_s(&l, over) / own_s(&l, &l.e.at[0]), 4.5);
	arena_release(&l.arena);
}
END_TEST

/* Whose profiles are given: of one's own runtime as asked, of another's always the catalogue's. */
START_TEST(what_a_ratio_is_over_has_its_profile)
{
	static const char rows[] =
		"apple-m2-max-38c,llama.cpp@2023-11,llama-2-7b,tg,,2,,,,,,apple-m2-10c,,4,f16\n"
		"apple-m2-max-38c,llama.cpp@2023-11,llama-2-7b,tg,,2,,,,,,apple-m2-10c,llama.cpp@2026-02,4,"
		"f16\n";
	struct loaded l = {.arena = ARENA_INIT};
	struct err err = ERR_INIT;

	ck_assert_msg(load(&l, rows, OBSERVATIONS_NO_PROFILE, &err) == 0, "%s", err.msg);
	ck_assert_ptr_null(l.e.at[0].device->profile);
	ck_assert_ptr_null(l.e.at[0].over->device->profile);
	ck_assert_ptr_nonnull(l.e.at[1].over->device->profile);
	arena_release(&l.arena);
}
END_TEST

START_TEST(a_dtype_without_a_table_is_told)
{
	struct loaded l = {.arena = ARENA_INIT};
	struct err err = ERR_INIT;

	ck_assert_int_eq(load(&l, "apple-m2-10c,llama.cpp@2023-11,,gemm,,,4096,f32,1 TFLOPS,,,,,\n",
			      OBSERVATIONS_PROFILE, &err),
			 -1);
	ck_assert_str_eq(err.msg, "f:2: runtime 'llama.cpp@2023-11' of apple-m2-10c has no 'gemm_f32' table");
	arena_release(&l.arena);
}
END_TEST

/* A fit keeps the operators of a row: a profile that honours other windows has others, before and after. */
START_TEST(kept_operators_follow_the_windows)
{
	struct loaded l = {.arena = ARENA_INIT};
	struct observations_scratch kept = {.arena = &l.arena};
	struct profile all, none;
	struct err err = ERR_INIT;

	ck_assert_msg(load(&l, "apple-m4-10c,llama.cpp,mistral-7b,pp,16384,,,,,,200,,,,f16\n",
			   OBSERVATIONS_PROFILE, &err) == 0,
		      "%s", err.msg);
	all = none = *l.e.at[0].device->profile;
	all.honours = (struct honours){0};
	none.honours = (struct honours){.origin = all.origin};
	for (int i = 0; i < 4; i++) {
		struct observations_scratch fresh = {.arena = &l.arena};
		const struct profile *p = i % 2 ? &none : &all;

		ck_assert_double_eq(observations_seconds(&kept, &l.e.at[0], p),
				    observations_seconds(&fresh, &l.e.at[0], p));
	}
	ck_assert_double_gt(observations_seconds(&kept, &l.e.at[0], &none),
			    1.05 * observations_seconds(&kept, &l.e.at[0], &all));
	arena_release(&l.arena);
}
END_TEST

/* What attention of llama.cpp reads in a step, as shipped. Before flash attention each query head read the cache for itself, at no
 * less than a third of what weights are read at; later builds unpack caches in blocks. */
static const struct {
	const char *machine, *runtime;
	int64_t shares;
	bool unpacks;
} caches_read[] = {
	{"apple-m1-max-32c-64gb", "llama.cpp@2023-11", 1, false},
	{"apple-m4-max-40c-64gb", "llama.cpp@2023-11", 1, false},
	{"apple-m4-max-40c-64gb", "llama.cpp@2026-02", 0, true},
	{"nvidia-rtx-4090-24gb", "cuda@2025-10", 0, true},
	{"nvidia-rtx-4090-24gb", "vulkan@2025-12", 0, true},
	{"amd-ryzen-ai-max-395-128gb", "rocm@2026-05", 8, true},
};

START_TEST(steps_read_caches)
{
	struct loaded l = {.arena = ARENA_INIT};
	struct catalogue_device d;

	begin(&l);
	ck_assert_int_eq(
		catalogue_device_load(&l.loader, caches_read[_i].machine, NULL, caches_read[_i].runtime, &d),
		0);
	ck_assert_int_eq(d.profile->attention.decode_shares, caches_read[_i].shares);
	ck_assert_int_eq(d.profile->attention.blocks.given, caches_read[_i].unpacks);
	ck_assert_double_gt(d.profile->attention.decode.value, 0.3 * d.machine->memory.bandwidth.value);
	arena_release(&l.arena);
}
END_TEST

/* A product of a prompt takes about as long to start by Vulkan as by CUDA on one card, so that small models' prompts do. */
START_TEST(products_take_time_to_start)
{
	struct loaded l = {.arena = ARENA_INIT};
	struct catalogue_device cuda, vulkan;
	double ratio;

	begin(&l);
	ck_assert_int_eq(
		catalogue_device_load(&l.loader, "nvidia-rtx-4090-24gb", NULL, "cuda@2025-10", &cuda), 0);
	ck_assert_int_eq(
		catalogue_device_load(&l.loader, "nvidia-rtx-4090-24gb", NULL, "vulkan@2025-12", &vulkan), 0);
	ck_assert(cuda.profile->overhead.tiles.given && vulkan.profile->overhead.tiles.given);
	ratio = vulkan.profile->overhead.tiles.value / cuda.profile->overhead.tiles.value;
	ck_assert(ratio > 0.3 && ratio < 1.1);
	ck_assert_double_gt(vulkan.profile->overhead.tiles.spread,
			    0.3); /* no run of a small model tells it */
	arena_release(&l.arena);
}
END_TEST

/* Every Mac of M1 to M5 runs and trains under PyTorch in f32 and f16, and no faster than its peak. */
START_TEST(every_mac_has_pytorch)
{
	struct loaded l = {.arena = ARENA_INIT};
	struct load_found *found;
	size_t n, macs = 0;

	begin(&l);
	n = load_list(&l.loader, ".", "hardware", &found);
	for (size_t i = 0; i < n; i++) {
		const char *name = found[i].name;
		struct catalogue_device d;

		if (!str_starts(name, "apple-m") || !strchr(name + 7, '-') || str_starts(name, "apple-m6"))
			continue;
		ck_assert_msg(catalogue_device_load(&l.loader, name, NULL, "mps", &d) == 0, "%s", name);
		for (int t = DTYPE_F32; t <= DTYPE_F16; t++) {
			const struct gemm_table *g = d.profile->gemm[t];

			ck_assert_msg(g != NULL, "%s: no gemm_%s", name, dtype_names[t]);
			ck_assert_double_le(g->roof.value, d.device->peak[t].value);
			ck_assert_double_le(g->u.value, 1);
		}
		ck_assert_double_gt(d.profile->copy.value, 0.5 * d.machine->memory.bandwidth.value);
		ck_assert_double_le(d.profile->copy.value, d.machine->memory.bandwidth.value);
		macs++;
	}
	ck_assert_uint_ge(macs, 36);
	arena_release(&l.arena);
}
END_TEST

Suite *suite_observations(void)
{
	Suite *s = suite_create("observations");
	TCase *tc = tcase_create("observations");

	tcase_add_loop_test(tc, a_row_is_read, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, a_wrong_row_is_refused, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, an_operator_alone_costs_what_it_says, 0, ARRAY_LEN(alone));
	tcase_add_test(tc, a_ratio_has_two_machines);
	tcase_add_test(tc, what_a_ratio_is_over_has_its_profile);
	tcase_add_test(tc, kept_operators_follow_the_windows);
	tcase_add_loop_test(tc, steps_read_caches, 0, sizeof caches_read / sizeof *caches_read);
	tcase_add_test(tc, products_take_time_to_start);
	tcase_add_test(tc, every_mac_has_pytorch);
	tcase_add_test(tc, a_dtype_without_a_table_is_told);
	suite_add_tcase(s, tc);
	return s;
}
