/* check_cost.c - operators on devices: the roofline's limits, monotony, utilisation between points, draws,
 * shares. */
#include "sim/cost/cost.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/cost/product.h"
#include "sim/cost/util.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

static struct device_model device_model_of(size_t unit, enum dtype dtype)
{
	const struct unit *u = &fixture.world->units[unit];

	return device_model_make(&fixture.arena, &fixture.world->machines[u->machine], u->device, u->profile,
				 dtype);
}

static const struct shape shapes[] = {
	{.batch = 1, .tokens = 1},
	{.batch = 1, .tokens = 1, .past = 871},
	{.batch = 8, .tokens = 1, .past = 8000},
	{.batch = 64, .tokens = 1, .past = 500},
	{.batch = 1, .tokens = 7, .past = 3},
	{.batch = 1, .tokens = 871, .all_logits = true},
	{.batch = 4, .tokens = 8192},
	{.batch = 1, .tokens = 512, .all_logits = true, .train_weights = true},
	{.batch = 2, .tokens = 512, .all_logits = true, .lora_rank = 16, .adapters = 127},
};

/* Calls see() for every operator of every block and phase, and for the optimizer's. */
static void each_op(const struct shape *s, const struct precision *p, void (*see)(const struct op *, void *),
		    void *self)
{
	struct part_count parts[MODEL_PARTS];
	const size_t parts_n = model_parts(fixture.world->model, parts);

	for (size_t k = 0; k < parts_n; k++) {
		const struct op update = graph_update(parts[k].part.role, 1e6, 22);

		for (int phase = 0; phase < PHASE_UPDATE; phase++) {
			struct op ops[GRAPH_OPS];
			const size_t n = graph_block(fixture.world->model, p, s, parts[k].part,
						     (enum phase)phase, ops);

			for (size_t i = 0; i < n; i++)
				see(&ops[i], self);
		}
		see(&update, self);
	}
}

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
	const struct shape *s = &shapes[_i];

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	for (size_t u = 0; u < fixture.world->units_n; u++) {
		for (int dtype = DTYPE_F32; dtype <= DTYPE_F16; dtype++) {
			for (int format = 0; format < FORMAT_N; format++) {
				const struct precision p = {
					.weights = format, .kv = FORMAT_F16, .compute = dtype};
				struct device_model device_model = device_model_of(u, (enum dtype)dtype);

				each_op(s, &p, check_limits, &device_model);
			}
		}
	}
	fixture_release(&fixture);
}
END_TEST

/* A device model whose parameters can be improved one by one. */
struct better {
	struct machine machine;
	struct device device;
	struct profile profile;
	struct gemm_table gemm;
	struct gemm_point gemm_points[8];
	struct attention_point attention_points[8];
	struct device_model device_model;
};

/* Called after each change, since tables are prepared once. */
static void better_lay_out(struct better *b, enum dtype compute)
{
	b->device_model = device_model_make(&fixture.arena, &b->machine, &b->device, &b->profile, compute);
}

static void better_init(struct better *b, const struct device_model *from)
{
	b->machine = *from->machine;
	b->device = *from->device;
	b->profile = *from->profile;
	b->gemm = *from->profile->gemm[from->compute];
	ck_assert_uint_le(b->gemm.points.n, ARRAY_LEN(b->gemm_points));
	ck_assert_uint_le(b->profile.attention.points.n, ARRAY_LEN(b->attention_points));
	for (size_t i = 0; i < b->gemm.points.n; i++)
		b->gemm_points[i] = ((const struct gemm_point *)b->gemm.points.at)[i];
	for (size_t i = 0; i < b->profile.attention.points.n; i++)
		b->attention_points[i] = ((const struct attention_point *)b->profile.attention.points.at)[i];
	b->gemm.points.at = b->gemm_points;
	b->profile.attention.points.at = b->attention_points;
	b->profile.gemm[from->compute] = &b->gemm;
	better_lay_out(b, from->compute);
}

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
	better_lay_out(b, b->device_model.compute);
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
			device_model_of((size_t)round % fixture.world->units_n, DTYPE_F16);
		const struct op step = {.name = "step", .kind = OP_STEP};
		struct better worse, better;
		struct pair pair = {&worse.device_model, &better.device_model, 0};

		better_init(&worse, &from);
		for (int i = 0; i < IMPROVEMENTS - 1; i++)
			improve(&worse, i, exp(0.3 * rng_normal(rng)));
		better_init(&better, &worse.device_model);
		improve(&better, which, 1 - 0.5 * log(rng_uniform(rng)));
		check_pair(&step, &pair);
		for (size_t s = 0; s < ARRAY_LEN(shapes); s++)
			each_op(&shapes[s], &fixture.world->scenario->precision, check_pair, &pair);
		faster += pair.faster;
	}
	MUST(faster > 0);
	rng_free(rng);
	fixture_release(&fixture);
}
END_TEST

/* ---- utilisation between points ---- */

#define AT(r, w, uu, h)                                                                                      \
	{                                                                                                    \
		.rows = r, .width = w, .u = uu, .spread = 0.02, .provenance = h                              \
	}
static const struct util_point squares[] = {AT(16, 256, 0.2, PROVENANCE_MEASURED),
					    AT(64, 4096, 0.6, PROVENANCE_MEASURED),
					    AT(256, 65536, 0.5, PROVENANCE_TRANSFERRED)};
static const struct util_point grid[] = {
	AT(1, 100, 0.1, PROVENANCE_MEASURED), AT(4, 100, 0.2, PROVENANCE_MEASURED),
	AT(1, 10000, 0.3, PROVENANCE_MEASURED), AT(4, 10000, 0.8, PROVENANCE_MEASURED)};
static const struct util_point corner[] = {AT(1, 100, 0.1, PROVENANCE_MEASURED),
					   AT(4, 100, 0.2, PROVENANCE_MEASURED),
					   AT(4, 10000, 0.8, PROVENANCE_MEASURED)};
static const struct util_point alone[] = {AT(512, 512, 0.4, PROVENANCE_MEASURED)};
static const struct util_point twice[] = {AT(16, 256, 0.2, PROVENANCE_MEASURED),
					  AT(16, 256, 0.4, PROVENANCE_MEASURED),
					  AT(64, 4096, 0.6, PROVENANCE_MEASURED)};

static const struct {
	const struct util_point *points;
	size_t n;
	double rows, width, u, spread;
	enum provenance provenance;
} looks[] = {
	/* squares: by the volume, 2^12, 2^18 and 2^24 */
	{squares, 3, 16, 256, 0.2, 0.02, PROVENANCE_MEASURED},
	{squares, 3, 64, 4096, 0.6, 0.02, PROVENANCE_MEASURED},
	{squares, 3, 256, 65536, 0.5, 0.02, PROVENANCE_TRANSFERRED},
	{squares, 3, 32, 1024, 0.4, 0.06,
	 PROVENANCE_TRANSFERRED}, /* 2^15: halfway; the table's worst source */
	{squares, 3, 1, 32768, 0.4, 0.06, PROVENANCE_TRANSFERRED},
	{squares, 3, 128, 16384, 0.55, 0.06, PROVENANCE_TRANSFERRED},
	{squares, 2, 32, 1024, 0.4, 0.06, PROVENANCE_INTERPOLATED},
	{squares, 2, 256, 16, 0.2, 0.06, PROVENANCE_INTERPOLATED}, /* the edge's volume in another shape */
	{squares, 2, 1, 1, 0.2, 0.15, PROVENANCE_TRANSFERRED},     /* held below and above */
	{squares, 2, 4096, 4096, 0.6, 0.15, PROVENANCE_TRANSFERRED},
	/* a full grid: by rows and by width */
	{grid, 4, 1, 100, 0.1, 0.02, PROVENANCE_MEASURED},
	{grid, 4, 4, 10000, 0.8, 0.02, PROVENANCE_MEASURED},
	{grid, 4, 2, 100, 0.15, 0.06, PROVENANCE_INTERPOLATED},
	{grid, 4, 1, 1000, 0.2, 0.06, PROVENANCE_INTERPOLATED},
	{grid, 4, 2, 1000, 0.35, 0.06, PROVENANCE_INTERPOLATED},
	{grid, 4, 400, 100, 0.2, 0.15, PROVENANCE_TRANSFERRED},
	{grid, 4, 2, 1, 0.15, 0.15, PROVENANCE_TRANSFERRED},
	{grid, 4, 0.5, 1e9, 0.3, 0.15, PROVENANCE_TRANSFERRED},
	{corner, 3, 1, 100, 0.1, 0.02, PROVENANCE_MEASURED},
	/* one point is held everywhere; a shape measured twice counts once */
	{alone, 1, 512, 512, 0.4, 0.02, PROVENANCE_MEASURED},
	{alone, 1, 1, 7, 0.4, 0.15, PROVENANCE_TRANSFERRED},
	{twice, 3, 16, 256, 0.3, 0.02, PROVENANCE_MEASURED},
	{twice, 3, 32, 1024, 0.45, 0.06, PROVENANCE_INTERPOLATED},
};

START_TEST(utilisation)
{
	struct arena a = ARENA_INIT;
	const struct util u = util_at(util_table(&a, looks[_i].points, looks[_i].n, util_error_unknown),
				      looks[_i].rows, looks[_i].width);

	ck_assert_double_eq_tol(u.u, looks[_i].u, 1e-13);
	ck_assert_double_eq(u.spread, looks[_i].spread);
	ck_assert_int_eq(u.provenance, looks[_i].provenance);
	arena_release(&a);
}
END_TEST

/* Always within what the points span, whatever is asked. */
START_TEST(utilisation_stays_in_its_table)
{
	struct rng *rng = rng_new((uint64_t)_i, "utilisation");
	struct arena a = ARENA_INIT;
	const struct util_table *table;
	struct util_point points[12];
	double least = 1, most = 0;
	const size_t n = 1 + (size_t)(rng_uniform(rng) * 12);

	for (size_t i = 0; i < n; i++) {
		const double u = rng_uniform(rng);

		points[i] = (struct util_point)AT(1 << (int)(rng_uniform(rng) * 3),
						  1 << (int)(rng_uniform(rng) * 4), u, PROVENANCE_MEASURED);
		least = fmin(least, u);
		most = fmax(most, u);
	}
	table = util_table(&a, points, n, util_error_unknown);
	for (int i = 0; i < 100; i++) {
		const struct util u = util_at(table, exp(2 * rng_normal(rng)), exp(3 * rng_normal(rng)));

		MUST(u.u >= least * (1 - 1e-12) && u.u <= most * (1 + 1e-12));
	}
	arena_release(&a);
	rng_free(rng);
}
END_TEST

/* A utilisation that doubles with the rows is a time that stays: between two measured numbers of rows it is no shorter than
 * at both, by each of the three laws. */
static const struct {
	struct util_point points[6];
	size_t n;
	bool squares; /* the width grows with the rows */
} doubling[] = {
	{{AT(8, 1e6, 0.1, PROVENANCE_MEASURED), AT(16, 1e6, 0.2, PROVENANCE_MEASURED),
	  AT(32, 1e6, 0.5, PROVENANCE_MEASURED), AT(8, 4e6, 0.1, PROVENANCE_MEASURED),
	  AT(16, 4e6, 0.19, PROVENANCE_MEASURED), AT(32, 4e6, 0.3, PROVENANCE_MEASURED)},
	 6,
	 false},
	{{AT(8, 1e6, 0.1, PROVENANCE_MEASURED), AT(16, 1e6, 0.2, PROVENANCE_MEASURED),
	  AT(32, 1e6, 0.5, PROVENANCE_MEASURED), AT(8, 4e6, 0.1, PROVENANCE_MEASURED),
	  AT(16, 4e6, 0.19, PROVENANCE_MEASURED)},
	 5,
	 false},
	{{AT(8, 64, 0.05, PROVENANCE_MEASURED), AT(16, 256, 0.4, PROVENANCE_MEASURED)}, 2, true},
};

static double time_of(const struct util_table *t, double rows, double width)
{
	return rows * width / util_at(t, rows, width).u;
}

START_TEST(no_time_is_shorter_between_rows)
{
	struct arena a = ARENA_INIT;
	const struct util_table *t = util_table(&a, doubling[_i].points, doubling[_i].n, util_error_unknown);
	const double first = 8, last = doubling[_i].squares ? 16 : 32;

	for (double rows = first; rows <= last; rows *= 1.01) {
		const double below = rows < 16 ? 8 : 16, above = rows < 16 ? 16 : 32;

		for (double width = 1e6; width <= 4e6; width *= 1.2) {
			const bool square = doubling[_i].squares;
			const double least =
				fmin(time_of(t, below, square ? below * below : width),
				     time_of(t, square && above > 16 ? 16 : above, square ? 256 : width));

			MUST(time_of(t, rows, square ? rows * rows : width) >= least * (1 - 1e-9));
		}
	}
	arena_release(&a);
}
END_TEST

/* A law of rows and width, of whose grid three of ten shapes were not measured: a hole is predicted from what is
 * around it, a point gives its own value, and the width grows with the distance to the nearest point. */
static double filled(double rows, double width)
{
	return 0.9 * rows / (rows + 64) * width / (width + 1e6);
}

START_TEST(holes_are_filled_from_around)
{
	const struct util_error error = {0.1, 0.3};
	struct rng *rng = rng_new(7, "holes");
	struct arena a = ARENA_INIT;
	const struct util_table *table;
	struct util_point points[64];
	bool hole[8][8] = {{false}};
	size_t n = 0;

	for (int i = 0; i < 64; i++) {
		const double rows = 16 << (i % 8), width = 1e5 * (1 << (i / 8));

		hole[i % 8][i / 8] = rng_uniform(rng) < 0.3;
		if (!hole[i % 8][i / 8])
			points[n++] =
				(struct util_point)AT(rows, width, filled(rows, width), PROVENANCE_MEASURED);
	}
	table = util_table(&a, points, n, error);
	for (int i = 0; i < 64; i++) {
		const double rows = 16 << (i % 8), width = 1e5 * (1 << (i / 8));
		const struct util u = util_at(table, rows, width);
		const bool edge = i % 8 == 0 || i % 8 == 7 || i / 8 == 0 || i / 8 == 7;

		ck_assert_double_eq_tol(u.u / filled(rows, width), 1,
					!hole[i % 8][i / 8] ? 1e-9
					: edge              ? 0.15
							    : 0.1);
		ck_assert_double_eq_tol(u.spread, hole[i % 8][i / 8] ? fmax(0.1, u.spread) : 0.02, 1e-12);
	}
	ck_assert_double_eq(util_at(table, 23, 1.4e5).spread, 0.1);
	ck_assert_double_eq(util_at(table, 8, 1e5).spread, 0.3);
	arena_release(&a);
	rng_free(rng);
}
END_TEST

START_TEST(far_from_points_is_wide)
{
	static const struct util_point points[] = {
		AT(1, 1, 0.1, PROVENANCE_MEASURED), AT(1, 2, 0.1, PROVENANCE_MEASURED),
		AT(2, 1, 0.2, PROVENANCE_MEASURED), AT(64, 64, 0.4, PROVENANCE_MEASURED)};
	struct arena a = ARENA_INIT;
	const struct util_table *table =
		util_table(&a, points, ARRAY_LEN(points), (struct util_error){0.05, 0.15});

	/* the usual distance is one octave */
	ck_assert_double_eq_tol(util_at(table, 64, 8).spread, 0.05 * 3, 1e-12);
	ck_assert_double_eq_tol(util_at(table, 1, 64).spread, 0.05 * 5, 1e-12);
	arena_release(&a);
}
END_TEST

/* ---- what-ifs, draws, shares, labels ---- */

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
		struct device_model device_model = device_model_of(u, DTYPE_F16);

		each_op(&shapes[_i], &fixture.world->scenario->precision, check_ways, &device_model);
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
	device_model = device_model_of(0, DTYPE_F16);
	each_op(&shapes[_i], &fixture.world->scenario->precision, check_shares, &device_model);
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
	device_model = device_model_of(0, DTYPE_F16);
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

/* ---- products of few rows, tiles, weights that are unpacked, chips of two dies ---- */

#define RUNTIME "machines.a.devices.gpu.runtimes.fixture."
static const char *const kernels[] = {
	RUNTIME "few={rows: 8, pass: 5, k_from: 4, gather: 32, scattered: 50 %, first: {f16: 2 %, k: 1 %}, "
		"further: {f16: 50 %}}",
	RUNTIME "tile={rows: 32, columns: 64, fill: 3}", RUNTIME "dequant={q8: 80 %, q4: 60 %, k: 250 %}",
	NULL};

/* 2000 GFLOP of a row take 2 s at the peak; 1000 GB of weights take 1000/95 s. */
static const struct op wide = {.name = "wide",
			       .kind = OP_LINEAR,
			       .m = 1,
			       .n = 1000000,
			       .k = 1000000,
			       .copies = 1,
			       .flop = 2e12,
			       .rows = 1,
			       .weight_B = 1e12,
			       .times = 1,
			       .format = FORMAT_F16};

static const struct {
	int64_t m, experts;
	double copies;
	enum format_id format;
	double read, first, further, many; /* readings, rows; many: of the arithmetic at u = 0.5 */
} few_rows[] = {
	{1, 0, 1, FORMAT_F16, 1, 1, 0, 0},
	{2, 0, 1, FORMAT_F16, 1, 1, 1, 0},
	{5, 0, 1, FORMAT_F16, 1, 1, 4, 0},
	{6, 0, 1, FORMAT_F16, 2, 2, 4, 0},  /* a second reading */
	{8, 0, 1, FORMAT_Q4_K, 2, 4, 6, 0}, /* unpacking takes twice as long as that of f16 */
	{3, 0, 1, FORMAT_Q4_K, 3, 6, 0, 0}, /* so few of them: a reading each */
	{4, 0, 1, FORMAT_Q4_K, 1, 2, 3, 0},
	{3, 0, 1, FORMAT_Q4_0, 1, 1, 2, 0},
	{9, 0, 1, FORMAT_F16, 0, 0, 0, 32}, /* whole tiles */
	{33, 0, 1, FORMAT_F16, 0, 0, 0, 64},
	{33, 0, 1, FORMAT_Q8_0, 0, 0, 0, 80},
	{33, 0, 1, FORMAT_Q4_0, 0, 0, 0, 64 / 0.6},
	{33, 0, 1, FORMAT_Q4_K, 0, 0, 0, 64 / 2.5}, /* on integers: beyond the peak of f16 */
	/* 8 tokens, 4 experts each: 32 rows, each by itself, reading its expert at half the rate */
	{2, 4, 16, FORMAT_F16, 2 * 2, 32, 0, 0},
	/* 32 tokens: 8 rows for each of the 16, and half a tile more */
	{8, 4, 16, FORMAT_F16, 0, 0, 0, 16 * 32},
	{40, 4, 16, FORMAT_F16, 0, 0, 0, 16 * 56},
};

START_TEST(few_and_many_rows)
{
	struct op op = wide;
	struct cost c;
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, kernels);
	device_model = device_model_of(0, DTYPE_F16);
	op.m = few_rows[_i].m;
	op.copies = few_rows[_i].copies;
	op.experts = few_rows[_i].experts;
	op.rows = (double)op.m * op.copies;
	op.flop = wide.flop * op.rows;
	op.format = few_rows[_i].format;
	c = cost_of(&op, &device_model, 1);
	if (few_rows[_i].many > 0) {
		ck_assert_double_eq_tol(c.arithmetic.s, few_rows[_i].many * 2 / 0.5, 1e-9 * c.arithmetic.s);
		ck_assert_double_eq_tol(c.memory.s, 10, 1e-9); /* at the rate of reads */
		ck_assert_double_eq(c.apart.s, 0);
	} else {
		ck_assert_double_eq_tol(c.arithmetic.s, few_rows[_i].first * 2 / 0.02, 1e-9 * c.arithmetic.s);
		ck_assert_double_eq_tol(c.memory.s, few_rows[_i].read * 1000 / 95, 1e-9);
		ck_assert_double_eq_tol(c.apart.s, few_rows[_i].further * 2 / 0.5, 1e-9);
	}
	ck_assert_double_eq_tol(cost_seconds(&c), fmax(c.arithmetic.s, c.memory.s) + c.apart.s + 3e-6, 1e-9);
	fixture_release(&fixture);
}
END_TEST

/* Rows that experts get are expected numbers: what rounding leaves above a whole one is no further reading.
 */
START_TEST(a_little_more_is_no_pass)
{
	struct op op = wide;
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, kernels);
	device_model = device_model_of(0, DTYPE_F16);
	op.m = 5;
	op.rows = 5 * (1 + 1e-12);
	op.flop = wide.flop * op.rows;
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).bytes, op.weight_B, 1);
	op.rows = 5.01;
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).bytes, 2 * op.weight_B, 1);
	op.m = 32;
	op.rows = 32 * (1 + 1e-12);
	op.flop = wide.flop * op.rows;
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).arithmetic.s, 64 / 0.5, 1e-6);
	fixture_release(&fixture);
}
END_TEST

/* 4 rows for each of 128 experts before they run together: with 8 a token, from 64 tokens on. */
static const struct {
	int64_t tokens;
	bool together;
} sorted[] = {{1, false}, {63, false}, {64, true}, {512, true}};

START_TEST(rows_for_each_expert)
{
	static const char *const each[] = {
		RUNTIME "few={rows: 8, pass: 1, gather_rows: 4, first: {f16: 2 %}}", NULL};
	struct op op = wide;
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, each);
	device_model = device_model_of(0, DTYPE_F16);
	op.experts = 8;
	op.experts_all = 128;
	op.copies = 8; /* all tokens to the same ones */
	op.m = sorted[_i].tokens;
	op.rows = 8 * (double)sorted[_i].tokens;
	op.flop = wide.flop * op.rows;
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).bytes / op.weight_B,
				sorted[_i].together ? 1 : (double)sorted[_i].tokens, 1e-9);
	fixture_release(&fixture);
}
END_TEST

/* The kernels of a product that a loop of the host starts for each of 16 experts, three apiece: from two tokens on, and of blocks
 * where the loop takes these. */
static const struct {
	int64_t tokens;
	enum format_id format;
	double kernels;
	bool blocks;
} looped[] = {{1, FORMAT_F16, 1, false},
	      {2, FORMAT_F16, 48, false},
	      {2, FORMAT_Q8_0, 1, false},
	      {2, FORMAT_Q8_0, 48, true},
	      {1, FORMAT_Q8_0, 1, true}};

START_TEST(kernels_of_experts_in_a_loop)
{
	struct arena a = ARENA_INIT;
	const char *const set[] = {
		arena_printf(&a,
			     RUNTIME "tile={rows: 8, columns: 64, loop: {tokens: 2, kernels: 3, blocks: %s}}",
			     looped[_i].blocks ? "true" : "false"),
		RUNTIME "linear={kernels: 1}", NULL};
	const struct op op = {.kind = OP_LINEAR,
			      .m = 1,
			      .n = 1000,
			      .k = 1000,
			      .copies = 16,
			      .rows = 8 * (double)looped[_i].tokens,
			      .experts = 8,
			      .times = 1,
			      .format = looped[_i].format};

	fixture_text(&fixture, FIXTURE_THREE, set);
	ck_assert_double_eq(cost_kernels(device_model_of(0, DTYPE_F16).profile, &op), looped[_i].kernels);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* Experts that the host starts one by one, of products of 1,000 x 1,000: its 10 us each are longer than the device's time, or not
 * (weights of 2 MB at the fixture's bandwidth), and it looks for each of 128 experts in every row. */
static const struct {
	int64_t tokens, n;
	enum format_id format;
	double expert_s;
	bool called, always;
} called[] = {{128, 1025, FORMAT_F16, 10e-3, false, false}, {129, 1025, FORMAT_F16, 10e-3, true, false},
	      {512, 1024, FORMAT_F16, 10e-3, false, false}, {513, 1024, FORMAT_F16, 10e-3, true, false},
	      {513, 1024, FORMAT_F16, 1e-9, true, false},   {513, 1024, FORMAT_Q8_0, 10e-3, false, false},
	      {2, 1024, FORMAT_Q8_0, 10e-3, true, true},    {513, 1024, FORMAT_Q8_0, 10e-3, true, true}};

START_TEST(experts_that_the_host_starts)
{
	struct arena a = ARENA_INIT;
	const char *const set[] = {arena_printf(&a,
						RUNTIME "expert_calls={outputs: 1024, wide: 128, narrow: "
							"512, expert: %.9f s, choice: 1 us, always: %s}",
						called[_i].expert_s, called[_i].always ? "true" : "false"),
				   NULL};
	const double rows = 8 * (double)called[_i].tokens, hit = 16;
	struct op op = {.name = "down",
			.kind = OP_LINEAR,
			.m = 8 * called[_i].tokens / 16,
			.n = called[_i].n,
			.k = 1000,
			.copies = hit,
			.flop = 2 * rows * (double)called[_i].n * 1000,
			.rows = rows,
			.experts = 8,
			.weight_B = 2 * hit * (double)called[_i].n * 1000,
			.times = 1,
			.format = called[_i].format};
	struct device_model device_model;
	struct cost without, with;

	fixture_text(&fixture, FIXTURE_THREE, set);
	device_model = device_model_of(0, DTYPE_F16);
	without = cost_of(&op, &device_model, 1);
	op.experts_all = 128;
	with = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(cost_seconds(&with) - cost_seconds(&without),
				called[_i].called ? rows * 128 * 1e-6 : 0, 1e-9);
	if (called[_i].called && called[_i].expert_s > 1e-6)
		ck_assert_double_eq_tol(cost_seconds(&without), hit * called[_i].expert_s, 1e-9);
	else
		ck_assert(cost_seconds(&without) < hit * 10e-3);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* Weights of blocks that are written out in f16 before a product of more than 32 rows: blocks read and numbers written at the
 * rate of copies, by experts as by any. */
static const struct {
	int64_t rows; /* of each product */
	double copies;
	enum format_id format;
	bool unpacked;
} unpacked[] = {{32, 1, FORMAT_Q8_0, false},
		{33, 1, FORMAT_Q8_0, true},
		{33, 1, FORMAT_F16, false},
		{32, 4, FORMAT_Q8_0, false},
		{33, 4, FORMAT_Q4_K, true}};

START_TEST(weights_written_out_first)
{
	static const char *const set[] = {RUNTIME "unpacks=32", NULL};
	const double rows = (double)unpacked[_i].rows * unpacked[_i].copies,
		     weights = unpacked[_i].copies * 1024 * 1024;
	const struct op op = {.name = "up",
			      .kind = OP_LINEAR,
			      .m = unpacked[_i].rows,
			      .n = 1024,
			      .k = 1024,
			      .copies = unpacked[_i].copies,
			      .rows = rows,
			      .flop = 2 * rows * 1024 * 1024,
			      .weight_B = format_bytes(unpacked[_i].format, weights),
			      .times = 1,
			      .format = unpacked[_i].format};
	double overhead_s[2], bytes[2];

	for (int given = 0; given < 2; given++) {
		struct device_model device_model;
		struct cost c;

		fixture_text(&fixture, FIXTURE_THREE, given ? set : NULL);
		device_model = device_model_of(0, DTYPE_F16);
		c = cost_of(&op, &device_model, 1);
		overhead_s[given] = c.overhead.s;
		bytes[given] = c.bytes;
		if (given)
			ck_assert_double_eq_tol(overhead_s[1] - overhead_s[0],
						unpacked[_i].unpacked
							? (op.weight_B + 2 * weights) /
								  device_model.profile->copy.value
							: 0,
						1e-12);
		fixture_release(&fixture);
	}
	ck_assert_double_eq(bytes[1] - bytes[0], unpacked[_i].unpacked ? 2 * weights - op.weight_B : 0);
}
END_TEST

/* A kernel that takes rows of an expert in groups: rows that fall on 256 experts at random, counted. */
static const struct {
	int64_t rows, each;
} grouped[] = {{64, 1}, {128, 2}, {320, 3}, {1024, 4}, {2048, 12}, {16384, 12}};

struct counted {
	double hit, groups; /* in the mean */
};

static struct counted rows_on_experts(int64_t rows, int64_t each)
{
	enum { TIMES = 400, EXPERTS = 256 };
	struct counted c = {0, 0};
	struct rng *r = rng_new(7, "rows on experts");

	for (int t = 0; t < TIMES; t++) {
		int64_t on[EXPERTS] = {0};

		for (int64_t i = 0; i < rows; i++)
			on[(int)(rng_uniform(r) * EXPERTS)]++;
		for (int e = 0; e < EXPERTS; e++) {
			c.hit += on[e] > 0;
			c.groups += (double)((on[e] + each - 1) / each);
		}
	}
	rng_free(r);
	return (struct counted){c.hit / TIMES, c.groups / TIMES};
}

START_TEST(rows_of_an_expert_in_groups)
{
	static const char *const groups[] = {
		RUNTIME
		"few={rows: 8, pass: 1, first: {f16: 2 %}, further: {f16: 50 %}, groups: [{from: 128, rows: "
		"2}, {from: 320, rows: 3}, {from: 1024, rows: 4, further: 25 %}, {from: 2048, rows: 12}]}",
		NULL};
	const struct counted seen = rows_on_experts(grouped[_i].rows, grouped[_i].each);
	const double each = (double)grouped[_i].each, further = grouped[_i].each == 4 ? 0.25 : 0.5;
	struct op op = wide;
	struct device_model device_model;
	struct cost c;

	fixture_text(&fixture, FIXTURE_THREE, groups);
	device_model = device_model_of(0, DTYPE_F16);
	op.experts = 8;
	op.experts_all = 256;
	op.copies = seen.hit;
	op.rows = (double)grouped[_i].rows;
	op.flop = wide.flop * op.rows;
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.bytes / op.weight_B * seen.hit / seen.groups, 1, 0.02);
	ck_assert_double_eq_tol(c.arithmetic.s / (seen.groups * 2 / 0.02), 1, 0.02);
	ck_assert_double_eq_tol(c.apart.s / (seen.groups * 2 / further), each - 1, 0.02 * each);
	fixture_release(&fixture);
}
END_TEST

/* Few queries run on a kernel of their own: a peak of one TFLOPS, 5 % of it to 8 queries. */
static const struct {
	int64_t query;
	double u;
} queries[] = {{1, 0.05}, {8, 0.05}, {9, 0.4}, {512, 0.4}};

START_TEST(few_queries)
{
	static const char *const vector[] = {RUNTIME "attention.decode_u=5 %", NULL};
	const struct op op = {.name = "scores",
			      .kind = OP_SCORES,
			      .query = queries[_i].query,
			      .context = 4096,
			      .flop = 3e12,
			      .dense_flop = 3e12,
			      .kv_B = 1e9,
			      .groups = 1,
			      .times = 1};
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, vector);
	device_model = device_model_of(0, DTYPE_F16);
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).arithmetic.s, 3 / queries[_i].u, 1e-9);
	fixture_release(&fixture);
}
END_TEST

/* Four heads of a group at a time: five take as long as eight, a group of one is never padded, and prompts are not. */
static const struct {
	int64_t query;
	double groups, computed, u;
} at_a_time[] = {{1, 1, 1, 0.05}, {1, 2, 4, 0.05}, {1, 4, 4, 0.05},  {1, 5, 8, 0.05},
		 {8, 5, 8, 0.05}, {9, 5, 5, 0.4},  {1, 16, 16, 0.05}};

START_TEST(heads_of_a_group_at_a_time)
{
	static const char *const vector[] = {RUNTIME "attention.decode_u=5 %",
					     RUNTIME "attention.decode_heads=4", NULL};
	const struct op op = {.name = "scores",
			      .kind = OP_SCORES,
			      .query = at_a_time[_i].query,
			      .context = 4096,
			      .flop = 1e12 * at_a_time[_i].groups,
			      .dense_flop = 1e12 * at_a_time[_i].groups,
			      .kv_B = 1e9,
			      .groups = at_a_time[_i].groups,
			      .times = 1};
	struct device_model device_model;
	struct cost c;

	fixture_text(&fixture, FIXTURE_THREE, vector);
	device_model = device_model_of(0, DTYPE_F16);
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.arithmetic.s, at_a_time[_i].computed / at_a_time[_i].u, 1e-9);
	ck_assert_double_eq(c.flop, op.flop); /* work is what the heads need, not what units wait for */
	ck_assert_double_eq(c.bytes, op.kv_B);
	fixture_release(&fixture);
}
END_TEST

/* A cache in blocks is read for each of four query heads, by the vector kernel (one or two queries of heads up to 256) and where
 * the device's own cache of 1 MB does not hold it. */
static const struct {
	int64_t query, kv_bits, head_dim;
	double kv_B, readings;
} caches[] = {{1, 8, 128, 2e6, 4}, {2, 4, 256, 2e6, 4}, {1, 16, 128, 2e6, 1},
	      {3, 8, 128, 2e6, 1}, {1, 8, 576, 2e6, 1}, {1, 8, 128, 1e6, 1}};

START_TEST(caches_in_blocks)
{
	static const char *const vector[] = {RUNTIME "attention.blocks_alone=true",
					     "machines.a.devices.gpu.cache=1 MB", NULL};
	const struct op op = {.name = "scores",
			      .kind = OP_SCORES,
			      .query = caches[_i].query,
			      .context = 4096,
			      .flop = 1e6,
			      .dense_flop = 1e6,
			      .kv_B = caches[_i].kv_B,
			      .kv_bits = caches[_i].kv_bits,
			      .head_dim = caches[_i].head_dim,
			      .groups = 4,
			      .times = 1};
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, vector);
	device_model = device_model_of(0, DTYPE_F16);
	ck_assert_double_eq(cost_of(&op, &device_model, 1).bytes, caches[_i].readings * caches[_i].kv_B);
	fixture_release(&fixture);
}
END_TEST

/* Four query heads on 8.5 and 4.5 bits: unpacking takes 30 % of the time of 16 bits for each head where the kernel takes no group,
 * also of a cache that the device's own holds, 95 % for the group where it does; what takes no less is read. */
static const struct {
	const char *alone, *blocks;
	int64_t query, kv_bits;
	double times; /* over that of the bytes read once */
} unpacking[] = {{"true", "30 %", 1, 8, 4 * 0.30 * 16 / 8.5},
		 {"true", "30 %", 1, 4, 4 * 0.30 * 16 / 4.5},
		 {"false", "95 %", 1, 8, 0.95 * 16 / 8.5},
		 {"false", "95 %", 1, 4, 0.95 * 16 / 4.5},
		 {"false", "20 %", 1, 8, 1},
		 {"true", "30 %", 1, 16, 1},
		 {"true", "30 %", 9, 8, 1}};

START_TEST(blocks_are_unpacked)
{
	const struct op op = {.name = "scores",
			      .kind = OP_SCORES,
			      .query = unpacking[_i].query,
			      .context = 4096,
			      .flop = 1,
			      .dense_flop = 1,
			      .kv_B = 1e6,
			      .kv_bits = unpacking[_i].kv_bits,
			      .head_dim = 128,
			      .groups = 4,
			      .times = 1};
	char no_group[160], blocks[160];
	const char *const set[] = {RUNTIME "attention.decode=50 GB/s", no_group, blocks,
				   "machines.a.devices.gpu.cache=1 MB", NULL};
	struct device_model device_model;
	struct cost c;

	snprintf(no_group, sizeof no_group, RUNTIME "attention.blocks_alone=%s", unpacking[_i].alone);
	snprintf(blocks, sizeof blocks,
		 RUNTIME "attention.blocks={value: %s, sd: 9 %%, how: transferred, source: test}",
		 unpacking[_i].blocks);
	fixture_text(&fixture, FIXTURE_THREE, set);
	device_model = device_model_of(0, DTYPE_F16);
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.memory.s, unpacking[_i].times * 1e6 / 50e9, 1e-12);
	/* what is only supposed is less sure than what was measured */
	ck_assert_int_eq(c.memory.from == PROVENANCE_TRANSFERRED, unpacking[_i].times > 1);
	fixture_release(&fixture);
}
END_TEST

/* A table of prompts says nothing of one query: it reads the cache, however low the table's corner is. */
START_TEST(one_query_takes_nothing_from_prompts)
{
	static const char *const vector[] = {
		RUNTIME
		"attention={skips_mask: true, decode: 50 GB/s, points: [{query: 512, context: 512, u: 1 %}]}",
		NULL};
	struct op op = {.kind = OP_SCORES,
			.query = 1,
			.context = 512,
			.flop = 4e9,
			.dense_flop = 4e9,
			.kv_B = 1e9,
			.groups = 1,
			.times = 1};
	struct device_model device_model;
	struct cost c;

	fixture_text(&fixture, FIXTURE_THREE, vector);
	device_model = device_model_of(0, DTYPE_F16);
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(fmax(c.arithmetic.s, c.memory.s), 1e9 / 50e9, 1e-12);
	op.query = 9;
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).arithmetic.s, 4e9 / 1e12 / 0.01, 1e-9);
	fixture_release(&fixture);
}
END_TEST

/* The device has one core: three tiles fill it. */
static const struct {
	int64_t n;
	double slower;
} tiles[] = {{64, 3}, {65, 1.5}, {128, 1.5}, {192, 1}, {1024, 1}};

START_TEST(tiles_fill_cores)
{
	struct op op = wide;
	struct device_model device_model;
	struct cost c;

	fixture_text(&fixture, FIXTURE_THREE, kernels);
	device_model = device_model_of(0, DTYPE_F16);
	op.m = 32;
	op.rows = 32;
	op.n = tiles[_i].n;
	op.flop = 2.0 * 32 * 1e6 * (double)op.n;
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.arithmetic.s, tiles[_i].slower * op.flop / 0.5e12, 1e-9 * c.arithmetic.s);
	fixture_release(&fixture);
}
END_TEST

/* A kernel that rounds rows up to 8 takes as many as 128 of them into one tile: the 16 tiles of 64 columns that three rows of
 * tiles would be are counted once. Weights as they are go to a library, whose tiles are not those. */
static const struct {
	int64_t m;
	enum format_id format;
	double slower;
} high_tiles[] = {{128, FORMAT_Q8_0, 3},
		  {129, FORMAT_Q8_0, 1.5 * 136 / 129},
		  {384, FORMAT_Q8_0, 1},
		  {128, FORMAT_F16, 1}};

START_TEST(tiles_of_many_rows_are_few)
{
	const char *const sets[] = {RUNTIME "tile={rows: 8, columns: 64, fill_rows: 128, fill: 3}",
				    RUNTIME "few={rows: 8, pass: 5, gather: 1}", NULL};
	struct device_model device_model;
	struct op op = wide;
	struct cost c;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = device_model_of(0, DTYPE_F16);
	op.m = high_tiles[_i].m;
	op.rows = (double)op.m;
	op.format = high_tiles[_i].format;
	op.n = 64;
	op.flop = 2.0 * op.rows * 1e6 * (double)op.n;
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.arithmetic.s, high_tiles[_i].slower * op.flop / 0.5e12,
				1e-9 * c.arithmetic.s);
	fixture_release(&fixture);
}
END_TEST

/* A tile of blocks is read and then multiplied: of the shorter a share is hidden nowhere, but where a matrix-vector kernel reads (5
 * rows) and where weights as they are go to a library. Few rows are bound by reading, many by arithmetic. */
static const struct {
	const char *share;
	double unhidden;
	int64_t m;
	enum format_id format;
} turns[] = {{"100%", 1, 32, FORMAT_Q8_0},     {"100%", 1, 4096, FORMAT_Q8_0}, {"25%", 0.25, 32, FORMAT_Q8_0},
	     {"25%", 0.25, 4096, FORMAT_Q8_0}, {"0%", 0, 4096, FORMAT_Q8_0},   {"100%", 0, 5, FORMAT_Q8_0},
	     {"100%", 0, 32, FORMAT_F16}};

START_TEST(tiles_are_read_in_turn)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		arena_printf(&a, RUNTIME "tile={rows: 32, columns: 64, in_turn: %s}", turns[_i].share),
		RUNTIME "few={rows: 8, pass: 5, gather: 1}", NULL};
	const struct params speed = {{2, 4, 1, 1, 1, 1}};
	struct device_model device_model;
	struct op op = wide;
	struct cost c;
	double arithmetic, memory;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = device_model_of(0, DTYPE_F16);
	op.m = turns[_i].m;
	op.rows = (double)op.m;
	op.format = turns[_i].format;
	op.flop = 2.0 * op.rows * 1e6 * (double)op.n;
	c = cost_of(&op, &device_model, 1);
	arithmetic = c.arithmetic.s;
	memory = c.memory.s;
	ck_assert(memory > 0 && arithmetic > 0);
	ck_assert_double_eq_tol(cost_seconds(&c),
				c.overhead.s + c.apart.s + fmax(memory, arithmetic) +
					turns[_i].unhidden * fmin(memory, arithmetic),
				1e-9 * cost_seconds(&c));
	ck_assert_double_eq_tol(cost_seconds_at(&c, &speed),
				c.overhead.s + c.apart.s / 2 + fmax(memory / 4, arithmetic / 2) +
					turns[_i].unhidden * fmin(memory / 4, arithmetic / 2),
				1e-9 * cost_seconds(&c));
	ck_assert_double_eq_tol(cost_counted_arithmetic(&c) + cost_counted_memory(&c) + c.apart.s +
					c.overhead.s,
				cost_seconds(&c), 1e-9 * cost_seconds(&c));
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* A pass of t tokens takes the time of t + ramp, where others take that of t + 64; none counts as fewer than 64. */
static const struct {
	int64_t m, experts;
	double slower;
} ramps[] = {{128, 0, 320.0 / 192}, {64, 0, 2}, {32, 0, 2}, {4096, 0, 4288.0 / 4160}, {128, 1, 136.0 / 192}};

START_TEST(rates_hang_on_the_tokens_of_a_pass)
{
	const char *const sets[] = {RUNTIME "ramp={products: 192, experts: 8}", NULL};
	struct device_model device_model;
	struct op op = wide;
	struct cost c;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = device_model_of(0, DTYPE_F16);
	op.m = ramps[_i].m;
	op.rows = (double)op.m;
	op.experts = ramps[_i].experts;
	op.flop *= op.rows;
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.arithmetic.s, ramps[_i].slower * op.flop / 0.5e12, 1e-9 * c.arithmetic.s);
	fixture_release(&fixture);
}
END_TEST

/* Attention of a prompt takes twice the time for each key behind so many tokens, where others do behind 262,144. */
START_TEST(attention_hangs_on_the_context)
{
	const char *const set = RUNTIME "ramp={context: 32768}";
	struct op op = {.kind = OP_SCORES,
			.phase = PHASE_PREFILL,
			.query = 512,
			.context = 65536,
			.times = 1,
			.flop = 1e12,
			.dense_flop = 1e12,
			.kv_B = 1e6,
			.groups = 1,
			.caches = 1,
			.sequences = 1};
	double seconds[2];

	for (int k = 0; k < 2; k++) {
		const char *const sets[] = {k ? set : NULL, NULL};
		struct device_model device_model;

		fixture_text(&fixture, FIXTURE_THREE, sets);
		device_model = device_model_of(0, DTYPE_F16);
		seconds[k] = cost_of(&op, &device_model, 1).arithmetic.s;
		fixture_release(&fixture);
	}
	ck_assert_double_eq_tol(seconds[1] / seconds[0], 3 / 1.25, 1e-9);
}
END_TEST

/* Rows that an expert's tiles compute: 16 experts, of which a token meets 4, so that m rows each are 4 m tokens. */
static const struct {
	const char *tile;
	int64_t m;
	double done; /* rows that are computed for an expert's m */
} expert_tiles[] = {
	{"{rows: 8, columns: 64}", 20, 24},                                 /* half a tile more */
	{"{rows: 8, columns: 64, expert_rows: 128}", 40, 128},              /* one size for all: 128 */
	{"{rows: 8, columns: 64, expert_rows: 128}", 200, 264},             /* half of that more */
	{"{rows: 8, columns: 64, expert_rows: 128}", 10, 40},               /* at most the 40 tokens */
	{"{rows: 128, columns: 64, expert_rows: 32}", 40, 56},              /* smaller than the dense one's */
	{"{rows: 32, columns: 64, packed: true}", 40, 71},                  /* begins anywhere */
	{"{rows: 32, columns: 64, expert_rows: 16, packed: true}", 40, 55}, /* in tiles of its own */
	{"{rows: 8, columns: 64, expert_rows: 128, experts: 50 %}", 40, 2 * 128}, /* by a slower kernel */
};

START_TEST(experts_run_in_tiles_of_their_own)
{
	const char *sets[] = {RUNTIME "tile=", RUNTIME "few={rows: 8, pass: 5, gather: 1}", NULL};
	struct arena a = ARENA_INIT;
	struct device_model device_model;
	struct op op = wide;
	struct cost c;

	sets[0] = arena_printf(&a, RUNTIME "tile=%s", expert_tiles[_i].tile);
	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = device_model_of(0, DTYPE_F16);
	op.m = expert_tiles[_i].m;
	op.copies = 16;
	op.experts = 4;
	op.experts_all = 16;
	op.rows = (double)op.m * op.copies;
	op.flop = wide.flop * op.rows;
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.arithmetic.s, expert_tiles[_i].done * 16 * 2 / 0.5, 1e-9 * c.arithmetic.s);
	op.copies = 1; /* a dense product runs in the tiles that are everyone's */
	op.experts = 0;
	op.m = 256;
	op.rows = 256;
	op.flop = wide.flop * 256;
	c = cost_of(&op, &device_model, 1);
	ck_assert_double_eq_tol(c.arithmetic.s, 256 * 2 / 0.5, 1e-9 * c.arithmetic.s);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* Rows of experts that are few but gathered: blocks run in tiles, 16-bit weights and single rows do not. A product in tiles
 * starts in a time of its own, and one of experts in another, however many kernels it is. */
static const struct {
	int64_t tokens, experts;
	enum format_id format;
	bool few;
	double start;
} gathered[] = {{1, 4, FORMAT_Q4_0, true, 3e-6},   {3, 4, FORMAT_Q4_0, true, 3e-6},
		{4, 4, FORMAT_Q4_0, false, 70e-6}, {4, 4, FORMAT_F16, true, 3e-6},
		{9, 4, FORMAT_F16, false, 70e-6},  {4, 0, FORMAT_Q4_0, true, 3e-6},
		{9, 0, FORMAT_Q4_0, false, 20e-6}};

START_TEST(experts_are_gathered_into_tiles)
{
	static const char *const sets[] = {RUNTIME "few={rows: 8, pass: 8, gather: 4}",
					   RUNTIME "overhead.tiles=20 us",
					   RUNTIME "overhead.tiles_experts=70 us", NULL};
	struct op op = wide;
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = device_model_of(0, DTYPE_F16);
	op.m = gathered[_i].tokens;
	op.experts = gathered[_i].experts;
	op.rows = (double)(op.m * (op.experts ? op.experts : 1));
	op.copies = op.experts ? op.rows : 1; /* all tokens to others */
	op.flop = wide.flop * op.rows;
	op.format = gathered[_i].format;
	ck_assert_int_eq(product_is_few(device_model.profile, &op), gathered[_i].few);
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).overhead.s, gathered[_i].start, 1e-12);
	op.times = 2; /* both products of a backward pass */
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).overhead.s, 2 * gathered[_i].start, 1e-12);
	fixture_release(&fixture);
}
END_TEST

/* A product of experts starts in a time of its own, however few its rows; 4-bit floats may have another. Other products do not. */
static const struct {
	int64_t tokens, experts;
	enum format_id format;
	double start;
} of_experts[] = {{1, 4, FORMAT_F16, 9e-6},
		  {64, 4, FORMAT_Q4_0, 9e-6},
		  {1, 4, FORMAT_MXFP4, 19e-6},
		  {1, 0, FORMAT_MXFP4, 3e-6},
		  {64, 0, FORMAT_F16, 20e-6}};

START_TEST(products_of_experts_start_in_a_time_of_their_own)
{
	static const char *const sets[] = {
		RUNTIME "overhead.tiles=20 us", RUNTIME "overhead.tiles_experts=70 us",
		RUNTIME "overhead.experts=9 us", RUNTIME "overhead.experts_fp4=19 us", NULL};
	struct op op = wide;
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = device_model_of(0, DTYPE_F16);
	op.m = of_experts[_i].tokens;
	op.experts = of_experts[_i].experts;
	op.rows = (double)(op.m * (op.experts ? op.experts : 1));
	op.copies = op.experts ? (double)op.experts : 1;
	op.flop = wide.flop * op.rows;
	op.format = of_experts[_i].format;
	ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).overhead.s, of_experts[_i].start, 1e-12);
	fixture_release(&fixture);
}
END_TEST

/* One token's experts in bf16, where no kernel of few rows takes them: a tile of 32 rows for each. */
static const struct {
	const char *in_tiles;
	int64_t experts;
	enum format_id format;
	bool few;
} in_bf16[] = {{"true", 4, FORMAT_BF16, false},
	       {"true", 4, FORMAT_F16, true},
	       {"true", 4, FORMAT_Q4_0, true},
	       {"true", 0, FORMAT_BF16, true},
	       {"false", 4, FORMAT_BF16, true}};

START_TEST(experts_in_bf16_run_in_tiles)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		RUNTIME "few={rows: 8, pass: 8, gather: 1}",
		arena_printf(&a, RUNTIME "few.bf16_experts_in_tiles=%s", in_bf16[_i].in_tiles),
		RUNTIME "tile={rows: 32, columns: 64}", NULL};
	struct op op = wide;
	struct device_model device_model;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = device_model_of(0, DTYPE_F16);
	op.m = 1;
	op.experts = in_bf16[_i].experts;
	op.copies = op.rows = op.experts ? (double)op.experts : 1;
	op.flop = wide.flop * op.rows;
	op.format = in_bf16[_i].format;
	ck_assert_int_eq(product_is_few(device_model.profile, &op), in_bf16[_i].few);
	if (!in_bf16[_i].few)
		ck_assert_double_eq_tol(cost_of(&op, &device_model, 1).arithmetic.s, 32 * op.copies * 2 / 0.5,
					1e-6);
	fixture_release(&fixture);
	arena_release(&a);
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
	device_model = device_model_of(0, DTYPE_F16);
	without = cost_of(&op, &device_model, buffers[_i].share).overhead.s;
	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = device_model_of(0, DTYPE_F16);
	ck_assert_double_eq_tol(cost_of(&op, &device_model, buffers[_i].share).overhead.s - without,
				40e-6 * buffers[_i].buffers, 1e-12);
}
END_TEST

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
	device_model = device_model_of(0, DTYPE_F16);
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

/* Weights are made resident at a rate, where a runtime lets them go; nothing else takes that time. */
START_TEST(weights_are_made_resident)
{
	static const char *const sets[] = {RUNTIME "overhead.wire=100 GB/s", NULL};
	const struct op wire = {.name = "wire", .kind = OP_WIRE, .weight_B = 5e9};

	fixture_text(&fixture, FIXTURE_THREE, sets);
	for (int i = 0; i < 2; i++) {
		const struct device_model device_model = device_model_of(i ? 1 : 0, DTYPE_F16);
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
		const struct device_model with = device_model_of(0, DTYPE_F16),
					  without = device_model_of(1, DTYPE_F16);

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
		const struct device_model of = device_model_of(i ? 1 : 0, DTYPE_F16);
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

/* Where it was measured, one query of each of several sequences has a kernel of its own. */
START_TEST(several_sequences_have_their_kernel)
{
	static const char *const sets[] = {RUNTIME "attention.several=100 GB/s",
					   RUNTIME "attention.several_start=7 us", NULL};
	static const struct {
		int64_t sequences, query;
		bool own;
	} cases[] = {{1, 1, false}, {2, 1, true}, {32, 1, true}, {0, 512, false}};

	fixture_text(&fixture, FIXTURE_THREE, sets);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct op op = {.kind = OP_SCORES,
				      .phase = cases[i].query > 1 ? PHASE_PREFILL : PHASE_DECODE,
				      .sequences = cases[i].sequences,
				      .query = cases[i].query,
				      .context = 4096,
				      .kv_B = 1e9,
				      .flop = 1e6,
				      .groups = 1,
				      .head_dim = 128,
				      .kv_bits = 16,
				      .times = 1};
		const struct device_model with = device_model_of(0, DTYPE_F16),
					  without = device_model_of(1, DTYPE_F16);
		const struct cost c = cost_of(&op, &with, 1), plain = cost_of(&op, &without, 1);

		ck_assert(cases[i].own == (fabs(c.memory.s - c.bytes / 100e9) < 1e-12));
		ck_assert(cases[i].own == (fabs(c.overhead.s - 7e-6) < 1e-12));
		ck_assert_double_eq(plain.bytes, c.bytes);
	}
	fixture_release(&fixture);
}
END_TEST

/* Beside pieces of prompts each query head reads the cache for itself, and blocks are started for as many queries as the
 * longest piece has; alone, or beside drafts of one token, nothing changes. */
START_TEST(decodes_beside_prompts)
{
	static const char *const sets[] = {
		RUNTIME "attention.mixed=400 GB/s", RUNTIME "attention.mixed_head=10 ns",
		RUNTIME "attention.mixed_tile=1 ns", RUNTIME "overhead.cache=7 ns", NULL};
	static const struct {
		int64_t beside;
		double head_ns; /* 0: it runs as decodes do */
	} cases[] = {{0, 0}, {1, 0}, {2, 10}, {64, 10}, {65, 11}, {2048, 41}};
	double alone_s = 0;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct op op = {.kind = OP_SCORES,
				      .split = SPLIT_HEADS,
				      .phase = PHASE_DECODE,
				      .sequences = 3,
				      .caches = 3 * 2,
				      .query = 1,
				      .context = 4096,
				      .kv_B = 1e9,
				      .flop = 1e6,
				      .groups = 4,
				      .head_dim = 128,
				      .kv_bits = 16,
				      .times = 1,
				      .beside = cases[i].beside};
		const struct device_model with = device_model_of(0, DTYPE_F16);
		const struct cost c = cost_of(&op, &with, 0.5);
		const double start =
			with.profile->overhead.kernel.value * (double)with.profile->scores.kernels;

		if (cases[i].head_ns <= 0) {
			ck_assert_double_eq_tol(c.overhead.s, start + 0.5 * 6 * 7e-9, 1e-15);
			ck_assert(!i || cost_seconds(&c) == alone_s);
			alone_s = cost_seconds(&c);
			continue;
		}
		ck_assert_double_eq_tol(c.memory.s, 0.5 * 4 * 1e9 / 400e9, 1e-12);
		ck_assert_double_eq_tol(c.overhead.s, start + 0.5 * 6 * 4 * cases[i].head_ns * 1e-9, 1e-15);
	}
	fixture_release(&fixture);
}
END_TEST

/* A part of a joint product takes its columns' share of it. */
START_TEST(products_are_joined)
{
	static const char *const sets[] = {RUNTIME "joins_products=true", NULL};
	struct op part = {.kind = OP_LINEAR,
			  .split = SPLIT_COLUMNS,
			  .phase = PHASE_PREFILL,
			  .m = 100,
			  .n = 1024,
			  .k = 4096,
			  .rows = 100,
			  .copies = 1,
			  .times = 1,
			  .flop = 2.0 * 100 * 1024 * 4096,
			  .weight_B = 2.0 * 1024 * 4096,
			  .format = FORMAT_F16,
			  .joint = 6144},
		  whole = part;

	whole.n = 6144;
	whole.flop *= 6;
	whole.weight_B *= 6;
	fixture_text(&fixture, FIXTURE_THREE, sets);
	for (size_t unit = 0; unit < 2; unit++) {
		const struct device_model m = device_model_of(unit, DTYPE_F16);
		const struct cost a = cost_of(&part, &m, 1), b = cost_of(&whole, &m, 1);
		const double launched = cost_kernels(m.profile, &part);

		ck_assert_double_eq_tol(launched, unit == 0 ? 1.0 / 6 : 1, 1e-12);
		if (unit == 0) {
			ck_assert_double_eq_tol(a.arithmetic.s, b.arithmetic.s / 6, 1e-12);
			ck_assert_double_eq_tol(a.overhead.s, b.overhead.s / 6, 1e-15);
		} else {
			ck_assert_double_eq(a.overhead.s, b.overhead.s);
		}
	}
	fixture_release(&fixture);
}
END_TEST

/* Rows that unpack the weights while others read them take the longer of both, not the sum. */
START_TEST(rows_overlap_with_reading)
{
	static const char *const sets[] = {
		RUNTIME "few={rows: 8, pass: 8, overlaps: true, further: {q8: 10 %}}", NULL};

	fixture_text(&fixture, FIXTURE_THREE, sets);
	for (int64_t m = 1; m <= 8; m++) {
		const struct op op = {.kind = OP_LINEAR,
				      .phase = PHASE_DECODE,
				      .m = m,
				      .n = 4096,
				      .k = 4096,
				      .rows = (double)m,
				      .copies = 1,
				      .times = 1,
				      .flop = 2.0 * (double)m * 4096 * 4096,
				      .weight_B = 1.0625 * 4096 * 4096,
				      .format = FORMAT_Q8_0};
		const struct device_model with = device_model_of(0, DTYPE_F16);
		const struct cost c = cost_of(&op, &with, 1);

		ck_assert_double_eq_tol(c.arithmetic.s, op.flop / (0.1 * with.device->peak[DTYPE_F16].value),
					1e-15);
		ck_assert(c.apart.s == 0);
		ck_assert_double_eq_tol(cost_seconds(&c), fmax(c.memory.s, c.arithmetic.s) + c.overhead.s,
					1e-15);
	}
	fixture_release(&fixture);
}
END_TEST

/* An operator of a kind that no run of the fit was of is as wide as such have proved to be, and no narrower than its
 * numbers; others keep theirs. */
static const struct {
	const char *beyond;
	enum op_kind kind;
	enum phase phase;
	enum format_id format;
	int64_t m, context;
	double spread;
} widths[] = {
	{"{q4: {prefill: 20 %, decode: 15 %}}", OP_LINEAR, PHASE_PREFILL, FORMAT_Q4_0, 512, 0, 0.20},
	{"{q4: {prefill: 20 %, decode: 15 %}}", OP_LINEAR, PHASE_DECODE, FORMAT_Q4_0, 1, 0, 0.15},
	{"{q4: {prefill: 20 %, decode: 15 %}}", OP_LINEAR, PHASE_DECODE, FORMAT_Q8_0, 1, 0, 0},
	{"{batch_q4: {decode: 25 %}}", OP_LINEAR, PHASE_DECODE, FORMAT_Q4_0, 1, 0, 0},
	{"{batch_q4: {decode: 25 %}}", OP_LINEAR, PHASE_DECODE, FORMAT_Q4_0, 2, 0, 0.25},
	{"{batch_q4: {decode: 25 %}}", OP_LINEAR, PHASE_DECODE, FORMAT_Q8_0, 2, 0, 0},
	{"{batch_q4: {decode: 25 %}}", OP_LINEAR, PHASE_PREFILL, FORMAT_Q4_0, 512, 0, 0},
	{"{q4: {decode: 30 %}, batch_q4: {decode: 40 %}}", OP_LINEAR, PHASE_DECODE, FORMAT_Q4_0, 8, 0, 0.5},
	{"{q4: {prefill: 1 %}}", OP_LINEAR, PHASE_PREFILL, FORMAT_Q4_0, 512, 0, 0.01},
	{"{q4: {prefill: 30 %}, short: {from: 600 tok, prefill: 40 %}}", OP_LINEAR, PHASE_PREFILL,
	 FORMAT_Q4_0, 512, 0, 0.5},
	{"{short: {from: 512 tok, prefill: 40 %}}", OP_LINEAR, PHASE_PREFILL, FORMAT_Q4_0, 512, 0, 0},
	{"{context: {from: 4096 tok, decode: 30 %}}", OP_SCORES, PHASE_DECODE, FORMAT_F16, 1, 4096, 0},
	/* half of it beyond: negative, the width of that half */
	{"{context: {from: 4096 tok, decode: 30 %}}", OP_SCORES, PHASE_DECODE, FORMAT_F16, 1, 8192, -0.3},
};

/* The relative spread of the whole time, whose terms are drawn apart from one another. */
static double spread_of_all(const struct cost *c)
{
	const struct term *binding = c->arithmetic.s > c->memory.s ? &c->arithmetic : &c->memory;

	return hypot(hypot(binding->s * binding->spread, c->apart.s * c->apart.spread),
		     c->overhead.s * c->overhead.spread) /
	       cost_seconds(c);
}

static double wider(double spread, double width)
{
	return width < 0 ? (spread - width) / 2 : fmax(spread, width);
}

START_TEST(what_no_fit_saw_is_wide)
{
	const char *sets[] = {NULL, NULL};
	struct arena a = ARENA_INIT;
	struct device_model device_model;
	struct op op = wide;
	struct cost with, without;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	op.kind = widths[_i].kind;
	op.phase = widths[_i].phase;
	op.format = widths[_i].format;
	op.m = widths[_i].m;
	op.rows = (double)op.m;
	op.query = 1;
	op.context = widths[_i].context;
	op.kv_B = 1e6;
	device_model = device_model_of(0, DTYPE_F16);
	without = cost_of(&op, &device_model, 1);
	fixture_release(&fixture);
	sets[0] = arena_printf(&a, RUNTIME "beyond=%s", widths[_i].beyond);
	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = device_model_of(0, DTYPE_F16);
	with = cost_of(&op, &device_model, 1);
	ck_assert_double_eq(cost_seconds(&with), cost_seconds(&without));
	if (widths[_i].spread > 0) {
		ck_assert_double_ge(spread_of_all(&with), widths[_i].spread - 1e-12);
		ck_assert_double_le(spread_of_all(&with),
				    hypot(widths[_i].spread, spread_of_all(&without)) + 1e-12);
	} else {
		ck_assert_double_eq_tol(with.memory.spread, wider(without.memory.spread, widths[_i].spread),
					1e-12);
		ck_assert_double_eq_tol(with.arithmetic.spread,
					wider(without.arithmetic.spread, widths[_i].spread), 1e-12);
	}
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

/* Chips that were measured with a kind are as narrow as without its width. */
static const struct {
	const char *chip, *seen_on;
	bool wide;
} measured_on[] = {{"Apple M2 Max", "[Apple M2 Max]", false},
		   {"Apple M2 Max", "[Apple M1, Apple M2 Max]", false},
		   {"Apple M2", "[Apple M2 Max]", true},
		   {"Apple M2 Ultra", "[Apple M2 Max, Apple M2]", true}};

START_TEST(a_kind_on_another_chip)
{
	struct arena a = ARENA_INIT;
	const char *sets[] = {arena_printf(&a, "machines.a.chip=%s", measured_on[_i].chip), NULL, NULL};
	double spread[2];

	for (int i = 0; i < 2; i++) {
		struct device_model device_model;
		struct op op = wide;
		struct cost c;

		fixture_text(&fixture, FIXTURE_THREE, sets);
		op.phase = PHASE_DECODE;
		op.format = FORMAT_Q4_0;
		op.m = 1;
		op.rows = 1;
		device_model = device_model_of(0, DTYPE_F16);
		c = cost_of(&op, &device_model, 1);
		spread[i] = spread_of_all(&c);
		fixture_release(&fixture);
		sets[1] = arena_printf(&a, RUNTIME "beyond={q4: {seen_on: %s, decode: 45 %%}}",
				       measured_on[_i].seen_on);
	}
	if (measured_on[_i].wide)
		ck_assert_double_ge(spread[1], 0.45 - 1e-12);
	else
		ck_assert_double_eq(spread[1], spread[0]);
	arena_release(&a);
}
END_TEST

/* What runs of one model showed is of that model and phase, and passes no roofline. */
static const struct {
	const char *title;
	enum phase phase;
	double of,
		want; /* times as fast: as the profile says, and as it comes out where no limit is met; 0: at the limit */
} by_itself[] = {{NULL, PHASE_DECODE, 0.5, 0.5},
		 {NULL, PHASE_PREFILL, 0.8, 0.8},
		 {NULL, PHASE_FORWARD, 0.5, 1},
		 {"another", PHASE_DECODE, 0.5, 1},
		 {NULL, PHASE_DECODE, 100, 0}};

START_TEST(a_model_by_itself)
{
	struct arena a = ARENA_INIT;
	const char *sets[] = {NULL, NULL};
	struct op op = wide;
	double s[2];

	for (int i = 0; i < 2; i++) {
		struct device_model device_model;
		struct cost c;

		fixture_text(&fixture, FIXTURE_THREE, sets);
		op.phase = by_itself[_i].phase;
		op.m = 1;
		op.rows = 1;
		device_model = device_model_of(0, DTYPE_F16);
		device_model_for(&device_model, fixture.world->model);
		c = cost_of(&op, &device_model, 1);
		s[i] = cost_seconds(&c);
		if (i && by_itself[_i].want == 0) {
			ck_assert_double_gt(c.least_memory, 0);
			ck_assert_double_eq(c.memory.s, c.least_memory);
		}
		sets[0] = arena_printf(
			&a, RUNTIME "models={\"%s\": {%s: %g}}",
			by_itself[_i].title ? by_itself[_i].title : fixture.world->model->title,
			by_itself[_i].phase == PHASE_PREFILL ? "prefill" : "decode", by_itself[_i].of);
		fixture_release(&fixture);
	}
	if (by_itself[_i].want > 0)
		ck_assert_double_eq_tol(s[0] / s[1], by_itself[_i].want, 1e-9);
	arena_release(&a);
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
/* Attention that no kernel runs whole: the scores of a prompt go through memory, and each query head of a step reads its
 * group's cache for itself. */
static struct op scores_op(enum phase phase, int64_t query, int64_t head_dim, bool capped)
{
	return (struct op){.name = "scores",
			   .kind = OP_SCORES,
			   .split = SPLIT_HEADS,
			   .phase = phase,
			   .query = query,
			   .context = 4096,
			   .flop = 1e9,
			   .dense_flop = 2e9,
			   .tensor_B = 1e7,
			   .kv_B = 1e8,
			   .groups = 4,
			   .head_dim = head_dim,
			   .by_hand = capped,
			   .times = 1};
}

START_TEST(attention_by_hand)
{
	static const double fused_widths[] = {64, 128};
	const struct origin given = {.name = "by_hand", .node = &(const struct yml){.kind = YML_MAP}};
	struct better b;
	struct code_by_hand *by_hand = &b.profile.by_hand;
	struct device_model device_model;
	struct op fused, unfused, capped;
	struct cost x, y;

	fixture_load(&fixture, FIXTURE_FOUNDING, NULL);
	device_model = device_model_of(0, DTYPE_F16);
	better_init(&b, &device_model);
	*by_hand = (struct code_by_hand){.origin = given,
					 .prompts = {(void *)fused_widths, ARRAY_LEN(fused_widths)},
					 .steps = {(void *)fused_widths, 1},
					 .scores = {given, 4, 3},
					 .capped = {given, 7, 6}};
	better_lay_out(&b, DTYPE_F16);
	fused = scores_op(PHASE_PREFILL, 512, 128, false);
	unfused = scores_op(PHASE_PREFILL, 512, 256, false);
	capped = scores_op(PHASE_PREFILL, 512, 128, true);
	x = cost_of(&unfused, &b.device_model, 1);
	y = cost_of(&capped, &b.device_model, 1);
	ck_assert_double_eq(x.flop, 2e9);
	ck_assert_double_eq_tol(y.overhead.s - x.overhead.s,
				3 * b.profile.overhead.kernel.value + 3e7 / b.profile.copy.value, 1e-12);
	ck_assert_double_eq(cost_kernels(&b.profile, &capped), 7);
	ck_assert_double_eq(cost_kernels(&b.profile, &fused), (double)b.profile.scores.kernels);
	fused = scores_op(PHASE_DECODE, 1, 64, false);
	unfused = scores_op(PHASE_DECODE, 1, 128, false); /* fused in prompts alone */
	x = cost_of(&unfused, &b.device_model, 1);
	ck_assert_double_eq(x.bytes, 4e8);
	ck_assert_double_eq_tol(x.memory.s, 4e8 / b.profile.gemv.value, 1e-12);
	unfused = scores_op(PHASE_FORWARD, 512, 256, true); /* training has rules of its own */
	ck_assert_double_eq(cost_kernels(&b.profile, &unfused), (double)b.profile.scores.kernels);
	by_hand->prompts = by_hand->steps = (struct field_list){NULL, 0}; /* all widths are fused */
	unfused = scores_op(PHASE_PREFILL, 512, 256, false);
	ck_assert_double_eq(cost_kernels(&b.profile, &unfused), (double)b.profile.scores.kernels);
	fixture_release(&fixture);
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
	d = device_model_of(0, DTYPE_F16);
	launched = cost_kernels(d.profile, &norm);
	bytes = cost_of(&gate, &d, 1).bytes;
	norm.by_hand = gate.by_hand = true;
	ck_assert_double_eq(cost_kernels(d.profile, &norm), launched + 1);
	ck_assert_double_eq(cost_of(&gate, &d, 1).bytes, bytes + 2e6);
	fixture_release(&fixture);
}
END_TEST

/* What a product of many rows, of the weights as they are or written out first, reaches of the same peak on another card. */
#define CARD "machines.a.devices.gpu."
static const struct {
	const char *sets[4];
	enum format_id format;
	double faster;
} on_cards[] = {
	{{RUNTIME "sums_f16=1"}, FORMAT_F16, 1}, /* the card does not say */
	{{CARD "sums_f16=2"}, FORMAT_F16, 1},    /* it sums in f32 */
	{{RUNTIME "sums_f16=1", CARD "sums_f16=2"}, FORMAT_F16, 2},
	{{RUNTIME "sums_f16=2", CARD "sums_f16=1"}, FORMAT_F16, 0.5},
	{{RUNTIME "sums_f16=1", CARD "sums_f16=2"}, FORMAT_BF16, 1},
	{{RUNTIME "sums_f16=1", CARD "sums_f16=2"}, FORMAT_Q4_0, 1}, /* on integers */
	{{RUNTIME "sums_f16=1", CARD "sums_f16=2", RUNTIME "unpacks=16"}, FORMAT_Q4_0, 2},
	{{RUNTIME "sums_f16=1", CARD "sums_f16=2", RUNTIME "unpacks=4096"}, FORMAT_Q4_0, 1},
	/* a core of 8 W where utilisations are of 32 W, with the square root */
	{{RUNTIME "core_power=32 W", RUNTIME "by_power=50 %", "machines.a.active_power=8 W"},
	 FORMAT_F16,
	 0.5},
	{{RUNTIME "core_power=32 W", RUNTIME "by_power=50 %"}, FORMAT_F16, 1}, /* no power is known */
};

static double many_rows_s(const char *const *sets, enum format_id format)
{
	struct device_model device_model;
	struct op op = wide;

	fixture_text(&fixture, FIXTURE_THREE, sets);
	device_model = device_model_of(0, DTYPE_F16);
	op.m = 512;
	op.rows = 512;
	op.flop = wide.flop * op.rows;
	op.format = format;
	return cost_of(&op, &device_model, 1).arithmetic.s;
}

START_TEST(products_on_another_card)
{
	static const char *const none[] = {NULL};
	const char *const *sets = on_cards[_i].sets;
	const double before = many_rows_s(none, on_cards[_i].format);
	double now;

	fixture_release(&fixture);
	now = many_rows_s(sets, on_cards[_i].format);
	ck_assert_double_eq_tol(before / now, on_cards[_i].faster, 1e-9);
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
	device_model = device_model_of(0, DTYPE_F16);
	card = *device_model.device;
	card.cache = (struct qty){.value = 4e6, .given = true};
	better_init(&b, &device_model);
	better_lay_out(&b, DTYPE_F16);
	b.device_model.device = &card;
	whole_s = cost_of(&norm, &b.device_model, 1).memory.s;
	b.profile.copy_held = (struct qty){.value = 0.25, .given = held_passes[_i].given};
	ck_assert_double_eq_tol(cost_of(&norm, &b.device_model, 1).memory.s / whole_s,
				1 - 0.75 * held_passes[_i].held, 1e-5);
	fixture_release(&fixture);
}
END_TEST

START_TEST(kernels_start_in_their_time)
{
	static const char *const sets[] = {"machines.m5.devices.gpu.runtimes.mps.overhead.product=1 ms",
					   "machines.m5.devices.gpu.runtimes.mps.overhead.attention=2 ms",
					   NULL};
	struct arena a = ARENA_INIT;
	struct device_model device_model;

	fixture_load(&fixture, FIXTURE_FOUNDING, sets);
	device_model = program_device_model(&a, fixture.world, 0);
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		each_op(&shapes[i], &fixture.world->scenario->precision, check_starts, &device_model);
	fixture_release(&fixture);
	arena_release(&a);
}
END_TEST

Suite *suite_cost(void)
{
	Suite *s = suite_create("cost");
	TCase *tc = tcase_create("cost");

	tcase_add_loop_test(tc, limits_of_the_roofline, 0, ARRAY_LEN(shapes));
	tcase_add_loop_test(tc, better_is_never_slower, 0, IMPROVEMENTS * 5);
	tcase_add_test(tc, heat_comes_with_time);
	tcase_add_loop_test(tc, utilisation, 0, ARRAY_LEN(looks));
	tcase_add_test(tc, holes_are_filled_from_around);
	tcase_add_test(tc, far_from_points_is_wide);
	tcase_add_loop_test(tc, utilisation_stays_in_its_table, 0, 40);
	tcase_add_loop_test(tc, no_time_is_shorter_between_rows, 0, (int)ARRAY_LEN(doubling));
	tcase_add_loop_test(tc, three_ways_to_the_same_time, 0, ARRAY_LEN(shapes));
	tcase_add_loop_test(tc, shares_add_up, 0, ARRAY_LEN(shapes));
	tcase_add_loop_test(tc, bound_and_source, 0, ARRAY_LEN(mixes));
	tcase_add_test(tc, device_model_without_a_table);
	tcase_add_loop_test(tc, few_and_many_rows, 0, ARRAY_LEN(few_rows));
	tcase_add_test(tc, a_little_more_is_no_pass);
	tcase_add_loop_test(tc, kernels_of_experts_in_a_loop, 0, ARRAY_LEN(looped));
	tcase_add_loop_test(tc, experts_that_the_host_starts, 0, ARRAY_LEN(called));
	tcase_add_loop_test(tc, caches_in_blocks, 0, ARRAY_LEN(caches));
	tcase_add_loop_test(tc, blocks_are_unpacked, 0, ARRAY_LEN(unpacking));
	tcase_add_loop_test(tc, heads_of_a_group_at_a_time, 0, ARRAY_LEN(at_a_time));
	tcase_add_loop_test(tc, weights_written_out_first, 0, ARRAY_LEN(unpacked));
	tcase_add_loop_test(tc, rows_for_each_expert, 0, ARRAY_LEN(sorted));
	tcase_add_loop_test(tc, rows_of_an_expert_in_groups, 0, ARRAY_LEN(grouped));
	tcase_add_loop_test(tc, tiles_fill_cores, 0, ARRAY_LEN(tiles));
	tcase_add_loop_test(tc, tiles_are_read_in_turn, 0, ARRAY_LEN(turns));
	tcase_add_loop_test(tc, tiles_of_many_rows_are_few, 0, ARRAY_LEN(high_tiles));
	tcase_add_loop_test(tc, rates_hang_on_the_tokens_of_a_pass, 0, ARRAY_LEN(ramps));
	tcase_add_test(tc, attention_hangs_on_the_context);
	tcase_add_test(tc, one_query_takes_nothing_from_prompts);
	tcase_add_loop_test(tc, experts_run_in_tiles_of_their_own, 0, ARRAY_LEN(expert_tiles));
	tcase_add_loop_test(tc, experts_are_gathered_into_tiles, 0, ARRAY_LEN(gathered));
	tcase_add_loop_test(tc, products_of_experts_start_in_a_time_of_their_own, 0, ARRAY_LEN(of_experts));
	tcase_add_loop_test(tc, experts_in_bf16_run_in_tiles, 0, ARRAY_LEN(in_bf16));
	tcase_add_test(tc, routes_start_in_their_time);
	tcase_add_loop_test(tc, weights_end_command_buffers, 0, ARRAY_LEN(buffers));
	tcase_add_test(tc, weights_are_made_resident);
	tcase_add_test(tc, the_host_makes_the_batch);
	tcase_add_test(tc, the_host_masks_and_fetches);
	tcase_add_test(tc, several_sequences_have_their_kernel);
	tcase_add_test(tc, decodes_beside_prompts);
	tcase_add_test(tc, products_are_joined);
	tcase_add_test(tc, rows_overlap_with_reading);
	tcase_add_loop_test(tc, what_no_fit_saw_is_wide, 0, ARRAY_LEN(widths));
	tcase_add_loop_test(tc, a_kind_on_another_chip, 0, ARRAY_LEN(measured_on));
	tcase_add_loop_test(tc, a_model_by_itself, 0, ARRAY_LEN(by_itself));
	tcase_add_loop_test(tc, few_queries, 0, ARRAY_LEN(queries));
	tcase_add_loop_test(tc, shares_of_the_machine, 0, 2);
	tcase_add_loop_test(tc, ridge_points, 0, ARRAY_LEN(ridges));
	tcase_add_loop_test(tc, products_on_another_card, 0, ARRAY_LEN(on_cards));
	tcase_add_loop_test(tc, passes_stay_in_the_cache, 0, ARRAY_LEN(held_passes));
	tcase_add_test(tc, kernels_start_in_their_time);
	tcase_add_test(tc, attention_by_hand);
	tcase_add_test(tc, norms_and_gates_by_hand);
	suite_add_tcase(s, tc);
	return s;
}
