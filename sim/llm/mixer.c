/* mixer.c - the operators of attention and of recurrent blocks; see writer.h. */
#include <math.h>
#include <string.h>

#include "sim/llm/attend.h"
#include "sim/llm/memory.h"
#include "sim/llm/projections.h"
#include "sim/llm/writer.h"

static const struct attention *attention_of(const struct writer *w)
{
	return part_attention(w->m, w->part);
}

static void run(struct writer *w, const struct projection *p)
{
	if (!p->idle)
		writer_linear(w, &(struct layer){p->name, p->split, p->tensor, p->n, p->k, p->adapter});
}

static void run_from(struct writer *w, const struct projections *p, size_t first)
{
	for (size_t i = first; i < p->n; i++)
		run(w, &p->at[i]);
}

/* --- what hangs on contexts ----------------------------------------------------------------------- */

/* FLOP for each pair of a query and a key, all heads: QK' and PV. Latent attention works on whole keys and
 * values where they are made (a prompt, training), and in the latent itself where the cache is read (decode;
 * DeepSeek-V2, arXiv:2405.04434, appendix C); under runtimes with one way for both, in the latent always. */
static double per_pair(const struct attention *a, bool decodes)
{
	const struct latent *l = a->latent;
	const double heads = (double)a->heads;

	if (!l)
		return 2 * heads * (double)(a->head_dim + (a->value_dim ? a->value_dim : a->head_dim));
	if ((decodes || a->absorbs) && !a->expanded)
		return 2 * heads * (double)(2 * l->kv_rank + l->rope_dim);
	return 2 * heads * (double)(l->nope_dim + l->rope_dim + l->value_dim);
}

static struct op *scores_of(struct writer *w, const struct attend *x)
{
	const struct attention *a = attention_of(w);
	const double each = per_pair(a, x->decodes);
	struct op *op = writer_add(w, "scores", OP_SCORES, SPLIT_HEADS);

	op->query = x->query;
	op->groups = a->latent ? 1 : (double)a->heads / (double)a->kv_heads;
	op->kv_of_all = part_cache_of_all(w->m, w->part);
	op->sequences = x->sequences;
	op->beside = x->beside;
	op->caches = (double)x->sequences * (double)(a->latent ? 1 : a->kv_heads);
	op->context = x->context;
	op->head_dim = a->latent ? 0 : a->head_dim;
	op->kv_bits = (int64_t)(8 * format_bytes((enum format_id)w->p->kv, 256) / 256);
	/* backward: four products where forward has two */
	op->flop = op->times * each * x->pairs;
	op->dense_flop = op->times * each * x->rectangle;
	op->kv_B = format_bytes((enum format_id)w->p->kv, (double)x->seen * part_kv_numbers(w->m, w->part));
	/* the scores in f32, for runtimes that write them */
	op->tensor_B = format_bytes(FORMAT_F32, (double)a->heads * x->rectangle);
	return op;
}

static bool caches_latent(const struct writer *w)
{
	return attention_of(w)->latent && part_cache_of_all(w->m, w->part);
}

/* Decodes and pieces of prompts go through one kernel, but those of a cached latent through two. */
static void scores(struct writer *w)
{
	struct attend groups[ATTENDS];
	const size_t n = attend_groups(w->m, w->s, w->part, w->phase, groups);
	struct op *op = scores_of(w, &groups[0]);

	for (size_t i = 1; i < n; i++)
		scores_of(w, &groups[i])->times = caches_latent(w) ? 1 : 0;
	if (w->s->scores_again &&
	    w->phase == PHASE_BACKWARD) { /* as forward has it; runs first, so last here */
		struct op *again = writer_add(w, "scores again", OP_SCORES, SPLIT_HEADS);
		const double share = 1 / op->times;

		*again = *op;
		again->name = "scores again";
		again->times = 1;
		again->flop *= share;
		again->dense_flop *= share;
	}
}

static bool is_inference(const struct writer *w)
{
	return w->phase == PHASE_PREFILL || w->phase == PHASE_DECODE;
}

static double cached(struct writer *w)
{
	if (!w->seen)
		w->seen = attend_seen(w->m, w->s, w->part);
	return (double)w->seen;
}

static void append(struct writer *w)
{
	const struct attention *a = attention_of(w);

	if (is_inference(w) && !a->shares_cache)
		writer_elementwise(w, "kv append", OP_KV_APPEND, a->latent ? SPLIT_NONE : SPLIT_WIDTH,
				   cached(w) * part_kv_numbers(w->m, w->part));
}

static void repeat(struct writer *w)
{
	const struct attention *a = attention_of(w);

	if (!a->latent && a->kv_heads < a->heads)
		writer_elementwise(w, "kv repeat", OP_KV_REPEAT, SPLIT_WIDTH,
				   cached(w) * 2 * (double)(a->heads * a->head_dim));
}

/* An indexer scores all of the context, whether attention then reads what it chose or not (llama.cpp
 * src/models/deepseek32.cpp, mlx_lm deepseek_v32.py): 2 dim FLOP a pair and head and the weighted sum of heads
 * (arXiv:2512.02556, equation 1); then the best are found. */
static void index_scores(struct writer *w)
{
	const struct attention *a = attention_of(w);
	const struct sparse *s = a->sparse;
	const double ratio = a->compress ? (double)a->compress->ratio : s ? (double)s->pool : 1;
	struct attend groups[ATTENDS];
	size_t n;

	if (!s || s->shared)
		return;
	n = attend_whole(w->m, w->s, w->phase, groups);
	for (size_t i = 0; i < n; i++) {
		const struct attend *x = &groups[i];
		struct op *op = writer_add(w, "index", OP_SCORES, SPLIT_HEADS);
		const double each = op->times * 2 * (double)(s->heads * (s->dim + 1)) / ratio;

		op->query = x->query;
		op->groups = (double)s->heads;
		op->kv_of_all = true;
		op->context = x->context / (int64_t)ratio;
		op->flop = each * x->pairs;
		op->dense_flop = each * x->rectangle;
		op->kv_B = format_bytes((enum format_id)w->p->kv, (double)x->seen / ratio * (double)s->dim);
		writer_elementwise(w, "top", OP_TOP, SPLIT_NONE,
				   x->rectangle / ratio / (double)(s->block / s->pool));
	}
}

/* --- attention ------------------------------------------------------------------------------------ */

static void latent_mixer(struct writer *w)
{
	const struct attention *a = attention_of(w);
	const struct latent *l = a->latent;
	const double rows = (double)w->rows;
	struct projections p;

	attention_projections(w->m, a, &p);
	for (size_t i = 0; i < p.behind; i++) {
		const char *name = p.at[i].name;

		if (!strcmp(name, "kv b")) {
			if (l->rope_dim)
				writer_elementwise(w, "rope", OP_ROPE, SPLIT_WIDTH,
						   rows * (double)((a->heads + 1) * l->rope_dim));
			append(w);
			/* keys and values from the latent; in decode queries into it and results out of it:
			 * as many FLOP */
		}
		run(w, &p.at[i]);
		if (!strcmp(name, "q a"))
			writer_elementwise(w, "q norm", OP_NORM, SPLIT_NONE, rows * (double)l->q_rank);
		if (!strcmp(name, "kv a"))
			writer_elementwise(w, "kv norm", OP_NORM, SPLIT_NONE, rows * (double)l->kv_rank);
	}
	index_scores(w);
	scores(w);
	if (a->gate)
		writer_elementwise(w, "gating", OP_ACTIVATION, SPLIT_WIDTH, rows * attention_widths(a).out);
	run_from(w, &p, p.behind);
}

static void attention_mixer(struct writer *w)
{
	const struct attention *a = attention_of(w);
	const double rows = (double)w->rows, q = (double)(a->heads * a->head_dim),
		     kv = a->shares_cache ? 0 : (double)(a->kv_heads * a->head_dim);
	const size_t first = w->n;
	struct projections p;

	attention_projections(w->m, a, &p);
	for (size_t i = 0; i < p.behind; i++) {
		run(w, &p.at[i]);
		if (p.at[i].adapter == ADAPTER_V && !a->q_rank)
			writer_join(w, first);
	}
	if (a->qk_norm)
		writer_elementwise(w, "qk norm", OP_NORM, SPLIT_WIDTH, rows * (q + kv));
	if (a->rope)
		writer_elementwise(w, "rope", OP_ROPE, SPLIT_WIDTH, rows * (q + kv));
	append(w);
	repeat(w);
	index_scores(w);
	scores(w);
	if (a->gate)
		writer_elementwise(w, "gating", OP_ACTIVATION, SPLIT_WIDTH, rows * attention_widths(a).out);
	run_from(w, &p, p.behind);
}

/* --- recurrent blocks ----------------------------------------------------------------------------- */

static double sequences(const struct shape *s)
{
	return s->mix ? (double)s->mix->decodes + (double)s->mix->pieces_n : (double)s->batch;
}

/* The work of a scan over the tokens of its sequences. */
struct scanned {
	double flop;   /* over all tokens */
	double square; /* numbers of the chunks' squares, of all heads */
	int64_t chunk; /* the longest; 0: walked */
};

static void add_scanned(struct scanned *x, const struct writer *w, const struct recurrent *r, double rows,
			int64_t tokens)
{
	const struct scan_kernel *k = &r->prompt;
	const int64_t chunk = k->chunk < tokens ? k->chunk : tokens;

	if (!k->chunk || tokens < k->from) {
		x->flop += rows * recurrence_cost(w->m, r).step_flop;
		return;
	}
	x->flop += rows * recurrence_chunk_flop(w->m, r, (double)chunk);
	x->square += rows * (double)(r->heads * chunk);
	x->chunk = chunk > x->chunk ? chunk : x->chunk;
}

static struct scanned scanned(const struct writer *w, const struct recurrent *r)
{
	const struct shape_mix *mix = w->s->mix;
	struct scanned x = {.flop = 0};
	double rows = (double)w->rows;

	if (!mix) {
		add_scanned(&x, w, r, rows, w->phase == PHASE_DECODE ? 1 : w->s->tokens);
		return x;
	}
	for (size_t i = 0; i < mix->pieces_n; i++) {
		add_scanned(&x, w, r, (double)mix->pieces[i].tokens, mix->pieces[i].tokens);
		rows -= (double)mix->pieces[i].tokens;
	}
	add_scanned(&x, w, r, rows, 1); /* decodes, and rows that pad the pass */
	return x;
}

/* The state is read and written once a pass, whatever the number of tokens: they are walked, or taken in
 * chunks, with the state on the chip. Training keeps a state for each chunk, which its saved bytes count. */
static void scan(struct writer *w)
{
	struct scanned x;
	const struct recurrent *r = part_recurrent(w->m, w->part);
	const struct recurrence_cost c = recurrence_cost(w->m, r);
	struct op *op;

	if (c.step_flop <= 0)
		return;
	x = scanned(w, r);
	op = writer_add(w, "scan", OP_SCAN, SPLIT_HEADS);
	op->query = w->rows;
	op->context = x.chunk;
	op->flop = op->times * x.flop;
	op->tensor_B = writer_act_B(w, c.width * (double)w->rows + (double)r->prompt.passes * x.square);
	op->kv_B = 2 * format_bytes(FORMAT_F32, c.state) * sequences(w->s);
}

/* The products before or behind a scan. A runtime that runs them for each sequence apart reads their weights for each; those
 * of training are not llama.cpp's. */
static void run_recurrent(struct writer *w, const struct projections *p, size_t from, size_t to, bool apart)
{
	const bool infers = w->phase == PHASE_PREFILL || w->phase == PHASE_DECODE;
	const double rows = (double)w->rows, products = apart && infers ? fmin(sequences(w->s), rows) : 1;

	for (size_t i = from; i < to; i++) {
		const struct projection *x = &p->at[i];

		writer_linear_over(w, &(struct layer){x->name, x->split, x->tensor, x->n, x->k, x->adapter},
				   (struct spread){rows, fmax(products, 1)});
	}
}

static void recurrent_mixer(struct writer *w)
{
	const struct recurrent *r = part_recurrent(w->m, w->part);
	const struct recurrence_cost c = recurrence_cost(w->m, r);
	const double rows = (double)w->rows;
	struct projections p;

	recurrent_projections(w->m, r, &p);
	run_recurrent(w, &p, 0, p.behind, r->prompt.before_apart);
	if (c.conv > 0) {
		writer_elementwise(w, "conv", OP_CONV, SPLIT_WIDTH, rows * c.conv);
		writer_elementwise(w, "activation", OP_ACTIVATION, SPLIT_WIDTH, rows * c.conv);
	}
	if (r->kind == RECURRENT_DELTA)
		writer_elementwise(w, "qk norm", OP_NORM, SPLIT_WIDTH,
				   rows * 2 * (double)(r->key_heads * r->key_dim));
	scan(w);
	if (r->kind != RECURRENT_CONV)
		writer_elementwise(w, "gated norm", OP_NORM, SPLIT_WIDTH, rows * c.out);
	run_recurrent(w, &p, p.behind, p.n, r->prompt.behind_apart);
}

void writer_mixer(struct writer *w)
{
	const struct attention *a = attention_of(w);

	if (a && a->latent)
		latent_mixer(w);
	else if (a)
		attention_mixer(w);
	if (part_recurrent(w->m, w->part))
		recurrent_mixer(w);
}

void writer_attends(struct writer *w)
{
	const struct attention *a = attention_of(w);

	if (a) {
		append(w);
		repeat(w);
		index_scores(w);
		scores(w);
	}
	if (part_recurrent(w->m, w->part))
		scan(w);
}
