/* check_family.c - the fit of a family's model gives back the numbers that made the runs, and cross-validation finds
 * the machine that is off. */
#include "sim/conf/sources.h"
#include "sim/family/family_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/rng.h"
#include "sim/hw/derive.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

/* Priors are wide, so that what runs say of a number is not drawn to where it starts. */
#define FAMILY(gemv)       FAMILY_OF(gemv, "q8: {value: 90 %, sd: 36 %, source: fit}")
#define FOLLOWING(dequant) FAMILY_OF("{value: 80 %, sd: 32 %, source: fit}", dequant)
#define FAMILY_OF(gemv, dequant)                                                                             \
	"schema: lemursim/hardware/1\n"                                                                      \
	"kind: family\n"                                                                                     \
	"title: fixture\n"                                                                                   \
	"devices: {gpu: {runtimes: {fixture: {version: none, read: 90 %, copy: 80 %,\n"                      \
	"  gemv: " gemv ",\n"                                                                                \
	"  gemm_f16: {roof: 80 %, sync: 0 s, u: {value: 60 %, sd: 24 %, source: fit}},\n"                    \
	"  attention: {u: 30 %, decode: {value: 30 %, sd: 12 %, source: fit}},\n"                            \
	"  dequant: {" dequant "},\n"                                                                        \
	"  dies: {bandwidth: {value: 95 %, sd: 38 %, source: fit}, arithmetic: 95 %},\n"                     \
	"  norm: {kernels: 1}, rope: {kernels: 1}, kv_append: {kernels: 1}, kv_repeat: {kernels: 0},\n"      \
	"  scores: {kernels: 2}, linear: {kernels: 1}, activation: {kernels: 1}, residual: {kernels: 1},\n"  \
	"  chips: {}, beyond: {},\n"                                                                         \
	"  overhead: {kernel: {value: 4 us, sd: 1.6 us, source: fit}, step: 100 us}}}}}\n"

static const char family[] = FAMILY("{value: 80 %, sd: 32 %, source: fit}"),
		  sure[] = FAMILY("{value: 80 %, sd: 0.2 %, source: fit}");

static const char *const machines[] = {"apple-m1-pro-16c", "apple-m2-max-38c", "apple-m2-10c",
				       "apple-m2-ultra-76c"};
static const char *const weights[] = {"f16", "q8_0"};
static const struct run shapes[] = {{.prompt = 512, .kind = RUN_PP, .batch = 1},
				    {.gen = 64, .kind = RUN_TG, .batch = 1},
				    {.gen = 64, .depth = 8000, .kind = RUN_TG, .batch = 1},
				    {.kind = RUN_GEMM, .product = {4096, 4096, 4096, DTYPE_F16}}};
enum { ROWS = ARRAY_LEN(machines) * ARRAY_LEN(weights) * ARRAY_LEN(shapes) };

/* The true numbers of the model over those that its fit starts at. */
static const double truth[] = {1.12, 1.2, 0.6,
			       1.05, 1.3, 0.95}; /* in the order of the model's fitted numbers */

struct world_of_runs {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	char path[32];
	struct family_model family_model;
	struct run runs[ROWS];
	struct observations e;
	struct family_values v;
};
static struct world_of_runs w;

static void must(int rc, const struct err *err)
{
	struct str text = STR_INIT;

	if (rc != 0)
		diags_format(&w.diags, &text);
	ck_assert_msg(rc == 0, "%s %s", err->msg, text.text ? text.text : "");
	str_release(&text);
}

static const char *text_of_family = family;

/* All that is measured are ratios of two machines: both of the model's runtime, and one of another family's runtime. */
static bool ratios_only;

static void make_ratio(struct run *r, bool first)
{
	r->over = first ? "apple-m4-max-40c" : machines[0];
	r->over_runtime = first ? "llama.cpp@2026-02" : "fixture";
}

static void list_runs(struct runs *runs)
{
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		for (size_t j = 0; j < ARRAY_LEN(weights); j++)
			for (size_t k = 0; k < ARRAY_LEN(shapes); k++) {
				struct run *r = &w.runs[runs->n++];

				*r = shapes[k];
				r->machine = machines[i];
				r->runtime = "fixture";
				r->model = run_is_operator(r) ? NULL : "mistral-7b";
				r->weights = weights[j];
				r->seconds = 1;
				if (ratios_only)
					make_ratio(r, i == 0);
			}
}

/* A new file, since a loader reads each once. */
static void put_file(const char *text)
{
	int fd;

	snprintf(w.path, sizeof w.path, "/tmp/lemursim-family-XXXXXX");
	fd = mkstemp(w.path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* slow: a machine whose memory is so many times slower than the model has it; noise: relative. */
static void make_runs(const char *slow, double times, double noise)
{
	static const char *const here[] = {"."};
	struct rng *rng = rng_new(7, "law");
	struct err err = ERR_INIT;
	struct runs runs = {.path = "fixture.csv", .tool = "csv", .at = w.runs};

	w.arena = (struct arena)ARENA_INIT;
	diags_init(&w.diags, &w.arena);
	loader_init(&w.loader, &w.arena, &w.diags);
	w.loader.paths = here;
	w.loader.paths_n = 1;
	put_file(text_of_family);
	must(family_load(&w.loader, w.path, &w.family_model, &err), &err);
	unlink(w.path);
	ck_assert_uint_eq(w.family_model.params_n, ARRAY_LEN(truth));
	list_runs(&runs);
	must(observations_load(&w.loader, &runs, OBSERVATIONS_NO_PROFILE, &w.e, &err), &err);
	must(family_fit(&w.family_model, &w.e, &w.v, &err), &err); /* for its list of chips */
	for (size_t i = 0; i < w.v.chips_n; i++)
		w.v.chip[i].factor[FACTOR_ARITHMETIC] = w.v.chip[i].factor[FACTOR_MEMORY] = 1;
	for (size_t p = 0; p < w.family_model.params_n; p++)
		w.v.of[p] = w.family_model.start[p] * truth[p];
	for (size_t i = 0; i < ROWS; i++) {
		const bool is_slow = slow && !strcmp(w.runs[i].machine, slow);

		w.runs[i].seconds = family_seconds(&w.family_model, &w.v, &w.e.at[i]) *
				    (is_slow ? times : 1) * exp(noise * rng_normal(rng));
	}
	rng_free(rng);
}

static const struct {
	double noise;
	bool ratios;
} noises[] = {{0, false}, {0.01, false}, {0, true}, {0.01, true}};

START_TEST(gives_back_what_made_the_runs)
{
	const double noise = noises[_i].noise;
	/* where ratios hang on a number little, what is expected holds it near its beginning */
	const double off = noises[_i].ratios ? 0.1 : 0.02;
	struct family_values v;
	struct err err = ERR_INIT;

	ratios_only = noises[_i].ratios;
	make_runs(NULL, 1, noise);
	ratios_only = false;
	must(family_fit(&w.family_model, &w.e, &v, &err), &err);
	for (size_t p = 0; p < w.family_model.params_n; p++)
		ck_assert_msg(fabs(v.of[p] / w.v.of[p] - 1) < off + 4 * noise, "%s: %g, not %g",
			      family_param_name(&w.family_model, p), v.of[p], w.v.of[p]);
	arena_release(&w.arena);
}
END_TEST

/* What the fit is told of each row is how the row moves, ratios by both of their machines. */
START_TEST(slopes_are_those_of_the_times)
{
	static const double step = 1e-5;

	ratios_only = _i;
	make_runs(NULL, 1, 0);
	ratios_only = false;
	for (size_t i = 0; i < w.v.chips_n; i++)
		w.v.chip[i].factor[FACTOR_MEMORY] = 0.8;
	for (size_t i = 0; i < ROWS; i++) {
		const double base = family_seconds(&w.family_model, &w.v, &w.e.at[i]);
		struct family_slopes d;

		family_slopes(&w.family_model, &w.v, &w.e.at[i], &d);
		for (size_t p = 0; p < w.family_model.params_n; p++) {
			struct family_values moved = w.v;

			moved.of[p] *= 1 + step;
			ck_assert_double_eq_tol(
				d.of[p],
				log(family_seconds(&w.family_model, &moved, &w.e.at[i]) / base) / step, 1e-3);
		}
		for (size_t c = 0; c < w.v.chips_n; c++)
			for (int k = 0; k < FAMILY_CHIP_FACTORS; k++) {
				struct family_values moved = w.v;

				moved.chip[c].factor[k] *= 1 + step;
				ck_assert_double_eq_tol(
					d.chip[c][k],
					log(family_seconds(&w.family_model, &moved, &w.e.at[i]) / base) /
						step,
					1e-3);
			}
	}
	arena_release(&w.arena);
}
END_TEST

/* The errors of each row, by a fit without its chip and with it. */
static struct family_errors chips_left_out(void)
{
	struct family_judged judged;
	struct err err = ERR_INIT;

	must(family_judge(&w.family_model, &w.e, (struct workers_ask){2}, &judged, &err), &err);
	return judged.chip_left_out;
}

/* A machine that is 10 % slower than its family is predicted 11 % too fast without it, and little with it. */
START_TEST(tells_a_machine_that_is_off)
{
	struct family_errors errors;

	make_runs(machines[1], 1 / 0.9, 0.003);
	errors = chips_left_out();
	for (size_t i = 0; i < ROWS; i++) {
		const bool off = !strcmp(w.runs[i].machine, machines[1]);

		if (w.e.at[i].device->machine->dies > 1)
			continue; /* it alone tells what two dies cost */
		ck_assert_double_eq_tol(errors.without[i], off ? 1 / 0.9 - 1 : 0, off ? 0.03 : 0.07);
		ck_assert_double_le(fabs(errors.fitted[i]), fabs(errors.without[i]) + 0.02);
	}
	arena_release(&w.arena);
}
END_TEST

/* A machine that is left out takes the ratios that others are over it with it. */
START_TEST(leaves_out_what_is_over_a_machine)
{
	struct family_errors errors;

	ratios_only = true;
	make_runs(machines[2], 1 / 0.9, 0);
	ratios_only = false;
	errors = chips_left_out();
	for (size_t i = 0; i < ROWS; i++) {
		if (w.e.at[i].device->machine->dies > 1)
			continue;                            /* it alone tells what two dies cost */
		if (!strcmp(w.runs[i].machine, machines[0])) /* the others are over it: nothing is left */
			ck_assert_double_gt(fabs(errors.without[i]), 0.001);
		else
			ck_assert_double_eq_tol(errors.without[i],
						strcmp(w.runs[i].machine, machines[2]) ? 0 : 1 / 0.9 - 1,
						0.05);
	}
	arena_release(&w.arena);
}
END_TEST

/* A number that is believed to be known stays there, whatever the runs say. */
START_TEST(stays_where_it_is_sure)
{
	struct family_values v;
	struct err err = ERR_INIT;

	text_of_family = sure;
	make_runs(NULL, 1, 0);
	text_of_family = family;
	must(family_fit(&w.family_model, &w.e, &v, &err), &err);
	ck_assert_double_eq_tol(v.of[0], w.family_model.start[0], 0.02);
	ck_assert_double_gt(w.v.of[0], v.of[0] + 0.06);
	arena_release(&w.arena);
}
END_TEST

/* An Ultra is two dies of a Max: where both are slow, the Max alone tells it of the Ultra that is left out.
 */
START_TEST(an_ultra_is_like_its_max)
{
	double error[2];
	struct family_errors errors;

	for (int both = 0; both < 2; both++) {
		make_runs(NULL, 1, 0);
		for (size_t i = 0; i < ROWS; i++)
			if (both &&
			    (!strcmp(w.runs[i].machine, machines[1]) || w.e.at[i].device->machine->dies > 1))
				w.runs[i].seconds /= 0.85;
		errors = chips_left_out();
		error[both] = errors.without[ROWS - 1];
		arena_release(&w.arena);
	}
	ck_assert_double_eq_tol(error[0], error[1], 0.06); /* and not 0.18 */
}
END_TEST

/* The model's runtime in the file that is written. */
static const struct profile *written(void)
{
	struct source *source = arena_alloc(&w.arena, sizeof *source);
	struct machine *m = arena_alloc(&w.arena, sizeof *m);
	struct family_judged judged;
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	struct yml *tree;

	must(family_judge(&w.family_model, &w.e, (struct workers_ask){1}, &judged, &err), &err);
	must(family_write(&w.family_model, &w.e, &judged, &text, &err), &err);
	*source = (struct source){"written", arena_strdup(&w.arena, text.text), text.len};
	str_release(&text);
	tree = yml_parse(&w.arena, source, &w.diags);
	sources_resolve(&w.arena, tree, &w.diags);
	must(tree ? field_load_part(&machine_table, tree, "written", m, &w.diags) : -1, &err);
	return ((const struct device *)m->devices.at)->runtimes.at;
}

/* The file that is written loads as a family, and gives the chip that is off its own factors. */
START_TEST(writes_a_family)
{
	const struct profile *p;
	const struct chip_reach *chip;
	double factor = 0;

	make_runs(machines[2], 1 / 0.9, 0.003);
	p = written();
	ck_assert(p->gemv.is_share && p->gemv.provenance == PROVENANCE_MEASURED);
	ck_assert_double_eq_tol(p->gemv.value, w.v.of[0], 0.04); /* one in four is slow */
	ck_assert_uint_eq(p->chips.n, ARRAY_LEN(machines));
	chip = p->chips.at;
	for (size_t i = 0; i < p->chips.n; i++)
		if (!strcmp(chip[i].origin.name, "Apple M2"))
			factor = chip[i].bandwidth.value * chip[i].arithmetic.value;
	ck_assert_double_lt(factor, 0.9);
	ck_assert_double_gt(factor, 0.75);
	arena_release(&w.arena);
}
END_TEST

/* Loads a family's text, and fits it to what another text's model makes runs of; its first six numbers' true values as there. */
static void fit_other(const char *text, struct family_values *v)
{
	struct family_model made;
	struct err err = ERR_INIT;

	make_runs(NULL, 1, 0);
	made = w.family_model;
	put_file(text);
	must(family_load(&w.loader, w.path, &w.family_model, &err), &err);
	unlink(w.path);
	ck_assert_uint_eq(w.family_model.params_n, made.params_n + 1);
	must(family_fit(&w.family_model, &w.e, v, &err), &err);
}

static double fitted_as(const struct family_values *v, const char *name)
{
	for (size_t i = 0; i < w.family_model.params_n; i++)
		if (!strcmp(family_param_name(&w.family_model, i), name))
			return v->of[i];
	ck_abort_msg("%s is not fitted", name);
	return 0;
}

/* Runs are of 8-bit blocks alone, at 1.3 times their start: super-blocks follow in the proportion that the file states, and are
 * as unsure as that and what they follow. */
START_TEST(what_no_run_tells_follows)
{
	const struct profile *p;
	struct family_values v;

	fit_other(FOLLOWING("q8: {value: 90 %, sd: 36 %, source: fit}, "
			    "k: {value: 60 %, sd: 12 %, source: fit of dequant.q8}"),
		  &v);
	ck_assert_double_eq_tol(fitted_as(&v, "dequant.q8"), 0.9 * 1.3, 0.03);
	ck_assert_double_eq_tol(fitted_as(&v, "dequant.k") / fitted_as(&v, "dequant.q8"), 60.0 / 90, 1e-4);
	p = written();
	ck_assert_int_eq(p->dequant.q8.provenance, PROVENANCE_MEASURED);
	ck_assert_int_eq(p->dequant.k.provenance, PROVENANCE_TRANSFERRED);
	ck_assert_double_eq_tol(p->dequant.k.value / p->dequant.q8.value, 60.0 / 90, 1e-3);
	ck_assert_double_eq_tol(p->dequant.k.spread, hypot(0.2, p->dequant.q8.spread), 0.01);
	ck_assert_str_eq(p->dequant.k.source, "no run says; 66.7 % of dequant.q8, which runs told");
	arena_release(&w.arena);
}
END_TEST

/* Where runs do tell a number, they tell it: it is only expected near what it follows, which then moves with it. */
START_TEST(what_runs_tell_follows_little)
{
	const struct profile *p;
	struct family_values v;

	fit_other(FOLLOWING("k: {value: 60 %, sd: 24 %, source: fit}, "
			    "q8: {value: 90 %, sd: 18 %, source: fit of dequant.k}"),
		  &v);
	ck_assert_double_eq_tol(fitted_as(&v, "dequant.q8"), 0.9 * 1.3, 0.03);
	ck_assert_double_gt(fitted_as(&v, "dequant.k"), 0.6 * 1.1);
	p = written();
	ck_assert_int_eq(p->dequant.q8.provenance, PROVENANCE_MEASURED);
	ck_assert_int_eq(p->dequant.k.provenance, PROVENANCE_TRANSFERRED);
	ck_assert_str_eq(p->dequant.k.source, "no run says; as it was put in");
	arena_release(&w.arena);
}
END_TEST

/* A chip that alone ran a format takes it out of the fit with it: what that fit is wide for, and what it gives the rows, are
 * the fit's without them. */
START_TEST(a_hole_takes_its_kinds_along)
{
	struct family_errors errors;
	size_t checked = 0;

	make_runs(NULL, 1, 0.003);
	for (size_t i = 0; i < ROWS; i++)
		w.runs[i].held_out =
			!strcmp(w.runs[i].weights, "q8_0") && strcmp(w.runs[i].machine, machines[1]) != 0;
	errors = chips_left_out();
	for (size_t i = 0; i < ROWS; i++) {
		const struct family_hole *hole = errors.hole[i];
		const bool own = !strcmp(w.runs[i].machine, machines[1]);

		ck_assert_int_eq(!hole, w.runs[i].held_out);
		if (!hole)
			continue;
		ck_assert_int_eq(hole->left_out, FAMILY_LEAVE_OUT_CHIP);
		ck_assert_uint_eq(hole->beyond.of[BEYOND_F16].seen_on.n, ARRAY_LEN(machines) - 1);
		ck_assert_uint_eq(hole->beyond.of[BEYOND_Q8].seen_on.n, own ? 0 : 1);
		if (w.e.at[i].model)
			ck_assert_double_eq_tol(family_seconds(&w.family_model, &hole->values, &w.e.at[i]) *
							(1 + errors.without[i]),
						w.runs[i].seconds, 1e-9 * w.runs[i].seconds);
		checked++;
	}
	ck_assert_uint_gt(checked, ARRAY_LEN(shapes));
	arena_release(&w.arena);
}
END_TEST

/* What one chip is off by widens a kind on the others, and not on that chip itself, whose error it is judged by; the profile, which
 * is judged by neither, has it of all. */
START_TEST(chips_tell_of_one_another)
{
	const double times = 1.6;
	double width[ARRAY_LEN(machines)];
	struct family_errors errors;

	make_runs(machines[1], times, 0.003);
	errors = chips_left_out();
	for (size_t i = 0; i < ROWS; i++)
		if (w.e.at[i].model)
			width[i / (ROWS / ARRAY_LEN(machines))] =
				errors.hole[i]->beyond.of[BEYOND_F16].decode;
	for (size_t m = 0; m < ARRAY_LEN(machines); m++)
		if (m !=
		    1) /* one of three others that is off by more than half, beside what no family has told: 24 % of one chip */
			ck_assert_double_ge(width[m],
					    sqrt((0.24 * 0.24 + log(times) * log(times) * 0.7) / 4));
	ck_assert_double_lt(width[1], 0.9 * width[0]);
	ck_assert_double_gt(written()->beyond.of[BEYOND_F16].decode, 1.05 * width[1]);
	arena_release(&w.arena);
}
END_TEST

/* Of a family of one chip none is left without it: its models are left out, and that is said. */
START_TEST(one_chip_is_never_left_out)
{
	struct family_errors errors;
	size_t checked = 0;

	make_runs(NULL, 1, 0.003);
	for (size_t i = 0; i < ROWS; i++)
		w.runs[i].held_out = strcmp(w.runs[i].machine, machines[1]) != 0;
	errors = chips_left_out();
	for (size_t i = 0; i < ROWS; i++) {
		if (w.runs[i].held_out)
			continue;
		ck_assert_int_eq(errors.hole[i]->left_out, FAMILY_LEAVE_OUT_MODEL);
		checked++;
	}
	ck_assert_uint_gt(checked, ARRAY_LEN(shapes));
	arena_release(&w.arena);
}
END_TEST

/* Kinds that the fit had no runs of are named with their widths, the others with the chips that had them. */
START_TEST(names_what_it_never_saw)
{
	const struct beyond *b;

	make_runs(NULL, 1, 0.003);
	b = &written()->beyond;
	for (int k = 0; k < BEYOND_KINDS; k++) {
		const bool had = k == BEYOND_F16 || k == BEYOND_Q8;

		const bool batch = k >= BEYOND_BATCH_F16 && k <= BEYOND_BATCH_FP4;
		const double width = batch ? b->of[k].decode : b->of[k].prefill;

		ck_assert_msg(width > 0.05 && width < 0.6, "kind %d: %g", k, width);
		ck_assert(!batch || b->of[k].prefill == 0); /* a prompt has no steps of several sequences */
		ck_assert_uint_eq(b->of[k].seen_on.n, had ? ARRAY_LEN(machines) : 0);
	}
	ck_assert_int_eq(b->of[BEYOND_CONTEXT].from, 4096); /* the model's window */
	ck_assert_int_eq(b->of[BEYOND_SHORT].from, 512);
	ck_assert_double_eq(b->of[BEYOND_SHORT].decode, 0);
	ck_assert_ptr_nonnull(b->source);
	arena_release(&w.arena);
}
END_TEST

/* Runs of a kind that the fit lacks are held out beside it: however far off, they widen nothing else. */
START_TEST(what_it_never_saw_widens_nothing_else)
{
	double spread[2];

	for (int i = 0; i < 2; i++) {
		make_runs(NULL, 1, 0.01);
		for (size_t k = 0; k < ROWS; k++)
			if (w.runs[k].weights && !strcmp(w.runs[k].weights, "q8_0") && w.runs[k].gen) {
				w.runs[k].held_out = true;
				w.runs[k].seconds *= i ? 2.5 : 1;
			}
		spread[i] = written()->gemv.spread;
		arena_release(&w.arena);
	}
	ck_assert_double_eq_tol(spread[1] / spread[0], 1, 1e-9);
}
END_TEST

/* The fit does not depend on a few rows that are far off. */
START_TEST(a_row_astray_moves_little)
{
	struct family_values v;
	struct err err = ERR_INIT;

	make_runs(NULL, 1, 0.003);
	w.runs[1].seconds *= 1.6; /* tokens in f16, of one machine of four */
	must(family_fit(&w.family_model, &w.e, &v, &err), &err);
	ck_assert_double_eq_tol(v.of[0] / w.v.of[0], 1, 0.02); /* not 0.1 */
	arena_release(&w.arena);
}
END_TEST

/* A profile of the written file on the row's machine, and nothing that it shares with another. */
static double said_by(const struct profile *p, const struct observation *row)
{
	struct profile here = *p;
	struct gemm_table gemm = *p->gemm[DTYPE_F16];

	here.gemm[DTYPE_F16] = &gemm;
	derive_profile(row->device->machine, row->device->device, &here);
	return observations_seconds(w.family_model.scratch, row, &here);
}

/* What was fitted is what the catalogue then says, to the digits written: also of a chip so fast that the bus
 * is all it can reach. */
START_TEST(what_is_written_is_what_was_fitted)
{
	struct family_values v;
	struct err err = ERR_INIT;
	const struct profile *p;

	make_runs(machines[2], _i ? 1 / 1.3 : 1 / 0.9, 0.01);
	must(family_fit(&w.family_model, &w.e, &v, &err), &err);
	p = written();
	for (size_t i = 0; i < ROWS; i++)
		ck_assert_double_eq_tol(
			said_by(p, &w.e.at[i]) / family_seconds(&w.family_model, &v, &w.e.at[i]), 1, 2e-3);
	arena_release(&w.arena);
}
END_TEST

/* Spreads grow with what the runs scatter, and hold four in five of them. */
START_TEST(spreads_are_of_the_runs)
{
	static const double noise[] = {0.005, 0.06};
	double of_all[2], of_chip[2];

	for (int i = 0; i < 2; i++) {
		const struct profile *p;

		make_runs(NULL, 1, noise[i]);
		p = written();
		of_all[i] = p->gemv.spread;
		of_chip[i] = ((const struct chip_reach *)p->chips.at)->bandwidth.spread;
		arena_release(&w.arena);
	}
	ck_assert_double_ge(of_all[0], 0.014);
	ck_assert_double_gt(of_all[1], 2 * of_all[0]);
	ck_assert_double_ge(of_chip[0], 0.014);
	ck_assert_double_gt(of_chip[1], 2 * of_chip[0]);
	ck_assert_double_lt(of_chip[1], 0.2);
}
END_TEST

Suite *suite_family(void)
{
	Suite *s = suite_create("family");
	TCase *tc = tcase_create("family");

	tcase_add_loop_test(tc, gives_back_what_made_the_runs, 0, ARRAY_LEN(noises));
	tcase_add_loop_test(tc, slopes_are_those_of_the_times, 0, 2);
	tcase_add_test(tc, tells_a_machine_that_is_off);
	tcase_add_test(tc, leaves_out_what_is_over_a_machine);
	tcase_add_test(tc, stays_where_it_is_sure);
	tcase_add_test(tc, an_ultra_is_like_its_max);
	tcase_add_test(tc, writes_a_family);
	tcase_add_test(tc, what_no_run_tells_follows);
	tcase_add_test(tc, what_runs_tell_follows_little);
	tcase_add_test(tc, a_hole_takes_its_kinds_along);
	tcase_add_test(tc, names_what_it_never_saw);
	tcase_add_test(tc, chips_tell_of_one_another);
	tcase_add_test(tc, one_chip_is_never_left_out);
	tcase_add_test(tc, what_it_never_saw_widens_nothing_else);
	tcase_add_test(tc, a_row_astray_moves_little);
	tcase_add_loop_test(tc, what_is_written_is_what_was_fitted, 0, 2);
	tcase_add_test(tc, spreads_are_of_the_runs);
	suite_add_tcase(s, tc);
	return s;
}
