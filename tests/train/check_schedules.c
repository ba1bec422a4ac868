/* check_schedules.c - training steps under every schedule, split by data, with adapters: closed forms on the
 * event engine, and what must hold for any assignment. */
#include <math.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/step/collective.h"
#include "sim/train/memory.h"
#include "sim/train/stages.h"
#include "sim/train/train.h"
#include "sim/train/train_work.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

enum { LAYERS = 12 };

/* p machines with equal bare layers, m micro-batches, links that cost nothing and no host, or as `more` says.
 */
static void pipe_world(int p, int m, const char *train, const char *const *more)
{
	struct arena a = ARENA_INIT;
	const char *sets[24];
	size_t n = 0;

	sets[n++] = arena_printf(&a, "model.layers=%d", LAYERS);
	sets[n++] = "model.ends=false";
	for (int i = 0; i < p; i++)
		sets[n++] = arena_printf(&a, "machines.m%d.devices.gpu.runtimes.fixture.overhead.step=0", i);
	for (; more && *more; more++)
		sets[n++] = *more;
	sets[n] = NULL;
	fixture_mesh(&fixture, p, "latency: 0, bandwidth: 1e15 B/s",
		     arena_printf(&a, "{train: {tokens: 64 tok, optimizer: none, micro_batches: %d, %s}}", m,
				  train),
		     sets);
	arena_release(&a);
}

/* Layer l on unit of[l * n / LAYERS]. */
static struct placement layout(const size_t *of, size_t n)
{
	struct placement at = fixture_all_on(&fixture, 0);

	for (int x = PHASE_FORWARD; x < PHASE_N; x++) {
		struct shards *shard_groups = arena_array(&fixture.arena, at.blocks_n, sizeof *shard_groups);

		for (size_t b = 0; b < at.blocks_n; b++) {
			const int64_t layer = model_block(fixture.world->model, b).layer;
			const size_t i = layer < 0 ? 0 : (size_t)layer * n / LAYERS;

			shard_groups[b] = (struct shards){.n = 1, .unit = {of[i]}, .share = {1}};
		}
		at.shard_groups[x] = shard_groups;
	}
	return at;
}

static const struct {
	const char *schedule;
	size_t p, n, of[8];
} pipes[] = {
	{"serial", 3, 3, {0, 1, 2}},
	{"gpipe", 4, 4, {0, 1, 2, 3}},
	{"1f1b", 4, 4, {0, 1, 2, 3}},
	{"interleaved", 2, 4, {0, 1, 0, 1}},
	{"interleaved", 3, 6, {0, 1, 2, 0, 1, 2}},
	{"zb-h1", 4, 4, {0, 1, 2, 3}},
	{"zb-h2", 4, 4, {0, 1, 2, 3}},
	{"zb-v", 2, 4, {0, 1, 1, 0}},
	{"zb-v", 3, 6, {0, 1, 2, 2, 1, 0}},
	{"1f1b", 2, 4, {0, 1, 1, 0}},  /* no chain: a list schedule */
	{"zb-h1", 2, 4, {0, 1, 0, 1}}, /* likewise */
};
static const char *const methods[] = {"method: full", "method: lora, rank: 4, targets: [q, down]",
				      "method: lora, layers: 3, rank: 8", "method: full, recompute: full",
				      "method: full, recompute: selective"};

/* Where links cost nothing the engine takes just as long as the schedule says, and so does the compiled step;
 * the closed forms of check_pipeline.c then hold for it too. */
START_TEST(engine_keeps_the_schedule)
{
	const size_t row = (size_t)_i / ARRAY_LEN(methods);
	const char *method = methods[(size_t)_i % ARRAY_LEN(methods)];

	for (int m = 1; m <= 9; m += 2) {
		struct arena a = ARENA_INIT;
		struct placement at;
		struct stages s;
		struct program *p;
		struct fixture_run r;

		pipe_world((int)pipes[row].p, m,
			   arena_printf(&a, "schedule: %s, %s", pipes[row].schedule, method), NULL);
		at = layout(pipes[row].of, pipes[row].n);
		ck_assert_int_eq(stages_check(&at, &fixture.diags), 0);
		p = program_new(fixture.world);
		s = stages_make(&a, p, &at);
		ck_assert_uint_eq(s.n, 1);
		r = fixture_run(&a, train_build(&at));
		/* forward once more needs no gradient: it may begin while the stage waits for one */
		if (s.trainable.train.options.recompute == RECOMPUTE_FULL)
			ck_assert_int_le(r.run.makespan_ns, s.replicas[0].simulated_orders.makespan_ns);
		else
			ck_assert_int_eq(r.run.makespan_ns, s.replicas[0].simulated_orders.makespan_ns);
		ck_assert_int_eq(compiled_run(r.compiled, &r.times).makespan_ns, r.run.makespan_ns);
		for (size_t i = 0; i < pipes[row].p; i++)
			ck_assert_int_eq(r.run.busy_ns[i], s.replicas[0].simulated_orders.stages[i].busy_ns);
		program_free(r.program);
		program_free(p);
		fixture_release(&fixture);
		arena_release(&a);
	}
}
END_TEST

/* A micro-batch's forward and backward time on one machine alone; of several with its sum of gradients. */
static struct train_times times_alone(const char *method, int micros)
{
	struct arena a = ARENA_INIT;
	struct train_times times;
	struct placement at;
	struct fixture_run r;

	pipe_world(1, micros, method, NULL);
	at = fixture_all_on(&fixture, 0);
	r = fixture_run(&a, train_build(&at));
	times = train_times(train_work(&a, r.program), &r.times, r.run.makespan_ns);
	ck_assert_double_eq_tol(times.forward_s + times.backward_s, sim_s_of_ns(r.run.makespan_ns), 1e-12);
	program_free(r.program);
	fixture_release(&fixture);
	arena_release(&a);
	times.forward_s /= micros;
	times.backward_s /= micros;
	return times;
}

/* In whatever order micro-batches run over p equal stages, each device works m/p of forward and of backward;
 * it waits for the rest of the step, (p - 1)/p of one micro-batch under GPipe and 1F1B (Huang et al.,
 * arXiv:1811.06965; Narayanan et al., arXiv:2006.09503). */
START_TEST(times_by_phase)
{
	const char *method = methods[(size_t)_i % 2];
	const double p = (double)pipes[_i / 2].p;

	for (int m = 1; m <= 9; m += 2) {
		const struct train_times one = times_alone(method, m > 1 ? 2 : 1);
		const double work_s = m * (one.forward_s + one.backward_s) / p;
		struct arena a = ARENA_INIT;
		struct train_times times;
		struct placement at;
		struct fixture_run r;

		pipe_world((int)pipes[_i / 2].p, m,
			   arena_printf(&a, "schedule: %s, %s", pipes[_i / 2].schedule, method), NULL);
		at = layout(pipes[_i / 2].of, pipes[_i / 2].n);
		r = fixture_run(&a, train_build(&at));
		times = train_times(train_work(&a, r.program), &r.times, r.run.makespan_ns);
		ck_assert_double_eq_tol(times.forward_s, m * one.forward_s / p, 1e-9 * work_s);
		ck_assert_double_eq_tol(times.waiting_s,
					sim_s_of_ns(r.run.makespan_ns) - times.forward_s - times.backward_s,
					1e-9 * work_s);
		ck_assert_double_eq(times.optimizer_s, 0);
		if (!(_i % 2)) /* the lowest adapter needs no gradient of its input: stages are unequal */
			ck_assert_double_eq_tol(times.backward_s, m * one.backward_s / p, 1e-9 * work_s);
		if (!(_i % 2) && (!strcmp(pipes[_i / 2].schedule, "gpipe") ||
				  (!strcmp(pipes[_i / 2].schedule, "1f1b") && p == 4)))
			ck_assert_double_eq_tol(times.waiting_s,
						(p - 1) * (one.forward_s + one.backward_s) / p,
						1e-9 * work_s);
		program_free(r.program);
		fixture_release(&fixture);
		arena_release(&a);
	}
}
END_TEST

/* ---- memory: micro-batches held by the first machine, times what one keeps there ---- */

START_TEST(memory_by_schedule)
{
	static const struct {
		const char *schedule;
		double held; /* of the first of four machines, 9 micro-batches */
	} cases[] = {{"gpipe", 9}, {"1f1b", 4}, {"zb-h1", 4}, {"zb-h2", 7}};
	static const size_t of[] = {0, 1, 2, 3};
	double one = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena a = ARENA_INIT;
		struct placement at;
		struct footprint footprint[4];
		struct trainable tr;
		struct train t;

		pipe_world(4, 9, arena_printf(&a, "method: lora, schedule: %s", cases[i].schedule), NULL);
		at = layout(of, 4);
		t = placement_train(&at);
		tr = trainable_make(&a, fixture.world, &t);
		one = 0;
		for (size_t b = 0; b < at.blocks_n; b++)
			if (at.shard_groups[PHASE_BACKWARD][b].unit[0] == 0)
				one += trainable_kept_B(&tr, b, &at.shard_groups[PHASE_BACKWARD][b]);
		train_footprint(&at, footprint);
		ck_assert_double_gt(one, 0);
		ck_assert_double_eq(footprint[0].activations_B, cases[i].held * one);
		fixture_release(&fixture);
		arena_release(&a);
	}
}
END_TEST

/* The peak is no less than any point, and the line ends where only what always stands is left. */
START_TEST(memory_over_time)
{
	static const size_t of[] = {0, 1, 2, 3};
	struct arena a = ARENA_INIT;
	struct memory_use use[4];
	struct placement at;
	struct fixture_run r;

	pipe_world(4, 6, "method: full, schedule: zb-h1",
		   (const char *const[]){"workload.train.optimizer=adamw", NULL});
	at = layout(of, 4);
	r = fixture_run(&a, train_build(&at));
	train_memory(&a, &at, r.program, &r.run, use);
	for (size_t i = 0; i < 4; i++) {
		const struct memory_use *u = &use[i];
		double most = 0;
		sim_ns when = 0;

		ck_assert(u->raised);
		for (size_t k = 0; k < u->points_n; k++) {
			ck_assert(!k || u->points[k].at_ns > u->points[k - 1].at_ns);
			if (u->points[k].bytes > most) {
				most = u->points[k].bytes;
				when = u->points[k].at_ns;
			}
		}
		ck_assert_double_eq_tol(most, footprint_need_B(&u->peak), 1e-6 * most);
		ck_assert_int_eq(when, u->at_ns);
		ck_assert_double_eq_tol(u->points[u->points_n - 1].bytes,
					u->peak.weights_B + u->peak.optimizer_B, 1e-6 * most);
	}
	program_free(r.program);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* ---- split by data ---- */

static void data_world(int n, int m, const char *train, const char *const *more)
{
	struct arena a = ARENA_INIT;
	const char *sets[24];
	size_t k = 0;

	sets[k++] = arena_printf(&a, "assignments.0.place=[{on: [m0%s%s%s], split: data}]",
				 n > 1 ? ", m1" : "", n > 2 ? ", m2" : "", n > 3 ? ", m3" : "");
	for (int i = 0; i < n; i++)
		sets[k++] = arena_printf(&a, "machines.m%d.devices.gpu.runtimes.fixture.overhead.step=0", i);
	for (; more && *more; more++)
		sets[k++] = *more;
	sets[k] = NULL;
	fixture_mesh(&fixture, n, "latency: 10 us, bandwidth: 1 GB/s",
		     arena_printf(&a, "{train: {tokens: 64 tok, optimizer: none, micro_batches: %d, %s}}", m,
				  train),
		     sets);
	arena_release(&a);
}

static double gradients_B(const struct placement *at)
{
	struct arena a = ARENA_INIT;
	const struct train t = placement_train(at);
	const struct trainable tr = trainable_make(&a, at->world, &t);
	double bytes = 0;

	for (size_t b = 0; b < at->blocks_n; b++)
		bytes += tr.blocks[b].gradient_B;
	arena_release(&a);
	return bytes;
}

/* When the last operator of a phase ends; copies and links are no operators. */
static sim_ns last_operator_ns(const struct fixture_run *r, enum phase phase)
{
	sim_ns last = 0;

	for (size_t i = 0; i < r->program->tasks.n; i++) {
		const struct program_task *t = &r->program->tasks.at[i];

		if (t->label.phase == phase && r->program->op_classes.at[t->op_class].kind == CLASS_OP &&
		    r->run.spans[i].end_ns > last)
			last = r->run.spans[i].end_ns;
	}
	return last;
}

/* Equal machines, sent at the end in one bucket: backward ends, then the all-reduce takes what its formula
 * says: a ring moves 2 (n - 1)/n of the gradients over each link in 2 (n - 1) rounds; a tree sends all of
 * them log2 n times each way. */
START_TEST(all_reduce_at_the_end)
{
	static const char *const class_times_set[] = {"ring", "tree", "direct", "scatter"};
	const int n = 2 + _i / 4;
	const char *way = class_times_set[_i % 4];
	struct arena a = ARENA_INIT;
	struct placement at;
	struct fixture_run r;
	struct train_times times;
	double bytes, took_s;
	sim_ns backward;

	data_world(n, 2 * n, arena_printf(&a, "method: full, overlap: false, bucket: 0, all_reduce: %s", way),
		   NULL);
	at = fixture_place(&fixture, 0);
	bytes = gradients_B(&at);
	r = fixture_run(&a, train_build(&at));
	backward = last_operator_ns(&r, PHASE_BACKWARD);
	took_s = sim_s_of_ns(r.run.makespan_ns - backward);
	if (!strcmp(way, "ring")) {
		ck_assert_double_eq_tol(fixture_link_B(r.program, PAYLOAD_ALL_REDUCE), 2.0 * (n - 1) * bytes,
					1e-6 * bytes);
		ck_assert_double_eq_tol(took_s, 2 * (n - 1) * (10e-6 + bytes / n / 1e9), 1e-8);
	} else if (!strcmp(way, "tree") && n != 3) {
		ck_assert_double_eq_tol(took_s, log2(n) * (10e-6 + bytes / 1e9), 1e-8);
	}
	ck_assert_double_eq_tol(fixture_link_B(r.program, PAYLOAD_NONE),
				fixture_link_B(r.program, PAYLOAD_ALL_REDUCE), 1);
	/* the gradients' way to other replicas is nobody's optimizer */
	times = train_times(train_work(&a, r.program), &r.times, r.run.makespan_ns);
	ck_assert_double_eq(times.optimizer_s, 0);
	ck_assert_double_eq_tol(times.waiting_s, took_s, 1e-3 * took_s);
	program_free(r.program);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* The device time of adding gradients to sums over micro-batches. */
static sim_ns sums_ns(const struct program *p, const struct class_times *t)
{
	sim_ns sum = 0;

	for (size_t i = 0; i < p->tasks.n; i++)
		if (p->op_classes.at[p->tasks.at[i].op_class].kind == CLASS_OP &&
		    !strcmp(p->op_classes.at[p->tasks.at[i].op_class].op.name, "sum of gradients"))
			sum += t->ns[p->tasks.at[i].op_class];
	return sum;
}

/* Replicas that share out gradients sum them in every micro-batch: a reduce-scatter, (n - 1)/n of the gradients in n - 1 rounds. Those
 * that share out the optimizer's states alone do for the last. Without overlap the step is longer by all of the others. */
START_TEST(scattered_in_every_micro_batch)
{
	const int n = 2 + _i % 3, micros = 1 + _i / 3;
	sim_ns took[2];

	for (int zero = 1; zero <= 2; zero++) {
		struct arena a = ARENA_INIT;
		struct placement at;
		struct fixture_run r;
		double bytes;

		data_world(n, n * micros,
			   arena_printf(&a,
					"method: full, overlap: false, bucket: 0, all_reduce: ring, zero: %d",
					zero),
			   NULL);
		at = fixture_place(&fixture, 0);
		bytes = gradients_B(&at);
		r = fixture_run(&a, train_build(&at));
		took[zero - 1] = r.run.makespan_ns - sums_ns(r.program, &r.times) / n;
		ck_assert_double_eq_tol(fixture_link_B(r.program, PAYLOAD_REDUCE_SCATTER),
					(zero == 2 ? micros : 1) * (n - 1) * bytes, 1e-6 * bytes);
		if (zero == 2)
			ck_assert_double_eq_tol(sim_s_of_ns(took[1] - took[0]),
						(micros - 1) * (n - 1) * (10e-6 + bytes / n / 1e9), 1e-7);
		program_free(r.program);
		fixture_release(&fixture);
		arena_release(&a);
	}
}
END_TEST

/* Buckets change when bytes go, not how many; sending early is never slower, and on a slow wire it is
 * quicker. */
START_TEST(overlap_pays)
{
	sim_ns took[3];
	double bytes[3];
	static const char *const options[] = {"overlap: false, bucket: 300 kB", "overlap: true",
					      "overlap: true, bucket: 300 kB"};

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		struct arena a = ARENA_INIT;
		struct placement at;
		struct fixture_run r;

		data_world(2, 4, arena_printf(&a, "method: full, all_reduce: ring, %s", options[i]),
			   (const char *const[]){"links.l10.bandwidth=20 MB/s", NULL});
		at = fixture_place(&fixture, 0);
		r = fixture_run(&a, train_build(&at));
		took[i] = r.run.makespan_ns;
		bytes[i] = fixture_link_B(r.program, PAYLOAD_NONE);
		ck_assert_int_eq(compiled_run(r.compiled, &r.times).makespan_ns, r.run.makespan_ns);
		program_free(r.program);
		fixture_release(&fixture);
		arena_release(&a);
	}
	ck_assert_int_lt(took[2], took[0]);
	ck_assert_int_lt(took[2], took[1]);
	ck_assert_double_eq_tol(bytes[1], bytes[0], 1);
	ck_assert_double_eq_tol(bytes[2], bytes[0], 1);
}
END_TEST

/* The best shares are as the speeds: k times as fast, k times the micro-batches, and both end at once. */
START_TEST(shares_by_speed)
{
	static const sim_ns ns[][4] = {
		{100, 100}, {100, 200}, {100, 300}, {100, 200, 400}, {100, 100, 50, 25}};
	static const size_t n[] = {2, 2, 2, 3, 4};
	const uint32_t unit = _i == 3 ? 7 : _i == 4 ? 8 : _i == 0 ? 2 : _i == 1 ? 3 : 4; /* sum of speeds */
	static const double none[4] = {0};

	for (uint32_t k = 1; k < 6; k++) {
		uint32_t out[4];
		uint32_t sum = 0;

		stages_share_out(k * unit, n[_i], none, ns[_i], out);
		for (size_t i = 0; i < n[_i]; i++) {
			ck_assert_int_eq(out[i] * ns[_i][i], out[0] * ns[_i][0]);
			sum += out[i];
		}
		ck_assert_uint_eq(sum, k * unit);
	}
}
END_TEST

START_TEST(shares_as_said)
{
	static const double shares[][3] = {{0.7, 0.3}, {0.5, 0.5}, {0.9, 0.1}, {1.0 / 3, 1.0 / 3, 1.0 / 3}};
	static const size_t n[] = {2, 2, 2, 3};
	static const uint32_t micros[] = {10, 7, 4, 9}, want[][3] = {{7, 3}, {4, 3}, {4, 0}, {3, 3, 3}};
	static const sim_ns ns[3] = {1, 1, 1};
	uint32_t out[3];

	stages_share_out(micros[_i], n[_i], shares[_i], ns, out);
	for (size_t i = 0; i < n[_i]; i++)
		ck_assert_uint_eq(out[i], want[_i][i]);
}
END_TEST

/* ---- what is trained ---- */

/* mlx_lm.lora on Mistral 7B, rank 8, 16 layers, all projections: 10.5 million trainable (taneja-rohit/
 * mac-ml-benchmark, results/raw/M4_Pro/mlx_lora_finetuning.json); and nothing runs backward below layer 16.
 */
START_TEST(adapters_of_mlx)
{
	static const char *const sets[] = {"precision.weights=q4_0",
					   "workload.train.method=qlora",
					   "workload.train.rank=8",
					   "workload.train.layers=16",
					   "workload.train.targets=[q, k, v, o, gate, up, down]",
					   NULL};
	struct arena a = ARENA_INIT;
	double numbers = 0;
	struct placement at;
	struct trainable tr;
	struct train t;
	struct program *p;
	size_t seen = 0;

	fixture_load(&fixture, FIXTURE_FOUNDING, sets);
	at = fixture_all_on(&fixture, 0);
	t = placement_train(&at);
	tr = trainable_make(&a, fixture.world, &t);
	for (size_t i = 0; i < at.blocks_n; i++)
		numbers += tr.blocks[i].numbers;
	ck_assert_double_eq(numbers, 16 * 8 * ((4096.0 + 4096) * 2 + (4096 + 1024) * 2 + (4096 + 14336) * 3));
	ck_assert_double_eq_tol(numbers, 10.5e6, 0.02e6);
	p = train_build(&at);
	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct label *label = &p->tasks.at[i].label;

		if (label->phase != PHASE_BACKWARD)
			continue;
		seen++;
		MUST(label->layer >= 16 || label->part.role == ROLE_HEAD);
	}
	ck_assert_uint_gt(seen, 0);
	program_free(p);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

static const struct {
	enum optimizer optimizer;
	bool master;
	double state_B, traffic_B; /* for each number, of two bytes */
	enum dtype states;
} optimizers[] = {
	{OPTIMIZER_NONE, false, 0, 0, DTYPE_F32},
	{OPTIMIZER_SGD, false, 0, 6, DTYPE_F32},
	{OPTIMIZER_MOMENTUM, false, 4, 6 + 8, DTYPE_F32},
	{OPTIMIZER_ADAM, false, 8, 6 + 16, DTYPE_F32},
	{OPTIMIZER_ADAMW, false, 8, 6 + 16, DTYPE_F32},
	{OPTIMIZER_ADAM_8BIT, false, 2 + 8.0 / 2048, 6 + 4 + 16.0 / 2048, DTYPE_F32},
	{OPTIMIZER_ADAMW, true, 12, 4 + 24, DTYPE_F32},
	{OPTIMIZER_NONE, true, 0, 0, DTYPE_F32},
	{OPTIMIZER_ADAMW, false, 4, 6 + 8, DTYPE_BF16},
	{OPTIMIZER_ADAMW, true, 8, 4 + 16, DTYPE_F16},
	{OPTIMIZER_MOMENTUM, false, 2, 6 + 4, DTYPE_BF16},
	{OPTIMIZER_ADAM_8BIT, false, 2 + 8.0 / 2048, 6 + 4 + 16.0 / 2048, DTYPE_BF16},
};

START_TEST(optimizer_bytes)
{
	const struct train t = {.optimizer = (int)optimizers[_i].optimizer,
				.master = optimizers[_i].master,
				.states = (int)optimizers[_i].states};

	ck_assert_double_eq(optimizer_state_B(&t), optimizers[_i].state_B);
	ck_assert_double_eq(optimizer_traffic_B(&t, 2, 2), optimizers[_i].traffic_B);
	/* the gradient alone is wider */
	ck_assert_double_eq(optimizer_traffic_B(&t, 2, 4),
			    optimizers[_i].traffic_B + (t.optimizer == OPTIMIZER_NONE ? 0 : 2));
}
END_TEST

/* Padding costs as much and counts for nothing. */
START_TEST(padding)
{
	static const char *const sets[][2] = {{NULL}, {"workload.train.padding=25 %", NULL}};
	double tokens[2];
	sim_ns took[2];

	for (int i = 0; i < 2; i++) {
		struct arena a = ARENA_INIT;
		struct placement at;
		struct program *p;

		fixture_load(&fixture, FIXTURE_FOUNDING, sets[i]);
		at = fixture_all_on(&fixture, 0);
		p = train_build(&at);
		took[i] = fixture_run(&a, p).run.makespan_ns;
		tokens[i] = train_tokens(fixture.world->scenario->workload.train);
		program_free(p);
		fixture_release(&fixture);
		arena_release(&a);
	}
	ck_assert_double_eq(tokens[1], 0.75 * tokens[0]);
	ck_assert_int_eq(took[0], took[1]);
}
END_TEST

/* Selective recomputation (Korthikanti et al., arXiv:2205.05198): the probabilities of attention are not
 * kept, its two products are made once more. */
START_TEST(selective)
{
	double flop[2], kept[2];

	for (int i = 0; i < 2; i++) {
		const char *const sets[] = {"workload.train.method=full",
					    i ? "workload.train.recompute=selective" : "seed=2", NULL};
		struct arena a = ARENA_INIT;
		struct placement at;
		struct trainable tr;
		struct train t;
		struct program *p;

		fixture_load(&fixture, FIXTURE_FOUNDING, sets);
		at = fixture_all_on(&fixture, 0);
		t = placement_train(&at);
		tr = trainable_make(&a, fixture.world, &t);
		p = train_build(&at);
		flop[i] = fixture_flop(p);
		kept[i] = 0;
		for (size_t b = 0; b < at.blocks_n; b++)
			kept[i] += trainable_kept_B(&tr, b, &at.shard_groups[PHASE_BACKWARD][b]);
		ck_assert_double_eq(trainable_recompute_B(&tr, 1, &at.shard_groups[PHASE_BACKWARD][1]),
				    ((i ? 4.0 : 0) + 2 * 4) * 512 * 32 *
					    512); /* in f32: PyTorch's math path */
		program_free(p);
		fixture_release(&fixture);
		arena_release(&a);
	}
	ck_assert_double_eq(kept[0] - kept[1], 32 * 4.0 * 512 * 32 * 512);
	ck_assert_double_eq_tol(flop[1] - flop[0], 32 * 4.0 * 4096 * 512 * 512, 1);
}
END_TEST

/* ---- any assignment ---- */

enum { UNITS = 4, ROUNDS = 20 };

static double flop_alone(const struct placement *like)
{
	struct placement at = fixture_all_on(&fixture, 0);
	struct program *p;
	double flop;

	at.assignment = like->assignment;
	p = train_build(&at);
	flop = fixture_flop(p);
	program_free(p);
	return flop;
}

static void no_two_at_once(const struct fixture_run *r)
{
	const size_t queues = program_queues(r->program->world);
	struct arena a = ARENA_INIT;
	sim_ns *busy = arena_array(&a, queues, sizeof *busy), *until = arena_array(&a, queues, sizeof *until);

	/* in the order of their starts: by queue the starts of one that runs in order are in that of the
	 * tasks */
	for (size_t i = 0; i < r->program->tasks.n; i++) {
		const struct task_span *span = &r->run.spans[i];
		const uint32_t q = r->program->tasks.at[i].queue;

		busy[q] += span->end_ns - span->start_ns;
		if (q >= r->program->world->units_n)
			continue;
		MUST(span->start_ns >= until[q]);
		until[q] = span->end_ns;
	}
	for (size_t q = 0; q < queues; q++) {
		ck_assert_int_eq(busy[q], r->run.busy_ns[q]);
		ck_assert_int_le(busy[q], r->run.makespan_ns);
	}
	arena_release(&a);
}

static size_t below(struct rng *rng, size_t n)
{
	const size_t i = (size_t)(rng_uniform(rng) * (double)n);

	return i < n ? i : n - 1;
}

/* Layers and roles anywhere, backward and update perhaps elsewhere. */
static struct placement scattered(struct rng *rng)
{
	struct placement at = fixture_all_on(&fixture, 0);
	const bool apart = below(rng, 3) == 0;

	for (int x = PHASE_FORWARD; x < PHASE_N; x++) {
		struct shards *shard_groups = arena_array(&fixture.arena, at.blocks_n, sizeof *shard_groups);

		for (size_t b = 0; b < at.blocks_n; b++) {
			shard_groups[b] = (struct shards){.n = 1, .unit = {below(rng, UNITS)}, .share = {1}};
			if (b && below(rng, 3))
				shard_groups[b] = shard_groups[b - 1];
			if (x > PHASE_FORWARD && !apart)
				shard_groups[b] = at.shard_groups[PHASE_FORWARD][b];
		}
		at.shard_groups[x] = shard_groups;
	}
	return at;
}

static const char *const makes[] = {
	"model.tied_head=false", "model.tied_head=true",
	"model.experts={count: 8, active: 2, inner: 64, first_dense: 1, shared: 1}",
	"model.attention.latent={q_rank: 48, kv_rank: 32, nope_dim: 16, rope_dim: 16, value_dim: 16}"};

/* Under any schedule as much is carried out as on one machine, the compiled step takes as long as the engine,
 * and no device does two things at once. */
START_TEST(any_assignment)
{
	struct rng *rng = rng_new((uint64_t)_i, "train");

	for (int i = 0; i < ROUNDS; i++) {
		static const char *const schedules[] = {"serial",      "gpipe", "1f1b",
							"interleaved", "zb-h1", "zb-h2"};
		struct arena a = ARENA_INIT;
		struct placement at;
		struct fixture_run r;

		data_world(UNITS, 1 + (int)below(rng, 6),
			   arena_printf(&a, "schedule: %s, %s", schedules[below(rng, ARRAY_LEN(schedules))],
					methods[below(rng, ARRAY_LEN(methods))]),
			   (const char *const[]){"model.layers=4", "assignments.0.place=[{on: m0}]",
						 makes[below(rng, ARRAY_LEN(makes))],
						 below(rng, 2) ? "workload.train.optimizer=adamw" : NULL,
						 NULL});
		at = scattered(rng);
		r = fixture_run(&a, train_build(&at));
		ck_assert_double_eq_tol(fixture_flop(r.program), flop_alone(&at), 1);
		ck_assert_int_eq(compiled_run(r.compiled, &r.times).makespan_ns, r.run.makespan_ns);
		no_two_at_once(&r);
		program_free(r.program);
		fixture_release(&fixture);
		arena_release(&a);
	}
	rng_free(rng);
}
END_TEST

/* The most micro-batches that one replica has. */
static uint32_t most_micros(const struct placement *at)
{
	struct arena a = ARENA_INIT;
	struct program *p = program_new(at->world);
	const struct stages st = stages_make(&a, p, at);
	uint32_t most = 0;

	for (size_t i = 0; i < st.n; i++)
		most = st.replicas[i].micros > most ? st.replicas[i].micros : most;
	program_free(p);
	arena_release(&a);
	return most;
}

/* Replicas, some unlike: together they do what one would, gradients cross as often as the formula says. */
START_TEST(any_data_split)
{
	struct rng *rng = rng_new((uint64_t)_i, "data");

	for (int i = 0; i < ROUNDS; i++) {
		static const char *const schedules[] = {"serial", "gpipe", "1f1b", "zb-h1"};
		static const char *const buckets[] = {"0", "200 kB", "1 MB", "25 MiB"};
		const int n = 2 + (int)below(rng, 3), zero = (int)below(rng, 3);
		struct arena a = ARENA_INIT;
		struct placement at;
		struct fixture_run r;

		data_world(n, n + (int)below(rng, 6),
			   arena_printf(
				   &a,
				   "zero: %d, schedule: %s, %s, all_reduce: ring, bucket: %s, overlap: %s",
				   zero, schedules[below(rng, ARRAY_LEN(schedules))],
				   methods[below(rng, ARRAY_LEN(methods))],
				   buckets[below(rng, ARRAY_LEN(buckets))], below(rng, 2) ? "true" : "false"),
			   (const char *const[]){
				   "model.layers=8",
				   below(rng, 2)
					   ? "machines.m1.devices.gpu.runtimes.fixture.overhead.kernel=40 us"
					   : "seed=2",
				   NULL});
		at = fixture_place(&fixture, 0);
		ck_assert_int_eq(stages_check(&at, &fixture.diags), 0);
		r = fixture_run(&a, train_build(&at));
		ck_assert_double_eq_tol(fixture_flop(r.program), flop_alone(&at), 1);
		ck_assert_double_eq_tol(fixture_link_B(r.program, PAYLOAD_NONE),
					(zero == 2 ? 1.0 + most_micros(&at) : 2) * (n - 1) * gradients_B(&at),
					1);
		ck_assert_int_eq(compiled_run(r.compiled, &r.times).makespan_ns, r.run.makespan_ns);
		no_two_at_once(&r);
		program_free(r.program);
		fixture_release(&fixture);
		arena_release(&a);
	}
	rng_free(rng);
}
END_TEST

Suite *suite_schedules(void)
{
	Suite *s = suite_create("schedules");
	TCase *tc = tcase_create("schedules");

	tcase_add_loop_test(tc, times_by_phase, 0, 2 * ARRAY_LEN(pipes));
	tcase_add_loop_test(tc, engine_keeps_the_schedule, 0, (int)(ARRAY_LEN(pipes) * ARRAY_LEN(methods)));
	tcase_add_test(tc, memory_by_schedule);
	tcase_add_test(tc, memory_over_time);
	tcase_add_loop_test(tc, all_reduce_at_the_end, 0, 3 * 4);
	tcase_add_loop_test(tc, scattered_in_every_micro_batch, 0, 9);
	tcase_add_test(tc, overlap_pays);
	tcase_add_loop_test(tc, shares_by_speed, 0, 5);
	tcase_add_loop_test(tc, shares_as_said, 0, 4);
	tcase_add_test(tc, adapters_of_mlx);
	tcase_add_loop_test(tc, optimizer_bytes, 0, (int)ARRAY_LEN(optimizers));
	tcase_add_test(tc, padding);
	tcase_add_test(tc, selective);
	tcase_add_loop_test(tc, any_assignment, 0, 30);
	tcase_add_loop_test(tc, any_data_split, 0, 20);
	suite_add_tcase(s, tc);
	return s;
}
