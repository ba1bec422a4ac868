/* mtp.c - layers that predict further tokens, and other weights that are stored besides; see model.h. */
#include <string.h>

#include "sim/llm/layers.h"
#include "sim/llm/mix.h"

/* Numbers, or bytes where p is given, of a layer's blocks. */
static double layer_sum(const struct model *m, const struct precision *p, int64_t layer)
{
	double sum = 0;

	for (size_t b = model_layer_begin(m, layer); b < model_layer_begin(m, layer + 1); b++)
		sum += p ? part_weights_B(m, p, model_block(m, b).part)
			 : part_weights(m, model_block(m, b).part);
	return sum;
}

/* One layer that predicts further tokens: its blocks, the product that joins two hidden states, and three
 * norms (DeepSeek-V3, arXiv:2412.19437, section 2.2). p NULL: numbers, else bytes. */
static double mtp_layer(const struct model *m, const struct precision *p)
{
	const struct part any = {ROLE_HEAD, false, 0};
	const double h = (double)m->hidden, joins = 2 * h * h, norms = 3 * h;
	const char *const *names = m->mtp->kinds.at;
	double sum = p ? mix_bytes(m, p, any, TENSOR_OTHER, joins) + format_bytes(FORMAT_F32, norms)
		       : joins + norms;

	if (!m->mtp->kinds.n)
		return sum + layer_sum(m, p, m->layers - 1);
	for (int64_t i = 0; i < m->layers; i++) /* a layer that stands for the kind */
		for (size_t k = 0; k < m->mtp->kinds.n; k++)
			if (layout_is_first(m, i, names[k]))
				sum += layer_sum(m, p, i);
	return sum;
}

double model_mtp_weights(const struct model *m)
{
	return m->mtp ? (double)m->mtp->layers * mtp_layer(m, NULL) : 0;
}

double model_stored_B(const struct model *m, const struct precision *p)
{
	const struct stored *s = m->stored_only.at;
	double sum = m->mtp && m->mtp->stored ? (double)m->mtp->layers * mtp_layer(m, p) : 0;

	for (size_t i = 0; i < m->stored_only.n; i++)
		sum += format_bytes((enum format_id)s[i].format, (double)s[i].parameters);
	return sum;
}

/* --- as a draft ----------------------------------------------------------------------------------- */

/* The layers of a model with kinds that the first predicting layer consists of. */
static const struct model_layout *layout_of_mtp(struct arena *a, const struct model *m, int64_t *layers)
{
	const char *const *names = m->mtp->kinds.at;
	const size_t n = m->mtp->kinds.n ? m->mtp->kinds.n : 1;
	struct model_layout *l = arena_alloc(a, sizeof *l);
	unsigned char *kind_of = arena_array(a, n, 1);

	*l = *m->layout;
	kind_of[0] = l->kind_of[m->layers - 1];
	for (size_t i = 0; i < m->mtp->kinds.n; i++)
		for (size_t k = 0; k < l->kinds_n; k++)
			if (!strcmp(l->kind[k].name, names[i]))
				kind_of[i] = (unsigned char)k;
	l->kind_of = kind_of;
	*layers = (int64_t)n;
	return l;
}

/* A model without kinds: its layers are as the last one. */
static void last_layer(struct arena *a, const struct model *m, struct model *run)
{
	const struct attention *at = &m->attention;
	const bool full = !at->window || (at->full_every && m->layers % at->full_every == 0);
	struct experts *x;

	if (full)
		run->attention.window = 0;
	run->attention.full_every = 0;
	run->layers = 1;
	run->experts = NULL;
	if (!model_layer_has_experts(m, m->layers - 1))
		return;
	x = arena_alloc(a, sizeof *x);
	*x = *m->experts;
	x->first_dense = 0;
	x->every = 1;
	run->experts = x;
}

const struct model *model_mtp(struct arena *a, const struct model *m)
{
	struct model *run;
	struct model_layout *l;

	if (!m->mtp)
		return NULL;
	run = arena_alloc(a, sizeof *run);
	*run = *m;
	run->is_mtp = true;
	run->mtp = NULL;
	run->stored_only = (struct field_list){NULL, 0};
	run->per_layer_embedding = run->extra = run->parameters = 0;
	if (!m->layout) {
		last_layer(a, m, run);
		return run;
	}
	l = arena_alloc(a, sizeof *l);
	*l = *layout_of_mtp(a, m, &run->layers);
	layout_count(run, l, a);
	run->layout = l;
	return run;
}
