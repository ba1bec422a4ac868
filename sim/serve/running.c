/* running.c - what happens to one request at a replica: admission, tokens, preemption, the end; see replica.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/serve/router.h"
#include "sim/serve/transfers.h"

void replica_load(struct replica *p, const struct request *r, int64_t n)
{
	p->load_requests += n;
	p->load_tokens += n * r->prompt;
	router_load(p->run->router, p->index);
}

/* ---- the order of admission ---- */

static void join(struct replica *p, uint32_t seq)
{
	struct seq *s = seq_at(p->slab, seq);

	s->before = p->last;
	s->after = SEQ_NONE;
	*(p->last == SEQ_NONE ? &p->first : &seq_at(p->slab, p->last)->after) = seq;
	p->last = seq;
	s->admission_no = p->admissions++;
	p->running++;
}

static void cut_out(struct replica *p, uint32_t seq)
{
	const struct seq *s = seq_at(p->slab, seq);

	*(s->before == SEQ_NONE ? &p->first : &seq_at(p->slab, s->before)->after) = s->after;
	*(s->after == SEQ_NONE ? &p->last : &seq_at(p->slab, s->after)->before) = s->before;
}

static void leave(struct replica *p, uint32_t seq)
{
	cut_out(p, seq);
	p->running--;
	if (p->rules->left)
		p->rules->left(p, seq);
}

static void drop(size_t *n, uint32_t *at, uint32_t seq)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++)
		if (at[i] != seq)
			at[kept++] = at[i];
	*n = kept;
}
#define DROP(list, seq) drop(&(list)->n, (list)->at, (seq))

/* Blocks of one that decodes, or would but for a stall, are what its context needs. */
static void count_blocks(const struct replica *p, struct seq *s)
{
	int64_t passed;

	if (!p->dec.block)
		return;
	s->blocks = kv_own_blocks(&p->kv, s->computed, s->computed, s->shared);
	if (p->kv.groups.windowed &&
	    (passed = kv_passed(&p->kv.groups, p->kv.block, s->computed)) > s->shared)
		s->window_from = passed;
}

/* Out of whatever it is in: its computed, left and blocks tell where it stands. */
static void unlist(struct replica *p, uint32_t seq)
{
	struct seq *s = seq_at(p->slab, seq);

	if (s->state == SEQ_DECODING) {
		decodes_out(&p->dec, seq);
		count_blocks(p, s);
	} else if (s->state == SEQ_READING) {
		DROP(&p->reading, seq);
	} else if (s->state == SEQ_STALLED) {
		DROP(&p->stalled, seq);
		count_blocks(p, s);
	}
	if (s->late)
		DROP(&p->late, seq);
}

/* ---- in ---- */

void replica_limit(const struct replica *p, struct seq *s)
{
	const int64_t room = p->context - s->r.prompt;

	s->limit = s->r.output < room ? s->r.output : room;
	s->left = s->limit;
}

uint32_t replica_make(const struct replica *p, const struct waiter *w)
{
	const uint32_t seq = slab_take(p->slab);
	struct seq *s = seq_at(p->slab, seq);

	s->r = w->r;
	replica_limit(p, s);
	s->goal = w->r.prompt;
	s->before = s->after = s->move = SEQ_NONE;
	s->t = (struct request_times){.queued_ns = w->queued_ns,
				      .admitted_ns = -1,
				      .first_ns = -1,
				      .last_ns = -1,
				      .end_ns = -1,
				      .sent_ns = -1,
				      .moved_ns = -1,
				      .replica = p->index};
	return seq;
}

struct seq *replica_head(struct replica *p, uint32_t *seq)
{
	struct waiter *w = waiting_head(&p->waiting);

	if (!w)
		return NULL;
	if (w->seq == SEQ_NONE)
		w->seq = replica_make(p, w);
	*seq = w->seq;
	return seq_at(p->slab, w->seq);
}

void replica_admit(struct replica *p, uint32_t seq, int64_t cached)
{
	struct seq *s = seq_at(p->slab, seq);

	waiting_pop(&p->waiting);
	s->state = SEQ_READING;
	s->computed = cached;
	if (s->t.admitted_ns < 0)
		s->t.admitted_ns = clock_stamp(p->now);
	if (!s->cache_known) {
		s->t.cached = cached;
		s->cache_known = true;
	}
	s->t.replica = p->index;
	join(p, seq);
	VEC_ADD(&p->reading, seq);
}

/* The whole caches of mlx: the nearest one is used, whatever it was made for
 * (LRUPromptCache.fetch_nearest_cache(), mlx_lm/models/cache.py); one token at least is read. */
int64_t replica_cached(struct replica *p, const struct seq *s)
{
	int64_t common = 0;
	size_t best;

	if (p->set->cache != CACHE_WHOLE)
		return 0;
	best = shelf_best(&p->whole, &s->r, &common);
	if (best < p->whole.n)
		shelf_touch(&p->whole, best);
	return common < s->goal ? common : s->goal - 1;
}

void replica_grow(struct replica *p)
{
	for (uint32_t i = p->dec.block ? SEQ_NONE : p->first; i != SEQ_NONE; i = seq_at(p->slab, i)->after) {
		struct seq *s = seq_at(p->slab, i);
		int64_t lacking;

		if (s->state != SEQ_DECODING)
			continue;
		lacking = kv_blocks_for(&p->kv, decodes_context(&p->dec, s) + 1 + p->set->draft) - s->blocks -
			  s->shared;
		if (lacking > 0) {
			kv_take(&p->kv, lacking);
			s->blocks += lacking;
		}
	}
}

/* ---- tokens ---- */

void run_gap(const struct serve_run_state *run, struct clock last, struct clock end)
{
	const struct observer *o = run->observer;
	const span_fs gap = clock_since(end, last);

	if (o->gaps)
		o->gaps(o->self, end, gap > INT64_MAX ? INT64_MAX : (int64_t)gap, 0, 1, 1);
}

void replica_unstall(struct replica *p)
{
	const uint32_t seq = p->stalled.at[--p->stalled.n];

	decodes_put(&p->dec, seq);
	seq_at(p->slab, seq)->late = true;
	VEC_ADD(&p->late, seq);
}

void replica_stall(struct replica *p, uint32_t seq)
{
	struct seq *s = seq_at(p->slab, seq);

	if (!s->late)
		s->last = p->now;
	else
		DROP(&p->late, seq);
	s->late = false;
	decodes_out(&p->dec, seq);
	s->state = SEQ_STALLED;
	VEC_ADD(&p->stalled, seq);
}

void replica_show(struct replica *p, struct seq *s, struct clock at)
{
	if (s->t.first_ns < 0)
		s->t.first_ns = clock_stamp(at);
	else
		run_gap(p->run, s->last, at);
	s->last = at;
}

void replica_token(struct replica *p, uint32_t seq)
{
	struct seq *s = seq_at(p->slab, seq);

	DROP(&p->reading, seq);
	s->left--;
	if (p->pool == POOL_PREFILL && s->left) {
		s->state = SEQ_MOVING;
		if (!p->run->config->links.first_token_by_decode)
			replica_show(p, s, p->now);
		transfers_prefilled(p->run, seq, clock_stamp(p->now));
		return;
	}
	replica_show(p, s, p->now);
	if (s->left)
		decodes_put(&p->dec, seq);
	else
		replica_end(p, seq, REQUEST_DONE);
}

void replica_finish(struct replica *p)
{
	uint32_t seq;

	while (decodes_any_finished(&p->dec) && (seq = decodes_finished(&p->dec)) != SEQ_NONE) {
		struct seq *s = seq_at(p->slab, seq);

		count_blocks(p, s);
		s->state = SEQ_WAITING; /* in no list any more */
		replica_end(p, seq, REQUEST_DONE);
	}
}

/* One in [0, 1) from the request, its token and the draw's number (splitmix64, Steele, Lea & Flood 2014): the
 * same whatever else runs beside it. */
static double uniform(uint64_t seed, uint64_t id, int64_t token)
{
	uint64_t x = seed ^ (id * 0x9e3779b97f4a7c15u + (uint64_t)token * 0xbf58476d1ce4e5b9u);

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	x ^= x >> 31;
	return (double)(x >> 11) * 0x1p-53;
}

/* Each decode got one token; as many drafted ones follow as are accepted in a row. */
void replica_accept_drafts(struct replica *p)
{
	for (uint32_t seq = p->first, next; seq != SEQ_NONE; seq = next) {
		struct seq *s = seq_at(p->slab, seq);
		int64_t accepted = 0, made;

		next = s->after;
		if (s->state != SEQ_DECODING || s->finish_at <= p->dec.iteration)
			continue;
		decodes_out(&p->dec, seq);
		made = s->limit - s->left;
		while (accepted < p->set->draft && accepted < s->left &&
		       uniform(p->run->config->seed, s->r.id, made + accepted) < p->set->acceptance)
			accepted++;
		s->computed += accepted;
		s->left -= accepted;
		if (s->left) {
			decodes_put(&p->dec, seq);
			continue;
		}
		s->state = SEQ_WAITING;
		replica_end(p, seq, REQUEST_DONE);
	}
}

/* ---- out ---- */

void replica_name_blocks(struct replica *p, struct seq *s)
{
	kv_after(&p->kv, s);
}

static void release_kv(struct replica *p, struct seq *s)
{
	kv_release(&p->kv, s);
}

/* The cache of a request that has ended is kept whole (mlx). */
static void keep_whole(struct replica *p, const struct seq *s)
{
	struct chain c = {.tokens = 0};

	if (p->set->cache != CACHE_WHOLE)
		return;
	chain_of(&c, &s->r, s->computed);
	shelf_put(&p->whole, &c, (size_t)p->set->host_cache, INT64_MAX / 4);
	chain_release(&c);
}

/* ---- ended, and not given on ---- */

/*
 * EngineCore.step_with_batch_queue() (vllm/v1/engine/core.py of vllm-project/vllm@ac3cb2e2) has two batches in flight:
 * it schedules a batch when the one before it begins, and takes in what the last but one has given. In the batch after
 * its last token a request is not scheduled any more, as it would have more than max_tokens, but it is still one of
 * `running` and has its blocks (Scheduler.schedule(), vllm/v1/core/sched/scheduler.py @00024d31).
 */
static bool given_on_later(const struct replica *p)
{
	return p->set->async && p->set->rules == SERVE_VLLM && !p->run->composing;
}

static struct prefix_piece *prefix_copy(const struct request *r)
{
	struct prefix_piece *copy = xcalloc(r->prefix_n + 1, sizeof *copy);

	for (uint32_t i = 0; i < r->prefix_n; i++)
		copy[i] = r->prefix[i];
	return copy;
}

/* Everybody is told that it has ended, and what it has computed is findable. The blocks are its own a while longer; the
 * source may free the text that they are of. */
static void stay(struct replica *p, uint32_t seq, enum request_end end)
{
	struct seq *s = seq_at(p->slab, seq);
	struct prefix_piece *prefix = s->r.prefix_n ? prefix_copy(&s->r) : NULL;

	if (p->kv.cache || p->kv.radix)
		kv_name(&p->kv, s);
	s->state = SEQ_ENDED;
	p->running--;
	VEC_ADD(&p->ended, seq);
	run_tell_end(p->run, seq, end, clock_stamp(p->now));
	s->r.prefix = prefix;
}

static void let_go(struct replica *p, uint32_t seq)
{
	struct seq *s = seq_at(p->slab, seq);

	kv_drop(&p->kv, s);
	free((void *)s->r.prefix);
	cut_out(p, seq);
	slab_give(p->slab, seq);
}

void replica_let_go(struct replica *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		let_go(p, p->ended.at[i]);
	for (size_t i = n; i < p->ended.n; i++)
		p->ended.at[i - n] = p->ended.at[i];
	p->ended.n -= n;
	p->ended_before = 0;
}

void replica_let_go_of(struct replica *p, uint32_t seq)
{
	DROP(&p->ended, seq);
	let_go(p, seq);
}

void replica_end(struct replica *p, uint32_t seq, enum request_end end)
{
	struct seq *s = seq_at(p->slab, seq);

	if (s->move != SEQ_NONE)
		transfers_forget(p->run, seq, clock_stamp(p->now));
	unlist(p, seq);
	if (end == REQUEST_DONE && s->limit < s->r.output)
		end = REQUEST_TRUNCATED;
	s->t.tokens = s->limit - s->left;
	p->books.tokens += s->t.tokens;
	if (s->t.tokens)
		s->t.last_ns = clock_stamp(p->now);
	keep_whole(p, s);
	replica_load(p, &s->r, -1);
	p->books.ended++;
	if (given_on_later(p)) {
		stay(p, seq, end);
		return;
	}
	release_kv(p, s);
	leave(p, seq);
	run_ended(p->run, seq, end, clock_stamp(p->now));
}

void replica_preempt(struct replica *p, uint32_t seq)
{
	struct seq *s = seq_at(p->slab, seq);

	if (s->state == SEQ_DECODING && !s->late)
		s->last = p->now;
	if (s->move != SEQ_NONE)
		transfers_forget(p->run, seq, clock_stamp(p->now));
	unlist(p, seq);
	s->late = false;
	s->goal = s->r.prompt + s->limit - s->left;
	/* SGLang: what a retracted request has answered is lost, release_req() in
	 * python/sglang/srt/managers/schedule_batch.py */
	s->r.resumed = p->kv.cache != NULL;
	if (p->kv.radix)
		kv_drop(&p->kv, s);
	else
		release_kv(p, s);
	leave(p, seq);
	s->computed = 0;
	s->state = SEQ_WAITING;
	s->t.preemptions++;
	p->books.preemptions++;
	waiting_push_front(&p->waiting, &(struct waiter){s->r, s->t.queued_ns, seq});
}

void replica_refuse(struct replica *p, const struct waiter *w, int64_t at_ns)
{
	const uint32_t seq = w->seq == SEQ_NONE ? replica_make(p, w) : w->seq;

	p->books.refused++;
	run_ended(p->run, seq, REQUEST_REFUSED, at_ns);
}

/* ---- hand-overs ---- */

void replica_depart(struct replica *p, uint32_t seq, int64_t at_ns)
{
	struct seq *s = seq_at(p->slab, seq);

	replica_sync(p, at_ns);
	replica_kv_changes(p, at_ns);
	unlist(p, seq);
	release_kv(p, s);
	leave(p, seq);
	replica_load(p, &s->r, -1);
	replica_wake(p, at_ns);
	replica_tell(p, at_ns);
}

void replica_decode(struct replica *p, uint32_t seq)
{
	struct seq *s = seq_at(p->slab, seq);

	join(p, seq);
	s->computed = s->goal;
	s->t.replica = p->index;
	decodes_put(&p->dec, seq);
	s->late = true; /* its gap holds the transfer, and the wait until it was admitted */
	VEC_ADD(&p->late, seq);
}

/* ---- the end of the run, and of a machine ---- */

/* Reading starts again elsewhere: prompt, and what was given of the answer. */
static void lose(struct replica *p, uint32_t seq, struct clock last)
{
	struct seq *s = seq_at(p->slab, seq);

	if (s->state == SEQ_DECODING && !s->late)
		s->last = last;
	unlist(p, seq);
	s->late = false;
	if (s->state == SEQ_MOVING && s->t.first_ns < 0)
		s->left++; /* nobody has seen the token */
	s->goal = s->r.prompt + s->limit - s->left;
	kv_drop(&p->kv, s);
	s->computed = 0;
	s->state = SEQ_WAITING;
	replica_load(p, &s->r, -1);
}

void replica_go_down(struct replica *p, int64_t at_ns)
{
	VEC(uint32_t) lost = {0};
	struct clock last;
	uint32_t seq;

	replica_sync(p, at_ns);
	last = p->now;
	replica_halt(p, at_ns);
	replica_let_go(p, p->ended.n);
	if (p->run->transfers)
		transfers_down(p->run, p->index, at_ns);
	while ((seq = p->first) != SEQ_NONE) {
		lose(p, seq, last);
		leave(p, seq);
		VEC_ADD(&lost, seq);
	}
	for (size_t i = 0; i < p->arrived.n; i++) {
		lose(p, p->arrived.at[i], last);
		VEC_ADD(&lost, p->arrived.at[i]);
	}
	p->arrived.n = 0;
	while (replica_head(p, &seq)) {
		waiting_pop(&p->waiting);
		replica_load(p, &seq_at(p->slab, seq)->r, -1);
		VEC_ADD(&lost, seq);
	}
	replica_forget(p);
	replica_tell(p, at_ns);
	for (size_t i = 0; i < lost.n; i++)
		router_again(p->run->router, lost.at[i], at_ns);
	VEC_FREE(&lost);
}

/* In the queue, never admitted or preempted. */
static void clear_queue(struct replica *p, int64_t at_ns)
{
	uint32_t seq;

	while (replica_head(p, &seq)) {
		waiting_pop(&p->waiting);
		run_ended(p->run, seq, REQUEST_UNFINISHED, at_ns);
	}
}

void replica_stop(struct replica *p, int64_t at_ns)
{
	replica_halt(p, at_ns);
	replica_let_go(p, p->ended.n);
	while (p->first != SEQ_NONE) {
		const uint32_t seq = p->first;
		struct seq *s = seq_at(p->slab, seq);

		unlist(p, seq);
		s->t.tokens = s->limit - s->left;
		p->books.tokens += s->t.tokens;
		release_kv(p, s);
		leave(p, seq);
		run_ended(p->run, seq, REQUEST_UNFINISHED, at_ns);
	}
	for (size_t i = 0; i < p->arrived.n; i++) {
		struct seq *s = seq_at(p->slab, p->arrived.at[i]);

		release_kv(p, s);
		s->t.tokens = s->limit - s->left;
		p->books.tokens += s->t.tokens;
		run_ended(p->run, p->arrived.at[i], REQUEST_UNFINISHED, at_ns);
	}
	p->arrived.n = 0;
	clear_queue(p, at_ns);
}
