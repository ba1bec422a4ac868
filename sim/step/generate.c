/* generate.c - see generate.h. */
#include "sim/step/generate.h"

#include <stdlib.h>
#include <string.h>

#include "sim/place/fit.h"
#include "sim/step/walk.h"

struct builder {
	const struct placement *at;
	const struct world *w;
	struct prog *p;
	struct waits *kv; /* one for each layer: what has to end for its cache to be where decode is */
};

/* The prompt's keys and values leave for where decode reads them as soon as their layer has them. */
static void hand_off(struct builder *b, const struct shape *s, size_t block, struct tag tag,
		     const struct waits *after)
{
	const struct seat *from = &b->at->seats[PHASE_PREFILL][block],
			  *to = &b->at->seats[PHASE_DECODE][block];

	tag.what = "KV";
	b->kv[tag.layer] = prog_hand_over(
		b->p, from, to,
		graph_kv_B(b->w->model, &b->w->scenario->precision, tag.part, s->batch, s->tokens), tag,
		after);
}

/* All blocks of one prefill or decode step; returns the end of the step, the host's part included. */
static struct waits pass(struct builder *b, struct shape s, enum phase phase, const struct waits *start)
{
	const struct seat *seats = b->at->seats[phase];
	const struct op step = {.name = "step", .kind = OP_STEP, .phase = phase, .role = ROLE_HEAD};
	const size_t first = walk_first(b->w), last = walk_last(b->w);
	struct walk k = walk_begin(b->p, b->at, phase, s, 0);
	struct waits x = {.n = 0};

	for (size_t i = first; i <= last; i++) {
		const struct block block = model_block(b->w->model, i);
		const struct tag tag = {.phase = phase, .part = block.part, .layer = block.layer};
		const bool attends = block.part.role == ROLE_ATTENTION && b->kv;
		struct waits also = {.n = 0};

		if (i == first)
			waits_join(&also, start);
		if (attends && phase == PHASE_DECODE)
			waits_join(&also, &b->kv[block.layer]);
		if (block.part.role == ROLE_HEAD)
			k.shape.all_logits = phase == PHASE_PREFILL && seat_all_logits(b->w, &seats[i]);
		x = walk_block(&k, i, &also);
		if (attends && phase == PHASE_PREFILL)
			hand_off(b, &s, i, tag, &x);
	}
	if (phase == PHASE_PREFILL && x.n)
		b->p->marks[MARK_PREFILL] = x.task[0];
	return (struct waits){
		.n = 1,
		.task = {prog_op(b->p, &step, walk_out(&k, last)->unit[0], 1,
				 (struct tag){.phase = phase, .part = {ROLE_HEAD, false}, .layer = -1}, &x)}};
}

/* The chosen token, four bytes a sequence, goes to where the next step begins. */
static struct waits next_token(struct builder *b, enum phase phase, const struct waits *after)
{
	const struct seat *from = &b->at->seats[phase][walk_last(b->w)],
			  *to = &b->at->seats[PHASE_DECODE][walk_first(b->w)];
	const struct tag tag = {
		.phase = PHASE_DECODE, .part = {ROLE_EMBEDDING, false}, .layer = -1, .what = "token"};

	return prog_hand_over(b->p, from, to, 4.0 * (double)b->w->scenario->workload.generate->batch, tag,
			      after);
}

static struct prog *build_first(const struct placement *at)
{
	const struct generate *g = at->world->scenario->workload.generate;
	struct builder b = {at, at->world, prog_new(at->world), NULL};
	const struct waits none = {.n = 0};
	struct waits x;

	b.kv = xcalloc((size_t)at->world->model->layers, sizeof *b.kv);
	x = pass(&b, prefill_shape(g), PHASE_PREFILL, &none);
	b.p->marks[MARK_FIRST_TOKEN] = x.task[0];
	if (g->tokens > 1) {
		x = next_token(&b, PHASE_PREFILL, &x);
		pass(&b, (struct shape){.batch = g->batch, .tokens = 1, .past = g->prompt}, PHASE_DECODE, &x);
	}
	free(b.kv);
	return b.p;
}

static struct prog *build_later(const struct placement *at, int64_t past)
{
	const struct generate *g = at->world->scenario->workload.generate;
	struct builder b = {at, at->world, prog_new(at->world), NULL};
	const struct waits none = {.n = 0};
	struct waits x =
		pass(&b, (struct shape){.batch = g->batch, .tokens = 1, .past = past}, PHASE_DECODE, &none);

	next_token(&b, PHASE_DECODE, &x); /* the next step cannot begin before it is there */
	return b.p;
}

struct generate_progs generate_build(const struct placement *at)
{
	const struct generate *g = at->world->scenario->workload.generate;
	struct generate_progs r = {.first = build_first(at), .steps = g->tokens - 2};

	if (r.steps < 1) {
		r.steps = 0;
		return r;
	}
	r.later[0] = build_later(at, g->prompt + 1);
	r.later[1] = build_later(at, g->prompt + 1 + (r.steps - 1) / 2);
	r.later[2] = build_later(at, g->prompt + r.steps);
	return r;
}

void generate_free(struct generate_progs *g)
{
	prog_free(g->first);
	for (int i = 0; i < GENERATE_STEPS; i++)
		prog_free(g->later[i]);
	memset(g, 0, sizeof *g);
}

double generate_over_steps(double steps, const double later[GENERATE_STEPS])
{
	return steps * (later[0] + 4 * later[1] + later[2]) / 6;
}

struct generate_times generate_times(const struct generate *g, double first_token_s, double first_s,
				     const double later_s[GENERATE_STEPS])
{
	const double steps = g->tokens > 2 ? (double)(g->tokens - 2) : 0;
	struct generate_times t = {.ttft_s = first_token_s, .e2el_s = first_token_s};

	t.prefill_tok_per_s = (double)(g->batch * g->prompt) / first_token_s;
	if (g->tokens < 2)
		return t;
	t.e2el_s = first_s + (steps > 0 ? generate_over_steps(steps, later_s) : 0);
	t.tpot_s = (t.e2el_s - first_token_s) / (double)(g->tokens - 1);
	t.decode_tok_per_s = (double)g->batch / t.tpot_s;
	return t;
}
