/* memory.c - see memory.h. */
#include "sim/train/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/step/loop.h"
#include "sim/train/gathers.h"
#include "sim/train/stages.h"
#include "sim/train/train.h"
#include "sim/train/trainable.h"

/* A lifetime, from its first to its last instant; first < 0: it never begins. */
struct interval_ns {
	sim_ns first, last;
	uint32_t task; /* the task that began it */
};

/* The lifetime of what one micro-batch keeps in one block. */
struct lifetime {
	struct interval_ns forward, sent, input, backward; /* sent: the transfer of kept activations */
	size_t fore, back;                                 /* the machines that ran it, in a data split */
};

enum kind { ACTIVATIONS, GRADIENTS, KIND_N };

struct change {
	sim_ns at_ns;
	double by;
	enum kind kind;
	size_t machine;
	uint32_t task, seq;
};

struct ledger {
	const struct placement *at;
	const struct world *w;
	const struct trainable *tr;
	const struct program *p;
	const struct task_run *run;
	struct lifetime *lifetimes;                     /* [micro * blocks + block] */
	struct interval_ns *grads, *updates, *arrivals; /* [block * machines + machine] */
	struct kept_share {
		double fore, back;
	} * shares; /* [block * machines + machine]: of a block, in forward and backward */
	struct kept_bytes {
		double kept, recompute;
	} * kept; /* [block] */
	VEC(struct change) changes;
};

static void widen(struct interval_ns *w, const struct task_span *span, uint32_t task)
{
	if (w->first < 0 || span->start_ns < w->first) {
		w->first = span->start_ns;
		w->task = task;
	}
	w->last = span->end_ns > w->last ? span->end_ns : w->last;
}

/* ---- lifetimes, from the tasks ---- */

static void read_update(struct ledger *b, uint32_t i, size_t block)
{
	const struct program_task *t = &b->p->tasks.at[i];
	const struct world *w = b->w;
	const struct queue q = queue_at(w, t->queue);
	const bool gradients = t->label.payload == PAYLOAD_GRADIENTS;

	for (size_t mi = 0; mi < w->machines_n; mi++) {
		const size_t at = block * w->machines_n + mi;
		const bool here = q.kind == QUEUE_DEVICE && queue_machine(w, q) == mi;
		const bool comes = q.kind == QUEUE_LINK && queue_receiver(w, q) == mi;

		if (gradients && (comes || here))
			widen(&b->arrivals[at], &b->run->spans[i], i);
		if (!t->label.payload && here)
			widen(&b->updates[at], &b->run->spans[i], i);
		if (gradients && !comes) /* activations that are sent are kept until they have left */
			widen(&b->updates[at], &b->run->spans[i], i);
	}
}

static void read_pass(struct ledger *b, uint32_t i, size_t block)
{
	const struct program_task *t = &b->p->tasks.at[i];
	const struct task_span *span = &b->run->spans[i];
	struct lifetime *life = &b->lifetimes[t->label.micro * b->at->blocks_n + block];
	const size_t mi = queue_machine(b->w, queue_at(b->w, t->queue));

	if (t->label.payload == PAYLOAD_SAVED)
		widen(&life->sent, span, i);
	if (t->label.payload)
		return;
	if (t->label.phase == PHASE_FORWARD && !t->label.recompute) {
		widen(&life->forward, span, i);
		life->fore = mi;
		return;
	}
	life->back = mi;
	widen(&life->backward, span, i);
	if (t->label.grad_part != GRAD_WEIGHTS)
		widen(&life->input, span, i);
	if (!t->label.recompute && t->label.grad_part != GRAD_INPUT)
		widen(&b->grads[block * b->w->machines_n + mi], span, i);
}

/* The block of a task. Those of a pass follow each other, so the last one is kept. */
struct known_block {
	enum role role;
	int64_t layer;
	size_t block;
	bool known;
};

static size_t block_of(const struct model *m, const struct label *l, struct known_block *k)
{
	if (!k->known || k->role != l->part.role || k->layer != l->layer)
		*k = (struct known_block){l->part.role, l->layer, model_block_of(m, l->part.role, l->layer),
					  true};
	return k->block;
}

static void read_tasks(struct ledger *b)
{
	struct known_block known = {.known = false};

	for (uint32_t i = 0; i < b->p->tasks.n; i++) {
		const struct program_task *t = &b->p->tasks.at[i];
		const struct op_class *c = &b->p->op_classes.at[t->op_class];

		if (c->kind == CLASS_OP && (c->op.kind == OP_STEP || c->op.kind == OP_LAUNCH))
			continue;
		if (t->label.phase == PHASE_UPDATE)
			read_update(b, i, block_of(b->w->model, &t->label, &known));
		else if (!t->label.payload || t->label.payload == PAYLOAD_SAVED)
			read_pass(b, i, block_of(b->w->model, &t->label, &known));
	}
}

/* ---- changes, from the lifetimes ---- */

static void hold(struct ledger *b, enum kind kind, size_t machine, double bytes, struct interval_ns w)
{
	if (bytes <= 0 || w.first < 0)
		return;
	VEC_ADD(&b->changes, (struct change){w.first, bytes, kind, machine, w.task, (uint32_t)b->changes.n});
	VEC_ADD(&b->changes,
		(struct change){w.last, -bytes, kind, machine, TASK_NONE, (uint32_t)b->changes.n});
}

/* What the micro-batches of a step have in common. */
static void tabulate(struct arena *a, struct ledger *b)
{
	const size_t blocks = b->at->blocks_n, n = b->w->machines_n;

	b->shares = arena_array(a, blocks * n, sizeof *b->shares);
	b->kept = arena_array(a, blocks, sizeof *b->kept);
	for (size_t i = 0; i < blocks; i++) {
		const struct shards *back = &b->at->shard_groups[PHASE_BACKWARD][i];

		b->kept[i] = (struct kept_bytes){trainable_kept_B(b->tr, i, back),
						 trainable_recompute_B(b->tr, i, back)};
		for (size_t mi = 0; mi < n; mi++)
			b->shares[i * n + mi] =
				(struct kept_share){footprint_share(b->at, PHASE_FORWARD, i, mi),
						    footprint_share(b->at, PHASE_BACKWARD, i, mi)};
	}
}

/* Of a data split, the share of the replica that ran the micro-batch. */
static struct kept_share share_of(const struct ledger *b, const struct lifetime *l, size_t block, size_t mi)
{
	struct kept_share s = b->shares[block * b->w->machines_n + mi];

	if (b->at->shard_groups[PHASE_FORWARD][block].data && mi != l->fore)
		s.fore = 0;
	if (b->at->shard_groups[PHASE_BACKWARD][block].data && mi != l->back)
		s.back = 0;
	return s;
}

static void hold_activations(struct ledger *b, const struct lifetime *l, size_t block)
{
	const double kept = b->kept[block].kept, recompute = b->kept[block].recompute;
	const struct interval_ns over = l->sent.first < 0 ? l->forward : l->sent;

	for (size_t mi = 0; mi < b->w->machines_n; mi++) {
		const struct kept_share s = share_of(b, l, block, mi);
		const double fore = s.fore, back = s.back;
		struct interval_ns w = l->forward;

		if (back > 0)
			w.last = l->backward.last;
		if (fore > 0 && back <= 0)
			w.last = over.last;
		if (fore <= 0 && l->sent.first >= 0)
			w.first = l->sent.first;
		hold(b, ACTIVATIONS, mi, kept * fmax(fore, back), w);
		/* scores are recomputed for B only, whole blocks for W, too */
		w = b->tr->train.options.recompute == RECOMPUTE_FULL ? l->backward : l->input;
		hold(b, ACTIVATIONS, mi, recompute * back, w);
	}
}

/* Numbers of the copy of the table that a machine with a tied head has beside those of its blocks. */
static double tied_copy(const struct ledger *b, size_t block)
{
	return block == model_last_block(b->w->model) ? trainable_tied_copy(b->tr, b->at) : 0;
}

static void hold_gradients(struct ledger *b, size_t block)
{
	const enum format_id compute = (enum format_id)b->w->scenario->precision.compute;
	const size_t n = b->w->machines_n;
	const double parts = b->tr->train.options.zero > 1 ? (double)stages_replicas(b->at) : 1;
	const double bytes =
		(b->tr->blocks[block].gradient_B + format_bytes(compute, tied_copy(b, block))) / parts;

	for (size_t mi = 0; mi < n; mi++) {
		const size_t at = block * n + mi;
		/* the embedding's gradient begins when the block above has computed its own */
		const bool below = block == 0 && b->tr->lowest == 1;
		struct interval_ns w = b->grads[below ? n + mi : at];
		double share = footprint_share(b->at, PHASE_BACKWARD, block, mi);

		if (w.first < 0) { /* gradients received for the update */
			w = b->arrivals[at];
			share = footprint_share(b->at, PHASE_UPDATE, block, mi);
		}
		w.last = b->updates[at].first < 0 ? b->run->makespan_ns : b->updates[at].last;
		hold(b, GRADIENTS, mi, bytes * share, w);
	}
}

/* ---- peaks, from the changes ---- */

static int by_time(const void *x, const void *y)
{
	const struct change *a = x, *b = y;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	if ((a->by > 0) != (b->by > 0)) /* at one instant, what is released goes first */
		return a->by > 0 ? 1 : -1;
	if (a->task != b->task)
		return a->task < b->task ? -1 : 1;
	/* the order of the sum, and so its rounding, is the same for any schedule */
	return a->seq < b->seq ? -1 : 1;
}

static double standing_B(const struct ledger *b, size_t mi, struct footprint *f)
{
	static const enum phase all[] = {PHASE_FORWARD, PHASE_BACKWARD, PHASE_UPDATE};
	const struct train *t = &b->tr->train;
	const bool full = t->method == TRAIN_FULL;
	const double parts = t->options.zero ? (double)stages_replicas(b->at) : 1;
	double largest = 0;

	*f = (struct footprint){.usable_B = b->w->machines[mi].memory.usable.value,
				/* an update of adapters needs no more than them */
				.weights_B = footprint_weights_B(b->at, all, full ? 3 : 2, mi)};
	for (size_t k = 0; k < b->at->blocks_n; k++) {
		const struct trainable_block *block = &b->tr->blocks[k];
		double share = 0;

		for (size_t x = 0; x < ARRAY_LEN(all); x++)
			share = fmax(share, footprint_share(b->at, all[x], k, mi));
		f->optimizer_B += footprint_share(b->at, PHASE_UPDATE, k, mi) *
				  (block->numbers + tied_copy(b, k)) * optimizer_state_B(t) / parts;
		if (!full) /* adapters are weights too */
			f->weights_B += share * block->gradient_B;
		largest = fmax(largest, share * part_weights_B(b->w->model, &b->w->scenario->precision,
							       model_block(b->w->model, k).part));
	}
	if (t->options.zero > 2 && parts > 1)
		f->weights_B = fmin(f->weights_B, f->weights_B / parts + GATHERED_BLOCKS * largest);
	return footprint_need_B(f);
}

static void find_peak(struct arena *a, const struct ledger *b, size_t mi, struct memory_use *u)
{
	double now[KIND_N] = {0}, most = 0;
	const double stands = standing_B(b, mi, &u->peak);
	size_t changes = 0;

	for (size_t i = 0; i < b->changes.n; i++)
		changes += b->changes.at[i].machine == mi;
	u->points = arena_array(a, changes + 1, sizeof *u->points);
	u->points[u->points_n++] = (struct memory_point){0, stands};
	for (size_t i = 0; i < b->changes.n; i++) {
		const struct change *c = &b->changes.at[i];

		if (c->machine != mi)
			continue;
		now[c->kind] += c->by;
		if (u->points[u->points_n - 1].at_ns != c->at_ns)
			u->points_n++;
		u->points[u->points_n - 1] =
			(struct memory_point){c->at_ns, stands + now[ACTIVATIONS] + now[GRADIENTS]};
		if (now[ACTIVATIONS] + now[GRADIENTS] <= most)
			continue;
		most = now[ACTIVATIONS] + now[GRADIENTS];
		u->at_ns = c->at_ns + (c->task >= b->p->loop.at ? b->p->loop.n * b->p->loop.ns : 0);
		u->raised = true;
		u->during = b->p->tasks.at[c->task].label;
		u->during.micro = loop_micro(b->p, c->task);
		u->peak.activations_B = now[ACTIVATIONS];
		u->peak.gradients_B = now[GRADIENTS];
	}
}

static struct interval_ns *intervals(struct arena *a, size_t n)
{
	struct interval_ns *w = arena_array(a, n, sizeof *w);

	for (size_t i = 0; i < n; i++)
		w[i] = (struct interval_ns){-1, -1, TASK_NONE};
	return w;
}

/* The micro-batches that a program has. */
static size_t micros_of(const struct program *p, const struct train *t)
{
	uint32_t most = 0;

	for (size_t i = 0; i < p->tasks.n && p->loop.n; i++)
		most = p->tasks.at[i].label.micro > most ? p->tasks.at[i].label.micro : most;
	return p->loop.n ? (size_t)most + 1 : (size_t)t->micro_batches;
}

void train_memory(struct arena *a, const struct placement *at, const struct program *p,
		  const struct task_run *run, struct memory_use *out)
{
	const struct world *w = at->world;
	const struct train t = placement_train(at);
	struct arena scratch = ARENA_INIT;
	const struct trainable tr = trainable_make(&scratch, w, &t);
	struct ledger b = {.at = at, .w = w, .tr = &tr, .p = p, .run = run};
	const size_t lifetimes = micros_of(p, &t) * at->blocks_n;
	const struct interval_ns never = {-1, -1, TASK_NONE};

	b.lifetimes = arena_array(&scratch, lifetimes, sizeof *b.lifetimes);
	for (size_t i = 0; i < lifetimes; i++)
		b.lifetimes[i] = (struct lifetime){never, never, never, never, 0, 0};
	b.grads = intervals(&scratch, at->blocks_n * w->machines_n);
	b.updates = intervals(&scratch, at->blocks_n * w->machines_n);
	b.arrivals = intervals(&scratch, at->blocks_n * w->machines_n);
	tabulate(&scratch, &b);
	read_tasks(&b);
	for (size_t i = 0; i < lifetimes; i++)
		hold_activations(&b, &b.lifetimes[i], i % at->blocks_n);
	for (size_t i = 0; i < at->blocks_n; i++)
		hold_gradients(&b, i);
	if (b.changes.n)
		qsort(b.changes.at, b.changes.n, sizeof *b.changes.at, by_time);
	for (size_t mi = 0; mi < w->machines_n; mi++) {
		out[mi] = (struct memory_use){.at_ns = 0};
		find_peak(a, &b, mi, &out[mi]);
	}
	VEC_FREE(&b.changes);
	arena_release(&scratch);
}

void train_footprint(const struct placement *p, struct footprint *out)
{
	struct arena scratch = ARENA_INIT;
	struct program *program = train_build_short(p);
	const struct class_times times = program_times(&scratch, program);
	struct task_run run;
	struct memory_use *use = arena_array(&scratch, p->world->machines_n, sizeof *use);

	if (!loop_run(&scratch, program, &times, NULL, &run))
		BUG("a loop that was periodic");
	train_memory(&scratch, p, program, &run, use);
	for (size_t i = 0; i < p->world->machines_n; i++)
		out[i] = use[i].peak;
	program_free(program);
	arena_release(&scratch);
}
