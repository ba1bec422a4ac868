/* check_round_trips.c - every machine of the catalogue under each of its runtimes: from what is predicted of one model, given as
 * measured rows, a fit predicts the same of this model and of another. Which models, formats and rows, SEED says. */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/family/fit_runtime.h"
#include "tests/family/fitted_file.h"
#include "tests/suites.h"

static const struct run given[] = {{.kind = RUN_PP, .prompt = 512, .batch = 1, .chunk = 512},
				   {.kind = RUN_PP, .prompt = 4096, .batch = 1, .chunk = 512},
				   {.kind = RUN_PP, .prompt = 128, .batch = 1, .chunk = 512},
				   {.kind = RUN_PP, .prompt = 2048, .depth = 32768, .batch = 1, .chunk = 512},
				   {.kind = RUN_TG, .gen = 128, .batch = 1},
				   {.kind = RUN_TG, .gen = 32, .depth = 16384, .batch = 1}},
			asked[] = {{.kind = RUN_PP, .prompt = 128, .batch = 1, .chunk = 512},
				   {.kind = RUN_PP, .prompt = 2048, .depth = 8192, .batch = 1, .chunk = 512},
				   {.kind = RUN_TG, .gen = 32, .depth = 4096, .batch = 1},
				   {.kind = RUN_TG, .gen = 32, .depth = 512, .batch = 8}};
enum { GIVEN = ARRAY_LEN(given) };
/* What is predicted is that of the first, and asked of both. Rows of what does not fit a machine are refused: the last are given
 * where there is room. */
static const char *const models[][2] = {{"llama-3.2-1b", "qwen3-0.6b"},
					{"qwen3-0.6b", "gemma-3-1b"},
					{"gemma-3-1b", "qwen3-30b-a3b"},
					{"qwen3-1.7b", "lfm2-8b-a1b"},
					{"lfm2-8b-a1b", "qwen3-8b"}};
enum { SMALL_MODELS = 3 };
static const double roomy_B = 30e9;
/* Formats that every runtime takes, and those of each program. */
static const int blocks[] = {FORMAT_F16, MIX_Q4_K_M, FORMAT_Q8_0, FORMAT_Q4_0},
		 groups[] = {FORMAT_F16, FORMAT_MLX_Q4, FORMAT_MLX_Q8};

/* One round: which models, their format, and which of the runs are given. SEED=N in the environment gives others. */
struct trip {
	const char *const *models;
	int weights;
	bool left_out[GIVEN]; /* never so many that no prompt or no token is left */
};

static unsigned long seed_of_run(void)
{
	const char *text = getenv("SEED");

	return text ? strtoul(text, NULL, 10) : 1;
}

static unsigned long draw(unsigned long *state, unsigned long n)
{
	*state = (*state * 6364136223846793005UL + 1442695040888963407UL) & 0xffffffffffffffffUL;
	return (*state >> 33) % n;
}

static struct trip trip_of(const char *machine, const char *runtime, double memory_B)
{
	const bool is_mlx = !strncmp(runtime, "mlx", 3), is_llama = strspn(runtime, "lcvrs") > 0 && !is_mlx;
	unsigned long state = seed_of_run();
	struct trip trip;

	for (const char *c = machine; *c; c++)
		state = state * 31 + (unsigned char)*c;
	for (const char *c = runtime; *c; c++)
		state = state * 31 + (unsigned char)*c;
	draw(&state, 1);
	trip.models = models[draw(&state, memory_B < roomy_B ? SMALL_MODELS : ARRAY_LEN(models))];
	trip.weights = is_mlx     ? groups[draw(&state, ARRAY_LEN(groups))]
		       : is_llama ? blocks[draw(&state, ARRAY_LEN(blocks))]
				  : FORMAT_F16;
	for (size_t i = 0; i < GIVEN; i++)
		trip.left_out[i] = i != 0 && given[i].gen != 128 && draw(&state, 2) == 0;
	return trip;
}

static double seconds(struct fixture *t, const struct catalogue_device *d, const char *model, int weights,
		      const struct run *run)
{
	return fitted_seconds_of_model(t, d, model, weights, run);
}

static void write_rows(struct fixture *t, const struct catalogue_device *d, const struct trip *trip,
		       const char *path)
{
	struct err err = ERR_INIT;
	struct str s = STR_INIT;

	str_add(&s, "kind,prompt,gen,depth,chunk,n,runtime,model,weights,seconds\n");
	for (size_t i = 0; i < GIVEN; i++) {
		if (trip->left_out[i])
			continue;
		str_addf(&s, "%s,%lld,%lld,%lld,%lld,5,%s,%s,%s,%.9g\n", run_kind_names[given[i].kind],
			 (long long)given[i].prompt, (long long)given[i].gen, (long long)given[i].depth,
			 (long long)given[i].chunk, d->profile->origin.name, trip->models[0],
			 mix_names[trip->weights], seconds(t, d, trip->models[0], trip->weights, &given[i]));
	}
	ck_assert_int_eq(file_write(path, s.text, s.len, true, &err), 0);
	str_release(&s);
}

/* most: how far off; of the first `n` of the models. */
static void compare(struct fixture *t, const struct catalogue_device *want,
		    const struct catalogue_device *got, const struct trip *trip, size_t n, double most)
{
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
			const double a = seconds(t, want, trip->models[k], trip->weights, &asked[i]),
				     b = seconds(t, got, trip->models[k], trip->weights, &asked[i]);

			ck_assert_msg(fabs(b / a - 1) < most,
				      "SEED=%lu: %s, %s, %s %s %s: %g s where the catalogue says %g",
				      seed_of_run(), want->machine->title, want->profile->origin.name,
				      trip->models[k], mix_names[trip->weights],
				      run_name(&t->arena, &asked[i]), b, a);
		}
}

/* The fit of rows that `says` predicts, whose machine has that profile in the catalogue; none may be missed. */
static struct catalogue_device fit_rows_of(struct fixture *t, const struct catalogue_device *says,
					   const char *machine, const struct trip *trip)
{
	struct fit_runtime_input in = {arena_printf(&t->arena, "/tmp/lemursim-trip-%d.csv", (int)getpid()),
				       NULL, NULL};
	const struct fit_runtime_ask ask = {.inputs = &in,
					    .n = 1,
					    .machine = machine,
					    .device = says->device->origin.name,
					    .out = "./out.yaml"};
	const char *runtime = says->profile->origin.name;
	struct fit_runtime_result r;
	struct catalogue_device written;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;

	write_rows(t, says, trip, in.path);
	ck_assert_msg(fit_runtime_make(&t->loader, &ask, &out, &r, &err) == 0,
		      "SEED=%lu: %s, %s, %s %s: %s %s", seed_of_run(), machine, runtime, trip->models[0],
		      mix_names[trip->weights], err.msg, fixture_complaints(t));
	ck_assert_msg(!r.refused && !r.missed, "SEED=%lu: %s, %s, %s %s: %s", seed_of_run(), machine, runtime,
		      trip->models[0], mix_names[trip->weights], r.refused ? r.refused : "missed");
	written = fitted_read(t, says, out.text, runtime);
	remove(in.path);
	str_release(&out);
	return written;
}

static void go_round(const char *machine, const char *device, const char *runtime)
{
	struct fixture t = {.arena = ARENA_INIT};
	struct catalogue_device at, written;
	struct trip trip;

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	ck_assert_msg(catalogue_device_load(&t.loader, machine, device, runtime, &at) == 0, "%s",
		      fixture_complaints(&t));
	trip = trip_of(machine, runtime, at.machine->memory.capacity.value);
	written = fit_rows_of(&t, &at, machine, &trip);
	compare(&t, &at, &written, &trip, 2, 0.01);
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
	const size_t first = seed_of_run() % step;
	size_t n = 0;
	glob_t files;

	ck_assert_int_eq(glob("hardware/[a-z]*/[a-z]*-[a-z]*.yaml", 0, NULL, &files), 0);
	for (size_t i = first; i < files.gl_pathc; i += step) {
		char name[128];
		const char *slash = strrchr(files.gl_pathv[i], '/') + 1;

		if (strstr(files.gl_pathv[i], "/runtimes/") || strstr(files.gl_pathv[i], "/links/") ||
		    strstr(files.gl_pathv[i], "/measured/"))
			continue;
		snprintf(name, sizeof name, "%.*s", (int)strcspn(slash, "."), slash);
		n += go_round_machine(name);
	}
	ck_assert_uint_ge(n, step == 1 ? 300 : 12);
	globfree(&files);
}
END_TEST

/* Machines whose rates hang on lengths in another way than the catalogue's chips together: rows of one model tell it. */
static const struct {
	const char *machine, *runtime;
	double products, context;
} unlike[] = {{"apple-m5-max-40c", "llama.cpp@2026-02", 160, RAMP_CONTEXT},
	      {"apple-m5-max-40c", "llama.cpp@2026-02", 24, RAMP_CONTEXT},
	      {"amd-ryzen-ai-max-395-128gb", "vulkan@2026-05", RAMP_TOKENS, 65536},
	      {"apple-m4-pro-20c-48gb", "mlx@2025-10", 128, 131072}};

START_TEST(lengths_come_back)
{
	static const char *const of[] = {"llama-3.2-3b", "llama-3.2-1b"};
	const struct trip trip = {.models = of, .weights = FORMAT_F16};
	struct fixture t = {.arena = ARENA_INIT};
	struct catalogue_device at, says, written;
	struct profile other;

	diags_init(&t.diags, &t.arena);
	loader_init(&t.loader, &t.arena, &t.diags);
	ck_assert_msg(catalogue_device_load(&t.loader, unlike[_i].machine, NULL, unlike[_i].runtime, &at) ==
			      0,
		      "%s", fixture_complaints(&t));
	other = *at.profile;
	other.ramp.products = (struct qty){.value = unlike[_i].products, .given = true};
	other.ramp.context = (struct qty){.value = unlike[_i].context, .given = true};
	says = at;
	says.profile = &other;
	written = fit_rows_of(&t, &says, unlike[_i].machine, &trip);
	compare(&t, &says, &written, &trip, 1, 0.06);
	fixture_release(&t);
}
END_TEST

Suite *suite_round_trips(void)
{
	Suite *s = suite_create("round_trips");
	TCase *c = tcase_create("round_trips");

	tcase_set_timeout(c, 0);
	tcase_add_test(c, the_whole_catalogue_comes_back);
	tcase_add_loop_test(c, lengths_come_back, 0, (int)ARRAY_LEN(unlike));
	suite_add_tcase(s, c);
	return s;
}
