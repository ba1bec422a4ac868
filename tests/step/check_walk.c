/* check_walk.c - who feeds whom: layers with experts on one device, on several, forward and backward. */
#include "sim/step/walk.h"

#include <string.h>

#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

#define H (20 * 256 * 2.0) /* 20 rows of hidden, in f16 */
#define W (20 * 4 * 2.0)   /* four routing weights each */

/* Bytes between shard groups. Forward the head takes all rows; backward it gives their gradients, and the embedding
 * wants its own. What goes around the experts goes with the rows where there are norms. */
static const struct {
	const char *place, *more;
	double forward_B, backward_B;
} crossings[] = {
	{"[{on: a}]", NULL, 0, 0},
	{"[{on: a}, {op: [experts, shared_experts, router], on: a.cpu}]", NULL, 0, 0},
	{"[{on: a}, {op: experts, on: b}]", NULL, (2 * H + W) + H + H, H + (2 * H + W)},
	{"[{on: a}, {op: experts, on: b}]", "model.norms=false", (H + W) + H + H, H + (H + W)},
	/* rows go once to a machine with both kinds; their gradients are summed there */
	{"[{on: a}, {op: [shared_experts, experts], on: b}]", NULL, (2 * H + W) + H, H + (2 * H + W)},
	{"[{on: a}, {op: experts, on: b}, {op: shared_experts, on: b.cpu}]", NULL, (2 * H + W) + H,
	 H + (2 * H + W)},
	{"[{on: a}, {op: shared_experts, on: b}]", NULL, H + H, H + H},
	/* what goes around the experts comes with the router's input */
	{"[{on: a}, {op: [router, experts], on: b}]", NULL, 4 * H, 3 * H},
	{"[{on: a}, {op: [router, shared_experts, experts], on: b}]", NULL, H + H, H + H},
	{"[{on: a}, {op: experts, on: b}, {op: shared_experts, on: c}]", NULL, (2 * H + W) + H + H + H,
	 H + H + (2 * H + W) + H},
	{"[{on: a}, {layers: 1, on: b}]", NULL, H + H, H + H},
	{"[{on: a}, {op: head, on: b}]", NULL, H, H},
};

START_TEST(bytes_between_seats)
{
	struct placement p;
	struct program *f, *b;

	fixture_experts(&fixture, crossings[_i].place, crossings[_i].more);
	p = fixture_place(&fixture, 0);
	f = fixture_walked(&fixture, &p, PHASE_FORWARD);
	b = fixture_walked(&fixture, &p, PHASE_BACKWARD);
	ck_assert_double_eq(fixture_link_B(f, PAYLOAD_NONE), crossings[_i].forward_B);
	ck_assert_double_eq(fixture_link_B(b, PAYLOAD_NONE), crossings[_i].backward_B);
	program_free(f);
	program_free(b);
	fixture_release(&fixture);
}
END_TEST

/* A prompt whose last tokens alone give logits hands their rows alone to the head. */
START_TEST(head_takes_what_it_needs)
{
	struct placement p;
	struct program *f = NULL;
	struct walk k;

	fixture_experts(&fixture, "[{on: a}, {op: head, on: b}]", NULL);
	p = fixture_place(&fixture, 0);
	f = program_new(fixture.world);
	k = walk_begin(f, &p, PHASE_PREFILL, (struct shape){.batch = 2, .tokens = 10}, 0);
	for (size_t i = walk_first(fixture.world); i <= walk_last(fixture.world); i++)
		walk_block(&k, i, NULL);
	ck_assert_double_eq(fixture_link_B(f, PAYLOAD_NONE), 2 * 256 * 2.0);
	program_free(f);
	fixture_release(&fixture);
}
END_TEST

/* The work is the same wherever it is done: all operators of the model, each once. */
START_TEST(work_is_the_same)
{
	struct placement p, one;
	struct program *here, *there;
	const enum phase phases[] = {PHASE_FORWARD, PHASE_BACKWARD};

	fixture_experts(&fixture, crossings[_i].place, crossings[_i].more);
	p = fixture_place(&fixture, 0);
	one = fixture_all_on(&fixture, 2);
	for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
		sim_ns sum[2] = {0};
		struct class_times t;

		here = fixture_walked(&fixture, &p, phases[i]);
		there = fixture_walked(&fixture, &one, phases[i]);
		ck_assert_double_eq_tol(fixture_flop(here), fixture_flop(there), 1e-9 * fixture_flop(there));
		t = program_times(&fixture.arena, here);
		for (size_t k = 0; k < here->tasks.n; k++)
			if (here->tasks.at[k].queue < fixture.world->units_n)
				sum[0] += t.ns[here->tasks.at[k].op_class];
		t = program_times(&fixture.arena, there);
		for (size_t k = 0; k < there->tasks.n; k++)
			sum[1] += t.ns[there->tasks.at[k].op_class];
		ck_assert_int_eq(sum[0], sum[1]); /* all machines are alike */
		program_free(here);
		program_free(there);
	}
	fixture_release(&fixture);
}
END_TEST

struct when {
	sim_ns start_ns, end_ns;
};

/* From the first start to the last end of a role's operators in layer 1; sums at its end left out. */
static struct when role_when(const struct fixture_run *r, enum role role)
{
	struct when w = {INT64_MAX, 0};

	for (size_t i = 0; i < r->program->tasks.n; i++) {
		const struct label *label = &r->program->tasks.at[i].label;
		const struct op_class *c = &r->program->op_classes.at[r->program->tasks.at[i].op_class];
		const struct task_span *s = &r->run.spans[i];

		if (label->layer != 1 || label->part.role != role || c->kind != CLASS_OP ||
		    (role == ROLE_SHARED && !strcmp(c->op.name, "add")))
			continue;
		w.start_ns = s->start_ns < w.start_ns ? s->start_ns : w.start_ns;
		w.end_ns = s->end_ns > w.end_ns ? s->end_ns : w.end_ns;
	}
	return w;
}

/* Both kinds of experts begin with the router's end and a message, whatever the other does; their sum waits
 * for both. By hand, from the spans of the three. */
START_TEST(both_kinds_at_once)
{
	static const char *const places[] = {"[{on: a}, {op: shared_experts, on: b}]",
					     "[{on: a}, {op: experts, on: b}]",
					     "[{on: a}, {op: shared_experts, on: b}, {op: experts, on: c}]"};
	struct arena a = ARENA_INIT;
	const sim_ns h = sim_ns_of_s(H / 2e9) + 20000, rest = sim_ns_of_s((2 * H + W) / 2e9) + 20000;
	struct when router, shared, experts;
	struct placement p;
	struct program *f;
	struct fixture_run r;
	sim_ns came, sum = INT64_MAX;

	fixture_experts(&fixture, places[_i], NULL);
	p = fixture_place(&fixture, 0);
	f = fixture_walked(&fixture, &p, PHASE_FORWARD);
	r = fixture_run(&a, f);
	router = role_when(&r, ROLE_ROUTER);
	shared = role_when(&r, ROLE_SHARED);
	experts = role_when(&r, ROLE_EXPERTS);
	ck_assert_int_eq(shared.start_ns, router.end_ns + (_i == 1 ? 0 : h));
	ck_assert_int_eq(experts.start_ns, router.end_ns + (_i == 0 ? 0 : rest));
	for (size_t i = 0; i < f->tasks.n; i++) {
		const struct op_class *c = &f->op_classes.at[f->tasks.at[i].op_class];

		if (c->kind == CLASS_OP && !strcmp(c->op.name, "add")) {
			sum = r.run.spans[i].start_ns;
			ck_assert_uint_eq(f->tasks.at[i].queue, _i == 0 ? 0 : _i == 1 ? 2 : 4);
		}
	}
	came = shared.end_ns + h;
	ck_assert_int_eq(sum, came > experts.end_ns ? came : experts.end_ns);
	program_free(f);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

/* On one device nothing changes: each operator after the one before it, in the model's order. */
START_TEST(one_device_is_a_chain)
{
	struct placement p;
	struct program *f;
	size_t n = 0;

	fixture_experts(&fixture, "[{on: b}]", NULL);
	p = fixture_place(&fixture, 0);
	f = fixture_walked(&fixture, &p, PHASE_FORWARD);
	for (size_t b = 0; b < model_blocks(fixture.world->model); b++) {
		struct op ops[GRAPH_OPS];
		const size_t ops_n =
			graph_block(fixture.world->model, &fixture.world->scenario->precision, &fixture_shape,
				    model_block(fixture.world->model, b).part, PHASE_FORWARD, ops);

		for (size_t i = 0; i < ops_n; i++, n++) {
			ck_assert_uint_lt(n, f->tasks.n);
			ck_assert_str_eq(f->op_classes.at[f->tasks.at[n].op_class].op.name, ops[i].name);
		}
	}
	ck_assert_uint_eq(n, f->tasks.n);
	program_free(f);
	fixture_release(&fixture);
}
END_TEST

/* A tensor split of both kinds of experts is made whole by one sum: three for a layer's blocks, not four. */
START_TEST(one_sum_for_both_kinds)
{
	struct placement p;
	struct program *f;

	fixture_experts(&fixture, "[{on: [a, b], split: tensor}]", NULL);
	p = fixture_place(&fixture, 0);
	f = fixture_walked(&fixture, &p, PHASE_FORWARD);
	ck_assert_double_eq(fixture_link_B(f, PAYLOAD_ALL_REDUCE),
			    4 * 2 * H + 2 * 20 * 12.0); /* two attentions, an FFN, the experts; the loss */
	ck_assert_double_eq(fixture_link_B(f, PAYLOAD_ALL_GATHER), 0);
	ck_assert_double_eq(fixture_link_B(f, PAYLOAD_ACTIVATIONS), 0);
	program_free(f);
	fixture_release(&fixture);
}
END_TEST

/* The router runs whole on each device of a split: neither waits for the other's, only for its sum. */
START_TEST(a_router_on_each)
{
	struct arena a = ARENA_INIT;
	sim_ns router_ns[2] = {0}, begun_ns[2] = {0};
	struct placement p;
	struct fixture_run r;
	struct program *f;

	fixture_experts(&fixture, "[{on: [a, b], split: tensor}]",
			"machines.b.devices.gpu.runtimes.fixture.overhead.kernel=90 us");
	p = fixture_place(&fixture, 0);
	f = fixture_walked(&fixture, &p, PHASE_FORWARD);
	r = fixture_run(&a, f);
	for (size_t i = f->tasks.n; i-- > 0;) {
		const struct program_task *t = &f->tasks.at[i];
		const size_t on = t->queue == 0 ? 0 : 1;

		if (t->label.layer != 1 || f->op_classes.at[t->op_class].kind != CLASS_OP)
			continue;
		if (t->label.part.role == ROLE_SHARED)
			begun_ns[on] = r.run.spans[i].start_ns;
		if (t->label.part.role == ROLE_ROUTER && r.run.spans[i].end_ns > router_ns[on])
			router_ns[on] = r.run.spans[i].end_ns;
	}
	ck_assert_int_gt(router_ns[1], router_ns[0]);
	ck_assert_int_eq(begun_ns[0], router_ns[0]);
	ck_assert_int_eq(begun_ns[1], router_ns[1]);
	program_free(f);
	arena_release(&a);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_walk(void)
{
	Suite *s = suite_create("walk");
	TCase *tc = tcase_create("walk");

	tcase_add_loop_test(tc, bytes_between_seats, 0, ARRAY_LEN(crossings));
	tcase_add_test(tc, head_takes_what_it_needs);
	tcase_add_loop_test(tc, work_is_the_same, 0, ARRAY_LEN(crossings));
	tcase_add_loop_test(tc, both_kinds_at_once, 0, 3);
	tcase_add_test(tc, one_device_is_a_chain);
	tcase_add_test(tc, one_sum_for_both_kinds);
	tcase_add_test(tc, a_router_on_each);
	suite_add_tcase(s, tc);
	return s;
}
