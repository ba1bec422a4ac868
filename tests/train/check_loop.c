/* check_loop.c - training steps with cycles left out and tasks joined against the same steps whole: every number to the nanosecond. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/step/joined.h"
#include "sim/step/loop.h"
#include "sim/step/pass_class.h"
#include "sim/train/memory.h"
#include "sim/train/stages.h"
#include "sim/train/train.h"
#include "sim/train/train_work.h"
#include "tests/suites.h"
#include "tests/fixtures.h"
#include "tests/train/ranked.h"

enum { LAYERS = 6, ROUNDS = 3, UNITS = 3, MACHINES = 4 };

static struct fixture fixture;

static int below(struct rng *r, int n)
{
	return (int)(rng_uniform(r) * n);
}

static const char *const schedules[] = {"serial", "gpipe", "1f1b", "interleaved", "zb-h1", "zb-h2", "zb-v"};
static const char *const methods[] = {"method: full",
				      "method: lora, rank: 4, targets: [q, down]",
				      "method: lora, layers: 5, rank: 8",
				      "method: full, recompute: full",
				      "method: full, recompute: selective, optimizer: adamw",
				      "method: full, zero: 2",
				      "method: full, zero: 2, overlap: false"};
static const char *const links[] = {"latency: 0, bandwidth: 1e15 B/s", "latency: 20 us, bandwidth: 2 GB/s",
				    "latency: 300 us, bandwidth: 0.1 GB/s",
				    "latency: 5 us, bandwidth: 20 GB/s, duplex: half"};

/* Layers in n runs at random cuts, run k on unit of[k]; backward on other devices where `apart`. */
static struct placement layout(struct rng *rng, const size_t *of, size_t n, size_t apart)
{
	struct placement at = fixture_all_on(&fixture, 0);
	size_t cut[LAYERS + 1] = {0};

	for (size_t k = 0; k <= n; k++)
		cut[k] = k * LAYERS / n + (k && k < n && LAYERS / n > 1 ? (size_t)below(rng, 2) : 0);
	for (int x = PHASE_FORWARD; x < PHASE_N; x++) {
		struct shards *shard_groups = arena_array(&fixture.arena, at.blocks_n, sizeof *shard_groups);

		for (size_t b = 0; b < at.blocks_n; b++) {
			const struct block block = model_block(fixture.world->model, b);
			const int64_t layer = block.layer >= 0               ? block.layer
					      : block.part.role == ROLE_HEAD ? LAYERS - 1
									     : 0;
			size_t k = 0;

			while (k + 1 < n && (size_t)layer >= cut[k + 1])
				k++;
			shard_groups[b] = (struct shards){
				.n = 1, .unit = {of[k] + (x == PHASE_FORWARD ? 0 : apart)}, .share = {1}};
		}
		at.shard_groups[x] = shard_groups;
	}
	return at;
}

/* Every block on the first n devices, which share the micro-batches or the tensors. */
static struct placement split(size_t n, bool data)
{
	struct placement at = fixture_all_on(&fixture, 0);

	for (int x = PHASE_FORWARD; x < PHASE_N; x++) {
		struct shards *shard_groups = arena_array(&fixture.arena, at.blocks_n, sizeof *shard_groups);

		for (size_t b = 0; b < at.blocks_n; b++) {
			shard_groups[b] = (struct shards){.n = (int)n, .data = data};
			for (size_t i = 0; i < n; i++) {
				shard_groups[b].unit[i] = i;
				shard_groups[b].share[i] = data ? 0 : 1.0 / (double)n;
			}
		}
		at.shard_groups[x] = shard_groups;
	}
	return at;
}

/* A random pipeline, or a data split, of m micro-batches over up to UNITS machines. */
static struct placement random_step(struct rng *rng, int micros)
{
	struct arena a = ARENA_INIT;
	const int schedule = below(rng, (int)ARRAY_LEN(schedules));
	const int p = 1 + below(rng, UNITS), apart = p <= UNITS / 2 && below(rng, 4) == 0 ? p : 0;
	size_t of[2 * UNITS], n = (size_t)p;
	struct placement at;

	for (size_t i = 0; i < ARRAY_LEN(of); i++)
		of[i] = i % (size_t)p;
	if (schedule >= 3 && p > 1 && below(rng, 2))
		n = 2 * (size_t)p;
	if (schedule == 6) { /* there and back */
		n = 2 * (size_t)p;
		for (size_t i = 0; i < n; i++)
			of[i] = i < (size_t)p ? i : n - 1 - i;
	}
	fixture_mesh(&fixture, UNITS, links[below(rng, (int)ARRAY_LEN(links))],
		     arena_printf(&a, "{train: {tokens: 64 tok, micro_batches: %d, schedule: %s, %s}}",
				  micros, schedules[schedule], methods[below(rng, (int)ARRAY_LEN(methods))]),
		     (const char *const[]){arena_printf(&a, "model.layers=%d", LAYERS),
					   below(rng, 2)
						   ? "seed=1"
						   : "machines.m1.devices.gpu.runtimes.fixture.gemm_f16.roof="
						     "0.37 TFLOPS",
					   NULL});
	at = p == 1 && below(rng, 2) ? split(2 + (size_t)below(rng, UNITS - 1), true)
				     : layout(rng, of, n, schedule == 6 ? 0 : (size_t)apart);
	arena_release(&a);
	return at;
}

static void same_tasks(const struct program *p, const struct program *q)
{
	ck_assert_uint_eq(p->tasks.n, q->tasks.n);
	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct program_task *a = &p->tasks.at[i], *b = &q->tasks.at[i];

		ck_assert_uint_eq(a->queue, b->queue);
		ck_assert_uint_eq(a->label.micro, b->label.micro);
		ck_assert_int_eq(a->label.layer, b->label.layer);
		ck_assert_int_eq(program_class_ns(p, a->op_class), program_class_ns(q, b->op_class));
	}
}

/* Every task starts and ends at the same time, as calibrated and at other times. A task that is taken out of a pass does not depend on
 * what is over by then whatever the times are, so that dependencies are not compared. */
static void same_spans(struct arena *a, struct rng *rng, const struct program *p, const struct program *q)
{
	struct params *z = arena_array(a, program_sources(p->world), sizeof *z);
	struct class_times t = program_times_new(a, p), u = program_times_new(a, q);

	for (int i = 0; i < 3; i++) {
		struct task_run run, whole;

		for (size_t s = 0; s < program_sources(p->world); s++)
			for (int k = 0; k < PARAM_N; k++)
				z[s].of[k] = i ? 0.2 + 2 * rng_uniform(rng) : 1;
		program_times_at(p, z, &t);
		program_times_at(q, z, &u);
		run = program_run(a, p, &t, NULL);
		whole = program_run(a, q, &u, NULL);
		for (size_t k = 0; k < p->tasks.n; k++) {
			ck_assert_int_eq(run.spans[k].start_ns, whole.spans[k].start_ns);
			ck_assert_int_eq(run.spans[k].end_ns, whole.spans[k].end_ns);
		}
	}
}

static void same_memory(struct arena *a, const struct placement *at, const struct program *p,
			const struct task_run *run, const struct program *q, const struct task_run *other)
{
	struct memory_use use[MACHINES], whole[MACHINES];

	train_memory(a, at, p, run, use);
	train_memory(a, at, q, other, whole);
	for (size_t i = 0; i < at->world->machines_n; i++) {
		ck_assert_double_eq(footprint_need_B(&use[i].peak), footprint_need_B(&whole[i].peak));
		ck_assert_double_eq(use[i].peak.activations_B, whole[i].peak.activations_B);
		ck_assert_int_eq(use[i].at_ns, whole[i].at_ns);
		ck_assert_int_eq(use[i].raised, whole[i].raised);
		if (use[i].raised) {
			ck_assert_uint_eq(use[i].during.micro, whole[i].during.micro);
			ck_assert_int_eq(use[i].during.layer, whole[i].during.layer);
		}
	}
}

/* The number that each class would have if none were joined. */
static size_t *plain_numbers(struct arena *a, const struct program *p)
{
	size_t *numbers = arena_array(a, p->op_classes.n, sizeof *numbers), n = 0;

	for (size_t i = 0; i < p->op_classes.n; i++) {
		numbers[i] = n;
		n += p->op_classes.at[i].kind != CLASS_JOINED && p->op_classes.at[i].kind != CLASS_PASS;
	}
	return numbers;
}

/* Counts the parts of a task that are on its critical path. */
static void count_on_path(const struct program *p, uint32_t task, const struct task_span *spans,
			  const size_t *numbers, uint32_t n, int64_t *times)
{
	const struct op_class *c = &p->op_classes.at[p->tasks.at[task].op_class];
	struct pass_part one;
	size_t all;
	const struct pass_part *parts = pass_parts(p, task, &one, &all);

	for (size_t k = all - 1; k < all; k = parts == &one ? all : spans[c->first_part + k].cause) {
		struct class_part own;
		size_t classes_n;
		const struct class_part *classes = class_parts(p, parts[k].op_class, &own, &classes_n);

		for (size_t i = 0; i < classes_n; i++)
			times[numbers[classes[i].op_class]] += (int64_t)n * classes[i].n;
	}
}

/* The tasks of each class on the critical path. */
static void same_path(struct arena *a, const struct program *p, const struct task_graph *g,
		      const struct task_run *run, const struct program *q, const struct task_graph *other,
		      const struct task_run *whole)
{
	uint32_t *on = arena_array(a, p->tasks.n, sizeof *on),
		 *path = arena_array(a, q->tasks.n, sizeof *path);
	int64_t *times = arena_array(a, p->op_classes.n, sizeof *times);
	const size_t *numbers = plain_numbers(a, p);
	const struct class_times t = program_times(a, p);
	const struct task_span *spans = pass_spans(a, p, &t);
	const size_t n = task_critical_path(other, whole, path);

	loop_critical_path(p, g, run, on);
	for (uint32_t i = 0; i < p->tasks.n; i++)
		if (on[i])
			count_on_path(p, i, spans, numbers, on[i], times);
	for (size_t i = 0; i < n; i++)
		times[q->tasks.at[path[i]].op_class]--;
	for (size_t c = 0; c < p->op_classes.n; c++)
		ck_assert_int_eq(times[c], 0);
}

/* Under the same times and others, up to ten times as long, where nothing comes between joined rounds then: compiled, in the order of the
 * run; and by the engine, which may take messages in another order, where the cycles still repeat. */
static void same_draws(struct arena *a, struct rng *rng, const struct program *p, const struct task_run *run,
		       const struct program *q, const struct task_run *whole)
{
	const struct compiled *c = compile(a, p, run), *d = compile(a, q, whole);
	struct params *z = arena_array(a, program_sources(p->world), sizeof *z);
	struct class_times t = program_times_new(a, p), u = program_times_new(a, q);

	for (int i = 0; i < 8; i++) {
		struct task_run again;
		bool repeats;
		sim_ns took;

		for (size_t s = 0; s < program_sources(p->world); s++)
			for (int k = 0; k < PARAM_N; k++)
				z[s].of[k] = i ? 0.2 + 2 * rng_uniform(rng) : 1;
		program_times_at(p, z, &t);
		program_times_at(q, z, &u);
		took = compiled_run(d, &u).makespan_ns;
		if (!i)
			ck_assert_int_eq(took, whole->makespan_ns);
		repeats = loop_run(a, p, &t, NULL, &again);
		if (repeats && !joined_holds(p, &t, &again))
			continue;
		ck_assert_int_eq(compiled_run(c, &t).makespan_ns, took);
		if (p->loop.n && repeats)
			ck_assert_int_eq(again.makespan_ns, program_run(a, q, &u, NULL).makespan_ns);
	}
}

static void compare(struct rng *rng, const struct placement *at, struct program *p, struct program *q)
{
	struct arena a = ARENA_INIT;
	const struct class_times t = program_times(&a, p), u = program_times(&a, q);
	struct program *unrolled = loop_unrolled(p), *apart = joined_undone(unrolled);
	struct train_times short_times, whole_times;
	struct task_graph g, other;
	struct task_run run, whole;

	same_tasks(apart, q);
	same_spans(&a, rng, apart, q);
	ck_assert(loop_run(&a, p, &t, &g, &run));
	whole = program_run(&a, q, &u, &other);
	ck_assert_int_eq(run.makespan_ns, whole.makespan_ns);
	for (size_t i = 0; i < program_queues(p->world); i++)
		ck_assert_int_eq(run.busy_ns[i], whole.busy_ns[i]);
	short_times = train_times(train_work(&a, p), &t, run.makespan_ns);
	whole_times = train_times(train_work(&a, q), &u, whole.makespan_ns);
	ck_assert_double_eq(short_times.forward_s, whole_times.forward_s);
	ck_assert_double_eq(short_times.backward_s, whole_times.backward_s);
	ck_assert_double_eq(short_times.waiting_s, whole_times.waiting_s);
	same_memory(&a, at, p, &run, q, &whole);
	same_path(&a, p, &g, &run, q, &other, &whole);
	same_draws(&a, rng, p, &run, q, &whole);
	program_free(unrolled);
	program_free(apart);
	arena_release(&a);
}

/* Runs a few random steps both ways; returns how many of them were shortened. */
static int compare_some(uint64_t seed)
{
	struct rng *rng = rng_new(seed, "loop");
	int shortened = 0;

	for (int i = 0; i < ROUNDS; i++) {
		/* of many micro-batches few are looked at to begin with */
		const int micros = i ? 40 + below(rng, 60) : 140 + below(rng, 260);
		const struct placement at = random_step(rng, micros);
		struct program *p = train_build_short(&at), *q = train_build(&at);

		ck_assert_int_eq(stages_check(&at, &fixture.diags), 0);
		compare(rng, &at, p, q);
		shortened += p->loop.n > 0;
		program_free(p);
		program_free(q);
		fixture_release(&fixture);
	}
	rng_free(rng);
	return shortened;
}

/* A step that is never shortened would equal the whole step too, so many of these must be. */
START_TEST(as_if_whole)
{
	const uint64_t seeds = getenv("LONG") ? 40 : 4;
	int shortened = 0;

	for (uint64_t seed = 0; seed < seeds; seed++)
		shortened += compare_some(seed);
	ck_assert_int_gt(shortened, (int)seeds * ROUNDS / 4);
}
END_TEST

/* Four machines on one medium, or on a switch. */
static void load_joined(const char *how, const char *link, const char *train)
{
	struct str s = STR_INIT;

	str_add(&s, FIXTURE_HEAD "model: " FIXTURE_MODEL("6") "\nmachines: {");
	for (int i = 0; i < 4; i++)
		str_addf(&s, "%sm%d: %s", i ? ", " : "", i, FIXTURE_MACHINE);
	str_addf(&s,
		 "}\nlinks: {lan: {schema: lemursim/hardware/1, kind: link, title: fixture, %s, %s: [m0, m1, "
		 "m2, "
		 "m3]}}\n",
		 link, how);
	str_addf(&s, "workload: {train: {%s}}\nassignments: [{name: x, place: [{on: m0}]}]\n", train);
	fixture_text(&fixture, s.text, NULL);
	str_release(&s);
}

/* Passes of several layers that take turns on a device and its link are one task where nothing comes between. */
START_TEST(passes_of_ranks)
{
	struct rng *rng = rng_new((uint64_t)_i, "ranks");
	int passes = 0;

	for (int i = 0; i < 6; i++) {
		const struct ranked j = ranked_random(rng);
		struct placement at;
		struct program *p, *q;

		ranked_load(&fixture, &j);
		at = fixture_place(&fixture, 0);
		ck_assert_int_eq(stages_check(&at, &fixture.diags), 0);
		p = train_build_short(&at);
		q = train_build(&at);
		compare(rng, &at, p, q);
		for (size_t k = 0; k < p->op_classes.n; k++)
			passes += p->op_classes.at[k].kind == CLASS_PASS;
		program_free(p);
		program_free(q);
		fixture_release(&fixture);
	}
	ck_assert_int_gt(passes, 0);
	rng_free(rng);
}
END_TEST

static const char *const shared_links[] = {"latency: 5 us, bandwidth: 20 MB/s",
					   "latency: 50 us, bandwidth: 60 MB/s",
					   "latency: 300 us, bandwidth: 0.5 GB/s"};

/* Messages of several stages share the medium, so that times repeat after a few cycles, if at all. */
START_TEST(on_one_medium)
{
	struct rng *rng = rng_new((uint64_t)_i, "bus");
	struct arena a = ARENA_INIT;
	struct placement at;
	struct program *p, *q;

	load_joined("bus", shared_links[_i % 3],
		    arena_printf(&a, "tokens: 64 tok, micro_batches: %d, schedule: %s, %s",
				 150 + below(rng, 100), _i % 2 ? "zb-h1" : "1f1b",
				 methods[below(rng, (int)ARRAY_LEN(methods))]));
	at = _i % 4 == 3 ? split(2, false) : layout(rng, (const size_t[]){0, 1, 2}, 3, 0);
	p = train_build_short(&at);
	q = train_build(&at);
	compare(rng, &at, p, q);
	program_free(p);
	program_free(q);
	fixture_release(&fixture);
	arena_release(&a);
	rng_free(rng);
}
END_TEST

/* Messages of a tensor split over four machines run as they are ready, so that one may have waited for another of a later
 * number. */
START_TEST(path_of_a_tensor_split)
{
	struct arena a = ARENA_INIT;
	struct placement at;
	struct program *p, *q;
	struct class_times t, u;
	struct task_graph g, other;
	struct task_run run, whole;

	load_joined("switch", shared_links[_i],
		    "tokens: 64 tok, micro_batches: 64, schedule: 1f1b, method: lora, rank: 4");
	at = split(4, false);
	p = train_build_short(&at);
	q = train_build(&at);
	ck_assert_uint_gt(p->loop.n, 0);
	t = program_times(&a, p);
	u = program_times(&a, q);
	ck_assert(loop_run(&a, p, &t, &g, &run));
	whole = program_run(&a, q, &u, &other);
	ck_assert_int_eq(run.makespan_ns, whole.makespan_ns);
	same_path(&a, p, &g, &run, q, &other, &whole);
	program_free(p);
	program_free(q);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* Schedules that repeat a cycle are shortened: of 600 no more is written than of 80. */
START_TEST(many_cost_as_few)
{
	static const struct {
		const char *schedule;
		size_t n, of[8];
	} rows[] = {{"serial", 1, {0}},
		    {"1f1b", 3, {0, 1, 2}},
		    {"zb-h1", 3, {0, 1, 2}},
		    {"zb-h2", 2, {0, 1}},
		    {"gpipe", 3, {0, 1, 2}}};
	struct rng *rng = rng_new(1, "even");

	for (size_t l = 0; l < 2; l++) {
		struct arena a = ARENA_INIT;
		struct placement at;
		struct program *p;

		fixture_mesh(&fixture, UNITS, links[l],
			     arena_printf(&a, "{train: {tokens: 64 tok, micro_batches: 600, schedule: %s}}",
					  rows[_i].schedule),
			     (const char *const[]){arena_printf(&a, "model.layers=%d", LAYERS), NULL});
		at = layout(rng, rows[_i].of, rows[_i].n, 0);
		p = train_build_short(&at);
		ck_assert_uint_gt(p->loop.n * p->loop.micros, 600 - 80);
		program_free(p);
		fixture_release(&fixture);
		arena_release(&a);
	}
	rng_free(rng);
}
END_TEST

/* GPipe's stages go through each half at paces of their own: on machines of unlike speeds, where later stages are slower, quicker or
 * neither, over links that are slower than all of them or are not. */
static struct placement random_halves(struct rng *rng, int micros)
{
	static const char *const roofs[] = {"0.1 TFLOPS", "0.2 TFLOPS", "0.37 TFLOPS", "0.5 TFLOPS"};
	static const size_t order[] = {0, 1, 2};
	struct arena a = ARENA_INIT;
	struct placement at;
	const char *set[UNITS];

	for (int i = 1; i < UNITS; i++)
		set[i] = arena_printf(&a, "machines.m%d.devices.gpu.runtimes.fixture.gemm_f16.roof=%s", i,
				      roofs[below(rng, (int)ARRAY_LEN(roofs))]);
	fixture_mesh(
		&fixture, UNITS, links[below(rng, (int)ARRAY_LEN(links))],
		arena_printf(&a, "{train: {tokens: 64 tok, micro_batches: %d, schedule: gpipe, %s}}", micros,
			     methods[below(rng, (int)ARRAY_LEN(methods))]),
		(const char *const[]){arena_printf(&a, "model.layers=%d", LAYERS), set[1], set[2], NULL});
	at = layout(rng, order, 1 + (size_t)below(rng, UNITS), 0);
	arena_release(&a);
	return at;
}

START_TEST(halves_at_own_paces)
{
	struct rng *rng = rng_new((uint64_t)_i, "halves");
	int shortened = 0;

	for (int i = 0; i < 6; i++) {
		const struct placement at = random_halves(rng, 40 + below(rng, 160));
		struct program *p = train_build_short(&at), *q = train_build(&at);

		compare(rng, &at, p, q);
		shortened += p->halves.second.n > 0;
		program_free(p);
		program_free(q);
		fixture_release(&fixture);
	}
	ck_assert_int_gt(shortened, 3);
	rng_free(rng);
}
END_TEST

/* Runs a few random GPipe steps among equal devices, whose sums and gathers share links with those of other passes; returns how many of them
 * were shortened. */
static int compare_halves_of_ranks(uint64_t seed)
{
	struct rng *rng = rng_new(seed, "halves of ranks");
	int shortened = 0;

	for (int i = 0; i < 6; i++) {
		struct ranked j = ranked_random(rng);
		struct placement at;
		struct program *p, *q;

		while (strcmp(j.schedule, "gpipe") || j.micros < 30)
			j = ranked_random(rng);
		ranked_load(&fixture, &j);
		at = fixture_place(&fixture, 0);
		p = train_build_short(&at);
		q = train_build(&at);
		compare(rng, &at, p, q);
		shortened += p->halves.second.n > 0;
		program_free(p);
		program_free(q);
		fixture_release(&fixture);
	}
	rng_free(rng);
	return shortened;
}

/* The seventh seed has a step where a sum waits for a gather on another link, and is ready while a later pass has the link of sums. */
START_TEST(halves_of_ranks)
{
	const uint64_t seeds = getenv("LONG") ? 24 : 7;
	int shortened = 0;

	for (uint64_t seed = 0; seed < seeds; seed++)
		shortened += compare_halves_of_ranks(seed);
	ck_assert_int_gt(shortened, (int)seeds);
}
END_TEST

/* Cycles of a task on each of two devices, the second after the first. */
static struct program *two_devices(uint32_t cycles, struct program_loop loop)
{
	static const struct op op = {.name = "step", .kind = OP_STEP, .role = ROLE_HEAD};
	struct program *p = program_new(fixture.world);

	for (uint32_t i = 0; i < cycles; i++) {
		const struct label label = {.layer = -1, .part = {ROLE_HEAD, false, 0}, .micro = i};
		struct deps x = {.n = 0};

		x = deps_of(p, program_op(p, &op, 0, 1, label, &x));
		program_op(p, &op, 1, 1, label, &x);
	}
	for (uint32_t i = 0; i < p->tasks.n; i++) /* one class on each device */
		p->tasks.at[i].op_class = i % 2;
	p->loop = loop;
	return p;
}

/* While the second device is a little slower it falls behind: tasks still start in turns, but no cycle has the times of the
 * one before. */
START_TEST(one_falls_behind)
{
	const sim_ns slower[] = {1000, 1001}, quicker[] = {1001, 1000}, *ns = _i ? slower : quicker;
	struct arena a = ARENA_INIT;
	struct program *p, *q;
	struct class_times t, u;
	struct task_run run, whole;

	fixture_mesh(&fixture, 2, links[0], "{train: {tokens: 64 tok}}", NULL);
	p = two_devices(
		12, (struct program_loop){.at = 16, .len = 2, .n = 50, .after = 1, .micros = 1, .each = 12});
	q = two_devices(62, (struct program_loop){0});
	ck_assert(loop_repeats(p));
	t = program_times(&a, p);
	u = program_times(&a, q);
	for (int i = 0; i < 2; i++) {
		t.ns[p->tasks.at[i].op_class] = u.ns[q->tasks.at[i].op_class] = ns[i];
		t.lag_ns[p->tasks.at[i].op_class] = u.lag_ns[q->tasks.at[i].op_class] = 0;
	}
	whole = program_run(&a, q, &u, NULL);
	ck_assert_int_eq(whole.makespan_ns, 62 * 1001 + 1000);
	ck_assert_int_eq(loop_run(&a, p, &t, NULL, &run), !_i);
	ck_assert(_i || run.makespan_ns == whole.makespan_ns);
	ck_assert_int_eq(compiled_run(compile(&a, p, &run), &t).makespan_ns, whole.makespan_ns);
	program_free(p);
	program_free(q);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* Cycles are taken four at a time although only one of them stands behind the place of those left out. */
START_TEST(folded_before_one_cycle)
{
	const sim_ns ns[] = {1000, 700};
	struct arena a = ARENA_INIT;
	struct program *p, *q, *folded;
	struct class_times t, u;
	struct task_run run, whole;
	uint32_t stands_for = 0;

	fixture_mesh(&fixture, 2, links[0], "{train: {tokens: 64 tok}}", NULL);
	p = two_devices(
		12, (struct program_loop){.at = 22, .len = 2, .n = 50, .after = 1, .micros = 1, .each = 12});
	q = two_devices(62, (struct program_loop){0});
	ck_assert(loop_repeats(p));
	folded = loop_folded(p, 4, 8);
	ck_assert_ptr_nonnull(folded);
	ck_assert_uint_eq(folded->loop.micros, 4);
	t = program_times(&a, folded);
	u = program_times(&a, q);
	for (int i = 0; i < 2; i++) {
		t.ns[folded->tasks.at[i].op_class] = u.ns[q->tasks.at[i].op_class] = ns[i];
		t.lag_ns[folded->tasks.at[i].op_class] = u.lag_ns[q->tasks.at[i].op_class] = 0;
	}
	whole = program_run(&a, q, &u, NULL);
	ck_assert(loop_run(&a, folded, &t, NULL, &run));
	ck_assert_int_eq(run.makespan_ns, whole.makespan_ns);
	for (uint32_t i = 0; i < folded->tasks.n; i++)
		stands_for += loop_times(folded, i);
	ck_assert_uint_eq(stands_for, q->tasks.n);
	ck_assert_uint_eq(loop_micro(folded, (uint32_t)folded->tasks.n - 1), 61);
	program_free(folded);
	program_free(p);
	program_free(q);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_loop(void)
{
	Suite *s = suite_create("loop");
	TCase *tc = tcase_create("loop");

	tcase_add_test(tc, as_if_whole);
	tcase_add_loop_test(tc, passes_of_ranks, 0, getenv("LONG") ? 60 : 8);
	tcase_add_loop_test(tc, on_one_medium, 0, getenv("LONG") ? 60 : 6);
	tcase_add_loop_test(tc, path_of_a_tensor_split, 0, 3);
	tcase_add_loop_test(tc, many_cost_as_few, 0, 5);
	tcase_add_loop_test(tc, halves_at_own_paces, 0, getenv("LONG") ? 24 : 8);
	tcase_add_test(tc, halves_of_ranks);
	tcase_add_loop_test(tc, one_falls_behind, 0, 2);
	tcase_add_test(tc, folded_before_one_cycle);
	suite_add_tcase(s, tc);
	return s;
}
