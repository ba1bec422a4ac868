/*
 * check_host.c - the host's launches beside the device's work: max(host, device) in closed form, what is replayed, draws
 * and what-ifs, the same from a program and from the sum over a run; over a whole pass in training.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/family/predicted_run.h"
#include "sim/step/compile.h"
#include "sim/step/generate.h"
#include "sim/step/launches.h"
#include "sim/train/train.h"
#include "tests/fixtures.h"
#include "tests/invariants.h"
#include "tests/suites.h"

#define OVERHEAD "machines.a.devices.gpu.runtimes.fixture.overhead."

static struct fixture fixture;

/* The kernels of a pass over all blocks, as the runtime launches them. */
static double kernels_of(const struct shape *s, enum phase phase)
{
	const struct world *w = fixture.world;
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(w->model, parts);
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		struct op ops[GRAPH_OPS];
		const size_t ops_n =
			graph_block(w->model, &w->scenario->precision, s, parts[i].part, phase, ops);

		for (size_t k = 0; k < ops_n; k++)
			sum += parts[i].blocks * cost_kernels(w->units[0].profile, &ops[k]);
	}
	return sum;
}

/* Seconds of the prompt's pass and the first decode step, and of that step alone. */
struct seconds {
	double first, step;
};

static struct seconds generate_s(const char *const *sets)
{
	struct arena a = ARENA_INIT;
	struct placement p;
	struct generate_programs g = fixture_generate(&fixture, FIXTURE_THREE, sets, &p);
	const struct fixture_run r = fixture_run(&a, g.first);
	const struct compiled_ends ends = compiled_run(r.compiled, &r.times);
	const struct seconds s = {sim_s_of_ns(r.run.makespan_ns), fixture_step_s(&g, 0)};

	ck_assert_int_eq(ends.makespan_ns, r.run.makespan_ns);
	generate_free(&g);
	arena_release(&a);
	return s;
}

static const struct shape prompt = {.batch = 2, .tokens = 30}, token = {.batch = 2, .tokens = 1, .past = 31};

/* A launch of a millisecond: the host is the longer one everywhere, and all that counts is the number of launches. A
 * launch of a nanosecond: the host is never waited for. */
START_TEST(the_longer_of_both)
{
	static const char *const slow[] = {OVERHEAD "host=1 ms", NULL}, *const quick[] = {
										OVERHEAD "host=1 ns", NULL};
	const double step_s = 50e-6;
	struct seconds alone, hosted;
	double kernels;

	alone = generate_s(NULL);
	fixture_release(&fixture);
	hosted = generate_s(quick);
	ck_assert_double_eq(hosted.first, alone.first);
	ck_assert_double_eq(hosted.step, alone.step);
	fixture_release(&fixture);
	hosted = generate_s(slow);
	kernels = kernels_of(&token, PHASE_DECODE);
	ck_assert_double_gt(kernels, 30);
	ck_assert_double_eq_tol(hosted.step, 1e-3 * kernels + step_s, 1e-9);
	kernels += kernels_of(&prompt, PHASE_PREFILL);
	ck_assert_double_eq_tol(hosted.first, 1e-3 * kernels + 2 * step_s, 1e-9);
	fixture_release(&fixture);
}
END_TEST

/* A launch costs another time in training, and there alone. */
START_TEST(training_has_launches_of_its_own)
{
	static const char *const sets[] = {OVERHEAD "host=1 us", OVERHEAD "host_training=1 ms", NULL};
	struct arena a = ARENA_INIT;
	struct device_model model;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	model = program_device_model(&a, fixture.world, 0);
	for (int phase = 0; phase < PHASE_N; phase++) {
		const struct op launches = {.kind = OP_LAUNCH, .phase = (enum phase)phase, .times = 3};
		const struct cost c = cost_of(&launches, &model, 1);
		const bool trains = phase == PHASE_FORWARD || phase == PHASE_BACKWARD;

		ck_assert_double_eq_tol(cost_seconds(&c), trains ? 3e-3 : 3e-6, 1e-12);
	}
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* Between the two each block takes the longer one: a sum over blocks of max(host, device). */
START_TEST(block_by_block)
{
	static const char *const sets[] = {OVERHEAD "host=5 us", NULL};
	const double host_s = 5e-6;
	const struct world *w;
	struct part_count parts[MODEL_PARTS];
	struct device_model model;
	double want = 0, device = 0, host = 0;
	size_t n;
	struct seconds got = generate_s(sets);
	struct arena a = ARENA_INIT;

	w = fixture.world;
	model = program_device_model(&a, w, 0);
	n = model_parts(w->model, parts);
	for (size_t i = 0; i < n; i++) {
		struct op ops[GRAPH_OPS];
		const size_t ops_n = graph_block(w->model, &w->scenario->precision, &token, parts[i].part,
						 PHASE_DECODE, ops);
		double block = 0, launches = 0;

		for (size_t k = 0; k < ops_n; k++) {
			const struct cost c = cost_of(&ops[k], &model, 1);

			block += cost_seconds(&c);
			launches += cost_kernels(model.profile, &ops[k]);
		}
		want += parts[i].blocks * fmax(block, launches * host_s);
		device += parts[i].blocks * block;
		host += parts[i].blocks * launches * host_s;
	}
	ck_assert(want > device || want > host); /* the one binds here, the other there, or it says nothing */
	ck_assert_double_eq_tol(got.step, want + 50e-6, 1e-7);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

START_TEST(what_is_replayed_has_no_launches)
{
	static const char *const decode[] = {OVERHEAD "host=1 ms", OVERHEAD "replays=decode", NULL},
				 *const all[] = {OVERHEAD "host=1 ms", OVERHEAD "replays=all", NULL};
	struct seconds alone, hosted;

	alone = generate_s(NULL);
	fixture_release(&fixture);
	hosted = generate_s(decode);
	ck_assert_double_eq(hosted.step, alone.step);
	ck_assert_double_eq_tol(hosted.first, 1e-3 * kernels_of(&prompt, PHASE_PREFILL) + 50e-6 + alone.step,
				0.2 * alone.step);
	fixture_release(&fixture);
	hosted = generate_s(all);
	ck_assert_double_eq(hosted.first, alone.first);
	fixture_release(&fixture);
}
END_TEST

/* Which passes the host launches, under each word of `replays`. */
START_TEST(replays_are_of_phases)
{
	static const struct {
		enum replayed replays;
		bool launches[PHASE_N];
	} rows[] = {{REPLAYS_NONE, {true, true, true, true, true}},
		    {REPLAYS_DECODE, {true, false, true, true, true}},
		    {REPLAYS_INFERENCE, {false, false, true, true, true}},
		    {REPLAYS_ALL, {false, false, false, false, false}}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int phase = 0; phase < PHASE_N; phase++) {
			const struct profile p = {.overhead = {.host = {.value = 1e-6, .given = true},
							       .replays = rows[i].replays}};
			struct op launches;

			ck_assert_int_eq(cost_launches(&p, (enum phase)phase, 3, &launches),
					 rows[i].launches[phase]);
		}
}
END_TEST

/* Where the host binds, quicker arithmetic gains nothing and a quicker host all; a draw is the longer of two draws. */
START_TEST(draws_and_what_ifs)
{
	static const char *const sets[] = {OVERHEAD "host={value: 1 ms, sd: 100 us}", NULL};
	struct arena a = ARENA_INIT;
	struct placement p;
	struct generate_programs g = fixture_generate(&fixture, FIXTURE_THREE, sets, &p);
	const struct fixture_run r = fixture_run(&a, g.first);
	const size_t sources = program_sources(fixture.world);
	struct params *v = arena_array(&a, sources, sizeof *v);
	struct class_times t = program_times_new(&a, g.first);
	const double before = sim_s_of_ns(r.run.makespan_ns),
		     host_s = 1e-3 * (kernels_of(&prompt, PHASE_PREFILL) + kernels_of(&token, PHASE_DECODE));

	for (size_t i = 0; i < sources; i++)
		for (int k = 0; k < PARAM_N; k++)
			v[i].of[k] = 1;
	v[0].of[PARAM_ARITHMETIC] = 2;
	program_times_at(g.first, v, &t);
	ck_assert_double_eq(sim_s_of_ns(compiled_run(r.compiled, &t).makespan_ns), before);
	v[0].of[PARAM_OVERHEAD] = 2;
	program_times_at(g.first, v, &t);
	ck_assert_double_eq_tol(sim_s_of_ns(compiled_run(r.compiled, &t).makespan_ns), before / 2, 1e-6);
	memset(v, 0, sources * sizeof *v);
	v[0].of[PARAM_OVERHEAD] = 1;
	program_times_drawn(g.first, v, &t);
	ck_assert_double_eq_tol(sim_s_of_ns(compiled_run(r.compiled, &t).makespan_ns) - before, 0.1 * host_s,
				1e-3 * host_s);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* A run as validate and fits have it, and the same request on the event engine. */
static const char *const hosts[] = {"1 ns", "4 us", "6 us", "12 us", "1 ms"};
START_TEST(a_run_is_what_simulate_says)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {arena_printf(&a, OVERHEAD "host=%s", hosts[_i]), NULL};
	const struct seconds s = generate_s(sets);
	const struct world *w = fixture.world;
	const struct device_model model = program_device_model(&a, w, 0);
	struct run run = {.kind = RUN_PP, .prompt = 30, .batch = 2};
	double got;

	got = predicted_run_seconds(&(struct predicted_run){0});
	ck_assert_double_eq(got, 0);
	{
		const struct predicted_run r =
			predicted_run_make(&a, w->model, &w->scenario->precision, &model, &run);
		struct placement p = fixture_place(&fixture, 0);
		struct generate_request q = generate_request(&p);
		struct generate_programs g;
		struct fixture_run program;

		q.decoded = 0;
		g = generate_build_request(&p, &q);
		program = fixture_run(&a, g.first);
		got = predicted_run_seconds(&r);
		ck_assert_double_eq_tol(got / sim_s_of_ns(program.run.makespan_ns), 1, 1e-6);
		ck_assert_double_eq_tol(predicted_run_seconds_drawn(&r, &(struct params){{0}}), got, 1e-12);
		generate_free(&g);
	}
	ck_assert_double_gt(s.first, got);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* The device's time of some blocks one after the other. */
static sim_ns blocks_ns(const sim_ns (*host_device)[2], size_t n)
{
	struct host_wait w = {0, 0};
	sim_ns sum = 0;

	for (size_t i = 0; i < n; i++) {
		w = launches_wait(host_device[i][0], host_device[i][1], w.ahead_ns);
		sum += host_device[i][1] + w.wait_ns;
	}
	return sum;
}

/* Kernels that are short for the device behind long ones wait for nobody; long ones behind short ones come too late to help. */
START_TEST(long_kernels_before_short_ones)
{
	static const sim_ns long_first[][2] = {{1, 10}, {5, 2}}, short_first[][2] = {{5, 2}, {1, 10}},
			    drained[][2] = {{1, 4}, {5, 2}, {5, 2}},
			    rounds[][2] = {{5, 2}, {1, 10}, {5, 2}, {1, 10}};

	ck_assert_int_eq(blocks_ns(long_first, 2), 10 + 2);
	ck_assert_int_eq(blocks_ns(short_first, 2), 5 + 10);
	ck_assert_int_eq(blocks_ns(drained, 3), 1 + 5 + 5);
	ck_assert_int_eq(blocks_ns(rounds, 4), 5 + 10 + 2 + 10);
}
END_TEST

/* Of the blocks of a pass the host's and the device's time, and what their tasks take. */
struct pass_times {
	sim_ns host[64], device[64], all;
	size_t n;
};

/* The tasks of a phase on the first device. */
static struct pass_times pass_of(const struct program *p, const struct class_times *t, enum phase phase)
{
	struct pass_times of = {.n = 0};

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct program_task *task = &p->tasks.at[i];
		const struct op_class *c = &p->op_classes.at[task->op_class];

		if (task->label.phase != phase || c->op.kind == OP_STEP)
			continue;
		of.all += t->ns[task->op_class];
		if (!c->launches)
			continue;
		ck_assert_uint_lt(of.n, ARRAY_LEN(of.host));
		of.host[of.n] = sim_ns_of_s(cost_seconds(&c->cost));
		for (uint32_t k = 0; k < c->launches; k++)
			of.device[of.n] += t->ns[c->launched + k];
		of.n++;
	}
	return of;
}

/* The most, over all blocks, of the host's time up to one and the device's behind it. */
static sim_ns longest(const struct pass_times *of)
{
	sim_ns most = 0;

	for (size_t k = 0; k <= of->n; k++) {
		sim_ns sum = 0;

		for (size_t i = 0; i < of->n; i++)
			sum += i < k ? of->host[i] : of->device[i];
		most = sim_later(most, sum);
	}
	return most;
}

static sim_ns block_by_block_ns(const struct pass_times *of)
{
	sim_ns sum = 0;

	for (size_t i = 0; i < of->n; i++)
		sum += sim_later(of->host[i], of->device[i]);
	return sum;
}

/* Both passes of a training step take what the closed form says, and so they do under draws and with joined tasks; returns how many are
 * shorter than block by block. */
static int check_step(const char *host, struct rng *rng)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		"machines.m0.devices.gpu.runtimes.fixture.overhead.host=1 us",
		arena_printf(&a, "machines.m0.devices.gpu.runtimes.fixture.overhead.host_training=%s", host),
		NULL};
	struct placement at;
	struct program *p, *joined;
	struct class_times t;
	int shorter = 0;

	fixture_mesh(&fixture, 2, "latency: 0, bandwidth: 1 GB/s", "{train: {tokens: 64 tok, method: full}}",
		     sets);
	at = fixture_all_on(&fixture, 0);
	p = train_build(&at);
	joined = train_build_short(&at);
	t = program_times(&a, p);
	for (int phase = PHASE_FORWARD; phase <= PHASE_BACKWARD; phase++) {
		const struct pass_times of = pass_of(p, &t, (enum phase)phase);

		ck_assert_uint_gt(of.n, 4);
		ck_assert_int_eq(of.all, longest(&of));
		shorter += of.all < block_by_block_ns(&of);
	}
	ck_assert_int_eq(fixture_run(&a, p).run.makespan_ns, fixture_run(&a, joined).run.makespan_ns);
	invariants_prog(p, rng);
	invariants_prog(joined, rng);
	program_free(p);
	program_free(joined);
	arena_release(&a);
	fixture_release(&fixture);
	return shorter;
}

/* From a host that nobody waits for to one that all wait for: in between it runs ahead. */
START_TEST(the_host_runs_ahead_in_training)
{
	static const char *const paces[] = {"1 ns", "3 us", "5 us", "8 us", "12 us", "20 us", "1 ms"};
	struct rng *rng = rng_new(14, "host");
	int shorter = 0;

	for (size_t i = 0; i < ARRAY_LEN(paces); i++)
		shorter += check_step(paces[i], rng);
	ck_assert_int_gt(shorter, 2);
	rng_free(rng);
}
END_TEST

/* Joined tasks and passes that are put again for each micro-batch take what they take one by one, and draws side by side what each takes. */
static const char *const many[] = {"micro_batches: 6, schedule: 1f1b", "micro_batches: 6, recompute: full",
				   "micro_batches: 4, schedule: gpipe"};
START_TEST(micro_batches_have_launches_too)
{
	static const char *const sets[] = {"machines.m0.devices.gpu.runtimes.fixture.overhead.host=8 us",
					   NULL};
	struct arena a = ARENA_INIT;
	struct rng *rng = rng_new((uint64_t)_i, "host");
	struct placement at;
	struct program *p, *joined;

	fixture_mesh(&fixture, 2, "latency: 0, bandwidth: 1 GB/s",
		     arena_printf(&a, "{train: {tokens: 64 tok, method: full, %s}}", many[_i]), sets);
	at = fixture_all_on(&fixture, 0);
	p = train_build(&at);
	joined = train_build_short(&at);
	ck_assert_int_eq(fixture_run(&a, p).run.makespan_ns, fixture_run(&a, joined).run.makespan_ns);
	invariants_prog(p, rng);
	invariants_prog(joined, rng);
	program_free(p);
	program_free(joined);
	rng_free(rng);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_host(void)
{
	Suite *s = suite_create("host");
	TCase *tc = tcase_create("host");

	tcase_add_test(tc, the_longer_of_both);
	tcase_add_test(tc, training_has_launches_of_its_own);
	tcase_add_test(tc, block_by_block);
	tcase_add_test(tc, what_is_replayed_has_no_launches);
	tcase_add_test(tc, replays_are_of_phases);
	tcase_add_test(tc, draws_and_what_ifs);
	tcase_add_loop_test(tc, a_run_is_what_simulate_says, 0, (int)ARRAY_LEN(hosts));
	tcase_add_test(tc, long_kernels_before_short_ones);
	tcase_add_test(tc, the_host_runs_ahead_in_training);
	tcase_add_loop_test(tc, micro_batches_have_launches_too, 0, (int)ARRAY_LEN(many));
	suite_add_tcase(s, tc);
	return s;
}
