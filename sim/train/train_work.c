/* train_work.c - see train_work.h. */
#include "sim/train/train_work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/step/loop.h"
#include "sim/train/trainable.h"

/* ---- where the time of a step goes ---- */

enum { TIME_FORWARD, TIME_BACKWARD, TIME_OPTIMIZER, TIME_N };

static int time_of(const struct label *label)
{
	if (label->phase == PHASE_UPDATE)
		return TIME_OPTIMIZER;
	return label->phase == PHASE_FORWARD && !label->recompute ? TIME_FORWARD : TIME_BACKWARD;
}

/* So many operators of a class on a device, all of one phase. */
struct counted {
	uint32_t op_class, unit, n;
	int time; /* TIME_FORWARD, ... */
};

struct train_work {
	size_t units, n;
	struct counted *at;
};

/* Copies and links are no operators. */
static bool is_operator(const struct program *p, const struct program_task *t)
{
	return p->op_classes.at[t->op_class].kind == CLASS_OP && t->queue < p->world->units_n;
}

const struct train_work *train_work(struct arena *a, const struct program *p)
{
	struct arena scratch = ARENA_INIT;
	struct train_work *work = arena_alloc(a, sizeof *work);
	/* the newest entry of each class, as index + 1, and the one before each entry */
	uint32_t *newest = arena_array(&scratch, p->op_classes.n, sizeof *newest);
	uint32_t *older = arena_array(&scratch, p->tasks.n, sizeof *older);
	struct counted *at;

	*work = (struct train_work){p->world->units_n, 0,
				    arena_array(&scratch, p->tasks.n, sizeof *work->at)};
	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct program_task *t = &p->tasks.at[i];
		const struct counted new = {t->op_class, t->queue, 0, time_of(&t->label)};
		uint32_t k = newest[t->op_class];

		if (!is_operator(p, t))
			continue;
		while (k && (work->at[k - 1].unit != new.unit || work->at[k - 1].time != new.time))
			k = older[k - 1];
		if (!k) {
			work->at[work->n] = new;
			older[work->n++] = newest[t->op_class];
			k = newest[t->op_class] = (uint32_t)work->n;
		}
		work->at[k - 1].n += loop_times(p, (uint32_t)i);
	}
	at = arena_array(a, work->n, sizeof *at);
	if (work->n)
		memcpy(at, work->at, work->n * sizeof *at);
	work->at = at;
	arena_release(&scratch);
	return work;
}

struct train_times train_times(const struct train_work *work, const struct class_times *t, sim_ns makespan_ns)
{
	double(*ns)[TIME_N] = xcalloc(work->units, sizeof *ns);
	double sum[TIME_N] = {0}, on[TIME_N] = {0}, working = 0, devices = 0;

	for (size_t i = 0; i < work->n; i++) {
		const struct counted *c = &work->at[i];

		ns[c->unit][c->time] += (double)(t->ns[c->op_class] * (sim_ns)c->n);
	}
	for (size_t u = 0; u < work->units; u++) {
		double all = 0;

		for (int i = 0; i < TIME_N; i++) {
			sum[i] += ns[u][i];
			on[i] += ns[u][i] > 0;
			all += ns[u][i];
		}
		working += all;
		devices += all > 0;
	}
	free(ns);
	for (int i = 0; i < TIME_N; i++)
		sum[i] /= 1e9 * fmax(1, on[i]);
	return (struct train_times){sum[TIME_FORWARD], sum[TIME_BACKWARD], sum[TIME_OPTIMIZER],
				    fmax(0, (double)makespan_ns - working / fmax(1, devices)) / 1e9};
}

/* ---- useful work ---- */

double train_tokens(const struct train *t)
{
	return (double)(t->tokens * t->batch * t->micro_batches) * (1 - t->padding);
}

/* The operators of a block's pass, which are those of the last block of its kind where nothing else is asked. */
struct pass_ops {
	struct part part;
	struct shape shape;
	size_t n;
	struct op ops[GRAPH_OPS];
};

static const struct pass_ops *ops_of(struct pass_ops *kept, const struct world *w, const struct shape *s,
				     struct part part, enum phase phase)
{
	if (!kept->n || !part_same(kept->part, part) || !shape_same(&kept->shape, s)) {
		kept->part = part;
		kept->shape = *s;
		kept->n = graph_block(w->model, &w->scenario->precision, s, part, phase, kept->ops);
	}
	return kept;
}

double train_flop(const struct world *w)
{
	static const enum phase phases[] = {PHASE_FORWARD, PHASE_BACKWARD};
	struct arena a = ARENA_INIT;
	const struct trainable t = trainable_make(&a, w, w->scenario->workload.train);
	/* attention and feed-forward take turns */
	struct pass_ops(*kept)[2] = arena_array(&a, ARRAY_LEN(phases), sizeof *kept);
	double flop = 0;

	for (size_t b = 0; b < model_blocks(w->model); b++) {
		struct shape s = t.blocks[b].shape;

		s.scores_again = false;
		for (size_t p = 0; p < ARRAY_LEN(phases); p++) {
			const struct pass_ops *of =
				ops_of(&kept[p][b % 2], w, &s, model_block(w->model, b).part, phases[p]);

			for (size_t k = 0; k < of->n && (phases[p] == PHASE_FORWARD || b >= t.lowest); k++)
				flop += of->ops[k].flop;
		}
	}
	arena_release(&a);
	return flop * (double)w->scenario->workload.train->micro_batches;
}
