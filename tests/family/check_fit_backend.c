/* check_fit_backend.c - runs are fitted to the runtime whose back end they name, and under its name; a machine whose file says
 * neither a runtime nor a peak gets a first profile of them all the same. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "tests/family/fitted_file.h"
#include "tests/suites.h"

struct bench_of {
	struct fixture t;
	const char *path, *machine; /* the machine's file; NULL: the catalogue's */
	struct fit_runtime_input in;
	struct fit_runtime_ask ask;
	struct fit_runtime_result r;
	struct str out;
	struct err err;
};

static void begin(struct bench_of *b, const char *machine)
{
	*b = (struct bench_of){.t = {.arena = ARENA_INIT}, .out = STR_INIT, .err = ERR_INIT};
	diags_init(&b->t.diags, &b->t.arena);
	loader_init(&b->t.loader, &b->t.arena, &b->t.diags);
	b->path = arena_printf(&b->t.arena, "/tmp/lemursim-backend-%d.md", (int)getpid());
	b->in = (struct fit_runtime_input){b->path, "llama-3.1-8b", NULL};
	b->ask = (struct fit_runtime_ask){
		.inputs = &b->in, .n = 1, .machine = machine, .out = "./out.yaml", .version = "test"};
}

static void end(struct bench_of *b)
{
	remove(b->path);
	if (b->machine)
		remove(b->machine);
	str_release(&b->out);
	fixture_release(&b->t);
}

/* A machine that has a memory, and what else is said of its GPU. */
static void take_bare(struct bench_of *b, const char *gpu)
{
	const char *text =
		arena_printf(&b->t.arena,
			     "schema: lemursim/hardware/1\nkind: machine\ntitle: bare\nchip: bare\n"
			     "memory: {capacity: 64 GiB, usable: 60 GiB, bandwidth: 300 GB/s}\n"
			     "devices: {gpu: {cores: 20%s}}\n",
			     gpu);

	b->machine = b->ask.machine =
		arena_printf(&b->t.arena, "/tmp/lemursim-backend-%d.yaml", (int)getpid());
	ck_assert_int_eq(file_write(b->machine, text, strlen(text), true, &b->err), 0);
}

/* A table of llama-bench with a prompt and tokens for each back end. */
static void write_table(struct bench_of *b, const char *const *backends, size_t n, double prompt,
			double tokens)
{
	struct str s = STR_INIT;

	str_add(&s, "| model | size | params | backend | ngl | fa | test | t/s |\n"
		    "| --- | ---: | ---: | --- | --: | -: | ---: | ---: |\n");
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 2; k++)
			str_addf(&s,
				 "| llama 8B Q4_0 | 4.33 GiB | 8.03 B | %s | 99 | 1 | %s | %.2f ± %.2f |\n",
				 backends[i], k ? "tg128" : "pp512", k ? tokens : prompt, k ? 0.1 : 5.0);
	str_add(&s, "\nbuild: abcdef12 (9000)\n");
	ck_assert_int_eq(file_write(b->path, s.text, s.len, true, &b->err), 0);
	str_release(&s);
}

static int make(struct bench_of *b)
{
	return fit_runtime_make(&b->t.loader, &b->ask, &b->out, &b->r, &b->err);
}

static bool has_runtime(const struct bench_of *b, const char *name)
{
	struct str key = STR_INIT;
	bool has;

	str_addf(&key, "    runtimes:\n      %s:\n", name);
	has = b->out.text && strstr(b->out.text, key.text);
	str_release(&key);
	return has;
}

/* A Radeon has a profile under ROCm and one under Vulkan: each table is held against its own, and called so. A table of both is of
 * no one runtime, unless the rows of the other are left out. */
START_TEST(a_back_end_chooses_the_runtime)
{
	static const char *const backends[] = {"ROCm", "Vulkan", "Vulkan,BLAS", "HIP"}, *const names[] = {
												"rocm",
												"vulkan",
												"vulkan",
												"rocm"};
	const char *const given[] = {backends[_i]};
	struct bench_of b;

	begin(&b, "amd-ryzen-ai-max-395-128gb");
	write_table(&b, given, 1, 950, 42);
	ck_assert_msg(make(&b) == 0, "%s %s", b.err.msg, fixture_complaints(&b.t));
	ck_assert_msg(has_runtime(&b, names[_i]), "%s", b.out.text);
	ck_assert_ptr_nonnull(b.r.catalogue);
	ck_assert_msg(!strncmp(b.r.catalogue, names[_i], strlen(names[_i])), "%s", b.r.catalogue);
	end(&b);
}
END_TEST

START_TEST(two_back_ends_are_not_one_run)
{
	static const char *const both[] = {"Vulkan", "ROCm"};
	struct bench_of b;

	begin(&b, "amd-ryzen-ai-max-395-128gb");
	b.ask.skip = _i;
	write_table(&b, both, 2, 950, 42);
	ck_assert_int_eq(make(&b), _i ? 0 : -1);
	ck_assert_uint_eq(b.t.diags.total, _i ? 0 : 2);
	if (_i) {
		ck_assert(has_runtime(&b, "vulkan"));
		ck_assert_uint_eq(b.r.n, 2);
	} else {
		ck_assert_ptr_nonnull(strstr(fixture_complaints(&b.t),
					     "'ROCm' is no back end of runtime 'vulkan@2026-05'"));
	}
	end(&b);
}
END_TEST

/* What was named comes first: its tables under the name of what ran; a runtime that cannot have run the rows is refused. */
START_TEST(what_was_named_is_held_against_the_back_end)
{
	static const char *const vulkan[] = {"Vulkan"};
	struct bench_of b;

	begin(&b, "amd-ryzen-ai-max-395-128gb");
	b.ask.like = _i ? NULL : "rocm";
	b.ask.runtime = _i ? "rocm" : NULL;
	write_table(&b, vulkan, 1, 950, 42);
	ck_assert_int_eq(make(&b), _i ? -1 : 0);
	if (!_i) {
		ck_assert(has_runtime(&b, "vulkan"));
		ck_assert_ptr_null(b.r.catalogue);
	}
	end(&b);
}
END_TEST

/* A first profile, of rows alone or with a neighbour's tables, whatever the back end of the neighbour's, and without a peak in the
 * file: what of one is assumed is fitted, and the rows come back. */
START_TEST(a_first_profile_needs_no_peak)
{
	static const char *const vulkan[] = {"Vulkan"};
	static const char *const likes[] = {NULL, "apple-m4-pro-20c-48gb", "nvidia-rtx-4090-24gb"};
	const bool peak = _i % 2;
	struct bench_of b;

	begin(&b, NULL);
	take_bare(&b, peak ? ", peak_f16: 30 TFLOPS, peak_f32: 15 TFLOPS" : "");
	b.ask.like = likes[_i / 2];
	write_table(&b, vulkan, 1, 1200, 50);
	ck_assert_msg(make(&b) == 0, "%s %s", b.err.msg, fixture_complaints(&b.t));
	ck_assert_msg(!b.r.refused, "%s", b.r.refused);
	ck_assert_msg(has_runtime(&b, "vulkan"), "%s", b.out.text);
	ck_assert_int_eq(strstr(b.out.text, "peak_f16: {value: 30 TFLOPS, how: transferred") != NULL, !peak);
	for (size_t i = 0; i < b.r.n; i++)
		ck_assert_double_eq_tol(b.r.rows[i].fitted / b.r.rows[i].run->seconds, 1, 0.06);
	end(&b);
}
END_TEST

/* Products of bf16 run in shaders of their own under Vulkan, which has no matrix units for them on this chip: prompts that are slow
 * in it say so of that kernel, as far as it is unsure, and tokens, which read weights, say nothing of it. */
START_TEST(bf16_is_a_kernel_of_its_own)
{
	static const char machine[] = "{base: amd-ryzen-ai-max-395-128gb, chip: unheard}";
	static const double slower = 1.4;
	struct catalogue_device was, is;
	struct str s = STR_INIT;
	struct bench_of b;

	begin(&b, machine);
	ck_assert_msg(catalogue_device_load(&b.t.loader, machine, NULL, "vulkan", &was) == 0, "%s",
		      fixture_complaints(&b.t));
	str_add(&s, "kind,prompt,gen,n,tool,build,backend,flash_attn,weights,seconds\n");
	for (size_t i = 0; i < GIVEN_RUNS; i++)
		str_addf(&s, "%s,%lld,%lld,5,llama-bench,9193,Vulkan,1,bf16,%.9g\n",
			 run_kind_names[given_runs[i].kind], (long long)given_runs[i].prompt,
			 (long long)given_runs[i].gen,
			 (i ? 1 : slower) *
				 fitted_seconds(&b.t, &was, "llama-3.1-8b", FORMAT_BF16, &given_runs[i]));
	ck_assert_int_eq(file_write(b.path, s.text, s.len, true, &b.err), 0);
	str_release(&s);
	ck_assert_msg(make(&b) == 0, "%s %s", b.err.msg, fixture_complaints(&b.t));
	is = fitted_read(&b.t, &was, b.out.text, "vulkan");
	ck_assert_double_lt(is.profile->dequant.bf16.value, 0.99 * was.profile->dequant.bf16.value);
	ck_assert_double_eq_tol(is.profile->dequant.q4.value, was.profile->dequant.q4.value, 1e-3);
	ck_assert_double_eq_tol(is.profile->gemv.value / was.profile->gemv.value, 1, 0.02);
	end(&b);
}
END_TEST

Suite *suite_fit_backend(void)
{
	Suite *s = suite_create("fit_backend");
	TCase *c = tcase_create("fit_backend");

	tcase_add_loop_test(c, a_back_end_chooses_the_runtime, 0, 4);
	tcase_add_loop_test(c, two_back_ends_are_not_one_run, 0, 2);
	tcase_add_loop_test(c, what_was_named_is_held_against_the_back_end, 0, 2);
	tcase_add_test(c, bf16_is_a_kernel_of_its_own);
	tcase_add_loop_test(c, a_first_profile_needs_no_peak, 0, 6);
	suite_add_tcase(s, c);
	return s;
}
