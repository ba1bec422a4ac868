/* fit_runtime.c - the rows of a runtime's fit, and the fit; see fit_runtime.h and fit_work.h. */
#include "sim/family/fit_work.h"

#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/units.h"
#include "sim/conf/sources.h"
#include "sim/family/report_backends.h"
#include "sim/family/run_weights.h"

static const double unit_s = 1e-6; /* of an overhead that the base has none of */

/* The overheads of the base are fitted as factors, so that one of nothing gets a unit to be multiplied. */
static void give_unit(struct qty *overhead)
{
	if (!(overhead->value > 0))
		overhead->value = unit_s;
}

/* The profile that is fitted: the base's, with attention as the runs had it; of another program, with the kernels of the
 * program that made the runs. */
static void take_runtime_kernels(struct runtime_fit *f)
{
	struct profile *p = &f->profile;
	const struct runtime_kernels *by = f->own_program ? NULL : runtime_kernels_of(&f->all);

	*p = *f->base.profile;
	p->models = (struct field_list){NULL, 0}; /* fitted anew, or kept beside */
	give_unit(&p->overhead.kernel);
	give_unit(&p->overhead.step);
	f->runtime_kernels = by;
	if (f->own_program && report_runs(p, "llama"))
		report_attention(p, runs_flash(&f->all));
	if (!by)
		return;
	p->norm = by->norm;
	p->rope = by->rope;
	p->kv_append = by->kv_append;
	p->kv_repeat = by->kv_repeat;
	p->scores = by->scores;
	p->linear = by->linear;
	p->activation = by->activation;
	p->residual = by->residual;
	p->all_logits = false;
}

/* Seconds of overhead of a layer's kernels in decode. */
static double layer_overhead_s(struct runtime_fit *f, const struct report_row *row,
			       const struct profile *profile)
{
	const struct device_model device_model = report_device_model(f->arena, &f->base, row, profile);
	const struct shape s = {.batch = 1, .tokens = 1, .past = 1};
	struct part_count parts[MODEL_PARTS];
	const size_t parts_n = model_parts(row->model, parts);
	double sum = 0;

	for (size_t k = 0; k < parts_n; k++) {
		struct op ops[GRAPH_OPS];
		const enum role role = parts[k].part.role;
		const size_t n =
			graph_block(row->model, &row->precision, &s, parts[k].part, PHASE_DECODE, ops);

		for (size_t i = 0; i < n && role != ROLE_EMBEDDING && role != ROLE_HEAD; i++)
			sum += parts[k].blocks * cost_of(&ops[i], &device_model, 1).overhead.s;
	}
	return sum / (double)row->model->layers;
}

static void measure_layer(struct runtime_fit *f)
{
	struct profile counts = f->profile;

	counts.overhead.kernel.value = unit_s;
	counts.overhead.product.given = counts.overhead.attention.given = counts.overhead.unlike.given =
		counts.overhead.buffer.given = false;
	f->layer_kernels = layer_overhead_s(f, &f->rows[0], &counts) / unit_s;
	f->layer_s = layer_overhead_s(f, &f->rows[0], &f->profile);
}

/* A point of the fit, and its predicted run. */
static void add_run(struct runtime_fit *f, size_t i)
{
	const struct report_row *row = &f->rows[i];
	const struct device_model device_model = report_device_model(f->arena, &f->base, row, &f->profile);
	const struct run *r = row->run;

	f->predicted[i] = predicted_run_make(f->arena, row->model, &row->precision, &device_model, r);
	f->points[i] = (struct fit_point){
		.name = arena_printf(f->arena, "%s: %s", r->path, run_name(f->arena, r)),
		.x = 1,
		.t = r->seconds}; /* without sd: the model's error is larger than the difference between runs */
	f->decode_n += r->gen > 0 && r->gen >= r->prompt;
	f->prompt_n += r->prompt > 8;
}

/* The dtype that the runs computed in, where all are in one that the base has a table of: whose spread the fit begins with. A chip
 * without bf16 in hardware has a table of its own for models that MLX keeps in it (compute_dtype.h). */
static void take_compute(struct runtime_fit *f)
{
	const struct profile *p = f->base.profile;
	const enum dtype first = run_compute(f->rows[0].run, f->rows[0].model, f->base.device, p);

	for (size_t i = 1; i < f->n; i++)
		if (run_compute(f->rows[i].run, f->rows[i].model, f->base.device, p) != first)
			return;
	f->base.compute = p->gemm[first] ? first : f->base.compute;
}

static int gather(struct runtime_fit *f, struct err *err)
{
	if (fit_read_rows(f, err) != 0)
		return -1;
	take_compute(f);
	take_runtime_kernels(f);
	f->predicted = arena_array(f->arena, f->n, sizeof *f->predicted);
	f->points = arena_array(f->arena, f->n, sizeof *f->points);
	measure_layer(f);
	for (size_t i = 0; i < f->n; i++)
		add_run(f, i);
	return 0;
}

/* A factor as it counts: one kernel is no further from another's than that, and a fit that runs away stops there. */
static double counted(const struct runtime_fit *f, double factor)
{
	const double most = 64;

	return f->by_parts ? fmin(fmax(factor, 1 / most), most) : factor;
}

static double seconds(const void *ctx, const double value[FIT_PARAMS], size_t i)
{
	const struct runtime_fit *f = ctx;
	double factor[FACTORS];
	size_t k = 0;

	for (int p = 0; p < FACTORS; p++)
		factor[p] = f->is_free[p] ? counted(f, value[k++]) : f->held[p];
	return predicted_run_seconds_at(&f->predicted[i], factor);
}

static int fit_free(struct runtime_fit *f, struct err *err)
{
	_Static_assert((int)FIT_PARAMS >= (int)FACTORS, "a fit has room for all factors");
	struct fit_custom model = {.unit = 1, .seconds = seconds, .ctx = f};
	size_t k = 0;

	for (int p = 0; p < FACTORS; p++) {
		if (!f->is_free[p])
			continue;
		model.names[model.p_n] = run_factor_names[p];
		model.is_log[model.p_n] = f->by_parts || (p != FACTOR_KERNEL && p != FACTOR_STEP);
		model.start[model.p_n++] = f->held[p];
	}
	for (size_t i = 0; i < f->n; i++)
		f->points[i].out = false;
	if (fit_custom(&model, f->points, f->n, &f->fit, err) != 0)
		return -1;
	for (int p = 0; p < FACTORS; p++) {
		f->fitted[p] = f->is_free[p] ? counted(f, f->fit.p[k].value) : f->held[p];
		f->se[p] = f->is_free[p] && isfinite(f->fit.p[k].se) ? f->fit.p[k].se : 0;
		k += f->is_free[p];
	}
	return 0;
}

/* Akaike's criterion for small samples (Hurvich & Tsai, Biometrika 76, 1989): lower is better. */
static double criterion(const struct runtime_fit *f)
{
	const double n = (double)f->fit.used, k = (double)f->fit.p_n + 1;

	if (n <= k + 1 || !(f->fit.spread > 0))
		return INFINITY;
	return n * exact_log(f->fit.spread * f->fit.spread * (n - k + 1) / n) + 2 * k +
	       2 * k * (k + 1) / (n - k - 1);
}

/* One choice of free parameters. A bandwidth above the bus is held at it, and the rest is fitted again. */
static int fit_choice(struct runtime_fit *f, bool kernel, bool step, struct err *err)
{
	f->held[FACTOR_MEMORY] = 1;
	f->is_free[FACTOR_ARITHMETIC] = f->prompt_n > 0;
	f->is_free[FACTOR_MEMORY] = f->decode_n > 0;
	f->is_free[FACTOR_KERNEL] = kernel;
	f->is_free[FACTOR_STEP] = step;
	if (fit_free(f, err) != 0)
		return -1;
	if (f->fitted[FACTOR_MEMORY] > f->bandwidth_max) {
		f->held[FACTOR_MEMORY] = f->bandwidth_max;
		f->is_free[FACTOR_MEMORY] = false;
		if ((f->prompt_n || kernel || step) && fit_free(f, err) != 0)
			return -1;
	}
	if (f->fitted[FACTOR_KERNEL] < 0 || f->fitted[FACTOR_STEP] < 0)
		return err_set(err, "a negative overhead");
	return 0;
}

static double fastest_rate(const struct profile *p)
{
	const struct qty *rates[] = {&p->gemv, &p->gemv_q8, &p->gemv_q4, &p->read, &p->attention.decode};
	double most = 0;

	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		most = rates[i]->given ? fmax(most, rates[i]->value) : most;
	return most;
}

static void set_held(struct runtime_fit *f)
{
	const struct overhead *o = &f->base.profile->overhead;

	for (int p = 0; p < FACTORS; p++)
		f->held[p] = 1;
	f->bandwidth_max = f->base.machine->memory.bandwidth.value / fastest_rate(f->base.profile);
	f->held[FACTOR_KERNEL] = f->runtime_kernels    ? f->runtime_kernels->layer_s / f->layer_s
				 : o->kernel.value > 0 ? 1
						       : 0;
	f->held[FACTOR_STEP] = o->step.value > 0;
}

/* The choice of free overheads that Akaike's criterion prefers. */
static int fit_overheads(struct runtime_fit *f, struct err *err)
{
	static const bool choices[][2] = {
		{false, false}, {true, false}, {false, true}, {true, true}}; /* kernel, step */
	double best = INFINITY;
	size_t chosen = 0;
	struct err last = ERR_INIT;

	set_held(f);
	for (size_t i = 1; i < ARRAY_LEN(choices); i++) {
		last = (struct err)ERR_INIT;
		if (f->decode_n < 2 || fit_choice(f, choices[i][0], choices[i][1], &last) != 0 ||
		    criterion(f) >= best)
			continue;
		best = criterion(f);
		chosen = i;
	}
	last = (struct err)ERR_INIT;
	if (chosen && fit_choice(f, false, false, &last) == 0 && criterion(f) <= best)
		return 0;
	last = (struct err)ERR_INIT;
	if (fit_choice(f, choices[chosen][0], choices[chosen][1], &last) == 0)
		return 0;
	return err_set(err, "%s: %s", f->ask->inputs[0].path, last.msg);
}

/* ---- factors on some operators alone ---- */

/* A difference of Akaike's criterion from which the poorer model has "considerably less" support (Burnham & Anderson, Model
 * Selection and Multimodel Inference, 2002, section 2.6), and an error that clocks and rounded numbers have. */
static const double criterion_less = 2, error_least = 1e-3;

/* The mean size of the rows' errors, as logarithms, outliers too: with the kernel of one format far off, all its rows are. */
static double mean_error(const struct runtime_fit *f, const double factor[FACTORS])
{
	double sum = 0;

	for (size_t i = 0; i < f->n; i++)
		sum += fabs(exact_log(predicted_run_seconds_at(&f->predicted[i], factor) / f->points[i].t));
	return sum / (double)f->n;
}

/* Akaike's criterion for small samples where errors are distributed as Laplace has it, which bears outliers. */
static double criterion_of_all(const struct runtime_fit *f)
{
	const double n = (double)f->n, k = (double)f->fit.p_n + 1;

	return n > k + 1 ? 2 * n * exact_log(fmax(mean_error(f, f->fitted), error_least)) + 2 * k +
				   2 * k * (k + 1) / (n - k - 1)
			 : INFINITY;
}

/* Where a fit with one more factor begins: with rows far off it would take them for outliers. */
static double begin_at(const struct runtime_fit *f, enum run_factor which)
{
	enum { STEPS = 16, PER_DOUBLE = 4 };
	double factor[FACTORS], best = 1, least = INFINITY;

	memcpy(factor, f->fitted, sizeof factor);
	for (int i = -STEPS; i <= STEPS; i++) {
		double off;

		factor[which] = exact_exp(i * exact_log(2) / PER_DOUBLE);
		off = mean_error(f, factor);
		if (off < least) {
			least = off;
			best = factor[which];
		}
	}
	return best;
}

/* Whether any two runs differ in what the factor is on, so that they can tell it from those on all operators. */
static bool differ(enum run_factor which, const struct report_row *a, const struct report_row *b)
{
	const bool both_decode = a->run->gen > 0 && b->run->gen > 0,
		   both_prompts = a->run->prompt > 8 && b->run->prompt > 8;

	switch (which) {
	case FACTOR_KERNEL:
	case FACTOR_STEP:
		return both_decode;
	case FACTOR_CACHE:
		return both_decode && a->run->depth != b->run->depth;
	case FACTOR_PROMPT:
		return both_prompts && (a->run->depth != b->run->depth || a->run->prompt != b->run->prompt);
	case FACTOR_SEVERAL:
		return both_decode && a->run->batch != b->run->batch;
	case FACTOR_READ_Q8:
	case FACTOR_READ_Q4:
		return both_decode && a->precision.weights != b->precision.weights;
	case FACTOR_SEVERAL_Q8:
	case FACTOR_SEVERAL_Q4:
		return both_decode && a->run->batch > 1 && b->run->batch > 1 &&
		       a->precision.weights != b->precision.weights;
	case FACTOR_PRODUCT_Q8:
	case FACTOR_PRODUCT_Q4:
	case FACTOR_PRODUCT_BF16:
		return both_prompts && a->precision.weights != b->precision.weights;
	default:
		return false;
	}
}

static bool may_tell(const struct runtime_fit *f, enum run_factor which)
{
	for (size_t i = 1; i < f->n; i++)
		for (size_t j = 0; j < i; j++)
			if (differ(which, &f->rows[j], &f->rows[i]))
				return true;
	return false;
}

/* Nothing is read faster than over the memory's bus: factors on one rate that would are held there. Returns whether any
 * was. */
static bool hold_at_bus(struct runtime_fit *f)
{
	const struct profile *p = f->base.profile;
	const double bus = f->base.machine->memory.bandwidth.value;
	const struct {
		enum run_factor factor;
		const struct qty *rate;
	} all[] = {{FACTOR_CACHE, &p->attention.decode},
		   {FACTOR_READ_Q8, &p->gemv_q8},
		   {FACTOR_READ_Q4, &p->gemv_q4}};
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const enum run_factor k = all[i].factor;
		const double most = bus / (all[i].rate->value * f->fitted[FACTOR_MEMORY]);

		if (!f->is_free[k] || !all[i].rate->given || f->fitted[k] <= most)
			continue;
		f->is_free[k] = false;
		f->at_bus[k] = any = true;
		f->held[k] = most;
	}
	return any;
}

static bool is_sound(const struct runtime_fit *f)
{
	for (int p = 0; p < FACTORS; p++)
		if (!isfinite(f->fitted[p]) || f->fitted[p] < 0)
			return false;
	return isfinite(criterion_of_all(f));
}

/* Fits again with a factor free, or no longer free, from where the last fit ended; keeps that in *best where it is
 * better. */
static void try_factor(const struct runtime_fit *f, enum run_factor which, bool is_free,
		       struct runtime_fit *best)
{
	struct runtime_fit tried = *f;
	struct err ignored = ERR_INIT;
	bool sound;

	for (int p = 0; p < FACTORS; p++)
		if (f->is_free[p])
			tried.held[p] = f->fitted[p];
	tried.held[which] = is_free ? f->held[which] * begin_at(f, which) : f->unscaled[which];
	tried.is_free[which] = is_free;
	tried.by_parts = true;
	sound = fit_free(&tried, &ignored) == 0 && is_sound(&tried);
	if (sound && hold_at_bus(&tried))
		sound = fit_free(&tried, &ignored) == 0 && is_sound(&tried);
	if (sound && criterion_of_all(&tried) < criterion_of_all(best))
		*best = tried;
}

/* Adds, of the factors `from` to `to`, that which brings the rows nearest, and so on, while Akaike's criterion says that they
 * tell it. */
static void add_factors(struct runtime_fit *f, int from, int to)
{
	struct runtime_fit best;

	while (mean_error(f, f->fitted) > error_least) {
		best = *f;
		for (int p = from; p <= to; p++)
			if (!f->is_free[p] && !f->at_bus[p] && may_tell(f, (enum run_factor)p))
				try_factor(f, (enum run_factor)p, true, &best);
		if (criterion_of_all(&best) >= criterion_of_all(f) - criterion_less)
			return;
		*f = best;
		for (int p = from; p <= to; p++) /* one that the new one makes needless */
			if (f->is_free[p])
				try_factor(f, (enum run_factor)p, false, &best);
		*f = best;
	}
}

/* Some kernels by themselves, from a fit of all of them; keeps that in *best where it is nearer to the rows. */
static void fit_parts(const struct runtime_fit *all, struct runtime_fit *best)
{
	struct runtime_fit parts = *all;

	memcpy(parts.unscaled, all->held, sizeof parts.unscaled);
	add_factors(&parts, FACTOR_STEP + 1, FACTORS - 1);
	add_factors(&parts, FACTOR_KERNEL, FACTOR_STEP);
	if (parts.by_parts && criterion_of_all(&parts) < criterion_of_all(best) - criterion_less)
		*best = parts;
}

/* Akaike's criterion for small samples has nothing to say of as many factors as rows. */
static const size_t rows_for_choices = 8;

/* A profile of the program is updated as far as it is unsure. Of a base whose kernels are not those of the program, which
 * may be of any speed, the same factor holds for all kernels, and some have one by themselves. That begins once without
 * overheads, which take up what another kernel's factor would. */
static int fit_all(struct runtime_fit *f, struct err *err)
{
	struct runtime_fit all, bare;
	struct err ignored = ERR_INIT;

	set_held(f);
	if ((f->own_program && !f->base.profile->suite) || f->n < rows_for_choices)
		return fit_update(f, err);
	if (fit_overheads(f, err) != 0)
		return -1;
	all = bare = *f;
	fit_parts(&all, f);
	if (fit_choice(&bare, false, false, &ignored) == 0)
		fit_parts(&bare, f);
	return fit_free(f, err); /* once more, which marks the outliers of the fit that is kept */
}

static void add_note(struct runtime_fit *f, const char *text)
{
	VEC_ADD(&f->notes, arena_strdup(f->arena, text));
}

/* "0.83 times as fast in prompts and 0.97 times in tokens", of those that the runs tell. */
static const char *reach_words(struct runtime_fit *f, const struct fit_model_reach *r)
{
	const struct figure prompts = units_digits(r->prefill.factor, 4),
			    tokens = units_digits(r->decode.factor, 4);

	if (r->prefill.fitted && r->decode.fitted)
		return arena_printf(f->arena, "%s times as fast in prompts and %s times in tokens",
				    prompts.text, tokens.text);
	return r->prefill.fitted ? arena_printf(f->arena, "%s times as fast in prompts", prompts.text)
				 : arena_printf(f->arena, "%s times as fast in tokens", tokens.text);
}

/* Are the runs further from the machine's own profile than machines and models are? */
static bool tells_together(const struct runtime_fit *f)
{
	return !f->from_neighbour && !f->from_rows && (f->together[0].far || f->together[1].far);
}

/* What a machine may be that is off by itself, or by its only model. */
#define OF_ONE_MODEL                                                                                         \
	"another variant of the machine, or this model alone, in these weights? Other models stay near the " \
	"catalogue, with intervals as wide as that leaves open, until runs of two more tell"
static const char *causes(bool slow, bool several)
{
	if (several)
		return slow ? "a power limit, throttling or another variant of the machine?"
			    : "another variant of the machine?";
	return slow ? "a power limit, throttling, " OF_ONE_MODEL : OF_ONE_MODEL;
}

/* What the runs say of the machine, where that is further from the catalogue than machines and models are. One model's may be
 * the model's own. */
static void note_together(struct runtime_fit *f)
{
	const struct fit_together *tokens = &f->together[0], *prompts = &f->together[1];
	const struct fit_model_reach all = {.prefill = {.factor = prompts->factor, .fitted = prompts->far},
					    .decode = {.factor = tokens->factor, .fitted = tokens->far}};
	const bool slow = (prompts->far && prompts->factor < 1) || (tokens->far && tokens->factor < 1);

	if (tells_together(f))
		fit_tell(f, arena_printf(f->arena,
					 "in these runs this machine is %s as the catalogue has it: %s",
					 reach_words(f, &all),
					 causes(slow, prompts->models_n > 1 || tokens->models_n > 1)));
}

/* What the runs say of their models alone, as a note. */
static void note_reaches(struct runtime_fit *f)
{
	for (size_t i = 0; i < f->reaches_n; i++) {
		const struct fit_model_reach *r = &f->reaches[i];
		const char *says =
			arena_printf(f->arena, "in these runs %s is %s as this fit has other models",
				     r->title, reach_words(f, r));

		add_note(f, arena_printf(f->arena, "%s; 'models' below keeps that", says));
		if (r->far && !(f->reaches_n == 1 && tells_together(f)))
			fit_tell(f,
				 arena_printf(f->arena,
					      "%s, which is further than models scatter. Is it this model, "
					      "in these weights? Other models stay near the catalogue",
					      says));
	}
}

static void make_notes(struct runtime_fit *f)
{
	const double layer_us = 1e6 * f->layer_s * f->fitted[FACTOR_KERNEL];
	struct str s = STR_INIT;

	str_add(&s, "fit: ");
	fit_describe(&f->fit, &s);
	add_note(f, s.text);
	str_clear(&s);
	note_together(f);
	note_reaches(f);
	if (f->runtime_kernels) {
		str_addf(&s, "kernels and passes of a layer as %s runs it", f->runtime_kernels->name);
		add_note(f, s.text);
		str_clear(&s);
	}
	str_addf(&s, "a layer's overhead is %s us: %.0f kernels of %s us%s", units_digits(layer_us, 4).text,
		 f->layer_kernels, units_digits(layer_us / f->layer_kernels, 4).text,
		 f->is_free[FACTOR_KERNEL] ? "" : ", held: these runs cannot tell it from the bandwidth");
	if (f->fitted[FACTOR_MEMORY] >= f->bandwidth_max)
		str_add(&s, "; the bandwidth is held at the bus");
	add_note(f, s.text);
	for (size_t i = 0; i < f->n; i++) {
		if (!f->points[i].out)
			continue;
		str_clear(&s);
		str_addf(&s, "outlier, left out of the fit: %s, %s s", f->points[i].name,
			 units_digits(f->points[i].t, 4).text);
		add_note(f, s.text);
	}
	str_release(&s);
}

int fit_runtime_make(struct loader *l, const struct fit_runtime_ask *ask, struct str *out,
		     struct fit_runtime_result *r, struct err *err)
{
	struct runtime_fit f = {.loader = l, .arena = l->arena, .ask = ask};
	const struct machine *written = NULL;
	struct str text = STR_INIT;
	int rc = gather(&f, err);

	BUG_ON(!ask->n);
	*r = (struct fit_runtime_result){.notes = {NULL, 0}};
	if (rc == 0)
		rc = fit_all(&f, err);
	if (rc == 0) {
		make_notes(&f);
		fit_write_file(&f, &text);
		written = fit_load_text(l, ask->out, text.text);
		rc = written ? 0 : -1;
	}
	if (rc == 0) {
		fit_judge(&f, written, r);
		sources_list(text.text, out);
	}
	r->notes = f.told;
	VEC_FREE(&f.notes);
	str_release(&text);
	return rc;
}
