/* check_kernel_starts.c - the time in which kernels start up, and what the host does in a step. */
#include "sim/cost/cost.h"

#include <stdio.h>

#include "tests/cost/costed.h"
#include "tests/suites.h"

static struct fixture fixture;

/* The kernels that choose experts and that sum what these made start in a time of their own; nothing else does. */
START_TEST(routes_start_in_their_time)
{
	static const struct {
		enum op_kind kind;
		double starts_s;
	} kinds[] = {{OP_ROUTE, 5 * 9e-6},
		     {OP_COMBINE, 2 * 9e-6},
		     {OP_NORM, 2 * 4e-6}, /* which works, among unlike kernels */
		     {OP_ROPE, 3e-6}};
	static const char *const sets[] = {RUNTIME "overhead.route=9 us", RUNTIME "overhead.unlike=1 us",
					   NULL};
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct op op = {.kind = kinds[i].kind,
				      .phase = PHASE_DECODE,
				      .times = 1,
				      .copies = 1,
				      .m = 1,
				      .tensor_B = 1000};

		ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).overhead.s, kinds[i].starts_s, 1e-12);
	}
	fixture_release(&fixture);
}
END_TEST

/* A command buffer ends once arrays of weights have so many numbers: experts count with all that the layer has, packed ones of 4 bits
 * as an eighth (and a scale and a bias for each 64), and each buffer leaves the device idle for so long. */
static const struct {
	const char *inputs;
	int64_t experts, experts_all;
	double bits, share, buffers;
} buffers[] = {
	{"1000000", 0, 0, 16, 1, 1},              /* 1024 x 1024 numbers end one by themselves */
	{"3000000", 0, 0, 16, 1, 1.0 / 3},        /* of three such products the third does */
	{"3000000", 0, 0, 4.5, 1, 1.0 / 19},      /* 163840 numbers each */
	{"3000000", 0, 0, 8.5, 1, 1.0 / 11},      /* 294912 */
	{"3000000", 8, 128, 4.5, 1, 1},           /* 128 experts: 21 million */
	{"3000000", 8, 16, 4.5, 1, 1.0 / 2},      /* 2.6 million: the second */
	{"3000000", 8, 128, 4.5, 0.125, 1.0 / 2}, /* an eighth of each on this device */
	{NULL, 0, 0, 16, 1, 0},                   /* a runtime that says nothing of buffers */
};

START_TEST(weights_end_command_buffers)
{
	const char *inputs = buffers[_i].inputs;
	char text[96] = "";
	const char *const sets[] = {inputs ? RUNTIME "overhead.buffer=40 us" : NULL, text, NULL};
	const char *const none[] = {NULL};
	const double size = 1024, copies = buffers[_i].experts ? (double)buffers[_i].experts : 1;
	struct op op = {.kind = OP_LINEAR,
			.phase = PHASE_DECODE,
			.times = 1,
			.copies = copies,
			.m = 1,
			.n = 1024,
			.k = 1024,
			.rows = copies,
			.flop = 2 * copies * size * size,
			.weight_B = copies * size * size * buffers[_i].bits / 8,
			.experts = buffers[_i].experts,
			.experts_all = buffers[_i].experts_all,
			.format = FORMAT_F16,
			.split = SPLIT_COLUMNS};
	struct device_model device_model;
	double without;

	snprintf(text, sizeof text, RUNTIME "overhead.buffer_inputs=%s", inputs ? inputs : "");
	fixture_text(&fixture, FIXTURE_THREE, none);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	without = cost_of(&op, &device_model, buffers[_i].share).overhead.s;
	fixture_release(&fixture);
	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	ck_assert_double_eq_tol(cost_of(&op, &device_model, buffers[_i].share).overhead.s - without,
				40e-6 * buffers[_i].buffers, 1e-12);
	fixture_release(&fixture);
}
END_TEST

/* Weights are made resident at a rate, where a runtime lets them go; nothing else takes that time. */
START_TEST(weights_are_made_resident)
{
	static const char *const sets[] = {RUNTIME "overhead.wire=100 GB/s", NULL};
	const struct op wire = {.name = "wire", .kind = OP_WIRE, .weight_B = 5e9};

	fixture_text(&fixture, FIXTURE_THREE, sets);
	for (int i = 0; i < 2; i++) {
		const struct device_model device_model = costed_device_model(&fixture, i ? 1 : 0, DTYPE_F16);
		const struct cost c = cost_of(&wire, &device_model, 1);

		ck_assert_double_eq_tol(cost_seconds(&c), i ? 0 : 0.05, 1e-12);
		ck_assert_double_eq_tol(c.overhead.s, i ? 0 : 0.05, 1e-12);
	}
	fixture_release(&fixture);
}
END_TEST

/* The host makes the batch of a step token by token, and the device waits for it. */
START_TEST(the_host_makes_the_batch)
{
	static const char *const sets[] = {RUNTIME "overhead.step=100 us", RUNTIME "overhead.token=4 us",
					   NULL};
	const struct op steps[] = {{.kind = OP_STEP, .m = 1}, {.kind = OP_STEP, .m = 512}};

	fixture_text(&fixture, FIXTURE_THREE, sets);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const struct device_model with = costed_device_model(&fixture, 0, DTYPE_F16),
					  without = costed_device_model(&fixture, 1, DTYPE_F16);

		ck_assert_double_eq_tol(cost_of(&steps[i], &with, 1).overhead.s,
					100e-6 + 4e-6 * (double)steps[i].m, 1e-12);
		ck_assert_double_eq_tol(cost_of(&steps[i], &without, 1).overhead.s,
					without.profile->overhead.step.value, 1e-12);
	}
	fixture_release(&fixture);
}
END_TEST

/* It says what each token sees, and fetches the logits; a norm has a start of its own. */
START_TEST(the_host_masks_and_fetches)
{
	static const char *const sets[] = {RUNTIME "overhead.step=100 us", RUNTIME "overhead.mask=0.5 ns",
					   RUNTIME "overhead.logits=50 GB/s", RUNTIME "overhead.norm=7 us",
					   NULL};
	const struct op step = {.kind = OP_STEP, .m = 512, .cells = 2e6, .tensor_B = 5e6},
			norm = {.kind = OP_NORM, .times = 2};

	fixture_text(&fixture, FIXTURE_THREE, sets);
	for (int i = 0; i < 2; i++) {
		const struct device_model of = costed_device_model(&fixture, i ? 1 : 0, DTYPE_F16);
		const double kernel = (double)of.profile->norm.kernels * 2;

		ck_assert_double_eq_tol(cost_of(&step, &of, 1).overhead.s,
					i ? of.profile->overhead.step.value : 100e-6 + 1e-3 + 100e-6, 1e-12);
		ck_assert_double_eq_tol(cost_of(&norm, &of, 1).overhead.s,
					kernel * (i ? of.profile->overhead.kernel.value : 7e-6), 1e-12);
		ck_assert(cost_counts_step(of.profile) == !i);
	}
	fixture_release(&fixture);
}
END_TEST

static void check_starts(const struct op *op, void *self)
{
	const struct device_model *device_model = self;
	const double s = cost_of(op, device_model, 1).overhead.s;

	if (op->kind == OP_LINEAR)
		ck_assert_double_eq_tol(s, 1e-3 * (double)device_model->profile->linear.kernels, 1e-12);
	else if (op->kind == OP_SCORES) /* however many kernels it is made of */
		ck_assert_double_eq_tol(s, 2e-3 * op->times, 1e-12);
	else
		ck_assert_double_lt(s, 1e-3);
}

/* A product and attention start up in their own time, where that is given. */
START_TEST(kernels_start_in_their_time)
{
	static const char *const sets[] = {"machines.m5.devices.gpu.runtimes.mps.overhead.product=1 ms",
					   "machines.m5.devices.gpu.runtimes.mps.overhead.attention=2 ms",
					   NULL};
	struct arena a = ARENA_INIT;
	struct device_model device_model;

	fixture_load(&fixture, FIXTURE_FOUNDING, sets);
	device_model = program_device_model(&a, fixture.world, 0);
	for (size_t i = 0; i < COSTED_SHAPES; i++)
		costed_each_op(&fixture, &costed_shapes[i], &fixture.world->scenario->precision, check_starts,
			       &device_model);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* A norm whose code adds 1 to its weights launches one kernel more; an activation and its product pass memory twice more. */
START_TEST(norms_and_gates_by_hand)
{
	struct op norm = {.name = "norm", .kind = OP_NORM, .tensor_B = 1e6, .times = 1};
	struct op gate = {.name = "activation", .kind = OP_ACTIVATION, .tensor_B = 1e6, .times = 1};
	struct device_model d;
	double launched, bytes;

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	d = costed_device_model(&fixture, 0, DTYPE_F16);
	launched = cost_kernels(d.profile, &norm);
	bytes = cost_of(&gate, &d, 1).bytes;
	norm.by_hand = gate.by_hand = true;
	ck_assert_double_eq(cost_kernels(d.profile, &norm), launched + 1);
	ck_assert_double_eq(cost_of(&gate, &d, 1).bytes, bytes + 2e6);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_kernel_starts(void)
{
	Suite *s = suite_create("kernel_starts");
	TCase *tc = tcase_create("kernel_starts");

	tcase_add_test(tc, routes_start_in_their_time);
	tcase_add_loop_test(tc, weights_end_command_buffers, 0, ARRAY_LEN(buffers));
	tcase_add_test(tc, weights_are_made_resident);
	tcase_add_test(tc, the_host_makes_the_batch);
	tcase_add_test(tc, the_host_masks_and_fetches);
	tcase_add_test(tc, kernels_start_in_their_time);
	tcase_add_test(tc, norms_and_gates_by_hand);
	suite_add_tcase(s, tc);
	return s;
}
