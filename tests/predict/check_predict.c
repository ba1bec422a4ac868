/* check_predict.c - metrics of an assignment: energy and money in closed form, who is busy, intervals. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "sim/predict/explain.h"
#include "sim/predict/generate_job.h"
#include "sim/predict/metrics.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

#define YEAR 31557600.0

/* A small machine with watts and a price. */
#define WALL(idle, active, price, device)                                                                    \
	"{schema: lemursim/hardware/1, title: fixture, chip: fixture, memory: " FIXTURE_MEMORY               \
	", price: " price ", idle_power: {value: " idle ", sd: 0 W}, active_power: {value: " active          \
	", sd: 0 W}, devices: {gpu: " device "}}"
#define WALLS                                                                                                \
	FIXTURE_HEAD "model: " FIXTURE_MODEL("2") "\nmachines: {a: " WALL(                                   \
		"10 W", "50 W", "2000 USD",                                                                  \
		FIXTURE_DEVICE) ", b: " WALL("7 W", "30 W", "900 USD",                                       \
					     FIXTURE_DEVICE) "}\nlinks: {ab: " FIXTURE_LINK("a",             \
											    "b") "}\nworklo" \
												 "ad: "      \
												 "{generate" \
												 ": "        \
												 "{prompt: " \
												 "100 tok, " \
												 "tokens: "  \
												 "17 "       \
												 "tok, "     \
												 "batch: "   \
												 "2}, "      \
												 "train: "   \
												 "{tokens: " \
												 "32 tok, "  \
												 "micro_"    \
												 "batches: " \
												 "3}}\n"     \
												 "money: "   \
												 "{electric" \
												 "ity: "     \
												 "0.36 "     \
												 "USD/kWh, " \
												 "life: "    \
												 "2 years, " \
												 "utilisati" \
												 "on: 25 "   \
												 "%}\n"      \
												 "assignmen" \
												 "ts:\n"     \
												 "  - "      \
												 "{name: "   \
												 "alone, "   \
												 "place: "   \
												 "[{on: "    \
												 "a}]}\n"    \
												 "  - "      \
												 "{name: "   \
												 "cut, "     \
												 "place: "   \
												 "[{on: "    \
												 "a}, "      \
												 "{layers: " \
												 "1, on: "   \
												 "b}, "      \
												 "{op: "     \
												 "head, "    \
												 "on: "      \
												 "b}]}\n"

static const struct {
	const char *time, *energy, *usd;
	double tokens;
} jobs[] = {
	[JOB_GENERATE] = {"e2el_s", "energy_J_per_tok", "usd_per_Mtok", 34},
	[JOB_TRAIN] = {"train_step_s", "energy_J_per_train_tok", "usd_per_train_Mtok", 96},
};

struct run {
	struct arena arena;
	struct prediction p;
	struct assignment_row row;
};

static void run_init(struct run *r, size_t assignment)
{
	const struct placement at = fixture_place(&fixture, assignment);
	struct draws d;

	*r = (struct run){.arena = ARENA_INIT};
	d = draws_make(&r->arena, fixture.world, 1, 50);
	prediction_make(&r->arena, &at, &r->p);
	ck_assert_int_eq(prediction_row(&r->arena, &r->p, &d, &r->row, NULL), 0);
}

static void run_release(struct run *r)
{
	prediction_release(&r->p);
	arena_release(&r->arena);
}

/* Of each queue, seconds. */
static double busy_s(struct run *r, enum job job, size_t queue)
{
	double *busy_ns = arena_array(&r->arena, program_queues(fixture.world), sizeof *busy_ns);
	struct class_times now[JOB_PROGRAMS];

	program_job_nominal(program_runs(&r->p.jobs[job]), now);
	program_job_busy_ns(&r->p.jobs[job], now, busy_ns);
	return busy_ns[queue] / 1e9;
}

/* The tables of the jobs agree: a metric is listed once, times before what power makes of them, no two have a
 * name or a column in common, and what assignments are compared by is a time. */
START_TEST(tables_of_jobs)
{
	size_t of_job[JOB_N] = {0};
	bool power = false;

	for (size_t i = 0; i < metrics_n(); i++) {
		const struct metric_info *m = metric_at(i);

		ck_assert_uint_lt(metric_index(m), job_types[m->job]->metrics_n);
		ck_assert_uint_lt(metric_index(m), METRICS_MAX);
		power |= m->needs != METRIC_OF_TIMES;
		ck_assert_int_eq(m->needs != METRIC_OF_TIMES, power);
		ck_assert_int_eq(m->head != NULL, m->column > 0);
		of_job[m->job]++;
		for (size_t k = 0; k < i; k++) {
			ck_assert_str_ne(metric_at(k)->name, m->name);
			ck_assert(!m->head || metric_at(k)->column != m->column);
		}
	}
	for (int j = 0; j < JOB_N; j++) {
		ck_assert_uint_eq(of_job[j], job_types[j]->metrics_n);
		ck_assert_str_eq(metric_compared((enum job)j)->unit, "s");
		ck_assert(metric_compared((enum job)j)->less);
		ck_assert_int_eq(metric_compared((enum job)j)->job, j);
	}
}
END_TEST

START_TEST(metrics_by_name_and_value)
{
	static const struct {
		const char *name, *text;
		double value; /* NAN: refused */
	} rows[] = {{"ttft_s", "57.7 ms", 0.0577},
		    {"decode_tok_per_s", "40 tok/s", 40},
		    {"mfu", "85 %", 0.85},
		    {"energy_J_per_tok", "5 J/tok", 5},
		    {"usd_per_Mtok", "1.5 USD/Mtok", 1.5},
		    {"ttft_s", "57.7 tok/s", NAN},
		    {"energy_J_per_tok", "5 W", NAN},
		    {"energy_J_per_tok", "inf J/tok", NAN}};
	struct metric with[] = {{.name = "ttft_s", .value = NAN}, {.name = "tpot_s", .value = 2}};
	const struct assignment_row row = {.metrics = with, .metrics_n = 2};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;
		const struct metric_info *m = metric_find(rows[i].name, &err);
		double got = -1;

		ck_assert_ptr_nonnull(m);
		ck_assert_str_eq(m->name, rows[i].name);
		ck_assert_int_eq(metric_parse(m, rows[i].text, &got, &err), isnan(rows[i].value) ? -1 : 0);
		ck_assert_double_eq(got, isnan(rows[i].value) ? -1 : rows[i].value);
		ck_assert_int_eq(err.hint[0] != 0, isnan(rows[i].value));
	}
	ck_assert_ptr_null(rows_metric(&row, "ttft_s")); /* not a number: no metric */
	ck_assert_ptr_null(rows_metric(&row, "tpot"));
	ck_assert_ptr_eq(rows_metric(&row, "tpot_s"), &with[1]);
}
END_TEST

static double value(const struct run *r, const char *name)
{
	const struct metric *m = rows_metric(&r->row, name);

	ck_assert_msg(m != NULL, "no %s", name);
	return m->value;
}

static void check_close(double got, double want)
{
	ck_assert_msg(fabs(got - want) <= 1e-9 * fabs(want), "%.17g is not %.17g", got, want);
}

/* A device that works alone is busy all the time: active watts, and idle ones for the hours it waits. */
START_TEST(a_device_alone)
{
	struct run r;
	double s, J;

	fixture_text(&fixture, WALLS, NULL);
	run_init(&r, 0);
	s = value(&r, jobs[_i].time);
	J = 50 * s;
	check_close(busy_s(&r, (enum job)_i, 0), s);
	check_close(value(&r, jobs[_i].energy), J / jobs[_i].tokens);
	/* a quarter of its life is worked: three seconds of idling for each */
	check_close(value(&r, jobs[_i].usd),
		    1e6 / jobs[_i].tokens * (2000 * s / (2 * YEAR * 0.25) + 0.36 / 3.6e6 * (J + 3 * 10 * s)));
	run_release(&r);
	fixture_release(&fixture);
}
END_TEST

/* Of two machines each takes idle watts throughout, and active ones while it works. */
START_TEST(two_machines)
{
	struct run r;
	double s, J;

	fixture_text(&fixture, WALLS, NULL);
	run_init(&r, 1);
	s = value(&r, jobs[_i].time);
	J = (10 + 7) * s + 40 * busy_s(&r, (enum job)_i, 0) + 23 * busy_s(&r, (enum job)_i, 1);
	ck_assert_double_lt(busy_s(&r, (enum job)_i, 0), s);
	ck_assert_double_gt(busy_s(&r, (enum job)_i, 1), 0);
	check_close(value(&r, jobs[_i].energy), J / jobs[_i].tokens);
	check_close(value(&r, jobs[_i].usd),
		    1e6 / jobs[_i].tokens * (2900 * s / (2 * YEAR * 0.25) + 0.36 / 3.6e6 * (J + 3 * 17 * s)));
	run_release(&r);
	fixture_release(&fixture);
}
END_TEST

/* The engine and the sums over classes agree on who is busy: exactly for a step, whose program runs once. */
START_TEST(busy_as_the_engine_says)
{
	struct run r;

	fixture_text(&fixture, WALLS, NULL);
	for (size_t i = 0; i < 2; i++) {
		run_init(&r, i);
		const struct program_runs *runs = program_runs(&r.p.jobs[JOB_GENERATE]),
					  *train = program_runs(&r.p.jobs[JOB_TRAIN]);

		for (size_t q = 0; q < program_queues(fixture.world); q++) {
			double s = (double)runs->run[GENERATE_FIRST].run.busy_ns[q] / 1e9;
			double later[GENERATE_STEPS] = {0};

			for (int k = 0; k < 3; k++)
				later[k] = (double)runs->run[GENERATE_LATER + k].run.busy_ns[q] / 1e9;
			s += generate_over_steps(runs->own, later);
			ck_assert_double_eq(busy_s(&r, JOB_TRAIN, q),
					    (double)train->run[0].run.busy_ns[q] / 1e9);
			ck_assert_double_eq_tol(busy_s(&r, JOB_GENERATE, q), s, 1e-12 * s + 1e-18);
		}
		run_release(&r);
	}
	fixture_release(&fixture);
}
END_TEST

/* Changes of the energy and money of a generation on both machines, against those without the change. */
static const struct {
	const char *sets[3];
	double J_factor, usd_factor; /* 0: the metric is gone */
} changes[] = {
	{{"money.electricity=0.36 USD/kWh"}, 1, 1},
	{{"machines.a.idle_power=null"}, 0, 0},
	{{"machines.b.active_power=null"}, 0, 0},
	{{"machines.b.price=null"}, 1, 0},
	/* a device's own figures, which add as much as its machine's */
	{{"machines.a.devices.gpu.idle_power={value: 2 W, sd: 0 W}",
	  "machines.a.devices.gpu.active_power={value: 42 W, sd: 0 W}"},
	 1,
	 1},
	{{"machines.a.active_power=null", "machines.a.devices.gpu.active_power={value: 42 W, sd: 0 W}"},
	 0,
	 0},
	/* one without the other says nothing */
	{{"machines.a.devices.gpu.active_power=142 W"}, 1, 1},
	{{"links.ab.power=0 W"}, 1, 1},
};

static void energy_cost_under(const char *const *sets, double *J, double *usd)
{
	struct run r;

	fixture_text(&fixture, WALLS, sets);
	run_init(&r, 1);
	*J = rows_metric(&r.row, "energy_J_per_tok") ? value(&r, "energy_J_per_tok") : 0;
	*usd = rows_metric(&r.row, "usd_per_Mtok") ? value(&r, "usd_per_Mtok") : 0;
	run_release(&r);
	fixture_release(&fixture);
}

START_TEST(provenance_of_energy_and_money)
{
	double J, usd, changed_J, changed_usd;

	energy_cost_under(NULL, &J, &usd);
	energy_cost_under(changes[_i].sets, &changed_J, &changed_usd);
	check_close(changed_J, J * changes[_i].J_factor);
	check_close(changed_usd, usd * changes[_i].usd_factor);
}
END_TEST

/* A link's two ends take their watts while it carries. */
START_TEST(a_link_takes_power)
{
	static const char *const sets[] = {"links.ab.power={value: 5 W, sd: 0 W}", NULL};
	double before, ignored, carried;
	struct run r;

	energy_cost_under(NULL, &before, &ignored);
	fixture_text(&fixture, WALLS, sets);
	run_init(&r, 1);
	carried = busy_s(&r, JOB_GENERATE, 2) + busy_s(&r, JOB_GENERATE, 3);
	ck_assert_double_gt(carried, 0);
	check_close(value(&r, "energy_J_per_tok"), before + 2 * 5 * carried / 34);
	run_release(&r);
	fixture_release(&fixture);
}
END_TEST

/* Dearer energy and shorter lives are never cheaper; a machine that nobody uses costs nothing. */
START_TEST(monotone_and_idle_neighbours)
{
	static const char *const dearer[][2] = {{"money.electricity=1 USD/kWh"},
						{"money.life=1 year"},
						{"money.utilisation=10 %"},
						{"machines.a.price=2001 USD"}};
	static const char *const unused[] = {"machines.b.price=1000000 USD", NULL};
	double J, usd, more_J, more_usd;
	struct run r, s;

	energy_cost_under(NULL, &J, &usd);
	for (size_t i = 0; i < ARRAY_LEN(dearer); i++) {
		energy_cost_under(dearer[i], &more_J, &more_usd);
		ck_assert_double_eq(more_J, J);
		ck_assert_double_gt(more_usd, usd);
	}
	fixture_text(&fixture, WALLS, NULL);
	run_init(&r, 0);
	usd = value(&r, "usd_per_Mtok");
	run_release(&r);
	fixture_release(&fixture);
	fixture_text(&fixture, WALLS, unused);
	run_init(&s, 0);
	ck_assert_double_eq(value(&s, "usd_per_Mtok"), usd);
	run_release(&s);
	fixture_release(&fixture);
}
END_TEST

/* With parameters that are certain, the interval of the energy is that of the watts: 10 % of sd make P10 and
 * P90 1.28 deviations off. */
static struct generate_times times_under(const char *const *sets)
{
	struct run r;
	struct generate_times t;

	fixture_text(&fixture, WALLS, sets);
	run_init(&r, 0);
	t = generate_job_times(&r.p.jobs[JOB_GENERATE]);
	run_release(&r);
	fixture_release(&fixture);
	return t;
}

/* Two layers, two heads of keys and values, two sequences; a prompt is one query of many. */
START_TEST(each_cache_read_by_a_decode_costs)
{
	static const char *const sets[] = {"machines.a.devices.gpu.runtimes.fixture.overhead.cache=10 us",
					   NULL};
	const struct generate_times without = times_under(NULL), with = times_under(sets);

	ck_assert_double_eq_tol(with.tpot_s - without.tpot_s, 2 * 2 * 2 * 10e-6, 1e-9);
	ck_assert_double_eq_tol(with.ttft_s, without.ttft_s, 1e-12);
}
END_TEST

START_TEST(watts_have_an_interval)
{
	static const char *const sets[] = {"machines.a.active_power={value: 50 W, sd: 5 W}",
					   "machines.a.idle_power={value: 50 W, sd: 0 W}", NULL};
	static const char *const sure[] = {"machines.a.active_power={value: 60 W, sd: 6 W}",
					   "machines.a.idle_power={value: 0 W, sd: 0 W}", NULL};
	const struct metric *m;
	struct placement at;
	struct draws d;
	struct run r = {.arena = ARENA_INIT};

	fixture_text(&fixture, WALLS, sure);
	at = fixture_place(&fixture, 0);
	d = draws_make(&r.arena, fixture.world, 1, 4000);
	memset(d.z, 0, d.n * d.sources * sizeof *d.z); /* times are certain */
	prediction_make(&r.arena, &at, &r.p);
	ck_assert_int_eq(prediction_row(&r.arena, &r.p, &d, &r.row, NULL), 0);
	m = rows_metric(&r.row, "energy_J_per_tok");
	ck_assert_double_eq_tol(m->lo / m->value, 1 - 0.128, 0.005);
	ck_assert_double_eq_tol(m->hi / m->value, 1 + 0.128, 0.005);
	run_release(&r);
	fixture_release(&fixture);
	/* an idle draw above the active one adds nothing, it does not give energy back */
	fixture_text(&fixture, WALLS, sets);
	run_init(&r, 0);
	ck_assert_double_ge(rows_metric(&r.row, "energy_J_per_tok")->lo,
			    50 * rows_metric(&r.row, "e2el_s")->lo / 34 * 0.999);
	run_release(&r);
	fixture_release(&fixture);
}
END_TEST

/* ---- verdicts ---- */

static const struct {
	double here, there; /* as calibrated */
	double drawn[10];   /* here, of ten draws, where the other takes 1 s in each */
	const char *verdict;
} verdicts[] = {
	{0.9,
	 1,
	 {.9, .9, .9, .9, .9, .9, .9, .9, .9, 2},
	 "generation pays: 900 ms against 1 s (alone), 1.11 times"},
	{2,
	 1,
	 {2, 2, 2, 2, 2, 2, 2, 2, 2, .9},
	 "generation does not pay: 2 s against 1 s (alone), 0.5 times"},
	{0.9, 1, {.9, .9, .9, .9, .9, .9, .9, .9, 2, 2}, "generation is too close to call: "},
	/* nine draws of ten are not enough where the calibrated values say the contrary */
	{1.02, 1, {.9, .9, .9, .9, .9, .9, .9, .9, .9, .9}, "generation is too close to call: "},
	{0.98, 1, {2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, "generation is too close to call: "},
	{1, 1, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "generation is the same: 1 s against 1 s (alone)"},
	{0.9, NAN, {.9, .9, .9, .9, .9, .9, .9, .9, .9, .9}, "generation pays: "}, /* overloaded */
};

START_TEST(a_verdict_is_what_values_and_draws_say)
{
	static const double ones[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	const struct job_type type = {.noun = "generation"};
	const struct assignment alone = {.name = "alone"};
	const struct placement at = {.assignment = &alone};
	const struct job_run r = {
		.type = &type, .values = &verdicts[_i].here, .compared = verdicts[_i].drawn};
	const struct job_run than = {
		.type = &type, .at = &at, .values = &verdicts[_i].there, .compared = ones};
	struct str out = STR_INIT;

	explain_compare(&out, &r, &than, 10);
	ck_assert_msg(str_starts(out.text, verdicts[_i].verdict), "%s", out.text);
	str_release(&out);
}
END_TEST

Suite *suite_predict(void)
{
	Suite *s = suite_create("predict");
	TCase *tc = tcase_create("energy_cost");

	tcase_add_loop_test(tc, a_device_alone, 0, ARRAY_LEN(jobs));
	tcase_add_loop_test(tc, two_machines, 0, ARRAY_LEN(jobs));
	tcase_add_test(tc, tables_of_jobs);
	tcase_add_test(tc, metrics_by_name_and_value);
	tcase_add_test(tc, busy_as_the_engine_says);
	tcase_add_loop_test(tc, provenance_of_energy_and_money, 0, ARRAY_LEN(changes));
	tcase_add_test(tc, a_link_takes_power);
	tcase_add_test(tc, monotone_and_idle_neighbours);
	tcase_add_test(tc, each_cache_read_by_a_decode_costs);
	tcase_add_test(tc, watts_have_an_interval);
	tcase_add_loop_test(tc, a_verdict_is_what_values_and_draws_say, 0, ARRAY_LEN(verdicts));
	suite_add_tcase(s, tc);
	return s;
}
