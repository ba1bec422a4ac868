/* check_request_passes.c - a request as weighted passes; and that a measured run is predicted by their sum as
 * `simulate` predicts it by programs. */
#include <glob.h>
#include <math.h>
#include <string.h>

#include "sim/family/observations.h"
#include "sim/family/report_rows.h"
#include "sim/predict/generate_job.h"
#include "sim/predict/predict.h"
#include "tests/fixtures.h"
#include "tests/suites.h"

/* ---- what a request consists of ---- */

static const struct model *windowed(struct fixture *t)
{
	fixture_text(t,
		     FIXTURE_HEAD "model: " FIXTURE_WINDOWS("6") "\nmachines: {a: " FIXTURE_MACHINE
								 "}\n" FIXTURE_WORKLOAD,
		     NULL);
	return t->world->model;
}

/* Decode steps are all counted, and so are their contexts and the squares of these, in each piece. */
START_TEST(samples_stand_for_all_steps)
{
	static const struct generate_request requests[] = {
		{.prompt = 3, .decoded = 2, .batch = 1, .per_step = 1},
		{.prompt = 3, .decoded = 3, .batch = 1, .per_step = 1},
		{.depth = 2,
		 .prompt = 1,
		 .decoded = 40,
		 .batch = 1,
		 .per_step = 1},                                           /* most steps behind it */
		{.depth = 1, .decoded = 12, .batch = 1, .per_step = 1},    /* most before it */
		{.depth = 100, .decoded = 50, .batch = 1, .per_step = 1}}; /* all behind it */
	const struct generate_request *r = &requests[_i];
	const int64_t begin = r->depth + r->prompt, full = 12;
	struct fixture t;
	struct request_sample s[REQUEST_SAMPLES];
	const size_t n = request_samples(windowed(&t), r, s);

	for (int power = 0; power <= 2; power++) {
		double want[2] = {0, 0}, got[2] = {0, 0};

		for (int64_t past = begin + 1; past < begin + r->decoded; past++)
			want[past >= full] += pow((double)past, power);
		for (size_t i = 0; i < n; i++)
			got[s[i].past >= full] += s[i].weight * pow((double)s[i].past, power);
		for (int k = 0; k < 2; k++)
			ck_assert_double_eq_tol(got[k], want[k], 1e-9 * (1 + want[k]));
	}
	fixture_release(&t);
}
END_TEST

/* Each token of every prompt is read once, and each pass knows whether a token comes of it. */
START_TEST(prompts_are_read_once)
{
	static const struct {
		struct generate_request r;
		double passes, answers;
	} cases[] = {
		{{.prompt = 10, .batch = 3, .per_step = 1}, 1, 1},
		{{.prompt = 10, .batch = 3, .chunk = 4, .per_step = 1}, 3, 1},
		{{.prompt = 10, .batch = 5, .at_once = 2, .per_step = 1}, 3, 3},
		{{.depth = 7, .prompt = 9, .batch = 2, .chunk = 4, .last_apart = true, .per_step = 1}, 3, 1},
		{{.prompt = 1, .batch = 2, .last_apart = true, .per_step = 1}, 1, 1}};
	const struct generate_request *r = &cases[_i].r;
	struct fixture t;
	struct request_pass *p;
	double passes = 0, answers = 0, tokens = 0, pasts = 0;
	const size_t n = request_passes(&t.arena, windowed(&t), r, &p);

	for (size_t i = 0; i < n; i++) {
		const double m = (double)p[i].shape.tokens;

		ck_assert_int_eq(p[i].part, REQUEST_PROMPT);
		passes += p[i].weight;
		answers += p[i].answers ? p[i].weight : 0;
		tokens += p[i].weight * (double)p[i].shape.batch * m;
		pasts += p[i].weight * (double)p[i].shape.batch *
			 (m * (double)p[i].shape.past + m * (m - 1) / 2);
	}
	ck_assert_double_eq(passes, cases[_i].passes);
	ck_assert_double_eq(answers, cases[_i].answers);
	ck_assert_double_eq(tokens, (double)(r->batch * r->prompt));
	ck_assert_double_eq(pasts, (double)r->batch * ((double)(r->prompt * r->depth) +
						       (double)(r->prompt * (r->prompt - 1)) / 2));
	fixture_release(&t);
}
END_TEST

/* ---- validate says what simulate says ---- */

struct measured {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	struct observations rows;
};

static void begin(struct measured *m)
{
	static const char *const here[] = {"."};

	diags_init(&m->diags, &m->arena);
	loader_init(&m->loader, &m->arena, &m->diags);
	m->loader.paths = here;
	m->loader.paths_n = 1;
}

static void load_rows(struct measured *m, const struct runs *runs)
{
	struct err err = ERR_INIT;

	begin(m);
	ck_assert_msg(observations_load(&m->loader, runs, OBSERVATIONS_PROFILE, &m->rows, &err) == 0, "%s",
		      err.msg);
}

/* A world of the row's machine, model and request; a prompt's groups are the prompts that it reads at once.
 */
static void ask(struct fixture *t, struct arena *a, const struct observation *row,
		const struct generate_request *r, const char *request)
{
	const int64_t groups = r->prompt && r->at_once ? (r->batch + r->at_once - 1) / r->at_once : 1;
	/* a pass of the whole prompt is said: what is not said is the runtime's own */
	const int64_t whole = r->prompt > 1 ? r->prompt : 1;
	const char *chunk = arena_printf(a, ", chunk: %lld tok", (long long)(r->chunk ? r->chunk : whole));

	fixture_text(t,
		     arena_printf(a,
				  "schema: lemursim/scenario/1\n"
				  "title: x\n"
				  "model: %s\n"
				  "precision: {weights: %s, kv: %s, compute: %s}\n"
				  "runtime: %s\n"
				  "machines: {m: %s}\n"
				  "workload: {generate: {%s, batch: %lld, micro_batches: %lld%s}}\n"
				  "assignments: [{name: x, place: [{on: m}]}]\n",
				  row->run->model, mix_names[row->precision.weights],
				  format_names[row->precision.kv], dtype_names[row->precision.compute],
				  row->run->runtime, row->run->machine, request, (long long)r->batch,
				  (long long)groups, chunk),
		     NULL);
}

/* By programs on the event engine. */
static double simulated_s(const struct observation *row)
{
	const struct run *run = row->run;
	struct generate_request r = run_request(row->device->profile, run), of_world;
	struct fixture t;
	struct arena scratch = ARENA_INIT;
	struct placement at;
	struct generate_programs g;
	struct fixture_run first;
	double s;

	ask(&t, &scratch, row, &r, "prompt: 1 tok, tokens: 1 tok");
	at = fixture_place(&t, 0);
	of_world = generate_request(&at);
	of_world.depth = r.depth;
	of_world.prompt = r.prompt;
	of_world.decoded = r.decoded;
	g = generate_build_request(&at, &of_world);
	first = fixture_run(&scratch, g.first);
	s = sim_s_of_ns(first.run.makespan_ns);
	for (int i = 0; i < GENERATE_STEPS && g.later[i]; i++)
		s += g.weights[i] * fixture_step_s(&g, i);
	generate_free(&g);
	arena_release(&scratch);
	fixture_release(&t);
	return s;
}

static double replayed_s(const struct observation *row)
{
	struct arena a = ARENA_INIT;
	const struct predicted_run r = observations_predict(&a, row, row->device->profile);
	const double s = predicted_run_seconds(&r);

	arena_release(&a);
	return s;
}

static bool same_text(const char *a, const char *b)
{
	return !a == !b && (!a || !strcmp(a, b));
}

/* Rows that ask for the same again need not be simulated again. */
static bool asks_again(const struct observations *e, size_t i)
{
	const struct run *r = e->at[i].run;

	for (size_t k = 0; k < i; k++) {
		const struct run *s = e->at[k].run;

		if (same_text(r->machine, s->machine) && same_text(r->runtime, s->runtime) &&
		    same_text(r->model, s->model) && same_text(r->weights, s->weights) &&
		    r->prompt == s->prompt && r->gen == s->gen && r->depth == s->depth &&
		    r->batch == s->batch && r->chunk == s->chunk)
			return true;
	}
	return false;
}

/* A row of -fa 0 under a profile with flash attention, or of an earlier build than the profile's: no scenario says that. */
static bool ran_otherwise(struct arena *a, const struct observation *row)
{
	const struct profile *p = row->device->profile;

	return p && report_as_run(p, row->run, a) != p;
}

/* Every row of hardware/measured that is a run of a model on a machine of the catalogue; every tenth, unless all are asked
 * for: a world is loaded for each. */
START_TEST(a_measured_row_is_what_simulate_says)
{
	struct measured m = {.arena = ARENA_INIT};
	glob_t files;
	const char **paths;
	struct runs runs;
	struct err err = ERR_INIT;
	const size_t every = (size_t)how_many(10, 1);
	size_t n = 0, different = 0;

	ck_assert_int_eq(glob("hardware/measured/*.family.yaml", 0, NULL, &files), 0);
	paths = arena_array(&m.arena, files.gl_pathc, sizeof *paths);
	for (size_t i = 0; i < files.gl_pathc; i++)
		paths[i] = arena_printf(&m.arena, "%.*s.csv",
					(int)(strlen(files.gl_pathv[i]) - strlen(".family.yaml")),
					files.gl_pathv[i]);
	ck_assert_msg(runs_read_all(&m.arena, paths, files.gl_pathc, &runs, &err) == 0, "%s", err.msg);
	load_rows(&m, &runs);
	for (size_t i = 0; i < m.rows.n; i++) {
		const struct observation *row = &m.rows.at[i];
		double got, want;

		if (!row->model || asks_again(&m.rows, i) || ran_otherwise(&m.arena, row) ||
		    different++ % every)
			continue;
		got = replayed_s(row);
		want = simulated_s(row);
		ck_assert_msg(fabs(got / want - 1) < 1e-6, "%s:%d: validate says %.9g s, simulate %.9g s",
			      row->run->path, row->run->line, got, want);
		n++;
	}
	ck_assert_uint_gt(different, 400);
	ck_assert_uint_ge(n, different / every);
	globfree(&files);
	arena_release(&m.arena);
}
END_TEST

/* As a user asks: the depth is a prompt that was read before, in one pass, its decode is TPOT times tokens. */
static double decode_s(const struct observation *row)
{
	const struct run *run = row->run;
	struct generate_request r = run_request(row->device->profile, run);
	struct fixture t;
	struct arena scratch = ARENA_INIT;
	struct placement at;
	struct prediction p;
	struct generate_times times;

	r.prompt = run->depth;
	ask(&t, &scratch, row, &r,
	    arena_printf(&scratch, "prompt: %lld tok, tokens: %lld tok", (long long)run->depth,
			 (long long)run->gen + 1));
	at = fixture_place(&t, 0);
	prediction_make(&scratch, &at, &p);
	ck_assert(p.jobs[JOB_GENERATE].fits);
	times = generate_job_times(&p.jobs[JOB_GENERATE]);
	prediction_release(&p);
	arena_release(&scratch);
	fixture_release(&t);
	return times.e2el_s - times.ttft_s;
}

/* Every model of the catalogue with a window, which fills up before, halfway, at the end, or never; rates in
 * tok/s where they were found to differ. */
static const struct {
	const char *model;
	int64_t depth, gen, batch;
	double rate;
	const char *machine, *runtime, *weights; /* NULL: an M5 Max, llama.cpp, q4_0 */
} windows[] = {
	{"mistral-7b", 3000, 8000, 16, 0, NULL, NULL, NULL}, /* llama.cpp keeps to no window of Mistral's */
	{"mistral-7b", 3000, 8000, 2, 0, NULL, "mps@2026-01", "f16"},
	{"mistral-7b", 1, 8000, 16, 0, NULL, "mps@2026-01", "f16"},
	{"mistral-7b", 4090, 20, 1, 0, NULL, NULL, NULL},
	{"gemma-3-4b", 500, 8000, 64, 983.3, NULL, NULL, NULL}, /* 64 rows in a tile of 128 */
	{"gemma-3-1b", 100, 3000, 4, 0, NULL, NULL, NULL},
	{"gemma-3-12b", 1, 4000, 1, 0, NULL, NULL, NULL},
	{"gemma-3-27b", 1000, 100, 1, 0, NULL, NULL, NULL},
	{"gemma-2-2b", 4000, 200, 8, 0, NULL, NULL, NULL},
	{"gemma-2-9b", 5000, 100, 1, 0, NULL, NULL, NULL},
	{"gemma-2-27b", 1, 8000, 1, 0, NULL, NULL, NULL},
	{"gpt-oss-20b", 100, 100, 2, 0, NULL, NULL, NULL},
	{"gpt-oss-120b", 1, 200, 1, 0, "nvidia-dgx-spark-128gb", "cuda@2025-10", "mxfp4"},
	{"phi-3-mini", 2000, 1000, 1, 0, NULL, NULL, NULL},
	{"phi-3-medium", 10, 4000, 1, 0, NULL, NULL, NULL},
	{"olmo-3-7b", 4000, 300, 2, 0, NULL, NULL, NULL},
	{"olmo-3-32b", 100, 5000, 1, 0, NULL, NULL, NULL},
	{"exaone-4-32b", 3000, 3000, 1, 0, NULL, NULL, NULL},
};

static const char *named(const char *name, const char *otherwise)
{
	return name ? name : otherwise;
}

START_TEST(a_window_fills_up_alike)
{
	const struct run run = {.model = windows[_i].model,
				.kind = RUN_TG,
				.gen = windows[_i].gen,
				.depth = windows[_i].depth,
				.batch = windows[_i].batch,
				.seconds = 1,
				.machine = named(windows[_i].machine, "apple-m5-max-40c"),
				.runtime = named(windows[_i].runtime, "llama.cpp@2026-02"),
				.weights = named(windows[_i].weights, "q4_0")};
	struct run rows[] = {run};
	const struct runs runs = {.path = "-", .tool = "csv", .at = rows, .n = 1};
	struct measured m = {.arena = ARENA_INIT};
	double got, want;

	load_rows(&m, &runs);
	ck_assert_int_gt(m.rows.at[0].model->attention.window, 0);
	got = replayed_s(&m.rows.at[0]);
	want = decode_s(&m.rows.at[0]);
	ck_assert_msg(fabs(got / want - 1) < 1e-6, "validate says %.9g s, simulate %.9g s", got, want);
	ck_assert_double_eq_tol(got, simulated_s(&m.rows.at[0]), 1e-9 * got);
	if (windows[_i].rate > 0) /* as the catalogue's profile has it: another fit moves it a little */
		ck_assert_double_eq_tol(run_rate_of(&run, got) / windows[_i].rate, 1, 0.01);
	arena_release(&m.arena);
}
END_TEST

/* A model with a window that joins the catalogue has to join the list above. */
START_TEST(no_window_is_forgotten)
{
	struct measured m = {.arena = ARENA_INIT};
	glob_t files;

	begin(&m);
	ck_assert_int_eq(glob("models/*.yaml", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		const char *name = arena_printf(&m.arena, "%.*s", (int)strlen(files.gl_pathv[i]) - 12,
						files.gl_pathv[i] + 7);
		const struct model *model = catalogue_model_load(&m.loader, name);
		bool listed = false;

		ck_assert_ptr_nonnull(model);
		for (size_t k = 0; k < ARRAY_LEN(windows); k++)
			listed |= !strcmp(windows[k].model, name);
		ck_assert_msg(listed || model->attention.window == 0, "%s", name);
	}
	globfree(&files);
	arena_release(&m.arena);
}
END_TEST

Suite *suite_request_passes(void)
{
	Suite *s = suite_create("request_passes");
	TCase *request = tcase_create("request"), *same = tcase_create("same");

	tcase_add_loop_test(request, samples_stand_for_all_steps, 0, 5);
	tcase_add_loop_test(request, prompts_are_read_once, 0, 5);
	suite_add_tcase(s, request);
	tcase_add_test(same, a_measured_row_is_what_simulate_says);
	tcase_add_loop_test(same, a_window_fills_up_alike, 0, ARRAY_LEN(windows));
	tcase_add_test(same, no_window_is_forgotten);
	suite_add_tcase(s, same);
	return s;
}
