/* fit_runtime.c - the fit of a runtime and its file; loading is in catalogue.c. See fit_runtime.h. */
#include "sim/conf/sources.h"
#include "sim/base/exact_math.h"
#include "sim/family/fit_runtime.h"
#include "sim/family/report_rows.h"

#include <math.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/jsonw.h"
#include "sim/calib/fit.h"
#include "sim/runs/runtime_kernels.h"

static const double unit_s = 1e-6; /* overheads are fitted in microseconds */

struct runtime_fit {
	struct arena *arena;
	const struct fit_runtime_ask *ask;
	struct catalogue_device base;
	struct profile profile; /* the base's, with the runtime's own kernels, and overheads of one unit_s */
	const char *tool;
	struct predicted_run *predicted; /* each run's */
	struct fit_point *points;
	size_t n, decode_n, prompt_n;
	bool is_free[FACTORS];
	double held[FACTORS];
	const struct runtime_kernels *
		runtime_kernels; /* the kernels of the program that made the runs; NULL: unknown, or the base's */
	double bandwidth_max; /* the factor on bandwidths at which the fastest of them reaches the bus's */
	double layer_kernels; /* the first model's, for the notes in the file */
	double fitted[FACTORS], se[FACTORS];
	struct fit fit;
	VEC(const char *) notes;
};

static void take_runtime_kernels(struct runtime_fit *f, const struct runs *runs)
{
	struct profile *p = &f->profile;
	const bool same = f->ask->runtime && !strcmp(f->ask->runtime, f->base.profile->origin.name);
	const struct runtime_kernels *by = same ? NULL : runtime_kernels_of(runs);

	*p = *f->base.profile;
	p->overhead.kernel.value = p->overhead.step.value = unit_s;
	f->runtime_kernels = by;
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

static double kernels_of_layer(const struct model *m, const struct precision *p,
			       const struct device_model *device_model)
{
	const struct shape s = {.batch = 1, .tokens = 1, .past = 1};
	struct part_count parts[MODEL_PARTS];
	const size_t parts_n = model_parts(m, parts);
	double sum = 0;

	for (size_t k = 0; k < parts_n; k++) {
		struct op ops[GRAPH_OPS];
		const enum role role = parts[k].part.role;
		const size_t n = graph_block(m, p, &s, parts[k].part, PHASE_DECODE, ops);

		for (size_t i = 0; i < n && role != ROLE_EMBEDDING && role != ROLE_HEAD; i++)
			sum += parts[k].blocks * cost_of(&ops[i], device_model, 1).overhead.s / unit_s;
	}
	return sum / (double)m->layers;
}

static void add_run(struct runtime_fit *f, const struct fit_runtime_input *in, const struct report_row *row)
{
	const struct device_model device_model =
		device_model_make(f->arena, f->base.machine, f->base.device, &f->profile, f->base.compute);
	const struct run *r = row->run;

	if (!f->n)
		f->layer_kernels = kernels_of_layer(row->model, &row->precision, &device_model);
	f->predicted[f->n] = predicted_run_make(f->arena, row->model, &row->precision, &device_model, r);
	f->points[f->n++] = (struct fit_point){
		.name = arena_printf(f->arena, "%s: %s", in->path, run_name(f->arena, r)),
		.x = 1,
		.t = r->seconds}; /* without sd: the model's error is larger than the difference between runs */
	f->decode_n += r->gen > 0 && r->gen >= r->prompt;
	f->prompt_n += r->prompt > 8;
}

/* Every run of an input: a point of the fit, and its predicted run. */
static void add_input(struct runtime_fit *f, const struct fit_runtime_input *in,
		      const struct report_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		add_run(f, in, &rows->at[i]);
	VEC_ADD(&f->notes, arena_printf(f->arena, "%s: %zu runs of %s with %s weights", in->path, rows->n,
					rows->at[0].model->title, mix_names[rows->at[0].precision.weights]));
}

/* The rows of an input that are of what is asked, alone in *runs too. */
static int read_input(struct loader *l, struct runtime_fit *f, const struct fit_runtime_input *in,
		      struct runs *runs, struct report_rows *rows, struct err *err)
{
	struct model_shelf shelf = {.loader = l};
	struct report_ask ask = {.shelf = &shelf,
				 .device = &f->base,
				 .model = in->model,
				 .weights = in->weights,
				 .fitting = true,
				 .skip = f->ask->skip};

	ask.given = catalogue_model_load(l, in->model);
	if (!ask.given || runs_read(f->arena, in->path, runs, err) != 0 || runs_one_model(runs, err) != 0 ||
	    runs_one_runtime(runs, err) != 0)
		return -1;
	if (report_rows_make(&ask, runs, rows, err) != 0)
		return -1;
	if (f->ask->notes)
		*f->ask->notes = texts_join(l->arena, f->ask->notes, rows->notes.at, rows->notes.n);
	runs->n = rows->n;
	runs->at = arena_array(f->arena, rows->n, sizeof *runs->at);
	for (size_t i = 0; i < rows->n; i++)
		runs->at[i] = *rows->at[i].run;
	return 0;
}

static int gather(struct loader *l, struct runtime_fit *f, struct err *err)
{
	const struct fit_runtime_ask *ask = f->ask;
	struct runs *runs = arena_array(f->arena, ask->n, sizeof *runs);
	struct report_rows *each = arena_array(f->arena, ask->n, sizeof *each);
	size_t rows = 0;
	int64_t samples = 0;

	for (size_t i = 0; i < ask->n; i++) {
		if (read_input(l, f, &ask->inputs[i], &runs[i], &each[i], err) != 0)
			return -1;
		if (runtime_kernels_of(&runs[i]) != runtime_kernels_of(&runs[0]))
			return err_set(err,
				       "%s and %s were made by programs that run a layer in different ways: "
				       "a profile is of one",
				       ask->inputs[0].path, ask->inputs[i].path);
		rows += runs[i].n;
		for (size_t j = 0; j < runs[i].n; j++)
			samples += runs[i].at[j].n;
	}
	if (samples < 2)
		return err_set(err, "%s: one sample only: nothing says how far it may be off",
			       ask->inputs[0].path);
	f->tool = runs[0].at[0].tool ? runs[0].at[0].tool : runs[0].tool;
	take_runtime_kernels(f, &runs[0]);
	f->predicted = arena_array(f->arena, rows, sizeof *f->predicted);
	f->points = arena_array(f->arena, rows, sizeof *f->points);
	for (size_t i = 0; i < ask->n; i++)
		add_input(f, &ask->inputs[i], &each[i]);
	return 0;
}

static double seconds(const void *ctx, const double value[FIT_PARAMS], size_t i)
{
	const struct runtime_fit *f = ctx;
	double factor[FACTORS];
	size_t k = 0;

	for (int p = 0; p < FACTORS; p++)
		factor[p] = f->is_free[p] ? value[k++] : f->held[p];
	return predicted_run_seconds_at(&f->predicted[i], factor);
}

static int fit_free(struct runtime_fit *f, struct err *err)
{
	static const char *const names[FACTORS] = {"arithmetic x", "bandwidth x", "kernel us", "step us"};
	struct fit_custom model = {.unit = 1, .seconds = seconds, .ctx = f};
	size_t k = 0;

	for (int p = 0; p < FACTORS; p++) {
		if (!f->is_free[p])
			continue;
		model.names[model.p_n] = names[p];
		model.is_log[model.p_n] = p == FACTOR_ARITHMETIC || p == FACTOR_MEMORY;
		model.start[model.p_n++] = f->held[p];
	}
	for (size_t i = 0; i < f->n; i++)
		f->points[i].out = false;
	if (fit_custom(&model, f->points, f->n, &f->fit, err) != 0)
		return -1;
	for (int p = 0; p < FACTORS; p++) {
		f->fitted[p] = f->is_free[p] ? f->fit.p[k].value : f->held[p];
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

static void set_held(struct runtime_fit *f)
{
	const struct profile *p = f->base.profile;
	const struct overhead *o = &p->overhead;
	const double fastest = fmax(fmax(p->gemv.value, p->read.value), p->attention.decode.value);

	f->bandwidth_max = f->base.machine->memory.bandwidth.value / fastest;
	f->held[FACTOR_ARITHMETIC] = 1;
	f->held[FACTOR_KERNEL] =
		(f->runtime_kernels ? f->runtime_kernels->layer_s / f->layer_kernels : o->kernel.value) /
		unit_s;
	f->held[FACTOR_STEP] = o->step.value / unit_s;
}

/* The choice of free overheads that Akaike's criterion prefers. */
static int fit_all(struct runtime_fit *f, struct err *err)
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

static void add_note(struct runtime_fit *f, const char *text)
{
	VEC_ADD(&f->notes, arena_strdup(f->arena, text));
}

static void make_notes(struct runtime_fit *f)
{
	struct str s = STR_INIT;

	str_add(&s, "fit: ");
	fit_describe(&f->fit, &s);
	add_note(f, s.text);
	str_clear(&s);
	if (f->runtime_kernels) {
		str_addf(&s, "kernels and passes of a layer as %s runs it", f->runtime_kernels->name);
		add_note(f, s.text);
		str_clear(&s);
	}
	str_addf(&s, "a layer's overhead is %.4g us: %.0f kernels of %.4g us%s",
		 f->layer_kernels * f->fitted[FACTOR_KERNEL], f->layer_kernels, f->fitted[FACTOR_KERNEL],
		 f->is_free[FACTOR_KERNEL] ? "" : ", held: these runs cannot tell it from the bandwidth");
	if (f->fitted[FACTOR_MEMORY] >= f->bandwidth_max)
		str_add(&s, "; the bandwidth is held at the bus");
	add_note(f, s.text);
	for (size_t i = 0; i < f->n; i++) {
		if (!f->points[i].out)
			continue;
		str_clear(&s);
		str_addf(&s, "outlier, left out of the fit: %s, %.4g s", f->points[i].name, f->points[i].t);
		add_note(f, s.text);
	}
	str_release(&s);
}

/* --- the file ------------------------------------------------------------------------------------- */

static void add_quoted(struct str *out, const char *text)
{
	struct jsonw w;

	jsonw_init(&w, out, 0);
	jsonw_string(&w, text);
}

struct scaled {
	double factor, se; /* relative */
	bool fitted;
	double most; /* results are held at it */
};

static void add_scaled(struct runtime_fit *f, struct str *out, const char *key, const struct qty *q,
		       enum dim dim, const struct scaled *by)
{
	const double value = fmin(q->value * by->factor, by->most);
	const double sd = value * exact_hypot(q->spread, by->se);

	str_addf(out, "%s: {value: ", key);
	units_format(out, value, dim, 6);
	str_add(out, ", sd: ");
	units_format(out, sd, dim, 3);
	str_addf(out, ", how: %s, source: ",
		 by->fitted ? provenance_names[PROVENANCE_MEASURED]
			    : provenance_names[PROVENANCE_TRANSFERRED]);
	add_quoted(out,
		   arena_printf(f->arena, "%s of '%s' x %.4g%s%s", key, f->base.profile->origin.name,
				by->factor, by->fitted ? ", fitted to runs" : ", not told by these runs",
				q->value * by->factor > by->most ? "; held at what the machine can do" : ""));
	str_add(out, "}");
}

static void add_rates(struct runtime_fit *f, struct str *out)
{
	const struct profile *p = f->base.profile;
	const struct scaled by = {f->fitted[FACTOR_MEMORY], f->se[FACTOR_MEMORY] / f->fitted[FACTOR_MEMORY],
				  f->is_free[FACTOR_MEMORY], f->base.machine->memory.bandwidth.value};
	const struct {
		const char *key;
		const struct qty *q;
	} rates[] = {{"read", &p->read},
		     {"copy", &p->copy},
		     {"gemv", &p->gemv},
		     {"gemv_q8", &p->gemv_q8},
		     {"gemv_q4", &p->gemv_q4}};

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		if (!rates[i].q->given)
			continue;
		str_add(out, "        ");
		add_scaled(f, out, rates[i].key, rates[i].q, DIM_BANDWIDTH, &by);
		str_add(out, "\n");
	}
}

/* The key `u` of a table that has one number for all shapes. */
static void add_any_shape(struct runtime_fit *f, struct str *out, const struct qty *u,
			  const struct scaled *by)
{
	if (!u->given)
		return;
	str_add(out, "          ");
	add_scaled(f, out, "u", u, DIM_SHARE, by);
	str_add(out, "\n");
}

static void add_gemm(struct runtime_fit *f, struct str *out)
{
	const struct gemm_table *g = f->base.profile->gemm[f->base.compute];
	const struct gemm_point *p = g->points.at;
	const struct scaled by = {f->fitted[FACTOR_ARITHMETIC],
				  f->se[FACTOR_ARITHMETIC] / f->fitted[FACTOR_ARITHMETIC],
				  f->is_free[FACTOR_ARITHMETIC], 1};
	const struct scaled roof = {by.factor, by.se, by.fitted, f->base.device->peak[f->base.compute].value};

	str_addf(out, "        gemm_%s:\n          ", dtype_names[f->base.compute]);
	add_scaled(f, out, "roof", &g->roof, DIM_FLOPS, &roof);
	str_add(out, "\n          sync: 0 s\n");
	add_any_shape(f, out, &g->u, &by);
	str_add(out, g->points.n ? "          points:\n" : "");
	for (size_t i = 0; i < g->points.n; i++) {
		str_addf(out, "            - {m: %lld, n: %lld, k: %lld, ", (long long)p[i].m,
			 (long long)p[i].n, (long long)p[i].k);
		add_scaled(f, out, "u", &p[i].u, DIM_SHARE, &by);
		str_add(out, "}\n");
	}
}

static void add_attention(struct runtime_fit *f, struct str *out)
{
	const struct attention_table *a = &f->base.profile->attention;
	const struct attention_point *p = a->points.at;
	const struct scaled by = {f->fitted[FACTOR_ARITHMETIC],
				  f->se[FACTOR_ARITHMETIC] / f->fitted[FACTOR_ARITHMETIC],
				  f->is_free[FACTOR_ARITHMETIC], 1};
	const struct scaled rate = {f->fitted[FACTOR_MEMORY], f->se[FACTOR_MEMORY] / f->fitted[FACTOR_MEMORY],
				    f->is_free[FACTOR_MEMORY], f->base.machine->memory.bandwidth.value};

	str_addf(out, "        attention:\n          skips_mask: %s\n", a->skips_mask ? "true" : "false");
	add_any_shape(f, out, &a->u, &by);
	str_add(out, a->points.n ? "          points:\n" : "");
	for (size_t i = 0; i < a->points.n; i++) {
		str_addf(out, "            - {query: %lld, context: %lld, ", (long long)p[i].query,
			 (long long)p[i].context);
		add_scaled(f, out, "u", &p[i].u, DIM_SHARE, &by);
		str_add(out, "}\n");
	}
	str_add(out, "          ");
	add_scaled(f, out, "decode", &a->decode, DIM_BANDWIDTH, &rate);
	str_add(out, "\n");
}

static void add_overhead(struct runtime_fit *f, struct str *out, const char *key, enum run_factor p)
{
	const double value = f->fitted[p] * unit_s;

	str_addf(out, "          %s: {value: ", key);
	units_format(out, value, DIM_TIME, 5);
	if (f->is_free[p]) {
		str_add(out, ", sd: ");
		units_format(out, f->se[p] * unit_s, DIM_TIME, 3);
	}
	str_addf(out, ", how: %s, source: ",
		 provenance_names[f->is_free[p] ? PROVENANCE_MEASURED : PROVENANCE_TRANSFERRED]);
	if (f->is_free[p])
		add_quoted(out, "fitted to runs");
	else if (p == FACTOR_KERNEL && f->runtime_kernels)
		add_quoted(out,
			   "llama.cpp's on an M4 Pro (0.10 ms a layer); these runs cannot tell it apart");
	else
		add_quoted(out, arena_printf(f->arena, "that of '%s'; these runs cannot tell it apart",
					     f->base.profile->origin.name));
	str_add(out, "}\n");
}

static void add_fusions(const struct profile *p, struct str *out)
{
	const struct {
		const char *key;
		const struct fusion *f;
	} all[] = {{"norm", &p->norm},
		   {"rope", &p->rope},
		   {"kv_append", &p->kv_append},
		   {"kv_repeat", &p->kv_repeat},
		   {"scores", &p->scores},
		   {"linear", &p->linear},
		   {"activation", &p->activation},
		   {"residual", &p->residual}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		str_addf(out, "        %s: {kernels: %lld, passes: %g}\n", all[i].key,
			 (long long)all[i].f->kernels, all[i].f->passes);
}

static void add_tree(struct str *out, const struct yml *node)
{
	const bool is_map = node->kind == YML_MAP;

	if (node->kind == YML_SCALAR || node->kind == YML_NULL) {
		add_quoted(out, node->text ? node->text : "null");
		return;
	}
	str_add(out, is_map ? "{" : "[");
	for (size_t i = 0; i < node->n; i++) {
		str_add(out, i ? ", " : "");
		if (is_map)
			str_addf(out, "%s: ", node->keys[i]->text);
		add_tree(out, node->items[i]);
	}
	str_add(out, is_map ? "}" : "]");
}

/* Keys about kernels that are copied from the base as they are: tiles of products, dequantization, routing. */
static void add_kernels(const struct profile *p, struct str *out)
{
	static const char *const keys[] = {"dequant", "few",     "tile",         "route",
					   "combine", "honours", "train_copies", "last_row"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct yml *node = yml_get(p->origin.node, keys[i]);

		if (!node)
			continue;
		str_addf(out, "        %s: ", keys[i]);
		add_tree(out, node);
		str_add(out, "\n");
	}
}

static void write_file(struct runtime_fit *f, struct str *out)
{
	const char *runtime = f->ask->runtime ? f->ask->runtime : f->tool;

	str_addf(out, "# Runtime '%s' on %s, fitted to runs of whole models.\n", runtime,
		 f->base.machine->title);
	for (size_t i = 0; i < f->notes.n; i++)
		str_addf(out, "# - %s\n", f->notes.at[i]);
	str_add(out, "schema: lemursim/hardware/1\nbase: ");
	add_quoted(out, f->base.ref);
	str_addf(out, "\ndevices:\n  %s:\n    runtimes:\n      %s:\n        version: ",
		 f->base.device->origin.name, runtime);
	add_quoted(out, f->ask->version ? f->ask->version : "as fitted");
	str_add(out, "\n");
	add_rates(f, out);
	add_gemm(f, out);
	add_attention(f, out);
	add_fusions(&f->profile, out);
	add_kernels(f->base.profile, out);
	str_addf(out, "        all_logits: %s\n        overhead:\n",
		 f->profile.all_logits ? "true" : "false");
	add_overhead(f, out, "kernel", FACTOR_KERNEL);
	add_overhead(f, out, "step", FACTOR_STEP);
}

/* Loads the text that was written, its base included, as `lemursim check` would. */
static int check_written(struct loader *l, const char *path, const struct str *text)
{
	struct source *source = arena_alloc(l->arena, sizeof *source);
	struct machine *m = arena_alloc(l->arena, sizeof *m);
	struct yml *tree;

	*source = (struct source){path ? path : "out.yaml", arena_strdup(l->arena, text->text), text->len};
	tree = yml_parse(l->arena, source, l->diags);
	tree = tree ? load_inherit(l, tree, "hardware", HW_SCHEMA) : NULL;
	if (!tree || field_load(&machine_table, tree, "machine", m, l->diags) != 0)
		return -1;
	return machine_check(m, l->diags);
}

int fit_runtime_make(struct loader *l, const struct fit_runtime_ask *ask, struct str *out, struct err *err)
{
	struct runtime_fit f = {.arena = l->arena, .ask = ask};
	struct str text = STR_INIT;
	int rc = catalogue_device_load(l, ask->machine, ask->device, ask->like, &f.base);

	BUG_ON(!ask->n);
	if (rc == 0)
		rc = gather(l, &f, err);
	if (rc == 0)
		rc = fit_all(&f, err);
	if (rc == 0) {
		make_notes(&f);
		write_file(&f, &text);
		rc = check_written(l, ask->out, &text);
	}
	if (rc == 0)
		sources_list(text.text, out);
	VEC_FREE(&f.notes);
	str_release(&text);
	return rc;
}
