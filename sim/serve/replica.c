/* replica.c - see replica.h: time, plans and arrivals; running.c has what happens to one request. */
#include "sim/serve/replica.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/serve/router.h"
#include "sim/serve/transfers.h"

static const struct scheduler *const schedulers[SERVE_RULES_N] = {
	[SERVE_VLLM] = &scheduler_vllm,
	[SERVE_LLAMACPP] = &scheduler_llamacpp,
	[SERVE_MLX] = &scheduler_mlx,
	[SERVE_STATIC] = &scheduler_static,
};

/* Did a pass have so many rows? From now on one has. */
static bool meet(struct replica *p, int64_t rows)
{
	bool before;

	while ((int64_t)p->met.n <= rows)
		VEC_ADD(&p->met, false);
	before = p->met.at[rows];
	p->met.at[rows] = true;
	return before;
}

/* A process that starts runs each graph that it captures, and a full batch to see what memory that takes
 * (determine_available_memory() in vllm/v1/worker/gpu_worker.py of vllm-project/vllm@0012cf69). */
static void meet_at_start(struct replica *p)
{
	enum { ANY_BATCH = 1 << 24 };
	const struct serve_settings *s = p->set;

	p->met.n = 0;
	if (!p->time->meets_rows)
		return;
	for (size_t i = 0; i < s->graphs_n; i++)
		(void)meet(p, s->graphs[i]);
	if (s->batched_tokens < ANY_BATCH)
		(void)meet(p, s->batched_tokens);
}

void replica_start(struct replica *p)
{
	const struct serve_settings *set = p->set;
	const bool on_demand = !set->reserve_all && !set->draft && set->rules != SERVE_STATIC;

	p->rules = schedulers[set->rules];
	meet_at_start(p);
	p->first = p->last = SEQ_NONE;
	p->planned_ns = INT64_MAX;
	p->waiting.by_priority = set->by_priority;
	p->kv.block = set->block;
	p->kv.state = set->state_blocks;
	p->kv.groups = settings_groups(set);
	p->kv.total = set->kv_blocks ? set->kv_blocks : KV_UNLIMITED;
	p->context = set->context ? set->context : INT64_MAX / 4;
	/* one request alone must fit, else it would wait for itself: a drafted token needs a place too */
	if (set->kv_blocks && p->context > settings_tokens(set) - set->draft)
		p->context = settings_tokens(set) - set->draft;
	kv_cache_new(&p->kv, set->cache);
	p->ahead.share = set->ahead;
	decodes_init(&p->dec, p->slab, p->time, on_demand ? set->block : 0, &p->kv.groups);
	p->dec.padded = set->rules == SERVE_MLX;
	if (p->pipeline) {
		p->stage_fs = xcalloc(2 * p->pipeline->stages, sizeof *p->stage_fs);
		p->pass_fs = p->stage_fs + p->pipeline->stages;
	}
	if (p->rules->start)
		p->rules->start(p);
}

void replica_forget(struct replica *p)
{
	kv_cache_clear(&p->kv);
	shelf_release(&p->whole);
	if (p->rules->stop)
		p->rules->stop(p);
	if (p->rules->start)
		p->rules->start(p);
	meet_at_start(p);
}

void replica_release(struct replica *p)
{
	if (p->rules->stop)
		p->rules->stop(p);
	decodes_release(&p->dec);
	kv_cache_free(&p->kv);
	shelf_release(&p->whole);
	waiting_release(&p->waiting);
	free(p->stage_fs);
	VEC_FREE(&p->reads);
	VEC_FREE(&p->pieces);
	VEC_FREE(&p->reading);
	VEC_FREE(&p->stalled);
	VEC_FREE(&p->late);
	VEC_FREE(&p->arrived);
	VEC_FREE(&p->ended);
	VEC_FREE(&p->met);
}

/* ---- what the observer is told ---- */

static int64_t kv_block_ns(const struct replica *p, int64_t at_ns)
{
	const span_fs since = clock_since((struct clock){at_ns, 0}, p->kv_since);

	return (int64_t)((p->kv.block_fs + p->kv.used * since) / FS_PER_NS);
}

static int64_t waiting(const struct replica *p)
{
	return (int64_t)(waiting_n(&p->waiting) + p->arrived.n);
}

void replica_tell(struct replica *p, int64_t at_ns)
{
	if (waiting(p) != p->told.waiting || p->running != p->told.running || p->busy != p->told.busy)
		replica_flush(p, at_ns);
}

void replica_flush(struct replica *p, int64_t at_ns)
{
	const struct observer *o = p->run->observer;
	const int64_t integral = kv_block_ns(p, at_ns);

	if (at_ns > p->told.from_ns) {
		if (o->state)
			o->state(o->self, p->index, p->told.from_ns, at_ns, p->told.waiting, p->told.running,
				 p->told.kv_blocks, integral - p->told.kv_block_ns, p->told.busy);
		p->told.kv_block_ns = integral;
	}
	p->told.from_ns = at_ns;
	p->told.waiting = waiting(p);
	p->told.running = p->running;
	p->told.busy = p->busy;
	p->told.kv_blocks = p->kv.used;
}

/* Gaps of the next k iterations. Those that come back from a stall or a preemption count from their last
 * token. */
static void tell_gaps(struct replica *p, int64_t k)
{
	const struct observer *o = p->run->observer;
	const int64_t on_time = p->dec.n - (int64_t)p->late.n;
	const struct clock end = clock_after(p->now, p->fs);

	if (!o->gaps)
		return;
	if (on_time)
		o->gaps(o->self, end, p->fs, p->slope_fs, k, on_time);
	if (!p->late.n)
		return;
	for (size_t i = 0; i < p->late.n; i++)
		run_gap(p->run, seq_at(p->slab, p->late.at[i])->last, end);
	if (k > 1)
		o->gaps(o->self, clock_after(end, p->fs + p->slope_fs), p->fs + p->slope_fs, p->slope_fs,
			k - 1, (int64_t)p->late.n);
}

static void tell_iterations(const struct replica *p, struct clock end, int64_t k)
{
	const struct observer *o = p->run->observer;
	int64_t read = 0;

	if (!o->iterations)
		return;
	for (size_t i = 0; i < p->reads.n; i++)
		read += p->reads.at[i].tokens;
	o->iterations(o->self, p->index, clock_stamp(p->now), clock_stamp(end), k,
		      p->decodes_run ? p->dec.n : 0, read);
}

/* ---- time passes ---- */

/* Blocks that no later token sees are free once the iteration is over. vLLM frees them when it next schedules the
 * sequence (KVCacheManager.allocate_slots(), vllm/v1/core/kv_cache_manager.py @003df296): those scheduled before it
 * in that iteration do not have them yet. */
static void pass_windows(struct replica *p)
{
	uint32_t seq;

	while ((seq = decodes_passes(&p->dec)) != SEQ_NONE) {
		struct seq *s = seq_at(p->slab, seq);

		s->computed = decodes_context(&p->dec, s);
		kv_leave_shared(&p->kv, s);
	}
	kv_give(&p->kv, decodes_left(&p->dec, 0));
}

/* The next k of the planned iterations, which end at `end`. */
static void pass(struct replica *p, int64_t k, struct clock end)
{
	const span_fs span = span_of(p->fs, p->slope_fs, k);

	tell_iterations(p, end, k);
	if (p->kv_since.ns != p->now.ns || p->kv_since.fs != p->now.fs)
		p->kv.block_fs -= p->kv.used * clock_since(p->kv_since, p->now);
	kv_pass(&p->kv, &p->dec, k, p->fs, p->slope_fs, span);
	if (p->decodes_run && p->dec.n) {
		tell_gaps(p, k);
		for (size_t i = 0; i < p->late.n; i++)
			seq_at(p->slab, p->late.at[i])->late = false;
		p->late.n = 0;
		p->books.sequence_iterations += p->dec.n * k;
		p->books.decode_iterations += k;
		decodes_advance(&p->dec, k);
		if (p->dec.groups.windowed)
			pass_windows(p);
	}
	p->books.iterations += k;
	p->busy_fs += span;
	p->now = p->kv_since = end;
}

void replica_kv_changes(struct replica *p, int64_t at_ns)
{
	const struct clock at = {at_ns, 0};

	p->kv.block_fs += p->kv.used * clock_since(at, p->kv_since);
	p->kv_since = at;
}

void replica_sync(struct replica *p, int64_t at_ns)
{
	const span_fs span = clock_since((struct clock){at_ns - 1, 0}, p->now);
	int64_t k;

	if (!p->busy || p->steps == 1 || span < p->fs)
		return;
	k = span_holds(p->fs, p->slope_fs, span, p->steps - 1);
	pass(p, k, clock_after(p->now, span_of(p->fs, p->slope_fs, k)));
	p->steps -= k;
	p->fs += k * p->slope_fs;
	kv_take(&p->kv, decodes_wanted(&p->dec, 0));
}

static void schedule_end(struct replica *p)
{
	p->plan_end = clock_after(p->now, span_of(p->fs, p->slope_fs, p->steps));
	run_schedule(p->run, p->index, CLASS_STEP, clock_stamp(p->plan_end));
}

void replica_cut(struct replica *p)
{
	if (!p->busy || p->steps == 1)
		return;
	p->steps = 1;
	schedule_end(p);
}

/* The iteration takes until it is through the pipeline, behind the batches that entered before. */
static void enter_pipeline(struct replica *p)
{
	span_fs between = p->fs;

	for (size_t i = 0; i < p->pipeline->stages; i++)
		between -= p->stage_fs[i];
	p->fs = (int64_t)clock_since(tandem_enter(p->pipeline, p->now, p->stage_fs, between), p->now);
	p->slope_fs = 0;
}

/* A jump ends with the iteration after which mlx looks for new requests. */
static int64_t until_look(const struct replica *p)
{
	const span_fs left = (span_fs)p->set->poll_ns * FS_PER_NS - clock_since(p->now, p->poll.since);

	return 1 + span_holds(p->fs, p->slope_fs, left > 0 ? left : 0, p->steps - 1);
}

static void plan_steps(struct replica *p)
{
	int64_t quiet;

	if (p->each_iteration || p->pipeline || p->reads.n || p->stalled.n || p->ended.n || !p->decodes_run ||
	    p->set->draft) {
		p->steps = 1;
		return;
	}
	quiet = decodes_quiet(&p->dec);
	if (quiet < p->steps)
		p->steps = quiet;
	if (p->set->poll_ns && p->steps > 1)
		p->steps = until_look(p);
	if (p->steps > 1)
		p->steps = 1 + decodes_covered(&p->dec, 1, p->steps - 1, kv_free(&p->kv));
}

static void idle_until(struct replica *p, struct clock now)
{
	p->kv.block_fs += p->kv.used * clock_since(now, p->kv_since);
	p->now = p->kv_since = now;
}

/* Hand-overs come before new prompts. False: nobody could be admitted. */
static bool join(struct replica *p)
{
	size_t n = 0;

	while (n < p->arrived.n && p->rules->join(p, p->arrived.at[n]))
		n++;
	for (size_t i = n; i < p->arrived.n; i++)
		p->arrived.at[i - n] = p->arrived.at[i];
	p->arrived.n -= n;
	return n > 0;
}

/* Half-read prompts that cannot go on do not keep the room they have at decode servers (stream): those that
 * are read, and hold the blocks that are lacking here, may be waiting for it. */
static void give_way(struct replica *p, int64_t at_ns)
{
	for (size_t i = 0; i < p->reading.n; i++)
		if (seq_at(p->slab, p->reading.at[i])->move != SEQ_NONE)
			transfers_forget(p->run, p->reading.at[i], at_ns);
}

void replica_compose(struct replica *p, int64_t at_ns)
{
	if (p->down || p->busy)
		return;
	if (clock_stamp(p->now) < at_ns)
		idle_until(p, (struct clock){at_ns, 0});
	p->fs = p->slope_fs = 0;
	if (p->pipeline)
		memset(p->stage_fs, 0, p->pipeline->stages * sizeof *p->stage_fs);
	p->steps = INT64_MAX;
	p->reads.n = 0;
	p->decodes_run = p->decodes_placed = false;
	p->run->composing = p->kv.planning = true;
	replica_let_go(p, p->ended_before);
	do { /* a server that gives up on its requests can admit others */
		if (p->arrived.n)
			(void)join(p);
		p->rules->compose(p);
	} while (!p->fs && p->arrived.n && join(p));
	p->run->composing = p->kv.planning = false;
	if (p->kv.radix)
		radix_cache_settle(p->kv.radix);
	p->busy = p->fs > 0;
	p->ended_before = p->ended.n;
	if (!p->busy)
		p->planned_ns = INT64_MAX;
	if (p->busy) {
		if (p->decodes_run)
			replica_place_decodes(p);
		if (p->pipeline)
			enter_pipeline(p);
		plan_steps(p);
		p->books.jumps++;
		schedule_end(p);
		if (p->pool == POOL_PREFILL)
			transfers_reads(p->run, p, at_ns);
	} else {
		give_way(p, at_ns);
	}
	replica_tell(p, at_ns);
}

/* Does the pass differ from the one before it, in this iteration or the last? Says too if it has as many rows as none had. */
static bool reshaped(struct replica *p, struct batch_mix *mix)
{
	const int64_t sequences = mix->decodes + (int64_t)mix->pieces_n;
	int64_t rows = mix->decodes * mix->rows_per_decode + mix->pad_rows;
	bool differs;

	for (size_t i = 0; i < mix->pieces_n; i++)
		rows += mix->pieces[i].tokens;
	differs = sequences != p->pass_sequences || rows != p->pass_rows;
	mix->new_rows = p->time->meets_rows && !meet(p, rows);
	p->pass_sequences = sequences;
	p->pass_rows = rows;
	return differs;
}

void replica_pass(struct replica *p, struct batch_mix *mix)
{
	struct batch_step step;

	mix->reshaped = reshaped(p, mix);
	step = p->time->of(p->time->self, mix);
	BUG_ON(step.fs < 0 || step.slope_fs < 0 || (!mix->pieces_n && step.steps < 1));
	if (p->pipeline) {
		p->time->stages_fs(p->time->self, mix, p->pass_fs);
		for (size_t i = 0; i < p->pipeline->stages; i++)
			p->stage_fs[i] += p->pass_fs[i];
	}
	p->fs += step.fs + !step.fs; /* an iteration takes time, else a run might stand still */
	p->slope_fs += step.slope_fs;
	if (step.steps < p->steps)
		p->steps = step.steps;
}

void replica_mix(struct replica *p, struct batch_mix *mix)
{
	const struct decodes *d = &p->dec;

	*mix = (struct batch_mix){.decodes = d->n,
				  .rows_per_decode = p->set->draft + 1,
				  .weight_reads = 1,
				  .host_sequences = d->n};
	memcpy(mix->context_sum, d->sum, sizeof mix->context_sum);
	memcpy(mix->context_growth, d->growing, sizeof mix->context_growth);
	if (d->padded)
		mix->context_max = decodes_longest(&p->dec);
}

void replica_place_decodes(struct replica *p)
{
	if (!p->decodes_placed)
		kv_take(&p->kv, decodes_wanted(&p->dec, 0));
	p->decodes_placed = p->dec.n > 0; /* hand-overs may still join where nobody decodes */
}

void replica_piece(struct replica *p, uint32_t seq, int64_t tokens)
{
	VEC_ADD(&p->reads, (struct read){seq, tokens});
}

void replica_end_of_steps(struct replica *p)
{
	p->planned_ns = clock_stamp(
		p->steps > 1 ? clock_after(p->now, span_of(p->fs, p->slope_fs, p->steps - 1)) : p->now);
	pass(p, p->steps, p->plan_end);
	p->busy = false;
	while (p->stalled.n)
		replica_unstall(p);
	if (p->decodes_run && p->set->draft)
		replica_accept_drafts(p);
	replica_finish(p);
	for (size_t i = 0; i < p->reads.n; i++) {
		struct seq *s = seq_at(p->slab, p->reads.at[i].seq);

		s->computed += p->reads.at[i].tokens;
		s->t.read += p->reads.at[i].tokens;
		p->books.rows_read += p->reads.at[i].tokens;
		p->rules->after(p, p->reads.at[i].seq);
	}
	p->reads.n = 0;
}

/* The run ends in the middle of what the replica does. */
void replica_halt(struct replica *p, int64_t at_ns)
{
	const struct clock now = {at_ns, 0};

	replica_sync(p, at_ns);
	if (clock_since(now, p->now) > 0) {
		p->busy_fs += p->busy ? clock_since(now, p->now) : 0;
		replica_kv_changes(p, at_ns);
		p->now = now;
	}
	if (p->busy && p->decodes_run) /* what it took is of no use */
		kv_give(&p->kv, decodes_wanted(&p->dec, 0));
	p->busy = false;
	run_cancel(p->run, p->index);
}

/* ---- arrivals ---- */

/* Whoever was admitted before, on a server that failed, is not refused any more. */
static bool admitted_before(const struct replica *p, const struct waiter *w)
{
	return w->seq != SEQ_NONE && seq_at(p->slab, w->seq)->t.admitted_ns >= 0;
}

static bool refused(const struct replica *p, const struct waiter *w)
{
	if (admitted_before(p, w))
		return false;
	return w->r.prompt >= p->context ||
	       (p->set->waiting_room && (int64_t)waiting_n(&p->waiting) >= p->set->waiting_room);
}

/* Somebody new waits. */
static void look_up(struct replica *p, int64_t at_ns)
{
	if (!p->busy)
		replica_wake(p, at_ns);
	else if (p->steps > 1 && p->rules->open(p))
		replica_cut(p);
	replica_tell(p, at_ns);
}

void replica_arrive(struct replica *p, const struct waiter *w, int64_t at_ns)
{
	replica_sync(p, at_ns);
	if (refused(p, w)) {
		replica_refuse(p, w, at_ns);
		return;
	}
	if (w->seq != SEQ_NONE && !admitted_before(p, w))
		replica_limit(p, seq_at(p->slab, w->seq));
	waiting_push(&p->waiting, w);
	replica_load(p, &w->r, 1);
	look_up(p, at_ns);
}

void replica_hand_over(struct replica *p, uint32_t seq, int64_t at_ns)
{
	const struct seq *s = seq_at(p->slab, seq);

	replica_sync(p, at_ns);
	/* over a free link the server goes on where the other one ended, not a fraction of a nanosecond later
	 */
	if (!p->busy && clock_stamp(p->now) <= at_ns && clock_stamp(s->last) == at_ns &&
	    clock_since(s->last, p->now) > 0)
		idle_until(p, s->last);
	VEC_ADD(&p->arrived, seq);
	replica_load(p, &s->r, 1);
	look_up(p, at_ns);
}

void replica_wake(struct replica *p, int64_t at_ns)
{
	if (!p->down && !p->busy)
		run_schedule(p->run, p->index, CLASS_START, at_ns);
}
