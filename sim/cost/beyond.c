/* beyond.c - see beyond.h. */
#include "sim/cost/beyond.h"

#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/cost/formats.h"

static bool seen_on(const struct beyond_width *w, const struct machine *m)
{
	const char *const *chips = w->seen_on.at;

	for (size_t i = 0; m->chip && i < w->seen_on.n; i++)
		if (!strcmp(chips[i], m->chip))
			return true;
	return false;
}

static const struct model_reach *reach_of(const struct profile *p, const struct model *m)
{
	const struct model_reach *all = p->models.at;

	for (size_t i = 0; m->title && i < p->models.n; i++)
		if (!strcmp(all[i].origin.name, m->title))
			return &all[i];
	return NULL;
}

void device_model_for(struct device_model *device_model, const struct model *m)
{
	const struct beyond_width *of = device_model->profile->beyond.of;
	const bool is[] = {[BEYOND_MIXTURES] = m->experts != NULL,
			   [BEYOND_RECURRENT] = model_has_recurrent(m),
			   [BEYOND_LATENT] = model_has_latent(m),
			   [BEYOND_PER_LAYER] = m->per_layer_embedding > 0};

	device_model->reach = reach_of(device_model->profile, m);
	device_model->beyond_prefill = device_model->reach ? 0 : device_model->profile->other_models.prefill;
	device_model->beyond_decode = device_model->reach ? 0 : device_model->profile->other_models.decode;
	for (size_t i = 0; i < ARRAY_LEN(is); i++)
		if (is[i] && !seen_on(&of[i], device_model->machine)) {
			device_model->beyond_prefill =
				exact_hypot(device_model->beyond_prefill, of[i].prefill);
			device_model->beyond_decode = exact_hypot(device_model->beyond_decode, of[i].decode);
		}
}

enum beyond_kind cost_weights_kind(enum format_id f)
{
	const double bits = 8 * format_bytes(f, 1);

	return f == FORMAT_MXFP4           ? BEYOND_FP4
	       : formats[f].weights == 256 ? BEYOND_K
	       : bits <= 5                 ? BEYOND_Q4
	       : bits <= 9                 ? BEYOND_Q8
					   : BEYOND_F16;
}

static double width_of(const struct beyond_width *w, bool decode)
{
	return decode ? w->decode : w->prefill;
}

/* The width of a kind on the device; 0: a run of the fit had it there. */
static double unseen(const struct device_model *device_model, enum beyond_kind kind, bool decode)
{
	const struct beyond_width *w = &device_model->profile->beyond.of[kind];

	return seen_on(w, device_model->machine) ? 0 : width_of(w, decode);
}

/* A product's: of its format, and of that format in a step of several sequences. */
static double beyond_product(const struct op *op, double tokens, const struct device_model *device_model)
{
	const enum beyond_kind kind = cost_weights_kind(op->format),
			       batch = kind - BEYOND_F16 + BEYOND_BATCH_F16;
	const bool decode = op->phase == PHASE_DECODE;
	const double w = unseen(device_model, kind, decode);

	return decode && tokens > 1 ? exact_hypot(w, unseen(device_model, batch, true)) : w;
}

/* The least spread of an operator of a kind that no run of the fit was of: as wide as such predictions proved to be. */
static double beyond_fit(const struct op *op, double tokens, const struct device_model *device_model)
{
	const struct beyond *b = &device_model->profile->beyond;
	const bool decode = op->phase == PHASE_DECODE;
	double w = decode ? device_model->beyond_decode : device_model->beyond_prefill;

	if (op->kind == OP_LINEAR)
		w = exact_hypot(w, beyond_product(op, tokens, device_model));
	if (op->kind == OP_LINEAR && op->phase == PHASE_PREFILL && tokens < (double)b->of[BEYOND_SHORT].from)
		w = exact_hypot(w, width_of(&b->of[BEYOND_SHORT], decode));
	return w;
}

/* Attention over more tokens than any run of the fit: what it does within their number is as wide as the fit, only the rest
 * is wider. The time of a draw then still grows with the context, as a server's steps need it. */
static void widen_context(struct term *t, const struct op *op, const struct beyond_width *w)
{
	const double rest = 1 - (double)w->from / (double)op->context;

	t->spread += rest * fmax(0, width_of(w, op->phase == PHASE_DECODE) - t->spread);
}

/* Widths are of whole times, and the terms of a time are drawn apart from one another: each is as much wider as their sum
 * would else be narrower. */
static double of_each_term(const struct cost *c, double w)
{
	const double parts[] = {fmax(c->arithmetic.s, c->memory.s),
				c->in_turn * fmin(c->arithmetic.s, c->memory.s), c->apart.s, c->overhead.s};
	double sum = 0, squares = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		sum += parts[i];
		squares += parts[i] * parts[i];
	}
	return squares > 0 ? w * sum / sqrt(squares) : w;
}

static void widen(struct cost *c, double w)
{
	struct term *terms[] = {&c->arithmetic, &c->memory, &c->apart, &c->overhead};

	w = of_each_term(c, w);
	for (size_t i = 0; i < ARRAY_LEN(terms); i++)
		terms[i]->spread = fmax(terms[i]->spread, w);
}

/* As far as programs are from kernels that are not their own (validate/run_band.c). One load says more: on an H200 vLLM answers
 * Qwen2.5 32B in GGUF at an eighth of the rate of AWQ (docs.jarvislabs.ai, vLLM quantization guide, January 2026), with its
 * GGUF kernels for many rows; of one sequence nobody says. */
static const double guest_sd = 0.7;

void beyond_widen_guest(struct cost *c, const struct op *op, const struct device_model *device_model)
{
	/* formats are the first mixes, by the same numbers */
	if (op->kind == OP_LINEAR &&
	    format_is_guest(device_model->profile->origin.name, (enum mix_id)op->format))
		widen(c, guest_sd);
}

void beyond_widen(struct cost *c, const struct op *op, double tokens, const struct device_model *device_model)
{
	const struct beyond_width *context = &device_model->profile->beyond.of[BEYOND_CONTEXT];
	double w = beyond_fit(op, tokens, device_model);

	if (w > 0)
		widen(c, w);
	if (op->kind != OP_SCORES || !context->from || op->context <= context->from)
		return;
	widen_context(&c->arithmetic, op, context);
	widen_context(&c->memory, op, context);
}
