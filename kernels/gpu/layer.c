/* layer.c - see layer.h. */
#include "kernels/gpu/layer.h"

#include <string.h>

enum { VALUES = 3 /* the kernel's number */ };

static struct bench_case row(const struct bench_case *layer, int64_t n, int64_t k)
{
	return (struct bench_case){
		.kind = SAMPLE_GEMV, .dtype = layer->dtype, .m = 1, .n = n, .k = k, .cold = true};
}

static struct bench_case norm(const struct bench_case *layer)
{
	return (struct bench_case){
		.kind = SAMPLE_ELEMENTWISE, .dtype = SAMPLE_F32, .m = 1, .n = layer->k, .cold = true};
}

/* Those that do work, in their order. */
static void work_of(const struct bench_case *c, struct bench_case work[LAYER_WORK])
{
	const int64_t queries = c->heads * c->head_dim, keys = c->kv_heads * c->head_dim;
	const struct bench_case all[LAYER_WORK] = {norm(c),
						   row(c, queries, c->k),
						   row(c, keys, c->k),
						   row(c, keys, c->k),
						   {.kind = SAMPLE_DECODE,
						    .dtype = SAMPLE_F16,
						    .m = 1,
						    .n = LAYER_CONTEXT,
						    .heads = c->heads,
						    .kv_heads = c->kv_heads,
						    .head_dim = c->head_dim,
						    .cold = true},
						   row(c, c->k, queries),
						   norm(c),
						   row(c, c->n, c->k),
						   row(c, c->n, c->k),
						   row(c, c->k, c->n)};

	memcpy(work, all, sizeof all);
}

/* Does one that does nothing follow? The first are behind the values, before attention, where positions are turned and keys and values
 * written, and behind attention. */
static bool is_followed(int kernel, int64_t nothings)
{
	return (kernel - VALUES + LAYER_WORK) % LAYER_WORK < nothings;
}

/* Puts a part's buffers and steps behind those that are there. */
static bool join(struct plan *p, const struct plan *part)
{
	struct plan_part *to = &p->parts[p->parts_n];

	if (part->how != PLAN_KERNELS || p->buffers_n + part->buffers_n > PLAN_BUFFERS ||
	    p->steps_n + part->steps_n > PLAN_STEPS)
		return false;
	*to = part->parts[0];
	to->c = part->c;
	to->first = p->buffers_n;
	to->buffers_n = part->buffers_n;
	to->rounded = part->rounded;
	for (int i = 0; i < part->buffers_n; i++)
		p->buffers[p->buffers_n++] = part->buffers[i];
	for (int i = 0; i < part->steps_n; i++) {
		struct plan_step *s = &p->steps[p->steps_n++];

		*s = part->steps[i];
		s->part = p->parts_n;
		for (int a = 0; a < PLAN_ARGS; a++)
			if (s->args[a] >= ARG_BUFFER)
				s->args[a] = (unsigned char)(s->args[a] + to->first);
	}
	p->parts_n++;
	return true;
}

static bool add(struct plan *p, const struct bench_case *c, const struct plan_limits *l)
{
	struct plan part;

	return gpu_plan_make(&part, c, l) && join(p, &part);
}

bool layer_plan(struct plan *p, const struct plan_limits *l)
{
	static const struct bench_case nothing = {.kind = SAMPLE_DISPATCH, .m = 1, .k = 1};
	const int64_t nothings = p->c.m - LAYER_WORK;
	struct bench_case work[LAYER_WORK];

	if (nothings < 0 || nothings > LAYER_WORK || p->c.n < 1 || p->c.k < 1 || p->c.heads < 1)
		return false;
	work_of(&p->c, work);
	for (int i = 0; i < LAYER_WORK; i++)
		if (!add(p, &work[i], l) || (is_followed(i, nothings) && !add(p, &nothing, l)))
			return false;
	p->apart = p->c.kind == SAMPLE_PARTS;
	return true;
}

void layer_part(const struct plan *p, int part, struct plan *view)
{
	const struct plan_part *of = &p->parts[part];

	*view = (struct plan){.style = p->style,
			      .c = of->c,
			      .buffers_n = of->buffers_n,
			      .product = {0, 1, 2},
			      .rounded = of->rounded,
			      .parts = {*of}};
	memcpy(view->buffers, &p->buffers[of->first], (size_t)of->buffers_n * sizeof *view->buffers);
	for (int i = 0; i < p->steps_n; i++)
		if (p->steps[i].part == part)
			view->steps[view->steps_n++] = p->steps[i];
}
