/* check_round_trips.c - every machine of the catalogue under each of its runtimes: from what is predicted of one model, given as
 * measured rows, a fit predicts the same of this model and of another. */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/family/fit_runtime.h"
#include "tests/family/fitted_file.h"
#include "tests/suites.h"

static const struct run given[] = {{.kind = RUN_PP, .prompt = 512, .batch = 1, .chunk = 512},
				   {.kind = RUN_PP, .prompt = 4096, .batch = 1, .chunk = 512},
				   {.kind = RUN_TG, .gen = 128, .batch = 1},
				   {.kind = RUN_TG, .gen = 32, .depth = 16384, .batch = 1}},
			asked[] = {{.kind = RUN_PP, .prompt = 128, .batch = 1, .chunk = 512},
				   {.kind = RUN_PP, .prompt = 2048, .depth = 8192, .batch = 1, .chunk = 512},
				   {.kind = RUN_TG, .gen = 32, .depth = 4096, .batch = 1},
				   {.kind = RUN_TG, .gen = 32, .depth = 512, .batch = 8}};
static const char *const models[] = {"llama-3.2-1b", "qwen3-0.6b"};

static double seconds(struct fixture *t, const struct catalogue_device *d, const char *model,
		      const struct run *run)
{
	return fitted_seconds_of_model(t, d, model, FORMAT_F16, run);
}

static void write_rows(struct fixture *t, const struct catalogue_device *d, const char *path)
{
	struct err err = ERR_INIT;
	struct str s = STR_INIT;

	str_add(&s, "kind,prompt,gen,depth,chunk,n,runtime,model,weights,seconds\n");
	for (size_t i = 0; i < ARRAY_LEN(given); i++)
		str_addf(&s, "%s,%lld,%lld,%lld,%lld,5,%s,%s,f16,%.9g\n", run_kind_names[given[i].kind],
			 (long long)given[i].prompt, (long long)given[i].gen, (long long)given[i].depth,
			 (long long)given[i].chunk, d->profile->origin.name, models[0],
			 seconds(t, d, models[0], &given[i]));
	ck_assert_int_eq(file_write(path, s.text, s.len, true, &err), 0);
	str_release(&s);
}

static void compare(struct fixture *t, const struct catalogue_device *want,
		    const struct catalogue_device *got, const char *machine)
{
	for (size_t k = 0; k < ARRAY_LEN(models); k++)
		for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
			const double a = seconds(t, want, models[k], &asked[i]),
				     b = seconds(t, got, models[k], &asked[i]);

			ck_assert_msg(fabs(b / a - 1) < 0.01,
				      "%s, %s, %s %s: %g s where the catalogue says %g", machine,
				      want->profile->origin.name, models[k], run_name(&t->arena, &asked[i]),
				      b, a);
		}
}

static void go_round(const char *machine, const char *device, const char *runtime)
{
	struct fixture t = {.arena = ARENA_INIT};
	struct catalogue_device at, written;
	struct fit_runtime_input in;
	struct fit_runtime_ask ask = {
		.inputs = &in, .n = 1, .machine = machine, .device = device, .out = "./out.yaml"};
	struct fit_runtime_result r;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	ck_assert_msg(catalogue_device_load(&t.loader, machine, device, runtime, &at) == 0, "%s",
		      fixture_complaints(&t));
	in = (struct fit_runtime_input){arena_printf(&t.arena, "/tmp/lemursim-trip-%d.csv", (int)getpid()),
					NULL, NULL};
	write_rows(&t, &at, in.path);
	ck_assert_msg(fit_runtime_make(&t.loader, &ask, &out, &r, &err) == 0, "%s, %s: %s %s", machine,
		      runtime, err.msg, fixture_complaints(&t));
	ck_assert_msg(!r.refused && !r.missed, "%s, %s: %s", machine, runtime,
		      r.refused ? r.refused : "missed");
	written = fitted_read(&t, &at, out.text, runtime);
	compare(&t, &at, &written, machine);
	remove(in.path);
	str_release(&out);
	fixture_release(&t);
}

/* Runtimes of a device that have a table of products, by their names; each is loaded anew for its fit. */
static size_t go_round_device(const char *machine, const struct device *d)
{
	const struct profile *all = d->runtimes.at;
	size_t n = 0;

	for (size_t i = 0; i < d->runtimes.n; i++)
		if (all[i].gemm[compute_dtype_of_profile(&all[i])]) {
			go_round(machine, d->origin.name, all[i].origin.name);
			n++;
		}
	return n;
}

static size_t go_round_machine(const char *machine)
{
	struct fixture t = {.arena = ARENA_INIT};
	struct catalogue_device d;
	size_t n = 0;

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	if (catalogue_machine_load(&t.loader, machine, NULL, &d) == 0) {
		const struct device *all = d.machine->devices.at;

		for (size_t i = 0; i < d.machine->devices.n; i++)
			n += go_round_device(machine, &all[i]);
	}
	fixture_release(&t);
	return n;
}

START_TEST(the_whole_catalogue_comes_back)
{
	const size_t step = (size_t)how_many(12, 1);
	size_t n = 0;
	glob_t files;

	ck_assert_int_eq(glob("hardware/[a-z]*/[a-z]*-[a-z]*.yaml", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i += step) {
		char name[128];
		const char *slash = strrchr(files.gl_pathv[i], '/') + 1;

		if (strstr(files.gl_pathv[i], "/runtimes/") || strstr(files.gl_pathv[i], "/links/") ||
		    strstr(files.gl_pathv[i], "/measured/"))
			continue;
		snprintf(name, sizeof name, "%.*s", (int)strcspn(slash, "."), slash);
		n += go_round_machine(name);
	}
	ck_assert_uint_ge(n, step == 1 ? 300 : 20);
	globfree(&files);
}
END_TEST

Suite *suite_round_trips(void)
{
	Suite *s = suite_create("round_trips");
	TCase *c = tcase_create("round_trips");

	tcase_set_timeout(c, 0);
	tcase_add_test(c, the_whole_catalogue_comes_back);
	suite_add_tcase(s, c);
	return s;
}
