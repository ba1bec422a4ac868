/* check_overlap.c - what ranks of a training step do beside one another: sums beside products, keys beside attention, weights
 * before passes; and what each micro-batch adds to. Against closed forms. */
#include <stdlib.h>
#include <string.h>

#include "sim/step/equals.h"
#include "sim/train/memory.h"
#include "sim/train/train.h"
#include "tests/suites.h"
#include "tests/fixtures.h"
#include "tests/train/ranked.h"

enum { LAYERS = 2, HIDDEN = 256, VOCABULARY = 1000, KV = 2 * 2 * 32, TOKENS = 64, MICROS = 4, WIDTH = 2 };
static const double latency_s = 3e-6, rate = 2e9, table_B = (double)VOCABULARY * HIDDEN * WIDTH,
		    weights_B =
			    (2.0 * VOCABULARY * HIDDEN + HIDDEN +
			     LAYERS * (2.0 * HIDDEN + HIDDEN * (2 * HIDDEN + 2 * 64) + 3 * HIDDEN * 640)) *
			    WIDTH;

#define LINK(name, equals)                                                                                   \
	name ": {schema: lemursim/hardware/1, kind: link, title: fixture, latency: 3 us, bandwidth: 2 "      \
	     "GB/s, "                                                                                        \
	     "all_reduce: ring, equals: " equals "}, "

/* One machine that stands for others, or two; options of the training. */
static void load(struct fixture *t, const char *model, const char *options)
{
	struct str s = STR_INIT;

	str_add(&s, FIXTURE_HEAD "model: ");
	str_add(&s, model);
	str_add(&s, "\nmachines: {a: " FIXTURE_MACHINE ", b: " FIXTURE_MACHINE
		    "}\nlinks: {" LINK("ranks", "tensor") LINK("copies", "data")
			    LINK("tokens", "context") "ab: " FIXTURE_LINK("a", "b") "}\n");
	str_addf(&s,
		 "workload: {train: {tokens: %d tok, method: full, schedule: 1f1b, bucket: 0, micro_batches: "
		 "%d, %s}}\n",
		 TOKENS, MICROS, options);
	str_add(&s, "assignments: [{name: one, place: [{on: a}]}, {name: two, place: [{on: a}, {op: head, "
		    "on: b}]}]\n");
	fixture_text(t, s.text, NULL);
	str_release(&s);
}

struct step {
	double ns, flop, link_s, sums_s, need_B, begins_s; /* begins_s: the first product */
	size_t messages;                                   /* of links */
};

static void add_task(struct step *s, const struct fixture *t, const struct program *p,
		     const struct class_times *times, size_t task)
{
	const struct op_class *c = &p->op_classes.at[p->tasks.at[task].op_class];
	const double ns = (double)times->ns[p->tasks.at[task].op_class];

	if (p->tasks.at[task].queue >= t->world->units_n) {
		s->link_s += ns * 1e-9;
		s->messages++;
	} else if (c->kind == CLASS_OP) {
		s->flop += c->op.flop;
		s->sums_s += strcmp(c->op.name, "sum of gradients") ? 0 : ns * 1e-9;
	}
}

/* The step of an assignment: how long, the FLOP of its devices, how long its links are busy. */
static struct step step_of(const char *model, const char *options, size_t assignment)
{
	struct arena a = ARENA_INIT;
	struct fixture t;
	struct placement at;
	struct program *p;
	struct fixture_run r;
	struct step s = {0};
	struct memory_use *use;

	load(&t, model, options);
	at = fixture_place(&t, assignment);
	p = train_build(&at);
	r = fixture_run(&a, p);
	use = arena_array(&a, t.world->machines_n, sizeof *use);
	train_memory(&a, &at, p, &r.run, use);
	s = (struct step){.ns = (double)r.run.makespan_ns, .need_B = footprint_need_B(&use[0].peak)};
	for (size_t i = 0; i < p->tasks.n; i++)
		add_task(&s, &t, p, &r.times, i);
	for (size_t i = p->tasks.n; i-- > 0;)
		if (p->tasks.at[i].queue < t.world->units_n)
			s.begins_s = (double)r.run.spans[i].start_ns * 1e-9;
	program_free(p);
	fixture_release(&t);
	arena_release(&a);
	return s;
}

static const char plain[] = FIXTURE_MODEL("2");
static const char tied[] = "{schema: lemursim/model/1, title: fixture, source: none, layers: 2, hidden: 256, "
			   "vocabulary: 1000, tied_head: true, "
			   "attention: {heads: 8, kv_heads: 2, head_dim: 32}, ffn: {inner: 640}}";

/* Of 2(p - 1) rounds of a block's sum all but the last go on beside it. */
START_TEST(sums_beside_products)
{
	const struct step s = step_of(plain, "tensor_parallel: 2, sequence_parallel: true", 0),
			  o = step_of(plain,
				      "tensor_parallel: 2, sequence_parallel: true, tensor_overlap: true", 0),
			  without = step_of(plain, "tensor_parallel: 2, tensor_overlap: true", 0),
			  with = step_of(plain, "tensor_parallel: 2", 0);
	/* attention and FFN, forward and backward, but the last of a backward pass, for which the next forward pass does not wait;
	 * a round carries half of the rows */
	const double blocks = LAYERS * 2 * 2 * MICROS - (MICROS - 1),
		     round = (double)TOKENS * HIDDEN * WIDTH / 2 / rate + latency_s;

	ck_assert_double_eq_tol(s.ns - o.ns, 1e9 * blocks * round, 2 * blocks);
	ck_assert_double_eq_tol(s.link_s, o.link_s, 1e-12);
	ck_assert_double_eq(without.ns, with.ns); /* rows that are not divided cannot be sent in pieces */
}
END_TEST

/* The loss of ranks that have a part of the logits each: three numbers in f32 for a row. */
START_TEST(logits_stay_where_they_are)
{
	const struct step s = step_of(plain, "tensor_parallel: 2", 0);
	const double rows = (double)TOKENS * MICROS,
		     passes = LAYERS * 2 * 2 + 1, /* and the head's, backward */
		sums = rows * (passes * HIDDEN * WIDTH + 3 * 4);

	/* a ring of two: a message of half of it and back */
	ck_assert_double_eq_tol(s.link_s, sums / rate, 1e-6 * s.link_s + 1e-9 * (double)s.messages);
}
END_TEST

/* Ranks that share the tokens of a sequence: the same arithmetic in all, keys and values once around, in the backward pass with
 * their gradients. */
START_TEST(tokens_shared)
{
	static const char *const options[] = {"context_parallel: 1", "context_parallel: 2",
					      "context_parallel: 4"};
	const struct step whole = step_of(plain, options[0], 0);

	for (int i = 1; i < 3; i++) {
		const int ranks = 1 << i;
		const struct step s = step_of(plain, options[i], 0);
		const double around = (double)TOKENS * KV * WIDTH * (ranks - 1) / ranks * LAYERS * MICROS *
				      (1 + 2),
			     gradients = 2.0 * (ranks - 1) / ranks *
					 ((double)VOCABULARY * HIDDEN * 2 + HIDDEN +
					  LAYERS * (2.0 * HIDDEN + HIDDEN * (2 * HIDDEN + 2 * 64) +
						    3 * HIDDEN * 640)) *
					 WIDTH;

		ck_assert_double_eq_tol(s.flop * ranks, whole.flop, 1e-9 * whole.flop);
		ck_assert_double_eq_tol(s.link_s, (around + gradients) / rate,
					1e-6 * s.link_s + 1e-9 * (double)s.messages);
		ck_assert(s.need_B < whole.need_B);
	}
}
END_TEST

/* With weights gathered beside the next step's forward passes as many bytes travel as in an all-reduce, and what the all-reduce has at
 * the end is half of it at the beginning. */
START_TEST(weights_gathered_later)
{
	const struct step at_once = step_of(plain, "data_parallel: 2, zero: 1", 0),
			  later = step_of(plain, "data_parallel: 2, zero: 1, step_overlap: true", 0),
			  none = step_of(plain, "data_parallel: 2, step_overlap: true", 0);

	ck_assert_double_eq_tol(later.link_s, at_once.link_s, 1e-9 * (double)later.messages);
	ck_assert(later.ns < at_once.ns);
	ck_assert(later.ns > at_once.ns - 1e9 * at_once.link_s / 2);
	ck_assert(none.ns > later.ns); /* without ZeRO nothing is left to gather */
}
END_TEST

/* Gathers go one after the other: the first pass begins when the embedding's is done, whatever follows it. */
START_TEST(weights_gathered_in_order)
{
	const struct step s = step_of(plain, "data_parallel: 4, zero: 1, step_overlap: true", 0);

	ck_assert_double_eq_tol(s.begins_s, 3 * (table_B / 4 / rate + latency_s), 1e-8);
}
END_TEST

/* ZeRO 3: weights before each forward and each backward pass, gradients once a micro-batch; each of 1/2 of the bytes to the one
 * other. Memory: half of the weights, and two blocks' whole. */
START_TEST(weights_in_parts)
{
	const struct step s = step_of(plain, "data_parallel: 2, zero: 3", 0),
			  two = step_of(plain, "data_parallel: 2, zero: 2", 0);
	const struct step deep = step_of(FIXTURE_MODEL("12"), "data_parallel: 2, zero: 3", 0),
			  deep_two = step_of(FIXTURE_MODEL("12"), "data_parallel: 2, zero: 2", 0);
	const double all = weights_B, micros = MICROS / 2,
		     layers_B = weights_B - 2 * table_B - HIDDEN * WIDTH, deep_B = weights_B + 5 * layers_B,
		     ffn_B = (3.0 * HIDDEN * 640 + HIDDEN) * WIDTH;

	/* the embedding's backward pass needs no weights */
	ck_assert_double_eq_tol(s.link_s, (all * 3 - table_B) / 2 * micros / rate,
				1e-6 * s.link_s + 1e-9 * (double)s.messages);
	ck_assert(s.need_B <= two.need_B);
	ck_assert_double_eq_tol(deep_two.need_B - deep.need_B, deep_B / 2 - 2 * ffn_B, 0.002 * deep_B);
}
END_TEST

/* A tied head beside its embedding costs nothing; on another machine the gradients of both copies of the table are summed. */
START_TEST(tied_head)
{
	const struct step together = step_of(tied, "zero: 0", 0), apart = step_of(tied, "zero: 0", 1),
			  untied = step_of(plain, "zero: 0", 1);
	ck_assert_double_eq_tol(apart.link_s - untied.link_s, 2 * table_B / rate, 1e-3 * table_B / rate);
	ck_assert_double_eq_tol(apart.ns - untied.ns, 1e9 * table_B / rate, 0.2e9 * table_B / rate);
	ck_assert_uint_eq(together.messages, 0);
}
END_TEST

/* Every micro-batch reads its gradients and the sums, and writes these: at 90 GB/s. */
START_TEST(sums_of_micro_batches)
{
	const struct step s = step_of(plain, "optimizer: none", 0),
			  scattered = step_of(plain, "data_parallel: 2, zero: 2", 0);

	/* of the blocks and the head: the embedding has no pass of its own */
	ck_assert_double_eq_tol(s.sums_s,
				MICROS * (3 * (weights_B - table_B) / 90e9 + (2 * LAYERS + 1) * 3e-6),
				1e-9 * s.sums_s + 1e-8);
	ck_assert_double_eq(scattered.sums_s, 0); /* which are a part of them alone */
}
END_TEST

static sim_ns ranked_ns(const struct ranked *j)
{
	struct fixture fixture;
	struct arena a = ARENA_INIT;
	struct placement at;
	struct fixture_run r;

	ranked_load(&fixture, j);
	at = fixture_place(&fixture, 0);
	r = fixture_run(&a, train_build(&at));
	program_free(r.program);
	fixture_release(&fixture);
	arena_release(&a);
	return r.run.makespan_ns;
}

/* Returns whether a task is the last message of a sum of gradients. */
static bool ends_sum(const struct program *p, uint32_t i)
{
	const struct label *l = &p->tasks.at[i].label,
			   *next = i + 1 < p->tasks.n ? &p->tasks.at[i + 1].label : NULL;

	if (l->payload != PAYLOAD_REDUCE_SCATTER)
		return false;
	return !next || next->payload != PAYLOAD_REDUCE_SCATTER || next->layer != l->layer ||
	       !part_same(next->part, l->part);
}

/* Gradients of every micro-batch are summed (ZeRO 2) from two buffers: over a link that takes far longer than the work no pass computes any
 * while two sums are under way, and one is whenever there are any. */
START_TEST(two_buffers_of_gradients)
{
	const char *const schedules[] = {"serial", "1f1b", "zb-h1"};
	const struct ranked j = {.stages = _i ? 2 : 1,
				 .runs = 1,
				 .layers = 6,
				 .ranks = 1,
				 .contexts = 1,
				 .replicas = 2,
				 .micros = 6,
				 .schedule = schedules[_i],
				 .method = "method: full, zero: 2, bucket: 1 B",
				 .link = "latency: 300 us, bandwidth: 0.1 GB/s",
				 .how = "ring"};
	sim_ns ends[2][2] = {{0}}; /* of each device's two latest sums */
	struct fixture fixture;
	struct arena a = ARENA_INIT;
	struct placement at;
	struct fixture_run r;
	bool waited = false;
	int sums = 0;

	ranked_load(&fixture, &j);
	at = fixture_place(&fixture, 0);
	r = fixture_run(&a, train_build(&at));
	for (uint32_t i = 0; i < r.program->tasks.n; i++) {
		const struct program_task *t = &r.program->tasks.at[i];
		const struct task_span *span = &r.run.spans[i];
		const enum grad_part computes = _i == 2 ? GRAD_WEIGHTS : GRAD_BOTH;

		if (ends_sum(r.program, i)) {
			sim_ns *of = ends[queue_machine(fixture.world, queue_at(fixture.world, t->queue))];

			of[0] = of[1];
			of[1] = span->end_ns;
			sums++;
		}
		if (t->queue >= fixture.world->units_n || t->label.phase != PHASE_BACKWARD ||
		    t->label.grad_part != computes)
			continue;
		ck_assert_int_ge(span->start_ns, ends[t->queue][0]);
		waited |= span->start_ns < ends[t->queue][1];
	}
	ck_assert_int_gt(sums, j.micros * 2 * j.layers);
	ck_assert(waited);
	program_free(r.program);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* What a stage gathers while the next step goes forward it would have to gather behind its update. Of several stages one that waits
 * for the others at the end of a step can gather meanwhile, and may be late for its first pass where it gathers then. */
START_TEST(step_overlap_pays)
{
	static const char *const methods_of_replicas[][2] = {
		{"method: full, zero: 1", "method: full, zero: 1, step_overlap: true"},
		{"method: full, zero: 2", "method: full, zero: 2, step_overlap: true"},
		{"method: lora, zero: 1, overlap: false",
		 "method: lora, zero: 1, overlap: false, step_overlap: true"}};
	struct rng *rng = rng_new((uint64_t)_i, "step overlap");

	for (int i = 0; i < 10; i++) {
		struct ranked j = ranked_random(rng);
		const size_t which = (size_t)(rng_uniform(rng) * (double)ARRAY_LEN(methods_of_replicas));
		sim_ns at_once, later;

		j.micros = 1 + j.micros % 8;
		j.replicas *= 2;
		j.method = methods_of_replicas[which][0];
		at_once = ranked_ns(&j);
		j.method = methods_of_replicas[which][1];
		later = ranked_ns(&j);
		ck_assert_msg(later <= at_once + (j.stages > 1 ? at_once / 100 : 0),
			      "%d stages, %d ranks, %d replicas, %s, %s: %lld and %lld ns", j.stages, j.ranks,
			      j.replicas, j.schedule, j.method, (long long)later, (long long)at_once);
	}
	rng_free(rng);
}
END_TEST

Suite *suite_overlap(void)
{
	Suite *s = suite_create("overlap");
	TCase *tc = tcase_create("overlap");

	tcase_add_test(tc, sums_beside_products);
	tcase_add_test(tc, logits_stay_where_they_are);
	tcase_add_test(tc, tokens_shared);
	tcase_add_test(tc, weights_gathered_later);
	tcase_add_test(tc, weights_gathered_in_order);
	tcase_add_test(tc, weights_in_parts);
	tcase_add_test(tc, tied_head);
	tcase_add_test(tc, sums_of_micro_batches);
	tcase_add_loop_test(tc, two_buffers_of_gradients, 0, 3);
	tcase_add_loop_test(tc, step_overlap_pays, 0, getenv("LONG") ? 60 : 8);
	suite_add_tcase(s, tc);
	return s;
}
