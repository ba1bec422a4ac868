/*
 * sched_vllm.c - the rules of vLLM's V1 scheduler; with other settings those of SGLang and TensorRT-LLM.
 *
 * The rules are those of Scheduler.schedule() in vllm/v1/core/sched/scheduler.py, read at commit
 * 00024d314514900f361ad072af6931e403b7f589. Line by line it walks over the running requests in the order of
 * admission. Here that walk is made only where its outcome hangs on the order: when the budget or the KV
 * blocks do not suffice for everybody. Else sums are enough.
 */
#include "sim/base/err.h"
#include "sim/base/least.h"
#include "sim/serve/prefix_order.h"
#include "sim/serve/replica.h"

/* What a prompt asks for: the rest, at most long_prefill_token_threshold. */
static int64_t asks(const struct replica *p, const struct seq *s)
{
	const int64_t rest = s->goal - s->computed, most = p->set->long_prefill;

	return most && most < rest ? most : rest;
}

static int64_t blocks_lacking(const struct replica *p, const struct seq *s, int64_t tokens)
{
	return p->set->reserve_all
		       ? 0
		       : kv_own_blocks(&p->kv, s->computed + tokens, s->computed, s->shared) - s->blocks;
}

static void read_on(struct replica *p, uint32_t seq, int64_t tokens)
{
	struct seq *s = seq_at(p->slab, seq);
	const int64_t lacking = blocks_lacking(p, s, tokens);

	kv_take(&p->kv, lacking);
	s->blocks += lacking;
	replica_piece(p, seq, tokens);
}

/* ---- running requests, where there is enough for all ---- */

/* Is nobody who decodes behind this one in the order of admission? */
static bool none_behind(const struct replica *p, uint32_t seq)
{
	for (uint32_t i = p->last; i != seq; i = seq_at(p->slab, i)->before)
		if (seq_at(p->slab, i)->state == SEQ_DECODING)
			return false;
	return true;
}

/* Rows and blocks for everybody, in whatever order: true, and budget is what is left. */
static bool enough(const struct replica *p, int64_t *budget)
{
	int64_t left = *budget - p->dec.n, free = kv_free(&p->kv) - decodes_wanted(&p->dec, 0);

	if (p->set->draft || left < 0)
		return false;
	for (size_t i = 0; i < p->reading.n; i++) {
		const struct seq *s = seq_at(p->slab, p->reading.at[i]);
		const int64_t asked = asks(p, s), tokens = least(asked, left);

		/* one that is cut short leaves nothing to decodes behind it */
		if (tokens < asked && !none_behind(p, p->reading.at[i]))
			return false;
		left -= tokens;
		free -= blocks_lacking(p, s, tokens);
	}
	if (free < 0)
		return false;
	*budget = left;
	return true;
}

static void read_all(struct replica *p)
{
	int64_t left = p->set->batched_tokens - p->dec.n;

	for (size_t i = 0; i < p->reading.n && left > 0; i++) {
		const uint32_t seq = p->reading.at[i];
		const int64_t tokens = least(asks(p, seq_at(p->slab, seq)), left);

		read_on(p, seq, tokens);
		left -= tokens;
	}
}

/* ---- running requests one by one ---- */

struct walk {
	int64_t budget, free;
	bool preempted;
	bool emptied; /* others before it came to nothing */
};

/* Decodes keep in `place` how many rows they were given in this iteration, for those who look later. */
enum { NOT_SCHEDULED = 0 };

static int64_t lacking(const struct replica *p, const struct seq *s, int64_t tokens)
{
	if (s->state == SEQ_READING || p->set->reserve_all)
		return blocks_lacking(p, s, tokens);
	if (p->dec.block)
		return decodes_context(&p->dec, s) % p->kv.block == 0 ? kv_groups_n(&p->kv) : 0;
	/* drafts: places for all of them, accepted or not; what it has from last time it keeps */
	tokens = kv_blocks_for(&p->kv, decodes_context(&p->dec, s) + tokens) - s->blocks - s->shared;
	return tokens > 0 ? tokens : 0;
}

/* The last one admitted, or the greatest (priority, arrival); the number breaks ties. */
static bool goes_first(const struct request *a, const struct request *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->arrive_ns != b->arrive_ns ? a->arrive_ns > b->arrive_ns : a->id > b->id;
}

static int64_t answered(const struct replica *p, const struct seq *s)
{
	return s->limit - (s->state == SEQ_DECODING ? s->finish_at - p->dec.iteration : s->left);
}

/* SGLang retracts the shortest answer, of equal ones the longest prompt (ScheduleBatch.retract_decode(),
 * python/sglang/srt/managers/schedule_batch.py). */
static bool retracted_first(const struct replica *p, const struct seq *a, const struct seq *b)
{
	const int64_t x = answered(p, a), y = answered(p, b);

	return x != y ? x < y : a->r.prompt > b->r.prompt;
}

static uint32_t victim(const struct replica *p)
{
	uint32_t worst = SEQ_NONE;

	for (uint32_t i = p->last; i != SEQ_NONE; i = seq_at(p->slab, i)->before) {
		if (seq_at(p->slab, i)->state == SEQ_MOVING) /* its blocks are being read */
			continue;
		if (!p->set->by_priority && !p->set->prefill_first)
			return i;
		if (worst == SEQ_NONE ||
		    (p->set->prefill_first ? retracted_first(p, seq_at(p->slab, i), seq_at(p->slab, worst))
					   : goes_first(&seq_at(p->slab, i)->r, &seq_at(p->slab, worst)->r)))
			worst = i;
	}
	return worst;
}

static void unread(struct replica *p, uint32_t seq)
{
	size_t n = 0;

	for (size_t i = 0; i < p->reads.n; i++)
		if (p->reads.at[i].seq != seq)
			p->reads.at[n++] = p->reads.at[i];
	p->reads.n = n;
}

/* What it was given in this iteration goes back too. */
static void preempt(struct replica *p, struct walk *w, uint32_t seq)
{
	struct seq *s = seq_at(p->slab, seq);
	const bool on_demand = s->state == SEQ_DECODING && p->dec.block;
	const int64_t took = on_demand && s->place != NOT_SCHEDULED ? lacking(p, s, 1) : 0, used = p->kv.used;

	w->budget += s->place;
	w->preempted = true;
	unread(p, seq);
	if (s->state ==
	    SEQ_ENDED) /* one of `running` to vLLM: it loses its blocks, and the next output ends it */
		replica_let_go_of(p, seq);
	else
		replica_preempt(p, seq);
	w->free += used - p->kv.used + took;
}

static void grant(struct replica *p, struct walk *w, uint32_t seq, int64_t tokens, int64_t blocks)
{
	struct seq *s = seq_at(p->slab, seq);

	w->free -= blocks;
	w->budget -= tokens;
	s->place = (uint32_t)tokens;
	if (s->state == SEQ_READING) {
		read_on(p, seq, tokens);
	} else if (!p->dec.block) {
		kv_take(&p->kv, blocks);
		s->blocks += blocks;
	}
}

/* False: it preempted itself, nobody after it is looked at. */
static bool schedule(struct replica *p, struct walk *w, uint32_t seq)
{
	struct seq *s = seq_at(p->slab, seq);
	const int64_t asked = s->state == SEQ_READING ? asks(p, s) : p->set->draft + 1;
	const int64_t tokens = least(asked, w->budget);
	int64_t blocks = lacking(p, s, tokens);

	while (blocks > w->free) {
		const uint32_t out = victim(p);

		preempt(p, w, out);
		if (out == seq)
			return false;
	}
	grant(p, w, seq, tokens, blocks);
	return true;
}

/* Decodes that were not come to do not run in this iteration. */
static void stall_rest(struct replica *p)
{
	for (uint32_t i = p->first; i != SEQ_NONE; i = seq_at(p->slab, i)->after) {
		const struct seq *s = seq_at(p->slab, i);

		if (s->state == SEQ_DECODING && s->place == NOT_SCHEDULED)
			replica_stall(p, i);
	}
}

static bool wants_rows(const struct seq *s)
{
	return s->state != SEQ_MOVING && s->state != SEQ_ENDED;
}

static struct walk walk(struct replica *p)
{
	struct walk w = {p->set->batched_tokens, kv_free(&p->kv), false, false};

	for (uint32_t i = p->first; i != SEQ_NONE; i = seq_at(p->slab, i)->after)
		seq_at(p->slab, i)->place = NOT_SCHEDULED;
	for (uint32_t i = p->first; i != SEQ_NONE && w.budget > 0; i = seq_at(p->slab, i)->after)
		if (wants_rows(seq_at(p->slab, i)) && !schedule(p, &w, i))
			break;
	stall_rest(p);
	return w;
}

/* ---- waiting requests ---- */

/* Whole blocks of the prompt in the cache, but never all of it: the last token is computed for its logits
 * (KVCacheManager.get_computed_blocks(), vllm/v1/core/kv_cache_manager.py). */
static int64_t found(struct replica *p, const struct seq *s, int64_t *unused)
{
	return kv_match(&p->kv, &s->r, (s->goal - 1) / p->kv.block, unused);
}

/* Could an iteration read all that it has to read, if nothing of it were in the cache? */
static bool reads_at_once(const struct replica *p, const struct seq *s, int64_t budget)
{
	return s->goal <= budget && (!p->set->long_prefill || s->goal <= p->set->long_prefill);
}

/* Blocks that must be free for all that it has to read, of which the first `hit` were found. In a windowed group no more
 * than it ever holds there (full_sequence_must_fit of KVCacheManager.allocate_slots(), vllm/v1/core/kv_cache_manager.py
 * of vllm-project/vllm@003df296, where scheduler_reserve_full_isl is on: vllm 0.19 starts so). */
static int64_t whole_blocks(const struct replica *p, const struct seq *s, int64_t hit)
{
	const struct kv_groups *g = &p->kv.groups;
	const int64_t all = kv_token_blocks(&p->kv, s->goal), full = g->full * (all - hit) + p->kv.state;
	int64_t held, there;

	if (!g->windowed)
		return full;
	held = least(all, settings_held(p->set));
	there = kv_passed(g, p->kv.block, s->computed);
	there = there > hit ? there : hit;
	return full + (held > there ? g->windowed * (held - there) : 0);
}

/* Blocks that must be free when it is admitted, beyond those it finds. */
static int64_t must_be_free(const struct replica *p, const struct seq *s, int64_t hit, int64_t blocks)
{
	const int64_t whole = p->set->whole_prompt ? whole_blocks(p, s, hit) : 0;

	return whole > blocks ? whole : blocks;
}

/* The head is admitted and reads, or it blocks those behind it: false. */
static bool admit_head(struct replica *p, int64_t *budget, int64_t *free)
{
	uint32_t seq;
	int64_t unused, asked, tokens, blocks, lacks;
	struct seq *s = replica_head(p, &seq);
	const int64_t hit = found(p, s, &unused);

	s->computed = hit * p->kv.block;
	asked = asks(p, s);
	tokens = least(asked, *budget);
	blocks = kv_own_blocks(&p->kv, p->set->reserve_all ? s->r.prompt + s->limit : s->computed + tokens,
			       s->computed, hit);
	/* What it would find may be taken by the decodes, and it has to compute that much more. As long as one iteration
	 * reads all of it the blocks that it lacks stay as many; else it needs less then, and the next iteration asks. */
	if (unused && (!reads_at_once(p, s, *budget) || p->kv.groups.windowed))
		p->steps = 1;
	if (p->set->no_chunks && tokens < asked)
		return false;
	lacks = must_be_free(p, s, hit, blocks) + unused - *free;
	if (lacks > 0) {
		p->steps = least(p->steps, decodes_frees(&p->dec, lacks));
		return false;
	}
	replica_admit(p, seq, s->computed);
	kv_hold(&p->kv, s, hit);
	kv_take(&p->kv, blocks);
	s->blocks = blocks;
	*free -= blocks + unused;
	*budget -= tokens;
	replica_piece(p, seq, tokens);
	return true;
}

/* ---- SGLang's allowance for what running requests have yet to answer ---- */

/* PrefillAdder in python/sglang/srt/managers/schedule_policy.py, read at commit
 * 00550cd11b35def9d584bf761a1e32729c20a21d, and NewTokenRatioTracker in
 * scheduler_components/new_token_ratio_tracker.py beside it. */
static void set_ahead(struct replica *p, double share)
{
	p->ahead.share = share < 1 ? share : 1;
	p->ahead.since = p->dec.iteration;
}

static double ahead(const struct replica *p)
{
	const struct serve_settings *s = p->set;
	const double gone = (double)(p->dec.iteration - p->ahead.since);
	double share = p->ahead.share;

	if (!s->ahead_steps)
		return s->ahead;
	share -= gone * (s->ahead - s->ahead_least) / (double)s->ahead_steps;
	return share > s->ahead_least ? share : s->ahead_least;
}

/* After a retraction: what was answered and RETRACT_STEPS more of each, of all that is asked for. */
static void ahead_of_retracted(struct replica *p)
{
	enum { RETRACT_STEPS = 20 }; /* SGLANG_RETRACT_DECODE_STEPS, python/sglang/srt/environ.py @21ff4b08 */
	int64_t done = 0, asked = 1;

	for (uint32_t i = p->first; i != SEQ_NONE; i = seq_at(p->slab, i)->after) {
		if (seq_at(p->slab, i)->state == SEQ_ENDED)
			continue;
		done += answered(p, seq_at(p->slab, i)) + RETRACT_STEPS;
		asked += seq_at(p->slab, i)->limit;
	}
	set_ahead(p, (double)done / (double)asked);
}

/* Tokens that must stay free; they get fewer from iteration to iteration. */
static int64_t set_apart(struct replica *p)
{
	const int64_t to_go = p->dec.finish_sum - p->dec.n * p->dec.iteration;

	if (!p->running)
		set_ahead(p, p->set->ahead);
	if (p->set->ahead <= 0 || !to_go)
		return 0;
	p->steps = 1;
	return kv_token_blocks(&p->kv, (int64_t)((double)to_go * ahead(p)));
}

/* With asynchronous scheduling (EngineCore.step_with_batch_queue(), vllm/v1/engine/core.py of
 * vllm-project/vllm@ac3cb2e2, two batches in flight) this iteration was planned when the one before it began:
 * who has come since then is taken into the next one. */
static bool seen(struct replica *p)
{
	if (!p->set->async || waiting_head(&p->waiting)->queued_ns <= p->planned_ns)
		return true;
	p->steps = 1;
	return false;
}

static void admit(struct replica *p, int64_t budget)
{
	int64_t free;

	if (!waiting_n(&p->waiting) || budget <= 0 || replica_seats(p) >= p->set->seqs)
		return;
	if (p->set->longest_prefix && (p->kv.cache || p->kv.radix))
		prefix_order(p);
	free = kv_free(&p->kv) - (p->decodes_placed ? 0 : decodes_wanted(&p->dec, 0)) - set_apart(p);

	while (waiting_n(&p->waiting) && budget > 0 && replica_seats(p) < p->set->seqs)
		if (!seen(p) || !admit_head(p, &budget, &free))
			break;
}

/* ---- the pass ---- */

/* Rows are padded up to a captured graph's size: CudagraphDispatcher, vllm/v1/cudagraph_dispatcher.py;
 * batches with prompts are padded alike (piecewise graphs). Above the largest nothing is padded. */
static int64_t padding(const struct serve_settings *set, int64_t rows)
{
	size_t lo = 0, hi = set->graphs_n;

	while (lo < hi) {
		const size_t mid = (lo + hi) / 2;

		if (set->graphs[mid] < rows)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < set->graphs_n ? set->graphs[lo] - rows : 0;
}

static void plan(struct replica *p)
{
	struct batch_mix mix;
	int64_t rows;

	if (!p->dec.n && !p->reads.n)
		return;
	replica_mix(p, &mix);
	rows = mix.decodes * mix.rows_per_decode;
	p->pieces.n = 0;
	for (size_t i = 0; i < p->reads.n; i++) {
		const struct seq *s = seq_at(p->slab, p->reads.at[i].seq);
		const int64_t tokens = p->reads.at[i].tokens;

		VEC_ADD(&p->pieces,
			(struct prompt_piece){tokens, s->computed, s->computed + tokens == s->goal});
		rows += tokens;
	}
	mix.pieces = p->pieces.at;
	mix.pieces_n = p->pieces.n;
	mix.host_sequences += (int64_t)p->reads.n;
	mix.pad_rows = padding(p->set, rows);
	p->decodes_run = mix.decodes > 0;
	replica_pass(p, &mix);
}

/* A batch that was planned ahead and came out empty takes no time: the next one is planned when the one in flight is
 * over, and knows what there is then. */
static void plan_anew(struct replica *p)
{
	replica_let_go(p, p->ended.n);
	p->planned_ns = INT64_MAX;
	p->steps = INT64_MAX;
}

/* By priority the first to ask may be the one that has to go, and then nobody runs: vLLM runs an empty batch,
 * and schedules again. Each time there is one less. */
static struct walk walk_until_some_run(struct replica *p)
{
	struct walk w = walk(p);

	while (w.preempted && !p->dec.n && !p->reads.n) {
		while (p->stalled.n)
			replica_unstall(p);
		plan_anew(p);
		w = walk(p);
		w.emptied = true;
	}
	return w;
}

/* SGLang without mixed chunks: while there is a prompt to read, half-read or new, nobody decodes
 * (Scheduler.get_next_batch_to_run(), python/sglang/srt/managers/scheduler.py). */
static bool read_first(struct replica *p)
{
	int64_t budget = p->set->batched_tokens;

	for (size_t i = 0; i < p->reading.n && budget > 0; i++) {
		const struct seq *s = seq_at(p->slab, p->reading.at[i]);
		const int64_t tokens = least(asks(p, s), budget);

		if (blocks_lacking(p, s, tokens) > kv_free(&p->kv))
			break;
		read_on(p, p->reading.at[i], tokens);
		budget -= tokens;
	}
	admit(p, budget);
	if (!p->reads.n)
		return false;
	for (uint32_t i = p->first; i != SEQ_NONE; i = seq_at(p->slab, i)->after)
		if (seq_at(p->slab, i)->state == SEQ_DECODING)
			replica_stall(p, i);
	plan(p);
	return true;
}

static void compose_planned(struct replica *p)
{
	int64_t budget = p->set->batched_tokens;

	if (p->set->prefill_first && read_first(p))
		return;
	if (enough(p, &budget)) {
		read_all(p);
	} else {
		const struct walk w = walk_until_some_run(p);

		/* rule: nobody is admitted in an iteration that preempted somebody; the next one may */
		budget = w.preempted || (w.emptied && p->arrived.n) ? 0 : w.budget;
		if ((w.preempted || w.emptied) && p->set->ahead_steps)
			ahead_of_retracted(p);
		p->steps = 1;
	}
	if (waiting_n(&p->waiting)) {
		if (p->kv.cache) /* what they take is not found any more */
			replica_place_decodes(p);
		admit(p, budget);
	}
	plan(p);
}

static void compose(struct replica *p)
{
	compose_planned(p);
	if (p->fs || !p->set->async || p->planned_ns == INT64_MAX)
		return;
	plan_anew(p);
	compose_planned(p);
}

/* A prompt whose last piece is in the batch gives its token at the end of that iteration. */
static void after(struct replica *p, uint32_t seq)
{
	struct seq *s = seq_at(p->slab, seq);

	replica_name_blocks(p, s);
	if (s->computed == s->goal)
		replica_token(p, seq);
}

static bool open(const struct replica *p)
{
	return replica_seats(p) < p->set->seqs &&
	       (p->arrived.n || waiting_n(&p->waiting) == 1 || p->set->by_priority || p->set->longest_prefix);
}

static bool join(struct replica *p, uint32_t seq)
{
	if (replica_seats(p) >= p->set->seqs)
		return false;
	replica_decode(p, seq);
	return true;
}

static int64_t hit(const struct replica *p, const struct request *r)
{
	int64_t unused;

	return p->kv.block * kv_find(&p->kv, r, (r->prompt - 1) / p->kv.block, &unused);
}

const struct scheduler scheduler_vllm = {
	.compose = compose, .after = after, .join = join, .open = open, .hit = hit};
