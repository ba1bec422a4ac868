/* train.c - see train.h. */
#include "sim/train/train.h"

#include <stdlib.h>

#include "sim/place/fit.h"

struct builder {
	const struct placement *at;
	const struct world *w;
	const struct train *t;
	struct prog *p;
	struct shape s;
	size_t first, last;  /* blocks that there are */
	struct waits *saved; /* [micro][block]: what forward kept is where backward runs */
	struct waits *grads; /* [block]: the block's gradients of every micro-batch are made */
};

static struct tag tag_of(const struct builder *b, size_t block, enum phase phase, uint32_t micro)
{
	const struct block k = model_block(b->w->model, block);

	return (struct tag){.phase = phase, .part = k.part, .layer = k.layer, .micro = micro};
}

static struct waits carry(const struct builder *b, const struct seat *from, const struct seat *to,
			  struct tag tag, const struct waits *x)
{
	const double bytes =
		(double)(b->s.batch * b->s.tokens) * graph_hidden_B(b->w->model, &b->w->scenario->precision);

	tag.what = "activations";
	return prog_hand_over(b->p, from, to, bytes, tag, x);
}

static struct waits *saved_at(const struct builder *b, uint32_t micro, size_t block)
{
	return &b->saved[(size_t)micro * b->at->blocks_n + block];
}

static struct waits forward(struct builder *b, uint32_t micro)
{
	const struct seat *seats = b->at->seats[PHASE_FORWARD], *back = b->at->seats[PHASE_BACKWARD];
	struct waits x = {.n = 0};

	for (size_t i = b->first; i <= b->last; i++) {
		struct tag tag = tag_of(b, i, PHASE_FORWARD, micro);
		const double kept = train_kept_B(b->w, tag.part);

		if (i > b->first)
			x = carry(b, &seats[i - 1], &seats[i], tag, &x);
		x = prog_block(b->p, &b->s, &seats[i], tag, &x);
		tag.what = "saved";
		*saved_at(b, micro, i) = prog_hand_over(b->p, &seats[i], &back[i], kept, tag, &x);
	}
	return x;
}

static struct waits backward(struct builder *b, uint32_t micro, const struct waits *loss)
{
	const struct seat *seats = b->at->seats[PHASE_BACKWARD];
	struct waits x = *loss;

	for (size_t i = b->last + 1; i-- > b->first;) {
		const struct tag tag = tag_of(b, i, PHASE_BACKWARD, micro);

		b->grads[i] = x;
		if (tag.part.role ==
		    ROLE_EMBEDDING) /* its gradient is a scatter of rows: nothing to speak of */
			break;
		if (i < b->last)
			x = carry(b, &seats[i + 1], &seats[i], tag, &x);
		if (b->t->recompute == RECOMPUTE_FULL) /* needs the block's input, not the gradient */
			*saved_at(b, micro, i) =
				prog_block(b->p, &b->s, &seats[i], tag_of(b, i, PHASE_FORWARD, micro),
					   saved_at(b, micro, i));
		waits_join(&x, saved_at(b, micro, i));
		x = prog_block(b->p, &b->s, &seats[i], tag, &x);
		b->grads[i] = x; /* a queue runs in order: the last micro-batch's end is the end of all */
	}
	return x;
}

/* The host waits for the loss, and again when all is done. */
static struct waits host(struct builder *b, enum phase phase, size_t unit, const struct waits *after)
{
	const struct op step = {.name = "step", .kind = OP_STEP, .phase = phase, .role = ROLE_HEAD};
	const struct tag tag = {.phase = phase, .part = {ROLE_HEAD, false}, .layer = -1};

	return (struct waits){.n = 1, .task = {prog_op(b->p, &step, unit, 1, tag, after)}};
}

/* New weights of a block go to where the next step's forward pass needs them, and its backward pass. */
static void give_back(struct builder *b, size_t block, double bytes, struct tag tag,
		      const struct waits *after)
{
	const struct seat *from = &b->at->seats[PHASE_UPDATE][block],
			  *fore = &b->at->seats[PHASE_FORWARD][block],
			  *back = &b->at->seats[PHASE_BACKWARD][block];
	struct seat rest = {.n = 0};

	tag.what = "weights";
	prog_hand_over(b->p, from, fore, bytes, tag, after);
	for (int i = 0; i < back->n; i++) {
		bool served = false;

		for (int j = 0; j < fore->n; j++)
			served |= b->w->units[fore->unit[j]].machine == b->w->units[back->unit[i]].machine;
		if (!served)
			rest.unit[rest.n++] = back->unit[i];
	}
	prog_hand_over(b->p, from, &rest, bytes, tag, after);
}

static void update(struct builder *b)
{
	const struct precision *pr = &b->w->scenario->precision;
	const double width = format_bytes((enum format_id)pr->compute, 1);
	const double each = optimizer_traffic_B((enum optimizer)b->t->optimizer, width);

	for (size_t i = b->first; i <= b->last && each > 0; i++) {
		const struct seat *from = &b->at->seats[PHASE_BACKWARD][i],
				  *to = &b->at->seats[PHASE_UPDATE][i];
		struct tag tag = tag_of(b, i, PHASE_UPDATE, 0);
		const double trained = graph_trainable(b->w->model, &b->s, tag.part);
		const struct op op = graph_update(tag.part.role, trained, each);
		struct waits x = {.n = 0};

		if (trained <= 0)
			continue;
		tag.what = "gradients";
		x = prog_hand_over(b->p, from, to, trained * width, tag, &b->grads[i]);
		tag.what = NULL;
		for (int k = 0; k < to->n; k++) {
			const uint32_t done = prog_op(b->p, &op, to->unit[k], to->share[k], tag, &x);
			const struct waits after = {.n = 1, .task = {done}};

			if (k == 0)
				give_back(b, i, trained * width, tag, &after);
		}
	}
}

struct prog *train_build(const struct placement *at)
{
	const struct world *w = at->world;
	struct builder b = {.at = at, .w = w, .t = w->scenario->workload.train, .p = prog_new(w)};
	const uint32_t micros = (uint32_t)b.t->micro_batches;
	struct waits loss, x = {.n = 0};

	b.s = train_shape(b.t);
	b.first = w->model->ends ? 0 : 1;
	b.last = at->blocks_n - (w->model->ends ? 1 : 2);
	b.saved = xcalloc((size_t)micros * at->blocks_n, sizeof *b.saved);
	b.grads = xcalloc(at->blocks_n, sizeof *b.grads);
	for (uint32_t i = 0; i < micros; i++)
		x = forward(&b, i);
	loss = host(&b, PHASE_FORWARD, at->seats[PHASE_FORWARD][b.last].unit[0], &x);
	b.p->marks[MARK_FORWARD] = loss.task[0];
	for (uint32_t i = 0; i < micros; i++)
		x = backward(&b, i, &loss);
	if (x.n)
		b.p->marks[MARK_BACKWARD] = x.task[0];
	update(&b);
	host(&b, PHASE_UPDATE, at->seats[PHASE_UPDATE][b.first].unit[0], &x);
	free(b.saved);
	free(b.grads);
	return b.p;
}

double train_tokens(const struct train *t)
{
	return (double)(t->tokens * t->batch * t->micro_batches);
}

double train_flop(const struct world *w)
{
	static const enum phase phases[] = {PHASE_FORWARD, PHASE_BACKWARD};
	const struct train *t = w->scenario->workload.train;
	const struct shape s = train_shape(t);
	struct part_count parts[MODEL_PARTS];
	const size_t parts_n = model_parts(w->model, parts);
	double flop = 0;

	for (size_t p = 0; p < ARRAY_LEN(phases); p++) {
		for (size_t i = 0; i < parts_n; i++) {
			struct op ops[GRAPH_OPS];
			const size_t n = graph_block(w->model, &w->scenario->precision, &s, parts[i].part,
						     phases[p], ops);

			for (size_t k = 0; k < n; k++)
				flop += ops[k].flop * parts[i].blocks;
		}
	}
	return flop * (double)t->micro_batches;
}
