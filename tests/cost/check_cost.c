/* check_cost.c - operators on devices: the roofline and what reaches it, monotony, draws, shares, labels. */
#include "sim/cost/cost.h"

#include <math.h>
#include <string.h>

#include "sim/base/rng.h"
#include "tests/cost/costed.h"
#include "tests/suites.h"

static struct fixture fixture;

/* The share that heat leaves of arithmetic, over a stretch of work of the machine of the fixture. */
static struct qty kept(struct machine *machine, double from_s, double to_s)
{
	const struct unit *u = &fixture.world->units[0];
	struct device_model d = device_model_make(&fixture.arena, machine, u->device, u->profile, DTYPE_F16);

	device_model_sustain(&d, (struct work_span){from_s, to_s});
	return d.kept;
}

/* 40 % are lost with a time constant of 100 s: the mean of 0.6 + 0.4 exp(-t / 100 s) over a stretch is 0.6 + 0.4 * 100 / (b - a) *
 * (exp(-a / 100) - exp(-b / 100)), and so at either end. */
START_TEST(heat_comes_with_time)
{
	const double a = 50, b = 400;
	struct machine m;

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	m = fixture.world->machines[0];
	m.sustained = (struct qty){.value = 0.6, .spread = 0.1, .given = true};
	m.sustained_after = (struct qty){.value = 100, .given = true};
	ck_assert(!kept(&m, 0, 0).given);
	ck_assert_double_eq_tol(kept(&m, 0, 1e-3).value, 1, 1e-5);
	ck_assert_double_eq_tol(kept(&m, a, b).value,
				0.6 + 0.4 * 100 / (b - a) * (exp(-a / 100) - exp(-b / 100)), 1e-12);
	ck_assert_double_eq_tol(kept(&m, a, a).value, 0.6 + 0.4 * exp(-a / 100), 1e-12);
	ck_assert_double_eq(kept(&m, INFINITY, INFINITY).value, 0.6);
	ck_assert_double_eq_tol(kept(&m, 0, 1e9).value, 0.6, 1e-6);
	/* little is unsure while little is lost, and an unsure time constant adds to it */
	ck_assert_double_lt(kept(&m, 0, 1).spread, 1e-3);
	ck_assert_double_eq_tol(kept(&m, 1e4, 2e4).spread, 0.1, 1e-9);
	m.sustained_after.spread = 0.5;
	ck_assert_double_gt(kept(&m, 0, 100).spread, 0.05);
	m.sustained_after.given = false;
	ck_assert(!kept(&m, 0, 1e4).given);
	ck_assert_double_eq(kept(&m, INFINITY, INFINITY).value, 0.6);
	fixture_release(&fixture);
}
END_TEST

static void check_limits(const struct op *op, void *self)
{
	static const double shares[] = {1, 0.7, 0.25, 0.01};
	const struct device_model *device_model = self;

	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		const struct cost c = cost_of(op, device_model, shares[i]);
		const double t = cost_seconds(&c);

		MUST(isfinite(t) && t > 0);
		MUST(t >= c.flop / device_model->device->peak[device_model->compute].value);
		MUST(t >= c.bytes / device_model->machine->memory.bandwidth.value);
		MUST(c.flop >= op->flop * shares[i] * (1 - 1e-12)); /* the masked half may come on top */
		MUST(c.bytes > 0 || op->kind == OP_KV_REPEAT || op->kind == OP_KV_APPEND);
	}
}
START_TEST(limits_of_the_roofline)
{
	const struct shape *s = &costed_shapes[_i];

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	for (size_t u = 0; u < fixture.world->units_n; u++) {
		for (int dtype = DTYPE_F32; dtype <= DTYPE_F16; dtype++) {
			for (int format = 0; format < FORMAT_N; format++) {
				const struct precision p = {
					.weights = format, .kv = FORMAT_F16, .compute = dtype};
				struct device_model device_model =
					costed_device_model(&fixture, u, (enum dtype)dtype);

				costed_each_op(&fixture, s, &p, check_limits, &device_model);
			}
		}
	}
	fixture_release(&fixture);
}
END_TEST

enum { IMPROVEMENTS = 10 };
static void improve(struct better *b, int which, double by)
{
	struct qty *const faster[] = {&b->profile.read, &b->profile.copy, &b->profile.gemv,
				      &b->profile.attention.decode, &b->device.peak[b->device_model.compute]};
	struct qty *const shorter[] = {&b->profile.overhead.kernel, &b->profile.overhead.step};

	if (which < 5)
		faster[which]->value *= by;
	else if (which < 7)
		shorter[which - 5]->value /= by;
	else if (which == 7)
		for (size_t i = 0; i < b->gemm.points.n; i++)
			b->gemm_points[i].u.value = fmin(1, b->gemm_points[i].u.value * by);
	else if (which == 8)
		for (size_t i = 0; i < b->profile.attention.points.n; i++)
			b->attention_points[i].u.value = fmin(1, b->attention_points[i].u.value * by);
	else
		b->profile.attention.skips_mask = true;
	better_lay_out(&fixture, b, b->device_model.compute);
}

struct pair {
	const struct device_model *worse, *better;
	size_t faster; /* operators that gained */
};

static void check_pair(const struct op *op, void *self)
{
	struct pair *pair = self;
	const struct cost worse = cost_of(op, pair->worse, 0.6), better = cost_of(op, pair->better, 0.6);

	MUST(cost_seconds(&better) <= cost_seconds(&worse) * (1 + 1e-14)); /* two ways to round */
	pair->faster += cost_seconds(&better) < cost_seconds(&worse);
}
START_TEST(better_is_never_slower)
{
	const int which = _i % IMPROVEMENTS, seed = _i / IMPROVEMENTS;
	struct rng *rng = rng_new((uint64_t)seed, "better");
	size_t faster = 0;

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	for (int round = 0; round < 4; round++) {
		const struct device_model from =
			costed_device_model(&fixture, (size_t)round % fixture.world->units_n, DTYPE_F16);
		const struct op step = {.name = "step", .kind = OP_STEP};
		struct better worse, better;
		struct pair pair = {&worse.device_model, &better.device_model, 0};

		better_init(&fixture, &worse, &from);
		for (int i = 0; i < IMPROVEMENTS - 1; i++)
			improve(&worse, i, exp(0.3 * rng_normal(rng)));
		better_init(&fixture, &better, &worse.device_model);
		improve(&better, which, 1 - 0.5 * log(rng_uniform(rng)));
		check_pair(&step, &pair);
		for (size_t s = 0; s < COSTED_SHAPES; s++)
			costed_each_op(&fixture, &costed_shapes[s], &fixture.world->scenario->precision,
				       check_pair, &pair);
		faster += pair.faster;
	}
	MUST(faster > 0);
	rng_free(rng);
	fixture_release(&fixture);
}
END_TEST

/* The widest draw is no faster than the peak and the bus, where the numbers themselves are not. */
static void check_roofline(const struct op *op, const struct device_model *d, const struct cost *c)
{
	static const struct params low = {{-1e6, -1e6, -1e6}};
	const double peak = d->device->peak[d->compute].value, bus = d->machine->memory.bandwidth.value;
	const double s = cost_seconds_drawn(c, &low);

	if (op->kind != OP_LINEAR && op->kind != OP_SCORES)
		return;
	MUST(d->machine->memory.bandwidth.provenance == PROVENANCE_MEASURED ||
	     s >= fmin(op->weight_B / bus, c->memory.s));
	MUST(d->device->peak[d->compute].provenance == PROVENANCE_MEASURED || c->apart.s > 0 ||
	     s >= fmin(c->flop / peak, c->arithmetic.s));
}

static void check_ways(const struct op *op, void *self)
{
	static const struct params ones = {{1, 1, 1}}, zeros = {{0}}, twos = {{2, 2, 2}};
	static const struct params low = {{-1e6, -1e6, -1e6}};
	const struct cost c = cost_of(op, self, 1);
	const double t = cost_seconds(&c);

	MUST(cost_seconds_at(&c, &ones) == t);
	MUST(cost_seconds_drawn(&c, &zeros) == t);
	MUST(cost_seconds_at(&c, &twos) == t / 2);
	MUST(cost_seconds_drawn(&c, &low) >= t * 0.2 * (1 - 1e-12));
	check_roofline(op, self, &c);
	for (int i = 0; i < PARAM_LINKS; i++) {
		struct params speed = {{1, 1, 1}}, z = {{0}};

		speed.of[i] = 1.1;
		z.of[i] = 1;
		MUST(cost_seconds_at(&c, &speed) <= t);
		MUST(cost_seconds_drawn(&c, &z) >= t);
	}
}
START_TEST(three_ways_to_the_same_time)
{
	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	for (size_t u = 0; u < fixture.world->units_n; u++) {
		struct device_model device_model = costed_device_model(&fixture, u, DTYPE_F16);

		costed_each_op(&fixture, &costed_shapes[_i], &fixture.world->scenario->precision, check_ways,
			       &device_model);
	}
	fixture_release(&fixture);
}
END_TEST

static void check_shares(const struct op *op, void *self)
{
	static const double shares[][3] = {
		{0.5, 0.5, 0}, {0.7, 0.3, 0}, {0.5, 0.25, 0.25}, {0.001, 0.899, 0.1}};
	const struct cost whole = cost_of(op, self, 1);

	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		double flop = 0, bytes = 0, n = 0;

		for (size_t j = 0; j < 3 && shares[i][j] > 0; j++, n++) {
			const struct cost c = cost_of(op, self, shares[i][j]);

			flop += c.flop;
			bytes += c.bytes;
		}
		if (op->split == SPLIT_NONE) { /* every device does all of it */
			MUST(flop == n * whole.flop && bytes == n * whole.bytes);
		} else {
			MUST(fabs(flop - whole.flop) <= 1e-12 * whole.flop);
			MUST(fabs(bytes - whole.bytes) <= 1e-12 * whole.bytes);
		}
	}
}
START_TEST(shares_add_up)
{
	struct device_model device_model;

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	costed_each_op(&fixture, &costed_shapes[_i], &fixture.world->scenario->precision, check_shares,
		       &device_model);
	fixture_release(&fixture);
}
END_TEST

static const struct {
	double arithmetic, memory, overhead; /* seconds */
	enum provenance from[PARAM_LINKS];
	enum param bound;
	enum provenance worst;
} mixes[] = {
	{3,
	 2,
	 1,
	 {PROVENANCE_MEASURED, PROVENANCE_DATASHEET, PROVENANCE_INTERPOLATED},
	 PARAM_ARITHMETIC,
	 PROVENANCE_INTERPOLATED},
	{2,
	 3,
	 1,
	 {PROVENANCE_DATASHEET, PROVENANCE_TRANSFERRED, PROVENANCE_MEASURED},
	 PARAM_MEMORY,
	 PROVENANCE_TRANSFERRED},
	{2,
	 3,
	 4,
	 {PROVENANCE_DATASHEET, PROVENANCE_MEASURED, PROVENANCE_MEASURED},
	 PARAM_OVERHEAD,
	 PROVENANCE_MEASURED},
	{2,
	 3,
	 0.02,
	 {PROVENANCE_DATASHEET, PROVENANCE_MEASURED, PROVENANCE_DATASHEET},
	 PARAM_MEMORY,
	 PROVENANCE_MEASURED},
	{0,
	 0,
	 1,
	 {PROVENANCE_DATASHEET, PROVENANCE_DATASHEET, PROVENANCE_TRANSFERRED},
	 PARAM_OVERHEAD,
	 PROVENANCE_TRANSFERRED},
};
START_TEST(bound_and_source)
{
	const struct cost c = {.arithmetic = {mixes[_i].arithmetic, 0, mixes[_i].from[PARAM_ARITHMETIC]},
			       .memory = {mixes[_i].memory, 0, mixes[_i].from[PARAM_MEMORY]},
			       .overhead = {mixes[_i].overhead, 0, mixes[_i].from[PARAM_OVERHEAD]}};

	ck_assert_int_eq(cost_bound(&c), mixes[_i].bound);
	ck_assert_int_eq(cost_from(&c), mixes[_i].worst);
}
END_TEST

START_TEST(device_model_without_a_table)
{
	static const char *const sets[] = {"machines.m5.devices.gpu.runtimes.mps.gemm_bf16=null", NULL};
	struct err err = ERR_INIT;
	struct device_model device_model;

	fixture_load(&fixture, FIXTURE_FOUNDING, sets);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	ck_assert_int_eq(device_model_check(&device_model, &err), 0);
	ck_assert_str_eq(err.msg, "");
	device_model.compute = DTYPE_BF16;
	ck_assert_int_eq(device_model_check(&device_model, &err), -1);
	ck_assert_str_eq(err.msg, "runtime 'mps' of m5.gpu has no 'gemm_bf16' table");
	fixture_release(&fixture);
}
END_TEST

/* Ridge points of the founding document: best GEMM over read bandwidth. */
static const struct {
	size_t unit;
	double ridge;
} ridges[] = {{0, 116.9}, {1, 24.0}};
START_TEST(ridge_points)
{
	const struct profile *p;

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	p = fixture.world->units[ridges[_i].unit].profile;
	ck_assert_double_eq_tol(p->gemm[DTYPE_F16]->roof.value / p->read.value, ridges[_i].ridge, 0.05);
	fixture_release(&fixture);
}
END_TEST

/* Shares of the bus are those of this machine; two dies reach less of them, and not of what is absolute. */
static const char *const shared[] = {RUNTIME "read=50 %",
				     RUNTIME "gemv={value: 60 %, sd: 6 %}",
				     RUNTIME "gemm_f16={roof: 70 %, sync: 0, u: 40 %}",
				     RUNTIME "dies={bandwidth: 90 %, arithmetic: 80 %}",
				     NULL,
				     NULL};
START_TEST(shares_of_the_machine)
{
	const char *sets[ARRAY_LEN(shared)];
	const double bus = 120e9 * (_i ? 0.9 : 1), peak = 1e12 * (_i ? 0.8 : 1);
	const struct profile *p;

	memcpy(sets, shared, sizeof sets);
	sets[ARRAY_LEN(sets) - 2] = _i ? "machines.a.dies=2" : NULL;
	fixture_text(&fixture, FIXTURE_THREE, sets);
	p = fixture.world->units[0].profile;
	ck_assert_double_eq_tol(p->read.value, 0.5 * bus, 1);
	ck_assert_double_eq_tol(p->gemv.value, 0.6 * bus, 1);
	ck_assert_double_eq_tol(p->gemv.spread, _i ? hypot(0.1, 0.03) : 0.1, 1e-12); /* and as unsure */
	ck_assert_double_eq_tol(p->copy.value, 90e9, 1);
	ck_assert_double_eq_tol(p->gemm[DTYPE_F16]->roof.value, 0.7 * peak, 1);
	ck_assert_double_eq_tol(p->gemm[DTYPE_F16]->u.value, 0.4 * peak / 1e12, 1e-12);
	fixture_release(&fixture);
}
END_TEST

/* A pass between tensors that the device's cache holds, half of them, and none: of `copy_held` of the time, and all of it. */
static const struct {
	double tensor_B, held;
	bool given;
} held_passes[] = {{1e6, 1, true}, {2e6, 0.5, true}, {1e12, 0, true}, {1e6, 0, false}};
START_TEST(passes_stay_in_the_cache)
{
	struct op norm = {.name = "norm", .kind = OP_NORM, .tensor_B = held_passes[_i].tensor_B, .times = 1};
	struct better b;
	struct device_model device_model;
	struct device card;
	double whole_s;

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	device_model = costed_device_model(&fixture, 0, DTYPE_F16);
	card = *device_model.device;
	card.cache = (struct qty){.value = 4e6, .given = true};
	better_init(&fixture, &b, &device_model);
	better_lay_out(&fixture, &b, DTYPE_F16);
	b.device_model.device = &card;
	whole_s = cost_of(&norm, &b.device_model, 1).memory.s;
	b.profile.copy_held = (struct qty){.value = 0.25, .given = held_passes[_i].given};
	ck_assert_double_eq_tol(cost_of(&norm, &b.device_model, 1).memory.s / whole_s,
				1 - 0.75 * held_passes[_i].held, 1e-5);
	fixture_release(&fixture);
}
END_TEST

Suite *suite_cost(void)
{
	Suite *s = suite_create("cost");
	TCase *tc = tcase_create("cost");

	tcase_add_test(tc, heat_comes_with_time);
	tcase_add_loop_test(tc, limits_of_the_roofline, 0, COSTED_SHAPES);
	tcase_add_loop_test(tc, better_is_never_slower, 0, IMPROVEMENTS * 5);
	tcase_add_loop_test(tc, three_ways_to_the_same_time, 0, COSTED_SHAPES);
	tcase_add_loop_test(tc, shares_add_up, 0, COSTED_SHAPES);
	tcase_add_loop_test(tc, bound_and_source, 0, ARRAY_LEN(mixes));
	tcase_add_test(tc, device_model_without_a_table);
	tcase_add_loop_test(tc, ridge_points, 0, ARRAY_LEN(ridges));
	tcase_add_loop_test(tc, shares_of_the_machine, 0, 2);
	tcase_add_loop_test(tc, passes_stay_in_the_cache, 0, ARRAY_LEN(held_passes));
	suite_add_tcase(s, tc);
	return s;
}
