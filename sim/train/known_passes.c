/* known_passes.c - passes of a chunk that are alike but for the micro-batch: written once, and put again; see step_builder.h. */
#include <string.h>

#include "sim/train/step_builder.h"

enum { AWAITED_BESIDE = 5 }; /* awaited_of(): beside a set for each block */

void builder_know_none(struct builder *b)
{
	b->known = arena_array(&b->arena, b->st.n, sizeof *b->known);
	for (size_t i = 0; i < b->st.n; i++)
		b->known[i] =
			arena_array(&b->arena, b->st.replicas[i].pipe.chunks_n * PASS_N, sizeof **b->known);
	b->ends = arena_array(&b->arena, b->blocks_n, sizeof *b->ends);
	b->before = arena_array(&b->arena, b->blocks_n + AWAITED_BESIDE, sizeof *b->before);
	b->kept = arena_array(&b->arena, b->blocks_n, sizeof *b->kept);
}

/* Returns whether a pass is the same as that of any other micro-batch but the last, after which gradients are complete. */
static bool is_alike(const struct builder *b, const struct chunk_action *k)
{
	const struct data_replica *r = &b->st.replicas[k->replica];
	const size_t from = r->bounds[k->chunk], to = r->bounds[k->chunk + 1];
	const struct shards *fore = &r->at.shard_groups[PHASE_FORWARD][from],
			    *back = &r->at.shard_groups[PHASE_BACKWARD][from];

	if (!b->p->joins || k->micro + 1 == r->first + r->micros || fore->n != 1 || back->n != 1 ||
	    fore->by_experts || fore->unit[0] != back->unit[0])
		return false;
	if (gathers_awaits(&b->gathers, r, k->micro, k->kind))
		return false;
	/* sums of gradients in every micro-batch */
	if (b->gradients.scatters.rounds && (k->kind != PASS_FORWARD || !b->t->options.overlap))
		return false;
	return chunk_pass_begins(b->w->model, from) &&
	       (to > b->st.last || chunk_pass_begins(b->w->model, to));
}

/* What the pass of a chunk may wait for, see struct awaited. */
static struct awaited awaited_of(struct builder *b, const struct chunk_action *k, struct deps *of)
{
	const struct data_replica *r = &b->st.replicas[k->replica];
	const size_t from = r->bounds[k->chunk], to = r->bounds[k->chunk + 1];
	struct deps *table = k->kind == PASS_WEIGHTS ? b->inputs : b->saved;
	const struct walk *fore = &b->fore[k->micro], *back = &b->back[k->micro];
	const uint32_t latest =
		program_latest(b->p, r->at.shard_groups[PHASE_FORWARD][from].unit[0], b->p->tasks.n);
	size_t n = 0;

	of[n++] = b->loss[k->replica];
	of[n++] = fore->program && from > b->st.first ? fore->ends[from - 1] : (struct deps){.n = 0};
	of[n++] = fore->program ? fore->ends[b->st.last] : (struct deps){.n = 0};
	of[n++] = back->program && to <= b->st.last ? back->ends[to] : (struct deps){.n = 0};
	for (size_t i = from; i < to; i++)
		of[n++] = *builder_entry(b, table, k->micro, i);
	of[n++] = latest == TASK_NONE ? (struct deps){.n = 0} : deps_of(b->p, latest);
	return (struct awaited){of, n};
}

/* Returns whether the device's turn is a task by itself in what a pass awaits. Keys and values that ranks send on wait for it: where it is
 * what the pass waits for anyway, in other micro-batches it may not be. */
static bool has_turn(const struct builder *b, const struct awaited *awaited)
{
	const struct deps *turn = &awaited->of[awaited->n - 1];

	if (b->t->options.context_parallel < 2)
		return true;
	for (size_t i = 0; i + 1 < awaited->n && turn->n; i++)
		if (awaited->of[i].n == 1 && awaited->of[i].task[0] == turn->task[0])
			return false;
	return turn->n > 0;
}

/* Notes the ends of a chunk's pass that was put as it is known. */
static void note_ends(struct builder *b, const struct chunk_action *k, const struct deps *ends)
{
	const struct data_replica *r = &b->st.replicas[k->replica];
	const size_t from = r->bounds[k->chunk], to = r->bounds[k->chunk + 1];

	for (size_t i = from; i < to; i++) {
		const size_t block = k->kind == PASS_FORWARD ? i : from + to - 1 - i;
		const struct deps *end = &ends[block - from];
		const struct block_pass pass = {k->replica, k->micro, (uint32_t)block, k->kind};

		if (!end->n)
			continue;
		if (k->kind == PASS_FORWARD)
			b->fore[k->micro].ends[block] = *builder_entry(b, b->saved, k->micro, block) = *end;
		if (k->kind == PASS_INPUT)
			b->back[k->micro].ends[block] = *builder_entry(b, b->inputs, k->micro, block) = *end;
		if (k->kind != PASS_FORWARD)
			gradients_note(&b->gradients, &pass, end);
	}
}

/* Keeps the pass of a chunk, whose tasks begin at `first`, for other micro-batches; false: it is none to be kept. */
static bool keep_pass(struct builder *b, const struct chunk_action *k, uint32_t first,
		      const struct deps *ends, const struct awaited *awaited)
{
	const struct data_replica *r = &b->st.replicas[k->replica];
	const size_t from = r->bounds[k->chunk], n = r->bounds[k->chunk + 1] - from;
	struct written_pass w = {.first = first,
				 .device = (uint32_t)r->at.shard_groups[PHASE_FORWARD][from].unit[0],
				 .ranks = r->at.shard_groups[PHASE_FORWARD][from].ranks,
				 .links = train_gradient_ranks(&b->t->options) == 1 ||
					  b->w->equals[EQUALS_TENSOR] != b->w->equals[gradients_equals(b->t)],
				 .end = ends,
				 .blocks_n = n};

	for (size_t i = 0; i < n; i++)
		if (ends[i].n && (k->kind == PASS_FORWARD || !ends[w.last].n))
			w.last = i;
	return chunk_pass_keep(&b->arena, &b->known[k->replica][k->chunk * PASS_N + k->kind], b->p, &w,
			       awaited);
}

static struct walk begin_walk(struct builder *b, const struct chunk_action *k, enum phase phase)
{
	return walk_begin(b->p, &b->st.replicas[k->replica].at, phase, train_shape(b->t), k->micro);
}

/* Puts the pass of a chunk as it is known. */
static void put_known(struct builder *b, const struct chunk_action *k, struct deps *ends,
		      const struct awaited *awaited)
{
	const struct data_replica *r = &b->st.replicas[k->replica];

	if (k->kind == PASS_FORWARD && !b->fore[k->micro].program)
		b->fore[k->micro] = begin_walk(b, k, PHASE_FORWARD);
	if (k->kind == PASS_INPUT && !b->back[k->micro].program) {
		b->back[k->micro] = begin_walk(b, k, PHASE_BACKWARD);
		b->back[k->micro].grad_part = r->stage_orders.joined ? GRAD_BOTH : GRAD_INPUT;
	}
	chunk_pass_put(&b->known[k->replica][k->chunk * PASS_N + k->kind], b->p, k->micro, awaited, ends,
		       r->bounds[k->chunk + 1] - r->bounds[k->chunk]);
	note_ends(b, k, ends);
}

void builder_put_pass(struct builder *b, const struct chunk_action *k)
{
	const struct data_replica *r = &b->st.replicas[k->replica];
	const size_t from = r->bounds[k->chunk], n = r->bounds[k->chunk + 1] - from;
	struct chunk_pass *known = &b->known[k->replica][k->chunk * PASS_N + k->kind];
	const bool alike = known->state != PASS_OTHER && is_alike(b, k);
	const uint32_t first = (uint32_t)b->p->tasks.n;
	struct awaited awaited;

	if (!alike) {
		builder_put_blocks(b, k, b->ends);
		return;
	}
	awaited = awaited_of(b, k, b->before);
	if (!has_turn(b, &awaited)) {
		builder_put_blocks(b, k, b->ends);
		return;
	}
	if (known->state == PASS_UNSEEN) {
		memcpy(b->kept, builder_entry(b, b->saved, k->micro, from), n * sizeof *b->kept);
		builder_put_blocks(b, k, b->ends);
		if (!keep_pass(b, k, first, b->ends, &awaited))
			return;
		/* recomputation has written over what it began with */
		memcpy(builder_entry(b, b->saved, k->micro, from), b->kept, n * sizeof *b->kept);
	}
	put_known(b, k, b->ends, &awaited);
}
