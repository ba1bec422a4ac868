/* workload_roofline.c - see workload_roofline.h. */
#include "sim/report/workload_roofline.h"

#include <string.h>

#include "sim/base/vec.h"
#include "sim/place/footprint.h"
#include "sim/step/program.h"
#include "sim/train/trainable.h"

enum { UNITS_NAMED = 4 }; /* of a roof; others are counted */

/* A roof, and which dots and units it has. */
struct made_roof {
	struct roof roof;
	size_t first_dot, units_n;
	const char *units, *chip; /* names: "a.gpu, b.gpu", and what they all are */
};

struct builder {
	struct arena *arena;
	const struct world *w;
	VEC(struct made_roof) roofs;
	VEC(struct roof_dot) dots;
};

/* Operators of one shape share a dot: "k, v". */
static bool same_shape(const struct op *a, const struct op *b)
{
	return a->kind == b->kind && a->weight_B == b->weight_B && a->tensor_B == b->tensor_B &&
	       a->role == b->role;
}

static bool same_work(const struct op *a, const struct op *b)
{
	return a->flop == b->flop && same_shape(a, b);
}

static double phase_seconds(const struct world *w, size_t unit, const struct device_model *device_model,
			    const struct shape *s, enum phase phase)
{
	const struct model *m = w->units[unit].model;
	struct part_count parts[MODEL_PARTS];
	const size_t parts_n = model_parts(m, parts);
	double sum = 0;

	for (size_t k = 0; k < parts_n; k++) {
		struct op ops[GRAPH_OPS];
		const size_t n = graph_block(m, &w->scenario->precision, s, parts[k].part, phase, ops);

		for (size_t i = 0; i < n; i++) {
			const struct cost c = cost_of(&ops[i], device_model, 1);

			sum += cost_seconds(&c) * parts[k].blocks;
		}
	}
	return sum;
}

/* Users see training as one phase: forward and backward share a group, not a dot. */
static const char *group_of(enum phase phase)
{
	return phase == PHASE_FORWARD || phase == PHASE_BACKWARD ? "training" : phase_names[phase];
}

static void add_dot(struct builder *b, size_t unit, const struct op *op, const char *names, double times,
		    double total_s)
{
	const struct device_model device_model = program_device_model(b->arena, b->w, unit);
	const struct cost c = cost_of(op, &device_model, 1);
	const double s = cost_seconds(&c);

	VEC_ADD(&b->dots, (struct roof_dot){.label = names,
					    .group = group_of(op->phase),
					    .roof = b->roofs.n,
					    .intensity = c.flop / c.bytes,
					    .flops = c.flop / s,
					    .share = times * s / total_s,
					    .detail = arena_printf(b->arena, "%s of %s\nlimited by %s",
								   phase_names[op->phase], b->w->model->title,
								   param_names[cost_bound(&c)])});
}

/* The names of all operators from i on that do the same work, "q, o" in forward order, each once; times
 * counts them. They are marked as said by their FLOP. */
static const char *take_alike(struct arena *a, struct op *ops, size_t n, size_t i, double *times)
{
	const struct op first = ops[i];
	const char *names = NULL;

	*times = 0;
	for (size_t j = i; j < n; j++) {
		bool said = false;

		if (!same_work(&first, &ops[j]))
			continue;
		for (size_t k = i; k < j; k++)
			said |= ops[k].flop == 0 && same_shape(&first, &ops[k]) &&
				!strcmp(ops[k].name, ops[j].name);
		if (!names)
			names = ops[j].name;
		else if (!said) /* backward has them the other way round */
			names = first.phase == PHASE_BACKWARD ? arena_printf(a, "%s, %s", ops[j].name, names)
							      : arena_printf(a, "%s, %s", names, ops[j].name);
		ops[j].flop = 0;
		++*times;
	}
	return names;
}

static void add_phase(struct builder *b, size_t unit, const struct shape *s, enum phase phase)
{
	const struct device_model device_model = program_device_model(b->arena, b->w, unit);
	const double total_s = phase_seconds(b->w, unit, &device_model, s, phase);
	const struct model *m = b->w->units[unit].model;
	struct part_count parts[MODEL_PARTS];
	const size_t parts_n = model_parts(m, parts);

	for (size_t k = 0; k < parts_n; k++) {
		struct op ops[GRAPH_OPS];
		const size_t n = graph_block(m, &b->w->scenario->precision, s, parts[k].part, phase, ops);
		const double layers = parts[k].blocks;

		for (size_t i = 0; i < n; i++) {
			const struct op op = ops[i];
			double times;
			const char *names;

			if (op.flop <= 0)
				continue;
			names = take_alike(b->arena, ops, n, i, &times);
			add_dot(b, unit, &op, names, times * layers, total_s);
		}
	}
}

static void add_dots(struct builder *b, size_t u)
{
	const struct workload *k = &b->w->scenario->workload;

	if (k->generate) {
		struct shape prefill = prefill_shape(k->generate);
		const struct shape decode = {.batch = k->generate->batch,
					     .tokens = 1,
					     .past = k->generate->prompt + k->generate->tokens / 2};

		prefill.all_logits = b->w->units[u].profile->all_logits;
		add_phase(b, u, &prefill, PHASE_PREFILL);
		add_phase(b, u, &decode, PHASE_DECODE);
	}
	if (k->train) {
		struct shape s = train_shape(k->train);

		s.adapters = 0; /* too small to see */
		add_phase(b, u, &s, PHASE_FORWARD);
		add_phase(b, u, &s, PHASE_BACKWARD);
	}
}

/* "mps", or "mlx, cuda" where unlike machines run unlike software. */
static const char *runtimes_of(struct arena *a, const struct world *w)
{
	const char *all = w->units[0].profile->origin.name;

	for (size_t u = 1; u < w->units_n; u++) {
		const char *name = w->units[u].profile->origin.name;
		bool known = false;

		for (size_t v = 0; v < u; v++)
			known |= !strcmp(w->units[v].profile->origin.name, name);
		if (!known)
			all = arena_printf(a, "%s, %s", all, name);
	}
	return all;
}

static struct roof roof_of(const struct device_model *d)
{
	return (struct roof){.peak_flops = d->profile->gemm[d->compute]->roof.value,
			     .read_Bps = d->profile->read.value,
			     .peak_from = d->profile->gemm[d->compute]->roof.provenance,
			     .read_from = d->profile->read.provenance,
			     .limit_flops = d->device->peak[d->compute].value,
			     .limit_Bps = d->machine->memory.bandwidth.value};
}

static bool same_roof(const struct roof *a, const struct roof *b)
{
	return a->peak_flops == b->peak_flops && a->read_Bps == b->read_Bps && a->peak_from == b->peak_from &&
	       a->read_from == b->read_from && a->limit_flops == b->limit_flops &&
	       a->limit_Bps == b->limit_Bps;
}

/* Would the dots of a roof, and those from 'first' on, lie on one another? */
static bool same_dots(const struct builder *b, size_t roof, size_t first)
{
	const size_t from = b->roofs.at[roof].first_dot,
		     to = roof + 1 < b->roofs.n ? b->roofs.at[roof + 1].first_dot : first;

	if (to - from != b->dots.n - first)
		return false;
	for (size_t i = from; i < to; i++) {
		const struct roof_dot *x = &b->dots.at[i], *y = &b->dots.at[first + i - from];

		if (strcmp(x->label, y->label) != 0 || x->intensity != y->intensity || x->flops != y->flops ||
		    x->share != y->share)
			return false;
	}
	return true;
}

/* The roof that one like 'made' would be drawn over, or the number of roofs. */
static size_t drawn_already(const struct builder *b, const struct made_roof *made)
{
	size_t i = 0;

	while (i < b->roofs.n &&
	       (!same_roof(&b->roofs.at[i].roof, &made->roof) ||
		strcmp(b->roofs.at[i].chip, made->chip) != 0 || !same_dots(b, i, made->first_dot)))
		i++;
	return i;
}

/* Equal devices share a roof: of several lines over one another only the last could be seen. */
static void add_unit(struct builder *b, size_t unit)
{
	const struct device_model d = program_device_model(b->arena, b->w, unit);
	const char *name = b->w->units[unit].name;
	const struct made_roof made = {.roof = roof_of(&d),
				       .first_dot = b->dots.n,
				       .units_n = 1,
				       .units = name,
				       .chip = d.machine->chip};
	size_t like;

	add_dots(b, unit);
	like = drawn_already(b, &made);
	if (like == b->roofs.n) {
		VEC_ADD(&b->roofs, made);
		return;
	}
	b->dots.n = made.first_dot;
	if (b->roofs.at[like].units_n++ < UNITS_NAMED)
		b->roofs.at[like].units = arena_printf(b->arena, "%s, %s", b->roofs.at[like].units, name);
}

/* "m5.gpu (Apple M5)", "a.gpu, b.gpu, c.gpu, 5 more (NVIDIA H100)". */
static const char *roof_name(const struct builder *b, const struct made_roof *r)
{
	const char *more = r->units_n > UNITS_NAMED
				   ? arena_printf(b->arena, ", %zu more", r->units_n - UNITS_NAMED)
				   : "";

	return arena_printf(b->arena, "%s%s (%s)", r->units, more, r->chip);
}

struct roofline workload_roofline(struct arena *a, const struct world *w)
{
	struct builder b = {.arena = a, .w = w};
	struct roof *roofs;
	struct roof_dot *dots;
	size_t dots_n, roofs_n;
	const char *note;

	for (size_t u = 0; u < w->units_n; u++)
		add_unit(&b, u);
	roofs_n = b.roofs.n;
	roofs = arena_array(a, roofs_n, sizeof *roofs);
	for (size_t i = 0; i < roofs_n; i++) {
		roofs[i] = b.roofs.at[i].roof;
		roofs[i].name = roof_name(&b, &b.roofs.at[i]);
	}
	VEC_FREE(&b.roofs);
	dots_n = b.dots.n;
	dots = arena_array(a, dots_n, sizeof *dots);
	for (size_t i = 0; i < dots_n; i++)
		dots[i] = b.dots.at[i];
	VEC_FREE(&b.dots);
	note = dots_n || !w->scenario->workload.serve
		       ? "solid: the best single GEMM call, with a host synchronisation that operators "
			 "inside a step do not pay, and the bandwidth of reading"
		       : "ceilings alone: a server's operators are others in each iteration; for dots "
			 "give the workload 'generate:'";
	return (struct roofline){
		.title = arena_printf(a, "Roofline: %s, weights %s, computed in %s, runtime %s",
				      w->model->title, mix_names[w->scenario->precision.weights],
				      format_names[w->scenario->precision.compute], runtimes_of(a, w)),
		.note = note,
		.roofs = roofs,
		.roofs_n = roofs_n,
		.dots = dots,
		.dots_n = dots_n};
}
