/*
 * check_offload.c - weights that stay on the disk: which, how many bytes a step reads, how long it takes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/place/footprint.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

#define MOE                                                                                                  \
	"model.experts={count: 16, active: 2, inner: 320}", "model.ffn=null", "model.attention.window=0 tok"
#define STREAM "assignments.0.generate={overflow: stream}"

static void load(const char *usable, const char *disk, const char *const *more)
{
	struct arena a = ARENA_INIT;
	const char *sets[12] = {"model.layers=8", "assignments.0.place=[{on: a}]", STREAM,
				arena_printf(&a, "machines.a.memory.usable=%s", usable)};
	size_t n = 4;

	if (disk)
		sets[n++] = arena_printf(&a, "machines.a.disk={read: %s}", disk);
	for (; more && *more; more++)
		sets[n++] = *more;
	fixture_text(&fixture, FIXTURE_PAIR, sets);
	arena_release(&a);
}

static double read_B(const struct program *p)
{
	double bytes = 0;

	for (size_t i = 0; i < p->tasks.n; i++)
		if (p->op_classes.at[p->tasks.at[i].op_class].kind == CLASS_READ)
			bytes += p->op_classes.at[p->tasks.at[i].op_class].bytes;
	return bytes;
}

static sim_ns compute_ns(const struct program *p)
{
	sim_ns sum = 0;

	for (size_t i = 0; i < p->tasks.n; i++)
		if (p->tasks.at[i].queue == 0)
			sum += sim_ns_of_s(cost_seconds(&p->op_classes.at[p->tasks.at[i].op_class].cost));
	return sum;
}

static sim_ns reading_ns(const struct program *p)
{
	sim_ns sum = 0;

	for (size_t i = 0; i < p->tasks.n; i++)
		if (p->tasks.at[i].queue == queue_index(p->world, (struct queue){QUEUE_DISK, 0, 0}))
			sum += sim_ns_of_s(cost_seconds(&p->op_classes.at[p->tasks.at[i].op_class].cost));
	return sum;
}

/* ---- which weights ---- */

static const struct {
	const char *usable;
	bool fits, streams;
} memories[] = {
	{"1 TB", true, false}, {"20 MB", true, false}, {"12 MB", true, true},  {"8 MB", true, true},
	{"7 MB", true, true},  {"3 MB", false, false}, {"1 MB", false, false},
};

START_TEST(just_what_is_missing)
{
	struct footprint with[2], without[2];
	struct placement p;
	struct generate_programs g;
	double largest = 0, others = 0;

	load(memories[_i].usable, "1 GB/s", NULL);
	p = fixture_place(&fixture, 0);
	for (size_t b = 0; b < p.blocks_n; b++) {
		static const enum phase decode[] = {PHASE_DECODE};
		const double bytes = footprint_block_B(&p, decode, 1, b, 0);

		if (model_block(fixture.world->model, b).part.role == ROLE_EMBEDDING)
			continue;
		largest = fmax(largest, bytes);
		others += bytes;
	}
	footprint_generate(&p, with);
	p.assignment = &(const struct assignment){.name = "refusing"};
	footprint_generate(&p, without);
	ck_assert_int_eq(footprint_short_B(&with[0]) == 0, memories[_i].fits);
	ck_assert_int_eq(with[0].disk_B > 0, memories[_i].streams);
	ck_assert_double_eq(with[0].kv_B, without[0].kv_B);
	if (!memories[_i].streams) {
		ck_assert_double_eq(with[0].weights_B, without[0].weights_B);
	} else {
		const double room = with[0].offload.others * 2 * largest;

		ck_assert_double_eq_tol(footprint_need_B(&with[0]), with[0].usable_B, 1e-3);
		ck_assert_double_eq_tol(with[0].weights_B - room + with[0].disk_B, without[0].weights_B,
					1e-3);
		ck_assert_double_eq_tol(with[0].disk_B, with[0].offload.others * others, 1e-3);
		p = fixture_place(&fixture, 0);
		g = generate_build(&p);
		ck_assert_double_eq_tol(read_B(g.later[1]) / g.repeat, with[0].disk_B, 1e-3);
		ck_assert_double_eq_tol(read_B(g.first), 2 * with[0].disk_B, 1e-3);
		generate_free(&g);
	}
	fixture_release(&fixture);
}
END_TEST

/* Without a disk nothing is offloaded, whatever is asked for. */
START_TEST(no_disk)
{
	struct footprint footprint[2];
	struct placement p;

	load("8 MB", NULL, NULL);
	p = fixture_place(&fixture, 0);
	footprint_generate(&p, footprint);
	ck_assert_double_gt(footprint_short_B(&footprint[0]), 3e6);
	ck_assert_double_eq(footprint[0].disk_B, 0);
	fixture_release(&fixture);
}
END_TEST

/* Experts go first, and only those that tokens hit are read. */
START_TEST(experts_go_first)
{
	static const char *const sizes[] = {"200 MB", "40 MB", "23 MB"};
	static const char *const batches[] = {"workload.generate.batch=1", "workload.generate.batch=5"};
	const char *const more[] = {MOE, batches[_i / 3], NULL};
	const double tokens = _i / 3 ? 5 : 1, hit = 16 * (1 - pow(1 - 2.0 / 16, tokens));
	static const enum phase decode[] = {PHASE_DECODE};
	double experts = 0, others = 0;
	struct footprint footprint[2];
	struct placement p;
	struct generate_programs g;

	load(sizes[_i % 3], "1 GB/s", more);
	p = fixture_place(&fixture, 0);
	footprint_generate(&p, footprint);
	for (size_t b = 0; b < p.blocks_n; b++) {
		const enum role role = model_block(fixture.world->model, b).part.role;

		if (role != ROLE_EMBEDDING)
			*(role == ROLE_EXPERTS ? &experts : &others) +=
				footprint_block_B(&p, decode, 1, b, 0);
	}
	ck_assert(footprint[0].offload.others == 0 || footprint[0].offload.experts == 1);
	if (_i % 3 == 0) {
		ck_assert_double_eq(footprint[0].disk_B, 0);
	} else {
		g = generate_build(&p);
		ck_assert_double_eq_tol(read_B(g.later[0]) / g.repeat,
					footprint[0].offload.experts * experts * hit / 16 +
						footprint[0].offload.others * others,
					1e-3);
		generate_free(&g);
	}
	ck_assert_double_eq_tol(footprint[0].disk_B,
				footprint[0].offload.experts * experts + footprint[0].offload.others * others,
				1e-3);
	fixture_release(&fixture);
}
END_TEST

/* ---- how long ---- */

/* The time of a step with a slow disk is that of its reads; with an infinitely fast disk it is that without reads; in between it is no less than either. */
static const char *const rates[] = {"1 MB/s", "50 MB/s", "1 GB/s", "10 GB/s", "30 GB/s", "1 TB/s"};

START_TEST(pace_of_a_disk)
{
	struct arena a = ARENA_INIT;
	struct placement p;
	struct generate_programs g;
	struct fixture_run r;
	double disk, compute;

	load("8 MB", rates[_i], NULL);
	p = fixture_place(&fixture, 0);
	g = generate_build(&p);
	r = fixture_run(&a, g.later[0]);
	disk = sim_s_of_ns(reading_ns(g.later[0]) / g.repeat);
	compute = sim_s_of_ns(compute_ns(g.later[0]) / g.repeat);
	ck_assert_double_ge(fixture_step_s(&g, 0), fmax(disk, compute) - 1e-12);
	ck_assert_double_le(fixture_step_s(&g, 0), disk + compute);
	if (_i <= 1)
		ck_assert_double_eq_tol(fixture_step_s(&g, 0), disk, 1e-9);
	if (_i == 5)
		ck_assert_double_eq_tol(fixture_step_s(&g, 0), compute, 1e-9);
	ck_assert_int_eq(compiled_run(r.compiled, &r.times).makespan_ns, r.run.makespan_ns);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

START_TEST(faster_disks_never_slow_a_step)
{
	static const char *const more[] = {MOE, "workload.generate.batch=4", NULL};
	double before = INFINITY;

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		struct placement p;
		struct generate_programs g;

		load("40 MB", rates[i], _i ? more : (const char *const[]){"model.layers=24", NULL});
		p = fixture_place(&fixture, 0);
		g = generate_build(&p);
		ck_assert_double_gt(read_B(g.later[2]), _i ? 0 : -1);
		ck_assert_double_le(fixture_step_s(&g, 2), before);
		before = fixture_step_s(&g, 2);
		generate_free(&g);
		fixture_release(&fixture);
	}
}
END_TEST

/* A read of experts begins when the router has said which, and what computes waits for it. */
START_TEST(reads_wait_for_the_router)
{
	static const char *const more[] = {MOE, NULL};
	struct arena a = ARENA_INIT;
	struct placement p;
	struct generate_programs g;
	struct fixture_run r;
	sim_ns routed = 0, read = 0;
	size_t seen = 0;

	load("40 MB", "1 GB/s", more);
	p = fixture_place(&fixture, 0);
	g = generate_build(&p);
	r = fixture_run(&a, g.later[0]);
	for (size_t i = 0; i < g.later[0]->tasks.n; i++) {
		const struct program_task *t = &g.later[0]->tasks.at[i];
		const bool reads = g.later[0]->op_classes.at[t->op_class].kind == CLASS_READ;

		if (t->label.part.role == ROLE_ROUTER)
			routed = r.run.spans[i].end_ns;
		if (reads) {
			ck_assert_int_ge(r.run.spans[i].start_ns, routed);
			read = r.run.spans[i].end_ns;
			seen++;
		} else if (t->label.part.role == ROLE_EXPERTS) {
			ck_assert_int_ge(r.run.spans[i].start_ns, read);
		}
	}
	ck_assert_uint_eq(seen, 8 * (size_t)g.repeat);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* Mixtures of the catalogue, with and without dense layers at the front. */
static const struct {
	const char *model;
	int64_t layers, dense;
} mixtures[] = {{"qwen3-30b-a3b", 48, 0},
		{"gpt-oss-20b", 24, 0},
		{"deepseek-v2-lite", 27, 1},
		{"glm-4.5-air", 46, 1},
		{"deepseek-v3", 61, 3}};

static size_t experts_on(const struct placement *p, enum phase phase, size_t unit, int64_t from, int64_t to)
{
	size_t n = 0;

	for (size_t b = 0; b < p->blocks_n; b++) {
		const struct block k = model_block(p->world->model, b);

		n += k.part.role == ROLE_EXPERTS && k.layer >= from && k.layer < to &&
		     p->shard_groups[phase][b].unit[0] == unit;
	}
	return n;
}

static void check_first_layers(size_t mixture, int64_t n)
{
	const int64_t layers = mixtures[mixture].layers, dense = mixtures[mixture].dense;
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		arena_printf(&a, "model=%s", mixtures[mixture].model), "runtime=llama.cpp",
		"precision.weights=q4_0",
		arena_printf(
			&a, "assignments=[{name: x, place: [{on: m5}], offload: {experts: %lld, to: m4pro}}]",
			(long long)n),
		NULL};
	struct placement p;

	fixture_load(&fixture, FIXTURE_FOUNDING, sets);
	p = fixture_place(&fixture, 0);
	for (int phase = PHASE_PREFILL; phase <= PHASE_DECODE; phase++) {
		ck_assert_int_eq((int64_t)experts_on(&p, (enum phase)phase, 1, 0, n), n - dense);
		ck_assert_uint_eq(experts_on(&p, (enum phase)phase, 1, n, layers), 0);
		for (size_t b = 0; b < p.blocks_n; b++)
			if (model_block(fixture.world->model, b).part.role != ROLE_EXPERTS)
				ck_assert_uint_eq(p.shard_groups[phase][b].unit[0], 0);
	}
	fixture_release(&fixture);
	arena_release(&a);
}

/* --n-cpu-moe counts layers from the first, dense ones too, and moves nothing but routed experts. */
START_TEST(experts_of_the_first_layers)
{
	const int64_t layers = mixtures[_i].layers;
	const int64_t counts[] = {1, 2, 3, 4, layers / 2, layers - 1, layers};

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (counts[i] > mixtures[_i].dense) /* dense layers alone are an error */
			check_first_layers((size_t)_i, counts[i]);
}
END_TEST

/* Passes of a prompt with 32 rows or more have the card copy the experts that they hit and compute them; shorter ones, and
 * all under --no-op-offload, run where the experts are. */
static const struct {
	const char *prompt, *batch, *op_offload;
	double passes, tokens; /* of a pass that copies; 0: none does */
} prompts[] = {{"96 tok", "1", "true", 1, 96}, {"32 tok", "1", "true", 1, 32},
	       {"31 tok", "1", "true", 0, 0},  {"16 tok", "2", "true", 1, 32},
	       {"96 tok", "1", "false", 0, 0}, {"512 tok", "1", "true", 2, 256}};
enum { OFFLOADED = 3 };

static void load_prompt(struct arena *a, size_t i)
{
	const char *const sets[] = {
		arena_printf(a, "workload.generate={prompt: %s, tokens: 4 tok, batch: %s, chunk: 256 tok}",
			     prompts[i].prompt, prompts[i].batch),
		arena_printf(a,
			     "assignments=[{name: x, place: [{on: card}], offload: {experts: %d, to: host, "
			     "op_offload: %s}}]",
			     OFFLOADED, prompts[i].op_offload),
		NULL};

	fixture_load(&fixture, "scenarios/offload-3090.yaml", sets);
}

START_TEST(prompts_copy_experts)
{
	static const enum phase both[] = {PHASE_PREFILL, PHASE_DECODE};
	const bool copies = prompts[_i].passes > 0;
	struct arena a = ARENA_INIT;
	struct footprint footprint[2];
	struct generate_programs g;
	struct placement p;
	double each = 0, hit;

	load_prompt(&a, (size_t)_i);
	p = fixture_place(&fixture, 0);
	ck_assert_uint_eq(experts_on(&p, PHASE_DECODE, 1, 0, OFFLOADED), OFFLOADED);
	ck_assert_uint_eq(experts_on(&p, PHASE_PREFILL, 1, 0, OFFLOADED), copies ? 0 : OFFLOADED);
	for (size_t b = 0; b < p.blocks_n; b++)
		if (model_block(fixture.world->model, b).part.role == ROLE_EXPERTS)
			each = footprint_block_B(&p, both, 2, b,
						 model_block(fixture.world->model, b).layer < OFFLOADED);
	footprint_generate(&p, footprint);
	ck_assert_double_eq_tol(footprint[1].weights_B, OFFLOADED * each, 1);
	ck_assert_double_eq_tol(footprint[0].weights_B,
				footprint_weights_B(&p, both, 2, 0) + (copies ? each : 0), 1);
	hit = copies ? experts_hit(fixture.world->model->experts, prompts[_i].tokens) / 128 : 0;
	ck_assert_double_le(hit,
			    1 - pow(1 - 4.0 / 128, prompts[_i].tokens)); /* of a router without favourites */
	g = generate_build(&p);
	ck_assert_double_eq_tol(fixture_link_B(g.first, PAYLOAD_WEIGHTS),
				prompts[_i].passes * OFFLOADED * hit * each, 1e-6 * each);
	ck_assert_double_eq(fixture_link_B(g.later[0], PAYLOAD_WEIGHTS), 0);
	generate_free(&g);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_offload(void)
{
	Suite *s = suite_create("offload");
	TCase *tc = tcase_create("offload");

	tcase_add_loop_test(tc, just_what_is_missing, 0, ARRAY_LEN(memories));
	tcase_add_test(tc, no_disk);
	tcase_add_loop_test(tc, experts_go_first, 0, 6);
	tcase_add_loop_test(tc, pace_of_a_disk, 0, ARRAY_LEN(rates));
	tcase_add_loop_test(tc, faster_disks_never_slow_a_step, 0, 2);
	tcase_add_test(tc, reads_wait_for_the_router);
	tcase_add_loop_test(tc, prompts_copy_experts, 0, ARRAY_LEN(prompts));
	tcase_add_loop_test(tc, experts_of_the_first_layers, 0, ARRAY_LEN(mixtures));
	suite_add_tcase(s, tc);
	return s;
}
