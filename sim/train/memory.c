/* memory.c - see memory.h. */
#include "sim/train/memory.h"

#include <math.h>

#include "sim/base/sort.h"
#include "sim/step/loop.h"
#include "sim/step/paces.h"
#include "sim/step/pass_class.h"
#include "sim/train/gathers.h"
#include "sim/train/stages.h"
#include "sim/train/train.h"
#include "sim/train/trainable.h"

/* A lifetime, from its first to its last instant; first < 0: it never begins. */
struct interval_ns {
	sim_ns first, last;
	uint32_t task, part; /* the task that began it, and its part */
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
	uint32_t task, part; /* TASK_NONE: it releases memory */
	uint32_t of;         /* the task that took it */
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
	size_t *holders, *holders_from; /* [block + 1]: from there on the machines that have a share of it */
	struct kept_bytes {
		double kept, recompute;
	} * kept;        /* [block] */
	struct changes { /* [machine] */
		VEC(struct change) taken, released;
	} * changes;
};

/* A task, or a part of a pass. */
struct piece {
	uint32_t task, part, queue;
	struct label label;
	struct task_span span;
};

static void widen(struct interval_ns *w, const struct piece *k)
{
	if (w->first < 0 || k->span.start_ns < w->first) {
		w->first = k->span.start_ns;
		w->task = k->task;
		w->part = k->part;
	}
	w->last = k->span.end_ns > w->last ? k->span.end_ns : w->last;
}

/* ---- lifetimes, from the tasks ---- */

static void read_update(struct ledger *b, const struct piece *k, size_t block)
{
	const struct world *w = b->w;
	const struct queue q = queue_at(w, k->queue);
	const bool gradients = k->label.payload == PAYLOAD_GRADIENTS;

	for (size_t mi = 0; mi < w->machines_n; mi++) {
		const size_t at = block * w->machines_n + mi;
		const bool here = q.kind == QUEUE_DEVICE && queue_machine(w, q) == mi;
		const bool comes = q.kind == QUEUE_LINK && queue_receiver(w, q) == mi;

		if (gradients && (comes || here))
			widen(&b->arrivals[at], k);
		if (!k->label.payload && here)
			widen(&b->updates[at], k);
		if (gradients && !comes) /* activations that are sent are kept until they have left */
			widen(&b->updates[at], k);
	}
}

static void read_pass(struct ledger *b, const struct piece *k, size_t block)
{
	struct lifetime *life = &b->lifetimes[k->label.micro * b->at->blocks_n + block];
	const size_t mi = queue_machine(b->w, queue_at(b->w, k->queue));

	if (k->label.payload == PAYLOAD_SAVED)
		widen(&life->sent, k);
	if (k->label.payload)
		return;
	if (k->label.phase == PHASE_FORWARD && !k->label.recompute) {
		widen(&life->forward, k);
		life->fore = mi;
		return;
	}
	life->back = mi;
	widen(&life->backward, k);
	if (k->label.grad_part != GRAD_WEIGHTS)
		widen(&life->input, k);
	if (!k->label.recompute && k->label.grad_part != GRAD_INPUT)
		widen(&b->grads[block * b->w->machines_n + mi], k);
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

static void read_piece(struct ledger *b, const struct piece *k, uint32_t op_class, struct known_block *known)
{
	const struct op_class *c = &b->p->op_classes.at[op_class];

	if (c->kind == CLASS_OP && (c->op.kind == OP_STEP || c->op.kind == OP_LAUNCH))
		return;
	if (k->label.phase == PHASE_UPDATE)
		read_update(b, k, block_of(b->w->model, &k->label, known));
	else if (!k->label.payload || k->label.payload == PAYLOAD_SAVED)
		read_pass(b, k, block_of(b->w->model, &k->label, known));
}

/* NULL where there are none. */
static const struct task_span *spans_of_passes(struct arena *a, const struct program *p)
{
	struct class_times times;

	if (!p->pass_parts.n)
		return NULL;
	times = program_times(a, p);
	return pass_spans(a, p, &times);
}

static void read_tasks(struct ledger *b, const struct task_span *spans)
{
	struct known_block known = {.known = false};

	for (uint32_t i = 0; i < b->p->tasks.n; i++) {
		struct pass_part own;
		size_t n;
		const struct pass_part *parts = pass_parts(b->p, i, &own, &n);

		for (uint32_t k = 0; k < n; k++) {
			const struct piece piece = {i, k, parts[k].queue, pass_label(b->p, i, &parts[k]),
						    pass_span(b->p, b->run, spans, i, k)};

			read_piece(b, &piece, parts[k].op_class, &known);
		}
	}
}

/* ---- changes, from the lifetimes ---- */

static void hold(struct ledger *b, enum kind kind, size_t machine, double bytes, struct interval_ns w)
{
	struct changes *at = &b->changes[machine];

	if (bytes <= 0 || w.first < 0)
		return;
	VEC_ADD(&at->taken, (struct change){w.first, bytes, kind, w.task, w.part, w.task});
	VEC_ADD(&at->released, (struct change){w.last, -bytes, kind, TASK_NONE, 0, w.task});
}

/* What the micro-batches of a step have in common. */
static void tabulate(struct arena *a, struct ledger *b)
{
	const size_t blocks = b->at->blocks_n, n = b->w->machines_n;
	size_t held = 0;

	b->shares = arena_array(a, blocks * n, sizeof *b->shares);
	b->holders = arena_array(a, blocks * n, sizeof *b->holders);
	b->holders_from = arena_array(a, blocks + 1, sizeof *b->holders_from);
	b->kept = arena_array(a, blocks, sizeof *b->kept);
	for (size_t i = 0; i < blocks; i++) {
		const struct shards *back = &b->at->shard_groups[PHASE_BACKWARD][i];

		b->kept[i] = (struct kept_bytes){trainable_kept_B(b->tr, i, back),
						 trainable_recompute_B(b->tr, i, back)};
		for (size_t mi = 0; mi < n; mi++) {
			const struct kept_share s = {footprint_share(b->at, PHASE_FORWARD, i, mi),
						     footprint_share(b->at, PHASE_BACKWARD, i, mi)};

			b->shares[i * n + mi] = s;
			if (s.fore > 0 || s.back > 0)
				b->holders[held++] = mi;
		}
		b->holders_from[i + 1] = held;
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

	for (size_t i = b->holders_from[block]; i < b->holders_from[block + 1]; i++) {
		const size_t mi = b->holders[i];
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
	const size_t n = b->w->machines_n;
	const double parts = b->tr->train.options.zero > 1 ? (double)stages_replicas(b->at) : 1;
	const double bytes =
		(b->tr->blocks[block].gradient_B + trainable_gradient_B(b->tr) * tied_copy(b, block)) / parts;

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

/* Those of one instant and task keep their order: that of the sum, and so its rounding, is the same for any schedule. */
static bool is_before(const struct change *a, const struct change *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->task < b->task;
}
SORT_DEFINE(sort_changes, struct change, is_before);

/* At one instant, what is released goes first. */
static const struct change *next_change(const struct changes *of, size_t *taken, size_t *released)
{
	if (*released == of->released.n ||
	    (*taken < of->taken.n && of->taken.at[*taken].at_ns < of->released.at[*released].at_ns))
		return &of->taken.at[(*taken)++];
	return &of->released.at[(*released)++];
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
			f->weights_B += share * block->weights_B;
		largest = fmax(largest, share * part_weights_B(b->w->model, &b->w->scenario->precision,
							       model_block(b->w->model, k).part));
	}
	if (t->options.zero > 2 && parts > 1)
		f->weights_B = fmin(f->weights_B, f->weights_B / parts + GATHERED_BLOCKS * largest);
	return footprint_need_B(f);
}

static struct label label_of(const struct program *p, uint32_t task, uint32_t part)
{
	struct pass_part own;
	size_t n;

	return pass_parts(p, task, &own, &n)[part].label;
}

/* How much later a task of the program runs in the whole step. */
static sim_ns moved_ns(const struct program *p, uint32_t task)
{
	return task >= p->loop.at && !p->halves.second.n ? p->loop.n * p->loop.ns : 0;
}

/* Of a step in halves (paces.h), what the micro-batches left out keep is taken when the next one begins, and given back when the one
 * before them is: in between a machine, which has one stage, holds what it would, and beyond no more than it held. */
struct left_out {
	size_t from, to; /* changes that take what one micro-batch keeps; to = 0: nothing is left out */
	bool taken, released;
};

/* Returns whether a change is of what the last micro-batch before those left out keeps from its forward pass on. */
static bool stands_for(const struct program *p, const struct change *c)
{
	return c->kind == ACTIVATIONS && c->of != TASK_NONE && c->of < p->halves.at &&
	       paces_stands_for(p, c->of);
}

static void find_left_out(const struct program *p, const struct changes *of, struct left_out *left)
{
	for (size_t i = 0; i < of->taken.n && p->halves.second.n; i++) {
		if (!stands_for(p, &of->taken.at[i]))
			continue;
		left->from = left->to ? left->from : i;
		left->to = i + 1;
	}
}

/* Adds what the micro-batches left out keep, times a sign, if it is time. */
static void add_left_out(const struct program *p, const struct changes *of, const struct change *c,
			 struct left_out *left, double *activations_B)
{
	const bool take = left->to && !left->taken && c == &of->taken.at[left->to],
		   release = left->to && !left->released && c->by < 0 && stands_for(p, c);

	for (uint32_t k = 0; k < p->loop.n && (take || release); k++)
		for (size_t i = left->from; i < left->to; i++)
			*activations_B += take ? of->taken.at[i].by : -of->taken.at[i].by;
	left->taken |= take;
	left->released |= release;
}

static void find_peak(struct arena *a, const struct ledger *b, size_t mi, struct memory_use *u)
{
	double now[KIND_N] = {0}, most = 0;
	const double stands = standing_B(b, mi, &u->peak);
	struct changes *of = &b->changes[mi];
	const size_t n = of->taken.n + of->released.n;
	struct left_out left = {.to = 0};
	size_t taken = 0, released = 0;

	sort_changes(of->taken.at, of->taken.n);
	sort_changes(of->released.at, of->released.n);
	find_left_out(b->p, of, &left);
	u->points = arena_array(a, n + 1, sizeof *u->points);
	u->points[u->points_n++] = (struct memory_point){0, stands};
	while (taken + released < n) {
		const struct change *c = next_change(of, &taken, &released);

		add_left_out(b->p, of, c, &left, &now[ACTIVATIONS]);
		now[c->kind] += c->by;
		if (u->points[u->points_n - 1].at_ns != c->at_ns)
			u->points_n++;
		u->points[u->points_n - 1] =
			(struct memory_point){c->at_ns, stands + now[ACTIVATIONS] + now[GRADIENTS]};
		if (now[ACTIVATIONS] + now[GRADIENTS] <= most)
			continue;
		most = now[ACTIVATIONS] + now[GRADIENTS];
		u->at_ns = c->at_ns + moved_ns(b->p, c->task);
		u->raised = true;
		u->during = label_of(b->p, c->task, c->part);
		u->during.micro = loop_micro(b->p, c->task);
		u->peak.activations_B = now[ACTIVATIONS];
		u->peak.gradients_B = now[GRADIENTS];
	}
}

static struct interval_ns *intervals(struct arena *a, size_t n)
{
	struct interval_ns *w = arena_array(a, n, sizeof *w);

	for (size_t i = 0; i < n; i++)
		w[i] = (struct interval_ns){-1, -1, TASK_NONE, 0};
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
	const struct interval_ns never = {-1, -1, TASK_NONE, 0};

	b.lifetimes = arena_array(&scratch, lifetimes, sizeof *b.lifetimes);
	for (size_t i = 0; i < lifetimes; i++)
		b.lifetimes[i] = (struct lifetime){never, never, never, never, 0, 0};
	b.grads = intervals(&scratch, at->blocks_n * w->machines_n);
	b.updates = intervals(&scratch, at->blocks_n * w->machines_n);
	b.arrivals = intervals(&scratch, at->blocks_n * w->machines_n);
	b.changes = arena_array(&scratch, w->machines_n, sizeof *b.changes);
	tabulate(&scratch, &b);
	read_tasks(&b, spans_of_passes(&scratch, p));
	for (size_t i = 0; i < lifetimes; i++)
		hold_activations(&b, &b.lifetimes[i], i % at->blocks_n);
	for (size_t i = 0; i < at->blocks_n; i++)
		hold_gradients(&b, i);
	for (size_t mi = 0; mi < w->machines_n; mi++) {
		out[mi] = (struct memory_use){.at_ns = 0};
		find_peak(a, &b, mi, &out[mi]);
		VEC_FREE(&b.changes[mi].taken);
		VEC_FREE(&b.changes[mi].released);
	}
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
