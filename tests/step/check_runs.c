/* check_runs.c - what tasks share: the memory of a machine, by hand; parameters that move it. */
#include "sim/step/run.h"

#include <stdlib.h>

#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

/* Every stream of every device runs at 100 GB/s, and so no more than that comes out of a memory. */
static void world(const char *more)
{
	const char *const sets[] = {"machines.a.devices.gpu.runtimes.fixture.copy=100 GB/s",
				    "machines.a.devices.cpu.runtimes.fixture.copy=100 GB/s",
				    "machines.b.devices.gpu.runtimes.fixture.copy=100 GB/s",
				    "machines.c.devices.gpu.runtimes.fixture.copy=100 GB/s",
				    more,
				    NULL};

	fixture_text(&fixture, FIXTURE_THREE, sets);
}

enum { A_GPU, A_CPU, B_GPU, C_GPU };

/* So many ms of one device's streaming, or of its arithmetic beside so many ms of streaming. */
struct load {
	size_t unit;
	double stream_ms, arithmetic_ms, ends_ms;
};

static uint32_t put(struct program *p, const struct load *l, const struct deps *after)
{
	const struct label label = {.phase = PHASE_UPDATE};
	/* one pass of an update at the copy rate; a product of many rows at half a TFLOPS */
	const struct op stream = graph_update(ROLE_FFN, l->stream_ms * 1e8, 1);
	const struct op product = {.name = "product",
				   .kind = OP_LINEAR,
				   .m = 1 << 12,
				   .n = 1,
				   .k = 1,
				   .copies = 1,
				   .flop = l->arithmetic_ms * 0.5e9,
				   .tensor_B = l->stream_ms * 1e8,
				   .times = 1};
	const uint32_t i = program_op(p, l->arithmetic_ms > 0 ? &product : &stream, l->unit, 1, label, after);

	p->op_classes.at[p->tasks.at[i].op_class].cost.overhead.s = 0;
	return i;
}

/* All begin at 0. */
static const struct {
	struct load load[3];
	size_t n;
} loads[] = {
	{{{A_GPU, 4, 0, 4}}, 1},
	/* two equal streams of one machine: twice as long each */
	{{{A_GPU, 4, 0, 8}, {A_CPU, 4, 0, 8}}, 2},
	/* the shorter one gone, the longer one has all */
	{{{A_GPU, 4, 0, 6}, {A_CPU, 2, 0, 4}}, 2},
	/* of two machines: no sharing */
	{{{A_GPU, 4, 0, 4}, {B_GPU, 4, 0, 4}}, 2},
	{{{A_GPU, 4, 0, 8}, {A_CPU, 4, 0, 8}, {C_GPU, 4, 0, 4}}, 3},
	/* arithmetic alone asks for no bytes; twice a quarter of the bandwidth is no matter either */
	{{{A_GPU, 0, 4, 4}, {A_CPU, 0, 4, 4}}, 2},
	{{{A_GPU, 1, 4, 4}, {A_CPU, 1, 4, 4}}, 2},
	/* a stream beside it has what it leaves: three quarters until it ends at 4 with 3 ms done, then all
	 */
	{{{A_GPU, 4, 0, 5}, {A_CPU, 1, 4, 4}}, 2},
	/* what asks for more than half gets half beside a stream: 3 ms of bytes at half the rate */
	{{{A_GPU, 4, 0, 7}, {A_CPU, 3, 4, 6}}, 2},
};

START_TEST(shares_by_hand)
{
	struct program *p;
	struct fixture_run r;
	double bytes = 0;

	world(NULL);
	p = program_new(fixture.world);
	for (size_t i = 0; i < loads[_i].n; i++) {
		put(p, &loads[_i].load[i], NULL);
		bytes += loads[_i].load[i].unit <= A_CPU ? loads[_i].load[i].stream_ms * 1e8 : 0;
	}
	r = fixture_run(&fixture.arena, p);
	for (size_t i = 0; i < loads[_i].n; i++)
		ck_assert_int_le(llabs(r.run.spans[i].end_ns - (sim_ns)(loads[_i].load[i].ends_ms * 1e6)), 2);
	ck_assert_int_eq(program_shares(p), loads[_i].n > 1 && loads[_i].load[1].unit == A_CPU);
	if (program_shares(p)) /* all bytes came over a's memory */
		ck_assert_double_eq_tol(r.run.wire_B[fixture.world->parts_n], bytes, 1e-3);
	ck_assert_int_eq(compiled_run(r.compiled, &r.times).makespan_ns, r.run.makespan_ns);
	program_free(p);
	fixture_release(&fixture);
}
END_TEST

/* One after the other, devices of one machine take what they would take alone, to the nanosecond. */
START_TEST(nothing_at_once_nothing_shared)
{
	struct load l = {A_GPU, 0.123457, 0, 0};
	struct deps after = {.n = 0};
	struct fixture_run r;
	struct program *p;
	sim_ns sum = 0;

	world(NULL);
	p = program_new(fixture.world);
	for (int i = 0; i < 200; i++) {
		l.unit = i % 2 ? A_CPU : A_GPU;
		l.stream_ms += 0.0318309;
		after = deps_of(p, put(p, &l, &after));
	}
	r = fixture_run(&fixture.arena, p);
	ck_assert(program_shares(p));
	for (size_t i = 0; i < p->tasks.n; i++) {
		ck_assert_int_eq(r.run.spans[i].end_ns - r.run.spans[i].start_ns,
				 r.times.ns[p->tasks.at[i].op_class]);
		sum += r.times.ns[p->tasks.at[i].op_class];
	}
	ck_assert_int_eq(r.run.makespan_ns, sum);
	program_free(p);
	fixture_release(&fixture);
}
END_TEST

/* The memory is as quick as the quicker of its devices makes it: both twice as fast, all in half the time;
 * one of them, and the other still has the half of more. */
START_TEST(parameters_move_the_memory)
{
	static const struct {
		double gpu, cpu, ends_ms;
	} speeds[] = {{1, 1, 8}, {2, 2, 4}, {0.5, 0.5, 16}, {2, 1, 4}};
	const struct load l[] = {{A_GPU, 4, 0, 0}, {A_CPU, 4, 0, 0}};
	struct params *v;
	struct fixture_run r;
	struct program *p;

	world(NULL);
	p = program_new(fixture.world);
	put(p, &l[0], NULL);
	put(p, &l[1], NULL);
	v = arena_array(&fixture.arena, program_sources(fixture.world), sizeof *v);
	for (size_t s = 0; s < program_sources(fixture.world); s++)
		for (int i = 0; i < PARAM_N; i++)
			v[s].of[i] = 1;
	v[A_GPU].of[PARAM_MEMORY] = speeds[_i].gpu;
	v[A_CPU].of[PARAM_MEMORY] = speeds[_i].cpu;
	r = fixture_run(&fixture.arena, p);
	program_times_at(p, v, &r.times);
	ck_assert_int_le(
		llabs(compiled_run(r.compiled, &r.times).makespan_ns - (sim_ns)(speeds[_i].ends_ms * 1e6)),
		2);
	program_free(p);
	fixture_release(&fixture);
}
END_TEST

/* A step of which two devices of a machine do halves at once cannot take less than its bytes do. */
START_TEST(no_faster_than_the_memory)
{
	const struct shape s = {.batch = 1, .tokens = 1, .past = 100};
	const struct shards shards = SHARD_GROUP_2(A_GPU, A_CPU, 0.5);
	const struct label label = {.phase = PHASE_DECODE, .part = {ROLE_FFN, false, 0}};
	double bytes = 0;
	struct fixture_run r;
	struct program *p;

	world("model.ffn.inner=65536");
	p = program_new(fixture.world);
	program_block(p, &s, &shards, label, &(struct deps){.n = 0});
	for (size_t i = 0; i < p->tasks.n; i++)
		bytes += p->op_classes.at[p->tasks.at[i].op_class].cost.bytes;
	r = fixture_run(&fixture.arena, p);
	ck_assert_int_ge(r.run.makespan_ns, sim_ns_of_s(bytes / 100e9));
	ck_assert_double_eq_tol(r.run.wire_B[fixture.world->parts_n], bytes, 1e-3);
	program_free(p);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_runs(void)
{
	Suite *s = suite_create("runs");
	TCase *tc = tcase_create("runs");

	tcase_add_loop_test(tc, shares_by_hand, 0, ARRAY_LEN(loads));
	tcase_add_test(tc, nothing_at_once_nothing_shared);
	tcase_add_loop_test(tc, parameters_move_the_memory, 0, 4);
	tcase_add_test(tc, no_faster_than_the_memory);
	suite_add_tcase(s, tc);
	return s;
}
