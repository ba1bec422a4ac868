/* check_fit_runtime.c - a runtime fitted to runs gives them back: from the catalogue's own predictions the same ones
 * follow, from a machine without a runtime too; what does not is refused. */
#include "sim/family/fit_runtime.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "tests/family/fitted_file.h"
#include "tests/suites.h"

/* Predicted by what the fit wrote, of the model that it was given runs of and another one. */
static const struct run asked_runs[] = {{.kind = RUN_PP, .prompt = 4096, .batch = 1, .chunk = 512},
					{.kind = RUN_TG, .gen = 32, .depth = 8192, .batch = 1},
					{.kind = RUN_TG, .gen = 32, .depth = 512, .batch = 4},
					{.kind = RUN_TG, .gen = 32, .depth = 512, .batch = 16}};

static const struct round_trip {
	const char *machine, *runtime, *tool, *model, *other;
	int build;
} trips[] = {
	{"apple-m4-pro-20c-48gb", "llama.cpp@2026-02", "llama-bench", "qwen3-30b-a3b", "llama-3.1-8b", 8000},
	{"apple-m4-pro-20c-48gb", "llama.cpp@2023-11", "llama-bench", "llama-2-7b", "llama-3.1-8b", 1550},
	{"apple-m2-ultra-76c-64gb", "llama.cpp@2026-02", "llama-bench", "llama-3.1-8b", "qwen3-30b-a3b",
	 8000},
	{"nvidia-rtx-4090-24gb", "cuda@2025-10", "llama-bench", "llama-3.1-8b", "llama-2-7b", 7000},
	{"apple-m5-10c-24gb", "mlx@2025-12", "mlx_lm", "mistral-7b", "llama-3.1-8b", 0},
};

struct bench_of {
	struct fixture t;
	struct catalogue_device device;
	const char *path;
	struct fit_runtime_input in;
	struct fit_runtime_ask ask;
	struct fit_runtime_result r;
	struct str out;
	struct err err;
};

static double predicted_s(struct bench_of *b, const struct catalogue_device *d, const char *model,
			  const struct run *run)
{
	return fitted_seconds(&b->t, d, model, MIX_Q4_K_M, run);
}

static void begin(struct bench_of *b, const char *machine, const char *runtime)
{
	*b = (struct bench_of){.t = {.arena = ARENA_INIT}, .out = STR_INIT, .err = ERR_INIT};
	diags_init(&b->t.diags, &b->t.arena);
	loader_init(&b->t.loader, &b->t.arena, &b->t.diags);
	b->path = arena_printf(&b->t.arena, "/tmp/lemursim-fit-%d.csv", (int)getpid());
	ck_assert_msg(catalogue_device_load(&b->t.loader, machine, NULL, runtime, &b->device) == 0, "%s",
		      fixture_complaints(&b->t));
	b->in = (struct fit_runtime_input){b->path, "llama-3.1-8b", NULL};
	b->ask = (struct fit_runtime_ask){
		.inputs = &b->in, .n = 1, .machine = machine, .out = "./out.yaml", .version = "test"};
}

static void end(struct bench_of *b)
{
	remove(b->path);
	str_release(&b->out);
	fixture_release(&b->t);
}

/* Rows of a machine that is `times` as slow as the catalogue has it, the second by `second` more. */
static void write_rows(struct bench_of *b, const char *model, const char *tool, int build, double times,
		       double second)
{
	double took[GIVEN_RUNS];

	for (size_t i = 0; i < GIVEN_RUNS; i++)
		took[i] = times * (i ? second : 1) * predicted_s(b, &b->device, model, &given_runs[i]);
	b->in.model = model;
	fitted_write_rows(b->path, tool, build, took);
}

static void fit(struct bench_of *b)
{
	ck_assert_msg(fit_runtime_make(&b->t.loader, &b->ask, &b->out, &b->r, &b->err) == 0, "%s %s",
		      b->err.msg, fixture_complaints(&b->t));
}

/* The runtime in the file that was written, on its machine. */
static struct catalogue_device written(struct bench_of *b, const char *name)
{
	return fitted_read(&b->t, &b->device, b->out.text, name);
}

/* Costs between machines, which runs on one machine say nothing of, stay as they are. */
static void same_between_machines(const struct overhead *want, const struct overhead *got)
{
	const struct qty *const pairs[][2] = {{&want->crossing, &got->crossing},
					      {&want->crossing_rdma, &got->crossing_rdma},
					      {&want->peer, &got->peer},
					      {&want->stage, &got->stage}};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		ck_assert_int_eq(pairs[i][0]->given, pairs[i][1]->given);
		ck_assert_double_eq_tol(pairs[i][1]->value, pairs[i][0]->value, 1e-9);
	}
}

START_TEST(the_catalogue_comes_back)
{
	const struct round_trip *trip = &trips[_i];
	struct bench_of b;
	struct catalogue_device d;

	begin(&b, trip->machine, trip->runtime);
	write_rows(&b, trip->model, trip->tool, trip->build, 1, 1);
	fit(&b);
	ck_assert_msg(!b.r.refused, "%s", b.r.refused ? b.r.refused : "");
	ck_assert_uint_eq(b.r.missed, 0);
	ck_assert_str_eq(b.r.catalogue, trip->runtime);
	/* called as the profiles of its program are */
	d = written(&b, arena_strndup(&b.t.arena, trip->runtime, strcspn(trip->runtime, "@")));
	same_between_machines(&b.device.profile->overhead, &d.profile->overhead);
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < ARRAY_LEN(asked_runs); i++) {
			const char *model = k ? trip->other : trip->model;
			const double want = predicted_s(&b, &b.device, model, &asked_runs[i]),
				     got = predicted_s(&b, &d, model, &asked_runs[i]);

			ck_assert_msg(fabs(got / want - 1) < 0.01, "%s, %s: %g s where the catalogue says %g",
				      model, run_name(&b.t.arena, &asked_runs[i]), got, want);
		}
	end(&b);
}
END_TEST

/* A runtime may be called as one of the catalogue: what that one says of chips is not applied twice. */
START_TEST(a_name_of_the_catalogue_is_replaced)
{
	struct bench_of b;
	struct catalogue_device d;

	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	b.ask.runtime = "llama.cpp@2026-02";
	write_rows(&b, "llama-3.1-8b", "llama-bench", 8000, 1, 1);
	fit(&b);
	d = written(&b, "llama.cpp@2026-02");
	for (size_t i = 0; i < ARRAY_LEN(asked_runs); i++)
		ck_assert_double_eq_tol(predicted_s(&b, &d, "llama-3.1-8b", &asked_runs[i]) /
						predicted_s(&b, &b.device, "llama-3.1-8b", &asked_runs[i]),
					1, 0.01);
	end(&b);
}
END_TEST

/* A machine that is a fifth slower throughout is fitted; one whose bus would have to be overtaken is refused. */
START_TEST(rows_that_do_not_come_back_are_refused)
{
	struct bench_of b;
	struct catalogue_device d;

	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	write_rows(&b, "llama-3.1-8b", "llama-bench", 8000, 1.2, 1);
	fit(&b);
	ck_assert_ptr_null(b.r.refused);
	ck_assert_double_lt(b.r.off, 0.01);
	ck_assert_double_gt(b.r.catalogue_off, 0.15);
	d = written(&b, "llama.cpp");
	/* what one model is off by is hardly said of others, on a chip that was measured */
	for (size_t i = 0; i < GIVEN_RUNS; i++) {
		const double other = predicted_s(&b, &d, "llama-2-7b", &given_runs[i]) /
				     predicted_s(&b, &b.device, "llama-2-7b", &given_runs[i]);

		ck_assert_double_gt(other, 1.01);
		ck_assert_double_lt(other, 1.06);
	}
	end(&b);
	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	write_rows(&b, "llama-3.1-8b", "llama-bench", 8000, 1, 0.6);
	fit(&b);
	ck_assert_ptr_nonnull(b.r.refused);
	ck_assert(b.r.rows[1].missed);
	end(&b);
}
END_TEST

/* ---- another program's kernels ---- */

/* Runs at several depths, in formats that the other program has other kernels for. */
static const struct run part_runs[] = {{.kind = RUN_PP, .prompt = 512, .batch = 1, .chunk = 512},
				       {.kind = RUN_PP, .prompt = 2048, .batch = 1, .chunk = 512},
				       {.kind = RUN_TG, .gen = 32, .batch = 1},
				       {.kind = RUN_TG, .gen = 32, .depth = 4096, .batch = 1},
				       {.kind = RUN_TG, .gen = 32, .depth = 16384, .batch = 1}};
static const struct {
	enum format_id weights; /* each is a mix of its own */
	double product;         /* how much faster than the catalogue has it */
} part_formats[] = {{FORMAT_F16, 1}, {FORMAT_Q8_0, 1.6}, {FORMAT_Q4_0, 0.7}};

static double part_seconds(struct bench_of *b, const struct catalogue_device *d, const char *model,
			   size_t format, const struct run *run)
{
	return fitted_seconds_of_model(&b->t, d, model, (int)part_formats[format].weights, run);
}

/* How many times as long as the catalogue says a run takes by a fit. */
static double times_as_long(struct bench_of *b, const struct catalogue_device *d, const char *model,
			    size_t format, const struct run *run)
{
	return part_seconds(b, d, model, format, run) / part_seconds(b, &b->device, model, format, run);
}

/* A profile whose attention of one query is so many times as slow, and whose products in blocks are as part_formats says. */
static struct catalogue_device other_kernels(struct bench_of *b, double slower)
{
	struct profile *p = arena_alloc(&b->t.arena, sizeof *p);
	struct catalogue_device d = b->device;

	*p = *b->device.profile;
	p->attention.decode.value /= slower;
	p->attention.decode_u.value /= slower;
	p->dequant.q8.value *= part_formats[1].product;
	p->dequant.q4.value *= part_formats[2].product;
	d.profile = p;
	return d;
}

/* by: the program and its build. first, count, step: which of the formats, and which of the runs. */
static void write_parts(struct bench_of *b, const struct catalogue_device *d, const char *by,
			const char *model, size_t first, size_t count, size_t step)
{
	struct str s = STR_INIT;

	str_add(&s, "kind,prompt,gen,depth,chunk,n,tool,build,flash_attn,weights,seconds\n");
	for (size_t f = first; f < first + count; f++)
		for (size_t i = 0; i < ARRAY_LEN(part_runs); i += step) {
			const struct run *r = &part_runs[i];

			str_addf(&s, "%s,%lld,%lld,%lld,%lld,5,%s,%s,%.9g\n", run_kind_names[r->kind],
				 (long long)r->prompt, (long long)r->gen, (long long)r->depth,
				 (long long)r->chunk, by, mix_names[part_formats[f].weights],
				 (1 + 0.01 * ((double)((3 * f + 2 * i) % 5) - 2)) *
					 part_seconds(b, d, model, f, r));
		}
	b->in.model = model;
	ck_assert_int_eq(file_write(b->path, s.text, s.len, true, &b->err), 0);
	str_release(&s);
}

/* Runs of one model, which differ by 2 % from run to run, tell each kernel's factor, by which another model's runs are predicted. */
START_TEST(kernels_are_told_apart)
{
	struct bench_of b;
	struct catalogue_device other, d;

	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	b.ask.like = "llama.cpp@2026-02";
	other = other_kernels(&b, 3);
	write_parts(&b, &other, "an-engine,,", "llama-3.2-1b", 0, ARRAY_LEN(part_formats), 1);
	fit(&b);
	ck_assert_msg(!b.r.refused, "%s", b.r.refused ? b.r.refused : "");
	d = written(&b, "an-engine");
	for (size_t f = 0; f < ARRAY_LEN(part_formats); f++)
		for (size_t i = 0; i < ARRAY_LEN(part_runs); i++) {
			const double want = part_seconds(&b, &other, "llama-3.1-8b", f, &part_runs[i]),
				     got = part_seconds(&b, &d, "llama-3.1-8b", f, &part_runs[i]);

			ck_assert_msg(fabs(got / want - 1) < 0.05, "%s %s: %g s, not %g",
				      mix_names[part_formats[f].weights], run_name(&b.t.arena, &part_runs[i]),
				      got, want);
		}
	end(&b);
}
END_TEST

/* Three runs, in one format, are fewer than its kernels: they come back all the same, and so do those of another model. */
START_TEST(a_few_rows_of_another_program_come_back)
{
	struct bench_of b;
	struct catalogue_device other, d;

	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	b.ask.like = "llama.cpp@2026-02";
	other = other_kernels(&b, 3);
	write_parts(&b, &other, "an-engine,,", "llama-3.2-1b", 1, 1, 2);
	fit(&b);
	ck_assert_msg(!b.r.refused, "%s", b.r.refused ? b.r.refused : "");
	ck_assert_uint_eq(b.r.n, 3);
	ck_assert_double_lt(b.r.off, 0.02);
	d = written(&b, "an-engine");
	for (size_t i = 0; i < ARRAY_LEN(part_runs); i += 2)
		ck_assert_double_eq_tol(part_seconds(&b, &d, "llama-3.1-8b", 1, &part_runs[i]) /
						part_seconds(&b, &other, "llama-3.1-8b", 1, &part_runs[i]),
					1, 0.15);
	end(&b);
}
END_TEST

/* Attention of one query that is two thirds as fast under the profile's own program. On a chip that was measured it is that model's
 * alone; of a neighbour's profile nobody knows, and half of it is said of other models too. */
START_TEST(attention_is_the_models_own_on_a_known_chip)
{
	const bool known = !_i;
	const struct run *deep = &part_runs[4];
	struct bench_of b;
	struct catalogue_device other, d;
	double model;

	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	b.ask.like = known ? NULL : "apple-m2-ultra-76c-64gb";
	other = other_kernels(&b, 1.5);
	write_parts(&b, &other, "llama-bench,8000,1", "llama-3.1-8b", 0, 1, 1);
	fit(&b);
	ck_assert_msg(!b.r.refused, "%s", b.r.refused ? b.r.refused : "");
	ck_assert_uint_eq(b.r.missed, 0);
	d = written(&b, "llama.cpp");
	ck_assert_double_eq_tol(part_seconds(&b, &d, "llama-3.1-8b", 0, deep) /
					part_seconds(&b, &other, "llama-3.1-8b", 0, deep),
				1, 0.05);
	model = times_as_long(&b, &d, "qwen3-8b", 0, deep);
	ck_assert_msg(known ? fabs(model - 1) < 0.03 : model > 1.05, "%g", model);
	end(&b);
}
END_TEST

/* Weights in blocks that are unpacked at half the rate, on a chip that the profile's fit had none of: tokens of one model tell that
 * from the bus, so that its prompts stay, and so do tokens of whole weights, where other models' in blocks are slower. */
START_TEST(unpacking_for_one_row_is_told)
{
	const struct run *token = &part_runs[2], *prompt = &part_runs[0];
	struct bench_of b;
	struct catalogue_device other, d;
	struct profile *p;
	double blocks, whole;

	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	b.ask.like = "apple-m2-ultra-76c-64gb";
	other = other_kernels(&b, 1);
	p = arena_alloc(&b.t.arena, sizeof *p);
	*p = *b.device.profile;
	p->few.first.q4.value /= 4;
	other.profile = p;
	write_parts(&b, &other, "llama-bench,8000,1", "llama-3.1-8b", 2, 1, 1);
	fit(&b);
	d = written(&b, "llama.cpp");
	blocks = times_as_long(&b, &d, "qwen3-8b", 2, token);
	whole = times_as_long(&b, &d, "qwen3-8b", 0, token);
	ck_assert_double_gt(part_seconds(&b, &other, "qwen3-8b", 2, token),
			    1.5 * part_seconds(&b, &b.device, "qwen3-8b", 2, token));
	ck_assert_msg(blocks > 1.2 && whole < 1.15 && blocks / whole > 1.15, "%g %g", blocks, whole);
	ck_assert_double_eq_tol(part_seconds(&b, &d, "qwen3-8b", 2, prompt) /
					part_seconds(&b, &other, "qwen3-8b", 2, prompt),
				1, 0.2);
	end(&b);
}
END_TEST

/* Of 16 rows one may be beyond its noise: that happens in every other table that is as good as its noise. A few of them may
 * not, nor may one alone of two, nor a row that is far off and no outlier of the fit. */
static const struct {
	size_t n, off; /* rows, and those that are off */
	double by;     /* of their times */
	bool refused;
} judged[] = {{16, 1, 1.09, false}, {16, 5, 1.09, true}, {40, 2, 1.09, false}, {40, 6, 1.09, true}};

START_TEST(what_noise_brings_about_is_not_refused)
{
	const struct run *r = &part_runs[0];
	struct str s = STR_INIT;
	struct bench_of b;

	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	str_add(&s, "kind,prompt,gen,depth,chunk,n,tool,build,flash_attn,weights,seconds\n");
	for (size_t i = 0; i < judged[_i].n; i++)
		str_addf(&s, "pp,512,0,0,512,5,llama-bench,8000,1,f16,%.9g\n",
			 (i < judged[_i].off ? judged[_i].by : 1) *
				 part_seconds(&b, &b.device, "llama-3.1-8b", 0, r));
	ck_assert_int_eq(file_write(b.path, s.text, s.len, true, &b.err), 0);
	str_release(&s);
	fit(&b);
	ck_assert_uint_eq(b.r.missed, judged[_i].off);
	ck_assert_int_eq(b.r.refused != NULL, judged[_i].refused);
	end(&b);
}
END_TEST

/* Rows of llama-batched-bench beside llama-bench's: four sequences take 1.3 times as long as the catalogue says. Where its number of
 * further rows tells them (8 bits), that is fitted, and said of other models; where none does, it is no outlier of the rows of one. */
START_TEST(several_sequences_are_fitted)
{
	static const struct run batch = {.kind = RUN_TG, .gen = 32, .depth = 512, .batch = 4};
	const size_t format = _i ? 1 : 0;
	struct str s = STR_INIT;
	struct bench_of b;
	struct catalogue_device d;

	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	str_add(&s, "kind,prompt,gen,depth,batch,chunk,n,tool,build,flash_attn,weights,seconds\n");
	for (size_t i = 0; i <= ARRAY_LEN(part_runs); i++) {
		const struct run *r = i < ARRAY_LEN(part_runs) ? &part_runs[i] : &batch;

		str_addf(&s, "%s,%lld,%lld,%lld,%lld,512,5,llama-bench,8000,1,%s,%.9g\n",
			 run_kind_names[r->kind], (long long)r->prompt, (long long)r->gen,
			 (long long)r->depth, (long long)r->batch, mix_names[part_formats[format].weights],
			 (r == &batch ? 1.3 : 1) * part_seconds(&b, &b.device, "llama-3.1-8b", format, r));
	}
	ck_assert_int_eq(file_write(b.path, s.text, s.len, true, &b.err), 0);
	str_release(&s);
	fit(&b);
	ck_assert_int_eq(b.r.refused != NULL, !_i);
	ck_assert_int_eq(b.r.rows[b.r.n - 1].out, !_i);
	d = written(&b, "llama.cpp");
	if (_i)
		ck_assert_double_gt(times_as_long(&b, &d, "qwen3-8b", format, &batch), 1.15);
	end(&b);
}
END_TEST

/* A machine with a bus and peaks, and no runtime. */
static const char *bare_machine(struct arena *a)
{
	static const char text[] = "schema: lemursim/hardware/1\nkind: machine\ntitle: bare\nchip: bare\n"
				   "memory: {capacity: 32 GiB, usable: 28 GiB, bandwidth: 300 GB/s}\n"
				   "devices: {gpu: {cores: 20, peak_f16: 9 TFLOPS, peak_f32: 9 TFLOPS}}\n";
	const char *path = arena_printf(a, "/tmp/lemursim-bare-%d.yaml", (int)getpid());
	struct err err = ERR_INIT;

	ck_assert_int_eq(file_write(path, text, strlen(text), true, &err), 0);
	return path;
}

/* Its runs alone, or a neighbour's tables, give it a first profile; other models follow from both. Of what one model's runs
 * are off by with a neighbour's, half is taken for that model's. */
START_TEST(a_machine_without_a_runtime_gets_one)
{
	const char *like = _i ? "apple-m4-pro-20c-48gb" : NULL;
	const double off = _i ? 0.05 : 0.25;
	struct bench_of b;
	struct catalogue_device d;
	const char *bare;

	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	bare = bare_machine(&b.t.arena);
	b.ask.machine = bare;
	b.ask.like = like;
	write_rows(&b, "llama-3.1-8b", "llama-bench", 8000, 1, 1);
	fit(&b);
	ck_assert_msg(!b.r.refused, "%s", b.r.refused ? b.r.refused : "");
	ck_assert_uint_eq(b.r.notes.n, 1);
	d = written(&b, "llama.cpp");
	for (size_t i = 0; i < 2; i++)
		ck_assert_double_eq_tol(predicted_s(&b, &d, "llama-2-7b", &given_runs[i]) /
						predicted_s(&b, &b.device, "llama-2-7b", &given_runs[i]),
					1, off);
	remove(bare);
	end(&b);
}
END_TEST

/* A machine of a chip that no fit had, on which all that a token takes is read at one rate. */
static const char *reading_machine(struct arena *a, double spread)
{
	static const char as_is[] = ", how: transferred, source: test}";
	const char *path = arena_printf(a, "/tmp/lemursim-reading-%d.yaml", (int)getpid());
	const char *text = arena_printf(
		a,
		"schema: lemursim/hardware/1\nkind: machine\ntitle: reading\nchip: unheard\n"
		"memory: {capacity: 32 GiB, usable: 28 GiB, bandwidth: 300 GB/s}\n"
		"devices:\n  gpu:\n    cores: 20\n    peak_f16: 9 TFLOPS\n    peak_f32: 9 TFLOPS\n    "
		"runtimes:\n"
		"      llama.cpp:\n        version: test\n"
		"        read: {value: 60 %%, sd: %g %%%s\n        copy: {value: 60 %%, sd: %g %%%s\n"
		"        gemv: {value: 60 %%, sd: %g %%%s\n"
		"        gemm_f16: {roof: {value: 80 %%%s, sync: 0 s, u: {value: 50 %%, sd: 15 %%%s}\n"
		"        attention: {skips_mask: true, u: {value: 30 %%, sd: 12 %%%s,\n"
		"          decode: {value: 55 %%, sd: 15 %%%s}\n"
		"        dequant: {q4: {value: 90 %%%s}\n"
		"        norm: {kernels: 1, passes: 2}\n        rope: {kernels: 1, passes: 2}\n"
		"        kv_append: {kernels: 1}\n        kv_repeat: {kernels: 0}\n        scores: {kernels: "
		"1}\n"
		"        linear: {kernels: 1}\n        activation: {kernels: 1, passes: 3}\n"
		"        residual: {kernels: 1, passes: 3}\n"
		"        overhead: {kernel: {value: 0 s%s, step: {value: 0 s%s}\n"
		"        beyond: {f16: {seen_on: [other], prefill: 20 %%, decode: 20 %%}, q8: {prefill: 10 "
		"%%, decode: 20 %%}}\n",
		60 * spread, as_is, 60 * spread, as_is, 60 * spread, as_is, as_is, as_is, as_is, as_is, as_is,
		as_is, as_is);
	struct err err = ERR_INIT;

	ck_assert_int_eq(file_write(path, text, strlen(text), true, &err), 0);
	return path;
}

/* Of a number that is unsure by s, chips are apart by c and models by m. A run of one model that scatters by n leaves
 * 1 / (1 / c^2 + 1 / (m^2 + n^2)) of c^2, and another model's m^2 stays: that, and not s^2 beside it, is how unsure the number is
 * then. The run is of weights as they are, which the chip is measured with from then on; of others it is not. */
START_TEST(what_a_run_tells_of_a_chip_takes_the_place_of_its_spread)
{
	const double s = 0.15, m = 0.08, n = 0.03, c = sqrt(s * s - m * m),
		     left = 1 / (1 / (c * c) + 1 / (m * m + n * n));
	const struct run token = {.kind = RUN_TG, .gen = 128, .batch = 1};
	struct bench_of b;
	struct catalogue_device d;
	const struct beyond_width *of;
	const char *machine;
	struct str rows = STR_INIT;

	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	machine = reading_machine(&b.t.arena, s);
	ck_assert_msg(catalogue_device_load(&b.t.loader, machine, NULL, "llama.cpp", &b.device) == 0, "%s",
		      fixture_complaints(&b.t));
	b.ask.machine = machine;
	str_addf(&rows,
		 "kind,gen,n,tool,build,flash_attn,weights,seconds\ntg,128,5,llama-bench,8000,1,f16,%.9g\n",
		 part_seconds(&b, &b.device, "llama-3.1-8b", 0, &token));
	ck_assert_int_eq(file_write(b.path, rows.text, rows.len, true, &b.err), 0);
	fit(&b);
	d = written(&b, "llama.cpp");
	ck_assert_double_eq_tol(d.profile->gemv.value / b.device.profile->gemv.value, 1, 1e-3);
	ck_assert_double_eq_tol(d.profile->gemv.spread, sqrt(m * m + left), 2e-3);
	of = d.profile->beyond.of;
	ck_assert_uint_eq(of[BEYOND_F16].seen_on.n, 1); /* no prompt was run */
	ck_assert_double_eq_tol(of[BEYOND_Q8].decode, 0.2, 1e-9);
	ck_assert_uint_eq(of[BEYOND_Q8].seen_on.n, 0);
	remove(machine);
	str_release(&rows);
	end(&b);
}
END_TEST

/* Blocks of 4 bits are multiplied at two thirds of the rate that a profile has for them of which no run on any chip told it: that is
 * the format's, so that other models' prompts in such blocks are as slow, and those of whole weights are not. */
START_TEST(a_format_that_no_run_told_is_told)
{
	const struct run *prompt = &part_runs[0];
	struct bench_of b;
	struct catalogue_device slow, d;
	struct profile *p;
	const char *machine;
	struct str rows = STR_INIT;
	double blocks, whole;

	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	machine = reading_machine(&b.t.arena, 0.15);
	ck_assert_msg(catalogue_device_load(&b.t.loader, machine, NULL, "llama.cpp", &b.device) == 0, "%s",
		      fixture_complaints(&b.t));
	b.ask.machine = machine;
	slow = b.device;
	p = arena_alloc(&b.t.arena, sizeof *p);
	*p = *b.device.profile;
	p->dequant.q4.value /= 1.5;
	slow.profile = p;
	str_add(&rows, "kind,prompt,n,tool,build,flash_attn,weights,seconds\n");
	for (size_t f = 0; f < 3; f += 2)
		str_addf(&rows, "pp,512,5,llama-bench,8000,1,%s,%.9g\n", mix_names[part_formats[f].weights],
			 part_seconds(&b, &slow, "llama-3.1-8b", f, prompt));
	ck_assert_int_eq(file_write(b.path, rows.text, rows.len, true, &b.err), 0);
	fit(&b);
	d = written(&b, "llama.cpp");
	blocks = times_as_long(&b, &d, "qwen3-8b", 2, prompt);
	whole = times_as_long(&b, &d, "qwen3-8b", 0, prompt);
	ck_assert_msg(blocks > 1.35 && blocks < 1.55 && fabs(whole - 1) < 0.05, "%g %g", blocks, whole);
	remove(machine);
	str_release(&rows);
	end(&b);
}
END_TEST

/* Neither a runtime nor a machine. */
START_TEST(like_nothing)
{
	struct bench_of b;

	begin(&b, "apple-m4-pro-20c-48gb", "llama.cpp@2026-02");
	b.ask.like = "abacus";
	write_rows(&b, "llama-3.1-8b", "llama-bench", 8000, 1, 1);
	ck_assert_int_eq(fit_runtime_make(&b.t.loader, &b.ask, &b.out, &b.r, &b.err), -1);
	ck_assert_ptr_nonnull(
		strstr(b.err.msg, "'abacus' is neither a runtime of apple-m4-pro-20c-48gb.gpu"));
	ck_assert_uint_eq(b.t.diags.total, 0);
	ck_assert_uint_eq(b.out.len, 0);
	end(&b);
}
END_TEST

Suite *suite_fit_runtime(void)
{
	Suite *s = suite_create("fit_runtime");
	TCase *c = tcase_create("fit_runtime");

	tcase_add_loop_test(c, the_catalogue_comes_back, 0, (int)ARRAY_LEN(trips));
	tcase_add_test(c, a_name_of_the_catalogue_is_replaced);
	tcase_add_test(c, rows_that_do_not_come_back_are_refused);
	tcase_add_loop_test(c, a_machine_without_a_runtime_gets_one, 0, 2);
	tcase_add_test(c, kernels_are_told_apart);
	tcase_add_test(c, a_few_rows_of_another_program_come_back);
	tcase_add_loop_test(c, attention_is_the_models_own_on_a_known_chip, 0, 2);
	tcase_add_test(c, unpacking_for_one_row_is_told);
	tcase_add_loop_test(c, what_noise_brings_about_is_not_refused, 0, (int)ARRAY_LEN(judged));
	tcase_add_loop_test(c, several_sequences_are_fitted, 0, 2);
	tcase_add_test(c, what_a_run_tells_of_a_chip_takes_the_place_of_its_spread);
	tcase_add_test(c, a_format_that_no_run_told_is_told);
	tcase_add_test(c, like_nothing);
	suite_add_tcase(s, c);
	return s;
}
