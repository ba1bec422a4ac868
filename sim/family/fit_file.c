/* fit_file.c - a fit as a hardware file, and such a file loaded from its text; see fit_work.h. */
#include "sim/family/fit_work.h"

#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/jsonw.h"
#include "sim/cost/op_rates.h"
#include "sim/family/beyond_fit.h"

/* The product of some factors. Their errors are added as if they were independent. */
static struct fit_scale scale_of(const struct runtime_fit *f, const enum run_factor *of, size_t n)
{
	struct fit_scale s = {.factor = 1};

	for (size_t i = 0; i < n; i++) {
		const double v = f->fitted[of[i]];

		s.told_sd = exact_hypot(s.told_sd, f->told_sd[of[i]]);
		s.models_sd = fmax(s.models_sd, f->models_sd[of[i]]);
		s.factor *= v;
		s.se = exact_hypot(s.se, v > 0 ? f->se[of[i]] / v : 0);
		s.fitted |= f->is_free[of[i]];
	}
	return s;
}
#define SCALE(f, ...)                                                                                        \
	scale_of(f, (const enum run_factor[]){__VA_ARGS__},                                                  \
		 sizeof((const enum run_factor[]){__VA_ARGS__}) / sizeof(enum run_factor))

static void scale_weights(struct fit_written *w, const struct runtime_fit *f)
{
	w->read[WEIGHTS_Q8] = SCALE(f, FACTOR_MEMORY, FACTOR_READ_Q8);
	w->read[WEIGHTS_Q4] = SCALE(f, FACTOR_MEMORY, FACTOR_READ_Q4);
	w->dequant[WEIGHTS_Q8] = SCALE(f, FACTOR_PRODUCT_Q8);
	w->dequant[WEIGHTS_Q4] = SCALE(f, FACTOR_PRODUCT_Q4);
	w->dequant[WEIGHTS_BF16] = SCALE(f, FACTOR_PRODUCT_BF16);
	w->experts[WEIGHTS_WHOLE] = SCALE(f, FACTOR_EXPERTS);
	w->experts[WEIGHTS_BF16] = SCALE(f, FACTOR_EXPERTS, FACTOR_PRODUCT_BF16);
	w->experts[WEIGHTS_Q8] = SCALE(f, FACTOR_EXPERTS, FACTOR_PRODUCT_Q8);
	w->experts[WEIGHTS_Q4] = SCALE(f, FACTOR_EXPERTS, FACTOR_PRODUCT_Q4);
	w->product[WEIGHTS_Q8] = SCALE(f, FACTOR_ARITHMETIC, FACTOR_PRODUCT_Q8);
	w->product[WEIGHTS_Q4] = SCALE(f, FACTOR_ARITHMETIC, FACTOR_PRODUCT_Q4);
	w->product[WEIGHTS_BF16] = SCALE(f, FACTOR_ARITHMETIC, FACTOR_PRODUCT_BF16);
	w->read_rows[WEIGHTS_WHOLE] = SCALE(f, FACTOR_MEMORY, FACTOR_SEVERAL);
	w->read_rows[WEIGHTS_Q8] = SCALE(f, FACTOR_MEMORY, FACTOR_READ_Q8, FACTOR_SEVERAL, FACTOR_SEVERAL_Q8);
	w->read_rows[WEIGHTS_Q4] = SCALE(f, FACTOR_MEMORY, FACTOR_READ_Q4, FACTOR_SEVERAL, FACTOR_SEVERAL_Q4);
	w->several[WEIGHTS_WHOLE] = w->several[WEIGHTS_BF16] = SCALE(f, FACTOR_ARITHMETIC, FACTOR_SEVERAL);
	w->several[WEIGHTS_Q8] = SCALE(f, FACTOR_ARITHMETIC, FACTOR_SEVERAL, FACTOR_SEVERAL_Q8);
	w->several[WEIGHTS_Q4] = SCALE(f, FACTOR_ARITHMETIC, FACTOR_SEVERAL, FACTOR_SEVERAL_Q4);
}

/* What was typed as a mapping; NULL: the machine has a name. */
static const struct yml *typed_map(const struct runtime_fit *f)
{
	return f->base.ref[0] == '{' ? catalogue_typed(f->loader, f->base.ref) : NULL;
}

static void add_base(const struct runtime_fit *f, const struct yml *map, struct str *out)
{
	const struct yml *base = map ? yml_get(map, "base") : NULL;
	const size_t n = base && base->kind == YML_LIST ? base->n : 1;

	if (map && !base)
		return;
	str_add(out, n > 1 ? "base: [" : "base: ");
	for (size_t i = 0; i < n; i++) {
		const struct yml *one = base && base->kind == YML_LIST ? base->items[i] : base;
		struct jsonw w;

		str_add(out, i ? ", " : "");
		jsonw_init(&w, out, 0);
		jsonw_string(&w, base ? catalogue_reference(f->loader, one->text) : f->base.ref);
	}
	str_add(out, n > 1 ? "]\n" : "\n");
}

void fit_write_head(const struct runtime_fit *f, const char *name, struct str *out)
{
	static const char *const apart[] = {"schema", "base", "devices"}, *const runtimes[] = {"runtimes"};
	const char *const device = f->base.device->origin.name;
	const struct yml *map = typed_map(f), *devices = map ? yml_get(map, "devices") : NULL,
			 *mine = devices ? yml_get(devices, device) : NULL;

	str_add(out, "schema: lemursim/hardware/1\n");
	add_base(f, map, out);
	fit_write_keys(out, 0, map, apart, ARRAY_LEN(apart));
	str_add(out, "devices:\n");
	fit_write_keys(out, 2, devices, &device, 1);
	str_addf(out, "  %s:\n", device);
	fit_write_keys(out, 4, mine, runtimes, ARRAY_LEN(runtimes));
	if (f->assumed_peak > 0)
		str_addf(out,
			 "    peak_f16: {value: %s, how: transferred, source: \"no peak is known: a "
			 "usual one for such a memory\"}\n",
			 units_text(f->arena, f->assumed_peak, DIM_FLOPS, 4));
	str_add(out, "    runtimes:\n");
	fit_write_keys(out, 6, mine ? yml_get(mine, "runtimes") : NULL, &name, 1);
}

/* The kinds of models and weights that the runs were of, in each phase that the profile has a width of it for. */
static void set_seen(struct fit_written *w, const struct runtime_fit *f)
{
	const struct beyond_width *widths = f->profile.beyond.of;
	struct fit_reach reach = {.context = 0};

	for (size_t i = 0; i < f->n; i++) {
		const struct report_row *row = &f->rows[i];
		const struct observation o = {.run = row->run,
					      .device = &f->base,
					      .model = row->model,
					      .precision = row->precision};

		fit_reach_add(f->arena, &o, f->base.profile, &reach);
	}
	for (int k = 0; k < BEYOND_KINDS; k++) {
		const bool prompts = reach.had[REACH_PREFILL][k], tokens = reach.had[REACH_DECODE][k];

		w->seen[k] = (prompts || tokens) && (prompts || widths[k].prefill <= 0) &&
			     (tokens || widths[k].decode <= 0);
	}
}

void fit_write_file(struct runtime_fit *f, struct str *out)
{
	const char *name = fit_runtime_name(f);
	const struct profile *same = device_runtime(f->base.device, name);
	struct fit_written w = {.arena = f->arena,
				.from = &f->profile,
				.at = &f->base,
				.to = f->base.device,
				.name = name,
				.version = f->ask->version ? f->ask->version : "as fitted",
				.kernels = &f->profile,
				.arithmetic = SCALE(f, FACTOR_ARITHMETIC),
				.memory = SCALE(f, FACTOR_MEMORY),
				.kernel = SCALE(f, FACTOR_KERNEL),
				.step = SCALE(f, FACTOR_STEP),
				.reaches = f->reaches,
				.reaches_n = f->reaches_n,
				.others_sd = f->others_sd,
				.over = same && !strcmp(same->origin.name, name) ? same->origin.node : NULL};

	fit_written_alike(&w);
	w.cache = SCALE(f, FACTOR_MEMORY, FACTOR_CACHE);
	w.cache_u = SCALE(f, FACTOR_ARITHMETIC, FACTOR_CACHE);
	w.first = SCALE(f, FACTOR_ARITHMETIC, FACTOR_FIRST);
	w.prompt = SCALE(f, FACTOR_ARITHMETIC, FACTOR_PROMPT, FACTOR_ATTENTION);
	w.other_u = SCALE(f, FACTOR_ARITHMETIC, FACTOR_PROMPT, FACTOR_ATTENTION_OTHER);
	w.alone_u = SCALE(f, FACTOR_ARITHMETIC, FACTOR_PROMPT, FACTOR_ATTENTION_ALONE);
	w.ramp = SCALE(f, FACTOR_RAMP);
	w.ramp_experts = SCALE(f, FACTOR_RAMP_EXPERTS);
	w.ramp_context = SCALE(f, FACTOR_CONTEXT);
	scale_weights(&w, f);
	set_seen(&w, f);
	for (size_t i = 0; i < f->n; i++)
		w.experts_told |= f->rows[i].model->experts != NULL;
	str_addf(out, "# Runtime '%s' on %s, fitted to runs of whole models.\n", name,
		 f->base.machine->title);
	for (size_t i = 0; i < f->notes.n; i++)
		str_addf(out, "# - %s\n", f->notes.at[i]);
	fit_write_head(f, name, out);
	fit_write_runtime(&w, out);
}

struct machine *fit_load_text(struct loader *l, const char *path, const char *text)
{
	struct source *source = arena_alloc(l->arena, sizeof *source);
	struct machine *m = arena_alloc(l->arena, sizeof *m);
	struct yml *tree;

	*source = (struct source){path ? path : "out.yaml", arena_strdup(l->arena, text), strlen(text)};
	tree = yml_parse(l->arena, source, l->diags);
	tree = tree ? load_inherit(l, tree, "hardware", HW_SCHEMA) : NULL;
	if (!tree || field_load(&machine_table, tree, "machine", m, l->diags) != 0 ||
	    machine_check(m, l->diags) != 0)
		return NULL;
	return m;
}
