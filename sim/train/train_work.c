/* train_work.c - see train_work.h. */
#include "sim/train/train_work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/step/joined.h"
#include "sim/step/loop.h"
#include "sim/step/pass_class.h"
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

struct counting {
	VEC(struct counted) at;
	VEC(uint32_t) older; /* [counted]: 1 + that of the same class before it; 0: none */
	uint32_t *newest;    /* [class]: 1 + its latest */
};

static void count(struct counting *x, const struct counted *these)
{
	uint32_t k = x->newest[these->op_class];

	while (k && (x->at.at[k - 1].unit != these->unit || x->at.at[k - 1].time != these->time))
		k = x->older.at[k - 1];
	if (k) {
		x->at.at[k - 1].n += these->n;
		return;
	}
	VEC_ADD(&x->at, *these);
	VEC_ADD(&x->older, x->newest[these->op_class]);
	x->newest[these->op_class] = (uint32_t)x->at.n;
}

/* Copies and links are no operators. */
static void count_operators(struct counting *x, const struct program *p, const struct pass_part *of,
			    uint32_t times)
{
	struct class_part own;
	size_t n;
	const struct class_part *parts = class_parts(p, of->op_class, &own, &n);

	for (size_t i = 0; i < n && of->queue < p->world->units_n; i++)
		if (p->op_classes.at[parts[i].op_class].kind == CLASS_OP)
			count(x, &(struct counted){parts[i].op_class, of->queue, parts[i].n * times,
						   time_of(&of->label)});
}

/* passes: those of each class that are not counted yet. */
static void count_task(struct counting *x, const struct program *p, uint32_t task, uint32_t *passes)
{
	struct pass_part own;
	size_t n;
	const struct pass_part *parts = pass_parts(p, task, &own, &n);
	uint32_t *left = &passes[p->tasks.at[task].op_class];
	const uint32_t times = parts == &own ? loop_times(p, task) : *left;

	for (size_t i = 0; i < n && times; i++)
		count_operators(x, p, &parts[i], times);
	*left = 0;
}

const struct train_work *train_work(struct arena *a, const struct program *p)
{
	struct train_work *work = arena_alloc(a, sizeof *work);
	struct counting x = {.newest = xcalloc(p->op_classes.n, sizeof *x.newest)};
	struct arena scratch = ARENA_INIT;
	uint32_t *passes = pass_counts(&scratch, p);

	for (uint32_t i = 0; i < p->tasks.n; i++)
		count_task(&x, p, i, passes);
	*work = (struct train_work){p->world->units_n, x.at.n, arena_array(a, x.at.n, sizeof *work->at)};
	if (x.at.n)
		memcpy(work->at, x.at.at, x.at.n * sizeof *work->at);
	VEC_FREE(&x.at);
	VEC_FREE(&x.older);
	free(x.newest);
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
	struct train whole = *w->scenario->workload.train;
	struct trainable t;
	/* attention and feed-forward take turns */
	struct pass_ops(*kept)[2] = arena_array(&a, ARRAY_LEN(phases), sizeof *kept);
	double flop = 0;

	whole.options.context_parallel = 1;
	t = trainable_make(&a, w, &whole);
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
